/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise.c: builders of elementwise operations: common shapes, broadcasts, constants, identities.
 *
 * Operands of a node have the node's shape: smaller ones are broadcast explicitly, with a sum as the gradient; loops
 * read the broadcast as a view. */
#include "ops/elementwise.h"

static bool extents_meet(goss_extent a, goss_extent b, goss_extent *out) {
    *out = goss_extent_is(a, 1) ? b : a;
    return goss_extent_equal(a, b) || goss_extent_is(a, 1) || goss_extent_is(b, 1);
}

static bool common_shape(const char *op, const goss_val *in, int n, goss_shape *shape) {
    int first = 0;
    *shape = goss_shape_of(in[0]);
    for (int i = 1; i < n; i++) {
        goss_shape s = goss_shape_of(in[i]);
        if (s.rank == 0) continue;
        if (shape->rank == 0) {
            *shape = s, first = i;
            continue;
        }
        if (s.rank != shape->rank) {
            goss__misfit2(op, in[first], in[i], "ranks %d and %d", shape->rank, s.rank);
            return false;
        }
        for (int k = 0; k < s.rank; k++) {
            goss_extent e;
            if (extents_meet(shape->dim[k], s.dim[k], &e)) {
                shape->dim[k] = e;
                continue;
            }
            goss__differ(op, in[first], in[i], k, shape->dim[k], s.dim[k]);
            return false;
        }
    }
    return true;
}

/* ---- folding ---- */

static bool fold_constants(enum goss__ew_op op, const goss_val *in, int n, goss_val *out) {
    double v[3] = {0, 0, 0};
    for (int i = 0; i < n; i++)
        if (!goss__is_full(in[i], &v[i])) return false;
    *out = goss_full(in[0].graph, goss_shape_of(in[0]), goss__ew_eval(op, v[0], v[1], v[2]));
    return true;
}

static bool is_value(goss_val a, double want) {
    double v;
    return goss__is_full(a, &v) && v == want;
}

static bool fold_select(const goss_val *in, goss_val *out) {
    double mask;
    if (in[1].id != in[2].id && !goss__is_full(in[0], &mask)) return false;
    *out = in[1].id == in[2].id || mask != 0 ? in[1] : in[2];
    return true;
}

/* x + 0, x - 0, x * 1, x / 1, -(-x). x * 0 is kept: it is NaN where x is not finite. */
static bool fold_identity(enum goss__ew_op op, const goss_val *in, goss_val *out) {
    *out = in[0];
    switch (op) {
    case GOSS__EW_add:
    case GOSS__EW_sub:
        return is_value(in[1], 0);
    case GOSS__EW_mul:
    case GOSS__EW_div:
        return is_value(in[1], 1);
    case GOSS__EW_neg:
        return goss__made_by(in[0], &goss__op_ew[GOSS__EW_neg], 0, out);
    case GOSS__EW_select:
        return fold_select(in, out);
    default:
        return false;
    }
}

bool goss__ew_fold(const goss__proto *p, goss_val *out) {
    const enum goss__ew_op op = (enum goss__ew_op)(p->op - goss__op_ew);
    return fold_constants(op, p->in, p->n_in, out) || fold_identity(op, p->in, out);
}

/* ---- builders ---- */

static goss_val build(enum goss__ew_op op, const goss_val *operands, int n) {
    const goss__op *d = &goss__op_ew[op];
    goss_val in[3];
    goss_shape shape;
    if (!goss__typed(d->name, operands, n, GOSS_REAL) || !common_shape(d->name, operands, n, &shape))
        return (goss_val){goss__graph_of(operands, n), 0};
    for (int i = 0; i < n; i++) in[i] = goss_broadcast(operands[i], shape);
    if (!goss__all_valid(in, n)) return (goss_val){in[0].graph, 0};
    return goss__make(d, GOSS_REAL, shape, in, n, NULL);
}

#define UNARY(name)                                                                                                    \
    goss_val goss_##name(goss_val a) { return build(GOSS__EW_##name, &a, 1); }
#define BINARY(name)                                                                                                   \
    goss_val goss_##name(goss_val a, goss_val b) { return build(GOSS__EW_##name, (goss_val[2]){a, b}, 2); }
#define BUILDER_1(name) UNARY(name)
#define BUILDER_2(name) BINARY(name)
#define BUILDER_3(name)                                                                                                \
    goss_val goss_##name(goss_val a, goss_val b, goss_val c) {                                                         \
        return build(GOSS__EW_##name, (goss_val[3]){a, b, c}, 3);                                                      \
    }
#define ROW(name, arity, formula, va, vb, vc, ...) BUILDER_##arity(name)
#include "kernel/elementwise.def"
#undef ROW

goss_val goss_scale(goss_val a, double k) { return goss_mul(a, goss_const(a.graph, k)); }
goss_val goss_shift(goss_val a, double k) { return goss_add(a, goss_const(a.graph, k)); }
