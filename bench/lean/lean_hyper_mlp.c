/* SPDX-License-Identifier: Apache-2.0 */
/* lean_hyper_mlp: bench_hyper_mlp by hand. */
#include <string.h>

#include "../numbers.h"
#include "generator.h"

enum { TASKS = GENERATOR_TASKS, SAMPLES = 25, IN = 20, UNITS = 64, WAYS = 5 };
enum {
    W1 = 0,
    B1 = W1 + IN * UNITS,
    W2 = B1 + UNITS,
    B2 = W2 + UNITS * UNITS,
    W3 = B2 + UNITS,
    B3 = W3 + UNITS * WAYS,
    TOTAL = B3 + WAYS
};

static const char *const names[] = {"hyper-mlp", "hyper-mlp-clip", NULL};

typedef struct step {
    lean l;
    generator g;
    const float *x;
    int32_t *y;
    double task_loss[TASKS], loss;
} step;

/* y[SAMPLES, n] = x[SAMPLES, k] w */
static void apply(const step *s, int worker, const float *x, int k, const float *w, int n, float *y) {
    lean_product(&s->l, worker,
                 &(goss__gemm){.m = SAMPLES, .n = n, .k = k, .a = x, .lda = k, .b = w, .ldb = n, .c = y, .ldc = n});
}

static void task(void *context, int64_t t, int worker) {
    step *s = context;
    const float *x = s->x + t * SAMPLES * IN, *w = s->g.slab + t * TOTAL;
    float *g = s->g.slab_gradient + t * TOTAL, a1[SAMPLES * UNITS], a2[SAMPLES * UNITS], z[SAMPLES * WAYS],
          ga[SAMPLES * UNITS], gb[SAMPLES * UNITS];
    apply(s, worker, x, IN, w + W1, UNITS, a1);
    lean_bias_relu(a1, w + B1, SAMPLES, UNITS);
    apply(s, worker, a1, UNITS, w + W2, UNITS, a2);
    lean_bias_relu(a2, w + B2, SAMPLES, UNITS);
    apply(s, worker, a2, UNITS, w + W3, WAYS, z);
    lean_bias(z, w + B3, SAMPLES, WAYS);
    s->task_loss[t] = lean_cross_entropy(z, s->y + t * SAMPLES, SAMPLES, WAYS, 1.0f / (TASKS * SAMPLES));
    lean_dense_back(&s->l, worker, SAMPLES, a2, UNITS, w + W3, WAYS, z, g + W3, g + B3, ga);
    lean_relu_back(ga, a2, SAMPLES * UNITS);
    lean_dense_back(&s->l, worker, SAMPLES, a1, UNITS, w + W2, UNITS, ga, g + W2, g + B2, gb);
    lean_relu_back(gb, a1, SAMPLES * UNITS);
    lean_dense_back(&s->l, worker, SAMPLES, x, IN, w + W1, UNITS, gb, g + W1, g + B1, NULL);
}

static void run(void *context) {
    step *s = context;
    generator_run(&s->g);
    goss__pool_run(s->l.pool, TASKS, task, s);
    generator_back(&s->g);
    s->loss = 0;
    for (int t = 0; t < TASKS; t++) s->loss += s->task_loss[t] / (TASKS * SAMPLES);
}

int main(int argc, char **argv) {
    static step s;
    lean_open(&s.l, argc, argv, names);
    generator_prepare(&s.g, &s.l, TOTAL, 0.02, 0.2, s.l.run.which == 1 ? 1 : 0);
    s.x = lean_input("x", TASKS * SAMPLES * IN, 1.7, 0);
    s.y = (int32_t *)lean_floats(TASKS * SAMPLES);
    numbers_labels("y", WAYS, s.y, TASKS * SAMPLES);
    lean_train(&s.l, run, &s, &s.loss, &s.g.norm);
    return 0;
}
