/* SPDX-License-Identifier: Apache-2.0 */
/* feed.c: a prefetch thread with double buffering: it draws the next step's tasks while the current ones are trained
 * on. A draw depends on the step's number alone, not on timing. */
#include <pthread.h>

#include "base/alloc.h"
#include "train/run_data.h"

struct goss__feed {
    const goss__run_data *data;
    goss__task_pack pack[2];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t drawn, taken; /* steps; drawn - taken is at most 1, since the batch taken last is still in use */
    bool stop, running;
};

static bool has_room(const goss__feed *f) { return f->drawn < f->taken + 1; }

static void *draw_ahead(void *context) {
    goss__feed *f = context;
    pthread_mutex_lock(&f->lock);
    for (;;) {
        while (!f->stop && !has_room(f)) pthread_cond_wait(&f->changed, &f->lock);
        if (f->stop) break;
        uint64_t k = f->drawn;
        pthread_mutex_unlock(&f->lock);
        goss__run_data_draw(f->data, k, &f->pack[k & 1]);
        pthread_mutex_lock(&f->lock);
        f->drawn++;
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

const goss__task_pack *goss__feed_next(goss__feed *f) {
    pthread_mutex_lock(&f->lock);
    while (f->drawn == f->taken) pthread_cond_wait(&f->changed, &f->lock);
    const goss__task_pack *pack = &f->pack[f->taken & 1];
    f->taken++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return pack;
}

goss_status goss__feed_start(const goss__run_data *d, uint64_t first, goss__feed **out, goss_error *err) {
    goss__feed *f = *out = goss__calloc(1, sizeof *f);
    if (!f) return goss_error_set(err, GOSS_E_NOMEM, "no memory for batches");
    f->data = d, f->drawn = f->taken = first;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    goss_status s = GOSS_OK;
    for (int i = 0; i < 2 && s == GOSS_OK; i++)
        s = goss__task_pack_init(&f->pack[i], d->tasks, &d->source.spec, NULL, err);
    if (s == GOSS_OK && pthread_create(&f->thread, NULL, draw_ahead, f) != 0)
        s = goss_error_set(err, GOSS_E_NOMEM, "can not start the thread that draws tasks");
    f->running = s == GOSS_OK;
    if (s == GOSS_OK) return s;
    goss__feed_stop(f);
    *out = NULL;
    return s;
}

void goss__feed_stop(goss__feed *f) {
    if (!f) return;
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    if (f->running) pthread_join(f->thread, NULL);
    for (int i = 0; i < 2; i++) goss__task_pack_free(&f->pack[i]);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    goss__free(f);
}
