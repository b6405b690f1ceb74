/* SPDX-License-Identifier: Apache-2.0 */
/* random_run.h: a random program compiled and run in a given way, and what comes out. */
#ifndef GOSS_RANDOM_RUN_H
#define GOSS_RANDOM_RUN_H

#include "schedule/schedule.h"
#include "random_program.h"

enum { RP_THREADS = 3, RP_PATTERNS = 2 /* of noise */, RP_TENSORS = RP_RUNS * (RP_OUT + RP_UPDATES) };

/* A way to compile and run. */
typedef struct rp_setup {
    goss_precision precision;
    int threads; /* 0: one */
    bool no_reuse, no_tiles;
    bool shown;      /* outputs are the values that are assigned, in the updates' order */
    bool anew;       /* each run by an executor of its own */
    bool tight;      /* maxima are the largest counts that run */
    const char *off; /* passes */
    const char *isa; /* NULL: the best */
    double noise;    /* leaves and results are moved by as much, but for what is exact */
    int pattern;     /* of the noise: its signs and sizes */
    bool crisp_too;  /* inputs of crisp numbers are moved as well */
    int task;        /* 1 + the task that is run alone, the first run only; 0: all */
    bool alone;      /* and the graph is for one task */
} rp_setup;

typedef struct rp_result {
    double *v; /* outputs and assigned parameters, run after run */
    int64_t n, capacity, start[RP_TENSORS + 1];
    int tensors;
    char *text;
    bool slots; /* there are sums over items, which are cut where phases are */
} rp_result;

static inline void rp_result_free(rp_result *r) {
    free(r->v), free(r->text);
    *r = (rp_result){0};
}

typedef struct rp_world {
    const rp_program *p;
    const rp_setup *s;
    goss_schedule *program;
    goss_params *params;
    goss_exec *exec;
    void *data[RP_STEPS]; /* of inputs */
    goss_error *err;
} rp_world;

static inline int64_t rp_count(const rp_world *w, int run, int symbol) {
    return symbol == 0 && w->s->task ? 1 : w->p->count[run][symbol];
}

static inline void rp_leaf_name(const rp_step *s, char *name, size_t size) {
    snprintf(name, size, "%s%d", s->op == &rp_op_input ? "x" : "w", (int)s->attr[0]);
}

/* Of random size, so that two of them do not cancel. */
static inline double rp_sign(goss__rng *r) {
    const double size = 0.5 + goss__rng_uniform(r);
    return goss__rng_below(r, 2) ? size : -size;
}

/* The leaf's numbers at the maxima. */
static inline double *rp_numbers(const rp_world *w, int step, int64_t *n) {
    const rp_step *s = &w->p->step[step];
    *n = rp_numel(&s->shape, w->p->maximum);
    double *v = calloc((size_t)*n + 1, sizeof *v);
    rp_fill_leaf(w->p, s, w->p->bf16[step], v, *n);
    if (w->s->noise != 0 && !s->index && (!s->crisp || w->s->crisp_too) && s->fill != RP_MASK) {
        goss__rng r = goss__rng_make(w->p->seed, 5000 + RP_STEPS * (uint64_t)w->s->pattern + (uint64_t)step);
        for (int64_t i = 0; i < *n; i++) v[i] *= 1 + w->s->noise * rp_sign(&r);
    }
    return v;
}

static inline void *rp_converted(const double *v, int64_t n, bool index, goss_precision precision) {
    char *to = malloc((size_t)n * 8 + 8);
    for (int64_t i = 0; i < n; i++) {
        if (index)
            ((int32_t *)(void *)to)[i] = (int32_t)v[i];
        else if (precision == GOSS_F64)
            ((double *)(void *)to)[i] = v[i];
        else
            ((float *)(void *)to)[i] = (float)v[i];
    }
    return to;
}

static inline goss_status rp_fill_leaves(rp_world *w) {
    for (int i = 0; i < w->p->n_steps; i++) {
        const rp_step *s = &w->p->step[i];
        char name[32];
        int64_t n;
        if (!rp_is_leaf(s)) continue;
        rp_leaf_name(s, name, sizeof name);
        const int param = s->op == &rp_op_param ? goss_params_find(w->params, name) : -1;
        if (s->op == &rp_op_param && param < 0) continue;
        double *v = rp_numbers(w, i, &n);
        void *data = rp_converted(v, n, s->index, w->s->precision);
        free(v);
        if (s->op == &rp_op_input) {
            w->data[i] = data;
            continue;
        }
        if (w->s->precision == GOSS_F64)
            memcpy(goss_params_data(w->params, param), data, (size_t)n * sizeof(double));
        else
            goss_params_set(w->params, param, data);
        free(data);
    }
    return GOSS_OK;
}

/* What results are moved by (rp_noisy): every step of another stretch of random signs, which no extent is longer
 * than. */
static inline goss_status rp_bind_noise(rp_world *w, int step) {
    enum { SIGNS = 1 << 16 };
    static double signs[SIGNS + RP_PATTERNS * RP_STEPS];
    static float floats[SIGNS + RP_PATTERNS * RP_STEPS];
    char name[16];
    if (signs[0] == 0) {
        goss__rng r = goss__rng_make(99, 0);
        for (int i = 0; i < SIGNS + RP_PATTERNS * RP_STEPS; i++) floats[i] = (float)(signs[i] = rp_sign(&r));
    }
    snprintf(name, sizeof name, "n%d", step);
    const int at = w->s->pattern * RP_STEPS + step;
    const void *data = w->s->precision == GOSS_F64 ? (const void *)(signs + at) : floats + at;
    const goss_status status = goss_exec_bind(w->exec, name, data, w->err);
    return status != GOSS_OK && !strstr(w->err->text, "no input") ? status : GOSS_OK;
}

/* Inputs as they lie at this run's counts; of a single task its rows alone. */
static inline goss_status rp_bind(rp_world *w, int run) {
    for (int i = 0; i < RP_SYMBOLS; i++) GOSS_TRY(goss_exec_count(w->exec, rp_symbol[i], rp_count(w, run, i), w->err));
    for (int i = 0; i < w->p->n_steps; i++) {
        const rp_step *s = &w->p->step[i];
        char name[32];
        if (w->s->noise != 0) GOSS_TRY(rp_bind_noise(w, i));
        if (s->op != &rp_op_input) continue;
        size_t offset = 0;
        if (w->s->task && s->shape.rank > 0 && rp_is_tasks(s->shape.dim[0]))
            offset = (size_t)(rp_numel(&s->shape, w->p->count[run]) / w->p->count[run][0]) * (size_t)(w->s->task - 1);
        rp_leaf_name(s, name, sizeof name);
        const goss_status status = goss_exec_bind(
            w->exec, name, (char *)w->data[i] + offset * (s->index || w->s->precision == GOSS_F32 ? 4 : 8), w->err);
        if (status != GOSS_OK && !strstr(w->err->text, "no input")) return status; /* one that no output needs */
    }
    return GOSS_OK;
}

static inline void rp_store(rp_result *r, const void *from, int64_t n, goss_precision precision) {
    if (r->n + n > r->capacity) r->v = realloc(r->v, (size_t)(r->capacity = 2 * (r->n + n)) * sizeof *r->v);
    r->start[r->tensors++] = r->n;
    for (int64_t i = 0; i < n; i++)
        r->v[r->n++] = precision == GOSS_F64 ? ((const double *)from)[i] : ((const float *)from)[i];
    r->start[r->tensors] = r->n;
}

static inline int rp_outputs(const rp_world *w) { return w->s->shown ? w->p->n_updates : w->p->n_out; }

static inline goss_status rp_run_once(rp_world *w, int run, rp_result *r) {
    GOSS_TRY(rp_bind(w, run));
    goss_exec_seed(w->exec, w->p->seed, (uint64_t)run);
    GOSS_TRY(goss_exec_run(w->exec, w->err));
    for (int i = 0; i < rp_outputs(w); i++) {
        int64_t n;
        const void *v = goss_exec_output(w->exec, i, &n);
        rp_store(r, v, n, w->s->precision);
    }
    for (int i = 0; i < w->p->n_updates; i++) {
        char name[32];
        rp_leaf_name(&w->p->step[w->p->step[w->p->update[i]].in[0]], name, sizeof name);
        const int at = goss_params_find(w->params, name);
        rp_store(r, goss_params_data(w->params, at), goss_params_numel(w->params, at), w->s->precision);
    }
    return GOSS_OK;
}

static inline goss_status rp_compile(rp_world *w) {
    goss_val v[RP_STEPS], out[RP_OUT], update[RP_UPDATES];
    goss_schedule_options o = goss_schedule_defaults();
    int64_t maximum[RP_SYMBOLS];
    char bf16[16 * RP_STEPS] = "";
    memcpy(maximum, w->p->maximum, sizeof maximum);
    for (int i = 0; w->s->tight && i < RP_SYMBOLS; i++) {
        maximum[i] = 1;
        for (int r = 0; r < w->p->n_runs; r++)
            if (w->p->count[r][i] > maximum[i]) maximum[i] = w->p->count[r][i];
    }
    if (w->s->alone) maximum[0] = 1;
    for (int i = 0; i < w->p->n_steps && w->s->precision == GOSS_F32; i++)
        if (w->p->bf16[i])
            snprintf(bf16 + strlen(bf16), sizeof bf16 - strlen(bf16), "%sw%d", *bf16 ? "," : "",
                     (int)w->p->step[i].attr[0]);
    o.precision = w->s->precision, o.no_reuse = w->s->no_reuse, o.no_tiles = w->s->no_tiles;
    if (*bf16) o.bf16 = bf16;
    goss__kernels_use(w->s->isa ? goss__kernels_find(w->s->isa) : NULL);
    setenv("GOSSAMER_DISABLE", w->s->off ? w->s->off : "", 1);
    goss_graph *g = rp_build(w->p, maximum, w->s->noise, v);
    const int n_out = rp_outputs(w);
    for (int i = 0; i < n_out; i++)
        out[i] = v[w->s->shown ? w->p->step[w->p->update[i]].in[w->p->step[w->p->update[i]].n_in - 1] : w->p->out[i]];
    for (int i = 0; i < w->p->n_updates; i++) update[i] = v[w->p->update[i]];
    const goss_status s = goss_compile(g, out, n_out, update, w->p->n_updates, &o, &w->program, w->err);
    unsetenv("GOSSAMER_DISABLE");
    goss_graph_free(g);
    return s;
}

static inline goss_threads *rp_threads(int n) {
    static goss_threads *all[RP_THREADS + 1];
    goss_error err;
    if (!all[n] && goss_threads_new(n, &all[n], &err) != GOSS_OK) T_FAIL("%s", err.text);
    return all[n];
}

static inline goss_status rp_new_exec(rp_world *w) {
    return goss_exec_new(w->program, w->params, rp_threads(w->s->threads ? w->s->threads : 1), &w->exec, w->err);
}

static inline goss_status rp_open(rp_world *w) {
    GOSS_TRY(rp_compile(w));
    GOSS_TRY(goss_params_new(w->s->precision, &w->params, w->err));
    GOSS_TRY(goss_params_add(w->params, w->program, w->err));
    GOSS_TRY(rp_fill_leaves(w));
    return rp_new_exec(w);
}

static inline goss_status rp_renew(rp_world *w) {
    goss_exec_free(w->exec);
    w->exec = NULL;
    return rp_new_exec(w);
}

/* Everything that the program puts out when it is compiled and run so. */
static inline goss_status rp_compute(const rp_program *p, const rp_setup *s, rp_result *r, goss_error *err) {
    rp_world w = {.p = p, .s = s, .err = err};
    free(r->text);
    r->n = r->tensors = 0, r->text = NULL, r->start[0] = 0;
    goss_status status = rp_open(&w);
    for (int i = 0; status == GOSS_OK && i < (s->task ? 1 : p->n_runs); i++) {
        if (i > 0 && s->anew) status = rp_renew(&w);
        if (status == GOSS_OK) status = rp_run_once(&w, i, r);
    }
    if (w.program) {
        r->text = goss_schedule_text(w.program);
        r->slots = false;
        for (uint32_t f = 0; f < w.program->n_phases; f++) r->slots |= w.program->phases[f].slots > 0;
    }
    goss_exec_free(w.exec), goss_params_free(w.params), goss_schedule_free(w.program);
    for (int i = 0; i < RP_STEPS; i++) free(w.data[i]);
    goss__kernels_use(NULL);
    return status;
}
#endif
