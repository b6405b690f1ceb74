/* SPDX-License-Identifier: Apache-2.0 */
/* eval_table_race.c: every runner's value of every task: the mean over draws and eligible folds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval_table.h"
#include "gossamer/evaluate.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* A training task has its id in the model. */
static void find_numbers(const table_fold *f, const int32_t *tasks, int n, int64_t *number) {
    const goss_data_spec *data = goss_model_data(f->base.model);
    for (int i = 0; i < n; i++) {
        number[i] = -1;
        if (f->base.seen[tasks[i]] != SEEN_TRAINED) continue;
        for (int64_t k = 0; data->task_names && k < data->task.ids; k++)
            if (strcmp(data->task_names[k], goss_table_tasks_name(f->tasks, tasks[i])) == 0) number[i] = k;
    }
}

static goss_status open_source(const eval_table *e, const table_fold *f, const int32_t *tasks, int n,
                               const int64_t *number, goss_task_source *out, goss_error *err) {
    int skipped;
    goss_table_source_options o = goss_table_source_defaults();
    o.tasks = tasks, o.n_tasks = n, o.support = e->support, o.seed = e->seed;
    o.descriptors = f->fit->descriptors, o.described = f->described;
    o.numbers = number, o.ids = goss_model_data(f->base.model)->task.ids;
    GOSS_TRY(goss_table_source_open(f->tasks, f->fit->transform, &o, out, &skipped, err));
    if (skipped == 0) return GOSS_OK; /* draw k is of task k % n */
    goss_task_source_free(out);
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: %d of %d tasks have too few rows", e->data, skipped, n);
}

static void add_figures(goss_structure_figures *to, const goss_structure_figures *f) {
    if (f->networks == 0) return;
    const double share = (double)f->networks / (double)(to->networks + f->networks);
    to->spread_tasks += share * (f->spread_tasks - to->spread_tasks);
    to->spread_gates += share * (f->spread_gates - to->spread_gates);
    to->networks += f->networks, to->violations += f->violations;
    to->bytes_mean += f->bytes_mean * (double)f->networks, to->macs_mean += f->macs_mean * (double)f->networks;
    if (f->bytes_max > to->bytes_max) to->bytes_max = f->bytes_max;
    if (f->ram_max > to->ram_max) to->ram_max = f->ram_max;
}

static goss_status answer_by_model(const eval_table *e, table_runner *r, int64_t bytes, const table_fold *f,
                                   const goss_task_source *source, goss_threads *threads, int64_t draws, double *values,
                                   double *parts, goss_structure_log log, double *seconds, goss_error *err) {
    goss_model *derived = NULL;
    const goss_space_budget budget = {.bytes = bytes};
    if (r->base.derive)
        GOSS_TRY(goss_contender_derive_within(f->base.model, r->base.derive, bytes > 0 ? &budget : NULL,
                                              source->spec.outputs, &derived, err));
    const goss_structure_ask ask = {.source = r->source,
                                    .budget = budget,
                                    .stored = r->base.precision,
                                    .seed = e->seed,
                                    .pooled = e->mean_budget,
                                    .log = log};
    const goss_race_networks of = {.fine_tune = r->base.fine_tune, .precision = r->base.precision};
    const goss_model *m = derived ? derived : f->base.model;
    goss_structure_figures figures;
    goss_status s = goss_race_structure(m, &of, r->structured ? &ask : NULL, source, e->metric, draws, threads, values,
                                        parts, seconds, &figures, err);
    if (s == GOSS_OK && bytes > 0 && figures.networks == 0)
        s = cli_fixed_figures(m, source->spec.outputs, bytes, draws, &figures, err);
    if (s == GOSS_OK) add_figures(&r->figures, &figures);
    goss_model_free(derived);
    return s;
}

/* The draws of one fold. */
typedef struct named {
    const table_fold *fold;
    const int32_t *tasks;
    int n;
} named;

static const char *name_of(const void *context, int64_t draw) {
    const named *x = context;
    return goss_table_tasks_name(x->fold->tasks, x->tasks[draw % x->n]);
}

static goss_status answer(eval_table *e, table_runner *r, int64_t bytes, const table_fold *f, const int32_t *tasks,
                          int n, const int64_t *number, goss_threads *threads, double *values, double *parts,
                          double *bytes_of, goss_error *err) {
    goss_task_source source;
    double seconds = 0;
    const int64_t draws = (int64_t)n * e->repeats;
    const bool own = r == e->runner;
    goss_structure_log log = {.bytes = bytes_of};
    if (own) GOSS_TRY(cli_rows_log(&e->rows, draws, bytes_of, &log, err));
    if (!r->kind) GOSS_TRY(cli_need_others(r->source, f->base.path, n, err));
    GOSS_TRY(open_source(e, f, tasks, n, number, &source, err));
    goss_status s = r->kind
                        ? goss_race_baseline(f->fit->baselines, r->kind, &source, f->at, f->from, e->metric, draws,
                                             values, parts, &seconds, err)
                        : answer_by_model(e, r, bytes, f, &source, threads, draws, values, parts, log, &seconds, err);
    goss_task_source_free(&source);
    r->base.seconds += seconds, r->base.draws += draws;
    if (s == GOSS_OK && own) s = cli_rows_take(&e->rows, draws, values, name_of, &(named){f, tasks, n}, err);
    return s;
}

/* Draw k is of task k % n, values `step` apart. A task's value is defined if all its draws are. */
static void collect(const eval_table *e, const int32_t *tasks, int n, const double *values, int step, double *to) {
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < e->repeats; k++) sum += values[(k * n + i) * step];
        to[tasks[i]] += sum / e->repeats;
    }
}

/* What a run needs by task and draw. */
typedef struct room {
    int32_t *tasks;
    int64_t *number;
    double *values, *bytes;
    double *parts; /* by draw and part; NULL: there is one */
} room;

static void close_room(room *x) { free(x->tasks), free(x->number), free(x->values), free(x->bytes), free(x->parts); }

static goss_status open_room(const eval_table *e, table_runner *r, room *x, goss_error *err) {
    const size_t all = (size_t)e->tasks;
    const size_t parts = e->parts > 1 ? (size_t)e->parts : 0;
    *x = (room){calloc(all, sizeof *x->tasks), calloc(all, sizeof *x->number),
                calloc(all * (size_t)e->repeats, sizeof *x->values), calloc(all * (size_t)e->repeats, sizeof *x->bytes),
                parts ? calloc(all * (size_t)e->repeats * parts, sizeof *x->parts) : NULL};
    free(r->value), free(r->part), free(r->answers), free(r->bytes); /* of another budget */
    r->part = parts ? calloc(all * parts, sizeof *r->part) : NULL;
    if (parts && (!x->parts || !r->part)) return no_memory(err);
    r->base.seconds = 0, r->base.draws = 0, r->figures = (goss_structure_figures){0};
    r->value = calloc(all, sizeof *r->value), r->answers = calloc(all, sizeof *r->answers);
    r->bytes = calloc(all, sizeof *r->bytes);
    return x->tasks && x->number && x->values && x->bytes && r->value && r->answers && r->bytes ? GOSS_OK
                                                                                                : no_memory(err);
}

static goss_status run_fold(eval_table *e, table_runner *r, int fold, int64_t bytes, room *x, goss_threads *threads,
                            goss_error *err) {
    const table_fold *f = &e->fold[fold];
    const int n = eval_field_choose(&e->field, &r->base, fold, e->judged, e->tasks, x->tasks);
    if (n == 0) return GOSS_OK;
    find_numbers(f, x->tasks, n, x->number);
    GOSS_TRY(answer(e, r, bytes, f, x->tasks, n, x->number, threads, x->values, x->parts, x->bytes, err));
    collect(e, x->tasks, n, x->values, 1, r->value);
    collect(e, x->tasks, n, x->bytes, 1, r->bytes);
    for (int k = 0; r->part && k < e->parts; k++)
        collect(e, x->tasks, n, x->parts + k, e->parts, r->part + k * e->tasks);
    for (int i = 0; i < n; i++) r->answers[x->tasks[i]]++;
    return GOSS_OK;
}

static goss_status run(eval_table *e, table_runner *r, int64_t bytes, goss_threads *threads, goss_error *err) {
    room x;
    goss_status s = open_room(e, r, &x, err);
    for (int i = 0; s == GOSS_OK && i < r->base.folds; i++)
        s = run_fold(e, r, r->base.fold[i], bytes, &x, threads, err);
    for (int i = 0; s == GOSS_OK && i < e->tasks; i++) {
        r->value[i] = r->answers[i] ? r->value[i] / r->answers[i] : (double)NAN;
        r->bytes[i] = r->answers[i] ? r->bytes[i] / r->answers[i] : (double)NAN;
        for (int k = 0; r->part && k < e->parts; k++)
            r->part[k * e->tasks + i] = r->answers[i] ? r->part[k * e->tasks + i] / r->answers[i] : (double)NAN;
    }
    if (r->figures.networks > 0)
        r->figures.bytes_mean /= (double)r->figures.networks, r->figures.macs_mean /= (double)r->figures.networks;
    close_room(&x);
    return goss_error_prefix(err, s, "%s", r->base.name);
}

goss_status eval_table_race(eval_table *e, int64_t bytes, goss_error *err) {
    goss_threads *threads;
    GOSS_TRY(goss_threads_new(e->threads, &threads, err));
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && i < e->field.entrants; i++) s = run(e, &e->runner[i], bytes, threads, err);
    goss_threads_free(threads);
    return s;
}
