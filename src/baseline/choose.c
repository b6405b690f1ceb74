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
static const goss__grid *grid_for(const goss_rows *tasks, int n, int inputs, int n_classes) {
    double rows = 0;
    for (int k = 0; k < n; k++) rows += tasks[k].n;
    if (n_classes) return rows * n_classes * (1 + inputs) > 2e5 ? &classes_coarse : &classes;
    return inputs > 60 ? &coarse : &fine;
}

static int most_support_of(const goss_baselines_options *o) { return o->most_support > 0 ? o->most_support : 200; }

static int folds_for(int n_tasks, int n_classes) {
    const int most = n_classes ? 3 : FOLDS;
    return n_tasks < most ? n_tasks : most;
}

static int ridges(int n_classes) { return n_classes ? RIDGES : SLOPES; }

static goss__strength ridge_at(const goss_baselines *b, int i) {
    return (goss__strength){b->classes ? ridge_levels[i / SLOPES] : 0, ridge_slopes[i % SLOPES], NULL};
}

/* ---- draws ---- */

typedef struct choice {
    const goss__training *t;
    const goss__grid *g;
    const double *priors; /* as goss__priors_numbers gives them */
    bool ordered;
    goss__rng rng;
    uint32_t *order;     /* [rows of the largest task] */
    uint32_t *rows;      /* [DRAWS, size + QUERIES] of each draw's task: support, then queries */
    int *task, *queries; /* [DRAWS] */
    double *errors;      /* [DRAWS, grid + ridges] */
    goss_status status[DRAWS];
    int size, draws; /* of support sets; how many */
} choice;

static int strengths(const choice *c) { return goss__grid_size(c->g) + ridges(c->t->b->classes); }

/* `size` support rows and up to QUERIES of the others; in order those are spread evenly over all that follow. */
static void draw(choice *c, int task) {
    const int n = c->t->task[task].n, size = c->size, left = n - size, queries = left < QUERIES ? left : QUERIES;
    for (int i = 0; i < n; i++) c->order[i] = (uint32_t)i;
    if (!c->ordered) goss__rng_shuffle(&c->rng, c->order, (uint32_t)n, (uint32_t)(size + queries));
    for (int i = 0; c->ordered && i < queries; i++) c->order[size + i] = (uint32_t)(size + (int64_t)i * left / queries);
    memcpy(c->rows + (size_t)c->draws * (size_t)(size + QUERIES), c->order, (size_t)(size + queries) * sizeof *c->rows);
    c->task[c->draws] = task, c->queries[c->draws] = queries;
    c->draws++;
}

/* ---- errors ---- */

/* One draw while all strengths are tried on it. */
typedef struct trial {
    goss_rows support, query;
    double *sy, *qy;      /* targets in the units of baseline.h */
    double *placed, *out; /* queries' coordinates; their outputs */
    double *offset;       /* [support + queries, grid, outputs] of what is drawn towards */
    goss__dense dense;
    goss__fitting f;
    double *memory;
} trial;

static void take(const choice *c, int at, double *x, double *y) {
    const int task = c->task[at];
    const uint32_t *rows = c->rows + (size_t)at * (size_t)(c->size + QUERIES);
    const size_t width = (size_t)c->t->b->width;
    for (int i = 0; i < c->size + c->queries[at]; i++) {
        memcpy(x + (size_t)i * width, c->t->task[task].x + rows[i] * width, width * sizeof *x);
        y[i] = c->t->y[task][rows[i]];
    }
}

static const double *prior(const choice *c, int fold, int at) {
    return c->priors + (size_t)(fold * goss__grid_size(c->g) + at) * goss__coefficients(c->t->b);
}

static goss_status open_trial(const choice *c, int at, trial *r) {
    const goss_baselines *b = c->t->b;
    const size_t s = (size_t)c->size, q = (size_t)c->queries[at], width = (size_t)b->width;
    const size_t k = (size_t)goss__outputs(b), towards = k * (size_t)goss__grid_size(c->g);
    r->memory = goss__alloc(((s + q) * (width + 1 + towards) + q * (width + k)) * sizeof *r->memory);
    if (!r->memory) return GOSS_E_NOMEM;
    double *x = r->memory;
    r->sy = x + (s + q) * width, r->qy = r->sy + s, r->offset = r->sy + s + q;
    r->placed = r->offset + (s + q) * towards, r->out = r->placed + q * width;
    r->support = (goss_rows){.n = (int)s, .x = x}, r->query = (goss_rows){.n = (int)q, .x = x + s * width};
    take(c, at, x, r->sy);
    const goss_rows both = {.n = (int)(s + q), .x = x};
    goss__outputs_of(&r->dense, prior(c, c->t->fold[c->task[at]], 0), b->width, (int)towards, &both, r->offset,
                     (int)towards);
    GOSS_TRY(goss__fitting_open(&r->f, &r->dense, b, &r->support, r->sy, NULL));
    return goss__span_place(r->f.span, &r->dense, r->query.x, r->query.n, r->placed, NULL);
}

static void close_trial(trial *r) {
    if (r->memory) goss__fitting_close(&r->f);
    goss__free(r->memory);
}

/* Root mean squared error, or log loss, of changed coefficients; offset: rows that are `row` apart, NULL: 0. */
static double error_of(const trial *r, const double *offset, size_t row) {
    const int k = r->f.outputs;
    const goss_rows placed = {.n = r->query.n, .x = r->placed};
    double sum = 0;
    goss__outputs_of(&r->dense, r->f.change, r->f.span->rank, k, &placed, r->out, k);
    for (int i = 0; i < r->query.n; i++) {
        double *y = r->out + (size_t)i * (size_t)k;
        for (int o = 0; offset && o < k; o++) y[o] += offset[(size_t)i * row + (size_t)o];
        if (r->f.classes) goss__probabilities(y, k);
        sum += r->f.classes ? -log(fmax(y[(int)r->qy[i]], 1e-15)) : (y[0] - r->qy[i]) * (y[0] - r->qy[i]);
    }
    return r->f.classes ? sum / r->query.n : sqrt(sum / r->query.n);
}

static void begin_at_0(trial *r) {
    memset(r->f.change, 0, (size_t)r->f.outputs * ((size_t)r->f.span->rank + 1) * sizeof *r->f.change);
}

/* From the strongest on, each from where the last one ended: levels up and down, so that one number changes a time. */
static void try_ridges(const choice *c, trial *r, double *error) {
    const int levels = ridges(c->t->b->classes) / SLOPES;
    begin_at_0(r);
    for (int k = 0; k < SLOPES * levels; k++) {
        const int slope = SLOPES - 1 - k / levels, level = k / levels % 2 ? k % levels : levels - 1 - k % levels;
        const goss__strength ridge = ridge_at(c->t->b, level * SLOPES + slope);
        goss__fit_change(&r->f, ridge.level, ridge.slope, NULL, r->f.change);
        error[level * SLOPES + slope] = error_of(r, NULL, 0);
    }
}

static void try_means(const choice *c, trial *r, double *error) {
    const goss__grid *g = c->g;
    const size_t k = (size_t)r->f.outputs, row = k * (size_t)goss__grid_size(g), s = (size_t)r->support.n;
    for (int i = 0; i < goss__grid_size(g); i++) {
        const int slope = i / (g->levels * g->pulls), level = i / g->pulls % g->levels;
        const double *offset = r->offset + (size_t)i * k;
        for (size_t n = 0; n < s; n++) memcpy(r->f.offset + n * k, offset + n * row, k * sizeof *offset);
        begin_at_0(r);
        goss__fit_change(&r->f, g->level[level], g->slope[slope], r->f.offset, r->f.change);
        error[i] = error_of(r, offset + s * row, row);
    }
}

/* The errors of every strength on one draw. */
static void try_all(void *ctx, int64_t item, int worker) {
    choice *c = ctx;
    trial r = {.dense = goss__dense_alone(c->t->dense, worker)};
    double *error = c->errors + (size_t)item * (size_t)strengths(c);
    c->status[item] = open_trial(c, (int)item, &r);
    if (c->status[item] == GOSS_OK) try_means(c, &r, error);
    if (c->status[item] == GOSS_OK) try_ridges(c, &r, error + goss__grid_size(c->g));
    close_trial(&r);
}

/* ---- the choice ---- */

static int least(const double *error, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (error[i] < error[best]) best = i;
    return best;
}

static goss_status keep(const choice *c, const double *error, goss_baselines *b, goss_error *err) {
    const goss__grid *g = c->g;
    const int at = least(error, goss__grid_size(g));
    const size_t bytes = goss__coefficients(b) * sizeof(double);
    double *m = goss__alloc(bytes);
    if (!m) return goss_error_set(err, GOSS_E_NOMEM, "no memory for coefficients");
    memcpy(m, prior(c, c->t->folds, at), bytes);
    b->chosen[b->n++] =
        (goss__chosen){.support = c->size,
                       .ridge = ridge_at(b, least(error + goss__grid_size(g), ridges(b->classes))),
                       .mean = {g->level[at / g->pulls % g->levels], g->slope[at / (g->levels * g->pulls)], m}};
    return GOSS_OK;
}

/* Draws from every task that has more rows, in turns, until there are enough. */
static goss_status choose_size(choice *c, goss_baselines *b, goss_error *err) {
    const size_t n = (size_t)strengths(c);
    c->draws = 0;
    for (int repeat = 0; repeat < (c->ordered ? 1 : REPEATS); repeat++)
        for (int k = 0; k < c->t->n && c->draws < DRAWS; k++)
            if (c->t->task[k].n > c->size) draw(c, k);
    if (c->draws == 0) return GOSS_OK;
    goss__dense_run(c->t->dense, c->draws, try_all, c);
    for (int k = 0; k < c->draws; k++) {
        if (c->status[k] != GOSS_OK)
            return goss_error_set(err, GOSS_E_NOMEM, "no memory to choose strengths for %d rows", c->size);
        for (size_t i = 0; k && i < n; i++) c->errors[i] += c->errors[(size_t)k * n + i];
    }
    return keep(c, c->errors, b, err);
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
    c->draws = 1;
    for (int i = 0; c->draws && i < GOSS__STRENGTHS && sizes[i] <= most_support; i++) {
        c->size = sizes[i];
        GOSS_TRY(choose_size(c, b, err));
    }
    return b->n ? GOSS_OK : choose_nothing(b, err);
}

/* Tasks go to folds in turns, after a shuffle. */
static void deal(int *fold, uint32_t *order, int n, int folds, uint64_t seed) {
    goss__rng rng = goss__rng_make(seed, goss__hash64("baseline folds", 14, 0));
    for (int i = 0; i < n; i++) order[i] = (uint32_t)i;
    goss__rng_shuffle(&rng, order, (uint32_t)n, (uint32_t)n);
    for (int i = 0; i < n; i++) fold[order[i]] = i % folds;
}

goss_status goss__choose(goss_baselines *b, const goss__dense *d, const goss_rows *tasks, const double *const *y,
                         int n_tasks, int inputs, const goss_baselines_options *o, goss_error *err) {
    if (n_tasks < 2) return choose_nothing(b, err);
    size_t most = (size_t)n_tasks;
    for (int k = 0; k < n_tasks; k++) most = (size_t)tasks[k].n > most ? (size_t)tasks[k].n : most;
    const int most_support = most_support_of(o);
    goss__training t = {.b = b, .task = tasks, .y = y, .n = n_tasks, .inputs = inputs, .dense = d};
    t.folds = folds_for(n_tasks, b->classes);
    choice c = {.t = &t, .g = grid_for(tasks, n_tasks, inputs, b->classes), .ordered = o->ordered};
    c.rng = goss__rng_make(o->seed, goss__hash64("baseline draws", 14, 0));
    const size_t priors = (size_t)((t.folds + 1) * goss__grid_size(c.g)) * goss__coefficients(b);
    double *m = goss__calloc(priors + (size_t)DRAWS * (size_t)strengths(&c), sizeof *m);
    int *fold = goss__calloc((size_t)n_tasks + 2 * DRAWS, sizeof *fold);
    const size_t rows = (size_t)DRAWS * ((size_t)most_support + QUERIES);
    c.order = goss__calloc(most + rows, sizeof *c.order);
    goss_status s =
        m && fold && c.order ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d tasks", n_tasks);
    if (s == GOSS_OK) {
        t.fold = fold, c.task = fold + n_tasks, c.queries = c.task + DRAWS;
        c.priors = m, c.errors = m + priors, c.rows = c.order + most;
        deal(fold, c.order, n_tasks, t.folds, o->seed);
        s = (b->classes ? goss__priors_classes : goss__priors_numbers)(&t, c.g, m, err);
    }
    if (s == GOSS_OK) s = choose(&c, b, most_support, err);
    goss__free(c.order), goss__free(fold), goss__free(m);
    return s;
}

/* ---- how long it takes, and how much is kept ---- */

/* Iterations of the logistic fits as they were counted: of two classes they are Newton's. What a row and a class take
 * in each beside products, exponentials above all, is about as much as OTHER multiplications for each of four. */
enum { STEPS_OF_TWO = 8, STEPS = 18, POOL_STEPS = 25, TURNS = 6, OTHER = 40 };

typedef struct extent {
    double rows, width, outputs, grid, folds, strengths, factors;
    bool classes;
} extent;

static double least_of(double a, double b) { return a < b ? a : b; }

/* A logistic fit of n rows in q coordinates: its steps, and the metrics that they use in turn. */
static double logistic_fit(const extent *e, double n, double q, double steps) {
    const double interval = fmax(2, q / (16 * e->outputs));
    return steps * 4 * n * (q + OTHER) * e->outputs + (1 + steps / (2 * interval)) * (n * q * q / 2 + q * q * q / 6);
}

/* Fits of n rows in q coordinates, of so many strengths. */
static double fits(const extent *e, double n, double q, double strengths) {
    if (e->classes) return strengths * logistic_fit(e, n, q, e->outputs > 2 ? STEPS : STEPS_OF_TWO);
    return n * q * q / 2 + e->factors * q * q * q / 6 + strengths * (q * q + n * q);
}

static double work_of_means(const extent *e, const goss_rows *tasks, int n) {
    const double d = e->width + 1, all = e->rows * d * d / 2;
    double tasks_alone = 0;
    for (int k = 0; k < n; k++) {
        const double rows = tasks[k].n, q = least_of(rows, d);
        tasks_alone += e->classes ? TURNS * (2 * rows * d * e->outputs + fits(e, rows, q, 1)) : q * q * d;
    }
    if (!e->classes) return e->factors * (all + tasks_alone) + (e->folds + 1) * e->grid * d * d * d / 6;
    return (e->folds + 1) * (logistic_fit(e, e->rows, d, POOL_STEPS) + e->grid * tasks_alone);
}

static double work_of_draws(const extent *e, const goss_rows *tasks, int n, int most_support) {
    double sum = 0;
    for (int i = 0; i < GOSS__STRENGTHS && sizes[i] <= most_support; i++) {
        const double s = sizes[i], q = least_of(s, e->width);
        double draws = 0;
        for (int k = 0; k < n; k++) draws += tasks[k].n > sizes[i] ? REPEATS : 0;
        sum += least_of(draws, DRAWS) * ((s + QUERIES) * e->width * (e->grid * e->outputs + s) +
                                         fits(e, s, q, e->strengths) + e->strengths * QUERIES * q * e->outputs);
    }
    return sum;
}

double goss_baselines_work(const goss_rows *tasks, int n_tasks, const goss_baselines_options *options) {
    const goss_baselines_options o = options ? *options : goss_baselines_defaults();
    const goss__grid *g = grid_for(tasks, n_tasks, o.width, o.classes);
    extent e = {.width = o.width, .outputs = o.classes ? o.classes : 1, .classes = o.classes > 0};
    double reduction = 0;
    for (int k = 0; k < n_tasks; k++) e.rows += tasks[k].n;
    if (e.rows < e.width) reduction = e.rows * e.rows * (e.width + e.rows) / 2, e.width = e.rows;
    e.grid = goss__grid_size(g), e.folds = folds_for(n_tasks, o.classes), e.factors = g->slopes * g->levels;
    e.strengths = e.grid + ridges(o.classes);
    return reduction + work_of_means(&e, tasks, n_tasks) + work_of_draws(&e, tasks, n_tasks, most_support_of(&o));
}

double goss_baselines_numbers(const goss_baselines_options *options) {
    const goss_baselines_options o = options ? *options : goss_baselines_defaults();
    int n = 0;
    while (n < GOSS__STRENGTHS && sizes[n] <= most_support_of(&o)) n++;
    return (double)n * (o.classes ? o.classes : 1) * (1.0 + o.width);
}
