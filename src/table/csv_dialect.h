/* SPDX-License-Identifier: Apache-2.0 */
/* csv_dialect.h: the dialect of a csv file, detected from its first 64 KiB. */
#ifndef GOSS_TABLE_CSV_DIALECT_H
#define GOSS_TABLE_CSV_DIALECT_H

#include "table/cell.h"
#include "table/csv_parse.h"

typedef struct goss__csv_dialect {
    char separator, decimal;
    bool header;
    size_t skip, first_line; /* bytes before the first row: a byte order mark, Excel's "sep=;" */
} goss__csv_dialect;

/* Declared options take precedence. Errors: GOSS_E_FORMAT: not UTF-8 text; GOSS_E_NOMEM. */
GOSS_MUST_USE goss_status goss__csv_dialect_find(const goss__bytes *b, const goss__sink *sink,
                                                 const goss__missing_words *missing, goss__csv_dialect *out,
                                                 goss_error *err);
/* Whether a file with another name is a table: text, at least two columns, and nearly all rows as long as the first. */
bool goss__csv_likely(const goss__bytes *b);
/* Errors: the bytes are UTF-16, contain a NUL, or are only blanks. */
GOSS_MUST_USE goss_status goss__csv_check_text(const goss__bytes *b, goss_error *err);
#endif
