/* SPDX-License-Identifier: Apache-2.0 */
/* table_slots.c: the columns of a table, encoded, as slots and flags. */
#include "meta/table_slots.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "gossamer/table_network.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table"); }

/* Roles without categories of too many values. */
static goss_status useful(const goss_table *table, const goss_roles *roles, const int32_t *rows, int n, goss_roles *out,
                          goss_error *err) {
    *out = *roles, out->task = -1;
    out->role = goss__alloc((size_t)roles->columns * sizeof *out->role);
    if (!out->role) return no_memory(err);
    for (int c = 0; c < roles->columns; c++) {
        goss_column_stats s;
        out->role[c] = roles->role[c] == GOSS_ROLE_TASK ? GOSS_ROLE_IGNORED : roles->role[c];
        if (out->role[c] != GOSS_ROLE_INPUT || goss_table_type(table, c) != GOSS_COLUMN_CATEGORY) continue;
        GOSS_TRY(goss_table_stats(table, c, rows, n, &s, err));
        if (s.distinct <= GOSS_TABLE_NETWORK_LEVELS) continue;
        out->role[c] = GOSS_ROLE_IGNORED;
        /* Of the whole column: other rows of the same table cause the same message. */
        goss__log(GOSS_LOG_WARN, "%s: column %s has %d categories and is no input: at most %d can be read",
                  goss_table_path(table), goss_table_name(table, c), goss_table_categories(table, c),
                  GOSS_TABLE_NETWORK_LEVELS);
    }
    return GOSS_OK;
}

static int by_name(const void *a, const void *b) {
    const goss__slot *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : (x->value > y->value) - (x->value < y->value);
}

static bool is_flag(const goss_encoding *e, int column, int feature) {
    const char *name = goss_encoding_column(e, column), *of = goss_encoding_feature(e, feature);
    const size_t n = strlen(name);
    return strncmp(of, name, n) == 0 && strcmp(of + n, " missing") == 0;
}

/* Of a category of two values one says all. */
static void add(goss__slots *s, const goss_encoding *e, int column) {
    double number;
    int first, count;
    goss_encoding_range(e, column, &first, &count);
    const int flag = is_flag(e, column, first + count - 1) ? first + count - 1 : -1;
    int values = count - (flag >= 0);
    if (!goss_encoding_scale(e, column, &number, &number) && values == 2) values = 1;
    for (int i = 0; i < values; i++)
        s->slot[s->n++] = (goss__slot){first + i, flag, goss_encoding_feature(e, first + i)};
}

static goss_status lay_out(goss__slots *s, const goss_table *table, int most, const char *limit, goss_error *err) {
    const goss_encoding *e = goss_table_transform_inputs(s->fit->transform);
    s->width = goss_encoding_width(e);
    s->slot = goss__calloc((size_t)s->width, sizeof *s->slot);
    if (!s->slot) return no_memory(err);
    for (int i = 0; i < goss_encoding_columns(e); i++) add(s, e, i);
    qsort(s->slot, (size_t)s->n, sizeof *s->slot, by_name);
    if (s->n <= most) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: %d columns (each value of a category counts); at most %d can be read%s: leave some out",
                          goss_table_path(table), s->n, most, limit);
}

goss_status goss__slots_fit(goss__slots *s, const goss_table *table, const goss_roles *roles, const int32_t *rows,
                            int n, const goss_objective *objective, int most, const char *limit, goss_error *err) {
    goss_roles used = {0};
    *s = (goss__slots){0};
    goss_status status = useful(table, roles, rows, n, &used, err);
    if (status == GOSS_OK) status = goss_table_fit_create(table, &used, rows, n, objective, &s->fit, err);
    if (status == GOSS_OK) status = lay_out(s, table, most, limit, err);
    goss__free(used.role);
    return status;
}

void goss__slots_free(goss__slots *s) {
    goss_table_fit_free(s->fit);
    goss__free(s->slot);
    *s = (goss__slots){0};
}

void goss__slots_put(const goss__slots *s, const float *row, float *values, float *flags) {
    for (int i = 0; i < s->n; i++) {
        const goss__slot *of = &s->slot[i];
        values[i] = row[of->value], flags[i] = of->flag < 0 ? 0 : row[of->flag];
    }
}
