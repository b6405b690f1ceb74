/* SPDX-License-Identifier: Apache-2.0 */
/* agent_adapt.c: an agent comes to know a task, by acting in it or by steps that were recorded. What it knows is then
 * the memory that it begins with, or part of its weights (agent_freeze.c). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "gossamer/table.h"
#include "rl/agent.h"

typedef struct adaptation {
    const goss_agent *a;
    const goss_agent_adaptation *o;
    goss_env_family family; /* of environments */
    goss__actor actor;
    goss_params *params;
    goss_threads *threads;
} adaptation;

/* ---- recorded steps ---- */

typedef struct recording {
    goss_table *table;
    int episode, reward, *action, *x; /* columns */
} recording;

static goss_status number_in(const recording *r, int column, int row, double *out, goss_error *err) {
    char buffer[GOSS_CELL_TEXT];
    int64_t line;
    const char *text = goss_table_text(r->table, column, row, buffer);
    if (goss__number_parse(text, out)) return GOSS_OK;
    goss_table_origin(r->table, row, NULL, &line);
    return goss_error_set(err, GOSS_E_ARGUMENT, "line %lld: %s: \"%.40s\" is no number", (long long)line,
                          goss_table_name(r->table, column), text);
}

static goss_status find_columns(const goss_agent *a, recording *r, goss_error *err) {
    const int actions = a->discrete ? 1 : a->actions;
    r->action = goss__calloc((size_t)actions, sizeof *r->action);
    r->x = goss__calloc((size_t)a->observations, sizeof *r->x);
    if (!r->action || !r->x) return goss_error_set(err, GOSS_E_NOMEM, "no memory for columns");
    GOSS_TRY(goss_table_need(r->table, "episode", "--support", &r->episode, err));
    GOSS_TRY(goss_table_need(r->table, "reward", "--support", &r->reward, err));
    for (int i = 0; i < actions + a->observations; i++) {
        const bool acts = i < actions;
        char name[40];
        snprintf(name, sizeof name,
                 acts && a->discrete ? "action"
                 : acts              ? "action%d"
                                     : "x%d",
                 acts ? i + 1 : i - actions + 1);
        GOSS_TRY(goss_table_need(r->table, name, "--support", acts ? &r->action[i] : &r->x[i - actions], err));
    }
    if (goss_table_rows(r->table) > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "it has no rows");
}

/* A number from 1 on behind `stem`, as in x12; 0: none. */
static int number_behind(const char *name, const char *stem) {
    const size_t n = strlen(stem);
    double v;
    if (strncmp(name, stem, n) != 0 || name[n] < '1' || name[n] > '9') return 0;
    return goss__number_parse(name + n, &v) && v == floor(v) && v < 1e9 ? (int)v : 0;
}

/* Steps of an environment with more observations or controls are none of this agent's. */
static goss_status check_width(const goss_agent *a, const recording *r, goss_error *err) {
    for (int c = 0; c < goss_table_columns(r->table); c++) {
        const char *name = goss_table_name(r->table, c);
        const int x = number_behind(name, "x"), action = number_behind(name, "action");
        if (x > a->observations)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "column %s: the agent's observations have %d numbers, x1 to x%d: these are steps in "
                                  "another environment",
                                  name, a->observations, a->observations);
        if (action > (a->discrete ? 0 : a->actions))
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "column %s: the agent's actions are %s: these are steps in "
                                  "another environment",
                                  name, a->discrete ? "numbers in one column `action`" : "fewer controls");
    }
    return GOSS_OK;
}

/* Episodes are whole numbers that do not fall from row to row. */
static goss_status episode_of(const recording *r, int row, double before, double *out, goss_error *err) {
    int64_t line;
    GOSS_TRY(number_in(r, r->episode, row, out, err));
    if (*out == floor(*out) && *out >= before) return GOSS_OK;
    goss_table_origin(r->table, row, NULL, &line);
    if (*out != floor(*out))
        return goss_error_set(err, GOSS_E_ARGUMENT, "line %lld: episode %g is no whole number", (long long)line, *out);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "line %lld: episode %g after episode %g: rows are in the order of the "
                          "steps",
                          (long long)line, *out, before);
}

static goss_status take_action(adaptation *d, const recording *r, int row, goss_error *err) {
    const goss_agent *a = d->a;
    double v;
    for (int i = 0; i < (a->discrete ? 1 : a->actions); i++) {
        GOSS_TRY(number_in(r, r->action[i], row, &v, err));
        if (!a->discrete) {
            d->actor.taken[i] = (float)fmin(1, fmax(-1, v));
            continue;
        }
        int64_t line;
        goss_table_origin(r->table, row, NULL, &line);
        if (v != floor(v) || v < 0 || v >= a->actions)
            return goss_error_set(err, GOSS_E_ARGUMENT, "line %lld: action %g is not one of 0 to %d", (long long)line,
                                  v, a->actions - 1);
        for (int k = 0; k < a->actions; k++) d->actor.taken[k] = k == (int)v;
    }
    return GOSS_OK;
}

/* Thinks once with the observation of a row; before, or after it: its action and its reward were what was before. */
static goss_status think_of(adaptation *d, const recording *r, int row, float *raw, goss_error *err) {
    const goss_agent *a = d->a;
    double v;
    for (int i = 0; i < a->observations; i++) {
        GOSS_TRY(number_in(r, r->x[i], row, &v, err));
        raw[i] = (float)v;
    }
    goss__agent_normalize(a, raw, d->actor.observation);
    GOSS_TRY(goss__actor_think(&d->actor, err));
    memcpy(d->actor.memory, d->actor.state, (size_t)a->o.memory * sizeof(float));
    d->actor.fresh[0] = 0;
    return GOSS_OK;
}

static goss_status read_rows(adaptation *d, const recording *r, float *raw, goss_error *err) {
    const goss_agent *a = d->a;
    const int n = goss_table_rows(r->table);
    double episode, next, reward;
    GOSS_TRY(episode_of(r, 0, -INFINITY, &next, err));
    for (int row = 0; row < n; row++) {
        GOSS_TRY(think_of(d, r, row, raw, err));
        GOSS_TRY(take_action(d, r, row, err));
        GOSS_TRY(number_in(r, r->reward, row, &reward, err));
        episode = next++;
        if (row + 1 < n) GOSS_TRY(episode_of(r, row + 1, episode, &next, err));
        memcpy(d->actor.before, d->actor.taken, (size_t)a->actions * sizeof(float));
        d->actor.before[a->before - 2] = goss__agent_reward(a, (float)reward),
                                    d->actor.before[a->before - 1] = next != episode;
    }
    /* The last reward is known when another episode begins, as the first one did. */
    return d->o->fixed ? think_of(d, r, 0, raw, err) : GOSS_OK;
}

static goss_status read_support(adaptation *d, goss_error *err) {
    const goss_table_options o = goss_table_options_defaults();
    recording r = {0};
    float *raw = goss__calloc((size_t)d->a->observations, sizeof *raw);
    goss_status s = raw ? goss_table_open(d->o->support, &o, &r.table, err)
                        : goss_error_set(err, GOSS_E_NOMEM, "no memory for observations");
    if (s == GOSS_OK) {
        s = find_columns(d->a, &r, err);
        if (s == GOSS_OK) s = check_width(d->a, &r, err);
        if (s == GOSS_OK) s = read_rows(d, &r, raw, err);
        s = goss_error_prefix(err, s, "%s", d->o->support);
    }
    goss_table_close(r.table);
    goss__free(r.action), goss__free(r.x), goss__free(raw);
    return s;
}

/* ---- acting ---- */

static goss_status act(adaptation *d, double *returns, goss_error *err) {
    goss__actor *c = &d->actor;
    for (int i = 0; returns && i < d->o->episodes; i++) returns[i] = 0;
    for (uint64_t t = 0; goss_envs_look(c->envs).episode[0] < d->o->episodes; t++) {
        const int episode = goss_envs_look(c->envs).episode[0];
        GOSS_TRY(goss__actor_think(c, err));
        goss__actor_choose(c, d->o->sample, d->o->seed, t, NULL);
        GOSS_TRY(goss__actor_move(c, err));
        if (returns) returns[episode] += (double)goss_envs_look(c->envs).reward[0];
    }
    if (d->o->fixed || d->a->o.sees == GOSS_AGENT_GRADIENT) GOSS_TRY(goss__actor_think(c, err));
    /* The family of what comes of it is this task. */
    const double *parameter = goss_envs_look(c->envs).parameter;
    for (int i = 0; i < d->family.kind->named; i++) d->family.low[i] = d->family.high[i] = parameter[i];
    return GOSS_OK;
}

/* ---- all of it ---- */

static goss_status check(const goss_agent *a, const goss_agent_adaptation *o, goss_error *err) {
    if (a->o.sees == GOSS_AGENT_NOTHING)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "the agent sees nothing of its task (agent.sees = nothing): there is nothing to adapt");
    if (o->fixed && a->o.sees != GOSS_AGENT_HISTORY)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "fix is for agents that see history; of this one the policy is written as weights in any "
                              "case");
    if (o->support && goss__agent_is_told(a))
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "the agent is told its task's parameters (agent.sees = task or id), which recorded steps "
                              "do not hold: set them instead (--set KEY=VALUE)");
    if (a->o.sees == GOSS_AGENT_GRADIENT && (o->support || o->episodes < a->o.support))
        return goss_error_set(
            err, GOSS_E_UNSUPPORTED,
            "the agent learns by a step on the first %d episodes of its life (agent.sees = gradient): "
            "let it act in as many, --episodes %d",
            a->o.support, a->o.support);
    if (o->episodes < 0 || o->episodes > 100000)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d episodes: wanted 0 to 100000", o->episodes);
    return GOSS_OK;
}

static goss_status open_actor(adaptation *d, goss_error *err) {
    const goss_envs_options envs = {
        .count = 1, .episodes = d->o->episodes + 1, .seed = d->o->seed, .held_out = true, .threads = 1};
    GOSS_TRY(goss_threads_new(1, &d->threads, err));
    GOSS_TRY(goss_params_new(GOSS_F32, &d->params, err));
    GOSS_TRY(goss__actor_open(&d->actor, d->a, &d->family, &envs, d->params, d->threads, err));
    goss_params_set(d->params, goss_params_find(d->params, GOSS__AGENT), d->a->weights);
    goss__actor_spread(&d->actor, d->a->weights);
    goss__actor_begin_all(&d->actor, 0);
    return GOSS_OK;
}

/* What comes of what the actor knows now. */
static goss_status become(const adaptation *d, goss_agent **out, goss_error *err) {
    const goss_agent *a = d->a;
    if (a->o.sees == GOSS_AGENT_GRADIENT)
        return goss__agent_freeze_weights(a, d->actor.learner.slab, &d->family, out, err);
    if (goss__agent_is_told(a)) return goss__agent_freeze(a, d->actor.task, &d->family, out, err);
    if (d->o->fixed) return goss__agent_freeze(a, d->actor.state, &d->family, out, err);
    return goss__agent_continue(a, d->actor.memory, d->actor.before, &d->family, out, err);
}

goss_status goss_agent_adapt(const goss_agent *a, const goss_agent_adaptation *o, double *returns, goss_agent **out,
                             goss_error *err) {
    adaptation d = {.a = a, .o = o, .family = o->family ? *o->family : a->family};
    *out = NULL;
    GOSS_TRY(check(a, o, err));
    goss_status s = open_actor(&d, err);
    if (s == GOSS_OK) s = o->support ? read_support(&d, err) : act(&d, returns, err);
    if (s == GOSS_OK) s = become(&d, out, err);
    goss__actor_close(&d.actor);
    goss_params_free(d.params), goss_threads_free(d.threads);
    if (s != GOSS_OK) goss_agent_free(*out), *out = NULL;
    return s;
}
