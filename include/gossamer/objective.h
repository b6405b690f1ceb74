/* SPDX-License-Identifier: Apache-2.0 */
/* objective.h: what a task asks for: the encoding of targets, the training loss, the metrics of evaluation, and what a
 * prediction is.
 *
 * An objective is a row of a table (goss_objective_find), and all that methods, training and evaluation know of it. A
 * network returns W = `outputs` numbers per sample. For "classification" they are the logits of a task's classes, and a
 * target is a class number 0 .. W - 1. For "regression" they are numbers standardised by the target scale, and a target
 * is W numbers in the user's units. For "gaussian" a network returns 2 W numbers, the means and the log variances
 * (before a bound) of the standardised targets; for "quantile" Q W, the quantiles of one level and the distances of the
 * others from it (before a softplus). "labelling" and "language" are classification of each step of a
 * sequence. Of a sample,
 *   encode             turns the raw target into the encoded one, as training reads it;
 *   loss               is what training minimises: output and encoded target;
 *   score, reported    are what training prints beside the loss;
 *   mix                combines the outputs of several networks into one;
 *   answer             turns the output into the prediction, and variance into that of the target around it;
 *   metrics            judge the outputs of a task's queries against the raw targets.
 * A new objective is a new row: src/task/objective_numbers.c, _gaussian.c and _classes.c have some of the present
 * ones. "quantile" is a row for each list of levels (goss_objective_quantile).
 * Threads: objectives and metrics are static and immutable, and their functions pure; those that build graph nodes
 * belong to the graph's thread. */
#ifndef GOSSAMER_OBJECTIVE_H
#define GOSSAMER_OBJECTIVE_H

#include "gossamer/compose.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Mean and standard deviation [outputs] of the training targets, borrowed. Networks compute (y - mean) / deviation.
 * NULL: 0 and 1, as for every objective with classes. */
typedef struct goss_target_scale {
    const float *mean, *deviation;
} goss_target_scale;

/* ---- metrics ---- */

typedef struct goss_objective goss_objective;

/* A network's outputs for the queries of one task. All memory is the caller's. */
typedef struct goss_answers {
    int count;                       /* n queries */
    int outputs, stride;             /* W, and the distance between the outputs of successive queries (0: W) */
    const float *output;             /* [n, stride] logits, or standardised numbers; of "gaussian" followed by their log
                                variances, if stride is 2 W or more, and of "quantile" as its networks return them */
    const float *target;             /* [n] class numbers, or [n, W] in the user's units, as a task source gives them:
                                        NaN where a component is missing, which no metric counts */
    const float *weight;             /* [n], 0 for padding; NULL: all 1 */
    goss_target_scale scale;         /* of regression */
    const goss_objective *objective; /* whose outputs these are; NULL: metrics of quantiles are NaN */
    float *scratch;                  /* [2 n] */
    const float *structure; /* of the network, where it is chosen (space.h); NULL: it is not. No metric reads it */
} goss_answers;

/* A metric, one row of an objective's list. */
typedef struct goss_metric {
    const char *name;
    bool higher;      /* whether higher is better, where there is no nominal value */
    double low, high; /* its range; may be infinite */
    /* The metric of one task; NaN where it is undefined (auc of one class, r2 of equal targets). Pure. */
    double (*value)(const goss_answers *answers);
    bool variance;       /* it needs variances or quantiles, and is NaN for outputs without */
    const char *meaning; /* one line */
    /* What it should be, where neither higher nor lower is better: the share that intervals promise to hold, of
     * "coverage". 0: higher or lower is better. */
    double nominal;
} goss_metric;

/* ---- objectives ---- */

/* An objective: its functions and names. Functions that read a network's outputs are given the objective itself. */
struct goss_objective {
    const char *name;
    bool classes; /* targets are class numbers and outputs are logits; else both are W numbers */
    /* A network answers at each step of a sequence: a target is [steps] class numbers, of which negative ones and those
     * beyond the sample's length do not count. Functions below see each step as a sample: N is samples times steps. */
    bool steps;
    bool next;     /* and the target of a step is the input of the next one: a language model */
    int numbers;   /* a network's numbers per output (0 counts as 1) */
    bool negative; /* the loss may be below 0, as the logarithm of a density is */
    /* Of "quantile": [numbers] levels, ascending, and which of them the prediction is of: the one nearest to 0.5 (the
     * lower of two). NULL: it has none. */
    const double *levels, *normal; /* normal: the quantiles of the standard normal distribution at these levels */
    int middle;
    /* Encodes n raw targets into out [n, stride]: one-hot, or standardised, in the first `outputs` columns; the other
     * columns are 0. A negative class number gives a row of zeros: padding. */
    void (*encode)(const float *target, int n, int outputs, int stride, goss_target_scale scale, float *out);
    /* Loss [T,N] of each sample, from outputs [T,N,numbers W] and encoded targets [T,N,W]; of numbers the mean over the
     * components of a target that are known. mask: with classes [T,W], 0 for padding classes; else [T,N,W], 0 for
     * missing components (GOSS_NONE: none is). smoothing in [0, 1) of the labels: only with classes. */
    goss_val (*loss)(const goss_objective *o, goss_val output, goss_val target, goss_val mask, double smoothing);
    /* The same where a sample's loss depends on the others of its task; weight [T,N]: 0 for padding. Then there is no
     * `loss`, and W is 1. NULL: each sample counts alone. */
    goss_val (*among)(goss_val output, goss_val target, goss_val weight);
    /* What training reports beside the loss, under the name `report`: a score [T,N] of each sample, without gradient
     * (NULL: the loss itself), and the map from its mean over samples to the reported number (NULL: the identity). */
    const char *report;
    goss_val (*score)(const goss_objective *o, goss_val output, goss_val target, goss_val mask);
    double (*reported)(double mean, goss_target_scale scale);
    /* Combines the outputs of the n networks of an ensemble into outputs of the same form. */
    goss_val (*mix)(const goss_objective *o, const goss_val *output, int n);
    /* Maps outputs to predictions: class probabilities, or still standardised numbers. */
    goss_val (*answer)(const goss_objective *o, goss_val output);
    /* Maps outputs to the variances of the targets around the predictions, standardised, of the same shape; NULL: it
     * has none. */
    goss_val (*variance)(goss_val output);
    /* Maps outputs to the quantiles of the targets, standardised: [..., Q W], all targets' of the lowest level first;
     * NULL: it has none. */
    goss_val (*quantiles)(const goss_objective *o, goss_val output);
    const goss_metric *const *metrics; /* NULL-terminated; the first is the default */
    const char *const *columns;        /* what `predict` writes per sample, NULL-terminated */
};

/* All objectives, NULL-terminated: "classification" (cross entropy), "regression" (squared error), "huber" (the Huber
 * loss of delta 1, for targets with outliers: Huber 1964), "gaussian" (negative log likelihood of a normal distribution
 * whose mean and log variance the network returns: Nix and Weigend 1994), "student" (the same of Student's t with 4
 * degrees of freedom, which minds outliers less: Lange, Little and Taylor 1989), "quantile" (the pinball loss of
 * quantiles at the levels 0.1, 0.5 and 0.9: Koenker and Bassett 1978), of scores that rank a task's samples "bpr"
 * (pairs: Rendle et al. 2009), "softmax" (lists: Cao et al. 2007) and "logistic" (the cross entropy of whether a target
 * is above the mean of training, such as a click is), and at each step of a sequence "labelling" and "language" (cross
 * entropy). Static storage. */
GOSS_API const goss_objective *const *goss_objectives(void);
/* The width of a network's output: numbers x outputs. */
GOSS_API int goss_objective_width(const goss_objective *objective, int outputs);
/* The objective of that name; "quantile 0.05 0.5 0.95" is one of other levels. Errors: GOSS_E_ARGUMENT lists the
 * names; levels as of goss_objective_quantile. */
GOSS_API GOSS_MUST_USE goss_status goss_objective_find(const char *name, const goss_objective **out, goss_error *err);
/* The most levels of an objective "quantile". */
#define GOSS_LEVELS_MOST 99
/* The objective "quantile" of n levels. With t the levels, q the quantiles of a target y, the loss is the mean of
 *
 *     rho_t(y - q) = max(t (y - q), (t - 1) (y - q))
 *
 * over levels and targets (Koenker and Bassett 1978), least in expectation where P(y <= q) = t. A network returns the
 * quantile m of the middle level and a number s_k for each other level; with z the quantiles of the standard normal
 * distribution,
 *
 *     q_k = q_(k-1) + (z_k - z_(k-1)) softplus(s_k) / log 2          above the middle, and likewise below it,
 *
 * so that quantiles never cross (Park et al. 2022), and what shifts m shifts all. All s = 0
 * are the quantiles of a normal distribution of deviation 1, that of the targets of training. Equal levels give the
 * same object. Errors: GOSS_E_ARGUMENT: no level, more than GOSS_LEVELS_MOST, or levels that are not ascending between
 * 0 and 1; GOSS_E_NOMEM. Owns: static storage; a list of levels that is new takes some memory, which stays. Threads:
 * any. */
GOSS_API GOSS_MUST_USE goss_status goss_objective_quantile(const double *level, int n, const goss_objective **out,
                                                           goss_error *err);
/* The metric of that name, of an objective; NULL or "": its default. Errors: GOSS_E_ARGUMENT lists its metrics. */
GOSS_API GOSS_MUST_USE goss_status goss_metric_find(const goss_objective *objective, const char *name,
                                                    const goss_metric **out, goss_error *err);
/* The most metrics of a list. */
#define GOSS_METRICS_MOST 16
/* The metrics that a list names, "mae, rmse, ndcg@5": out [GOSS_METRICS_MOST], *n. NULL or "": the default alone.
 * Errors: as goss_metric_find; GOSS_E_ARGUMENT: one named twice, or too many. */
GOSS_API GOSS_MUST_USE goss_status goss_metrics_find(const goss_objective *objective, const char *names,
                                                     const goss_metric **out, int *n, goss_error *err);
/* Whether models may be chosen by a metric: one with a nominal value is reported alone, since a model that knows
 * nothing has it too (intervals of the same width everywhere). Errors: GOSS_E_ARGUMENT: it has one. Threads: any. */
GOSS_API GOSS_MUST_USE goss_status goss_metric_chooses(const goss_metric *metric, goss_error *err);
/* Whether value a is better than b: nearer to the nominal value, if there is one. NaN is never better, and every number
 * is better than NaN. */
GOSS_API bool goss_metric_better(const goss_metric *metric, double a, double b);

#ifdef __cplusplus
}
#endif
#endif
