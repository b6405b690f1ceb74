/* SPDX-License-Identifier: Apache-2.0 */
/* representation.c: figures of what a method publishes, over the tasks of a source. Each value is a program of its own,
 * run over all tasks and freed before the next one, which bounds memory. Nothing here knows a method or a layer: values
 * are found by name and understood by their extents. */
#include "gossamer/representation.h"

#include <math.h>

#include "base/alloc.h"
#include "meta/judge.h"
#include "meta/model.h"
#include "meta/representation_rows.h"
#include "reg/reg.h"
#include "task/task_same.h"

enum {
    NUMBERS = 1 << 24, /* of a matrix */
    SIDE = 1024,       /* rows of one that has more columns: the cost grows with the cube of the smaller side */
    COMMON_LEAST = 16,
    COMMON_MOST = 256,
    COMMON_ALL = 1 << 15, /* common samples times tasks, as far as COMMON_LEAST allows */
    KERNELS = 1 << 24     /* numbers of all tasks' Gram matrices, where each step of a sample is a row */
};

typedef struct work {
    const goss_model *m;
    const goss_task_source *source, *same; /* same: with common queries; NULL: none */
    const goss_representation_options *o;
    goss_threads *threads;
} work;

/* ---- one value over a source ---- */

typedef struct pass {
    goss__task_pack pack;
    goss__forward forward;
} pass;

static void close_pass(pass *p) {
    goss__forward_free(&p->forward);
    goss__task_pack_free(&p->pack);
}

static goss_status open_pass(pass *p, const work *w, const goss_task_source *source, const char *name,
                             goss_error *err) {
    const int most = w->o->tasks < 1000 ? (int)w->o->tasks : 1000, batch = goss__judge_batch(&source->spec, most);
    *p = (pass){0};
    GOSS_TRY(goss__task_pack_init(&p->pack, batch, &source->spec, w->threads, err));
    const goss__forward_options o = {
        .max_tasks = batch, .spec = &p->pack.spec, .bf16 = goss__model_bf16(w->m), .published = name};
    goss_status s = goss__forward_init(&p->forward, w->m->method, &o, w->threads, err);
    if (s == GOSS_OK) s = goss_model_store(w->m, p->forward.params, err);
    if (s == GOSS_OK) s = goss__planner_collect(&p->forward.planner, &p->pack, source, w->o->tasks, err);
    if (s != GOSS_OK) close_pass(p);
    return s;
}

static goss_status next_batch(pass *p, const work *w, const goss_task_source *source, int64_t k, goss_error *err) {
    const int64_t left = w->o->tasks - k;
    goss__task_pack_draw(&p->pack, source, (uint64_t)k, left < p->pack.max_tasks ? (int)left : p->pack.max_tasks);
    return goss__forward_run(&p->forward, &p->pack, err);
}

/* k, where every k-th of `all` rows is taken. */
static int64_t stride_of(int64_t all, int64_t columns) {
    int64_t most = NUMBERS / columns;
    if (columns > SIDE && most > SIDE) most = SIDE;
    if (most < 2) most = 2;
    return all > most ? (all + most - 1) / most : 1;
}

static int64_t rows_of(const work *w, const goss__published_plan *p) {
    if (p->rows == GOSS__ROWS_ONE) return 1;
    if (p->rows == GOSS__ROWS_TASKS) return w->o->tasks;
    const int64_t samples = goss__task_samples(w->source, w->o->tasks, p->rows == GOSS__ROWS_QUERIES);
    return p->steps ? samples * w->source->spec.input[0] : samples;
}

static goss_status gather(const work *w, const goss__published_plan *p, goss__rows *r, goss_error *err) {
    const int64_t all = rows_of(w, p), every = stride_of(all, p->columns);
    pass run;
    GOSS_TRY(goss__rows_open(r, all / every + 1, p->columns, every, w->o->tasks, err));
    goss_status s = open_pass(&run, w, w->source, p->name, err);
    if (s == GOSS_OK) {
        for (int64_t k = 0; s == GOSS_OK && k < w->o->tasks; k += run.pack.tasks) {
            s = next_batch(&run, w, w->source, k, err);
            if (s == GOSS_OK) goss__rows_take(r, p, &run.forward, &run.pack);
        }
        close_pass(&run);
    }
    if (s != GOSS_OK) goss__rows_close(r);
    return s;
}

/* ---- figures ---- */

static goss_status measure(const goss__rows *r, int64_t first, int64_t last, goss_matrix_figures *out,
                           goss_error *err) {
    *out = (goss_matrix_figures){0, r->columns, NAN, NAN, NAN, NAN, NAN, NAN};
    if (first == last) return GOSS_OK;
    return goss_matrix_measure(r->x + first * r->columns, last - first, r->columns, out, err);
}

static goss_status measure_tasks(const work *w, const goss__rows *r, goss_representation *out, goss_error *err) {
    out->task = goss__calloc((size_t)w->o->tasks, sizeof *out->task);
    if (!out->task) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %lld tasks", (long long)w->o->tasks);
    for (int64_t t = 0; t < w->o->tasks; t++) GOSS_TRY(measure(r, r->first[t], r->first[t + 1], &out->task[t], err));
    return GOSS_OK;
}

/* ---- similarity ---- */

/* The normalised Gram matrices of all tasks, as vectors of unit length: similarities are their inner products, and the
 * mean over all pairs follows from their sum. */
typedef struct kernels {
    double *k; /* [tasks, size]; 0 where a task's network is constant */
    bool *varies;
    double *sum; /* [size] */
    int64_t tasks, size, varying;
} kernels;

static void close_kernels(kernels *k) { goss__free(k->k), goss__free(k->varies), goss__free(k->sum); }

static double inner(const double *a, const double *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* The kernels of a batch's tasks, first .. first + r->done. */
static goss_status take_kernels(kernels *k, int64_t first, const goss__rows *r, goss_error *err) {
    for (int64_t t = 0; t < r->done; t++) {
        const int64_t rows = r->first[t + 1] - r->first[t];
        double *own;
        if (!k->k) { /* all tasks have as many rows */
            k->size = rows * rows;
            k->k = goss__calloc((size_t)(k->tasks * k->size) + 1, sizeof *k->k);
            k->sum = goss__calloc((size_t)k->size + 1, sizeof *k->sum);
        }
        if (!k->k || !k->sum)
            return goss_error_set(err, GOSS_E_NOMEM, "no memory for similarities of %lld tasks", (long long)k->tasks);
        own = k->k + (first + t) * k->size;
        GOSS_TRY(goss__cka_kernel(r->x + r->first[t] * r->columns, rows, r->columns, own, &k->varies[first + t], err));
        for (int64_t i = 0; i < k->size; i++) k->sum[i] += own[i];
        k->varying += k->varies[first + t];
    }
    return GOSS_OK;
}

static goss_status all_kernels(const work *w, const goss__published_plan *p, kernels *k, goss_error *err) {
    pass run;
    goss__rows r;
    GOSS_TRY(open_pass(&run, w, w->same, p->name, err));
    const int64_t all = w->same->spec.queries * (p->steps ? w->same->spec.input[0] : 1),
                  most = (int64_t)sqrt((double)KERNELS / (double)k->tasks),
                  every = p->steps ? (all + most - 1) / most : 1;
    goss_status s =
        goss__rows_open(&r, run.pack.max_tasks * (all / every + 1), p->columns, every, run.pack.max_tasks, err);
    r.each = true;
    if (s == GOSS_OK) {
        for (int64_t t = 0; s == GOSS_OK && t < k->tasks; t += run.pack.tasks) {
            r.rows = r.done = 0;
            s = next_batch(&run, w, w->same, t, err);
            if (s == GOSS_OK) goss__rows_take(&r, p, &run.forward, &run.pack);
            if (s == GOSS_OK) s = take_kernels(k, t, &r, err);
        }
        goss__rows_close(&r);
    }
    close_pass(&run);
    return s;
}

static goss_status compare_tasks(const work *w, const goss__published_plan *p, goss_representation *out,
                                 goss_error *err) {
    kernels k = {.tasks = w->o->tasks};
    if (!w->same || p->rows != GOSS__ROWS_QUERIES) return GOSS_OK;
    k.varies = goss__calloc((size_t)k.tasks, sizeof *k.varies);
    out->similar = goss__calloc((size_t)k.tasks, sizeof *out->similar);
    goss_status s = k.varies && out->similar ? all_kernels(w, p, &k, err)
                                             : goss_error_set(err, GOSS_E_NOMEM, "no memory for similarities");
    const double n = (double)k.varying;
    if (s == GOSS_OK && n >= 2) out->similarity = (inner(k.sum, k.sum, k.size) - n) / (n * (n - 1));
    for (int64_t t = 0; s == GOSS_OK && t < k.tasks; t++)
        out->similar[t] = n >= 2 && k.varies[t] ? (inner(k.k + t * k.size, k.sum, k.size) - 1) / (n - 1) : (double)NAN;
    close_kernels(&k);
    return s;
}

/* ---- all values ---- */

static goss_status take_value(const work *w, const goss__published_plan *p, goss_representation *out, goss_error *err) {
    goss__rows r;
    *out = (goss_representation){.name = goss__strdup(p->name),
                                 .shape = goss__strdup(p->shape),
                                 .measured = p->rows != GOSS__ROWS_OTHER,
                                 .of_samples = p->rows >= GOSS__ROWS_QUERIES,
                                 .similarity = NAN};
    if (!out->name || !out->shape) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a name");
    if (!out->measured) return GOSS_OK;
    GOSS_TRY(gather(w, p, &r, err));
    out->every = r.every;
    goss_status s = measure(&r, 0, r.rows, &out->all, err);
    if (s == GOSS_OK && out->of_samples && !w->o->over_all) s = measure_tasks(w, &r, out, err);
    goss__rows_close(&r);
    return s == GOSS_OK ? compare_tasks(w, p, out, err) : s;
}

static goss_status take_values(const work *w, const goss__published_plan *plan, int n, goss_representations *out,
                               goss_error *err) {
    if (!(out->of = goss__calloc((size_t)n, sizeof *out->of)))
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d values", n);
    for (int i = 0; i < n; i++) {
        out->n++;
        const goss_status s = take_value(w, &plan[i], &out->of[i], err);
        if (s != GOSS_OK) return goss_error_prefix(err, s, "%s", plan[i].name);
    }
    return GOSS_OK;
}

/* Common samples of every task's network; 0: no similarities. */
static int common_of(const work *w) {
    if (w->o->over_all || w->o->tasks < 2 || w->o->tasks > GOSS_SIMILAR_TASKS) return 0;
    int64_t n = COMMON_ALL / w->o->tasks;
    return n > COMMON_MOST ? COMMON_MOST : n < COMMON_LEAST ? COMMON_LEAST : (int)n;
}

static goss_status with_common(work *w, const goss__published_plan *plan, int n, goss_representations *out,
                               goss_error *err) {
    goss_task_source same = {0};
    const int common = common_of(w);
    if (common > 0) {
        GOSS_TRY(goss__task_same(w->source, w->o->tasks, common, &same, err));
        out->common = same.spec.queries;
        if (out->common >= 2) w->same = &same;
    }
    const goss_status s = take_values(w, plan, n, out, err);
    goss_task_source_free(&same);
    return s;
}

static goss_status represent(work *w, const char *on, goss_representations *out, goss_error *err) {
    goss__published_plan *plan;
    int n;
    GOSS_TRY(goss__plans_make(w->m, &w->source->spec, on, &plan, &n, err));
    goss_threads *own = NULL;
    goss_status s = w->o->threads ? GOSS_OK : goss_threads_new(0, &own, err);
    w->threads = w->o->threads ? w->o->threads : own;
    if (s == GOSS_OK) s = with_common(w, plan, n, out, err);
    goss_threads_free(own);
    goss__plans_free(plan, n);
    return s;
}

static const char *pattern_of(const char *on) { return on ? on : GOSS_REPRESENTATIONS; }

goss_status goss_model_representations(const goss_model *m, const goss_task_source *source,
                                       const goss_representation_options *o, goss_representations *out,
                                       goss_error *err) {
    work w = {.m = m, .source = source, .o = o};
    *out = (goss_representations){.tasks = o->tasks};
    if (o->tasks < 1) return goss_error_set(err, GOSS_E_ARGUMENT, "representations of %lld tasks", (long long)o->tasks);
    goss_status s = goss__model_finite(m, err);
    if (s == GOSS_OK) s = represent(&w, pattern_of(o->on), out, err);
    if (s != GOSS_OK) goss_representations_free(out);
    return s;
}

void goss_representations_free(goss_representations *r) {
    for (int i = 0; i < r->n; i++) {
        goss__free(r->of[i].name), goss__free(r->of[i].shape);
        goss__free(r->of[i].task), goss__free(r->of[i].similar);
    }
    goss__free(r->of);
    *r = (goss_representations){0};
}

goss_status goss_model_represents(const goss_model *m, const goss_task_source *source, const char *on,
                                  goss_error *err) {
    goss__published_plan *plan;
    int n;
    GOSS_TRY(goss__plans_make(m, &source->spec, pattern_of(on), &plan, &n, err));
    goss__plans_free(plan, n);
    return GOSS_OK;
}
