/* SPDX-License-Identifier: Apache-2.0 */
/* eval_field.h: which methods gossamer eval compares on tasks that have a support set of a number of samples (tables,
 * ratings), and on which tasks.
 *
 * A fold is a model file; it may be evaluated on tasks that it was not trained on. An entrant is a row of the report: a
 * method, evaluated on each task by those of its folds that have not seen it. Each kind of data keeps its own records
 * of both, with these as their first members. */
#ifndef GOSS_EVAL_FIELD_H
#define GOSS_EVAL_FIELD_H

#include "gossamer/evaluate.h"
#include "gossamer/table_data.h"

enum { EVAL_FOLDS = 64, EVAL_ENTRANTS = 32 };

typedef enum eval_seen { SEEN_NOTHING, SEEN_VALIDATED, SEEN_TRAINED } eval_seen;

typedef struct eval_fold {
    const char *path;
    goss_model *model;
    eval_seen *seen; /* [tasks] */
} eval_fold;

typedef struct eval_entrant {
    char *name;
    bool baseline;
    const char *derive; /* method derived from the folds' models; NULL: the models themselves, or a baseline */
    int fold[EVAL_FOLDS], folds;
    int fine_tune;
    goss_weight_precision precision;
    double seconds; /* of all draws */
    int64_t draws;
} eval_entrant;

typedef struct eval_field {
    eval_fold *fold[EVAL_FOLDS];          /* borrowed: all of the kind's records, in order, used or not */
    eval_entrant *entrant[EVAL_ENTRANTS]; /* likewise */
    const char *(*baseline)(int i);       /* the kind's baselines by number, NULL past the last */
    int folds, models;                    /* the first `models` are positional arguments */
    int entrants;
    bool allow_seen;
    /* Tasks: evaluated; with too few samples; trained on and left out; trained on, and validated on, of those that are
     * evaluated. */
    int n_judged, skipped, left_out, trained, validated;
} eval_field;

/* ---- folds ---- */
/* The next fold, loaded unless `model` is given, which is taken in any case. kind: of the model's data; kinds: their
 * name in errors. */
goss_status eval_field_fold(eval_field *e, const char *path, goss_model *model, const char *kind, const char *kinds,
                            int *at, goss_error *err);
/* Models given together are folds of one method. */
goss_status eval_field_same_method(const eval_field *e, int fold, goss_error *err);
const char *eval_field_method(const eval_field *e, int fold);
/* A model has seen a task if it has seen most of its samples: single ones may occur in other tasks by chance. */
eval_seen eval_field_saw(const goss_model *m, const uint64_t *hash, int n);

/* ---- entrants: each adds one, whose place is *at ---- */
/* One without folds. A report tells its rows apart by their names. */
goss_status eval_field_add(eval_field *e, const char *name, int *at, goss_error *err);
/* One judged by all positional models. */
goss_status eval_field_of_models(eval_field *e, const char *name, int *at, goss_error *err);
/* The models, fine-tuned. */
goss_status eval_field_tuned(eval_field *e, int steps, int *at, goss_error *err);
/* Entrant `of`, a row of the models, with its networks in that precision. F32: adds nothing; *at is then `of`. */
goss_status eval_field_rounded(eval_field *e, int of, goss_weight_precision precision, int *at, goss_error *err);
/* From the models' files: a baseline, or another method on their weights. */
goss_status eval_field_derived(eval_field *e, const char *name, int *at, goss_error *err);
/* NAME=FILE: the entrant of that name, which the caller gives a fold; a repeated name adds a fold. */
goss_status eval_field_named(eval_field *e, const char *name, int *at, goss_error *err);

/* ---- tasks ---- */
/* Marks the tasks that a file lists (NULL: all). Shapes: wanted [tasks], zero. */
goss_status eval_field_tasks(const goss_table_tasks *tasks, const char *file, bool *wanted, goss_error *err);
/* Whether a task is evaluated on, which is counted. few: it has too few samples. */
bool eval_field_judges(eval_field *e, int task, bool few);
/* Whether a fold is evaluated on a task; one that was validated on it is used only if there is no other. */
bool eval_field_may(const eval_field *e, const eval_entrant *r, int fold, int task);
/* The tasks judged of [0, tasks), which the fold may answer; returns their number. */
int eval_field_choose(const eval_field *e, const eval_entrant *r, int fold, const bool *judged, int tasks,
                      int32_t *chosen);
/* Reports the tasks that are left out. tasks, samples: what they are called; NULL: those of few samples are told by the
 * caller. */
void eval_field_tell(const eval_field *e, int support, const char *tasks, const char *samples);

double eval_field_seconds(const eval_entrant *r); /* per draw */
/* Frees models, names and what is known of the folds. */
void eval_field_free(eval_field *e);
#endif
