/* SPDX-License-Identifier: Apache-2.0 */
/* program_text.h: shared by the printer and the parser of programs. */
#ifndef GOSS_IR_PROGRAM_TEXT_H
#define GOSS_IR_PROGRAM_TEXT_H

#include "ir/program.h"

/* The first line: "gossamer.program 2". Every released version stays readable.
 * 1: a value for each node of operations with several results (program_results.h). */
#define GOSS__PROGRAM_WORD "gossamer.program"
enum { GOSS__PROGRAM_VERSION = 2 };

/* Appends a text with backslash, quote (0: none), control characters and invalid UTF-8 escaped: \\, \", \x1B. */
void goss__quote(goss__str *s, const char *text, char quote);
#endif
