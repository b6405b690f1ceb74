/* SPDX-License-Identifier: Apache-2.0 */
/* method_beside.c: baselines trained beside a method on the same batches for gossamer eval: one network for all
 * tasks, and a MAML initialisation. Both are networks of the method's target with parameters of their own. */
#include "meta/method.h"

/* ---- joint ---- */

static goss_val mean_loss(const goss_method *m, const goss_task_batch *b, const goss_weights *w, bool query) {
    const goss_val x = query ? b->query : b->support;
    const goss__labels of = goss__labels_of(b, query);
    goss_target_context c = goss__training_context(b, goss__sample_weight(b, query, of.weight));
    c.lengths = query ? b->query_length : b->support_length, c.batch_steps = m->objective->steps;
    goss_val features = goss__feature_rows(m, goss_target_features(m->target, x, w, &c));
    goss_val y = goss_linear(features, goss_weights_get(w, "head.w"), goss_weights_get(w, "head.b"));
    return goss_reduce_loss(goss__sample_loss(m, b, y, of, m->options.label_smoothing), of.weight);
}

/* It learns from support samples and queries alike. */
static goss_val joint_loss(const goss_method *m, goss_graph *g, const goss_task_batch *b) {
    goss_weights *w = goss_weights_from_params(g, goss_target_layout(m->target), GOSS__JOINT);
    goss_scope_push(g, GOSS__JOINT);
    goss_val loss = goss_add(mean_loss(m, b, w, false), mean_loss(m, b, w, true));
    goss_scope_pop(g);
    goss_weights_free(w);
    return loss;
}

/* ---- maml ---- */

/* Query loss after gradient steps on the support sets, as in method maml. Publishes nothing: published names belong
 * to the method. */
static goss_val maml_loss(const goss_method *m, goss_graph *g, const goss_task_batch *b) {
    const goss__method_kind *maml = &goss__method_maml;
    const goss__inner o = {.steps = maml->train_steps, .rate = maml->rate};
    goss__solution s = {.graph = g, .training = true};
    goss_val score;
    s.net.weights = goss_weights_from_params(g, goss_target_layout(m->target), GOSS__MAML);
    goss__solution_head(m, &s);
    goss_scope_push(g, GOSS__MAML);
    goss__inner_run(m, b, &o, &s);
    s.stepping = true;
    goss_val output = goss_linear(goss__embed_query(m, &s, b), s.net.head_w, s.net.head_b);
    goss_val loss = goss__query_loss(m, b, output, &score);
    goss_scope_pop(g);
    goss__solution_free(&s);
    return loss;
}

/* ---- both ---- */

/* Its value is 0, so that the reported loss is the method's; the method's parameters get no gradient from it, nor does
 * the table of items, which the method alone learns. */
goss_val goss__beside_term(const goss_method *m, goss_graph *g, const goss_task_batch *batch) {
    goss_val loss = GOSS_NONE;
    goss_task_batch own = *batch, *b = &own;
    if (m->items) own.support = goss_detach(own.support), own.query = goss_detach(own.query);
    if (m->joint) loss = joint_loss(m, g, b);
    if (m->maml) loss = goss_valid(loss) ? goss_add(loss, maml_loss(m, g, b)) : maml_loss(m, g, b);
    return goss_valid(loss) ? goss_sub(loss, goss_detach(loss)) : loss;
}
