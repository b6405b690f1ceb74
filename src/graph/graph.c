/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c: creating graphs, their symbols, scopes and sticky error, and emit.
 *
 * emit is the only way to add a node: it hashes the description, returns the equal node if there is one, and appends
 * otherwise. A graph thus has no two equal nodes, ids are in topological order, and nodes never change or move. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/rng.h"
#include "graph/region.h"

bool goss__graph_switch_off(goss_graph *g, const char *names) {
    if (names) {
        g->disabled = g->disabled ? goss__arena_printf(&g->arena, "%s,%s", g->disabled, names)
                                  : goss__arena_strdup(&g->arena, names);
        if (!g->disabled) return false;
    }
    g->folds = !goss__is_listed(g->disabled, "rewrite") && !goss__is_listed(g->disabled, "fold");
    return true;
}

goss_graph *goss_graph_new(void) {
    goss_graph *g = goss__calloc(1, sizeof *g);
    if (!g) return NULL;
    g->capacity = 256;
    g->n_buckets = 512;
    g->nodes = goss__calloc(g->capacity, sizeof *g->nodes);
    g->buckets = goss__calloc(g->n_buckets, sizeof *g->buckets);
    g->scope = goss__arena_strdup(&g->arena, "");
    if (!g->nodes || !g->buckets || !g->scope) {
        goss_graph_free(g);
        return NULL;
    }
    g->n_nodes = 1;                                     /* id 0 is the invalid value */
    if (!goss__graph_switch_off(g, goss__disabled())) { /* an unknown name is reported when compiling */
        goss_graph_free(g);
        return NULL;
    }
    return g;
}

void goss_graph_free(goss_graph *g) {
    if (!g) return;
    for (goss_graph *body = g->bodies, *next; body; body = next) {
        next = body->next_body;
        goss_graph_free(body);
    }
    goss__arena_free(&g->arena);
    goss__free(g->nodes);
    goss__free(g->buckets);
    goss__free(g->published);
    goss__free(g);
}

goss_status goss_graph_status(const goss_graph *g, goss_error *err) {
    if (g->error.status != GOSS_OK && err) *err = g->error;
    return g->error.status;
}

uint32_t goss_graph_size(const goss_graph *g) { return g->n_nodes - 1; }

goss_val goss_graph_fail(goss_graph *g, goss_status status, const char *fmt, ...) {
    if (g && g->error.status == GOSS_OK) {
        char text[sizeof g->error.text];
        va_list ap;
        va_start(ap, fmt);
        goss__vformat(text, sizeof text, fmt, ap);
        va_end(ap);
        goss_error_set(&g->error, status, "%s%s%s", g->scope, g->scope[0] ? ": " : "", text);
    }
    return (goss_val){g, 0};
}

/* ---- scopes ---- */

void goss_scope_push(goss_graph *g, const char *name) {
    if (g->scope_depth >= (int)(sizeof g->scope_stack / sizeof *g->scope_stack)) {
        goss_graph_fail(g, GOSS_E_ARGUMENT, "scope \"%s\": more than %d nested scopes", name, g->scope_depth);
        g->scope_depth++; /* so that pushes and pops stay balanced */
        return;
    }
    goss__arena *arena = &goss__root_of(g)->arena; /* nodes are copied out of a body and may outlive it */
    const char *path =
        g->scope[0] ? goss__arena_printf(arena, "%s / %s", g->scope, name) : goss__arena_strdup(arena, name);
    g->scope_stack[g->scope_depth++] = g->scope;
    if (path)
        g->scope = path;
    else
        goss_graph_fail(g, GOSS_E_NOMEM, "out of memory");
}

void goss_scope_pop(goss_graph *g) {
    if (g->scope_depth == 0) {
        goss_graph_fail(g, GOSS_E_ARGUMENT, "scope popped without a push");
        return;
    }
    if (--g->scope_depth < (int)(sizeof g->scope_stack / sizeof *g->scope_stack))
        g->scope = g->scope_stack[g->scope_depth];
}

/* ---- symbols ---- */

/* With a single task, work is partitioned over samples, which must be known when compiling. */
static goss_extent symbol_extent(const goss_graph *g, int i) {
    return (goss_extent){1, g->symbols.symbol[i].maximum == 1 ? 0 : (uint64_t)(i + 1)};
}

goss_extent goss_symbol(goss_graph *g, const char *name, int64_t maximum) {
    if (g->root) { /* one table for a graph and its bodies */
        const goss_extent e = goss_symbol(g->root, name, maximum);
        goss__region_symbols(g);
        return e;
    }
    goss__symbols *all = &g->symbols;
    for (int i = 0; i < all->n; i++) {
        if (strcmp(all->symbol[i].name, name) != 0) continue;
        if (maximum != 0 && maximum != all->symbol[i].maximum)
            goss_graph_fail(g, GOSS_E_ARGUMENT, "symbol %s: maximum is %lld, not %lld", name,
                            (long long)all->symbol[i].maximum, (long long)maximum);
        return symbol_extent(g, i);
    }
    if (!goss__symbol_name_ok(name)) {
        goss_graph_fail(g, GOSS_E_ARGUMENT,
                        "symbol \"%s\": a name is a letter or '_' and up to 62 letters, digits, '_' and '.'", name);
        return (goss_extent){1, 0};
    }
    if (maximum < 1 || all->n == GOSS__MAX_SYMBOLS) {
        goss_graph_fail(g, GOSS_E_ARGUMENT, "symbol %s: %s", name,
                        maximum < 1 ? "its maximum must be at least 1" : "more than 32 symbols");
        return (goss_extent){1, 0};
    }
    const char *copy = goss__arena_strdup(&g->arena, name);
    if (!copy) goss_graph_fail(g, GOSS_E_NOMEM, "out of memory");
    all->symbol[all->n].name = copy ? copy : "", all->symbol[all->n].maximum = maximum;
    return symbol_extent(g, all->n++);
}

/* ---- values ---- */

bool goss_valid(goss_val a) { return a.graph && a.id > 0 && a.id < a.graph->n_nodes; }

goss_shape goss_shape_of(goss_val a) { return goss_valid(a) ? goss__node_of(a)->shape : (goss_shape){0}; }

int goss_rank(goss_val a) { return goss_shape_of(a).rank; }

goss_extent goss_dim(goss_val a, int axis) {
    goss_shape s = goss_shape_of(a);
    if (axis < 0) axis += s.rank;
    if (axis >= 0 && axis < s.rank) return s.dim[axis];
    if (goss_valid(a))
        goss_graph_fail(a.graph, GOSS_E_SHAPE, "there is no axis %d in a tensor of rank %d", axis, s.rank);
    return goss_n(1);
}

goss_graph *goss__graph_of(const goss_val *v, int n) {
    for (int i = 0; i < n; i++)
        if (v[i].graph) return v[i].graph;
    return NULL;
}

bool goss__all_valid(const goss_val *v, int n) {
    for (int i = 0; i < n; i++)
        if (!goss_valid(v[i])) {
            /* A value without a graph is a mistake of the caller; an invalid one with a graph follows an earlier
             * error. */
            goss_graph *g = goss__graph_of(v, n);
            if (g && g->error.status == GOSS_OK)
                goss_graph_fail(g, GOSS_E_ARGUMENT, "operand %d is not a value", i + 1);
            return false;
        }
    for (int i = 1; i < n; i++)
        if (v[i].graph != v[0].graph) {
            const bool captured = goss__root_of(v[0].graph) == goss__root_of(v[i].graph);
            goss_graph_fail(v[0].graph, GOSS_E_ARGUMENT,
                            captured ? "an operand from outside a scan's body: pass it in with goss_scan_const"
                                     : "operands of two graphs in one operation");
            return false;
        }
    return true;
}

void goss__site_of(goss__site *s, const goss_graph *g, const goss__node *n) {
    s->op = n->op, s->attr = n->attr, s->type = (goss_type)n->type, s->out = &n->shape, s->n_in = n->n_in;
    s->symbols = &g->symbols;
    for (int i = 0; i < n->n_in; i++) {
        s->in[i] = &goss__in(g, n, i)->shape;
        s->in_type[i] = (goss_type)goss__in(g, n, i)->type;
    }
}

/* ---- emit ---- */

bool goss__extent_ok(goss_graph *g, const char *op, const char *what, goss_extent e) {
    if (g->root) goss__region_symbols(g);
    if (goss__extent_known(&g->symbols, e)) return true;
    if (e.count < 1)
        goss_graph_fail(g, GOSS_E_SHAPE,
                        "%s: %s has no extent: it is below 1, or a product of more than %d symbols or beyond 2^63", op,
                        what, GOSS_MAX_SYMBOLS);
    else if (!goss_extent_valid(e))
        goss_graph_fail(g, GOSS_E_SHAPE,
                        "%s: %s has no extent: its symbols, 0x%llx, are not in the order of goss_extent_mul", op, what,
                        (unsigned long long)e.symbols);
    else
        goss_graph_fail(g, GOSS_E_SHAPE,
                        "%s: %s has no extent: its symbols, 0x%llx, are not among the %d of this graph, or have the "
                        "maximum 1; goss_symbol of the same graph makes them",
                        op, what, (unsigned long long)e.symbols, g->symbols.n);
    return false;
}

bool goss__shape_ok(goss_graph *g, const char *op, const goss_shape *s) {
    char text[GOSS__SHAPE_TEXT];
    int64_t numel;
    if (g->root) goss__region_symbols(g);
    if (s->rank < 0 || s->rank > GOSS_MAX_RANK) {
        goss_graph_fail(g, GOSS_E_SHAPE, "%s: rank %d is not 0 to %d", op, s->rank, GOSS_MAX_RANK);
        return false;
    }
    for (int i = 0; i < s->rank; i++) {
        if (goss__extent_known(&g->symbols, s->dim[i])) continue;
        snprintf(text, sizeof text, "axis %d", i);
        return goss__extent_ok(g, op, text, s->dim[i]);
    }
    const goss_extent all = goss__shape_product(s, 0, s->rank);
    if (!goss_extent_valid(all)) {
        goss_graph_fail(g, GOSS_E_SHAPE,
                        "%s: %s: the number of its elements is a product of more than %d symbols, or beyond 2^63", op,
                        goss__shape_text(&g->symbols, s, text, sizeof text), GOSS_MAX_SYMBOLS);
        return false;
    }
    if (goss__extent_most(&g->symbols, all, &numel) && numel <= GOSS__MOST_ELEMENTS) return true;
    goss_graph_fail(g, GOSS_E_SHAPE, "%s: %s: more than 2^44 elements at the planned maxima", op,
                    goss__shape_text(&g->symbols, s, text, sizeof text));
    return false;
}

static uint64_t proto_hash(const goss__proto *p) {
    uint64_t h = goss__hash64(&p->op, sizeof p->op, (uint64_t)p->type);
    for (int i = 0; i < p->shape.rank; i++) { /* field by field: padding is undefined */
        h = goss__hash64(&p->shape.dim[i].count, sizeof p->shape.dim[i].count, h);
        h = goss__hash64(&p->shape.dim[i].symbols, sizeof p->shape.dim[i].symbols, h);
    }
    for (int i = 0; i < p->n_in; i++) h = goss__hash64(&p->in[i].id, sizeof p->in[i].id, h);
    if (p->op->attrs) h = goss__hash64(p->attr, p->op->attrs->size, h);
    if (p->region) h = goss__hash64(&p->region, sizeof p->region, h); /* equal regions are shared */
    return p->name ? goss__hash64(p->name, strlen(p->name), h) : h;
}

static bool same_name(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static bool node_equals(const goss__node *n, const goss__proto *p) {
    if (n->op != p->op || n->type != p->type || n->n_in != p->n_in) return false;
    if (!goss_shape_equal(n->shape, p->shape) || !same_name(n->name, p->name) || n->region != p->region) return false;
    for (int i = 0; i < p->n_in; i++)
        if (n->in[i] != p->in[i].id) return false;
    return !p->op->attrs || memcmp(n->attr, p->attr, p->op->attrs->size) == 0;
}

static bool grow_nodes(goss_graph *g) {
    if (g->n_nodes < g->capacity) return true;
    goss__node **grown = goss__realloc(g->nodes, 2 * (size_t)g->capacity * sizeof *grown);
    if (!grown) return false;
    g->nodes = grown;
    g->capacity *= 2;
    return true;
}

static bool grow_buckets(goss_graph *g) {
    if (g->n_nodes < g->n_buckets) return true;
    uint32_t n = 2 * g->n_buckets, *fresh = goss__calloc(n, sizeof *fresh);
    if (!fresh) return false;
    for (uint32_t id = 1; id < g->n_nodes; id++) {
        uint32_t *slot = &fresh[g->nodes[id]->hash & (n - 1)];
        g->nodes[id]->next = *slot;
        *slot = id;
    }
    goss__free(g->buckets);
    g->buckets = fresh;
    g->n_buckets = n;
    return true;
}

static void *arena_copy(goss_graph *g, const void *data, size_t size) {
    void *copy = goss__arena_alloc(&g->arena, size);
    if (copy && size) memcpy(copy, data, size);
    return copy;
}

static goss__node *new_node(goss_graph *g, const goss__proto *p, uint64_t hash) {
    goss__node *n = goss__arena_alloc(&g->arena, sizeof *n);
    uint32_t *in = goss__arena_alloc(&g->arena, (size_t)p->n_in * sizeof *in);
    const void *attr = p->op->attrs ? arena_copy(g, p->attr, p->op->attrs->size) : NULL;
    const char *name = p->name ? goss__arena_strdup(&g->arena, p->name) : NULL;
    if (!n || !in || (p->op->attrs && !attr) || (p->name && !name)) return NULL;
    for (int i = 0; i < p->n_in; i++) in[i] = p->in[i].id;
    *n = (goss__node){.op = p->op,
                      .id = g->n_nodes,
                      .order = g->replaying ? g->replaying : g->n_nodes,
                      .stamp = ++g->stamps,
                      .type = (uint8_t)p->type,
                      .n_in = (uint16_t)p->n_in,
                      .in = in,
                      .attr = attr,
                      .name = name,
                      .scope = g->scope,
                      .region = p->region,
                      .hash = hash};
    n->shape.rank = p->shape.rank; /* unused dims stay zero, so that shapes can be compared as bytes */
    memcpy(n->shape.dim, p->shape.dim, (size_t)p->shape.rank * sizeof p->shape.dim[0]);
    return n;
}

/* Whether such a node is allowed in g: a body has no inputs, parameters, assignments or random draws. */
static bool body_admits(goss_graph *g, const goss__proto *p) {
    if (!g->root || (!p->name && (!goss__is_stateful(p->op) || p->op == &goss__op_arg))) return true;
    goss_graph_fail(g, GOSS_E_ARGUMENT,
                    "%s: not in a scan's body: make it outside and pass it in with goss_scan_const%s", p->op->name,
                    goss__is_stateful(p->op) ? "" : ", or draw for all steps and use goss_scan_slice");
    return false;
}

goss_val goss__emit(goss_graph *g, const goss__proto *p) {
    if (!goss__all_valid(p->in, p->n_in)) return (goss_val){g, 0};
    for (int i = 0; i < p->n_in; i++)
        if (p->in[i].graph != g) return goss_graph_fail(g, GOSS_E_ARGUMENT, "%s: operands of two graphs", p->op->name);
    if (!goss__shape_ok(g, p->op->name, &p->shape) || !body_admits(g, p)) return (goss_val){g, 0};
    uint64_t hash = proto_hash(p);
    for (uint32_t id = g->buckets[hash & (g->n_buckets - 1)]; id; id = g->nodes[id]->next) {
        goss__node *found = g->nodes[id];
        if (found->hash != hash || !node_equals(found, p)) continue;
        if (g->replaying) goss__order_earlier(g, found, g->replaying);
        return (goss_val){g, id};
    }
    goss__node *n = grow_nodes(g) && grow_buckets(g) ? new_node(g, p, hash) : NULL;
    if (!n) return goss_graph_fail(g, GOSS_E_NOMEM, "out of memory for a node (%s)", p->op->name);
    uint32_t *slot = &g->buckets[hash & (g->n_buckets - 1)];
    n->next = *slot;
    *slot = n->id;
    g->nodes[g->n_nodes++] = n;
    for (int i = 0; i < n->n_in && !g->replaying; i++) g->nodes[n->in[i]]->readers++;
    return (goss_val){g, n->id};
}
