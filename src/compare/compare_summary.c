/* SPDX-License-Identifier: Apache-2.0 */
/* compare_summary.c: results of cells become rows, paired differences and intervals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "compare/compare.h"
#include "gossamer/interval.h"
#include "gossamer/text.h"

_Static_assert((int)GOSS__RANKS <= (int)GOSS_COMPARE_RANKS && (int)GOSS__NOISES <= (int)GOSS_COMPARE_NOISES,
               "a row of results has room for what a cell measures");

/* All results: draws are seeds and folds. */
typedef struct results {
    const goss_compare *c;
    goss__result *of; /* [rows, draws] */
    bool *done;       /* [rows, draws] */
    int draws;
    char **task; /* [tasks] of all draws; names are borrowed from results */
    int tasks;
    double *work; /* [draws + tasks + 2] */
} results;

static const goss__result *at(const results *r, int row, int draw) {
    const int i = row * r->draws + draw;
    return r->done[i] ? &r->of[i] : NULL;
}

/* ---- reading ---- */

static bool same_tasks(const goss__result *a, const goss__result *b) {
    if (a->tasks != b->tasks) return false;
    for (int k = 0; k < a->tasks; k++)
        if (strcmp(a->task[k], b->task[k]) != 0) return false;
    return true;
}

/* The same samples, tasks and metric as the other rows of that draw have. */
static goss_status check_same(const results *r, int row, int draw, const goss__cell *cell, goss_error *err) {
    const goss__result *one = at(r, row, draw);
    for (int k = 0; k < row; k++) {
        const goss__result *other = at(r, k, draw);
        if (other && other->data != one->data) return goss__result_differs(r->c, cell, "data", err);
        if (other && other->metric != one->metric) return goss__result_differs(r->c, cell, "metric", err);
    }
    for (int k = 0; k < row; k++)
        if (at(r, k, draw) && !same_tasks(at(r, k, draw), one)) return goss__result_differs(r->c, cell, "tasks", err);
    return GOSS_OK;
}

static int find_task(const results *r, const char *name) {
    for (int k = 0; k < r->tasks; k++)
        if (strcmp(r->task[k], name) == 0) return k;
    return -1;
}

/* Which of the rows has a result in a draw; -1: none. */
static int done_in(const results *r, int draw) {
    for (int i = 0; i < r->c->rows; i++)
        if (at(r, i, draw)) return i;
    return -1;
}

/* Tasks with test samples in any draw: of one with few rows not each fold has some. */
static goss_status collect_tasks(results *r, goss_error *err) {
    size_t most = 0;
    for (int d = 0; d < r->draws; d++)
        if (done_in(r, d) >= 0) most += (size_t)at(r, done_in(r, d), d)->tasks;
    if (!(r->task = goss__calloc(most + 1, sizeof *r->task)))
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for %zu tasks", most);
    for (int d = 0; d < r->draws; d++) {
        const goss__result *one = done_in(r, d) < 0 ? NULL : at(r, done_in(r, d), d);
        for (int k = 0; one && k < one->tasks; k++)
            if (find_task(r, one->task[k]) < 0) r->task[r->tasks++] = one->task[k];
    }
    return GOSS_OK;
}

/* Values of a result in the order of all tasks; NaN where it has none. */
static goss_status align(const results *r, goss__result *one, goss_error *err) {
    double *value = goss__calloc((size_t)r->tasks + 1, sizeof *value);
    if (!value) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d tasks", r->tasks);
    for (int k = 0; k < r->tasks; k++) value[k] = NAN;
    for (int k = 0; k < one->tasks; k++) {
        const bool in_turn = k < r->tasks && strcmp(r->task[k], one->task[k]) == 0;
        value[in_turn ? k : find_task(r, one->task[k])] = one->value[k];
    }
    goss__free(one->value);
    one->value = value;
    return GOSS_OK;
}

static goss_status read_all(results *r, goss_error *err) {
    const goss_compare *c = r->c;
    for (int i = 0; i < goss_compare_cells(c); i++) {
        const goss__cell cell = goss__cell_at(c, i);
        const int row = (int)(cell.row - c->row), draw = (cell.seed - 1) * c->folds + cell.fold - 1;
        const int place = row * r->draws + draw;
        GOSS_TRY(goss__result_read(c, &cell, &r->of[place], &r->done[place], err));
        if (!r->done[place]) continue;
        GOSS_TRY(check_same(r, row, draw, &cell, err));
    }
    GOSS_TRY(collect_tasks(r, err));
    for (int i = 0; i < c->rows * r->draws; i++)
        if (r->done[i]) GOSS_TRY(align(r, &r->of[i], err));
    if (r->tasks > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no cell is done yet", goss_compare_folder(c));
}

goss_status goss_compare_done(const goss_compare *c, int *done, goss_error *err) {
    *done = 0;
    for (int i = 0; i < goss_compare_cells(c); i++) {
        const goss__cell cell = goss__cell_at(c, i);
        goss__result one;
        bool found;
        GOSS_TRY(goss__result_read(c, &cell, &one, &found, err));
        goss__result_free(&one);
        *done += found;
    }
    return GOSS_OK;
}

/* ---- means and intervals ---- */

/* A task's value in a draw of row a, or its difference to row b (-1: none). */
static double value_at(const results *r, int a, int b, int draw, int task) {
    const goss__result *x = at(r, a, draw), *y = b < 0 ? NULL : at(r, b, draw);
    if (!x || (b >= 0 && !y)) return NAN;
    return x->value[task] - (y ? y->value[task] : 0);
}

static double mean_of(const double *v, int n) {
    double mean;
    goss_student_ci95(v, n, &mean, NULL);
    return mean;
}

/* The standard deviation (with m - 1) of the m numbers that are not NaN; NaN: fewer than two. */
static double deviation_of(const double *v, int n) {
    const double mean = mean_of(v, n);
    double squares = 0;
    int m = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(v[i])) squares += (v[i] - mean) * (v[i] - mean), m++;
    return m > 1 ? sqrt(squares / (m - 1)) : (double)NAN;
}

static double largest(double size, const goss__result *one, int task) {
    return one && fabs(one->value[task]) > size ? fabs(one->value[task]) : size;
}

/* A mean of differences of values up to that size: what rounding of their sum leaves is 0, as of 1, 2 and 2, 1. */
static double unrounded(double gap, double size) { return fabs(gap) <= 1e-12 * size ? 0 : gap; }

static int count_known(const double *v, int n) {
    int known = 0;
    for (int i = 0; i < n; i++) known += !isnan(v[i]);
    return known;
}

/* Folds of the same samples share most of what they train on, so that their results vary less than those of fresh
 * samples would. Factor of an interval over n of them: the corrected resampled t-test, variance times
 * (1/n + test/train samples) instead of 1/n (Nadeau and Bengio 2003; Bouckaert and Frank 2004 for repeated folds). */
static double fold_factor(int folds, int n) { return folds > 1 ? sqrt(1 + (double)n / (folds - 1)) : 1; }

/* Mean over tasks of each draw, into work [draws], then over draws. */
static double over_draws(const results *r, int a, int b, double *ci95) {
    double *draws = r->work, *tasks = draws + r->draws, mean, size = 0;
    for (int d = 0; d < r->draws; d++) {
        for (int k = 0; k < r->tasks; k++) tasks[k] = value_at(r, a, b, d, k), size = largest(size, at(r, a, d), k);
        draws[d] = mean_of(tasks, r->tasks);
    }
    *ci95 = goss_student_ci95(draws, r->draws, &mean, NULL) * fold_factor(r->c->folds, count_known(draws, r->draws));
    return unrounded(mean, size);
}

/* Mean over draws of a task. */
static double of_task(const results *r, int a, int b, int task) {
    double size = 0;
    for (int d = 0; d < r->draws; d++) r->work[d] = value_at(r, a, b, d, task), size = largest(size, at(r, a, d), task);
    return unrounded(mean_of(r->work, r->draws), size);
}

/* Mean over draws of each task, into v [tasks]; half the interval of their mean. */
static double over_tasks(const results *r, int a, int b, double *v) {
    double mean;
    for (int k = 0; k < r->tasks; k++) v[k] = of_task(r, a, b, k);
    return goss_student_ci95(v, r->tasks, &mean, NULL);
}

/* The wider of both; where one is not known, the other. */
static double wider(double a, double b) { return isnan(a) ? b : isnan(b) || a > b ? a : b; }

/* ---- rows ---- */

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y); /* equal ones are the same */
}

static double median(double *v, int n) {
    if (n == 0) return NAN;
    qsort(v, (size_t)n, sizeof *v, by_size);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Means over draws of numbers that each result has, at that offset of it. */
static void take_numbers(const results *r, int row, size_t offset, int n, double *out) {
    for (int i = 0; i < n; i++) {
        for (int d = 0; d < r->draws; d++) {
            const goss__result *one = at(r, row, d);
            r->work[d] = one ? ((const double *)((const char *)one + offset))[i] : (double)NAN;
        }
        out[i] = mean_of(r->work, r->draws);
    }
}

/* Means over draws of what a result says beside its tasks. */
static void take_rest(const results *r, int row, goss_compare_row *out) {
    double explained = 0, seconds = 0;
    int chosen = 0;
    for (int d = 0; d < r->draws; d++) {
        const goss__result *one = at(r, row, d);
        if (!one) continue;
        explained += one->explained, seconds += one->seconds;
        if (!isnan(one->strength)) r->work[chosen++] = one->strength;
        out->seeds++;
    }
    out->explained = out->seeds ? explained / out->seeds : (double)NAN;
    out->seconds = out->seeds ? seconds / out->seeds : (double)NAN;
    out->strength = median(r->work, chosen);
}

static void find_worst(const results *r, const goss_metric *m, const double *each, goss_compare_row *out) {
    out->worst_value = NAN;
    for (int k = 0; k < r->tasks; k++)
        if (isnan(each[k]))
            out->undefined++;
        else if ((!out->worst_task || goss_metric_better(m, out->worst_value, each[k])))
            out->worst_task = r->task[k], out->worst_value = each[k];
}

static int find_row(const results *r, const char *name) {
    for (int i = 0; i < r->c->rows; i++)
        if (strcmp(r->c->row[i].name, name) == 0) return i;
    return -1;
}

static bool have_common(const results *r, int a, int b) {
    for (int d = 0; d < r->draws; d++)
        if (at(r, a, d) && at(r, b, d)) return true;
    return false;
}

static int count_worse(const results *r, const goss_metric *m, int row, int alone) {
    int n = 0;
    if (alone < 0 || !have_common(r, row, alone)) return -1;
    if (row == alone) return 0;
    for (int k = 0; k < r->tasks; k++) {
        const double gap = of_task(r, row, alone, k);
        n += !isnan(gap) && goss_metric_better(m, 0, gap);
    }
    return n;
}

static void make_row(const results *r, int i, const goss_metric *m, double *each, goss_compare_row *out) {
    const goss__row *row = &r->c->row[i];
    double seeds;
    *out = (goss_compare_row){
        .name = row->name, .model = row->model ? row->model->name : row->name, .regularizer = row->regularizer};
    out->value = over_draws(r, i, -1, &seeds);
    out->seed_deviation = unrounded(deviation_of(r->work, r->draws), fabs(out->value));
    out->ci95 = wider(seeds, over_tasks(r, i, -1, each));
    out->worse_than_alone = count_worse(r, m, i, find_row(r, "alone"));
    find_worst(r, m, each, out);
    take_numbers(r, i, offsetof(goss__result, noisy), r->c->noises.n, out->noisy);
    take_numbers(r, i, offsetof(goss__result, rank), r->c->ranks.n, out->rank);
    take_rest(r, i, out);
}

/* ---- differences ---- */

static void add_difference(const results *r, int a, int b, goss_comparison *out) {
    double seeds;
    if (a < 0 || b < 0 || a == b) return;
    for (int i = 0; i < out->differences; i++)
        if (out->difference[i].a == a && out->difference[i].b == b) return;
    const double value = over_draws(r, a, b, &seeds);
    double *each = out->each + (size_t)out->rows * (size_t)r->tasks; /* a row of scratch */
    out->difference[out->differences++] =
        (goss_compare_difference){a, b, value, wider(seeds, over_tasks(r, a, b, each))};
}

/* Each row against one network a task, the closed form of structure, and the best row without structure. */
static void make_differences(const results *r, goss_comparison *out) {
    const int against[] = {find_row(r, "alone"), find_row(r, "mean-ridge"), goss__best_row(r->c, out, true)};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < out->rows; i++) add_difference(r, i, against[k], out);
}

/* ---- the whole ---- */

static goss_status reserve(results *r, goss_comparison *out, goss_error *err) {
    const size_t rows = (size_t)r->c->rows, tasks = (size_t)r->tasks;
    r->work = goss__calloc((size_t)r->draws + tasks + 2, sizeof *r->work);
    out->row = goss__calloc(rows, sizeof *out->row), out->difference = goss__calloc(3 * rows, sizeof *out->difference);
    out->each = goss__calloc((rows + 1) * tasks, sizeof *out->each);
    char **names = goss__calloc(tasks + 1, sizeof *names);
    out->task = (const char *const *)names, out->tasks = r->tasks;
    for (int k = 0; names && k < r->tasks; k++)
        if (!(names[k] = goss__strdup(r->task[k]))) return goss_error_set(err, GOSS_E_NOMEM, "no memory for names");
    if (r->work && out->row && out->difference && out->each && names) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d rows", r->c->rows);
}

/* Names of tasks outlive the results that they come from. */
static const char *kept_name(const goss_comparison *s, const char *name) {
    for (int k = 0; name && k < s->tasks; k++)
        if (strcmp(s->task[k], name) == 0) return s->task[k];
    return NULL;
}

static goss_status summarize(results *r, goss_comparison *out, goss_error *err) {
    GOSS_TRY(read_all(r, err));
    GOSS_TRY(reserve(r, out, err));
    const int cells = goss_compare_cells(r->c);
    out->cells = cells, out->rows = r->c->rows;
    out->noises = r->c->noises.n;
    memcpy(out->noise, r->c->noises.level, sizeof out->noise);
    out->ranks = r->c->ranks.n;
    for (int i = 0; i < out->ranks; i++) out->rank_of[i] = r->c->ranks.pattern[i];
    for (int i = 0; i < cells; i++) {
        out->done += r->done[i];
        if (r->done[i]) out->metric = r->of[i].metric;
    }
    for (int i = 0; i < out->rows; i++) {
        make_row(r, i, out->metric, out->each + (size_t)i * (size_t)r->tasks, &out->row[i]);
        out->row[i].worst_task = kept_name(out, out->row[i].worst_task);
    }
    make_differences(r, out);
    out->verdict = goss__verdict(r->c, out);
    return out->verdict ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a verdict");
}

goss_status goss_compare_summarize(const goss_compare *c, goss_comparison *out, goss_error *err) {
    const int cells = goss_compare_cells(c);
    results r = {.c = c, .draws = c->seeds * c->folds};
    *out = (goss_comparison){0};
    r.of = goss__calloc((size_t)cells, sizeof *r.of), r.done = goss__calloc((size_t)cells, sizeof *r.done);
    goss_status s =
        r.of && r.done ? summarize(&r, out, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d cells", cells);
    for (int i = 0; r.of && i < cells; i++) goss__result_free(&r.of[i]);
    goss__free(r.of), goss__free(r.done), goss__free(r.work), goss__free(r.task);
    if (s != GOSS_OK) goss_comparison_free(out);
    return s;
}

void goss_comparison_free(goss_comparison *s) {
    for (int k = 0; s->task && k < s->tasks; k++) goss__free((char *)s->task[k]);
    goss__free((char **)s->task);
    goss__free(s->row), goss__free(s->difference), goss__free(s->each);
    goss_text_free(s->verdict);
    *s = (goss_comparison){0};
}
