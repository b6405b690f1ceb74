/* SPDX-License-Identifier: Apache-2.0 */
/* fitted.h: baselines of one table inside. */
#ifndef GOSS_BASELINE_FITTED_H
#define GOSS_BASELINE_FITTED_H

#include <stddef.h>

#include "gossamer/baseline.h"

typedef struct goss__fitted_row {
    goss_fitted_kind public;
    goss_status (*fit)(goss_fitted *f, const goss_rows *rows, goss_error *err);
    goss_status (*predict)(const goss_fitted *f, const double *x, int n, double *out, goss_error *err);
} goss__fitted_row;

struct goss_fitted {
    const goss__fitted_row *kind;
    int width, classes;
    double *w; /* linear: [outputs, 1 + width], the constant first */
    double *x; /* knn: [rows, width] */
    double *y; /* knn: [rows] */
    int rows, k;
};

/* ---- fitted_knn.c ---- */
goss_status goss__knn_fit(goss_fitted *f, const goss_rows *rows, goss_error *err);
goss_status goss__knn_predict(const goss_fitted *f, const double *x, int n, double *out, goss_error *err);
#endif
