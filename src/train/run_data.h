/* SPDX-License-Identifier: Apache-2.0 */
/* run_data.h: what a run trains and validates on, whatever kind of data it is, and a thread that draws ahead.
 *
 * A kind of data is one row of a table (run_data.c) and one file (data_images.c, data_table.c): it opens the
 * configured data as task sources and describes it for the model. */
#ifndef GOSS_TRAIN_RUN_DATA_H
#define GOSS_TRAIN_RUN_DATA_H

#include <signal.h>

#include "gossamer/config.h"
#include "gossamer/image_task.h"
#include "gossamer/model.h"
#include "gossamer/safetensors.h"
#include "gossamer/table_data.h"
#include "gossamer/train.h"
#include "task/task_pack.h"
#include "train/run_settings.h"

typedef struct goss__run_data goss__run_data;

/* Cache of decoded data, and cancellation. */
typedef struct goss__run_place {
    const char *dir;                   /* NULL: in memory only */
    const volatile sig_atomic_t *stop; /* NULL: nothing */
    const goss_train_tasks *tasks;     /* a program's own; NULL: those of data.path */
    bool bare;                         /* without what is fitted for the model's file alone (baselines) */
} goss__run_place;

typedef struct goss__data_kind {
    const char *name;   /* what unused_keys.c calls it */
    bool lists_metrics; /* task.metric may name several: the first is validated */
    /* Checks a configuration before its data is opened, which may take long. */
    goss_status (*check)(const goss__run_settings *s, goss_error *err);
    /* Sets what is below `kind` in d. */
    goss_status (*open)(goss__run_data *d, const goss__run_settings *s, const goss__run_place *place, goss_error *err);
    void (*close)(goss__run_data *d);
    /* Test samples of the training tasks: support from the training samples, queries from the test samples, tasks in
     * order (source.tasks of them) with their numbers. NULL: the kind has none. Errors: GOSS_E_ARGUMENT where
     * nothing is kept apart, and others. Owns: goss_task_source_free. */
    goss_status (*test)(const goss__run_data *d, goss_task_source *out, goss_error *err);
    /* What was trained and validated on, as samples, and other notes of where a model comes from. */
    goss_status (*mark)(const goss__run_data *d, goss_model *m, goss_error *err);
    /* Writes and verifies the identity of the data beyond its hash. dir: of the run, for errors. Either may be NULL. */
    goss_status (*keep)(const goss__run_data *d, goss_tensor_file *file, goss_error *err);
    goss_status (*compare)(const goss__run_data *d, const goss_safetensors *checkpoint, const char *dir,
                           goss_error *err);
    /* What models say that their validation was on. */
    void (*validated_on)(const goss__run_data *d, const goss__run_settings *s, char *out, size_t size);
    bool pathless; /* data.path names nothing */
    /* Of samples in classes: their division. NULL: the kind has none. */
    const struct goss__class_data *(*classes)(const goss__run_data *d);
    const char *things;                     /* "images": what other ones than the checkpoint's run had are called */
    bool (*tests)(const goss__run_data *d); /* whether `test` has any; NULL: none */
} goss__data_kind;

extern const goss__data_kind goss__data_images, goss__data_image_tasks, goss__data_table, goss__data_prior,
    goss__data_own, goss__data_own_tables, goss__data_sound, goss__data_text, goss__data_ratings;

struct goss__run_data {
    const goss__data_kind *kind;
    void *own;                           /* the kind's */
    goss_data_spec spec;                 /* borrowed from it */
    goss_task_source source, validation; /* task k of `source` belongs to step k / tasks */
    bool validates;
    int judged;                    /* tasks that are validated on, 0 .. judged - 1 */
    const goss_metric *metric;     /* of the validation */
    const char *metrics;           /* of a kind that lists them */
    uint64_t hash;                 /* of the content */
    int tokens;                    /* samples are ids below it, for an embedding; 0: they are not */
    const goss_encoding *encoding; /* of texts and tables, borrowed from the data; NULL: there is none */
    char size[64], about[96];      /* "60 of 3"; "60 images of 3 classes" */
    uint64_t seed;
    int tasks;    /* of a step: train.tasks, or all */
    double mixup; /* train.mixup */
};

/* ---- data_guess.c ---- */
/* data.kind = auto: the kind of what is at a path; images where no reader takes it (goss_train_data_known). */
const goss__data_kind *goss__data_guess(const char *path);

/* ---- run_inputs.c ---- */
/* The key of the input (goss_train_input) that the file at a path is, by whatever name; NULL: of none. */
const char *goss__run_input_at(const goss_config *config, const char *path);

/* ---- run_data.c ---- */
/* The kind of what a configuration names, or of a program's own tasks. */
const goss__data_kind *goss__run_data_kind(const goss__run_settings *s, const goss_train_tasks *own);
/* The error of data: where no reader takes data.path, that of images was tried last, and s speaks of images alone. */
goss_status goss__run_refuse_unknown(const goss__run_settings *s, goss_status status, goss_error *err);
GOSS_MUST_USE goss_status goss__run_data_is_there(const goss__run_settings *s, goss_error *err);
goss_status goss__run_data_open(goss__run_data *d, const goss__run_settings *s, const goss__run_place *place,
                                goss_error *err);
void goss__run_data_close(goss__run_data *d);
/* Whether what is open has test samples, and they (goss__data_kind.test). Borrows d. */
bool goss__run_data_tests(const goss__run_data *d);
goss_status goss__run_data_test(const goss__run_data *d, goss_task_source *out, goss_error *err);
/* Draws the tasks of step k: a pure function of (seed, k). */
void goss__run_data_draw(const goss__run_data *d, uint64_t k, goss__task_pack *pack);
/* data_held.c: puts that many rows to validate on in front of each training task's queries, with weight 0. *has [ids]:
 * 1 for tasks that have some; the source's. Errors: GOSS_E_ARGUMENT where there are no such rows. */
goss_status goss__run_data_hold(goss__run_data *d, int rows, const float **has, goss_error *err);
/* Typed access to open data; NULL if it is of another kind. Borrowed. */
const goss_images *goss__data_images_set(const goss__run_data *d);
const goss_class_list *goss__data_images_classes(const goss__run_data *d, bool validated); /* trained on, or that */
const goss_table_data *goss__data_table_of(const goss__run_data *d);
/* The same of ratings; the others may be NULL. described: the table of descriptors, NULL: there is none. */
const goss_ratings *goss__data_ratings_of(const goss__run_data *d, const goss_catalogue **catalogue,
                                          const goss_task_division **division, const goss_table **described);
const goss_image_tasks *goss__data_image_tasks_of(const goss__run_data *d);
/* ---- what kinds share ---- */
/* Images as data.path and the keys about their format say. Owns: *set, goss_images_close. */
goss_status goss__run_open_images(const goss__run_settings *s, const goss__run_place *p, goss_split split,
                                  goss_images **set, goss_error *err);
/* Extents known before images are opened (0: unknown). */
goss_status goss__run_image_format(const goss__run_settings *s, goss_image_format *out, goss_error *err);
/* "12 inputs", or what texts become. Returns goss__run_data.tokens. */
int goss__describe_inputs(const goss_encoding *e, char *out, size_t size);
/* The file of a key is there, if one is named (NULL, "": none). */
goss_status goss__run_file_is_there(const char *key, const char *path, goss_error *err);
/* Whether the model reads descriptors of tasks (hyper.condition = descriptor). */
bool goss__run_sees_descriptors(const goss__run_settings *s);
/* Whether the model does, or a regulariser, in training alone. */
bool goss__run_reads_descriptors(const goss__run_settings *s);
/* data.descriptor is there, and hypernetworks read it. Errors: GOSS_E_IO; GOSS_E_ARGUMENT. */
goss_status goss__run_check_descriptor(const goss__run_settings *s, goss_error *err);

/* Prefetch thread: draws step k + 1 while step k is trained on. */
typedef struct goss__feed goss__feed;
goss_status goss__feed_start(const goss__run_data *d, uint64_t first, goss__feed **out, goss_error *err);
void goss__feed_stop(goss__feed *f); /* NULL allowed */
/* The next step's batch, valid until the call after. Waits for it. */
const goss__task_pack *goss__feed_next(goss__feed *f);
#endif
