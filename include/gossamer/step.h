/* SPDX-License-Identifier: Apache-2.0 */
/* step.h: a training step, compiled from a loss, a penalty and an optimiser.
 *
 * The caller builds the undifferentiated loss (goss_step_loss). The step adds an optional penalty, differentiates, and
 * appends an optimiser's updates (optimizer.h). It is compiled in one of two forms.
 *
 * Whole batch (micro_batch 0): loss, gradients and updates are one program over all tasks of a step.
 *
 * Micro-batches (micro_batch m > 0): two programs over one slab of gradients.
 *   accumulate  loss and gradient g_t of a single task t. m tasks are processed concurrently, each in its own memory,
 *               distributed over the threads (with m = 1 the threads share one task). Then the gradients are added to
 *               the slab in ascending order of tasks, independent of m and of the order of completion:
 *               s_0 = 0, s_(t+1) = s_t + g_t.
 *   combine     optional: a callback may add the slabs of several processes.
 *   apply       g = slab / number of tasks; clipping, optimiser, moving averages, running statistics.
 * The order of summation is independent of m: results are bit-identical for every m that divides the number of tasks,
 * and any number of threads. Memory is that of m tasks and the slab, so that the batch size is not limited by memory.
 * Results are *not* bit-identical to those of the whole batch, which sums over tasks and samples at once.
 *
 * With micro-batches, each task is processed in isolation: batch norm in training uses the statistics of the sets of
 * one task (whole batch: of all tasks of a step), and running statistics move towards the mean over tasks (ghost batch
 * norm: Hoffer, Hubara and Soudry 2017). A penalty that couples tasks is undefined for a single task and is refused.
 *
 *     goss_step_options o = goss_step_defaults();
 *     o.tasks = 16, o.optimizer.weight_decay = 1e-2;
 *     GOSS_TRY(goss_step_new(&(goss_step_source){build, bind, &mine}, &o, threads, &step, err));
 *     goss_params_set(goss_step_params(step), goss_params_find(goss_step_params(step), "target"), initial);
 *     for (int64_t k = 0; k < steps; k++) GOSS_TRY(goss_step_run(step, 16, 1e-3, seed, (uint64_t)k, &result, err));
 *
 * Threads: a step belongs to one thread at a time; it runs on the threads that it was given. */
#ifndef GOSSAMER_STEP_H
#define GOSSAMER_STEP_H

#include "gossamer/exec.h"
#include "gossamer/optimizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The most parameters, states and measures of a loss, with those that the penalty appends. */
#define GOSS_STEP_PARAMS 8
#define GOSS_STEP_STATES 24
#define GOSS_STEP_MEASURES 96

/* A parameter that is trained. */
typedef struct goss_step_param {
    const char *name;          /* of the parameter; its tensors are NAME.TENSOR. Borrowed by the step */
    const goss_layout *layout; /* of its slab [P]. Borrowed by the step */
    goss_val param;            /* goss_param of that name, [P] */
    /* GOSS_NONE: the gradient is that of the loss. Else [T, P], the result of each task's inner training: the gradient
     * is param minus its mean over tasks, and the loss is not differentiated with respect to param (Reptile, Nichol et
     * al. 2018). */
    goss_val end;
    /* Row-sparse training of a table (optimizer.h): param is then [V, D], the layout has one tensor of that shape, rows
     * is an index [R] of distinct rows, and values [R, D] a variable, goss_variable(goss_gather(param, rows)), through
     * which alone the loss reads the table: the gradient is that with respect to it, and no other row is read or
     * changes. If samples share a row, gather from `values`: the row's gradients are then summed in the order of the
     * samples. Whole batches only. GOSS_NONE: all of param is trained. */
    goss_val rows, values;
} goss_step_param;

/* A number that is reported besides the loss. */
typedef struct goss_step_measure {
    const char *name; /* "accuracy"; lives as long as the step */
    goss_val value;   /* rank 0, a mean over the tasks of the graph */
} goss_step_measure;

/* A parameter that is updated but not trained (running statistics), with its next value if the step is applied; steps
 * with gradients that are not finite leave it unchanged. With micro-batches the next value is the mean of `next` over
 * the tasks, so that `next` must be affine in a task's contribution. */
typedef struct goss_step_state {
    const char *name;
    goss_val param; /* goss_param of that name */
    goss_val next;  /* of its shape */
} goss_step_state;

/* The objective of a step, for a graph of T tasks. */
typedef struct goss_step_loss {
    goss_val loss; /* rank 0, a mean over the tasks; not differentiated */
    goss_step_param param[GOSS_STEP_PARAMS];
    int n_params; /* at least 1 */
    goss_step_measure measure[GOSS_STEP_MEASURES];
    int n_measures; /* 0: the loss alone is reported */
    goss_step_state state[GOSS_STEP_STATES];
    int n_states;
} goss_step_loss;

/* The source of losses and inputs. */
typedef struct goss_step_source {
    /* Builds the loss of `tasks` tasks in the empty graph g. With micro_batch 0 called once, for all tasks; otherwise
     * for one task, and with a penalty again for two, to detect whether it couples tasks. Errors may be returned or
     * left in the graph. */
    goss_status (*build)(void *context, goss_graph *g, int64_t tasks, goss_step_loss *out, goss_error *err);
    /* Binds the inputs of tasks [first, first + tasks) of the next step and the counts; the memory must remain valid
     * during the step. Called by the thread that runs the step. */
    goss_status (*bind)(void *context, goss_exec *exec, int64_t first, int64_t tasks, goss_error *err);
    void *context; /* of both; must live as long as the step */
} goss_step_source;

/* Settings of a step. */
typedef struct goss_step_options {
    int64_t tasks; /* tasks of a step, at most; at least 1 */
    /* 0: the whole batch; otherwise it must divide the number of tasks of every step */
    int64_t micro_batch;
    goss_optimizer_options optimizer; /* weight decay acts on tensors of role GOSS_ROLE_WEIGHT alone */
    /* Factors of the learning rate by patterns of tensor names: "conv*.w" in all parameters, "target.conv*.w" in one,
     * "target" all of it; the last match applies. */
    const goss_scale_rule *rates;
    int n_rates; /* 0: one rate for all */
    /* A penalty, computed from values that the source published (goss_published): [T], of which the mean is added to
     * the loss, a scalar, or GOSS_NONE. It may append to the source's loss: parameters to train, states, measures (with
     * names and layouts that outlive the step; parameters and states not with micro-batches). NULL: no penalty. Errors
     * are the graph's. */
    goss_val (*penalty)(void *context, goss_graph *g, goss_step_loss *loss);
    void *penalty_context; /* passed to penalty */
    /* With micro-batches, between accumulate and apply: slab[n] has sums over this process's tasks (gradients, loss,
     * measures, next states, and the number of tasks), which the callback replaces by the sums over all processes,
     * bit-identical in each (all-reduce). NULL: a single process. */
    goss_status (*combine)(void *context, float *slab, int64_t n, goss_error *err);
    void *combine_context; /* passed to combine */
} goss_step_options;
/* The defaults: the whole batch of one task, AdamW, no penalty. */
GOSS_API goss_step_options goss_step_defaults(void);

/* A compiled step with its parameters. */
typedef struct goss_step goss_step;

/* The result of a step: means over the tasks of all processes, before the update. */
typedef struct goss_step_result {
    double loss; /* with the penalty */
    /* those of the source, in the order of goss_step_loss.measure, then those of the penalty */
    double measure[GOSS_STEP_MEASURES];
    double gradient_norm; /* global, before clipping */
    bool applied;         /* false: the gradients were not finite, and nothing changed */
} goss_step_result;

/* Compiles a step. Its parameters (goss_step_params) are the trained ones, the states and the optimiser's state, all
 * zero: the caller sets initial values. All memory is allocated here, none by goss_step_run. threads: borrowed until
 * goss_step_free. options, what it points to, and what the source's loss names are copied or borrowed as said there.
 * Errors: GOSS_E_ARGUMENT: counts out of range, a micro_batch that does not divide `tasks`, a penalty that couples
 * tasks or parameters trained by rows with a micro_batch, `combine` without one; the graph's; GOSS_E_NOMEM. Owns: *out,
 * goss_step_free. */
GOSS_API GOSS_MUST_USE goss_status goss_step_new(const goss_step_source *source, const goss_step_options *options,
                                                 goss_threads *threads, goss_step **out, goss_error *err);
/* Frees a step and its parameters; NULL is allowed. */
GOSS_API void goss_step_free(goss_step *s);
/* The store of its parameters. Borrowed. A checkpoint of it is complete, since the slab is empty between steps. */
GOSS_API goss_params *goss_step_params(const goss_step *s);
/* Runs one step over `tasks` tasks at a learning rate. seed, number: of the random operations (goss_exec_seed), whose
 * results are a function of both. Threads: one step at a time. Errors: GOSS_E_ARGUMENT: a number of tasks that is out
 * of range or that micro_batch does not divide, an index outside its table; errors of bind and combine. Parameters are
 * then unchanged. */
GOSS_API GOSS_MUST_USE goss_status goss_step_run(goss_step *s, int64_t tasks, double rate, uint64_t seed,
                                                 uint64_t number, goss_step_result *out, goss_error *err);
/* The name of goss_step_result.measure[i]; NULL after the last. Borrowed from the source or the penalty. */
GOSS_API const char *goss_step_measure_name(const goss_step *s, int i);
/* The run that takes most of a step's time, for goss_profile_begin: the whole batch, or the accumulation of every m-th
 * task. Owned by the step. */
GOSS_API goss_exec *goss_step_exec(const goss_step *s);
/* The compiled programs as text (goss_schedule_text): part 0 is the whole batch or accumulate, part 1 apply. NULL:
 * there is no such part, or no memory. Free with goss_text_free. */
GOSS_API char *goss_step_text(const goss_step *s, int part);
/* The bytes that its executors and the slab hold; parameters are not counted. */
GOSS_API size_t goss_step_memory(const goss_step *s);

#ifdef __cplusplus
}
#endif
#endif
