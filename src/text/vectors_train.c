/* SPDX-License-Identifier: Apache-2.0 */
/* vectors_train.c: skip-gram with subwords and negative sampling (vectors.h), on one thread, so that the result is a
 * function of texts and seed. The vector of a centre is computed once for all its neighbours, and its gradient applied
 * once: fewer passes over the n-grams than a step for each pair. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/finite.h"
#include "base/rng.h"
#include "text/vectors.h"

goss_vectors_options goss_vectors_options_defaults(void) {
    return (goss_vectors_options){.fold = "case",
                                  .width = 64,
                                  .least = 2,
                                  .window = 5,
                                  .negatives = 5,
                                  .epochs = 5,
                                  .grams = {3, 5},
                                  .buckets = 16384,
                                  .rate = 0.05,
                                  .sample = 1e-3,
                                  .seed = 1};
}

typedef struct training {
    const goss_vectors_options *o;
    goss_vectors *v;
    int32_t *word;  /* [words]: all texts, one after another; those that have no vector are left out */
    int32_t *first; /* [texts + 1] */
    int texts;
    float *own;               /* [vocabulary, width] z of words */
    float *out;               /* [vocabulary, width] v */
    uint32_t *bucket;         /* n-grams of all words */
    int32_t *start;           /* [vocabulary + 1] into bucket */
    int32_t *drawn;           /* [draws] words in proportion to count^(3/4) */
    double *keep;             /* [vocabulary] chance that an occurrence stays */
    int32_t *line;            /* scratch: a text without what was left out */
    float *centre, *gradient; /* [width] */
    goss__rng rng;
} training;

enum { DRAWS = 1 << 20 };

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory to train word vectors");
}

/* ---- texts ---- */

/* Goes over the words of all texts: counts them or, when it is known which have a vector, lists these. */
static goss_status walk(training *t, const char *const *texts, int n, bool list, goss_error *err) {
    goss__str folded = {0};
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && i < n; i++) {
        goss__piece p;
        s = goss_error_prefix(err, goss__fold_text(t->v->fold, false, texts[i], &folded, err), "text %d", i + 1);
        if (list) t->first[i + 1] = t->first[i];
        for (const char *at = folded.data; s == GOSS_OK && goss__next_word(&at, &p);) {
            const int32_t k = list ? goss__counts_find(&t->v->words, p.text, p.size)
                                   : goss__counts_add(&t->v->words, p.text, p.size, 1);
            if (list && k >= 0) t->word[t->first[i + 1]++] = k;
            if (!list && k < 0) s = no_memory(err);
        }
    }
    goss__str_free(&folded);
    return s;
}

static goss_status read_texts(training *t, const char *const *texts, int n, goss_error *err) {
    GOSS_TRY(walk(t, texts, n, false, err));
    const int64_t all = goss__counts_total(&t->v->words);
    if (!goss__counts_keep(&t->v->words, t->o->least, INT32_MAX)) return no_memory(err);
    if (t->v->words.n < 2 || all > INT32_MAX / 2)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%d words occur at least %d times in the texts, of %lld words: two are needed, and at "
                              "most 2^30 in all",
                              (int)t->v->words.n, t->o->least, (long long)all);
    t->word = goss__calloc((size_t)all + 1, sizeof *t->word);
    t->line = goss__calloc((size_t)all + 1, sizeof *t->line);
    t->first = goss__calloc((size_t)n + 2, sizeof *t->first);
    if (!t->word || !t->line || !t->first) return no_memory(err);
    t->texts = n;
    return walk(t, texts, n, true, err);
}

/* ---- tables ---- */

static goss_status list_grams(training *t, goss_error *err) {
    uint32_t bucket[GOSS__GRAMS_MOST];
    const goss_vectors *v = t->v;
    int32_t all = 0;
    t->start = goss__calloc((size_t)v->words.n + 1, sizeof *t->start);
    if (!t->start) return no_memory(err);
    for (int32_t k = 0; k < v->words.n; k++)
        t->start[k + 1] = all += goss__gram_buckets(v->grams, v->buckets, v->words.text[k], bucket);
    t->bucket = goss__calloc((size_t)all + 1, sizeof *t->bucket);
    if (!t->bucket) return no_memory(err);
    for (int32_t k = 0; k < v->words.n; k++) {
        const int n = goss__gram_buckets(v->grams, v->buckets, v->words.text[k], bucket);
        memcpy(t->bucket + t->start[k], bucket, (size_t)n * sizeof *bucket);
    }
    return GOSS_OK;
}

static goss_status list_draws(training *t, goss_error *err) {
    const goss__counts *c = &t->v->words;
    const double all = (double)goss__counts_total(c);
    double sum = 0, passed = 0;
    t->drawn = goss__calloc(DRAWS, sizeof *t->drawn);
    t->keep = goss__calloc((size_t)c->n, sizeof *t->keep);
    if (!t->drawn || !t->keep) return no_memory(err);
    for (int32_t k = 0; k < c->n; k++) {
        const double share = (double)c->count[k] / all, ratio = t->o->sample / share;
        sum += pow((double)c->count[k], 0.75);
        t->keep[k] = t->o->sample > 0 && ratio < 1 ? sqrt(ratio) + ratio : 1;
    }
    for (int32_t k = 0, at = 0; k < c->n; k++) {
        passed += pow((double)c->count[k], 0.75) / sum;
        while (at < DRAWS && (at + 0.5) / DRAWS <= passed) t->drawn[at++] = k;
        if (k + 1 == c->n)
            while (at < DRAWS) t->drawn[at++] = k;
    }
    return GOSS_OK;
}

/* z uniform in +-1/width, v zero. */
static goss_status start_values(training *t, goss_error *err) {
    goss_vectors *v = t->v;
    const size_t width = (size_t)v->width, words = (size_t)v->words.n;
    GOSS_TRY(goss__vectors_room(v, err));
    t->own = goss__calloc(words * width, sizeof *t->own);
    t->out = goss__calloc(words * width, sizeof *t->out);
    t->centre = goss__calloc(2 * width, sizeof *t->centre), t->gradient = t->centre + width;
    if (!t->own || !t->out || !t->centre) return no_memory(err);
    for (size_t i = 0; i < words * width; i++) t->own[i] = (float)((2 * goss__rng_uniform(&t->rng) - 1) / v->width);
    for (size_t i = 0; i < (size_t)v->buckets * width; i++)
        v->gram[i] = (float)((2 * goss__rng_uniform(&t->rng) - 1) / v->width);
    return GOSS_OK;
}

/* ---- steps ---- */

/* Eight sums side by side, in an order that does not depend on the machine. */
static float dot(const float *a, const float *b, int n) {
    float sum[8] = {0};
    int i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++) sum[i % 8] += a[i] * b[i];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

static void add(float *to, const float *from, float by, int n) {
    for (int i = 0; i < n; i++) to[i] += by * from[i];
}

static void compose(const training *t, int32_t k, float *out) {
    const goss_vectors *v = t->v;
    const int width = v->width, n = t->start[k + 1] - t->start[k];
    const float share = 1 / (float)(n + 1);
    memset(out, 0, (size_t)width * sizeof *out);
    add(out, t->own + (size_t)k * (size_t)width, share, width);
    for (int i = 0; i < n; i++) add(out, v->gram + t->bucket[t->start[k] + i] * (size_t)width, share, width);
}

/* One word to be told from others: 1 for a neighbour, 0 for a drawn one. */
static void tell(training *t, int32_t k, float label, float rate) {
    float *v = t->out + (size_t)k * (size_t)t->v->width;
    const float x = dot(t->centre, v, t->v->width);
    const float g = rate * (label - 1 / (1 + expf(-x)));
    add(t->gradient, v, g, t->v->width);
    add(v, t->centre, g, t->v->width);
}

static void step(training *t, const int32_t *line, int n, int at, float rate) {
    goss_vectors *v = t->v;
    const int width = v->width, reach = 1 + (int)goss__rng_below(&t->rng, (uint32_t)t->o->window);
    const int32_t k = line[at];
    compose(t, k, t->centre);
    memset(t->gradient, 0, (size_t)width * sizeof *t->gradient);
    for (int i = at - reach < 0 ? 0 : at - reach; i <= at + reach && i < n; i++) {
        if (i == at) continue;
        tell(t, line[i], 1, rate);
        for (int j = 0; j < t->o->negatives; j++) {
            const int32_t other = t->drawn[goss__rng_u32(&t->rng) % DRAWS];
            if (other != line[i]) tell(t, other, 0, rate);
        }
    }
    add(t->own + (size_t)k * (size_t)width, t->gradient, 1, width);
    for (int i = t->start[k]; i < t->start[k + 1]; i++)
        add(v->gram + t->bucket[i] * (size_t)width, t->gradient, 1, width);
}

static goss_status pass(training *t, int epoch, goss_error *err) {
    const double all = (double)t->first[t->texts] * t->o->epochs + 1;
    for (int i = 0; i < t->texts; i++) {
        int n = 0;
        for (int k = t->first[i]; k < t->first[i + 1]; k++)
            if (t->keep[t->word[k]] >= 1 || goss__rng_uniform(&t->rng) < t->keep[t->word[k]]) t->line[n++] = t->word[k];
        const double done = ((double)t->first[t->texts] * epoch + t->first[i]) / all;
        for (int k = 0; k < n; k++) step(t, t->line, n, k, (float)(t->o->rate * (1 - done)));
        if (t->o->stop && *t->o->stop) return goss_error_set(err, GOSS_E_INTERRUPTED, "word vectors: interrupted");
        if (t->o->progress && i % 1000 == 0) t->o->progress(t->o->context, done);
    }
    return GOSS_OK;
}

/* ---- all ---- */

static goss_status check(const goss_vectors_options *o, goss_error *err) {
    if (o->width < 1 || o->width > GOSS__WIDTH_MOST || o->window < 1 || o->negatives < 1 || o->epochs < 1 ||
        o->least < 1 || o->buckets < 0 || o->buckets > 1 << 26 || !(o->rate > 0) || !(o->sample >= 0))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "word vectors of width %d (1 to %d), window %d, %d drawn words, %d epochs, %d buckets, "
                              "rate %g, sample %g: out of range",
                              o->width, GOSS__WIDTH_MOST, o->window, o->negatives, o->epochs, o->buckets, o->rate,
                              o->sample);
    if (o->buckets && (o->grams[0] < 1 || o->grams[1] < o->grams[0] || o->grams[1] > 20))
        return goss_error_set(err, GOSS_E_ARGUMENT, "n-grams of %d to %d characters: 1 to 20", o->grams[0],
                              o->grams[1]);
    return GOSS_OK;
}

static goss_status check_finite(const training *t, goss_error *err) {
    const goss_vectors *v = t->v;
    if (goss__first_not_finite(v->word, (int64_t)v->words.n * v->width) < 0 &&
        (!v->buckets || goss__first_not_finite(v->gram, (int64_t)v->buckets * v->width) < 0))
        return GOSS_OK;
    return goss_error_set(
        err, GOSS_E_NUMERIC,
        "word vectors: the training ended with numbers that are not finite: a rate below %g is needed", t->o->rate);
}

static goss_status train(training *t, const char *const *texts, int n, goss_error *err) {
    GOSS_TRY(read_texts(t, texts, n, err));
    GOSS_TRY(list_grams(t, err));
    GOSS_TRY(list_draws(t, err));
    GOSS_TRY(start_values(t, err));
    for (int epoch = 0; epoch < t->o->epochs; epoch++) GOSS_TRY(pass(t, epoch, err));
    for (int32_t k = 0; k < t->v->words.n; k++) compose(t, k, t->v->word + (size_t)k * (size_t)t->v->width);
    return check_finite(t, err);
}

goss_status goss_vectors_train(const char *const *texts, int n, const goss_vectors_options *options, goss_vectors **out,
                               goss_error *err) {
    const goss_vectors_options o = options ? *options : goss_vectors_options_defaults();
    training t = {.o = &o, .rng = goss__rng_make(o.seed, 0x766563)};
    *out = NULL;
    GOSS_TRY(check(&o, err));
    t.v = goss__calloc(1, sizeof *t.v);
    if (!t.v) return no_memory(err);
    t.v->width = o.width, t.v->buckets = o.buckets, t.v->grams[0] = o.grams[0], t.v->grams[1] = o.grams[1];
    goss_status s = goss__fold_find(o.fold ? o.fold : "case", &t.v->fold, err);
    if (s == GOSS_OK) s = train(&t, texts, n, err);
    goss__free(t.word), goss__free(t.first), goss__free(t.own), goss__free(t.out), goss__free(t.bucket);
    goss__free(t.start), goss__free(t.drawn), goss__free(t.keep), goss__free(t.line), goss__free(t.centre);
    if (s == GOSS_OK)
        *out = t.v;
    else
        goss_vectors_free(t.v);
    return s;
}
