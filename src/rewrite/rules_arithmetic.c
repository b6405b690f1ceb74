/* SPDX-License-Identifier: Apache-2.0 */
/* rules_arithmetic.c: signs, constants and broadcast factors, which gradients are full of. */
#include "rewrite/match.h"
#include "rewrite/rewriter.h"

static bool negated(goss_val a, goss_val *x) { return goss__match_ew(a, GOSS__EW_neg, x, 1); }

static bool negated_sum(const goss_val *in, goss_val *out) {
    goss_val x;
    if (negated(in[1], &x))
        *out = goss_sub(in[0], x);
    else if (negated(in[0], &x))
        *out = goss_sub(in[1], x);
    else
        return false;
    return true;
}

static bool negated_difference(const goss_val *in, goss_val *out) {
    goss_val x;
    double k;
    if (goss__is_full(in[0], &k) && k == 0)
        *out = goss_neg(in[1]);
    else if (negated(in[1], &x))
        *out = goss_add(in[0], x);
    else
        return false;
    return true;
}

bool goss__rule_negation(goss_val y, goss_val *out) {
    goss_val in[2], x;
    double k;
    if (goss__match_ew(y, GOSS__EW_add, in, 2)) return negated_sum(in, out);
    if (goss__match_ew(y, GOSS__EW_sub, in, 2)) return negated_difference(in, out);
    if (goss__match_scaled(y, &x, &k)) {
        if (k == -1)
            *out = goss_neg(x);
        else if (negated(x, &x))
            *out = goss_scale(x, -k);
        else
            return false;
        return true;
    }
    if (!negated(y, &x) || !goss__match_scaled(x, &x, &k)) return false;
    *out = goss_scale(x, -k);
    return true;
}

bool goss__rule_square(goss_val y, goss_val *out) {
    goss_val in[2];
    if (!goss__match_ew(y, GOSS__EW_mul, in, 2) || in[0].id != in[1].id) return false;
    *out = goss_square(in[0]);
    return true;
}

bool goss__rule_join_constants(goss_val y, goss_val *out) {
    goss_val x;
    double k, l;
    if (!goss__match_scaled(y, &x, &k) || !goss__match_scaled(x, &x, &l)) return false;
    if (!goss__is_moderate(k) || !goss__is_moderate(l) || !goss__is_moderate(k * l)) return false;
    *out = goss_scale(x, k * l);
    return true;
}

bool goss__rule_scale_spread(goss_val y, goss_val *out) {
    goss_val x, small;
    double k, l;
    if (!goss__match_scaled(y, &x, &k) || !goss__is_moderate(k) || !goss__match_spread(x, &x, &small)) return false;
    if (goss__is_full(small, &l)) return false; /* join_constants */
    *out = goss_mul(x, goss_scale(small, k));
    return true;
}

/* s t has the shape of s. */
static bool within(goss_shape s, goss_shape t) {
    bool fits = s.rank == t.rank;
    for (int i = 0; i < s.rank && fits; i++)
        fits = goss_extent_is(t.dim[i], 1) || goss_extent_equal(s.dim[i], t.dim[i]);
    return fits;
}

/* Saves a pass over x: a norm's deviation and gain. The rules above handle constants. */
bool goss__rule_join_spreads(goss_val y, goss_val *out) {
    goss_val in[2], x, s, t;
    double k;
    if (!goss__match_ew(y, GOSS__EW_mul, in, 2) || goss__match_scaled(y, &x, &k)) return false;
    for (int i = 0; i < 2; i++) {
        if (!goss__made_by(in[i], &goss__op_broadcast, 0, &t) || !goss__match_spread(in[1 - i], &x, &s)) continue;
        if (!within(goss_shape_of(s), goss_shape_of(t)) && !within(goss_shape_of(t), goss_shape_of(s))) continue;
        *out = goss_mul(x, goss_mul(s, t));
        return true;
    }
    return false;
}

/* A padded value: the content, the axis, the zeros before and after. */
typedef struct pad {
    goss_val x;
    int axis;
    int64_t before, after;
} pad;

static bool is_pad(goss_val a, pad *p) {
    if (!goss__made_by(a, &goss__op_pad, 0, &p->x)) return false;
    const goss__pad_attr *attr = GOSS__ATTR(goss__node_of(a), pad);
    p->axis = (int)attr->axis, p->before = attr->before, p->after = attr->after;
    return true;
}

/* Appends the operands of a concatenation v, or v itself, to a list. False: no room. */
static bool add_parts(goss_val v, int axis, goss_val *parts, int *n) {
    const goss__node *c = goss__node_of(v);
    goss_val first;
    const bool flat = goss__made_by(v, &goss__op_concat, 0, &first) && GOSS__ATTR(c, concat)->axis == axis;
    if (*n + (flat ? c->n_in : 1) > GOSS__MAX_IN) return false;
    for (int i = 0; i < (flat ? c->n_in : 1); i++) parts[(*n)++] = flat ? goss__val(v.graph, c->in[i]) : v;
    return true;
}

bool goss__rule_join_pads(goss_val y, goss_val *out) {
    goss_val in[2], parts[GOSS__MAX_IN];
    pad p, q;
    int n = 0;
    if (!goss__match_ew(y, GOSS__EW_add, in, 2) || !is_pad(in[0], &p) || !is_pad(in[1], &q) || p.axis != q.axis)
        return false;
    if (p.before > q.before) {
        const pad t = p;
        p = q, q = t;
    }
    if (p.before + goss_dim(p.x, p.axis).count != q.before) return false; /* not adjacent */
    if (!add_parts(p.x, p.axis, parts, &n) || !add_parts(q.x, q.axis, parts, &n)) return false;
    *out = goss_pad(goss_concat(parts, n, p.axis), p.axis, p.before, q.after);
    return true;
}
