/* SPDX-License-Identifier: Apache-2.0 */
/* table_leaks.h: how well one column tells another. */
#ifndef GOSS_TABLE_LEAKS_H
#define GOSS_TABLE_LEAKS_H

#include "table/table.h"

typedef struct goss__telling {
    enum { GOSS__TELLS_NOTHING, GOSS__TELLS_EQUAL, GOSS__TELLS_LINEAR, GOSS__TELLS_CLOSE, GOSS__TELLS_ALL } how;
    double measure; /* |r|, or the share of the target that is determined */
} goss__telling;

/* Whether `column` gives `target` away: the same values; a linear function of it; |r| of .9 and more; or it determines
 * .98 of its variance (.99 of its classes) by its order or its categories. Rows that miss either do not count; fewer
 * than 20 rows tell nothing. */
GOSS_MUST_USE goss_status goss__column_tells(const goss_table *t, int column, int target, goss__telling *out,
                                             goss_error *err);
#endif
