/* SPDX-License-Identifier: Apache-2.0 */
/* table_descriptor.c: task descriptors from a second table, one row a task. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/json.h"
#include "task/table_task.h"

struct goss_descriptors {
    char *key; /* the column that names the task */
    goss_encoding *inputs;
};

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the descriptors of tasks");
}

void goss_descriptors_free(goss_descriptors *d) {
    if (!d) return;
    goss_encoding_free(d->inputs);
    goss__free(d->key);
    goss__free(d);
}

int goss_descriptors_width(const goss_descriptors *d) { return goss_encoding_width(d->inputs); }

/* The row of a task; NULL: of the only one. */
static goss_status find_row(const goss_table *table, int key, const char *task, int32_t *row, goss_error *err) {
    char buffer[GOSS_CELL_TEXT], place[GOSS__PLACE];
    *row = -1;
    if (!task && goss_table_rows(table) == 1) *row = 0;
    if (!task && *row < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s has %d rows and the task has no name: give it a column %s, or the descriptor alone",
                              goss_table_file(table, 0), goss_table_rows(table), goss_table_name(table, key));
    for (int r = 0; task && r < goss_table_rows(table); r++) {
        if (goss_table_missing(table, key, r) || strcmp(goss_table_text(table, key, r, buffer), task) != 0) continue;
        if (*row >= 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "%s: a second row for %s %s; a descriptor has one",
                                  goss__row_place(table, r, place), goss_table_name(table, key), task);
        *row = r;
    }
    if (*row >= 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: there is no row with %s = %s, a task that needs its descriptor",
                          goss_table_file(table, 0), goss_table_name(table, key), task);
}

static goss_status need_key(const goss_table *table, const char *name, int *key, goss_error *err) {
    return goss_table_need(table, name, "the column of tasks in the table of descriptors", key, err);
}

/* Columns with the role of an input that are not constant over those tasks. */
static goss_status choose_columns(const goss_table *table, const char *key, const int32_t *rows, int n, int *columns,
                                  int *count, goss_error *err) {
    goss_roles roles;
    GOSS_TRY(goss_table_roles(table, &(goss_roles_declared){.target = "", .task = key}, &roles, err));
    goss_status s = GOSS_OK;
    *count = 0;
    for (int c = 0; s == GOSS_OK && c < roles.columns; c++) {
        goss_column_stats stats;
        if (roles.role[c] != GOSS_ROLE_INPUT) continue;
        s = goss_table_stats(table, c, rows, n, &stats, err);
        if (s == GOSS_OK && (stats.distinct > 1 || (stats.distinct == 1 && stats.missing > 0))) columns[(*count)++] = c;
    }
    goss_roles_free(&roles);
    if (s == GOSS_OK && *count == 0)
        s = goss_error_set(err, GOSS_E_ARGUMENT, "%s: no column tells one task from another",
                           goss_table_file(table, 0));
    return s;
}

static goss_status fit(goss_descriptors *d, const goss_table *table, const goss_table_tasks *t, const int32_t *tasks,
                       int n, int32_t *rows, int *columns, goss_error *err) {
    int key, count;
    GOSS_TRY(need_key(table, d->key, &key, err));
    for (int i = 0; i < n; i++)
        GOSS_TRY(find_row(table, key, goss_table_tasks_name(t, tasks ? tasks[i] : i), &rows[i], err));
    GOSS_TRY(choose_columns(table, d->key, rows, n, columns, &count, err));
    return goss_encoding_fit(table, columns, count, rows, n, &d->inputs, err);
}

goss_status goss_descriptors_fit(const goss_table *table, const goss_table_tasks *t, const int32_t *tasks, int n,
                                 goss_descriptors **out, goss_error *err) {
    if (!tasks) n = goss_table_tasks_count(t);
    const char *key = t->task_name;
    *out = NULL;
    goss_descriptors *d = goss__calloc(1, sizeof *d);
    int32_t *rows = goss__calloc((size_t)n + 1, sizeof *rows);
    int *columns = goss__calloc((size_t)goss_table_columns(table) + 1, sizeof *columns);
    if (d) d->key = goss__strdup(key);
    goss_status s = d && d->key && rows && columns ? fit(d, table, t, tasks, n, rows, columns, err) : no_memory(err);
    goss__free(rows), goss__free(columns);
    if (s == GOSS_OK)
        *out = d;
    else
        goss_descriptors_free(d);
    return s;
}

goss_status goss_descriptors_apply(const goss_descriptors *d, const goss_table *table, const char *task, float *out,
                                   goss_error *err) {
    int key;
    int32_t row;
    GOSS_TRY(need_key(table, d->key, &key, err));
    GOSS_TRY(find_row(table, key, task, &row, err));
    return goss_encoding_apply(d->inputs, table, &row, 1, out, NULL, err);
}

/* ---- as text ---- */

goss_status goss_descriptors_text(const goss_descriptors *d, char **text, goss_error *err) {
    goss__str s = {0};
    char *inputs;
    *text = NULL;
    GOSS_TRY(goss_encoding_text(d->inputs, &inputs, err));
    goss__str_add(&s, "{\"key\": ");
    goss__json_add_text(&s, d->key);
    goss__str_add(&s, ", \"inputs\": "), goss__json_add_text(&s, inputs), goss__str_add(&s, "}");
    goss_csv_text_free(inputs);
    *text = s.data;
    if (!s.failed) return GOSS_OK;
    goss__str_free(&s), *text = NULL;
    return no_memory(err);
}

#if GOSS_HAVE_JANSSON
static goss_status parse(const json_t *root, goss_descriptors *d, goss_error *err) {
    const json_t *key = json_object_get(root, "key"), *inputs = json_object_get(root, "inputs");
    if (!json_is_string(key) || !json_is_string(inputs))
        return goss_error_set(err, GOSS_E_FORMAT, "descriptors of tasks that are damaged, or of another version");
    if (!(d->key = goss__strdup(json_string_value(key)))) return no_memory(err);
    return goss_encoding_parse(json_string_value(inputs), &d->inputs, err);
}

goss_status goss_descriptors_parse(const char *text, goss_descriptors **out, goss_error *err) {
    json_t *root;
    *out = NULL;
    GOSS_TRY(goss__json_parse(text, strlen(text), 0, &root, err));
    goss_descriptors *d = goss__calloc(1, sizeof *d);
    goss_status s = d ? parse(root, d, err) : no_memory(err);
    json_decref(root);
    if (s == GOSS_OK)
        *out = d;
    else
        goss_descriptors_free(d);
    return s;
}
#else
goss_status goss_descriptors_parse(const char *text, goss_descriptors **out, goss_error *err) {
    (void)text;
    *out = NULL;
    return goss_error_set(err, GOSS_E_UNSUPPORTED,
                          "descriptors of tasks are JSON, and this build has no jansson (" GOSS_JANSSON_GET ")");
}
#endif
