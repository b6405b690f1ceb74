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
