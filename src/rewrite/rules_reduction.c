/* SPDX-License-Identifier: Apache-2.0 */
/* rules_reduction.c: sums of what has a factor, of differences from a mean, and of sums. They save passes over large
 * arrays, and give sums that are often wanted elsewhere. */
#include "rewrite/match.h"
#include "rewrite/rewriter.h"

/* y = the sum of a along axes, kept as extents 1. */
static bool is_sum(goss_val y, goss_val *a, uint32_t *axes) {
    if (!goss__made_by(y, &goss__op_sum, 0, a)) return false;
    *axes = (uint32_t)GOSS__ATTR(goss__node_of(y), reduce)->axes;
    return true;
}

/* a = x s with an s that is the same all along the axes. */
static bool has_factor(goss_val a, uint32_t axes, goss_val *x, goss_val *s) {
    if (!goss__match_spread(a, x, s)) return false;
    goss_shape small = goss_shape_of(*s);
    if (small.rank != 0 && small.rank != goss_rank(a)) return false;
    for (int i = 0; i < small.rank; i++)
        if ((axes & GOSS_AXIS(i)) && !goss_extent_is(small.dim[i], 1)) return false;
    return true;
}

/* x - mean(x), the mean along the axes: what is left of x sums to 0 along them. 0 times that mean is 0, or NaN where an
 * element was not finite. In a gradient it is 0: there it is one term of several, and the others are NaN where x is not
 * finite. */
bool goss__rule_centred_sum(goss_val y, goss_val *out) {
    goss_val a, in[2], mean;
    uint32_t axes;
    if (!is_sum(y, &a, &axes) || !goss__match_ew(a, GOSS__EW_sub, in, 2)) return false;
    if (!goss__made_by(in[1], &goss__op_broadcast, 0, &mean) ||
        !goss_shape_equal(goss_shape_of(mean), goss_shape_of(y)))
        return false;
    if (goss__rewrite(goss_mean(in[0], axes, true)).id != mean.id) return false; /* equal nodes are one */
    *out = y.graph->differentiating ? goss_full(y.graph, goss_shape_of(y), 0) : goss_scale(goss_detach(mean), 0);
    return true;
}

bool goss__rule_hoist_factor(goss_val y, goss_val *out) {
    goss_val a, x, s;
    uint32_t axes;
    if (!is_sum(y, &a, &axes) || !has_factor(a, axes, &x, &s)) return false;
    *out = goss_mul(goss_sum(x, axes, true), s);
    return true;
}

bool goss__rule_hoist_negation(goss_val y, goss_val *out) {
    goss_val a, x;
    uint32_t axes;
    if (!is_sum(y, &a, &axes) || !goss__match_ew(a, GOSS__EW_neg, &x, 1)) return false;
    *out = goss_neg(goss_sum(x, axes, true));
    return true;
}

/* A plain sum of two is left alone: it may be small for being one. */
bool goss__rule_split_sum(goss_val y, goss_val *out) {
    goss_val a, x, s, term[2];
    uint32_t axes;
    if (!is_sum(y, &a, &axes) || !goss__match_ew(a, GOSS__EW_add, term, 2)) return false;
    for (int i = 0; i < 2; i++)
        if (!has_factor(term[i], axes, &x, &s)) return false;
    *out = goss_add(goss_sum(term[0], axes, true), goss_sum(term[1], axes, true));
    return true;
}

/* A sum that is much smaller than what it is of is summed further by itself: others may want it, and reading it costs
 * little. */
static bool is_small(goss_val sum, goss_val of) {
    enum { MUCH = 16 };
    goss_shape s = goss_shape_of(of), t = goss_shape_of(sum);
    const goss_extent from = goss__shape_product(&s, 0, s.rank), to = goss__shape_product(&t, 0, t.rank);
    return from.count >= MUCH * to.count;
}

bool goss__rule_merge_sums(goss_val y, goss_val *out) {
    goss_val a, x;
    uint32_t axes, inner;
    if (!is_sum(y, &a, &axes) || !is_sum(a, &x, &inner) || is_small(a, x)) return false;
    *out = goss_sum(x, axes | inner, true);
    return true;
}
