/* SPDX-License-Identifier: Apache-2.0 */
/* method_learned.c: a learned optimiser in the inner loop: an LSTM of two layers turns each coordinate's gradient into
 * its step, with weights that all coordinates share and a state of its own for each (Andrychowicz et al. 2016,
 * "Learning to learn by gradient descent by gradient descent").
 *
 * A gradient g enters as (log |g| / p, sign g) where |g| is at least e^-p, else as (-1, e^p g), p = 10: gradients of
 * very different sizes are told apart (their appendix A). The step is .1 times a linear function of the second
 * layer's state. Steps are unrolled and differentiated, but the gradients themselves count as numbers, as in the
 * paper: no second derivatives of the network. As here tasks have few samples and few steps, the starting point is
 * learned, too (Ravi and Larochelle 2017), as MAML's is. */
#include <math.h>
#include <stdio.h>

#include "meta/method.h"
#include "nn/nn.h"

enum { UNITS = 20, INPUTS = 2, LAYERS = 2 };
static const double p = 10, scale = 0.1;

/* ---- parameters ---- */

static goss_status add(goss_layout *l, const char *name, int rows, int columns, goss_init init, goss_error *err) {
    const goss_entry e = {.name = name,
                          .rank = rows > 1 ? 2 : 1,
                          .dim = {rows > 1 ? rows : columns, columns},
                          .init = init,
                          .fan_in = rows,
                          .fan_out = columns,
                          .role = rows > 1 ? GOSS_ROLE_WEIGHT : GOSS_ROLE_BIAS,
                          .layer = -1,
                          .out_units = -1,
                          .in_units = -1};
    return goss_layout_add(l, &e, err);
}

static goss_status plan(goss_method *m, goss_error *err) {
    char name[24];
    GOSS_TRY(goss_layout_new(&m->steps, err));
    for (int i = 0; i < LAYERS; i++) {
        snprintf(name, sizeof name, "lstm%d.w", i + 1);
        GOSS_TRY(add(m->steps, name, i ? UNITS : INPUTS, 4 * UNITS, GOSS_INIT_LECUN, err));
        snprintf(name, sizeof name, "lstm%d.u", i + 1);
        GOSS_TRY(add(m->steps, name, UNITS, 4 * UNITS, GOSS_INIT_LECUN, err));
        snprintf(name, sizeof name, "lstm%d.b", i + 1);
        GOSS_TRY(add(m->steps, name, 1, 4 * UNITS, GOSS_INIT_ZEROS, err));
    }
    GOSS_TRY(add(m->steps, "step.w", UNITS, 1, GOSS_INIT_LECUN, err));
    return goss__method_param(m, "optimizer", m->steps, true, err);
}

static goss_status setup(goss_method *m, goss_error *err) {
    GOSS_TRY(goss__method_maml.setup(m, err));
    return plan(m, err);
}

/* ---- a step ---- */

static goss_val abs_of(goss_val x) { return goss_max(x, goss_neg(x)); }

/* [T,n,2] of gradients [T,n,1]. */
static goss_val seen(goss_val g) {
    goss_graph *graph = g.graph;
    const goss_val size = abs_of(g), zero = goss_const(graph, 0);
    const goss_val large = goss_shift(goss_neg(goss_less(size, goss_const(graph, exp(-p)))), 1);
    const goss_val log_size = goss_scale(goss_log(goss_max(size, goss_const(graph, exp(-p)))), 1 / p);
    const goss_val sign = goss_sub(goss_less(zero, g), goss_less(g, zero));
    const goss_val first = goss_select(large, log_size, goss_scale(goss_full(graph, goss_shape_of(g), 1), -1));
    const goss_val second = goss_select(large, sign, goss_scale(g, exp(p)));
    return goss_concat((goss_val[]){first, second}, 2, 2);
}

static goss_val gate(goss_val z, int i) { return goss_slice(z, 2, (int64_t)i * UNITS, UNITS); }

/* goss_lstm's gates, with 1 added to the forget gate; h and c [T,n,UNITS] become the next ones. */
static void cell(const goss_weights *w, int layer, goss_val x, goss_val *h, goss_val *c) {
    char name[3][24];
    for (int i = 0; i < 3; i++) snprintf(name[i], sizeof *name, "lstm%d.%c", layer + 1, "wub"[i]);
    goss_val z = goss_add(goss_matmul(x, goss_weights_get(w, name[0]), false, false),
                          goss_matmul(*h, goss_weights_get(w, name[1]), false, false));
    z = goss_add(z, goss_unsqueeze(goss_weights_get(w, name[2]), 1));
    const goss_val forget = goss_sigmoid(goss_shift(gate(z, 1), 1));
    *c = goss_add(goss_mul(forget, *c), goss_mul(goss_sigmoid(gate(z, 0)), goss_tanh(gate(z, 2))));
    *h = goss_mul(goss_sigmoid(gate(z, 3)), goss_tanh(*c));
}

void goss__learned_begin(const goss_method *m, goss_graph *g, goss__learned *l) {
    *l = (goss__learned){.weights = goss_weights_from_params(g, m->steps, "optimizer")};
}

void goss__learned_free(goss__learned *l) { goss_weights_free(l->weights); }

goss_val goss__learned_move(const goss__learned *l, goss_val g, bool first, goss_val state[GOSS__LEARNED_STATE]) {
    const goss_shape shape = goss_shape_of(g);
    goss_extent n = goss_n(1);
    for (int i = 1; i < shape.rank; i++) n = goss_extent_mul(n, shape.dim[i]);
    if (first)
        for (int i = 0; i < GOSS__LEARNED_STATE; i++)
            state[i] = goss_full(g.graph, GOSS_SHAPE(shape.dim[0], n, goss_n(UNITS)), 0);
    goss_val x = seen(goss_reshape(g, GOSS_SHAPE(shape.dim[0], n, goss_n(1))));
    for (int i = 0; i < LAYERS; i++) cell(l->weights, i, x, &state[2 * i], &state[2 * i + 1]), x = state[2 * i];
    goss_val step = goss_matmul(x, goss_weights_get(l->weights, "step.w"), false, false);
    return goss_reshape(goss_scale(step, -scale), shape);
}

/* ---- the method ---- */

static void solve(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    goss__learned l;
    goss__maml_head(m, b, s);
    goss__learned_begin(m, s->graph, &l);
    const goss__inner o = {
        .steps = fine_tune ? fine_tune : goss__method_steps(m, s->training), .learned = &l, .first_order = true};
    goss__inner_run(m, b, &o, s);
    goss__learned_free(&l);
}

const goss__method_kind goss__method_learned = {.name = "learned",
                                                .trains = true,
                                                .adapts_norm = true,
                                                .train_steps = 5,
                                                .test_steps = 5,
                                                .setup = setup,
                                                .solve = solve};
