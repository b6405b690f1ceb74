/* SPDX-License-Identifier: Apache-2.0 */
/* lean_many: bench_many by hand. A block of tasks stays with one thread. Their weights come some rows of a layer at a
 * time, which are used while they are in the cache: no task has its network whole. A layer's biases are one more row of
 * it, and its input ends with a 1. */
#include <math.h>
#include <string.h>

#include "lean.h"

enum { CODE = 32, HIDDEN = 128, IN = 20, UNITS = 64, WAYS = 5, BLOCK = 96 };
enum { ROWS1 = IN + 1, ROWS2 = UNITS + 1, W2 = ROWS1 * UNITS, W3 = W2 + ROWS2 * UNITS, TOTAL = W3 + ROWS2 * WAYS };
enum { SOME = 7, MOST = SOME * UNITS }; /* rows at a time; the numbers in them */

static const char *const names[] = {"adapt-10000", "adapt-100", "adapt-1000", "adapt-100000", "adapt-1000000", NULL};
static const int64_t numbers[] = {10000, 100, 1000, 100000, 1000000};

typedef struct block {
    float h1[BLOCK * HIDDEN], h2[BLOCK * HIDDEN], weights[BLOCK * MOST];
    float x[BLOCK * ROWS1], a1[BLOCK * ROWS2], a2[BLOCK * ROWS2], p[BLOCK * WAYS];
} block;

typedef struct step {
    lean l;
    int64_t tasks, blocks;
    const float *x, *embedding, *w1, *b1, *w2, *b2, *w, *b;
    block *worker;
    double *first, *square; /* sums of each block's first probabilities and of the squares of all */
    double probability, squares;
} step;

/* y[tasks, n] = x[tasks, k] w + b, the columns from `at` on of stored ones `ld` apart */
static void dense(const step *s, int worker, int64_t tasks, const float *x, int64_t k, const float *w, int64_t ld,
                  const float *b, int64_t at, int64_t n, float *y) {
    lean_product(
        &s->l, worker,
        &(goss__gemm){
            .m = tasks, .n = n, .k = k, .a = x, .lda = k, .b = w + at, .ldb = ld, .c = y, .ldc = n, .add = b + at});
}

static void encode(const step *s, int worker, int64_t from, int64_t tasks, block *k) {
    dense(s, worker, tasks, s->embedding + from * CODE, CODE, s->w1, HIDDEN, s->b1, 0, HIDDEN, k->h1);
    lean_relu(k->h1, tasks * HIDDEN);
    dense(s, worker, tasks, k->h1, HIDDEN, s->w2, HIDDEN, s->b2, 0, HIDDEN, k->h2);
    lean_relu(k->h2, tasks * HIDDEN);
}

/* Each task's y[columns] = x[rows] w, its own w from `at` on; y of one task is `stride` after that of another. */
static void layer(const step *s, int worker, int64_t tasks, block *k, const float *x, int rows, int64_t at, float *y,
                  int columns, int stride) {
    const int most = MOST / columns;
    for (int64_t t = 0; t < tasks; t++) memset(y + t * stride, 0, (size_t)columns * sizeof *y);
    for (int r = 0, some; r < rows; r += some) {
        some = rows - r < most ? rows - r : most;
        dense(s, worker, tasks, k->h2, HIDDEN, s->w, TOTAL, s->b, at + r * columns, some * columns, k->weights);
        const float *w = k->weights;
        for (int64_t t = 0; t < tasks; t++)
            for (int i = 0; i < some; i++, w += columns)
                for (int c = 0; c < columns; c++) y[t * stride + c] += x[t * rows + r + i] * w[c];
    }
}

/* What a hidden layer hands on. */
static void activate(float *a, int64_t tasks) {
    for (int64_t t = 0; t < tasks; t++, a += ROWS2) lean_relu(a, UNITS), a[UNITS] = 1;
}

static void softmax(float *p) {
    float top = p[0], sum = 0;
    for (int c = 1; c < WAYS; c++) top = fmaxf(top, p[c]);
    for (int c = 0; c < WAYS; c++) sum += p[c] = expf(p[c] - top);
    for (int c = 0; c < WAYS; c++) p[c] /= sum;
}

static void predict(void *context, int64_t i, int worker) {
    step *s = context;
    block *k = &s->worker[worker];
    const int64_t from = i * BLOCK, tasks = s->tasks - from < BLOCK ? s->tasks - from : BLOCK;
    encode(s, worker, from, tasks, k);
    for (int64_t t = 0; t < tasks; t++) {
        memcpy(k->x + t * ROWS1, s->x + (from + t) * IN, IN * sizeof *k->x);
        k->x[t * ROWS1 + IN] = 1;
    }
    layer(s, worker, tasks, k, k->x, ROWS1, 0, k->a1, UNITS, ROWS2);
    activate(k->a1, tasks);
    layer(s, worker, tasks, k, k->a1, ROWS2, W2, k->a2, UNITS, ROWS2);
    activate(k->a2, tasks);
    layer(s, worker, tasks, k, k->a2, ROWS2, W3, k->p, WAYS, WAYS);
    s->first[i] = 0;
    for (int64_t t = 0; t < tasks; t++) {
        softmax(k->p + t * WAYS);
        s->first[i] += (double)k->p[t * WAYS];
    }
    s->square[i] = lean_squares(k->p, 1, tasks * WAYS, 0);
}

static void run(void *context) {
    step *s = context;
    goss__pool_run(s->l.pool, s->blocks, predict, s);
    s->probability = s->squares = 0;
    for (int64_t i = 0; i < s->blocks; i++) {
        s->probability += s->first[i] / (double)s->tasks;
        s->squares += s->square[i] / (double)(s->tasks * WAYS);
    }
}

static void prepare(step *s) {
    s->tasks = numbers[s->l.run.which], s->blocks = (s->tasks + BLOCK - 1) / BLOCK;
    s->x = lean_input("x", s->tasks * IN, 1.7, 0), s->embedding = lean_input("embedding", s->tasks * CODE, sqrt(3), 0);
    s->w1 = lean_input("hidden1.w", CODE * HIDDEN, sqrt(6.0 / CODE), 0),
    s->b1 = lean_input("hidden1.b", HIDDEN, 0.1, 0);
    s->w2 = lean_input("hidden2.w", HIDDEN * HIDDEN, sqrt(6.0 / HIDDEN), 0),
    s->b2 = lean_input("hidden2.b", HIDDEN, 0.1, 0);
    s->w = lean_input("generator.w", HIDDEN * TOTAL, 0.02, 0), s->b = lean_input("generator.b", TOTAL, 0.2, 0);
    s->worker = (block *)lean_floats((int64_t)(sizeof(block) / sizeof(float)) * s->l.threads);
    s->first = (double *)lean_floats(2 * s->blocks), s->square = (double *)lean_floats(2 * s->blocks);
}

int main(int argc, char **argv) {
    static step s;
    lean_open(&s.l, argc, argv, names);
    prepare(&s);
    run(&s);
    lean_predict(&s.l, run, &s, s.probability, s.squares);
    return 0;
}
