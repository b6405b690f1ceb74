/* SPDX-License-Identifier: Apache-2.0 */
/* run_step.c: the training step of a run: its method's loss and its batches of episodes, put into a goss_step. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "meta/structure.h"
#include "train/run.h"

static goss_status build_loss(void *run, goss_graph *g, int64_t tasks, goss_step_loss *out, goss_error *err) {
    goss__run *r = run;
    const goss_method *m = goss_model_method(r->model);
    r->batch = goss_task_batch_declare(g, &r->data.source.spec, tasks);
    r->regularizers.batch = &r->batch, r->regularizers.tasks = tasks;
    *out = goss_method_train(m, g, &r->batch);
    return goss_graph_status(g, err);
}

/* Penalties of the configuration and of the calling program. */
static goss_val attach(void *context, goss_graph *g, goss_step_loss *loss) {
    goss__run *r = context;
    const goss_train_options *with = r->attached;
    goss_val own = with->penalty ? with->penalty(with->penalty_context, g, loss) : GOSS_NONE;
    const goss_val named = goss__regularizers_penalty(&r->regularizers, g, loss);
    if (!goss_valid(own) || !goss_valid(named)) return goss_valid(own) ? own : named;
    return goss_add(goss_rank(own) == 1 ? goss_mean_all(own) : own, named);
}

static goss_status bind_tasks(void *run, goss_exec *exec, int64_t first, int64_t tasks, goss_error *err) {
    const goss__run *r = run;
    return goss__task_pack_bind_some(r->pack, (int)first, (int)tasks, exec, err);
}

/* In training its batch norms use the statistics of all tasks in a (micro-)batch. */
static bool keeps_statistics(const goss_method *m) { return m->batch_norm && !m->support_norm; }

goss_status goss__run_compile(goss__run *r, const goss_train_options *with, goss_error *err) {
    goss__rates rates;
    goss_step_options o = goss_step_defaults();
    o.tasks = r->data.tasks;
    o.micro_batch = r->set.train.micro_batch;
    r->attached = with;
    if (with->penalty || goss__regularizers_act(&r->regularizers)) o.penalty = attach, o.penalty_context = r;
    o.optimizer = r->set.optimizer;
    GOSS_TRY(goss__rates_read(r->set.rates, &rates, err));
    o.rates = rates.rule, o.n_rates = rates.n;
    const goss_status s = goss_step_new(&(goss_step_source){build_loss, bind_tasks, r}, &o, r->threads, &r->step, err);
    goss__rates_free(&rates);
    GOSS_TRY(s);
    if (o.micro_batch > 0 && keeps_statistics(goss_model_method(r->model)))
        goss__log(GOSS_LOG_INFO,
                  "train.micro_batch: in training, batch norms take the statistics of one task at a "
                  "time (of all %lld of a step with train.micro_batch = 0)",
                  (long long)o.tasks);
    r->params = goss_step_params(r->step);
    r->attached = NULL;
    goss__regularizers_start(&r->regularizers, r->data.seed, r->params);
    return goss_model_store(r->model, r->params, err);
}

goss_status goss__run_step(goss__run *r, const goss__task_pack *pack, double rate, goss_step_result *out,
                           goss_error *err) {
    const int progress = goss_params_find(r->params, GOSS__STRUCTURE_PROGRESS);
    r->pack = pack;
    if (progress >= 0) *(float *)goss_params_data(r->params, progress) = (float)goss__run_progress(r);
    goss__reg_path_draw(&r->regularizers, r->data.seed, (uint64_t)r->state.step, goss__run_progress(r), r->params);
    return goss_step_run(r->step, pack->tasks, rate, r->data.seed, (uint64_t)r->state.step, out, err);
}

/* Of a table that is trained by rows, those that no step has updated have no average. */
static void take_rows(const goss__run *r, const goss_method_param *p, float *out) {
    char name[160];
    snprintf(name, sizeof name, "optimizer.t.%s", p->name);
    const int steps = goss_params_find(r->params, name), own = goss_params_find(r->params, p->name);
    if (steps < 0 || own < 0) return;
    const float *t = goss_params_data(r->params, steps), *from = goss_params_data(r->params, own);
    const int64_t rows = goss_params_numel(r->params, steps), n = goss_layout_total(p->layout) / rows;
    for (int64_t i = 0; i < rows; i++)
        if (t[i] == 0) memcpy(out + i * n, from + i * n, (size_t)n * sizeof *out);
}

void goss__run_export(goss__run *r) {
    const goss_method *m = goss_model_method(r->model);
    for (int i = 0; i < goss_method_params(m); i++) {
        goss_method_param p = goss_method_param_at(m, i);
        char average[160];
        snprintf(average, sizeof average, "ema.%s", p.name);
        int at = goss_params_find(r->params, average);
        if (at < 0) at = goss_params_find(r->params, p.name);
        if (at >= 0) /* a parameter without updates keeps its starting values */
            memcpy(goss_model_values(r->model, i), goss_params_data(r->params, at),
                   (size_t)goss_layout_total(p.layout) * sizeof(float));
        if (at >= 0) take_rows(r, &p, goss_model_values(r->model, i));
    }
    goss__reg_path_default(&r->regularizers, r->model);
}
