/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c: logits of a batch's queries as a program, and accuracies by task. */
#include "meta/judge.h"

/* [T]: 0, or NaN where a logit of the task is not finite: a comparison would make an answer of it all the same. What is
 * padding does not count. */
static goss_val not_a_number(goss_val logits, const goss_task_batch *b) {
    goss_val zero = goss_const(logits.graph, 0);
    goss_val weight = goss_unsqueeze(b->query_weight, 2), nothing = goss_scale(logits, 0);
    return goss_sum(goss_select(weight, nothing, zero), GOSS_AXIS(1) | GOSS_AXIS(2), false);
}

static goss_status build(goss__judge *j, goss_graph *g, const goss_method *m, int fine_tune, int max_tasks,
                         goss_episode_limits limits, const char *bf16, goss_error *err) {
    int queries = limits.queries > 0 ? limits.queries : 1;
    goss_task_batch b =
        goss_task_batch_declare(g, goss_method_target(m), max_tasks, limits.ways, limits.supports, queries);
    goss_val logits = goss_method_logits(m, g, &b, fine_tune);
    goss_val right = goss_mul(goss_correct(logits, b.query_target), b.query_weight);
    goss_val share = goss_div(goss_sum(right, GOSS_AXIS(1), false), goss_sum(b.query_weight, GOSS_AXIS(1), false));
    share = goss_add(share, not_a_number(logits, &b));
    goss_schedule_options o = goss_schedule_defaults();
    o.bf16 = bf16;
    return goss_compile(g, &share, 1, NULL, 0, &o, &j->program, err);
}

goss_status goss__judge_init(goss__judge *j, const goss_method *m, int fine_tune, int max_tasks,
                             goss_episode_limits limits, const char *bf16, goss_threads *threads, goss_error *err) {
    *j = (goss__judge){0};
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    goss_status s = build(j, g, m, fine_tune, max_tasks, limits, bf16, err);
    goss_graph_free(g);
    if (s == GOSS_OK) s = goss_params_new(GOSS_F32, &j->params, err);
    if (s == GOSS_OK) s = goss_params_add(j->params, j->program, err);
    if (s == GOSS_OK) s = goss_exec_new(j->program, j->params, threads, &j->exec, err);
    if (s != GOSS_OK) goss__judge_free(j);
    return s;
}

void goss__judge_free(goss__judge *j) {
    goss_exec_free(j->exec);
    goss_params_free(j->params);
    goss_schedule_free(j->program);
    *j = (goss__judge){0};
}

goss_status goss__judge_run(goss__judge *j, const goss__task_pack *pack, double *out, goss_error *err) {
    GOSS_TRY(goss__task_pack_bind(pack, j->exec, err));
    GOSS_TRY(goss_exec_run(j->exec, err));
    const float *share = goss_exec_output(j->exec, 0, NULL);
    for (int t = 0; t < pack->tasks; t++) out[t] = (double)share[t];
    return GOSS_OK;
}

int goss__judge_batch(goss_episode_limits limits, int episodes) {
    int images = limits.supports + limits.queries, n = images > 0 ? 1200 / images : 1;
    if (n > 32) n = 32;
    if (n > episodes) n = episodes;
    return n > 0 ? n : 1;
}
