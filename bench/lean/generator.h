/* SPDX-License-Identifier: Apache-2.0 */
/* generator.h: the hypernetwork of hyper-mlp and generated-conv4 by hand: embedding 32 - 128 - 128 - the weights of 32
 * target networks. The last layer goes panel by panel of columns: its gradient is used while it is in the cache, for
 * the norm, for what goes back and, without clipping, for Adam at once. */
#ifndef GOSS_BENCH_LEAN_GENERATOR_H
#define GOSS_BENCH_LEAN_GENERATOR_H

#include "lean.h"

enum { GENERATOR_TASKS = 32 };

typedef struct generator {
    lean *l;
    int64_t total, panels; /* weights a task; blocks of them */
    float clip;            /* of the global gradient norm; 0: none */
    lean_param *code, *w1, *b1, *w2, *b2, *w, *b;
    float *h1, *h2, *back, *g2, *g1; /* back: [panels, tasks, hidden] */
    float *slab, *slab_gradient;     /* [tasks, total] */
    double *squares, norm;           /* of each panel's gradient; of all gradients */
    lean_moments moments;
} generator;

/* scale, bias_scale: of the last layer's numbers. */
void generator_prepare(generator *g, lean *l, int64_t total, double scale, double bias_scale, float clip);
/* Begins a step: fills the slab. */
void generator_run(generator *g);
/* From the slab's gradient to new parameters. */
void generator_back(generator *g);
#endif
