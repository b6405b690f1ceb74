/* SPDX-License-Identifier: Apache-2.0 */
/* table_task.h: internals of table tasks. */
#ifndef GOSS_TASK_TABLE_TASK_H
#define GOSS_TASK_TABLE_TASK_H

#include "gossamer/table_task.h"
#include "table/table.h"

struct goss_table_tasks {
    const goss_table *table;
    goss_groups groups; /* tasks; rows in the tasks' order */
    uint8_t *part;      /* [rows in groups] goss_row_part; NULL: no split */
    bool by_role;       /* the parts are support (TRAIN) and queries (TEST) as a column says */
    goss_task_order_kind order;
    int target, order_column;
    const char *task_name; /* of the column */
    int without_target, without_task;
};

struct goss_table_transform {
    goss_encoding *inputs;
    const goss_objective *objective;
    char *target, *task, *order;
    char **class_name; /* [classes] */
    int classes;
    float *mean, *deviation; /* [outputs] of the target, without classes */
    char **dropped;          /* [n_dropped] */
    int n_dropped;
    char **known; /* [n_known] known columns that are not inputs, for which no message is needed */
    int n_known;
    char *categorical, *unused; /* lists for goss_table_options; NULL: none */
};
/* ---- table_ahead.c: targets of several horizons ---- */
/* Where samples are in their series, so that what is known of their targets can be told of any set of them. */
typedef struct goss__ahead {
    int outputs;         /* 1: nothing is ahead, and all else is NULL */
    int *step;           /* [outputs] rows behind the sample's */
    int32_t *at, *first; /* [samples] place in the order of series: of the row, and of its series' first; -1: none */
    int32_t *last;       /* scratch: [rows of the table] */
} goss__ahead;
goss_status goss__ahead_open(goss__ahead *a, const goss_table_transform *f, const goss_table *table,
                             const int32_t *rows, int n, goss_error *err);
void goss__ahead_close(goss__ahead *a);
/* Forgets components of targets y [n, outputs] that are of rows behind the last of these samples in its series: NaN.
 * Sample i is first + place[i], or first + i. */
void goss__ahead_forget(const goss__ahead *a, int first, const uint32_t *place, int n, float *y);
/* goss_table_transform_targets, as far as they are known when the last of these rows is. */
goss_status goss__known_targets(const goss_table_transform *f, const goss_table *table, const int32_t *rows, int n,
                                float *y, goss_error *err);
/* Room for mean and deviation of a transform's outputs; false: no memory. */
bool goss__scale_room(goss_table_transform *f);
/* Mean and deviation of a transform's outputs in memory of its own [2 outputs], for a source; NULL: no memory. */
float *goss__scale_copy(const goss_table_transform *f);

/* ---- transform_steps.c: targets at each step ---- */
/* Numbers of a row's target: 1, or the steps of its text. */
int goss__target_size(const goss_table_transform *f);
/* The tokens become the classes. */
goss_status goss__fit_tokens(goss_table_transform *f, goss_error *err);
/* The labels of rows [n] become the classes. */
goss_status goss__fit_labels(goss_table_transform *f, const goss_table *t, int column, const int32_t *rows, int n,
                             goss_error *err);
/* Ids x [n, steps] one step on, behind a first one of 0: what is known before each token. */
void goss__shift_tokens(const goss_table_transform *f, float *x, int n);
/* out [n, steps], -1: none. */
goss_status goss__next_tokens(const goss_table_transform *f, const goss_table *table, const int32_t *rows, int n,
                              float *out, goss_error *err);
goss_status goss__step_labels(const goss_table_transform *f, const goss_table *table, int column, const int32_t *rows,
                              int n, float *out, goss_error *err);

/* ---- table_transform.c ---- */
/* What a target without a declared objective wants, by its values in rows [n] (NULL: all). */
goss_status goss__objective_of(const goss_table *table, int target, const int32_t *rows, int n,
                               const goss_objective **out, goss_error *err);
/* Whether the past of a target is seen in windows. */
bool goss__sees_target(const goss_objective *objective, const goss_series_options *o);
/* The columns beside inputs and target that samples are made from: time and series; NULL: there are none. */
bool goss__transform_reads(const goss_table_transform *f, const char *name);
/* The input of a task's samples: rank, extents, and whether they have lengths. */
bool goss__transform_has_steps(const goss_table_transform *f);
void goss__transform_input(const goss_table_transform *f, goss_task_spec *spec);

/* ---- support_review.c ---- */
/* Warns of rows to adapt to, rows [n] with targets y, that are repeated, of one class, or one alone. path: for the
 * messages. */
goss_status goss__support_review(const goss_table_transform *f, const char *path, const goss_table *table,
                                 const int32_t *rows, int n, const float *y, goss_error *err);
#endif
