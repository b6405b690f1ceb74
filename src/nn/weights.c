/* SPDX-License-Identifier: Apache-2.0 */
/* weights.c: the values of a layout's tensors in a graph.
 *
 * Tensors are slices of one slab, so that optimiser and generator handle a single flat value; a slice of a
 * one-dimensional parameter is an alias. Single tensors may be replaced by other values. */
#include <string.h>

#include "base/alloc.h"
#include "nn/nn.h"

struct goss_weights {
    goss_graph *graph;
    const goss_layout *layout;
    goss_val slab;
    bool replaced; /* some tensor is not a slice of slab */
    goss_val value[];
};

goss_weights *goss_weights_empty(goss_graph *g, const goss_layout *l) {
    int n = goss_layout_count(l);
    goss_weights *w = goss__calloc(1, sizeof *w + (size_t)n * sizeof w->value[0]);
    if (!w) {
        goss_graph_fail(g, GOSS_E_NOMEM, "out of memory for weights");
        return NULL;
    }
    w->graph = g;
    w->layout = l;
    w->replaced = true;
    return w;
}

/* [lead, entry...] */
static goss_shape entry_shape(const goss_entry *e, goss_extent lead) {
    goss_shape s = {.rank = e->rank + 1};
    s.dim[0] = lead;
    for (int i = 0; i < e->rank; i++) s.dim[i + 1] = goss_n(e->dim[i]);
    return s;
}

static void slice_all(goss_weights *w, int axis, goss_extent lead) {
    for (int i = 0; i < goss_layout_count(w->layout); i++) {
        const goss_entry *e = goss_layout_entry(w->layout, i);
        w->value[i] = goss_reshape(goss_slice(w->slab, axis, e->offset, e->numel), entry_shape(e, lead));
    }
    w->replaced = false;
}

goss_weights *goss_weights_from_params(goss_graph *g, const goss_layout *l, const char *name) {
    goss_weights *w = goss_weights_empty(g, l);
    if (!w || goss_layout_total(l) == 0) return w;
    w->slab = goss_param(g, name, GOSS_SHAPE(goss_n(goss_layout_total(l))));
    slice_all(w, 0, goss_n(1));
    return w;
}

goss_weights *goss_weights_from_slab(const goss_layout *l, goss_val slab) {
    goss_weights *w = goss_weights_empty(slab.graph, l);
    if (!w || !goss_valid(slab)) return w;
    if (goss_rank(slab) != 2 || !goss_extent_is(goss_dim(slab, 1), goss_layout_total(l))) {
        goss_graph_fail(slab.graph, GOSS_E_SHAPE, "weights: the slab is not [tasks, %lld]",
                        (long long)goss_layout_total(l));
        return w;
    }
    w->slab = slab;
    slice_all(w, 1, goss_dim(slab, 0));
    return w;
}

goss_weights *goss_weights_copy(const goss_weights *w) {
    if (!w) return NULL;
    goss_weights *c = goss_weights_empty(w->graph, w->layout);
    if (!c) return NULL;
    memcpy(c->value, w->value, (size_t)goss_layout_count(w->layout) * sizeof w->value[0]);
    c->slab = w->slab;
    c->replaced = w->replaced;
    return c;
}

void goss_weights_free(goss_weights *w) { goss__free(w); }

goss_graph *goss__weights_graph(const goss_weights *w) { return w ? w->graph : NULL; }

const goss_layout *goss_weights_layout(const goss_weights *w) { return w ? w->layout : NULL; }

goss_val goss_weights_slab(const goss_weights *w) { return w ? w->slab : GOSS_NONE; }

goss_val goss__weights_at(const goss_weights *w, int i) {
    if (!w) return GOSS_NONE;
    if (!w->value[i].graph)
        return goss_graph_fail(w->graph, GOSS_E_ARGUMENT, "weights: %s was not set",
                               goss_layout_entry(w->layout, i)->name);
    return w->value[i];
}

static int find(const goss_weights *w, const char *name) {
    int i = goss_layout_find(w->layout, name);
    if (i < 0) goss_graph_fail(w->graph, GOSS_E_ARGUMENT, "weights: there is no tensor named %s", name);
    return i;
}

goss_val goss_weights_get(const goss_weights *w, const char *name) {
    if (!w) return GOSS_NONE;
    int i = find(w, name);
    return i < 0 ? (goss_val){w->graph, 0} : goss__weights_at(w, i);
}

void goss_weights_set(goss_weights *w, const char *name, goss_val value) {
    int i = w ? find(w, name) : -1;
    if (i < 0) return;
    goss_shape want = entry_shape(goss_layout_entry(w->layout, i), goss_valid(value) ? goss_dim(value, 0) : goss_n(1));
    if (goss_valid(value) && !goss_shape_equal(goss_shape_of(value), want))
        value = goss_graph_fail(w->graph, GOSS_E_SHAPE,
                                "weights: the value for %s does not have the shape of the layout", name);
    w->value[i] = value;
    w->replaced = true;
}

goss_val goss__concat_many(goss_val *parts, int n, int axis) {
    while (n > 1) {
        int groups = (n + 63) / 64;
        for (int k = 0; k < groups; k++) {
            int from = 64 * k, count = n - from < 64 ? n - from : 64;
            parts[k] = goss_concat(parts + from, count, axis);
        }
        n = groups;
    }
    return parts[0];
}

/* The common task extent: the one that is not 1, if there is one. */
static goss_extent widest(const goss_weights *w) {
    goss_extent lead = goss_n(1);
    for (int i = 0; i < goss_layout_count(w->layout); i++)
        if (goss_valid(w->value[i]) && goss_extent_is(lead, 1)) lead = goss_dim(w->value[i], 0);
    return lead;
}

goss_val goss_weights_pack(const goss_weights *w) {
    if (!w) return GOSS_NONE;
    int n = goss_layout_count(w->layout);
    if (n == 0) return goss_graph_fail(w->graph, GOSS_E_ARGUMENT, "weights: an empty layout has nothing to pack");
    if (!w->replaced) return goss_rank(w->slab) == 1 ? goss_unsqueeze(w->slab, 0) : w->slab;
    goss_val *parts = goss__calloc((size_t)n, sizeof *parts);
    if (!parts) return goss_graph_fail(w->graph, GOSS_E_NOMEM, "out of memory for weights");
    goss_extent lead = widest(w);
    for (int i = 0; i < n; i++) {
        goss_val v = goss__weights_at(w, i);
        goss_extent numel = goss_n(goss_layout_entry(w->layout, i)->numel);
        parts[i] = goss_valid(v) ? goss_reshape(v, GOSS_SHAPE(goss_dim(v, 0), numel)) : v;
        if (goss_valid(parts[i])) parts[i] = goss_broadcast(parts[i], GOSS_SHAPE(lead, numel));
    }
    goss_val packed = goss__concat_many(parts, n, 1);
    goss__free(parts);
    return packed;
}

bool goss__layout_same(const goss_layout *a, const goss_layout *b) {
    if (a == b) return true;
    if (!a || !b || goss_layout_count(a) != goss_layout_count(b)) return false;
    for (int i = 0; i < goss_layout_count(a); i++) {
        const goss_entry *x = goss_layout_entry(a, i), *y = goss_layout_entry(b, i);
        if (x->rank != y->rank || strcmp(x->name, y->name) != 0) return false;
        for (int k = 0; k < x->rank; k++)
            if (x->dim[k] != y->dim[k]) return false;
    }
    return true;
}
