/* SPDX-License-Identifier: Apache-2.0 */
/* item_names.c: items by the names that people type: "the matrix" is "Matrix, The (1999)". */
#include <ctype.h>
#include <string.h>

#include "recommend/recommend.h"

enum { MOST = 256 };

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

/* "matrix, the" becomes "the matrix". */
static void turn_article(char *name) {
    static const char *const articles[] = {", the", ", a", ", an"};
    char turned[MOST];
    const size_t n = strlen(name);
    for (size_t i = 0; i < sizeof articles / sizeof *articles; i++) {
        const size_t a = strlen(articles[i]);
        if (n <= a || strcmp(name + n - a, articles[i]) != 0) continue;
        memcpy(turned, articles[i] + 2, a - 2), turned[a - 2] = ' ';
        memcpy(turned + a - 1, name, n - a), turned[n - 1] = 0;
        memcpy(name, turned, n);
        return;
    }
}

/* Lower case, without article and year apart. */
static int simplify(const char *text, char out[MOST]) {
    size_t n = 0;
    while (isspace((unsigned char)*text)) text++;
    for (; *text && n + 1 < MOST; text++) out[n++] = goss__ascii_lower(*text);
    out[n] = 0;
    const int year = cut_year(out);
    turn_article(out);
    return year;
}

static bool is_called(const char *name, const char *simple, int year) {
    char own[MOST];
    const int made = simplify(name, own);
    return strcmp(own, simple) == 0 && (year == 0 || made == 0 || made == year);
}

int goss_catalogue_find(const goss_catalogue *c, const char *text) {
    char simple[MOST];
    const int32_t id = goss__dictionary_find(&c->ids, text);
    if (id >= 0) return id;
    const int year = simplify(text, simple);
    int found = GOSS_CATALOGUE_NONE;
    for (int i = 0; *simple && i < c->items; i++) {
        if (!c->name[i] || !is_called(c->name[i], simple, year)) continue;
        if (found >= 0) return GOSS_CATALOGUE_SEVERAL;
        found = i;
    }
    return found;
}
