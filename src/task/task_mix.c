/* SPDX-License-Identifier: Apache-2.0 */
/* task_mix.c: mixup (Zhang et al. 2018, "mixup: beyond empirical risk minimization"): queries of a task become convex
 * combinations of two of them, targets likewise, in the memory that they were drawn into. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "task/task_pack.h"

/* log of a draw from Gamma(shape, 1): Marsaglia and Tsang 2000, for shapes below 1 by way of shape + 1. */
static double log_gamma_draw(double shape, goss__rng *rng) {
    const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d);
    const double less = shape < 1 ? log1p(-goss__rng_uniform(rng)) / shape : 0;
    for (;;) {
        const double x = goss__rng_normal(rng), v = 1 + c * x, u = 1 - goss__rng_uniform(rng);
        if (v <= 0) continue;
        const double cube = v * v * v;
        if (log(u) < x * x / 2 + d - d * cube + d * log(cube)) return log(d * cube) + less;
    }
}

double goss__beta_draw(double alpha, goss__rng *rng) {
    const double a = log_gamma_draw(alpha, rng), b = log_gamma_draw(alpha, rng);
    return 1 / (1 + exp(b - a));
}

/* a, b become l a + (1 - l) b, l b + (1 - l) a. */
static void blend(float *a, float *b, size_t n, float l) {
    for (size_t i = 0; i < n; i++) {
        const float x = a[i], y = b[i];
        a[i] = l * x + (1 - l) * y, b[i] = l * y + (1 - l) * x;
    }
}

static void mix_task(goss__task_pack *b, int t, double alpha, goss__rng *rng) {
    const size_t x = goss__task_pack_input(b), w = (size_t)b->outputs, first = (size_t)t * (size_t)b->queries;
    const float *weight = b->query_weight + first;
    const uint32_t n = (uint32_t)b->sizes[t].queries;
    for (uint32_t i = 0; i < n; i++) b->order[i] = i;
    goss__rng_shuffle(rng, b->order, n, n);
    for (uint32_t i = 0; i + 1 < n; i += 2) {
        const size_t p = b->order[i], q = b->order[i + 1];
        const float l = (float)goss__beta_draw(alpha, rng);
        if (weight[p] != weight[q]) continue; /* their weights would no longer match their parts */
        if (b->query_known &&
            memcmp(b->query_known + (first + p) * w, b->query_known + (first + q) * w, w * sizeof *b->query_known) != 0)
            continue; /* nor would what is missing */
        blend(b->query + (first + p) * x, b->query + (first + q) * x, x, l);
        if (b->query_length) { /* the shorter one is padded with 0 */
            float *length = b->query_length + first;
            length[p] = length[q] = length[p] > length[q] ? length[p] : length[q];
        }
        blend(b->query_target + (first + p) * w, b->query_target + (first + q) * w, w, l);
    }
}

void goss__task_pack_mix(goss__task_pack *b, double alpha, uint64_t seed, uint64_t first) {
    for (int t = 0; t < b->tasks; t++) {
        const uint64_t k = first + (uint64_t)t;
        goss__rng rng = goss__rng_make(seed, goss__hash64(&k, sizeof k, 0x6d6978)); /* "mix" */
        mix_task(b, t, alpha, &rng);
    }
}
