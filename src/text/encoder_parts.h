/* SPDX-License-Identifier: Apache-2.0 */
/* encoder_parts.h: an encoder of texts inside. */
#ifndef GOSS_TEXT_ENCODER_PARTS_H
#define GOSS_TEXT_ENCODER_PARTS_H

#include "text/encoder.h"
#include "text/tokens.h"
#include "text/vectors.h"

typedef enum goss__text_as { GOSS__TEXT_IDS, GOSS__TEXT_VECTORS, GOSS__TEXT_MEAN } goss__text_as;

struct goss__text_encoder {
    goss__text_as as;
    int length;            /* tokens of a text at most */
    goss_tokens *tokens;   /* of ids; else NULL */
    goss_vectors *vectors; /* of the others; numbers are rounded to bfloat16, as a model stores them */
    float *weight;         /* [words of the vectors] of a word in a mean */
};

const char *goss__text_as_name(goss__text_as as);
/* Errors: GOSS_E_ARGUMENT. */
GOSS_MUST_USE goss_status goss__text_as_find(const char *name, goss__text_as *out, goss_error *err);
#endif
