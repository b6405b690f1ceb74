/* SPDX-License-Identifier: Apache-2.0 */
/* init_table.c: a configuration for a table: task, target, ignored columns, order and support from the data. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "gossamer/table.h"
#include "init.h"

enum { MOST_SUPPORT = 10, LEAST_SUPPORT = 3, LEAST_TASKS = 2 };

static const char *const unused[] = {"method.temperature", "hyper.attention", "hyper.class_*", NULL};

typedef struct looked {
    goss_table *table;
    goss_roles roles;
    goss_groups groups;
    int order;                  /* column; -1: none is known */
    int least, usual;           /* rows of the smallest task, and the minimum of nine in ten */
    char *ignore, *categorical; /* lists of columns; NULL: none */
    bool leaks, classes, series;
} looked;

static const char *given(const init_plan *p, const char *key) {
    const char *text = goss_config_text(p->declared, key);
    return *text ? text : NULL;
}

/* ---- lists of columns ---- */

/* A name as in lists of columns: in quotes where necessary. */
static goss_status add_name(char **list, const char *name, goss_error *err) {
    const size_t end = strlen(name);
    const bool plain = end > 0 && !strchr(name, ',') && name[0] != ' ' && name[end - 1] != ' ';
    char *longer;
    if (strchr(name, '"')) {
        cli_tell(
            "warning: the column %s cannot be put in a list of columns, since there is a quote in its name: rename "
            "it, or it is an input",
            name);
        return GOSS_OK;
    }
    if (asprintf(&longer, plain ? "%s%s%s" : "%s%s\"%s\"", *list ? *list : "", *list ? "," : "", name) < 0)
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for a list of columns");
    free(*list);
    *list = longer;
    return GOSS_OK;
}

/* ---- roles ---- */

/* What is no input, whatever its role looks like. */
static goss_status list_others(const looked *l, const init_plan *p, char **list, goss_error *err) {
    const char *const ignored = given(p, "data.ignore");
    *list = ignored ? strdup(ignored) : NULL;
    if (ignored && !*list) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a list of columns");
    if (!ignored && given(p, "data.text")) GOSS_TRY(add_name(list, given(p, "data.text"), err));
    if (l->series && given(p, "data.time")) GOSS_TRY(add_name(list, given(p, "data.time"), err));
    if (l->series && given(p, "data.series")) GOSS_TRY(add_name(list, given(p, "data.series"), err));
    return GOSS_OK;
}

static goss_status find_roles(looked *l, const init_plan *p, const char *task, goss_error *err) {
    char *ignore;
    goss_status s = list_others(l, p, &ignore, err);
    const goss_roles_declared declared = {
        .target = given(p, "data.target"), .task = task, .ignore = ignore, .section = "data."};
    if (l->roles.role) goss_roles_free(&l->roles);
    l->roles = (goss_roles){0};
    if (s == GOSS_OK) s = goss_table_roles(l->table, &declared, &l->roles, err);
    free(ignore);
    return s;
}

static goss_status no_tasks(const looked *l, const init_plan *p, goss_error *err) {
    for (int c = 0; c < goss_table_columns(l->table); c++)
        if (goss_table_type(l->table, c) == GOSS_COLUMN_TEXT)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%s: no column identifies tasks (data.task=COLUMN); to learn from the texts in "
                                  "column %s: data.text=%s",
                                  p->data, goss_table_name(l->table, c), goss_table_name(l->table, c));
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "%s: no column identifies tasks: a task is a set of rows (of a patient, a school, a device). Name the column: "
        "data.task=COLUMN; or put the rows of each task in a separate csv file in one folder. A network for a single "
        "table needs no training: gossamer adapt tables --support %s -o NET",
        p->data, p->data);
}

/* Without a typical name: the column with the most values that have several rows each. */
static goss_status guess_task(looked *l, init_plan *p, goss_error *err) {
    int best = -1, most = 0;
    const int rows = goss_table_rows(l->table);
    for (int c = 0; c < goss_table_columns(l->table); c++) {
        goss_column_stats s;
        if (l->roles.role[c] != GOSS_ROLE_INPUT && l->roles.role[c] != GOSS_ROLE_ID) continue;
        GOSS_TRY(goss_table_stats(l->table, c, NULL, 0, &s, err));
        const bool groups = goss_table_type(l->table, c) == GOSS_COLUMN_CATEGORY ||
                            (goss_table_type(l->table, c) == GOSS_COLUMN_NUMBER && s.integers);
        if (groups && s.distinct >= LEAST_TASKS && 4 * s.distinct <= rows && s.distinct > most)
            best = c, most = s.distinct;
    }
    if (best < 0) return no_tasks(l, p, err);
    GOSS_TRY(find_roles(l, p, goss_table_name(l->table, best), err));
    init_set(p, "data.task", "%s", goss_table_name(l->table, best));
    init_mark(
        p, "data.task",
        "guessed: no column has a typical name of a task; \"%.60s\" has the most values (%d) with several rows each",
        goss_table_name(l->table, best), most);
    return GOSS_OK;
}

static goss_status choose_task(looked *l, init_plan *p, goss_error *err) {
    GOSS_TRY(find_roles(l, p, given(p, "data.task"), err));
    if (l->roles.task < 0) return guess_task(l, p, err);
    const bool file = l->roles.task == goss_table_file_column(l->table);
    init_set(p, "data.task", "%s", file ? "file" : goss_table_name(l->table, l->roles.task));
    if (l->roles.task_guessed) init_mark(p, "data.task", "%.200s", l->roles.reason[l->roles.task]);
    return GOSS_OK;
}

static goss_status choose_target(looked *l, init_plan *p, goss_error *err) {
    goss_column_stats s;
    const int c = l->roles.target;
    if (c < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no column is left to predict; name it: data.target=COLUMN",
                              p->data);
    GOSS_TRY(goss_table_stats(l->table, c, NULL, 0, &s, err));
    l->classes = goss_table_type(l->table, c) != GOSS_COLUMN_NUMBER || (s.integers && s.distinct == 2);
    init_set(p, "data.target", "%s", goss_table_name(l->table, c));
    if (l->roles.target_guessed) init_mark(p, "data.target", "%.200s", l->roles.reason[c]);
    init_set(p, "task.objective", l->classes ? "classification" : l->series ? "gaussian" : "regression");
    init_mark(p, "task.objective", l->classes ? "\"%.60s\" holds %d classes" : "\"%.60s\" has %d distinct numbers",
              goss_table_name(l->table, c), s.distinct);
    init_metric(p, l->classes ? "accuracy" : "rmse");
    return GOSS_OK;
}

/* ---- ignored columns ---- */

/* Columns that make series of rows are no inputs, and need not be listed. */
static bool is_of_series(const looked *l, const init_plan *p, int column) {
    const char *const keys[] = {"data.time", "data.series"}, *name = goss_table_name(l->table, column);
    if (l->series && !given(p, "data.time") && column == l->order) return true;
    for (size_t i = 0; l->series && i < sizeof keys / sizeof *keys; i++)
        if (given(p, keys[i]) && strcmp(given(p, keys[i]), name) == 0) return true;
    return false;
}

static goss_status choose_inputs(looked *l, init_plan *p, goss_error *err) {
    goss_finding *f;
    int n;
    char leaking[200] = "";
    GOSS_TRY(goss_table_findings(l->table, &l->roles, &f, &n, err));
    for (int i = 0; i < n; i++)
        if (f[i].kind == GOSS_FINDING_LEAK && l->roles.role[f[i].column] == GOSS_ROLE_INPUT) {
            if (!*leaking) snprintf(leaking, sizeof leaking, "%.190s", f[i].text);
            l->roles.role[f[i].column] = GOSS_ROLE_IGNORED, l->leaks = true;
        }
    goss_findings_free(f);
    for (int c = 0; c < l->roles.columns; c++)
        if ((l->roles.role[c] == GOSS_ROLE_ID || l->roles.role[c] == GOSS_ROLE_IGNORED) &&
            c != goss_table_file_column(l->table) && !is_of_series(l, p, c))
            GOSS_TRY(add_name(&l->ignore, goss_table_name(l->table, c), err));
    if (!l->ignore) return GOSS_OK;
    init_set(p, "data.ignore", "%s", l->ignore);
    init_mark(p, "data.ignore", "%s%.200s",
              l->leaks ? "identifiers, texts, dates, and columns that leak the target: "
                       : "identifiers, texts and dates are not inputs",
              leaking);
    return GOSS_OK;
}

/* Numbers that are probably codes, by the name of the column. */
static bool is_code(const char *name) {
    static const char *const words[] = {"type",   "kind", "class", "category", "code",  "group",  "region",
                                        "gender", "sex",  "race",  "colour",   "color", "status", "brand"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(name, words[i]) == 0) return true;
    return false;
}

static goss_status choose_categories(looked *l, init_plan *p, goss_error *err) {
    for (int c = 0; c < l->roles.columns; c++) {
        goss_column_stats s;
        if (l->roles.role[c] != GOSS_ROLE_INPUT || goss_table_type(l->table, c) != GOSS_COLUMN_NUMBER) continue;
        GOSS_TRY(goss_table_stats(l->table, c, NULL, 0, &s, err));
        if (s.integers && s.distinct >= 3 && s.distinct <= 32 && is_code(goss_table_name(l->table, c)))
            GOSS_TRY(add_name(&l->categorical, goss_table_name(l->table, c), err));
    }
    if (!l->categorical) return GOSS_OK;
    init_set(p, "data.categorical", "%s", l->categorical);
    init_mark(p, "data.categorical", "numbers that seem to be names of categories");
    return GOSS_OK;
}

/* ---- order and size ---- */

/* Series are in the order of their time. */
static goss_status choose_time(looked *l, init_plan *p, goss_error *err) {
    if (given(p, "data.time"))
        GOSS_TRY(goss_table_need(l->table, given(p, "data.time"), "data.time", &l->order, err));
    else if (l->order < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: no column seems to be time, which orders the rows of series; name it: "
                              "data.time=COLUMN",
                              p->data);
    init_set(p, "data.time", "%s", goss_table_name(l->table, l->order));
    if (!given(p, "data.time"))
        init_mark(p, "data.time", "\"%.60s\" seems to be time", goss_table_name(l->table, l->order));
    init_set(p, "data.window", "16");
    init_mark(p, "data.window", "steps of the past that a network sees: the longest pattern that repeats, or more");
    const char *objective = goss_config_text(p->declared, "task.objective");
    const bool classes = strcmp(objective, "auto") == 0 ? l->classes : strcmp(objective, "classification") == 0;
    init_set(p, "data.horizon", classes ? "0" : "1");
    init_mark(p, "data.horizon",
              classes ? "0: the label of a row from the rows up to it; 1: from those before it (several horizons are "
                        "of numbers)"
                      : "how many steps ahead the target is predicted; 1..12: each of them by one network");
    init_mark(p, "task.order", "series are in the order of data.time");
    return GOSS_OK;
}

static goss_status choose_order(looked *l, init_plan *p, goss_error *err) {
    if (l->series) return choose_time(l, p, err);
    if (l->order >= 0) {
        init_set(p, "task.order", "%s", goss_table_name(l->table, l->order));
        init_mark(p, "task.order",
                  "\"%.60s\" seems to be time: a task's first rows are its support set and later ones are predicted; "
                  "random if the order does not matter",
                  goss_table_name(l->table, l->order));
    } else {
        init_mark(p, "task.order",
                  "no column seems to be time; if rows are successive in time, name the column, or nearly equal rows "
                  "will be on both sides");
    }
    return GOSS_OK;
}

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static goss_status choose_support(looked *l, init_plan *p, goss_error *err) {
    const int n = l->groups.count;
    int *sizes = malloc(((size_t)n + 1) * sizeof *sizes), small = 0;
    if (!sizes) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    for (int g = 0; g < n; g++) sizes[g] = l->groups.first[g + 1] - l->groups.first[g];
    qsort(sizes, (size_t)n, sizeof *sizes, ascending);
    l->least = n ? sizes[0] : 0, l->usual = n ? sizes[n / 10] : 0;
    for (int i = n / 10; i < n && l->usual < 2; i++) l->usual = sizes[i];
    const int half = l->usual / 2, most = half > MOST_SUPPORT ? MOST_SUPPORT : half < 1 ? 1 : half;
    const int least = most < LEAST_SUPPORT ? most : LEAST_SUPPORT;
    for (int g = 0; g < n; g++) small += sizes[g] <= least;
    free(sizes);
    if (n - small < LEAST_TASKS)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: %d tasks (\"%.60s\") with two rows or more: at least two are needed, one to learn "
                              "from and one to validate on; name another column: data.task=COLUMN",
                              p->data, n - small, goss_table_name(l->table, l->roles.task));
    if (least < most)
        init_set(p, "task.support", "%d..%d", least, most);
    else
        init_set(p, "task.support", "%d", most);
    init_mark(p, "task.support",
              "%d tasks, the smallest of %d rows, nine in ten of %d or more; as many labelled rows as a "
              "new task will have",
              n, l->least, l->usual);
    init_set(p, "data.hold_out", "%.3g", n >= 10 ? .2 : n * .5 < 2 ? .5 : 1.0 / n + .1);
    return GOSS_OK;
}

static void set_method(init_plan *p, const looked *l) {
    init_set(p, "train.method", "hypernet");
    const char *backbone = given(p, "data.text") ? "auto" : l->series ? "gru 32; readout last" : NULL;
    init_set(p, "model.backbone", "%s", backbone ? backbone : "dense 32; tanh; dense 32; tanh");
    if (!l->classes && init_knows("method.ridge_head")) init_set(p, "method.ridge_head", "true");
    init_set(p, "hyper.rules", l->series ? "head.*=full; gru*=lowrank 4; *=film" : "head.*=full; *=film");
    init_set(p, "train.tasks", "8");
    init_set(p, "optimizer.rate", "0.003");
    init_set(p, "optimizer.weight_decay", "0.01");
    const int rows = goss_table_rows(l->table), steps = rows < 2000 ? 2000 : rows > 10000 ? 10000 : rows;
    init_set(p, "train.steps", "%d", steps / 100 * 100);
    init_set(p, "train.minutes", "20");
    init_mark(p, "train.steps", "20 minutes at most; the weights with the best validation are kept");
    init_set(p, "validate.every", "100");
}

static goss_status fill(init_plan *p, looked *l, goss_error *err) {
    goss_table_options o = goss_table_options_defaults();
    o.categorical = given(p, "data.categorical"), o.ignore = given(p, "data.ignore"), o.section = "data.";
    if (!o.categorical) o.categorical = given(p, "data.text");
    if (given(p, "data.missing")) o.missing = given(p, "data.missing");
    GOSS_TRY(goss_table_open(p->data, &o, &l->table, err));
    GOSS_TRY(choose_task(l, p, err));
    GOSS_TRY(choose_target(l, p, err));
    GOSS_TRY(goss_table_groups(l->table, l->roles.task, NULL, 0, &l->groups, err));
    if (!given(p, "data.text")) { /* texts are the only input */
        l->order = goss_table_time(l->table, &l->roles, &l->groups);
        GOSS_TRY(choose_inputs(l, p, err));
        GOSS_TRY(choose_categories(l, p, err));
        GOSS_TRY(choose_order(l, p, err));
    }
    GOSS_TRY(choose_support(l, p, err));
    set_method(p, l);
    snprintf(p->summary, sizeof p->summary, "%d rows of %d tasks, %d columns (%s)", goss_table_rows(l->table),
             l->groups.count, goss_table_columns(l->table), goss_table_format(l->table));
    return GOSS_OK;
}

goss_status init_table(init_plan *p, goss_error *err) {
    looked l = {0};
    p->unused = unused;
    GOSS_TRY(init_refuses_steps(p, err));
    l.series = strcmp(goss_config_text(p->declared, "data.kind"), "series") == 0;
    init_set(p, "data.kind", l.series ? "series" : "table");
    const goss_status s = fill(p, &l, err);
    goss_groups_free(&l.groups);
    if (l.roles.role) goss_roles_free(&l.roles);
    goss_table_close(l.table);
    free(l.ignore), free(l.categorical);
    return s;
}
