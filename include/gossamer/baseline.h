/* SPDX-License-Identifier: Apache-2.0 */
/* baseline.h: closed forms and simple rules that every method for tasks of rows has to beat, on plain arrays.
 *
 * A task has a few labelled rows (its support set) and rows to predict (queries). What a baseline takes from training
 * tasks is fitted once (goss_baselines_fit) and is small enough to be stored with a model; each support set then
 * determines its predictions.
 *   ridge       y = c + x.w, minimising |y - c - X w|^2 + slope |w|^2; c is not penalised
 *   mean-ridge  the same with w and c shrunk towards those of the training tasks:
 *               |y - c - X w|^2 + slope |w - m|^2 + level (c - m0)^2, where m and m0 minimise the sum of that minimum
 *               over the training tasks and equal the mean of the tasks' coefficients (Evgeniou and Pontil 2004)
 *   mean        the mean of the support set's targets
 *   nearest     the target of the support row nearest in the order column; the mean of those equally near
 *   line        least squares in the order column alone; the mean if all support rows have the same order value
 *   last        the last known value: `from` where rows have it, else the target of the last support row in the order
 * For classification ridge and mean-ridge are multinomial logistic regressions with the same penalties on the
 * coefficients of every class (ridge penalises c as well, which would be infinite if the support set had one class);
 * mean, nearest and last give the classes' shares; line is undefined.
 *
 * slope and level, and the penalty that shrinks m to 0, are selected for several sizes of the support set: the values
 * with the least error on queries of support sets drawn from training tasks as they are drawn in evaluation, with m
 * estimated from tasks other than the one predicted; that of classes by six turns of fitting all tasks and taking their
 * mean, from one model of all rows. All arithmetic is double precision, in an order that the sizes alone determine.
 *
 *     goss_baselines_options o = goss_baselines_defaults();
 *     o.width = 5;
 *     GOSS_TRY(goss_baselines_fit(training_tasks, n_tasks, &o, &b, err));
 *     GOSS_TRY(goss_baseline_predict(b, goss_baseline_find("mean-ridge"), &support, &query, predicted, err));
 *
 * Threads: fitted baselines are immutable and may be used by any number of threads. */
#ifndef GOSSAMER_BASELINE_H
#define GOSSAMER_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows of one task, borrowed. */
typedef struct goss_rows {
    int n;            /* how many */
    const double *x;  /* [n, width] inputs of similar magnitude, i.e. standardised; row-major */
    const double *y;  /* [n] targets, or class numbers from 0 */
    const double *at; /* [n] the order column; NULL: there is none */
    /* [n] what y is counted from, that is the last known value of a series (series.h): the simple rules below take and
     * give y + from, less the query's own; NULL: 0 */
    const double *from;
} goss_rows;

/* What baselines are fitted for. */
typedef struct goss_baselines_options {
    int width;        /* of x */
    int classes;      /* 0: regression; else at least 2 */
    bool ordered;     /* support sets are a task's first rows and queries later ones; false: both are drawn at random */
    uint64_t seed;    /* of the support sets that penalties are selected on */
    int most_support; /* penalties are selected for sizes 1, 2, 3, 5, ... up to this (and what tasks have); 0: 200 */
    int threads;      /* 0: GOSSAMER_THREADS, else one a processor; results are the same */
} goss_baselines_options;
/* No inputs, regression, random order, seed 0. */
GOSS_API goss_baselines_options goss_baselines_defaults(void);

/* Fitted baselines. */
typedef struct goss_baselines goss_baselines;

/* Fits to training tasks, whose rows are in their order if `ordered`. Without tasks the penalties are 1 and m is 0.
 * options: NULL: the defaults. Errors: GOSS_E_ARGUMENT: a negative width, one class; GOSS_E_NOMEM. Owns:
 * goss_baselines_free. */
GOSS_API GOSS_MUST_USE goss_status goss_baselines_fit(const goss_rows *tasks, int n_tasks,
                                                      const goss_baselines_options *options, goss_baselines **out,
                                                      goss_error *err);
/* About how many multiplications goss_baselines_fit needs for tasks of so many rows, which are not read: one core
 * computes some 5e9 a second. options: NULL: the defaults. Threads: any. */
GOSS_API double goss_baselines_work(const goss_rows *tasks, int n_tasks, const goss_baselines_options *options);
/* How many coefficients, at most, what goss_baselines_fit makes keeps. options: NULL: the defaults. Threads: any. */
GOSS_API double goss_baselines_numbers(const goss_baselines_options *options);
/* Frees them; NULL is allowed. */
GOSS_API void goss_baselines_free(goss_baselines *b);
/* The width of the rows they were fitted for. */
GOSS_API int goss_baselines_width(const goss_baselines *b);
/* The number of classes; 0: regression. */
GOSS_API int goss_baselines_classes(const goss_baselines *b);
/* Writes them as text, for a model file: numbers with blanks between, from which goss_baselines_parse gets the same
 * bits. Errors: GOSS_E_NOMEM. Owns: *text, goss_text_free. */
GOSS_API GOSS_MUST_USE goss_status goss_baselines_text(const goss_baselines *b, char **text, goss_error *err);
/* Reads that text. Errors: GOSS_E_FORMAT: a damaged text, or one of another version; GOSS_E_NOMEM. Owns: *out,
 * goss_baselines_free. */
GOSS_API GOSS_MUST_USE goss_status goss_baselines_parse(const char *text, goss_baselines **out, goss_error *err);

/* Rows of sequences as rows of numbers: x [n, width] of `channels` a step and these lengths (NULL: all have all steps)
 * become out [n, width] with the last step at the end and 0 before the first. */
GOSS_API void goss_rows_align(const float *x, const int32_t *lengths, int n, size_t width, size_t channels,
                              double *out);

/* Rows whose targets y [n, outputs] have several components, of which some are missing (NaN): those that have component
 * k, as rows of that one target. The arrays of *to have room for all; `at` and `from` of rows are copied where both
 * have them. kept [n] or NULL: receives which rows these are. */
GOSS_API void goss_rows_component(const goss_rows *rows, size_t width, int outputs, int k, goss_rows *to,
                                  int32_t *kept);

/* A baseline method, one row of a table. */
typedef struct goss_baseline_kind {
    const char *name; /* "ridge", "mean-ridge", "mean", "nearest", "line", "last" */
    bool order;       /* requires goss_rows.at */
    bool classes;     /* defined for classification */
    const char *doc;  /* one line */
} goss_baseline_kind;
/* Row i of the table, from 0; NULL behind the last. Static storage. */
GOSS_API const goss_baseline_kind *goss_baseline_at(int i);
/* The method of that name; NULL if there is none. Static storage. */
GOSS_API const goss_baseline_kind *goss_baseline_find(const char *name);

/* Predicts the queries (whose y is not read) from at least one support row.
 * Shapes: out [query->n]; for classification [query->n, classes], probabilities.
 * Errors: GOSS_E_UNSUPPORTED: a method that is undefined for classification; GOSS_E_ARGUMENT: no support
 * row, or the order column is required and missing; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_baseline_predict(const goss_baselines *b, const goss_baseline_kind *kind,
                                                         const goss_rows *support, const goss_rows *query, double *out,
                                                         goss_error *err);

/* Predicts quantiles of the queries at levels [n] between 0 and 1, of numbers. With e the errors that a method makes:
 *   line      those of the least squares line with normal errors: its prediction plus t s sqrt(1 + 1 / m + d^2 / S), t
 *             Student's quantile of m - 2 degrees of freedom, m support rows, s^2 the residual variance, d the distance
 *             from the mean order value and S the sum of its squares. They widen behind the support, and rest on the
 *             target being linear there. Of two rows, or rows of one order value: s and t are those of the mean
 *   nearest   those of differences between support rows as far apart in the order as the query is from its nearest
 *             one (the m pairs whose distance is nearest to it): t s, s^2 their mean square, t of m - 1 degrees
 *   others    the empirical quantiles of e on the support rows, each predicted from the others in at most ten turns.
 *             Levels below 1 / m or above 1 - 1 / m, which m errors say nothing of: t s, s^2 their mean square, t of
 *             m - 1 degrees, or the outermost error if that is farther
 * Of one row: the prediction. Shapes: out [query->n, n]. Errors: as goss_baseline_predict; GOSS_E_UNSUPPORTED: of
 * classes. */
GOSS_API GOSS_MUST_USE goss_status goss_baseline_quantiles(const goss_baselines *b, const goss_baseline_kind *kind,
                                                           const goss_rows *support, const goss_rows *query,
                                                           const double *level, int n, double *out, goss_error *err);

/* ---- one table ---- */

/* A baseline that is fitted to the rows of one table, without other tasks, and then predicts any number of rows.
 * Immutable; threads: any. */
typedef struct goss_fitted goss_fitted;

/* Such a baseline, one row of a table.
 *   linear   y = c + x.w, minimising |y - c - X w|^2 + |w|^2; for classes multinomial logistic regression,
 *            minimising the sum of -log p + |w|^2 / 2 by L-BFGS (Liu and Nocedal 1989); c is free
 *   knn      the mean of the k nearest rows (Euclidean), or their classes' shares (n_c + 1 / classes) / (k + 1);
 *            k of 1, 2, 3, 5, 8, 13, 21, 34 has the least squared error or -log p, each row predicted from the others
 */
typedef struct goss_fitted_kind {
    const char *name, *doc; /* "linear", "knn"; one line */
} goss_fitted_kind;
/* Row i of the table, from 0; NULL behind the last. Static storage. */
GOSS_API const goss_fitted_kind *goss_fitted_kind_at(int i);
/* The one of that name; NULL if there is none. Static storage. */
GOSS_API const goss_fitted_kind *goss_fitted_kind_find(const char *name);
/* Fits to rows, of which there is at least one; `at` is not read. classes 0: regression. knn copies the rows.
 * Errors: GOSS_E_ARGUMENT: no rows, one class; GOSS_E_NOMEM. Owns: goss_fitted_free. */
GOSS_API GOSS_MUST_USE goss_status goss_fitted_open(const goss_fitted_kind *kind, const goss_rows *rows, int width,
                                                    int classes, goss_fitted **out, goss_error *err);
/* Frees it; NULL is allowed. */
GOSS_API void goss_fitted_free(goss_fitted *f);
/* Predicts rows x [n, width]. Shapes: out [n], or [n, classes], probabilities. Errors: GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_fitted_predict(const goss_fitted *f, const double *x, int n, double *out,
                                                       goss_error *err);
/* The bytes that it has to keep to predict, stored as float: coefficients, or rows and targets. */
GOSS_API size_t goss_fitted_bytes(const goss_fitted *f);

#ifdef __cplusplus
}
#endif
#endif
