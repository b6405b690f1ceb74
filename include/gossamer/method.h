/* SPDX-License-Identifier: Apache-2.0 */
/* method.h: methods for few-shot and multi-task learning, hypernetworks and the ones they are compared with, behind one
 * interface.
 *
 * A method consists of a target network, settings, and two graph builders: the loss of a batch of training tasks, and
 * the outputs for the queries of a batch of unseen tasks. All methods read the same inputs and can thus be evaluated on
 * the same tasks. None is transductive: a query is answered independently of the other queries. docs/hypernetworks.md
 * has the formulas and papers of all methods. Errors of graph builders are the graph's sticky error. */
#ifndef GOSSAMER_METHOD_H
#define GOSSAMER_METHOD_H

#include "gossamer/hyper.h"
#include "gossamer/nn.h"
#include "gossamer/share.h"
#include "gossamer/step.h"
#include "gossamer/structure.h"
#include "gossamer/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The inputs of a batch of T tasks with up to W classes (or W numbers per target), S support and Q query samples in
 * total; the symbols are "T", "W", "S", "Q". Targets are encoded by the objective. Padding is, with classes, a support
 * sample whose target row is all 0, and without classes one of weight 0; a query of weight 0; a class of mask 0. Inputs
 * that a task spec lacks are GOSS_NONE. */
typedef struct goss_task_batch {
    goss_extent T, W, S, Q;
    goss_extent L;    /* "L": steps of the longest sample of the batch, where the spec has lengths; x is then [L, C] */
    goss_val support; /* "support" [T,S,x...] */
    goss_val support_target; /* "support_target" [T,S,W], one-hot or standardised */
    goss_val support_weight; /* "support_weight" [T,S]; with classes only if the spec has such weights */
    goss_val assign;         /* "assign" [T,W,S]: 1 / shots at the class's samples: class means are a product. Classes
                                only */
    goss_val query;          /* "query" [T,Q,x...] */
    goss_val query_target;   /* "query_target" [T,Q,W] */
    goss_val query_weight;   /* "query_weight" [T,Q] */
    /* "support_known", "query_known" [T,S,W]: 0 for missing components of targets, which are encoded as 0; GOSS_NONE:
     * the spec is not partial. Weights above are then times the share of a sample's components that are known. */
    goss_val support_known, query_known;
    goss_val class_mask;     /* "class_mask" [T,W]. Classes only */
    goss_val support_length; /* "support_length" [T,S]: steps of each sample, if the spec has lengths; 0: padding */
    goss_val query_length;   /* "query_length" [T,Q] */
    /* Where each step has an answer (goss_objective.steps), S and Q above count steps, not samples: targets are
     * [T,S L,W], and weights of support and queries 0 for steps that do not count. These are the weights of samples
     * [T,samples] then, and where targets are partial, else GOSS_NONE: those above. */
    goss_val support_samples, query_samples;
    goss_val task;       /* "task" index [T]: ids of the random streams */
    goss_val descriptor; /* "descriptor" [T,D] */
    goss_val id;         /* "id" index [T]: ids of the tasks; the spec's `ids` for a new one */
    goss_val known;      /* "known" [T]: 0 for a new task, else 1 */
    /* Where samples are of items: the table's parameter GOSS_METHOD_ITEMS [items, D], index "item_rows" [R] of the
     * batch's distinct items, and their rows, a variable [R, D], from which those of the samples are gathered by
     * "support_item" [T,S] and "query_item" [T,Q]. x above has them in the place of the item's number: the same for
     * every method. */
    goss_val item_table, item_rows, item_values;
    int64_t outputs;           /* W at most */
    bool all_known, supported; /* of the spec: no task is new; tasks have support samples */
    bool labelled_queries; /* tables: queries are further labelled samples, to which the head is fitted, too (false) */
} goss_task_batch;

/* Declares the inputs for tasks of a spec, up to `tasks` at a time. */
GOSS_API goss_task_batch goss_task_batch_declare(goss_graph *g, const goss_task_spec *spec, int64_t tasks);

#define GOSS_METHOD_MAX_NETWORKS 64
/* The name of the parameter of the items' table. */
#define GOSS_METHOD_ITEMS "items"
/* The maximal number of strengths that a hypernetwork can be conditioned on, and the name of their parameter
 * [GOSS_METHOD_STRENGTHS]: logarithms of strengths scaled to -1 .. 1 over each range. Not trained; set by the user of
 * the model. */
#define GOSS_METHOD_STRENGTHS 4
#define GOSS_METHOD_STRENGTH "strength"

/* The source of batch norm statistics in shared networks. Networks that differ by task (maml, reptile, scratch;
 * generated layers) always use those of the task's support set. */
typedef enum goss_method_norm {
    /* In training those of each set, over all tasks of the graph (of a step; with micro-batches one task); otherwise
     * running means. */
    GOSS_METHOD_NORM_RUNNING,
    /* Always those of the support set, for its queries too. */
    GOSS_METHOD_NORM_SUPPORT
} goss_method_norm;

/* tables: the conditioner, which reads the cells of a table. Defaults in brackets. */
typedef struct goss_cells_options {
    int width, layers, heads; /* numbers of a cell's token (48), layers of attention (3), their heads (3) */
    int directions;           /* of the first layer's units, those that begin at a linear fit (16) */
    int ranked;               /* columns that have six units of their own, those that tell most of the classes (8) */
    int crossed;              /* units of each pair (i, j) of these columns (0) */
} goss_cells_options;

/* Settings of methods; most apply to some of them. Defaults in brackets. */
typedef struct goss_method_options {
    /* Gradient steps on the support set in training; 0: the method's default (maml, fomaml, anil, reptile, learned
     * 5; hypernet none: generate only). */
    int inner_steps;
    /* The same in evaluation; 0: the method's default (maml, fomaml, anil, learned 5; reptile, finetune, multitask 50;
     * scratch 100). */
    int test_steps;
    /* The rate of plain steps (maml, fomaml, anil 0.1; hypernet, protonet, ridge 0.01), of Adam (reptile 0.001;
     * finetune, scratch and multitask 0.01); 0: the method's default. */
    double inner_rate;
    bool first_order;      /* hypernet with inner_steps: no second derivatives (first-order MAML) */
    goss_method_norm norm; /* RUNNING */
    int networks;          /* hypernet with noise: networks per task, whose class probabilities are averaged; 0: one */
    /* With fixed outputs and without batch norm: also trains one network for all tasks, on the same batches, as
     * parameter "joint", for comparisons (goss_contender_derive). */
    bool joint;
    /* The same as a starting point for gradient steps on support sets (MAML, five steps of rate 0.1 through which it is
     * differentiated), as parameter "maml". */
    bool maml;
    /* hypernet with fixed outputs: the head is a ridge regression on the support set, shrunk towards the generated
     * one. */
    bool ridge_head;
    /* hypernet conditioned on ids: codes also depend on the strengths of regularisers, so that one hypernetwork
     * computes the networks for all strengths (Lorraine and Duvenaud 2018). */
    bool strengths;
    int code_steps;                  /* hypernet conditioned on ids: gradient steps for the code of a new task; 0: 20 */
    double code_rate;                /* their rate, of Adam; 0: 0.1 */
    double penalty;                  /* hypernet: weight in the loss of goss_generated.penalty (0) */
    double ridge;                    /* initial lambda of the ridge head, learned (1) */
    int64_t items;                   /* goss_task_spec.items; 0: none (0) */
    int item_numbers;                /* of the row of an item, among those of `input` (0) */
    const goss_objective *objective; /* NULL: classification. Methods refuse objectives they are not defined for */
    /* Numbers per target (1); with classes: the number of shared classes, each with a row of the network's head; 0:
     * tasks have their own classes, for which heads are computed. */
    int outputs;
    /* goss_task_spec.task_classes: a method with a head per task id has it in its network, others compute heads from
     * support sets. */
    bool task_classes;
    /* hypernet without rules: heads of tasks that have ids and classes of their own are learned by each task ("own"),
     * not generated, as in files that say "head=class; *=shared", which was the default before. (true) */
    bool own_heads;
    double label_smoothing;
    /* The loss is the mean over all queries of a batch; else the mean over tasks of the mean over their queries
     * (false). */
    bool by_samples;
    double dropout;           /* after every activation of the backbone, as in goss_target_parse_dropout; 0: none (0) */
    double temperature;       /* initial scale of squared distances, learned; 0: 1 / sqrt(features) */
    goss_cells_options cells; /* tables */
    /* hypernet; NULL: defaults. Any combination of conditioners; `tasks` is the number of tasks with an id. */
    const goss_hyper_options *hyper;
    /* multitask; NULL: defaults. `tasks` is the number of tasks with an id; task_classes as here. */
    const goss_share_options *share;
    /* hypernet, of a backbone with choices (space.h); NULL: the backbone has none */
    const goss_structure_options *structure;
} goss_method_options;
/* The defaults. */
GOSS_API goss_method_options goss_method_defaults(void);

/* A method with its target network and settings. Immutable; threads: any. */
typedef struct goss_method goss_method;

/* Creates a method by name: "hypernet", "protonet", "ridge", "maml", "fomaml", "anil", "reptile", "learned" (steps by
 * an LSTM over gradients, Andrychowicz et al. 2016, from a learned starting point), "finetune", "scratch", "joint" (one
 * network for all tasks, with fixed outputs), "multitask" (tasks with ids share weights by options.share; a new task's
 * network starts from the mean over tasks and takes test_steps of Adam on its support set), "tables" (a hypernetwork
 * that reads a labelled table cell by cell: docs/tables-model.md; samples are x [2 C], C values and C flags of missing
 * ones), "pixels". backbone: a text for goss_target_parse without a head. options are copied. Errors: GOSS_E_ARGUMENT:
 * an unknown name (with the list), settings that exclude each other, and those of goss_target_parse;
 * GOSS_E_UNSUPPORTED: an objective, classes or a structure that the method has no meaning for, or a backbone that does
 * not answer as the objective wants (at each step, or once); GOSS_E_NOMEM. Owns: goss_method_free. */
GOSS_API GOSS_MUST_USE goss_status goss_method_create(const char *name, const char *backbone, const int64_t *input,
                                                      int input_rank, const goss_method_options *options,
                                                      goss_method **out, goss_error *err);
/* Frees a method; NULL is allowed. */
GOSS_API void goss_method_free(goss_method *m);
/* Its name. Static storage. */
GOSS_API const char *goss_method_name(const goss_method *m);
/* All names, NULL-terminated. Static storage. */
GOSS_API const char *const *goss_method_names(void);
/* The target network. Borrowed. */
GOSS_API const goss_target *goss_method_target(const goss_method *m);
/* Whether there is anything to train; false: pixels, scratch. */
GOSS_API bool goss_method_trains(const goss_method *m);
/* The space of the target. Borrowed. */
GOSS_API const goss_space *goss_method_space(const goss_method *m);
/* How its structures are generated; choose is NONE without choices. Borrowed. */
GOSS_API const goss_structure_options *goss_method_structure(const goss_method *m);
/* The sharing of weights; NULL: not multitask. Borrowed. */
GOSS_API const goss_share *goss_method_share(const goss_method *m);

/* A parameter that a method declares in a graph, a slab [goss_layout_total]: name (also the prefix of its tensors in
 * model files), layout, and whether it is trained (running statistics are not). */
typedef struct goss_method_param {
    const char *name;
    const goss_layout *layout;
    bool trained;
} goss_method_param;
/* The number of parameters. */
GOSS_API int goss_method_params(const goss_method *m);
/* Parameter i. Name and layout are borrowed. */
GOSS_API goss_method_param goss_method_param_at(const goss_method *m, int i);
/* Initial values of parameter i, out [total]. They depend on seed and tensor names alone. */
GOSS_API void goss_method_initialize(const goss_method *m, int i, uint64_t seed, float *out);

/* Builds the undifferentiated training loss of a batch, for a step (step.h, goss_step_loss). loss is the mean over
 * tasks of the mean of the objective's loss over a task's queries (weights 0 do not count), plus options.penalty times
 * goss_generated.penalty; measure 0 is the objective's score of the same queries (accuracy), before
 * goss_objective.reported. Its parameters are the trained ones, in the order of goss_method_param_at; those of reptile
 * have ends instead of gradients. States are the running statistics of shared batch norms. Publishes (goss_publish)
 * weights/, hidden/, features/ and logits of the queries, hidden/support/ and features/support/, with a hypernetwork
 * generated/ and embedding/task, with shared weights (share.h) parts/, codes/ and gates/; if it generates layers,
 * hidden/condition/ and features/condition/ are of the pass over the support set that they are generated from. With
 * several networks per task, names of the second and later ones end in #2, #3, ..., and `logits` are those of the
 * ensemble. Gradient steps on the support set are not published, their results are. Shapes: as goss_task_batch. Errors:
 * the graph's; GOSS_E_UNSUPPORTED for a method that trains nothing. Borrows: names and layouts in the result are the
 * method's. Threads: the graph's. */
GOSS_API goss_step_loss goss_method_train(const goss_method *m, goss_graph *g, const goss_task_batch *batch);
/* Builds the outputs [T,Q,W] (logits, standardised numbers) for the queries of a batch of unseen tasks. fine_tune > 0:
 * that many gradient steps on the support set after adapting (hypernet, protonet, ridge), or instead of test_steps (the
 * others; pixels takes none). */
GOSS_API goss_val goss_method_outputs(const goss_method *m, goss_graph *g, const goss_task_batch *batch, int fine_tune);

/* Inputs of the doctor, as in goss_hyper_examination. */
typedef struct goss_method_examination {
    goss_params *params; /* initialised; has the parameters of m */
    goss_precision precision;
    goss_threads *threads;
    goss_status (*bind)(void *context, goss_exec *exec, goss_error *err); /* binds the batch's inputs and counts */
    void *context;
    bool *diverges; /* NULL, or as in goss_hyper_examination */
} goss_method_examination;
/* Examines the hypernetwork of `hypernet` on a training batch (goss_hyper_doctor). Errors: GOSS_E_UNSUPPORTED: a method
 * without a hypernetwork; errors of compiling and running. Owns: goss_text_free. */
GOSS_API GOSS_MUST_USE goss_status goss_method_doctor(const goss_method *m, goss_graph *g, const goss_task_batch *batch,
                                                      const goss_method_examination *x, char **text, goss_error *err);

/* The networks adapted to one task (T = 1), as values of a graph: what `adapt` writes to a file. */
typedef struct goss_adapted {
    goss_target *target; /* with a head; owned: goss_target_free */
    goss_val slab;       /* [networks, P] of its layout */
    goss_val statistics; /* [networks, S] of its statistics layout; GOSS_NONE without batch norm */
} goss_adapted;
/* Builds them for exactly `ways` classes. networks: their number, at most GOSS_METHOD_MAX_NETWORKS; 0: that of the
 * method's options. Errors: GOSS_E_UNSUPPORTED: a method without a network (pixels), one whose weights are conditioned
 * on inputs, or several networks of one without noise, which would be equal; GOSS_E_ARGUMENT: no classes, or too many
 * networks; the graph's. */
GOSS_API GOSS_MUST_USE goss_status goss_method_adapt(const goss_method *m, goss_graph *g, const goss_task_batch *batch,
                                                     int ways, int fine_tune, int networks, goss_adapted *out,
                                                     goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
