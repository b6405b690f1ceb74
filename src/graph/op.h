/* SPDX-License-Identifier: Apache-2.0 */
/* op.h: what an operation is: one descriptor, in one file of src/ops.
 *
 * A descriptor has four parts, each readable alone: what the operation means (name, attributes, properties, gradient),
 * how it is cut and where its result lies (goss__op_slicing), what it costs (goss__op_cost), and how it runs on dense
 * arrays (goss__op_kernel). Its rules see a site: attributes and shapes, never a graph. Shapes are checked by its
 * builder before there is a site. */
#ifndef GOSS_GRAPH_OP_H
#define GOSS_GRAPH_OP_H

#include "base/disable.h"
#include "graph/attr.h"
#include "graph/cost_model.h"
#include "kernel/kernel.h"

typedef struct goss__op goss__op;
typedef struct goss__proto goss__proto; /* node.h */

#define GOSS__MAX_IN 64

/* One use of an operation, in a graph or in a schedule. */
typedef struct goss__site {
    const goss__op *op;
    const void *attr; /* GOSS__ATTR(site, kind) */
    goss_type type;   /* of the result */
    const goss_shape *out;
    int n_in;
    const goss_shape *in[GOSS__MAX_IN];
    goss_type in_type[GOSS__MAX_IN];
    const goss__symbols *symbols; /* whose numbers the extents have */
} goss__site;

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

typedef struct goss__op_slicing {
    /* How operands must come for slices of L (cut[i] for each), or that it can not be; NULL: GOSS__NO_SLICES always. */
    goss__slicing (*slice)(const goss__site *s, goss_extent L, goss__cut *cut);
    bool alias; /* the result is operand 0's memory (reshape, detach; slice where `alias_offset` says so) */
    /* Elements between operand 0's start and the result's, or -1 where this site is no alias after all (a slice that is
     * not contiguous, or whose offset has symbols). NULL: always 0. */
    int64_t (*alias_offset)(const goss__site *s);
} goss__op_slicing;

/* ---- running ----
 * Tensors at run time: resolved dims and element strides. Dense row-major, except operands of an op with `views`, whose
 * strides may be 0 on broadcast axes. */
typedef struct goss__tensor {
    int rank;
    int64_t dim[GOSS_MAX_RANK];
    int64_t stride[GOSS_MAX_RANK];
    int64_t numel;
    uint32_t symbolic; /* axes whose extents have symbols: 1 by chance, where they are 1 */
} goss__tensor;

/* A site with resolved shapes: of one call, the output first. Constant between runs with equal symbol counts. */
typedef struct goss__shapes {
    const goss__op *op;
    const void *attr; /* GOSS__ATTR(shapes, kind); while a program runs, extents among them are numbers */
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

typedef struct goss__op_kernel {
    bool views; /* operands may come as broadcast views (strides 0) */
    /* Shape-dependent set-up, computed once for each shape: `plan` fills plan_size bytes, 64-byte aligned. */
    size_t plan_size;
    void (*plan)(const goss__shapes *s, void *out);
    /* Bytes that a call wants; NULL: none. Monotone in the dims. */
    size_t (*scratch)(const goss__shapes *s, bool f64, const goss__kernels *k);
    goss__run_fn run_f32, run_f64;
    /* Makes, along the way, the output of the instruction behind it, too, when that is `along` of its first operand and
     * its output (which tap is the largest, and that tap): the operand is read once. NULL: nothing goes along. */
    const goss__op *along;
    void (*run_along_f32)(const goss__call *c, void *next);
} goss__op_kernel;

/* ---- cost ---- */
typedef struct goss__op_cost {
    double (*flops)(const goss__shapes *s); /* arithmetic of a call; NULL: numel of the output */
    /* What a call costs however few items it is for (packing and transforming weights), in flops; NULL: little. */
    double (*setup)(const goss__shapes *s);
    /* Into how many independent shares one call is best divided for so many threads; NULL: 1. Where it is divided
     * changes no bit. */
    int (*parts)(const goss__shapes *s, int threads);
    bool wide;     /* dividing one call into `parts` beats cutting it into few items (matmul) */
    bool sinkable; /* cheap, and its result is larger than its operands: better computed where that is read */
    /* Whether a large result costs less to compute again where it is read than its way through memory. NULL: it does
     * not, but for elementwise work with what repeats along the result (schedule/rematerialise.c). */
    bool (*is_cheap)(const goss__site *s);
} goss__op_cost;

/* ---- meaning ---- */

/* Which elements of operand 0 an operation hands on. */
typedef enum goss__selection {
    GOSS__COMPUTES,         /* it is none that only hands on */
    GOSS__SELECTS_BY_PLACE, /* every element of the result is the one of operand 0 at a place that does not depend on
                               operand 0's numbers: the operation commutes with every map of single elements */
    GOSS__SELECTS_LARGEST   /* ... is the largest of some of operand 0: it commutes with non-decreasing maps */
} goss__selection;

#define GOSS__OPERAND(i) (1u << (i))
#define GOSS__ALL_OPERANDS UINT32_MAX

struct goss__op {
    const char *name;
    const goss__attrs *attrs; /* NULL: it has none */

    /* Properties that rewrites, exporters and regularisers may rely on; tests/test_op_properties.c holds every
     * operation to them. Sets of operands have bit i for operand i; of real numbers, exact but for rounding. */
    uint32_t linear;          /* linear in each of these operands while all others are held */
    uint32_t linear_together; /* linear in all of these at once while the others are held: op(a + c, b + d) = op(a, b)
                                  + op(c, d) */
    uint32_t monotone;        /* no element of the result falls where elements of one of these rise */
    /* Axes of the result along which operand i is a batch: elements at j of such an axis depend on operand i's elements
     * at j of that same axis alone. A set of GOSS_AXIS; where extents differ it may say anything. NULL: none is known,
     * of an elementwise operation all. Asked by goss__batch_axes (ops/ops.h). */
    uint32_t (*batch_axes)(const goss__site *s, int i);
    goss__selection selection;
    bool elementwise; /* operands have the result's shape; element i depends on elements i alone, in the same way for
                         every i */
    bool broadcast;   /* repeats operand 0 along its extents 1: need not be materialised for readers with `views` */
    bool leaf;        /* an input or a parameter: placed by the executor, has no run function */
    bool assignment;  /* operands: param, value; for rows: param, index, value. As above */
    bool no_gradient; /* constant almost everywhere, or integer, or declared so */
    bool may_fail;    /* sets bad_index */
    bool seeded;      /* depends on the run's seed and step: never constant, even where its operands are */
    bool is_result;   /* one of the results of operand 0, which computes it */
    bool commutative; /* operands 0 and 1 may change places, to the bit */

    /* What the node of this description comes to where constants or an identity (x + 0) tell: builders fold these and
     * nothing else (rules of src/rewrite do the rest). NULL: nothing folds. */
    bool (*fold)(const goss__proto *p, goss_val *out);

    /* Cotangents of the operands from y's cotangent g: sets cot[i] for operands where want[i]; leaves the invalid value
     * (id 0) where an operand has none. Uses public builders only. */
    void (*vjp)(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot);

    goss__op_slicing slicing;
    goss__op_cost cost;
    goss__op_kernel kernel;
};

static inline size_t goss__attr_size(const goss__op *op) { return op->attrs ? op->attrs->size : 0; }
/* Placed by the executor: without a run function. */
static inline bool goss__is_stateful(const goss__op *op) { return op->leaf || op->assignment; }

/* Those that the executor has to know. */
extern const goss__op goss__op_input, goss__op_param, goss__op_assign, goss__op_assign_rows;
/* Made by the schedule alone. The sum of a product of two arrays of one shape, which never becomes an array, and of
 * squared differences from one number for each sum (fuse.c); numbers kept as bfloat16 as reals, and a product whose
 * right operand is kept so (bf16.c). */
extern const goss__op goss__op_sum_product, goss__op_sum_deviation, goss__op_widen, goss__op_matmul_bf16;
/* What they are made of. */
extern const goss__op goss__op_scan, goss__op_scan_result, goss__op_arg;
extern const goss__op goss__op_sum, goss__op_ew[GOSS__EW_COUNT], goss__op_matmul, goss__op_reshape;

#endif
