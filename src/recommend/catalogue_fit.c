/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue_fit.c: a catalogue from the ratings of training users: factors, features, and what baselines need. Whatever
 * a training user is shown of an item is as if the user had not rated it; else rarely rated items would tell their own
 * ratings. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "recommend/recommender.h"
#include "task/task.h"

static const double damping[] = {0.5, 1, 2, 3, 5, 8, 12, 20, 35, 60};
static const double least_scale = 0.02; /* of a factor, in ratings: of smaller ones nothing is left but noise */

enum { MOST_KEPT = 4000000 }; /* ratings: of more a model's file would become too large */

typedef struct fitting {
    const goss_ratings *r;
    goss_catalogue *c;
    const goss_catalogue_options *o;
    int32_t *user, *item, *row; /* [n] training ratings, by user */
    float *rating;
    int32_t *first; /* [users + 1] */
    double *sum;    /* [items] of ratings less their mean */
    float *seen;    /* [items] their number: of clicks with zeros */
    int n, users;
    goss__factors *factors;
    double *v; /* [n, 1 + factors] of each rating's item without it */
} fitting;

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for a catalogue"); }

/* ---- items ---- */

static goss_status take_items(fitting *t, goss_error *err) {
    const goss_ratings *r = t->r;
    goss_catalogue *c = t->c;
    char cell[GOSS_CELL_TEXT];
    const int listed = r->items ? goss_table_rows(r->items->table) : 0;
    for (int i = 0; i < listed; i++)
        if (goss__dictionary_add(&c->ids, r->items->ids.text[i]) < 0) return no_memory(err);
    for (int i = 0; i < r->ids.count; i++)
        if (goss__dictionary_add(&c->ids, r->ids.text[i]) < 0) return no_memory(err);
    c->items = c->ids.count;
    if (!(c->name = goss__calloc((size_t)c->items + 1, sizeof *c->name))) return no_memory(err);
    for (int i = 0; i < listed; i++) {
        const char *name = goss__item_file_name(r->items, i, cell);
        if (name && !(c->name[i] = goss__strdup(name))) return no_memory(err);
    }
    return GOSS_OK;
}

static goss_status take_features(fitting *t, goss_error *err) {
    goss_catalogue *c = t->c;
    const goss__item_file *f = t->r->items;
    if (f) GOSS_TRY(goss__features_fit(f, &c->seen, &c->features, err));
    int *column = goss__calloc((size_t)c->features + 1, sizeof *column);
    c->feature = goss__calloc((size_t)c->items * (size_t)c->features + 1, sizeof *c->feature);
    if (column && c->feature) {
        goss__features_find(c->seen, c->features, f, column);
        for (int i = 0; f && i < goss_table_rows(f->table); i++)
            goss__features_of(c->seen, column, c->features, f, i, c->feature + (size_t)i * (size_t)c->features);
    }
    goss__free(column);
    return column && c->feature ? GOSS_OK : no_memory(err);
}

/* ---- ratings ---- */

static void take_row(fitting *t, int user, int32_t row) {
    const goss_ratings *r = t->r;
    t->user[t->n] = user, t->row[t->n] = row;
    t->item[t->n] = goss__dictionary_find(&t->c->ids, r->ids.text[r->of[row]]);
    t->rating[t->n++] = r->value[row];
}

/* A user's ratings; of clicks, behind each one its share of the user's zeros. */
static void take_user(fitting *t, int at, int user) {
    const goss_ratings *r = t->r;
    const int first = r->first[user], n = r->first[user + 1] - first;
    const int zero = r->clicks ? r->pool_first[user] : 0, zeros = r->clicks ? r->pool_first[user + 1] - zero : 0;
    for (int i = 0; i < n; i++) {
        take_row(t, at, r->row[first + i]);
        for (int k = (int)((int64_t)i * zeros / n); k < (int)((int64_t)(i + 1) * zeros / n); k++)
            take_row(t, at, zero + k);
    }
}

static goss_status take_ratings(fitting *t, const int32_t *users, int n, goss_error *err) {
    const goss_ratings *r = t->r;
    const size_t zeros = r->clicks ? (size_t)(r->pool_first[r->users] - r->pool_first[0]) : 0;
    const size_t all = (size_t)r->first[r->users] + zeros + 1;
    t->users = users ? n : r->users;
    t->user = goss__calloc(all, sizeof *t->user), t->item = goss__calloc(all, sizeof *t->item);
    t->row = goss__calloc(all, sizeof *t->row), t->rating = goss__calloc(all, sizeof *t->rating);
    t->first = goss__calloc((size_t)t->users + 1, sizeof *t->first);
    if (!t->user || !t->item || !t->row || !t->rating || !t->first) return no_memory(err);
    for (int u = 0; u < t->users; u++) {
        take_user(t, u, users ? users[u] : u);
        t->first[u + 1] = t->n;
    }
    return GOSS_OK;
}

static goss_status take_scale(fitting *t, goss_error *err) {
    double sum = 0, square = 0;
    t->c->lowest = t->c->highest = NAN;
    for (int i = 0; i < t->n; i++) sum += (double)t->rating[i];
    for (int i = 0; !t->r->clicks && i < t->n; i++)
        t->c->lowest = fmin(t->c->lowest, (double)t->rating[i]),
        t->c->highest = fmax(t->c->highest, (double)t->rating[i]);
    t->c->mean = sum / t->n;
    for (int i = 0; i < t->n; i++) square += pow((double)t->rating[i] - t->c->mean, 2);
    t->c->deviation = sqrt(square / t->n);
    t->c->scale_of_target[0] = (float)t->c->mean, t->c->scale_of_target[1] = (float)t->c->deviation;
    if (t->n > 1 && t->c->deviation > 0) return GOSS_OK;
    if (t->r->clicks)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%d clicks to train on, and no item that somebody has not clicked on: there is nothing to "
            "learn from them (data.click says from which rating on there is a click)",
            t->n);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "all %d ratings to train on are the same (%g): there is nothing to learn from them; if they "
                          "are clicks, say so: data.click=%g",
                          t->n, t->n ? t->c->mean : 0.0, t->n ? t->c->mean : 0.0);
}

/* ---- factors ---- */

static goss_status keep_factors(fitting *t, goss_error *err) {
    goss_catalogue *c = t->c;
    const goss__factors *f = t->factors;
    const size_t all = (size_t)c->items * (size_t)f->width, of = (size_t)f->width * (size_t)(c->features + 1);
    c->v = goss__calloc(all + 1, sizeof *c->v), c->spread = goss__calloc(all + 1, sizeof *c->spread);
    c->prior = goss__calloc((size_t)f->width, sizeof *c->prior);
    c->from_features = goss__calloc(of, sizeof *c->from_features);
    if (!c->v || !c->spread || !c->prior || !c->from_features) return no_memory(err);
    memcpy(c->v, f->v, all * sizeof *c->v), memcpy(c->spread, f->spread, all * sizeof *c->spread);
    memcpy(c->prior, f->prior, (size_t)f->width * sizeof *c->prior);
    memcpy(c->from_features, f->from_features, of * sizeof *c->from_features);
    c->noise = f->noise, c->user_prior = f->user_prior;
    return GOSS_OK;
}

/* Whether it is a rating or a click, not a zero. */
static bool counts(const fitting *t, int i) { return !t->r->clicks || t->rating[i] > 0; }

/* How many others have rated its item. */
static double others(const fitting *t, int i) { return (double)t->c->count[t->item[i]] - counts(t, i); }

static goss_status fit_factors(fitting *t, goss_error *err) {
    goss_catalogue *c = t->c;
    const goss__factor_data data = {.users = t->users,
                                    .items = c->items,
                                    .features = c->features,
                                    .n = t->n,
                                    .user = t->user,
                                    .item = t->item,
                                    .rating = t->rating,
                                    .feature = c->feature};
    c->factors = t->o->factors;
    GOSS_TRY(goss__factors_fit(&data, c->factors, t->o->seed, &t->factors, err));
    GOSS_TRY(keep_factors(t, err));
    t->v = goss__calloc((size_t)t->n * (size_t)(c->factors + 1), sizeof *t->v);
    c->count = goss__calloc((size_t)c->items + 1, sizeof *c->count);
    t->seen = goss__calloc((size_t)c->items + 1, sizeof *t->seen);
    if (!t->v || !c->count || !t->seen) return no_memory(err);
    for (int i = 0; i < t->n; i++) t->seen[t->item[i]]++, c->count[t->item[i]] += counts(t, i);
    for (int i = 0; i < t->n; i++)
        goss__factors_without(t->factors, t->user[i], t->item[i], t->rating[i],
                              t->v + (size_t)i * (size_t)(c->factors + 1));
    return GOSS_OK;
}

/* ---- inputs ---- */

/* Centre and scale of bias, number of ratings and factors, as they are shown to training users. */
static goss_status fit_encoding(fitting *t, goss_error *err) {
    goss_catalogue *c = t->c;
    const int seen = GOSS__SEEN_NUMBERS + c->factors;
    c->embedding = t->o->embedding, c->width = goss__catalogue_width(c);
    c->centre = goss__calloc((size_t)c->width, sizeof *c->centre);
    c->scale = goss__calloc((size_t)c->width, sizeof *c->scale);
    if (!c->centre || !c->scale) return no_memory(err);
    for (int j = 0; j < c->width; j++) {
        double sum = 0, square = 0;
        for (int i = 0; j < seen && i < t->n; i++) {
            const double *v = t->v + (size_t)i * (size_t)(c->factors + 1);
            const double x = j == 0 ? v[0] : j == 1 ? log1p(others(t, i)) : v[j - GOSS__SEEN_NUMBERS + 1];
            sum += x, square += x * x;
        }
        const double mean = sum / t->n, variance = square / t->n - mean * mean;
        c->centre[j] = (float)mean;
        c->scale[j] = j < seen ? (float)fmax(sqrt(fmax(variance, 0)), least_scale * c->deviation) : 1;
    }
    return GOSS_OK;
}

static goss_status make_inputs(const fitting *t, float **inputs, goss_error *err) {
    const goss_catalogue *c = t->c;
    const size_t width = (size_t)c->width, rows = (size_t)t->r->rows;
    float *x = *inputs = goss__calloc(rows * width + 1, sizeof *x);
    if (!x) return no_memory(err);
    for (int i = 0; i < t->n; i++)
        goss__catalogue_encode(c, t->item[i], t->v + (size_t)i * (size_t)(c->factors + 1), others(t, i),
                               c->feature + (size_t)t->item[i] * (size_t)c->features, x + (size_t)t->row[i] * width);
    return GOSS_OK;
}

/* ---- baselines ---- */

static double over(const fitting *t, int i) { return (double)t->rating[i] - t->c->mean; }

/* Squared error of training ratings by item means damped by d, without the rating itself. */
static double item_error(const fitting *t, double d) {
    double error = 0;
    for (int i = 0; i < t->n; i++) {
        const int item = t->item[i];
        error += pow(over(t, i) - (t->sum[item] - over(t, i)) / ((double)t->seen[item] - 1 + d), 2);
    }
    return error;
}

/* Ratings that there are for one of a support set. */
static int with_zeros(const fitting *t) { return t->r->clicks ? 1 + GOSS__ZEROS : 1; }

/* What the damped mean of its item leaves over of a rating. */
static double left_over(const fitting *t, int i) {
    const int item = t->item[i];
    return over(t, i) - (t->sum[item] - over(t, i)) / ((double)t->seen[item] - 1 + t->c->item_damping);
}

/* Squared error of the same by damped means of users, each rating by the next ones of its user as a support set. */
static double user_error(const fitting *t, double d) {
    const int support = (t->o->support > 0 ? t->o->support : 1) * with_zeros(t);
    double error = 0;
    for (int u = 0; u < t->users; u++) {
        const int n = t->first[u + 1] - t->first[u];
        for (int i = 0; n > support && i < n; i++) {
            double sum = 0;
            for (int k = 1; k <= support; k++) sum += left_over(t, t->first[u] + (i + k) % n);
            error += pow(left_over(t, t->first[u] + i) - sum / (support + d), 2);
        }
    }
    return error;
}

static double best_of(const fitting *t, double (*error)(const fitting *t, double d)) {
    double best = damping[0], least = INFINITY;
    for (size_t i = 0; i < sizeof damping / sizeof *damping; i++) {
        const double e = error(t, damping[i]);
        if (e < least) least = e, best = damping[i];
    }
    return best;
}

static goss_status fit_means(fitting *t, goss_error *err) {
    goss_catalogue *c = t->c;
    t->sum = goss__calloc((size_t)c->items + 1, sizeof *t->sum);
    c->level = goss__calloc((size_t)c->items + 1, sizeof *c->level);
    if (!t->sum || !c->level) return no_memory(err);
    for (int i = 0; i < t->n; i++) t->sum[t->item[i]] += over(t, i);
    c->item_damping = best_of(t, item_error);
    c->user_damping = best_of(t, user_error);
    for (int i = 0; i < c->items; i++) c->level[i] = (float)(t->sum[i] / ((double)t->seen[i] + c->item_damping));
    return GOSS_OK;
}

/* Users in turn, so that the raters of an item ascend. */
static goss_status keep_raters(fitting *t, goss_error *err) {
    goss_catalogue *c = t->c;
    c->first = goss__calloc((size_t)c->items + 2, sizeof *c->first);
    c->rater = goss__calloc((size_t)t->n + 1, sizeof *c->rater),
    c->left = goss__calloc((size_t)t->n + 1, sizeof *c->left);
    if (!c->first || !c->rater || !c->left) return no_memory(err);
    for (int i = 0; i < t->n; i++) c->first[t->item[i] + 2]++;
    for (int i = 2; i <= c->items; i++) c->first[i] += c->first[i - 1];
    for (int u = 0; u < t->users; u++) {
        double sum = 0;
        for (int i = t->first[u]; i < t->first[u + 1]; i++) sum += over(t, i) - (double)c->level[t->item[i]];
        const double level = sum / (t->first[u + 1] - t->first[u] + c->user_damping);
        for (int i = t->first[u]; i < t->first[u + 1]; i++) {
            const int at = c->first[t->item[i] + 1]++;
            c->rater[at] = u, c->left[at] = (float)(over(t, i) - (double)c->level[t->item[i]] - level);
        }
    }
    return GOSS_OK;
}

/* Squared error of folding training users in by some of their ratings, under `noise` times the variance of the noise:
 * what is left over of users who took part in the fit is less than of new ones. */
static double fold_in_error(const fitting *t, double noise, double *work) {
    goss_catalogue *c = t->c;
    const size_t d = (size_t)(c->factors + 1);
    const double own = c->noise;
    double error = 0;
    c->noise *= noise;
    for (int u = 0; u < t->users; u++) {
        const int first = t->first[u], n = t->first[u + 1] - first, half = n / 2;
        const int most = c->most_support * with_zeros(t), support = half < most ? half : most;
        goss__fold_in_begin(c, work);
        for (int i = 0; i < support; i++) {
            const size_t at = (size_t)(first + (int)((int64_t)i * n / support));
            goss__fold_in_add(c, t->v + at * d, c->spread + (size_t)t->item[at] * d, (double)t->rating[at], work);
        }
        const double *p = goss__fold_in_end(c, work);
        for (int i = 0, k = 0; i < n; i++) {
            if (k < support && i == (int)((int64_t)k * n / support)) {
                k++;
                continue;
            }
            const size_t at = (size_t)(first + i);
            error += pow((double)t->rating[at] - goss__fold_in_predict(c, p, t->v + at * d), 2);
        }
    }
    c->noise = own;
    return error;
}

static goss_status fit_noise(fitting *t, goss_error *err) {
    static const double factor[] = {0.7, 1, 1.4, 2, 2.8, 4, 5.6, 8};
    const size_t d = (size_t)(t->c->factors + 1);
    double *work = goss__calloc(d * (d + 1), sizeof *work), least = INFINITY, best = 1;
    if (!work) return no_memory(err);
    for (size_t i = 0; i < sizeof factor / sizeof *factor; i++) {
        const double e = fold_in_error(t, factor[i], work);
        if (e < least) least = e, best = factor[i];
    }
    t->c->noise *= best;
    goss__free(work);
    return GOSS_OK;
}

/* Factors and features of each training rating, and what its item's bias leaves over. */
static goss_status fit_ridge(const fitting *t, goss_error *err) {
    goss_catalogue *c = t->c;
    const int width = c->factors + c->features;
    goss_rows *rows = goss__calloc((size_t)t->users + 1, sizeof *rows);
    double *x = goss__calloc((size_t)t->n * (size_t)width + 1, sizeof *x),
           *y = goss__calloc((size_t)t->n + 1, sizeof *y);
    float *one = goss__calloc((size_t)c->width + 1, sizeof *one);
    goss_status s = rows && x && y && one ? GOSS_OK : no_memory(err);
    for (int i = 0; s == GOSS_OK && i < t->n; i++) {
        const double *v = t->v + (size_t)i * (size_t)(c->factors + 1);
        goss__catalogue_encode(c, t->item[i], v, 0, c->feature + (size_t)t->item[i] * (size_t)c->features, one);
        for (int j = 0; j < width; j++) x[(size_t)i * (size_t)width + (size_t)j] = (double)one[GOSS__SEEN_NUMBERS + j];
        y[i] = over(t, i) - v[0];
    }
    for (int u = 0; s == GOSS_OK && u < t->users; u++)
        rows[u] = (goss_rows){
            .n = t->first[u + 1] - t->first[u], .x = x + (size_t)t->first[u] * (size_t)width, .y = y + t->first[u]};
    goss_baselines_options o = goss_baselines_defaults();
    o.width = width, o.seed = t->o->seed, o.most_support = 50;
    if (s == GOSS_OK) s = goss_baselines_fit(rows, t->users, &o, &c->ridge, err);
    goss__free(rows), goss__free(x), goss__free(y), goss__free(one);
    return s;
}

/* ---- all ---- */

static char *copy(const char *text, bool *failed) {
    char *own = text ? goss__strdup(text) : NULL;
    *failed |= text && !own;
    return own;
}

/* Scores that rank have no errors. */
static const char *usual_metrics(const goss_objective *o, bool clicks) {
    return clicks     ? "ndcg@10, recall@10, hit@10"
           : o->among ? "ndcg@5, recall@10, hit@10"
                      : "mae, rmse, ndcg@5, recall@10";
}

static goss_status take_names(fitting *t, goss_error *err) {
    goss_catalogue *c = t->c;
    bool failed = false;
    for (int i = 0; i < GOSS_RATINGS_COLUMNS; i++)
        c->column[i] = copy(goss_ratings_column_name(t->r, (goss_ratings_column)i), &failed);
    const int order = goss_table_tasks_order_column(t->r->tasks);
    c->clicks = t->r->clicks, c->click = t->o->click, c->negatives = t->o->negatives;
    c->order = copy(t->r->last                                                ? "last"
                    : order >= 0                                              ? goss_table_name(t->r->table, order)
                    : goss_table_tasks_order(t->r->tasks) == GOSS_ORDER_FIRST ? "first"
                                                                              : "random",
                    &failed);
    c->objective = t->o->objective ? t->o->objective : &goss__regression;
    c->metrics =
        copy(t->o->metrics && *t->o->metrics ? t->o->metrics : usual_metrics(c->objective, c->clicks), &failed);
    c->support = t->o->support, c->most_support = t->o->most_support;
    return failed ? no_memory(err) : GOSS_OK;
}

static goss_status take_descriptors(fitting *t, const int32_t *users, int n, goss_error *err) {
    if (!t->o->described) return GOSS_OK;
    t->c->described_in_training = t->o->described_in_training;
    const goss_status s = goss_descriptors_fit(t->o->described, t->r->tasks, users, n, &t->c->described, err);
    return goss_error_prefix(err, s, "data.descriptor");
}

static goss_status fit(fitting *t, const int32_t *users, int n, float **inputs, goss_error *err) {
    GOSS_TRY(take_names(t, err));
    GOSS_TRY(take_descriptors(t, users, n, err));
    GOSS_TRY(take_items(t, err));
    GOSS_TRY(take_features(t, err));
    GOSS_TRY(take_ratings(t, users, n, err));
    GOSS_TRY(take_scale(t, err));
    GOSS_TRY(fit_factors(t, err));
    GOSS_TRY(fit_encoding(t, err));
    if (inputs) GOSS_TRY(make_inputs(t, inputs, err));
    if (!t->o->baselines) return GOSS_OK;
    GOSS_TRY(fit_means(t, err));
    if (t->o->neighbours && t->n <= MOST_KEPT) GOSS_TRY(keep_raters(t, err));
    GOSS_TRY(fit_noise(t, err));
    return fit_ridge(t, err);
}

goss_status goss_catalogue_fit(const goss_ratings *ratings, const int32_t *users, int n,
                               const goss_catalogue_options *options, goss_catalogue **out, float **inputs,
                               goss_error *err) {
    fitting t = {.r = ratings, .c = goss__calloc(1, sizeof *t.c), .o = options};
    *out = NULL;
    if (inputs) *inputs = NULL;
    goss_status s = t.c ? fit(&t, users, n, inputs, err) : no_memory(err);
    goss__free(t.user), goss__free(t.item), goss__free(t.row), goss__free(t.rating), goss__free(t.first);
    goss__free(t.sum), goss__free(t.seen), goss__free(t.v);
    goss__factors_free(t.factors);
    if (s == GOSS_OK) {
        *out = t.c;
        return s;
    }
    goss_catalogue_free(t.c);
    if (inputs) goss__free(*inputs), *inputs = NULL;
    return s;
}
