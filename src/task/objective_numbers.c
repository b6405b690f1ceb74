/* SPDX-License-Identifier: Apache-2.0 */
/* objective_numbers.c: regression: standardised numbers, squared or Huber error, numbers in the user's units. */
#include <math.h>
#include <string.h>

#include "task/task.h"

void goss__encode_numbers(const float *target, int n, int outputs, int stride, goss_target_scale scale, float *out) {
    memset(out, 0, (size_t)n * (size_t)stride * sizeof *out);
    for (int i = 0; i < n; i++)
        for (int w = 0; w < outputs; w++) {
            float y = target[(size_t)i * (size_t)outputs + (size_t)w];
            if (scale.mean) y -= scale.mean[w];
            if (scale.deviation) y /= scale.deviation[w];
            out[(size_t)i * (size_t)stride + (size_t)w] = y;
        }
}

goss_val goss__where_known(goss_val x, goss_val known) { return goss_valid(known) ? goss_mul(x, known) : x; }

goss_val goss__mean_of_known(goss_val mean, goss_val known) {
    if (!goss_valid(known)) return mean;
    goss_val share = goss_mean(known, GOSS_AXIS(goss_rank(known) - 1), false);
    return goss_div(mean, goss_max(share, goss_const(mean.graph, 1e-6)));
}

static goss_val squared(const goss_objective *o, goss_val output, goss_val target, goss_val known, double smoothing) {
    (void)o, (void)smoothing;
    goss_val error = goss_squared_error(goss__where_known(output, known), goss__where_known(target, known));
    return goss__mean_of_known(error, known);
}

/* Huber 1964, at one standard deviation. */
static goss_val huber(const goss_objective *o, goss_val output, goss_val target, goss_val known, double smoothing) {
    (void)o, (void)smoothing;
    goss_val error = goss_huber(goss__where_known(output, known), goss__where_known(target, known), 1);
    return goss__mean_of_known(error, known);
}

static goss_val score(const goss_objective *o, goss_val output, goss_val target, goss_val known) {
    return squared(o, goss_detach(output), goss_detach(target), known, 0);
}

/* Root of the mean square, in the user's units where there is one target; of several in those of the first. */
double goss__report_rmse(double mean, goss_target_scale scale) {
    return sqrt(mean) * (scale.deviation ? (double)scale.deviation[0] : 1);
}

goss_val goss__mix_mean(const goss_objective *o, const goss_val *output, int n) {
    (void)o;
    goss_val sum = output[0];
    for (int i = 1; i < n; i++) sum = goss_add(sum, output[i]);
    return goss_scale(sum, 1.0 / n);
}

goss_val goss__answer_itself(const goss_objective *o, goss_val output) {
    (void)o;
    return output;
}

static const goss_metric *const metrics[] = {&goss__rmse, &goss__mae, &goss__r2, GOSS__RANKING_METRICS, NULL};
static const char *const columns[] = {"prediction", NULL};

/* They differ in what is minimised. */
#define NUMBERS(word, function)                                                                                        \
    {                                                                                                                  \
        .name = word, .numbers = 1, .encode = goss__encode_numbers, .loss = function, .report = "rmse",                \
        .score = score, .reported = goss__report_rmse, .mix = goss__mix_mean, .answer = goss__answer_itself,           \
        .metrics = metrics, .columns = columns                                                                         \
    }
const goss_objective goss__regression = NUMBERS("regression", squared);
const goss_objective goss__huber = NUMBERS("huber", huber);
