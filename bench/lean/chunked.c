/* SPDX-License-Identifier: Apache-2.0 */
/* chunked.c: chunked-1m by hand. A thread has one task at a time, whose weights are generated, used and replaced by
 * their gradient, layer by layer, in the same place; what follows for the generator is added up before the next task's
 * are made. */
#include <math.h>
#include <string.h>

#include "million.h"

enum { CHUNK = 8192, PLACE = 16 };
enum { W1 = 0, W2 = W1 + (IN + 1) * UNITS1, W3 = W2 + (UNITS1 + 1) * UNITS2, TOTAL = W3 + (UNITS2 + 1) * WAYS };
enum { CHUNKS = (TOTAL + CHUNK - 1) / CHUNK };

/* What one thread holds. */
typedef struct share {
    float *slab;       /* [CHUNKS, CHUNK]: a task's weights, then their gradient */
    float *sum, *next; /* [ROWS, CHUNK]: the generator's gradient of the tasks so far; room for it and one more */
    float *place;      /* [CHUNKS, HIDDEN]: of the places' part of the hidden units */
    float *h, *back;   /* [CHUNKS, ROWS]; [CHUNKS, HIDDEN] */
    float *a1, *a2, *g1, *g2, z[SAMPLES * WAYS];
    double loss;
} share;

static struct chunked {
    lean_param *places, *place_w, *generator;
    float *place; /* [CHUNKS, HIDDEN], before relu */
    share *share;
    int shares;
    double squares[ROWS];
} step;

/* ---- the target network; a layer's biases follow its weights ---- */

static void forward(const million *m, int worker, const float *x, int k, const float *w, int n, float *y) {
    lean_product(
        &m->l, worker,
        &(goss__gemm){
            .m = SAMPLES, .n = n, .k = k, .a = x, .lda = k, .b = w, .ldb = n, .c = y, .ldc = n, .add = w + k * n});
}

/* gx, if asked for, and the layer's gradient in its own place */
static void backward(const million *m, int worker, const float *x, int k, float *w, int n, const float *gy, float *gx) {
    if (gx)
        lean_product(
            &m->l, worker,
            &(goss__gemm){
                .m = SAMPLES, .n = k, .k = n, .tb = true, .a = gy, .lda = n, .b = w, .ldb = n, .c = gx, .ldc = k});
    lean_dense_back(&m->l, worker, SAMPLES, x, k, NULL, n, gy, w, w + k * n, NULL);
}

static void network(const million *m, int worker, int64_t t, share *s) {
    const float *x = m->x + t * SAMPLES * IN;
    forward(m, worker, x, IN, s->slab + W1, UNITS1, s->a1);
    lean_relu(s->a1, SAMPLES * UNITS1);
    forward(m, worker, s->a1, UNITS1, s->slab + W2, UNITS2, s->a2);
    lean_relu(s->a2, SAMPLES * UNITS2);
    forward(m, worker, s->a2, UNITS2, s->slab + W3, WAYS, s->z);
    s->loss += lean_cross_entropy(s->z, m->y + t * SAMPLES, SAMPLES, WAYS, 1.0f / (TASKS * SAMPLES));
    backward(m, worker, s->a2, UNITS2, s->slab + W3, WAYS, s->z, s->g2);
    lean_relu_back(s->g2, s->a2, SAMPLES * UNITS2);
    backward(m, worker, s->a1, UNITS1, s->slab + W2, UNITS2, s->g2, s->g1);
    lean_relu_back(s->g1, s->a1, SAMPLES * UNITS1);
    backward(m, worker, x, IN, s->slab + W1, UNITS1, s->g1, NULL);
    memset(s->slab + TOTAL, 0, (CHUNKS * CHUNK - TOTAL) * sizeof *s->slab);
}

/* ---- the generator ---- */

static void generate(const million *m, int worker, int64_t t, share *s) {
    const float *code = m->code + t * HIDDEN;
    for (int c = 0; c < CHUNKS; c++) {
        float *h = s->h + c * ROWS;
        for (int i = 0; i < HIDDEN; i++) h[i] = code[i] + step.place[c * HIDDEN + i];
        lean_relu(h, HIDDEN), h[HIDDEN] = 1;
    }
    lean_product(&m->l, worker,
                 &(goss__gemm){.m = CHUNKS,
                               .n = CHUNK,
                               .k = ROWS,
                               .a = s->h,
                               .lda = ROWS,
                               .b = step.generator->value,
                               .ldb = CHUNK,
                               .c = s->slab,
                               .ldc = CHUNK});
}

static void generator_back(const million *m, int worker, int64_t t, bool first, share *s) {
    lean_product(&m->l, worker,
                 &(goss__gemm){.m = ROWS,
                               .n = CHUNK,
                               .k = CHUNKS,
                               .ta = true,
                               .a = s->h,
                               .lda = ROWS,
                               .b = s->slab,
                               .ldb = CHUNK,
                               .c = s->next,
                               .ldc = CHUNK,
                               .add = first ? NULL : s->sum,
                               .add_row = CHUNK});
    float *sum = s->next;
    s->next = s->sum, s->sum = sum;
    lean_product(&m->l, worker,
                 &(goss__gemm){.m = CHUNKS,
                               .n = HIDDEN,
                               .k = CHUNK,
                               .tb = true,
                               .a = s->slab,
                               .lda = CHUNK,
                               .b = step.generator->value,
                               .ldb = CHUNK,
                               .c = s->back,
                               .ldc = HIDDEN});
    for (int c = 0; c < CHUNKS; c++) lean_relu_back(s->back + c * HIDDEN, s->h + c * ROWS, HIDDEN);
    for (int i = 0; i < CHUNKS * HIDDEN; i++) s->place[i] += s->back[i];
    lean_column_sums(s->back, CHUNKS, HIDDEN, HIDDEN, m->code_gradient + t * HIDDEN);
}

/* ---- the step ---- */

static void tasks(void *context, int64_t i, int worker) {
    const million *m = context;
    share *s = &step.share[i];
    memset(s->place, 0, CHUNKS * HIDDEN * sizeof *s->place);
    s->loss = 0;
    for (int64_t t = i; t < TASKS; t += step.shares) {
        generate(m, worker, t, s);
        network(m, worker, t, s);
        generator_back(m, worker, t, t == i, s);
    }
}

/* Adds up the shares of a row of the generator's gradient. */
static void train(void *context, int64_t row, int worker) {
    float *sum = step.share[0].sum + row * CHUNK;
    for (int i = 1; i < step.shares; i++)
        for (int c = 0; c < CHUNK; c++) sum[c] += step.share[i].sum[row * CHUNK + c];
    step.squares[row] = million_train(context, step.generator, row * CHUNK, CHUNK, sum);
}

static void places_back(const million *m) {
    float *g = step.share[0].place;
    for (int i = 1; i < step.shares; i++)
        for (int j = 0; j < CHUNKS * HIDDEN; j++) g[j] += step.share[i].place[j];
    lean_product(&m->l, 0,
                 &(goss__gemm){.m = PLACE,
                               .n = HIDDEN,
                               .k = CHUNKS,
                               .ta = true,
                               .a = step.places->value,
                               .lda = PLACE,
                               .b = g,
                               .ldb = HIDDEN,
                               .c = step.place_w->gradient,
                               .ldc = HIDDEN});
    lean_product(&m->l, 0,
                 &(goss__gemm){.m = CHUNKS,
                               .n = PLACE,
                               .k = HIDDEN,
                               .tb = true,
                               .a = g,
                               .lda = HIDDEN,
                               .b = step.place_w->value,
                               .ldb = HIDDEN,
                               .c = step.places->gradient,
                               .ldc = PLACE});
}

void chunked_run(void *context) {
    million *m = context;
    million_begin(m);
    lean_product(&m->l, 0,
                 &(goss__gemm){.m = CHUNKS,
                               .n = HIDDEN,
                               .k = PLACE,
                               .a = step.places->value,
                               .lda = PLACE,
                               .b = step.place_w->value,
                               .ldb = HIDDEN,
                               .c = step.place,
                               .ldc = HIDDEN});
    goss__pool_run(m->l.pool, step.shares, tasks, m);
    goss__pool_run(m->l.pool, ROWS, train, m);
    places_back(m);
    double squares = 0;
    for (int i = 0; i < ROWS; i++) squares += step.squares[i];
    million_end(m, squares);
    m->loss = 0;
    for (int i = 0; i < step.shares; i++) m->loss += step.share[i].loss / (TASKS * SAMPLES);
}

void chunked_prepare(million *m) {
    step.places = lean_weight(&m->l, "places", CHUNKS * PLACE, sqrt(3));
    step.place_w = lean_weight(&m->l, "place.w", PLACE * HIDDEN, sqrt(6.0 / PLACE));
    step.generator = million_linear(m, "generator", CHUNK, 0.004, 0.004);
    step.place = lean_floats(CHUNKS * HIDDEN);
    step.shares = m->l.threads < TASKS ? m->l.threads : TASKS;
    step.share = (share *)lean_floats((int64_t)(sizeof(share) / sizeof(float)) * step.shares);
    for (int i = 0; i < step.shares; i++) {
        share *s = &step.share[i];
        s->slab = lean_floats(CHUNKS * CHUNK), s->sum = lean_floats(ROWS * CHUNK), s->next = lean_floats(ROWS * CHUNK);
        s->place = lean_floats(CHUNKS * HIDDEN), s->h = lean_floats(CHUNKS * ROWS),
        s->back = lean_floats(CHUNKS * HIDDEN);
        s->a1 = lean_floats(SAMPLES * UNITS1), s->g1 = lean_floats(SAMPLES * UNITS1);
        s->a2 = lean_floats(SAMPLES * UNITS2), s->g2 = lean_floats(SAMPLES * UNITS2);
    }
}
