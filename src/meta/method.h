/* SPDX-License-Identifier: Apache-2.0 */
/* method.h: internals of a few-shot method.
 *
 * Nearly every method is one function: `solve` turns the support sets of a batch into a solution, a network for each
 * task: weights, a head and how to normalise. Loss, query logits and the file of an adapted network all follow from it.
 */
#ifndef GOSS_META_METHOD_H
#define GOSS_META_METHOD_H

#include "gossamer/method.h"
#include "gossamer/structure.h"

#define GOSS__METHOD_PARAMS 8
#define GOSS__JOINT "joint"
#define GOSS__MAML "maml"
#define GOSS__MASKED_LOGIT (-1e30)

typedef struct goss__method_kind goss__method_kind;

struct goss_method {
    const goss__method_kind *kind;
    goss_method_options options;
    const goss_objective *objective;
    goss_target *target;
    goss_hyper *hyper; /* hypernet only */
    goss_share *share; /* multitask only */
    goss_space *space; /* of the target */
    goss_structure_options structure;
    bool any_size;      /* structure.high was not given: without a limit there is none */
    goss_layout *head;  /* scalars of the method, if any */
    goss_layout *items; /* the table of items; NULL: samples are of none */
    goss_layout *cells; /* tables: conditioner, generator and what of the target is the same for all tables */
    goss_target *rest;  /* tables: the target behind its first layer */
    goss_layout *codes; /* hypernet conditioned on ids: a row for each, one for new tasks, and one for each strength */
    goss_layout *steps; /* learned: the optimiser */
    goss_layout *strengths; /* of GOSS_METHOD_STRENGTH; NULL: not seen */
    goss_method_param params[GOSS__METHOD_PARAMS];
    int n_params;
    int features;
    bool joint;        /* a network for all tasks is trained, too: parameter GOSS__JOINT */
    bool maml;         /* and a starting point of networks: parameter GOSS__MAML */
    bool fixed;        /* the target ends in a head of options.outputs: its last two tensors, "head.w" and "head.b" */
    bool batch_norm;   /* the target has some */
    bool support_norm; /* they take the statistics of the support set; else running ones */
};

/* Which gates of the target's space a solution opens. */
typedef enum goss__size {
    GOSS__SIZE_GENERATED, /* in training those of the budget, else the input's */
    GOSS__SIZE_LARGEST,
    GOSS__SIZE_CHEAPEST,
    GOSS__SIZE_ANY /* none are masked */
} goss__size;

/* The networks of a batch of tasks under construction. */
typedef struct goss__solution {
    goss_graph *graph;
    bool training;
    bool stepping;     /* inside a gradient step on the support set: applied as in training, and not published */
    bool conditioning; /* the pass over the support set that layers are generated from */
    goss_instance net;
    goss_norm_statistics seen[2]; /* in training, over all tasks: of support and of query */
    goss_val penalty;             /* to be added to the loss, or GOSS_NONE */
    bool by_input;                /* weights differ from query to query: [T Q,...] */
    goss__size size;
    goss_val budget;                 /* with structures: [T,1], from -1 to 1 */
    goss_val logits;                 /* with structures: of gates, [T,G] or [1,G] */
    goss_val deviation;              /* with structures by task: what of them is the task's own, [T,G] */
    goss_val log_structure;          /* in training with scores: [T,1], of the structure that was drawn */
    goss_weight_precision precision; /* of the weights that are applied to queries */
    goss_val noise;                  /* hypernet: [T,Z] that its networks are generated from; GOSS_NONE: drawn */
} goss__solution;

/* Head of a method's networks. */
typedef enum goss__head_kind {
    GOSS__HEAD_ANY,        /* a head of the target where outputs mean the same in all tasks, else one a task */
    GOSS__HEAD_OF_CLASSES, /* with classes always one that is made of a task's classes */
    GOSS__HEAD_FIXED       /* a head of the target, or the method has no meaning */
} goss__head_kind;

struct goss__method_kind {
    const char *name;
    goss__head_kind head;
    const char *no_numbers;                      /* why it has no meaning for regression; NULL: it has one */
    bool (*fixed_classes)(const goss_method *m); /* with shared classes: a head of the target? NULL: as `head` says */
    bool trains;
    bool head_by_task; /* a head of the target may differ from task to task by what a task is, without a support set */
    /* Whether it has to see support sets; NULL: unless it is one network for all tasks. */
    bool (*needs_support)(const goss_method *m);
    bool is_joint;    /* with fixed outputs its own network is one for all tasks, or may be: none is beside it */
    bool adapts_norm; /* its weights move with each task: statistics of the support set always */
    int train_steps, test_steps;
    double rate;
    /* Adds parameters and what else the method needs; the target is there. NULL: nothing. */
    goss_status (*setup)(goss_method *m, goss_error *err);
    /* Networks for the tasks of a batch. NULL: the method has none (pixels). */
    void (*solve)(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s);
    /* Loss and measures, and targets of parameters without a gradient (Reptile). NULL: the objective's loss of the
     * queries under `solve`. */
    void (*train)(const goss_method *m, const goss_task_batch *b, goss_step_loss *out);
    /* NULL: the solution applied to the queries. */
    goss_val (*logits)(const goss_method *m, const goss_task_batch *b);
};

extern const goss__method_kind goss__method_hypernet, goss__method_protonet, goss__method_ridge, goss__method_maml,
    goss__method_fomaml, goss__method_anil, goss__method_reptile, goss__method_finetune, goss__method_scratch,
    goss__method_joint, goss__method_learned, goss__method_multitask, goss__method_tables, goss__method_pixels;

/* ---- method_create.c ---- */
goss_status goss__method_param(goss_method *m, const char *name, const goss_layout *l, bool trained, goss_error *err);
/* Declares the target's weights, running statistics where they are kept, and the layout "head" of `n` numbers a
 * name of `names` (all zero at the start). */
goss_status goss__method_setup(goss_method *m, const char *const *names, int64_t n, bool trained, goss_error *err);
/* The layout of a table of items. Owns: goss_layout_free, of *out in any case. */
goss_status goss__item_layout(int64_t items, int numbers, goss_layout **out, goss_error *err);
/* x [..., n] with `row` [..., D] in the place of its last number, which is the item's. */
goss_val goss__item_input(goss_val x, goss_val row);
/* Whether the method makes a network for each task (pixels does not). */
bool goss__method_adapts(const goss_method *m);
/* Whether a task without a support set is none for the method. */
bool goss__method_needs_support(const goss_method *m);
int goss__method_steps(const goss_method *m, bool training);
double goss__method_rate(const goss_method *m);

/* Columns of a head: those of the classes that a task has, or of the target's own head. */
goss_extent goss__head_width(const goss_method *m, const goss_task_batch *b);

/* ---- method_solution.c ---- */
/* A solution with the method's own weights for all tasks and no head. */
void goss__solution_begin(const goss_method *m, goss_graph *g, bool training, goss__solution *s);
void goss__solution_free(goss__solution *s);
/* The number `name` of the layout "head", [1, n]. */
goss_val goss__method_number(const goss_method *m, goss_graph *g, const char *name);
/* Embeddings [T,N,F]; the support set first, since its statistics may serve the query. */
goss_val goss__embed_support(const goss_method *m, goss__solution *s, const goss_task_batch *b);
goss_val goss__embed_query(const goss_method *m, goss__solution *s, const goss_task_batch *b);
/* How the target is applied to samples of those weights [T,N] where something is learned from it: with dropout, without
 * the copies of `shifts`. */
goss_target_context goss__training_context(const goss_task_batch *b, goss_val weight);
/* Features [T,N,...] as a row for each answer: [T,N,F], or [T,N L,F] where each step has one. */
goss_val goss__feature_rows(const goss_method *m, goss_val features);
/* Weights of samples, where `weight` may be those of their steps. */
goss_val goss__sample_weight(const goss_task_batch *b, bool query, goss_val weight);
/* 1 for each support sample (or step) that is there, [T,S]. */
goss_val goss__support_weight(const goss_task_batch *b);
/* Solves the tasks of a solution that has begun and gives the logits of the queries [T,Q,W]. */
goss_val goss__solve_one(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s);
/* Next network of the same tasks. */
void goss__solution_again(const goss_method *m, goss__solution *s);
/* Solves the tasks of a solution that has begun. Logits of the queries [T,Q,W]; where the method makes several
 * networks a task, the log of the mean of their probabilities (the solution is then the last one's). */
goss_val goss__solve_queries(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s);
/* What a network is to answer for samples: encoded targets [T,N,W], which of their components are known (GOSS_NONE:
 * all), and the samples' weights [T,N]. */
typedef struct goss__labels {
    goss_val target, known, weight;
} goss__labels;
goss__labels goss__labels_of(const goss_task_batch *b, bool query);
/* The sum over tasks of each one's mean loss. */
goss_val goss__loss_of_tasks(const goss_method *m, const goss_task_batch *b, goss_val output, goss__labels of);
/* goss_method_outputs of networks that are stored in that precision. Errors: also GOSS_E_UNSUPPORTED: the graph's, int8
 * of a method that makes no networks, or where every row has weights of its own. */
goss_val goss__method_outputs(const goss_method *m, goss_graph *g, const goss_task_batch *batch, int fine_tune,
                              goss_weight_precision precision);
/* Masks the logits of padding classes. */
goss_val goss__mask_classes(goss_val logits, const goss_task_batch *b);
/* The mean of a loss [T,Q] as options.by_samples says. */
goss_val goss__mean_loss(const goss_method *m, goss_val loss, goss_val weight);
/* The objective's loss of each sample [T,N], by themselves or among those of their task. */
goss_val goss__sample_loss(const goss_method *m, const goss_task_batch *b, goss_val output, goss__labels of,
                           double smoothing);
goss_val goss__query_loss(const goss_method *m, const goss_task_batch *b, goss_val output, goss_val *score);
/* Weights and head of the target, where it ends in one, from a set of weights of its layout. */
void goss__solution_head(const goss_method *m, goss__solution *s);
/* w [T,F,W], b [T,W]: ridge regression on embeddings of the support set, drawn towards the head that s has; scale of
 * each feature and of the bias: the head parameter "spread" [F+1], learned. */
void goss__ridge_head(const goss_method *m, const goss_task_batch *b, goss_val features, goss__solution *s);
/* weights/TENSOR of what is applied to the queries, the head among them. */
void goss__publish_weights(const goss_method *m, const goss__solution *s);
/* A ProtoNet's head from class means: what |f|^2 leaves over. scale: [1,1] */
void goss__proto_head(goss_val features, const goss_task_batch *b, goss_val scale, goss__solution *s);

/* ---- method_beside.c ---- */
/* What training adds to a loss for what is trained beside the method: 0, with its gradient. GOSS_NONE: nothing is. */
goss_val goss__beside_term(const goss_method *m, goss_graph *g, const goss_task_batch *batch);

/* ---- method_maml.c ---- */
/* The head that gradient steps start from. */
void goss__maml_head(const goss_method *m, const goss_task_batch *b, goss__solution *s);

/* ---- method_learned.c: an optimiser that is learned ---- */
enum { GOSS__LEARNED_STATE = 4 }; /* h and c of two layers */
typedef struct goss__learned {
    goss_weights *weights;
} goss__learned;
void goss__learned_begin(const goss_method *m, goss_graph *g, goss__learned *l);
void goss__learned_free(goss__learned *l);
/* What is taken away from a value whose gradient is g. state: of this value; set by the first step. */
goss_val goss__learned_move(const goss__learned *l, goss_val g, bool first, goss_val state[GOSS__LEARNED_STATE]);

/* ---- method_inner.c ---- */
/* What Adam takes away from a value whose gradient is g in step 0, 1, ...; first and second moments, 0 at the start. */
goss_val goss__adam_move(goss_val g, double rate, int step, goss_val *first, goss_val *second);
typedef struct goss__inner {
    int steps;
    double rate;
    bool adam;                    /* else plain gradient steps */
    const goss__learned *learned; /* an optimiser that is learned, instead; NULL: none */
    bool first_order;             /* gradients are numbers, not functions of the start */
    bool head_only;
    bool use_query; /* every second step on the queries (Reptile in training) */
} goss__inner;
/* Gradient steps on the support sets: the solution's weights and head become those of each task. */
void goss__inner_run(const goss_method *m, const goss_task_batch *b, const goss__inner *o, goss__solution *s);
#endif
