/* SPDX-License-Identifier: Apache-2.0 */
/* step_run.c: running a training step.
 *
 * With micro-batches a lane takes one task, and tasks are added to the slab in ascending order once all lanes of a
 * micro-batch are done: the summation order is fixed, whichever lane finishes first and however many there are. With
 * several lanes each runs on one thread, whose bits equal those of any number of threads. */
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "base/rounding.h"
#include "runtime/exec.h"
#include "train/step.h"

enum { CHUNK = 8192 }; /* block size of the reduction: one block of all lanes fits the cache */

/* ---- life ---- */

goss_step_options goss_step_defaults(void) {
    return (goss_step_options){.tasks = 1, .optimizer = goss_optimizer_defaults()};
}

static goss_status check_options(const goss_step_options *o, goss_error *err) {
    if (o->tasks < 1 || o->tasks > INT32_MAX)
        return goss_error_set(err, GOSS_E_ARGUMENT, "a step of %lld tasks", (long long)o->tasks);
    if (o->micro_batch < 0 || (o->micro_batch > 0 && o->tasks % o->micro_batch != 0))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "micro-batches of %lld tasks do not make up a step's %lld: it must be a divisor",
                              (long long)o->micro_batch, (long long)o->tasks);
    if (o->combine && o->micro_batch == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "gradients can be combined across processes with micro-batches only: in the whole batch "
                              "(micro_batch = 0) there is no place between gradients and updates");
    return GOSS_OK;
}

static goss_status open_lanes(goss_step *s, goss_error *err) {
    s->lanes = goss__calloc((size_t)s->micro_batch, sizeof *s->lanes);
    if (!s->lanes) return goss_error_set(err, GOSS_E_NOMEM, "no memory for micro-batches");
    for (; s->n_lanes < s->micro_batch; s->n_lanes++) {
        goss__lane *l = &s->lanes[s->n_lanes];
        if (s->micro_batch > 1) GOSS_TRY(goss_threads_new(1, &l->threads, err));
        GOSS_TRY(goss_exec_new(s->accumulate, s->params, l->threads ? l->threads : s->threads, &l->exec, err));
    }
    return GOSS_OK;
}

/* The inputs of apply are parts of the slab. */
static goss_status open_apply(goss_step *s, goss_error *err) {
    s->slab = goss__alloc_aligned((size_t)(s->slab_numbers + 16) * sizeof *s->slab);
    if (!s->slab) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %lld gradients", (long long)s->slab_numbers);
    memset(s->slab, 0, (size_t)(s->slab_numbers + 16) * sizeof *s->slab);
    for (int i = 0; i < s->n_parts; i++)
        if (*s->part[i].input) GOSS_TRY(goss_exec_bind(s->exec, s->part[i].input, s->slab + s->part[i].offset, err));
    return goss_exec_bind(s->exec, "count", s->slab + s->slab_numbers, err);
}

static goss_status open_step(goss_step *s, const goss_step_options *o, goss_error *err) {
    GOSS_TRY(check_options(o, err));
    GOSS_TRY(goss__step_compile(s, o, err));
    GOSS_TRY(goss_params_new(GOSS_F32, &s->params, err));
    const goss_schedule *last = s->batch ? s->batch : s->apply;
    if (s->accumulate) GOSS_TRY(goss_params_add(s->params, s->accumulate, err));
    GOSS_TRY(goss_params_add(s->params, last, err));
    GOSS_TRY(goss_exec_new(last, s->params, s->threads, &s->exec, err));
    GOSS_TRY(goss_exec_bind(s->exec, "lr", &s->rate, err));
    if (!s->accumulate) return GOSS_OK;
    GOSS_TRY(open_lanes(s, err));
    return open_apply(s, err);
}

goss_status goss_step_new(const goss_step_source *source, const goss_step_options *options, goss_threads *threads,
                          goss_step **out, goss_error *err) {
    goss_step *s = *out = goss__calloc(1, sizeof *s);
    if (!s) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a training step");
    *s = (goss_step){.source = *source,
                     .tasks = options->tasks,
                     .micro_batch = options->micro_batch,
                     .combine = options->combine,
                     .combine_context = options->combine_context,
                     .threads = threads};
    const goss_status status = open_step(s, options, err);
    if (status == GOSS_OK) return status;
    goss_step_free(s);
    *out = NULL;
    return status;
}

void goss_step_free(goss_step *s) {
    if (!s) return;
    for (int i = 0; s->lanes && i < s->micro_batch; i++) {
        goss_exec_free(s->lanes[i].exec);
        goss_threads_free(s->lanes[i].threads);
    }
    goss__free(s->lanes), goss__free(s->slab);
    goss_exec_free(s->exec);
    goss_params_free(s->params);
    goss_schedule_free(s->batch), goss_schedule_free(s->accumulate), goss_schedule_free(s->apply);
    goss__free(s);
}

/* ---- accumulate ---- */

static void run_lane(void *lanes, int64_t i, int worker) {
    goss__lane *l = (goss__lane *)lanes + i;
    l->status = goss_exec_run(l->exec, &l->error);
}

/* The numbers [from, to) of the slab become what they are plus those of each lane, lane by lane. */
static void add_chunk(void *step, int64_t chunk, int worker) {
    const goss_step *s = step;
    const int64_t from = chunk * CHUNK, to = from + CHUNK;
    const goss__rounding mode = goss__flush_denormals(); /* flush denormals as kernels do, on this thread as well */
    for (int i = 0; i < s->n_parts; i++) {
        const goss__slab_part *p = &s->part[i];
        const int64_t low = from > p->offset ? from - p->offset : 0,
                      high = to < p->offset + p->numel ? to - p->offset : p->numel;
        float *sum = s->slab + p->offset;
        for (int k = 0; low < high && k < s->n_lanes; k++) {
            const float *row = goss_exec_output(s->lanes[k].exec, i, NULL);
            for (int64_t j = low; j < high; j++) sum[j] += row[j];
        }
    }
    goss__restore_rounding(mode);
}

static goss_status bind_lanes(goss_step *s, int64_t first, uint64_t seed, uint64_t number, goss_error *err) {
    for (int i = 0; i < s->n_lanes; i++) {
        GOSS_TRY(s->source.bind(s->source.context, s->lanes[i].exec, first + i, 1, err));
        goss_exec_seed(s->lanes[i].exec, seed, number);
    }
    return GOSS_OK;
}

static goss_status accumulate(goss_step *s, int64_t tasks, uint64_t seed, uint64_t number, goss_error *err) {
    goss__pool *pool = s->threads->pool;
    memset(s->slab, 0, (size_t)s->slab_numbers * sizeof *s->slab);
    for (int64_t first = 0; first < tasks; first += s->micro_batch) {
        GOSS_TRY(bind_lanes(s, first, seed, number, err));
        if (s->n_lanes == 1)
            run_lane(s->lanes, 0, 0); /* parallel region: must not be nested */
        else
            goss__pool_run(pool, s->n_lanes, run_lane, s->lanes);
        for (int i = 0; i < s->n_lanes; i++)
            if (s->lanes[i].status != GOSS_OK)
                return goss_error_set(err, s->lanes[i].status, "%s", s->lanes[i].error.text);
        goss__pool_run(pool, (s->slab_numbers + CHUNK - 1) / CHUNK, add_chunk, s);
    }
    s->slab[s->slab_numbers] = (float)tasks;
    return s->combine ? s->combine(s->combine_context, s->slab, s->slab_numbers + 1, err) : GOSS_OK;
}

/* ---- a step ---- */

static double number_of(const goss_exec *e, int i) { return (double)*(const float *)goss_exec_output(e, i, NULL); }

/* The i-th of loss and measures. */
static double reported(const goss_step *s, int i) {
    if (s->batch) return number_of(s->exec, i);
    return (double)s->slab[s->part[i].offset] / (double)s->slab[s->slab_numbers];
}

static goss_status check_tasks(const goss_step *s, int64_t tasks, goss_error *err) {
    if (tasks < 1 || tasks > s->tasks)
        return goss_error_set(err, GOSS_E_ARGUMENT, "a step over %lld tasks: 1 to %lld were planned", (long long)tasks,
                              (long long)s->tasks);
    if (s->micro_batch > 0 && tasks % s->micro_batch != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "a step over %lld tasks is not made of micro-batches of %lld",
                              (long long)tasks, (long long)s->micro_batch);
    return GOSS_OK;
}

goss_status goss_step_run(goss_step *s, int64_t tasks, double rate, uint64_t seed, uint64_t number,
                          goss_step_result *out, goss_error *err) {
    GOSS_TRY(check_tasks(s, tasks, err));
    s->rate = (float)rate;
    if (s->accumulate)
        GOSS_TRY(accumulate(s, tasks, seed, number, err));
    else
        GOSS_TRY(s->source.bind(s->source.context, s->exec, 0, tasks, err));
    goss_exec_seed(s->exec, seed, number);
    GOSS_TRY(goss_exec_run(s->exec, err));
    const int last = s->batch ? 1 + s->n_measures : 0;
    *out = (goss_step_result){.loss = reported(s, 0),
                              .gradient_norm = number_of(s->exec, last),
                              .applied = number_of(s->exec, last + 1) != 0};
    for (int i = 0; i < s->n_measures; i++) out->measure[i] = reported(s, 1 + i);
    return GOSS_OK;
}

/* ---- what can be read of it ---- */

goss_params *goss_step_params(const goss_step *s) { return s->params; }

const char *goss_step_measure_name(const goss_step *s, int i) {
    return i >= 0 && i < s->n_measures ? s->measure_name[i] : NULL;
}

goss_exec *goss_step_exec(const goss_step *s) { return s->lanes ? s->lanes[0].exec : s->exec; }

char *goss_step_text(const goss_step *s, int part) {
    const goss_schedule *main = s->batch ? s->batch : s->accumulate, *p = part == 0   ? main
                                                                          : part == 1 ? s->apply
                                                                                      : NULL;
    return p ? goss_schedule_text(p) : NULL;
}

size_t goss_step_memory(const goss_step *s) {
    const int threads = goss_threads_count(s->threads);
    size_t bytes = goss_schedule_memory(s->batch ? s->batch : s->apply, threads);
    if (s->accumulate) bytes += (size_t)s->n_lanes * goss_schedule_memory(s->accumulate, s->n_lanes > 1 ? 1 : threads);
    return bytes + (s->slab ? (size_t)(s->slab_numbers + 1) * sizeof *s->slab : 0);
}
