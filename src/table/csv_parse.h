/* SPDX-License-Identifier: Apache-2.0 */
/* csv_parse.h: parsing rows of separated text with libcsv, with line numbers. */
#ifndef GOSS_TABLE_CSV_PARSE_H
#define GOSS_TABLE_CSV_PARSE_H

#include "table/table.h"

typedef struct goss__csv_input {
    const char *name; /* in errors */
    const uint8_t *data;
    size_t size, first_line;
    char separator;           /* ' ': runs of blanks */
    bool lenient;             /* for a truncated beginning: quotes are never an error */
    const char *const *names; /* of columns, for errors; NULL: unknown yet */
    int n_names;
    /* cells [n]: NUL-terminated, valid during the call. Blank lines are skipped. */
    goss_status (*row)(void *context, size_t line, const char *const *cells, int n, goss_error *err);
    void *context;
} goss__csv_input;

/* Errors: GOSS_E_FORMAT with name, line and column; GOSS_E_NOMEM; what `row` returned; GOSS_E_UNSUPPORTED. The names
 * may be set while rows come. */
GOSS_MUST_USE goss_status goss__csv_run(const goss__csv_input *in, goss_error *err);
/* The bytes up to the end of the last complete line within `limit`. */
size_t goss__whole_lines(const uint8_t *data, size_t size, size_t limit);
/* The number of lines, an upper bound of the rows. */
size_t goss__count_lines(const uint8_t *data, size_t size);
/* The length of the line at `data`, with its end: "\n", "\r\n" or "\r". */
size_t goss__line_size(const uint8_t *data, size_t size);
/* The name of a column for errors: the n-th of the names, else "column N". */
const char *goss__csv_label(const char *const *names, int n_names, int column, char out[GOSS__LABEL]);
#endif
