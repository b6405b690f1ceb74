/* SPDX-License-Identifier: Apache-2.0 */
/* fitting.c: coefficients of one support set: what a strength changes of those that they are drawn towards, in the
 * coordinates of the rows' span. Numbers have a closed form; classes are logistic.h. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "baseline/baseline.h"

/* ---- numbers ---- */

static size_t order(const goss__fitting *f) { return (size_t)f->span->rank + 1; }

/* Z' Z of rows Z = [1 z]. */
static void take_gram(goss__fitting *f) {
    const size_t rank = order(f) - 1;
    double *slopes = f->factor; /* not needed yet */
    goss__gram_columns(f->dense, f->span->z, f->span->n, (int)rank, false, slopes);
    memset(f->gram, 0, (rank + 1) * sizeof *f->gram);
    f->gram[0] = f->span->n;
    for (int i = 0; i < f->span->n; i++)
        for (size_t j = 0; j < rank; j++) f->gram[1 + j] += f->span->z[(size_t)i * rank + j];
    for (size_t j = 0; j < rank; j++) {
        double *row = f->gram + (j + 1) * (rank + 1);
        row[0] = f->gram[1 + j];
        memcpy(row + 1, slopes + j * rank, rank * sizeof *row);
    }
}

static void factor(goss__fitting *f, double level, double slope) {
    const size_t n = order(f);
    if (f->slope == slope && f->level == level) return;
    f->slope = slope, f->level = level;
    memcpy(f->factor, f->gram, n * n * sizeof *f->factor);
    for (size_t j = 0; j < n; j++) f->factor[j * n + j] += j ? slope : level;
    goss__cholesky(f->dense, f->factor, (int)n);
}

static void change_numbers(goss__fitting *f, double level, double slope, const double *offset, double *change) {
    const size_t rank = order(f) - 1;
    factor(f, level, slope);
    memset(change, 0, (rank + 1) * sizeof *change);
    for (int i = 0; i < f->span->n; i++) {
        const double left = f->y[i] - (offset ? offset[i] : 0), *z = f->span->z + (size_t)i * rank;
        change[0] += left;
        for (size_t j = 0; j < rank; j++) change[1 + j] += left * z[j];
    }
    goss__cholesky_solve(f->factor, (int)rank + 1, change);
}

/* ---- any ---- */

goss_status goss__fitting_begin(goss__fitting *f, const goss__dense *d, const goss_baselines *b, const goss__span *span,
                                const double *y, goss_error *err) {
    const size_t n = (size_t)span->n, columns = (size_t)span->rank + 1, square = b->classes ? 0 : columns * columns;
    *f = (goss__fitting){.dense = d, .span = span, .y = y, .outputs = goss__outputs(b), .classes = b->classes > 0};
    const size_t k = (size_t)f->outputs;
    f->memory = goss__alloc((2 * square + n * k + k * columns) * sizeof *f->memory);
    if (!f->memory) return goss_error_set(err, GOSS_E_NOMEM, "no memory to fit %d rows", span->n);
    f->gram = f->memory, f->factor = f->gram + square, f->offset = f->factor + square, f->change = f->offset + n * k;
    if (f->classes) return goss__logistic_open(&f->logistic, d, span->z, y, span->n, span->rank, b->classes, err);
    take_gram(f);
    return GOSS_OK;
}

goss_status goss__fitting_open(goss__fitting *f, const goss__dense *d, const goss_baselines *b,
                               const goss_rows *support, const double *y, goss_error *err) {
    goss__span span;
    *f = (goss__fitting){.memory = NULL};
    GOSS_TRY(goss__span_open(&span, d, support->x, support->n, b->width, err));
    const goss_status s = goss__fitting_begin(f, d, b, &span, y, err);
    f->own = span, f->span = &f->own;
    return s;
}

void goss__fitting_close(goss__fitting *f) {
    goss__span_close(&f->own);
    goss__logistic_close(&f->logistic);
    goss__free(f->memory);
}

void goss__fit_change(goss__fitting *f, double level, double slope, const double *offset, double *change) {
    if (f->classes)
        goss__logistic_fit(&f->logistic, level, slope, offset, change);
    else
        change_numbers(f, level, slope, offset, change);
}

void goss__fit(goss__fitting *f, const goss__strength *strength, double *w) {
    const size_t stride = (size_t)f->span->width + 1, k = (size_t)f->outputs, columns = order(f);
    const double *offset = NULL;
    memset(f->change, 0, k * columns * sizeof *f->change);
    if (strength->towards) {
        const goss_rows rows = {.n = f->span->n, .x = f->span->x};
        memcpy(w, strength->towards, k * stride * sizeof *w);
        goss__outputs_of(f->dense, w, f->span->width, f->outputs, &rows, f->offset, f->outputs);
        offset = f->offset;
    } else {
        memset(w, 0, k * stride * sizeof *w);
    }
    goss__fit_change(f, strength->level, strength->slope, offset, f->change);
    for (size_t c = 0; c < k; c++) w[c * stride] += f->change[c * columns];
    goss__span_back(f->span, f->change + 1, f->outputs, (int)columns, w + 1, (int)stride);
}

/* ---- outputs ---- */

void goss__probabilities(double *p, int classes) {
    double most = p[0], sum = 0;
    for (int c = 1; c < classes; c++) most = p[c] > most ? p[c] : most;
    for (int c = 0; c < classes; c++) sum += p[c] = exp(p[c] - most);
    for (int c = 0; c < classes; c++) p[c] /= sum;
}

void goss__outputs_of(const goss__dense *d, const double *w, int width, int outputs, const goss_rows *rows, double *out,
                      int row) {
    for (int i = 0; i < rows->n; i++)
        for (int c = 0; c < outputs; c++) out[(size_t)i * (size_t)row + (size_t)c] = w[(size_t)c * (size_t)(1 + width)];
    goss__multiply(d, rows->n, outputs, width, goss__plain(rows->x, width), goss__transposed(w + 1, 1 + width),
                   GOSS__ADD, out, row);
}

void goss__linear(const double *w, int width, int outputs, bool classes, const goss_rows *rows, double *out) {
    for (int i = 0; i < rows->n; i++) {
        double *y = out + (size_t)i * (size_t)outputs;
        for (int c = 0; c < outputs; c++) {
            const double *own = w + (size_t)c * (size_t)(1 + width);
            y[c] = own[0] + goss__dot(own + 1, rows->x + (size_t)i * (size_t)width, width);
        }
        if (classes) goss__probabilities(y, outputs);
    }
}
