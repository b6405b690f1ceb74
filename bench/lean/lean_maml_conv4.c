/* SPDX-License-Identifier: Apache-2.0 */
/* lean_maml_conv4: bench_maml's Conv4 workloads by hand. A task stays with one worker. The way back through an inner
 * step is a Hessian times a vector, by Pearlmutter's R operator (conv_pass.h); names of its numbers begin with r. */
#include <math.h>
#include <string.h>

#include "../numbers.h"
#include "conv_pass.h"

enum { TASKS = 4, WAYS = 5, SUPPORT = 5, QUERY = 75, IMAGE = NET_SIDE * NET_SIDE, C = NET_C };
enum { LAST = NET_LAYERS - 1, MOST_STEPS = 5 };
enum { HEAD = NET_TOTAL, BIAS = HEAD + C * WAYS, TOTAL = BIAS + WAYS };
#define INNER_RATE 0.01f

static const char *const names[] = {"maml-conv4-1", "maml-conv4-5", NULL};

/* A pass there and back with its head. */
typedef struct pass {
    net_pass net;
    const int32_t *answer;
    float z[QUERY * WAYS]; /* logits; then their gradient */
} pass;

typedef struct worker_state {
    float *w[MOST_STEPS + 1], *g; /* a task's weights, their gradient */
    pass inner[MOST_STEPS], outer;
    net_r r;
    net_scratch scratch;
} worker_state;

typedef struct step {
    lean l;
    int inner;
    net_layer layer[NET_LAYERS];
    lean_param *weights;
    const float *x, *query;
    int32_t *y, *answer;
    worker_state *worker;
    float *gradient[TASKS];
    double task_loss[TASKS], loss, norm;
} step;

/* ---- there and back ---- */

/* Leaves the gradient of the logits times `scale`; the sum of losses comes back. */
static double forward(const lean *l, int worker, pass *p, const float *w, float scale) {
    const int n = (int)p->net.n;
    net_forward(l, worker, &p->net, w);
    lean_multiply(l, worker, n, WAYS, C, false, p->net.maps.y[LAST], false, w + HEAD, p->z);
    lean_bias(p->z, w + BIAS, n, WAYS);
    return lean_cross_entropy(p->z, p->answer, n, WAYS, scale);
}

static void backward(const lean *l, int worker, pass *p, const float *w, const net_scratch *t, float *g) {
    const net_maps *m = &p->net.maps;
    memset(g, 0, TOTAL * sizeof *g);
    lean_dense_back(l, worker, (int)p->net.n, m->y[LAST], C, w + HEAD, WAYS, p->z, g + HEAD, g + BIAS, m->gy[LAST]);
    net_back(l, worker, &p->net, w, t, g);
}

/* ---- a Hessian times a vector ---- */

/* From R z to R of the logits' gradient, which is (probability - right) / SUPPORT. */
static void r_softmax(const pass *p, float *rz) {
    for (int i = 0; i < SUPPORT; i++, rz += WAYS) {
        float probability[WAYS], mean = 0;
        for (int c = 0; c < WAYS; c++) {
            probability[c] = SUPPORT * p->z[i * WAYS + c] + (c == p->answer[i] ? 1.0f : 0.0f);
            mean += probability[c] * rz[c];
        }
        for (int c = 0; c < WAYS; c++) rz[c] = probability[c] * (rz[c] - mean) / SUPPORT;
    }
}

/* From R y to R gy of the last layer, and the head's part of h. */
static void r_head(const lean *l, int worker, const pass *p, const net_r *r, const float *w, const float *v, float *h) {
    const float *y = p->net.maps.y[LAST], *ry = r->maps.y[LAST];
    float rz[SUPPORT * WAYS], more[C * WAYS], *rgy = r->maps.gy[LAST];
    lean_multiply(l, worker, SUPPORT, WAYS, C, false, ry, false, w + HEAD, rz);
    lean_multiply(l, worker, SUPPORT, WAYS, C, false, y, false, v + HEAD, more);
    net_add(rz, more, SUPPORT * WAYS);
    lean_bias(rz, v + BIAS, SUPPORT, WAYS);
    r_softmax(p, rz);
    lean_dense_back(l, worker, SUPPORT, y, C, w + HEAD, WAYS, rz, h + HEAD, h + BIAS, rgy);
    lean_multiply(l, worker, C, WAYS, SUPPORT, true, ry, false, p->z, more);
    net_add(h + HEAD, more, C * WAYS);
    lean_multiply(l, worker, SUPPORT, C, WAYS, false, p->z, true, v + HEAD, more);
    net_add(rgy, more, SUPPORT * C);
}

/* h = the Hessian of the mean loss at w times v; p: the pass there and back at w. */
static void hessian_times(const lean *l, int worker, const pass *p, const float *w, const float *v, worker_state *own,
                          float *h) {
    memset(h, 0, TOTAL * sizeof *h);
    net_r_forward(l, worker, &p->net, w, v, &own->r);
    r_head(l, worker, p, &own->r, w, v, h);
    net_r_back(l, worker, &p->net, w, v, &own->r, &own->scratch, h);
}

/* ---- a task ---- */

/* to = from - rate by */
static void descend(float *to, const float *from, const float *by) {
    for (int i = 0; i < TOTAL; i++) to[i] = from[i] - INNER_RATE * by[i];
}

static void point(pass *p, const float *x, const int32_t *answer, int64_t t) {
    p->net.maps.x = x + t * p->net.n * IMAGE, p->answer = answer + t * p->net.n;
}

static void task(void *context, int64_t t, int worker) {
    step *s = context;
    worker_state *own = &s->worker[worker];
    pass *outer = &own->outer;
    float *v = s->gradient[t];
    memcpy(own->w[0], s->weights->value, TOTAL * sizeof(float));
    for (int i = 0; i < s->inner; i++) {
        point(&own->inner[i], s->x, s->y, t);
        forward(&s->l, worker, &own->inner[i], own->w[i], 1.0f / SUPPORT);
        backward(&s->l, worker, &own->inner[i], own->w[i], &own->scratch, own->g);
        descend(own->w[i + 1], own->w[i], own->g);
    }
    point(outer, s->query, s->answer, t);
    s->task_loss[t] = forward(&s->l, worker, outer, own->w[s->inner], 1.0f / (TASKS * QUERY));
    backward(&s->l, worker, outer, own->w[s->inner], &own->scratch, v);
    for (int i = s->inner - 1; i >= 0; i--) {
        hessian_times(&s->l, worker, &own->inner[i], own->w[i], v, own, own->g);
        descend(v, v, own->g);
    }
}

static void run(void *context) {
    step *s = context;
    float *g = s->weights->gradient;
    goss__pool_run(s->l.pool, TASKS, task, s);
    memset(g, 0, TOTAL * sizeof *g);
    s->loss = 0;
    for (int t = 0; t < TASKS; t++) net_add(g, s->gradient[t], TOTAL), s->loss += s->task_loss[t] / (TASKS * QUERY);
    s->norm = sqrt(lean_squares(g, 1, TOTAL, TOTAL));
    const lean_moments m = lean_next_step(&s->l, 1);
    lean_adam(&m, s->weights, 0, TOTAL);
}

static net_pass pass_of(const step *s, int64_t n) {
    return (net_pass){.n = n, .maps = net_maps_new(s->layer, NULL, n)};
}

static void prepare_worker(const step *s, worker_state *own) {
    for (int i = 0; i <= s->inner; i++) own->w[i] = lean_floats(TOTAL);
    for (int i = 0; i < s->inner; i++) own->inner[i].net = pass_of(s, SUPPORT);
    own->g = lean_floats(TOTAL), own->outer.net = pass_of(s, QUERY);
    own->r = net_r_new(s->layer, SUPPORT), own->scratch = net_scratch_new(s->layer, QUERY);
}

static void prepare(step *s) {
    s->inner = s->l.run.which == 0 ? 1 : 5;
    net_layers(s->layer);
    s->weights = lean_weight(&s->l, "weights", TOTAL, 0);
    net_numbers(s->weights->value);
    numbers_reals("head.w", sqrt(3.0 / C), 0, s->weights->value + HEAD, C * WAYS);
    numbers_reals("head.b", 0.1, 0, s->weights->value + BIAS, WAYS);
    s->x = lean_input("x", TASKS * SUPPORT * IMAGE, 0.5, 0.5);
    s->query = lean_input("query", TASKS * QUERY * IMAGE, 0.5, 0.5);
    s->y = (int32_t *)lean_floats(TASKS * SUPPORT), s->answer = (int32_t *)lean_floats(TASKS * QUERY);
    numbers_labels("y", WAYS, s->y, TASKS * SUPPORT), numbers_labels("answer", WAYS, s->answer, TASKS * QUERY);
    for (int t = 0; t < TASKS; t++) s->gradient[t] = lean_floats(TOTAL);
    s->worker = (void *)lean_floats((int64_t)(sizeof *s->worker / sizeof(float)) * s->l.threads);
    for (int i = 0; i < s->l.threads; i++) prepare_worker(s, &s->worker[i]);
}

int main(int argc, char **argv) {
    static step s;
    lean_open(&s.l, argc, argv, names);
    prepare(&s);
    lean_train(&s.l, run, &s, &s.loss, &s.norm);
    return 0;
}
