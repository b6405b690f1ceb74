/* SPDX-License-Identifier: Apache-2.0 */
/* instance.c: what a task got, applied and as a network of its own: modulation and masks are folded into the tensors
 * before their sites, so that what comes out is plain weights of the same text with a head behind it. */
#include "gossamer/instance.h"

#include <stdio.h>
#include <string.h>

#include "nn/target.h"

void goss_instance_free(goss_instance *i) {
    if (!i) return;
    goss_weights_free(i->weights);
    goss_weights_free(i->running);
    i->weights = i->running = NULL;
}

/* A target may have more sites than can be modulated. */
static bool is_modulated(const goss_instance *i) {
    for (int k = 0; k < GOSS_INSTANCE_SITES; k++)
        if (goss_valid(i->film_scale[k]) || goss_valid(i->film_shift[k])) return true;
    return false;
}

void goss_instance_context(const goss_instance *i, goss_target_context *c) {
    const bool film = is_modulated(i);
    c->film_scale = film ? i->film_scale : NULL;
    c->film_shift = film ? i->film_shift : NULL;
    if (i->unit_mask) c->unit_mask = i->unit_mask;
    if (i->structure.graph) c->structure = i->structure;
}

/* ---- as a network of its own ---- */

/* Row 0 along axis 0, as an extent of exactly 1: the file holds one task. */
static goss_val first_task(goss_val v) {
    if (!goss_valid(v) || goss_extent_is(goss_dim(v, 0), 1)) return v;
    return goss_gather(v, goss_iota(v.graph, goss_n(1)));
}

/* The first columns of a head: [.., W] -> [.., columns]. v has rank 2 or 3. */
static goss_val first_columns(goss_val v, int64_t columns) {
    bool matrix = goss_valid(v) && goss_rank(v) == 3;
    if (!goss_valid(v) || goss_extent_is(goss_dim(v, matrix ? 2 : 1), columns)) return v;
    v = goss_permute(v, matrix ? (int[]){2, 0, 1} : (int[]){1, 0});
    v = goss_gather(v, goss_iota(v.graph, goss_n(columns)));
    return goss_permute(v, matrix ? (int[]){1, 2, 0} : (int[]){1, 0});
}

static goss_val times(goss_val a, goss_val b) {
    if (!goss_valid(a) || !goss_valid(b)) return goss_valid(a) ? a : b;
    return goss_mul(a, b);
}

/* value [Tw, ..., C] times scale [Tw, C]; either may be GOSS_NONE, which is 1. */
static goss_val times_channels(goss_val value, goss_val scale) {
    if (!goss_valid(value) || !goss_valid(scale)) return value;
    goss_shape s = goss_shape_of(value);
    s.dim[0] = goss_dim(scale, 0);
    for (int i = 1; i < s.rank - 1; i++) s.dim[i] = goss_n(1);
    return goss_mul(value, goss_reshape(scale, s));
}

static goss_val mask_of(const goss_instance *n, const goss_target *t, int site) {
    return goss__layer_mask(&t->layers[t->site_layer[site]], n->unit_mask);
}

/* The site's layer has a factor (gain or w) and a term (shift or b): ((f x + b) scale + shift) mask. */
static void fold_site(const goss_instance *n, const goss_target *t, int i, goss_weights *w) {
    static const char *const pair[2][2] = {{"gain", "shift"}, {"w", "b"}};
    const bool can = i < GOSS_INSTANCE_SITES;
    const goss_val scale = can ? n->film_scale[i] : GOSS_NONE, shift = can ? n->film_shift[i] : GOSS_NONE;
    const goss_val mask = mask_of(n, t, i), factor = times(scale, mask);
    char name[2][64];
    for (int k = 0; k < 2; k++) {
        for (int j = 0; j < 2; j++) snprintf(name[j], sizeof name[j], "%s.%s", goss_target_site_name(t, i), pair[k][j]);
        if (goss_layout_find(goss_target_layout(t), name[0]) < 0) continue;
        goss_weights_set(w, name[0], times_channels(goss_weights_get(w, name[0]), factor));
        goss_val term = times(goss_weights_get(w, name[1]), factor);
        if (goss_valid(shift)) term = goss_add(term, times(shift, mask));
        goss_weights_set(w, name[1], term);
    }
}

/* Layer and group norms average over the units that live, and plain weights have all of them. */
static bool averages_masked(const goss_instance *n, const goss_target *t) {
    for (int i = 0; i < t->n_layers; i++) {
        const goss__layer *l = &t->layers[i];
        const bool over_units = l->norm == GOSS__NORM_LAYER || l->norm == GOSS__NORM_GROUP;
        if (goss__layer_is(l, "norm") && over_units && goss_valid(goss__layer_mask(l, n->unit_mask))) return true;
    }
    return false;
}

static bool is_head(const char *name) { return strcmp(name, "head.w") == 0 || strcmp(name, "head.b") == 0; }

static goss_val pack(const goss_instance *n, const goss_target *t, const goss_target *with_head, goss_weights *folded,
                     goss_weights *out) {
    const goss_layout *from = goss_target_layout(t);
    const int64_t columns = goss_target_outputs(with_head);
    for (int i = 0; i < goss_target_sites(t); i++) fold_site(n, t, i, folded);
    for (int i = 0; i < goss_layout_count(from); i++) {
        const char *name = goss_layout_entry(from, i)->name;
        if (!is_head(name)) goss_weights_set(out, name, first_task(goss_weights_get(folded, name)));
    }
    goss_weights_set(out, "head.w", first_task(first_columns(n->head_w, columns)));
    goss_weights_set(out, "head.b", first_task(first_columns(n->head_b, columns)));
    return goss_weights_pack(out);
}

goss_val goss_instance_slab(const goss_instance *n, const goss_target *t, const goss_target *with_head) {
    if (averages_masked(n, t))
        return goss_graph_fail(n->head_w.graph, GOSS_E_UNSUPPORTED,
                               "masks of units that a layer or group norm averages over cannot be folded into weights: "
                               "goss_target_compact makes the smaller network");
    goss_weights *folded = goss_weights_copy(n->weights),
                 *out = goss_weights_empty(n->head_w.graph, goss_target_layout(with_head));
    const goss_val slab = folded && out ? pack(n, t, with_head, folded, out)
                                        : goss_graph_fail(n->head_w.graph, GOSS_E_NOMEM, "no memory for a network");
    goss_weights_free(folded);
    goss_weights_free(out);
    return slab;
}

/* ---- rounded as in its file ---- */

static void fold_all(goss_instance *n, const goss_target *t) {
    if (!is_modulated(n)) return;
    goss_weights *folded = goss_weights_copy(n->weights);
    for (int i = 0; folded && i < goss_target_sites(t); i++) fold_site(n, t, i, folded);
    if (!folded) goss_graph_fail(n->head_w.graph, GOSS_E_NOMEM, "no memory for a network");
    goss_weights_free(n->weights);
    n->weights = folded;
    for (int i = 0; i < GOSS_INSTANCE_SITES; i++) n->film_scale[i] = n->film_shift[i] = GOSS_NONE;
}

/* What of a weight [Tw,...,in,out] the network of a structure has: 1, and 0 in the rows of inputs and in the taps of
 * kernels that are closed. GOSS_NONE: all of it. l: NULL: a head. */
static goss_val live_part(const goss_target *t, const goss__layer *l, int group, goss_val w, goss_val gates) {
    const int rank = goss_rank(w);
    if (!gates.graph || !goss_valid(gates)) return GOSS_NONE;
    goss_val rows = goss__gates_channels(t, group, goss_dim(w, rank - 2).count, gates);
    if (goss_valid(rows)) {
        goss_shape s = {.rank = rank, .dim = {goss_dim(rows, 0)}};
        for (int i = 1; i < rank; i++) s.dim[i] = i == rank - 2 ? goss_dim(rows, 1) : goss_n(1);
        rows = goss_reshape(rows, s);
    }
    return times(rows, l && l->n_kernels && rank == 5 ? goss__gates_kernel(l, gates) : GOSS_NONE);
}

static void round_layer(goss_instance *n, const goss_target *t, const goss__layer *l, goss_weights *w) {
    for (int i = l->entries_from; i < l->entries_from + l->entries; i++) {
        const goss_entry *e = goss_layout_entry(t->layout, i);
        if (is_head(e->name) || goss_entry_scales(e) == 0) continue;
        const goss_val v = goss_weights_get(w, e->name);
        if (!goss_valid(v)) continue;
        goss_weights_set(w, e->name, goss_quantized(v, live_part(t, l, e->in_units, v, n->structure)));
    }
}

static void round_head(goss_instance *n, const goss_target *t) {
    const int own = goss_layout_find(t->layout, "head.w");
    const int last = t->n_layers ? t->layers[t->n_layers - 1].units : -1;
    const int group = own < 0 ? last : goss_layout_entry(t->layout, own)->in_units;
    if (goss_valid(n->head_w))
        n->head_w = goss_quantized(n->head_w, live_part(t, NULL, group, n->head_w, n->structure));
}

void goss_instance_round(goss_instance *n, const goss_target *t, goss_weight_precision p) {
    if (p == GOSS_WEIGHTS_F32) return;
    fold_all(n, t);
    goss_weights *w = goss_weights_copy(n->weights);
    for (int i = 0; w && i < t->n_layers; i++) round_layer(n, t, &t->layers[i], w);
    if (!w) goss_graph_fail(n->head_w.graph, GOSS_E_NOMEM, "no memory for a network");
    goss_weights_free(n->weights);
    n->weights = w;
    round_head(n, t);
}

/* ---- statistics ---- */

goss_val goss_instance_statistics(const goss_instance *n, const goss_target *t) {
    const goss_layout *l = goss_target_statistics(t);
    if (goss_layout_count(l) == 0) return GOSS_NONE;
    if (n->running) {
        goss_val slab = goss_weights_slab(n->running);
        return goss_valid(slab) ? goss_unsqueeze(slab, 0) : slab;
    }
    goss_weights *w = goss_weights_empty(n->head_w.graph, l);
    for (int i = 0; w && i < goss_layout_count(l); i++)
        goss_weights_set(w, goss_layout_entry(l, i)->name,
                         first_task(i % 2 ? n->given.var[i / 2] : n->given.mean[i / 2]));
    goss_val slab =
        w ? goss_weights_pack(w) : goss_graph_fail(n->head_w.graph, GOSS_E_NOMEM, "no memory for statistics");
    goss_weights_free(w);
    return slab;
}
