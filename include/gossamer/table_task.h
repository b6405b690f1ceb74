/* SPDX-License-Identifier: Apache-2.0 */
/* table_task.h: the rows of a table as tasks.
 *
 * A task is the set of rows with one value of a column (a patient, a school), or one file of a folder. A task set
 * (goss_table_tasks) groups and orders rows; a division assigns tasks to training, validation and test; a transform,
 * fitted on the rows of training tasks alone, turns rows into numbers and is stored with a model; a task source
 * (task.h) draws from all of them. table_data.h does these steps together.
 *
 *     GOSS_TRY(goss_table_tasks_open(table, &roles, "random", &tasks, err));
 *     goss_task_division_options d = goss_task_division_defaults();
 *     GOSS_TRY(goss_table_tasks_divide(tasks, &d, &division, err));                // a tenth of the tasks held out
 *     GOSS_TRY(goss_table_transform_fit(tasks, &roles, division.train.tasks, division.train.n, NULL, &transform, err));
 *     goss_table_source_options o = goss_table_source_defaults();
 *     o.tasks = division.train.tasks, o.n_tasks = division.train.n;
 *     GOSS_TRY(goss_table_source_open(tasks, transform, &o, &source, NULL, err));
 *
 * A model stores the transform; another table is then read by it:
 *
 *     goss_table_needs needs = {.task = true, .target = true};
 *     GOSS_TRY(goss_table_transform_roles(transform, other, needs, &roles, NULL, err));      // columns by name
 *     GOSS_TRY(goss_table_transform_apply(transform, other, rows, n, x, NULL, err));         // x [n, width]
 *     GOSS_TRY(goss_table_transform_targets(transform, other, rows, n, y, err));             // y [n]
 *
 * Tasks are numbered from 0 in the order of their first rows, rows as in the table. Errors name file and line.
 *
 * Threads: transforms, task sets and descriptors may be used by any number of threads; a source belongs to one. Tables
 * are borrowed and must outlive what was opened over them. Indices must be in range (asserted); names are borrowed. */
#ifndef GOSSAMER_TABLE_TASK_H
#define GOSSAMER_TABLE_TASK_H

#include "gossamer/series.h"
#include "gossamer/table.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- task sets ---- */

/* The rows of a table, grouped into tasks. */
typedef struct goss_table_tasks goss_table_tasks;

/* The order of a task's rows; support rows precede query rows in it. */
typedef enum goss_task_order_kind {
    GOSS_ORDER_RANDOM, /* drawn anew for each task drawn */
    GOSS_ORDER_FIRST,  /* that of the file */
    GOSS_ORDER_COLUMN  /* ascending in a column of numbers or dates; ties in the order of the file */
} goss_task_order_kind;

/* Groups rows by roles->task. Rows without a target or a task are excluded and counted. order: "random" (or NULL),
 * "first" or the name of a column. Errors: GOSS_E_ARGUMENT: no task column, no target, a table without a task; an order
 * column that does not exist, holds texts, has a missing value, or a date that may be several (with file and line).
 * Owns: goss_table_tasks_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_tasks_open(const goss_table *table, const goss_roles *roles,
                                                         const char *order, goss_table_tasks **out, goss_error *err);
/* Frees a task set, not its table. NULL is allowed. */
GOSS_API void goss_table_tasks_free(goss_table_tasks *t);
/* The table. Borrowed. */
GOSS_API const goss_table *goss_table_tasks_table(const goss_table_tasks *t);
/* The number of tasks. */
GOSS_API int goss_table_tasks_count(const goss_table_tasks *t);
/* The name of a task: the value of the task column. */
GOSS_API const char *goss_table_tasks_name(const goss_table_tasks *t, int task);
/* The task of that name; -1 if there is none. */
GOSS_API int goss_table_tasks_find(const goss_table_tasks *t, const char *name);
/* The rows of a task in its order (with GOSS_ORDER_RANDOM: that of the file), [*n]. Borrowed. */
GOSS_API const int32_t *goss_table_tasks_rows(const goss_table_tasks *t, int task, int *n);
/* The order of rows. */
GOSS_API goss_task_order_kind goss_table_tasks_order(const goss_table_tasks *t);
/* The order column; -1: there is none. */
GOSS_API int goss_table_tasks_order_column(const goss_table_tasks *t);
/* The numbers of excluded rows, by reason. Either pointer may be NULL. */
GOSS_API void goss_table_tasks_left_out(const goss_table_tasks *t, int *without_target, int *without_task);
/* The rows of tasks [n] (NULL: of all), in order, in `rows`, which has room for all. Returns their number. */
GOSS_API int goss_table_tasks_gather(const goss_table_tasks *t, const int32_t *tasks, int n, int32_t *rows);

/* ---- division into training, validation and test tasks ---- */

/* A list of tasks. */
typedef struct goss_task_list {
    int32_t *tasks; /* [n] ascending; owned by the list */
    int n;          /* 0: an empty list */
} goss_task_list;
/* Frees the array and empties the list. */
GOSS_API void goss_task_list_free(goss_task_list *list);

/* How tasks are divided; defaults in brackets. */
typedef struct goss_task_division_options {
    const char *train, *validate; /* files with a task per line; '#' starts a comment; NULL or "": none (NULL) */
    double hold_out; /* without a validation file: the share of tasks to validate on, at least one; 0: none (.1) */
    int fold, folds; /* cross-validation: part `fold` (from 1) of `folds` is the test; folds 0: no test (0, 0) */
    uint64_t seed;   /* of both draws; the parts do not depend on fold */
} goss_task_division_options;
/* The defaults. */
GOSS_API goss_task_division_options goss_task_division_defaults(void);

/* Three disjoint lists. */
typedef struct goss_task_division {
    goss_task_list train, validate, test; /* by what they are for */
} goss_task_division;
/* Divides tasks. Without files all tasks are for training, except those held out and the fold's. With `train` alone,
 * some of its tasks are held out, and tasks in neither list are the test; with `validate` alone, all others are for
 * training. Files and folds exclude each other. Errors: GOSS_E_ARGUMENT: an unknown task (FILE:LINE, with the nearest
 * name), one in both files, a fold out of range, more folds than tasks, no training task left; GOSS_E_IO. Owns:
 * goss_task_division_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_tasks_divide(const goss_table_tasks *t,
                                                           const goss_task_division_options *options,
                                                           goss_task_division *out, goss_error *err);
/* Frees the three lists. */
GOSS_API void goss_task_division_free(goss_task_division *d);
/* The tasks that a file lists, a name a line; '#' starts a comment. Errors: GOSS_E_ARGUMENT: an unknown task
 * (FILE:LINE, with the nearest name); GOSS_E_IO; GOSS_E_NOMEM. Owns: *out, goss_task_list_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_tasks_list(const goss_table_tasks *t, const char *path,
                                                         goss_task_list *out, goss_error *err);

/* A fold of cross-validation over rows: test set `fold` of `folds` disjoint ones, where share[2] is 1 / folds.
 * folds = 0: no folds. */
typedef struct goss_row_fold {
    int fold, folds; /* fold: from 1 */
} goss_row_fold;
/* Splits the rows of each task (and class) into shares for training, validation and test, in the order of the task, or
 * at random if it has none, as a function of the seed and the task's name. Afterwards sources draw support rows and
 * training queries from the first share alone. Errors: GOSS_E_ARGUMENT: negative shares, or a sum other than 1 (to
 * .001); folds of ordered rows, or folds that do not match share[2]. Threads: none may use t meanwhile. */
GOSS_API GOSS_MUST_USE goss_status goss_table_tasks_split(goss_table_tasks *t, const double share[3],
                                                          goss_row_fold fold, uint64_t seed, goss_error *err);
/* Divides the rows of each task by a column of the values "support" and "query", instead of a split: sources draw
 * support sets from the former, and queries from the latter. Errors: GOSS_E_ARGUMENT: no such column, another value or
 * none (with file and line). Threads: none may use t meanwhile. */
GOSS_API GOSS_MUST_USE goss_status goss_table_tasks_by_role(goss_table_tasks *t, const char *column, goss_error *err);
/* Leaves the rows of series that are samples (series.h): those with a history that the stride meets. The others remain
 * in windows. Before a split. Errors: those of goss_series_check; GOSS_E_ARGUMENT: no row is left. Threads: none may
 * use t meanwhile. */
GOSS_API GOSS_MUST_USE goss_status goss_table_tasks_by_series(goss_table_tasks *t, const goss_series_options *options,
                                                              goss_error *err);
/* The part of a split that a row belongs to. */
typedef enum goss_row_part {
    GOSS_PART_TRAIN,    /* support rows, and queries of training */
    GOSS_PART_VALIDATE, /* queries of validation */
    GOSS_PART_TEST      /* queries of the test (goss_run_samples_open) */
} goss_row_part;
/* The part of the i-th row of a task; GOSS_PART_TRAIN without a split. */
GOSS_API goss_row_part goss_table_tasks_part(const goss_table_tasks *t, int task, int i);
/* Whether a source (goss_table_source_open) draws from a task: it has `support` rows and one more, or where queries are
 * of another part (by roles: always) that many rows of the one and a row of the other. */
GOSS_API bool goss_table_tasks_enough(const goss_table_tasks *t, int task, int support, goss_row_part query_part);

/* ---- transforms ---- */

/* A fitted map from rows to inputs and targets, with the names of the columns that it reads. Immutable. */
typedef struct goss_table_transform goss_table_transform;

/* How a transform is fitted. */
typedef struct goss_table_transform_options {
    const goss_objective *objective;   /* NULL: classification if the target is a category or has two integers */
    const goss_text_options *texts;    /* the only input is a column of texts; NULL: there are none */
    const goss_series_options *series; /* rows are steps of series; its target is set where numbers are forecast with a
                                          horizon, or several. NULL: a row is a row */
} goss_table_transform_options;

/* Fits a transform to the rows of tasks [n] (NULL: all): inputs by goss_encoding_fit, without columns that are constant
 * or empty there; the classes of the target, or its mean and deviation. options: may be NULL.
 * Errors: GOSS_E_ARGUMENT: no input column left, a target that does not fit the objective, a single class, numbers that
 * single precision does not tell apart; errors of goss_encoding_fit. Owns: goss_table_transform_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_fit(const goss_table_tasks *t, const goss_roles *roles,
                                                            const int32_t *tasks, int n,
                                                            const goss_table_transform_options *options,
                                                            goss_table_transform **out, goss_error *err);
/* Frees a transform; NULL is allowed. */
GOSS_API void goss_table_transform_free(goss_table_transform *f);
/* The transform as text, for a model file. Errors: GOSS_E_NOMEM. Owns: goss_text_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_text(const goss_table_transform *f, char **text,
                                                             goss_error *err);
/* The transform from that text. Errors: GOSS_E_FORMAT; GOSS_E_UNSUPPORTED: a build without jansson.
 * Owns: goss_table_transform_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_parse(const char *text, goss_table_transform **out,
                                                              goss_error *err);

/* The encoding of its inputs, whose width (goss_encoding_width) is that of a sample's x. Borrowed. */
GOSS_API const goss_encoding *goss_table_transform_inputs(const goss_table_transform *f);
/* The objective: as given, or what the target suggested. Static storage. */
GOSS_API const goss_objective *goss_table_transform_objective(const goss_table_transform *f);
/* Whether targets are counted from origins: numbers that are forecast from their past (series.h). */
GOSS_API bool goss_table_transform_relative(const goss_table_transform *f);
/* The name of the target column; of a language model that of the texts. */
GOSS_API const char *goss_table_transform_target(const goss_table_transform *f);
/* The name of the task column. */
GOSS_API const char *goss_table_transform_task(const goss_table_transform *f);
/* The order: "random", "first" or the name of a column. */
GOSS_API const char *goss_table_transform_order(const goss_table_transform *f);
/* The numbers of a target: the horizons of a series, else 1; with classes these. */
GOSS_API int goss_table_transform_outputs(const goss_table_transform *f);
/* Mean and deviation [outputs] of the target, of regression, as goss_table_transform_targets gives it. Borrowed. */
GOSS_API goss_target_scale goss_table_transform_scale(const goss_table_transform *f);
/* The number of classes; 0: regression. */
GOSS_API int goss_table_transform_classes(const goss_table_transform *f);
/* The name of class i in [0, classes): the value of the target. */
GOSS_API const char *goss_table_transform_class(const goss_table_transform *f, int i);
/* The number of columns that are not inputs because they were constant in training. */
GOSS_API int goss_table_transform_dropped(const goss_table_transform *f);
/* The name of such a column, i in [0, dropped). */
GOSS_API const char *goss_table_transform_dropped_name(const goss_table_transform *f, int i);

/* The columns that another table must have; those not required have the role -1 if they are missing. */
typedef struct goss_table_needs {
    bool task;     /* to group rows into tasks; not needed for the rows of a single task */
    bool target;   /* to adapt and to evaluate; not needed to predict */
    bool order;    /* to order rows, unless the order is random or the file's */
    bool spelling; /* to write the rows again: goss_table_options.spelling */
} goss_table_needs;
/* The roles of another table's columns, by name. Unknown columns are IGNORED and, if there are any, listed in *extra
 * (goss_text_free; NULL: none). Errors: GOSS_E_ARGUMENT names all columns that are missing. Owns: goss_roles_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_roles(const goss_table_transform *f, const goss_table *table,
                                                              goss_table_needs needs, goss_roles *out, char **extra,
                                                              goss_error *err);
/* The inputs of rows [n]. Shapes: out [n, width of the inputs]. report: may be NULL. Errors: as goss_encoding_apply. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_apply(const goss_table_transform *f, const goss_table *table,
                                                              const int32_t *rows, int n, float *out,
                                                              goss_encoding_report *report, goss_error *err);
/* The targets of rows [n], as numbers in their unit (counted from their origins, if goss_table_transform_relative) or
 * as class numbers. Shapes: out [n]; [n, outputs] of several horizons, NaN where the table has no such row, or it no
 * target. Errors: GOSS_E_ARGUMENT: no column of targets, or texts where numbers were learned; with file and line: a
 * missing target (of the nearest horizon), a class that was not in training, a row without a value before it that it
 * could be forecast from. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_targets(const goss_table_transform *f, const goss_table *table,
                                                                const int32_t *rows, int n, float *out,
                                                                goss_error *err);
/* Hashes of rows [n] by inputs and target, by which models record what they have seen. Shapes: out [n].
 * Errors: GOSS_E_ARGUMENT: a missing column; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_hashes(const goss_table_transform *f, const goss_table *table,
                                                               const int32_t *rows, int n, uint64_t *out,
                                                               goss_error *err);

/* ---- descriptors ---- */

/* Side information on tasks: a second table with a row per task, named by its task column, encoded like a transform's
 * inputs. Immutable. */
typedef struct goss_descriptors goss_descriptors;

/* Fits descriptors to the rows of tasks [n] of t (NULL: all). The task column has the same name as in t.
 * Errors: GOSS_E_ARGUMENT: no such column, two rows for a task, a task without a row, no column left.
 * Owns: goss_descriptors_free. */
GOSS_API GOSS_MUST_USE goss_status goss_descriptors_fit(const goss_table *table, const goss_table_tasks *t,
                                                        const int32_t *tasks, int n, goss_descriptors **out,
                                                        goss_error *err);
/* Frees descriptors; NULL is allowed. */
GOSS_API void goss_descriptors_free(goss_descriptors *d);
/* The length of a descriptor, as goss_task_spec.descriptor. */
GOSS_API int goss_descriptors_width(const goss_descriptors *d);
/* How the columns of the table are encoded. Borrowed. */
GOSS_API const goss_encoding *goss_descriptors_inputs(const goss_descriptors *d);
/* Descriptors as text, for a model file. Errors: GOSS_E_NOMEM. Owns: goss_text_free. */
GOSS_API GOSS_MUST_USE goss_status goss_descriptors_text(const goss_descriptors *d, char **text, goss_error *err);
/* Descriptors from that text. Errors: GOSS_E_FORMAT: a damaged text; GOSS_E_UNSUPPORTED: a build without jansson;
 * GOSS_E_NOMEM. Owns: *out, goss_descriptors_free. */
GOSS_API GOSS_MUST_USE goss_status goss_descriptors_parse(const char *text, goss_descriptors **out, goss_error *err);
/* The descriptor of a task in a table (task NULL: its only row, which then needs no column of tasks). Shapes: out
 * [width]: numbers are standardised, categories 0 or 1. Errors: GOSS_E_ARGUMENT: no row, or several, for the task;
 * those of goss_encoding_apply. */
GOSS_API GOSS_MUST_USE goss_status goss_descriptors_apply(const goss_descriptors *d, const goss_table *table,
                                                          const char *task, float *out, goss_error *err);
/* Those of tasks [n] of t (NULL: all), in one pass over the table. Shapes: out [n, width]; NULL: it is only checked
 * that all have one. Errors: the same, for the first task that has no row, or a second one; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_descriptors_apply_each(const goss_descriptors *d, const goss_table *table,
                                                               const goss_table_tasks *t, const int32_t *tasks, int n,
                                                               float *out, goss_error *err);

/* ---- task sources ---- */

/* What a source draws; defaults in brackets. */
typedef struct goss_table_source_options {
    const int32_t *tasks; /* [n_tasks]; NULL: all */
    int n_tasks;          /* not read if tasks is NULL */
    /* The number of rows of a support set is drawn from support .. most_support (5, 0). most_support 0:
     * always `support`; both 0: no support sets. */
    int support, most_support;
    int queries;              /* at most; 0: all other rows */
    goss_row_part query_part; /* with goss_table_tasks_split: the rows that queries are drawn from (TRAIN) */
    double thin, any;         /* with shuffle and an order: shares of the draws in which random rows of the task are
                                  removed and the others keep their order (.5), and with random support rows (0) */
    bool shuffle;             /* tasks in a random order, drawn anew for each pass over them; else in turn */
    bool number;              /* tasks have ids: their positions in `tasks` */
    const int64_t *numbers;   /* [n_tasks] their ids, -1: none; below `ids`. NULL: as `number` says */
    int64_t ids;              /* with numbers: how many ids there are (0) */
    uint64_t seed;            /* of all draws (0) */
    const goss_descriptors *descriptors; /* NULL: none */
    const goss_table *described;         /* the table of the descriptors */
} goss_table_source_options;
/* The defaults. */
GOSS_API goss_table_source_options goss_table_source_defaults(void);

/* A source of the tasks of a set, encoded by a transform: draw k is a pure function of options and k. With shuffle
 * every task is drawn once in each pass; without it draw k is task k % n. Support sets are the first rows of the task's
 * order, or random rows; queries are (drawn from) the rows in no support set that follow it in the order. Of several
 * horizons a support set knows what was measured up to its last row of a series, and not what its rows forecast beyond
 * that; nor does a part of a split know what follows it. Tasks with
 * too few rows for `support` rows and a query are excluded and counted in *skipped (may be NULL). Rows are encoded
 * once, here. Errors: GOSS_E_ARGUMENT: no task left, support above most_support; errors of the transform and of the
 * descriptors; GOSS_E_NOMEM. Owns:
 * goss_task_source_free. Borrows the names of t. */
GOSS_API GOSS_MUST_USE goss_status goss_table_source_open(const goss_table_tasks *t, const goss_table_transform *f,
                                                          const goss_table_source_options *options,
                                                          goss_task_source *out, int *skipped, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
