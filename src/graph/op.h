/* SPDX-License-Identifier: Apache-2.0 */
/* op.h: what an operation is: one descriptor, in one file of src/ops.
 *
 * It tells four things: its gradient in terms of public builders (vjp), how it behaves when leading axes are cut into
 * slices (slice), how much scratch it wants, and how it runs on dense arrays in f32 and f64. Shapes are checked by its
 * builder before the node exists. */
#ifndef GOSS_GRAPH_OP_H
#define GOSS_GRAPH_OP_H

#include "base/disable.h"
#include "gossamer/graph.h"
#include "kernel/kernel.h"

typedef struct goss__node goss__node;

/* ---- slicing ----
 * A phase of the schedule has one parallel axis: L items (an extent, e.g. T or T*N). A dense tensor is *cut* by L when
 * the product of some prefix of its dims is a multiple of L: item i is then one contiguous block of numel / L elements.
 * An op says, for a given L, how its operands must be given so that it can compute one slice of items by itself. */
typedef enum goss__cut {
    GOSS__WHOLE, /* this operand is needed whole and has none of the items' axis */
    GOSS__CUT    /* this operand is cut by L as the output is: item i needs slice i */
} goss__cut;

typedef enum goss__slicing {
    GOSS__NO_SLICES, /* the op can not run in slices of L */
    GOSS__LOCAL,     /* output is cut by L too */
    GOSS__PARTIAL    /* slices give addends of the whole output: reduction slots are summed afterwards */
} goss__slicing;

/* The number p of leading dims whose product L divides such that L is a multiple of the product of the first p-1, with
 * the quotient of dim p-1 left in *rest (so a slice of k items has dims 1, ..., 1, k * rest, dims[p..])); 0 = not cut
 * by L. Trailing dims 1 right behind are not counted in. L = 1 gives 0. */
int goss__cut_prefix(const goss_shape *s, goss_extent L, goss_extent *rest);

/* ---- running ----
 * Tensors at run time: resolved dims and element strides. Dense row-major, except operands of an op with `views`, whose
 * strides may be 0 on broadcast axes. */
typedef struct goss__tensor {
    int rank;
    int64_t dim[GOSS_MAX_RANK];
    int64_t stride[GOSS_MAX_RANK];
    int64_t numel;
} goss__tensor;

#define GOSS__MAX_IN 64
/* Resolved shapes of one call: the output first. Constant between runs with equal symbol counts. */
typedef struct goss__shapes {
    const int64_t *attr; /* the node's */
    int n_in;
    const goss__tensor *out;
    const goss__tensor *in; /* n_in of them */
    goss__passes off;       /* of the program */
    void *plan;             /* what the op's `plan` made of them; NULL where it has none */
} goss__shapes;

typedef struct goss__call {
    const goss__shapes *shapes;
    const goss__kernels *kernels;
    void *out;
    const void *const *in;
    void *scratch;         /* 64-byte aligned, of the size `scratch` told */
    int64_t first_element; /* index of out[0] in the whole output (0 unless cut) */
    int part, parts;       /* ops with `parts`: which share of the output to compute; else 0, 1 */
    uint64_t seed, step;   /* of the run */
    const char *name;      /* the node's name (random streams) */
    int *bad_index;        /* set to 1 by an op that met an index outside its table */
} goss__call;

typedef void (*goss__run_fn)(const goss__call *c);

typedef struct goss__op {
    const char *name;
    bool no_gradient; /* declared constant almost everywhere, or integer */
    bool views;       /* operands may come as broadcast views (strides 0) */
    bool alias; /* output is operand 0's memory under another shape (reshape, detach; slice where `alias_offset` says
                   so) */
    bool is_broadcast; /* repeats operand 0 along its extents 1: need not be materialised for readers with `views` */
    bool sinkable;     /* cheap, and its result is larger than its operands: better computed where that is read */
    bool wide;         /* dividing one call into `parts` beats cutting it into few items (matmul) */
    bool may_fail;     /* sets bad_index */
    bool stateful;     /* a leaf or an assignment: placed by the executor, has no run function */

    /* Cotangents of the operands from y's cotangent g: sets cot[i] for operands where want[i]; leaves the invalid value
     * (id 0) where an operand has none. Uses public builders only. */
    void (*vjp)(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot);
    /* How operands must come for slices of L (cut[i] for each), or that it can not be; NULL: GOSS__NO_SLICES always. */
    goss__slicing (*slice)(const goss_graph *g, const goss__node *n, goss_extent L, goss__cut *cut);
    /* For an op with `alias`: elements between operand 0's start and the output's, or -1 when this node is no alias
     * after all (a slice that is not contiguous, or whose offset has symbols). NULL: always 0. */
    int64_t (*alias_offset)(const goss_graph *g, const goss__node *n);
    size_t (*scratch)(const goss__shapes *s, bool f64,
                      const goss__kernels *k); /* bytes; NULL: none. Monotone in the dims */
    /* Into how many independent shares one call is best divided for so many threads; NULL: 1. Where it is cut changes
     * no bit. */
    int (*parts)(const goss__shapes *s, int threads);
    double (*cost)(const goss__shapes *s); /* arithmetic of a call in flops; NULL: numel of the output */
    /* What a call costs however few items it is for (packing and transforming weights), in the same unit; NULL: little.
     */
    double (*setup)(const goss__shapes *s);
    /* Whether a large result costs less to compute again where it is read than its way through memory. NULL: it does
     * not, but for elementwise work with what repeats along the result (schedule/rematerialise.c). */
    bool (*is_cheap)(const goss_graph *g, const goss__node *n);
    /* What a call needs and shapes alone tell, worked out once for each of them: `plan` fills plan_size bytes, 64-byte
     * aligned. */
    size_t plan_size;
    void (*plan)(const goss__shapes *s, void *out);
    goss__run_fn run_f32, run_f64;
    /* Makes, along the way, the output of the instruction behind it, too, when that is `along` of its first operand and
     * its output (which tap is the largest, and that tap): the operand is read once. NULL: nothing goes along. */
    const struct goss__op *along;
    void (*run_along_f32)(const goss__call *c, void *next);
} goss__op;

/* Those that the executor has to know: leaves without a run function, and assignments (operands: param, value; for
 * rows: param, index, value). "extent" has attr {count, symbols} and finds the resolved number in shapes->attr[0]. */
extern const goss__op goss__op_input, goss__op_param, goss__op_assign, goss__op_assign_rows, goss__op_extent;
/* Made by the schedule alone. The sum of a product of two arrays of one shape, which never becomes an array, and of
 * squared differences from one number for each sum (fuse.c); numbers kept as bfloat16 as reals, and a product whose
 * right operand is kept so (bf16.c). */
extern const goss__op goss__op_sum_product, goss__op_sum_deviation, goss__op_widen, goss__op_matmul_bf16;
/* What they are made of. */
extern const goss__op goss__op_sum, goss__op_ew[GOSS__EW_COUNT], goss__op_matmul, goss__op_reshape;

#endif
