/* SPDX-License-Identifier: Apache-2.0 */
/* json.h: what Gossamer adds to jansson: parsing whose memory comes from base/alloc.h, and writing straight into a
 * growing string, for lines and headers that are made without a tree. */
#ifndef GOSS_IO_JSON_H
#define GOSS_IO_JSON_H

#include <stdbool.h>

#include "base/text.h"
#include "goss_config.h"

/* Adds a quoted JSON text. A byte that is no UTF-8 becomes the four letters \xE9, so that the line stays JSON. Names
 * that must stay different go through goss__str_add_escaped (UTF8) first. */
void goss__json_add_text(goss__str *s, const char *text);
/* Adds a number that reads back as the same double; NaN and Inf, which JSON has not, become null. */
void goss__json_add_number(goss__str *s, double value);

/* What other floors read, whether there is a JSON library or not: without one, GOSS_E_UNSUPPORTED with its package.
 * An array of texts; empty where the value is anything else. Errors: GOSS_E_FORMAT, GOSS_E_NOMEM. */
typedef struct goss__json_texts {
    char **v;
    size_t n;
} goss__json_texts;
GOSS_MUST_USE goss_status goss__json_texts_parse(const char *text, goss__json_texts *out, goss_error *err);
void goss__json_texts_free(goss__json_texts *t);
/* The numbers under n keys of an object; false where the text is none or a key is missing or no number. */
bool goss__json_numbers(const char *text, size_t size, const char *const *keys, int n, double *values);

#if GOSS_HAVE_JANSSON
#include <jansson.h>
/* Parses one JSON value; an object's repeated key is an error. `at` is where the text stands in its file: errors count
 * bytes from there. Errors: GOSS_E_FORMAT, GOSS_E_NOMEM. Release with json_decref. */
GOSS_MUST_USE goss_status goss__json_parse(const char *text, size_t size, size_t at, json_t **out, goss_error *err);
#endif
#endif
