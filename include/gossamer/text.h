/* SPDX-License-Identifier: Apache-2.0 */
/* text.h: names that somebody else chose, made fit to be shown.
 *
 * File names, class names and names inside of files are bytes: they may hold line breaks, escape sequences that steer a
 * terminal, marks that turn the direction of writing, or no UTF-8 at all. Texts of goss_error and lines of goss_log_fn
 * hold none of that any more; what a program prints of other names goes through goss_text_escape. */
#ifndef GOSSAMER_TEXT_H
#define GOSSAMER_TEXT_H

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What becomes of what. A byte that is not UTF-8 is written \xE9, as in C.
 *   UTF8  a backslash is doubled; all else stays. For files and JSON
 *   NAME  that, and tab is \t, line break \n, carriage return \r; other control characters (C0, C1, DEL), separators of
 *         lines and paragraphs, marks of writing direction and what has no width (but joiners) are written byte by
 * byte, \x1B. For a terminal and for columns with tabs between LINE  as NAME, but a backslash stays single: for whole
 * sentences, where going back does not matter JSON  what stands between the quotes of a JSON text: quote and backslash
 * behind a backslash, the characters that NAME hides as \u001b; a parser gives the text itself, but for bytes that are
 * not UTF-8: bring names to UTF8 first Different texts stay different in UTF8 and NAME. */
typedef enum goss_text_form { GOSS_TEXT_UTF8, GOSS_TEXT_NAME, GOSS_TEXT_LINE, GOSS_TEXT_JSON } goss_text_form;

/* The text in that form. Owns: goss_text_free. NULL: out of memory. Threads: any. */
GOSS_API char *goss_text_escape(const char *text, goss_text_form form);
/* Frees a text that the library made; NULL allowed. */
GOSS_API void goss_text_free(char *text);

#ifdef __cplusplus
}
#endif
#endif
