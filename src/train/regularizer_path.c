/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer_path.c: per-step schedule of the sections: phases of the training (from, until), and a whole
 * regularisation path from one run (weight = conditioned). Each step draws a strength, log-uniform between low and
 * high, as an input of the hypernetwork, which thus learns the networks of all strengths (Lorraine and Duvenaud
 * 2018). The ends are oversampled, since no draws lie beyond them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/rng.h"
#include "train/regularizers.h"

static const double END = 0.1; /* probability of each end */

static bool acts(const goss__regularizer *r) { return r->strength > 0 && r->scheme == GOSS__WEIGHT_CONDITIONED; }

goss_status goss__reg_path_plan(goss__regularizers *all, const goss_method *m, goss_error *err) {
    const goss__regularizer *first = NULL;
    int n = 0, seen = 0;
    for (int i = 0; i < all->n; i++)
        if (acts(&all->at[i])) first = first ? first : &all->at[i], all->at[i].slot = n++;
    for (int i = 0; i < goss_method_params(m); i++)
        seen += strcmp(goss_method_param_at(m, i).name, GOSS_METHOD_STRENGTH) == 0;
    if (n > GOSS_METHOD_STRENGTHS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "[regularizer.%s]: weight: %d sections are conditioned; %d at most",
                              first->name, n, GOSS_METHOD_STRENGTHS);
    if (n > 0 && !seen)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "[regularizer.%s]: weight: conditioned is for a hypernetwork that sees the strength: "
                              "train.method = hypernet, hyper.condition = id, strength",
                              first->name);
    if (n == 0 && seen)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "hyper.condition: strength: no section [regularizer.NAME] has weight = conditioned");
    return GOSS_OK;
}

/* ---- numbers: -1 for low, 1 for high ---- */

static double middle(const goss__regularizer *r) { return 0.5 * (log(r->low) + log(r->high)); }
static double half(const goss__regularizer *r) { return 0.5 * (log(r->high) - log(r->low)); }

/* Its share of the strength that the configuration names, by which the penalty is multiplied anyway. */
void goss__reg_path_factors(goss_graph *g, goss__reg_term *t, int n) {
    for (int i = 0; i < n; i++) {
        const goss__regularizer *r = t[i].r;
        if (!acts(r)) continue;
        const goss_val all = goss_param(g, GOSS_METHOD_STRENGTH, GOSS_SHAPE(goss_n(GOSS_METHOD_STRENGTHS)));
        const goss_val at = goss_squeeze(goss_slice(all, 0, r->slot, 1), 0);
        t[i].factor = goss_detach(goss_exp(goss_shift(goss_scale(at, half(r)), middle(r) - log(r->strength))));
    }
}

static double drawn(goss__rng *r) {
    const double u = goss__rng_uniform(r);
    if (u < END) return -1;
    return u < 2 * END ? 1 : 2 * (u - 2 * END) / (1 - 2 * END) - 1;
}

/* ---- phases ---- */

#define PHASE GOSS__REGULARIZERS ".phase"

static bool has_phase(const goss__regularizer *r) { return r->from > 0 || r->until < 1; }

goss_val goss__reg_phase(const goss__regularizers *all, goss_graph *g, const goss__regularizer *r) {
    if (!has_phase(r)) return GOSS_NONE;
    const goss_val phases = goss_param(g, PHASE, GOSS_SHAPE(goss_n(all->n)));
    return goss_squeeze(goss_slice(phases, 0, r - all->at, 1), 0);
}

static void set_phases(const goss__regularizers *all, double progress, goss_params *params) {
    const int at = goss_params_find(params, PHASE);
    for (int i = 0; i < all->n && at >= 0; i++)
        ((float *)goss_params_data(params, at))[i] = progress >= all->at[i].from && progress < all->at[i].until;
}

void goss__reg_path_draw(const goss__regularizers *all, uint64_t seed, uint64_t step, double progress,
                         goss_params *params) {
    set_phases(all, progress, params);
    const int at = goss_params_find(params, GOSS_METHOD_STRENGTH);
    goss__rng r = goss__rng_make(seed ^ 0x5743a1d9u, step);
    for (int i = 0; i < all->n && at >= 0; i++)
        if (acts(&all->at[i])) ((float *)goss_params_data(params, at))[all->at[i].slot] = (float)drawn(&r);
}

/* ---- in a model ---- */

void goss__reg_path_default(const goss__regularizers *all, goss_model *m) {
    const goss_method *method = goss_model_method(m);
    for (int k = 0; k < goss_method_params(method); k++)
        for (int i = 0; i < all->n && strcmp(goss_method_param_at(method, k).name, GOSS_METHOD_STRENGTH) == 0; i++)
            if (acts(&all->at[i]))
                goss_model_values(m, k)[all->at[i].slot] =
                    (float)((log(all->at[i].strength) - middle(&all->at[i])) / half(&all->at[i]));
}

goss_status goss__reg_path_keep(const goss__regularizers *all, goss_model *m, goss_error *err) {
    for (int i = 0; i < all->n; i++) {
        char name[2 * GOSS__REGULARIZER_NAME], text[100], low[GOSS__NUMBER_TEXT], high[GOSS__NUMBER_TEXT];
        if (!acts(&all->at[i])) continue;
        goss__number_print(all->at[i].low, low), goss__number_print(all->at[i].high, high);
        snprintf(name, sizeof name, "%s.range", all->at[i].measure);
        snprintf(text, sizeof text, "%d %s %s", all->at[i].slot, low, high);
        GOSS_TRY(goss_model_note(m, name, text, err));
    }
    return GOSS_OK;
}
