/* SPDX-License-Identifier: Apache-2.0 */
/* table_descriptor.c: task descriptors from a second table, one row a task. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/json.h"
#include "table/dictionary.h"
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
const goss_encoding *goss_descriptors_inputs(const goss_descriptors *d) { return d->inputs; }

static goss_status need_key(const goss_table *table, const char *name, int *key, goss_error *err) {
    return goss_table_need(table, name, "the column of tasks in the table of descriptors", key, err);
}

/* ---- rows by tasks ---- */

typedef struct finding {
    const goss_table *table;
    int key;
    goss__dictionary asked; /* the tasks */
    int32_t *row;           /* [asked] -1: none yet */
} finding;

/* One pass over the table, however many tasks there are. */
static goss_status match_rows(finding *f, goss_error *err) {
    char buffer[GOSS_CELL_TEXT], place[GOSS__PLACE];
    for (int r = 0; r < goss_table_rows(f->table); r++) {
        if (goss_table_missing(f->table, f->key, r)) continue;
        const char *task = goss_table_text(f->table, f->key, r, buffer);
        const int32_t at = goss__dictionary_find(&f->asked, task);
        if (at < 0) continue;
        if (f->row[at] >= 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "%s: a second row for %s %s; a descriptor has one",
                                  goss__row_place(f->table, r, place), goss_table_name(f->table, f->key), task);
        f->row[at] = r;
    }
    return GOSS_OK;
}

static goss_status ask(finding *f, const char *const *tasks, int n, int32_t *rows, goss_error *err) {
    f->row = goss__calloc((size_t)n + 1, sizeof *f->row);
    if (!f->row) return no_memory(err);
    for (int i = 0; i < n; i++) {
        if ((rows[i] = goss__dictionary_add(&f->asked, tasks[i])) < 0) return no_memory(err);
        f->row[rows[i]] = -1;
    }
    return GOSS_OK;
}

/* Shapes: rows [n]. */
static goss_status find_rows(const goss_table *table, int key, const char *const *tasks, int n, int32_t *rows,
                             goss_error *err) {
    finding f = {.table = table, .key = key};
    goss_status s = ask(&f, tasks, n, rows, err);
    if (s == GOSS_OK) s = match_rows(&f, err);
    for (int i = 0; s == GOSS_OK && i < n; i++) {
        rows[i] = f.row[rows[i]];
        if (rows[i] < 0)
            s = goss_error_set(err, GOSS_E_ARGUMENT,
                               "%s: there is no row with %s = %s, a task that needs its descriptor",
                               goss_table_path(table), goss_table_name(table, key), tasks[i]);
    }
    goss__free(f.row);
    goss__dictionary_free(&f.asked);
    return s;
}

/* The only row, which needs no name. */
static goss_status only_row(const goss_descriptors *d, const goss_table *table, int32_t *row, goss_error *err) {
    *row = 0;
    if (goss_table_rows(table) == 1) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s has %d rows and the task has no name: give it a column %s, or the descriptor alone",
                          goss_table_path(table), goss_table_rows(table), d->key);
}

/* ---- fitting ---- */

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
        s = goss_error_set(err, GOSS_E_ARGUMENT, "%s: no column tells one task from another", goss_table_path(table));
    return s;
}

static goss_status fit(goss_descriptors *d, const goss_table *table, const char *const *tasks, int n, int32_t *rows,
                       int *columns, goss_error *err) {
    int key, count;
    GOSS_TRY(need_key(table, d->key, &key, err));
    GOSS_TRY(find_rows(table, key, tasks, n, rows, err));
    GOSS_TRY(choose_columns(table, d->key, rows, n, columns, &count, err));
    return goss_encoding_fit(table, columns, count, rows, n, &d->inputs, err);
}

/* Of tasks [n]; NULL: no memory. */
static const char **names_of(const goss_table_tasks *t, const int32_t *tasks, int n) {
    const char **names = goss__calloc((size_t)n + 1, sizeof *names);
    for (int i = 0; names && i < n; i++) names[i] = goss_table_tasks_name(t, tasks ? tasks[i] : i);
    return names;
}

goss_status goss_descriptors_fit(const goss_table *table, const goss_table_tasks *t, const int32_t *tasks, int n,
                                 goss_descriptors **out, goss_error *err) {
    if (!tasks) n = goss_table_tasks_count(t);
    *out = NULL;
    goss_descriptors *d = goss__calloc(1, sizeof *d);
    int32_t *rows = goss__calloc((size_t)n + 1, sizeof *rows);
    const char **names = names_of(t, tasks, n);
    int *columns = goss__calloc((size_t)goss_table_columns(table) + 1, sizeof *columns);
    if (d) d->key = goss__strdup(t->task_name);
    goss_status s =
        d && d->key && rows && names && columns ? fit(d, table, names, n, rows, columns, err) : no_memory(err);
    goss__free(rows), goss__free(names), goss__free(columns);
    if (s == GOSS_OK)
        *out = d;
    else
        goss_descriptors_free(d);
    return s;
}

/* ---- applying ---- */

static goss_status apply(const goss_descriptors *d, const goss_table *table, const char *const *tasks, int n,
                         float *out, goss_error *err) {
    int key;
    GOSS_TRY(need_key(table, d->key, &key, err));
    if (n == 0) return GOSS_OK;
    int32_t *rows = goss__calloc((size_t)n, sizeof *rows);
    goss_status s = rows ? find_rows(table, key, tasks, n, rows, err) : no_memory(err);
    if (s == GOSS_OK) s = goss_encoding_apply(d->inputs, table, rows, n, out, NULL, err);
    goss__free(rows);
    return s;
}

goss_status goss_descriptors_apply_each(const goss_descriptors *d, const goss_table *table, const goss_table_tasks *t,
                                        const int32_t *tasks, int n, float *out, goss_error *err) {
    if (!tasks) n = goss_table_tasks_count(t);
    const char **names = names_of(t, tasks, n);
    float *room = out ? NULL : goss__calloc((size_t)n * (size_t)goss_descriptors_width(d) + 1, sizeof *room);
    const goss_status s = names && (out || room) ? apply(d, table, names, n, out ? out : room, err) : no_memory(err);
    goss__free(names), goss__free(room);
    return s;
}

goss_status goss_descriptors_apply(const goss_descriptors *d, const goss_table *table, const char *task, float *out,
                                   goss_error *err) {
    int32_t row;
    if (task) return apply(d, table, &task, 1, out, err);
    GOSS_TRY(only_row(d, table, &row, err));
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
