/* SPDX-License-Identifier: Apache-2.0 */
/* compare.h: models and regularisers on the same data: the same rows, the same budget, the same search for each.
 *
 * A row is a model with a regulariser. A cell is a row with a seed, which divides the samples inside of every task
 * (data.split: training, validation, test) and starts the weights; all rows see the same divisions, so that their
 * differences are paired. Of each cell every strength is trained on training samples; the strength and the number of
 * steps that validate best are trained once more on training and validation samples together, and that model is judged
 * on test samples once. Closed forms for rows of tables choose their strengths in the same way.
 *
 * Cells run in processes of their own, forked by goss_compare_run; what each gave is a small file in the folder of the
 * comparison, so that it goes on where it was stopped, and may be divided over machines. Threads: a comparison belongs
 * to one thread, in a process that has no others when goss_compare_run is called. */
#ifndef GOSSAMER_COMPARE_H
#define GOSSAMER_COMPARE_H

#include <signal.h>

#include "gossamer/config.h"
#include "gossamer/objective.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The keys of the section [compare], for help. Static storage. */
GOSS_API const goss_key *goss_compare_keys(int *n);

typedef struct goss_compare goss_compare;

/* Reads a configuration of a training run with a section [compare], sections [model.NAME] and [compare.NAME] of
 * settings that one model or one regulariser has of its own, and sections [regularizer.NAME]; settings [n],
 * "section.key=value", go over the file. Errors: GOSS_E_IO, GOSS_E_FORMAT, GOSS_E_ARGUMENT with file and line: unknown
 * keys, models and regularisers, names that are there twice, lists that are none. Owns: *out, goss_compare_free. */
GOSS_API GOSS_MUST_USE goss_status goss_compare_open(const char *path, const char *const *settings, int n,
                                                     goss_compare **out, goss_error *err);
GOSS_API void goss_compare_free(goss_compare *c); /* NULL allowed */
GOSS_API int goss_compare_cells(const goss_compare *c);
GOSS_API const char *goss_compare_folder(const goss_compare *c); /* compare.dir */

typedef struct goss_compare_progress {
    int done, cells; /* of this call's share */
    const char *row; /* that has just ended */
    int seed;
    double seconds;    /* since the call */
    const char *error; /* NULL: it is done */
} goss_compare_progress;

typedef struct goss_compare_options {
    int shard, shards;                 /* only every shards-th cell, from the shard-th (1 ..) on; shards 0: all */
    const volatile sig_atomic_t *stop; /* as in goss_train_options; may be NULL */
    void (*progress)(void *context, const goss_compare_progress *p); /* may be NULL */
    void *context;
} goss_compare_options;

/* Opens every row without training it, then runs the cells that have no result yet. *failed: cells that gave an error,
 * each told through `progress`; the others run all the same. Errors: what is wrong with a row, by its name, or that
 * there are results of other data, before the first cell begins; GOSS_E_INTERRUPTED (what is done is kept);
 * GOSS_E_IO. */
GOSS_API GOSS_MUST_USE goss_status goss_compare_run(goss_compare *c, const goss_compare_options *options, int *failed,
                                                    goss_error *err);

/* ---- what came of it ---- */

typedef struct goss_compare_row {
    const char *name, *model, *regularizer; /* regularizer "none": the model alone */
    double value;                           /* mean over tasks, then over seeds; NaN: no cell is done */
    double ci95;                            /* half its 95 % interval (below); NaN: not known */
    double explained;       /* 1 - squared error / variance over all test samples, mean over seeds; NaN with classes */
    double seconds;         /* of a cell: search and the last training, mean over seeds */
    double strength;        /* that was chosen, median over seeds; NaN: there is none to choose */
    int seeds;              /* cells that are done */
    const char *worst_task; /* by its mean over seeds; NULL: none */
    double worst_value;
    int worse_than_alone; /* tasks whose mean over seeds is worse than that of `alone`; -1: there is no row of it */
} goss_compare_row;

/* a - b, paired: same seeds, same tasks. */
typedef struct goss_compare_difference {
    int a, b; /* rows */
    double value, ci95;
} goss_compare_difference;

/* Intervals are Student's, two of them, and the wider one is given: over the seeds' means (what other divisions of the
 * same samples would give), and over the tasks' means (what other tasks of the same kind would). The best of many rows
 * is chosen by the numbers that it is told with: its lead is optimistic. */
typedef struct goss_comparison {
    const goss_metric *metric;
    goss_compare_row *row;
    int rows;
    goss_compare_difference *difference;
    int differences;
    char *verdict;
    int done, cells;
    int tasks;
    const char *const *task; /* [tasks] names */
    double *each;            /* [rows, tasks] mean over seeds; NaN: none */
} goss_comparison;

/* Of the cells that are done. Errors: GOSS_E_ARGUMENT: no cell is done, or cells are of different data; GOSS_E_FORMAT
 * for a damaged result, with its file. Owns: goss_comparison_free; texts are borrowed from it and from c. */
GOSS_API GOSS_MUST_USE goss_status goss_compare_summarize(const goss_compare *c, goss_comparison *out, goss_error *err);
GOSS_API void goss_comparison_free(goss_comparison *s);

#ifdef __cplusplus
}
#endif
#endif
