/* SPDX-License-Identifier: Apache-2.0 */
/* race.h: evaluating models and baselines task by task, on any task source.
 *
 * Each function yields one value of a metric per draw of the source; draw k is the same task for every contender, so
 * that two contenders can be compared by paired differences. Means, intervals and tables are the caller's
 * (interval.h):
 *
 *     GOSS_TRY(goss_race_model(m, 0, &source, rmse, n, NULL, a, NULL, err));
 *     GOSS_TRY(goss_race_baseline(&b, goss_baseline_find("ridge"), &source, NULL, NULL, rmse, n, c, NULL, NULL, err));
 *     for (int64_t i = 0; i < n; i++) a[i] -= c[i];
 *     double difference, ci95 = goss_student_ci95(a, (int)n, &difference, NULL);
 *
 * What is of all tasks together is computed from the answers themselves, which are passed to a callback:
 *
 *     static void collect(void *ranking, int64_t draw, const goss_answers *a) {
 *         for (int i = 0; i < a->count; i++) add(ranking, a->output[i * a->stride], a->target[i]);
 *     }
 *     ...
 *     GOSS_TRY(goss_race_answers(m, 0, &source, n, NULL, (goss_race_hook){collect, &ranking}, NULL, err));
 *
 * Predictions are not transductive: a query is answered without looking at the others. Values are the same bits for any
 * number of threads.
 *
 * Ownership: everything is borrowed for the call. Threads: a model and baselines may be raced by several threads at
 * once, each with a source and goss_threads of its own. */
#ifndef GOSSAMER_RACE_H
#define GOSSAMER_RACE_H

#include "gossamer/baseline.h"
#include "gossamer/model.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Adapts a model to draws 0 .. draws-1 of a source and evaluates its answers to their queries.
 * fine_tune: gradient steps on the support set, as in goss_adapt_options; 0: none. metric: of the source's objective.
 * threads: NULL: created for the call. Shapes: values [draws], NaN where the metric is undefined. seconds: NULL, or
 * receives the time of adapting and answering. Progress is not reported.
 * Errors: GOSS_E_NUMERIC: weights, or the answers for a task (by its name), that are not finite; GOSS_E_UNSUPPORTED:
 * gradient steps of a method without any; GOSS_E_NOMEM; errors of compiling and running. After one, values are those of
 * the draws before it. */
GOSS_API GOSS_MUST_USE goss_status goss_race_model(const goss_model *m, int fine_tune, const goss_task_source *source,
                                                   const goss_metric *metric, int64_t draws, goss_threads *threads,
                                                   double *values, double *seconds, goss_error *err);
/* How the networks of a race are made. */
typedef struct goss_race_networks {
    int fine_tune;                   /* gradient steps on the support set; 0: none */
    goss_weight_precision precision; /* rounded as in files of that precision */
} goss_race_networks;
/* The same for a model that generates structures (structure.h). ask: whose structures the networks have, and within
 * which budget; NULL: their own, within the most that it was trained for. each: NULL, or [draws, outputs], receives the
 * metric of each number of a target alone. figures: NULL, or receives what the networks cost. A budget that holds for
 * the mean (ask->pooled) is met over all draws together, for which the structures are determined before the first task
 * is answered. Errors: as goss_race_model, and GOSS_E_UNSUPPORTED: a model that
 * generates no structures, or int8 where no network is stored (goss_method_adapt); GOSS_E_ARGUMENT: no structure is
 * within the budget. */
GOSS_API GOSS_MUST_USE goss_status goss_race_structure(const goss_model *m, const goss_race_networks *of,
                                                       const goss_structure_ask *ask, const goss_task_source *source,
                                                       const goss_metric *metric, int64_t draws, goss_threads *threads,
                                                       double *values, double *each, double *seconds,
                                                       goss_structure_figures *figures, goss_error *err);
/* Receives the answers of goss_race_answers. */
typedef struct goss_race_hook {
    /* Called on the calling thread for each draw, in their order. answers: outputs and targets of the draw's queries
     * (objective.h), borrowed during the call. */
    void (*answered)(void *context, int64_t draw, const goss_answers *answers);
    void *context; /* passed to it */
} goss_race_hook;
/* Adapts and answers as goss_race_model does, where the caller judges: by several metrics at once, or by what needs the
 * answers to all tasks together (a ranking, a calibration). Errors: as goss_race_model. */
GOSS_API GOSS_MUST_USE goss_status goss_race_answers(const goss_model *m, const goss_race_networks *of,
                                                     const goss_task_source *source, int64_t draws,
                                                     goss_threads *threads, goss_race_hook hook, double *seconds,
                                                     goss_error *err);

/* Evaluates a baseline on the same draws, on the calling thread and in double precision. Shapes: values [draws]. Inputs
 * and targets of the source's samples are the rows; class probabilities enter the metric as their logarithms. Where the
 * source's objective has levels and the metric reads quantiles, those are of goss_baseline_quantiles. at: the values of
 * the order column by sample number (goss_task.support_rows, query_rows), for baselines with goss_baseline_kind.order;
 * NULL: there is none. from: what targets are counted from, in the same way (goss_rows); NULL: 0. Sequences are rows by
 * goss_rows_align. A target of several numbers is as many tasks of one: b [outputs] are the baselines of each (one
 * pointer with classes), at [samples, outputs], each: as above. Of a number that no support row has, 0 is answered: for
 * a series no change. seconds: as above. Errors: as goss_baseline_predict; GOSS_E_ARGUMENT: baselines of another width
 * than the source's inputs. */
GOSS_API GOSS_MUST_USE goss_status goss_race_baseline(goss_baselines *const *b, const goss_baseline_kind *kind,
                                                      const goss_task_source *source, const double *at,
                                                      const double *from, const goss_metric *metric, int64_t draws,
                                                      double *values, double *each, double *seconds, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
