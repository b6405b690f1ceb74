/* SPDX-License-Identifier: Apache-2.0 */
/* csv_write.c: portable csv: commas, line feeds, quotes where necessary (RFC 4180). */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/os.h"
#include "base/str.h"
#include "table/table.h"

#define FLUSH ((size_t)64 << 10)

struct goss_csv {
    goss__str text;
    goss__writer *file;
    int (*put)(void *context, const void *data, size_t size);
    void *context;
    int columns, at, row; /* columns: of the first row */
    goss_status status;   /* the first error, reported at the end */
    goss_error err;
};

static goss_status create(goss_csv **out, goss_error *err) {
    *out = goss__calloc(1, sizeof **out);
    return *out ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory to write csv");
}

goss_status goss_csv_create(const char *path, goss_csv **out, goss_error *err) {
    GOSS_TRY(create(out, err));
    goss_status s = goss__writer_open(path, &(*out)->file, err);
    if (s != GOSS_OK) {
        goss__free(*out);
        *out = NULL;
    }
    return s;
}

goss_status goss_csv_create_to(int (*put)(void *context, const void *data, size_t size), void *context, goss_csv **out,
                               goss_error *err) {
    GOSS_TRY(create(out, err));
    (*out)->put = put, (*out)->context = context;
    return GOSS_OK;
}

static void flush(goss_csv *c, size_t least) {
    if (c->status != GOSS_OK || c->text.size < least) return;
    if (c->text.failed)
        c->status = goss_error_set(&c->err, GOSS_E_NOMEM, "no memory to write csv");
    else if (c->file)
        c->status = goss__writer_put(c->file, c->text.data ? c->text.data : "", c->text.size, &c->err);
    else if (c->text.size && c->put(c->context, c->text.data, c->text.size) != 0)
        c->status = goss_error_set(&c->err, GOSS_E_IO, "csv could not be written");
    c->text.size = 0;
}

static void begin_cell(goss_csv *c) {
    if (c->at++) goss__str_addn(&c->text, ",", 1);
}

/* Readers trim blanks; a quoted cell keeps them. */
static bool needs_quotes(const char *text) {
    size_t n = strlen(text);
    if (text[strcspn(text, ",\"\r\n;|\t")]) return true;
    return n && (text[0] == ' ' || text[n - 1] == ' ');
}

void goss_csv_text(goss_csv *c, const char *text) {
    begin_cell(c);
    if (!needs_quotes(text)) {
        goss__str_add(&c->text, text);
        return;
    }
    goss__str_addn(&c->text, "\"", 1);
    for (const char *quote; (quote = strchr(text, '"')) != NULL; text = quote + 1) {
        goss__str_addn(&c->text, text, (size_t)(quote - text) + 1);
        goss__str_addn(&c->text, "\"", 1);
    }
    goss__str_add(&c->text, text);
    goss__str_addn(&c->text, "\"", 1);
}

void goss_csv_number(goss_csv *c, double value) {
    char text[GOSS__NUMBER_TEXT] = "";
    if (isfinite(value)) goss__number_print(value, text);
    begin_cell(c);
    goss__str_add(&c->text, text);
}

void goss_csv_cell(goss_csv *c, const goss_table *t, int column, int row) {
    char buffer[GOSS_CELL_TEXT];
    const char *spelled = goss_table_spelling(t, column, row);
    goss_csv_text(c, spelled ? spelled : goss_table_text(t, column, row, buffer));
}

void goss_csv_row(goss_csv *c) {
    c->row++;
    if (c->row == 1) c->columns = c->at;
    if (c->at != c->columns && c->status == GOSS_OK)
        c->status =
            goss_error_set(&c->err, GOSS_E_SHAPE, "row %d has %d cells, the first has %d", c->row, c->at, c->columns);
    /* A single empty cell would be a blank line, which readers skip. */
    const bool blank = c->at == 1 && (c->text.size == 0 || c->text.data[c->text.size - 1] == '\n');
    goss__str_add(&c->text, blank ? "\"\"\n" : "\n");
    c->at = 0;
    flush(c, FLUSH);
}

goss_status goss_csv_close(goss_csv *c, goss_error *err) {
    if (c->at && c->status == GOSS_OK)
        c->status = goss_error_set(&c->err, GOSS_E_SHAPE, "row %d was not ended", c->row + 1);
    flush(c, 0);
    goss_status s = c->status;
    if (err && s != GOSS_OK) *err = c->err;
    if (s == GOSS_OK && c->file)
        s = goss__writer_commit(c->file, err);
    else
        goss__writer_abandon(c->file);
    goss__str_free(&c->text);
    goss__free(c);
    return s;
}

void goss_csv_abandon(goss_csv *c) {
    if (!c) return;
    goss__writer_abandon(c->file);
    goss__str_free(&c->text);
    goss__free(c);
}

goss_status goss_table_write(const goss_table *t, const int32_t *rows, int n_rows, const char *path, goss_error *err) {
    goss_csv *c;
    GOSS_TRY(goss_csv_create(path, &c, err));
    for (int i = 0; i < t->columns; i++)
        if (i != t->file_column) goss_csv_text(c, t->column[i].name);
    goss_csv_row(c);
    const int n = rows ? n_rows : t->rows;
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < t->columns; i++)
            if (i != t->file_column) goss_csv_cell(c, t, i, rows ? rows[k] : k);
        goss_csv_row(c);
    }
    return goss_csv_close(c, err);
}
