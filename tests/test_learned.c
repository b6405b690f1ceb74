/* SPDX-License-Identifier: Apache-2.0 */
/* A learned optimiser against the same in plain C: two steps of coordinates with gradients of very different sizes, and
 * its gradient by differences. That it learns, and what must not matter to it, is in test_method.c. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "gossamer/exec.h"
#include "meta/method.h"
#include "test.h"

enum { N = 5, H = 20 };

static goss_error err;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* One step of one coordinate; w: the tensors in the order of their layout. */
static double step_by_hand(const double *const w[7], double g, double state[4][H]) {
    double x[H] = {0}, next[4][H];
    int inputs = 2;
    x[0] = fabs(g) >= exp(-10) ? log(fabs(g)) / 10 : -1;
    x[1] = fabs(g) >= exp(-10) ? (g > 0) - (g < 0) : exp(10) * g;
    for (int l = 0; l < 2; l++) {
        for (int j = 0; j < H; j++) {
            double z[4];
            for (int k = 0; k < 4; k++) {
                z[k] = w[3 * l + 2][k * H + j];
                for (int i = 0; i < inputs; i++) z[k] += x[i] * w[3 * l][i * 4 * H + k * H + j];
                for (int i = 0; i < H; i++) z[k] += state[2 * l][i] * w[3 * l + 1][i * 4 * H + k * H + j];
            }
            next[2 * l + 1][j] = sigmoid(z[1] + 1) * state[2 * l + 1][j] + sigmoid(z[0]) * tanh(z[2]);
            next[2 * l][j] = sigmoid(z[3]) * tanh(next[2 * l + 1][j]);
        }
        memcpy(x, next[2 * l], sizeof x);
        inputs = H;
    }
    memcpy(state, next, sizeof next);
    double sum = 0;
    for (int j = 0; j < H; j++) sum += x[j] * w[6][j];
    return -.1 * sum;
}

typedef struct world {
    goss_method *method;
    goss_schedule *program;
    goss_params *params;
    goss_threads *threads;
    goss_exec *exec;
    double *weights;
    int64_t total;
} world;

/* Outputs: both steps [1,N], and the gradient of the second one's sum with respect to the optimiser. */
static void open_world(world *w) {
    const int64_t input[] = {3};
    goss_method_options defaults = goss_method_defaults();
    defaults.outputs = 2;
    T_OK(goss_method_create("learned", "dense 4; tanh", input, 1, &defaults, &w->method, &err));
    goss_graph *g = goss_graph_new();
    goss__learned l;
    goss_val state[GOSS__LEARNED_STATE], move[2], grad;
    goss__learned_begin(w->method, g, &l);
    for (int i = 0; i < 2; i++) {
        const goss_val gradient = goss_input(g, i ? "second" : "first", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(N)));
        move[i] = goss__learned_move(&l, gradient, i == 0, state);
    }
    const goss_val slab = goss_weights_slab(l.weights);
    T_OK(goss_grad(goss_sum_all(move[1]), &slab, 1, &grad));
    const goss_val outputs[] = {move[0], move[1], grad};
    goss_schedule_options options = goss_schedule_defaults();
    options.precision = GOSS_F64;
    T_OK(goss_compile(g, outputs, 3, NULL, 0, &options, &w->program, &err));
    goss__learned_free(&l);
    goss_graph_free(g);
    T_OK(goss_params_new(GOSS_F64, &w->params, &err));
    T_OK(goss_params_add(w->params, w->program, &err));
    T_OK(goss_threads_new(1, &w->threads, &err));
    T_OK(goss_exec_new(w->program, w->params, w->threads, &w->exec, &err));
    w->weights = goss_params_data(w->params, goss_params_find(w->params, "optimizer"));
    w->total = goss_layout_total(w->method->steps);
}

static void close_world(world *w) {
    goss_exec_free(w->exec), goss_threads_free(w->threads), goss_params_free(w->params);
    goss_schedule_free(w->program), goss_method_free(w->method);
}

static double sum_of_second(world *w) {
    double sum = 0;
    T_OK(goss_exec_run(w->exec, &err));
    const double *y = goss_exec_output(w->exec, 1, NULL);
    for (int i = 0; i < N; i++) sum += y[i];
    return sum;
}

TEST(steps_are_those_of_the_paper) {
    world w;
    open_world(&w);
    const double first[N] = {.3, -2e-3, 1e-7, -40, 0}, second[N] = {-.1, 5e-4, -3e-6, 7, 1e-9};
    goss__rng rng = goss__rng_make(4, 1);
    for (int64_t i = 0; i < w.total; i++) w.weights[i] = .4 * goss__rng_normal(&rng);
    T_OK(goss_exec_bind(w.exec, "first", first, &err));
    T_OK(goss_exec_bind(w.exec, "second", second, &err));
    sum_of_second(&w);
    const double *tensor[7];
    T_EQ(goss_layout_count(w.method->steps), 7);
    for (int i = 0; i < 7; i++) tensor[i] = w.weights + goss_layout_offset(w.method->steps, i);
    for (int i = 0; i < N; i++) {
        double state[4][H] = {{0}};
        T_NEAR(((const double *)goss_exec_output(w.exec, 0, NULL))[i], step_by_hand(tensor, first[i], state), 1e-12);
        T_NEAR(((const double *)goss_exec_output(w.exec, 1, NULL))[i], step_by_hand(tensor, second[i], state), 1e-12);
    }
    double grad[8];
    const double *all = goss_exec_output(w.exec, 2, NULL);
    for (int k = 0; k < 8; k++) grad[k] = all[k * (w.total - 1) / 7];
    for (int k = 0; k < 8; k++) {
        double *at = &w.weights[k * (w.total - 1) / 7], was = *at, h = 1e-5;
        *at = was + h;
        const double up = sum_of_second(&w);
        *at = was - h;
        const double down = sum_of_second(&w);
        *at = was;
        T_NEAR((up - down) / (2 * h), grad[k], 1e-7);
    }
    close_world(&w);
}

TEST_MAIN()
