/* SPDX-License-Identifier: Apache-2.0 */
/* method_finetune.c: methods without meta-learning: a new linear head on a joint embedding (Chen et al. 2019), a
 * network from scratch for every task, and one network for all. */
#include "meta/method.h"

/* ---- finetune: trained as a ProtoNet is; judged by a new head, fitted to the support set by gradient steps. Where
 * outputs mean the same in all tasks: trained as one network for all, judged after steps of all its weights ---- */

static goss_status setup_finetune(goss_method *m, goss_error *err) {
    if (m->fixed) return goss__method_setup(m, NULL, 0, true, err);
    return goss__method_setup(m, (const char *const[]){"temperature", NULL}, 1, true, err);
}

static void zero_head(const goss_method *m, const goss_task_batch *b, goss__solution *s) {
    s->net.head_w = goss_full(s->graph, GOSS_SHAPE(goss_n(1), goss_n(m->features), goss__head_width(m, b)), 0);
    s->net.head_b = goss_full(s->graph, GOSS_SHAPE(goss_n(1), goss__head_width(m, b)), 0);
}

static void solve_finetune(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    if (s->training && m->fixed) return;
    if (s->training) {
        goss_val t = goss_exp(goss__method_number(m, s->graph, "temperature"));
        goss__proto_head(goss__embed_support(m, s, b), b, goss_scale(t, m->options.temperature), s);
        return;
    }
    if (!m->fixed) zero_head(m, b, s);
    goss__inner o = {.steps = fine_tune ? fine_tune : goss__method_steps(m, false),
                     .rate = goss__method_rate(m),
                     .adam = true,
                     .first_order = true,
                     .head_only = !m->fixed};
    goss__inner_run(m, b, &o, s);
}

const goss__method_kind goss__method_finetune = {.name = "finetune",
                                                 .is_joint = true,
                                                 .trains = true,
                                                 .test_steps = 50,
                                                 .rate = 0.01,
                                                 .setup = setup_finetune,
                                                 .solve = solve_finetune};

/* ---- scratch ---- */

static goss_status setup_scratch(goss_method *m, goss_error *err) { return goss__method_setup(m, NULL, 0, false, err); }

static void solve_scratch(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    zero_head(m, b, s);
    goss__inner o = {.steps = fine_tune ? fine_tune : goss__method_steps(m, false),
                     .rate = goss__method_rate(m),
                     .adam = true,
                     .first_order = true};
    goss__inner_run(m, b, &o, s);
}

const goss__method_kind goss__method_scratch = {.name = "scratch",
                                                .adapts_norm = true,
                                                .test_steps = 100,
                                                .rate = 0.01,
                                                .setup = setup_scratch,
                                                .solve = solve_scratch};

/* ---- joint: one network for all tasks, as it is ---- */

static goss_status setup_joint(goss_method *m, goss_error *err) { return goss__method_setup(m, NULL, 0, true, err); }

static void solve_joint(const goss_method *m, const goss_task_batch *b, int fine_tune, goss__solution *s) {
    if (fine_tune == 0) return;
    goss__inner o = {.steps = fine_tune, .rate = goss__method_rate(m), .adam = true, .first_order = true};
    goss__inner_run(m, b, &o, s);
}

const goss__method_kind goss__method_joint = {.name = "joint",
                                              .head = GOSS__HEAD_FIXED,
                                              .is_joint = true,
                                              .trains = true,
                                              .rate = 0.01,
                                              .setup = setup_joint,
                                              .solve = solve_joint};
