/* SPDX-License-Identifier: Apache-2.0 */
/* interval.h: what may be said of a mean over tasks. Threads: pure functions. */
#ifndef GOSSAMER_INTERVAL_H
#define GOSSAMER_INTERVAL_H

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The quantile of Student's t distribution: P(T <= t) = p for df > 0 degrees of freedom, 0 < p < 1. */
GOSS_API double goss_student_quantile(double p, double df);
/* Mean of values[n] and half its 95 % interval by Student's t over n - 1 degrees of freedom: NaN (not known) for fewer
 * than two. NaN values are left out; *mean is NaN where none is left. count: NULL, or how many counted. */
GOSS_API double goss_student_ci95(const double *values, int n, double *mean, int *count);

#ifdef __cplusplus
}
#endif
#endif
