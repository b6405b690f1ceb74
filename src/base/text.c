/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: UTF-8 and escaping. A text is processed piece by piece (a character or an invalid byte), and a piece's escape
 * depends on the form alone, so that it can be reversed piece by piece. */
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/text.h"

int goss__utf8_length(const unsigned char *p) {
    if (p[0] < 0x80) return 1;
    int n = p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
    for (int i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool outside = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90);
    return overlong || outside ? 0 : n;
}

bool goss__utf8_valid(const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    for (int n; *p; p += n)
        if ((n = goss__utf8_length(p)) == 0) return false;
    return true;
}

static uint32_t code_point(const unsigned char *p, int n) {
    uint32_t value = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (int i = 1; i < n; i++) value = value << 6 | (p[i] & 0x3fu);
    return value;
}

/* Characters that control a terminal or the writing direction instead of being visible. */
static bool is_control(uint32_t c) {
    static const struct {
        uint32_t first, last;
    } range[] = {{0, 0x1f},         /* C0 */
                 {0x7f, 0x9f},      /* DEL, C1 */
                 {0x061c, 0x061c},  /* Arabic letter mark */
                 {0x200b, 0x200b},  /* zero-width space; joiners (200c, 200d) belong to words */
                 {0x200e, 0x200f},  /* left-to-right and right-to-left marks */
                 {0x2028, 0x202e},  /* line and paragraph separators; embeddings and overrides */
                 {0x2060, 0x206f},  /* invisible joiners and operators; isolates */
                 {0xfeff, 0xfeff},  /* byte order mark, zero-width no-break space */
                 {0xfff9, 0xfffb}}; /* annotations */
    for (size_t i = 0; i < sizeof range / sizeof *range; i++)
        if (c >= range[i].first && c <= range[i].last) return true;
    return false;
}

enum { PIECE = 4 * 5 + 1 }; /* four bytes as \\xHH */

/* Bytes as \xHH, the backslash itself escaped in JSON. */
static void put_bytes(const unsigned char *p, int n, goss_text_form form, char out[PIECE]) {
    for (int i = 0, at = 0; i < n; i++)
        at += goss__format(out + at, (size_t)(PIECE - at), "%s\\x%02X", form == GOSS_TEXT_JSON ? "\\" : "", p[i]);
}

static bool needs_backslash(unsigned char c, goss_text_form form) {
    return (c == '\\' && form != GOSS_TEXT_LINE) || (c == '"' && form == GOSS_TEXT_JSON);
}

/* Writes the piece at p in a form; returns its length in the text. */
static int escape_piece(const unsigned char *p, goss_text_form form, char out[PIECE]) {
    static const char short_forms[] = "\t\\t\n\\n\r\\r";
    const int n = goss__utf8_length(p);
    const uint32_t c = n ? code_point(p, n) : 0;
    const bool hidden = n && form != GOSS_TEXT_UTF8 && is_control(c);
    const char *known = hidden && c < 0x20 ? strchr(short_forms, (int)c) : NULL;
    if (n == 0 || (hidden && !known && form != GOSS_TEXT_JSON))
        put_bytes(p, n ? n : 1, form, out);
    else if (known)
        goss__format(out, PIECE, "%.2s", known + 1);
    else if (hidden)
        goss__format(out, PIECE, "\\u%04x", (unsigned)c); /* all of them are below U+10000 */
    else
        goss__format(out, PIECE, "%s%.*s", needs_backslash(*p, form) ? "\\" : "", n, (const char *)p);
    return n ? n : 1;
}

/* The number of bytes from here that need no escape in any form. */
static size_t plain_stretch(const unsigned char *p) {
    size_t n = 0;
    while (p[n] >= 0x20 && p[n] < 0x7f && p[n] != '\\' && p[n] != '"') n++;
    return n;
}

void goss__str_add_escaped(goss__str *s, const char *text, goss_text_form form) {
    char piece[PIECE];
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const size_t n = plain_stretch(p);
        goss__str_addn(s, (const char *)p,
                       n); /* fast path for plain text: hundreds of megabytes must not take minutes */
        p += n;
        if (!*p) return;
        p += escape_piece(p, form, piece);
        goss__str_add(s, piece);
    }
}

void goss__utf8_add(goss__str *s, const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const int n = goss__utf8_length(p);
        if (n)
            goss__str_addn(s, (const char *)p, (size_t)n);
        else
            goss__str_addf(s, "\\x%02X", *p);
        p += n ? n : 1;
    }
}

void goss__text_line(const char *text, char *out, size_t size) {
    char piece[PIECE];
    size_t at = 0, whole = 0; /* whole: the length to keep if "..." must follow */
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        p += escape_piece(p, GOSS_TEXT_LINE, piece);
        size_t n = strlen(piece);
        if (at + n >= size) {
            memcpy(out + whole, "...", 4);
            return;
        }
        memcpy(out + at, piece, n);
        at += n;
        if (at + 4 <= size) whole = at;
    }
    out[at] = 0;
}

/* The value of a hexadecimal digit as escape_piece writes it, or -1. */
static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

void goss__text_unescape(char *text) {
    char *out = text;
    for (const char *p = text; *p;) {
        int high = p[0] == '\\' && p[1] == 'x' ? digit(p[2]) : -1, low = high >= 8 ? digit(p[3]) : -1;
        if (low >= 0)
            *out++ = (char)(16 * high + low), p += 4;
        else
            *out++ = *p, p += p[0] == '\\' && p[1] == '\\' ? 2 : 1;
    }
    *out = 0;
}

char *goss_text_escape(const char *text, goss_text_form form) {
    goss__str s = {0};
    goss__str_add(&s, "");
    goss__str_add_escaped(&s, text, form);
    if (s.failed) goss__str_free(&s);
    return s.data;
}

void goss_text_free(char *text) { goss__free(text); }
