/* SPDX-License-Identifier: Apache-2.0 */
/* vectors.c: word vectors: the object, vectors of unknown words, and files. */
#include "text/vectors.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/finite.h"
#include "base/os.h"
#include "base/rng.h"
#include "base/text.h"
#include "gossamer/safetensors.h"
#include "io/json.h"

void goss_vectors_free(goss_vectors *v) {
    if (!v) return;
    goss__counts_free(&v->words);
    goss__free(v->word), goss__free(v->gram);
    goss__free(v);
}

int goss_vectors_width(const goss_vectors *v) { return v->width; }
int goss_vectors_count(const goss_vectors *v) { return v->words.n; }
const char *goss_vectors_word(const goss_vectors *v, int i) { return v->words.text[i]; }
int goss_vectors_find(const goss_vectors *v, const char *word) {
    return goss__counts_find(&v->words, word, strlen(word));
}

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for word vectors");
}

goss_status goss__vectors_room(goss_vectors *v, goss_error *err) {
    const size_t width = (size_t)v->width;
    v->word = goss__calloc(((size_t)v->words.n + 1) * width, sizeof *v->word);
    if (v->buckets) v->gram = goss__calloc((size_t)v->buckets * width, sizeof *v->gram);
    return v->word && (v->gram || !v->buckets) ? GOSS_OK : no_memory(err);
}

/* ---- n-grams ---- */

int goss__gram_buckets(const int grams[2], int buckets, const char *word, uint32_t out[GOSS__GRAMS_MOST]) {
    char text[512];
    int start[512], points = 0, n = 0;
    if (!buckets) return 0;
    snprintf(text, sizeof text, "<%.500s>", word);
    for (int i = 0; text[i]; i++)
        if (((unsigned char)text[i] & 0xC0) != 0x80) start[points++] = i;
    start[points] = (int)strlen(text);
    for (int size = grams[0]; size <= grams[1]; size++)
        for (int i = 0; i + size <= points && n < GOSS__GRAMS_MOST; i++) {
            if (size == points) continue; /* the whole word, which has a vector of its own */
            const char *p = text + start[i];
            out[n++] = (uint32_t)(goss__hash64(p, (uint64_t)(start[i + size] - start[i]), 7) % (uint64_t)buckets);
        }
    return n;
}

bool goss_vectors_of(const goss_vectors *v, const char *word, float *out) {
    uint32_t bucket[GOSS__GRAMS_MOST];
    const size_t width = (size_t)v->width;
    const int k = goss_vectors_find(v, word);
    memset(out, 0, width * sizeof *out);
    if (k >= 0) {
        memcpy(out, v->word + (size_t)k * width, width * sizeof *out);
        return true;
    }
    const int n = goss__gram_buckets(v->grams, v->buckets, word, bucket);
    for (int i = 0; i < n; i++)
        for (size_t j = 0; j < width; j++) out[j] += v->gram[bucket[i] * width + j] / (float)n;
    return n > 0;
}

/* ---- files ---- */

static goss_status add_tensors(const goss_vectors *v, goss_tensor_file *f, goss_error *err) {
    const int64_t words[2] = {v->words.n, v->width}, grams[2] = {v->buckets, v->width};
    GOSS_TRY(goss_tensor_file_add(f, "words", "F32", 2, words, v->word, err));
    return v->buckets ? goss_tensor_file_add(f, "grams", "F32", 2, grams, v->gram, err) : GOSS_OK;
}

static goss_status add_meta(const goss_vectors *v, goss_tensor_file *f, goss_error *err) {
    goss__str s = {0};
    char number[32];
    goss__str_add(&s, "[");
    for (int32_t i = 0; i < v->words.n; i++) {
        if (i) goss__str_add(&s, ", ");
        goss__json_add_text(&s, v->words.text[i]);
    }
    goss__str_add(&s, "]");
    goss_status status = s.failed ? no_memory(err) : goss_tensor_file_meta(f, "vectors.words", s.data, err);
    goss__str_free(&s);
    GOSS_TRY(status);
    GOSS_TRY(goss_tensor_file_meta(f, "vectors.fold", goss__fold_name(v->fold), err));
    snprintf(number, sizeof number, "%d %d", v->grams[0], v->grams[1]);
    return goss_tensor_file_meta(f, "vectors.grams", number, err);
}

static bool is_text(const char *path) { return goss__ascii_ends(path, ".txt") || goss__ascii_ends(path, ".vec"); }

goss_status goss_vectors_write(const goss_vectors *v, const char *path, goss_error *err) {
    goss_tensor_file *f;
    if (is_text(path)) return goss__vectors_write_text(v, path, err);
    GOSS_TRY(goss_tensor_file_new(&f, err));
    goss_status s = add_tensors(v, f, err);
    if (s == GOSS_OK) s = add_meta(v, f, err);
    if (s == GOSS_OK) s = goss_tensor_file_write(f, path, err);
    goss_tensor_file_free(f);
    return s;
}

static goss_status take_words(const goss_safetensors *f, goss_vectors *v, goss_error *err) {
    goss__json_texts list;
    GOSS_TRY(goss__json_texts_parse(goss_safetensors_meta(f, "vectors.words"), &list, err));
    goss_status s = GOSS_OK;
    for (size_t i = 0; s == GOSS_OK && i < list.n; i++)
        if (goss__counts_add(&v->words, list.v[i], strlen(list.v[i]), 1) < 0) s = no_memory(err);
    if (s == GOSS_OK && (size_t)v->words.n != list.n)
        s = goss_error_set(err, GOSS_E_FORMAT, "metadata vectors.words: a word is listed twice");
    goss__json_texts_free(&list);
    return s;
}

static goss_status take_table(const goss_safetensors *f, const char *name, int rows, int width, float *out,
                              goss_error *err) {
    const float *from;
    GOSS_TRY(goss_safetensors_floats(f, name, (int64_t)rows * width, &from, err));
    const int64_t bad = goss__first_not_finite(from, (int64_t)rows * width);
    if (bad >= 0)
        return goss_error_set(err, GOSS_E_NUMERIC, "tensor \"%s\": number %lld is %g, which is not finite", name,
                              (long long)bad, (double)from[bad]);
    memcpy(out, from, (size_t)rows * (size_t)width * sizeof *out);
    return GOSS_OK;
}

static goss_status take_file(const goss_safetensors *f, goss_vectors *v, goss_error *err) {
    const goss_file_tensor *words = goss_safetensors_find(f, "words"), *grams = goss_safetensors_find(f, "grams");
    const char *fold = goss_safetensors_meta(f, "vectors.fold"), *range = goss_safetensors_meta(f, "vectors.grams");
    if (!words || !fold || !range || !goss_safetensors_meta(f, "vectors.words") || words->rank != 2 ||
        words->shape[1] < 1 || words->shape[1] > GOSS__WIDTH_MOST)
        return goss_error_set(err, GOSS_E_FORMAT, "it has no word vectors (gossamer data vectors writes such files)");
    if (strcmp(fold, goss__fold_name(v->fold)) != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "its words are folded by \"%.20s\", and the texts by \"%s\"", fold,
                              goss__fold_name(v->fold));
    v->width = (int)words->shape[1];
    if (grams && grams->rank == 2 && grams->shape[0] <= 1 << 26) v->buckets = (int)grams->shape[0];
    if (sscanf(range, "%d %d", &v->grams[0], &v->grams[1]) != 2 || v->grams[0] < 0 || v->grams[1] > 100)
        return goss_error_set(err, GOSS_E_FORMAT, "metadata vectors.grams: \"%.40s\"", range);
    GOSS_TRY(take_words(f, v, err));
    GOSS_TRY(goss__vectors_room(v, err));
    GOSS_TRY(take_table(f, "words", v->words.n, v->width, v->word, err));
    return v->buckets ? take_table(f, "grams", v->buckets, v->width, v->gram, err) : GOSS_OK;
}

static goss_status read_file(const char *path, goss_vectors *v, goss_error *err) {
    goss_safetensors *f;
    GOSS_TRY(goss_safetensors_open(path, &f, err));
    goss_status s = take_file(f, v, err);
    goss_safetensors_close(f);
    return s == GOSS_OK ? s : goss_error_prefix(err, s, "%s", path);
}

goss_status goss_vectors_read(const char *path, const char *fold, int most,
                              bool (*also)(const void *context, const char *word), const void *context,
                              goss_vectors **out, goss_error *err) {
    *out = NULL;
    goss_vectors *v = goss__calloc(1, sizeof *v);
    if (!v) return no_memory(err);
    goss_status s = goss__fold_find(fold ? fold : "case", &v->fold, err);
    if (s == GOSS_OK && goss__ascii_ends(path, ".safetensors"))
        s = read_file(path, v, err);
    else if (s == GOSS_OK)
        s = goss__vectors_read_text(path, most, also, context, v, err);
    if (s == GOSS_OK)
        *out = v;
    else
        goss_vectors_free(v);
    return s;
}
