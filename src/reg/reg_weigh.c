/* SPDX-License-Identifier: Apache-2.0 */
/* reg_weigh.c: one number out of several terms, with weights that are fixed, learned, or follow what the terms do.
 * State is parameters with assignments at the end of a step, as an optimiser's is (optimizer.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "reg/reg.h"

enum { TERMS = 64 };

/* One call. */
typedef struct weighing {
    goss_graph *g;
    const goss_reg_weigh_options *o;
    const goss_val *term;
    int n;
    goss_val terms; /* [n] */
    goss_reg_weighed *out;
} weighing;

goss_reg_weigh_options goss_reg_weigh_defaults(void) {
    return (goss_reg_weigh_options){
        .name = "weights", .rate = 0.025, .alpha = 1.5, .decay = 1e-3, .temperature = 1, .smoothing = 0.9};
}

/* Values of rank 0 as one [n]; invalid with an error recorded where one has another rank. */
static goss_val stack(goss_graph *g, const goss_val *v, int n, const char *what) {
    goss_val part[TERMS];
    for (int i = 0; i < n; i++) {
        if (!goss_valid(v[i])) {
            if (!v[i].graph) goss_graph_fail(g, GOSS_E_ARGUMENT, "%s %d is not a value", what, i + 1);
            return (goss_val){g, 0};
        }
        if (goss_rank(v[i]) != 0)
            return goss_graph_fail(g, GOSS_E_SHAPE, "%s %d has rank %d, not 0: sum it up first", what, i + 1,
                                   goss_rank(v[i]));
        part[i] = goss_unsqueeze(v[i], 0);
    }
    return goss_concat(part, n, 0);
}

static goss_val state(const weighing *w, const char *suffix, bool numbers) {
    char name[256];
    if (snprintf(name, sizeof name, "%s.%s", w->o->name, suffix) >= (int)sizeof name)
        return goss_graph_fail(w->g, GOSS_E_ARGUMENT, "the name %.40s... is too long", w->o->name);
    return goss_param(w->g, name, numbers ? GOSS_SHAPE(goss_n(w->n)) : (goss_shape){.rank = 0});
}
static void store(weighing *w, goss_val param, goss_val value) {
    const int i = w->out->n_updates++;
    w->out->state[i] = param, w->out->next[i] = goss_detach(value);
    w->out->updates[i] = goss_assign(param, w->out->next[i]);
}
static goss_val number(const weighing *w, double v) { return goss_const(w->g, v); }

/* sum_k weight_k term_k, the weights without a gradient. */
static void weighed_sum(weighing *w, goss_val weights) {
    w->out->weights = goss_detach(weights);
    w->out->total = goss_sum_all(goss_mul(w->out->weights, w->terms));
}

static void fixed(weighing *w) {
    goss_val ones = goss_full(w->g, GOSS_SHAPE(goss_n(w->n)), 1);
    weighed_sum(w, w->o->strength ? stack(w->g, w->o->strength, w->n, "strength") : ones);
}

static void uncertainty(weighing *w) {
    goss_val s = w->out->learned = state(w, "log_variance", true);
    goss_val weights = goss_scale(goss_exp(goss_neg(s)), 0.5);
    w->out->weights = goss_detach(weights);
    w->out->total = goss_sum_all(goss_add(goss_mul(weights, w->terms), goss_scale(s, 0.5)));
}

static void entropy(weighing *w) {
    if (!w->o->entropy) {
        w->out->total = goss_graph_fail(w->g, GOSS_E_ARGUMENT, "the entropies of the terms are needed");
        return;
    }
    goss_val h = goss_detach(stack(w->g, w->o->entropy, w->n, "entropy"));
    goss_val average = state(w, "entropy", true), steps = state(w, "steps", false), now = goss_shift(steps, 1);
    goss_val moved = goss_lerp(average, h, number(w, 1 - w->o->smoothing));
    store(w, average, moved), store(w, steps, now);
    goss_val seen =
        number(w, 1); /* of the average, 1 - smoothing^steps is entropies and the rest the 0 it began with */
    if (w->o->smoothing > 0) seen = goss_shift(goss_neg(goss_exp(goss_scale(now, log(w->o->smoothing)))), 1);
    goss_val share = goss_softmax(goss_scale(goss_div(moved, seen), 1 / w->o->temperature));
    weighed_sum(w, goss_scale(share, w->n));
}

/* ||gradient of term k by the shared values||, [n]. */
static goss_val gradient_norms(const weighing *w) {
    goss_val norm[TERMS];
    for (int k = 0; k < w->n; k++) {
        goss_val grad[TERMS], sum = number(w, 0);
        if (goss_grad(w->term[k], w->o->shared, w->o->n_shared, grad) != GOSS_OK) return (goss_val){w->g, 0};
        for (int i = 0; i < w->o->n_shared; i++) sum = goss_add(sum, goss_norm2(grad[i]));
        norm[k] = goss__reg_root(sum, 0);
    }
    return goss_detach(stack(w->g, norm, w->n, "gradient norm"));
}

/* Weights are kept less 1, so that zeroed state is the start. The loss of the weights, sum |w_k G_k - target_k| with
 * the target held, has the gradient sign(w_k G_k - target_k) G_k: no second derivative of the network is needed. */
static void grad_norm(weighing *w) {
    if (!w->o->shared || w->o->n_shared < 1 || w->o->n_shared > TERMS) {
        w->out->total = goss_graph_fail(w->g, GOSS_E_ARGUMENT,
                                        "the 1 to %d shared values are needed that gradients are taken by", TERMS);
        return;
    }
    goss_val kept = state(w, "weights", true), first = state(w, "first", true), steps = state(w, "steps", false);
    goss_val begun = goss_less(number(w, 0), steps), terms = goss_detach(w->terms), tiny = number(w, 1e-12);
    goss_val from = goss_select(begun, first, terms), now = goss_shift(kept, 1), norms = gradient_norms(w);
    goss_val progress = goss_max(goss_div(terms, goss_max(from, tiny)), tiny);
    goss_val relative = goss_div(progress, goss_mean(progress, GOSS_AXIS(0), true));
    goss_val pull = goss_exp(goss_scale(goss_log(relative), w->o->alpha)), size = goss_mul(now, norms);
    goss_val target = goss_mul(goss_mean(size, GOSS_AXIS(0), true), pull);
    goss_val moved = goss_sub(now, goss_scale(goss_mul(goss_sign(goss_sub(size, target)), norms), w->o->rate));
    moved = goss_max(moved, number(w, 1e-3));
    goss_val share = goss_scale(goss_div(moved, goss_sum(moved, GOSS_AXIS(0), true)), w->n);
    store(w, kept, goss_shift(share, -1)), store(w, first, from), store(w, steps, goss_shift(steps, 1));
    weighed_sum(w, now);
}

/* z = softmax(xi). total = sum_k (c z_k / L_k) L_k with c = 1 / sum z / L: the gradient is that of c sum z log L. At
 * the next step xi moves by J' (log L before - log L now), J the softmax's Jacobian: tasks that fell least gain. */
static void famo(weighing *w) {
    goss_val xi = state(w, "logits", true), last = state(w, "last", true), steps = state(w, "steps", false);
    goss_val begun = goss_less(number(w, 0), steps), tiny = number(w, 1e-8);
    goss_val log_l = goss_log(goss_max(goss_detach(w->terms), tiny)), z = goss_softmax(xi);
    goss_val fall = goss_sub(last, log_l), mean = goss_sum(goss_mul(z, fall), GOSS_AXIS(0), true);
    goss_val direction = goss_add(goss_mul(z, goss_sub(fall, mean)), goss_scale(xi, w->o->decay));
    goss_val moved = goss_select(begun, goss_sub(xi, goss_scale(direction, w->o->rate)), xi);
    store(w, xi, moved), store(w, last, log_l), store(w, steps, goss_shift(steps, 1));
    goss_val share = goss_div(goss_softmax(moved), goss_max(goss_detach(w->terms), tiny));
    weighed_sum(w, goss_div(share, goss_sum(share, GOSS_AXIS(0), true)));
}

static const struct {
    const char *name;
    void (*build)(weighing *w);
} schemes[] = {
    {"fixed", fixed}, {"uncertainty", uncertainty}, {"entropy", entropy}, {"grad_norm", grad_norm}, {"famo", famo}};
enum { SCHEMES = sizeof schemes / sizeof *schemes };

static bool in_range(goss_graph *g, const goss_reg_weigh_options *o) {
    const char *what = !(o->rate > 0 && o->rate < INFINITY)                 ? "rate must be above 0"
                       : !(o->alpha >= 0 && o->alpha <= 3)                  ? "alpha must be 0 to 3"
                       : !(o->decay >= 0 && o->decay < INFINITY)            ? "decay must be at least 0"
                       : !(o->temperature > 0 && o->temperature < INFINITY) ? "temperature must be above 0"
                       : !(o->smoothing >= 0 && o->smoothing < 1)           ? "smoothing must be 0 to below 1"
                       : !o->name || !*o->name                              ? "a name is needed for its state"
                                                                            : NULL;
    if (what) goss_graph_fail(g, GOSS_E_ARGUMENT, "%s", what);
    return !what;
}

static goss_graph *graph_of(const goss_val *terms, int n) {
    for (int i = 0; i < n; i++)
        if (terms[i].graph) return terms[i].graph;
    return NULL;
}

static void no_scheme(goss_graph *g, const char *scheme) {
    const char *names[SCHEMES];
    for (int i = 0; i < SCHEMES; i++) names[i] = schemes[i].name;
    goss__str text = {0};
    goss__near_names(&text, scheme, names, SCHEMES);
    goss_graph_fail(g, GOSS_E_ARGUMENT, "there is no weighting \"%.60s\"%s", scheme, text.data ? text.data : "");
    goss__str_free(&text);
}

goss_reg_weighed goss_reg_weigh(const char *scheme, const goss_val *terms, int n, const goss_reg_weigh_options *o) {
    const goss_reg_weigh_options defaults = goss_reg_weigh_defaults();
    goss_graph *g = graph_of(terms, n);
    goss_reg_weighed out = {.total = {g, 0}, .weights = {g, 0}, .learned = GOSS_NONE};
    weighing w = {.g = g, .o = o ? o : &defaults, .term = terms, .n = n, .out = &out};
    int at = 0;
    while (at < SCHEMES && strcmp(schemes[at].name, scheme) != 0) at++;
    if (!g) return out;
    if (at == SCHEMES) {
        no_scheme(g, scheme);
        return out;
    }
    goss_scope_push(g, scheme);
    if (n < 1 || n > TERMS)
        goss_graph_fail(g, GOSS_E_ARGUMENT, "%d terms; 1 to %d are weighed", n, TERMS);
    else if (in_range(g, w.o) && goss_valid(w.terms = stack(g, terms, n, "term")))
        schemes[at].build(&w);
    goss_scope_pop(g);
    return out;
}
