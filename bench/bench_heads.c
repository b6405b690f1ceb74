/* SPDX-License-Identifier: Apache-2.0 */
/* bench_heads: a training step of 50 tasks that share a trunk of two layers and have a head each, whose weights a
 * Laplacian of a dense task graph ties: 32 samples of 64 features a task, squared error, Adam. */
#include <math.h>

#include "gossamer/regularizer.h"
#include "workload.h"

static const char *const names[] = {"laplacian-heads", NULL};

int main(int argc, char **argv) {
    enum { TASKS = 50, SAMPLES = 32, FEATURES = 64, WIDE = 128 };
    bench b;
    bench_open(&b, argc, argv, names);
    goss_val x = bench_input(&b, "x", GOSS_SHAPE(goss_n(TASKS), goss_n(SAMPLES), goss_n(FEATURES)), 1.7, 0);
    goss_val y = bench_input(&b, "y", GOSS_SHAPE(goss_n(TASKS), goss_n(SAMPLES), goss_n(1)), 1.7, 0);
    goss_reg_options o = goss_reg_defaults();
    o.adjacency = bench_input(&b, "adjacency", GOSS_SHAPE(goss_n(TASKS), goss_n(TASKS)), 0.5, 0.5);
    o.strength = 0.01;

    goss_val h = goss_relu(bench_linear(&b, "hidden1", x, FEATURES, WIDE, sqrt(6.0 / FEATURES), 0.1));
    h = goss_relu(bench_linear(&b, "hidden2", h, WIDE, WIDE, sqrt(6.0 / WIDE), 0.1));
    goss_val heads = bench_weight(&b, "heads", GOSS_SHAPE(goss_n(TASKS), goss_n(WIDE), goss_n(1)), sqrt(3.0 / WIDE));
    goss_val loss = goss_mean_all(goss_square(goss_sub(goss_matmul(h, heads, false, false), y)));
    bench_train(&b, goss_add(loss, goss_reg_build("laplacian", &heads, 1, &o)), 0);

    const double samples = TASKS * SAMPLES, products = FEATURES * WIDE + WIDE * WIDE + WIDE;
    const double tied = 2.0 * TASKS * TASKS * WIDE;
    return bench_run(&b, 3 * 2 * samples * products - 2 * samples * FEATURES * WIDE + 2 * tied);
}
