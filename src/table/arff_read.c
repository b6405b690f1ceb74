/* SPDX-License-Identifier: Apache-2.0 */
/* arff_read.c: the rows of ARFF files, dense and sparse. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "table/arff.h"
#include "table/cell.h"
#include "table/csv_parse.h"

static bool starts(const uint8_t *data, size_t size, const char *word) {
    size_t n = strlen(word);
    if (size < n) return false;
    for (size_t i = 0; i < n; i++)
        if (goss__ascii_lower((char)data[i]) != word[i]) return false;
    return true;
}

/* The first line that is not a comment begins with @relation or @attribute. */
static bool is_arff(const goss__bytes *b) {
    size_t at = b->size >= 3 && memcmp(b->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < b->size) {
        while (at < b->size && memchr(" \t\r\n", b->data[at], 4)) at++;
        if (at == b->size || b->data[at] != '%') break;
        const uint8_t *feed = memchr(b->data + at, '\n', b->size - at);
        if (!feed) return false;
        at = (size_t)(feed - b->data) + 1;
    }
    return starts(b->data + at, b->size - at, "@relation") || starts(b->data + at, b->size - at, "@attribute");
}

/* ---- cells ---- */

static goss_status take_cell(goss__arff *a, int i, const char *value, bool quoted, goss_error *err) {
    goss__cell *c = &a->cell[i];
    *c = (goss__cell){.kind = GOSS__CELL_EXACT, .text = value};
    if (!quoted && strcmp(value, "?") == 0)
        c->kind = GOSS__CELL_MISSING;
    else if (a->decl[i].type == GOSS__DECL_NUMBER) {
        c->kind = GOSS__CELL_NUMBER;
        if (!goss__number_parse(value, &c->number))
            return goss__arff_error(a, i, err, "\"%.60s\" is not a number: %s", value, goss__cell_advice(value, '.'));
    }
    return GOSS_OK;
}

static goss_status dense(goss__arff *a, char *p, goss_error *err) {
    const char *stops = strchr(p, ',') ? "," : " \t";
    char stop = ',';
    for (int i = 0; i < a->n; i++) {
        char *value;
        bool quoted;
        if (!stop) return goss__arff_error(a, i, err, "the row ends after %d of %d values", i, a->n);
        if (!goss__arff_value(&p, stops, &value, &quoted, &stop))
            return goss__arff_error(a, i, err, "a quote is not closed, or text follows it");
        if (!*value && !quoted) return goss__arff_error(a, i, err, "an empty value; a missing one is written ?");
        GOSS_TRY(take_cell(a, i, value, quoted, err));
    }
    p += strspn(p, " \t");
    if (!stop || !*p) return GOSS_OK; /* a trailing comma is ignored */
    if (*p == '{')
        return goss__arff_error(a, -1, err, "a row's weight in braces; weights are not supported: remove them");
    return goss__arff_error(a, -1, err, "more than %d values, or a comma in a text without quotes", a->n);
}

/* Omitted cells of a sparse row are 0, or the first declared value. */
static goss_status sparse_defaults(goss__arff *a, const bool *given, goss_error *err) {
    for (int i = 0; i < a->n; i++) {
        if (given[i]) continue;
        const goss__column_decl *d = &a->decl[i];
        if (d->type == GOSS__DECL_NUMBER)
            a->cell[i] = (goss__cell){.kind = GOSS__CELL_NUMBER, .number = 0};
        else if (d->n_categories)
            a->cell[i] = (goss__cell){.kind = GOSS__CELL_EXACT, .text = d->categories[0]};
        else
            return goss__arff_error(a, i, err, "a sparse row must give texts and dates");
    }
    return GOSS_OK;
}

static goss_status sparse(goss__arff *a, char *p, bool *given, goss_error *err) {
    char stop = ',';
    memset(given, 0, (size_t)a->n * sizeof *given);
    p += 1 + strspn(p + 1, " \t");
    if (*p == '}') stop = *p++;
    while (stop == ',') {
        char *index, *value, *end, between;
        bool quoted;
        if (!goss__arff_value(&p, " \t,}", &index, &quoted, &between) || (between != ' ' && between != '\t'))
            return goss__arff_error(a, -1, err, "a sparse row consists of pairs of column number and value");
        long i = strtol(index, &end, 10);
        if (end == index || *end || i < 0 || i >= a->n)
            return goss__arff_error(a, -1, err, "\"%.40s\" is no column's number (0 to %d)", index, a->n - 1);
        if (given[i]) return goss__arff_error(a, (int)i, err, "the row gives this column twice");
        if (!goss__arff_value(&p, ",}", &value, &quoted, &stop) || !stop)
            return goss__arff_error(a, (int)i, err, "the sparse row does not end with }");
        GOSS_TRY(take_cell(a, (int)i, value, quoted, err));
        given[i] = true;
    }
    if (p[strspn(p, " \t,")])
        return goss__arff_error(a, -1, err, "text after the } of a sparse row; weights are not supported");
    return sparse_defaults(a, given, err);
}

static goss_status read_rows(goss__arff *a, goss_error *err) {
    a->cell = goss__arena_alloc(&a->arena, (size_t)a->n * sizeof *a->cell);
    bool *given = goss__arena_alloc(&a->arena, (size_t)a->n * sizeof *given);
    if (!a->cell || !given) return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to read it", a->b->name);
    const size_t lines = goss__count_lines(a->b->data + a->at, a->b->size - a->at);
    GOSS_TRY(a->sink->columns(a->sink, a->decl, a->n, lines, err));
    goss_status s;
    for (char *p; (p = goss__arff_line(a, &s, err)) != NULL; a->rows++) {
        GOSS_TRY(*p == '{' ? sparse(a, p, given, err) : dense(a, p, err));
        GOSS_TRY(a->sink->row(a->sink, a->line, a->cell, err));
    }
    GOSS_TRY(s);
    if (!a->rows) return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu: no row below @data", a->b->name, a->line);
    snprintf(a->sink->format, sizeof a->sink->format, "ARFF");
    return GOSS_OK;
}

static goss_status read_arff(const goss__bytes *b, goss__sink *sink, goss_error *err) {
    goss__arff a = {.b = b, .sink = sink};
    if (b->size >= 3 && memcmp(b->data, "\xef\xbb\xbf", 3) == 0) a.at = 3;
    goss_status s = goss__arff_head(&a, err);
    if (s == GOSS_OK) s = read_rows(&a, err);
    goss__free(a.decl);
    goss__str_free(&a.text);
    goss__dictionary_free(&a.names);
    goss__arena_free(&a.arena);
    return s;
}

const goss__table_reader goss__read_arff = {"ARFF", is_arff, read_arff, " .arff"};
