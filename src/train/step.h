/* SPDX-License-Identifier: Apache-2.0 */
/* step.h: internals of a training step: the two programs, the accumulating lanes, and the slab between them. */
#ifndef GOSS_TRAIN_STEP_H
#define GOSS_TRAIN_STEP_H

#include "gossamer/step.h"

/* Executor of one task's loss and gradients, with its own memory. */
typedef struct goss__lane {
    goss_exec *exec;
    goss_threads *threads; /* of one thread; NULL: the step's, since there is no other lane */
    goss_status status;    /* of the last run */
    goss_error error;
} goss__lane;

/* What accumulate's output i is added to. */
typedef struct goss__slab_part {
    int64_t offset, numel; /* in numbers; offsets are multiples of 16 */
    char input[160];       /* of apply, that reads the sum; "": the loss or a measure */
} goss__slab_part;

/* Outputs of accumulate: the loss, measures, gradients, next states. */
#define GOSS__STEP_PARTS (1 + GOSS_STEP_MEASURES + GOSS_STEP_PARAMS + GOSS_STEP_STATES)

struct goss_step {
    goss_step_source source;
    int64_t tasks, micro_batch;
    goss_status (*combine)(void *context, float *slab, int64_t n, goss_error *err);
    void *combine_context;
    goss_threads *threads;
    goss_schedule *batch, *accumulate, *apply; /* the whole batch, or the other two */
    goss_params *params;
    goss_exec *exec; /* of batch or apply */
    goss__lane *lanes;
    int n_lanes, n_measures, n_parts;
    const char *measure_name[GOSS_STEP_MEASURES];
    goss__slab_part part[GOSS__STEP_PARTS];
    float *slab; /* parts, then the number of tasks, which is apply's input "count" */
    int64_t slab_numbers;
    float rate; /* input "lr" */
};

/* What a learning rate's pattern says of one parameter's tensors: "target.conv*.w" becomes "conv*.w" for "target",
 * "target" alone becomes "*", and what has no dot is for the tensors of all parameters. NULL: nothing. */
const char *goss__rate_pattern(const char *pattern, const char *param);

/* What a parameter's gradient is taken with respect to. */
static inline goss_val goss__step_wrt(const goss_step_param *p) { return goss_valid(p->values) ? p->values : p->param; }

/* ---- step_build.c ---- */
/* Compiles batch, or accumulate and apply with the layout of the slab. */
goss_status goss__step_compile(goss_step *s, const goss_step_options *o, goss_error *err);
/* ---- step_penalty.c ---- */
/* Calls the hook and reduces its result to a scalar; GOSS_NONE: nothing is added. */
goss_val goss__step_penalty(const goss_step_options *o, goss_graph *g, goss_step_loss *loss);
/* Errors unless the penalty decomposes over tasks. */
goss_status goss__step_separable(const goss_step_source *source, const goss_step_options *o, goss_error *err);
#endif
