/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h: gates: numbers from 0 to 1, learned as logits, that say how much of something is used, or which one.
 *
 *   sigmoid        g = s(l / tau): independent
 *   softmax        g = softmax(l / tau) over the last axis: shares that sum to 1
 *   gumbel         g = softmax((l + G) / tau), G = -log(-log u) standard Gumbel noise: a differentiable sample of one
 *                  of K (Jang et al. 2017, Maddison et al. 2017); without noise the softmax
 *   hard_concrete  g = min(1, max(0, (zeta - gamma) s((l + log u - log(1 - u)) / tau) + gamma)), gamma = -0.1,
 *                  zeta = 1.1: independent, exactly 0 or 1 with positive probability (Louizos et al. 2018); without
 *                  noise min(1, max(0, (zeta - gamma) s(l) + gamma)), as in that paper's evaluation
 *
 * s is the sigmoid. `hard` rounds the gates, with the gradient of the unrounded ones (straight-through estimator,
 * Bengio et al. 2013): softmax and gumbel become 1 for the largest (the first of equal ones) and 0 for the others,
 * sigmoid and hard_concrete 1 if they are above 1/2. Noise is counter based (graph.h): it depends on seed, step, scope,
 * task and element alone. Errors are the graph's. Threads: the graph's.
 *
 *     goss_gate_options o = goss_gate_defaults(GOSS_GATE_HARD_CONCRETE);
 *     goss_val open = goss_gate(logits, &o, batch.task);                       // with noise, to train
 *     goss_val sparsity = goss_sum_all(goss_gate_open(logits, &o));            // its expectation, for the penalty */
#ifndef GOSSAMER_GATE_H
#define GOSSAMER_GATE_H

#include "gossamer/compose.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The kinds, as above. */
typedef enum goss_gate_kind {
    GOSS_GATE_SIGMOID,      /* independent, in (0, 1) */
    GOSS_GATE_SOFTMAX,      /* shares */
    GOSS_GATE_GUMBEL,       /* a relaxed one-of-K sample */
    GOSS_GATE_HARD_CONCRETE /* independent, in [0, 1], for L0 sparsity */
} goss_gate_kind;

/* How logits become gates. */
typedef struct goss_gate_options {
    goss_gate_kind kind;
    double temperature; /* tau, above 0 */
    goss_val heat;      /* rank 0, above 0: multiplies tau at each run, for annealing; GOSS_NONE: 1 */
    bool hard;          /* rounded, straight-through (false) */
} goss_gate_options;
/* Temperature 1; of hard_concrete 2/3, as in its paper. */
GOSS_API goss_gate_options goss_gate_defaults(goss_gate_kind kind);
/* By name: "sigmoid", "softmax", "gumbel", "hard_concrete". Errors: GOSS_E_ARGUMENT lists them. */
GOSS_API GOSS_MUST_USE goss_status goss_gate_kind_parse(const char *word, goss_gate_kind *out, goss_error *err);
/* The name of a kind. Static storage. */
GOSS_API const char *goss_gate_kind_name(goss_gate_kind kind);

/* Gates of logits [T, ..., K], of the same shape. noise: index [T], ids of the tasks' random streams; GOSS_NONE:
 * without noise, for applying learned gates. Kinds without noise ignore it. Errors: sticky; GOSS_E_ARGUMENT: a
 * temperature that is not positive; GOSS_E_SHAPE: logits of rank below 2. */
GOSS_API goss_val goss_gate(goss_val logits, const goss_gate_options *options, goss_val noise);
/* The expected openness of gates, of the logits' shape, for a sparsity penalty: the probability that a hard concrete
 * gate is not 0, s(l - tau log(-gamma / zeta)); for other kinds the gate without noise and rounding. */
GOSS_API goss_val goss_gate_open(goss_val logits, const goss_gate_options *options);

#ifdef __cplusplus
}
#endif
#endif
