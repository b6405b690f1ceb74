/* SPDX-License-Identifier: Apache-2.0 */
/* compare.h: comparison of models and regularisers on the same data, with equal budgets and the same search of
 * hyperparameters.
 *
 * A row is a model with a regulariser. A cell is a row with a seed, which determines the split of every task's samples
 * (data.split: training, validation, test) and the initial weights. All rows use the same splits, so that differences
 * between rows are paired. In each cell, every strength is trained on the training samples; the strength and number of
 * steps with the best validation are trained again on training and validation samples, and that model is evaluated once
 * on the test samples. Closed-form models of table rows select their strengths in the same way.
 *
 * Each cell runs in a process forked by goss_compare_run and writes its result to a small file in the comparison's
 * folder, so that a comparison can be resumed, and distributed over machines. Threads: a comparison belongs to one
 * thread, in a process without other threads when goss_compare_run is called.
 *
 *     GOSS_TRY(goss_compare_open("compare.ini", NULL, 0, &c, err));
 *     GOSS_TRY(goss_compare_run(c, NULL, &failed, err));
 *     GOSS_TRY(goss_compare_summarize(c, &summary, err));             // rows, paired differences, verdict */
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

/* A comparison: rows, cells and the folder of their results. */
typedef struct goss_compare goss_compare;

/* Reads the configuration of a training run with a section [compare], sections [model.NAME] and [compare.NAME] with
 * settings of single models and regularisers, and sections [regularizer.NAME]. settings [n], "section.key=value",
 * override the file. Errors: GOSS_E_IO, GOSS_E_FORMAT, GOSS_E_ARGUMENT with file and line: unknown keys, models and
 * regularisers, repeated names, malformed lists. Owns: *out, goss_compare_free. */
GOSS_API GOSS_MUST_USE goss_status goss_compare_open(const char *path, const char *const *settings, int n,
                                                     goss_compare **out, goss_error *err);
/* Frees a comparison, not its results; NULL is allowed. */
GOSS_API void goss_compare_free(goss_compare *c);
/* The number of cells: rows times seeds. */
GOSS_API int goss_compare_cells(const goss_compare *c);
/* The folder of the results, compare.dir. Borrowed. */
GOSS_API const char *goss_compare_folder(const goss_compare *c);

/* Progress, reported after each cell. */
typedef struct goss_compare_progress {
    int done, cells; /* of this call's shard */
    const char *row; /* the row of the cell that has ended */
    int seed;
    double seconds;    /* since the call */
    const char *error; /* NULL: the cell succeeded */
} goss_compare_progress;

/* Settings of goss_compare_run; all zero is valid. */
typedef struct goss_compare_options {
    int shard, shards;                 /* every shards-th cell, from the shard-th (1 ..) on; shards 0: all */
    const volatile sig_atomic_t *stop; /* as in goss_train_options; may be NULL */
    void (*progress)(void *context, const goss_compare_progress *p); /* may be NULL */
    void *context;
} goss_compare_options;

/* Validates every row without training, then runs the cells that have no result yet. options: NULL: the defaults.
 * *failed: the number of failed cells, each reported through `progress`, which do not stop the others. Errors:
 * GOSS_E_ARGUMENT: a shard out of range; those of an invalid row, with its name, or existing results of other data,
 * before the first cell starts; GOSS_E_INTERRUPTED (finished cells are kept); GOSS_E_IO. */
GOSS_API GOSS_MUST_USE goss_status goss_compare_run(goss_compare *c, const goss_compare_options *options, int *failed,
                                                    goss_error *err);

/* ---- results ---- */

#define GOSS_COMPARE_NOISES 4
#define GOSS_COMPARE_RANKS 4

/* The results of a row over its finished cells. */
typedef struct goss_compare_row {
    const char *name, *model, *regularizer; /* regularizer "none": the model without one */
    double value;                           /* mean over tasks, then seeds; NaN: no finished cell */
    double ci95;                            /* half width of its 95 % interval (below); NaN: unknown */
    double seed_deviation;             /* standard deviation over seeds of the mean over tasks; NaN: fewer than two */
    double noisy[GOSS_COMPARE_NOISES]; /* mean over tasks and seeds with goss_comparison.noise[i] on test inputs */
    /* Effective rank of the published values of goss_comparison.rank_of[i] over all test samples, mean over values and
     * seeds (representation.h); NaN: the row's model publishes none */
    double rank[GOSS_COMPARE_RANKS];
    double explained;       /* 1 - squared error / variance over all test samples, mean over seeds; NaN with classes */
    double seconds;         /* of a cell, search and final training; mean over seeds */
    double strength;        /* the selected one, median over seeds; NaN: no strength */
    int seeds;              /* finished cells */
    const char *worst_task; /* by the mean over seeds; NULL: none */
    double worst_value;
    int undefined;        /* number of tasks for which the metric has no value, as AUC of one class; not in the mean */
    int worse_than_alone; /* number of tasks with a worse mean over seeds than `alone`; -1: there is no such row, or no
                           * seed that both have */
} goss_compare_row;

/* The paired difference a - b, over equal seeds and tasks. */
typedef struct goss_compare_difference {
    int a, b; /* rows */
    double value, ci95;
} goss_compare_difference;

/* A summary. Of two Student intervals the wider one is reported: over the means of seeds (variation over splits of the
 * same samples), and over the means of tasks (variation over tasks of the same kind). With folds the former is over the
 * means of seeds and folds, its variance corrected for the samples that they share (Nadeau and Bengio 2003). The best
 * of many rows is selected by the reported numbers, so that its lead is biased upwards (selection bias). */
typedef struct goss_comparison {
    const goss_metric *metric;
    goss_compare_row *row;
    int rows; /* in the order of the configuration */
    goss_compare_difference *difference;
    int differences;
    char *verdict;                     /* a summary in sentences */
    int noises;                        /* levels of compare.noise */
    double noise[GOSS_COMPARE_NOISES]; /* standard deviations */
    int ranks;                         /* patterns of compare.ranks */
    const char *rank_of[GOSS_COMPARE_RANKS];
    int done, cells; /* finished cells, all cells */
    int tasks;
    const char *const *task; /* [tasks] names */
    double *each;            /* [rows, tasks] mean over seeds; NaN: none */
} goss_comparison;

/* The number of finished cells. Errors: GOSS_E_FORMAT: a damaged result, with its file; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_compare_done(const goss_compare *c, int *done, goss_error *err);
/* Summarises the finished cells. Errors: GOSS_E_ARGUMENT: no finished cell, or cells of different data; GOSS_E_FORMAT:
 * a damaged result, with its file; GOSS_E_NOMEM. Owns: *out, goss_comparison_free; texts are borrowed from it and from
 * c. */
GOSS_API GOSS_MUST_USE goss_status goss_compare_summarize(const goss_compare *c, goss_comparison *out, goss_error *err);
/* Frees the arrays of a summary, not the struct. */
GOSS_API void goss_comparison_free(goss_comparison *s);

#ifdef __cplusplus
}
#endif
#endif
