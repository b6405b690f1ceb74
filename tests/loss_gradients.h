/* SPDX-License-Identifier: Apache-2.0 */
/* loss_gradients.h: what a step moves parameters by, for tests that look at a loss without a step. */
#ifndef GOSS_LOSS_GRADIENTS_H
#define GOSS_LOSS_GRADIENTS_H

#include "gossamer/step.h"

/* Gradients of the loss, or start minus the mean of the ends: grad[l->n_params]. */
static inline void loss_gradients(const goss_step_loss *l, goss_val *grad) {
    for (int i = 0; i < l->n_params; i++) {
        const goss_step_param *p = &l->param[i];
        if (!goss_valid(p->end)) {
            if (goss_valid(l->loss)) (void)goss_grad(l->loss, &p->param, 1, &grad[i]);
            continue;
        }
        goss_val mean = goss_mean(p->end, GOSS_AXIS(0), false);
        grad[i] = goss_sub(p->param, goss_reshape(mean, goss_shape_of(p->param)));
    }
}
#endif
