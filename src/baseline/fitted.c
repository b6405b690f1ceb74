/* SPDX-License-Identifier: Apache-2.0 */
/* fitted.c: the table of baselines of one table, and the linear ones. */
#include "baseline/fitted.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "baseline/baseline.h"

static const double penalty = 1; /* of slopes; inputs are standardised */

static int outputs(const goss_fitted *f) { return f->classes ? f->classes : 1; }
static size_t coefficients(const goss_fitted *f) { return (size_t)outputs(f) * (size_t)(1 + f->width); }

/* ---- linear ---- */

/* The constant is free. */
static goss_status linear_fit(goss_fitted *f, const goss_rows *rows, goss_error *err) {
    const goss_baselines b = {.width = f->width, .classes = f->classes, .scale = 1};
    const goss__strength strength = {.level = 0, .slope = penalty};
    goss__fitting one = {.memory = NULL};
    goss__dense d;
    f->w = goss__calloc(coefficients(f), sizeof *f->w);
    if (!f->w) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %zu coefficients", coefficients(f));
    goss_status s = goss__dense_open(&d, 0, err);
    if (s == GOSS_OK) s = goss__fitting_open(&one, &d, &b, rows, rows->y, err);
    if (s == GOSS_OK) goss__fit(&one, &strength, f->w);
    goss__fitting_close(&one);
    goss__dense_close(&d);
    return s;
}

static goss_status linear_predict(const goss_fitted *f, const double *x, int n, double *out, goss_error *err) {
    (void)err;
    goss__linear(f->w, f->width, outputs(f), f->classes > 0, &(goss_rows){.n = n, .x = x}, out);
    return GOSS_OK;
}

/* ---- the table ---- */

static const goss__fitted_row kinds[] = {
    {{"linear", "logistic regression, or ridge regression: penalty 1"}, linear_fit, linear_predict},
    {{"knn", "k nearest rows, k by leaving one row out"}, goss__knn_fit, goss__knn_predict},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const goss_fitted_kind *goss_fitted_kind_at(int i) { return i < 0 || i >= KINDS ? NULL : &kinds[i].public; }

static const goss__fitted_row *find(const char *name) {
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].public.name, name) == 0) return &kinds[i];
    return NULL;
}

const goss_fitted_kind *goss_fitted_kind_find(const char *name) {
    const goss__fitted_row *row = find(name);
    return row ? &row->public : NULL;
}

goss_status goss_fitted_open(const goss_fitted_kind *kind, const goss_rows *rows, int width, int classes,
                             goss_fitted **out, goss_error *err) {
    *out = NULL;
    if (rows->n < 1 || width < 0 || classes < 0 || classes == 1)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: %d rows of %d inputs and %d classes", kind->name, rows->n,
                              width, classes);
    goss_fitted *f = goss__calloc(1, sizeof *f);
    if (!f) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %s", kind->name);
    f->kind = find(kind->name), f->width = width, f->classes = classes;
    const goss_status s = f->kind->fit(f, rows, err);
    if (s == GOSS_OK)
        *out = f;
    else
        goss_fitted_free(f);
    return s;
}

void goss_fitted_free(goss_fitted *f) {
    if (!f) return;
    goss__free(f->w), goss__free(f->x), goss__free(f->y);
    goss__free(f);
}

goss_status goss_fitted_predict(const goss_fitted *f, const double *x, int n, double *out, goss_error *err) {
    return f->kind->predict(f, x, n, out, err);
}

size_t goss_fitted_bytes(const goss_fitted *f) {
    return sizeof(float) * (f->w ? coefficients(f) : (size_t)f->rows * (size_t)(f->width + 1));
}
