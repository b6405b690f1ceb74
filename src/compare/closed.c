/* SPDX-License-Identifier: Apache-2.0 */
/* closed.c: closed forms for rows of tables (baseline.h) under the protocol of a comparison: strengths by validation
 * samples, then coefficients once more from training and validation samples together.
 *
 *   ridge         |y - c - X w|^2 + slope |w|^2 for each task alone, the strength the same for all
 *   mean-ridge    the same drawn towards the mean of the tasks (Evgeniou and Pontil 2004), w and c with one strength
 *   mean-ridge-2  with a strength each for w and c, and a third one that draws the mean's w to 0
 *   pooled-ridge  one for the rows of all tasks
 * Inputs and targets are standardised as models see them; classes are multinomial logistic. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "baseline/baseline.h"
#include "compare/compare.h"
#include "task/task_noise.h"
#include "train/run_data.h"

const char goss__closed_forms[] = "mean-ridge, mean-ridge-2, ridge, pooled-ridge";

/* ---- rows as numbers ---- */

/* What a source draws as queries, of every task that has a number. */
typedef struct rows {
    goss_rows *task; /* [tasks] y: raw targets, or class numbers */
    double **y;      /* [tasks] standardised */
    char **name;
    int tasks, width, classes;
    double mean, deviation;
} rows;

static void free_rows(rows *r) {
    for (int k = 0; k < r->tasks; k++) {
        goss__free((double *)r->task[k].x), goss__free((double *)r->task[k].y);
        goss__free(r->y[k]), goss__free(r->name[k]);
    }
    goss__free(r->task), goss__free(r->y), goss__free(r->name);
    *r = (rows){0};
}

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for rows"); }

static goss_status take_task(rows *r, int k, const float *x, const float *y, int n, const char *name, goss_error *err) {
    const size_t all = (size_t)n * (size_t)r->width;
    double *to_x = goss__calloc(all + 1, sizeof *to_x), *to_y = goss__calloc((size_t)n + 1, sizeof *to_y);
    double *own = goss__calloc((size_t)n + 1, sizeof *own);
    r->task[k] = (goss_rows){.n = n, .x = to_x, .y = to_y};
    r->y[k] = own;
    if (!r->name[k]) r->name[k] = goss__strdup(name);
    if (!to_x || !to_y || !own || !r->name[k]) return no_memory(err);
    for (size_t i = 0; i < all; i++) to_x[i] = (double)x[i];
    for (int i = 0; i < n; i++) {
        to_y[i] = (double)y[i];
        own[i] = r->classes ? to_y[i] : (to_y[i] - r->mean) / r->deviation;
    }
    return GOSS_OK;
}

/* Source tasks without such rows are not drawn: their rows stay empty. */
static goss_status take_rows(rows *r, const goss_task_source *s, int tasks, goss_error *err) {
    const goss_task_spec *spec = &s->spec;
    const size_t q = (size_t)spec->queries + 1;
    *r = (rows){.width = (int)goss_task_input_size(spec),
                .classes = goss_task_objective(spec)->classes ? spec->outputs : 0,
                .deviation = 1};
    if (spec->scale.mean) r->mean = (double)*spec->scale.mean, r->deviation = (double)*spec->scale.deviation;
    r->task = goss__calloc((size_t)tasks + 1, sizeof *r->task), r->y = goss__calloc((size_t)tasks + 1, sizeof *r->y);
    r->name = goss__calloc((size_t)tasks + 1, sizeof *r->name);
    float *x = goss__calloc(q * (size_t)r->width, sizeof *x), *y = goss__calloc(q, sizeof *y);
    goss_status status = r->task && r->y && r->name && x && y ? GOSS_OK : no_memory(err);
    if (status == GOSS_OK) r->tasks = tasks;
    for (int64_t k = 0; status == GOSS_OK && k < s->tasks; k++) {
        goss_task t = {.query = x, .query_target = y, .outputs = spec->outputs};
        s->draw(s, (uint64_t)k, &t);
        status = take_task(r, (int)t.id, x, y, t.queries, s->name(s, (uint64_t)k), err);
    }
    goss__free(x), goss__free(y);
    return status;
}

/* ---- what is chosen from ---- */

static const goss__grid numbers = {.slope = {.1, .3, 1, 3, 10, 30, 60, 100, 200, 300, 500, 1000, 3000, 10000},
                                   .level = {.003, .01, .03, .1, .3, 1, 3, 10, 30},
                                   .pull = {0, 3, 30},
                                   .slopes = 14,
                                   .levels = 9,
                                   .pulls = 3};
static const goss__grid classes = {
    .slope = {.3, 1, 3, 10, 30, 100, 300}, .level = {.1, .3, 1, 3}, .pull = {0}, .slopes = 7, .levels = 4, .pulls = 1};
static const goss__grid many_classes = {
    .slope = {1, 10, 100}, .level = {.3, 3}, .pull = {0}, .slopes = 3, .levels = 2, .pulls = 1};
static const goss__grid wide = {
    .slope = {1, 10, 100, 1000}, .level = {.03, .3, 3}, .pull = {0, 10}, .slopes = 4, .levels = 3, .pulls = 2};

/* Of one strength: the pairs of equal numbers count. */
#define ONE_NUMBER                                                                                                     \
    { .1, .3, 1, 3, 10, 20, 40, 80, 120, 170, 250, 350, 500, 1000, 3000 }
static const goss__grid one_number = {
    .slope = ONE_NUMBER, .level = ONE_NUMBER, .pull = {0}, .slopes = 15, .levels = 15, .pulls = 1};
static const goss__grid one_class = {
    .slope = {.3, 1, 3, 10, 30}, .level = {.3, 1, 3, 10, 30}, .pull = {0}, .slopes = 5, .levels = 5, .pulls = 1};
static const goss__grid one_of_many = {
    .slope = {1, 5, 30}, .level = {1, 5, 30}, .pull = {0}, .slopes = 3, .levels = 3, .pulls = 1};

/* Wide tables and many rows of classes would take minutes. */
static const goss__grid *grid_for(const rows *r, bool one) {
    double n = 0;
    for (int k = 0; k < r->tasks; k++) n += r->task[k].n;
    const bool many = n * r->classes * (1 + r->width) > 1e6;
    if (one) return many ? &one_of_many : r->classes ? &one_class : &one_number;
    if (r->classes) return many ? &many_classes : &classes;
    return r->width > 60 ? &wide : &numbers;
}

static goss__strength strength_at(const goss__grid *g, int at) {
    return (goss__strength){g->level[at / g->pulls % g->levels], g->slope[at / (g->levels * g->pulls)], NULL};
}

/* ---- answers ---- */

/* Evaluates a form for a task's rows: its coefficients for every strength of the grid. */
typedef struct form {
    const goss__dense *dense;
    const goss_baselines *b;
    const goss__grid *g;
    const rows *from;
    const double *mean; /* [grid, coefficients] what tasks are drawn towards; NULL: 0 */
    bool one;           /* strength for slopes and constants alike */
    bool all;           /* one for all tasks */
} form;

static goss__strength strength_of(const form *f, int at) {
    goss__strength s = strength_at(f->g, at);
    if (f->mean) s.towards = f->mean + (size_t)at * goss__coefficients(f->b);
    if (!f->mean && !f->b->classes) s.level = 0; /* the constant of numbers is free */
    return s;
}

/* Whether a strength of the grid is one of the form's, and differs from those before it. */
static bool is_new(const form *f, int at) {
    const int pull = at % f->g->pulls, level = at / f->g->pulls % f->g->levels;
    if (f->one) return level == at / (f->g->pulls * f->g->levels);
    return f->mean || (pull == 0 && (f->b->classes > 0 || level == 0));
}

/* Adds one task's metric, of outputs [n, k] in standard units or as probabilities. */
static goss_status judge(const form *f, const rows *test, int k, const double *out, const goss_metric *metric,
                         goss__judged *to, double *value, goss_error *err) {
    const goss_rows *t = &test->task[k];
    const int w = goss__outputs(f->b);
    const size_t n = (size_t)t->n;
    float *memory = goss__calloc(n * (size_t)(w + 3) + 2, sizeof *memory), *y = memory + n * (size_t)w;
    if (!memory) return no_memory(err);
    for (size_t i = 0; i < n * (size_t)w; i++)
        memory[i] = (float)(f->b->classes ? log(fmax(out[i], 1e-15)) : out[i] * test->deviation + test->mean);
    for (size_t i = 0; i < n; i++) y[i] = (float)t->y[i];
    const goss_answers a = {.count = t->n, .outputs = w, .output = memory, .target = y, .scratch = y + n};
    *value = metric->value(&a);
    goss_status s = to ? goss__judged_add(to, k, test->name[k], &a, err) : GOSS_OK;
    goss__free(memory);
    return s;
}

/* All rows as one task. */
static goss_status pool(const rows *r, goss_rows *out, double **y, goss_error *err) {
    size_t n = 0;
    const size_t width = (size_t)r->width;
    for (int k = 0; k < r->tasks; k++) n += (size_t)r->task[k].n;
    double *x = goss__calloc(n * width + 1, sizeof *x);
    *y = goss__calloc(n + 1, sizeof **y);
    *out = (goss_rows){.n = (int)n, .x = x};
    if (!x || !*y) return no_memory(err);
    n = 0;
    for (int k = 0; k < r->tasks; k++) {
        const size_t own = (size_t)r->task[k].n;
        memcpy(x + n * width, r->task[k].x, own * width * sizeof *x);
        memcpy(*y + n, r->y[k], own * sizeof **y);
        n += own;
    }
    return GOSS_OK;
}

/* For one set of coefficients: tasks `first` to `last` of test. values [grid, tasks]. at: a strength, -1: all. */
static goss_status answer(const form *f, const goss_rows *train, const double *y, const rows *test, int first, int last,
                          int at, const goss_metric *metric, goss__judged *to, double *values, goss_error *err) {
    int most = 1;
    for (int k = first; k < last; k++) most = test->task[k].n > most ? test->task[k].n : most;
    const size_t size = goss__coefficients(f->b);
    double *w = goss__calloc(size + (size_t)most * (size_t)goss__outputs(f->b), sizeof *w);
    goss__fitting fitting;
    if (!w) return no_memory(err);
    goss_status s = goss__fitting_open(&fitting, f->dense, f->b, train, y, err);
    for (int i = at < 0 ? 0 : at; s == GOSS_OK && i < (at < 0 ? goss__grid_size(f->g) : at + 1); i++) {
        const goss__strength strength = strength_of(f, i);
        if (at < 0 && !is_new(f, i)) continue;
        goss__fit(&fitting, &strength, w);
        for (int k = first; s == GOSS_OK && k < last; k++) {
            if (test->task[k].n == 0) continue;
            goss__linear(w, f->b->width, goss__outputs(f->b), f->b->classes > 0, &test->task[k], w + size);
            s = judge(f, test, k, w + size, metric, to, &values[(size_t)i * (size_t)test->tasks + (size_t)k], err);
        }
    }
    goss__fitting_close(&fitting);
    goss__free(w);
    return s;
}

static goss_status answer_all(const form *f, const rows *test, int at, const goss_metric *metric, goss__judged *to,
                              double *values, goss_error *err) {
    goss_status s = GOSS_OK;
    if (f->all) {
        goss_rows one = {0};
        double *y = NULL;
        s = pool(f->from, &one, &y, err);
        if (s == GOSS_OK) s = answer(f, &one, y, test, 0, test->tasks, at, metric, to, values, err);
        goss__free((double *)one.x), goss__free(y);
        return s;
    }
    for (int k = 0; s == GOSS_OK && k < test->tasks; k++)
        s = answer(f, &f->from->task[k], f->from->y[k], test, k, k + 1, at, metric, to, values, err);
    return s;
}

/* The strength of the grid with the best mean over tasks. */
static int best_of(const form *f, const rows *test, const goss_metric *metric, const double *values, double *value) {
    int best = -1;
    for (int i = 0; i < goss__grid_size(f->g); i++) {
        double sum = 0;
        int n = 0;
        for (int k = 0; k < test->tasks; k++) {
            const double v = values[(size_t)i * (size_t)test->tasks + (size_t)k];
            if (!isnan(v)) sum += v, n++;
        }
        if (n && is_new(f, i) && (best < 0 || goss_metric_better(metric, sum / n, *value))) best = i, *value = sum / n;
    }
    return best;
}

/* ---- the mean of the tasks ---- */

/* For the strengths of a grid, whose last part of `out` is the mean of all tasks: out [2, grid, coefficients]. */
static goss_status means_of(const form *f, const goss__grid *g, const rows *r, const int *fold, double *out,
                            goss_error *err) {
    const goss__training t = {.b = f->b,
                              .task = r->task,
                              .y = (const double *const *)r->y,
                              .fold = fold,
                              .n = r->tasks,
                              .folds = 1,
                              .inputs = f->b->width,
                              .dense = f->dense};
    return (f->b->classes ? goss__priors_classes : goss__priors_numbers)(&t, g, out, err);
}

/* Of one strength alone. */
static goss_status mean_at(const form *f, int at, const rows *r, const int *fold, double *work, double *out,
                           goss_error *err) {
    const size_t size = goss__coefficients(f->b);
    const goss__grid *g = f->g;
    const goss__strength s = strength_at(g, at);
    const goss__grid one = {
        .slope = {s.slope}, .level = {s.level}, .pull = {g->pull[at % g->pulls]}, .slopes = 1, .levels = 1, .pulls = 1};
    memset(work, 0, 2 * size * sizeof *work);
    GOSS_TRY(means_of(f, &one, r, fold, work, err));
    memcpy(out + (size_t)at * size, work + size, size * sizeof *out);
    return GOSS_OK;
}

/* *out [grid, coefficients]: what tasks are drawn towards, for the strengths of the form. */
static goss_status find_mean(const form *f, const rows *r, double **out, goss_error *err) {
    const size_t size = goss__coefficients(f->b), grid = (size_t)goss__grid_size(f->g) * size;
    int *fold = goss__calloc((size_t)r->tasks + 1, sizeof *fold);
    double *means = *out = goss__calloc(2 * grid + 2 * size, sizeof *means);
    goss_status s = fold && means ? GOSS_OK : no_memory(err);
    if (s == GOSS_OK && !f->one) {
        s = means_of(f, f->g, r, fold, means, err);
        if (s == GOSS_OK) memmove(means, means + grid, grid * sizeof *means);
    }
    for (int i = 0; s == GOSS_OK && f->one && i < goss__grid_size(f->g); i++)
        if (is_new(f, i)) s = mean_at(f, i, r, fold, means + 2 * grid, means, err);
    goss__free(fold);
    return s;
}

/* ---- under the protocol ---- */

typedef struct opened {
    goss__run_settings set;
    goss__run_data data;
    rows train, other; /* other: validation or test rows */
    goss__dense dense;
} opened;

static void close_opened(opened *o) {
    free_rows(&o->train), free_rows(&o->other);
    goss__run_data_close(&o->data);
    goss__dense_close(&o->dense);
}

/* A closed form predicts one number per target, without a variance or quantiles. */
static goss_status check_metric(const goss__run_data *d, goss_error *err) {
    if (d->source.spec.partial)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.horizon lists several horizons, and closed forms forecast one: leave them out by "
                              "compare.closed=none");
    if (!d->metric->variance) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "task.metric = %s: closed forms do not say how sure they are: leave them out by "
                          "compare.closed=none",
                          d->metric->name);
}

static goss_status take_test_rows(opened *o, goss_error *err) {
    goss_task_source source;
    GOSS_TRY(goss__run_data_test(&o->data, &source, err));
    goss_status s = take_rows(&o->other, &source, (int)o->data.source.tasks, err);
    goss_task_source_free(&source);
    return s;
}

/* The test rows with noise in place of what they were. */
static goss_status take_noisy_rows(opened *o, double level, goss_error *err) {
    goss_task_source clean, noisy;
    free_rows(&o->other);
    GOSS_TRY(goss__run_data_test(&o->data, &clean, err));
    goss_status s = goss__task_noise(&clean, level, o->data.seed, &noisy, err);
    if (s == GOSS_OK) s = take_rows(&o->other, &noisy, (int)o->data.source.tasks, err), goss_task_source_free(&noisy);
    goss_task_source_free(&clean);
    return s;
}

static goss_status open_rows(const goss_config *c, bool test, opened *o, goss_error *err) {
    *o = (opened){0};
    GOSS_TRY(goss__run_settings_read(c, &o->set, err));
    GOSS_TRY(goss__run_data_open(&o->data, &o->set, &(goss__run_place){.bare = true}, err));
    const int tasks = (int)o->data.source.tasks;
    goss_status s = check_metric(&o->data, err);
    if (s == GOSS_OK) s = goss__dense_open(&o->dense, o->set.run.threads, err);
    if (s == GOSS_OK) s = take_rows(&o->train, &o->data.source, tasks, err);
    if (s == GOSS_OK) s = test ? take_test_rows(o, err) : take_rows(&o->other, &o->data.validation, tasks, err);
    if (s != GOSS_OK) close_opened(o);
    return s;
}

typedef struct wanted {
    bool mean, one, all;
} wanted;

static goss_status prepare(const wanted *w, const opened *o, const goss__grid *g, goss_baselines *b, form *f,
                           double **mean, goss_error *err) {
    *b = (goss_baselines){.width = o->train.width, .classes = o->train.classes, .scale = 1};
    *f = (form){.dense = &o->dense,
                .b = b,
                .g = g ? g : grid_for(&o->train, w->one),
                .from = &o->train,
                .one = w->one,
                .all = w->all};
    *mean = NULL;
    if (w->mean) GOSS_TRY(find_mean(f, &o->train, mean, err));
    f->mean = *mean;
    return GOSS_OK;
}

static double *nothing_yet(const form *f, int tasks) {
    const size_t n = (size_t)goss__grid_size(f->g) * (size_t)tasks;
    double *v = goss__calloc(n + 1, sizeof *v);
    for (size_t i = 0; v && i < n; i++) v[i] = NAN;
    return v;
}

static goss_status choose(const wanted *w, const goss_config *c, const goss__grid **g, int *best, goss__trial *out,
                          goss_error *err) {
    opened o;
    goss_baselines b;
    form f;
    double *mean, *values;
    GOSS_TRY(open_rows(c, false, &o, err));
    out->hash = o.data.hash, out->metric = o.data.metric;
    goss_status s = prepare(w, &o, NULL, &b, &f, &mean, err);
    values = nothing_yet(&f, o.other.tasks);
    if (s == GOSS_OK && !values) s = no_memory(err);
    if (s == GOSS_OK) s = answer_all(&f, &o.other, -1, out->metric, NULL, values, err);
    if (s == GOSS_OK && (*best = best_of(&f, &o.other, out->metric, values, &out->validation)) < 0)
        s = goss_error_set(err, GOSS_E_NUMERIC, "%s is not defined for any task's validation rows", out->metric->name);
    *g = f.g;
    goss__free(values), goss__free(mean);
    close_opened(&o);
    return s;
}

/* Tasks without test rows have no value. */
static void leave_out_unanswered(goss__judged *j) {
    int n = 0;
    for (int k = 0; k < j->tasks; k++)
        if (j->name[k]) j->name[n] = j->name[k], j->value[n++] = j->value[k];
    j->tasks = n;
}

static goss_status answer_noisy(const form *f, opened *o, int best, double level, const goss_metric *metric,
                                double *mean, goss_error *err) {
    goss__judged judged = {0};
    GOSS_TRY(take_noisy_rows(o, level, err));
    double *values = nothing_yet(f, o->other.tasks);
    goss_status s =
        values ? goss__judged_open(&judged, metric, &o->data.source.spec, o->other.tasks, err) : no_memory(err);
    if (s == GOSS_OK) s = answer_all(f, &o->other, best, metric, &judged, values, err);
    leave_out_unanswered(&judged);
    *mean = goss__judged_mean(&judged);
    goss__judged_close(&judged);
    goss__free(values);
    return s;
}

static goss_status answer_test(const wanted *w, const goss_config *c, const goss__grid *g, int best,
                               const goss__noises *noises, goss__trial *out, goss_error *err) {
    opened o;
    goss_baselines b;
    form f;
    double *mean, *values;
    GOSS_TRY(open_rows(c, true, &o, err));
    goss_status s = prepare(w, &o, g, &b, &f, &mean, err);
    values = nothing_yet(&f, o.other.tasks);
    if (s == GOSS_OK && !values) s = no_memory(err);
    if (s == GOSS_OK) s = goss__judged_open(&out->test, out->metric, &o.data.source.spec, o.other.tasks, err);
    if (s == GOSS_OK) s = answer_all(&f, &o.other, best, out->metric, &out->test, values, err);
    leave_out_unanswered(&out->test);
    for (int i = 0; s == GOSS_OK && i < noises->n; i++)
        s = answer_noisy(&f, &o, best, noises->level[i], out->metric, &out->noisy[i], err);
    goss__free(values), goss__free(mean);
    close_opened(&o);
    return s;
}

static goss_status fit(const wanted *w, const goss_config *search, const goss_config *refit, const goss__noises *noises,
                       goss__trial *out, double *strength, goss_error *err) {
    const double start = goss__now();
    const goss__grid *g;
    int best = 0;
    *out = goss__trial_none();
    GOSS_TRY(choose(w, search, &g, &best, out, err));
    *strength = strength_at(g, best).slope;
    goss_status s = answer_test(w, refit, g, best, noises, out, err);
    out->seconds = goss__now() - start;
    if (s != GOSS_OK) goss__judged_close(&out->test);
    return s;
}

#define FORM(name, ...)                                                                                                \
    static goss_status fit_##name(const goss_config *search, const goss_config *refit, const goss__noises *noises,     \
                                  goss__trial *out, double *strength, goss_error *err) {                               \
        return fit(&(wanted){__VA_ARGS__}, search, refit, noises, out, strength, err);                                 \
    }
FORM(mean_ridge, .mean = true, .one = true)
FORM(mean_ridge_2, .mean = true)
FORM(ridge, .mean = false)
FORM(pooled_ridge, .all = true)

static const goss__closed_form forms[] = {{"mean-ridge", false, fit_mean_ridge},
                                          {"mean-ridge-2", false, fit_mean_ridge_2},
                                          {"ridge", true, fit_ridge},
                                          {"pooled-ridge", true, fit_pooled_ridge}};

const goss__closed_form *goss__closed_form_find(const char *name) {
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].name, name) == 0) return &forms[i];
    return NULL;
}

goss_status goss__closed_look(const goss_config *c, goss_error *err) {
    opened o;
    const bool test = goss_config_int(c, "validate.every") == 0; /* a refit */
    GOSS_TRY(open_rows(c, test, &o, err));
    close_opened(&o);
    return GOSS_OK;
}
