/* SPDX-License-Identifier: Apache-2.0 */
/* program_lex.h: the words of a program's text. Each reader skips blanks in front; false: an error was told, with the
 * line. */
#ifndef GOSS_IR_PROGRAM_LEX_H
#define GOSS_IR_PROGRAM_LEX_H

#include <stdint.h>

#include "base/str.h"

enum { GOSS__WORD = 64 }; /* letters of a name without quotes, and a NUL */

typedef struct goss__lex {
    const char *at;
    int line;
    goss_error *err;
} goss__lex;

goss__lex goss__lex_begin(const char *text, goss_error *err);

bool goss__lex_fail(goss__lex *l, const char *fmt, ...) GOSS_PRINTF(2, 3);        /* GOSS_E_FORMAT; false */
bool goss__lex_unsupported(goss__lex *l, const char *fmt, ...) GOSS_PRINTF(2, 3); /* GOSS_E_UNSUPPORTED; false */
bool goss__lex_no_memory(goss__lex *l);                                           /* false */

/* The next letter, which is not taken; 0 or a line break at the line's end. */
char goss__lex_peek(goss__lex *l);
bool goss__lex_is_digit(goss__lex *l);
/* Takes that letter if it is next; no error. */
bool goss__lex_take(goss__lex *l, char c);
bool goss__lex_take_word(goss__lex *l, const char *word);
bool goss__lex_expect(goss__lex *l, char c);
/* [A-Za-z_][A-Za-z0-9_.]*; `what` is expected, for the error. */
bool goss__lex_word(goss__lex *l, const char *what, char out[GOSS__WORD]);
bool goss__lex_int(goss__lex *l, int64_t *out);
/* Decimal, inf, -inf or nan. */
bool goss__lex_real(goss__lex *l, double *out);
/* "...", with escapes taken back; adds to out. */
bool goss__lex_string(goss__lex *l, goss__str *out);
/* The end of the line, with or without "# text", which is added to out. NULL: there must be none. */
bool goss__lex_end_line(goss__lex *l, goss__str *scope);
/* Skips empty lines and those of a comment; false, without an error: the text ends. */
bool goss__lex_next_line(goss__lex *l);
#endif
