/* SPDX-License-Identifier: Apache-2.0 */
/* million.h: bench_million by hand: what chunked-1m and lowrank-1m have in common, and their steps. Numbers are
 * generated from hidden units of which a part comes from the task's embedding. */
#ifndef GOSS_BENCH_LEAN_MILLION_H
#define GOSS_BENCH_LEAN_MILLION_H

#include "lean.h"

enum { TASKS = 32, SAMPLES = 25, IN = 20, UNITS1 = 1000, UNITS2 = 980, WAYS = 5 };
enum { CODE = 32, HIDDEN = 128, ROWS = HIDDEN + 1 }; /* ROWS: with a 1 at the end of the hidden units, for the biases */

typedef struct million {
    lean l;
    const float *x; /* [TASKS, SAMPLES, IN] */
    int32_t *y;
    lean_param *embedding, *code_w, *code_b;
    float *code, *code_gradient; /* [TASKS, HIDDEN], before relu */
    lean_moments moments;
    double loss, norm;
} million;

void million_prepare(million *m);
/* NAME.w [HIDDEN, n] and, as one more row, NAME.b. Whoever has a part of its gradient trains that part: million_train.
 */
lean_param *million_linear(million *m, const char *name, int64_t n, double scale, double bias_scale);
void million_begin(million *m); /* a step: code */
/* Adam on count numbers from `from` on; the sum of the squares of their gradient. */
double million_train(const million *m, const lean_param *p, int64_t from, int64_t count, float *gradient);
/* From code_gradient to new parameters where they have a gradient, and the norm; squares: of all other gradients. */
void million_end(million *m, double squares);

void chunked_prepare(million *m);
void chunked_run(void *m);
void low_rank_prepare(million *m);
void low_rank_run(void *m);
#endif
