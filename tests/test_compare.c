/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison inside: what its runs are made of, which rows they see, and what is said of results that are known. */
#include <math.h>

#include "base/os.h"
#include "base/rng.h"
#include "compare/compare.h"
#include "gossamer/interval.h"
#include "gossamer/train.h"
#include "scratch.h"
#include "test.h"
#include "train/run.h"

enum { TASKS = 5, ROWS = 21, ALL = TASKS * ROWS };

static goss_error err;

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(scratch(name), "w");
    if (!f || fputs(text, f) < 0) exit(99);
    fclose(f);
}

/* y = slope x + level + noise, where slopes are near each other and levels not. */
static void write_table(void) {
    FILE *f = fopen(scratch("table.csv"), "w");
    if (!f) exit(99);
    fputs("who,x,z,y\n", f);
    for (int t = 0; t < TASKS; t++) {
        goss__rng r = goss__rng_make(3, (uint64_t)t);
        const double slope = 2 + .1 * goss__rng_normal(&r), level = 3 * goss__rng_normal(&r);
        for (int i = 0; i < ROWS; i++) {
            const double x = goss__rng_normal(&r), z = goss__rng_normal(&r);
            fprintf(f, "t%d,%.4f,%.4f,%.4f\n", t, x, z, slope * x - z + level + goss__rng_normal(&r));
        }
    }
    fclose(f);
}

static goss_compare *open_run(const char *more) {
    static char text[2000];
    goss_compare *c;
    write_table();
    snprintf(text, sizeof text,
             "[data]\npath = %s\ntask = who\ntarget = y\nsplit = .6,.15,.25\n[task]\nsupport = 0\n[train]\ntasks = 0\n"
             "steps = 20\n[validate]\nevery = 5\n[model]\nbackbone =\n[optimizer]\nrate = 0.1\n[model.one]\n"
             "train.method = joint\n%s",
             scratch("table.csv"), more);
    write_text("run.ini", text);
    char folder[300];
    snprintf(folder, sizeof folder, "compare.dir=%s", scratch("results"));
    T_OK(goss_compare_open(scratch("run.ini"), (const char *const[]){folder}, 1, &c, &err));
    return c;
}

/* ---- settings ---- */

static const char *value_of(const goss_compare *c, int row, int try, const char *key) {
    static char kept[200];
    goss_config *config;
    const goss__cell cell = {&c->row[row], 2, 1};
    T_OK(goss__cell_config(c, &cell, try, false, &config, &err));
    int n;
    const goss_key *keys = goss_train_keys(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(keys[i].name, key) == 0) {
            if (keys[i].type == GOSS_KEY_TEXT)
                snprintf(kept, sizeof kept, "%s", goss_config_text(config, key));
            else if (keys[i].type == GOSS_KEY_REAL)
                snprintf(kept, sizeof kept, "%g", goss_config_real(config, key));
            else if (keys[i].type == GOSS_KEY_INT)
                snprintf(kept, sizeof kept, "%lld", (long long)goss_config_int(config, key));
        }
    goss_config_free(config);
    return kept;
}

TEST(a_strength_goes_where_a_regulariser_wants_it) {
    goss_compare *c = open_run("[compare]\nmodels = one\nregularizers = none, weight_decay, noise, weight_decay+noise\n"
                               "strengths = .1 1\nclosed = none\n[compare.noise]\nmodel.backbone = dropout {strength}\n"
                               "strengths = .2 .4\n");
    T_EQ(c->rows, 4);
    T_EQ(c->row[0].tries, 1);
    T_EQ(c->row[1].tries, 2);
    T_STR(value_of(c, 1, 0, "optimizer.weight_decay"), "0.1");
    T_STR(value_of(c, 1, 1, "optimizer.weight_decay"), "1");
    T_STR(value_of(c, 1, 1, "model.backbone"), "");
    T_STR(value_of(c, 2, 1, "model.backbone"), "dropout 0.4");
    T_STR(value_of(c, 2, 1, "optimizer.weight_decay"), "0");
    T_STR(value_of(c, 3, 0, "model.backbone"), "dropout 0.2");
    T_STR(value_of(c, 3, 0, "optimizer.weight_decay"), "0.1");
    T_STR(value_of(c, 3, 0, "train.method"), "joint");
    T_STR(value_of(c, 3, 0, "run.seed"), "2");
    T_STR(c->row[3].name, "one/weight_decay+noise");
    goss_compare_free(c);
}

/* The mean of a row that fails where a split is hard is without that split. */
TEST(a_row_without_some_of_its_cells_is_not_the_best) {
    goss_compare *c = open_run("[compare]\nmodels = alone/none, joint/none\nclosed = none\n");
    goss_compare_row row[2] = {{.value = 3, .seeds = 4}, {.value = 2, .seeds = 3}};
    const goss_objective *regression;
    goss_comparison s = {.rows = 2, .row = row};
    T_OK(goss_objective_find("regression", &regression, &err));
    T_OK(goss_metric_find(regression, "rmse", &s.metric, &err));
    T_EQ(goss__best_row(c, &s, true), 0);
    row[1].seeds = 4;
    T_EQ(goss__best_row(c, &s, true), 1);
    goss_compare_free(c);
}

static bool is_plain(const goss_compare *c, const char *name) {
    for (int i = 0; i < c->rows; i++)
        if (strcmp(c->row[i].name, name) == 0) return c->row[i].plain;
    T_FAIL("no row %s", name);
}

TEST(what_ties_tasks_is_told_from_what_does_not) {
    goss_compare *c =
        open_run("[compare]\nmodels = alone, joint/none, hard/none, soft/none, one/none, ids/none\n"
                 "regularizers = none, early, l2, trace, tie, own, weight_decay+tie, mine, apart, layers\n"
                 "[regularizer.tie]\nkind = laplacian\n[regularizer.own]\nkind = nuclear\neach = yes\n"
                 "[regularizer.apart]\nkind = cross\n[regularizer.layers]\nkind = difference\n"
                 "branches = yes\n"
                 "[compare.mine]\nregularizer.a.kind = difference\nregularizer.a.strength = {strength}\n"
                 "[model.ids]\ntrain.method = hypernet\n");
    static const char *const plain[] = {"alone",     "joint",       "one",          "alone/early", "alone/l2",
                                        "alone/own", "alone/apart", "alone/layers", "ridge"};
    static const char *const ties[] = {
        "hard", "soft", "ids", "alone/trace", "alone/tie", "alone/weight_decay+tie", "alone/mine", "mean-ridge"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!is_plain(c, plain[i])) T_FAIL("%s ties nothing", plain[i]);
    for (size_t i = 0; i < sizeof ties / sizeof *ties; i++)
        if (is_plain(c, ties[i])) T_FAIL("%s ties tasks", ties[i]);
    goss_compare_free(c);
}

/* Rows that a run tests on, or (test false) trains and validates on. */
static void mark_rows(const goss_config *config, bool test, int *use) {
    goss__run_settings set;
    goss__run_data d;
    goss_task_source kept;
    int32_t rows[ROWS];
    T_OK(goss__run_settings_read(config, &set, &err));
    T_OK(goss__run_data_open(&d, &set, &(goss__run_place){.bare = true}, &err));
    T_OK(goss__run_data_test(&d, &kept, &err));
    const goss_task_source *sources[] = {test ? &kept : &d.source, d.validates && !test ? &d.validation : NULL};
    for (int s = 0; s < 2; s++)
        for (uint64_t k = 0; sources[s] && k < TASKS; k++) {
            goss_task t = {.query_rows = rows, .outputs = 1};
            sources[s]->draw(sources[s], k, &t);
            for (int i = 0; i < t.queries; i++) use[rows[i]]++;
        }
    goss_task_source_free(&kept);
    goss__run_data_close(&d);
}

TEST(the_last_training_has_the_rows_of_the_search_and_the_same_test_rows) {
    static const char *const folds[] = {"", "folds = 4\n"};
    for (int f = 0; f < 2; f++) {
        char more[200];
        snprintf(more, sizeof more, "[compare]\nmodels = one\nclosed = none\n%s", folds[f]);
        goss_compare *c = open_run(more);
        int tested[ALL] = {0};
        for (int fold = 1; fold <= c->folds; fold++) {
            const goss__cell cell = {&c->row[0], 3, fold};
            int use[2][2][ALL] = {{{0}}};
            for (int refit = 0; refit < 2; refit++) {
                goss_config *config;
                T_OK(goss__cell_config(c, &cell, 0, refit, &config, &err));
                mark_rows(config, true, use[refit][0]), mark_rows(config, false, use[refit][1]);
                goss_config_free(config);
            }
            T_CHECK(memcmp(use[0], use[1], sizeof use[0]) == 0);
            for (int i = 0; i < ALL; i++) T_EQ(use[0][0][i] + use[0][1][i], 1);
            for (int i = 0; i < ALL; i++) tested[i] += use[0][0][i];
        }
        for (int i = 0; f == 1 && i < ALL; i++) T_EQ(tested[i], 1); /* folds test every row once */
        goss_compare_free(c);
    }
}

static const char *split_of(const goss_compare *c, int row, bool refit) {
    static char kept[2][40];
    goss_config *config;
    const goss__cell cell = {&c->row[row], 1, 1};
    T_OK(goss__cell_config(c, &cell, 0, refit, &config, &err));
    snprintf(kept[refit], sizeof *kept, "%s, %d", goss_config_text(config, "data.split"),
             (int)goss_config_int(config, "validate.every"));
    goss_config_free(config);
    return kept[refit];
}

TEST(what_learns_on_validation_rows_keeps_them) {
    goss_compare *c = open_run("[compare]\nmodels = alone\nregularizers = none, learned, norm, off\nclosed = none\n"
                               "[regularizer.learned]\nkind = l2\non = weights/*\nweight = hypergradient\n"
                               "[regularizer.norm]\nkind = norm_hyper\non = weights/*\nfit = validation\n"
                               "[regularizer.off]\nkind = l2\non = weights/*\n");
    static const bool keeps[] = {false, true, true, false};
    for (int i = 0; i < 4; i++) {
        T_STR(split_of(c, i, false), ".6,.15,.25, 5");
        T_STR(split_of(c, i, true), keeps[i] ? ".6,.15,.25, 5" : "0.75,0,0.25, 0");
    }
    goss_compare_free(c);
}

/* ---- results ---- */

static void put(const goss_compare *c, int i, const double *values) {
    const goss__cell cell = goss__cell_at(c, i);
    char *names[TASKS] = {"t0", "t1", "t2", "t3", "t4"};
    goss__result r = {.tries = 1,
                      .strength = i % 2 ? .1 : (double)NAN,
                      .validation = 1,
                      .explained = .25 * (1 + i % 2),
                      .seconds = 1 + i,
                      .data = 7 + (uint64_t)cell.seed,
                      .metric = goss__metric_named("rmse"),
                      .tasks = 2,
                      .task = names,
                      .value = (double *)values};
    T_OK(goss__cell_hash(c, &cell, &r.settings, &err));
    T_OK(goss__result_write(c, &cell, &r, &err));
}

/* scratch.h removes files, not folders of them. */
static void remove_results(void) {
    char line[400];
    snprintf(line, sizeof line, "rm -rf '%s'", scratch("results"));
    if (system(line) != 0) perror(line);
}

static goss_compare *two_rows_of(const char *draws) {
    char path[300], text[400];
    static bool asked;
    if (!asked) asked = atexit(remove_results) == 0;
    snprintf(text, sizeof text,
             "[compare]\nmodels = alone, two\nclosed = none\n%s\n[model.alone]\n"
             "train.method = joint\n[model.two]\ntrain.method = joint\noptimizer.rate = 0.2\n",
             draws);
    goss_compare *c = open_run(text);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", scratch("results"), i ? "tries" : "cells");
        T_OK(goss__mkdirs(path, &err));
    }
    return c;
}

static goss_compare *two_rows(void) { return two_rows_of("seeds = 3"); }

TEST(means_and_intervals_are_those_of_their_formulas) {
    /* alone and two by seed; two tasks each. Differences of two: (-1, -3), (-2, -2), (-3, -4). */
    static const double values[6][2] = {{10, 20}, {9, 17}, {11, 19}, {9, 17}, {12, 21}, {9, 17}};
    goss_compare *c = two_rows();
    goss_comparison s;
    for (int i = 0; i < 6; i++) put(c, i, values[i]);
    T_OK(goss_compare_summarize(c, &s, &err));
    T_EQ(s.rows, 2);
    T_EQ(s.done, 6);
    T_NEAR(s.row[0].value, (15 + 15 + 16.5) / 3, 1e-12);
    T_NEAR(s.row[1].value, 13, 1e-12);
    T_NEAR(s.row[1].explained, .5, 1e-12);
    T_NEAR(s.row[1].strength, .1, 0);
    T_CHECK(isnan(s.row[0].strength));
    T_NEAR(s.row[1].seconds, (2 + 4 + 6) / 3., 1e-12);
    T_STR(s.row[1].worst_task, "t1");
    T_NEAR(s.row[1].worst_value, 17, 1e-12);
    T_EQ(s.row[1].worse_than_alone, 0);
    T_EQ(s.row[0].worse_than_alone, 0);
    /* Differences by seed -2, -2, -3.5; by task -2, -3. */
    const goss_compare_difference *d = goss__difference_of(&s, 1, 0);
    T_CHECK(d);
    T_NEAR(d->value, -2.5, 1e-12);
    const double seeds = goss_student_quantile(.975, 2) * sqrt(.75 / 3);
    const double tasks = goss_student_quantile(.975, 1) * sqrt(.5 / 2);
    T_NEAR(d->ci95, fmax(seeds, tasks), 1e-9);
    T_NEAR(s.each[2 + 1], 17, 1e-12);
    goss_comparison_free(&s);
    goss_compare_free(c);
}

TEST(a_task_that_got_worse_is_counted) {
    static const double values[6][2] = {{10, 20}, {9, 25}, {10, 20}, {9, 19}, {10, 20}, {9, 22}};
    goss_compare *c = two_rows();
    goss_comparison s;
    for (int i = 0; i < 6; i++) put(c, i, values[i]);
    T_OK(goss_compare_summarize(c, &s, &err));
    T_EQ(s.row[1].worse_than_alone, 1);
    T_CHECK(strstr(s.verdict, "No row differs from alone beyond its interval."));
    goss_comparison_free(&s);
    goss_compare_free(c);
}

/* Equal means of other numbers: what rounding leaves of their difference is none, and no task got worse. */
TEST(rounding_is_no_difference) {
    static const double values[6][2] = {{.1, 1}, {.7, 1}, {.2, 1}, {.1, 1}, {.7, 1}, {.2, 1}};
    goss_compare *c = two_rows();
    goss_comparison s;
    T_CHECK((.7 - .1) + (.1 - .2) + (.2 - .7) != 0);
    for (int i = 0; i < 6; i++) put(c, i, values[i]);
    T_OK(goss_compare_summarize(c, &s, &err));
    T_EQ(s.row[1].worse_than_alone, 0);
    T_NEAR(goss__difference_of(&s, 1, 0)->value, 0, 0);
    goss_comparison_free(&s);
    goss_compare_free(c);
}

TEST(a_difference_beyond_its_interval_is_said) {
    static const double values[6][2] = {{10, 20}, {9, 19.01}, {10, 20}, {9.01, 19}, {10, 20}, {9, 19}};
    goss_compare *c = two_rows();
    goss_comparison s;
    for (int i = 0; i < 6; i++) put(c, i, values[i]);
    T_OK(goss_compare_summarize(c, &s, &err));
    if (!strstr(s.verdict, "two (-0.99") || !strstr(s.verdict, " is better than alone")) T_FAIL("%s", s.verdict);
    goss_comparison_free(&s);
    goss_compare_free(c);
}

/* Differences of four folds, the same for both tasks: -1, -3, -2, -2; variance over folds 2/3. */
TEST(intervals_over_folds_are_corrected) {
    static const double alone[2] = {10, 20}, two[4][2] = {{9, 19}, {7, 17}, {8, 18}, {8, 18}};
    goss_compare *c = two_rows_of("seeds = 1\nfolds = 4");
    goss_comparison s;
    for (int i = 0; i < 8; i++) put(c, i, i < 4 ? alone : two[i - 4]);
    T_OK(goss_compare_summarize(c, &s, &err));
    const goss_compare_difference *d = goss__difference_of(&s, 1, 0);
    T_NEAR(d->value, -2, 1e-12);
    T_NEAR(d->ci95, goss_student_quantile(.975, 3) * sqrt(2. / 3 * (1. / 4 + 1. / 3)), 1e-9);
    goss_comparison_free(&s);
    goss_compare_free(c);
}

TEST(equal_differences_are_no_verdict) {
    static const double values[2][2] = {{10, 20}, {9, 19}};
    goss_compare *c = two_rows_of("seeds = 1");
    goss_comparison s;
    for (int i = 0; i < 2; i++) put(c, i, values[i]);
    T_OK(goss_compare_summarize(c, &s, &err));
    T_NEAR(goss__difference_of(&s, 1, 0)->value, -1, 1e-12);
    if (!strstr(s.verdict, "No row differs from alone")) T_FAIL("%s", s.verdict);
    goss_comparison_free(&s);
    goss_compare_free(c);
}

TEST(cells_of_other_data_are_not_put_together) {
    static const double values[2] = {1, 2};
    goss_compare *c = two_rows();
    goss_comparison s;
    for (int i = 0; i < 6; i++) put(c, i, values);
    const goss__cell cell = goss__cell_at(c, 1);
    char *names[2] = {"t0", "t1"};
    goss__result r = {.strength = NAN,
                      .explained = NAN,
                      .data = 99,
                      .metric = goss__metric_named("rmse"),
                      .tasks = 2,
                      .task = names,
                      .value = (double *)values};
    T_OK(goss__cell_hash(c, &cell, &r.settings, &err));
    T_OK(goss__result_write(c, &cell, &r, &err));
    T_ERR(goss_compare_summarize(c, &s, &err), GOSS_E_ARGUMENT, "two, seed 1: its result is of other data");
    goss_compare_free(c);
}

/* ---- closed forms ---- */

typedef struct rows {
    double x[ALL][2], y[ALL];
    int task[ALL], n;
} rows;

static void take(const goss_task_source *s, rows *out) {
    float x[2 * ROWS], y[ROWS];
    out->n = 0;
    for (uint64_t k = 0; k < TASKS; k++) {
        goss_task t = {.query = x, .query_target = y, .outputs = 1};
        s->draw(s, k, &t);
        for (int i = 0; i < t.queries; i++, out->n++) {
            out->x[out->n][0] = (double)x[2 * i], out->x[out->n][1] = (double)x[2 * i + 1];
            out->y[out->n] = (double)y[i], out->task[out->n] = (int)t.id;
        }
    }
}

/* Solves the 3 x 3 normal equations of ridge with a free constant, of the rows of one task (-1: all). */
static void solve(const rows *r, int task, double slope, double w[3]) {
    double a[3][4] = {{0}};
    for (int i = 0; i < r->n; i++) {
        const double z[3] = {1, r->x[i][0], r->x[i][1]};
        if (task >= 0 && r->task[i] != task) continue;
        for (int p = 0; p < 3; p++) {
            for (int q = 0; q < 3; q++) a[p][q] += z[p] * z[q];
            a[p][3] += z[p] * r->y[i];
        }
    }
    a[1][1] += slope, a[2][2] += slope;
    for (int p = 0; p < 3; p++)
        for (int q = 0; q < 3; q++)
            for (int k = 3; q != p && k >= p; k--) a[q][k] -= a[q][p] / a[p][p] * a[p][k];
    for (int p = 0; p < 3; p++) w[p] = a[p][3] / a[p][p];
}

static double rmse_of(const rows *train, const rows *test, bool pooled, double slope, double *each) {
    double sum = 0;
    for (int t = 0; t < TASKS; t++) {
        double w[3], error = 0;
        int n = 0;
        solve(train, pooled ? -1 : t, slope, w);
        for (int i = 0; i < test->n; i++)
            if (test->task[i] == t) {
                const double e = test->y[i] - w[0] - w[1] * test->x[i][0] - w[2] * test->x[i][1];
                error += e * e, n++;
            }
        each[t] = sqrt(error / n);
        sum += each[t] / TASKS;
    }
    return sum;
}

static void open_rows(const goss_config *config, rows *train, rows *other, bool test) {
    goss__run_settings set;
    goss__run_data d;
    goss_task_source kept;
    T_OK(goss__run_settings_read(config, &set, &err));
    T_OK(goss__run_data_open(&d, &set, &(goss__run_place){.bare = true}, &err));
    T_OK(goss__run_data_test(&d, &kept, &err));
    take(&d.source, train), take(test ? &kept : &d.validation, other);
    goss_task_source_free(&kept);
    goss__run_data_close(&d);
}

/* The closed form's strength is the best by validation rows; its test values are those of the normal equations with
 * that strength, from training and validation rows. Scaling the targets changes no slope's strength. */
static void check_ridge(const char *name, bool pooled) {
    static rows train, other;
    goss_compare *c = open_run("[compare]\nmodels = one\n");
    int row = 0;
    while (strcmp(c->row[row].name, name) != 0) row++;
    const goss__cell cell = {&c->row[row], 1, 1};
    goss_config *config[2];
    goss__trial trial;
    double strength, each[TASKS], best, validation;
    for (int refit = 0; refit < 2; refit++) T_OK(goss__cell_config(c, &cell, 0, refit, &config[refit], &err));
    T_OK(cell.row->closed->fit(config[0], config[1], &c->noises, &trial, &strength, &err));
    open_rows(config[0], &train, &other, false);
    validation = rmse_of(&train, &other, pooled, strength, each);
    T_NEAR(trial.validation, validation, 1e-5);
    for (int i = 0; i < 4; i++) {
        static const double others[] = {.3, 3, 30, 300};
        T_CHECK(rmse_of(&train, &other, pooled, others[i], each) >= validation - 1e-9);
    }
    open_rows(config[1], &train, &other, true);
    best = rmse_of(&train, &other, pooled, strength, each);
    T_EQ(trial.test.tasks, TASKS);
    double mean = 0;
    for (int t = 0; t < TASKS; t++) {
        T_NEAR(trial.test.value[t], each[t], 1e-5);
        mean += trial.test.value[t] / TASKS;
    }
    T_NEAR(mean, best, 1e-5);
    goss__judged_close(&trial.test);
    for (int refit = 0; refit < 2; refit++) goss_config_free(config[refit]);
    goss_compare_free(c);
}

TEST(ridge_is_that_of_the_normal_equations) { check_ridge("ridge", false); }
TEST(pooled_ridge_is_that_of_the_normal_equations) { check_ridge("pooled-ridge", true); }

TEST_MAIN()
