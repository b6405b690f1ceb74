/* SPDX-License-Identifier: Apache-2.0 */
/* hyper_cell.h: one hypernetwork of small extents on numbers: its target, what its conditioner reads, what it makes. */
#ifndef TESTS_HYPER_CELL_H
#define TESTS_HYPER_CELL_H

#include "graph_check.h"

#include "gossamer/hyper.h"

enum { TASKS = 2, SAMPLES = 3, WAYS = 3, SHOTS = 2 };

typedef struct family {
    const char *name, *text;
    int rank;
    int64_t input[3], outputs;
} family;

static const family families[] = {
    {"mlp", "dense 4\nnorm layer\nsilu\ndense 5\nsilu\nhead", 1, {6}, 3},
    {"cnn", "conv 3 3 pad 1; norm group 1; silu; pool avg 2; flatten; head", 3, {4, 4, 1}, 3},
    {"resnet", "conv 4 3 pad 1; residual { conv 4 3 pad 1; norm layer; silu }; pool global; head", 3, {4, 4, 1}, 3},
    {"cnn with batch norm", "conv 3 3 pad 1; norm batch; silu; pool avg 2; flatten; head", 3, {4, 4, 1}, 3},
    {"embedding", "dense 4\nsilu\ndense 5", 1, {6}, 0},
    {"recurrent", "gru 3 norm; norm layer; readout mean; head", 2, {4, 2}, 3},
    {"hyperlstm", "hyperlstm 2 2 1; norm layer; readout last; head", 2, {2, 2}, 3},
    {"hypergru", "hypergru 2 2 1; norm layer; readout last; head", 2, {2, 2}, 3},
    {"position",
     "hyperdense 3 2 1 position; norm layer; hyperrnn 3 2 1 position; norm layer; readout last; head",
     2,
     {2, 2},
     3},
    {"transformer", "transformer 4 2; norm layer; readout attention; head", 2, {3, 2}, 3},
    {"adapter",
     "conv1d 3 3 pad 1; lstm 2 bidirectional; residual { norm layer; dense 2; silu; dense 4 }; readout max; head",
     2,
     {3, 2},
     3},
};
static const char *const combines[] = {"delta", "replace", "scale"};

enum { NODES = 3 };
static const int nodes_of_layers[64] = {1, 2, 1, 0, 2}; /* as many layers as the largest target has, and more */

static inline goss_hyper_options small_options(void) {
    goss_hyper_options o = goss_hyper_defaults();
    o.hidden = 5, o.embedding = 4, o.layer_embedding = 3, o.chunk = 8, o.tasks = 6, o.descriptor = 2;
    o.attention = 2, o.class_hidden = 6;
    o.nodes = NODES, o.node_numbers = 2, o.node_of = nodes_of_layers, o.rounds = 2;
    return o;
}

/* ---- one hypernetwork on numbers ---- */

typedef struct cell {
    world w;
    goss_target *target;
    goss_hyper *hyper;
    goss_condition c;
    goss_generated made;
    goss_val x, loss, param[4], grad[4];
    int n_params;
} cell;

static inline void cell_free(cell *c) {
    goss_generated_free(&c->made);
    if (c->w.g) world_free(&c->w);
    goss_hyper_free(c->hyper);
    goss_target_free(c->target);
    *c = (cell){0};
}

/* Class means of WAYS classes, SHOTS neighbours each. */
static inline goss_val assign_input(world *w, goss_extent T) {
    double v[TASKS * WAYS * WAYS * SHOTS];
    for (int i = 0; i < TASKS * WAYS * WAYS * SHOTS; i++) {
        int s = i % (WAYS * SHOTS), k = i / (WAYS * SHOTS) % WAYS;
        v[i] = s / SHOTS == k ? 1.0 / SHOTS : 0;
    }
    return world_input(w, "assign", GOSS_REAL, GOSS_SHAPE(T, goss_n(WAYS), goss_n(WAYS * SHOTS)), v);
}

static inline goss_shape samples_of(const family *f, goss_extent T, int64_t n) {
    goss_shape s = {.rank = 2 + f->rank, .dim = {T, goss_n(n)}};
    for (int i = 0; i < f->rank; i++) s.dim[2 + i] = goss_n(f->input[i]);
    return s;
}

static inline void declare_inputs(cell *c, const family *f) {
    world *w = &c->w;
    goss_extent T = world_tasks(w, TASKS);
    double ids[TASKS] = {4, 1}, descriptor[TASKS * 2] = {0.1, 0.9, 0.6, 0.3};
    const goss_hyper_options *o = goss_hyper_settings(c->hyper);
    c->x = world_normal(w, "x", samples_of(f, T, SAMPLES));
    if (o->noise > 0 && o->conditioner & GOSS_CONDITION_SUPPORT)
        c->c.noise = world_normal(w, "noise", GOSS_SHAPE(T, goss_n(o->noise)));
    if (o->conditioner & GOSS_CONDITION_SUPPORT) {
        goss_weights *base = goss_hyper_base(c->hyper, w->g);
        c->c.features =
            goss_target_features(c->target, world_normal(w, "support", samples_of(f, T, WAYS * SHOTS)), base, NULL);
        c->c.assign = assign_input(w, T);
        goss_weights_free(base);
    }
    if (o->conditioner & GOSS_CONDITION_DESCRIPTOR)
        c->c.descriptor = world_input(w, "d", GOSS_REAL, GOSS_SHAPE(T, goss_n(2)), descriptor);
    if (o->conditioner & GOSS_CONDITION_GRAPH) {
        /* The second task's network is without node 1. */
        const double nodes[TASKS * NODES * 2] = {1, .3, 1, -.7, 1, .2, 1, .3, 0, 0, 1, .9},
                                           edges[TASKS * NODES * NODES] = {0, 0, 0, 1, 0, 0, .5, .5, 0,
                                                                           0, 0, 0, 0, 0, 0, 1,  0,  0};
        c->c.nodes = world_input(w, "nodes", GOSS_REAL, GOSS_SHAPE(T, goss_n(NODES), goss_n(2)), nodes);
        c->c.edges = world_input(w, "edges", GOSS_REAL, GOSS_SHAPE(T, goss_n(NODES), goss_n(NODES)), edges);
    }
    if (o->conditioner & GOSS_CONDITION_INPUT) c->c.input = c->x;
    if (o->conditioner & (GOSS_CONDITION_TASK | GOSS_CONDITION_NOISE))
        c->c.task = world_input(w, "task", GOSS_INDEX, GOSS_SHAPE(T), ids);
}

static inline goss_val make_loss(cell *c) {
    goss_hyper_generate(c->hyper, c->w.g, &c->c, &c->made);
    if (goss_hyper_class_head(c->hyper)) goss_hyper_generate_head(c->hyper, c->w.g, &c->c, &c->made);
    goss_target_output y = goss_hyper_apply(c->hyper, &c->made, c->x, NULL);
    goss_val out = goss_valid(y.logits) ? y.logits : y.features;
    goss_val loss = goss_mean_all(goss_square(goss_sin(out)));
    return goss_valid(c->made.penalty) ? goss_add(loss, goss_scale(c->made.penalty, 0.01)) : loss;
}

static inline double *param_numbers(cell *c, const char *name, int64_t *n) {
    int i = goss_params_find(c->w.params, name);
    *n = i < 0 ? 0 : goss_params_numel(c->w.params, i);
    return i < 0 ? NULL : goss_params_data(c->w.params, i);
}

/* Starting values, plus noise of that size. */
static inline void initialize(cell *c, double noise) {
    const goss_layout *layout[2] = {goss_target_layout(c->target), goss_hyper_layout(c->hyper)};
    const char *names[] = {"target", "hyper", "tasks", "own"};
    for (int k = 0; k < 4; k++) {
        int64_t n;
        double *v = param_numbers(c, names[k], &n);
        goss__rng r = goss__rng_make(31, (uint64_t)k);
        float *start = calloc((size_t)n + 1, sizeof *start);
        if (k < 2 && v) goss_layout_initialize(layout[k], 3, start);
        for (int64_t i = 0; i < n; i++) v[i] = start[i] + (k == 2 ? 1 : noise) * goss__rng_normal(&r);
        free(start);
    }
}

static inline goss_status create(cell *c, const family *f, const goss_hyper_options *o, goss_error *err) {
    *c = (cell){0};
    GOSS_TRY(goss_target_parse(f->text, f->input, f->rank, f->outputs, &c->target, err));
    return goss_hyper_create(c->target, o, &c->hyper, err);
}
#endif
