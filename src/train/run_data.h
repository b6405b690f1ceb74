/* SPDX-License-Identifier: Apache-2.0 */
/* run_data.h: the images of a run: what is trained on, what is validated on, and a thread that draws ahead. */
#ifndef GOSS_TRAIN_RUN_DATA_H
#define GOSS_TRAIN_RUN_DATA_H

#include <signal.h>

#include "gossamer/config.h"
#include "gossamer/episode.h"
#include "task/task_pack.h"

typedef struct goss__run_data {
    goss_images *set;
    goss_class_list train, held;
    goss_sampler **samplers; /* one for each number of shots, min_shots ascending */
    int n_samplers;
    goss_task_source source;  /* of training: task k belongs to step k / tasks */
    goss_sampler *validation; /* NULL: none */
    uint64_t seed;
    int tasks;
} goss__run_data;

/* Where decoded images may be kept, and what gives up decoding. */
typedef struct goss__run_place {
    const char *dir;
    const volatile sig_atomic_t *stop; /* NULL: nothing */
} goss__run_place;

goss_status goss__run_data_open(goss__run_data *d, const goss_config *c, const goss__run_place *place, goss_error *err);
void goss__run_data_close(goss__run_data *d);
/* Draws the episodes of step k: a pure function of (seed, k). */
void goss__run_data_draw(const goss__run_data *d, uint64_t k, goss__task_pack *pack);

/* A thread that draws step k + 1 while step k is trained on. */
typedef struct goss__feed goss__feed;
goss_status goss__feed_start(const goss__run_data *d, uint64_t first, goss__feed **out, goss_error *err);
void goss__feed_stop(goss__feed *f); /* NULL allowed */
/* The next step's batch, valid until the call after. Waits for it. */
const goss__task_pack *goss__feed_next(goss__feed *f);
#endif
