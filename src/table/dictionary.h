/* SPDX-License-Identifier: Apache-2.0 */
/* dictionary.h: distinct texts, numbered from 0 in order of insertion. */
#ifndef GOSS_TABLE_DICTIONARY_H
#define GOSS_TABLE_DICTIONARY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

typedef struct goss__dictionary {
    goss__arena arena;
    const char **text; /* [count] */
    int32_t *slot;     /* [slots] open addressing: code + 1, 0 for a free one */
    int32_t count, capacity, slots;
} goss__dictionary; /* zero-initialised: empty */

/* The code of a text, inserted if it is new. -1: out of memory. */
int32_t goss__dictionary_add(goss__dictionary *d, const char *text);
int32_t goss__dictionary_find(const goss__dictionary *d, const char *text); /* -1: not there */
/* Sorts by value if all texts are numbers, else by bytes. code [count] receives the new code of each old one. False:
 * out of memory. */
bool goss__dictionary_sort(goss__dictionary *d, int32_t *code);
void goss__dictionary_free(goss__dictionary *d);
#endif
