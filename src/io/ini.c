/* SPDX-License-Identifier: Apache-2.0 */
/* ini.c: one pass over the lines; an item is complete when the next one begins, since indented lines may continue it.
 *
 * Why not inih: Debian's build passes no line numbers to the handler and silently treats the rest of a line beyond 200
 * bytes as a new line, which would corrupt long paths and network descriptions. */
#include <string.h>

#include "io/ini.h"

#define BLANKS " \t\r\f\v"

typedef struct parser {
    const char *file;
    goss__ini_fn fn;
    void *ctx;
    goss_error *err;
    int line, item_line; /* item_line 0: no item */
    goss__str section, name, value;
} parser;

static goss_status bad(const parser *p, const char *what) {
    return goss_error_set(p->err, GOSS_E_FORMAT, "%s:%d: %s", p->file, p->line, what);
}

static bool is_blank(char c) { return c && strchr(BLANKS, c); }

static size_t trimmed(const char *text, size_t n) {
    while (n && is_blank(text[n - 1])) n--;
    return n;
}

static void set(goss__str *s, const char *text, size_t n) {
    s->size = 0;
    goss__str_addn(s, text, n);
}

/* Length of text[0..n) before a comment: a ';' at its start or after a blank. */
static size_t before_comment(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (text[i] == ';' && (i == 0 || is_blank(text[i - 1]))) n = i;
    return trimmed(text, n);
}

static goss_status hand_over(parser *p) {
    if (!p->item_line) return GOSS_OK;
    goss__ini_item item = {.line = p->item_line, .name = p->name.data, .text = p->value.data};
    p->item_line = 0;
    return goss_error_prefix(p->err, p->fn(p->ctx, &item, p->err), "%s:%d", p->file, item.line);
}

static goss_status begin_section(parser *p, const char *text, size_t n) {
    const char *close = memchr(text, ']', n);
    GOSS_TRY(hand_over(p));
    if (!close || before_comment(close + 1, (size_t)(text + n - close - 1)) != 0)
        return bad(p, "a section is written \"[name]\"");
    const char *inner = text + 1 + strspn(text + 1, BLANKS);
    set(&p->section, inner, close > inner ? trimmed(inner, (size_t)(close - inner)) : 0);
    return p->section.size ? GOSS_OK : bad(p, "the section has no name");
}

static const char escapes[] = "\"\"\\\\n\nt\t"; /* character after the backslash, meaning */

static const char *escape_of(char c) {
    for (size_t i = 0; i + 1 < sizeof escapes; i += 2)
        if (escapes[i] == c) return &escapes[i + 1];
    return NULL;
}

static goss_status add_quoted(parser *p, const char *text, size_t n) {
    size_t i = 1;
    for (; i < n && text[i] != '"'; i++) {
        const char *add = text[i] != '\\' ? &text[i] : ++i < n ? escape_of(text[i]) : NULL;
        if (!add) return bad(p, "a backslash in quotes must be followed by one of \" \\ n t");
        goss__str_addn(&p->value, add, 1);
    }
    if (i >= n) return bad(p, "the closing quote is missing");
    return before_comment(text + i + 1, n - i - 1) == 0 ? GOSS_OK : bad(p, "text after the closing quote");
}

static goss_status add_value(parser *p, const char *text, size_t n) {
    size_t skip = 0;
    while (skip < n && is_blank(text[skip])) skip++;
    text += skip, n -= skip;
    if (n && text[0] == '"') return add_quoted(p, text, n);
    goss__str_addn(&p->value, text, before_comment(text, n));
    return GOSS_OK;
}

static goss_status begin_item(parser *p, const char *text, size_t n) {
    const char *equals = memchr(text, '=', n);
    size_t key = equals ? trimmed(text, (size_t)(equals - text)) : 0;
    GOSS_TRY(hand_over(p));
    if (!key) return bad(p, "neither a [section] nor \"key = value\"");
    if (!p->section.size) return bad(p, "a key before the first [section]");
    set(&p->name, p->section.data, p->section.size);
    goss__str_addn(&p->name, ".", 1);
    goss__str_addn(&p->name, text, key);
    set(&p->value, "", 0);
    p->item_line = p->line;
    return add_value(p, equals + 1, (size_t)(text + n - equals - 1));
}

static goss_status take_line(parser *p, const char *line, size_t n) {
    size_t indent = 0;
    n = trimmed(line, n);
    while (indent < n && is_blank(line[indent])) indent++;
    const char *text = line + indent;
    n -= indent;
    if (n == 0 || *text == ';' || *text == '#') return GOSS_OK;
    if (indent && p->item_line) {
        goss__str_addn(&p->value, "\n", 1);
        return add_value(p, text, n);
    }
    return *text == '[' ? begin_section(p, text, n) : begin_item(p, text, n);
}

goss_status goss__ini_parse(const char *text, const char *file, goss__ini_fn fn, void *ctx, goss_error *err) {
    parser p = {.file = file, .fn = fn, .ctx = ctx, .err = err};
    goss_status s = GOSS_OK;
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) text += 3; /* a byte order mark */
    while (*text && s == GOSS_OK) {
        size_t n = strcspn(text, "\n");
        p.line++;
        s = take_line(&p, text, n);
        if (p.section.failed || p.name.failed || p.value.failed)
            s = goss_error_set(err, GOSS_E_NOMEM, "%s: out of memory", file);
        text += n + (text[n] == '\n');
    }
    if (s == GOSS_OK) s = hand_over(&p);
    goss__str_free(&p.section), goss__str_free(&p.name), goss__str_free(&p.value);
    return s;
}

/* ---- writing ---- */

/* Whether a line with this text would be parsed differently. */
static bool line_needs_quotes(const char *line, size_t n, bool first) {
    if (n == 0) return !first;
    if (trimmed(line, n) != n || is_blank(line[0]) || strchr("\"#", line[0])) return true;
    return before_comment(line, n) != n;
}

static bool needs_quotes(const char *text) {
    for (bool first = true;; first = false) {
        size_t n = strcspn(text, "\n");
        if (line_needs_quotes(text, n, first)) return true;
        for (size_t i = 0; i < n; i++)
            if ((unsigned char)text[i] < 0x20 && text[i] != '\t') return true;
        if (!text[n]) return false;
        text += n + 1;
    }
}

static void add_in_quotes(goss__str *s, const char *text) {
    goss__str_add(s, "\"");
    for (; *text; text++) {
        const char *escape = NULL;
        for (size_t i = 0; i + 1 < sizeof escapes; i += 2)
            if (escapes[i + 1] == *text) escape = &escapes[i];
        if (escape) goss__str_add(s, "\\");
        goss__str_addn(s, escape ? escape : text, 1);
    }
    goss__str_add(s, "\"");
}

void goss__ini_add_value(goss__str *s, const char *text) {
    if (needs_quotes(text)) {
        add_in_quotes(s, text);
        return;
    }
    for (; *text; text++) {
        goss__str_addn(s, text, 1);
        if (*text == '\n') goss__str_add(s, "    "); /* indented: a continuation */
    }
}
