/* SPDX-License-Identifier: Apache-2.0 */
/* reg_rank.c: the effective rank of a matrix: how many directions it uses, by the entropy of its singular values. Those
 * are the roots of the eigenvalues of the smaller Gram matrix, in double, by cyclic Jacobi rotations: a report, not a
 * step of training. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "gossamer/regularizer.h"

enum { SWEEPS = 30 };

/* Products of rows, or of columns where these are fewer: [n, n]. */
static void gram(const float *x, int64_t rows, int64_t columns, double *a, int64_t n) {
    const bool by_rows = rows <= columns;
    const int64_t length = by_rows ? columns : rows, step = by_rows ? 1 : columns, from = by_rows ? columns : 1;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            for (int64_t k = 0; k < length; k++) sum += (double)x[i * from + k * step] * (double)x[j * from + k * step];
            a[i * n + j] = a[j * n + i] = sum;
        }
}

static void rotate(double *a, int64_t n, int64_t p, int64_t q) {
    const double turn = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    const double t = (turn >= 0 ? 1 : -1) / (fabs(turn) + sqrt(turn * turn + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
    for (int64_t k = 0; k < n; k++) {
        const double u = a[k * n + p], v = a[k * n + q];
        a[k * n + p] = c * u - s * v, a[k * n + q] = s * u + c * v;
    }
    for (int64_t k = 0; k < n; k++) {
        const double u = a[p * n + k], v = a[q * n + k];
        a[p * n + k] = c * u - s * v, a[q * n + k] = s * u + c * v;
    }
}

/* Eigenvalues are on the diagonal afterwards. */
static void diagonalise(double *a, int64_t n) {
    double all = 0;
    for (int64_t i = 0; i < n; i++) all += a[i * n + i];
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double off = 0;
        for (int64_t p = 0; p < n; p++)
            for (int64_t q = p + 1; q < n; q++) {
                const double size = fabs(a[p * n + q]);
                off = size > off ? size : off;
                if (size > 1e-15 * all) rotate(a, n, p, q);
            }
        if (off <= 1e-13 * all) return;
    }
}

static double entropy_rank(const double *a, int64_t n) {
    double sum = 0, entropy = 0;
    for (int64_t i = 0; i < n; i++) sum += sqrt(fmax(a[i * n + i], 0));
    for (int64_t i = 0; i < n; i++) {
        const double share = sqrt(fmax(a[i * n + i], 0)) / sum;
        if (share > 0) entropy -= share * log(share);
    }
    return sum > 0 ? exp(entropy) : (double)NAN;
}

goss_status goss_effective_rank(const float *x, int64_t rows, int64_t columns, bool centred, double *out,
                                goss_error *err) {
    const int64_t n = rows < columns ? rows : columns;
    *out = NAN;
    if (n < 1 || n > 2048)
        return goss_error_set(err, GOSS_E_ARGUMENT, "effective rank: a matrix of %lld x %lld; up to 2048 on one side",
                              (long long)rows, (long long)columns);
    double *a = goss__calloc((size_t)(n * n), sizeof *a);
    float *own = centred ? goss__alloc((size_t)(rows * columns) * sizeof *own) : NULL;
    if (!a || (centred && !own)) {
        goss__free(a), goss__free(own);
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for an effective rank");
    }
    for (int64_t j = 0; centred && j < columns; j++) {
        double mean = 0;
        for (int64_t i = 0; i < rows; i++) mean += (double)x[i * columns + j] / (double)rows;
        for (int64_t i = 0; i < rows; i++) own[i * columns + j] = (float)((double)x[i * columns + j] - mean);
    }
    gram(centred ? own : x, rows, columns, a, n);
    diagonalise(a, n);
    *out = entropy_rank(a, n);
    goss__free(a), goss__free(own);
    return GOSS_OK;
}
