/* SPDX-License-Identifier: Apache-2.0 */
/* method_multitask.c: tasks with ids, each with its own network or a partially shared one (share.h).
 *
 * A training task is looked up by id; its support set is not used. A new task starts from the mean over tasks and
 * fits all weights by gradient steps on its support set. */
#include "meta/method.h"

static goss_status setup(goss_method *m, goss_error *err) {
    goss_share_options o = m->options.share ? *m->options.share : goss_share_defaults();
    if (o.tasks < 1)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "method multitask: it needs tasks that have numbers, as those of a table have");
    o.task_classes = m->options.task_classes;
    m->support_norm = false;
    GOSS_TRY(goss_share_create(m->target, &o, &m->share, err));
    if (m->batch_norm) GOSS_TRY(goss__method_param(m, "running", goss_target_statistics(m->target), false, err));
    return goss__method_param(m, "share", goss_share_layout(m->share), true, err);
}

/* With classes of its own a new task's head starts at 0, since heads cannot be averaged over tasks. known: [T] or
 * none. */
static void forget_head(const goss_method *m, const goss_task_batch *b, goss__solution *s) {
    goss_val *const head[] = {&s->net.head_w, &s->net.head_b};
    if (!m->options.task_classes) return;
    for (int i = 0; i < 2; i++) {
        goss_val known = b->known, zero = goss_zeros_like(*head[i]);
        for (int k = 1; goss_valid(known) && k < goss_rank(*head[i]); k++) known = goss_unsqueeze(known, k);
        *head[i] = goss_valid(known) ? goss_select(known, *head[i], zero) : zero;
        goss_weights_set(s->net.weights, i ? "head.b" : "head.w", *head[i]);
    }
}

static void take_weights(const goss_method *m, const goss_task_batch *b, goss__solution *s) {
    const bool all_known = s->training || b->all_known;
    goss_share_tasks tasks = {.id = b->id, .unknown = !all_known, .noise = s->training ? b->task : GOSS_NONE};
    goss_val steps = s->training ? goss_param(s->graph, "optimizer.step", (goss_shape){0}) : GOSS_NONE;
    tasks.heat = goss_share_heat(m->share, s->graph, steps);
    if (s->training && !goss_valid(b->id))
        goss_graph_fail(s->graph, GOSS_E_ARGUMENT, "method multitask: the tasks have no numbers");
    goss_weights_free(s->net.weights);
    s->net.weights = goss_share_weights(m->share, s->graph, &tasks);
    goss__solution_head(m, s);
    if (!all_known) forget_head(m, b, s);
}

/* Known tasks keep their weights from before the steps. */
static goss_val chosen(const goss_task_batch *b, goss_val before, goss_val after) {
    goss_val known = b->known;
    for (int k = 1; goss_valid(after) && k < goss_rank(after); k++) known = goss_unsqueeze(known, k);
    return goss_select(known, before, after);
}

static void keep_known(const goss_method *m, const goss_task_batch *b, const goss_weights *before, goss__solution *s) {
    const goss_layout *l = goss_target_layout(m->target);
    for (int i = 0; i < goss_layout_count(l); i++) {
        const char *name = goss_layout_entry(l, i)->name;
        goss_weights_set(s->net.weights, name,
                         chosen(b, goss_weights_get(before, name), goss_weights_get(s->net.weights, name)));
    }
}

/* The head among the weights, and the weights' head as the solution's. */
static void join_head(const goss_method *m, goss__solution *s) {
    goss_weights_set(s->net.weights, "head.w", s->net.head_w);
    goss_weights_set(s->net.weights, "head.b", s->net.head_b);
}

static void solve(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    take_weights(m, b, s);
    const int steps = fine_tune ? fine_tune : b->all_known ? 0 : goss__method_steps(m, false);
    if (s->training || steps == 0 || !b->supported) return;
    goss__inner o = {.steps = steps, .rate = goss__method_rate(m), .adam = true, .first_order = true};
    goss_weights *before = goss_weights_copy(s->net.weights);
    goss__inner_run(m, b, &o, s);
    join_head(m, s);
    /* Known tasks are fitted only if steps were requested. */
    if (before && !fine_tune && goss_valid(b->known)) keep_known(m, b, before, s);
    goss__solution_head(m, s);
    goss_weights_free(before);
}

const goss__method_kind goss__method_multitask = {.name = "multitask",
                                                  .head = GOSS__HEAD_FIXED,
                                                  .head_by_task = true,
                                                  .is_joint = true,
                                                  .trains = true,
                                                  .test_steps = 50,
                                                  .rate = 0.01,
                                                  .setup = setup,
                                                  .solve = solve};
