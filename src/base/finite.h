/* SPDX-License-Identifier: Apache-2.0 */
/* finite.h: whether an array of floats contains an infinity or a NaN, at memory bandwidth. */
#ifndef GOSS_BASE_FINITE_H
#define GOSS_BASE_FINITE_H

#include <stdbool.h>
#include <stdint.h>

/* The index of the first of values[n] that is not finite; -1: all are. */
int64_t goss__first_not_finite(const float *values, int64_t n);

#endif
