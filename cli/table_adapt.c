/* SPDX-License-Identifier: Apache-2.0 */
/* table_adapt.c: gossamer adapt with the rows of one task. */
#include <stdio.h>
#include <string.h>

#include "gossamer/table_data.h"
#include "gossamer/text.h"
#include "data_kinds.h"

static void tell(const goss_network *n, int rows, const char *task) {
    char members[64] = "a network";
    if (goss_network_members(n) > 1)
        snprintf(members, sizeof members, "an ensemble of %d networks", goss_network_members(n));
    cli_tell("%d row%s%s%s became %s of %lld weights", rows, rows == 1 ? "" : "s", task && *task ? " of task " : "",
             task ? task : "", members, (long long)goss_layout_total(goss_target_layout(goss_network_target(n))));
}

static goss_status note(goss_network *n, const char *task, goss_error *err) {
    return task && *task ? goss_network_note(n, "support.task", task, err) : GOSS_OK;
}

goss_status adapt_table(const goss_model *m, const adapt_request *q, goss_network **out, goss_error *err) {
    goss_table_fit *fit;
    goss_task_source source = {0};
    char *task = NULL;
    *out = NULL;
    GOSS_TRY(goss_table_fit_parse(goss_model_data(m)->transform, &fit, err));
    goss_status s = goss_table_fit_support(fit, q->support, q->descriptor, &source, &task, err);
    if (s == GOSS_OK) {
        goss_adapt_options o = q->o;
        o.ordered = strcmp(goss_table_transform_order(fit->transform), "random") != 0;
        s = goss_model_adapt_task(m, &source, 0, NULL, &o, out, err);
        if (s == GOSS_OK) s = note(*out, task, err);
        if (s == GOSS_OK) tell(*out, source.spec.supports, task);
        goss_task_source_free(&source);
    }
    goss_text_free(task);
    goss_table_fit_free(fit);
    return s;
}
