/* SPDX-License-Identifier: Apache-2.0 */
/* logistic.h: multinomial logistic regression, the one solver behind all baselines of classes. */
#ifndef GOSS_BASELINE_LOGISTIC_H
#define GOSS_BASELINE_LOGISTIC_H

#include "baseline/dense.h"

enum { GOSS__LOGISTIC_KEPT = 8 };

/* Rows to which strengths are applied, in turn. */
typedef struct goss__logistic {
    const goss__dense *dense;
    const double *z, *y; /* [n, width], [n] classes */
    int n, width, classes;
    size_t size;        /* of coefficients [classes, 1 + width], the constant first */
    bool whole;         /* the metric is a matrix, not its diagonal alone */
    double *p, *weight; /* [n, classes], [n] */
    double *gram, *factor, *scaled;
    double level, slope;
    const double *offset;
    double *g, *next, *next_g, *direction, *s, *c, rho[GOSS__LOGISTIC_KEPT]; /* s, c: [KEPT, size] */
    bool has_gram;
    int pairs;
    double *memory;
} goss__logistic;

GOSS_MUST_USE goss_status goss__logistic_open(goss__logistic *l, const goss__dense *d, const double *z, const double *y,
                                              int n, int width, int classes, goss_error *err);
void goss__logistic_close(goss__logistic *l);
/* Minimises over w [classes, 1 + width], which is where it starts and sums to 0 over the classes,
 *   sum of -log softmax(offset + [1 z] w)_y  +  slope |slopes of w|^2 / 2  +  level |constants of w|^2 / 2.
 * offset [n, classes]; NULL: 0. slope > 0; level may be 0. */
void goss__logistic_fit(goss__logistic *l, double level, double slope, const double *offset, double *w);
#endif
