/* SPDX-License-Identifier: Apache-2.0 */
/* Ranking metrics against values worked out by hand, ties against the mean over all orders, lists of metrics. */
#include <math.h>
#include <string.h>

#include "gossamer/objective.h"
#include "test.h"

static goss_error err;

static const goss_metric *metric(const char *name) {
    const goss_objective *o;
    const goss_metric *m = NULL;
    T_CHECK(goss_objective_find("regression", &o, &err) == GOSS_OK && goss_metric_find(o, name, &m, &err) == GOSS_OK);
    return m;
}

static double value(const char *name, int n, const float *output, const float *target, const float *weight) {
    static const float mean = 3, deviation = 2;
    float scratch[64];
    const goss_answers a = {.count = n,
                            .outputs = 1,
                            .output = output,
                            .target = target,
                            .weight = weight,
                            .scale = {&mean, &deviation},
                            .scratch = scratch};
    return metric(name)->value(&a);
}

TEST(gains_are_discounted_by_rank_and_normalised_by_the_best_order) {
    /* by prediction: 1, 5, 3, 4; ranks 1 to 4 */
    const float output[] = {.9f, .1f, .8f, .4f}, target[] = {1, 4, 5, 3};
    const double l3 = log2(3), ideal = 31 + 15 / l3 + 7 / 2.0 + 1 / log2(5);
    T_NEAR(value("ndcg@1", 4, output, target, NULL), 1 / 31.0, 1e-12);
    T_NEAR(value("ndcg@5", 4, output, target, NULL), (1 + 31 / l3 + 7 / 2.0 + 15 / log2(5)) / ideal, 1e-12);
    const float best[] = {0, 2, 3, 1};
    T_NEAR(value("ndcg@5", 4, best, target, NULL), 1, 1e-12);
    /* the same whatever the scale of predictions is */
    float far[4];
    for (int i = 0; i < 4; i++) far[i] = 100 * output[i] - 7;
    T_CHECK(value("ndcg@5", 4, far, target, NULL) == value("ndcg@5", 4, output, target, NULL));
}

TEST(what_is_relevant_is_above_the_mean_of_training) {
    const float output[] = {5, 4, 3, 2, 1, 0}, target[] = {3, 4, 1, 5, 3.5f, 2};
    T_NEAR(value("precision@1", 6, output, target, NULL), 0, 1e-12);
    T_NEAR(value("precision@5", 6, output, target, NULL), 3 / 5.0, 1e-12);
    T_NEAR(value("recall@1", 6, output, target, NULL), 0, 1e-12);
    T_NEAR(value("recall@5", 6, output, target, NULL), 1, 1e-12);
    T_NEAR(value("hit@1", 6, output, target, NULL), 0, 1e-12);
    T_NEAR(value("hit@5", 6, output, target, NULL), 1, 1e-12);
    const float none[] = {3, 2, 1};
    T_CHECK(isnan(value("recall@5", 3, output, none, NULL)));
    T_CHECK(isnan(value("hit@5", 3, output, none, NULL)));
    T_NEAR(value("precision@5", 3, output, none, NULL), 0, 1e-12);
    const float zero[] = {0, 0, 0};
    T_CHECK(isnan(value("ndcg@5", 3, output, zero, NULL)));
}

TEST(padding_is_left_out) {
    const float output[] = {9, 4, 8, 2}, target[] = {5, 1, 5, 4}, weight[] = {0, 1, 0, 1};
    const float kept[] = {4, 2}, is[] = {1, 4};
    static const char *const names[] = {"ndcg@1", "ndcg@5", "recall@1", "precision@5", "hit@1"};
    for (int i = 0; i < 5; i++)
        T_NEAR(value(names[i], 4, output, target, weight), value(names[i], 2, kept, is, NULL), 1e-12);
}

/* The mean over all orders of tied queries, by breaking ties each way. */
static double over_orders(const char *name, int n, const float *output, const float *target) {
    int order[8] = {0, 1, 2, 3, 4, 5, 6, 7}, count = 0, c[8] = {0};
    double sum = 0;
    for (int i = 0; i <= n;) { /* Heap's algorithm over the orders */
        if (i == 0) {
            float apart[8];
            for (int k = 0; k < n; k++) apart[k] = output[k] + 1e-3f * (float)order[k];
            sum += value(name, n, apart, target, NULL), count++;
            i = 1;
        }
        while (i < n && c[i] >= i) c[i] = 0, i++;
        if (i >= n) break;
        const int with = i % 2 ? c[i] : 0, t = order[with];
        order[with] = order[i], order[i] = t, c[i]++, i = 0;
    }
    return sum / count;
}

TEST(tied_predictions_have_the_mean_over_their_orders) {
    const float output[] = {2, 1, 2, 1, 1, 2}, target[] = {5, 4, 1, 2, 5, 3};
    static const char *const names[] = {"ndcg@1", "ndcg@5", "recall@1", "recall@5", "precision@1", "hit@1", "hit@5"};
    for (int i = 0; i < 7; i++)
        T_NEAR(value(names[i], 6, output, target, NULL), over_orders(names[i], 6, output, target), 1e-9);
    const float same[] = {1, 1, 1, 1, 1, 1};
    for (int i = 0; i < 7; i++)
        T_NEAR(value(names[i], 6, same, target, NULL), over_orders(names[i], 6, same, target), 1e-9);
}

TEST(lists_of_metrics_are_read_in_order) {
    const goss_objective *o;
    const goss_metric *m[GOSS_METRICS_MOST];
    int n;
    T_OK(goss_objective_find("regression", &o, &err));
    T_OK(goss_metrics_find(o, "mae, ndcg@10,recall@20", m, &n, &err));
    T_CHECK(n == 3 && strcmp(m[0]->name, "mae") == 0 && strcmp(m[1]->name, "ndcg@10") == 0 &&
            strcmp(m[2]->name, "recall@20") == 0);
    T_OK(goss_metrics_find(o, NULL, m, &n, &err));
    T_CHECK(n == 1 && m[0] == o->metrics[0]);
    T_CHECK(goss_metrics_find(o, "mae,mae", m, &n, &err) == GOSS_E_ARGUMENT && strstr(err.text, "mae is named twice"));
    T_CHECK(goss_metrics_find(o, "ndcg@7", m, &n, &err) == GOSS_E_ARGUMENT && strstr(err.text, "ndcg@5"));
}
TEST_MAIN()
