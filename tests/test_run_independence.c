/* SPDX-License-Identifier: Apache-2.0 */
/* What a run gives depends on what it is given, not on the runs before it, on how many tasks there are beside one, or
 * on the order in which equal expressions were built. Small cases of what random programs (test_random_programs.c)
 * found. */
#include <math.h>
#include <string.h>

#include "gossamer/exec.h"
#include "machine.h"
#include "test.h"

static goss_error err;

/* A draw whose operands are constants is none: another step, another number. */
TEST(draws_for_constant_ids_are_drawn_at_each_run) {
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", 3);
    goss_val ids = goss_iota(g, T);
    goss_val drawn[2] = {goss_random_uniform(ids, GOSS_SHAPE(T, goss_n(2))),
                         goss_random_normal(ids, GOSS_SHAPE(T, goss_n(2)))};
    goss_val out = goss_concat(drawn, 2, 1);
    machine m, fresh;
    float first[12], second[12];
    T_OK(machine_new(&m, g, &out, 1, NULL, 0, NULL, 1, &err));
    goss_exec_seed(m.exec, 5, 0);
    T_OK(goss_exec_run(m.exec, &err));
    memcpy(first, goss_exec_output(m.exec, 0, NULL), sizeof first);
    goss_exec_seed(m.exec, 5, 1);
    T_OK(goss_exec_run(m.exec, &err));
    memcpy(second, goss_exec_output(m.exec, 0, NULL), sizeof second);
    for (int i = 0; i < 12; i++) T_CHECK(first[i] != second[i]);
    fresh = m;
    T_OK(goss_exec_new(m.program, m.params, m.threads, &fresh.exec, &err));
    goss_exec_seed(fresh.exec, 5, 1);
    T_OK(goss_exec_run(fresh.exec, &err));
    T_CHECK(memcmp(goss_exec_output(fresh.exec, 0, NULL), second, sizeof second) == 0);
    goss_exec_free(fresh.exec);
    machine_free(&m);
}

/* Sums over leading axes: with the task axis behind them, and between two of them. */
TEST(sums_over_axes_before_that_of_tasks_do_not_depend_on_their_number) {
    enum { STEPS = 37, D = 5, T_MOST = 3 };
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", T_MOST);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(STEPS), T, goss_n(1)));
    goss_val y = goss_input(g, "y", GOSS_REAL, GOSS_SHAPE(goss_n(STEPS), T, goss_n(D)));
    goss_val out[2] = {goss_sum(x, GOSS_AXIS(0), false), goss_sum(y, GOSS_AXIS(0) | GOSS_AXIS(2), false)};
    machine m;
    float all_x[STEPS * T_MOST], all_y[STEPS * T_MOST * D], one_x[STEPS], one_y[STEPS * D], sum[2];
    for (int i = 0; i < STEPS * T_MOST; i++) all_x[i] = sinf((float)(3 * i + 1));
    for (int i = 0; i < STEPS * T_MOST * D; i++) all_y[i] = sinf((float)(2 * i + 1));
    T_OK(machine_new(&m, g, out, 2, NULL, 0, NULL, 1, &err));
    T_OK(goss_exec_bind(m.exec, "x", all_x, &err));
    T_OK(goss_exec_bind(m.exec, "y", all_y, &err));
    T_OK(goss_exec_run(m.exec, &err));
    for (int i = 0; i < 2; i++) sum[i] = ((const float *)goss_exec_output(m.exec, i, NULL))[1]; /* of task 1 */
    for (int s = 0; s < STEPS; s++) {
        one_x[s] = all_x[s * T_MOST + 1];
        memcpy(one_y + s * D, all_y + (s * T_MOST + 1) * D, D * sizeof *one_y);
    }
    T_OK(goss_exec_count(m.exec, "T", 1, &err));
    T_OK(goss_exec_bind(m.exec, "x", one_x, &err));
    T_OK(goss_exec_bind(m.exec, "y", one_y, &err));
    T_OK(goss_exec_run(m.exec, &err));
    for (int i = 0; i < 2; i++) T_CHECK(memcmp(goss_exec_output(m.exec, i, NULL), &sum[i], sizeof sum[i]) == 0);
    machine_free(&m);
}

/* b b becomes the square of b, which was built later, and on what the product's sum asks for it moves up. */
TEST(an_expression_may_become_one_whose_operands_were_built_later) {
    goss_graph *g = goss_graph_new();
    goss_extent T = goss_symbol(g, "T", 2), N = goss_symbol(g, "N", 2);
    goss_val b =
        goss_broadcast(goss_param(g, "w", GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(1))), GOSS_SHAPE(T, N, goss_n(12)));
    goss_val sum = goss_sum(goss_mul(b, b), GOSS_AXIS(1), true), square = goss_square(b), out[2] = {square, sum};
    machine m;
    T_OK(machine_new(&m, g, out, 2, NULL, 0, NULL, 1, &err));
    *(float *)goss_params_data(m.params, 0) = 3;
    T_OK(goss_exec_run(m.exec, &err));
    for (int i = 0; i < 48; i++) T_CHECK(((const float *)goss_exec_output(m.exec, 0, NULL))[i] == 9);
    for (int i = 0; i < 24; i++) T_CHECK(((const float *)goss_exec_output(m.exec, 1, NULL))[i] == 18);
    machine_free(&m);
}

TEST_MAIN()
