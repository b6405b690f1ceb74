/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_ranks.c: effective ranks of the weights that differ by task: each tensor as a matrix with a row per task. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "gossamer/exec.h"
#include "gossamer/regularizer.h"
#include "inspect_share.h"

typedef struct built {
    goss_graph *graph;
    goss_schedule *schedule;
    goss_params *params;
    goss_threads *threads;
    goss_exec *exec;
    goss_val *value; /* the tensors that differ by task, and which ones of the target's layout they are */
    int *entry, n;
} built;

static void close_all(built *b) {
    goss_exec_free(b->exec);
    goss_threads_free(b->threads);
    goss_params_free(b->params);
    goss_schedule_free(b->schedule);
    goss_graph_free(b->graph);
    free(b->value), free(b->entry);
}

/* The weights of all tasks, as they are after training. */
static goss_status build(const goss_model *m, built *b, goss_error *err) {
    const goss_share *s = goss_method_share(goss_model_method(m));
    const goss_layout *l = goss_target_layout(goss_share_target(s));
    const int64_t tasks = goss_share_settings(s)->tasks;
    const size_t most = (size_t)goss_layout_count(l) + 1;
    b->value = calloc(most, sizeof *b->value), b->entry = calloc(most, sizeof *b->entry);
    if (!b->value || !b->entry || !(b->graph = goss_graph_new()))
        return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    const goss_share_tasks all = {.id = goss_iota(b->graph, goss_n(tasks)),
                                  .heat = goss_share_heat(s, b->graph, GOSS_NONE)};
    goss_weights *w = goss_share_weights(s, b->graph, &all);
    for (int i = 0; w && i < goss_layout_count(l); i++) {
        const goss_val v = goss_weights_get(w, goss_layout_entry(l, i)->name);
        if (goss_valid(v) && tasks > 1 && goss_extent_is(goss_dim(v, 0), tasks))
            b->value[b->n] = v, b->entry[b->n++] = i;
    }
    goss_weights_free(w);
    GOSS_TRY(goss_graph_status(b->graph, err));
    if (b->n == 0) return GOSS_OK;
    const goss_schedule_options o = goss_schedule_defaults();
    GOSS_TRY(goss_compile(b->graph, b->value, b->n, NULL, 0, &o, &b->schedule, err));
    GOSS_TRY(goss_params_new(GOSS_F32, &b->params, err));
    GOSS_TRY(goss_params_add(b->params, b->schedule, err));
    GOSS_TRY(goss_model_store(m, b->params, err));
    GOSS_TRY(goss_threads_new(1, &b->threads, err));
    GOSS_TRY(goss_exec_new(b->schedule, b->params, b->threads, &b->exec, err));
    return goss_exec_run(b->exec, err);
}

static goss_status rank_of(const goss_model *m, const built *b, int i, double rank[2], goss_error *err) {
    const goss_share *s = goss_method_share(goss_model_method(m));
    const int64_t tasks = goss_share_settings(s)->tasks;
    const goss_entry *e = goss_layout_entry(goss_target_layout(goss_share_target(s)), b->entry[i]);
    const float *w = goss_exec_output(b->exec, i, NULL);
    for (int k = 0; k < 2; k++) GOSS_TRY(goss_effective_rank(w, tasks, e->numel, k == 1, &rank[k], err));
    return GOSS_OK;
}

static goss_status each(const goss_model *m, bool json, goss_error *err) {
    built b = {0};
    goss_status s = build(m, &b, err);
    for (int i = 0; s == GOSS_OK && i < b.n; i++) {
        const goss_layout *l = goss_target_layout(goss_share_target(goss_method_share(goss_model_method(m))));
        double rank[2];
        if ((s = rank_of(m, &b, i, rank, err)) != GOSS_OK) break;
        const goss_entry *e = goss_layout_entry(l, b.entry[i]);
        if (json) {
            printf("%s{\"name\": ", i ? ", " : "");
            cli_json_text(e->name);
            cli_json_number(", \"effective_rank\": ", rank[0]), cli_json_number(", \"deviations\": ", rank[1]);
            printf("}");
        } else {
            if (i == 0) printf("effective rank of the tasks' weights, and of what they deviate from their mean by:\n");
            printf("  "), cli_put_name(e->name, 28), printf("  %.2f  %.2f\n", rank[0], rank[1]);
        }
    }
    close_all(&b);
    return s;
}

void cli_print_ranks(const goss_model *m) {
    goss_error err;
    if (each(m, false, &err) != GOSS_OK) cli_tell("effective ranks: %s", err.text);
}

void cli_json_ranks(const goss_model *m) {
    goss_error err;
    printf(", \"ranks\": [");
    if (each(m, true, &err) != GOSS_OK) cli_tell("effective ranks: %s", err.text);
    printf("]");
}
