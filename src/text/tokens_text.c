/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_text.c: a tokeniser as JSON, for a model file, and back. */
#include "text/tokens_text.h"

#include <string.h>

#include "base/alloc.h"
#include "io/json.h"

goss_status goss_tokens_text(const goss_tokens *t, char **text, goss_error *err) {
    goss__str s = {0};
    goss__str_addf(&s, "{\"kind\": \"%s\", \"fold\": \"%s\"", t->kind->name, goss__fold_name(t->fold));
    if (t->ngrams > 1) goss__str_addf(&s, ", \"ngrams\": %d", t->ngrams);
    goss__str_add(&s, ", \"words\": [");
    for (int32_t i = 0; i < t->words.n; i++) {
        if (i) goss__str_add(&s, ", ");
        goss__json_add_text(&s, t->words.text[i]);
    }
    goss__str_add(&s, "], \"merges\": [");
    for (int i = 0; t->merges && i < 2 * goss__merges_count(t->merges); i++)
        goss__str_addf(&s, "%s%d", i ? ", " : "", (int)goss__merges_pairs(t->merges)[i]);
    goss__str_add(&s, "]}");
    *text = s.data;
    if (!s.failed) return GOSS_OK;
    goss__str_free(&s), *text = NULL;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the text of a tokeniser");
}

#if GOSS_HAVE_JANSSON
static goss_status damaged(goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "a tokeniser that is damaged, or of another version");
}

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for a tokeniser"); }

static goss_status parse_words(const json_t *list, goss_tokens *t, goss_error *err) {
    size_t i;
    const json_t *w;
    if (!json_is_array(list)) return damaged(err);
    json_array_foreach(list, i, w) {
        const char *text = json_string_value(w);
        if (!text || !*text || goss__counts_find(&t->words, text, strlen(text)) >= 0) return damaged(err);
        if (goss__counts_add(&t->words, text, strlen(text), 1) < 0) return no_memory(err);
    }
    return GOSS_OK;
}

static goss_status parse_merges(const json_t *list, goss_tokens *t, goss_error *err) {
    const size_t n = json_array_size(list);
    if (!json_is_array(list) || n % 2 || n > INT32_MAX / 4) return damaged(err);
    int32_t *pair = goss__calloc(n + 1, sizeof *pair);
    if (!pair) return no_memory(err);
    goss_status s = GOSS_OK;
    for (size_t i = 0; s == GOSS_OK && i < n; i++) {
        const json_t *v = json_array_get(list, i);
        const json_int_t k = json_integer_value(v);
        if (!json_is_integer(v) || k < 0 || k > INT32_MAX) s = damaged(err);
        pair[i] = (int32_t)k;
    }
    if (s == GOSS_OK) s = goss__merges_from(pair, (int)(n / 2), &t->merges, err);
    goss__free(pair);
    return s;
}

static goss_status parse(const json_t *root, goss_tokens *t, goss_error *err) {
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const char *fold = json_string_value(json_object_get(root, "fold"));
    if (!kind || !fold) return damaged(err);
    goss_status s = goss__token_kind_find(kind, &t->kind, err);
    if (s == GOSS_OK) s = goss__fold_find(fold, &t->fold, err);
    const json_t *ngrams = json_object_get(root, "ngrams"); /* of none there is no number */
    if (ngrams &&
        (!json_is_integer(ngrams) || json_integer_value(ngrams) < 1 || json_integer_value(ngrams) > GOSS_NGRAMS_MOST))
        return damaged(err);
    t->ngrams = ngrams ? (int)json_integer_value(ngrams) : 1;
    if (s == GOSS_OK) s = goss__tokens_check_ngrams(t, err);
    if (s != GOSS_OK) return goss_error_prefix(err, GOSS_E_FORMAT, "a tokeniser");
    GOSS_TRY(parse_words(json_object_get(root, "words"), t, err));
    if (goss__token_kind_merges(t->kind)) GOSS_TRY(parse_merges(json_object_get(root, "merges"), t, err));
    t->count = t->merges       ? GOSS__TOKEN_BYTES + goss__merges_count(t->merges)
               : t->kind->next ? GOSS__TOKEN_FIRST + t->words.n
                               : GOSS__TOKEN_BYTES;
    return GOSS_OK;
}

goss_status goss_tokens_parse(const char *text, goss_tokens **out, goss_error *err) {
    json_t *root;
    *out = NULL;
    GOSS_TRY(goss__json_parse(text, strlen(text), 0, &root, err));
    goss_tokens *t = goss__calloc(1, sizeof *t);
    goss_status s = t ? parse(root, t, err) : no_memory(err);
    json_decref(root);
    if (s == GOSS_OK)
        *out = t;
    else
        goss_tokens_free(t);
    return s;
}
#else
goss_status goss_tokens_parse(const char *text, goss_tokens **out, goss_error *err) {
    (void)text;
    *out = NULL;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "tokenisers are JSON, and this build has no jansson (" GOSS_JANSSON_GET ")");
}
#endif
