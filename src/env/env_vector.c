/* SPDX-License-Identifier: Apache-2.0 */
/* env_vector.c: many lives side by side. Each has arrays and a random stream of its own, so that threads may take any
 * of them; blocks of them are one piece of work, since a step takes some tens of nanoseconds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "env/env.h"

enum { BLOCK = 256 }; /* lives a piece of work */

static const goss_env_kind *kind_of(const goss_envs *e) { return e->family.kind; }
static double *parameter_of(const goss_envs *e, int i) {
    return e->parameter + (size_t)i * (size_t)kind_of(e)->parameters;
}
static double *state_of(const goss_envs *e, int i) { return e->state + (size_t)i * (size_t)kind_of(e)->state; }

/* ---- life ---- */

static bool all_there(const goss_envs *e) {
    return e->random && e->task && e->observation && e->ended_at && e->reward && e->ended && e->terminal && e->over &&
           e->bad && e->episode && e->step && e->parameter && e->state && e->call;
}

static goss_status make(goss_envs *e, goss_error *err) {
    const goss_env_kind *k = kind_of(e);
    const size_t n = (size_t)e->o.count, seen = n * (size_t)k->observations;
    e->random = goss__calloc(n, sizeof *e->random), e->task = goss__calloc(n, sizeof *e->task);
    e->observation = goss__calloc(seen, sizeof *e->observation), e->ended_at = goss__calloc(seen, sizeof *e->ended_at);
    e->reward = goss__calloc(n, sizeof *e->reward);
    e->ended = goss__calloc(n, 1), e->terminal = goss__calloc(n, 1), e->over = goss__calloc(n, 1);
    e->bad = goss__calloc(n, 1);
    e->episode = goss__calloc(n, sizeof *e->episode), e->step = goss__calloc(n, sizeof *e->step);
    e->parameter = goss__calloc(n * (size_t)k->parameters + 1, sizeof *e->parameter);
    e->state = goss__calloc(n * (size_t)k->state + 1, sizeof *e->state);
    e->call = goss__calloc(k->many ? n : 1, sizeof *e->call);
    if (!all_there(e)) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d environments", e->o.count);
    if (k->many) GOSS_TRY(k->many->open(k->context, e->o.count, &e->lives, err));
    return goss__pool_create(e->o.threads, &e->pool, err);
}

goss_status goss_envs_new(const goss_env_family *f, const goss_envs_options *o, goss_envs **out, goss_error *err) {
    goss_env_family checked;
    *out = NULL;
    GOSS_TRY(goss_env_family_own(f->kind, &checked, err));
    if (o->count < 1 || o->count > 1 << 24)
        return goss_error_set(err, GOSS_E_ARGUMENT, "environments: %d side by side is not from 1 to 2^24", o->count);
    if (o->episodes < 0 || f->horizon < 1)
        return goss_error_set(err, GOSS_E_ARGUMENT, "environment %s: %d episodes of %d steps", f->kind->name,
                              o->episodes, f->horizon);
    goss_envs *e = goss__calloc(1, sizeof *e);
    if (!e) return goss_error_set(err, GOSS_E_NOMEM, "no memory for environments");
    e->family = *f, e->o = *o;
    if (e->o.episodes == 0) e->o.episodes = f->kind->episodes;
    goss_status s = make(e, err);
    if (s != GOSS_OK) return goss_envs_free(e), s;
    goss_envs_begin_all(e, 0);
    *out = e;
    return GOSS_OK;
}

void goss_envs_free(goss_envs *e) {
    if (!e) return;
    goss__pool_destroy(e->pool);
    if (e->lives) kind_of(e)->many->close(e->lives);
    goss__free(e->random), goss__free(e->task), goss__free(e->observation), goss__free(e->ended_at);
    goss__free(e->reward), goss__free(e->ended), goss__free(e->terminal), goss__free(e->over), goss__free(e->bad);
    goss__free(e->episode), goss__free(e->step), goss__free(e->parameter), goss__free(e->state), goss__free(e->call),
        goss__free(e->canvas.rgb);
    goss__free(e);
}

/* ---- episodes ---- */

static bool is_finite(const float *v, int n) {
    for (int i = 0; i < n; i++)
        if (!isfinite(v[i])) return false;
    return true;
}

void goss__env_mark(goss_envs *e, int i) {
    if (!is_finite(goss__env_seen_by(e, e->observation, i), kind_of(e)->observations)) e->bad[i] = 1;
}

static void observe(goss_envs *e, int i) {
    kind_of(e)->observe(parameter_of(e, i), state_of(e, i), goss__env_seen_by(e, e->observation, i));
    goss__env_mark(e, i);
}

static void begin_episode(goss_envs *e, int i) {
    e->step[i] = 0;
    kind_of(e)->reset(parameter_of(e, i), state_of(e, i), &e->random[i]);
    observe(e, i);
}

static void begin_life(goss_envs *e, int i, uint64_t k) {
    goss_env_task(&e->family, e->o.seed, e->o.held_out, k, parameter_of(e, i));
    e->random[i] = goss__env_stream(e->o.seed, e->o.held_out, k, 2);
    e->task[i] = k, e->episode[i] = 0, e->reward[i] = 0;
    e->ended[i] = e->terminal[i] = e->over[i] = e->bad[i] = 0;
    if (!kind_of(e)->many) begin_episode(e, i);
}

void goss_envs_begin(goss_envs *e, int i, uint64_t k) {
    begin_life(e, i, k);
    if (kind_of(e)->many) goss__many_begin(e, i, 1);
}

typedef struct beginning {
    goss_envs *e;
    uint64_t first;
} beginning;

static void begin_block(void *context, int64_t block, int worker) {
    const beginning *b = context;
    (void)worker;
    for (int i = (int)block * BLOCK; i < b->e->o.count && i < ((int)block + 1) * BLOCK; i++)
        begin_life(b->e, i, b->first + (uint64_t)i);
}

static int64_t blocks_of(const goss_envs *e) { return ((int64_t)e->o.count + BLOCK - 1) / BLOCK; }

void goss_envs_begin_all(goss_envs *e, uint64_t first) {
    goss__pool_run(e->pool, blocks_of(e), begin_block, &(beginning){e, first});
    if (kind_of(e)->many) goss__many_begin(e, 0, e->o.count);
}

/* ---- a step ---- */

static void end_episode(goss_envs *e, int i, bool terminal) {
    const size_t size = (size_t)kind_of(e)->observations * sizeof(float);
    e->ended[i] = 1, e->terminal[i] = terminal;
    observe(e, i);
    memcpy(goss__env_seen_by(e, e->ended_at, i), goss__env_seen_by(e, e->observation, i), size);
    if (e->episode[i] + 1 >= e->o.episodes) {
        e->over[i] = 1;
    } else {
        e->episode[i]++;
        begin_episode(e, i);
    }
}

static void step_one(goss_envs *e, int i) {
    const goss_env_kind *k = kind_of(e);
    const float *action = e->actions + (size_t)i * (size_t)goss__env_action_size(k);
    bool terminal = false;
    e->ended[i] = e->terminal[i] = 0, e->reward[i] = 0;
    if (e->over[i]) return;
    const double reward = k->step(parameter_of(e, i), state_of(e, i), action, &e->random[i], &terminal);
    e->reward[i] = (float)reward;
    if (!isfinite(e->reward[i])) e->bad[i] = 1;
    e->step[i]++;
    if (terminal || e->step[i] >= e->family.horizon)
        end_episode(e, i, terminal);
    else
        observe(e, i);
}

static void step_block(void *context, int64_t block, int worker) {
    goss_envs *e = context;
    (void)worker;
    for (int i = (int)block * BLOCK; i < e->o.count && i < ((int)block + 1) * BLOCK; i++) step_one(e, i);
}

static goss_status check_actions(const goss_envs *e, const float *actions, goss_error *err) {
    const goss_env_kind *k = kind_of(e);
    const int each = goss__env_action_size(k);
    for (int i = 0; i < e->o.count; i++) {
        const float *a = actions + (size_t)i * (size_t)each;
        if (e->over[i]) continue;
        if (k->actions && !(a[0] >= 0 && a[0] < (float)k->actions && a[0] == floorf(a[0])))
            return goss_error_set(err, GOSS_E_ARGUMENT, "environment %s, life %d: action %g is not one of 0 to %d",
                                  k->name, i, (double)a[0], k->actions - 1);
        if (!k->actions && !is_finite(a, each))
            return goss_error_set(err, GOSS_E_ARGUMENT, "environment %s, life %d: an action that is not finite",
                                  k->name, i);
    }
    return GOSS_OK;
}

static goss_status report_bad(const goss_envs *e, goss_error *err) {
    const goss_env_kind *k = kind_of(e);
    int i = 0;
    while (i < e->o.count && !e->bad[i]) i++;
    if (i == e->o.count) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NUMERIC,
                          "environment %s: %s that is not finite in life %d (task %llu), episode %d, step %d", k->name,
                          isfinite(e->reward[i]) ? "an observation" : "a reward", i, (unsigned long long)e->task[i],
                          e->episode[i] + 1, e->step[i]);
}

goss_status goss_envs_step(goss_envs *e, const float *actions, goss_error *err) {
    GOSS_TRY(check_actions(e, actions, err));
    e->actions = actions;
    if (kind_of(e)->many)
        goss__many_step(e);
    else
        goss__pool_run(e->pool, blocks_of(e), step_block, e);
    if (e->status != GOSS_OK) return goss_error_set(err, e->status, "%s", e->error.text);
    return report_bad(e, err);
}

/* ---- what is there ---- */

goss_envs_view goss_envs_look(const goss_envs *e) {
    return (goss_envs_view){e->observation, e->ended_at, e->reward, e->ended,     e->terminal,
                            e->over,        e->episode,  e->step,   e->parameter, kind_of(e)->many ? NULL : e->state};
}

int goss_envs_count(const goss_envs *e) { return e->o.count; }
int goss_envs_episodes(const goss_envs *e) { return e->o.episodes; }

goss_status goss_envs_show(const goss_envs *e, int i, char *out, goss_error *err) {
    const goss_env_kind *k = kind_of(e);
    if (!k->show) return goss_error_set(err, GOSS_E_UNSUPPORTED, "environment %s cannot be shown", k->name);
    char *canvas = goss__calloc((size_t)k->rows * (size_t)k->columns, 1);
    if (!canvas) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a picture");
    memset(canvas, ' ', (size_t)k->rows * (size_t)k->columns);
    k->show(parameter_of(e, i), state_of(e, i), canvas);
    for (int r = 0; r < k->rows; r++) {
        memcpy(out, canvas + r * k->columns, (size_t)k->columns);
        out += k->columns;
        *out++ = '\n';
    }
    *out = 0;
    goss__free(canvas);
    return GOSS_OK;
}
