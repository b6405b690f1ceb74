/* SPDX-License-Identifier: Apache-2.0 */
/* image_draw.c: one part of the images of all tasks as a task source.
 *
 * A task's images are shuffled anew each epoch and each draw takes the next few. Epoch and position follow from the
 * number of the draw, so no state is kept between draws. */
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "task/image_tasks.h"
#include "task/image_warp.h"

typedef struct source {
    const goss_image_tasks *t;
    goss_image_source_options o;
    goss__image_warp warp;
    uint32_t *place, *turn; /* scratch: [images of the largest task], [tasks] */
} source;

goss_image_source_options goss_image_source_defaults(void) {
    return (goss_image_source_options){.part = GOSS_PART_TRAIN, .seed = 1};
}

static void free_source(void *context) {
    source *s = context;
    goss__image_warp_free(&s->warp);
    goss__free(s->place), goss__free(s->turn);
    goss__free(s);
}

/* Every task occurs once an epoch. */
static int task_of(const source *s, uint64_t k) {
    const uint64_t n = (uint64_t)s->t->plan.tasks;
    if (!s->o.shuffle) return (int)(k % n);
    goss__rng rng = goss__rng_make(s->o.seed, goss__hash64(&(uint64_t){k / n}, sizeof k, 31));
    for (uint32_t i = 0; i < n; i++) s->turn[i] = i;
    goss__rng_shuffle(&rng, s->turn, (uint32_t)n, (uint32_t)(k % n) + 1);
    return (int)s->turn[k % n];
}

/* Writes the images of a task's draw to the front of s->place; returns how many. The last incomplete batch of an
 * epoch is dropped. */
static int choose(const source *s, int task, uint64_t round, int n) {
    const char *name = s->t->plan.task[task];
    for (int i = 0; i < n; i++) s->place[i] = (uint32_t)i;
    if (s->o.queries <= 0 || s->o.queries >= n) return n;
    const uint64_t draws = (uint64_t)(n / s->o.queries), first = round % draws * (uint64_t)s->o.queries;
    goss__rng rng = goss__rng_make(
        s->o.seed, goss__hash64(&(uint64_t){round / draws}, sizeof round, goss__hash64(name, strlen(name), 32)));
    goss__rng_shuffle(&rng, s->place, (uint32_t)n, (uint32_t)first + (uint32_t)s->o.queries);
    memmove(s->place, s->place + first, (size_t)s->o.queries * sizeof *s->place);
    return s->o.queries;
}

static void draw(const goss_task_source *source_, uint64_t k, goss_task *out) {
    source *s = source_->context;
    const int task = task_of(s, k);
    const int32_t *output;
    int n;
    const int32_t *image = goss_image_tasks_images(s->t, task, s->o.part, &output, &n);
    n = choose(s, task, k / (uint64_t)s->t->plan.tasks, n);
    for (int i = 0; i < n; i++) {
        const uint32_t at = s->place[i];
        const uint64_t stream[2] = {k, (uint64_t)i};
        if (out->query)
            goss__image_warp_emit(&s->warp, image[at], 0, goss__hash64(stream, sizeof stream, 33),
                                  out->query + (size_t)i * goss_task_input_size(&source_->spec));
        if (out->query_target) out->query_target[i] = (float)output[at];
        if (out->query_rows) out->query_rows[i] = image[at];
    }
    out->supports = 0, out->queries = n, out->outputs = s->t->task[task].outputs, out->id = task;
}

static const char *name(const goss_task_source *source_, uint64_t k) {
    const source *s = source_->context;
    return s->t->plan.task[task_of(s, k)];
}

static int smaller(int a, int b) { return a < b ? a : b; }

static goss_task_spec spec_of(const source *s, int largest) {
    const goss_image_format f = goss_images_format(s->t->set);
    goss_task_spec spec = {.input_rank = 3,
                           .input = {f.height, f.width, f.channels},
                           .task_classes = true,
                           .known = true,
                           .queries = s->o.queries > 0 ? smaller(s->o.queries, largest) : largest,
                           .ids = s->t->plan.tasks};
    for (int i = 0; i < s->t->plan.tasks; i++)
        if (s->t->task[i].outputs > spec.outputs) spec.outputs = s->t->task[i].outputs;
    return spec;
}

static goss_status open_source(source *s, int *largest, goss_error *err) {
    *largest = 0;
    for (int i = 0; i < s->t->plan.tasks; i++) {
        const int n = s->t->task[i].count[s->o.part];
        *largest = n > *largest ? n : *largest;
    }
    if (*largest == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "no images are %s: data.split says which share is, as .5,.2,.3",
                              s->o.part == GOSS_PART_TEST ? "kept apart for testing" : "there to validate on");
    s->place = goss__calloc((size_t)*largest, sizeof *s->place);
    s->turn = goss__calloc((size_t)s->t->plan.tasks, sizeof *s->turn);
    if (!s->place || !s->turn) return goss_error_set(err, GOSS_E_NOMEM, "no memory for tasks of %d images", *largest);
    s->warp = (goss__image_warp){
        .set = s->t->set, .augment = s->o.augment, .elastic = s->o.elastic, .mirror = s->o.mirror, .seed = s->o.seed};
    return goss__image_warp_init(&s->warp, err);
}

goss_status goss_image_tasks_source(const goss_image_tasks *t, const goss_image_source_options *options,
                                    goss_task_source *out, goss_error *err) {
    int largest;
    *out = (goss_task_source){0};
    source *s = goss__calloc(1, sizeof *s);
    if (!s) return goss_error_set(err, GOSS_E_NOMEM, "no memory for tasks");
    s->t = t, s->o = options ? *options : goss_image_source_defaults();
    const goss_status status = open_source(s, &largest, err);
    if (status != GOSS_OK) {
        free_source(s);
        return status;
    }
    *out = (goss_task_source){.spec = spec_of(s, largest),
                              .context = s,
                              .draw = draw,
                              .tasks = t->plan.tasks,
                              .name = name,
                              .free = free_source};
    if (s->o.shuffle) out->tasks = 0;
    return GOSS_OK;
}
