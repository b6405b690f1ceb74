/* SPDX-License-Identifier: Apache-2.0 */
/* language.h: what a language model (objective "language") says: the probability of each token of a text, and texts
 * that it continues. Its network reads ids of tokens, [steps, 1]: 0 where a text begins, then each token; and
 * answers at each step with the probabilities of the next one.
 *
 * Threads: any. */
#ifndef GOSSAMER_LANGUAGE_H
#define GOSSAMER_LANGUAGE_H

#include "gossamer/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a text goes on; defaults in brackets. */
typedef struct goss_continue_options {
    int tokens;         /* how many more, at least 1 (200) */
    double temperature; /* probabilities to the power of 1 / temperature, scaled to sum 1; 0: the most likely one (1) */
    uint64_t seed;      /* of the draws (1) */
} goss_continue_options;
/* The defaults. */
GOSS_API goss_continue_options goss_continue_defaults(void);

/* Draws tokens that follow the text ids [n] (which may be empty), one by one, each seen by the next; of a long text
 * the network sees the last `steps` tokens. Padding and unknown ones are never drawn. Shapes: out
 * [options->tokens]. threads: NULL: created for the call. Errors: GOSS_E_ARGUMENT: a network of another objective,
 * an id out of range, a negative temperature; GOSS_E_NUMERIC. */
GOSS_API GOSS_MUST_USE goss_status goss_network_continue(const goss_network *n, const int32_t *ids, int count,
                                                         const goss_continue_options *options, int32_t *out,
                                                         goss_threads *threads, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
