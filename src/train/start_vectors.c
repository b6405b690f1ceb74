/* SPDX-License-Identifier: Apache-2.0 */
/* start_vectors.c: an embedding of word ids that begins with given word vectors and is trained on (data.text_as = ids
 * with data.vectors). A vector is scaled to length sqrt(width), as where texts are sequences of vectors: that is the
 * length of a row as it is drawn. Words without a vector, n-grams and the unknown word keep what was drawn. */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "meta/method.h"
#include "text/encoder_parts.h"
#include "train/run.h"

enum { LONGEST = 512 }; /* bytes of a word that can have a vector */
static const char tensor[] = "embedding1.w";

/* The word with that id; false: it is none, or longer. */
static bool word_of(const goss_encoding *e, int id, char out[LONGEST]) {
    goss_encoding_token(e, id, out, LONGEST);
    const size_t n = strlen(out);
    return n > 0 && n < LONGEST - 1 && !strchr(out, ' '); /* an n-gram has blanks */
}

static bool is_known(const void *words, const char *word) { return goss__counts_find(words, word, strlen(word)) >= 0; }

/* The vectors of the words that have ids, and of others, if the file has those of n-grams. */
static goss_status read_vectors(const goss__run *r, goss_vectors **out, goss_error *err) {
    const goss_text_options *o = &r->set.table.texts;
    goss__counts words = {0};
    char word[LONGEST];
    bool room = true;
    for (int i = 0; i < r->data.tokens && room; i++)
        if (word_of(r->data.encoding, i, word)) room = goss__counts_add(&words, word, strlen(word), 1) >= 0;
    goss_status s = room ? goss_vectors_read(o->vectors, o->tokens.fold, 1, is_known, &words, out, err)
                         : goss_error_set(err, GOSS_E_NOMEM, "no memory for words");
    goss__counts_free(&words);
    return goss_error_prefix(err, s, "data.vectors");
}

/* The rows of words that have a vector; how many these are. */
static int place(const goss__run *r, const goss_vectors *v, float *table) {
    const int width = goss_vectors_width(v);
    char word[LONGEST];
    float one[GOSS__WIDTH_MOST];
    int placed = 0;
    for (int i = 0; i < r->data.tokens; i++) {
        if (!word_of(r->data.encoding, i, word) || !goss_vectors_of(v, word, one)) continue;
        goss__scale_to(one, width, sqrt(width));
        memcpy(table + (size_t)i * (size_t)width, one, (size_t)width * sizeof *one);
        placed++;
    }
    return placed;
}

/* Whether the hypernetwork makes them without what it begins with. */
static bool is_replaced(const goss_method *m) {
    if (!m->hyper || goss_hyper_settings(m->hyper)->combine != GOSS_COMBINE_REPLACE) return false;
    const int k = goss_layout_find(goss_target_layout(m->target), tensor);
    return k >= 0 && goss_hyper_generator(m->hyper, k) != GOSS_GENERATE_SHARED;
}

static goss_status place_all(goss__run *r, const goss_vectors *v, goss_error *err) {
    const goss_method *m = goss_model_method(r->model);
    const int width = goss_vectors_width(v);
    int placed = -1;
    if (is_replaced(m))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.vectors: %s is generated in the place of what it begins with: hyper.combine = "
                              "delta or scale, or %s=shared in hyper.rules",
                              tensor, tensor);
    for (int i = 0; i < goss_method_params(m); i++) {
        const goss_method_param p = goss_method_param_at(m, i);
        const int k = p.trained ? goss_layout_find(p.layout, tensor) : -1;
        const goss_entry *e = k < 0 ? NULL : goss_layout_entry(p.layout, k);
        if (!e) continue;
        if (e->dim[1] != width)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "model.backbone: an embedding of %lld numbers, but data.vectors has %d: write "
                                  "\"embedding %lld %d; ...\"",
                                  (long long)e->dim[1], width, (long long)e->dim[0], width);
        placed = place(r, v, goss_model_values(r->model, i) + e->offset);
    }
    if (placed < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.vectors: no weights %s begin with them: train.method = %s has none, or makes them "
                              "of parts",
                              tensor, goss_method_name(m));
    if (placed == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.vectors: none of the words to train on has a vector: vectors of another language, "
                              "or folded in another way (data.fold)");
    goss__log(GOSS_LOG_INFO, "data.vectors: %d of %d rows of %s begin with vectors and are trained on", placed,
              r->data.tokens, tensor);
    return GOSS_OK;
}

goss_status goss__start_vectors(goss__run *r, goss_error *err) {
    const char *path = r->set.table.texts.vectors;
    if (!r->data.tokens || !r->data.encoding || !*path || r->previous) return GOSS_OK;
    if (*r->set.train.start)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.vectors and train.start both say what an embedding begins with: leave one out");
    goss_vectors *v = NULL;
    GOSS_TRY(read_vectors(r, &v, err));
    const goss_status s = place_all(r, v, err);
    goss_vectors_free(v);
    return s;
}
