/* SPDX-License-Identifier: Apache-2.0 */
/* prior_source.c: tables of a prior as tasks: which rows are the support set, and rows as slots (prior.h). */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "prior/prior.h"
#include "task/task.h"

static const float most = 10; /* deviations from the mean */

/* Where a column lies in a row. */
typedef struct place {
    int column, first, slots; /* slots 0: there was no room */
    float mean, factor;       /* of a single slot */
} place;

typedef struct source {
    goss_prior_options sizes; /* rows are the support set's, columns slots */
    goss_prior *prior;
    int queries;
    float *x, *y;
    goss_prior_column *column; /* [slots] */
    place *place;              /* [slots] */
    int32_t *order;            /* [rows] the support set's first */
} source;

goss_prior_source_options goss_prior_source_defaults(void) {
    goss_prior_source_options o = {goss_prior_defaults(), 24, 128, 96};
    o.prior.least_columns = 3, o.prior.group = 8;
    return o;
}

/* ---- rows ---- */

/* Support: the first two rows of each class, then rows in order; the rest are queries. Regression: rows in order. */
static void divide(source *s, const goss_prior_table *t, int support) {
    int count[GOSS_PRIOR_MOST_CLASSES] = {0}, n = 0, last = t->rows;
    const int room = support - 2 * t->classes;
    for (int i = 0, other = 0; i < t->rows; i++) {
        const bool needed = t->classes && count[(int)t->y[i]]++ < 2;
        if (needed || other++ < room)
            s->order[n++] = i;
        else
            s->order[--last] = i;
    }
}

/* ---- slots ---- */

/* Mean and deviation over the support rows that have a value. */
static void scale(const source *s, const goss_prior_table *t, int support, place *p) {
    const size_t stride = (size_t)s->sizes.columns;
    double sum = 0, squares = 0;
    int n = 0;
    for (int i = 0; i < support; i++) {
        const float v = t->x[(size_t)s->order[i] * stride + (size_t)p->column];
        if (!isnan(v)) sum += (double)v, n++;
    }
    const double mean = n > 0 ? sum / n : 0;
    for (int i = 0; i < support; i++) {
        const float v = t->x[(size_t)s->order[i] * stride + (size_t)p->column];
        if (!isnan(v)) squares += ((double)v - mean) * ((double)v - mean);
    }
    const double deviation = n > 0 ? sqrt(squares / n) : 0;
    p->mean = (float)mean, p->factor = deviation > 1e-7 * fabs(mean) ? (float)(1 / deviation) : 0;
}

static bool one_hot(const goss_prior_column *c) { return c->kind == GOSS_PRIOR_CATEGORY && c->levels > 2; }

/* Draws a table whose columns fit into the slots. A target that depends on columns without a slot would look like
 * noise, most of all where every column is a category: a table that needs more slots is drawn with fewer columns. */
static void draw_fitting(source *s, uint64_t k, int rows, int slots, goss_prior_table *t) {
    for (int columns = slots;;) {
        int needed = 0;
        goss__prior_draw_sized(s->prior, k, rows, columns, t);
        for (int j = 0; j < columns; j++) needed += one_hot(&t->column[j]) ? t->column[j].levels : 1;
        if (needed <= slots || columns == 1) return;
        const int fewer = columns * slots / needed;
        columns = fewer > 0 ? fewer : 1;
    }
}

/* Assigns slots to columns in order until none are left. Returns the number of columns placed. */
static int lay_out(source *s, const goss_prior_table *t, int slots, int support) {
    int n = 0, at = 0;
    for (int j = 0; j < t->columns && at < slots; j++) {
        const goss_prior_column *c = &t->column[j];
        const bool hot = one_hot(c) && at + c->levels <= slots;
        place *p = &s->place[n++];
        *p = (place){.column = j, .first = at, .slots = hot ? c->levels : 1, .factor = 1};
        at += p->slots;
        if (!hot && !(c->kind == GOSS_PRIOR_CATEGORY && c->levels == 2)) scale(s, t, support, p);
    }
    return n;
}

static void write_row(const source *s, const goss_prior_table *t, int row, int places, float *out) {
    const size_t slots = (size_t)s->sizes.columns;
    memset(out, 0, 2 * slots * sizeof *out);
    for (int n = 0; n < places; n++) {
        const place *p = &s->place[n];
        const float v = t->x[(size_t)row * slots + (size_t)p->column], z = (v - p->mean) * p->factor;
        if (isnan(v))
            for (int i = 0; i < p->slots; i++) out[slots + (size_t)(p->first + i)] = 1;
        else if (p->slots > 1)
            out[p->first + (int)v] = 1;
        else
            out[p->first] = z > most ? most : z < -most ? -most : z;
    }
}

/* ---- tasks ---- */

/* Numbers are in units of the support set's deviation. */
static void standardise_target(source *s, const goss_prior_table *t, int support) {
    double sum = 0, squares = 0;
    for (int i = 0; i < support; i++) sum += (double)t->y[s->order[i]];
    for (int i = 0; i < support; i++) squares += pow((double)t->y[s->order[i]] - sum / support, 2);
    const double deviation = sqrt(squares / support);
    for (int i = 0; i < t->rows; i++)
        t->y[i] = deviation > 0 ? (float)(((double)t->y[i] - sum / support) / deviation) : 0;
}

static void write_rows(const source *s, const goss_prior_table *t, const int32_t *rows, int n, int places, float *x,
                       float *y, int32_t *numbers) {
    for (int i = 0; i < n; i++) {
        if (x) write_row(s, t, rows[i], places, x + (size_t)i * 2 * (size_t)s->sizes.columns);
        if (y) y[i] = t->y[rows[i]];
        if (numbers) numbers[i] = rows[i];
    }
}

static void draw(const goss_task_source *self, uint64_t k, goss_task *task) {
    source *s = self->context;
    goss_prior_table t = {.x = s->x, .y = s->y, .column = s->column};
    int support, slots;
    goss__prior_sizes(&s->sizes, k, &support, &slots);
    draw_fitting(s, k, support + s->queries, slots, &t);
    divide(s, &t, support);
    if (!t.classes) standardise_target(s, &t, support);
    const int places = lay_out(s, &t, slots, support);
    write_rows(s, &t, s->order, support, places, task->support, task->support_target, task->support_rows);
    write_rows(s, &t, s->order + support, s->queries, places, task->query, task->query_target, task->query_rows);
    for (int c = t.classes; task->class_mask && t.classes && c < self->spec.outputs; c++) task->class_mask[c] = 0;
    task->supports = support, task->queries = s->queries, task->id = -1;
    if (t.classes) task->outputs = t.classes;
}

/* ---- opening ---- */

static void free_source(void *context) {
    source *s = context;
    goss_prior_free(s->prior);
    goss__free(s->x), goss__free(s->y), goss__free(s->column), goss__free(s->place), goss__free(s->order);
    goss__free(s);
}

static goss_status check(const goss_prior_source_options *o, goss_error *err) {
    const int needed = 2 * o->prior.classes;
    if (o->queries < 1 || o->support < o->least_support || o->support + o->queries > GOSS_PRIOR_MOST_ROWS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "support sets of %d to %d rows and %d queries: no such tables",
                              o->least_support, o->support, o->queries);
    if (o->least_support < 10 || (o->prior.regression == 0 && o->least_support < needed))
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "the least support set, %d rows, is too small: at least 10, and two for each of %d classes",
            o->least_support, o->prior.classes);
    if (o->prior.regression == 0 || o->prior.regression == 1) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "a share of %g of the tables with numbers to predict: tasks have one "
                          "objective, so that it is 0 or 1",
                          o->prior.regression);
}

static goss_status allocate(source *s, goss_error *err) {
    const size_t rows = (size_t)goss_prior_options_of(s->prior)->rows, slots = (size_t)s->sizes.columns;
    s->x = goss__calloc(rows * slots, sizeof *s->x), s->y = goss__calloc(rows, sizeof *s->y);
    s->column = goss__calloc(slots, sizeof *s->column), s->place = goss__calloc(slots, sizeof *s->place);
    s->order = goss__calloc(rows, sizeof *s->order);
    if (s->x && s->y && s->column && s->place && s->order) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for tasks of %zu rows", rows);
}

static goss_status open_source(const goss_prior_source_options *o, source *s, goss_error *err) {
    goss_prior_options tables = o->prior;
    s->sizes = o->prior, s->queries = o->queries;
    s->sizes.least_rows = o->least_support, s->sizes.rows = o->support;
    tables.least_rows = o->least_support + o->queries, tables.rows = o->support + o->queries;
    GOSS_TRY(goss_prior_create(&tables, &s->prior, err));
    return allocate(s, err);
}

goss_status goss_prior_source_open(const goss_prior_source_options *options, goss_task_source *out, goss_error *err) {
    const goss_prior_source_options o = options ? *options : goss_prior_source_defaults();
    *out = (goss_task_source){0};
    GOSS_TRY(check(&o, err));
    source *s = goss__calloc(1, sizeof *s);
    if (!s) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a source of tables");
    const goss_status status = open_source(&o, s, err);
    if (status != GOSS_OK) {
        free_source(s);
        return status;
    }
    *out = (goss_task_source){.context = s, .draw = draw, .free = free_source};
    out->spec = (goss_task_spec){.input_rank = 1,
                                 .input = {2 * o.prior.columns},
                                 .outputs = o.prior.regression == 1 ? 1 : o.prior.classes,
                                 .supports = o.support,
                                 .queries = o.queries};
    if (o.prior.regression == 1) return goss_objective_find("regression", &out->spec.objective, err);
    return GOSS_OK;
}
