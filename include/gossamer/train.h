/* SPDX-License-Identifier: Apache-2.0 */
/* train.h: training runs.
 *
 * A run is a configuration and a folder: config.ini (the effective configuration), metrics.jsonl,
 * checkpoint.safetensors (the complete state), best.safetensors (the best validation so far) and, at the end,
 * model.safetensors. Starting the same run again resumes it from its checkpoint; if its length is given in steps, not
 * minutes, the result of an interrupted run is bit-identical to that of an uninterrupted one. With a larger
 * train.steps, train.minutes or validate.patience a finished run is continued, with the learning rate schedule of the
 * new length. Images, classes and train.start are compared by content when a run is resumed. Files that do not belong
 * to a run are never replaced.
 *
 *     GOSS_TRY(goss_config_new(goss_train_keys(&n), n, &config, err));
 *     GOSS_TRY(goss_config_read(config, "train.ini", err));
 *     GOSS_TRY(goss_train(config, NULL, &report, err));
 *
 * A program trains on tasks of its own by goss_train_options.tasks, and checks a configuration beforehand by
 * goss_train_check (check.h). */
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

/* All keys of a run's configuration, including those of goss_model_keys, for goss_config_new. Static storage. */
GOSS_API const goss_key *goss_train_keys(int *n);

/* Whether a key has a meaning for the kind of data and the method that a configuration names: cells.width has none for
 * train.method = hypernet, data.height none for a table. Errors: as goss_config_bind. */
GOSS_API GOSS_MUST_USE goss_status goss_train_key_means(const goss_config *config, const char *key, bool *means,
                                                        goss_error *err);

/* The reader that data.kind = auto finds for what is at `path`: "sound", "ratings", "table" or "images", and "images"
 * where there is none, too (goss_train_data_known). Static storage. */
GOSS_API const char *goss_train_data_kind(const char *path);

/* Whether data.kind = auto finds a reader for what is at `path`. Errors: GOSS_E_FORMAT: none; the text names what is
 * there, what is read, and what to do. What a reader recognises and cannot read is not found here. */
GOSS_API GOSS_MUST_USE goss_status goss_train_data_known(const char *path, goss_error *err);

/* The keys of a configuration whose values are files or folders that a run reads (data.path, data.vectors,
 * train.start, regularizer.NAME.graph ...): the i-th of those that have a value; NULL after the last. Of a key that may
 * also be a word (graph = learned) the value need not be a file. Borrowed until the next change. */
GOSS_API const char *goss_train_input(const goss_config *config, int i);

/* Tasks of a program, instead of data.path. Everything is borrowed until goss_train returns. Threads: `train` is drawn
 * from by a thread of the run, `validation` by the caller's thread at the same time: they must not share scratch
 * memory. */
typedef struct goss_train_tasks {
    const char *kind;                   /* goss_data_spec.kind of the model, such as "waves" */
    const goss_task_source *train;      /* step k uses tasks k train.tasks .. (k + 1) train.tasks - 1 */
    const goss_task_source *validation; /* NULL: none */
    int judged;                         /* validation uses its tasks 0 .. judged - 1; 0: validate.episodes */
    uint64_t hash;                      /* identifies the tasks: a run is resumed with equal ones only */
    const char *const *names;           /* these three are as in goss_data_spec; NULL: none */
    const char *const *task_names;
    const char *transform;
} goss_train_tasks;

/* Progress, reported after each step. */
typedef struct goss_train_progress {
    int64_t step, steps;       /* done; planned, 0: limited by minutes only */
    double progress;           /* 0..1, the larger of the fractions of steps and minutes */
    double loss, score;        /* of this step's queries; score is the objective's, in its units */
    const char *score_name;    /* "accuracy", "rmse" */
    const goss_metric *metric; /* of validations */
    double validation;         /* the last one; NaN: none yet, or undefined */
    double best;               /* the best so far, if has_best */
    bool has_best;
    bool validated;            /* at this step */
    double tasks_per_second;   /* of this process so far */
    double seconds, remaining; /* trained; estimated to remain, -1: unknown */
} goss_train_progress;

/* Why a run ended. */
typedef enum goss_train_end {
    GOSS_TRAIN_STEPS,   /* all steps done */
    GOSS_TRAIN_MINUTES, /* the time limit was reached */
    GOSS_TRAIN_EARLY,   /* no improvement for [validate] patience validations */
    GOSS_TRAIN_NOTHING  /* the method has nothing to train, or the run was already finished */
} goss_train_end;

/* The result of a run. */
typedef struct goss_train_report {
    goss_train_end end;
    int64_t step, best_step;   /* steps done; the step of the stored model */
    const goss_metric *metric; /* of validations */
    bool validated;            /* the stored model was validated; otherwise it is the last one */
    double validation;         /* of the stored model, if validated */
    double validation_ci95;    /* half width of its 95 % interval; NaN: unknown (one episode) */
    double seconds;            /* trained, in all processes of the run */
} goss_train_report;

/* Settings of goss_train that are not part of a configuration; all zero is valid. */
typedef struct goss_train_options {
    /* Set to nonzero (by a signal handler) to finish the step, save and return GOSS_E_INTERRUPTED; decoding of images
     * is aborted at once. May be NULL. */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *context, const goss_train_progress *p); /* called after each step; may be NULL */
    void *context;                                                 /* for progress */
    const goss_train_tasks *tasks;                                 /* NULL: data.path */
    /* The number of steps of this process, from the 11th on, that are profiled by operation to run.dir/profile.txt and
     * profile.json (exec.h: goss_profile_text, goss_profile_trace). 0: none. Results are unchanged. */
    int profile_steps;
    /* A penalty added to the loss, as goss_step_options.penalty, of values published by the method (goss_method_train).
     * It is not checked when a run is resumed: pass the same one. NULL: none. */
    goss_val (*penalty)(void *context, goss_graph *g, goss_step_loss *loss);
    void *penalty_context;
} goss_train_options;

/* Trains, or resumes a run. Messages go to the log (goss_log_set). options and report may be NULL. Errors:
 * GOSS_E_INTERRUPTED, after saving; GOSS_E_ARGUMENT: settings that exclude each other, or a run.dir with another run;
 * GOSS_E_NUMERIC: a loss or gradients that are not finite in many steps in a row, in the last step, or in the first one
 * of a run with train.start; a hypernetwork that generates weights that are not finite; validations of which none had
 * finite answers (best.safetensors, if there is one, is kept; model.safetensors is not written). Steps that are skipped
 * in between are counted in a warning. GOSS_E_IO: another process is using run.dir; errors of reading data
 * and writing files. Threads: one run at a time per run.dir; the caller's thread and those of the run. */
GOSS_API GOSS_MUST_USE goss_status goss_train(const goss_config *config, const goss_train_options *options,
                                              goss_train_report *report, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
