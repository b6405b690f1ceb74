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
            goss__fitting f;
            T_OK(goss__fitting_open(&f, &b, &rows, y, &err));
            goss__fit(&f, &b.chosen[0].mean, w);
            goss__linear(w, width, 1, false, &rows, p);
            for (int j = 0; j <= width; j++) {
                double d = (j ? 2 : .3) * (w[j] - m[j]);
                for (int i = 0; i < n; i++) d += (p[i] - y[i]) * (j ? x[i * width + j - 1] : 1);
                T_NEAR(d, 0, 1e-10);
            }
            goss__fitting_close(&f);
        }
}

TEST(logistic_minimises) {
    goss__rng rng = goss__rng_make(3, 2);
    enum { CLASSES = 3 };
    for (int width = 2; width <= MOST; width += 4)
        for (int n = 2; n <= ROWS; n += 5) {
            double x[ROWS * MOST], y[ROWS], m[CLASSES * (1 + MOST)], w[CLASSES * (1 + MOST)], p[ROWS * CLASSES];
            T_NOTE("%d rows, %d inputs", n, width);
            random_rows(&rng, n, width, x, y);
            for (int i = 0; i < n; i++) y[i] = i % CLASSES;
            for (int j = 0; j < CLASSES * (1 + width); j++) m[j] = goss__rng_normal(&rng);
            const goss_baselines b = plain(width, CLASSES, .5, 1, m);
            const goss_rows rows = {.n = n, .x = x, .y = y};
            goss__fitting f;
            T_OK(goss__fitting_open(&f, &b, &rows, y, &err));
            goss__fit(&f, &b.chosen[0].mean, w);
            goss__linear(w, width, CLASSES, true, &rows, p);
            for (int c = 0; c < CLASSES; c++)
                for (int j = 0; j <= width; j++) {
                    double d = (j ? 1 : .5) * (w[c * (1 + width) + j] - m[c * (1 + width) + j]);
                    for (int i = 0; i < n; i++)
                        d += (p[i * CLASSES + c] - ((int)y[i] == c)) * (j ? x[i * width + j - 1] : 1);
                    T_NEAR(d, 0, 1e-4);
                }
            goss__fitting_close(&f);
        }
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
    const goss__training t = {&b, w->rows, y, (int[]){0, 1, 0, 1}, 4, 2};
    double m[3 * (1 + WIDE)] = {0};
    T_OK(goss__priors_numbers(&t, &g, m, &err));
    for (int without = 0; without < 3; without++) {
        double *mean = m + without * (1 + WIDE), gradient[1 + WIDE], own[1 + WIDE];
        /* The derivative by m is D (m - w) summed over tasks, and the pull. */
        for (int j = 0; j <= WIDE; j++) gradient[j] = j ? 2 * mean[j] : 0;
        for (int k = 0; k < 4; k++) {
            if (k % 2 == without) continue;
            goss__fitting f;
            T_OK(goss__fitting_open(&f, &b, &w->rows[k], y[k], &err));
            goss__fit(&f, &(goss__strength){.5, 7, mean}, own);
            for (int j = 0; j <= WIDE; j++) gradient[j] += (j ? 7 : .5) * (mean[j] - own[j]);
            goss__fitting_close(&f);
        }
        for (int j = 0; j <= WIDE; j++) T_NEAR(gradient[j], 0, 1e-4);
    }
    goss__free(w);
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
