/* SPDX-License-Identifier: Apache-2.0 */
/* Baselines: closed forms against hand-worked and brute-force values, choices against what made the data, and Student's
 * t against its printed tables. */
#include "baseline/baseline.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "gossamer/interval.h"
#include "gossamer/text.h"
#include "test.h"

static goss_error err;

TEST(student) {
    static const struct {
        double p, df, t;
    } table[] = {{.975, 1, 12.7062047},  {.975, 2, 4.30265273},  {.975, 5, 2.57058184},
                 {.975, 10, 2.22813885}, {.975, 30, 2.04227246}, {.975, 120, 1.97993041},
                 {.95, 3, 2.35336343},   {.995, 7, 3.49948330},  {.975, 1e6, 1.95996636}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        T_NOTE("p %g, df %g", table[i].p, table[i].df);
        T_NEAR(goss_student_quantile(table[i].p, table[i].df), table[i].t, 2e-8 * table[i].t);
        T_NEAR(goss_student_quantile(1 - table[i].p, table[i].df), -table[i].t, 2e-8 * table[i].t);
    }
    T_NEAR(goss_student_quantile(.5, 4), 0, 1e-12);
}

TEST(intervals_leave_out_what_is_not_known) {
    const double values[] = {1, NAN, 2, 3, NAN, 6};
    double mean;
    int count;
    /* 1 2 3 6: mean 3, variance 14/3, standard error sqrt(14/12), t of 3 degrees 3.18244631 */
    T_NEAR(goss_student_ci95(values, 6, &mean, &count), 3.18244631 * sqrt(14.0 / 12), 1e-7);
    T_NEAR(mean, 3, 1e-15);
    T_EQ(count, 4);
    T_CHECK(isnan(goss_student_ci95(values, 2, &mean, NULL)));
    T_NEAR(mean, 1, 0);
    T_CHECK(isnan(goss_student_ci95(values + 1, 1, &mean, &count)) && isnan(mean) && count == 0);
}

/* ---- one support set ---- */

enum { ROWS = 12, MOST = 6 };

/* What stands for fitted baselines of one strength. */
static goss_baselines plain(int width, int classes, double level, double slope, double *towards) {
    goss_baselines b = {.width = width, .classes = classes, .scale = 1, .n = 1};
    b.chosen[0] = (goss__chosen){1, {classes ? level : 0, slope, NULL}, {level, slope, towards}};
    return b;
}

static void predict(const goss_baselines *b, const char *name, const goss_rows *support, const goss_rows *query,
                    double *out) {
    const goss_baseline_kind *k = goss_baseline_find(name);
    T_CHECK(k);
    T_OK(goss_baseline_predict(b, k, support, query, out, &err));
}

TEST(ridge_by_hand) {
    const double x[] = {-1, 0, 1}, y[] = {1, 2, 6}, q[] = {2};
    const goss_rows support = {.n = 3, .x = x, .y = y}, query = {.n = 1, .x = q};
    const goss_baselines b = plain(1, 0, 1, 3, (double[]){0, 0});
    double out;
    /* mean 3; x is centred: w = (6 - 1) / (2 + 3) = 1 */
    predict(&b, "ridge", &support, &query, &out);
    T_NEAR(out, 3 + 2 * 1.0, 1e-12);
    /* the constant with a penalty of 1: c = 9 / (3 + 1) */
    predict(&b, "mean-ridge", &support, &query, &out);
    T_NEAR(out, 9.0 / 4 + 2 * 1.0, 1e-12);
    /* drawn towards 4 + 2 x: residuals -1 -2 0; c = 4 - 3 / 4, w = 2 + 1 / 5 */
    const goss_baselines drawn = plain(1, 0, 1, 3, (double[]){4, 2});
    predict(&drawn, "mean-ridge", &support, &query, &out);
    T_NEAR(out, 4 - 3.0 / 4 + 2 * (2 + 1.0 / 5), 1e-12);
}

static void random_rows(goss__rng *rng, int n, int width, double *x, double *y) {
    for (int i = 0; i < n * width; i++) x[i] = goss__rng_normal(rng);
    for (int i = 0; i < n; i++) y[i] = goss__rng_normal(rng);
}

/* At the minimum the objective's derivatives are 0; they are checked for more rows than inputs and for fewer. */
TEST(mean_ridge_minimises) {
    goss__rng rng = goss__rng_make(3, 1);
    for (int width = 2; width <= MOST; width += 2)
        for (int n = 1; n <= ROWS; n += 3) {
            double x[ROWS * MOST], y[ROWS], m[1 + MOST], w[1 + MOST], p[ROWS];
            T_NOTE("%d rows, %d inputs", n, width);
            random_rows(&rng, n, width, x, y);
            for (int j = 0; j <= width; j++) m[j] = goss__rng_normal(&rng);
            const goss_baselines b = plain(width, 0, .3, 2, m);
            const goss_rows rows = {.n = n, .x = x, .y = y};
            goss__dense dense;
            goss__fitting f;
            T_OK(goss__dense_open(&dense, 1, &err));
            T_OK(goss__fitting_open(&f, &dense, &b, &rows, y, &err));
            goss__fit(&f, &b.chosen[0].mean, w);
            goss__linear(w, width, 1, false, &rows, p);
            for (int j = 0; j <= width; j++) {
                double d = (j ? 2 : .3) * (w[j] - m[j]);
                for (int i = 0; i < n; i++) d += (p[i] - y[i]) * (j ? x[i * width + j - 1] : 1);
                T_NEAR(d, 0, 1e-10);
            }
            goss__fitting_close(&f);
            goss__dense_close(&dense);
        }
}

/* The derivatives of the penalised loss at w, drawn towards m: the largest. */
static double largest_slope(const goss_rows *rows, int width, int classes, double level, double slope, const double *m,
                            const double *w) {
    double *p = goss__calloc((size_t)rows->n * (size_t)classes, sizeof *p), largest = 0;
    goss__linear(w, width, classes, true, rows, p);
    for (int c = 0; c < classes; c++)
        for (int j = 0; j <= width; j++) {
            const int at = c * (1 + width) + j;
            double d = (j ? slope : level) * (w[at] - m[at]);
            for (int i = 0; i < rows->n; i++)
                d += (p[i * classes + c] - ((int)rows->y[i] == c)) * (j ? rows->x[i * width + j - 1] : 1);
            largest = fmax(largest, fabs(d));
        }
    goss__free(p);
    return largest;
}

TEST(logistic_minimises) {
    static const struct {
        int n, width, classes;
        double level, slope;
    } cases[] = {{2, 2, 3, .5, 1},     {7, 2, 3, .5, 1},   {12, 6, 3, .5, 1},   {5, 6, 3, .5, 1},
                 {60, 5, 2, .1, .001}, {40, 90, 2, 1, .1}, {90, 40, 7, .3, 30}, {30, 200, 5, 3, .01},
                 {200, 9, 4, .1, 1},   {1500, 4, 2, 1, 3}};
    goss__rng rng = goss__rng_make(3, 2);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int n = cases[k].n, width = cases[k].width, classes = cases[k].classes, size = classes * (1 + width);
        double *x = goss__calloc((size_t)(n * width + n + 2 * size), sizeof *x), *y = x + n * width, *m = y + n;
        double *w = m + size;
        T_NOTE("%d rows, %d inputs, %d classes", n, width, classes);
        random_rows(&rng, n, width, x, y);
        for (int i = 0; i < n; i++) y[i] = i % classes;
        if (n > 4) memcpy(x, x + 3 * width, (size_t)width * sizeof *x); /* a row twice */
        for (int j = 0; j < size; j++) m[j] = goss__rng_normal(&rng) / (1 + width);
        const goss_baselines b = plain(width, classes, cases[k].level, cases[k].slope, m);
        const goss_rows rows = {.n = n, .x = x, .y = y};
        goss__dense dense;
        goss__fitting f;
        T_OK(goss__dense_open(&dense, 1, &err));
        T_OK(goss__fitting_open(&f, &dense, &b, &rows, y, &err));
        goss__fit(&f, &b.chosen[0].mean, w);
        T_NEAR(largest_slope(&rows, width, classes, cases[k].level, cases[k].slope, m, w), 0, 1e-6);
        goss__fit(&f, &b.chosen[0].ridge, w); /* another strength of the same rows */
        memset(m, 0, (size_t)size * sizeof *m);
        T_NEAR(largest_slope(&rows, width, classes, cases[k].level, cases[k].slope, m, w), 0, 1e-6);
        goss__fitting_close(&f);
        goss__dense_close(&dense);
        goss__free(x);
    }
}

/* Where a matrix would be too large the metric is its diagonal. */
TEST(logistic_of_very_many_columns_minimises) {
    enum { N = 12, WIDTH = 4200 };
    goss__rng rng = goss__rng_make(3, 5);
    double *x = goss__calloc(N * WIDTH + N + 4 * (1 + WIDTH), sizeof *x), *y = x + N * WIDTH, *w = y + N;
    random_rows(&rng, N, WIDTH, x, y);
    for (int i = 0; i < N; i++) y[i] = i % 2;
    goss__dense dense;
    goss__logistic l;
    T_OK(goss__dense_open(&dense, 1, &err));
    T_OK(goss__logistic_open(&l, &dense, x, y, N, WIDTH, 2, &err));
    T_CHECK(!l.whole);
    goss__logistic_fit(&l, .5, 2, NULL, w);
    const goss_rows rows = {.n = N, .x = x, .y = y};
    T_NEAR(largest_slope(&rows, WIDTH, 2, .5, 2, w + 2 * (1 + WIDTH), w), 0, 1e-5);
    goss__logistic_close(&l);
    goss__dense_close(&dense);
    goss__free(x);
}

TEST(simple_rules_by_hand) {
    const double at[] = {0, 2, 2, 4}, y[] = {1, 3, 4, 8}, when[] = {1, 10, 2};
    const goss_rows support = {.n = 4, .y = y, .at = at}, query = {.n = 3, .at = when};
    const goss_baselines b = plain(0, 0, 1, 1, (double[]){0});
    double out[6];
    predict(&b, "mean", &support, &query, out);
    T_NEAR(out[1], 4, 1e-15);
    predict(&b, "nearest", &support, &query, out);
    T_NEAR(out[0], (1 + 3 + 4) / 3.0, 1e-15); /* all at distance 1 */
    T_NEAR(out[1], 8, 0);
    T_NEAR(out[2], 3.5, 1e-15);
    predict(&b, "line", &support, &query, out);
    /* about (2, 4): slope (2 * 3 + 2 * 4) / 8 */
    T_NEAR(out[1], 4 + 8 * 14.0 / 8, 1e-12);
    const double same[] = {2, 2, 2, 2};
    const goss_rows once = {.n = 4, .y = y, .at = same};
    predict(&b, "line", &once, &query, out);
    T_NEAR(out[1], 4, 1e-15);
    const double classes[] = {0, 1, 1, 1};
    const goss_rows labelled = {.n = 4, .y = classes, .at = at};
    const goss_baselines c = plain(0, 2, 1, 1, (double[]){0, 0});
    predict(&c, "nearest", &labelled, &query, out);
    T_NEAR(out[0], 1.0 / 3, 1e-15);
    T_NEAR(out[3], 1, 0);
    predict(&c, "mean", &labelled, &query, out);
    T_NEAR(out[1], .75, 1e-15);
    T_ERR(goss_baseline_predict(&c, goss_baseline_find("line"), &labelled, &query, out, &err), GOSS_E_UNSUPPORTED,
          "line is not defined for classes");
    const goss_rows nowhere = {.n = 4, .y = y}, empty = {.y = y, .at = at};
    T_ERR(goss_baseline_predict(&b, goss_baseline_find("nearest"), &nowhere, &query, out, &err), GOSS_E_ARGUMENT,
          "--order COLUMN");
    T_ERR(goss_baseline_predict(&b, goss_baseline_find("mean"), &empty, &query, out, &err), GOSS_E_ARGUMENT,
          "one support row");
    T_CHECK(!goss_baseline_find("gbm") && !goss_baseline_at(-1) && !goss_baseline_at(99));
}

/* ---- quantiles ---- */

static void quantiles(const char *name, const goss_rows *support, const goss_rows *query, double level, double *out) {
    const goss_baselines b = plain(0, 0, 1, 1, (double[]){0});
    T_OK(goss_baseline_quantiles(&b, goss_baseline_find(name), support, query, &level, 1, out, &err));
}

TEST(quantiles_of_lines_by_hand) {
    const double at[] = {0, 1, 2, 3}, y[] = {1, 3, 2, 6}, later[] = {5, 1.5}, from[] = {2, 0};
    const goss_rows support = {.n = 4, .y = y, .at = at}, query = {.n = 2, .at = later, .from = from};
    double out[2];
    /* about (1.5, 3): slope 7 / 5; residuals .1 .7 -1.7 .9, their variance 4.2 / 2; t of 2 degrees of freedom */
    quantiles("line", &support, &query, .975, out);
    T_NEAR(out[0], 3 + 1.4 * 3.5 - 2 + 4.30265273 * sqrt(2.1 * (1 + .25 + 3.5 * 3.5 / 5)), 1e-6);
    T_NEAR(out[1], 3 + 4.30265273 * sqrt(2.1 * 1.25), 1e-6);
    quantiles("line", &support, &query, .5, out);
    T_NEAR(out[0], 5.9, 1e-12);
    /* Two rows leave no residual: deviations from their mean, 2 / 1, with 1 degree. */
    const goss_rows two = {.n = 2, .y = y, .at = at};
    quantiles("line", &two, &query, .975, out);
    T_NEAR(out[1], 4 + 12.7062047 * sqrt(2 * (1 + .5 + 1 / .5)), 1e-6);
    const goss_rows one = {.n = 1, .y = y, .at = at};
    quantiles("line", &one, &query, .975, out);
    T_NEAR(out[1], 1, 0);
}

TEST(quantiles_of_neighbours_by_hand) {
    const double at[] = {0, 1, 2, 3}, y[] = {1, 3, 2, 6}, later[] = {5, 3.5};
    const goss_rows support = {.n = 4, .y = y, .at = at}, query = {.n = 2, .at = later};
    double out[2];
    /* Squares of differences: 4 1 16 of neighbours, 1 9 two apart, 25 three apart. As far apart as 2: the second ones,
     * and of the others, which are equally near, all; as .5: neighbours, and those two apart. t of 3 degrees. */
    quantiles("nearest", &support, &query, .975, out);
    T_NEAR(out[0], 6 + 3.18244631 * sqrt(56.0 / 6), 1e-6);
    T_NEAR(out[1], 6 + 3.18244631 * sqrt(31.0 / 5), 1e-6);
    quantiles("nearest", &support, &query, .025, out);
    T_NEAR(out[1], 6 - 3.18244631 * sqrt(31.0 / 5), 1e-6);
    const goss_baselines c = plain(0, 2, 1, 1, (double[]){0, 0});
    T_ERR(goss_baseline_quantiles(&c, goss_baseline_find("nearest"), &support, &query, (double[]){.5}, 1, out, &err),
          GOSS_E_UNSUPPORTED, "nearest: classes have no quantiles");
}

TEST(quantiles_of_few_errors_by_hand) {
    const double at[] = {0, 1, 2}, y[] = {1, 3, 8}, none[] = {0, 0, 0}, later[] = {5};
    const goss_rows support = {.n = 3, .y = y, .at = at}, query = {.n = 1, .at = later};
    double out[1];
    /* Each left out of the mean of the others: errors -4.5, -1.5, 6; t of 2 degrees. */
    quantiles("mean", &support, &query, .975, out);
    T_NEAR(out[0], 4 + 4.30265273 * sqrt((20.25 + 2.25 + 36) / 3), 1e-6);
    /* Changes since the last known value: their mean square. */
    const goss_rows changes = {.n = 3, .y = y, .at = at, .from = none}, next = {.n = 1, .at = later, .from = none};
    quantiles("last", &changes, &next, .025, out);
    T_NEAR(out[0], -4.30265273 * sqrt((1 + 9 + 64) / 3.0), 1e-6);
    /* Levels that the errors reach, from both ends, and one that they do not. */
    double many[10], when[10], zero[10] = {0};
    for (int i = 0; i < 10; i++) many[i] = i - 2, when[i] = i;
    const goss_rows ten = {.n = 10, .y = many, .at = when, .from = zero};
    quantiles("last", &ten, &next, .1, out);
    T_NEAR(out[0], -2, 0);
    quantiles("last", &ten, &next, .9, out);
    T_NEAR(out[0], 7, 0);
    quantiles("last", &ten, &next, .5, out);
    T_NEAR(out[0], 2, 0);
    quantiles("last", &ten, &next, .975, out);
    T_NEAR(out[0], 2.26215716 * sqrt(14.5), 1e-6); /* t of 9 degrees */
    quantiles("last", &ten, &next, .95, out);
    T_NEAR(out[0], 7, 0); /* farther than Student's */
}

/* The share of normal targets between the quantiles .05 and .95 of so many support rows, of 3,000 tasks. */
static double share_held(const char *name, int rows, bool changes) {
    enum { TASKS = 3000, MOST_ROWS = 20 };
    const goss_baselines b = plain(0, 0, 1, 1, (double[]){0});
    const double level[] = {.05, .95}, zero[MOST_ROWS] = {0};
    goss__rng rng = goss__rng_make(11, (uint64_t)rows);
    int held = 0;
    for (int task = 0; task < TASKS; task++) {
        double y[MOST_ROWS + 1], at[MOST_ROWS + 1], out[2];
        for (int i = 0; i <= rows; i++) y[i] = (changes ? 0 : 40) + 3 * goss__rng_normal(&rng), at[i] = i;
        const goss_rows support = {.n = rows, .y = y, .at = at, .from = changes ? zero : NULL},
                        query = {.n = 1, .at = at + rows, .from = changes ? zero : NULL};
        T_OK(goss_baseline_quantiles(&b, goss_baseline_find(name), &support, &query, level, 2, out, &err));
        held += y[rows] >= out[0] && y[rows] <= out[1];
    }
    return (double)held / TASKS;
}

TEST(intervals_of_few_rows_hold_what_they_say) {
    static const int rows[] = {3, 4, 5, 10, 19, 20};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const double mean = share_held("mean", rows[i], false), last = share_held("last", rows[i], true),
                     of_table = share_held("last", rows[i], false);
        /* last fits nothing, and one degree less than there are rows makes it wide: .938 of three. */
        if (fabs(mean - .915) > .03 || fabs(last - .92) > .04 || fabs(of_table - .925) > .035)
            T_FAIL("%d rows: mean %g, last %g, of a table %g", rows[i], mean, last, of_table);
    }
}

/* Of more rows than pairs are taken of; errors of a walk of steps 1 and -1 grow with the distance. */
TEST(quantiles_of_neighbours_widen_with_the_distance) {
    enum { MANY = 2500 };
    static double at[MANY], y[MANY];
    const double later[] = {MANY, MANY + 400};
    const goss_rows support = {.n = MANY, .y = y, .at = at}, query = {.n = 2, .at = later};
    double level = 0, out[2];
    uint64_t random = 1;
    for (int i = 0; i < MANY; i++) {
        at[i] = i, y[i] = level;
        random = random * 6364136223846793005u + 1442695040888963407u;
        level += random >> 40 & 1 ? 1 : -1;
    }
    quantiles("nearest", &support, &query, .9, out);
    T_CHECK(out[1] - y[MANY - 1] > 4 * (out[0] - y[MANY - 1]) && out[0] > y[MANY - 1]);
}

/* ---- what is learned from training tasks ---- */

enum { TASKS = 30, EACH = 40, WIDE = 3 };

/* Tasks around y = 10 + 3 x0 - 2 x1 with an own constant (deviation 2) and own slopes (.1), and noise (.5); or classes
 * by the sign of it, without the 10. */
typedef struct world {
    double x[TASKS][EACH * WIDE], y[TASKS][EACH];
    goss_rows rows[TASKS];
} world;

static world *make_world(bool classes) {
    world *w = goss__calloc(1, sizeof *w);
    goss__rng rng = goss__rng_make(5, 9);
    for (int t = 0; t < TASKS; t++) {
        const double own[] = {2 * goss__rng_normal(&rng), .1 * goss__rng_normal(&rng), .1 * goss__rng_normal(&rng)};
        for (int i = 0; i < EACH; i++) {
            double *x = w->x[t] + i * WIDE;
            for (int j = 0; j < WIDE; j++) x[j] = goss__rng_normal(&rng);
            const double y = own[0] + (3 + own[1]) * x[0] - (2 + own[2]) * x[1] + .5 * goss__rng_normal(&rng);
            w->y[t][i] = classes ? y > 0 : 10 + y;
        }
        w->rows[t] = (goss_rows){.n = EACH, .x = w->x[t], .y = w->y[t]};
    }
    return w;
}

static goss_baselines *fitted(const world *w, int tasks, bool classes) {
    goss_baselines_options o = goss_baselines_defaults();
    goss_baselines *b;
    o.width = WIDE, o.classes = classes ? 2 : 0, o.seed = 4;
    T_OK(goss_baselines_fit(w->rows, tasks, &o, &b, &err));
    return b;
}

/* Error on the rows after the first `support` of tasks that were not fitted on. */
static double error_on(const world *w, const goss_baselines *b, const char *name, int first, int support) {
    double out[2 * EACH], sum = 0;
    const int k = goss_baselines_classes(b) ? 2 : 1;
    for (int t = first; t < TASKS; t++) {
        goss_rows s = w->rows[t], q = {.n = EACH - support, .x = s.x + support * WIDE, .y = s.y + support};
        s.n = support;
        predict(b, name, &s, &q, out);
        for (int i = 0; i < q.n; i++)
            sum += k == 2 ? -log(out[2 * i + (int)q.y[i]]) : (out[i] - q.y[i]) * (out[i] - q.y[i]);
    }
    sum /= (double)(TASKS - first) * (EACH - support);
    return k == 2 ? sum : sqrt(sum);
}

TEST(mean_ridge_learns_what_tasks_share) {
    world *w = make_world(false);
    goss_baselines *b = fitted(w, 20, false);
    /* Slopes are nearly shared, so that a few rows give the constant: the least error is about .5. */
    T_CHECK(error_on(w, b, "mean-ridge", 20, 3) < .75);
    T_CHECK(error_on(w, b, "ridge", 20, 3) > 2);
    T_CHECK(error_on(w, b, "ridge", 20, 20) < .8);
    const goss__chosen *c = goss__strengths_for(b, 5);
    T_EQ(c->support, 5);
    T_NEAR(c->mean.towards[1] * b->scale, 3, .1);
    T_NEAR(c->mean.towards[2] * b->scale, -2, .1);
    T_NEAR(c->mean.towards[3] * b->scale, 0, .1);
    /* level: noise to constants' spread .25 / 4; slope: .25 / .01 */
    T_CHECK(c->mean.level <= .3 && c->mean.slope >= 3);
    goss_baselines_free(b);
    goss__free(w);
}

TEST(logistic_mean_ridge_learns_what_tasks_share) {
    world *w = make_world(true);
    goss_baselines *b = fitted(w, 20, true);
    const double drawn = error_on(w, b, "mean-ridge", 20, 5), alone = error_on(w, b, "ridge", 20, 5);
    T_NOTE("mean-ridge %g, ridge %g", drawn, alone);
    T_CHECK(drawn < .45 && alone > drawn + .1 && alone < log(2));
    goss_baselines_free(b);
    goss__free(w);
}

/* m by the definition: the minimum over m of what is left when every task is fitted towards it. */
TEST(the_mean_minimises_what_tasks_cannot_explain) {
    world *w = make_world(false);
    goss_baselines b = plain(WIDE, 0, 1, 1, NULL);
    const goss__grid g = {.slope = {7}, .level = {.5}, .pull = {2}, .slopes = 1, .levels = 1, .pulls = 1};
    const double *y[4];
    for (int k = 0; k < 4; k++) y[k] = w->y[k];
    goss__dense dense;
    T_OK(goss__dense_open(&dense, 2, &err));
    const goss__training t = {&b, w->rows, y, (int[]){0, 1, 0, 1}, 4, 2, WIDE, &dense};
    double m[3 * (1 + WIDE)] = {0};
    T_OK(goss__priors_numbers(&t, &g, m, &err));
    for (int without = 0; without < 3; without++) {
        double *mean = m + without * (1 + WIDE), gradient[1 + WIDE], own[1 + WIDE];
        /* The derivative by m is D (m - w) summed over tasks, and the pull. */
        for (int j = 0; j <= WIDE; j++) gradient[j] = j ? 2 * mean[j] : 0;
        for (int k = 0; k < 4; k++) {
            if (k % 2 == without) continue;
            goss__fitting f;
            T_OK(goss__fitting_open(&f, &dense, &b, &w->rows[k], y[k], &err));
            goss__fit(&f, &(goss__strength){.5, 7, mean}, own);
            for (int j = 0; j <= WIDE; j++) gradient[j] += (j ? 7 : .5) * (mean[j] - own[j]);
            goss__fitting_close(&f);
        }
        for (int j = 0; j <= WIDE; j++) T_NEAR(gradient[j], 0, 1e-4);
    }
    goss__dense_close(&dense);
    goss__free(w);
}

/* For classes by the definition: from one model of all rows, six times the mean of what tasks become. */
TEST(the_mean_of_classes_is_that_of_the_tasks) {
    enum { SIZE = 2 * (1 + WIDE), N = 4 };
    world *w = make_world(true);
    goss_baselines b = plain(WIDE, 2, 1, 1, NULL);
    const goss__grid g = {.slope = {7, .4}, .level = {.5}, .pull = {0}, .slopes = 2, .levels = 1, .pulls = 1};
    const double *y[N];
    double pooled_x[N * EACH * WIDE], pooled_y[N * EACH];
    for (int k = 0; k < N; k++) {
        y[k] = w->y[k];
        memcpy(pooled_x + k * EACH * WIDE, w->x[k], sizeof w->x[k]), memcpy(pooled_y + k * EACH, y[k], sizeof w->y[k]);
    }
    goss__dense dense;
    goss__fitting f;
    T_OK(goss__dense_open(&dense, 2, &err));
    const goss__training t = {&b, w->rows, y, (int[]){0, 1, 0, 1}, N, 2, WIDE, &dense};
    double m[3 * 2 * SIZE] = {0}, mean[SIZE], own[SIZE], next[SIZE];
    T_OK(goss__priors_classes(&t, &g, m, &err));
    for (int s = 0; s < 2; s++) {
        const goss_rows all = {.n = N * EACH, .x = pooled_x, .y = pooled_y};
        T_OK(goss__fitting_open(&f, &dense, &b, &all, pooled_y, &err));
        goss__fit(&f, &(goss__strength){.01, 1, NULL}, mean);
        goss__fitting_close(&f);
        for (int turn = 0; turn < 6; turn++) {
            memset(next, 0, sizeof next);
            for (int k = 0; k < N; k++) {
                T_OK(goss__fitting_open(&f, &dense, &b, &w->rows[k], y[k], &err));
                goss__fit(&f, &(goss__strength){g.level[0], g.slope[s], mean}, own);
                goss__fitting_close(&f);
                T_NEAR(largest_slope(&w->rows[k], WIDE, 2, g.level[0], g.slope[s], mean, own), 0, 1e-6);
                for (int i = 0; i < SIZE; i++) next[i] += own[i] / N;
            }
            memcpy(mean, next, sizeof mean);
        }
        for (int i = 0; i < SIZE; i++) T_NEAR(m[(2 * 2 + s) * SIZE + i], mean[i], 1e-6);
    }
    goss__dense_close(&dense);
    goss__free(w);
}

/* Few rows of many inputs: those of the world turned into more numbers, which changes no product of two rows. */
TEST(more_inputs_than_rows_are_fitted_as_the_rows_they_span) {
    enum { FEW = 5, ROWS_OF = 8, MANY = 55 };
    for (int classes = 0; classes < 2; classes++) {
        world *w = make_world(classes);
        double turn[WIDE][MANY] = {{0}}, *x = goss__calloc(FEW * ROWS_OF * MANY, sizeof *x);
        for (int j = 0; j < MANY; j++) { /* orthonormal: disjoint columns */
            turn[j % WIDE][j] = 1 / sqrt(j % WIDE == 0 ? 19 : 18);
        }
        goss_rows wide[TASKS], narrow[TASKS];
        for (int k = 0; k < FEW; k++) {
            narrow[k] = w->rows[k], narrow[k].n = ROWS_OF, wide[k] = narrow[k];
            wide[k].x = x + k * ROWS_OF * MANY;
            for (int i = 0; i < ROWS_OF; i++)
                for (int j = 0; j < MANY; j++)
                    x[(k * ROWS_OF + i) * MANY + j] = w->x[k][i * WIDE + j % WIDE] * turn[j % WIDE][j];
        }
        goss_baselines_options o = goss_baselines_defaults();
        goss_baselines *a, *b;
        o.classes = classes ? 2 : 0, o.seed = 4, o.width = WIDE;
        T_OK(goss_baselines_fit(narrow, FEW, &o, &a, &err));
        o.width = MANY;
        T_OK(goss_baselines_fit(wide, FEW, &o, &b, &err));
        T_EQ(a->n, b->n);
        for (int k = 0; k < a->n; k++) {
            const goss__chosen *p = &a->chosen[k], *q = &b->chosen[k];
            T_CHECK(p->ridge.slope == q->ridge.slope && p->mean.slope == q->mean.slope &&
                    p->mean.level == q->mean.level);
            for (int c = 0; c < goss__outputs(a); c++)
                for (int j = 0; j <= MANY; j++) {
                    const double *m = p->mean.towards + c * (1 + WIDE);
                    const double want = j ? m[1 + (j - 1) % WIDE] * turn[(j - 1) % WIDE][j - 1] : m[0];
                    T_NEAR(q->mean.towards[c * (1 + MANY) + j], want, 1e-6);
                }
        }
        goss_baselines_free(a), goss_baselines_free(b);
        goss__free(w), goss__free(x);
    }
}

TEST(any_number_of_threads_gives_the_same_bits) {
    for (int way = 0; way < 2; way++) {
        world *w = make_world(way);
        char *first = NULL, *text;
        for (int threads = 1; threads <= 3; threads++) {
            goss_baselines_options o = goss_baselines_defaults();
            goss_baselines *b;
            o.width = WIDE, o.classes = way ? 2 : 0, o.threads = threads, o.most_support = 10;
            T_OK(goss_baselines_fit(w->rows, 6, &o, &b, &err));
            T_OK(goss_baselines_text(b, &text, &err));
            if (first) T_STR(text, first);
            goss_baselines_free(b);
            if (first)
                goss_text_free(text);
            else
                first = text;
        }
        goss_text_free(first);
        goss__free(w);
    }
}

TEST(texts) {
    world *w = make_world(false);
    goss_baselines *b = fitted(w, 6, false), *back;
    char *text, *again;
    T_OK(goss_baselines_text(b, &text, &err));
    T_OK(goss_baselines_parse(text, &back, &err));
    T_OK(goss_baselines_text(back, &again, &err));
    T_STR(text, again);
    T_EQ(goss_baselines_width(back), WIDE);
    T_NEAR(error_on(w, b, "mean-ridge", 6, 4), error_on(w, back, "mean-ridge", 6, 4), 0);
    goss_baselines_free(back);
    T_ERR(goss_baselines_parse("1 3 0 0 1 1 5 0 1 1", &back, &err), GOSS_E_FORMAT, "damaged");
    T_ERR(goss_baselines_parse("", &back, &err), GOSS_E_FORMAT, "damaged");
    T_ERR(goss_baselines_parse("1 0 0 0 1 1 5 0 0 1 1 0", &back, &err), GOSS_E_FORMAT, "damaged");
    T_ERR(goss_baselines_parse("2 0 0 0 1 1 5 0 1 1 1 0", &back, &err), GOSS_E_FORMAT, "damaged");
    goss_text_free(text), goss_text_free(again);
    goss_baselines_free(b);
    goss__free(w);
}

TEST(few_tasks_and_no_memory) {
    world *w = make_world(false);
    goss_baselines_options o = goss_baselines_defaults();
    goss_baselines *b;
    o.width = WIDE;
    for (int n = 0; n < 2; n++) {
        T_OK(goss_baselines_fit(w->rows, n, &o, &b, &err));
        T_CHECK(error_on(w, b, "ridge", 20, 20) < 1.5);
        goss_baselines_free(b);
    }
    o.most_support = 2;
    for (uint64_t n = 1;; n++) {
        goss__alloc_fail_at(n);
        const goss_status s = goss_baselines_fit(w->rows, 3, &o, &b, &err);
        goss__alloc_fail_at(0);
        if (s == GOSS_OK) break;
        T_EQ(s, GOSS_E_NOMEM);
        T_CHECK(!b);
        if (n > 400) n += 97;
    }
    goss_baselines_free(b);
    goss__free(w);
}

TEST_MAIN()
