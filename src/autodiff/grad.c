/* SPDX-License-Identifier: Apache-2.0 */
/* grad.c: reverse-mode differentiation that appends to the graph. The expression is rewritten first; the traversal then
 * visits nodes in reverse building order, calls each operation's VJP, rewrites the cotangents and accumulates them.
 * Higher orders are further calls. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "autodiff/scan_vjp.h"
#include "rewrite/rewriter.h"

typedef struct walk {
    goss_graph *g;
    uint32_t *id, n; /* the nodes that all y depend on, in order, from the first wrt on; earlier ones depend on none */
    uint32_t first;  /* its id */
    uint8_t *active; /* between wrt and some y; by id, from `first` on */
    goss_val *cot;   /* cotangent so far, likewise */
} walk;

static bool is_active(const walk *w, uint32_t id) { return id >= w->first && w->active[id - w->first]; }
static goss_val *cotangent_of(const walk *w, uint32_t id) { return &w->cot[id - w->first]; }

/* Nodes that depend on some wrt through differentiable ops. */
static void mark_active(walk *w, const goss_val *wrt, int n, uint32_t top) {
    for (int i = 0; i < n; i++)
        if (wrt[i].id <= top) w->active[wrt[i].id - w->first] = 1;
    for (uint32_t k = 0; k < w->n; k++) {
        const goss__node *node = w->g->nodes[w->id[k]];
        if (node->op->no_gradient) continue;
        for (int i = 0; i < node->n_in; i++) w->active[node->id - w->first] |= is_active(w, node->in[i]);
    }
}

bool goss__is_zero_cotangent(goss_val cot) {
    double value;
    return goss__is_full(cot, &value) && value == 0 && goss__rule_is_on(cot.graph, GOSS__RULE_zero_cotangent);
}

/* Results of scan `id` that have a cotangent. */
enum { MAX_RESULTS = 256 };
static int results_of(const walk *w, uint32_t id, goss_val *result, goss_val *g) {
    int n = 0;
    for (uint32_t k = 0; k < w->n; k++) {
        const uint32_t r = w->id[k];
        const goss__node *node = w->g->nodes[r];
        if (!node->op->is_result || node->in[0] != id || !goss_valid(*cotangent_of(w, r)) ||
            goss__is_zero_cotangent(*cotangent_of(w, r)))
            continue;
        if (n == MAX_RESULTS) {
            goss_graph_fail(w->g, GOSS_E_UNSUPPORTED, "grad: a scan has more than %d results", MAX_RESULTS);
            break;
        }
        result[n] = goss__val(w->g, r), g[n++] = *cotangent_of(w, r);
    }
    return n;
}

/* Calls the operation's VJP; false: it has none. */
static bool ask_vjp(const walk *w, uint32_t id, const goss_val *in, const bool *want, goss_val *cot) {
    const goss__op *op = w->g->nodes[id]->op;
    if (op == &goss__op_scan) {
        goss_val result[MAX_RESULTS], g[MAX_RESULTS];
        const int n = results_of(w, id, result, g);
        if (n) goss__scan_vjp(goss__val(w->g, id), in, result, g, n, want, cot);
        return n > 0;
    }
    const goss_val own = *cotangent_of(w, id);
    if (!op->vjp || !goss_valid(own) || goss__is_zero_cotangent(own)) return false;
    op->vjp(goss__val(w->g, id), in, own, want, cot);
    return true;
}

static void pull_back(walk *w, uint32_t id) {
    const goss__node *node = w->g->nodes[id];
    goss_val in[GOSS__MAX_IN], cot[GOSS__MAX_IN];
    bool want[GOSS__MAX_IN], any = false;
    for (int i = 0; i < node->n_in; i++) {
        in[i] = goss__val(w->g, node->in[i]);
        cot[i] = (goss_val){w->g, 0};
        want[i] = is_active(w, node->in[i]);
        any |= want[i];
    }
    if (!any || node->op->no_gradient || !ask_vjp(w, id, in, want, cot)) return;
    for (int i = 0; i < node->n_in; i++) {
        if (!want[i] || !goss_valid(cot[i])) continue;
        goss_val *sum = cotangent_of(w, node->in[i]);
        cot[i] = goss__rewrite(cot[i]);
        *sum = goss_valid(*sum) ? goss__rewrite(goss_add(*sum, cot[i])) : cot[i];
    }
}

/* The request, rewritten. */
typedef struct request {
    goss_val *y, *cotangent, *wrt;
    int n_y, n;
} request;

static void walk_back(walk *w, const request *r, uint32_t top, goss_val *out) {
    mark_active(w, r->wrt, r->n, top);
    w->g->differentiating++;
    for (int i = 0; i < r->n_y; i++) {
        if (r->y[i].id < w->first) continue;
        goss_val *sum = cotangent_of(w, r->y[i].id);
        *sum = goss_valid(*sum) ? goss__rewrite(goss_add(*sum, r->cotangent[i])) : r->cotangent[i];
    }
    for (uint32_t k = w->n; k-- > 0;)
        if (is_active(w, w->id[k])) pull_back(w, w->id[k]);
    w->g->differentiating--;
    for (int i = 0; i < r->n; i++) {
        const bool reached = r->wrt[i].id <= top && goss_valid(*cotangent_of(w, r->wrt[i].id));
        out[i] = reached ? *cotangent_of(w, r->wrt[i].id) : (goss_val){w->g, 0};
    }
}

static void differentiate(const request *r, goss_val *out) {
    walk w = {.g = r->y[0].graph};
    uint32_t top = 0;
    for (int i = 0; i < r->n_y; i++)
        if (r->y[i].id > top) top = r->y[i].id;
    w.first = UINT32_MAX;
    for (int i = 0; i < r->n; i++)
        if (r->wrt[i].id < w.first) w.first = r->wrt[i].id;
    const size_t ids = top >= w.first ? (size_t)(top - w.first) + 1 : 1;
    w.active = goss__calloc(ids, sizeof *w.active);
    w.cot = goss__calloc(ids, sizeof *w.cot);
    if (w.active && w.cot && (w.id = goss__needed(w.g, r->y, r->n_y, w.first, &w.n)))
        walk_back(&w, r, top, out);
    else
        goss_graph_fail(w.g, GOSS_E_NOMEM, "grad: out of memory");
    goss__free(w.active);
    goss__free(w.cot);
    goss__free(w.id);
}

static int by_id(const void *a, const void *b) {
    const goss_val *x = *(const goss_val *const *)a, *y = *(const goss_val *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Rewrites the differentiation variables, earlier ones first, since later ones may depend on them. Sorts `by`. */
static void rewrite_variables(goss_val **by, int n) {
    qsort(by, (size_t)n, sizeof *by, by_id);
    for (int i = 0; i < n; i++) *by[i] = goss__rewrite_variable(*by[i]);
}

/* Checks that all are values of one graph and that cotangents have the shapes of their values; else a sticky error. */
static goss_status check_operands(goss_graph *g, const goss_val *y, const goss_val *cotangent, int n_y,
                                  const goss_val *wrt, int n) {
    bool ok = n_y > 0 && goss__all_valid(y, n_y) && goss__all_valid(cotangent, n_y) && cotangent[0].graph == g &&
              (n == 0 || (goss__all_valid(wrt, n) && wrt[0].graph == g));
    if (!ok && goss_graph_status(g, NULL) == GOSS_OK)
        goss_graph_fail(g, GOSS_E_ARGUMENT, "grad: an operand is not a value of this graph");
    for (int i = 0; ok && i < n_y; i++)
        if (!goss_shape_equal(goss_shape_of(y[i]), goss_shape_of(cotangent[i]))) {
            goss_graph_fail(g, GOSS_E_SHAPE, "vjp: the cotangent's shape is not that of the value");
            ok = false;
        }
    return ok ? GOSS_OK : goss_graph_status(g, NULL);
}

/* r's values, rewritten; `sorted` has room for n. */
static void rewrite_request(const request *r, const goss_val *y, const goss_val *cotangent, const goss_val *wrt,
                            goss_val **sorted) {
    for (int i = 0; i < r->n; i++) r->wrt[i] = wrt[i], sorted[i] = &r->wrt[i];
    rewrite_variables(sorted, r->n);
    for (int i = 0; i < r->n_y; i++) r->y[i] = goss__rewrite(y[i]), r->cotangent[i] = goss__rewrite(cotangent[i]);
}

goss_status goss__vjp_reached(const goss_val *y, const goss_val *cotangent, int n_y, const goss_val *wrt, int n,
                              goss_val *out) {
    goss_graph *g = goss__graph_of(y, n_y);
    for (int i = 0; i < n; i++) out[i] = (goss_val){g, 0};
    if (!g) return GOSS_E_ARGUMENT;
    const goss_status fit = check_operands(g, y, cotangent, n_y, wrt, n);
    if (fit != GOSS_OK) return fit;
    goss_val *all = goss__calloc(2 * (size_t)n_y + (size_t)n + 1, sizeof *all),
             **sorted = goss__calloc((size_t)n + 1, sizeof *sorted);
    if (all && sorted) {
        const request r = {all, all + n_y, all + 2 * n_y, n_y, n};
        rewrite_request(&r, y, cotangent, wrt, sorted);
        if (goss_graph_status(g, NULL) == GOSS_OK) differentiate(&r, out);
    } else {
        goss_graph_fail(g, GOSS_E_NOMEM, "grad: out of memory");
    }
    goss__free(all);
    goss__free(sorted);
    const goss_status s = goss_graph_status(g, NULL);
    for (int i = 0; s != GOSS_OK && i < n; i++) out[i] = (goss_val){g, 0}; /* accumulated sums may be incomplete */
    return s;
}

goss_status goss_vjp_joint(const goss_val *y, const goss_val *cotangent, int n_y, const goss_val *wrt, int n,
                           goss_val *out) {
    GOSS_TRY(goss__vjp_reached(y, cotangent, n_y, wrt, n, out));
    for (int i = 0; i < n; i++)
        if (!goss_valid(out[i])) out[i] = goss_zeros_like(wrt[i]);
    return n > 0 ? goss_graph_status(wrt[0].graph, NULL) : GOSS_OK;
}

goss_status goss_vjp(goss_val y, goss_val cotangent, const goss_val *wrt, int n, goss_val *out) {
    return goss_vjp_joint(&y, &cotangent, 1, wrt, n, out);
}

goss_status goss_grad(goss_val y, const goss_val *wrt, int n, goss_val *out) {
    goss_val one = goss_valid(y) ? goss_full(y.graph, goss_shape_of(y), 1) : (goss_val){y.graph, 0};
    return goss_vjp(y, one, wrt, n, out);
}
