/* SPDX-License-Identifier: Apache-2.0 */
/* ops.h: shared by the operation families: descriptors, checks of operands, and helpers.
 *
 * A family is a file with descriptors and public builders (declared in gossamer/graph.h). A builder checks types and
 * extents and emits, which folds constants and identities; run functions rely on these checks. */
#ifndef GOSS_OPS_OPS_H
#define GOSS_OPS_OPS_H

#include <string.h>

#include "graph/node.h"
#include "ops/attrs.h"

/* ---- descriptors ---- */
extern const goss__op goss__op_input, goss__op_param, goss__op_const, goss__op_extent, goss__op_iota;
extern const goss__op goss__op_assign, goss__op_assign_rows;
extern const goss__op goss__op_ew[GOSS__EW_COUNT];
extern const goss__op goss__op_detach, goss__op_variable, goss__op_broadcast, goss__op_reshape, goss__op_permute;
extern const goss__op goss__op_slice, goss__op_pad, goss__op_concat;
extern const goss__op goss__op_sum, goss__op_reduce_max;
extern const goss__op goss__op_matmul, goss__op_spd_solve, goss__op_log_det, goss__op_mirror_lower, goss__op_fold_lower;
extern const goss__op goss__op_singular, goss__op_singular_values, goss__op_singular_vectors, goss__op_gram_root,
    goss__op_lyapunov;
extern const goss__op goss__op_conv, goss__op_conv_dx, goss__op_conv_dw;
extern const goss__op goss__op_max_pool, goss__op_pool_argmax, goss__op_pool_gather, goss__op_pool_scatter;
extern const goss__op goss__op_window_sum, goss__op_window_spread;
extern const goss__op goss__op_gather, goss__op_scatter_add, goss__op_one_hot, goss__op_to_real, goss__op_to_index;
extern const goss__op goss__op_scan, goss__op_scan_result;
extern const goss__op goss__op_random_uniform, goss__op_random_normal;

/* All descriptors, NULL-terminated, for tests. */
extern const goss__op *const goss__op_all[];

/* ---- checks; each records the graph's error and returns false or the invalid value ---- */

/* All are valid values of one graph and of that type. */
bool goss__typed(const char *op, const goss_val *v, int n, goss_type type);
/* "op: [4,5]: text" and "op: [4,5] x [4,9]: text". */
goss_val goss__misfit(const char *op, goss_val a, const char *fmt, ...) GOSS_PRINTF(3, 4);
goss_val goss__misfit2(const char *op, goss_val a, goss_val b, const char *fmt, ...) GOSS_PRINTF(4, 5);
/* "op: [4,5] x [4,9]: axis 1: extents 5 and 9"; which < 0: without the axis, "inner extents 5 and 9". */
goss_val goss__differ(const char *op, goss_val a, goss_val b, int which, goss_extent e, goss_extent f);
/* Resolves a negative axis; false: out of range. */
bool goss__axis_ok(const char *op, goss_val a, int *axis);
/* The extent of `axis`, which must be a number, not a symbol. */
bool goss__fixed_ok(const char *op, goss_val a, int axis, int64_t *extent);

/* ---- emission and recognition ---- */
/* Emits the node of that description, with constant folding; for all operations with operands. */
goss_val goss__make_proto(const goss__proto *p);
/* attr: the operation's attribute struct, copied; NULL: none. */
goss_val goss__make(const goss__op *op, goss_type type, goss_shape shape, const goss_val *in, int n_in,
                    const void *attr);
/* Whether all elements of a are the same constant. */
bool goss__is_full(goss_val a, double *value);
/* A rank 0 real with the run-time value of e. */
goss_val goss__extent_value(goss_graph *g, goss_extent e);
/* Matches a valid value: true if its node is of that operation and is not a differentiation variable; *operand is its
 * operand i. */
bool goss__made_by(goss_val a, const goss__op *op, int i, goss_val *operand);
/* The adjoint of broadcasting: g summed over the axes where a has extent 1 and g does not. */
goss_val goss__sum_to(goss_val g, goss_shape shape);

/* ---- verification (rebuild.c) ---- */
/* Rebuilds an operation by its builder; a sticky error if the builder refuses it. The result may be another node: the
 * caller compares. */
goss_val goss__rebuild(goss_graph *g, const goss__proto *p);
/* An opaque leaf of that type and shape; different numbers are different leaves. */
goss_val goss__probe(goss_graph *g, goss_type type, goss_shape shape, int64_t number);

/* ---- builders for rules of src/rewrite ---- */
/* A pooling operation on operands a and b (invalid: a alone), with the windows of the pooling operation `like`. */
goss_val goss__pool_like(goss_val like, const goss__op *op, goss_val a, goss_val b, goss_shape out);

/* ---- shared slicing rules ---- */
goss__slicing goss__slice_same(const goss__site *s, goss_extent L, goss__cut *cut); /* out's shape */
/* All operands share the output's first `axes` dims, which contain the cut. */
goss__slicing goss__slice_leading(const goss__site *s, goss_extent L, goss__cut *cut, int axes);
/* How an operand of out's rank must be sliced if out is cut after p dims; false: neither way is possible. */
bool goss__cut_operand(const goss_shape *out, const goss_shape *in, int p, goss__cut *cut);

/* ---- axes ---- */
/* The batch axes of operand i (graph/op.h). A factor that varies along no other axis commutes with an operation that is
 * linear in the operand. */
uint32_t goss__batch_axes(const goss__site *s, int i);
/* The first n axes, as a set. */
static inline uint32_t goss__first_axes(int n) { return n > 0 ? (1u << n) - 1 : 0; }
/* The rule of operations on the last two axes of each operand. */
uint32_t goss__batch_of_matrices(const goss__site *s, int i);

/* ---- helpers ---- */
static inline int64_t goss__numel(const goss__tensor *t, int from, int to) {
    int64_t n = 1;
    for (int i = from; i < to; i++) n *= t->dim[i];
    return n;
}
/* Part `part` of `parts` of n elements: [*from, *to). */
static inline void goss__share(int64_t n, int part, int parts, int64_t *from, int64_t *to) {
    *from = n * part / parts;
    *to = n * (part + 1) / parts;
}
#endif
