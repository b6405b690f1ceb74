/* SPDX-License-Identifier: Apache-2.0 */
/* table_findings.c: findings to review before training on a table. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "table/table_leaks.h"

const char *goss_finding_kind_name(goss_finding_kind kind) {
    static const char *const names[] = {[GOSS_FINDING_LEAK] = "leak",
                                        [GOSS_FINDING_DUPLICATE_ROWS] = "duplicate-rows",
                                        [GOSS_FINDING_DUPLICATE_COLUMN] = "duplicate-column",
                                        [GOSS_FINDING_CONSTANT] = "constant",
                                        [GOSS_FINDING_MISSING_TARGET] = "missing-target",
                                        [GOSS_FINDING_MOSTLY_MISSING] = "mostly-missing",
                                        [GOSS_FINDING_RARE_CLASS] = "rare-class",
                                        [GOSS_FINDING_SMALL_TASKS] = "small-tasks",
                                        [GOSS_FINDING_DATE] = "date"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

typedef struct report {
    const goss_table *t;
    const goss_roles *r;
    goss_column_stats *stats;
    uint64_t *hash; /* [columns] of what a column holds */
    goss_finding *found;
    int count, capacity;
    bool failed;
} report;

static void tell(report *p, goss_finding_kind kind, int column, int other, double measure, const char *fmt, ...)
    GOSS_PRINTF(6, 7);
static void tell(report *p, goss_finding_kind kind, int column, int other, double measure, const char *fmt, ...) {
    if (p->count == p->capacity) {
        int capacity = p->capacity ? 2 * p->capacity : 16;
        goss_finding *grown = goss__realloc(p->found, (size_t)capacity * sizeof *grown);
        if (!grown) {
            p->failed = true;
            return;
        }
        p->found = grown, p->capacity = capacity;
    }
    goss_finding *f = &p->found[p->count++];
    *f = (goss_finding){.kind = kind, .column = column, .other = other, .measure = measure};
    va_list args;
    va_start(args, fmt);
    goss__vformat(f->text, sizeof f->text, fmt, args);
    va_end(args);
}

static void tell_leak(report *p, int c, const goss__telling *how) {
    char a[GOSS__LABEL], b[GOSS__LABEL];
    const char *name = goss__column_label(goss_table_name(p->t, c), a);
    const char *target = goss__column_label(goss_table_name(p->t, p->r->target), b);
    static const char advice[] = "if it is known only together with the target, ignore it";
    if (how->how == GOSS__TELLS_EQUAL)
        tell(p, GOSS_FINDING_LEAK, c, p->r->target, 1, "%s equals the target %s: ignore it", name, target);
    else if (how->how == GOSS__TELLS_LINEAR)
        tell(p, GOSS_FINDING_LEAK, c, p->r->target, how->measure, "%s is a linear function of the target %s: ignore it",
             name, target);
    else if (how->how == GOSS__TELLS_CLOSE)
        tell(p, GOSS_FINDING_LEAK, c, p->r->target, how->measure, "%s has a correlation of %.3f with the target %s; %s",
             name, how->measure, target, advice);
    else if (how->how == GOSS__TELLS_ALL)
        tell(p, GOSS_FINDING_LEAK, c, p->r->target, how->measure, "%s determines %.1f %% of the target %s; %s", name,
             100 * how->measure, target, advice);
}

static bool same_content(const goss_table *t, int a, int b) {
    char x[GOSS_CELL_TEXT], y[GOSS_CELL_TEXT];
    for (int r = 0; r < t->rows; r++)
        if (strcmp(goss_table_text(t, a, r, x), goss_table_text(t, b, r, y)) != 0) return false;
    return true;
}

static uint64_t content_hash(const goss_table *t, int c) {
    uint64_t h = 0;
    for (int r = 0; r < t->rows; r++) {
        double v = goss_table_number(t, c, r);
        uint64_t bits = 0;
        if (!isnan(v)) memcpy(&bits, &v, sizeof bits);
        h = (h ^ bits) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return h;
}

static goss_status look_at_input(report *p, int c, goss_error *err) {
    const goss_table *t = p->t;
    char a[GOSS__LABEL], b[GOSS__LABEL];
    const char *name = goss__column_label(goss_table_name(t, c), a);
    if (p->r->target >= 0) {
        goss__telling how;
        GOSS_TRY(goss__column_tells(t, c, p->r->target, &how, err));
        tell_leak(p, c, &how);
    }
    for (int k = 0; k < c; k++) {
        if (p->r->role[k] != GOSS_ROLE_INPUT || p->hash[k] != p->hash[c] || !same_content(t, k, c)) continue;
        tell(p, GOSS_FINDING_DUPLICATE_COLUMN, c, k, 1, "%s holds the same as %s", name,
             goss__column_label(goss_table_name(t, k), b));
        break;
    }
    if (2 * p->stats[c].missing > t->rows)
        tell(p, GOSS_FINDING_MOSTLY_MISSING, c, -1, (double)p->stats[c].missing / t->rows,
             "%s: %d of %d values are missing", name, p->stats[c].missing, t->rows);
    return GOSS_OK;
}

static goss_status look_at_target(report *p, goss_error *err) {
    const int c = p->r->target;
    char a[GOSS__LABEL];
    const char *name = goss__column_label(goss_table_name(p->t, c), a);
    if (p->stats[c].missing)
        tell(p, GOSS_FINDING_MISSING_TARGET, c, -1, p->stats[c].missing, "the target %s is missing in %d of %d rows",
             name, p->stats[c].missing, p->t->rows);
    if (p->stats[c].distinct <= 1)
        tell(p, GOSS_FINDING_CONSTANT, c, -1, 0, "the target %s has %d value: there is nothing to predict", name,
             p->stats[c].distinct);
    if (goss_table_type(p->t, c) == GOSS_COLUMN_NUMBER) return GOSS_OK;
    goss_groups g;
    GOSS_TRY(goss_table_groups(p->t, c, NULL, 0, &g, err));
    int rare = 0;
    const char *first = "";
    for (int i = 0; i < g.count; i++)
        if (g.first[i + 1] - g.first[i] == 1 && rare++ == 0) first = g.name[i];
    if (rare)
        tell(p, GOSS_FINDING_RARE_CLASS, c, -1, rare, "%d of %d classes of the target %s have one row: \"%.60s\"%s",
             rare, g.count, name, first, rare > 1 ? ", ..." : "");
    goss_groups_free(&g);
    return GOSS_OK;
}

static goss_status look_at_tasks(report *p, goss_error *err) {
    goss_groups g;
    int small = 0;
    char a[GOSS__LABEL];
    GOSS_TRY(goss_table_groups(p->t, p->r->task, NULL, 0, &g, err));
    for (int i = 0; i < g.count; i++) small += g.first[i + 1] - g.first[i] < 4;
    if (small)
        tell(p, GOSS_FINDING_SMALL_TASKS, p->r->task, -1, small, "%d of %d tasks (%s) have fewer than 4 rows", small,
             g.count, goss__column_label(goss_table_name(p->t, p->r->task), a));
    goss_groups_free(&g);
    return GOSS_OK;
}

static int by_hash(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* "id and 2 more". */
static void name_ids(const report *p, char *out, size_t size) {
    char label[GOSS__LABEL];
    int ids = 0, n = 0;
    for (int c = 0; c < p->t->columns; c++)
        if (p->r->role[c] == GOSS_ROLE_ID && ids++ == 0)
            n = snprintf(out, size, ", apart from %.60s", goss__column_label(goss_table_name(p->t, c), label));
    if (ids == 0) out[0] = 0;
    if (ids > 1) snprintf(out + n, size - (size_t)n, " and %d more, which differ in every row", ids - 1);
}

/* Without ids: rows that differ in their number only are duplicates. So are rows of two files, unless a file is a task:
 * two tasks may agree on a row. */
static goss_status look_at_rows(report *p, goss_error *err) {
    const goss_table *t = p->t;
    int *columns = goss__alloc((size_t)t->columns * sizeof *columns), n = 0, repeated = 0;
    uint64_t *hash = goss__alloc((size_t)t->rows * sizeof *hash);
    bool ok = columns && hash;
    for (int c = 0; ok && c < t->columns; c++)
        if (p->r->role[c] != GOSS_ROLE_ID && (c != t->file_column || c == p->r->task)) columns[n++] = c;
    for (int r = 0; ok && r < t->rows; r++) hash[r] = goss_table_row_hash(t, columns, n, r);
    if (ok) qsort(hash, (size_t)t->rows, sizeof *hash, by_hash);
    for (int r = 1; ok && r < t->rows; r++) repeated += hash[r] == hash[r - 1];
    char apart[160];
    name_ids(p, apart, sizeof apart);
    if (repeated)
        tell(p, GOSS_FINDING_DUPLICATE_ROWS, -1, -1, repeated, "%d of %d rows are duplicates%s", repeated, t->rows,
             apart);
    goss__free(columns);
    goss__free(hash);
    return ok ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory to find duplicate rows");
}

typedef struct content {
    uint64_t hash; /* of the rows, in any order */
    int group;
} content;

static int by_content(const void *a, const void *b) {
    const content *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return x->group - y->group;
}

static uint64_t rows_hash(const goss_table *t, const goss_groups *g, int group, const int *columns, int n) {
    const int32_t *row = g->rows + g->first[group];
    const int rows = g->first[group + 1] - g->first[group];
    uint64_t h = (uint64_t)rows;
    for (int i = 0; i < rows; i++) h += goss_table_row_hash(t, columns, n, row[i]);
    return h;
}

static void tell_copies(report *p, const goss_groups *g, const content *of) {
    int rows = 0, files = 0;
    const content *first = NULL;
    for (int i = 1; i < g->count; i++) {
        if (of[i].hash != of[i - 1].hash) continue;
        rows += g->first[of[i].group + 1] - g->first[of[i].group];
        if (files++ == 0) first = &of[i];
    }
    if (first)
        tell(p, GOSS_FINDING_DUPLICATE_ROWS, -1, -1, rows,
             "%d of %d rows are duplicates: %d file%s the rows of another one, which is another task (%.60s those of "
             "%.60s)",
             rows, p->t->rows, files, files == 1 ? " has" : "s have", g->name[first->group], g->name[first[-1].group]);
}

/* Of files that are tasks: those with the rows of another. */
static goss_status look_at_files(report *p, goss_error *err) {
    const goss_table *t = p->t;
    goss_groups g;
    int n = 0;
    if (t->file_column < 0 || p->r->task != t->file_column) return GOSS_OK;
    GOSS_TRY(goss_table_groups(t, t->file_column, NULL, 0, &g, err));
    int *columns = goss__alloc((size_t)t->columns * sizeof *columns);
    content *of = goss__alloc(((size_t)g.count + 1) * sizeof *of);
    const bool ok = columns && of;
    for (int c = 0; ok && c < t->columns; c++)
        if (c != t->file_column) columns[n++] = c;
    for (int i = 0; ok && i < g.count; i++) of[i] = (content){rows_hash(t, &g, i, columns, n), i};
    if (ok) qsort(of, (size_t)g.count, sizeof *of, by_content);
    if (ok) tell_copies(p, &g, of);
    goss__free(columns), goss__free(of);
    goss_groups_free(&g);
    return ok ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory to compare files");
}

static goss_status look(report *p, goss_error *err) {
    for (int c = 0; c < p->t->columns; c++) {
        GOSS_TRY(goss_table_stats(p->t, c, NULL, 0, &p->stats[c], err));
        if (p->r->role[c] == GOSS_ROLE_INPUT) p->hash[c] = content_hash(p->t, c);
    }
    for (int c = 0; c < p->t->columns; c++) {
        char a[GOSS__LABEL];
        if (p->r->role[c] == GOSS_ROLE_INPUT) GOSS_TRY(look_at_input(p, c, err));
        if (p->r->role[c] == GOSS_ROLE_CONSTANT)
            tell(p, GOSS_FINDING_CONSTANT, c, -1, 0, "%s: %s; it is not used",
                 goss__column_label(goss_table_name(p->t, c), a), p->r->reason[c]);
        if (c == p->r->target) GOSS_TRY(look_at_target(p, err));
        if (c == p->r->task) GOSS_TRY(look_at_tasks(p, err));
        if (p->r->role[c] == GOSS_ROLE_IGNORED && goss_table_type(p->t, c) == GOSS_COLUMN_DATE &&
            strcmp(p->r->reason[c], "declared") != 0)
            tell(
                p, GOSS_FINDING_DATE, c, -1, 0,
                "%s has dates, which may order rows (data.time, task.order) but are no inputs; convert them to columns "
                "of numbers (days since the first, hour, month)",
                goss__column_label(goss_table_name(p->t, c), a));
    }
    GOSS_TRY(look_at_rows(p, err));
    return look_at_files(p, err);
}

goss_status goss_table_findings(const goss_table *t, const goss_roles *roles, goss_finding **out, int *count,
                                goss_error *err) {
    report p = {.t = t, .r = roles};
    p.stats = goss__calloc((size_t)t->columns, sizeof *p.stats);
    p.hash = goss__calloc((size_t)t->columns, sizeof *p.hash);
    goss_status s = p.stats && p.hash ? look(&p, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for findings");
    if (s == GOSS_OK && p.failed) s = goss_error_set(err, GOSS_E_NOMEM, "no memory for findings");
    goss__free(p.stats);
    goss__free(p.hash);
    if (s != GOSS_OK) goss__free(p.found);
    *out = s == GOSS_OK ? p.found : NULL;
    *count = s == GOSS_OK ? p.count : 0;
    return s;
}

void goss_findings_free(goss_finding *findings) { goss__free(findings); }
