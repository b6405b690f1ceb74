/* SPDX-License-Identifier: Apache-2.0 */
/* check_table.c: checks of a run's table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/folder.h"
#include "base/os.h"
#include "base/str.h"
#include "train/run_check.h"

/* Neighbours in time whose difference is below this share of a task's variance are near duplicates. */
static const double smooth = 0.05;

/* ---- counts ---- */

/* Where a split divides the rows of each task, `part` of them; else all. */
static int64_t rows_of(const goss_table_tasks *t, int task, const goss_row_part *part) {
    int n;
    int64_t rows = 0;
    (void)goss_table_tasks_rows(t, task, &n);
    for (int i = 0; part && i < n; i++) rows += goss_table_tasks_part(t, task, i) == *part;
    return part ? rows : n;
}

static void count_part(const goss__check *k, const goss_table_tasks *t, const char *name, const goss_task_list *list,
                       const goss_row_part *part) {
    char key[40];
    int64_t tasks = 0, rows = 0;
    for (int i = 0; i < list->n; i++) {
        const int64_t own = rows_of(t, list->tasks[i], part);
        tasks += own > 0, rows += own;
    }
    snprintf(key, sizeof key, "%s.tasks", name);
    goss__check_counted(k, key, tasks);
    snprintf(key, sizeof key, "%s.rows", name);
    goss__check_counted(k, key, rows);
}

/* Rows to train on, to validate on and to keep apart: of tasks of their own, or inside of those that are trained on. */
static void count_parts(const goss__check *k, const goss_table_data *d) {
    static const goss_row_part part[3] = {GOSS_PART_TRAIN, GOSS_PART_VALIDATE, GOSS_PART_TEST};
    static const char *const name[3] = {"train", "validate", "test"};
    const goss_task_division *of = goss_table_data_division(d);
    const goss_task_list *list[3] = {&of->train, &of->validate, &of->test};
    const bool within = k->set->table.split[0] > 0;
    for (int i = 0; i < 3; i++)
        count_part(k, goss_table_data_tasks(d), name[i], within ? list[0] : list[i], within ? &part[i] : NULL);
}

static void count(const goss__check *k, const goss_table_data *d) {
    const goss_table_tasks *t = goss_table_data_tasks(d);
    const goss_table_transform *f = goss_table_data_transform(d);
    int least = 0, most = 0;
    for (int i = 0; i < goss_table_tasks_count(t); i++) {
        int n;
        (void)goss_table_tasks_rows(t, i, &n);
        least = i == 0 || n < least ? n : least, most = n > most ? n : most;
    }
    goss__check_counted(k, "rows", goss_table_rows(goss_table_tasks_table(t)));
    goss__check_counted(k, "columns", goss_table_columns(goss_table_tasks_table(t)));
    goss__check_counted(k, "tasks", goss_table_tasks_count(t));
    goss__check_counted(k, "inputs", goss_encoding_width(goss_table_transform_inputs(f)));
    if (goss_table_transform_classes(f)) goss__check_counted(k, "classes", goss_table_transform_classes(f));
    count_parts(k, d);
    goss__check_counted(k, "task.least_rows", least), goss__check_counted(k, "task.most_rows", most);
}

/* ---- columns ---- */

static const char *given(const char *text) { return *text ? text : NULL; }

/* Target leakage is reported when the data is opened. */
static goss_status look_at_columns(const goss__check *k, const goss_table *t, const goss_roles *roles,
                                   goss_error *err) {
    goss_finding *f;
    int n;
    GOSS_TRY(goss_table_findings(t, roles, &f, &n, err));
    for (int i = 0; i < n; i++) {
        const bool hopeless = f[i].kind == GOSS_FINDING_CONSTANT && f[i].column == roles->target;
        const bool harmless = f[i].kind == GOSS_FINDING_CONSTANT && !hopeless;
        if (f[i].kind != GOSS_FINDING_LEAK)
            goss__check_found(k,
                              hopeless   ? GOSS_CHECK_ERROR
                              : harmless ? GOSS_CHECK_INFO
                                         : GOSS_CHECK_WARNING,
                              goss_finding_kind_name(f[i].kind), "%s", f[i].text);
    }
    goss_findings_free(f);
    return GOSS_OK;
}

/* ---- rows on both sides ---- */

static int by_value(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static goss_status look_at_split(const goss__check *k, const goss_table_data *d, goss_error *err) {
    size_t n, m;
    const uint64_t *trained = goss_table_data_rows(d, false, &n), *validated = goss_table_data_rows(d, true, &m);
    uint64_t *sorted = goss__alloc((n + 1) * sizeof *sorted);
    int both = 0;
    if (!sorted) return goss_error_set(err, GOSS_E_NOMEM, "no memory to compare rows");
    if (n) memcpy(sorted, trained, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    for (size_t i = 0; i < m; i++) both += bsearch(&validated[i], sorted, n, sizeof *sorted, by_value) != NULL;
    goss__free(sorted);
    if (both)
        goss__check_found(k, GOSS_CHECK_WARNING, "leak",
                          "%d row%s to validate on %s trained on, too, with the same inputs and target: what is "
                          "measured is too good; remove repeated rows",
                          both, both == 1 ? "" : "s", both == 1 ? "is" : "are");
    return GOSS_OK;
}

/* ---- neighbours in time ---- */

typedef struct at {
    double time, y;
} at;

static int by_time(const void *a, const void *b) {
    const at *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return (x->y > y->y) - (x->y < y->y);
}

/* Von Neumann ratio within tasks: mean squared difference of successive rows in time over twice the variance; 1
 * without autocorrelation. */
static double roughness(const goss_table *t, const goss_groups *tasks, int time, int target, at *room) {
    double steps = 0, spread = 0;
    for (int g = 0; g < tasks->count; g++) {
        int n = 0;
        double mean = 0;
        for (int32_t i = tasks->first[g]; i < tasks->first[g + 1]; i++) {
            const double y = goss_table_number(t, target, tasks->rows[i]);
            if (!isnan(y)) room[n++] = (at){goss_table_order_key(t, time, tasks->rows[i]), y};
        }
        if (n < 4) continue;
        qsort(room, (size_t)n, sizeof *room, by_time);
        for (int i = 0; i < n; i++) mean += room[i].y / n;
        for (int i = 0; i < n; i++) {
            spread += (room[i].y - mean) * (room[i].y - mean) / n;
            if (i) steps += (room[i].y - room[i - 1].y) * (room[i].y - room[i - 1].y) / (2 * (n - 1));
        }
    }
    return spread > 0 ? steps / spread : 1;
}

static void tell_time(const goss__check *k, const char *time, double rough) {
    const bool random = strcmp(k->set->table.order, "random") == 0;
    if (random)
        goss__check_found(
            k, GOSS_CHECK_WARNING, "time",
            "rows that follow each other in %.60s have nearly the same target (their differences are %.1f "
            "%% of its variance within a task): between random support rows it is only interpolated; set "
            "task.order=%.60s to predict later rows from the first",
            time, 100 * rough, time);
    else
        goss__check_found(k, GOSS_CHECK_INFO, "time",
                          "rows that follow each other in %.60s have nearly the same target (%.1f %% of its variance "
                          "within a task): compare with --methods nearest,line",
                          time, 100 * rough);
}

static goss_status look_at_time(const goss__check *k, const goss_table *t, const goss_roles *roles, goss_error *err) {
    goss_groups tasks;
    if (roles->target < 0 || goss_table_type(t, roles->target) != GOSS_COLUMN_NUMBER) return GOSS_OK;
    GOSS_TRY(goss_table_groups(t, roles->task, NULL, 0, &tasks, err));
    const int time = goss_table_time(t, roles, &tasks);
    at *room = goss__alloc(((size_t)goss_table_rows(t) + 1) * sizeof *room);
    const goss_status s = room ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory to compare rows in time");
    if (s == GOSS_OK && time >= 0) {
        const double rough = roughness(t, &tasks, time, roles->target, room);
        if (rough < smooth) tell_time(k, goss_table_name(t, time), rough);
    }
    goss__free(room);
    goss_groups_free(&tasks);
    return s;
}

/* Identifiers that data.ignore lists are identifiers still: rows that differ in nothing else are duplicates. */
static goss_status find_ids(const goss_table *t, const goss_table_data_options *o, goss_roles *roles, goss_error *err) {
    const goss_roles_declared declared = {.target = given(o->target), .task = given(o->task)};
    goss_roles inferred;
    if (!given(o->ignore)) return GOSS_OK;
    GOSS_TRY(goss_table_roles(t, &declared, &inferred, err));
    for (int c = 0; c < roles->columns; c++)
        if (roles->role[c] == GOSS_ROLE_IGNORED && inferred.role[c] == GOSS_ROLE_ID) roles->role[c] = GOSS_ROLE_ID;
    goss_roles_free(&inferred);
    return GOSS_OK;
}

goss_status goss__check_table(const goss__check *k, const goss_table_data *d, goss_error *err) {
    const goss_table *t = goss_table_tasks_table(goss_table_data_tasks(d));
    const goss_table_data_options *o = &k->set->table;
    const goss_roles_declared declared = {
        .target = given(o->target), .task = given(o->task), .ignore = given(o->ignore)};
    goss_roles roles;
    count(k, d);
    GOSS_TRY(goss_table_roles(t, &declared, &roles, err));
    goss_status s = find_ids(t, o, &roles, err);
    if (s == GOSS_OK) s = look_at_columns(k, t, &roles, err);
    if (s == GOSS_OK) s = look_at_split(k, d, err);
    if (s == GOSS_OK) s = look_at_time(k, t, &roles, err);
    goss_roles_free(&roles);
    return s;
}

/* ---- files that cannot be read ---- */

typedef struct walk {
    const goss__check *k;
    const char *folder;
    int bad;
} walk;

static goss_status try_file(void *context, const char *name, goss_error *err) {
    walk *w = context;
    goss__str path = {0};
    goss_table_options o = goss_table_options_defaults();
    goss_table *t = NULL;
    goss_error why;
    o.ignore = NULL, o.categorical = NULL;
    if (given(w->k->set->table.missing)) o.missing = w->k->set->table.missing;
    goss__str_addf(&path, "%s/%s", w->folder, name);
    if (path.failed) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a path");
    if (name[0] != '.' && goss_table_is(path.data) && goss_table_open(path.data, &o, &t, &why) != GOSS_OK) {
        w->bad++;
        goss__check_found(w->k, GOSS_CHECK_ERROR, "unreadable", "%s", why.text);
    }
    goss_table_close(t);
    goss__str_free(&path);
    return GOSS_OK;
}

int goss__check_table_files(const goss__check *k) {
    walk w = {k, k->set->data.path, 0};
    goss_error why;
    if (!goss__is_dir(w.folder) || goss__folder_each(w.folder, try_file, &w, &why) != GOSS_OK) return 0;
    return w.bad;
}
