/* SPDX-License-Identifier: Apache-2.0 */
/* table.h: tables: rows of named columns, read from csv, ARFF and NumPy files.
 *
 * A goss_table is read as a whole and stored by columns: 8 bytes per number, 4 per category. A column is
 *   NUMBER    doubles; NaN is missing
 *   CATEGORY  codes from 0 into a list of texts; -1 is missing
 *   TEXT      texts that hardly repeat (names, identifiers, sentences), stored as codes too
 *   DATE      dates and times of day, stored as texts: not a network's input
 * The role of a column says what it is for: input, target, task, id ... Types and roles are inferred by the rules of
 * docs/tables.md, with reasons, and can be declared.
 *
 *     goss_table *t;
 *     goss_roles roles;
 *     int inputs[100];
 *     GOSS_TRY(goss_table_open("visits.csv", NULL, &t, err));
 *     GOSS_TRY(goss_table_roles(t, NULL, &roles, err));
 *     int n = goss_roles_select(&roles, GOSS_ROLE_INPUT, inputs);
 *     goss_encoding *e;
 *     GOSS_TRY(goss_encoding_fit(t, inputs, n, NULL, 0, &e, err));        // standardised numbers, one-hot categories
 *     GOSS_TRY(goss_encoding_apply(e, t, NULL, 0, x, NULL, err));         // x [rows, width]
 *
 * Rows know their origin (file and line), and every error names FILE:LINE:COLUMN, the column by name.
 * Threads: an open table may be read by any number of threads. Indices of rows, columns and codes must be in range
 * (asserted). Names and texts are borrowed from the table. */
#ifndef GOSSAMER_TABLE_H
#define GOSSAMER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"
#include "gossamer/tokens.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reading ---- */

/* The type of a column, as above. */
typedef enum goss_column_type {
    GOSS_COLUMN_NUMBER,
    GOSS_COLUMN_CATEGORY,
    GOSS_COLUMN_TEXT,
    GOSS_COLUMN_DATE
} goss_column_type;

/* "number", "category", "text" or "date". Static storage. */
GOSS_API const char *goss_column_type_name(goss_column_type type);

/* Whether a csv file's first row is a header; AUTO: detected by the rules of docs/tables.md. */
typedef enum goss_header { GOSS_HEADER_AUTO, GOSS_HEADER_YES, GOSS_HEADER_NO } goss_header;

/* Notation and declared columns of a table. Lists of columns are names separated by ','; a name with a comma, or with
 * blanks at its ends, is in double quotes. NULL: none. */
typedef struct goss_table_options {
    char separator;          /* csv: ',' ';' '|' a tab, ' ' for runs of blanks; 0: detected */
    char decimal;            /* csv: '.' or ','; 0: detected */
    goss_header header;      /* csv: whether the first row is a header; without one columns are named x1, x2, ... */
    const char *missing;     /* csv: texts of missing values, besides an empty cell; NULL: NA,N/A,NaN,nan,?,null,NULL */
    const char *categorical; /* columns that are categories although they contain numbers */
    const char *ignore;      /* columns that are not used: their cells cause no errors */
    const char *time;  /* the column of times of series: integers that are all dates (20240531) are dates; NULL: none */
    bool numeric_time; /* no: they are numbers */
    bool optional;     /* whether the two lists may name columns that the table lacks */
    bool spelling;     /* whether it is kept, too, how the cells of csv files are spelled (goss_table_spelling) */
    const char *section; /* precedes the names of these lists in errors: "data.", "--"; NULL: nothing */
} goss_table_options;

/* Everything detected, nothing declared. */
GOSS_API goss_table_options goss_table_options_defaults(void);

/* An open table. */
typedef struct goss_table goss_table;

/* Opens `path`, recognised by content: a csv, ARFF, .npy or .npz file, or a folder or .zip of such files. The rows of
 * several files are concatenated in byte order of the files' names, with a first column "file" ("(file)" if the files
 * have a column of that name) that contains the name without its extension. The files of a folder have the same
 * columns, in any order. An .npz is one table: its arrays have the same number of rows; a matrix X gives columns X_0,
 * X_1, ... options: NULL: the defaults.
 * Errors: GOSS_E_IO; GOSS_E_FORMAT with FILE:LINE:COLUMN and what to do; GOSS_E_ARGUMENT: a declared column that the
 * table lacks (with the nearest name); GOSS_E_UNSUPPORTED: the build lacks the library for it (csv: libcsv-dev; .zip
 * and .npz: libzip-dev). Owns: goss_table_close. */
GOSS_API GOSS_MUST_USE goss_status goss_table_open(const char *path, const goss_table_options *options,
                                                   goss_table **out, goss_error *err);
/* The same for a single file in memory, which errors call `name`. The bytes are not kept. Errors: as goss_table_open,
 * without GOSS_E_IO. Owns: *out, goss_table_close. */
GOSS_API GOSS_MUST_USE goss_status goss_table_read(const void *data, size_t size, const char *name,
                                                   const goss_table_options *options, goss_table **out,
                                                   goss_error *err);
/* Frees a table; NULL is allowed. */
GOSS_API void goss_table_close(goss_table *table);

/* Whether goss_table_open would take the path for a table: a file whose name ends in .csv, .tsv, .tab, .arff, .npy or
 * .npz or whose content looks like one (lines with equal numbers of cells), or a folder or .zip with files of such
 * names and no images. Reads only the beginning of files. */
GOSS_API bool goss_table_is(const char *path);
/* Whether a file is of a format that is no table, but becomes one (and no model) by what the error of goss_table_open
 * says: a spreadsheet, a data frame. */
GOSS_API bool goss_table_becomes(const char *path);

/* ---- content ---- */

/* The number of rows, without headers and blank lines. */
GOSS_API int goss_table_rows(const goss_table *table);
/* The number of columns, ignored ones included. */
GOSS_API int goss_table_columns(const goss_table *table);
/* The number of files that the table was read from. */
GOSS_API int goss_table_files(const goss_table *table);
/* What the table was read from, for messages: its file, or a folder or .zip of files. */
GOSS_API const char *goss_table_path(const goss_table *table);
/* The path of a file, within that folder or .zip. */
GOSS_API const char *goss_table_file(const goss_table *table, int file);
/* The origin of a row: its file, and its line from 1 (of an array: its row from 1). Either pointer may be NULL. */
GOSS_API void goss_table_origin(const goss_table *table, int row, int *file, int64_t *line);
/* The notation of the first file: "csv, separator ';', decimal comma, header in line 1". */
GOSS_API const char *goss_table_format(const goss_table *table);
/* The column with the file of each row; -1: the table is a single file. */
GOSS_API int goss_table_file_column(const goss_table *table);

/* The name of a column. */
GOSS_API const char *goss_table_name(const goss_table *table, int column);
/* The column of that name; -1 if there is none. */
GOSS_API int goss_table_find(const goss_table *table, const char *name);
/* The column of that name, which must exist. Errors: GOSS_E_ARGUMENT names the nearest column; the text begins with
 * `what` ("data.target"). */
GOSS_API GOSS_MUST_USE goss_status goss_table_need(const goss_table *table, const char *name, const char *what,
                                                   int *column, goss_error *err);
/* The columns of a list as in goss_table_options: columns [at least goss_table_columns], *count. Errors: as
 * goss_table_need; GOSS_E_ARGUMENT: a repeated name. */
GOSS_API GOSS_MUST_USE goss_status goss_table_list(const goss_table *table, const char *names, const char *what,
                                                   int *columns, int *count, goss_error *err);

/* The type of a column. */
GOSS_API goss_column_type goss_table_type(const goss_table *table, int column);
/* Why it has that type, as a phrase. */
GOSS_API const char *goss_table_type_reason(const goss_table *table, int column);

/* Whether a cell is missing. */
GOSS_API bool goss_table_missing(const goss_table *table, int column, int row);
/* A cell of a NUMBER column, or the code of a cell of another column, as a double; NaN if missing. */
GOSS_API double goss_table_number(const goss_table *table, int column, int row);
/* The code of a cell of a column that is not a NUMBER; -1 if missing. */
GOSS_API int goss_table_code(const goss_table *table, int column, int row);
/* The number of distinct texts of such a column. They are sorted by value if all are numbers, else by bytes; declared
 * values of an ARFF file keep their order. */
GOSS_API int goss_table_categories(const goss_table *table, int column);
/* The text of a code. */
GOSS_API const char *goss_table_category(const goss_table *table, int column, int code);
/* The code of a text; -1 if the column does not contain it. */
GOSS_API int goss_table_category_find(const goss_table *table, int column, const char *text);
/* Room for any number as text, its zero byte included. */
#define GOSS_CELL_TEXT 32
/* A cell as text, "" if missing; numbers in the shortest form that reads back as the same double. Returns `buffer`, or
 * a text borrowed from the table. */
GOSS_API const char *goss_table_text(const goss_table *table, int column, int row, char buffer[GOSS_CELL_TEXT]);

/* A cell as the csv file spells it, without the quotes around it: "NA", "7.00". NULL: the table was opened without
 * goss_table_options.spelling, the cell is in no csv file, or it is a number with a decimal comma. Borrowed. */
GOSS_API const char *goss_table_spelling(const goss_table *table, int column, int row);

/* ---- statistics ---- */

/* Statistics of a column. */
typedef struct goss_column_stats {
    int missing, distinct; /* missing cells; distinct values */
    bool integers;         /* NUMBER: no value has a fraction */
    double min, max, mean; /* NUMBER; NaN if there is no value */
    double deviation;      /* NUMBER: population standard deviation */
    int most, most_count;  /* other types: the most frequent code (-1: none) and its number of rows */
} goss_column_stats;

/* The statistics over rows [n]; NULL: over all, n is ignored. Missing cells are counted
 * in `missing` alone, not in the other fields. Errors: GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_table_stats(const goss_table *table, int column, const int32_t *rows, int n,
                                                    goss_column_stats *out, goss_error *err);

/* ---- roles ---- */

/* What a column is for. */
typedef enum goss_column_role {
    GOSS_ROLE_INPUT,
    GOSS_ROLE_TARGET,
    GOSS_ROLE_TASK,     /* rows with the same value are a task */
    GOSS_ROLE_ID,       /* numbers or names rows: never an input */
    GOSS_ROLE_CONSTANT, /* one value, or none: carries no information */
    GOSS_ROLE_IGNORED   /* by declaration, or since it is a TEXT or DATE */
} goss_column_role;

/* "input", "target", "task", "id", "constant" or "ignored". Static storage. */
GOSS_API const char *goss_column_role_name(goss_column_role role);

/* Declared roles, as names of columns. NULL: infer. "" for target or task: there is none. */
typedef struct goss_roles_declared {
    const char *target, *task; /* task: a column, or "file" for the file of a row */
    const char *ignore, *id;   /* lists */
    const char *text;          /* the column of texts, which is the only input then; "": there is none */
    const char *section;       /* precedes the names of these in errors: "data.", "--"; NULL: nothing */
} goss_roles_declared;

/* The roles of all columns. */
typedef struct goss_roles {
    int target, task;                  /* columns; -1: none */
    bool whole;                        /* without a column of tasks: all rows are one task, "all" (false) */
    bool target_guessed, task_guessed; /* inferred, not declared */
    int columns;                       /* of the table */
    goss_column_role *role;            /* [columns] */
    char (*reason)[160];               /* [columns] why, as a phrase */
} goss_roles;

/* Assigns roles by declaration, and by the rules of docs/tables.md where nothing is declared. declared: may be NULL.
 * Columns that the table was opened to ignore are ignored. Errors: GOSS_E_ARGUMENT: no such column, one column declared
 * for two roles, a target of type DATE.
 * Owns: goss_roles_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_roles(const goss_table *table, const goss_roles_declared *declared,
                                                    goss_roles *out, goss_error *err);
/* Frees the arrays and clears the struct, which may then be freed again or reused. */
GOSS_API void goss_roles_free(goss_roles *roles);
/* The columns with a role, ascending, in columns [roles->columns]. Returns their number. */
GOSS_API int goss_roles_select(const goss_roles *roles, goss_column_role role, int *columns);

/* What should be reviewed before training; `measure` is the field of goss_finding. */
typedef enum goss_finding_kind {
    GOSS_FINDING_LEAK,             /* an input reveals the target; measure: how well, 0 to 1 */
    GOSS_FINDING_DUPLICATE_ROWS,   /* measure: the number of rows that repeat an earlier one */
    GOSS_FINDING_DUPLICATE_COLUMN, /* two inputs are identical */
    GOSS_FINDING_CONSTANT,         /* a column with one value or none */
    GOSS_FINDING_MISSING_TARGET,   /* measure: rows */
    GOSS_FINDING_MOSTLY_MISSING,   /* an input with more than half of its values missing; measure: the share */
    GOSS_FINDING_RARE_CLASS,       /* measure: classes of the target with one row */
    GOSS_FINDING_SMALL_TASKS,      /* measure: tasks with fewer than 4 rows */
    GOSS_FINDING_DATE              /* a date, which is not used unless it is converted */
} goss_finding_kind;

/* "leak", "duplicate-rows", "duplicate-column", "constant", ...: the names that `gossamer check --json` uses. Static
 * storage. */
GOSS_API const char *goss_finding_kind_name(goss_finding_kind kind);

/* A finding. */
typedef struct goss_finding {
    goss_finding_kind kind;
    int column, other; /* the columns concerned; -1: none */
    double measure;    /* as the kind says */
    char text[240];    /* a sentence with what to do */
} goss_finding;

/* The findings of a table, by column and then by kind. Errors: GOSS_E_NOMEM. Owns: goss_findings_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_findings(const goss_table *table, const goss_roles *roles,
                                                       goss_finding **out, int *count, goss_error *err);
/* Frees findings; NULL is allowed. */
GOSS_API void goss_findings_free(goss_finding *findings);

/* ---- extracting and grouping ---- */

/* The cells of some rows and columns as numbers (goss_table_number). rows NULL: all, n_rows is ignored.
 * Shapes: out [n_rows, n_columns]. Errors: GOSS_E_ARGUMENT: a DATE or TEXT column, by name. */
GOSS_API GOSS_MUST_USE goss_status goss_table_numbers(const goss_table *table, const int *columns, int n_columns,
                                                      const int32_t *rows, int n_rows, double *out, goss_error *err);

/* Rows grouped by the values of a column. Rows keep the order of the file, groups that of their first rows. Rows whose
 * value is missing are in no group. */
typedef struct goss_groups {
    int count;
    char **name;    /* [count] the value as text */
    int32_t *first; /* [count + 1] group g has rows[first[g]] ... rows[first[g + 1] - 1] */
    int32_t *rows;  /* [first[count]] */
    int missing;    /* the number of rows in no group */
} goss_groups;

/* Groups rows [n_rows] (NULL: all) by a column; column -1: all rows are one group. Errors: GOSS_E_NOMEM.
 * Owns: goss_groups_free. */
GOSS_API GOSS_MUST_USE goss_status goss_table_groups(const goss_table *table, int column, const int32_t *rows,
                                                     int n_rows, goss_groups *out, goss_error *err);
/* Frees the arrays and names, not the struct. */
GOSS_API void goss_groups_free(goss_groups *groups);

/* What a row is ordered by: the number of a column of numbers; of a date, with a time of day or without, the seconds
 * since 1970-01-01 00:00 UTC (a time without a zone is taken for UTC); NaN: missing, no such day, or a date that may be
 * several, as 3/4/2024. Threads: any. */
GOSS_API double goss_table_order_key(const goss_table *table, int column, int row);
/* The column of numbers or dates whose name suggests time (time, test_time, date, visit, age ...) and that varies
 * within tasks; -1: none. */
GOSS_API int goss_table_time(const goss_table *table, const goss_roles *roles, const goss_groups *tasks);

/* ---- identity ---- */

/* A hash of the cells of a row and the names of their columns: equal for equal content, independent of the order of
 * columns and of the row's position; numbers by value, so that 1, 1.0 and a category "1" are equal. columns NULL: all
 * except the file's. */
GOSS_API uint64_t goss_table_row_hash(const goss_table *table, const int *columns, int n_columns, int row);
/* A hash of all rows: in order, or as a multiset. */
GOSS_API uint64_t goss_table_hash(const goss_table *table, bool ordered);

/* ---- encodings ---- */

/* An encoding turns columns into numbers for a network: a NUMBER into (x - mean) / deviation with the statistics of the
 * fitted rows (deviation 1 if it would be 0), a CATEGORY into a one-hot vector of its values. A column with missing
 * values in the fitted rows gets an additional indicator, 1 where it is missing. A missing NUMBER becomes 0, that is
 * the mean; a missing or unseen category becomes all zeros. Immutable; threads: any. */
typedef struct goss_encoding goss_encoding;

/* What applying an encoding met. */
typedef struct goss_encoding_report {
    int64_t unseen, missing; /* cells: with unseen categories; missing in a column fitted without missing values */
    int unseen_column;       /* the first column of the encoding with an unseen category; -1: none */
    char unseen_text[80];    /* that category */
    int64_t cut;             /* texts with more tokens than goss_text_options.length */
} goss_encoding_report;

/* Fits an encoding to rows [n_rows] (NULL: all). Errors: GOSS_E_ARGUMENT: a TEXT or DATE column, by name and with
 * advice; no rows; a column with only missing values. Owns: goss_encoding_free. */
GOSS_API GOSS_MUST_USE goss_status goss_encoding_fit(const goss_table *table, const int *columns, int n_columns,
                                                     const int32_t *rows, int n_rows, goss_encoding **out,
                                                     goss_error *err);

/* How texts become numbers; defaults in brackets. */
typedef struct goss_text_options {
    goss_token_options tokens; /* what is a token (tokens.h) */
    int length;                /* tokens of a text at most, ids of n-grams among them; further ones are cut off (64) */
    /* ids: a number for each token, for an `embedding` layer; vectors: the vector of each word, scaled to the length
     * sqrt(width); mean: the mean of these, a / (a + share of the word in the training texts) each, a = 0.001, scaled
     * again; bag: words and their n-grams of 3 to 5 characters, hashed into `buckets` numbers with signs, each word
     * weighted by log((texts + 1) / (texts with it + 1)), and, where there are vectors, half as long, their mean with
     * the same weights minus that of the training texts (Weinberger et al. 2009, "Feature hashing for large scale
     * multitask learning");
     * auto, NULL: vectors where there are some, else ids (NULL). Source: Arora et al. 2017, "A simple but tough-to-beat
     * baseline for sentence embeddings". */
    const char *as;
    int buckets;         /* of a bag (2048) */
    const char *vectors; /* file of word vectors (goss_vectors_read), of which the first tokens.vocabulary words and
                            those of the training texts are kept; NULL or "": none (NULL) */
} goss_text_options;
/* The defaults. */
GOSS_API goss_text_options goss_text_options_defaults(void);
/* The numbers of a text, row-major [steps, channels]. */
typedef struct goss_text_shape {
    int steps;    /* 0: one vector [channels] */
    int channels; /* 1: ids */
    int tokens;   /* ids are below it; 0: there are no ids */
    int ngrams;   /* of the longest n-grams that have ids (goss_tokens_ngrams); 1: ids are tokens in order */
} goss_text_shape;
/* Fits an encoding of one column of texts (any type but NUMBER; declare it as categorical, since texts may look like
 * numbers) to rows [n_rows] (NULL: all). Missing texts are empty ones. options: NULL: the defaults. Errors: those of
 * tokens.h and vectors.h; GOSS_E_ARGUMENT: a NUMBER or DATE column, no rows, options that do not go together.
 * Owns: goss_encoding_free. */
GOSS_API GOSS_MUST_USE goss_status goss_encoding_fit_texts(const goss_table *table, int column, const int32_t *rows,
                                                           int n_rows, const goss_text_options *options,
                                                           goss_encoding **out, goss_error *err);
/* Whether an encoding is of texts, and the shape of these; shape may be NULL. */
GOSS_API bool goss_encoding_texts(const goss_encoding *encoding, goss_text_shape *shape);
/* The name of a token, of texts that are ids (goss_tokens_name): out [size]. */
GOSS_API void goss_encoding_token(const goss_encoding *encoding, int id, char *out, size_t size);
/* The ids of a text, of texts that are ids: ids [most], and *n of them, which may be more. Errors: GOSS_E_ARGUMENT: an
 * encoding of something else; those of folding. */
GOSS_API GOSS_MUST_USE goss_status goss_encoding_ids(const goss_encoding *encoding, const char *text, int32_t *ids,
                                                     int most, int *n, goss_error *err);
/* What stands between two tokens of a text: " " between words, else "". Static storage. */
GOSS_API const char *goss_encoding_token_gap(const goss_encoding *encoding);
/* Whether encoded rows are sequences [steps, channels] (texts as ids or vectors, windows of series), and of which. */
GOSS_API bool goss_encoding_steps(const goss_encoding *encoding, int *steps, int *channels);
/* The lengths of encoded sequences x [n, width], in steps: 1 .. steps, up to the last one that is not all zeros. */
GOSS_API void goss_encoding_lengths(const goss_encoding *encoding, const float *x, int n, int32_t *lengths);
/* Frees an encoding; NULL is allowed. */
GOSS_API void goss_encoding_free(goss_encoding *encoding);
/* The number of its columns. */
GOSS_API int goss_encoding_columns(const goss_encoding *encoding);
/* The name of a column. Borrowed. */
GOSS_API const char *goss_encoding_column(const goss_encoding *encoding, int column);
/* The number of features per row. */
GOSS_API int goss_encoding_width(const goss_encoding *encoding);
/* The meaning of a feature: "age", "sex=F", "age missing". Borrowed. */
GOSS_API const char *goss_encoding_feature(const goss_encoding *encoding, int feature);
/* Mean and deviation of a NUMBER column; returns false for a category. */
GOSS_API bool goss_encoding_scale(const goss_encoding *encoding, int column, double *mean, double *deviation);
/* The features of a column: the first, and their number. */
GOSS_API void goss_encoding_range(const goss_encoding *encoding, int column, int *first, int *count);

/* Encodes rows [n_rows] (NULL: all) of a table, which may be another one: columns are matched by name, in any order.
 * Shapes: out [n_rows, width]. report: may be NULL. Errors: GOSS_E_ARGUMENT: missing columns (all are named), texts
 * where the encoding has numbers. */
GOSS_API GOSS_MUST_USE goss_status goss_encoding_apply(const goss_encoding *encoding, const goss_table *table,
                                                       const int32_t *rows, int n_rows, float *out,
                                                       goss_encoding_report *report, goss_error *err);
/* The encoding as text, for a model file. Errors: GOSS_E_NOMEM. Owns: goss_csv_text_free. */
GOSS_API GOSS_MUST_USE goss_status goss_encoding_text(const goss_encoding *encoding, char **text, goss_error *err);
/* The encoding from that text. Errors: GOSS_E_FORMAT: a damaged text; GOSS_E_UNSUPPORTED: a build without jansson;
 * GOSS_E_NOMEM. Owns: *out, goss_encoding_free. */
GOSS_API GOSS_MUST_USE goss_status goss_encoding_parse(const char *text, goss_encoding **out, goss_error *err);
/* Frees a text of goss_encoding_text; NULL is allowed. */
GOSS_API void goss_csv_text_free(char *text);

/* ---- writing csv ---- */

/* A csv writer: commas, a line feed after each row, quotes only where necessary (RFC 4180). Numbers are written so that
 * they read back as the same double. */
typedef struct goss_csv goss_csv;

/* Writes to a file, which appears when goss_csv_close succeeds and not before (gossamer/file.h). Errors: GOSS_E_IO,
 * GOSS_E_NOMEM. Owns: goss_csv_close or goss_csv_abandon. */
GOSS_API GOSS_MUST_USE goss_status goss_csv_create(const char *path, goss_csv **out, goss_error *err);
/* Writes through `put`, which returns 0 for success; it is called with whole rows of text, and not again after a
 * failure. Errors: GOSS_E_NOMEM; a failure of `put` is an error of goss_csv_close (GOSS_E_IO). Owns: goss_csv_close or
 * goss_csv_abandon. */
GOSS_API GOSS_MUST_USE goss_status goss_csv_create_to(int (*put)(void *context, const void *data, size_t size),
                                                      void *context, goss_csv **out, goss_error *err);
/* Appends a cell to the row. Errors are reported by goss_csv_close. */
GOSS_API void goss_csv_text(goss_csv *csv, const char *text);
/* Appends a number; one that is not finite becomes an empty cell. */
GOSS_API void goss_csv_number(goss_csv *csv, double value);
/* Appends a cell of a table, as it is spelled if the table has that (goss_table_spelling). */
GOSS_API void goss_csv_cell(goss_csv *csv, const goss_table *table, int column, int row);
/* Ends the row. */
GOSS_API void goss_csv_row(goss_csv *csv);
/* Completes the output and frees the writer, also after an error. Errors: GOSS_E_IO; GOSS_E_SHAPE: a row with more or
 * fewer cells than the first; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_csv_close(goss_csv *csv, goss_error *err);
/* Frees the writer without creating the file. NULL is allowed. */
GOSS_API void goss_csv_abandon(goss_csv *csv);

/* Writes rows [n_rows] (NULL: all) of a table to a file, with a header, without the file's column. Errors: as
 * goss_csv_close. */
GOSS_API GOSS_MUST_USE goss_status goss_table_write(const goss_table *table, const int32_t *rows, int n_rows,
                                                    const char *path, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
