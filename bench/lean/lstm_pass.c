/* SPDX-License-Identifier: Apache-2.0 */
/* lstm_pass.c: an LSTM by hand: forward and back. */
#include "lstm_pass.h"

#include <string.h>

void lstm_prepare(lstm_pass *p) {
    const int64_t one = p->rows * p->hidden, all = p->steps * one;
    p->x = lean_floats(p->steps * p->rows * p->in), p->gates = lean_floats(4 * all);
    p->cell = lean_floats(all + one), p->turned = lean_floats(all), p->state = lean_floats(all + one);
    p->back_state = lean_floats(one), p->back_cell = lean_floats(one), p->some = lean_floats(one);
}

void lstm_turn(const lstm_pass *p, const float *x) {
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t t = 0; t < p->steps; t++)
            memcpy(p->x + (t * p->rows + r) * p->in, x + (r * p->steps + t) * p->in, (size_t)p->in * sizeof *x);
}

/* f of `columns` of each row, in place; rows lie 4 hidden apart. */
static void apply(const lean *l, enum goss__ew_op f, float *x, int64_t rows, int64_t stride, int64_t columns) {
    l->kernels->ew[f](&(goss__ew){.out = x, .in = {x}, .outer = 1, .inner = columns, .in_inner = {1}});
    for (int64_t r = 1; r < rows; r++) {
        float *row = x + r * stride;
        l->kernels->ew[f](&(goss__ew){.out = row, .in = {row}, .outer = 1, .inner = columns, .in_inner = {1}});
    }
}

void lstm_forward(const lean *l, int worker, lstm_pass *p) {
    const int64_t h = p->hidden, g = 4 * h, one = p->rows * h;
    lean_product(l, worker,
                 &(goss__gemm){.m = p->steps * p->rows,
                               .n = g,
                               .k = p->in,
                               .a = p->x,
                               .lda = p->in,
                               .b = p->w,
                               .ldb = g,
                               .c = p->gates,
                               .ldc = g,
                               .add = p->b});
    for (int64_t t = 0; t < p->steps; t++) {
        float *z = p->gates + t * 4 * one, *c = p->cell + t * one, *next = c + one, *y = p->turned + t * one;
        float *state = p->state + t * one;
        lean_product(l, worker,
                     &(goss__gemm){.m = p->rows,
                                   .n = g,
                                   .k = h,
                                   .a = state,
                                   .lda = h,
                                   .b = p->u,
                                   .ldb = g,
                                   .c = z,
                                   .ldc = g,
                                   .add = z,
                                   .add_row = g});
        apply(l, GOSS__EW_sigmoid, z, p->rows, g, 2 * h);
        apply(l, GOSS__EW_tanh, z + 2 * h, p->rows, g, h);
        apply(l, GOSS__EW_sigmoid, z + 3 * h, p->rows, g, h);
        for (int64_t r = 0; r < p->rows; r++)
            for (int64_t k = 0; k < h; k++)
                y[r * h + k] = next[r * h + k] = z[r * g + h + k] * c[r * h + k] + z[r * g + k] * z[r * g + 2 * h + k];
        apply(l, GOSS__EW_tanh, y, 1, 0, one);
        for (int64_t r = 0; r < p->rows; r++)
            for (int64_t k = 0; k < h; k++) state[one + r * h + k] = z[r * g + 3 * h + k] * y[r * h + k];
    }
}

/* Gates become their gradients before the activation. */
static void back_gates(const lstm_pass *p, int64_t t) {
    const int64_t h = p->hidden, g = 4 * h, one = p->rows * h;
    float *gates = p->gates + t * 4 * one;
    const float *c = p->cell + t * one, *y = p->turned + t * one;
    for (int64_t r = 0; r < p->rows; r++) {
        float *z = gates + r * g;
        for (int64_t k = 0; k < h; k++) {
            const float i = z[k], f = z[h + k], n = z[2 * h + k], o = z[3 * h + k], tanh = y[r * h + k];
            const float gh = p->back_state[r * h + k], gc = p->back_cell[r * h + k] + gh * o * (1 - tanh * tanh);
            z[k] = gc * n * i * (1 - i), z[h + k] = gc * c[r * h + k] * f * (1 - f);
            z[2 * h + k] = gc * i * (1 - n * n), z[3 * h + k] = gh * tanh * o * (1 - o);
            p->back_cell[r * h + k] = gc * f;
        }
    }
}

void lstm_back(const lean *l, int worker, lstm_pass *p) {
    const int64_t h = p->hidden, g = 4 * h, all = p->steps * p->rows;
    memset(p->back_cell, 0, (size_t)(p->rows * h) * sizeof *p->back_cell);
    for (int64_t t = p->steps; t-- > 0;) {
        back_gates(p, t);
        lean_multiply(l, worker, p->rows, h, g, false, p->gates + t * 4 * p->rows * h, true, p->u, p->back_state);
    }
    lean_multiply(l, worker, h, g, all, true, p->state, false, p->gates, p->gu);
    lean_multiply(l, worker, p->in, g, all, true, p->x, false, p->gates, p->gw);
    lean_column_sums(p->gates, all, g, g, p->gb);
}
