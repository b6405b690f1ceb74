/* SPDX-License-Identifier: Apache-2.0 */
/* table_tasks.c: rows of a table in tasks, each in its order. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "task/table_task.h"

/* ---- order ---- */

static goss_status find_order(goss_table_tasks *t, const char *order, goss_error *err) {
    t->order_column = -1;
    if (!order || strcmp(order, "random") == 0 || strcmp(order, "first") == 0) {
        t->order = order && *order == 'f' ? GOSS_ORDER_FIRST : GOSS_ORDER_RANDOM;
        return GOSS_OK;
    }
    t->order = GOSS_ORDER_COLUMN;
    GOSS_TRY(goss_table_need(t->table, order, "task.order", &t->order_column, err));
    const goss_column_type type = goss_table_type(t->table, t->order_column);
    if (type == GOSS_COLUMN_NUMBER || type == GOSS_COLUMN_DATE) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "rows cannot be ordered by column %s: it holds texts; make numbers of it (days since the "
                          "first), or order the file and say first",
                          order);
}

static goss_status no_key(const goss_table_tasks *t, int row, goss_error *err) {
    char place[GOSS__PLACE], cell[GOSS_CELL_TEXT];
    const char *name = goss_table_name(t->table, t->order_column);
    if (goss_table_missing(t->table, t->order_column, row))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: %s is missing, by which rows are ordered; fill it in or take the row out",
                              goss__row_place(t->table, row, place), name);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: rows cannot be ordered by column %s: \"%.40s\" is no date, or may be several; write "
                          "years first (2024-03-01; 1 to 9999), or numbers, or order the file and say first",
                          goss__row_place(t->table, row, place), name,
                          goss_table_text(t->table, t->order_column, row, cell));
}

static goss_status check_order(const goss_table_tasks *t, goss_error *err) {
    const int32_t n = t->groups.first[t->groups.count];
    for (int32_t i = 0; t->order_column >= 0 && i < n; i++)
        if (isnan(goss_table_order_key(t->table, t->order_column, t->groups.rows[i])))
            return no_key(t, t->groups.rows[i], err);
    return GOSS_OK;
}

typedef struct keyed {
    double key;
    int32_t row, at;
} keyed;

static int by_key(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at; /* no ties: qsort need not be stable */
}

static goss_status sort_tasks(goss_table_tasks *t, goss_error *err) {
    const goss_groups *g = &t->groups;
    if (t->order_column < 0) return GOSS_OK;
    keyed *k = goss__calloc((size_t)g->first[g->count] + 1, sizeof *k);
    if (!k) return goss_error_set(err, GOSS_E_NOMEM, "no memory to order %d rows", (int)g->first[g->count]);
    for (int i = 0; i < g->count; i++) {
        const int32_t first = g->first[i], n = g->first[i + 1] - first;
        for (int32_t r = 0; r < n; r++)
            k[r] = (keyed){goss_table_order_key(t->table, t->order_column, g->rows[first + r]), g->rows[first + r], r};
        qsort(k, (size_t)n, sizeof *k, by_key);
        for (int32_t r = 0; r < n; r++) g->rows[first + r] = k[r].row;
    }
    goss__free(k);
    return GOSS_OK;
}

/* ---- open ---- */

/* Rows with a target, [*n]. */
static goss_status with_target(goss_table_tasks *t, int32_t **rows, int *n, goss_error *err) {
    const int all = goss_table_rows(t->table);
    *n = 0, *rows = goss__calloc((size_t)all + 1, sizeof **rows);
    if (!*rows) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d rows", all);
    for (int r = 0; r < all; r++)
        if (t->target < 0 || !goss_table_missing(t->table, t->target, r)) (*rows)[(*n)++] = r;
    t->without_target = all - *n;
    return GOSS_OK;
}

static goss_status check_roles(const goss_table *table, const goss_roles *roles, goss_error *err) {
    if (roles->task < 0 && !roles->whole)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: no column says which task a row belongs to; declare one (data.task=COLUMN, file for "
                              "a folder of files, or all: all rows are one task)",
                              goss_table_path(table));
    return GOSS_OK;
}

static const char *name_of(const goss_table *table, const goss_roles *roles) {
    return roles->task < 0 ? "" : goss_table_name(table, roles->task);
}

/* The one task of all rows. */
static goss_status name_whole(goss_table_tasks *t, goss_error *err) {
    if (t->groups.count == 0) return GOSS_OK;
    char *name = goss__strdup("all");
    if (!name) return goss_error_set(err, GOSS_E_NOMEM, "no memory for tasks");
    goss__free(t->groups.name[0]);
    t->groups.name[0] = name;
    return GOSS_OK;
}

static goss_status open_tasks(goss_table_tasks *t, const goss_roles *roles, const char *order, goss_error *err) {
    int32_t *rows = NULL;
    int n;
    GOSS_TRY(find_order(t, order, err));
    if (roles->task >= 0) GOSS_TRY(goss__table_distinguishes(t->table, roles->task, err));
    goss_status s = with_target(t, &rows, &n, err);
    if (s == GOSS_OK) s = goss_table_groups(t->table, roles->task, rows, n, &t->groups, err);
    goss__free(rows);
    GOSS_TRY(s);
    if (roles->task < 0) GOSS_TRY(name_whole(t, err));
    t->without_task = t->groups.missing;
    if (t->groups.count == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no row has both a task (%s) and a target",
                              goss_table_path(t->table), name_of(t->table, roles));
    GOSS_TRY(check_order(t, err));
    return sort_tasks(t, err);
}

goss_status goss_table_tasks_open(const goss_table *table, const goss_roles *roles, const char *order,
                                  goss_table_tasks **out, goss_error *err) {
    *out = NULL;
    GOSS_TRY(check_roles(table, roles, err));
    goss_table_tasks *t = goss__calloc(1, sizeof *t);
    if (!t) return goss_error_set(err, GOSS_E_NOMEM, "no memory for tasks");
    t->table = table, t->target = roles->target, t->task_name = name_of(table, roles);
    goss_status s = open_tasks(t, roles, order, err);
    if (s == GOSS_OK)
        *out = t;
    else
        goss_table_tasks_free(t);
    return s;
}

/* The rows that `use` has all of; a task that is left without one goes. Returns how many are left. */
static int keep_rows(goss_groups *g, const uint8_t *use, uint8_t all) {
    int count = 0;
    int32_t rows = 0;
    for (int i = 0; i < g->count; i++) {
        const int32_t first = rows, from = g->first[i], to = g->first[i + 1];
        for (int32_t r = from; r < to; r++)
            if ((use[g->rows[r]] & all) == all) g->rows[rows++] = g->rows[r];
        if (rows == first) {
            goss__free(g->name[i]);
            continue;
        }
        g->name[count] = g->name[i], g->first[count++] = first;
    }
    g->count = count, g->first[count] = rows;
    return (int)rows;
}

goss_status goss_table_tasks_by_series(goss_table_tasks *t, const goss_series_options *o, goss_error *err) {
    uint8_t *use = goss__calloc((size_t)goss_table_rows(t->table) + 1, sizeof *use);
    if (!use) return goss_error_set(err, GOSS_E_NOMEM, "no memory for series");
    goss_status s = goss_series_rows(t->table, o, use, err);
    if (s == GOSS_OK && keep_rows(&t->groups, use, GOSS_SERIES_HISTORY | GOSS_SERIES_SAMPLE) == 0)
        s = goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%s: no row has a history %d steps before it: series are too short, or %s does not order them",
            goss_table_path(t->table), o->horizon, o->time);
    goss__free(use);
    return s;
}

void goss_table_tasks_free(goss_table_tasks *t) {
    if (!t) return;
    goss_groups_free(&t->groups);
    goss__free(t->part);
    goss__free(t);
}

const goss_table *goss_table_tasks_table(const goss_table_tasks *t) { return t->table; }
int goss_table_tasks_count(const goss_table_tasks *t) { return t->groups.count; }
const char *goss_table_tasks_name(const goss_table_tasks *t, int task) { return t->groups.name[task]; }
goss_task_order_kind goss_table_tasks_order(const goss_table_tasks *t) { return t->order; }
int goss_table_tasks_order_column(const goss_table_tasks *t) { return t->order_column; }

int goss_table_tasks_find(const goss_table_tasks *t, const char *name) {
    for (int i = 0; i < t->groups.count; i++)
        if (strcmp(t->groups.name[i], name) == 0) return i;
    return -1;
}

const int32_t *goss_table_tasks_rows(const goss_table_tasks *t, int task, int *n) {
    *n = t->groups.first[task + 1] - t->groups.first[task];
    return t->groups.rows + t->groups.first[task];
}

void goss_table_tasks_left_out(const goss_table_tasks *t, int *without_target, int *without_task) {
    if (without_target) *without_target = t->without_target;
    if (without_task) *without_task = t->without_task;
}

int goss_table_tasks_gather(const goss_table_tasks *t, const int32_t *tasks, int n, int32_t *rows) {
    int count = 0;
    for (int i = 0; i < (tasks ? n : t->groups.count); i++) {
        int size;
        const int32_t *own = goss_table_tasks_rows(t, tasks ? tasks[i] : i, &size);
        memcpy(rows + count, own, (size_t)size * sizeof *rows);
        count += size;
    }
    return count;
}

goss_row_part goss_table_tasks_part(const goss_table_tasks *t, int task, int i) {
    return t->part ? (goss_row_part)t->part[t->groups.first[task] + i] : GOSS_PART_TRAIN;
}
