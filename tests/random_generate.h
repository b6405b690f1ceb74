/* SPDX-License-Identifier: Apache-2.0 */
/* random_generate.h: a random program from a seed: leaves, operations of every family on them, gradients of orders
 * 1 and 2, parameters that are assigned, several outputs, and runs at several counts. */
#ifndef GOSS_RANDOM_GENERATE_H
#define GOSS_RANDOM_GENERATE_H

#include "random_ops.h"

/* What one can differentiate by. */
static inline bool rp_is_variable(const rp_step *s) {
    return !s->index && (rp_is_leaf(s) || s->op->build == rp_build_variable);
}

static void rp_choose_size(rp_maker *m) {
    const double u = goss__rng_uniform(&m->r);
    m->size = u < 0.02 ? 3 : u < 0.12 ? 2 : u < 0.5 ? 1 : 0;
    static const int64_t most[] = {3000, 12000, 120000, 1500000};
    static const int64_t maximum[4][RP_SYMBOLS] = {{4, 5, 4}, {5, 7, 4}, {24, 30, 9}, {4, 40, 3}};
    m->most = most[m->size], m->p->huge = m->size == 3;
    for (int i = 0; i < RP_SYMBOLS; i++) m->p->maximum[i] = 2 + rp_below(m, maximum[m->size][i] - 1);
    if (m->size == 3) m->p->maximum[0] = 4, m->p->maximum[1] = 36;
    m->p->n_runs = m->size == 3 ? 1 : RP_RUNS;
    for (int r = 0; r < m->p->n_runs; r++)
        for (int i = 0; i < RP_SYMBOLS; i++)
            m->p->count[r][i] =
                rp_chance(m, 0.4) || m->size == 3 ? m->p->maximum[i] : 1 + rp_below(m, m->p->maximum[i]);
}

static void rp_begin(rp_maker *m) {
    const goss_extent t = rp_extent(0), n = rp_extent(1);
    if (m->size == 3) { /* arrays that no cache holds */
        rp_fresh(m, GOSS_SHAPE(t, n, goss_n(32), goss_n(32), goss_n(rp_chance(m, 0.3) ? 1 : 8)), rp_within(1.5));
        return;
    }
    rp_fresh(m, GOSS_SHAPE(t, n, rp_feature(m)), rp_within(1.5));
    if (rp_chance(m, 0.4)) rp_fresh(m, GOSS_SHAPE(goss_n(1), rp_feature(m), rp_feature(m)), rp_within(1));
    if (rp_chance(m, 0.4)) rp_fresh(m, GOSS_SHAPE(t, rp_extent(2), rp_feature(m)), rp_within(1));
    if (rp_chance(m, 0.2)) rp_fresh(m, GOSS_SHAPE(n, rp_feature(m)), rp_within(1));
    if (rp_chance(m, 0.35)) rp_image(m);
}

/* Of a huge program: what is cheaper to compute again than to keep, and what reads it. */
static const rp_op *rp_choose_huge(rp_maker *m) {
    static const char *const names[] = {"batch_norm", "variance", "norm_pool", "avg_pool", "conv", "batch_norm"};
    static const int rows[] = {GOSS__EW_add, GOSS__EW_mul, GOSS__EW_sub, GOSS__EW_tanh, GOSS__EW_relu, GOSS__EW_square};
    const int64_t at = rp_below(m, 12);
    for (int i = 0; i < RP_OPS; i++)
        if (at < 6 && strcmp(rp_ops[i].name, names[at]) == 0) return &rp_ops[i];
    return &rp_ew_ops[rows[at % 6]];
}

static const rp_op *rp_choose_op(rp_maker *m) {
    if (m->size == 3) return rp_choose_huge(m);
    int64_t all = 0, at;
    for (int i = 0; i < RP_OPS; i++) all += rp_ops[i].weight;
    at = rp_below(m, all * 100 / 65); /* the rest: elementwise rows */
    for (int i = 0; i < RP_OPS; i++)
        if ((at -= rp_ops[i].weight) < 0) return &rp_ops[i];
    return &rp_ew_ops[rp_below(m, GOSS__EW_COUNT)];
}

/* A step more, if something fits. */
static int rp_append(rp_maker *m) {
    const rp_op *op = rp_choose_op(m);
    rp_step s = {.op = op};
    return op->make(m, &s) ? rp_add(m, s) : RP_NONE;
}

/* ---- gradients ---- */

/* d y / d wrt, or of y's sum with a cotangent. Bounds of a gradient are unknown. */
static int rp_add_grad(rp_maker *m, int y, int wrt, int cotangent) {
    rp_step s = {
        .op = &rp_op_grad, .in = {y, wrt, cotangent}, .n_in = cotangent == RP_NONE ? 2 : 3, .range = rp_unknown};
    return rp_add(m, s);
}

static int rp_loss(rp_maker *m, int of) {
    const int r = rp_at(m, of)->shape.rank;
    rp_step s = {.op = &rp_op_norm2, .in = {of}, .n_in = 1, .range = rp_unknown};
    if (r > 0 && rp_chance(m, 0.5)) {
        s.op = &rp_op_mean, s.attr[0] = (1 << r) - 1; /* the mean of its squares */
        s.in[0] = rp_unary(m, GOSS__EW_square, of);
        s.range = rp_at(m, of)->range;
    }
    return s.in[0] == RP_NONE ? RP_NONE : rp_add(m, s);
}

static void rp_add_gradients(rp_maker *m) {
    const int y = rp_pick(m, rp_any);
    if (y == RP_NONE) return;
    const bool loss = rp_chance(m, 0.5);
    const int from = loss ? rp_loss(m, y) : y;
    const int cotangent = loss || rp_chance(m, 0.3) ? RP_NONE : rp_partner(m, rp_at(m, y)->shape, rp_within(1));
    const bool fits = cotangent == RP_NONE || goss_shape_equal(rp_at(m, cotangent)->shape, rp_at(m, y)->shape);
    int grad[3], n = 0;
    for (int i = 0; from != RP_NONE && i < 3; i++) {
        const int wrt = rp_pick(m, rp_is_variable);
        if (wrt == RP_NONE || wrt >= y) continue;
        grad[n] = rp_add_grad(m, from, wrt, fits ? cotangent : RP_NONE);
        if (grad[n] != RP_NONE) n++;
    }
    if (n == 0 || m->size == 3 || !rp_chance(m, 0.6)) return;
    const int of = grad[rp_below(m, n)];
    int second = rp_unary(m, GOSS__EW_sin, of);
    if (second != RP_NONE) second = rp_loss(m, second);
    const int wrt = rp_chance(m, 0.7) ? rp_at(m, of)->in[1] : rp_pick(m, rp_is_variable);
    if (second != RP_NONE && wrt != RP_NONE) rp_add_grad(m, second, wrt, RP_NONE);
}

/* ---- state ---- */

static int rp_state(rp_maker *m, goss_shape shape, rp_range range) {
    return rp_leaf(m, &rp_op_param, shape, false, range, RP_UNIFORM);
}
static int rp_three(rp_maker *m, int row, int a, int b, int c) {
    if (a == RP_NONE || b == RP_NONE || c == RP_NONE) return RP_NONE;
    const rp_range r[3] = {rp_at(m, a)->range, rp_at(m, b)->range, rp_at(m, c)->range};
    rp_step s = {
        .op = &rp_ew_ops[row], .in = {a, b, c}, .n_in = row == GOSS__EW_lerp ? 3 : 2, .range = rp_ew_range(row, r)};
    return rp_add(m, s);
}
static int rp_number(rp_maker *m, double k) {
    rp_step s = {.op = &rp_op_full, .number = k, .range = {k, k}};
    return rp_add(m, s);
}
static void rp_assign(rp_maker *m, int param, int value) {
    if (param == RP_NONE || value == RP_NONE || m->p->n_updates == RP_UPDATES) return;
    rp_step s = {.op = &rp_op_assign, .in = {param, value}, .n_in = 2, .range = rp_unknown};
    const int at = rp_add(m, s);
    if (at != RP_NONE) m->p->update[m->p->n_updates++] = at;
}

/* What the parameter is moved by: its gradient, squashed, or numbers of its shape. */
static int rp_direction(rp_maker *m, int param) {
    for (int i = param + 1; i < m->p->n_steps; i++)
        if (rp_at(m, i)->op == &rp_op_grad && rp_at(m, i)->in[1] == param) return rp_calm(m, i);
    for (int tries = 0; tries < 8; tries++) {
        const int at = rp_pick(m, rp_any);
        if (at != RP_NONE && at != param && goss_shape_equal(rp_at(m, at)->shape, rp_at(m, param)->shape))
            return rp_unary(m, GOSS__EW_tanh, rp_calm(m, at));
    }
    return rp_unary(m, GOSS__EW_sin, rp_apply(m, &rp_op_scale, param, 2, rp_within(8)));
}

/* Steps as optimisers take: towards, with a moment, with two. */
static void rp_update(rp_maker *m, int param) {
    const int d = rp_direction(m, param), way = (int)rp_below(m, 3);
    const goss_shape shape = rp_at(m, param)->shape;
    if (d == RP_NONE) return;
    if (rp_chance(m, 0.15)) { /* two change places */
        const int other = rp_state(m, shape, rp_within(1));
        rp_assign(m, param, other);
        rp_assign(m, other, param);
        return;
    }
    if (way == 0) {
        rp_assign(m, param, rp_three(m, GOSS__EW_lerp, param, d, rp_number(m, 0.3)));
        return;
    }
    const int moment = rp_state(m, shape, rp_within(1)),
              next = rp_three(m, GOSS__EW_lerp, moment, d, rp_number(m, 0.1));
    int step = next;
    if (way == 2) {
        const int size = rp_state(m, shape, (rp_range){0, 1}), squared = rp_unary(m, GOSS__EW_square, d),
                  larger = rp_three(m, GOSS__EW_lerp, size, squared, rp_number(m, 0.01)), bias = rp_number(m, 0.1),
                  root = larger == RP_NONE ? RP_NONE : rp_unary(m, GOSS__EW_sqrt, larger),
                  below = rp_three(m, GOSS__EW_add, root, bias, bias);
        step = rp_three(m, GOSS__EW_div, next, below, below);
        rp_assign(m, size, larger);
    }
    rp_assign(m, moment, next);
    const int scaled = step == RP_NONE ? RP_NONE : rp_apply(m, &rp_op_scale, step, 0.02, rp_within(0.1));
    rp_assign(m, param, rp_three(m, GOSS__EW_sub, param, scaled, scaled));
}

static void rp_update_rows(rp_maker *m, int table) {
    const goss_shape shape = rp_at(m, table)->shape;
    if (shape.rank < 1 || m->p->n_updates == RP_UPDATES) return;
    goss_shape rows = shape;
    const int64_t v = shape.dim[0].count;
    rows.dim[0] = goss_n(1 + rp_below(m, v));
    const int index =
        rp_leaf(m, &rp_op_input, GOSS_SHAPE(rows.dim[0]), true, (rp_range){0, (double)v - 1}, RP_DISTINCT);
    const int value = index == RP_NONE ? RP_NONE : rp_partner(m, rows, rp_within(1));
    if (value == RP_NONE || !goss_shape_equal(rp_at(m, value)->shape, rows)) return;
    rp_step s = {.op = &rp_op_assign_rows, .in = {table, index, value}, .n_in = 3, .range = rp_unknown};
    const int at = rp_add(m, s);
    if (at != RP_NONE) m->p->update[m->p->n_updates++] = at;
}

/* A product reads it as its right operand. */
static bool rp_is_factor(const rp_maker *m, int param) {
    for (int i = param + 1; i < m->p->n_steps; i++) {
        const rp_step *s = rp_at(m, i);
        if (s->n_in > 1 && s->in[1] == param && (s->op->build == rp_build_matmul || s->op->build == rp_build_linear))
            return true;
    }
    return false;
}

static void rp_add_updates(rp_maker *m) {
    const int n = m->p->n_steps;
    for (int i = 0; i < n; i++) {
        const rp_step *s = rp_at(m, i);
        if (s->op != &rp_op_param || s->range.lo > 0) continue; /* some must stay positive */
        const double u = goss__rng_uniform(&m->r);
        if (rp_is_factor(m, i) && rp_chance(m, 0.3))
            m->p->bf16[i] = true;
        else if (u < 0.4)
            rp_update(m, i);
        else if (u < 0.5)
            rp_update_rows(m, i);
        else if (u < 0.65)
            m->p->bf16[i] = true;
    }
}

/* ---- outputs ---- */

/* What nothing reads, and some others. */
static void rp_choose_outputs(rp_maker *m) {
    bool read[RP_STEPS] = {false};
    for (int i = 0; i < m->p->n_steps; i++)
        for (int k = 0; k < rp_at(m, i)->n_in; k++) read[rp_at(m, i)->in[k]] = true;
    for (int i = m->p->n_steps; i-- > 0 && m->p->n_out < RP_OUT;) {
        const rp_step *s = rp_at(m, i);
        if (s->index || s->op->row == RP_NO_VALUE) continue;
        if (!read[i] || (!rp_is_leaf(s) && rp_chance(m, 0.06)) || rp_chance(m, 0.01)) m->p->out[m->p->n_out++] = i;
    }
}

static void rp_generate(rp_program *p, uint64_t seed) {
    rp_maker m = {.p = p, .r = goss__rng_make(seed, 77)};
    *p = (rp_program){.seed = seed};
    unsetenv("GOSSAMER_DISABLE");
    m.g = goss_graph_new();
    rp_choose_size(&m);
    for (int i = 0; i < RP_SYMBOLS; i++) m.symbol[i] = goss_symbol(m.g, rp_symbol[i], p->maximum[i]);
    rp_begin(&m);
    const int body = m.size == 3 ? 6 : 3 + (int)rp_below(&m, 22);
    for (int i = 0, tries = 0; i < body && tries < 10 * body; tries++) i += rp_append(&m) != RP_NONE;
    for (int64_t i = rp_below(&m, 4); i > 0; i--) rp_add_gradients(&m);
    if (rp_chance(&m, 0.7)) rp_add_updates(&m);
    rp_choose_outputs(&m);
    goss_graph_free(m.g);
}
#endif
