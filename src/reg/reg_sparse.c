/* SPDX-License-Identifier: Apache-2.0 */
/* reg_sparse.c: penalties on the size of numbers and of groups of them, and their proximal operators. */
#include <math.h>

#include "reg/reg.h"

GOSS__REG_BUILD(l1) { return goss__reg_task_sum(goss__reg_size(x[0], o->epsilon)); }

GOSS__REG_BUILD(l2) { return goss_scale(goss__reg_task_sum(goss_square(x[0])), 0.5); }

GOSS__REG_BUILD(elastic) {
    return goss_add(goss_scale(goss__reg_l1(x, n, o), o->mix), goss_scale(goss__reg_l2(x, n, o), 1 - o->mix));
}

/* Those of the last axis, where none is said. */
static bool unit_axes(goss_val w, const goss_reg_options *o, uint32_t *axes) {
    return goss__reg_unit_axes(w, o->axis ? o->axis : -1, false, axes);
}

/* Larger groups have larger norms by themselves; the root of their size makes groups alike. The norms [T, 1, ..., C],
 * and that root. */
static bool group_norms(goss_val w, const goss_reg_options *o, goss_val *norm, goss_val *root) {
    uint32_t axes;
    double size = unit_axes(w, o, &axes) ? goss__reg_unit_size(w, axes) : 0;
    if (size == 0) return false;
    *norm = goss__reg_norm(w, axes, o->epsilon), *root = goss_const(w.graph, sqrt(size));
    return true;
}

GOSS__REG_BUILD(group) {
    goss_val norm, root;
    if (!group_norms(x[0], o, &norm, &root)) return (goss_val){x[0].graph, 0};
    return goss_mul(goss__reg_task_sum(norm), root);
}

/* The norm of each feature: over all tasks, and with an axis over all that goes with its element. */
static goss_val feature_norms(goss_val w, const goss_reg_options *o) {
    uint32_t axes = GOSS_AXIS(0);
    if (!goss_valid(w)) return w;
    if (goss_rank(w) < 1) return goss__reg_rows(w); /* tells */
    if (o->axis && !goss__reg_unit_axes(w, o->axis, true, &axes)) return (goss_val){w.graph, 0};
    return goss__reg_norm(w, axes, o->epsilon);
}

GOSS__REG_BUILD(l21) { return goss_sum_all(feature_norms(x[0], o)); }

/* max(0, norm - bound) of each unit, and its norm. */
static goss_val over_bound(goss_val w, const goss_reg_options *o, goss_val *norm) {
    uint32_t axes;
    if (!unit_axes(w, o, &axes)) return *norm = (goss_val){w.graph, 0};
    *norm = goss__reg_norm(w, axes, 0);
    return goss_relu(goss_shift(*norm, -o->bound));
}

GOSS__REG_BUILD(max_norm) {
    goss_val norm;
    return goss_scale(goss__reg_task_sum(goss_square(over_bound(x[0], o, &norm))), 0.5);
}

GOSS__REG_BUILD(exclusive) {
    goss_val nodes = goss__reg_nodes(x, n, o);
    if (!goss_valid(nodes)) return nodes;
    int rank = goss_rank(nodes);
    goss_val sum = goss_sum(goss__reg_size(nodes, o->epsilon), GOSS_AXIS(rank - 2), false);
    return goss_scale(goss_sum(goss_square(sum), GOSS_AXIS(rank - 2), false), 0.5);
}

/* ---- proximal operators; t: step times strength ---- */

/* sign(w) max(|w| - t, 0) */
static goss_val shrunk(goss_val w, goss_val t) {
    return goss_sub(goss_relu(goss_sub(w, t)), goss_relu(goss_sub(goss_neg(w), t)));
}
static goss_val one_plus(goss_val t) { return goss_shift(t, 1); }
/* w max(1 - t / norm, 0) */
static goss_val shrunk_units(goss_val w, goss_val norm, goss_val t) {
    return goss_mul(w, goss__reg_ratio(goss_relu(goss_sub(norm, t)), norm));
}

GOSS__REG_PROX(l1) { return shrunk(w, t); }
GOSS__REG_PROX(l2) { return goss_div(w, one_plus(t)); }
GOSS__REG_PROX(elastic) { return goss_div(shrunk(w, goss_scale(t, o->mix)), one_plus(goss_scale(t, 1 - o->mix))); }
GOSS__REG_PROX(group) {
    goss_val norm, root;
    if (!group_norms(w, o, &norm, &root)) return (goss_val){w.graph, 0};
    return shrunk_units(w, norm, goss_mul(t, root));
}
GOSS__REG_PROX(l21) { return shrunk_units(w, feature_norms(w, o), t); }
/* A norm n > c becomes (n + t c) / (1 + t): c itself for large t. */
GOSS__REG_PROX(max_norm) {
    goss_val norm, over = over_bound(w, o, &norm), share = goss_div(t, one_plus(t));
    return goss_sub(w, goss_mul(w, goss_mul(goss__reg_ratio(over, norm), share)));
}
