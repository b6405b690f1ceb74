/* SPDX-License-Identifier: Apache-2.0 */
/* prior_classes.c: the coefficients m that tasks are drawn towards, for classes: those that minimise the sum of the
 * tasks' penalised losses are the mean of the tasks' own coefficients. Found by taking turns: fit every task towards m,
 * let m be the mean. They begin at one model of all rows, to which strong penalties lead and from which they would move
 * slowly; weak ones need few turns from anywhere. */
#include <string.h>

#include "base/alloc.h"
#include "baseline/baseline.h"

enum { TURNS = 6 };

/* The mean over the tasks outside of a fold of what each becomes when drawn towards m, into m. */
static goss_status turn(const goss__training *t, int without, const goss__strength *strength, double *w, double *mean,
                        goss_error *err) {
    const size_t size = goss__coefficients(t->b);
    int n = 0;
    memset(mean, 0, size * sizeof *mean);
    for (int k = 0; k < t->n; k++) {
        goss__fitting f;
        if (t->fold[k] == without) continue;
        goss_status s = goss__fitting_open(&f, t->b, &t->task[k], t->y[k], err);
        if (s == GOSS_OK) goss__fit(&f, strength, w);
        goss__fitting_close(&f);
        GOSS_TRY(s);
        for (size_t i = 0; i < size; i++) mean[i] += w[i];
        n++;
    }
    for (size_t i = 0; n && i < size; i++) mean[i] /= n;
    return GOSS_OK;
}

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
    goss_status s = goss__fitting_open(&f, t->b, &rows, y, err);
    if (s == GOSS_OK) goss__fit(&f, &weak, m);
    goss__fitting_close(&f);
    goss__free(x);
    return s;
}

typedef struct work {
    double *pooled, *w, *mean; /* [coefficients] each */
} work;

static goss_status without_fold(const goss__training *t, const goss__grid *g, int without, const work *k, double *out,
                                goss_error *err) {
    const size_t size = goss__coefficients(t->b);
    GOSS_TRY(pool(t, without, k->pooled, err));
    for (int i = 0; i < g->slopes * g->levels; i++) {
        double *m = out + (size_t)goss__grid_at(g, i / g->levels, i % g->levels, 0) * size;
        const goss__strength strength = {g->level[i % g->levels], g->slope[i / g->levels], m};
        memcpy(m, k->pooled, size * sizeof *m);
        for (int n = 0; n < TURNS; n++) {
            GOSS_TRY(turn(t, without, &strength, k->w, k->mean, err));
            memcpy(m, k->mean, size * sizeof *m);
        }
    }
    return GOSS_OK;
}

goss_status goss__priors_classes(const goss__training *t, const goss__grid *g, double *out, goss_error *err) {
    const size_t size = goss__coefficients(t->b);
    double *memory = goss__calloc(3 * size, sizeof *memory);
    if (!memory) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the mean of %d tasks", t->n);
    const work k = {memory, memory + size, memory + 2 * size};
    goss_status s = GOSS_OK;
    for (int f = 0; s == GOSS_OK && f <= t->folds; f++)
        s = without_fold(t, g, f, &k, out + (size_t)f * (size_t)goss__grid_size(g) * size, err);
    goss__free(memory);
    return s;
}
