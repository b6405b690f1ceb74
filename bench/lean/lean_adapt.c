/* SPDX-License-Identifier: Apache-2.0 */
/* lean_adapt: bench_adapt by hand. The generated first layer is used row by row as it is made: each thread makes some
 * rows of it from the generator's columns, and adds what they contribute to the hidden units at once. */
#include <math.h>
#include <string.h>

#include "base/bf16.h"
#include "lean.h"

enum { PIXELS = 784, WIDTH = 128, WAYS = 5, SHOTS = 5, UNITS = 64 };
enum { B1 = PIXELS * UNITS, W2 = B1 + UNITS, B2 = W2 + UNITS * WAYS, TOTAL = B2 + WAYS };
enum { IMAGES = WAYS * SHOTS, ROWS = 28, PARTS = PIXELS / ROWS, COLUMNS = 16, SPLITS = WIDTH / COLUMNS };

static const char *const names[] = {"adapt", "adapt-bf16", NULL};

typedef struct step {
    lean l;
    const float *image_w, *image_b, *set_w, *set_b, *generator, *bias, *support, *query;
    const uint16_t *generator_bf16;                 /* instead of generator */
    float *embedded, *means, *code, *slab, *hidden; /* hidden: [PARTS, UNITS] */
    float p[WAYS];
} step;

/* Some columns of the embedding of all images. */
static void embed(void *context, int64_t part, int worker) {
    step *s = context;
    const int64_t at = part * COLUMNS;
    lean_product(&s->l, worker,
                 &(goss__gemm){.m = IMAGES,
                               .n = COLUMNS,
                               .k = PIXELS,
                               .a = s->support,
                               .lda = PIXELS,
                               .b = s->image_w + at,
                               .ldb = WIDTH,
                               .c = s->embedded + at,
                               .ldc = WIDTH});
    for (int i = 0; i < IMAGES; i++) lean_bias_relu(s->embedded + i * WIDTH + at, s->image_b + at, 1, COLUMNS);
}

static void encode(step *s) {
    goss__pool_run(s->l.pool, SPLITS, embed, s);
    for (int w = 0; w < WAYS; w++) {
        float *mean = s->means + w * WIDTH;
        lean_column_sums(s->embedded + w * SHOTS * WIDTH, SHOTS, WIDTH, WIDTH, mean);
        for (int c = 0; c < WIDTH; c++) mean[c] /= SHOTS;
    }
    lean_product(&s->l, 0,
                 &(goss__gemm){.m = 1,
                               .n = WIDTH,
                               .k = WAYS * WIDTH,
                               .a = s->means,
                               .lda = WAYS * WIDTH,
                               .b = s->set_w,
                               .ldb = WIDTH,
                               .c = s->code,
                               .ldc = WIDTH});
    lean_bias_relu(s->code, s->set_b, 1, WIDTH);
}

static void generate(const step *s, int worker, int64_t at, int64_t n) {
    lean_product(&s->l, worker,
                 &(goss__gemm){.m = 1,
                               .n = n,
                               .k = WIDTH,
                               .a = s->code,
                               .lda = WIDTH,
                               .b = s->generator + at,
                               .b_bf16 = s->generator_bf16 ? s->generator_bf16 + at : NULL,
                               .ldb = TOTAL,
                               .c = s->slab + at,
                               .ldc = n});
    lean_bias(s->slab + at, s->bias + at, 1, n);
}

static void generate_rows(void *context, int64_t part, int worker) {
    step *s = context;
    float *h = s->hidden + part * UNITS;
    generate(s, worker, part * ROWS * UNITS, ROWS * UNITS);
    memset(h, 0, UNITS * sizeof *h);
    for (int64_t r = part * ROWS; r < (part + 1) * ROWS; r++)
        for (int c = 0; c < UNITS; c++) h[c] += s->query[r] * s->slab[r * UNITS + c];
}

static void run(void *context) {
    step *s = context;
    float h[UNITS], top = -1e30f, sum = 0;
    encode(s);
    goss__pool_run(s->l.pool, PARTS, generate_rows, s);
    generate(s, 0, B1, TOTAL - B1);
    lean_column_sums(s->hidden, PARTS, UNITS, UNITS, h);
    lean_bias_relu(h, s->slab + B1, 1, UNITS);
    for (int c = 0; c < WAYS; c++) {
        s->p[c] = s->slab[B2 + c];
        for (int i = 0; i < UNITS; i++) s->p[c] += h[i] * s->slab[W2 + i * WAYS + c];
        top = fmaxf(top, s->p[c]);
    }
    for (int c = 0; c < WAYS; c++) sum += s->p[c] = expf(s->p[c] - top);
    for (int c = 0; c < WAYS; c++) s->p[c] /= sum;
}

static const uint16_t *to_bf16(const float *x, int64_t n) {
    uint16_t *out = (uint16_t *)lean_floats((n + 1) / 2);
    for (int64_t i = 0; i < n; i++) out[i] = goss__to_bf16(x[i]);
    return out;
}

static void prepare(step *s) {
    s->image_w = lean_input("image.w", PIXELS * WIDTH, sqrt(6.0 / PIXELS), 0),
    s->image_b = lean_input("image.b", WIDTH, 0.1, 0);
    s->set_w = lean_input("set.w", WAYS * WIDTH * WIDTH, sqrt(6.0 / (WAYS * WIDTH)), 0);
    s->set_b = lean_input("set.b", WIDTH, 0.1, 0);
    s->generator = lean_input("generator.w", (int64_t)WIDTH * TOTAL, 0.02, 0),
    s->bias = lean_input("generator.b", TOTAL, 0.1, 0);
    if (s->l.run.which == 1) s->generator_bf16 = to_bf16(s->generator, (int64_t)WIDTH * TOTAL);
    s->support = lean_input("support", IMAGES * PIXELS, 0.5, 0.5), s->query = lean_input("query", PIXELS, 0.5, 0.5);
    s->embedded = lean_floats(IMAGES * WIDTH), s->means = lean_floats(WAYS * WIDTH), s->code = lean_floats(WIDTH);
    s->slab = lean_floats(TOTAL), s->hidden = lean_floats(PARTS * UNITS);
}

int main(int argc, char **argv) {
    static step s;
    lean_open(&s.l, argc, argv, names);
    prepare(&s);
    run(&s);
    double squares = 0;
    for (int c = 0; c < WAYS; c++) squares += (double)s.p[c] * (double)s.p[c];
    lean_predict(&s.l, run, &s, (double)s.p[0], squares);
    return 0;
}
