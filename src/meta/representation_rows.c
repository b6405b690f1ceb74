/* SPDX-License-Identifier: Apache-2.0 */
/* representation_rows.c: which axis of a published value counts samples, steps or tasks, by its extents alone; and its
 * numbers as rows, without padding. */
#include "meta/representation_rows.h"

#include <string.h>

#include "base/alloc.h"
#include "meta/model.h"

/* ---- plans ---- */

/* A number of the extents from `first` on; 0: some are symbols. */
static int64_t fixed_size(goss_shape s, int first) {
    int64_t n = 1;
    for (int i = first; i < s.rank; i++) n = s.dim[i].symbols ? 0 : n * s.dim[i].count;
    return n;
}

/* Samples are behind the tasks, [T, N, ...], or beside them where weights differ by sample, [T N, ...]. Returns the
 * first axis behind them; 0: it has none. */
static int behind_samples(const goss_task_batch *b, goss_shape s, goss_val samples) {
    if (!goss_valid(samples)) return 0;
    const goss_extent n = goss_dim(samples, 1);
    if (s.rank >= 2 && goss_extent_equal(s.dim[0], b->T) && goss_extent_equal(s.dim[1], n)) return 2;
    return s.rank >= 1 && goss_extent_equal(s.dim[0], goss_extent_mul(b->T, n)) ? 1 : 0;
}

static void classify(const goss_task_batch *b, const goss_task_spec *spec, goss_shape s, goss__published_plan *p) {
    int at = behind_samples(b, s, b->query);
    p->rows = at ? GOSS__ROWS_QUERIES : GOSS__ROWS_OTHER;
    if (!at && b->supported && (at = behind_samples(b, s, b->support))) p->rows = GOSS__ROWS_SUPPORTS;
    if (!at && s.rank >= 1 && (goss_extent_equal(s.dim[0], b->T) || goss_extent_is(s.dim[0], 1)))
        p->rows = goss_extent_is(s.dim[0], 1) ? GOSS__ROWS_ONE : GOSS__ROWS_TASKS, at = 1;
    p->steps = spec->lengths && at == 2 && s.rank > 2 && goss_extent_equal(s.dim[2], b->L);
    p->columns = fixed_size(s, at + p->steps);
    if (p->columns == 0) p->rows = GOSS__ROWS_OTHER;
}

static goss_status take(const goss_graph *g, const goss_task_batch *b, const goss_task_spec *spec,
                        const goss_published_value *v, goss__published_plan *p, goss_error *err) {
    p->name = goss__strdup(v->name), p->shape = goss__published_shape(g, goss_shape_of(v->value));
    if (!p->name || !p->shape) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the name of a value");
    classify(b, spec, goss_shape_of(v->value), p);
    return GOSS_OK;
}

static bool is_repeated(const goss_published_value *v, int i) {
    for (int k = 0; k < i; k++)
        if (v[k].value.id == v[i].value.id) return true;
    return false;
}

static goss_status find(const goss_model *m, goss_graph *g, const goss_task_spec *spec, const char *on,
                        goss__published_plan **out, int *n, goss_error *err) {
    const goss_task_batch b = goss_task_batch_declare(g, spec, 2);
    int count = 0;
    (void)goss_method_outputs(m->method, g, &b, 0);
    GOSS_TRY(goss_graph_status(g, err));
    goss_status s = goss_published(g, on, NULL, 0, &count, err);
    if (s != GOSS_OK) return goss_error_prefix(err, s, "method %s", goss_method_name(m->method));
    goss_published_value *v = goss__calloc((size_t)count, sizeof *v);
    *out = goss__calloc((size_t)count, sizeof **out);
    s = v && *out ? goss_published(g, on, v, count, &count, err)
                  : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d values", count);
    for (int i = 0; s == GOSS_OK && i < count; i++)
        if (!is_repeated(v, i)) s = take(g, &b, spec, &v[i], &(*out)[(*n)++], err);
    goss__free(v);
    return s;
}

goss_status goss__plans_make(const goss_model *m, const goss_task_spec *spec, const char *on,
                             goss__published_plan **out, int *n, goss_error *err) {
    goss_task_spec any = *spec; /* with so many samples that their axis is a symbol */
    if (any.queries < 2) any.queries = 2;
    if (any.supports == 1) any.supports = 2;
    *out = NULL, *n = 0;
    goss_graph *g = goss_graph_new();
    const goss_status s = g ? find(m, g, &any, on, out, n, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory");
    goss_graph_free(g);
    if (s == GOSS_OK) return s;
    goss__plans_free(*out, *n);
    *out = NULL, *n = 0;
    return s;
}

void goss__plans_free(goss__published_plan *plan, int n) {
    for (int i = 0; plan && i < n; i++) goss__free(plan[i].name), goss__free(plan[i].shape);
    goss__free(plan);
}

/* ---- rows ---- */

goss_status goss__rows_open(goss__rows *r, int64_t room, int64_t columns, int64_t every, int64_t tasks,
                            goss_error *err) {
    *r = (goss__rows){.room = room, .columns = columns, .every = every};
    r->x = goss__alloc((size_t)(room * columns + 1) * sizeof *r->x);
    r->first = goss__calloc((size_t)tasks + 1, sizeof *r->first);
    if (r->x && r->first) return GOSS_OK;
    goss__rows_close(r);
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for %lld x %lld numbers of a value", (long long)room,
                          (long long)columns);
}

void goss__rows_close(goss__rows *r) {
    goss__free(r->x), goss__free(r->first);
    *r = (goss__rows){0};
}

static void add(goss__rows *r, const float *row) {
    if (r->passed++ % r->every != 0 || r->rows == r->room) return;
    memcpy(r->x + r->rows++ * r->columns, row, (size_t)r->columns * sizeof *row);
}

/* Samples of weight 0 and steps beyond a sample's length are padding. */
static void add_samples(goss__rows *r, const goss__published_plan *p, const float *value, const goss__task_pack *pack,
                        int t) {
    const bool query = p->rows == GOSS__ROWS_QUERIES;
    const int planned = query ? pack->queries : pack->supports,
              samples = query ? pack->sizes[t].queries : pack->sizes[t].supports;
    const float *weight = query ? pack->query_weight : pack->support_weight;
    const float *length = query ? pack->query_length : pack->support_length;
    const int64_t steps = p->steps ? pack->steps : 1;
    for (int i = 0; i < samples; i++) {
        const int64_t at = (int64_t)t * planned + i, n = p->steps ? (int64_t)length[at] : 1;
        for (int64_t k = 0; weight[at] > 0 && k < n; k++) add(r, value + (at * steps + k) * r->columns);
    }
}

void goss__rows_take(goss__rows *r, const goss__published_plan *p, const goss__forward *f,
                     const goss__task_pack *pack) {
    const float *value = goss_exec_output(f->exec, 0, NULL);
    for (int t = 0; t < pack->tasks; t++) {
        if (r->each) r->passed = 0;
        if (p->rows >= GOSS__ROWS_QUERIES)
            add_samples(r, p, value, pack, t);
        else if (p->rows == GOSS__ROWS_TASKS || r->done == 0)
            add(r, value + (int64_t)t * r->columns);
        r->first[++r->done] = r->rows;
    }
}
