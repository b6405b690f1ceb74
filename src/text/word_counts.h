/* SPDX-License-Identifier: Apache-2.0 */
/* word_counts.h: distinct pieces of texts, numbered in order of insertion, and how often each occurs. */
#ifndef GOSS_TEXT_WORD_COUNTS_H
#define GOSS_TEXT_WORD_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

typedef struct goss__counts {
    goss__arena arena;
    const char **text; /* [n] */
    int64_t *count;    /* [n] */
    int32_t *slot;     /* [slots] open addressing: number + 1, 0 for a free one */
    int32_t n, capacity, slots;
} goss__counts; /* zero-initialised: empty */

/* Counts a piece `by` times more. Its number; -1: out of memory. */
int32_t goss__counts_add(goss__counts *c, const char *text, size_t size, int64_t by);
int32_t goss__counts_find(const goss__counts *c, const char *text, size_t size); /* -1: not there */
/* Drops pieces that occur less than `least` times, and all but the `most` most frequent ones, and renumbers those that
 * stay: by falling count, then by bytes. False: out of memory. */
bool goss__counts_keep(goss__counts *c, int64_t least, int32_t most);
int64_t goss__counts_total(const goss__counts *c);
void goss__counts_free(goss__counts *c);
#endif
