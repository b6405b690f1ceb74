/* SPDX-License-Identifier: Apache-2.0 */
#include "baseline/span.h"

#include <string.h>

#include "base/alloc.h"

static goss_status no_memory(goss_error *err, int n) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for a linear model of %d rows", n);
}

/* L, without the columns beyond its rank. */
static void keep_columns(double *l, int n, int rank) {
    for (int i = 1; rank < n && i < n; i++)
        memmove(l + (size_t)i * (size_t)rank, l + (size_t)i * (size_t)n, (size_t)rank * sizeof *l);
}

static void take_corner(goss__span *s) {
    const size_t rank = (size_t)s->rank;
    for (int k = 0; k < s->rank; k++)
        memcpy(s->corner + (size_t)k * rank, s->z + (size_t)s->pivot[k] * rank, rank * sizeof *s->corner);
}

goss_status goss__span_open(goss__span *s, const goss__dense *d, const double *x, int n, int width, goss_error *err) {
    *s = (goss__span){.x = x, .n = n, .width = width, .rank = width, .z = x};
    if (n >= width) return GOSS_OK;
    const size_t square = (size_t)n * (size_t)n;
    s->memory = goss__alloc((2 * square + (size_t)n) * sizeof *s->memory + (size_t)n * sizeof *s->pivot);
    if (!s->memory) return no_memory(err, n);
    double *l = s->memory, *left = l + 2 * square;
    s->corner = l + square, s->pivot = (int *)(left + n);
    goss__gram_rows(d, x, n, width, s->corner);
    s->rank = goss__pivoted_cholesky(d, s->corner, n, l, s->pivot, left);
    keep_columns(l, n, s->rank);
    s->z = l;
    take_corner(s);
    return GOSS_OK;
}

void goss__span_close(goss__span *s) {
    goss__free(s->memory);
    s->memory = NULL;
}

/* X_p, row by row. */
static double *basis_rows(const goss__span *s) {
    const size_t width = (size_t)s->width;
    double *x = goss__alloc(((size_t)s->rank * width + 1) * sizeof *x);
    for (int k = 0; x && k < s->rank; k++)
        memcpy(x + (size_t)k * width, s->x + (size_t)s->pivot[k] * width, width * sizeof *x);
    return x;
}

/* Z' = C^-1 X_p X', one row after the other. */
goss_status goss__span_place(const goss__span *s, const goss__dense *d, const double *x, int n, double *z,
                             goss_error *err) {
    const size_t size = (size_t)n * (size_t)s->rank;
    if (!s->corner) {
        if (z != x) memcpy(z, x, size * sizeof *z);
        return GOSS_OK;
    }
    double *rows = basis_rows(s), *transposed = goss__alloc((size + 1) * sizeof *transposed);
    if (rows && transposed) {
        goss__multiply(d, s->rank, n, s->width, goss__plain(rows, s->width), goss__transposed(x, s->width), GOSS__SET,
                       transposed, n);
        goss__lower_solve(d, s->corner, s->rank, s->rank, transposed, n, n);
        for (int i = 0; i < n; i++)
            for (int k = 0; k < s->rank; k++)
                z[(size_t)i * (size_t)s->rank + (size_t)k] = transposed[(size_t)k * (size_t)n + (size_t)i];
    }
    const bool there = rows && transposed;
    goss__free(rows), goss__free(transposed);
    return there ? GOSS_OK : no_memory(err, n);
}

void goss__span_back(const goss__span *s, double *v, int k, int v_row, double *slopes, int slopes_row) {
    for (int c = 0; c < k; c++) {
        double *own = v + (size_t)c * (size_t)v_row, *to = slopes + (size_t)c * (size_t)slopes_row;
        if (s->corner) goss__upper_solve(s->corner, s->rank, own);
        for (int i = 0; s->corner && i < s->rank; i++) {
            const double *x = s->x + (size_t)s->pivot[i] * (size_t)s->width;
            goss__add_scaled(to, own[i], x, s->width);
        }
        for (int j = 0; !s->corner && j < s->width; j++) to[j] += own[j];
    }
}
