/* SPDX-License-Identifier: Apache-2.0 */
/* method_tables.h: the method "tables" inside: what its generator's parts share. */
#ifndef GOSS_META_METHOD_TABLES_H
#define GOSS_META_METHOD_TABLES_H

#include "meta/cells.h"
#include "meta/method.h"

#define GOSS__TABLES_THRESHOLDS 6 /* units of a ranked column */

/* The networks of a batch of tables while they are made. */
typedef struct goss__tables_making {
    const goss_method *m;
    const goss_task_batch *task; /* as it is */
    const goss_task_batch *b;    /* as the conditioner is told of it: of up to GOSS__CELLS_CLASSES classes */
    goss_val known; /* [T,classes of b,W] the mean target of each class of b; GOSS_NONE: they are the task's own */
    const goss_weights *own;
    goss_graph *g;
    goss__cells cells;
    goss__solution *s;
    goss_val self; /* [T,S,H]: what a support row's own label and values add to its units */
} goss__tables_making;

/* Rows that the head is fitted to, times their weight: features and a 1, the same in units of the prior's deviations d
 * [1,1,F+1], and targets [T,N,W]. */
typedef struct goss__tables_rows {
    goss_val f, z, y, weight;
} goss__tables_rows;

/* ---- method_tables_told.c ---- */
/* The batch as the conditioner is told of it, and `known`. */
goss_val goss__tables_tell(const goss_method *m, const goss_task_batch *from, goss_task_batch *b);

/* ---- method_tables_spread.c ---- */
/* The head of the log variance around numbers, [T,F+1,1]. gram: z'z + lambda of all rows; head [T,F+1,1]: of the
 * numbers; strength [T,1,1]: a factor of the penalty. */
goss_val goss__tables_spread(const goss__tables_making *a, const goss__tables_rows *rows, int n, goss_val d,
                             goss_val gram, goss_val head, goss_val strength);

/* ---- method_tables_first.c ---- */
/* H: units of the first layer. */
int64_t goss__tables_units(const goss_method *m);
goss_status goss__tables_plan_first(goss_method *m, goss_error *err);
/* Sets "dense1.w" and "dense1.b" of w, and a->self. */
void goss__tables_first(goss__tables_making *a, goss_weights *w);

goss_val goss__tables_own(const goss__tables_making *a, const char *name);
/* A linear map of x, and of what the table as a whole has come to mean: [T,n]. */
goss_val goss__tables_by(const goss__tables_making *a, goss_val x, const char *name);
goss_val goss__tables_by_whole(const goss__tables_making *a, const char *name);
goss_val goss__tables_diagonal(goss_graph *g, int64_t n);
#endif
