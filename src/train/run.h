/* SPDX-License-Identifier: Apache-2.0 */
/* run.h: a training run in memory. */
#ifndef GOSS_TRAIN_RUN_H
#define GOSS_TRAIN_RUN_H

#include "gossamer/optimizer.h"
#include "gossamer/train.h"
#include "io/metrics.h"
#include "meta/judge.h"
#include "meta/model.h"
#include "train/regularizers.h"
#include "train/run_data.h"
#include "train/step.h"

/* Learning rates by name. */
enum { GOSS__RATES = 160 };
typedef struct goss__rates {
    goss_scale_rule rule[GOSS__RATES]; /* patterns point into text */
    int n;
    char *text;
} goss__rates;

/* State that a checkpoint stores beside the parameters. */
typedef struct goss__run_state {
    int64_t step;
    double seconds;         /* trained so far, over all processes */
    double clock;           /* fraction of train.minutes when the clock was last looked at */
    double best, best_ci95; /* the metric; -1: not known */
    int64_t best_step;
    int64_t since_best; /* validations since then */
    int64_t bad;        /* steps in a row, up to now, whose loss or gradients were not finite */
    bool finished;
    goss_train_end end;
} goss__run_state;

/* A logged reading of the clock. */
typedef struct goss__look {
    double step, clock;
} goss__look;

#define GOSS__START_TEXT 64
typedef struct goss__run {
    const goss_config *config;
    goss__run_settings set;        /* read from it once */
    const goss_train_tasks *tasks; /* a program's own; NULL: those of data.path */
    goss_threads *threads;
    goss__run_data data;
    goss_model *model; /* receives the weights to validate and to keep */
    goss__regularizers regularizers;
    goss_task_batch batch;              /* of the loss that is being built */
    const goss_train_options *attached; /* to it, by a program */
    goss_step *step;
    goss_params *params;         /* the step's: weights, running statistics, optimiser state */
    const goss__task_pack *pack; /* the step's episodes */
    goss__judge judge;
    goss__task_pack judge_pack;
    double *judged; /* the metric of the tasks that are validated on */
    goss__feed *feed;
    goss__metrics *metrics;
    goss__run_state state;
    double *history; /* the metric of each validation */
    int n_history, history_room;
    goss__look *replay; /* those of a cut-off part, after the checkpoint */
    int n_replay, next_replay;
    char *dir;
    int made;                     /* levels of dir that this process has made */
    int lock;                     /* on dir: one process a run */
    char *fingerprint;            /* settings as a checkpoint keeps them */
    char start[GOSS__START_TEXT]; /* hash of the model that the run was started from; "": none */
    goss_safetensors *previous;   /* the checkpoint to go on from, until it is read; NULL: the run begins */
    bool dry;                     /* dry run (check): nothing is written */
    bool moved;                   /* it had another end (train.steps, train.minutes, validate.patience) */
} goss__run;

/* ---- rates.c ---- */
/* text: optimizer.rates. */
goss_status goss__rates_read(const char *text, goss__rates *out, goss_error *err);
void goss__rates_free(goss__rates *r);
/* Parses it; every pattern must determine the rate of at least one tensor. */
goss_status goss__rates_check(const char *text, const goss_method *m, goss_error *err);

/* ---- run_step.c ---- */
goss_status goss__run_compile(goss__run *r, const goss_train_options *with, goss_error *err);
goss_status goss__run_step(goss__run *r, const goss__task_pack *pack, double rate, goss_step_result *out,
                           goss_error *err);
/* The weights (their moving average, if there is one) into r->model. */
void goss__run_export(goss__run *r);

/* Whether all answers of the weights in r->model to validation tasks are finite. */
goss_status goss__run_answers(goss__run *r, bool *finite, goss_error *err);

/* ---- run_end.c ---- */
/* Counts a step. Errors: GOSS_E_NUMERIC: too many in a row whose loss or gradients were not finite, or the first one of
 * a run that starts from a model; that one is not counted. */
goss_status goss__run_step_done(goss__run *r, const goss_step_result *x, double rate, goss_error *err);
/* After the last step: warns of steps that were skipped. Errors: GOSS_E_NUMERIC: the last steps were not finite, or no
 * validation was. */
goss_status goss__run_end_check(goss__run *r, goss_error *err);

/* ---- run_strengths.c ---- */
/* Sets a model that was conditioned on strengths to those that validate best, and notes their metric. */
goss_status goss__run_choose_strengths(goss__run *r, goss_model *m, goss_error *err);

/* ---- first_look.c ---- */
/* Before the first step: what the doctor says of a hypernetwork goes to the log. */
goss_status goss__run_first_look(goss__run *r, goss_error *err);
/* The doctor's report (owned: goss_text_free; NULL: the method generates nothing), and whether it finds weights that
 * are not finite. */
goss_status goss__run_examine(goss__run *r, char **text, bool *diverges, goss_error *err);
/* GOSS_E_NUMERIC: why a run that the doctor finds to diverge does not start. */
goss_status goss__run_diverges(const goss__run *r, goss_error *err);

/* ---- profile_steps.c ---- */
/* Between steps: begins to time operations after the first few of this process, and writes the profile `steps` later.
 * last: there will be no further step. */
goss_status goss__run_profile(const goss__run *r, int64_t steps_done, bool last, int steps, goss_error *err);

/* ---- run_folder.c ---- */
/* Makes and locks run.dir. Errors: a folder that is not empty and not a run's, and what would let the run fail when
 * it is done: a library that is missing, a folder that nothing can be written to. */
goss_status goss__run_folder(goss__run *r, goss_error *err);
/* run.dir is set, which only a dry run goes without. */
goss_status goss__run_folder_is_named(const goss__run_settings *s, goss_error *err);
/* goss__run_folder without making or locking anything. */
goss_status goss__run_folder_look(goss__run *r, goss_error *err);
/* A run that failed before its first step: its files and the folder go, if this process has made the folder. Decoded
 * images in it stay, and the folder with them. */
void goss__run_folder_undo(goss__run *r);
/* The path of a file in the run's folder, into out. */
goss_status goss__run_path(const goss__run *r, const char *name, char out[4200], goss_error *err);
/* config.ini, by which the folder is known as this run's. */
goss_status goss__run_write_config(const goss__run *r, goss_error *err);

/* ---- checkpoint.c ---- */
goss_status goss__checkpoint_write(const goss__run *r, goss_error *err);
/* Opens the folder's checkpoint, if there is one, and reads the run's state: r->previous. Errors: one of another run.
 */
goss_status goss__checkpoint_open(goss__run *r, goss_error *err);
/* Once the images are open. Errors: other images, classes or another start than the checkpoint's run had. */
goss_status goss__checkpoint_compare(goss__run *r, goss_error *err);
/* Parameters and validations; closes r->previous. Errors: other tensors. */
goss_status goss__checkpoint_read(goss__run *r, goss_error *err);
/* Clock readings in metrics.jsonl of steps after the checkpoint. */
goss_status goss__replay_read(goss__run *r, goss_error *err);

/* ---- run_identity.c ---- */
/* Settings as text, a line each. */
goss_status goss__fingerprint(const goss_config *c, char **out, goss_error *err);
/* Hashes of the images, and of a model file. */
void goss__data_identity(const goss__run *r, char *out, size_t size);
goss_status goss__start_identity(const char *path, char out[GOSS__START_TEXT], goss_error *err);
/* start_vectors.c: word vectors into the rows of an embedding of ids, where data.vectors names some. Errors: those of
 * goss_vectors_read; GOSS_E_ARGUMENT: no such embedding, another width, no word that has a vector. */
goss_status goss__start_vectors(goss__run *r, goss_error *err);
/* Errors: settings that differ from those of the checkpoint. Where only its end was moved: r->moved. */
goss_status goss__same_run(goss__run *r, const char *settings, goss_error *err);
/* Errors: content that differs from what r->previous was started with. */
goss_status goss__same_content(goss__run *r, goss_error *err);

/* ---- unused_keys.c ---- */
/* Keys (a pattern), whether a run uses them, and why not. */
typedef struct goss__key_use {
    const char *key;
    bool (*used)(const goss__run_settings *s, const goss_method *m);
    const char *why;
} goss__key_use;
const goss__key_use *goss__key_uses(int *n);
/* Why a run does not use a key; NULL: it does. */
const char *goss__key_unused(const goss__run_settings *s, const goss_method *m, const char *key);
/* Warns of every key that is not at its default and has no effect. */
void goss__tell_unused(const goss__run_settings *s, const goss_method *m, const char *data_kind);
/* The same of one key of the settings' configuration, of which it is said that it has no effect `with` something. */
void goss__tell_unused_key(const goss__run_settings *s, const goss_method *m, const char *data_kind,
                           const goss_key *key, const char *with);
/* Whether data of that kind (goss__data_kind.name) has the key. */
bool goss__key_is_of(const char *key, const char *kind);
/* Warns of one key, where it is not at its default: what the data alone shows. */
void goss__tell_key_unused(const goss_config *c, const char *key, const char *why);

/* ---- run_state.c ---- */
/* with: stop gives up while images are decoded; tasks. NULL: neither. */
goss_status goss__run_open(goss__run *r, const goss_config *c, const goss_train_options *with, goss_error *err);
/* Dry run: nothing is written, run.dir need not exist, nor be set. */
goss_status goss__run_open_dry(goss__run *r, const goss_config *c, const goss_train_options *with, goss_error *err);
void goss__run_close(goss__run *r);
double goss__run_progress(const goss__run *r);
/* Whether the run is complete; sets r->state.end to the reason. */
bool goss__run_is_over(goss__run *r);
/* The validation's metric of a model of the run's method: mean over tasks, half its interval (NaN: not known). */
goss_status goss__run_judge(goss__run *r, const goss_model *m, double *mean, double *ci95, goss_error *err);
goss_status goss__run_validate(goss__run *r, bool *better, goss_error *err);
/* Whether there was a validation whose model is the best so far. */
bool goss__run_has_best(const goss__run *r);
#endif
