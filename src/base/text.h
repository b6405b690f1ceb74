/* SPDX-License-Identifier: Apache-2.0 */
/* text.h: UTF-8, and the forms of gossamer/text.h. */
#ifndef GOSS_BASE_TEXT_H
#define GOSS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "gossamer/text.h"

/* Length of the UTF-8 sequence at p (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF); 0: invalid. */
int goss__utf8_length(const unsigned char *p);
bool goss__utf8_valid(const char *text);

/* Adds a text in which only invalid UTF-8 is escaped, as \xE9, with single backslashes (metadata is UTF-8, a path may
 * be any bytes). Not injective: for names that must stay distinct use the form UTF8. */
void goss__utf8_add(goss__str *s, const char *text);
void goss__str_add_escaped(goss__str *s, const char *text, goss_text_form form);
/* The LINE form in a buffer, truncated at a whole character and ended by "..." if it does not fit. size: at least 4. */
void goss__text_line(const char *text, char *out, size_t size);
/* Reverses the UTF8 form, in place. A backslash that begins no such escape is kept. */
void goss__text_unescape(char *text);
#endif
