/* SPDX-License-Identifier: Apache-2.0 */
/* cell.h: classifying a cell's text: missing, a number, a date, or a number in another notation. */
#ifndef GOSS_TABLE_CELL_H
#define GOSS_TABLE_CELL_H

#include <stdbool.h>
#include <stddef.h>

/* Larger magnitudes are errors of their cells: what is computed from them in single precision, such as squares of
 * standardised numbers times their variance, would overflow far from the cause. */
#define GOSS__CELL_LARGEST 1e30

typedef enum goss__cell_class {
    GOSS__IS_MISSING,
    GOSS__IS_NUMBER,
    GOSS__IS_DATE,
    GOSS__IS_LIKE, /* "1,234", "5 %", "$5", and "12,5" if the decimal sign is the point */
    GOSS__IS_TEXT
} goss__cell_class;

/* Texts of missing values, each NUL-terminated, with a further NUL at the end; longest: the length of the longest. */
typedef struct goss__missing_words {
    char words[256];
    size_t longest;
} goss__missing_words;

/* list: comma-separated, NULL for the default. False: too long. */
bool goss__missing_words_set(goss__missing_words *m, const char *list);

/* `value` is set for a number. Surrounding blanks are ignored. */
goss__cell_class goss__cell_classify(const char *text, char decimal, const goss__missing_words *missing, double *value);
bool goss__cell_is_date(const char *text);
/* A date, with or without a time of day, as seconds since 1970, of UTC where it names no zone;
 * false: it is none, as one of the year 0, or may be several, as 3/4/2024. */
bool goss__cell_date_seconds(const char *text, double *out);
/* Why the text is no number and what to do, for "... is not a number: ADVICE". Static storage. */
const char *goss__cell_advice(const char *text, char decimal);
#endif
