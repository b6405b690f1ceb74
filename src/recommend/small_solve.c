/* SPDX-License-Identifier: Apache-2.0 */
/* small_solve.c: Cholesky for systems of a few dozen unknowns, as ridge regressions on item factors have them. The
 * callers' matrices are a positive diagonal plus products, so that pivots stay positive; rounding is caught by a floor.
 */
#include "recommend/small_solve.h"

#include <math.h>

static const double least_pivot = 1e-12;

void goss__factorize(double *a, int n) {
    for (int j = 0; j < n; j++) {
        double d = a[j * n + j];
        for (int k = 0; k < j; k++) d -= a[j * n + k] * a[j * n + k];
        d = sqrt(d > least_pivot ? d : least_pivot);
        a[j * n + j] = d;
        for (int i = j + 1; i < n; i++) {
            double s = a[i * n + j];
            for (int k = 0; k < j; k++) s -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = s / d;
        }
    }
}

void goss__solve_factored(const double *l, int n, double *b) {
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) b[i] -= l[i * n + k] * b[k];
        b[i] /= l[i * n + i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++) b[i] -= l[k * n + i] * b[k];
        b[i] /= l[i * n + i];
    }
}

void goss__invert_factored(const double *l, int n, double *out) {
    for (int c = 0; c < n; c++) {
        double *column = out + c * n; /* symmetric: its rows are its columns */
        for (int i = 0; i < n; i++) column[i] = i == c;
        goss__solve_factored(l, n, column);
    }
}
