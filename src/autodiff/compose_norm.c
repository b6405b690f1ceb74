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

/* The number of live units of `last`, at least 1. */
static goss_val living_number(goss_val mask, uint32_t last) {
    return goss_max(goss_sum(mask, last, true), goss_const(mask.graph, 1));
}

/* The same as standardize where mask (of x's rank) counts the units of `last`. */
static goss_val standardize_living(goss_val x, uint32_t last, goss_val mask, double eps) {
    if (!goss_valid(x) || !goss_valid(mask)) return (goss_val){x.graph, 0};
    const goss_val number = living_number(mask, last);
    const goss_val d = goss_sub(x, goss_div(goss_sum(goss_mul(x, mask), last, true), number));
    const goss_val var = goss_div(goss_sum(goss_mul(goss_square(d), mask), last, true), number);
    return goss_mul(d, goss_rsqrt(goss_shift(var, eps)));
}

goss_val goss_layer_norm(goss_val x, double eps, goss_val unit_mask) {
    if (!goss__rank_at_least(x, 2, "layer_norm")) return x;
    int rank = goss_rank(x);
    uint32_t last = GOSS_AXIS(rank - 1);
    if (!goss__given(unit_mask)) return standardize(x, last, eps);
    return standardize_living(x, last, goss__as_channels(unit_mask, rank, "layer_norm: unit mask"), eps);
}

/* What the statistics of group norms are over; each mask may be GOSS_NONE. */
typedef struct groups_of {
    int groups;
    goss_val steps; /* 0 or 1 [T,N,S,1] */
    goss_val units; /* [Tw,1,1,C] */
    double eps;
} groups_of;

/* The mean [T,N,1,C] of v[T,N,S,C], which is 0 at dead steps. */
static goss_val over_steps(const groups_of *g, goss_val v) {
    if (!goss__given(g->steps)) return goss_mean(v, GOSS_AXIS(2), true);
    const goss_val number = goss_sum(g->steps, GOSS_AXIS(2), true);
    return goss_div(goss_sum(v, GOSS_AXIS(2), true), goss_max(number, goss_const(v.graph, 1)));
}

/* [Tw,1,1,C] -> [Tw,1,1,G,C/G] */
static goss_val in_groups(const groups_of *g, goss_val v) {
    if (!goss_valid(v)) return v;
    goss_shape s = goss_shape_of(v);
    s.rank = 5, s.dim[4] = goss_n(s.dim[3].count / g->groups), s.dim[3] = goss_n(g->groups);
    return goss_reshape(v, s);
}

/* The mean of v[T,N,S,C] over steps and over the live units of each group: [T,N,1,G,1]. Steps first: sums then run
 * along channels, which the kernels do many at a time; a group has few of them. */
static goss_val group_mean(const groups_of *g, goss_val v) {
    const goss_val steps = in_groups(g, over_steps(g, v));
    if (!goss__given(g->units)) return goss_mean(steps, GOSS_AXIS(4), true);
    const goss_val units = in_groups(g, g->units);
    if (!goss_valid(steps) || !goss_valid(units)) return (goss_val){v.graph, 0};
    return goss_div(goss_sum(goss_mul(steps, units), GOSS_AXIS(4), true), living_number(units, GOSS_AXIS(4)));
}

/* A number of each group [T,N,1,G,1] at each of its channels [T,N,1,C]: one row of channels for all steps. */
static goss_val at_channels(goss_val v, goss_extent channels) {
    if (!goss_valid(v)) return v;
    goss_shape s = goss_shape_of(v);
    s.dim[4] = goss_n(channels.count / s.dim[3].count);
    v = goss_broadcast(v, s);
    s.rank = 4, s.dim[3] = channels;
    return goss_reshape(v, s);
}

static goss_val standardize_groups(const groups_of *g, goss_val x) {
    if (!goss_valid(x)) return x;
    const bool ragged = goss__given(g->steps);
    const goss_extent channels = goss_dim(x, 3);
    const goss_val mean = group_mean(g, ragged ? goss_mul(x, g->steps) : x);
    goss_val d = goss_sub(x, at_channels(mean, channels));
    if (ragged) d = goss_mul(d, g->steps);
    const goss_val scale = goss_rsqrt(goss_shift(group_mean(g, goss_square(d)), g->eps));
    return goss_mul(d, at_channels(scale, channels));
}

static bool divides(goss_val x, int groups) {
    const goss_extent c = goss_dim(x, -1);
    if (groups >= 1 && !c.symbols && c.count % groups == 0) return true;
    goss_graph_fail(x.graph, GOSS_E_SHAPE, "group_norm: %lld channels do not divide into %d groups", (long long)c.count,
                    groups);
    return false;
}

goss_val goss_group_norm(goss_val x, int groups, double eps, goss_val unit_mask) {
    if (!goss__rank_at_least(x, 3, "group_norm")) return x;
    if (!divides(x, groups)) return (goss_val){x.graph, 0};
    const goss_shape s = goss_shape_of(x);
    groups_of g = {.groups = groups, .eps = eps};
    if (goss__given(unit_mask)) g.units = goss__as_channels(unit_mask, 4, "group_norm: unit mask");
    const goss_extent space = goss__dims_product(s, 2, s.rank - 1);
    x = goss_reshape(x, GOSS_SHAPE(s.dim[0], s.dim[1], space, s.dim[s.rank - 1]));
    return goss_reshape(standardize_groups(&g, x), s);
}

goss_val goss_group_norm_steps(goss_val x, goss_val step_mask, int groups, double eps, goss_val unit_mask) {
    if (!goss__rank_at_least(x, 4, "group_norm_steps")) return x;
    if (!divides(x, groups)) return (goss_val){x.graph, 0};
    groups_of g = {.groups = groups, .eps = eps, .steps = step_mask};
    if (goss__given(unit_mask)) g.units = goss__as_channels(unit_mask, 4, "group_norm_steps: unit mask");
    return standardize_groups(&g, x);
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
