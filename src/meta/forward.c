/* SPDX-License-Identifier: Apache-2.0 */
/* forward.c: a method's answers, or a value on the way to them, as a program. */
#include "meta/forward.h"

#include "meta/method.h"

static goss_status build(goss__forward *f, goss_graph *g, const goss_method *m, const goss__forward_options *o,
                         goss_error *err) {
    const goss_task_batch b = goss_task_batch_declare(g, o->spec, o->max_tasks);
    goss_val output = goss__method_outputs(m, g, &b, o->fine_tune, o->precision);
    if (o->published && goss_valid(output)) output = goss_published_get(g, o->published);
    goss_schedule_options with = goss_schedule_defaults();
    with.bf16 = o->bf16;
    return goss_compile(g, &output, 1, NULL, 0, &with, &f->schedule, err);
}

goss_status goss__forward_init(goss__forward *f, const goss_method *m, const goss__forward_options *o,
                               goss_threads *threads, goss_error *err) {
    *f = (goss__forward){0};
    goss_graph *g = goss_graph_new();
    goss_status s = g ? build(f, g, m, o, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    goss_graph_free(g);
    if (s == GOSS_OK) s = goss_params_new(GOSS_F32, &f->params, err);
    if (s == GOSS_OK) s = goss_params_add(f->params, f->schedule, err);
    if (s == GOSS_OK) s = goss_exec_new(f->schedule, f->params, threads, &f->exec, err);
    if (s == GOSS_OK)
        s = goss__planner_init(&f->planner, m, o->ask, 0, o->max_tasks, o->spec, o->bf16, f->params, threads, err);
    if (s != GOSS_OK) goss__forward_free(f);
    return s;
}

void goss__forward_free(goss__forward *f) {
    goss__planner_free(&f->planner);
    goss_exec_free(f->exec);
    goss_params_free(f->params);
    goss_schedule_free(f->schedule);
    *f = (goss__forward){0};
}

goss_status goss__forward_run(goss__forward *f, const goss__task_pack *pack, goss_error *err) {
    GOSS_TRY(goss__planner_run(&f->planner, pack, err));
    GOSS_TRY(goss__task_pack_bind(pack, f->exec, err));
    GOSS_TRY(goss__planner_bind(&f->planner, f->exec, err));
    return goss_exec_run(f->exec, err);
}
