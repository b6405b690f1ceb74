/* SPDX-License-Identifier: Apache-2.0 */
/* node.h: nodes, and emit, the only way to add one to a graph.
 *
 * Nodes live in arena blocks and never move; their meaning never changes; ids are in topological order; equal nodes are
 * one node. The results of src/rewrite are memoised in the nodes.
 *
 * Rewriting appends nodes long after those that they replace, so that ids do not give the order in which an expression
 * was built. (order, stamp) does: `order` is the id of the originally built node that a node was first created for,
 * `stamp` the time when it was created or, later, became normal. Among normal nodes this is a topological order, which
 * gradients and schedules follow. */
#ifndef GOSS_GRAPH_NODE_H
#define GOSS_GRAPH_NODE_H

#include "base/arena.h"
#include "gossamer/graph.h"
#include "graph/op.h"

typedef struct goss__node {
    const goss__op *op;
    uint32_t id;
    uint8_t type; /* goss_type */
    uint16_t n_in;
    const uint32_t *in;                /* ids */
    const void *attr;                  /* of goss__attr_size(op) bytes: GOSS__ATTR(node, kind); NULL: none */
    const char *name;                  /* inputs, parameters, random streams; else NULL */
    const char *scope;                 /* "target / fc1", "" at the top */
    const struct goss__region *region; /* scan: its body (region.h); else NULL */
    goss_shape shape;
    uint64_t hash;
    uint32_t next;         /* chain of the hash table */
    uint32_t order, stamp; /* position in building order */
    uint32_t rewritten[2]; /* memo of src/rewrite: the replacement outside gradients and in them; 0: none yet */
    uint32_t seen;         /* mark of a traversal */
    uint32_t readers;      /* originally built nodes that read this one, or one replaced by it */
    bool normal;           /* fully rewritten, as are its operands */
    bool barrier;          /* a differentiation variable: rules do not look behind it */
} goss__node;

#define GOSS__RULE_WORDS 4 /* bits for 256 rules */

struct goss_graph {
    goss__arena arena;
    goss__node **nodes; /* by id; nodes[0] is the invalid one */
    uint32_t n_nodes, capacity;
    uint32_t *buckets, n_buckets;
    goss__symbols symbols;
    const char *scope; /* arena string */
    const char *scope_stack[32];
    int scope_depth;
    goss_published_value *published;
    int n_published, published_room;
    uint32_t random_ordinal;              /* distinguishes equal draws */
    int differentiating;                  /* goss_grad calls in progress */
    uint32_t replaying;                   /* order of the node being rewritten; 0: not rewriting */
    uint32_t traversal, stamps;           /* the last mark, and the last stamp */
    const char *disabled;                 /* names of rules that are off, among others; NULL: none */
    bool folds;                           /* builders fold constants and identities */
    goss_val (*normal_form)(goss_val v);  /* the engine of src/rewrite, for its rules; set before it tries them */
    bool rules_read;                      /* rules_off is valid */
    uint64_t rules_off[GOSS__RULE_WORDS]; /* by src/rewrite */
    goss_graph *root;               /* of a body of a loop (region.h): the outermost graph, which owns it; else NULL */
    goss_graph *bodies, *next_body; /* of the root: what it owns */
    struct goss__region *regions;   /* of the root: finished regions, equal ones shared */
    goss_error error;
};

/* The description of a node, copied by emit. */
struct goss__proto {
    const goss__op *op;
    goss_type type;
    goss_shape shape;
    int n_in;
    const goss_val *in;
    const void *attr; /* of goss__attr_size(op) bytes */
    const char *name;
    const struct goss__region *region;
};

/* Adds to the names that an empty graph has switched off (NULL: nothing). False: out of memory. */
bool goss__graph_switch_off(goss_graph *g, const char *names);
/* Checks an extent, `what` of that operation: it is valid, and of symbols of g; else a sticky error. */
bool goss__extent_ok(goss_graph *g, const char *op, const char *what, goss_extent e);
/* Checks a shape: rank 0 to 8, extents of at least 1, at most GOSS__MOST_ELEMENTS elements; else a sticky error. */
bool goss__shape_ok(goss_graph *g, const char *op, const goss_shape *s);
/* The node of that description, existing or new. Invalid if an operand is invalid or of another graph. */
goss_val goss__emit(goss_graph *g, const goss__proto *p);
static inline const goss__node *goss__node_of(goss_val v) { return v.graph->nodes[v.id]; }
static inline const goss__node *goss__in(const goss_graph *g, const goss__node *n, int i) { return g->nodes[n->in[i]]; }
/* The site of a node, for the operation's rules. */
void goss__site_of(goss__site *s, const goss_graph *g, const goss__node *n);
static inline goss_val goss__val(goss_graph *g, uint32_t id) { return (goss_val){g, id}; }
/* The lowest order that a node can have: after its operands. */
static inline uint32_t goss__order_of_operands(const goss_graph *g, const goss__node *n) {
    uint32_t order = 0;
    for (int i = 0; i < n->n_in; i++)
        if (g->nodes[n->in[i]]->order > order) order = g->nodes[n->in[i]]->order;
    return order;
}
/* A node that is rebuilt for an earlier one takes its order, as far as its operands permit. */
static inline void goss__order_earlier(const goss_graph *g, goss__node *n, uint32_t order) {
    const uint32_t least = goss__order_of_operands(g, n);
    if (order < least) order = least;
    if (order < n->order) n->order = order;
}
/* Whether a was built before b, or is b. */
static inline bool goss__in_order(const goss__node *a, const goss__node *b) {
    return a->order < b->order || (a->order == b->order && a->stamp <= b->stamp);
}
/* The nodes that n normal values depend on, operands first, in building order, without ids below `from` and their
 * dependencies (0: all). *count: their number. Owns: the result, goss__free. NULL, with a sticky error: out of
 * memory. */
uint32_t *goss__needed(goss_graph *g, const goss_val *v, int n, uint32_t from, uint32_t *count);
/* The graph of the first operand that has one (an invalid value has its graph). */
goss_graph *goss__graph_of(const goss_val *v, int n);
/* Whether all are valid values of one graph; records an error if graphs differ. */
bool goss__all_valid(const goss_val *v, int n);
#endif
