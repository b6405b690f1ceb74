/* SPDX-License-Identifier: Apache-2.0 */
/* objective_quantile.c: quantile regression: a network outputs quantiles of each number, and the loss is the pinball
 * loss (Koenker and Bassett 1978).
 *
 * The quantile of the middle level is an output; each other level's is counted from its neighbour by a softplus, so
 * that quantiles do not cross, in training or afterwards, and need no sorting (Park et al. 2022). What moves the middle
 * one, as a head that is drawn to a task's rows, moves them all.
 *
 * The objective has levels, and others are rows of the table: one for each list of them, made when it is first asked
 * for and kept until the process ends. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"
#include "task/task.h"

/* Softplus below which the distance between quantiles of several networks is not undone exactly. */
static const double least_apart = 1e-5;

/* ---- outputs ---- */

static int64_t targets(const goss_objective *o, goss_val output) {
    return goss_dim(output, goss_rank(output) - 1).count / o->numbers;
}

static goss_val answer(const goss_objective *o, goss_val output) {
    return goss_slice(output, goss_rank(output) - 1, 0, targets(o, output));
}

/* The distances before the softplus: of each level but the middle one, ascending. */
static goss_val rest_of(const goss_objective *o, goss_val output) {
    const int64_t w = targets(o, output);
    return goss_slice(output, goss_rank(output) - 1, w, (o->numbers - 1) * w);
}

/* Where the distance of level k is among them, and its unit: what it is where softplus(0) stands. */
static int place_of(const goss_objective *o, int k) { return k < o->middle ? k : k - 1; }
static double unit_of(const goss_objective *o, int k) {
    const int next = k < o->middle ? k + 1 : k - 1;
    return fabs(o->normal[k] - o->normal[next]) / M_LN2;
}

/* q [numbers] of the levels. */
static void each_quantile(const goss_objective *o, goss_val output, goss_val *q) {
    const int axis = goss_rank(output) - 1;
    const int64_t w = targets(o, output);
    q[o->middle] = answer(o, output);
    if (o->numbers == 1) return;
    const goss_val apart = goss_softplus(rest_of(o, output));
    for (int k = o->middle + 1; k < o->numbers; k++)
        q[k] = goss_add(q[k - 1], goss_scale(goss_slice(apart, axis, place_of(o, k) * w, w), unit_of(o, k)));
    for (int k = o->middle - 1; k >= 0; k--)
        q[k] = goss_sub(q[k + 1], goss_scale(goss_slice(apart, axis, place_of(o, k) * w, w), unit_of(o, k)));
}

static goss_val quantiles(const goss_objective *o, goss_val output) {
    /* One concatenation has at most 64 parts. */
    enum { PIECE = 64, PIECES = (GOSS_LEVELS_MOST + PIECE - 1) / PIECE };
    goss_val q[GOSS_LEVELS_MOST], piece[PIECES];
    const int axis = goss_rank(output) - 1;
    int pieces = 0;
    each_quantile(o, output, q);
    for (int at = 0; at < o->numbers; at += PIECE) {
        const int n = o->numbers - at < PIECE ? o->numbers - at : PIECE;
        piece[pieces++] = n > 1 ? goss_concat(q + at, n, axis) : q[at];
    }
    return pieces > 1 ? goss_concat(piece, pieces, axis) : piece[0];
}

static goss_val loss(const goss_objective *o, goss_val output, goss_val target, goss_val known, double smoothing) {
    (void)smoothing;
    goss_val q[GOSS_LEVELS_MOST], sum = GOSS_NONE;
    each_quantile(o, output, q);
    for (int k = 0; k < o->numbers; k++) {
        const goss_val off = goss_sub(target, q[k]);
        const goss_val one = goss_max(goss_scale(off, o->levels[k]), goss_scale(off, o->levels[k] - 1));
        sum = k ? goss_add(sum, one) : one;
    }
    sum = goss_mean(goss__where_known(sum, known), GOSS_AXIS(goss_rank(output) - 1), false);
    return goss_scale(goss__mean_of_known(sum, known), 1.0 / o->numbers);
}

/* In the user's units where there is one target. */
static double report(double mean, goss_target_scale scale) {
    return mean * (scale.deviation ? (double)scale.deviation[0] : 1);
}

/* The mean of each quantile over the networks (Vincent averaging: Ratcliff 1979). */
static goss_val mix(const goss_objective *o, const goss_val *output, int n) {
    goss_val middle = GOSS_NONE, apart = GOSS_NONE;
    for (int i = 0; i < n; i++) middle = i ? goss_add(middle, answer(o, output[i])) : answer(o, output[i]);
    middle = goss_scale(middle, 1.0 / n);
    if (o->numbers == 1) return middle;
    for (int i = 0; i < n; i++) {
        const goss_val own = goss_softplus(rest_of(o, output[i]));
        apart = i ? goss_add(apart, own) : own;
    }
    apart = goss_max(goss_scale(apart, 1.0 / n), goss_const(apart.graph, least_apart));
    const goss_val s = goss_add(apart, goss_log(goss_shift(goss_neg(goss_exp(goss_neg(apart))), 1)));
    return goss_concat((goss_val[]){middle, s}, 2, goss_rank(middle) - 1);
}

/* ---- the same on the host ---- */

void goss__quantiles_of(const goss_objective *o, const float *output, int outputs, int w, goss_target_scale scale,
                        double *q) {
    const double unit = scale.deviation ? (double)scale.deviation[w] : 1, mean = scale.mean ? (double)scale.mean[w] : 0;
    q[o->middle] = (double)output[w] * unit + mean;
    for (int side = -1; side <= 1; side += 2)
        for (int k = o->middle + side; k >= 0 && k < o->numbers; k += side) {
            const double s = (double)output[(size_t)(1 + place_of(o, k)) * (size_t)outputs + (size_t)w];
            const double apart = fmax(s, 0) + log1p(exp(-fabs(s)));
            q[k] = q[k - side] + side * unit * unit_of(o, k) * apart;
        }
}

void goss__quantiles_put(const goss_objective *o, const double *q, int outputs, int w, float *output) {
    output[w] = (float)q[o->middle];
    for (int k = 0; k < o->numbers; k++) {
        if (k == o->middle) continue;
        const double apart = fabs(q[k] - q[k < o->middle ? k + 1 : k - 1]) / unit_of(o, k);
        output[(1 + place_of(o, k)) * outputs + w] = (float)(apart > 0 ? apart + log(-expm1(-apart)) : -100);
    }
}

/* ---- levels ---- */

static const goss_metric *const metrics[] = {&goss__pinball, &goss__level_error, &goss__level_coverage, &goss__mae,
                                             &goss__rmse,    &goss__r2,          GOSS__RANKING_METRICS, NULL};
enum { COVERAGE = 2 }; /* its place among them */
static const char *const columns[] = {"prediction", "q0.1", "q0.5", "q0.9", NULL};
static const double usual[] = {0.1, 0.5, 0.9}, usual_normal[] = {-1.2815515655446004, 0, 1.2815515655446004};

const goss_objective goss__quantile = {.name = "quantile",
                                       .numbers = 3,
                                       .levels = usual,
                                       .normal = usual_normal,
                                       .middle = 1,
                                       .encode = goss__encode_numbers,
                                       .loss = loss,
                                       .report = "pinball",
                                       .reported = report,
                                       .mix = mix,
                                       .answer = answer,
                                       .quantiles = quantiles,
                                       .metrics = metrics,
                                       .columns = columns};

/* Of other levels than the usual ones, in the order in which they were asked for. */
typedef struct made {
    goss_objective of;
    struct made *next;
    goss_metric coverage; /* whose nominal value is that of the levels */
    const goss_metric *metrics[sizeof metrics / sizeof *metrics];
    double level[GOSS_LEVELS_MOST], normal[GOSS_LEVELS_MOST];
    const char *columns[GOSS_LEVELS_MOST + 2];
    char column[GOSS_LEVELS_MOST][GOSS__NUMBER_TEXT + 1];
} made;
static made *first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Where the standard normal distribution function is p, by bisection. */
static double normal_quantile(double p) {
    double low = -40, high = 40;
    for (int i = 0; i < 100; i++) {
        const double middle = (low + high) / 2;
        if (erfc(-middle * M_SQRT1_2) / 2 < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static goss_status check(const double *level, int n, goss_error *err) {
    if (n < 1 || n > GOSS_LEVELS_MOST)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d levels of quantiles: 1 to %d", n, GOSS_LEVELS_MOST);
    for (int i = 0; i < n; i++) {
        if (!(level[i] > 0 && level[i] < 1))
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "%g is no level of a quantile, which is between 0 and 1 (neither of them), as in 0.1, "
                "0.5, 0.9",
                level[i]);
        if (i > 0 && level[i] == level[i - 1])
            return goss_error_set(err, GOSS_E_ARGUMENT, "the level %g is named twice", level[i]);
        if (i > 0 && level[i] < level[i - 1])
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%g stands behind %g: levels are ascending, as in 0.1, 0.5, 0.9", level[i],
                                  level[i - 1]);
    }
    return GOSS_OK;
}

static bool same(const goss_objective *o, const double *level, int n) {
    return o->numbers == n && memcmp(o->levels, level, (size_t)n * sizeof *level) == 0;
}

static int middle_of(const double *level, int n) {
    int middle = 0;
    for (int i = 1; i < n; i++)
        if (fabs(level[i] - 0.5) < fabs(level[middle] - 0.5)) middle = i;
    return middle;
}

/* "quantile 0.05 0.5 0.95", by which files keep it. */
static char *name_of(const double *level, int n) {
    goss__str name = {0};
    goss__str_add(&name, goss__quantile.name);
    for (int i = 0; i < n; i++) {
        char text[GOSS__NUMBER_TEXT];
        goss__number_print(level[i], text);
        goss__str_addf(&name, " %s", text);
    }
    if (!name.failed) return name.data;
    goss__str_free(&name);
    return NULL;
}

static const goss_objective *make(const double *level, int n) {
    made *m = goss__calloc(1, sizeof *m);
    char *name = m ? name_of(level, n) : NULL;
    if (!name) {
        goss__free(m);
        return NULL;
    }
    m->of = goss__quantile, m->of.name = name, m->of.numbers = n, m->of.middle = middle_of(level, n);
    m->of.levels = m->level, m->of.normal = m->normal, m->of.columns = m->columns, m->of.metrics = m->metrics;
    memcpy(m->metrics, metrics, sizeof metrics);
    m->metrics[COVERAGE] = &m->coverage, m->coverage = *metrics[COVERAGE];
    m->coverage.nominal = n == 1 ? level[0] : level[n - 1] - level[0];
    m->columns[0] = columns[0];
    for (int i = 0; i < n; i++) {
        m->level[i] = level[i], m->normal[i] = normal_quantile(level[i]);
        m->column[i][0] = 'q', goss__number_print(level[i], m->column[i] + 1);
        m->columns[1 + i] = m->column[i];
    }
    m->next = first, first = m;
    return &m->of;
}

goss_status goss_objective_quantile(const double *level, int n, const goss_objective **out, goss_error *err) {
    *out = NULL;
    GOSS_TRY(check(level, n, err));
    if (same(&goss__quantile, level, n)) *out = &goss__quantile;
    pthread_mutex_lock(&lock);
    for (const made *m = first; m && !*out; m = m->next)
        if (same(&m->of, level, n)) *out = &m->of;
    if (!*out) *out = make(level, n);
    pthread_mutex_unlock(&lock);
    return *out ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d levels of quantiles", n);
}

goss_status goss__quantile_find(const char *name, const goss_objective **out, goss_error *err) {
    const size_t n = strlen(goss__quantile.name);
    double level[GOSS_LEVELS_MOST];
    *out = NULL;
    if (strncmp(name, goss__quantile.name, n) != 0 || name[n] != ' ') return GOSS_OK;
    const int levels = goss__numbers_parse(name + n, level, GOSS_LEVELS_MOST);
    if (levels < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.60s\" is no list of up to %d levels, as in 0.1, 0.5, 0.9",
                              name, GOSS_LEVELS_MOST);
    return goss_objective_quantile(level, levels, out, err);
}
