/* SPDX-License-Identifier: Apache-2.0 */
/* race_baseline.c: evaluates a baseline on the draws of a task source. A target of several numbers is as many tasks of
 * one number, on the rows that have it. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "gossamer/race.h"
#include "task/task.h"

/* A drawn task, and its form for baselines. */
typedef struct numbers {
    goss_task task;
    goss_rows all[2];         /* support and queries with all their numbers, y [n, targets] */
    goss_rows support, query; /* those that have the number in question */
    int32_t *kept;            /* [queries] which these queries are */
    double *answer;           /* [queries, classes or 1] */
    double *quantile;         /* [queries, levels] of an objective that has levels */
    float *output, *scratch, *room;
    int targets; /* numbers of a target; 1 with classes */
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

/* n rows of x inputs and w numbers at *d, which moves behind them. */
static void place(goss_rows *rows, double **d, size_t n, size_t x, size_t w, columns c) {
    rows->x = *d, rows->y = *d + n * x;
    rows->at = c.at ? rows->y + n * w : NULL, rows->from = c.from ? rows->y + n * (w + 1) : NULL;
    *d += n * (x + w + 2);
}

static goss_status reserve(memory *m, const goss_task_spec *spec, columns c, numbers *n, goss_error *err) {
    const size_t s = (size_t)spec->supports + 1, q = (size_t)spec->queries + 1, x = goss_task_input_size(spec);
    const size_t w = (size_t)spec->outputs,
                 width = (size_t)goss_objective_width(goss_task_objective(spec), spec->outputs);
    n->targets = goss_task_objective(spec)->classes ? 1 : spec->outputs;
    const size_t y = (size_t)n->targets;
    m->f = goss__calloc((s + q) * (x + y) + q * (width + 2 + y) + width, sizeof *m->f);
    m->i = goss__calloc(2 * s + 3 * q, sizeof *m->i);
    m->d = goss__calloc((s + q) * (2 * x + y + 5) + q * (w + width), sizeof *m->d);
    if (!m->f || !m->i || !m->d)
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for tasks of %d rows", spec->supports + spec->queries);
    n->task.support = m->f, n->task.query = m->f + s * x, n->task.support_target = n->task.query + q * x;
    n->task.query_target = n->task.support_target + s * y, n->output = n->task.query_target + q * y;
    n->scratch = n->output + q * width + width, n->room = n->scratch + 2 * q;
    n->task.support_rows = m->i, n->task.query_rows = m->i + s;
    if (spec->lengths) n->task.support_length = m->i + s + q, n->task.query_length = m->i + 2 * s + q;
    n->kept = m->i + 2 * (s + q);
    double *d = m->d;
    place(&n->support, &d, s, x, 1, c), place(&n->query, &d, q, x, 1, c);
    place(&n->all[0], &d, s, x, y, c), place(&n->all[1], &d, q, x, y, c);
    n->answer = d, n->quantile = d + q * w;
    return GOSS_OK;
}

/* The rows are allocated here. Their places in the order are those of their first number. */
static void fill(goss_rows *rows, int n, int targets, const goss_task_spec *spec, const float *x, const float *y,
                 const int32_t *length, const int32_t *row, columns c) {
    double *to_y = (double *)rows->y, *to_from = (double *)rows->from;
    rows->n = n;
    goss_rows_align(x, length, n, goss_task_input_size(spec), spec->lengths ? (size_t)spec->input[1] : 1,
                    (double *)rows->x);
    for (int i = 0; i < n * targets; i++) to_y[i] = (double)y[i];
    for (int i = 0; c.from && i < n; i++) to_from[i] = c.from[row[i]];
}

/* The rows that have number k, at its place in the order. */
static void choose(const goss_rows *all, size_t width, int targets, int k, const int32_t *row, columns c, goss_rows *to,
                   int32_t *kept) {
    double *at = (double *)all->at;
    for (int i = 0; at && i < all->n; i++) at[i] = c.at[(size_t)row[i] * (size_t)targets + (size_t)k];
    goss_rows_component(all, width, targets, k, to, kept);
}

/* ---- judging ---- */

static bool reads_quantiles(const goss_metric *metric, const goss_objective *o) {
    return metric->variance && o->levels;
}

/* Number w of the queries. */
static goss_status answer(const goss_baselines *b, const goss_baseline_kind *kind, const goss_task_spec *spec,
                          columns c, const goss_metric *metric, numbers *n, int w, goss_error *err) {
    const goss_objective *o = goss_task_objective(spec);
    const size_t width = goss_task_input_size(spec);
    const bool quantiles = reads_quantiles(metric, o);
    choose(&n->all[0], width, n->targets, w, n->task.support_rows, c, &n->support, NULL);
    choose(&n->all[1], width, n->targets, w, n->task.query_rows, c, &n->query, n->kept);
    if (n->support.n == 0 && spec->partial) { /* as it was last */
        const size_t each = quantiles ? (size_t)o->numbers : 1;
        memset(quantiles ? n->quantile : n->answer, 0, (size_t)n->query.n * each * sizeof *n->answer);
        return GOSS_OK;
    }
    if (!quantiles) return goss_baseline_predict(b, kind, &n->support, &n->query, n->answer, err);
    return goss_baseline_quantiles(b, kind, &n->support, &n->query, o->levels, o->numbers, n->quantile, err);
}

/* Input of metrics: numbers w in the user's units (unscaled), with their quantiles, or logits. */
static void put_answers(const goss_metric *metric, const goss_task_spec *spec, const numbers *n, int w) {
    const goss_objective *o = goss_task_objective(spec);
    for (int i = 0; o->classes && i < n->query.n * spec->outputs; i++)
        n->output[i] = (float)log(fmax(n->answer[i], 1e-15));
    for (int i = 0; !o->classes && i < n->query.n; i++) {
        const size_t at = (size_t)n->kept[i] * (size_t)n->targets;
        if (reads_quantiles(metric, o))
            goss__quantiles_put(o, n->quantile + (size_t)i * (size_t)o->numbers, n->targets, w,
                                n->output + at * (size_t)o->numbers);
        else
            n->output[at + (size_t)w] = (float)n->answer[i];
    }
}

static double judge(const goss_metric *metric, const goss_task_spec *spec, const numbers *n, double *each) {
    const goss_objective *o = goss_task_objective(spec);
    const goss_answers a = {.count = n->all[1].n,
                            .outputs = spec->outputs,
                            .stride = reads_quantiles(metric, o) ? o->numbers * n->targets : 0,
                            .output = n->output,
                            .target = n->task.query_target,
                            .objective = o,
                            .scratch = n->scratch};
    for (int w = 0; each && w < n->targets; w++) each[w] = goss__metric_of_component(metric, &a, w, n->room);
    return metric->value(&a);
}

/* ---- all draws ---- */

static goss_status run(goss_baselines *const *b, const goss_baseline_kind *kind, const goss_task_source *source,
                       columns c, const goss_metric *metric, int64_t draws, numbers *n, double *values, double *each,
                       double *seconds, goss_error *err) {
    const goss_task_spec *spec = &source->spec;
    for (int64_t k = 0; k < draws; k++) {
        n->task.outputs = source->spec.outputs;
        source->draw(source, (uint64_t)k, &n->task);
        const goss_task *t = &n->task;
        fill(&n->all[0], t->supports, n->targets, spec, t->support, t->support_target, t->support_length,
             t->support_rows, c);
        fill(&n->all[1], t->queries, n->targets, spec, t->query, t->query_target, t->query_length, t->query_rows, c);
        const double start = goss__now();
        for (int w = 0; w < n->targets; w++) {
            GOSS_TRY(answer(b[w], kind, spec, c, metric, n, w, err));
            put_answers(metric, spec, n, w);
        }
        *seconds += goss__now() - start;
        values[k] = judge(metric, spec, n, each ? each + k * n->targets : NULL);
    }
    return GOSS_OK;
}

goss_status goss_race_baseline(goss_baselines *const *b, const goss_baseline_kind *kind, const goss_task_source *source,
                               const double *at, const double *from, const goss_metric *metric, int64_t draws,
                               double *values, double *each, double *seconds, goss_error *err) {
    const columns c = {at, from};
    memory m = {0};
    numbers n = {0};
    double spent = 0;
    if ((size_t)goss_baselines_width(*b) != goss_task_input_size(&source->spec))
        return goss_error_set(err, GOSS_E_ARGUMENT, "baselines of %d inputs on tasks of %zu", goss_baselines_width(*b),
                              goss_task_input_size(&source->spec));
    goss_status s = reserve(&m, &source->spec, c, &n, err);
    if (s == GOSS_OK) s = run(b, kind, source, c, metric, draws, &n, values, each, &spent, err);
    goss__free(m.f), goss__free(m.i), goss__free(m.d);
    if (seconds) *seconds = spent;
    return s;
}
