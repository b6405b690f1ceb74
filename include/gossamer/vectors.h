/* SPDX-License-Identifier: Apache-2.0 */
/* vectors.h: word vectors: trained on texts, or read from files.
 *
 * Vectors are trained by skip-gram with negative sampling: the vector of a word is to predict the words around it. With
 * subwords the vector of a word is the mean of its own and those of its character n-grams, which are hashed into
 * buckets, so that unknown words have vectors, too:
 *
 *     u(w) = (z(w) + sum over its n-grams g of z(h(g))) / (1 + number of n-grams)
 *     minimised: sum over centres w and neighbours c:  -log s(u(w)'v(c)) - sum over drawn words k: log s(-u(w)'v(k))
 *
 * where s is the logistic function; neighbours are at most `window` words away, in the same text; k is drawn in
 * proportion to count^(3/4); frequent words are left out at random. Sources: Mikolov et al. 2013, "Distributed
 * representations of words and phrases and their compositionality"; Bojanowski et al. 2017, "Enriching word vectors
 * with subword information".
 *
 *     goss_vectors_options o = goss_vectors_options_defaults();
 *     GOSS_TRY(goss_vectors_train(texts, n, &o, &v, err));
 *     GOSS_TRY(goss_vectors_write(v, "vectors.safetensors", err));
 *
 * Threads: finished vectors may be used by any number of threads. */
#ifndef GOSSAMER_VECTORS_H
#define GOSSAMER_VECTORS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How vectors are trained; defaults in brackets. */
typedef struct goss_vectors_options {
    const char *fold;      /* of goss_token_options ("case") */
    int width;             /* numbers of a vector (64) */
    int least;             /* occurrences that a word needs (2) */
    int window, negatives; /* (5, 5) */
    int epochs;            /* passes over the texts (5) */
    int grams[2];          /* lengths of n-grams in characters, with < and > around the word; 0, 0: none (3, 5) */
    int buckets;           /* of n-grams; 0: none, unknown words have no vector (16384) */
    double rate;           /* learning rate, which falls to 0 in a straight line (0.05) */
    double sample;         /* words of a larger share of the text are left out at random; 0: none (1e-3) */
    uint64_t seed;         /* (1) */
    const volatile sig_atomic_t *stop; /* training stops with GOSS_E_INTERRUPTED when it is not 0; NULL */
    /* Called now and then with the share of the training that is done; may be NULL. */
    void (*progress)(void *context, double share);
    void *context;
} goss_vectors_options;
/* The defaults. */
GOSS_API goss_vectors_options goss_vectors_options_defaults(void);

/* Vectors of words. Immutable. */
typedef struct goss_vectors goss_vectors;

/* Trains vectors on texts [n] on the calling thread, as a pure function of texts and options. Errors: GOSS_E_ARGUMENT:
 * options out of range, fewer than two words; errors of folding a text (tokens.h), with its number from 1;
 * GOSS_E_INTERRUPTED; GOSS_E_NUMERIC: vectors that are not finite, since the rate is too large. Owns:
 * goss_vectors_free. */
GOSS_API GOSS_MUST_USE goss_status goss_vectors_train(const char *const *texts, int n,
                                                      const goss_vectors_options *options, goss_vectors **out,
                                                      goss_error *err);
/* Frees vectors; NULL is allowed. */
GOSS_API void goss_vectors_free(goss_vectors *v);

/* Reads a file: of goss_vectors_write, or text as word2vec, GloVe and fastText write it (a word and its numbers in each
 * line, an optional first line with their numbers; other numbers than there are draw a warning). Of such a text the
 * first `most` words are read (0: all), and those for which also() is true (NULL: none); words are folded, and of equal
 * ones the first counts. fold: of the texts that they are for, as in goss_token_options; NULL: "case". Errors:
 * GOSS_E_IO; GOSS_E_FORMAT with FILE:LINE; GOSS_E_ARGUMENT: a file of goss_vectors_write with another fold. Owns:
 * goss_vectors_free. */
GOSS_API GOSS_MUST_USE goss_status goss_vectors_read(const char *path, const char *fold, int most,
                                                     bool (*also)(const void *context, const char *word),
                                                     const void *context, goss_vectors **out, goss_error *err);
/* Writes a file atomically: a name that ends in .txt or .vec gets text (words alone, without n-grams), any other one
 * safetensors. Errors: GOSS_E_IO; GOSS_E_UNSUPPORTED: safetensors in a build without jansson or xxhash. */
GOSS_API GOSS_MUST_USE goss_status goss_vectors_write(const goss_vectors *v, const char *path, goss_error *err);

/* The numbers of a vector. */
GOSS_API int goss_vectors_width(const goss_vectors *v);
/* The number of words, in the order of falling frequency or of the file. */
GOSS_API int goss_vectors_count(const goss_vectors *v);
/* Word i. Borrowed. */
GOSS_API const char *goss_vectors_word(const goss_vectors *v, int i);
/* The number of the word, which must be folded; -1: it is unknown. */
GOSS_API int goss_vectors_find(const goss_vectors *v, const char *word);
/* The vector of a folded word, out [width]: its own, or for an unknown word the mean of its n-grams'. False, and zeros:
 * it has neither. */
GOSS_API bool goss_vectors_of(const goss_vectors *v, const char *word, float *out);

#ifdef __cplusplus
}
#endif
#endif
