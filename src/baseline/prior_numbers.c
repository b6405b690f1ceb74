/* SPDX-License-Identifier: Apache-2.0 */
/* prior_numbers.c: the coefficients m that tasks are drawn towards, for numbers: m minimises
 *   sum_t min_w |y - Z w|^2 + (w - m)' D (w - m) + pull |slopes of m|^2,  Z = [1 X], D = diag(level, slope, ...),
 * which is generalised least squares: (sum_t Z' M Z + pull) m = sum_t Z' M y with M = (1 + Z D^-1 Z')^-1. A task of few
 * rows adds B' B with B = C^-1 [Z y], C C' = M^-1; one of more rows than columns D - D (D + Z' Z)^-1 D. Sums are kept
 * by fold, so that each fold can be left out. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "baseline/baseline.h"

typedef struct work {
    const goss__training *t;
    const goss__grid *g;
    int d;               /* 1 + width */
    double **product;    /* [tasks] [Z y]' [Z y] of tasks with more rows than columns; NULL: the others */
    double *sums;        /* [folds + 1, d + 1, d + 1]: with y as the last column; the last: what is left */
    double *square;      /* [d, d] */
    double **rows;       /* [folds] B of the tasks with few rows, [rows of the fold, d + 1] */
    int *row;            /* [tasks] where a task's begin in those of its fold */
    int *n;              /* [folds] rows */
    goss_status *status; /* [tasks] */
    double level, slope;
    double *out;
} work;

static goss_status no_memory(const work *w, goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the mean of %d tasks", w->t->n);
}

static size_t square_size(const work *w) { return (size_t)(w->d + 1) * (size_t)(w->d + 1); }

/* ---- tasks of few rows ---- */

static void fill_rows(const work *w, int k, double *b) {
    const goss_rows *task = &w->t->task[k];
    const size_t width = (size_t)w->d - 1;
    for (int i = 0; i < task->n; i++, b += width + 2) {
        b[0] = 1, b[width + 1] = w->t->y[k][i];
        memcpy(b + 1, task->x + (size_t)i * width, width * sizeof *b);
    }
}

/* B of task k, among those of its fold. */
static void whiten(void *ctx, int64_t item, int worker) {
    const work *w = ctx;
    const goss_rows *task = &w->t->task[item];
    const size_t n = (size_t)task->n;
    if (w->product[item]) return;
    const goss__dense d = goss__dense_alone(w->t->dense, worker);
    double *b = w->rows[w->t->fold[item]] + (size_t)w->row[item] * (size_t)(w->d + 1);
    double *m = goss__alloc((n * n + 1) * sizeof *m);
    w->status[item] = m ? GOSS_OK : GOSS_E_NOMEM;
    if (!m) return;
    fill_rows(w, (int)item, b);
    goss__gram_rows(&d, task->x, task->n, w->d - 1, m);
    for (size_t i = 0; i < n * n; i++) m[i] = m[i] / w->slope + 1 / w->level;
    for (size_t i = 0; i < n; i++) m[i * n + i] += 1;
    goss__cholesky(&d, m, task->n);
    goss__lower_solve(&d, m, task->n, task->n, b, w->d + 1, w->d + 1);
    goss__free(m);
}

/* ---- tasks of many rows ---- */

static double penalty(const work *w, size_t j) { return j ? w->slope : w->level; }

/* sums += [D - D A^-1 D, D A^-1 Z'y], A = D + Z'Z = L L'; D A^-1 D = V'V with V = L^-1 D. */
static goss_status add_large(const work *w, int k, double *sums, goss_error *err) {
    const size_t d = (size_t)w->d, row = d + 1;
    const double *product = w->product[k];
    double *a = goss__alloc((d * d + d * row) * sizeof *a), *v = a + d * d;
    if (!a) return no_memory(w, err);
    for (size_t i = 0; i < d; i++) {
        memcpy(a + i * d, product + i * row, d * sizeof *a);
        memset(v + i * row, 0, row * sizeof *v);
        a[i * d + i] += penalty(w, i), v[i * row + i] = penalty(w, i), v[i * row + d] = -product[i * row + d];
    }
    goss__cholesky(w->t->dense, a, w->d);
    goss__lower_solve(w->t->dense, a, w->d, w->d, v, w->d + 1, w->d + 1);
    goss__multiply_lower(w->t->dense, w->d + 1, w->d, goss__transposed(v, w->d + 1), goss__plain(v, w->d + 1),
                         GOSS__SUBTRACT, sums, w->d + 1);
    for (size_t i = 0; i < d; i++) sums[i * row + i] += penalty(w, i);
    goss__free(a);
    return GOSS_OK;
}

/* ---- all ---- */

/* Lower halves; row d is the right side. */
static goss_status sum_folds(const work *w, goss_error *err) {
    const goss__training *t = w->t;
    goss__dense_run(t->dense, t->n, whiten, (void *)w);
    for (int k = 0; k < t->n; k++)
        if (w->status[k] != GOSS_OK) return no_memory(w, err);
    for (int f = 0; f < t->folds; f++)
        goss__gram_columns(t->dense, w->rows[f], w->n[f], w->d + 1, false, w->sums + (size_t)f * square_size(w));
    for (int k = 0; k < t->n; k++)
        if (w->product[k]) GOSS_TRY(add_large(w, k, w->sums + (size_t)t->fold[k] * square_size(w), err));
    return GOSS_OK;
}

/* A small ridge term keeps coefficients at 0 that no task determines. */
static void solve(const work *w, const double *sums, double pull, double *m) {
    const size_t d = (size_t)w->d, row = d + 1;
    double trace = 0;
    for (size_t i = 0; i < d; i++) trace += sums[i * row + i];
    for (size_t i = 0; i < d; i++) {
        memcpy(w->square + i * d, sums + i * row, (i + 1) * sizeof *m);
        w->square[i * d + i] += (i ? pull : 0) + 1e-9 * trace / (1 + w->t->inputs) + 1e-300;
        m[i] = sums[d * row + i];
    }
    goss__cholesky(w->t->dense, w->square, w->d);
    goss__cholesky_solve(w->square, w->d, m);
}

static void solve_all(const work *w, int slope, int level) {
    const goss__grid *g = w->g;
    const int folds = w->t->folds;
    const size_t n = square_size(w);
    double *left = w->sums + (size_t)folds * n;
    for (int without = 0; without <= folds; without++) {
        memset(left, 0, n * sizeof *left);
        for (int f = 0; f < folds; f++)
            for (size_t i = 0; f != without && i < n; i++) left[i] += w->sums[(size_t)f * n + i];
        for (int pull = 0; pull < g->pulls; pull++) {
            const size_t at = (size_t)(without * goss__grid_size(g) + goss__grid_at(g, slope, level, pull));
            solve(w, left, g->pull[pull], w->out + at * (size_t)w->d);
        }
    }
}

static goss_status run(work *w, goss_error *err) {
    for (int slope = 0; slope < w->g->slopes; slope++)
        for (int level = 0; level < w->g->levels; level++) {
            w->slope = w->g->slope[slope], w->level = w->g->level[level];
            GOSS_TRY(sum_folds(w, err));
            solve_all(w, slope, level);
        }
    return GOSS_OK;
}

/* ---- memory ---- */

static goss_status multiply_large(const work *w, int k, goss_error *err) {
    const int n = w->t->task[k].n;
    double *rows = goss__alloc((size_t)n * (size_t)(w->d + 1) * sizeof *rows);
    w->product[k] = goss__alloc(square_size(w) * sizeof **w->product);
    if (rows && w->product[k]) {
        fill_rows(w, k, rows);
        goss__gram_columns(w->t->dense, rows, n, w->d + 1, false, w->product[k]);
    }
    const bool there = rows && w->product[k];
    goss__free(rows);
    return there ? GOSS_OK : no_memory(w, err);
}

static goss_status prepare(work *w, goss_error *err) {
    const goss__training *t = w->t;
    for (int k = 0; k < t->n; k++) {
        int *n = &w->n[t->fold[k]];
        w->row[k] = *n;
        if (t->task[k].n > w->d)
            GOSS_TRY(multiply_large(w, k, err));
        else
            *n += t->task[k].n;
    }
    for (int f = 0; f < t->folds; f++) {
        w->rows[f] = goss__alloc(((size_t)w->n[f] * (size_t)(w->d + 1) + 1) * sizeof **w->rows);
        if (!w->rows[f]) return no_memory(w, err);
    }
    return GOSS_OK;
}

goss_status goss__priors_numbers(const goss__training *t, const goss__grid *g, double *out, goss_error *err) {
    const size_t tasks = (size_t)t->n + 1, folds = (size_t)t->folds + 1;
    work w = {.t = t, .g = g, .d = 1 + t->b->width, .out = out};
    w.product = goss__calloc(tasks, sizeof *w.product), w.rows = goss__calloc(folds, sizeof *w.rows);
    w.row = goss__calloc(tasks, sizeof *w.row), w.n = goss__calloc(folds, sizeof *w.n);
    w.status = goss__calloc(tasks, sizeof *w.status);
    w.sums = goss__calloc(folds * square_size(&w), sizeof *w.sums);
    w.square = goss__calloc((size_t)w.d * (size_t)w.d, sizeof *w.square);
    const bool there = w.product && w.rows && w.row && w.n && w.status && w.sums && w.square;
    goss_status s = there ? prepare(&w, err) : no_memory(&w, err);
    if (s == GOSS_OK) s = run(&w, err);
    for (int k = 0; w.product && k < t->n; k++) goss__free(w.product[k]);
    for (int f = 0; w.rows && f < t->folds; f++) goss__free(w.rows[f]);
    goss__free(w.product), goss__free(w.rows), goss__free(w.row), goss__free(w.n), goss__free(w.status);
    goss__free(w.sums), goss__free(w.square);
    return s;
}
