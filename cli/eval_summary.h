/* SPDX-License-Identifier: Apache-2.0 */
/* eval_summary.h: what gossamer eval tells of a method: the mean over tasks with Student's interval, the paired
 * difference to the first method, and the same of each horizon of a series. */
#ifndef GOSS_EVAL_SUMMARY_H
#define GOSS_EVAL_SUMMARY_H

#include <stddef.h>

#include "gossamer/series.h"

typedef struct eval_summary {
    double value, ci95, difference, difference_ci95;
    int undefined; /* evaluated tasks without a value of the metric */
} eval_summary;

/* own [tasks]: NaN of a task that is not evaluated, or has no value. first: of the first method; its own: no
 * difference. judged: how many are evaluated. work: [tasks]. */
eval_summary eval_summarize(const double *own, const double *first, int tasks, int judged, double *work);
/* "0.5 +- 0.02". */
void eval_interval(char *out, size_t size, const char *format, double mean, double half);
void eval_json_summary(const eval_summary *s);

/* Figures of each horizon alone. */
typedef struct eval_horizons {
    const goss_series_options *series;
    int methods, tasks, judged; /* judged of the tasks are evaluated */
    double *work;               /* [tasks] */
    const char *(*name)(const void *context, int method);
    const double *(*values)(const void *context, int method, int k); /* [tasks] of horizon k */
    void (*json_tasks)(const void *context, const double *values);   /* of each task, as a member of an object */
    const void *context;
} eval_horizons;
bool eval_same_horizons(const goss_series_options *a, const goss_series_options *b);
/* A line a method, a column a horizon; a second line where means are over fewer tasks. */
void eval_print_horizons(const eval_horizons *h);
void eval_json_horizons(const eval_horizons *h, int method);
#endif
