/* SPDX-License-Identifier: Apache-2.0 */
/* nn.h: target networks, whose weights are shared, adapted or generated.
 *
 * A target network owns no parameters: it is a function of (x, w). goss_target is its structure; goss_layout names its
 * weights and places them in one slab of P numbers; goss_weights are their values in a graph, each [Tw, ...] with
 * Tw = 1 (shared by all tasks) or T (one per task). One code path handles both.
 *
 *     goss_target_parse("conv4 32 batch", (int64_t[]){28, 28, 1}, 3, 5, &t, &err);        // a network of 5 classes
 *     goss_weights *w = goss_weights_from_params(g, goss_target_layout(t), "target");     // shared, learned weights
 *     goss_target_output y = goss_target_apply(t, images, w, NULL);                       // y.logits [T,N,5]
 *
 * Errors: what concerns a text is a status, what concerns a graph is the graph's sticky error.
 * Threads: layouts and targets are immutable once built and may be shared; goss_weights belong to their graph's thread.
 */
#ifndef GOSSAMER_NN_H
#define GOSSAMER_NN_H

#include "gossamer/compose.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- layouts ---- */

/* The initial distribution of a tensor. */
typedef enum goss_init {
    GOSS_INIT_KAIMING, /* normal, variance 2 / fan_in: before a ReLU (He et al. 2015) */
    GOSS_INIT_LECUN,   /* normal, variance 1 / fan_in (LeCun et al. 1998) */
    GOSS_INIT_NORMAL,  /* normal, variance 1 */
    GOSS_INIT_ZEROS,
    GOSS_INIT_ONES,
    GOSS_INIT_SMALL,   /* normal, deviation 0.01: next to nothing, but not the same for all units */
    GOSS_INIT_CONSTANT /* goss_entry.value */
} goss_init;

/* What a tensor is for. */
typedef enum goss_role {
    GOSS_ROLE_WEIGHT,   /* of a product */
    GOSS_ROLE_BIAS,     /* added after it */
    GOSS_ROLE_GAIN,     /* factor of a norm's result */
    GOSS_ROLE_SHIFT,    /* addend of a norm's result */
    GOSS_ROLE_STATISTIC /* running mean or variance of a batch norm; never in a layout that is trained */
} goss_role;

/* One tensor of a layout. dim has no task axis. */
typedef struct goss_entry {
    const char *name; /* "conv1.w" */
    int rank;
    int64_t dim[GOSS_MAX_RANK - 1];
    goss_init init;
    double value;            /* of GOSS_INIT_CONSTANT */
    int64_t fan_in, fan_out; /* of the product the tensor belongs to; a bias has its weight's */
    goss_role role;
    int layer; /* 0, 1, ...: which conv, dense or head; a norm has that of the layer before it */
    /* Unit groups (channels, features) along the last axis and along the one before it, as goss_target_units numbers
     * them; -1: the units of that axis cannot be masked, or the axis has none. */
    int out_units, in_units;
    int64_t offset, numel; /* set by goss_layout_add */
} goss_entry;

/* A list of entries, stored one after the other in a slab. */
typedef struct goss_layout goss_layout;

/* An empty layout. Errors: GOSS_E_NOMEM. Owns: goss_layout_free. */
GOSS_API GOSS_MUST_USE goss_status goss_layout_new(goss_layout **out, goss_error *err);
/* Frees a layout and its copies of names; weights that borrow it must be freed before. NULL is allowed. */
GOSS_API void goss_layout_free(goss_layout *l);
/* Appends a copy of an entry. Errors: GOSS_E_ARGUMENT: a name that is taken, a rank or extent out of range (the total
 * is at most 2^31 - 1). */
GOSS_API GOSS_MUST_USE goss_status goss_layout_add(goss_layout *l, const goss_entry *entry, goss_error *err);
/* The number of entries. */
GOSS_API int goss_layout_count(const goss_layout *l);
/* P: the number of elements of the slab. */
GOSS_API int64_t goss_layout_total(const goss_layout *l);
/* Entry i, which must be in range. Borrowed. */
GOSS_API const goss_entry *goss_layout_entry(const goss_layout *l, int i);
/* The index of entry i's first element in the slab. */
GOSS_API int64_t goss_layout_offset(const goss_layout *l, int i);
/* The index of the entry of that name; -1 if there is none. */
GOSS_API int goss_layout_find(const goss_layout *l, const char *name);
/* Fills out [P] with initial values. Those of a tensor depend on the seed and its name alone, not on other entries. */
GOSS_API void goss_layout_initialize(const goss_layout *l, uint64_t seed, float *out);
/* The standard deviation of an entry's initial values; 0 for constants. */
GOSS_API double goss_entry_deviation(const goss_entry *e);
/* Whether a name matches a pattern: '*' matches any characters, '?' one, ',' separates alternatives, with
 * blanks around it or without. "conv*.w", "conv*.w, dense*.w" */
GOSS_API bool goss_name_matches(const char *name, const char *pattern);

/* ---- weights ---- */

/* The values of a layout's tensors in a graph. All functions accept NULL, which stands for exhausted memory. */
typedef struct goss_weights goss_weights;

/* Declares a parameter `name` of shape [P]; every tensor is a view of it, with Tw = 1. Borrows the layout. Errors:
 * sticky. Returns NULL if memory is exhausted. Owns: goss_weights_free. */
GOSS_API goss_weights *goss_weights_from_params(goss_graph *g, const goss_layout *l, const char *name);
/* The same for views of a given slab [Tw, P]. */
GOSS_API goss_weights *goss_weights_from_slab(const goss_layout *l, goss_val slab);
/* The same without values: each tensor must be set by goss_weights_set before it is used. */
GOSS_API goss_weights *goss_weights_empty(goss_graph *g, const goss_layout *l);
/* A copy, in which some tensors may then be replaced. Owns: goss_weights_free. */
GOSS_API goss_weights *goss_weights_copy(const goss_weights *w);
/* Frees the set, not the graph's nodes. NULL is allowed. */
GOSS_API void goss_weights_free(goss_weights *w);
/* The tensor of that name, [Tw, entry...]. Errors: sticky, for a name that is not in the layout. */
GOSS_API goss_val goss_weights_get(const goss_weights *w, const char *name);
/* Replaces a tensor by a value [Tw, entry...]; tensors of one set may differ in Tw. Errors: sticky. */
GOSS_API void goss_weights_set(goss_weights *w, const char *name, goss_val value);
/* The parameter of goss_weights_from_params or the slab of goss_weights_from_slab; else GOSS_NONE. */
GOSS_API goss_val goss_weights_slab(const goss_weights *w);
/* The present tensors concatenated in layout order: [Tw, P], with the largest Tw among them. */
GOSS_API goss_val goss_weights_pack(const goss_weights *w);
/* The layout, borrowed. */
GOSS_API const goss_layout *goss_weights_layout(const goss_weights *w);

/* ---- target networks ---- */

#define GOSS_TARGET_MAX_NORMS 32

typedef struct goss_target goss_target;

/* Parses a network from text: one layer per line or between ';'; '#' starts a comment.
 *
 *   conv C K [stride S] [pad P] [dilation D] [groups G]    K is 3 or 3x1; S and P likewise; P `same`: (K - 1) D / 2
 *   depthwise K [stride S] [pad P] [dilation D]            a conv with as many groups as channels
 *   separable C K [stride S] [pad P] [dilation D]          depthwise, then conv C 1
 *   dense D
 *   norm batch | layer | instance | group G
 *   relu | gelu | silu | tanh | elu | leaky
 *   pool max K [stride S] | pool avg K [stride S] | pool global
 *   flatten                          images to features, sequences too
 *   dropout P [channels]             in training: see goss_dropout, goss_dropout_channels and
 *                                    goss_target_context.dropout_task
 *   columns I J K..L                 first layer of features: selects columns of the input, counted from 0
 *   shifts P                         first layer; outside training the features are averaged over the image and its
 *                                    copies shifted by P pixels up, down, left and right (test-time augmentation, five
 *                                    times the work)
 *   conv1d C K [stride S] [pad P] [dilation D] [groups G]   along the steps of a sequence
 *   pool1d max | avg K [stride S]
 *   rnn D | gru D | lstm D [norm] [bidirectional] [start] [dropout P]   states of all steps (goss_rnn, goss_gru,
 *                                    goss_lstm), `norm` with layer norm; bidirectional: those of both directions, 2 D;
 *                                    start: the initial state is learned, else 0; dropout: in training the state that
 *                                    is multiplied by u, the same units at each step (Gal and Ghahramani 2016). The
 *                                    forget gate of an lstm has a bias of 1 besides the learned one (Jozefowicz et al.
 *                                    2015)
 *   hyperdense | hyperrnn | hypergru | hyperlstm D K Z [position] [norm] [bidirectional]   the layer of D units, whose
 *                                    weights a smaller cell of K units (of its kind; of dense rnn) scales at each step
 *                                    through embeddings of Z numbers (goss_hyper_recurrent_run: Ha, Dai and Le 2017);
 *                                    position: by codes tanh(p small.w + small.b) of the step's position, p its K sines
 *                                    and cosines (goss_sinusoids)
 *   embedding V D                    first layer, of a sequence of ids 0 .. V-1 as numbers {steps, 1}: rows of a table
 *   positions learned | sinusoidal   adds a vector for each step
 *   attention H [width W] [causal] [rotary]   self-attention of H heads among the steps, each of W numbers (as many as
 *                                    there are channels for each)
 *   steps C                          features to a sequence of C channels
 *   readout mean | max | last | attention             steps to features: their mean, largest or last, or the mean by
 *                                    the softmax of a learned score
 *   fm K                             K sums of products of pairs of inputs: of x [D] and a matrix v [D,K],
 *                                    sum_{i<j} x_i x_j v_ik v_jk (factorisation machine: Rendle 2010)
 *   beside { ... }                   its input, and behind it what the body makes of it: with dense layers wide & deep
 *                                    (Cheng et al. 2016), with fm a factorisation machine
 *   residual { ... }                 adds its input to its output (He et al. 2016); `shortcut { ... }` after it is
 *                                    applied to that input
 *   block C [stride S] [NORM]        residual block of two 3x3 convolutions, with a projection shortcut where needed
 *   head                             dense layer to `outputs`; last
 *   transformer D H [causal] [rotary] [dropout P]     pre-norm block (Xiong et al. 2020): residual { norm layer;
 *                                    attention H }, residual { norm layer; dense 4D; gelu; dense D }, each with dropout
 *                                    at its end; dense D before it where the width differs
 *   mlp D1 D2 ...                    preset: flatten if needed, dense and relu for each, head
 *   conv4 C [NORM]                   preset: 4 times conv 3x3, norm (batch), relu, pool max 2; flatten, head
 *   resnet C [NORM]                  preset: conv C, block C, block 2C stride 2, block 4C stride 2, pool global, head
 *
 * What a text may leave open, for networks whose structure is chosen or generated (space.h; docs/structure.md):
 *
 *   LOW..HIGH[/STEP]                 units of conv, dense, recurrent layers, presets, and heads of attention; `nested`
 *                                    after them: in order
 *   1|3|5                            sizes of a kernel, with pad same
 *   relu|gelu   pool max|avg 2       alternatives, one word each; the same as
 *   choose { ... } or { ... }        one of several parts with outputs of the same shape
 *   optional { ... }                 a part that may be left out; the word `optional` after a layer: that layer
 *   repeat LOW..HIGH { ... }         a part LOW to HIGH times in a row
 *   columns any [LOW]                any columns of the input, at least LOW (1)
 *
 * The network is then the largest one; of alternatives the first, unless gates (goss_target_context.structure) decide.
 *
 * conv and dense have a bias unless a norm follows directly (or the word `bias` is there). A layer norm is over the
 * channels of each position.
 * On sequences dense, norms, activations and dropout act on each step, and so does the head: a network that ends in
 * steps has an output for each. Steps beyond a sample's length (goss_target_context.lengths) are 0 behind every layer
 * and count in no statistic, mean or maximum.
 * input: {D}, {steps, C} or {H, W, C}. outputs: classes or values of the head; 0 for a network that ends in features
 * (the caller then supplies a head, for any number of classes).
 * Errors: GOSS_E_ARGUMENT with line, word and what was expected; GOSS_E_NOMEM. Owns: goss_target_free. */
GOSS_API GOSS_MUST_USE goss_status goss_target_parse(const char *text, const int64_t *input, int input_rank,
                                                     int64_t outputs, goss_target **out, goss_error *err);
/* The same with `dropout P channels` after every activation, P = dropout in [0, 1): whole channels of images, single
 * features elsewhere. The canonical text has these layers. Errors: as goss_target_parse; GOSS_E_ARGUMENT: another P.
 * Owns: *out, goss_target_free. */
GOSS_API GOSS_MUST_USE goss_status goss_target_parse_dropout(const char *text, const int64_t *input, int input_rank,
                                                             int64_t outputs, double dropout, goss_target **out,
                                                             goss_error *err);
/* Frees a target; NULL is allowed. */
GOSS_API void goss_target_free(goss_target *t);
/* The network in canonical text, presets and blocks expanded: equal networks have equal texts. Borrowed. */
GOSS_API const char *goss_target_text(const goss_target *t);
/* The rank of a sample x, as given to goss_target_parse: 1, 2 (steps, channels) or 3 (images). */
GOSS_API int goss_target_input_rank(const goss_target *t);
/* The extents of a sample x, [goss_target_input_rank]. Borrowed. */
GOSS_API const int64_t *goss_target_input(const goss_target *t);
/* Outputs of the head; 0: there is no head. */
GOSS_API int64_t goss_target_outputs(const goss_target *t);
/* The length of the embedding in front of the head. */
GOSS_API int64_t goss_target_feature_count(const goss_target *t);
/* The number of layers with a product: goss_entry.layer is below it. */
GOSS_API int goss_target_layers(const goss_target *t);
/* The layout of the weights. Borrowed. */
GOSS_API const goss_layout *goss_target_layout(const goss_target *t);
/* The layout of the running statistics, "norm1.mean", "norm1.var", ...; empty without batch norms. It is separate since
 * statistics are neither trained nor generated. Borrowed. */
GOSS_API const goss_layout *goss_target_statistics(const goss_target *t);

/* The number of modulation sites, where FiLM acts (Perez et al. 2018): after each norm, and after each conv or dense
 * without one, except the head. */
GOSS_API int goss_target_sites(const goss_target *t);
/* The name of site i, which is that of its layer: "norm1", "dense1". Borrowed. */
GOSS_API const char *goss_target_site_name(const goss_target *t, int i);
/* The number of channels of site i. */
GOSS_API int64_t goss_target_site_channels(const goss_target *t, int i);
/* The number of gates that the text leaves open (space.h); 0: it leaves nothing. */
GOSS_API int goss_target_gates(const goss_target *t);
/* The number of unit groups: channels or features that are masked together, such as all that meet in a residual sum;
 * and what flows inside of attention whose heads the text leaves open, head by head. */
GOSS_API int goss_target_units(const goss_target *t);
/* The name of group i: that of the first layer that produces it. Borrowed. */
GOSS_API const char *goss_target_units_name(const goss_target *t, int i);
/* The number of units in group i. */
GOSS_API int64_t goss_target_units_count(const goss_target *t, int i);

/* ---- applying a target network ---- */

/* Where batch norms take their statistics from. */
typedef enum goss_norm_source {
    GOSS_NORM_BATCH,  /* from x, for each task separately */
    GOSS_NORM_SHARED, /* from x, over all tasks: training of shared layers, with running statistics kept */
    GOSS_NORM_GIVEN,  /* from context.statistics: those of the support set if x is the query (not transductive) */
    GOSS_NORM_RUNNING /* from context.running */
} goss_norm_source;

/* Mean and variance [T or 1, C] of each batch norm. */
typedef struct goss_norm_statistics {
    goss_val mean[GOSS_TARGET_MAX_NORMS], var[GOSS_TARGET_MAX_NORMS];
} goss_norm_statistics;

/* How a target is applied; GOSS_NONE and NULL disable a feature. */
typedef struct goss_target_context {
    goss_norm_source norm;
    goss_norm_statistics *statistics; /* BATCH and SHARED write it, unless NULL; GIVEN reads it */
    const goss_weights *running;      /* of layout goss_target_statistics */
    goss_val lengths;                 /* [T,N]: live steps of each sequence; GOSS_NONE: all. 0 for padding samples */
    struct goss_target_carry *carry;  /* x is a piece of sequences (goss_target_continues); NULL: it is all of them */
    goss_val sample_weight;           /* [T,N]: weights of samples in BATCH and SHARED statistics; 0 for padding */
    const goss_val *unit_mask;        /* per unit group: [Tw, units] of 0 and 1, or GOSS_NONE for all ones */
    goss_val structure;               /* gates [Tw, goss_target_gates] of a text with choices; GOSS_NONE: the largest */
    const goss_val *film_scale;       /* per site: the factor [Tw, C], or GOSS_NONE for 1 */
    const goss_val *film_shift;       /* per site: the addend [Tw, C], or GOSS_NONE for 0 */
    goss_val dropout_task;            /* index [T], the task ids; GOSS_NONE: no dropout */
    bool training;                    /* without the copies of `shifts` */
    /* Prefix under which layers and blocks are published (goss_publish): "" as hidden/LAYER, features/blockK and
     * features/out; "support/" as hidden/support/LAYER, ...; NULL: nothing is published. Borrowed during the call. */
    const char *publish;
    bool batch_steps; /* features that are steps, and logits, have those of x; else those of the network's input
                         (false) */
} goss_target_context;

/* Batch statistics, not recorded; no masks, no FiLM, no dropout, nothing published. */
GOSS_API goss_target_context goss_target_context_defaults(void);

/* The states of a network that reads a sequence in pieces: [T,N,goss_target_state_width] each. before: those that the
 * piece before ended with; zeros at the start. after: written. */
#define GOSS_TARGET_MAX_STATES 64
typedef struct goss_target_carry {
    goss_val before[GOSS_TARGET_MAX_STATES], after[GOSS_TARGET_MAX_STATES];
} goss_target_carry;
/* Whether a network can read sequences in pieces, with the result of all of them together: recurrent layers forward in
 * time, layers that act on each step, readouts mean, max and last. Errors: GOSS_E_UNSUPPORTED names the layer that must
 * see the whole sequence, and why. */
GOSS_API GOSS_MUST_USE goss_status goss_target_continues(const goss_target *t, goss_error *err);
/* Whether each step of a network's answer depends on that step and earlier ones alone, as the next token of a text must
 * be foreseen: what goss_target_continues allows, positions, and attention that is causal. Batch norm counts as such,
 * although its statistics in training are of all steps. Errors: GOSS_E_UNSUPPORTED names a layer that sees later ones,
 * and why. */
GOSS_API GOSS_MUST_USE goss_status goss_target_causal(const goss_target *t, goss_error *err);
/* The number of states. */
GOSS_API int goss_target_states(const goss_target *t);
/* The numbers in state i of a sample. */
GOSS_API int64_t goss_target_state_width(const goss_target *t, int i);

/* What applying a target yields. */
typedef struct goss_target_output {
    goss_val features; /* [T,N,D]; [T,N,L,D] or [T,N,H,W,C] where nothing reduces steps or images */
    goss_val logits;   /* [T,N,outputs], of steps [T,N,L,outputs]; GOSS_NONE without a head */
    goss_val lengths;  /* [T,N] live steps of features that are steps; GOSS_NONE: all, or they are none */
} goss_target_output;

/* Applies the network. Shapes: x [T,N,D], [T,N,L,C] or [T,N,H,W,C]; weights of layout goss_target_layout(t), each
 * [1 or T, ...]. c: NULL for the defaults. Weights per sample: fold the samples into the task axis. Errors: sticky. */
GOSS_API goss_target_output goss_target_apply(const goss_target *t, goss_val x, const goss_weights *w,
                                              const goss_target_context *c);
/* The embedding alone; head weights are not read. */
GOSS_API goss_val goss_target_features(const goss_target *t, goss_val x, const goss_weights *w,
                                       const goss_target_context *c);
/* Applies the network to support set and queries, not transductively: the support set's BATCH (or SHARED) statistics
 * normalise the queries as well; with RUNNING the running ones normalise both. GIVEN is treated as BATCH.
 * c->statistics, unless NULL, receives what was recorded. */
GOSS_API void goss_target_apply_episode(const goss_target *t, goss_val support, goss_val query, const goss_weights *w,
                                        const goss_target_context *c, goss_target_output *support_out,
                                        goss_target_output *query_out);

/* The new value of the slab [S] of `running` (goss_weights_from_params), for goss_assign:
 * old + momentum (recorded - old). recorded must come from SHARED (leading extent 1). */
GOSS_API goss_val goss_target_running_update(const goss_target *t, const goss_weights *running,
                                             const goss_norm_statistics *recorded, double momentum);

/* The smaller network that computes the same as a masked one. masks: per unit group goss_target_units_count numbers 0
 * (removed) or 1, or NULL for all ones. slab [P] and statistics [S]: values for the given target; *out_slab and
 * *out_statistics: those for the smaller one. Slab and statistics may be NULL, with their results. Of a text with
 * choices it is the largest network; goss_space_compact makes others.
 * Errors: GOSS_E_ARGUMENT: a group without a unit left; GOSS_E_UNSUPPORTED: units of a grouped convolution that is not
 * depthwise, or that leave a group norm's groups uneven, or a head in part. Owns: goss_target_free,
 * goss_numbers_free. */
GOSS_API GOSS_MUST_USE goss_status goss_target_compact(const goss_target *t, const float *const *masks,
                                                       const float *slab, const float *statistics, goss_target **out,
                                                       float **out_slab, float **out_statistics, goss_error *err);
/* Frees numbers returned by goss_target_compact; NULL is allowed. */
GOSS_API void goss_numbers_free(float *numbers);

#ifdef __cplusplus
}
#endif
#endif
