/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h: evaluates one method on batches of tasks by a metric: compiled once, then run without allocating. Used by
 * validation and by evaluation. */
#ifndef GOSS_META_JUDGE_H
#define GOSS_META_JUDGE_H

#include "meta/forward.h"

typedef struct goss__judge {
    goss__forward forward;
    const goss_metric *metric;
    float *scratch;              /* of metrics */
    float *label, *label_weight; /* of the steps of a task's queries, where each step has an answer; else NULL */
} goss__judge;

goss_status goss__judge_init(goss__judge *j, const goss_method *m, const goss__forward_options *o,
                             const goss_metric *metric, goss_threads *threads, goss_error *err);
void goss__judge_free(goss__judge *j);
/* What the t-th task of the pack was answered in the last run. Borrowed from both. */
goss_answers goss__judge_answers(const goss__judge *j, const goss__task_pack *pack, int t);
/* The metric of each task in the pack, out [tasks]. NaN where it is not defined, and where an answer is not finite:
 * then finite [tasks] (may be NULL) is false. */
goss_status goss__judge_run(goss__judge *j, const goss__task_pack *pack, double *out, bool *finite, goss_error *err);
/* Tasks a run such that it holds about 1200 samples. */
int goss__judge_batch(const goss_task_spec *spec, int tasks);
#endif
