/* SPDX-License-Identifier: Apache-2.0 */
/* cell.h: what a piece of text in a table is: missing, a number, a date, or something that looks like a number and is
 * written in another way. */
#ifndef GOSS_TABLE_CELL_H
#define GOSS_TABLE_CELL_H

#include <stdbool.h>
#include <stddef.h>

typedef enum goss__cell_class {
    GOSS__IS_MISSING,
    GOSS__IS_NUMBER,
    GOSS__IS_DATE,
    GOSS__IS_LIKE, /* "1,234", "5 %", "$5", and "12,5" where the point is the decimal sign */
    GOSS__IS_TEXT
} goss__cell_class;

/* Words that stand for a missing value, each NUL-terminated, a further NUL at the end; longest: the longest of them. */
typedef struct goss__missing_words {
    char words[256];
    size_t longest;
} goss__missing_words;

/* list: comma-separated, NULL for the usual ones. False: longer than there is room. */
bool goss__missing_words_set(goss__missing_words *m, const char *list);

/* `value` is set for a number. Blanks at either end do not count. */
goss__cell_class goss__cell_classify(const char *text, char decimal, const goss__missing_words *missing, double *value);
bool goss__cell_is_date(const char *text);
/* Why the text is no number and what to do, for "... is not a number: ADVICE". Static storage. */
const char *goss__cell_advice(const char *text, char decimal);
#endif
