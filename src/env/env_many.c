/* SPDX-License-Identifier: Apache-2.0 */
/* env_many.c: lives whose states are kept elsewhere (goss_env_many): each step is one call for all that go on, followed
 * by one for those whose next episode begins. */
#include <math.h>
#include <string.h>

#include "env/env.h"

/* ---- errors ---- */

/* The first one stays: what comes after it cannot be trusted. */
static void keep_error(goss_envs *e, goss_status s, int bad, goss_error *err) {
    const char *name = e->family.kind->name;
    e->status = s;
    if (bad < 0) {
        goss_error_prefix(err, s, "environment %s", name);
    } else {
        const int i = e->call[bad].life;
        goss_error_prefix(err, s, "environment %s, life %d (task %llu), episode %d, step %d", name, i,
                          (unsigned long long)e->task[i], e->episode[i] + 1,
                          e->step[i] + (e->call[bad].action != NULL));
    }
    e->error = err ? *err : (goss_error){.status = s};
}

/* ---- first states ---- */

/* A seed below 2^53: a number that all languages can hold. */
static uint64_t seed_of(goss_envs *e, int i) {
    return (uint64_t)(goss_env_uniform(&e->random[i]) * 9007199254740992.0);
}

static void call_reset(goss_envs *e, int n) {
    const goss_env_kind *k = e->family.kind;
    goss_error err;
    int bad = -1;
    if (n == 0 || e->status != GOSS_OK) return;
    for (int c = 0; c < n; c++) {
        const int i = e->call[c].life;
        e->step[i] = 0;
        e->call[c] = (goss_env_call){.life = i,
                                     .seed = seed_of(e, i),
                                     .parameter = e->parameter + (size_t)i * (size_t)k->parameters,
                                     .observation = goss__env_seen_by(e, e->observation, i)};
    }
    const goss_status s = k->many->reset(e->lives, e->call, n, &bad, &err);
    if (s != GOSS_OK) keep_error(e, s, bad, &err);
    for (int c = 0; c < n && s == GOSS_OK; c++) goss__env_mark(e, e->call[c].life);
}

void goss__many_begin(goss_envs *e, int first, int n) {
    for (int c = 0; c < n; c++) {
        e->call[c].life = first + c;
        memset(goss__env_seen_by(e, e->observation, first + c), 0,
               (size_t)e->family.kind->observations * sizeof(float));
    }
    call_reset(e, n);
}

/* ---- a step ---- */

static int call_step(goss_envs *e, goss_status *s) {
    const goss_env_kind *k = e->family.kind;
    goss_error err;
    int n = 0, bad = -1;
    for (int i = 0; i < e->o.count; i++) {
        e->ended[i] = e->terminal[i] = 0, e->reward[i] = 0;
        if (e->over[i]) continue;
        e->call[n++] = (goss_env_call){.life = i,
                                       .action = e->actions + (size_t)i * (size_t)goss__env_action_size(k),
                                       .observation = goss__env_seen_by(e, e->observation, i)};
    }
    *s = n ? k->many->step(e->lives, e->call, n, &bad, &err) : GOSS_OK;
    if (*s != GOSS_OK) keep_error(e, *s, bad, &err);
    return n;
}

/* Whether another episode of the life begins. */
static bool take(goss_envs *e, const goss_env_call *c) {
    const int i = c->life;
    const size_t size = (size_t)e->family.kind->observations * sizeof(float);
    e->reward[i] = c->reward;
    if (!isfinite(c->reward)) e->bad[i] = 1;
    goss__env_mark(e, i);
    e->step[i]++;
    if (c->end == 0 && e->step[i] < e->family.horizon) return false;
    e->ended[i] = 1, e->terminal[i] = c->end == 1;
    memcpy(goss__env_seen_by(e, e->ended_at, i), goss__env_seen_by(e, e->observation, i), size);
    e->over[i] = e->episode[i] + 1 >= e->o.episodes;
    if (!e->over[i] && !e->bad[i]) e->episode[i]++;
    return !e->over[i] && !e->bad[i];
}

void goss__many_step(goss_envs *e) {
    goss_status s = e->status;
    int again = 0;
    const int n = s == GOSS_OK ? call_step(e, &s) : 0;
    for (int c = 0; c < n && s == GOSS_OK; c++)
        if (take(e, &e->call[c])) e->call[again++].life = e->call[c].life;
    call_reset(e, again);
}
