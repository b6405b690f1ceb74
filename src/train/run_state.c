/* SPDX-License-Identifier: Apache-2.0 */
/* run_state.c: set-up of a training run, and its work between steps: progress, validation, folder. */
#include "train/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/os.h"
#include "gossamer/evaluate.h"
#include "meta/method.h"
#include "meta/settings.h"

/* ---- opening ---- */

static goss_status check(const goss__run_settings *s, const goss_train_tasks *own, goss_error *err) {
    if (!*s->data.path && !goss__run_data_kind(s, own)->pathless)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "data.path is not set: a folder or .zip of images in classes, or a table, as data.path=drawings");
    if (s->train.steps == 0 && s->train.minutes == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "train.steps and train.minutes are both 0: training would never end");
    if (s->train.micro_batch > 0 && s->train.tasks % s->train.micro_batch != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "train.micro_batch = %d is no divisor of train.tasks = %d: a step is made of whole "
                              "micro-batches",
                              s->train.micro_batch, s->train.tasks);
    if (s->rate.kind == GOSS_RATE_PLATEAU && s->validate.every == 0)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "optimizer.schedule = plateau follows the validations, and validate.every = 0 makes none");
    return GOSS_OK;
}

/* The start model is read twice, so that its errors are found before any image is decoded. */
static goss_status check_start(const char *start, goss_error *err) {
    goss_model *m;
    GOSS_TRY(goss__run_file_is_there("train.start", start, err));
    if (!*start) return GOSS_OK;
    GOSS_TRY(goss_error_prefix(err, goss_model_load(start, &m, err), "train.start"));
    goss_model_free(m);
    return GOSS_OK;
}

/* Errors are found before data is opened, which may take long. */
static goss_status check_early(const goss__run *r, goss_error *err) {
    if (!r->previous) GOSS_TRY(check_start(r->set.train.start, err));
    if (!r->tasks) GOSS_TRY(goss__run_data_is_there(&r->set, err));
    const goss_status s = goss__run_data_kind(&r->set, r->tasks)->check(&r->set, err);
    return s != GOSS_OK && !r->tasks ? goss__run_refuse_unknown(&r->set, s, err) : s;
}

/* A mismatch is usually another backbone: the error names both. */
static goss_status refuse_start(const goss__run *r, const char *start, const goss_model *from, goss_status s,
                                goss_error *err) {
    const char *here = goss_config_text(goss_model_settings(r->model), "model.backbone");
    const char *there = goss_config_text(goss_model_settings(from), "model.backbone");
    if (s != GOSS_E_ARGUMENT || strcmp(here, there) == 0) return goss_error_prefix(err, s, "train.start: %s", start);
    return goss_error_prefix(err, s, "train.start: %s: it has model.backbone = %s, and this run %s", start, there,
                             here);
}

/* Starting values, from a model file where one is named. */
static goss_status start_values(goss__run *r, goss_error *err) {
    const char *start = r->set.train.start;
    if (!*start || r->previous) return GOSS_OK; /* superseded by the checkpoint */
    goss_model *from;
    GOSS_TRY(goss_error_prefix(err, goss_model_load(start, &from, err), "train.start"));
    unsigned fresh;
    goss_status s = goss__start_identity(start, r->start, err);
    if (s == GOSS_OK) s = goss_model_copy_values(r->model, from, &fresh, err);
    if (s != GOSS_OK) s = refuse_start(r, start, from, s, err);
    goss_model_free(from);
    GOSS_TRY(s);
    for (int i = 0; i < goss_method_params(goss_model_method(r->model)); i++)
        goss__log(GOSS_LOG_INFO, "train.start: the weights %s %s %s",
                  goss_method_param_at(goss_model_method(r->model), i).name,
                  fresh & 1u << i ? "are drawn anew, not taken from" : "are those of", start);
    return GOSS_OK;
}

static goss_status note_origin(goss__run *r, goss_error *err) {
    char text[64];
    goss__data_identity(r, text, sizeof text);
    GOSS_TRY(goss_model_note(r->model, "data.hash", text, err));
    snprintf(text, sizeof text, "%llu", (unsigned long long)r->set.run.seed);
    GOSS_TRY(goss_model_note(r->model, "train.seed", text, err));
    GOSS_TRY(goss_model_note(r->model, "train.settings", r->fingerprint, err));
    return r->data.kind->mark(&r->data, r->model, err);
}

static goss_status open_judge(goss__run *r, goss_error *err) {
    if (!r->data.validates) return GOSS_OK;
    const goss_task_spec *spec = &r->data.validation.spec;
    int batch = goss__judge_batch(spec, r->data.judged);
    r->judged = goss__calloc((size_t)r->data.judged, sizeof *r->judged);
    if (!r->judged) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d tasks", r->data.judged);
    GOSS_TRY(goss__task_pack_init(&r->judge_pack, batch, spec, r->threads, err));
    const goss__forward_options o = {.max_tasks = batch, .spec = spec};
    GOSS_TRY(goss__judge_init(&r->judge, goss_model_method(r->model), &o, r->data.metric, r->threads, err));
    r->judge.forward.planner.spread = true;
    return GOSS_OK;
}

/* Refuses methods that need support sets where there are none. */
static goss_status check_support(const goss__run *r, goss_error *err) {
    const goss_method *m = goss_model_method(r->model);
    if (r->data.source.spec.supports > 0 || !goss__method_needs_support(m)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "these tasks have no support sets (task.support = 0: they are trained together), and "
                          "train.method = %s learns from them: use train.method=multitask, train.method=hypernet with "
                          "hyper.condition=id or descriptor and method.ridge_head=false, or any method for "
                          "task.support above 0",
                          goss_method_name(m));
}

/* Checks that need the data. */
static goss_status check_method(const goss__run *r, goss_error *err) {
    goss__method_settings m;
    GOSS_TRY(goss__method_settings_read(r->config, &m, err));
    if (r->set.train.micro_batch > 0 && m.structure.pooled)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "structure.pooled holds budgets for the mean over a step's tasks, which a micro-batch has "
            "not all of: set train.micro_batch=0");
    if (r->set.train.micro_batch == 0 || m.loss != GOSS__LOSS_SAMPLES) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "method.loss = samples is a mean over all samples of a step, which a micro-batch has not all "
                          "of: set train.micro_batch=0");
}

static void tell_backbone(const goss__run *r) {
    if (strcmp(goss_config_text(r->config, "model.backbone"), "auto") != 0) return;
    char own[GOSS__BACKBONE_AUTO];
    const char *text = goss__backbone_for(&r->data.spec, own);
    goss__log(GOSS_LOG_INFO, "model.backbone = auto: %s", *text ? text : "none, the head alone (a linear model)");
}

/* Ids of tokens are rows of the embedding that the backbone begins with. */
static goss_status check_tokens(const goss__run *r, goss_error *err) {
    const goss_target *t = goss_method_target(goss_model_method(r->model));
    const int tokens = r->data.tokens, k = tokens && t ? goss_layout_find(goss_target_layout(t), "embedding1.w") : -1;
    if (!tokens || !t) return GOSS_OK;
    if (k < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "model.backbone: texts are ids of %d tokens, which an embedding makes numbers of: begin "
                              "with \"embedding %d 64;\", or see data.text_as",
                              tokens, tokens);
    const int64_t rows = goss_layout_entry(goss_target_layout(t), k)->dim[0];
    if (rows >= tokens) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "model.backbone: embedding %lld has too few rows: the texts to train on have %d tokens; "
                          "data.vocabulary is the most there can be",
                          (long long)rows, tokens);
}

/* A dry run goes without a folder. */
static goss_status enter_folder(goss__run *r, goss_error *err) {
    if (!r->dry) GOSS_TRY(goss__run_folder_is_named(&r->set, err));
    GOSS_TRY(r->dry ? goss__run_folder_look(r, err) : goss__run_folder(r, err));
    return *r->dir ? goss__checkpoint_open(r, err) : GOSS_OK;
}

/* Without a folder decoded images stay in memory. */
static const char *place_of(const goss__run *r) { return r->dry && !goss__is_dir(r->dir) ? NULL : r->dir; }

static goss_status open_all(goss__run *r, const goss_train_options *with, goss_error *err) {
    const goss_config *c = r->config;
    const goss__run_settings *s = &r->set;
    GOSS_TRY(goss__run_settings_read(c, &r->set, err));
    GOSS_TRY(check_method(r, err));
    GOSS_TRY(check(s, with->tasks, err));
    GOSS_TRY(goss__regularizers_read(c, &r->regularizers, err));
    GOSS_TRY(goss__fingerprint(c, &r->fingerprint, err));
    GOSS_TRY(enter_folder(r, err));
    GOSS_TRY(check_early(r, err));
    GOSS_TRY(goss__run_data_open(&r->data, s, &(goss__run_place){place_of(r), with->stop, with->tasks, r->dry}, err));
    GOSS_TRY(goss__checkpoint_compare(r, err));
    GOSS_TRY(goss_model_create(s->train.method, c, &r->data.spec, r->data.seed, &r->model, err));
    tell_backbone(r);
    GOSS_TRY(check_tokens(r, err));
    GOSS_TRY(check_support(r, err));
    goss__tell_unused(s, goss_model_method(r->model), r->data.kind->name);
    r->set.rate.smaller_better = !r->data.metric->higher;
    GOSS_TRY(goss__start_vectors(r, err));
    GOSS_TRY(start_values(r, err));
    GOSS_TRY(note_origin(r, err));
    if (!goss_method_trains(goss_model_method(r->model))) return GOSS_OK;
    GOSS_TRY(goss__rates_check(s->rates, goss_model_method(r->model), err));
    GOSS_TRY(goss_threads_new(s->run.threads, &r->threads, err));
    GOSS_TRY(goss__regularizers_resolve(&r->regularizers, goss_model_method(r->model), &r->data, err));
    GOSS_TRY(goss__run_compile(r, with, err));
    return open_judge(r, err);
}

static goss_status open_as(goss__run *r, const goss_config *c, bool dry, const goss_train_options *with,
                           goss_error *err) {
    static const goss_train_options none;
    if (!with) with = &none;
    *r = (goss__run){.config = c, .tasks = with->tasks, .lock = -1, .state = {.best = -1}, .dry = dry};
    goss_status s = open_all(r, with, err);
    if (s == GOSS_OK) return s;
    goss__run_folder_undo(r);
    goss__run_close(r);
    return s;
}

goss_status goss__run_open(goss__run *r, const goss_config *c, const goss_train_options *with, goss_error *err) {
    return open_as(r, c, false, with, err);
}

goss_status goss__run_open_dry(goss__run *r, const goss_config *c, const goss_train_options *with, goss_error *err) {
    return open_as(r, c, true, with, err);
}

void goss__run_close(goss__run *r) {
    goss__feed_stop(r->feed);
    goss__metrics_close(r->metrics);
    goss__judge_free(&r->judge);
    goss__task_pack_free(&r->judge_pack);
    goss_step_free(r->step);
    goss__regularizers_free(&r->regularizers);
    goss_threads_free(r->threads);
    goss_model_free(r->model);
    goss__run_data_close(&r->data);
    goss__free(r->judged), goss__free(r->history), goss__free(r->replay);
    goss__free(r->dir), goss__free(r->fingerprint);
    goss_safetensors_close(r->previous);
    goss__unlock_dir(r->lock);
    *r = (goss__run){.lock = -1};
}

/* ---- between steps ---- */

double goss__run_progress(const goss__run *r) {
    const int64_t steps = r->set.train.steps;
    double part = steps > 0 ? (double)r->state.step / (double)steps : 0;
    if (r->state.clock > part) part = r->state.clock;
    return part < 1 ? part : 1;
}

bool goss__run_is_over(goss__run *r) {
    goss__run_state *s = &r->state;
    const int64_t patience = r->set.validate.patience, steps = r->set.train.steps;
    if (steps > 0 && s->step >= steps)
        s->end = GOSS_TRAIN_STEPS;
    else if (s->clock >= 1)
        s->end = GOSS_TRAIN_MINUTES;
    else if (patience > 0 && s->since_best >= patience)
        s->end = GOSS_TRAIN_EARLY;
    else
        return false;
    return true;
}

static goss_status remember(goss__run *r, double value, goss_error *err) {
    if (r->n_history == r->history_room) {
        int room = r->history_room ? 2 * r->history_room : 256;
        double *grown = goss__realloc(r->history, (size_t)room * sizeof *grown);
        if (!grown) return goss_error_set(err, GOSS_E_NOMEM, "no memory for validations");
        r->history = grown, r->history_room = room;
    }
    r->history[r->n_history++] = value;
    return GOSS_OK;
}

/* *good: all predictions were finite. */
static goss_status judge_all(goss__run *r, const goss_model *m, bool *good, goss_error *err) {
    const int all = r->data.judged;
    bool finite[64]; /* a run of the judge has at most 32 tasks */
    *good = true;
    GOSS_TRY(goss_model_store(m, r->judge.forward.params, err));
    for (int k = 0; k < all;) {
        int tasks = all - k < r->judge_pack.max_tasks ? all - k : r->judge_pack.max_tasks;
        goss__task_pack_draw(&r->judge_pack, &r->data.validation, (uint64_t)k, tasks);
        GOSS_TRY(goss__judge_run(&r->judge, &r->judge_pack, r->judged + k, finite, err));
        for (int i = 0; i < tasks; i++) *good &= finite[i];
        k += tasks;
    }
    return GOSS_OK;
}

goss_status goss__run_answers(goss__run *r, bool *finite, goss_error *err) {
    return judge_all(r, r->model, finite, err);
}

/* Mean over tasks for which the metric is defined (auc is not if all queries belong to one class). */
static double mean_of(goss__run *r, bool good, double *ci95) {
    int n = 0;
    double mean = NAN;
    for (int i = 0; i < r->data.judged; i++)
        if (!isnan(r->judged[i])) r->judged[n++] = r->judged[i];
    *ci95 = goss_mean_ci95(r->judged, n, &mean);
    return good && n > 0 ? mean : NAN;
}

bool goss__run_has_best(const goss__run *r) { return r->data.validates && r->state.best_step > 0; }

goss_status goss__run_judge(goss__run *r, const goss_model *m, double *mean, double *ci95, goss_error *err) {
    bool good;
    GOSS_TRY(judge_all(r, m, &good, err));
    *mean = mean_of(r, good, ci95);
    return GOSS_OK;
}

goss_status goss__run_validate(goss__run *r, bool *better, goss_error *err) {
    double mean, ci95;
    goss__run_export(r);
    GOSS_TRY(goss__run_judge(r, r->model, &mean, &ci95, err));
    GOSS_TRY(remember(r, mean, err));
    *better = goss_metric_better(r->data.metric, mean, goss__run_has_best(r) ? r->state.best : NAN);
    r->state.since_best++;
    if (!*better) return GOSS_OK;
    r->state.best = mean, r->state.best_ci95 = isnan(ci95) ? -1 : ci95;
    r->state.best_step = r->state.step, r->state.since_best = 0;
    return GOSS_OK;
}
