/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer_hyper.c: quantities that are learned on validation rows by the one-step hypergradient (Luketina et al.
 * 2016), and the networks of norm_hyper.
 *
 * A step takes theta to theta - eta (grad L + lambda grad P). The loss V of held rows there changes by lambda as -eta
 * <grad V, grad P>: a strength grows where a step down its penalty is one down V. grad V is taken at theta itself and
 * not where the step ends, which differs by the order of eta: all is one program. With solver = cg or neumann what
 * counts is not one step but where training ends: grad V becomes H^-1 grad V (regularizer_implicit.c). A network phi
 * in P learns likewise, by the derivative of <grad V, grad P> by phi; by min-max it takes the penalty up instead, at
 * the cost of the squares of its last layer, without which it would make it infinite. Gradients that are no descent
 * of the loss are given to the step as <phi, gradient> - its value. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "meta/method.h"
#include "train/regularizers.h"
#include "train/step.h"

static const double TINY = 1e-20;

/* ---- the loss of held rows ---- */

/* Mask of held rows, [T, Q]. */
static goss_val held_weight(const goss__regularizers *all, goss_graph *g) {
    const goss_task_batch *b = all->batch;
    const int64_t ids = all->data->source.spec.ids;
    if (!goss_valid(b->id)) return goss_graph_fail(g, GOSS_E_ARGUMENT, "the tasks of this step have no numbers");
    goss_val first = goss_sum(goss_one_hot(goss_iota(g, b->Q), goss_n(all->held_rows)), GOSS_AXIS(1), false);
    goss_val has = goss_gather(goss_param(g, GOSS__REGULARIZERS_HELD, GOSS_SHAPE(goss_n(ids))), b->id);
    return goss_mul(goss_unsqueeze(has, 1), goss_unsqueeze(first, 0));
}

static goss_val held_loss(const goss__regularizers *all, goss_graph *g) {
    const goss_task_batch *b = all->batch;
    goss__labels of = goss__labels_of(b, true);
    of.weight = held_weight(all, g);
    return goss_reduce_loss(goss__sample_loss(all->method, b, goss_published_get(g, "logits"), of, 0), of.weight);
}

/* ---- gradients by the method's parameters ---- */

typedef struct gradient {
    goss_val of[GOSS_STEP_PARAMS];
    int n;
} gradient;

static gradient gradient_of(goss_graph *g, goss_val y, const goss_step_loss *loss, int n_params) {
    goss_val by[GOSS_STEP_PARAMS];
    gradient out = {0};
    for (int i = 0; i < n_params; i++)
        if (!goss_valid(loss->param[i].end)) by[out.n++] = goss__step_wrt(&loss->param[i]);
    if (out.n == 0)
        goss_graph_fail(g, GOSS_E_ARGUMENT, "the method has no gradients (reptile) that a hypergradient could follow");
    else if (goss_grad(y, by, out.n, out.of) != GOSS_OK)
        out.n = 0;
    return out;
}

static goss_val inner(goss_graph *g, const gradient *a, const gradient *b) {
    goss_val sum = goss_const(g, 0);
    for (int i = 0; i < a->n && i < b->n; i++) sum = goss_add(sum, goss_sum_all(goss_mul(a->of[i], b->of[i])));
    return sum;
}

/* ---- strengths ---- */

static goss_val clipped(goss_val s) {
    const goss_val most = goss_const(s.graph, log(GOSS__REG_FACTOR));
    return goss_max(goss_min(s, most), goss_neg(most));
}

/* The loss and all penalties at the strengths of this step; of other schemes, which come later, without a factor. */
static goss_val minimised(goss_graph *g, const goss__reg_term *t, int n, const goss_step_loss *loss) {
    goss_val sum = goss_mean_all(loss->loss);
    for (int i = 0; i < n; i++) {
        const goss_val p = goss_scale(t[i].penalty, t[i].r->strength);
        sum = goss_add(sum, goss_valid(t[i].factor) ? goss_mul(p, t[i].factor) : p);
    }
    (void)g;
    return sum;
}

/* H^-1 grad V, where the sections ask for it. */
static gradient inverted(goss_graph *g, const goss__reg_term *t, int n, const goss_step_loss *loss, int n_params,
                         const gradient *down) {
    const goss__regularizer *r = NULL;
    for (int i = 0; i < n; i++)
        if (t[i].r->scheme == GOSS__WEIGHT_HYPERGRADIENT) r = t[i].r;
    if (!r || r->solver == GOSS__SOLVE_ONE_STEP) return *down;
    goss_val param[GOSS_STEP_PARAMS];
    int count = 0;
    for (int i = 0; i < n_params; i++)
        if (!goss_valid(loss->param[i].end)) param[count++] = goss__step_wrt(&loss->param[i]);
    const gradient own = gradient_of(g, minimised(g, t, n, loss), loss, n_params);
    const goss__inverse h = {.solver = r->solver,
                             .gradient = own.of,
                             .param = param,
                             .n = own.n,
                             .products = r->products,
                             .damping = r->damping,
                             .size = r->size};
    gradient out = {.n = own.n};
    if (!goss__inverse_apply(g, &h, down->of, out.of)) out.n = 0;
    return out;
}

/* log factor += rate cos(grad V, grad P) */
static void move_strengths(goss_graph *g, goss__reg_term *t, int n, goss_step_loss *loss, int n_params,
                           const gradient *down) {
    goss_val next[GOSS__REGULARIZERS_MOST];
    int count = 0, at = 0;
    for (int i = 0; i < n; i++) count += t[i].r->scheme == GOSS__WEIGHT_HYPERGRADIENT;
    if (count == 0) return;
    const goss_val state = goss_param(g, GOSS__REGULARIZERS ".hypergradient", GOSS_SHAPE(goss_n(count)));
    for (int i = 0, k = 0; i < n; i++)
        if (t[i].r->scheme == GOSS__WEIGHT_HYPERGRADIENT)
            t[i].factor = goss_detach(goss_exp(goss_squeeze(goss_slice(state, 0, k++, 1), 0)));
    const gradient inverse = inverted(g, t, n, loss, n_params, down);
    down = &inverse;
    for (int i = 0; i < n; i++) {
        if (t[i].r->scheme != GOSS__WEIGHT_HYPERGRADIENT) continue;
        const gradient p = gradient_of(g, t[i].penalty, loss, n_params);
        const goss_val size = goss_mul(inner(g, down, down), inner(g, &p, &p));
        const goss_val cosine = goss_div(inner(g, down, &p), goss_sqrt(goss_shift(size, TINY)));
        const goss_val own = goss_squeeze(goss_slice(state, 0, at, 1), 0);
        next[at++] = goss_unsqueeze(clipped(goss_add(own, goss_scale(goss_detach(cosine), t[i].r->rate))), 0);
    }
    if (loss->n_states == GOSS_STEP_STATES)
        goss_graph_fail(g, GOSS_E_ARGUMENT, "regularisers: more than %d states", GOSS_STEP_STATES);
    else
        loss->state[loss->n_states++] =
            (goss_step_state){GOSS__REGULARIZERS ".hypergradient", state, goss_concat(next, count, 0)};
}

/* ---- networks of norms ---- */

static const char *const tensors[4] = {"a", "a.bias", "b", "b.bias"};

static void name_of(const goss__regularizer *r, int value, int tensor, char out[GOSS__REGULARIZER_NAME]) {
    snprintf(out, GOSS__REGULARIZER_NAME, "%s.%d.%s", r->name, value, tensors[tensor]);
}

goss_status goss__reg_network_plan(const goss__regularizer *r, int value, int64_t width, goss_layout *l,
                                   goss_error *err) {
    char name[GOSS__REGULARIZER_NAME];
    for (int i = 0; i < 4; i++) {
        const int64_t in = i < 2 ? width : r->hidden, out = i < 2 ? r->hidden : width;
        goss_entry e = {.name = name,
                        .rank = i % 2 ? 1 : 2,
                        .dim = {i % 2 ? out : in, out},
                        .init = i == 0 ? GOSS_INIT_LECUN : GOSS_INIT_ZEROS,
                        .fan_in = in,
                        .fan_out = out,
                        .role = GOSS_ROLE_BIAS,
                        .layer = -1,
                        .out_units = -1,
                        .in_units = -1};
        name_of(r, value, i, name);
        if (goss_layout_find(l, name) < 0) GOSS_TRY(goss_layout_add(l, &e, err));
    }
    return GOSS_OK;
}

void goss__reg_network(const goss__regularizer *r, int value, const goss_weights *w, bool live, goss_val out[4]) {
    for (int i = 0; i < 4; i++) {
        char name[GOSS__REGULARIZER_NAME];
        name_of(r, value, i, name);
        out[i] = goss_squeeze(goss_weights_get(w, name), 0);
        if (!live) out[i] = goss_detach(out[i]);
    }
}

/* Squares of the last layers of a section's networks. */
static goss_val squares_of(goss_graph *g, const goss__reg_term *t, const goss_weights *w) {
    goss_val sum = goss_const(g, 0);
    for (int i = 0; i < t->n_values; i++) {
        goss_val net[4];
        goss__reg_network(t->r, i, w, true, net);
        sum = goss_add(sum, goss_add(goss_norm2(net[2]), goss_norm2(net[3])));
    }
    return sum;
}

/* What a section's networks go down by: minus the penalty, or V one step on. */
static goss_val downhill(goss_graph *g, const goss__reg_term *t, const goss_weights *w, const goss_step_loss *loss,
                         int n_params, const gradient *down) {
    if (t->r->fit == GOSS__FIT_MINMAX) {
        const goss_val cost = goss_scale(squares_of(g, t, w), 0.5 * t->r->cost);
        return goss_sub(cost, t->fitted);
    }
    const gradient p = gradient_of(g, t->fitted, loss, n_params);
    return goss_neg(goss_div(inner(g, down, &p), goss_sqrt(goss_shift(inner(g, down, down), TINY))));
}

static goss_val train_networks(goss_graph *g, goss__reg_term *t, int n, const goss_weights *w,
                               const goss_step_loss *loss, int n_params, const gradient *down) {
    goss_val sum = GOSS_NONE, slab = w ? goss_weights_slab(w) : GOSS_NONE;
    for (int i = 0; i < n; i++) {
        goss_val grad;
        if (!goss_valid(t[i].fitted)) continue;
        const goss_val y = downhill(g, &t[i], w, loss, n_params, down);
        if (goss_grad(y, &slab, 1, &grad) != GOSS_OK) continue;
        /* Norm at most 1: the step clips all gradients by their global norm. */
        grad = goss_div(grad, goss_max(goss_sqrt(goss_norm2(grad)), goss_const(g, 1)));
        const goss_val along = goss_sum_all(goss_mul(slab, goss_detach(grad)));
        const goss_val of_value_0 = goss_sub(along, goss_detach(along));
        sum = goss_valid(sum) ? goss_add(sum, of_value_0) : of_value_0;
    }
    return sum;
}

/* ---- all ---- */

bool goss__reg_learns_on_held(const goss__regularizer *r) {
    return r->strength > 0 && (r->scheme == GOSS__WEIGHT_HYPERGRADIENT || r->fit == GOSS__FIT_VALIDATION);
}

goss_val goss__reg_hypergradients(goss__regularizers *all, goss_graph *g, goss__reg_term *t, int n,
                                  const goss_weights *w, goss_step_loss *loss, int n_params) {
    gradient down = {0};
    bool held = false;
    for (int i = 0; i < n; i++) held |= goss__reg_learns_on_held(t[i].r);
    if (held) {
        down = gradient_of(g, held_loss(all, g), loss, n_params);
        for (int i = 0; i < down.n; i++) down.of[i] = goss_detach(down.of[i]);
    }
    goss__reg_path_factors(g, t, n);
    move_strengths(g, t, n, loss, n_params, &down);
    return train_networks(g, t, n, w, loss, n_params, &down);
}
