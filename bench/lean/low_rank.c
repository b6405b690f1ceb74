/* SPDX-License-Identifier: Apache-2.0 */
/* low_rank.c: lowrank-1m by hand. Some tasks at a time go through the network and back on one thread; what gradients of
 * large matrices need of all of them stays, and those gradients are made piece by piece, each used by Adam in the
 * cache. */
#include <math.h>
#include <string.h>

#include "million.h"

enum { LAYERS = 3, RANK = 8, PANEL = 384, MOST_PANELS = 96 };
enum {
    TOGETHER = 4,
    GROUPS = TASKS / TOGETHER,
    BATCH = TOGETHER * SAMPLES,
    PIECE = 100
}; /* PIECE: rows of the middle matrix */
static const int64_t sizes[LAYERS + 1] = {IN, UNITS1, UNITS2, WAYS};

/* Gradients that a group of tasks has whole. */
typedef struct small {
    float w1[IN * UNITS1], b1[UNITS1], b2[UNITS2], w3[UNITS2 * WAYS], b3[WAYS];
} small;

typedef struct factor {
    lean_param *p;
    int64_t n;
    float *slab; /* [TASKS, n]: of each task, then its gradient */
} factor;

/* Columns of a factor's generator. */
typedef struct panel {
    const factor *f;
    int64_t at, n;
} panel;

/* What one thread holds. */
typedef struct local {
    float q[LAYERS][BATCH * RANK], gq[SAMPLES * RANK], z[BATCH * WAYS];
    float correction[BATCH * UNITS1], g[BATCH * UNITS1]; /* g: of a layer's input */
} local;

static struct low_rank {
    factor u[LAYERS], v[LAYERS];
    lean_param *w[LAYERS], *b[LAYERS];
    panel panel[MOST_PANELS];
    int64_t panels;
    float *h, *back; /* [TASKS, ROWS]; [panels, TASKS, HIDDEN] */
    float *a1, *a2;  /* [TASKS, SAMPLES, ...]; in the end a2 is the gradient of the middle layer's output */
    small *part;     /* [GROUPS] */
    local *worker;
    double loss[GROUPS], squares[MOST_PANELS + UNITS1 / PIECE];
} step;

/* ---- the network, of a group ---- */

/* y = x w + (x u v + b) */
static void forward(const million *m, int worker, int i, int64_t group, const float *x, float *y) {
    const int64_t in = sizes[i], out = sizes[i + 1];
    local *k = &step.worker[worker];
    for (int64_t t = 0; t < TOGETHER; t++) {
        const int64_t task = group * TOGETHER + t;
        float *q = k->q[i] + t * SAMPLES * RANK;
        lean_product(&m->l, worker,
                     &(goss__gemm){.m = SAMPLES,
                                   .n = RANK,
                                   .k = in,
                                   .a = x + t * SAMPLES * in,
                                   .lda = in,
                                   .b = step.u[i].slab + task * in * RANK,
                                   .ldb = RANK,
                                   .c = q,
                                   .ldc = RANK});
        lean_product(&m->l, worker,
                     &(goss__gemm){.m = SAMPLES,
                                   .n = out,
                                   .k = RANK,
                                   .a = q,
                                   .lda = RANK,
                                   .b = step.v[i].slab + task * RANK * out,
                                   .ldb = out,
                                   .c = k->correction + t * SAMPLES * out,
                                   .ldc = out,
                                   .add = step.b[i]->value});
    }
    lean_product(&m->l, worker,
                 &(goss__gemm){.m = BATCH,
                               .n = out,
                               .k = in,
                               .a = x,
                               .lda = in,
                               .b = step.w[i]->value,
                               .ldb = out,
                               .c = y,
                               .ldc = out,
                               .add = k->correction,
                               .add_row = out});
}

/* The gradients of a task's factors take their place; its gq u^T, if asked for, is what they add to the gradient of x.
 */
static void factors_back(const million *m, int worker, int i, int64_t task, const float *x, const float *q,
                         const float *gy, float *gx) {
    const int64_t in = sizes[i], out = sizes[i + 1];
    float *u = step.u[i].slab + task * in * RANK, *v = step.v[i].slab + task * RANK * out, *gq = step.worker[worker].gq;
    lean_product(&m->l, worker,
                 &(goss__gemm){.m = SAMPLES,
                               .n = RANK,
                               .k = out,
                               .tb = true,
                               .a = gy,
                               .lda = out,
                               .b = v,
                               .ldb = out,
                               .c = gq,
                               .ldc = RANK});
    lean_product(&m->l, worker,
                 &(goss__gemm){.m = RANK,
                               .n = out,
                               .k = SAMPLES,
                               .ta = true,
                               .a = q,
                               .lda = RANK,
                               .b = gy,
                               .ldb = out,
                               .c = v,
                               .ldc = out});
    if (gx)
        lean_product(&m->l, worker,
                     &(goss__gemm){.m = SAMPLES,
                                   .n = in,
                                   .k = RANK,
                                   .tb = true,
                                   .a = gq,
                                   .lda = RANK,
                                   .b = u,
                                   .ldb = RANK,
                                   .c = gx,
                                   .ldc = in});
    lean_product(&m->l, worker,
                 &(goss__gemm){.m = in,
                               .n = RANK,
                               .k = SAMPLES,
                               .ta = true,
                               .a = x,
                               .lda = in,
                               .b = gq,
                               .ldb = RANK,
                               .c = u,
                               .ldc = RANK});
}

static void backward(const million *m, int worker, int i, int64_t group, const float *x, const float *gy, float *gx) {
    const int64_t in = sizes[i], out = sizes[i + 1];
    local *k = &step.worker[worker];
    for (int64_t t = 0; t < TOGETHER; t++)
        factors_back(m, worker, i, group * TOGETHER + t, x + t * SAMPLES * in, k->q[i] + t * SAMPLES * RANK,
                     gy + t * SAMPLES * out, gx ? k->correction + t * SAMPLES * in : NULL);
    if (gx)
        lean_product(&m->l, worker,
                     &(goss__gemm){.m = BATCH,
                                   .n = in,
                                   .k = out,
                                   .tb = true,
                                   .a = gy,
                                   .lda = out,
                                   .b = step.w[i]->value,
                                   .ldb = out,
                                   .c = gx,
                                   .ldc = in,
                                   .add = k->correction,
                                   .add_row = in});
}

static void tasks(void *context, int64_t group, int worker) {
    const million *m = context;
    local *k = &step.worker[worker];
    small *part = &step.part[group];
    const float *x = m->x + group * BATCH * IN;
    float *a1 = step.a1 + group * BATCH * UNITS1, *a2 = step.a2 + group * BATCH * UNITS2;
    forward(m, worker, 0, group, x, a1);
    lean_relu(a1, BATCH * UNITS1);
    forward(m, worker, 1, group, a1, a2);
    lean_relu(a2, BATCH * UNITS2);
    forward(m, worker, 2, group, a2, k->z);
    step.loss[group] = lean_cross_entropy(k->z, m->y + group * BATCH, BATCH, WAYS, 1.0f / (TASKS * SAMPLES));
    backward(m, worker, 2, group, a2, k->z, k->g);
    lean_dense_back(&m->l, worker, BATCH, a2, UNITS2, NULL, WAYS, k->z, part->w3, part->b3, NULL);
    for (int j = 0; j < BATCH * UNITS2; j++) a2[j] = a2[j] > 0 ? k->g[j] : 0;
    backward(m, worker, 1, group, a1, a2, k->g);
    lean_column_sums(a2, BATCH, UNITS2, UNITS2, part->b2);
    lean_relu_back(k->g, a1, BATCH * UNITS1);
    backward(m, worker, 0, group, x, k->g, NULL);
    lean_dense_back(&m->l, worker, BATCH, x, IN, NULL, UNITS1, k->g, part->w1, part->b1, NULL);
}

/* ---- the factors' generators, by panels ---- */

static void generate(void *context, int64_t i, int worker) {
    const million *m = context;
    const panel *p = &step.panel[i];
    lean_product(&m->l, worker,
                 &(goss__gemm){.m = TASKS,
                               .n = p->n,
                               .k = ROWS,
                               .a = step.h,
                               .lda = ROWS,
                               .b = p->f->p->value + p->at,
                               .ldb = p->f->n,
                               .c = p->f->slab + p->at,
                               .ldc = p->f->n});
}

static void panel_back(void *context, int64_t i, int worker) {
    const million *m = context;
    const panel *p = &step.panel[i];
    const int64_t n = p->f->n;
    const float *gy = p->f->slab + p->at;
    float *gw = step.worker[worker].g;
    lean_product(&m->l, worker,
                 &(goss__gemm){.m = TASKS,
                               .n = HIDDEN,
                               .k = p->n,
                               .tb = true,
                               .a = gy,
                               .lda = n,
                               .b = p->f->p->value + p->at,
                               .ldb = n,
                               .c = step.back + i * TASKS * HIDDEN,
                               .ldc = HIDDEN});
    lean_product(&m->l, worker,
                 &(goss__gemm){.m = ROWS,
                               .n = p->n,
                               .k = TASKS,
                               .ta = true,
                               .a = step.h,
                               .lda = ROWS,
                               .b = gy,
                               .ldb = n,
                               .c = gw,
                               .ldc = p->n});
    step.squares[i] = 0;
    for (int64_t r = 0; r < ROWS; r++) step.squares[i] += million_train(m, p->f->p, r * n + p->at, p->n, gw + r * p->n);
}

/* ---- the step ---- */

/* Some rows of the middle matrix. */
static void piece(void *context, int64_t i, int worker) {
    const million *m = context;
    float *gw = step.worker[worker].g;
    lean_product(&m->l, worker,
                 &(goss__gemm){.m = PIECE,
                               .n = UNITS2,
                               .k = TASKS * SAMPLES,
                               .ta = true,
                               .a = step.a1 + i * PIECE,
                               .lda = UNITS1,
                               .b = step.a2,
                               .ldb = UNITS2,
                               .c = gw,
                               .ldc = UNITS2});
    step.squares[step.panels + i] = million_train(m, step.w[1], i * PIECE * UNITS2, PIECE * UNITS2, gw);
}

static void add_parts(const float *part, const lean_param *p) {
    lean_column_sums(part, GROUPS, p->n, sizeof(small) / sizeof(float), p->gradient);
}

static void small_back(const million *m) {
    add_parts(step.part->w1, step.w[0]), add_parts(step.part->b1, step.b[0]), add_parts(step.part->b2, step.b[1]);
    add_parts(step.part->w3, step.w[2]), add_parts(step.part->b3, step.b[2]);
    lean_column_sums(step.back, step.panels, TASKS * HIDDEN, TASKS * HIDDEN, m->code_gradient);
    lean_relu_back(m->code_gradient, m->code, TASKS * HIDDEN);
}

void low_rank_run(void *context) {
    million *m = context;
    million_begin(m);
    for (int t = 0; t < TASKS; t++) {
        memcpy(step.h + t * ROWS, m->code + t * HIDDEN, HIDDEN * sizeof *step.h);
        lean_relu(step.h + t * ROWS, HIDDEN), step.h[t * ROWS + HIDDEN] = 1;
    }
    goss__pool_run(m->l.pool, step.panels, generate, m);
    goss__pool_run(m->l.pool, GROUPS, tasks, m);
    goss__pool_run(m->l.pool, step.panels, panel_back, m);
    goss__pool_run(m->l.pool, UNITS1 / PIECE, piece, m);
    small_back(m);
    double squares = 0;
    for (int64_t i = 0; i < step.panels + UNITS1 / PIECE; i++) squares += step.squares[i];
    million_end(m, squares);
    m->loss = 0;
    for (int i = 0; i < GROUPS; i++) m->loss += step.loss[i] / (TASKS * SAMPLES);
}

static void prepare_factor(million *m, factor *f, char letter, int i, int64_t n) {
    const char name[] = {letter, (char)('1' + i), 0};
    *f = (factor){million_linear(m, name, n, 0.02, 0.1), n, lean_floats(TASKS * n)};
    for (int64_t at = 0; at < n; at += PANEL)
        step.panel[step.panels++] = (panel){f, at, n - at < PANEL ? n - at : PANEL};
}

void low_rank_prepare(million *m) {
    for (int i = 0; i < LAYERS; i++) {
        const int64_t in = sizes[i], out = sizes[i + 1];
        char w[] = "base1.w", b[] = "base1.b";
        w[4] = b[4] = (char)('1' + i);
        prepare_factor(m, &step.u[i], 'u', i, in * RANK), prepare_factor(m, &step.v[i], 'v', i, RANK * out);
        step.w[i] = (i == 1 ? lean_weight_alone : lean_weight)(&m->l, w, in * out, sqrt(6.0 / (double)in));
        step.b[i] = lean_weight(&m->l, b, out, 0.1);
    }
    step.h = lean_floats(TASKS * ROWS), step.back = lean_floats(step.panels * TASKS * HIDDEN);
    step.a1 = lean_floats(TASKS * SAMPLES * UNITS1), step.a2 = lean_floats(TASKS * SAMPLES * UNITS2);
    step.part = (small *)lean_floats((int64_t)(sizeof(small) / sizeof(float)) * GROUPS);
    step.worker = (local *)lean_floats((int64_t)(sizeof(local) / sizeof(float)) * m->l.threads);
}
