/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_text.h: what the text of a tokeniser needs of the table of kinds. */
#ifndef GOSS_TEXT_TOKENS_TEXT_H
#define GOSS_TEXT_TOKENS_TEXT_H

#include "text/tokens.h"

/* Errors: GOSS_E_ARGUMENT. */
GOSS_MUST_USE goss_status goss__token_kind_find(const char *name, const goss__token_kind **out, goss_error *err);
/* Whether its kind has n-grams as long as its own. Errors: GOSS_E_ARGUMENT. */
GOSS_MUST_USE goss_status goss__tokens_check_ngrams(const goss_tokens *t, goss_error *err);
bool goss__token_kind_merges(const goss__token_kind *k);
#endif
