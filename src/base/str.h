/* SPDX-License-Identifier: Apache-2.0 */
/* str.h: a growing byte string. Errors are sticky: after a failed allocation every call is a no-op and `failed` is set.
 */
#ifndef GOSS_BASE_STR_H
#define GOSS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "gossamer/status.h"

typedef struct goss__str {
    char *data; /* NUL-terminated once anything was added; NULL while empty */
    size_t size, capacity;
    bool failed;
} goss__str;

void goss__str_add(goss__str *s, const char *text);
void goss__str_addn(goss__str *s, const char *data, size_t n);
void goss__str_addf(goss__str *s, const char *fmt, ...) GOSS_PRINTF(2, 3);
void goss__str_free(goss__str *s);

/* Length of the first rule of a list "PATTERN,PATTERN=VALUE; ...": it ends before ';', a line end, or ',' after the '='
 * (before it ',' joins patterns). */
size_t goss__rule_size(const char *list);

/* ---- names ---- */

/* Levenshtein distance, for a second name of at most 126 characters; 1000 for longer ones. */
int goss__distance(const char *a, const char *b);
/* Adds "; did you mean X or Y?" with the similar ones of n names, or those that hold it, or "; there are X, Y, ...". */
void goss__near_names(goss__str *s, const char *name, const char *const *names, int n);
/* Patterns with '*' (any characters) and '?' (one), joined by ',', which may have blanks around it. */
bool goss__name_matches(const char *name, const char *pattern);

/* ---- ASCII letters in any locale: in a Turkish one tolower('I') is not 'i' ---- */

char goss__ascii_lower(char c);
bool goss__ascii_is_alnum(char c);
/* Whether two texts are the same, ignoring case. */
bool goss__ascii_same(const char *a, const char *b);
/* Whether a text has that ending, ignoring case. */
bool goss__ascii_ends(const char *text, const char *end);
#endif
