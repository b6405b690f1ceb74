/* SPDX-License-Identifier: Apache-2.0 */
/* factors.h: biases and factors of items, fitted to the ratings of training users.
 *
 *   r = mean + b_i + c_u + p_u q_i + noise,  v_i = (b_i, q_i) ~ N(W (1, f_i), diag S),  c_u ~ N(0, s),  p_u ~ N(0, I)
 *
 * by mean-field variational Bayes (Lim and Teh 2007), with priors by maximum likelihood: S says which factors there
 * are, W what features f_i tell of an item that nobody has rated, and nothing has to be tuned but the number of
 * factors. */
#ifndef GOSS_RECOMMEND_FACTORS_H
#define GOSS_RECOMMEND_FACTORS_H

#include <stdint.h>

#include "gossamer/status.h"

/* Ratings [n] of training users, and the features [items, features] of all items, of mean about 0. */
typedef struct goss__factor_data {
    int users, items, features, n;
    const int32_t *user, *item;
    const float *rating, *feature;
} goss__factor_data;

typedef struct goss__factors {
    int factors, width; /* k, and 1 + k: of v */
    int users, items, features;
    double mean, noise;    /* of ratings; variance of the noise */
    double *v, *spread;    /* [items, width] and its variance [items, width] */
    double *prior;         /* [width] 1 / S */
    double *from_features; /* W [width, 1 + features] */
    double user_prior;     /* 1 / s */
    /* while fitting, and for goss__factors_without */
    double *user, *user_cov;           /* [users, width] (c, p), and covariances [users, width, width] */
    double *item_cov, *normal, *right; /* covariances, precisions [items, width, width], right sides [items, width] */
    double *work;
} goss__factors;

/* Fits them. Errors: GOSS_E_NOMEM. Owns: goss__factors_free. */
GOSS_MUST_USE goss_status goss__factors_fit(const goss__factor_data *data, int factors, uint64_t seed,
                                            goss__factors **out, goss_error *err);
void goss__factors_free(goss__factors *f); /* NULL allowed */
/* v of an item as it would be without that user's rating of it: what a model sees of the item when that user is new. */
void goss__factors_without(const goss__factors *f, int user, int item, float rating, double *v);
#endif
