/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.h: tokenisers inside: what kinds of them have in common. */
#ifndef GOSS_TEXT_TOKENS_H
#define GOSS_TEXT_TOKENS_H

#include "gossamer/tokens.h"
#include "text/word_counts.h"
#include "text/fold.h"

enum { GOSS__TOKEN_PADDING, GOSS__TOKEN_UNKNOWN, GOSS__TOKEN_FIRST, GOSS__TOKEN_BYTES = GOSS__TOKEN_FIRST + 256 };

/* Ids as they are found: the first `most` are kept, all are counted. */
typedef struct goss__ids {
    int32_t *id;
    int most, n;
} goss__ids;
static inline void goss__ids_add(goss__ids *s, int32_t id) {
    if (s->n < s->most) s->id[s->n] = id;
    s->n++;
}

typedef struct goss__merges goss__merges;

/* A row of the table of kinds. */
typedef struct goss__token_kind {
    const char *name;
    bool any; /* bytes that are not UTF-8 are tokens, too */
    /* What of a folded text is counted; NULL: nothing is. */
    bool (*next)(const char **at, goss__piece *out);
    /* From the counts of all pieces, which it may take. */
    goss_status (*fit)(goss_tokens *t, goss__counts *counts, const goss_token_options *o, goss_error *err);
    goss_status (*ids)(const goss_tokens *t, const char *folded, goss__ids *out, goss_error *err);
} goss__token_kind;

struct goss_tokens {
    const goss__token_kind *kind;
    goss__fold fold;
    goss__counts words; /* word, char: id - GOSS__TOKEN_FIRST */
    goss__merges *merges;
    int count;
    int ngrams; /* 1: none */
};

/* ---- bpe.c ---- */
/* Up to `most` merges from the counts of words; those that are preceded by blanks begin with one. Errors:
 * GOSS_E_NOMEM. Owns: goss__merges_free. */
GOSS_MUST_USE goss_status goss__merges_fit(const goss__counts *words, int most, goss__merges **out, goss_error *err);
/* From pairs [2 n] of symbols: bytes are 0 .. 255, merge i is 256 + i. Errors: GOSS_E_FORMAT: a symbol that is not
 * there yet, a pair twice. */
GOSS_MUST_USE goss_status goss__merges_from(const int32_t *pairs, int n, goss__merges **out, goss_error *err);
void goss__merges_free(goss__merges *m); /* NULL allowed */
int goss__merges_count(const goss__merges *m);
const int32_t *goss__merges_pairs(const goss__merges *m);
/* The symbols of a word, added as ids. Errors: GOSS_E_NOMEM. */
GOSS_MUST_USE goss_status goss__merges_apply(const goss__merges *m, const goss__piece *word, goss__ids *out,
                                             goss_error *err);
/* The bytes of a symbol into out [size], as many as fit; how many these are. */
size_t goss__merges_bytes(const goss__merges *m, int32_t symbol, char *out, size_t size);
#endif
