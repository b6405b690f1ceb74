/* SPDX-License-Identifier: Apache-2.0 */
/* shrink.h: linear models of few rows, drawn towards given coefficients: the one solver behind ridge, mean-ridge and
 * their logistic forms.
 *
 * With a penalty slope |v|^2 + level c^2 the fitted residuals' weights are a = M r, where
 *   M = (I + X X' / slope + 1 1' / level)^-1 = N - N 1 1' N / (level + 1' N 1),  N = (I + X X' / slope)^-1,
 * and v = X' a / slope, c = 1' N r / (level + 1' N 1). N is applied by a Cholesky factor of min(rows, width) squared
 * numbers; level may be 0. */
#ifndef GOSS_BASELINE_SHRINK_H
#define GOSS_BASELINE_SHRINK_H

#include <stdbool.h>

#include "gossamer/status.h"

typedef struct goss__shrink {
    const double *x; /* [n, width], borrowed */
    int n, width, k; /* k: order of the factor */
    bool dual;       /* k = n */
    double slope;
    double *gram, *factor; /* [k, k] */
    double *ones;          /* [n] N 1 */
    double *part, *work;   /* [n]; [k] */
    double *change;        /* [width], the caller's to use */
    double ones_sum;       /* 1' N 1 */
} goss__shrink;

GOSS_MUST_USE goss_status goss__shrink_open(goss__shrink *s, const double *x, int n, int width, goss_error *err);
void goss__shrink_close(goss__shrink *s);
/* Sets the strength of the slopes, > 0. */
void goss__shrink_factor(goss__shrink *s, double slope);
/* out [n] = N r; r and out may be the same. */
void goss__shrink_apply(goss__shrink *s, const double *r, double *out);
/* c and v [width] for residuals r [n]. */
void goss__shrink_solve(goss__shrink *s, double level, const double *r, double *c, double *v);

/* ---- small dense matrices, row by row ---- */

double goss__dot(const double *a, const double *b, int n);
/* The lower Cholesky factor of a symmetric positive definite matrix, in place; the upper part is not read. A pivot that
 * rounding has made no larger than 0 counts as tiny. */
void goss__cholesky(double *a, int n);
/* x = (L L')^-1 x */
void goss__cholesky_solve(const double *l, int n, double *x);
#endif
