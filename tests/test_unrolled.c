/* SPDX-License-Identifier: Apache-2.0 */
/* A thousand gradient steps one after the other, and the gradient through all of them: tens of thousands of values and
 * phases. Every pass goes over lists of what it wants: one that goes over all values for each of them takes minutes
 * here, where all of this is a second. */
#include "gossamer/compose.h"
#include "gossamer/exec.h"
#include "machine.h"
#include "test.h"

enum { STEPS = 1000, ROWS = 6, IN = 5, OUT = 3 };
#define RATE 0.02

static goss_error err;
static double x[ROWS][IN], y[ROWS][OUT], start[IN][OUT];

static void fill(void) {
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < IN; i++) x[r][i] = sin(1 + 3 * r + 7 * i);
        for (int o = 0; o < OUT; o++) y[r][o] = cos(2 + 5 * r + 11 * o);
    }
    for (int i = 0; i < IN; i++)
        for (int o = 0; o < OUT; o++) start[i][o] = 0.3 * sin(4 * i + o);
}

/* tanh(x w) - y, and its mean square. */
static double residuals(double w[IN][OUT], double d[ROWS][OUT], double h[ROWS][OUT]) {
    double sum = 0;
    for (int r = 0; r < ROWS; r++)
        for (int o = 0; o < OUT; o++) {
            double z = 0;
            for (int i = 0; i < IN; i++) z += x[r][i] * w[i][o];
            h[r][o] = tanh(z), d[r][o] = h[r][o] - y[r][o];
            sum += d[r][o] * d[r][o];
        }
    return sum / (ROWS * OUT);
}

/* The same by hand: w becomes the weights after all steps. */
static double train(double w[IN][OUT]) {
    double d[ROWS][OUT], h[ROWS][OUT];
    for (int k = 0; k < STEPS; k++) {
        residuals(w, d, h);
        for (int i = 0; i < IN; i++)
            for (int o = 0; o < OUT; o++) {
                double g = 0;
                for (int r = 0; r < ROWS; r++) g += x[r][i] * 2 * d[r][o] * (1 - h[r][o] * h[r][o]) / (ROWS * OUT);
                w[i][o] -= RATE * g;
            }
    }
    return residuals(w, d, h);
}

static goss_val loss_of(goss_val in, goss_val target, goss_val w) {
    return goss_mean_all(goss_square(goss_sub(goss_tanh(goss_matmul(in, w, false, false)), target)));
}

TEST(a_thousand_steps_and_the_gradient_through_them) {
    fill();
    goss_graph *g = goss_graph_new();
    const goss_extent rows = goss_symbol(g, "R", ROWS), one = goss_n(1);
    const goss_val in = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(one, rows, goss_n(IN))),
                   target = goss_input(g, "y", GOSS_REAL, GOSS_SHAPE(one, rows, goss_n(OUT))),
                   first = goss_input(g, "w", GOSS_REAL, GOSS_SHAPE(one, goss_n(IN), goss_n(OUT)));
    goss_val w = first, out[3], grad;
    for (int k = 0; k < STEPS; k++) {
        const goss_val here = goss_variable(w);
        T_OK(goss_grad(loss_of(in, target, here), &here, 1, &grad));
        w = goss_sub(here, goss_scale(grad, RATE));
    }
    out[0] = w, out[1] = loss_of(in, target, w);
    T_OK(goss_grad(out[1], &first, 1, &out[2]));
    goss_schedule_options o = goss_schedule_defaults();
    o.precision = GOSS_F64;
    machine m;
    T_OK(machine_new(&m, g, out, 3, NULL, 0, &o, 1, &err));
    T_OK(goss_exec_bind(m.exec, "x", x, &err));
    T_OK(goss_exec_bind(m.exec, "y", y, &err));
    T_OK(goss_exec_bind(m.exec, "w", start, &err));
    T_OK(goss_exec_run(m.exec, &err));
    double by_hand[IN][OUT];
    memcpy(by_hand, start, sizeof start);
    T_NEAR(*(const double *)goss_exec_output(m.exec, 1, NULL), train(by_hand), 1e-9);
    const double *weights = goss_exec_output(m.exec, 0, NULL), *through = goss_exec_output(m.exec, 2, NULL);
    for (int i = 0; i < IN; i++)
        for (int k = 0; k < OUT; k++) {
            double up[IN][OUT], down[IN][OUT];
            memcpy(up, start, sizeof start), memcpy(down, start, sizeof start);
            up[i][k] += 1e-5, down[i][k] -= 1e-5;
            T_NEAR(weights[i * OUT + k], by_hand[i][k], 1e-9);
            T_NEAR(through[i * OUT + k], (train(up) - train(down)) / 2e-5, 1e-7);
        }
    machine_free(&m);
}

TEST_MAIN()
