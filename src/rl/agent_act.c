/* SPDX-License-Identifier: Apache-2.0 */
/* agent_act.c: an agent in its environments: one compiled step for all lives, actions drawn by counter-based random
 * streams, and what is carried from step to step. */
#include "base/alloc.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "rl/agent.h"

static bool learns(const goss_agent *a) { return a->o.sees == GOSS_AGENT_GRADIENT; }

/* ---- life ---- */

/* Each life acts by weights of its own; the value is that of the initial ones. */
static goss__agent_outputs build_each(const goss__actor *c, goss_graph *g, const goss__agent_inputs *in) {
    const goss_layout *l = c->agent->layout;
    const goss_extent P = goss_n(goss_layout_total(l));
    goss_weights *own = goss_weights_from_slab(l, goss_input(g, "slab", GOSS_REAL, GOSS_SHAPE(goss_n(c->lives), P)));
    goss_weights *shared = goss_weights_from_params(g, l, GOSS__AGENT);
    const goss__agent_outputs out = goss__agent_apply(c->agent, g, in, own, shared);
    goss_weights_free(own), goss_weights_free(shared);
    return out;
}

static goss_status compile(goss__actor *c, goss_params *params, goss_threads *threads, goss_error *err) {
    const goss_agent *a = c->agent;
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for an agent");
    const goss__agent_inputs in = goss__agent_declare(a, g, c->lives, 1, true);
    const goss__agent_outputs out = learns(a) ? build_each(c, g, &in) : goss__agent_build(a, g, &in);
    const goss_val wanted[] = {out.action, out.value, out.memory};
    goss_status s = goss_compile(g, wanted, out.memory.graph ? 3 : 2, NULL, 0, NULL, &c->schedule, err);
    goss_graph_free(g);
    if (s == GOSS_OK) s = goss_params_add(params, c->schedule, err);
    return s == GOSS_OK ? goss_exec_new(c->schedule, params, threads, &c->exec, err) : s;
}

static goss_status bind(goss__actor *c, goss_error *err) {
    GOSS_TRY(goss_exec_bind(c->exec, "observation", c->observation, err));
    if (goss__agent_is_told(c->agent)) return goss_exec_bind(c->exec, "task", c->task, err);
    if (learns(c->agent)) return goss_exec_bind(c->exec, "slab", c->learner.slab, err);
    if (c->agent->o.sees != GOSS_AGENT_HISTORY) return GOSS_OK;
    GOSS_TRY(goss_exec_bind(c->exec, "before", c->before, err));
    GOSS_TRY(goss_exec_bind(c->exec, "fresh", c->fresh, err));
    return goss_exec_bind(c->exec, "memory", c->memory, err);
}

static goss_status reserve(goss__actor *c, goss_error *err) {
    const goss_agent *a = c->agent;
    const size_t n = (size_t)c->lives;
    c->observation = goss__calloc(n * (size_t)a->observations, sizeof(float));
    c->before = goss__calloc(n * (size_t)a->before, sizeof(float)), c->fresh = goss__calloc(n, sizeof(float));
    c->task = goss__calloc(n * (size_t)a->known + 1, sizeof(float));
    c->memory = goss__calloc(n * (size_t)a->o.memory, sizeof(float));
    c->taken = goss__calloc(n * (size_t)a->actions, sizeof(float));
    c->actions = goss__calloc(n * (size_t)a->actions, sizeof(float));
    if (learns(a)) {
        c->seen = goss__calloc(n * (size_t)a->observations, sizeof(float));
        c->episode = goss__calloc(n, sizeof *c->episode), c->over = goss__calloc(n, 1);
        if (!c->seen || !c->episode || !c->over)
            return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d lives", c->lives);
    }
    if (c->observation && c->before && c->fresh && c->task && c->memory && c->taken && c->actions) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d lives", c->lives);
}

goss_status goss__actor_open(goss__actor *c, const goss_agent *a, const goss_env_family *family,
                             const goss_envs_options *o, goss_params *params, goss_threads *threads, goss_error *err) {
    *c = (goss__actor){.agent = a, .lives = o->count};
    goss_status s = goss_envs_new(family, o, &c->envs, err);
    if (s == GOSS_OK) s = reserve(c, err);
    if (s == GOSS_OK && learns(a)) s = goss__learner_open(&c->learner, a, c->lives, params, threads, err);
    if (s == GOSS_OK) s = compile(c, params, threads, err);
    if (s == GOSS_OK) s = bind(c, err);
    if (s != GOSS_OK) goss__actor_close(c);
    return s;
}

void goss__actor_close(goss__actor *c) {
    goss_exec_free(c->exec), goss_schedule_free(c->schedule);
    goss_envs_free(c->envs);
    goss__free(c->observation), goss__free(c->before), goss__free(c->fresh), goss__free(c->task);
    goss__free(c->memory), goss__free(c->taken), goss__free(c->actions);
    goss__learner_close(&c->learner);
    goss__free(c->seen), goss__free(c->episode), goss__free(c->over);
    *c = (goss__actor){0};
}

/* ---- lives ---- */

static void see(goss__actor *c, int i) {
    const goss_agent *a = c->agent;
    const size_t at = (size_t)i * (size_t)a->observations;
    goss__agent_normalize(a, goss_envs_look(c->envs).observation + at, c->observation + at);
}

/* Nothing was before a life, unless the agent has a memory to begin with; its first episode begins. */
static void forget(goss__actor *c, int i) {
    const goss_agent *a = c->agent;
    const size_t H = (size_t)a->o.memory, B = (size_t)a->before;
    float *before = c->before + (size_t)i * B;
    memset(before, 0, B * sizeof *before);
    before[B - 1] = 1, c->fresh[i] = a->start == NULL;
    if (a->start) {
        memcpy(c->memory + (size_t)i * H, a->start, H * sizeof(float));
        memcpy(before, a->start + H, B * sizeof(float));
    }
    if (learns(a)) goss__learner_begin(&c->learner, a, i);
    goss__agent_task(a, goss_envs_look(c->envs).parameter + (size_t)i * (size_t)a->family.kind->parameters,
                     c->task + (size_t)i * (size_t)a->known);
    see(c, i);
}

void goss__actor_begin_all(goss__actor *c, uint64_t first) {
    goss_envs_begin_all(c->envs, first);
    memset(c->memory, 0, (size_t)c->lives * (size_t)c->agent->o.memory * sizeof(float));
    for (int i = 0; i < c->lives; i++) forget(c, i);
}

void goss__actor_begin(goss__actor *c, int i, uint64_t task) {
    goss_envs_begin(c->envs, i, task);
    forget(c, i);
}

/* ---- a step ---- */

void goss__actor_spread(goss__actor *c, const float *weights) {
    const goss_agent *a = c->agent;
    const int at = goss_layout_find(a->layout, "policy.spread");
    if (at >= 0) memcpy(c->spread, weights + goss_layout_offset(a->layout, at), (size_t)a->actions * sizeof *c->spread);
}

static goss_status think(goss__actor *c, goss_error *err) {
    GOSS_TRY(goss_exec_run(c->exec, err));
    c->output = goss_exec_output(c->exec, 0, NULL), c->value = goss_exec_output(c->exec, 1, NULL);
    return GOSS_OK;
}

goss_status goss__actor_think(goss__actor *c, goss_error *err) {
    bool changed = false;
    GOSS_TRY(think(c, err));
    if (learns(c->agent)) GOSS_TRY(goss__learner_learn(c, &changed, err));
    if (changed) GOSS_TRY(think(c, err));
    if (c->agent->o.sees == GOSS_AGENT_HISTORY) c->state = goss_exec_output(c->exec, 2, NULL);
    return GOSS_OK;
}

/* An action of probabilities softmax(logits), or the first of the largest; *log_p: its log probability. */
static int choose_one(const float *logits, int n, goss__rng *rng, double *log_p) {
    double most = (double)logits[0], sum = 0;
    int best = 0;
    for (int k = 1; k < n; k++)
        if ((double)logits[k] > most) most = (double)logits[k], best = k;
    for (int k = 0; k < n; k++) sum += exp((double)logits[k] - most);
    int chosen = best;
    if (rng) {
        double u = goss__rng_uniform(rng) * sum;
        for (chosen = 0; chosen < n - 1; chosen++)
            if ((u -= exp((double)logits[chosen] - most)) < 0) break;
    }
    *log_p = (double)logits[chosen] - most - log(sum);
    return chosen;
}

static double draw_controls(const goss__actor *c, const float *mean, goss__rng *rng, float *out) {
    double log_p = 0;
    for (int k = 0; k < c->agent->actions; k++) {
        const double noise = rng ? goss__rng_normal(rng) : 0, deviation = exp((double)c->spread[k]);
        out[k] = (float)((double)mean[k] + deviation * noise);
        log_p -= 0.5 * noise * noise + (double)c->spread[k] + 0.5 * log(2 * M_PI);
    }
    return log_p;
}

void goss__actor_choose(goss__actor *c, bool sample, uint64_t seed, uint64_t number, float *log_p) {
    const int n = c->agent->actions;
    for (int i = 0; i < c->lives; i++) {
        const uint64_t of[2] = {number, (uint64_t)i};
        goss__rng rng = goss__rng_make(seed, goss__hash64(of, sizeof of, 0x616374)); /* "act" */
        const float *output = c->output + (size_t)i * (size_t)n;
        float *taken = c->taken + (size_t)i * (size_t)n;
        double p;
        /* A gradient needs actions that differ, whatever is done afterwards. */
        const bool draws = sample || (learns(c->agent) && !c->learner.learned[i]);
        if (c->agent->discrete) {
            const int chosen = choose_one(output, n, draws ? &rng : NULL, &p);
            for (int k = 0; k < n; k++) taken[k] = k == chosen;
            c->actions[i] = (float)chosen;
        } else {
            p = draw_controls(c, output, draws ? &rng : NULL, taken);
            memcpy(c->actions + (size_t)i * (size_t)n, taken, (size_t)n * sizeof *taken);
        }
        if (log_p) log_p[i] = (float)p;
    }
}

/* What was: action, reward, whether an episode begins. */
static void carry(goss__actor *c, const goss_envs_view *v, int i) {
    const goss_agent *a = c->agent;
    float *before = c->before + (size_t)i * (size_t)a->before;
    memcpy(before, c->taken + (size_t)i * (size_t)a->actions, (size_t)a->actions * sizeof *before);
    for (int k = 0; !a->discrete && k < a->actions; k++) before[k] = fminf(1, fmaxf(-1, before[k]));
    before[a->before - 2] = v->reward[i], before[a->before - 1] = v->ended[i];
    c->fresh[i] = 0;
    see(c, i);
}

/* What a step that learners note was like before it is taken. */
static void keep_before(goss__actor *c) {
    const goss_envs_view v = goss_envs_look(c->envs);
    const size_t n = (size_t)c->lives;
    memcpy(c->seen, c->observation, n * (size_t)c->agent->observations * sizeof(float));
    memcpy(c->episode, v.episode, n * sizeof *c->episode), memcpy(c->over, v.over, n);
}

goss_status goss__actor_check(goss__actor *c, goss_error *err) {
    const int each = c->agent->actions, n = c->lives * each;
    for (int i = 0; i < n; i++) c->diverged |= !isfinite(c->output[i]) || !isfinite(c->taken[i]);
    for (int k = 0; !c->agent->discrete && k < each; k++) c->diverged |= !isfinite(expf(c->spread[k]));
    if (!c->diverged) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NUMERIC,
                          "the policy's actions are not finite, its weights are too large: train anew in another "
                          "run.dir with a smaller optimizer.rate, or a smaller optimizer.clip_norm above 0");
}

goss_status goss__actor_move(goss__actor *c, goss_error *err) {
    GOSS_TRY(goss__actor_check(c, err));
    if (learns(c->agent)) keep_before(c);
    if (c->state) memcpy(c->memory, c->state, (size_t)c->lives * (size_t)c->agent->o.memory * sizeof(float));
    GOSS_TRY(goss_envs_step(c->envs, c->actions, err));
    const goss_envs_view v = goss_envs_look(c->envs);
    for (int i = 0; i < c->lives; i++) carry(c, &v, i);
    if (learns(c->agent)) goss__learner_note(c, c->episode, c->over);
    return GOSS_OK;
}

/* Thinks once with the states in which episodes ended in place of the present ones. */
goss_status goss__actor_value_at_end(goss__actor *c, float *out, goss_error *err) {
    const goss_agent *a = c->agent;
    const goss_envs_view v = goss_envs_look(c->envs);
    for (int i = 0; i < c->lives; i++) {
        const size_t at = (size_t)i * (size_t)a->observations;
        if (v.ended[i]) goss__agent_normalize(a, v.ended_at + at, c->observation + at);
    }
    GOSS_TRY(goss__actor_think(c, err));
    memcpy(out, c->value, (size_t)c->lives * sizeof *out);
    for (int i = 0; i < c->lives; i++) see(c, i);
    return GOSS_OK;
}
