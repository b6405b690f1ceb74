/* SPDX-License-Identifier: Apache-2.0 */
/* task_pack.c: episodes as the dense inputs of a program.
 *
 * An episode is drawn at its planned place in the buffer; when all are there, the images move together to the strides
 * of the largest episode, so that the program never computes on more than it must. One-hot targets and the averaging
 * matrix are made from the labels. Nothing here knows of graphs but the names of the inputs. */
#include "meta/task_pack.h"

#include <string.h>

#include "base/alloc.h"

static void *numbers(size_t a, size_t b, size_t c, size_t size) {
    size_t n;
    if (!goss__mul_ok(a, b, &n) || !goss__mul_ok(n, c, &n) || !goss__mul_ok(n, size, &n)) return NULL;
    void *p = goss__alloc_aligned(n ? n : 1);
    if (p) memset(p, 0, n);
    return p;
}

goss_status goss__task_pack_init(goss__task_pack *b, int max_tasks, goss_episode_limits limits, goss_error *err) {
    if (limits.queries < 1) limits.queries = 1;
    *b = (goss__task_pack){.max_tasks = max_tasks, .limits = limits};
    size_t t = (size_t)max_tasks, w = (size_t)limits.ways, s = (size_t)limits.supports, q = (size_t)limits.queries;
    b->support = numbers(t, s, limits.image, sizeof(float));
    b->support_target = numbers(t, s, w, sizeof(float));
    b->assign = numbers(t, w, s, sizeof(float));
    b->query = numbers(t, q, limits.image, sizeof(float));
    b->query_target = numbers(t, q, w, sizeof(float));
    b->query_weight = numbers(t, q, 1, sizeof(float));
    b->class_mask = numbers(t, w, 1, sizeof(float));
    b->task = numbers(t, 1, 1, sizeof(int32_t));
    b->labels[0] = numbers(t, s, 1, sizeof(int32_t));
    b->labels[1] = numbers(t, q, 1, sizeof(int32_t));
    b->sizes = numbers(t, 3, 1, sizeof(int));
    if (b->support && b->support_target && b->assign && b->query && b->query_target && b->query_weight &&
        b->class_mask && b->task && b->labels[0] && b->labels[1] && b->sizes)
        return GOSS_OK;
    goss__task_pack_free(b);
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for a batch of %d episodes of %d and %d images", max_tasks,
                          limits.supports, limits.queries);
}

void goss__task_pack_free(goss__task_pack *b) {
    void *all[] = {b->support,    b->support_target, b->assign,    b->query,     b->query_target, b->query_weight,
                   b->class_mask, b->task,           b->labels[0], b->labels[1], b->sizes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) goss__free(all[i]);
    *b = (goss__task_pack){0};
}

/* ---- drawing ---- */

static void draw_one(goss__task_pack *b, goss_sampler *sampler, uint64_t k, int t) {
    size_t at = (size_t)t;
    goss_episode e = {.support_images = b->support + at * (size_t)b->limits.supports * b->limits.image,
                      .support_labels = b->labels[0] + at * (size_t)b->limits.supports,
                      .query_images = b->query + at * (size_t)b->limits.queries * b->limits.image,
                      .query_labels = b->labels[1] + at * (size_t)b->limits.queries};
    goss_sampler_draw(sampler, k, &e);
    b->sizes[3 * t] = e.ways, b->sizes[3 * t + 1] = e.supports, b->sizes[3 * t + 2] = e.queries;
    b->task[t] = (int32_t)(k & 0x7fffffff);
    if (e.ways > b->ways) b->ways = e.ways;
    if (e.supports > b->supports) b->supports = e.supports;
    if (e.queries > b->queries) b->queries = e.queries;
}

/* From the planned stride to the batch's, images that are none becoming 0. Ascending tasks never overwrite what is
 * still to be moved, since the new stride is not larger. */
static void close_ranks(float *images, int tasks, const int *sizes, size_t from, size_t to, size_t image) {
    for (int t = 0; t < tasks; t++) {
        float *place = images + (size_t)t * to * image;
        size_t n = (size_t)sizes[3 * t];
        if (from != to && t) memmove(place, images + (size_t)t * from * image, n * image * sizeof *images);
        memset(place + n * image, 0, (to - n) * image * sizeof *images);
    }
}

/* target[t, n, w] = 1 at the labels. */
static void one_hot(float *target, const int32_t *labels, int tasks, const int *sizes, int stride, int count,
                    int ways) {
    memset(target, 0, (size_t)tasks * (size_t)count * (size_t)ways * sizeof *target);
    for (int t = 0; t < tasks; t++)
        for (int i = 0; i < sizes[3 * t]; i++)
            target[((size_t)t * (size_t)count + (size_t)i) * (size_t)ways +
                   (size_t)labels[(size_t)t * (size_t)stride + (size_t)i]] = 1;
}

/* assign[w, s] = 1 / shots of w at its samples, of one task. */
static void average(float *assign, const int32_t *labels, int n, int supports, int ways) {
    memset(assign, 0, (size_t)ways * (size_t)supports * sizeof *assign);
    for (int w = 0; w < ways; w++) {
        int shots = 0;
        for (int i = 0; i < n; i++) shots += labels[i] == w;
        for (int i = 0; i < n; i++)
            if (labels[i] == w) assign[(size_t)w * (size_t)supports + (size_t)i] = 1.0f / (float)shots;
    }
}

static void fill_targets(goss__task_pack *b) {
    size_t w = (size_t)b->ways, s = (size_t)b->supports, q = (size_t)b->queries;
    one_hot(b->support_target, b->labels[0], b->tasks, b->sizes + 1, b->limits.supports, b->supports, b->ways);
    one_hot(b->query_target, b->labels[1], b->tasks, b->sizes + 2, b->limits.queries, b->queries, b->ways);
    for (int t = 0; t < b->tasks; t++) {
        const int *size = b->sizes + 3 * t;
        average(b->assign + (size_t)t * w * s, b->labels[0] + (size_t)t * (size_t)b->limits.supports, size[1],
                b->supports, b->ways);
        for (size_t i = 0; i < q; i++) b->query_weight[(size_t)t * q + i] = i < (size_t)size[2];
        for (size_t i = 0; i < w; i++) b->class_mask[(size_t)t * w + i] = i < (size_t)size[0];
    }
}

void goss__task_pack_draw(goss__task_pack *b, goss_sampler *sampler, uint64_t first, int tasks) {
    b->tasks = tasks;
    b->ways = b->supports = b->queries = 1;
    for (int t = 0; t < tasks; t++) draw_one(b, sampler, first + (uint64_t)t, t);
    close_ranks(b->support, tasks, b->sizes + 1, (size_t)b->limits.supports, (size_t)b->supports, b->limits.image);
    close_ranks(b->query, tasks, b->sizes + 2, (size_t)b->limits.queries, (size_t)b->queries, b->limits.image);
    fill_targets(b);
}

void goss__task_pack_support(goss__task_pack *b, const int32_t *labels, int supports, int ways) {
    b->tasks = 1, b->ways = ways, b->supports = supports, b->queries = 1;
    b->sizes[0] = ways, b->sizes[1] = supports, b->sizes[2] = 0;
    b->task[0] = 0;
    memcpy(b->labels[0], labels, (size_t)supports * sizeof *labels);
    memset(b->query, 0, b->limits.image * sizeof *b->query);
    fill_targets(b);
}

/* ---- binding ---- */

/* A method that has no use for an input has none in its program. */
static goss_status forgive(goss_status s) { return s == GOSS_E_ARGUMENT ? GOSS_OK : s; }

goss_status goss__task_pack_bind(const goss__task_pack *b, goss_exec *exec, goss_error *err) {
    const struct {
        const char *name;
        const void *data;
    } input[] = {{"support", b->support},
                 {"support_target", b->support_target},
                 {"assign", b->assign},
                 {"query", b->query},
                 {"query_target", b->query_target},
                 {"query_weight", b->query_weight},
                 {"class_mask", b->class_mask},
                 {"task", b->task}};
    for (size_t i = 0; i < sizeof input / sizeof *input; i++)
        GOSS_TRY(forgive(goss_exec_bind(exec, input[i].name, input[i].data, NULL)));
    const struct {
        const char *name;
        int count, limit;
    } symbol[] = {{"T", b->tasks, b->max_tasks},
                  {"W", b->ways, b->limits.ways},
                  {"S", b->supports, b->limits.supports},
                  {"Q", b->queries, b->limits.queries}};
    for (size_t i = 0; i < sizeof symbol / sizeof *symbol; i++) {
        if (symbol[i].count < 1 || symbol[i].count > symbol[i].limit)
            return goss_error_set(err, GOSS_E_ARGUMENT, "a batch with %s = %d: 1 to %d were planned", symbol[i].name,
                                  symbol[i].count, symbol[i].limit);
        GOSS_TRY(forgive(goss_exec_count(exec, symbol[i].name, symbol[i].count, NULL)));
    }
    return GOSS_OK;
}
