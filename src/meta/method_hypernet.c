/* SPDX-License-Identifier: Apache-2.0 */
/* method_hypernet.c: the support set conditions a hypernetwork that generates the task's network.
 *
 * With nothing but a class head generated the support set is embedded once. Where layers are generated too it is
 * embedded by the base first, which gives the condition, and again by what came out, which gives the head. K gradient
 * steps on the support set may follow, and are then part of what is learned. */
#include <string.h>

#include "meta/method.h"

static bool generates_weights(const goss_hyper *h) {
    for (int i = 0; i < goss_layout_count(goss_target_layout(goss_hyper_target(h))); i++) {
        goss_generator k = goss_hyper_generator(h, i);
        if (k != GOSS_GENERATE_SHARED && k != GOSS_GENERATE_FILM) return true;
    }
    return false;
}

static goss_status setup(goss_method *m, goss_error *err) {
    goss_hyper_options o = m->options.hyper ? *m->options.hyper : goss_hyper_defaults();
    if (o.temperature == 0) o.temperature = m->options.temperature;
    if (o.conditioner != GOSS_CONDITION_SUPPORT)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "method hypernet adapts to a support set: the conditioner must be that");
    GOSS_TRY(goss_hyper_create(m->target, &o, &m->hyper, err));
    if (m->options.networks > 1 && o.noise == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "method hypernet: %d networks a task need noise (hyper.noise) to differ by",
                              m->options.networks);
    if (!goss_hyper_class_head(m->hyper))
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "method hypernet needs \"head=class\" among its rules: tasks have any number of classes");
    m->support_norm |= generates_weights(m->hyper);
    GOSS_TRY(goss__method_setup(m, NULL, 0, o.train_base, err));
    return goss__method_param(m, "hyper", goss_hyper_layout(m->hyper), true, err);
}

/* Replaces the solution's weights and modulation by generated ones. */
static void generate_layers(const goss_method *m, const goss_task_batch *b, goss_condition *c, goss_generated *made,
                            goss__solution *s) {
    c->features = goss__embed_support(m, s, b);
    goss_hyper_generate(m->hyper, s->graph, c, made);
    goss_weights_free(s->weights);
    s->weights = made->weights;
    memcpy(s->film_scale, made->film_scale, sizeof s->film_scale);
    memcpy(s->film_shift, made->film_shift, sizeof s->film_shift);
}

static void solve(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    goss_condition c = {.assign = b->assign, .class_mask = b->class_mask, .task = b->task, .noise = s->noise};
    goss_generated made = {0};
    if (goss_hyper_generates_layers(m->hyper)) generate_layers(m, b, &c, &made, s);
    c.features = goss__embed_support(m, s, b);
    goss_hyper_generate_head(m->hyper, s->graph, &c, &made);
    s->head_w = made.head_w, s->head_b = made.head_b;
    s->penalty = made.penalty;
    int steps = s->training ? goss__method_steps(m, true) : fine_tune ? fine_tune : goss__method_steps(m, false);
    if (steps == 0) return;
    goss__inner o = {
        .steps = steps, .rate = goss__method_rate(m), .first_order = !s->training || m->options.first_order};
    goss__inner_run(m, b, &o, s);
}

const goss__method_kind goss__method_hypernet = {
    .name = "hypernet", .trains = true, .rate = 0.01, .setup = setup, .solve = solve};

/* The condition is what the first pass over the support set gives; the loss is that of one network. */
goss_status goss_method_doctor(const goss_method *m, goss_graph *g, const goss_task_batch *batch,
                               const goss_method_examination *x, char **text, goss_error *err) {
    *text = NULL;
    if (!m->hyper) return goss_error_set(err, GOSS_E_UNSUPPORTED, "method %s has no hypernetwork", m->kind->name);
    goss__solution s;
    goss_val score;
    goss_scope_push(g, m->kind->name);
    goss__solution_begin(m, g, true, &s);
    int noise = goss_hyper_settings(m->hyper)->noise;
    if (noise > 0) s.noise = goss_random_normal(batch->task, GOSS_SHAPE(batch->T, goss_n(noise)));
    goss_val features = goss__embed_support(m, &s, batch);
    goss_val loss = goss__query_loss(m, batch, goss__solve_one(m, batch, 0, &s), &score);
    goss_hyper_examination e = {.hyper = m->hyper,
                                .graph = g,
                                .condition = {.features = features,
                                              .noise = s.noise,
                                              .assign = batch->assign,
                                              .class_mask = batch->class_mask,
                                              .task = batch->task},
                                .loss = loss,
                                .params = x->params,
                                .precision = x->precision,
                                .threads = x->threads,
                                .bind = x->bind,
                                .context = x->context};
    goss_status status = goss_hyper_doctor(&e, text, err);
    goss__solution_free(&s);
    goss_scope_pop(g);
    return status;
}
