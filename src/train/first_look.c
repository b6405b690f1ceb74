/* SPDX-License-Identifier: Apache-2.0 */
/* first_look.c: logs the doctor's findings on a hypernetwork before its first step: most divergences of
 * hypernetworks are visible at initialisation, and one that is not finite ends there. */
#include <string.h>

#include "base/log.h"
#include "train/run.h"

static goss_status bind(void *pack, goss_exec *exec, goss_error *err) { return goss__task_pack_bind(pack, exec, err); }

static goss_status examine(goss__run *r, goss__task_pack *pack, goss_graph *g, char **text, bool *diverges,
                           goss_error *err) {
    const goss_method *m = goss_model_method(r->model);
    goss_task_batch b = goss_task_batch_declare(g, &r->data.source.spec, pack->max_tasks);
    goss_method_examination x = {.params = r->params,
                                 .precision = GOSS_F32,
                                 .threads = r->threads,
                                 .bind = bind,
                                 .context = pack,
                                 .diverges = diverges};
    return goss_method_doctor(m, g, &b, &x, text, err);
}

static void tell(char *text) {
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        goss__log(GOSS_LOG_INFO, "%s", line);
}

goss_status goss__run_examine(goss__run *r, char **text, bool *diverges, goss_error *err) {
    goss__task_pack pack;
    *text = NULL, *diverges = false;
    if (strcmp(goss_method_name(goss_model_method(r->model)), "hypernet") != 0) return GOSS_OK;
    const int micro = r->set.train.micro_batch;
    const int tasks = micro ? micro : r->data.tasks;
    GOSS_TRY(goss__task_pack_init(&pack, tasks, &r->data.source.spec, r->threads, err));
    goss__run_data_draw(&r->data, 0, &pack);
    goss_graph *g = goss_graph_new();
    goss_status s =
        g ? examine(r, &pack, g, text, diverges, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    goss_graph_free(g);
    goss__task_pack_free(&pack);
    return s == GOSS_OK ? s : goss_error_prefix(err, s, "doctor");
}

goss_status goss__run_diverges(const goss__run *r, goss_error *err) {
    const char *start = r->set.train.start;
    return goss_error_set(
        err, GOSS_E_NUMERIC,
        "the hypernetwork generates weights that are not finite before the first step (see the table of "
        "the doctor): training cannot start. %s%s",
        *start ? "Their cause is train.start = " : "Lower hyper.alpha, or normalise the inputs", start);
}

goss_status goss__run_first_look(goss__run *r, goss_error *err) {
    char *text;
    bool diverges;
    const goss_status s = goss__run_examine(r, &text, &diverges, err);
    if (text) tell(text);
    goss_text_free(text);
    return s == GOSS_OK && diverges ? goss__run_diverges(r, err) : s;
}
