/* SPDX-License-Identifier: Apache-2.0 */
/* target.h: the representation of a target network: a flat list of layers, whose kinds are rows of one table.
 *
 * Nesting is by marker layers: residual ... [shortcut ...] end. The text is parsed into layers (target_parse.c); every
 * layer kind defines parsing, output shape and printing (target_layers.c) and application (target_apply.c); names, unit
 * groups and layouts are derived from the list (target_build.c). */
#ifndef GOSS_NN_TARGET_H
#define GOSS_NN_TARGET_H

#include "base/str.h"
#include "nn/nn.h"

#define GOSS__TARGET_DEPTH 16 /* residual in residual */
#define GOSS__TARGET_MAX_LAYERS 4096
#define GOSS__TARGET_MAX_EXTENT (1 << 20)
#define GOSS__NORM_EPS 1e-5

/* The shape between layers: D features (rank 1), steps and channels (rank 2) or H, W, C (rank 3). */
typedef struct goss__flow {
    int rank;
    int64_t dim[3];
} goss__flow;

/* The elements of a sample fit an int. */
goss_status goss__flow_check(const goss__flow *f, const char *what, goss_error *err);

/* "28 x 28 x 1" */
void goss__flow_text(const goss__flow *f, char out[64]);

static inline int64_t goss__flow_channels(const goss__flow *f) { return f->dim[f->rank - 1]; }

/* Steps, or pixels. */
static inline int64_t goss__flow_positions(const goss__flow *f) {
    return f->rank == 1 ? 1 : f->rank == 2 ? f->dim[0] : f->dim[0] * f->dim[1];
}

typedef enum goss__norm_kind {
    GOSS__NORM_BATCH,
    GOSS__NORM_LAYER,
    GOSS__NORM_INSTANCE,
    GOSS__NORM_GROUP
} goss__norm_kind;
typedef enum goss__pool_kind { GOSS__POOL_MAX, GOSS__POOL_AVG, GOSS__POOL_GLOBAL } goss__pool_kind;

typedef enum goss__readout { GOSS__READ_MEAN, GOSS__READ_MAX, GOSS__READ_LAST, GOSS__READ_ATTENTION } goss__readout;

typedef struct goss__layer_kind goss__layer_kind;
typedef struct goss__layer {
    const goss__layer_kind *kind;
    /* As written; unused fields are 0. */
    int64_t out;                                   /* units of conv, dense, head */
    int kernel[2], stride[2], pad[2], dilation[2]; /* height, width */
    int groups;                                    /* of conv and group norm */
    int pixels;                                    /* of shifts */
    goss__norm_kind norm;
    goss__pool_kind pool;
    double rate;
    bool channels; /* of dropout: whole channels */
    /* Of sequences. */
    int64_t rows; /* of an embedding */
    int heads;
    goss__readout readout;
    bool causal, rotary; /* of attention */
    bool normed, both;   /* of recurrent layers: with layer norm, in both directions */
    bool sinusoidal;     /* positions; else learned */
    /* Derived. */
    goss__flow in_flow, out_flow;
    char name[16]; /* "conv1"; "" where the layer has neither weights nor a site */
    bool bias;
    int product;           /* index of this conv, dense or head, or of the one before; 0-based */
    int batch_norm;        /* ordinal among the batch norms, -1: is none */
    int site;              /* modulation site, -1: none */
    int in_units, units;   /* unit groups of input and output; -1: cannot be masked */
    int in_repeat, repeat; /* channels are `repeat` times the group's units (after flatten) */
    int first_entry;       /* in the layout: w[, b] or gain, shift; -1: none */
} goss__layer;

struct goss_target {
    goss__layer *layers;
    int n_layers, capacity;
    goss__flow input, features;
    int64_t outputs;
    int n_products, n_norms, n_sites, n_units;
    int *site_layer; /* layer of each site */
    int *unit_layer; /* first layer that produces each unit group */
    goss_layout *layout, *statistics;
    char *text;
};

/* ---- words of a line ---- */
#define GOSS__MAX_WORDS 64
typedef struct goss__words {
    int n;
    const char *at[GOSS__MAX_WORDS];
    int size[GOSS__MAX_WORDS];
    const char *kind; /* for errors */
    const char *usage;
} goss__words;

bool goss__word_is(const goss__words *w, int i, const char *text);
/* An integer in [low, high]. */
goss_status goss__word_int(const goss__words *w, int i, int64_t low, int64_t high, int64_t *out, goss_error *err);
/* Fails, naming the word (or the end of the line) and the usage. */
goss_status goss__word_bad(const goss__words *w, int i, goss_error *err);

/* ---- layer kinds ---- */
typedef struct goss__apply goss__apply; /* target_apply.c */

struct goss__layer_kind {
    const char *word;
    const char *usage;
    bool product, site; /* has weights of a product; is a modulation site */
    bool activation;    /* keeps shapes and maps 0 to 0 */
    bool keeps_padding; /* of sequences: steps that are 0 for being beyond a sample's length stay so */
    bool opaque;        /* units in front of it and behind it cannot be masked */
    double gain2;       /* activations: variance times fan-in of the weights before it */
    goss_status (*read)(const goss__words *w, goss__layer *l, goss_error *err); /* NULL: no words after the first */
    goss_status (*flow)(const goss__layer *l, goss__flow *f, goss_error *err);  /* NULL: keeps the shape */
    void (*write)(const goss__layer *l, goss__str *s);                          /* words after the first; NULL: none */
    /* Adds the tensors of layer i to the layout (goss__layer_entry). NULL: those of a product or a norm, if it is. */
    goss_status (*declare)(goss_target *t, int i, goss_error *err);
    goss_val (*apply)(goss__apply *a, const goss__layer *l, goss_val x); /* NULL: marker, see target_apply.c */
};

#define GOSS__SEQUENCE_KINDS 9
extern const goss__layer_kind goss__sequence_kinds[GOSS__SEQUENCE_KINDS]; /* target_sequence.c */

const goss__layer_kind *goss__layer_kind_find(const char *word, int size);
bool goss__layer_is(const goss__layer *l, const char *word);

goss_val goss__apply_conv(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_dense(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_norm(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_pool(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_flatten(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_dropout(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_shifts(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_relu(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_gelu(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_silu(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_tanh(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_elu(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_leaky(goss__apply *a, const goss__layer *l, goss_val x);

/* ---- applying, for layers in other files (target_apply.c) ---- */
goss_graph *goss__apply_graph(const goss__apply *a);
/* Tensor SUFFIX of a layer; GOSS_NONE: it has none of that name. */
goss_val goss__apply_tensor(const goss__apply *a, const goss__layer *l, const char *suffix);
/* [T,N]: live steps at this point; GOSS_NONE: all. */
goss_val goss__apply_lengths(const goss__apply *a);
void goss__apply_set_lengths(goss__apply *a, goss_val lengths);

/* ---- sequences (target_steps.c) ---- */
/* 1 for live steps of x[T,N,L,...]: [T,N,L,1]; GOSS_NONE: all are. */
goss_val goss__step_mask(const goss__apply *a, goss_val x);
/* x with steps beyond the lengths 0. */
goss_val goss__mask_steps(const goss__apply *a, goss_val x);
/* Samples of a batch statistic: x[T,N,L,C] and weights of samples [T,N] become [T,N L,C] and [T,N L], where steps that
 * are padding weigh 0. Without lengths both stay as they are. */
void goss__fold_steps(const goss__apply *a, goss_val *x, goss_val *weight);
/* goss_group_norm over live steps and units alone. */
goss_val goss__group_norm_steps(const goss__apply *a, goss_val x, int groups, goss_val unit_mask);
goss_val goss__apply_conv1d(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_pool1d(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_rnn(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_gru(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_lstm(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_embedding(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_positions(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_attention(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_readout(goss__apply *a, const goss__layer *l, goss_val x);

/* The mask of what flows behind a layer, [Tw, channels], of those of unit groups (NULL: none); GOSS_NONE: all live. */
goss_val goss__layer_mask(const goss__layer *l, const goss_val *unit_mask);

/* ---- building ---- */
/* Appends a copy of the layer and updates *flow. */
goss_status goss__target_append(goss_target *t, const goss__layer *l, goss__flow *flow, goss_error *err);
/* Adds the tensor LAYER.SUFFIX to the layout; name and layer of e are set. */
goss_status goss__layer_entry(goss_layout *layout, const goss__layer *l, const char *suffix, goss_entry e,
                              goss_error *err);
/* Names, sites, unit groups, layouts and text, once all layers are there. */
goss_status goss__target_finish(goss_target *t, goss_error *err);
/* The network with these layers' text. */
goss_status goss__target_write(const goss_target *t, goss__str *s);
#endif
