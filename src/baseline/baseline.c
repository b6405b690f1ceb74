/* SPDX-License-Identifier: Apache-2.0 */
/* baseline.c: the table of baselines, what is fitted for them, and the simple rules. */
#include "baseline/baseline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

goss_baselines_options goss_baselines_defaults(void) { return (goss_baselines_options){.width = 0}; }

int goss_baselines_width(const goss_baselines *b) { return b->width; }
int goss_baselines_classes(const goss_baselines *b) { return b->classes; }

void goss_baselines_free(goss_baselines *b) {
    if (!b) return;
    for (int i = 0; i < b->n; i++) goss__free((double *)b->chosen[i].mean.towards);
    goss__free(b);
}

const goss__chosen *goss__strengths_for(const goss_baselines *b, int support) {
    const goss__chosen *best = b->chosen;
    for (int i = 1; i < b->n; i++)
        if (fabs(log((double)support / b->chosen[i].support)) < fabs(log((double)support / best->support)))
            best = &b->chosen[i];
    return best;
}

/* ---- fit ---- */

/* Mean and deviation of all training targets; 0 and 1 for classes. */
static void find_scale(goss_baselines *b, const goss_rows *tasks, int n) {
    double sum = 0, square = 0, count = 0;
    b->scale = 1;
    if (b->classes) return;
    for (int k = 0; k < n; k++)
        for (int i = 0; i < tasks[k].n; i++) sum += tasks[k].y[i], count++;
    if (count > 0) b->offset = sum / count;
    for (int k = 0; k < n; k++)
        for (int i = 0; i < tasks[k].n; i++) square += (tasks[k].y[i] - b->offset) * (tasks[k].y[i] - b->offset);
    if (square > 0) b->scale = sqrt(square / count);
}

/* Tasks of fewer rows than inputs in all are fitted in coordinates of the rows' span. */
typedef struct reduced {
    goss__dense dense;
    goss__span span;
    goss_baselines in_span;
    double *x;        /* the rows of all tasks */
    goss_rows *tasks; /* in coordinates */
} reduced;

static goss_status reduce(reduced *r, const goss_rows *tasks, int n_tasks, size_t rows, const goss_baselines *b,
                          goss_error *err) {
    const size_t width = (size_t)b->width;
    r->tasks = goss__calloc((size_t)n_tasks + 1, sizeof *r->tasks);
    const bool narrow = rows >= width;
    if (!narrow) r->x = goss__alloc((rows * width + 1) * sizeof *r->x);
    if (!r->tasks || (!narrow && !r->x)) return goss_error_set(err, GOSS_E_NOMEM, "no memory for baselines");
    if (n_tasks > 0) memcpy(r->tasks, tasks, (size_t)n_tasks * sizeof *tasks); /* of none, tasks may be NULL */
    r->in_span = *b;
    if (narrow) return GOSS_OK;
    double *at = r->x;
    for (int k = 0; k < n_tasks; at += (size_t)tasks[k++].n * width)
        memcpy(at, tasks[k].x, (size_t)tasks[k].n * width * sizeof *at);
    GOSS_TRY(goss__span_open(&r->span, &r->dense, r->x, (int)rows, b->width, err));
    const double *z = r->span.z;
    for (int k = 0; k < n_tasks; z += (size_t)tasks[k++].n * (size_t)r->span.rank) r->tasks[k].x = z;
    r->in_span.width = r->span.rank;
    return GOSS_OK;
}

/* Coefficients of the span's coordinates as those of inputs. */
static goss_status restore(const reduced *r, goss_baselines *b, goss_error *err) {
    const goss_baselines *from = &r->in_span;
    for (int i = 0; i < from->n; i++) {
        double *m = (double *)from->chosen[i].mean.towards, *w = m;
        if (r->x) {
            w = goss__calloc(goss__coefficients(b), sizeof *w);
            if (!w) return goss_error_set(err, GOSS_E_NOMEM, "no memory for coefficients");
            for (int c = 0; c < goss__outputs(b); c++)
                w[(size_t)c * (size_t)(1 + b->width)] = m[(size_t)c * (size_t)(1 + from->width)];
            goss__span_back(&r->span, m + 1, goss__outputs(b), 1 + from->width, w + 1, 1 + b->width);
        }
        b->chosen[i] = from->chosen[i], b->chosen[i].mean.towards = w;
        b->n = i + 1;
    }
    return GOSS_OK;
}

/* What was restored as it is belongs to the result. */
static void free_reduced(reduced *r, const goss_baselines *b) {
    for (int i = 0; i < r->in_span.n; i++)
        if (i >= b->n || b->chosen[i].mean.towards != r->in_span.chosen[i].mean.towards)
            goss__free((double *)r->in_span.chosen[i].mean.towards);
    goss__span_close(&r->span);
    goss__dense_close(&r->dense);
    goss__free(r->x), goss__free(r->tasks);
}

static goss_status fit(goss_baselines *b, const goss_rows *tasks, const double *const *y, int n_tasks, size_t rows,
                       const goss_baselines_options *o, goss_error *err) {
    reduced r = {.x = NULL};
    goss_status s = goss__dense_open(&r.dense, o->threads, err);
    if (s == GOSS_OK) s = reduce(&r, tasks, n_tasks, rows, b, err);
    if (s == GOSS_OK) s = goss__choose(&r.in_span, &r.dense, r.tasks, y, n_tasks, b->width, o, err);
    if (s == GOSS_OK) s = restore(&r, b, err);
    free_reduced(&r, b);
    return s;
}

goss_status goss_baselines_fit(const goss_rows *tasks, int n_tasks, const goss_baselines_options *options,
                               goss_baselines **out, goss_error *err) {
    const goss_baselines_options o = options ? *options : goss_baselines_defaults();
    size_t rows = 0;
    *out = NULL;
    if (o.width < 0 || o.classes < 0 || o.classes == 1)
        return goss_error_set(err, GOSS_E_ARGUMENT, "baselines of %d inputs and %d classes", o.width, o.classes);
    for (int k = 0; k < n_tasks; k++) rows += (size_t)tasks[k].n;
    goss_baselines *b = goss__calloc(1, sizeof *b);
    double *y = goss__calloc(rows, sizeof *y);
    const double **of = goss__calloc((size_t)n_tasks, sizeof *of);
    goss_status s = b && y && of ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for baselines");
    if (s == GOSS_OK) {
        b->width = o.width, b->classes = o.classes;
        find_scale(b, tasks, n_tasks);
        double *at = y;
        for (int k = 0; k < n_tasks; k++) {
            of[k] = at;
            for (int i = 0; i < tasks[k].n; i++) *at++ = (tasks[k].y[i] - b->offset) / b->scale;
        }
        s = fit(b, tasks, of, n_tasks, rows, &o, err);
    }
    goss__free(of), goss__free(y);
    if (s == GOSS_OK)
        *out = b;
    else
        goss_baselines_free(b);
    return s;
}

void goss_rows_align(const float *x, const int32_t *lengths, int n, size_t width, size_t channels, double *out) {
    for (int i = 0; i < n; i++) {
        const size_t used = lengths ? (size_t)lengths[i] * channels : width, before = width - used;
        for (size_t k = 0; k < before; k++) out[(size_t)i * width + k] = 0;
        for (size_t k = 0; k < used; k++) out[(size_t)i * width + before + k] = (double)x[(size_t)i * width + k];
    }
}

void goss_rows_component(const goss_rows *rows, size_t width, int outputs, int k, goss_rows *to, int32_t *kept) {
    to->n = 0;
    for (int i = 0; i < rows->n; i++) {
        const double y = rows->y[(size_t)i * (size_t)outputs + (size_t)k];
        if (isnan(y)) continue;
        memcpy((double *)to->x + (size_t)to->n * width, rows->x + (size_t)i * width, width * sizeof *to->x);
        ((double *)to->y)[to->n] = y;
        if (to->at && rows->at) ((double *)to->at)[to->n] = rows->at[i];
        if (to->from && rows->from) ((double *)to->from)[to->n] = rows->from[i];
        if (kept) kept[to->n] = i;
        to->n++;
    }
}

/* ---- linear ones ---- */

static goss_status linear(const goss_baselines *b, bool mean, const goss_rows *support, const goss_rows *query,
                          double *out, goss_error *err) {
    const goss__chosen *chosen = goss__strengths_for(b, support->n);
    double *w = goss__calloc(goss__coefficients(b) + (size_t)support->n, sizeof *w);
    if (!w) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d rows", support->n);
    double *y = w + goss__coefficients(b);
    for (int i = 0; i < support->n; i++) y[i] = (support->y[i] - b->offset) / b->scale;
    goss__dense d;
    goss__fitting f = {.memory = NULL};
    goss_status s = goss__dense_open(&d, 1, err);
    if (s == GOSS_OK) s = goss__fitting_open(&f, &d, b, support, y, err);
    if (s == GOSS_OK) {
        goss__fit(&f, mean ? &chosen->mean : &chosen->ridge, w);
        goss__linear(w, b->width, goss__outputs(b), b->classes > 0, query, out);
        for (int i = 0; !b->classes && i < query->n; i++) out[i] = out[i] * b->scale + b->offset;
    }
    goss__fitting_close(&f);
    goss__dense_close(&d);
    goss__free(w);
    return s;
}

static goss_status ridge(const goss_baselines *b, const goss_rows *support, const goss_rows *query, double *out,
                         goss_error *err) {
    return linear(b, false, support, query, out, err);
}

static goss_status mean_ridge(const goss_baselines *b, const goss_rows *support, const goss_rows *query, double *out,
                              goss_error *err) {
    return linear(b, true, support, query, out, err);
}

/* ---- simple rules ---- */

/* What a target is counted from. */
static double from(const goss_rows *rows, int i) { return rows->from ? rows->from[i] : 0; }
static double level(const goss_rows *rows, int i) { return rows->y[i] + from(rows, i); }

/* The mean of some support rows, or their classes' shares. */
static void share(const goss_baselines *b, const goss_rows *support,
                  bool (*in)(const goss_rows *s, int i, double near, double at), double near, double at, double *out) {
    int n = 0;
    memset(out, 0, (size_t)goss__outputs(b) * sizeof *out);
    for (int i = 0; i < support->n; i++) {
        if (in && !in(support, i, near, at)) continue;
        if (b->classes)
            out[(int)support->y[i]]++;
        else
            out[0] += level(support, i);
        n++;
    }
    for (int c = 0; c < goss__outputs(b); c++) out[c] /= n;
}

static goss_status mean_of_all(const goss_baselines *b, const goss_rows *support, const goss_rows *query, double *out,
                               goss_error *err) {
    (void)err;
    for (int i = 0; i < query->n; i++) {
        share(b, support, NULL, 0, 0, out + (size_t)i * (size_t)goss__outputs(b));
        if (!b->classes) out[i] -= from(query, i);
    }
    return GOSS_OK;
}

static bool as_near(const goss_rows *s, int i, double near, double at) { return fabs(s->at[i] - at) <= near; }

static goss_status nearest(const goss_baselines *b, const goss_rows *support, const goss_rows *query, double *out,
                           goss_error *err) {
    (void)err;
    for (int i = 0; i < query->n; i++) {
        double near = INFINITY;
        for (int k = 0; k < support->n; k++) near = fmin(near, fabs(support->at[k] - query->at[i]));
        share(b, support, as_near, near, query->at[i], out + (size_t)i * (size_t)goss__outputs(b));
        if (!b->classes) out[i] -= from(query, i);
    }
    return GOSS_OK;
}

/* Of rows of the same time the later one. */
static bool is_last(const goss_rows *s, int i, double near, double at) {
    (void)near, (void)at;
    for (int k = 0; k < s->n; k++)
        if (s->at[k] > s->at[i] || (s->at[k] == s->at[i] && k > i)) return false;
    return true;
}

static goss_status last(const goss_baselines *b, const goss_rows *support, const goss_rows *query, double *out,
                        goss_error *err) {
    (void)err;
    for (int i = 0; i < query->n; i++) {
        if (query->from)
            out[i] = 0; /* no change */
        else
            share(b, support, is_last, 0, 0, out + (size_t)i * (size_t)goss__outputs(b));
    }
    return GOSS_OK;
}

static goss_status line(const goss_baselines *b, const goss_rows *support, const goss_rows *query, double *out,
                        goss_error *err) {
    double at = 0, y = 0, square = 0, product = 0;
    const int n = support->n;
    (void)b, (void)err;
    for (int i = 0; i < n; i++) at += support->at[i] / n, y += level(support, i) / n;
    for (int i = 0; i < n; i++) {
        const double d = support->at[i] - at;
        square += d * d, product += d * (level(support, i) - y);
    }
    const double slope = square > 0 ? product / square : 0;
    for (int i = 0; i < query->n; i++) out[i] = y + slope * (query->at[i] - at) - from(query, i);
    return GOSS_OK;
}

/* ---- the table ---- */

typedef struct kind {
    goss_baseline_kind own;
    goss_status (*predict)(const goss_baselines *b, const goss_rows *support, const goss_rows *query, double *out,
                           goss_error *err);
} kind;

static const kind kinds[] = {
    {{"ridge", false, true, "ridge regression on the support rows"}, ridge},
    {{"mean-ridge", false, true, "the same, shrunk towards the training tasks' mean coefficients"}, mean_ridge},
    {{"mean", false, true, "mean (class shares) of the support rows"}, mean_of_all},
    {{"nearest", true, true, "the support row nearest in the order column"}, nearest},
    {{"line", true, false, "a line in the order column through the support rows"}, line},
    {{"last", true, true, "the last known value: of its series, or the last support row's"}, last},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const goss_baseline_kind *goss_baseline_at(int i) { return i >= 0 && i < KINDS ? &kinds[i].own : NULL; }

const goss_baseline_kind *goss_baseline_find(const char *name) {
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].own.name, name) == 0) return &kinds[i].own;
    return NULL;
}

goss_status goss_baseline_predict(const goss_baselines *b, const goss_baseline_kind *k, const goss_rows *support,
                                  const goss_rows *query, double *out, goss_error *err) {
    if (b->classes && !k->classes)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s is not defined for classes", k->name);
    if (k->order && (!support->at || !query->at))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s requires a column that orders the rows (--order COLUMN)",
                              k->name);
    if (support->n < 1) return goss_error_set(err, GOSS_E_ARGUMENT, "%s requires at least one support row", k->name);
    return ((const kind *)k)->predict(b, support, query, out, err); /* the first member of a row */
}
