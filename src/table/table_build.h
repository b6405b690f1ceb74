/* SPDX-License-Identifier: Apache-2.0 */
/* table_build.h: from the events of readers to columns. */
#ifndef GOSS_TABLE_BUILD_H
#define GOSS_TABLE_BUILD_H

#include "table/cell.h"
#include "table/table.h"

/* Counts of the first pass in a column. */
typedef struct goss__tally {
    size_t missing, numbers, dates, like, other; /* cells; like: numbers in another notation */
    size_t compact;                              /* numbers that are dates (20240531); of times alone */
    int bad_file;                                /* the first nonempty cell that is not a number */
    size_t bad_line;
    char bad_text[64];
    int odd_file; /* of times: the first number that is no date, likewise; "": none */
    size_t odd_line;
    char odd_text[64];
} goss__tally;

typedef struct goss__build {
    goss__sink sink; /* first member: the interface of readers */
    goss_table *t;
    const goss_table_options *options;
    const char *folder; /* or .zip, in errors; NULL: a single file */
    goss__missing_words missing;
    goss__tally *tally; /* [columns] */
    int32_t *map;       /* [columns of a file] column of the table */
    const char **names; /* [columns of a file], the first file's order, for the readers of later ones */
    bool *given;        /* [columns] by the file */
    int map_size;
    bool texts;      /* the second pass */
    size_t capacity; /* rows with memory */
    int file;        /* being read */
} goss__build;

/* Prepares the sink for the next file (in both passes). */
GOSS_MUST_USE goss_status goss__build_file(goss__build *b, int file, const char *name, goss_error *err);
/* Between the passes: decides types that need no texts. *again: whether the second pass is needed. */
GOSS_MUST_USE goss_status goss__build_types(goss__build *b, bool *again, goss_error *err);
/* After the passes: decides the other types. */
GOSS_MUST_USE goss_status goss__build_end(goss__build *b, goss_error *err);
void goss__build_free(goss__build *b);
#endif
