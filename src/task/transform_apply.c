/* SPDX-License-Identifier: Apache-2.0 */
/* transform_apply.c: a fitted transform on another table: its columns by name, rows as numbers, hashes of content. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "task/table_task.h"

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for the rows of a table");
}

static void add_name(goss__str *s, const char *name, int n) {
    if (n <= 8) goss__str_addf(s, "%s%s", n > 1 ? ", " : "", name);
}

/* ---- roles ---- */

typedef struct matching {
    const goss_table *table;
    goss_roles *roles;
    goss__str lost;
    int n_lost;
} matching;

static int give(matching *m, const char *name, goss_column_role role, bool needed, const char *why) {
    const int c = goss_table_find(m->table, name);
    if (c < 0 && needed) add_name(&m->lost, name, ++m->n_lost);
    if (c >= 0) m->roles->role[c] = role, snprintf(m->roles->reason[c], sizeof *m->roles->reason, "%s", why);
    return c;
}

/* The folder's column of files is called by a name of its own where the files have one of that name. */
static int give_task(matching *m, const char *name, bool needed) {
    const int file = goss_table_file_column(m->table);
    const bool is_file = file >= 0 && (strcmp(name, "file") == 0 || strcmp(name, "(file)") == 0);
    return give(m, is_file ? goss_table_name(m->table, file) : name, GOSS_ROLE_TASK, needed, "the model's task");
}

/* A single file has no column of files. */
static goss_status no_files(const matching *m, goss_error *err) {
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: the model's tasks are files (data.task = file), and this is a single one: put it into a "
                          "folder, alone or with the files of other tasks, and name the folder",
                          goss_table_path(m->table));
}

static goss_status lost(const matching *m, goss_error *err) {
    if (m->lost.failed) return no_memory(err);
    if (m->n_lost == 0) return GOSS_OK;
    char more[40] = "";
    if (m->n_lost > 8) snprintf(more, sizeof more, " and %d more", m->n_lost - 8);
    goss__str has = {0};
    for (int c = 0; c < goss_table_columns(m->table); c++) add_name(&has, goss_table_name(m->table, c), c + 1);
    if (goss_table_columns(m->table) > 8) goss__str_add(&has, ", ...");
    goss_status s =
        goss_error_set(err, GOSS_E_ARGUMENT, "%s: there is no column %s%s, which the model needs; there are %s",
                       goss_table_path(m->table), m->lost.data, more, has.data ? has.data : "");
    goss__str_free(&has);
    return s;
}

static bool listed(char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* Columns unknown to the transform. */
static goss_status name_extra(const goss_table_transform *f, const matching *m, const bool *met, char **extra,
                              goss_error *err) {
    goss__str s = {0};
    int n = 0;
    for (int c = 0; c < goss_table_columns(m->table); c++) {
        const char *name = goss_table_name(m->table, c);
        if (met[c] || c == goss_table_file_column(m->table) || listed(f->known, f->n_known, name) ||
            listed(f->dropped, f->n_dropped, name))
            continue;
        add_name(&s, name, ++n);
    }
    if (n > 8) goss__str_addf(&s, " and %d more", n - 8);
    *extra = s.data;
    return s.failed ? no_memory(err) : GOSS_OK;
}

static bool is_input(const goss_table_transform *f, const char *name) {
    for (int i = 0; i < goss_encoding_columns(f->inputs); i++)
        if (strcmp(goss_encoding_column(f->inputs, i), name) == 0) return true;
    return false;
}

/* The order column may be an input as well, and is looked for once. */
static void give_order(const goss_table_transform *f, matching *m, bool needed, bool *met) {
    if (strcmp(f->order, "random") == 0 || strcmp(f->order, "first") == 0) return;
    const int c = goss_table_find(m->table, f->order);
    if (c >= 0) met[c] = true;
    if (c < 0 && needed && !is_input(f, f->order)) add_name(&m->lost, f->order, ++m->n_lost);
}

/* What windows are made from. */
static void give_series(const goss_table_transform *f, matching *m, bool *met) {
    const goss_series_options *o = goss_encoding_series(f->inputs);
    const char *const name[] = {o ? o->time : NULL, o ? o->series : NULL};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        const int c = name[i] ? goss_table_find(m->table, name[i]) : -1;
        if (c >= 0) met[c] = true;
        if (name[i] && c < 0) add_name(&m->lost, name[i], ++m->n_lost);
    }
}

static goss_status match(const goss_table_transform *f, matching *m, goss_table_needs needs, bool *met, char **extra,
                         goss_error *err) {
    for (int c = 0; c < m->roles->columns; c++) {
        m->roles->role[c] = GOSS_ROLE_IGNORED;
        snprintf(m->roles->reason[c], sizeof *m->roles->reason, "the model does not use it");
    }
    for (int i = 0; i < goss_encoding_columns(f->inputs); i++) {
        const int c = give(m, goss_encoding_column(f->inputs, i), GOSS_ROLE_INPUT, true, "an input of the model");
        if (c >= 0) met[c] = true;
    }
    const bool past = goss_table_transform_relative(f);
    if (*f->target) /* a language model has none */
        m->roles->target = give(m, f->target, GOSS_ROLE_TARGET, needs.target || past, "the model's target");
    give_series(f, m, met);
    const bool by_file = strcmp(f->task, "file") == 0 || strcmp(f->task, "(file)") == 0;
    if (needs.task && by_file && goss_table_files(m->table) == 1 && goss_table_file_column(m->table) < 0 &&
        goss_table_find(m->table, f->task) < 0)
        return no_files(m, err);
    m->roles->task = give_task(m, f->task, needs.task);
    give_order(f, m, needs.order, met);
    if (m->roles->target >= 0) met[m->roles->target] = true;
    if (m->roles->task >= 0) met[m->roles->task] = true;
    GOSS_TRY(lost(m, err));
    return name_extra(f, m, met, extra, err);
}

goss_status goss_table_transform_roles(const goss_table_transform *f, const goss_table *table, goss_table_needs needs,
                                       goss_roles *out, char **extra, goss_error *err) {
    const size_t n = (size_t)goss_table_columns(table);
    char *own = NULL;
    *out = (goss_roles){.target = -1, .task = -1, .columns = (int)n};
    if (extra) *extra = NULL;
    matching m = {.table = table, .roles = out};
    bool *met = goss__calloc(n, sizeof *met);
    out->role = goss__calloc(n, sizeof *out->role), out->reason = goss__calloc(n, sizeof *out->reason);
    goss_status s = met && out->role && out->reason ? match(f, &m, needs, met, &own, err) : no_memory(err);
    goss__str_free(&m.lost);
    goss__free(met);
    if (s != GOSS_OK) goss_roles_free(out);
    if (s == GOSS_OK && extra)
        *extra = own;
    else
        goss__free(own);
    return s;
}

/* ---- rows ---- */

goss_status goss_table_transform_apply(const goss_table_transform *f, const goss_table *table, const int32_t *rows,
                                       int n, float *out, goss_encoding_report *report, goss_error *err) {
    GOSS_TRY(goss_encoding_apply(f->inputs, table, rows, n, out, report, err));
    if (f->objective->next) goss__shift_tokens(f, out, rows ? n : goss_table_rows(table));
    return GOSS_OK;
}

void goss__transform_input(const goss_table_transform *f, goss_task_spec *spec) {
    int steps, channels;
    spec->input_rank = 1, spec->input[0] = goss_encoding_width(f->inputs);
    if (!goss_encoding_steps(f->inputs, &steps, &channels)) return;
    spec->input_rank = 2, spec->input[0] = steps, spec->input[1] = channels, spec->lengths = true;
}

bool goss__transform_has_steps(const goss_table_transform *f) {
    int steps, channels;
    return goss_encoding_steps(f->inputs, &steps, &channels);
}

bool goss_table_transform_relative(const goss_table_transform *f) {
    const goss_series_options *o = goss_encoding_series(f->inputs);
    return o && o->target;
}

bool goss__transform_reads(const goss_table_transform *f, const char *name) {
    const goss_series_options *o = goss_encoding_series(f->inputs);
    return o && (strcmp(o->time, name) == 0 || (o->series && strcmp(o->series, name) == 0));
}

static goss_status need_target(const goss_table_transform *f, const goss_table *table, int *column, goss_error *err) {
    *column = goss_table_find(table, f->target);
    if (*column < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: there is no column %s, the target", goss_table_path(table),
                              f->target);
    if (f->classes || goss_table_type(table, *column) == GOSS_COLUMN_NUMBER) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s: the target %s holds texts (\"%.40s\"), where numbers were learned",
                          goss_table_path(table), f->target,
                          goss_table_categories(table, *column) ? goss_table_category(table, *column, 0) : "");
}

static goss_status class_of(const goss_table_transform *f, const goss_table *table, int column, int row, float *out,
                            goss_error *err) {
    char buffer[GOSS_CELL_TEXT], place[GOSS__PLACE];
    const char *text = goss_table_text(table, column, row, buffer);
    for (int c = 0; c < f->classes; c++)
        if (strcmp(f->class_name[c], text) == 0) {
            *out = (float)c;
            return GOSS_OK;
        }
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s:%s: class \"%.60s\" is none of the %d that were trained on (%s, ...)",
                          goss__row_place(table, row, place), f->target, text, f->classes, f->class_name[0]);
}

/* In double precision: a level may be large and its change small. */
static goss_status count_from_origins(const goss_table_transform *f, const goss_table *table, const int32_t *rows,
                                      int n, int column, float *out, goss_error *err) {
    char place[GOSS__PLACE];
    const int all = goss_table_transform_outputs(f);
    double *origin = goss__calloc((size_t)n + 1, sizeof *origin);
    int32_t *ahead = goss__calloc((size_t)n * (size_t)all + 1, sizeof *ahead);
    goss_status s = origin && ahead ? goss_encoding_origins(f->inputs, table, rows, n, origin, err) : no_memory(err);
    if (s == GOSS_OK) s = goss_series_ahead(table, goss_encoding_series(f->inputs), rows, n, ahead, err);
    for (int i = 0; s == GOSS_OK && i < n; i++) {
        const int row = rows ? rows[i] : i;
        if (isnan(origin[i]))
            s = goss_error_set(err, GOSS_E_ARGUMENT,
                               "%s:%s: no value is known before it that it could be forecast from",
                               goss__row_place(table, row, place), f->target);
        for (int k = i * all; k < (i + 1) * all; k++)
            out[k] = ahead[k] < 0 ? NAN : (float)(goss_table_number(table, column, ahead[k]) - origin[i]);
    }
    goss__free(origin), goss__free(ahead);
    return s;
}

goss_status goss_table_transform_targets(const goss_table_transform *f, const goss_table *table, const int32_t *rows,
                                         int n, float *out, goss_error *err) {
    int column;
    char place[GOSS__PLACE];
    if (f->objective->next) return goss__next_tokens(f, table, rows, n, out, err);
    GOSS_TRY(need_target(f, table, &column, err));
    if (f->objective->steps) return goss__step_labels(f, table, column, rows, n, out, err);
    for (int i = 0; i < n; i++) {
        const int row = rows ? rows[i] : i;
        if (goss_table_missing(table, column, row))
            return goss_error_set(err, GOSS_E_ARGUMENT, "%s:%s: the target is missing",
                                  goss__row_place(table, row, place), f->target);
        if (f->classes)
            GOSS_TRY(class_of(f, table, column, row, &out[i], err));
        else
            out[i] = (float)goss_table_number(table, column, row);
    }
    return goss_table_transform_relative(f) ? count_from_origins(f, table, rows, n, column, out, err) : GOSS_OK;
}

goss_status goss_table_transform_hashes(const goss_table_transform *f, const goss_table *table, const int32_t *rows,
                                        int n, uint64_t *out, goss_error *err) {
    const goss_series_options *series = goss_encoding_series(f->inputs);
    const int inputs = goss_encoding_columns(f->inputs), target = *f->target != 0;
    const int all = inputs + target + (series != NULL);
    int *columns = goss__calloc((size_t)all, sizeof *columns);
    if (!columns) return no_memory(err);
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && i < all; i++)
        s = goss_table_need(table,
                            i < inputs            ? goss_encoding_column(f->inputs, i)
                            : i < inputs + target ? f->target
                                                  : series->time,
                            "a column of the model", &columns[i], err);
    for (int i = 0; s == GOSS_OK && i < n; i++) out[i] = goss_table_row_hash(table, columns, all, rows ? rows[i] : i);
    goss__free(columns);
    return s;
}
