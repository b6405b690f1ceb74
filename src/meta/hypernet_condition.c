/* SPDX-License-Identifier: Apache-2.0 */
/* hypernet_condition.c: conditioning of a hypernetwork on a task: support set, id, descriptor, inputs and noise.
 *
 * With classes of its own a support set is represented by class means; else by the mean over samples of features
 * that include targets and the base network's residuals. A task with an id has a learned row: its code and, behind it,
 * the numbers of tensors that are its own (rule "own"). A task without one starts from the row of a new task, which is
 * optimised by gradient steps on its support set with the hypernetwork fixed, so that the network stays in the
 * hypernetwork's range (CAVIA, Zintgraf et al. 2019). */
#include "meta/hypernet.h"
#include "meta/structure.h"

enum { MOST_INPUTS = 256, MOST_PRODUCTS = 4, CODE_STEPS = 20 };
static const double code_rate = 0.1, own_rate = 0.1; /* of own numbers: of the code's */

bool goss__hypernet_sees(const goss_method *m, goss_conditioner c) {
    return (goss_hyper_settings(m->hyper)->conditioner & (unsigned)c) != 0;
}

/* ---- support samples ---- */

/* A row of numbers enters directly, an image only through its embedding. */
static int seen_inputs(const goss_method *m) {
    int64_t x = goss_target_input_rank(m->target) == 1 ? goss_target_input(m->target)[0] : 0;
    return x <= MOST_INPUTS ? (int)x : 0;
}

static int seen_products(const goss_method *m) { return m->options.outputs <= MOST_PRODUCTS ? m->options.outputs : 0; }

int goss__hypernet_seen_numbers(const goss_method *m) {
    return 2 * m->options.outputs + 1 + seen_inputs(m) + seen_products(m) * m->features;
}

/* 1 / the number of support samples, for each of them: [T,S,1]. */
static goss_val one_by_count(const goss_task_batch *b, goss_val weight) {
    goss_val count = goss_max(goss_sum(weight, GOSS_AXIS(1), true), goss_const(weight.graph, 1));
    return goss_unsqueeze(goss_broadcast(goss_div(goss_const(weight.graph, 1), count), GOSS_SHAPE(b->T, b->S)), 2);
}

/* A sample is seen as a whole, whatever part of its target is known. */
static goss_val seen_weight(const goss_task_batch *b) {
    return goss_valid(b->support_known) ? b->support_samples : goss__support_weight(b);
}

/* Features of each support sample [T,S,N]: target y, residual r = y - base(x) (with classes y - p; 0 for what is
 * missing), x itself for rows, and r times the embedding, whose mean is the gradient with respect to the base's head
 * (enriched support, Przewiezlikowski et al. 2022). */
static goss_val seen_of_samples(const goss_method *m, const goss_task_batch *b, goss__solution *s, goss_val features) {
    goss_val y = b->support_target, part[4 + MOST_PRODUCTS];
    goss_val r = goss_sub(y, m->objective->answer(m->objective, goss_linear(features, s->net.head_w, s->net.head_b)));
    int n = 0;
    if (goss_valid(b->support_known)) r = goss_mul(r, b->support_known);
    part[n++] = y, part[n++] = r, part[n++] = one_by_count(b, seen_weight(b));
    if (seen_inputs(m) > 0) part[n++] = b->support;
    for (int i = 0; i < seen_products(m); i++) part[n++] = goss_mul(features, goss_slice(r, 2, i, 1));
    return goss_concat(part, n, 2);
}

static int64_t code_width(const goss_method *m) { return goss_hyper_settings(m->hyper)->embedding; }
static goss_val with_strengths(const goss_method *m, goss_graph *g, goss_val code);
static goss_val own_of(const goss_method *m, goss_val rows);

goss_condition goss__hypernet_condition(const goss_method *m, const goss_task_batch *b, goss__solution *s,
                                        goss_val features, goss_val rows) {
    goss_condition c = {.task = b->task, .noise = s->noise, .own = own_of(m, rows)};
    if (goss_valid(rows)) c.rows = with_strengths(m, s->graph, goss_slice(rows, 1, 0, code_width(m)));
    c.budget = goss__structure_budget(m, b, s);
    if (goss__hypernet_sees(m, GOSS_CONDITION_DESCRIPTOR)) c.descriptor = b->descriptor;
    if (goss__hypernet_sees(m, GOSS_CONDITION_INPUT)) c.input = b->query;
    if (!goss__hypernet_sees(m, GOSS_CONDITION_SUPPORT)) return c;
    c.features = features;
    if (m->fixed)
        c.targets = seen_of_samples(m, b, s, features), c.sample_weight = seen_weight(b);
    else
        c.assign = b->assign, c.class_mask = b->class_mask;
    return c;
}

/* ---- codes ---- */

/* A strength is a number times a learned direction in code space. */
static goss_status plan_strengths(goss_method *m, goss_error *err) {
    goss_entry e = {.name = "strength",
                    .rank = 2,
                    .dim = {GOSS_METHOD_STRENGTHS, goss_hyper_settings(m->hyper)->embedding},
                    .init = GOSS_INIT_NORMAL,
                    .role = GOSS_ROLE_BIAS,
                    .layer = -1,
                    .out_units = -1,
                    .in_units = -1};
    GOSS_TRY(goss_layout_add(m->codes, &e, err));
    GOSS_TRY(goss_layout_new(&m->strengths, err));
    e.name = "log", e.rank = 1, e.init = GOSS_INIT_ZEROS;
    GOSS_TRY(goss_layout_add(m->strengths, &e, err));
    return goss__method_param(m, GOSS_METHOD_STRENGTH, m->strengths, false, err);
}

/* A table of the parameter "tasks", by its name; GOSS_NONE: there is none. */
static goss_val table(const goss_method *m, goss_graph *g, const char *name) {
    const int i = goss_layout_find(m->codes, name);
    if (i < 0) return GOSS_NONE;
    const goss_entry *e = goss_layout_entry(m->codes, i);
    const goss_val all = goss_param(g, "tasks", GOSS_SHAPE(goss_n(goss_layout_total(m->codes))));
    return goss_reshape(goss_slice(all, 0, e->offset, e->numel), GOSS_SHAPE(goss_n(e->dim[0]), goss_n(e->dim[1])));
}

/* Codes [T, E] plus the strengths' directions. */
static goss_val with_strengths(const goss_method *m, goss_graph *g, goss_val code) {
    const goss_extent n = goss_n(GOSS_METHOD_STRENGTHS);
    if (!m->strengths) return code;
    goss_val at = goss_reshape(goss_param(g, GOSS_METHOD_STRENGTH, GOSS_SHAPE(n)), GOSS_SHAPE(goss_n(1), n));
    return goss_add(code, goss_matmul(at, table(m, g, "strength"), false, false));
}

static goss_val own_of(const goss_method *m, goss_val rows) {
    const int64_t own = goss_hyper_own(m->hyper);
    return own > 0 ? goss_slice(rows, 1, code_width(m), own) : GOSS_NONE;
}

goss_status goss__hypernet_plan_codes(goss_method *m, goss_error *err) {
    const goss_hyper_options *o = goss_hyper_settings(m->hyper);
    if (!goss__hypernet_sees(m, GOSS_CONDITION_TASK)) return GOSS_OK;
    goss_entry e = {.name = "code",
                    .rank = 2,
                    .dim = {o->tasks, o->embedding},
                    .init = GOSS_INIT_NORMAL,
                    .fan_in = 1,
                    .fan_out = o->embedding,
                    .role = GOSS_ROLE_BIAS,
                    .layer = -1,
                    .out_units = -1,
                    .in_units = -1};
    GOSS_TRY(goss_layout_new(&m->codes, err));
    GOSS_TRY(goss_layout_add(m->codes, &e, err));
    if (m->options.strengths) GOSS_TRY(plan_strengths(m, err));
    e.name = "own", e.rank = 2, e.dim[0] = o->tasks, e.dim[1] = goss_hyper_own(m->hyper), e.init = GOSS_INIT_ZEROS;
    if (e.dim[1] > 0) GOSS_TRY(goss_layout_add(m->codes, &e, err));
    return goss__method_param(m, "tasks", m->codes, true, err);
}

/* Probability of presenting a training task as new: higher if other conditioners describe it. */
static double forgetting(const goss_method *m) {
    bool told = goss__hypernet_sees(m, GOSS_CONDITION_SUPPORT) || goss__hypernet_sees(m, GOSS_CONDITION_DESCRIPTOR);
    return told ? 0.5 : 0.1;
}

/* Replaces some codes by that of a new task, so that this one is trained and the network does not rely on ids alone.
 * Tasks keep their own numbers. */
static goss_val forget(const goss_method *m, const goss_task_batch *b, goss_val codes, goss_val unknown) {
    goss_val shown =
        goss_less(goss_const(codes.graph, forgetting(m)), goss_random_uniform(b->task, GOSS_SHAPE(b->T, goss_n(1))));
    return goss_select(shown, codes, unknown);
}

/* Rows of a table by the tasks' numbers; without numbers all tasks are new. */
static goss_val rows_of(const goss_method *m, const goss_task_batch *b, goss_val of) {
    if (goss_valid(b->id)) return goss_gather(of, b->id);
    const goss_val last = goss_slice(of, 0, goss_hyper_settings(m->hyper)->tasks - 1, 1);
    return goss_broadcast(last, GOSS_SHAPE(b->T, goss_dim(of, 1)));
}

/* Loss of the support sets under the networks generated from codes. */
static goss_val loss_of_codes(const goss_method *m, const goss_task_batch *b, goss_val rows, const goss__solution *of) {
    goss__solution s;
    goss__solution_begin(m, of->graph, false, &s);
    s.noise = of->noise, s.budget = of->budget, s.size = GOSS__SIZE_ANY;
    goss__hypernet_generate(m, b, rows, &s);
    goss_val output = goss_linear(goss__embed_support(m, &s, b), s.net.head_w, s.net.head_b);
    goss__solution_free(&s);
    return goss__loss_of_tasks(m, b, output, goss__labels_of(b, false));
}

/* Slows the part of a step [T, E + P] that moves a task's own numbers. */
static goss_val slow_own(const goss_method *m, goss_val move) {
    const goss_val own = own_of(m, move);
    if (!goss_valid(own)) return move;
    return goss_concat((goss_val[]){goss_slice(move, 1, 0, code_width(m)), goss_scale(own, own_rate)}, 2, 1);
}

/* With weights for every row there is no task network to take the loss of: the code of a new task is not optimised. */
static goss_val find_codes(const goss_method *m, const goss_task_batch *b, goss_val rows, const goss__solution *s) {
    int steps = m->options.code_steps > 0 ? m->options.code_steps : CODE_STEPS;
    double rate = m->options.code_rate > 0 ? m->options.code_rate : code_rate;
    goss_val code = rows, first = goss_zeros_like(rows), second = first;
    if (!m->fixed || b->all_known || goss__hypernet_sees(m, GOSS_CONDITION_INPUT)) return rows;
    goss_scope_push(s->graph, "codes");
    for (int i = 0; i < steps; i++) {
        goss_val at = goss_variable(code), grad = GOSS_NONE;
        goss_status status = goss_grad(loss_of_codes(m, b, at, s), &at, 1, &grad);
        if (status != GOSS_OK) {
            code = goss_graph_fail(s->graph, status, "step %d of finding codes: the loss has no gradient", i + 1);
            break;
        }
        code = goss_sub(at, slow_own(m, goss__adam_move(goss_detach(grad), rate, i, &first, &second)));
    }
    goss_scope_pop(s->graph);
    return goss_valid(b->known) ? goss_select(goss_unsqueeze(b->known, 1), rows, code) : code;
}

goss_val goss__hypernet_rows(const goss_method *m, const goss_task_batch *b, const goss__solution *s) {
    if (!goss__hypernet_sees(m, GOSS_CONDITION_TASK)) return GOSS_NONE;
    if (s->training && !goss_valid(b->id))
        return goss_graph_fail(s->graph, GOSS_E_ARGUMENT, "conditioned on ids, but the tasks have no numbers");
    const goss_val codes = table(m, s->graph, "code"), own = table(m, s->graph, "own");
    goss_val rows = rows_of(m, b, codes);
    if (s->training) rows = forget(m, b, rows, goss_slice(codes, 0, goss_hyper_settings(m->hyper)->tasks - 1, 1));
    if (goss_valid(own)) rows = goss_concat((goss_val[]){rows, rows_of(m, b, own)}, 2, 1);
    return s->training ? rows : find_codes(m, b, rows, s);
}
