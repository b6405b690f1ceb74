/* SPDX-License-Identifier: Apache-2.0 */
/* compose_loss.c: losses, one number per sample, and their reduction.
 *
 * Masked classes are excluded: their logits count as minus infinity and their log probabilities as 0, never as 0 * inf.
 * Numbers of classes and samples may be symbols, so that means are taken by goss_mean or by counting a mask. */
#include "autodiff/compose.h"

static goss_val negated_sum(goss_val a, uint32_t axis) { return goss_neg(goss_sum(a, axis, false)); }

/* The negated mean over the unmasked classes of the last axis. */
static goss_val uniform_part(goss_val log_p, goss_val mask, uint32_t last) {
    if (!goss__given(mask)) return goss_neg(goss_mean(log_p, last, false));
    goss_val alive = goss_max(goss_sum(mask, last, false), goss_const(mask.graph, 1));
    return goss_div(negated_sum(log_p, last), alive);
}

goss_val goss_cross_entropy(goss_val logits, goss_val target, double smoothing, goss_val class_mask) {
    if (!goss__rank_at_least(logits, 3, "cross_entropy")) return logits;
    goss_graph *g = logits.graph;
    if (!(smoothing >= 0 && smoothing < 1))
        return goss_graph_fail(g, GOSS_E_ARGUMENT, "cross_entropy: smoothing %g is not in [0, 1)", smoothing);
    int rank = goss_rank(logits);
    uint32_t last = GOSS_AXIS(rank - 1);
    goss_val mask = GOSS_NONE, log_p;
    if (goss__given(class_mask)) {
        mask = goss__as_channels(class_mask, rank, "cross_entropy: class mask");
        log_p = goss_log_softmax(goss_select(mask, logits, goss_const(g, GOSS__MASKED)));
        log_p = goss_select(mask, log_p, goss_const(g, 0));
    } else {
        log_p = goss_log_softmax(logits);
    }
    goss_val loss = negated_sum(goss_mul(target, log_p), last);
    if (smoothing == 0) return loss;
    return goss_add(goss_scale(loss, 1 - smoothing), goss_scale(uniform_part(log_p, mask, last), smoothing));
}

goss_val goss_squared_error(goss_val x, goss_val target) {
    if (!goss__rank_at_least(x, 1, "squared_error")) return x;
    return goss_mean(goss_square(goss_sub(x, target)), GOSS_AXIS(goss_rank(x) - 1), false);
}

/* q^2 / 2 + delta (|d| - q) with q = min(|d|, delta): without a branch, and with the correct gradient at the seam. */
goss_val goss_huber(goss_val x, goss_val target, double delta) {
    if (!goss__rank_at_least(x, 1, "huber")) return x;
    if (!(delta > 0)) return goss_graph_fail(x.graph, GOSS_E_ARGUMENT, "huber: delta %g is not positive", delta);
    goss_val d = goss_abs(goss_sub(x, target)), q = goss_min(d, goss_const(x.graph, delta));
    goss_val loss = goss_add(goss_scale(goss_square(q), 0.5), goss_scale(goss_sub(d, q), delta));
    return goss_mean(loss, GOSS_AXIS(goss_rank(x) - 1), false);
}

goss_val goss_reduce_loss(goss_val loss, goss_val weight) {
    if (!goss__rank_at_least(loss, 2, "reduce_loss")) return loss;
    if (!goss__given(weight)) return goss_mean_all(loss);
    goss_val total = goss_max(goss_sum(weight, GOSS_AXIS(1), false), goss_const(loss.graph, GOSS__NO_WEIGHT));
    return goss_mean_all(goss_div(goss_sum(goss_mul(loss, weight), GOSS_AXIS(1), false), total));
}

/* 1 at every element that equals the maximum. */
static goss_val at_maximum(goss_val a, uint32_t last) {
    goss_val below = goss_less(a, goss_reduce_max(a, last, true));
    return goss_shift(goss_neg(below), 1);
}

goss_val goss_correct(goss_val logits, goss_val target) {
    if (!goss__rank_at_least(logits, 1, "correct")) return logits;
    uint32_t last = GOSS_AXIS(goss_rank(logits) - 1);
    goss_val said = at_maximum(goss_detach(logits), last), meant = at_maximum(goss_detach(target), last);
    return goss_div(goss_sum(goss_mul(said, meant), last, false), goss_sum(said, last, false));
}
