/* SPDX-License-Identifier: Apache-2.0 */
/* table_task.h: the rows of a table as tasks.
 *
 * A task is what one value of a column has (a patient, a school), or one file of a folder. A transform, fitted on the
 * rows of training tasks alone, makes numbers of rows and travels with a model; task sets group and order rows, are
 * divided into tasks to train on, to validate on and to keep apart, and give task sources (task.h).
 * Threads: transforms and task sets may be used by any number of threads. Tables are borrowed and must live as long as
 * what was opened over them. */
#ifndef GOSSAMER_TABLE_TASK_H
#define GOSSAMER_TABLE_TASK_H

#include "gossamer/table.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- tasks ---- */

typedef struct goss_table_tasks goss_table_tasks;

/* How the rows of a task are ordered, for support before query. */
typedef enum goss_task_order_kind {
    GOSS_ORDER_RANDOM, /* by draw */
    GOSS_ORDER_FIRST,  /* as in the file */
    GOSS_ORDER_COLUMN  /* by a column of numbers, ascending; equal ones as in the file */
} goss_task_order_kind;

/* Groups the rows by roles->task. Rows without a target or a task are left out and counted. order: "random" (also
 * NULL), "first" or the name of a column. Errors: GOSS_E_ARGUMENT: no task column, no target, a table without a task;
 * an order column that is not there, is no number, or misses a value (with file and line). Owns: *out,
 * goss_table_tasks_free; the table is borrowed. */
GOSS_API GOSS_MUST_USE goss_status goss_table_tasks_open(const goss_table *table, const goss_roles *roles,
                                                         const char *order, goss_table_tasks **out, goss_error *err);
GOSS_API void goss_table_tasks_free(goss_table_tasks *t); /* NULL allowed */
GOSS_API const goss_table *goss_table_tasks_table(const goss_table_tasks *t);
GOSS_API int goss_table_tasks_count(const goss_table_tasks *t);
GOSS_API const char *goss_table_tasks_name(const goss_table_tasks *t, int task);
GOSS_API int goss_table_tasks_find(const goss_table_tasks *t, const char *name); /* -1: there is none of that name */
/* The task's rows in its order (with GOSS_ORDER_RANDOM: the file's). Borrowed. */
GOSS_API const int32_t *goss_table_tasks_rows(const goss_table_tasks *t, int task, int *n);
GOSS_API goss_task_order_kind goss_table_tasks_order(const goss_table_tasks *t);
GOSS_API int goss_table_tasks_order_column(const goss_table_tasks *t); /* -1: none */
/* Rows that were left out. Any pointer may be NULL. */
GOSS_API void goss_table_tasks_left_out(const goss_table_tasks *t, int *without_target, int *without_task);
/* All rows of some tasks (NULL: of all), in their order: rows [at least as many]. Returns how many. */
GOSS_API int goss_table_tasks_gather(const goss_table_tasks *t, const int32_t *tasks, int n, int32_t *rows);

/* ---- which tasks are for what ---- */

typedef struct goss_task_list {
    int32_t *tasks; /* [n] ascending */
    int n;
} goss_task_list;
GOSS_API void goss_task_list_free(goss_task_list *list);

typedef struct goss_task_division_options {
    const char *train, *validate; /* files that list tasks, one a line, '#' begins a comment; NULL or "": none */
    double hold_out; /* where no file says what to validate on: this share of the tasks, one at least; 0: none (.1) */
    int fold, folds; /* part `fold` (from 1) of `folds` is kept apart as test; folds 0: nothing is (0, 0) */
    uint64_t seed;   /* of both draws; the parts do not depend on fold */
} goss_task_division_options;
GOSS_API goss_task_division_options goss_task_division_defaults(void);

/* Without files all tasks are trained on, but for those held out and the fold's. With `train` alone, some of those are
 * held out, and tasks in neither list are test; with `validate` alone, all others are trained on. Files and folds do
 * not go together. Errors: GOSS_E_ARGUMENT: an unknown task (FILE:LINE, with the nearest name), one in both files, a
 * fold that is not 1 .. folds, more folds than tasks, no task left to train on; GOSS_E_IO. Owns:
 * goss_task_list_free. */
typedef struct goss_task_division {
    goss_task_list train, validate, test;
} goss_task_division;
GOSS_API GOSS_MUST_USE goss_status goss_table_tasks_divide(const goss_table_tasks *t,
                                                           const goss_task_division_options *options,
                                                           goss_task_division *out, goss_error *err);
GOSS_API void goss_task_division_free(goss_task_division *d);
/* The tasks that a file lists, for --tasks. Errors: as above. */
GOSS_API GOSS_MUST_USE goss_status goss_table_tasks_list(const goss_table_tasks *t, const char *path,
                                                         goss_task_list *out, goss_error *err);

/* A split inside of tasks: shares of the rows of each task (and class) that are to train, validate and test on, as
 * data.split says. In an order the first rows are for training and the last for testing; else it is drawn. Afterwards
 * sources draw support and training queries from the first part alone. Errors: GOSS_E_ARGUMENT for shares below 0 or
 * whose sum is not 1 (up to .001). */
GOSS_API GOSS_MUST_USE goss_status goss_table_tasks_split(goss_table_tasks *t, const double share[3], uint64_t seed,
                                                          goss_error *err);
typedef enum goss_row_part { GOSS_PART_TRAIN, GOSS_PART_VALIDATE, GOSS_PART_TEST } goss_row_part;
/* The part of a task's i-th row; GOSS_PART_TRAIN without a split. */
GOSS_API goss_row_part goss_table_tasks_part(const goss_table_tasks *t, int task, int i);

/* ---- transform ---- */

typedef struct goss_table_transform goss_table_transform;

typedef struct goss_table_transform_options {
    const goss_objective *objective; /* NULL: classification if the target is a category or holds two whole numbers */
} goss_table_transform_options;

/* Fits on the rows of some tasks (NULL: all): inputs as goss_encoding_fit does, without columns that are constant there
 * or hold nothing; the target's classes, or its mean and deviation. Remembers the names of task, target and order
 * column and of those that are no inputs. Errors: GOSS_E_ARGUMENT: no input column is left; a target that does not fit
 * the objective; only one class; what goss_encoding_fit reports. Owns: *out, goss_table_transform_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_fit(const goss_table_tasks *t, const goss_roles *roles,
                                                            const int32_t *tasks, int n,
                                                            const goss_table_transform_options *options,
                                                            goss_table_transform **out, goss_error *err);
GOSS_API void goss_table_transform_free(goss_table_transform *f); /* NULL allowed */
/* As text, for a model file, and back. *text: goss_text_free. Errors of parse: GOSS_E_FORMAT, GOSS_E_UNSUPPORTED
 * without the JSON library. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_text(const goss_table_transform *f, char **text,
                                                             goss_error *err);
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_parse(const char *text, goss_table_transform **out,
                                                              goss_error *err);

GOSS_API const goss_encoding *goss_table_transform_inputs(const goss_table_transform *f);
GOSS_API const goss_objective *goss_table_transform_objective(const goss_table_transform *f);
GOSS_API const char *goss_table_transform_target(const goss_table_transform *f);
GOSS_API const char *goss_table_transform_task(const goss_table_transform *f);
GOSS_API const char *goss_table_transform_order(const goss_table_transform *f); /* "random", "first" or a column */
GOSS_API goss_target_scale goss_table_transform_scale(const goss_table_transform *f); /* of regression; borrowed */
GOSS_API int goss_table_transform_classes(const goss_table_transform *f);             /* 0: regression */
GOSS_API const char *goss_table_transform_class(const goss_table_transform *f, int i);
/* Columns that were there and are no inputs because they were constant in training. */
GOSS_API int goss_table_transform_dropped(const goss_table_transform *f);
GOSS_API const char *goss_table_transform_dropped_name(const goss_table_transform *f, int i);

/* The roles that a transform gives to the columns of another table, by name. need_task: the task column must be there
 * (else task is -1 where it is missing); need_target, need_order likewise. Columns it does not know are IGNORED and, if
 * there are any, named in *extra (goss_text_free; NULL: none). Errors: GOSS_E_ARGUMENT names all columns that are
 * missing. Owns: goss_roles_free. */
typedef struct goss_table_needs {
    bool task, target, order;
} goss_table_needs;
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_roles(const goss_table_transform *f, const goss_table *table,
                                                              goss_table_needs needs, goss_roles *out, char **extra,
                                                              goss_error *err);
/* Shapes: out [n, width of the inputs]. report may be NULL. Errors: as goss_encoding_apply. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_apply(const goss_table_transform *f, const goss_table *table,
                                                              const int32_t *rows, int n, float *out,
                                                              goss_encoding_report *report, goss_error *err);
/* Targets: numbers in their unit, or numbers of classes. out [n]. Errors: GOSS_E_ARGUMENT with file and line: a missing
 * target, or a class that training has not seen. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_targets(const goss_table_transform *f, const goss_table *table,
                                                                const int32_t *rows, int n, float *out,
                                                                goss_error *err);
/* Hashes of rows by what the model sees of them, inputs and target: whether a model was trained on a row is decided by
 * content. out [n]. Errors: GOSS_E_NOMEM; GOSS_E_ARGUMENT for a column that is missing. */
GOSS_API GOSS_MUST_USE goss_status goss_table_transform_hashes(const goss_table_transform *f, const goss_table *table,
                                                               const int32_t *rows, int n, uint64_t *out,
                                                               goss_error *err);

/* ---- descriptors ---- */

/* What is known of each task beside its rows: a second table with a row a task, of which the task column names the
 * task. Fitted like a transform's inputs, on the descriptors of training tasks. */
typedef struct goss_descriptors goss_descriptors;

/* Fits on the rows of the named tasks of t (NULL: all), whose column is called as in t. Errors: GOSS_E_ARGUMENT: no
 * such column, two rows for a task, a training task without a row, nothing left to describe by. */
GOSS_API GOSS_MUST_USE goss_status goss_descriptors_fit(const goss_table *table, const goss_table_tasks *t,
                                                        const int32_t *tasks, int n, goss_descriptors **out,
                                                        goss_error *err);
GOSS_API void goss_descriptors_free(goss_descriptors *d); /* NULL allowed */
GOSS_API int goss_descriptors_width(const goss_descriptors *d);
GOSS_API GOSS_MUST_USE goss_status goss_descriptors_text(const goss_descriptors *d, char **text, goss_error *err);
GOSS_API GOSS_MUST_USE goss_status goss_descriptors_parse(const char *text, goss_descriptors **out, goss_error *err);
/* Of the named task in a table (NULL: of its only row): out [width]. Errors: GOSS_E_ARGUMENT: there is no row or
 * several for it. */
GOSS_API GOSS_MUST_USE goss_status goss_descriptors_apply(const goss_descriptors *d, const goss_table *table,
                                                          const char *task, float *out, goss_error *err);

/* ---- a task source ---- */

typedef struct goss_table_source_options {
    const int32_t *tasks; /* [n_tasks]; NULL: all */
    int n_tasks;
    int support, most_support; /* rows of a support set, drawn between them (most_support 0: support); 0: no sets */
    int queries;               /* at most; 0: all other rows */
    goss_row_part query_part;  /* where a split inside of tasks says which rows are for what: TRAIN */
    double thin, any;          /* with shuffle and an order: shares of the draws in which rows of the task are left out
                                  at random and the others keep their order (.5), and in which any are support (0) */
    bool shuffle;              /* tasks come in an order that is drawn anew each time round; else in turns */
    bool number;               /* tasks have ids: their places in `tasks` */
    const int64_t *numbers;    /* [n_tasks] their ids, -1: none; below `ids`. NULL: as `number` says */
    int64_t ids;
    uint64_t seed;
    const goss_descriptors *descriptors; /* NULL: none */
    const goss_table *described;         /* the table with the descriptors */
} goss_table_source_options;
GOSS_API goss_table_source_options goss_table_source_defaults(void);

/* Draws tasks of a set as numbers: draw k is a pure function of the options and k. With shuffle draws go over all tasks
 * before one comes again; without it draw k is of task k % n. Support sets have the first rows of the task's order, or
 * rows drawn at random; queries are (drawn from) the rows that are in no support set, and behind it in the order.
 * Tasks with too few rows for one support row more than `support` are left out; *skipped (may be NULL) says how many.
 * Everything is encoded once, when the source is opened. Errors: GOSS_E_ARGUMENT: no task is left, a support above
 * most_support; what the transform reports. Owns: goss_task_source_free; borrows the names of t. */
GOSS_API GOSS_MUST_USE goss_status goss_table_source_open(const goss_table_tasks *t, const goss_table_transform *f,
                                                          const goss_table_source_options *options,
                                                          goss_task_source *out, int *skipped, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
