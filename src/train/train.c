/* SPDX-License-Identifier: Apache-2.0 */
/* train.c: the loop: step, log, validate, checkpoint, stop.
 *
 * All decisions of a step (rate, episodes, validation, end) depend on the step's number and on the logged clock,
 * never on the clock itself: a resume replays the log and reproduces the same bits. Files are replaced atomically; a
 * kill at any moment leaves the last checkpoint and its dependencies. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/number.h"
#include "base/os.h"
#include "base/stop.h"
#include "train/run.h"

typedef struct loop {
    goss__run *run;
    const goss_train_options *options;
    double started, seconds_before, saved_at;
    int64_t steps_before;
    int64_t saved_step; /* of the checkpoint that is there */
    bool whole;         /* the state is that after a step: a checkpoint may be written */
    bool interrupted, save_now, saved_steps;
    double validation;
} loop;

/* ---- files of the run ---- */

static goss_status note_number(goss_model *m, const char *name, const char *format, double value, goss_error *err) {
    char text[64];
    goss__format(text, sizeof text, format, value);
    return goss_model_note(m, name, text, err);
}

/* r->model as it is, with how good it is. */
static goss_status keep_model(goss__run *r, const char *name, goss_error *err) {
    char path[4200], text[256];
    GOSS_TRY(note_number(r->model, "train.step", "%.0f", (double)r->state.step, err));
    if (goss__run_has_best(r)) {
        GOSS_TRY(goss_model_note(r->model, "metrics.metric", r->data.metric->name, err));
        GOSS_TRY(note_number(r->model, "metrics.validation", "%.6f", r->state.best, err));
        if (r->state.best_ci95 >= 0) /* one episode has no interval */
            GOSS_TRY(note_number(r->model, "metrics.validation_ci95", "%.6f", r->state.best_ci95, err));
        r->data.kind->validated_on(&r->data, &r->set, text, sizeof text);
        GOSS_TRY(goss_model_note(r->model, "metrics.validated_on", text, err));
    }
    GOSS_TRY(goss__regularizers_keep(&r->regularizers, r->step, r->model, err));
    GOSS_TRY(goss__run_path(r, name, path, err));
    return goss_model_save(r->model, path, err);
}

/* model.safetensors: the best model, or without validation the last one. */
static goss_status publish(goss__run *r, goss_error *err) {
    char path[4200];
    if (!goss__run_has_best(r)) {
        if (r->params) goss__run_export(r);
        return keep_model(r, "model.safetensors", err);
    }
    goss_model *best;
    GOSS_TRY(goss__run_path(r, "best.safetensors", path, err));
    GOSS_TRY(goss_model_load(path, &best, err));
    goss_status s = goss__run_path(r, "model.safetensors", path, err);
    if (s == GOSS_OK) s = goss__run_choose_strengths(r, best, err);
    if (s == GOSS_OK) s = goss_model_save(best, path, err);
    goss_model_free(best);
    return s;
}

static goss_status save(loop *l, goss_error *err) {
    GOSS_TRY(goss__checkpoint_write(l->run, err));
    l->saved_at = goss__now(), l->saved_step = l->run->state.step;
    l->saved_steps = true, l->save_now = false;
    return GOSS_OK;
}

/* ---- between steps ---- */

/* Interval between two readings of the clock: short at first, so that a rate that follows it starts smoothly, and
 * bounded by a share of the whole, so that the end is met. */
static double patience_of(double clock) { return clock < 0.02 ? clock / 8 : 0.0025; }

/* Reads the clock, or replays the reading of an earlier process at this step. Returns true if it was read, which
 * must be logged: steps follow the log alone. `due`: the step is logged anyway. */
static bool look_at_clock(loop *l, bool due) {
    goss__run *r = l->run;
    const double minutes = r->set.train.minutes;
    if (minutes == 0) return false;
    if (r->next_replay < r->n_replay) {
        if ((double)r->state.step < r->replay[r->next_replay].step) return false;
        r->state.clock = r->replay[r->next_replay++].clock;
        return true;
    }
    double clock = r->state.seconds / 60 / minutes, since = clock - r->state.clock;
    if (!due && clock < 1 && since < patience_of(r->state.clock)) return false;
    if (since > 0) r->state.clock = clock;
    return true;
}

static const goss_objective *report_of(const goss__run *r) { return goss_task_objective(&r->data.spec.task); }

static double reported(const goss__run *r, double mean) {
    const goss_objective *o = report_of(r);
    return o->reported ? o->reported(mean, r->data.spec.task.scale) : mean;
}

static goss_status log_step(goss__run *r, const goss_step_result *x, double rate, goss_error *err) {
    goss__metrics *m = r->metrics;
    goss__metrics_begin(m, r->state.step);
    goss__metrics_number(m, "clock", r->state.clock);
    goss__metrics_number(m, "progress", goss__run_progress(r));
    goss__metrics_number(m, "seconds", r->state.seconds);
    goss__metrics_number(m, "loss", x->loss);
    goss__metrics_number(m, report_of(r)->report, reported(r, x->measure[0]));
    goss__metrics_number(m, "gradient_norm", x->gradient_norm);
    goss__metrics_number(m, "rate", rate);
    for (int i = 0; i < r->regularizers.n_measures; i++)
        goss__metrics_number(m, goss_step_measure_name(r->step, r->regularizers.first_measure + i),
                             x->measure[r->regularizers.first_measure + i]);
    return goss__metrics_end(m, err);
}

static goss_status validate(loop *l, goss_error *err) {
    goss__run *r = l->run;
    bool better;
    GOSS_TRY(goss__run_validate(r, &better, err));
    l->validation = r->history[r->n_history - 1];
    if (better) GOSS_TRY(keep_model(r, "best.safetensors", err));
    l->save_now = better && !l->saved_steps; /* a folder with a model is a run in progress */
    return GOSS_OK;
}

static goss_status log_validation(const loop *l, goss_error *err) {
    goss__run *r = l->run;
    goss__metrics_begin(r->metrics, r->state.step);
    goss__metrics_number(r->metrics, "validation", l->validation);
    goss__metrics_number(r->metrics, "best", goss__run_has_best(r) ? r->state.best : NAN);
    return goss__metrics_end(r->metrics, err);
}

static void tell(const loop *l, const goss_step_result *x, bool validated) {
    if (!l->options->progress) return;
    const goss__run *r = l->run;
    double here = goss__now() - l->started, part = goss__run_progress(r);
    int64_t done = r->state.step - l->steps_before;
    goss_train_progress p = {.step = r->state.step,
                             .steps = r->set.train.steps,
                             .progress = part,
                             .loss = x->loss,
                             .score = reported(r, x->measure[0]),
                             .score_name = report_of(r)->report,
                             .metric = r->data.metric,
                             .has_best = goss__run_has_best(r),
                             .validation = l->validation,
                             .best = r->state.best,
                             .validated = validated,
                             .tasks_per_second = here > 0 ? (double)(done * r->data.tasks) / here : 0,
                             .seconds = r->state.seconds,
                             .remaining = part > 0.002 ? r->state.seconds * (1 - part) / part : -1};
    l->options->progress(l->options->context, &p);
}

/* ---- the loop ---- */

/* A failed write of the log ends the run after the step's state is complete, so that a checkpoint can be written. */
static goss_status one_step(loop *l, goss_error *err) {
    goss__run *r = l->run;
    goss_step_result x;
    double rate = goss_rate_at(&r->set.rate, goss__run_progress(r), r->history, r->n_history);
    l->whole = false;
    GOSS_TRY(goss__run_step(r, goss__feed_next(r->feed), rate, &x, err));
    GOSS_TRY(goss__run_step_done(r, &x, rate, err));
    goss__regularizers_measured(&r->regularizers, &x);
    r->state.seconds = l->seconds_before + goss__now() - l->started;
    const bool due = r->state.step % r->set.train.log_every == 0;
    goss_status logged = look_at_clock(l, due) || due ? log_step(r, &x, rate, err) : GOSS_OK;
    const int64_t every = r->set.validate.every;
    bool validates = every > 0 && (r->state.step % every == 0 || goss__run_is_over(r));
    if (validates) GOSS_TRY(validate(l, logged == GOSS_OK ? err : NULL)); /* report the first error */
    l->whole = true;
    if (validates && logged == GOSS_OK) logged = log_validation(l, err);
    if (logged == GOSS_OK) tell(l, &x, validates);
    return logged;
}

static goss_status all_steps(loop *l, goss_error *err) {
    goss__run *r = l->run;
    double pause = 60 * r->set.train.checkpoint_minutes;
    while (!goss__run_is_over(r)) {
        if (goss__stop_asked(l->options->stop)) {
            l->interrupted = true;
            return save(l, err);
        }
        GOSS_TRY(one_step(l, err));
        GOSS_TRY(goss__run_profile(r, r->state.step - l->steps_before, goss__run_is_over(r), l->options->profile_steps,
                                   err));
        if (l->save_now || goss__now() - l->saved_at >= pause) GOSS_TRY(save(l, err));
    }
    GOSS_TRY(goss__run_end_check(r, err));
    r->state.finished = true;
    return save(l, err);
}

/* A file that cannot be written (a full disk) ends the run: what was trained since the last checkpoint is saved if that
 * is possible, and the error says from where the same command resumes. */
static goss_status save_after(loop *l, goss_status failed, goss_error *err) {
    goss_error first = err ? *err : (goss_error){0}, why = {0};
    if (failed != GOSS_E_IO) return failed;
    l->run->state.finished = false; /* model.safetensors is still to be written */
    const bool behind = l->run->state.step > l->saved_step, tried = l->whole && behind;
    const bool saved = tried && save(l, &why) == GOSS_OK;
    return goss_error_set(err, failed, "%s; %s step %lld, from which the same command resumes%s%s", first.text,
                          saved ? "saved a checkpoint of" : "the last checkpoint is that of", (long long)l->saved_step,
                          tried && !saved ? "; a later one was not written: " : "", why.text);
}

static goss_status run_loop(loop *l, goss_error *err) {
    const goss_status s = all_steps(l, err);
    return s == GOSS_OK || l->interrupted ? s : save_after(l, s, err);
}

static const char more_goes_on[] = "a larger train.steps, train.minutes or validate.patience goes on from here";

static bool is_best(const goss__run *r, const goss_model *m) {
    const char *step = goss_model_note_of(m, "train.step");
    double at;
    return step && goss__number_parse(step, &at) && at == (double)r->state.best_step;
}

/* model.safetensors of a finished run is its best model. */
static goss_status best_from_model(goss__run *r, const char *best, bool *done, goss_error *err) {
    char path[4200];
    goss_error why;
    goss_model *m = NULL;
    *done = false;
    GOSS_TRY(goss__run_path(r, "model.safetensors", path, err));
    if (!goss__path_exists(path) || goss_model_load(path, &m, &why) != GOSS_OK) return GOSS_OK;
    *done = is_best(r, m);
    goss_status s = *done ? goss_model_save(m, best, err) : GOSS_OK;
    goss_model_free(m);
    return s;
}

/* The best model so far is written at the end: a missing one is detected before more steps are trained. */
static goss_status find_best(goss__run *r, goss_error *err) {
    char path[4200];
    goss_error why;
    goss_model *m = NULL;
    bool done;
    if (!goss__run_has_best(r)) return GOSS_OK;
    GOSS_TRY(goss__run_path(r, "best.safetensors", path, err));
    const goss_status s = goss_model_load(path, &m, &why);
    goss_model_free(m);
    if (s == GOSS_OK) return s;
    if (s == GOSS_E_NOMEM) return goss_error_set(err, s, "%s", why.text);
    GOSS_TRY(best_from_model(r, path, &done, err));
    if (done) {
        goss__log(GOSS_LOG_WARN, "%s; made again from model.safetensors beside it", why.text);
        return GOSS_OK;
    }
    goss__log(GOSS_LOG_WARN, "%s: the best model so far, of step %lld, is lost; the best from here on is kept",
              why.text, (long long)r->state.best_step);
    r->state.best = r->state.best_ci95 = -1;
    r->state.best_step = r->state.since_best = 0;
    return GOSS_OK;
}

/* Resumes from the checkpoint. */
static goss_status resume(goss__run *r, goss_error *err) {
    const bool was_finished = r->state.finished;
    GOSS_TRY(goss__checkpoint_read(r, err));
    GOSS_TRY(find_best(r, err));
    r->state.finished = was_finished && (!r->moved || goss__run_is_over(r));
    if (r->moved) r->n_replay = 0; /* clock readings belong to another length */
    if (r->state.finished && !goss_method_trains(goss_model_method(r->model)))
        goss__log(GOSS_LOG_INFO, "this run is finished: this method has nothing to train");
    else if (r->state.finished)
        goss__log(GOSS_LOG_INFO, "this run is finished: %lld steps; %s", (long long)r->state.step, more_goes_on);
    else
        goss__log(GOSS_LOG_INFO, "going on from step %lld%s", (long long)r->state.step,
                  r->moved ? ", along the schedule of the new length" : "");
    if (r->state.finished || r->moved) return GOSS_OK;
    GOSS_TRY(goss__replay_read(r, err));
    /* The log is truncated to the checkpoint below: its clock readings move into the checkpoint first. */
    return r->n_replay > 0 ? goss__checkpoint_write(r, err) : GOSS_OK;
}

static goss_status start(goss__run *r, goss_error *err) {
    char path[4200];
    const bool found = r->previous != NULL;
    if (found) GOSS_TRY(resume(r, err));
    const bool trains = !r->state.finished && goss_method_trains(goss_model_method(r->model));
    if (!found && trains) GOSS_TRY(goss__run_first_look(r, err));
    GOSS_TRY(goss__run_write_config(r, err));
    if (!trains) return GOSS_OK;
    GOSS_TRY(goss__run_path(r, "metrics.jsonl", path, err));
    GOSS_TRY(goss__metrics_open(path, found ? r->state.step : -1, &r->metrics, err));
    if (!found || r->moved) GOSS_TRY(goss__checkpoint_write(r, err));
    return goss__feed_start(&r->data, (uint64_t)r->state.step, &r->feed, err);
}

/* A run with nothing (more) to train. */
static goss_status close_run(goss__run *r, goss_error *err) {
    const bool begun = r->state.finished;
    r->state.finished = true;
    if (!begun) GOSS_TRY(goss__checkpoint_write(r, err)); /* before the model, which alone would look foreign */
    r->state.end = GOSS_TRAIN_NOTHING;
    return publish(r, err);
}

static goss_status train(goss__run *r, const goss_train_options *o, goss_error *err) {
    GOSS_TRY(start(r, err));
    if (r->state.finished || !goss_method_trains(goss_model_method(r->model))) return close_run(r, err);
    loop l = {.run = r,
              .options = o,
              .started = goss__now(),
              .seconds_before = r->state.seconds,
              .steps_before = r->state.step,
              .saved_step = r->state.step,
              .whole = true,
              .saved_steps = r->state.step > 0};
    l.saved_at = l.started;
    l.validation = r->n_history ? r->history[r->n_history - 1] : NAN;
    GOSS_TRY(run_loop(&l, err));
    if (l.interrupted)
        return goss_error_set(err, GOSS_E_INTERRUPTED, "stopped after step %lld; the same command goes on from there",
                              (long long)r->state.step);
    return publish(r, err);
}

goss_status goss_train(const goss_config *config, const goss_train_options *options, goss_train_report *report,
                       goss_error *err) {
    static const goss_train_options quiet;
    goss__run r;
    if (!options) options = &quiet;
    GOSS_TRY(goss__run_open(&r, config, options, err));
    goss_status s = train(&r, options, err);
    if (s != GOSS_OK && s != GOSS_E_INTERRUPTED && r.state.step == 0) goss__run_folder_undo(&r);
    if (report)
        *report = (goss_train_report){.end = r.state.end,
                                      .step = r.state.step,
                                      .best_step = r.state.best_step,
                                      .metric = r.data.metric,
                                      .validated = goss__run_has_best(&r),
                                      .validation = r.state.best,
                                      .validation_ci95 = r.state.best_ci95 >= 0 ? r.state.best_ci95 : NAN,
                                      .seconds = r.state.seconds};
    goss__run_close(&r);
    return s;
}
