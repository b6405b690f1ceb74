/* SPDX-License-Identifier: Apache-2.0 */
/* reg_flat.c: a penalty's value and gradients over plain arrays: a graph for each set of shapes, compiled once,
 * kept. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "gossamer/exec.h"
#include "reg/reg.h"

enum { KEPT = 8, TENSORS = 64 };

/* What one set of shapes and of wanted gradients was compiled to. */
typedef struct compiled {
    goss_schedule *schedule; /* NULL: free */
    goss_exec *exec;
    float *adjacency;
    int n, rank[TENSORS];
    int64_t shape[TENSORS][GOSS_MAX_RANK];
    uint64_t wanted; /* a bit a tensor */
} compiled;

struct goss_reg {
    const goss__reg_row *row;
    goss_reg_options options;
    goss_edge *edges;
    int n_edges;
    goss_threads *threads;
    compiled kept[KEPT];
    int next; /* to be replaced */
};

/* ---- life ---- */

static goss_status check_new(const goss_reg *r, const goss_edge *edges, int n_edges, goss_error *err) {
    const goss_reg_kind *k = &r->row->kind;
    GOSS_TRY(goss__reg_check(k, &r->options, err));
    if (goss__reg_given(r->options.adjacency) || goss__reg_given(r->options.weight))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "adjacency and weight are values of a graph; here edges stand for it");
    if (n_edges < 0 || (n_edges > 0 && !edges)) return goss_error_set(err, GOSS_E_ARGUMENT, "%d edges", n_edges);
    if (n_edges > 0 && !(k->settings & GOSS_REG_ADJACENCY))
        return goss_error_set(err, GOSS_E_ARGUMENT, "it takes no graph, but %d edges are given", n_edges);
    return GOSS_OK;
}

goss_status goss_reg_new(const char *kind, const goss_reg_options *o, const goss_edge *edges, int n_edges, int threads,
                         goss_reg **out, goss_error *err) {
    *out = NULL;
    const goss__reg_row *row = goss__reg_row_of(kind, err);
    if (!row) return GOSS_E_ARGUMENT;
    goss_reg *r = goss__calloc(1, sizeof *r);
    if (!r) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    r->row = row, r->options = o ? *o : goss_reg_defaults();
    goss_status s = check_new(r, edges, n_edges, err);
    if (s == GOSS_OK && n_edges > 0) {
        r->n_edges = n_edges, r->edges = goss__calloc((size_t)n_edges, sizeof *edges);
        if (r->edges)
            memcpy(r->edges, edges, (size_t)n_edges * sizeof *edges);
        else
            s = goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    }
    if (s == GOSS_OK) s = goss_threads_new(threads, &r->threads, err);
    if (s == GOSS_OK)
        *out = r;
    else
        goss_reg_free(r);
    return goss_error_prefix(err, s, "regularizer %s", row->kind.name);
}

static void drop(compiled *c) {
    goss_exec_free(c->exec), goss_schedule_free(c->schedule), goss__free(c->adjacency);
    memset(c, 0, sizeof *c);
}

void goss_reg_free(goss_reg *r) {
    if (!r) return;
    for (int i = 0; i < KEPT; i++) drop(&r->kept[i]);
    goss_threads_free(r->threads), goss__free(r->edges), goss__free(r);
}

/* ---- compiling ---- */

static const char *input_name(int i, char name[16]) {
    snprintf(name, 16, "x%d", i);
    return name;
}

/* The nodes that a graph ties: tasks, or the tensors themselves. */
static int64_t nodes_of(const goss_reg *r, const compiled *c) { return r->options.branches ? c->n : c->shape[0][0]; }

static goss_status fill_adjacency(const goss_reg *r, compiled *c, goss_error *err) {
    size_t k = (size_t)nodes_of(r, c), numbers;
    if (!goss__mul_ok(k, k, &numbers) || !(c->adjacency = goss__calloc(numbers, sizeof *c->adjacency)))
        return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a graph of %zu nodes", k);
    return goss_edges_matrix(r->edges, r->n_edges, (int64_t)k, c->adjacency, err);
}

static goss_val declare(goss_graph *g, const compiled *c, int i) {
    char name[16];
    goss_shape s = {.rank = c->rank[i]};
    for (int k = 0; k < s.rank; k++) s.dim[k] = goss_n(c->shape[i][k]);
    return goss_input(g, input_name(i, name), GOSS_REAL, s);
}

static goss_status compile(const goss_reg *r, compiled *c, goss_graph *g, goss_error *err) {
    goss_val x[TENSORS], wrt[TENSORS], out[TENSORS + 1];
    goss_reg_options o = r->options;
    int n = 0;
    for (int i = 0; i < c->n; i++) x[i] = declare(g, c, i);
    if (r->n_edges) {
        goss_extent k = goss_n(nodes_of(r, c));
        o.adjacency = goss_input(g, "adjacency", GOSS_REAL, GOSS_SHAPE(k, k));
    }
    out[0] = goss_sum_all(goss_reg_build(r->row->kind.name, x, c->n, &o));
    for (int i = 0; i < c->n; i++)
        if (c->wanted >> i & 1) wrt[n++] = x[i];
    GOSS_TRY(goss_graph_status(g, err));
    if (n && goss_grad(out[0], wrt, n, out + 1) != GOSS_OK) return goss_graph_status(g, err);
    GOSS_TRY(goss_compile(g, out, n + 1, NULL, 0, NULL, &c->schedule, err));
    return goss_exec_new(c->schedule, NULL, r->threads, &c->exec, err);
}

/* Binds where the program has such an input: with strength 0 it has none. */
static goss_status bind(compiled *c, const char *name, const float *data) {
    goss_error e = {0};
    goss_status s = goss_exec_bind(c->exec, name, data, &e);
    return s == GOSS_E_ARGUMENT ? GOSS_OK : s;
}

static goss_status open_compiled(const goss_reg *r, compiled *c, goss_error *err) {
    if (r->n_edges) GOSS_TRY(fill_adjacency(r, c, err));
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    goss_status s = compile(r, c, g, err);
    goss_graph_free(g);
    return s == GOSS_OK && r->n_edges ? bind(c, "adjacency", c->adjacency) : s;
}

/* ---- calls ---- */

static bool is_for(const compiled *c, const goss_reg_tensor *t, int n, uint64_t wanted) {
    if (!c->exec || c->n != n || c->wanted != wanted) return false;
    for (int i = 0; i < n; i++)
        if (c->rank[i] != t[i].rank || memcmp(c->shape[i], t[i].shape, (size_t)t[i].rank * sizeof *t[i].shape) != 0)
            return false;
    return true;
}

static goss_status check_tensors(const goss_reg *r, const goss_reg_tensor *t, int n, goss_error *err) {
    const goss_reg_kind *k = &r->row->kind;
    if (n < k->min_tensors || n > k->max_tensors)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d tensors; it takes %d to %d", n, k->min_tensors, k->max_tensors);
    for (int i = 0; i < n; i++) {
        if (!t[i].data) return goss_error_set(err, GOSS_E_ARGUMENT, "tensor %d has no data", i + 1);
        if (t[i].rank < 1 || t[i].rank > GOSS_MAX_RANK)
            return goss_error_set(err, GOSS_E_SHAPE, "tensor %d has rank %d, not 1 to %d", i + 1, t[i].rank,
                                  GOSS_MAX_RANK);
        for (int d = 0; d < t[i].rank; d++)
            if (t[i].shape[d] < 1)
                return goss_error_set(err, GOSS_E_SHAPE, "tensor %d has extent %lld on axis %d", i + 1,
                                      (long long)t[i].shape[d], d);
    }
    return GOSS_OK;
}

static goss_status find_or_compile(goss_reg *r, const goss_reg_tensor *t, int n, uint64_t wanted, compiled **out,
                                   goss_error *err) {
    for (int i = 0; i < KEPT; i++)
        if (is_for(*out = &r->kept[i], t, n, wanted)) return GOSS_OK;
    GOSS_TRY(check_tensors(r, t, n, err));
    compiled *c = *out = &r->kept[r->next];
    drop(c);
    c->n = n, c->wanted = wanted;
    for (int i = 0; i < n; i++) {
        c->rank[i] = t[i].rank;
        memcpy(c->shape[i], t[i].shape, (size_t)t[i].rank * sizeof *t[i].shape);
    }
    goss_status s = open_compiled(r, c, err);
    if (s != GOSS_OK) {
        drop(c);
        return s;
    }
    r->next = (r->next + 1) % KEPT;
    return GOSS_OK;
}

static goss_status run(goss_reg *r, const goss_reg_tensor *t, int n, double *value, float *const *grads,
                       goss_error *err) {
    uint64_t wanted = 0;
    for (int i = 0; grads && i < n && i < TENSORS; i++) wanted |= (uint64_t)(grads[i] != NULL) << i;
    compiled *c;
    GOSS_TRY(find_or_compile(r, t, n, wanted, &c, err));
    char name[16];
    for (int i = 0; i < n; i++) {
        if (!t[i].data) return goss_error_set(err, GOSS_E_ARGUMENT, "tensor %d has no data", i + 1);
        GOSS_TRY(bind(c, input_name(i, name), t[i].data));
    }
    GOSS_TRY(goss_exec_run(c->exec, err));
    if (value) *value = *(const float *)goss_exec_output(c->exec, 0, NULL);
    for (int i = 0, k = 1; i < n; i++) {
        int64_t numel;
        if (!(wanted >> i & 1)) continue;
        const void *from = goss_exec_output(c->exec, k++, &numel);
        memcpy(grads[i], from, (size_t)numel * sizeof(float));
    }
    return GOSS_OK;
}

goss_status goss_reg_value_grad(goss_reg *r, const goss_reg_tensor *tensors, int n, double *value, float *const *grads,
                                goss_error *err) {
    goss_status s = run(r, tensors, n, value, grads, err);
    const char *kind = r->row->kind.name;
    if (err && s != GOSS_OK && strstr(err->text, "regularizer ") == err->text) return s; /* the graph's own names it */
    return goss_error_prefix(err, s, "regularizer %s", kind);
}
