/* SPDX-License-Identifier: Apache-2.0 */
/* rules_broadcast.c: operations on broadcast operands. */
#include "rewrite/match.h"
#include "rewrite/rewriter.h"

/* op(broadcast x, broadcast y) = broadcast op(x, y) for x and y of one shape, or constants. */
bool goss__rule_broadcast_last(goss_val y, goss_val *out) {
    const goss__node *n = goss__node_of(y);
    if (!n->op->elementwise || n->op->slicing.alias) return false;
    goss_val small[GOSS__MAX_IN];
    goss_shape shape = {0};
    bool found = false;
    for (int i = 0; i < n->n_in; i++) {
        double value;
        if (!goss__made_by(goss__val(y.graph, n->in[i]), &goss__op_broadcast, 0, &small[i])) return false;
        if (goss__is_full(small[i], &value)) continue; /* rank 0: fits any shape */
        const goss_shape s = goss_shape_of(small[i]);
        if (found && !goss_shape_equal(s, shape)) return false;
        shape = s, found = true;
    }
    for (int i = 0; i < n->n_in; i++) small[i] = goss_broadcast(small[i], shape);
    *out = goss_broadcast(goss__make(n->op, GOSS_REAL, shape, small, n->n_in, NULL), n->shape);
    return true;
}

bool goss__rule_merge_broadcasts(goss_val y, goss_val *out) {
    goss_val inner;
    if (!goss__made_by(y, &goss__op_broadcast, 0, &inner) || !goss__made_by(inner, &goss__op_broadcast, 0, &inner))
        return false;
    *out = goss_broadcast(inner, goss_shape_of(y));
    return true;
}
