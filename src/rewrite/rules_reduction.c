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

/* y = the mean of a along axes, kept as extents 1. */
static bool is_mean(goss_val y, goss_val *a, uint32_t *axes) {
    goss_val sum;
    const bool scaled =
        goss__made_by(y, &goss__op_ew[GOSS__EW_mul], 0, &sum) || goss__made_by(y, &goss__op_ew[GOSS__EW_div], 0, &sum);
    return scaled && is_sum(sum, a, axes) && goss_mean(*a, *axes, true).id == y.id;
}

/* Operands are followed to so many nodes. */
enum { FOLLOWED = 16 };

/* v is made from a sum of x along axes, and maybe others, a few operations before. */
static bool is_made_from_sum(goss_val v, goss_val x, uint32_t axes) {
    goss_val list[FOLLOWED] = {v}, a;
    uint32_t summed;
    int n = 1;
    for (int at = 0; at < n; at++) {
        const goss__node *node = goss__node_of(list[at]);
        if (is_sum(list[at], &a, &summed) && a.id == x.id && (summed & axes) == axes) return true;
        for (int i = 0; i < node->n_in && n < FOLLOWED && !node->barrier; i++)
            list[n++] = goss__val(v.graph, node->in[i]);
    }
    return false;
}

static bool varies_along(goss_val v, uint32_t axes) {
    const goss_shape s = goss_shape_of(v);
    for (int i = 0; i < s.rank; i++)
        if ((axes & GOSS_AXIS(i)) && !goss_extent_is(s.dim[i], 1)) return true;
    return false;
}

/* Variances of parts, joined (Chan, Golub and LeVeque 1983). As written, x is read once for m and, when m is known,
 * again. So it is read for its own mean and deviations at one time, and what waits for m is as small as the mean. */
bool goss__rule_join_variances(goss_val y, goss_val *out) {
    goss_val squares, d, in[2], m;
    uint32_t axes;
    if (!is_mean(y, &squares, &axes) || !goss__match_ew(squares, GOSS__EW_square, &d, 1) ||
        !goss__match_ew(d, GOSS__EW_sub, in, 2) || !goss__made_by(in[1], &goss__op_broadcast, 0, &m))
        return false;
    if (varies_along(m, axes) || !is_made_from_sum(m, in[0], axes)) return false;
    const goss_val own = goss_mean(in[0], axes, true);
    if (goss__rewrite(own).id == m.id) return false; /* x is one part */
    const goss_val between = goss_square(goss_sub(own, m));
    *out = goss_add(between, goss_mean(goss_square(goss_sub(in[0], own)), axes, true));
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
