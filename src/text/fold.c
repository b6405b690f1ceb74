/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c: normal forms by utf8proc, and the division of texts into words by Unicode's general categories. Without
 * utf8proc only ASCII is folded and divided, which gives the same result with both builds. */
#include "text/fold.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "goss_config.h"
#if GOSS_HAVE_UTF8PROC
#include <utf8proc.h>
#endif

static const char *const names[] = {[GOSS__FOLD_CASE] = "case", [GOSS__FOLD_NFKC] = "nfkc", [GOSS__FOLD_NONE] = "none"};

goss_status goss__fold_find(const char *name, goss__fold *out, goss_error *err) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (goss__fold)i;
            return GOSS_OK;
        }
    return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.40s\" is no normal form of texts: case, nfkc or none", name);
}

const char *goss__fold_name(goss__fold fold) { return names[fold]; }

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for a text"); }

static bool is_ascii(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80) return false;
    return true;
}

static goss_status check_utf8(const char *text, goss_error *err) {
    const unsigned char *p = (const unsigned char *)text;
    for (int n; *p; p += n)
        if ((n = goss__utf8_length(p)) == 0)
            return goss_error_set(err, GOSS_E_FORMAT,
                                  "the text is not UTF-8 (byte %zu is 0x%02X): convert the file, as iconv does",
                                  (size_t)(p - (const unsigned char *)text) + 1, *p);
    return GOSS_OK;
}

static goss_status fold_ascii(goss__fold fold, const char *text, goss__str *out, goss_error *err) {
    goss__str_add(out, text);
    for (size_t i = 0; fold == GOSS__FOLD_CASE && !out->failed && i < out->size; i++)
        out->data[i] = goss__ascii_lower(out->data[i]);
    return out->failed ? no_memory(err) : GOSS_OK;
}

#if GOSS_HAVE_UTF8PROC
static goss_status fold_unicode(goss__fold fold, const char *text, goss__str *out, goss_error *err) {
    const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                  (fold == GOSS__FOLD_CASE ? UTF8PROC_CASEFOLD | UTF8PROC_IGNORE : 0);
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    const utf8proc_ssize_t size = (utf8proc_ssize_t)strlen(text), most = utf8proc_decompose(bytes, size, NULL, 0, how);
    utf8proc_int32_t *points = most < 0 ? NULL : goss__calloc((size_t)most + 1, sizeof *points);
    if (most < 0) return goss_error_set(err, GOSS_E_FORMAT, "%s", utf8proc_errmsg(most));
    if (!points) return no_memory(err);
    utf8proc_ssize_t n = utf8proc_decompose(bytes, size, points, most, how);
    if (n >= 0) n = utf8proc_normalize_utf32(points, n, how);
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        utf8proc_uint8_t one[4];
        goss__str_addn(out, (const char *)one, (size_t)utf8proc_encode_char(points[i], one));
    }
    goss__free(points);
    if (n < 0) return goss_error_set(err, GOSS_E_FORMAT, "%s", utf8proc_errmsg(n));
    return out->failed ? no_memory(err) : GOSS_OK;
}
#else
static goss_status fold_unicode(goss__fold fold, const char *text, goss__str *out, goss_error *err) {
    (void)fold, (void)text, (void)out;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "the text is not ASCII, and this build has no utf8proc to fold and divide it "
                          "(" GOSS_UTF8PROC_GET "; tokens = byte with fold = none do without)");
}
#endif

goss_status goss__fold_text(goss__fold fold, bool any, const char *text, goss__str *out, goss_error *err) {
    out->size = 0;
    goss__str_add(out, "");
    if (any && fold == GOSS__FOLD_NONE) {
        goss__str_add(out, text);
        return out->failed ? no_memory(err) : GOSS_OK;
    }
    if (is_ascii(text)) return fold_ascii(fold, text, out, err);
    GOSS_TRY(check_utf8(text, err));
    if (fold != GOSS__FOLD_NONE || !GOSS_HAVE_UTF8PROC) return fold_unicode(fold, text, out, err);
    goss__str_add(out, text);
    return out->failed ? no_memory(err) : GOSS_OK;
}

/* ---- pieces ---- */

typedef enum sort { BLANK, WORD, OTHER } sort;

#if GOSS_HAVE_UTF8PROC
static sort sort_of_point(const char *p, int size) {
    utf8proc_int32_t point;
    utf8proc_iterate((const utf8proc_uint8_t *)p, size, &point);
    const utf8proc_category_t c = utf8proc_category(point);
    if (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_NO) return WORD; /* letters, marks, numbers */
    return c >= UTF8PROC_CATEGORY_ZS && c <= UTF8PROC_CATEGORY_CC ? BLANK : OTHER;
}
#else
static sort sort_of_point(const char *p, int size) { /* never asked: goss__fold_text lets ASCII pass alone */
    (void)p, (void)size;
    return OTHER;
}
#endif

/* The character at p, which is not the end: its bytes in *size. Where p is no UTF-8, one byte. */
static sort sort_at(const char *p, size_t *size) {
    const int n = goss__utf8_length((const unsigned char *)p);
    *size = n ? (size_t)n : 1;
    if (n > 1) return sort_of_point(p, n);
    if ((unsigned char)*p <= ' ' || *p == 0x7f) return BLANK;
    return goss__ascii_is_alnum(*p) ? WORD : OTHER;
}

static size_t apostrophe(const char *p) { return *p == '\'' ? 1 : strncmp(p, "\xE2\x80\x99", 3) == 0 ? 3 : 0; }

bool goss__next_word(const char **at, goss__piece *out) {
    const char *p = *at;
    size_t size = 0;
    while (*p && sort_at(p, &size) == BLANK) p += size;
    *out = (goss__piece){.text = p, .spaced = p > *at};
    if (!*p) return *at = p, false;
    const sort first = sort_at(p, &size);
    p += size;
    while (first == WORD && *p) {
        const size_t skip = apostrophe(p);
        if (p[skip] == 0 || sort_at(p + skip, &size) != WORD) break;
        p += skip + size;
    }
    out->size = (size_t)(p - out->text), *at = p;
    return true;
}

bool goss__next_char(const char **at, goss__piece *out) {
    const int n = **at ? goss__utf8_length((const unsigned char *)*at) : 0;
    *out = (goss__piece){.text = *at, .size = !**at ? 0 : n ? (size_t)n : 1};
    *at += out->size;
    return out->size > 0;
}
