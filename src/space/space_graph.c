/* SPDX-License-Identifier: Apache-2.0 */
/* space_graph.c: gates of logits, and costs of gates as values of a graph. Equal factors are one node each, so that
 * terms need not share them by hand. */
#include "base/alloc.h"
#include "space/space.h"

/* ---- gates ---- */

/* Each gate times those before it. */
static goss_val running_product(goss_val open, int n) {
    if (n == 1) return open;
    goss_val *parts = goss__alloc((size_t)n * sizeof *parts);
    if (!parts) return goss_graph_fail(open.graph, GOSS_E_NOMEM, "no memory for gates");
    for (int i = 0; i < n; i++) {
        parts[i] = goss_slice(open, 1, i, 1);
        if (i > 0) parts[i] = goss_mul(parts[i - 1], parts[i]);
    }
    const goss_val all = goss__concat_many(parts, n, 1);
    goss__free(parts);
    return all;
}

static bool takes_turns(goss_gate_kind kind) { return kind == GOSS_GATE_SOFTMAX || kind == GOSS_GATE_GUMBEL; }

static bool can_open(const goss_space *s, goss_val logits, const goss_gate_options *gate,
                     const goss_gate_options *choice) {
    if (!goss_valid(logits)) return false;
    if (!s->t->n_gates || goss_rank(logits) != 2 || !goss_extent_is(goss_dim(logits, 1), s->t->n_gates)) {
        goss_graph_fail(logits.graph, GOSS_E_ARGUMENT, "gates: logits of this space are [T, %d]", s->t->n_gates);
        return false;
    }
    if (takes_turns(gate->kind) || !takes_turns(choice->kind)) {
        goss_graph_fail(logits.graph, GOSS_E_ARGUMENT,
                        "gates: %s opens gates one by one and %s chooses one of several; it takes sigmoid or "
                        "hard_concrete for the former, softmax or gumbel for the latter",
                        goss_gate_kind_name(gate->kind), goss_gate_kind_name(choice->kind));
        return false;
    }
    return true;
}

/* Neighbouring groups of independent gates are one part; others are a part each. */
goss_val goss_space_open(const goss_space *s, goss_val logits, const goss_gate_options *gate,
                         const goss_gate_options *choice, goss_val noise) {
    if (!can_open(s, logits, gate, choice)) return (goss_val){logits.graph, 0};
    const goss_target *t = s->t;
    goss_val *parts = goss__alloc((size_t)t->n_groups * sizeof *parts);
    if (!parts) return goss_graph_fail(logits.graph, GOSS_E_NOMEM, "no memory for gates");
    int n = 0;
    goss_scope_push(logits.graph, "gates");
    for (int i = 0; i < t->n_groups; n++) {
        const goss_space_group_info *g = &t->groups[i].info;
        int count = g->count;
        for (i++; i < t->n_groups && g->rule == GOSS_RULE_FREE && t->groups[i].info.rule == GOSS_RULE_FREE; i++)
            count += t->groups[i].info.count;
        const goss_val part = goss_slice(logits, 1, g->first, count);
        const goss_gate_options *o = g->rule == GOSS_RULE_ONE ? choice : gate;
        parts[n] = goss_gate(part, o, noise);
        if (g->rule == GOSS_RULE_NESTED) parts[n] = running_product(parts[n], count);
    }
    goss_scope_pop(logits.graph);
    const goss_val all = goss__concat_many(parts, n, 1);
    goss__free(parts);
    return all;
}

/* ---- costs ---- */

static goss_val times(goss_val a, goss_val b) {
    if (!goss_valid(a) || !goss_valid(b)) return goss_valid(a) ? a : b;
    return goss_mul(a, b);
}

/* The live units of a group, [Tw, 1]; GOSS_NONE: -1. */
static goss_val live(const goss_target *t, int group, goss_val gates) {
    if (group < 0) return GOSS_NONE;
    const goss__unit_choice *c = &t->unit_choice[group];
    const int64_t rows = goss_target_units_count(t, group) / c->per;
    const goss_val open = goss_sum(goss_slice(gates, 1, c->gate, c->count), GOSS_AXIS(1), true);
    return goss_shift(goss_scale(open, (double)(c->step * rows)), (double)(c->core * rows));
}

static double taps(const goss__layer *l, int k) { return (double)l->kernels[k][0] * l->kernels[k][1]; }

static goss_val area(const goss_target *t, int layer, goss_val gates) {
    if (layer < 0) return GOSS_NONE;
    const goss__layer *l = &t->layers[layer];
    goss_val sum = goss_const(gates.graph, taps(l, 0));
    for (int k = 1; k < l->n_kernels; k++)
        sum = goss_add(sum, goss_scale(goss__gates_factor(gates, l->gate + k - 1, 2), taps(l, k) - taps(l, k - 1)));
    return sum;
}

static goss_val presence(const goss_target *t, int inside, goss_val gates) {
    if (inside < 0) return GOSS_NONE;
    return times(presence(t, t->gate_inside[inside], gates), goss__gates_factor(gates, inside, 2));
}

/* A sum of terms: what gates decide about, and what they do not. */
typedef struct total {
    goss_val varying;
    double fixed;
} total;

static void add_term(const goss_space *s, total *sum, const goss__term *m, goss_val gates, int64_t outputs) {
    const double coef = m->coef * (m->per_class ? (double)outputs : 1);
    if (m->layer == s->t->n_layers && outputs == 0) return;
    goss_val v = times(live(s->t, m->in, gates), live(s->t, m->out, gates));
    v = times(times(presence(s->t, m->inside, gates), area(s->t, m->kernel, gates)), v);
    if (!goss_valid(v)) {
        sum->fixed += coef;
        return;
    }
    v = goss_scale(v, coef);
    sum->varying = goss_valid(sum->varying) ? goss_add(sum->varying, v) : v;
}

/* [Tw, 1] */
static goss_val sum_of(const total *sum, goss_val gates) {
    if (goss_valid(sum->varying)) return goss_shift(sum->varying, sum->fixed);
    return goss_full(gates.graph, GOSS_SHAPE(goss_dim(gates, 0), goss_n(1)), sum->fixed);
}

static goss_val larger(goss_val a, goss_val b) { return goss_valid(a) ? goss_max(a, b) : b; }

static goss_val peak(const goss_space *s, goss_val gates, int64_t outputs) {
    goss_val highest = GOSS_NONE;
    double constant = 0; /* the highest moment that gates do not decide about */
    for (int i = 0; i < s->n_terms;) {
        total now = {GOSS_NONE, 0};
        const int stage = s->terms[i].stage;
        const bool ram = s->terms[i].measure == GOSS__RAM;
        for (; i < s->n_terms && (s->terms[i].measure == GOSS__RAM) == ram && (!ram || s->terms[i].stage == stage); i++)
            if (ram) add_term(s, &now, &s->terms[i], gates, outputs);
        if (goss_valid(now.varying)) highest = larger(highest, sum_of(&now, gates));
        if (!goss_valid(now.varying) && now.fixed > constant) constant = now.fixed;
    }
    const total fixed = {GOSS_NONE, constant};
    return constant > 0 || !goss_valid(highest) ? larger(highest, sum_of(&fixed, gates)) : highest;
}

static goss_val squeezed(goss_val v) { return goss_valid(v) ? goss_squeeze(v, 1) : v; }

goss_space_costs goss_space_cost(const goss_space *s, goss_val gates, int64_t outputs) {
    total sum[2] = {{GOSS_NONE, 0}, {GOSS_NONE, 0}};
    const goss_val bad = {gates.graph, 0};
    goss_space_costs c = {bad, bad, bad};
    if (!goss_valid(gates)) return c;
    if (!s->t->n_gates || goss_rank(gates) != 2 || !goss_extent_is(goss_dim(gates, 1), s->t->n_gates)) {
        goss_graph_fail(gates.graph, GOSS_E_SHAPE, "cost: gates of this space are [T, %d]", s->t->n_gates);
        return c;
    }
    goss_scope_push(gates.graph, "cost");
    for (int i = 0; i < s->n_terms; i++)
        if (s->terms[i].measure != GOSS__RAM) add_term(s, &sum[s->terms[i].measure], &s->terms[i], gates, outputs);
    c.bytes = squeezed(sum_of(&sum[GOSS__BYTES], gates));
    c.macs = squeezed(sum_of(&sum[GOSS__MACS], gates));
    c.ram = squeezed(peak(s, gates, outputs));
    goss_scope_pop(gates.graph);
    return c;
}
