/* SPDX-License-Identifier: Apache-2.0 */
/* nn.h: target networks: the networks whose weights are shared, adapted or generated.
 *
 * A target owns no parameters. It is a function of (x, w): goss_target is its structure, goss_layout names and places
 * its weights in one slab of P numbers, goss_weights are the values of those weights in a graph, each [Tw, ...] with
 * Tw = 1 (shared by all tasks) or T (one for each). One code path runs both.
 * Errors: what comes from a text gives a status; what concerns a graph is the graph's sticky error.
 * Threads: layouts and targets are immutable once built and may be shared; goss_weights belong to their graph's thread.
 */
#ifndef GOSSAMER_NN_H
#define GOSSAMER_NN_H

#include "gossamer/compose.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- layouts ---- */

typedef enum goss_init {
    GOSS_INIT_KAIMING, /* normal, variance 2 / fan_in: before a ReLU (He et al. 2015) */
    GOSS_INIT_LECUN,   /* normal, variance 1 / fan_in */
    GOSS_INIT_NORMAL,  /* normal, variance 1 */
    GOSS_INIT_ZEROS,
    GOSS_INIT_ONES
} goss_init;

typedef enum goss_role {
    GOSS_ROLE_WEIGHT,   /* of a product */
    GOSS_ROLE_BIAS,     /* added after it */
    GOSS_ROLE_GAIN,     /* multiplies what a norm returns */
    GOSS_ROLE_SHIFT,    /* is added to it */
    GOSS_ROLE_STATISTIC /* running mean or variance of a batch norm; never in a layout that is trained */
} goss_role;

/* One tensor of a layout. dim has no task axis. */
typedef struct goss_entry {
    const char *name; /* "conv1.w" */
    int rank;
    int64_t dim[GOSS_MAX_RANK - 1];
    goss_init init;
    int64_t fan_in, fan_out; /* of the product the tensor belongs to; a bias has its weight's */
    goss_role role;
    int layer; /* 0, 1, ...: which conv, dense or head; a norm has that of the one before it */
    /* Units (channels, features) along the last axis and along the one before it, as goss_target_units numbers
     * them; -1: the units of that axis can not be masked, or the axis has none. */
    int out_units, in_units;
    int64_t offset, numel; /* set by goss_layout_add */
} goss_entry;

typedef struct goss_layout goss_layout;

/* An empty layout; free with goss_layout_free (NULL allowed). */
GOSS_API GOSS_MUST_USE goss_status goss_layout_new(goss_layout **out, goss_error *err);
GOSS_API void goss_layout_free(goss_layout *l);
/* Appends a copy of the entry behind the ones there.
 * Errors: GOSS_E_ARGUMENT for a name that is taken or a rank or extent out of range (total at most 2^31 - 1). */
GOSS_API GOSS_MUST_USE goss_status goss_layout_add(goss_layout *l, const goss_entry *entry, goss_error *err);
GOSS_API int goss_layout_count(const goss_layout *l);
GOSS_API int64_t goss_layout_total(const goss_layout *l);                  /* P */
GOSS_API const goss_entry *goss_layout_entry(const goss_layout *l, int i); /* borrowed; i in range */
GOSS_API int64_t goss_layout_offset(const goss_layout *l, int i);
GOSS_API int goss_layout_find(const goss_layout *l, const char *name); /* -1: not there */
/* Fills out[P]. The numbers of a tensor depend on the seed and its name only, not on what else the layout holds. */
GOSS_API void goss_layout_initialize(const goss_layout *l, uint64_t seed, float *out);
/* The standard deviation that goss_layout_initialize gives this tensor's numbers; 0 for constants. */
GOSS_API double goss_entry_deviation(const goss_entry *e);
/* Whether a name matches a pattern with '*' (any characters) and '?' (one): "conv*.w". Several patterns may be joined
 * by ','. */
GOSS_API bool goss_name_matches(const char *name, const char *pattern);

/* ---- weights ---- */

typedef struct goss_weights goss_weights;

/* Declares one parameter `name` of shape [P] and makes every tensor a view of it with Tw = 1.
 * Borrows the layout, which must outlive the weights. Free with goss_weights_free.
 * Errors: sticky; NULL when memory is out (which every function here accepts). */
GOSS_API goss_weights *goss_weights_from_params(goss_graph *g, const goss_layout *l, const char *name);
/* The tensors of slab [Tw, P]. */
GOSS_API goss_weights *goss_weights_from_slab(const goss_layout *l, goss_val slab);
/* No tensor set: each must be given with goss_weights_set before it is used. */
GOSS_API goss_weights *goss_weights_empty(goss_graph *g, const goss_layout *l);
GOSS_API goss_weights *goss_weights_copy(const goss_weights *w); /* to replace some tensors in */
GOSS_API void goss_weights_free(goss_weights *w);
/* The tensor of that name, [Tw, entry...]. Sticky error for a name that is not there. */
GOSS_API goss_val goss_weights_get(const goss_weights *w, const char *name);
/* Replaces one: value [Tw, entry...]; tensors of one set may differ in Tw. */
GOSS_API void goss_weights_set(goss_weights *w, const char *name, goss_val value);
/* The parameter of goss_weights_from_params or the slab of goss_weights_from_slab; else GOSS_NONE. */
GOSS_API goss_val goss_weights_slab(const goss_weights *w);
/* The tensors as they are now, side by side in layout order: [Tw, P] with the largest Tw among them. */
GOSS_API goss_val goss_weights_pack(const goss_weights *w);
GOSS_API const goss_layout *goss_weights_layout(const goss_weights *w);

/* ---- targets ---- */

#define GOSS_TARGET_MAX_NORMS 32

typedef struct goss_target goss_target;

/* Reads a network from text, one layer a line or between ';'; '#' starts a comment.
 *
 *   conv C K [stride S] [pad P] [dilation D] [groups G]    K is 3 or 3x1, S and P likewise
 *   dense D
 *   norm batch | layer | instance | group G
 *   relu | gelu | silu | tanh | elu | leaky
 *   pool max K [stride S] | pool avg K [stride S] | pool global
 *   flatten            images to features
 *   dropout P          in training: each number is 0 with probability P, the others are divided by 1 - P (see
 *                      goss_target_context.dropout_task)
 *   shifts P           first; not in training: the features are the mean over the image and its copies shifted by P
 * pixels up, down, left and right (test-time augmentation); five times the work residual { ... }   adds what goes in to
 * what comes out; `shortcut { ... }` after it, on the other path block C [stride S] [NORM]   residual block of two 3x3
 * convolutions (He et al. 2016), with a shortcut where needed head               dense to `outputs`; last mlp D1 D2 ...
 * preset: flatten where needed, dense + relu for each, head conv4 C [NORM]     preset: 4 times conv 3x3, norm (batch),
 * relu, pool max 2; flatten, head resnet C [NORM]    preset: conv C, block C, block 2C stride 2, block 4C stride 2,
 * pool global, head
 *
 * A conv or dense has a bias unless a norm follows at once. A layer norm runs over the channels of each position.
 * input: {D} or {H, W, C}. outputs: classes or values of the head; 0 for a network that ends in features (a per-class
 * head of any number of ways is then made by the caller).
 * Errors: GOSS_E_ARGUMENT with line and word, and what was expected. Owns: goss_target_free. */
GOSS_API GOSS_MUST_USE goss_status goss_target_parse(const char *text, const int64_t *input, int input_rank,
                                                     int64_t outputs, goss_target **out, goss_error *err);
GOSS_API void goss_target_free(goss_target *t); /* NULL allowed */
/* The same network written without presets, blocks and defaults: equal networks give equal texts. For model files. */
GOSS_API const char *goss_target_text(const goss_target *t);
GOSS_API int goss_target_input_rank(const goss_target *t);
GOSS_API const int64_t *goss_target_input(const goss_target *t);
GOSS_API int64_t goss_target_outputs(const goss_target *t);       /* 0: no head */
GOSS_API int64_t goss_target_feature_count(const goss_target *t); /* numbers of the embedding before the head */
GOSS_API int goss_target_layers(const goss_target *t); /* layers with a product: the range of goss_entry.layer */
GOSS_API const goss_layout *goss_target_layout(const goss_target *t);
/* Running mean and variance of every batch norm ("norm1.mean", "norm1.var"); empty without one. A layout of its own:
 * statistics are neither trained nor generated. */
GOSS_API const goss_layout *goss_target_statistics(const goss_target *t);

/* Modulation sites: the places where FiLM acts, after each norm and after each conv or dense without one (not the
 * head). Named after the layer, "norm1" or "dense1". (Perez et al. 2018) */
GOSS_API int goss_target_sites(const goss_target *t);
GOSS_API const char *goss_target_site_name(const goss_target *t, int i);
GOSS_API int64_t goss_target_site_channels(const goss_target *t, int i);
/* Unit groups: channels or features that live and die together (all paths that meet in a residual sum are one group).
 */
GOSS_API int goss_target_units(const goss_target *t);
GOSS_API const char *goss_target_units_name(const goss_target *t, int i); /* the first layer that makes them */
GOSS_API int64_t goss_target_units_count(const goss_target *t, int i);

/* Where batch norms take their statistics from. */
typedef enum goss_norm_source {
    GOSS_NORM_BATCH,  /* from x, for each task by itself */
    GOSS_NORM_SHARED, /* from x, over all tasks: training of shared layers, with running statistics kept */
    GOSS_NORM_GIVEN,  /* from context.statistics: those of the support set, when x is the query (not transductive) */
    GOSS_NORM_RUNNING /* from context.running */
} goss_norm_source;

/* Mean and variance [T or 1, C] of each batch norm. */
typedef struct goss_norm_statistics {
    goss_val mean[GOSS_TARGET_MAX_NORMS], var[GOSS_TARGET_MAX_NORMS];
} goss_norm_statistics;

/* How a target is applied; GOSS_NONE and NULL switch a thing off. */
typedef struct goss_target_context {
    goss_norm_source norm;
    goss_norm_statistics *statistics; /* BATCH and SHARED write it, if not NULL; GIVEN reads it */
    const goss_weights *running;      /* of layout goss_target_statistics */
    goss_val sample_weight;           /* [T,N]: weights of the samples in BATCH and SHARED statistics (0 for padding) */
    const goss_val *unit_mask;        /* one a unit group, [Tw, units] of 0 and 1, or GOSS_NONE for all alive */
    const goss_val *film_scale;       /* one a site: [Tw, C] that multiplies (1 changes nothing), or GOSS_NONE */
    const goss_val *film_shift;       /* one a site: [Tw, C] that is added, or GOSS_NONE */
    goss_val dropout_task;            /* index [T], the tasks' ids; GOSS_NONE: dropout is off */
    bool training;                    /* leaves out the copies of `shifts` */
    /* Prefix under which layers and blocks are published (goss_publish): "" as hidden/LAYER, features/blockK and
     * features/out, "support/" as hidden/support/LAYER, ...; NULL: nothing is published. Borrowed during the call. */
    const char *publish;
} goss_target_context;

/* Batch statistics, not recorded; no masks, no FiLM, no dropout. */
GOSS_API goss_target_context goss_target_context_defaults(void);

typedef struct goss_target_output {
    goss_val features; /* [T,N,D] (or [T,N,H,W,C] for a network without flatten and head) */
    goss_val logits;   /* [T,N,outputs]; GOSS_NONE without a head */
} goss_target_output;

/* Applies the network. Shapes: x [T,N,D] or [T,N,H,W,C]; weights of layout goss_target_layout(t), each [1 or T, ...].
 * `c` may be NULL for the defaults. For the weights of one sample each, fold the samples into the task axis. */
GOSS_API goss_target_output goss_target_apply(const goss_target *t, goss_val x, const goss_weights *w,
                                              const goss_target_context *c);
/* The embedding only; the head and its weights are not touched. */
GOSS_API goss_val goss_target_features(const goss_target *t, goss_val x, const goss_weights *w,
                                       const goss_target_context *c);
/* Support and query in one go, not transductive: the support set's BATCH (or SHARED) statistics normalise the query
 * too; with context.norm RUNNING those do for both. GIVEN counts as BATCH. c->statistics, if not NULL, receives what
 * was recorded. */
GOSS_API void goss_target_apply_episode(const goss_target *t, goss_val support, goss_val query, const goss_weights *w,
                                        const goss_target_context *c, goss_target_output *support_out,
                                        goss_target_output *query_out);

/* Running statistics after a step, a new value for the slab [S] of `running` (goss_weights_from_params):
 * old + momentum * (recorded - old). recorded must come from SHARED (extent 1 in front). For goss_assign. */
GOSS_API goss_val goss_target_running_update(const goss_target *t, const goss_weights *running,
                                             const goss_norm_statistics *recorded, double momentum);

/* The smaller network that computes what the masked one computes. masks: one a unit group, of goss_target_units_count
 * numbers 0 or 1 (0 is dead), or NULL for all alive. slab [P], statistics [S] (may be NULL): the values of the given
 * target; *out_slab, *out_statistics: those of the smaller one, to be freed with goss_numbers_free; all three optional.
 * Errors: GOSS_E_ARGUMENT for a group without a living unit; GOSS_E_UNSUPPORTED for units of a grouped convolution that
 * is not depthwise, or that leave a group norm's groups uneven. */
GOSS_API GOSS_MUST_USE goss_status goss_target_compact(const goss_target *t, const float *const *masks,
                                                       const float *slab, const float *statistics, goss_target **out,
                                                       float **out_slab, float **out_statistics, goss_error *err);
GOSS_API void goss_numbers_free(float *numbers); /* NULL allowed */

#ifdef __cplusplus
}
#endif
#endif
