/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer_lines.c: graphs over tasks, and strengths by name, as small csv files: names and a number a line. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"
#include "gossamer/table.h"
#include "train/regularizers.h"

/* ---- reading ---- */

static goss_status bad_line(const goss_table *t, const char *path, int row, const char *what, goss_error *err) {
    int64_t line = 0;
    goss_table_origin(t, row, NULL, &line);
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s:%lld: %s", path, (long long)line, what);
}

static goss_status read_line(const goss_table *t, const char *path, int row, int names, goss__reg_line *out,
                             goss_error *err) {
    char cell[GOSS_CELL_TEXT];
    goss_table_origin(t, row, NULL, &out->line);
    out->a = goss__strdup(goss_table_text(t, 0, row, cell));
    if (names == 2) out->b = goss__strdup(goss_table_text(t, 1, row, cell));
    if (!out->a || (names == 2 && !out->b)) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a name");
    if (!*out->a || (names == 2 && !*out->b)) return bad_line(t, path, row, "a name is missing", err);
    if (!goss__number_parse(goss_table_text(t, names, row, cell), &out->number))
        return bad_line(t, path, row, "the last column is no number", err);
    if (!(out->number >= 0) || !isfinite((float)out->number))
        return bad_line(t, path, row, "a number of at least 0 is wanted", err);
    return GOSS_OK;
}

/* A first line whose last cell is a word is a header; a mistyped, missing or non-finite number is not a word, or the
 * line would be dropped silently. */
static bool has_header(const goss_table *t, int names) {
    static const char *const no_words[] = {"nan", "na", "null", "inf", "infinity"};
    char cell[GOSS_CELL_TEXT];
    if (goss_table_rows(t) == 0) return false;
    const char *last = goss_table_text(t, names, 0, cell);
    for (size_t i = 0; i < sizeof no_words / sizeof *no_words; i++)
        if (strcasecmp(last, no_words[i]) == 0) return false;
    return *last && !strchr("0123456789+-.,?", *last);
}

static goss_status read_table(const goss_table *t, const char *path, int names, goss__reg_lines *out, goss_error *err) {
    const int rows = goss_table_rows(t);
    if (goss_table_columns(t) != names + 1)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: has %d columns; a line is %s", path, goss_table_columns(t),
                              names == 2 ? "task,task,weight" : "name,factor");
    out->line = goss__calloc((size_t)rows + 1, sizeof *out->line);
    if (!out->line) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d lines", rows);
    for (int i = has_header(t, names) ? 1 : 0; i < rows; i++)
        GOSS_TRY(read_line(t, path, i, names, &out->line[out->n++], err));
    if (out->n == 0) return goss_error_set(err, GOSS_E_ARGUMENT, "%s: holds no line of numbers", path);
    return GOSS_OK;
}

/* Names are compared as texts: 007 is not 7. */
goss_status goss__reg_lines_read(const char *path, int names, goss__reg_lines *out, goss_error *err) {
    goss_table_options o = goss_table_options_defaults();
    goss_table *t;
    *out = (goss__reg_lines){0};
    o.header = GOSS_HEADER_NO, o.missing = "", o.categorical = "x1,x2,x3", o.optional = true;
    GOSS_TRY(goss_table_open(path, &o, &t, err));
    const goss_status s = read_table(t, path, names, out, err);
    goss_table_close(t);
    return s;
}

void goss__reg_lines_free(goss__reg_lines *l) {
    for (int i = 0; i < l->n; i++) goss__free(l->line[i].a), goss__free(l->line[i].b);
    goss__free(l->line);
    *l = (goss__reg_lines){0};
}

/* ---- edges ---- */

/* Matches a name exactly, or the same number in another notation. */
static bool is_name(const char *name, const char *wanted) {
    double a, b;
    if (strcmp(name, wanted) == 0) return true;
    return goss__number_parse(name, &a) && goss__number_parse(wanted, &b) && a == b;
}

static goss_status node_of(const goss__regularizer *r, const goss__reg_line *l, const char *wanted,
                           const char *const *names, int64_t n, int *out, goss_error *err) {
    for (int64_t i = 0; i < n; i++)
        if (is_name(names[i], wanted)) return *out = (int)i, GOSS_OK;
    goss__str near = {0};
    goss__near_names(&near, wanted, names, (int)n);
    goss_status s = goss_error_set(err, GOSS_E_ARGUMENT, "graph: %s:%lld: there is no %s \"%.80s\" %s%.600s",
                                   r->graph_path, (long long)l->line, r->options.branches ? "value" : "task", wanted,
                                   r->options.branches ? "among those that `on` finds" : "that is trained on",
                                   near.data ? near.data : "");
    goss__str_free(&near);
    return s;
}

static goss_status edges_of(const goss__regularizer *r, const char *const *names, int64_t n, goss_edge *edge,
                            goss_error *err) {
    for (int i = 0; i < r->edges.n; i++) {
        const goss__reg_line *l = &r->edges.line[i];
        edge[i].weight = l->number;
        GOSS_TRY(node_of(r, l, l->a, names, n, &edge[i].a, err));
        GOSS_TRY(node_of(r, l, l->b, names, n, &edge[i].b, err));
        const goss_status s = goss_edges_matrix(edge, i + 1, n, r->adjacency, err); /* the first edge that is wrong */
        if (s != GOSS_OK) return goss_error_prefix(err, s, "graph: %s:%lld", r->graph_path, (long long)l->line);
    }
    return GOSS_OK;
}

goss_status goss__reg_edges(goss__regularizer *r, const char *const *names, int64_t n, goss_error *err) {
    goss_edge *edge = goss__calloc((size_t)r->edges.n + 1, sizeof *edge);
    goss__free(r->adjacency);
    r->adjacency = goss__calloc((size_t)(n * n) + 1, sizeof *r->adjacency), r->nodes = n;
    goss_status s = edge && r->adjacency ? edges_of(r, names, n, edge, err)
                                         : goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    goss__free(edge);
    return s;
}
