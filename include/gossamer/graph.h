/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h: building a computation as an immutable graph of tensor operations.
 *
 * Builders are bare math: goss_mul(a, b) appends a node (or finds the equal one that is already there) and returns a
 * handle. Nothing is computed here. A gradient is a graph too: goss_grad appends nodes, so gradients of gradients need
 * nothing new. Errors are sticky: a builder that is given something that does not fit records the first error with its
 * scope and returns an invalid value, which every builder accepts; goss_graph_status tells, and compiling fails with
 * it.
 *
 * Conventions. An activation is [T, N, ...], a weight [T or 1, ...]: T tasks, N samples, images NHWC, convolution
 * weights HWIO. T and N are symbols: their counts are given at run time, up to a planned maximum. Rank is at most 8.
 * Threads: a graph belongs to one thread at a time. */
#ifndef GOSSAMER_GRAPH_H
#define GOSSAMER_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"
#include "gossamer/text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GOSS_MAX_RANK 8

typedef struct goss_graph goss_graph;

/* A handle to a node. Passed by value; valid as long as its graph. id 0 is the invalid value. */
typedef struct goss_val {
    goss_graph *graph;
    uint32_t id;
} goss_val;

#define GOSS_MAX_SYMBOLS 8

/* One extent: count, at least 1, times a product of up to eight symbols (bytes of `symbols`, 0 = none). {5, 0} is the
 * number 5. What cannot be written so (goss_extent_valid) fits no shape and is equal to nothing. */
typedef struct goss_extent {
    int64_t count;
    uint64_t symbols;
} goss_extent;

typedef struct goss_shape {
    int rank;
    goss_extent dim[GOSS_MAX_RANK];
} goss_shape;

typedef enum goss_type {
    GOSS_REAL, /* f32 or f64, chosen when the graph is compiled */
    GOSS_INDEX /* int32 */
} goss_type;

/* ---- graph, extents, shapes ---- */

/* An empty graph, or NULL when memory is out. Owns all its nodes; goss_graph_free frees them at once. */
GOSS_API goss_graph *goss_graph_new(void);
GOSS_API void goss_graph_free(goss_graph *g); /* NULL allowed */
/* The first error of any builder so far, with op, shapes and scope; GOSS_OK if there was none. */
GOSS_API goss_status goss_graph_status(const goss_graph *g, goss_error *err);
/* Records an error of the caller's own, as a builder would, and returns the invalid value. */
GOSS_API goss_val goss_graph_fail(goss_graph *g, goss_status status, const char *fmt, ...) GOSS_PRINTF(3, 4);
GOSS_API uint32_t goss_graph_size(const goss_graph *g); /* nodes */

/* A fixed extent. */
GOSS_API goss_extent goss_n(int64_t count);
/* The symbol of that name (made at the first call) with its planned maximum; a later call may repeat the maximum or
 * pass 0. At most 32 symbols; a name is a letter or '_', then letters, digits, '_' and '.', 63 at most. One whose
 * maximum is 1 is the extent 1 (its count can still be set): one task's samples are then shared out among threads, not
 * its tasks. */
GOSS_API goss_extent goss_symbol(goss_graph *g, const char *name, int64_t maximum);
/* a b; not valid where that has more than eight symbols or its number is beyond 63 bits, or where a or b is not valid.
 * A builder that is given such an extent records an error; so it does for a tensor whose elements are no such product,
 * or more than 2^44 at the planned maxima. */
GOSS_API goss_extent goss_extent_mul(goss_extent a, goss_extent b);
GOSS_API bool goss_extent_valid(goss_extent e);
GOSS_API bool goss_extent_equal(goss_extent a, goss_extent b);
GOSS_API bool goss_extent_is(goss_extent a, int64_t count);
GOSS_API goss_shape goss_shape_make(int rank, const goss_extent *dims);
#define GOSS_SHAPE(...)                                                                                                \
    goss_shape_make((int)(sizeof((goss_extent[]){__VA_ARGS__}) / sizeof(goss_extent)), (goss_extent[]){__VA_ARGS__})
GOSS_API bool goss_shape_equal(goss_shape a, goss_shape b);

/* Scopes name where nodes come from: in error texts ("target / fc1: matmul: ...") and in random streams. */
GOSS_API void goss_scope_push(goss_graph *g, const char *name);
GOSS_API void goss_scope_pop(goss_graph *g);

GOSS_API bool goss_valid(goss_val a);
GOSS_API goss_shape goss_shape_of(goss_val a);
GOSS_API goss_extent goss_dim(goss_val a, int axis); /* axis < 0 counts from the end */
GOSS_API int goss_rank(goss_val a);

/* The graph as text, one node a line, or as Graphviz DOT. Owned by the caller (goss_text_free); NULL if memory is out.
 */
GOSS_API char *goss_graph_text(const goss_graph *g);
GOSS_API char *goss_graph_dot(const goss_graph *g);

/* ---- leaves ---- */

/* A tensor that the caller supplies at each run. Names are unique in a graph. */
GOSS_API goss_val goss_input(goss_graph *g, const char *name, goss_type type, goss_shape shape);
/* Persistent state of fixed shape, kept by the executor's parameter store under that name: weights, moments, averages.
 */
GOSS_API goss_val goss_param(goss_graph *g, const char *name, goss_shape shape);
GOSS_API goss_val goss_const(goss_graph *g, double value);                  /* rank 0 */
GOSS_API goss_val goss_full(goss_graph *g, goss_shape shape, double value); /* every element is value */
GOSS_API goss_val goss_zeros_like(goss_val a);
/* 0, 1, 2, ... along one new axis: index [n]. */
GOSS_API goss_val goss_iota(goss_graph *g, goss_extent n);

/* End of step: param becomes value (equal shapes) after everything else of the run has read it. A run executes the
 * assignments whose values it was compiled with (goss_schedule). */
GOSS_API goss_val goss_assign(goss_val param, goss_val value);
/* The same for rows of param [V, ...]: row index[i] becomes value[i, ...]. Indices must be distinct. */
GOSS_API goss_val goss_assign_rows(goss_val param, goss_val index, goss_val value);

/* ---- elementwise; operands of equal shape, or with extents 1 that broadcast, or of rank 0 ---- */
#define GOSS_UNARY(name) GOSS_API goss_val goss_##name(goss_val a);
#define GOSS_BINARY(name) GOSS_API goss_val goss_##name(goss_val a, goss_val b);
GOSS_BINARY(add)
GOSS_BINARY(sub)
GOSS_BINARY(mul)
GOSS_BINARY(div)
GOSS_BINARY(max)
GOSS_BINARY(min)
GOSS_BINARY(less) /* 1 where a < b, else 0; no gradient */
GOSS_UNARY(neg)
GOSS_UNARY(abs)
GOSS_UNARY(sign)  /* no gradient */
GOSS_UNARY(floor) /* no gradient */
GOSS_UNARY(exp)
GOSS_UNARY(log)
GOSS_UNARY(sqrt)
GOSS_UNARY(rsqrt)
GOSS_UNARY(square)
GOSS_UNARY(sin)
GOSS_UNARY(cos)
GOSS_UNARY(tanh)
GOSS_UNARY(sigmoid)
GOSS_UNARY(softplus)
GOSS_UNARY(relu)
GOSS_API goss_val goss_mul_add(goss_val a, goss_val b, goss_val c);     /* a b + c, both rounded */
GOSS_API goss_val goss_lerp(goss_val a, goss_val b, goss_val c);        /* a + c (b - a) */
GOSS_API goss_val goss_lerp_square(goss_val a, goss_val b, goss_val c); /* a + c (b^2 - a): a running second moment */
GOSS_API goss_val goss_over_root(goss_val a, goss_val b, goss_val c);   /* a / (sqrt(b) + c) */
/* mask != 0 ? a : b; the mask has no gradient. */
GOSS_API goss_val goss_select(goss_val mask, goss_val a, goss_val b);
GOSS_API goss_val goss_scale(goss_val a, double k);
GOSS_API goss_val goss_shift(goss_val a, double k); /* a + k */
GOSS_API goss_val goss_detach(goss_val a); /* a, with no gradient through it (first-order MAML is one of these) */

/* a itself, as something to differentiate by: weights that were computed, the state of an inner loop. Expressions are
 * rewritten, and may come to be made from a's operands instead of a: behind this they are not. */
GOSS_API goss_val goss_variable(goss_val a);

/* ---- layout ---- */
/* Extents 1 of a become those of shape (equal ranks, or a of rank 0). */
GOSS_API goss_val goss_broadcast(goss_val a, goss_shape shape);
GOSS_API goss_val goss_reshape(goss_val a, goss_shape shape);
GOSS_API goss_val goss_permute(goss_val a, const int *axes); /* out axis i is a's axis axes[i] */
GOSS_API goss_val goss_transpose(goss_val a);                /* last two axes swapped */
GOSS_API goss_val goss_slice(goss_val a, int axis, int64_t start, int64_t count);
GOSS_API goss_val goss_pad(goss_val a, int axis, int64_t before, int64_t after); /* zeros */
GOSS_API goss_val goss_concat(const goss_val *parts, int n, int axis);           /* n <= 64; fixed extents along axis */
GOSS_API goss_val goss_squeeze(goss_val a, int axis);                            /* drops an axis of extent 1 */
GOSS_API goss_val goss_unsqueeze(goss_val a, int axis); /* a new axis of extent 1 before `axis` */

/* ---- reductions; axes are a bit mask (GOSS_AXES(1, 2)); keep: reduced axes stay with extent 1 ---- */
#define GOSS_AXIS(i) (1u << (i))
GOSS_API goss_val goss_sum(goss_val a, uint32_t axes, bool keep);
GOSS_API goss_val goss_mean(goss_val a, uint32_t axes, bool keep);
/* Largest element; ties share the gradient equally. */
GOSS_API goss_val goss_reduce_max(goss_val a, uint32_t axes, bool keep);
GOSS_API goss_val goss_sum_all(goss_val a); /* rank 0 */
GOSS_API goss_val goss_mean_all(goss_val a);

/* ---- products ---- */
/* a[..., M, K] b[..., K, N] -> [..., M, N]; ta, tb: that operand is stored transposed. Equal ranks; leading extents are
 * equal or 1. When b has none but 1 in front, a's leading axes are folded into M: one product serves all tasks. */
GOSS_API goss_val goss_matmul(goss_val a, goss_val b, bool ta, bool tb);
/* X with A X = B, A[..., D, D] symmetric positive definite (its lower triangle is read), B[..., D, E]. Cholesky.
 * A matrix that is not positive definite gives NaN. */
GOSS_API goss_val goss_spd_solve(goss_val a, goss_val b);
/* log det A[..., D, D] -> [...], A symmetric positive definite (its lower triangle is read). Cholesky. NaN as above. */
GOSS_API goss_val goss_log_det(goss_val a);

/* ---- singular values of w[..., M, N] ----
 * All go by the smaller side K of M and N (or by that which is a number, where the other has symbols; at most 1024):
 * the K x K inner products are summed and decomposed in double. In f32 a singular value is off by 6e-8 of the largest
 * one at most, and one of less than 1e-6 of it counts as 0: its part of a gradient is 0 (the subgradient of least
 * norm). A number that is not finite makes NaN. */
/* The K largest singular values [..., K], falling. Equal ones: the gradient is that of the vectors at hand; from the
 * second order on they must differ. */
GOSS_API goss_val goss_singular_values(goss_val w);
/* Orthonormal singular vectors of the smaller side as columns [..., K, K], in the order of the values; in each the
 * number of largest size is positive. Gradients take vectors of equal values (within 1e-6) as not turning into each
 * other. */
GOSS_API goss_val goss_singular_vectors(goss_val w);
/* (W W' + eps^2 I)^(1/2) [..., K, K], or of W' W where that is smaller; eps >= 0. Its trace is the nuclear norm.
 * Gradients of any order hold for equal singular values, too: they solve Lyapunov equations, which divide by sums of
 * singular values, not by differences (Higham 2008, Functions of Matrices, ch. 6). With eps = 0 orders above the first
 * need K of them above 0. */
GOSS_API goss_val goss_gram_root(goss_val w, double eps);

/* 2-D convolution. x[T,N,H,W,C], w[T or 1,kh,kw,C/groups,O] -> [T,N,OH,OW,O]. */
typedef struct goss_conv_options {
    int stride_h, stride_w, dilation_h, dilation_w, groups;
    int pad_top, pad_left, pad_bottom, pad_right;
} goss_conv_options;
GOSS_API goss_conv_options goss_conv_defaults(void); /* stride 1, dilation 1, one group, no padding */
GOSS_API goss_val goss_conv(goss_val x, goss_val w, goss_conv_options o);

/* Pooling windows over x[T,N,H,W,C]; the taps outside the image are left out (max) or count as zero (average). */
typedef struct goss_pool_options {
    int size_h, size_w, stride_h, stride_w, pad_top, pad_left, pad_bottom, pad_right;
} goss_pool_options;
GOSS_API goss_pool_options goss_pool_defaults(int size); /* square windows that do not overlap */
GOSS_API goss_val goss_max_pool(goss_val x, goss_pool_options o);
GOSS_API goss_val goss_avg_pool(goss_val x, goss_pool_options o);

/* ---- indexing ---- */
/* Rows of table [V, ...] at index [...]: out [index extents, ...]. An index outside 0..V-1 is clamped and counted as a
 * run-time error (goss_exec_run reports it). */
GOSS_API goss_val goss_gather(goss_val table, goss_val index);
/* out [rows, ...] = sum of value rows at their index; the adjoint of gather. */
GOSS_API goss_val goss_scatter_add(goss_val value, goss_val index, goss_extent rows);
/* index [...] -> real [..., depth]: 1 at the index, 0 elsewhere; all 0 for an index outside 0..depth-1. */
GOSS_API goss_val goss_one_hot(goss_val index, goss_extent depth);

/* ---- random ---- */
/* Uniform in [0, 1) or standard normal, of that shape. Counter based: a draw is a function of the run's seed and step,
 * of the scope it was built in and of (task id, sample id, element), never of T, threads or micro-batches. task: index
 * [T] (the ids), equal to shape's first extent; sample ids count along axis 1. Philox4x32-10 (Salmon et al. 2011). */
GOSS_API goss_val goss_random_uniform(goss_val task, goss_shape shape);
GOSS_API goss_val goss_random_normal(goss_val task, goss_shape shape);

/* ---- differentiation ---- */
/* out[i] = d(sum of y's elements)/d wrt[i], for i < n; zeros where y does not depend on it. Rewrites y (src/rewrite),
 * then appends nodes; may be repeated on its own results. wrt: inputs, parameters, what goss_variable gave, and other
 * inner values, from here on, as if they were variables: what was built of them before and differentiated already may
 * have come to read their operands instead. */
GOSS_API goss_status goss_grad(goss_val y, const goss_val *wrt, int n, goss_val *out);
/* The same with a given cotangent of y's shape. */
GOSS_API goss_status goss_vjp(goss_val y, goss_val cotangent, const goss_val *wrt, int n, goss_val *out);
/* The sum over i < n_y of the cotangents that y[i] with cotangent[i] has. One walk over what they share. */
GOSS_API goss_status goss_vjp_joint(const goss_val *y, const goss_val *cotangent, int n_y, const goss_val *wrt, int n,
                                    goss_val *out);

/* ---- published values ---- */

/* A value with a name by its role, so that what is attached from outside (a regulariser, a probe, a report) finds it
 * without knowing the code that made it. Names in use:
 *   weights/conv2.w          a tensor of the network that is applied to the queries, [1 or T, ...]; head.w, head.b, too
 *   generated/conv2.w        what a hypernetwork generated for it, before it is combined with a base, [T, ...];
 *   generated/norm1.scale    and of a FiLM site what multiplies and what is added (.shift), [T, C]
 *   embedding/task           the code that a hypernetwork generates from, [T, E]
 *   hidden/norm2             a layer of the target network, behind its modulation, [T, N, ...]
 *   features/block3          the output of its third block: a product layer (or a residual block) and what follows
 *                            up to the next one; features/out: the features that the head reads
 *   logits                   of the queries, [T, Q, W]
 * hidden/ and features/ are of the queries; hidden/support/ and features/support/ of the support set.
 * The same name published again, for another value, becomes NAME#2, NAME#3, ... */
typedef struct goss_published_value {
    const char *name; /* of the graph: lives as long */
    goss_val value;
} goss_published_value;

/* Publishes v under a name of characters other than '*', '?' and ','. Adds no node and changes no result: what nobody
 * looks up costs nothing, and a schedule is the same with and without names. Returns v, so that a builder may be
 * wrapped: h = goss_publish(g, "hidden/fc1", goss_linear(x, w, b)). An invalid v is not published. Any shape and type.
 * Owns: the name is copied into the graph. Threads: the graph's.
 * Errors: sticky; GOSS_E_ARGUMENT for a name that is empty or has such a character; GOSS_E_NOMEM. */
GOSS_API goss_val goss_publish(goss_graph *g, const char *name, goss_val v);
/* Values whose names match a pattern (goss_name_matches: '*' any characters, '?' one, several patterns joined by ','),
 * in the order of publication: out[0 .. *n). out NULL: only counts. "features/block*" are the blocks' outputs for the
 * queries, "features/support/block*" of the support set, "weights/conv*.w,weights/dense*.w" the weights of
 * product layers. The values may be read by any builder, and differentiated by where they are variables or parameters.
 * Owns: names live as long as the graph. Threads: several may look up at a time while none builds.
 * Errors: GOSS_E_ARGUMENT where none matches (the names that are near it are told, or all there are), or more than
 * `room` do; out is then untouched. */
GOSS_API GOSS_MUST_USE goss_status goss_published(const goss_graph *g, const char *pattern, goss_published_value *out,
                                                  int room, int *n, goss_error *err);
/* The value of exactly that name, for use inside expressions. Errors: sticky; as above. */
GOSS_API goss_val goss_published_get(goss_graph *g, const char *name);

#ifdef __cplusplus
}
#endif
#endif
