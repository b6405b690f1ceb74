/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite_region.c: rules inside the bodies of loops. A body is copied into an open one, all of its values are
 * rewritten there, and what they become is closed again: equal regions are one, so a normal body becomes itself. */
#include "ops/ops.h"
#include "rewrite/rewriter.h"

typedef struct bodies {
    const goss__region *from;
    goss_graph *open, *to;
    goss_val *map;   /* of each node of `from`: its copy, then what that becomes */
    goss_val *place; /* of each node of `open` that is some image: its place in `to` */
} bodies;

static bool rewrite_all(bodies *b) {
    const goss_graph *from = b->from->body;
    for (uint32_t id = 1; id < from->n_nodes; id++) b->map[id] = goss__copy_node(b->open, from->nodes[id], b->map);
    for (uint32_t id = 1; id < from->n_nodes; id++) b->map[id] = goss__rewrite(b->map[id]);
    return goss_graph_status(b->open, NULL) == GOSS_OK;
}

/* Images and what they need, in the order in which they were made: arguments are the first. */
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
