/* SPDX-License-Identifier: Apache-2.0 */
/* vectors.h: word vectors inside. */
#ifndef GOSS_TEXT_VECTORS_H
#define GOSS_TEXT_VECTORS_H

#include "gossamer/vectors.h"
#include "text/word_counts.h"
#include "text/fold.h"

enum { GOSS__WIDTH_MOST = 4096, GOSS__GRAMS_MOST = 2048 };

struct goss_vectors {
    goss__fold fold;
    goss__counts words;
    int width, buckets, grams[2];
    float *word; /* [words, width] as they are used: with the n-grams of the word */
    float *gram; /* [buckets, width]; NULL: none */
};

/* Empty, with room for the words that it has and for its buckets. Errors: GOSS_E_NOMEM. */
goss_status goss__vectors_room(goss_vectors *v, goss_error *err);
/* The buckets of a word's n-grams, at most GOSS__GRAMS_MOST of them. Returns their number. */
int goss__gram_buckets(const int grams[2], int buckets, const char *word, uint32_t out[GOSS__GRAMS_MOST]);

/* ---- vectors_text.c ---- */
/* As goss_vectors_read and goss_vectors_write. */
goss_status goss__vectors_read_text(const char *path, int most, bool (*also)(const void *context, const char *word),
                                    const void *context, goss_vectors *v, goss_error *err);
goss_status goss__vectors_write_text(const goss_vectors *v, const char *path, goss_error *err);
#endif
