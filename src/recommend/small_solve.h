/* SPDX-License-Identifier: Apache-2.0 */
/* small_solve.h: symmetric positive definite systems of a few dozen unknowns, in double precision and a fixed order. */
#ifndef GOSS_RECOMMEND_SMALL_SOLVE_H
#define GOSS_RECOMMEND_SMALL_SOLVE_H

/* The lower Cholesky factor of a [n, n] (its lower triangle is read), in place. */
void goss__factorize(double *a, int n);
/* x with a x = b, from that factor; in place. */
void goss__solve_factored(const double *l, int n, double *b);
/* The inverse [n, n] from that factor. */
void goss__invert_factored(const double *l, int n, double *out);
#endif
