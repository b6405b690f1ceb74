/* SPDX-License-Identifier: Apache-2.0 */
/* random_chain.h: elementwise chains as kernel/fused.def has them, and almost: an operand may be another than the row
 * wants, or be read by others too. */
#ifndef GOSS_RANDOM_CHAIN_H
#define GOSS_RANDOM_CHAIN_H

#include "kernel/fused.h"
#include "random_algebra.h"

/* Numbers that a row's operands have: such that an average of squares, v + NUMBER (x - v), stays above 0: it has a
 * root. */
static rp_range rp_link_range(int wanted) {
    return wanted == GOSS__FUSED_NUMBER ? (rp_range){0.01, 0.1} : (rp_range){0.5, 1.5};
}

static int rp_link_leaf(rp_maker *m, const goss__fused_op *op, int i, int wanted, goss_shape shape) {
    const int domain = rp_domain(op->op, i);
    if (wanted == GOSS__FUSED_NUMBER) shape = (goss_shape){0};
    for (int k = 0; wanted == GOSS__FUSED_ROW && k + 1 < shape.rank; k++) shape.dim[k] = goss_n(1);
    if (domain == RP_CRISP) return rp_leaf(m, &rp_op_input, shape, false, rp_within(2), RP_COARSE);
    if (domain == RP_01) return rp_leaf(m, &rp_op_input, shape, false, (rp_range){0, 1}, RP_MASK);
    return rp_leaf(m, &rp_op_input, shape, false, rp_link_range(wanted), RP_UNIFORM);
}

/* The row wants the result of the op at a place; sometimes another comes, where any number will do. */
static int rp_link_operand(rp_maker *m, const goss__fused_op *op, int i, const int *made, int k, goss_shape shape) {
    const int wanted = op->in[i];
    const int domain = rp_domain(op->op, i);
    if (domain == RP_MODERATE && k > 0 && rp_chance(m, 0.03)) return made[rp_below(m, k)];
    if (domain == RP_MODERATE && rp_chance(m, 0.03))
        return rp_link_leaf(m, op, i, (int)RP_ONE_OF(m, -1, -2, -3), shape);
    if (wanted < 0) return rp_link_leaf(m, op, i, wanted, shape);
    const rp_step *from = rp_at(m, made[wanted]);
    const bool fits = domain == RP_POSITIVE ? from->range.lo > 0.05 : domain == RP_MODERATE || from->crisp;
    return fits ? made[wanted] : rp_link_leaf(m, op, i, GOSS__FUSED_ARRAY, shape);
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
