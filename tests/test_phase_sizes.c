/* SPDX-License-Identifier: Apache-2.0 */
/* test_phase_sizes.c: what a phase stores: what is recomputed instead, the slots of its sums, and the items of a
 * tile. */
#include <stdlib.h>
#include <string.h>

#include "gossamer/compose.h"
#include "machine.h"
#include "graph/cost_model.h"
#include "schedule/build.h"
#include "test.h"

static goss_error err;

/* ---- recomputing ---- */

enum { T = 16, ROWS = 128, IN = 64, HIDDEN = 512, LAYERS = 2 };

/* The gradient of two blocks x + gelu(x u) d with weights of each task, with respect to their input. */
static void gelu_gradient(const char *disabled, float *out, size_t *memory) {
    static float x[T * ROWS * IN], weight[2 * LAYERS][T * IN * HIDDEN];
    static const char *const name[] = {"up0", "down0", "up1", "down1"};
    for (int i = 0; i < T * ROWS * IN; i++) x[i] = (float)(i * 7919 % 101) / 50 - 1;
    setenv("GOSSAMER_DISABLE", disabled, 1);
    goss_graph *g = goss_graph_new();
    const goss_extent t = goss_symbol(g, "T", T);
    const goss_val in = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(t, goss_n(ROWS), goss_n(IN)));
    goss_val h = in, grad;
    for (int i = 0; i < LAYERS; i++) {
        const goss_val up = goss_input(g, name[2 * i], GOSS_REAL, GOSS_SHAPE(t, goss_n(IN), goss_n(HIDDEN)));
        const goss_val down = goss_input(g, name[2 * i + 1], GOSS_REAL, GOSS_SHAPE(t, goss_n(HIDDEN), goss_n(IN)));
        h = goss_add(h, goss_linear(goss_gelu(goss_linear(h, up, GOSS_NONE)), down, GOSS_NONE));
    }
    goss_grad(goss_sum_all(goss_square(h)), &in, 1, &grad);
    machine m;
    T_OK(machine_new(&m, g, &grad, 1, NULL, 0, NULL, 2, &err));
    for (int i = 0; i < 2 * LAYERS; i++) {
        for (int j = 0; j < T * IN * HIDDEN; j++) weight[i][j] = (float)((j * 31 + i) % 17 - 8) / 64;
        T_OK(goss_exec_bind(m.exec, name[i], weight[i], &err));
    }
    T_OK(goss_exec_bind(m.exec, "x", x, &err));
    T_OK(goss_exec_run(m.exec, &err));
    memcpy(out, goss_exec_output(m.exec, 0, NULL), sizeof x);
    *memory = goss_schedule_memory(m.program, 2);
    machine_free(&m);
    unsetenv("GOSSAMER_DISABLE");
}

/* Each layer keeps two maps of a task, 256 KB, for two threads, instead of four or five; the same bits. */
TEST(a_gelus_gradient_recomputes_what_is_a_flop_or_two) {
    static float a[T * ROWS * IN], b[T * ROWS * IN];
    size_t less, more;
    gelu_gradient("", a, &less), gelu_gradient("rematerialise", b, &more);
    T_NOTE("%zu bytes, %zu without", less, more);
    T_CHECK(less + (size_t)2 * 2 * ROWS * HIDDEN * sizeof(float) < more);
    T_CHECK(memcmp(a, b, sizeof a) == 0);
}

/* ---- slots ---- */

/* Four sums of 1 MB over 32 tasks: alone each would have 16 slots. */
TEST(slots_of_all_sums_are_bounded_together) {
    enum { SUMS = 4, SIDE = 512, TASKS = 32 };
    goss_graph *g = goss_graph_new();
    const goss_extent rows = goss_extent_mul(goss_symbol(g, "T", TASKS), goss_n(SIDE));
    const goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), rows, goss_n(SIDE)));
    const goss_val of[SUMS] = {goss_relu(x), goss_tanh(x), goss_square(x), goss_exp(x)};
    goss_val sum[SUMS];
    for (int i = 0; i < SUMS; i++) sum[i] = goss_matmul(x, of[i], true, false);
    goss_schedule *p;
    T_OK(goss_compile(g, sum, SUMS, NULL, 0, NULL, &p, &err));
    int sums = 0;
    for (uint32_t f = 0; f < p->n_phases; f++)
        if (p->phases[f].slots) {
            T_EQ(p->phases[f].slots, 4);
            T_EQ(p->phases[f].addend_bytes, SUMS * SIDE * SIDE * sizeof(float));
            sums++;
        }
    T_EQ(sums, 1);
    goss_schedule_free(p), goss_graph_free(g);
}

/* ---- tiles ---- */

/* As many items as a batched instruction prefers, at most a slot's share, or an eighth where there are no sums. */
TEST(tiles_are_an_eighth_of_the_items_or_a_slots_share) {
    goss_graph *g = goss_graph_new();
    goss__phase ph = {.items = goss_symbol(g, "T", 64), .item_bytes = GOSS__COST_UNIT_BYTES, .item_cost = 1e6};
    ph.batch = 1000;
    T_EQ(goss__unit_items(&ph, 64), 1);
    T_EQ(goss__tile_items(&ph, 64), 8);
    T_EQ(goss__tile_items(&ph, 50), 7);
    ph.slots = GOSS__SLOTS;
    T_EQ(goss__tile_items(&ph, 64), 4);
    ph.slots = 0, ph.batch = 3;
    T_EQ(goss__tile_items(&ph, 64), 4);
    goss_graph_free(g);
}

TEST_MAIN()
