/* SPDX-License-Identifier: Apache-2.0 */
/* task.h: internals of objectives: rows of the table, and metrics that they share. */
#ifndef GOSS_TASK_TASK_H
#define GOSS_TASK_TASK_H

#include "gossamer/task.h"

extern const goss_objective goss__classification, goss__regression, goss__huber, goss__gaussian, goss__student,
    goss__quantile, goss__bpr, goss__softmax, goss__logistic, goss__labelling, goss__language;
extern const goss_metric goss__accuracy, goss__auc, goss__log_loss, goss__f1, goss__calibration_error, goss__bits;
extern const goss_metric goss__rmse, goss__mae, goss__r2, goss__nll, goss__coverage_error, goss__coverage;
extern const goss_metric goss__pinball, goss__level_error, goss__level_coverage;
#define GOSS__RANKING_AT(k)                                                                                            \
    extern const goss_metric goss__ndcg_##k, goss__recall_##k, goss__precision_##k, goss__hit_##k;
GOSS__RANKING_AT(1)
GOSS__RANKING_AT(5)
GOSS__RANKING_AT(10)
GOSS__RANKING_AT(20)
#undef GOSS__RANKING_AT
/* Rows of them, for an objective's list. */
#define GOSS__RANKING_METRICS                                                                                          \
    &goss__ndcg_5, &goss__ndcg_1, &goss__ndcg_10, &goss__ndcg_20, &goss__recall_1, &goss__recall_5, &goss__recall_10,  \
        &goss__recall_20, &goss__precision_1, &goss__precision_5, &goss__precision_10, &goss__precision_20,            \
        &goss__hit_1, &goss__hit_5, &goss__hit_10, &goss__hit_20

/* Of objectives of numbers: standardised targets, and the root of a mean square in the user's units. */
void goss__encode_numbers(const float *target, int n, int outputs, int stride, goss_target_scale scale, float *out);
double goss__report_rmse(double mean, goss_target_scale scale);
/* Of objectives whose output is the answer: itself, and of several outputs their mean. */
goss_val goss__mix_mean(const goss_objective *o, const goss_val *output, int n);
goss_val goss__answer_itself(const goss_objective *o, goss_val output);
/* Of targets with missing components: x [T,N,W] with 0 in their place, and a mean over all W that counted them so, as
 * the mean over the others (0 where none is known). known: [T,N,W], GOSS_NONE: all are, and nothing changes. */
goss_val goss__where_known(goss_val x, goss_val known);
goss_val goss__mean_of_known(goss_val mean, goss_val known);

/* The metric of number w of the targets alone: the others are as if they were missing. room: [count, outputs]. */
double goss__metric_of_component(const goss_metric *metric, const goss_answers *answers, int w, float *room);

/* Of objectives of classes: one-hot targets, cross entropy, the likelihood of a mixture. */
void goss__encode_classes(const float *target, int n, int outputs, int stride, goss_target_scale scale, float *out);
goss_val goss__class_loss(const goss_objective *o, goss_val output, goss_val target, goss_val class_mask,
                          double smoothing);
goss_val goss__class_score(const goss_objective *o, goss_val output, goss_val target, goss_val mask);
goss_val goss__class_answer(const goss_objective *o, goss_val output);
goss_val goss__mix_classes(const goss_objective *o, const goss_val *logits, int n);

/* "gaussian": how large a log variance can be, either way: deviations from 1/150 to 150 of the targets'. */
#define GOSS__LOG_VARIANCE_BOUND 10.0

/* The objective "quantile" of the levels that a text lists after its name, "quantile 0.05 0.5 0.95"; NULL: the name is
 * another's. Errors: as goss_objective_quantile. */
goss_status goss__quantile_find(const char *name, const goss_objective **out, goss_error *err);
/* The quantiles q [numbers], in the user's units, of target w of W from a sample's outputs [numbers W]. */
void goss__quantiles_of(const goss_objective *o, const float *output, int outputs, int w, goss_target_scale scale,
                        double *q);
/* Puts the outputs that say these quantiles, which are ascending, of target w of W into a sample's [numbers W]. */
void goss__quantiles_put(const goss_objective *o, const double *q, int outputs, int w, float *output);
#endif
