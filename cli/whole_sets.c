/* SPDX-License-Identifier: Apache-2.0 */
/* whole_sets.c: the tables that gossamer eval tables judges on: their targets, classes and divisions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whole_table.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* ---- names ---- */

/* The file's name without folders and ending. */
static char *name_of(const char *path) {
    const char *slash = strrchr(path, '/'), *base = slash && slash[1] ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

/* Two files of one name are told by their paths. */
static goss_status take_name(whole_eval *e, int i, const char *path, goss_error *err) {
    e->set[i].name = name_of(path);
    for (int k = 0; k < i && e->set[i].name; k++) {
        if (strcmp(e->set[k].name, e->set[i].name) != 0) continue;
        free(e->set[i].name);
        e->set[i].name = strdup(path);
        k = i;
    }
    return e->set[i].name ? GOSS_OK : no_memory(err);
}

/* ---- targets ---- */

enum { MOST_CODES = 10 };

/* Codes of classes: whole numbers from 0 or 1 on, each of them there, up to ten. */
static bool are_codes(const goss_column_stats *s) {
    return s->integers && s->distinct <= MOST_CODES && (s->min == 0 || s->min == 1) &&
           s->max - s->min == s->distinct - 1;
}

/* Which of both numbers are taken for where they may be either, why, and how to have the other. */
static void tell_kind(const whole_set *s, const char *path, const goss_column_stats *stats, bool classes,
                      const any_table_view *view) {
    enum { FEW = 20 };
    const char *name = goss_table_name(s->table, s->roles.target);
    const bool few = stats->distinct <= FEW && 2 * stats->distinct <= goss_table_rows(s->table) - stats->missing;
    if (stats->distinct < 2 || (!classes && !few)) return;
    if (classes)
        cli_tell("%s: %s holds %d different whole numbers, from %g to %g, which are taken for classes; for numbers: %s",
                 path, name, stats->distinct, stats->min, stats->max, view->as_numbers);
    else
        cli_tell("%s: %s holds %d different numbers, from %g to %g, which are taken for numbers (%s); for classes: %s",
                 path, name, stats->distinct, stats->min, stats->max,
                 !stats->integers               ? "they have fractions"
                 : stats->distinct > MOST_CODES ? "more than ten"
                                                : "as classes they would count from 0 or 1",
                 view->as_classes);
}

/* A column of numbers has classes if it has two integers, as for goss_table_transform_fit, or codes of classes; or if
 * the metric is one of classes. */
static goss_status has_classes(const whole_set *s, const char *path, const any_table_view *view, const char *metric,
                               bool *classes, goss_error *err) {
    const int target = s->roles.target;
    const goss_objective *o;
    const goss_metric *m;
    goss_column_stats stats;
    *classes = true;
    if (goss_table_type(s->table, target) != GOSS_COLUMN_NUMBER) return GOSS_OK;
    GOSS_TRY(goss_table_stats(s->table, target, NULL, 0, &stats, err));
    *classes = (stats.distinct == 2 && stats.integers) || are_codes(&stats);
    if (!metric) {
        tell_kind(s, path, &stats, *classes, view);
        return GOSS_OK;
    }
    GOSS_TRY(goss_objective_find("classification", &o, err));
    *classes = goss_metric_find(o, metric, &m, NULL) == GOSS_OK;
    return GOSS_OK;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Numbers of the classes that are there, by value or code. */
static goss_status number_classes(whole_set *s, const char *path, const any_table_view *view, goss_error *err) {
    const int target = s->roles.target;
    double *value = s->value = calloc((size_t)s->n + 1, sizeof *value);
    s->of = calloc((size_t)s->n + 1, sizeof *s->of);
    if (!value || !s->of) return no_memory(err);
    int n = 0;
    for (int i = 0; i < s->n; i++) value[i] = goss_table_number(s->table, target, s->rows[i]);
    qsort(value, (size_t)s->n, sizeof *value, by_value);
    for (int i = 0; i < s->n; i++)
        if (i == 0 || value[i] != value[n - 1]) value[n++] = value[i];
    for (int i = 0; i < s->n; i++) {
        const double v = goss_table_number(s->table, target, s->rows[i]);
        const double *at = bsearch(&v, value, (size_t)n, sizeof *value, by_value);
        s->of[i] = (int32_t)(at - value), s->y[i] = (float)s->of[i];
    }
    s->classes = n;
    if (n >= 2 && 2 * n <= s->n) return GOSS_OK;
    const char *name = goss_table_name(s->table, target);
    if (n < 2)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: the target %s is the same in all of %d rows: nothing to predict", path, name, s->n);
    const bool numbers = goss_table_type(s->table, target) == GOSS_COLUMN_NUMBER;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: the target %s has %d classes in %d rows: a class needs two rows on average; --target "
                          "names another column%s%s",
                          path, name, n, s->n, numbers ? ", and for numbers: " : "", numbers ? view->as_numbers : "");
}

int whole_class_of(const whole_set *s, const char *name) {
    const int target = s->roles.target;
    const bool number = goss_table_type(s->table, target) == GOSS_COLUMN_NUMBER;
    const double value = number ? strtod(name, NULL) : goss_table_category_find(s->table, target, name);
    for (int c = 0; c < s->classes; c++)
        if (s->value[c] == value) return c;
    return -1;
}

goss_status whole_objective(const whole_set *s, const goss_objective **out, goss_error *err) {
    return goss_objective_find(s->classes ? "classification" : "gaussian", out, err);
}

/* Rows with a target, and their targets. */
static goss_status take_rows(whole_set *s, const char *path, const any_table_view *view, bool classes,
                             goss_error *err) {
    const int all = goss_table_rows(s->table), target = s->roles.target;
    s->rows = calloc((size_t)all + 1, sizeof *s->rows), s->y = calloc((size_t)all + 1, sizeof *s->y);
    if (!s->rows || !s->y) return no_memory(err);
    for (int i = 0; i < all; i++)
        if (!goss_table_missing(s->table, target, i)) s->rows[s->n++] = i;
    if (s->n < all)
        cli_tell("%s: %d of %d rows have no %s and are left out", path, all - s->n, all,
                 goss_table_name(s->table, target));
    if (classes) return number_classes(s, path, view, err);
    for (int i = 0; i < s->n; i++) s->y[i] = (float)goss_table_number(s->table, target, s->rows[i]);
    return GOSS_OK;
}

/* ---- columns ---- */

/* Names and the like: thousands of inputs that say nothing of other rows. */
static goss_status leave_out_names(whole_set *s, goss_error *err) {
    enum { MOST_LEVELS = 256 };
    for (int j = 0; j < s->roles.columns; j++) {
        goss_column_stats stats;
        if (s->roles.role[j] != GOSS_ROLE_INPUT || goss_table_type(s->table, j) == GOSS_COLUMN_NUMBER) continue;
        GOSS_TRY(goss_table_stats(s->table, j, NULL, 0, &stats, err));
        if (stats.distinct <= MOST_LEVELS) continue;
        s->roles.role[j] = GOSS_ROLE_IGNORED;
        snprintf(s->roles.reason[j], sizeof s->roles.reason[j], "%d values, more than %d", stats.distinct, MOST_LEVELS);
    }
    return GOSS_OK;
}

static void tell_unused(const whole_set *s, const char *path) {
    for (int j = 0; j < s->roles.columns; j++) {
        const goss_column_role role = s->roles.role[j];
        if (role != GOSS_ROLE_INPUT && role != GOSS_ROLE_TARGET)
            cli_tell("%s: %s is not used: %s (%s)", path, goss_table_name(s->table, j), goss_column_role_name(role),
                     s->roles.reason[j]);
    }
}

/* The last column is what the interface says; gossamer inspect and init may take another one. */
static goss_status tell_target(const whole_set *s, const char *path, goss_error *err) {
    goss_roles r;
    GOSS_TRY(goss_table_roles(s->table, &(goss_roles_declared){.task = ""}, &r, err));
    if (r.target >= 0 && r.target != s->roles.target)
        cli_tell("%s: %s is predicted, the last column; if it is %s (%s): --target %s", path,
                 goss_table_name(s->table, s->roles.target), goss_table_name(s->table, r.target), r.reason[r.target],
                 goss_table_name(s->table, r.target));
    goss_roles_free(&r);
    return GOSS_OK;
}

static goss_status find_roles(whole_set *s, const char *path, const any_table_view *view, goss_error *err) {
    const int columns = goss_table_columns(s->table);
    if (columns < 2) return goss_error_set(err, GOSS_E_ARGUMENT, "%s: a single column: nothing to predict from", path);
    const goss_roles_declared declared = {
        .target = view->target ? view->target : goss_table_name(s->table, columns - 1), .task = "", .section = "--"};
    if (!*declared.target) return goss_error_set(err, GOSS_E_ARGUMENT, "%s: --target names no column", path);
    GOSS_TRY(goss_error_prefix(err, goss_table_roles(s->table, &declared, &s->roles, err), "%s", path));
    if (!view->target) GOSS_TRY(tell_target(s, path, err));
    GOSS_TRY(leave_out_names(s, err));
    tell_unused(s, path);
    for (int j = 0; j < columns; j++)
        if (s->roles.role[j] == GOSS_ROLE_INPUT) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no column is left to predict %s from", path, declared.target);
}

/* ---- sets ---- */

goss_status whole_set_open(whole_set *s, const char *path, const any_table_view *view, const char *metric,
                           goss_error *err) {
    goss_table_options o = goss_table_options_defaults();
    bool classes;
    o.missing = view->missing, o.categorical = view->categorical, o.ignore = view->ignore;
    o.optional = view->several, o.section = "--";
    GOSS_TRY(goss_table_open(path, &o, &s->table, err));
    GOSS_TRY(find_roles(s, path, view, err));
    GOSS_TRY(has_classes(s, path, view, metric, &classes, err));
    GOSS_TRY(take_rows(s, path, view, classes, err));
    if (s->n >= 4) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: %d rows with a target are too few", path, s->n);
}

void whole_set_close(whole_set *s) {
    goss_roles_free(&s->roles);
    goss_table_close(s->table);
    free(s->name), free(s->rows), free(s->of), free(s->y), free(s->value);
}

static goss_status open_set(whole_eval *e, int i, const char *path, const any_table_view *view, const char *metric,
                            goss_error *err) {
    whole_set *s = &e->set[i];
    GOSS_TRY(take_name(e, i, path, err));
    GOSS_TRY(whole_set_open(s, path, view, metric, err));
    if ((s->classes > 0) == (e->set[0].classes > 0)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s has %s to predict and %s has %s: evaluate them apart, or give --metric", path,
                          s->classes ? "classes" : "numbers", e->set[0].name, s->classes ? "numbers" : "classes");
}

goss_status whole_sets_open(whole_eval *e, const char *files, const any_table_view *view, const char *metric,
                            goss_error *err) {
    any_table_view each = *view;
    each.as_classes = "--metric auc", each.as_numbers = "--metric rmse";
    int n = 1;
    for (const char *at = files; *at; at++) n += *at == ',';
    char *list = strdup(files), *save = NULL;
    e->set = calloc((size_t)n, sizeof *e->set), e->work = calloc((size_t)n, sizeof *e->work);
    goss_status s = list && e->set && e->work ? GOSS_OK : no_memory(err);
    each.several = n > 1;
    for (char *path = s == GOSS_OK ? strtok_r(list, ",", &save) : NULL; s == GOSS_OK && path;
         path = strtok_r(NULL, ",", &save)) {
        e->sets++;
        s = open_set(e, e->sets - 1, path, &each, metric, err);
    }
    if (s == GOSS_OK && e->sets == 0) s = goss_error_set(err, GOSS_E_ARGUMENT, "--data names no file");
    free(list);
    return s;
}

void whole_sets_close(whole_eval *e) {
    for (int i = 0; i < e->sets; i++) whole_set_close(&e->set[i]);
    free(e->set), free(e->work);
}

/* ---- divisions ---- */

goss_status whole_split_open(whole_split *s, const whole_set *set, const goss_table_split_options *o, goss_error *err) {
    const size_t n = (size_t)set->n;
    int32_t *memory = calloc(4 * n, sizeof *memory);
    *s = (whole_split){set, memory, memory + n, memory + 2 * n, memory + 3 * n, 0, 0};
    if (!memory) return no_memory(err);
    const goss_status done =
        goss_table_split(o, set->of, set->classes, set->n, s->support, &s->n_support, s->query, &s->n_query, err);
    if (done != GOSS_OK) return goss_error_prefix(err, done, "%s", set->name);
    for (int i = 0; i < s->n_support; i++) s->support_rows[i] = set->rows[s->support[i]];
    for (int i = 0; i < s->n_query; i++) s->query_rows[i] = set->rows[s->query[i]];
    return GOSS_OK;
}

void whole_split_close(whole_split *s) {
    free(s->support);
    *s = (whole_split){0};
}
