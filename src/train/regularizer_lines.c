/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer_lines.c: graphs over tasks, and strengths by name, as small csv files: names and a number a line. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"
#include "gossamer/table.h"
#include "reg/reg.h"
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
    if (!(out->number >= 0)) return bad_line(t, path, row, "a number of at least 0 is wanted", err);
    return isfinite((float)out->number) ? GOSS_OK : bad_line(t, path, row, "the number is too large", err);
}

/* A first line whose last cell is a word is a header; a mistyped, missing or non-finite number is not a word, or the
 * line would be dropped silently. */
static bool has_header(const goss_table *t, int names) {
    static const char *const no_words[] = {"nan", "na", "null", "inf", "infinity"};
    char cell[GOSS_CELL_TEXT];
    if (goss_table_rows(t) == 0) return false;
    const char *last = goss_table_text(t, names, 0, cell);
    for (size_t i = 0; i < sizeof no_words / sizeof *no_words; i++)
        if (goss__ascii_same(last, no_words[i])) return false;
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

/* A node, to be found by its name. */
typedef struct node {
    const char *name;
    int at;
} node;

static int by_name(const void *a, const void *b) { return strcmp(((const node *)a)->name, ((const node *)b)->name); }

/* Sorted by name; goss__free. NULL: no memory. */
static node *sorted_nodes(const char *const *names, int64_t n) {
    node *v = goss__calloc((size_t)n + 1, sizeof *v);
    for (int64_t i = 0; v && i < n; i++) v[i] = (node){names[i], (int)i};
    if (v) qsort(v, (size_t)n, sizeof *v, by_name); /* names of tasks, and of values, differ */
    return v;
}

/* Nodes whose name is the same number in another notation; *out: the first. */
static int count_equal(const node *v, int64_t n, const char *wanted, int *out) {
    double a, b;
    int count = 0;
    if (!goss__number_parse(wanted, &b)) return 0;
    for (int64_t i = 0; i < n; i++)
        if (goss__number_parse(v[i].name, &a) && a == b && count++ == 0) *out = v[i].at;
    return count;
}

static goss_status unknown_node(const goss__regularizer *r, const goss__reg_line *l, const char *wanted,
                                const char *const *names, int64_t n, goss_error *err) {
    goss__str near = {0};
    goss__near_names(&near, wanted, names, (int)n);
    goss_status s = goss_error_set(err, GOSS_E_ARGUMENT, "graph: %s:%lld: there is no %s \"%.80s\" %s%.600s",
                                   r->graph_path, (long long)l->line, r->options.branches ? "value" : "task", wanted,
                                   r->options.branches ? "among those that `on` finds" : "that is trained on",
                                   near.data ? near.data : "");
    goss__str_free(&near);
    return s;
}

/* The name itself goes before one that is an equal number: tasks may be called 7 and 07. */
static goss_status node_of(const goss__regularizer *r, const goss__reg_line *l, const char *wanted, const node *v,
                           const char *const *names, int64_t n, int *out, goss_error *err) {
    const node *found = bsearch(&(node){.name = wanted}, v, (size_t)n, sizeof *v, by_name);
    if (found) return *out = found->at, GOSS_OK;
    const int count = count_equal(v, n, wanted, out);
    if (count == 1) return GOSS_OK;
    if (count == 0) return unknown_node(r, l, wanted, names, n, err);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "graph: %s:%lld: \"%.80s\" may be any of %d tasks, whose names are equal numbers: write the "
                          "name as the data has it",
                          r->graph_path, (long long)l->line, wanted, count);
}

static goss_status nodes_of(const goss__regularizer *r, const char *const *names, int64_t n, goss_edge *edge,
                            goss_error *err) {
    node *v = sorted_nodes(names, n);
    goss_status s = v ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    for (int i = 0; s == GOSS_OK && i < r->edges.n; i++) {
        const goss__reg_line *l = &r->edges.line[i];
        edge[i].weight = l->number;
        s = node_of(r, l, l->a, v, names, n, &edge[i].a, err);
        if (s == GOSS_OK) s = node_of(r, l, l->b, v, names, n, &edge[i].b, err);
    }
    goss__free(v);
    return s;
}

static goss_status edges_of(const goss__regularizer *r, const char *const *names, int64_t n, goss_edge *edge,
                            goss_error *err) {
    int at;
    GOSS_TRY(nodes_of(r, names, n, edge, err));
    const char *what = goss__edges_fill(edge, r->edges.n, n, r->adjacency, &at);
    if (what) {
        const goss__reg_line *l = &r->edges.line[at];
        return goss_error_set(err, GOSS_E_ARGUMENT, "graph: %s:%lld: \"%.80s\", \"%.80s\": %s", r->graph_path,
                              (long long)l->line, l->a, l->b, what);
    }
    for (int i = 0; i < r->edges.n; i++)
        if (edge[i].weight > 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "graph: %s: all weights are 0: it ties nothing", r->graph_path);
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
