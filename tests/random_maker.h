/* SPDX-License-Identifier: Apache-2.0 */
/* random_maker.h: what the generator of random programs draws with: choices, operands that fit, steps that are
 * appended. Numbers stay moderate: every step knows bounds of its result, and what could grow is scaled or squashed
 * before it is used. */
#ifndef GOSS_RANDOM_MAKER_H
#define GOSS_RANDOM_MAKER_H

#include "random_program.h"

struct rp_maker {
    rp_program *p;
    goss_graph *g; /* all steps so far, at the maxima */
    goss_val v[RP_STEPS];
    goss_extent symbol[RP_SYMBOLS];
    goss__rng r;
    int64_t most; /* elements of a step at the maxima */
    int size;     /* 0 small .. 3 huge */
    int leaves;
    bool full; /* no room for more steps */
};

#define RP_NONE (-1)
/* Larger numbers are scaled down before they are used. */
#define RP_CALM 4.0

static inline int64_t rp_below(rp_maker *m, int64_t n) { return (int64_t)goss__rng_below(&m->r, (uint32_t)n); }
static inline bool rp_chance(rp_maker *m, double p) { return goss__rng_uniform(&m->r) < p; }
static inline const rp_step *rp_at(const rp_maker *m, int i) { return &m->p->step[i < 0 ? 0 : i]; }
#define RP_ONE_OF(m, ...)                                                                                              \
    ((const int64_t[]){__VA_ARGS__})[rp_below(m, (int64_t)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))]

static inline double rp_size(rp_range r) { return fmax(fabs(r.lo), fabs(r.hi)); }
static inline bool rp_wild(rp_range r) { return !isfinite(r.lo) || !isfinite(r.hi); }
static const rp_range rp_unknown = {-INFINITY, INFINITY};
static inline rp_range rp_within(double size) { return (rp_range){-size, size}; }
static inline rp_range rp_join(rp_range a, rp_range b) { return (rp_range){fmin(a.lo, b.lo), fmax(a.hi, b.hi)}; }
static inline rp_range rp_times(rp_range a, rp_range b) {
    const double c[4] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
    return (rp_range){fmin(fmin(c[0], c[1]), fmin(c[2], c[3])), fmax(fmax(c[0], c[1]), fmax(c[2], c[3]))};
}

/* ---- steps ---- */

static inline bool rp_fixed(goss_extent e) { return e.symbols == 0; }

static inline rp_tasks rp_tasks_of(const rp_maker *m, const rp_step *s) {
    rp_tasks all = RP_SHARED;
    for (int i = 0; i < s->n_in; i++)
        if (rp_at(m, s->in[i])->tasks > all) all = rp_at(m, s->in[i])->tasks;
    int axes = 0;
    for (int i = 0; i < s->shape.rank; i++) axes += rp_has(s->shape.dim[i], 0);
    if (all == RP_MIXED || s->mixes) return RP_MIXED;
    if (all == RP_SHARED && axes == 0) return RP_SHARED;
    return axes == 1 && rp_is_tasks(s->shape.dim[0]) ? RP_BY_TASK : RP_MIXED;
}

/* The step's number; RP_NONE where it is too large or there is no room. What a builder refuses is a mistake of the
 * generator's. */
static inline int rp_add(rp_maker *m, rp_step s) {
    static const int64_t none[RP_SYMBOLS] = {1, 1, 1};
    if (m->p->n_steps == RP_STEPS) {
        m->full = true;
        return RP_NONE;
    }
    if (m->p->n_steps > 4 && rp_chance(m, 0.05)) s.scope = 1 + (int)rp_below(m, 3);
    const goss_val v = rp_build_step(m->g, &s, m->v, m->symbol);
    if (!goss_valid(v)) {
        goss_error err = {0};
        (void)goss_graph_status(m->g, &err);
        T_FAIL("seed %llu: the generator asked for %s: %s", (unsigned long long)m->p->seed, s.op->name, err.text);
    }
    s.shape = goss_shape_of(v);
    if (rp_numel(&s.shape, m->p->maximum) > m->most && s.shape.rank > 0 && rp_numel(&s.shape, none) > 0) return RP_NONE;
    s.tasks = rp_tasks_of(m, &s);
    const int at = m->p->n_steps++;
    m->p->step[at] = s, m->v[at] = v;
    return at;
}

static inline int rp_leaf(rp_maker *m, const rp_op *op, goss_shape shape, bool index, rp_range range, rp_fill fill) {
    rp_step s = {.op = op, .shape = shape, .index = index, .range = range, .fill = fill};
    s.attr[0] = m->leaves++;
    s.crisp = index || fill == RP_MASK || (fill == RP_COARSE && op == &rp_op_input);
    return rp_add(m, s);
}

static inline bool rp_no_symbols(const goss_shape *s) {
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i].symbols) return false;
    return true;
}

/* A new tensor of that shape: a parameter where it can be, an input, sometimes a constant. */
static inline int rp_fresh(rp_maker *m, goss_shape shape, rp_range range) {
    if (rp_chance(m, 0.05)) {
        rp_step s = {.op = &rp_op_full,
                     .shape = shape,
                     .number = range.lo + rp_below(m, 5) * 0.25 * (range.hi - range.lo),
                     .crisp = false};
        s.range = (rp_range){s.number, s.number};
        return rp_add(m, s);
    }
    const bool param = rp_no_symbols(&shape) && rp_chance(m, 0.6);
    const rp_fill fill = m->size < 3 && rp_chance(m, 0.1) ? RP_COARSE : RP_UNIFORM;
    const int at = rp_leaf(m, param ? &rp_op_param : &rp_op_input, shape, false, range, fill);
    return at;
}

/* ---- choosing operands ---- */

typedef bool (*rp_test)(const rp_step *s);
static inline bool rp_any(const rp_step *s) { return !s->index; }

/* A real step that passes, the later the likelier. */
static inline int rp_pick(rp_maker *m, rp_test test) {
    for (int tries = 0; tries < 16 && m->p->n_steps > 0; tries++) {
        const int n = m->p->n_steps, last = n < 10 ? n : 10;
        const int at = rp_chance(m, 0.6) ? n - 1 - (int)rp_below(m, last) : (int)rp_below(m, n);
        if (!rp_at(m, at)->index && rp_at(m, at)->op->row != RP_NO_VALUE && test(rp_at(m, at))) return at;
    }
    return RP_NONE;
}

#define RP_EW(name) (&rp_ew_ops[GOSS__EW_##name])
extern const rp_op rp_ew_ops[GOSS__EW_COUNT];
static const rp_op rp_op_scale, rp_op_shift;

static inline int rp_apply(rp_maker *m, const rp_op *op, int a, double number, rp_range range) {
    if (a == RP_NONE) return a;
    rp_step s = {.op = op, .in = {a}, .n_in = 1, .number = number, .range = range};
    return rp_add(m, s);
}

static rp_range rp_ew_range(int row, const rp_range *r);
static inline int rp_unary(rp_maker *m, int row, int a) {
    return a == RP_NONE ? a : rp_apply(m, &rp_ew_ops[row], a, 0, rp_ew_range(row, &m->p->step[a].range));
}

/* a, or what it becomes when its numbers are too large. */
static inline int rp_calm(rp_maker *m, int a) {
    if (a == RP_NONE) return a;
    const rp_range r = rp_at(m, a)->range;
    /* Not tanh: of 1 - tanh^2 nothing is left where it saturates. */
    if (rp_wild(r)) return rp_unary(m, GOSS__EW_sin, rp_apply(m, &rp_op_scale, a, 0.5, rp_unknown));
    if (rp_size(r) <= RP_CALM) return a;
    if (rp_size(r) <= 2 * RP_CALM && rp_chance(m, 0.3))
        return rp_unary(m, rp_chance(m, 0.5) ? GOSS__EW_tanh : GOSS__EW_sin, a);
    const double k = 2 / rp_size(r);
    return rp_apply(m, &rp_op_scale, a, k, (rp_range){r.lo * k, r.hi * k});
}

static inline int rp_value(rp_maker *m, rp_test test) { return rp_calm(m, rp_pick(m, test)); }

/* The same, at least 0.3. */
static inline int rp_positive(rp_maker *m, int a) {
    if (a == RP_NONE || rp_at(m, a)->range.lo >= 0.3) return a;
    a = rp_calm(m, a);
    const int64_t way = rp_below(m, 3);
    a = rp_unary(m, way == 0 ? GOSS__EW_sigmoid : way == 1 ? GOSS__EW_square : GOSS__EW_softplus, a);
    if (a == RP_NONE) return a;
    const rp_range r = rp_at(m, a)->range;
    return rp_apply(m, &rp_op_shift, a, 0.4, (rp_range){fmax(r.lo, 0) + 0.4, r.hi + 0.4});
}

static inline goss_extent rp_feature(rp_maker *m) {
    static const int64_t by_size[4][6] = {
        {1, 2, 3, 4, 5, 7}, {2, 3, 6, 8, 12, 16}, {4, 8, 17, 32, 64, 200}, {1, 2, 3, 4, 8, 8}};
    return goss_n(by_size[m->size][rp_below(m, 6)]);
}

/* Some extents as they are, some 1. */
static inline goss_shape rp_thinned(rp_maker *m, goss_shape s) {
    if (rp_chance(m, 0.1)) return (goss_shape){0};
    if (rp_chance(m, 0.5)) return s;
    for (int i = 0; i < s.rank; i++)
        if (rp_chance(m, 0.4)) s.dim[i] = goss_n(1);
    return s;
}

static inline bool rp_broadcasts(const goss_shape *a, const goss_shape *to) {
    if (a->rank == 0) return true;
    if (a->rank != to->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (!goss_extent_is(a->dim[i], 1) && !goss_extent_equal(a->dim[i], to->dim[i])) return false;
    return true;
}

/* Something that goes with `shape` in an elementwise operation: what there is already, or new. */
static inline int rp_partner(rp_maker *m, goss_shape shape, rp_range range) {
    for (int tries = 0; tries < 10 && rp_chance(m, 0.9); tries++) {
        const int at = rp_pick(m, rp_any);
        if (at != RP_NONE && rp_broadcasts(&rp_at(m, at)->shape, &shape)) return rp_calm(m, at);
    }
    return rp_fresh(m, rp_thinned(m, shape), range);
}

/* Numbers that a decision may hang on, of a shape that goes with `shape`. */
static inline int rp_crisp(rp_maker *m, goss_shape shape, rp_fill fill) {
    for (int tries = 0; tries < 10; tries++) {
        const int at = rp_pick(m, rp_any);
        if (at != RP_NONE && rp_at(m, at)->crisp && rp_broadcasts(&rp_at(m, at)->shape, &shape)) return at;
    }
    return rp_leaf(m, &rp_op_input, rp_thinned(m, shape), false, fill == RP_MASK ? (rp_range){0, 1} : rp_within(2),
                   fill);
}

/* An index of that shape with numbers below `rows`. */
static inline int rp_index(rp_maker *m, goss_shape shape, int64_t rows) {
    for (int tries = 0; tries < 6; tries++) {
        const int at = (int)rp_below(m, m->p->n_steps);
        const rp_step *s = rp_at(m, at);
        if (s->index && s->range.hi < (double)rows && goss_shape_equal(s->shape, shape)) return at;
    }
    return rp_leaf(m, &rp_op_input, shape, true, (rp_range){0, (double)(rows - 1)}, RP_UNIFORM);
}
#endif
