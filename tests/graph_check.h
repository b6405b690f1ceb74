/* SPDX-License-Identifier: Apache-2.0 */
/* graph_check.h: runs a small graph on numbers and hands its outputs back as doubles, for the tests of composites,
 * target networks and optimisers. One `world` is a graph with its inputs and, after world_open, its program and
 * executor. */
#ifndef GOSS_GRAPH_CHECK_H
#define GOSS_GRAPH_CHECK_H

#include "base/rng.h"
#include "gossamer/exec.h"
#include "test.h"

#define WORLD_MAX 64

typedef struct world {
    goss_graph *g;
    goss_schedule *program;
    goss_params *params;
    goss_threads *threads;
    goss_exec *exec;
    goss_precision precision;
    int64_t tasks; /* maximum of the symbol T, where a graph has it: the one symbol that inputs may have */
    int n_in, n_out;
    char *name[WORLD_MAX];
    bool is_index[WORLD_MAX];
    double *in[WORLD_MAX]; /* numbers of the inputs, as doubles whatever the precision */
    int64_t in_numel[WORLD_MAX];
    void *bound[WORLD_MAX];
    double *out[WORLD_MAX]; /* after world_run */
    int64_t numel[WORLD_MAX];
    goss_error err;
} world;

static inline world world_new(void) { return (world){.g = goss_graph_new()}; }

static inline int64_t world_numel(const world *w, goss_shape s) {
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i].count * (s.dim[i].symbols ? w->tasks : 1);
    return n;
}

/* The task axis: T, of which up to `maximum` run. */
static inline goss_extent world_tasks(world *w, int64_t maximum) {
    w->tasks = maximum;
    return goss_symbol(w->g, "T", maximum);
}

/* An input with these numbers; world_open binds it. */
static inline goss_val world_input(world *w, const char *name, goss_type type, goss_shape s, const double *numbers) {
    int i = w->n_in++;
    w->name[i] = strdup(name);
    w->is_index[i] = type == GOSS_INDEX;
    w->in_numel[i] = world_numel(w, s);
    w->in[i] = malloc((size_t)w->in_numel[i] * sizeof(double));
    memcpy(w->in[i], numbers, (size_t)w->in_numel[i] * sizeof(double));
    return goss_input(w->g, name, type, s);
}

/* The same with normal numbers that depend on the name alone. */
static inline goss_val world_normal(world *w, const char *name, goss_shape s) {
    int64_t n = world_numel(w, s);
    double *v = malloc((size_t)n * sizeof *v);
    goss__rng r = goss__rng_make(11, goss__hash64(name, strlen(name), 0));
    for (int64_t i = 0; i < n; i++) v[i] = goss__rng_normal(&r);
    goss_val x = world_input(w, name, GOSS_REAL, s, v);
    free(v);
    return x;
}

/* The numbers of an input, to be read or changed between runs. */
static inline double *world_numbers(world *w, const char *name) {
    for (int i = 0; i < w->n_in; i++)
        if (strcmp(w->name[i], name) == 0) return w->in[i];
    return NULL;
}

/* What world_open made. */
static inline void world_close(world *w) {
    goss_exec_free(w->exec), goss_threads_free(w->threads), goss_params_free(w->params), goss_schedule_free(w->program);
    w->exec = NULL, w->threads = NULL, w->params = NULL, w->program = NULL;
    for (int i = 0; i < w->n_in; i++) free(w->bound[i]), w->bound[i] = NULL;
}

/* Anew, if it was open. */
static inline goss_status world_open(world *w, goss_precision precision, const goss_val *out, int n,
                                     const goss_val *updates, int n_updates) {
    goss_schedule_options o = goss_schedule_defaults();
    world_close(w);
    o.precision = w->precision = precision;
    w->n_out = n;
    GOSS_TRY(goss_compile(w->g, out, n, updates, n_updates, &o, &w->program, &w->err));
    GOSS_TRY(goss_params_new(precision, &w->params, &w->err));
    GOSS_TRY(goss_params_add(w->params, w->program, &w->err));
    GOSS_TRY(goss_threads_new(1, &w->threads, &w->err));
    GOSS_TRY(goss_exec_new(w->program, w->params, w->threads, &w->exec, &w->err));
    for (int i = 0; i < w->n_in; i++) {
        w->bound[i] = calloc((size_t)w->in_numel[i], sizeof(double));
        goss_status s = goss_exec_bind(w->exec, w->name[i], w->bound[i], &w->err);
        if (s != GOSS_OK && !strstr(w->err.text, "no input")) return s; /* an input that no output needs */
    }
    return GOSS_OK;
}

static inline void world_store(goss_precision precision, bool index, void *to, const double *from, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        if (index)
            ((int32_t *)to)[k] = (int32_t)from[k];
        else if (precision == GOSS_F64)
            ((double *)to)[k] = from[k];
        else
            ((float *)to)[k] = (float)from[k];
    }
}

static inline goss_status world_run(world *w) {
    for (int i = 0; i < w->n_in; i++) world_store(w->precision, w->is_index[i], w->bound[i], w->in[i], w->in_numel[i]);
    GOSS_TRY(goss_exec_run(w->exec, &w->err));
    for (int i = 0; i < w->n_out; i++) {
        const void *v = goss_exec_output(w->exec, i, &w->numel[i]);
        w->out[i] = realloc(w->out[i], (size_t)w->numel[i] * sizeof(double) + 1);
        for (int64_t k = 0; k < w->numel[i]; k++)
            w->out[i][k] = w->precision == GOSS_F64 ? ((const double *)v)[k] : ((const float *)v)[k];
    }
    return GOSS_OK;
}

/* Opens for the outputs and runs once. */
static inline goss_status world_compute(world *w, goss_precision precision, const goss_val *out, int n) {
    GOSS_TRY(world_open(w, precision, out, n, NULL, 0));
    return world_run(w);
}

static inline double world_param(const world *w, const char *name, int64_t k) {
    int i = goss_params_find(w->params, name);
    if (i < 0) return NAN;
    const void *v = goss_params_data(w->params, i);
    return w->precision == GOSS_F64 ? ((const double *)v)[k] : ((const float *)v)[k];
}

static inline void world_set_param(world *w, const char *name, const double *numbers) {
    int i = goss_params_find(w->params, name);
    if (i >= 0)
        world_store(w->precision, false, goss_params_data(w->params, i), numbers, goss_params_numel(w->params, i));
}

static inline void world_free(world *w) {
    world_close(w);
    goss_graph_free(w->g);
    for (int i = 0; i < w->n_in; i++) free(w->name[i]), free(w->in[i]);
    for (int i = 0; i < WORLD_MAX; i++) free(w->out[i]); /* also of an earlier opening with more outputs */
}

/* Largest |a - b|, relative to 1 + |b|; infinite when one is not finite. */
static inline double world_gap(const double *a, const double *b, int64_t n) {
    double gap = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs(a[i] - b[i]) / (1 + fabs(b[i]));
        if (!(d <= gap)) gap = isfinite(d) ? d : INFINITY;
    }
    return gap;
}
#endif
