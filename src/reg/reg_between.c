/* SPDX-License-Identifier: Apache-2.0 */
/* reg_between.c: what ties tasks or branches to each other: differences, Laplacians of a graph, given or learned, and
 * the graph itself. */
#include <math.h>

#include "reg/reg.h"

/* tr(R' L R) = sum over pairs of a_kl ||r_k - r_l||^2, from nodes [.., K, D]. What all nodes share is taken off
 * first: L does not see it, and rounding would. */
static goss_val laplacian_form(goss_val nodes, goss_val adjacency) {
    goss_val centred = goss_sub(nodes, goss_mean(nodes, GOSS_AXIS(goss_rank(nodes) - 2), true));
    goss_val l = goss__reg_laplacian_of(adjacency);
    if (goss_rank(nodes) == 3) l = goss_unsqueeze(l, 0);
    return goss__reg_matrix_sum(goss_mul(centred, goss_matmul(l, centred, false, false)));
}

/* sum over pairs of a_kl ||r_k - r_l||. */
static goss_val pair_norms(goss_val nodes, goss_val adjacency, double eps) {
    int r = goss_rank(nodes);
    goss_val apart = goss_sub(goss_unsqueeze(nodes, r - 1), goss_unsqueeze(nodes, r - 2)); /* [.., K, K, D] */
    goss_val norm = goss_squeeze(goss__reg_norm(apart, GOSS_AXIS(r), eps), r);
    goss_val a = r == 3 ? goss_unsqueeze(adjacency, 0) : adjacency;
    return goss_scale(goss__reg_matrix_sum(goss_mul(a, norm)), 0.5);
}

GOSS__REG_BUILD(difference) {
    goss_val nodes = goss__reg_nodes(x, n, o);
    if (!goss_valid(nodes)) return nodes;
    int r = goss_rank(nodes);
    if (goss__reg_given(o->adjacency)) {
        goss_val a = goss__reg_symmetric(o->adjacency, nodes);
        if (!goss_valid(a)) return a;
        return o->power == 2 ? goss_scale(laplacian_form(nodes, a), 0.5) : pair_norms(nodes, a, o->epsilon);
    }
    goss_val off = goss_sub(nodes, goss_mean(nodes, GOSS_AXIS(r - 2), true));
    if (o->power == 2) return goss_scale(goss__reg_matrix_sum(goss_square(off)), 0.5);
    return goss__reg_matrix_sum(goss__reg_norm(off, GOSS_AXIS(r - 1), o->epsilon));
}

/* Rows over the root of their degree; a node without edges has degree 0 and becomes 0. */
static goss_val by_degree(goss_val nodes, goss_val adjacency) {
    goss_val root = goss__reg_root(goss_sum(adjacency, GOSS_AXIS(1), true), 0);
    if (goss_rank(nodes) == 3) root = goss_unsqueeze(root, 0);
    return goss_mul(nodes, goss__reg_ratio(goss_const(nodes.graph, 1), root));
}

GOSS__REG_BUILD(laplacian) {
    goss_val nodes = goss__reg_nodes(x, n, o);
    if (!goss_valid(nodes)) return nodes;
    if (!goss__reg_given(o->adjacency))
        return goss_graph_fail(nodes.graph, GOSS_E_ARGUMENT, "a graph is needed: an adjacency, given or learned");
    goss_val a = goss__reg_symmetric(o->adjacency, nodes);
    if (!goss_valid(a)) return a;
    return laplacian_form(o->normalized ? by_degree(nodes, a) : nodes, a);
}

/* ---- proximal operators: linear systems over tasks ---- */

static goss_val graph_prox(goss_val w, goss_val t, const goss_reg_options *o) {
    goss_val rows = goss__reg_rows(w), a = goss__reg_symmetric(o->adjacency, rows);
    if (!goss_valid(a)) return a;
    goss_val system = goss_add(goss__reg_eye(w.graph, goss_dim(a, 0), 2), goss_mul(t, goss__reg_laplacian_of(a)));
    return goss_reshape(goss_spd_solve(system, rows), goss_shape_of(w));
}

GOSS__REG_PROX(difference) {
    if (goss__reg_given(o->adjacency)) return graph_prox(w, t, o);
    if (!goss_valid(w) || goss_rank(w) < 1) return goss__reg_rows(w);
    goss_val mean = goss_mean(w, GOSS_AXIS(0), true);
    return goss_add(mean, goss_div(goss_sub(w, mean), goss_shift(t, 1)));
}

GOSS__REG_PROX(laplacian) {
    if (!goss__reg_given(o->adjacency))
        return goss_graph_fail(w.graph, GOSS_E_ARGUMENT, "a graph is needed: an adjacency, given or learned");
    if (o->normalized)
        return goss_graph_fail(w.graph, GOSS_E_UNSUPPORTED,
                               "the proximal operator is that of the plain Laplacian: normalized must be false");
    return graph_prox(w, goss_scale(t, 2), o);
}

/* ---- graphs ---- */

const char *goss__edges_fill(const goss_edge *edges, int n, int64_t nodes, float *out, int *wrong) {
    for (int64_t i = 0; i < nodes * nodes; i++) out[i] = NAN; /* no edge yet */
    for (int i = 0; i < n; i++) {
        const goss_edge *e = &edges[i];
        *wrong = i;
        if (e->a == e->b) return "a loop ties a node to itself; leave it out";
        if (!(e->weight >= 0) || !isfinite((float)e->weight)) return "a weight is a finite number of at least 0";
        if (!isnan(out[e->a * nodes + e->b])) return "these two nodes have an edge already";
        out[e->a * nodes + e->b] = out[e->b * nodes + e->a] = (float)e->weight;
    }
    for (int64_t i = 0; i < nodes * nodes; i++) out[i] = isnan(out[i]) ? 0 : out[i];
    return NULL;
}

goss_status goss_edges_matrix(const goss_edge *edges, int n, int64_t nodes, float *out, goss_error *err) {
    int wrong;
    for (int i = 0; i < n; i++)
        if (edges[i].a < 0 || edges[i].b < 0 || edges[i].a >= nodes || edges[i].b >= nodes)
            return goss_error_set(err, GOSS_E_ARGUMENT, "edge %d (%d, %d): there are %lld nodes, 0 to %lld", i + 1,
                                  edges[i].a, edges[i].b, (long long)nodes, (long long)nodes - 1);
    const char *what = goss__edges_fill(edges, n, nodes, out, &wrong);
    if (!what) return GOSS_OK;
    const goss_edge *e = &edges[wrong];
    return goss_error_set(err, GOSS_E_ARGUMENT, "edge %d (%d, %d, weight %g): %s", wrong + 1, e->a, e->b, e->weight,
                          what);
}

static bool is_square(goss_val a, const char *what) {
    if (!goss_valid(a)) return false;
    if (goss_rank(a) == 2 && goss_extent_equal(goss_dim(a, 0), goss_dim(a, 1))) return true;
    goss__reg_misfit(a, "%s is [K, K]", what);
    return false;
}

goss_val goss_reg_adjacency(goss_val theta) {
    if (!is_square(theta, "reg_adjacency: theta")) return (goss_val){theta.graph, 0};
    goss_val both = goss_softplus(goss_scale(goss_add(theta, goss_transpose(theta)), 0.5));
    return goss_select(goss__reg_eye(theta.graph, goss_dim(theta, 0), 2), goss_const(theta.graph, 0), both);
}

goss_val goss_reg_graph_prior(goss_val a, double degree, double square, double sparsity) {
    if (!is_square(a, "reg_graph_prior: the adjacency")) return (goss_val){a.graph, 0};
    if (!(degree >= 0) || !(square >= 0) || !(sparsity >= 0))
        return goss_graph_fail(a.graph, GOSS_E_ARGUMENT, "reg_graph_prior: weights %g, %g, %g: each is at least 0",
                               degree, square, sparsity);
    goss_val degrees = goss_shift(goss_sum(a, GOSS_AXIS(1), false), 1e-8), sum = goss_const(a.graph, 0);
    if (degree > 0) sum = goss_scale(goss_sum_all(goss_log(degrees)), -degree);
    if (square > 0) sum = goss_add(sum, goss_scale(goss_norm2(a), 0.5 * square));
    if (sparsity > 0) sum = goss_add(sum, goss_scale(goss_sum_all(goss_abs(a)), sparsity));
    return sum;
}
