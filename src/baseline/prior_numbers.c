/* SPDX-License-Identifier: Apache-2.0 */
/* prior_numbers.c: the coefficients m that tasks are drawn towards, for numbers: m minimises
 *   sum_t min_w |y - Z w|^2 + (w - m)' D (w - m) + pull |slopes of m|^2,  Z = [1 X], D = diag(level, slope, ...),
 * which is generalised least squares: (sum_t Z' M Z + pull) m = sum_t Z' M y with M of shrink.h. M's part that depends
 * on the slopes' strength is computed once for all levels; sums are kept by fold, so that each fold can be left out. */
#include <string.h>

#include "base/alloc.h"
#include "baseline/baseline.h"

/* What one task adds: Z' N Z, Z' N y, Z' N 1, 1' N y; d = 1 + width. */
typedef struct products {
    double *zz, *zy, *z1; /* [d, d], [d], [d] */
    double one_y, one_one;
    double *column; /* [rows of the largest task] */
} products;

static const double *value(const goss_rows *task, int width, int i, int j) {
    static const double one = 1;
    return j ? task->x + (size_t)i * (size_t)width + (size_t)(j - 1) : &one;
}

/* z' a for each column z of Z. */
static void times_columns(const goss_rows *task, int width, const double *a, double *out) {
    memset(out, 0, (size_t)(1 + width) * sizeof *out);
    for (int i = 0; i < task->n; i++) {
        out[0] += a[i];
        for (int j = 0; j < width; j++) out[1 + j] += a[i] * task->x[(size_t)i * (size_t)width + (size_t)j];
    }
}

static void multiply(goss__shrink *s, const goss_rows *task, const double *y, products *p) {
    const int d = 1 + s->width;
    for (int j = 0; j < d; j++) {
        for (int i = 0; i < task->n; i++) p->column[i] = *value(task, s->width, i, j);
        goss__shrink_apply(s, p->column, p->column);
        times_columns(task, s->width, p->column, p->zz + (size_t)j * (size_t)d);
    }
    times_columns(task, s->width, s->ones, p->z1);
    goss__shrink_apply(s, y, p->column);
    times_columns(task, s->width, p->column, p->zy);
    p->one_y = p->zy[0], p->one_one = s->ones_sum;
}

/* sums [d, d + 1]: the matrix and, behind each row, the right side. */
static void add(const products *p, int d, double level, double *sums) {
    for (int i = 0; i < d; i++) {
        double *row = sums + (size_t)i * (size_t)(d + 1);
        const double share = p->z1[i] / (level + p->one_one);
        for (int j = 0; j < d; j++) row[j] += p->zz[(size_t)i * (size_t)d + (size_t)j] - share * p->z1[j];
        row[d] += p->zy[i] - share * p->one_y;
    }
}

/* A small ridge term keeps coefficients at 0 that no task determines. */
static void solve(const double *sums, int d, double pull, double *square, double *m) {
    double trace = 0;
    for (int i = 0; i < d; i++) trace += sums[(size_t)i * (size_t)(d + 1) + (size_t)i];
    for (int i = 0; i < d; i++) {
        memcpy(square + (size_t)i * (size_t)d, sums + (size_t)i * (size_t)(d + 1), (size_t)d * sizeof *square);
        square[(size_t)i * (size_t)d + (size_t)i] += (i ? pull : 0) + 1e-9 * trace / d + 1e-300;
        m[i] = sums[(size_t)i * (size_t)(d + 1) + (size_t)d];
    }
    goss__cholesky(square, d);
    goss__cholesky_solve(square, d, m);
}

typedef struct work {
    const goss__training *t;
    const goss__grid *g;
    int d;
    products p;
    double *sums; /* [folds + 1, levels, d, d + 1] the last: what is left when a fold is out */
    double *square;
    double *out;
} work;

static double *sums_of(const work *w, int fold, int level) {
    return w->sums + (size_t)(fold * w->g->levels + level) * (size_t)w->d * (size_t)(w->d + 1);
}

static void solve_all(const work *w, int slope) {
    const goss__grid *g = w->g;
    const int folds = w->t->folds;
    const size_t n = (size_t)w->d * (size_t)(w->d + 1);
    for (int level = 0; level < g->levels; level++)
        for (int without = 0; without <= folds; without++) {
            double *left = sums_of(w, folds, level);
            memset(left, 0, n * sizeof *left);
            for (int f = 0; f < folds; f++)
                for (size_t i = 0; f != without && i < n; i++) left[i] += sums_of(w, f, level)[i];
            for (int pull = 0; pull < g->pulls; pull++) {
                const size_t at = (size_t)(without * goss__grid_size(g) + goss__grid_at(g, slope, level, pull));
                solve(left, w->d, g->pull[pull], w->square, w->out + at * (size_t)w->d);
            }
        }
}

static goss_status run(const work *w, goss_error *err) {
    const goss__training *t = w->t;
    for (int slope = 0; slope < w->g->slopes; slope++) {
        memset(w->sums, 0, (size_t)((t->folds + 1) * w->g->levels * w->d) * (size_t)(w->d + 1) * sizeof *w->sums);
        for (int k = 0; k < t->n; k++) {
            goss__shrink s;
            products p = w->p;
            goss_status status = goss__shrink_open(&s, t->task[k].x, t->task[k].n, w->d - 1, err);
            if (status == GOSS_OK) {
                goss__shrink_factor(&s, w->g->slope[slope]);
                multiply(&s, &t->task[k], t->y[k], &p);
                for (int level = 0; level < w->g->levels; level++)
                    add(&p, w->d, w->g->level[level], sums_of(w, t->fold[k], level));
            }
            goss__shrink_close(&s);
            GOSS_TRY(status);
        }
        solve_all(w, slope);
    }
    return GOSS_OK;
}

goss_status goss__priors_numbers(const goss__training *t, const goss__grid *g, double *out, goss_error *err) {
    work w = {.t = t, .g = g, .d = 1 + t->b->width, .out = out};
    const size_t d = (size_t)w.d, square = d * d;
    size_t rows = 0;
    for (int k = 0; k < t->n; k++) rows = (size_t)t->task[k].n > rows ? (size_t)t->task[k].n : rows;
    const size_t sums = (size_t)((t->folds + 1) * g->levels) * d * (d + 1);
    double *memory = goss__calloc(2 * square + 2 * d + rows + sums, sizeof *memory);
    if (!memory) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the mean of %d tasks", t->n);
    w.p.zz = memory, w.square = w.p.zz + square, w.p.zy = w.square + square, w.p.z1 = w.p.zy + d;
    w.p.column = w.p.z1 + d, w.sums = w.p.column + rows;
    goss_status s = run(&w, err);
    goss__free(memory);
    return s;
}
