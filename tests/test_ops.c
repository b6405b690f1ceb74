/* SPDX-License-Identifier: Apache-2.0 */
/* What operations compute where a formula in the gradient checker would not tell, what builders simplify, and which
 * descriptors' promises the executor leans on. */
#include "gossamer/compose.h"
#include "graph_check.h"
#include "ops/elementwise.h"
#include "ops/ops.h"

static goss_error err;

static goss_extent n(int64_t count) { return goss_n(count); }

/* ---- values ---- */

#define EXPECT(w, i, ...)                                                                                              \
    do {                                                                                                               \
        const double want_[] = {__VA_ARGS__};                                                                          \
        T_EQ((w).numel[i], sizeof want_ / sizeof *want_);                                                              \
        for (size_t j_ = 0; j_ < sizeof want_ / sizeof *want_; j_++) T_NEAR((w).out[i][j_], want_[j_], 1e-12);         \
    } while (0)

TEST(pools_at_the_border) {
    world w = world_new();
    goss_val x =
        world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(n(1), n(1), n(2), n(3), n(1)), (double[]){-1, -2, -3, -4, -5, -6});
    goss_pool_options o = goss_pool_defaults(2);
    o.pad_top = o.pad_left = 1;
    goss_val out[2] = {goss_max_pool(x, o), goss_avg_pool(x, o)};
    T_OK(world_compute(&w, GOSS_F64, out, 2));
    EXPECT(w, 0, -1, -2);             /* taps outside take no part in the maximum */
    EXPECT(w, 1, -1.0 / 4, -5.0 / 4); /* and count as zeros in the average */
    world_free(&w);
}

TEST(the_first_tap_wins_a_tie_and_a_maximum_shares_it) {
    world w = world_new();
    goss_val x = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(n(1), n(1), n(2), n(2), n(1)), (double[]){1, 2, 2, 2});
    goss_val y = world_input(&w, "y", GOSS_REAL, GOSS_SHAPE(n(4)), (double[]){3, 1, 3, 3}), out[2];
    T_OK(goss_grad(goss_max_pool(x, goss_pool_defaults(2)), &x, 1, &out[0]));
    T_OK(goss_grad(goss_reduce_max(y, GOSS_AXIS(0), false), &y, 1, &out[1]));
    T_OK(world_compute(&w, GOSS_F64, out, 2));
    EXPECT(w, 0, 0, 1, 0, 0);
    EXPECT(w, 1, 1.0 / 3, 0, 1.0 / 3, 1.0 / 3);
    world_free(&w);
}

/* A maximum of positive parts is taken before the parts: smaller maps, the same values and gradients. */
TEST(a_pool_goes_in_front_of_relu) {
    world w = world_new();
    goss_val x = world_normal(&w, "x", GOSS_SHAPE(n(2), n(3), n(7), n(6), n(5))), out[5];
    goss_pool_options o = goss_pool_defaults(3);
    o.stride_h = o.stride_w = 2, o.pad_top = o.pad_left = 1;
    goss_val swapped = goss_max_pool(goss_relu(x), o), plain = goss_max_pool(goss_max(x, goss_const(w.g, 0)), o);
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
    out[0] = goss_max_pool(map, o), out[1] = goss_max_pool(goss_max(map, goss_const(w.g, -1e30)), o);
    T_CHECK(goss__made_by(out[0], &goss__op_ew[GOSS__EW_mul], 0, &gathered));
    T_CHECK(goss__made_by(gathered, &goss__op_ew[GOSS__EW_sub], 0, &taps));
    T_CHECK(goss__made_by(out[1], &goss__op_pool_gather, 0, &taps)); /* not seen through */
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
        out[2 * i] = goss_max_pool(map[i], goss_pool_defaults(2));
        out[2 * i + 1] =
            goss_max_pool(goss_max(map[i], goss_const(w.g, -1e30)), goss_pool_defaults(2)); /* not seen through */
    }
    goss_val within = out[2 * (OUTS - 1)], index, read;
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

/* The gathered taps that v is elementwise work on, with what repeats. */
static goss_val gathered_in(goss_val v) {
    while (goss__node_of(v)->op != &goss__op_pool_gather && goss__node_of(v)->n_in == 2) {
        const uint32_t *in = goss__node_of(v)->in;
        const goss_val first = {v.graph, in[0]};
        v.id = goss__node_of(first)->op == &goss__op_broadcast ? in[1] : in[0];
    }
    return v;
}

/* Where a norm's largest taps are its gain alone decides, whose sign may be either; without a gain the raw map does. */
TEST(a_pool_asks_only_for_what_decides) {
    world w = world_new();
    goss_val x = world_normal(&w, "x", GOSS_SHAPE(n(2), n(3), n(4), n(4), n(5))), mean, var, index, part, out[6];
    goss_val gain = world_normal(&w, "gain", GOSS_SHAPE(n(1), n(1), n(1), n(1), n(5)));
    goss_batch_stats_shared(x, GOSS_NONE, &mean, &var);
    goss_val norm = goss_normalize(x, mean, var, 1e-5), map[3] = {goss_mul(norm, gain), norm, goss_scale(norm, 2)};
    for (int i = 0; i < 3; i++) {
        out[2 * i] = goss_max_pool(map[i], goss_pool_defaults(2));
        out[2 * i + 1] = goss_max_pool(goss_max(map[i], goss_const(w.g, -1e30)), goss_pool_defaults(2));
        T_CHECK(goss__made_by(gathered_in(out[2 * i]), &goss__op_pool_gather, 1, &index));
        T_CHECK(goss__made_by(index, &goss__op_pool_argmax, 0, &part) && part.id == x.id);
        T_EQ(goss__node_of(index)->n_in, i == 0 ? 2 : 1);
        if (i == 0) T_EQ(goss__node_of(index)->in[1], gain.id);
    }
    T_OK(world_compute(&w, GOSS_F64, out, 6));
    for (int i = 0; i < 6; i += 2)
        for (int64_t k = 0; k < w.numel[i]; k++) T_NEAR(w.out[i][k], w.out[i + 1][k], 1e-12);
    world_free(&w);
}

/* Maps many times the image are worth computing again: not those of each channel by itself, nor of many products. */
TEST(first_layers_are_cheap) {
    world w = world_new();
    goss_val grey = world_normal(&w, "grey", GOSS_SHAPE(n(1), n(2), n(6), n(6), n(1)));
    goss_val wide = world_normal(&w, "wide", GOSS_SHAPE(n(1), n(2), n(6), n(6), n(8)));
    goss_conv_options plain = goss_conv_defaults(), own = plain;
    own.groups = 8;
    const goss_val conv[] = {goss_conv(grey, world_normal(&w, "a", GOSS_SHAPE(n(1), n(3), n(3), n(1), n(4))), plain),
                             goss_conv(wide, world_normal(&w, "b", GOSS_SHAPE(n(1), n(3), n(3), n(1), n(8))), own),
                             goss_conv(grey, world_normal(&w, "c", GOSS_SHAPE(n(1), n(5), n(5), n(1), n(4))), plain)};
    for (int i = 0; i < 3; i++) {
        const goss__node *node = goss__node_of(conv[i]);
        T_CHECK(node->op == &goss__op_conv);
        goss__site site;
        goss__site_of(&site, w.g, node);
        T_EQ(node->op->cost.is_cheap(&site), i == 0);
    }
    world_free(&w);
}

/* v is 0 times a number for each of its elements. */
static bool is_nothing(goss_val v) {
    double k = 1;
    goss_val factor;
    return goss__made_by(v, &goss__op_ew[GOSS__EW_mul], 1, &factor) && goss__is_full(factor, &k) && k == 0;
}

/* Differences from a mean add up to 0 along its axes, known while building; along others, or from another mean, they
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

TEST(rows_by_index) {
    world w = world_new();
    goss_val table = world_input(&w, "t", GOSS_REAL, GOSS_SHAPE(n(3), n(2)), (double[]){1, 2, 3, 4, 5, 6});
    goss_val index = world_input(&w, "i", GOSS_INDEX, GOSS_SHAPE(n(4)), (double[]){2, 0, 2, 1});
    goss_val rows = goss_gather(table, index);
    goss_val out[3] = {rows, goss_scatter_add(rows, index, n(4)), goss_one_hot(index, n(2))};
    T_OK(world_compute(&w, GOSS_F64, out, 3));
    EXPECT(w, 0, 5, 6, 1, 2, 5, 6, 3, 4);
    EXPECT(w, 1, 1, 2, 3, 4, 10, 12, 0, 0);
    EXPECT(w, 2, 0, 0, 1, 0, 0, 0, 0, 1); /* an index outside gives zeros */
    world_free(&w);
}

TEST(an_index_outside_its_table_is_reported) {
    for (int bad = -1; bad <= 3; bad += 4) {
        world w = world_new();
        goss_val table = world_normal(&w, "t", GOSS_SHAPE(n(3), n(2)));
        goss_val index = world_input(&w, "i", GOSS_INDEX, GOSS_SHAPE(n(2)), (double[]){1, bad});
        goss_val y = goss_gather(table, index);
        T_OK(world_open(&w, GOSS_F32, &y, 1, NULL, 0));
        T_CHECK(world_run(&w) == GOSS_E_ARGUMENT);
        T_CHECK(strstr(w.err.text, "gather"));
        world_numbers(&w, "i")[1] = 0;
        T_OK(world_run(&w)); /* the error does not stay */
        world_free(&w);
    }
}

TEST(solve_reads_the_lower_triangle_and_refuses_what_is_not_definite) {
    world w = world_new();
    goss_shape square = GOSS_SHAPE(n(2), n(2));
    goss_val a = world_input(&w, "a", GOSS_REAL, square, (double[]){2, 99, 1, 3});
    goss_val b = world_input(&w, "b", GOSS_REAL, square, (double[]){3, 2, 4, 1});
    goss_val c = world_input(&w, "c", GOSS_REAL, square, (double[]){1, 2, 2, 1});
    goss_val out[2] = {goss_spd_solve(a, b), goss_spd_solve(c, b)};
    T_OK(world_compute(&w, GOSS_F64, out, 2));
    EXPECT(w, 0, 1, 1, 1, 0);
    for (int i = 0; i < 4; i++) T_CHECK(isnan(w.out[1][i]));
    world_free(&w);
}

TEST(a_mean_divides_by_the_count_of_the_run) {
    world w = world_new();
    goss_extent tasks = world_tasks(&w, 4);
    goss_val x = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(tasks, n(2)), (double[]){1, 2, 3, 4, 50, 60, 70, 80});
    goss_val out[2] = {goss_mean_all(x), goss_mean(x, GOSS_AXIS(0), false)};
    T_OK(world_compute(&w, GOSS_F64, out, 2));
    EXPECT(w, 0, 270.0 / 8);
    T_OK(goss_exec_count(w.exec, "T", 2, &err));
    T_OK(world_run(&w));
    EXPECT(w, 0, 2.5);
    EXPECT(w, 1, 2, 3);
    world_free(&w);
}

TEST(nan_and_infinity_pass_where_they_must) {
    world w = world_new();
    goss_val x = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(n(3)), (double[]){NAN, INFINITY, 1});
    goss_val mask = world_input(&w, "m", GOSS_REAL, GOSS_SHAPE(n(3)), (double[]){0, 0, 1}), grad;
    goss_val chosen = goss_select(mask, x, goss_const(w.g, 7));
    T_OK(goss_grad(goss_select(mask, goss_exp(x), goss_const(w.g, 7)), &x, 1, &grad));
    goss_val out[4] = {chosen, goss_scale(x, 0), goss_reduce_max(x, GOSS_AXIS(0), false), grad};
    T_OK(world_compute(&w, GOSS_F32, out, 4));
    EXPECT(w, 0, 7, 7, 1);
    T_CHECK(isnan(w.out[1][0]) && isnan(w.out[1][1]) && w.out[1][2] == 0);
    T_CHECK(w.out[2][0] != w.out[2][0] || isinf(w.out[2][0])); /* never the 1 */
    T_CHECK(fabs(w.out[3][2] - exp(1)) < 1e-5);
    world_free(&w);
}

/* ---- random draws ---- */

typedef struct draws {
    double v[4 * 3 * 5];
} draws;

/* [T, N, 5] draws for tasks with these ids; both graphs put other draws around. */
static goss_status draw(const double *ids, int64_t tasks, int64_t samples, uint64_t seed, uint64_t step, bool normal,
                        draws *d) {
    world w = world_new();
    goss_extent T = world_tasks(&w, 4), N = goss_symbol(w.g, "N", 3);
    goss_val task = world_input(&w, "task", GOSS_INDEX, GOSS_SHAPE(T), ids);
    goss_scope_push(w.g, "layer");
    goss_val y = (normal ? goss_random_normal : goss_random_uniform)(task, GOSS_SHAPE(T, N, n(5)));
    goss_scope_pop(w.g);
    GOSS_TRY(world_open(&w, GOSS_F64, &y, 1, NULL, 0));
    GOSS_TRY(goss_exec_count(w.exec, "T", tasks, &w.err));
    GOSS_TRY(goss_exec_count(w.exec, "N", samples, &w.err));
    goss_exec_seed(w.exec, seed, step);
    GOSS_TRY(world_run(&w));
    memcpy(d->v, w.out[0], (size_t)w.numel[0] * sizeof(double));
    world_free(&w);
    return GOSS_OK;
}

TEST(a_draw_belongs_to_its_task_and_sample) {
    draws all, some, other;
    for (int normal = 0; normal < 2; normal++) {
        T_OK(draw((double[]){10, 11, 12, 13}, 4, 3, 1, 2, normal, &all));
        T_OK(draw((double[]){12, 10, 0, 0}, 2, 2, 1, 2, normal, &some));
        for (int sample = 0; sample < 2; sample++)
            for (int i = 0; i < 5; i++) {
                T_CHECK(some.v[sample * 5 + i] == all.v[2 * 15 + sample * 5 + i]);
                T_CHECK(some.v[10 + sample * 5 + i] == all.v[sample * 5 + i]);
            }
        T_OK(draw((double[]){10, 11, 12, 13}, 4, 3, 1, 3, normal, &other));
        T_CHECK(memcmp(&all, &other, sizeof all) != 0);
        T_OK(draw((double[]){10, 11, 12, 13}, 4, 3, 2, 2, normal, &other));
        T_CHECK(memcmp(&all, &other, sizeof all) != 0);
        for (int i = 0; i < 60; i++)
            for (int j = 0; j < i; j++) T_CHECK(all.v[i] != all.v[j]);
    }
}

TEST(draws_have_their_distribution) {
    world w = world_new();
    goss_val task = world_input(&w, "task", GOSS_INDEX, GOSS_SHAPE(n(2)), (double[]){0, 1});
    goss_shape s = GOSS_SHAPE(n(2), n(100), n(500));
    goss_val out[2] = {goss_random_uniform(task, s), goss_random_normal(task, s)};
    T_OK(world_compute(&w, GOSS_F32, out, 2));
    double sum[2] = {0}, squares[2] = {0}, fourth = 0;
    int64_t m = w.numel[0];
    for (int64_t i = 0; i < m; i++) {
        T_CHECK(w.out[0][i] >= 0 && w.out[0][i] < 1);
        for (int k = 0; k < 2; k++) sum[k] += w.out[k][i], squares[k] += w.out[k][i] * w.out[k][i];
        fourth += pow(w.out[1][i], 4);
    }
    double each = 1 / (double)m; /* bounds are five deviations wide or more */
    T_NEAR(sum[0] * each, 0.5, 5 * sqrt(each / 12));
    T_NEAR(squares[0] * each, 1.0 / 3, 5 * 0.3 * sqrt(each));
    T_NEAR(sum[1] * each, 0, 5 * sqrt(each));
    T_NEAR(squares[1] * each, 1, 5 * sqrt(2 * each));
    T_NEAR(fourth * each, 3, 5 * sqrt(96 * each));
    world_free(&w);
}

TEST(two_draws_are_two) {
    goss_graph *g = goss_graph_new();
    goss_val task = goss_iota(g, n(2));
    char deep[900];
    memset(deep, 'x', sizeof deep);
    deep[sizeof deep - 1] = 0;
    goss_val a = goss_random_uniform(task, GOSS_SHAPE(n(2))), b = goss_random_uniform(task, GOSS_SHAPE(n(2)));
    T_CHECK(a.id != b.id);
    goss_scope_push(g, deep);
    a = goss_random_uniform(task, GOSS_SHAPE(n(2))), b = goss_random_uniform(task, GOSS_SHAPE(n(2)));
    T_CHECK(goss_valid(a) && a.id != b.id && strcmp(goss__node_of(a)->name, goss__node_of(b)->name) != 0);
    goss_graph_free(g);
}

/* ---- one node for equal things, no node for nothing ---- */

TEST(builders_see_what_is_nothing) {
    goss_graph *g = goss_graph_new();
    goss_shape s = GOSS_SHAPE(goss_symbol(g, "T", 4), n(3), n(2));
    goss_val x = goss_input(g, "x", GOSS_REAL, s), y = goss_input(g, "y", GOSS_REAL, s), zero = goss_zeros_like(x);
    int keep[] = {0, 1, 2}, rotate[] = {2, 0, 1}, back[] = {1, 2, 0};
    const goss_val same[] = {goss_add(x, zero),
                             goss_add(zero, x),
                             goss_sub(x, goss_const(g, 0)),
                             goss_scale(x, 1),
                             goss_neg(goss_neg(x)),
                             goss_div(x, goss_const(g, 1)),
                             goss_shift(x, 0),
                             goss_reshape(goss_reshape(x, GOSS_SHAPE(s.dim[0], n(6))), s),
                             goss_permute(x, keep),
                             goss_permute(goss_permute(x, rotate), back),
                             goss_broadcast(x, s),
                             goss_slice(x, 1, 0, 3),
                             goss_pad(x, 2, 0, 0),
                             goss_concat(&x, 1, 0),
                             goss_slice(goss_pad(x, 1, 2, 5), 1, 2, 3),
                             goss_sum(x, 0, true),
                             goss_select(y, x, x),
                             goss_scale(goss_scale(x, 4), 0.25)};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (same[i].id != x.id) T_FAIL("simplification %zu did not give x back", i);
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
}

TEST(equal_things_are_one_node) {
    goss_graph *g = goss_graph_new();
    goss_shape s = GOSS_SHAPE(n(4), n(3));
    goss_val x = goss_input(g, "x", GOSS_REAL, s), y = goss_input(g, "y", GOSS_REAL, s);
    T_EQ(goss_add(x, y).id, goss_add(y, x).id);
    T_EQ(goss_mul(x, y).id, goss_mul(y, x).id);
    T_CHECK(goss_sub(x, y).id != goss_sub(y, x).id);
    T_CHECK(goss_max(x, y).id != goss_max(y, x).id); /* they differ on NaN */
    T_EQ(goss_sub(x, goss_neg(y)).id, goss_add(x, y).id);
    T_EQ(goss_add(x, goss_neg(y)).id, goss_sub(x, y).id);
    T_EQ(goss_neg(goss_scale(x, 3)).id, goss_scale(x, -3).id);
    T_EQ(goss_mul(x, x).id, goss_square(x).id);
    T_EQ(goss_input(g, "x", GOSS_REAL, s).id, x.id);
    T_EQ(goss_matmul(x, y, true, false).id, goss_matmul(x, y, true, false).id);
    T_CHECK(goss_matmul(x, y, true, false).id != goss_matmul(x, y, false, true).id);
    T_CHECK(goss_const(g, 1).id != goss_const(g, 1.0000001).id);
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
}

TEST(constants_are_folded) {
    goss_graph *g = goss_graph_new();
    goss_shape s = GOSS_SHAPE(goss_symbol(g, "T", 4), n(3));
    double v = 0;
    goss_val full = goss_full(g, s, 2);
    T_CHECK(goss__is_full(goss_exp(goss_mul(full, full)), &v) && v == exp(4));
    T_CHECK(goss__is_full(goss_reshape(goss_shift(full, 1), GOSS_SHAPE(n(3), s.dim[0])), &v) && v == 3);
    T_CHECK(goss__is_full(goss_slice(full, 1, 1, 1), &v) && v == 2);
    /* What is broadcast from a row is computed on the row. */
    goss_val row = goss_input(g, "row", GOSS_REAL, GOSS_SHAPE(n(1), n(3)));
    T_EQ(goss_exp(goss_broadcast(row, s)).id, goss_broadcast(goss_exp(row), s).id);
    T_EQ(goss_scale(goss_broadcast(row, s), 3).id, goss_broadcast(goss_scale(row, 3), s).id);
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
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
    T_EQ(goss_mul(goss_mul(x, s), t).id, goss_mul(x, goss_mul(s, t)).id);
    goss_val u = world_normal(&w, "u", GOSS_SHAPE(T, n(1), n(5)));
    T_EQ(goss_mul(goss_mul(x, u), t).id, goss_mul(x, goss_mul(u, t)).id);
    T_EQ(goss_scale(goss_mul(x, s), 3).id, goss_mul(x, goss_scale(s, 3)).id);
    T_EQ(goss_sum(goss_mul(x, s), lead, true).id, goss_mul(goss_sum(x, lead, true), s).id);
    T_EQ(goss_sum(goss_neg(x), lead, true).id, goss_neg(goss_sum(x, lead, true)).id);
    goss_val both = goss_add(goss_mul(x, s), goss_mul(y, t));
    T_EQ(goss_sum(both, lead, true).id,
         goss_add(goss_mul(goss_sum(x, lead, true), s), goss_mul(goss_sum(y, lead, true), t)).id);
    /* What differs along the axes stays where it is, and so does a difference, which a sum of each would lose. */
    goss_val inside[] = {goss_mul(x, row), goss_mul(x, y), goss_add(x, y), goss_sub(x, s)};
    for (int i = 0; i < 4; i++) T_CHECK(goss__node_of(goss_sum(inside[i], lead, true))->op == &goss__op_sum);
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
    T_CHECK(goss__made_by(y, &goss__op_reshape, 0, &inner) && goss__node_of(inner)->op == &goss__op_matmul);
    T_CHECK(goss_shape_equal(goss_shape_of(inner), GOSS_SHAPE(n(1), goss_extent_mul(T, N), n(2))));
    T_OK(goss_grad(goss_exp(y), &w, 1, &dw));
    T_CHECK(goss__node_of(dw)->op == &goss__op_matmul); /* contracts over tasks and samples at once */
    goss_graph_free(g);
}

TEST(kept_and_dropped_axes) {
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", 4);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(T, n(3), n(1), n(5)));
    T_CHECK(goss_shape_equal(goss_shape_of(goss_sum(x, GOSS_AXIS(1) | GOSS_AXIS(2), false)), GOSS_SHAPE(T, n(5))));
    T_CHECK(goss_shape_equal(goss_shape_of(goss_mean(x, GOSS_AXIS(1) | GOSS_AXIS(3), true)),
                             GOSS_SHAPE(T, n(1), n(1), n(1))));
    T_EQ(goss_rank(goss_sum_all(x)), 0);
    T_CHECK(goss_shape_equal(goss_shape_of(goss_squeeze(x, 2)), GOSS_SHAPE(T, n(3), n(5))));
    T_CHECK(goss_shape_equal(goss_shape_of(goss_unsqueeze(x, -1)), GOSS_SHAPE(T, n(3), n(1), n(5), n(1))));
    T_CHECK(goss_shape_equal(goss_shape_of(goss_transpose(x)), GOSS_SHAPE(T, n(3), n(5), n(1))));
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
}

/* ---- promises of the descriptors ---- */

TEST(descriptors_are_whole) {
    int count = 0;
    for (; goss__op_all[count]; count++) {
        const goss__op *op = goss__op_all[count];
        for (int j = 0; j < count; j++)
            if (strcmp(goss__op_all[j]->name, op->name) == 0) T_FAIL("two operations are called %s", op->name);
        const bool runs = op->kernel.run_f32 && op->kernel.run_f64,
                   placed = goss__is_stateful(op) || (op->slicing.alias && !op->slicing.alias_offset);
        if (!runs && !placed) T_FAIL("%s neither runs nor is placed", op->name);
        if (op->slicing.alias_offset && !op->slicing.alias) T_FAIL("%s tells an offset but is no alias", op->name);
    }
    T_CHECK(count > GOSS__EW_COUNT + 20);
}

/* How x [T,rows,128] times a shared [128,columns] takes part in a phase over tasks. */
static goss__slicing slicing_of(int64_t rows, int64_t columns) {
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", 4);
    goss_val y = goss_matmul(goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(n(1), goss_extent_mul(T, n(rows)), n(128))),
                             goss_param(g, "w", GOSS_SHAPE(n(1), n(128), n(columns))), false, false);
    goss__cut cut[GOSS__MAX_IN];
    goss__site site;
    goss__site_of(&site, g, goss__node_of(y));
    goss__slicing s = goss__op_matmul.slicing.slice(&site, T, cut);
    goss_graph_free(g);
    return s;
}

TEST(few_rows_do_not_reread_a_large_matrix) {
    T_EQ(slicing_of(1, 256), GOSS__LOCAL);
    T_EQ(slicing_of(1, 50000), GOSS__NO_SLICES);
    T_EQ(slicing_of(64, 50000), GOSS__LOCAL);
}

TEST_MAIN()
