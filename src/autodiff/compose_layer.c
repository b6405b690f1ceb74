/* SPDX-License-Identifier: Apache-2.0 */
/* compose_layer.c: products with bias, affine maps, and reshaping layers.
 *
 * A weight with leading extent 1 is shared; the primitives broadcast it. */
#include "autodiff/compose.h"

bool goss__rank_at_least(goss_val x, int least, const char *op) {
    if (!goss_valid(x)) return false;
    if (goss_rank(x) >= least) return true;
    goss_graph_fail(x.graph, GOSS_E_SHAPE, "%s: rank %d, but at least %d is required", op, goss_rank(x), least);
    return false;
}

goss_extent goss__dims_product(goss_shape s, int from, int to) {
    goss_extent p = goss_n(1);
    for (int i = from; i < to; i++) p = goss_extent_mul(p, s.dim[i]);
    return p;
}

/* [a, b] with `ones` extents 1 between the two or after them. */
static goss_val spread(goss_val v, int rank, bool behind, const char *what) {
    if (!goss_valid(v)) return v;
    goss_shape s = goss_shape_of(v), out = {.rank = rank};
    if (s.rank != 2 || rank < 2) return goss_graph_fail(v.graph, GOSS_E_SHAPE, "%s has rank %d, not 2", what, s.rank);
    for (int i = 0; i < rank; i++) out.dim[i] = goss_n(1);
    out.dim[0] = s.dim[0];
    out.dim[behind ? 1 : rank - 1] = s.dim[1];
    return goss_reshape(v, out);
}

goss_val goss__as_channels(goss_val v, int rank, const char *what) { return spread(v, rank, false, what); }

goss_val goss__as_samples(goss_val v, int rank, const char *what) { return spread(v, rank, true, what); }

goss_val goss_affine(goss_val x, goss_val scale, goss_val shift) {
    if (!goss__rank_at_least(x, 2, "affine")) return x;
    if (goss__given(scale)) x = goss_mul(x, goss__as_channels(scale, goss_rank(x), "affine: scale"));
    if (goss__given(shift)) x = goss_add(x, goss__as_channels(shift, goss_rank(x), "affine: shift"));
    return x;
}

/* Axes between task and feature are folded into the samples, for a single product. */
goss_val goss_linear(goss_val x, goss_val w, goss_val b) {
    if (!goss__rank_at_least(x, 3, "linear") || !goss__rank_at_least(w, 3, "linear: weight"))
        return (goss_val){x.graph, 0};
    goss_shape s = goss_shape_of(x);
    int last = s.rank - 1;
    goss_val flat = x;
    if (s.rank > 3) flat = goss_reshape(x, GOSS_SHAPE(s.dim[0], goss__dims_product(s, 1, last), s.dim[last]));
    goss_val y = goss_affine(goss_matmul(flat, w, false, false), GOSS_NONE, b);
    if (s.rank == 3 || !goss_valid(y)) return y;
    s.dim[0] = goss_dim(y, 0); /* T weights on the samples of one task give T results */
    s.dim[last] = goss_dim(y, 2);
    return goss_reshape(y, s);
}

goss_val goss_conv_bias(goss_val x, goss_val w, goss_val b, goss_conv_options o) {
    return goss_affine(goss_conv(x, w, o), GOSS_NONE, b);
}

goss_val goss_flatten(goss_val x) {
    if (!goss__rank_at_least(x, 3, "flatten")) return x;
    goss_shape s = goss_shape_of(x);
    return goss_reshape(x, GOSS_SHAPE(s.dim[0], s.dim[1], goss__dims_product(s, 2, s.rank)));
}

goss_val goss_global_avg_pool(goss_val x) {
    if (!goss__rank_at_least(x, 4, "global_avg_pool")) return x;
    return goss_mean(x, goss__axes(2, goss_rank(x) - 1), false);
}

goss_val goss_class_mean(goss_val x, goss_val assign) { return goss_matmul(assign, x, false, false); }

goss_val goss_norm2(goss_val a) { return goss_sum_all(goss_square(a)); }

goss_val goss_l2_normalize(goss_val x, double eps) {
    if (!goss__rank_at_least(x, 1, "l2_normalize")) return x;
    goss_val sum = goss_sum(goss_square(x), GOSS_AXIS(goss_rank(x) - 1), true);
    return goss_mul(x, goss_rsqrt(goss_shift(sum, eps)));
}

/* |x|^2 + |y|^2 - 2 x.y: one product instead of N * M * D differences. */
goss_val goss_pairwise_distance(goss_val x, goss_val y) {
    if (!goss__rank_at_least(x, 3, "pairwise_distance") || !goss__rank_at_least(y, 3, "pairwise_distance"))
        return (goss_val){x.graph, 0};
    goss_val xx = goss_sum(goss_square(x), GOSS_AXIS(2), true);
    goss_val yy = goss_transpose(goss_sum(goss_square(y), GOSS_AXIS(2), true));
    goss_val xy = goss_matmul(x, y, false, true);
    return goss_add(goss_sub(xx, goss_scale(xy, 2)), yy);
}
