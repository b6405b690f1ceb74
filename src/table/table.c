/* SPDX-License-Identifier: Apache-2.0 */
/* table.c: access to names, types and cells of a table. */
#include "table/table.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"

_Static_assert(GOSS_CELL_TEXT >= GOSS__NUMBER_TEXT, "a number fits");

const char *goss_column_type_name(goss_column_type type) {
    static const char *const names[] = {[GOSS_COLUMN_NUMBER] = "number",
                                        [GOSS_COLUMN_CATEGORY] = "category",
                                        [GOSS_COLUMN_TEXT] = "text",
                                        [GOSS_COLUMN_DATE] = "date"};
    return (size_t)type < sizeof names / sizeof *names ? names[type] : "unknown";
}

goss_table_options goss_table_options_defaults(void) { return (goss_table_options){0}; }

void goss_table_close(goss_table *t) {
    if (!t) return;
    for (int i = 0; t->column && i < t->columns; i++) {
        goss__free(t->column[i].numbers);
        goss__free(t->column[i].codes);
        goss__dictionary_free(&t->column[i].texts);
        goss__free(t->column[i].spelling);
        goss__dictionary_free(&t->column[i].spelled);
    }
    goss__free(t->column);
    goss__dictionary_free(&t->names);
    goss__free(t->file);
    goss__free(t->line);
    goss__arena_free(&t->arena);
    goss__free(t);
}

int goss_table_rows(const goss_table *t) { return t->rows; }
int goss_table_columns(const goss_table *t) { return t->columns; }
int goss_table_files(const goss_table *t) { return t->files; }
int goss_table_file_column(const goss_table *t) { return t->file_column; }
const char *goss_table_format(const goss_table *t) { return t->format; }

const char *goss_table_path(const goss_table *t) { return t->folder ? t->folder : t->file[0].name; }

const char *goss_table_file(const goss_table *t, int file) {
    assert(file >= 0 && file < t->files);
    return t->file[file].name;
}

void goss_table_origin(const goss_table *t, int row, int *file, int64_t *line) {
    assert(row >= 0 && row < t->rows);
    int first = 0, last = t->files - 1; /* the last file that begins at or before the row */
    while (first < last) {
        int middle = first + (last - first + 1) / 2;
        if (t->file[middle].first <= row)
            first = middle;
        else
            last = middle - 1;
    }
    if (file) *file = first;
    if (line) *line = t->line[row];
}

const char *goss__row_place(const goss_table *t, int row, char out[GOSS__PLACE]) {
    int file;
    int64_t line;
    goss_table_origin(t, row, &file, &line);
    goss__format(out, GOSS__PLACE, "%.280s%s%.280s:%lld", t->folder ? t->folder : "", t->folder ? "/" : "",
                 t->file[file].name, (long long)line);
    return out;
}

/* ---- columns ---- */

static const goss__column *at(const goss_table *t, int column) {
    assert(column >= 0 && column < t->columns);
    return &t->column[column];
}

const char *goss_table_name(const goss_table *t, int column) { return at(t, column)->name; }
goss_column_type goss_table_type(const goss_table *t, int column) { return at(t, column)->type; }
const char *goss_table_type_reason(const goss_table *t, int column) { return at(t, column)->reason; }

int goss_table_find(const goss_table *t, const char *name) { return goss__dictionary_find(&t->names, name); }

/* ---- cells ---- */

double goss_table_number(const goss_table *t, int column, int row) {
    const goss__column *c = at(t, column);
    assert(row >= 0 && row < t->rows);
    if (c->numbers) return c->numbers[row];
    return c->codes[row] < 0 ? NAN : c->codes[row];
}

int goss_table_code(const goss_table *t, int column, int row) {
    const goss__column *c = at(t, column);
    assert(c->codes && row >= 0 && row < t->rows);
    return c->codes[row];
}

bool goss_table_missing(const goss_table *t, int column, int row) {
    const goss__column *c = at(t, column);
    assert(row >= 0 && row < t->rows);
    return c->numbers ? isnan(c->numbers[row]) : c->codes[row] < 0;
}

int goss_table_categories(const goss_table *t, int column) { return at(t, column)->texts.count; }

const char *goss_table_category(const goss_table *t, int column, int code) {
    const goss__column *c = at(t, column);
    assert(code >= 0 && code < c->texts.count);
    return c->texts.text[code];
}

int goss_table_category_find(const goss_table *t, int column, const char *text) {
    return goss__dictionary_find(&at(t, column)->texts, text);
}

const char *goss_table_text(const goss_table *t, int column, int row, char buffer[GOSS_CELL_TEXT]) {
    const goss__column *c = at(t, column);
    if (goss_table_missing(t, column, row)) return "";
    if (!c->numbers) return c->texts.text[c->codes[row]];
    goss__number_print(c->numbers[row], buffer);
    return buffer;
}

const char *goss_table_spelling(const goss_table *t, int column, int row) {
    const goss__column *c = at(t, column);
    assert(row >= 0 && row < t->rows);
    return c->spelling && c->spelling[row] >= 0 ? c->spelled.text[c->spelling[row]] : NULL;
}
