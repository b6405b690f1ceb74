/* SPDX-License-Identifier: Apache-2.0 */
/* rules_pooling.c: what is the same all over an image meets the pooled map instead of the image: the same numbers, and
 * a gradient of the size of the taps. No normalised map is ever made in front of a max pool. */
#include "rewrite/match.h"
#include "rewrite/rewriter.h"

/* y = inner op small, or small op inner, with a small that is the same all over an image. */
typedef struct spread {
    enum goss__ew_op op;
    goss_val inner, small;
    bool small_first;
} spread;

static bool same_over_image(goss_val v) {
    const goss_shape s = goss_shape_of(v);
    return s.rank == 0 || (s.rank == 5 && goss_extent_is(s.dim[2], 1) && goss_extent_is(s.dim[3], 1));
}

static bool is_spread(goss_val y, spread *s) {
    static const enum goss__ew_op ops[] = {GOSS__EW_add, GOSS__EW_sub, GOSS__EW_mul};
    for (int k = 0; k < 3; k++) {
        goss_val in[2];
        s->op = ops[k];
        if (!goss__match_ew(y, s->op, in, 2)) continue;
        for (int i = 0; i < 2; i++) {
            if (!goss__made_by(in[i], &goss__op_broadcast, 0, &s->small) || !same_over_image(s->small)) continue;
            s->inner = in[1 - i], s->small_first = i == 0;
            return true;
        }
    }
    return false;
}

static bool is_shift(const spread *s) { return s->op == GOSS__EW_add || (s->op == GOSS__EW_sub && !s->small_first); }

static goss_val again(const spread *s, goss_val inner) {
    const goss_val a = s->small_first ? s->small : inner, b = s->small_first ? inner : s->small;
    return s->op == GOSS__EW_add ? goss_add(a, b) : s->op == GOSS__EW_sub ? goss_sub(a, b) : goss_mul(a, b);
}

static bool is_positive(goss_val v) {
    goss_val inner;
    double k;
    if (goss__made_by(v, &goss__op_broadcast, 0, &inner)) return is_positive(inner);
    return goss__made_by(v, &goss__op_ew[GOSS__EW_rsqrt], 0, &inner) ||
           (goss__is_full(v, &k) && k > 0 && k < __builtin_inf());
}

/* What of a factor decides which tap is the largest: not a standard deviation's inverse, which comes late. False:
 * nothing. */
static bool deciding_part(goss_val factor, goss_val *part) {
    goss_val in[2], inner;
    *part = factor;
    if (is_positive(factor)) return false;
    if (!goss__match_ew(factor, GOSS__EW_mul, in, 2)) return true;
    for (int i = 0; i < 2; i++)
        if (is_positive(in[i]))
            return deciding_part(goss__made_by(in[1 - i], &goss__op_broadcast, 0, &inner) ? inner : in[1 - i], part);
    return true;
}

static goss_val pool(goss_val y, goss_val x) {
    return goss__pool_like(y, &goss__op_max_pool, x, (goss_val){y.graph, 0}, goss_shape_of(y));
}

/* The largest of the positive parts is the positive part of the largest. */
bool goss__rule_pool_monotone(goss_val y, goss_val *out) {
    goss_val x;
    if (!goss__made_by(y, &goss__op_max_pool, 0, &x) || !goss__match_ew(x, GOSS__EW_relu, &x, 1)) return false;
    *out = goss_relu(pool(y, x));
    return true;
}

/* Rounding keeps the order of sums with one number: the same bits. */
bool goss__rule_pool_shift(goss_val y, goss_val *out) {
    goss_val x;
    spread s;
    if (!goss__made_by(y, &goss__op_max_pool, 0, &x) || !is_spread(x, &s) || !is_shift(&s)) return false;
    *out = again(&s, pool(y, s.inner));
    return true;
}

/* One whose sign is not known decides which tap is wanted; the value of that tap meets the factor. */
bool goss__rule_pool_factor(goss_val y, goss_val *out) {
    goss_val x;
    spread s;
    if (!goss__made_by(y, &goss__op_max_pool, 0, &x) || !is_spread(x, &s) || s.op != GOSS__EW_mul) return false;
    const goss_val none = {y.graph, 0};
    goss_val part;
    if (!deciding_part(s.small, &part))
        *out = again(&s, pool(y, s.inner));
    else
        *out = goss__pool_like(y, &goss__op_pool_gather, x,
                               goss__pool_like(y, &goss__op_pool_argmax, x, none, goss_shape_of(y)), goss_shape_of(y));
    return true;
}

/* Of what is the index, with the factor that it has (invalid: none). */
static bool is_argmax(goss_val y, goss_val *x, goss_val *factor) {
    const goss__node *n = goss__node_of(y);
    *factor = (goss_val){y.graph, 0};
    return goss__made_by(y, &goss__op_pool_argmax, 0, x) &&
           (n->n_in < 2 || goss__made_by(y, &goss__op_pool_argmax, 1, factor));
}

bool goss__rule_argmax_shift(goss_val y, goss_val *out) {
    goss_val x, factor;
    spread s;
    if (!is_argmax(y, &x, &factor) || !is_spread(x, &s) || !is_shift(&s)) return false;
    *out = goss__pool_like(y, &goss__op_pool_argmax, s.inner, factor, goss_shape_of(y));
    return true;
}

/* A number for each channel of x, as the kernel wants them. */
static bool per_channel(goss_val factor, goss_val x) {
    return goss_rank(factor) == 5 && goss_extent_equal(goss_dim(factor, 4), goss_dim(x, 4));
}

bool goss__rule_argmax_factor(goss_val y, goss_val *out) {
    goss_val x, factor, part;
    spread s;
    if (!is_argmax(y, &x, &factor) || !is_spread(x, &s) || s.op != GOSS__EW_mul) return false;
    if (deciding_part(s.small, &part)) {
        if (!per_channel(part, x)) part = s.small;
        if (goss_valid(factor) || !per_channel(part, x)) return false;
        factor = part;
    }
    *out = goss__pool_like(y, &goss__op_pool_argmax, s.inner, factor, goss_shape_of(y));
    return true;
}

bool goss__rule_gather_spread(goss_val y, goss_val *out) {
    goss_val x, index;
    spread s;
    if (!goss__made_by(y, &goss__op_pool_gather, 0, &x) || !goss__made_by(y, &goss__op_pool_gather, 1, &index) ||
        !is_spread(x, &s))
        return false;
    *out = again(&s, goss__pool_like(y, &goss__op_pool_gather, s.inner, index, goss_shape_of(y)));
    return true;
}
