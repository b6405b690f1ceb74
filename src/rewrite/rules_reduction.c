/* SPDX-License-Identifier: Apache-2.0 */
/* rules_reduction.c: what is linear in an operand, of what has a factor; sums of differences from a mean, and of sums.
 * They save passes over large arrays, and give results that are often wanted elsewhere. */
#include "rewrite/match.h"
#include "rewrite/rewriter.h"

/* y = the sum of a along axes, kept as extents 1. */
static bool is_sum(goss_val y, goss_val *a, uint32_t *axes) {
    if (!goss__made_by(y, &goss__op_sum, 0, a)) return false;
    *axes = (uint32_t)GOSS__ATTR(goss__node_of(y), reduce)->axes;
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

/* ---- what is linear in an operand ---- */

/* y mixes elements of operand i, is linear in it, and has fewer: what is done to all that are mixed may wait. Sums and
 * their like cost little, and are often wanted of both; products are made of what no other reads, and not in a
 * gradient: there a cotangent is an operand of several products. */
static bool waits(goss_val y, int i) {
    enum { FEWER = 2 };
    const goss__node *n = goss__node_of(y);
    return (n->op->linear & GOSS__OPERAND(i)) && !n->op->elementwise && n->op->selection == GOSS__COMPUTES &&
           (n->n_in == 1 || (!y.graph->differentiating && goss__has_one_reader(goss__val(y.graph, n->in[i])))) &&
           goss__is_smaller(y, i, FEWER);
}

/* Operand i is x s with an s that may meet the result. */
static bool has_factor(goss_val y, int i, goss_val operand, goss_val *x, goss_val *s) {
    return goss__match_spread(operand, x, s) && goss__meets_result(y, i, *s);
}

bool goss__rule_hoist_factor(goss_val y, goss_val *out) {
    const goss__node *n = goss__node_of(y);
    goss_val x, s;
    for (int i = 0; i < n->n_in; i++) {
        if (!waits(y, i) || !has_factor(y, i, goss__val(y.graph, n->in[i]), &x, &s)) continue;
        *out = goss_mul(goss__with_operand(y, i, x), s);
        return true;
    }
    return false;
}

bool goss__rule_hoist_negation(goss_val y, goss_val *out) {
    const goss__node *n = goss__node_of(y);
    goss_val x;
    for (int i = 0; i < n->n_in; i++) {
        if (!waits(y, i) || !goss__match_ew(goss__val(y.graph, n->in[i]), GOSS__EW_neg, &x, 1)) continue;
        *out = goss_neg(goss__with_operand(y, i, x));
        return true;
    }
    return false;
}

/* A plain sum of two is left alone: it may be small for being one. */
bool goss__rule_split_sum(goss_val y, goss_val *out) {
    const goss__node *n = goss__node_of(y);
    goss_val x, s, term[2];
    if (n->n_in != 1 || !waits(y, 0) || !goss__match_ew(goss__val(y.graph, n->in[0]), GOSS__EW_add, term, 2))
        return false;
    for (int i = 0; i < 2; i++)
        if (!has_factor(y, 0, term[i], &x, &s)) return false;
    *out = goss_add(goss__with_operand(y, 0, term[0]), goss__with_operand(y, 0, term[1]));
    return true;
}

/* A sum that is much smaller than what it is of is summed further by itself: others may want it, and reading it costs
 * little. */
static bool is_small(goss_val sum, goss_val of) {
    goss_shape s = goss_shape_of(of), t = goss_shape_of(sum);
    const goss_extent from = goss__shape_product(&s, 0, s.rank), to = goss__shape_product(&t, 0, t.rank);
    return from.count >= GOSS__COST_SMALL_SUM * to.count;
}

bool goss__rule_merge_sums(goss_val y, goss_val *out) {
    goss_val a, x;
    uint32_t axes, inner;
    if (!is_sum(y, &a, &axes) || !is_sum(a, &x, &inner) || is_small(a, x)) return false;
    *out = goss_sum(x, axes | inner, true);
    return true;
}
