/* SPDX-License-Identifier: Apache-2.0 */
/* interval.h: confidence intervals of means over tasks. Pure functions; threads: any. */
#ifndef GOSSAMER_INTERVAL_H
#define GOSSAMER_INTERVAL_H

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The p-quantile t of Student's t distribution with df degrees of freedom (not necessarily an integer):
 * P(T <= t) = p, for df > 0 and 0 < p < 1. Source: Student 1908, "The probable error of a mean". */
GOSS_API double goss_student_quantile(double p, double df);

/* Half the two-sided 95 % confidence interval of a mean, for independent values:
 *     t_{0.975, m-1} s / sqrt(m)      m: values that are not NaN, s: their standard deviation (with m - 1)
 * values [n]; NaN entries are skipped (a metric that is undefined for a task). Returns NaN if m < 2.
 * mean: receives the mean, NaN if m = 0. count: receives m; may be NULL. */
GOSS_API double goss_student_ci95(const double *values, int n, double *mean, int *count);

#ifdef __cplusplus
}
#endif
#endif
