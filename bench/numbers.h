/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.h: numbers that anyone can reproduce. Element i of the tensor NAME is offset + scale (2 u - 1) with u in [0,
 * 1) from a hash of (FNV-1a of NAME, i), so that bench/peers/numbers_of.py makes the same ones from nothing but the
 * names. Labels are that hash modulo the ways. */
#ifndef GOSS_BENCH_NUMBERS_H
#define GOSS_BENCH_NUMBERS_H

#include <stdint.h>

void numbers_reals(const char *name, double scale, double offset, float *out, int64_t n);
/* ways < 0: 0, 1, 2, ... */
void numbers_labels(const char *name, int ways, int32_t *out, int64_t n);
#endif
