/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer.h: penalties on weights, features, hidden states and gates of one task or of many, as values of a
 * graph: attach one to any value of your own graph. Formulas with their sources: docs/regularisers.md and the table
 * (goss_reg_kind_at).
 *
 * A penalty maps tensors [T, ...], tasks first, to one number a task [T], or to one number (rank 0) where it ties
 * tasks together. It is made of public builders, so it has gradients of every order. Where a norm has a kink its
 * gradient is the subgradient of least norm (0 at 0); `epsilon` rounds the kink off. R is a tensor as a matrix [T,
 * D], one row a task. Errors are the graph's sticky error unless a function returns a status. */
#ifndef GOSSAMER_REGULARIZER_H
#define GOSSAMER_REGULARIZER_H

#include "gossamer/compose.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the table of kinds ---- */

/* Settings of goss_reg_options that a kind may take, besides strength. */
enum {
    GOSS_REG_EPSILON = 1,
    GOSS_REG_MIX = 2,
    GOSS_REG_BOUND = 4,
    GOSS_REG_POWER = 8,
    GOSS_REG_AXIS = 16,
    GOSS_REG_EACH = 32,
    GOSS_REG_BRANCHES = 64,
    GOSS_REG_NORMALIZED = 128,
    GOSS_REG_TARGET = 256,
    GOSS_REG_RIDGE = 512,
    GOSS_REG_BINS = 1024,
    GOSS_REG_NORM = 2048,
    GOSS_REG_ADJACENCY = 4096,
    GOSS_REG_WEIGHT = 8192
};

typedef struct goss_reg_kind {
    const char *name;
    const char *formula; /* of what strength multiplies */
    const char *limit;   /* what an infinite strength leaves */
    const char *source;
    unsigned settings; /* what it takes */
    int min_tensors, max_tensors;
    bool has_prox;
} goss_reg_kind;

/* Row i of the table; NULL behind the last. Static. */
GOSS_API const goss_reg_kind *goss_reg_kind_at(int i);
/* A kind by name. Errors: GOSS_E_ARGUMENT names those that are spelled like it, or all. */
GOSS_API GOSS_MUST_USE goss_status goss_reg_find(const char *name, const goss_reg_kind **out, goss_error *err);

/* ---- penalties ---- */

/* The norm of norm_hyper: sum |m|, sqrt(sum m^2), max |m|, sum of singular values, sum over columns of their L2
 * norms. */
typedef enum goss_reg_norm {
    GOSS_NORM_L1,
    GOSS_NORM_L2,
    GOSS_NORM_LINF,
    GOSS_NORM_NUCLEAR,
    GOSS_NORM_GROUP
} goss_reg_norm;

/* A kind takes some of these (goss_reg_kind.settings); one that it does not take must have its default. */
typedef struct goss_reg_options {
    double strength; /* 1; at least 0. With 0 the value is the constant 0 and costs nothing */
    double epsilon;  /* 0: exact. Else |x| becomes sqrt(x^2 + epsilon^2) - epsilon; norms and singular values alike */
    double mix;      /* 0.5: elastic's share of l1, 0 to 1 */
    double bound;    /* 1: max_norm's c, above 0 */
    int power;       /* 2: squares of differences, of activations; 1: their norms, or sizes */
    int axis;  /* whose elements are the units (group, max_norm; 0: the last), the features (l21; 0: every number) */
    bool each; /* false: of the matrix of all tasks R; true: of each task's own [..., C] as a matrix of C columns */
    bool
        branches; /* false: what is tied are tasks, the rows of one tensor; true: the tensors given, within each task */
    bool normalized; /* false; true: rows divided by the square root of their degree (symmetric normalised Laplacian) */
    double target;   /* 0: all variances equal; else all of them this */
    double ridge;    /* 1e-3, above 0: added to the diagonal of a covariance */
    int bins;        /* 32 of the histogram, from -4 to 4 standard deviations; 4 to 256 */
    goss_reg_norm norm; /* GOSS_NORM_NUCLEAR */
    goss_val adjacency; /* [K, K] weights between the K tasks or branches, at least 0; (A + A') / 2 counts, the diagonal
                            does not. GOSS_NONE: none given. See goss_edges_matrix, goss_reg_adjacency */
    goss_val weight;    /* [T, N] of samples (0: padding) in means over them; GOSS_NONE: equal */
} goss_reg_options;
GOSS_API goss_reg_options goss_reg_defaults(void);

/* strength times the penalty of that kind. [T], or rank 0 where tasks are tied (goss_sum_all makes one number of both).
 * options NULL: defaults. Errors: sticky; texts begin with the kind ("regularizer l1: ..."). */
GOSS_API goss_val goss_reg_build(const char *kind, const goss_val *tensors, int n, const goss_reg_options *o);

/* The proximal operator argmin_X step strength penalty(X) + 1/2 ||X - W||^2, of W's shape: what a step of proximal
 * gradient descent does after W - step gradient (Parikh and Boyd 2014). step: rank 0. l1, elastic, group, l21,
 * nuclear (singular value thresholding, Cai, Candes and Shen 2010) come to exact zeros by it. Kinds with has_prox;
 * epsilon must be 0, power 2. */
GOSS_API goss_val goss_reg_prox(const char *kind, goss_val w, goss_val step, const goss_reg_options *o);

/* ---- graphs over tasks or branches ---- */

typedef struct goss_edge {
    int a, b; /* different nodes from 0 on */
    double weight;
} goss_edge;
/* The symmetric matrix [nodes, nodes] of an undirected graph, for an input or a parameter `adjacency`. Errors:
 * GOSS_E_ARGUMENT tells the edge: a node that is not there, a loop, a weight that is negative or not finite, an edge
 * given twice. */
GOSS_API GOSS_MUST_USE goss_status goss_edges_matrix(const goss_edge *edges, int n, int64_t nodes, float *out,
                                                     goss_error *err);

/* A learned graph: softplus((theta + theta') / 2) off the diagonal, 0 on it. theta [K, K], usually a parameter. */
GOSS_API goss_val goss_reg_adjacency(goss_val theta);
/* What keeps a learned adjacency A [K, K] from vanishing and makes it sparse, rank 0:
 *   -degree sum_k log(sum_l A_kl + 1e-8) + square/2 sum A^2 + sparsity sum |A|        (Kalofolias 2016)
 * Without the first term a Laplacian penalty is least where there is no graph. */
GOSS_API goss_val goss_reg_graph_prior(goss_val adjacency, double degree, double square, double sparsity);

/* ---- the network of norm_hyper ---- */

/* Declares the parameters NAME.a [D, H], NAME.a.bias [H], NAME.b [H, D], NAME.b.bias [D]: the four tensors that
 * norm_hyper takes after its matrix. All zero, the penalty is the plain norm; goss_reg_network_start gives NAME.a its
 * numbers. */
GOSS_API void goss_reg_network(goss_graph *g, const char *name, int64_t width, int64_t hidden, goss_val out[4]);
/* Normal numbers of variance 1 / width into a[width * hidden]. */
GOSS_API void goss_reg_network_start(int64_t width, int64_t hidden, uint64_t seed, float *a);

/* ---- weights of several regularisers, or of several losses ---- */

typedef struct goss_reg_weigh_options {
    const char *name;         /* "weights": prefix of the parameters that hold its state */
    double rate;              /* 0.025: steps of grad_norm and famo */
    double alpha;             /* 1.5: grad_norm's pull towards equal progress; 0 to 3 */
    double decay;             /* 1e-3: famo's */
    double temperature;       /* 1: entropy's softmax; towards 0 the highest entropy gets all */
    double smoothing;         /* 0.9: entropy's moving average keeps this of the old one; 0 to below 1 */
    const goss_val *strength; /* fixed: n values of rank 0; NULL: all 1 */
    const goss_val *entropy;  /* entropy: n values of rank 0 */
    const goss_val *shared;   /* grad_norm: n_shared values that gradients are taken by */
    int n_shared;
} goss_reg_weigh_options;
GOSS_API goss_reg_weigh_options goss_reg_weigh_defaults(void);

typedef struct goss_reg_weighed {
    goss_val total;      /* rank 0: what is minimised */
    goss_val weights;    /* [n]: what each term's gradient is multiplied by, without a gradient of its own */
    goss_val updates[4]; /* assignments for goss_compile: */
    int n_updates;
    goss_val state[4], next[4]; /* of update i the parameter, and what it becomes */
    goss_val learned; /* uncertainty: the log variances [n], a parameter to be trained with the model; else GOSS_NONE */
} goss_reg_weighed;

/* One number out of n terms (rank 0 each, at most 64), by scheme:
 *   fixed        sum_k strength_k L_k
 *   uncertainty  sum_k 1/2 exp(-s_k) L_k + 1/2 s_k, s trained              (Kendall, Gal and Cipolla 2018)
 *   entropy      w = n softmax(h / temperature), h the moving average of the entropies
 *   grad_norm    w moved so that w_k ||grad L_k|| comes near its mean times (L_k / L_k(0) relative to the
 * others')^alpha, then brought to sum n                                     (Chen et al. 2018)
 *   famo         sum_k z_k log L_k, scaled, z = softmax(xi); xi follows the fall of log L since the last step
 *                                                                          (Liu et al. 2023)
 * State, zero at
 * the start: NAME.log_variance [n]; NAME.entropy [n], NAME.steps; NAME.weights [n] (kept minus 1), NAME.first [n],
 * NAME.steps; NAME.logits [n], NAME.last [n], NAME.steps. famo's terms must be positive; it compares losses of two
 * steps, each on its own batch. Errors: sticky; an unknown scheme lists them. */
GOSS_API goss_reg_weighed goss_reg_weigh(const char *scheme, const goss_val *terms, int n,
                                         const goss_reg_weigh_options *o);

/* ---- without a graph: any other framework's tensors ---- */

typedef struct goss_reg goss_reg;
typedef struct goss_reg_tensor {
    const float *data; /* dense, row-major */
    int rank;
    int64_t shape[GOSS_MAX_RANK];
} goss_reg_tensor;

/* A penalty by itself. edges: the graph of kinds that take an adjacency (copied; n_edges 0: none); o->adjacency and
 * o->weight must be GOSS_NONE. threads: of the computation, <= 0: as goss_threads_new. Free with goss_reg_free.
 * Errors: GOSS_E_ARGUMENT: kind, settings, edges. */
GOSS_API GOSS_MUST_USE goss_status goss_reg_new(const char *kind, const goss_reg_options *o, const goss_edge *edges,
                                                int n_edges, int threads, goss_reg **out, goss_error *err);
GOSS_API void goss_reg_free(goss_reg *r); /* NULL allowed */
/* value: strength times the penalty, summed over tasks. grads[i], of tensor i's shape: its gradient is written there;
 * NULL there, or grads NULL: not wanted. Compiles at the first call with these shapes and keeps eight such programs;
 * after that a call allocates nothing.
 * Errors: GOSS_E_SHAPE and GOSS_E_ARGUMENT: tensors that do not fit. Threads: a goss_reg is for one thread at a time;
 * different ones may run at the same time. */
GOSS_API GOSS_MUST_USE goss_status goss_reg_value_grad(goss_reg *r, const goss_reg_tensor *tensors, int n,
                                                       double *value, float *const *grads, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
