/* SPDX-License-Identifier: Apache-2.0 */
/* Objectives, metrics and task sources: values by hand, and tasks of ragged sizes as the inputs of a program. */
#include "gossamer/task.h"

#include <math.h>
#include <string.h>

#include "task/task.h"
#include "task/task_pack.h"
#include "test.h"

static double value(const char *objective, const char *metric, const goss_answers *a) {
    goss_error err;
    const goss_objective *o;
    const goss_metric *m;
    T_OK(goss_objective_find(objective, &o, &err));
    T_OK(goss_metric_find(o, metric, &m, &err));
    return m->value(a);
}

/* ---- metrics ---- */

/* Probabilities .9 .1, .8 .2, .4 .6, .3 .7 of classes 0, 1, 1, 1. */
static goss_answers two_classes(float *scratch) {
    static float output[8];
    static const float p[] = {.1f, .2f, .6f, .7f}, target[] = {0, 1, 1, 1};
    for (int i = 0; i < 4; i++) output[2 * i] = logf(1 - p[i]) + 3, output[2 * i + 1] = logf(p[i]) + 3;
    return (goss_answers){.count = 4, .outputs = 2, .output = output, .target = target, .scratch = scratch};
}

TEST(metrics_of_two_classes_by_hand) {
    float scratch[8];
    goss_answers a = two_classes(scratch);
    T_NEAR(value("classification", "accuracy", &a), 0.75, 1e-12);
    T_NEAR(value("classification", "", &a), 0.75, 1e-12);
    T_NEAR(value("classification", "auc", &a), 1, 1e-12);
    T_NEAR(value("classification", "log_loss", &a), -(log(.9) + log(.2) + log(.6) + log(.7)) / 4, 1e-6);
    /* class 0: hit 1, meant 1, called 2; class 1: hit 2, meant 3, called 2 */
    T_NEAR(value("classification", "f1", &a), (2.0 / 3 + 4.0 / 5) / 2, 1e-12);
    /* each in a bin of its own: .1, .8, .4, .3 off */
    T_NEAR(value("classification", "calibration_error", &a), (.1 + .8 + .4 + .3) / 4, 1e-6);
}

TEST(a_query_of_weight_0_does_not_count_and_ties_count_in_parts) {
    float scratch[8], output[] = {1, 1, 0, 2, 0, 0, 5, 0};
    const float target[] = {0, 1, 0, 1}, weight[] = {1, 1, 1, 0};
    goss_answers a = {
        .count = 4, .outputs = 2, .output = output, .target = target, .weight = weight, .scratch = scratch};
    T_NEAR(value("classification", "accuracy", &a), (0.5 + 1 + 0.5) / 3, 1e-12);
    T_NEAR(value("classification", "auc", &a), 1, 1e-12);
    output[2] = 3; /* the one of class 1 scores lowest of all */
    T_NEAR(value("classification", "auc", &a), 0, 1e-12);
    output[2] = 2; /* as high as both others */
    T_NEAR(value("classification", "auc", &a), 0.5, 1e-12);
}

TEST(a_metric_without_meaning_is_nan_and_never_better) {
    goss_error err;
    float scratch[8], output[] = {1, 0, 0, 2};
    const float target[] = {1, 1}, flat[] = {2, 2};
    goss_answers a = {.count = 2, .outputs = 2, .output = output, .target = target, .scratch = scratch};
    T_CHECK(isnan(value("classification", "auc", &a)));
    goss_answers b = {.count = 2, .outputs = 1, .output = output, .target = flat, .scratch = scratch};
    T_CHECK(isnan(value("regression", "r2", &b)));
    const goss_objective *o;
    const goss_metric *up, *down;
    T_OK(goss_objective_find("classification", &o, &err));
    T_OK(goss_metric_find(o, "auc", &up, &err));
    T_OK(goss_metric_find(o, "log_loss", &down, &err));
    T_CHECK(goss_metric_better(up, 0.6, 0.5) && !goss_metric_better(up, 0.5, 0.6));
    T_CHECK(goss_metric_better(down, 0.5, 0.6) && !goss_metric_better(down, 0.6, 0.5));
    T_CHECK(!goss_metric_better(up, (double)NAN, 0.5) && goss_metric_better(up, 0.5, (double)NAN));
}

TEST(metrics_of_numbers_are_in_the_users_units) {
    const float output[] = {0, 9, 1, 9, -1, 9}, target[] = {10, 14, 4}, mean = 10, deviation = 4;
    goss_answers a = {
        .count = 3, .outputs = 1, .stride = 2, .output = output, .target = target, .scale = {&mean, &deviation}};
    T_NEAR(value("regression", "rmse", &a), sqrt((0 + 0 + 4) / 3.0), 1e-12);
    T_NEAR(value("regression", "mae", &a), 2 / 3.0, 1e-12);
    double m = 28 / 3.0, v = ((10 - m) * (10 - m) + (14 - m) * (14 - m) + (4 - m) * (4 - m)) / 3;
    T_NEAR(value("regression", "r2", &a), 1 - 4 / 3.0 / v, 1e-12);
}

/* Targets at the 2 k + 1 of 40 quantiles of what is predicted: each central interval holds what it says, but for the
 * half row at its ends. Then the same with deviations that are 3 times too small. */
TEST(likelihood_and_coverage_of_normal_distributions) {
    enum { N = 40 };
    float output[2 * N], target[N];
    const float mean = 10, deviation = 4;
    for (int i = 0; i < N; i++) {
        double low = -9, high = 9, z;
        while (z = (low + high) / 2, high - low > 1e-12) /* the quantile, by bisection */
            *(erfc(-z / sqrt(2)) / 2 < (i + .5) / N ? &low : &high) = z;
        output[2 * i] = (float)i / N, output[2 * i + 1] = 1;
        const double d = exp(GOSS__LOG_VARIANCE_BOUND * tanh(1 / GOSS__LOG_VARIANCE_BOUND) / 2);
        target[i] = (float)((double)mean + (double)deviation * ((double)output[2 * i] + z * d));
    }
    goss_answers a = {
        .count = N, .outputs = 1, .stride = 2, .output = output, .target = target, .scale = {&mean, &deviation}};
    T_CHECK(value("gaussian", "coverage_error", &a) < .5 / N + 1e-6);
    T_NEAR(value("gaussian", "coverage", &a), 38.0 / N, 1e-12);
    const double v = GOSS__LOG_VARIANCE_BOUND * tanh(1 / GOSS__LOG_VARIANCE_BOUND), sure = value("gaussian", "nll", &a);
    double by_hand = 0;
    for (int i = 0; i < N; i++) {
        const double y = ((double)target[i] - 10) / 4 - (double)output[2 * i];
        by_hand += ((log(2 * M_PI) + v + y * y / exp(v)) / 2 + log(4)) / N;
    }
    T_NEAR(sure, by_hand, 1e-6);
    for (int i = 0; i < N; i++) output[2 * i + 1] -= (float)log(9);
    T_CHECK(value("gaussian", "coverage_error", &a) > .2 && value("gaussian", "nll", &a) > sure);
    a.stride = 1; /* answers without variances */
    T_CHECK(isnan(value("gaussian", "nll", &a)) && isnan(value("gaussian", "coverage_error", &a)));
}

TEST(an_unknown_name_is_told_with_those_that_there_are) {
    goss_error err;
    const goss_objective *o;
    const goss_metric *m;
    T_ERR(goss_objective_find("ranking", &o, &err), GOSS_E_ARGUMENT, "ranking");
    T_CHECK(strstr(err.text, "classification, regression, huber"));
    T_OK(goss_objective_find("regression", &o, &err));
    T_ERR(goss_metric_find(o, "accuracy", &m, &err), GOSS_E_ARGUMENT, "rmse, mae, r2");
}

TEST(a_spec_that_no_task_can_have_is_told_by_field) {
    goss_error err;
    goss_task_spec spec = {.input_rank = 1, .input = {3}, .outputs = 1, .supports = 5, .queries = 5};
    T_ERR(goss_task_spec_check(&spec, &err), GOSS_E_ARGUMENT, "outputs is 1");
    T_OK(goss_objective_find("regression", &spec.objective, &err));
    T_OK(goss_task_spec_check(&spec, &err));
    float zero = 0;
    spec.scale.deviation = &zero;
    T_ERR(goss_task_spec_check(&spec, &err), GOSS_E_ARGUMENT, "deviation of target 0");
}

/* ---- a source of its own ---- */

/* Task k has 1 + k % 3 support samples and 2 queries of 2 inputs and 2 numbers a target, and number k if k < 4. */
static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    (void)source;
    t->supports = 1 + (int)(k % 3), t->queries = 2, t->id = k < 4 ? (int64_t)k : -1;
    for (int n = 0; n < 2 * t->supports; n++) {
        int i = n / 2, j = n % 2;
        t->support[n] = (float)(100 * (int)k + 10 * i + j), t->support_target[n] = (float)((int)k + i + j);
    }
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) t->query[2 * i + j] = 7, t->query_target[2 * i + j] = (float)i;
    t->query_weight[1] = 0.25f;
    t->descriptor[0] = (float)k / 8;
}

TEST(tasks_of_other_sizes_lie_side_by_side_padded_and_standardised) {
    goss_error err;
    const float mean[] = {1, 2}, deviation[] = {2, 4};
    goss_task_source s = {.spec = {.input_rank = 1,
                                   .input = {2},
                                   .outputs = 2,
                                   .supports = 3,
                                   .queries = 2,
                                   .descriptor = 1,
                                   .ids = 4,
                                   .scale = {mean, deviation}},
                          .draw = draw};
    goss__task_pack p;
    T_OK(goss_objective_find("regression", &s.spec.objective, &err));
    T_OK(goss__task_pack_init(&p, 2, &s.spec, NULL, &err));
    goss__task_pack_draw(&p, &s, 3, 2); /* of 1 and 2 support samples */
    T_EQ(p.supports, 2);
    const float support[] = {300, 301, 0, 0, 400, 401, 410, 411};
    const float target[] = {1, .5f, 0, 0, 1.5f, .75f, 2, 1}, weight[] = {1, 0, 1, 1};
    for (int i = 0; i < 8; i++) {
        T_NEAR(p.support[i], support[i], 0);
        T_NEAR(p.support_target[i], target[i], 1e-6);
    }
    for (int i = 0; i < 4; i++) T_NEAR(p.support_weight[i], weight[i], 0);
    T_NEAR(p.query_weight[0], 1, 0);
    T_NEAR(p.query_weight[3], 0.25, 0);
    T_NEAR(goss__task_pack_raw_query(&p, 1)[2], 1, 0);
    T_EQ(p.id[0], 3);
    T_EQ(p.id[1], 4); /* the row behind the known ones */
    T_NEAR(p.known[0], 1, 0);
    T_NEAR(p.known[1], 0, 0);
    T_NEAR(p.descriptor[1], 0.5, 0);
    goss__task_pack_free(&p);
}

TEST_MAIN()
