/* SPDX-License-Identifier: Apache-2.0 */
/* op.h: the descriptor of an operation.
 *
 * A descriptor has four independent parts: meaning (name, attributes, properties, gradient), slicing and aliasing
 * (goss__op_slicing), cost (goss__op_cost), and execution on dense arrays (goss__op_kernel). Its rules take a site:
 * attributes and shapes, never a graph. Shapes have been checked by the builder. */
#ifndef GOSS_GRAPH_OP_H
#define GOSS_GRAPH_OP_H

#include "base/disable.h"
#include "graph/attr.h"
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
    const goss__symbols *symbols; /* the table that the extents refer to */
} goss__site;

/* ---- slicing ---- A phase of the schedule has one parallel axis of L items (an extent, e.g. T or T*N). A dense tensor
 * is *cut* by L if the product of some prefix of its dims is a multiple of L; item i is then a contiguous block of
 * numel / L elements. For a given L, an operation states how its operands must be sliced so that it can compute a slice
 * of items. */
typedef enum goss__cut {
    GOSS__WHOLE, /* the operand is needed whole and does not have the items' axis */
    GOSS__CUT    /* the operand is cut by L like the output: item i needs slice i */
} goss__cut;

typedef enum goss__slicing {
    GOSS__NO_SLICES, /* the operation cannot run in slices of L */
    GOSS__LOCAL,     /* the output is cut by L too */
    GOSS__PARTIAL    /* slices yield addends of the whole output, which are summed afterwards */
} goss__slicing;

/* The number p of leading dims whose product L divides, L being a multiple of the product of the first p-1, with the
 * quotient of dim p-1 in *rest (a slice of k items has dims 1, ..., 1, k * rest, dims[p..])); 0: not cut by L. Dims 1
 * directly behind are not counted. L = 1 gives 0. */
int goss__cut_prefix(const goss_shape *s, goss_extent L, goss_extent *rest);

typedef struct goss__op_slicing {
    /* How operands must be sliced for slices of L (cut[i] for each); NULL: always GOSS__NO_SLICES. */
    goss__slicing (*slice)(const goss__site *s, goss_extent L, goss__cut *cut);
    bool alias; /* the result aliases operand 0 (reshape, detach; slice if `alias_offset` says so) */
    /* The offset of the result in operand 0, in elements, or -1 if this site is not an alias (a slice that is not
     * contiguous, or whose offset has symbols). NULL: always 0. */
    int64_t (*alias_offset)(const goss__site *s);
    /* The offset of operand i in the result, of which it is a contiguous part, in elements, or -1 if this site's is not
     * one, or the offset has symbols. The kernel leaves an operand that lies there. NULL: no operand is a part. */
    int64_t (*part_offset)(const goss__site *s, int i);
} goss__op_slicing;

/* ---- running ----
 * Tensors at run time: resolved dims and element strides. Dense row-major, except operands of an op with `views`, whose
 * strides may be 0 on broadcast axes, and with `views` or `strided_items` where items alias ranges of a larger array's
 * items (schedule/ranges.c): each is dense, the stride from one to the next is that of the larger array. */
typedef struct goss__tensor {
    int rank;
    int64_t dim[GOSS_MAX_RANK];
    int64_t stride[GOSS_MAX_RANK];
    int64_t numel;
    uint32_t symbolic; /* axes whose extents have symbols: 1 by chance, where they are 1 */
} goss__tensor;

/* A site with resolved shapes, of one call. Constant between runs with equal symbol counts. */
typedef struct goss__shapes {
    const goss__op *op;
    const void *attr; /* GOSS__ATTR(shapes, kind), with extents resolved to numbers */
    int n_in;
    const goss__tensor *out;
    const goss__tensor *in; /* n_in of them */
    goss__passes off;       /* of the program */
    void *plan;             /* the call plan; NULL: none */
} goss__shapes;

typedef struct goss__call {
    const goss__shapes *shapes;
    const goss__kernels *kernels;
    void *out;
    const void *const *in;
    void *scratch;         /* 64-byte aligned, of the size given by `scratch` */
    bool adds;             /* operations with `adds`: the result is added to what is in out */
    int64_t first_element; /* index of out[0] in the whole output (0 unless sliced) */
    int part, parts;       /* operations with `parts`: the part of the output to compute; else 0, 1 */
    uint64_t seed, step;   /* of the run */
    const char *name;      /* the node's name (random streams) */
    int *bad_index;        /* set to 1 if an index is outside its table */
} goss__call;

typedef void (*goss__run_fn)(const goss__call *c);

typedef struct goss__op_kernel {
    bool views;         /* operands may come as broadcast views (strides 0), or with strided items */
    bool strided_items; /* operands and the result may have strided items */
    /* Shape-dependent set-up, computed once for each shape: `plan` fills plan_size bytes, 64-byte aligned. */
    size_t plan_size;
    void (*plan)(const goss__shapes *s, void *out);
    /* Bytes of scratch memory of a call; NULL: none. Monotone in the dims. */
    size_t (*scratch)(const goss__shapes *s, bool f64, const goss__kernels *k);
    goss__run_fn run_f32, run_f64;
    /* Whether run_f32 can add its result to what is in out, with the bits of an addition afterwards, for these and any
     * smaller shapes. NULL: no. */
    bool (*adds)(const goss__shapes *s, const goss__kernels *k);
    /* Computes the output of the next instruction as well, which reads the first operand and the output of this one
     * (schedule/fusion.c: GOSS__BESIDE): one pass over the operand. NULL: none. */
    void (*run_along_f32)(const goss__call *c, void *next);
} goss__op_kernel;

/* ---- cost ---- */
typedef struct goss__op_cost {
    double (*flops)(const goss__shapes *s); /* flops of a call; NULL: numel of the output */
    /* The fixed cost of a call (packing and transforming weights), in flops; NULL: negligible. */
    double (*setup)(const goss__shapes *s);
    /* The number of independent parts into which a call divides for that many threads; NULL: 1. The division changes no
     * bit. */
    int (*parts)(const goss__shapes *s, int threads);
    bool wide;     /* dividing a call into `parts` beats slicing it into few items (matmul) */
    bool sinkable; /* cheap, and its result is larger than its operands: sunk to its reader */
    /* Whether a large result is cheaper to rematerialise than to store and load. NULL: no, except for elementwise work
     * with a broadcast operand (schedule/rematerialise.c). */
    bool (*is_cheap)(const goss__site *s);
} goss__op_cost;

/* ---- meaning ---- */

/* Which elements of operand 0 are the result's. */
typedef enum goss__selection {
    GOSS__COMPUTES,         /* none: the operation computes */
    GOSS__SELECTS_BY_PLACE, /* an element of operand 0 at a position independent of its values: the operation commutes
                               with every elementwise map */
    GOSS__SELECTS_LARGEST   /* ... is the largest of some elements of operand 0: it commutes with non-decreasing maps */
} goss__selection;

/* An operation with several results. In a graph and in a schedule it is one node, which only its *selectors* read, a
 * node for each result that is used; in a program the results are its own (ir/program_results.c). */
enum { GOSS__MOST_SELECTORS = 2 };
typedef struct goss__results {
    const goss__op *selector[GOSS__MOST_SELECTORS]; /* of result i; the last one of all further results, too */
    int n_selectors;
    int64_t (*count)(const void *attr); /* the number of results; NULL: one a selector */
    /* A selector's last operand is the node, and those before it, if this is set, the node's own operands: its VJP may
     * read them. */
    bool repeats_operands;
    /* The shape of result k, or of the node itself (-1), from those of the operands; all are real. Results whose shapes
     * are not a matter of operands alone (what a loop stacks) are not asked for. */
    void (*shape)(const goss_shape *const *in, int k, goss_shape *out);
} goss__results;

#define GOSS__OPERAND(i) (1u << (i))
#define GOSS__ALL_OPERANDS UINT32_MAX
/* Whether operand i is in a set: one of the first 32, or of all (a concatenation may have more). */
static inline bool goss__has_operand(uint32_t set, int i) {
    return set == GOSS__ALL_OPERANDS || (i < 32 && (set >> i & 1));
}

struct goss__op {
    const char *name;
    const goss__attrs *attrs; /* NULL: it has none */

    /* Properties that rewrite rules, exporters and regularisers may rely on; tests/test_op_properties.c checks them. In
     * sets of operands bit i is operand i. Properties hold over real numbers, that is up to rounding. */
    uint32_t linear;          /* linear in each of these operands with all others fixed */
    uint32_t linear_together; /* jointly linear in these with the others fixed:
                                 op(a + c, b + d) = op(a, b) + op(c, d) */
    uint32_t monotone;        /* no element of the result decreases when elements of one of these increase */
    /* Axes of the result along which operand i is a batch: elements at j of such an axis depend on operand i's elements
     * at j of that same axis alone. A set of GOSS_AXIS, unspecified where extents differ. NULL: none, of an elementwise
     * operation all. Query with goss__batch_axes (ops/ops.h). */
    uint32_t (*batch_axes)(const goss__site *s, int i);
    goss__selection selection;
    bool elementwise; /* operands have the result's shape; element i depends on elements i alone, in the same way for
                         every i */
    bool broadcast;   /* repeats operand 0 along its extents 1: need not be materialised for readers with `views` */
    bool leaf;        /* an input or a parameter: placed by the executor, has no run function */
    bool assignment;  /* operands: param, value; for rows: param, index, value. As above */
    bool no_gradient; /* constant almost everywhere, integer, or declared so */
    bool may_fail;    /* sets bad_index */
    bool seeded;      /* depends on the run's seed and step: never constant, even where its operands are */
    bool is_result;   /* a selector that the node computes: it has no run function of its own */
    bool commutative; /* operands 0 and 1 may be exchanged, bit-identically */
    const goss__results *results; /* it has several; NULL: one, or none (an assignment) */
    const goss__op *selects;      /* it is a selector of this operation; else NULL */

    /* Constant folding and identities (x + 0) of a node of this description; builders fold nothing else (src/rewrite
     * does the rest). NULL: nothing folds. */
    bool (*fold)(const goss__proto *p, goss_val *out);

    /* The vector-Jacobian product: from y's cotangent g sets cot[i] for operands with want[i]; leaves the invalid value
     * (id 0) for an operand without gradient. Uses public builders only. */
    void (*vjp)(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot);

    goss__op_slicing slicing;
    goss__op_cost cost;
    goss__op_kernel kernel;
};

static inline size_t goss__attr_size(const goss__op *op) { return op->attrs ? op->attrs->size : 0; }
/* Operations without a run function, handled by the executor. */
static inline bool goss__is_stateful(const goss__op *op) { return op->leaf || op->assignment; }

/* Operations that the executor knows. */
extern const goss__op goss__op_input, goss__op_param, goss__op_assign, goss__op_assign_rows;
/* Created by the schedule only: the sum of a product of two arrays of one shape, and of squared differences from one
 * number per sum, without materialising them (fuse.c); the conversion of bfloat16 to reals, and a product whose right
 * operand is bfloat16 (bf16.c). */
extern const goss__op goss__op_sum_product, goss__op_sum_deviation, goss__op_widen, goss__op_matmul_bf16;
/* Their components. */
extern const goss__op goss__op_scan, goss__op_scan_result, goss__op_arg;
extern const goss__op goss__op_sum, goss__op_ew[GOSS__EW_COUNT], goss__op_matmul, goss__op_reshape;

#endif
