/* SPDX-License-Identifier: Apache-2.0 */
/* objective_gaussian.c: heteroscedastic regression: a network outputs the mean and the log variance of each number,
 * and the loss is the negative log likelihood of a normal distribution (Nix and Weigend 1994), or of Student's t with 4
 * degrees of freedom and that variance, under which an outlier counts by the logarithm of its distance (Lange, Little
 * and Taylor 1989).
 *
 * The log variance is v = B tanh(s / B) of the network's output s: the identity near 0, and bounded, so that neither
 * exact hits nor outliers make the loss diverge. */
#include <math.h>

#include "task/task.h"

static int half(goss_val output) { return (int)(goss_dim(output, goss_rank(output) - 1).count / 2); }

static goss_val mean_of(goss_val output) { return goss_slice(output, goss_rank(output) - 1, 0, half(output)); }

static goss_val log_variance(goss_val output) {
    goss_val s = goss_slice(output, goss_rank(output) - 1, half(output), half(output));
    return goss_scale(goss_tanh(goss_scale(s, 1 / GOSS__LOG_VARIANCE_BOUND)), GOSS__LOG_VARIANCE_BOUND);
}

static goss_val variance(goss_val output) { return goss_exp(log_variance(output)); }

/* (log 2 pi + v + (y - m)^2 / e^v) / 2, the mean over the numbers of a target. */
static goss_val loss(const goss_objective *o, goss_val output, goss_val target, goss_val known, double smoothing) {
    (void)o, (void)smoothing;
    goss_val v = log_variance(output), miss = goss_square(goss_sub(target, mean_of(output)));
    goss_val nll = goss_add(v, goss_mul(miss, goss_exp(goss_neg(v))));
    nll = goss_mean(goss__where_known(nll, known), GOSS_AXIS(goss_rank(output) - 1), false);
    return goss_scale(goss_shift(goss__mean_of_known(nll, known), log(2 * M_PI)), 0.5);
}

/* (log(pi (f - 2)) + v) / 2 + log(gamma(f / 2) / gamma((f + 1) / 2)) + (f + 1) / 2 log(1 + (y - m)^2 / ((f - 2) e^v)),
 * f = 4: e^v is the variance. */
static goss_val loss_of_student(const goss_objective *o, goss_val output, goss_val target, goss_val known,
                                double smoothing) {
    (void)o, (void)smoothing;
    goss_val v = log_variance(output), miss = goss_square(goss_sub(target, mean_of(output)));
    goss_val far = goss_log(goss_shift(goss_scale(goss_mul(miss, goss_exp(goss_neg(v))), 0.5), 1));
    goss_val nll = goss__where_known(goss_add(goss_scale(v, 0.5), goss_scale(far, 2.5)), known);
    nll = goss__mean_of_known(goss_mean(nll, GOSS_AXIS(goss_rank(output) - 1), false), known);
    return goss_shift(nll, log(2 * M_PI) / 2 - log(0.75 * sqrt(M_PI)));
}

static goss_val answer(const goss_objective *o, goss_val output) {
    (void)o;
    return mean_of(output);
}

static goss_val score(const goss_objective *o, goss_val output, goss_val target, goss_val known) {
    return goss__regression.score(o, mean_of(output), target, known);
}

/* Moment matching of the mixture: its variance is the mean of the variances plus the variance of the means. */
static goss_val mix(const goss_objective *o, const goss_val *output, int n) {
    (void)o;
    goss_val mean = GOSS_NONE, second = GOSS_NONE;
    for (int i = 0; i < n; i++) {
        goss_val m = mean_of(output[i]), square = goss_add(variance(output[i]), goss_square(m));
        mean = i ? goss_add(mean, m) : m, second = i ? goss_add(second, square) : square;
    }
    mean = goss_scale(mean, 1.0 / n);
    goss_val v = goss_sub(goss_scale(second, 1.0 / n), goss_square(mean));
    const double inside = GOSS__LOG_VARIANCE_BOUND * (1 - 1e-6); /* of what the bound is undone for */
    v = goss_log(goss_max(v, goss_const(v.graph, exp(-inside))));
    v = goss_scale(goss_min(v, goss_const(v.graph, inside)), 1 / GOSS__LOG_VARIANCE_BOUND);
    goss_val s = goss_sub(goss_log(goss_shift(v, 1)), goss_log(goss_shift(goss_neg(v), 1))); /* 2 artanh */
    s = goss_scale(s, GOSS__LOG_VARIANCE_BOUND / 2);
    return goss_concat((goss_val[]){mean, s}, 2, goss_rank(mean) - 1);
}

static const goss_metric *const metrics[] = {
    &goss__rmse,           &goss__mae, &goss__r2, &goss__nll, &goss__coverage_error, &goss__coverage,
    GOSS__RANKING_METRICS, NULL};
static const char *const columns[] = {"prediction", "low", "high", NULL};

/* They differ in what is minimised. */
#define SURE(word, function)                                                                                           \
    {                                                                                                                  \
        .name = word, .numbers = 2, .negative = true, .encode = goss__encode_numbers, .loss = function,                \
        .report = "rmse", .score = score, .reported = goss__report_rmse, .mix = mix, .answer = answer,                 \
        .variance = variance, .metrics = metrics, .columns = columns                                                   \
    }
const goss_objective goss__gaussian = SURE("gaussian", loss);
const goss_objective goss__student = SURE("student", loss_of_student);
