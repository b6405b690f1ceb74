/* SPDX-License-Identifier: Apache-2.0 */
/* prior_noise.h: the random numbers of one table: a Philox stream, read a number at a time or in bulk. Bulk draws use
 * the kernels' functions, which give the same bits on every variant. */
#ifndef GOSS_PRIOR_NOISE_H
#define GOSS_PRIOR_NOISE_H

#include <stdbool.h>

#include "base/rng.h"
#include "kernel/kernel.h"

typedef struct goss__noise {
    goss__rng r;
    const goss__kernels *kernels;
} goss__noise;

/* f(in) [n] -> out by an elementwise kernel of one operand; out may be in. */
void goss__noise_map(const goss__kernels *k, enum goss__ew_op op, const float *in, float *out, int64_t n);

/* ---- bulk ---- */
void goss__noise_uniforms(goss__noise *r, float *out, int64_t n); /* in (0, 1] */
void goss__noise_normals(goss__noise *r, float *out, int64_t n);  /* mean 0, variance 1 (Box-Muller), within 6 */

/* ---- single numbers ---- */
bool goss__noise_chance(goss__noise *r, double p);
double goss__noise_between(goss__noise *r, double low, double high);
double goss__noise_log_between(goss__noise *r, double low, double high); /* its logarithm is uniform */
/* A gamma variate of that shape (>= 1) and scale (Marsaglia and Tsang 2000). */
double goss__noise_gamma(goss__noise *r, double shape, double scale);
int goss__noise_below(goss__noise *r, int n);
/* 1, 2, 3 ... with the chance p of one more each time, at most `most`. */
int goss__noise_count(goss__noise *r, double p, int most);
/* A row of a table of relative weights [n], of which one is positive. */
int goss__noise_choose(goss__noise *r, const double *weight, int n);
#endif
