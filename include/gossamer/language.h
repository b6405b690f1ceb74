/* SPDX-License-Identifier: Apache-2.0 */
/* language.h: what a language model (objective "language") says: the probability of each token of a text, and texts
 * that it continues. Its network reads ids of tokens, [steps, 1]: 0 where a text begins, then each token; and
 * answers at each step with the probabilities of the next one (goss_network_predict: [count, steps, tokens]). Tokens
 * are those of the model's data (tokens.h); ids 0 and 1 are padding and the unknown token.
 *
 *     goss_continue_options o = goss_continue_defaults();
 *     o.tokens = 100, o.temperature = .7;
 *     int32_t more[100];
 *     GOSS_TRY(goss_network_continue(network, ids, n, &o, more, NULL, err));
 *
 * Threads: any; a network may be shared. */
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
/* The defaults in brackets. */
GOSS_API goss_continue_options goss_continue_defaults(void);

/* Draws tokens that follow the text ids [count] (count 0: none yet, ids may be NULL), one by one: token t is drawn with
 *
 *     P(t) = p_t^(1 / temperature) / sum over u of p_u^(1 / temperature)
 *
 * where p are the network's probabilities after all tokens so far, those drawn among them; of a text longer than the
 * network's steps it sees the end. Padding and the unknown token are never drawn. A pure function of (network, ids,
 * options), for any number of threads. Each token is a prediction of the whole window.
 * Shapes: out [options->tokens], written on success alone. options: NULL: the defaults. threads: NULL: created for the
 * call. Errors: GOSS_E_ARGUMENT: a network of another objective, an id out of range, no tokens, a negative temperature;
 * GOSS_E_NUMERIC: probabilities that are not finite; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_network_continue(const goss_network *n, const int32_t *ids, int count,
                                                         const goss_continue_options *options, int32_t *out,
                                                         goss_threads *threads, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
