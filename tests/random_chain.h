/* SPDX-License-Identifier: Apache-2.0 */
/* random_chain.h: elementwise chains as kernel/fused.def has them, and almost: an operand may be another than the row
 * wants, or be read by others too. */
#ifndef GOSS_RANDOM_CHAIN_H
#define GOSS_RANDOM_CHAIN_H

#include "kernel/fused.h"
#include "random_algebra.h"

/* Numbers that operand i of an op may have: what over_root takes the root of is made by lerp_square from those. */
static rp_range rp_link_range(const goss__fused_op *op, int i) {
    if (op->op == GOSS__EW_over_root && i > 0) return (rp_range){0.4, 2};
    if (op->op == GOSS__EW_lerp_square && i != 1) return i == 0 ? (rp_range){0.4, 2} : (rp_range){0, 0.9};
    if (op->op == GOSS__EW_lerp && i == 2) return (rp_range){0, 1};
    return rp_within(1.5);
}

static int rp_link_leaf(rp_maker *m, const goss__fused_op *op, int i, int wanted, goss_shape shape) {
    const int domain = rp_domain(op->op, i);
    if (wanted == GOSS__FUSED_NUMBER) shape = (goss_shape){0};
    for (int k = 0; wanted == GOSS__FUSED_ROW && k + 1 < shape.rank; k++) shape.dim[k] = goss_n(1);
    if (domain == RP_CRISP) return rp_leaf(m, &rp_op_input, shape, false, rp_within(2), RP_COARSE);
    if (domain == RP_01) return rp_leaf(m, &rp_op_input, shape, false, (rp_range){0, 1}, RP_MASK);
    return rp_leaf(m, &rp_op_input, shape, false, rp_link_range(op, i), RP_UNIFORM);
}

/* The row wants the result of the op at a place; sometimes another comes, where any number will do. */
static int rp_link_operand(rp_maker *m, const goss__fused_op *op, int i, const int *made, int k, goss_shape shape) {
    const int wanted = op->in[i];
    const bool any = rp_domain(op->op, i) == RP_MODERATE && op->op != GOSS__EW_lerp && op->op != GOSS__EW_lerp_square;
    if (any && k > 0 && rp_chance(m, 0.06)) return made[rp_below(m, k)];
    if (any && rp_chance(m, 0.06)) return rp_link_leaf(m, op, i, (int)RP_ONE_OF(m, -1, -2, -3), shape);
    return wanted >= 0 ? made[wanted] : rp_link_leaf(m, op, i, wanted, shape);
}

static bool rp_make_links(rp_maker *m, rp_step *s, const goss__fused_op *op, int n, goss_shape shape) {
    int made[GOSS__FUSED_MOST];
    for (int k = 0; k < n; k++) {
        rp_range range[3];
        *s = (rp_step){.op = &rp_ew_ops[op[k].op]};
        for (int i = 0; i < 3 && op[k].in[i] != GOSS__FUSED_NONE; i++) {
            RP_TAKE(s, rp_link_operand(m, &op[k], i, made, k, shape));
            range[i] = RP_RANGE(i);
        }
        s->range = rp_ew_range(op[k].op, range);
        s->crisp = op[k].op == GOSS__EW_less;
        if (k + 1 < n && (made[k] = rp_add(m, *s)) == RP_NONE) return false;
    }
    return true;
}

RP_MAKE(chain) {
    static const struct {
        const goss__fused_op *op;
        int n;
    } rows[] = {
#define FUSED(name, ...) {goss__fused_##name, GOSS__FUSED_OPS(name)},
#include "kernel/fused.def"
#undef FUSED
    };
    const int64_t row = rp_below(m, (int64_t)(sizeof rows / sizeof *rows));
    const goss_shape shape =
        GOSS_SHAPE(rp_extent(0), rp_extent(1), goss_n(RP_ONE_OF(m, 7, 32, 64, 96)), goss_n(RP_ONE_OF(m, 3, 8, 16)));
    return rp_make_links(m, s, rows[row].op, rows[row].n, shape);
}
#endif
