/* SPDX-License-Identifier: Apache-2.0 */
/* ngrams.h: the n-grams that end with the present token (runs of n adjacent tokens). */
#ifndef GOSS_TEXT_NGRAMS_H
#define GOSS_TEXT_NGRAMS_H

#include "gossamer/tokens.h"
#include "text/fold.h"

/* Made of `most` and `gap` alone. The tokens of a text are joined, so that a run is a part of that. */
typedef struct goss__ngrams {
    int most;        /* tokens of a run */
    const char *gap; /* between two tokens of a run */
    goss__str joined;
    size_t start[GOSS_NGRAMS_MOST]; /* of token i in joined: start[i % GOSS_NGRAMS_MOST] */
    int n;                          /* tokens so far */
} goss__ngrams;

/* Appends a token. False: out of memory. */
static inline bool goss__ngrams_push(goss__ngrams *r, const goss__piece *p) {
    if (r->n) goss__str_add(&r->joined, r->gap);
    r->start[r->n++ % GOSS_NGRAMS_MOST] = r->joined.size;
    goss__str_addn(&r->joined, p->text, p->size);
    return !r->joined.failed;
}

/* The last n <= most tokens, borrowed until the next push; false: there are fewer, or n is more than most. */
static inline bool goss__ngrams_last(const goss__ngrams *r, int n, goss__piece *out) {
    if (n > r->most || n > r->n) return false;
    const size_t start = r->start[(r->n - n) % GOSS_NGRAMS_MOST];
    *out = (goss__piece){.text = r->joined.data + start, .size = r->joined.size - start};
    return true;
}

/* Before another text. */
static inline void goss__ngrams_clear(goss__ngrams *r) { r->n = 0, r->joined.size = 0; }
static inline void goss__ngrams_free(goss__ngrams *r) { goss__str_free(&r->joined); }
#endif
