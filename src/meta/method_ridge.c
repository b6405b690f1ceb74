/* SPDX-License-Identifier: Apache-2.0 */
/* method_ridge.c: closed-form heads on a learned embedding, differentiated through (Bertinetto et al. 2019, R2D2).
 *
 * With classes: one-hot targets, one strength. Where outputs mean the same in all tasks the head is drawn towards the
 * target's own (learned, or generated for the task), every feature by a strength of its own that is learned, too: the
 * mean of a Gaussian prior over the tasks' heads, and its spread (Evgeniou and Pontil 2004). */
#include <math.h>

#include "meta/method.h"

/* One-hot targets lie in [0, 1]; useful logits are about ten times as large. */
static const double ridge_scale = 10;

/* See goss__ridge_head. */
static const char *const ridge_names[] = {"spread", NULL};

static goss_status setup_ridge(goss_method *m, goss_error *err) {
    if (m->fixed) return goss__method_setup(m, ridge_names, m->features + 1, true, err);
    return goss__method_setup(m, (const char *const[]){"lambda", "scale", NULL}, 1, true, err);
}

static goss_val add_to_diagonal(goss_val a, goss_val lambda, goss_extent n) {
    goss_val eye = goss_unsqueeze(goss_one_hot(goss_iota(a.graph, n), n), 0);
    return goss_add(a, goss_mul(eye, goss_unsqueeze(lambda, 2)));
}

/* w [T,F,W] with (X'X + lambda) w = X'Y, or by Woodbury w = X'(XX' + lambda)^-1 Y, whichever system is smaller.
 * Padding samples are rows of zeros in both. */
static goss_val ridge_weights(goss_val x, goss_val y, goss_val lambda, const goss_task_batch *b, int features) {
    if (features <= 256) {
        goss_val a = add_to_diagonal(goss_matmul(x, x, true, false), lambda, goss_n(features));
        return goss_spd_solve(a, goss_matmul(x, y, true, false));
    }
    goss_val a = add_to_diagonal(goss_matmul(x, x, false, true), lambda, b->S);
    return goss_matmul(x, goss_spd_solve(a, y), true, false);
}

/* Logits are scale * (f w). (R2D2's one bias for all classes changes no probability and is left out.) */
static void solve_classes(const goss_method *m, const goss_task_batch *b, goss__solution *s) {
    goss_val lambda = goss_scale(goss_exp(goss__method_number(m, s->graph, "lambda")), m->options.ridge);
    goss_val scale = goss_exp(goss__method_number(m, s->graph, "scale"));
    goss_val x = goss_mul(goss__embed_support(m, s, b), goss_unsqueeze(goss__support_weight(b), 2));
    goss_val w = ridge_weights(x, b->support_target, lambda, b, m->features);
    s->net.head_w = goss_mul(w, goss_unsqueeze(goss_scale(scale, ridge_scale), 2));
    s->net.head_b = goss_full(s->graph, GOSS_SHAPE(goss_n(1), b->W), 0);
}

/* ---- fixed outputs ---- */

/* Prior deviation of the head's weights, feature by feature, and of its bias: [1,1,F+1]. Initially an embedding of
 * unit entries shifts an output by about 1 / sqrt(ridge), as does the bias. */
static goss_val prior_deviation(const goss_method *m, goss_graph *g) {
    double bias = 1 / sqrt(m->options.ridge);
    goss_val s = goss_exp(goss_unsqueeze(goss__method_number(m, g, "spread"), 1));
    goss_val w = goss_scale(goss_slice(s, 2, 0, m->features), bias / sqrt(m->features));
    return goss_concat((goss_val[]){w, goss_scale(goss_slice(s, 2, m->features, 1), bias)}, 2, 2);
}

/* Splits a head's columns into those that have targets and those behind them (log variances, distances of quantiles),
 * which are left unchanged. */
static goss_val with_moved(goss_val head, goss_val move, int axis) {
    const int64_t all = goss_dim(head, axis).count, known = goss_dim(move, axis).count;
    goss_val moved = goss_add(goss_slice(head, axis, 0, known), move);
    if (known == all) return moved;
    goss_val rest = goss_slice(head, axis, known, all - known);
    goss_shape s = goss_shape_of(rest);
    s.dim[0] = goss_dim(moved, 0);
    return goss_concat((goss_val[]){moved, goss_broadcast(rest, s)}, 2, axis);
}

/* [T,S,W] as W tasks of one target each, [T W,S,1]. */
static goss_val by_component(goss_val x, const goss_task_batch *b) {
    return goss_reshape(goss_transpose(x), GOSS_SHAPE(goss_extent_mul(b->T, goss_dim(x, 2)), b->S, goss_n(1)));
}

/* Where targets lack components each component has samples of its own, z [T,S,F] and off [T,S,W]: [T,F,W]. */
static goss_val ridge_of_components(goss_val z, goss_val off, goss_val unit, const goss_task_batch *b, int features) {
    const goss_extent W = goss_dim(off, 2), all = goss_extent_mul(b->T, W), F = goss_n(features);
    goss_val each = goss_broadcast(goss_unsqueeze(z, 1), GOSS_SHAPE(b->T, W, b->S, F));
    goss_val known = by_component(b->support_known, b);
    each = goss_mul(goss_reshape(each, GOSS_SHAPE(all, b->S, F)), known);
    goss_val v = ridge_weights(each, goss_mul(by_component(off, b), known), unit, b, features);
    return goss_transpose(goss_reshape(v, GOSS_SHAPE(b->T, W, F)));
}

/* With z = x d (d: the prior's deviations) the head is w0 + d v, and v = z'(z z' + 1)^-1 (y - x w0). Of an objective
 * with variances it is that of the means, of one with quantiles that of the middle one, to which the others belong. */
void goss__ridge_head(const goss_method *m, const goss_task_batch *b, goss_val features, goss__solution *s) {
    goss_graph *g = s->graph;
    const bool partial = goss_valid(b->support_known);
    goss_val samples = partial ? b->support_samples : goss__support_weight(b);
    goss_val d = prior_deviation(m, g), weight = goss_unsqueeze(goss_sqrt(samples), 2);
    goss_val said = goss_linear(features, s->net.head_w, s->net.head_b);
    if (m->objective->numbers > 1) said = m->objective->answer(m->objective, said);
    goss_val off = goss_sub(b->support_target, said);
    goss_val one = goss_full(g, GOSS_SHAPE(b->T, b->S, goss_n(1)), 1);
    goss_val z = goss_mul(goss_mul(goss_concat((goss_val[]){features, one}, 2, 2), d), weight);
    goss_val unit = goss_full(g, GOSS_SHAPE(goss_n(1), goss_n(1)), 1);
    off = goss_mul(off, weight);
    goss_val v = partial ? ridge_of_components(z, off, unit, b, m->features + 1)
                         : ridge_weights(z, off, unit, b, m->features + 1);
    v = goss_mul(v, goss_transpose(d));
    s->net.head_w = with_moved(s->net.head_w, goss_slice(v, 1, 0, m->features), 2);
    s->net.head_b = with_moved(s->net.head_b, goss_squeeze(goss_slice(v, 1, m->features, 1), 1), 1);
}

static void solve_ridge(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    if (m->fixed)
        goss__ridge_head(m, b, goss__embed_support(m, s, b), s);
    else
        solve_classes(m, b, s);
    if (fine_tune > 0)
        goss__inner_run(m, b, &(goss__inner){.steps = fine_tune, .rate = goss__method_rate(m), .first_order = true}, s);
}

const goss__method_kind goss__method_ridge = {.name = "ridge",
                                              .head = GOSS__HEAD_OF_CLASSES,
                                              .trains = true,
                                              .rate = 0.01,
                                              .setup = setup_ridge,
                                              .solve = solve_ridge};
