/* SPDX-License-Identifier: Apache-2.0 */
/* bench_lstm: a training step of a recurrent network.
 *
 * lstm-64, lstm-256: 64 sequences of 100 steps of as many numbers as there are hidden units, an LSTM, a class from the
 * last state; cross entropy, Adam. lstm-generated: 32 tasks of 8 sequences of 50 steps of 16 numbers; all weights of
 * each task's LSTM of 64 units and its head are generated from an embedding of the task. */
#include <math.h>
#include "gossamer/compose.h"
#include "workload.h"

static const char *const names[] = {"lstm-64", "lstm-256", "lstm-generated", NULL};
enum { CLASSES = 10 };

static goss_val loss_of(goss_val state, goss_val w, goss_val b, goss_val labels) {
    const goss_val target = goss_one_hot(labels, goss_n(CLASSES));
    return goss_reduce_loss(goss_cross_entropy(goss_linear(state, w, b), target, 0, GOSS_NONE), GOSS_NONE);
}

static int run_shared(bench *b, int64_t hidden) {
    const int64_t batch = 64, steps = 100;
    const goss_extent one = goss_n(1), N = bench_symbol(b, "N", batch), L = bench_symbol(b, "L", steps),
                      H = goss_n(hidden), G = goss_n(4 * hidden);
    const double scale = sqrt(3.0 / (double)hidden);
    const goss_val x = bench_input(b, "x", GOSS_SHAPE(one, N, L, H), 1.7, 0),
                   y = bench_labels(b, "y", GOSS_SHAPE(one, N), CLASSES);
    const goss_recurrent w = {.w = bench_weight(b, "lstm.w", GOSS_SHAPE(one, H, G), scale),
                              .u = bench_weight(b, "lstm.u", GOSS_SHAPE(one, H, G), scale),
                              .b = bench_weight(b, "lstm.b", GOSS_SHAPE(one, G), 0.1)};
    goss_val last;
    (void)goss_lstm(x, GOSS_NONE, GOSS_NONE, w, goss_scan_defaults(), &last, NULL);
    const goss_val head = bench_weight(b, "head.w", GOSS_SHAPE(one, H, goss_n(CLASSES)), scale);
    bench_train(b, loss_of(last, head, bench_weight(b, "head.b", GOSS_SHAPE(one, goss_n(CLASSES)), 0.1), y), 0);
    const double product = 2.0 * (double)(batch * steps) * (double)(hidden * 4 * hidden);
    return bench_run(b, 5 * product + 6.0 * (double)(batch * hidden * CLASSES)); /* nobody asks for the gradient of x */
}

static int run_generated(bench *b) {
    enum { TASKS = 32, SAMPLES = 8, STEPS = 50, IN = 16, HIDDEN = 64, GATES = 4 * HIDDEN };
    enum {
        W = 0,
        U = W + IN * GATES,
        B = U + HIDDEN * GATES,
        HEAD = B + GATES,
        HEAD_B = HEAD + HIDDEN * CLASSES,
        TOTAL = HEAD_B + CLASSES
    };
    const goss_extent T = bench_symbol(b, "T", TASKS), N = bench_symbol(b, "N", SAMPLES),
                      L = bench_symbol(b, "L", STEPS);
    const goss_val x = bench_input(b, "x", GOSS_SHAPE(T, N, L, goss_n(IN)), 1.7, 0),
                   y = bench_labels(b, "y", GOSS_SHAPE(T, N), CLASSES);
    const goss_val slab = bench_hypernetwork(b, T, TASKS, TOTAL, 0.02, 0.2);
    const goss_recurrent w = {
        .w = goss_reshape(goss_slice(slab, 1, W, U - W), GOSS_SHAPE(T, goss_n(IN), goss_n(GATES))),
        .u = goss_reshape(goss_slice(slab, 1, U, B - U), GOSS_SHAPE(T, goss_n(HIDDEN), goss_n(GATES))),
        .b = goss_slice(slab, 1, B, GATES)};
    goss_val last;
    (void)goss_lstm(x, GOSS_NONE, GOSS_NONE, w, goss_scan_defaults(), &last, NULL);
    const goss_val head =
        goss_reshape(goss_slice(slab, 1, HEAD, HIDDEN * CLASSES), GOSS_SHAPE(T, goss_n(HIDDEN), goss_n(CLASSES)));
    bench_train(b, loss_of(last, head, goss_slice(slab, 1, HEAD_B, CLASSES), y), 0);
    const double rows = 2.0 * TASKS * SAMPLES * STEPS, generator = 2.0 * TASKS * (32 * 128 + 128 * 128 + 128.0 * TOTAL);
    return bench_run(b, 3 * generator + rows * (2.0 * IN * GATES + 3.0 * HIDDEN * GATES));
}

int main(int argc, char **argv) {
    bench b;
    bench_open(&b, argc, argv, names);
    return b.run.which == 2 ? run_generated(&b) : run_shared(&b, b.run.which ? 256 : 64);
}
