/* SPDX-License-Identifier: Apache-2.0 */
/* factors.c: variational matrix factorisation with features of items (factors.h). Items and users are updated in turns,
 * each by the normal equations of a Bayesian linear regression on the expected other side. */
#include "recommend/factors.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "recommend/small_solve.h"

enum { SWEEPS = 30 };
static const double start_spread = 0.3, ridge_of_features = 2;

/* Ratings by item or by user. */
typedef struct by_side {
    int32_t *first, *rating; /* [count + 1], [n] */
} by_side;

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for item factors");
}

static goss_status sort_by(const int32_t *key, int n, int count, by_side *out, goss_error *err) {
    out->first = goss__calloc((size_t)count + 2, sizeof *out->first);
    out->rating = goss__calloc((size_t)n + 1, sizeof *out->rating);
    if (!out->first || !out->rating) return no_memory(err);
    for (int i = 0; i < n; i++) out->first[key[i] + 2]++;
    for (int i = 2; i <= count; i++) out->first[i] += out->first[i - 1];
    for (int i = 0; i < n; i++) out->rating[out->first[key[i] + 1]++] = i;
    return GOSS_OK;
}

/* ---- one normal equation ---- */

/* Adds (or takes away) one rating: covariate (1, a) of mean `other` [d] (whose first number is the other side's bias)
 * and covariance cov [d, d]; the response is what the other side's bias leaves over. */
static void add_rating(double *normal, double *right, int d, const double *other, const double *cov, double response,
                       double precision) {
    for (int i = 0; i < d; i++) {
        const double x = i ? other[i] : 1;
        for (int j = 0; j <= i; j++) {
            const double y = j ? other[j] : 1;
            normal[i * d + j] += precision * (x * y + (i && j ? cov[i * d + j] : 0));
        }
        right[i] += precision * (x * (response - other[0]) - (i ? cov[i * d] : 0));
    }
}

/* W (1, f). */
static double expected(const goss__factors *f, const float *feature, int j) {
    const double *w = f->from_features + (size_t)j * (size_t)(f->features + 1);
    double sum = w[0];
    for (int k = 0; k < f->features; k++) sum += w[1 + k] * (double)feature[k];
    return sum;
}

static void update_items(goss__factors *f, const goss__factor_data *data, const by_side *by) {
    const int d = f->width;
    const size_t d2 = (size_t)d * (size_t)d;
    double *l = f->work;
    for (int i = 0; i < f->items; i++) {
        double *normal = f->normal + (size_t)i * d2, *right = f->right + (size_t)i * (size_t)d;
        double *v = f->v + (size_t)i * (size_t)d;
        memset(normal, 0, d2 * sizeof *normal);
        for (int j = 0; j < d; j++) {
            normal[j * d + j] = f->prior[j];
            right[j] = f->prior[j] * expected(f, data->feature + (size_t)i * (size_t)f->features, j);
        }
        for (int r = by->first[i]; r < by->first[i + 1]; r++) {
            const int k = by->rating[r], u = data->user[k];
            add_rating(normal, right, d, f->user + (size_t)u * (size_t)d, f->user_cov + (size_t)u * d2,
                       (double)data->rating[k] - f->mean, 1 / f->noise);
        }
        memcpy(l, normal, d2 * sizeof *l), memcpy(v, right, (size_t)d * sizeof *v);
        goss__factorize(l, d);
        goss__solve_factored(l, d, v);
        goss__invert_factored(l, d, f->item_cov + (size_t)i * d2);
        for (int j = 0; j < d; j++) f->spread[i * d + j] = f->item_cov[(size_t)i * d2 + (size_t)(j * d + j)];
    }
}

static void update_users(goss__factors *f, const goss__factor_data *data, const by_side *by) {
    const int d = f->width;
    const size_t d2 = (size_t)d * (size_t)d;
    double *l = f->work;
    for (int u = 0; u < f->users; u++) {
        double *w = f->user + (size_t)u * (size_t)d;
        memset(l, 0, d2 * sizeof *l), memset(w, 0, (size_t)d * sizeof *w);
        for (int j = 0; j < d; j++) l[j * d + j] = j ? 1 : f->user_prior;
        for (int r = by->first[u]; r < by->first[u + 1]; r++) {
            const int k = by->rating[r], i = data->item[k];
            add_rating(l, w, d, f->v + (size_t)i * (size_t)d, f->item_cov + (size_t)i * d2,
                       (double)data->rating[k] - f->mean, 1 / f->noise);
        }
        goss__factorize(l, d);
        goss__solve_factored(l, d, w);
        goss__invert_factored(l, d, f->user_cov + (size_t)u * d2);
    }
}

/* ---- priors ---- */

/* W by ridge regression of v on features, over items by how much their ratings tell. */
static void update_features(goss__factors *f, const goss__factor_data *data, const by_side *by) {
    const int m = f->features + 1, d = f->width;
    double *l = f->work, *x = l + (size_t)m * (size_t)m, *w;
    for (int j = 0; j < d; j++) {
        w = f->from_features + (size_t)j * (size_t)m;
        memset(l, 0, (size_t)m * (size_t)m * sizeof *l), memset(w, 0, (size_t)m * sizeof *w);
        for (int a = 0; a < m; a++) l[a * m + a] = a ? ridge_of_features : 1e-3;
        for (int i = 0; i < f->items; i++) {
            if (by->first[i] == by->first[i + 1]) continue;
            const double known = 1 - f->spread[i * d + j] * f->prior[j], share = known > 1e-3 ? known : 1e-3;
            x[0] = 1;
            for (int a = 1; a < m; a++) x[a] = (double)data->feature[(size_t)i * (size_t)f->features + (size_t)(a - 1)];
            for (int a = 0; a < m; a++) {
                if (x[a] == 0) continue;
                for (int b = 0; b <= a; b++) l[a * m + b] += share * x[a] * x[b];
                w[a] += share * x[a] * f->v[i * d + j];
            }
        }
        goss__factorize(l, m);
        goss__solve_factored(l, m, w);
    }
}

static void update_priors(goss__factors *f, const goss__factor_data *data, const by_side *by) {
    const int d = f->width;
    double users = 0;
    for (int j = 0; j < d; j++) {
        double sum = 0;
        int n = 0;
        for (int i = 0; i < f->items; i++) {
            if (by->first[i] == by->first[i + 1]) continue;
            const double e = f->v[i * d + j] - expected(f, data->feature + (size_t)i * (size_t)f->features, j);
            sum += e * e + f->spread[i * d + j], n++;
        }
        f->prior[j] = fmin(1e6, n / (sum + 1e-9));
    }
    for (int u = 0; u < f->users; u++)
        users += f->user[(size_t)u * (size_t)d] * f->user[(size_t)u * (size_t)d] +
                 f->user_cov[(size_t)u * (size_t)d * (size_t)d];
    f->user_prior = fmin(1e6, f->users / (users + 1e-9));
}

/* (1, a)' cov (1, a) with a from the other side. */
static double uncertainty(const double *cov, const double *other, int d) {
    double sum = 0;
    for (int i = 0; i < d; i++)
        for (int j = 0; j < d; j++) sum += cov[i * d + j] * (i ? other[i] : 1) * (j ? other[j] : 1);
    return sum;
}

static void update_noise(goss__factors *f, const goss__factor_data *data) {
    const int d = f->width;
    const size_t d2 = (size_t)d * (size_t)d;
    double sum = 0;
    for (int k = 0; k < data->n; k++) {
        const size_t u = (size_t)data->user[k], i = (size_t)data->item[k];
        const double *v = f->v + i * (size_t)d, *w = f->user + u * (size_t)d;
        double e = (double)data->rating[k] - f->mean - v[0] - w[0];
        for (int j = 1; j < d; j++) e -= v[j] * w[j];
        sum += e * e + uncertainty(f->item_cov + i * d2, w, d) + uncertainty(f->user_cov + u * d2, v, d);
    }
    f->noise = fmax(1e-6, sum / data->n);
}

/* ---- life ---- */

static goss_status reserve(goss__factors *f, goss_error *err) {
    const size_t d = (size_t)f->width, items = (size_t)f->items + 1, users = (size_t)f->users + 1;
    const size_t m = (size_t)f->features + 1, most = (m > d ? m : d) + 1;
    f->v = goss__calloc(items * d, sizeof(double)), f->spread = goss__calloc(items * d, sizeof(double));
    f->prior = goss__calloc(d, sizeof(double)), f->from_features = goss__calloc(d * m, sizeof(double));
    f->user = goss__calloc(users * d, sizeof(double)), f->user_cov = goss__calloc(users * d * d, sizeof(double));
    f->item_cov = goss__calloc(items * d * d, sizeof(double)), f->normal = goss__calloc(items * d * d, sizeof(double));
    f->right = goss__calloc(items * d, sizeof(double)), f->work = goss__calloc(most * (most + 1), sizeof(double));
    return f->v && f->spread && f->prior && f->from_features && f->user && f->user_cov && f->item_cov && f->normal &&
                   f->right && f->work
               ? GOSS_OK
               : no_memory(err);
}

/* Users' factors are drawn: all alike they would stay so. */
static void start(goss__factors *f, const goss__factor_data *data, uint64_t seed) {
    goss__rng rng = goss__rng_make(seed, goss__hash64("factors", 7, 0));
    double sum = 0, square = 0;
    for (int k = 0; k < data->n; k++) sum += (double)data->rating[k];
    f->mean = data->n ? sum / data->n : 0;
    for (int k = 0; k < data->n; k++) square += pow((double)data->rating[k] - f->mean, 2);
    f->noise = fmax(1e-6, data->n ? square / data->n : 1);
    for (int j = 0; j < f->width; j++) f->prior[j] = 4 / f->noise;
    f->user_prior = 4 / f->noise;
    for (int u = 0; u < f->users; u++)
        for (int j = 1; j < f->width; j++) f->user[u * f->width + j] = start_spread * goss__rng_normal(&rng);
}

goss_status goss__factors_fit(const goss__factor_data *data, int factors, uint64_t seed, goss__factors **out,
                              goss_error *err) {
    by_side items = {0}, users = {0};
    goss__factors *f = *out = goss__calloc(1, sizeof *f);
    if (!f) return no_memory(err);
    f->factors = factors, f->width = 1 + factors;
    f->users = data->users, f->items = data->items, f->features = data->features;
    goss_status s = reserve(f, err);
    if (s == GOSS_OK) s = sort_by(data->item, data->n, data->items, &items, err);
    if (s == GOSS_OK) s = sort_by(data->user, data->n, data->users, &users, err);
    if (s == GOSS_OK) start(f, data, seed);
    for (int sweep = 0; s == GOSS_OK && sweep < SWEEPS; sweep++) {
        update_items(f, data, &items);
        update_users(f, data, &users);
        update_features(f, data, &items);
        update_priors(f, data, &items);
        update_noise(f, data);
    }
    if (s == GOSS_OK) update_items(f, data, &items);
    goss__free(items.first), goss__free(items.rating), goss__free(users.first), goss__free(users.rating);
    if (s == GOSS_OK) return s;
    goss__factors_free(f);
    *out = NULL;
    return s;
}

void goss__factors_free(goss__factors *f) {
    if (!f) return;
    double *all[] = {f->v,        f->spread,   f->prior,  f->from_features, f->user,
                     f->user_cov, f->item_cov, f->normal, f->right,         f->work};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) goss__free(all[i]);
    goss__free(f);
}

void goss__factors_without(const goss__factors *f, int user, int item, float rating, double *v) {
    const int d = f->width;
    const size_t d2 = (size_t)d * (size_t)d;
    double *l = f->work;
    memcpy(l, f->normal + (size_t)item * d2, d2 * sizeof *l);
    memcpy(v, f->right + (size_t)item * (size_t)d, (size_t)d * sizeof *v);
    add_rating(l, v, d, f->user + (size_t)user * (size_t)d, f->user_cov + (size_t)user * d2, (double)rating - f->mean,
               -1 / f->noise);
    goss__factorize(l, d);
    goss__solve_factored(l, d, v);
}
