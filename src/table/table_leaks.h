/* SPDX-License-Identifier: Apache-2.0 */
/* table_leaks.h: how well one column determines another. */
#ifndef GOSS_TABLE_LEAKS_H
#define GOSS_TABLE_LEAKS_H

#include "table/table.h"

typedef struct goss__telling {
    enum { GOSS__TELLS_NOTHING, GOSS__TELLS_EQUAL, GOSS__TELLS_LINEAR, GOSS__TELLS_CLOSE, GOSS__TELLS_ALL } how;
    double measure; /* |r|, or the determined share of the target */
} goss__telling;

/* Whether `column` leaks `target`: equal values, a linear function, |r| of .9 or more, or it determines .98 of the
 * target's variance (.99 of its classes) by order or categories. Rows with a missing value are ignored; fewer than 20
 * rows are inconclusive. */
GOSS_MUST_USE goss_status goss__column_tells(const goss_table *t, int column, int target, goss__telling *out,
                                             goss_error *err);
#endif
