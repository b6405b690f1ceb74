/* SPDX-License-Identifier: Apache-2.0 */
/* program_text.h: what the printer and the parser of programs share. */
#ifndef GOSS_IR_PROGRAM_TEXT_H
#define GOSS_IR_PROGRAM_TEXT_H

#include "ir/program.h"

/* The first line: "gossamer.program 1". Every version that was ever released is read for ever. */
#define GOSS__PROGRAM_WORD "gossamer.program"
enum { GOSS__PROGRAM_VERSION = 1 };

/* Adds a text with backslash, quote (0: none), control characters and what is no UTF-8 escaped: \\, \", \x1B. */
void goss__quote(goss__str *s, const char *text, char quote);
#endif
