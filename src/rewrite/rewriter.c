/* SPDX-License-Identifier: Apache-2.0 */
/* rewriter.c: the rewriting engine: rebuilds nodes in building order, each on its rewritten operands, and applies rules
 * to the result until none matches. A node to which no rule applies, on such operands, is normal. */
#include "rewrite/rewriter.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ops/ops.h"

/* Bound of nested rewrites: rules that undo each other would loop. The result is correct, if not the cheapest. */
enum { MOST_DEPTH = 200 };

static uint32_t *memo(goss_graph *g, uint32_t id) { return &g->nodes[id]->rewritten[g->differentiating > 0]; }

goss_val goss__stay(goss_val v) {
    goss__node *n = v.graph->nodes[v.id];
    if (!n->normal) {
        /* Created for an earlier node, it may have operands that became normal later. */
        const uint32_t least = goss__order_of_operands(v.graph, n);
        n->stamp = ++v.graph->stamps;
        if (n->order < least) n->order = least;
    }
    n->normal = true;
    n->rewritten[0] = n->rewritten[1] = v.id;
    return v;
}

static bool has_normal_operands(const goss_graph *g, const goss__node *n) {
    for (int i = 0; i < n->n_in; i++)
        if (!g->nodes[n->in[i]]->normal) return false;
    return true;
}

/* Applies the first rule that matches v, whose operands are normal. */
static bool apply_a_rule(goss_val v, goss_val *out) {
    v.graph->normal_form = goss__rewrite;
    for (int i = 0; i < GOSS__RULE_COUNT; i++)
        if (goss__rules[i].apply && goss__rule_is_on(v.graph, (goss__rule_id)i) && goss__rules[i].apply(v, out))
            return true;
    return false;
}

static goss_val rewrite(goss_val v, int depth);

/* Rewrites v, just built on normal operands, until no rule applies. */
static goss_val settle(goss_val v, int depth) {
    if (!goss_valid(v)) return v;
    goss__node *n = v.graph->nodes[v.id];
    if (!n->barrier && *memo(v.graph, v.id)) return goss__val(v.graph, *memo(v.graph, v.id));
    if (!has_normal_operands(v.graph, n)) return rewrite(v, depth); /* folding has built more than one node */
    goss_val out;
    if (n->barrier || depth >= MOST_DEPTH || !apply_a_rule(v, &out)) return goss__stay(v);
    out = rewrite(out, depth + 1);
    *memo(v.graph, v.id) = out.id;
    return out;
}

/* Rewrites the loop parts of a node's description: a scan's body, and the value of a result in it. False: out of
 * memory. */
static bool rewrite_loop(goss_graph *g, const goss__node *n, goss__proto *p, goss__scan_result_attr *result) {
    if (n->region && !(p->region = goss__rewrite_region(g, n->region))) return false;
    if (n->op != &goss__op_scan_result) return true;
    const goss__region *was = goss__in(g, n, 0)->region, *is = goss__node_of(p->in[0])->region;
    *result = *GOSS__ATTR(n, scan_result);
    for (int when = 0; result->kind != GOSS__SCAN_LAST && is != was; when++) /* unchanged: the same for both */
        if (was->memo->to[when] == is) {
            result->index = was->memo->image[when][result->index];
            break;
        }
    p->attr = result;
    return true;
}

/* The node on its rewritten operands. */
static goss_val replay(goss_graph *g, uint32_t id, int depth) {
    goss__node *n = g->nodes[id];
    goss_val in[GOSS__MAX_IN], v = goss__val(g, id);
    goss__scan_result_attr result;
    goss__proto p = {.op = n->op,
                     .type = (goss_type)n->type,
                     .shape = n->shape,
                     .n_in = n->n_in,
                     .in = in,
                     .attr = n->attr,
                     .name = n->name,
                     .region = n->region};
    bool same = true;
    for (int i = 0; i < n->n_in; i++) {
        in[i] = goss__val(g, *memo(g, n->in[i]));
        same &= in[i].id == n->in[i];
    }
    if (n->region || n->op->is_result) {
        if (!rewrite_loop(g, n, &p, &result)) return (goss_val){g, 0};
        same &= p.region == n->region && (p.attr == n->attr || result.index == GOSS__ATTR(n, scan_result)->index);
    }
    if (!same) {
        v = goss__make_proto(&p);
        if (n->barrier && goss_valid(v)) g->nodes[v.id]->barrier = true;
    }
    v = settle(v, depth);
    *memo(g, id) = v.id;
    return v;
}

/* ---- nodes to rebuild ---- */

/* Nodes without a memo, as ids. */
typedef struct work {
    uint32_t few[32], *id, n, capacity;
} work;

static bool push(work *w, goss_graph *g, uint32_t id) {
    if (g->nodes[id]->seen == g->traversal || *memo(g, id)) return true;
    if (w->n == w->capacity) {
        uint32_t *grown = goss__realloc(w->id == w->few ? NULL : w->id, 2 * (size_t)w->capacity * sizeof *grown);
        if (!grown) return false;
        if (w->id == w->few) memcpy(grown, w->few, sizeof w->few);
        w->id = grown, w->capacity *= 2;
    }
    g->nodes[id]->seen = g->traversal;
    w->id[w->n++] = id;
    return true;
}

static bool collect(work *w, goss_val v) {
    goss_graph *g = v.graph;
    g->traversal++;
    bool ok = push(w, g, v.id);
    for (uint32_t at = 0; at < w->n && ok; at++) {
        const goss__node *n = g->nodes[w->id[at]];
        for (int i = 0; i < n->n_in && ok; i++) ok = push(w, g, n->in[i]);
    }
    return ok;
}

static int by_id(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* In the order of ids, operands first; each in the scope and at the building position of its node. */
static void replay_all(goss_graph *g, const work *w, int depth) {
    const char *scope = g->scope;
    const uint32_t replaying = g->replaying;
    for (uint32_t i = 0; i < w->n; i++) {
        const goss__node *n = g->nodes[w->id[i]];
        g->scope = n->scope;
        if (!replaying) g->replaying = n->order;
        if (!goss_valid(replay(g, w->id[i], depth))) break;
        g->replaying = replaying;
    }
    g->scope = scope, g->replaying = replaying;
}

static goss_val rewrite(goss_val v, int depth) {
    if (!goss_valid(v)) return v;
    goss_graph *g = v.graph;
    if (!*memo(g, v.id)) {
        work w = {.id = w.few, .capacity = sizeof w.few / sizeof *w.few};
        if (collect(&w, v)) {
            qsort(w.id, w.n, sizeof *w.id, by_id);
            replay_all(g, &w, depth);
        } else {
            goss_graph_fail(g, GOSS_E_NOMEM, "out of memory");
        }
        if (w.id != w.few) goss__free(w.id);
    }
    return goss__val(g, *memo(g, v.id));
}

goss_val goss__rewrite(goss_val v) { return rewrite(v, 0); }

void goss__rewrite_values(goss_graph *g, goss_val *v, int n) {
    for (int i = 0; i < n; i++) v[i] = goss__rewrite(v[i]);
}

/* ---- barriers ---- */

/* Earlier rewrites may have looked behind v. */
static void forget_readers(goss_val v) {
    for (uint32_t id = v.id; id < v.graph->n_nodes; id++) {
        goss__node *later = v.graph->nodes[id];
        if (!later->normal) later->rewritten[0] = later->rewritten[1] = 0;
    }
}

static bool set_barrier(goss_val v) {
    goss__node *n = v.graph->nodes[v.id];
    if (n->barrier) return false;
    n->barrier = true;
    forget_readers(v);
    return true;
}

goss_val goss__rewrite_variable(goss_val v) {
    const goss__node *n = goss__node_of(v);
    if (n->n_in == 0 || n->op == &goss__op_variable) return goss__rewrite(v); /* rules never look behind these */
    const bool fresh = set_barrier(v);
    const goss_val out = goss__rewrite(v);
    if (fresh && goss_valid(out) && out.id != v.id) forget_readers(out);
    return out;
}

/* ---- bodies of loops ---- A body is copied into an open one, all of its values are rewritten there, and the results
 * are closed: equal regions are shared, so that a normal body becomes itself. */

typedef struct bodies {
    const goss__region *from;
    goss_graph *open, *to;
    goss_val *map;   /* of each node of `from`: its copy, then the rewritten one */
    goss_val *place; /* of each node of `open` that is an image: its node in `to` */
} bodies;

static bool rewrite_all(bodies *b) {
    const goss_graph *from = b->from->body;
    for (uint32_t id = 1; id < from->n_nodes; id++) b->map[id] = goss__copy_node(b->open, from->nodes[id], b->map);
    for (uint32_t id = 1; id < from->n_nodes; id++) b->map[id] = goss__rewrite(b->map[id]);
    return goss_graph_status(b->open, NULL) == GOSS_OK;
}

/* Images and the nodes they need, in order of creation: arguments first. */
static void close_all(bodies *b) {
    for (uint32_t id = 1; id < b->from->body->n_nodes; id++) b->place[b->map[id].id] = b->map[id];
    for (uint32_t id = b->open->n_nodes; id-- > 1;) {
        const goss__node *n = b->open->nodes[id];
        for (int i = 0; b->place[id].id && i < n->n_in; i++) b->place[n->in[i]] = goss__val(b->open, n->in[i]);
    }
    for (uint32_t id = 1; id < b->open->n_nodes; id++)
        if (b->place[id].id) b->place[id] = goss__copy_node(b->to, b->open->nodes[id], b->place);
}

static const goss__region *keep(bodies *b, uint32_t *image, int when) {
    const goss__region *r = b->from;
    uint32_t yield[GOSS__MAX_IN];
    for (uint32_t id = 1; id < r->body->n_nodes; id++) image[id] = b->place[b->map[id].id].id;
    for (int i = 0; i < r->n_yields; i++) yield[i] = image[r->yield[i]];
    const goss__region *to = goss__region_close(b->to, r->n_args, yield, r->n_yields);
    if (!to) return NULL;
    b->to = NULL;
    r->memo->to[when] = to, r->memo->image[when] = image;
    return to;
}

const goss__region *goss__rewrite_region(goss_graph *g, const goss__region *r) {
    const int when = g->differentiating > 0;
    if (r->memo->to[when]) return r->memo->to[when];
    goss_graph *root = goss__root_of(g);
    const size_t n = r->body->n_nodes;
    uint32_t *image = goss__arena_alloc(&root->arena, n * sizeof *image);
    bodies b = {.from = r, .open = goss__region_open(g), .to = goss__region_open(g)};
    b.map = b.open ? goss__arena_alloc(&b.open->arena, n * sizeof *b.map) : NULL;
    bool ok = image && b.map && b.to && rewrite_all(&b);
    b.place = ok ? goss__arena_alloc(&b.open->arena, b.open->n_nodes * sizeof *b.place) : NULL;
    ok = ok && b.place;
    if (ok) close_all(&b);
    const goss__region *to = ok && goss_graph_status(b.to, NULL) == GOSS_OK ? keep(&b, image, when) : NULL;
    if (!to) goss_graph_fail(g, GOSS_E_NOMEM, "out of memory for a scan's body");
    goss__region_drop(b.to);
    goss__region_drop(b.open);
    return to;
}
