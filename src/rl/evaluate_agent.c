/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate_agent.c: returns of an agent in tasks, by episode of its life. */
#include <string.h>

#include "base/alloc.h"
#include "rl/agent.h"

enum { LIVES = 256, LIVES_OF_IMAGES = 32 }; /* side by side */

typedef struct evaluation {
    const goss_agent_evaluation *o;
    goss__actor actor;
    double *out;
    goss_status (*show)(void *context, const goss_agent_moment *m, goss_error *err);
    void *context;
    float *observation; /* of life 0, before a step */
} evaluation;

static goss_status show_first(evaluation *e, goss_error *err) {
    const goss_envs_view v = goss_envs_look(e->actor.envs);
    if (!e->show) return GOSS_OK;
    const goss_agent_moment m = {.envs = e->actor.envs, .observation = v.observation};
    return e->show(e->context, &m, err);
}

/* One step of the lives of tasks first .. first + n - 1; whether any goes on. */
static goss_status step(evaluation *e, int first, int n, uint64_t number, bool *any, goss_error *err) {
    goss__actor *c = &e->actor;
    const int episodes = goss_envs_episodes(c->envs);
    const goss_envs_view before = goss_envs_look(c->envs);
    const int taken = before.step[0] + 1;
    int32_t at[LIVES];
    uint8_t over[LIVES];
    memcpy(at, before.episode, (size_t)c->lives * sizeof *at), memcpy(over, before.over, (size_t)c->lives);
    if (e->show) memcpy(e->observation, before.observation, (size_t)c->agent->observations * sizeof(float));
    GOSS_TRY(goss__actor_think(c, err));
    goss__actor_choose(c, e->o->sample, e->o->seed, number, NULL);
    GOSS_TRY(goss__actor_move(c, err));
    const goss_envs_view v = goss_envs_look(c->envs);
    *any = false;
    for (int i = 0; i < n; i++) {
        if (!over[i]) e->out[(size_t)(first + i) * (size_t)episodes + (size_t)at[i]] += (double)v.reward[i];
        *any |= !v.over[i];
    }
    if (!e->show || first > 0 || over[0]) return GOSS_OK;
    const goss_agent_moment m = {c->envs, at[0], taken, e->observation, c->actions, (double)v.reward[0]};
    return e->show(e->context, &m, err);
}

static goss_status run(evaluation *e, goss_error *err) {
    const int tasks = e->o->tasks, lives = e->actor.lives;
    for (int first = 0; first < tasks; first += lives) {
        const int n = tasks - first < lives ? tasks - first : lives;
        bool any = true;
        goss__actor_begin_all(&e->actor, (uint64_t)first);
        if (first == 0) GOSS_TRY(show_first(e, err));
        for (uint64_t t = 0; any; t++) GOSS_TRY(step(e, first, n, ((uint64_t)first << 24) + t, &any, err));
    }
    return GOSS_OK;
}

goss_status goss_agent_evaluate(const goss_agent *a, const goss_agent_evaluation *o, double *out,
                                goss_status (*show)(void *context, const goss_agent_moment *m, goss_error *err),
                                void *context, goss_error *err) {
    evaluation e = {.o = o, .out = out, .show = show, .context = context};
    goss_threads *threads = NULL;
    goss_params *params = NULL;
    if (o->tasks < 1) return goss_error_set(err, GOSS_E_ARGUMENT, "%d tasks: wanted at least 1", o->tasks);
    const int most = a->family.kind->shape[0] ? LIVES_OF_IMAGES : LIVES;
    const goss_envs_options envs = {.count = o->tasks < most ? o->tasks : most,
                                    .episodes = o->episodes,
                                    .seed = o->seed,
                                    .held_out = o->held_out,
                                    .threads = o->threads};
    goss_status s = goss_threads_new(o->threads, &threads, err);
    if (s == GOSS_OK) s = goss_params_new(GOSS_F32, &params, err);
    if (s == GOSS_OK) s = goss__actor_open(&e.actor, a, &a->family, &envs, params, threads, err);
    if (s == GOSS_OK) {
        goss_params_set(params, goss_params_find(params, GOSS__AGENT), a->weights);
        goss__actor_spread(&e.actor, a->weights);
        memset(out, 0, (size_t)o->tasks * (size_t)goss_envs_episodes(e.actor.envs) * sizeof *out);
        if (!(e.observation = goss__calloc((size_t)a->observations, sizeof(float))))
            s = goss_error_set(err, GOSS_E_NOMEM, "no memory for an observation");
        if (s == GOSS_OK) s = run(&e, err);
        goss__actor_close(&e.actor);
    }
    goss__free(e.observation);
    goss_params_free(params), goss_threads_free(threads);
    return s;
}
