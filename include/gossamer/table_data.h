/* SPDX-License-Identifier: Apache-2.0 */
/* table_data.h: a table as the data of a training, and what of it travels with a model.
 *
 * goss_table_data is everything at once: it opens a table, finds roles, divides tasks, fits transform, descriptors and
 * baselines on the training tasks, and gives the sources of training and validation. goss_table_fit is what a model
 * keeps of it, as one text, and with which new rows are read.
 * Threads: what is open may be read by any number of threads. */
#ifndef GOSSAMER_TABLE_DATA_H
#define GOSSAMER_TABLE_DATA_H

#include "gossamer/baseline.h"
#include "gossamer/table_task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- for training ---- */

typedef struct goss_table_data_options {
    const char *path;          /* file, folder or .zip */
    const char *task, *target; /* columns; task may be "file"; NULL or "": guessed */
    const char *ignore;        /* lists of columns, as in goss_table_options; NULL or "": none */
    const char *categorical;
    const char *missing;                 /* as in goss_table_options; NULL or "": its default */
    const char *descriptor;              /* file with a row a task; NULL or "": none */
    const char *train_tasks, *val_tasks; /* files that list tasks; NULL or "": drawn */
    double hold_out;                     /* share of the tasks that are validated on (.1) */
    int fold, folds;                     /* goss_task_division_options; with `split` goss_row_fold */
    double split[3];                     /* goss_table_tasks_split; all 0: none */
    const char *order;                   /* "random" (NULL), "first" or a column */
    int support, most_support;           /* goss_table_source_options (5, 0) */
    int queries;                         /* of a training task at most (64) */
    double thin, any;                    /* of goss_table_source_options (.5, 0) */
    const goss_objective *objective;     /* NULL: by the target */
    const char *metric;                  /* of that objective (goss_metric_find); NULL or "": its first */
    bool in_turns;                       /* the source that is trained on goes over the tasks in the order of their
                                            numbers and has all of them, instead of shuffling (false) */
    bool baselines;                      /* fit them (true); takes seconds */
    uint64_t seed;                       /* (1) */
} goss_table_data_options;
GOSS_API goss_table_data_options goss_table_data_defaults(void);

typedef struct goss_table_data goss_table_data;

/* Opens and fits. What was guessed, left out or dropped goes to the log. Errors: everything that goss_table_open,
 * goss_table_roles, table_task.h and baseline.h report, with the key that it is about. Owns: *out,
 * goss_table_data_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_data_open(const goss_table_data_options *options, goss_table_data **out,
                                                        goss_error *err);
GOSS_API void goss_table_data_free(goss_table_data *d); /* NULL allowed */

/* The source that is trained on: tasks shuffled each time round, with numbers. Owns: goss_task_source_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_data_train(const goss_table_data *d, goss_task_source *out,
                                                         goss_error *err);
/* Whether there is something to validate on: held-out tasks or, with a split inside of tasks, held-out rows. */
GOSS_API bool goss_table_data_validates(const goss_table_data *d);
/* Its source: tasks in turns (task k % .tasks), support sets of the sizes that are trained with, all other rows (500 at
 * most) as queries. Tasks have numbers where they are training tasks (a split inside of tasks), else none. */
GOSS_API GOSS_MUST_USE goss_status goss_table_data_validate(const goss_table_data *d, goss_task_source *out,
                                                            goss_error *err);
/* The source of the rows that a split inside of tasks keeps apart for testing: tasks in turns with their numbers,
 * support sets as in training, all test rows of a task as queries. Errors: GOSS_E_ARGUMENT: there are no such rows. */
GOSS_API GOSS_MUST_USE goss_status goss_table_data_test(const goss_table_data *d, goss_task_source *out,
                                                        goss_error *err);
/* What a model keeps: goss_table_fit's text. Borrowed. */
GOSS_API const char *goss_table_data_text(const goss_table_data *d);
GOSS_API const char *goss_table_data_format(const goss_table_data *d); /* goss_table_format of its table */
GOSS_API uint64_t goss_table_data_hash(const goss_table_data *d);      /* of all rows, of tasks and of their use */
/* Hashes of rows (goss_table_transform_hashes) that are trained on, or validated on. Borrowed, [*n]. */
GOSS_API const uint64_t *goss_table_data_rows(const goss_table_data *d, bool validated, size_t *n);
GOSS_API const goss_table_tasks *goss_table_data_tasks(const goss_table_data *d);
GOSS_API const goss_task_division *goss_table_data_division(const goss_table_data *d);
GOSS_API const goss_table_transform *goss_table_data_transform(const goss_table_data *d);

/* ---- for a model ---- */

typedef struct goss_table_fit {
    goss_table_transform *transform;
    goss_baselines *baselines;     /* NULL: none were fitted */
    goss_descriptors *descriptors; /* NULL: none */
    char *missing;                 /* of goss_table_options; NULL: its default */
    const goss_metric *metric;     /* what it is judged by */
    char **task_names;             /* [ids] of the tasks that were trained on, by their numbers */
    int ids;
    int support, most_support; /* of training */
} goss_table_fit;
/* Errors: GOSS_E_FORMAT; GOSS_E_UNSUPPORTED without the JSON library. Owns: *out, goss_table_fit_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_parse(const char *text, goss_table_fit **out, goss_error *err);
GOSS_API void goss_table_fit_free(goss_table_fit *f); /* NULL allowed */

/* Opens another table as the fitted one was read and matches its columns by name; columns that nobody knows are told in
 * a warning. Errors: goss_table_open; goss_table_transform_roles. Owns: *table goss_table_close, *roles
 * goss_roles_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_open(const goss_table_fit *f, const char *path,
                                                       goss_table_needs needs, goss_table **table, goss_roles *roles,
                                                       goss_error *err);
/* The rows of one task, all of them support, as a source without queries: for adapting. The file may have the task
 * column or not; a task that was trained on has its number there. descriptors: a table of them, NULL or "": none. name:
 * NULL, or gets the task's name (goss_text_free), "" where the file has none. Errors: also rows of several tasks (with
 * two of their names), no row with a target, a descriptor that is needed and not given. Owns: goss_task_source_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_support(const goss_table_fit *f, const char *path,
                                                          const char *descriptors, goss_task_source *out, char **name,
                                                          goss_error *err);
/* All rows of a file as inputs: *x [rows, width] (goss_table_rows_free), and the table itself to write them beside.
 * Values that training has not seen are told in a warning. A target need not be there, nor a task. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_rows(const goss_table_fit *f, const char *path, goss_table **table,
                                                       float **x, goss_error *err);
GOSS_API void goss_table_rows_free(float *x);

#ifdef __cplusplus
}
#endif
#endif
