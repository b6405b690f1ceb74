/* SPDX-License-Identifier: Apache-2.0 */
/* hyper.h: networks that generate the weights of other networks.
 *
 * A hypernetwork combines three independent choices over a target network (nn.h):
 *   conditioner  encodes what is known of a task as a code e [T, E] of constant norm;
 *   generators   one per tensor of the target, selected by rules, map (e, layer embedding) to numbers h;
 *   combine      how h is used: base + alpha h, h alone, base (1 + alpha h).
 * The trunk is one small MLP for all layers: z = norm(act(W [e; layer embedding] + b)). Every generator ends in a
 * linear map of z, which is initialised to zero if there is a base (Beck et al. 2022) and with hyperfan-in variance
 * otherwise (Chang et al. 2020). With alpha 1, generated norm gains are in [0, 2], generated biases and shifts in [-1,
 * 1] around their base. docs/hypernetworks.md has the formulas. Combinations without meaning are refused by name:
 * goss_hyper_refusals lists them.
 *
 *     goss_hyper_options o = goss_hyper_defaults();
 *     o.rules = "head=class; conv4.w=lowrank 4; *=shared";
 *     GOSS_TRY(goss_hyper_create(target, &o, &h, err));
 *     goss_condition c = {.features = goss_target_features(target, support, goss_hyper_base(h, g), NULL),
 *                         .assign = assign, .class_mask = mask};
 *     goss_generated w;
 *     goss_hyper_generate(h, g, &c, &w);
 *
 * Errors: creation returns a status; what concerns a graph is the graph's sticky error.
 * Threads: a goss_hyper is immutable and may be shared. */
#ifndef GOSSAMER_HYPER_H
#define GOSSAMER_HYPER_H

#include "gossamer/exec.h"
#include "gossamer/instance.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GOSS_HYPER_MAX_SITES GOSS_INSTANCE_SITES

/* What the code is computed from. Conditioners are combined by |: the code is then the normalised sum of theirs. */
typedef enum goss_conditioner {
    GOSS_CONDITION_SUPPORT = 1,    /* the support set, permutation invariant; any ways and shots */
    GOSS_CONDITION_TASK = 2,       /* a learned row per task id (row-sparse table) */
    GOSS_CONDITION_DESCRIPTOR = 4, /* a vector in [0, 1]^D given with the task */
    GOSS_CONDITION_INPUT = 8,      /* the input itself: weights per sample */
    GOSS_CONDITION_NOISE = 16,     /* standard normal noise: several networks per task, an ensemble */
    GOSS_CONDITION_GRAPH = 32      /* the graph of a network's operations, read by message passing: weights of a layer
                                      come from its node's state (graph hypernetworks: Zhang, Ren and Urtasun 2019) */
} goss_conditioner;
#define GOSS_CONDITION_ALL 63

/* How generated numbers h are combined with the base. */
typedef enum goss_combine {
    GOSS_COMBINE_DELTA,   /* base + alpha h */
    GOSS_COMBINE_REPLACE, /* h */
    GOSS_COMBINE_SCALE    /* base (1 + alpha h) */
} goss_combine;

/* How a tensor is generated: the generators that rules name. */
typedef enum goss_generator {
    GOSS_GENERATE_SHARED,  /* "shared": the base's tensor, for all tasks */
    GOSS_GENERATE_FULL,    /* "full": every number by its own column of the last layer */
    GOSS_GENERATE_CHUNKED, /* "chunked [N]": chunks of N numbers by a shared last layer and an embedding per chunk */
    GOSS_GENERATE_LOWRANK, /* "lowrank R": factors U V of rank R; vectors are generated in full */
    GOSS_GENERATE_FILM,    /* "film": the tensor is shared; scale and shift at the layer's modulation site */
    GOSS_GENERATE_OWN,     /* "own": the base's plus numbers that each task id learns for itself: nothing is generated.
                              For heads where class indices have no meaning across tasks */
    GOSS_GENERATE_CLASS    /* "class", for "head" only: the weights of a class from its embedding */
} goss_generator;

/* Settings of a hypernetwork; defaults in brackets. */
typedef struct goss_hyper_options {
    unsigned conditioner; /* one or several goss_conditioner (SUPPORT) */
    goss_combine combine; /* (DELTA) */
    /* "PATTERN=GENERATOR; ...": the first pattern that matches a tensor's name wins ("conv1.w", see goss_name_matches);
     * a tensor without a match is shared. "head=class" generates the head class by class, for targets without a head.
     * NULL: "head=class; *=shared" (NULL) */
    const char *rules;
    bool train_base;     /* whether the base is trained too (true) */
    double alpha;        /* (1) */
    int hidden;          /* units of the trunk (64) */
    int embedding;       /* E, length of the code (64) */
    int layer_embedding; /* length of the embedding of a layer or a chunk (16) */
    int chunk;           /* numbers per chunk, unless a rule says (1024) */
    int64_t tasks;       /* TASK: rows of the table */
    int descriptor;      /* DESCRIPTOR: its length */
    int noise; /* NOISE: its length; 0: 16. Without NOISE: length of the noise beside the support set; 0: none (0) */
    int nodes, node_numbers; /* GRAPH: V nodes, of so many numbers each (goss_space_nodes, goss_space_node_numbers) */
    const int *node_of; /* GRAPH: the node of each layer (goss_entry.layer), [goss_target_layers]; copied. NULL: all
                                layers read the mean over nodes alone */
    int rounds;         /* GRAPH: rounds of messages, each to successors and predecessors (4) */
    int features;       /* SUPPORT: length of a sample's features; 0: that of the target's embedding */
    int targets;        /* SUPPORT: length of a sample's target (regression); 0: none */
    int gates;          /* logits of so many gates of a structure are generated, too (space.h); 0: none (0) */
    bool gates_shared;  /* the same logits for every task, learned: nothing of the condition enters them (false) */
    int gate_features;  /* numbers of each gate that its logit is a weighted sum of, too; 0: none (0) */
    int gate_first;     /* so many of the first have gate_weight at the start, the others 0 (0) */
    double gate_weight; /* (1) */
    int budget;         /* length of a budget that the code depends on; 0: none (0) */
    int attention;      /* SUPPORT: heads of attention among the classes; 0: none (4) */
    bool class_delta;   /* head=class: false: plain class means, a ProtoNet (true) */
    int class_hidden;   /* head=class: hidden units of the delta's MLP (128) */
    bool class_scale;   /* head=class: also a temperature and feature weights per task, a bias per class (true) */
    double temperature; /* head=class: starting scale of squared distances, learned; 0: 1 / sqrt(features) */
} goss_hyper_options;
/* The defaults. */
GOSS_API goss_hyper_options goss_hyper_defaults(void);

typedef struct goss_hyper goss_hyper;

/* A hypernetwork for a target. Borrows the target; options are copied.
 * Errors: GOSS_E_UNSUPPORTED: a refused combination, by name; GOSS_E_ARGUMENT: malformed rules, numbers out of range;
 * GOSS_E_NOMEM. Owns: goss_hyper_free. */
GOSS_API GOSS_MUST_USE goss_status goss_hyper_create(const goss_target *target, const goss_hyper_options *options,
                                                     goss_hyper **out, goss_error *err);
/* Frees a hypernetwork; NULL is allowed. */
GOSS_API void goss_hyper_free(goss_hyper *h);
/* The target. Borrowed. */
GOSS_API const goss_target *goss_hyper_target(const goss_hyper *h);
/* The options, as given. Borrowed. */
GOSS_API const goss_hyper_options *goss_hyper_settings(const goss_hyper *h);
/* The generator of entry `entry` of the target's layout. */
GOSS_API goss_generator goss_hyper_generator(const goss_hyper *h, int entry);
/* P, the numbers that each task id has for itself: of all "own" tensors, in the order of the target's layout. */
GOSS_API int64_t goss_hyper_own(const goss_hyper *h);
/* Whether there is a per-class head. */
GOSS_API bool goss_hyper_class_head(const goss_hyper *h);
/* Whether anything besides a per-class head is generated, which requires a pass over the support set first. */
GOSS_API bool goss_hyper_generates_layers(const goss_hyper *h);

/* A refused combination, "class head x task id", and why. */
typedef struct goss_hyper_refusal {
    const char *cell, *reason;
} goss_hyper_refusal;
/* All of them, [*count]. Static storage. */
GOSS_API const goss_hyper_refusal *goss_hyper_refusals(int *count);

/* The layout of the hypernetwork's own weights, parameter "hyper". The base is parameter "target", of the target's
 * layout; TASK has a third, "tasks" [tasks, embedding], and with "own" tensors a fourth, "own" [tasks, P], which starts
 * at 0, unless the caller supplies rows: see goss_generated.rows. */
GOSS_API const goss_layout *goss_hyper_layout(const goss_hyper *h);

/* The inputs of the conditioner; unused ones are GOSS_NONE. */
typedef struct goss_condition {
    goss_val features;         /* SUPPORT: [T,S,F], usually features of the base: goss_target_features */
    goss_val targets;          /* SUPPORT: [T,S,Y] with options.targets */
    goss_val assign;           /* SUPPORT: [T,W,S], rows sum to 1 (class means); GOSS_NONE: without classes */
    goss_val sample_weight;    /* SUPPORT without classes: [T,S], 0 for padding, else 1; GOSS_NONE: no padding */
    goss_val class_mask;       /* SUPPORT: [T,W], 0 for padding classes, else 1; GOSS_NONE: no padding */
    goss_val task;             /* TASK: index [T]; also the ids of the random stream if noise is drawn */
    goss_val rows;             /* TASK: [T,E], rows of the caller's table; GOSS_NONE: those of "tasks" */
    goss_val own;              /* "own" tensors: [T,P], rows of the caller's table; GOSS_NONE: those of "own" */
    goss_val descriptor;       /* DESCRIPTOR: [T,D] */
    goss_val nodes;            /* GRAPH: [T,V,F]; the first number of a node is 1 if it is there, else 0 */
    goss_val edges;            /* GRAPH: [T,V,V], row v: the shares of the nodes that v reads (goss_space_graph) */
    goss_val input;            /* INPUT: [T,N,...], the target's input */
    goss_val budget;           /* with options.budget: [T,B], numbers from -1 to 1 */
    goss_val gates;            /* with options.gate_features: [T,K,G], what is known of each gate for the task */
    goss_val deviation_factor; /* rank 0: factor of what is generated of gates' logits; GOSS_NONE: 1 */
    goss_val noise;            /* NOISE, SUPPORT with options.noise: [T,Z]; GOSS_NONE: drawn by the call */
} goss_condition;

/* Generated values, of T tasks (INPUT: T * N, samples folded into tasks). */
typedef struct goss_generated {
    /* Weights, modulation, a class head [T,F,W] and [T,W], and the code e, a goss_variable (GOSS_NONE if only a class
     * head is generated). Owned: goss_generated_free. */
    goss_instance net;
    goss_val rows; /* TASK: the gathered rows [T,E] of "tasks": differentiate by these, goss_assign_rows */
    /* With options.gates: logits [T,G], or [1,G] with gates_shared. They are 3.5 at the start (a gate is open with
     * probability 0.97), plus learned ones, plus what is generated for the task, plus sum_k w_k x_k [T,G] with
     * options.gate_features, x_k those of the condition; weights w [T,K] are learned ones plus generated ones. */
    goss_val structure;
    goss_val structure_deviation; /* what of them is generated for the task, [T,G]; GOSS_NONE with gates_shared */
    goss_val penalty; /* rank 0: sum over generated tensors of the mean square of h, for the loss with a small weight */
} goss_generated;
/* Frees the weights; NULL is allowed. */
GOSS_API void goss_generated_free(goss_generated *w);

/* The base in a graph (parameter "target"). Owns: goss_weights_free. Errors: sticky. */
GOSS_API goss_weights *goss_hyper_base(const goss_hyper *h, goss_graph *g);
/* Generates layers and FiLM for a condition, and publishes them (goss_publish: generated/TENSOR, generated/SITE.scale
 * and .shift, embedding/task). The class head is generated separately, from features of the generated layers.
 * Errors: sticky. */
GOSS_API void goss_hyper_generate(const goss_hyper *h, goss_graph *g, const goss_condition *c, goss_generated *out);
/* Generates the class head from embeddings of the support set, c->features: with p_c = mean_c + h(mean_c, others),
 * logits_c = <w_c, f> + b_c, w_c = 2 t g p_c, b_c = -t <g p_c, p_c> + beta_c, where temperature t and feature weights g
 * are generated for the task. At the start this is a ProtoNet's -t |f - mean_c|^2 up to terms common to all classes
 * (Snell et al. 2017; attention among classes: Ye et al. 2020). Errors: sticky. */
GOSS_API void goss_hyper_generate_head(const goss_hyper *h, goss_graph *g, const goss_condition *c,
                                       goss_generated *out);
/* Applies generated weights to x [T,N,...]: features and logits [T,N,...]. context: as for goss_target_apply, with FiLM
 * replaced; NULL: the defaults. Logits of a class head require goss_hyper_generate_head. Errors: sticky. */
GOSS_API goss_target_output goss_hyper_apply(const goss_hyper *h, const goss_generated *w, goss_val x,
                                             const goss_target_context *context);

/* Inputs of the doctor, which examines a hypernetwork at step 0: for each generated tensor the variance of its numbers
 * and the desired one, and the slope of log magnitude over log magnitude of the condition (it should be 0: a condition
 * twice as large must not give larger weights); the gradient's norm with respect to the code; a verdict. */
typedef struct goss_hyper_examination {
    const goss_hyper *hyper;
    goss_graph *graph;
    goss_condition condition; /* built in that graph, as for goss_hyper_generate (and _head) */
    goss_val loss;            /* rank 0, of the generated network; GOSS_NONE: no gradients */
    goss_params *params;      /* initialised; must have the parameters of the graph */
    goss_precision precision; /* of params */
    goss_threads *threads;
    goss_status (*bind)(void *context, goss_exec *exec, goss_error *err); /* binds the graph's inputs and counts */
    void *context;
    bool *diverges; /* NULL, or receives whether a generated tensor is not finite, from which no training recovers */
} goss_hyper_examination;
/* Runs the examination; appends nodes to the graph. *text: a table for people (goss_text_free). Errors: those of
 * compiling and running, and of bind. */
GOSS_API GOSS_MUST_USE goss_status goss_hyper_doctor(const goss_hyper_examination *x, char **text, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
