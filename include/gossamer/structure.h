/* SPDX-License-Identifier: Apache-2.0 */
/* structure.h: the structure of a network, generated for each task within a budget that is named when adapting.
 *
 * A model whose backbone is a space (space.h) may generate logits l [G] of its gates from the same code as weights.
 * The code depends on the budget, too. Codes are means and say little of what tells these classes apart, so logits also
 * depend on the relevance of each gate for the task: with F the embeddings of the support set and Y its targets, both
 * centred, under the largest network with gates v,
 *
 *     r_i = dA / dv_i    at v = 1, of alternatives 1 / their number
 *     A = -log |Y - F W|^2           W: the ridge regression of Y on F, held fixed
 *     A = log |F'Y|^2 - log |F'F|    kernel-target alignment (Cristianini et al. 2002), Frobenius norms
 *
 * which one backward pass over the support set gives for units, columns, kernels and parts alike, without a head. r
 * standardised within each group of gates, and r by its root mean square over all gates, enter the logits with learned
 * weights that the code moves. Nearly all that one task's losses tell is chance: `tie` draws what a task's logits
 * differ by to 0, so that tasks have structures of their own only where that helps.
 *
 * In training, with noise n of the logistic distribution (of alternatives: Gumbel's), heat tau and a price p, one for
 * each task (pooled: for all of a step), gates are opened by
 *
 *     open(l + tau n - p k),   p the least price at which the structure's bytes are within the budget,
 *
 * where k is 1, and for alternatives their share in the difference of bytes between the cheapest and the dearest one.
 * Logits learn from which of two structures drawn for a task has the lower loss (score function, each the other's
 * baseline: Kool et al. 2019), or from rounded gates with the gradient of sigmoids and softmaxes of heat tau
 * (straight-through estimator, Bengio et al. 2013); that of p then follows from the implicit function theorem, so that
 * a gate gains where its gradient by cost is above the average: a network of the budget's size is trained, not one that
 * pays a penalty. Outside training there is no noise, and goss_space_project opens gates by their logits; a budget is
 * never exceeded.
 *
 * Each step trains the generated network, and with `sandwich` the largest and the cheapest one as well (Yu and Huang
 * 2019); the smaller ones also learn from the answers of the largest (distillation, Hinton et al. 2015). Budgets are
 * drawn log-uniformly for each task; at first the largest network alone is trained (`warmup`), then the least budget
 * falls from `high` to `low` (`shrink`; progressive shrinking, Cai et al. 2020). docs/structure.md has results. */
#ifndef GOSSAMER_STRUCTURE_H
#define GOSSAMER_STRUCTURE_H

#include "gossamer/space.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What of a space each network of a model has. */
typedef enum goss_structure_choice {
    GOSS_STRUCTURE_NONE,    /* the backbone is no space */
    GOSS_STRUCTURE_BY_TASK, /* generated for each task */
    GOSS_STRUCTURE_FOR_ALL, /* the same logits for all tasks, learned */
    GOSS_STRUCTURE_LARGEST  /* the largest network */
} goss_structure_choice;

/* What logits learn from. */
typedef enum goss_structure_gradient {
    GOSS_STRUCTURE_THROUGH, /* the gradient of rounded gates, straight through (biased; no draws beside the network) */
    GOSS_STRUCTURE_SCORE    /* the losses of two networks of the budget's size, drawn for each task: (L1 - L2) / 2 times
                               the gradient of log p1 - log p2. Also where a closed gate has no gradient, as in front of
                               a head that is fitted to the support set */
} goss_structure_gradient;

/* How structures are generated and trained; defaults in brackets. Shares are of the training's length. */
typedef struct goss_structure_options {
    goss_structure_choice choose; /* (NONE) */
    int64_t low, high;            /* budgets in bytes; 0: those of the cheapest and of the largest network (0, 0) */
    double temperature, temperature_end; /* tau at the start and at the end, falling geometrically (1, 0.2) */
    double warmup;                       /* share in which only the largest network is trained (0.1) */
    double shrink;                       /* share, after that, in which the least budget falls (0.3) */
    bool sandwich;                       /* also trains the largest and the cheapest network in each step (true) */
    double distill; /* share of the largest network's answers in the loss of smaller ones; the rest: targets' (0.5) */
    double entropy; /* weight of the mean entropy of gates in the loss (0) */
    double
        relevance; /* weight of r, standardised, in the logits at the start; 0: they depend on the code alone (0.1) */
    double common; /* share of the training, to 0.9, whose steps give all tasks the same logits (0) */
    double tie; /* weight in the loss of the mean square of what a task's logits differ by from those of all (0.03) */
    goss_structure_gradient gradient; /* (SCORE) */
    bool pooled; /* budgets hold for the mean over the tasks of a step: one price for all, so that a task whose gates do
                    more gets more (false) */
} goss_structure_options;
/* The defaults. */
GOSS_API goss_structure_options goss_structure_defaults(void);

/* Whose structure a network gets when a model is evaluated. */
typedef enum goss_structure_source {
    GOSS_STRUCTURE_OWN,       /* generated for the task */
    GOSS_STRUCTURE_SHUFFLED,  /* generated for another task, the one before: the control. Weights are the task's own */
    GOSS_STRUCTURE_MEAN,      /* one for all: that of the mean logits over all tasks of the evaluation */
    GOSS_STRUCTURE_UNIFORM,   /* the same share of every layer: goss_space_shrink */
    GOSS_STRUCTURE_RANDOM,    /* gates in random order, another one for each task */
    GOSS_STRUCTURE_MAGNITUDE, /* units with the largest mean |w| of their filters, by the layer's mean (Li et al. 2017),
                                 after adapting the largest network */
    GOSS_STRUCTURE_EQUAL /* generated for the task, each within the budget where it holds for the mean (ask.pooled) */
} goss_structure_source;
/* The name of a source: "shuffled-structure" ...; of OWN "". Static storage. */
GOSS_API const char *goss_structure_source_name(goss_structure_source source);
/* The source of that name. Errors: GOSS_E_ARGUMENT lists them. */
GOSS_API GOSS_MUST_USE goss_status goss_structure_source_find(const char *name, goss_structure_source *out,
                                                              goss_error *err);

/* What became of each task of an evaluation, in the order of draws. A pointer may be NULL. */
typedef struct goss_structure_log {
    double *bytes;    /* [tasks] what the network costs */
    int *outputs;     /* [tasks] of the network */
    float *structure; /* [tasks, gates] */
    /* [tasks, inputs] the share of an input's variance in the support set that the target explains: that between
     * classes, or the squared correlation with the (first) number to predict; from 0 to 1. A description of tasks that
     * no network takes part in: their distance is that of these vectors. */
    float *explained;
} goss_structure_log;

/* What is asked of the structure of networks: whose it is, within which limits (0: `high` of training, which is also
 * the most that the code is told of). */
typedef struct goss_structure_ask {
    goss_structure_source source;
    goss_space_budget budget;
    goss_weight_precision stored; /* what budget.bytes are counted in, where there is a limit in bytes */
    uint64_t seed;                /* of RANDOM */
    bool pooled; /* OWN, SHUFFLED: budget.bytes holds for the mean over all tasks of the evaluation: one price for all
                      tasks, the least at which their mean is within it */
    goss_structure_log log; /* receives what became of the tasks */
} goss_structure_ask;

/* What the networks of an evaluation cost (space.h): of one sample. */
typedef struct goss_structure_figures {
    int64_t networks;             /* 0: no structures were generated */
    double bytes_mean, macs_mean; /* NaN for none */
    int64_t bytes_max, ram_max;
    int64_t violations; /* networks beyond what was asked; pooled: all, if their mean is */
    /* What gates were ordered by: the deviation between tasks (root of the mean over gates of the variance), and
     * between gates, of the mean over tasks. Where the former is small beside the latter all tasks get one structure.
     * NaN: there was no order. */
    double spread_tasks, spread_gates;
} goss_structure_figures;

/* Reads bytes: "8KB", "1.5MB", "512", "512B"; KB = 1024, MB = 1024 KB. Errors: GOSS_E_ARGUMENT: another form, less than
 * 1, 2^53 or more. */
GOSS_API GOSS_MUST_USE goss_status goss_bytes_parse(const char *text, int64_t *out, goss_error *err);
/* Reads a count: "200k", "1.5M", "1000"; k = 1000, M = 1000 k. Errors: GOSS_E_ARGUMENT: another form, less than 1,
 * 2^53 or more. */
GOSS_API GOSS_MUST_USE goss_status goss_count_parse(const char *text, int64_t *out, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
