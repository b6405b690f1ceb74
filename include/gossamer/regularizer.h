/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer.h: penalties on weights, features, hidden states and gates of one or several tasks, as values of a graph.
 * A penalty can be attached to any value of a graph. Formulas and papers: docs/regularisers.md and goss_reg_kind_at.
 *
 * A penalty maps tensors [T, ...], with tasks as the first axis, to one number per task [T], or to a scalar (rank 0) if
 * it couples tasks. It consists of public builders and thus has derivatives of any order. Where a norm is not
 * differentiable, its gradient is the subgradient of minimal norm (0 at 0); `epsilon` smooths it. R is a tensor as a
 * matrix [T, D], one row per task. Errors are the graph's sticky error unless a function returns a status. Threads:
 * those of the graph.
 *
 *     goss_reg_options o = goss_reg_defaults();
 *     o.strength = 1e-3;
 *     loss = goss_add(loss, goss_reg_build("nuclear", &weights, 1, &o));        // trace norm of the tasks' weights */
#ifndef GOSSAMER_REGULARIZER_H
#define GOSSAMER_REGULARIZER_H

#include "gossamer/compose.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the table of kinds ---- */

/* Bits of the settings of goss_reg_options that a kind takes, besides strength. */
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

/* A kind of penalty; all are in docs/regularisers.md. */
typedef struct goss_reg_kind {
    const char *name;             /* "l1", "nuclear", "laplacian" ... */
    const char *formula;          /* without the factor strength */
    const char *limit;            /* the limit of infinite strength */
    const char *source;           /* the paper */
    unsigned settings;            /* GOSS_REG_...: the settings it takes */
    int min_tensors, max_tensors; /* number of tensors */
    bool has_prox;                /* goss_reg_prox supports it */
    bool negative;                /* it may be below 0: no term for weightings by logarithms or ratios of terms */
} goss_reg_kind;

/* Kind i; NULL after the last. Static storage. */
GOSS_API const goss_reg_kind *goss_reg_kind_at(int i);
/* A kind by name. Static storage. Errors: GOSS_E_ARGUMENT, with names of similar spelling, or all. */
GOSS_API GOSS_MUST_USE goss_status goss_reg_find(const char *name, const goss_reg_kind **out, goss_error *err);

/* ---- penalties ---- */

/* The norm of norm_hyper: sum |m|, sqrt(sum m^2), max |m|, the sum of singular values, the sum over columns of their L2
 * norms. */
typedef enum goss_reg_norm {
    GOSS_NORM_L1,
    GOSS_NORM_L2,
    GOSS_NORM_LINF,
    GOSS_NORM_NUCLEAR,
    GOSS_NORM_GROUP
} goss_reg_norm;

/* Settings of a penalty, with defaults. A kind takes some of them (goss_reg_kind.settings); others must have their
 * defaults. */
typedef struct goss_reg_options {
    double strength; /* 1; at least 0. With 0 the value is the constant 0, without cost */
    double epsilon;  /* 0: exact. Else |x| becomes sqrt(x^2 + epsilon^2) - epsilon; norms and singular values alike */
    double mix;      /* 0.5: elastic: the weight of l1, 0 to 1 */
    double bound;    /* 1: the c of max_norm, above 0 */
    int power;       /* 2: squares of differences or activations; 1: their norms, or magnitudes */
    int axis;        /* the axis of units (group, max_norm; 0: the last), or of features (l21; 0: every number) */
    bool each; /* false: of the matrix R of all tasks; true: of each task's tensor [..., C] as a matrix of C columns */
    bool branches; /* false: couples tasks, the rows of one tensor; true: couples the given tensors, within each task */
    bool normalized; /* false; true: rows divided by the square root of their degree (symmetric normalised Laplacian) */
    double target;   /* 0: all variances equal; else all equal to this */
    double ridge;    /* 1e-3, above 0: added to the diagonal of a covariance */
    int bins;        /* 32 of the histogram, from -4 to 4 standard deviations; 4 to 256 */
    goss_reg_norm norm; /* GOSS_NORM_NUCLEAR */
    /* [K, K] weights at least 0 between K tasks or branches; (A + A') / 2 is used, without its diagonal. GOSS_NONE:
     * none. See goss_edges_matrix, goss_reg_adjacency. */
    goss_val adjacency;
    goss_val weight; /* [T, N] weights of samples (0: padding) in means over them; GOSS_NONE: equal */
} goss_reg_options;
/* The defaults. */
GOSS_API goss_reg_options goss_reg_defaults(void);

/* strength times a penalty. Shapes: tensors[i] [T, ...]; the result is [T], or a scalar if the penalty couples tasks
 * (goss_sum_all reduces both to a scalar). o: NULL: the defaults. Errors: sticky, beginning with the kind ("regularizer
 * l1: ..."): an unknown kind, a wrong number of tensors, shapes, settings out of range or not taken by the kind. */
GOSS_API goss_val goss_reg_build(const char *kind, const goss_val *tensors, int n, const goss_reg_options *o);

/* The proximal operator argmin_X step strength penalty(X) + 1/2 ||X - W||^2, of W's shape, applied after the gradient
 * step W - step gradient in proximal gradient descent (Parikh and Boyd 2014). It yields exact zeros for l1, elastic,
 * group, l21 and nuclear (singular value thresholding, Cai, Candes and Shen 2010). step: a scalar. Errors: sticky: a
 * kind without has_prox, epsilon not 0, power not 2. */
GOSS_API goss_val goss_reg_prox(const char *kind, goss_val w, goss_val step, const goss_reg_options *o);

/* ---- graphs over tasks or branches ---- */

/* A weighted edge of an undirected graph. */
typedef struct goss_edge {
    int a, b; /* different nodes from 0 on */
    double weight;
} goss_edge;
/* The symmetric adjacency matrix of an undirected graph, out [nodes, nodes], for an input or parameter `adjacency`.
 * Errors: GOSS_E_ARGUMENT names the edge: a node out of range, a self-loop, a weight that is negative or not finite, a
 * repeated edge. */
GOSS_API GOSS_MUST_USE goss_status goss_edges_matrix(const goss_edge *edges, int n, int64_t nodes, float *out,
                                                     goss_error *err);

/* A learned graph: softplus((theta + theta') / 2) off the diagonal, 0 on it. theta [K, K], usually a parameter. */
GOSS_API goss_val goss_reg_adjacency(goss_val theta);
/* A prior that keeps a learned adjacency A [K, K] from vanishing and makes it sparse, a scalar:
 *   -degree sum_k log(sum_l A_kl + 1e-8) + square/2 sum A^2 + sparsity sum |A|        (Kalofolias 2016)
 * Without the first term, a Laplacian penalty is minimal for the empty graph. */
GOSS_API goss_val goss_reg_graph_prior(goss_val adjacency, double degree, double square, double sparsity);

/* ---- the network of norm_hyper ---- */

/* Declares the parameters of norm_hyper's network with D = width, H = hidden: NAME.a [D, H], NAME.a.bias [H], NAME.b
 * [H, D], NAME.b.bias [D], the four tensors that follow its matrix in goss_reg_build. If all are zero, the penalty is
 * the plain norm; goss_reg_network_start initialises NAME.a. Errors: sticky. */
GOSS_API void goss_reg_network(goss_graph *g, const char *name, int64_t width, int64_t hidden, goss_val out[4]);
/* Initialises a [width * hidden] with normal random numbers of variance 1 / width, a function of seed. */
GOSS_API void goss_reg_network_start(int64_t width, int64_t hidden, uint64_t seed, float *a);

/* ---- weights of several regularisers, or of several losses ---- */

/* Settings of goss_reg_weigh; each scheme uses some of them. */
typedef struct goss_reg_weigh_options {
    const char *name;         /* "weights": prefix of the state parameters */
    double rate;              /* 0.025: step size of grad_norm and famo */
    double alpha;             /* 1.5: grad_norm: the strength of balancing; 0 to 3 */
    double decay;             /* 1e-3: famo: weight decay of the logits */
    double temperature;       /* 1: entropy: of the softmax; towards 0 the highest entropy gets all the weight */
    double smoothing;         /* 0.9: entropy: the weight of the old value in the moving average; 0 to below 1 */
    const goss_val *strength; /* fixed: n scalars; NULL: all 1 */
    const goss_val *entropy;  /* entropy: n scalars */
    const goss_val *shared;   /* grad_norm: n_shared variables of the gradients */
    int n_shared;
} goss_reg_weigh_options;
/* The defaults. */
GOSS_API goss_reg_weigh_options goss_reg_weigh_defaults(void);

/* The result of goss_reg_weigh. */
typedef struct goss_reg_weighed {
    goss_val total;      /* scalar: the objective */
    goss_val weights;    /* [n]: the factor of each term's gradient, without a gradient */
    goss_val updates[4]; /* assignments for goss_compile: */
    int n_updates;
    goss_val state[4], next[4]; /* of update i: the parameter and its new value */
    goss_val learned; /* uncertainty: the log variances [n], a parameter to train with the model; else GOSS_NONE */
} goss_reg_weighed;

/* Combines n terms (scalars, at most 64) into one objective, by scheme:
 *   fixed        sum_k strength_k L_k
 *   uncertainty  sum_k 1/2 exp(-s_k) L_k + 1/2 s_k, s trained              (Kendall, Gal and Cipolla 2018)
 *   entropy      w = n softmax(h / temperature), h the moving average of the entropies
 *   grad_norm    w is updated so that w_k ||grad L_k|| approaches its mean times r_k^alpha, r_k = L_k / L_k(0) relative
 *                to the mean over k; then normalised to sum n                                     (Chen et al. 2018)
 *   famo         sum_k z_k log L_k, scaled, z = softmax(xi); xi follows the decrease of log L since the last step
 *                                                                          (Liu et al. 2023)
 * State, initially zero: NAME.log_variance [n]; NAME.entropy [n], NAME.steps; NAME.weights [n] (stored minus 1),
 * NAME.first [n], NAME.steps; NAME.logits [n], NAME.last [n], NAME.steps. The terms of famo must be positive; it
 * compares the losses of two steps, each on its own batch. Errors: sticky: an unknown scheme (with the list), terms
 * that are not scalars, settings out of range. */
GOSS_API goss_reg_weighed goss_reg_weigh(const char *scheme, const goss_val *terms, int n,
                                         const goss_reg_weigh_options *o);

/* ---- reports ---- */

#define GOSS_RANK_SIDE 2048 /* rows or columns of a matrix whose singular values are reported, at most */

/* The effective rank of a matrix x [rows, columns]: exp(-sum_i p_i log p_i), p_i = sigma_i / sum_j sigma_j of its
 * singular values: from 1, one direction, to the smaller side, all alike. centred: of the deviations from the mean row.
 * NaN for a matrix of zeros. Errors: GOSS_E_ARGUMENT: more than GOSS_RANK_SIDE rows and columns; GOSS_E_NUMERIC:
 * numbers that are not finite; GOSS_E_NOMEM. Source: Roy and Vetterli 2007, "The effective rank: a measure of effective
 * dimensionality". */
GOSS_API GOSS_MUST_USE goss_status goss_effective_rank(const float *x, int64_t rows, int64_t columns, bool centred,
                                                       double *out, goss_error *err);

/* What is reported of a matrix with a row for each sample and a column for each unit. NaN: not defined. */
typedef struct goss_matrix_figures {
    int64_t rows, columns;
    double effective_rank; /* goss_effective_rank; NaN: all numbers are 0 */
    double centred_rank; /* the same of the deviations from the mean row; NaN: all rows are the same, or there is one */
    double stable_rank;  /* sum sigma^2 / max sigma^2; NaN: all numbers are 0 */
    double entropy;      /* nats a dimension, as the penalty entropy_gaussian with its default ridge; NaN: one row */
    double norm;         /* mean Euclidean norm of a row */
    /* The share of columns that are the same in all rows, to 1e-6 of their largest magnitude: units that tell no two
     * samples apart, as a relu that never fires. NaN: one row. */
    double dead;
} goss_matrix_figures;
/* Measures x [rows, columns]. Errors: as goss_effective_rank. */
GOSS_API GOSS_MUST_USE goss_status goss_matrix_measure(const float *x, int64_t rows, int64_t columns,
                                                       goss_matrix_figures *out, goss_error *err);

/* How similar two representations of the same samples are, x [rows, columns_x] and y [rows, columns_y], row i of both
 * of sample i: linear centred kernel alignment ||Y'X||^2 / (||X'X|| ||Y'Y||) of columns less their means, Frobenius
 * norms. 1: equal but for a rotation, a factor and a shift; 0: uncorrelated. Fewer rows than columns make it larger.
 * *out NaN: all rows of one are the same. Errors: GOSS_E_ARGUMENT: fewer than two rows; GOSS_E_NUMERIC: numbers that
 * are not finite; GOSS_E_NOMEM. Source: Kornblith et al. 2019, "Similarity of neural network representations
 * revisited". */
GOSS_API GOSS_MUST_USE goss_status goss_linear_cka(const float *x, int64_t columns_x, const float *y, int64_t columns_y,
                                                   int64_t rows, double *out, goss_error *err);

/* ---- without a graph: tensors of other frameworks ---- */

/* A compiled penalty, for tensors of other frameworks. */
typedef struct goss_reg goss_reg;
/* A tensor in the caller's memory. */
typedef struct goss_reg_tensor {
    const float *data; /* dense, row-major */
    int rank;
    int64_t shape[GOSS_MAX_RANK];
} goss_reg_tensor;

/* Creates a penalty. edges: the graph for kinds that take an adjacency (copied; n_edges 0: none); o->adjacency and
 * o->weight must be GOSS_NONE. threads: their number, <= 0: as goss_threads_new. Errors: GOSS_E_ARGUMENT: kind,
 * settings, edges; GOSS_E_NOMEM. Owns: *out, goss_reg_free. */
GOSS_API GOSS_MUST_USE goss_status goss_reg_new(const char *kind, const goss_reg_options *o, const goss_edge *edges,
                                                int n_edges, int threads, goss_reg **out, goss_error *err);
/* Frees it; NULL is allowed. */
GOSS_API void goss_reg_free(goss_reg *r);
/* Evaluates strength times the penalty, summed over tasks, and its gradients. grads[i] receives the gradient for tensor
 * i, in its shape; value, grads or grads[i] NULL: not wanted. Compiles at the first call with given shapes and caches
 * eight programs; later calls allocate nothing. Numbers that are not finite give a value that is not. Errors:
 * GOSS_E_SHAPE, GOSS_E_ARGUMENT: tensors that do not match the kind; GOSS_E_NOMEM. Threads: one at a time per goss_reg;
 * different ones may run concurrently. */
GOSS_API GOSS_MUST_USE goss_status goss_reg_value_grad(goss_reg *r, const goss_reg_tensor *tensors, int n,
                                                       double *value, float *const *grads, goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
