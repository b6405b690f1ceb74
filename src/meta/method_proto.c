/* SPDX-License-Identifier: Apache-2.0 */
/* method_proto.c: nearest class mean in a learned embedding (Snell et al. 2017), nearest neighbour on pixels, and the
 * closed-form ridge head (Bertinetto et al. 2019, R2D2). None of them moves the embedding at test time. */
#include "meta/method.h"

/* ---- protonet ---- */

static goss_status setup_protonet(goss_method *m, goss_error *err) {
    return goss__method_setup(m, (const char *const[]){"temperature", NULL}, 1, true, err);
}

static void solve_protonet(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    goss_val t = goss_exp(goss__method_number(m, s->graph, "temperature"));
    goss__proto_head(goss__embed_support(m, s, b), b, goss_scale(t, m->options.temperature), s);
    if (fine_tune > 0)
        goss__inner_run(m, b, &(goss__inner){.steps = fine_tune, .rate = goss__method_rate(m), .first_order = true}, s);
}

const goss__method_kind goss__method_protonet = {
    .name = "protonet", .trains = true, .rate = 0.01, .setup = setup_protonet, .solve = solve_protonet};

/* ---- pixels ---- */

static goss_val logits_pixels(const goss_method *m, const goss_task_batch *b) {
    goss_val d = goss_pairwise_distance(goss_flatten(b->query), goss_flatten(b->support));
    goss_val of_class = goss_unsqueeze(b->assign, 1), near = goss_unsqueeze(goss_neg(d), 2); /* [T,1,W,S] [T,Q,1,S] */
    goss_val y = goss_select(of_class, near, goss_const(b->query.graph, GOSS__MASKED_LOGIT));
    return goss__mask_classes(goss_reduce_max(y, GOSS_AXIS(3), false), b);
}

const goss__method_kind goss__method_pixels = {.name = "pixels", .logits = logits_pixels};

/* ---- ridge ---- */

/* One-hot targets lie in [0, 1]; logits want to be some ten times as large. */
static const double ridge_scale = 10;

static goss_status setup_ridge(goss_method *m, goss_error *err) {
    return goss__method_setup(m, (const char *const[]){"lambda", "scale", NULL}, 1, true, err);
}

static goss_val add_to_diagonal(goss_val a, goss_val lambda, goss_extent n) {
    goss_val eye = goss_unsqueeze(goss_one_hot(goss_iota(a.graph, n), n), 0);
    return goss_add(a, goss_mul(eye, goss_unsqueeze(lambda, 2)));
}

/* w [T,F,W] with (X'X + lambda) w = X'Y, or by Woodbury w = X'(XX' + lambda)^-1 Y, whichever system is surely small.
 * Samples that are padding are rows of zeros in both. */
static goss_val ridge_weights(goss_val x, goss_val y, goss_val lambda, const goss_task_batch *b, int features) {
    if (features <= 256) {
        goss_val a = add_to_diagonal(goss_matmul(x, x, true, false), lambda, goss_n(features));
        return goss_spd_solve(a, goss_matmul(x, y, true, false));
    }
    goss_val a = add_to_diagonal(goss_matmul(x, x, false, true), lambda, b->S);
    return goss_matmul(x, goss_spd_solve(a, y), true, false);
}

/* Logits are scale * (f w). (R2D2's one bias for all classes changes no probability and is left out.) */
static void solve_ridge(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    goss_val lambda = goss_scale(goss_exp(goss__method_number(m, s->graph, "lambda")), m->options.ridge);
    goss_val scale = goss_exp(goss__method_number(m, s->graph, "scale"));
    goss_val x = goss_mul(goss__embed_support(m, s, b), goss_unsqueeze(goss__support_weight(b), 2));
    goss_val w = ridge_weights(x, b->support_target, lambda, b, m->features);
    s->head_w = goss_mul(w, goss_unsqueeze(goss_scale(scale, ridge_scale), 2));
    s->head_b = goss_full(s->graph, GOSS_SHAPE(goss_n(1), b->W), 0);
    if (fine_tune > 0)
        goss__inner_run(m, b, &(goss__inner){.steps = fine_tune, .rate = goss__method_rate(m), .first_order = true}, s);
}

const goss__method_kind goss__method_ridge = {
    .name = "ridge", .trains = true, .rate = 0.01, .setup = setup_ridge, .solve = solve_ridge};
