/* SPDX-License-Identifier: Apache-2.0 */
/* bench_million: a training step in which a million weights a task are generated: 32 tasks of 25 samples, a
 * 20-1000-980-5 network, cross entropy, Adam. chunked-1m: one generator makes 8,192 numbers at a time out of the task's
 * embedding and the chunk's (von Oswald et al. 2020); every task's weights exist. lowrank-1m: shared weights and a
 * product of two thin generated factors a layer. What counts beside time is memory: 32 million numbers and as many
 * gradients, if all are kept. */
#include "workload.h"

#include <math.h>
#include <stdio.h>

static const char *const names[] = {"chunked-1m", "lowrank-1m", NULL};

enum { TASKS = 32, SAMPLES = 25, LAYERS = 3, CODE = 32, HIDDEN = 128, CHUNK = 8192, PLACE = 16, RANK = 8, WAYS = 5 };
static const int64_t sizes[LAYERS + 1] = {20, 1000, 980, WAYS};

/* The task's embedding, and what the generators' hidden units have of it: [T, 1, HIDDEN]. */
static goss_val code(bench *b, goss_extent T) {
    goss_val e = goss_unsqueeze(bench_table(b, "embedding", TASKS, T, CODE, sqrt(3)), 1);
    return bench_linear(b, "code", e, CODE, HIDDEN, sqrt(6.0 / CODE), 0.1);
}

static goss_val chunked(bench *b, goss_extent T, goss_val x, const goss_target *target) {
    const int64_t total = goss_layout_total(goss_target_layout(target)), chunks = (total + CHUNK - 1) / CHUNK;
    goss_val places = bench_weight(b, "places", GOSS_SHAPE(goss_n(1), goss_n(chunks), goss_n(PLACE)), sqrt(3));
    goss_val w = bench_weight(b, "place.w", GOSS_SHAPE(goss_n(1), goss_n(PLACE), goss_n(HIDDEN)), sqrt(6.0 / PLACE));
    goss_val h = goss_relu(goss_add(code(b, T), goss_matmul(places, w, false, false)));
    goss_val slab = bench_linear(b, "generator", h, HIDDEN, CHUNK, 0.004, 0.004);
    slab = goss_slice(goss_reshape(slab, GOSS_SHAPE(T, goss_n(chunks * CHUNK))), 1, 0, total);
    goss_weights *generated = goss_weights_from_slab(goss_target_layout(target), slab);
    goss_val logits = goss_target_apply(target, x, generated, NULL).logits;
    goss_weights_free(generated);
    return logits;
}

static goss_val factor(bench *b, const char *name, int layer, goss_extent T, goss_val h, int64_t rows,
                       int64_t columns) {
    char text[16];
    snprintf(text, sizeof text, "%s%d", name, layer);
    goss_val f = bench_linear(b, text, h, HIDDEN, rows * columns, 0.02, 0.1);
    return goss_reshape(f, GOSS_SHAPE(T, goss_n(rows), goss_n(columns)));
}

static goss_val low_rank(bench *b, goss_extent T, goss_val x) {
    goss_val h = goss_relu(code(b, T));
    for (int i = 0; i < LAYERS; i++) {
        char name[16];
        snprintf(name, sizeof name, "base%d", i + 1);
        goss_val u = factor(b, "u", i + 1, T, h, sizes[i], RANK), v = factor(b, "v", i + 1, T, h, RANK, sizes[i + 1]);
        goss_val shared = bench_linear(b, name, x, sizes[i], sizes[i + 1], sqrt(6.0 / (double)sizes[i]), 0.1);
        x = goss_add(shared, goss_matmul(goss_matmul(x, u, false, false), v, false, false));
        if (i + 1 < LAYERS) x = goss_relu(x);
    }
    return x;
}

/* Multiply-adds of a step forward: what is generated, and the network on all samples. */
static double products(int which, int64_t total) {
    double network = 0, factors = 0;
    for (int i = 0; i < LAYERS; i++) {
        network += (double)(sizes[i] * sizes[i + 1]);
        factors += (double)(RANK * (sizes[i] + sizes[i + 1]));
    }
    if (which == 0) return TASKS * HIDDEN * (double)total + TASKS * SAMPLES * network;
    return TASKS * HIDDEN * factors + TASKS * SAMPLES * (network + factors);
}

int main(int argc, char **argv) {
    const int64_t input[] = {sizes[0]};
    bench b;
    bench_open(&b, argc, argv, names);
    goss_extent T = bench_symbol(&b, "T", TASKS), N = bench_symbol(&b, "N", SAMPLES);
    goss_target *target = bench_target(&b, "mlp 1000 980", input, 1, WAYS);
    goss_val x = bench_input(&b, "x", GOSS_SHAPE(T, N, goss_n(sizes[0])), 1.7, 0);
    goss_val y = goss_one_hot(bench_labels(&b, "y", GOSS_SHAPE(T, N), WAYS), goss_n(WAYS));
    goss_val logits = b.run.which == 0 ? chunked(&b, T, x, target) : low_rank(&b, T, x);
    bench_train(&b, goss_reduce_loss(goss_cross_entropy(logits, y, 0, GOSS_NONE), GOSS_NONE), 0);
    const int status = bench_run(&b, 6 * products(b.run.which, goss_layout_total(goss_target_layout(target))));
    goss_target_free(target);
    return status;
}
