/* SPDX-License-Identifier: Apache-2.0 */
/* node.h: what a node is, and the one door (emit) by which nodes enter a graph.
 *
 * Nodes live in arena blocks and never move or change; ids are topological order; equal nodes are one node. */
#ifndef GOSS_GRAPH_NODE_H
#define GOSS_GRAPH_NODE_H

#include "base/arena.h"
#include "gossamer/graph.h"
#include "graph/op.h"

struct goss__node {
    const goss__op *op;
    uint32_t id;
    uint8_t type; /* goss_type */
    uint8_t n_attr;
    uint16_t n_in;
    const uint32_t *in;  /* ids */
    const int64_t *attr; /* meaning is the op's */
    const char *name;    /* inputs, parameters, random streams; else NULL */
    const char *scope;   /* "target / fc1", "" at the top */
    goss_shape shape;
    uint64_t hash;
    uint32_t next; /* chain of the hash table */
};

#define GOSS__GRAPH_SYMBOLS 32 /* of a graph */
typedef struct goss__symbol {
    const char *name;
    int64_t maximum;
} goss__symbol;

struct goss_graph {
    goss__arena arena;
    goss__node **nodes; /* by id; nodes[0] is the invalid one */
    uint32_t n_nodes, capacity;
    uint32_t *buckets, n_buckets;
    goss__symbol symbols[GOSS__GRAPH_SYMBOLS]; /* symbol i has byte i + 1 in an extent */
    int n_symbols;
    const char *scope; /* arena string */
    const char *scope_stack[32];
    int scope_depth;
    uint32_t random_ordinal; /* so that equal draws stay two draws */
    int differentiating;     /* goss_grad calls that are at work */
    bool plain;              /* builders emit what was asked for, unsimplified (GOSSAMER_DISABLE=rewrite) */
    goss_error error;
};

/* What a builder asks for; emit copies all of it. */
typedef struct goss__proto {
    const goss__op *op;
    goss_type type;
    goss_shape shape;
    int n_in;
    const goss_val *in;
    int n_attr;
    const int64_t *attr;
    const char *name;
} goss__proto;

/* The node of that description: the equal one that exists, else a new one. Invalid when an operand is invalid or of
 * another graph. */
goss_val goss__emit(goss_graph *g, const goss__proto *p);
static inline const goss__node *goss__node_of(goss_val v) { return v.graph->nodes[v.id]; }
static inline const goss__node *goss__in(const goss_graph *g, const goss__node *n, int i) { return g->nodes[n->in[i]]; }
static inline goss_val goss__val(goss_graph *g, uint32_t id) { return (goss_val){g, id}; }
/* The graph of the first operand that has one (an invalid value still knows its graph). */
goss_graph *goss__graph_of(const goss_val *v, int n);
/* True when all are valid values of one graph; records an error when graphs differ. */
bool goss__all_valid(const goss_val *v, int n);

/* ---- extents and shapes ---- */
/* a / b when b divides a as a monomial. */
bool goss__extent_div(goss_extent a, goss_extent b, goss_extent *out);
/* The product of dims [from, to). */
goss_extent goss__shape_product(const goss_shape *s, int from, int to);
/* Value at given symbol counts (counts[i] of symbol i), at most the maxima; e: a product of extents of one node's
 * shape. */
int64_t goss__extent_eval(goss_extent e, const int64_t *counts);
/* The same for any e and counts; false where there is no such number. */
bool goss__extent_try(goss_extent e, const int64_t *counts, int64_t *out);
/* The same at the planned maxima of g's symbols. */
bool goss__extent_most(const goss_graph *g, goss_extent e, int64_t *out);
/* Elements of a tensor at the planned maxima: whatever they are multiplied with on the way to bytes, 63 bits hold it.
 */
#define GOSS__MOST_ELEMENTS ((int64_t)1 << 44)
/* A shape has a rank of 0 to 8, extents of at least 1, and no more elements than that; else a sticky error. */
bool goss__shape_ok(goss_graph *g, const char *op, const goss_shape *s);
/* "[T,25,64]" into a buffer; returns it. */
const char *goss__shape_text(const goss_graph *g, const goss_shape *s, char *buf, size_t size);
#define GOSS__SHAPE_TEXT 256
#endif
