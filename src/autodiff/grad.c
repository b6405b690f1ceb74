/* SPDX-License-Identifier: Apache-2.0 */
/* grad.c: a gradient is a graph. What is differentiated is rewritten first; the walk then goes backwards in the order
 * of building, asks each op for its operands' cotangents, rewrites them and appends their sums; orders above the first
 * are another call. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ops/ops.h"
#include "rewrite/rewriter.h"

typedef struct walk {
    goss_graph *g;
    uint32_t *id, n; /* what y needs, in order */
    uint8_t *active; /* between wrt and y */
    goss_val *cot;   /* cotangent so far, by id */
} walk;

/* Nodes that depend on some wrt through differentiable ops. */
static void mark_active(walk *w, const goss_val *wrt, int n, uint32_t top) {
    for (int i = 0; i < n; i++)
        if (wrt[i].id <= top) w->active[wrt[i].id] = 1;
    for (uint32_t k = 0; k < w->n; k++) {
        const goss__node *node = w->g->nodes[w->id[k]];
        if (node->op->no_gradient) continue;
        for (int i = 0; i < node->n_in; i++) w->active[node->id] |= w->active[node->in[i]];
    }
}

/* Nothing but zeros would follow (and NaN, where a derivative is not finite). */
static bool is_zero(goss_val cot) {
    double value;
    return goss__is_full(cot, &value) && value == 0 && goss__rule_is_on(cot.graph, GOSS__RULE_zero_cotangent);
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
    if (!any || node->op->no_gradient || !node->op->vjp || is_zero(w->cot[id])) return;
    node->op->vjp(goss__val(w->g, id), in, w->cot[id], want, cot);
    for (int i = 0; i < node->n_in; i++) {
        if (!want[i] || !goss_valid(cot[i])) continue;
        goss_val *sum = &w->cot[node->in[i]];
        cot[i] = goss__rewrite(cot[i]);
        *sum = goss_valid(*sum) ? goss__rewrite(goss_add(*sum, cot[i])) : cot[i];
    }
}

static void walk_back(walk *w, goss_val y, goss_val cotangent, const goss_val *wrt, int n, goss_val *out) {
    mark_active(w, wrt, n, y.id);
    w->g->differentiating++;
    w->cot[y.id] = cotangent;
    for (uint32_t k = w->n; k-- > 0;)
        if (w->active[w->id[k]] && goss_valid(w->cot[w->id[k]])) pull_back(w, w->id[k]);
    w->g->differentiating--;
    for (int i = 0; i < n; i++) {
        bool reached = wrt[i].id <= y.id && goss_valid(w->cot[wrt[i].id]);
        out[i] = reached ? w->cot[wrt[i].id] : goss_zeros_like(wrt[i]);
    }
}

/* y, cotangent and wrt are rewritten. */
static void differentiate(goss_val y, goss_val cotangent, const goss_val *wrt, int n, goss_val *out) {
    walk w = {.g = y.graph};
    w.active = goss__calloc((size_t)y.id + 1, sizeof *w.active);
    w.cot = goss__calloc((size_t)y.id + 1, sizeof *w.cot);
    if (w.active && w.cot && (w.id = goss__needed(y.graph, &y, 1, &w.n)))
        walk_back(&w, y, cotangent, wrt, n, out);
    else
        goss_graph_fail(y.graph, GOSS_E_NOMEM, "grad: out of memory");
    goss__free(w.active);
    goss__free(w.cot);
    goss__free(w.id);
}

static int by_id(const void *a, const void *b) {
    const goss_val *x = *(const goss_val *const *)a, *y = *(const goss_val *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Rewrites what to differentiate by: earlier ones first, since later ones may be made from them. Sorts `by`. */
static void rewrite_variables(goss_val **by, int n) {
    qsort(by, (size_t)n, sizeof *by, by_id);
    for (int i = 0; i < n; i++) *by[i] = goss__rewrite_variable(*by[i]);
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
    goss_val *by = goss__calloc((size_t)n + 1, sizeof *by), **sorted = goss__calloc((size_t)n + 1, sizeof *sorted);
    if (by && sorted) {
        for (int i = 0; i < n; i++) by[i] = wrt[i], sorted[i] = &by[i];
        rewrite_variables(sorted, n);
        y = goss__rewrite(y), cotangent = goss__rewrite(cotangent);
        if (goss_graph_status(y.graph, NULL) == GOSS_OK) differentiate(y, cotangent, by, n, out);
    } else {
        goss_graph_fail(y.graph, GOSS_E_NOMEM, "grad: out of memory");
    }
    goss__free(by);
    goss__free(sorted);
    const goss_status s = goss_graph_status(y.graph, NULL);
    for (int i = 0; s != GOSS_OK && i < n; i++) out[i] = (goss_val){y.graph, 0}; /* what is there may lack addends */
    return s;
}

goss_status goss_grad(goss_val y, const goss_val *wrt, int n, goss_val *out) {
    goss_val one = goss_valid(y) ? goss_full(y.graph, goss_shape_of(y), 1) : (goss_val){y.graph, 0};
    return goss_vjp(y, one, wrt, n, out);
}
