/* number.c: strtod and printf follow the locale that the host program has set (a decimal comma, say); files must not.
 * Parsing rejects what strtod takes beyond decimal notation: hexadecimal, inf, nan, leading blanks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/number.h"

/* The locale's decimal point is the one character of a printed number that is neither digit, sign nor exponent. */
static void with_point(char *text, const char *point) {
    size_t at = strspn(text, "0123456789+-eE"), n = strlen(point);
    if (!text[at]) return;
    text[at] = '.';
    memmove(text + at + 1, text + at + n, strlen(text + at + n) + 1);
}

static const char *decimal_point(char out[GOSS__NUMBER_TEXT]) {
    snprintf(out, GOSS__NUMBER_TEXT, "%.1f", 0.5); /* localeconv is not thread-safe */
    out[strlen(out) - 1] = 0;
    return out + 1;
}

bool goss__number_parse(const char *text, double *out) {
    char local[400], point[GOSS__NUMBER_TEXT], *end;
    const char *dot = strchr(text, '.');
    size_t n = strlen(text);
    if (n == 0 || n > sizeof local - GOSS__NUMBER_TEXT || strspn(text, "0123456789+-eE.") != n) return false;
    if (dot)
        snprintf(local, sizeof local, "%.*s%s%s", (int)(dot - text), text, decimal_point(point), dot + 1);
    else
        memcpy(local, text, n + 1);
    *out = strtod(local, &end);
    return *end == 0 && end != local && isfinite(*out);
}

void goss__number_print(double value, char text[GOSS__NUMBER_TEXT]) {
    static const int digits[] = {6, 9, 15, 16, 17};
    char point[GOSS__NUMBER_TEXT];
    if (value == floor(value) && fabs(value) < 1e15) { /* 1000000, not 1e+06 */
        snprintf(text, GOSS__NUMBER_TEXT, "%.0f", value);
        return;
    }
    for (size_t i = 0; i < sizeof digits / sizeof *digits; i++) {
        snprintf(text, GOSS__NUMBER_TEXT, "%.*g", digits[i], value);
        if (strtod(text, NULL) == value) break;
    }
    with_point(text, decimal_point(point));
}
