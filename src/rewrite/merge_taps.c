/* SPDX-License-Identifier: Apache-2.0 */
/* merge_taps.c: a max pool and the index of its taps, which its gradient requires, are computed in one pass over the
 * map: the pool becomes the gather of those taps, fused with the index (an operation's `along`). Unlike a rule, this
 * depends on the rest of the program. */
#include "base/alloc.h"
#include "graph/region.h"
#include "ops/ops.h"
#include "rewrite/rewriter.h"

static goss_val argmax(goss_val like, goss_val x) {
    return goss__pool_like(like, &goss__op_pool_argmax, x, (goss_val){x.graph, 0}, goss_shape_of(like));
}

/* The gather that replaces max pool v, if the index of its taps is needed too (marked by goss__needed). */
static bool gathered(goss_val v, uint32_t needed, const goss_val *becomes, goss_val *out) {
    goss_graph *g = v.graph;
    const goss__node *n = goss__node_of(v);
    const goss_val index = argmax(v, goss__val(g, n->in[0])), x = becomes[n->in[0]];
    if (!goss_valid(index) || goss__node_of(index)->seen != needed) return false;
    g->replaying = n->order; /* the index is computed at the pool's position */
    const goss_val at = argmax(v, x);
    if (goss_valid(at)) *out = goss__pool_like(v, &goss__op_pool_gather, x, goss__stay(at), n->shape);
    g->replaying = 0;
    return true;
}

/* The node of that id on replaced operands. */
static goss_val renewed(goss_graph *g, uint32_t id, const goss_val *becomes) {
    const goss__node *n = g->nodes[id];
    bool same = true;
    for (int i = 0; i < n->n_in; i++) same &= becomes[n->in[i]].id == n->in[i];
    if (same) return goss__val(g, id);
    g->replaying = n->order;
    const goss_val out = goss__copy_node(g, n, becomes);
    g->replaying = 0;
    return out;
}

static void merge(goss_graph *g, const uint32_t *id, uint32_t count, goss_val *becomes) {
    const uint32_t needed = g->traversal;
    for (uint32_t i = 0; i < count; i++) {
        goss_val v = goss__val(g, id[i]);
        if (g->nodes[id[i]]->op != &goss__op_max_pool || !gathered(v, needed, becomes, &v))
            v = renewed(g, id[i], becomes);
        if (!goss_valid(v)) return;
        becomes[id[i]] = goss__stay(v);
    }
}

void goss__merge_taps(goss_graph *g, goss_val *v, int n) {
    uint32_t count;
    uint32_t *id = goss__needed(g, v, n, 0, &count);
    if (!id) return;
    goss_val *becomes = goss__calloc(g->n_nodes, sizeof *becomes);
    if (becomes) {
        merge(g, id, count, becomes);
        for (int i = 0; i < n; i++) v[i].id = becomes[v[i].id].id;
    } else {
        goss_graph_fail(g, GOSS_E_NOMEM, "out of memory");
    }
    goss__free(becomes);
    goss__free(id);
}
