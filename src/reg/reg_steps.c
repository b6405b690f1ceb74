/* SPDX-License-Identifier: Apache-2.0 */
/* reg_steps.c: penalties of how a state changes from step to step: hidden states of recurrent layers, outputs of
 * attention, positions of a sequence. A state that stops at a sequence's end (goss_scan) costs nothing beyond it. */
#include "reg/reg.h"

/* z [T, N, L, ...]: both [T, N, L - 1, ...], each step and the one before it. false: an error was recorded. */
static bool neighbours(goss_val z, goss_val *before, goss_val *after) {
    if (!goss_valid(z)) return false;
    if (goss_rank(z) < 4) {
        goss__reg_misfit(z, "its tensor has steps: [T, samples, steps, ...]");
        return false;
    }
    const goss_extent steps = goss_dim(z, 2);
    if (steps.symbols || steps.count < 2) {
        goss__reg_misfit(z, "the number of steps must be fixed, and at least 2");
        return false;
    }
    *before = goss_slice(z, 2, 0, steps.count - 1);
    *after = goss_slice(z, 2, 1, steps.count - 1);
    return true;
}

/* [T, N, L, ...] -> [T, N, L] of squares, summed. */
static goss_val squares(goss_val z) { return goss_sum(goss_square(z), goss__reg_axes(3, goss_rank(z)), false); }

static goss_val mean_over_samples(goss_val each, const goss_reg_options *o) {
    return goss__reg_task_sum(goss__reg_sample_mean(goss__reg_samples(each), o->weight));
}

GOSS__REG_BUILD(state_change) {
    goss_val before, after;
    if (!neighbours(x[0], &before, &after)) return GOSS_NONE;
    return goss_scale(mean_over_samples(squares(goss_sub(after, before)), o), 0.5);
}

GOSS__REG_BUILD(state_norm) {
    goss_val before, after;
    if (!neighbours(x[0], &before, &after)) return GOSS_NONE;
    goss_val change = goss_sub(goss__reg_root(squares(after), o->epsilon), goss__reg_root(squares(before), o->epsilon));
    return goss_scale(mean_over_samples(goss_square(change), o), 0.5);
}
