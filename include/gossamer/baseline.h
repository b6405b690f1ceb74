/* SPDX-License-Identifier: Apache-2.0 */
/* baseline.h: what every method for tasks of rows has to beat: closed forms and simple rules, on plain arrays.
 *
 * A task is a few labelled rows (support) and rows to predict. What the methods take from training tasks is fitted once
 * (goss_baselines_fit) and is small enough to travel with a model; then each support set gives predictions by itself.
 *   ridge       y = c + x.w, minimising |y - c - X w|^2 + slope |w|^2; c is free
 *   mean-ridge  the same with w and c drawn towards those of the training tasks:
 *               |y - c - X w|^2 + slope |w - m|^2 + level (c - m0)^2. m, m0 minimise the sum over the training tasks of
 *               that minimum (Evgeniou & Pontil 2004), which is the mean of the tasks' own coefficients
 *   mean        the mean of the support set's targets
 *   nearest     the target of the row that is nearest in the order column; the mean of those equally near
 *   line        least squares in the order column alone; the mean where the support rows are all at one place
 * With classes the first two are logistic (multinomial, the same penalties on the coefficients of every class; c of
 * ridge has one, too, since with one class in the support set it would be infinite), mean and nearest give the classes'
 * shares, and line has no meaning.
 *
 * slope and level (and how strongly m itself is drawn to 0) are chosen for several sizes of the support set: those with
 * the least error on the queries of support sets drawn from training tasks, as they will be drawn when judged, where m
 * comes from other tasks than the one that is predicted. Everything is computed in double precision, in one order.
 * Threads: fitted baselines may be used by any number of threads. */
#ifndef GOSSAMER_BASELINE_H
#define GOSSAMER_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows of one task. */
typedef struct goss_rows {
    int n;
    const double *x;  /* [n, width] inputs of similar size: standardised */
    const double *y;  /* [n] targets; classes: their numbers from 0 */
    const double *at; /* [n] the order column; NULL: there is none */
} goss_rows;

typedef struct goss_baselines_options {
    int width;    /* of x */
    int classes;  /* 0: regression */
    bool ordered; /* support sets are the first rows of a task and queries the later ones; else drawn at random */
    uint64_t seed;
    int most_support; /* strengths are chosen for sizes 1, 2, 3, 5, ... up to this (and what tasks have); 0: 200 */
} goss_baselines_options;
GOSS_API goss_baselines_options goss_baselines_defaults(void);

typedef struct goss_baselines goss_baselines;

/* From the training tasks, rows in their order where that counts. tasks may be none: then strengths are 1 and m is 0.
 * Errors: GOSS_E_NOMEM; GOSS_E_ARGUMENT for a width below 0. Owns: goss_baselines_free. */
GOSS_API GOSS_MUST_USE goss_status goss_baselines_fit(const goss_rows *tasks, int n_tasks,
                                                      const goss_baselines_options *options, goss_baselines **out,
                                                      goss_error *err);
GOSS_API void goss_baselines_free(goss_baselines *b); /* NULL allowed */
GOSS_API int goss_baselines_width(const goss_baselines *b);
GOSS_API int goss_baselines_classes(const goss_baselines *b);
/* As text, for a model file, and back. *text: free with goss_text_free. Errors of parse: GOSS_E_FORMAT. */
GOSS_API GOSS_MUST_USE goss_status goss_baselines_text(const goss_baselines *b, char **text, goss_error *err);
GOSS_API GOSS_MUST_USE goss_status goss_baselines_parse(const char *text, goss_baselines **out, goss_error *err);

typedef struct goss_baseline_kind {
    const char *name;
    bool order;   /* needs goss_rows.at */
    bool classes; /* has a meaning for classes */
    const char *doc;
} goss_baseline_kind;
GOSS_API const goss_baseline_kind *goss_baseline_at(int i);              /* the i-th, from 0; NULL: there are no more */
GOSS_API const goss_baseline_kind *goss_baseline_find(const char *name); /* NULL: there is none of that name */

/* Predicts the queries (whose y is not read) from at least one support row.
 * Shapes: out [query->n], with classes [query->n, classes]: probabilities.
 * Errors: GOSS_E_UNSUPPORTED for a method without a meaning for classes; GOSS_E_ARGUMENT without the order column where
 * it is needed; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_baseline_predict(const goss_baselines *b, const goss_baseline_kind *kind,
                                                         const goss_rows *support, const goss_rows *query, double *out,
                                                         goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
