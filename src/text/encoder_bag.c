/* SPDX-License-Identifier: Apache-2.0 */
/* encoder_bag.c: a text as a bag of words and of their n-grams, hashed into a fixed number of buckets.
 *
 * What two texts share exactly tells most about short ones: words, and by their n-grams other forms of words and words
 * that no training text has. Rare words count more. Hashing with signs keeps products of two texts what they are, on
 * average, whatever the number of buckets (Weinberger et al. 2009). Behind the buckets is the mean of word vectors, for
 * words that are alike and share no letters. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bf16.h"
#include "base/rng.h"
#include "text/encoder_parts.h"

static const int grams[2] = {3, 5};
static const float mean_length = 0.5F; /* of the mean, where that of the bag is 1 */

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for texts"); }

void goss__bag_free(goss__bag *b) {
    goss__counts_free(&b->words);
    goss__free(b->weight), goss__free(b->centre);
}

/* ---- fit ---- */

/* The text that had a word last, for every word: one counts once for each text. */
typedef struct last_texts {
    int32_t *of;
    int32_t room;
} last_texts;

static bool is_new(last_texts *l, int32_t word, int32_t text) {
    if (word >= l->room) {
        const int32_t room = 2 * word + 1024;
        int32_t *more = goss__realloc(l->of, (size_t)room * sizeof *more);
        if (!more) return false;
        for (int32_t i = l->room; i < room; i++) more[i] = -1;
        l->of = more, l->room = room;
    }
    const bool fresh = l->of[word] != text;
    l->of[word] = text;
    return fresh;
}

static goss_status count_texts(goss__bag *b, const char *const *texts, int n, goss_error *err) {
    goss__str folded = {0};
    last_texts last = {0};
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && i < n; i++) {
        goss__piece p;
        s = goss_error_prefix(err, goss__fold_text(b->fold, false, texts[i], &folded, err), "text %d", i + 1);
        for (const char *at = folded.data; s == GOSS_OK && goss__next_word(&at, &p);) {
            int32_t k = goss__counts_find(&b->words, p.text, p.size);
            if (k < 0) k = goss__counts_add(&b->words, p.text, p.size, 0);
            if (k < 0)
                s = no_memory(err);
            else if (is_new(&last, k, i))
                b->words.count[k]++;
            if (s == GOSS_OK && k >= last.room) s = no_memory(err);
        }
    }
    goss__free(last.of);
    goss__str_free(&folded);
    return s;
}

static goss_status weigh(goss__bag *b, const char *const *texts, int n, const goss_token_options *o, goss_error *err) {
    GOSS_TRY(count_texts(b, texts, n, err));
    if (!goss__counts_keep(&b->words, o->least, o->vocabulary)) return no_memory(err);
    b->weight = goss__calloc((size_t)b->words.n + 1, sizeof *b->weight);
    if (!b->weight) return no_memory(err);
    for (int32_t k = 0; k < b->words.n; k++) b->weight[k] = (float)log((n + 1.0) / ((double)b->words.count[k] + 1));
    b->unknown = (float)log(n + 1.0);
    goss__round_all(b->weight, (size_t)b->words.n), goss__round_all(&b->unknown, 1);
    return GOSS_OK;
}

/* The mean of all texts' means, which is what they have in common. */
static goss_status find_centre(goss__text_encoder *e, const char *const *texts, int n, goss_error *err) {
    const int width = e->vectors->width, first = e->bag.buckets;
    double *sum = goss__calloc((size_t)width, sizeof *sum);
    float *x = goss__calloc((size_t)(first + width), sizeof *x);
    e->bag.centre = goss__calloc((size_t)width, sizeof *e->bag.centre);
    goss_status s = sum && x && e->bag.centre ? GOSS_OK : no_memory(err);
    for (int i = 0; s == GOSS_OK && i < n; i++) {
        s = goss__bag_apply(e, texts[i], x, err);
        goss__scale_to(x + first, width, 1);
        for (int j = 0; j < width; j++) sum[j] += (double)x[first + j];
    }
    for (int j = 0; s == GOSS_OK && j < width; j++) e->bag.centre[j] = (float)(sum[j] / n);
    if (s == GOSS_OK) goss__round_all(e->bag.centre, (size_t)width);
    goss__free(sum), goss__free(x);
    return s;
}

goss_status goss__bag_fit(goss__text_encoder *e, const char *const *texts, int n, const goss_text_options *o,
                          goss_error *err) {
    if (strcmp(o->tokens.kind, "word") != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "data.text_as = bag is of words: data.tokens = %s has none",
                              o->tokens.kind);
    if (o->buckets < 1 || o->buckets > 1 << 20)
        return goss_error_set(err, GOSS_E_ARGUMENT, "data.buckets = %d: 1 to %d", o->buckets, 1 << 20);
    e->bag.buckets = o->buckets;
    GOSS_TRY(goss__fold_find(o->tokens.fold, &e->bag.fold, err));
    GOSS_TRY(weigh(&e->bag, texts, n, &o->tokens, err));
    return e->vectors ? find_centre(e, texts, n, err) : GOSS_OK;
}

/* ---- apply ---- */

/* A word and its n-grams, each of which counts 1 / sqrt(how many there are). */
static void add_word(const goss__bag *b, const char *word, size_t size, float weight, float *out) {
    uint32_t at[GOSS__GRAMS_MOST + 1];
    const uint32_t signs = 2 * (uint32_t)b->buckets;
    int n = goss__gram_buckets(grams, 2 * b->buckets, word, at);
    at[n++] = (uint32_t)(goss__hash64(word, size, 0x776f7264) % signs); /* "word" */
    const float each = weight / sqrtf((float)n);
    for (int i = 0; i < n; i++) out[at[i] >> 1] += at[i] & 1 ? each : -each;
}

static goss_status add_words(const goss__text_encoder *e, const char *text, float *one, float *out, goss_error *err) {
    const goss__bag *b = &e->bag;
    const goss_vectors *v = e->vectors;
    goss__str folded = {0}, word = {0};
    goss__piece p;
    goss_status s = goss__fold_text(b->fold, false, text, &folded, err);
    for (const char *at = folded.data; s == GOSS_OK && goss__next_word(&at, &p);) {
        const int32_t k = goss__counts_find(&b->words, p.text, p.size);
        const float weight = k < 0 ? b->unknown : b->weight[k];
        word.size = 0;
        goss__str_addn(&word, p.text, p.size);
        if (word.failed) {
            s = no_memory(err);
            continue;
        }
        add_word(b, word.data, p.size, weight, out);
        if (!v || !goss_vectors_of(v, word.data, one)) continue;
        goss__scale_to(one, v->width, weight);
        for (int j = 0; j < v->width; j++) out[b->buckets + j] += one[j];
    }
    goss__str_free(&folded), goss__str_free(&word);
    return s;
}

goss_status goss__bag_apply(const goss__text_encoder *e, const char *text, float *out, goss_error *err) {
    const goss__bag *b = &e->bag;
    const int width = e->vectors ? e->vectors->width : 0, all = b->buckets + width;
    float *mean = out + b->buckets, *one = goss__calloc((size_t)width + 1, sizeof *one);
    if (!one) return no_memory(err);
    memset(out, 0, (size_t)all * sizeof *out);
    const goss_status s = add_words(e, text, one, out, err);
    goss__free(one);
    GOSS_TRY(s);
    goss__scale_to(out, b->buckets, 1);
    goss__scale_to(mean, width, 1);
    for (int j = 0; b->centre && j < width; j++) mean[j] -= b->centre[j];
    goss__scale_to(mean, width, (double)mean_length);
    goss__scale_to(out, all, sqrt(all));
    return GOSS_OK;
}
