/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c: a metric of each task of what a method answers, on the host. */
#include "meta/judge.h"

#include <math.h>

#include "base/alloc.h"

goss_status goss__judge_init(goss__judge *j, const goss_method *m, const goss__forward_options *o,
                             const goss_metric *metric, goss_threads *threads, goss_error *err) {
    const bool steps = goss_task_objective(o->spec)->steps;
    const size_t answers = (size_t)o->spec->queries * (size_t)(steps ? o->spec->input[0] : 1) + 1;
    *j = (goss__judge){.metric = metric, .scratch = goss__calloc(2 * answers, sizeof(float))};
    if (steps)
        j->label = goss__calloc(2 * answers, sizeof(float)), j->label_weight = j->label ? j->label + answers : NULL;
    const goss_status s = j->scratch && (j->label || !steps)
                              ? goss__forward_init(&j->forward, m, o, threads, err)
                              : goss_error_set(err, GOSS_E_NOMEM, "no memory for answers");
    if (s != GOSS_OK) goss__judge_free(j);
    return s;
}

void goss__judge_free(goss__judge *j) {
    goss__forward_free(&j->forward);
    goss__free(j->scratch), goss__free(j->label);
    *j = (goss__judge){0};
}

/* Checked explicitly, since comparisons with NaN would yield a class. Padding is ignored. */
static bool all_finite(const goss_answers *a, int all) {
    for (int i = 0; i < a->count; i++)
        for (int w = 0; a->weight[i] > 0 && w < all; w++)
            if (!isfinite(a->output[(size_t)i * (size_t)a->stride + (size_t)w])) return false;
    return true;
}

/* A task's labelled steps as samples: labels as the source gives them, and weights, 0 for a step without one. */
static void take_labels(const goss__judge *j, const goss__task_pack *pack, goss_answers *a) {
    const size_t steps = goss__task_pack_answers(pack), planned = (size_t)goss_task_target_size(&pack->spec);
    const size_t all = (size_t)a->count * steps;
    for (size_t i = 0; i < all; i++) {
        const float y = a->target[i / steps * planned + i % steps];
        j->label[i] = y < 0 ? 0 : y, j->label_weight[i] = y < 0 ? 0 : a->weight[i / steps];
    }
    a->target = j->label, a->weight = j->label_weight, a->count = (int)all;
}

goss_answers goss__judge_answers(const goss__judge *j, const goss__task_pack *pack, int t) {
    const size_t q = (size_t)pack->queries;
    const int stride = goss_objective_width(goss_task_objective(&pack->spec), pack->outputs);
    const float *output = goss_exec_output(j->forward.exec, 0, NULL);
    goss_answers a = {.count = pack->sizes[t].queries,
                      .outputs = pack->sizes[t].outputs,
                      .stride = stride,
                      .output = output + (size_t)t * q * goss__task_pack_answers(pack) * (size_t)stride,
                      .target = goss__task_pack_raw_query(pack, t),
                      .weight = pack->query_weight + (size_t)t * q,
                      .scale = pack->spec.scale,
                      .objective = goss_task_objective(&pack->spec),
                      .scratch = j->scratch,
                      .structure = goss__planner_structure(&j->forward.planner, t)};
    if (j->label) take_labels(j, pack, &a);
    return a;
}

goss_status goss__judge_run(goss__judge *j, const goss__task_pack *pack, double *out, bool *finite, goss_error *err) {
    const goss_objective *o = goss_task_objective(&pack->spec);
    GOSS_TRY(goss__forward_run(&j->forward, pack, err));
    for (int t = 0; t < pack->tasks; t++) {
        const goss_answers a = goss__judge_answers(j, pack, t);
        const bool fine = all_finite(&a, goss_objective_width(o, a.outputs));
        out[t] = fine ? j->metric->value(&a) : NAN;
        if (finite) finite[t] = fine;
    }
    return GOSS_OK;
}

int goss__judge_batch(const goss_task_spec *spec, int tasks) {
    int samples = spec->supports + spec->queries, n = samples > 0 ? 1200 / samples : 1;
    if (n > 32) n = 32;
    if (n > tasks) n = tasks;
    return n > 0 ? n : 1;
}
