/* SPDX-License-Identifier: Apache-2.0 */
/* table_types.c: types of columns, by the rules of docs/tables.md, with reasons. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "table/table_build.h"

/* Shares of nonempty cells: */
#define MOSTLY 0.8 /* a column is numeric (of dates), and other cells are errors */
/* A column of texts is TEXT instead of a category: */
#define TEXT_DISTINCT 32 /* more distinct ones than this, and */
#define TEXT_SHARE 0.5   /* than this share of the rows; or */
#define TEXT_LONG 200    /* one is longer than this many bytes */

/* What to do about a cell in the first line of a csv file that was read without a header; NULL: it is none. */
static const char *header_advice(const goss__build *b, const goss__tally *y) {
    const goss_table *t = b->t;
    if (!strstr(t->format, ", no header") || t->line[t->file[y->bad_file].first] != y->bad_line) return NULL;
    if (b->options->header == GOSS_HEADER_NO) return "if this line is the header, do not say that there is none";
    return "if this line is the header, one of its names is a number or a missing value (NA, NaN, ...), which made it "
           "a "
           "row: rename that column";
}

/* A time can neither be missing nor a category. Numbers in another notation are advised on as such. */
static const char *advice(const goss__build *b, int column) {
    const goss__tally *y = &b->tally[column];
    const char *header = header_advice(b, y);
    double value;
    if (header) return header;
    if (b->t->column[column].time &&
        goss__cell_classify(y->bad_text, b->t->decimal, &b->missing, &value) != GOSS__IS_LIKE)
        return "times are numbers, or dates (2024-05-31), in all rows: correct the cell, or take the row out";
    return goss__cell_advice(y->bad_text, b->t->decimal);
}

static goss_status bad_cell(const goss__build *b, int column, goss_error *err) {
    const goss__tally *y = &b->tally[column];
    char label[GOSS__LABEL];
    return goss_error_set(err, GOSS_E_FORMAT, "%s%s%s:%zu:%s: \"%s\" is not a number: %s", b->folder ? b->folder : "",
                          b->folder ? "/" : "", b->t->file[y->bad_file].name, y->bad_line,
                          goss__column_label(b->t->column[column].name, label), y->bad_text, advice(b, column));
}

static goss_status bad_date(const goss__build *b, int column, goss_error *err) {
    const goss__tally *y = &b->tally[column];
    char label[GOSS__LABEL];
    return goss_error_set(err, GOSS_E_FORMAT,
                          "%s%s%s:%zu:%s: \"%s\" is no date from 18000101 to 22001231, as most times of the column "
                          "are: correct the cell, or take the row out",
                          b->folder ? b->folder : "", b->folder ? "/" : "", b->t->file[y->odd_file].name, y->odd_line,
                          goss__column_label(b->t->column[column].name, label), y->odd_text);
}

static void set(goss__column *c, goss_column_type type, const char *fmt, ...) GOSS_PRINTF(3, 4);
static void set(goss__column *c, goss_column_type type, const char *fmt, ...) {
    va_list args;
    c->type = type;
    va_start(args, fmt);
    goss__vformat(c->reason, sizeof c->reason, fmt, args);
    va_end(args);
}

/* CATEGORY stands for CATEGORY or TEXT here, decided when the texts are known. */
static goss_status decide(goss__build *b, int column, goss_error *err) {
    goss__column *c = &b->t->column[column];
    const goss__tally *y = &b->tally[column];
    const size_t rest = y->dates + y->like + y->other, filled = y->numbers + rest;
    if (c->fixed || column == b->t->file_column) return GOSS_OK;
    if (c->categorical)
        set(c, GOSS_COLUMN_CATEGORY, "declared");
    else if (filled == 0)
        set(c, GOSS_COLUMN_NUMBER, "no cell holds anything");
    else if (c->time && !c->numeric_time && y->compact > 0 && y->compact + y->dates == filled)
        set(c, GOSS_COLUMN_DATE, "%zu of %zu cells are dates without signs (20240531)", y->compact, filled);
    else if (c->time && !c->numeric_time && *y->odd_text && (double)y->compact >= MOSTLY * (double)filled)
        return bad_date(b, column, err);
    else if (rest == 0 && c->inexact && goss__called_as_id(c->name))
        set(c, GOSS_COLUMN_CATEGORY, "identifiers of more digits than numbers hold (\"%.40s\")", c->inexact);
    else if (rest == 0)
        set(c, GOSS_COLUMN_NUMBER, "all %zu nonempty cells are numbers", filled);
    else if ((double)y->dates >= MOSTLY * (double)filled)
        set(c, GOSS_COLUMN_DATE, "%zu of %zu cells are dates or times (\"%s\")", y->dates, filled, y->bad_text);
    else if ((double)(y->numbers + y->like) >= MOSTLY * (double)filled && !c->ignored)
        return bad_cell(b, column, err);
    else if (y->numbers)
        set(c, GOSS_COLUMN_CATEGORY, "%zu of %zu cells are numbers, others are not (\"%s\")", y->numbers, filled,
            y->bad_text);
    else
        set(c, GOSS_COLUMN_CATEGORY, "no number in it");
    return GOSS_OK;
}

goss_status goss__build_types(goss__build *b, bool *again, goss_error *err) {
    goss_table *t = b->t;
    *again = false;
    for (int i = 0; i < t->columns; i++) {
        goss__column *c = &t->column[i];
        GOSS_TRY(decide(b, i, err));
        if (c->type == GOSS_COLUMN_NUMBER) continue;
        goss__free(c->numbers);
        c->numbers = NULL;
        c->codes = goss__alloc((size_t)t->rows * sizeof *c->codes);
        if (!c->codes) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory for the table", goss_table_path(t));
        if (i != t->file_column) *again = true;
    }
    return GOSS_OK;
}

/* ---- after the second pass ---- */

static goss_status in_order(goss__column *c, int rows, goss_error *err) {
    int32_t *code = goss__alloc((size_t)c->texts.count * sizeof *code);
    bool ok = code && goss__dictionary_sort(&c->texts, code);
    for (int r = 0; ok && r < rows; r++)
        if (c->codes[r] >= 0) c->codes[r] = code[c->codes[r]];
    goss__free(code);
    return ok ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory to sort categories");
}

static void category_or_text(goss__column *c, int filled) {
    size_t longest = 0;
    int distinct = c->texts.count;
    for (int i = 0; i < distinct; i++) {
        size_t n = strlen(c->texts.text[i]);
        if (n > longest) longest = n;
    }
    char before[sizeof c->reason];
    memcpy(before, c->reason, sizeof before);
    if (longest > TEXT_LONG)
        set(c, GOSS_COLUMN_TEXT, "%.100s; up to %zu bytes long", before, longest);
    else if (distinct > TEXT_DISTINCT && distinct > TEXT_SHARE * filled)
        set(c, GOSS_COLUMN_TEXT, "%.100s; %d distinct ones in %d rows", before, distinct, filled);
    else
        set(c, GOSS_COLUMN_CATEGORY, "%.100s; %d distinct ones", before, distinct);
}

/* A file is named without its extension, unless two files would have the same name. */
static goss_status name_files(goss__build *b, goss_error *err) {
    goss_table *t = b->t;
    goss__column *c = &t->column[t->file_column];
    for (int i = 0; i < t->files; i++) {
        const char *name = t->file[i].name, *dot = strrchr(name, '.');
        char *label = goss__arena_strdup(&t->arena, name);
        if (label && dot && dot != name && !strchr(dot, '/')) label[dot - name] = 0;
        if (label && goss__dictionary_find(&c->texts, label) >= 0) label = (char *)name;
        int32_t code = label ? goss__dictionary_add(&c->texts, label) : -1;
        if (code < 0) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory for the table", name);
        const int end = i + 1 < t->files ? t->file[i + 1].first : t->rows;
        for (int r = t->file[i].first; r < end; r++) c->codes[r] = code;
    }
    return in_order(c, t->rows, err);
}

static void shrink(void *array, size_t size) {
    void **p = array, *smaller = *p ? goss__realloc(*p, size ? size : 1) : NULL;
    if (smaller) *p = smaller;
}

goss_status goss__build_end(goss__build *b, goss_error *err) {
    goss_table *t = b->t;
    if (t->file_column >= 0) GOSS_TRY(name_files(b, err));
    shrink(&t->line, (size_t)t->rows * sizeof *t->line);
    for (int i = 0; i < t->columns; i++) shrink(&t->column[i].numbers, (size_t)t->rows * sizeof(double));
    for (int i = 0; i < t->columns; i++) shrink(&t->column[i].spelling, (size_t)t->rows * sizeof(int32_t));
    for (int i = 0; i < t->columns; i++) {
        goss__column *c = &t->column[i];
        if (!c->codes || i == t->file_column) continue;
        int filled = t->rows - (int)b->tally[i].missing;
        if (!c->fixed && !c->categorical && c->type == GOSS_COLUMN_CATEGORY) category_or_text(c, filled);
        if (c->categorical) set(c, GOSS_COLUMN_CATEGORY, "declared; %d distinct ones", (int)c->texts.count);
        if (!c->fixed) GOSS_TRY(in_order(c, t->rows, err));
    }
    return GOSS_OK;
}
