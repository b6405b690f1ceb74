/* SPDX-License-Identifier: Apache-2.0 */
/* method_maml.c: learned starting points: MAML, first-order MAML (Finn et al. 2017), ANIL (Raghu et al. 2020: only the
 * head moves) and Reptile (Nichol et al. 2018).
 *
 * The head starts from one learned vector for all classes (Ye and Chao 2022): the method is invariant to the order
 * of labels, and a task may have more classes than any in training. The first step breaks the symmetry between
 * classes. With shared outputs each has a learned row of its own: the target's head. */
#include <string.h>

#include "meta/method.h"

static goss_status setup(goss_method *m, goss_error *err) {
    if (m->fixed) return goss__method_setup(m, NULL, 0, true, err);
    return goss__method_setup(m, (const char *const[]){"w", NULL}, m->features, true, err);
}

/* The same row and no bias for every class: [1,F,W], [1,W]. A head of the target starts from its own weights. */
void goss__maml_head(const goss_method *m, const goss_task_batch *b, goss__solution *s) {
    if (m->fixed) return;
    goss_val w = goss_unsqueeze(goss__method_number(m, s->graph, "w"), 2);
    s->net.head_w = goss_broadcast(w, GOSS_SHAPE(goss_n(1), goss_n(m->features), b->W));
    s->net.head_b = goss_full(s->graph, GOSS_SHAPE(goss_n(1), b->W), 0);
}

static void solve(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    goss__maml_head(m, b, s);
    goss__inner o = {.steps = fine_tune ? fine_tune : goss__method_steps(m, s->training),
                     .rate = goss__method_rate(m),
                     .first_order = !s->training || m->kind == &goss__method_fomaml,
                     .head_only = m->kind == &goss__method_anil,
                     .adam = m->kind == &goss__method_reptile};
    goss__inner_run(m, b, &o, s);
}

const goss__method_kind goss__method_maml = {.name = "maml",
                                             .trains = true,
                                             .adapts_norm = true,
                                             .train_steps = 5,
                                             .test_steps = 5,
                                             .rate = 0.1,
                                             .setup = setup,
                                             .solve = solve};
const goss__method_kind goss__method_fomaml = {.name = "fomaml",
                                               .trains = true,
                                               .adapts_norm = true,
                                               .train_steps = 5,
                                               .test_steps = 5,
                                               .rate = 0.1,
                                               .setup = setup,
                                               .solve = solve};
const goss__method_kind goss__method_anil = {
    .name = "anil", .trains = true, .train_steps = 5, .test_steps = 5, .rate = 0.1, .setup = setup, .solve = solve};

/* ---- reptile ---- */

/* The mean row over existing classes; rows of padding keep their start. w [T,F,W] -> [T,F]. */
static goss_val mean_of_classes(goss_val w, const goss_task_batch *b) {
    goss_val mask = goss_unsqueeze(b->class_mask, 1);
    goss_val alive = goss_max(goss_sum(mask, GOSS_AXIS(2), false), goss_const(b->query.graph, 1));
    return goss_div(goss_sum(goss_mul(w, mask), GOSS_AXIS(2), false), alive);
}

/* Steps alternate between support and queries: Reptile learns from the difference between batches. Loss and accuracy
 * are those of the queries after the steps, hence of data the steps have seen. */
static void train_reptile(const goss_method *m, const goss_task_batch *b, goss_step_loss *out) {
    goss__solution s;
    goss__solution_begin(m, b->query.graph, true, &s);
    goss__maml_head(m, b, &s);
    goss__inner o = {.steps = goss__method_steps(m, true),
                     .rate = goss__method_rate(m),
                     .first_order = true,
                     .adam = true,
                     .use_query = true};
    goss__inner_run(m, b, &o, &s);
    goss__publish_weights(m, &s);
    goss_val logits = goss__mask_classes(goss_linear(goss__embed_query(m, &s, b), s.net.head_w, s.net.head_b), b);
    if (m->fixed)
        goss_weights_set(s.net.weights, "head.w", s.net.head_w),
            goss_weights_set(s.net.weights, "head.b", s.net.head_b);
    out->loss = goss__query_loss(m, b, goss_publish(s.graph, "logits", logits), &out->measure[0].value);
    out->param[0].end = goss_weights_pack(s.net.weights);
    if (!m->fixed) out->param[1].end = mean_of_classes(s.net.head_w, b);
    goss_val beside = goss__beside_term(m, s.graph, b); /* a network of all tasks beside it has a gradient */
    if (goss_valid(beside)) out->loss = goss_add(out->loss, beside);
    goss__solution_free(&s);
}

const goss__method_kind goss__method_reptile = {.name = "reptile",
                                                .trains = true,
                                                .adapts_norm = true,
                                                .train_steps = 5,
                                                .test_steps = 50,
                                                .rate = 0.001,
                                                .setup = setup,
                                                .solve = solve,
                                                .train = train_reptile};
