/* SPDX-License-Identifier: Apache-2.0 */
/* ini.h: parsing an INI file into items with their line numbers.
 *
 * The dialect is inih's (Python's configparser): [section], key = value, comments from ';' or '#' at the start of a
 * line and from a ';' after a blank, indented lines that continue the value above (with line breaks). In addition a
 * value in double quotes may contain anything, with \" \\ \n \t inside. */
#ifndef GOSS_IO_INI_H
#define GOSS_IO_INI_H

#include "base/str.h"

typedef struct goss__ini_item {
    int line;         /* of the key, from 1 */
    const char *name; /* "section.key" */
    const char *text;
} goss__ini_item;

/* A failure ends the parse and is prefixed by "file:line". */
typedef goss_status (*goss__ini_fn)(void *ctx, const goss__ini_item *item, goss_error *err);

GOSS_MUST_USE goss_status goss__ini_parse(const char *text, const char *file, goss__ini_fn fn, void *ctx,
                                          goss_error *err);
/* Appends a value so that it parses to the same text: bare, in indented lines, or in quotes. */
void goss__ini_add_value(goss__str *s, const char *text);
#endif
