/* SPDX-License-Identifier: Apache-2.0 */
/* recommender.h: what baselines of recommendation are given, and their rows. */
#ifndef GOSS_RECOMMEND_RECOMMENDER_H
#define GOSS_RECOMMEND_RECOMMENDER_H

#include "recommend/recommend.h"

/* One user: rated items and the queries; items are rows of `world`. */
typedef struct goss__asked {
    int supports, queries;
    const int32_t *support, *query; /* items of the ratings */
    const float *rating;            /* [supports] */
} goss__asked;

/* What is known of the items of a file of ratings, and scratch for the largest user. */
typedef struct goss__world {
    const goss_ratings *r;
    const goss_catalogue *c;
    float *level, *x;   /* [items], [items, width] */
    double *v, *spread; /* [items, 1 + factors] */
    int32_t *known;     /* [items] in the catalogue; -1: unknown */
    double *work;
} goss__world;

typedef struct goss__recommender {
    goss_recommender is;
    /* Ratings of the queries, out [queries]. */
    goss_status (*predict)(const goss__world *w, const goss__asked *a, double *out, goss_error *err);
} goss__recommender;

/* fold_in.c: work [d, d + 1] with d = 1 + factors. The result (c, p) [d] lies in it. */
void goss__fold_in_begin(const goss_catalogue *c, double *work);
void goss__fold_in_add(const goss_catalogue *c, const double *v, const double *spread, double rating, double *work);
const double *goss__fold_in_end(const goss_catalogue *c, double *work);
double goss__fold_in_predict(const goss_catalogue *c, const double *p, const double *v);

/* knn.c */
goss_status goss__predict_knn(const goss__world *w, const goss__asked *a, double *out, goss_error *err);
#endif
