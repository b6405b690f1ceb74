/* SPDX-License-Identifier: Apache-2.0 */
/* item_names.c: items by the names that people type: "the matrix" is "Matrix, The (1999)", "das boot" is "Boot, Das
 * (Boat, The) (1981)" and "amelie" is "Amélie". What is not found has a suggestion, which is never taken. */
#include <ctype.h>
#include <string.h>

#include "recommend/recommend.h"

enum { MOST = 256, MOST_DISTANCE = 126, SHOWN = 3 };

/* A name in two forms: of lower case without accents, the article in front, without the year; and of that the letters
 * and digits alone. */
typedef struct form {
    char text[MOST], key[MOST];
    int year; /* 0: none */
} form;

/* ---- forms ---- */

/* A name without its year, which is cut off; 0: it has none. */
static int cut_year(char *name) {
    size_t n = strlen(name);
    while (n > 0 && isspace((unsigned char)name[n - 1])) name[--n] = 0;
    if (n < 6 || name[n - 1] != ')' || name[n - 6] != '(') return 0;
    int year = 0;
    for (size_t i = n - 5; i < n - 1; i++) {
        if (name[i] < '0' || name[i] > '9') return 0;
        year = 10 * year + (name[i] - '0');
    }
    for (n -= 6, name[n] = 0; n > 0 && isspace((unsigned char)name[n - 1]);) name[--n] = 0;
    return year;
}

/* "matrix, the" becomes "the matrix", "avventura, l'" "l'avventura". */
static void turn_article(char *name) {
    static const char *const articles[] = {"the", "a",   "an",  "der", "die", "das", "le", "la",  "les", "l'",
                                           "un",  "une", "il",  "lo",  "gli", "i",   "el", "los", "las", "o",
                                           "os",  "as",  "het", "de",  "den", "det", "en", "et"};
    char turned[MOST];
    char *comma = strrchr(name, ',');
    const size_t before = comma ? (size_t)(comma - name) : 0;
    if (before == 0 || comma[1] != ' ') return;
    for (size_t i = 0; i < sizeof articles / sizeof *articles; i++) {
        if (strcmp(comma + 2, articles[i]) != 0) continue;
        size_t a = strlen(articles[i]);
        memcpy(turned, articles[i], a);
        if (turned[a - 1] != '\'') turned[a++] = ' ';
        memcpy(turned + a, name, before), turned[a + before] = 0;
        memcpy(name, turned, a + before + 1); /* no longer than before: ", " was there */
        return;
    }
}

/* The letters of U+00C0 to U+017F without accents; '?': as it is. */
static char plain_letter(unsigned point) {
    static const char latin[] = "aaaaaa?ceeeeiiiidnooooo?ouuuuy??aaaaaa?ceeeeiiiidnooooo?ouuuuy?y"
                                "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii??jjkkklllllll"
                                "lllnnnnnnnnnoooooo??rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
    return point >= 0xC0 && point < 0xC0 + sizeof latin - 1 ? latin[point - 0xC0] : '?';
}

/* One character at `text`, without its accent and in lower case, to `out`; the bytes that it had. */
static size_t put_plain(const char *text, char *out, size_t *n) {
    const unsigned char a = (unsigned char)text[0], b = (unsigned char)text[1];
    const bool two = a >= 0xC2 && a <= 0xDF && (b & 0xC0) == 0x80;
    const unsigned point = two ? (unsigned)(a & 0x1F) << 6 | (b & 0x3Fu) : 0;
    const char letter = two ? plain_letter(point) : '?';
    if (two && point >= 0x300 && point < 0x370) return 2; /* an accent by itself */
    if (letter != '?') {
        out[(*n)++] = letter;
    } else if (a == 0xE2 && b == 0x80 && ((unsigned char)text[2] == 0x98 || (unsigned char)text[2] == 0x99)) {
        out[(*n)++] = '\''; /* as word processors write it */
        return 3;
    } else {
        out[(*n)++] = goss__ascii_lower(text[0]);
        return 1;
    }
    return 2;
}

static void make_key(form *f) {
    size_t n = 0;
    for (const char *at = f->text; *at; at++)
        if (goss__ascii_is_alnum(*at) || (unsigned char)*at >= 0x80) f->key[n++] = *at;
    f->key[n] = 0;
}

static form form_of(const char *text, size_t length) {
    form f;
    size_t n = 0;
    while (length > 0 && isspace((unsigned char)*text)) text++, length--;
    for (size_t at = 0; at < length && n + 1 < MOST;) at += put_plain(text + at, f.text, &n);
    f.text[n] = 0;
    f.year = cut_year(f.text);
    turn_article(f.text);
    make_key(&f);
    return f;
}

/* ---- a name and its parts ---- */

static bool is_year(const char *from) { return strspn(from, "0123456789") == 4 && from[4] == ')'; }

/* The next part of a name with others in brackets, "City of God (Cidade de Deus) (2002)"; false: no more. *at begins at
 * the name. */
static bool next_part(const char **at, form *out) {
    const char *from = *at;
    while (*from == '(' && is_year(from + 1)) from += 6, from += strcspn(from, "(");
    if (!*from) return false;
    const bool inside = *from == '(';
    const size_t skip = inside ? 1 + (strncmp(from + 1, "a.k.a. ", 7) == 0 ? 7 : 0) : 0;
    const size_t n = strcspn(from + skip, inside ? ")" : "(");
    *out = form_of(from + skip, n);
    *at = from + skip + n + (inside && from[skip + n]);
    *at += strcspn(*at, "(");
    return true;
}

/* How well a name matches what was typed; 0: not at all. */
static int match_of(const char *name, const form *typed) {
    const form whole = form_of(name, strlen(name));
    if (typed->year && whole.year && typed->year != whole.year) return 0;
    if (strcmp(whole.text, typed->text) == 0) return 3;
    if (!*typed->key) return 0;
    if (strcmp(whole.key, typed->key) == 0) return 2;
    form part;
    for (const char *at = strchr(name, '(') ? name : ""; next_part(&at, &part);)
        if (strcmp(part.key, typed->key) == 0) return 1;
    return 0;
}

/* ---- looking up ---- */

typedef struct found {
    int item[SHOWN], n; /* those that match best, n of them; the first ones */
} found;

static found search(const goss_catalogue *c, const char *text) {
    const form typed = form_of(text, strlen(text));
    found f = {.n = 0};
    int best = 1;
    for (int i = 0; *typed.text && i < c->items; i++) {
        const int match = c->name[i] ? match_of(c->name[i], &typed) : 0;
        if (match < best) continue;
        if (match > best) f.n = 0;
        best = match;
        if (f.n++ < SHOWN) f.item[f.n - 1] = i;
    }
    return f;
}

int goss_catalogue_named(const goss_catalogue *c, const char *text) {
    const found f = search(c, text);
    return f.n == 0 ? GOSS_CATALOGUE_NONE : f.n > 1 ? GOSS_CATALOGUE_SEVERAL : f.item[0];
}

int goss_catalogue_find(const goss_catalogue *c, const char *text) {
    const int32_t id = goss__dictionary_find(&c->ids, text);
    return id >= 0 ? id : goss_catalogue_named(c, text);
}

/* ---- what was not found ---- */

/* Whether what was typed begins at one of the words of a name. */
static bool contains(const char *name, const char *typed) {
    for (const char *at = name; (at = strstr(at, typed)); at++)
        if (at == name || !goss__ascii_is_alnum(at[-1])) return true;
    return false;
}

/* How far a name is from what was typed; a name that contains it is near. */
static int distance_of(const char *name, const form *typed) {
    const form whole = form_of(name, strlen(name));
    const size_t typed_length = strlen(typed->key);
    if (typed_length >= 4 && strncmp(whole.key, typed->key, typed_length) == 0) return 0;
    if (typed_length >= 4 && contains(whole.text, typed->text)) return 0;
    int least = strlen(whole.key) <= MOST_DISTANCE ? goss__distance(typed->key, whole.key) : MOST;
    form part;
    for (const char *at = strchr(name, '(') ? name : ""; next_part(&at, &part);) {
        const int d = *part.key && strlen(part.key) <= MOST_DISTANCE ? goss__distance(typed->key, part.key) : MOST;
        if (d < least) least = d;
    }
    return least;
}

/* The item that may have been meant: of equally near names that which was rated most; -1: none is near. */
static int suggestion(const goss_catalogue *c, const char *text) {
    const form typed = form_of(text, strlen(text));
    const int most = (int)strlen(typed.key) < 3 ? -1 : 1 + (int)strlen(typed.key) / 6;
    int best = -1, least = most + 1;
    for (int i = 0; i < c->items; i++) {
        const int d = c->name[i] ? distance_of(c->name[i], &typed) : MOST;
        if (d > most || d > least || (d == least && best >= 0 && c->count[i] <= c->count[best])) continue;
        best = i, least = d;
    }
    return best;
}

void goss__catalogue_explain(const goss_catalogue *c, const char *text, goss__str *out) {
    const found f = search(c, text);
    goss__str_addf(out, "%s \"%.100s\"", f.n ? "several items are called" : "there is no item", text);
    for (int i = 0; i < f.n && i < SHOWN; i++)
        goss__str_addf(out, "%s%.80s", i ? ", " : ": ", goss_catalogue_name(c, f.item[i]));
    if (f.n > SHOWN) goss__str_addf(out, " and %d more", f.n - SHOWN);
    const int near = f.n ? -1 : suggestion(c, text);
    if (near >= 0) goss__str_addf(out, "; is it \"%.80s\"?", goss_catalogue_name(c, near));
}
