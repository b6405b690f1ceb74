/* SPDX-License-Identifier: Apache-2.0 */
/* hyper_apply.c: a target with generated weights, FiLM and head applied to inputs. */
#include "hyper/hyper.h"

/* x [T,N,...] -> [T N, 1, ...]: every sample becomes a task. */
static goss_val samples_as_tasks(goss_val x) {
    if (!goss_valid(x)) return x;
    goss_shape s = goss_shape_of(x);
    s.dim[0] = goss_extent_mul(s.dim[0], s.dim[1]);
    s.dim[1] = goss_n(1);
    return goss_reshape(x, s);
}

static goss_val tasks_as_samples(goss_val y, goss_val x) {
    if (!goss_valid(y) || !goss_valid(x)) return y;
    goss_shape s = goss_shape_of(y);
    s.dim[0] = goss_dim(x, 0), s.dim[1] = goss_dim(x, 1);
    return goss_reshape(y, s);
}

goss_target_output goss_hyper_apply(const goss_hyper *h, const goss_generated *w, goss_val x,
                                    const goss_target_context *context) {
    goss_target_context c = context ? *context : goss_target_context_defaults();
    goss_instance_context(&w->net, &c);
    bool folded = (h->options.conditioner & GOSS_CONDITION_INPUT) != 0;
    if (folded) c.lengths = samples_as_tasks(c.lengths);
    goss_target_output y = goss_target_apply(h->target, folded ? samples_as_tasks(x) : x, w->net.weights, &c);
    if (folded) {
        y.features = tasks_as_samples(y.features, x);
        y.logits = goss_valid(y.logits) ? tasks_as_samples(y.logits, x) : y.logits;
    }
    if (goss_valid(w->net.head_w)) y.logits = goss_linear(goss_flatten(y.features), w->net.head_w, w->net.head_b);
    return y;
}
