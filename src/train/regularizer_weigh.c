/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer_weigh.c: weighting of a run's penalties against its loss and each other.
 *
 * The loss keeps weight 1, so that the learning rate keeps its meaning; a section's penalty is multiplied by its
 * strength and by a factor without a gradient. With entropy that is its share among the sections of that scheme.
 * With uncertainty, grad_norm and famo the loss is a term beside the penalties, and a factor is the ratio of a
 * term's weight to the loss's, at most GOSS__REG_FACTOR: otherwise the weight of a vanishing penalty would be
 * unbounded. */
#include <stdio.h>
#include <string.h>

#include "train/regularizers.h"
#include "train/step.h"

#define PREFIX GOSS__REGULARIZERS "."

/* The terms of one scheme. */
typedef struct group {
    goss_graph *g;
    goss__reg_term *term[GOSS__REGULARIZERS_MOST];
    int n;
} group;

static group group_of(goss_graph *g, goss__reg_term *t, int n, goss__reg_scheme scheme) {
    group out = {.g = g};
    for (int i = 0; i < n; i++)
        if (t[i].r->scheme == scheme) out.term[out.n++] = &t[i];
    return out;
}

static goss_reg_weigh_options options_of(const group *q, const char *name) {
    const goss__regularizer *r = q->term[0]->r;
    goss_reg_weigh_options o = goss_reg_weigh_defaults();
    o.name = name, o.rate = r->rate, o.alpha = r->alpha, o.decay = r->decay;
    o.temperature = r->temperature, o.smoothing = r->smoothing;
    return o;
}

static void keep_states(const group *q, const goss_reg_weighed *w, const char *const *names, goss_step_loss *loss) {
    for (int i = 0; i < w->n_updates; i++) {
        if (loss->n_states == GOSS_STEP_STATES) {
            goss_graph_fail(q->g, GOSS_E_ARGUMENT, "regularisers: more than %d states", GOSS_STEP_STATES);
            return;
        }
        loss->state[loss->n_states++] = (goss_step_state){names[i], w->state[i], w->next[i]};
    }
}

static goss_val number_at(goss_val v, int i) { return goss_squeeze(goss_slice(v, 0, i, 1), 0); }

/* ---- entropy ---- */

static void by_entropy(const group *q, goss_step_loss *loss) {
    static const char *const states[] = {PREFIX "entropy.entropy", PREFIX "entropy.steps"};
    goss_val penalty[GOSS__REGULARIZERS_MOST], entropy[GOSS__REGULARIZERS_MOST];
    for (int i = 0; i < q->n; i++) penalty[i] = q->term[i]->penalty, entropy[i] = q->term[i]->entropy;
    goss_reg_weigh_options o = options_of(q, PREFIX "entropy");
    o.entropy = entropy;
    const goss_reg_weighed w = goss_reg_weigh("entropy", penalty, q->n, &o);
    for (int i = 0; i < q->n; i++) q->term[i]->factor = number_at(w.weights, i);
    keep_states(q, &w, states, loss);
}

/* ---- beside the loss ---- */

static void set_factors(const group *q, goss_val weights) {
    const goss_val own = number_at(weights, 0), most = goss_const(q->g, GOSS__REG_FACTOR);
    for (int i = 0; i < q->n; i++) {
        const goss_val by = goss_div(number_at(weights, i + 1), goss_max(own, goss_const(q->g, 1e-12)));
        q->term[i]->factor = goss_detach(goss_min(by, most));
    }
}

/* The loss, then the penalties. */
static goss_reg_weighed weigh(const group *q, const char *scheme, const goss_reg_weigh_options *o,
                              const goss_step_loss *loss, bool detached) {
    goss_val term[GOSS__REGULARIZERS_MOST + 1];
    term[0] = loss->loss;
    for (int i = 0; i < q->n; i++) term[i + 1] = q->term[i]->penalty;
    for (int i = 0; i <= q->n && detached; i++) term[i] = goss_detach(term[i]);
    return goss_reg_weigh(scheme, term, q->n + 1, o);
}

/* The log variances are trained by a separate term whose value is subtracted again. */
static goss_val by_uncertainty(goss__regularizers *all, const group *q, goss_step_loss *loss) {
    const goss_reg_weigh_options o = options_of(q, PREFIX "uncertainty");
    const goss_reg_weighed w = weigh(q, "uncertainty", &o, loss, true);
    goss_error err = {0};
    const goss_entry e = {.name = "terms",
                          .rank = 1,
                          .dim = {q->n + 1},
                          .role = GOSS_ROLE_BIAS,
                          .init = GOSS_INIT_ZEROS,
                          .layer = -1,
                          .out_units = -1,
                          .in_units = -1};
    goss_status s = all->variances ? GOSS_OK : goss_layout_new(&all->variances, &err);
    if (s == GOSS_OK && goss_layout_count(all->variances) == 0) s = goss_layout_add(all->variances, &e, &err);
    if (s == GOSS_OK && loss->n_params == GOSS_STEP_PARAMS)
        s = goss_error_set(&err, GOSS_E_ARGUMENT, "the step has %d parameters already", GOSS_STEP_PARAMS);
    if (s != GOSS_OK) return goss_graph_fail(q->g, s, "regularisers: %s", err.text);
    loss->param[loss->n_params++] = (goss_step_param){
        .name = PREFIX "uncertainty.log_variance", .layout = all->variances, .param = w.learned, .end = GOSS_NONE};
    set_factors(q, w.weights);
    return goss_sub(w.total, goss_detach(w.total));
}

/* By the parameters of the method. */
static void by_grad_norm(const group *q, goss_step_loss *loss, int n_params) {
    static const char *const states[] = {PREFIX "grad_norm.weights", PREFIX "grad_norm.first",
                                         PREFIX "grad_norm.steps"};
    goss_val shared[GOSS_STEP_PARAMS];
    goss_reg_weigh_options o = options_of(q, PREFIX "grad_norm");
    for (int i = 0; i < n_params; i++) shared[i] = goss__step_wrt(&loss->param[i]);
    o.shared = shared, o.n_shared = n_params;
    const goss_reg_weighed w = weigh(q, "grad_norm", &o, loss, false);
    set_factors(q, w.weights);
    keep_states(q, &w, states, loss);
}

static void by_famo(const group *q, goss_step_loss *loss) {
    static const char *const states[] = {PREFIX "famo.logits", PREFIX "famo.last", PREFIX "famo.steps"};
    const goss_reg_weigh_options o = options_of(q, PREFIX "famo");
    const goss_reg_weighed w = weigh(q, "famo", &o, loss, false);
    set_factors(q, w.weights);
    keep_states(q, &w, states, loss);
}

goss_val goss__reg_factors(goss__regularizers *all, goss_graph *g, goss__reg_term *t, int n, goss_step_loss *loss,
                           int n_params) {
    group q = group_of(g, t, n, GOSS__WEIGHT_ENTROPY);
    goss_val learning = GOSS_NONE;
    if (q.n) by_entropy(&q, loss);
    if ((q = group_of(g, t, n, GOSS__WEIGHT_GRAD_NORM)).n) by_grad_norm(&q, loss, n_params);
    if ((q = group_of(g, t, n, GOSS__WEIGHT_FAMO)).n) by_famo(&q, loss);
    if ((q = group_of(g, t, n, GOSS__WEIGHT_UNCERTAINTY)).n) learning = by_uncertainty(all, &q, loss);
    return learning;
}
