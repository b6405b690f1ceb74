/* SPDX-License-Identifier: Apache-2.0 */
/* forward.h: a method's program for batches of tasks as they are evaluated, compiled once and run without allocating:
 * what it answers, or a value that it publishes on the way. */
#ifndef GOSS_META_FORWARD_H
#define GOSS_META_FORWARD_H

#include "gossamer/exec.h"
#include "gossamer/method.h"
#include "meta/structure.h"
#include "task/task_pack.h"

typedef struct goss__forward {
    goss_schedule *schedule;
    goss_params *params; /* its own: whoever uses it copies values in */
    goss_exec *exec;
    goss__planner planner;
} goss__forward;

typedef struct goss__forward_options {
    int fine_tune, max_tasks;
    const goss_task_spec *spec;
    goss_weight_precision precision; /* of the networks */
    const char *bf16;                /* as in goss_schedule_options */
    const goss_structure_ask *ask;   /* as in goss__planner_init */
    const char *published;           /* the name of the value that is the output; NULL: the answers are */
} goss__forward_options;

/* Errors: those of the method and of compiling; GOSS_E_ARGUMENT: nothing is published under that name. */
GOSS_MUST_USE goss_status goss__forward_init(goss__forward *f, const goss_method *m, const goss__forward_options *o,
                                             goss_threads *threads, goss_error *err);
void goss__forward_free(goss__forward *f);
/* Runs the batch in the pack; the output is goss_exec_output(f->exec, 0). */
GOSS_MUST_USE goss_status goss__forward_run(goss__forward *f, const goss__task_pack *pack, goss_error *err);
#endif
