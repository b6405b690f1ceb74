/* SPDX-License-Identifier: Apache-2.0 */
/* few_shot.h: a small few-shot problem with everything needed to run a method on it: synthetic classes (a random image
 * each, samples are it plus noise), the method, its graph, program and parameters, all in f64. */
#ifndef GOSS_FEW_SHOT_H
#define GOSS_FEW_SHOT_H

#include "base/rng.h"
#include "gossamer/method.h"
#include "loss_gradients.h"
#include "test.h"

#define FEW_SIDE 6
#define FEW_IMAGE (FEW_SIDE * FEW_SIDE)

static const int64_t few_input[3] = {FEW_SIDE, FEW_SIDE, 1};
static const char *const few_backbone =
    "conv 4 3 pad 1; norm batch; silu; pool avg 2; conv 6 3 pad 1; norm batch; silu; pool avg 3; flatten";

/* Counts of one run: T tasks, W ways, K shots, Q queries a class. */
typedef struct few_counts {
    int T, W, K, Q;
} few_counts;

typedef struct few {
    goss_method *method;
    goss_graph *graph;
    goss_task_batch batch;
    goss_schedule *program;
    goss_params *params;
    goss_threads *threads;
    goss_exec *exec;
    few_counts most, now;
    double *support, *support_target, *assign, *query, *query_target, *query_weight, *class_mask;
    int32_t *task;
    goss_step_loss loss;  /* outputs 0, 1: loss, accuracy; 2 ..: gradients */
    goss_adapted adapted; /* outputs 1, 2: slab, statistics */
    goss_error err;
} few;

/* Image i of class w of task t: prototype plus noise. Tasks are known by their ids, so that a task keeps its data
 * wherever it stands. */
static inline void few_image(double *out, int task, int w, int sample) {
    goss__rng p = goss__rng_make(7, (uint64_t)(task * 100 + w)),
              n = goss__rng_make(8, (uint64_t)((task * 100 + w) * 1000 + sample));
    for (int i = 0; i < FEW_IMAGE; i++) out[i] = goss__rng_normal(&p) + 0.7 * goss__rng_normal(&n);
}

/* Fills the buffers for these counts; support sample s stands at place order[s] (NULL: in order). */
static inline void few_fill(few *f, few_counts c, int first_task, const int *order) {
    int S = c.W * c.K, Q = c.W * c.Q;
    memset(f->support_target, 0, (size_t)(c.T * S * c.W) * sizeof(double));
    memset(f->assign, 0, (size_t)(c.T * S * c.W) * sizeof(double));
    memset(f->query_target, 0, (size_t)(c.T * Q * c.W) * sizeof(double));
    for (int t = 0; t < c.T; t++) {
        f->task[t] = first_task + t;
        for (int w = 0; w < c.W; w++) f->class_mask[t * c.W + w] = 1;
        for (int s = 0; s < S; s++) {
            int at = order ? order[s] : s, w = s / c.K;
            few_image(f->support + (t * S + at) * FEW_IMAGE, first_task + t, w, s % c.K);
            f->support_target[(t * S + at) * c.W + w] = 1;
            f->assign[(t * c.W + w) * S + at] = 1.0 / c.K;
        }
        for (int q = 0; q < Q; q++) {
            few_image(f->query + (t * Q + q) * FEW_IMAGE, first_task + t, q / c.Q, 500 + q % c.Q);
            f->query_target[(t * Q + q) * c.W + q / c.Q] = 1;
            f->query_weight[t * Q + q] = 1;
        }
    }
    f->now = c;
}

static inline goss_status few_counts_set(few *f) {
    GOSS_TRY(goss_exec_count(f->exec, "T", f->now.T, &f->err));
    GOSS_TRY(goss_exec_count(f->exec, "W", f->now.W, &f->err));
    GOSS_TRY(goss_exec_count(f->exec, "S", f->now.W * f->now.K, &f->err));
    return goss_exec_count(f->exec, "Q", f->now.W * f->now.Q, &f->err);
}

/* Binds what the program reads; a method need not look at everything. */
static inline goss_status few_bind(few *f, goss_exec *e) {
    const struct {
        const char *name;
        const void *data;
    } all[] = {{"support", f->support},
               {"support_target", f->support_target},
               {"assign", f->assign},
               {"query", f->query},
               {"query_target", f->query_target},
               {"query_weight", f->query_weight},
               {"class_mask", f->class_mask},
               {"task", f->task}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        goss_error ignored;
        goss_status s = goss_exec_bind(e, all[i].name, all[i].data, &ignored);
        if (s != GOSS_OK && s != GOSS_E_ARGUMENT) return s;
    }
    return GOSS_OK;
}

static inline double *few_numbers(int64_t n) { return calloc((size_t)n, sizeof(double)); }

/* Starting values of every parameter the program reads. */
static inline void few_initialize(few *f) {
    for (int i = 0; i < goss_method_params(f->method); i++) {
        goss_method_param p = goss_method_param_at(f->method, i);
        int at = goss_params_find(f->params, p.name);
        if (at < 0) continue;
        int64_t n = goss_layout_total(p.layout);
        float *v = malloc((size_t)n * sizeof *v);
        double *to = goss_params_data(f->params, at);
        goss_method_initialize(f->method, i, 3, v);
        for (int64_t k = 0; k < n; k++) to[k] = v[k];
        free(v);
    }
}

/* Adds noise to what is trained, so that nothing is zero by design. */
static inline void few_shake(few *f, double size) {
    for (int i = 0; i < goss_method_params(f->method); i++) {
        goss_method_param p = goss_method_param_at(f->method, i);
        int at = goss_params_find(f->params, p.name);
        if (at < 0 || !p.trained) continue;
        goss__rng r = goss__rng_make(21, goss__hash64(p.name, strlen(p.name), 0));
        double *v = goss_params_data(f->params, at);
        for (int64_t k = 0; k < goss_layout_total(p.layout); k++) v[k] += size * goss__rng_normal(&r);
    }
}

/* NULL, or gets what is compiled. */
static void (*few_watch)(const goss_graph *g, const goss_val *out, int n, const goss_val *updates, int n_updates);

static inline goss_status few_compile(few *f, const goss_val *out, int n, int threads) {
    goss_schedule_options o = goss_schedule_defaults();
    o.precision = GOSS_F64;
    goss_val updates[8];
    for (int i = 0; i < f->loss.n_states; i++) updates[i] = goss_assign(f->loss.state[i].param, f->loss.state[i].next);
    if (few_watch) few_watch(f->graph, out, n, updates, f->loss.n_states);
    GOSS_TRY(goss_compile(f->graph, out, n, updates, f->loss.n_states, &o, &f->program, &f->err));
    GOSS_TRY(goss_params_new(GOSS_F64, &f->params, &f->err));
    GOSS_TRY(goss_params_add(f->params, f->program, &f->err));
    GOSS_TRY(goss_threads_new(threads, &f->threads, &f->err));
    GOSS_TRY(goss_exec_new(f->program, f->params, f->threads, &f->exec, &f->err));
    few_initialize(f);
    few_fill(f, f->most, 0, NULL);
    return few_bind(f, f->exec);
}

static inline goss_status few_begin(few *f, const char *name, const char *backbone, const goss_method_options *o,
                                    few_counts most) {
    int S = most.W * most.K, Q = most.W * most.Q;
    *f = (few){.most = most, .graph = goss_graph_new()};
    f->support = few_numbers(most.T * S * FEW_IMAGE), f->query = few_numbers(most.T * Q * FEW_IMAGE);
    f->support_target = few_numbers(most.T * S * most.W), f->assign = few_numbers(most.T * S * most.W);
    f->query_target = few_numbers(most.T * Q * most.W), f->query_weight = few_numbers(most.T * Q);
    f->class_mask = few_numbers(most.T * most.W), f->task = calloc((size_t)most.T, sizeof(int32_t));
    GOSS_TRY(goss_method_create(name, backbone, few_input, 3, o, &f->method, &f->err));
    goss_task_spec spec = {.input_rank = 3, .outputs = most.W, .supports = S, .queries = Q};
    memcpy(spec.input, few_input, sizeof few_input);
    f->batch = goss_task_batch_declare(f->graph, &spec, most.T);
    return GOSS_OK;
}

/* Outputs: loss, accuracy, gradients. */
static inline goss_status few_train(few *f, const char *name, const char *backbone, const goss_method_options *o,
                                    few_counts most) {
    GOSS_TRY(few_begin(f, name, backbone, o, most));
    f->loss = goss_method_train(f->method, f->graph, &f->batch);
    goss_val out[10] = {f->loss.loss, f->loss.measure[0].value};
    loss_gradients(&f->loss, out + 2);
    return few_compile(f, out, 2 + f->loss.n_params, 1);
}

/* Output: the logits of the queries. */
static inline goss_status few_test(few *f, const char *name, const char *backbone, const goss_method_options *o,
                                   few_counts most, int fine_tune, int threads) {
    GOSS_TRY(few_begin(f, name, backbone, o, most));
    goss_val y = goss_method_outputs(f->method, f->graph, &f->batch, fine_tune);
    return few_compile(f, &y, 1, threads);
}

static inline goss_status few_run(few *f) {
    GOSS_TRY(few_counts_set(f));
    goss_exec_seed(f->exec, 5, 0);
    return goss_exec_run(f->exec, &f->err);
}

static inline const double *few_output(const few *f, int i) { return goss_exec_output(f->exec, i, NULL); }

static inline void few_free(few *f) {
    double *all[] = {f->support,      f->support_target, f->assign,    f->query,
                     f->query_target, f->query_weight,   f->class_mask};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    free(f->task);
    goss_exec_free(f->exec);
    goss_threads_free(f->threads);
    goss_params_free(f->params);
    goss_schedule_free(f->program);
    goss_target_free(f->adapted.target);
    goss_graph_free(f->graph);
    goss_method_free(f->method);
    *f = (few){0};
}
#endif
