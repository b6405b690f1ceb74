/* SPDX-License-Identifier: Apache-2.0 */
/* number.h: numbers as text, and text with numbers in it, in the C locale whatever the host program has set.
 *
 * printf, strtod and the like follow the locale of the calling program: under one with a decimal comma a file would get
 * "0,5". Whatever the library writes or reads goes through here (goss__str_addf, goss_error_set and goss__log do). */
#ifndef GOSS_BASE_NUMBER_H
#define GOSS_BASE_NUMBER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "gossamer/status.h"

#define GOSS__NUMBER_TEXT 32

/* Decimal notation only, finite, nothing before or behind it. */
bool goss__number_parse(const char *text, double *out);
/* Numbers with blanks, line ends, ',' or ';' between them: how many, or -1 for anything else or more than `most`. */
int goss__numbers_parse(const char *text, double *out, int most);
/* The shortest notation that reads back as the same double; integers up to 15 digits without exponent. */
void goss__number_print(double value, char text[GOSS__NUMBER_TEXT]);

/* snprintf and vsnprintf in the C locale. */
int goss__format(char *out, size_t size, const char *fmt, ...) GOSS_PRINTF(3, 4);
int goss__vformat(char *out, size_t size, const char *fmt, va_list args) GOSS_PRINTF(3, 0);
#endif
