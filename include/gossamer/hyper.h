/* SPDX-License-Identifier: Apache-2.0 */
/* hyper.h: networks that generate the weights of other networks.
 *
 * A hypernetwork is conditioner x generators x combine over a target network (nn.h), each chosen by itself:
 *   conditioner  what it sees of a task, turned into a code e [T, E] of constant norm;
 *   generators   one for each tensor of the target, chosen by rules: how numbers come out of (e, layer embedding);
 *   combine      how they are used: base + alpha h, h alone, base (1 + alpha h).
 * The trunk is one small MLP for all layers: z = norm(act(W [e; layer embedding] + b)); every generator ends in a
 * linear map of z, which is zero at the start where there is a base (Beck et al. 2022) and has hyperfan-in variance
 * where there is none (Chang et al. 2020). Generated norm gains lie in [0, 2], generated biases and shifts in [-1, 1].
 * Cells of the product that have no meaning are refused by name: goss_hyper_refusals lists them.
 * Errors: creation gives a status; what concerns a graph is the graph's sticky error.
 * Threads: a goss_hyper is immutable and may be shared. */
#ifndef GOSSAMER_HYPER_H
#define GOSSAMER_HYPER_H

#include "gossamer/exec.h"
#include "gossamer/instance.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GOSS_HYPER_MAX_SITES GOSS_INSTANCE_SITES

/* Conditioners may be joined by |: the code is then that of the sum of their codes. */
typedef enum goss_conditioner {
    GOSS_CONDITION_SUPPORT = 1,    /* the support set, permutation invariant; any ways and shots */
    GOSS_CONDITION_TASK = 2,       /* a learned row for each task id (row-sparse table) */
    GOSS_CONDITION_DESCRIPTOR = 4, /* a vector in [0, 1] that comes with the task */
    GOSS_CONDITION_INPUT = 8,      /* the input itself: every sample has weights of its own */
    GOSS_CONDITION_NOISE = 16      /* standard normal noise: several networks for one task, an ensemble */
} goss_conditioner;
#define GOSS_CONDITION_ALL 31

typedef enum goss_combine {
    GOSS_COMBINE_DELTA,   /* base + alpha h */
    GOSS_COMBINE_REPLACE, /* h */
    GOSS_COMBINE_SCALE    /* base (1 + alpha h) */
} goss_combine;

/* The generators that rules may name. */
typedef enum goss_generator {
    GOSS_GENERATE_SHARED,  /* "shared": the base's tensor, the same for all tasks */
    GOSS_GENERATE_FULL,    /* "full": every number by its own row of the last layer */
    GOSS_GENERATE_CHUNKED, /* "chunked [N]": pieces of N numbers from one shared last layer and an embedding a piece */
    GOSS_GENERATE_LOWRANK, /* "lowrank R": factors U V of rank R; vectors are generated in full */
    GOSS_GENERATE_FILM,    /* "film": the tensor is shared; scale and shift at the layer's modulation site */
    GOSS_GENERATE_CLASS    /* "class", for "head" only: each class's weights from its own embedding */
} goss_generator;

typedef struct goss_hyper_options {
    unsigned conditioner; /* SUPPORT; one or several goss_conditioner */
    goss_combine combine; /* DELTA */
    /* "PATTERN=GENERATOR; ...": the first pattern that matches a tensor's name ("conv1.w", see goss_name_matches) wins;
     * a tensor that none matches is shared. "head=class" is the head that is generated class by class, for targets
     * without a head of their own. NULL: "head=class; *=shared" */
    const char *rules;
    bool train_base;     /* the base learns along (true); false: it stays as loaded */
    double alpha;        /* 1 */
    int hidden;          /* units of the trunk (64) */
    int embedding;       /* E, length of the code (64) */
    int layer_embedding; /* length of a layer's, or a chunk's, embedding (16) */
    int chunk;           /* numbers a chunk, where a rule does not say (1024) */
    int64_t tasks;       /* TASK: rows of the table */
    int descriptor;      /* DESCRIPTOR: its length */
    int noise; /* NOISE: its length; 0: 16. Without NOISE: length of noise seen beside the support set; 0: none (0) */
    int features;       /* SUPPORT: length of a support sample's vector; 0: that of the target's embedding */
    int targets;        /* SUPPORT: length of a target that goes with each sample (regression); 0: none */
    int attention;      /* SUPPORT: heads of attention among the classes; 0: none (4) */
    bool class_delta;   /* head=class: false leaves the plain class means, which is a ProtoNet (true) */
    int class_hidden;   /* head=class: hidden units of the delta's MLP (128) */
    bool class_scale;   /* head=class: a temperature and feature weights for the task, a bias a class, too (true) */
    double temperature; /* head=class: starting scale of squared distances, learned; 0: 1 / sqrt(features) */
} goss_hyper_options;
GOSS_API goss_hyper_options goss_hyper_defaults(void);

typedef struct goss_hyper goss_hyper;

/* A hypernetwork for a target. Borrows the target; options are copied. Free with goss_hyper_free.
 * Errors: GOSS_E_UNSUPPORTED with its name for a cell without meaning; GOSS_E_ARGUMENT for rules that cannot be read
 * and numbers out of range; GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_hyper_create(const goss_target *target, const goss_hyper_options *options,
                                                     goss_hyper **out, goss_error *err);
GOSS_API void goss_hyper_free(goss_hyper *h); /* NULL allowed */
GOSS_API const goss_target *goss_hyper_target(const goss_hyper *h);
GOSS_API const goss_hyper_options *goss_hyper_settings(const goss_hyper *h);
GOSS_API goss_generator goss_hyper_generator(const goss_hyper *h, int entry); /* of a tensor of the target's layout */
GOSS_API bool goss_hyper_class_head(const goss_hyper *h);
/* Whether anything but a per-class head is generated: the support set is then looked at before the target is applied.
 */
GOSS_API bool goss_hyper_generates_layers(const goss_hyper *h);

/* One cell that is refused: "class head x task id", and why. */
typedef struct goss_hyper_refusal {
    const char *cell, *reason;
} goss_hyper_refusal;
GOSS_API const goss_hyper_refusal *goss_hyper_refusals(int *count);

/* The parameters: "target" is the base, of the target's layout; "hyper" the hypernetwork's own, of this one; TASK has
 * a third, "tasks", of shape [tasks, embedding], unless the caller gives rows: see goss_generated.rows. */
GOSS_API const goss_layout *goss_hyper_layout(const goss_hyper *h);

/* What the conditioner sees; what it does not need is GOSS_NONE. */
typedef struct goss_condition {
    goss_val features;      /* SUPPORT: [T,S,F], for a per-class head and layers alike: usually of the base, see
                               goss_target_features */
    goss_val targets;       /* SUPPORT: [T,S,Y] with options.targets */
    goss_val assign;        /* SUPPORT: [T,W,S], rows sum to 1 (class means); GOSS_NONE: the set has no classes */
    goss_val sample_weight; /* SUPPORT without classes: [T,S], 1, or 0 for samples that are padding; GOSS_NONE: all are
                               there */
    goss_val class_mask;    /* SUPPORT: [T,W], 0 for classes that are padding; GOSS_NONE: all are there */
    goss_val task;          /* TASK: index [T]; where noise is drawn: ids of the random stream */
    goss_val rows;          /* TASK: [T,E], rows of a table of the caller's own; GOSS_NONE: those of "tasks" */
    goss_val descriptor;    /* DESCRIPTOR: [T,D] */
    goss_val input;         /* INPUT: [T,N,...], the target's input */
    goss_val noise;         /* NOISE, SUPPORT with options.noise: [T,Z]; GOSS_NONE draws it, anew at each call */
} goss_condition;

/* What was generated. Every value has T tasks (INPUT: T * N, samples folded into tasks). */
typedef struct goss_generated {
    /* Weights and modulation, a class head [T,F,W] and [T,W], the code e, a goss_variable (GOSS_NONE where only a class
     * head is generated). To be freed with goss_instance_free (goss_generated_free) */
    goss_instance net;
    goss_val rows;    /* TASK: the gathered rows [T,E] of "tasks": differentiate by these, goss_assign_rows */
    goss_val penalty; /* rank 0: sum over generated tensors of the mean square of h, for the loss with a small weight */
} goss_generated;
GOSS_API void goss_generated_free(goss_generated *w); /* the weights; NULL allowed */

/* The base's tensors in a graph (parameter "target"). Free with goss_weights_free. */
GOSS_API goss_weights *goss_hyper_base(const goss_hyper *h, goss_graph *g);
/* Generates layers and FiLM for a condition, and publishes them (goss_publish: generated/TENSOR, generated/SITE.scale
 * and .shift, embedding/task). The class head is not among them: its features come from what is generated here. */
GOSS_API void goss_hyper_generate(const goss_hyper *h, goss_graph *g, const goss_condition *c, goss_generated *out);
/* Generates the class head for embeddings of the support set c->features: with p_c = mean_c + h(mean_c, others),
 * logits_c = <w_c, f> + b_c, w_c = 2 t g p_c, b_c = -t <g p_c, p_c> + beta_c (t and weights g of the features
 * generated for the task): at the start a ProtoNet's -t |f - mean_c|^2 up to what all classes have in common
 * (Snell et al. 2017; attention among the classes: Ye et al. 2020). */
GOSS_API void goss_hyper_generate_head(const goss_hyper *h, goss_graph *g, const goss_condition *c,
                                       goss_generated *out);
/* Applies what was generated to x [T,N,...]: features and logits [T,N,...]; `context` as for goss_target_apply, its
 * FiLM is replaced; NULL: defaults. A class head must have been generated for there to be logits. */
GOSS_API goss_target_output goss_hyper_apply(const goss_hyper *h, const goss_generated *w, goss_val x,
                                             const goss_target_context *context);

/* The state of a hypernetwork at step 0, where every later divergence can be seen: for each generated tensor the
 * variance of its numbers against what its shape wants, the slope of log output size over log condition size (0 is
 * right: a condition twice as large must not give larger weights), the gradient's norm with respect to the code; a
 * verdict in words. */
typedef struct goss_hyper_examination {
    const goss_hyper *hyper;
    goss_graph *graph;
    goss_condition condition; /* built in that graph, as for goss_hyper_generate (and _head) */
    goss_val loss;            /* rank 0, built from what was generated; GOSS_NONE: no gradients */
    goss_params *params;      /* initialised; must hold the parameters the graph declares */
    goss_precision precision; /* of params */
    goss_threads *threads;
    goss_status (*bind)(void *context, goss_exec *exec, goss_error *err); /* binds the graph's inputs and counts */
    void *context;
} goss_hyper_examination;
/* *text: a table for people; goss_text_free. Appends nodes to the graph. */
GOSS_API GOSS_MUST_USE goss_status goss_hyper_doctor(const goss_hyper_examination *x, char **text, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
