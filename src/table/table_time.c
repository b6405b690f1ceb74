/* SPDX-License-Identifier: Apache-2.0 */
/* table_time.c: the time column, by its name and its values within tasks. */
#include <string.h>

#include "base/str.h"
#include "table/table.h"

int goss__like_time(const char *name) {
    static const char *const words[] = {"age",  "wave", "step",  "trial", "occasion", "visit", "year",      "month",
                                        "week", "hour", "hours", "days",  "day",      "t",     "timestamp", "time"};
    const int n = (int)(sizeof words / sizeof *words);
    int found = strlen(name) > 4 && goss__ascii_ends(name, "time") ? n : 0;
    for (int i = 0; i < n; i++)
        if (goss__ascii_same(name, words[i])) found = i + 1;
    return found;
}

/* Whether it varies within most tasks. */
static bool varies(const goss_table *t, const goss_groups *tasks, int c) {
    int varying = 0;
    for (int g = 0; g < tasks->count; g++) {
        const int32_t *rows = tasks->rows + tasks->first[g];
        const int n = tasks->first[g + 1] - tasks->first[g];
        int different = 0;
        for (int i = 1; i < n; i++) different += goss_table_number(t, c, rows[i]) != goss_table_number(t, c, rows[0]);
        varying += different > n / 2;
    }
    return 2 * varying > tasks->count;
}

goss_status goss_table_time(const goss_table *t, const goss_roles *roles, const goss_groups *tasks, int *column,
                            goss_error *err) {
    int best = 0;
    *column = -1;
    for (int c = 0; c < roles->columns; c++) {
        goss_column_stats s;
        const int like = goss__like_time(goss_table_name(t, c));
        if (roles->role[c] != GOSS_ROLE_INPUT || goss_table_type(t, c) != GOSS_COLUMN_NUMBER || like <= best) continue;
        GOSS_TRY(goss_table_stats(t, c, NULL, 0, &s, err));
        if (s.missing == 0 && varies(t, tasks, c)) best = like, *column = c;
    }
    return GOSS_OK;
}
