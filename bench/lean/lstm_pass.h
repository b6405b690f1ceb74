/* SPDX-License-Identifier: Apache-2.0 */
/* lstm_pass.h: an LSTM by hand, forward and back through all steps, of a few sequences on one worker. Everything lies
 * step by step, [steps, rows, ...], so that each step is one run and each weight's gradient one product. */
#ifndef GOSS_BENCH_LEAN_LSTM_PASS_H
#define GOSS_BENCH_LEAN_LSTM_PASS_H

#include "lean.h"

typedef struct lstm_pass {
    int64_t rows, steps, in, hidden;
    const float *w, *u, *b;               /* [in, 4 hidden], [hidden, 4 hidden], [4 hidden]; gates i, f, g, o */
    float *gw, *gu, *gb;                  /* gradients, overwritten */
    float *x;                             /* [steps, rows, in] */
    float *gates, *cell, *turned;         /* [steps, rows, 4 hidden]; [steps + 1, ...] and tanh of it [steps, ...] */
    float *state;                         /* [steps + 1, rows, hidden]: the last is the result */
    float *back_state, *back_cell, *some; /* [rows, hidden]; the first holds the result's gradient */
} lstm_pass;

void lstm_prepare(lstm_pass *p); /* room, all zero */
/* x[rows, steps, in] as the pass wants it. */
void lstm_turn(const lstm_pass *p, const float *x);
void lstm_forward(const lean *l, int worker, lstm_pass *p);
void lstm_back(const lean *l, int worker, lstm_pass *p);
static inline float *lstm_result(const lstm_pass *p) { return p->state + p->steps * p->rows * p->hidden; }
#endif
