/* SPDX-License-Identifier: Apache-2.0 */
/* compose_activation.c: activations that are not primitives, softmax and dropout.
 *
 * The derivative at a kink is that of the right-hand branch. Softmax subtracts the detached maximum: the result does
 * not depend on it, so that gradients of any order are exact. */
#include "autodiff/compose.h"

goss_val goss_gelu(goss_val x) {
    const double root_2_over_pi = 0.7978845608028654;
    goss_val cubic = goss_mul(x, goss_shift(goss_scale(goss_square(x), 0.044715), 1));
    return goss_mul(goss_scale(x, 0.5), goss_shift(goss_tanh(goss_scale(cubic, root_2_over_pi)), 1));
}

goss_val goss_silu(goss_val x) { return goss_mul(x, goss_sigmoid(x)); }

goss_val goss_leaky_relu(goss_val x, double slope) {
    if (!goss_valid(x)) return x;
    return goss_select(goss_less(x, goss_const(x.graph, 0)), goss_scale(x, slope), x);
}

/* The branch not taken must be finite too, or its gradient would be 0 * inf; hence the min. */
goss_val goss_elu(goss_val x) {
    if (!goss_valid(x)) return x;
    goss_val zero = goss_const(x.graph, 0);
    return goss_select(goss_less(x, zero), goss_shift(goss_exp(goss_min(x, zero)), -1), x);
}

static goss_val below_maximum(goss_val x, uint32_t last) {
    return goss_sub(x, goss_detach(goss_reduce_max(x, last, true)));
}

goss_val goss_softmax(goss_val x) {
    if (!goss__rank_at_least(x, 1, "softmax")) return x;
    uint32_t last = GOSS_AXIS(goss_rank(x) - 1);
    goss_val e = goss_exp(below_maximum(x, last));
    return goss_div(e, goss_sum(e, last, true));
}

goss_val goss_log_softmax(goss_val x) {
    if (!goss__rank_at_least(x, 1, "log_softmax")) return x;
    uint32_t last = GOSS_AXIS(goss_rank(x) - 1);
    goss_val z = below_maximum(x, last);
    return goss_sub(z, goss_log(goss_sum(goss_exp(z), last, true)));
}

/* One draw for each number of a shape that broadcasts to x. */
static goss_val drop(goss_val x, double p, goss_val task, goss_shape draws) {
    if (!(p >= 0 && p < 1)) return goss_graph_fail(x.graph, GOSS_E_ARGUMENT, "dropout: %g is not in [0, 1)", p);
    if (p == 0) return x;
    goss_val keep = goss_less(goss_random_uniform(task, draws), goss_const(x.graph, 1 - p));
    return goss_select(keep, goss_scale(x, 1 / (1 - p)), goss_const(x.graph, 0));
}

goss_val goss_dropout(goss_val x, double p, goss_val task) {
    return goss_valid(x) ? drop(x, p, task, goss_shape_of(x)) : x;
}

goss_val goss_dropout_channels(goss_val x, double p, goss_val task) {
    if (!goss__rank_at_least(x, 3, "dropout_channels")) return x;
    goss_shape draws = goss_shape_of(x);
    for (int i = 2; i < draws.rank - 1; i++) draws.dim[i] = goss_n(1);
    return drop(x, p, task, draws);
}
