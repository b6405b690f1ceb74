/* SPDX-License-Identifier: Apache-2.0 */
/* eval_ratings.h: shared by the files of gossamer eval on ratings, whose tasks are users. */
#ifndef GOSS_EVAL_RATINGS_H
#define GOSS_EVAL_RATINGS_H

#include "data_kinds.h"
#include "eval_field.h"
#include "gossamer/race.h"
#include "gossamer/recommend.h"

typedef struct rating_fold {
    eval_fold base;
    goss_catalogue *catalogue;
    int unknown, without_features; /* rated items that the model lacks; without features, too */
} rating_fold;

typedef struct rating_runner {
    eval_entrant base;
    const goss_recommender *kind; /* NULL: a model */
    double *value;                /* [metrics, users] mean over draws and folds; NaN: not evaluated, or undefined */
    bool *covered;                /* [coverages, items] */
} rating_runner;

typedef struct eval_ratings {
    const eval_request *q;
    char *list; /* the items of --methods */
    goss_ratings *ratings;
    goss_table *described; /* of users; NULL: no model reads descriptors */
    const char *order;
    int users, repeats, candidates;
    eval_field field; /* of the folds and runners below */
    rating_fold fold[EVAL_FOLDS];
    rating_runner runner[EVAL_ENTRANTS];
    goss_ratings_metrics metrics;
    bool *judged; /* [users] */
    double *work; /* [users] of the report */
} eval_ratings_state;

/* ---- eval_ratings_race.c ---- */
goss_status eval_ratings_race(eval_ratings_state *e, goss_error *err);
/* ---- eval_ratings_report.c ---- */
void eval_ratings_print(const eval_ratings_state *e);
void eval_ratings_json(const eval_ratings_state *e);
#endif
