/* SPDX-License-Identifier: Apache-2.0 */
/* train.h: training runs.
 *
 * A run is a configuration and a folder: config.ini (the effective configuration), metrics.jsonl,
 * checkpoint.safetensors (all a resume needs), best.safetensors (the best by validation so far) and, at the end,
 * model.safetensors. Starting the same run again goes on from its checkpoint; where steps bind, not minutes, an
 * interrupted run ends with the same bits as one that was not. With a larger train.steps, train.minutes or
 * validate.patience a run goes on beyond its end, its rate along the schedule of the new length. Images, classes and
 * train.start are compared by content. Files that are not a run's are never replaced. */
#ifndef GOSSAMER_TRAIN_H
#define GOSSAMER_TRAIN_H

#include <signal.h>

#include "gossamer/config.h"
#include "gossamer/graph.h"
#include "gossamer/objective.h"
#include "gossamer/step.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All keys of a run's configuration, those of goss_model_keys among them, for goss_config_new. Static storage. */
GOSS_API const goss_key *goss_train_keys(int *n);

/* Tasks that a program makes itself, in place of what data.path names. Everything is borrowed until goss_train returns.
 * Threads: `train` is drawn from by a thread of the run's, while `validation` is by the caller's: they share no scratch
 * memory. */
typedef struct goss_train_tasks {
    const char *kind;                   /* what goss_data_spec.kind says of them in the model: "waves" */
    const goss_task_source *train;      /* step k has its tasks k train.tasks, ..., (k + 1) train.tasks - 1 */
    const goss_task_source *validation; /* NULL: none */
    int judged;                         /* its tasks 0 .. judged - 1 are validated on; 0: validate.episodes */
    uint64_t hash;                      /* of what the tasks are: a run goes on with the same ones only */
    const char *const *names;           /* these three as in goss_data_spec; NULL: none */
    const char *const *task_names;
    const char *transform;
} goss_train_tasks;

typedef struct goss_train_progress {
    int64_t step, steps;       /* done; planned, 0: only minutes bind */
    double progress;           /* 0..1, the larger of the fractions of steps and minutes */
    double loss, score;        /* of this step's queries: what the objective reports, in its units */
    const char *score_name;    /* "accuracy", "rmse" */
    const goss_metric *metric; /* of validations */
    double validation;         /* the last one; NaN: none yet, or not defined */
    double best;               /* the best so far, where has_best */
    bool has_best;
    bool validated;            /* at this step */
    double tasks_per_second;   /* of this process so far */
    double seconds, remaining; /* trained; expected to remain, -1: not known yet */
} goss_train_progress;

typedef enum goss_train_end {
    GOSS_TRAIN_STEPS,   /* all steps done */
    GOSS_TRAIN_MINUTES, /* the time was up */
    GOSS_TRAIN_EARLY,   /* no better validation for [validate] patience times */
    GOSS_TRAIN_NOTHING  /* the method has nothing to train, or the run was finished before */
} goss_train_end;

typedef struct goss_train_report {
    goss_train_end end;
    int64_t step, best_step;
    const goss_metric *metric; /* of validations */
    bool validated;            /* the model that was kept was: else it is the last one */
    double validation;         /* of the model that was kept, where it was validated */
    double validation_ci95;    /* half its 95 % interval; NaN: not known (one episode) */
    double seconds;
} goss_train_report;

typedef struct goss_train_options {
    /* Set to nonzero (by a signal handler) to finish the step, save and return GOSS_E_INTERRUPTED; while images are
     * decoded, to give that up at once. May be NULL. */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *context, const goss_train_progress *p); /* told after each step; may be NULL */
    void *context;
    const goss_train_tasks *tasks; /* NULL: data.path */
    /* So many steps of this process, from the 11th on, are timed by operation: run.dir/profile.txt and profile.json
     * (exec.h, goss_profile_text and _trace). 0: none. What is computed stays the same. */
    int profile_steps;
    /* Attached to the loss from outside: as goss_step_options.penalty. The method publishes what it can name
     * (goss_method_train). It is no part of what a resume compares: give the same one again. NULL: none. */
    goss_val (*penalty)(void *context, goss_graph *g, goss_step_loss *loss);
    void *penalty_context;
} goss_train_options;

/* Trains, or goes on. What happens is told through goss_log_set's callback.
 * Errors: GOSS_E_INTERRUPTED after saving; GOSS_E_ARGUMENT for settings that do not fit together or a run.dir that
 * holds another run; GOSS_E_NUMERIC when gradients stay infinite; whatever reading data and writing files reports.
 * GOSS_E_IO where another run is at work in run.dir. options and report may be NULL. */
GOSS_API GOSS_MUST_USE goss_status goss_train(const goss_config *config, const goss_train_options *options,
                                              goss_train_report *report, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
