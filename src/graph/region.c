/* SPDX-License-Identifier: Apache-2.0 */
/* region.c: bodies of loops: their life, and how equal ones become one. */
#include "graph/region.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

goss_graph *goss__region_open(goss_graph *outer) {
    goss_graph *root = goss__root_of(outer), *body = goss_graph_new();
    if (!body) {
        goss_graph_fail(outer, GOSS_E_NOMEM, "out of memory for a scan's body");
        return NULL;
    }
    body->root = root;
    body->folds = root->folds, body->disabled = root->disabled;
    body->differentiating = outer->differentiating;
    body->scope = outer->scope;
    body->next_body = root->bodies, root->bodies = body;
    goss__region_symbols(body);
    return body;
}

void goss__region_drop(goss_graph *body) {
    if (!body) return;
    goss_graph **at = &body->root->bodies;
    while (*at != body) at = &(*at)->next_body;
    *at = body->next_body;
    goss_graph_free(body);
}

static uint64_t region_hash(const goss_graph *body, const uint32_t *yield, int n_yields) {
    uint64_t h = goss__hash64(yield, (size_t)n_yields * sizeof *yield, body->n_nodes);
    for (uint32_t id = 1; id < body->n_nodes; id++) h = goss__hash64(&body->nodes[id]->hash, sizeof h, h);
    return h;
}

/* Both are of one root: symbols and nested regions are the same ones. */
static bool same_node(const goss__node *a, const goss__node *b) {
    if (a->op != b->op || a->type != b->type || a->n_in != b->n_in || a->region != b->region) return false;
    return goss_shape_equal(a->shape, b->shape) && memcmp(a->in, b->in, a->n_in * sizeof *a->in) == 0 &&
           (!a->op->attrs || memcmp(a->attr, b->attr, a->op->attrs->size) == 0);
}

static bool same_body(const goss__region *r, const goss_graph *body, int n_args, const uint32_t *yield, int n_yields) {
    if (r->n_args != n_args || r->n_yields != n_yields || r->body->n_nodes != body->n_nodes) return false;
    if (memcmp(r->yield, yield, (size_t)n_yields * sizeof *yield) != 0) return false;
    for (uint32_t id = 1; id < body->n_nodes; id++)
        if (!same_node(r->body->nodes[id], body->nodes[id])) return false;
    return true;
}

const goss__region *goss__region_close(goss_graph *body, int n_args, const uint32_t *yield, int n_yields) {
    goss_graph *root = body->root;
    const uint64_t hash = region_hash(body, yield, n_yields);
    for (const goss__region *r = root->regions; r; r = r->next)
        if (r->hash == hash && same_body(r, body, n_args, yield, n_yields)) {
            goss__region_drop(body);
            return r;
        }
    goss__region *r = goss__arena_alloc(&root->arena, sizeof *r);
    uint32_t *copy = goss__arena_alloc(&root->arena, ((size_t)n_yields + 1) * sizeof *copy);
    goss__region_memo *memo = goss__arena_alloc(&root->arena, sizeof *memo);
    if (!r || !copy || !memo) return NULL;
    if (n_yields) memcpy(copy, yield, (size_t)n_yields * sizeof *copy);
    *r = (goss__region){body, n_args, n_yields, copy, hash, root->regions, memo};
    root->regions = r;
    return r;
}

goss_val goss__copy_node(goss_graph *to, const goss__node *n, const goss_val *map) {
    goss_val in[GOSS__MAX_IN];
    for (int i = 0; i < n->n_in; i++) in[i] = map[n->in[i]];
    goss__proto p = {.op = n->op,
                     .type = (goss_type)n->type,
                     .shape = n->shape,
                     .n_in = n->n_in,
                     .in = in,
                     .attr = n->attr,
                     .name = n->name,
                     .region = n->region};
    const char *scope = to->scope;
    to->scope = n->scope; /* of the same root's arena, or of a body's that lives as long */
    const goss_val v = goss__emit(to, &p);
    to->scope = scope;
    return v;
}

goss_val goss__region_arg(goss_graph *body, int i, goss_type type, goss_shape shape) {
    const goss__arg_attr attr = {i};
    const goss__proto p = {.op = &goss__op_arg, .type = type, .shape = shape, .attr = &attr};
    return goss__emit(body, &p);
}
