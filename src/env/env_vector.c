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

/* Two at a time: adding one to an exponent of all ones carries into the sign. */
static bool is_finite(const float *v, size_t n) {
    const uint64_t exponents = 0x7f8000007f800000, one = 0x0080000000800000, signs = 0x8000000080000000;
    uint64_t carried = 0;
    for (; n >= 2; n -= 2, v += 2) {
        uint64_t bits;
        memcpy(&bits, v, sizeof bits);
        carried |= (bits & exponents) + one;
    }
    return !(carried & signs) && (n == 0 || isfinite(*v));
}

void goss__env_mark(goss_envs *e, int i) {
    if (!is_finite(goss__env_seen_by(e, e->observation, i), (size_t)kind_of(e)->observations)) e->bad[i] = 1;
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
    memcpy(goss__env_seen_by(e, e->ended_at, i), goss__env_seen_by(e, e->observation, i), size);
    if (e->episode[i] + 1 >= e->o.episodes) {
        e->over[i] = 1;
    } else {
        e->episode[i]++;
        begin_episode(e, i);
    }
}

static const float *action_of(const goss_envs *e, int i) {
    return e->actions + (size_t)i * (size_t)goss__env_action_size(kind_of(e));
}

static void advance(goss_envs *e, int first, int n, double *reward, bool *terminal) {
    const goss_env_kind *k = kind_of(e);
    float *seen = goss__env_seen_by(e, e->observation, first);
    if (k->steps) k->steps(n, parameter_of(e, first), state_of(e, first), action_of(e, first), reward, terminal, seen);
    for (int i = 0; i < n && !k->steps; i++, seen += k->observations) {
        const double *p = parameter_of(e, first + i);
        double *s = state_of(e, first + i);
        reward[i] = k->step(p, s, action_of(e, first + i), &e->random[first + i], &terminal[i]);
        k->observe(p, s, seen);
    }
}

/* Lives first .. first + n - 1, none of which is over: at once where the kind can. */
static void step_run(goss_envs *e, int first, int n) {
    double reward[BLOCK];
    bool terminal[BLOCK];
    memset(terminal, 0, (size_t)n * sizeof *terminal);
    advance(e, first, n, reward, terminal);
    for (int i = 0; i < n; i++) e->reward[first + i] = (float)reward[i], e->step[first + i]++;
    const float *seen = goss__env_seen_by(e, e->observation, first);
    if (!is_finite(e->reward + first, (size_t)n) || !is_finite(seen, (size_t)n * (size_t)kind_of(e)->observations))
        for (int i = first; i < first + n; i++) {
            if (!isfinite(e->reward[i])) e->bad[i] = 1;
            goss__env_mark(e, i);
        }
    for (int i = 0; i < n; i++)
        if (terminal[i] || e->step[first + i] >= e->family.horizon) end_episode(e, first + i, terminal[i]);
}

static void step_block(void *context, int64_t block, int worker) {
    goss_envs *e = context;
    const int first = (int)block * BLOCK, end = first + BLOCK < e->o.count ? first + BLOCK : e->o.count;
    const size_t n = (size_t)(end - first);
    (void)worker;
    memset(e->ended + first, 0, n), memset(e->terminal + first, 0, n), memset(e->reward + first, 0, n * sizeof(float));
    for (int from = first, to; from < end; from = to + 1) {
        const uint8_t *over = memchr(e->over + from, 1, (size_t)(end - from));
        to = over ? (int)(over - e->over) : end;
        if (to > from) step_run(e, from, to - from);
    }
}

/* The number of an action, or finite controls. */
static bool is_action(const goss_env_kind *k, const float *a) {
    if (!k->actions) return is_finite(a, (size_t)k->controls);
    return a[0] >= 0 && a[0] < (float)k->actions && (float)(int)a[0] == a[0];
}

static goss_status check_actions(const goss_envs *e, goss_error *err) {
    const goss_env_kind *k = kind_of(e);
    int i = 0;
    while (i < e->o.count && (e->over[i] || is_action(k, action_of(e, i)))) i++;
    if (i == e->o.count) return GOSS_OK;
    if (k->actions)
        return goss_error_set(err, GOSS_E_ARGUMENT, "environment %s, life %d: action %g is not one of 0 to %d", k->name,
                              i, (double)action_of(e, i)[0], k->actions - 1);
    return goss_error_set(err, GOSS_E_ARGUMENT, "environment %s, life %d: an action that is not finite", k->name, i);
}

static goss_status report_bad(const goss_envs *e, goss_error *err) {
    const goss_env_kind *k = kind_of(e);
    const uint8_t *bad = memchr(e->bad, 1, (size_t)e->o.count);
    if (!bad) return GOSS_OK;
    const int i = (int)(bad - e->bad);
    return goss_error_set(err, GOSS_E_NUMERIC,
                          "environment %s: %s that is not finite in life %d (task %llu), episode %d, step %d", k->name,
                          isfinite(e->reward[i]) ? "an observation" : "a reward", i, (unsigned long long)e->task[i],
                          e->episode[i] + 1, e->step[i]);
}

goss_status goss_envs_step(goss_envs *e, const float *actions, goss_error *err) {
    e->actions = actions;
    GOSS_TRY(check_actions(e, err));
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
