/* SPDX-License-Identifier: Apache-2.0 */
/* fold_in.c: bias and factors of a new user, by their posterior mean in a factorisation. */
#include <string.h>

#include "recommend/recommender.h"
#include "recommend/small_solve.h"

void goss__fold_in_begin(const goss_catalogue *c, double *work) {
    const int d = c->factors + 1;
    memset(work, 0, (size_t)d * (size_t)(d + 1) * sizeof *work);
    for (int j = 0; j < d; j++) work[j * d + j] = j ? 1 : c->user_prior;
}

void goss__fold_in_add(const goss_catalogue *c, const double *v, const double *spread, double rating, double *work) {
    const int d = c->factors + 1;
    double *p = work + (size_t)d * (size_t)d;
    for (int j = 0; j < d; j++) {
        const double x = j ? v[j] : 1;
        for (int k = 0; k <= j; k++) work[j * d + k] += (x * (k ? v[k] : 1) + (j == k && j ? spread[j] : 0)) / c->noise;
        p[j] += x * (rating - c->mean - v[0]) / c->noise;
    }
}

const double *goss__fold_in_end(const goss_catalogue *c, double *work) {
    const int d = c->factors + 1;
    double *p = work + (size_t)d * (size_t)d;
    goss__factorize(work, d);
    goss__solve_factored(work, d, p);
    return p;
}

double goss__fold_in_predict(const goss_catalogue *c, const double *p, const double *v) {
    double sum = c->mean + v[0] + p[0];
    for (int j = 1; j <= c->factors; j++) sum += v[j] * p[j];
    return sum;
}
