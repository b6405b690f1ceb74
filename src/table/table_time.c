/* SPDX-License-Identifier: Apache-2.0 */
/* table_time.c: the time column, by its name and its values within tasks. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "table/table.h"

int goss__like_time(const char *name) {
    static const char *const words[] = {"age",  "wave",  "step", "trial",     "occasion", "visit",
                                        "year", "month", "week", "hour",      "hours",    "days",
                                        "day",  "t",     "date", "timestamp", "time"};
    const int n = (int)(sizeof words / sizeof *words);
    int found = strlen(name) > 4 && goss__ascii_ends(name, "time") ? n : 0;
    for (int i = 0; i < n; i++)
        if (goss__ascii_same(name, words[i])) found = i + 1;
    return found;
}

/* Whether it varies within most tasks, and no row lacks it. */
static bool orders(const goss_table *t, const goss_groups *tasks, int c) {
    int varying = 0;
    for (int g = 0; g < tasks->count; g++) {
        const int32_t *rows = tasks->rows + tasks->first[g];
        const int n = tasks->first[g + 1] - tasks->first[g];
        double first = 0;
        int different = 0;
        for (int i = 0; i < n; i++) {
            const double key = goss_table_order_key(t, c, rows[i]);
            if (isnan(key)) return false;
            if (i == 0) first = key;
            different += key != first;
        }
        varying += different > n / 2;
    }
    return 2 * varying > tasks->count;
}

/* Dates are no inputs. */
static bool may_be(const goss_table *t, const goss_roles *roles, int c) {
    if (goss_table_type(t, c) == GOSS_COLUMN_NUMBER) return roles->role[c] == GOSS_ROLE_INPUT;
    return goss_table_type(t, c) == GOSS_COLUMN_DATE && roles->role[c] == GOSS_ROLE_IGNORED &&
           strcmp(roles->reason[c], "declared") != 0;
}

int goss_table_time(const goss_table *t, const goss_roles *roles, const goss_groups *tasks) {
    int best = 0, column = -1;
    for (int c = 0; c < roles->columns; c++) {
        const int like = goss__like_time(goss_table_name(t, c));
        if (like > best && may_be(t, roles, c) && orders(t, tasks, c)) best = like, column = c;
    }
    return column;
}
