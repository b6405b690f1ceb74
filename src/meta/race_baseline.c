/* SPDX-License-Identifier: Apache-2.0 */
/* race_baseline.c: evaluates a baseline on the draws of a task source. */
#include <math.h>

#include "base/alloc.h"
#include "base/os.h"
#include "gossamer/race.h"
#include "task/task.h"

/* A drawn task, and its form for baselines. */
typedef struct numbers {
    goss_task task;
    goss_rows support, query;
    double *answer; /* [queries, outputs] */
    float *output, *scratch;
    double *quantile; /* [queries, levels] of an objective that has levels */
} numbers;

typedef struct memory {
    float *f;
    int32_t *i;
    double *d;
} memory;

/* Numbers of the table that the rows are of, by sample number. */
typedef struct columns {
    const double *at, *from;
} columns;

static void place(goss_rows *rows, double *d, size_t n, size_t x, columns c) {
    rows->x = d, rows->y = d + n * x;
    rows->at = c.at ? rows->y + n : NULL, rows->from = c.from ? rows->y + 2 * n : NULL;
}

static goss_status reserve(memory *m, const goss_task_spec *spec, columns c, numbers *n, goss_error *err) {
    const size_t s = (size_t)spec->supports + 1, q = (size_t)spec->queries + 1, x = goss_task_input_size(spec);
    const size_t w = (size_t)spec->outputs,
                 width = (size_t)goss_objective_width(goss_task_objective(spec), spec->outputs);
    m->f = goss__calloc((s + q) * (x + 1) + q * (width + 2) + width, sizeof *m->f);
    m->i = goss__calloc(2 * (s + q), sizeof *m->i);
    m->d = goss__calloc((s + q) * (x + 3) + q * (w + width), sizeof *m->d);
    if (!m->f || !m->i || !m->d)
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for tasks of %d rows", spec->supports + spec->queries);
    n->task.support = m->f, n->task.query = m->f + s * x, n->task.support_target = n->task.query + q * x;
    n->task.query_target = n->task.support_target + s, n->output = n->task.query_target + q;
    n->scratch = n->output + q * width;
    n->task.support_rows = m->i, n->task.query_rows = m->i + s;
    if (spec->lengths) n->task.support_length = m->i + s + q, n->task.query_length = m->i + 2 * s + q;
    place(&n->support, m->d, s, x, c), place(&n->query, m->d + s * (x + 3), q, x, c);
    n->answer = m->d + (s + q) * (x + 3), n->quantile = n->answer + q * w;
    return GOSS_OK;
}

/* The rows are allocated here. */
static void fill(goss_rows *rows, int n, const goss_task_spec *spec, const float *x, const float *y,
                 const int32_t *length, const int32_t *row, columns c) {
    double *to_y = (double *)rows->y, *to_at = (double *)rows->at, *to_from = (double *)rows->from;
    rows->n = n;
    goss_rows_align(x, length, n, goss_task_input_size(spec), spec->lengths ? (size_t)spec->input[1] : 1,
                    (double *)rows->x);
    for (int i = 0; i < n; i++) {
        to_y[i] = (double)y[i];
        if (c.at) to_at[i] = c.at[row[i]];
        if (c.from) to_from[i] = c.from[row[i]];
    }
}

/* ---- judging ---- */

static bool reads_quantiles(const goss_metric *metric, const goss_task_spec *spec) {
    return metric->variance && goss_task_objective(spec)->levels;
}

static goss_status answer(const goss_baselines *b, const goss_baseline_kind *kind, const goss_task_spec *spec,
                          const goss_metric *metric, numbers *n, goss_error *err) {
    const goss_objective *o = goss_task_objective(spec);
    if (!reads_quantiles(metric, spec)) return goss_baseline_predict(b, kind, &n->support, &n->query, n->answer, err);
    return goss_baseline_quantiles(b, kind, &n->support, &n->query, o->levels, o->numbers, n->quantile, err);
}

/* Input of metrics: numbers in the user's units (unscaled), with their quantiles, or logits. */
static double judge(const goss_metric *metric, const goss_task_spec *spec, const numbers *n) {
    const goss_objective *o = goss_task_objective(spec);
    const bool quantiles = reads_quantiles(metric, spec);
    for (size_t i = 0; !quantiles && i < (size_t)n->query.n * (size_t)spec->outputs; i++)
        n->output[i] = (float)(o->classes ? log(fmax(n->answer[i], 1e-15)) : n->answer[i]);
    for (int i = 0; quantiles && i < n->query.n; i++)
        goss__quantiles_put(o, n->quantile + i * o->numbers, n->output + i * o->numbers);
    const goss_answers a = {.count = n->query.n,
                            .outputs = spec->outputs,
                            .stride = quantiles ? o->numbers : 0,
                            .output = n->output,
                            .target = n->task.query_target,
                            .objective = o,
                            .scratch = n->scratch};
    return metric->value(&a);
}

/* ---- all draws ---- */

static goss_status run(const goss_baselines *b, const goss_baseline_kind *kind, const goss_task_source *source,
                       columns c, const goss_metric *metric, int64_t draws, numbers *n, double *values, double *seconds,
                       goss_error *err) {
    for (int64_t k = 0; k < draws; k++) {
        n->task.outputs = source->spec.outputs;
        source->draw(source, (uint64_t)k, &n->task);
        const goss_task *t = &n->task;
        fill(&n->support, t->supports, &source->spec, t->support, t->support_target, t->support_length, t->support_rows,
             c);
        fill(&n->query, t->queries, &source->spec, t->query, t->query_target, t->query_length, t->query_rows, c);
        const double start = goss__now();
        GOSS_TRY(answer(b, kind, &source->spec, metric, n, err));
        *seconds += goss__now() - start;
        values[k] = judge(metric, &source->spec, n);
    }
    return GOSS_OK;
}

goss_status goss_race_baseline(const goss_baselines *b, const goss_baseline_kind *kind, const goss_task_source *source,
                               const double *at, const double *from, const goss_metric *metric, int64_t draws,
                               double *values, double *seconds, goss_error *err) {
    const columns c = {at, from};
    memory m = {0};
    numbers n = {0};
    double spent = 0;
    if ((size_t)goss_baselines_width(b) != goss_task_input_size(&source->spec))
        return goss_error_set(err, GOSS_E_ARGUMENT, "baselines of %d inputs on tasks of %zu", goss_baselines_width(b),
                              goss_task_input_size(&source->spec));
    goss_status s = reserve(&m, &source->spec, c, &n, err);
    if (s == GOSS_OK) s = run(b, kind, source, c, metric, draws, &n, values, &spent, err);
    goss__free(m.f), goss__free(m.i), goss__free(m.d);
    if (seconds) *seconds = spent;
    return s;
}
