/* SPDX-License-Identifier: Apache-2.0 */
/* encoder_parts.h: an encoder of texts inside. */
#ifndef GOSS_TEXT_ENCODER_PARTS_H
#define GOSS_TEXT_ENCODER_PARTS_H

#include "text/encoder.h"
#include "text/fold.h"
#include "text/tokens.h"
#include "text/vectors.h"

typedef enum goss__text_as { GOSS__TEXT_IDS, GOSS__TEXT_VECTORS, GOSS__TEXT_MEAN, GOSS__TEXT_BAG } goss__text_as;

/* What a bag of words and n-grams knows of the training texts; numbers are rounded to bfloat16. */
typedef struct goss__bag {
    int buckets;
    goss__fold fold;
    goss__counts words; /* with the number of texts that have each */
    float *weight;      /* [words] */
    float unknown;      /* weight of any other word */
    float *centre;      /* [width of the vectors] mean of the texts' means; NULL: there are no vectors */
} goss__bag;

struct goss__text_encoder {
    goss__text_as as;
    int length;            /* tokens of a text at most */
    goss_tokens *tokens;   /* of ids; else NULL */
    goss_vectors *vectors; /* of the others; numbers are rounded to bfloat16, as a model stores them */
    float *weight;         /* [words of the vectors] of a word in a mean */
    goss__bag bag;
};

/* ---- encoder_bag.c ---- */
/* The vectors, where there are some, are e's already. */
GOSS_MUST_USE goss_status goss__bag_fit(goss__text_encoder *e, const char *const *texts, int n,
                                        const goss_text_options *o, goss_error *err);
void goss__bag_free(goss__bag *b);
/* The numbers of a text: buckets, then those of the mean. */
GOSS_MUST_USE goss_status goss__bag_apply(const goss__text_encoder *e, const char *text, float *out, goss_error *err);

/* ---- encoder.c ---- */
/* To that length, unless it is 0. */
void goss__scale_to(float *x, int n, double length);
void goss__round_all(float *x, size_t n); /* to bfloat16 */

const char *goss__text_as_name(goss__text_as as);
/* Errors: GOSS_E_ARGUMENT. */
GOSS_MUST_USE goss_status goss__text_as_find(const char *name, goss__text_as *out, goss_error *err);
#endif
