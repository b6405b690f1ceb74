/* SPDX-License-Identifier: Apache-2.0 */
/* representation.h: what a model makes of samples on the way to its answers: of each value that its method publishes
 * (goss_publish) how many directions it uses, how much it varies, and how similar the networks of different tasks are.
 *
 * A value [T, N, ...] of the N queries or support samples of each task is a matrix with a row for each sample; where
 * its samples have lengths and it has steps, a row for each step. A value [T, ...] of tasks alone (embedding/task,
 * generated/..., weights/...) is a matrix with a row for each task.
 *
 *     goss_representation_options o = {.on = "hidden/dense1", .tasks = source->tasks};
 *     goss_representations r;
 *     GOSS_TRY(goss_model_representations(m, source, &o, &r, err));
 *     for (int i = 0; i < r.n; i++) printf("%s %.2f\n", r.of[i].name, r.of[i].all.effective_rank);
 *     goss_representations_free(&r); */
#ifndef GOSSAMER_REPRESENTATION_H
#define GOSSAMER_REPRESENTATION_H

#include "gossamer/exec.h"
#include "gossamer/model.h"
#include "gossamer/regularizer.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The representations among what methods publish: the default of goss_representation_options.on. */
#define GOSS_REPRESENTATIONS "features/*,hidden/*,embedding/*,generated/*"

/* How values are measured; all zero but `tasks` is valid. Results are the same for any number of threads. */
typedef struct goss_representation_options {
    const char *on;        /* a pattern of published values (goss_published); NULL: GOSS_REPRESENTATIONS */
    int64_t tasks;         /* draws 0 .. tasks - 1 of the source, one of each task */
    bool over_all;         /* only goss_representation.all, which costs least */
    goss_threads *threads; /* NULL: created for the call */
} goss_representation_options;

/* A published value over the tasks of a source. Effective ranks of few rows are limited by their number: those of tasks
 * compare with each other where the tasks have as many samples, those over all tasks between models on one data set. */
typedef struct goss_representation {
    char *name, *shape;      /* "hidden/dense1", "T x Q x 64" (goss_model_published) */
    bool measured;           /* false: its extents differ between tasks, and there are no figures */
    bool of_samples;         /* rows are samples or their steps; else tasks */
    int64_t every;           /* every k-th row was taken (below) */
    goss_matrix_figures all; /* of all tasks' rows as one matrix */
    /* What units are is the value's: each number of a sample, of maps at each position. A dead one is the same for all
     * samples of the matrix, so that a unit may be dead in a task and alive over all. */
    goss_matrix_figures *task; /* [tasks] of each task's rows; NULL: of tasks, or not asked for */
    /* Linear CKA (goss_linear_cka) of two tasks' networks on the same samples, mean over pairs of tasks; 1: they are
     * the same. NaN: not of queries, a single task, more than GOSS_SIMILAR_TASKS, or all networks are constant. */
    double similarity;
    double *similar; /* [tasks] of each to the others; NaN: constant. NULL: as `task`, or no similarity */
} goss_representation;

/* The values in the order in which they are published; one with two names (hidden/relu1, features/block1) has its first
 * that matches. */
typedef struct goss_representations {
    goss_representation *of; /* [n] */
    int n;
    int64_t tasks; /* of goss_representation_options */
    int common;    /* samples that similarities are of */
} goss_representations;

/* Tasks whose networks are compared, at most: each has a matrix of its own of all common samples by all. */
#define GOSS_SIMILAR_TASKS 2048

/* Runs tasks of a source through a model, as evaluation does (no dropout, running statistics), and measures what it
 * publishes. Matrices have at most 2^24 numbers, and 1024 rows where they have more than 1024 columns: of larger ones
 * every k-th row is taken. Similarities are of 16 to 256 queries, spread evenly over all tasks, which every task's
 * network then gets. Errors: GOSS_E_ARGUMENT: no value of that name (with near names), a source of another kind of
 * tasks; GOSS_E_NUMERIC: values that are not finite, by name; those of the method; GOSS_E_NOMEM. Owns: *out,
 * goss_representations_free. Threads: the source's. */
GOSS_API GOSS_MUST_USE goss_status goss_model_representations(const goss_model *m, const goss_task_source *source,
                                                              const goss_representation_options *options,
                                                              goss_representations *out, goss_error *err);
/* Frees what is in *r, not the struct. All zero is allowed. */
GOSS_API void goss_representations_free(goss_representations *r);
/* Whether a model publishes values that match a pattern (NULL: GOSS_REPRESENTATIONS) for tasks of a source, without
 * running it: what can be asked before a model is trained. Errors: as above; GOSS_OK: it does. Threads: any. */
GOSS_API GOSS_MUST_USE goss_status goss_model_represents(const goss_model *m, const goss_task_source *source,
                                                         const char *on, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
