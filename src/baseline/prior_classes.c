/* SPDX-License-Identifier: Apache-2.0 */
/* prior_classes.c: the coefficients m that tasks are drawn towards, for classes: those that minimise the sum of the
 * tasks' penalised losses are the mean of the tasks' own coefficients. Found by taking turns: fit every task towards m,
 * let m be the mean. They begin at one model of all rows, to which strong penalties lead and from which they would move
 * slowly; weak ones need few turns from anywhere. Where tasks can be told apart without error the least sum has no
 * minimum, and the number of turns is what keeps m finite. */
#include <string.h>

#include "base/alloc.h"
#include "baseline/baseline.h"

enum { TURNS = 6 };

/* What all strengths and folds need: the span of each task's rows, and one model of the rows outside of each fold. */
typedef struct shared {
    const goss__training *t;
    const goss__grid *g;
    goss__span *span; /* [tasks] */
    double *pooled;   /* [folds + 1, coefficients] */
    double *out;
    goss_status *status; /* [items] */
} shared;

static goss_status no_memory(const goss__training *t, goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the mean of %d tasks", t->n);
}

/* ---- turns ---- */

/* Adds to `mean` what task k becomes when drawn towards m. */
static goss_status add_task(const shared *h, const goss__dense *d, int k, const goss__strength *strength, double *mean,
                            goss_error *err) {
    const goss__training *t = h->t;
    const size_t stride = (size_t)t->b->width + 1, columns = (size_t)h->span[k].rank + 1;
    goss__fitting f;
    goss_status s = goss__fitting_begin(&f, d, t->b, &h->span[k], t->y[k], err);
    if (s == GOSS_OK) {
        goss__outputs_of(d, strength->towards, t->b->width, f.outputs, &t->task[k], f.offset, f.outputs);
        memset(f.change, 0, (size_t)f.outputs * columns * sizeof *f.change);
        goss__fit_change(&f, strength->level, strength->slope, f.offset, f.change);
        for (size_t c = 0; c < (size_t)f.outputs; c++) mean[c * stride] += f.change[c * columns];
        goss__span_back(&h->span[k], f.change + 1, f.outputs, (int)columns, mean + 1, (int)stride);
    }
    goss__fitting_close(&f);
    return s;
}

/* m becomes the mean over the tasks outside of a fold of what each becomes when drawn towards m. */
static goss_status turn(const shared *h, const goss__dense *d, int without, goss__strength strength, double *change,
                        double *m, goss_error *err) {
    const size_t size = goss__coefficients(h->t->b);
    int n = 0;
    memset(change, 0, size * sizeof *change);
    strength.towards = m;
    for (int k = 0; k < h->t->n; k++) {
        if (h->t->fold[k] == without) continue;
        GOSS_TRY(add_task(h, d, k, &strength, change, err));
        n++;
    }
    for (size_t i = 0; n && i < size; i++) m[i] += change[i] / n;
    return GOSS_OK;
}

/* One fold and one strength. */
static void take_turns(void *ctx, int64_t item, int worker) {
    const shared *h = ctx;
    const int grid = h->g->slopes * h->g->levels, without = (int)(item / grid), i = (int)(item % grid);
    const size_t size = goss__coefficients(h->t->b);
    const int at = goss__grid_at(h->g, i / h->g->levels, i % h->g->levels, 0);
    const goss__strength strength = {h->g->level[i % h->g->levels], h->g->slope[i / h->g->levels], NULL};
    double *m = h->out + (size_t)(without * goss__grid_size(h->g) + at) * size;
    const goss__dense d = goss__dense_alone(h->t->dense, worker);
    double *change = goss__alloc(size * sizeof *change);
    memcpy(m, h->pooled + (size_t)without * size, size * sizeof *m);
    h->status[item] = change ? GOSS_OK : GOSS_E_NOMEM;
    for (int k = 0; h->status[item] == GOSS_OK && k < TURNS; k++)
        h->status[item] = turn(h, &d, without, strength, change, m, NULL);
    goss__free(change);
}

/* ---- what they share ---- */

/* One model of the rows of all tasks outside of a fold, hardly penalised. */
static goss_status pool(const goss__training *t, int without, double *m, goss_error *err) {
    const goss__strength weak = {.level = 0.01, .slope = 1};
    const size_t width = (size_t)t->b->width;
    goss__fitting f;
    size_t n = 0;
    for (int k = 0; k < t->n; k++) n += t->fold[k] == without ? 0 : (size_t)t->task[k].n;
    double *x = goss__calloc(n * (width + 1), sizeof *x), *y = x + n * width;
    if (!x) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the %zu rows of %d tasks", n, t->n);
    goss_rows rows = {.x = x};
    for (int k = 0; k < t->n; k++) {
        if (t->fold[k] == without) continue;
        memcpy(x + (size_t)rows.n * width, t->task[k].x, (size_t)t->task[k].n * width * sizeof *x);
        memcpy(y + rows.n, t->y[k], (size_t)t->task[k].n * sizeof *y);
        rows.n += t->task[k].n;
    }
    goss_status s = goss__fitting_open(&f, t->dense, t->b, &rows, y, err);
    if (s == GOSS_OK) goss__fit(&f, &weak, m);
    goss__fitting_close(&f);
    goss__free(x);
    return s;
}

static goss_status prepare(const shared *h, goss_error *err) {
    const goss__training *t = h->t;
    for (int k = 0; k < t->n; k++)
        GOSS_TRY(goss__span_open(&h->span[k], t->dense, t->task[k].x, t->task[k].n, t->b->width, err));
    for (int f = 0; f <= t->folds; f++) GOSS_TRY(pool(t, f, h->pooled + (size_t)f * goss__coefficients(t->b), err));
    return GOSS_OK;
}

goss_status goss__priors_classes(const goss__training *t, const goss__grid *g, double *out, goss_error *err) {
    const int64_t items = (int64_t)(t->folds + 1) * g->slopes * g->levels;
    shared h = {t, g, NULL, NULL, out, NULL};
    h.span = goss__calloc((size_t)t->n + 1, sizeof *h.span);
    h.pooled = goss__calloc((size_t)(t->folds + 1) * goss__coefficients(t->b), sizeof *h.pooled);
    h.status = goss__calloc((size_t)items, sizeof *h.status);
    goss_status s = h.span && h.pooled && h.status ? prepare(&h, err) : no_memory(t, err);
    if (s == GOSS_OK) goss__dense_run(t->dense, items, take_turns, &h);
    for (int64_t i = 0; s == GOSS_OK && i < items; i++)
        if (h.status[i] != GOSS_OK) s = no_memory(t, err);
    for (int k = 0; h.span && k < t->n; k++) goss__span_close(&h.span[k]);
    goss__free(h.span), goss__free(h.pooled), goss__free(h.status);
    return s;
}
