/* SPDX-License-Identifier: Apache-2.0 */
/* task_pack.h: host memory for the inputs of a batch of tasks (gossamer/method.h, goss_task_batch).
 *
 * Tasks are drawn directly into contiguous buffers; a batch has the extents of its largest task, smaller ones are
 * padded. All memory is allocated at creation. */
#ifndef GOSS_TASK_TASK_PACK_H
#define GOSS_TASK_TASK_PACK_H

#include "base/rng.h"
#include "gossamer/exec.h"
#include "gossamer/task.h"

/* What a task in the pack has. */
typedef struct goss__task_size {
    int outputs, supports, queries;
} goss__task_size;

typedef struct goss__task_pack {
    int max_tasks;
    goss_threads *threads;                 /* of draws, borrowed; NULL: the caller's alone */
    goss_task_spec spec;                   /* as planned: the maxima are those of the buffers */
    int tasks, outputs, supports, queries; /* of the batch that is in it */
    int64_t steps;                         /* of its longest sample, where samples have lengths */
    float *support, *support_target, *support_weight, *assign, *query, *query_target, *query_weight, *class_mask;
    float *support_known, *query_known;   /* 1 or 0 for each component of a target; NULL: the spec is not partial */
    float *support_length, *query_length; /* steps of sequences; NULL: the spec has no lengths */
    float *descriptor;
    float *known;       /* 1 where a task has a number, 0 where it is new */
    int32_t *task, *id; /* number for random streams; row of the table of ids, spec.ids for a new task */
    /* Where samples are of items: the distinct ones of the batch in the order in which they come [items], and for each
     * sample its place among them [tasks, supports], [tasks, queries]; NULL: the spec has none. */
    int32_t *item_rows, *support_item, *query_item;
    int items;              /* distinct ones, at least 1 */
    int32_t *item_place;    /* scratch: [spec.items + 1] 1 + the place of an item that was met, else 0 */
    float *raw[2];          /* targets as the source gives them [tasks, planned, target size], support and query */
    goss__task_size *sizes; /* of each task */
    uint32_t *order;        /* scratch: [queries] */
    int32_t *drawn[2];      /* scratch: lengths of a task, [supports], [queries] */
} goss__task_pack;

/* Allocates for the spec's maxima, and for at least one (blank) query a task. The spec's scale is borrowed. threads: of
 * draws (goss_task.threads). */
goss_status goss__task_pack_init(goss__task_pack *b, int max_tasks, const goss_task_spec *spec, goss_threads *threads,
                                 goss_error *err);
void goss__task_pack_free(goss__task_pack *b);
/* Numbers of a sample in the batch that is in it. */
size_t goss__task_pack_input(const goss__task_pack *b);
/* Answers of a sample in it: 1, or the steps of the batch where each has one. */
size_t goss__task_pack_answers(const goss__task_pack *b);
/* Draws tasks [first, first + tasks), tasks <= max_tasks. The source's maxima must lie within the pack's. */
void goss__task_pack_draw(goss__task_pack *b, const goss_task_source *source, uint64_t first, int tasks);
/* Mixup of what was drawn, tasks [first, first + tasks): the queries of a task in pairs, drawn at random, become l a +
 * (1 - l) b and l b + (1 - l) a, inputs and encoded targets alike, l ~ Beta(alpha, alpha) for each pair; an odd one
 * stays. Raw targets stay as they are. A pure function of (seed, first). (task_mix.c) */
void goss__task_pack_mix(goss__task_pack *b, double alpha, uint64_t seed, uint64_t first);
/* A draw from Beta(alpha, alpha), alpha > 0. */
double goss__beta_draw(double alpha, goss__rng *rng);
/* The most distinct items of a batch of `tasks` tasks. (task_items.c) */
int64_t goss__task_items_most(const goss_task_spec *spec, int64_t tasks);
/* Finds the items of what was drawn. (task_items.c) */
void goss__task_pack_items(goss__task_pack *b);
/* Binds those inputs that a program has, and sets the counts of those symbols that it has. */
goss_status goss__task_pack_bind(const goss__task_pack *b, goss_exec *exec, goss_error *err);
/* The same for tasks [first, first + tasks) of the batch alone. */
goss_status goss__task_pack_bind_some(const goss__task_pack *b, int first, int tasks, goss_exec *exec, goss_error *err);
/* Task t's query targets as given by the source. */
const float *goss__task_pack_raw_query(const goss__task_pack *b, int t);
#endif
