/* SPDX-License-Identifier: Apache-2.0 */
/* table_fit_one.c: a fit to a table that is one task: nobody has trained on it, and nothing groups its rows. */
#include "base/alloc.h"
#include "task/table_data.h"
#include "task/table_task.h"

static goss_status fit(const goss_table *table, const goss_roles *roles, int32_t *rows, int n,
                       const goss_objective *objective, goss_table_fit *out, goss_error *err) {
    char none[] = "", *name = none;
    int32_t first[] = {0, n};
    const goss_table_tasks all = {.table = table,
                                  .groups = {.count = 1, .name = &name, .first = first, .rows = rows},
                                  .target = roles->target,
                                  .order_column = -1,
                                  .task_name = none};
    const goss_table_transform_options o = {.objective = objective};
    GOSS_TRY(goss_table_transform_fit(&all, roles, NULL, 0, &o, &out->transform, err));
    out->metric = out->transform->objective->metrics[0];
    out->support = out->most_support = n;
    if (table->missing && !(out->missing = goss__strdup(table->missing)))
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table's fit");
    return GOSS_OK;
}

goss_status goss_table_fit_create(const goss_table *table, const goss_roles *roles, const int32_t *rows, int n,
                                  const goss_objective *objective, goss_table_fit **out, goss_error *err) {
    *out = NULL;
    if (n < 1) return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no rows with a target", goss_table_path(table));
    goss_table_fit *f = goss__calloc(1, sizeof *f);
    int32_t *own = goss__alloc((size_t)n * sizeof *own);
    goss_status s = f && own ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a table's fit");
    for (int i = 0; s == GOSS_OK && i < n; i++) own[i] = rows[i];
    if (s == GOSS_OK) s = fit(table, roles, own, n, objective, f, err);
    goss__free(own);
    if (s == GOSS_OK)
        *out = f;
    else
        goss_table_fit_free(f);
    return s;
}
