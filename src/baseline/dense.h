/* SPDX-License-Identifier: Apache-2.0 */
/* dense.h: dense linear algebra in double on the kernels' product and a pool of threads. Matrices are row by row. Every
 * number is one sum in an order that depends on the sizes alone: the same bits with any number of threads. */
#ifndef GOSS_BASELINE_DENSE_H
#define GOSS_BASELINE_DENSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"
#include "kernel/kernel.h"

typedef struct goss__dense {
    goss__pool *pool; /* NULL: this thread alone */
    const goss__kernels *kernels;
    char *scratch; /* GOSS__PRODUCT_SCRATCH bytes for each thread */
} goss__dense;

/* threads: 0: as many as GOSSAMER_THREADS or the processor say. */
GOSS_MUST_USE goss_status goss__dense_open(goss__dense *d, int threads, goss_error *err);
void goss__dense_close(goss__dense *d);
/* For use by one worker inside a region of d's pool; borrowed. */
goss__dense goss__dense_alone(const goss__dense *d, int worker);
/* Calls fn for each item in [0, items), on the pool if there is one. */
void goss__dense_run(const goss__dense *d, int64_t items, goss__pool_fn fn, void *ctx);

/* ---- vectors, most of them short ---- */

typedef double goss__four __attribute__((vector_size(32), aligned(8), may_alias));

/* Eight independent sums, so that additions overlap. */
static inline double goss__dot(const double *a, const double *b, int n) {
    goss__four one = {0}, two = {0};
    double rest = 0;
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        one += *(const goss__four *)(a + i) * *(const goss__four *)(b + i);
        two += *(const goss__four *)(a + i + 4) * *(const goss__four *)(b + i + 4);
    }
    for (; i + 4 <= n; i += 4) one += *(const goss__four *)(a + i) * *(const goss__four *)(b + i);
    for (; i < n; i++) rest += a[i] * b[i];
    one += two;
    return ((one[0] + one[2]) + (one[1] + one[3])) + rest;
}

/* y += k x */
static inline void goss__add_scaled(double *y, double k, const double *x, int n) {
    int i = 0;
    for (; i + 4 <= n; i += 4) *(goss__four *)(y + i) += k * *(const goss__four *)(x + i);
    for (; i < n; i++) y[i] += k * x[i];
}

/* ---- matrices ---- */

/* An operand of a product: element (i, j) is x[i * row + j * column]. */
typedef struct goss__operand {
    const double *x;
    int64_t row, column;
} goss__operand;
/* x row by row, `row` numbers apart; and its transpose. */
static inline goss__operand goss__plain(const double *x, int64_t row) { return (goss__operand){x, row, 1}; }
static inline goss__operand goss__transposed(const double *x, int64_t row) { return (goss__operand){x, 1, row}; }

typedef enum goss__update { GOSS__SET, GOSS__ADD, GOSS__SUBTRACT } goss__update;

/* C = A B, C += A B or C -= A B, for A [m, k], B [k, n] and c [m, n], whose rows are ldc apart. */
void goss__multiply(const goss__dense *d, int64_t m, int64_t n, int64_t k, goss__operand a, goss__operand b,
                    goss__update how, double *c, int64_t ldc);
/* The same of a square C of which only what is on or below the diagonal is meant (more may be written). */
void goss__multiply_lower(const goss__dense *d, int64_t n, int64_t k, goss__operand a, goss__operand b,
                          goss__update how, double *c, int64_t ldc);
/* out [n, n] = X X' of rows x [n, width], or of columns: out [width, width] = X' X; all of it. Adds to out if `add`. */
void goss__gram_rows(const goss__dense *d, const double *x, int n, int width, double *out);
void goss__gram_columns(const goss__dense *d, const double *x, int n, int width, bool add, double *out);

/* The lower Cholesky factor of a symmetric positive definite a [n, n], in place; the upper part is not read. A pivot
 * that rounding has made no larger than 0 counts as tiny. */
void goss__cholesky(const goss__dense *d, double *a, int n);
/* x = (L L')^-1 x */
void goss__cholesky_solve(const double *l, int n, double *x);
/* x = L'^-1 x */
void goss__upper_solve(const double *l, int n, double *x);
/* B = L^-1 B for b [n, m], whose rows are ldb apart; rows of L are ldl apart. */
void goss__lower_solve(const goss__dense *d, const double *l, int ldl, int n, double *b, int m, int ldb);
/* Cholesky with pivots of a positive semidefinite a [n, n], which is destroyed: a = L L' up to rounding, with l [n, n]
 * row by row, of which as many columns are used as it returns, the rank. Row pivot[k] of l has its last number other
 * than 0, a positive one, in column k. work: [n]. */
int goss__pivoted_cholesky(const goss__dense *d, double *a, int n, double *l, int *pivot, double *work);
#endif
