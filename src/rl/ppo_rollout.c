/* SPDX-License-Identifier: Apache-2.0 */
/* ppo_rollout.c: lives are begun anew every `carry` iterations. Nothing but weights and moments outlives that: a run
 * that is resumed there comes to the same bits. A life that is over is followed by one in another task. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "rl/ppo.h"

static float *numbers(size_t lives, size_t steps, int each) {
    return goss__calloc(lives * steps * (size_t)each + 1, sizeof(float));
}

bool goss__ppo_carries(const goss_agent *a, const goss__ppo_settings *s) {
    return s->carry > 1 && a->o.sees == GOSS_AGENT_HISTORY;
}

goss_status goss__rollout_open(goss__rollout *r, const goss_agent *a, const goss__ppo_settings *s, int lives,
                               goss_error *err) {
    const int steps = s->steps;
    const size_t n = (size_t)lives, l = (size_t)steps;
    *r = (goss__rollout){.lives = lives, .steps = steps};
    r->observation = numbers(n, l, a->observations);
    if (a->o.normalize) r->raw = numbers(n, l, a->observations);
    if (goss__ppo_carries(a, s)) r->memory = numbers(n, 1, a->o.memory);
    if (a->o.sees == GOSS_AGENT_GRADIENT) {
        r->inner = numbers(n, (size_t)goss__agent_support_steps(a), 1);
        r->alive = numbers(n, l, 1), r->learned = numbers(n, l, 1);
        if (!r->inner || !r->alive || !r->learned)
            return goss__rollout_close(r), goss_error_set(err, GOSS_E_NOMEM, "no memory for %d lives", lives);
    }
    r->sum = goss__calloc(n, sizeof *r->sum);
    r->before = numbers(n, l, a->before), r->fresh = numbers(n, l, 1), r->task = numbers(n, l, a->known);
    r->action = numbers(n, l, a->actions), r->log_p = numbers(n, l, 1), r->value = numbers(n, l, 1);
    r->reward = numbers(n, l, 1), r->advantage = numbers(n, l, 1), r->target = numbers(n, l, 1);
    r->next = numbers(n, l, 1), r->last = numbers(n, l, 1);
    if (r->sum && (r->raw || !a->o.normalize) && (r->memory || !goss__ppo_carries(a, s)) && r->observation &&
        r->before && r->fresh && r->task && r->action && r->log_p && r->value && r->reward && r->advantage &&
        r->target && r->next && r->last)
        return GOSS_OK;
    goss__rollout_close(r);
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d lives of %d steps", lives, steps);
}

void goss__rollout_close(goss__rollout *r) {
    float **const all[] = {&r->observation, &r->raw,    &r->before, &r->fresh,     &r->task,   &r->action,
                           &r->log_p,       &r->value,  &r->reward, &r->advantage, &r->target, &r->next,
                           &r->last,        &r->memory, &r->inner,  &r->alive,     &r->learned};
    goss__free(r->sum), r->sum = NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) goss__free(*all[i]), *all[i] = NULL;
}

/* ---- filling ---- */

static void copy(const goss__rollout *r, float *to, int step, const float *from, int each, int i) {
    memcpy(to + ((size_t)i * (size_t)r->steps + (size_t)step) * (size_t)each, from + (size_t)i * (size_t)each,
           (size_t)each * sizeof *to);
}

/* What the network saw and chose. */
static void note_before(goss__rollout *r, const goss__actor *c, int step, const float *log_p) {
    const goss_agent *a = c->agent;
    const goss_envs_view v = goss_envs_look(c->envs);
    for (int i = 0; i < r->lives; i++) {
        if (r->raw) copy(r, r->raw, step, v.observation, a->observations, i);
        copy(r, r->observation, step, c->observation, a->observations, i);
        copy(r, r->before, step, c->before, a->before, i), copy(r, r->fresh, step, c->fresh, 1, i);
        copy(r, r->task, step, c->task, a->known, i), copy(r, r->action, step, c->taken, a->actions, i);
        copy(r, r->log_p, step, log_p, 1, i), copy(r, r->value, step, c->value, 1, i);
        if (!r->alive) continue;
        const size_t at = (size_t)i * (size_t)r->steps + (size_t)step;
        r->alive[at] = !v.over[i], r->learned[at] = !v.over[i] && c->learner.learned[i];
    }
}

/* A life of a single episode that was cut off by the horizon would have gone on: its end is worth what the value says
 * (Pardo et al. 2018). A life of several episodes has a length that belongs to the task. */
static bool goes_on(const goss__actor *c, const goss_envs_view *v, int i) {
    return goss_envs_episodes(c->envs) == 1 && v->over[i] && !v->terminal[i];
}

static goss_status note_after(goss__rollout *r, goss__actor *c, int step, float *at_end, goss_error *err) {
    const goss_envs_view v = goss_envs_look(c->envs);
    bool cut = false;
    for (int i = 0; i < r->lives; i++) cut |= goes_on(c, &v, i);
    if (cut) GOSS_TRY(goss__actor_value_at_end(c, at_end, err));
    for (int i = 0; i < r->lives; i++) {
        const size_t at = (size_t)i * (size_t)r->steps + (size_t)step;
        r->reward[at] = goss__agent_reward(c->agent, v.reward[i]), r->last[at] = v.over[i];
        if (v.over[i]) r->next[at] = goes_on(c, &v, i) ? at_end[i] : 0;
    }
    return GOSS_OK;
}

/* Task numbers: 2^24 for each iteration. */
static uint64_t first_task(uint64_t iteration) { return iteration << 24; }

/* A life that learns by a gradient has an iteration to itself: its steps, and no others, are those of its row.
 * *started: lives of this iteration so far, beyond the first of each. */
static void count_lives(goss__rollout *r, goss__actor *c, int step, uint64_t iteration, uint64_t *started) {
    const goss_envs_view v = goss_envs_look(c->envs);
    for (int i = 0; i < r->lives; i++) {
        r->sum[i] += (double)v.reward[i];
        if (!v.over[i] || (r->alive && r->alive[(size_t)i * (size_t)r->steps + (size_t)step] == 0)) continue;
        r->mean_life += r->sum[i], r->lives_ended++, r->sum[i] = 0;
        if (!r->alive) goss__actor_begin(c, i, first_task(iteration) + (uint64_t)r->lives + (*started)++);
    }
}

/* The value of each step's successor, but for the last of a life: that of the next step, and behind the last step that
 * of the state that was reached. */
static goss_status value_successors(goss__rollout *r, goss__actor *c, goss_error *err) {
    GOSS_TRY(goss__actor_think(c, err));
    for (int i = 0; i < r->lives; i++) {
        const size_t first = (size_t)i * (size_t)r->steps;
        for (int l = 0; l < r->steps; l++)
            if (r->last[first + (size_t)l] == 0)
                r->next[first + (size_t)l] = l + 1 < r->steps ? r->value[first + (size_t)l + 1] : c->value[i];
    }
    return GOSS_OK;
}

static void begin(goss__rollout *r, goss__actor *c, uint64_t iteration, const goss__ppo_settings *s) {
    r->mean_life = 0, r->lives_ended = 0;
    if (iteration % (uint64_t)s->carry == 0) {
        goss__actor_begin_all(c, first_task(iteration));
        memset(r->sum, 0, (size_t)r->lives * sizeof *r->sum);
    }
    if (r->memory) memcpy(r->memory, c->memory, (size_t)r->lives * (size_t)c->agent->o.memory * sizeof *r->memory);
}

static goss_status fill(goss__rollout *r, goss__actor *c, const goss__ppo_settings *s, uint64_t iteration, float *work,
                        goss_error *err) {
    uint64_t started = 0;
    begin(r, c, iteration, s);
    for (int l = 0; l < r->steps; l++) {
        GOSS_TRY(goss__actor_think(c, err));
        goss__actor_choose(c, true, s->seed, (iteration << 24) + (uint64_t)l, work);
        note_before(r, c, l, work);
        GOSS_TRY(goss__actor_move(c, err));
        GOSS_TRY(note_after(r, c, l, work, err));
        count_lives(r, c, l, iteration, &started);
    }
    if (r->inner)
        memcpy(r->inner, c->learner.coefficient, (size_t)r->lives * (size_t)c->learner.steps * sizeof *r->inner);
    r->mean_life = r->lives_ended ? r->mean_life / r->lives_ended : (double)NAN;
    return value_successors(r, c, err);
}

goss_status goss__rollout_fill(goss__rollout *r, goss__actor *c, const goss__ppo_settings *s, uint64_t iteration,
                               goss_error *err) {
    float *work = goss__calloc((size_t)r->lives, sizeof *work);
    goss_status status = work ? fill(r, c, s, iteration, work, err)
                              : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d lives", r->lives);
    goss__free(work);
    return status;
}

void goss__rollout_advantages(goss__rollout *r, double discount, double lambda, double scale) {
    for (int i = 0; i < r->lives; i++) {
        double ahead = 0;
        for (int l = r->steps - 1; l >= 0; l--) {
            const size_t at = (size_t)i * (size_t)r->steps + (size_t)l;
            const double delta = (double)r->reward[at] / scale + discount * (double)r->next[at] - (double)r->value[at];
            ahead = delta + (r->last[at] > 0 ? 0 : discount * lambda * ahead);
            r->advantage[at] = (float)ahead, r->target[at] = (float)(ahead + (double)r->value[at]);
        }
    }
}
