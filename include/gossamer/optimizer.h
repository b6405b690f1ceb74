/* SPDX-License-Identifier: Apache-2.0 */
/* optimizer.h: parameter updates as nodes of the graph, and learning rates as a function of progress.
 *
 * An optimiser has no object at run time: it is assignments (goss_assign) compiled into the training program, and its
 * state (moments, averages, counts) is parameters beside the model's, so that a checkpoint of the store is a complete
 * one.
 *
 * A step whose gradient norm is not finite changes nothing but the count of skipped steps. */
#ifndef GOSSAMER_OPTIMIZER_H
#define GOSSAMER_OPTIMIZER_H

#include "gossamer/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum goss_optimizer_kind {
    GOSS_SGD,  /* with momentum: m = momentum m + g; w -= rate m. Weight decay is added to the gradient */
    GOSS_ADAM, /* Kingma and Ba 2015, bias corrected. Weight decay is added to the gradient */
    GOSS_ADAMW /* Loshchilov and Hutter 2019: weight decay acts on the weight: w -= rate decay w */
} goss_optimizer_kind;

typedef struct goss_optimizer_options {
    goss_optimizer_kind kind; /* GOSS_ADAMW */
    double momentum;          /* 0.9 (SGD only); 0: no state */
    double beta1, beta2, eps; /* 0.9, 0.999, 1e-8 */
    double weight_decay;      /* 0 */
    double clip_norm;         /* 0: off; else gradients are scaled down so that their global norm is at most this */
    double ema_decay;         /* 0: off; else a moving average of every parameter is kept, see below */
} goss_optimizer_options;
GOSS_API goss_optimizer_options goss_optimizer_defaults(void);

/* One parameter to update. */
typedef struct goss_optimizer_param {
    goss_val param;    /* a goss_param of any shape */
    goss_val gradient; /* of its shape; with rows: [R, D], of the gathered rows */
    double rate;       /* multiplies the learning rate; 0 counts as 1 */
    /* [P] (or the parameter's shape, or rank 0): multiply the learning rate and the weight decay element by element;
     * GOSS_NONE: 1. See goss_layout_scales. */
    goss_val rate_scale, decay_scale;
    /* Index [R] of distinct rows, when param is a table [V, D] of which only these rows take part; GOSS_NONE: dense.
     * Other rows keep weight, moments, average and their own step count. */
    goss_val rows;
} goss_optimizer_param;

#define GOSS_OPTIMIZER_MAX_PARAMS 32
typedef struct goss_optimizer_result {
    goss_val updates[GOSS_OPTIMIZER_MAX_PARAMS * 5 + 2]; /* for goss_compile */
    int n_updates;
    goss_val gradient_norm; /* rank 0: global, before clipping */
    goss_val applied;       /* rank 0: 1, or 0 when this step was skipped */
} goss_optimizer_result;

/* Builds one step. rate: rank 0, usually goss_input(g, "lr", GOSS_REAL, rank 0).
 * State, zero at the start: optimizer.step and optimizer.skipped (rank 0: steps applied and skipped), and for a
 * parameter NAME sgd.m.NAME or adam.m.NAME and adam.v.NAME, ema.NAME, and with rows optimizer.t.NAME [V, 1] (steps of
 * each row). The average is ema = d ema + (1 - d) w with d = min(ema_decay, (t - 1) / (t + 9)) at step t: it starts at
 * w, not at 0. Errors: sticky (more than 32 parameters, shapes that differ, a value that is not a goss_param). */
GOSS_API goss_optimizer_result goss_optimizer_build(const goss_optimizer_options *o, const goss_optimizer_param *params,
                                                    int n, goss_val rate);

/* Multipliers by name: of the tensors whose name matches the pattern (goss_name_matches); later rules win. */
typedef struct goss_scale_rule {
    const char *pattern;
    double scale;
} goss_scale_rule;
/* A constant [P] over a layout's slab, 1 where no rule matches; GOSS_NONE when it would be 1 everywhere. */
GOSS_API goss_val goss_layout_scales(goss_graph *g, const goss_layout *l, const goss_scale_rule *rules, int n);

/* ---- learning rates ---- */

typedef enum goss_rate_kind {
    GOSS_RATE_CONSTANT,
    GOSS_RATE_COSINE, /* to `floor` along half a cosine (Loshchilov and Hutter 2017) */
    GOSS_RATE_STEP,   /* times `factor` at each of `at` */
    GOSS_RATE_PLATEAU /* times `factor` whenever `patience` validations in a row brought nothing better */
} goss_rate_kind;

typedef struct goss_rate_schedule {
    goss_rate_kind kind; /* GOSS_RATE_COSINE */
    double base;         /* 1e-3 */
    double warmup;       /* 0.02: share of the progress in which the rate rises linearly from 0; any kind */
    double floor;        /* 0: least share of base that cosine and plateau come down to */
    double factor;       /* 0.1 */
    double at[8];        /* STEP: progress in (0, 1), ascending */
    int n_at;
    int patience;        /* PLATEAU: 5 */
    double threshold;    /* PLATEAU: 0: better means better by more than this */
    bool smaller_better; /* PLATEAU: of the validation figures; false: accuracies */
} goss_rate_schedule;
GOSS_API goss_rate_schedule goss_rate_defaults(void);
/* Errors: GOSS_E_ARGUMENT names the field that is out of range. */
GOSS_API GOSS_MUST_USE goss_status goss_rate_check(const goss_rate_schedule *s, goss_error *err);
/* The learning rate at a progress in [0, 1], a pure function of its arguments: a resume replays it. history: the n
 * validation figures so far (PLATEAU; else n may be 0). */
GOSS_API double goss_rate_at(const goss_rate_schedule *s, double progress, const double *history, int n);

/* Kinds by name ("sgd", "adam", "adamw"; "constant", "cosine", "step", "plateau"), for configurations.
 * Errors: GOSS_E_ARGUMENT lists the names. */
GOSS_API GOSS_MUST_USE goss_status goss_optimizer_kind_parse(const char *name, goss_optimizer_kind *out,
                                                             goss_error *err);
GOSS_API GOSS_MUST_USE goss_status goss_rate_kind_parse(const char *name, goss_rate_kind *out, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
