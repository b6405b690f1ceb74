/* SPDX-License-Identifier: Apache-2.0 */
/* objective.h: what tasks want: how a target is encoded, the loss that is trained on, the metrics that answers are
 * judged by, and what a prediction is.
 *
 * An objective is one row of a table (goss_objective_find); methods, training and evaluation read nothing else of it. A
 * network gives `outputs` numbers a sample, W. For "classification" they are logits of the classes that a task has, and
 * a target is a class's number, 0 .. W - 1. For "regression" they are W numbers, each standardised by the target scale,
 * and a target is those numbers in the user's units. */
#ifndef GOSSAMER_OBJECTIVE_H
#define GOSSAMER_OBJECTIVE_H

#include "gossamer/compose.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Mean and standard deviation [outputs] of the targets that training saw: a network works on (y - mean) / deviation.
 * NULL: 0 and 1. Objectives with classes have none. */
typedef struct goss_target_scale {
    const float *mean, *deviation;
} goss_target_scale;

/* ---- metrics ---- */

/* What one task's queries were answered. Memory is the caller's. */
typedef struct goss_answers {
    int count;               /* queries, n */
    int outputs, stride;     /* W, and numbers from one query's outputs to the next's (0: W) */
    const float *output;     /* [n, stride] what the network gives: logits, or standardised numbers */
    const float *target;     /* [n], or without classes [n, W]: as a task source gives it */
    const float *weight;     /* [n], 0 for a query that does not count; NULL: all count alike */
    goss_target_scale scale; /* of regression */
    float *scratch;          /* [2 n] */
} goss_answers;

typedef struct goss_metric {
    const char *name;
    bool higher;      /* is better; else lower is */
    double low, high; /* its range; infinite where it has no end */
    /* The metric of one task; NaN where it is not defined (auc of one class, r2 of equal targets). Pure. */
    double (*value)(const goss_answers *answers);
    const char *meaning; /* one line */
} goss_metric;

/* ---- objectives ---- */

typedef struct goss_objective {
    const char *name;
    bool classes; /* targets are class numbers and outputs logits, else both are W numbers */
    /* Encoded targets out [n, stride] of raw ones: one-hot, or standardised in the first `outputs` columns. The rest of
     * a row is 0. A class below 0 gives a row of zeros: the sample is none. */
    void (*encode)(const float *target, int n, int outputs, int stride, goss_target_scale scale, float *out);
    /* Loss of each sample, [T,N], of outputs and encoded targets [T,N,W]. class_mask: [T,W]; ignored without classes.
     * smoothing in [0, 1): of labels; ignored without classes. */
    goss_val (*loss)(goss_val output, goss_val target, goss_val class_mask, double smoothing);
    /* What training reports of a sample beside the loss, [T,N], and how the mean of it over samples becomes the number
     * that is reported (NULL: as it is). Without a gradient. */
    const char *report;
    goss_val (*score)(goss_val output, goss_val target);
    double (*reported)(double mean, goss_target_scale scale);
    /* Outputs of n networks of the same task become those of an ensemble, in the same form. */
    goss_val (*mix)(const goss_val *output, int n);
    /* Outputs become what is predicted: class probabilities, or numbers that are still standardised. */
    goss_val (*answer)(goss_val output);
    const goss_metric *const *metrics; /* NULL-terminated; the first is the one that is used when none is asked for */
    const char *const *columns;        /* what `predict` writes of a sample, NULL-terminated */
} goss_objective;

/* All objectives, NULL-terminated: "classification", "regression" (squared error), "huber" (the same with a Huber loss
 * of delta 1, for targets with outliers). */
GOSS_API const goss_objective *const *goss_objectives(void);
/* By name. Errors: GOSS_E_ARGUMENT lists the names that there are. */
GOSS_API GOSS_MUST_USE goss_status goss_objective_find(const char *name, const goss_objective **out, goss_error *err);
/* A metric of an objective; NULL or "": its first. Errors: GOSS_E_ARGUMENT lists those that it has. */
GOSS_API GOSS_MUST_USE goss_status goss_metric_find(const goss_objective *objective, const char *name,
                                                    const goss_metric **out, goss_error *err);
/* Whether value a is better than b; a NaN is never better, and everything else is better than a NaN. */
GOSS_API bool goss_metric_better(const goss_metric *metric, double a, double b);

#ifdef __cplusplus
}
#endif
#endif
