/* SPDX-License-Identifier: Apache-2.0 */
/* strided_loop.c: see strided_loop.h. */
#include "ops/strided_loop.h"

static int64_t step_of(const goss__tensor *out, const goss__tensor *in, int axis) {
    return in->rank != out->rank || in->dim[axis] == 1 ? 0 : in->stride[axis];
}

static bool merges(const goss__loop *n, int last, const int64_t *step, int64_t dim) {
    for (int j = 0; j < n->n_in; j++)
        if (n->step[last][j] != step[j] * dim) return false;
    return true;
}

void goss__loop_make(goss__loop *n, const goss__tensor *out, const goss__tensor *in, int n_in) {
    n->n_in = n_in;
    n->rank = 1;
    n->dim[0] = 1; /* so that there is always a row axis */
    for (int j = 0; j < n_in; j++) n->step[0][j] = 0;
    for (int axis = 0; axis < out->rank; axis++) {
        int64_t dim = out->dim[axis], step[GOSS__LOOP_IN];
        if (dim == 1) continue;
        for (int j = 0; j < n_in; j++) step[j] = step_of(out, &in[j], axis);
        if (n->rank > 1 && merges(n, n->rank - 1, step, dim)) {
            n->dim[n->rank - 1] *= dim;
        } else {
            n->dim[n->rank++] = dim;
        }
        for (int j = 0; j < n_in; j++) n->step[n->rank - 1][j] = step[j];
    }
    bool in_rows = n->rank > 1;                                             /* else one element */
    for (int j = 0; j < n_in; j++) in_rows &= n->step[n->rank - 1][j] <= 1; /* else strided items of one element */
    if (!in_rows) {
        n->dim[n->rank] = 1;
        for (int j = 0; j < n_in; j++) n->step[n->rank][j] = 0;
        n->rank++;
    }
    n->rows = 1;
    for (int i = 0; i + 1 < n->rank; i++) n->rows *= n->dim[i];
}

bool goss__loop_next(const goss__loop *n, int64_t *row, int64_t end, goss__rows *r) {
    if (*row >= end) return false;
    int axis = n->rank - 2;
    int64_t block = *row / n->dim[axis], at = *row - block * n->dim[axis];
    r->row = *row;
    r->outer = n->dim[axis] - at < end - *row ? n->dim[axis] - at : end - *row;
    for (int j = 0; j < n->n_in; j++) r->offset[j] = at * n->step[axis][j];
    while (--axis >= 0 && block > 0) {
        int64_t upper = block / n->dim[axis], i = block - upper * n->dim[axis];
        for (int j = 0; j < n->n_in; j++) r->offset[j] += i * n->step[axis][j];
        block = upper;
    }
    *row += r->outer;
    return true;
}
