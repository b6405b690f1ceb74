/* SPDX-License-Identifier: Apache-2.0 */
/* rules_product.c: matrix products. */
#include "rewrite/match.h"
#include "rewrite/rewriter.h"

static bool ones_in_front(const goss_shape *s) {
    for (int i = 0; i < s->rank - 2; i++)
        if (!goss_extent_is(s->dim[i], 1)) return false;
    return true;
}

/* One product for all tasks: a's leading extents are folded into rows. */
bool goss__rule_fold_batch(goss_val y, goss_val *out) {
    goss_val a, b;
    if (!goss__made_by(y, &goss__op_matmul, 0, &a) || !goss__made_by(y, &goss__op_matmul, 1, &b)) return false;
    const goss__matmul_attr *attr = GOSS__ATTR(goss__node_of(y), matmul);
    goss_shape s = goss_shape_of(a), t = goss_shape_of(b);
    if (attr->transpose_a || !ones_in_front(&t) || ones_in_front(&s)) return false;
    const goss_extent rows = goss__shape_product(&s, 0, s.rank - 1);
    for (int i = 0; i < s.rank - 2; i++) s.dim[i] = goss_n(1);
    s.dim[s.rank - 2] = rows;
    *out = goss_reshape(goss_matmul(goss_reshape(a, s), b, false, attr->transpose_b), goss_shape_of(y));
    return true;
}

static bool is_row(const goss_shape *s) {
    for (int i = 0; i + 1 < s->rank; i++)
        if (!goss_extent_is(s->dim[i], 1)) return false;
    return s->rank > 0;
}

/* What is added to each row of a product is added before the product's rows are divided among tasks, where the schedule
 * fuses it into the product's epilogue. */
bool goss__rule_add_inside(goss_val y, goss_val *out) {
    goss_val term[2], product, row, unused;
    if (!goss__match_ew(y, GOSS__EW_add, term, 2)) return false;
    const int i = goss__made_by(term[0], &goss__op_reshape, 0, &product) ? 0 : 1;
    if (!goss__made_by(term[i], &goss__op_reshape, 0, &product) || !goss__has_one_reader(term[i]) ||
        !goss__made_by(product, &goss__op_matmul, 0, &unused) || !goss__has_one_reader(product) ||
        !goss__made_by(term[1 - i], &goss__op_broadcast, 0, &row))
        return false;
    const goss_shape s = goss_shape_of(product), r = goss_shape_of(row);
    if (GOSS__ATTR(goss__node_of(product), matmul)->transpose_a || !is_row(&r) ||
        !goss_extent_equal(r.dim[r.rank - 1], s.dim[s.rank - 1]))
        return false;
    goss_shape one = s;
    for (int k = 0; k + 1 < one.rank; k++) one.dim[k] = goss_n(1);
    *out = goss_reshape(goss_add(product, goss_broadcast(goss_reshape(row, one), s)), goss_shape_of(y));
    return true;
}
