/* SPDX-License-Identifier: Apache-2.0 */
/* target_expand.c: short forms of choices as text with braces: words with alternatives, the word optional, parts that
 * are repeated. The parser reads the result in their place. */
#include <string.h>

#include "nn/target.h"

static void add_words(const goss__words *w, int n, goss__str *out) {
    for (int i = 0; i < n; i++) {
        goss__str_add(out, i ? " " : "");
        goss__str_addn(out, w->at[i], (size_t)w->size[i]);
    }
}

static bool has_bar(const goss__words *w, int i) { return memchr(w->at[i], '|', (size_t)w->size[i]) != NULL; }

/* The first word with alternatives that the layer itself does not read; -1: none. */
static int alternatives(const goss__words *w) {
    const goss__layer_kind *kind = goss__layer_kind_find(w->at[0], w->size[0]);
    for (int i = 0; i < w->n; i++)
        if (has_bar(w, i) && !(i > 0 && kind && i == kind->kernel_word)) return i;
    return -1;
}

/* Whether the alternative at p stands before it in the word, too: as a choice it would be none. */
static bool is_repeated(const char *word, const char *p, int size) {
    for (const char *at = word; at < p; at = (const char *)memchr(at, '|', (size_t)(p - at)) + 1)
        if (memcmp(at, p, (size_t)size) == 0 && at[size] == '|') return true;
    return false;
}

/* "pool max|avg 2" -> "choose { pool max 2 } or { pool avg 2 }" */
static goss_status expand_bar(const goss__words *w, int bar, goss__str *out, goss_error *err) {
    const char *p = w->at[bar], *end = p + w->size[bar];
    goss__words one = *w;
    for (bool first = true; p <= end; first = false) {
        const char *stop = memchr(p, '|', (size_t)(end - p));
        one.at[bar] = p;
        one.size[bar] = (int)((stop ? stop : end) - p);
        if (one.size[bar] == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.*s\": an alternative is empty; write A|B",
                                  w->size[bar] > 60 ? 60 : w->size[bar], w->at[bar]);
        if (is_repeated(w->at[bar], p, one.size[bar]))
            return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.*s\": the alternative %.*s is named twice",
                                  w->size[bar] > 60 ? 60 : w->size[bar], w->at[bar],
                                  one.size[bar] > 60 ? 60 : one.size[bar], p);
        goss__str_add(out, first ? "choose { " : " or { ");
        add_words(&one, w->n, out);
        goss__str_add(out, " }");
        if (!stop) break;
        p = stop + 1;
    }
    return GOSS_OK;
}

goss_status goss__words_expand(const goss__words *w, goss__str *out, goss_error *err) {
    if (w->n > 1 && goss__word_is(w, w->n - 1, "optional")) {
        goss__str_add(out, "optional { ");
        add_words(w, w->n - 1, out);
        goss__str_add(out, " }");
        return GOSS_OK;
    }
    const int bar = w->n > 0 ? alternatives(w) : -1;
    return bar < 0 ? GOSS_OK : expand_bar(w, bar, out, err);
}

/* Nested, so that the number of repetitions is what is chosen. */
void goss__repeat_text(const char *body, size_t size, int64_t low, int64_t high, goss__str *out) {
    for (int64_t i = 0; i < high; i++) {
        if (i >= low) goss__str_add(out, "optional {");
        goss__str_add(out, "\n");
        goss__str_addn(out, body, size);
        goss__str_add(out, "\n");
    }
    for (int64_t i = low; i < high; i++) goss__str_add(out, "}");
}
