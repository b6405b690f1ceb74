/* SPDX-License-Identifier: Apache-2.0 */
/* encoder.c: texts as ids, as sequences of word vectors, or as the mean of these.
 *
 * A word's vector is scaled to length sqrt(width): those of rare words, and of unknown ones, of whose n-grams few were
 * trained, are short otherwise, although these words often tell most. In a mean a word counts a / (a + its share of the
 * training texts), so that frequent words, which say little, count little; then the vector is scaled in the same way.
 * Source: Arora et al. 2017, "A simple but tough-to-beat baseline for sentence embeddings", without its projection. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bf16.h"
#include "text/encoder_parts.h"

static const char *const ways[] = {
    [GOSS__TEXT_IDS] = "ids", [GOSS__TEXT_VECTORS] = "vectors", [GOSS__TEXT_MEAN] = "mean", [GOSS__TEXT_BAG] = "bag"};

const char *goss__text_as_name(goss__text_as as) { return ways[as]; }

goss_status goss__text_as_find(const char *name, goss__text_as *out, goss_error *err) {
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(name, ways[i]) == 0) {
            *out = (goss__text_as)i;
            return GOSS_OK;
        }
    return goss_error_set(err, GOSS_E_ARGUMENT, "texts as \"%.40s\": auto, ids, vectors, mean or bag", name);
}

goss_text_options goss_text_options_defaults(void) {
    return (goss_text_options){.tokens = goss_token_options_defaults(), .length = 64, .buckets = 2048};
}

void goss__text_encoder_free(goss__text_encoder *e) {
    if (!e) return;
    goss_tokens_free(e->tokens);
    goss_vectors_free(e->vectors);
    goss__free(e->weight);
    goss__bag_free(&e->bag);
    goss__free(e);
}

goss_text_shape goss__text_encoder_shape(const goss__text_encoder *e) {
    const int width = e->vectors ? e->vectors->width : 0, ids = e->as == GOSS__TEXT_IDS;
    return (goss_text_shape){.steps = e->as == GOSS__TEXT_MEAN || e->as == GOSS__TEXT_BAG ? 0 : e->length,
                             .channels = e->bag.buckets + width + ids,
                             .tokens = e->tokens ? goss_tokens_count(e->tokens) : 0,
                             .ngrams = e->tokens ? goss_tokens_ngrams(e->tokens) : 1};
}

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for texts"); }

const goss_tokens *goss__text_encoder_tokens(const goss__text_encoder *e) { return e->tokens; }

void goss__text_encoder_token(const goss__text_encoder *e, int id, char *out, size_t size) {
    *out = 0;
    if (e->tokens) goss_tokens_name(e->tokens, id, out, size);
}

/* ---- fit ---- */

static goss_status count_words(goss__fold fold, const char *const *texts, int n, goss__counts *counts,
                               goss_error *err) {
    goss__str folded = {0};
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && i < n; i++) {
        goss__piece p;
        s = goss_error_prefix(err, goss__fold_text(fold, false, texts[i], &folded, err), "text %d", i + 1);
        for (const char *at = folded.data; s == GOSS_OK && goss__next_word(&at, &p);)
            if (goss__counts_add(counts, p.text, p.size, 1) < 0) s = no_memory(err);
    }
    goss__str_free(&folded);
    return s;
}

static bool is_counted(const void *context, const char *word) {
    return goss__counts_find(context, word, strlen(word)) >= 0;
}

void goss__round_all(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = goss__from_bf16(goss__to_bf16(x[i]));
}

static goss_status weigh(goss__text_encoder *e, const goss__counts *counts, goss_error *err) {
    const double all = (double)goss__counts_total(counts), a = 1e-3;
    const goss_vectors *v = e->vectors;
    e->weight = goss__calloc((size_t)v->words.n, sizeof *e->weight);
    if (!e->weight) return no_memory(err);
    int known = 0;
    for (int32_t i = 0; i < v->words.n; i++) {
        const int32_t k = goss__counts_find(counts, v->words.text[i], strlen(v->words.text[i]));
        e->weight[i] = (float)(a / (a + (k < 0 ? 0 : (double)counts->count[k] / all)));
        known += k >= 0;
    }
    goss__round_all(e->weight, (size_t)v->words.n);
    if (known) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "data.vectors: none of its %d words is in the texts to train on: vectors of another "
                          "language, or folded in another way (data.fold)",
                          (int)v->words.n);
}

static goss_status fit_vectors(goss__text_encoder *e, const char *const *texts, int n, const goss_text_options *o,
                               goss_error *err) {
    goss__counts counts = {0};
    goss__fold fold;
    GOSS_TRY(goss__fold_find(o->tokens.fold, &fold, err));
    goss_status s = count_words(fold, texts, n, &counts, err);
    if (s == GOSS_OK)
        s = goss_error_prefix(
            err,
            goss_vectors_read(o->vectors, o->tokens.fold, o->tokens.vocabulary, is_counted, &counts, &e->vectors, err),
            "data.vectors");
    if (s == GOSS_OK) s = weigh(e, &counts, err);
    goss__counts_free(&counts);
    if (s != GOSS_OK) return s;
    goss__round_all(e->vectors->word, (size_t)e->vectors->words.n * (size_t)e->vectors->width);
    goss__round_all(e->vectors->gram, (size_t)e->vectors->buckets * (size_t)e->vectors->width);
    return GOSS_OK;
}

static goss_status fit(goss__text_encoder *e, const char *const *texts, int n, const goss_text_options *o,
                       goss_error *err) {
    const bool vectors = o->vectors && *o->vectors;
    goss_status s = GOSS_OK;
    const char *as = o->as && *o->as && strcmp(o->as, "auto") != 0 ? o->as : vectors ? "vectors" : "ids";
    GOSS_TRY(goss__text_as_find(as, &e->as, err));
    if (!vectors && (e->as == GOSS__TEXT_VECTORS || e->as == GOSS__TEXT_MEAN))
        return goss_error_set(err, GOSS_E_ARGUMENT, "data.text_as = %s needs data.vectors", as);
    if (vectors && strcmp(o->tokens.kind, "word") != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "data.vectors are of words: data.tokens = %s has none",
                              o->tokens.kind);
    e->length = o->length;
    if (vectors && e->as != GOSS__TEXT_IDS) /* of ids an embedding begins with them, which is not the encoder's */
        s = fit_vectors(e, texts, n, o, err);
    if (s == GOSS_OK && e->as == GOSS__TEXT_BAG) s = goss__bag_fit(e, texts, n, o, err);
    if (s != GOSS_OK || e->as != GOSS__TEXT_IDS) return s;
    return goss_tokens_fit(texts, n, &o->tokens, &e->tokens, err);
}

goss_status goss__text_encoder_fit(const char *const *texts, int n, const goss_text_options *o,
                                   goss__text_encoder **out, goss_error *err) {
    *out = NULL;
    if (o->length < 1 || o->length > 1 << 20)
        return goss_error_set(err, GOSS_E_ARGUMENT, "texts of at most %d tokens: 1 to %d", o->length, 1 << 20);
    goss__text_encoder *e = goss__calloc(1, sizeof *e);
    goss_status s = e ? fit(e, texts, n, o, err) : no_memory(err);
    if (s == GOSS_OK)
        *out = e;
    else
        goss__text_encoder_free(e);
    return s;
}

/* ---- apply ---- */

static goss_status apply_ids(const goss__text_encoder *e, const char *text, float *out, int *n, goss_error *err) {
    int32_t few[256], *id = e->length <= 256 ? few : goss__calloc((size_t)e->length, sizeof *id);
    if (!id) return no_memory(err);
    goss_status s = goss_tokens_ids(e->tokens, text, id, e->length, n, err);
    for (int i = 0; s == GOSS_OK && i < *n && i < e->length; i++) out[i] = (float)id[i];
    if (s == GOSS_OK && *n == 0) out[0] = GOSS__TOKEN_UNKNOWN;
    if (id != few) goss__free(id);
    return s;
}

void goss__scale_to(float *x, int n, double length) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    const double by = sum > 0 ? length / sqrt(sum) : 0;
    for (int i = 0; i < n; i++) x[i] = (float)(by * (double)x[i]);
}

static void scale(float *x, int n) { goss__scale_to(x, n, sqrt(n)); }

/* Adds or places the vectors of a text's words. */
static goss_status apply_words(const goss__text_encoder *e, const char *text, float *out, int *n, goss_error *err) {
    const goss_vectors *v = e->vectors;
    const int width = v->width;
    goss__str folded = {0}, word = {0};
    goss__piece p;
    float *one = goss__alloc((size_t)width * sizeof *one);
    goss_status s = one ? goss__fold_text(v->fold, false, text, &folded, err) : no_memory(err);
    for (const char *at = folded.data; s == GOSS_OK && goss__next_word(&at, &p); ++*n) {
        if (*n >= e->length && e->as == GOSS__TEXT_VECTORS) continue;
        word.size = 0;
        goss__str_addn(&word, p.text, p.size);
        if (word.failed) s = no_memory(err);
        if (s != GOSS_OK || !goss_vectors_of(v, word.data, one)) continue;
        scale(one, width);
        const int k = goss_vectors_find(v, word.data);
        const float weight = e->as == GOSS__TEXT_VECTORS ? 1 : k >= 0 ? e->weight[k] : 1;
        float *to = e->as == GOSS__TEXT_VECTORS ? out + (size_t)*n * (size_t)width : out;
        for (int j = 0; j < width; j++) to[j] += weight * one[j];
    }
    goss__str_free(&folded), goss__str_free(&word);
    goss__free(one);
    return s;
}

goss_status goss__text_encoder_apply(const goss__text_encoder *e, const char *text, float *out, int *length, bool *cut,
                                     goss_error *err) {
    const goss_text_shape shape = goss__text_encoder_shape(e);
    int n = 0;
    memset(out, 0, (size_t)(shape.steps ? shape.steps : 1) * (size_t)shape.channels * sizeof *out);
    *cut = false, *length = 0;
    if (e->as == GOSS__TEXT_BAG) return goss__bag_apply(e, text, out, err);
    GOSS_TRY((e->as == GOSS__TEXT_IDS ? apply_ids : apply_words)(e, text, out, &n, err));
    if (e->as == GOSS__TEXT_MEAN) scale(out, shape.channels);
    *cut = shape.steps && n > shape.steps;
    *length = shape.steps == 0 ? 0 : n < 1 ? 1 : *cut ? shape.steps : n;
    return GOSS_OK;
}
