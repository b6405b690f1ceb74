/* SPDX-License-Identifier: Apache-2.0 */
/* race_model.c: evaluates a model on the draws of a task source. */
#include "base/alloc.h"
#include "base/os.h"
#include "gossamer/race.h"
#include "meta/judge.h"
#include "meta/method.h"
#include "meta/model.h"
#include "task/task.h"

static goss_status not_finite(const goss_task_source *source, uint64_t k, goss_error *err) {
    return goss_error_set(err, GOSS_E_NUMERIC, "the answers for task %s are not finite",
                          source->name ? source->name(source, k) : "");
}

/* What is made of the answers to each draw; NULL: not that. */
typedef struct wanted {
    double *values, *each; /* [draws], [draws, outputs] */
    const goss_race_hook *hook;
    float *room; /* with each: [queries, outputs] */
} wanted;

static void judge_each(const goss__judge *j, const goss_answers *a, const wanted *w, int64_t draw) {
    for (int i = 0; w->each && i < a->outputs; i++)
        w->each[draw * a->outputs + i] = goss__metric_of_component(j->metric, a, i, w->room);
}

static goss_status run(goss__judge *j, goss__task_pack *pack, const goss_task_source *source, int64_t draws,
                       const wanted *w, double *seconds, goss_error *err) {
    bool finite[32];
    double own[32];
    GOSS_TRY(goss__planner_collect(&j->forward.planner, pack, source, draws, err));
    for (int64_t k = 0; k < draws; k += pack->tasks) {
        const int n = draws - k < pack->max_tasks ? (int)(draws - k) : pack->max_tasks;
        goss__task_pack_draw(pack, source, (uint64_t)k, n);
        const double start = goss__now();
        GOSS_TRY(goss__judge_run(j, pack, w->values ? w->values + k : own, finite, err));
        *seconds += goss__now() - start;
        for (int i = 0; i < n; i++) {
            if (!finite[i]) return not_finite(source, (uint64_t)(k + i), err);
            const goss_answers a = goss__judge_answers(j, pack, i);
            judge_each(j, &a, w, k + i);
            if (w->hook) w->hook->answered(w->hook->context, k + i, &a);
        }
    }
    return GOSS_OK;
}

static goss_status race(const goss_model *m, const goss_race_networks *of, const goss_structure_ask *ask,
                        const goss_task_source *source, const goss_metric *metric, int64_t draws, goss_threads *threads,
                        wanted *w, double *seconds, goss_structure_figures *figures, goss_error *err) {
    goss__task_pack pack;
    goss__judge judge;
    double spent = 0;
    if (of->fine_tune > 0 && !goss__method_adapts(m->method))
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "it has no network that could take gradient steps");
    GOSS_TRY(goss__model_finite(m, err));
    const size_t targets = (size_t)source->spec.queries * (size_t)source->spec.outputs + 1;
    if (w->each && !(w->room = goss__calloc(targets, sizeof *w->room)))
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for %zu targets", targets);
    const int batch = goss__judge_batch(&source->spec, draws < 1000 ? (int)draws : 1000);
    GOSS_TRY(goss__task_pack_init(&pack, batch, &source->spec, threads, err));
    const goss__forward_options o = {.fine_tune = of->fine_tune,
                                     .max_tasks = batch,
                                     .spec = &pack.spec,
                                     .precision = of->precision,
                                     .bf16 = goss__model_bf16(m),
                                     .ask = ask};
    goss_status s = goss__judge_init(&judge, m->method, &o, metric, threads, err);
    if (s == GOSS_OK) {
        s = goss_model_store(m, judge.forward.params, err);
        if (s == GOSS_OK) s = run(&judge, &pack, source, draws, w, &spent, err);
        if (figures) *figures = goss__planner_figures(&judge.forward.planner);
        goss__judge_free(&judge);
    }
    goss__task_pack_free(&pack);
    if (seconds) *seconds = spent;
    return s;
}

goss_status goss_race_structure(const goss_model *m, const goss_race_networks *of, const goss_structure_ask *ask,
                                const goss_task_source *source, const goss_metric *metric, int64_t draws,
                                goss_threads *threads, double *values, double *each, double *seconds,
                                goss_structure_figures *figures, goss_error *err) {
    wanted w = {.values = values, .each = each};
    const goss_status s = race(m, of, ask, source, metric, draws, threads, &w, seconds, figures, err);
    goss__free(w.room);
    return s;
}

goss_status goss_race_model(const goss_model *m, int fine_tune, const goss_task_source *source,
                            const goss_metric *metric, int64_t draws, goss_threads *threads, double *values,
                            double *seconds, goss_error *err) {
    const goss_race_networks of = {.fine_tune = fine_tune};
    return race(m, &of, NULL, source, metric, draws, threads, &(wanted){.values = values}, seconds, NULL, err);
}

goss_status goss_race_answers(const goss_model *m, const goss_race_networks *of, const goss_task_source *source,
                              int64_t draws, goss_threads *threads, goss_race_hook hook, double *seconds,
                              goss_error *err) {
    const goss_metric *first = goss_task_objective(&source->spec)->metrics[0];
    return race(m, of, NULL, source, first, draws, threads, &(wanted){.hook = &hook}, seconds, NULL, err);
}
