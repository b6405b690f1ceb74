/* SPDX-License-Identifier: Apache-2.0 */
/* wave_tasks.h: tasks of numbers that a program makes itself, and a method on a batch of them.
 *
 * A task is a sine wave: 2 to 5 points of support (all 5 of them where `whole`), 6 queries, x and |x| as inputs, the
 * amplitude as its descriptor, and a number if k < WAVE_IDS. With classes the target is whether the wave is
 * positive. Where targets are partial they are the wave and half of it, and some lack the one or the other. */
#ifndef GOSS_WAVE_TASKS_H
#define GOSS_WAVE_TASKS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "gossamer/method.h"
#include "task/task_pack.h"
#include "test.h"

enum { WAVE_SUPPORT = 5, WAVE_QUERY = 6, WAVE_IDS = 4, WAVE_TASKS = 3 };

static inline float wave_sample(goss__rng *r, double amplitude, double phase, bool classes, float *x) {
    double at = 6 * goss__rng_uniform(r) - 3, y = amplitude * sin(at + phase);
    x[0] = (float)at, x[1] = (float)fabs(at) - 1.5f;
    return classes ? (float)(y > 0) : (float)y;
}

static inline void wave_target(int n, int i, float y, float *out) {
    out[0] = n > 1 && i % 5 == 3 ? NAN : y;
    if (n > 1) out[1] = i % 3 == 1 ? NAN : y / 2;
}

static inline void wave_draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    goss__rng r = goss__rng_make(source->context ? 1 : 0, k);
    double amplitude = 0.3 + 1.5 * goss__rng_uniform(&r), phase = 3 * goss__rng_uniform(&r);
    const bool classes = goss_task_objective(&source->spec)->classes;
    t->supports = source->context ? WAVE_SUPPORT : 2 + (int)(k % 4);
    t->queries = WAVE_QUERY, t->id = k < WAVE_IDS ? (int64_t)k : -1;
    const int n = classes ? 1 : source->spec.outputs;
    for (int i = 0; i < t->supports; i++)
        wave_target(n, i + (int)k, wave_sample(&r, amplitude, phase, classes, t->support + 2 * i),
                    t->support_target + n * i);
    for (int i = 0; i < t->queries; i++)
        wave_target(n, i + (int)k, wave_sample(&r, amplitude, phase, classes, t->query + 2 * i),
                    t->query_target + n * i);
    t->descriptor[0] = (float)(amplitude / 2);
}

static inline goss_task_source wave_source(const char *objective, bool whole) {
    static const float mean = 0.1f, deviation = 0.8f;
    static int yes;
    goss_task_source s = {.spec = {.input_rank = 1,
                                   .input = {2},
                                   .supports = WAVE_SUPPORT,
                                   .queries = WAVE_QUERY,
                                   .descriptor = 1,
                                   .ids = WAVE_IDS,
                                   .shared_classes = true},
                          .context = whole ? &yes : NULL,
                          .draw = wave_draw};
    goss_error err;
    T_OK(goss_objective_find(objective, &s.spec.objective, &err));
    s.spec.outputs = s.spec.objective->classes ? 2 : 1;
    if (!s.spec.objective->classes) s.spec.scale = (goss_target_scale){&mean, &deviation};
    return s;
}

/* The same with two numbers a target, some of them missing. */
static inline goss_task_source wave_partial_source(const char *objective, bool whole) {
    static const float mean[] = {0.1f, 0}, deviation[] = {0.8f, 0.4f};
    goss_task_source s = wave_source(objective, whole);
    s.spec.outputs = 2, s.spec.partial = true, s.spec.scale = (goss_target_scale){mean, deviation};
    return s;
}

/* A method on a batch of waves, in f64. */
typedef struct waves {
    goss_task_source source;
    goss__task_pack pack;
    goss_method *method;
    goss_graph *graph;
    goss_task_batch batch;
    goss_step_loss loss;
    goss_schedule *program;
    goss_params *params;
    goss_threads *threads;
    goss_exec *exec;
    double *data[14]; /* the pack's inputs as doubles */
    int n_data;
    goss_error err;
} waves;

static inline goss_status waves_method(waves *w, const char *method, const char *backbone,
                                       const goss_method_options *options, goss_error *err) {
    goss_method_options o = options ? *options : goss_method_defaults();
    o.objective = w->source.spec.objective, o.outputs = w->source.spec.outputs;
    return goss_method_create(method, backbone, w->source.spec.input, 1, &o, &w->method, err);
}

static inline goss_status waves_bind_one(waves *w, const char *name, const float *data, int64_t n) {
    goss_error ignored;
    double *v = w->data[w->n_data++] = calloc((size_t)n + 1, sizeof *v);
    for (int64_t i = 0; i < n; i++) v[i] = (double)data[i];
    goss_status s = goss_exec_bind(w->exec, name, v, &ignored);
    return s == GOSS_E_ARGUMENT ? GOSS_OK : s; /* a method need not look at everything */
}

static inline goss_status waves_bind(waves *w) {
    const goss__task_pack *p = &w->pack;
    goss_error ignored;
    int64_t t = p->tasks, s = t * p->supports, q = t * p->queries, n = p->outputs;
    for (int i = 0; i < w->n_data; i++) free(w->data[i]);
    w->n_data = 0;
    GOSS_TRY(waves_bind_one(w, "support", p->support, s * 2));
    GOSS_TRY(waves_bind_one(w, "support_target", p->support_target, s * n));
    GOSS_TRY(waves_bind_one(w, "support_weight", p->support_weight, s));
    GOSS_TRY(waves_bind_one(w, "assign", p->assign, p->spec.objective->classes ? s * n : 0));
    GOSS_TRY(waves_bind_one(w, "query", p->query, q * 2));
    GOSS_TRY(waves_bind_one(w, "query_target", p->query_target, q * n));
    GOSS_TRY(waves_bind_one(w, "query_weight", p->query_weight, q));
    GOSS_TRY(waves_bind_one(w, "support_known", p->support_known, p->support_known ? s * n : 0));
    GOSS_TRY(waves_bind_one(w, "query_known", p->query_known, p->query_known ? q * n : 0));
    GOSS_TRY(waves_bind_one(w, "class_mask", p->class_mask, t * n));
    GOSS_TRY(waves_bind_one(w, "descriptor", p->descriptor, t));
    GOSS_TRY(waves_bind_one(w, "known", p->known, t));
    if (goss_exec_bind(w->exec, "task", p->task, &ignored) == GOSS_E_NOMEM) return GOSS_E_NOMEM;
    if (goss_exec_bind(w->exec, "id", p->id, &ignored) == GOSS_E_NOMEM) return GOSS_E_NOMEM;
    const struct {
        const char *symbol;
        int count;
    } counts[] = {{"T", p->tasks}, {"S", p->supports}, {"Q", p->queries}};
    for (int i = 0; i < 3; i++)
        if (goss_exec_count(w->exec, counts[i].symbol, counts[i].count, &ignored) == GOSS_E_NOMEM) return GOSS_E_NOMEM;
    return GOSS_OK;
}

static inline void waves_initialize(waves *w, double noise) {
    for (int i = 0; i < goss_method_params(w->method); i++) {
        goss_method_param p = goss_method_param_at(w->method, i);
        int at = goss_params_find(w->params, p.name);
        if (at < 0) continue;
        int64_t n = goss_layout_total(p.layout);
        float *start = malloc((size_t)n * sizeof *start);
        double *v = goss_params_data(w->params, at);
        goss__rng r = goss__rng_make(17, (uint64_t)i);
        goss_method_initialize(w->method, i, 3, start);
        for (int64_t k = 0; k < n; k++) v[k] = (double)start[k] + (p.trained ? noise * goss__rng_normal(&r) : 0);
        free(start);
    }
}

static inline goss_status waves_compile(waves *w, const goss_val *out, int n) {
    goss_schedule_options o = goss_schedule_defaults();
    o.precision = GOSS_F64;
    GOSS_TRY(goss_graph_status(w->graph, &w->err));
    GOSS_TRY(goss_compile(w->graph, out, n, NULL, 0, &o, &w->program, &w->err));
    GOSS_TRY(goss_params_new(GOSS_F64, &w->params, &w->err));
    GOSS_TRY(goss_params_add(w->params, w->program, &w->err));
    GOSS_TRY(goss_threads_new(1, &w->threads, &w->err));
    return goss_exec_new(w->program, w->params, w->threads, &w->exec, &w->err);
}

static inline goss_status waves_begin_of(waves *w, goss_task_source source, const char *method, const char *backbone,
                                         const goss_method_options *options) {
    *w = (waves){.source = source};
    GOSS_TRY(waves_method(w, method, backbone, options, &w->err));
    w->graph = goss_graph_new();
    w->batch = goss_task_batch_declare(w->graph, &w->source.spec, WAVE_TASKS);
    return goss__task_pack_init(&w->pack, WAVE_TASKS, &w->source.spec, NULL, &w->err);
}

static inline goss_status waves_begin(waves *w, const char *objective, const char *method, const char *backbone,
                                      const goss_method_options *options, bool whole) {
    return waves_begin_of(w, wave_source(objective, whole), method, backbone, options);
}

static inline goss_status waves_run(waves *w, uint64_t first, int tasks) {
    goss__task_pack_draw(&w->pack, &w->source, first, tasks);
    GOSS_TRY(waves_bind(w));
    goss_exec_seed(w->exec, 5, 0);
    return goss_exec_run(w->exec, &w->err);
}

static inline const double *waves_output(const waves *w, int i) { return goss_exec_output(w->exec, i, NULL); }

static inline void waves_free(waves *w) {
    for (int i = 0; i < w->n_data; i++) free(w->data[i]);
    goss_exec_free(w->exec);
    goss_threads_free(w->threads);
    goss_params_free(w->params);
    goss_schedule_free(w->program);
    goss_graph_free(w->graph);
    goss_method_free(w->method);
    goss__task_pack_free(&w->pack);
    *w = (waves){0};
}
#endif
