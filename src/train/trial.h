/* SPDX-License-Identifier: Apache-2.0 */
/* trial.h: one training in memory, with an evaluation on the test samples of its data.
 *
 * For comparisons: no folder, no files, no threads but run.threads. Results equal those of goss_train with the same
 * settings. */
#ifndef GOSS_TRAIN_TRIAL_H
#define GOSS_TRAIN_TRIAL_H

#include <signal.h>

#include "gossamer/config.h"
#include "gossamer/task.h"

enum { GOSS__NOISES = 4 };

/* Standard deviations of noise on the inputs of test samples, above 0 (task_noise.h). */
typedef struct goss__noises {
    double level[GOSS__NOISES];
    int n;
} goss__noises;

enum { GOSS__RANKS = 4 };

/* Published values whose effective ranks over all test samples are reported (representation.h). */
typedef struct goss__ranks {
    char pattern[GOSS__RANKS][80];
    int n;
} goss__ranks;

typedef struct goss__trial_options {
    int64_t last_step;          /* ends there, its rate along the schedule of train.steps; 0: as the settings say */
    bool judges;                /* judge the weights of the last step on the test samples */
    bool dry;                   /* everything but the steps */
    const goss__noises *noises; /* test samples are evaluated with each of these, too; NULL: none */
    const goss__ranks *ranks;   /* also measured with `judges`; dry: a pattern without values is a warning */
    const volatile sig_atomic_t *stop; /* NULL: nothing */
} goss__trial_options;

/* Results on the test samples of N tasks. */
typedef struct goss__judged {
    const goss_metric *metric, *rmse; /* rmse: NULL with classes */
    int tasks, targets;
    char **name;      /* [tasks] */
    double *value;    /* [tasks] of the metric; NaN: not defined */
    double explained; /* 1 - squared errors / squares around the mean, over all samples; NaN with classes */
    double error, sum, square, samples; /* what that is made of */
} goss__judged;
goss_status goss__judged_open(goss__judged *j, const goss_metric *metric, const goss_task_spec *spec, int tasks,
                              goss_error *err);
/* Task k's name and its answers. */
goss_status goss__judged_add(goss__judged *j, int k, const char *name, const goss_answers *answers, goss_error *err);
void goss__judged_close(goss__judged *j); /* also of one that is all 0 */
/* The mean of the values over tasks for which the metric is defined; NaN: none. */
double goss__judged_mean(const goss__judged *j);

typedef struct goss__trial {
    int64_t step;      /* of the best validation; without one the last */
    double validation; /* NaN: none */
    double seconds;    /* of steps and validations */
    uint64_t hash;     /* of the data and its division */
    const goss_metric *metric;
    goss__judged test;          /* where it was asked for */
    double noisy[GOSS__NOISES]; /* mean over tasks of the metric with each noise */
    double rank[GOSS__RANKS];   /* mean over the values of a pattern; NaN: the model publishes none */
} goss__trial;
/* Without results: NaN. */
goss__trial goss__trial_none(void);
/* Errors: as goss_train; GOSS_E_ARGUMENT: nothing is kept apart; GOSS_E_NUMERIC: weights or answers that are not
 * finite, or no validation that gave a number. Owns: goss__judged_close of `test`. */
GOSS_MUST_USE goss_status goss__train_trial(const goss_config *c, const goss__trial_options *o, goss__trial *out,
                                            goss_error *err);
#endif
