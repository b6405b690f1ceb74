/* SPDX-License-Identifier: Apache-2.0 */
/* agent_network.c: the network of an agent: what it knows (nothing, a GRU's state, the task) and how its policy uses
 * that. One function builds L steps for training and one step for acting. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gossamer/scan.h"
#include "rl/agent.h"

#define ENCODER "encoder."

/* ---- weights ---- */

static goss_status add(goss_layout *l, const char *name, goss_init init, int64_t in, int64_t out, goss_error *err) {
    goss_entry e = {.name = name,
                    .rank = in ? 2 : 1,
                    .dim = {in ? in : out, out},
                    .init = init,
                    .fan_in = in ? in : 1,
                    .fan_out = out,
                    .role = in ? GOSS_ROLE_WEIGHT : GOSS_ROLE_BIAS,
                    .out_units = -1,
                    .in_units = -1};
    return goss_layout_add(l, &e, err);
}

/* A dense layer: NAME.w [in, out], NAME.b [out]. */
static goss_status dense(goss_layout *l, const char *name, int64_t in, int64_t out, goss_init init, goss_error *err) {
    char text[40];
    snprintf(text, sizeof text, "%s.w", name);
    GOSS_TRY(add(l, text, init, in, out, err));
    snprintf(text, sizeof text, "%s.b", name);
    return add(l, text, GOSS_INIT_ZEROS, 0, out, err);
}

/* The numbers of what is known beside the observation. */
static int known_width(const goss_agent *a) {
    return a->o.sees == GOSS_AGENT_HISTORY ? a->o.memory : goss__agent_is_told(a) ? a->known : 0;
}

static int64_t policy_numbers(const goss_agent *a) {
    return (int64_t)(a->features + 1) * a->o.units + (int64_t)(a->o.units + 1) * a->actions;
}

static goss_status policy_layout(const goss_agent *a, goss_error *err) {
    const int known = known_width(a), in = a->features + (a->o.policy == GOSS_AGENT_CONCAT ? known : 0);
    GOSS_TRY(dense(a->layout, "policy.in", in, a->o.units, GOSS_INIT_LECUN, err));
    GOSS_TRY(dense(a->layout, "policy.out", a->o.units, a->actions, GOSS_INIT_LECUN, err));
    if (a->o.policy == GOSS_AGENT_FILM) return dense(a->layout, "film", known, 2 * a->o.units, GOSS_INIT_ZEROS, err);
    if (a->o.policy != GOSS_AGENT_HYPERNET) return GOSS_OK;
    GOSS_TRY(dense(a->layout, "hyper.in", known, a->o.code, GOSS_INIT_LECUN, err));
    return add(a->layout, "hyper.out.w", GOSS_INIT_ZEROS, a->o.code, policy_numbers(a), err);
}

static goss_status encoder_layout(const goss_agent *a, goss_error *err) {
    const goss_layout *l = a->encoder ? goss_target_layout(a->encoder) : NULL;
    for (int i = 0; l && i < goss_layout_count(l); i++) {
        goss_entry e = *goss_layout_entry(l, i);
        char name[100];
        snprintf(name, sizeof name, ENCODER "%.80s", e.name);
        e.name = name, e.out_units = e.in_units = -1;
        GOSS_TRY(goss_layout_add(a->layout, &e, err));
    }
    return GOSS_OK;
}

goss_status goss__agent_layout(goss_agent *a, goss_error *err) {
    const int known = known_width(a);
    GOSS_TRY(goss_layout_new(&a->layout, err));
    GOSS_TRY(encoder_layout(a, err));
    if (a->o.sees == GOSS_AGENT_HISTORY) {
        GOSS_TRY(dense(a->layout, "memory.x", a->features + a->before, 3 * a->o.memory, GOSS_INIT_LECUN, err));
        GOSS_TRY(dense(a->layout, "memory.h", a->o.memory, 3 * a->o.memory, GOSS_INIT_LECUN, err));
    }
    GOSS_TRY(policy_layout(a, err));
    if (!a->discrete) GOSS_TRY(add(a->layout, "policy.spread", GOSS_INIT_ZEROS, 0, a->actions, err));
    GOSS_TRY(dense(a->layout, "value.in", a->features + known, a->o.units, GOSS_INIT_LECUN, err));
    return dense(a->layout, "value.out", a->o.units, 1, GOSS_INIT_LECUN, err);
}

/* Nearly equal actions at the start explore most. */
void goss__agent_initialize(goss_agent *a, uint64_t seed) {
    goss_layout_initialize(a->layout, seed, a->weights);
    const int at = goss_layout_find(a->layout, "policy.out.w");
    float *w = a->weights + goss_layout_offset(a->layout, at);
    for (int64_t i = 0; i < goss_layout_entry(a->layout, at)->numel; i++) w[i] *= 0.1f;
}

/* ---- inputs ---- */

goss__agent_inputs goss__agent_declare(const goss_agent *a, goss_graph *g, int64_t lives, int64_t steps, bool h0) {
    const goss_extent T = goss_n(lives), one = goss_n(1), L = goss_n(steps);
    goss__agent_inputs in = {
        .observation = goss_input(g, "observation", GOSS_REAL, GOSS_SHAPE(T, one, L, goss_n(a->observations)))};
    if (goss__agent_is_told(a)) in.task = goss_input(g, "task", GOSS_REAL, GOSS_SHAPE(T, one, L, goss_n(a->known)));
    if (a->o.sees != GOSS_AGENT_HISTORY) return in;
    in.before = goss_input(g, "before", GOSS_REAL, GOSS_SHAPE(T, one, L, goss_n(a->before)));
    in.fresh = goss_input(g, "fresh", GOSS_REAL, GOSS_SHAPE(T, one, L, one));
    if (h0) in.memory = goss_input(g, "memory", GOSS_REAL, GOSS_SHAPE(T, one, goss_n(a->o.memory)));
    return in;
}

/* ---- layers ---- */

typedef struct net {
    const goss_agent *a;
    goss_graph *g;
    goss_weights *w;
} net;

static goss_val weight(const net *n, const char *layer, const char *what) {
    char text[40];
    snprintf(text, sizeof text, "%s.%s", layer, what);
    return goss_weights_get(n->w, text);
}
static goss_val apply(const net *n, const char *layer, goss_val x) {
    return goss_linear(x, weight(n, layer, "w"), weight(n, layer, "b"));
}
static goss_val beside(goss_val a, goss_val b) {
    if (!b.graph) return a;
    return goss_concat((goss_val[]){a, b}, 2, goss_rank(a) - 1);
}

/* The features of observations, [G,N,L,F]. Weights that all lives share take all their steps as one batch. */
static goss_val encode(const net *n, goss_val x) {
    const goss_agent *a = n->a;
    const int *shape = a->family.kind->shape;
    if (!a->encoder) return x;
    const goss_layout *l = goss_target_layout(a->encoder);
    goss_weights *w = goss_weights_empty(n->g, l);
    for (int i = 0; i < goss_layout_count(l); i++) {
        char name[100];
        snprintf(name, sizeof name, ENCODER "%.80s", goss_layout_entry(l, i)->name);
        goss_weights_set(w, goss_layout_entry(l, i)->name, goss_weights_get(n->w, name));
    }
    const goss_extent G = goss_dim(x, 0), N = goss_dim(x, 1), L = goss_dim(x, 2);
    const bool shared = goss_dim(goss_weights_get(w, goss_layout_entry(l, 0)->name), 0).count == 1;
    const goss_extent T = shared ? goss_n(1) : G, all = goss_n((shared ? G.count : 1) * N.count * L.count);
    const goss_val batch =
        shape[0] ? goss_reshape(x, GOSS_SHAPE(T, all, goss_n(shape[0]), goss_n(shape[1]), goss_n(shape[2])))
                 : goss_reshape(x, GOSS_SHAPE(T, all, goss_n(a->observations)));
    const goss_val features = goss_target_features(a->encoder, batch, w, NULL);
    goss_weights_free(w);
    return goss_reshape(features, GOSS_SHAPE(G, N, L, goss_n(a->features)));
}

enum { RESET, KEEP, FRESH, GATES };

/* A GRU's cell (Cho et al. 2014). Each gate has products of its own: nothing is cut out of a wide one at each step, and
 * what a step adds to a product is part of it. */
typedef struct cell {
    goss_val w[GATES], bias; /* of the state: [1,H,H]; of the new content's product, [1,1,H] */
} cell;

/* A gate's columns of a layer that all gates share. */
static goss_val gate_weight(const net *n, const char *layer, int gate) {
    return goss_slice(weight(n, layer, "w"), 2, gate * n->a->o.memory, n->a->o.memory);
}
static goss_val gate_bias(const net *n, const char *layer, int gate) {
    return goss_slice(weight(n, layer, "b"), 1, gate * n->a->o.memory, n->a->o.memory);
}

static cell cell_of(const net *n) {
    cell c = {.bias = goss_unsqueeze(gate_bias(n, "memory.h", FRESH), 1)};
    for (int i = 0; i < GATES; i++) c.w[i] = gate_weight(n, "memory.h", i);
    return c;
}

/* What a gate makes of x [1,T,L,C], with the biases that are added to nothing else: [1,T,L,H]. */
static goss_val gate_input(const net *n, int gate, goss_val x) {
    goss_val bias = gate_bias(n, "memory.x", gate);
    if (gate != FRESH) bias = goss_add(bias, gate_bias(n, "memory.h", gate));
    return goss_linear(x, gate_weight(n, "memory.x", gate), bias);
}

/* The state [1,T,H] after h, x: of each gate [1,T,H]. */
static goss_val next_state(const cell *c, const goss_val x[GATES], goss_val h) {
    goss_val z[GATES];
    for (int i = 0; i < GATES; i++) z[i] = goss_matmul(h, c->w[i], false, false);
    const goss_val reset = goss_sigmoid(goss_add(z[RESET], x[RESET])), keep = goss_sigmoid(goss_add(z[KEEP], x[KEEP]));
    const goss_val fresh = goss_tanh(goss_mul_add(reset, goss_add(z[FRESH], c->bias), x[FRESH]));
    return goss_lerp(fresh, h, keep);
}

static goss_val scan_states(goss_graph *g, cell c, const goss_val x[GATES], goss_val going_on, goss_val h0,
                            goss_val *last) {
    goss_scan *s = goss_scan_begin(g, goss_dim(going_on, 2), goss_scan_defaults());
    goss_val xt[GATES];
    const goss_val carry = goss_scan_carry(s, h0), on = goss_scan_slice(s, going_on);
    for (int i = 0; i < GATES; i++) xt[i] = goss_scan_slice(s, x[i]), c.w[i] = goss_scan_const(s, c.w[i]);
    c.bias = goss_scan_const(s, c.bias);
    const goss_val next = next_state(&c, xt, goss_mul(carry, on));
    goss_scan_next(s, carry, next);
    goss_scan_emit(s, next);
    goss_scan_end(s);
    *last = goss_scan_last(s, carry);
    return goss_scan_stacked(s, next);
}

/* States [1,T,L,H], 0 wherever a life begins; *last [1,T,H]. A single step is no loop. */
static goss_val remember(const net *n, const goss__agent_inputs *in, goss_val seen, goss_val *last) {
    const goss_extent T = goss_dim(seen, 1), L = goss_dim(seen, 2), one = goss_n(1), H = goss_n(n->a->o.memory);
    const goss_val x = beside(seen, in->before), going_on = goss_shift(goss_neg(in->fresh), 1);
    const goss_val h0 = in->memory.graph ? in->memory : goss_full(n->g, GOSS_SHAPE(one, T, H), 0);
    const cell c = cell_of(n);
    goss_val of[GATES];
    for (int i = 0; i < GATES; i++) of[i] = gate_input(n, i, x);
    if (!goss_extent_equal(L, one)) return scan_states(n->g, c, of, going_on, h0, last);
    for (int i = 0; i < GATES; i++) of[i] = goss_squeeze(of[i], 2);
    *last = next_state(&c, of, goss_mul(h0, goss_squeeze(going_on, 2)));
    return goss_unsqueeze(*last, 2);
}

/* ---- policies, from x [G,N,L,F] and what is known [G,N,L,K]: [G,N,L,A] ---- */

static goss_val concat_policy(const net *n, goss_val x, goss_val known) {
    return apply(n, "policy.out", goss_tanh(apply(n, "policy.in", beside(x, known))));
}

static goss_val film_policy(const net *n, goss_val x, goss_val known) {
    const int64_t units = n->a->o.units;
    const goss_val both = apply(n, "film", known), z = apply(n, "policy.in", x);
    const goss_val scale = goss_shift(goss_slice(both, 3, 0, units), 1), shift = goss_slice(both, 3, units, units);
    return apply(n, "policy.out", goss_tanh(goss_mul_add(z, scale, shift)));
}

/* The next `in * out` numbers that are generated from the code, on top of the base's tensor: [TL,in,out], or [TL,out]
 * where in is 0. Each tensor is a product of its own, and none is cut out of a long row. */
static goss_val generated(const net *n, goss_val code, int64_t *at, const char *base, int64_t in, int64_t out) {
    const int64_t count = (in ? in : 1) * out;
    const goss_extent all = goss_n(goss_dim(code, 1).count * goss_dim(code, 2).count);
    const goss_val w = goss_slice(goss_weights_get(n->w, "hyper.out.w"), 2, *at, count);
    const goss_val b = goss_reshape(goss_weights_get(n->w, base), GOSS_SHAPE(goss_n(1), goss_n(count)));
    *at += count;
    return goss_reshape(goss_linear(code, w, b),
                        in ? GOSS_SHAPE(all, goss_n(in), goss_n(out)) : GOSS_SHAPE(all, goss_n(out)));
}

static goss_val hypernet_policy(const net *n, goss_val x, goss_val known) {
    const goss_agent *a = n->a;
    const goss_val code = goss_tanh(apply(n, "hyper.in", known));
    const goss_extent T = goss_dim(x, 1), L = goss_dim(x, 2), all = goss_n(T.count * L.count);
    const goss_val one = goss_reshape(x, GOSS_SHAPE(all, goss_n(1), goss_n(a->features)));
    int64_t at = 0;
    const goss_val w1 = generated(n, code, &at, "policy.in.w", a->features, a->o.units);
    const goss_val b1 = generated(n, code, &at, "policy.in.b", 0, a->o.units);
    const goss_val w2 = generated(n, code, &at, "policy.out.w", a->o.units, a->actions);
    const goss_val b2 = generated(n, code, &at, "policy.out.b", 0, a->actions);
    const goss_val out = goss_linear(goss_tanh(goss_linear(one, w1, b1)), w2, b2);
    return goss_reshape(out, GOSS_SHAPE(goss_n(1), T, L, goss_n(a->actions)));
}

/* ---- all of it ---- */

/* Lives with weights of their own are groups of one, G = T, N = 1; those that share them are one group, G = 1, N = T:
 * their products then are of all rows, with biases added on the way. */
static goss_val grouped(const goss_agent *a, goss_val v) {
    if (!v.graph || a->o.sees == GOSS_AGENT_GRADIENT) return v;
    return goss_rank(v) == 3 ? goss_reshape(v, GOSS_SHAPE(goss_n(1), goss_dim(v, 0), goss_dim(v, 2)))
                             : goss_reshape(v, GOSS_SHAPE(goss_n(1), goss_dim(v, 0), goss_dim(v, 2), goss_dim(v, 3)));
}

goss__agent_outputs goss__agent_apply(const goss_agent *a, goss_graph *g, const goss__agent_inputs *in,
                                      goss_weights *policy, goss_weights *values) {
    static goss_val (*const policies[])(const net *, goss_val, goss_val) = {concat_policy, film_policy,
                                                                            hypernet_policy};
    const net n = {a, g, policy}, v = {a, g, values};
    const goss_extent T = goss_dim(in->observation, 0), L = goss_dim(in->observation, 2);
    const goss__agent_inputs rows = {grouped(a, in->observation), grouped(a, in->before), grouped(a, in->fresh),
                                     grouped(a, in->memory), grouped(a, in->task)};
    goss__agent_outputs out = {0};
    const goss_val seen = encode(&n, rows.observation);
    goss_val known = rows.task, last;
    if (a->o.sees == GOSS_AGENT_HISTORY) {
        known = remember(&n, &rows, seen, &last);
        out.memory = goss_reshape(last, GOSS_SHAPE(T, goss_n(1), goss_n(a->o.memory)));
    }
    out.action = goss_reshape(policies[a->o.policy](&n, seen, known), GOSS_SHAPE(T, L, goss_n(a->actions)));
    const goss_val valued = policy == values ? seen : encode(&v, rows.observation);
    out.value = apply(&v, "value.out", goss_tanh(apply(&v, "value.in", beside(valued, known))));
    out.value = goss_reshape(out.value, GOSS_SHAPE(T, L));
    if (!a->discrete) out.spread = goss_unsqueeze(goss_weights_get(v.w, "policy.spread"), 1);
    return out;
}

goss__agent_outputs goss__agent_build(const goss_agent *a, goss_graph *g, const goss__agent_inputs *in) {
    goss_weights *w = goss_weights_from_params(g, a->layout, GOSS__AGENT);
    const goss__agent_outputs out = goss__agent_apply(a, g, in, w, w);
    goss_weights_free(w);
    return out;
}

goss_val goss__agent_log_density(const goss_agent *a, const goss__agent_outputs *out, goss_val action,
                                 goss_val *entropy) {
    action = goss_squeeze(action, 1);
    if (a->discrete) {
        const goss_val all = goss_log_softmax(out->action);
        if (entropy) *entropy = goss_neg(goss_mean_all(goss_sum(goss_mul(goss_exp(all), all), GOSS_AXIS(2), false)));
        return goss_sum(goss_mul(all, action), GOSS_AXIS(2), false);
    }
    const goss_val z = goss_mul(goss_sub(action, out->action), goss_exp(goss_neg(out->spread)));
    const double each = 0.5 * log(2 * M_PI);
    if (entropy)
        *entropy = goss_shift(goss_scale(goss_sum_all(out->spread), 1.0 / (double)goss_dim(out->spread, 0).count),
                              a->actions * (0.5 + each));
    const goss_val of = goss_add(goss_scale(goss_square(z), 0.5), goss_shift(out->spread, each));
    return goss_neg(goss_sum(of, GOSS_AXIS(2), false));
}
