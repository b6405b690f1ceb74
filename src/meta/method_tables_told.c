/* SPDX-License-Identifier: Apache-2.0 */
/* method_tables_told.c: what the conditioner is told of targets that are not up to ten classes, as if they were.
 *
 *   a number       soft classes of its rank among the rows: hat functions over KNOTS places, so that neither the unit
 *                  nor the shape of its distribution matters, and neighbours are alike
 *   many classes   groups of them, class c in group c mod 10: output coding, by an ensemble whose members are told the
 *                  classes in other orders and thus in other groups (Dietterich and Bakiri 1995)
 *
 * The head is fitted to the targets themselves. */
#include "meta/method_tables.h"

enum { KNOTS = 8 };

/* (rows below + half of the equal ones) / rows, [T,S]. */
static goss_val ranks(const goss_task_batch *b, goss_val weight) {
    const goss_val y = goss_squeeze(b->support_target, 2), row = goss_unsqueeze(y, 1), column = goss_unsqueeze(y, 2);
    const goss_val w = goss_unsqueeze(weight, 1);
    const goss_val below = goss_sum(goss_mul(goss_less(row, column), w), GOSS_AXIS(2), false);
    const goss_val above = goss_sum(goss_mul(goss_less(column, row), w), GOSS_AXIS(2), false);
    const goss_val n = goss_max(goss_sum(weight, GOSS_AXIS(1), true), goss_const(y.graph, 1));
    return goss_shift(goss_scale(goss_div(goss_sub(below, above), n), 0.5), 0.5);
}

static void tell_number(goss_task_batch *b) {
    goss_graph *g = b->support.graph;
    const goss_val weight = goss__support_weight(b);
    goss_val place = goss_shift(goss_scale(ranks(b, weight), KNOTS), -0.5);
    place = goss_min(goss_max(place, goss_const(g, 0)), goss_const(g, KNOTS - 1));
    const goss_val knot =
        goss_reshape(goss_to_real(goss_iota(g, goss_n(KNOTS))), GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(KNOTS)));
    const goss_val off = goss_abs(goss_sub(goss_unsqueeze(place, 2), knot));
    b->support_target = goss_mul(goss_relu(goss_shift(goss_neg(off), 1)), goss_unsqueeze(weight, 2));
    b->class_mask = goss_full(g, GOSS_SHAPE(b->T, goss_n(KNOTS)), 1);
    b->W = goss_n(KNOTS);
}

static void tell_groups(goss_task_batch *b) {
    goss_graph *g = b->support.graph;
    const goss_extent groups = goss_n(GOSS__CELLS_CLASSES);
    const goss_val c = goss_to_real(goss_iota(g, b->W));
    const goss_val round = goss_floor(goss_scale(goss_shift(c, 0.5), 1.0 / GOSS__CELLS_CLASSES));
    const goss_val group = goss_to_index(goss_sub(c, goss_scale(round, GOSS__CELLS_CLASSES)));
    const goss_val of = goss_unsqueeze(goss_one_hot(group, groups), 0); /* [1,W,10] */
    b->support_target = goss_matmul(b->support_target, of, false, false);
    const goss_val some = goss_matmul(goss_unsqueeze(b->class_mask, 1), of, false, false);
    b->class_mask = goss_min(goss_squeeze(some, 1), goss_const(g, 1));
    b->W = groups;
}

goss_val goss__tables_tell(const goss_method *m, const goss_task_batch *from, goss_task_batch *b) {
    *b = *from;
    if (m->objective->classes && b->outputs <= GOSS__CELLS_CLASSES) return GOSS_NONE;
    (m->objective->classes ? tell_groups : tell_number)(b);
    const goss_val all = goss_max(goss_sum(b->support_target, GOSS_AXIS(1), true), goss_const(b->support.graph, 1e-6));
    b->assign = goss_transpose(goss_div(b->support_target, all));
    return goss_matmul(b->assign, from->support_target, false, false);
}
