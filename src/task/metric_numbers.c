/* SPDX-License-Identifier: Apache-2.0 */
/* metric_numbers.c: regression metrics in the user's units. Components of a vector target are weighted equally; missing
 * ones have no weight. */
#include <math.h>

#include "task/task.h"

static double weight(const goss_answers *a, int i) { return a->weight ? (double)a->weight[i] : 1; }
static double target(const goss_answers *a, int i, int w) {
    return (double)a->target[(size_t)i * (size_t)a->outputs + (size_t)w];
}

/* The weight of a component. */
static double part(const goss_answers *a, int i, int w) { return isnan(target(a, i, w)) ? 0 : weight(a, i); }

static double predicted(const goss_answers *a, int i, int w) {
    double y = (double)a->output[(size_t)i * (size_t)(a->stride ? a->stride : a->outputs) + (size_t)w];
    if (a->scale.deviation) y *= (double)a->scale.deviation[w];
    return a->scale.mean ? y + (double)a->scale.mean[w] : y;
}

/* Weighted mean over queries and targets of |error|^power. */
static double mean_error(const goss_answers *a, int power) {
    double sum = 0, total = 0;
    for (int i = 0; i < a->count; i++) {
        for (int w = 0; w < a->outputs; w++) {
            if (!(part(a, i, w) > 0)) continue;
            double d = fabs(predicted(a, i, w) - target(a, i, w));
            sum += weight(a, i) * (power == 2 ? d * d : d), total += weight(a, i);
        }
    }
    return sum / total;
}

static double rmse(const goss_answers *a) { return sqrt(mean_error(a, 2)); }
static double mae(const goss_answers *a) { return mean_error(a, 1); }

/* Weighted squares of the targets of component w around their mean, and the weight of all of them. */
static double squares(const goss_answers *a, int w, double *total) {
    double sum = 0, square = 0;
    *total = 0;
    for (int i = 0; i < a->count; i++)
        if (part(a, i, w) > 0) sum += weight(a, i) * target(a, i, w), *total += weight(a, i);
    const double mean = sum / *total;
    for (int i = 0; i < a->count; i++)
        if (part(a, i, w) > 0) square += weight(a, i) * (target(a, i, w) - mean) * (target(a, i, w) - mean);
    return square;
}

/* Population variance of the targets, averaged over the components that any query has. */
static double variance(const goss_answers *a) {
    double all = 0, total;
    int n = 0;
    for (int w = 0; w < a->outputs; w++) {
        const double square = squares(a, w, &total);
        if (total > 0) all += square / total, n++;
    }
    return all / n;
}

static double r2(const goss_answers *a) {
    double v = variance(a);
    return v > 0 ? 1 - mean_error(a, 2) / v : NAN;
}

double goss__metric_of_component(const goss_metric *metric, const goss_answers *answers, int w, float *room) {
    goss_answers a = *answers;
    const size_t n = (size_t)a.count * (size_t)a.outputs;
    for (size_t i = 0; i < n; i++) room[i] = i % (size_t)a.outputs == (size_t)w ? a.target[i] : NAN;
    a.target = room;
    return metric->value(&a);
}

/* ---- of normal distributions ---- */

/* Mean over queries and components of f(z, deviation): z is the target's distance from the predicted mean in
 * predicted standard deviations, which are in the user's units. NaN if the predictions have no variances. */
static double mean_over_normals(const goss_answers *a, double (*f)(const void *context, double z, double deviation),
                                const void *context) {
    double sum = 0, total = 0;
    if (a->stride < 2 * a->outputs) return NAN;
    for (int i = 0; i < a->count; i++) {
        for (int w = 0; w < a->outputs; w++) {
            if (!(part(a, i, w) > 0)) continue;
            const double s = (double)a->output[(size_t)i * (size_t)a->stride + (size_t)(a->outputs + w)];
            double deviation = exp(GOSS__LOG_VARIANCE_BOUND * tanh(s / GOSS__LOG_VARIANCE_BOUND) / 2);
            if (a->scale.deviation) deviation *= (double)a->scale.deviation[w];
            sum += weight(a, i) * f(context, (target(a, i, w) - predicted(a, i, w)) / deviation, deviation);
            total += weight(a, i);
        }
    }
    return sum / total;
}

static double surprise(const void *context, double z, double deviation) {
    (void)context;
    return (log(2 * M_PI) + z * z) / 2 + log(deviation);
}

static double nll(const goss_answers *a) { return mean_over_normals(a, surprise, NULL); }

static double is_inside(const void *share, double z, double deviation) {
    (void)deviation;
    return erf(fabs(z) / sqrt(2)) <= *(const double *)share;
}

/* Calibration of central intervals at 5, 10, ... 95 %: distance of observed from nominal coverage (Kuleshov, Fenner
 * and Ermon 2018). */
static double coverage_error(const goss_answers *a) {
    double sum = 0;
    for (int k = 1; k < 20; k++) {
        const double share = k / 20.0;
        sum += fabs(mean_over_normals(a, is_inside, &share) - share);
    }
    return sum / 19;
}

/* Of the intervals that `predict` writes. */
#define INTERVAL 0.95
static double coverage(const goss_answers *a) { return mean_over_normals(a, is_inside, &(double){INTERVAL}); }

const goss_metric goss__rmse = {"rmse", false, 0, INFINITY, rmse, false, "root of the mean squared error", 0};
const goss_metric goss__mae = {"mae", false, 0, INFINITY, mae, false, "mean absolute error", 0};
const goss_metric goss__nll = {.name = "nll",
                               .low = -INFINITY,
                               .high = INFINITY,
                               .value = nll,
                               .variance = true,
                               .meaning = "negative log likelihood of a number, in its own units"};
const goss_metric goss__coverage_error = {.name = "coverage_error",
                                          .low = 0,
                                          .high = 1,
                                          .value = coverage_error,
                                          .variance = true,
                                          .meaning = "how far intervals hold more or less than they say"};
const goss_metric goss__coverage = {.name = "coverage",
                                    .low = 0,
                                    .high = 1,
                                    .nominal = INTERVAL,
                                    .value = coverage,
                                    .variance = true,
                                    .meaning = "share of targets in intervals of 95 %"};
const goss_metric goss__r2 = {"r2", true, -INFINITY, 1, r2, false, "1 - squared error / variance of the task's targets",
                              0};
