/* SPDX-License-Identifier: Apache-2.0 */
/* task.h: where tasks come from, whatever they are about.
 *
 * A task source draws tasks: support samples to adapt from, queries to be judged on, and what else is known of the task
 * (a descriptor, its number among the tasks that are trained on). Task k is a pure function of the source and k, so
 * that every method, thread and process that asks for it sees the same one. Episodes of image classes are a source
 * (goss_sampler_source in episode.h); so are the tasks of a table; a program makes its own by filling in
 * goss_task_source. */
#ifndef GOSSAMER_TASK_H
#define GOSSAMER_TASK_H

#include "gossamer/objective.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GOSS_TASK_MAX_RANK 6

/* The shape of a source's tasks: what holds for all of them, and the most that one has. */
typedef struct goss_task_spec {
    int input_rank; /* of a sample's x: 1 for a row of a table, 3 for an image (height, width, channels) */
    int64_t input[GOSS_TASK_MAX_RANK];
    const goss_objective *objective; /* NULL: classification */
    int outputs;                     /* the most classes, or the numbers of a target: W */
    int supports, queries;           /* samples of a task at most; support sets may be empty */
    int descriptor;                  /* numbers of a task's descriptor; 0: none */
    int64_t ids;                     /* tasks that have a number, 0 .. ids - 1; 0: none has */
    bool shared_classes;             /* class w is the same in all tasks, and each has `outputs` of them */
    bool task_classes; /* tasks with a number have classes of their own, always the same ones in the same order: as many
                          as a draw writes into goss_task.outputs, at most `outputs` */
    bool support_weights;    /* support samples have weights of their own; else all that are there count 1 */
    bool known;              /* every task that is drawn has a number: none is new */
    goss_target_scale scale; /* of regression; borrowed from the source */
} goss_task_spec;

/* One task in the caller's memory, as many samples as the spec's maxima. Any pointer may be NULL: it is not wanted.
 * Weights and the class mask are 1 before the draw. */
typedef struct goss_task {
    float *support; /* [supports, x...] */
    /* [supports] class numbers from 0; without classes [supports, outputs] in the user's units */
    float *support_target;
    float *support_weight;                      /* [supports], where the spec has such weights */
    float *query, *query_target, *query_weight; /* the same of the queries; weight 0: does not count */
    float *descriptor;                          /* [descriptor] numbers from 0 to 1 */
    float *class_mask;                          /* [outputs] 0 for classes that the task has not */
    int32_t *support_rows, *query_rows;         /* the samples' numbers in their data set, for reports */
    int64_t id;                                 /* written: number of the task, -1: it has none (it is new) */
    int supports, queries;                      /* written: samples that there are */
    int outputs; /* written: classes, of which some may be masked, or numbers of a target; before: the spec's */
} goss_task;

typedef struct goss_task_source goss_task_source;
struct goss_task_source {
    goss_task_spec spec;
    void *context;
    /* Draws task k. Allocates nothing and cannot fail: what could go wrong is found when the source is made. A pure
     * function of (source, k). */
    void (*draw)(const goss_task_source *source, uint64_t k, goss_task *task);
    /* How many different tasks there are, where draws go over them in turn: task k % tasks, with its draw k / tasks. 0:
     * each k is a task of its own. */
    int64_t tasks;
    /* The name of task k, valid until the source ends; NULL: tasks have no names. */
    const char *(*name)(const goss_task_source *source, uint64_t k);
    void (*free)(void *context); /* NULL: the context is not the source's */
};
/* Threads: a source belongs to one thread at a time, since a draw may use scratch memory of the context. */

GOSS_API void goss_task_source_free(goss_task_source *source); /* NULL allowed; the struct itself is the caller's */

/* What every source must keep. Errors: GOSS_E_ARGUMENT names the field that is wrong. */
GOSS_API GOSS_MUST_USE goss_status goss_task_spec_check(const goss_task_spec *spec, goss_error *err);
/* The objective (never NULL), numbers in a sample's x, and numbers in a raw target. */
GOSS_API const goss_objective *goss_task_objective(const goss_task_spec *spec);
GOSS_API size_t goss_task_input_size(const goss_task_spec *spec);
GOSS_API int goss_task_target_size(const goss_task_spec *spec);
/* Whether output w means the same whenever a task is drawn: without classes, with shared ones, and with task_classes
 * (where it means something else in each task, so that each needs a head of its own). A network's head may then be part
 * of it; else heads are made for the classes that were drawn. */
GOSS_API bool goss_task_fixed_outputs(const goss_task_spec *spec);

#ifdef __cplusplus
}
#endif
#endif
