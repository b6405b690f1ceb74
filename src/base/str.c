/* SPDX-License-Identifier: Apache-2.0 */
/* str.c: a growing byte string with a sticky failure. */
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"

static bool reserve(goss__str *s, size_t more) {
    size_t need;
    if (s->failed || !goss__add_ok(s->size, more, &need) || !goss__add_ok(need, 1, &need) || need > SIZE_MAX / 2)
        return !(s->failed = true);
    if (need <= s->capacity) return true;
    size_t capacity = s->capacity ? s->capacity : 64;
    while (capacity < need) capacity *= 2;
    char *grown = goss__realloc(s->data, capacity);
    if (!grown) return !(s->failed = true);
    s->data = grown;
    s->capacity = capacity;
    return true;
}

void goss__str_addn(goss__str *s, const char *data, size_t n) {
    if (!reserve(s, n)) return;
    if (n) memcpy(s->data + s->size, data, n);
    s->size += n;
    s->data[s->size] = 0;
}

void goss__str_add(goss__str *s, const char *text) { goss__str_addn(s, text, strlen(text)); }

void goss__str_addf(goss__str *s, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = goss__vformat(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        s->failed = true;
    else if (reserve(s, (size_t)n)) {
        goss__vformat(s->data + s->size, (size_t)n + 1, fmt, again);
        s->size += (size_t)n;
    }
    va_end(again);
}

void goss__str_free(goss__str *s) {
    goss__free(s->data);
    *s = (goss__str){0};
}

size_t goss__rule_size(const char *list) {
    size_t n = strcspn(list, ";\n=");
    return list[n] == '=' ? n + strcspn(list + n, ";\n,") : n;
}

/* ---- letters ---- */

char goss__ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

bool goss__ascii_is_alnum(char c) {
    char lower = goss__ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

bool goss__ascii_same(const char *a, const char *b) {
    for (; *a && goss__ascii_lower(*a) == goss__ascii_lower(*b); a++, b++) {
    }
    return goss__ascii_lower(*a) == goss__ascii_lower(*b);
}

bool goss__ascii_ends(const char *text, const char *end) {
    const size_t n = strlen(text), k = strlen(end);
    return n >= k && goss__ascii_same(text + (n - k), end);
}

/* ---- names ---- */

int goss__distance(const char *a, const char *b) {
    int row[128], n = (int)strlen(b);
    if (n > 126) return 1000;
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

/* Whether text holds the word, in letters of any case. */
static bool holds(const char *text, const char *word) {
    for (; *text; text++) {
        size_t i = 0;
        while (word[i] && goss__ascii_lower(text[i]) == goss__ascii_lower(word[i])) i++;
        if (!word[i]) return true;
    }
    return false;
}

/* Within that many letters, or, of distance -1, a name that holds the other one. */
static bool is_near(const char *name, const char *other, int distance) {
    return distance < 0 ? holds(other, name) : goss__distance(name, other) <= distance;
}

static int count_near(const char *name, const char *const *names, int n, int distance) {
    int count = 0;
    for (int i = 0; i < n; i++) count += is_near(name, names[i], distance);
    return count;
}

/* Names of tasks are many, and often all alike: "31O" is within two letters of any of 300 to 399. A name may also be a
 * part of what it is meant for: head.w of weights/head.w. */
void goss__near_names(goss__str *s, const char *name, const char *const *names, int n) {
    enum { MOST_NEAR = 4, MOST = 40, LEAST_PART = 3 };
    int most = (int)strlen(name) / 3 + 1, near = count_near(name, names, n, most), k = 0;
    for (int fewer; near > MOST_NEAR && (fewer = count_near(name, names, n, most - 1)) > 0; most--) near = fewer;
    const int parts = near == 0 && strlen(name) >= LEAST_PART ? count_near(name, names, n, -1) : 0;
    if (parts > 0 && parts <= MOST_NEAR) near = parts, most = -1;
    for (int i = 0; i < n && k < (near ? MOST_NEAR : MOST); i++) {
        if (near && !is_near(name, names[i], most)) continue;
        goss__str_add(s, k++ ? (near ? " or " : ", ") : near ? "; did you mean " : "; there are ");
        goss__str_add(s, names[i]);
    }
    if (!near && n > k) goss__str_addf(s, " and %d more", n - k);
    if (near) goss__str_add(s, "?");
}

/* One pattern, ending at `end`. The recursion depth is the number of stars. */
static bool matches(const char *name, const char *pattern, const char *end) {
    for (; pattern < end; pattern++, name++) {
        if (*pattern == '*') {
            for (;; name++) {
                if (matches(name, pattern + 1, end)) return true;
                if (!*name) return false;
            }
        }
        if (!*name || (*pattern != '?' && *pattern != *name)) return false;
    }
    return !*name;
}

/* Blanks around commas are for the reader: "a, b". */
bool goss__name_matches(const char *name, const char *pattern) {
    for (;;) {
        const char *comma = strchr(pattern, ','), *end = comma ? comma : pattern + strlen(pattern);
        while (comma && end > pattern && end[-1] == ' ') end--;
        if (matches(name, pattern, end)) return true;
        if (!comma) return false;
        pattern = comma + 1 + strspn(comma + 1, " ");
    }
}
