/* SPDX-License-Identifier: Apache-2.0 */
/* task_same.h: the same queries for all tasks of a source, to compare the tasks' networks. */
#ifndef GOSS_TASK_TASK_SAME_H
#define GOSS_TASK_TASK_SAME_H

#include "gossamer/task.h"

/* Support samples or queries of draws 0 .. draws - 1. */
int64_t goss__task_samples(const goss_task_source *source, int64_t draws, bool query);

/* A source that draws the tasks of `base`, each with the same `count` queries: those of its draws 0 .. draws - 1,
 * spread evenly; fewer if it has fewer. Targets are blank. Errors: GOSS_E_NOMEM. Owns: *out, goss_task_source_free;
 * base is borrowed. */
GOSS_MUST_USE goss_status goss__task_same(const goss_task_source *base, int64_t draws, int count, goss_task_source *out,
                                          goss_error *err);
#endif
