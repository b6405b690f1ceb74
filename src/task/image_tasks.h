/* SPDX-License-Identifier: Apache-2.0 */
/* image_tasks.h: tasks of images inside: which classes belong to which task, before and after their images are divided.
 */
#ifndef GOSS_TASK_IMAGE_TASKS_H
#define GOSS_TASK_IMAGE_TASKS_H

#include "gossamer/image_task.h"

enum { GOSS__IMAGE_PARTS = 3 }; /* goss_row_part */

/* A class by its name, without the folder train, val or test in front where the set has such: its classes of the set by
 * part, -1: none. Without such folders all its images are at TRAIN. */
typedef struct goss__named_class {
    const char *name; /* borrowed from the set */
    int32_t cls[GOSS__IMAGE_PARTS];
} goss__named_class;

typedef struct goss__named_classes {
    goss__named_class *v; /* by name */
    const char **names;   /* [n] */
    int n;
    bool parts;                  /* the set has folders train and val or test */
    bool has[GOSS__IMAGE_PARTS]; /* which of them */
} goss__named_classes;

goss_status goss__named_classes_of(const goss_images *set, goss__named_classes *out, goss_error *err);
void goss__named_classes_free(goss__named_classes *c);
int goss__named_class_find(const goss__named_classes *c, const char *name); /* -1: there is none */

/* Output `output` of task `task` is class `cls`. Sorted by task. */
typedef struct goss__member {
    int task, cls, output;
    int64_t line; /* of the file that says so */
} goss__member;

typedef struct goss__image_plan {
    char **task; /* names */
    int tasks;
    char **output;    /* names, those of a task side by side */
    int *output_task; /* ascending */
    int outputs;
    goss__member *member;
    int members;
} goss__image_plan;

/* What options->file says, or the folders; of these the tasks that options->tasks lists. */
goss_status goss__image_plan_make(const goss_images *set, const goss__named_classes *classes,
                                  const goss_image_tasks_options *options, goss__image_plan *out, goss_error *err);
void goss__image_plan_free(goss__image_plan *p);

typedef struct goss__image_task {
    int first_output, outputs;
    int first[GOSS__IMAGE_PARTS], count[GOSS__IMAGE_PARTS]; /* of its images by part */
} goss__image_task;

struct goss_image_tasks {
    const goss_images *set;
    goss__image_plan plan;
    goss__image_task *task;  /* [plan.tasks] */
    int32_t *image, *output; /* images of the set, and which output of their task each is */
    int images;
};
#endif
