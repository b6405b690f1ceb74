/* SPDX-License-Identifier: Apache-2.0 */
/* strided_loop.h: loop nests over a dense output and dense or broadcast operands.
 *
 * Adjacent axes with a common stride in every operand are merged; outer axes, one row axis and an inner axis with
 * strides 0 or 1 remain. Computed once per shape (an operation's `plan`), since it costs as much as a call on small
 * tensors. */
#ifndef GOSS_OPS_STRIDED_LOOP_H
#define GOSS_OPS_STRIDED_LOOP_H

#include "graph/op.h"

#define GOSS__LOOP_IN 3

typedef struct goss__loop {
    int rank, n_in; /* rank >= 2: padded with leading axes of extent 1 */
    int64_t dim[GOSS_MAX_RANK + 1];
    int64_t step[GOSS_MAX_RANK + 1][GOSS__LOOP_IN];
    int64_t rows; /* product of all but the inner axis */
} goss__loop;

/* Up to `outer` evenly spaced rows, for one kernel call. */
typedef struct goss__rows {
    int64_t row, outer;
    int64_t offset[GOSS__LOOP_IN]; /* elements */
} goss__rows;

void goss__loop_make(goss__loop *n, const goss__tensor *out, const goss__tensor *in, int n_in);
/* The next run of rows from *row on, before `end`; false: there is none. */
bool goss__loop_next(const goss__loop *n, int64_t *row, int64_t end, goss__rows *r);
#endif
