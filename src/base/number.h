/* SPDX-License-Identifier: Apache-2.0 */
/* number.h: formatting and parsing of numbers in the C locale, whatever the host program has set.
 *
 * printf, strtod and the like follow the locale of the calling program: with a decimal comma a file would contain
 * "0,5". All formatting and parsing of the library goes through here (also goss__str_addf, goss_error_set and
 * goss__log). */
#ifndef GOSS_BASE_NUMBER_H
#define GOSS_BASE_NUMBER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "gossamer/status.h"

#define GOSS__NUMBER_TEXT 32

/* Decimal notation only, finite, without surrounding text. */
bool goss__number_parse(const char *text, double *out);
/* Numbers separated by blanks, line ends, ',' or ';': their number, or -1 for other text or more than `most`. */
int goss__numbers_parse(const char *text, double *out, int most);
/* The shortest notation that reads back as the same double; integers up to 15 digits without exponent. */
void goss__number_print(double value, char text[GOSS__NUMBER_TEXT]);

/* snprintf and vsnprintf in the C locale. */
int goss__format(char *out, size_t size, const char *fmt, ...) GOSS_PRINTF(3, 4);
int goss__vformat(char *out, size_t size, const char *fmt, va_list args) GOSS_PRINTF(3, 0);
#endif
