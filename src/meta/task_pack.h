/* SPDX-License-Identifier: Apache-2.0 */
/* task_pack.h: host memory for the inputs of a batch of episodes (gossamer/method.h, goss_task_batch).
 *
 * Episodes are drawn straight into the buffers, side by side; where they differ in size the batch is as large as its
 * largest one and the rest is padding. All memory is had at the start. */
#ifndef GOSS_META_TASK_PACK_H
#define GOSS_META_TASK_PACK_H

#include "gossamer/episode.h"
#include "gossamer/exec.h"

typedef struct goss__task_pack {
    int max_tasks;
    goss_episode_limits limits;         /* of one episode, as planned */
    int tasks, ways, supports, queries; /* of the batch that is in it */
    float *support, *support_target, *assign, *query, *query_target, *query_weight, *class_mask;
    int32_t *task;
    int32_t *labels[2]; /* scratch: support and query labels [tasks, ...] at the planned strides */
    int *sizes;         /* scratch: ways, supports, queries of each task */
} goss__task_pack;

goss_status goss__task_pack_init(goss__task_pack *b, int max_tasks, goss_episode_limits limits, goss_error *err);
void goss__task_pack_free(goss__task_pack *b);
/* Draws episodes [first, first + tasks), tasks <= max_tasks. The sampler's limits must lie within the pack's. */
void goss__task_pack_draw(goss__task_pack *b, goss_sampler *sampler, uint64_t first, int tasks);
/* One task with given labels (ascending or not) and supports[n] images already in b->support; no query but a blank. */
void goss__task_pack_support(goss__task_pack *b, const int32_t *labels, int supports, int ways);
/* Binds those inputs that a program has, and sets the counts of those symbols that it has. */
goss_status goss__task_pack_bind(const goss__task_pack *b, goss_exec *exec, goss_error *err);
#endif
