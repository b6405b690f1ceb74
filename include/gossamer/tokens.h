/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.h: texts as numbers: normalisation and tokenisers.
 *
 * A tokeniser is fitted to training texts, stored with a model, and turns any text into ids. Before it splits a text it
 * folds it: differences that do not matter to a reader (upper case, full-width letters, composed accents) disappear.
 * Kinds of tokens:
 *   word  runs of letters, marks and digits (with apostrophes inside, "don't"); any other character is a token of its
 *         own. The most frequent ones have ids; others are unknown.
 *   char  characters (code points); the most frequent ones have ids.
 *   byte  the bytes of UTF-8: nothing is unknown.
 *   bpe   byte pair encoding: bytes, and pairs of tokens that were merged because they were the most frequent ones
 *         within words. Nothing is unknown. Source: Sennrich et al. 2016, "Neural machine translation of rare words
 *         with subword units".
 * word and char may have n-grams: after each token follow the ids of those runs of 2 .. ngrams tokens that end with it
 * and that have an id (the tokens `not`, `good`, `not good`). A network that takes means over ids then sees some of the
 * order. Source: Wang and Manning 2012, "Baselines and bigrams: simple, good sentiment and topic classification";
 * Joulin et al. 2017, "Bag of tricks for efficient text classification".
 * Id 0 is padding and never a token; id 1 is an unknown token. An `embedding` layer needs goss_tokens_count rows.
 *
 *     goss_token_options o = goss_token_options_defaults();
 *     GOSS_TRY(goss_tokens_fit(texts, n, &o, &tokens, err));
 *     GOSS_TRY(goss_tokens_ids(tokens, "How much is it?", ids, 64, &count, err));
 *
 * Unicode's properties come from utf8proc. A build without it handles ASCII texts, and any bytes where kind is byte and
 * fold is none; it refuses other texts with GOSS_E_UNSUPPORTED instead of splitting them differently.
 * Threads: a fitted tokeniser may be used by any number of threads. */
#ifndef GOSSAMER_TOKENS_H
#define GOSSAMER_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GOSS_NGRAMS_MOST = 5 };
/* How texts are split; defaults in brackets. */
typedef struct goss_token_options {
    const char *kind; /* word, char, byte or bpe (word) */
    /* case: NFKC with case folding, without default-ignorable code points (case); nfkc: NFKC alone; none: as it is.
     * Source: Unicode Standard Annex 15. */
    const char *fold;
    int vocabulary; /* ids at most, with the two reserved ones; byte has 258 (10000) */
    int least;      /* word, char: occurrences in the training texts that a token needs to have an id (2) */
    int ngrams;     /* word, char: the n of the longest n-grams that have ids of their own; 0 and 1: none have (1) */
} goss_token_options;
/* The defaults. */
GOSS_API goss_token_options goss_token_options_defaults(void);

/* A fitted tokeniser. Immutable. */
typedef struct goss_tokens goss_tokens;

/* Fits a tokeniser to texts [n], as a pure function of them: ties are broken by bytes. Errors: GOSS_E_ARGUMENT: an
 * unknown kind or fold (with the known ones), a vocabulary that is too small, n-grams of bytes or bpe or of more than
 * GOSS_NGRAMS_MOST tokens, texts without a token, or with none that occurs `least` times; GOSS_E_FORMAT: a text that is
 * not UTF-8, with its number from 1; GOSS_E_UNSUPPORTED: a build without utf8proc. Owns: goss_tokens_free. */
GOSS_API GOSS_MUST_USE goss_status goss_tokens_fit(const char *const *texts, int n, const goss_token_options *options,
                                                   goss_tokens **out, goss_error *err);
/* Frees a tokeniser; NULL is allowed. */
GOSS_API void goss_tokens_free(goss_tokens *t);
/* The number of ids: each is below it. */
GOSS_API int goss_tokens_count(const goss_tokens *t);
/* Its kind. Static storage. */
GOSS_API const char *goss_tokens_kind(const goss_tokens *t);
/* The n of the longest n-grams that have ids; 1: none have, ids are the tokens in their order. */
GOSS_API int goss_tokens_ngrams(const goss_tokens *t);
/* The bytes of a token, NUL-terminated, in out [size], truncated if it does not fit; "" for padding and the unknown
 * one. */
GOSS_API void goss_tokens_name(const goss_tokens *t, int id, char *out, size_t size);
/* The ids of a text: the first `most` of them in ids, the number of all in *n, which may be larger, or 0 for a text
 * without a token. Errors: GOSS_E_FORMAT: not UTF-8; GOSS_E_UNSUPPORTED: as above; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_tokens_ids(const goss_tokens *t, const char *text, int32_t *ids, int most,
                                                   int *n, goss_error *err);
/* The tokeniser as text, for a model file. Errors: GOSS_E_NOMEM. Owns: goss_text_free (text.h). */
GOSS_API GOSS_MUST_USE goss_status goss_tokens_text(const goss_tokens *t, char **text, goss_error *err);
/* The tokeniser from that text. Errors: GOSS_E_FORMAT; GOSS_E_UNSUPPORTED: a build without jansson.
 * Owns: goss_tokens_free. */
GOSS_API GOSS_MUST_USE goss_status goss_tokens_parse(const char *text, goss_tokens **out, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
