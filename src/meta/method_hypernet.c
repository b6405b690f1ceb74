/* SPDX-License-Identifier: Apache-2.0 */
/* method_hypernet.c: a hypernetwork, conditioned on a task, generates the task's network.
 *
 * If only a class head is generated the support set is embedded once. If layers are generated as well it is embedded
 * twice: by the base network for the condition, and by the generated network for the head. With shared outputs the
 * head is generated like any other layer, and may be refined by a ridge regression on the support set. Optionally K
 * gradient steps on the support set follow and are differentiated through. */
#include <string.h>

#include "meta/hypernet.h"
#include "meta/structure.h"

static bool generates_weights(const goss_hyper *h) {
    for (int i = 0; i < goss_layout_count(goss_target_layout(goss_hyper_target(h))); i++) {
        goss_generator k = goss_hyper_generator(h, i);
        if (k != GOSS_GENERATE_SHARED && k != GOSS_GENERATE_FILM) return true;
    }
    return false;
}

/* ---- settings ---- */

/* With shared classes a head may be generated class by class as well, if the rules say so. */
static bool has_fixed_head(const goss_method *m) {
    const char *rules = m->options.hyper ? m->options.hyper->rules : NULL;
    return !rules || !strstr(rules, "head=class");
}

static bool sees(const goss_method *m, goss_conditioner c) { return goss__hypernet_sees(m, c); }

static goss_status refuse(const char *why, goss_error *err) {
    return goss_error_set(err, GOSS_E_UNSUPPORTED, "method hypernet: %s", why);
}

static bool is_generated(const goss_method *m, const char *tensor) {
    const goss_generator k = goss_hyper_generator(m->hyper, goss_layout_find(goss_target_layout(m->target), tensor));
    return k != GOSS_GENERATE_SHARED && k != GOSS_GENERATE_FILM;
}

/* Class indices have no meaning across tasks. */
static goss_status check_heads(const goss_method *m, goss_error *err) {
    static const unsigned of_a_task = GOSS_CONDITION_SUPPORT | GOSS_CONDITION_TASK | GOSS_CONDITION_DESCRIPTOR;
    if (!is_generated(m, "head.w") || !is_generated(m, "head.b"))
        return refuse("each task has classes of its own, and a head that all share would give them one meaning: let "
                      "hyper.rules generate head.w and head.b (head.*=full), or let them be each task's own "
                      "(head.*=own)",
                      err);
    if (!(goss_hyper_settings(m->hyper)->conditioner & of_a_task))
        return refuse("each task has classes of its own, and nothing of the condition tells tasks apart: add id", err);
    return GOSS_OK;
}

static goss_status check(const goss_method *m, goss_error *err) {
    const goss_method_options *x = &m->options;
    if (m->fixed && x->task_classes) GOSS_TRY(check_heads(m, err));
    if (x->networks > 1 && goss_hyper_settings(m->hyper)->noise == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "method hypernet: %d networks a task need noise (hyper.noise) to differ by", x->networks);
    if (!m->fixed && !goss_hyper_class_head(m->hyper))
        return refuse("it needs \"head=class\" among its rules where tasks have classes of their own", err);
    if (!m->fixed && x->ridge_head)
        return refuse("a ridge head (method.ridge_head) needs outputs that mean the same in all tasks; here heads are "
                      "made class by class",
                      err);
    if (sees(m, GOSS_CONDITION_INPUT) && m->objective->steps)
        return refuse("conditioned on inputs every sample has weights of its own, which is not for answers at each "
                      "step",
                      err);
    if (sees(m, GOSS_CONDITION_INPUT) && (x->ridge_head || x->inner_steps > 0 || x->test_steps > 0))
        return refuse("conditioned on inputs every row has weights of its own, which no ridge head and no gradient "
                      "steps fit to the support set",
                      err);
    return GOSS_OK;
}

/* The options' rules, or the default ones. */
static goss_status create_hyper(goss_method *m, goss_hyper_options *o, goss_error *err) {
    goss__str rules = {0};
    if (m->fixed && !o->rules) {
        goss__hypernet_default_rules(m, o, &rules);
        o->rules = rules.data;
    }
    const goss_status s = rules.failed ? goss_error_set(err, GOSS_E_NOMEM, "out of memory for a hypernetwork")
                                       : goss_hyper_create(m->target, o, &m->hyper, err);
    goss__str_free(&rules);
    return s;
}

static goss_status setup(goss_method *m, goss_error *err) {
    static const char *const ridge_names[] = {"spread", NULL};
    goss_hyper_options o = m->options.hyper ? *m->options.hyper : goss_hyper_defaults();
    if (o.temperature == 0) o.temperature = m->options.temperature;
    if (m->fixed) o.targets = goss__hypernet_seen_numbers(m);
    if (m->objective->steps) o.features = m->features; /* of a step */
    if (o.conditioner & GOSS_CONDITION_TASK && o.tasks < 1)
        return refuse("conditioned on ids, it needs tasks that have a number", err);
    if (m->options.strengths && !(o.conditioner & GOSS_CONDITION_TASK))
        return refuse("strengths move the codes of tasks: hyper.condition = id, strength", err);
    o.tasks++; /* a row for new tasks */
    if (goss__structure_chooses(m)) {
        o.gates = goss_space_gates(m->space), o.budget = 1;
        o.gates_shared = m->structure.choose == GOSS_STRUCTURE_FOR_ALL;
        const bool weighs = !o.gates_shared && m->structure.relevance > 0 && o.conditioner & GOSS_CONDITION_SUPPORT;
        o.gate_first = goss_space_groups(m->space), o.gate_weight = m->structure.relevance;
        o.gate_features = weighs ? GOSS__RELEVANCE_FEATURES * o.gate_first : 0;
    }
    if (o.gates > 0 && o.conditioner & GOSS_CONDITION_INPUT)
        return refuse("conditioned on inputs every row would have a structure of its own", err);
    GOSS_TRY(create_hyper(m, &o, err));
    GOSS_TRY(check(m, err));
    m->support_norm |= generates_weights(m->hyper);
    GOSS_TRY(goss__method_setup(m, m->options.ridge_head ? ridge_names : NULL, m->features + 1, o.train_base, err));
    GOSS_TRY(goss__method_param(m, "hyper", goss_hyper_layout(m->hyper), true, err));
    return goss__hypernet_plan_codes(m, err);
}

/* ---- solving ---- */

/* What the base makes of the support sets becomes a condition, and what each gate does for that. */
static goss_condition look(const goss_method *m, const goss_task_batch *b, goss_val rows, goss__solution *s) {
    const bool weighs = goss_hyper_settings(m->hyper)->gate_features > 0;
    const goss_val probe = weighs ? goss__structure_probe(m, b, s->graph) : GOSS_NONE;
    s->conditioning = true, s->net.structure = probe;
    const goss_val features = sees(m, GOSS_CONDITION_SUPPORT) ? goss__embed_support(m, s, b) : GOSS_NONE;
    s->conditioning = false, s->net.structure = GOSS_NONE;
    goss_condition c = goss__hypernet_condition(m, b, s, features, rows);
    if (weighs) c.gates = goss__structure_relevance(m, b, features, probe);
    c.deviation_factor = goss__structure_deviation_factor(m, s);
    return c;
}

void goss__hypernet_generate(const goss_method *m, const goss_task_batch *b, goss_val rows, goss__solution *s) {
    goss_generated made;
    goss_condition c = look(m, b, rows, s);
    goss_hyper_generate(m->hyper, s->graph, &c, &made);
    made.net.running = s->net.running, made.net.given = s->net.given; /* other tensors are shared */
    goss_weights_free(s->net.weights);
    s->net = made.net;
    s->by_input = sees(m, GOSS_CONDITION_INPUT);
    s->penalty = made.penalty;
    s->logits = made.structure, s->deviation = made.structure_deviation;
    goss__structure_gates(m, b, s);
    goss__solution_head(m, s);
}

static void make_class_head(const goss_method *m, const goss_task_batch *b, goss__solution *s) {
    goss_generated made = {.penalty = s->penalty};
    goss_condition c = goss__hypernet_condition(m, b, s, goss__embed_support(m, s, b), GOSS_NONE);
    goss_hyper_generate_head(m->hyper, s->graph, &c, &made);
    s->net.head_w = made.net.head_w, s->net.head_b = made.net.head_b;
    s->penalty = made.penalty;
}

/* The head for the generated body, and the statistics for the queries. */
static void make_head(const goss_method *m, const goss_task_batch *b, goss__solution *s) {
    if (!m->fixed) {
        make_class_head(m, b, s);
    } else if (m->options.ridge_head) {
        goss__ridge_head(m, b, goss__embed_support(m, s, b), s);
    } else if (m->batch_norm && m->support_norm) {
        goss__embed_support(m, s, b);
    }
}

static void solve(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    if (goss_hyper_generates_layers(m->hyper)) goss__hypernet_generate(m, b, goss__hypernet_rows(m, b, s), s);
    make_head(m, b, s);
    int steps = s->training ? goss__method_steps(m, true) : fine_tune ? fine_tune : goss__method_steps(m, false);
    if (steps == 0) return;
    if (s->by_input) {
        goss_graph_fail(s->graph, GOSS_E_UNSUPPORTED,
                        "conditioned on inputs every row has weights of its own: no gradient steps fit them");
        return;
    }
    goss__inner o = {
        .steps = steps, .rate = goss__method_rate(m), .first_order = !s->training || m->options.first_order};
    goss__inner_run(m, b, &o, s);
}

static bool needs_support(const goss_method *m) {
    return !m->fixed || sees(m, GOSS_CONDITION_SUPPORT) || m->options.ridge_head || m->options.inner_steps > 0;
}

const goss__method_kind goss__method_hypernet = {.name = "hypernet",
                                                 .fixed_classes = has_fixed_head,
                                                 .trains = true,
                                                 .head_by_task = true,
                                                 .needs_support = needs_support,
                                                 .rate = 0.01,
                                                 .setup = setup,
                                                 .solve = solve};

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
    goss_condition seen = look(m, batch, goss__hypernet_rows(m, batch, &s), &s);
    goss_val loss = goss__query_loss(m, batch, goss__solve_one(m, batch, 0, &s), &score);
    goss_hyper_examination e = {.hyper = m->hyper,
                                .graph = g,
                                .condition = seen,
                                .loss = loss,
                                .params = x->params,
                                .precision = x->precision,
                                .threads = x->threads,
                                .bind = x->bind,
                                .context = x->context,
                                .diverges = x->diverges};
    goss_status status = goss_hyper_doctor(&e, text, err);
    goss__solution_free(&s);
    goss_scope_pop(g);
    return status;
}
