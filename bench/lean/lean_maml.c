/* SPDX-License-Identifier: Apache-2.0 */
/* lean_maml: bench_maml's sine workloads by hand. The way back through an inner step is a Hessian times a vector, by
 * Pearlmutter's R operator (1994): one more pass there and back, with products of constant sizes that the compiler
 * unrolls. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../numbers.h"
#include "lean.h"

enum { TASKS = 25, N = 10, D = 40, MOST_STEPS = 5 };
#define INNER_RATE 0.01f

static const char *const names[] = {"maml-1", "maml-5", NULL};

/* The 1-40-40-1 network: weights, or anything of their shape. */
typedef struct net {
    float w1[D], b1[D], w2[D * D], b2[D], w3[D], b3;
} net;
enum { TOTAL = sizeof(net) / sizeof(float) };

/* What a pass leaves: activations and what comes back to them. */
typedef struct pass {
    float a1[N * D], a2[N * D], out[N], d1[N * D], d2[N * D], error[N];
} pass;

typedef struct step {
    lean l;
    int inner;
    lean_param *weights;
    const float *x, *y, *query, *answer;
    net gradient[TASKS];
    double task_loss[TASKS], loss, norm;
} step;

/* ---- products; rows N, everything else D ---- */

#define EACH(i) for (int i = 0; i < D; i++)
#define ROW for (int r = 0; r < N; r++)

/* c (+)= a w */
static inline void times(const float *restrict a, const float *restrict w, float *restrict c) {
    ROW for (int k = 0; k < D; k++) EACH(j) c[r * D + j] += a[r * D + k] * w[k * D + j];
}
/* c += a w^T */
static inline void times_transposed(const float *restrict a, const float *restrict w, float *restrict c) {
    float t[D * D];
    EACH(i) EACH(j) t[j * D + i] = w[i * D + j];
    times(a, t, c);
}
/* g += a^T d */
static inline void outer(const float *restrict a, const float *restrict d, float *restrict g) {
    ROW EACH(i) EACH(j) g[i * D + j] += a[r * D + i] * d[r * D + j];
}
static inline void column_sums(const float *restrict d, float *restrict g) { ROW EACH(j) g[j] += d[r * D + j]; }

/* ---- the network ---- */

/* There: activations, and error = scale (out - y). The sum of squared errors comes back. */
static double forward(const net *w, const float *x, const float *y, float scale, pass *p) {
    double loss = 0;
    ROW EACH(j) p->a1[r * D + j] = fmaxf(x[r] * w->w1[j] + w->b1[j], 0), p->a2[r * D + j] = w->b2[j];
    times(p->a1, w->w2, p->a2);
    for (int i = 0; i < N * D; i++) p->a2[i] = fmaxf(p->a2[i], 0);
    ROW {
        float o = w->b3;
        EACH(j) o += p->a2[r * D + j] * w->w3[j];
        p->out[r] = o, p->error[r] = scale * (o - y[r]);
        loss += (double)((o - y[r]) * (o - y[r]));
    }
    return loss;
}

/* Back: the gradient of what has this error. */
static void backward(const net *w, const float *x, pass *p, net *g) {
    memset(g, 0, sizeof *g);
    memset(p->d1, 0, sizeof p->d1);
    ROW {
        EACH(j) {
            g->w3[j] += p->a2[r * D + j] * p->error[r];
            p->d2[r * D + j] = p->a2[r * D + j] > 0 ? p->error[r] * w->w3[j] : 0;
        }
        g->b3 += p->error[r];
    }
    outer(p->a1, p->d2, g->w2);
    column_sums(p->d2, g->b2);
    times_transposed(p->d2, w->w2, p->d1);
    for (int i = 0; i < N * D; i++) p->d1[i] = p->a1[i] > 0 ? p->d1[i] : 0;
    ROW EACH(j) g->w1[j] += x[r] * p->d1[r * D + j];
    column_sums(p->d1, g->b1);
}

/* h = the Hessian of the mean squared error at w times v; p: the pass there and back at w. */
static void hessian_times(const net *w, const float *x, const pass *p, const net *v, net *h) {
    float r1[N * D], r2[N * D], e[N], s1[N * D] = {0}, s2[N * D];
    memset(h, 0, sizeof *h);
    ROW EACH(j) r1[r * D + j] = p->a1[r * D + j] > 0 ? x[r] * v->w1[j] + v->b1[j] : 0, r2[r * D + j] = v->b2[j];
    times(r1, w->w2, r2);
    times(p->a1, v->w2, r2);
    for (int i = 0; i < N * D; i++) r2[i] = p->a2[i] > 0 ? r2[i] : 0;
    ROW {
        float o = v->b3;
        EACH(j) o += r2[r * D + j] * w->w3[j] + p->a2[r * D + j] * v->w3[j];
        e[r] = 2.0f / N * o;
        EACH(j) {
            h->w3[j] += r2[r * D + j] * p->error[r] + p->a2[r * D + j] * e[r];
            s2[r * D + j] = p->a2[r * D + j] > 0 ? e[r] * w->w3[j] + p->error[r] * v->w3[j] : 0;
        }
        h->b3 += e[r];
    }
    outer(r1, p->d2, h->w2);
    outer(p->a1, s2, h->w2);
    column_sums(s2, h->b2);
    times_transposed(s2, w->w2, s1);
    times_transposed(p->d2, v->w2, s1);
    for (int i = 0; i < N * D; i++) s1[i] = p->a1[i] > 0 ? s1[i] : 0;
    ROW EACH(j) h->w1[j] += x[r] * s1[r * D + j];
    column_sums(s1, h->b1);
}

/* to -= rate by */
static void descend(net *to, const net *by) {
    float *a = (float *)to;
    const float *b = (const float *)by;
    for (int i = 0; i < TOTAL; i++) a[i] -= INNER_RATE * b[i];
}

/* ---- a task ---- */

static void task(void *context, int64_t t, int worker) {
    step *s = context;
    const float *x = s->x + t * N, *y = s->y + t * N, *query = s->query + t * N;
    net w[MOST_STEPS + 1], g, *v = &s->gradient[t];
    pass p[MOST_STEPS + 1];
    memcpy(&w[0], s->weights->value, sizeof w[0]);
    for (int i = 0; i < s->inner; i++) {
        forward(&w[i], x, y, 2.0f / N, &p[i]);
        backward(&w[i], x, &p[i], &g);
        w[i + 1] = w[i];
        descend(&w[i + 1], &g);
    }
    s->task_loss[t] = forward(&w[s->inner], query, s->answer + t * N, 2.0f / (TASKS * N), &p[s->inner]);
    backward(&w[s->inner], query, &p[s->inner], v);
    for (int i = s->inner - 1; i >= 0; i--) {
        hessian_times(&w[i], x, &p[i], v, &g);
        descend(v, &g);
    }
}

static void run(void *context) {
    step *s = context;
    float *g = s->weights->gradient;
    goss__pool_run(s->l.pool, TASKS, task, s);
    memset(g, 0, TOTAL * sizeof *g);
    s->loss = 0;
    for (int t = 0; t < TASKS; t++) {
        for (int i = 0; i < TOTAL; i++) g[i] += ((const float *)&s->gradient[t])[i];
        s->loss += s->task_loss[t] / (TASKS * N);
    }
    s->norm = sqrt(lean_squares(g, 1, TOTAL, TOTAL));
    const lean_moments m = lean_next_step(&s->l, 1);
    lean_adam(&m, s->weights, 0, TOTAL);
}

static void prepare(step *s) {
    s->inner = s->l.run.which == 0 ? 1 : 5;
    s->weights = lean_weight(&s->l, "weights", TOTAL, 0);
    net *w = (net *)s->weights->value;
    numbers_reals("dense1.w", sqrt(6), 0, w->w1, D), numbers_reals("dense1.b", 0.1, 0, w->b1, D);
    numbers_reals("dense2.w", sqrt(6.0 / D), 0, w->w2, D * D), numbers_reals("dense2.b", 0.1, 0, w->b2, D);
    numbers_reals("head.w", sqrt(3.0 / D), 0, w->w3, D), numbers_reals("head.b", 0.1, 0, &w->b3, 1);
    s->x = lean_input("x", TASKS * N, 5, 0), s->y = lean_input("y", TASKS * N, 1, 0);
    s->query = lean_input("query", TASKS * N, 5, 0), s->answer = lean_input("answer", TASKS * N, 1, 0);
}

int main(int argc, char **argv) {
    static step s;
    lean_open(&s.l, argc, argv, names);
    prepare(&s);
    lean_train(&s.l, run, &s, &s.loss, &s.norm);
    return 0;
}
