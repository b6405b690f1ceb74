/* SPDX-License-Identifier: Apache-2.0 */
/* singular.c: singular values and vectors of small-sided matrices, the root (W W' + eps^2)^(1/2), and the Lyapunov
 * equation, which is its gradient.
 *
 * One decomposition W W' = U diag(sigma^2) U' is done once, in double, by the operation `singular`, whose results are
 * U and sigma. In a graph and in a schedule it is one node, [..., M, N] -> [..., M, M+1]: the columns of U by falling
 * sigma and then sigma, which its two selectors read. That node has no gradient. Differentiation applies to the
 * selectors and to two operations that read them, with analytic gradients in terms of the four and products:
 *
 *   vectors  U                    (U' dU)_ij = (U' dA U)_ij / (sigma_j^2 - sigma_i^2), 0 where those are equal
 *   values   sigma                dsigma_i = u_i' dW v_i
 *   root     S = U diag(s) U', s = (sigma^2 + eps^2)^(1/2)        S dS + dS S = dW W' + W dW'
 *   lyapunov X with S X + X S = C                                 S dX + dX S = dC - dS X - X dS
 *
 * The gradients of the last two, which reach W directly and not through U and sigma, divide by s_i + s_j, never by a
 * difference, and thus hold for equal singular values at every order. Where s_i + s_j is 0 (below NULL_SPACE of the
 * largest), X is 0: the solution of least norm. */
#include <math.h>

#include "ops/ops.h"

/* Singular values below this fraction of the largest count as 0: rounding in f32 alone contributes about 1e-7. */
#define NULL_SPACE 1e-6
#define GOSS__SINGULAR_SIDE 1024 /* the cost grows with its cube */

static goss__slicing batch_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    return goss__slice_leading(s, L, cut, s->in[0]->rank - 2);
}

static const goss__attr_field root_fields[] = {
    GOSS__FIELD(root, eps, REAL),
};
GOSS__DEFINE_ATTRS(root, root_fields);

/* ---- the decomposition ---- */

static int64_t side(const goss__tensor *t) { return t->dim[t->rank - 2]; }

static size_t basis_scratch(const goss__shapes *s, bool f64, const goss__kernels *k) {
    size_t m = (size_t)side(&s->in[0]);
    return (2 * m * m + 5 * m + (f64 ? 0 : GOSS__GRAM_COLUMNS * m)) * sizeof(double);
}

/* The Gram matrix, and about 10 M^3 for the eigenvalues. */
static double basis_cost(const goss__shapes *s) {
    double m = (double)side(&s->in[0]);
    return (double)s->in[0].numel * m + 10 * m * m * (double)s->out->numel / (m + 1);
}

/* a[m,m] holds the inner products; out [m, m+1]. Vectors by decreasing value, the element of largest magnitude
 * positive. */
#define DECOMPOSE(real, suffix)                                                                                        \
    static void put_vector_##suffix(const double *v, double value, int64_t m, int64_t column, real *out) {             \
        int64_t most = 0;                                                                                              \
        for (int64_t i = 1; i < m; i++) most = fabs(v[i]) > fabs(v[most]) ? i : most;                                  \
        for (int64_t i = 0; i < m; i++) out[i * (m + 1) + column] = (real)(v[most] < 0 ? -v[i] : v[i]);                \
        out[column * (m + 1) + m] = (real)sqrt(value > 0 ? value : 0);                                                 \
    }                                                                                                                  \
    static void decompose_##suffix(const goss__call *c, double *a, int64_t m, real *out) {                             \
        double *z = a + m * m, *d = z + m * m;                                                                         \
        if (!c->kernels->sym_eig(a, m, d, z, d + m)) {                                                                 \
            for (int64_t i = 0; i < m * (m + 1); i++) out[i] = (real)NAN;                                              \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t column = 0; column < m; column++) {                                                               \
            int64_t most = column;                                                                                     \
            for (int64_t i = column + 1; i < m; i++) most = d[i] > d[most] ? i : most;                                 \
            for (int64_t i = 0; most != column && i < m; i++) {                                                        \
                double t = z[most * m + i];                                                                            \
                z[most * m + i] = z[column * m + i], z[column * m + i] = t;                                            \
            }                                                                                                          \
            double value = d[most];                                                                                    \
            d[most] = d[column];                                                                                       \
            put_vector_##suffix(z + column * m, value, m, column, out);                                                \
        }                                                                                                              \
    }                                                                                                                  \
    static void basis_##suffix(const goss__call *c) {                                                                  \
        const goss__tensor *w = &c->shapes->in[0];                                                                     \
        int64_t m = side(w), n = w->dim[w->rank - 1], count = goss__numel(w, 0, w->rank - 2);                          \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            gram_##suffix(c, (const real *)c->in[0] + i * m * n, m, n);                                                \
            decompose_##suffix(c, c->scratch, m, (real *)c->out + i * m * (m + 1));                                    \
        }                                                                                                              \
    }

static void gram_f32(const goss__call *c, const float *w, int64_t m, int64_t n) {
    double *out = c->scratch;
    c->kernels->gram(out, w, m, n, out + 2 * m * m + 5 * m);
}
static void gram_f64(const goss__call *c, const double *w, int64_t m, int64_t n) {
    double *out = c->scratch;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            for (int64_t k = 0; k < n; k++) sum += w[i * n + k] * w[j * n + k];
            out[i * m + j] = out[j * m + i] = sum;
        }
}
DECOMPOSE(float, f32)
DECOMPOSE(double, f64)

/* (U, sigma); -1: both as one node. */
static void result_shape(const goss_shape *const *in, int k, goss_shape *out) {
    *out = *in[0];
    if (out->rank < 2) return; /* of a program that the verifier refuses */
    const goss_extent m = out->dim[out->rank - 2];
    out->dim[out->rank - 1] = k < 0 ? goss_n(m.count + 1) : k == 0 ? m : (goss_extent){0};
    if (k == 1) out->rank--;
}

static const goss__results results = {.selector = {&goss__op_singular_vectors, &goss__op_singular_values},
                                      .n_selectors = 2,
                                      .repeats_operands = true,
                                      .shape = result_shape};
const goss__op goss__op_singular = {.name = "singular",
                                    .results = &results,
                                    .batch_axes = goss__batch_of_matrices,
                                    .no_gradient = true,
                                    .slicing = {.slice = batch_slice},
                                    .cost = {.flops = basis_cost},
                                    .kernel = {.scratch = basis_scratch, .run_f32 = basis_f32, .run_f64 = basis_f64}};

/* ---- helpers of the builders ---- */

/* w, transposed if needed so that its first side is the smaller one, or the one that is a number. */
static bool by_smaller_side(const char *op, goss_val *w) {
    if (!goss__typed(op, w, 1, GOSS_REAL)) return false;
    int r = goss_rank(*w);
    if (r < 2) {
        goss__misfit(op, *w, "a matrix is needed: at least two axes");
        return false;
    }
    goss_extent m = goss_dim(*w, r - 2), n = goss_dim(*w, r - 1);
    if (m.symbols && n.symbols) {
        goss__misfit(op, *w, "one of the last two axes must have a fixed extent");
        return false;
    }
    bool turn = m.symbols || (!n.symbols && m.count > n.count);
    if ((turn ? n : m).count > GOSS__SINGULAR_SIDE) {
        goss__misfit(op, *w, "the smaller side of a matrix is at most %d", GOSS__SINGULAR_SIDE);
        return false;
    }
    if (turn) *w = goss_transpose(*w);
    return true;
}

static goss_shape shape_of_result(goss_val w, int k) {
    const goss_shape s = goss_shape_of(w);
    goss_shape out;
    result_shape((const goss_shape *[]){&s}, k, &out);
    return out;
}
static goss_val basis_of(goss_val w) {
    return goss__make(&goss__op_singular, GOSS_REAL, shape_of_result(w, -1), &w, 1, NULL);
}
static goss_val vectors_of(goss_val w, goss_val basis) {
    return goss__make(&goss__op_singular_vectors, GOSS_REAL, shape_of_result(w, 0), (goss_val[]){w, basis}, 2, NULL);
}
static goss_val values_of(goss_val w, goss_val basis) {
    return goss__make(&goss__op_singular_values, GOSS_REAL, shape_of_result(w, 1), (goss_val[]){w, basis}, 2, NULL);
}
static goss_val root_of(goss_val w, goss_val basis, const goss__root_attr *attr) {
    goss_val in[3] = {w, vectors_of(w, basis), values_of(w, basis)};
    return goss__make(&goss__op_gram_root, GOSS_REAL, shape_of_result(w, 0), in, 3, attr);
}
/* in: the root, the vectors and values that it was made from. */
static goss_val lyapunov(const goss_val *in, goss_val c, const goss__root_attr *attr) {
    goss_val all[4] = {in[0], in[1], in[2], c};
    return goss__make(&goss__op_lyapunov, GOSS_REAL, goss_shape_of(in[0]), all, 4, attr);
}
/* a + a', of matrices. */
static goss_val both_ways(goss_val a) { return goss_add(a, goss_transpose(a)); }

goss_val goss_singular_values(goss_val w) {
    return by_smaller_side("singular_values", &w) ? values_of(w, basis_of(w)) : (goss_val){w.graph, 0};
}
goss_val goss_singular_vectors(goss_val w) {
    return by_smaller_side("singular_vectors", &w) ? vectors_of(w, basis_of(w)) : (goss_val){w.graph, 0};
}
goss_val goss_gram_root(goss_val w, double eps) {
    if (!by_smaller_side("gram_root", &w)) return (goss_val){w.graph, 0};
    if (!(eps >= 0) || eps == INFINITY)
        return goss_graph_fail(w.graph, GOSS_E_ARGUMENT, "gram_root: eps %g is not a number of at least 0", eps);
    return root_of(w, basis_of(w), &(goss__root_attr){eps});
}

/* ---- values and vectors ---- */

/* x / y where mask is not 0, else 0; the other y are not divided by. */
static goss_val divided(goss_val mask, goss_val x, goss_val y) {
    goss_graph *g = x.graph;
    return goss_select(mask, goss_div(x, goss_select(mask, y, goss_const(g, 1))), goss_const(g, 0));
}

/* sum_i g_i u_i v_i' with v_i' = u_i' W / sigma_i; 0 for a sigma that counts as 0. */
static void values_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    goss_val u = vectors_of(in[0], in[1]);
    goss_val least = goss_scale(goss_slice(y, -1, 0, 1), NULL_SPACE); /* decreasing: the first is the largest */
    goss_val share = goss_unsqueeze(divided(goss_detach(goss_less(least, y)), g, y), goss_rank(y) - 1);
    cot[0] = goss_matmul(goss_mul(u, share), goss_matmul(u, in[0], true, false), false, false);
}

static void vectors_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    goss_val value = values_of(in[0], in[1]);
    int last = goss_rank(value) - 1;
    goss_val row = goss_unsqueeze(value, last), column = goss_unsqueeze(value, last + 1);
    /* sigma_j^2 - sigma_i^2, and whether it counts as nonzero */
    goss_val gap = goss_mul(goss_sub(row, column), goss_add(row, column));
    goss_val most = goss_square(goss_slice(row, -1, 0, 1));
    goss_val apart = goss_less(goss_scale(most, NULL_SPACE), goss_abs(gap));
    goss_val k = divided(apart, goss_matmul(y, g, true, false), gap);
    goss_val c = goss_matmul(goss_matmul(y, k, false, false), y, false, true);
    cot[0] = goss_matmul(both_ways(c), in[0], false, false);
}

#define VIEWS(real, suffix)                                                                                            \
    static void values_##suffix(const goss__call *c) {                                                                 \
        const goss__tensor *e = &c->shapes->in[1];                                                                     \
        const real *basis = c->in[1];                                                                                  \
        int64_t m = side(e);                                                                                           \
        for (int64_t i = 0; i < c->shapes->out->numel; i++) ((real *)c->out)[i] = basis[i * (m + 1) + m];              \
    }                                                                                                                  \
    static void vectors_##suffix(const goss__call *c) {                                                                \
        const goss__tensor *e = &c->shapes->in[1];                                                                     \
        const real *basis = c->in[1];                                                                                  \
        int64_t m = side(e), rows = c->shapes->out->numel / m;                                                         \
        for (int64_t i = 0; i < rows; i++)                                                                             \
            memcpy((real *)c->out + i * m, basis + i * (m + 1), (size_t)m * sizeof(real));                             \
    }
VIEWS(float, f32)
VIEWS(double, f64)

const goss__op goss__op_singular_values = {.name = "singular_values",
                                           .selects = &goss__op_singular,
                                           .batch_axes = goss__batch_of_matrices,
                                           .vjp = values_vjp,
                                           .slicing = {.slice = batch_slice},
                                           .kernel = {.run_f32 = values_f32, .run_f64 = values_f64}};
const goss__op goss__op_singular_vectors = {.name = "singular_vectors",
                                            .selects = &goss__op_singular,
                                            .batch_axes = goss__batch_of_matrices,
                                            .vjp = vectors_vjp,
                                            .slicing = {.slice = batch_slice},
                                            .kernel = {.run_f32 = vectors_f32, .run_f64 = vectors_f64}};

/* ---- root and Lyapunov equation ---- */

static void root_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    const goss_val made_from[3] = {y, in[1], in[2]};
    goss_val h = lyapunov(made_from, goss_scale(both_ways(g), 0.5), GOSS__ATTR(goss__node_of(y), root));
    cot[0] = goss_scale(goss_matmul(h, in[0], false, false), 2);
}

static void lyapunov_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    goss_val h = lyapunov(in, g, GOSS__ATTR(goss__node_of(y), root));
    if (want[3]) cot[3] = h;
    if (want[0]) cot[0] = goss_neg(goss_add(goss_matmul(h, y, false, true), goss_matmul(y, h, true, false)));
}

static double square_cost(const goss__shapes *s, double products) {
    return 2 * products * (double)s->out->numel * (double)side(s->out);
}
static double root_cost(const goss__shapes *s) { return square_cost(s, 1); }
static double lyapunov_cost(const goss__shapes *s) { return square_cost(s, 4); }

/* Scratch: the roots s, two matrices, and that of a product. */
static size_t square_scratch(const goss__shapes *s, bool f64, const goss__kernels *k) {
    size_t m = (size_t)side(s->out), numbers = (2 * m * m + m) * (f64 ? 8 : 4);
    size_t product = k->gemm_scratch((int64_t)m, (int64_t)m, (int64_t)m, false, true);
    size_t other = k->gemm_scratch((int64_t)m, (int64_t)m, (int64_t)m, true, false);
    size_t third = k->gemm_scratch((int64_t)m, (int64_t)m, (int64_t)m, false, false);
    product = product > other ? product : other;
    return (numbers + 63) / 64 * 64 + (product > third ? product : third);
}

/* c = op(a) op(b), m by m. */
static void product_f32(const goss__call *call, float *c, const float *a, bool ta, const float *b, bool tb, int64_t m) {
    goss__gemm g = {.m = m, .n = m, .k = m, .ta = ta, .tb = tb, .a = a, .lda = m, .b = b, .ldb = m, .c = c, .ldc = m};
    size_t numbers = (size_t)(2 * m * m + m) * sizeof(float);
    call->kernels->gemm(&g, (char *)call->scratch + (numbers + 63) / 64 * 64);
}
static void product_f64(const goss__call *call, double *c, const double *a, bool ta, const double *b, bool tb,
                        int64_t m) {
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < m; j++) {
            double sum = 0;
            for (int64_t k = 0; k < m; k++) sum += a[ta ? k * m + i : i * m + k] * b[tb ? j * m + k : k * m + j];
            c[i * m + j] = sum;
        }
}

/* Operands 1 and 2: U, sigma. */
#define SQUARES(real, suffix)                                                                                          \
    static void roots_##suffix(const goss__call *c, int64_t n, int64_t m, real *s) {                                   \
        const double eps = GOSS__ATTR(c->shapes, root)->eps;                                                           \
        for (int64_t i = 0; i < m; i++) {                                                                              \
            double sigma = ((const real *)c->in[2])[n * m + i];                                                        \
            s[i] = (real)(eps == 0 ? sigma : sqrt(sigma * sigma + eps * eps));                                         \
        }                                                                                                              \
    }                                                                                                                  \
    static void root_##suffix(const goss__call *c) {                                                                   \
        int64_t m = side(c->shapes->out), count = c->shapes->out->numel / (m * m);                                     \
        real *s = c->scratch, *scaled = s + m;                                                                         \
        for (int64_t n = 0; n < count; n++) {                                                                          \
            const real *u = (const real *)c->in[1] + n * m * m;                                                        \
            roots_##suffix(c, n, m, s);                                                                                \
            for (int64_t i = 0; i < m; i++)                                                                            \
                for (int64_t j = 0; j < m; j++) scaled[i * m + j] = u[i * m + j] * s[j];                               \
            product_##suffix(c, (real *)c->out + n * m * m, scaled, false, u, true, m);                                \
        }                                                                                                              \
    }                                                                                                                  \
    static void solve_##suffix(const goss__call *c) {                                                                  \
        int64_t m = side(c->shapes->out), count = c->shapes->out->numel / (m * m);                                     \
        real *s = c->scratch, *one = s + m, *two = one + m * m;                                                        \
        for (int64_t n = 0; n < count; n++) {                                                                          \
            const real *u = (const real *)c->in[1] + n * m * m, *right = (const real *)c->in[3] + n * m * m;           \
            roots_##suffix(c, n, m, s);                                                                                \
            product_##suffix(c, one, u, true, right, false, m);                                                        \
            product_##suffix(c, two, one, false, u, false, m);                                                         \
            for (int64_t i = 0; i < m; i++)                                                                            \
                for (int64_t j = 0; j < m; j++)                                                                        \
                    two[i * m + j] = s[i] + s[j] > (real)NULL_SPACE * s[0] ? two[i * m + j] / (s[i] + s[j]) : 0;       \
            product_##suffix(c, one, u, false, two, false, m);                                                         \
            product_##suffix(c, (real *)c->out + n * m * m, one, false, u, true, m);                                   \
        }                                                                                                              \
    }
SQUARES(float, f32)
SQUARES(double, f64)

const goss__op goss__op_gram_root = {.name = "gram_root",
                                     .attrs = &goss__root_attrs,
                                     .batch_axes = goss__batch_of_matrices,
                                     .vjp = root_vjp,
                                     .slicing = {.slice = batch_slice},
                                     .cost = {.flops = root_cost},
                                     .kernel = {.scratch = square_scratch, .run_f32 = root_f32, .run_f64 = root_f64}};
const goss__op goss__op_lyapunov = {.name = "lyapunov",
                                    .attrs = &goss__root_attrs,
                                    .linear = GOSS__OPERAND(3),
                                    .batch_axes = goss__batch_of_matrices,
                                    .vjp = lyapunov_vjp,
                                    .slicing = {.slice = batch_slice},
                                    .cost = {.flops = lyapunov_cost},
                                    .kernel = {.scratch = square_scratch, .run_f32 = solve_f32, .run_f64 = solve_f64}};
