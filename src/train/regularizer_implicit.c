/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer_implicit.c: a Hessian's inverse on a vector, for implicit hypergradients.
 *
 * Where training has ended, at the minimum theta(lambda) of F = L + lambda P, the loss V of held rows changes by lambda
 * as -<grad V, H^-1 grad P>, H the Hessian of F (implicit function theorem: Bengio 2000). H^-1 grad V is found by
 * products of H with vectors alone, each the gradient of <grad F, vector>:
 *   cg       conjugate gradients on H + damping I (Pedregosa 2016): exact after as many products as there are
 *            parameters, useful after few
 *   neumann  size sum_j (I - size H)^j grad V (Lorraine, Vicol and Duvenaud 2020): damped by its end, and convergent
 *            where size is below 2 over the largest eigenvalue
 * Nothing behind it is differentiated again: all vectors are detached. */
#include "train/regularizer_implicit.h"

static const double TINY = 1e-30;

static goss_val inner(goss_graph *g, const goss_val *a, const goss_val *b, int n) {
    goss_val sum = goss_const(g, 0);
    for (int i = 0; i < n; i++) sum = goss_add(sum, goss_sum_all(goss_mul(a[i], b[i])));
    return sum;
}

/* to += by x */
static void add(goss_val *to, goss_val by, const goss_val *x, int n) {
    for (int i = 0; i < n; i++) to[i] = goss_detach(goss_add(to[i], goss_mul(x[i], by)));
}

static bool product(goss_graph *g, const goss__inverse *h, const goss_val *v, goss_val *out) {
    if (goss_grad(inner(g, h->gradient, v, h->n), h->param, h->n, out) != GOSS_OK) return false;
    for (int i = 0; i < h->n; i++)
        out[i] = goss_detach(h->damping > 0 ? goss_add(out[i], goss_scale(v[i], h->damping)) : out[i]);
    return true;
}

/* A residual that has vanished leaves everything as it is. */
static goss_val ratio(goss_graph *g, goss_val a, goss_val b) {
    const goss_val some = goss_less(goss_const(g, TINY), b);
    return goss_select(some, goss_div(a, goss_max(b, goss_const(g, TINY))), goss_const(g, 0));
}

static bool conjugate(goss_graph *g, const goss__inverse *h, const goss_val *v, goss_val *out) {
    goss_val r[GOSS_STEP_PARAMS], p[GOSS_STEP_PARAMS], hp[GOSS_STEP_PARAMS];
    for (int i = 0; i < h->n; i++) r[i] = p[i] = goss_detach(v[i]), out[i] = goss_scale(r[i], 0);
    goss_val size = inner(g, r, r, h->n);
    for (int k = 0; k < h->products; k++) {
        if (!product(g, h, p, hp)) return false;
        /* A direction of negative curvature is not stepped along: the iterate so far is kept. */
        const goss_val along = goss_max(inner(g, p, hp, h->n), goss_const(g, 0));
        const goss_val by = ratio(g, size, along);
        add(out, by, p, h->n), add(r, goss_neg(by), hp, h->n);
        const goss_val next = inner(g, r, r, h->n), keep = ratio(g, next, size);
        for (int i = 0; i < h->n; i++) p[i] = goss_detach(goss_add(r[i], goss_mul(p[i], keep)));
        size = next;
    }
    return true;
}

static bool series(goss_graph *g, const goss__inverse *h, const goss_val *v, goss_val *out) {
    goss_val p[GOSS_STEP_PARAMS], hp[GOSS_STEP_PARAMS];
    for (int i = 0; i < h->n; i++) p[i] = out[i] = goss_scale(goss_detach(v[i]), h->size);
    for (int k = 0; k < h->products; k++) {
        if (!product(g, h, p, hp)) return false;
        add(p, goss_const(g, -h->size), hp, h->n), add(out, goss_const(g, 1), p, h->n);
    }
    return true;
}

bool goss__inverse_apply(goss_graph *g, const goss__inverse *h, const goss_val *v, goss_val *out) {
    return (h->solver == GOSS__SOLVE_CG ? conjugate : series)(g, h, v, out);
}
