/* SPDX-License-Identifier: Apache-2.0 */
/* task_pack.c: tasks as the dense inputs of a program.
 *
 * A task is drawn at its planned offset in the buffers; once all are drawn, samples are compacted to the strides of
 * the largest task, so that the program computes on no more padding than necessary. Targets are encoded by the
 * objective; with classes the averaging matrix is made from them. Nothing here knows of graphs but the names of the
 * inputs. */
#include "task/task_pack.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

static void *numbers(size_t a, size_t b, size_t c, size_t size) {
    size_t n;
    if (!goss__mul_ok(a, b, &n) || !goss__mul_ok(n, c, &n) || !goss__mul_ok(n, size, &n)) return NULL;
    void *p = goss__alloc_aligned(n ? n : 1);
    if (p) memset(p, 0, n);
    return p;
}

/* Answers of a sample: one, or one a step. */
static size_t answers_of(const goss_task_spec *x) { return goss_task_objective(x)->steps ? (size_t)x->input[0] : 1; }

size_t goss__task_pack_answers(const goss__task_pack *b) {
    const size_t all = answers_of(&b->spec);
    return all > 1 && b->spec.lengths ? (size_t)b->steps : all;
}

/* Whether classes have means, over samples. */
static bool has_means(const goss_task_spec *x) {
    return goss_task_objective(x)->classes && !goss_task_objective(x)->steps;
}

static bool reserve(goss__task_pack *b) {
    const goss_task_spec *x = &b->spec;
    size_t t = (size_t)b->max_tasks, w = (size_t)x->outputs, s = (size_t)x->supports, q = (size_t)x->queries;
    size_t input = goss_task_input_size(x), target = (size_t)goss_task_target_size(x);
    const size_t answers = answers_of(x) * w;
    b->support = numbers(t, s, input, sizeof(float));
    b->support_target = numbers(t, s, answers, sizeof(float));
    b->support_weight = numbers(t, s, 1, sizeof(float));
    b->assign = numbers(t, has_means(x) ? w : 0, s, sizeof(float));
    b->query = numbers(t, q, input, sizeof(float));
    b->query_target = numbers(t, q, answers, sizeof(float));
    b->query_weight = numbers(t, q, 1, sizeof(float));
    b->class_mask = numbers(t, w, 1, sizeof(float));
    b->descriptor = numbers(t, (size_t)x->descriptor, 1, sizeof(float));
    b->task = numbers(t, 1, 1, sizeof(int32_t));
    b->id = numbers(t, 1, 1, sizeof(int32_t));
    b->known = numbers(t, 1, 1, sizeof(float));
    b->raw[0] = numbers(t, s, target, sizeof(float));
    b->raw[1] = numbers(t, q, target, sizeof(float));
    b->sizes = numbers(t, 1, 1, sizeof *b->sizes);
    b->order = numbers(q, 1, 1, sizeof *b->order);
    if (x->partial) {
        b->support_known = numbers(t, s, w, sizeof(float)), b->query_known = numbers(t, q, w, sizeof(float));
        if (!b->support_known || !b->query_known) return false;
    }
    if (x->lengths) {
        b->support_length = numbers(t, s, 1, sizeof(float)), b->query_length = numbers(t, q, 1, sizeof(float));
        b->drawn[0] = numbers(s, 1, 1, sizeof(int32_t)), b->drawn[1] = numbers(q, 1, 1, sizeof(int32_t));
        if (!b->support_length || !b->query_length || !b->drawn[0] || !b->drawn[1]) return false;
    }
    if (x->items) {
        const size_t most = (size_t)goss__task_items_most(x, b->max_tasks);
        b->item_rows = numbers(most, 1, 1, sizeof(int32_t));
        b->item_place = numbers((size_t)x->items + 1, 1, 1, sizeof(int32_t));
        b->support_item = numbers(t, s, 1, sizeof(int32_t)), b->query_item = numbers(t, q, 1, sizeof(int32_t));
        if (!b->item_rows || !b->item_place || !b->support_item || !b->query_item) return false;
    }
    return b->support && b->support_target && b->support_weight && b->assign && b->query && b->query_target &&
           b->query_weight && b->class_mask && b->descriptor && b->task && b->id && b->known && b->raw[0] &&
           b->raw[1] && b->sizes && b->order;
}

goss_status goss__task_pack_init(goss__task_pack *b, int max_tasks, const goss_task_spec *spec, goss_threads *threads,
                                 goss_error *err) {
    *b = (goss__task_pack){.max_tasks = max_tasks, .threads = threads, .spec = *spec};
    if (b->spec.queries < 1) b->spec.queries = 1;
    if (b->spec.supports < 1) b->spec.supports = 1;
    if (reserve(b)) return GOSS_OK;
    goss__task_pack_free(b);
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for a batch of %d tasks of %d and %d samples", max_tasks,
                          spec->supports, spec->queries);
}

void goss__task_pack_free(goss__task_pack *b) {
    void *all[] = {
        b->known,        b->support,      b->support_target, b->support_weight, b->assign,         b->query,
        b->query_target, b->query_weight, b->class_mask,     b->descriptor,     b->task,           b->id,
        b->raw[0],       b->raw[1],       b->sizes,          b->order,          b->support_length, b->query_length,
        b->drawn[0],     b->drawn[1],     b->item_rows,      b->item_place,     b->support_item,   b->query_item,
        b->query_known,  b->support_known};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) goss__free(all[i]);
    *b = (goss__task_pack){0};
}

size_t goss__task_pack_input(const goss__task_pack *b) {
    return b->spec.lengths ? (size_t)(b->steps * b->spec.input[1]) : goss_task_input_size(&b->spec);
}

/* ---- drawing ---- */

static void ones(float *out, int n) {
    for (int i = 0; i < n; i++) out[i] = 1;
}

static int larger(int a, int b) { return a > b ? a : b; }

/* Records the lengths of n of a task's samples and zeroes the steps beyond them. */
static void cut(const goss__task_pack *b, const int32_t *drawn, int n, float *length, float *x) {
    const int64_t *input = b->spec.input;
    for (int i = 0; b->spec.lengths && i < n; i++) {
        const int64_t steps = drawn[i] < 1 ? 1 : drawn[i] > input[0] ? input[0] : drawn[i];
        float *sample = x + (size_t)i * (size_t)(input[0] * input[1]);
        memset(sample + steps * input[1], 0, (size_t)((input[0] - steps) * input[1]) * sizeof *x);
        length[i] = (float)steps;
    }
}

/* Labels of steps beyond a sample's length are none. */
static void cut_labels(const goss__task_pack *b, const float *length, int n, float *raw) {
    const int64_t steps = b->spec.input[0];
    for (int i = 0; b->spec.lengths && goss_task_objective(&b->spec)->steps && i < n; i++)
        for (int64_t k = (int64_t)length[i]; k < steps; k++) raw[(int64_t)i * steps + k] = -1;
}

/* The longest sample of n. */
static int64_t longest(const float *length, size_t n, int64_t at_least) {
    for (size_t i = 0; i < n; i++) at_least = (int64_t)length[i] > at_least ? (int64_t)length[i] : at_least;
    return at_least;
}

/* Compacts samples to the length of the longest one, so that batches of short samples are short. */
static void shorten(const goss__task_pack *b, float *x, size_t n) {
    const size_t from = goss_task_input_size(&b->spec), to = goss__task_pack_input(b);
    for (size_t i = 1; from != to && i < n; i++) memmove(x + i * to, x + i * from, to * sizeof *x);
}

static void all_steps(int32_t *length, int n, int64_t steps) {
    for (int i = 0; length && i < n; i++) length[i] = (int32_t)steps;
}

static void draw_one(goss__task_pack *b, const goss_task_source *source, uint64_t k, int t) {
    const goss_task_spec *x = &b->spec;
    size_t at = (size_t)t, s = at * (size_t)x->supports, q = at * (size_t)x->queries, w = at * (size_t)x->outputs;
    size_t input = goss_task_input_size(x), target = (size_t)goss_task_target_size(x);
    goss_task e = {.threads = b->threads,
                   .support = b->support + s * input,
                   .support_target = b->raw[0] + s * target,
                   .support_weight = b->support_weight + s,
                   .query = b->query + q * input,
                   .query_target = b->raw[1] + q * target,
                   .query_weight = b->query_weight + q,
                   .descriptor = b->descriptor + at * (size_t)x->descriptor,
                   .class_mask = b->class_mask + w,
                   .support_length = b->drawn[0],
                   .query_length = b->drawn[1],
                   .id = -1,
                   .outputs = x->outputs};
    ones(e.support_weight, x->supports), ones(e.query_weight, x->queries), ones(e.class_mask, x->outputs);
    all_steps(e.support_length, x->supports, x->input[0]), all_steps(e.query_length, x->queries, x->input[0]);
    source->draw(source, k, &e);
    if (x->lengths) {
        cut(b, b->drawn[0], e.supports, b->support_length + s, e.support);
        cut(b, b->drawn[1], e.queries, b->query_length + q, e.query);
        cut_labels(b, b->support_length + s, e.supports, e.support_target);
        cut_labels(b, b->query_length + q, e.queries, e.query_target);
    }
    for (int i = e.outputs; x->task_classes && i < x->outputs; i++) e.class_mask[i] = 0;
    if (goss_task_fixed_outputs(x)) e.outputs = x->outputs;
    b->sizes[t] = (goss__task_size){e.outputs, e.supports, e.queries};
    b->task[t] = (int32_t)(k & 0x7fffffff);
    b->known[t] = e.id >= 0 && e.id < x->ids;
    b->id[t] = (int32_t)(b->known[t] > 0 ? e.id : x->ids);
    b->outputs = larger(b->outputs, e.outputs);
    b->supports = larger(b->supports, e.supports);
    b->queries = larger(b->queries, e.queries);
}

/* Moves from the planned stride to the batch's and zeroes padding. In ascending order no move overwrites data that
 * is still to be moved, since the new stride is not larger. which: 0 outputs, 1 supports, 2 queries of a task. */
static void close_ranks(const goss__task_pack *b, float *samples, int which, size_t from, size_t to, size_t width) {
    for (int t = 0; t < b->tasks; t++) {
        const int of[] = {b->sizes[t].outputs, b->sizes[t].supports, b->sizes[t].queries};
        float *place = samples + (size_t)t * to * width;
        size_t n = (size_t)of[which];
        if (from != to && t) memmove(place, samples + (size_t)t * from * width, n * width * sizeof *samples);
        memset(place + n * width, 0, (to - n) * width * sizeof *samples);
    }
}

/* assign[w, s] = 1 / shots of w at its samples, of one task. */
static void average(float *assign, const float *labels, int n, int supports, int ways) {
    memset(assign, 0, (size_t)ways * (size_t)supports * sizeof *assign);
    for (int w = 0; w < ways; w++) {
        int shots = 0;
        for (int i = 0; i < n; i++) shots += (int)labels[i] == w;
        for (int i = 0; i < n; i++)
            if ((int)labels[i] == w) assign[(size_t)w * (size_t)supports + (size_t)i] = 1.0f / (float)shots;
    }
}

/* Of a task's samples, each answer: steps beyond the batch's longest sample are none. */
static void encode_task(const goss__task_pack *b, int t, int query, const float *raw, float *out) {
    const goss_task_spec *x = &b->spec;
    const goss_objective *o = goss_task_objective(x);
    const int n = query ? b->sizes[t].queries : b->sizes[t].supports, answers = (int)goss__task_pack_answers(b);
    const size_t planned = (size_t)goss_task_target_size(x), step = (size_t)answers * (size_t)b->outputs;
    if (!o->steps) {
        o->encode(raw, n, b->sizes[t].outputs, b->outputs, x->scale, out);
        return;
    }
    for (int i = 0; i < n; i++)
        o->encode(raw + (size_t)i * planned, answers, b->sizes[t].outputs, b->outputs, x->scale,
                  out + (size_t)i * step);
}

/* A component that is missing is encoded as the mean. */
static void note_missing(const float *raw, size_t n, float *encoded, float *known) {
    for (size_t i = 0; i < n; i++) {
        known[i] = !isnan(raw[i]);
        if (isnan(raw[i])) encoded[i] = 0;
    }
}

static void encode(const goss__task_pack *b, int query, float *out) {
    const goss_task_spec *x = &b->spec;
    size_t planned = (size_t)(query ? x->queries : x->supports), count = (size_t)(query ? b->queries : b->supports);
    const size_t w = (size_t)b->outputs * goss__task_pack_answers(b);
    float *known = query ? b->query_known : b->support_known;
    memset(out, 0, (size_t)b->tasks * count * w * sizeof *out);
    if (known) memset(known, 0, (size_t)b->tasks * count * w * sizeof *known);
    for (int t = 0; t < b->tasks; t++) {
        const float *raw = b->raw[query] + (size_t)t * planned * (size_t)goss_task_target_size(x);
        const size_t n = (size_t)(query ? b->sizes[t].queries : b->sizes[t].supports), at = (size_t)t * count * w;
        encode_task(b, t, query, raw, out + at);
        if (known) note_missing(raw, n * w, out + at, known + at); /* W is the same in all tasks */
    }
}

static void fill_targets(goss__task_pack *b) {
    size_t w = (size_t)b->outputs, s = (size_t)b->supports, planned = (size_t)b->spec.supports;
    encode(b, 0, b->support_target);
    encode(b, 1, b->query_target);
    for (int t = 0; has_means(&b->spec) && t < b->tasks; t++)
        average(b->assign + (size_t)t * w * s, b->raw[0] + (size_t)t * planned, b->sizes[t].supports, b->supports,
                b->outputs);
}

void goss__task_pack_draw(goss__task_pack *b, const goss_task_source *source, uint64_t first, int tasks) {
    const goss_task_spec *x = &b->spec;
    size_t input = goss_task_input_size(x), s = (size_t)x->supports, q = (size_t)x->queries;
    b->tasks = tasks;
    b->outputs = b->supports = b->queries = 1;
    for (int t = 0; t < tasks; t++) draw_one(b, source, first + (uint64_t)t, t);
    close_ranks(b, b->support, 1, s, (size_t)b->supports, input);
    close_ranks(b, b->support_weight, 1, s, (size_t)b->supports, 1);
    close_ranks(b, b->query, 2, q, (size_t)b->queries, input);
    close_ranks(b, b->query_weight, 2, q, (size_t)b->queries, 1);
    if (x->lengths) {
        close_ranks(b, b->support_length, 1, s, (size_t)b->supports, 1);
        close_ranks(b, b->query_length, 2, q, (size_t)b->queries, 1);
        const size_t all_s = (size_t)tasks * (size_t)b->supports, all_q = (size_t)tasks * (size_t)b->queries;
        b->steps = longest(b->query_length, all_q, longest(b->support_length, all_s, 1));
        shorten(b, b->support, all_s), shorten(b, b->query, all_q);
    }
    close_ranks(b, b->class_mask, 0, (size_t)x->outputs, (size_t)b->outputs, 1);
    fill_targets(b);
    if (x->items) goss__task_pack_items(b);
}

const float *goss__task_pack_raw_query(const goss__task_pack *b, int t) {
    return b->raw[1] + (size_t)t * (size_t)b->spec.queries * (size_t)goss_task_target_size(&b->spec);
}

/* ---- binding ---- */

/* An input that the method does not use is absent from its program. */
static goss_status forgive(goss_status s) { return s == GOSS_E_ARGUMENT ? GOSS_OK : s; }

goss_status goss__task_pack_bind(const goss__task_pack *b, goss_exec *exec, goss_error *err) {
    return goss__task_pack_bind_some(b, 0, b->tasks, exec, err);
}

goss_status goss__task_pack_bind_some(const goss__task_pack *b, int first, int tasks, goss_exec *exec,
                                      goss_error *err) {
    const size_t w = (size_t)b->outputs, s = (size_t)b->supports, q = (size_t)b->queries, x = goss__task_pack_input(b);
    const size_t a = goss__task_pack_answers(b);
    const struct {
        const char *name;
        const void *data;
        size_t size; /* of a task: numbers of 4 bytes */
    } input[] = {{"support", b->support, s * x},
                 {"support_target", b->support_target, s * w * a},
                 {"support_weight", b->support_weight, s},
                 {"assign", b->assign, w * s},
                 {"query", b->query, q * x},
                 {"query_target", b->query_target, q * w * a},
                 {"query_weight", b->query_weight, q},
                 {"support_known", b->support_known, s * w},
                 {"query_known", b->query_known, q * w},
                 {"class_mask", b->class_mask, w},
                 {"support_length", b->support_length, s},
                 {"query_length", b->query_length, q},
                 {"descriptor", b->descriptor, (size_t)b->spec.descriptor},
                 {"task", b->task, 1},
                 {"id", b->id, 1},
                 {"item_rows", b->item_rows, 0},
                 {"support_item", b->support_item, s},
                 {"query_item", b->query_item, q},
                 {"known", b->known, 1}};
    const struct {
        const char *name;
        int count, limit;
    } symbol[] = {{"T", tasks, b->max_tasks},
                  {"W", b->outputs, b->spec.outputs},
                  {"S", b->supports, b->spec.supports},
                  {"Q", b->queries, b->spec.queries},
                  {"L", b->spec.lengths ? (int)b->steps : 1, b->spec.lengths ? (int)b->spec.input[0] : 1},
                  {"R", b->spec.items ? b->items : 1, b->spec.items ? INT32_MAX : 1}};
    for (size_t i = 0; i < sizeof symbol / sizeof *symbol; i++)
        if (symbol[i].count < 1 || symbol[i].count > symbol[i].limit)
            return goss_error_set(err, GOSS_E_ARGUMENT, "a batch with %s = %d: 1 to %d were planned", symbol[i].name,
                                  symbol[i].count, symbol[i].limit);
    for (size_t i = 0; i < sizeof input / sizeof *input; i++) {
        const char *at = input[i].data;
        if (at) at += (size_t)first * input[i].size * 4;
        GOSS_TRY(forgive(goss_exec_bind(exec, input[i].name, at, NULL)));
    }
    for (size_t i = 0; i < sizeof symbol / sizeof *symbol; i++)
        GOSS_TRY(forgive(goss_exec_count(exec, symbol[i].name, symbol[i].count, NULL)));
    return GOSS_OK;
}
