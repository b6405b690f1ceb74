/* SPDX-License-Identifier: Apache-2.0 */
/* task_noise.c: a task source that adds noise to the inputs of queries, to measure robustness. */
#include "task/task_noise.h"

#include "base/alloc.h"
#include "base/rng.h"

typedef struct noisy {
    goss_task_source clean;
    double level;
    uint64_t seed;
} noisy;

static void draw_noisy(const goss_task_source *source, uint64_t k, goss_task *task) {
    const noisy *c = source->context;
    c->clean.draw(&c->clean, k, task);
    if (!task->query) return;
    goss__rng rng = goss__rng_make(c->seed, goss__hash64(&k, sizeof k, 0x6e6f697365)); /* "noise" */
    const size_t x = goss_task_input_size(&source->spec), n = (size_t)task->queries * x;
    for (size_t i = 0; i < n; i++)
        if (source->spec.items == 0 || i % x + 1 < x) task->query[i] += (float)(c->level * goss__rng_normal(&rng));
}

static const char *name_of(const goss_task_source *source, uint64_t k) {
    const noisy *c = source->context;
    return c->clean.name(&c->clean, k);
}

static void free_noisy(void *context) {
    noisy *c = context;
    goss_task_source_free(&c->clean);
    goss__free(c);
}

goss_status goss__task_noise(goss_task_source *clean, double level, uint64_t seed, goss_task_source *out,
                             goss_error *err) {
    noisy *c = goss__calloc(1, sizeof *c);
    if (!c) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a task source");
    *c = (noisy){*clean, level, seed};
    *out = (goss_task_source){.spec = clean->spec,
                              .context = c,
                              .draw = draw_noisy,
                              .tasks = clean->tasks,
                              .name = clean->name ? name_of : NULL,
                              .free = free_noisy};
    *clean = (goss_task_source){0};
    return GOSS_OK;
}
