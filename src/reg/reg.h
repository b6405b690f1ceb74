/* SPDX-License-Identifier: Apache-2.0 */
/* reg.h: what the files of reg share: a row of the table, tensors seen as matrices, norms with safe gradients. */
#ifndef GOSS_REG_REG_H
#define GOSS_REG_REG_H

#include "gossamer/regularizer.h"

/* One kind: what users see of it, and how it is built. strength is not theirs to multiply by. */
typedef struct goss__reg_row {
    goss_reg_kind kind;
    goss_val (*build)(const goss_val *tensors, int n, const goss_reg_options *o);
    goss_val (*prox)(goss_val w, goss_val threshold, const goss_reg_options *o); /* NULL: none in closed form */
} goss__reg_row;
const goss__reg_row *goss__reg_row_of(const char *name, goss_error *err);
/* Settings within their ranges, and none given that the kind does not take. */
goss_status goss__reg_check(const goss_reg_kind *k, const goss_reg_options *o, goss_error *err);
/* goss_edges_matrix of nodes that there are: NULL, or what is wrong with edge *wrong, for a message with its names. */
const char *goss__edges_fill(const goss_edge *edges, int n, int64_t nodes, float *out, int *wrong);

#define GOSS__REG_BUILD(name) goss_val goss__reg_##name(const goss_val *x, int n, const goss_reg_options *o)
#define GOSS__REG_PROX(name) goss_val goss__prox_##name(goss_val w, goss_val t, const goss_reg_options *o)
GOSS__REG_BUILD(l1);
GOSS__REG_BUILD(l2);
GOSS__REG_BUILD(elastic);
GOSS__REG_BUILD(group);
GOSS__REG_BUILD(l21);
GOSS__REG_BUILD(max_norm);
GOSS__REG_BUILD(exclusive);
GOSS__REG_BUILD(nuclear);
GOSS__REG_BUILD(spectral);
GOSS__REG_BUILD(orthogonal);
GOSS__REG_BUILD(norm_hyper);
GOSS__REG_BUILD(difference);
GOSS__REG_BUILD(laplacian);
GOSS__REG_BUILD(activity);
GOSS__REG_BUILD(coactivation);
GOSS__REG_BUILD(cross);
GOSS__REG_BUILD(variance);
GOSS__REG_BUILD(decorrelation);
GOSS__REG_BUILD(entropy_gaussian);
GOSS__REG_BUILD(entropy_histogram);
GOSS__REG_BUILD(state_change);
GOSS__REG_BUILD(state_norm);
GOSS__REG_PROX(l1);
GOSS__REG_PROX(l2);
GOSS__REG_PROX(elastic);
GOSS__REG_PROX(group);
GOSS__REG_PROX(l21);
GOSS__REG_PROX(max_norm);
GOSS__REG_PROX(nuclear);
GOSS__REG_PROX(difference);
GOSS__REG_PROX(laplacian);

/* ---- shapes ---- */

static inline bool goss__reg_given(goss_val v) { return v.graph != NULL; }
/* Records "TEXT" as a shape error of x's graph and returns the invalid value. */
goss_val goss__reg_misfit(goss_val x, const char *fmt, ...) GOSS_PRINTF(2, 3);
/* The axes [from, to) as a mask. */
static inline uint32_t goss__reg_axes(int from, int to) {
    return to > from ? ((1u << to) - 1u) & ~((1u << from) - 1u) : 0;
}
/* w [T, ...] -> [T, D]. */
goss_val goss__reg_rows(goss_val w);
/* [T, D] of all tasks, or each task's own [T, R, C] when o->each. */
goss_val goss__reg_matrix(goss_val w, const goss_reg_options *o);
/* What is tied, along the last axis but one: tasks [T, D], or n branches within each task [T, n, D]. */
goss_val goss__reg_nodes(const goss_val *x, int n, const goss_reg_options *o);
/* x [T, N, ...] -> [T, N, D]. */
goss_val goss__reg_samples(goss_val x);
/* The sum over all axes from the second on: [T, ...] -> [T]. */
goss_val goss__reg_task_sum(goss_val a);
/* The sum over the last two axes. */
goss_val goss__reg_matrix_sum(goss_val a);
/* Mean over samples of x [T, N, D], kept: [T, 1, D]; by weight [T, N] where it is given. */
goss_val goss__reg_sample_mean(goss_val x, goss_val weight);
/* x with its samples times w_n / sum w, of which sums over samples are means. */
goss_val goss__reg_sample_share(goss_val x, goss_val weight);
/* The number of elements along e as a value of rank 0. */
goss_val goss__reg_count(goss_graph *g, goss_extent e);
/* The identity [K, K] with ones in front up to that rank. */
goss_val goss__reg_eye(goss_graph *g, goss_extent k, int rank);
/* Adjacency [K, K] made symmetric with an empty diagonal, and the last axis but one of `nodes` is K. */
goss_val goss__reg_symmetric(goss_val adjacency, goss_val nodes);
/* Degrees [K, 1] minus adjacency: the Laplacian. */
goss_val goss__reg_laplacian_of(goss_val adjacency);

/* ---- norms ---- */

/* |x|, or x^2 / (sqrt(x^2 + eps^2) + eps), which is sqrt(x^2 + eps^2) - eps without its rounding. */
goss_val goss__reg_size(goss_val x, double eps);
/* The same from squares; where they are 0, the gradient of every order is 0. */
goss_val goss__reg_root(goss_val squares, double eps);
/* The norm over axes (a mask), kept. */
goss_val goss__reg_norm(goss_val x, uint32_t axes, double eps);
/* x / y where y is not 0, else 0, with gradients that are finite. */
goss_val goss__reg_ratio(goss_val x, goss_val y);
/* Axes that a unit of group (or l21, max_norm) sums over; `tasks`: whether tasks are among them. false: an error was
 * recorded. */
bool goss__reg_unit_axes(goss_val w, int axis, bool tasks, uint32_t *axes);
/* The product of the extents of axes as a number; 0: an error was recorded (an extent with symbols). */
double goss__reg_unit_size(goss_val w, uint32_t axes);

/* ---- reg_rank.c: without a graph ---- */

/* The Gram matrix of rows less their mean, divided by its Frobenius norm: out [rows, rows]. The sum of products of two
 * such matrices is the linear CKA of what they are of. *varies false: all rows are the same, and out is 0. Errors:
 * GOSS_E_NUMERIC, GOSS_E_NOMEM. */
GOSS_MUST_USE goss_status goss__cka_kernel(const float *x, int64_t rows, int64_t columns, double *out, bool *varies,
                                           goss_error *err);
#endif
