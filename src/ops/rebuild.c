/* SPDX-License-Identifier: Apache-2.0 */
/* rebuild.c: rebuilding operations from their descriptions by the builders, to verify programs read from text or files
 * (ir/program_verify.c). Builders remain the only place that knows which operations are valid.
 *
 * Operations without a public builder are adjoints of one that has one: that one is built on a probe of the written
 * shape, and must yield the shape of the operand. */
#include <math.h>

#include "ops/ops.h"

static goss_val none(goss_graph *g) { return (goss_val){g, 0}; }

static goss_val refuse(goss_graph *g, const goss__proto *p, const char *why) {
    return goss_graph_fail(g, GOSS_E_FORMAT, "%s: %s", p->op->name, why);
}

/* ---- probes ---- */

typedef struct goss__probe_attr {
    int64_t number;
} goss__probe_attr;
static const goss__attr_field probe_fields[] = {GOSS__FIELD(probe, number, INT)};
static GOSS__DEFINE_ATTRS(probe, probe_fields);
static const goss__op probe = {.name = "value", .attrs = &goss__probe_attrs};

goss_val goss__probe(goss_graph *g, goss_type type, goss_shape shape, int64_t number) {
    const goss__probe_attr attr = {number};
    return goss__emit(g, &(goss__proto){.op = &probe, .type = type, .shape = shape, .attr = &attr});
}

/* A probe that is not a value of the program. */
static goss_val probe_of(goss_graph *g, goss_shape shape) { return goss__probe(g, GOSS_REAL, shape, -1); }

static bool has_shape(goss_val a, goss_shape s) { return goss_valid(a) && goss_shape_equal(goss_shape_of(a), s); }

/* ---- leaves and assignments; the verifier checks that names are unique ---- */

static goss_val rebuild_input(goss_graph *g, const goss__proto *p) { return goss__emit(g, p); }

static goss_val rebuild_param(goss_graph *g, const goss__proto *p) {
    for (int i = 0; i < p->shape.rank; i++)
        if (p->shape.dim[i].symbols != 0) return refuse(g, p, "a parameter's extents are numbers");
    return p->type == GOSS_REAL ? goss__emit(g, p) : refuse(g, p, "a parameter is real");
}

static goss_val rebuild_const(goss_graph *g, const goss__proto *p) {
    return goss_const(g, GOSS__ATTR(p, const)->value);
}

static goss_val rebuild_extent(goss_graph *g, const goss__proto *p) {
    const goss_extent e = GOSS__ATTR(p, extent)->extent;
    int64_t most;
    if (!goss__extent_most(&g->symbols, e, &most) || most > GOSS__MOST_ELEMENTS)
        return refuse(g, p, "it is beyond 2^44 at the planned maxima");
    return goss__extent_value(g, e);
}

static goss_val rebuild_iota(goss_graph *g, const goss__proto *p) {
    return p->shape.rank == 1 ? goss_iota(g, p->shape.dim[0]) : refuse(g, p, "its rank is 1");
}

static goss_val rebuild_assign(goss_graph *g, const goss__proto *p) { return goss_assign(p->in[0], p->in[1]); }
static goss_val rebuild_assign_rows(goss_graph *g, const goss__proto *p) {
    return goss_assign_rows(p->in[0], p->in[1], p->in[2]);
}

/* ---- elementwise ---- */

#define CALL_1(name) goss_##name(p->in[0])
#define CALL_2(name) goss_##name(p->in[0], p->in[1])
#define CALL_3(name) goss_##name(p->in[0], p->in[1], p->in[2])
#define ROW(name, arity, formula, va, vb, vc, ...)                                                                     \
    static goss_val rebuild_ew_##name(goss_graph *g, const goss__proto *p) { return CALL_##arity(name); }
#include "kernel/elementwise.def"
#undef ROW

/* ---- layout ---- */

static goss_val rebuild_detach(goss_graph *g, const goss__proto *p) { return goss_detach(p->in[0]); }
static goss_val rebuild_variable(goss_graph *g, const goss__proto *p) { return goss_variable(p->in[0]); }
static goss_val rebuild_broadcast(goss_graph *g, const goss__proto *p) { return goss_broadcast(p->in[0], p->shape); }
static goss_val rebuild_reshape(goss_graph *g, const goss__proto *p) { return goss_reshape(p->in[0], p->shape); }

static goss_val rebuild_permute(goss_graph *g, const goss__proto *p) {
    const goss__axis_list *axes = &GOSS__ATTR(p, permute)->axes;
    int order[GOSS_MAX_RANK] = {0};
    if (axes->n != goss_rank(p->in[0])) return refuse(g, p, "it lists every axis of its operand once");
    for (int64_t i = 0; i < axes->n; i++) order[i] = (int)axes->axis[i];
    return goss_permute(p->in[0], order);
}

/* An axis as int; out of range stays out of range. */
static int axis(int64_t a) { return a >= 0 && a < GOSS_MAX_RANK ? (int)a : GOSS_MAX_RANK; }

static goss_val rebuild_slice(goss_graph *g, const goss__proto *p) {
    const goss__slice_attr *a = GOSS__ATTR(p, slice);
    return goss_slice(p->in[0], axis(a->axis), a->start, a->count);
}
static goss_val rebuild_pad(goss_graph *g, const goss__proto *p) {
    const goss__pad_attr *a = GOSS__ATTR(p, pad);
    return goss_pad(p->in[0], axis(a->axis), a->before, a->after);
}
static goss_val rebuild_concat(goss_graph *g, const goss__proto *p) {
    return goss_concat(p->in, p->n_in, axis(GOSS__ATTR(p, concat)->axis));
}

/* ---- reductions and products ---- */

static goss_val rebuild_sum(goss_graph *g, const goss__proto *p) {
    return goss_sum(p->in[0], (uint32_t)GOSS__ATTR(p, reduce)->axes, true);
}
static goss_val rebuild_reduce_max(goss_graph *g, const goss__proto *p) {
    return goss_reduce_max(p->in[0], (uint32_t)GOSS__ATTR(p, reduce)->axes, true);
}
static goss_val rebuild_matmul(goss_graph *g, const goss__proto *p) {
    const goss__matmul_attr *a = GOSS__ATTR(p, matmul);
    return goss_matmul(p->in[0], p->in[1], a->transpose_a, a->transpose_b);
}

static goss_val rebuild_spd_solve(goss_graph *g, const goss__proto *p) { return goss_spd_solve(p->in[0], p->in[1]); }
static goss_val rebuild_log_det(goss_graph *g, const goss__proto *p) { return goss_log_det(p->in[0]); }

/* mirror_lower and fold_lower: of square matrices. */
static goss_val rebuild_triangle(goss_graph *g, const goss__proto *p) {
    const goss_shape s = goss_shape_of(p->in[0]);
    if (goss__node_of(p->in[0])->type != GOSS_REAL || s.rank < 2 ||
        !goss_extent_equal(s.dim[s.rank - 1], s.dim[s.rank - 2]))
        return refuse(g, p, "its operand is real and its last two axes are equal");
    return goss__make(p->op, GOSS_REAL, s, p->in, 1, NULL);
}

/* ---- singular values ---- */

/* The public builders' nodes read w and its decomposition, operand 1 here. */
static goss_val rebuild_singular(goss_graph *g, const goss__proto *p) {
    goss_val basis;
    const goss_val values = goss_singular_values(p->in[0]);
    return goss_valid(values) && goss__made_by(values, &goss__op_singular_values, 1, &basis) ? basis : none(g);
}
static goss_val rebuild_singular_values(goss_graph *g, const goss__proto *p) { return goss_singular_values(p->in[0]); }
static goss_val rebuild_singular_vectors(goss_graph *g, const goss__proto *p) {
    return goss_singular_vectors(p->in[0]);
}

/* (w, vectors, values): the written ones, if they have the shapes of w's. */
static goss_val rebuild_gram_root(goss_graph *g, const goss__proto *p) {
    const goss_val made = goss_gram_root(p->in[0], GOSS__ATTR(p, root)->eps);
    if (!goss_valid(made) || !goss__typed(p->op->name, p->in, 3, GOSS_REAL)) return none(g);
    const goss__node *n = goss__node_of(made);
    if (n->in[0] != p->in[0].id) return refuse(g, p, "its operand's sides are in the other order");
    for (int i = 1; i < 3; i++)
        if (!has_shape(p->in[i], goss__in(g, n, i)->shape))
            return refuse(g, p, "operands 1 and 2 do not have the shapes of operand 0's decomposition");
    return goss__make(p->op, GOSS_REAL, n->shape, p->in, 3, p->attr);
}

/* (root [..., K, K], vectors [..., K, K], values [..., K], c [..., K, K]) */
static goss_val rebuild_lyapunov(goss_graph *g, const goss__proto *p) {
    const double eps = GOSS__ATTR(p, root)->eps;
    if (!goss__typed(p->op->name, p->in, 4, GOSS_REAL)) return none(g);
    goss_shape s = goss_shape_of(p->in[0]);
    if (s.rank < 2 || s.dim[s.rank - 1].symbols || !(eps >= 0) || eps == (double)INFINITY ||
        !has_shape(goss_singular_vectors(p->in[0]), s))
        return refuse(g, p, "operand 0 is square with a fixed side, eps a number of at least 0");
    if (!has_shape(p->in[1], s) || !has_shape(p->in[2], goss_shape_of(goss_singular_values(p->in[0]))) ||
        !has_shape(p->in[3], s))
        return refuse(g, p, "operands 1, 2 and 3 do not have the shapes of a decomposition and of operand 0");
    return goss__make(p->op, GOSS_REAL, s, p->in, 4, p->attr);
}

/* ---- convolutions ---- */

/* As int; out of range becomes a value that builders refuse. */
static int small(int64_t v) { return v >= 0 && v <= INT32_MAX ? (int)v : -1; }

/* conv(x, w) with the written attributes; y's shape, if those are its attributes. */
static bool conv_shape(goss_graph *g, const goss__proto *p, goss_val x, goss_val w, goss_shape *y) {
    const goss__conv_attr *a = GOSS__ATTR(p, conv);
    const goss_val made = goss_conv(x, w,
                                    (goss_conv_options){.stride_h = small(a->stride_h),
                                                        .stride_w = small(a->stride_w),
                                                        .dilation_h = small(a->dilation_h),
                                                        .dilation_w = small(a->dilation_w),
                                                        .groups = small(a->groups),
                                                        .pad_top = small(a->pad_top),
                                                        .pad_left = small(a->pad_left),
                                                        .pad_bottom = small(a->pad_bottom),
                                                        .pad_right = small(a->pad_right)});
    if (!goss_valid(made)) return false;
    const goss__node *n = goss__node_of(made);
    *y = n->shape;
    if (n->op == &goss__op_conv && memcmp(n->attr, a, sizeof *a) == 0) return true;
    refuse(g, p, "attributes and shapes are not those of one convolution");
    return false;
}

static goss_val rebuild_conv(goss_graph *g, const goss__proto *p) {
    goss_shape y;
    return conv_shape(g, p, p->in[0], p->in[1], &y) ? goss__make(p->op, GOSS_REAL, y, p->in, 2, p->attr) : none(g);
}

/* The gradients: (gy, w) and (x, gy). */
static goss_val rebuild_conv_dx(goss_graph *g, const goss__proto *p) {
    goss_shape y;
    if (!goss__typed(p->op->name, p->in, 2, GOSS_REAL) || !conv_shape(g, p, probe_of(g, p->shape), p->in[1], &y))
        return none(g);
    return has_shape(p->in[0], y) ? goss__make(p->op, GOSS_REAL, p->shape, p->in, 2, p->attr)
                                  : refuse(g, p, "operand 0 does not have the shape of the convolution's operand");
}
static goss_val rebuild_conv_dw(goss_graph *g, const goss__proto *p) {
    goss_shape y;
    if (!goss__typed(p->op->name, p->in, 2, GOSS_REAL) || !conv_shape(g, p, p->in[0], probe_of(g, p->shape), &y))
        return none(g);
    return has_shape(p->in[1], y) ? goss__make(p->op, GOSS_REAL, p->shape, p->in, 2, p->attr)
                                  : refuse(g, p, "operand 1 does not have the shape of the convolution's operand");
}

/* ---- pooling ---- */

/* window_sum of x with the written attributes; the public builder returns it scaled. */
static goss_val window_sum(goss_graph *g, const goss__proto *p, goss_val x) {
    const goss__pool_attr *a = GOSS__ATTR(p, pool);
    goss_val sum;
    const goss_val mean = goss_avg_pool(x, (goss_pool_options){.size_h = small(a->size_h),
                                                               .size_w = small(a->size_w),
                                                               .stride_h = small(a->stride_h),
                                                               .stride_w = small(a->stride_w),
                                                               .pad_top = small(a->pad_top),
                                                               .pad_left = small(a->pad_left),
                                                               .pad_bottom = small(a->pad_bottom),
                                                               .pad_right = small(a->pad_right)});
    if (!goss_valid(mean)) return mean;
    if (!goss__made_by(mean, &goss__op_ew[GOSS__EW_mul], 0, &sum)) sum = mean;
    if (goss__node_of(sum)->op == &goss__op_window_sum && memcmp(goss__node_of(sum)->attr, a, sizeof *a) == 0)
        return sum;
    return refuse(g, p, "attributes and shapes are not those of one pooling");
}

static goss_val rebuild_window_sum(goss_graph *g, const goss__proto *p) { return window_sum(g, p, p->in[0]); }

/* gy -> x. */
static goss_val rebuild_window_spread(goss_graph *g, const goss__proto *p) {
    const goss_val sum = window_sum(g, p, probe_of(g, p->shape));
    if (!goss_valid(sum) || !goss__typed(p->op->name, p->in, 1, GOSS_REAL)) return none(g);
    return has_shape(p->in[0], goss_shape_of(sum))
               ? goss__make(p->op, GOSS_REAL, p->shape, p->in, 1, p->attr)
               : refuse(g, p, "operand 0 does not have the shape of the pooling's operand");
}

/* The factor [T or 1, N or 1, 1, 1, C] of pool_argmax. */
static bool is_factor(goss_val factor, goss_shape x) {
    const goss_shape s = goss_shape_of(factor);
    if (goss__node_of(factor)->type != GOSS_REAL || s.rank != 5 || !goss_extent_equal(s.dim[4], x.dim[4])) return false;
    for (int i = 0; i < 4; i++)
        if (!goss_extent_is(s.dim[i], 1) && (i >= 2 || !goss_extent_equal(s.dim[i], x.dim[i]))) return false;
    return true;
}

static goss_val rebuild_max_pool(goss_graph *g, const goss__proto *p) {
    const goss_val sum = window_sum(g, p, p->in[0]);
    return goss_valid(sum) ? goss__make(p->op, GOSS_REAL, goss_shape_of(sum), p->in, 1, p->attr) : sum;
}

static goss_val rebuild_pool_argmax(goss_graph *g, const goss__proto *p) {
    const goss_val sum = window_sum(g, p, p->in[0]);
    if (!goss_valid(sum)) return sum;
    if (p->n_in == 2 && !is_factor(p->in[1], goss_shape_of(p->in[0])))
        return refuse(g, p, "operand 1 is not a factor per channel of operand 0");
    return goss__make(p->op, GOSS_INDEX, goss_shape_of(sum), p->in, p->n_in, p->attr);
}

/* Taps are looked up unchecked at run time: the index must be an argmax over the same windows. */
static bool is_argmax(const goss__proto *p, goss_val index) {
    const goss__node *n = goss__node_of(index);
    return n->op == &goss__op_pool_argmax && memcmp(n->attr, p->attr, sizeof(goss__pool_attr)) == 0;
}

/* (x, index) -> taps; (taps, index) -> x. */
static goss_val rebuild_taps(goss_graph *g, const goss__proto *p, goss_val x, goss_shape taps, goss_shape out) {
    const goss_val sum = window_sum(g, p, x);
    if (!goss_valid(sum) || !goss__typed(p->op->name, p->in, 1, GOSS_REAL)) return none(g);
    if (!has_shape(sum, taps) || !has_shape(p->in[1], taps))
        return refuse(g, p, "operands do not have the shapes of one pooling");
    if (!is_argmax(p, p->in[1])) return refuse(g, p, "operand 1 is not a pool_argmax over the same windows");
    return goss__make(p->op, GOSS_REAL, out, p->in, 2, p->attr);
}
static goss_val rebuild_pool_gather(goss_graph *g, const goss__proto *p) {
    return rebuild_taps(g, p, p->in[0], p->shape, p->shape);
}
static goss_val rebuild_pool_scatter(goss_graph *g, const goss__proto *p) {
    return rebuild_taps(g, p, probe_of(g, p->shape), goss_shape_of(p->in[0]), p->shape);
}

/* ---- indexing, random numbers ---- */

static goss_val rebuild_gather(goss_graph *g, const goss__proto *p) { return goss_gather(p->in[0], p->in[1]); }
static goss_val rebuild_scatter_add(goss_graph *g, const goss__proto *p) {
    return p->shape.rank < 1 ? refuse(g, p, "its result has rows")
                             : goss_scatter_add(p->in[0], p->in[1], p->shape.dim[0]);
}
static goss_val rebuild_one_hot(goss_graph *g, const goss__proto *p) {
    return p->shape.rank < 1 ? refuse(g, p, "its result would have too many axes")
                             : goss_one_hot(p->in[0], p->shape.dim[p->shape.rank - 1]);
}

static goss_val rebuild_to_real(goss_graph *g, const goss__proto *p) { return goss_to_real(p->in[0]); }
static goss_val rebuild_to_index(goss_graph *g, const goss__proto *p) { return goss_to_index(p->in[0]); }

/* (task ids, 0 .. samples - 1); the stream has the written name. */
static goss_val rebuild_random(goss_graph *g, const goss__proto *p) {
    const goss_val made = p->op == &goss__op_random_normal ? goss_random_normal(p->in[0], p->shape)
                                                           : goss_random_uniform(p->in[0], p->shape);
    if (!goss_valid(made)) return made;
    const goss__node *n = goss__node_of(made);
    const goss__node *samples = goss__in(g, n, 1), *given = goss__node_of(p->in[1]);
    if (!p->name || !p->name[0]) return refuse(g, p, "it needs the name of its stream");
    if (given->type != GOSS_INDEX || !goss_shape_equal(given->shape, samples->shape))
        return refuse(g, p, "operand 1 does not have one index for each sample");
    goss__proto named = *p;
    named.shape = n->shape, named.attr = n->attr;
    return goss__emit(g, &named);
}

/* ---- the table ---- */

typedef struct rebuilder {
    const goss__op *op;
    int least, most; /* operands */
    goss_val (*rebuild)(goss_graph *g, const goss__proto *p);
} rebuilder;

static const rebuilder all[] = {
    {&goss__op_input, 0, 0, rebuild_input},
    {&goss__op_param, 0, 0, rebuild_param},
    {&goss__op_const, 0, 0, rebuild_const},
    {&goss__op_extent, 0, 0, rebuild_extent},
    {&goss__op_iota, 0, 0, rebuild_iota},
    {&goss__op_assign, 2, 2, rebuild_assign},
    {&goss__op_assign_rows, 3, 3, rebuild_assign_rows},
#define ROW(name, arity, formula, va, vb, vc, ...) {&goss__op_ew[GOSS__EW_##name], arity, arity, rebuild_ew_##name},
#include "kernel/elementwise.def"
#undef ROW
    {&goss__op_detach, 1, 1, rebuild_detach},
    {&goss__op_variable, 1, 1, rebuild_variable},
    {&goss__op_broadcast, 1, 1, rebuild_broadcast},
    {&goss__op_reshape, 1, 1, rebuild_reshape},
    {&goss__op_permute, 1, 1, rebuild_permute},
    {&goss__op_slice, 1, 1, rebuild_slice},
    {&goss__op_pad, 1, 1, rebuild_pad},
    {&goss__op_concat, 1, GOSS__MAX_IN, rebuild_concat},
    {&goss__op_sum, 1, 1, rebuild_sum},
    {&goss__op_reduce_max, 1, 1, rebuild_reduce_max},
    {&goss__op_matmul, 2, 2, rebuild_matmul},
    {&goss__op_spd_solve, 2, 2, rebuild_spd_solve},
    {&goss__op_log_det, 1, 1, rebuild_log_det},
    {&goss__op_singular, 1, 1, rebuild_singular},
    {&goss__op_singular_values, 2, 2, rebuild_singular_values},
    {&goss__op_singular_vectors, 2, 2, rebuild_singular_vectors},
    {&goss__op_gram_root, 3, 3, rebuild_gram_root},
    {&goss__op_lyapunov, 4, 4, rebuild_lyapunov},
    {&goss__op_mirror_lower, 1, 1, rebuild_triangle},
    {&goss__op_fold_lower, 1, 1, rebuild_triangle},
    {&goss__op_conv, 2, 2, rebuild_conv},
    {&goss__op_conv_dx, 2, 2, rebuild_conv_dx},
    {&goss__op_conv_dw, 2, 2, rebuild_conv_dw},
    {&goss__op_max_pool, 1, 1, rebuild_max_pool},
    {&goss__op_pool_argmax, 1, 2, rebuild_pool_argmax},
    {&goss__op_pool_gather, 2, 2, rebuild_pool_gather},
    {&goss__op_pool_scatter, 2, 2, rebuild_pool_scatter},
    {&goss__op_window_sum, 1, 1, rebuild_window_sum},
    {&goss__op_window_spread, 1, 1, rebuild_window_spread},
    {&goss__op_gather, 2, 2, rebuild_gather},
    {&goss__op_scatter_add, 2, 2, rebuild_scatter_add},
    {&goss__op_one_hot, 1, 1, rebuild_one_hot},
    {&goss__op_to_real, 1, 1, rebuild_to_real},
    {&goss__op_to_index, 1, 1, rebuild_to_index},
    {&goss__op_random_uniform, 2, 2, rebuild_random},
    {&goss__op_random_normal, 2, 2, rebuild_random},
};

goss_val goss__rebuild(goss_graph *g, const goss__proto *p) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].op != p->op) continue;
        if (p->n_in >= all[i].least && p->n_in <= all[i].most) return all[i].rebuild(g, p);
        return goss_graph_fail(g, GOSS_E_FORMAT, "%s: it takes %d operand%s, not %d", p->op->name, all[i].least,
                               all[i].least == 1 ? "" : "s", p->n_in);
    }
    return refuse(g, p, "no program has it");
}
