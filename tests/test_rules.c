/* SPDX-License-Identifier: Apache-2.0 */
/* test_rules.c: what each rewrite rule makes of an expression, on operations of several families; that each has its
 * line in docs/architecture.md and can be switched off by itself. tests/test_rewrites.c compares values. */
#include "base/alloc.h"
#include "gossamer/scan.h"
#include "gossamer/compose.h"
#include "gossamer/program.h"
#include "graph_check.h"
#include "ops/ops.h"
#include "rewrite/rewriter.h"

static goss_error err;
static goss_extent n(int64_t count) { return goss_n(count); }

static goss_val input(goss_graph *g, const char *name, int64_t a, int64_t b) {
    return goss_input(g, name, GOSS_REAL, GOSS_SHAPE(n(a), n(b)));
}
static goss_val image(goss_graph *g, const char *name, int64_t side) {
    return goss_input(g, name, GOSS_REAL, GOSS_SHAPE(n(2), n(3), n(side), n(side), n(5)));
}
#define X input(g, "x", 4, 6)
#define ROW input(g, "row", 1, 6)
#define MAP image(g, "map", 4)
#define SAME_OVER_IMAGE image(g, "s", 1)
#define POOL(x) goss_max_pool(x, goss_pool_defaults(2))
/* Both become one node. */
#define SAME(a, b) T_EQ(goss__rewrite(a).id, goss__rewrite(b).id)

/* ---- arithmetic, broadcasts, layout ---- */

TEST(chains_that_come_to_nothing_are_x) {
    goss_graph *g = goss_graph_new();
    goss_shape s = GOSS_SHAPE(goss_symbol(g, "T", 4), n(3), n(2));
    goss_val x = goss_input(g, "x", GOSS_REAL, s), y = goss_input(g, "y", GOSS_REAL, s);
    int rotate[] = {2, 0, 1}, back[] = {1, 2, 0};
    const goss_val same[] = {goss_reshape(goss_reshape(x, GOSS_SHAPE(s.dim[0], n(6))), s),
                             goss_permute(goss_permute(x, rotate), back),
                             goss_slice(goss_pad(x, 1, 2, 5), 1, 2, 3),
                             goss_select(goss_less(y, y), goss_mul(x, goss_const(g, 1)), x),
                             goss_neg(goss_sub(goss_const(g, 0), x)),
                             goss_scale(goss_scale(x, 4), 0.25)};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (goss__rewrite(same[i]).id != x.id) T_FAIL("expression %zu does not become x", i);
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
}

TEST(signs_and_squares) {
    goss_graph *g = goss_graph_new();
    goss_shape s = GOSS_SHAPE(n(4), n(3));
    goss_val x = goss_input(g, "x", GOSS_REAL, s), y = goss_input(g, "y", GOSS_REAL, s);
    SAME(goss_sub(x, goss_neg(y)), goss_add(x, y));
    SAME(goss_add(x, goss_neg(y)), goss_sub(x, y));
    SAME(goss_add(goss_neg(x), y), goss_sub(y, x));
    SAME(goss_neg(goss_scale(x, 3)), goss_scale(x, -3));
    SAME(goss_scale(goss_neg(x), 3), goss_scale(x, -3));
    SAME(goss_scale(x, -1), goss_neg(x));
    SAME(goss_mul(x, x), goss_square(x));
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
}

/* What is broadcast from a row is computed on the row. */
TEST(what_repeats_is_computed_once) {
    goss_graph *g = goss_graph_new();
    goss_shape s = GOSS_SHAPE(goss_symbol(g, "T", 4), n(3));
    goss_val row = goss_input(g, "row", GOSS_REAL, GOSS_SHAPE(n(1), n(3)));
    SAME(goss_exp(goss_broadcast(row, s)), goss_broadcast(goss_exp(row), s));
    SAME(goss_scale(goss_broadcast(row, s), 3), goss_broadcast(goss_scale(row, 3), s));
    SAME(goss_broadcast(goss_broadcast(goss_sum_all(row), GOSS_SHAPE(n(1), n(3))), s),
         goss_broadcast(goss_sum_all(row), s));
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
}

/* ---- sums, products, pools ---- */

/* A maximum of positive parts is taken before the parts: smaller maps, the same values and gradients. */
TEST(a_pool_goes_in_front_of_relu) {
    world w = world_new();
    goss_val x = world_normal(&w, "x", GOSS_SHAPE(n(2), n(3), n(7), n(6), n(5))), out[5];
    goss_pool_options o = goss_pool_defaults(3);
    o.stride_h = o.stride_w = 2, o.pad_top = o.pad_left = 1;
    goss_val swapped = goss__rewrite(goss_max_pool(goss_relu(x), o)),
             plain = goss__rewrite(goss_max_pool(goss_variable(goss_relu(x)), o));
    T_CHECK(goss__made_by(swapped, &goss__op_ew[GOSS__EW_relu], 0, &out[4]));
    T_CHECK(!goss__made_by(plain, &goss__op_ew[GOSS__EW_relu], 0, &out[4]));
    out[0] = swapped, out[1] = plain;
    T_OK(goss_grad(goss_sum_all(goss_sin(swapped)), &x, 1, &out[2]));
    T_OK(goss_grad(goss_sum_all(goss_sin(plain)), &x, 1, &out[3]));
    T_OK(world_compute(&w, GOSS_F32, out, 4));
    for (int i = 0; i < 4; i += 2)
        for (int64_t k = 0; k < w.numel[i]; k++) T_NEAR(w.out[i][k], w.out[i + 1][k], 0);
    world_free(&w);
}

/* What a whole image shares meets the taps after pooling: the bits of a pool of the whole map, and its gradients. */
TEST(a_pool_goes_in_front_of_what_an_image_shares) {
    world w = world_new();
    goss_shape one = GOSS_SHAPE(n(2), n(1), n(1), n(1), n(5));
    goss_val in[3] = {world_normal(&w, "x", GOSS_SHAPE(n(2), n(3), n(5), n(4), n(5))), world_normal(&w, "m", one),
                      world_normal(&w, "s", one)}; /* scales of either sign */
    goss_pool_options o = goss_pool_defaults(3);
    o.stride_h = o.stride_w = 2, o.pad_top = 1;
    goss_val map = goss_mul(in[2], goss_sub(in[0], in[1])), out[8], gathered, taps;
    out[0] = goss__rewrite(goss_max_pool(map, o));
    out[1] = goss__rewrite(goss_max_pool(goss_variable(map), o));
    T_CHECK(goss__made_by(out[0], &goss__op_ew[GOSS__EW_mul], 0, &gathered));
    T_CHECK(goss__made_by(gathered, &goss__op_ew[GOSS__EW_sub], 0, &taps));
    T_CHECK(goss__made_by(out[1], &goss__op_max_pool, 0, &taps)); /* not seen through */
    for (int i = 0; i < 2; i++) T_OK(goss_grad(goss_sum_all(goss_sin(out[i])), in, 3, out + 2 + 3 * i));
    T_OK(world_compute(&w, GOSS_F64, out, 8));
    for (int64_t k = 0; k < w.numel[0]; k++) T_CHECK(w.out[0][k] == w.out[1][k]);
    for (int i = 2; i < 5; i++) {
        T_CHECK(w.numel[i] > 0 && w.numel[i] == w.numel[i + 3]);
        for (int64_t k = 0; k < w.numel[i]; k++) T_NEAR(w.out[i][k], w.out[i + 3][k], 1e-12);
    }
    world_free(&w);
}

/* Factors of each kind in front of a pool: a number a channel, a number a task, one for all, two of them; numbers a
 * channel for each task and for all, whose product meets the taps of x as it is. */
TEST(a_pool_takes_factors_of_any_extents) {
    enum { OUTS = 5 };
    world w = world_new();
    goss_val x = world_normal(&w, "x", GOSS_SHAPE(n(2), n(3), n(4), n(4), n(5)));
    goss_val channel = world_normal(&w, "c", GOSS_SHAPE(n(1), n(1), n(1), n(1), n(5)));
    goss_val task = world_normal(&w, "t", GOSS_SHAPE(n(2), n(1), n(1), n(1), n(1)));
    goss_val norm = world_normal(&w, "n", GOSS_SHAPE(n(2), n(1), n(1), n(1), n(5)));
    goss_val map[OUTS] = {goss_mul(x, channel), goss_mul(x, task), goss_scale(x, -2),
                          goss_mul(goss_mul(x, channel), task), goss_mul(goss_mul(x, norm), channel)},
             out[2 * OUTS];
    for (int i = 0; i < OUTS; i++) {
        out[2 * i] = goss__rewrite(goss_max_pool(map[i], goss_pool_defaults(2)));
        out[2 * i + 1] = goss_max_pool(goss_variable(map[i]), goss_pool_defaults(2)); /* not seen through */
    }
    goss_val within = goss__rewrite(out[2 * (OUTS - 1)]), index, read;
    T_CHECK(goss__made_by(within, &goss__op_ew[GOSS__EW_mul], 0, &within));
    T_CHECK(goss__made_by(within, &goss__op_pool_gather, 1, &index) &&
            goss__made_by(index, &goss__op_pool_argmax, 0, &read));
    T_EQ(read.id, x.id);
    for (int f64 = 0; f64 < 2; f64++) {
        T_OK(world_compute(&w, f64 ? GOSS_F64 : GOSS_F32, out, 2 * OUTS));
        for (int i = 0; i < OUTS; i++)
            for (int64_t k = 0; k < w.numel[2 * i]; k++) T_NEAR(w.out[2 * i][k], w.out[2 * i + 1][k], 1e-6);
    }
    world_free(&w);
}

/* The taps that v is elementwise work on, with what repeats. */
static goss_val taps_in(goss_val v) {
    while (goss__node_of(v)->op->elementwise && goss__node_of(v)->n_in == 2) {
        const uint32_t *in = goss__node_of(v)->in;
        const goss_val first = {v.graph, in[0]};
        v.id = goss__node_of(first)->op == &goss__op_broadcast ? in[1] : in[0];
    }
    return v;
}

/* Where a norm's largest taps are its gain alone decides, whose sign may be either; without a gain the raw map does. */
TEST(a_pool_asks_only_for_what_decides) {
    for (int i = 0; i < 3; i++) {
        world w = world_new();
        goss_val x = world_normal(&w, "x", GOSS_SHAPE(n(2), n(3), n(4), n(4), n(5))), mean, var, index, part, out[2];
        goss_val gain = world_normal(&w, "gain", GOSS_SHAPE(n(1), n(1), n(1), n(1), n(5)));
        goss_batch_stats_shared(x, GOSS_NONE, &mean, &var);
        goss_val norm = goss_normalize(x, mean, var, 1e-5), map = i == 0   ? goss_mul(norm, gain)
                                                                  : i == 1 ? norm
                                                                           : goss_scale(norm, 2);
        out[0] = goss__rewrite(goss_max_pool(map, goss_pool_defaults(2)));
        out[1] = goss_max_pool(goss_variable(map), goss_pool_defaults(2));
        const goss_val taps = taps_in(out[0]);
        if (i == 0) {
            T_CHECK(goss__made_by(taps, &goss__op_pool_gather, 1, &index));
            T_CHECK(goss__made_by(index, &goss__op_pool_argmax, 0, &part) && part.id == x.id);
            T_EQ(goss__node_of(index)->n_in, 2);
            T_EQ(goss__node_of(index)->in[1], gain.id);
        } else { /* what is positive decides nothing */
            T_CHECK(goss__made_by(taps, &goss__op_max_pool, 0, &part) && part.id == x.id);
        }
        T_OK(world_compute(&w, GOSS_F64, out, 2));
        for (int64_t k = 0; k < w.numel[0]; k++) T_NEAR(w.out[0][k], w.out[1][k], 1e-12);
        world_free(&w);
    }
}

/* What another reads is there anyway: nothing is gained by looking behind it. */
TEST(what_is_needed_anyway_is_read) {
    goss_graph *g = goss_graph_new();
    goss_val x = X, scaled = goss_scale(x, 0.5), most = goss_reduce_max(scaled, GOSS_AXIS(1), true);
    const goss_val soft = goss__rewrite(goss_exp(goss_sub(scaled, most)));
    T_STR(goss__node_of(goss__rewrite(most))->op->name, "reduce_max");
    T_CHECK(goss_valid(soft));
    goss_graph_free(g);
}

/* v is 0 times a number for each of its elements. */
static bool is_nothing(goss_val v) {
    double k = 1;
    goss_val factor;
    v = goss__rewrite(v);
    return goss__made_by(v, &goss__op_ew[GOSS__EW_mul], 1, &factor) && goss__is_full(factor, &k) && k == 0;
}

/* Differences from a mean add up to 0 along its axes, known without a run; along others, or from another mean, they
 * are summed. */
TEST(differences_from_a_mean_sum_to_zero) {
    world w = world_new();
    goss_extent t = goss_symbol(w.g, "T", 3);
    goss_val x = goss_input(w.g, "x", GOSS_REAL, GOSS_SHAPE(t, n(4), n(5))), y = goss_mul(x, x);
    for (uint32_t axes = 1; axes < 8; axes++) {
        goss_val centred = goss_sub(x, goss_mean(x, axes, true));
        T_CHECK(is_nothing(goss_sum(centred, axes, true)));
        T_CHECK(!is_nothing(goss_sum(goss_sub(x, goss_mean(y, axes, true)), axes, true)));
        if (axes != 7) T_CHECK(!is_nothing(goss_sum(centred, 7, true)));
    }
    world_free(&w);
}

static goss_val spread_of(goss_val x, goss_val m, uint32_t axes) {
    return goss_mean(goss_square(goss_sub(x, m)), axes, true);
}
static bool is_joined(goss_val v) { return goss__node_of(goss__rewrite(v))->op == &goss__op_ew[GOSS__EW_add]; }

/* Where m is made from sums of x along the axes, nothing as large as x waits for it. */
TEST(variances_of_parts_are_joined) {
    world w = world_new();
    const goss_extent t = goss_symbol(w.g, "T", 3);
    const goss_val x = goss_input(w.g, "x", GOSS_REAL, GOSS_SHAPE(t, n(8), n(40), n(5))),
                   weight = goss_input(w.g, "w", GOSS_REAL, GOSS_SHAPE(t, n(8), n(1), n(1)));
    const uint32_t parts = GOSS_AXIS(1), space = GOSS_AXIS(2);
    const goss_val own = goss_mean(x, space, true), all = goss_mean(own, parts, true),
                   weighted = goss_sum(goss_mul(own, weight), parts, true);
    const goss_val m[] = {all, goss_mean(x, parts | space, true), weighted};
    for (int i = 0; i < 3; i++)
        SAME(spread_of(x, m[i], space), goss_add(goss_square(goss_sub(own, m[i])), spread_of(x, own, space)));
    T_CHECK(!is_joined(spread_of(x, own, space)));                                         /* one part */
    T_CHECK(!is_joined(spread_of(x, goss_mean(goss_exp(x), parts | space, true), space))); /* of another array */
    T_CHECK(!is_joined(spread_of(x, goss_mean(x, parts, true), space)));                   /* varies along the axes */
    T_CHECK(!is_joined(goss_sum(goss_square(goss_sub(x, all)), space, true)));             /* no mean */
    world_free(&w);
}

/* Numbers a channel are multiplied with each other before they meet a large tensor, and taken out of sums over it. */
TEST(factors_a_channel_leave_large_tensors) {
    world w = world_new();
    goss_extent T = world_tasks(&w, 3);
    goss_shape c = GOSS_SHAPE(n(1), n(1), n(5));
    uint32_t lead = GOSS_AXIS(0) | GOSS_AXIS(1);
    goss_val x = world_normal(&w, "x", GOSS_SHAPE(T, n(4), n(5))), y = world_normal(&w, "y", GOSS_SHAPE(T, n(4), n(5)));
    goss_val s = world_normal(&w, "s", c), t = world_normal(&w, "t", c),
             row = world_normal(&w, "row", GOSS_SHAPE(T, n(4), n(1)));
    SAME(goss_mul(goss_mul(x, s), t), goss_mul(x, goss_mul(s, t)));
    goss_val u = world_normal(&w, "u", GOSS_SHAPE(T, n(1), n(5)));
    SAME(goss_mul(goss_mul(x, u), t), goss_mul(x, goss_mul(u, t)));
    SAME(goss_scale(goss_mul(x, s), 3), goss_mul(x, goss_scale(s, 3)));
    SAME(goss_sum(goss_mul(x, s), lead, true), goss_mul(goss_sum(x, lead, true), s));
    SAME(goss_sum(goss_neg(x), lead, true), goss_neg(goss_sum(x, lead, true)));
    goss_val both = goss_add(goss_mul(x, s), goss_mul(y, t));
    SAME(goss_sum(both, lead, true),
         goss_add(goss_mul(goss_sum(x, lead, true), s), goss_mul(goss_sum(y, lead, true), t)));
    /* What differs along the axes stays where it is, and so does a difference, which a sum of each would lose. */
    goss_val inside[] = {goss_mul(x, row), goss_mul(x, y), goss_add(x, y), goss_sub(x, s)};
    for (int i = 0; i < 4; i++)
        T_CHECK(goss__node_of(goss__rewrite(goss_sum(inside[i], lead, true)))->op == &goss__op_sum);
    /* The same numbers, from tensors that hide how they came about. */
    goss_val a = goss_sum(both, lead, true), plain = goss_max(both, goss_const(w.g, -1e30)), out[2];
    out[0] = a, out[1] = goss_sum(plain, lead, true);
    T_OK(world_compute(&w, GOSS_F64, out, 2));
    for (int64_t i = 0; i < w.numel[0]; i++) T_NEAR(w.out[0][i], w.out[1][i], 1e-12);
    world_free(&w);
}

/* The gradient of a vector cut into pieces is one concatenation, not a sum of padded pieces. */
TEST(gradients_of_slices_are_concatenated) {
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(n(2), n(60))), sum = goss_const(g, 0), d;
    for (int i = 0; i < 20; i++) sum = goss_add(sum, goss_sum_all(goss_exp(goss_slice(x, 1, 3 * i, 3))));
    T_OK(goss_grad(sum, &x, 1, &d));
    const goss__node *top = goss__node_of(d);
    T_STR(top->op->name, "concat");
    T_EQ(top->n_in, 20);
    goss_graph_free(g);
}

TEST(a_shared_weight_is_one_product) {
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", 4), N = goss_symbol(g, "N", 4);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(T, N, n(3))),
             w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(n(1), n(3), n(2))), dw, y, inner;
    y = goss_matmul(x, w, false, false);
    T_CHECK(goss_shape_equal(goss_shape_of(y), GOSS_SHAPE(T, N, n(2))));
    T_CHECK(goss__node_of(y)->op == &goss__op_matmul);
    y = goss__rewrite(y);
    T_CHECK(goss__made_by(y, &goss__op_reshape, 0, &inner) && goss__node_of(inner)->op == &goss__op_matmul);
    T_CHECK(goss_shape_equal(goss_shape_of(inner), GOSS_SHAPE(n(1), goss_extent_mul(T, N), n(2))));
    T_OK(goss_grad(goss_exp(y), &w, 1, &dw));
    T_CHECK(goss__node_of(dw)->op == &goss__op_matmul); /* contracts over tasks and samples at once */
    goss_graph_free(g);
}

/* ---- rules ask for properties: they serve operations of every family ---- */

TEST(factors_leave_whatever_is_linear) {
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", 4);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(T, n(6), n(8))),
             w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(T, n(8), n(2))),
             row = goss_input(g, "row", GOSS_REAL, GOSS_SHAPE(T, n(6), n(1))),
             column = goss_input(g, "column", GOSS_REAL, GOSS_SHAPE(n(1), n(1), n(8)));
    /* A matrix product: a number for each row, or one for all, but not one for each summand. */
    SAME(goss_matmul(goss_mul(x, row), w, false, false), goss_mul(goss_matmul(x, w, false, false), row));
    SAME(goss_matmul(goss_scale(x, 3), w, false, false), goss_scale(goss_matmul(x, w, false, false), 3));
    SAME(goss_matmul(goss_neg(x), w, false, false), goss_neg(goss_matmul(x, w, false, false)));
    T_STR(goss__node_of(goss__rewrite(goss_matmul(goss_mul(x, column), w, false, false)))->op->name, "matmul");
    /* Not where the result is as large: nothing is gained by it. */
    goss_val wide = goss_input(g, "wide", GOSS_REAL, GOSS_SHAPE(T, n(8), n(8)));
    T_STR(goss__node_of(goss__rewrite(goss_matmul(goss_mul(x, row), wide, false, false)))->op->name, "matmul");
    /* Average pools, convolutions, rows that are added up. */
    goss_val map = goss_input(g, "map", GOSS_REAL, GOSS_SHAPE(T, n(3), n(4), n(4), n(5))),
             norm = goss_input(g, "norm", GOSS_REAL, GOSS_SHAPE(n(1), n(1), n(1), n(1), n(5))),
             filter = goss_input(g, "filter", GOSS_REAL, GOSS_SHAPE(T, n(3), n(3), n(5), n(2))),
             sample = goss_input(g, "sample", GOSS_REAL, GOSS_SHAPE(T, n(3), n(1), n(1), n(1)));
    const goss_pool_options two = goss_pool_defaults(2);
    const goss_val sum = goss_scale(goss_avg_pool(map, two), 4); /* of a window */
    SAME(goss_avg_pool(goss_mul(map, norm), two), goss_scale(goss_mul(sum, norm), 0.25));
    SAME(goss_conv(goss_mul(map, sample), filter, goss_conv_defaults()),
         goss_mul(goss_conv(map, filter, goss_conv_defaults()), sample));
    goss_val many = goss_input(g, "many", GOSS_REAL, GOSS_SHAPE(n(50), n(8))),
             each = goss_input(g, "each", GOSS_REAL, GOSS_SHAPE(n(1), n(8)));
    goss_val at = goss_input(g, "at", GOSS_INDEX, GOSS_SHAPE(n(50)));
    SAME(goss_scatter_add(goss_mul(many, each), at, n(5)), goss_mul(goss_scatter_add(many, at, n(5)), each));
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
}

TEST(rising_maps_go_behind_whatever_takes_the_largest) {
    goss_graph *g = goss_graph_new();
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_symbol(g, "T", 4), n(6), n(8))), y;
    goss_val row = goss_input(g, "row", GOSS_REAL, GOSS_SHAPE(n(1), n(6), n(1))),
             column = goss_input(g, "column", GOSS_REAL, GOSS_SHAPE(n(1), n(1), n(8)));
    const uint32_t last = GOSS_AXIS(2);
#define MOST(v) goss_reduce_max(v, last, true)
    SAME(MOST(goss_exp(x)), goss_exp(MOST(x)));
    SAME(MOST(goss_tanh(x)), goss_tanh(MOST(x)));
    SAME(MOST(goss_add(x, row)), goss_add(MOST(x), row));
    SAME(MOST(goss_scale(x, 0.3)), goss_scale(MOST(x), 0.3));
    SAME(MOST(goss_mul(x, goss_rsqrt(row))), goss_mul(MOST(x), goss_rsqrt(row)));
    SAME(MOST(goss_max(x, row)), goss_max(MOST(x), row));
    SAME(MOST(goss_relu(goss_sub(goss_scale(x, 2), row))), goss_relu(goss_sub(goss_scale(MOST(x), 2), row)));
    /* What falls, has either sign, differs along the axis, or is no number for some. */
    const goss_val inside[] = {goss_neg(x),         goss_sub(row, x), goss_mul(x, row), goss_scale(x, -1.5),
                               goss_add(x, column), goss_log(x),      goss_sqrt(x),     goss_square(x)};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        y = goss__rewrite(MOST(inside[i]));
        if (goss__node_of(y)->op != &goss__op_reduce_max)
            T_FAIL("expression %zu is a %s", i, goss__node_of(y)->op->name);
    }
    goss_val map = MAP, all = goss_input(g, "all", GOSS_REAL, GOSS_SHAPE(n(2), n(1), n(1), n(1), n(1)));
    SAME(POOL(goss_sigmoid(goss_div(goss_shift(map, 3), goss_const(g, 2)))),
         goss_sigmoid(goss_div(goss_shift(POOL(map), 3), goss_const(g, 2))));
    SAME(POOL(goss_min(map, all)), goss_min(POOL(map), all));
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
}

TEST(maps_go_behind_whatever_chooses) {
    goss_graph *g = goss_graph_new();
    goss_val table = goss_input(g, "table", GOSS_REAL, GOSS_SHAPE(n(100), n(8))),
             row = goss_input(g, "row", GOSS_REAL, GOSS_SHAPE(n(1), n(8))),
             column = goss_input(g, "column", GOSS_REAL, GOSS_SHAPE(n(100), n(1))),
             at = goss_input(g, "at", GOSS_INDEX, GOSS_SHAPE(goss_symbol(g, "N", 10))),
             all = goss_input(g, "all", GOSS_INDEX, GOSS_SHAPE(n(300)));
    SAME(goss_gather(goss_scale(table, 2), at), goss_scale(goss_gather(table, at), 2));
    SAME(goss_gather(goss_square(goss_sub(table, row)), at), goss_square(goss_sub(goss_gather(table, at), row)));
    T_STR(goss__node_of(goss__rewrite(goss_gather(goss_mul(table, column), at)))->op->name, "gather");
    T_STR(goss__node_of(goss__rewrite(goss_gather(goss_exp(table), all)))->op->name,
          "gather"); /* more than there are */
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
}

/* ---- the table ---- */

/* An expression that the rule works on. */
typedef struct rule_case {
    goss__rule_id rule;
    goss_val (*build)(goss_graph *g);
} rule_case;

static goss_val d_by(goss_val y, goss_val x) {
    goss_val d = {y.graph, 0};
    return goss_grad(y, &x, 1, &d) == GOSS_OK ? d : (goss_val){y.graph, 0};
}
#define BUILD(id, ...)                                                                                                 \
    static goss_val build_##id(goss_graph *g) { return __VA_ARGS__; }
#define SUM(x) goss_sum(x, GOSS_AXIS(0), true)

BUILD(fold, goss_shift(X, 0))
/* The gradient of a constant times anything: what follows is not even made. */
BUILD(zero_cotangent, d_by(goss_mul(goss_zeros_like(X), goss_exp(goss_exp(X))), X))
/* The gradient of a matrix that every step reads: one product behind the loop. */
static goss_val weight_gradient(goss_graph *g) {
    const goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(n(2), n(3), n(5), n(4))),
                   w = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(n(1), n(4), n(4)));
    goss_scan *s = goss_scan_begin(g, n(5), goss_scan_defaults());
    const goss_val h = goss_scan_carry(s, goss_full(g, GOSS_SHAPE(n(2), n(3), n(4)), 1)), at = goss_scan_slice(s, x);
    const goss_val next = goss_tanh(goss_add(at, goss_matmul(h, goss_scan_const(s, w), false, false)));
    goss_scan_next(s, h, next);
    goss_scan_end(s);
    return d_by(goss_sum_all(goss_scan_last(s, h)), w);
}
BUILD(scan_sums, weight_gradient(g))
BUILD(merge_taps, goss_add(goss_sum_all(POOL(MAP)), goss_sum_all(d_by(POOL(MAP), MAP))))
BUILD(negation, goss_add(goss_exp(X), goss_neg(goss_sin(X))))
BUILD(square, goss_mul(X, X))
BUILD(join_constants, goss_scale(goss_scale(X, 3), 5))
BUILD(scale_spread, goss_scale(goss_mul(X, ROW), 3))
BUILD(join_spreads, goss_mul(goss_mul(X, ROW), input(g, "other", 1, 6)))
BUILD(join_pads, goss_add(goss_pad(X, 1, 0, 6), goss_pad(goss_exp(X), 1, 6, 0)))
BUILD(broadcast_last, goss_exp(goss_broadcast(ROW, GOSS_SHAPE(n(4), n(6)))))
BUILD(merge_broadcasts,
      goss_matmul(goss_broadcast(goss_broadcast(input(g, "c", 1, 1), GOSS_SHAPE(n(1), n(6))), GOSS_SHAPE(n(4), n(6))),
                  X, true, false))
BUILD(centred_sum, SUM(goss_sub(X, goss_mean(X, GOSS_AXIS(0), true))))
BUILD(join_variances, SUM(goss_mean(goss_square(goss_sub(X, goss_mean_all(X))), GOSS_AXIS(1), true)))
BUILD(hoist_factor, SUM(goss_mul(X, ROW)))
BUILD(hoist_negation, SUM(goss_neg(X)))
BUILD(split_sum, SUM(goss_add(goss_mul(X, ROW), goss_mul(goss_exp(X), goss_exp(ROW)))))
BUILD(merge_sums, goss_sum(SUM(X), GOSS_AXIS(1), true))
BUILD(merge_reshapes, goss_reshape(goss_reshape(X, GOSS_SHAPE(n(2), n(12))), GOSS_SHAPE(n(8), n(3))))
BUILD(merge_permutes, goss_permute(goss_permute(MAP, (int[]){1, 0, 2, 3, 4}), (int[]){0, 1, 3, 2, 4}))
BUILD(merge_slices, goss_slice(goss_slice(X, 1, 1, 4), 1, 1, 2))
BUILD(slice_of_pad, goss_slice(goss_pad(X, 1, 2, 2), 1, 3, 2))
BUILD(fold_batch, goss_matmul(goss_input(g, "a", GOSS_REAL, GOSS_SHAPE(n(4), n(2), n(6))),
                              goss_input(g, "b", GOSS_REAL, GOSS_SHAPE(n(1), n(6), n(3))), false, false))
BUILD(add_inside, goss_add(goss_matmul(goss_input(g, "a", GOSS_REAL, GOSS_SHAPE(n(4), n(2), n(6))),
                                       goss_input(g, "b", GOSS_REAL, GOSS_SHAPE(n(1), n(6), n(3))), false, false),
                           goss_input(g, "row", GOSS_REAL, GOSS_SHAPE(n(1), n(1), n(3)))))
BUILD(monotone_last, POOL(goss_relu(MAP)))
BUILD(choose_first, goss_gather(goss_exp(X), goss_iota(g, n(2))))
BUILD(pool_factor, POOL(goss_mul(MAP, SAME_OVER_IMAGE)))
BUILD(argmax_map, POOL(goss_mul(goss_add(MAP, goss_exp(SAME_OVER_IMAGE)), SAME_OVER_IMAGE)))
BUILD(argmax_factor, POOL(goss_mul(MAP, SAME_OVER_IMAGE)))

static const rule_case cases[] = {
#define RULE(id, name, what, change) {GOSS__RULE_##id, build_##id},
#define SWITCH RULE
#include "rewrite/rules.def"
#undef RULE
#undef SWITCH
};

/* The program of a case, with what `off` names switched off. */
static char *text_of(const rule_case *c, const char *off) {
    setenv("GOSSAMER_DISABLE", off, 1);
    goss_graph *g = goss_graph_new();
    goss_val y = goss_exp(c->build(g));
    goss_schedule *p;
    T_OK(goss_compile(g, &y, 1, NULL, 0, NULL, &p, &err));
    char *text = goss_schedule_text(p);
    goss_schedule_free(p);
    goss_graph_free(g);
    unsetenv("GOSSAMER_DISABLE");
    return text;
}

TEST(each_rule_has_a_switch_of_its_own) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = goss__rules[cases[i].rule].name;
        char *on = text_of(&cases[i], ""), *off = text_of(&cases[i], name);
        if (strcmp(on, off) == 0) T_FAIL("without %s the program is the same:\n%s", name, on);
        goss_text_free(on), goss_text_free(off);
    }
}

static const char *read_text(const char *name, char *text, size_t size) {
    FILE *f = fopen(name, "r");
    if (!f) T_FAIL("no %s: tests run in the folder that has docs/", name);
    const size_t length = fread(text, 1, size, f);
    fclose(f);
    T_CHECK(length < size);
    text[length] = 0;
    return text;
}

TEST(each_rule_has_its_line_in_the_documentation) {
    static char text[300000];
    read_text("docs/architecture.md", text, sizeof text);
    for (int i = 0; i < GOSS__RULE_COUNT; i++) {
        const goss__rule *r = &goss__rules[i];
        char row[1500];
        T_CHECK((size_t)snprintf(row, sizeof row, "\n| `%s` | %s | %s |\n", r->name, r->what, r->change) < sizeof row);
        if (!strstr(text, row)) T_FAIL("docs/architecture.md lacks the line%s", row);
    }
}

/* ---- as it was written ---- */

static int count_of(const goss_graph *g, const uint32_t *id, uint32_t count, const char *op) {
    int times = 0;
    for (uint32_t i = 0; i < count; i++) times += strcmp(g->nodes[id[i]]->op->name, op) == 0;
    return times;
}

/* With all rules off a program holds what builders were called for, once for each call. */
TEST(without_rules_a_program_is_what_was_asked_for) {
    static const struct {
        const char *op;
        int times;
    } asked[] = {{"max_pool", 1}, {"relu", 1},    {"mul", 4},   {"add", 2},        {"sub", 1},    {"neg", 2},
                 {"sum", 3},      {"reshape", 5}, {"slice", 2}, {"pad", 1},        {"matmul", 1}, {"pool_argmax", 0},
                 {"div", 1},      {"permute", 2}, {"input", 4}, {"pool_gather", 0}};
    setenv("GOSSAMER_DISABLE", "rewrite", 1);
    goss_graph *g = goss_graph_new();
    unsetenv("GOSSAMER_DISABLE");
    goss_val x = MAP, s = SAME_OVER_IMAGE, y = X, total;
    goss_val pooled = POOL(goss_relu(goss_add(goss_mul(x, s), s))); /* [2,3,2,2,5] */
    goss_val flat = goss_reshape(goss_reshape(pooled, GOSS_SHAPE(n(6), n(20))), GOSS_SHAPE(n(2), n(3), n(20)));
    goss_val product = goss_matmul(flat, goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(n(1), n(20), n(7))), false, false);
    goss_val centred = goss_sub(y, goss_scale(goss_sum(y, GOSS_AXIS(0), true), 0.25)); /* a mean */
    goss_val part = goss_slice(goss_slice(goss_pad(centred, 1, 1, 1), 1, 1, 6), 1, 0, 5);
    goss_val turned = goss_permute(goss_permute(part, (int[]){1, 0}), (int[]){1, 0});
    goss_val same = goss_div(goss_neg(goss_neg(goss_scale(goss_shift(turned, 0), 1))), goss_const(g, 1));
    total = goss_mul(goss_sum_all(product), goss_sum_all(same)); /* two sums, and two reshapes to rank 0 */
    total = goss_reshape(total, GOSS_SHAPE(n(1)));
    uint32_t count;
    const goss_val out = goss__rewrite(total);
    T_EQ(out.id, total.id);
    uint32_t *id = goss__needed(g, &out, 1, 0, &count);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        if (count_of(g, id, count, asked[i].op) != asked[i].times)
            T_FAIL("%d %s, not %d", count_of(g, id, count, asked[i].op), asked[i].op, asked[i].times);
    goss__free(id);
    goss_graph_free(g);
}

/* A program is what was built until it is rewritten; names stay. */
TEST(a_program_is_rewritten_by_itself) {
    goss_graph *g = goss_graph_new();
    goss_val y = POOL(goss_relu(MAP)), unused = goss_pad(goss_slice(X, 1, 0, 5), 1, 1, 0);
    goss_val out[2] = {y, goss_slice(unused, 1, 1, 5)};
    const char *names[2] = {"pooled", "part"};
    goss_program *plain, *rewritten;
    goss_schedule *p[3];
    T_OK(goss_program_create(g, out, names, 2, NULL, 0, &plain, &err));
    T_OK(goss_program_rewrite(plain, &rewritten, &err));
    T_EQ(goss_program_operations(plain), 7);
    T_STR(
        goss_program_operation_at(plain, goss_program_value_at(plain, goss_program_output(plain, 0))->operation)->kind,
        "max_pool");
    T_EQ(goss_program_operations(rewritten), 5);
    T_STR(goss_program_operation_at(rewritten,
                                    goss_program_value_at(rewritten, goss_program_output(rewritten, 0))->operation)
              ->kind,
          "relu");
    T_EQ(goss_program_find_output(rewritten, "part"), 1);
    T_OK(goss_program_verify(rewritten, &err));
    T_OK(goss_compile(g, out, 2, NULL, 0, NULL, &p[0], &err));
    T_OK(goss_schedule_compile(plain, NULL, &p[1], &err));
    T_OK(goss_schedule_compile(rewritten, NULL, &p[2], &err));
    char *text[3];
    for (int i = 0; i < 3; i++) text[i] = goss_schedule_text(p[i]);
    T_STR(text[1], text[0]);
    T_STR(text[2], text[0]);
    for (int i = 0; i < 3; i++) goss_text_free(text[i]), goss_schedule_free(p[i]);
    goss_program_free(plain), goss_program_free(rewritten);
    goss_graph_free(g);
}

/* ---- what a gradient is taken by ---- */

/* Rules do not look behind it, whether it was named before or after the expression was rewritten. */
TEST(an_inner_value_that_is_differentiated_by_stays) {
    for (int before = 0; before < 2; before++) {
        world w = world_new();
        goss_val x = world_normal(&w, "x", GOSS_SHAPE(n(4), n(3))), s = world_normal(&w, "s", GOSS_SHAPE(n(1), n(3)));
        goss_val h = goss_mul(x, s), y = goss_sum_all(goss_sum(h, GOSS_AXIS(0), true)), d[2];
        if (!before) goss__rewrite(y); /* sum(x s) is s sum(x), which does not hold h */
        T_OK(goss_grad(y, (goss_val[]){h, x}, 2, d));
        T_OK(world_compute(&w, GOSS_F64, (goss_val[]){y, d[0], d[1]}, 3));
        for (int64_t k = 0; k < 12; k++) {
            T_CHECK(w.out[1][k] == 1);
            T_NEAR(w.out[2][k], world_numbers(&w, "s")[k % 3], 1e-12);
        }
        world_free(&w);
    }
}

TEST_MAIN()
