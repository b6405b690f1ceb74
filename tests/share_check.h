/* SPDX-License-Identifier: Apache-2.0 */
/* share_check.h: a target whose weights are shared between tasks, in a graph. */
#ifndef GOSS_TEST_SHARE_CHECK_H
#define GOSS_TEST_SHARE_CHECK_H

#include "gossamer/share.h"
#include "graph_check.h"

enum { N = 4, T = 3, SAMPLES = 5 };

static const char *const net = "dense 3; tanh; dense 3; tanh";
static const double ids[T] = {2, 0, 3};

static goss_error err;

typedef struct shared {
    goss_target *target;
    goss_share *share;
    world w;
    goss_val id, x;
    goss_weights *weights;
} shared;

static inline goss_share_options options(const char *rules) {
    goss_share_options o = goss_share_defaults();
    o.tasks = N, o.rules = rules, o.size = 2;
    return o;
}

/* A target, a sharing of its weights, and the weights of T tasks in a graph. */
static inline void begin(shared *s, const char *text, const goss_share_options *o, bool noisy) {
    *s = (shared){.w = world_new()};
    T_OK(goss_target_parse(text, (const int64_t[]){2}, 1, 2, &s->target, &err));
    if (goss_share_create(s->target, o, &s->share, &err) != GOSS_OK)
        T_FAIL("%s: %s", o->rules ? o->rules : o->preset, err.text);
    goss_extent tasks = world_tasks(&s->w, T);
    s->id = world_input(&s->w, "id", GOSS_INDEX, GOSS_SHAPE(tasks), ids);
    s->x = world_normal(&s->w, "x", GOSS_SHAPE(tasks, goss_n(SAMPLES), goss_n(2)));
    s->weights =
        goss_share_weights(s->share, s->w.g, &(goss_share_tasks){.id = s->id, .noise = noisy ? s->id : GOSS_NONE});
}

static inline void end(shared *s) {
    goss_weights_free(s->weights);
    world_free(&s->w);
    goss_share_free(s->share);
    goss_target_free(s->target);
}

static inline int64_t total(const shared *s) { return goss_layout_total(goss_share_layout(s->share)); }

static inline double *start(const shared *s) {
    float *v = calloc((size_t)total(s), sizeof *v);
    double *wide = calloc((size_t)total(s), sizeof *wide);
    goss_share_initialize(s->share, 3, v);
    for (int64_t i = 0; i < total(s); i++) wide[i] = (double)v[i];
    free(v);
    return wide;
}

static inline goss_val param(shared *s) { return goss_param(s->w.g, "share", GOSS_SHAPE(goss_n(total(s)))); }

/* The numbers of an entry of the layout. */
static inline double *entry(const shared *s, double *values, const char *name) {
    const int i = goss_layout_find(goss_share_layout(s->share), name);
    if (i < 0) T_FAIL("there is no %s", name);
    return values + goss_layout_offset(goss_share_layout(s->share), i);
}

/* Outputs of the graph, run on `values`. */
static inline void compute(shared *s, const goss_val *out, int n, const double *values) {
    if (world_open(&s->w, GOSS_F64, out, n, NULL, 0) != GOSS_OK) T_FAIL("%s", s->w.err.text);
    world_set_param(&s->w, "share", values);
    if (world_run(&s->w) != GOSS_OK) T_FAIL("%s", s->w.err.text);
}

#endif
