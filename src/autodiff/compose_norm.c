/* SPDX-License-Identifier: Apache-2.0 */
/* compose_norm.c: normalisations: subtract a mean, divide by a deviation; they differ in the axes and in the
 * statistics.
 *
 * Variances use differences from the mean (two passes), not E[x^2] - E[x]^2, which loses all digits in f32 if the mean
 * is large. With a unit mask sums run over live units and are divided by their number; dead units are normalised by
 * them as well, so that whoever reads them can let a gradient tell what they would contribute. */
#include "autodiff/compose.h"

goss_val goss_normalize(goss_val x, goss_val mean, goss_val var, double eps) {
    if (!goss__rank_at_least(x, 2, "normalize")) return x;
    int rank = goss_rank(x);
    goss_val m = goss__as_channels(mean, rank, "normalize: mean");
    goss_val scale = goss_rsqrt(goss_shift(goss__as_channels(var, rank, "normalize: var"), eps));
    return goss_mul(goss_sub(x, m), scale);
}

/* (x - mean) / deviation, both over `axes`. */
static goss_val standardize(goss_val x, uint32_t axes, double eps) {
    goss_val d = goss_sub(x, goss_mean(x, axes, true));
    return goss_mul(d, goss_rsqrt(goss_shift(goss_mean(goss_square(d), axes, true), eps)));
}

/* Mean over `axes` and over the live units of `last`; alive: their number. */
static goss_val living_mean(goss_val x, uint32_t axes, uint32_t last, goss_val alive) {
    if (axes) x = goss_mean(x, axes, true);
    return goss_div(goss_sum(x, last, true), alive);
}

/* The same as standardize over axes | last where mask (of x's rank) counts the units of `last`. */
static goss_val standardize_living(goss_val x, uint32_t axes, uint32_t last, goss_val mask, double eps) {
    if (!goss_valid(x) || !goss_valid(mask)) return (goss_val){x.graph, 0};
    goss_val alive = goss_max(goss_sum(mask, last, true), goss_const(x.graph, 1));
    goss_val d = goss_sub(x, living_mean(goss_mul(x, mask), axes, last, alive));
    goss_val var = living_mean(goss_mul(goss_square(d), mask), axes, last, alive);
    return goss_mul(d, goss_rsqrt(goss_shift(var, eps)));
}

goss_val goss_layer_norm(goss_val x, double eps, goss_val unit_mask) {
    if (!goss__rank_at_least(x, 2, "layer_norm")) return x;
    int rank = goss_rank(x);
    uint32_t last = GOSS_AXIS(rank - 1);
    if (!goss__given(unit_mask)) return standardize(x, last, eps);
    return standardize_living(x, 0, last, goss__as_channels(unit_mask, rank, "layer_norm: unit mask"), eps);
}

/* [Tw, C] -> [Tw, 1, 1, G, C/G] */
static goss_val grouped_mask(goss_val mask, int groups, int64_t per_group) {
    if (!goss_valid(mask)) return mask;
    return goss_reshape(mask, GOSS_SHAPE(goss_dim(mask, 0), goss_n(1), goss_n(1), goss_n(groups), goss_n(per_group)));
}

goss_val goss_group_norm(goss_val x, int groups, double eps, goss_val unit_mask) {
    if (!goss__rank_at_least(x, 3, "group_norm")) return x;
    goss_shape s = goss_shape_of(x);
    goss_extent c = s.dim[s.rank - 1];
    if (groups < 1 || c.symbols || c.count % groups)
        return goss_graph_fail(x.graph, GOSS_E_SHAPE, "group_norm: %lld channels do not divide into %d groups",
                               (long long)c.count, groups);
    goss_extent space = goss__dims_product(s, 2, s.rank - 1);
    goss_val v = goss_reshape(x, GOSS_SHAPE(s.dim[0], s.dim[1], space, goss_n(groups), goss_n(c.count / groups)));
    if (goss__given(unit_mask))
        v = standardize_living(v, GOSS_AXIS(2), GOSS_AXIS(4), grouped_mask(unit_mask, groups, c.count / groups), eps);
    else
        v = standardize(v, GOSS_AXIS(2) | GOSS_AXIS(4), eps);
    return goss_reshape(v, s);
}

goss_val goss_instance_norm(goss_val x, double eps) {
    if (!goss__rank_at_least(x, 4, "instance_norm")) return x;
    return standardize(x, goss__axes(2, goss_rank(x) - 1), eps);
}

/* A tensor with extents 1 between the first axis and the last -> those two. */
static goss_val task_and_channel(goss_val v) {
    if (!goss_valid(v)) return v;
    return goss_reshape(v, GOSS_SHAPE(goss_dim(v, 0), goss_dim(v, -1)));
}

/* Mean over the axes `samples` of v, whose later extents are 1; weight: of each sample, GOSS_NONE: equal. Weights of 1
 * give the same bits as no weights, up to the order of the sums. */
static goss_val over_samples(goss_val v, uint32_t samples, goss_val weight) {
    if (!goss__given(weight)) return goss_mean(v, samples, true);
    if (!goss_valid(v) || !goss_valid(weight)) return (goss_val){v.graph, 0};
    goss_val total = goss_max(goss_sum(weight, samples, true), goss_const(v.graph, GOSS__NO_WEIGHT));
    return goss_div(goss_sum(goss_mul(v, weight), samples, true), total);
}

/* Means over a sample's pixels first, so that weights multiply one number per sample and channel. */
static void sample_stats(goss_val x, uint32_t samples, goss_val w, goss_val *mean, goss_val *var) {
    const int rank = goss_rank(x);
    const uint32_t space = goss__axes(2, rank - 1);
    goss_val weight = goss__given(w) ? goss__as_samples(w, rank, "batch_stats: sample weight") : w;
    goss_val all = over_samples(space ? goss_mean(x, space, true) : x, samples, weight),
             spread = goss_square(goss_sub(x, all));
    if (space) spread = goss_mean(spread, space, true);
    *mean = task_and_channel(all);
    *var = task_and_channel(over_samples(spread, samples, weight));
}

void goss_batch_stats(goss_val x, goss_val w, goss_val *mean, goss_val *var) {
    *mean = *var = (goss_val){x.graph, 0};
    if (goss__rank_at_least(x, 3, "batch_stats")) sample_stats(x, GOSS_AXIS(1), w, mean, var);
}

void goss_batch_stats_shared(goss_val x, goss_val w, goss_val *mean, goss_val *var) {
    *mean = *var = (goss_val){x.graph, 0};
    if (goss__rank_at_least(x, 3, "batch_stats_shared")) sample_stats(x, GOSS_AXIS(0) | GOSS_AXIS(1), w, mean, var);
}
