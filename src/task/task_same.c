/* SPDX-License-Identifier: Apache-2.0 */
/* task_same.c: a task source whose tasks have their own support sets, numbers and descriptors, and common queries. */
#include "task/task_same.h"

#include <string.h>

#include "base/alloc.h"

typedef struct same {
    const goss_task_source *base;
    float *x;        /* [count, input] */
    int32_t *length; /* [count]; NULL: samples have no lengths */
    int count;
} same;

static goss_task blank(const goss_task_source *source) {
    return (goss_task){.id = -1, .outputs = source->spec.outputs};
}

int64_t goss__task_samples(const goss_task_source *source, int64_t draws, bool query) {
    int64_t n = 0;
    for (int64_t k = 0; k < draws; k++) {
        goss_task t = blank(source);
        source->draw(source, (uint64_t)k, &t);
        n += query ? t.queries : t.supports;
    }
    return n;
}

static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    const same *s = source->context;
    const size_t n = (size_t)s->count, target = (size_t)goss_task_target_size(&source->spec);
    goss_task own = *t;
    own.query = own.query_target = own.query_weight = NULL;
    own.query_length = own.query_rows = NULL;
    s->base->draw(s->base, k, &own);
    t->id = own.id, t->supports = own.supports, t->outputs = own.outputs, t->queries = s->count;
    if (t->query) memcpy(t->query, s->x, n * goss_task_input_size(&source->spec) * sizeof *s->x);
    if (t->query_target) memset(t->query_target, 0, n * target * sizeof *t->query_target);
    if (t->query_length && s->length) memcpy(t->query_length, s->length, n * sizeof *s->length);
    for (size_t i = 0; t->query_rows && i < n; i++) t->query_rows[i] = -1;
}

static const char *name_of(const goss_task_source *source, uint64_t k) {
    const same *s = source->context;
    return s->base->name(s->base, k);
}

static void close_same(void *context) {
    same *s = context;
    goss__free(s->x), goss__free(s->length);
    goss__free(s);
}

/* The i-th of the common queries is query i * all / count of all tasks' queries in turn. x, length: of one draw. */
static void collect(same *s, int64_t draws, int64_t all, float *x, int32_t *length) {
    const goss_task_spec *spec = &s->base->spec;
    const size_t input = goss_task_input_size(spec);
    int64_t first = 0;
    for (int64_t k = 0, i = 0; k < draws && i < s->count; k++) {
        goss_task t = blank(s->base);
        t.query = x, t.query_length = length;
        for (int j = 0; j < spec->queries; j++) length[j] = (int32_t)spec->input[0];
        s->base->draw(s->base, (uint64_t)k, &t);
        for (; i < s->count && i * all / s->count < first + t.queries; i++) {
            const size_t from = (size_t)(i * all / s->count - first);
            memcpy(s->x + (size_t)i * input, x + from * input, input * sizeof *x);
            if (s->length) s->length[i] = length[from];
        }
        first += t.queries;
    }
}

goss_status goss__task_same(const goss_task_source *base, int64_t draws, int count, goss_task_source *out,
                            goss_error *err) {
    const goss_task_spec *spec = &base->spec;
    const int64_t all = goss__task_samples(base, draws, true);
    const size_t n = (size_t)(all < count ? all : count), input = goss_task_input_size(spec);
    same *s = goss__calloc(1, sizeof *s);
    float *x = goss__calloc((size_t)spec->queries * input + 1, sizeof *x);
    int32_t *length = goss__calloc((size_t)spec->queries + 1, sizeof *length);
    if (s) *s = (same){.base = base, .count = (int)n, .x = goss__calloc(n * input + 1, sizeof *s->x)};
    if (s && spec->lengths) s->length = goss__calloc(n + 1, sizeof *s->length);
    const bool done = s && x && length && s->x && (s->length || !spec->lengths);
    if (done) collect(s, draws, all, x, length);
    goss__free(x), goss__free(length);
    *out = (goss_task_source){.spec = *spec,
                              .context = s,
                              .draw = draw,
                              .tasks = base->tasks,
                              .name = base->name ? name_of : NULL,
                              .free = close_same};
    out->spec.queries = (int)n;
    if (done) return GOSS_OK;
    if (s) close_same(s);
    *out = (goss_task_source){0};
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d common samples", count);
}
