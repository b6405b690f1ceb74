/* SPDX-License-Identifier: Apache-2.0 */
/* image_task.h: image tasks that are trained together: each has its own classes, and images of every class for
 * training, validation and test.
 *
 * Tasks are given by a file (task,class[,label]: classes with the same label are one output) or by folders: the first
 * level of the classes' names is the task, and its classes are the folders below; or all classes are one task.
 * Examples are alphabets of characters, domains of products, two-class problems over the classes of one data set. If
 * class w of different tasks is unrelated (goss_task_spec.task_classes), a network needs a head per task.
 *
 *     goss_image_tasks_options o = goss_image_tasks_defaults();
 *     o.split[0] = .6, o.split[1] = .15, o.split[2] = .25;                    // shares of each class's images
 *     GOSS_TRY(goss_image_tasks_open(set, &o, &tasks, err));
 *     goss_image_source_options s = goss_image_source_defaults();             // part: GOSS_PART_TRAIN
 *     GOSS_TRY(goss_image_tasks_source(tasks, &s, &source, err));
 *
 * Threads: task sets may be used by any number of threads, a source by one. */
#ifndef GOSSAMER_IMAGE_TASK_H
#define GOSSAMER_IMAGE_TASK_H

#include "gossamer/data.h"
#include "gossamer/table_task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What tasks are; defaults in brackets. */
typedef struct goss_image_tasks_options {
    const char *file;  /* table with columns task, class and, if need be, label; NULL or "": folders are tasks */
    bool whole;        /* without `file`: all classes are one task, "all" (false) */
    const char *tasks; /* file that lists tasks, one a line: only these; NULL or "": all */
    /* Shares of each class's images for training, validation and test. All 0: a set with folders train and val or test
     * (GOSS_SPLIT_EACH) is divided by them. Of such a set, the share of a part that has a folder is 0. */
    double split[3];
    int per_class; /* images of a class that are taken, before it is divided; those of folders val and test are taken
                      all. 0: all */
    uint64_t seed; /* of what is taken and of the division (1) */
} goss_image_tasks_options;
/* The defaults. */
GOSS_API goss_image_tasks_options goss_image_tasks_defaults(void);

/* Tasks over a set of images, with the split of their classes. */
typedef struct goss_image_tasks goss_image_tasks;

/* Determines tasks and splits their classes. Tasks are in the order of the file, or of their names; so are a task's
 * classes. The images used of a class depend on the seed and its name alone, not on the task; with shares .6, .15, .25
 * and .75, 0, .25 the test images are the same. options: NULL: the defaults.
 *
 * Errors: GOSS_E_ARGUMENT and GOSS_E_FORMAT with FILE:LINE: a class that the set lacks (with near names), one that is
 * in a task twice, a column that is missing; a task with fewer than two outputs; a class with too few images for its
 * shares; a class without a folder above it. Owns: *out, goss_image_tasks_free; borrows the set. */
GOSS_API GOSS_MUST_USE goss_status goss_image_tasks_open(const goss_images *set,
                                                         const goss_image_tasks_options *options,
                                                         goss_image_tasks **out, goss_error *err);
/* Frees the tasks, not the set; NULL is allowed. */
GOSS_API void goss_image_tasks_free(goss_image_tasks *t);

/* The number of tasks. */
GOSS_API int goss_image_tasks_count(const goss_image_tasks *t);
/* The set. Borrowed. */
GOSS_API const goss_images *goss_image_tasks_set(const goss_image_tasks *t);
/* The name of a task. Borrowed. */
GOSS_API const char *goss_image_tasks_name(const goss_image_tasks *t, int task);
/* The number of outputs of a task, at least 2. */
GOSS_API int goss_image_tasks_outputs(const goss_image_tasks *t, int task);
/* The name of an output: its label, or its class. Borrowed. */
GOSS_API const char *goss_image_tasks_output_name(const goss_image_tasks *t, int task, int output);
/* The images of a part of a task, as indices of the set, and their outputs. Borrowed, [*n]; outputs may be NULL. */
GOSS_API const int32_t *goss_image_tasks_images(const goss_image_tasks *t, int task, goss_row_part part,
                                                const int32_t **outputs, int *n);
/* A hash of the set's content, of the tasks and of their division. */
GOSS_API uint64_t goss_image_tasks_hash(const goss_image_tasks *t);

/* The tasks and their output names as text for a model file (goss_data_spec.transform): csv with columns task, label.
 * Owns: *text, goss_csv_text_free. Errors: GOSS_E_NOMEM, GOSS_E_UNSUPPORTED (no csv library). */
GOSS_API GOSS_MUST_USE goss_status goss_image_tasks_text(const goss_image_tasks *t, char **text, goss_error *err);
/* The output names of one task in such a text, NULL-terminated; *n = 0 if the text has no such task. Owns: *names,
 * goss_image_names_free. Errors: GOSS_E_FORMAT, GOSS_E_NOMEM, GOSS_E_UNSUPPORTED (no csv library). */
GOSS_API GOSS_MUST_USE goss_status goss_image_task_names(const char *text, const char *task, char ***names, int *n,
                                                         goss_error *err);
GOSS_API void goss_image_names_free(char **names); /* NULL allowed */

/* What a source draws; defaults in brackets. */
typedef struct goss_image_source_options {
    goss_row_part part; /* TRAIN */
    /* The number of images per draw, at most: the images of a task are drawn without replacement, in a new random order
     * in each pass over them; 0: all of them in each draw. */
    int queries;
    bool shuffle;           /* tasks in a new random order in each pass over them; else in turn */
    float augment, elastic; /* as in goss_episode_spec (0) */
    bool mirror;            /* likewise (false) */
    uint64_t seed;          /* (1) */
} goss_image_source_options;
/* The defaults. */
GOSS_API goss_image_source_options goss_image_source_defaults(void);

/* One part of all tasks as a task source without support sets: queries are its images, tasks have ids. Errors:
 * GOSS_E_ARGUMENT: the part has no images. Owns: goss_task_source_free; borrows t. */
GOSS_API GOSS_MUST_USE goss_status goss_image_tasks_source(const goss_image_tasks *t,
                                                           const goss_image_source_options *options,
                                                           goss_task_source *out, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
