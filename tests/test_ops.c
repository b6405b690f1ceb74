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

/* In f32 a serial sum of 9,000 tenths is off by 7e-5 of its size. N is whole blocks and a rest. */
TEST(many_rows_into_few_are_added_accurately) {
    enum { ROWS = 3, N = 21000 - 100 };
    static double tenths[N], at[N];
    double want[ROWS] = {0};
    for (int i = 0; i < N; i++) {
        tenths[i] = (double)0.1f;
        at[i] = i % 7 % ROWS;
        want[i % 7 % ROWS] += tenths[i];
    }
    world w = world_new();
    goss_val value = world_input(&w, "value", GOSS_REAL, GOSS_SHAPE(n(N)), tenths);
    goss_val index = world_input(&w, "index", GOSS_INDEX, GOSS_SHAPE(n(N)), at);
    goss_val out = goss_scatter_add(value, index, n(ROWS));
    T_OK(world_compute(&w, GOSS_F32, &out, 1));
    for (int i = 0; i < ROWS; i++) fprintf(stderr, "%g %g %g\n", w.out[0][i], want[i], w.out[0][i] / want[i] - 1);
    for (int i = 0; i < ROWS; i++) fprintf(stderr, "%g %g %g\n", w.out[0][i], want[i], w.out[0][i] / want[i] - 1);
    for (int i = 0; i < ROWS; i++) T_NEAR(w.out[0][i], want[i], 2e-6 * want[i]);
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
    int keep[] = {0, 1, 2};
    const goss_val same[] = {goss_add(x, zero),      goss_add(zero, x),     goss_sub(x, goss_const(g, 0)),
                             goss_scale(x, 1),       goss_neg(goss_neg(x)), goss_div(x, goss_const(g, 1)),
                             goss_shift(x, 0),       goss_permute(x, keep), goss_broadcast(x, s),
                             goss_slice(x, 1, 0, 3), goss_pad(x, 2, 0, 0),  goss_concat(&x, 1, 0),
                             goss_sum(x, 0, true),   goss_select(y, x, x)};
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
    T_OK(goss_graph_status(g, &err));
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
                   looped = op == &goss__op_scan || op == &goss__op_scan_result, /* the runtime's own */
            placed = looped || goss__is_stateful(op) || (op->slicing.alias && !op->slicing.alias_offset);
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
