/* SPDX-License-Identifier: Apache-2.0 */
/* csv_dialect.c: detecting separator, decimal sign and header of a csv file by parsing its beginning with each
 * separator. The score of a separator is the share of rows with as many cells as the first, then the share of numbers;
 * the first of equals wins. */
#include "table/csv_dialect.h"

#include <string.h>

#include "base/alloc.h"

#define SAMPLE ((size_t)64 << 10)
#define SAMPLE_ROWS 1000

static const char separators[] = ",;\t| ";

/* ---- text or not ---- */

static size_t line_of(const uint8_t *data, size_t at) {
    size_t line = 1;
    for (size_t i = 0, n; i < at && i + (n = goss__line_size(data + i, at - i)) <= at; i += n)
        if (data[i + n - 1] == '\n' || data[i + n - 1] == '\r') line++;
    return line;
}

goss_status goss__csv_check_text(const goss__bytes *b, goss_error *err) {
    const uint8_t *nul = b->size ? memchr(b->data, 0, b->size) : NULL;
    bool wide = b->size >= 2 && (memcmp(b->data, "\xff\xfe", 2) == 0 || memcmp(b->data, "\xfe\xff", 2) == 0);
    if (!wide && nul && b->size >= 4)
        wide = (b->data[1] == 0 && b->data[3] == 0) || (b->data[0] == 0 && b->data[2] == 0);
    if (wide)
        return goss_error_set(err, GOSS_E_FORMAT,
                              "%s:1: the text is in UTF-16; save it as UTF-8, or: iconv -f UTF-16 -t UTF-8", b->name);
    if (nul)
        return goss_error_set(err, GOSS_E_FORMAT, "%s:%zu: a zero byte; the file is damaged or not a csv file", b->name,
                              line_of(b->data, (size_t)(nul - b->data)));
    for (size_t i = 0; i < b->size; i++)
        if (!strchr(" \t\r\n", b->data[i]) &&
            !(i < 3 && memcmp(b->data, "\xef\xbb\xbf", b->size < 3 ? b->size : 3) == 0))
            return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "%s: the file is empty", b->name);
}

/* ---- a sample with one separator ---- */

typedef struct sample {
    const goss__missing_words *missing;
    int rows, columns;  /* columns: of the first row */
    int same;           /* rows with as many cells as the first */
    int cells, clean;   /* clean: numbers with either decimal sign, or missing values */
    int points, commas; /* numbers with a fraction, by decimal sign */
    bool first_has_number, first_all_empty;
    int first_repeated; /* cells of the first row that occur again in their column */
    goss__str first;    /* the cells of the first row, each NUL-terminated */
    bool *repeated;     /* [columns] */
} sample;

static bool fraction(const char *cell, char sign) {
    const char *at = strchr(cell, sign);
    return at && at[1] >= '0' && at[1] <= '9';
}

static void count_cell(sample *s, const char *cell) {
    double value;
    goss__cell_class as_point = goss__cell_classify(cell, '.', s->missing, &value);
    goss__cell_class as_comma = goss__cell_classify(cell, ',', s->missing, &value);
    s->cells++;
    s->clean += as_point <= GOSS__IS_NUMBER || as_comma <= GOSS__IS_NUMBER;
    s->points += as_point == GOSS__IS_NUMBER && fraction(cell, '.');
    s->commas += as_comma == GOSS__IS_NUMBER && fraction(cell, ',');
}

static void look_at_first(sample *s, const char *const *cells, int n) {
    s->first_all_empty = true;
    for (int i = 0; i < n; i++) {
        double value;
        goss__cell_class c = goss__cell_classify(cells[i], '.', s->missing, &value);
        if (c == GOSS__IS_MISSING ? cells[i][0] != 0 : c != GOSS__IS_TEXT) s->first_has_number = true;
        if (goss__cell_classify(cells[i], ',', s->missing, &value) == GOSS__IS_NUMBER) s->first_has_number = true;
        if (cells[i][0]) s->first_all_empty = false;
        goss__str_addn(&s->first, cells[i], strlen(cells[i]) + 1);
    }
}

static goss_status on_row(void *context, size_t line, const char *const *cells, int n, goss_error *err) {
    sample *s = context;
    if (s->rows >= SAMPLE_ROWS) return GOSS_OK;
    if (s->rows++ == 0) {
        s->columns = n;
        s->repeated = goss__calloc((size_t)n, sizeof *s->repeated);
        look_at_first(s, cells, n);
        if (!s->repeated || s->first.failed) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    } else {
        const char *first = s->first.data;
        for (int i = 0; i < n && i < s->columns; i++, first += strlen(first) + 1)
            if (!s->repeated[i] && *first && strcmp(first, cells[i]) == 0) s->repeated[i] = true, s->first_repeated++;
    }
    s->same += n == s->columns;
    for (int i = 0; i < n; i++) count_cell(s, cells[i]);
    return GOSS_OK;
}

static void sample_free(sample *s) {
    goss__str_free(&s->first);
    goss__free(s->repeated);
    s->repeated = NULL;
}

static goss_status take_sample(const goss__bytes *b, const goss__csv_dialect *d, char separator, sample *s,
                               goss_error *err) {
    const goss__csv_input in = {.name = b->name,
                                .data = b->data + d->skip,
                                .size = goss__whole_lines(b->data + d->skip, b->size - d->skip, SAMPLE),
                                .first_line = d->first_line,
                                .separator = separator,
                                .lenient = true,
                                .row = on_row,
                                .context = s};
    return goss__csv_run(&in, err);
}

/* ---- verdicts ---- */

/* The score of a separator; 0: unsuitable. The share of equal rows takes precedence over the share of numbers. Blanks
 * separate numbers only, since texts contain them. */
static double fit(const sample *s, char separator) {
    if (s->columns < 2 || s->rows == 0) return 0;
    double same = (double)s->same / s->rows, clean = (double)s->clean / s->cells;
    if (same < 0.5 || (separator == ' ' && clean < 0.5)) return 0;
    return same * (1 + 0.25 * clean);
}

static bool named_tab(const char *name) { return goss__ascii_ends(name, ".tsv") || goss__ascii_ends(name, ".tab"); }

/* By what a file named for tabs is divided if it can be, and if nothing divides it: a column of texts has commas. */
static goss_status find_separator(const goss__bytes *b, const goss__missing_words *missing, goss__csv_dialect *d,
                                  goss_error *err) {
    double best = 0;
    d->separator = named_tab(b->name) ? '\t' : ',';
    for (const char *c = separators; *c; c++) {
        sample s = {.missing = missing};
        goss_status status = take_sample(b, d, *c, &s, err);
        double score = status == GOSS_OK ? fit(&s, *c) : 0;
        sample_free(&s);
        GOSS_TRY(status);
        if (score > 0 && *c == '\t' && named_tab(b->name)) score = 2;
        if (score > best + 1e-9) best = score, d->separator = *c;
    }
    return GOSS_OK;
}

/* The first row is a header if none of its cells is a number, a date or missing (an empty cell may be a missing name).
 * If everything is text, it is not if most of its cells occur again below. */
static bool has_header(const sample *s) {
    if (s->first_has_number || s->first_all_empty) return false;
    return s->rows < 2 || 2 * s->first_repeated <= s->columns;
}

/* A byte order mark, and Excel's line "sep=;". */
static void skip_marks(const goss__bytes *b, goss__csv_dialect *d) {
    if (b->size >= 3 && memcmp(b->data, "\xef\xbb\xbf", 3) == 0) d->skip = 3;
    const uint8_t *p = b->data + d->skip;
    size_t left = b->size - d->skip, line = goss__line_size(p, left);
    if (left < 5 || line < 5 || memcmp(p, "sep=", 4) != 0 || (p[5] != '\r' && p[5] != '\n')) return;
    if (strchr(",;|\t", p[4])) d->separator = (char)p[4];
    d->skip += line;
    d->first_line = 2;
}

goss_status goss__csv_dialect_find(const goss__bytes *b, const goss__sink *sink, const goss__missing_words *missing,
                                   goss__csv_dialect *d, goss_error *err) {
    const goss_table_options *o = sink->options;
    sample s = {.missing = missing};
    *d = (goss__csv_dialect){.first_line = 1};
    skip_marks(b, d);
    if (o->separator) d->separator = o->separator;
    if (!d->separator) GOSS_TRY(find_separator(b, missing, d, err));
    goss_status status = take_sample(b, d, d->separator, &s, err);
    d->decimal = o->decimal ? o->decimal : d->separator != ',' && s.commas > s.points ? ',' : '.';
    d->header = o->header == GOSS_HEADER_AUTO ? has_header(&s) : o->header == GOSS_HEADER_YES;
    sample_free(&s);
    return status;
}

bool goss__csv_likely(const goss__bytes *b) {
    const goss_table_options options = {0};
    const goss__sink sink = {.options = &options};
    goss__missing_words missing;
    goss__csv_dialect d;
    goss_error err;
    if (!goss__missing_words_set(&missing, NULL) || memchr(b->data, 0, b->size < SAMPLE ? b->size : SAMPLE))
        return false;
    if (goss__csv_check_text(b, &err) != GOSS_OK || goss__csv_dialect_find(b, &sink, &missing, &d, &err) != GOSS_OK)
        return false;
    sample s = {.missing = &missing};
    bool likely = take_sample(b, &d, d.separator, &s, &err) == GOSS_OK && s.rows >= 2 && s.columns >= 2 &&
                  10 * s.same >= 9 * s.rows;
    sample_free(&s);
    return likely;
}
