/* SPDX-License-Identifier: Apache-2.0 */
/* method_solution.c: the networks of a batch of tasks: how they embed, what loss their queries have, and the two
 * builders of method.h that follow: training loss and query logits.
 *
 * Batch norm: a network shared by all tasks is normalised in training by batch statistics (of support and query
 * separately: both are large in training), which update the running statistics with weight one half each; at
 * inference the running statistics are used, so that results depend neither on five support images nor on other
 * queries. Task-specific networks use the support set's statistics for both. Padding has weight 0.
 *
 * Dropout is active where weights are learned: in training, and in gradient steps that fit a network to a task; not
 * in evaluation, adapted files or prediction. */
#include <stdio.h>
#include <string.h>

#include "meta/structure.h"

static const double running_momentum = 0.05;

/* ---- solutions ---- */

void goss__solution_begin(const goss_method *m, goss_graph *g, bool training, goss__solution *s) {
    memset(s, 0, sizeof *s);
    s->graph = g;
    s->training = training;
    s->net.weights = goss_weights_from_params(g, goss_target_layout(m->target), "target");
    if (m->batch_norm && !m->support_norm)
        s->net.running = goss_weights_from_params(g, goss_target_statistics(m->target), "running");
    goss__solution_head(m, s);
}

void goss__solution_head(const goss_method *m, goss__solution *s) {
    if (!m->fixed) return;
    s->net.head_w = goss_weights_get(s->net.weights, "head.w");
    s->net.head_b = goss_weights_get(s->net.weights, "head.b");
}

void goss__solution_again(const goss_method *m, goss__solution *s) {
    const goss_weight_precision precision = s->precision;
    goss__solution_free(s);
    goss__solution_begin(m, s->graph, s->training, s);
    s->precision = precision;
}

void goss__solution_free(goss__solution *s) { goss_instance_free(&s->net); }

goss_val goss__method_number(const goss_method *m, goss_graph *g, const char *name) {
    goss_weights *w = goss_weights_from_params(g, m->head, "head");
    goss_val v = goss_weights_get(w, name);
    goss_weights_free(w);
    return v;
}

goss_val goss__support_weight(const goss_task_batch *b) {
    return goss_valid(b->support_weight) ? b->support_weight : goss_sum(b->support_target, GOSS_AXIS(2), false);
}

goss_val goss__feature_rows(const goss_method *m, goss_val features) {
    if (!m->objective->steps) return goss_flatten(features);
    const goss_shape s = goss_shape_of(features);
    return goss_reshape(features, GOSS_SHAPE(s.dim[0], goss_extent_mul(s.dim[1], s.dim[2]), s.dim[3]));
}

goss_val goss__sample_weight(const goss_task_batch *b, bool query, goss_val weight) {
    const goss_val samples = query ? b->query_samples : b->support_samples;
    return goss_valid(samples) ? samples : weight;
}

goss_target_context goss__training_context(const goss_task_batch *b, goss_val weight) {
    goss_target_context c = goss_target_context_defaults();
    c.training = true;
    c.dropout_task = b->task;
    c.sample_weight = weight;
    return c;
}

/* Each query is a task of one sample, with weights of its own. No dropout: its random streams are the tasks'. */
static goss_val embed_by_input(const goss_method *m, goss__solution *s, goss_val x, goss_val lengths) {
    goss_target_context c = goss_target_context_defaults();
    goss_instance_context(&s->net, &c);
    goss_shape shape = goss_shape_of(x);
    shape.dim[0] = goss_extent_mul(shape.dim[0], shape.dim[1]);
    shape.dim[1] = goss_n(1);
    if (goss_valid(lengths)) c.lengths = goss_reshape(lengths, GOSS_SHAPE(shape.dim[0], shape.dim[1]));
    return goss_flatten(goss_target_features(m->target, goss_reshape(x, shape), s->net.weights, &c));
}

/* weight: of each sample, 0 for padding. */
static goss_val embed(const goss_method *m, goss__solution *s, const goss_task_batch *b, goss_val x, goss_val weight,
                      bool query) {
    goss_target_context c = goss_target_context_defaults();
    weight = goss__sample_weight(b, query, weight);
    if (s->training || s->stepping) c = goss__training_context(b, weight);
    goss_instance_context(&s->net, &c);
    c.lengths = query ? b->query_length : b->support_length;
    c.batch_steps = m->objective->steps;
    if (!s->stepping) c.publish = query ? "" : s->conditioning ? "condition/" : "support/";
    if (m->support_norm) {
        c.norm = query ? GOSS_NORM_GIVEN : GOSS_NORM_BATCH;
        c.statistics = &s->net.given;
        c.sample_weight = query ? GOSS_NONE : weight;
    } else if (s->training) {
        c.norm = GOSS_NORM_SHARED;
        c.statistics = &s->seen[query];
    } else if (m->batch_norm) {
        c.norm = GOSS_NORM_RUNNING;
        c.running = s->net.running;
    }
    return goss__feature_rows(m, goss_target_features(m->target, x, s->net.weights, &c));
}

goss_val goss__embed_support(const goss_method *m, goss__solution *s, const goss_task_batch *b) {
    return embed(m, s, b, b->support, goss__support_weight(b), false);
}

goss_val goss__embed_query(const goss_method *m, goss__solution *s, const goss_task_batch *b) {
    if (s->by_input) return embed_by_input(m, s, b->query, b->query_length);
    return embed(m, s, b, b->query, b->query_weight, true);
}

void goss__proto_head(goss_val features, const goss_task_batch *b, goss_val scale, goss__solution *s) {
    goss_val mean = goss_class_mean(features, b->assign), t = goss_unsqueeze(scale, 2);
    s->net.head_w = goss_transpose(goss_mul(goss_scale(mean, 2), t));
    s->net.head_b = goss_squeeze(goss_neg(goss_mul(goss_sum(goss_square(mean), GOSS_AXIS(2), true), t)), 2);
}

/* ---- logits and loss ---- */

goss_val goss__mask_classes(goss_val logits, const goss_task_batch *b) {
    if (!goss_valid(b->class_mask)) return logits;
    return goss_select(goss_unsqueeze(b->class_mask, 1), logits, goss_const(b->query.graph, GOSS__MASKED_LOGIT));
}

void goss__publish_weights(const goss_method *m, const goss__solution *s) {
    const goss_layout *l = goss_target_layout(m->target);
    for (int i = 0; i < goss_layout_count(l); i++) {
        char name[160];
        const char *tensor = goss_layout_entry(l, i)->name;
        if (strcmp(tensor, "head.w") == 0 || strcmp(tensor, "head.b") == 0) continue; /* the solution's own, below */
        snprintf(name, sizeof name, "weights/%s", tensor);
        goss_publish(s->graph, name, goss_weights_get(s->net.weights, tensor));
    }
    goss_publish(s->graph, "weights/head.w", s->net.head_w);
    goss_publish(s->graph, "weights/head.b", s->net.head_b);
}

static goss_val query_logits(const goss_method *m, goss__solution *s, const goss_task_batch *b) {
    if (s->by_input && s->precision != GOSS_WEIGHTS_F32)
        return goss_graph_fail(s->graph, GOSS_E_UNSUPPORTED,
                               "int8: this model is conditioned on inputs (hyper.condition): every row has weights of "
                               "its own, and no network is stored");
    goss_instance_round(&s->net, m->target, s->precision);
    goss__publish_weights(m, s);
    goss_val y = goss_linear(goss__embed_query(m, s, b), s->net.head_w, s->net.head_b);
    if (s->by_input) y = goss_reshape(y, GOSS_SHAPE(b->T, b->Q, goss__head_width(m, b)));
    return goss__mask_classes(y, b);
}

goss__labels goss__labels_of(const goss_task_batch *b, bool query) {
    return query ? (goss__labels){b->query_target, b->query_known, b->query_weight}
                 : (goss__labels){b->support_target, b->support_known, goss__support_weight(b)};
}

goss_val goss__sample_loss(const goss_method *m, const goss_task_batch *b, goss_val output, goss__labels of,
                           double smoothing) {
    const goss_val mask = m->objective->classes ? b->class_mask : of.known;
    return m->objective->among ? m->objective->among(output, of.target, of.weight)
                               : m->objective->loss(m->objective, output, of.target, mask, smoothing);
}

goss_val goss__loss_of_tasks(const goss_method *m, const goss_task_batch *b, goss_val output, goss__labels of) {
    goss_val loss = goss_mul(goss__sample_loss(m, b, output, of, 0), of.weight);
    goss_val count = goss_max(goss_sum(of.weight, GOSS_AXIS(1), false), goss_const(b->query.graph, 1));
    return goss_sum_all(goss_div(goss_sum(loss, GOSS_AXIS(1), false), count));
}

/* by_samples weights tasks by their size, as a sum over rows does: a task's prior then has the strength of a fixed
 * number of rows. */
goss_val goss__mean_loss(const goss_method *m, goss_val loss, goss_val weight) {
    if (!m->options.by_samples) return goss_reduce_loss(loss, weight);
    const goss_val all = goss_max(goss_sum_all(weight), goss_const(loss.graph, 1));
    return goss_div(goss_sum_all(goss_mul(loss, weight)), all);
}

goss_val goss__query_loss(const goss_method *m, const goss_task_batch *b, goss_val output, goss_val *score) {
    goss_val loss = goss__sample_loss(m, b, output, goss__labels_of(b, true), m->options.label_smoothing);
    goss_val score_of = m->objective->score ? m->objective->score(m->objective, output, b->query_target, b->query_known)
                                            : goss_detach(loss);
    *score = goss_reduce_loss(score_of, b->query_weight);
    return goss__mean_loss(m, loss, b->query_weight);
}

goss_val goss__solve_one(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    m->kind->solve(m, b, fine_tune, s);
    return query_logits(m, s, b);
}

goss_val goss__solve_queries(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    goss_val logits[GOSS_METHOD_MAX_NETWORKS], penalty = GOSS_NONE;
    int n = m->options.networks > 1 ? m->options.networks : 1;
    for (int i = 0; i < n; i++) {
        if (i > 0) goss__solution_again(m, s);
        logits[i] = goss__solve_one(m, b, fine_tune, s);
        penalty = goss_valid(penalty) ? goss_add(penalty, s->penalty) : s->penalty;
    }
    if (n > 1 && goss_valid(penalty)) s->penalty = goss_scale(penalty, 1.0 / n);
    return goss_publish(s->graph, "logits", n > 1 ? m->objective->mix(m->objective, logits, n) : logits[0]);
}

goss_val goss_method_outputs(const goss_method *m, goss_graph *g, const goss_task_batch *batch, int fine_tune) {
    return goss__method_outputs(m, g, batch, fine_tune, GOSS_WEIGHTS_F32);
}

goss_val goss__method_outputs(const goss_method *m, goss_graph *g, const goss_task_batch *batch, int fine_tune,
                              goss_weight_precision precision) {
    if (m->kind->logits && precision != GOSS_WEIGHTS_F32)
        return goss_graph_fail(g, GOSS_E_UNSUPPORTED, "int8: method %s makes no networks", m->kind->name);
    if (m->kind->logits) return m->kind->logits(m, batch);
    goss__solution s;
    goss_scope_push(g, m->kind->name);
    goss__solution_begin(m, g, false, &s);
    s.precision = precision;
    goss_val y = goss__solve_queries(m, batch, fine_tune, &s);
    goss__solution_free(&s);
    goss_scope_pop(g);
    return y;
}

/* ---- training ---- */

static void add_running_update(const goss_method *m, const goss__solution *s, goss_step_loss *out) {
    if (!s->net.running) return;
    goss_val after = GOSS_NONE;
    int n = 0;
    for (int i = 0; i < 2; i++) {
        if (!goss_valid(s->seen[i].mean[0])) continue; /* a method may ignore support sets */
        goss_val u = goss_target_running_update(m->target, s->net.running, &s->seen[i], running_momentum);
        after = n++ ? goss_scale(goss_add(after, u), 0.5) : u;
    }
    out->state[out->n_states++] = (goss_step_state){"running", goss_weights_slab(s->net.running), after};
}

/* Only the rows of the batch's items are read: only these are differentiated by and updated. */
static void add_items(const goss_task_batch *b, goss_graph *g, goss_step_param *to) {
    if (!goss_valid(b->item_values))
        goss_graph_fail(g, GOSS_E_ARGUMENT, "the method has a table of items, and the tasks have none");
    to->param = b->item_table, to->rows = b->item_rows, to->values = b->item_values;
}

static void add_params(const goss_method *m, goss_graph *g, const goss_task_batch *b, goss_step_loss *out) {
    for (int i = 0; i < m->n_params; i++) {
        const goss_method_param *p = &m->params[i];
        if (!p->trained) continue;
        goss_step_param *to = &out->param[out->n_params++];
        to->name = p->name, to->layout = p->layout; /* an end is there already */
        if (p->layout == m->items)
            add_items(b, g, to);
        else
            to->param = goss_param(g, p->name, GOSS_SHAPE(goss_n(goss_layout_total(p->layout))));
    }
}

static void train_by_queries(const goss_method *m, goss_graph *g, const goss_task_batch *b, goss_step_loss *out) {
    goss__solution s;
    goss__solution_begin(m, g, true, &s);
    if (goss__structure_chooses(m))
        out->loss = goss__structure_loss(m, b, &s, &out->measure[0].value);
    else
        out->loss = goss__query_loss(m, b, goss__solve_queries(m, b, 0, &s), &out->measure[0].value);
    if (m->options.penalty > 0 && goss_valid(s.penalty))
        out->loss = goss_add(out->loss, goss_scale(s.penalty, m->options.penalty));
    goss_val beside = goss__beside_term(m, g, b);
    if (goss_valid(beside)) out->loss = goss_add(out->loss, beside);
    add_running_update(m, &s, out);
    goss__solution_free(&s);
}

goss_step_loss goss_method_train(const goss_method *m, goss_graph *g, const goss_task_batch *batch) {
    goss_step_loss out = {.measure = {{.name = m->objective->report}}, .n_measures = 1};
    if (!m->kind->trains) {
        out.loss = out.measure[0].value =
            goss_graph_fail(g, GOSS_E_UNSUPPORTED, "method %s has nothing to train", m->kind->name);
        return out;
    }
    goss_scope_push(g, m->kind->name);
    if (m->kind->train)
        m->kind->train(m, batch, &out);
    else
        train_by_queries(m, g, batch, &out);
    add_params(m, g, batch, &out);
    goss_scope_pop(g);
    return out;
}
