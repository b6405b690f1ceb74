/* SPDX-License-Identifier: Apache-2.0 */
/* fitting.c: coefficients of one support set. Numbers have a closed form. Classes are fitted by the bound of Boehning
 * (1992): the log likelihood's curvature is at most half of the least squares' one, so that steps by that one matrix
 * never lose; residuals a = (one-hot - p) are the weights of the rows at the end, and the iteration runs on them. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "baseline/baseline.h"

enum { MOST_STEPS = 400 };
#define CLOSE 1e-6

goss_status goss__fitting_open(goss__fitting *f, const goss_baselines *b, const goss_rows *support, const double *y,
                               goss_error *err) {
    *f = (goss__fitting){.y = y, .outputs = goss__outputs(b), .width = b->width, .classes = b->classes > 0};
    GOSS_TRY(goss__shrink_open(&f->s, support->x, support->n, b->width, err));
    f->work = goss__calloc((size_t)support->n * (size_t)(2 * f->outputs + 1), sizeof *f->work);
    return f->work ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory to fit %d rows", support->n);
}

void goss__fitting_close(goss__fitting *f) {
    goss__shrink_close(&f->s);
    goss__free(f->work);
}

static void factor(goss__fitting *f, double slope) {
    if (f->s.slope != slope) goss__shrink_factor(&f->s, slope);
}

/* ---- outputs ---- */

static void softmax(double *p, int classes) {
    double most = p[0], sum = 0;
    for (int c = 1; c < classes; c++) most = p[c] > most ? p[c] : most;
    for (int c = 0; c < classes; c++) sum += p[c] = exp(p[c] - most);
    for (int c = 0; c < classes; c++) p[c] /= sum;
}

void goss__linear(const double *w, int width, int outputs, bool classes, const goss_rows *rows, double *out) {
    for (int i = 0; i < rows->n; i++) {
        double *y = out + (size_t)i * (size_t)outputs;
        for (int c = 0; c < outputs; c++) {
            const double *own = w + (size_t)c * (size_t)(1 + width);
            y[c] = own[0] + goss__dot(own + 1, rows->x + (size_t)i * (size_t)width, width);
        }
        if (classes) softmax(y, outputs);
    }
}

/* ---- numbers ---- */

static void start(const goss__fitting *f, const goss__strength *strength, double *w) {
    const size_t size = (size_t)f->outputs * (size_t)(1 + f->width) * sizeof *w;
    if (!strength->towards)
        memset(w, 0, size);
    else
        memcpy(w, strength->towards, size);
}

static void fit_numbers(goss__fitting *f, const goss__strength *strength, double *w) {
    const goss_rows rows = {.n = f->s.n, .x = f->s.x};
    double *r = f->work, *v = w + 1, c;
    goss__linear(w, f->width, 1, false, &rows, r);
    for (int i = 0; i < rows.n; i++) r[i] = f->y[i] - r[i];
    factor(f, strength->slope);
    double *change = f->s.change;
    goss__shrink_solve(&f->s, strength->level, r, &c, change);
    w[0] += c;
    for (int j = 0; j < f->width; j++) v[j] += change[j];
}

/* ---- classes ---- */

/* w = towards + what the rows' weights a [classes, n] say. */
static void coefficients(const goss__fitting *f, const goss__strength *strength, const double *a, double *w) {
    start(f, strength, w);
    for (int c = 0; c < f->outputs; c++) {
        double *own = w + (size_t)c * (size_t)(1 + f->width);
        for (int i = 0; i < f->s.n; i++) {
            const double weight = a[(size_t)c * (size_t)f->s.n + (size_t)i];
            const double *x = f->s.x + (size_t)i * (size_t)f->width;
            own[0] += weight / strength->level;
            for (int j = 0; j < f->width; j++) own[1 + j] += weight * x[j] / strength->slope;
        }
    }
}

/* One step for class c: a += M ((one-hot - p) - a), M of doubled strengths. Returns the largest residual. */
static double step(goss__fitting *f, double level, int c, const double *p, double *a, double *r) {
    const int n = f->s.n;
    double largest = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        r[i] = ((int)f->y[i] == c) - p[(size_t)i * (size_t)f->outputs + (size_t)c] - a[i];
        largest = fabs(r[i]) > largest ? fabs(r[i]) : largest;
    }
    goss__shrink_apply(&f->s, r, r);
    for (int i = 0; i < n; i++) sum += r[i];
    sum /= level + f->s.ones_sum;
    for (int i = 0; i < n; i++) a[i] += r[i] - sum * f->s.ones[i];
    return largest;
}

static void fit_classes(goss__fitting *f, const goss__strength *strength, double *w) {
    const size_t n = (size_t)f->s.n, k = (size_t)f->outputs;
    const goss_rows rows = {.n = f->s.n, .x = f->s.x};
    double *p = f->work, *a = p + n * k, *r = a + n * k, largest = 1;
    memset(a, 0, n * k * sizeof *a);
    factor(f, 2 * strength->slope);
    for (int turn = 0; turn < MOST_STEPS && largest > CLOSE; turn++) {
        coefficients(f, strength, a, w);
        goss__linear(w, f->width, f->outputs, true, &rows, p);
        largest = 0;
        for (int c = 0; c < f->outputs; c++) {
            const double one = step(f, 2 * strength->level, c, p, a + (size_t)c * n, r);
            largest = one > largest ? one : largest;
        }
    }
    coefficients(f, strength, a, w);
}

void goss__fit(goss__fitting *f, const goss__strength *strength, double *w) {
    start(f, strength, w);
    (f->classes ? fit_classes : fit_numbers)(f, strength, w);
}
