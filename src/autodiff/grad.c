/* SPDX-License-Identifier: Apache-2.0 */
/* grad.c: a gradient is a graph. The walk goes backwards over ids (topological order), asks each op for its operands'
 * cotangents, and appends their sums; orders above the first are another call. */
#include <string.h>

#include "base/alloc.h"
#include "ops/ops.h"

typedef struct walk {
    goss_graph *g;
    uint32_t top;    /* id of y */
    uint8_t *active; /* lies between wrt and y */
    goss_val *cot;   /* cotangent so far, by id */
} walk;

/* Nodes that depend on some wrt through differentiable ops. */
static void mark_active(walk *w, const goss_val *wrt, int n) {
    for (int i = 0; i < n; i++)
        if (wrt[i].id <= w->top) w->active[wrt[i].id] = 1;
    for (uint32_t id = 1; id <= w->top; id++) {
        const goss__node *node = w->g->nodes[id];
        if (node->op->no_gradient) continue;
        for (int i = 0; i < node->n_in; i++) w->active[id] |= w->active[node->in[i]];
    }
}

static void pull_back(walk *w, uint32_t id) {
    const goss__node *node = w->g->nodes[id];
    goss_val in[GOSS__MAX_IN], cot[GOSS__MAX_IN];
    bool want[GOSS__MAX_IN], any = false;
    for (int i = 0; i < node->n_in; i++) {
        in[i] = goss__val(w->g, node->in[i]);
        cot[i] = (goss_val){w->g, 0};
        want[i] = w->active[node->in[i]];
        any |= want[i];
    }
    double value;
    if (!any || node->op->no_gradient || !node->op->vjp) return;
    /* Nothing but zeros would follow (and NaN, where a derivative is not finite). */
    if (!w->g->plain && goss__is_full(w->cot[id], &value) && value == 0) return;
    node->op->vjp(goss__val(w->g, id), in, w->cot[id], want, cot);
    for (int i = 0; i < node->n_in; i++) {
        if (!want[i] || !goss_valid(cot[i])) continue;
        goss_val *sum = &w->cot[node->in[i]];
        *sum = goss_valid(*sum) ? goss_add(*sum, cot[i]) : cot[i];
    }
}

static goss_status walk_back(walk *w, goss_val cotangent, const goss_val *wrt, int n, goss_val *out) {
    mark_active(w, wrt, n);
    w->g->differentiating++;
    w->cot[w->top] = cotangent;
    for (uint32_t id = w->top; id > 0; id--)
        if (w->active[id] && goss_valid(w->cot[id])) pull_back(w, id);
    w->g->differentiating--;
    for (int i = 0; i < n; i++) {
        bool reached = wrt[i].id <= w->top && goss_valid(w->cot[wrt[i].id]);
        out[i] = reached ? w->cot[wrt[i].id] : goss_zeros_like(wrt[i]);
    }
    goss_status s = goss_graph_status(w->g, NULL);
    for (int i = 0; s != GOSS_OK && i < n; i++) out[i] = (goss_val){w->g, 0}; /* what is there may lack addends */
    return s;
}

goss_status goss_vjp(goss_val y, goss_val cotangent, const goss_val *wrt, int n, goss_val *out) {
    for (int i = 0; i < n; i++) out[i] = (goss_val){y.graph, 0};
    goss_val all[2] = {y, cotangent};
    if (!goss__all_valid(all, 2) || (n > 0 && !goss__all_valid(wrt, n)) || (n > 0 && wrt[0].graph != y.graph)) {
        if (y.graph && goss_graph_status(y.graph, NULL) == GOSS_OK)
            goss_graph_fail(y.graph, GOSS_E_ARGUMENT, "grad: an operand is not a value of this graph");
        return y.graph ? goss_graph_status(y.graph, NULL) : GOSS_E_ARGUMENT;
    }
    if (!goss_shape_equal(goss_shape_of(y), goss_shape_of(cotangent))) {
        goss_graph_fail(y.graph, GOSS_E_SHAPE, "vjp: the cotangent's shape is not that of the value");
        return GOSS_E_SHAPE;
    }
    walk w = {.g = y.graph, .top = y.id};
    w.active = goss__calloc((size_t)y.id + 1, sizeof *w.active);
    w.cot = goss__calloc((size_t)y.id + 1, sizeof *w.cot);
    goss_status s = GOSS_E_NOMEM;
    if (w.active && w.cot)
        s = walk_back(&w, cotangent, wrt, n, out);
    else
        goss_graph_fail(y.graph, s, "grad: out of memory");
    goss__free(w.active);
    goss__free(w.cot);
    return s;
}

goss_status goss_grad(goss_val y, const goss_val *wrt, int n, goss_val *out) {
    goss_val one = goss_valid(y) ? goss_full(y.graph, goss_shape_of(y), 1) : (goss_val){y.graph, 0};
    return goss_vjp(y, one, wrt, n, out);
}
