/* SPDX-License-Identifier: Apache-2.0 */
/* step.h: a training step as programs that compose.
 *
 * Whoever knows the model builds a *loss that is not differentiated* (goss_step_loss). The step adds what is attached
 * from outside (a penalty), differentiates, and lets an optimiser follow (optimizer.h). It is compiled in one of two
 * forms.
 *
 * Whole batch (micro_batch 0): loss, gradients and updates are one program over all tasks of a step.
 *
 * Micro-batches (micro_batch m > 0): two programs over one slab of gradients.
 *   accumulate  loss and gradient g_t of a single task t. m of them are in work at a time, each in memory of its own,
 *               spread over the threads (with m = 1 the threads share the one). Then the slab becomes
 *               slab + g_t, task by task in ascending order, whatever m is and whichever was done first:
 *               s_0 = 0, s_(t+1) = s_t + g_t.
 *   combine     optional: a callback may add the slabs of several processes.
 *   apply       g = slab / number of tasks; clipping, optimiser, moving averages, running statistics.
 * The order of summation does not depend on m: every m that divides the number of tasks gives the same bits, with any
 * number of threads. Memory is that of m tasks and the slab, so that a batch may be as large as one likes. It is *not*
 * bit-identical to the whole batch, which sums over tasks and samples at once.
 *
 * What a single task must be able to say by itself: a batch norm in training takes its statistics from the sets of one
 * task (the whole batch: from all tasks of a step), the running ones move towards the mean of the tasks' (ghost batch
 * norm: Hoffer, Hubara and Soudry 2017). A penalty that ties tasks to each other has no meaning for one alone and is
 * refused. */
#ifndef GOSSAMER_STEP_H
#define GOSSAMER_STEP_H

#include "gossamer/exec.h"
#include "gossamer/optimizer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GOSS_STEP_PARAMS 8
#define GOSS_STEP_STATES 24
#define GOSS_STEP_MEASURES 96

/* A parameter that is trained. */
typedef struct goss_step_param {
    const char *name;          /* of the parameter; its tensors are NAME.TENSOR. Lives as long as the step */
    const goss_layout *layout; /* of its slab [P]; borrowed as long as the step */
    goss_val param;            /* goss_param of that name, [P] */
    /* GOSS_NONE: its gradient is that of the loss. Else [T, P], where each task's own training ended: the gradient is
     * param minus their mean over tasks, and the loss is not differentiated by it (Reptile, Nichol et al. 2018). */
    goss_val end;
} goss_step_param;

/* A number that is reported beside the loss. */
typedef struct goss_step_measure {
    const char *name; /* "accuracy"; lives as long as the step */
    goss_val value;   /* rank 0, a mean over the tasks of the graph */
} goss_step_measure;

/* A parameter that is not trained but follows along (running statistics), and what it becomes where the step is
 * applied: one whose gradients are not finite leaves it as it is. With micro-batches it becomes the mean of `next`
 * over the tasks: next must be affine in what a task contributes. */
typedef struct goss_step_state {
    const char *name;
    goss_val param; /* goss_param of that name */
    goss_val next;  /* of its shape */
} goss_step_state;

/* What a step minimises, built for a graph of T tasks. */
typedef struct goss_step_loss {
    goss_val loss; /* rank 0, a mean over the tasks; not differentiated */
    goss_step_param param[GOSS_STEP_PARAMS];
    int n_params;
    goss_step_measure measure[GOSS_STEP_MEASURES];
    int n_measures;
    goss_step_state state[GOSS_STEP_STATES];
    int n_states;
} goss_step_loss;

/* Where losses and inputs come from. */
typedef struct goss_step_source {
    /* Builds the loss of `tasks` tasks in g, which is empty. Called once at micro_batch 0 with all tasks; else for one
     * task, and once more for two where a penalty is attached, to see whether it ties tasks. Errors may also be left
     * in the graph. */
    goss_status (*build)(void *context, goss_graph *g, int64_t tasks, goss_step_loss *out, goss_error *err);
    /* Binds the inputs of tasks [first, first + tasks) of the coming step and sets the counts; the memory must live
     * through the step. Called by the thread that runs the step. */
    goss_status (*bind)(void *context, goss_exec *exec, int64_t first, int64_t tasks, goss_error *err);
    void *context;
} goss_step_source;

typedef struct goss_step_options {
    int64_t tasks;                    /* a step, at most; at least 1 */
    int64_t micro_batch;              /* 0: the whole batch; else it must divide the tasks of every step */
    goss_optimizer_options optimizer; /* weight decay acts on tensors of role GOSS_ROLE_WEIGHT alone */
    /* Factors of the learning rate by the names of tensors: "conv*.w" of all parameters, "target.conv*.w" of one,
     * "target" all of it; the last that matches counts. */
    const goss_scale_rule *rates;
    int n_rates;
    /* Attached from outside: looks up what the source published (goss_published) and returns what is added to the
     * loss: [T] where it has a value for each task, of which the mean is taken, or rank 0. GOSS_NONE: nothing. It sees
     * the source's loss, and may append to it what it needs: parameters that are trained along, states that follow,
     * measures that are reported (names and layouts live as long as the step; parameters and states not with
     * micro-batches). NULL: nothing is attached. Errors are the graph's. */
    goss_val (*penalty)(void *context, goss_graph *g, goss_step_loss *loss);
    void *penalty_context;
    /* With micro-batches, between accumulate and apply: slab[n] holds sums over this process's tasks (gradients, loss,
     * measures, next states, and the number of tasks); it is to become, number by number, the sum over all processes,
     * with the same bits in each. NULL: this process is alone. */
    goss_status (*combine)(void *context, float *slab, int64_t n, goss_error *err);
    void *combine_context;
} goss_step_options;
/* The whole batch of one task, AdamW, nothing attached. */
GOSS_API goss_step_options goss_step_defaults(void);

typedef struct goss_step goss_step;

/* What a step gave: means over the tasks of all processes, before the update. */
typedef struct goss_step_result {
    double loss;                        /* with the penalty */
    double measure[GOSS_STEP_MEASURES]; /* the source's, in the order of goss_step_loss.measure, then what a penalty
                                           has appended */
    double gradient_norm;               /* global, before clipping */
    bool applied;                       /* false: the gradients were not finite, and nothing was changed */
} goss_step_result;

/* Compiles a step. Its parameters (goss_step_params) hold the trained ones, the states and the optimiser's state, all
 * zero: the caller sets the starting values. Everything is allocated here: a step allocates nothing.
 * threads: borrowed until goss_step_free. options, what it points to, and what the source's loss names are copied or
 * borrowed as said there.
 * Errors: GOSS_E_ARGUMENT for counts out of range and a micro_batch that does not divide `tasks`, a penalty that ties
 * tasks together with a micro_batch, a combine without one; the graph's; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_step_new(const goss_step_source *source, const goss_step_options *options,
                                                 goss_threads *threads, goss_step **out, goss_error *err);
GOSS_API void goss_step_free(goss_step *s); /* NULL allowed */
/* The store of its parameters, owned by the step. A checkpoint of it is complete: between steps the slab is empty. */
GOSS_API goss_params *goss_step_params(const goss_step *s);
/* One step over `tasks` tasks at a learning rate. seed, number: of the random operations (goss_exec_seed); equal
 * numbers draw equally. Threads: one step at a time.
 * Errors: GOSS_E_ARGUMENT for a number of tasks out of range or that micro_batch does not divide; what bind, combine
 * and the run report (GOSS_E_ARGUMENT for an index outside its table). Parameters are then as they were. */
GOSS_API GOSS_MUST_USE goss_status goss_step_run(goss_step *s, int64_t tasks, double rate, uint64_t seed,
                                                 uint64_t number, goss_step_result *out, goss_error *err);
/* The name of number i of goss_step_result.measure; NULL behind the last. Borrowed from the source or the penalty. */
GOSS_API const char *goss_step_measure_name(const goss_step *s, int i);
/* The run that takes most of a step's time, for goss_profile_begin: the whole batch, or the accumulation of every m-th
 * task. Owned by the step. */
GOSS_API goss_exec *goss_step_exec(const goss_step *s);
/* The compiled programs as text (goss_schedule_text): part 0 is the whole batch or accumulate, part 1 apply. NULL:
 * there is no such part, or no memory. Free with goss_text_free. */
GOSS_API char *goss_step_text(const goss_step *s, int part);
/* Bytes that its runs and the slab hold. */
GOSS_API size_t goss_step_memory(const goss_step *s);

#ifdef __cplusplus
}
#endif
#endif
