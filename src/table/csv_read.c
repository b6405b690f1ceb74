/* SPDX-License-Identifier: Apache-2.0 */
/* csv_read.c: the csv reader: names from the header, rows of equal length, UTF-8. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/json.h"
#include "table/csv_dialect.h"

#define COLUMNS_MAX 100000

typedef struct reading {
    const goss__bytes *b;
    goss__sink *sink;
    goss__csv_dialect d;
    goss__missing_words missing;
    goss__csv_input in;
    goss__arena arena;
    goss__column_decl *decl;
    const char **name;
    goss__cell *cell;
    int columns;
    size_t header_line, rows;
} reading;

static goss_status no_memory(const reading *r, goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "%s: no memory to read it", r->b->name);
}

static goss_status not_utf8(const reading *r, size_t line, int column, const char *text, goss_error *err) {
    char label[GOSS__LABEL];
    const unsigned char *c = (const unsigned char *)text;
    while (*c < 0x80) c++;
    return goss_error_set(err, GOSS_E_FORMAT,
                          "%s:%zu:%s: the text is not UTF-8 (a byte %02X); if the file is in Latin-1 or Windows-1252: "
                          "iconv -f WINDOWS-1252 -t UTF-8",
                          r->b->name, line, goss__csv_label(r->in.names, r->in.n_names, column, label), *c);
}

/* ---- the header ---- */

static goss_status name_error(const reading *r, size_t line, int i, goss_error *err) {
    if (i == 0 && r->columns > 1)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s:%zu:column 1: the header has no name for it; give it one (pandas writes its index "
                              "so: to_csv(..., index=False) omits it; R: row.names=FALSE)",
                              r->b->name, line);
    return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu:column %d: the header has no name for it; give it one%s",
                          r->b->name, line, i + 1,
                          i + 1 == r->columns ? ", or remove the separator at the end of each row" : "");
}

static goss_status check_names(const reading *r, size_t line, goss_error *err) {
    char label[GOSS__LABEL];
    goss__dictionary seen = {0};
    goss_status s = GOSS_OK;
    for (int i = 0; i < r->columns && s == GOSS_OK; i++) {
        if (!r->name[i][0])
            s = name_error(r, line, i, err);
        else if (!goss__utf8_valid(r->name[i]))
            s = not_utf8(r, line, i, r->name[i], err);
        else if (goss__dictionary_find(&seen, r->name[i]) >= 0)
            s = goss_error_set(err, GOSS_E_FORMAT, "%s:%zu:%s: the header names this column twice: as column %d and %d",
                               r->b->name, line, goss__column_label(r->name[i], label),
                               (int)goss__dictionary_find(&seen, r->name[i]) + 1, i + 1);
        else if (goss__dictionary_add(&seen, r->name[i]) < 0)
            s = no_memory(r, err);
    }
    goss__dictionary_free(&seen);
    return s;
}

static char *trimmed(goss__arena *a, const char *text) {
    while (*text == ' ' || *text == '\t') text++;
    char *copy = goss__arena_strdup(a, text);
    for (size_t n = copy ? strlen(copy) : 0; n && (copy[n - 1] == ' ' || copy[n - 1] == '\t'); n--) copy[n - 1] = 0;
    return copy;
}

/* Passes the columns to the sink, named by the header or by number. */
static goss_status begin(reading *r, size_t line, const char *const *cells, int n, goss_error *err) {
    if (n > COLUMNS_MAX)
        return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu: %d columns; at most %d are read", r->b->name, line, n,
                              COLUMNS_MAX);
    r->columns = n;
    r->name = goss__arena_alloc(&r->arena, (size_t)n * sizeof *r->name);
    r->decl = goss__arena_alloc(&r->arena, (size_t)n * sizeof *r->decl);
    r->cell = goss__arena_alloc(&r->arena, (size_t)n * sizeof *r->cell);
    if (!r->name || !r->decl || !r->cell) return no_memory(r, err);
    for (int i = 0; i < n; i++) {
        r->name[i] = cells ? trimmed(&r->arena, cells[i]) : goss__arena_printf(&r->arena, "x%d", i + 1);
        if (!r->name[i]) return no_memory(r, err);
        r->decl[i] = (goss__column_decl){.name = r->name[i]};
    }
    if (cells) GOSS_TRY(check_names(r, line, err));
    if (cells) r->header_line = line;
    r->in.names = r->name, r->in.n_names = n;
    /* Each row has a line, and a byte for each cell at least. */
    const size_t lines = goss__count_lines(r->b->data, r->b->size), most = r->b->size / (size_t)n + 1;
    return r->sink->columns(r->sink, r->decl, n, lines < most ? lines : most, err);
}

/* The files of a folder have headers all or none; a file of a single row is ambiguous. */
static bool header_as_before(const reading *r, const char *const *cells, int n) {
    const goss__sink *s = r->sink;
    int numbered = 0, found = 0;
    for (int k = 0; k < s->n_expected; k++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", k + 1);
        numbered += strcmp(s->expected[k], name) == 0;
        for (int i = 0; i < n; i++) found += strcmp(cells[i], s->expected[k]) == 0;
    }
    if (numbered == s->n_expected) return found == n;
    return found == n || r->d.header;
}

/* ---- rows ---- */

static goss_status ragged(const reading *r, size_t line, int n, goss_error *err) {
    char label[GOSS__LABEL];
    const char *whose = r->header_line ? "the header has" : "the first row has";
    if (n < r->columns)
        return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu:%s: the row ends after %d of %d cells", r->b->name, line,
                              goss__column_label(r->name[n], label), n, r->columns);
    goss__column_label(r->name[r->columns - 1], label);
    if (r->rows == 1 && n == r->columns + 1)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s:%zu:%s: %d cells, but %s %d; row names of R? Write with row.names=FALSE; a separator "
                              "at the end of each row? Remove it",
                              r->b->name, line, label, n, whose, r->columns);
    return goss_error_set(err, GOSS_E_FORMAT,
                          "%s:%zu:%s: %d cells, but %s %d; a text that contains the separator must be quoted",
                          r->b->name, line, label, n, whose, r->columns);
}

static goss_status on_row(void *context, size_t line, const char *const *cells, int n, goss_error *err) {
    reading *r = context;
    if (!r->columns) {
        if (r->sink->n_expected && r->sink->options->header == GOSS_HEADER_AUTO)
            r->d.header = header_as_before(r, cells, n);
        GOSS_TRY(begin(r, line, r->d.header ? cells : NULL, n, err));
        if (r->d.header) return GOSS_OK;
    }
    r->rows++;
    if (n != r->columns) return ragged(r, line, n, err);
    for (int i = 0; i < n; i++) {
        if (!goss__utf8_valid(cells[i])) return not_utf8(r, line, i, cells[i], err);
        r->cell[i] = (goss__cell){.kind = GOSS__CELL_TEXT, .text = cells[i]};
    }
    return r->sink->row(r->sink, line, r->cell, err);
}

static const char *separator_name(char c) {
    return c == '\t' ? "tab" : c == ' ' ? "blanks" : c == ',' ? "','" : c == ';' ? "';'" : "'|'";
}

static goss_status read_all(reading *r, goss_error *err) {
    GOSS_TRY(goss__csv_check_text(r->b, err));
    if (!goss__missing_words_set(&r->missing, r->sink->options->missing))
        return goss_error_set(err, GOSS_E_ARGUMENT, "the list of missing values is longer than 250 bytes");
    GOSS_TRY(goss__csv_dialect_find(r->b, r->sink, &r->missing, &r->d, err));
    r->sink->decimal = r->d.decimal;
    r->in = (goss__csv_input){.name = r->b->name,
                              .data = r->b->data + r->d.skip,
                              .size = r->b->size - r->d.skip,
                              .first_line = r->d.first_line,
                              .separator = r->d.separator,
                              .row = on_row,
                              .context = r};
    GOSS_TRY(goss__csv_run(&r->in, err));
    if (!r->columns) return goss_error_set(err, GOSS_E_FORMAT, "%s: the file is empty", r->b->name);
    if (!r->rows)
        return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu: a header and no row below it", r->b->name, r->header_line);
    snprintf(r->sink->format, sizeof r->sink->format, "csv, separator %s, decimal %s, %s",
             separator_name(r->d.separator), r->d.decimal == ',' ? "comma" : "point",
             r->header_line ? "header" : "no header");
    return GOSS_OK;
}

static goss_status read_csv(const goss__bytes *b, goss__sink *sink, goss_error *err) {
    reading r = {.b = b, .sink = sink};
    goss_status s = read_all(&r, err);
    goss__arena_free(&r.arena);
    return s;
}

/* Tried last, since any text may be csv. */
static bool is_csv(const goss__bytes *b) { return true; }

const goss__table_reader goss__read_csv = {"csv", is_csv, read_csv, " .csv .tsv .tab"};
