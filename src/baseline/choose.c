/* SPDX-License-Identifier: Apache-2.0 */
/* choose.c: which strengths serve support sets of which size: support sets are drawn from training tasks as in
 * evaluation, and the strengths with the best predictions of their queries are kept. m comes from folds without the
 * task. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "baseline/baseline.h"

enum { FOLDS = 5, DRAWS = 300, REPEATS = 4, QUERIES = 64 };

static const int sizes[GOSS__STRENGTHS] = {1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000, 2000};

/* ---- grids ---- */

/* Inputs are standardised and so are numbers to predict: a strength is the noise's variance by that of coefficients. */
static const goss__grid fine = {.slope = {.1, .3, 1, 3, 10, 30, 100, 300, 1000, 10000},
                                .level = {.003, .01, .03, .1, .3, 1, 3},
                                .pull = {0, 3, 30},
                                .slopes = 10,
                                .levels = 7,
                                .pulls = 3};
static const goss__grid coarse = {
    .slope = {1, 10, 100, 1000}, .level = {.03, .3}, .pull = {0, 10}, .slopes = 4, .levels = 2, .pulls = 2};
static const goss__grid classes = {
    .slope = {.3, 1, 3, 10, 30, 100}, .level = {.1, .3, 1}, .pull = {0}, .slopes = 6, .levels = 3, .pulls = 1};
static const goss__grid classes_coarse = {
    .slope = {1, 10, 100}, .level = {.3}, .pull = {0}, .slopes = 3, .levels = 1, .pulls = 1};
static const double ridge_slopes[] = {.001, .01, .03, .1, .3, 1, 3, 10, 30, 100, 300, 1000};
static const double ridge_levels[] = {.1, .3, 1, 3}; /* with classes; the constant of numbers is free */
enum { SLOPES = sizeof ridge_slopes / sizeof *ridge_slopes, LEVELS = 4, RIDGES = SLOPES * LEVELS };

/* Wide tables and many rows of classes would take minutes for the last digit of a strength. */
static const goss__grid *grid_for(const goss__training *t) {
    double rows = 0;
    for (int k = 0; k < t->n; k++) rows += t->task[k].n;
    if (t->b->classes) return rows * t->b->classes * (1 + t->b->width) > 2e5 ? &classes_coarse : &classes;
    return t->b->width > 60 ? &coarse : &fine;
}

static int ridges(const goss_baselines *b) { return b->classes ? RIDGES : SLOPES; }

static goss__strength ridge_at(const goss_baselines *b, int i) {
    return (goss__strength){b->classes ? ridge_levels[i / SLOPES] : 0, ridge_slopes[i % SLOPES], NULL};
}

/* ---- draws ---- */

typedef struct drawn {
    goss_rows support, query;
    double *sy, *qy; /* targets in the units of baseline.h */
} drawn;

typedef struct choice {
    const goss__training *t;
    const goss__grid *g;
    const double *priors; /* as goss__priors_numbers gives them */
    bool ordered;
    goss__rng rng;
    drawn d;
    uint32_t *order;             /* [rows of the largest task] */
    double *w, *out;             /* coefficients; predictions of the queries */
    double *error, *ridge_error; /* [grid], [RIDGES] */
} choice;

static void take(const choice *c, int task, const uint32_t *which, int n, goss_rows *rows, double *y) {
    const goss_rows *from = &c->t->task[task];
    const size_t width = (size_t)c->t->b->width;
    double *x = (double *)rows->x; /* our own memory */
    rows->n = n;
    for (int i = 0; i < n; i++) {
        memcpy(x + (size_t)i * width, from->x + which[i] * width, width * sizeof *x);
        y[i] = c->t->y[task][which[i]];
    }
}

/* `size` support rows and up to QUERIES of the others; in order those are spread evenly over all that follow. */
static void draw(choice *c, int task, int size) {
    const int n = c->t->task[task].n, left = n - size, queries = left < QUERIES ? left : QUERIES;
    for (int i = 0; i < n; i++) c->order[i] = (uint32_t)i;
    if (!c->ordered) goss__rng_shuffle(&c->rng, c->order, (uint32_t)n, (uint32_t)(size + queries));
    for (int i = 0; c->ordered && i < queries; i++) c->order[size + i] = (uint32_t)(size + (int64_t)i * left / queries);
    take(c, task, c->order, size, &c->d.support, c->d.sy);
    take(c, task, c->order + size, queries, &c->d.query, c->d.qy);
}

/* Root mean squared error, or log loss. */
static double error_of(const choice *c, const double *w) {
    const goss_baselines *b = c->t->b;
    const int k = goss__outputs(b);
    double sum = 0;
    goss__linear(w, b->width, k, b->classes > 0, &c->d.query, c->out);
    for (int i = 0; i < c->d.query.n; i++) {
        const double *y = c->out + (size_t)i * (size_t)k;
        if (b->classes)
            sum -= log(fmax(y[(int)c->d.qy[i]], 1e-15));
        else
            sum += (y[0] - c->d.qy[i]) * (y[0] - c->d.qy[i]);
    }
    return b->classes ? sum / c->d.query.n : sqrt(sum / c->d.query.n);
}

static const double *prior(const choice *c, int fold, int at) {
    return c->priors + (size_t)(fold * goss__grid_size(c->g) + at) * goss__coefficients(c->t->b);
}

/* Adds the errors of every strength on what was drawn. */
static goss_status try_all(choice *c, int fold, goss_error *err) {
    const goss__grid *g = c->g;
    goss__fitting f;
    goss_status s = goss__fitting_open(&f, c->t->b, &c->d.support, c->d.sy, err);
    for (int i = 0; s == GOSS_OK && i < ridges(c->t->b); i++) {
        const goss__strength ridge = ridge_at(c->t->b, i);
        goss__fit(&f, &ridge, c->w);
        c->ridge_error[i] += error_of(c, c->w);
    }
    for (int i = 0; s == GOSS_OK && i < goss__grid_size(g); i++) {
        const int slope = i / (g->levels * g->pulls), level = i / g->pulls % g->levels;
        const goss__strength mean = {g->level[level], g->slope[slope], prior(c, fold, i)};
        goss__fit(&f, &mean, c->w);
        c->error[i] += error_of(c, c->w);
    }
    goss__fitting_close(&f);
    return s;
}

/* ---- the choice ---- */

static int least(const double *error, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (error[i] < error[best]) best = i;
    return best;
}

static goss_status keep(const choice *c, int size, goss_baselines *b, goss_error *err) {
    const goss__grid *g = c->g;
    const int at = least(c->error, goss__grid_size(g));
    const size_t bytes = goss__coefficients(b) * sizeof(double);
    double *m = goss__alloc(bytes);
    if (!m) return goss_error_set(err, GOSS_E_NOMEM, "no memory for coefficients");
    memcpy(m, prior(c, c->t->folds, at), bytes);
    b->chosen[b->n++] =
        (goss__chosen){.support = size,
                       .ridge = ridge_at(b, least(c->ridge_error, ridges(b))),
                       .mean = {g->level[at / g->pulls % g->levels], g->slope[at / (g->levels * g->pulls)], m}};
    return GOSS_OK;
}

/* Draws from every task that has more rows, in turns, until there are enough. false: no task has. */
static goss_status choose_size(choice *c, int size, goss_baselines *b, bool *any, goss_error *err) {
    int draws = 0;
    memset(c->error, 0, (size_t)goss__grid_size(c->g) * sizeof *c->error);
    memset(c->ridge_error, 0, RIDGES * sizeof *c->ridge_error);
    for (int repeat = 0; repeat < (c->ordered ? 1 : REPEATS); repeat++)
        for (int k = 0; k < c->t->n && draws < DRAWS; k++) {
            if (c->t->task[k].n <= size) continue;
            draw(c, k, size);
            GOSS_TRY(try_all(c, c->t->fold[k], err));
            draws++;
        }
    *any = draws > 0;
    return *any ? keep(c, size, b, err) : GOSS_OK;
}

/* Without training tasks, or where none has two rows: strengths of 1 towards 0. */
static goss_status choose_nothing(goss_baselines *b, goss_error *err) {
    double *m = goss__calloc(goss__coefficients(b), sizeof *m);
    if (!m) return goss_error_set(err, GOSS_E_NOMEM, "no memory for coefficients");
    b->chosen[b->n++] = (goss__chosen){
        .support = 1, .ridge = {b->classes ? 1 : 0, 1, NULL}, .mean = {.level = 1, .slope = 1, .towards = m}};
    return GOSS_OK;
}

static goss_status choose(choice *c, goss_baselines *b, int most_support, goss_error *err) {
    bool any = true;
    for (int i = 0; any && i < GOSS__STRENGTHS && sizes[i] <= most_support; i++)
        GOSS_TRY(choose_size(c, sizes[i], b, &any, err));
    return b->n ? GOSS_OK : choose_nothing(b, err);
}

/* Tasks go to folds in turns, after a shuffle. */
static void deal(int *fold, uint32_t *order, int n, int folds, uint64_t seed) {
    goss__rng rng = goss__rng_make(seed, goss__hash64("baseline folds", 14, 0));
    for (int i = 0; i < n; i++) order[i] = (uint32_t)i;
    goss__rng_shuffle(&rng, order, (uint32_t)n, (uint32_t)n);
    for (int i = 0; i < n; i++) fold[order[i]] = i % folds;
}

goss_status goss__choose(goss_baselines *b, const goss_rows *tasks, const double *const *y, int n_tasks,
                         const goss_baselines_options *o, goss_error *err) {
    if (n_tasks < 2) return choose_nothing(b, err);
    size_t most = (size_t)n_tasks;
    for (int k = 0; k < n_tasks; k++) most = (size_t)tasks[k].n > most ? (size_t)tasks[k].n : most;
    goss__training t = {.b = b, .task = tasks, .y = y, .n = n_tasks};
    t.folds = b->classes ? 3 : FOLDS;
    t.folds = n_tasks < t.folds ? n_tasks : t.folds;
    choice c = {.t = &t, .g = grid_for(&t), .ordered = o->ordered};
    c.rng = goss__rng_make(o->seed, goss__hash64("baseline draws", 14, 0));
    const size_t grid = (size_t)goss__grid_size(c.g), size = goss__coefficients(b), width = (size_t)b->width;
    const size_t priors = (size_t)(t.folds + 1) * grid * size;
    double *m = goss__calloc(priors + grid + RIDGES + size + most * (width + 1) +
                                 QUERIES * (width + 1 + (size_t)goss__outputs(b)),
                             sizeof *m);
    int *fold = goss__calloc((size_t)n_tasks, sizeof *fold);
    c.order = goss__calloc(most, sizeof *c.order);
    goss_status s =
        m && fold && c.order ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d tasks", n_tasks);
    if (s == GOSS_OK) {
        t.fold = fold, c.priors = m, c.error = m + priors, c.ridge_error = c.error + grid;
        c.w = c.ridge_error + RIDGES, c.d.support.x = c.w + size, c.d.sy = c.w + size + most * width;
        c.d.query.x = c.d.sy + most, c.d.qy = c.d.sy + most + QUERIES * width, c.out = c.d.qy + QUERIES;
        deal(fold, c.order, n_tasks, t.folds, o->seed);
        s = (b->classes ? goss__priors_classes : goss__priors_numbers)(&t, c.g, m, err);
    }
    if (s == GOSS_OK) s = choose(&c, b, o->most_support > 0 ? o->most_support : 200, err);
    goss__free(c.order), goss__free(fold), goss__free(m);
    return s;
}
