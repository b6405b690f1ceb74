/* SPDX-License-Identifier: Apache-2.0 */
/* fold.h: normal forms of texts, and texts as words. */
#ifndef GOSS_TEXT_FOLD_H
#define GOSS_TEXT_FOLD_H

#include "base/str.h"

typedef enum goss__fold { GOSS__FOLD_CASE, GOSS__FOLD_NFKC, GOSS__FOLD_NONE } goss__fold;

/* By the names of goss_token_options. Errors: GOSS_E_ARGUMENT. */
GOSS_MUST_USE goss_status goss__fold_find(const char *name, goss__fold *out, goss_error *err);
const char *goss__fold_name(goss__fold fold);
/* The folded text in *out, whose former content is dropped. any: with GOSS__FOLD_NONE bytes that are not UTF-8 pass.
 * Errors: GOSS_E_FORMAT: not UTF-8; GOSS_E_UNSUPPORTED; GOSS_E_NOMEM. */
GOSS_MUST_USE goss_status goss__fold_text(goss__fold fold, bool any, const char *text, goss__str *out, goss_error *err);

/* A part of a folded text, borrowed from it. */
typedef struct goss__piece {
    const char *text;
    size_t size;
    bool spaced; /* blanks precede it */
} goss__piece;

/* The next word, or character that is in none, from *at on, which moves behind it; false at the end. */
bool goss__next_word(const char **at, goss__piece *out);
/* The next character. */
bool goss__next_char(const char **at, goss__piece *out);
#endif
