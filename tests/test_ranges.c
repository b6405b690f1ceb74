/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of generated networks: layers' weights are ranges of the generated numbers, and so are their gradients; biases
 * of the generator join its product, and units of tasks are added to the slots of its gradient. Nothing of it changes a
 * bit. */
#include <stdlib.h>

#include "base/rng.h"
#include "gossamer/compose.h"
#include "machine.h"
#include "test.h"

enum { T = 40, N = 6, IN = 10, OUT = 3, CODE = 4, STEPS = 2, MOST = 28100 };

static goss_error err;

typedef struct outcome {
    float loss, weights[CODE * MOST];
    char text[40000];
    size_t memory;
} outcome;

static goss_val part(goss_val flat, int64_t *at, int64_t rows, int64_t columns) {
    goss_val slice = goss_slice(flat, 1, *at, rows * columns);
    *at += rows * columns;
    return goss_reshape(slice, GOSS_SHAPE(goss_dim(flat, 0), goss_n(rows), goss_n(columns)));
}

/* A step of gradient descent on the generator [CODE, numbers] of all weights of a network with a hidden layer. */
static goss_graph *build(int64_t hidden, goss_val *loss, goss_val update[2]) {
    goss_graph *g = goss_graph_new();
    const goss_extent tasks = goss_symbol(g, "T", T), n = goss_symbol(g, "N", N);
    const int64_t numbers = (IN + 1) * hidden + (hidden + 1) * OUT;
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(tasks, n, goss_n(IN)));
    goss_val code = goss_input(g, "code", GOSS_REAL, GOSS_SHAPE(tasks, goss_n(1), goss_n(CODE)));
    goss_val w[2] = {goss_param(g, "w", GOSS_SHAPE(goss_n(1), goss_n(CODE), goss_n(numbers))),
                     goss_param(g, "b", GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(numbers)))},
             grad[2];
    goss_val flat =
        goss_reshape(goss_add(goss_matmul(code, w[0], false, false), w[1]), GOSS_SHAPE(tasks, goss_n(numbers)));
    int64_t at = 0;
    goss_val first = part(flat, &at, IN, hidden), bias = part(flat, &at, 1, hidden);
    goss_val h = goss_relu(goss_add(goss_matmul(x, first, false, false), bias));
    goss_val second = part(flat, &at, hidden, OUT), shift = part(flat, &at, 1, OUT);
    *loss = goss_mean_all(goss_square(goss_add(goss_matmul(h, second, false, false), shift)));
    T_OK(goss_grad(*loss, w, 2, grad));
    for (int i = 0; i < 2; i++) update[i] = goss_assign(w[i], goss_sub(w[i], goss_scale(grad[i], 0.1)));
    return g;
}

static void fill(float *v, int64_t n, uint64_t seed) {
    goss__rng r = goss__rng_make(seed, 0);
    for (int64_t i = 0; i < n; i++) v[i] = (float)(0.5 * goss__rng_normal(&r));
}

/* Some steps of that many tasks without the passes that `disabled` names. */
static void run(const char *disabled, int threads, int64_t hidden, int64_t tasks, outcome *out) {
    static float x[T * N * IN], code[T * CODE];
    goss_val loss, update[2];
    machine m;
    memset(out, 0, sizeof *out);
    setenv("GOSSAMER_DISABLE", disabled, 1);
    goss_graph *g = build(hidden, &loss, update);
    T_OK(machine_new(&m, g, &loss, 1, update, 2, NULL, threads, &err));
    fill(x, T * N * IN, 1), fill(code, T * CODE, 2);
    for (int i = 0; i < goss_params_count(m.params); i++)
        fill(goss_params_data(m.params, i), goss_params_numel(m.params, i), 3 + (uint64_t)i);
    T_OK(goss_exec_bind(m.exec, "x", x, &err));
    T_OK(goss_exec_bind(m.exec, "code", code, &err));
    T_OK(goss_exec_count(m.exec, "T", tasks, &err));
    for (int i = 0; i < STEPS; i++) T_OK(goss_exec_run(m.exec, &err));
    out->loss = *(const float *)goss_exec_output(m.exec, 0, NULL);
    T_CHECK(goss_params_numel(m.params, goss_params_find(m.params, "w")) <= CODE * MOST);
    machine_copy_param(&m, "w", out->weights);
    T_CHECK(machine_describe(&m, out->text, sizeof out->text, &out->memory));
    machine_free(&m);
    unsetenv("GOSSAMER_DISABLE");
}

static outcome a, b;

static int times(const outcome *o, const char *what) {
    int n = 0;
    for (const char *at = o->text; (at = strstr(at, what)); at++) n++;
    return n;
}

static bool same_bits(void) { return memcmp(a.weights, b.weights, sizeof a.weights) == 0 && a.loss == b.loss; }

/* Small networks, of which a unit has several tasks, the last one fewer, and large ones, of which it has one. */
static const int64_t hidden[] = {16, 700};

TEST(weights_and_their_gradients_are_ranges) {
    for (int i = 0; i < 2; i++)
        for (int64_t tasks = 1; tasks <= T; tasks += 13) {
            run("", 2, hidden[i], tasks, &a), run("ranges", 2, hidden[i], tasks, &b);
            T_CHECK(times(&a, ", in %") >= 6); /* four slices, two products; in single units sums, too */
            T_EQ(times(&b, ", in %"), 0);
            T_CHECK(isfinite(a.loss) && a.loss > 0 && a.memory < b.memory);
            T_CHECK(same_bits());
        }
}

TEST(units_are_added_to_slots_by_their_product) {
    for (int i = 0; i < 2; i++) {
        run("", 2, hidden[i], T, &a), run("slots", 2, hidden[i], T, &b);
        T_CHECK(times(&a, ", adds") >= 1);
        T_EQ(times(&b, ", adds"), 0);
        T_CHECK(isfinite(a.loss) && a.loss > 0 && a.memory <= b.memory);
        T_CHECK(same_bits());
    }
}

/* ... instead of a pass over the numbers; from 4 MB on they are not rematerialised either. */
TEST(a_generators_bias_joins_its_product) {
    static const int64_t units[] = {16, 2000};
    for (int i = 0; i < 2; i++) {
        run("", 2, units[i], T, &a), run("add-inside", 2, units[i], T, &b);
        T_EQ(times(&a, "= add [T,1,") + times(&a, "= add [1,T,"), 0);
        T_EQ(times(&b, "= add [T,1,"), 1);
        T_CHECK(isfinite(a.loss) && a.loss > 0);
        T_NEAR(a.loss, b.loss, 1e-5 * a.loss); /* sums over tasks may be cut otherwise */
    }
}

TEST(threads_change_no_bit) {
    for (int i = 0; i < 2; i++) {
        run("", 1, hidden[i], T, &a), run("", 3, hidden[i], T, &b);
        T_CHECK(isfinite(a.loss) && same_bits());
    }
}

TEST_MAIN()
