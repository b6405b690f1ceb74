/* SPDX-License-Identifier: Apache-2.0 */
/* optimizer.h: parameter updates as graph nodes, and learning-rate schedules.
 *
 * An optimiser has no object at run time: it is a set of assignments (goss_assign) compiled into the training program,
 * and its state (moments, averages, counts) is stored as parameters beside the model's, so that a checkpoint of the
 * store is complete. A step whose gradient norm is not finite changes nothing but the count of skipped steps.
 *
 *     goss_grad(loss, &w, 1, &dw);
 *     goss_optimizer_options o = goss_optimizer_defaults();
 *     goss_optimizer_param param = {.param = w, .gradient = dw};
 *     goss_optimizer_result step = goss_optimizer_build(&o, &param, 1, rate);
 *     goss_compile(g, &loss, 1, step.updates, step.n_updates, NULL, &schedule, &err); */
#ifndef GOSSAMER_OPTIMIZER_H
#define GOSSAMER_OPTIMIZER_H

#include "gossamer/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- updates ---- */

/* The update rule. g: gradient after clipping, r: learning rate, d: weight decay, t: step from 1. */
typedef enum goss_optimizer_kind {
    GOSS_SGD,  /* m = momentum m + g + d w; w -= r m */
    GOSS_ADAM, /* Adam, bias corrected (Kingma and Ba 2015), with d w added to g */
    GOSS_ADAMW /* Adam with decoupled weight decay: w -= r (step of Adam + d w) (Loshchilov and Hutter 2019) */
} goss_optimizer_kind;

/* Settings of an optimiser; defaults in brackets. */
typedef struct goss_optimizer_options {
    goss_optimizer_kind kind; /* (GOSS_ADAMW) */
    double momentum;          /* SGD only (0.9); 0: no state */
    double beta1, beta2, eps; /* (0.9, 0.999, 1e-8) */
    double weight_decay;      /* (0) */
    double clip_norm;         /* 0: off (0); else gradients are scaled down to a global norm of at most this */
    double ema_decay;         /* 0: off (0); else a moving average of every parameter is kept, see below */
} goss_optimizer_options;
/* The defaults. */
GOSS_API goss_optimizer_options goss_optimizer_defaults(void);

/* A parameter to update. */
typedef struct goss_optimizer_param {
    goss_val param;    /* a goss_param of any shape */
    goss_val gradient; /* of its shape; with rows: [R, D], of the gathered rows */
    double rate;       /* factor of the learning rate; 0 counts as 1 */
    /* Elementwise factors of the learning rate and of the weight decay, [P] (or of the parameter's shape, or of rank
     * 0); GOSS_NONE: 1. See goss_layout_scales. */
    goss_val rate_scale, decay_scale;
    /* Row-sparse update of a table [V, D]: index [R] of distinct rows, the only ones that take part; GOSS_NONE: dense.
     * All other rows keep weight, moments, average and their own step count: of Adam it is the lazy form, and weight
     * decay acts on a row in the steps that it is in. The gradient norm is that of these rows. */
    goss_val rows;
} goss_optimizer_param;

#define GOSS_OPTIMIZER_MAX_PARAMS 32
/* What goss_optimizer_build returns. */
typedef struct goss_optimizer_result {
    goss_val updates[GOSS_OPTIMIZER_MAX_PARAMS * 5 + 2]; /* assignments, for goss_compile */
    int n_updates;
    goss_val gradient_norm; /* rank 0: the global norm before clipping */
    goss_val applied;       /* rank 0: 1, or 0 if the step is skipped */
} goss_optimizer_result;

/* Builds one step for n parameters. rate: rank 0, usually goss_input(g, "lr", GOSS_REAL, rank 0).
 * State, zero at the start: optimizer.step and optimizer.skipped (rank 0: steps applied and skipped), and for a
 * parameter NAME sgd.m.NAME or adam.m.NAME and adam.v.NAME, ema.NAME, and with rows optimizer.t.NAME [V, 1] (steps of
 * each row; the average of a row that was in none is 0). The average at step t is ema = d ema + (1 - d) w with d =
 * min(ema_decay, (t - 1) / (t + 9)), which starts at w instead of 0.
 * Errors: sticky (more than 32 parameters, shapes that differ, a value that is not a goss_param). */
GOSS_API goss_optimizer_result goss_optimizer_build(const goss_optimizer_options *o, const goss_optimizer_param *params,
                                                    int n, goss_val rate);

/* A factor for the tensors whose name matches a pattern (goss_name_matches). */
typedef struct goss_scale_rule {
    const char *pattern;
    double scale;
} goss_scale_rule;
/* The factors of a layout's slab as a constant [P]: for each tensor that of the last rule that matches, else 1.
 * GOSS_NONE if all are 1. */
GOSS_API goss_val goss_layout_scales(goss_graph *g, const goss_layout *l, const goss_scale_rule *rules, int n);

/* ---- learning rates ---- */

/* How the learning rate depends on progress p in [0, 1]. Every kind starts with a linear warm-up. */
typedef enum goss_rate_kind {
    GOSS_RATE_CONSTANT,
    GOSS_RATE_COSINE, /* half a cosine down to `floor` (Loshchilov and Hutter 2017) */
    GOSS_RATE_STEP,   /* times `factor` at each of `at` */
    GOSS_RATE_PLATEAU /* times `factor` after each `patience` successive validations without an improvement */
} goss_rate_kind;

/* Settings of a schedule; defaults in brackets. */
typedef struct goss_rate_schedule {
    goss_rate_kind kind; /* (GOSS_RATE_COSINE) */
    double base;         /* (1e-3) */
    double warmup;       /* fraction of the progress over which the rate rises linearly from 0 (0.02) */
    double floor;        /* COSINE, PLATEAU: the lowest rate, as a fraction of base (0) */
    double factor;       /* (0.1) */
    double at[8];        /* STEP: progress in (0, 1), ascending */
    int n_at;
    int patience;        /* PLATEAU (5) */
    double threshold;    /* PLATEAU: the least improvement that counts (0) */
    bool smaller_better; /* PLATEAU: whether smaller validation values are better (false) */
} goss_rate_schedule;
/* The defaults. */
GOSS_API goss_rate_schedule goss_rate_defaults(void);
/* Validates a schedule. Errors: GOSS_E_ARGUMENT names the field that is out of range. */
GOSS_API GOSS_MUST_USE goss_status goss_rate_check(const goss_rate_schedule *s, goss_error *err);
/* The learning rate at a progress in [0, 1]. history [n]: the validation values so far (PLATEAU; else n may be 0).
 * Pure, so that a resumed run repeats it. Threads: any. */
GOSS_API double goss_rate_at(const goss_rate_schedule *s, double progress, const double *history, int n);

/* An optimizer by its name in configurations: "sgd", "adam" or "adamw". Errors: GOSS_E_ARGUMENT: another name, with the
 * ones that there are. */
GOSS_API GOSS_MUST_USE goss_status goss_optimizer_kind_parse(const char *name, goss_optimizer_kind *out,
                                                             goss_error *err);
/* A schedule by its name in configurations: "constant", "cosine", "step" or "plateau". Errors: GOSS_E_ARGUMENT: another
 * name, with the ones that there are. */
GOSS_API GOSS_MUST_USE goss_status goss_rate_kind_parse(const char *name, goss_rate_kind *out, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
