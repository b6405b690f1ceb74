/* SPDX-License-Identifier: Apache-2.0 */
/* table.h: the representation of tables, and the interface of readers.
 *
 * A reader turns the bytes of one file into events: the columns, then rows of cells. It runs up to twice: in the first
 * pass the builder infers types and stores numbers; in a second, if there are columns of other types, it stores their
 * texts. A reader is thus a pure function of the bytes, and a numeric file is read once. */
#ifndef GOSS_TABLE_TABLE_H
#define GOSS_TABLE_TABLE_H

#include "base/arena.h"
#include "base/str.h"
#include "gossamer/table.h"
#include "table/dictionary.h"

typedef struct goss__column {
    const char *name;
    goss_column_type type;
    char reason[160];
    double *numbers; /* [rows] NUMBER */
    int32_t *codes;  /* [rows] other types */
    goss__dictionary texts;
    /* As files spell the cells, where the caller wants that; -1: as the table prints them. NULL: not wanted. */
    int32_t *spelling; /* [rows] codes of `spelled` */
    goss__dictionary spelled;
    bool fixed;          /* type and categories were declared in the file */
    bool categorical;    /* declared by the caller */
    bool ignored;        /* whatever is in it is no error */
    bool time;           /* the times of series, */
    bool numeric_time;   /* where 20240531 is a number */
    const char *inexact; /* the first cell that is an integer beyond those that numbers hold; NULL: none */
    bool of_matrix;      /* one of several columns of an array, beside arrays of one: seldom what is predicted */
} goss__column;

typedef struct goss__file {
    const char *name;
    int32_t first; /* row */
} goss__file;

struct goss_table {
    goss__arena arena;
    goss__column *column;
    goss__dictionary names; /* of columns; the code of a name is the column */
    goss__file *file;       /* [files] */
    const char *folder;     /* or .zip, that they are in; NULL: of a single file */
    uint32_t *line;         /* [rows] */
    int columns, rows, files;
    int file_column;
    char format[120];
    char decimal;        /* the first file's */
    const char *missing; /* the declared texts of missing values; NULL: those of goss_table_options */
};

/* ---- interface of readers ---- */

typedef struct goss__cell {
    enum { GOSS__CELL_TEXT, GOSS__CELL_EXACT, GOSS__CELL_NUMBER, GOSS__CELL_MISSING } kind;
    const char
        *text;     /* NUL-terminated, without a NUL inside. TEXT may still be a number, missing ...; EXACT is a text */
    double number; /* NaN: missing */
} goss__cell;

typedef struct goss__column_decl {
    const char *name;
    enum { GOSS__DECL_ANY, GOSS__DECL_NUMBER, GOSS__DECL_CATEGORY, GOSS__DECL_TEXT, GOSS__DECL_DATE } type;
    const char *const *categories; /* CATEGORY, if the file declares them; NULL: inferred */
    int n_categories;
    bool of_matrix; /* goss__column */
} goss__column_decl;

typedef struct goss__sink goss__sink;
struct goss__sink {
    const char *name; /* of the file, in errors */
    const goss_table_options *options;
    const char *const *expected; /* columns of the previous file, or NULL */
    int n_expected;
    char decimal;     /* set by the reader before the first row */
    char format[120]; /* set by the reader: the notation of the file */
    /* `names` are borrowed during the call; most_rows is an upper bound of the rows. */
    goss_status (*columns)(goss__sink *s, const goss__column_decl *decl, int n, size_t most_rows, goss_error *err);
    goss_status (*row)(goss__sink *s, size_t line, const goss__cell *cells, goss_error *err);
};

typedef struct goss__bytes {
    const char *name; /* in errors */
    const uint8_t *data;
    size_t size;
} goss__bytes;

/* One row per format; the first that recognises the bytes reads them. */
typedef struct goss__table_reader {
    const char *name;
    bool (*is)(const goss__bytes *b);
    goss_status (*read)(const goss__bytes *b, goss__sink *sink, goss_error *err);
    const char *endings; /* " .csv .tsv": files in a folder */
} goss__table_reader;

extern const goss__table_reader goss__read_csv, goss__read_arff, goss__read_npy, goss__read_npz;
/* A text in a file of its own: a row of the columns class and text. class: the file's folder; NULL: text alone. */
GOSS_MUST_USE goss_status goss__read_text_file(const goss__bytes *b, const char *class, goss__sink *sink,
                                               goss_error *err);
const goss__table_reader *goss__table_reader_for(const goss__bytes *b);
bool goss__table_name_fits(const char *name); /* by its ending */
void goss__table_endings(goss__str *s);       /* adds ".csv, .tsv, ...": those of all readers */

/* "FILE:LINE" of a row; the file with its folder. */
#define GOSS__PLACE 600
const char *goss__row_place(const goss_table *t, int row, char out[GOSS__PLACE]);
/* The name of a column in FILE:LINE:COLUMN, in quotes if it has colons, blanks or the like. */
#define GOSS__LABEL 80
const char *goss__column_label(const char *name, char out[GOSS__LABEL]);
/* Whether cells of a column tell things apart: not if they are integers of more digits than a number holds, of which
 * several are the same number. Errors: GOSS_E_FORMAT. */
GOSS_MUST_USE goss_status goss__table_distinguishes(const goss_table *t, int column, goss_error *err);
/* Whether a name is one of identifiers, as rowid, user or movieId. */
bool goss__called_as_id(const char *name);
/* How strongly a name suggests time; 0: not at all. */
int goss__like_time(const char *name);
/* The name with the smallest edit distance; NULL: none is similar. */
const char *goss__nearest_name(const goss_table *t, const char *name);
/* Reads the next name of a list (goss_table_options) into out; false at its end. */
goss_status goss__next_name(const char **list, const char *what, char out[256], bool *got, goss_error *err);
#endif
