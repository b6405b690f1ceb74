/* SPDX-License-Identifier: Apache-2.0 */
/* table_slots.h: rows of a table in the notation of the method "tables" (cells.h): a slot for each number and for each
 * level of a category (of two levels: one), sorted by name, and a flag beside it. */
#ifndef GOSS_META_TABLE_SLOTS_H
#define GOSS_META_TABLE_SLOTS_H

#include "gossamer/table_data.h"

/* Features of the encoding: the slot's value, and what flags it (-1: nothing does). */
typedef struct goss__slot {
    int value, flag;
    const char *name;
} goss__slot;

typedef struct goss__slots {
    goss_table_fit *fit;
    goss__slot *slot; /* [n] */
    int n, width;     /* width: of the encoding */
} goss__slots;

/* Fits to rows [n], which all have a target, and lays out slots. A category of more than GOSS_TABLE_NETWORK_LEVELS
 * values is left out, with a warning. Errors: as goss_table_fit_create; GOSS_E_ARGUMENT: more than `most` slots, which
 * `limit` calls what sets them. goss__slots_free whatever happens. */
GOSS_MUST_USE goss_status goss__slots_fit(goss__slots *s, const goss_table *table, const goss_roles *roles,
                                          const int32_t *rows, int n, const goss_objective *objective, int most,
                                          const char *limit, goss_error *err);
void goss__slots_free(goss__slots *s);
/* An encoded row [width] as values [n] and flags [n]. */
void goss__slots_put(const goss__slots *s, const float *row, float *values, float *flags);
#endif
