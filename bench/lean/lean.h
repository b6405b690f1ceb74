/* SPDX-License-Identifier: Apache-2.0 */
/* lean.h: what hand-written steps share: kernels, threads, scratch, parameters with Adam. No graph, no program: how far
 * the engine is from what a day of hand work gives is always visible (bench/race.py races them as "lean"). */
#ifndef GOSS_BENCH_LEAN_H
#define GOSS_BENCH_LEAN_H

#include "base/pool.h"
#include "kernel/kernel.h"
#include "../serve.h"

#define LEAN_PARAMS 16

/* A parameter with its gradient and moments. */
typedef struct lean_param {
    int64_t n;
    float *value, *gradient, *first, *second;
} lean_param;

typedef struct lean {
    serving run;
    const goss__kernels *kernels;
    goss__pool *pool;
    int threads;
    char **scratch; /* one a worker */
    lean_param param[LEAN_PARAMS];
    int n_params, steps;
    float rate;
} lean;

/* The command line, the kernels, the threads. An error ends the program with a text. */
void lean_open(lean *l, int argc, char **argv, const char *const *names);
/* Two steps for the three figures that all contenders must agree on, then steps to be timed. *loss and *gradient_norm:
 * as the last step left them. */
void lean_train(lean *l, void (*run)(void *context), void *context, const double *loss, const double *gradient_norm);
/* The same of a step forward: what a run has left, then runs to be timed. */
void lean_predict(const lean *l, void (*run)(void *context), void *context, double probability, double squares);
float *lean_floats(int64_t n); /* zero, 64-byte aligned; ends the program without memory */
float *lean_input(const char *name, int64_t n, double scale, double offset);
/* A parameter of these numbers; its place in l->param. */
lean_param *lean_weight(lean *l, const char *name, int64_t n, double scale);
lean_param *lean_weight_alone(lean *l, const char *name, int64_t n, double scale); /* no room for a gradient */

/* C = op(A) op(B), on one worker. */
void lean_product(const lean *l, int worker, const goss__gemm *g);
/* The same of matrices without gaps. */
void lean_multiply(const lean *l, int worker, int64_t m, int64_t n, int64_t k, bool ta, const float *a, bool tb,
                   const float *b, float *c);
/* x = relu(x + bias), bias [columns] repeated */
void lean_bias_relu(float *x, const float *bias, int64_t rows, int64_t columns);
void lean_relu(float *x, int64_t n);
void lean_bias(float *x, const float *bias, int64_t rows, int64_t columns);
/* gradient = where(y > 0, gradient, 0) */
void lean_relu_back(float *gradient, const float *y, int64_t n);
void lean_column_sums(const float *x, int64_t rows, int64_t columns, int64_t stride, float *out);
/* Logits [samples, ways] become their gradient, times `scale`; the sum of losses comes back. */
double lean_cross_entropy(float *z, const int32_t *y, int samples, int ways, float scale);
/* Of y[samples, n] = x[samples, k] w + b: gw = x^T gy, gb = column sums of gy; gx = gy w^T, if asked for. */
void lean_dense_back(const lean *l, int worker, int samples, const float *x, int k, const float *w, int n,
                     const float *gy, float *gw, float *gb, float *gx);
double lean_squares(const float *x, int64_t rows, int64_t columns, int64_t stride);

/* What Adam's step depends on (Kingma and Ba 2015); lean_adam is one block of one parameter. */
typedef struct lean_moments {
    float rate, correction1, correction2, scale; /* scale: of the gradient, for clipping */
} lean_moments;
lean_moments lean_next_step(lean *l, float scale);
void lean_adam(const lean_moments *m, const lean_param *p, int64_t from, int64_t count);
#endif
