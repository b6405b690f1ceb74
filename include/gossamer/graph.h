/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h: building a computation as an immutable graph of tensor operations.
 *
 * Builders read like formulas: goss_mul(a, b) appends a node, or finds the equal one that is there already, and returns
 * a handle. Nothing is computed. A gradient is a graph too: goss_grad appends nodes, so that gradients of gradients
 * need nothing further.
 *
 * Errors are sticky: a builder whose operands do not fit records the first error, with its scope, and returns the
 * invalid value, which every builder accepts and returns. goss_graph_status reports the error, and compiling fails with
 * it. Errors of builders are GOSS_E_SHAPE and GOSS_E_ARGUMENT with the operation, the shapes and the scope, or
 * GOSS_E_NOMEM.
 *
 *     goss_graph *g = goss_graph_new();
 *     goss_extent N = goss_symbol(g, "N", 256);                                    // up to 256 samples
 *     goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(N, goss_n(20)));
 *     goss_val w = goss_param(g, "w", GOSS_SHAPE(goss_n(20), goss_n(1))), dw;
 *     goss_val loss = goss_mean_all(goss_square(goss_matmul(x, w, false, false)));
 *     goss_grad(loss, &w, 1, &dw);
 *     goss_val step = goss_assign(w, goss_sub(w, goss_scale(dw, 0.1)));
 *     goss_schedule *schedule;
 *     GOSS_TRY(goss_compile(g, &loss, 1, &step, 1, NULL, &schedule, err));         // exec.h runs it
 *
 * Conventions. An activation is [T, N, ...] and a weight [T or 1, ...]: T tasks, N samples; images are NHWC,
 * convolution weights HWIO. T, N and the like are symbols, whose counts are set at run time up to a planned maximum.
 * Ranks are at most 8. Memory is row-major. In formulas a' is the transpose of a.
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

/* A graph under construction. It owns its nodes, names and scopes. */
typedef struct goss_graph goss_graph;

/* A handle to a node. Passed by value; valid as long as its graph. id 0 is the invalid value. */
typedef struct goss_val {
    goss_graph *graph;
    uint32_t id;
} goss_val;

#define GOSS_MAX_SYMBOLS 8

/* An extent: a monomial, that is a count of at least 1 times up to eight symbols (one byte of `symbols` each, 0: none).
 * {5, 0} is the number 5. The bytes are in descending order from the lowest one; goss_symbol and goss_extent_mul make
 * extents, which belong to one graph (byte k is its k-th symbol). A product that cannot be represented
 * (goss_extent_valid) fits no shape and equals nothing. */
typedef struct goss_extent {
    int64_t count;
    uint64_t symbols;
} goss_extent;

/* The extents of a tensor, slowest axis first. Rank 0 is a single number. */
typedef struct goss_shape {
    int rank;
    goss_extent dim[GOSS_MAX_RANK];
} goss_shape;

/* The element type of a value. */
typedef enum goss_type {
    GOSS_REAL, /* f32 or f64, chosen when the graph is compiled */
    GOSS_INDEX /* int32 */
} goss_type;

/* ---- graph, extents, shapes ---- */

/* An empty graph; NULL if memory is exhausted. Owns: goss_graph_free. */
GOSS_API goss_graph *goss_graph_new(void);
/* Disables rewrite rules in an empty graph, besides those that the environment variable GOSSAMER_DISABLE names: names
 * separated by commas, "rewrite" or "all" for all of them. goss_passes_text and docs/architecture.md list them, with
 * what each may change in a value. Errors: sticky: an unknown name, or something is built already. */
GOSS_API void goss_graph_disable(goss_graph *g, const char *names);
/* Frees the graph and all its nodes at once; handles become invalid. NULL is allowed. */
GOSS_API void goss_graph_free(goss_graph *g);
/* The graph's sticky error: returns its status and writes its text to err. Errors: the first one that a builder or
 * goss_graph_fail recorded, with operation, shapes and scope; GOSS_OK: none so far. */
GOSS_API goss_status goss_graph_status(const goss_graph *g, goss_error *err);
/* Records an error of the caller's own, as a builder does (printf style), and returns the invalid value. */
GOSS_API goss_val goss_graph_fail(goss_graph *g, goss_status status, const char *fmt, ...) GOSS_PRINTF(3, 4);
/* The number of nodes. */
GOSS_API uint32_t goss_graph_size(const goss_graph *g);

/* A fixed extent. */
GOSS_API goss_extent goss_n(int64_t count);
/* The symbol of that name, created at the first call with its planned maximum; later calls repeat the maximum or pass
 * 0. At most 32 symbols; a name is a letter or '_', then letters, digits, '_' and '.', at most 63 characters. A symbol
 * whose maximum is 1 is the extent 1 (its count can still be set): work on a single task is then partitioned over its
 * samples instead of over tasks. Errors: sticky. */
GOSS_API goss_extent goss_symbol(goss_graph *g, const char *name, int64_t maximum);
/* The product a b; invalid if it has more than eight symbols or a count beyond 63 bits, or if a or b is invalid. A
 * builder given an invalid extent, or one of symbols that its graph does not have, records an error, as it does for a
 * tensor whose number of elements is not such a product or exceeds 2^44 at the planned maxima. */
GOSS_API goss_extent goss_extent_mul(goss_extent a, goss_extent b);
/* Whether an extent is representable: its count is at least 1, and its symbols are in descending order. */
GOSS_API bool goss_extent_valid(goss_extent e);
/* Whether two extents are the same monomial: equal for all counts of their symbols. */
GOSS_API bool goss_extent_equal(goss_extent a, goss_extent b);
/* Whether an extent is that number. */
GOSS_API bool goss_extent_is(goss_extent a, int64_t count);
/* A shape of `rank` extents. */
GOSS_API goss_shape goss_shape_make(int rank, const goss_extent *dims);
/* A shape from a list of extents: GOSS_SHAPE(T, N, goss_n(64)). */
#define GOSS_SHAPE(...)                                                                                                \
    goss_shape_make((int)(sizeof((goss_extent[]){__VA_ARGS__}) / sizeof(goss_extent)), (goss_extent[]){__VA_ARGS__})
/* Whether ranks and all extents are equal. */
GOSS_API bool goss_shape_equal(goss_shape a, goss_shape b);

/* Enters a scope, which names the place where nodes are built. Scopes appear in errors ("target / fc1: matmul: ...")
 * and profiles and select the random stream of random operations. The name is copied. */
GOSS_API void goss_scope_push(goss_graph *g, const char *name);
/* Leaves the innermost scope. */
GOSS_API void goss_scope_pop(goss_graph *g);

/* Whether a value is not the invalid one. */
GOSS_API bool goss_valid(goss_val a);
/* The shape of a value; rank 0 for the invalid one. */
GOSS_API goss_shape goss_shape_of(goss_val a);
/* One extent of a value; a negative axis counts from the end. */
GOSS_API goss_extent goss_dim(goss_val a, int axis);
/* The rank of a value. */
GOSS_API int goss_rank(goss_val a);

/* The graph as text, one node per line. Returns NULL if memory is exhausted. Owns: goss_text_free. */
GOSS_API char *goss_graph_text(const goss_graph *g);
/* The graph in Graphviz' DOT language. Returns NULL if memory is exhausted. Owns: goss_text_free. */
GOSS_API char *goss_graph_dot(const goss_graph *g);

/* ---- leaves ---- */

/* A tensor that the caller supplies at each run (goss_exec_bind). Names are unique in a graph. */
GOSS_API goss_val goss_input(goss_graph *g, const char *name, goss_type type, goss_shape shape);
/* Persistent state of fixed shape, stored under that name in a parameter store (goss_params): weights, moments,
 * averages. The same name and shape again give the same value. */
GOSS_API goss_val goss_param(goss_graph *g, const char *name, goss_shape shape);
/* A constant of rank 0. */
GOSS_API goss_val goss_const(goss_graph *g, double value);
/* A tensor whose elements are all `value`. */
GOSS_API goss_val goss_full(goss_graph *g, goss_shape shape, double value);
/* Zeros of a's shape. */
GOSS_API goss_val goss_zeros_like(goss_val a);
/* index [n]: 0, 1, 2, ... */
GOSS_API goss_val goss_iota(goss_graph *g, goss_extent n);
/* index -> real, of the same shape: positions as numbers. No gradient. */
GOSS_API goss_val goss_to_real(goss_val index);
/* real -> index, rounded to the nearest integer (ties to even): ids that arrive as numbers. A number beyond 32 bits, or
 * that is not finite, becomes the smallest index, which no table has. No gradient. */
GOSS_API goss_val goss_to_index(goss_val a);

/* State update: at the end of a run, after every reader has seen the old value, param becomes value. Shapes are equal.
 * A run executes the assignments that its schedule was compiled with (goss_compile, updates). */
GOSS_API goss_val goss_assign(goss_val param, goss_val value);
/* The same for rows of param [V, ...]: row index[i] becomes value[i, ...], for index [R] and value [R, ...]. Indices
 * must be distinct. */
GOSS_API goss_val goss_assign_rows(goss_val param, goss_val index, goss_val value);

/* ---- elementwise operations ----
 *
 * Operands have equal shapes, or extents 1 that are broadcast, or rank 0. y[i] = f(a[i], b[i], ...). */
#define GOSS_UNARY(name) GOSS_API goss_val goss_##name(goss_val a);
#define GOSS_BINARY(name) GOSS_API goss_val goss_##name(goss_val a, goss_val b);
GOSS_BINARY(add) /* a + b */
GOSS_BINARY(sub) /* a - b */
GOSS_BINARY(mul) /* a b */
GOSS_BINARY(div) /* a / b */
GOSS_BINARY(max) /* of equal operands the second gets the gradient, as in min */
GOSS_BINARY(min)
GOSS_BINARY(less) /* 1 where a < b, else 0; no gradient */
GOSS_UNARY(neg)
GOSS_UNARY(abs)   /* gradient 0 at 0 */
GOSS_UNARY(sign)  /* -1, 0 or 1; no gradient */
GOSS_UNARY(floor) /* no gradient */
GOSS_UNARY(exp)
GOSS_UNARY(log)
GOSS_UNARY(sqrt)
GOSS_UNARY(rsqrt) /* 1 / sqrt(a) */
GOSS_UNARY(square)
GOSS_UNARY(sin)
GOSS_UNARY(cos)
GOSS_UNARY(tanh)
GOSS_UNARY(sigmoid)                                                 /* 1 / (1 + exp(-a)) */
GOSS_UNARY(softplus)                                                /* log(1 + exp(a)) */
GOSS_UNARY(relu)                                                    /* max(a, 0) */
GOSS_API goss_val goss_mul_add(goss_val a, goss_val b, goss_val c); /* a b + c, both rounded */
GOSS_API goss_val goss_lerp(goss_val a, goss_val b, goss_val c);    /* a + c (b - a) */
/* mask != 0 ? a : b; no gradient by the mask. */
GOSS_API goss_val goss_select(goss_val mask, goss_val a, goss_val b);
/* k a, for a number k. */
GOSS_API goss_val goss_scale(goss_val a, double k);
/* a + k, for a number k. */
GOSS_API goss_val goss_shift(goss_val a, double k);
/* a, through which no gradient is propagated. First-order MAML is MAML with one of these. */
GOSS_API goss_val goss_detach(goss_val a);

/* a itself, as a differentiation variable: computed weights, the state of an inner loop. Rewrite rules may replace an
 * expression in a by one in a's operands; they never rewrite across a variable, so every reader reads the variable. */
GOSS_API goss_val goss_variable(goss_val a);

/* ---- layout ---- */

/* Repeats a along its extents 1, to `shape`. Ranks are equal, or a has rank 0. */
GOSS_API goss_val goss_broadcast(goss_val a, goss_shape shape);
/* The same elements, in row-major order, in another shape with the same number of elements. */
GOSS_API goss_val goss_reshape(goss_val a, goss_shape shape);
/* Axis i of the result is axis axes[i] of a; axes [rank] is a permutation. */
GOSS_API goss_val goss_permute(goss_val a, const int *axes);
/* Swaps the last two axes. */
GOSS_API goss_val goss_transpose(goss_val a);
/* `count` elements of an axis of fixed extent, from `start` on. */
GOSS_API goss_val goss_slice(goss_val a, int axis, int64_t start, int64_t count);
GOSS_API goss_val goss_pad(goss_val a, int axis, int64_t before, int64_t after); /* zeros */
/* n <= 64 tensors joined along an axis, along which their extents are fixed. */
GOSS_API goss_val goss_concat(const goss_val *parts, int n, int axis);
/* Removes an axis of extent 1. */
GOSS_API goss_val goss_squeeze(goss_val a, int axis);
/* Inserts an axis of extent 1 before `axis`. */
GOSS_API goss_val goss_unsqueeze(goss_val a, int axis);

/* ---- reductions ----
 *
 * axes: a bit mask of axes, GOSS_AXIS(1) | GOSS_AXIS(2). keep: reduced axes stay, with extent 1. */
#define GOSS_AXIS(i) (1u << (i))
/* The sum of a's elements along the axes. */
GOSS_API goss_val goss_sum(goss_val a, uint32_t axes, bool keep);
/* Their mean: the sum divided by the number of elements at the run's counts. */
GOSS_API goss_val goss_mean(goss_val a, uint32_t axes, bool keep);
/* The largest element; ties share the gradient equally. */
GOSS_API goss_val goss_reduce_max(goss_val a, uint32_t axes, bool keep);
/* The sum of all elements, rank 0. */
GOSS_API goss_val goss_sum_all(goss_val a);
/* The mean of all elements, rank 0. */
GOSS_API goss_val goss_mean_all(goss_val a);

/* ---- products ---- */

/* Matrix product a[..., M, K] b[..., K, N] -> [..., M, N]. ta, tb: the operand is stored transposed. Ranks are equal;
 * leading extents are equal or 1. If all leading extents of b are 1, those of a are folded into M: one product serves
 * all tasks. */
GOSS_API goss_val goss_matmul(goss_val a, goss_val b, bool ta, bool tb);
/* X[..., D, E] with A X = B, for A[..., D, D] symmetric positive definite, of which the lower triangle is read, and
 * B[..., D, E], by Cholesky decomposition. A matrix that is not positive definite gives NaN. */
GOSS_API goss_val goss_spd_solve(goss_val a, goss_val b);
/* log det A -> [...], for A as above. NaN as above. */
GOSS_API goss_val goss_log_det(goss_val a);

/* ---- singular values of w[..., M, N] ----
 *
 * K is the smaller of M and N (or the one that is a number if the other has symbols), at most 1024. The K x K Gram
 * matrix is accumulated and decomposed in double precision. In f32 the absolute error of a singular value is at most
 * 6e-8 of the largest one; a value below 1e-6 of it counts as 0, and its part of a gradient is 0 (the subgradient of
 * least norm). An element that is not finite gives NaN. */

/* The K largest singular values [..., K], in decreasing order. Where values are equal, the gradient is that of the
 * computed vectors; from the second order on values must be distinct. */
GOSS_API goss_val goss_singular_values(goss_val w);
/* Orthonormal singular vectors of the smaller side as columns [..., K, K], in the order of the values; the element of
 * largest magnitude of each is positive. Gradients neglect rotations among vectors of equal values (within 1e-6). */
GOSS_API goss_val goss_singular_vectors(goss_val w);
/* (W W' + eps^2 I)^(1/2) [..., K, K], or of W' W if that is smaller; eps >= 0. Its trace is the nuclear norm. Gradients
 * of any order hold for equal singular values too: they solve Lyapunov equations, which divide by sums of singular
 * values instead of differences (Higham 2008, Functions of Matrices, ch. 6). With eps = 0, orders above the first
 * require K positive values. */
GOSS_API goss_val goss_gram_root(goss_val w, double eps);

/* ---- convolution and pooling ---- */

/* Geometry of a 2-D convolution. Every field but the paddings is at least 1; groups divides the channels. */
typedef struct goss_conv_options {
    int stride_h, stride_w, dilation_h, dilation_w, groups;
    int pad_top, pad_left, pad_bottom, pad_right;
} goss_conv_options;
/* Stride 1, dilation 1, one group, no padding. */
GOSS_API goss_conv_options goss_conv_defaults(void);
/* 2-D convolution (cross-correlation, as in every framework): x[T,N,H,W,C], w[T or 1,kh,kw,C/groups,O] ->
 * [T,N,OH,OW,O] with OH = floor((H + pads - dilation (kh - 1) - 1) / stride) + 1. */
GOSS_API goss_val goss_conv(goss_val x, goss_val w, goss_conv_options o);

/* Geometry of pooling windows over x[T,N,H,W,C]. */
typedef struct goss_pool_options {
    int size_h, size_w, stride_h, stride_w, pad_top, pad_left, pad_bottom, pad_right;
} goss_pool_options;
/* Square windows that do not overlap. */
GOSS_API goss_pool_options goss_pool_defaults(int size);
/* The largest element of each window, without taps outside the image; of equal ones the first gets the gradient. */
GOSS_API goss_val goss_max_pool(goss_val x, goss_pool_options o);
/* The mean of each window, in which taps outside the image count as zero. */
GOSS_API goss_val goss_avg_pool(goss_val x, goss_pool_options o);

/* ---- indexing ---- */

/* Rows of table [V, ...] at index [...]: [index extents, ...]. An index outside 0 .. V-1 is clamped and counted; the
 * run then fails (goss_exec_run). */
GOSS_API goss_val goss_gather(goss_val table, goss_val index);
/* The adjoint of gather: [rows, ...], row r the sum of the rows of value [R, ...] whose index [R] is r. */
GOSS_API goss_val goss_scatter_add(goss_val value, goss_val index, goss_extent rows);
/* index [...] -> real [..., depth]: 1 at the index, 0 elsewhere; all 0 for an index outside 0 .. depth-1. */
GOSS_API goss_val goss_one_hot(goss_val index, goss_extent depth);

/* ---- random numbers ---- */

/* Uniform in [0, 1), of that shape. Counter based: a draw is a function of the seed and step of the
 * run, the scope where it is built, and (task id, sample id, element); it does not depend on T, on threads or on
 * micro-batches. task: index [T], the task ids, T being the shape's first extent; sample ids count along axis 1.
 * Source: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). */
GOSS_API goss_val goss_random_uniform(goss_val task, goss_shape shape);
/* Standard normal, of that shape; else the same. */
GOSS_API goss_val goss_random_normal(goss_val task, goss_shape shape);

/* ---- differentiation ---- */

/* Reverse-mode gradient: out[i] = d(sum of y's elements) / d wrt[i], for i < n; zeros where y does not depend on
 * wrt[i]. Rewrites y (src/rewrite), then appends nodes; may be applied to its own results. wrt: inputs, parameters and
 * values of goss_variable; another inner value becomes a variable from here on, but expressions that were built of it
 * and differentiated before may already read its operands instead. Errors, which stay with the graph: its first one;
 * GOSS_E_ARGUMENT: an operand that is no value of this graph; GOSS_E_UNSUPPORTED: a scan with too many results;
 * GOSS_E_NOMEM. out[i] are then invalid values. */
GOSS_API goss_status goss_grad(goss_val y, const goss_val *wrt, int n, goss_val *out);
/* Vector-Jacobian product: out[i] = sum over k of cotangent[k] d y[k] / d wrt[i], the same with a given cotangent, of
 * y's shape, instead of ones. Errors: as goss_grad; GOSS_E_SHAPE: a cotangent of another shape. */
GOSS_API goss_status goss_vjp(goss_val y, goss_val cotangent, const goss_val *wrt, int n, goss_val *out);
/* The sum over k < n_y of the vector-Jacobian products of y[k] with cotangent[k], in one traversal. n_y at least 1.
 * Errors: as goss_vjp. */
GOSS_API goss_status goss_vjp_joint(const goss_val *y, const goss_val *cotangent, int n_y, const goss_val *wrt, int n,
                                    goss_val *out);

/* ---- published values ---- */

/* A value under a name that states its role, so that regularisers, probes and reports find it without knowing the code
 * that built it. Names in use:
 *   weights/conv2.w          a tensor of the network applied to the queries, [1 or T, ...]; also head.w, head.b
 *   generated/conv2.w        what a hypernetwork generates for it, before it is combined with a base, [T, ...]
 *   generated/norm1.scale    and for a FiLM site the factor and the addend (.shift), [T, C]
 *   embedding/task           the code that a hypernetwork generates from, [T, E]
 *   parts/2/conv2.w          the second part of a sum that tasks' weights are made of (share.h), before gates, [1, ...]
 *                            or [T, ...]
 *   codes/conv2              what a layer's parts are mixed by, [T, K]
 *   gates/conv2              what weighs a layer's parts, [T, parts]
 *   hidden/norm2             a layer of the target network, after its modulation, [T, N, ...]
 *   features/block3          the output of its third block: a product layer (or a residual block) and what follows
 *                            up to the next one; features/out: the features that the head reads
 *   logits                   of the queries, [T, Q, W]
 * hidden/ and features/ are those of the queries; hidden/support/ and features/support/ those of the support set.
 * A name published again for another value becomes NAME#2, NAME#3, ... */
typedef struct goss_published_value {
    const char *name; /* owned by the graph */
    goss_val value;
} goss_published_value;

/* Publishes v, of any shape and type, under a name without '*', '?' and ','. Adds no node and changes no result: a
 * value that nobody looks up costs nothing, and schedules are the same with and without names. An invalid v is not
 * published. Returns v, so that a builder can be wrapped: h = goss_publish(g, "hidden/fc1", goss_linear(x, w, b)).
 * Errors: sticky; GOSS_E_ARGUMENT: an empty name or one with such a character; GOSS_E_NOMEM.
 * Owns: the name is copied. Threads: the graph's. */
GOSS_API goss_val goss_publish(goss_graph *g, const char *name, goss_val v);
/* The values whose names match a pattern (goss_name_matches: '*' matches any characters, '?' one, ',' separates
 * patterns), in the order of publication: out[0 .. *n), at most `room`. out NULL: only counts. "features/block*": the
 * blocks' outputs for the queries; "features/support/block*": for the support set; "weights/conv*.w,weights/dense*.w":
 * the weights of product layers. The values may be read by any builder, and used for differentiation if they are
 * variables or parameters.
 * Errors: GOSS_E_ARGUMENT: no match (with similar names, or all), or more than `room`; out is then unchanged.
 * Owns: names are the graph's. Threads: several may look up while none builds. */
GOSS_API GOSS_MUST_USE goss_status goss_published(const goss_graph *g, const char *pattern, goss_published_value *out,
                                                  int room, int *n, goss_error *err);
/* The value of exactly that name, for use inside an expression. Errors: sticky; as above. */
GOSS_API goss_val goss_published_get(goss_graph *g, const char *name);

#ifdef __cplusplus
}
#endif
#endif
