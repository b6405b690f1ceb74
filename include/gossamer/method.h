/* SPDX-License-Identifier: Apache-2.0 */
/* method.h: ways to solve a few-shot task, hypernetworks and what they are raced against, behind one interface.
 *
 * A method is a target network, settings, and two graph builders: the loss of a batch of training episodes, and the
 * query logits of a batch of unseen tasks. All methods read the same inputs, so that they can be judged on the same
 * episodes. None looks at more than one query at a time: results are not transductive. */
#ifndef GOSSAMER_METHOD_H
#define GOSSAMER_METHOD_H

#include "gossamer/hyper.h"
#include "gossamer/nn.h"
#include "gossamer/share.h"
#include "gossamer/step.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The inputs of a batch of T tasks with up to W classes (or just W numbers a target), S support and Q query samples in
 * all; the symbols are "T", "W", "S", "Q". Targets are encoded by the objective. Padding: with classes a support sample
 * whose target row is all 0 is none, without them one of weight 0; a query of weight 0 is none; a class of mask 0 is
 * none. What a task spec has not is GOSS_NONE. */
typedef struct goss_task_batch {
    goss_extent T, W, S, Q;
    goss_val support;          /* "support" [T,S,x...] */
    goss_val support_target;   /* "support_target" [T,S,W], one-hot or standardised */
    goss_val support_weight;   /* "support_weight" [T,S]; with classes only where the spec has such weights */
    goss_val assign;           /* "assign" [T,W,S]: 1 / shots at the class's samples: class means are a product. Classes
                                only */
    goss_val query;            /* "query" [T,Q,x...] */
    goss_val query_target;     /* "query_target" [T,Q,W] */
    goss_val query_weight;     /* "query_weight" [T,Q] */
    goss_val class_mask;       /* "class_mask" [T,W]. Classes only */
    goss_val task;             /* "task" index [T]: numbers for random streams */
    goss_val descriptor;       /* "descriptor" [T,D] */
    goss_val id;               /* "id" index [T]: numbers of the tasks; the spec's `ids` for a new one */
    goss_val known;            /* "known" [T]: 0 for a new task, else 1 */
    bool all_known, supported; /* of the spec: no task is new; tasks have support samples */
} goss_task_batch;

/* Declares those inputs for tasks of that spec, up to `tasks` at a time. */
GOSS_API goss_task_batch goss_task_batch_declare(goss_graph *g, const goss_task_spec *spec, int64_t tasks);

#define GOSS_METHOD_MAX_NETWORKS 64
/* The strengths that a hypernetwork can be conditioned on, and the parameter that holds them, [GOSS_METHOD_STRENGTHS]:
 * -1 for the least of a range, 1 for the largest, in its logarithm. Not trained; whoever uses the model sets it. */
#define GOSS_METHOD_STRENGTHS 4
#define GOSS_METHOD_STRENGTH "strength"

/* Where a shared network's batch norms take their statistics from. A network that differs from task to task (maml,
 * reptile, scratch; generated layers) always has those of the task's support set. */
typedef enum goss_method_norm {
    GOSS_METHOD_NORM_RUNNING, /* training: each set's own, over all tasks of the graph (of a step; with micro-batches
                                 one task); afterwards the running mean of them */
    GOSS_METHOD_NORM_SUPPORT  /* training and afterwards: the support set's, for its queries too */
} goss_method_norm;

typedef struct goss_method_options {
    int inner_steps; /* gradient steps on the support set in training; 0: the method's own default (maml, fomaml, anil,
                        reptile 5; hypernet none: generate only) */
    int test_steps;  /* the same when judged; 0: the method's own default (maml, fomaml, anil 5; reptile, finetune and
                       multitask 50; scratch 100) */
    double inner_rate;     /* of plain steps (maml, fomaml, anil 0.1; hypernet, protonet, ridge 0.01), of Adam (reptile
                              0.001; finetune, scratch and multitask 0.01); 0: the method's own default */
    bool first_order;      /* hypernet with inner_steps: do not differentiate through the steps' gradients */
    goss_method_norm norm; /* RUNNING */
    int networks;          /* hypernet with noise: networks a task, whose class probabilities are averaged; 0: one */
    bool
        joint; /* with fixed outputs and no batch norm: one network for all tasks is trained beside the method's own, on
                   the same batches, as parameter "joint"; for comparisons (goss_contender_derive) */
    bool ridge_head;  /* hypernet with fixed outputs: the head is a ridge regression on the support set, drawn towards
                        the one that is generated */
    bool strengths;   /* hypernet conditioned on ids: codes also move with strengths of regularisers, so that one
                         hypernetwork makes the networks of all of them (Lorraine and Duvenaud 2018) */
    int code_steps;   /* hypernet conditioned on ids: gradient steps that find a new task's code; 0: 20 */
    double code_rate; /* their rate, of Adam; 0: 0.1 */
    double penalty;   /* hypernet: weight in the loss of goss_generated.penalty (0) */
    double ridge;     /* starting lambda of the ridge head, learned (1) */
    const goss_objective *objective; /* NULL: classification. Errors: what a method has no meaning for, by name */
    int outputs; /* numbers of a target (1); with classes: how many all tasks share, each with a row of the network's
                    head, 0: tasks have classes of their own, and heads are made for those */
    bool task_classes; /* outputs are those of tasks with classes of their own (goss_task_spec): a method that makes
                            a head for each task by its number has one in its network, others make heads of support
                            sets */
    double label_smoothing;
    bool by_samples;    /* the loss of queries is the mean over all samples of a batch; else the mean over its tasks of
                           each one's mean (false) */
    double dropout;     /* after every activation of the backbone, as goss_target_parse_dropout has it; 0: none (0) */
    double temperature; /* starting scale of squared distances, learned; 0: 1 / sqrt(features) */
    /* hypernet; NULL: defaults. Any conditioners, together, too; `tasks` is the number of tasks that have a number */
    const goss_hyper_options *hyper;
    /* multitask; NULL: defaults. `tasks` is the number of tasks that have a number; task_classes as here */
    const goss_share_options *share;
} goss_method_options;
GOSS_API goss_method_options goss_method_defaults(void);

typedef struct goss_method goss_method;

/* By name: "hypernet", "protonet", "ridge", "maml", "fomaml", "anil", "reptile", "finetune", "scratch", "joint" (one
 * network for all tasks, where outputs mean the same in all), "multitask" (tasks that have numbers share weights as
 * options.share says; a new task's network starts from the mean over tasks, and takes test_steps of Adam on its support
 * set), "pixels".
 * backbone: a specification for goss_target_parse without a head. Errors: an unknown name (the list is told), settings
 * that have no meaning together. Owns: goss_method_free; options are copied. */
GOSS_API GOSS_MUST_USE goss_status goss_method_create(const char *name, const char *backbone, const int64_t *input,
                                                      int input_rank, const goss_method_options *options,
                                                      goss_method **out, goss_error *err);
GOSS_API void goss_method_free(goss_method *m);
GOSS_API const char *goss_method_name(const goss_method *m);
GOSS_API const char *const *goss_method_names(void); /* NULL-terminated */
GOSS_API const goss_target *goss_method_target(const goss_method *m);
GOSS_API bool goss_method_trains(const goss_method *m); /* false: pixels, scratch */
/* What tasks share; NULL: the method is not multitask. Borrowed. */
GOSS_API const goss_share *goss_method_share(const goss_method *m);

/* The parameters a method declares in a graph: name (also the prefix of its tensors in model files), layout, and
 * whether they are trained (running statistics are not). Slabs of shape [goss_layout_total]. */
typedef struct goss_method_param {
    const char *name;
    const goss_layout *layout;
    bool trained;
} goss_method_param;
GOSS_API int goss_method_params(const goss_method *m);
GOSS_API goss_method_param goss_method_param_at(const goss_method *m, int i);
/* Starting values of parameter i, [total]. Depends on seed and tensor names only. */
GOSS_API void goss_method_initialize(const goss_method *m, int i, uint64_t seed, float *out);

/* Builds the training loss of a batch: not differentiated, which is the step's affair (step.h, goss_step_loss).
 * loss is the mean over tasks of the mean of the objective's loss over a task's queries (weights 0 do not count), plus
 * options.penalty times goss_generated.penalty; measure 0 is the objective's score of the same queries (accuracy),
 * before goss_objective.reported. Its parameters are the trained ones, in the order of goss_method_param_at; those of
 * reptile have ends instead of gradients. States are the running statistics of shared batch norms.
 * Publishes (goss_publish) weights/, hidden/, features/ and logits of the queries, hidden/support/ and
 * features/support/, with a hypernetwork generated/ and embedding/task, with shared
 * weights (share.h) parts/, codes/ and gates/; where it generates layers,
 * hidden/condition/ and features/condition/ are of the pass over the support set that they are generated from. Of
 * several networks a task the others have names that end in #2, #3, ..., and `logits` are those of all together.
 * Gradient steps on the support set are not published, what they lead to is.
 * Shapes: as goss_task_batch. Errors: the graph's; GOSS_E_UNSUPPORTED for a method that trains nothing.
 * Borrows: names and layouts in the result are the method's. Threads: the graph's. */
GOSS_API goss_step_loss goss_method_train(const goss_method *m, goss_graph *g, const goss_task_batch *batch);
/* Builds the outputs [T,Q,W] (logits, standardised numbers) for the queries of a batch of unseen tasks. fine_tune > 0:
 * that many gradient steps on the support set after adapting (hypernet, protonet, ridge), or instead of test_steps (the
 * others; pixels takes none). */
GOSS_API goss_val goss_method_outputs(const goss_method *m, goss_graph *g, const goss_task_batch *batch, int fine_tune);

/* Where the doctor runs: as goss_hyper_examination. */
typedef struct goss_method_examination {
    goss_params *params; /* initialised; holds the parameters of m */
    goss_precision precision;
    goss_threads *threads;
    goss_status (*bind)(void *context, goss_exec *exec, goss_error *err); /* binds the batch's inputs and counts */
    void *context;
} goss_method_examination;
/* Examines the hypernetwork of `hypernet` on a training batch: goss_hyper_doctor. *text: goss_text_free. Errors:
 * GOSS_E_UNSUPPORTED for methods without a hypernetwork.
 */
GOSS_API GOSS_MUST_USE goss_status goss_method_doctor(const goss_method *m, goss_graph *g, const goss_task_batch *batch,
                                                      const goss_method_examination *x, char **text, goss_error *err);

/* The networks that adapting to one task gives (T = 1), as tensors: what `adapt` writes to a file. */
typedef struct goss_adapted {
    goss_target *target; /* with a head; to be freed by goss_target_free */
    goss_val slab;       /* [networks, P] of its layout */
    goss_val statistics; /* [networks, S] of its statistics layout; GOSS_NONE without batch norm */
} goss_adapted;
/* Builds them for exactly `ways` classes. networks: how many, at most GOSS_METHOD_MAX_NETWORKS; 0: as the method's
 * options say. Errors: GOSS_E_UNSUPPORTED for a method without a network (pixels), and for several networks of one
 * that sees no noise: they would all be the same. */
GOSS_API GOSS_MUST_USE goss_status goss_method_adapt(const goss_method *m, goss_graph *g, const goss_task_batch *batch,
                                                     int ways, int fine_tune, int networks, goss_adapted *out,
                                                     goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
