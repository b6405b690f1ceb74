/* SPDX-License-Identifier: Apache-2.0 */
/* optimizer.c: SGD, Adam and AdamW as nodes.
 *
 * Dense parameters and row-sparse tables share all formulas: a *part* is the region of a tensor that a step updates,
 * either all of it or the gathered rows, stored by assign or assign_rows. This file only builds nodes; the schedule
 * fuses the elementwise chains. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gossamer/optimizer.h"
#include "graph/node.h"

#define NAME_SIZE 256
/* Upper bound of the squared gradient norm: the largest float is 3.4e38. NaN fails the comparison too. */
#define FINITE_LIMIT 3e38

goss_optimizer_options goss_optimizer_defaults(void) {
    return (goss_optimizer_options){.kind = GOSS_ADAMW, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
}

/* One build. */
typedef struct step {
    goss_graph *g;
    const goss_optimizer_options *o;
    goss_val rate;
    goss_val clip;    /* multiplies gradients; GOSS_NONE: off */
    goss_val applied; /* 1 or 0; with 0 gradients and rates are 0, which leaves parameters and state as they are */
    goss_val count;   /* of applied steps with this one */
    goss_optimizer_result *out;
} step;

/* One parameter in a build. */
typedef struct part {
    const goss_optimizer_param *p;
    const char *name;
    goss_val old, g; /* the updated part of the parameter, and its gradient */
    goss_val t;      /* number of this step, for these elements */
} part;

static bool given(goss_val v) { return v.graph != NULL; }

static void push(step *s, goss_val update) { s->out->updates[s->out->n_updates++] = update; }

/* ---- state: dense or by rows ---- */

static goss_val state_param(const step *s, const part *a, const char *prefix, goss_shape shape) {
    char name[NAME_SIZE];
    if (snprintf(name, sizeof name, "%s.%s", prefix, a->name) >= (int)sizeof name)
        return goss_graph_fail(s->g, GOSS_E_ARGUMENT, "optimizer: the parameter name %.40s... is too long", a->name);
    return goss_param(s->g, name, shape);
}

static goss_val load(const part *a, goss_val tensor) {
    return given(a->p->rows) ? goss_gather(tensor, a->p->rows) : tensor;
}

static void store(step *s, const part *a, goss_val tensor, goss_val value) {
    push(s, given(a->p->rows) ? goss_assign_rows(tensor, a->p->rows, value) : goss_assign(tensor, value));
}

/* Each row has its own step count: bias correction of a row starts when it is first gathered. */
static goss_val part_count(step *s, const part *a) {
    if (!given(a->p->rows)) return s->count;
    goss_val counts = state_param(s, a, "optimizer.t", GOSS_SHAPE(goss_dim(a->p->param, 0), goss_n(1)));
    goss_val old = load(a, counts);
    store(s, a, counts, goss_add(old, s->applied));
    return goss_shift(old, 1);
}

/* ---- formulas ---- */

/* Exponential moving average: state <- decay state + (1 - decay) x. */
static goss_val average(step *s, const part *a, const char *prefix, goss_val x, double decay) {
    goss_val state = state_param(s, a, prefix, goss_shape_of(a->p->param));
    goss_val now = goss_lerp(load(a, state), x, goss_scale(s->applied, 1 - decay));
    store(s, a, state, now);
    return now;
}

/* 1 - beta^t = tanh(x / 2) (1 + exp(-x)) with x = -t log(beta): in f32 the plain form would lose all but three digits
 * of it at the first steps. */
static goss_val correction(goss_val t, double beta) {
    if (beta == 0) return goss_const(t.graph, 1);
    goss_val x = goss_scale(t, -log(beta));
    return goss_mul(goss_tanh(goss_scale(x, 0.5)), goss_shift(goss_exp(goss_neg(x)), 1));
}

/* With both corrections c1 and c2, (m / c1) / (sqrt(v / c2) + eps) = sqrt(c2) / c1 * m / (sqrt(v) + sqrt(c2) eps): they
 * are one number for all, and an element is divided once. */
static goss_val adam_direction(step *s, const part *a, goss_val g, goss_val *scale) {
    goss_val m = average(s, a, "adam.m", g, s->o->beta1);
    goss_val v = average(s, a, "adam.v", goss_square(g), s->o->beta2);
    goss_val root = goss_sqrt(correction(a->t, s->o->beta2));
    *scale = goss_div(root, correction(a->t, s->o->beta1));
    return goss_div(m, goss_add(goss_sqrt(v), goss_scale(root, s->o->eps)));
}

static goss_val sgd_direction(step *s, const part *a, goss_val g) {
    if (s->o->momentum == 0) return g;
    goss_val state = state_param(s, a, "sgd.m", goss_shape_of(a->p->param));
    goss_val keep = goss_select(s->applied, goss_const(s->g, s->o->momentum), goss_const(s->g, 1));
    goss_val now = goss_mul_add(load(a, state), keep, g);
    store(s, a, state, now);
    return now;
}

/* `size` times weight decay. */
static goss_val decay_share(const step *s, const part *a, goss_val size) {
    goss_val share = goss_scale(size, s->o->weight_decay);
    return given(a->p->decay_scale) ? goss_mul(share, a->p->decay_scale) : share;
}

/* The effective gradient: 0 in a step that is skipped. */
static goss_val counted_gradient(const step *s, const part *a, bool decays) {
    goss_val g = given(s->clip) ? goss_mul(a->g, s->clip) : a->g;
    if (decays) g = goss_mul_add(a->old, decay_share(s, a, goss_const(s->g, 1)), g);
    return goss_select(s->applied, g, goss_const(s->g, 0));
}

static goss_val updated(step *s, const part *a) {
    const bool decays = s->o->weight_decay != 0, decoupled = s->o->kind == GOSS_ADAMW;
    goss_val rate =
        goss_mul(s->applied, a->p->rate == 0 || a->p->rate == 1 ? s->rate : goss_scale(s->rate, a->p->rate));
    goss_val down = goss_neg(rate), scale = goss_const(s->g, 1), now = a->old;
    if (given(a->p->rate_scale)) down = goss_mul(down, a->p->rate_scale);
    goss_val g = counted_gradient(s, a, decays && !decoupled);
    if (decays && decoupled) now = goss_mul_add(now, decay_share(s, a, down), now);
    goss_val direction = s->o->kind == GOSS_SGD ? sgd_direction(s, a, g) : adam_direction(s, a, g, &scale);
    return goss_mul_add(direction, goss_mul(down, scale), now);
}

static void update_average(step *s, const part *a, goss_val now) {
    if (s->o->ema_decay == 0) return;
    goss_val state = state_param(s, a, "ema", goss_shape_of(a->p->param));
    goss_val warm = goss_div(goss_const(s->g, 10), goss_shift(a->t, 9)); /* 1 - (t - 1) / (t + 9) */
    goss_val share = goss_mul(s->applied, goss_max(warm, goss_const(s->g, 1 - s->o->ema_decay)));
    store(s, a, state, goss_lerp(load(a, state), now, share));
}

/* ---- the step ---- */

static bool check_param(goss_graph *g, const goss_optimizer_param *p, int i) {
    if (!goss_valid(p->param) || !goss_valid(p->gradient)) return false;
    const goss__node *n = goss__node_of(p->param);
    bool rows = given(p->rows), fits = true;
    if (strcmp(n->op->name, "param") != 0 || !n->name) {
        goss_graph_fail(g, GOSS_E_ARGUMENT, "optimizer: value %d is not a parameter", i + 1);
        return false;
    }
    if (rows)
        fits = goss_rank(p->param) == 2 && goss_rank(p->gradient) == 2 && goss_rank(p->rows) == 1 &&
               goss_extent_equal(goss_dim(p->gradient, 0), goss_dim(p->rows, 0)) &&
               goss_extent_equal(goss_dim(p->gradient, 1), goss_dim(p->param, 1));
    else
        fits = goss_shape_equal(goss_shape_of(p->param), goss_shape_of(p->gradient));
    if (!fits) goss_graph_fail(g, GOSS_E_SHAPE, "optimizer: %s: the gradient's shape does not fit", n->name);
    return fits;
}

static goss_val rank0_state(goss_graph *g, const char *name) { return goss_param(g, name, (goss_shape){.rank = 0}); }

/* Gradient norm, whether to step, clip factor and counts. */
static void begin(step *s, const goss_optimizer_param *params, int n) {
    goss_val sum = goss_const(s->g, 0), one = goss_const(s->g, 1);
    for (int i = 0; i < n; i++) sum = goss_add(sum, goss_norm2(params[i].gradient));
    s->out->gradient_norm = goss_sqrt(sum);
    s->applied = s->out->applied = goss_less(sum, goss_const(s->g, FINITE_LIMIT));
    if (s->o->clip_norm > 0) {
        goss_val norm = goss_max(s->out->gradient_norm, goss_const(s->g, 1e-30));
        s->clip = goss_min(one, goss_div(goss_const(s->g, s->o->clip_norm), norm));
    }
    goss_val count = rank0_state(s->g, "optimizer.step"), skipped = rank0_state(s->g, "optimizer.skipped");
    s->count = goss_shift(count, 1);
    push(s, goss_assign(count, goss_add(count, s->applied)));
    push(s, goss_assign(skipped, goss_add(skipped, goss_sub(one, s->applied))));
}

static void update(step *s, const goss_optimizer_param *p) {
    part a = {.p = p, .name = goss__node_of(p->param)->name, .g = p->gradient};
    a.old = load(&a, p->param);
    bool counted = s->o->kind != GOSS_SGD || s->o->ema_decay != 0;
    if (counted) a.t = part_count(s, &a);
    goss_val now = updated(s, &a);
    store(s, &a, p->param, now);
    update_average(s, &a, now);
}

goss_optimizer_result goss_optimizer_build(const goss_optimizer_options *o, const goss_optimizer_param *params, int n,
                                           goss_val rate) {
    goss_optimizer_result out;
    memset(&out, 0, sizeof out);
    goss_graph *g = rate.graph;
    step s = {.g = g, .o = o, .rate = rate, .out = &out};
    if (!goss_valid(rate)) return out;
    if (n < 1 || n > GOSS_OPTIMIZER_MAX_PARAMS || goss_rank(rate) != 0) {
        goss_graph_fail(g, GOSS_E_ARGUMENT, "optimizer: %d parameters (1 to %d) and a rate of rank %d (0)", n,
                        GOSS_OPTIMIZER_MAX_PARAMS, goss_rank(rate));
        return out;
    }
    for (int i = 0; i < n; i++)
        if (!check_param(g, &params[i], i)) return out;
    goss_scope_push(g, "optimizer");
    begin(&s, params, n);
    for (int i = 0; i < n; i++) update(&s, &params[i]);
    goss_scope_pop(g);
    return out;
}

/* ---- multipliers by name ---- */

static double scale_of(const goss_layout *l, int i, const goss_scale_rule *rules, int n) {
    double scale = 1;
    for (int k = 0; k < n; k++)
        if (goss_name_matches(goss_layout_entry(l, i)->name, rules[k].pattern)) scale = rules[k].scale;
    return scale;
}

/* Runs of equal multipliers become one constant each; 64 are concatenated at a time. */
goss_val goss_layout_scales(goss_graph *g, const goss_layout *l, const goss_scale_rule *rules, int n) {
    goss_val parts[64];
    int used = 0, count = goss_layout_count(l);
    bool differs = false;
    for (int i = 0; i < count;) {
        double scale = scale_of(l, i, rules, n);
        int64_t numel = 0;
        for (; i < count && scale_of(l, i, rules, n) == scale; i++) numel += goss_layout_entry(l, i)->numel;
        if (used == 64) parts[0] = goss_concat(parts, used, 0), used = 1;
        parts[used++] = goss_full(g, GOSS_SHAPE(goss_n(numel)), scale);
        differs |= scale != 1;
    }
    if (!differs) return GOSS_NONE;
    return used == 1 ? parts[0] : goss_concat(parts, used, 0);
}
