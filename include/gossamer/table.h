/* SPDX-License-Identifier: Apache-2.0 */
/* table.h: tables: rows of named columns, read from csv, ARFF and NumPy files.
 *
 * A goss_table is read whole and lies in memory column by column: 8 bytes a number, 4 a category. A column is
 *   NUMBER    doubles; NaN is a missing one
 *   CATEGORY  one of a list of texts: codes from 0; -1 is a missing one
 *   TEXT      texts that hardly repeat: names, identifiers, sentences. Codes, too
 *   DATE      dates and times of day, kept as texts: no network takes them as they are
 * What a column is for is its role: input, target, task, id and so on. Types and roles are found by the rules of
 * docs/tables.md, say why, and can be declared.
 *
 * Rows keep where they come from (file and line), and every error names FILE:LINE:COLUMN, the column by its name.
 * Threads: an open table may be read by any number of threads. Indices must be in range (asserted). */
#ifndef GOSSAMER_TABLE_H
#define GOSSAMER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum goss_column_type {
    GOSS_COLUMN_NUMBER,
    GOSS_COLUMN_CATEGORY,
    GOSS_COLUMN_TEXT,
    GOSS_COLUMN_DATE
} goss_column_type;

GOSS_API const char *goss_column_type_name(goss_column_type type); /* "number", ... Static storage */

typedef enum goss_header { GOSS_HEADER_AUTO, GOSS_HEADER_YES, GOSS_HEADER_NO } goss_header;

/* How a table is written and what its columns are. Lists of columns are names with ',' between them; a name that has a
 * comma or blanks at its ends stands in double quotes. NULL: none. */
typedef struct goss_table_options {
    char separator;     /* csv: ',' ';' '|' a tab, ' ' for runs of blanks; 0: found */
    char decimal;       /* csv: '.' or ','; 0: found */
    goss_header header; /* csv: whether the first row names the columns; without names they are x1, x2, ... */
    const char
        *missing; /* csv: what stands for a missing value, besides an empty cell; NULL: NA,N/A,NaN,nan,?,null,NULL */
    const char *categorical; /* columns that are categories although they hold numbers */
    const char *ignore;      /* columns that nobody will use: whatever their cells hold is no error */
    bool optional;           /* names in these two lists that the table lacks are no error */
} goss_table_options;

GOSS_API goss_table_options goss_table_options_defaults(void);

typedef struct goss_table goss_table;

/* Opens `path`, recognised by content: a csv, ARFF, .npy or .npz file, or a folder or .zip of such files, whose rows
 * then follow each other in the byte order of the files' names, with a first column "file" ("(file)" where the files
 * have a column of that name) that holds the name without its ending. The files of a folder have the same columns;
 * their order does not matter. An .npz is one table: its arrays have the same number of rows; a matrix X gives
 * columns X_0, X_1, ...
 *
 * Errors: GOSS_E_IO; GOSS_E_FORMAT with FILE:LINE:COLUMN and what to do; GOSS_E_ARGUMENT for a declared column that the
 * table lacks (with the nearest name); GOSS_E_UNSUPPORTED when the build lacks the library for it (csv: libcsv-dev;
 * .zip and .npz: libzip-dev). Owns: *out is the caller's, goss_table_close. */
GOSS_API GOSS_MUST_USE goss_status goss_table_open(const char *path, const goss_table_options *options,
                                                   goss_table **out, goss_error *err);
/* The same for bytes in memory, a single file that errors call `name`. Nothing of the bytes is kept. */
GOSS_API GOSS_MUST_USE goss_status goss_table_read(const void *data, size_t size, const char *name,
                                                   const goss_table_options *options, goss_table **out,
                                                   goss_error *err);
GOSS_API void goss_table_close(goss_table *table); /* NULL allowed */

/* Whether the path is one for goss_table_open: a file whose name ends in .csv, .tsv, .tab, .arff, .npy or .npz or whose
 * content says so (a text whose lines have the same number of cells does), or a folder or .zip that holds files with
 * such names and no images. Reads little. */
GOSS_API bool goss_table_is(const char *path);

/* ---- what is in it ---- */

GOSS_API int goss_table_rows(const goss_table *table);
GOSS_API int goss_table_columns(const goss_table *table);
GOSS_API int goss_table_files(const goss_table *table);
GOSS_API const char *goss_table_file(const goss_table *table, int file);
/* Where a row stands: lines count from 1; in an array, rows do. Either pointer may be NULL. */
GOSS_API void goss_table_origin(const goss_table *table, int row, int *file, int64_t *line);
/* How the first file is written: "csv, separator ';', decimal comma, header in line 1". */
GOSS_API const char *goss_table_format(const goss_table *table);
/* The column that says which file a row comes from, or -1: the table is a single file. */
GOSS_API int goss_table_file_column(const goss_table *table);

GOSS_API const char *goss_table_name(const goss_table *table, int column);
/* The column of that name (-1: there is none) */
GOSS_API int goss_table_find(const goss_table *table, const char *name);
/* The same with an error that names the nearest column. `what` begins it ("data.target"). */
GOSS_API GOSS_MUST_USE goss_status goss_table_need(const goss_table *table, const char *name, const char *what,
                                                   int *column, goss_error *err);
/* A list as in goss_table_options. columns [at least goss_table_columns]. Errors: also for a name that comes twice. */
GOSS_API GOSS_MUST_USE goss_status goss_table_list(const goss_table *table, const char *names, const char *what,
                                                   int *columns, int *count, goss_error *err);

GOSS_API goss_column_type goss_table_type(const goss_table *table, int column);
GOSS_API const char *goss_table_type_reason(const goss_table *table, int column);

GOSS_API bool goss_table_missing(const goss_table *table, int column, int row);
/* The number of a NUMBER column, NaN where missing; the code of any other column as a number, NaN where missing. */
GOSS_API double goss_table_number(const goss_table *table, int column, int row);
/* The code of a column that is no NUMBER; -1 where missing. */
GOSS_API int goss_table_code(const goss_table *table, int column, int row);
/* How many texts such a column has, the texts, and the code of one (-1: unseen). Texts are sorted by value where all
 * are numbers, else by bytes; an ARFF file's declared values keep their order. */
GOSS_API int goss_table_categories(const goss_table *table, int column);
GOSS_API const char *goss_table_category(const goss_table *table, int column, int code);
GOSS_API int goss_table_category_find(const goss_table *table, int column, const char *text);
/* A cell as text, "" where missing: numbers in their shortest form that reads back as the same double. `buffer` has
 * room for GOSS_CELL_TEXT bytes and may be what is returned. */
#define GOSS_CELL_TEXT 32
GOSS_API const char *goss_table_text(const goss_table *table, int column, int row, char buffer[GOSS_CELL_TEXT]);

/* ---- what is known of a column ---- */

typedef struct goss_column_stats {
    int missing, distinct; /* of rows; of values */
    bool integers;         /* NUMBER: no value has a fraction */
    double min, max, mean; /* NUMBER; NaN when there is no value */
    double deviation;      /* population standard deviation */
    int most, most_count;  /* other types: the most frequent code (-1: none) and its rows */
} goss_column_stats;

/* rows [n]: the rows looked at; NULL: all, n is ignored. Errors: GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_table_stats(const goss_table *table, int column, const int32_t *rows, int n,
                                                    goss_column_stats *out, goss_error *err);

/* ---- roles ---- */

typedef enum goss_column_role {
    GOSS_ROLE_INPUT,
    GOSS_ROLE_TARGET,
    GOSS_ROLE_TASK,     /* rows with the same value are a task */
    GOSS_ROLE_ID,       /* numbers or names rows: never an input */
    GOSS_ROLE_CONSTANT, /* one value, or none: says nothing */
    GOSS_ROLE_IGNORED   /* declared so, or (TEXT, DATE) nothing that a network takes */
} goss_column_role;

GOSS_API const char *goss_column_role_name(goss_column_role role);

/* Names; NULL: guess. "" for target or task: there is none. */
typedef struct goss_roles_declared {
    const char *target, *task; /* task: a column, or "file" for the file a row comes from */
    const char *ignore, *id;   /* lists */
} goss_roles_declared;

typedef struct goss_roles {
    int target, task; /* columns; -1: none */
    bool target_guessed, task_guessed;
    int columns;
    goss_column_role *role; /* [columns] */
    char (*reason)[160];    /* [columns] why */
} goss_roles;

/* Roles by declaration and, where nothing is declared, by the rules of docs/tables.md. `declared` may be NULL.
 * Errors: GOSS_E_ARGUMENT: no such column; one column declared for two roles; a target of type DATE.
 * Owns: goss_roles_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_roles(const goss_table *table, const goss_roles_declared *declared,
                                                    goss_roles *out, goss_error *err);
GOSS_API void goss_roles_free(goss_roles *roles);
/* The columns of a role, ascending. columns [roles->columns]. Returns how many. */
GOSS_API int goss_roles_select(const goss_roles *roles, goss_column_role role, int *columns);

/* What a person should look at before training. */
typedef enum goss_finding_kind {
    GOSS_FINDING_LEAK,             /* an input gives the target away; measure: how well, 0 to 1 */
    GOSS_FINDING_DUPLICATE_ROWS,   /* measure: how many rows repeat an earlier one */
    GOSS_FINDING_DUPLICATE_COLUMN, /* two inputs hold the same */
    GOSS_FINDING_CONSTANT,         /* a column with one value or none */
    GOSS_FINDING_MISSING_TARGET,   /* measure: rows */
    GOSS_FINDING_MOSTLY_MISSING,   /* an input with more than half of its values missing; measure: the share */
    GOSS_FINDING_RARE_CLASS,       /* measure: classes of the target with one row */
    GOSS_FINDING_SMALL_TASKS,      /* measure: tasks with fewer than 4 rows */
    GOSS_FINDING_DATE              /* a date that would be lost: what to do with it */
} goss_finding_kind;

GOSS_API const char *goss_finding_kind_name(goss_finding_kind kind); /* "leak", "duplicate-rows", ... */

typedef struct goss_finding {
    goss_finding_kind kind;
    int column, other; /* -1: none */
    double measure;
    char text[240];
} goss_finding;

/* In the order of the columns, kinds as above within one. Owns: *out, goss_findings_free. Errors: GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_table_findings(const goss_table *table, const goss_roles *roles,
                                                       goss_finding **out, int *count, goss_error *err);
GOSS_API void goss_findings_free(goss_finding *findings);

/* ---- numbers out ---- */

/* The cells of some rows and columns, as goss_table_number has them. rows NULL: all of them, n_rows is ignored.
 * Shapes: out [n_rows, n_columns]. Errors: GOSS_E_ARGUMENT for a DATE or TEXT column, by name. */
GOSS_API GOSS_MUST_USE goss_status goss_table_numbers(const goss_table *table, const int *columns, int n_columns,
                                                      const int32_t *rows, int n_rows, double *out, goss_error *err);

/* Rows by the values of a column, in the file's order; groups in the order of their first rows. Rows that miss the
 * value are in none. column -1: all rows are one group. */
typedef struct goss_groups {
    int count;
    char **name;    /* [count] the value as text */
    int32_t *first; /* [count + 1] group g holds rows[first[g]] ... rows[first[g + 1] - 1] */
    int32_t *rows;
    int missing; /* rows in no group */
} goss_groups;

/* rows as above: only these are grouped. Owns: goss_groups_free. Errors: GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_table_groups(const goss_table *table, int column, const int32_t *rows,
                                                     int n_rows, goss_groups *out, goss_error *err);
GOSS_API void goss_groups_free(goss_groups *groups);

/* The input that is called as time is (time, test_time, day, visit, age ...) and differs within tasks; -1: none.
 * Errors: GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_table_time(const goss_table *table, const goss_roles *roles,
                                                   const goss_groups *tasks, int *column, goss_error *err);

/* ---- identity ---- */

/* A hash of the cells of a row and of their columns' names: equal for equal content, whatever the order of the columns
 * and wherever the row stands; numbers by value, so that 1, 1.0 and a category "1" are the same. columns NULL: all but
 * the file's. */
GOSS_API uint64_t goss_table_row_hash(const goss_table *table, const int *columns, int n_columns, int row);
/* Of all rows: in their order, or as a collection whose order does not matter. */
GOSS_API uint64_t goss_table_hash(const goss_table *table, bool ordered);

/* ---- encodings ---- */

/* What makes numbers for a network out of columns: a NUMBER becomes (x - mean) / deviation with the statistics of the
 * rows it was fitted on, a CATEGORY a number for each of its values, 1 or 0. A column that had missing values there
 * gets a further one, 1 where it is missing; a missing NUMBER is 0 otherwise, which is the mean. An unseen category
 * is 0 everywhere. deviation is 1 where it would be 0. */
typedef struct goss_encoding goss_encoding;

typedef struct goss_encoding_report {
    int64_t unseen, missing; /* cells: categories not seen before; missing in a column that had none missing */
    int unseen_column;       /* of the encoding: the first such; -1 */
    char unseen_text[80];    /* what the first one is */
} goss_encoding_report;

/* Fits on these rows only. Errors: GOSS_E_ARGUMENT for a TEXT or DATE column, by name and with advice; for no rows; for
 * a column that has only missing values there. Owns: *out, goss_encoding_free. */
GOSS_API GOSS_MUST_USE goss_status goss_encoding_fit(const goss_table *table, const int *columns, int n_columns,
                                                     const int32_t *rows, int n_rows, goss_encoding **out,
                                                     goss_error *err);
GOSS_API void goss_encoding_free(goss_encoding *encoding);
GOSS_API int goss_encoding_columns(const goss_encoding *encoding);
GOSS_API const char *goss_encoding_column(const goss_encoding *encoding, int column);
GOSS_API int goss_encoding_width(const goss_encoding *encoding);
/* What a number stands for: "age", "sex=F", "age missing". */
GOSS_API const char *goss_encoding_feature(const goss_encoding *encoding, int feature);
/* Mean and deviation of a NUMBER column; false for a category. */
GOSS_API bool goss_encoding_scale(const goss_encoding *encoding, int column, double *mean, double *deviation);
/* Where the numbers of a column begin and how many they are. */
GOSS_API void goss_encoding_range(const goss_encoding *encoding, int column, int *first, int *count);

/* Encodes rows of a table, which may be another one: columns are matched by name, their order does not matter.
 * Shapes: out [n_rows, width]. report may be NULL. Errors: GOSS_E_ARGUMENT: a column is not there (all that are not are
 * named), or holds texts where the encoding has a number. */
GOSS_API GOSS_MUST_USE goss_status goss_encoding_apply(const goss_encoding *encoding, const goss_table *table,
                                                       const int32_t *rows, int n_rows, float *out,
                                                       goss_encoding_report *report, goss_error *err);
/* An encoding as text, for a model file, and back. text: free with goss_csv_text_free. Errors of parse:
 * GOSS_E_FORMAT. */
GOSS_API GOSS_MUST_USE goss_status goss_encoding_text(const goss_encoding *encoding, char **text, goss_error *err);
GOSS_API GOSS_MUST_USE goss_status goss_encoding_parse(const char *text, goss_encoding **out, goss_error *err);
GOSS_API void goss_csv_text_free(char *text);

/* ---- writing csv ---- */

/* Commas, a line feed behind each row; a text stands in quotes where it has to (RFC 4180). Numbers are written so that
 * they read back as the same double. */
typedef struct goss_csv goss_csv;

/* To a file, which appears whole when goss_csv_close succeeds and not before; or to `put`, which returns 0 for written.
 * Errors: GOSS_E_IO, GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_csv_create(const char *path, goss_csv **out, goss_error *err);
GOSS_API GOSS_MUST_USE goss_status goss_csv_create_to(int (*put)(void *context, const void *data, size_t size),
                                                      void *context, goss_csv **out, goss_error *err);
/* Cells. What goes wrong is told by goss_csv_close. A number that is not finite is an empty cell. */
GOSS_API void goss_csv_text(goss_csv *csv, const char *text);
GOSS_API void goss_csv_number(goss_csv *csv, double value);
GOSS_API void goss_csv_cell(goss_csv *csv, const goss_table *table, int column, int row);
GOSS_API void goss_csv_row(goss_csv *csv); /* ends the row */
/* Frees it whatever happens. Errors: GOSS_E_IO; GOSS_E_SHAPE: a row had more or fewer cells than the first;
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_csv_close(goss_csv *csv, goss_error *err);
GOSS_API void goss_csv_abandon(goss_csv *csv); /* nothing appears; NULL allowed */

/* A table's rows, or some of them, with a header and without the file's column, to a file. */
GOSS_API GOSS_MUST_USE goss_status goss_table_write(const goss_table *table, const int32_t *rows, int n_rows,
                                                    const char *path, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
