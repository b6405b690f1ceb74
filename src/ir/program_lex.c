/* SPDX-License-Identifier: Apache-2.0 */
/* program_lex.c: the lexer: words, numbers and strings. */
#include "ir/program_lex.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

goss__lex goss__lex_begin(const char *text, goss_error *err) {
    *err = (goss_error){0};
    return (goss__lex){.at = text, .line = 1, .err = err};
}

/* ---- errors ---- */

static bool fail(goss__lex *l, goss_status status, const char *fmt, va_list args) {
    char text[400];
    goss__vformat(text, sizeof text, fmt, args);
    if (l->err->status == GOSS_OK) goss_error_set(l->err, status, "line %d: %s", l->line, text);
    return false;
}

bool goss__lex_fail(goss__lex *l, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fail(l, GOSS_E_FORMAT, fmt, args);
    va_end(args);
    return false;
}

bool goss__lex_unsupported(goss__lex *l, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fail(l, GOSS_E_UNSUPPORTED, fmt, args);
    va_end(args);
    return false;
}

bool goss__lex_no_memory(goss__lex *l) {
    if (l->err->status == GOSS_OK) goss_error_set(l->err, GOSS_E_NOMEM, "program: out of memory");
    return false;
}

/* The text at the cursor, for errors. */
static bool unexpected(goss__lex *l, const char *what) {
    const int n = (int)strcspn(l->at, " \t\r\n");
    if (n == 0) return goss__lex_fail(l, "%s is expected at the end of the line", what);
    return goss__lex_fail(l, "%s is expected, not \"%.*s\"", what, n < 40 ? n : 40, l->at);
}

/* ---- letters ---- */

static void skip_blanks(goss__lex *l) { l->at += strspn(l->at, " \t"); }

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

char goss__lex_peek(goss__lex *l) {
    skip_blanks(l);
    return *l->at == '\r' ? '\n' : *l->at;
}

bool goss__lex_is_digit(goss__lex *l) { return is_digit(goss__lex_peek(l)); }

bool goss__lex_take(goss__lex *l, char c) {
    if (goss__lex_peek(l) != c) return false;
    l->at++;
    return true;
}

static size_t word_length(const char *at) {
    size_t n = 0;
    if (is_letter(*at))
        while (is_letter(at[n]) || is_digit(at[n]) || at[n] == '.') n++;
    return n;
}

bool goss__lex_take_word(goss__lex *l, const char *word) {
    skip_blanks(l);
    const size_t n = word_length(l->at);
    if (n != strlen(word) || memcmp(l->at, word, n) != 0) return false;
    l->at += n;
    return true;
}

bool goss__lex_expect(goss__lex *l, char c) {
    const char what[] = {'\'', c, '\'', 0};
    return goss__lex_take(l, c) || unexpected(l, what);
}

/* ---- words ---- */

bool goss__lex_word(goss__lex *l, const char *what, char out[GOSS__WORD]) {
    skip_blanks(l);
    const size_t n = word_length(l->at);
    if (n == 0) return unexpected(l, what);
    if (n >= GOSS__WORD) return goss__lex_fail(l, "a name of more than %d letters", GOSS__WORD - 1);
    memcpy(out, l->at, n);
    out[n] = 0;
    l->at += n;
    return true;
}

bool goss__lex_int(goss__lex *l, int64_t *out) {
    skip_blanks(l);
    const char *digit = l->at + (*l->at == '-');
    const bool negative = *l->at == '-';
    if (!is_digit(*digit)) return unexpected(l, "an integer");
    for (*out = 0; is_digit(*digit); digit++) {
        const int64_t d = negative ? -(*digit - '0') : *digit - '0';
        if (__builtin_mul_overflow(*out, (int64_t)10, out) || __builtin_add_overflow(*out, d, out))
            return goss__lex_fail(l, "an integer beyond 63 bits");
    }
    l->at = digit;
    return true;
}

static bool special(const char *word, size_t n, double *out) {
    static const struct {
        const char *name;
        double value;
    } all[] = {{"inf", INFINITY}, {"-inf", -INFINITY}, {"nan", NAN}, {"-nan", -NAN}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strlen(all[i].name) == n && memcmp(word, all[i].name, n) == 0) {
            *out = all[i].value;
            return true;
        }
    return false;
}

bool goss__lex_real(goss__lex *l, double *out) {
    char word[GOSS__WORD];
    skip_blanks(l);
    const size_t n = strcspn(l->at, " \t\r\n,}()[]");
    if (n == 0 || n >= sizeof word) return unexpected(l, "a number");
    memcpy(word, l->at, n);
    word[n] = 0;
    if (!special(word, n, out) && !goss__number_parse(word, out)) return unexpected(l, "a number");
    l->at += n;
    return true;
}

/* ---- strings ---- */

static int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The escape after a backslash. */
static bool read_escape(goss__lex *l, char *out) {
    const char c = *l->at;
    if (c == '\\' || c == '"') {
        *out = c, l->at++;
        return true;
    }
    const int high = c == 'x' ? hex_digit(l->at[1]) : -1, low = high < 0 ? -1 : hex_digit(l->at[2]);
    if (low < 0 || high * 16 + low == 0)
        return goss__lex_fail(l, "an escape is \\\\, \\\" or \\x and two digits, not 00");
    *out = (char)(high * 16 + low), l->at += 3;
    return true;
}

/* Reads up to `end`, or to the end of the line, which is not consumed. */
static bool read_text(goss__lex *l, char end, goss__str *out) {
    goss__str_add(out, "");
    while (*l->at && *l->at != '\n' && *l->at != end) {
        char c = *l->at++;
        if (c == '\\' && !read_escape(l, &c)) return false;
        goss__str_addn(out, &c, 1);
    }
    return !out->failed || goss__lex_no_memory(l);
}

bool goss__lex_string(goss__lex *l, goss__str *out) {
    if (!goss__lex_take(l, '"')) return unexpected(l, "a name in quotes");
    return read_text(l, '"', out) && (goss__lex_take(l, '"') || goss__lex_fail(l, "a name has no closing quote"));
}

/* ---- lines ---- */

bool goss__lex_end_line(goss__lex *l, goss__str *scope) {
    if (scope && goss__lex_take(l, '#')) {
        l->at += *l->at == ' ';
        if (!read_text(l, '\n', scope)) return false;
    }
    if (goss__lex_peek(l) != '\n' && *l->at) return unexpected(l, "the end of the line");
    return true;
}

bool goss__lex_next_line(goss__lex *l) {
    for (;;) {
        l->at += strspn(l->at, " \t\r");
        if (l->at[0] == '/' && l->at[1] == '/') l->at += strcspn(l->at, "\n");
        if (*l->at != '\n') return *l->at != 0;
        l->at++, l->line++;
    }
}
