/* SPDX-License-Identifier: Apache-2.0 */
/* reg_shapes.c: tensors as penalties see them (rows of tasks, samples, branches), means over samples, and norms whose
 * gradients are finite where the norm is 0. */
#include <stdarg.h>

#include "base/number.h"
#include "reg/reg.h"

goss_val goss__reg_misfit(goss_val x, const char *fmt, ...) {
    char text[300];
    va_list ap;
    va_start(ap, fmt);
    goss__vformat(text, sizeof text, fmt, ap);
    va_end(ap);
    return goss_graph_fail(x.graph, GOSS_E_SHAPE, "%s", text);
}

/* ---- shapes ---- */

static goss_extent product(goss_shape s, int from, int to) {
    goss_extent p = goss_n(1);
    for (int i = from; i < to; i++) p = goss_extent_mul(p, s.dim[i]);
    return p;
}

goss_val goss__reg_rows(goss_val w) {
    if (!goss_valid(w)) return w;
    goss_shape s = goss_shape_of(w);
    if (s.rank == 2) return w;
    if (s.rank < 1) return goss__reg_misfit(w, "a tensor has tasks in front: at least one axis");
    return goss_reshape(w, GOSS_SHAPE(s.dim[0], product(s, 1, s.rank)));
}

goss_val goss__reg_matrix(goss_val w, const goss_reg_options *o) {
    if (!o->each || !goss_valid(w)) return goss__reg_rows(w);
    goss_shape s = goss_shape_of(w);
    if (s.rank == 3) return w;
    if (s.rank < 3)
        return goss__reg_misfit(w, "each task's own matrix takes [T, ..., rows, columns]: at least three axes");
    return goss_reshape(w, GOSS_SHAPE(s.dim[0], product(s, 1, s.rank - 1), s.dim[s.rank - 1]));
}

goss_val goss__reg_nodes(const goss_val *x, int n, const goss_reg_options *o) {
    if (!o->branches) {
        if (n != 1 && goss_valid(x[0]))
            return goss__reg_misfit(x[0], "tasks are tied in one tensor, %d are given; branches = true ties tensors",
                                    n);
        return goss__reg_rows(x[0]);
    }
    if (n < 2 && goss_valid(x[0])) return goss__reg_misfit(x[0], "branches are at least two tensors, %d is given", n);
    goss_val part[64];
    for (int i = 0; i < n; i++) {
        if (!goss_valid(x[i])) return x[i];
        if (!goss_shape_equal(goss_shape_of(x[i]), goss_shape_of(x[0])))
            return goss__reg_misfit(x[0], "branches have one shape; that of tensor %d is another", i + 1);
        part[i] = goss_unsqueeze(goss__reg_rows(x[i]), 1);
    }
    return goss_concat(part, n, 1);
}

goss_val goss__reg_samples(goss_val x) {
    if (!goss_valid(x)) return x;
    goss_shape s = goss_shape_of(x);
    if (s.rank == 3) return x;
    if (s.rank < 2) return goss__reg_misfit(x, "samples are wanted: [T, N, ...]");
    return goss_reshape(x, GOSS_SHAPE(s.dim[0], s.dim[1], product(s, 2, s.rank)));
}

goss_val goss__reg_task_sum(goss_val a) {
    return goss_valid(a) ? goss_sum(a, goss__reg_axes(1, goss_rank(a)), false) : a;
}

goss_val goss__reg_matrix_sum(goss_val a) {
    int r = goss_valid(a) ? goss_rank(a) : 0;
    return r >= 2 ? goss_sum(a, goss__reg_axes(r - 2, r), false) : a;
}

/* [T, N] as [T, N, 1], or GOSS_NONE with an error recorded where it does not fit x. */
static goss_val fitting_weight(goss_val x, goss_val weight) {
    if (!goss_valid(weight) || goss_rank(weight) != 2) {
        if (goss_valid(weight)) goss__reg_misfit(x, "the weight of samples is [T, N]");
        return (goss_val){x.graph, 0};
    }
    return goss_unsqueeze(weight, 2);
}

goss_val goss__reg_sample_share(goss_val x, goss_val weight) {
    if (!goss_valid(x)) return x;
    if (!goss__reg_given(weight)) return goss_div(x, goss__reg_count(x.graph, goss_dim(x, 1)));
    goss_val w = fitting_weight(x, weight);
    return goss_mul(x, goss__reg_ratio(w, goss_sum(w, GOSS_AXIS(1), true)));
}

goss_val goss__reg_sample_mean(goss_val x, goss_val weight) {
    if (!goss_valid(x)) return x;
    if (!goss__reg_given(weight)) return goss_mean(x, GOSS_AXIS(1), true);
    goss_val w = fitting_weight(x, weight);
    return goss__reg_ratio(goss_sum(goss_mul(x, w), GOSS_AXIS(1), true), goss_sum(w, GOSS_AXIS(1), true));
}

goss_val goss__reg_count(goss_graph *g, goss_extent e) {
    return e.symbols ? goss_sum_all(goss_full(g, GOSS_SHAPE(e), 1)) : goss_const(g, (double)e.count);
}

goss_val goss__reg_eye(goss_graph *g, goss_extent k, int rank) {
    goss_val eye = goss_one_hot(goss_iota(g, k), k);
    for (int i = 2; i < rank; i++) eye = goss_unsqueeze(eye, 0);
    return eye;
}

goss_val goss__reg_symmetric(goss_val adjacency, goss_val nodes) {
    if (!goss_valid(adjacency) || !goss_valid(nodes)) return (goss_val){nodes.graph, 0};
    goss_extent k = goss_dim(nodes, -2);
    if (goss_rank(adjacency) != 2 || !goss_extent_equal(goss_dim(adjacency, 0), k) ||
        !goss_extent_equal(goss_dim(adjacency, 1), k))
        return goss__reg_misfit(nodes, "the adjacency is [K, K], K the number of tasks or branches that are tied");
    goss_val both = goss_scale(goss_add(adjacency, goss_transpose(adjacency)), 0.5);
    return goss_select(goss__reg_eye(adjacency.graph, k, 2), goss_const(adjacency.graph, 0), both);
}

goss_val goss__reg_laplacian_of(goss_val adjacency) {
    if (!goss_valid(adjacency)) return adjacency;
    goss_val eye = goss__reg_eye(adjacency.graph, goss_dim(adjacency, 0), 2);
    return goss_sub(goss_mul(eye, goss_sum(adjacency, GOSS_AXIS(1), true)), adjacency);
}

/* ---- norms ---- */

goss_val goss__reg_root(goss_val squares, double eps) {
    if (!goss_valid(squares)) return squares;
    goss_graph *g = squares.graph;
    if (eps > 0) return goss_div(squares, goss_shift(goss_sqrt(goss_shift(squares, eps * eps)), eps));
    goss_val some = goss_less(goss_const(g, 0), squares);
    /* What is not above 0 is 0, without a gradient of any order, or NaN, which stays NaN. */
    return goss_select(some, goss_sqrt(goss_select(some, squares, goss_const(g, 1))), goss_detach(squares));
}

goss_val goss__reg_size(goss_val x, double eps) { return eps > 0 ? goss__reg_root(goss_square(x), eps) : goss_abs(x); }

goss_val goss__reg_norm(goss_val x, uint32_t axes, double eps) {
    return goss__reg_root(goss_sum(goss_square(x), axes, true), eps);
}

goss_val goss__reg_ratio(goss_val x, goss_val y) {
    if (!goss_valid(x) || !goss_valid(y)) return (goss_val){x.graph, 0};
    goss_val zero = goss_const(x.graph, 0), some = goss_abs(goss_sign(y));
    return goss_select(some, goss_div(x, goss_select(some, y, goss_const(x.graph, 1))), zero);
}

bool goss__reg_unit_axes(goss_val w, int axis, bool tasks, uint32_t *axes) {
    *axes = 0;
    if (!goss_valid(w)) return false;
    int rank = goss_rank(w), at = axis < 0 ? axis + rank : axis;
    if (rank < 2) {
        goss__reg_misfit(w, "units are wanted: [T, ...] of at least two axes");
        return false;
    }
    if (at < 1 || at >= rank) {
        goss__reg_misfit(w, "axis %d is not one of 1 to %d (0 are the tasks)", axis, rank - 1);
        return false;
    }
    *axes = goss__reg_axes(tasks ? 0 : 1, rank) & ~GOSS_AXIS(at);
    return true;
}

double goss__reg_unit_size(goss_val w, uint32_t axes) {
    goss_extent n = goss_n(1);
    for (int i = 0; i < goss_rank(w); i++)
        if (axes & GOSS_AXIS(i)) n = goss_extent_mul(n, goss_dim(w, i));
    if (!n.symbols) return (double)n.count;
    goss__reg_misfit(w, "the numbers of a unit must be counted beforehand: an extent has a symbol");
    return 0;
}
