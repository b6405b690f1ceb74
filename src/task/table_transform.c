/* SPDX-License-Identifier: Apache-2.0 */
/* table_transform.c: from rows to inputs and targets, fitted on training tasks alone. Inputs are an encoding
 * (table.h); here is which columns those are, what the target is, and how another table's columns are matched. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"
#include "task/table_task.h"
#include "task/transform_text.h"

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table's transform");
}

static void free_names(char **names, int n) {
    for (int i = 0; names && i < n; i++) goss__free(names[i]);
    goss__free(names);
}

void goss_table_transform_free(goss_table_transform *f) {
    if (!f) return;
    goss_encoding_free(f->inputs);
    free_names(f->class_name, f->classes), free_names(f->dropped, f->n_dropped), free_names(f->known, f->n_known);
    goss__free(f->target), goss__free(f->task), goss__free(f->order), goss__free(f->categorical), goss__free(f->unused);
    goss__free(f->mean);
    goss__free(f);
}

const goss_encoding *goss_table_transform_inputs(const goss_table_transform *f) { return f->inputs; }
const goss_objective *goss_table_transform_objective(const goss_table_transform *f) { return f->objective; }
/* Of a language model the texts themselves. */
const char *goss_table_transform_target(const goss_table_transform *f) {
    return *f->target ? f->target : goss_encoding_column(f->inputs, 0);
}
const char *goss_table_transform_task(const goss_table_transform *f) { return f->task; }
const char *goss_table_transform_order(const goss_table_transform *f) { return f->order; }
int goss_table_transform_classes(const goss_table_transform *f) { return f->classes; }
const char *goss_table_transform_class(const goss_table_transform *f, int i) { return f->class_name[i]; }
int goss_table_transform_dropped(const goss_table_transform *f) { return f->n_dropped; }
const char *goss_table_transform_dropped_name(const goss_table_transform *f, int i) { return f->dropped[i]; }

goss_target_scale goss_table_transform_scale(const goss_table_transform *f) {
    return f->classes ? (goss_target_scale){0} : (goss_target_scale){f->mean, f->deviation};
}

int goss_table_transform_outputs(const goss_table_transform *f) {
    if (f->classes) return f->classes;
    const bool relative = f->inputs && goss_table_transform_relative(f); /* of rows that are no series fitted later */
    return relative ? goss_series_horizons(goss_encoding_series(f->inputs)) : 1;
}

/* ---- fit: the target ---- */

bool goss__add_name(char ***names, int *n, const char *name) {
    char **more = goss__realloc(*names, (size_t)(*n + 1) * sizeof *more);
    if (!more) return false;
    *names = more;
    more[*n] = goss__strdup(name);
    if (!more[*n]) return false;
    ++*n;
    return true;
}

typedef struct fitting {
    const goss_table_tasks *t;
    const goss_table *table;
    const goss_roles *roles;
    int32_t *rows; /* [n] of the training tasks */
    int n;
    const int32_t *seen; /* [n_seen] these, and of series those in their windows, whose columns are the inputs */
    int n_seen;
    goss_table_transform *f;
    const goss_text_options *texts;
    const goss_series_options *series;
} fitting;

/* Two different whole numbers are more often classes than amounts. */
goss_status goss__objective_of(const goss_table *table, int target, const int32_t *rows, int n,
                               const goss_objective **out, goss_error *err) {
    goss_column_stats s;
    GOSS_TRY(goss_table_stats(table, target, rows, n, &s, err));
    const bool number = goss_table_type(table, target) == GOSS_COLUMN_NUMBER && !(s.distinct == 2 && s.integers);
    return goss_objective_find(number ? "regression" : "classification", out, err);
}

static goss_status choose_objective(const fitting *g, const goss_objective *wanted, goss_error *err) {
    g->f->objective = wanted;
    return wanted ? GOSS_OK : goss__objective_of(g->table, g->t->target, g->rows, g->n, &g->f->objective, err);
}

/* Numbers, not an order of rows, of which there is a past to see. */
bool goss__sees_target(const goss_objective *objective, const goss_series_options *o) {
    return o->horizon > 0 && !objective->classes && !objective->among;
}

static bool sees_target(const fitting *g) { return g->series && goss__sees_target(g->f->objective, g->series); }

/* Targets are computed in single precision. */
static goss_status check_scale(const fitting *g, const goss_column_stats *s, goss_error *err) {
    enum { MOST_RATIO = 100000 };
    const bool same = sees_target(g) ? !(s->deviation > 0) : !(s->max > s->min);
    if (same)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: the target %s is the same in all rows to train on: there is nothing to learn",
                              goss_table_path(g->table), g->f->target);
    if (s->deviation < 1e-30)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: the target %s is from %g to %g: such numbers cannot be told apart; write them in a "
                              "smaller unit",
                              goss_table_path(g->table), g->f->target, s->min, s->max);
    if (fabs(s->mean) <= MOST_RATIO * s->deviation) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: the target %s is %g on average and differs by %.3g: numbers of single precision cannot "
                          "tell that; subtract a constant from all of them",
                          goss_table_path(g->table), g->f->target, s->mean, s->deviation);
}

/* Mean and deviation of what is forecast at one horizon: targets y [n, step], counted from their origins. */
static int changes(const float *y, int n, int step, double *mean, double *deviation) {
    double sum = 0, square = 0;
    int known = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(y[i * step])) sum += (double)y[i * step], known++;
    *mean = known ? sum / known : 0;
    for (int i = 0; i < n; i++)
        if (!isnan(y[i * step])) square += ((double)y[i * step] - *mean) * ((double)y[i * step] - *mean);
    *deviation = known ? sqrt(square / known) : 0;
    return known;
}

static goss_status too_far(const fitting *g, int horizon, int known, goss_error *err) {
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: %s to train on has a known %s %d steps behind the end of its window: a smaller horizon "
                          "(data.horizon)",
                          goss_table_path(g->table), known ? "only one row" : "no row", g->f->target, horizon);
}

static goss_status fit_horizons(const fitting *g, goss_column_stats *s, goss_error *err) {
    const int all = goss_table_transform_outputs(g->f);
    float *y = goss__calloc((size_t)g->n * (size_t)all + 1, sizeof *y);
    goss_status status = y ? goss__known_targets(g->f, g->table, g->rows, g->n, y, err) : no_memory(err);
    for (int k = 0; status == GOSS_OK && k < all; k++) {
        const int known = changes(y + k, g->n, all, &s->mean, &s->deviation);
        if (known < 2 && k) status = too_far(g, goss_series_horizon(g->series, k), known, err);
        if (status == GOSS_OK) status = check_scale(g, s, err);
        g->f->mean[k] = (float)s->mean, g->f->deviation[k] = (float)s->deviation;
    }
    goss__free(y);
    return status;
}

static goss_status fit_number(const fitting *g, goss_error *err) {
    goss_column_stats s;
    if (goss_table_type(g->table, g->t->target) != GOSS_COLUMN_NUMBER)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: the target %s holds classes (\"%.40s\"), of which there is no regression: "
                              "task.objective=classification, or another data.target",
                              goss_table_path(g->table), g->f->target, goss_table_category(g->table, g->t->target, 0));
    GOSS_TRY(goss_table_stats(g->table, g->t->target, g->rows, g->n, &s, err));
    if (!goss__scale_room(g->f)) return no_memory(err);
    if (sees_target(g)) return fit_horizons(g, &s, err);
    GOSS_TRY(check_scale(g, &s, err));
    *g->f->mean = (float)s.mean, *g->f->deviation = (float)s.deviation;
    return GOSS_OK;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y); /* the order of equal numbers does not matter */
}

/* The different numbers of the target, ascending, as texts. */
static goss_status classes_of_numbers(const fitting *g, goss_error *err) {
    double *v = goss__calloc((size_t)g->n, sizeof *v);
    if (!v) return no_memory(err);
    for (int i = 0; i < g->n; i++) v[i] = goss_table_number(g->table, g->t->target, g->rows[i]);
    qsort(v, (size_t)g->n, sizeof *v, by_value);
    int distinct = g->n > 0;
    for (int i = 1; i < g->n; i++) distinct += v[i] != v[i - 1];
    goss_status s = GOSS_OK;
    if (distinct > 1000)
        s = goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%s: the target %s has %d different numbers: too many for classes; task.objective=regression",
            goss_table_path(g->table), g->f->target, distinct);
    for (int i = 0; s == GOSS_OK && i < g->n; i++) {
        char text[GOSS__NUMBER_TEXT];
        if (i && v[i] == v[i - 1]) continue;
        goss__number_print(v[i], text);
        if (!goss__add_name(&g->f->class_name, &g->f->classes, text)) s = no_memory(err);
    }
    goss__free(v);
    return s;
}

static goss_status classes_of_texts(const fitting *g, goss_error *err) {
    const int categories = goss_table_categories(g->table, g->t->target);
    bool *seen = goss__calloc((size_t)categories + 1, sizeof *seen);
    goss_status s = seen ? GOSS_OK : no_memory(err);
    for (int i = 0; s == GOSS_OK && i < g->n; i++) seen[goss_table_code(g->table, g->t->target, g->rows[i])] = true;
    for (int c = 0; s == GOSS_OK && c < categories; c++)
        if (seen[c] &&
            !goss__add_name(&g->f->class_name, &g->f->classes, goss_table_category(g->table, g->t->target, c)))
            s = no_memory(err);
    goss__free(seen);
    return s;
}

static goss_status fit_classes(const fitting *g, goss_error *err) {
    const bool number = goss_table_type(g->table, g->t->target) == GOSS_COLUMN_NUMBER;
    GOSS_TRY((number ? classes_of_numbers : classes_of_texts)(g, err));
    if (g->f->classes >= 2) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: the target %s has one class in the rows to train on: two are needed",
                          goss_table_path(g->table), g->f->target);
}

/* ---- fit: inputs ---- */

/* Input columns that are not constant over the training rows, [*n]. The others are recorded as dropped. */
static goss_status choose_inputs(const fitting *g, int *columns, int *n, goss_error *err) {
    *n = 0;
    for (int c = 0; c < g->roles->columns; c++) {
        goss_column_stats s;
        const char *name = goss_table_name(g->table, c);
        if (g->roles->role[c] != GOSS_ROLE_INPUT) {
            if (c != g->t->target && c != g->roles->task && !goss__add_name(&g->f->known, &g->f->n_known, name))
                return no_memory(err);
            continue;
        }
        GOSS_TRY(goss_table_stats(g->table, c, g->seen, g->n_seen, &s, err));
        if (s.distinct > 1 || (s.distinct == 1 && s.missing > 0))
            columns[(*n)++] = c;
        else if (!goss__add_name(&g->f->dropped, &g->f->n_dropped, name))
            return no_memory(err);
    }
    if (*n || sees_target(g)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no column is left to predict %s from (gossamer inspect shows why)",
                          goss_table_path(g->table), g->f->target);
}

void goss__name_list_add(goss__str *s, const char *name) {
    goss__str_add(s, s->size ? ",\"" : "\"");
    for (; *name; name++) goss__str_addn(s, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1);
    goss__str_add(s, "\"");
}

/* Categories that a part of the table may read as numbers ("1", "2"), and columns whose cells nobody will use: declared
 * when another table is opened. */
goss_status goss__transform_lists(goss_table_transform *f, goss_error *err) {
    goss__str categorical = {0}, unused = {0};
    double number;
    for (int i = 0; i < goss_encoding_columns(f->inputs); i++)
        if (!goss_encoding_scale(f->inputs, i, &number, &number))
            goss__name_list_add(&categorical, goss_encoding_column(f->inputs, i));
    for (int i = 0; i < f->n_known; i++)
        if (strcmp(f->known[i], f->order) != 0 && !goss__transform_reads(f, f->known[i]))
            goss__name_list_add(&unused, f->known[i]);
    f->categorical = categorical.data, f->unused = unused.data;
    return categorical.failed || unused.failed ? no_memory(err) : GOSS_OK;
}

static goss_series_options windows_of(const fitting *g) {
    goss_series_options o = *g->series;
    o.task = *g->f->task ? g->f->task : NULL;
    o.target = sees_target(g) ? g->f->target : NULL;
    return o;
}

static goss_status fit_windows(const fitting *g, const int *columns, int n, goss_error *err) {
    const goss_series_options o = windows_of(g);
    return goss_encoding_fit_series(g->table, columns, n, &o, g->seen, g->n_seen, &g->f->inputs, err);
}

/* Few rows of a series may be samples (its last), and its inputs are those of all that are in windows. */
static goss_status find_seen(fitting *g, int32_t *rows, goss_error *err) {
    const int all = goss_table_rows(g->table);
    const goss_series_options o = windows_of(g);
    bool *seen = goss__calloc((size_t)all + 1, sizeof *seen);
    goss_status s = seen ? goss_series_seen(g->table, &o, g->rows, g->n, seen, err) : no_memory(err);
    for (int i = 0; s == GOSS_OK && i < g->n; i++) seen[g->rows[i]] = true;
    g->seen = rows, g->n_seen = 0;
    for (int r = 0; s == GOSS_OK && r < all; r++)
        if (seen[r]) rows[g->n_seen++] = r;
    goss__free(seen);
    return s;
}

static goss_status fit_inputs(fitting *g, goss_error *err) {
    int *columns = goss__calloc((size_t)g->roles->columns, sizeof *columns), n = 0;
    int32_t *rows = g->series ? goss__calloc((size_t)goss_table_rows(g->table) + 1, sizeof *rows) : NULL;
    goss_status s = columns && (rows || !g->series) ? GOSS_OK : no_memory(err);
    g->seen = g->rows, g->n_seen = g->n;
    if (s == GOSS_OK && g->series) s = find_seen(g, rows, err);
    if (s == GOSS_OK) s = choose_inputs(g, columns, &n, err);
    if (s == GOSS_OK && g->texts)
        s = goss_encoding_fit_texts(g->table, columns[0], g->rows, g->n, g->texts, &g->f->inputs, err);
    else if (s == GOSS_OK && g->series)
        s = fit_windows(g, columns, n, err);
    else if (s == GOSS_OK)
        s = goss_encoding_fit(g->table, columns, n, g->rows, g->n, &g->f->inputs, err);
    if (s == GOSS_OK) s = goss__transform_lists(g->f, err);
    goss__free(columns), goss__free(rows);
    return s;
}

/* ---- fit ---- */

static goss_status remember_names(const fitting *g, goss_error *err) {
    goss_table_transform *f = g->f;
    static const char *const kinds[] = {"random", "first"};
    f->target = goss__strdup(g->t->target < 0 ? "" : goss_table_name(g->table, g->t->target));
    f->task = goss__strdup(g->roles->task < 0 ? "" : goss_table_name(g->table, g->roles->task));
    f->order = goss__strdup(g->t->order == GOSS_ORDER_COLUMN ? goss_table_name(g->table, g->t->order_column)
                                                             : kinds[g->t->order]);
    return f->target && f->task && f->order ? GOSS_OK : no_memory(err);
}

/* Targets at each step, of texts that are ids. */
static goss_status fit_steps(fitting *g, goss_error *err) {
    goss_text_shape shape = {0};
    GOSS_TRY(fit_inputs(g, err));
    if (g->f->objective->next) return goss__fit_tokens(g->f, err);
    if (!goss_encoding_texts(g->f->inputs, &shape) || shape.tokens == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "task.objective = %s is about the tokens of texts: data.text names the column, and "
                              "data.text_as = ids is what it becomes",
                              g->f->objective->name);
    return goss__fit_labels(g->f, g->table, g->t->target, g->rows, g->n, err);
}

static goss_status fit(fitting *g, const goss_objective *objective, goss_error *err) {
    GOSS_TRY(remember_names(g, err));
    GOSS_TRY(choose_objective(g, objective, err));
    if (g->f->objective->steps) return fit_steps(g, err);
    if (g->series) GOSS_TRY(fit_inputs(g, err)); /* first: the target may be counted from what they show */
    GOSS_TRY((g->f->objective->classes ? fit_classes : fit_number)(g, err));
    return g->series ? GOSS_OK : fit_inputs(g, err);
}

/* The rows of those tasks that are trained on: with a split inside of tasks, the first part. */
static int training_rows(const goss_table_tasks *t, const int32_t *tasks, int n, int32_t *rows) {
    int count = 0;
    for (int i = 0; i < (tasks ? n : t->groups.count); i++) {
        int size;
        const int task = tasks ? tasks[i] : i;
        const int32_t *own = goss_table_tasks_rows(t, task, &size);
        for (int k = 0; k < size; k++)
            if (t->by_role || goss_table_tasks_part(t, task, k) == GOSS_PART_TRAIN) rows[count++] = own[k];
    }
    return count;
}

goss_status goss_table_transform_fit(const goss_table_tasks *t, const goss_roles *roles, const int32_t *tasks, int n,
                                     const goss_table_transform_options *options, goss_table_transform **out,
                                     goss_error *err) {
    *out = NULL;
    if (t->target < 0 && !(options && options->objective && options->objective->next))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: no column is the target; declare one (data.target=COLUMN)",
                              goss_table_path(t->table));
    fitting g = {.t = t,
                 .table = t->table,
                 .roles = roles,
                 .texts = options ? options->texts : NULL,
                 .series = options ? options->series : NULL};
    g.rows = goss__calloc((size_t)t->groups.first[t->groups.count] + 1, sizeof *g.rows);
    g.f = goss__calloc(1, sizeof *g.f);
    goss_status s = g.rows && g.f ? GOSS_OK : no_memory(err);
    if (s == GOSS_OK) {
        g.n = training_rows(t, tasks, n, g.rows);
        s = fit(&g, options ? options->objective : NULL, err);
    }
    goss__free(g.rows);
    if (s == GOSS_OK)
        *out = g.f;
    else
        goss_table_transform_free(g.f);
    return s;
}
