/* SPDX-License-Identifier: Apache-2.0 */
#include "baseline/shrink.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

double goss__dot(const double *a, const double *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

void goss__cholesky(double *a, int n) {
    for (int i = 0; i < n; i++) {
        double *row = a + (size_t)i * (size_t)n;
        for (int j = 0; j < i; j++) {
            const double *other = a + (size_t)j * (size_t)n;
            row[j] = (row[j] - goss__dot(row, other, j)) / other[j];
        }
        const double whole = row[i], pivot = whole - goss__dot(row, row, i);
        row[i] = sqrt(pivot > 1e-14 * whole ? pivot : whole > 0 ? 1e-14 * whole : 1e-300);
    }
}

void goss__cholesky_solve(const double *l, int n, double *x) {
    for (int i = 0; i < n; i++) {
        const double *row = l + (size_t)i * (size_t)n;
        x[i] = (x[i] - goss__dot(row, x, i)) / row[i];
    }
    for (int i = n - 1; i >= 0; i--) { /* by columns of L', which are rows of L */
        const double *row = l + (size_t)i * (size_t)n;
        x[i] /= row[i];
        for (int j = 0; j < i; j++) x[j] -= row[j] * x[i];
    }
}

static void gram_of_rows(goss__shrink *s) {
    for (int i = 0; i < s->n; i++)
        for (int j = 0; j <= i; j++)
            s->gram[(size_t)i * (size_t)s->k + (size_t)j] =
                goss__dot(s->x + (size_t)i * (size_t)s->width, s->x + (size_t)j * (size_t)s->width, s->width);
}

static void gram_of_columns(goss__shrink *s) {
    for (int r = 0; r < s->n; r++) {
        const double *x = s->x + (size_t)r * (size_t)s->width;
        for (int i = 0; i < s->width; i++)
            for (int j = 0; j <= i; j++) s->gram[(size_t)i * (size_t)s->k + (size_t)j] += x[i] * x[j];
    }
}

goss_status goss__shrink_open(goss__shrink *s, const double *x, int n, int width, goss_error *err) {
    *s = (goss__shrink){.x = x, .n = n, .width = width, .dual = n <= width};
    s->k = s->dual ? n : width;
    const size_t square = (size_t)s->k * (size_t)s->k;
    s->gram = goss__calloc(2 * square + 2 * (size_t)n + (size_t)s->k + (size_t)width, sizeof *s->gram);
    if (!s->gram) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a linear model of %d rows", n);
    s->factor = s->gram + square, s->ones = s->factor + square, s->part = s->ones + n, s->work = s->part + n;
    s->change = s->work + s->k;
    (s->dual ? gram_of_rows : gram_of_columns)(s);
    return GOSS_OK;
}

void goss__shrink_close(goss__shrink *s) { goss__free(s->gram); }

void goss__shrink_factor(goss__shrink *s, double slope) {
    const size_t square = (size_t)s->k * (size_t)s->k;
    s->slope = slope;
    /* rows: I + X X' / slope; columns: slope I + X' X */
    for (size_t i = 0; i < square; i++) s->factor[i] = s->dual ? s->gram[i] / slope : s->gram[i];
    for (int i = 0; i < s->k; i++) s->factor[(size_t)i * (size_t)s->k + (size_t)i] += s->dual ? 1 : slope;
    goss__cholesky(s->factor, s->k);
    for (int i = 0; i < s->n; i++) s->part[i] = 1;
    goss__shrink_apply(s, s->part, s->ones);
    s->ones_sum = 0;
    for (int i = 0; i < s->n; i++) s->ones_sum += s->ones[i];
}

void goss__shrink_apply(goss__shrink *s, const double *r, double *out) {
    if (out != r) memcpy(out, r, (size_t)s->n * sizeof *out);
    if (s->dual) {
        goss__cholesky_solve(s->factor, s->k, out);
        return;
    }
    /* Woodbury: r - X (slope I + X' X)^-1 X' r */
    memset(s->work, 0, (size_t)s->k * sizeof *s->work);
    for (int i = 0; i < s->n; i++)
        for (int j = 0; j < s->width; j++) s->work[j] += s->x[(size_t)i * (size_t)s->width + (size_t)j] * r[i];
    goss__cholesky_solve(s->factor, s->k, s->work);
    for (int i = 0; i < s->n; i++) out[i] -= goss__dot(s->x + (size_t)i * (size_t)s->width, s->work, s->width);
}

void goss__shrink_solve(goss__shrink *s, double level, const double *r, double *c, double *v) {
    double sum = 0;
    goss__shrink_apply(s, r, s->part);
    for (int i = 0; i < s->n; i++) sum += s->part[i];
    *c = sum / (level + s->ones_sum);
    memset(v, 0, (size_t)s->width * sizeof *v);
    for (int i = 0; i < s->n; i++) {
        const double a = (s->part[i] - *c * s->ones[i]) / s->slope;
        for (int j = 0; j < s->width; j++) v[j] += a * s->x[(size_t)i * (size_t)s->width + (size_t)j];
    }
}
