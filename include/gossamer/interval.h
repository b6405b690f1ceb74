/* SPDX-License-Identifier: Apache-2.0 */
/* interval.h: confidence intervals of means over tasks.
 *
 * Metrics of single tasks are averaged over tasks, and the interval says how far that mean is determined by the tasks
 * that were drawn. Values must be independent: one per task, not one per query. To compare two methods, take the
 * interval of their differences task by task, which removes the variance between easy and hard tasks:
 *
 *     for (int i = 0; i < n; i++) difference[i] = ours[i] - theirs[i];
 *     double mean, ci95 = goss_student_ci95(difference, n, &mean, NULL);
 *     printf("%+.3f +- %.3f\n", mean, ci95);                          // an interval without 0: they differ at 5 %
 *
 * Pure functions. Threads: any. */
#ifndef GOSSAMER_INTERVAL_H
#define GOSSAMER_INTERVAL_H

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The p-quantile t of Student's t distribution with df degrees of freedom (not necessarily an integer):
 * P(T <= t) = p, for df > 0 and 0 < p < 1 (asserted). Computed by bisection on the incomplete beta function, to about
 * 14 digits. Sources: Student 1908, "The probable error of a mean"; Press et al., Numerical Recipes, 6.4. */
GOSS_API double goss_student_quantile(double p, double df);

/* Mean and interval of a few values: 0.9, 0.8 and 0.7 give 0.8 +- 0.25 (t = 4.30, s = 0.1, m = 3).
 *
 * Half the two-sided 95 % confidence interval of a mean, for independent values:
 *     t_{0.975, m-1} s / sqrt(m)      m: values that are not NaN, s: their standard deviation (with m - 1)
 * values [n]; NaN entries are skipped (a metric that is undefined for a task). Returns NaN if m < 2.
 * mean: receives the mean, NaN if m = 0. count: receives m; may be NULL. */
GOSS_API double goss_student_ci95(const double *values, int n, double *mean, int *count);

#ifdef __cplusplus
}
#endif
#endif
