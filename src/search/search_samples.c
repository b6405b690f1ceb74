/* SPDX-License-Identifier: Apache-2.0 */
/* search_samples.c: the samples of one part of the task in memory, and the metric of networks on them, chunk by chunk,
 * so that memory does not grow with their number. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "search/search.h"

enum { CHUNK = 256 }; /* samples a run */

void goss__block_free(goss__block *b) {
    goss__free(b->x), goss__free(b->target), goss__free(b->weight);
    *b = (goss__block){0};
}

/* ---- reading ---- */

/* Rows of `width` numbers in the order of `from`. */
static bool reorder(float **rows, const uint32_t *from, int n, size_t width) {
    float *out = goss__alloc((size_t)n * width * sizeof *out + 1);
    if (!out) return false;
    for (int i = 0; i < n; i++) memcpy(out + (size_t)i * width, *rows + from[i] * width, width * sizeof *out);
    goss__free(*rows);
    *rows = out;
    return true;
}

/* A part of them is then a random one. */
static bool shuffle(goss__block *b, uint64_t seed, size_t input, size_t target) {
    uint32_t *from = goss__calloc((size_t)b->n + 1, sizeof *from);
    if (!from) return false;
    for (int i = 0; i < b->n; i++) from[i] = (uint32_t)i;
    goss__rng rng = goss__rng_make(goss__hash64("search samples", 14, seed), 0);
    goss__rng_shuffle(&rng, from, (uint32_t)b->n, (uint32_t)b->n);
    const bool ok = reorder(&b->x, from, b->n, input) && reorder(&b->target, from, b->n, target) &&
                    reorder(&b->weight, from, b->n, 1);
    goss__free(from);
    return ok;
}

goss_status goss__block_read(const goss_task_source *source, uint64_t seed, goss__block *out, goss_error *err) {
    const size_t most = (size_t)(source->spec.queries > 0 ? source->spec.queries : 1),
                 input = goss_task_input_size(&source->spec), target = (size_t)goss_task_target_size(&source->spec);
    *out = (goss__block){.x = goss__calloc(most, input * sizeof(float)),
                         .target = goss__calloc(most, target * sizeof(float)),
                         .weight = goss__calloc(most, sizeof(float))};
    bool ok = out->x && out->target && out->weight;
    if (ok) {
        for (size_t i = 0; i < most; i++) out->weight[i] = 1;
        goss_task task = {.query = out->x,
                          .query_target = out->target,
                          .query_weight = out->weight,
                          .id = -1,
                          .outputs = source->spec.outputs};
        source->draw(source, 0, &task);
        out->n = task.queries;
        ok = shuffle(out, seed, input, target);
    }
    if (ok) return GOSS_OK;
    goss__block_free(out);
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for %zu samples", most);
}

/* ---- judging ---- */

static int chunk_of(const goss__assessor *a) {
    const int left = a->count - a->next;
    return left < a->source.spec.queries ? left : a->source.spec.queries;
}

/* The same samples for every task. */
static void draw(const goss_task_source *source, uint64_t k, goss_task *out) {
    const goss__assessor *a = source->context;
    const size_t n = (size_t)chunk_of(a), first = (size_t)a->next, input = goss_task_input_size(&source->spec),
                 target = (size_t)goss_task_target_size(&source->spec);
    (void)k;
    memcpy(out->query, a->block->x + first * input, n * input * sizeof(float));
    memcpy(out->query_target, a->block->target + first * target, n * target * sizeof(float));
    memcpy(out->query_weight, a->block->weight + first, n * sizeof(float));
    out->supports = 0, out->queries = (int)n, out->outputs = source->spec.outputs, out->id = 0;
}

goss_status goss__assessor_init(goss__assessor *a, const goss__block *block, int count, const goss_task_spec *spec,
                                const goss_metric *metric, int tasks, goss_error *err) {
    *a = (goss__assessor){.block = block, .count = count > 0 && count < block->n ? count : block->n, .metric = metric};
    a->source = (goss_task_source){.spec = *spec, .draw = draw, .tasks = 1};
    a->source.spec.queries = a->count < CHUNK ? a->count : CHUNK;
    const size_t width = (size_t)goss_objective_width(goss_task_objective(spec), spec->outputs);
    a->output = goss__calloc((size_t)tasks * (size_t)a->count, width * sizeof *a->output);
    a->scratch = goss__calloc(2 * (size_t)a->count + 2, sizeof *a->scratch);
    goss_status s =
        a->output && a->scratch ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d answers", a->count);
    if (s == GOSS_OK) s = goss__task_pack_init(&a->pack, tasks, &a->source.spec, NULL, err);
    if (s != GOSS_OK) goss__assessor_free(a);
    return s;
}

void goss__assessor_free(goss__assessor *a) {
    goss__task_pack_free(&a->pack);
    goss__free(a->output), goss__free(a->scratch);
    *a = (goss__assessor){0};
}

static bool finite_all(const float *v, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i])) return false;
    return true;
}

static double judge(goss__assessor *a, int task, size_t width) {
    const float *output = a->output + (size_t)task * (size_t)a->count * width;
    const goss_task_spec *x = &a->source.spec;
    if (!finite_all(output, (size_t)a->count * width)) return NAN;
    return a->metric->value(&(goss_answers){.count = a->count,
                                            .outputs = x->outputs,
                                            .stride = (int)width,
                                            .output = output,
                                            .target = a->block->target,
                                            .weight = a->block->weight,
                                            .scale = x->scale,
                                            .objective = goss_task_objective(x),
                                            .scratch = a->scratch});
}

static void take(goss__assessor *a, const float *from, int tasks, size_t n, size_t width) {
    for (int t = 0; t < tasks; t++)
        memcpy(a->output + ((size_t)t * (size_t)a->count + (size_t)a->next) * width, from + (size_t)t * n * width,
               n * width * sizeof *from);
}

goss_status goss__assess(goss__assessor *a, goss_exec *exec, int tasks, double *out, goss_error *err) {
    const size_t width = (size_t)goss_objective_width(goss_task_objective(&a->source.spec), a->source.spec.outputs);
    a->source.context = a;
    for (a->next = 0; a->next < a->count;) {
        const int n = chunk_of(a);
        goss__task_pack_draw(&a->pack, &a->source, 0, tasks);
        GOSS_TRY(goss__task_pack_bind(&a->pack, exec, err));
        GOSS_TRY(goss_exec_run(exec, err));
        take(a, goss_exec_output(exec, 0, NULL), tasks, (size_t)n, width);
        a->next += n;
    }
    for (int t = 0; t < tasks; t++) out[t] = judge(a, t, width);
    return GOSS_OK;
}
