/* SPDX-License-Identifier: Apache-2.0 */
/* metric_quantiles.c: metrics of predicted quantiles. Components of a vector target are weighted equally, missing
 * ones not at all. */
#include <math.h>

#include "task/task.h"

static bool has_quantiles(const goss_answers *a) {
    return a->objective && a->objective->levels && a->stride >= a->objective->numbers * a->outputs;
}

/* Weighted mean over queries and components of f, of the quantiles q and the target y in the user's units. NaN if the
 * predictions have no quantiles. */
static double mean_over_quantiles(const goss_answers *a, double (*f)(const void *context, const double *q, double y),
                                  const void *context) {
    double sum = 0, total = 0, q[GOSS_LEVELS_MOST];
    if (!has_quantiles(a)) return NAN;
    for (int i = 0; i < a->count; i++) {
        const double weight = a->weight ? (double)a->weight[i] : 1;
        if (!(weight > 0)) continue;
        for (int w = 0; w < a->outputs; w++) {
            const double y = (double)a->target[(size_t)i * (size_t)a->outputs + (size_t)w];
            if (isnan(y)) continue;
            goss__quantiles_of(a->objective, a->output + (size_t)i * (size_t)a->stride, a->outputs, w, a->scale, q);
            sum += weight * f(context, q, y);
            total += weight;
        }
    }
    return sum / total;
}

/* Mean over levels. */
static double loss_of(const void *objective, const double *q, double y) {
    const goss_objective *o = objective;
    double sum = 0;
    for (int k = 0; k < o->numbers; k++) sum += fmax(o->levels[k] * (y - q[k]), (o->levels[k] - 1) * (y - q[k]));
    return sum / o->numbers;
}

static double pinball(const goss_answers *a) { return mean_over_quantiles(a, loss_of, a->objective); }

static double is_inside(const void *objective, const double *q, double y) {
    const goss_objective *o = objective;
    return y <= q[o->numbers - 1] && (o->numbers == 1 || y >= q[0]);
}

static double coverage(const goss_answers *a) { return mean_over_quantiles(a, is_inside, a->objective); }

static double is_below(const void *level, const double *q, double y) { return y <= q[*(const int *)level]; }

/* Calibration at each level: distance of the share of targets below the quantile from what it should be (Kuleshov,
 * Fenner and Ermon 2018). */
static double coverage_error(const goss_answers *a) {
    double sum = 0;
    if (!has_quantiles(a)) return NAN;
    for (int k = 0; k < a->objective->numbers; k++)
        sum += fabs(mean_over_quantiles(a, is_below, &k) - a->objective->levels[k]);
    return sum / a->objective->numbers;
}

const goss_metric goss__pinball = {.name = "pinball",
                                   .low = 0,
                                   .high = INFINITY,
                                   .value = pinball,
                                   .variance = true,
                                   .meaning = "mean pinball loss of the quantiles, in the target's units"};
const goss_metric goss__level_error = {.name = "coverage_error",
                                       .low = 0,
                                       .high = 1,
                                       .value = coverage_error,
                                       .variance = true,
                                       .meaning = "how far shares below the quantiles are from their levels"};
const goss_metric goss__level_coverage = {.name = "coverage",
                                          .low = 0,
                                          .high = 1,
                                          .nominal = 0.9 - 0.1, /* of the usual levels */
                                          .value = coverage,
                                          .variance = true,
                                          .meaning = "share of targets between the outermost quantiles"};
