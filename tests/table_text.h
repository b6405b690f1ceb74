/* SPDX-License-Identifier: Apache-2.0 */
/* table_text.h: small tables for tests: read from a text, and written back as one line a row. */
#ifndef GOSS_TEST_TABLE_TEXT_H
#define GOSS_TEST_TABLE_TEXT_H

#include "base/str.h"
#include "gossamer/table.h"
#include "test.h"

static goss_error err;

static inline goss_table *table_bytes(const void *data, size_t size, const goss_table_options *o) {
    goss_table *t = NULL;
    T_OK(goss_table_read(data, size, "t.csv", o, &t, &err));
    return t;
}

static inline goss_table *table_of(const char *text) { return table_bytes(text, strlen(text), NULL); }

/* "a,b / 1|x / 2|": the names, then the cells of each row. Valid until the next call. */
static inline const char *table_shown(const goss_table *t) {
    static goss__str s;
    char buffer[GOSS_CELL_TEXT];
    goss__str_free(&s);
    for (int c = 0; c < goss_table_columns(t); c++) goss__str_addf(&s, "%s%s", c ? "," : "", goss_table_name(t, c));
    for (int r = 0; r < goss_table_rows(t); r++) {
        goss__str_add(&s, " / ");
        for (int c = 0; c < goss_table_columns(t); c++)
            goss__str_addf(&s, "%s%s", c ? "|" : "", goss_table_text(t, c, r, buffer));
    }
    return s.data;
}

/* "nctd": number, category, text, date. */
static inline const char *table_types(const goss_table *t) {
    static char types[64];
    int n = goss_table_columns(t);
    for (int c = 0; c < n && c < 63; c++) types[c] = goss_column_type_name(goss_table_type(t, c))[0];
    types[n < 63 ? n : 63] = 0;
    return types;
}
#endif
