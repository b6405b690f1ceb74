/* SPDX-License-Identifier: Apache-2.0 */
/* agent_gradient.c: agents that learn within a life by one step of the policy gradient (MAML: Finn et al. 2017). The
 * same function is the step of acting, on weights as they are, and of training, where it is differentiated. The value
 * is that of the initial weights: it says how good what happened was. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "rl/agent.h"

static const double LAMBDA = 0.95;

int goss__agent_support_steps(const goss_agent *a) { return a->o.support * a->family.horizon; }

goss_val goss__gradient_step(const goss_agent *a, goss_graph *g, goss_val observation, goss_val action,
                             goss_val coefficient) {
    const goss_extent P = goss_n(goss_layout_total(a->layout)), T = goss_dim(observation, 0);
    const goss_val shared = goss_unsqueeze(goss_param(g, GOSS__AGENT, GOSS_SHAPE(P)), 0);
    const goss_val each = goss_variable(goss_broadcast(shared, GOSS_SHAPE(T, P)));
    goss_weights *w = goss_weights_from_slab(a->layout, each);
    const goss__agent_inputs in = {.observation = observation};
    const goss__agent_outputs out = goss__agent_apply(a, g, &in, w, w);
    const goss_val gain = goss_sum_all(goss_mul(coefficient, goss__agent_log_density(a, &out, action, NULL)));
    goss_val slope = GOSS_NONE;
    goss_weights_free(w);
    const goss_status s = goss_grad(gain, &each, 1, &slope);
    if (s != GOSS_OK) {
        goss_graph_fail(g, s, "the policy has no gradient");
        return each;
    }
    return goss_add(each, goss_scale(slope, a->o.inner_rate));
}

/* ---- lives that learn ---- */

static goss_status compile(goss__learner *l, const goss_agent *a, goss_params *params, goss_threads *threads,
                           goss_error *err) {
    const goss_extent T = goss_n(l->lives), one = goss_n(1), S = goss_n(l->steps);
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for an agent");
    const goss_val x = goss_input(g, "observation", GOSS_REAL, GOSS_SHAPE(T, one, S, goss_n(a->observations)));
    const goss_val action = goss_input(g, "action", GOSS_REAL, GOSS_SHAPE(T, one, S, goss_n(a->actions)));
    const goss_val c = goss_input(g, "coefficient", GOSS_REAL, GOSS_SHAPE(T, S));
    const goss_val slab = goss__gradient_step(a, g, x, action, c);
    goss_status s = goss_compile(g, &slab, 1, NULL, 0, NULL, &l->schedule, err);
    goss_graph_free(g);
    if (s == GOSS_OK) s = goss_params_add(params, l->schedule, err);
    if (s == GOSS_OK) s = goss_exec_new(l->schedule, params, threads, &l->exec, err);
    if (s == GOSS_OK) s = goss_exec_bind(l->exec, "observation", l->observation, err);
    if (s == GOSS_OK) s = goss_exec_bind(l->exec, "action", l->action, err);
    return s == GOSS_OK ? goss_exec_bind(l->exec, "coefficient", l->coefficient, err) : s;
}

goss_status goss__learner_open(goss__learner *l, const goss_agent *a, int lives, goss_params *params,
                               goss_threads *threads, goss_error *err) {
    const size_t n = (size_t)lives, steps = n * (size_t)goss__agent_support_steps(a);
    *l = (goss__learner){.params = params, .lives = lives, .steps = goss__agent_support_steps(a)};
    l->slab = goss__calloc(n * (size_t)goss_layout_total(a->layout), sizeof(float));
    l->observation = goss__calloc(steps * (size_t)a->observations, sizeof(float));
    l->action = goss__calloc(steps * (size_t)a->actions, sizeof(float));
    l->coefficient = goss__calloc(steps, sizeof(float)), l->reward = goss__calloc(steps, sizeof(float));
    l->value = goss__calloc(steps, sizeof(float));
    l->taken = goss__calloc(n, sizeof *l->taken), l->learned = goss__calloc(n, sizeof *l->learned);
    l->ready = goss__calloc(n, sizeof *l->ready);
    if (!l->slab || !l->observation || !l->action || !l->coefficient || !l->reward || !l->value || !l->taken ||
        !l->learned || !l->ready)
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d lives", lives);
    return compile(l, a, params, threads, err);
}

void goss__learner_close(goss__learner *l) {
    goss_exec_free(l->exec), goss_schedule_free(l->schedule);
    goss__free(l->slab), goss__free(l->observation), goss__free(l->action), goss__free(l->coefficient);
    goss__free(l->reward), goss__free(l->value), goss__free(l->taken), goss__free(l->learned), goss__free(l->ready);
    *l = (goss__learner){0};
}

void goss__learner_begin(goss__learner *l, const goss_agent *a, int i) {
    const size_t P = (size_t)goss_layout_total(a->layout), S = (size_t)l->steps;
    const float *shared = goss_params_data(l->params, goss_params_find(l->params, GOSS__AGENT));
    memcpy(l->slab + (size_t)i * P, shared, P * sizeof(float));
    memset(l->coefficient + (size_t)i * S, 0, S * sizeof(float));
    l->taken[i] = 0, l->learned[i] = l->ready[i] = false;
}

static void note(goss__actor *c, int i) {
    const goss_agent *a = c->agent;
    goss__learner *l = &c->learner;
    const size_t at = (size_t)i * (size_t)l->steps + (size_t)l->taken[i]++, O = (size_t)a->observations;
    const size_t A = (size_t)a->actions;
    const goss_envs_view v = goss_envs_look(c->envs);
    memcpy(l->observation + at * O, c->seen + (size_t)i * O, O * sizeof(float));
    memcpy(l->action + at * A, c->taken + (size_t)i * A, A * sizeof(float));
    l->reward[at] = goss__agent_reward(a, v.reward[i]), l->value[at] = c->value[i];
}

/* Advantages of the steps before (Schulman et al. 2016), where what follows them is worth `next`. The value does not
 * know the task: what went better than in the mean over tasks counts. */
static void weigh(goss__learner *l, const goss_agent *a, int i, double next) {
    const double scale = a->return_seen > 1 ? sqrt(a->return_square / a->return_seen) + 1e-8 : 1;
    double ahead = 0;
    for (int t = l->taken[i] - 1; t >= 0; t--) {
        const size_t at = (size_t)i * (size_t)l->steps + (size_t)t;
        const double delta = (double)l->reward[at] / scale + a->o.discount * next - (double)l->value[at];
        ahead = delta + a->o.discount * LAMBDA * ahead, next = (double)l->value[at];
        l->coefficient[at] = (float)(ahead / l->taken[i]);
    }
}

void goss__learner_note(goss__actor *c, const int32_t *episode, const uint8_t *over) {
    goss__learner *l = &c->learner;
    const int support = c->agent->o.support;
    const goss_envs_view v = goss_envs_look(c->envs);
    for (int i = 0; i < l->lives; i++) {
        if (over[i] || l->learned[i]) continue;
        if (episode[i] < support) note(c, i);
        l->ready[i] = v.episode[i] >= support;
    }
}

goss_status goss__learner_learn(goss__actor *c, bool *any, goss_error *err) {
    goss__learner *l = &c->learner;
    const size_t P = (size_t)goss_layout_total(c->agent->layout);
    *any = false;
    for (int i = 0; i < l->lives; i++)
        if (l->ready[i]) weigh(l, c->agent, i, (double)c->value[i]), *any = true;
    if (!*any) return GOSS_OK;
    GOSS_TRY(goss_exec_run(l->exec, err));
    const float *changed = goss_exec_output(l->exec, 0, NULL);
    for (int i = 0; i < l->lives; i++) {
        if (!l->ready[i]) continue;
        memcpy(l->slab + (size_t)i * P, changed + (size_t)i * P, P * sizeof(float));
        l->learned[i] = true, l->ready[i] = false;
    }
    return GOSS_OK;
}
