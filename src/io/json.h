/* SPDX-License-Identifier: Apache-2.0 */
/* json.h: additions to jansson: parsing with memory from base/alloc.h, and streaming output into a growing string. */
#ifndef GOSS_IO_JSON_H
#define GOSS_IO_JSON_H

#include <stdbool.h>

#include "base/text.h"
#include "goss_config.h"

/* Appends a quoted JSON text. An invalid UTF-8 byte becomes the four characters \xE9, so that the output is valid JSON.
 * Names that must stay distinct are escaped by goss__str_add_escaped (UTF8) first. */
void goss__json_add_text(goss__str *s, const char *text);
/* Appends a number that reads back as the same double; NaN and Inf, which JSON lacks, become null. */
void goss__json_add_number(goss__str *s, double value);

/* Readers for other layers, independent of the JSON library: without one they return GOSS_E_UNSUPPORTED with its
 * package. An array of texts; empty if the value is something else. Errors: GOSS_E_FORMAT, GOSS_E_NOMEM. */
typedef struct goss__json_texts {
    char **v;
    size_t n;
} goss__json_texts;
GOSS_MUST_USE goss_status goss__json_texts_parse(const char *text, goss__json_texts *out, goss_error *err);
void goss__json_texts_free(goss__json_texts *t);
/* The numbers of n keys of an object; false: not an object, a missing key, or not a number. */
bool goss__json_numbers(const char *text, size_t size, const char *const *keys, int n, double *values);

#if GOSS_HAVE_JANSSON
#include <jansson.h>
/* Parses one JSON value; a repeated key of an object is an error. `at` is the offset of the text in its file, which
 * errors add. Errors: GOSS_E_FORMAT, GOSS_E_NOMEM. Release with json_decref. */
GOSS_MUST_USE goss_status goss__json_parse(const char *text, size_t size, size_t at, json_t **out, goss_error *err);
#endif
#endif
