/* SPDX-License-Identifier: Apache-2.0 */
/* Baselines of one table, and divisions of its rows. */
#include "base/alloc.h"
#include "base/rng.h"
#include "gossamer/baseline.h"
#include "gossamer/table_split.h"
#include "test.h"

static goss_error err;

enum { ROWS = 90, WIDTH = 3 };

static double x[ROWS * WIDTH], y[ROWS];

static goss_fitted *fit(const char *name, int rows, int width, int classes) {
    goss_fitted *f;
    const goss_rows r = {.n = rows, .x = x, .y = y};
    T_OK(goss_fitted_open(goss_fitted_kind_find(name), &r, width, classes, &f, &err));
    return f;
}

/* ---- linear ---- */

/* x -1 0 1, y 1 2 6: the slope is sum(x y) / (sum(x x) + 1) = 5/3, the constant the mean, 3. */
TEST(ridge_by_hand) {
    const double q[] = {2, 0};
    double out[2];
    memcpy(x, (double[]){-1, 0, 1}, 3 * sizeof *x), memcpy(y, (double[]){1, 2, 6}, 3 * sizeof *y);
    goss_fitted *f = fit("linear", 3, 1, 0);
    T_OK(goss_fitted_predict(f, q, 2, out, &err));
    T_NEAR(out[0], 3 + 2 * 5.0 / 3, 1e-9);
    T_NEAR(out[1], 3, 1e-9);
    T_EQ(goss_fitted_bytes(f), 2 * sizeof(float));
    goss_fitted_free(f);
}

static void make_classes(int classes, uint64_t seed) {
    goss__rng r = goss__rng_make(seed, 0);
    for (int i = 0; i < ROWS; i++) {
        y[i] = i % classes;
        for (int j = 0; j < WIDTH; j++) x[i * WIDTH + j] = goss__rng_normal(&r) + 1.5 * (i % classes == j);
    }
}

/* -log p + |w|^2 / 2, read off the predictions: logits are linear in x, up to a number that classes share. */
static double loss_of(const goss_fitted *f, int classes) {
    double p[ROWS * 4], at[(WIDTH + 1) * 4], points[(WIDTH + 1) * WIDTH] = {0}, sum = 0;
    T_OK(goss_fitted_predict(f, x, ROWS, p, &err));
    for (int i = 0; i < ROWS; i++) sum -= log(p[i * classes + (int)y[i]]);
    for (int j = 0; j < WIDTH; j++) points[(j + 1) * WIDTH + j] = 1;
    T_OK(goss_fitted_predict(f, points, WIDTH + 1, at, &err));
    for (int j = 0; j < WIDTH; j++) {
        double w[4], mean = 0;
        for (int c = 0; c < classes; c++) w[c] = log(at[(j + 1) * classes + c]) - log(at[c]);
        for (int c = 0; c < classes; c++) mean += w[c] / classes; /* at the minimum slopes sum to 0 over the classes */
        for (int c = 0; c < classes; c++) sum += (w[c] - mean) * (w[c] - mean) / 2;
    }
    return sum;
}

/* The stationary point: the gradient of the loss is 0 in every coefficient, by the predictions alone. */
TEST(logistic_regression_is_at_its_minimum) {
    for (int classes = 2; classes <= 4; classes++) {
        double p[ROWS * 4], at[(WIDTH + 1) * 4], points[(WIDTH + 1) * WIDTH] = {0};
        make_classes(classes, 3 + (uint64_t)classes);
        goss_fitted *f = fit("linear", ROWS, WIDTH, classes);
        T_OK(goss_fitted_predict(f, x, ROWS, p, &err));
        for (int j = 0; j < WIDTH; j++) points[(j + 1) * WIDTH + j] = 1;
        T_OK(goss_fitted_predict(f, points, WIDTH + 1, at, &err));
        for (int j = 0; j < WIDTH; j++) {
            double mean = 0;
            for (int c = 0; c < classes; c++) mean += (log(at[(j + 1) * classes + c]) - log(at[c])) / classes;
            for (int c = 0; c < classes; c++) {
                double gradient = log(at[(j + 1) * classes + c]) - log(at[c]) - mean;
                for (int i = 0; i < ROWS; i++) gradient += (p[i * classes + c] - (y[i] == c)) * x[i * WIDTH + j];
                T_NEAR(gradient, 0, 5e-3);
            }
        }
        for (int c = 0; c < classes; c++) { /* of the constants */
            double gradient = 0;
            for (int i = 0; i < ROWS; i++) gradient += p[i * classes + c] - (y[i] == c);
            T_NEAR(gradient, 0, 5e-3);
        }
        T_CHECK(loss_of(f, classes) < ROWS * log(classes));
        T_EQ(goss_fitted_bytes(f), (size_t)classes * (1 + WIDTH) * sizeof(float));
        goss_fitted_free(f);
    }
}

/* Separable classes have no maximum of the likelihood; the penalty gives one. */
TEST(separable_classes_end) {
    double p[4];
    memcpy(x, (double[]){-2, -1, 1, 2}, 4 * sizeof *x), memcpy(y, (double[]){0, 0, 1, 1}, 4 * sizeof *y);
    goss_fitted *f = fit("linear", 4, 1, 2);
    T_OK(goss_fitted_predict(f, (double[]){-1, 1}, 2, p, &err));
    /* w1 = -w0 = w: w = sum over rows of x (y - p) = 2 (2 q(2w 2) + q(2w 1)), q(z) = 1 / (1 + e^z) */
    const double w = (log(p[3]) - log(p[2])) / 2, far = 1 / (1 + exp(4 * w)), close = 1 / (1 + exp(2 * w));
    T_NEAR(w, 2 * (2 * far + close), 1e-4);
    goss_fitted_free(f);
}

/* ---- knn ---- */

TEST(nearest_rows_by_hand) {
    double out[2];
    /* Pairs of rows: the nearest other one says the truth, and the second nearest does not. */
    memcpy(x, (double[]){0, 1, 10, 11, 20, 21, 30, 31}, 8 * sizeof *x);
    memcpy(y, (double[]){0, 0, 1, 1, 0, 0, 1, 1}, 8 * sizeof *y);
    goss_fitted *f = fit("knn", 8, 1, 2);
    T_OK(goss_fitted_predict(f, (double[]){10.4}, 1, out, &err));
    T_NEAR(out[0] + out[1], 1, 1e-12);
    T_CHECK(out[1] == 0.75); /* k = 1: (1 + 1/2) / 2 */
    T_EQ(goss_fitted_bytes(f), 8 * 2 * sizeof(float));
    goss_fitted_free(f);
    memcpy(y, (double[]){1, 1, 5, 5, 2, 2, 9, 9}, 8 * sizeof *y);
    f = fit("knn", 8, 1, 0);
    T_OK(goss_fitted_predict(f, (double[]){10.4, 29}, 2, out, &err));
    T_CHECK(out[0] == 5 && out[1] == 9);
    goss_fitted_free(f);
}

/* With labels that are noise around a level, more neighbours are better than one. */
TEST(k_follows_the_noise) {
    double out[ROWS], one = 0;
    goss__rng r = goss__rng_make(5, 0);
    for (int i = 0; i < ROWS; i++) x[i] = i, y[i] = goss__rng_normal(&r);
    goss_fitted *f = fit("knn", ROWS, 1, 0);
    T_OK(goss_fitted_predict(f, x, ROWS, out, &err));
    for (int i = 0; i < ROWS; i++) one += out[i] * out[i] / ROWS;
    T_CHECK(one < 0.3); /* the mean of many; a single neighbour would repeat y, of variance 1 */
    goss_fitted_free(f);
}

TEST(what_cannot_be_fitted) {
    goss_fitted *f;
    const goss_rows none = {.n = 0, .x = x, .y = y}, some = {.n = 4, .x = x, .y = y};
    T_CHECK(!goss_fitted_kind_find("tree") && !goss_fitted_kind_at(2) && goss_fitted_kind_at(1));
    for (int i = 0; goss_fitted_kind_at(i); i++) {
        const goss_fitted_kind *k = goss_fitted_kind_at(i);
        T_ERR(goss_fitted_open(k, &none, 1, 2, &f, &err), GOSS_E_ARGUMENT, "0 rows");
        T_ERR(goss_fitted_open(k, &some, 1, 1, &f, &err), GOSS_E_ARGUMENT, "1 classes");
        make_classes(2, 1);
        for (uint64_t n = 1;; n++) {
            goss__alloc_fail_at(n);
            const goss_status s = goss_fitted_open(k, &some, 1, 2, &f, &err);
            goss__alloc_fail_at(0);
            if (s == GOSS_OK) break;
            T_EQ(s, GOSS_E_NOMEM);
            T_CHECK(!f && n < 10);
        }
        goss_fitted_free(f);
    }
}

/* ---- divisions ---- */

static int32_t of[ROWS], support[ROWS], query[ROWS];
static int ns, nq;

static void divide(double share, int most, int repeat, int classes) {
    const goss_table_split_options o = {share, most, 9, repeat};
    T_OK(goss_table_split(&o, classes ? of : NULL, classes, ROWS, support, &ns, query, &nq, &err));
}

static void count(const int32_t *rows, int n, int *out) {
    memset(out, 0, 8 * sizeof *out);
    for (int i = 0; i < n; i++) out[of[rows[i]]]++;
}

TEST(each_class_is_divided_by_its_share) {
    int s[8], q[8];
    for (int i = 0; i < ROWS; i++) of[i] = i < 60 ? 0 : i < 88 ? 1 : i < 89 ? 2 : 3; /* 60, 28, 1, 1 */
    of[0] = 3;                                                                       /* 59, 28, 1, 2 */
    divide(0.25, 0, 0, 4);
    count(support, ns, s), count(query, nq, q);
    T_CHECK(s[0] == 15 && s[1] == 7 && s[2] == 1 && s[3] == 1);
    T_CHECK(q[0] == 44 && q[1] == 21 && q[2] == 0 && q[3] == 1);
    bool seen[ROWS] = {0};
    for (int i = 0; i < ns + nq; i++) {
        const int32_t row = i < ns ? support[i] : query[i - ns];
        T_CHECK(row >= 0 && row < ROWS && !seen[row]);
        seen[row] = true;
    }
}

TEST(a_limit_leaves_the_queries_as_they_are) {
    int32_t before[ROWS];
    int s[8];
    for (int i = 0; i < ROWS; i++) of[i] = i < 60 ? 0 : i < 88 ? 1 : 2;
    divide(0.5, 0, 1, 3);
    const int n = nq;
    memcpy(before, query, sizeof before);
    T_EQ(ns, 45);
    divide(0.5, 12, 1, 3);
    count(support, ns, s);
    T_EQ(ns, 12);
    T_CHECK(nq == n && memcmp(before, query, (size_t)n * sizeof *query) == 0);
    T_CHECK(s[0] == 8 && s[1] == 3 && s[2] == 1); /* 30, 14 and 1 of 45, a row for each class */
    divide(0.5, 2, 1, 3);
    T_EQ(ns, 2);
}

TEST(divisions_differ_by_repeat_alone) {
    int32_t first[ROWS];
    for (int i = 0; i < ROWS; i++) of[i] = i % 2;
    divide(0.5, 0, 0, 2);
    memcpy(first, support, sizeof first);
    divide(0.5, 0, 1, 2);
    T_CHECK(memcmp(first, support, (size_t)ns * sizeof *first) != 0);
    divide(0.5, 0, 0, 2);
    T_CHECK(memcmp(first, support, (size_t)ns * sizeof *first) == 0);
    divide(0.3, 0, 0, 0);
    T_CHECK(ns == 27 && nq == 63);
}

TEST(divisions_that_cannot_be) {
    const goss_table_split_options whole = {1, 0, 1, 0}, half = {0.5, 0, 1, 0};
    int32_t alone[3] = {0, 1, 2};
    T_ERR(goss_table_split(&whole, NULL, 0, ROWS, support, &ns, query, &nq, &err), GOSS_E_ARGUMENT, "between 0 and 1");
    T_ERR(goss_table_split(&half, NULL, 0, 1, support, &ns, query, &nq, &err), GOSS_E_ARGUMENT, "1 rows");
    T_ERR(goss_table_split(&half, alone, 3, 3, support, &ns, query, &nq, &err), GOSS_E_ARGUMENT, "no rows are left");
}

TEST_MAIN()
