/* SPDX-License-Identifier: Apache-2.0 */
/* trial.c: a run without a folder. */
#include "train/trial.h"

#include <math.h>

#include "base/log.h"
#include "base/os.h"
#include "base/stop.h"
#include "gossamer/representation.h"
#include "task/task_noise.h"
#include "train/run.h"

/* ---- steps ---- */

typedef struct loop {
    goss__run *run;
    const goss__trial_options *o;
    goss__task_pack pack;
} loop;

static bool is_over(const loop *l) {
    if (l->o->last_step > 0 && l->run->state.step >= l->o->last_step) return true;
    return goss__run_is_over(l->run);
}

static goss_status one_step(loop *l, goss_error *err) {
    goss__run *r = l->run;
    goss_step_result x;
    bool better;
    const double rate = goss_rate_at(&r->set.rate, goss__run_progress(r), r->history, r->n_history);
    goss__run_data_draw(&r->data, (uint64_t)r->state.step, &l->pack);
    GOSS_TRY(goss__run_step(r, &l->pack, rate, &x, err));
    GOSS_TRY(goss__run_step_done(r, &x, rate, err));
    const int64_t every = r->set.validate.every;
    if (every == 0 || (r->state.step % every != 0 && !is_over(l))) return GOSS_OK;
    return goss__run_validate(r, &better, err);
}

static goss_status all_steps(loop *l, goss_error *err) {
    while (!is_over(l)) {
        if (goss__stop_asked(l->o->stop)) return goss_error_set(err, GOSS_E_INTERRUPTED, "stopped");
        GOSS_TRY(one_step(l, err));
    }
    return GOSS_OK;
}

/* ---- test samples ---- */

static goss_status judge_some(goss__run *r, goss__judge *judge, goss__task_pack *pack, const goss_task_source *source,
                              int first, goss__judged *out, goss_error *err) {
    double ignored[32];
    bool finite[32];
    const int tasks = out->tasks - first < pack->max_tasks ? out->tasks - first : pack->max_tasks;
    goss__task_pack_draw(pack, source, (uint64_t)first, tasks);
    GOSS_TRY(goss__judge_run(judge, pack, ignored, finite, err));
    for (int t = 0; t < tasks; t++) {
        const char *name = source->name ? source->name(source, (uint64_t)(first + t)) : "";
        if (!finite[t]) return goss_error_set(err, GOSS_E_NUMERIC, "the answers for task %s are not finite", name);
        const goss_answers a = goss__judge_answers(judge, pack, t);
        GOSS_TRY(goss__judged_add(out, first + t, name, &a, err));
    }
    return GOSS_OK;
}

static goss_status judge_on(goss__run *r, const goss_task_source *source, goss__judged *out, goss_error *err) {
    goss__judge judge;
    goss__task_pack pack;
    const int tasks = (int)source->tasks, batch = goss__judge_batch(&source->spec, tasks);
    GOSS_TRY(goss__judged_open(out, r->data.metric, &source->spec, tasks, err));
    GOSS_TRY(goss__task_pack_init(&pack, batch, &source->spec, r->threads, err));
    const goss__forward_options o = {.max_tasks = batch, .spec = &source->spec};
    goss_status s = goss__judge_init(&judge, goss_model_method(r->model), &o, r->data.metric, r->threads, err);
    if (s == GOSS_OK) {
        s = goss__model_finite(r->model, err);
        if (s == GOSS_OK) s = goss_model_store(r->model, judge.forward.params, err);
        for (int k = 0; s == GOSS_OK && k < tasks; k += batch) s = judge_some(r, &judge, &pack, source, k, out, err);
        goss__judge_free(&judge);
    }
    goss__task_pack_free(&pack);
    return s;
}

static goss_status judge_noisy(goss__run *r, double level, double *mean, goss_error *err) {
    goss_task_source clean, noisy;
    goss__judged values = {0};
    GOSS_TRY(goss__run_data_test(&r->data, &clean, err));
    goss_status s = goss__task_noise(&clean, level, r->data.seed, &noisy, err);
    if (s == GOSS_OK) {
        s = judge_on(r, &noisy, &values, err);
        *mean = goss__judged_mean(&values);
        goss_task_source_free(&noisy);
    }
    goss__judged_close(&values);
    goss_task_source_free(&clean);
    return s;
}

/* ---- representations ---- */

/* Whether the model publishes such a value; a rehearsal warns where it does not. */
static goss_status find_published(const goss__run *r, const goss_task_source *source, const char *pattern, bool warns,
                                  bool *found, goss_error *err) {
    const goss_status s = goss_model_represents(r->model, source, pattern, err);
    *found = s == GOSS_OK;
    if (s != GOSS_OK && s != GOSS_E_ARGUMENT) return goss_error_prefix(err, s, "compare.ranks");
    if (!*found && warns) goss__log(GOSS_LOG_WARN, "compare.ranks: %s has no effect: %s", pattern, err->text);
    return GOSS_OK;
}

static goss_status rank_of(goss__run *r, const goss_task_source *source, const char *pattern, double *out,
                           goss_error *err) {
    const goss_representation_options o = {
        .on = pattern, .tasks = source->tasks, .over_all = true, .threads = r->threads};
    goss_representations all;
    double sum = 0;
    int n = 0;
    GOSS_TRY(goss_error_prefix(err, goss_model_representations(r->model, source, &o, &all, err), "compare.ranks"));
    for (int i = 0; i < all.n; i++)
        if (all.of[i].measured && !isnan(all.of[i].all.effective_rank)) sum += all.of[i].all.effective_rank, n++;
    if (n > 0) *out = sum / n;
    goss_representations_free(&all);
    return GOSS_OK;
}

static goss_status measure_ranks(goss__run *r, const goss_task_source *source, const goss__trial_options *o,
                                 goss__trial *out, goss_error *err) {
    for (int i = 0; o->ranks && i < o->ranks->n; i++) {
        const char *pattern = o->ranks->pattern[i];
        bool found;
        GOSS_TRY(find_published(r, source, pattern, o->dry, &found, err));
        if (found && !o->dry) GOSS_TRY(rank_of(r, source, pattern, &out->rank[i], err));
    }
    return GOSS_OK;
}

static goss_status judge_test(goss__run *r, const goss__trial_options *o, goss__trial *out, goss_error *err) {
    goss_task_source source;
    GOSS_TRY(goss__run_data_test(&r->data, &source, err));
    goss_status s = GOSS_OK;
    if (!o->dry) {
        goss__run_export(r);
        s = judge_on(r, &source, &out->test, err);
        for (int i = 0; s == GOSS_OK && o->noises && i < o->noises->n; i++)
            s = judge_noisy(r, o->noises->level[i], &out->noisy[i], err);
    }
    if (s == GOSS_OK) s = measure_ranks(r, &source, o, out, err);
    goss_task_source_free(&source);
    return s;
}

/* ---- the whole ---- */

static goss_status train(goss__run *r, const goss__trial_options *o, goss__trial *out, goss_error *err) {
    loop l = {.run = r, .o = o};
    const double start = goss__now();
    GOSS_TRY(goss__task_pack_init(&l.pack, r->data.tasks, &r->data.source.spec, r->threads, err));
    goss_status s = all_steps(&l, err);
    goss__task_pack_free(&l.pack);
    GOSS_TRY(s);
    out->seconds = goss__now() - start;
    out->step = r->state.step;
    if (!r->data.validates) return goss__run_end_check(r, err);
    if (!goss__run_has_best(r))
        return goss_error_set(err, GOSS_E_NUMERIC, "no validation gave a number: try a smaller optimizer.rate");
    out->step = r->state.best_step, out->validation = r->state.best;
    return GOSS_OK;
}

goss__trial goss__trial_none(void) {
    goss__trial t = {.validation = NAN};
    for (int i = 0; i < GOSS__RANKS; i++) t.rank[i] = NAN;
    return t;
}

goss_status goss__train_trial(const goss_config *c, const goss__trial_options *o, goss__trial *out, goss_error *err) {
    goss__run r;
    const goss_train_options with = {.stop = o->stop};
    *out = goss__trial_none();
    GOSS_TRY(goss__run_open_dry(&r, c, &with, err));
    out->hash = r.data.hash, out->metric = r.data.metric;
    goss_status s = GOSS_OK;
    if (!goss_method_trains(goss_model_method(r.model)))
        s = goss_error_set(err, GOSS_E_ARGUMENT, "train.method = %s has nothing to train",
                           goss_method_name(goss_model_method(r.model)));
    if (s == GOSS_OK && !o->dry) s = train(&r, o, out, err);
    if (s == GOSS_OK && o->judges) s = judge_test(&r, o, out, err);
    goss__run_close(&r);
    if (s != GOSS_OK) goss__judged_close(&out->test);
    return s;
}
