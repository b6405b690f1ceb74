/* SPDX-License-Identifier: Apache-2.0 */
/* table_rows.c: operations on rows: grouping by a column, extracting numbers, hashes. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/rng.h"
#include "table/cell.h"
#include "table/table.h"

double goss_table_order_key(const goss_table *t, int column, int row) {
    double key;
    char cell[GOSS_CELL_TEXT];
    if (t->column[column].numbers) return t->column[column].numbers[row];
    if (goss_table_missing(t, column, row)) return NAN;
    return goss__cell_date_seconds(goss_table_text(t, column, row, cell), &key) ? key : (double)NAN;
}

goss_status goss__table_distinguishes(const goss_table *t, int column, goss_error *err) {
    const goss__column *c = &t->column[column];
    char label[GOSS__LABEL];
    if (c->type != GOSS_COLUMN_NUMBER || !c->inexact) return GOSS_OK;
    return goss_error_set(
        err, GOSS_E_FORMAT,
        "%s: column %s holds integers of more digits than numbers have (\"%.40s\"): different ones "
        "would be the same; declare it as categorical, give it a name as ids have (userId), or write a "
        "letter before each",
        goss_table_path(t), goss__column_label(c->name, label), c->inexact);
}

/* ---- groups ---- */

void goss_groups_free(goss_groups *g) {
    for (int i = 0; g->name && i < g->count; i++) goss__free(g->name[i]);
    goss__free(g->name);
    goss__free(g->first);
    goss__free(g->rows);
    *g = (goss_groups){0};
}

/* Numbers the values of a column in order of occurrence. */
static bool number_groups(const goss_table *t, int column, const int32_t *rows, int n, int32_t *group,
                          goss__dictionary *names) {
    char buffer[GOSS_CELL_TEXT];
    for (int i = 0; i < n; i++) {
        int row = rows ? rows[i] : i;
        group[i] = -1;
        if (column >= 0 && goss_table_missing(t, column, row)) continue;
        group[i] = goss__dictionary_add(names, column < 0 ? "" : goss_table_text(t, column, row, buffer));
        if (group[i] < 0) return false;
    }
    return true;
}

static bool sort_rows(const int32_t *rows, int n, const int32_t *group, const goss__dictionary *names,
                      goss_groups *out) {
    const size_t count = (size_t)names->count;
    out->name = goss__calloc(count ? count : 1, sizeof *out->name);
    out->first = goss__calloc(count + 1, sizeof *out->first);
    out->rows = goss__alloc((size_t)n * sizeof *out->rows);
    int32_t *next = goss__alloc((count + 1) * sizeof *next);
    bool ok = out->name && out->first && out->rows && next;
    for (int i = 0; ok && i < n; i++)
        if (group[i] >= 0)
            out->first[group[i] + 1]++;
        else
            out->missing++;
    for (size_t g = 0; ok && g < count; g++) {
        out->first[g + 1] += out->first[g];
        out->name[g] = goss__strdup(names->text[g]);
        ok = out->name[g] != NULL;
    }
    out->count = (int)count;
    if (ok) memcpy(next, out->first, (count + 1) * sizeof *next);
    for (int i = 0; ok && i < n; i++)
        if (group[i] >= 0) out->rows[next[group[i]]++] = rows ? rows[i] : i;
    goss__free(next);
    return ok;
}

goss_status goss_table_groups(const goss_table *t, int column, const int32_t *rows, int n_rows, goss_groups *out,
                              goss_error *err) {
    assert(column >= -1 && column < t->columns);
    const int n = rows ? n_rows : t->rows;
    goss__dictionary names = {0};
    int32_t *group = goss__alloc((size_t)n * sizeof *group);
    *out = (goss_groups){0};
    bool ok = group && number_groups(t, column, rows, n, group, &names) && sort_rows(rows, n, group, &names, out);
    goss__free(group);
    goss__dictionary_free(&names);
    if (ok) return GOSS_OK;
    goss_groups_free(out);
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the groups of %d rows", n);
}

/* ---- numbers ---- */

goss_status goss_table_numbers(const goss_table *t, const int *columns, int n_columns, const int32_t *rows, int n_rows,
                               double *out, goss_error *err) {
    const int n = rows ? n_rows : t->rows;
    for (int c = 0; c < n_columns; c++) {
        char label[GOSS__LABEL];
        goss_column_type type = goss_table_type(t, columns[c]);
        if (type == GOSS_COLUMN_TEXT || type == GOSS_COLUMN_DATE)
            return goss_error_set(
                err, GOSS_E_ARGUMENT, "%s: %s, which is not a number; %s",
                goss__column_label(t->column[columns[c]].name, label),
                type == GOSS_COLUMN_DATE ? "a date" : "texts that hardly repeat",
                type == GOSS_COLUMN_DATE
                    ? "convert it to a number (days since the first, the hour, the month), or ignore it"
                    : "ignore it, or declare it as categorical");
        for (int i = 0; i < n; i++) {
            int row = rows ? rows[i] : i;
            assert(row >= 0 && row < t->rows);
            out[(size_t)i * (size_t)n_columns + (size_t)c] = goss_table_number(t, columns[c], row);
        }
    }
    return GOSS_OK;
}

/* ---- identity ---- */

static uint64_t mix(uint64_t h) {
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

/* A text that is a number is hashed as a number, so that a column of 1 and 2 has the same hash for every type. */
static uint64_t cell_hash(const goss_table *t, int column, int row) {
    const goss__column *c = &t->column[column];
    double value = NAN;
    if (goss_table_missing(t, column, row)) return 1;
    if (c->numbers)
        value = c->numbers[row];
    else if (!goss__number_parse(c->texts.text[c->codes[row]], &value))
        return goss__hash64(c->texts.text[c->codes[row]], strlen(c->texts.text[c->codes[row]]), 2);
    value += 0.0;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return mix(bits + 3);
}

/* A sum over columns: independent of their order, dependent on their names. */
uint64_t goss_table_row_hash(const goss_table *t, const int *columns, int n_columns, int row) {
    uint64_t sum = 0;
    const int n = columns ? n_columns : t->columns;
    for (int i = 0; i < n; i++) {
        const int c = columns ? columns[i] : i;
        if (!columns && c == t->file_column) continue;
        const char *name = goss_table_name(t, c);
        sum += mix(goss__hash64(name, strlen(name), 0) ^ mix(cell_hash(t, c, row)));
    }
    return mix(sum);
}

uint64_t goss_table_hash(const goss_table *t, bool ordered) {
    uint64_t h = (uint64_t)t->rows;
    for (int r = 0; r < t->rows; r++) {
        uint64_t row = goss_table_row_hash(t, NULL, 0, r);
        h = ordered ? mix(h ^ row) + (uint64_t)r : h + mix(row);
    }
    return mix(h);
}
