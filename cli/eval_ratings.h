/* SPDX-License-Identifier: Apache-2.0 */
/* eval_ratings.h: shared by the files of gossamer eval on ratings. A fold is a model file, judged on users that it has
 * not seen; a runner is a row of the report: a method, judged on each user by those of its folds that may. */
#ifndef GOSS_EVAL_RATINGS_H
#define GOSS_EVAL_RATINGS_H

#include "data_kinds.h"
#include "gossamer/race.h"
#include "gossamer/recommend.h"

enum { RATING_FOLDS = 64, RATING_RUNNERS = 32 };

typedef enum rating_seen { USER_NEW, USER_VALIDATED, USER_TRAINED } rating_seen;

typedef struct rating_fold {
    const char *path;
    goss_model *model;
    goss_catalogue *catalogue;
    rating_seen *seen;             /* [users] */
    int unknown, without_features; /* rated items that the model lacks; without features, too */
} rating_fold;

typedef struct rating_runner {
    char *name;
    const goss_recommender *kind; /* NULL: a model */
    const char *derive;           /* method derived from the folds' models; NULL: the models themselves */
    int fold[RATING_FOLDS], folds;
    int fine_tune;
    double *value;  /* [metrics, users] mean over draws and folds; NaN: not evaluated, or undefined */
    bool *covered;  /* [coverages, items] */
    double seconds; /* of all draws */
    int64_t draws;
} rating_runner;

typedef struct eval_ratings {
    const eval_request *q;
    char *list; /* the items of --methods */
    goss_ratings *ratings;
    const char *order;
    int users, repeats;
    rating_fold fold[RATING_FOLDS];
    int folds, models; /* the first `models` are positional arguments */
    rating_runner runner[RATING_RUNNERS];
    int runners;
    goss_ratings_metrics metrics;
    bool *judged; /* [users] */
    double *work; /* [users] of the report */
    int n_judged, skipped, left_out, validated;
} eval_ratings_state;

/* ---- eval_ratings.c ---- */
/* Whether a model is judged on a user; one that was validated on it only if there is no other. */
bool eval_ratings_may(const eval_ratings_state *e, const rating_runner *r, int fold, int user);
/* ---- eval_ratings_race.c ---- */
goss_status eval_ratings_race(eval_ratings_state *e, goss_error *err);
/* ---- eval_ratings_report.c ---- */
void eval_ratings_print(const eval_ratings_state *e);
void eval_ratings_json(const eval_ratings_state *e);
#endif
