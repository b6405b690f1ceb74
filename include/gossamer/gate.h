/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h: gates: numbers from 0 to 1 that are learned as logits, and say how much of a thing is used, or which one.
 *
 *   sigmoid        g = s(l / tau): each by itself
 *   softmax        g = softmax(l / tau) over the last axis: shares that add up to 1
 *   gumbel         g = softmax((l + G) / tau), G = -log(-log u) standard Gumbel noise: a sample of one of K that a
 *                  gradient goes through (Jang et al. 2017, Maddison et al. 2017); without noise the softmax
 *   hard_concrete  g = min(1, max(0, (zeta - gamma) s((l + log u - log(1 - u)) / tau) + gamma)), gamma = -0.1,
 *                  zeta = 1.1: each by itself, exactly 0 or 1 with a probability above 0 (Louizos et al. 2018); without
 *                  noise min(1, max(0, (zeta - gamma) s(l) + gamma)), as in that paper's evaluation
 *
 * s is the sigmoid. `hard` rounds what comes out, and passes the gradient of what was rounded (straight-through, Bengio
 * et al. 2013): softmax and gumbel become 1 for the largest (the first of equal ones) and 0 for the others, sigmoid and
 * hard_concrete 1 where they are above 1/2. Noise is counter-based (graph.h): it depends on seed, step, scope, task and
 * place alone. Errors are the graph's. Threads: the graph's. */
#ifndef GOSSAMER_GATE_H
#define GOSSAMER_GATE_H

#include "gossamer/compose.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum goss_gate_kind {
    GOSS_GATE_SIGMOID,
    GOSS_GATE_SOFTMAX,
    GOSS_GATE_GUMBEL,
    GOSS_GATE_HARD_CONCRETE
} goss_gate_kind;

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
GOSS_API const char *goss_gate_kind_name(goss_gate_kind kind);

/* Gates of logits [T, ..., K]: the same shape. noise: index [T], ids of the tasks' random streams; GOSS_NONE: without
 * noise, which is how what was learned is applied. Kinds without noise ignore it.
 * Errors: GOSS_E_ARGUMENT for a temperature that is not positive; GOSS_E_SHAPE for logits of rank below 2. */
GOSS_API goss_val goss_gate(goss_val logits, const goss_gate_options *options, goss_val noise);
/* How far gates are open on average, of the logits' shape, as the sparsity penalty counts them: the probability that a
 * hard concrete gate is not 0, s(l - tau log(-gamma / zeta)); of the other kinds the gate without noise, not rounded.
 * */
GOSS_API goss_val goss_gate_open(goss_val logits, const goss_gate_options *options);

#ifdef __cplusplus
}
#endif
#endif
