/* SPDX-License-Identifier: Apache-2.0 */
/* arff.h: shared by the two parts of the ARFF reader: header (arff_head.c) and rows (arff_read.c). */
#ifndef GOSS_TABLE_ARFF_H
#define GOSS_TABLE_ARFF_H

#include "table/dictionary.h"
#include "table/table.h"

typedef struct goss__arff {
    const goss__bytes *b;
    goss__sink *sink;
    goss__arena arena;
    goss__str text; /* the line, split in place */
    size_t at, line;
    goss__column_decl *decl; /* [capacity] */
    goss__cell *cell;        /* [n] */
    goss__dictionary names;
    int n, capacity;
    size_t rows;
} goss__arff;

/* The next line that is neither blank nor a comment, trimmed; NULL at the end of the file (err unchanged, *status
 * GOSS_OK) or for data that is not text. */
char *goss__arff_line(goss__arff *a, goss_status *status, goss_error *err);
/* Takes a value from *p: up to one of `stops` or the end, quoted or not. *stop: the character it ended at, 0 at the
 * end. False: an unclosed quote. */
bool goss__arff_value(char **p, const char *stops, char **value, bool *quoted, char *stop);
/* The @relation and @attribute lines, up to and including @data. */
GOSS_MUST_USE goss_status goss__arff_head(goss__arff *a, goss_error *err);
goss_status goss__arff_error(const goss__arff *a, int column, goss_error *err, const char *fmt, ...) GOSS_PRINTF(4, 5);
#endif
