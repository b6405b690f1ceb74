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
