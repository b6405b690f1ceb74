/* SPDX-License-Identifier: Apache-2.0 */
/* program_create.c: from a graph to a program and back.
 *
 * To a program: each node that outputs and updates need becomes an operation, in the graph's order; then those that are
 * the results of another one are joined with it (program_results.c). The verifier's invariants hold by construction,
 * except for the caller's arguments: names and updates. Back: each operation becomes a node as written, unchecked, with
 * a selector for each result if it has several. */
#include <string.h>

#include "base/alloc.h"
#include "ir/program_loop.h"
#include "ir/program_results.h"
#include "ops/ops.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "program: out of memory"); }

/* ---- checking arguments ---- */

static goss_status check_values(const goss_graph *g, const goss_val *v, int n, const char *what, goss_error *err) {
    for (int i = 0; i < n; i++)
        if (!goss_valid(v[i]) || v[i].graph != g)
            return goss_error_set(err, GOSS_E_ARGUMENT, "program: %s %d is not a value of this graph", what, i);
    return GOSS_OK;
}

static goss_status check_outputs(const goss_graph *g, const goss_val *outputs, int n, goss_error *err) {
    GOSS_TRY(check_values(g, outputs, n, "output", err));
    for (int i = 0; i < n; i++)
        if (goss__node_of(outputs[i])->op->assignment)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "program: output %d is an assignment, not a value: pass it as an update", i);
    return GOSS_OK;
}

static goss_status check_updates(const goss_graph *g, const goss_val *updates, int n, goss_error *err) {
    GOSS_TRY(check_values(g, updates, n, "update", err));
    for (int i = 0; i < n; i++) {
        const goss__node *u = goss__node_of(updates[i]);
        if (!u->op->assignment)
            return goss_error_set(err, GOSS_E_ARGUMENT, "program: update %d is a %s, not an assignment", i,
                                  u->op->name);
        for (int k = 0; k < i; k++)
            if (goss__node_of(updates[k])->in[0] == u->in[0])
                return goss_error_set(err, GOSS_E_ARGUMENT, "program: updates %d and %d both assign parameter %s", k, i,
                                      goss__in(g, u, 0)->name);
    }
    return GOSS_OK;
}

/* ---- from a graph ---- */

/* Lists the nodes that values need, by id, which is topological in a graph as built; returns their number. */
static uint32_t list_needed(const goss_graph *g, const goss_val *v, int n, const goss_val *w, int m, uint32_t *list) {
    uint32_t count = 0, at = g->n_nodes;
    for (uint32_t id = 0; id < g->n_nodes; id++) list[id] = 0; /* used as marks first */
    for (int i = 0; i < n; i++) list[v[i].id] = 1;
    for (int i = 0; i < m; i++) list[w[i].id] = 1;
    while (at-- > 1)
        for (int i = 0; list[at] && i < g->nodes[at]->n_in; i++) list[g->nodes[at]->in[i]] = 1;
    for (uint32_t id = 1; id < g->n_nodes; id++)
        if (list[id]) list[count++] = id;
    return count;
}

static goss_status add_node(goss_program *p, const goss_graph *g, const goss__node *n, int *number, goss_error *err);

/* A loop's body: node i is value i - 1. */
static goss_status make_region(const goss_program *p, const goss__region *r, goss_program **out, goss_error *err) {
    const goss_graph *g = r->body;
    if (p->depth + 1 >= GOSS__PROGRAM_DEPTH)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "program: more than %d nested loops", GOSS__PROGRAM_DEPTH - 1);
    goss_program *q = goss__program_new(&p->symbols);
    int *number = goss__calloc(g->n_nodes, sizeof *number);
    goss_status s = q && number ? GOSS_OK : no_memory(err);
    if (q) q->depth = p->depth + 1;
    for (uint32_t id = 1; s == GOSS_OK && id < g->n_nodes; id++) s = add_node(q, g, g->nodes[id], number, err);
    for (int i = 0; s == GOSS_OK && i < r->n_yields; i++)
        if (!goss__program_add_output(q, number[r->yield[i]], NULL)) s = no_memory(err);
    goss__free(number);
    if (s == GOSS_OK)
        *out = q;
    else
        goss_program_free(q);
    return s;
}

/* number: the value of each node. */
static goss_status add_node(goss_program *p, const goss_graph *g, const goss__node *n, int *number, goss_error *err) {
    int operands[GOSS__MAX_IN];
    const goss_type type = (goss_type)n->type;
    for (int i = 0; i < n->n_in; i++) {
        if (goss__in(g, n, i)->op->assignment)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "program: %s%s%s reads an assignment, which is not a value: read the assigned value",
                                  n->scope, n->scope[0] ? ": " : "", n->op->name);
        operands[i] = number[n->in[i]];
    }
    number[n->id] = p->n_values;
    goss_program *region = NULL;
    goss__scan_result_attr result;
    if (n->region) GOSS_TRY(make_region(p, n->region, &region, err));
    if (n->op == &goss__op_scan_result) {
        result = *GOSS__ATTR(n, scan_result);
        result.index -= result.kind != GOSS__SCAN_LAST; /* an index of a node becomes that of its value */
    }
    const goss__operation_proto o = {.op = n->op,
                                     .attr = n->op == &goss__op_scan_result ? &result : n->attr,
                                     .name = n->name,
                                     .scope = n->scope,
                                     .n_regions = region != NULL,
                                     .regions = &region,
                                     .n_operands = n->n_in,
                                     .operands = operands,
                                     .n_results = n->op->assignment ? 0 : 1,
                                     .types = &type,
                                     .shapes = &n->shape};
    return goss__program_add(p, &o) ? GOSS_OK : no_memory(err);
}

static goss_status fill(goss_program *p, const goss_graph *g, const uint32_t *list, uint32_t n, int *number,
                        goss_error *err) {
    for (uint32_t k = 0; k < n; k++) GOSS_TRY(add_node(p, g, g->nodes[list[k]], number, err));
    return GOSS_OK;
}

static goss_status name_outputs(goss_program *p, const goss_val *outputs, const char *const *names, int n,
                                const int *number, goss_error *err) {
    for (int i = 0; i < n; i++) {
        const char *name = names ? names[i] : NULL;
        if (name && !name[0]) return goss_error_set(err, GOSS_E_ARGUMENT, "program: output %d has an empty name", i);
        if (!goss__program_add_output(p, number[outputs[i].id], name)) return no_memory(err);
        const int first = goss_program_find_output(p, goss_program_output_name(p, i));
        if (first != i)
            return goss_error_set(err, GOSS_E_ARGUMENT, "program: outputs %d and %d are both named %s", first, i,
                                  goss_program_output_name(p, i));
    }
    return GOSS_OK;
}

goss_status goss__program_check(const goss_graph *g, const goss_val *outputs, int n_outputs, const goss_val *updates,
                                int n_updates, goss_error *err) {
    GOSS_TRY(goss_graph_status(g, err));
    GOSS_TRY(check_outputs(g, outputs, n_outputs, err));
    return check_updates(g, updates, n_updates, err);
}

goss_status goss__program_of(const goss_graph *g, const uint32_t *list, uint32_t n, const goss_val *outputs,
                             const char *const *names, int n_outputs, goss_program **out, goss_error *err) {
    goss_program *p = goss__program_new(&g->symbols);
    int *number = goss__calloc(g->n_nodes, sizeof *number);
    goss_status s = GOSS_E_NOMEM;
    *out = NULL;
    if (p && number) {
        s = fill(p, g, list, n, number, err);
        if (s == GOSS_OK) s = name_outputs(p, outputs, names, n_outputs, number, err);
        if (s == GOSS_OK) s = goss__program_join(&p, err);
    } else {
        (void)no_memory(err);
    }
    goss__free(number);
    if (s == GOSS_OK)
        *out = p;
    else
        goss_program_free(p);
    return s;
}

goss_status goss_program_create(const goss_graph *g, const goss_val *outputs, const char *const *names, int n_outputs,
                                const goss_val *updates, int n_updates, goss_program **out, goss_error *err) {
    *out = NULL;
    GOSS_TRY(goss__program_check(g, outputs, n_outputs, updates, n_updates, err));
    uint32_t *list = goss__calloc(g->n_nodes, sizeof *list);
    if (!list) return no_memory(err);
    const uint32_t n = list_needed(g, outputs, n_outputs, updates, n_updates, list);
    const goss_status s = goss__program_of(g, list, n, outputs, names, n_outputs, out, err);
    goss__free(list);
    return s;
}

/* ---- to a graph ---- */

static bool add_symbols(goss_graph *g, const goss__symbols *symbols) {
    g->symbols = (goss__symbols){0};
    for (int i = 0; i < symbols->n; i++) goss_symbol(g, symbols->symbol[i].name, symbols->symbol[i].maximum);
    return g->error.status == GOSS_OK;
}

static bool add_operations(goss_graph *g, const goss_program *p, goss_val *values, goss_val *updates);

/* The body of a scan; arguments are its first nodes, like the region's first values. values: the node of each. */
static const goss__region *add_region(goss_graph *g, const goss_program *q, const goss__scan_attr *a,
                                      goss_val **values) {
    uint32_t next[GOSS__MAX_IN];
    goss_graph *body = goss__region_open(g);
    *values = goss__arena_alloc(&goss__root_of(g)->arena, ((size_t)q->n_values + 1) * sizeof **values);
    if (!body || !*values || !add_operations(body, q, *values, NULL)) return NULL;
    for (int i = 0; i < (int)a->carries; i++) next[i] = (*values)[q->outputs.at[i].value].id;
    return goss__region_close(body, goss__loop_arguments(a), next, (int)a->carries);
}

/* A selector for each result. inside: the nodes of a region's values. */
static bool add_results(const goss__operation *o, goss_val node, const goss_val *operands, const goss_val *inside,
                        const goss_program *p, goss_val *values) {
    goss_val in[GOSS__MAX_IN + 1];
    const int repeated = o->op->results->repeats_operands ? o->shown.n_operands : 0;
    for (int i = 0; i < repeated; i++) in[i] = operands[i];
    in[repeated] = node;
    for (int k = 0; k < o->shown.n_results; k++) {
        const goss_program_value *result = &p->values[o->shown.first_result + k];
        goss__selector s;
        goss__selector_of(o, k, &s);
        if (s.loop.kind != GOSS__SCAN_LAST) s.loop.index = inside[s.loop.index].id;
        const goss__proto proto = {
            .op = s.op, .type = result->type, .shape = result->shape, .n_in = repeated + 1, .in = in, .attr = s.attr};
        const goss_val v = goss__emit(node.graph, &proto);
        if (!goss_valid(v)) return false;
        values[o->shown.first_result + k] = v;
    }
    return true;
}

/* The node of an operation with several results, and them. */
static bool add_several(goss_graph *g, const goss_program *p, const goss__operation *o, goss__proto *proto,
                        goss_val *values) {
    goss_val *inside = NULL;
    goss__scan_attr *loop = NULL;
    proto->type = GOSS_REAL;
    goss__result_shape(p, o, -1, &proto->shape);
    if (o->op == &goss__op_scan) {
        proto->attr = loop = goss__calloc(1, sizeof *loop);
        if (!loop) return false;
        *loop = *GOSS__ATTR(o, scan);
        loop->y_axis = loop->y_join = (goss__byte_list){0}; /* the selectors say that */
        proto->region = add_region(g, o->shown.regions[0], loop, &inside);
    }
    const bool body = !loop || proto->region;
    const goss_val node = body ? goss__emit(g, proto) : (goss_val){g, 0};
    goss__free(loop);
    return goss_valid(node) && add_results(o, node, proto->in, inside, p, values);
}

/* Adds an operation's node or nodes; false: out of memory. */
static bool add_operation(goss_graph *g, const goss_program *p, int operation, goss_val *values, goss_val *update) {
    goss_val in[GOSS__MAX_IN];
    const goss__operation *o = &p->operations[operation];
    for (int i = 0; i < o->shown.n_operands; i++) in[i] = values[o->shown.operands[i]];
    goss__proto proto = {.op = o->op, .n_in = o->shown.n_operands, .in = in, .attr = o->attr, .name = o->shown.name};
    if (o->op->results) return add_several(g, p, o, &proto, values);
    const goss_program_value *like = goss__operation_like(p, o);
    proto.type = like->type, proto.shape = like->shape;
    const goss_val v = goss__emit(g, &proto);
    *(o->shown.n_results ? &values[o->shown.first_result] : update) = v;
    return goss_valid(v);
}

/* Random streams are named by scope and the ordinal of the draw; new draws continue behind it. */
static void skip_ordinal(goss_graph *g, const char *name) {
    const char *number = name ? strrchr(name, '#') : NULL;
    uint32_t ordinal = 0;
    for (number += number != NULL; number && *number >= '0' && *number <= '9'; number++)
        if (__builtin_mul_overflow(ordinal, 10u, &ordinal) ||
            __builtin_add_overflow(ordinal, (uint32_t)(*number - '0'), &ordinal))
            return; /* not an ordinal of a graph */
    if (ordinal >= g->random_ordinal && ordinal < UINT32_MAX) g->random_ordinal = ordinal + 1;
}

static bool set_scope(goss_graph *g, const char *scope) {
    if (strcmp(g->scope, scope) == 0) return true;
    const char *own = goss__arena_strdup(&goss__root_of(g)->arena, scope);
    if (own) g->scope = own;
    return own != NULL;
}

static bool add_operations(goss_graph *g, const goss_program *p, goss_val *values, goss_val *updates) {
    const char *top = g->scope;
    bool ok = true;
    for (int i = 0; i < p->n_operations && ok; i++) {
        const goss__operation *o = &p->operations[i];
        ok = set_scope(g, o->shown.scope) && add_operation(g, p, i, values, updates);
        if (o->op->assignment) updates++;
        if (o->op != &goss__op_input && o->op != &goss__op_param) skip_ordinal(g, o->shown.name);
    }
    g->scope = top;
    return ok;
}

goss_status goss__program_graph(const goss_program *p, const char *disable, goss_graph **out, goss_val *values,
                                goss_val *updates, goss_error *err) {
    *out = NULL;
    goss_graph *g = goss_graph_new();
    goss_val *v = values ? values : goss__calloc((size_t)p->n_values + 1, sizeof *v);
    goss_val *u = updates ? updates : goss__calloc((size_t)p->n_updates + 1, sizeof *u);
    const bool ok =
        g && v && u && goss__graph_switch_off(g, disable) && add_symbols(g, &p->symbols) && add_operations(g, p, v, u);
    if (v != values) goss__free(v);
    if (u != updates) goss__free(u);
    if (ok) {
        *out = g;
        return GOSS_OK;
    }
    goss_graph_free(g); /* a verified program is valid: only memory can be exhausted */
    return no_memory(err);
}

goss_status goss_program_graph(const goss_program *p, goss_graph **out, goss_val *values, goss_val *updates,
                               goss_error *err) {
    return goss__program_graph(p, NULL, out, values, updates, err);
}
