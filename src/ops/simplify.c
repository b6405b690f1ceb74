/* SPDX-License-Identifier: Apache-2.0 */
/* simplify.c: what an elementwise op on given operands simplifies to, seen from the nodes right in front of it.
 *
 * Gradients are written by rote and full of x + 0, x * 1, -(-x) and constants times constants; this keeps their graphs
 * small. What may change of a value is on the list of docs/architecture.md and nothing else does
 * (tests/test_rewrites.c). A product with 0 stays: it is NaN where x is not finite. */
#include "ops/elementwise.h"

typedef bool (*rule)(const goss_val *in, goss_val *out);

static bool is_value(goss_val a, double want) {
    double v;
    return goss__is_full(a, &v) && v == want;
}

static bool negated(goss_val a, goss_val *x) { return goss__made_by(a, &goss__op_ew[GOSS__EW_neg], 0, x); }

/* a = x * k for a constant k. */
static bool scaled(goss_val a, goss_val *x, double *k) {
    goss_val factor;
    return goss__made_by(a, &goss__op_ew[GOSS__EW_mul], 1, &factor) && goss__is_full(factor, k) &&
           goss__made_by(a, &goss__op_ew[GOSS__EW_mul], 0, x);
}

static bool add_rule(const goss_val *in, goss_val *out) {
    goss_val x;
    if (is_value(in[1], 0))
        *out = in[0];
    else if (negated(in[1], &x))
        *out = goss_sub(in[0], x);
    else if (negated(in[0], &x))
        *out = goss_sub(in[1], x);
    else
        return goss__add_pads(in[0], in[1], out);
    return true;
}

static bool sub_rule(const goss_val *in, goss_val *out) {
    goss_val x;
    if (is_value(in[1], 0))
        *out = in[0];
    else if (is_value(in[0], 0))
        *out = goss_neg(in[1]);
    else if (negated(in[1], &x))
        *out = goss_add(in[0], x);
    else
        return false;
    return true;
}

bool goss__ew_spread(goss_val a, goss_val *x, goss_val *small) {
    goss_val operand[2];
    for (int i = 0; i < 2; i++)
        if (!goss__made_by(a, &goss__op_ew[GOSS__EW_mul], i, &operand[i])) return false;
    for (int i = 0; i < 2; i++)
        if (goss__made_by(operand[i], &goss__op_broadcast, 0, small)) {
            *x = operand[1 - i];
            return true;
        }
    return false;
}

/* s t has the shape of s. */
static bool within(goss_shape s, goss_shape t) {
    bool fits = s.rank == t.rank;
    for (int i = 0; i < s.rank && fits; i++)
        fits = goss_extent_is(t.dim[i], 1) || goss_extent_equal(s.dim[i], t.dim[i]);
    return fits;
}

/* x s t with s and t broadcast from smaller shapes, one within the other: x (s t), one pass over x less. A norm's
 * deviation and gain. */
static bool spread_twice(const goss_val *in, goss_val *out) {
    goss_val x, s, t;
    for (int i = 0; i < 2; i++)
        if (goss__made_by(in[i], &goss__op_broadcast, 0, &t) && goss__ew_spread(in[1 - i], &x, &s) &&
            (within(goss_shape_of(s), goss_shape_of(t)) || within(goss_shape_of(t), goss_shape_of(s)))) {
            *out = goss_mul(x, goss_mul(s, t));
            return true;
        }
    return false;
}

/* A constant that another factor may be multiplied with first: what such a product loses to overflow or underflow, the
 * product with x would have lost, too, but for numbers beyond 2^60 times the largest, or the smallest, that there are.
 */
static bool is_moderate(double k) { return k == 0 || (__builtin_fabs(k) >= 0x1p-60 && __builtin_fabs(k) <= 0x1p60); }

static bool mul_rule(const goss_val *in, goss_val *out) {
    goss_val x, small;
    double k, l;
    if (in[0].id == in[1].id) {
        *out = goss_square(in[0]);
        return true;
    }
    if (!goss__is_full(in[1], &k)) return spread_twice(in, out);
    if (k == 1)
        *out = in[0];
    else if (k == -1)
        *out = goss_neg(in[0]);
    else if (negated(in[0], &x))
        *out = goss_scale(x, -k);
    else if (scaled(in[0], &x, &l) && is_moderate(k) && is_moderate(l) && is_moderate(k * l))
        *out = goss_scale(x, k * l);
    else if (is_moderate(k) && goss__ew_spread(in[0], &x, &small))
        *out = goss_mul(x, goss_scale(small, k));
    else
        return false;
    return true;
}

static bool div_rule(const goss_val *in, goss_val *out) {
    if (!is_value(in[1], 1)) return false;
    *out = in[0];
    return true;
}

static bool neg_rule(const goss_val *in, goss_val *out) {
    goss_val x;
    double k;
    if (negated(in[0], &x))
        *out = x;
    else if (scaled(in[0], &x, &k))
        *out = goss_scale(x, -k);
    else
        return false;
    return true;
}

static bool select_rule(const goss_val *in, goss_val *out) {
    double mask;
    if (in[1].id == in[2].id)
        *out = in[1];
    else if (goss__is_full(in[0], &mask))
        *out = mask != 0 ? in[1] : in[2];
    else
        return false;
    return true;
}

bool goss__ew_simplify(enum goss__ew_op op, const goss_val *in, goss_val *out) {
    static const rule rules[GOSS__EW_COUNT] = {
        [GOSS__EW_add] = add_rule, [GOSS__EW_sub] = sub_rule, [GOSS__EW_mul] = mul_rule,
        [GOSS__EW_div] = div_rule, [GOSS__EW_neg] = neg_rule, [GOSS__EW_select] = select_rule};
    return rules[op] && rules[op](in, out);
}
