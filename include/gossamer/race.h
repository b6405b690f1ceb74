/* SPDX-License-Identifier: Apache-2.0 */
/* race.h: models and baselines judged task by task on any task source: one value of a metric a draw. What is said of
 * many of them is the caller's (interval.h). */
#ifndef GOSSAMER_RACE_H
#define GOSSAMER_RACE_H

#include "gossamer/baseline.h"
#include "gossamer/model.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Draws [0, draws) of a source, answered by a model. Shapes: values [draws], NaN where the metric is not defined.
 * seconds: NULL, or gets the time of adapting and answering. Errors: GOSS_E_NUMERIC for weights or answers that are not
 * finite; GOSS_E_UNSUPPORTED for gradient steps of a method that has none; what compiling and running report. */
GOSS_API GOSS_MUST_USE goss_status goss_race_model(const goss_model *m, int fine_tune, const goss_task_source *source,
                                                   const goss_metric *metric, int64_t draws, goss_threads *threads,
                                                   double *values, double *seconds, goss_error *err);
/* The same by a baseline. at: the order column by the samples' numbers (goss_task.support_rows); NULL: there is none.
 * Errors: as goss_baseline_predict; GOSS_E_ARGUMENT for baselines of another width. */
GOSS_API GOSS_MUST_USE goss_status goss_race_baseline(const goss_baselines *b, const goss_baseline_kind *kind,
                                                      const goss_task_source *source, const double *at,
                                                      const goss_metric *metric, int64_t draws, double *values,
                                                      double *seconds, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
