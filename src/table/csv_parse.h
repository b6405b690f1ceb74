/* SPDX-License-Identifier: Apache-2.0 */
/* csv_parse.h: rows of separated text through libcsv, with the line that each begins in. */
#ifndef GOSS_TABLE_CSV_PARSE_H
#define GOSS_TABLE_CSV_PARSE_H

#include "table/table.h"

typedef struct goss__csv_input {
    const char *name; /* in errors */
    const uint8_t *data;
    size_t size, first_line;
    char separator;           /* ' ': runs of blanks */
    bool lenient;             /* for looking at a beginning that may be cut off: quotes are never an error */
    const char *const *names; /* of columns, for errors; NULL: not known yet */
    int n_names;
    /* cells [n]: NUL-terminated, valid during the call. Blank lines give no row. */
    goss_status (*row)(void *context, size_t line, const char *const *cells, int n, goss_error *err);
    void *context;
} goss__csv_input;

/* Errors: GOSS_E_FORMAT with name, line and column; GOSS_E_NOMEM; what `row` returned; GOSS_E_UNSUPPORTED. The names
 * may be set while rows come. */
GOSS_MUST_USE goss_status goss__csv_run(const goss__csv_input *in, goss_error *err);
/* The bytes up to the end of the last whole line within `limit`. */
size_t goss__whole_lines(const uint8_t *data, size_t size, size_t limit);
/* How many lines there are, at least as many as rows. */
size_t goss__count_lines(const uint8_t *data, size_t size);
/* How many bytes the line at `data` has, with its end: "\n", "\r\n" or "\r". */
size_t goss__line_size(const uint8_t *data, size_t size);
/* Name of a column in errors: the n-th of the names, "column N" where there is none. */
const char *goss__csv_label(const char *const *names, int n_names, int column, char out[GOSS__LABEL]);
#endif
