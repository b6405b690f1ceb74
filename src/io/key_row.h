/* SPDX-License-Identifier: Apache-2.0 */
/* key_row.h: rows of a table of keys (goss_key), one macro for each type.
 *
 * Before the table, GOSS__SETTINGS is defined as the struct that the keys are bound to; `member` is where in it a key's
 * value goes. The compiler chooses the member's type, and goss_config_bind asserts that it can hold all that the key
 * admits. */
#ifndef GOSS_IO_KEY_ROW_H
#define GOSS_IO_KEY_ROW_H

#include "gossamer/config.h"

#define GOSS__KEY_INT(name, member, fallback, min, max, unit, doc)                                                     \
    { name, GOSS_KEY_INT, fallback, min, max, NULL, doc, unit, {GOSS_FIELD(GOSS__SETTINGS, member)}, NULL, NULL }
#define GOSS__KEY_REAL(name, member, fallback, min, max, unit, doc)                                                    \
    { name, GOSS_KEY_REAL, fallback, min, max, NULL, doc, unit, {GOSS_FIELD(GOSS__SETTINGS, member)}, NULL, NULL }
#define GOSS__KEY_BOOL(name, member, fallback, doc)                                                                    \
    { name, GOSS_KEY_BOOL, fallback, 0, 0, NULL, doc, NULL, {GOSS_FIELD(GOSS__SETTINGS, member)}, NULL, NULL }
#define GOSS__KEY_TEXT(name, member, fallback, doc)                                                                    \
    { name, GOSS_KEY_TEXT, fallback, 0, 0, NULL, doc, NULL, {GOSS_FIELD(GOSS__SETTINGS, member)}, NULL, NULL }
/* One of "a|b|c": the member is an enumeration in that order, or a const char * that gets the word. */
#define GOSS__KEY_WORD(name, member, fallback, choices, doc)                                                           \
    { name, GOSS_KEY_TEXT, fallback, 0, 0, choices, doc, NULL, {GOSS_FIELD(GOSS__SETTINGS, member)}, NULL, NULL }
/* A text with a form of its own (choices may be NULL): `read` puts it where it belongs. */
#define GOSS__KEY_FORM(name, read, fallback, choices, doc)                                                             \
    { name, GOSS_KEY_TEXT, fallback, 0, 0, choices, doc, NULL, {GOSS_FIELD_NONE, 0}, read, NULL }

#endif
