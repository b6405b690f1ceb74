/* SPDX-License-Identifier: Apache-2.0 */
/* data_held.c: validation rows that are carried in the tasks of a step, for what is learned on them (strengths and
 * norms, regularizer_hyper.c). They are drawn once before the run begins and are the same in each step: in front of
 * a task's queries with weight 0, so that the loss ignores them. */
#include <string.h>

#include "base/alloc.h"
#include "train/run_data.h"

typedef struct held {
    goss_task_source base; /* owned */
    int rows;              /* of each task */
    int64_t ids;
    float *x, *target; /* [ids, rows, ...] */
    int32_t *length;   /* [ids, rows] of sequences that have lengths; else NULL */
    float *has;        /* [ids] 1 for tasks that have some */
} held;

static size_t input_of(const held *h) { return goss_task_input_size(&h->base.spec); }
static size_t target_of(const held *h) { return (size_t)goss_task_target_size(&h->base.spec); }

static float *behind(float *numbers, size_t n) { return numbers ? numbers + n : NULL; }

static void give(float *out, const float *of_task, size_t n) {
    if (out) memcpy(out, of_task, n * sizeof *out);
}

static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    const held *h = source->context;
    const size_t n = (size_t)h->rows, x = input_of(h), y = target_of(h);
    goss_task rest = *t;
    rest.query = behind(t->query, n * x), rest.query_target = behind(t->query_target, n * y);
    rest.query_length = t->query_length ? t->query_length + n : NULL;
    rest.query_weight = behind(t->query_weight, n);
    rest.query_rows = t->query_rows ? t->query_rows + n : NULL;
    h->base.draw(&h->base, k, &rest);
    t->id = rest.id, t->supports = rest.supports, t->outputs = rest.outputs, t->queries = rest.queries + h->rows;
    for (size_t i = 0; t->query_weight && i < n; i++) t->query_weight[i] = 0;
    for (size_t i = 0; t->query_rows && i < n; i++) t->query_rows[i] = -1;
    const size_t id = rest.id >= 0 && rest.id < h->ids ? (size_t)rest.id : 0;
    give(t->query, h->x + id * n * x, n * x);
    give(t->query_target, h->target + id * n * y, n * y);
    if (t->query_length && h->length) memcpy(t->query_length, h->length + id * n, n * sizeof *h->length);
}

static void close_held(void *context) {
    held *h = context;
    goss_task_source_free(&h->base);
    goss__free(h->x), goss__free(h->target), goss__free(h->has), goss__free(h->length);
    goss__free(h);
}

static const char *name_of(const goss_task_source *source, uint64_t k) {
    const held *h = source->context;
    return h->base.name ? h->base.name(&h->base, k) : NULL;
}

/* ---- opening ---- */

/* One draw of the validation source. */
typedef struct draw_room {
    float *x, *target, *weight, *support, *support_target, *support_weight, *descriptor, *mask;
    int32_t *length;
} draw_room;

static bool make_room(const goss_task_spec *s, draw_room *r) {
    const size_t x = goss_task_input_size(s), y = (size_t)goss_task_target_size(s), q = (size_t)s->queries + 1,
                 n = (size_t)s->supports + 1;
    r->x = goss__calloc(q * x, sizeof(float)), r->target = goss__calloc(q * y, sizeof(float));
    r->weight = goss__calloc(q, sizeof(float)), r->mask = goss__calloc((size_t)s->outputs + 1, sizeof(float));
    r->support = goss__calloc(n * x, sizeof(float)), r->support_target = goss__calloc(n * y, sizeof(float));
    r->support_weight = goss__calloc(n, sizeof(float));
    r->descriptor = goss__calloc((size_t)s->descriptor + 1, sizeof(float));
    r->length = goss__calloc(q, sizeof *r->length);
    return r->length && r->x && r->target && r->weight && r->mask && r->support && r->support_target &&
           r->support_weight && r->descriptor;
}

static void free_room(draw_room *r) {
    goss__free(r->x), goss__free(r->target), goss__free(r->weight), goss__free(r->mask), goss__free(r->support);
    goss__free(r->support_target), goss__free(r->support_weight), goss__free(r->descriptor);
    goss__free(r->length);
}

/* Stores the rows of validation task k, repeated cyclically up to `rows`. */
static int keep(held *h, const goss_task_source *validation, uint64_t k, draw_room *r) {
    const size_t x = input_of(h), y = target_of(h), n = (size_t)h->rows;
    goss_task t = {.support = r->support,
                   .support_target = r->support_target,
                   .support_weight = r->support_weight,
                   .query = r->x,
                   .query_target = r->target,
                   .query_weight = r->weight,
                   .query_length = r->length,
                   .descriptor = r->descriptor,
                   .class_mask = r->mask,
                   .id = -1,
                   .outputs = validation->spec.outputs};
    for (int i = 0; i < validation->spec.queries; i++) r->weight[i] = 1;
    for (int i = 0; i < validation->spec.queries; i++) r->length[i] = (int32_t)validation->spec.input[0];
    for (int i = 0; i < validation->spec.supports; i++) r->support_weight[i] = 1;
    for (int i = 0; i < validation->spec.outputs; i++) r->mask[i] = 1;
    validation->draw(validation, k, &t);
    if (t.id < 0 || t.id >= h->ids || t.queries == 0 || h->has[t.id] > 0) return 0;
    for (size_t i = 0; i < n; i++) {
        const size_t from = i % (size_t)t.queries, to = (size_t)t.id * n + i;
        memcpy(h->x + to * x, r->x + from * x, x * sizeof(float));
        memcpy(h->target + to * y, r->target + from * y, y * sizeof(float));
        if (h->length) h->length[to] = r->length[from];
    }
    h->has[t.id] = 1;
    return 1;
}

static goss_status keep_all(goss__run_data *d, held *h, goss_error *err) {
    draw_room r = {0};
    int known = 0;
    if (!make_room(&d->validation.spec, &r)) {
        free_room(&r);
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for a task to validate on");
    }
    for (int k = 0; k < d->judged; k++) known += keep(h, &d->validation, (uint64_t)k, &r);
    free_room(&r);
    if (known > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "it learns on rows to validate on of the tasks that are trained on, and there are none: "
                          "data.split=.6,.2,.2 keeps some of each task");
}

goss_status goss__run_data_hold(goss__run_data *d, int rows, const float **has, goss_error *err) {
    const goss_task_spec *s = &d->source.spec;
    if (!d->validates || s->ids == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "it learns on rows to validate on, and nothing is validated (validate.every = 0), or the "
                              "tasks have no numbers");
    held *h = goss__calloc(1, sizeof *h);
    if (!h) return goss_error_set(err, GOSS_E_NOMEM, "no memory for rows to validate on");
    h->base = d->source, h->rows = rows, h->ids = s->ids;
    const size_t n = (size_t)(s->ids * rows);
    h->x = goss__calloc(n * input_of(h) + 1, sizeof(float)),
    h->target = goss__calloc(n * target_of(h) + 1, sizeof(float));
    h->has = goss__calloc((size_t)s->ids + 1, sizeof(float));
    if (s->lengths) h->length = goss__calloc(n + 1, sizeof *h->length);
    goss_status status = h->x && h->target && h->has && (h->length || !s->lengths)
                             ? keep_all(d, h, err)
                             : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d rows", rows);
    if (status != GOSS_OK) {
        h->base = (goss_task_source){0}; /* still owned by the run */
        close_held(h);
        return status;
    }
    d->source.context = h, d->source.draw = draw, d->source.free = close_held, d->source.name = name_of;
    d->source.spec.queries += rows;
    *has = h->has;
    return GOSS_OK;
}
