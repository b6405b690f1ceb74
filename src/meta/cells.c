/* SPDX-License-Identifier: Apache-2.0 */
/* cells.c: a table is read cell by cell.
 *
 * A cell is a token of its standardised value and its row's class; a row has one cell more, of its class alone. Layers
 * of attention alternate: within a row over its cells, within a column over its rows (Kossen et al. 2021; Hollmann et
 * al. 2025). Nothing tells columns or rows apart but their contents, so that their order does not matter. A column's
 * mean is its summary, a class's that of its rows' last cells. Classes are told apart by number; the caller orders
 * them. */
#include "meta/cells.h"

#include <math.h>
#include <stdio.h>

enum { FEATURES = 5 };
static const double clip = 3, least_variance = 1e-8, epsilon = 1e-5, most_log_rows = 5;

/* ---- tensors ---- */

goss_status goss__cells_add(goss_layout *l, const char *name, int64_t rows, int64_t columns, goss_init init,
                            goss_error *err) {
    goss_entry e = {.name = name,
                    .rank = rows ? 2 : 1,
                    .dim = {rows ? rows : columns, columns},
                    .init = init,
                    .fan_in = rows ? rows : 1,
                    .fan_out = columns,
                    .role = rows                     ? GOSS_ROLE_WEIGHT
                            : init == GOSS_INIT_ONES ? GOSS_ROLE_GAIN
                                                     : GOSS_ROLE_BIAS,
                    .layer = -1,
                    .out_units = -1,
                    .in_units = -1};
    return goss_layout_add(l, &e, err);
}

typedef struct row {
    const char *name;
    int rows, columns; /* multiples of the width; rows 0: a vector */
    goss_init init;
} row;

/* Of each layer. */
static const row of_layer[] = {{"across.gain", 0, 1, GOSS_INIT_ONES}, {"across.shift", 0, 1, GOSS_INIT_ZEROS},
                               {"across.in", 1, 3, GOSS_INIT_LECUN},  {"across.out", 1, 1, GOSS_INIT_LECUN},
                               {"down.gain", 0, 1, GOSS_INIT_ONES},   {"down.shift", 0, 1, GOSS_INIT_ZEROS},
                               {"down.in", 1, 3, GOSS_INIT_LECUN},    {"down.out", 1, 1, GOSS_INIT_LECUN},
                               {"mix.gain", 0, 1, GOSS_INIT_ONES},    {"mix.shift", 0, 1, GOSS_INIT_ZEROS},
                               {"mix.in", 1, 2, GOSS_INIT_LECUN},     {"mix.bias", 0, 2, GOSS_INIT_ZEROS},
                               {"mix.out", 2, 1, GOSS_INIT_LECUN}};

goss_status goss__cells_plan(goss_layout *l, const goss_cells_options *o, goss_error *err) {
    const int d = o->width;
    char name[64];
    GOSS_TRY(goss__cells_add(l, "cell.w", FEATURES, d, GOSS_INIT_LECUN, err));
    GOSS_TRY(goss__cells_add(l, "cell.b", 0, d, GOSS_INIT_ZEROS, err));
    GOSS_TRY(goss__cells_add(l, "cell.label", GOSS__CELLS_CLASSES, 3 * d, GOSS_INIT_NORMAL, err));
    GOSS_TRY(goss__cells_add(l, "cell.size", 2, d, GOSS_INIT_LECUN, err));
    for (int i = 0; i < o->layers; i++)
        for (size_t k = 0; k < sizeof of_layer / sizeof *of_layer; k++) {
            const row *r = &of_layer[k];
            snprintf(name, sizeof name, "layer%d.%s", i + 1, r->name);
            GOSS_TRY(goss__cells_add(l, name, r->rows * d, r->columns * d, r->init, err));
        }
    GOSS_TRY(goss__cells_add(l, "cell.gain", 0, d, GOSS_INIT_ONES, err));
    return goss__cells_add(l, "cell.shift", 0, d, GOSS_INIT_ZEROS, err);
}

/* ---- values ---- */

goss_val goss__cells_mean(const goss__cells *c, goss_val v) {
    goss_val w = goss_div(c->weight, c->count);
    return goss_matmul(goss_unsqueeze(w, 1), v, false, false);
}

/* The statistics of each column over the rows where it has a value. */
static void standardise(const goss_task_batch *b, goss__cells *c, int64_t columns) {
    goss_graph *g = b->support.graph;
    const goss_val one = goss_const(g, 1), zero = goss_const(g, 0), w = goss_unsqueeze(c->weight, 2);
    const goss_val x = goss_slice(b->support, 2, 0, columns);
    const goss_val flag = goss_mul(goss_slice(b->support, 2, columns, columns), w);
    const goss_val there = c->there = goss_sub(w, flag);
    const goss_val n = goss_max(goss_sum(there, GOSS_AXIS(1), true), one);
    c->mean = goss_div(goss_sum(goss_mul(there, x), GOSS_AXIS(1), true), n);
    const goss_val off = goss_mul(goss_sub(x, c->mean), there);
    const goss_val variance = goss_div(goss_sum(goss_square(off), GOSS_AXIS(1), true), n);
    const goss_val varies = goss_less(goss_const(g, least_variance), variance);
    c->inverse = goss_select(varies, goss_rsqrt(goss_max(variance, goss_const(g, least_variance))), zero);
    c->z = goss_mul(off, c->inverse);
    const goss_val missing = goss_div(goss_sum(flag, GOSS_AXIS(1), true), goss_unsqueeze(c->count, 2));
    const goss_val some = goss_less(goss_const(g, least_variance), goss_mul(missing, goss_sub(one, missing)));
    c->flagged = goss_transpose(some);
    c->live = goss_squeeze(goss_max(varies, some), 1);
}

goss_val goss__cells_labels(const goss_task_batch *b, goss_val embeddings) {
    goss_val number = goss_one_hot(goss_iota(b->support.graph, b->W), goss_n(GOSS__CELLS_CLASSES));
    goss_val of_class = goss_matmul(goss_unsqueeze(number, 0), embeddings, false, false);
    return goss_matmul(b->support_target, of_class, false, false);
}

/* ---- tokens ---- */

/* [T,S,C,FEATURES]: the value on several scales, and whether there is one. */
static goss_val features_of_cells(const goss_task_batch *b, const goss__cells *c, int64_t columns, goss_val z) {
    goss_val part[FEATURES] = {z, goss_scale(goss_shift(goss_square(z), -1), 0.5), goss_tanh(goss_scale(z, 3)),
                               goss_slice(b->support, 2, columns, columns),
                               goss_tanh(goss_scale(goss_sub(z, goss_const(z.graph, 1)), 3))};
    for (int i = 0; i < FEATURES; i++) part[i] = goss_unsqueeze(part[i], 3);
    return goss_concat(part, FEATURES, 3);
}

static goss_val centred_labels(const goss_task_batch *b, const goss__cells *c, goss_val embeddings) {
    goss_val label = goss__cells_labels(b, embeddings);
    return goss_mul(goss_sub(label, goss__cells_mean(c, label)), goss_unsqueeze(c->weight, 2));
}

/* [T,2]: how many rows and classes there are. More rows than training has had say no more than these: what is learned
 * of their number does not extend beyond. */
static goss_val sizes_of(const goss_task_batch *b, const goss__cells *c) {
    const goss_val rows = goss_min(goss_log(c->count), goss_const(b->support.graph, most_log_rows));
    goss_val classes = goss_sum(b->class_mask, GOSS_AXIS(1), true);
    goss_val part[] = {goss_scale(goss_shift(rows, -4), 0.5), goss_shift(goss_scale(classes, 0.2), -1)};
    return goss_concat(part, 2, 1);
}

/* [T,S,C+1,D] */
static goss_val tokens_of(const goss_task_batch *b, const goss__cells *c, const goss_weights *own,
                          const goss_cells_options *o, int64_t columns) {
    goss_graph *g = b->support.graph;
    const goss_val z = goss_min(goss_max(c->z, goss_const(g, -clip)), goss_const(g, clip));
    const goss_extent d = goss_n(o->width), cells = goss_extent_mul(goss_extent_mul(b->T, b->S), goss_n(columns));
    goss_val f = goss_reshape(features_of_cells(b, c, columns, z), GOSS_SHAPE(goss_n(1), cells, goss_n(FEATURES)));
    goss_val x = goss_linear(f, goss_weights_get(own, "cell.w"), goss_weights_get(own, "cell.b"));
    x = goss_reshape(x, GOSS_SHAPE(b->T, b->S, goss_n(columns), d));
    goss_val label = goss_unsqueeze(centred_labels(b, c, goss_weights_get(own, "cell.label")), 2);
    x = goss_add(x, goss_slice(label, 3, 0, o->width));
    x = goss_add(x, goss_mul(goss_unsqueeze(z, 3), goss_slice(label, 3, o->width, o->width)));
    goss_val size = goss_linear(goss_unsqueeze(sizes_of(b, c), 1), goss_weights_get(own, "cell.size"), GOSS_NONE);
    goss_val last = goss_add(goss_slice(label, 3, 2 * o->width, o->width), goss_unsqueeze(size, 2));
    return goss_concat((goss_val[]){x, last}, 2, 2);
}

/* ---- layers ---- */

typedef struct reading {
    const goss_weights *own;
    int layer, width, heads;
    goss_extent T, S, C, all; /* C: cells of a row; all: T S C */
    goss_val live, weight;    /* [T,C], [T,S] */
} reading;

static goss_val weight(const reading *r, const char *name) {
    char full[64];
    snprintf(full, sizeof full, "layer%d.%s", r->layer + 1, name);
    return goss_weights_get(r->own, full);
}

static goss_val norm(const reading *r, goss_val h, const char *gain, const char *shift) {
    return goss_affine(goss_layer_norm(h, epsilon, GOSS_NONE), weight(r, gain), weight(r, shift));
}

/* Queries, keys or values of all sets: heads and sets lead, [T,S,heads,C,d], or with `down` [T,C,heads,S,d]. */
static goss_val part_of(const reading *r, goss_val qkv, int part, bool down) {
    const goss_extent heads = goss_n(r->heads), d = goss_n(r->width / r->heads);
    goss_val v = goss_slice(qkv, 2, (int64_t)part * r->width, r->width);
    v = goss_reshape(v, GOSS_SHAPE(r->T, r->S, r->C, heads, d));
    return goss_permute(v, down ? (int[]){0, 2, 3, 1, 4} : (int[]){0, 1, 3, 2, 4});
}

static goss_val from_sets(const reading *r, goss_val v, bool down) {
    v = goss_permute(v, down ? (int[]){0, 3, 1, 2, 4} : (int[]){0, 1, 3, 2, 4});
    return goss_reshape(v, GOSS_SHAPE(goss_n(1), r->all, goss_n(r->width)));
}

/* An addend of scores: very small where there is no key. Every set has one. */
static goss_val bias_of(goss_val mask) {
    goss_val bias = goss_scale(goss_shift(mask, -1), 1e4);
    for (int i = 0; i < 3; i++) bias = goss_unsqueeze(bias, 1);
    return bias;
}

/* Scaled dot-product attention as goss_attention, but with the sets where they are: one permutation each way. */
static goss_val attend(const reading *r, goss_val h, bool down) {
    static const char *const names[2][4] = {{"across.gain", "across.shift", "across.in", "across.out"},
                                            {"down.gain", "down.shift", "down.in", "down.out"}};
    const char *const *name = names[down];
    goss_val qkv = goss_linear(norm(r, h, name[0], name[1]), weight(r, name[2]), GOSS_NONE);
    const goss_val q = goss_scale(part_of(r, qkv, 0, down), 1 / sqrt((double)r->width / r->heads));
    goss_val scores = goss_matmul(q, part_of(r, qkv, 1, down), false, true);
    scores = goss_softmax(goss_add(scores, bias_of(down ? r->weight : r->live)));
    const goss_val y = goss_matmul(scores, part_of(r, qkv, 2, down), false, false);
    return goss_add(h, goss_linear(from_sets(r, y, down), weight(r, name[3]), GOSS_NONE));
}

static goss_val mix(const reading *r, goss_val h) {
    goss_val y = goss_linear(norm(r, h, "mix.gain", "mix.shift"), weight(r, "mix.in"), weight(r, "mix.bias"));
    return goss_add(h, goss_linear(goss_silu(y), weight(r, "mix.out"), GOSS_NONE));
}

/* ---- summaries ---- */

/* h [1,T S (C+1),D] */
static void summarise(const goss_task_batch *b, const reading *r, goss_val h, goss__cells *c) {
    const int64_t columns = r->C.count - 1;
    const goss_extent d = goss_n(r->width);
    h = goss_affine(goss_layer_norm(h, epsilon, GOSS_NONE), goss_weights_get(r->own, "cell.gain"),
                    goss_weights_get(r->own, "cell.shift"));
    h = goss_reshape(h, GOSS_SHAPE(r->T, r->S, r->C, d));
    goss_val cells = goss_reshape(goss_slice(h, 2, 0, columns), GOSS_SHAPE(r->T, r->S, goss_n(columns * r->width)));
    c->columns = goss_reshape(goss__cells_mean(c, cells), GOSS_SHAPE(r->T, goss_n(columns), d));
    c->rows = goss_mul(goss_squeeze(goss_slice(h, 2, columns, 1), 2), goss_unsqueeze(c->weight, 2));
    c->classes = goss_class_mean(c->rows, b->assign);
    c->whole = goss_squeeze(goss__cells_mean(c, c->rows), 1);
}

void goss__cells_read(const goss_task_batch *b, const goss_weights *own, const goss_cells_options *o,
                      goss__cells *out) {
    goss_graph *g = b->support.graph;
    const int64_t columns = goss_dim(b->support, 2).count / 2;
    goss_scope_push(g, "cells");
    *out = (goss__cells){.weight = goss_sum(b->support_target, GOSS_AXIS(2), false)};
    out->count = goss_max(goss_sum(out->weight, GOSS_AXIS(1), true), goss_const(g, 1));
    standardise(b, out, columns);
    reading r = {.own = own, .width = o->width, .heads = o->heads, .T = b->T, .S = b->S, .C = goss_n(columns + 1)};
    r.all = goss_extent_mul(goss_extent_mul(r.T, r.S), r.C);
    r.weight = out->weight;
    r.live = goss_concat((goss_val[]){out->live, goss_full(g, GOSS_SHAPE(b->T, goss_n(1)), 1)}, 2, 1);
    goss_val h = goss_reshape(tokens_of(b, out, own, o, columns), GOSS_SHAPE(goss_n(1), r.all, goss_n(o->width)));
    for (r.layer = 0; r.layer < o->layers; r.layer++) h = mix(&r, attend(&r, attend(&r, h, false), true));
    summarise(b, &r, h, out);
    goss_scope_pop(g);
}
