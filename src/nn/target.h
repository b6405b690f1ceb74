/* SPDX-License-Identifier: Apache-2.0 */
/* target.h: the representation of a target network: a flat list of layers, whose kinds are rows of one table.
 *
 * Nesting is by marker layers: residual ... [shortcut ...] end, beside ... end, optional ... end, choose ... or ...
 * end. The text is parsed into layers (target_parse.c); every layer kind defines parsing, output shape and printing
 * (target_layers.c) and application (target_apply.c); names, unit groups and layouts are derived from the list
 * (target_build.c), and so are the gates of what a text with choices leaves open (target_choices.c). */
#ifndef GOSS_NN_TARGET_H
#define GOSS_NN_TARGET_H

#include "base/str.h"
#include "gossamer/space.h"
#include "nn/nn.h"

#define GOSS__TARGET_DEPTH 16 /* residual in residual */
#define GOSS__TARGET_MAX_LAYERS 4096
#define GOSS__TARGET_MAX_EXTENT (1 << 20)
#define GOSS__NORM_EPS 1e-5
#define GOSS__MAX_HEADS 1024
#define GOSS__KERNELS 4     /* sizes that a kernel can have */
#define GOSS__COLUMNS 1024  /* that `columns` can select from */
#define GOSS__CHOICE_MAX 64 /* alternatives */

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
    int64_t rows;         /* of an embedding */
    int64_t small, codes; /* of hyper layers: numbers of the code that modulates them, and of an embedding of it */
    bool position;        /* of hyper layers: the code is of the position, not the state of a small cell */
    int heads;
    int64_t width; /* of a head; 0: as many of the input's channels as there are for each */
    goss__readout readout;
    bool causal, rotary; /* of attention */
    bool normed, both;   /* of recurrent layers: with layer norm, in both directions */
    bool start;          /* of recurrent layers: a learned initial state */
    bool sinusoidal;     /* positions; else learned */
    bool has_bias;       /* written although a norm follows */
    /* Choices. */
    int64_t low, step;             /* units: at least `low` of `out`, by `step` (0: derived); low 0: all of them */
    bool nested;                   /* units are kept in order */
    int kernels[GOSS__KERNELS][2]; /* sizes of the kernel, smallest first; the last one is `kernel` */
    int n_kernels;                 /* 0: one size */
    uint64_t columns[GOSS__COLUMNS / 64]; /* selected; none: any of them, at least `low` */
    /* Derived. */
    goss__flow in_flow, out_flow;
    char name[16]; /* "conv1"; "" where the layer has neither weights nor a site */
    bool bias;
    int product;               /* index of this conv, dense or head, or of the one before; 0-based */
    int batch_norm;            /* ordinal among the batch norms, -1: is none */
    int site;                  /* modulation site, -1: none */
    int in_units, units;       /* unit groups of input and output; -1: cannot be masked */
    int inner;                 /* unit group inside of the layer, of which heads are left open; -1: none */
    int in_repeat, repeat;     /* channels are `repeat` times the group's units (after flatten) */
    int first_state;           /* in goss_target_carry, if its kind has states */
    int first_entry;           /* in the layout: w[, b] or gain, shift; -1: none */
    int entries_from, entries; /* all tensors of the layer in the layout, which has them in a row */
    int gate;                  /* first gate of a kernel, an optional part or alternatives; -1: none */
    int inside; /* the gate that the layer exists by, -1: it always does; of a marker: what is around it */
} goss__layer;

/* The choice among the units of a group. A unit's place is its index modulo `per`, so that every group of a group norm
 * loses the same number: the first `core` places always live, gate k decides about `step` places from core + k step. */
typedef struct goss__unit_choice {
    int gate, count; /* first gate, number of gates; 0: none */
    int64_t core, step, per;
} goss__unit_choice;

/* Gates that are chosen together, and the gate that they exist by (-1: they always do). */
typedef struct goss__gate_group {
    goss_space_group_info info;
    int layer; /* that the choice was written at; of units the first one */
    int inside;
} goss__gate_group;

struct goss_target {
    goss__layer *layers;
    int n_layers, capacity;
    goss__flow input, features;
    int64_t outputs;
    int n_products, n_norms, n_sites, n_units;
    bool fixed_steps; /* a layer needs them */
    int n_states;
    int64_t state_width[GOSS_TARGET_MAX_STATES];
    int *site_layer;                /* layer of each site */
    int *unit_layer;                /* first layer that produces each unit group */
    int64_t *unit_count;            /* units of each group */
    goss__unit_choice *unit_choice; /* of each unit group */
    goss__gate_group *groups;       /* of gates */
    int *gate_inside;               /* per gate: the one that its part is inside of, -1: none */
    int n_groups, n_gates;
    goss_layout *layout, *statistics;
    char *text;
};

/* ---- words of a line ---- */
#define GOSS__MAX_WORDS 520 /* as many as runs of columns, and some */
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
/* A number of units: D, LOW..HIGH or LOW..HIGH/STEP; and as it is written. */
/* A share of what dropout takes, in [0, 1). */
goss_status goss__word_rate(const goss__words *w, int i, double *out, goss_error *err);
/* Units, "8", "4..8" or "4..8/2", most at most, into out, low and step. */
goss_status goss__word_units(const goss__words *w, int i, int64_t most, goss__layer *l, goss_error *err);
void goss__units_write(const goss__layer *l, goss__str *s);
/* Whether word i is `bias` or, of a range of units, `nested`; and those as they are written. */
bool goss__word_flag(const goss__words *w, int i, goss__layer *l);
void goss__flags_write(const goss__layer *l, goss__str *s);
/* A size of a kernel, "3" or "3x1", or sizes of which one is chosen, "1|3|5". */
goss_status goss__word_kernels(const goss__words *w, int i, goss__layer *l, goss_error *err);
/* Padding that keeps the extent at stride 1 (else extent / stride, rounded up), for every size of the kernel. */
goss_status goss__pad_same(goss__layer *l, goss_error *err);
/* "LOW..HIGH" */
goss_status goss__word_range(const goss__words *w, int i, int64_t low, int64_t high, int64_t range[2], goss_error *err);
/* The text with braces that a line with `optional` at its end or alternatives stands for; empty: it has neither. */
goss_status goss__words_expand(const goss__words *w, goss__str *out, goss_error *err);
/* The body `low` times, then up to `high` times as nested optional parts. */
void goss__repeat_text(const char *body, size_t size, int64_t low, int64_t high, goss__str *out);
/* A word that stands for several layers. (target_macros.c) */
typedef struct goss__macro {
    const char *word, *usage;
    /* Appends their text, behind what the flow is. */
    goss_status (*expand)(const goss__flow *flow, const goss__words *w, goss__str *out, goss_error *err);
} goss__macro;
/* The macro that the first word names; NULL: none. */
const goss__macro *goss__macro_find(const goss__words *w);
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
    /* Of sequences. states: what a layer keeps from a piece of a sequence to the next one, at most 4, and their widths;
     * NULL: nothing. whole: why it must see all of a sequence at once; NULL, or returns NULL: it need not. */
    int (*states)(const goss__layer *l, int64_t width[4]);
    const char *(*whole)(const goss__layer *l);
    /* Of layers that must see all at once: whether a step's result depends on no later step; NULL: it does. */
    bool (*causal)(const goss__layer *l);
    bool fixed_steps; /* of sequences: the number of steps must be known when a graph is built */
    bool opaque;      /* units in front of it and behind it cannot be masked, unless it has a range of units */
    bool by_width;    /* divides products by the root of its input's width; a smaller width is made up for in them */
    bool looks_up;    /* chooses rows of its weights, which are multiplied by nothing */
    goss_cell cell;   /* of recurrent and hyper layers */
    bool heads;       /* a range in its text is one of heads inside of it */
    int kernel_word;  /* the word in which A|B are sizes of one kernel; elsewhere they are alternative layers */
    enum { GOSS__PLAIN, GOSS__OPENS, GOSS__TURNS, GOSS__CLOSES } marks; /* braces of the text */
    double gain2; /* activations: variance times fan-in of the weights before it */
    goss_status (*read)(const goss__words *w, goss__layer *l, goss_error *err); /* NULL: no words after the first */
    goss_status (*flow)(const goss__layer *l, goss__flow *f, goss_error *err);  /* NULL: keeps the shape */
    void (*write)(const goss__layer *l, goss__str *s);                          /* words after the first; NULL: none */
    /* Adds the tensors of layer i to the layout (goss__layer_entry). NULL: those of a product or a norm, if it is. */
    goss_status (*declare)(goss_target *t, int i, goss_error *err);
    goss_val (*apply)(goss__apply *a, const goss__layer *l, goss_val x); /* NULL: marker, see target_apply.c */
};

#define GOSS__SEQUENCE_KINDS 7
extern const goss__layer_kind goss__sequence_kinds[GOSS__SEQUENCE_KINDS]; /* target_sequence.c */
#define GOSS__CELL_KINDS 7
extern const goss__layer_kind goss__cell_kinds[GOSS__CELL_KINDS]; /* target_cells.c */
extern const goss__layer_kind goss__pairs_kind;                   /* target_pairs.c */

const goss__layer_kind *goss__layer_kind_find(const char *word, int size);
/* The number of kinds, and which one a kind is, from 0. */
int goss__layer_kinds(void);
int goss__layer_kind_number(const goss__layer_kind *k);
bool goss__layer_is(const goss__layer *l, const char *word);
/* Whether what a part in braces yields is made of what went into it, too: `residual` and `beside`. */
bool goss__layer_keeps_input(const goss__layer *l);
static inline bool goss__layer_opaque(const goss__layer *l) { return l->kind->opaque && (!l->low || l->kind->heads); }
/* The unit group that a layer's range is about; -1: none. */
static inline int goss__layer_open_units(const goss__layer *l) { return l->inner >= 0 ? l->inner : l->units; }
/* Numbers of a head, and of all of them. */
static inline int64_t goss__layer_head_width(const goss__layer *l) {
    return l->width ? l->width : goss__flow_channels(&l->in_flow) / l->heads;
}
static inline int64_t goss__layer_heads_width(const goss__layer *l) { return l->heads * goss__layer_head_width(l); }
/* Whether l is `columns` that leaves the selection open. */
bool goss__layer_columns_open(const goss__layer *l);
static inline bool goss__layer_has_column(const goss__layer *l, int64_t i) { return l->columns[i / 64] >> i % 64 & 1; }

goss_val goss__apply_conv(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_dense(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_norm(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_pool(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_flatten(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_dropout(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_shifts(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_columns(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_relu(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_gelu(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_silu(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_tanh(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_elu(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_leaky(goss__apply *a, const goss__layer *l, goss_val x);

/* ---- applying, for layers in other files (target_apply.c) ---- */
goss_graph *goss__apply_graph(const goss__apply *a);
/* Tensor SUFFIX of a layer; GOSS_NONE: it has none of that name. */
/* The live units of the layer, [Tw, units], by masks and gates; GOSS_NONE: all of them. */
goss_val goss__apply_live(const goss__apply *a, const goss__layer *l);
/* The weights of a convolution with the taps that gates leave of the kernel. */
goss_val goss__apply_kernel(const goss__apply *a, const goss__layer *l, goss_val w);
goss_val goss__apply_tensor(const goss__apply *a, const goss__layer *l, const char *suffix);
/* State k of a layer as the piece of a sequence before this one left it; GOSS_NONE: sequences are whole. */
goss_val goss__state_before(const goss__apply *a, const goss__layer *l, int k);
void goss__keep_state(const goss__apply *a, const goss__layer *l, int k, goss_val after);
/* x [1,...] for as many tasks as a layer's tensors are of. */
goss_val goss__for_weights(const goss__apply *a, const goss__layer *l, goss_val x);
/* [T,N]: live steps at this point; GOSS_NONE: all. */
goss_val goss__apply_lengths(const goss__apply *a);
goss_val goss__apply_dropout_task(const goss__apply *a); /* GOSS_NONE: nothing is dropped */
void goss__apply_set_lengths(goss__apply *a, goss_val lengths);

/* ---- sequences (target_steps.c) ---- */
/* 1 for live steps of x[T,N,L,...]: [T,N,L,1]; GOSS_NONE: all are. */
goss_val goss__step_mask(const goss__apply *a, goss_val x);
/* x with steps beyond the lengths 0. */
goss_val goss__mask_steps(const goss__apply *a, goss_val x);
/* Samples of a batch statistic: x[T,N,L,C] and weights of samples [T,N] become [T,N L,C] and [T,N L], where steps that
 * are padding weigh 0. Without lengths both stay as they are. */
void goss__fold_steps(const goss__apply *a, goss_val *x, goss_val *weight);
/* goss_dropout, drawn for all steps that there may be: it does not depend on the longest sample of a batch. */
goss_val goss__dropout_steps(const goss__layer *l, goss_val x, goss_val task);
/* goss_group_norm over live steps and units alone. */
goss_val goss__group_norm_steps(const goss__apply *a, goss_val x, int groups, goss_val unit_mask);
goss_val goss__apply_conv1d(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_pool1d(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_recurrent(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_hyper(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_embedding(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_positions(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_attention(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_steps(goss__apply *a, const goss__layer *l, goss_val x);
goss_val goss__apply_readout(goss__apply *a, const goss__layer *l, goss_val x);

/* The mask of what flows behind a layer, [Tw, channels], of those of unit groups (NULL: none); GOSS_NONE: all live. */
goss_val goss__layer_mask(const goss__layer *l, const goss_val *unit_mask);

/* ---- gates in a graph (target_gates.c) ---- */
/* Live units [Tw, units] of group i by gates [Tw, G]; GOSS_NONE: all of them. */
goss_val goss__gates_units(const goss_target *t, int i, goss_val gates);
/* The same [Tw, channels] where channels are the units of the group over and over; i -1: GOSS_NONE. */
goss_val goss__gates_channels(const goss_target *t, int i, int64_t channels, goss_val gates);
/* What a weight [.., kh, kw, ..] is multiplied by, [Tw, kh, kw, 1, 1]. l has several kernels. */
goss_val goss__gates_kernel(const goss__layer *l, goss_val gates);
/* Gate i as a factor of a value of that rank: [Tw, 1, ...]. */
goss_val goss__gates_factor(goss_val gates, int i, int rank);

/* ---- structures: [G] numbers of 0 and 1; NULL: the network as it is written ---- */
/* Whether what exists by that gate is there. */
bool goss__structure_has(const goss_target *t, const float *structure, int inside);
/* The number of open gates of a group. */
int goss__structure_open(const float *structure, const goss_space_group_info *group);
/* The smaller network of masks (as goss_target_compact has them) and structure; either may be NULL. */
goss_status goss__target_shrink(const goss_target *t, const float *const *masks, const float *structure,
                                const float *slab, const float *statistics, goss_target **out, float **out_slab,
                                float **out_statistics, goss_error *err);

/* ---- building ---- */
/* Appends a copy of the layer and updates *flow. */
goss_status goss__target_append(goss_target *t, const goss__layer *l, goss__flow *flow, goss_error *err);
/* Adds the tensor LAYER.SUFFIX to the layout; name and layer of e are set. */
goss_status goss__layer_entry(goss_layout *layout, const goss__layer *l, const char *suffix, goss_entry e,
                              goss_error *err);
/* The same of a tensor [rows, columns] of a product, or [columns] for rows = 0. value: of GOSS_INIT_CONSTANT. */
goss_status goss__layer_tensor(goss_target *t, int layer, const char *suffix, int64_t rows, int64_t columns,
                               goss_init init, double value, goss_role role, goss_error *err);
goss_status goss__layer_weight(goss_target *t, int layer, const char *suffix, int64_t rows, int64_t columns,
                               goss_error *err);
goss_status goss__layer_bias(goss_target *t, int layer, const char *suffix, int64_t n, goss_error *err);
/* Fails where f is no sequence. what: the layer's word. */
goss_status goss__want_steps(const goss__flow *f, const char *what, goss_error *err);
/* The gates of all choices, once unit groups are known. */
goss_status goss__target_choices(goss_target *t, goss_error *err);
/* States of layers, once their flows are there. (target_states.c) */
goss_status goss__target_number_states(goss_target *t, goss_error *err);
/* Names, sites, unit groups, layouts and text, once all layers are there. */
goss_status goss__target_finish(goss_target *t, goss_error *err);
/* "conv3": the third of its kind. */
void goss__target_name(const goss_target *t, int layer);
/* The network with these layers' text. */
goss_status goss__target_write(const goss_target *t, goss__str *s);
#endif
