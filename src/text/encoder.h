/* SPDX-License-Identifier: Apache-2.0 */
/* encoder.h: a text as the numbers that a network sees, fitted to training texts and stored with a model. */
#ifndef GOSS_TEXT_ENCODER_H
#define GOSS_TEXT_ENCODER_H

#include "base/str.h"
#include "gossamer/table.h"
#include "gossamer/tokens.h"

typedef struct goss__text_encoder goss__text_encoder;

/* texts [n] of training. Errors: those of tokens.h and vectors.h, with the key; GOSS_E_ARGUMENT: options that do not go
 * together. Owns: goss__text_encoder_free. */
GOSS_MUST_USE goss_status goss__text_encoder_fit(const char *const *texts, int n, const goss_text_options *o,
                                                 goss__text_encoder **out, goss_error *err);
void goss__text_encoder_free(goss__text_encoder *e); /* NULL allowed */
/* Steps x channels are its numbers; steps are 0 where a text is one vector. */
goss_text_shape goss__text_encoder_shape(const goss__text_encoder *e);
/* The numbers of a text in out, zeros where it is shorter, and its length, 1 .. steps (0 for one vector). *cut: it has
 * more tokens. Errors: those of folding; GOSS_E_NOMEM. */
GOSS_MUST_USE goss_status goss__text_encoder_apply(const goss__text_encoder *e, const char *text, float *out,
                                                   int *length, bool *cut, goss_error *err);
/* The name of a token (goss_tokens_name); an empty one where texts are no ids. */
void goss__text_encoder_token(const goss__text_encoder *e, int id, char *out, size_t size);
/* NULL: texts are no ids. */
const goss_tokens *goss__text_encoder_tokens(const goss__text_encoder *e);
/* As JSON, added to s, whose `failed` tells of errors. */
void goss__text_encoder_add(const goss__text_encoder *e, goss__str *s);
/* From that JSON. Errors: GOSS_E_FORMAT, GOSS_E_UNSUPPORTED, GOSS_E_NOMEM. */
GOSS_MUST_USE goss_status goss__text_encoder_parse(const char *json, goss__text_encoder **out, goss_error *err);
#endif
