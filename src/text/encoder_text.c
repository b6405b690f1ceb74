/* SPDX-License-Identifier: Apache-2.0 */
/* encoder_text.c: an encoder of texts as JSON, for a model file, and back. Numbers are bfloat16 in base64: a few
 * megabytes of vectors are metadata like everything else that a model keeps of its table. */
#include <string.h>

#include "base/alloc.h"
#include "base/bf16.h"
#include "gossamer/text.h"
#include "io/json.h"
#include "text/encoder_parts.h"

/* ---- numbers ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Three numbers are six bytes, or eight digits: no padding is needed but for what is left over. */
static void add_numbers(goss__str *s, const char *key, const float *x, size_t n) {
    goss__str_addf(s, ", \"%s\": \"", key);
    uint32_t held = 0;
    int bits = 0;
    for (size_t i = 0; i < n; i++) {
        held = (held << 16 | goss__to_bf16(x[i])) & 0x3fffff, bits += 16;
        for (; bits >= 6; bits -= 6) goss__str_addn(s, &digits[held >> (bits - 6) & 63], 1);
    }
    if (bits) goss__str_addn(s, &digits[held << (6 - bits) & 63], 1);
    goss__str_add(s, "\"");
}

#if GOSS_HAVE_JANSSON
/* n numbers, exactly. */
static bool read_numbers(const char *text, float *x, size_t n) {
    uint32_t held = 0;
    int bits = 0;
    size_t at = 0;
    if (!text || strlen(text) != (n * 16 + 5) / 6) return false;
    for (; *text; text++) {
        const char *digit = strchr(digits, *text);
        if (!digit) return false;
        held = (held << 6 | (uint32_t)(digit - digits)) & 0x3fffff, bits += 6;
        if (bits >= 16 && at < n) bits -= 16, x[at++] = goss__from_bf16((uint16_t)(held >> bits));
    }
    for (size_t i = 0; i < n; i++)
        if (!(x[i] - x[i] == 0)) return false;
    return at == n;
}
#endif

/* ---- writing ---- */

static void add_list(goss__str *s, const char *key, const goss__counts *words) {
    goss__str list = {0};
    for (int32_t i = 0; i < words->n; i++) goss__str_addf(&list, "%s%s", i ? " " : "", words->text[i]);
    goss__str_addf(s, ", \"%s\": ", key);
    goss__json_add_text(s, list.data ? list.data : "");
    s->failed |= list.failed;
    goss__str_free(&list);
}

static void add_bag(const goss__text_encoder *e, goss__str *s) {
    const goss__bag *b = &e->bag;
    goss__str_addf(s, ", \"bag\": {\"buckets\": %d, \"fold\": \"%s\"", b->buckets, goss__fold_name(b->fold));
    add_list(s, "words", &b->words);
    add_numbers(s, "weights", b->weight, (size_t)b->words.n);
    add_numbers(s, "unknown", &b->unknown, 1);
    if (b->centre) add_numbers(s, "centre", b->centre, (size_t)e->vectors->width);
    goss__str_add(s, "}");
}

static void add_vectors(const goss__text_encoder *e, goss__str *s) {
    const goss_vectors *v = e->vectors;
    const size_t words = (size_t)v->words.n, width = (size_t)v->width;
    goss__str_addf(s, ", \"fold\": \"%s\", \"width\": %d, \"buckets\": %d, \"grams\": [%d, %d]",
                   goss__fold_name(v->fold), v->width, v->buckets, v->grams[0], v->grams[1]);
    add_list(s, "words", &v->words);
    add_numbers(s, "weights", e->weight, words);
    add_numbers(s, "vectors", v->word, words * width);
    add_numbers(s, "gram_vectors", v->gram, (size_t)v->buckets * width);
}

void goss__text_encoder_add(const goss__text_encoder *e, goss__str *s) {
    char *tokens = NULL;
    goss__str_addf(s, "{\"as\": \"%s\", \"length\": %d", goss__text_as_name(e->as), e->length);
    if (e->vectors) add_vectors(e, s);
    if (e->as == GOSS__TEXT_BAG) add_bag(e, s);
    if (e->tokens) {
        if (goss_tokens_text(e->tokens, &tokens, NULL) != GOSS_OK) s->failed = true;
        goss__str_add(s, ", \"tokens\": ");
        goss__json_add_text(s, tokens ? tokens : "");
        goss_text_free(tokens);
    }
    goss__str_add(s, "}");
}

/* ---- reading ---- */

#if GOSS_HAVE_JANSSON
static goss_status damaged(goss_error *err) {
    return goss_error_set(err, GOSS_E_FORMAT, "what a model keeps of its texts is damaged, or of another version");
}

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for texts"); }

static goss_status take_words(goss__counts *words, const char *list, goss_error *err) {
    for (size_t n; *list; list += n + (list[n] == ' ')) {
        n = strcspn(list, " ");
        const int32_t before = words->n, k = goss__counts_add(words, list, n, 1);
        if (k < 0) return no_memory(err);
        if (k != before || n == 0) return damaged(err);
    }
    return words->n ? GOSS_OK : damaged(err);
}

static bool whole(const json_t *j, int least, int most, int *out) {
    const json_int_t k = json_integer_value(j);
    *out = (int)k;
    return json_is_integer(j) && k >= least && k <= most;
}

static goss_status parse_vectors(const json_t *root, goss__text_encoder *e, goss_error *err) {
    const json_t *grams = json_object_get(root, "grams");
    const char *fold = json_string_value(json_object_get(root, "fold"));
    const char *words = json_string_value(json_object_get(root, "words"));
    goss_vectors *v = e->vectors = goss__calloc(1, sizeof *v);
    if (!v) return no_memory(err);
    if (!fold || !words || goss__fold_find(fold, &v->fold, NULL) != GOSS_OK ||
        !whole(json_object_get(root, "width"), 1, GOSS__WIDTH_MOST, &v->width) ||
        !whole(json_object_get(root, "buckets"), 0, 1 << 26, &v->buckets) ||
        !whole(json_array_get(grams, 0), 0, 100, &v->grams[0]) ||
        !whole(json_array_get(grams, 1), 0, 100, &v->grams[1]))
        return damaged(err);
    GOSS_TRY(take_words(&v->words, words, err));
    const size_t n = (size_t)v->words.n, width = (size_t)v->width, buckets = (size_t)v->buckets;
    const json_t *values = json_object_get(root, "vectors"), *more = json_object_get(root, "gram_vectors");
    /* Before anything is allocated by these numbers: the text has to be as long. */
    if (json_string_length(values) < n * width * 2 || json_string_length(more) < buckets * width * 2)
        return damaged(err);
    GOSS_TRY(goss__vectors_room(v, err));
    e->weight = goss__calloc(n, sizeof *e->weight);
    if (!e->weight) return no_memory(err);
    return read_numbers(json_string_value(json_object_get(root, "weights")), e->weight, n) &&
                   read_numbers(json_string_value(values), v->word, n * width) &&
                   read_numbers(json_string_value(more), v->gram, buckets * width)
               ? GOSS_OK
               : damaged(err);
}

static goss_status parse_bag(const json_t *root, goss__text_encoder *e, goss_error *err) {
    goss__bag *b = &e->bag;
    const char *fold = json_string_value(json_object_get(root, "fold"));
    const char *words = json_string_value(json_object_get(root, "words"));
    const char *weights = json_string_value(json_object_get(root, "weights"));
    const size_t width = e->vectors ? (size_t)e->vectors->width : 0;
    if (!fold || !words || !weights || goss__fold_find(fold, &b->fold, NULL) != GOSS_OK ||
        !whole(json_object_get(root, "buckets"), 1, 1 << 20, &b->buckets))
        return damaged(err);
    if (*words) GOSS_TRY(take_words(&b->words, words, err));
    const size_t n = (size_t)b->words.n;
    b->weight = goss__calloc(n + 1, sizeof *b->weight);
    if (width) b->centre = goss__calloc(width, sizeof *b->centre);
    if (!b->weight || (width && !b->centre)) return no_memory(err);
    return read_numbers(weights, b->weight, n) &&
                   read_numbers(json_string_value(json_object_get(root, "unknown")), &b->unknown, 1) &&
                   (!width || read_numbers(json_string_value(json_object_get(root, "centre")), b->centre, width))
               ? GOSS_OK
               : damaged(err);
}

static goss_status parse(const json_t *root, goss__text_encoder *e, goss_error *err) {
    const char *as = json_string_value(json_object_get(root, "as"));
    const char *tokens = json_string_value(json_object_get(root, "tokens"));
    if (!as || goss__text_as_find(as, &e->as, NULL) != GOSS_OK ||
        !whole(json_object_get(root, "length"), 1, 1 << 20, &e->length))
        return damaged(err);
    if (e->as == GOSS__TEXT_BAG) {
        if (json_object_get(root, "vectors")) GOSS_TRY(parse_vectors(root, e, err));
        return parse_bag(json_object_get(root, "bag"), e, err);
    }
    if (e->as != GOSS__TEXT_IDS) return parse_vectors(root, e, err);
    return tokens ? goss_tokens_parse(tokens, &e->tokens, err) : damaged(err);
}

goss_status goss__text_encoder_parse(const char *json, goss__text_encoder **out, goss_error *err) {
    json_t *root;
    *out = NULL;
    GOSS_TRY(goss__json_parse(json, strlen(json), 0, &root, err));
    goss__text_encoder *e = goss__calloc(1, sizeof *e);
    goss_status s = e ? parse(root, e, err) : no_memory(err);
    json_decref(root);
    if (s == GOSS_OK)
        *out = e;
    else
        goss__text_encoder_free(e);
    return s;
}
#else
goss_status goss__text_encoder_parse(const char *json, goss__text_encoder **out, goss_error *err) {
    (void)json;
    *out = NULL;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "encoders of texts are JSON, and this build has no jansson (" GOSS_JANSSON_GET ")");
}
#endif
