/* SPDX-License-Identifier: Apache-2.0 */
/* fitted_knn.c: nearest rows. Equally near ones come in the order of the rows. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "baseline/fitted.h"

static const int tried[] = {1, 2, 3, 5, 8, 13, 21, 34};
enum { TRIED = sizeof tried / sizeof *tried, MOST = 34, ASKED = 2000 /* rows that choose k, at most */ };

typedef struct near {
    double apart;
    int row;
} near;

/* The nearest rows to x, at most `most` of them, ascending; without row `except`. Returns their number. */
static int find(const goss_fitted *f, const double *x, int except, int most, near *out) {
    int n = 0;
    for (int i = 0; i < f->rows; i++) {
        const double *of = f->x + (size_t)i * (size_t)f->width;
        const double limit = n == most ? out[n - 1].apart : INFINITY;
        double apart = 0;
        for (int j = 0; j < f->width && apart < limit; j++) apart += (x[j] - of[j]) * (x[j] - of[j]);
        if (i == except || !(apart < limit)) continue;
        int at = n < most ? n++ : most - 1;
        while (at > 0 && out[at - 1].apart > apart) out[at] = out[at - 1], at--;
        out[at] = (near){apart, i};
    }
    return n;
}

/* The mean of the first k neighbours' targets: out [outputs]. */
static void say(const goss_fitted *f, const near *rows, int k, double *out) {
    if (!f->classes) {
        out[0] = 0;
        for (int i = 0; i < k; i++) out[0] += f->y[rows[i].row] / k;
        return;
    }
    for (int c = 0; c < f->classes; c++) out[c] = 1.0 / f->classes / (k + 1);
    for (int i = 0; i < k; i++) out[(int)f->y[rows[i].row]] += 1.0 / (k + 1);
}

static double error_of(const goss_fitted *f, const double *said, double y) {
    return f->classes ? -log(said[(int)y]) : (said[0] - y) * (said[0] - y);
}

static void choose(goss_fitted *f, double *said) {
    double error[TRIED] = {0};
    near rows[MOST];
    const int asked = f->rows < ASKED ? f->rows : ASKED;
    int best = 0;
    for (int i = 0; i < asked; i++) {
        const int n = find(f, f->x + (size_t)i * (size_t)f->width, i, MOST, rows);
        for (int t = 0; t < TRIED; t++) {
            if (tried[t] > n) continue;
            say(f, rows, tried[t], said);
            error[t] += error_of(f, said, f->y[i]);
        }
    }
    for (int t = 0; t < TRIED; t++)
        if (tried[t] < f->rows && error[t] < error[best]) best = t;
    f->k = tried[best];
}

goss_status goss__knn_fit(goss_fitted *f, const goss_rows *rows, goss_error *err) {
    const size_t n = (size_t)rows->n, width = (size_t)f->width;
    double *said = goss__calloc(f->classes ? (size_t)f->classes : 1, sizeof *said);
    f->rows = rows->n;
    f->x = goss__calloc(n * width + 1, sizeof *f->x), f->y = goss__calloc(n, sizeof *f->y);
    const bool there = said && f->x && f->y;
    if (there) {
        memcpy(f->x, rows->x, n * width * sizeof *f->x), memcpy(f->y, rows->y, n * sizeof *f->y);
        choose(f, said);
    }
    goss__free(said);
    return there ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d rows", rows->n);
}

goss_status goss__knn_predict(const goss_fitted *f, const double *x, int n, double *out, goss_error *err) {
    near rows[MOST];
    (void)err;
    for (int i = 0; i < n; i++) {
        const int k = find(f, x + (size_t)i * (size_t)f->width, -1, f->k, rows);
        say(f, rows, k, out + (size_t)i * (size_t)(f->classes ? f->classes : 1));
    }
    return GOSS_OK;
}
