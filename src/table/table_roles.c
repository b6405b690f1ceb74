/* SPDX-License-Identifier: Apache-2.0 */
/* table_roles.c: roles of columns, by declaration or by rules on names and values (docs/tables.md). Every inferred role
 * has a reason. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "table/table.h"

const char *goss_column_role_name(goss_column_role role) {
    static const char *const names[] = {
        [GOSS_ROLE_INPUT] = "input", [GOSS_ROLE_TARGET] = "target",     [GOSS_ROLE_TASK] = "task",
        [GOSS_ROLE_ID] = "id",       [GOSS_ROLE_CONSTANT] = "constant", [GOSS_ROLE_IGNORED] = "ignored"};
    return (size_t)role < sizeof names / sizeof *names ? names[role] : "unknown";
}

typedef struct guess {
    const goss_table *t;
    goss_roles *r;
    goss_column_stats *stats; /* [columns] */
    bool *declared;           /* [columns] */
    const char *section;
    goss_groups tasks;
} guess;

static void set(guess *g, int column, goss_column_role role, const char *fmt, ...) GOSS_PRINTF(4, 5);
static void set(guess *g, int column, goss_column_role role, const char *fmt, ...) {
    va_list args;
    g->r->role[column] = role;
    va_start(args, fmt);
    goss__vformat(g->r->reason[column], sizeof g->r->reason[column], fmt, args);
    va_end(args);
}

/* ---- names ---- */

/* Lists of words, each between blanks. */
static bool listed(const char *word, const char *list) {
    char key[48];
    int n = snprintf(key, sizeof key, " %s ", word);
    return n < (int)sizeof key && strstr(list, key) != NULL;
}

/* Small letters and digits only: "Subject#" is "subject", "user_id" "userid". */
static void bare_name(const char *name, char out[40]) {
    size_t n = 0;
    for (; *name && n < 39; name++)
        if (goss__ascii_is_alnum(*name)) out[n++] = goss__ascii_lower(*name);
    out[n] = 0;
}

static bool cut_end(char *name, const char *end) {
    size_t n = strlen(name), k = strlen(end);
    if (n <= k || strcmp(name + n - k, end) != 0) return false;
    name[n - k] = 0;
    return true;
}

static const char id_names[] = " rownames rowname row rowid index idx id no nr key uuid unnamed0 sampleid recordid ";
static const char target_names[] = " target targets label labels class classes y outcome response ";
static const char task_names[] =
    " task subject subj patient user person participant speaker customer client school hospital student child animal "
    "device machine sensor site station store shop domain group alphabet language batch session family household "
    "country region ";

/* The index of a name in the list of typical task names; -1: not in it. */
static int task_name(const char *name) {
    char bare[40], key[48];
    bare_name(name, bare);
    if (!listed(bare, task_names) && !cut_end(bare, "id") && !cut_end(bare, "number") && !cut_end(bare, "no"))
        return -1;
    snprintf(key, sizeof key, " %s ", bare);
    const char *at = strstr(task_names, key);
    return at ? (int)(at - task_names) : -1;
}

bool goss__called_as_id(const char *name) {
    char bare[40];
    bare_name(name, bare);
    return listed(bare, id_names) || task_name(name) >= 0 || cut_end(bare, "id");
}

/* ---- rules on a single column ---- */

static bool is_whole(const guess *g, int c) {
    return goss_table_type(g->t, c) != GOSS_COLUMN_NUMBER || g->stats[c].integers;
}

/* 1, 2, 3 ... or 0, 1, 2 ... down the file. */
static bool counts_rows(const goss_table *t, int c) {
    if (goss_table_type(t, c) != GOSS_COLUMN_NUMBER || t->rows < 3) return false;
    double first = goss_table_number(t, c, 0);
    if (first != 0 && first != 1) return false;
    for (int r = 1; r < t->rows; r++)
        if (goss_table_number(t, c, r) != first + r) return false;
    return true;
}

static void guess_alone(guess *g, int c) {
    const goss_column_stats *s = &g->stats[c];
    char bare[40];
    bare_name(goss_table_name(g->t, c), bare);
    const bool all_different = s->distinct == g->t->rows && g->t->rows > 1 && is_whole(g, c);
    if (s->distinct <= 1 && g->t->rows > 1)
        set(g, c, GOSS_ROLE_CONSTANT, s->distinct ? "the same in all rows" : "no cell holds anything");
    else if (counts_rows(g->t, c) && goss__like_time(goss_table_name(g->t, c)))
        set(g, c, GOSS_ROLE_INPUT, "counts the rows, called as time is");
    else if (counts_rows(g->t, c))
        set(g, c, GOSS_ROLE_ID, "counts the rows");
    else if (all_different && listed(bare, id_names))
        set(g, c, GOSS_ROLE_ID, "different in every row, with the name of an id");
    else if (all_different && goss_table_type(g->t, c) == GOSS_COLUMN_TEXT)
        set(g, c, GOSS_ROLE_ID, "text that differs in every row");
    else if (goss_table_type(g->t, c) == GOSS_COLUMN_TEXT)
        set(g, c, GOSS_ROLE_IGNORED, "text that hardly repeats");
    else if (goss_table_type(g->t, c) == GOSS_COLUMN_DATE)
        set(g, c, GOSS_ROLE_IGNORED, "a date");
    else
        set(g, c, GOSS_ROLE_INPUT, "no reason against it");
    if (g->t->column[c].ignored && g->r->role[c] != GOSS_ROLE_ID) set(g, c, GOSS_ROLE_IGNORED, "declared");
}

/* ---- the task ---- */

static bool can_be_task(const guess *g, int c) {
    const goss_column_stats *s = &g->stats[c];
    if (g->declared[c] || g->r->role[c] == GOSS_ROLE_CONSTANT || g->r->role[c] == GOSS_ROLE_ID) return false;
    if (g->t->column[c].ignored) return false;
    if (goss_table_type(g->t, c) == GOSS_COLUMN_DATE || !is_whole(g, c)) return false;
    return s->distinct >= 2 && s->distinct <= (g->t->rows - s->missing) / 3;
}

static void guess_task(guess *g) {
    int best = -1, best_place = 0;
    for (int c = 0; c < g->t->columns; c++) {
        int place = c == g->t->file_column ? 0 : task_name(goss_table_name(g->t, c));
        if (place < 0 || !can_be_task(g, c)) continue;
        if (best < 0 || place < best_place) best = c, best_place = place;
    }
    if (best < 0) return;
    g->r->task = best, g->r->task_guessed = true;
    set(g, best, GOSS_ROLE_TASK, "guessed: %s, %d different values in %d rows",
        best == g->t->file_column ? "the file a row comes from" : "its name is typical of tasks",
        g->stats[best].distinct, g->t->rows);
}

/* ---- rules on a column within tasks ---- */

typedef struct within {
    int constant, all_different, complete; /* tasks: one value; no value twice; all values that the column has */
    int tasks;                             /* with two rows or more */
} within;

static goss_status look_within(const guess *g, int c, within *w, goss_error *err) {
    *w = (within){0};
    for (int i = 0; i < g->tasks.count; i++) {
        goss_column_stats s;
        const int32_t first = g->tasks.first[i], n = g->tasks.first[i + 1] - first;
        if (n < 2) continue;
        GOSS_TRY(goss_table_stats(g->t, c, g->tasks.rows + first, n, &s, err));
        w->tasks++;
        w->constant += s.distinct <= 1;
        w->all_different += s.distinct == n - s.missing && s.distinct > 1;
        w->complete += 5 * s.distinct >= 4 * g->stats[c].distinct;
    }
    return GOSS_OK;
}

/* A numbering within tasks, such as students in schools: not an input either. */
static goss_status guess_ids_within(guess *g, goss_error *err) {
    for (int c = 0; c < g->t->columns; c++) {
        within w;
        const bool open = g->r->role[c] == GOSS_ROLE_INPUT || g->t->column[c].ignored;
        if (g->declared[c] || !open || !is_whole(g, c) || g->t->column[c].categorical ||
            !goss__called_as_id(goss_table_name(g->t, c)))
            continue;
        GOSS_TRY(look_within(g, c, &w, err));
        if (w.tasks && 10 * w.all_different >= 9 * w.tasks)
            set(g, c, GOSS_ROLE_ID, "with the name of an id, and different in every row of a task");
    }
    return GOSS_OK;
}

/* ---- the target ---- */

typedef enum worth { USELESS, DESIGNED, WHOLE, BEST } worth; /* as a target */

/* The last column of the table, with classes: what most tables of classes predict. */
static bool last_classes(const guess *g, int c) {
    const bool classes =
        goss_table_type(g->t, c) == GOSS_COLUMN_CATEGORY || (g->stats[c].integers && g->stats[c].distinct == 2);
    return c == g->t->columns - 1 && classes;
}

/* Known for a whole task, or the same values in every task (days 0 to 9): these are chosen, not measured. Nor is a
 * column of a matrix the target where another array has one column. */
static goss_status target_worth(const guess *g, int c, worth *out, goss_error *err) {
    within w;
    *out = USELESS;
    if (g->declared[c] || g->r->role[c] != GOSS_ROLE_INPUT || c == g->t->file_column) return GOSS_OK;
    const bool fractions = goss_table_type(g->t, c) == GOSS_COLUMN_NUMBER && !g->stats[c].integers;
    *out = g->t->column[c].of_matrix ? DESIGNED : g->r->task < 0 || fractions || last_classes(g, c) ? BEST : WHOLE;
    if (g->r->task < 0 || g->t->column[c].of_matrix) return GOSS_OK;
    GOSS_TRY(look_within(g, c, &w, err));
    const bool designed =
        g->stats[c].distinct >= 3 && 5 * w.all_different >= 4 * w.tasks && 5 * w.complete >= 4 * w.tasks;
    if (w.tasks && (w.constant == w.tasks || designed)) *out = DESIGNED;
    return GOSS_OK;
}

static bool has_matrix(const goss_table *t) {
    for (int c = 0; c < t->columns; c++)
        if (t->column[c].of_matrix) return true;
    return false;
}

static goss_status guess_target(guess *g, goss_error *err) {
    int best = -1;
    worth best_worth = USELESS;
    const char *why = "the last column that varies within tasks and has fractions, if there is one";
    for (int c = 0; c < g->t->columns && best_worth < BEST + 1; c++) {
        char bare[40];
        bare_name(goss_table_name(g->t, c), bare);
        bool open = !g->declared[c] && (g->r->role[c] == GOSS_ROLE_INPUT || g->r->role[c] == GOSS_ROLE_CONSTANT);
        if (open && listed(bare, target_names)) best = c, best_worth = BEST + 1, why = "called as targets are";
    }
    for (int c = 0; c < g->t->columns && best_worth <= BEST; c++) {
        worth w;
        GOSS_TRY(target_worth(g, c, &w, err));
        if (w != USELESS && w >= best_worth) best = c, best_worth = w;
    }
    if (best < 0) return GOSS_OK;
    if (g->r->task < 0 && best_worth == BEST) why = "the last column";
    if (g->r->task >= 0 && best_worth == BEST && last_classes(g, best)) why = "the last column, with classes";
    if (best_worth > DESIGNED && best_worth <= BEST && has_matrix(g->t))
        why = "an array of one column, beside a matrix of inputs";
    g->r->target = best, g->r->target_guessed = true;
    set(g, best, GOSS_ROLE_TARGET, "guessed: %s", why);
    return GOSS_OK;
}

/* ---- declarations ---- */

static goss_status declare(guess *g, int c, goss_column_role role, const char *what, goss_error *err) {
    char label[GOSS__LABEL];
    const bool ignored = g->t->column[c].ignored && role != GOSS_ROLE_IGNORED;
    if (g->declared[c] || ignored)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: column %s is declared as %s already", what,
                              goss__column_label(goss_table_name(g->t, c), label),
                              goss_column_role_name(ignored ? GOSS_ROLE_IGNORED : g->r->role[c]));
    g->declared[c] = true;
    set(g, c, role, "declared");
    return GOSS_OK;
}

static const char *key_of(const guess *g, const char *name, char out[64]) {
    snprintf(out, 64, "%s%s", g->section, name);
    return out;
}

static goss_status declare_list(guess *g, const char *names, goss_column_role role, const char *name, goss_error *err) {
    char key[64];
    const char *what = key_of(g, name, key);
    int *columns = goss__alloc((size_t)g->t->columns * sizeof *columns), n = 0;
    if (!columns) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a list of columns");
    goss_status s = goss_table_list(g->t, names, what, columns, &n, err);
    for (int i = 0; s == GOSS_OK && i < n; i++) s = declare(g, columns[i], role, what, err);
    goss__free(columns);
    return s;
}

static goss_status declare_one(guess *g, const char *name, goss_column_role role, const char *key, int *column,
                               goss_error *err) {
    char whole[64];
    const char *what = key_of(g, key, whole);
    if (!name || !*name) return GOSS_OK;
    GOSS_TRY(goss_table_need(g->t, name, what, column, err));
    GOSS_TRY(declare(g, *column, role, what, err));
    if (role == GOSS_ROLE_TARGET && goss_table_type(g->t, *column) == GOSS_COLUMN_DATE)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: column %s has dates; convert them to a number first (days since the first)", what,
                              name);
    if (role == GOSS_ROLE_TARGET && goss_table_type(g->t, *column) == GOSS_COLUMN_TEXT)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%s: column %s has texts that hardly repeat; declare it as categorical if they are classes", what, name);
    return GOSS_OK;
}

/* Where texts are declared, nothing else is an input. */
static void leave_texts(guess *g, const goss_roles_declared *d) {
    for (int c = 0; d->text && *d->text && c < g->t->columns; c++)
        if (!g->declared[c] && g->r->role[c] == GOSS_ROLE_INPUT)
            set(g, c, GOSS_ROLE_IGNORED, "texts are the only input");
}

static goss_status all(guess *g, const goss_roles_declared *d, goss_error *err) {
    int text;
    g->section = d->section ? d->section : "";
    GOSS_TRY(declare_one(g, d->target, GOSS_ROLE_TARGET, "target", &g->r->target, err));
    GOSS_TRY(declare_one(g, d->task, GOSS_ROLE_TASK, "task", &g->r->task, err));
    GOSS_TRY(declare_one(g, d->text, GOSS_ROLE_INPUT, "text", &text, err));
    GOSS_TRY(declare_list(g, d->ignore, GOSS_ROLE_IGNORED, "ignore", err));
    GOSS_TRY(declare_list(g, d->id, GOSS_ROLE_ID, "id", err));
    for (int c = 0; c < g->t->columns; c++) {
        GOSS_TRY(goss_table_stats(g->t, c, NULL, 0, &g->stats[c], err));
        if (!g->declared[c]) guess_alone(g, c);
    }
    if (!d->task) guess_task(g);
    if (g->r->task >= 0) GOSS_TRY(goss_table_groups(g->t, g->r->task, NULL, 0, &g->tasks, err));
    if (g->r->task >= 0) GOSS_TRY(guess_ids_within(g, err));
    if (!d->target) GOSS_TRY(guess_target(g, err));
    leave_texts(g, d);
    /* The file column is not a property of a row. */
    const int f = g->t->file_column;
    if (f >= 0 && g->r->role[f] == GOSS_ROLE_INPUT) set(g, f, GOSS_ROLE_IGNORED, "the file a row comes from");
    return GOSS_OK;
}

goss_status goss_table_roles(const goss_table *t, const goss_roles_declared *declared, goss_roles *out,
                             goss_error *err) {
    static const goss_roles_declared nothing;
    const size_t n = (size_t)t->columns;
    *out = (goss_roles){.target = -1, .task = -1, .columns = t->columns};
    guess g = {.t = t, .r = out};
    out->role = goss__calloc(n, sizeof *out->role);
    out->reason = goss__calloc(n, sizeof *out->reason);
    g.stats = goss__calloc(n, sizeof *g.stats);
    g.declared = goss__calloc(n, sizeof *g.declared);
    goss_status s = out->role && out->reason && g.stats && g.declared
                        ? all(&g, declared ? declared : &nothing, err)
                        : goss_error_set(err, GOSS_E_NOMEM, "no memory for the roles of %d columns", t->columns);
    goss_groups_free(&g.tasks);
    goss__free(g.stats);
    goss__free(g.declared);
    if (s != GOSS_OK) goss_roles_free(out);
    return s;
}

void goss_roles_free(goss_roles *r) {
    goss__free(r->role);
    goss__free(r->reason);
    *r = (goss_roles){.target = -1, .task = -1};
}

int goss_roles_select(const goss_roles *r, goss_column_role role, int *columns) {
    int n = 0;
    for (int c = 0; c < r->columns; c++)
        if (r->role[c] == role) columns[n++] = c;
    return n;
}
