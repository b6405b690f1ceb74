/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c: gates of logits as compositions of primitives: what noise does to them, what makes 0 .. 1 of them, rounding
 * that a gradient goes through. */
#include "gossamer/gate.h"

#include <math.h>
#include <string.h>

static const double gamma_ = -0.1, zeta = 1.1; /* Louizos et al. 2018 */

static const char *const names[] = {[GOSS_GATE_SIGMOID] = "sigmoid",
                                    [GOSS_GATE_SOFTMAX] = "softmax",
                                    [GOSS_GATE_GUMBEL] = "gumbel",
                                    [GOSS_GATE_HARD_CONCRETE] = "hard_concrete"};
enum { KINDS = sizeof names / sizeof *names };

goss_gate_options goss_gate_defaults(goss_gate_kind kind) {
    return (goss_gate_options){.kind = kind, .temperature = kind == GOSS_GATE_HARD_CONCRETE ? 2.0 / 3 : 1};
}

const char *goss_gate_kind_name(goss_gate_kind kind) { return names[kind]; }

goss_status goss_gate_kind_parse(const char *word, goss_gate_kind *out, goss_error *err) {
    for (int i = 0; i < KINDS; i++)
        if (strcmp(word, names[i]) == 0) {
            *out = (goss_gate_kind)i;
            return GOSS_OK;
        }
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "\"%.40s\" is no kind of gate; there are sigmoid, softmax, gumbel, hard_concrete", word);
}

/* ---- noise ---- */

/* Uniform numbers whose logarithms, and those of what is left to 1, are finite in single precision. */
static goss_val uniform(goss_val like, goss_val noise) {
    const double margin = 1e-6;
    return goss_shift(goss_scale(goss_random_uniform(noise, goss_shape_of(like)), 1 - 2 * margin), margin);
}

static goss_val gumbel(goss_val logits, goss_val noise) {
    return goss_sub(logits, goss_log(goss_neg(goss_log(uniform(logits, noise)))));
}

static goss_val logistic(goss_val logits, goss_val noise) {
    goss_val u = uniform(logits, noise), rest = goss_shift(goss_neg(u), 1);
    return goss_add(logits, goss_sub(goss_log(u), goss_log(rest)));
}

/* ---- from logits to 0 .. 1 ---- */

static goss_val stretched(goss_val s) {
    goss_graph *g = s.graph;
    goss_val wide = goss_shift(goss_scale(s, zeta - gamma_), gamma_);
    return goss_min(goss_max(wide, goss_const(g, 0)), goss_const(g, 1));
}

/* v / tau */
static goss_val cooled(goss_val v, const goss_gate_options *o) {
    v = goss_scale(v, 1 / o->temperature);
    return goss_valid(o->heat) ? goss_div(v, o->heat) : v;
}

static goss_val soft(goss_val logits, const goss_gate_options *o, goss_val noise) {
    const bool noisy = goss_valid(noise);
    switch (o->kind) {
    case GOSS_GATE_SIGMOID:
        return goss_sigmoid(cooled(logits, o));
    case GOSS_GATE_SOFTMAX:
        return goss_softmax(cooled(logits, o));
    case GOSS_GATE_GUMBEL:
        return goss_softmax(cooled(noisy ? gumbel(logits, noise) : logits, o));
    case GOSS_GATE_HARD_CONCRETE:
        return stretched(goss_sigmoid(noisy ? cooled(logistic(logits, noise), o) : logits));
    }
    return logits;
}

/* ---- rounding ---- */

/* 0, 1, 2, ... along the last axis of a value, [1, ..., K]. */
static goss_val places(goss_val of) {
    goss_val part[64];
    const int64_t n = goss_dim(of, -1).count;
    if (goss_dim(of, -1).symbols || n > 64)
        return goss_graph_fail(of.graph, GOSS_E_SHAPE, "gates: one of %lld is chosen; at most 64 are possible",
                               (long long)n);
    goss_shape s = {.rank = goss_rank(of)};
    for (int i = 0; i < s.rank; i++) s.dim[i] = goss_n(1);
    for (int64_t i = 0; i < n; i++) part[i] = goss_full(of.graph, s, (double)i);
    return goss_concat(part, (int)n, s.rank - 1);
}

/* 1 for the first of the largest, else 0. */
static goss_val largest(goss_val g) {
    const uint32_t last = GOSS_AXIS(goss_rank(g) - 1);
    goss_val place = places(g);
    if (!goss_valid(place)) return place;
    const double n = (double)goss_dim(g, -1).count;
    goss_val below = goss_less(g, goss_reduce_max(g, last, true));
    goss_val at = goss_select(below, goss_const(g.graph, n), goss_broadcast(place, goss_shape_of(g)));
    goss_val first = goss_neg(goss_reduce_max(goss_neg(at), last, true));
    return goss_less(at, goss_shift(first, 0.5));
}

static goss_val rounded(goss_val g, goss_gate_kind kind) {
    const bool one_of = kind == GOSS_GATE_SOFTMAX || kind == GOSS_GATE_GUMBEL;
    goss_val r = one_of ? largest(g) : goss_less(goss_const(g.graph, 0.5), g);
    return goss_add(g, goss_detach(goss_sub(r, g)));
}

/* ---- gates ---- */

static goss_val check(goss_val logits, const goss_gate_options *o) {
    if (!goss_valid(logits)) return logits;
    if (!(o->temperature > 0))
        return goss_graph_fail(logits.graph, GOSS_E_ARGUMENT, "gates: temperature %g is not positive", o->temperature);
    if (goss_rank(logits) < 2)
        return goss_graph_fail(logits.graph, GOSS_E_SHAPE, "gates: logits are [T, ..., K]; these have rank %d",
                               goss_rank(logits));
    return logits;
}

goss_val goss_gate(goss_val logits, const goss_gate_options *options, goss_val noise) {
    logits = check(logits, options);
    if (!goss_valid(logits)) return logits;
    goss_val g = soft(logits, options, noise);
    return options->hard && goss_valid(g) ? rounded(g, options->kind) : g;
}

goss_val goss_gate_open(goss_val logits, const goss_gate_options *options) {
    logits = check(logits, options);
    if (!goss_valid(logits)) return logits;
    if (options->kind != GOSS_GATE_HARD_CONCRETE) return soft(logits, options, GOSS_NONE);
    goss_val shift = goss_const(logits.graph, -options->temperature * log(-gamma_ / zeta));
    return goss_sigmoid(goss_add(logits, goss_valid(options->heat) ? goss_mul(shift, options->heat) : shift));
}
