/* SPDX-License-Identifier: Apache-2.0 */
/* baseline_quantiles.c: quantiles of baselines of numbers: of a line and of the nearest row from how far a query is, of
 * the others from their errors on the support rows. Errors on support rows that lie between others say little of a
 * query behind them all, as those of a series do. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "baseline/baseline.h"
#include "gossamer/interval.h"

enum { TURNS = 10 };

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double level_of(const goss_rows *rows, int i) { return rows->y[i] + (rows->from ? rows->from[i] : 0); }

/* What is asked for, and the predictions of the queries. */
typedef struct asked {
    const goss_rows *query;
    const double *level; /* [n] */
    int n;
    const double *predicted;
    double *out; /* [queries, n] */
} asked;

/* Multiples t of a deviation, around the prediction of query i. */
static void put_multiples(const asked *q, int i, const double *t, double deviation) {
    for (int k = 0; k < q->n; k++) q->out[i * q->n + k] = q->predicted[i] + deviation * t[k];
}

/* ---- errors on the support rows ---- */

/* Rows of a turn, in memory of their own. */
typedef struct room {
    goss_rows others, left;
    double *error, *memory;
} room;

static goss_status reserve(room *r, const goss_rows *all, size_t width, goss_error *err) {
    const size_t n = (size_t)all->n, each = n * (width + 3);
    *r = (room){.memory = goss__calloc(2 * each + n, sizeof *r->memory)};
    if (!r->memory) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the errors of %d rows", all->n);
    goss_rows *of[] = {&r->others, &r->left};
    for (int i = 0; i < 2; i++) {
        double *d = r->memory + (size_t)i * each;
        *of[i] = (goss_rows){.x = d, .y = d + n * width};
        if (all->at) of[i]->at = of[i]->y + n;
        if (all->from) of[i]->from = of[i]->y + 2 * n;
    }
    r->error = r->memory + 2 * each;
    return GOSS_OK;
}

static void add_row(goss_rows *to, const goss_rows *from, int i, size_t width) {
    const size_t at = (size_t)to->n++;
    if (width > 0) memcpy((double *)to->x + at * width, from->x + (size_t)i * width, width * sizeof *to->x);
    ((double *)to->y)[at] = from->y[i];
    if (to->at) ((double *)to->at)[at] = from->at[i];
    if (to->from) ((double *)to->from)[at] = from->from[i];
}

/* The errors of each support row, predicted from those of other turns, ascending. */
static goss_status find_errors(const goss_baselines *b, const goss_baseline_kind *kind, const goss_rows *all, room *r,
                               goss_error *err) {
    const int turns = all->n < TURNS ? all->n : TURNS;
    double *to = r->error;
    for (int turn = 0; turn < turns; turn++) {
        r->others.n = r->left.n = 0;
        for (int i = 0; i < all->n; i++) add_row(i % turns == turn ? &r->left : &r->others, all, i, (size_t)b->width);
        GOSS_TRY(goss_baseline_predict(b, kind, &r->others, &r->left, to, err));
        for (int i = 0; i < r->left.n; i++, to++) *to = r->left.y[i] - *to;
    }
    qsort(r->error, (size_t)all->n, sizeof *r->error, ascending);
    return GOSS_OK;
}

/* That of the least pinball loss; of two that are as good the outer one. */
static double error_at(const double *error, int n, double t) {
    const int from_end = (int)ceil(fmin(t, 1 - t) * n - 1e-9) - 1, at = from_end > 0 ? from_end : 0;
    return error[t <= .5 ? at : n - 1 - at];
}

/* Levels beyond what so many errors can tell are Student's, and not within them: rows were left out, so that the mean
 * square of errors has what the fit misses. */
static void put_errors(const double *error, int n, const asked *q, double *t) {
    double square = 0;
    for (int i = 0; i < n; i++) square += error[i] * error[i] / n;
    for (int k = 0; k < q->n; k++) {
        const double level = q->level[k], outer = sqrt(square) * goss_student_quantile(level, n - 1);
        t[k] = error_at(error, n, level);
        if (fmin(level, 1 - level) * n < 1 - 1e-9) t[k] = level < .5 ? fmin(t[k], outer) : fmax(t[k], outer);
    }
    for (int i = 0; i < q->query->n; i++) put_multiples(q, i, t, 1);
}

static goss_status by_errors(const goss_baselines *b, const goss_baseline_kind *kind, const goss_rows *support,
                             const asked *q, double *t, goss_error *err) {
    room r;
    GOSS_TRY(reserve(&r, support, (size_t)b->width, err));
    const goss_status s = find_errors(b, kind, support, &r, err);
    if (s == GOSS_OK) put_errors(r.error, support->n, q, t);
    goss__free(r.memory);
    return s;
}

/* ---- those that know how far a query is ---- */

static goss_status line(const goss_rows *support, const asked *q, double *t, goss_error *err) {
    (void)err;
    const int n = support->n;
    double at = 0, y = 0, square = 0, product = 0, rest = 0;
    for (int i = 0; i < n; i++) at += support->at[i] / n, y += level_of(support, i) / n;
    for (int i = 0; i < n; i++) {
        const double d = support->at[i] - at;
        square += d * d, product += d * (level_of(support, i) - y);
    }
    const bool sloped = square > 0 && n > 2;
    for (int i = 0; i < n; i++) {
        const double e = level_of(support, i) - y - (sloped ? product / square * (support->at[i] - at) : 0);
        rest += e * e;
    }
    const int degrees = n - 1 - sloped;
    for (int k = 0; k < q->n; k++) t[k] = goss_student_quantile(q->level[k], degrees);
    for (int i = 0; i < q->query->n; i++) {
        const double d = q->query->at[i] - at, leverage = 1.0 / n + (square > 0 ? d * d / square : 0);
        put_multiples(q, i, t, sqrt(rest / degrees * (1 + leverage)));
    }
    return GOSS_OK;
}

/* Two support rows. */
typedef struct pair {
    double apart, square; /* of the difference of their targets */
    int order;
} pair;

static int by_distance(const void *a, const void *b) {
    const pair *x = a, *y = b;
    if (x->apart != y->apart) return x->apart < y->apart ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order); /* no ties: qsort need not be stable */
}

/* All pairs of at most MOST_ROWS rows, evenly chosen. */
enum { MOST_ROWS = 1000 };
static pair *pairs_of(const goss_rows *rows, int *n) {
    const int step = (rows->n + MOST_ROWS - 1) / MOST_ROWS, kept = (rows->n + step - 1) / step;
    pair *p = goss__calloc((size_t)kept * (size_t)(kept - 1) / 2, sizeof *p);
    *n = 0;
    for (int i = 0; p && i < rows->n; i += step)
        for (int k = 0; k < i; k += step, ++*n) {
            const double d = level_of(rows, i) - level_of(rows, k);
            p[*n] = (pair){fabs(rows->at[i] - rows->at[k]), d * d, *n};
        }
    if (p) qsort(p, (size_t)*n, sizeof *p, by_distance);
    return p;
}

/* The mean square of the `least` pairs whose distance is nearest to `apart`, and of others that are as near. */
static double mean_square(const pair *p, int n, int least, double apart) {
    int low = 0, high = n, count = 0;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        *(p[middle].apart < apart ? &low : &high) = middle + (p[middle].apart < apart);
    }
    double sum = 0, farthest = 0;
    for (; low > 0 || high < n; count++) {
        const double below = low > 0 ? apart - p[low - 1].apart : INFINITY;
        const double above = high < n ? p[high].apart - apart : INFINITY;
        if (count >= least && fmin(below, above) > farthest) break;
        farthest = fmin(below, above);
        sum += below <= above ? p[--low].square : p[high++].square;
    }
    return sum / count;
}

static goss_status nearest(const goss_rows *support, const asked *q, double *t, goss_error *err) {
    int n;
    pair *p = pairs_of(support, &n);
    if (!p) return goss_error_set(err, GOSS_E_NOMEM, "no memory for pairs of %d rows", support->n);
    for (int k = 0; k < q->n; k++) t[k] = goss_student_quantile(q->level[k], support->n - 1);
    for (int i = 0; i < q->query->n; i++) {
        double near = INFINITY;
        for (int k = 0; k < support->n; k++) near = fmin(near, fabs(support->at[k] - q->query->at[i]));
        put_multiples(q, i, t, sqrt(mean_square(p, n, support->n, near)));
    }
    goss__free(p);
    return GOSS_OK;
}

/* ---- all ---- */

/* t [levels]: room. */
typedef struct spread {
    const char *name; /* of the baseline */
    goss_status (*put)(const goss_rows *support, const asked *q, double *t, goss_error *err);
} spread;

/* The others have their errors. */
static const spread *spread_of(const goss_baseline_kind *kind) {
    static const spread own[] = {{"line", line}, {"nearest", nearest}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i].name, kind->name) == 0) return &own[i];
    return NULL;
}

goss_status goss_baseline_quantiles(const goss_baselines *b, const goss_baseline_kind *kind, const goss_rows *support,
                                    const goss_rows *query, const double *level, int n, double *out, goss_error *err) {
    if (b->classes) return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s: classes have no quantiles", kind->name);
    double *predicted = goss__calloc((size_t)query->n + (size_t)n + 1, sizeof *predicted);
    if (!predicted) return goss_error_set(err, GOSS_E_NOMEM, "no memory for quantiles of %d rows", query->n);
    const asked q = {.query = query, .level = level, .n = n, .predicted = predicted, .out = out};
    goss_status s = goss_baseline_predict(b, kind, support, query, predicted, err);
    for (int i = 0; s == GOSS_OK && support->n == 1 && i < query->n; i++)
        for (int k = 0; k < n; k++) out[i * n + k] = predicted[i];
    const spread *own = support->n > 1 ? spread_of(kind) : NULL;
    if (s == GOSS_OK && own) s = own->put(support, &q, predicted + query->n, err);
    if (s == GOSS_OK && !own && support->n > 1) s = by_errors(b, kind, support, &q, predicted + query->n, err);
    goss__free(predicted);
    return s;
}
