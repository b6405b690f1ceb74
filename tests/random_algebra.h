/* SPDX-License-Identifier: Apache-2.0 */
/* random_algebra.h: elementwise operations, layout, reductions and products for random programs: how each chooses its
 * operands, and how it is built. The rows of elementwise.def are all there by themselves. */
#ifndef GOSS_RANDOM_ALGEBRA_H
#define GOSS_RANDOM_ALGEBRA_H

#include "random_maker.h"

#define RP_BUILD(id, ...)                                                                                              \
    static goss_val rp_build_##id(goss_graph *g, const rp_step *s, const goss_val *in, const goss_shape *shape) {      \
        return __VA_ARGS__;                                                                                            \
    }
#define RP_MAKE(id) static bool rp_make_##id(rp_maker *m, rp_step *s)
/* The operand, or there is no step. */
#define RP_TAKE(s, value)                                                                                              \
    do {                                                                                                               \
        const int rp_taken = (value);                                                                                  \
        if (rp_taken == RP_NONE) return false;                                                                         \
        (s)->in[(s)->n_in++] = rp_taken;                                                                               \
    } while (0)
#define RP_RANGE(k) rp_at(m, s->in[k])->range
#define RP_SHAPE(k) rp_at(m, s->in[k])->shape

/* ---- elementwise ---- */

static double rp_least_size(rp_range r) { return r.lo > 0 ? r.lo : r.hi < 0 ? -r.hi : 0; }
static rp_range rp_mapped(double (*f)(double), rp_range r) { return (rp_range){f(r.lo), f(r.hi)}; }
static rp_range rp_divided(rp_range a, rp_range b) { return rp_times(a, (rp_range){1 / b.hi, 1 / b.lo}); }
static double rp_softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

/* Bounds of a row's result; a row that is new is unknown, and squashed. */
static rp_range rp_ew_range(int row, const rp_range *r) {
    const double size = rp_size(r[0]);
    const rp_range unit = {0, 1};
    switch (row) {
    case GOSS__EW_add:
        return (rp_range){r[0].lo + r[1].lo, r[0].hi + r[1].hi};
    case GOSS__EW_sub:
        return (rp_range){r[0].lo - r[1].hi, r[0].hi - r[1].lo};
    case GOSS__EW_mul:
        return rp_times(r[0], r[1]);
    case GOSS__EW_div:
        return rp_divided(r[0], r[1]);
    case GOSS__EW_neg:
        return (rp_range){-r[0].hi, -r[0].lo};
    case GOSS__EW_abs:
        return (rp_range){rp_least_size(r[0]), size};
    case GOSS__EW_floor:
        return (rp_range){floor(r[0].lo), floor(r[0].hi)};
    case GOSS__EW_exp:
        return rp_mapped(exp, r[0]);
    case GOSS__EW_log:
        return rp_mapped(log, r[0]);
    case GOSS__EW_sqrt:
        return rp_mapped(sqrt, r[0]);
    case GOSS__EW_rsqrt:
        return (rp_range){1 / sqrt(r[0].hi), 1 / sqrt(r[0].lo)};
    case GOSS__EW_square:
        return (rp_range){rp_least_size(r[0]) * rp_least_size(r[0]), size * size};
    case GOSS__EW_softplus:
        return rp_mapped(rp_softplus, r[0]);
    case GOSS__EW_relu:
        return (rp_range){fmax(r[0].lo, 0), fmax(r[0].hi, 0)};
    case GOSS__EW_max:
        return (rp_range){fmax(r[0].lo, r[1].lo), fmax(r[0].hi, r[1].hi)};
    case GOSS__EW_min:
        return (rp_range){fmin(r[0].lo, r[1].lo), fmin(r[0].hi, r[1].hi)};
    case GOSS__EW_sign:
    case GOSS__EW_sin:
    case GOSS__EW_cos:
    case GOSS__EW_tanh:
        return rp_within(1);
    case GOSS__EW_sigmoid:
    case GOSS__EW_less:
        return unit;
    case GOSS__EW_mul_add: {
        const rp_range p = rp_times(r[0], r[1]);
        return (rp_range){p.lo + r[2].lo, p.hi + r[2].hi};
    }
    case GOSS__EW_select:
        return rp_join(r[1], r[2]);
    case GOSS__EW_lerp:
        if (r[2].lo >= 0 && r[2].hi <= 1) return rp_join(r[0], r[1]);
        return rp_within(size + rp_size(r[2]) * (size + rp_size(r[1])));
    }
    return rp_unknown;
}

enum { RP_MODERATE, RP_POSITIVE, RP_CRISP, RP_01 };
static int rp_domain(int row, int operand) {
    switch (row) {
    case GOSS__EW_log:
    case GOSS__EW_sqrt:
    case GOSS__EW_rsqrt:
        return RP_POSITIVE;
    case GOSS__EW_div:
        return operand == 1 ? RP_POSITIVE : RP_MODERATE;
    case GOSS__EW_sign:
    case GOSS__EW_floor:
    case GOSS__EW_less:
        return RP_CRISP;
    case GOSS__EW_select:
        return operand == 0 ? RP_01 : RP_MODERATE;
    }
    return RP_MODERATE;
}

/* Rows whose result is exact where the operands are. */
static bool rp_is_exact(int row) {
    static const int rows[] = {GOSS__EW_neg, GOSS__EW_abs,  GOSS__EW_relu,  GOSS__EW_max,
                               GOSS__EW_min, GOSS__EW_sign, GOSS__EW_floor, GOSS__EW_less};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i] == row) return true;
    return false;
}

static int rp_operand(rp_maker *m, int domain, goss_shape shape) {
    if (domain == RP_CRISP) return rp_crisp(m, shape, RP_COARSE);
    if (domain == RP_01) return rp_crisp(m, shape, RP_MASK);
    const int at = rp_partner(m, shape, domain == RP_POSITIVE ? (rp_range){0.4, 2} : rp_within(1.5));
    return domain == RP_POSITIVE ? rp_positive(m, at) : at;
}

static bool rp_make_ew(rp_maker *m, rp_step *s, int row, int arity) {
    const int first = rp_value(m, rp_any), where = (int)rp_below(m, arity);
    if (first == RP_NONE) return false;
    goss_shape shape = rp_at(m, first)->shape;
    rp_range range[3];
    s->crisp = rp_is_exact(row);
    for (int i = 0; i < arity; i++) {
        const int domain = rp_domain(row, i);
        const bool own = i == where && (domain == RP_MODERATE || (domain == RP_CRISP && rp_at(m, first)->crisp));
        RP_TAKE(s, own ? first : rp_operand(m, domain, shape));
        range[i] = RP_RANGE(i), s->crisp &= rp_at(m, s->in[i])->crisp;
        if (RP_SHAPE(i).rank > 0 && shape.rank == 0) shape = RP_SHAPE(i);
    }
    s->range = rp_ew_range(row, range);
    return true;
}

#define RP_CALL_1(name) goss_##name(in[0])
#define RP_CALL_2(name) goss_##name(in[0], in[1])
#define RP_CALL_3(name) goss_##name(in[0], in[1], in[2])
#define ROW(name, arity, formula, va, vb, vc, ...)                                                                     \
    RP_BUILD(ew_##name, RP_CALL_##arity(name))                                                                         \
    RP_MAKE(ew_##name) { return rp_make_ew(m, s, GOSS__EW_##name, arity); }
#include "kernel/elementwise.def"
#undef ROW
const rp_op rp_ew_ops[GOSS__EW_COUNT] = {
#define ROW(name, arity, formula, va, vb, vc, ...)                                                                     \
    [GOSS__EW_##name] = {#name, 2, rp_make_ew_##name, rp_build_ew_##name, GOSS__EW_##name},
#include "kernel/elementwise.def"
#undef ROW
};

RP_BUILD(scale, goss_scale(in[0], s->number))
RP_BUILD(shift, goss_shift(in[0], s->number))
static const double rp_factors[] = {1, -1, 0.5, 2, -3, 1e-3, 0.7, 0};
RP_MAKE(scale) {
    RP_TAKE(s, rp_value(m, rp_any));
    s->number = rp_factors[rp_below(m, rp_chance(m, 0.2) ? 8 : 7)];
    s->range = rp_times(RP_RANGE(0), (rp_range){s->number, s->number});
    return true;
}
RP_MAKE(shift) {
    RP_TAKE(s, rp_value(m, rp_any));
    s->number = rp_factors[rp_below(m, 8)];
    s->range = (rp_range){RP_RANGE(0).lo + s->number, RP_RANGE(0).hi + s->number};
    return true;
}
static const rp_op rp_op_scale = {"scale", 6, rp_make_scale, rp_build_scale, 0};
static const rp_op rp_op_shift = {"shift", 3, rp_make_shift, rp_build_shift, 0};

RP_BUILD(detach, goss_detach(in[0]))
RP_MAKE(detach) {
    RP_TAKE(s, rp_pick(m, rp_any));
    s->range = RP_RANGE(0), s->crisp = rp_at(m, s->in[0])->crisp;
    return true;
}

RP_BUILD(variable, goss_variable(in[0]))
RP_MAKE(variable) { return rp_make_detach(m, s); }

/* ---- layout: what it holds lies within the operand's bounds ---- */

static bool rp_moved(rp_maker *m, rp_step *s) {
    s->range = RP_RANGE(0), s->crisp = rp_at(m, s->in[0])->crisp;
    return true;
}
static bool rp_has_axes(const rp_step *s) { return rp_any(s) && s->shape.rank > 0; }
static bool rp_has_two(const rp_step *s) { return rp_any(s) && s->shape.rank > 1; }

RP_BUILD(broadcast, goss_broadcast(in[0], *shape))
RP_MAKE(broadcast) {
    RP_TAKE(s, rp_pick(m, rp_any));
    s->shape = RP_SHAPE(0);
    if (s->shape.rank == 0) s->shape = GOSS_SHAPE(rp_extent(0), goss_n(1), rp_feature(m));
    for (int i = 0; i < s->shape.rank; i++)
        if (goss_extent_is(s->shape.dim[i], 1))
            s->shape.dim[i] = i == 0 ? rp_extent(0) : i == 1 ? rp_extent(1) : rp_feature(m);
    return rp_moved(m, s);
}

/* Two neighbouring axes become one, or one becomes two, or an axis of 1 comes or goes. */
static bool rp_reshaped(rp_maker *m, goss_shape *s) {
    const int64_t way = rp_below(m, 3), axis = rp_below(m, s->rank);
    if (way == 0 && axis + 1 < s->rank) {
        s->dim[axis] = goss_extent_mul(s->dim[axis], s->dim[axis + 1]);
        for (int i = (int)axis + 1; i + 1 < s->rank; i++) s->dim[i] = s->dim[i + 1];
        s->rank--;
    } else if (s->rank < 7) {
        goss_extent whole = s->dim[axis], part = goss_n(1);
        const int64_t k = 2 + rp_below(m, 3);
        if (whole.count % k == 0) part = goss_n(k), whole.count /= k;
        for (int i = s->rank++; i > axis; i--) s->dim[i] = s->dim[i - 1];
        s->dim[axis] = whole, s->dim[axis + 1] = part;
    }
    return goss_extent_valid(s->dim[axis]);
}
RP_BUILD(reshape, goss_reshape(in[0], *shape))
RP_MAKE(reshape) {
    RP_TAKE(s, rp_pick(m, rp_has_axes));
    s->shape = RP_SHAPE(0);
    s->mixes = !rp_is_tasks(s->shape.dim[0]);
    return rp_reshaped(m, &s->shape) && rp_moved(m, s);
}

RP_BUILD(permute, goss_permute(in[0], (int[]){(int)s->attr[0], (int)s->attr[1], (int)s->attr[2], (int)s->attr[3],
                                              (int)s->attr[4], (int)s->attr[5], (int)s->attr[6], (int)s->attr[7]}))
RP_MAKE(permute) {
    RP_TAKE(s, rp_pick(m, rp_has_two));
    uint32_t axes[GOSS_MAX_RANK];
    const int rank = RP_SHAPE(0).rank, first = rp_chance(m, 0.7) && rank > 2;
    for (int i = 0; i < rank; i++) axes[i] = (uint32_t)i;
    goss__rng_shuffle(&m->r, axes + first, (uint32_t)(rank - first), (uint32_t)(rank - first));
    if (rp_chance(m, 0.3)) {
        for (int i = 0; i < rank; i++) axes[i] = (uint32_t)i;
        axes[rank - 1] = (uint32_t)rank - 2, axes[rank - 2] = (uint32_t)rank - 1;
    }
    for (int i = 0; i < rank; i++) s->attr[i] = axes[i];
    s->mixes = axes[0] != 0;
    return rp_moved(m, s);
}

/* An axis of the operand with a fixed extent of at least that; RP_NONE: there is none. */
static int rp_fixed_axis(rp_maker *m, const goss_shape *s, int64_t least) {
    for (int tries = 0; tries < 6 && s->rank > 0; tries++) {
        const int axis = (int)rp_below(m, s->rank);
        if (rp_fixed(s->dim[axis]) && s->dim[axis].count >= least) return axis;
    }
    return RP_NONE;
}
RP_BUILD(slice, goss_slice(in[0], (int)s->attr[0], s->attr[1], s->attr[2]))
RP_MAKE(slice) {
    RP_TAKE(s, rp_pick(m, rp_has_axes));
    const int axis = rp_fixed_axis(m, &RP_SHAPE(0), 2);
    if (axis == RP_NONE) return false;
    const int64_t n = RP_SHAPE(0).dim[axis].count;
    s->attr[0] = axis, s->attr[1] = rp_below(m, n), s->attr[2] = 1 + rp_below(m, n - s->attr[1]);
    return rp_moved(m, s);
}
RP_BUILD(pad, goss_pad(in[0], (int)s->attr[0], s->attr[1], s->attr[2]))
RP_MAKE(pad) {
    RP_TAKE(s, rp_pick(m, rp_has_axes));
    const int axis = rp_fixed_axis(m, &RP_SHAPE(0), 1);
    if (axis == RP_NONE) return false;
    s->attr[0] = axis, s->attr[1] = rp_below(m, 3), s->attr[2] = rp_below(m, 3);
    rp_moved(m, s);
    s->range = rp_join(s->range, (rp_range){0, 0});
    return true;
}
RP_BUILD(concat, goss_concat(in, s->n_in, (int)s->attr[0]))
RP_MAKE(concat) {
    const int first = rp_value(m, rp_has_axes);
    if (first == RP_NONE) return false;
    goss_shape shape = rp_at(m, first)->shape;
    const int axis = rp_fixed_axis(m, &shape, 1), parts = 2 + (int)rp_below(m, 3), own = (int)rp_below(m, parts);
    if (axis == RP_NONE) return false;
    s->attr[0] = axis;
    for (int i = 0; i < parts; i++) {
        if (i != own) shape.dim[axis] = goss_n(1 + rp_below(m, 4));
        RP_TAKE(s, i == own || rp_chance(m, 0.2) ? first : rp_fresh(m, shape, rp_within(1.5)));
    }
    s->range = RP_RANGE(0), s->crisp = true;
    for (int i = 0; i < parts; i++) s->range = rp_join(s->range, RP_RANGE(i)), s->crisp &= rp_at(m, s->in[i])->crisp;
    return true;
}

/* ---- reductions ---- */

static double rp_reduced(const rp_maker *m, const goss_shape *s, int64_t axes) {
    double n = 1;
    for (int i = 0; i < s->rank; i++)
        if (axes & GOSS_AXIS(i)) n *= (double)rp_eval(s->dim[i], m->p->maximum);
    return n;
}
static bool rp_make_reduction(rp_maker *m, rp_step *s, bool sum) {
    RP_TAKE(s, rp_value(m, rp_has_axes));
    const int rank = RP_SHAPE(0).rank;
    s->attr[0] = 1 + rp_below(m, (1 << rank) - 1);
    if (rp_chance(m, 0.5)) s->attr[0] &= ~1;
    if (s->attr[0] == 0) s->attr[0] = GOSS_AXIS(rank - 1);
    s->attr[1] = rp_chance(m, 0.7), s->mixes = s->attr[0] & 1;
    const double n = sum ? rp_reduced(m, &RP_SHAPE(0), s->attr[0]) : 1;
    s->range = (rp_range){fmin(RP_RANGE(0).lo, n * RP_RANGE(0).lo), fmax(RP_RANGE(0).hi, n * RP_RANGE(0).hi)};
    return true;
}
RP_BUILD(sum, goss_sum(in[0], (uint32_t)s->attr[0], s->attr[1]))
RP_BUILD(mean, goss_mean(in[0], (uint32_t)s->attr[0], s->attr[1]))
RP_BUILD(reduce_max, goss_reduce_max(in[0], (uint32_t)s->attr[0], s->attr[1]))
RP_BUILD(deviation, goss_sub(in[0], goss_mean(in[0], (uint32_t)s->attr[0], true)))
RP_BUILD(variance, goss_mean(goss_square(goss_sub(in[0], goss_mean(in[0], (uint32_t)s->attr[0], true))),
                             (uint32_t)s->attr[0], s->attr[1]))
RP_BUILD(dot, goss_sum(goss_mul(in[0], in[1]), (uint32_t)s->attr[0], s->attr[1]))
RP_BUILD(squares, goss_sum(goss_square(goss_sub(in[0], in[1])), (uint32_t)s->attr[0], s->attr[1]))
RP_MAKE(squares) {
    if (!rp_make_reduction(m, s, true)) return false;
    const double n = rp_reduced(m, &RP_SHAPE(0), s->attr[0]);
    RP_TAKE(s, rp_partner(m, RP_SHAPE(0), rp_within(1)));
    const double size = rp_size(RP_RANGE(0)) + rp_size(RP_RANGE(1));
    s->range = (rp_range){0, n * size * size};
    return true;
}
RP_MAKE(sum) { return rp_make_reduction(m, s, true); }
RP_MAKE(mean) { return rp_make_reduction(m, s, false); }
RP_MAKE(reduce_max) { return rp_make_reduction(m, s, false); }
RP_MAKE(deviation) {
    if (!rp_make_reduction(m, s, false)) return false;
    s->range = rp_within(2 * rp_size(s->range));
    return true;
}
RP_MAKE(variance) {
    if (!rp_make_reduction(m, s, false)) return false;
    s->range = (rp_range){0, rp_size(s->range) * rp_size(s->range)};
    return true;
}
RP_MAKE(dot) {
    if (!rp_make_reduction(m, s, true)) return false;
    RP_TAKE(s, rp_partner(m, RP_SHAPE(0), rp_within(1)));
    s->range = rp_within(rp_size(s->range) * rp_size(RP_RANGE(1)));
    return true;
}

/* ---- products ---- */

RP_BUILD(matmul, goss_matmul(in[0], in[1], s->attr[0], s->attr[1]))
RP_MAKE(matmul) {
    const int a = rp_value(m, rp_has_two);
    if (a == RP_NONE) return false;
    s->attr[0] = rp_chance(m, 0.3), s->attr[1] = rp_chance(m, 0.3);
    goss_shape shape = rp_at(m, a)->shape;
    const int r = shape.rank;
    const goss_extent inner = shape.dim[s->attr[0] ? r - 2 : r - 1],
                      columns = rp_chance(m, 0.15) ? rp_extent(1 + (int)rp_below(m, 2)) : rp_feature(m);
    const double terms = (double)rp_eval(inner, m->p->maximum);
    if (columns.symbols && inner.symbols) return false; /* keeps symbols from piling up */
    shape.dim[r - 2] = s->attr[1] ? columns : inner, shape.dim[r - 1] = s->attr[1] ? inner : columns;
    for (int i = 0; i + 2 < r; i++)
        if (rp_chance(m, 0.5)) shape.dim[i] = goss_n(1);
    int b = RP_NONE;
    for (int tries = 0; b == RP_NONE && tries < 12; tries++) {
        const int at = rp_pick(m, rp_has_two);
        const goss_shape *t = at == RP_NONE ? &shape : &rp_at(m, at)->shape;
        bool fits = at != RP_NONE && t->rank == r && goss_extent_equal(t->dim[s->attr[1] ? r - 1 : r - 2], inner);
        for (int i = 0; fits && i + 2 < r; i++)
            fits = goss_extent_equal(t->dim[i], rp_at(m, a)->shape.dim[i]) || goss_extent_is(t->dim[i], 1);
        if (fits) b = rp_calm(m, at);
    }
    if (b == RP_NONE) b = rp_fresh(m, shape, rp_within(1.7 / sqrt(terms)));
    RP_TAKE(s, a);
    RP_TAKE(s, b);
    s->mixes = r < 3;
    s->range = rp_within(terms * rp_size(RP_RANGE(0)) * rp_size(RP_RANGE(1)));
    return true;
}

/* A product and what is added to it. */
RP_BUILD(linear, goss_add(goss_matmul(in[0], in[1], s->attr[0], s->attr[1]), in[2]))
RP_MAKE(linear) {
    if (!rp_make_matmul(m, s)) return false;
    goss_shape a = RP_SHAPE(0), b = RP_SHAPE(1);
    const int r = a.rank;
    for (int i = 0; i + 2 < r; i++)
        if (goss_extent_is(a.dim[i], 1)) a.dim[i] = b.dim[i];
    a.dim[r - 2] = s->attr[0] ? a.dim[r - 1] : a.dim[r - 2];
    a.dim[r - 1] = b.dim[s->attr[1] ? r - 2 : r - 1];
    RP_TAKE(s, rp_chance(m, 0.5) ? rp_fresh(m, rp_thinned(m, a), rp_within(1)) : rp_partner(m, a, rp_within(1)));
    s->range = rp_within(rp_size(s->range) + rp_size(RP_RANGE(2)));
    return true;
}

/* A network of two layers whose weights are slices of numbers that a product generates for each task. */
static goss_val rp_slice_as(goss_val flat, int64_t *at, int64_t rows, int64_t columns) {
    goss_val part = goss_slice(flat, 1, *at, rows * columns);
    *at += rows * columns;
    return goss_reshape(part, GOSS_SHAPE(goss_dim(flat, 0), goss_n(rows), goss_n(columns)));
}
static goss_val rp_network(goss_val x, goss_val code, goss_val w, int64_t hidden, int64_t out) {
    const int64_t in = goss_dim(x, 2).count;
    goss_val flat = goss_matmul(code, w, false, false);
    int64_t at = 0;
    flat = goss_reshape(flat, GOSS_SHAPE(goss_dim(x, 0), goss_dim(w, 2)));
    goss_val weights = rp_slice_as(flat, &at, in, hidden), bias = rp_slice_as(flat, &at, 1, hidden);
    goss_val h = goss_sigmoid(goss_add(goss_matmul(x, weights, false, false), bias));
    return goss_matmul(h, rp_slice_as(flat, &at, hidden, out), false, false);
}
static bool rp_is_batch(const rp_step *s) {
    return rp_any(s) && s->shape.rank == 3 && !rp_fixed(s->shape.dim[0]) && rp_fixed(s->shape.dim[2]) &&
           s->shape.dim[2].count <= 16;
}
RP_BUILD(generated, rp_network(in[0], in[1], in[2], s->attr[0], s->attr[1]))
RP_MAKE(generated) {
    const int64_t hidden = 1 + rp_below(m, 6), out = 1 + rp_below(m, 4), code = 2 + rp_below(m, 3);
    int at = rp_pick(m, rp_is_batch);
    if (at == RP_NONE)
        at = rp_fresh(m, GOSS_SHAPE(rp_extent(0), rp_extent(1), goss_n(1 + rp_below(m, 6))), rp_within(1));
    s->attr[0] = hidden, s->attr[1] = out;
    RP_TAKE(s, rp_calm(m, at));
    const goss_shape x = RP_SHAPE(0);
    const int64_t all = (x.dim[2].count + 1 + out) * hidden + rp_below(m, 3);
    RP_TAKE(s, rp_fresh(m, GOSS_SHAPE(x.dim[0], goss_n(1), goss_n(code)), rp_within(1)));
    RP_TAKE(s, rp_fresh(m, GOSS_SHAPE(goss_n(1), goss_n(code), goss_n(all)), rp_within(0.5)));
    s->range = rp_within((double)hidden * (double)code * 0.5);
    return true;
}

static bool rp_is_square_made(const rp_step *s) {
    const int r = s->shape.rank;
    return rp_any(s) && r > 1 && rp_fixed(s->shape.dim[r - 2]) && rp_fixed(s->shape.dim[r - 1]) &&
           s->shape.dim[r - 2].count <= 6 && s->shape.dim[r - 1].count <= 32;
}
/* B B' / k + I for B [..., D, k]: positive definite, well conditioned. */
static goss_val rp_spd(goss_val b) {
    const goss_extent d = goss_dim(b, -2);
    goss_shape eye = goss_shape_of(b);
    for (int i = 0; i < eye.rank; i++) eye.dim[i] = goss_n(1);
    eye.dim[eye.rank - 2] = eye.dim[eye.rank - 1] = d;
    return goss_add(goss_scale(goss_matmul(b, b, false, true), 1 / (double)goss_dim(b, -1).count),
                    goss_reshape(goss_one_hot(goss_iota(b.graph, d), d), eye));
}
static int rp_matrix(rp_maker *m) {
    const int at = rp_value(m, rp_is_square_made);
    if (at != RP_NONE) return at;
    return rp_fresh(m, GOSS_SHAPE(rp_extent(0), goss_n(1 + rp_below(m, 5)), goss_n(1 + rp_below(m, 6))), rp_within(1));
}
RP_BUILD(spd_solve, goss_spd_solve(rp_spd(in[0]), in[1]))
RP_MAKE(spd_solve) {
    RP_TAKE(s, rp_matrix(m));
    goss_shape shape = RP_SHAPE(0);
    const int r = shape.rank;
    shape.dim[r - 1] = goss_n(1 + rp_below(m, 4));
    RP_TAKE(s, rp_fresh(m, shape, rp_within(1.5)));
    s->mixes = r < 3;
    s->range = rp_within(sqrt((double)shape.dim[r - 2].count) * rp_size(RP_RANGE(1)));
    return true;
}
RP_BUILD(log_det, goss_log_det(rp_spd(in[0])))
RP_MAKE(log_det) {
    RP_TAKE(s, rp_matrix(m));
    const double d = (double)RP_SHAPE(0).dim[RP_SHAPE(0).rank - 2].count, size = rp_size(RP_RANGE(0));
    s->mixes = RP_SHAPE(0).rank < 3;
    s->range = (rp_range){0, d * log(1 + d * size * size)};
    return true;
}
/* A matrix whose singular values are apart: about 1, 2, 3.5. */
static goss_val rp_apart(goss_val x) {
    goss_graph *g = x.graph;
    goss_val at = goss_one_hot(goss_iota(g, goss_n(3)), goss_dim(x, -1)), part[3];
    static const double size[3] = {1, 2, 3.5};
    for (int i = 0; i < 3; i++) part[i] = goss_scale(goss_slice(at, 0, i, 1), size[i]);
    goss_val rows = goss_concat(part, 3, 0);
    goss_shape shape = goss_shape_of(x);
    for (int i = 0; i + 2 < shape.rank; i++) shape.dim[i] = goss_n(1);
    return goss_add(goss_scale(x, 0.1), goss_reshape(rows, shape));
}
RP_BUILD(singular_values, goss_singular_values(rp_apart(in[0])))
RP_BUILD(singular_vectors, goss_singular_vectors(rp_apart(in[0])))
static bool rp_make_singular(rp_maker *m, rp_step *s, double size) {
    goss_shape shape = GOSS_SHAPE(rp_chance(m, 0.5) ? rp_extent(0) : goss_n(1), goss_n(3), goss_n(3 + rp_below(m, 6)));
    RP_TAKE(s, rp_fresh(m, shape, rp_within(1)));
    s->range = rp_within(size);
    return true;
}
RP_MAKE(singular_values) { return rp_make_singular(m, s, 5); }
RP_MAKE(singular_vectors) { return rp_make_singular(m, s, 1); }
RP_BUILD(gram_root, goss_gram_root(in[0], s->number))
RP_MAKE(gram_root) {
    RP_TAKE(s, rp_matrix(m));
    const goss_shape *shape = &RP_SHAPE(0);
    s->number = 0.5, s->mixes = shape->rank < 3;
    s->range =
        rp_within(0.5 + rp_size(RP_RANGE(0)) *
                            sqrt((double)(shape->dim[shape->rank - 2].count * shape->dim[shape->rank - 1].count)));
    return true;
}
#endif
