/* SPDX-License-Identifier: Apache-2.0 */
/* region.h: the body of a loop: a graph inside a graph.
 *
 * A body is a graph of its own: its values cannot be mixed with others by mistake, and everything that works on graphs
 * works on it. It shares the root's table of symbols. Finished bodies are regions: compacted (arguments first, then
 * what the yields and stacked values need), immutable, owned by the root, and equal ones are one, so that nodes are
 * compared by the region's address. */
#ifndef GOSS_GRAPH_REGION_H
#define GOSS_GRAPH_REGION_H

#include "graph/node.h"

/* Memo of src/rewrite, outside gradients and in them: what a region becomes, and each of its nodes in there. */
typedef struct goss__region_memo {
    const struct goss__region *to[2];
    const uint32_t *image[2];
} goss__region_memo;

typedef struct goss__region {
    goss_graph *body; /* nodes 1 .. n_args are the arguments */
    int n_args, n_yields;
    const uint32_t *yield; /* nodes: what is handed to the next step, one for each carry */
    uint64_t hash;
    struct goss__region *next;
    goss__region_memo *memo;
} goss__region;

static inline goss_graph *goss__root_of(goss_graph *g) { return g && g->root ? g->root : g; }

/* An empty body inside `outer`, owned by its root. NULL: out of memory, recorded in outer. */
goss_graph *goss__region_open(goss_graph *outer);
/* Frees a body that was not closed. */
void goss__region_drop(goss_graph *body);
/* The region of that body: the equal one that exists (body is dropped), else body's own. NULL: out of memory. */
const goss__region *goss__region_close(goss_graph *body, int n_args, const uint32_t *yield, int n_yields);
/* Brings a body's table of symbols up to the root's. */
static inline void goss__region_symbols(goss_graph *body) {
    if (body->symbols.n != body->root->symbols.n) body->symbols = body->root->symbols;
}
/* Node n of another graph of the same root with operands map[n->in[i]], as it stands: no builder is asked. */
goss_val goss__copy_node(goss_graph *to, const goss__node *n, const goss_val *map);
/* Argument `index` of a body: its first nodes, in order. */
typedef struct goss__arg_attr {
    int64_t index;
} goss__arg_attr;
extern const goss__attrs goss__arg_attrs;
goss_val goss__region_arg(goss_graph *body, int i, goss_type type, goss_shape shape);
extern const goss__op goss__op_arg;
#endif
