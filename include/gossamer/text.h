/* SPDX-License-Identifier: Apache-2.0 */
/* text.h: escaping names from outside, so that they can be printed safely.
 *
 * File names, class names and names inside files are arbitrary bytes: they may contain line breaks, escape sequences
 * that control a terminal, marks that change the writing direction, or invalid UTF-8. Texts of goss_error and lines of
 * goss_log_fn are escaped already; a program that prints other names passes them through goss_text_escape:
 *
 *     char *name = goss_text_escape(goss_images_class_name(set, c), GOSS_TEXT_NAME);
 *     printf("%s\n", name ? name : "?");
 *     goss_text_free(name); */
#ifndef GOSSAMER_TEXT_H
#define GOSSAMER_TEXT_H

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is escaped, and how. In every form a byte that is not valid UTF-8 becomes \xE9, as in C.
 *   UTF8  for files: a backslash is doubled, everything else is kept.
 *   NAME  for terminals and tab-separated columns: as UTF8; in addition tab becomes \t, line feed \n, carriage return
 *         \r; other control characters (C0, C1, DEL), line and paragraph separators, direction marks and zero-width
 *         characters (except joiners) become \x1B, byte by byte.
 *   LINE  for sentences: as NAME, but a backslash stays single, so the text cannot be restored.
 *   JSON  for the inside of a JSON string: quote and backslash are escaped by a backslash, what NAME escapes becomes
 *         \u001b. A parser restores the text, except for bytes that are not UTF-8: apply UTF8 first to keep those.
 * UTF8 and NAME are injective: different texts have different forms. */
typedef enum goss_text_form { GOSS_TEXT_UTF8, GOSS_TEXT_NAME, GOSS_TEXT_LINE, GOSS_TEXT_JSON } goss_text_form;

/* The text in that form. Returns NULL if memory is exhausted. Owns: goss_text_free. Threads: any. */
GOSS_API char *goss_text_escape(const char *text, goss_text_form form);
/* Frees a text returned by the library; NULL is allowed. Threads: any. */
GOSS_API void goss_text_free(char *text);

#ifdef __cplusplus
}
#endif
#endif
