/* SPDX-License-Identifier: Apache-2.0 */
/* target_states.c: networks that read a sequence in pieces: what each layer keeps from one to the next, and which
 * layers cannot; and networks whose steps see no later ones. */
#include "nn/target.h"

goss_status goss__target_number_states(goss_target *t, goss_error *err) {
    for (int i = 0; i < t->n_layers; i++) {
        goss__layer *l = &t->layers[i];
        int64_t width[4];
        const int n = l->kind->states ? l->kind->states(l, width) : 0;
        l->first_state = t->n_states;
        if (t->n_states + n > GOSS_TARGET_MAX_STATES)
            return goss_error_set(err, GOSS_E_ARGUMENT, "network: its layers have more than %d states",
                                  GOSS_TARGET_MAX_STATES);
        for (int k = 0; k < n; k++) t->state_width[t->n_states++] = width[k];
    }
    return GOSS_OK;
}

goss_status goss_target_continues(const goss_target *t, goss_error *err) {
    if (t->input.rank != 2)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "it does not read sequences, so that there are no pieces of one");
    for (int i = 0; i < t->n_layers; i++) {
        const goss__layer *l = &t->layers[i];
        const char *why = l->in_flow.rank == 2 && l->kind->whole ? l->kind->whole(l) : NULL;
        if (why)
            return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s must see the whole sequence: %s",
                                  l->name[0] ? l->name : l->kind->word, why);
    }
    return GOSS_OK;
}

goss_status goss_target_causal(const goss_target *t, goss_error *err) {
    for (int i = 0; i < t->n_layers; i++) {
        const goss__layer *l = &t->layers[i];
        const char *why = l->in_flow.rank == 2 && l->kind->whole ? l->kind->whole(l) : NULL;
        if (why && !(l->kind->causal && l->kind->causal(l)))
            return goss_error_set(err, GOSS_E_UNSUPPORTED, "%s shows later steps to earlier ones: %s",
                                  l->name[0] ? l->name : l->kind->word, why);
    }
    return GOSS_OK;
}

int goss_target_states(const goss_target *t) { return t->n_states; }
int64_t goss_target_state_width(const goss_target *t, int i) { return t->state_width[i]; }
