/* SPDX-License-Identifier: Apache-2.0 */
/* table_data.h: a table as training data, and the part of it that is stored with a model.
 *
 * goss_table_data combines the steps of table_task.h: it opens a table, assigns roles, divides tasks, fits transform,
 * descriptors and baselines on the training tasks, and yields the sources of training, validation and test.
 * goss_table_fit is what a model stores, as one text, and by which new rows are read:
 *
 *     goss_table_data_options o = goss_table_data_defaults();
 *     o.path = "school.csv", o.task = "school", o.target = "score";
 *     GOSS_TRY(goss_table_data_open(&o, &data, err));
 *     GOSS_TRY(goss_table_data_train(data, &source, err));
 *     ...
 *     GOSS_TRY(goss_table_fit_parse(goss_table_data_text(data), &fit, err));
 *     GOSS_TRY(goss_table_fit_support(fit, "new.csv", NULL, &support, NULL, err));      // to adapt to
 *     GOSS_TRY(goss_table_fit_rows(fit, "later.csv", &table, &x, err));                 // to predict
 *
 * Threads: open objects may be read by any number of threads. Accessors return borrowed objects. */
#ifndef GOSSAMER_TABLE_DATA_H
#define GOSSAMER_TABLE_DATA_H

#include "gossamer/baseline.h"
#include "gossamer/table_task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- for training ---- */

/* What is read and how; defaults in brackets. */
typedef struct goss_table_data_options {
    const char *path;          /* file, folder or .zip */
    const char *task, *target; /* columns; task may be "file", or "all": one of all rows; NULL or "": inferred */
    const char *ignore;        /* lists of columns, as in goss_table_options; NULL or "": none */
    const char *categorical;
    const char *text;                    /* the column of texts, then the only input; NULL or "": none */
    goss_text_options texts;             /* how these become numbers */
    goss_series_options series;          /* rows are steps of series; window 0: they are not. task and target are set
                                            from those above; without `order` rows are in the order of time, except
                                            where each series is one sample */
    const char *role;                    /* goss_table_tasks_by_role; NULL or "": none */
    const char *missing;                 /* as in goss_table_options; NULL or "": its default */
    const char *descriptor;              /* file with a row per task; NULL or "": none */
    bool descriptor_in_training;         /* descriptors are for training alone: only tasks to train on have them, and
                                            the text leaves them out (false) */
    const char *train_tasks, *val_tasks; /* files that list tasks; NULL or "": drawn */
    double hold_out;                     /* share of the tasks for validation (.1) */
    int fold, folds;                     /* goss_task_division_options; with `split`: goss_row_fold */
    double split[3];                     /* goss_table_tasks_split; all 0: none */
    const char *order;                   /* "random" (NULL), "first" or a column */
    int support, most_support;           /* goss_table_source_options (5, 0) */
    int queries;                         /* of a training task at most (64) */
    double thin, any;                    /* of goss_table_source_options (.5, 0) */
    const goss_objective *objective;     /* NULL: by the target */
    const char *metric;                  /* of that objective (goss_metric_find), which may choose models
                                            (goss_metric_chooses); NULL or "": its first */
    bool in_turns;                       /* the source that is trained on goes over the tasks in the order of their
                                            numbers and has all of them, instead of shuffling (false) */
    bool baselines;                      /* fit them (true); takes seconds */
    uint64_t seed;                       /* (1) */
    int threads;                         /* that fit baselines; 0: GOSSAMER_THREADS, else one a processor */
} goss_table_data_options;
/* The defaults. */
GOSS_API goss_table_data_options goss_table_data_defaults(void);

/* An open, divided and fitted table. */
typedef struct goss_table_data goss_table_data;

/* Opens and fits. Inferred columns, excluded rows and dropped columns are reported in the log. Errors: those of
 * goss_table_open, goss_table_roles, table_task.h and baseline.h, with the key concerned.
 * Owns: goss_table_data_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_data_open(const goss_table_data_options *options, goss_table_data **out,
                                                        goss_error *err);
/* Frees the data; NULL is allowed. */
GOSS_API void goss_table_data_free(goss_table_data *d);

/* The training source: tasks with ids, shuffled anew for each pass (or all in turn: in_turns). Errors: as
 * goss_table_source_open; GOSS_E_ARGUMENT: in_turns and a task with too few rows. Owns: *out, goss_task_source_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_data_train(const goss_table_data *d, goss_task_source *out,
                                                         goss_error *err);
/* Whether there is validation data: held-out tasks or, with a split inside of tasks, held-out rows. */
GOSS_API bool goss_table_data_validates(const goss_table_data *d);
/* The validation source: tasks in turn (task k % .tasks), support sets of the training sizes, all other rows (500 at
 * most) as queries. Tasks have ids if they are training tasks (a split inside of tasks). Errors: as
 * goss_table_source_open. Owns: *out, goss_task_source_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_data_validate(const goss_table_data *d, goss_task_source *out,
                                                            goss_error *err);
/* Whether rows are kept apart for testing: by a split inside of tasks whose third share leaves some. */
GOSS_API bool goss_table_data_tests(const goss_table_data *d);
/* The test source of a split inside of tasks: tasks in turn with their ids, support sets as in training, all test rows
 * of a task as queries. Errors: GOSS_E_ARGUMENT: there are no such rows. Owns: goss_task_source_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_data_test(const goss_table_data *d, goss_task_source *out,
                                                        goss_error *err);
/* The text of goss_table_fit, for a model. */
GOSS_API const char *goss_table_data_text(const goss_table_data *d);
/* The notation of the table (goss_table_format). */
GOSS_API const char *goss_table_data_format(const goss_table_data *d);
/* A hash of all rows, of the tasks and of their division. */
GOSS_API uint64_t goss_table_data_hash(const goss_table_data *d);
/* Hashes (goss_table_transform_hashes) of the rows for training, or for validation, [*n]. */
GOSS_API const uint64_t *goss_table_data_rows(const goss_table_data *d, bool validated, size_t *n);
/* The task set. */
GOSS_API const goss_table_tasks *goss_table_data_tasks(const goss_table_data *d);
/* The division of the tasks. */
GOSS_API const goss_task_division *goss_table_data_division(const goss_table_data *d);
/* The transform. */
GOSS_API const goss_table_transform *goss_table_data_transform(const goss_table_data *d);

/* ---- for a model ---- */

/* What a model stores of its table. */
typedef struct goss_table_fit {
    goss_table_transform *transform;
    goss_baselines **baselines;    /* [n_baselines] of each number of a target, or of its classes; NULL: none */
    int n_baselines;               /* 1, or the horizons of a series */
    goss_descriptors *descriptors; /* NULL: none */
    char *missing;                 /* of goss_table_options; NULL: its default */
    char *role;                    /* goss_table_tasks_by_role; NULL: none */
    const goss_metric *metric;     /* of evaluation */
    char **task_names;             /* [ids] of the training tasks, by id */
    int ids;
    int support, most_support; /* of training */
} goss_table_fit;
/* Parses the text of goss_table_data_text. Errors: GOSS_E_FORMAT; GOSS_E_UNSUPPORTED: a build without jansson.
 * Owns: goss_table_fit_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_parse(const char *text, goss_table_fit **out, goss_error *err);
/* Fits to rows [n] of a table that is one task, without a column of tasks (roles->task is -1), such as those that a
 * network is made from. Every row has a target. Errors: as goss_table_transform_fit. Owns: goss_table_fit_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_create(const goss_table *table, const goss_roles *roles,
                                                         const int32_t *rows, int n, const goss_objective *objective,
                                                         goss_table_fit **out, goss_error *err);
/* The fit as text, for goss_table_fit_parse. Errors: GOSS_E_NOMEM. Owns: goss_text_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_text(const goss_table_fit *f, char **text, goss_error *err);
/* Frees the fit; NULL is allowed. */
GOSS_API void goss_table_fit_free(goss_table_fit *f);

/* Opens another table like the fitted one and matches its columns by name; unknown columns cause a warning. Errors: as
 * goss_table_open and goss_table_transform_roles. Owns: goss_table_close, goss_roles_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_open(const goss_table_fit *f, const char *path,
                                                       goss_table_needs needs, goss_table **table, goss_roles *roles,
                                                       goss_error *err);
/* Warns in the log of cells of the inputs that training has not seen: categories, and missing ones where there were
 * none. path: for the message. Errors: as goss_table_transform_apply. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_review(const goss_table_fit *f, const char *path,
                                                         const goss_table *table, goss_error *err);
/* The rows of one task, all of them support, as a source without queries, for adaptation. The task column is optional;
 * a training task has its id. descriptors: a table of them, NULL or "": none. name: NULL, or receives the task's name
 * (goss_text_free), "" if the file has none. Repeated rows, rows of one class, and one row alone cause a warning.
 * Errors: as goss_table_fit_open; GOSS_E_ARGUMENT: rows of several tasks (with two names), no row with a target, a
 * missing descriptor. Owns: goss_task_source_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_support(const goss_table_fit *f, const char *path,
                                                          const char *descriptors, goss_task_source *out, char **name,
                                                          goss_error *err);
/* All rows of a file as inputs *x [rows, width], and the table itself. Unseen values cause a warning, and so do rows of
 * a series with equal times. Target and task are optional. Errors: as goss_table_fit_open,
 * goss_series_check. Owns: goss_table_close, goss_table_rows_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_rows(const goss_table_fit *f, const char *path, goss_table **table,
                                                       float **x, goss_error *err);
/* The origins [rows] that forecasts of all rows of a table are counted from (series.h): added to a network's numbers
 * they are the target's, and NaN says that a row has no history to be forecast from; NULL: predictions are as they are.
 * Errors: as goss_encoding_origins. Owns: goss_table_rows_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_origins(const goss_table_fit *f, const goss_table *table,
                                                          double **origins, goss_error *err);
/* The lengths [n] of inputs x [n, width] that are sequences (texts), for goss_predictor_predict_ragged; NULL: none are.
 * Errors: GOSS_E_NOMEM. Owns: goss_table_rows_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_fit_lengths(const goss_table_fit *f, const float *x, int n,
                                                          int32_t **lengths, goss_error *err);
/* Frees inputs or lengths; NULL is allowed. */
GOSS_API void goss_table_rows_free(void *x);

#ifdef __cplusplus
}
#endif
#endif
