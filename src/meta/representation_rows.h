/* SPDX-License-Identifier: Apache-2.0 */
/* representation_rows.h: published values as matrices, with rows in the order of tasks. */
#ifndef GOSS_META_REPRESENTATION_ROWS_H
#define GOSS_META_REPRESENTATION_ROWS_H

#include "gossamer/model.h"
#include "gossamer/task.h"
#include "meta/forward.h"

/* What the rows of a value are. */
typedef enum goss__rows_of {
    GOSS__ROWS_OTHER, /* extents that differ between tasks */
    GOSS__ROWS_ONE,   /* [1, ...]: the same for all tasks */
    GOSS__ROWS_TASKS, /* [T, ...] */
    GOSS__ROWS_QUERIES,
    GOSS__ROWS_SUPPORTS
} goss__rows_of;

typedef struct goss__published_plan {
    char *name, *shape;
    goss__rows_of rows;
    bool steps;      /* a row for each step of a sample */
    int64_t columns; /* 0: GOSS__ROWS_OTHER */
} goss__published_plan;

/* The values that match a pattern, for tasks of that spec. Errors: GOSS_E_ARGUMENT with near names; the method's. Owns:
 * *out, goss__plans_free. */
GOSS_MUST_USE goss_status goss__plans_make(const goss_model *m, const goss_task_spec *spec, const char *on,
                                           goss__published_plan **out, int *n, goss_error *err);
void goss__plans_free(goss__published_plan *plan, int n); /* NULL allowed */

/* Rows of one value. */
typedef struct goss__rows {
    float *x;       /* [rows, columns] */
    int64_t *first; /* [tasks + 1] row that each task's rows begin with, of `done` tasks */
    int64_t rows, room, columns, every;
    int64_t done, passed; /* tasks; rows that were looked at */
    bool each;            /* counts `every` anew for each task: of equal samples the same rows are taken */
} goss__rows;
/* room: rows at most; the source's rows are counted before. */
GOSS_MUST_USE goss_status goss__rows_open(goss__rows *r, int64_t room, int64_t columns, int64_t every, int64_t tasks,
                                          goss_error *err);
void goss__rows_close(goss__rows *r);
/* Appends the rows of the tasks in the pack, as a forward program has just computed them. */
void goss__rows_take(goss__rows *r, const goss__published_plan *p, const goss__forward *f, const goss__task_pack *pack);
#endif
