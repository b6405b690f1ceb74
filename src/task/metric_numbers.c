/* SPDX-License-Identifier: Apache-2.0 */
/* metric_numbers.c: how good numbers are, in the user's units. With several numbers a target, all count alike. */
#include <math.h>

#include "task/task.h"

static double weight(const goss_answers *a, int i) { return a->weight ? (double)a->weight[i] : 1; }
static double target(const goss_answers *a, int i, int w) {
    return (double)a->target[(size_t)i * (size_t)a->outputs + (size_t)w];
}

static double predicted(const goss_answers *a, int i, int w) {
    double y = (double)a->output[(size_t)i * (size_t)(a->stride ? a->stride : a->outputs) + (size_t)w];
    if (a->scale.deviation) y *= (double)a->scale.deviation[w];
    return a->scale.mean ? y + (double)a->scale.mean[w] : y;
}

/* Weighted mean over queries and targets of |error|^power. */
static double mean_error(const goss_answers *a, int power) {
    double sum = 0, total = 0;
    for (int i = 0; i < a->count; i++) {
        if (!(weight(a, i) > 0)) continue;
        for (int w = 0; w < a->outputs; w++) {
            double d = fabs(predicted(a, i, w) - target(a, i, w));
            sum += weight(a, i) * (power == 2 ? d * d : d), total += weight(a, i);
        }
    }
    return sum / total;
}

static double rmse(const goss_answers *a) { return sqrt(mean_error(a, 2)); }
static double mae(const goss_answers *a) { return mean_error(a, 1); }

/* Population variance of the targets, the mean over the numbers of a target. */
static double variance(const goss_answers *a) {
    double all = 0;
    for (int w = 0; w < a->outputs; w++) {
        double sum = 0, squares = 0, total = 0;
        for (int i = 0; i < a->count; i++) sum += weight(a, i) * target(a, i, w), total += weight(a, i);
        double mean = sum / total;
        for (int i = 0; i < a->count; i++)
            squares += weight(a, i) * (target(a, i, w) - mean) * (target(a, i, w) - mean);
        all += squares / total;
    }
    return all / a->outputs;
}

static double r2(const goss_answers *a) {
    double v = variance(a);
    return v > 0 ? 1 - mean_error(a, 2) / v : NAN;
}

const goss_metric goss__rmse = {"rmse", false, 0, INFINITY, rmse, "root of the mean squared error"};
const goss_metric goss__mae = {"mae", false, 0, INFINITY, mae, "mean absolute error"};
const goss_metric goss__r2 = {"r2", true, -INFINITY, 1, r2, "1 - squared error / variance of the task's targets"};
