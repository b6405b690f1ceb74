/* SPDX-License-Identifier: Apache-2.0 */
/* bench_transformer: a training step of a transformer: 64 sequences of 64 tokens of 128 numbers, 4 pre-norm blocks of 4
 * heads, GELU, a class from the mean over tokens; cross entropy, Adam.
 *
 * transformer: one network for all. transformer-lowrank: 16 tasks of 4 sequences; each task's queries and values have a
 * low-rank delta of rank 4 (LoRA), generated from an embedding of the task. */
#include <math.h>
#include <stdio.h>

#include "gossamer/compose.h"
#include "workload.h"

static const char *const names[] = {"transformer", "transformer-lowrank", NULL};
enum { LAYERS = 4, WIDTH = 128, HEADS = 4, HIDDEN = 4 * WIDTH, LENGTH = 64, CLASSES = 10, RANK = 4 };
enum { DELTA = 2 * WIDTH * RANK, GENERATED = LAYERS * 2 * DELTA };

typedef struct model {
    bench *b;
    goss_extent tasks, each; /* sequences of a task */
    goss_val slab;           /* [tasks, GENERATED] */
    bool generated;
} model;

static const char *name_of(char out[48], int layer, const char *what) {
    snprintf(out, 48, "block%d.%s", layer + 1, what);
    return out;
}

/* The biases, gains and shifts of a block lie in one parameter: an optimiser takes 32 of them. */
enum { NORM1 = 0, QKV_B = 2 * WIDTH, O_B = 5 * WIDTH, NORM2 = 6 * WIDTH, IN_B = 8 * WIDTH, OUT_B = 12 * WIDTH };
enum { VECTORS = 13 * WIDTH, LAST_VECTORS = 2 * WIDTH + CLASSES };

static goss_val vectors(const model *m, int layer, int64_t size) {
    char name[48];
    return bench_weight(m->b, name_of(name, layer, "vectors"), GOSS_SHAPE(goss_n(1), goss_n(size)), 0.1);
}

static goss_val linear(const model *m, const char *name, goss_val x, int64_t in, int64_t out, goss_val bias) {
    const goss_shape shape = GOSS_SHAPE(goss_n(1), goss_n(in), goss_n(out));
    return goss_linear(x, bench_weight(m->b, name, shape, sqrt(3.0 / (double)in)), bias);
}

static goss_val norm(goss_val x, goss_val v, int64_t at) {
    return goss_affine(goss_layer_norm(x, 1e-5, GOSS_NONE), goss_shift(goss_slice(v, 1, at, WIDTH), 1),
                       goss_slice(v, 1, at + WIDTH, WIDTH));
}

/* (x A) B with a task's A [WIDTH, RANK] and B [RANK, WIDTH]; which: 0 of queries, 1 of values. */
static goss_val delta(const model *m, int layer, int which, goss_val x) {
    const int64_t at = (2 * layer + which) * DELTA, half = DELTA / 2;
    const goss_shape down = GOSS_SHAPE(m->tasks, goss_n(WIDTH), goss_n(RANK)),
                     up = GOSS_SHAPE(m->tasks, goss_n(RANK), goss_n(WIDTH));
    const goss_val a = goss_reshape(goss_slice(m->slab, 1, at, half), down),
                   c = goss_reshape(goss_slice(m->slab, 1, at + half, half), up);
    return goss_linear(goss_linear(x, a, GOSS_NONE), c, GOSS_NONE);
}

/* Rows [tasks, each x LENGTH, WIDTH] as sequences [tasks x each, LENGTH, WIDTH], and back. */
static goss_val as_sequences(const model *m, goss_val x) {
    return goss_reshape(x, GOSS_SHAPE(goss_extent_mul(m->tasks, m->each), goss_n(LENGTH), goss_n(WIDTH)));
}

static goss_val as_rows(const model *m, goss_val x) {
    return goss_reshape(x, GOSS_SHAPE(m->tasks, goss_extent_mul(m->each, goss_n(LENGTH)), goss_n(WIDTH)));
}

static goss_val attend(const model *m, int layer, goss_val x, goss_val v) {
    char name[48];
    const goss_val h = norm(x, v, NORM1), all = linear(m, name_of(name, layer, "qkv.w"), h, WIDTH, 3 * WIDTH,
                                                       goss_slice(v, 1, QKV_B, 3 * WIDTH));
    goss_val part[3];
    for (int i = 0; i < 3; i++) part[i] = goss_slice(all, 2, i * WIDTH, WIDTH);
    for (int i = 0; m->generated && i < 2; i++) part[2 * i] = goss_add(part[2 * i], delta(m, layer, i, h));
    for (int i = 0; i < 3; i++) part[i] = as_sequences(m, part[i]);
    const goss_val y = as_rows(m, goss_attention(part[0], part[1], part[2], HEADS, GOSS_NONE));
    return goss_add(x, linear(m, name_of(name, layer, "o.w"), y, WIDTH, WIDTH, goss_slice(v, 1, O_B, WIDTH)));
}

static goss_val block(const model *m, int layer, goss_val x) {
    char name[48];
    const goss_val v = vectors(m, layer, VECTORS);
    x = attend(m, layer, x, v);
    const goss_val h =
        linear(m, name_of(name, layer, "in.w"), norm(x, v, NORM2), WIDTH, HIDDEN, goss_slice(v, 1, IN_B, HIDDEN));
    return goss_add(
        x, linear(m, name_of(name, layer, "out.w"), goss_gelu(h), HIDDEN, WIDTH, goss_slice(v, 1, OUT_B, WIDTH)));
}

int main(int argc, char **argv) {
    bench b;
    bench_open(&b, argc, argv, names);
    model m = {.b = &b, .generated = b.run.which == 1};
    m.tasks = m.generated ? bench_symbol(&b, "T", 16) : goss_n(1);
    m.each = m.generated ? goss_n(4) : bench_symbol(&b, "N", 64);
    const goss_val labels = bench_labels(&b, "y", GOSS_SHAPE(m.tasks, m.each), CLASSES);
    goss_val x =
        bench_input(&b, "x", GOSS_SHAPE(m.tasks, goss_extent_mul(m.each, goss_n(LENGTH)), goss_n(WIDTH)), 1.7, 0);
    if (m.generated) m.slab = bench_hypernetwork(&b, m.tasks, 16, GENERATED, 0.02, 0.2);
    for (int i = 0; i < LAYERS; i++) x = block(&m, i, x);
    const goss_val v = vectors(&m, LAYERS, LAST_VECTORS);
    const goss_val mean = goss_mean(as_sequences(&m, norm(x, v, 0)), GOSS_AXIS(1), false);
    const goss_val features = goss_reshape(mean, GOSS_SHAPE(m.tasks, m.each, goss_n(WIDTH)));
    const goss_val logits = linear(&m, "head.w", features, WIDTH, CLASSES, goss_slice(v, 1, 2 * WIDTH, CLASSES));
    const goss_val target = goss_one_hot(labels, goss_n(CLASSES));
    bench_train(&b, goss_reduce_loss(goss_cross_entropy(logits, target, 0, GOSS_NONE), GOSS_NONE), 0);
    const double rows = 64.0 * LENGTH, dense = 12.0 * WIDTH * WIDTH, pairs = 2.0 * LENGTH * WIDTH,
                 low = m.generated ? 4.0 * WIDTH * RANK : 0,
                 generator = m.generated ? 16 * (32.0 * 128 + 128 * 128 + 128.0 * GENERATED) : 0;
    return bench_run(&b, 6 * (LAYERS * rows * (dense + pairs + low) + generator));
}
