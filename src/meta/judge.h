/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h: one method's query accuracies on batches of episodes: compiled once, then run without allocating. Training
 * validates with it, evaluation races with it. */
#ifndef GOSS_META_JUDGE_H
#define GOSS_META_JUDGE_H

#include "gossamer/exec.h"
#include "gossamer/method.h"
#include "meta/task_pack.h"

typedef struct goss__judge {
    goss_schedule *program;
    goss_params *params; /* the judge's own: whoever uses it copies values in */
    goss_exec *exec;
} goss__judge;

/* bf16: of goss_schedule_options. */
goss_status goss__judge_init(goss__judge *j, const goss_method *m, int fine_tune, int max_tasks,
                             goss_episode_limits limits, const char *bf16, goss_threads *threads, goss_error *err);
void goss__judge_free(goss__judge *j);
/* The share of right answers of each task in the pack, NaN where its logits are not finite: out [tasks]. */
goss_status goss__judge_run(goss__judge *j, const goss__task_pack *pack, double *out, goss_error *err);
/* Episodes a run such that it holds about 1200 images. */
int goss__judge_batch(goss_episode_limits limits, int episodes);
#endif
