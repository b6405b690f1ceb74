/* SPDX-License-Identifier: Apache-2.0 */
/* table_ahead.c: targets of several horizons: which of their components are known of a set of rows.
 *
 * A row's target reaches beyond the row. Who adapts to rows does not know what follows the last of them, and a part of
 * a task's rows does not know the next part: components that lie there are missing. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "table/series.h"
#include "task/table_task.h"

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for targets of several horizons");
}

void goss__ahead_close(goss__ahead *a) {
    goss__free(a->step), goss__free(a->at), goss__free(a->first), goss__free(a->last);
    *a = (goss__ahead){.outputs = 1};
}

static void find_places(goss__ahead *a, const goss__series_order *s, const int32_t *rows, int n) {
    for (int i = 0; i < n; i++) {
        const int row = rows ? rows[i] : i;
        a->at[i] = s->at[row], a->first[i] = s->at[row] < 0 ? -1 : s->first[row];
    }
}

goss_status goss__ahead_open(goss__ahead *a, const goss_table_transform *f, const goss_table *table,
                             const int32_t *rows, int n, goss_error *err) {
    const goss_series_options *o = goss_encoding_series(f->inputs);
    const size_t all = (size_t)n + 1;
    goss__series_order s;
    *a = (goss__ahead){.outputs = 1};
    if (!goss_table_transform_relative(f) || goss_series_horizons(o) == 1) return GOSS_OK;
    a->outputs = goss_series_horizons(o);
    a->step = goss__calloc((size_t)a->outputs, sizeof *a->step), a->at = goss__calloc(all, sizeof *a->at);
    a->first = goss__calloc(all, sizeof *a->first);
    a->last = goss__calloc((size_t)goss_table_rows(table) + 1, sizeof *a->last);
    goss_status status = a->step && a->at && a->first && a->last ? GOSS_OK : no_memory(err);
    if (status == GOSS_OK) status = goss__series_order_open(&s, table, o, err);
    if (status == GOSS_OK) {
        for (int k = 0; k < a->outputs; k++) a->step[k] = goss_series_horizon(o, k) - o->horizon;
        find_places(a, &s, rows, n);
        goss__series_order_close(&s);
    } else {
        goss__ahead_close(a);
    }
    return status;
}

void goss__ahead_forget(const goss__ahead *a, int first, const uint32_t *place, int n, float *y) {
    if (a->outputs == 1 || !y) return;
    for (int i = 0; i < n; i++) {
        const int at = first + (place ? (int)place[i] : i);
        if (a->first[at] >= 0) a->last[a->first[at]] = -1;
    }
    for (int i = 0; i < n; i++) {
        const int at = first + (place ? (int)place[i] : i);
        if (a->first[at] >= 0 && a->at[at] > a->last[a->first[at]]) a->last[a->first[at]] = a->at[at];
    }
    for (int i = 0; i < n; i++, y += a->outputs) {
        const int at = first + (place ? (int)place[i] : i);
        for (int k = 1; k < a->outputs; k++)
            if (a->first[at] < 0 || a->at[at] + a->step[k] > a->last[a->first[at]]) y[k] = NAN;
    }
}

goss_status goss__known_targets(const goss_table_transform *f, const goss_table *table, const int32_t *rows, int n,
                                float *y, goss_error *err) {
    goss__ahead a;
    GOSS_TRY(goss_table_transform_targets(f, table, rows, n, y, err));
    GOSS_TRY(goss__ahead_open(&a, f, table, rows, n, err));
    goss__ahead_forget(&a, 0, NULL, n, y);
    goss__ahead_close(&a);
    return GOSS_OK;
}

bool goss__scale_room(goss_table_transform *f) {
    const size_t n = (size_t)goss_table_transform_outputs(f);
    f->mean = goss__calloc(2 * n, sizeof *f->mean);
    f->deviation = f->mean ? f->mean + n : NULL;
    return f->mean != NULL;
}

float *goss__scale_copy(const goss_table_transform *f) {
    const size_t n = (size_t)goss_table_transform_outputs(f);
    float *own = goss__calloc(2 * n, sizeof *own);
    if (own && !f->classes) memcpy(own, f->mean, n * sizeof *own), memcpy(own + n, f->deviation, n * sizeof *own);
    return own;
}
