/* SPDX-License-Identifier: Apache-2.0 */
/* program_lex.h: tokens of a program's text. Each reader skips leading blanks; false: an error with the line was
 * set. */
#ifndef GOSS_IR_PROGRAM_LEX_H
#define GOSS_IR_PROGRAM_LEX_H

#include <stdint.h>

#include "base/str.h"

enum { GOSS__WORD = 64 }; /* size of an unquoted name, with a NUL */

typedef struct goss__lex {
    const char *at;
    int line;
    goss_error *err;
} goss__lex;

goss__lex goss__lex_begin(const char *text, goss_error *err);

bool goss__lex_fail(goss__lex *l, const char *fmt, ...) GOSS_PRINTF(2, 3);        /* GOSS_E_FORMAT; false */
bool goss__lex_unsupported(goss__lex *l, const char *fmt, ...) GOSS_PRINTF(2, 3); /* GOSS_E_UNSUPPORTED; false */
bool goss__lex_no_memory(goss__lex *l);                                           /* false */

/* The next character, not consumed; 0 or a line break at the end of a line. */
char goss__lex_peek(goss__lex *l);
bool goss__lex_is_digit(goss__lex *l);
/* Consumes that character if it is next; no error. */
bool goss__lex_take(goss__lex *l, char c);
bool goss__lex_take_word(goss__lex *l, const char *word);
bool goss__lex_expect(goss__lex *l, char c);
/* [A-Za-z_][A-Za-z0-9_.]*; `what` is expected, for the error. */
bool goss__lex_word(goss__lex *l, const char *what, char out[GOSS__WORD]);
bool goss__lex_int(goss__lex *l, int64_t *out);
/* Decimal, inf, -inf or nan. */
bool goss__lex_real(goss__lex *l, double *out);
/* "...", with escapes resolved; appends to out. */
bool goss__lex_string(goss__lex *l, goss__str *out);
/* The end of the line, with an optional "# text", which is appended to out; NULL: no text allowed. */
bool goss__lex_end_line(goss__lex *l, goss__str *scope);
/* Skips empty lines and comments; false without an error: end of text. */
bool goss__lex_next_line(goss__lex *l);
#endif
