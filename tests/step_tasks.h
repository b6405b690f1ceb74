/* SPDX-License-Identifier: Apache-2.0 */
/* step_tasks.h: a training step on small regression tasks, for tests of goss_step: a network that all tasks share, a
 * state that follows the inputs' mean, and published features. */
#ifndef GOSS_STEP_TASKS_H
#define GOSS_STEP_TASKS_H

#include "base/rng.h"
#include "gossamer/step.h"
#include "test.h"

enum { TASKS = 12, SAMPLES = 5, FEATURES = 4 };

typedef struct problem {
    float x[TASKS * SAMPLES * FEATURES], y[TASKS * SAMPLES];
    int32_t task[TASKS];
    goss_target *net;
    goss_threads *threads;
    bool ends;          /* the network's parameters have ends instead of gradients */
    int first;          /* of the tasks that this process has */
    int bound, fail_at; /* calls of bind; the one that fails, 0: none */
} problem;

static goss_error err;

static inline void problem_begin(problem *p, const char *net, int threads) {
    *p = (problem){.first = 0};
    goss__rng r = goss__rng_make(3, 1);
    for (int i = 0; i < TASKS * SAMPLES * FEATURES; i++) p->x[i] = (float)goss__rng_normal(&r);
    for (int i = 0; i < TASKS * SAMPLES; i++) p->y[i] = (float)goss__rng_normal(&r);
    for (int i = 0; i < TASKS; i++) p->task[i] = i;
    T_OK(goss_target_parse(net, (const int64_t[]){FEATURES}, 1, 1, &p->net, &err));
    T_OK(goss_threads_new(threads, &p->threads, &err));
}

static inline void problem_end(problem *p) {
    goss_target_free(p->net);
    goss_threads_free(p->threads);
}

static inline goss_status problem_build(void *context, goss_graph *g, int64_t tasks, goss_step_loss *out,
                                        goss_error *e) {
    const problem *p = context;
    const goss_layout *l = goss_target_layout(p->net);
    goss_extent T = goss_symbol(g, "T", tasks);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(T, goss_n(SAMPLES), goss_n(FEATURES)));
    goss_val y = goss_input(g, "y", GOSS_REAL, GOSS_SHAPE(T, goss_n(SAMPLES), goss_n(1)));
    goss_weights *w = goss_weights_from_params(g, l, "net");
    goss_target_context c = goss_target_context_defaults();
    c.publish = "", c.dropout_task = goss_input(g, "task", GOSS_INDEX, GOSS_SHAPE(T)), c.training = true;
    goss_val off = goss_sub(goss_target_apply(p->net, x, w, &c).logits, y);
    goss_publish(g, "weights/dense1.w", goss_weights_get(w, "dense1.w"));
    goss_val mean = goss_param(g, "mean", GOSS_SHAPE(goss_n(FEATURES)));
    goss_val seen = goss_reshape(goss_mean(x, GOSS_AXIS(0) | GOSS_AXIS(1), false), goss_shape_of(mean));
    *out = (goss_step_loss){.loss = goss_mean_all(goss_square(off)), .n_params = 1, .n_measures = 1, .n_states = 1};
    out->measure[0] = (goss_step_measure){"off", goss_mean_all(goss_abs(off))};
    out->state[0] = (goss_step_state){"mean", mean, goss_add(mean, goss_scale(goss_sub(seen, mean), 0.1))};
    out->param[0] = (goss_step_param){.name = "net", .layout = l, .param = goss_weights_slab(w)};
    if (p->ends) { /* half way to 1 and a little of each task's first number */
        goss_val to = goss_broadcast(goss_unsqueeze(goss_slice(goss_squeeze(goss_slice(x, 1, 0, 1), 1), 1, 0, 1), 1),
                                     GOSS_SHAPE(T, goss_n(1), goss_n(goss_layout_total(l))));
        out->param[0].end = goss_add(goss_scale(goss_shift(goss_squeeze(to, 1), 1), 0.5),
                                     goss_scale(goss_unsqueeze(goss_weights_slab(w), 0), 0.5));
    }
    goss_weights_free(w);
    return goss_graph_status(g, e);
}

static inline goss_status problem_bind(void *context, goss_exec *exec, int64_t first, int64_t tasks, goss_error *e) {
    problem *p = context;
    const int64_t at = p->first + first;
    if (++p->bound == p->fail_at) return goss_error_set(e, GOSS_E_IO, "task %lld is gone", (long long)at);
    GOSS_TRY(goss_exec_bind(exec, "x", p->x + at * SAMPLES * FEATURES, e));
    GOSS_TRY(goss_exec_bind(exec, "y", p->y + at * SAMPLES, e));
    goss_error ignored;
    if (goss_exec_bind(exec, "task", p->task + at, &ignored) == GOSS_E_NOMEM) return GOSS_E_NOMEM;
    return goss_exec_count(exec, "T", tasks, e);
}

static inline goss_step_source problem_source(problem *p) { return (goss_step_source){problem_build, problem_bind, p}; }

static inline goss_step_options step_of(int64_t tasks, int64_t micro) {
    goss_step_options o = goss_step_defaults();
    o.tasks = tasks, o.micro_batch = micro;
    return o;
}

/* A compiled step with starting values. */
static inline goss_status begin_step(problem *p, const goss_step_options *o, goss_step **out) {
    goss_step_source source = problem_source(p);
    GOSS_TRY(goss_step_new(&source, o, p->threads, out, &err));
    goss_params *params = goss_step_params(*out);
    goss_layout_initialize(goss_target_layout(p->net), 5, goss_params_data(params, goss_params_find(params, "net")));
    return GOSS_OK;
}

static inline float *param_of(const goss_step *s, const char *name) {
    goss_params *p = goss_step_params(s);
    const int at = goss_params_find(p, name);
    if (at < 0) T_FAIL("there is no parameter %s", name);
    return goss_params_data(p, at);
}

static inline int64_t numel_of(const goss_step *s, const char *name) {
    goss_params *p = goss_step_params(s);
    return goss_params_numel(p, goss_params_find(p, name));
}

/* All parameters of a and b have the same names and bits. */
static inline bool same_params(const goss_step *a, const goss_step *b) {
    const goss_params *p = goss_step_params(a), *q = goss_step_params(b);
    if (goss_params_count(p) != goss_params_count(q)) return false;
    for (int i = 0; i < goss_params_count(p); i++) {
        const int k = goss_params_find(q, goss_params_name(p, i));
        if (k < 0 || memcmp(goss_params_data(p, i), goss_params_data(q, k),
                            (size_t)goss_params_numel(p, i) * sizeof(float)) != 0)
            return false;
    }
    return true;
}

static inline void steps(goss_step *s, int64_t tasks, int from, int to, goss_step_result *r) {
    for (int i = from; i < to; i++) T_OK(goss_step_run(s, tasks, 0.01, 9, (uint64_t)i, r, &err));
}
#endif
