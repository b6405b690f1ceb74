/* SPDX-License-Identifier: Apache-2.0 */
/* agent_train.c: the loop of an agent's run: iterations, validations on held-out tasks, checkpoints. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/os.h"
#include "base/stop.h"
#include "gossamer/interval.h"
#include "io/metrics.h"
#include "rl/agent_run.h"

typedef struct run {
    const goss_agent_run *o;
    goss__agent_settings set;
    goss_agent *agent;
    goss__ppo *ppo;
    goss_threads *threads;
    goss__metrics *metrics;
    char *identity;
    int lock;
    goss__agent_state state;
    goss_agent_progress now;
    double started, seconds_before, saved_at;
    int64_t frames_before;
    double *returns; /* of validations */
} run;

static int64_t frames_each(const run *r) { return (int64_t)r->set.ppo.lives * r->set.ppo.steps; }

/* Whole rounds of lives: only between those is there nothing that a checkpoint does not hold. */
static int64_t iterations_of(const run *r) {
    const int64_t round = frames_each(r) * r->set.ppo.carry;
    return (r->set.frames + round - 1) / round * r->set.ppo.carry;
}
static bool between_rounds(const run *r) { return r->state.iteration % r->set.ppo.carry == 0; }

static int episodes_of(const run *r) {
    return r->set.ppo.episodes ? r->set.ppo.episodes : goss_agent_family(r->agent)->kind->episodes;
}

/* ---- files ---- */

static goss_status path_in(const run *r, const char *name, char out[4200], goss_error *err) {
    if (snprintf(out, 4200, "%s/%s", r->set.dir, name) < 4200) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "run.dir: the path is too long");
}

static goss_status keep(run *r, goss_error *err) {
    char path[4200];
    goss__ppo_export(r->ppo);
    GOSS_TRY(path_in(r, "model.safetensors", path, err));
    return goss_agent_save(r->agent, path, err);
}

static goss_status save(run *r, goss_error *err) {
    r->saved_at = goss__now();
    return goss__agent_checkpoint_write(r->set.dir, r->agent, goss__ppo_params(r->ppo), &r->state, r->identity, err);
}

static goss_status write_config(const run *r, const goss_config *c, goss_error *err) {
    char path[4200], *text = goss_config_write(c);
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "no memory for settings");
    goss_status s = path_in(r, "config.ini", path, err);
    if (s == GOSS_OK) s = goss__write_file(path, text, strlen(text), err);
    goss_config_text_free(text);
    return s;
}

/* ---- a step of the run ---- */

static goss_status validate(run *r, goss_error *err) {
    const int tasks = r->set.validate_tasks, episodes = episodes_of(r);
    const goss_agent_evaluation e = {.tasks = tasks,
                                     .episodes = r->set.ppo.episodes,
                                     .seed = r->set.ppo.seed,
                                     .held_out = true,
                                     .threads = r->set.ppo.threads};
    double sum = 0;
    goss__ppo_export(r->ppo);
    GOSS_TRY(goss_agent_evaluate(r->agent, &e, r->returns, NULL, NULL, err));
    for (int i = 0; i < tasks * episodes; i++) sum += r->returns[i];
    r->now.validation = sum / tasks, r->now.validated = true;
    if (r->state.has_best && !(r->now.validation > r->state.best)) return GOSS_OK;
    r->state.has_best = true, r->state.best = r->now.validation;
    return keep(r, err);
}

static goss_status log_line(run *r, const goss__ppo_result *x, double rate, goss_error *err) {
    goss__metrics_begin(r->metrics, r->state.iteration);
    goss__metrics_number(r->metrics, "frames", (double)goss_agent_frames(r->agent));
    goss__metrics_number(r->metrics, "seconds", r->state.seconds);
    goss__metrics_number(r->metrics, "life", x->life);
    goss__metrics_number(r->metrics, "loss", x->loss);
    goss__metrics_number(r->metrics, "entropy", x->entropy);
    goss__metrics_number(r->metrics, "rate", rate);
    if (r->now.validated) goss__metrics_number(r->metrics, "validation", r->now.validation);
    return goss__metrics_end(r->metrics, err);
}

static void tell(run *r, const goss__ppo_result *x) {
    const double here = goss__now() - r->started;
    r->now.iteration = r->state.iteration, r->now.frames = goss_agent_frames(r->agent);
    r->now.most_frames = iterations_of(r) * frames_each(r);
    r->now.loss = x->loss, r->now.entropy = x->entropy, r->now.life = x->life;
    r->now.best = r->state.has_best ? r->state.best : (double)NAN;
    r->now.seconds = r->state.seconds;
    r->now.frames_per_second = here > 0 ? (double)(r->now.frames - r->frames_before) / here : 0;
    if (r->o->progress) r->o->progress(r->o->context, &r->now);
}

static bool is_over(const run *r) {
    return between_rounds(r) &&
           (r->state.iteration >= iterations_of(r) || (r->set.minutes > 0 && r->state.seconds >= 60 * r->set.minutes));
}

static goss_status one_iteration(run *r, goss_error *err) {
    goss__ppo_result x;
    const double part = (double)r->state.iteration / (double)iterations_of(r);
    const double rate = r->set.ppo.rate * (1 - part * (1 - r->set.ppo.floor));
    GOSS_TRY(goss__ppo_iterate(r->ppo, (uint64_t)r->state.iteration, rate, &x, err));
    r->state.iteration++;
    r->state.seconds = r->seconds_before + goss__now() - r->started;
    r->now.validated = false;
    const int64_t every = r->set.validate_every;
    if (every > 0 && (r->state.iteration % every == 0 || is_over(r))) GOSS_TRY(validate(r, err));
    if (r->state.iteration % r->set.log_every == 0 || r->now.validated) GOSS_TRY(log_line(r, &x, rate, err));
    tell(r, &x);
    return GOSS_OK;
}

/* Where a round of several iterations is cut short its beginning is what a resumed run goes on from. */
static goss_status interrupted(run *r, goss_error *err) {
    const int64_t at = r->state.iteration - r->state.iteration % r->set.ppo.carry;
    if (between_rounds(r)) GOSS_TRY(save(r, err));
    return goss_error_set(err, GOSS_E_INTERRUPTED,
                          "stopped at iteration %lld; the same command resumes from iteration %lld",
                          (long long)r->state.iteration, (long long)at);
}

/* An environment that breaks costs no more than the iteration in which it did; numbers that are not finite leave the
 * agent that was validated best. */
static goss_status broken(run *r, goss_status s, goss_error *err) {
    const goss_error why = *err;
    if (s == GOSS_E_NUMERIC && !goss__ppo_torn(r->ppo)) (void)!goss__ppo_check(r->ppo, NULL); /* or in a validation */
    if (goss__ppo_torn(r->ppo) && r->state.has_best)
        return goss_error_set(err, s,
                              "%s. The best agent so far, with a return of %.4g on held-out tasks, is kept: "
                              "%s/model.safetensors",
                              why.text, r->state.best, r->set.dir);
    if (goss__ppo_torn(r->ppo) || !between_rounds(r) || save(r, err) != GOSS_OK) return *err = why, s;
    return goss_error_set(err, s, "%s. The run is saved at iteration %lld; the same command resumes it", why.text,
                          (long long)r->state.iteration);
}

static goss_status all_iterations(run *r, goss_error *err) {
    while (!is_over(r)) {
        if (goss__stop_asked(r->o->stop)) return interrupted(r, err);
        const goss_status s = one_iteration(r, err);
        if (s != GOSS_OK) return broken(r, s, err);
        const bool due = r->set.ppo.carry > 1 || goss__now() - r->saved_at >= 60 * r->set.checkpoint_minutes;
        if (due && between_rounds(r)) GOSS_TRY(save(r, err));
    }
    const goss_status s = goss__ppo_check(r->ppo, err);
    if (s != GOSS_OK) return broken(r, s, err);
    if (r->set.validate_every == 0 || !r->state.has_best) GOSS_TRY(keep(r, err));
    r->state.finished = true;
    return save(r, err);
}

/* ---- life ---- */

static goss_status begin(run *r, const goss_config *c, goss_error *err) {
    char path[4200];
    bool found;
    GOSS_TRY(goss__agent_checkpoint_read(r->set.dir, r->agent, goss__ppo_params(r->ppo), &r->state, r->identity, &found,
                                         err));
    GOSS_TRY(write_config(r, c, err));
    GOSS_TRY(path_in(r, "metrics.jsonl", path, err));
    GOSS_TRY(goss__metrics_open(path, found ? r->state.iteration : -1, &r->metrics, err));
    if (found) goss__log(GOSS_LOG_INFO, "going on from iteration %lld", (long long)r->state.iteration);
    r->seconds_before = r->state.seconds, r->frames_before = goss_agent_frames(r->agent);
    r->started = r->saved_at = goss__now();
    return found ? GOSS_OK : save(r, err);
}

goss_status goss_agent_plan(const goss_config *c, const goss_env_kind *own, goss_agent **out, int64_t *frames,
                            goss_error *err) {
    goss__agent_settings set;
    goss_env_family family;
    *out = NULL;
    GOSS_TRY(goss__agent_settings_read(c, own, &set, &family, err));
    *frames = (int64_t)set.ppo.lives * set.ppo.steps;
    GOSS_TRY(goss__agent_make(&set, &family, out, err));
    char *identity = goss__agent_identity(c);
    const goss_status s = identity ? goss__agent_folder_check(set.dir, identity, err)
                                   : goss_error_set(err, GOSS_E_NOMEM, "no memory for settings");
    goss__free(identity);
    if (s != GOSS_OK) goss_agent_free(*out), *out = NULL;
    return s;
}

static goss_status open_run(run *r, const goss_config *c, goss_error *err) {
    goss_env_family family;
    GOSS_TRY(goss__agent_settings_read(c, r->o->own, &r->set, &family, err));
    GOSS_TRY(goss__agent_make(&r->set, &family, &r->agent, err));
    r->identity = goss__agent_identity(c);
    r->returns = goss__calloc((size_t)r->set.validate_tasks * (size_t)episodes_of(r), sizeof *r->returns);
    if (!r->identity || !r->returns) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a run");
    GOSS_TRY(goss_threads_new(r->set.ppo.threads, &r->threads, err));
    GOSS_TRY(goss__ppo_open(r->agent, &r->set.ppo, r->threads, &r->ppo, err));
    return goss__agent_folder(r->set.dir, &r->lock, err);
}

goss_status goss_agent_train(const goss_config *c, const goss_agent_run *o, goss_agent_progress *last,
                             goss_error *err) {
    static const goss_agent_run nothing = {0};
    goss_error unseen; /* what broke a run is part of later messages */
    if (!err) err = &unseen;
    run r = {.o = o ? o : &nothing, .lock = -1, .now = {.validation = NAN, .best = NAN, .life = NAN}};
    goss_status s = open_run(&r, c, err);
    if (s == GOSS_OK) s = begin(&r, c, err);
    if (s == GOSS_OK) s = all_iterations(&r, err);
    r.now.best = r.state.has_best ? r.state.best : (double)NAN, r.now.iteration = r.state.iteration;
    if (r.agent) r.now.frames = goss_agent_frames(r.agent);
    r.now.seconds = r.state.seconds;
    if (last) *last = r.now;
    goss__metrics_close(r.metrics);
    goss__ppo_close(r.ppo), goss_threads_free(r.threads), goss_agent_free(r.agent);
    goss__free(r.identity), goss__free(r.returns);
    goss__unlock_dir(r.lock);
    return s;
}
