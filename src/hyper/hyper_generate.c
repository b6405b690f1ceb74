/* SPDX-License-Identifier: Apache-2.0 */
/* hyper_generate.c: from a code to the tensors of a target: one trunk for all layers, a generator per tensor, combine.
 *
 * z = unit(silu(e A + (layer embedding) B + b)): [T, layers, H], with a mean square of 1, so that z w / sqrt(H) with w
 * of variance 1 yields numbers h of variance 1 (hyperfan-in, Chang et al. 2020); they are multiplied by the standard
 * deviation of the tensor's own initialiser. With a base the last layer is zero (Beck et al. 2022). The factor 1 /
 * sqrt(H) is outside w, since an optimiser that changes every weight by its rate would change h by H times that, from
 * the first step. Chunks have their own rows in z. Of the two factors of a low-rank delta only U is zero; otherwise no
 * gradient would flow. */
#include <math.h>
#include <stdio.h>

#include "hyper/hyper.h"

typedef struct generation {
    const goss_hyper *h;
    const goss_weights *weights; /* of the hypernetwork */
    goss_graph *graph;
    goss_val conditioned; /* e A: [T,1,H] */
    goss_val nodes;       /* of layers in a graph, times their matrix: [T,L,H]; GOSS_NONE: they have none */
    goss_val layers;      /* z of every layer: [T,L,H] */
    goss_val own;         /* numbers of a task's own tensors: [T,P] */
    int64_t taken;        /* of them */
    goss_generated *out;
} generation;

/* ---- shapes ---- */

/* A tensor as a matrix: its last axis against the rest. */
static void matrix_of(const goss_entry *e, int64_t *rows, int64_t *columns) {
    *columns = e->dim[e->rank - 1];
    *rows = e->numel / *columns;
}

static int64_t rank_of(const goss__choice *choice, const goss_entry *e) {
    int64_t rows, columns, rank = choice->number;
    matrix_of(e, &rows, &columns);
    rank = rank < rows ? rank : rows;
    return rank < columns ? rank : columns;
}

static int64_t chunk_of(const goss_hyper *h, const goss__choice *choice, const goss_entry *e) {
    int64_t n = choice->number ? choice->number : h->options.chunk;
    return n < e->numel ? n : e->numel;
}

static int64_t chunks_of(int64_t numel, int64_t chunk) { return (numel + chunk - 1) / chunk; }

/* A vector has no factors: lowrank generates it in full. */
static goss_generator kind_of(const goss__choice *choice, const goss_entry *e) {
    return choice->kind == GOSS_GENERATE_LOWRANK && e->rank == 1 ? GOSS_GENERATE_FULL : choice->kind;
}

/* Whether the values are bounded by tanh instead of scaled by a deviation. */
static bool is_bounded(const goss_entry *e) { return e->role != GOSS_ROLE_WEIGHT; }

/* ---- layout ---- */

/* A last layer of n numbers per row of z; random if there is no base. */
static goss_status plan_last(goss_hyper *h, int64_t n, bool random, goss_error *err, const char *name) {
    int64_t hidden = h->options.hidden;
    return goss__hyper_add(h, hidden, n, random ? GOSS_INIT_NORMAL : GOSS_INIT_ZEROS, hidden, err, "%s", name);
}

static goss_status plan_chunked(goss_hyper *h, const goss__choice *choice, const goss_entry *e, bool random,
                                goss_error *err) {
    char name[64];
    int64_t chunk = chunk_of(h, choice, e), hidden = h->options.hidden;
    GOSS_TRY(goss__hyper_add(h, chunks_of(e->numel, chunk), h->options.layer_embedding, GOSS_INIT_NORMAL, 1, err,
                             "%s.chunks", e->name));
    /* Shared by tensors with equal chunks and initialisation. */
    snprintf(name, sizeof name, "chunk%lld%s", (long long)chunk, random ? "" : ".zero");
    return goss_layout_find(h->layout, name) >= 0
               ? GOSS_OK
               : goss__hyper_add(h, hidden, chunk, random ? GOSS_INIT_NORMAL : GOSS_INIT_ZEROS, hidden, err, "%s",
                                 name);
}

static goss_status plan_tensor(goss_hyper *h, int i, goss_error *err) {
    const goss_entry *e = goss_layout_entry(goss_target_layout(h->target), i);
    const goss__choice *choice = &h->choice[i];
    bool random = h->options.combine == GOSS_COMBINE_REPLACE && !is_bounded(e);
    char name[160];
    int64_t rows, columns, rank;
    switch (kind_of(choice, e)) {
    case GOSS_GENERATE_FULL:
        snprintf(name, sizeof name, "%s.full", e->name);
        return plan_last(h, e->numel, random, err, name);
    case GOSS_GENERATE_CHUNKED:
        return plan_chunked(h, choice, e, random, err);
    case GOSS_GENERATE_LOWRANK:
        matrix_of(e, &rows, &columns), rank = rank_of(choice, e);
        snprintf(name, sizeof name, "%s.u", e->name);
        GOSS_TRY(plan_last(h, rows * rank, random, err, name));
        snprintf(name, sizeof name, "%s.v", e->name);
        return plan_last(h, rank * columns, true, err, name);
    default:
        return GOSS_OK;
    }
}

static goss_status plan_site(goss_hyper *h, int i, goss_error *err) {
    const char *site = goss_target_site_name(h->target, i);
    int64_t channels = goss_target_site_channels(h->target, i), hidden = h->options.hidden;
    GOSS_TRY(goss__hyper_add(h, 0, channels, GOSS_INIT_ONES, 1, err, "%s.film.scale", site));
    GOSS_TRY(goss__hyper_add(h, 0, channels, GOSS_INIT_ZEROS, 1, err, "%s.film.shift", site));
    return goss__hyper_add(h, hidden, 2 * channels, GOSS_INIT_ZEROS, hidden, err, "%s.film", site);
}

goss_status goss__hyper_plan_generators(goss_hyper *h, goss_error *err) {
    const goss_hyper_options *o = &h->options;
    /* A structure is one layer more. */
    int64_t layers = goss_target_layers(h->target) + (o->gates > 0);
    /* The two terms of the trunk have half of the variance each. */
    GOSS_TRY(goss__hyper_add(h, o->embedding, o->hidden, GOSS_INIT_LECUN, o->embedding, err, "trunk.code"));
    GOSS_TRY(
        goss__hyper_add(h, o->layer_embedding, o->hidden, GOSS_INIT_LECUN, o->layer_embedding, err, "trunk.layer"));
    GOSS_TRY(goss__hyper_add(h, 0, o->hidden, GOSS_INIT_ZEROS, 1, err, "trunk.b"));
    if (h->node_of)
        GOSS_TRY(goss__hyper_add(h, o->embedding, o->hidden, GOSS_INIT_LECUN, o->embedding, err, "trunk.node"));
    GOSS_TRY(goss__hyper_add(h, layers > 0 ? layers : 1, o->layer_embedding, GOSS_INIT_NORMAL, 1, err, "layers"));
    for (int i = 0; i < goss_layout_count(goss_target_layout(h->target)); i++) GOSS_TRY(plan_tensor(h, i, err));
    for (int i = 0; i < goss_target_sites(h->target); i++)
        if (h->film[i]) GOSS_TRY(plan_site(h, i, err));
    if (o->gates == 0) return GOSS_OK;
    GOSS_TRY(goss__hyper_add(h, 0, o->gates, GOSS_INIT_ZEROS, 1, err, "structure.base"));
    if (o->gates_shared) return GOSS_OK;
    GOSS_TRY(plan_last(h, o->gates, false, err, "structure.delta"));
    if (o->gate_features == 0) return GOSS_OK;
    GOSS_TRY(goss__hyper_add(h, 0, o->gate_features, GOSS_INIT_ZEROS, 1, err, "structure.weight"));
    return plan_last(h, o->gate_features, false, err, "structure.weight.delta");
}

/* ---- generators: h of a tensor as [T, numel], of variance 1 at the start if it is random ---- */

/* Embeddings [1,n,Le] -> z [T,n,H]; nodes: what layers' nodes add, [T,n or 1,H], or GOSS_NONE. */
static goss_val trunk(const generation *a, goss_val embeddings, goss_val nodes) {
    goss_val x = goss_linear(goss__hyper_unit(embeddings), goss__hyper_weight(a->weights, "trunk.layer"),
                             goss__hyper_weight(a->weights, "trunk.b"));
    if (goss_valid(nodes)) x = goss_add(x, nodes);
    return goss__hyper_unit(goss_silu(goss_add(a->conditioned, x)));
}

/* Of a graph's nodes, what those of layers add to the trunk; a structure, the last of `layers`, has no node. */
static goss_val nodes_of_layers(const generation *a, goss_val states) {
    const goss_val layers = goss__hyper_of_layers(a->h, states);
    if (!goss_valid(layers)) return GOSS_NONE;
    return goss_linear(goss__hyper_unit(layers), goss__hyper_weight(a->weights, "trunk.node"), GOSS_NONE);
}

static goss_val node_of(const generation *a, int layer) {
    return goss_valid(a->nodes) ? goss_slice(a->nodes, 1, layer < 0 ? 0 : layer, 1) : GOSS_NONE;
}

/* z of one layer times a last layer: [T, n]. */
static goss_val last_layer(const generation *a, int layer, const char *tensor, const char *part) {
    goss_val z = goss_slice(a->layers, 1, layer < 0 ? 0 : layer, 1);
    goss_val w =
        part ? goss__hyper_weight(a->weights, "%s.%s", tensor, part) : goss__hyper_weight(a->weights, "%s", tensor);
    return goss_scale(goss_squeeze(goss_linear(z, w, GOSS_NONE), 1), 1 / sqrt(a->h->options.hidden));
}

static goss_val full(generation *a, const goss__choice *choice, const goss_entry *e) {
    return last_layer(a, e->layer, e->name, "full");
}

static goss_val chunked(generation *a, const goss__choice *choice, const goss_entry *e) {
    int64_t chunk = chunk_of(a->h, choice, e);
    bool random = a->h->options.combine == GOSS_COMBINE_REPLACE && !is_bounded(e);
    goss_val z = trunk(a, goss__hyper_weight(a->weights, "%s.chunks", e->name), node_of(a, e->layer));
    goss_val w = goss__hyper_weight(a->weights, "chunk%lld%s", (long long)chunk, random ? "" : ".zero");
    goss_val y = goss_scale(goss_linear(z, w, GOSS_NONE), 1 / sqrt(a->h->options.hidden));
    if (!goss_valid(y)) return y;
    y = goss_reshape(y, GOSS_SHAPE(goss_dim(y, 0), goss_n(chunks_of(e->numel, chunk) * chunk)));
    return goss_slice(y, 1, 0, e->numel);
}

static goss_val lowrank(generation *a, const goss__choice *choice, const goss_entry *e) {
    int64_t rows, columns, rank = rank_of(choice, e);
    matrix_of(e, &rows, &columns);
    goss_val u = last_layer(a, e->layer, e->name, "u"), v = last_layer(a, e->layer, e->name, "v");
    if (!goss_valid(u) || !goss_valid(v)) return u;
    goss_extent T = goss_dim(u, 0);
    u = goss_reshape(u, GOSS_SHAPE(T, goss_n(rows), goss_n(rank)));
    v = goss_reshape(v, GOSS_SHAPE(T, goss_n(rank), goss_n(columns)));
    goss_val y = goss_scale(goss_matmul(u, v, false, false), 1 / sqrt((double)rank));
    return goss_reshape(y, GOSS_SHAPE(T, goss_n(e->numel)));
}

/* The next of the task's own numbers. */
static goss_val own(generation *a, const goss__choice *choice, const goss_entry *e) {
    a->taken += e->numel;
    return goss_slice(a->own, 1, a->taken - e->numel, e->numel);
}

static goss_val own_rows(const goss_hyper *h, goss_graph *g, const goss_condition *c) {
    const goss_shape shape = GOSS_SHAPE(goss_n(h->options.tasks), goss_n(h->own));
    if (h->own == 0 || goss_valid(c->own)) return c->own;
    return goss_gather(goss_param(g, "own", shape), c->task);
}

static goss_val (*const generators[])(generation *a, const goss__choice *choice, const goss_entry *e) = {
    [GOSS_GENERATE_FULL] = full, [GOSS_GENERATE_CHUNKED] = chunked, [GOSS_GENERATE_LOWRANK] = lowrank,
    [GOSS_GENERATE_OWN] = own,   [GOSS_GENERATE_CLASS] = NULL,
};

/* ---- combine ---- */

/* For generated weights `unit` is the tensor's deviation; bounded tensors and a task's own have 1. `lone` is the centre
 * of bounded ones without a base. */
static goss_val combine(const goss_hyper *h, goss_val base, goss_val y, double unit, double lone) {
    double alpha = h->options.alpha;
    switch (h->options.combine) {
    case GOSS_COMBINE_DELTA:
        return goss_add(base, goss_scale(y, alpha * unit));
    case GOSS_COMBINE_REPLACE:
        return goss_shift(goss_scale(y, unit), lone);
    case GOSS_COMBINE_SCALE:
        return goss_mul(base, goss_shift(goss_scale(y, alpha), 1));
    }
    return y;
}

static void add_penalty(generation *a, goss_val y) {
    goss_val power = goss_mean_all(goss_square(y));
    a->out->penalty = goss_valid(a->out->penalty) ? goss_add(a->out->penalty, power) : power;
}

static void publish(const generation *a, const char *name, const char *part, goss_val v) {
    char full[200];
    snprintf(full, sizeof full, "generated/%s%s", name, part);
    goss_publish(a->graph, full, v);
}

static void generate_tensor(generation *a, int i) {
    const goss_entry *e = goss_layout_entry(goss_target_layout(a->h->target), i);
    const goss__choice *choice = &a->h->choice[i];
    goss_generator kind = kind_of(choice, e);
    if (kind == GOSS_GENERATE_SHARED || kind == GOSS_GENERATE_FILM) return;
    goss_scope_push(a->graph, e->name);
    goss_val base = goss_weights_get(a->out->net.weights, e->name), y = generators[kind](a, choice, e);
    if (kind != GOSS_GENERATE_OWN) add_penalty(a, y);
    const bool owned = kind == GOSS_GENERATE_OWN, bounded = !owned && is_bounded(e);
    if (bounded) y = goss_tanh(y);
    if (goss_valid(y)) {
        goss_shape shape = goss_shape_of(base);
        shape.dim[0] = goss_dim(y, 0);
        y = goss_reshape(y, shape);
    }
    publish(a, e->name, "", y);
    double unit = bounded || owned ? 1 : goss_entry_deviation(e);
    goss_weights_set(a->out->net.weights, e->name, combine(a->h, base, y, unit, e->role == GOSS_ROLE_GAIN));
    goss_scope_pop(a->graph);
}

static void generate_site(generation *a, int i) {
    const char *site = goss_target_site_name(a->h->target, i);
    int64_t channels = goss_target_site_channels(a->h->target, i);
    goss_scope_push(a->graph, site);
    goss_val y = last_layer(a, a->h->site_layer[i], site, "film");
    add_penalty(a, y);
    y = goss_tanh(y);
    goss_val scale = goss__hyper_weight(a->weights, "%s.film.scale", site);
    goss_val shift = goss__hyper_weight(a->weights, "%s.film.shift", site);
    a->out->net.film_scale[i] = combine(a->h, scale, goss_slice(y, 1, 0, channels), 1, 1);
    a->out->net.film_shift[i] = combine(a->h, shift, goss_slice(y, 1, channels, channels), 1, 0);
    publish(a, site, ".scale", a->out->net.film_scale[i]);
    publish(a, site, ".shift", a->out->net.film_shift[i]);
    goss_scope_pop(a->graph);
}

/* A last layer for logits. They have no unit that 1 / sqrt(H) would keep, and one optimiser serves them and what they
 * are added to: a step shall not move them sqrt(H) times as far, all tasks the same way. */
static goss_val slow_layer(const generation *a, const char *name) {
    const goss_val y = last_layer(a, goss_target_layers(a->h->target), name, "delta");
    return goss_scale(y, 1 / sqrt(a->h->options.hidden));
}

/* What features of gates [T,K,G] add to their logits [T,G]. All gates have the same weights: one by itself is a small
 * part of what a loss tells. */
static goss_val weigh_features(generation *a, goss_val features) {
    const goss_hyper_options *o = &a->h->options;
    if (!goss_valid(features))
        return goss_graph_fail(a->graph, GOSS_E_ARGUMENT, "hyper: features of gates are missing");
    const goss_val y = slow_layer(a, "structure.weight");
    add_penalty(a, y);
    goss_val w = goss_add(goss__hyper_weight(a->weights, "structure.weight"), y);
    const goss_val first = goss_full(a->graph, GOSS_SHAPE(goss_n(1), goss_n(o->gate_first)), o->gate_weight);
    w = goss_add(w, goss_pad(first, 1, 0, o->gate_features - o->gate_first));
    return goss_sum(goss_mul(goss_unsqueeze(w, 2), features), GOSS_AXIS(1), false);
}

/* Gates open with probability 0.97 at the start: a network that begins small learns little. What is generated for a
 * task is 0 then, but for what features are weighed by. */
static void generate_structure(generation *a, const goss_condition *c) {
    const double open = 3.5;
    const goss_hyper *h = a->h;
    goss_scope_push(a->graph, "structure");
    goss_val logits = goss_shift(goss__hyper_weight(a->weights, "structure.base"), open);
    if (!h->options.gates_shared) {
        goss_val deviation = slow_layer(a, "structure");
        add_penalty(a, deviation);
        if (h->options.gate_features > 0) deviation = goss_add(deviation, weigh_features(a, c->gates));
        if (goss_valid(c->deviation_factor)) deviation = goss_mul(deviation, c->deviation_factor);
        a->out->structure_deviation = deviation;
        logits = goss_add(logits, deviation);
    }
    a->out->structure = goss_variable(logits); /* what a loss says of gates can be asked for */
    goss_publish(a->graph, "generated/structure", a->out->structure);
    goss_scope_pop(a->graph);
}

goss_weights *goss_hyper_base(const goss_hyper *h, goss_graph *g) {
    return goss_weights_from_params(g, goss_target_layout(h->target), "target");
}

static void generate(const goss_hyper *h, goss_graph *g, const goss_condition *c, goss_generated *out) {
    goss_weights *own = goss_weights_from_params(g, h->layout, "hyper");
    /* A differentiation variable, for the doctor. */
    goss_val states;
    out->net.code = goss_variable(goss__hyper_code(h, g, own, c, &out->rows, &states));
    goss_publish(g, "embedding/task", out->net.code);
    generation a = {.h = h, .weights = own, .graph = g, .own = own_rows(h, g, c), .out = out};
    a.nodes = nodes_of_layers(&a, states);
    a.conditioned = goss_linear(goss_unsqueeze(out->net.code, 1), goss__hyper_weight(own, "trunk.code"), GOSS_NONE);
    a.layers = trunk(&a, goss__hyper_weight(own, "layers"),
                     h->options.gates > 0 && goss_valid(a.nodes) ? goss_pad(a.nodes, 1, 0, 1) : a.nodes);
    for (int i = 0; i < goss_layout_count(goss_target_layout(h->target)); i++) generate_tensor(&a, i);
    for (int i = 0; i < goss_target_sites(h->target); i++)
        if (h->film[i]) generate_site(&a, i);
    if (h->options.gates > 0) generate_structure(&a, c);
    goss_weights_free(own);
}

void goss_hyper_generate(const goss_hyper *h, goss_graph *g, const goss_condition *c, goss_generated *out) {
    *out = (goss_generated){.net = {.weights = goss_hyper_base(h, g)}};
    if (!h->layers || !out->net.weights) return;
    goss_scope_push(g, "hyper");
    generate(h, g, c, out);
    goss_scope_pop(g);
}

void goss_generated_free(goss_generated *w) {
    if (!w) return;
    goss_instance_free(&w->net);
}
