/* SPDX-License-Identifier: Apache-2.0 */
/* reg_steps.c: penalties of how a state changes from step to step: hidden states of recurrent layers, outputs of
 * attention, positions of a sequence. Steps of zeros are padding behind a sequence's end (nn.h): they cost nothing. */
#include "reg/reg.h"

/* z [T, N, L, ...] as each step, and the one before it; the first step is its own. The number of steps may be a symbol,
 * which no slice has: rows of the step axis are gathered. false: an error was recorded. */
static bool neighbours(goss_val z, goss_val *before, goss_val *after) {
    if (!goss_valid(z)) return false;
    const int rank = goss_rank(z);
    if (rank < 4) {
        goss__reg_misfit(z, "it is for states of steps, [T, samples, steps, ...]; this tensor has rank %d", rank);
        return false;
    }
    const goss_extent steps = goss_dim(z, 2);
    if (!steps.symbols && steps.count < 2) {
        goss__reg_misfit(z, "it is for at least 2 steps; there is 1");
        return false;
    }
    int axes[GOSS_MAX_RANK];
    for (int i = 0; i < rank; i++) axes[i] = i == 0 ? 2 : i == 2 ? 0 : i; /* its own inverse */
    const goss_val at = goss_shift(goss_to_real(goss_iota(z.graph, steps)), -1);
    const goss_val row = goss_to_index(goss_max(at, goss_const(z.graph, 0)));
    *before = goss_permute(goss_gather(goss_permute(z, axes), row), axes);
    *after = z;
    return true;
}

/* What the change to a step costs, [T, N, L]: nothing where the step is padding. */
static goss_val of_live(goss_val after, goss_val cost) {
    const goss_val any = goss_sum(goss_square(after), goss__reg_axes(3, goss_rank(after)), false);
    return goss_select(goss_less(goss_const(after.graph, 0), any), cost, goss_const(after.graph, 0));
}

/* [T, N, L, ...] -> [T, N, L] of squares, summed. */
static goss_val squares(goss_val z) { return goss_sum(goss_square(z), goss__reg_axes(3, goss_rank(z)), false); }

static goss_val mean_over_samples(goss_val each, const goss_reg_options *o) {
    return goss__reg_task_sum(goss__reg_sample_mean(goss__reg_samples(each), o->weight));
}

GOSS__REG_BUILD(state_change) {
    goss_val before, after;
    if (!neighbours(x[0], &before, &after)) return GOSS_NONE;
    return goss_scale(mean_over_samples(of_live(after, squares(goss_sub(after, before))), o), 0.5);
}

GOSS__REG_BUILD(state_norm) {
    goss_val before, after;
    if (!neighbours(x[0], &before, &after)) return GOSS_NONE;
    goss_val change = goss_sub(goss__reg_root(squares(after), o->epsilon), goss__reg_root(squares(before), o->epsilon));
    return goss_scale(mean_over_samples(of_live(after, goss_square(change)), o), 0.5);
}
