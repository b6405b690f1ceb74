/* SPDX-License-Identifier: Apache-2.0 */
/* method_proto.c: nearest class mean in a learned embedding (Snell et al. 2017), and nearest neighbour on pixels.
 * Neither changes the embedding at test time. */
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

const goss__method_kind goss__method_protonet = {.name = "protonet",
                                                 .head = GOSS__HEAD_OF_CLASSES,
                                                 .no_numbers = "it compares class means, and numbers have no classes",
                                                 .trains = true,
                                                 .rate = 0.01,
                                                 .setup = setup_protonet,
                                                 .solve = solve_protonet};

/* ---- pixels ---- */

static goss_val logits_pixels(const goss_method *m, const goss_task_batch *b) {
    goss_val d = goss_pairwise_distance(goss_flatten(b->query), goss_flatten(b->support));
    goss_val of_class = goss_unsqueeze(b->assign, 1), near = goss_unsqueeze(goss_neg(d), 2); /* [T,1,W,S] [T,Q,1,S] */
    goss_val y = goss_select(of_class, near, goss_const(b->query.graph, GOSS__MASKED_LOGIT));
    return goss__mask_classes(goss_reduce_max(y, GOSS_AXIS(3), false), b);
}

const goss__method_kind goss__method_pixels = {
    .name = "pixels",
    .head = GOSS__HEAD_OF_CLASSES,
    .no_numbers = "it names the class of the nearest sample, and numbers have no classes",
    .logits = logits_pixels};
