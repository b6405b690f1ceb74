/* SPDX-License-Identifier: Apache-2.0 */
/* op_cases.h: small graphs that between them hold every operation, for the gradient checker and for the comparison of
 * f32 with f64. A case has inputs of given shapes and kinds of numbers; its extents may be the symbols T (3 of at most
 * 3 run) and N (2 of at most 4). A new op needs a case here: the tests walk the registry and fail without one. */
#ifndef GOSS_OP_CASES_H
#define GOSS_OP_CASES_H

#include "base/rng.h"
#include "gossamer/exec.h"
#include "gossamer/scan.h"
#include "ops/ops.h"
#include "test.h"

enum { T = -1, N = -2, RUN_T = 3, RUN_N = 2, MAX_T = 3, MAX_N = 4, CASE_INPUTS = 4, CASE_NUMBERS = 8192 };

typedef enum case_kind {
    NO_INPUT,
    NORMAL,
    POSITIVE, /* 0.5 .. 2 */
    AWAY,     /* at least 0.25 from zero */
    DISTINCT, /* at least 0.15 from every other number of the case */
    SPD,      /* [..., D, D], well conditioned */
    MASK,     /* 0 or 1; never differentiated */
    INDEX     /* 0 .. 4; never differentiated */
} case_kind;

typedef struct case_input {
    case_kind kind;
    int rank;
    int64_t dim[6];
} case_input;

typedef struct op_case {
    const char *name;
    goss_val (*build)(goss_graph *g, const goss_val *x);
    case_input in[CASE_INPUTS];
    bool values_only; /* made of ops without gradient */
} op_case;

#define FN(id, ...)                                                                                                    \
    static goss_val id(goss_graph *g, const goss_val *x) { return __VA_ARGS__; }

/* ---- elementwise rows: one case each, from the table ---- */
#define CALL_1(name) goss_##name(x[0])
#define CALL_2(name) goss_##name(x[0], x[1])
#define CALL_3(name) goss_##name(x[0], x[1], x[2])
#define ROW(name, arity, formula, va, vb, vc, ...) FN(ew_##name, CALL_##arity(name))
#include "kernel/elementwise.def"
#undef ROW

/* Kinds of the operands where normal numbers will not do. */
static case_kind ew_kind(const char *op, int operand) {
    static const struct {
        const char *op;
        case_kind kind[3];
    } special[] = {{"log", {POSITIVE}},
                   {"sqrt", {POSITIVE}},
                   {"rsqrt", {POSITIVE}},
                   {"div", {NORMAL, AWAY}},
                   {"abs", {AWAY}},
                   {"relu", {AWAY}},
                   {"sign", {AWAY}},
                   {"floor", {DISTINCT}},
                   {"max", {DISTINCT, DISTINCT}},
                   {"min", {DISTINCT, DISTINCT}},
                   {"less", {DISTINCT, DISTINCT}},
                   {"select", {MASK, NORMAL, NORMAL}}};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (strcmp(special[i].op, op) == 0) return special[i].kind[operand];
    return NORMAL;
}

/* ---- what needs more than one expression ---- */
static goss_val vjp_of(goss_val y, goss_val cotangent, goss_val wrt) {
    goss_val out;
    return goss_vjp(y, cotangent, &wrt, 1, &out) == GOSS_OK ? out : (goss_val){y.graph, 0};
}

static goss_conv_options conv_at(int stride, int dilation, int groups, int top, int left, int bottom, int right) {
    goss_conv_options o = goss_conv_defaults();
    o.stride_h = o.stride_w = stride;
    o.dilation_h = o.dilation_w = dilation;
    o.groups = groups;
    o.pad_top = top, o.pad_left = left, o.pad_bottom = bottom, o.pad_right = right;
    return o;
}
static goss_conv_options uneven(void) {
    goss_conv_options o = conv_at(1, 1, 1, 0, 1, 2, 0);
    o.stride_w = 2, o.dilation_h = 2;
    return o;
}
static goss_pool_options overlapping(void) {
    goss_pool_options o = goss_pool_defaults(3);
    o.stride_h = o.stride_w = 2;
    o.pad_top = o.pad_left = o.pad_right = 1;
    return o;
}
static goss_pool_options flat_window(void) {
    goss_pool_options o = goss_pool_defaults(2);
    o.size_w = 1, o.stride_w = 1, o.stride_h = 1;
    return o;
}

#define SHAPE_OF(v, ...) GOSS_SHAPE(goss_dim(v, 0), __VA_ARGS__)
#define ONE goss_n(1)

/* broadcast, reshape, permute, slice, pad, concat */
FN(mul_channels, goss_mul(x[0], x[1]))
FN(mul_itself, goss_mul(x[0], x[0]))
FN(sub_outer, goss_sub(x[0], x[1]))
FN(select_mixed, goss_select(x[0], x[1], x[2]))
FN(mul_add_mixed, goss_mul_add(x[0], x[1], x[2]))
FN(broadcast_last, goss_broadcast(x[0], SHAPE_OF(x[1], goss_dim(x[1], 1), goss_n(3))))
FN(broadcast_scalar, goss_mul(goss_broadcast(goss_sum_all(x[0]), GOSS_SHAPE(goss_n(2), goss_n(3))), goss_const(g, 0.3)))
FN(broadcast_read_whole, goss_matmul(goss_broadcast(x[0], SHAPE_OF(x[1], goss_n(2), goss_n(3))), x[1], false, false))
FN(reshape_fold,
   goss_reshape(x[0], GOSS_SHAPE(goss_extent_mul(goss_dim(x[0], 0), goss_dim(x[0], 1)), goss_n(3), goss_n(2))))
FN(permute_rotate, goss_permute(x[0], (int[]){0, 3, 1, 2}))
FN(permute_swap_middle, goss_permute(x[0], (int[]){0, 2, 1, 3}))
FN(permute_front, goss_permute(x[0], (int[]){2, 0, 1}))
FN(permute_transpose, goss_transpose(x[0]))
FN(permute_reverse, goss_permute(x[0], (int[]){3, 2, 1, 0}))
FN(slice_middle, goss_slice(x[0], 1, 1, 2))
FN(slice_last, goss_slice(x[0], -1, 2, 3))
FN(slice_front, goss_slice(x[0], 0, 1, 1))
FN(slices_of_one, goss_mul(goss_slice(x[0], 1, 0, 2), goss_add(goss_slice(x[0], 1, 2, 2), goss_slice(x[0], 1, 3, 2))))
FN(pad_middle, goss_pad(x[0], 1, 2, 1))
FN(pad_last, goss_pad(x[0], 2, 0, 3))
FN(concat_middle, goss_concat((goss_val[]){x[0], x[1], x[0], x[2]}, 4, 1))
FN(concat_last, goss_concat(x, 2, 2))
FN(value_detach, goss_mul(goss_detach(goss_exp(x[0])), x[0]))

FN(variable_between, goss_exp(goss_variable(goss_neg(x[0]))))

/* reductions */
FN(sum_samples, goss_sum(x[0], GOSS_AXIS(1), false))
FN(sum_last, goss_sum(x[0], GOSS_AXIS(2), true))
FN(sum_tasks, goss_sum(x[0], GOSS_AXIS(0), true))
FN(sum_front, goss_sum(x[0], GOSS_AXIS(0) | GOSS_AXIS(1), false))
FN(sum_apart, goss_sum(x[0], GOSS_AXIS(1) | GOSS_AXIS(3), false))
FN(sum_apart_3, goss_sum(x[0], GOSS_AXIS(0) | GOSS_AXIS(2) | GOSS_AXIS(4), true))
FN(sum_everything, goss_sum_all(goss_mul(x[0], x[0])))
FN(mean_counted, goss_mean(x[0], GOSS_AXIS(0) | GOSS_AXIS(1), false))
FN(mean_fixed, goss_mean(x[0], GOSS_AXIS(2), false))
FN(max_last, goss_reduce_max(x[0], GOSS_AXIS(2), false))
FN(max_apart, goss_reduce_max(x[0], GOSS_AXIS(0) | GOSS_AXIS(2), true))

/* products */
FN(product, goss_matmul(x[0], x[1], false, false))
FN(product_ta, goss_matmul(x[0], x[1], true, false))
FN(product_tb, goss_matmul(x[0], x[1], false, true))
FN(product_tatb, goss_matmul(x[0], x[1], true, true))
FN(solve, goss_spd_solve(x[0], x[1]))
FN(solve_made,
   goss_spd_solve(goss_add(goss_matmul(x[0], x[0], true, false), goss_one_hot(goss_iota(g, goss_n(3)), goss_n(3))),
                  x[1]))
FN(fold_lower, vjp_of(goss_spd_solve(x[0], x[1]), x[2], x[0]))
static goss_val mirror_lower(goss_graph *g, const goss_val *x) {
    goss_val fold = vjp_of(goss_spd_solve(x[0], x[1]), x[2], x[0]);
    return vjp_of(fold, x[3], x[2]);
}

FN(log_det, goss_log_det(x[0]))

/* singular values: of matrices whose own are apart (about 1, 2, 3.5), or equal at x = 0 */
static goss_val apart(goss_graph *g, goss_val x) {
    goss_val at = goss_one_hot(goss_iota(g, goss_n(3)), goss_dim(x, -1)), rows, part[3];
    const double size[3] = {1, 2, 3.5};
    for (int i = 0; i < 3; i++) part[i] = goss_scale(goss_slice(at, 0, i, 1), size[i]);
    rows = goss_concat(part, 3, 0);
    return goss_add(goss_scale(x, 0.1), goss_rank(x) == 3 ? goss_unsqueeze(rows, 0) : rows);
}
FN(values_apart, goss_singular_values(apart(g, x[0])))
FN(values_turned, goss_singular_values(goss_transpose(apart(g, x[0]))))
FN(vectors_apart, goss_singular_vectors(apart(g, x[0])))
FN(root_smooth, goss_gram_root(x[0], 0.5))
FN(root_sharp, goss_gram_root(apart(g, x[0]), 0))
FN(root_of_equals, goss_gram_root(goss_add(goss_one_hot(goss_iota(g, goss_n(3)), goss_n(4)),
                                           goss_mul(x[0], goss_scale(goss_square(x[0]), 0.05))),
                                  0))
FN(root_gradient, vjp_of(goss_gram_root(x[0], 0.7), x[1], x[0]))

/* convolutions and pools */
FN(conv_same, goss_conv(x[0], x[1], conv_at(1, 1, 1, 1, 1, 1, 1)))
FN(conv_stride, goss_conv(x[0], x[1], conv_at(2, 1, 1, 1, 0, 1, 2)))
FN(conv_dilated, goss_conv(x[0], x[1], conv_at(1, 2, 1, 2, 2, 2, 2)))
FN(conv_groups, goss_conv(x[0], x[1], conv_at(1, 1, 2, 0, 1, 1, 0)))
FN(conv_uneven, goss_conv(x[0], x[1], uneven()))
FN(conv_dx_same, vjp_of(goss_conv(x[0], x[1], conv_at(1, 1, 1, 1, 1, 1, 1)), x[2], x[0]))
FN(conv_dw_same, vjp_of(goss_conv(x[0], x[1], conv_at(1, 1, 1, 1, 1, 1, 1)), x[2], x[1]))
FN(conv_dx_stride, vjp_of(goss_conv(x[0], x[1], conv_at(2, 1, 2, 1, 0, 1, 2)), x[2], x[0]))
FN(conv_dw_stride, vjp_of(goss_conv(x[0], x[1], conv_at(2, 1, 2, 1, 0, 1, 2)), x[2], x[1]))
FN(conv_dw_uneven, vjp_of(goss_conv(x[0], x[1], uneven()), x[2], x[1]))
FN(max_pool, goss_max_pool(x[0], goss_pool_defaults(2)))
FN(max_pool_bias, goss_max_pool(goss_add(x[0], x[1]), goss_pool_defaults(2)))
FN(max_pool_norm, goss_max_pool(goss_mul(goss_sub(goss_scale(x[0], 0.1), x[1]), x[2]), goss_pool_defaults(2)))
FN(max_pool_overlap, goss_max_pool(x[0], overlapping()))
FN(max_pool_scatter, vjp_of(goss_max_pool(x[0], overlapping()), x[1], x[0]))
FN(max_pool_gather, vjp_of(vjp_of(goss_max_pool(x[0], overlapping()), x[1], x[0]), x[2], x[1]))
FN(avg_pool, goss_avg_pool(x[0], goss_pool_defaults(2)))
FN(avg_pool_overlap, goss_avg_pool(x[0], overlapping()))
FN(avg_pool_flat, goss_avg_pool(x[0], flat_window()))
FN(avg_pool_spread, vjp_of(goss_avg_pool(x[0], overlapping()), x[1], x[0]))

/* indexing and random */
FN(gather_rows, goss_gather(x[0], x[1]))
FN(scatter_rows, goss_scatter_add(x[0], x[1], goss_n(5)))
FN(hot, goss_one_hot(x[0], goss_n(4)))
FN(real, goss_to_real(x[0]))
FN(near, goss_gather(x[0], goss_to_index(x[1])))
FN(uniform, goss_random_uniform(goss_iota(g, goss_dim(x[0], 0)), goss_shape_of(x[0])))
FN(normal, goss_random_normal(goss_iota(g, goss_dim(x[0], 0)), goss_shape_of(x[0])))

/* scans: h' = tanh(x + h u), and all that they can do besides */
static goss_val scan_net(goss_graph *g, const goss_val *x, goss_scan_options o, bool mixes) {
    goss_scan *s = goss_scan_begin(g, goss_dim(x[1], 2), o);
    const goss_val h = goss_scan_carry(s, x[0]), xt = goss_scan_slice(s, x[1]), u = goss_scan_const(s, x[2]);
    goss_val h1 = goss_tanh(goss_add(xt, goss_matmul(h, u, false, false)));
    if (mixes) h1 = goss_mul(goss_sub(h1, goss_mean(h1, GOSS_AXIS(0), true)), goss_shift(goss_scan_step(s), 1));
    goss_scan_next(s, h, h1);
    const goss_val y = goss_mul(h1, goss_sin(h));
    goss_scan_emit(s, y);
    goss_scan_end(s);
    return goss_add(goss_scan_last(s, h), goss_sum(goss_scan_stacked(s, y), GOSS_AXIS(2), false));
}
static goss_scan_options scan_options(bool reverse, int64_t keep_every, goss_val length) {
    goss_scan_options o = goss_scan_defaults();
    o.reverse = reverse, o.keep_every = keep_every, o.length = length;
    return o;
}
/* A scan over the second axis of time inside one over the first. */
static goss_val scan_nested(goss_graph *g, const goss_val *x) {
    goss_scan *s = goss_scan_begin(g, goss_dim(x[1], 2), goss_scan_defaults());
    const goss_val h = goss_scan_carry(s, x[0]), row = goss_scan_slice(s, x[1]), u = goss_scan_const(s, x[2]);
    goss_scan *t = goss_scan_begin(h.graph, goss_dim(row, 2), scan_options(true, 1, goss_scan_defaults().length));
    const goss_val k = goss_scan_carry(t, h);
    goss_val k1 = goss_mul(goss_scan_slice(t, row), goss_scan_const(t, u));
    k1 = goss_scale(goss_sin(goss_add(k1, k)), 0.5);
    goss_scan_next(t, k, k1);
    goss_scan_emit(t, k1);
    goss_scan_end(t);
    goss_scan_next(s, h, goss_add(goss_scan_last(t, k), goss_sum(goss_scan_stacked(t, k1), GOSS_AXIS(2), false)));
    goss_scan_end(s);
    return goss_scan_last(s, h);
}
FN(scan_forward, scan_net(g, x, goss_scan_defaults(), false))
FN(scan_backward, scan_net(g, x, scan_options(true, 1, goss_scan_defaults().length), false))
FN(scan_mixes, scan_net(g, x, goss_scan_defaults(), true))
FN(scan_ragged, scan_net(g, x, scan_options(false, 1, goss_shift(goss_scale(x[3], 2), 1)), false))

FN(scan_segments, scan_net(g, x, scan_options(false, 2, goss_scan_defaults().length), false))
FN(scan_segments_back, scan_net(g, x, scan_options(true, 2, goss_shift(goss_scale(x[3], 2), 1)), false))

#define IN(kind, ...)                                                                                                  \
    {                                                                                                                  \
        kind, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), { __VA_ARGS__ }                               \
    }

#define SCALAR                                                                                                         \
    {                                                                                                                  \
        NORMAL, 0, { 0 }                                                                                               \
    }
#define CASE(name_, fn, ...)                                                                                           \
    {                                                                                                                  \
        .name = name_, .build = fn, .in = { __VA_ARGS__ }                                                              \
    }
#define VALUES(name_, fn, ...)                                                                                         \
    { .name = name_, .build = fn, .in = {__VA_ARGS__}, .values_only = true }

static const op_case structural_cases[] = {
    CASE("mul by channel", mul_channels, IN(NORMAL, T, N, 4), IN(NORMAL, 1, 1, 4)),
    CASE("mul by task", mul_channels, IN(NORMAL, T, 1, 1), IN(NORMAL, T, N, 4)),
    CASE("mul by sample", mul_channels, IN(NORMAL, T, N, 4), IN(NORMAL, T, N, 1)),
    CASE("mul by task and channel", mul_channels, IN(NORMAL, T, N, 3, 2), IN(NORMAL, T, 1, 1, 2)),
    CASE("mul by a scalar", mul_channels, IN(NORMAL, T, N, 4), SCALAR),
    CASE("mul by itself", mul_itself, IN(NORMAL, 7)),
    CASE("sub of rows and columns", sub_outer, IN(NORMAL, T, N, 1), IN(NORMAL, 1, 1, 5)),
    CASE("mul_add by channel", mul_add_mixed, IN(NORMAL, 1, 1, 4), IN(NORMAL, T, N, 4), IN(NORMAL, T, 1, 1)),
    CASE("select by channel", select_mixed, IN(MASK, 1, 1, 4), IN(NORMAL, T, N, 4), IN(NORMAL, T, 1, 1)),
    CASE("broadcast along the last axis", broadcast_last, IN(NORMAL, T, 1, 1), IN(NORMAL, T, N)),
    CASE("broadcast of a scalar", broadcast_scalar, IN(NORMAL, 3)),
    CASE("broadcast that a product reads", broadcast_read_whole, IN(NORMAL, 1, 2, 3), IN(NORMAL, T, 3, 2)),
    CASE("reshape folds", reshape_fold, IN(NORMAL, T, N, 6)),
    CASE("permute rotates", permute_rotate, IN(NORMAL, T, 2, 3, 4)),
    CASE("permute swaps in the middle", permute_swap_middle, IN(NORMAL, T, N, 3, 4)),
    CASE("permute moves the tasks", permute_front, IN(NORMAL, T, N, 4)),
    CASE("permute transposes", permute_transpose, IN(NORMAL, T, 5, 3)),
    CASE("permute of equal axes", permute_transpose, IN(NORMAL, T, 3, 3)),
    CASE("permute reverses", permute_reverse, IN(NORMAL, 2, 3, 1, 4)),
    CASE("slice in the middle", slice_middle, IN(NORMAL, T, 4, 3)),
    CASE("slice of the last axis", slice_last, IN(NORMAL, T, N, 5)),
    CASE("slice in front", slice_front, IN(NORMAL, 3, 4)),
    CASE("slices of one tensor", slices_of_one, IN(NORMAL, T, 5, 2)),
    CASE("pad in the middle", pad_middle, IN(NORMAL, T, 2, 3)),
    CASE("pad at the end", pad_last, IN(NORMAL, T, N, 3)),
    CASE("concat in the middle", concat_middle, IN(NORMAL, T, 2, 2), IN(NORMAL, T, 1, 2), IN(NORMAL, T, 3, 2)),
    CASE("concat of the last axis", concat_last, IN(NORMAL, T, N, 2), IN(NORMAL, T, N, 3)),
    VALUES("detach", value_detach, IN(NORMAL, T, N)),
    CASE("variable", variable_between, IN(NORMAL, T, N, 3)),
    CASE("sum over samples", sum_samples, IN(NORMAL, T, N, 5)),
    CASE("sum of the last axis", sum_last, IN(NORMAL, T, N, 5)),
    CASE("sum over tasks", sum_tasks, IN(NORMAL, T, N, 5)),
    CASE("sum over tasks and samples", sum_front, IN(NORMAL, T, N, 5)),
    CASE("sum of two axes apart", sum_apart, IN(NORMAL, T, N, 3, 4)),
    CASE("sum of three axes apart", sum_apart_3, IN(NORMAL, T, N, 3, 2, 2)),
    CASE("sum of everything", sum_everything, IN(NORMAL, T, N, 2)),
    CASE("mean over counted axes", mean_counted, IN(NORMAL, T, N, 3)),
    CASE("mean of a fixed axis", mean_fixed, IN(NORMAL, T, N, 3)),
    CASE("largest of the last axis", max_last, IN(DISTINCT, T, N, 5)),
    CASE("largest over axes apart", max_apart, IN(DISTINCT, T, N, 3)),
    CASE("product of each task", product, IN(NORMAL, T, N, 3), IN(NORMAL, T, 3, 4)),
    CASE("product with a shared right side", product, IN(NORMAL, T, N, 3), IN(NORMAL, 1, 3, 4)),
    CASE("product with a shared left side", product, IN(NORMAL, 1, 2, 3), IN(NORMAL, T, 3, 4)),
    CASE("product of matrices", product, IN(NORMAL, 3, 4), IN(NORMAL, 4, 2)),
    CASE("product with heads", product, IN(NORMAL, T, 1, 2, 3), IN(NORMAL, T, 2, 3, 2)),
    CASE("product ta", product_ta, IN(NORMAL, T, 3, N), IN(NORMAL, T, 3, 4)),
    CASE("product ta shared", product_ta, IN(NORMAL, T, 3, 2), IN(NORMAL, 1, 3, 4)),
    CASE("product ta over samples", product_ta, IN(NORMAL, 1, N, 2), IN(NORMAL, 1, N, 4)),
    CASE("product tb", product_tb, IN(NORMAL, T, N, 3), IN(NORMAL, T, 4, 3)),
    CASE("product tb shared", product_tb, IN(NORMAL, T, N, 3), IN(NORMAL, 1, 4, 3)),
    CASE("product tb of samples", product_tb, IN(NORMAL, T, N, 3), IN(NORMAL, T, N, 3)),
    CASE("product ta tb", product_tatb, IN(NORMAL, T, 3, 2), IN(NORMAL, T, 4, 3)),
    CASE("product ta tb of squares", product_tatb, IN(NORMAL, T, 3, 3), IN(NORMAL, T, 3, 3)),
    CASE("product ta tb shared", product_tatb, IN(NORMAL, 1, 3, 2), IN(NORMAL, T, 4, 3)),
    VALUES("product in shares of columns", product, IN(NORMAL, 1, 5, 40), IN(NORMAL, 1, 40, 150)),
    VALUES("product in shares of rows", product_tb, IN(NORMAL, 1, 150, 40), IN(NORMAL, 1, 21, 40)),
    CASE("solve", solve, IN(SPD, T, 3, 3), IN(NORMAL, T, 3, 2)),
    CASE("solve of a made matrix", solve_made, IN(NORMAL, 4, 3), IN(NORMAL, 3, 2)),
    CASE("fold_lower", fold_lower, IN(SPD, T, 3, 3), IN(NORMAL, T, 3, 2), IN(NORMAL, T, 3, 2)),
    CASE("mirror_lower", mirror_lower, IN(SPD, T, 2, 2), IN(NORMAL, T, 2, 1), IN(NORMAL, T, 2, 1), IN(NORMAL, T, 2, 2)),
    CASE("log_det", log_det, IN(SPD, T, 3, 3)),
    CASE("log_det of one matrix", log_det, IN(SPD, 3, 3)),
    CASE("singular values", values_apart, IN(NORMAL, T, 3, 4)),
    CASE("singular values of one matrix", values_apart, IN(NORMAL, 3, 9)),
    CASE("singular values of a tall matrix", values_turned, IN(NORMAL, T, 3, 5)),
    CASE("singular vectors", vectors_apart, IN(NORMAL, T, 3, 4)),
    CASE("gram_root", root_smooth, IN(NORMAL, T, 3, 5)),
    CASE("gram_root of a tall matrix", root_smooth, IN(NORMAL, T, 5, 2)),
    CASE("gram_root of many samples", root_smooth, IN(NORMAL, T, N, 2)),
    CASE("gram_root without eps", root_sharp, IN(NORMAL, 3, 4)),
    CASE("gram_root of nearly equal values", root_of_equals, IN(NORMAL, 3, 4)),
    CASE("lyapunov", root_gradient, IN(NORMAL, T, 3, 4), IN(NORMAL, T, 3, 3)),
    CASE("conv", conv_same, IN(NORMAL, T, N, 4, 3, 2), IN(NORMAL, T, 3, 3, 2, 3)),
    CASE("conv with shared weights", conv_same, IN(NORMAL, T, N, 3, 3, 2), IN(NORMAL, 1, 3, 3, 2, 2)),
    CASE("conv of shared images", conv_same, IN(NORMAL, 1, N, 3, 3, 1), IN(NORMAL, T, 3, 3, 1, 2)),
    CASE("conv of one task", conv_same, IN(NORMAL, 1, N, 3, 3, 2), IN(NORMAL, 1, 3, 3, 2, 2)),
    CASE("conv 1x1", conv_same, IN(NORMAL, T, N, 2, 2, 3), IN(NORMAL, T, 1, 1, 3, 2)),
    CASE("conv with strides", conv_stride, IN(NORMAL, T, N, 5, 4, 2), IN(NORMAL, T, 3, 3, 2, 2)),
    CASE("conv dilated", conv_dilated, IN(NORMAL, T, 2, 5, 4, 1), IN(NORMAL, T, 3, 3, 1, 2)),
    CASE("conv in groups", conv_groups, IN(NORMAL, T, N, 3, 3, 4), IN(NORMAL, T, 2, 2, 2, 4)),
    CASE("conv by channel", conv_groups, IN(NORMAL, T, N, 3, 3, 2), IN(NORMAL, T, 2, 2, 1, 4)),
    CASE("conv uneven", conv_uneven, IN(NORMAL, T, N, 4, 5, 2), IN(NORMAL, T, 2, 3, 2, 1)),
    CASE("conv_dx", conv_dx_same, IN(NORMAL, T, N, 3, 3, 2), IN(NORMAL, T, 3, 3, 2, 2), IN(NORMAL, T, N, 3, 3, 2)),
    CASE("conv_dw", conv_dw_same, IN(NORMAL, T, N, 3, 3, 2), IN(NORMAL, T, 3, 3, 2, 2), IN(NORMAL, T, N, 3, 3, 2)),
    CASE("conv_dx shared", conv_dx_same, IN(NORMAL, T, N, 3, 3, 1), IN(NORMAL, 1, 3, 3, 1, 2),
         IN(NORMAL, T, N, 3, 3, 2)),
    CASE("conv_dw shared", conv_dw_same, IN(NORMAL, T, N, 3, 3, 1), IN(NORMAL, 1, 3, 3, 1, 2),
         IN(NORMAL, T, N, 3, 3, 2)),
    CASE("conv_dx with strides in groups", conv_dx_stride, IN(NORMAL, T, N, 5, 4, 2), IN(NORMAL, T, 3, 3, 1, 2),
         IN(NORMAL, T, N, 3, 2, 2)),
    CASE("conv_dw with strides in groups", conv_dw_stride, IN(NORMAL, T, N, 5, 4, 2), IN(NORMAL, T, 3, 3, 1, 2),
         IN(NORMAL, T, N, 3, 2, 2)),
    CASE("conv_dw uneven", conv_dw_uneven, IN(NORMAL, T, N, 4, 5, 2), IN(NORMAL, T, 2, 3, 2, 1),
         IN(NORMAL, T, N, 4, 2, 1)),
    CASE("max_pool", max_pool, IN(DISTINCT, T, N, 4, 4, 2)),
    CASE("max_pool of a biased map", max_pool_bias, IN(DISTINCT, T, N, 4, 4, 2), IN(NORMAL, T, 1, 1, 1, 2)),
    CASE("max_pool of a normalised map", max_pool_norm, IN(DISTINCT, T, N, 4, 4, 2), IN(NORMAL, 1, 1, 1, 1, 2),
         IN(POSITIVE, T, 1, 1, 1, 2)),
    CASE("max_pool with overlap", max_pool_overlap, IN(DISTINCT, T, N, 4, 5, 3)),
    CASE("max_pool scatter", max_pool_scatter, IN(DISTINCT, T, N, 4, 5, 2), IN(NORMAL, T, N, 2, 3, 2)),
    CASE("max_pool gather", max_pool_gather, IN(DISTINCT, T, N, 4, 5, 2), IN(NORMAL, T, N, 2, 3, 2),
         IN(NORMAL, T, N, 4, 5, 2)),
    CASE("avg_pool", avg_pool, IN(NORMAL, T, N, 4, 4, 2)),
    CASE("avg_pool with overlap", avg_pool_overlap, IN(NORMAL, T, N, 4, 5, 3)),
    CASE("avg_pool of flat windows", avg_pool_flat, IN(NORMAL, 1, N, 3, 2, 2)),
    CASE("avg_pool spread", avg_pool_spread, IN(NORMAL, T, N, 4, 5, 2), IN(NORMAL, T, N, 2, 3, 2)),
    CASE("gather", gather_rows, IN(NORMAL, 5, 3), IN(INDEX, T, N)),
    CASE("gather of numbers", gather_rows, IN(NORMAL, 5), IN(INDEX, 6)),
    CASE("scatter_add", scatter_rows, IN(NORMAL, T, N, 3), IN(INDEX, T, N)),
    VALUES("one_hot", hot, IN(INDEX, T, N)),
    VALUES("to_real", real, IN(INDEX, T, N)),
    CASE("to_index", near, IN(NORMAL, 5, 3), IN(MASK, T, N)),
    VALUES("random_uniform", uniform, IN(NORMAL, T, N, 3)),
    VALUES("random_normal", normal, IN(NORMAL, T, N, 3)),
    CASE("scan", scan_forward, IN(NORMAL, T, 2, 3), IN(NORMAL, T, 2, N, 3), IN(NORMAL, 1, 3, 3)),
    CASE("scan in reverse, weights by task", scan_backward, IN(NORMAL, T, N, 2), IN(NORMAL, T, N, 3, 2),
         IN(NORMAL, T, 2, 2)),
    CASE("scan over mixed tasks", scan_mixes, IN(NORMAL, T, N, 2), IN(NORMAL, T, N, 3, 2), IN(NORMAL, 1, 2, 2)),
    CASE("scan with lengths", scan_ragged, IN(NORMAL, T, N, 2), IN(NORMAL, T, N, 3, 2), IN(NORMAL, 1, 2, 2),
         IN(MASK, T, N)),
    CASE("scan in segments", scan_segments, IN(NORMAL, T, N, 2), IN(NORMAL, T, N, 5, 2), IN(NORMAL, 1, 2, 2)),
    CASE("scan in segments, in reverse, with lengths", scan_segments_back, IN(NORMAL, T, 2, 2), IN(NORMAL, T, 2, N, 2),
         IN(NORMAL, T, 2, 2), IN(MASK, T, 2)),
    CASE("scan in a scan", scan_nested, IN(NORMAL, T, 2), IN(NORMAL, T, 2, 3, N), IN(NORMAL, 1, 2)),
};

enum { STRUCTURAL = sizeof structural_cases / sizeof *structural_cases, CASES = GOSS__EW_COUNT + STRUCTURAL };

/* Case i: the elementwise rows first, on [T, 7]. */
static inline op_case case_at(int i) {
    if (i >= GOSS__EW_COUNT) return structural_cases[i - GOSS__EW_COUNT];
    static goss_val (*const build[])(goss_graph *, const goss_val *) = {
#define ROW(name, arity, formula, va, vb, vc, ...) ew_##name,
#include "kernel/elementwise.def"
#undef ROW
    };
    static const int arities[] = {
#define ROW(name, arity, formula, va, vb, vc, ...) arity,
#include "kernel/elementwise.def"
#undef ROW
    };
    op_case c = {.name = goss__op_ew[i].name, .build = build[i], .values_only = goss__op_ew[i].no_gradient};
    for (int k = 0; k < arities[i]; k++) c.in[k] = (case_input){.kind = ew_kind(c.name, k), .rank = 2, .dim = {T, 7}};
    return c;
}

static inline bool is_active(const op_case *c, int i) {
    case_kind k = c->in[i].kind;
    return !c->values_only && k != NO_INPUT && k != MASK && k != INDEX;
}

static inline goss_extent case_extent(goss_graph *g, int64_t d) {
    return d == T ? goss_symbol(g, "T", MAX_T) : d == N ? goss_symbol(g, "N", MAX_N) : goss_n(d);
}

static inline goss_shape case_shape(goss_graph *g, const case_input *in) {
    goss_shape s = {.rank = in->rank};
    for (int k = 0; k < in->rank; k++) s.dim[k] = case_extent(g, in->dim[k]);
    return s;
}

/* Numbers of a tensor at the counts that run. */
static inline int64_t run_numel(goss_shape s) {
    int64_t counts[32] = {RUN_T, RUN_N}, n = 1;
    for (int k = 0; k < s.rank; k++) n *= goss__extent_eval(s.dim[k], counts);
    return n;
}

/* Declares the inputs x0, x1, ... and builds. T and N are symbols 1 and 2 of every graph. */
static inline goss_val case_build(goss_graph *g, const op_case *c, goss_val *x) {
    goss_symbol(g, "T", MAX_T), goss_symbol(g, "N", MAX_N);
    char name[32];
    for (int i = 0; i < CASE_INPUTS && c->in[i].kind; i++) {
        snprintf(name, sizeof name, "x%d", i);
        x[i] = goss_input(g, name, c->in[i].kind == INDEX ? GOSS_INDEX : GOSS_REAL, case_shape(g, &c->in[i]));
    }
    goss_scope_push(g, c->name);
    goss_val y = c->build(g, x);
    goss_scope_pop(g);
    return y;
}

/* A symmetric positive definite block: the identity and small numbers. */
static inline void fill_spd(double *v, int64_t n, int64_t d, goss__rng *r) {
    for (int64_t i = 0; i < n; i += d * d)
        for (int64_t j = 0; j < d; j++)
            for (int64_t k = 0; k <= j; k++) {
                double u = 0.4 * (goss__rng_uniform(r) - 0.5) + (j == k ? 1.5 : 0);
                v[i + j * d + k] = v[i + k * d + j] = u;
            }
}

/* n numbers of a kind; all are exact in f32. `input` keeps the distinct ones of two operands apart. */
static inline void fill_kind(case_kind kind, int input, int64_t d, double *v, int64_t n, goss__rng *r) {
    static uint32_t order[CASE_NUMBERS];
    for (int64_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    goss__rng_shuffle(r, order, (uint32_t)n, (uint32_t)n);
    for (int64_t i = 0; i < n; i++) {
        double u = goss__rng_uniform(r), z = goss__rng_normal(r);
        v[i] = kind == POSITIVE   ? 0.5 + 1.5 * u
               : kind == AWAY     ? (z < 0 ? -0.25 - u : 0.25 + u)
               : kind == DISTINCT ? 0.31 * ((double)order[i] - (double)n / 2) + 0.155 * input + 0.07
               : kind == MASK     ? (double)(u < 0.5)
               : kind == INDEX    ? (double)goss__rng_below(r, 5)
                                  : z;
    }
    if (kind == SPD) fill_spd(v, n, d, r);
    for (int64_t i = 0; i < n; i++) v[i] = (float)v[i];
}

static inline void case_fill(const op_case *c, int i, double *v, int64_t n, goss__rng *r) {
    fill_kind(c->in[i].kind, i, c->in[i].rank ? c->in[i].dim[c->in[i].rank - 1] : 1, v, n, r);
}
#endif
