/* SPDX-License-Identifier: Apache-2.0 */
/* task.h: task sources, independent of the kind of data.
 *
 * A task source draws tasks: support samples to adapt from, queries to evaluate on, and side information (a descriptor,
 * the id of a training task). Task k is a pure function of the source and k, so that every method, thread and process
 * sees the same one. Episodes of image classes (goss_sampler_source, episode.h), images of many tasks (image_task.h)
 * and the tasks of a table (goss_table_source_open, table_task.h) are sources; a program implements its own by filling
 * in goss_task_source (examples/own_dataset.c). */
#ifndef GOSSAMER_TASK_H
#define GOSSAMER_TASK_H

#include "gossamer/exec.h"
#include "gossamer/objective.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GOSS_TASK_MAX_RANK 6

/* The properties of a source's tasks: common ones, and maxima. */
typedef struct goss_task_spec {
    /* Of a sample's x: 1 for a row of a table, 2 for a sequence (steps, channels), 3 for an image (height, width,
     * channels). */
    int input_rank;
    int64_t input[GOSS_TASK_MAX_RANK];
    const goss_objective *objective; /* NULL: classification */
    int outputs;                     /* the most classes, or the numbers of a target: W */
    int supports, queries;           /* samples of a task at most; support sets may be empty */
    int descriptor;                  /* length of a task's descriptor; 0: none */
    int64_t ids;                     /* tasks with an id, 0 .. ids - 1; 0: none */
    /* Samples of things that all tasks share, such as the items that users rate: the last number of x is the item's, 1
     * .. items - 1, or 0 for one that is not known. 0: samples are of none. input_rank 1 only; at most 2^24. Networks
     * see, in place of that number, a row of a table [items, item_numbers] that is learned along (goss_task_batch). */
    int64_t items;
    int item_numbers;    /* at least 1 with items */
    bool shared_classes; /* class w has the same meaning in all tasks, and each has `outputs` classes */
    /* Tasks with an id have their own classes, always the same ones in the same order: as many as a draw writes to
     * goss_task.outputs, at most `outputs`. */
    bool task_classes;
    bool support_weights; /* support samples have weights; else all of them count 1 */
    /* Targets of numbers may lack components: these are NaN, and count in no loss and no metric. A sample counts by the
     * share of its components that are known. Of objectives that weigh each sample by itself. */
    bool partial;
    bool known;              /* every drawn task has an id: none is new */
    bool lengths;            /* sequences of fewer than input[0] steps: samples have lengths. input_rank 2 only */
    goss_target_scale scale; /* of regression; borrowed from the source */
} goss_task_spec;

/* A task in the caller's memory, with room for the spec's maxima. Any pointer may be NULL: not wanted. Weights and the
 * class mask are 1 before the draw. */
typedef struct goss_task {
    /* That a draw may use, and nobody else meanwhile; NULL: the caller's thread alone. A source that draws from another
     * one passes them on. */
    goss_threads *threads;
    float *support; /* [supports, x...] */
    /* [supports] class numbers from 0, or [supports, input[0]] of steps; without classes [supports, outputs] in the
     * user's units, with NaN for what is missing of a partial spec's */
    float *support_target;
    float *support_weight;                      /* [supports], if the spec has such weights */
    float *query, *query_target, *query_weight; /* the same for queries; weight 0: padding */
    /* [supports], [queries] steps of each sample, 1 .. input[0], where the spec has lengths; input[0] before the draw.
     * What a sample has beyond its length is ignored. */
    int32_t *support_length, *query_length;
    float *descriptor;                  /* [descriptor] numbers from 0 to 1 */
    float *class_mask;                  /* [outputs] 0 for classes that the task lacks */
    int32_t *support_rows, *query_rows; /* the samples' indices in their data set, for reports */
    int64_t id;                         /* written: id of the task, -1: none (a new task) */
    int supports, queries;              /* written: numbers of samples */
    int outputs; /* written: classes, of which some may be masked, or numbers of a target; before: the spec's */
} goss_task;

/* A source of tasks. Threads: it belongs to one thread at a time, since a draw may use scratch memory of the
 * context. */
typedef struct goss_task_source goss_task_source;
struct goss_task_source {
    goss_task_spec spec;
    void *context;
    /* Draws task k. Allocates nothing and cannot fail: errors are detected when the source is created. A pure function
     * of (source, k), whatever task->threads. */
    void (*draw)(const goss_task_source *source, uint64_t k, goss_task *task);
    /* The number of distinct tasks if they are drawn in turn: draw k / tasks of task k % tasks. 0: every k is another
     * task. */
    int64_t tasks;
    /* The name of task k, valid until the source ends; NULL: tasks have no names. */
    const char *(*name)(const goss_task_source *source, uint64_t k);
    void (*free)(void *context); /* NULL: the context is not the source's */
};
/* Calls source->free, if it is set; the struct itself is the caller's. NULL is allowed. */
GOSS_API void goss_task_source_free(goss_task_source *source);

/* Validates a spec. Errors: GOSS_E_ARGUMENT names the invalid field. */
GOSS_API GOSS_MUST_USE goss_status goss_task_spec_check(const goss_task_spec *spec, goss_error *err);
/* The objective; never NULL. Static storage. */
GOSS_API const goss_objective *goss_task_objective(const goss_task_spec *spec);
/* The number of elements of a sample's x: the product of `input`. */
GOSS_API size_t goss_task_input_size(const goss_task_spec *spec);
/* The input of networks for such tasks, which have the row of an item in the place of its number. Shapes: out
 * [input_rank]. Returns out. */
GOSS_API const int64_t *goss_task_network_input(const goss_task_spec *spec, int64_t out[GOSS_TASK_MAX_RANK]);
/* The number of elements of a raw target: 1 with classes (input[0] if each step has one), else `outputs`. */
GOSS_API int goss_task_target_size(const goss_task_spec *spec);
/* Whether output w has a fixed meaning whenever a task is drawn: without classes, with shared classes, and with
 * task_classes (where it differs by task, so that each needs a head). The head may then be part of the network;
 * otherwise heads are computed for the drawn classes. */
GOSS_API bool goss_task_fixed_outputs(const goss_task_spec *spec);

#ifdef __cplusplus
}
#endif
#endif
