/* SPDX-License-Identifier: Apache-2.0 */
/* cells.h: the conditioner of the method "tables": what a labelled table says of its columns, rows and classes.
 *
 * A sample is x [2 C]: the values of C columns, and behind them C flags, 1 where a value is missing (it is then 0). A
 * column that is the same in all rows, as padding is, is dead: nothing depends on it. */
#ifndef GOSS_META_CELLS_H
#define GOSS_META_CELLS_H

#include "gossamer/method.h"

#define GOSS__CELLS_CLASSES 10 /* a class is read by its number, of which there are so many */

/* A batch of tables as read; n: rows of each, w [T,S]: 1 for a row, 0 for padding. */
typedef struct goss__cells {
    goss_val weight, count;  /* w [T,S], n [T,1] */
    goss_val there;          /* [T,S,C] 1 for a value, 0 for a missing one */
    goss_val z;              /* [T,S,C] standardised values, 0 where missing */
    goss_val mean, inverse;  /* [T,1,C] of the values; 1 / deviation, 0 for a column whose values are all alike */
    goss_val flagged;        /* [T,C,1] 1 for columns of which some values are missing, not all */
    goss_val live;           /* [T,C] */
    goss_val columns, rows;  /* [T,C,D], [T,S,D] what each has come to mean */
    goss_val classes, whole; /* [T,W,D], [T,D] */
} goss__cells;

/* A matrix, or (rows 0) a vector, of weights that are learned. */
goss_status goss__cells_add(goss_layout *l, const char *name, int64_t rows, int64_t columns, goss_init init,
                            goss_error *err);
/* Adds the conditioner's tensors to a layout. */
goss_status goss__cells_plan(goss_layout *l, const goss_cells_options *o, goss_error *err);
/* Reads the support sets of a batch. own: weights of that layout. */
void goss__cells_read(const goss_task_batch *b, const goss_weights *own, const goss_cells_options *o, goss__cells *out);
/* Labels [T,S,width] by a table of class embeddings [1,CLASSES,width]. */
goss_val goss__cells_labels(const goss_task_batch *b, goss_val embeddings);
/* The mean over the rows of v [T,S,K]: [T,1,K]. */
goss_val goss__cells_mean(const goss__cells *c, goss_val v);
#endif
