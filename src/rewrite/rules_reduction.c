/* SPDX-License-Identifier: Apache-2.0 */
/* rules_reduction.c: hoisting factors out of linear operations; sums of differences from a mean, and of sums. They save
 * passes over large arrays, and yield results that are often needed elsewhere. */
#include "graph/cost_model.h"
#include "rewrite/match.h"
#include "rewrite/rewriter.h"

/* y = the sum of a along axes, with keep. */
static bool is_sum(goss_val y, goss_val *a, uint32_t *axes) {
    if (!goss__made_by(y, &goss__op_sum, 0, a)) return false;
    *axes = (uint32_t)GOSS__ATTR(goss__node_of(y), reduce)->axes;
    return true;
}

/* x - mean(x), with the mean along the axes: the differences sum to 0 along them. 0 times the mean is 0, or NaN where
 * an element is not finite. In a gradient the result is 0, since it is one term of several, of which others are NaN
 * where x is not finite. */
bool goss__rule_centred_sum(goss_val y, goss_val *out) {
    goss_val a, in[2], mean;
    uint32_t axes;
    if (!is_sum(y, &a, &axes) || !goss__match_ew(a, GOSS__EW_sub, in, 2)) return false;
    if (!goss__made_by(in[1], &goss__op_broadcast, 0, &mean) ||
        !goss_shape_equal(goss_shape_of(mean), goss_shape_of(y)))
        return false;
    if (goss__normal_form(goss_mean(in[0], axes, true)).id != mean.id) return false; /* equal nodes have equal ids */
    *out = y.graph->differentiating ? goss_full(y.graph, goss_shape_of(y), 0) : goss_scale(goss_detach(mean), 0);
    return true;
}

/* y = the mean of a along axes, with extents 1 kept. */
static bool is_mean(goss_val y, goss_val *a, uint32_t *axes) {
    goss_val sum;
    const bool scaled =
        goss__made_by(y, &goss__op_ew[GOSS__EW_mul], 0, &sum) || goss__made_by(y, &goss__op_ew[GOSS__EW_div], 0, &sum);
    return scaled && is_sum(sum, a, axes) && goss_mean(*a, *axes, true).id == y.id;
}

/* Limit of the search below. */
enum { FOLLOWED = 16 };

/* Whether v depends on a sum of x along axes (and possibly others) through few operations. */
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

/* Variances of parts, combined (Chan, Golub and LeVeque 1983): var of x about m = var of x about its own mean + (own
 * mean - m)^2. As written, x is read for m and again once m is known; combined, it is read once for its own mean and
 * deviations, and only values as small as the mean depend on m. */
bool goss__rule_join_variances(goss_val y, goss_val *out) {
    goss_val squares, d, in[2], m;
    uint32_t axes;
    if (!is_mean(y, &squares, &axes) || !goss__match_ew(squares, GOSS__EW_square, &d, 1) ||
        !goss__match_ew(d, GOSS__EW_sub, in, 2) || !goss__made_by(in[1], &goss__op_broadcast, 0, &m))
        return false;
    if (varies_along(m, axes) || !is_made_from_sum(m, in[0], axes)) return false;
    const goss_val own = goss_mean(in[0], axes, true);
    if (goss__normal_form(own).id == m.id) return false; /* a single part */
    const goss_val between = goss_square(goss_sub(own, m));
    *out = goss_add(between, goss_mean(goss_square(goss_sub(in[0], own)), axes, true));
    return true;
}

/* ---- operations linear in an operand ---- */

/* y is linear in operand i, mixes its elements, and has at most half as many: a factor can be applied afterwards. Sums
 * are cheap, and often needed with and without the factor; products qualify only if the operand has no other reader,
 * and not in a gradient, where a cotangent is an operand of several products. */
static bool reduces_linearly(goss_val y, int i) {
    enum { FEWER = 2 };
    const goss__node *n = goss__node_of(y);
    return goss__has_operand(n->op->linear, i) && !n->op->elementwise && n->op->selection == GOSS__COMPUTES &&
           (n->n_in == 1 || (!y.graph->differentiating && goss__has_one_reader(goss__val(y.graph, n->in[i])))) &&
           goss__is_smaller(y, i, FEWER);
}

/* Operand i is x s with an s that can be applied to the result. */
static bool has_factor(goss_val y, int i, goss_val operand, goss_val *x, goss_val *s) {
    return goss__match_spread(operand, x, s) && goss__meets_result(y, i, *s);
}

bool goss__rule_hoist_factor(goss_val y, goss_val *out) {
    const goss__node *n = goss__node_of(y);
    goss_val x, s;
    for (int i = 0; i < n->n_in; i++) {
        if (!reduces_linearly(y, i) || !has_factor(y, i, goss__val(y.graph, n->in[i]), &x, &s)) continue;
        *out = goss_mul(goss__with_operand(y, i, x), s);
        return true;
    }
    return false;
}

bool goss__rule_hoist_negation(goss_val y, goss_val *out) {
    const goss__node *n = goss__node_of(y);
    goss_val x;
    for (int i = 0; i < n->n_in; i++) {
        if (!reduces_linearly(y, i) || !goss__match_ew(goss__val(y.graph, n->in[i]), GOSS__EW_neg, &x, 1)) continue;
        *out = goss_neg(goss__with_operand(y, i, x));
        return true;
    }
    return false;
}

/* A plain sum of two terms is kept: cancellation may have made it small. */
bool goss__rule_split_sum(goss_val y, goss_val *out) {
    const goss__node *n = goss__node_of(y);
    goss_val x, s, term[2];
    if (n->n_in != 1 || !reduces_linearly(y, 0) || !goss__match_ew(goss__val(y.graph, n->in[0]), GOSS__EW_add, term, 2))
        return false;
    for (int i = 0; i < 2; i++)
        if (!has_factor(y, 0, term[i], &x, &s)) return false;
    *out = goss_add(goss__with_operand(y, 0, term[0]), goss__with_operand(y, 0, term[1]));
    return true;
}

/* A sum that is much smaller than its operand is not merged: it may have other readers, and reading it is cheap. */
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
