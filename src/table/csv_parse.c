/* SPDX-License-Identifier: Apache-2.0 */
/* csv_parse.c: parsing rows with libcsv, which splits cells and quotes but does not count lines.
 *
 * It is fed one line at a time, so that its events belong to a known line: a row begins in the first line fed after the
 * last row ended, an open quote in the line after which no row had ended. In strict mode a quote inside an unquoted
 * cell and text after a closing quote are errors. */
#include "table/csv_parse.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "goss_config.h"

size_t goss__line_size(const uint8_t *data, size_t size) {
    const uint8_t *feed = memchr(data, '\n', size), *cr = memchr(data, '\r', feed ? (size_t)(feed - data) : size);
    if (!cr) return feed ? (size_t)(feed - data) + 1 : size;
    return (size_t)(cr - data) + (cr + 1 == feed ? 2 : 1);
}

size_t goss__count_lines(const uint8_t *data, size_t size) {
    size_t ends = 0, pairs = 0; /* of CR and LF, which form one line end */
    for (size_t i = 0; i < size; i++) ends += (size_t)(data[i] == '\n') + (size_t)(data[i] == '\r');
    for (size_t i = 1; i < size; i++) pairs += (size_t)((data[i] == '\n') & (data[i - 1] == '\r'));
    return ends - pairs + 1;
}

size_t goss__whole_lines(const uint8_t *data, size_t size, size_t limit) {
    if (size <= limit) return size;
    size_t at = 0;
    for (size_t n; at < limit && at + (n = goss__line_size(data + at, limit - at)) < limit; at += n) {
    }
    return at ? at : limit;
}

const char *goss__csv_label(const char *const *names, int n_names, int column, char out[GOSS__LABEL]) {
    if (names && column < n_names) return goss__column_label(names[column], out);
    snprintf(out, GOSS__LABEL, "column %d", column + 1);
    return out;
}

#if GOSS_HAVE_CSV
#include <csv.h>

/* A longer row is due to an unclosed quote. */
#define ROW_MAX ((size_t)16 << 20)

typedef struct run {
    const goss__csv_input *in;
    struct csv_parser p;
    goss__str text; /* the cells of the row, each NUL-terminated */
    size_t *start;  /* [capacity] of cells in it */
    const char **cell;
    int n, capacity;
    bool ended, starved;
    size_t row_line, quote_line; /* line of the row's beginning, and of an open quote */
    size_t row_bytes;
} run;

static bool grow(run *r) {
    int capacity = r->capacity ? 2 * r->capacity : 64;
    size_t *start = goss__realloc(r->start, (size_t)capacity * sizeof *start);
    if (start) r->start = start;
    const char **cell = start ? goss__realloc(r->cell, (size_t)capacity * sizeof *cell) : NULL;
    if (cell) r->cell = cell, r->capacity = capacity;
    return cell != NULL;
}

static void on_cell(void *data, size_t size, void *context) {
    run *r = context;
    if (!data && r->in->separator == ' ') return; /* between two blanks of a run */
    if (r->n == r->capacity && !grow(r)) {
        r->starved = true;
        return;
    }
    r->start[r->n++] = r->text.size;
    goss__str_addn(&r->text, data ? data : "", size);
    goss__str_addn(&r->text, "", 1);
}

/* Also called for the line feed after a carriage return and for blank lines (CSV_REPALL_NL), without a cell.
 * */
static void on_row(int end, void *context) {
    run *r = context;
    if (r->n) r->ended = true;
}

static goss_status no_memory(const run *r, goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "%s:%zu: no memory for the row", r->in->name, r->row_line);
}

static goss_status deliver(run *r, goss_error *err) {
    for (int i = 0; i < r->n; i++) r->cell[i] = r->text.data + r->start[i];
    goss_status s = r->in->row(r->in->context, r->row_line, r->cell, r->n, err);
    r->n = 0, r->text.size = 0, r->row_bytes = 0;
    r->ended = false;
    return s;
}

/* The error that libcsv reported, `left` bytes before the end of its input. */
static goss_status refused(run *r, size_t line, goss_error *err) {
    char label[GOSS__LABEL];
    goss__csv_label(r->in->names, r->in->n_names, r->n, label);
    if (csv_error(&r->p) != CSV_EPARSE) return no_memory(r, err);
    if (r->p.quoted)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s:%zu:%s: text after a closing quote; a quote inside a quoted cell is doubled (\"\"), "
                              "not escaped by a backslash",
                              r->in->name, line, label);
    return goss_error_set(err, GOSS_E_FORMAT,
                          "%s:%zu:%s: a quote inside a cell that does not begin with one; quote the whole cell and "
                          "double the quote (\"\")",
                          r->in->name, line, label);
}

static goss_status never_closed(run *r, goss_error *err) {
    char label[GOSS__LABEL];
    return goss_error_set(err, GOSS_E_FORMAT,
                          "%s:%zu:%s: the quote that opens here is not closed before %s; a quote that belongs to the "
                          "text is doubled (\"\") within quotes",
                          r->in->name, r->quote_line, goss__csv_label(r->in->names, r->in->n_names, r->n, label),
                          r->row_bytes > ROW_MAX ? "16 MiB later" : "the end of the file");
}

static goss_status feed(run *r, const uint8_t *data, size_t size, size_t line, goss_error *err) {
    const bool continued = r->row_bytes > 0;
    const int before = r->n;
    if (!continued) r->row_line = line;
    r->row_bytes += size;
    if (csv_parse(&r->p, data, size, on_cell, on_row, r) != size) return refused(r, line, err);
    if (r->starved || r->text.failed) return no_memory(r, err);
    if (r->ended) return deliver(r, err);
    if (!r->p.quoted) {
        r->row_bytes = 0; /* a blank line */
        return GOSS_OK;
    }
    if (!continued || r->n > before) r->quote_line = line;
    return r->row_bytes > ROW_MAX ? never_closed(r, err) : GOSS_OK;
}

static goss_status finish(run *r, goss_error *err) {
    if (csv_fini(&r->p, on_cell, on_row, r) != 0)
        return csv_error(&r->p) == CSV_EPARSE ? never_closed(r, err) : no_memory(r, err);
    if (r->starved || r->text.failed) return no_memory(r, err);
    return r->n ? deliver(r, err) : GOSS_OK;
}

static goss_status run_lines(run *r, goss_error *err) {
    const goss__csv_input *in = r->in;
    size_t line = in->first_line;
    for (size_t at = 0, n; at < in->size; at += n, line++) {
        n = goss__line_size(in->data + at, in->size - at);
        GOSS_TRY(feed(r, in->data + at, n, line, err));
    }
    return finish(r, err);
}

goss_status goss__csv_run(const goss__csv_input *in, goss_error *err) {
    run r = {.in = in};
    unsigned char options = CSV_REPALL_NL | CSV_EMPTY_IS_NULL;
    if (!in->lenient) options |= CSV_STRICT | CSV_STRICT_FINI;
    if (csv_init(&r.p, options) != 0) return goss_error_set(err, GOSS_E_UNSUPPORTED, "libcsv does not start");
    csv_set_realloc_func(&r.p, goss__realloc);
    csv_set_free_func(&r.p, goss__free);
    csv_set_blk_size(&r.p, 4096);
    csv_set_delim(&r.p, (unsigned char)in->separator);
    goss_status s = run_lines(&r, err);
    csv_free(&r.p);
    goss__str_free(&r.text);
    goss__free(r.start);
    goss__free(r.cell);
    return s;
}
#else
goss_status goss__csv_run(const goss__csv_input *in, goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: a csv file, but this build has no libcsv (" GOSS_CSV_GET ")",
                          in->name);
}
#endif
