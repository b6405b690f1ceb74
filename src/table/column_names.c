/* SPDX-License-Identifier: Apache-2.0 */
/* column_names.c: names of columns: in lists, similar names, in errors. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "table/table.h"

const char *goss__column_label(const char *name, char out[GOSS__LABEL]) {
    const bool plain = *name && !name[strcspn(name, " :,;\"\t\r\n")];
    const int most = GOSS__LABEL - 8;
    int n = (int)strlen(name), shown = n > most ? most : n;
    while (shown < n && shown > 0 && ((unsigned char)name[shown] & 0xc0) == 0x80) shown--; /* whole characters */
    snprintf(out, GOSS__LABEL, plain ? "%.*s%s" : "\"%.*s%s\"", shown, name, shown < n ? "..." : "");
    return out;
}

/* ---- the nearest name ---- */

#define NAME_MAX_SIZE 64

/* Levenshtein distance, ignoring case; SIZE_MAX for long names. */
static size_t distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b), row[NAME_MAX_SIZE + 1];
    if (n > NAME_MAX_SIZE || m > NAME_MAX_SIZE) return SIZE_MAX;
    for (size_t k = 0; k <= m; k++) row[k] = k;
    for (size_t i = 1; i <= n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= m; k++) {
            size_t change = corner + (goss__ascii_lower(a[i - 1]) != goss__ascii_lower(b[k - 1])), best = row[k] + 1;
            if (row[k - 1] + 1 < best) best = row[k - 1] + 1;
            corner = row[k];
            row[k] = change < best ? change : best;
        }
    }
    return row[m];
}

const char *goss__nearest_name(const goss_table *t, const char *name) {
    const char *nearest = NULL;
    size_t best = strlen(name) / 2 + 1;
    for (int i = 0; i < t->columns; i++) {
        size_t d = distance(name, t->column[i].name);
        if (d < best) best = d, nearest = t->column[i].name;
    }
    return nearest;
}

/* ---- lists ---- */

goss_status goss__next_name(const char **list, const char *what, char out[256], bool *got, goss_error *err) {
    const char *p = *list + strspn(*list, " \t,"), *end, *start = p;
    *got = *p != 0;
    if (!*got) return GOSS_OK;
    if (*p == '"') {
        start = p + 1, end = strchr(start, '"');
        if (!end)
            return goss_error_set(err, GOSS_E_ARGUMENT, "%s: the quote in front of %.60s is not closed", what, start);
        p = end + 1;
    } else {
        p += strcspn(p, ",");
        for (end = p; end > start && (end[-1] == ' ' || end[-1] == '\t'); end--) {
        }
    }
    if (end - start >= 256) return goss_error_set(err, GOSS_E_ARGUMENT, "%s: a name of more than 255 bytes", what);
    memcpy(out, start, (size_t)(end - start));
    out[end - start] = 0;
    *list = p;
    return GOSS_OK;
}

static goss_status all_names(const goss_table *t, goss__str *s, const char *what, const char *name, goss_error *err) {
    for (int i = 0; i < t->columns && i < 12; i++) goss__str_addf(s, "%s%s", i ? ", " : "", t->column[i].name);
    if (t->columns > 12) goss__str_addf(s, " and %d more", t->columns - 12);
    goss_status status =
        goss_error_set(err, GOSS_E_ARGUMENT, "%s: there is no column \"%.80s\"; the columns are %.700s", what, name,
                       s->data ? s->data : "");
    goss__str_free(s);
    return status;
}

goss_status goss_table_need(const goss_table *t, const char *name, const char *what, int *column, goss_error *err) {
    *column = goss_table_find(t, name);
    if (*column < 0 && strcmp(name, "file") == 0) *column = t->file_column;
    if (*column >= 0) return GOSS_OK;
    const char *nearest = goss__nearest_name(t, name);
    if (!nearest) return all_names(t, &(goss__str){0}, what, name, err);
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: there is no column \"%.80s\" (nearest: \"%.80s\")", what, name,
                          nearest);
}

goss_status goss_table_list(const goss_table *t, const char *names, const char *what, int *columns, int *count,
                            goss_error *err) {
    *count = 0;
    for (const char *list = names ? names : "";;) {
        char name[256];
        bool got;
        int column;
        GOSS_TRY(goss__next_name(&list, what, name, &got, err));
        if (!got) return GOSS_OK;
        GOSS_TRY(goss_table_need(t, name, what, &column, err));
        for (int i = 0; i < *count; i++)
            if (columns[i] == column)
                return goss_error_set(err, GOSS_E_ARGUMENT, "%s: column \"%.80s\" is repeated", what, name);
        columns[(*count)++] = column;
    }
}
