/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate.c: contenders on the same episodes. Each contender is compiled, run over all episodes and freed before
 * the next, which bounds memory; episodes are redrawn, which is cheap and deterministic. */
#include "gossamer/evaluate.h"

#include <math.h>

#include "base/alloc.h"
#include "base/os.h"
#include "task/episode.h"
#include "meta/judge.h"
#include "meta/method.h"
#include "meta/model.h"

goss_evaluate_options goss_evaluate_defaults(void) { return (goss_evaluate_options){.episodes = 1000}; }

double goss_mean_ci95(const double *values, int n, double *mean) {
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += values[i];
    double m = n > 0 ? sum / n : 0;
    for (int i = 0; i < n; i++) squares += (values[i] - m) * (values[i] - m);
    if (mean) *mean = m;
    return n > 1 ? 1.96 * sqrt(squares / (n - 1) / n) : NAN;
}

static goss_status run_all(goss__judge *j, int which, goss__task_pack *pack, const goss_task_source *source,
                           const goss_evaluate_options *o, double *each, goss_score *score, goss_error *err) {
    GOSS_TRY(goss__planner_collect(&j->forward.planner, pack, source, o->episodes, err));
    for (int k = 0; k < o->episodes;) {
        int tasks = o->episodes - k < pack->max_tasks ? o->episodes - k : pack->max_tasks;
        goss__task_pack_draw(pack, source, (uint64_t)k, tasks);
        double start = goss__now();
        GOSS_TRY(goss__judge_run(j, pack, each + k, NULL, err));
        score->seconds_per_task += (goss__now() - start) / o->episodes;
        for (int i = k; i < k + tasks; i++) {
            if (!isfinite(each[i]))
                return goss_error_set(err, GOSS_E_NUMERIC, "what it says of episode %d is not finite", i);
            const goss_answers a = goss__judge_answers(j, pack, i - k);
            if (o->answered) o->answered(o->context, which, i, &a);
        }
        k += tasks;
        if (o->progress) o->progress(o->context, which, k, o->episodes);
    }
    return GOSS_OK;
}

static goss_status run_one(const goss_contender *c, int which, goss__task_pack *pack, const goss_task_source *source,
                           const goss_evaluate_options *o, double *each, goss_score *score, goss_error *err) {
    const goss__forward_options with = {.fine_tune = c->fine_tune,
                                        .max_tasks = pack->max_tasks,
                                        .spec = &pack->spec,
                                        .precision = c->precision,
                                        .bf16 = goss__model_bf16(c->model),
                                        .ask = c->structure};
    goss__judge j;
    GOSS_TRY(goss__judge_init(&j, goss_model_method(c->model), &with, goss_task_objective(&pack->spec)->metrics[0],
                              o->threads, err));
    goss_status s = goss_model_store(c->model, j.forward.params, err);
    if (s == GOSS_OK) s = run_all(&j, which, pack, source, o, each, score, err);
    score->structure = goss__planner_figures(&j.forward.planner);
    goss__judge_free(&j);
    return s;
}

/* Extents of samples may differ between contenders, so each has its own pack. */
static goss_status judge_one(const goss_contender *c, int which, const goss_task_source *source,
                             const goss_evaluate_options *o, double *each, goss_score *score, goss_error *err) {
    goss__task_pack pack;
    GOSS_TRY(goss__task_pack_init(&pack, o->batch > 0 ? o->batch : goss__judge_batch(&source->spec, o->episodes),
                                  &source->spec, o->threads, err));
    *score = (goss_score){0};
    goss_status s = run_one(c, which, &pack, source, o, each, score, err);
    goss__task_pack_free(&pack);
    return s;
}

/* ---- what can not be judged ---- */

/* What a contender works on: its own episodes, or the common ones. */
typedef struct common {
    goss_sampler *sampler; /* NULL: tasks of a source */
    const goss_task_source *source;
} common;

static goss_task_source source_of(const goss_contender *c, const common *all) {
    if (all->sampler) return goss_sampler_source(c->sampler ? c->sampler : all->sampler);
    return c->source ? *c->source : *all->source;
}

static goss_status check_samples(const goss_contender *c, const common *all, goss_error *err) {
    if (all->sampler) {
        if (c->sampler && !goss__sampler_same(c->sampler, all->sampler))
            return goss_error_set(err, GOSS_E_ARGUMENT, "its own sampler draws other episodes than the common one");
        return goss__model_fits(c->model, goss_sampler_images(c->sampler ? c->sampler : all->sampler), err);
    }
    const goss_task_source source = source_of(c, all);
    const goss_task_spec *want = &goss_model_data(c->model)->task, *are = &source.spec;
    bool same = want->input_rank == are->input_rank;
    for (int i = 0; same && i < are->input_rank; i++) same = want->input[i] == are->input[i];
    return same ? GOSS_OK : goss_error_set(err, GOSS_E_ARGUMENT, "its samples are of another shape than the tasks'");
}

static goss_status check_one(const goss_contender *c, const common *all, goss_error *err) {
    const goss_method *m = goss_model_method(c->model);
    GOSS_TRY(check_samples(c, all, err));
    if (m->fixed)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "its networks have heads for the tasks that it was trained on, and an episode of drawn "
                              "classes is none of those: judge it on what its run kept apart (gossamer eval MODEL "
                              "--split test)");
    if (c->fine_tune > 0 && !goss__method_adapts(m))
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "it has no network that could take gradient steps");
    return goss__model_finite(c->model, err);
}

static goss_status check(const goss_contender *contenders, int n, const common *all, const goss_evaluate_options *o,
                         goss_error *err) {
    const int queries = all->sampler ? goss_sampler_spec(all->sampler).queries : all->source->spec.queries;
    if (n < 1 || o->episodes < 1 || queries < 1)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%d methods on %d episodes of %d queries a class: at least one of each", n, o->episodes,
                              queries);
    for (int i = 0; i < n; i++) {
        goss_status s = check_one(&contenders[i], all, err);
        if (s != GOSS_OK)
            return goss_error_prefix(err, s, "%s", goss_method_name(goss_model_method(contenders[i].model)));
    }
    return GOSS_OK;
}

/* Means, and differences to the first. each [n, episodes] becomes differences but for the first row, and back. */
static void summarize(double *each, int n, int episodes, goss_score *scores) {
    for (int i = 0; i < n; i++) {
        double *row = each + (size_t)i * (size_t)episodes;
        scores[i].ci95 = goss_mean_ci95(row, episodes, &scores[i].accuracy);
        if (i == 0) continue;
        for (int k = 0; k < episodes; k++) row[k] -= each[k];
        scores[i].difference_ci95 = goss_mean_ci95(row, episodes, &scores[i].difference);
        for (int k = 0; k < episodes; k++) row[k] += each[k];
    }
}

static goss_status race(const goss_contender *contenders, int n, const common *all, const goss_evaluate_options *o,
                        goss_score *scores, double *each, goss_error *err) {
    for (int i = 0; i < n; i++) {
        const goss_contender *c = &contenders[i];
        const goss_task_source source = source_of(c, all);
        goss_status s = judge_one(c, i, &source, o, each + (size_t)i * (size_t)o->episodes, &scores[i], err);
        if (s != GOSS_OK) return goss_error_prefix(err, s, "%s", goss_method_name(goss_model_method(c->model)));
    }
    summarize(each, n, o->episodes, scores);
    return GOSS_OK;
}

static goss_status evaluate(const goss_contender *contenders, int n, const common *all,
                            const goss_evaluate_options *options, goss_score *scores, double *each, goss_error *err) {
    goss_evaluate_options o = options ? *options : goss_evaluate_defaults();
    GOSS_TRY(check(contenders, n, all, &o, err));
    goss_threads *threads = NULL;
    double *own = NULL;
    if (!o.threads) {
        GOSS_TRY(goss_threads_new(0, &threads, err));
        o.threads = threads;
    }
    if (!each) each = own = goss__calloc((size_t)n * (size_t)o.episodes, sizeof *own);
    goss_status s = each ? race(contenders, n, all, &o, scores, each, err)
                         : goss_error_set(err, GOSS_E_NOMEM, "no memory for the results of %d episodes", o.episodes);
    goss__free(own);
    goss_threads_free(threads);
    return s;
}

goss_status goss_evaluate(const goss_contender *contenders, int n, goss_sampler *sampler,
                          const goss_evaluate_options *options, goss_score *scores, double *each, goss_error *err) {
    return evaluate(contenders, n, &(common){sampler, NULL}, options, scores, each, err);
}

goss_status goss_evaluate_tasks(const goss_contender *contenders, int n, const goss_task_source *source,
                                const goss_evaluate_options *options, goss_score *scores, double *each,
                                goss_error *err) {
    return evaluate(contenders, n, &(common){NULL, source}, options, scores, each, err);
}
