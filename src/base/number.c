/* SPDX-License-Identifier: Apache-2.0 */
/* number.c: the C locale is set for the calling thread only (uselocale, POSIX 2008) and for the duration of a call,
 * invisible to the host program and its other threads. */
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The locale "C" is built into every libc: creating it neither allocates nor fails. */
static void make_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

static locale_t enter(void) {
    pthread_once(&once, make_locale);
    return uselocale(c_locale);
}

static void leave(locale_t before) { uselocale(before); }

/* ---- text ---- */

int goss__vformat(char *out, size_t size, const char *fmt, va_list args) {
    locale_t before = enter();
    int n = vsnprintf(out, size, fmt, args);
    leave(before);
    return n;
}

int goss__format(char *out, size_t size, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = goss__vformat(out, size, fmt, args);
    va_end(args);
    return n;
}

/* ---- numbers ---- */

/* Fast path for numbers with few digits: integers up to 2^53 and powers of ten up to 10^22 are exact doubles, so that
 * one product or quotient of them is rounded once, like the result of strtod (Clinger 1990, "How to read floating point
 * numbers accurately"). False: not such a number; the text may still be valid. Ten times as fast as strtod. */
static bool parse_short(const char *p, double *out) {
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const bool negative = *p == '-';
    uint64_t digits = 0;
    int n = 0, point = 0, power = 0;
    if (*p == '-' || *p == '+') p++;
    for (; *p >= '0' && *p <= '9'; p++, n++) digits = 10 * digits + (uint64_t)(*p - '0');
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, n++, point++) digits = 10 * digits + (uint64_t)(*p - '0');
    if (n == 0 || n > 15) return false; /* 10^15 < 2^53 */
    if (*p == 'e' || *p == 'E') {
        const bool down = *++p == '-';
        if (*p == '-' || *p == '+') p++;
        int k = 0;
        for (; *p >= '0' && *p <= '9' && k < 4; p++, k++) power = 10 * power + (*p - '0');
        if (k == 0) return false;
        if (down) power = -power;
    }
    power -= point;
    if (*p || power < -22 || power > 22) return false;
    double value = power < 0 ? (double)digits / ten[-power] : (double)digits * ten[power];
    *out = negative ? -value : value;
    return true;
}

/* strtod accepts more than decimal notation: hexadecimal, inf, nan, leading blanks. */
bool goss__number_parse(const char *text, double *out) {
    char *end;
    if (parse_short(text, out)) return true;
    if (!*text || text[strspn(text, "0123456789+-eE.")]) return false;
    locale_t before = enter();
    *out = strtod(text, &end);
    leave(before);
    return *end == 0 && end != text && isfinite(*out);
}

int goss__numbers_parse(const char *text, double *out, int most) {
    static const char between[] = " \t\r\n,;";
    int n = 0;
    for (text += strspn(text, between); *text; text += strspn(text, between)) {
        char word[64];
        size_t size = strcspn(text, between);
        if (n == most || size >= sizeof word) return -1;
        memcpy(word, text, size);
        word[size] = 0;
        if (!goss__number_parse(word, &out[n++])) return -1;
        text += size;
    }
    return n;
}

void goss__number_print(double value, char text[GOSS__NUMBER_TEXT]) {
    static const int digits[] = {6, 9, 15, 16, 17};
    locale_t before = enter();
    if (value == floor(value) && fabs(value) < 1e15) { /* 1000000, not 1e+06 */
        snprintf(text, GOSS__NUMBER_TEXT, "%.0f", value);
    } else {
        for (size_t i = 0; i < sizeof digits / sizeof *digits; i++) {
            snprintf(text, GOSS__NUMBER_TEXT, "%.*g", digits[i], value);
            if (strtod(text, NULL) == value) break;
        }
    }
    leave(before);
}
