/* SPDX-License-Identifier: Apache-2.0 */
/* spd.c: X with A X = B for small symmetric positive definite A, by Cholesky. Its gradient is another solve.
 *
 * Only A's lower triangle is read, so that A's gradient is there alone: fold_lower adds the part above the diagonal to
 * the one below (x_ij + x_ji), mirror_lower is its adjoint. The log determinant uses the same factor. */
#include <math.h>

#include "ops/ops.h"

static goss__slicing batch_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    return goss__slice_leading(s, L, cut, s->out->rank - 2);
}

static bool square_ok(const char *op, goss_val a) {
    int r = goss_rank(a);
    if (r >= 2 && goss_extent_equal(goss_dim(a, r - 1), goss_dim(a, r - 2))) return true;
    goss__misfit(op, a, "the last two axes must be equal");
    return false;
}

static goss_val triangle_op(const goss__op *op, goss_val a) {
    if (!goss__typed(op->name, &a, 1, GOSS_REAL) || !square_ok(op->name, a)) return (goss_val){a.graph, 0};
    return goss__make(op, GOSS_REAL, goss_shape_of(a), &a, 1, NULL);
}

static void fold_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    cot[0] = triangle_op(&goss__op_mirror_lower, g);
}
static void mirror_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    cot[0] = triangle_op(&goss__op_fold_lower, g);
}

static void solve_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    goss_val gb = goss_spd_solve(in[0], g); /* A is symmetric: A^-T = A^-1 */
    if (want[1]) cot[1] = gb;
    if (want[0]) cot[0] = triangle_op(&goss__op_fold_lower, goss_neg(goss_matmul(gb, y, false, true)));
}

/* Columns of B are independent systems. */
static uint32_t solve_batch(const goss__site *s, int i) {
    const int r = s->out->rank;
    return goss__first_axes(r - 2) | (i == 1 ? GOSS_AXIS(r - 1) : 0);
}

static double solve_cost(const goss__shapes *s) {
    double d = (double)s->in[0].dim[s->in[0].rank - 1];
    return (double)s->in[0].numel * d / 3 + 2 * (double)s->out->numel * d;
}

static size_t solve_scratch(const goss__shapes *s, bool f64, const goss__kernels *k) {
    int64_t d = s->in[0].dim[s->in[0].rank - 1];
    return (size_t)(d * d) * (f64 ? 8 : 4);
}

#define TRIANGLES(real, suffix, root)                                                                                  \
    static void fold_##suffix(const goss__call *c) {                                                                   \
        int64_t d = c->shapes->out->dim[c->shapes->out->rank - 1];                                                     \
        for (int64_t at = 0; at < c->shapes->out->numel; at += d * d) {                                                \
            const real *x = (const real *)c->in[0] + at;                                                               \
            real *y = (real *)c->out + at;                                                                             \
            for (int64_t i = 0; i < d; i++)                                                                            \
                for (int64_t j = 0; j < d; j++)                                                                        \
                    y[i * d + j] = j > i ? 0 : j == i ? x[i * d + i] : x[i * d + j] + x[j * d + i];                    \
        }                                                                                                              \
    }                                                                                                                  \
    static void mirror_##suffix(const goss__call *c) {                                                                 \
        int64_t d = c->shapes->out->dim[c->shapes->out->rank - 1];                                                     \
        for (int64_t at = 0; at < c->shapes->out->numel; at += d * d) {                                                \
            const real *x = (const real *)c->in[0] + at;                                                               \
            real *y = (real *)c->out + at;                                                                             \
            for (int64_t i = 0; i < d; i++)                                                                            \
                for (int64_t j = 0; j < d; j++) y[i * d + j] = j > i ? x[j * d + i] : x[i * d + j];                    \
        }                                                                                                              \
    }                                                                                                                  \
    /* Lower factor of a into l; a pivot that is not positive yields NaN, which propagates. */                         \
    static void factor_##suffix(const real *a, real *l, int64_t d) {                                                   \
        for (int64_t i = 0; i < d; i++)                                                                                \
            for (int64_t j = 0; j <= i; j++) {                                                                         \
                real sum = a[i * d + j];                                                                               \
                for (int64_t k = 0; k < j; k++) sum -= l[i * d + k] * l[j * d + k];                                    \
                l[i * d + j] = i == j ? root(sum > 0 ? sum : (real)NAN) : sum / l[j * d + j];                          \
            }                                                                                                          \
    }                                                                                                                  \
    static void substitute_##suffix(const real *l, real *x, int64_t d, int64_t e) {                                    \
        for (int64_t i = 0; i < d; i++) {                                                                              \
            for (int64_t k = 0; k < i; k++)                                                                            \
                for (int64_t j = 0; j < e; j++) x[i * e + j] -= l[i * d + k] * x[k * e + j];                           \
            for (int64_t j = 0; j < e; j++) x[i * e + j] /= l[i * d + i];                                              \
        }                                                                                                              \
        for (int64_t i = d; i-- > 0;) {                                                                                \
            for (int64_t k = i + 1; k < d; k++)                                                                        \
                for (int64_t j = 0; j < e; j++) x[i * e + j] -= l[k * d + i] * x[k * e + j];                           \
            for (int64_t j = 0; j < e; j++) x[i * e + j] /= l[i * d + i];                                              \
        }                                                                                                              \
    }                                                                                                                  \
    static void solve_##suffix(const goss__call *c) {                                                                  \
        const goss__tensor *out = c->shapes->out;                                                                      \
        int64_t d = out->dim[out->rank - 2], e = out->dim[out->rank - 1], n = goss__numel(out, 0, out->rank - 2);      \
        memcpy(c->out, c->in[1], (size_t)out->numel * sizeof(real));                                                   \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            factor_##suffix((const real *)c->in[0] + i * d * d, c->scratch, d);                                        \
            substitute_##suffix(c->scratch, (real *)c->out + i * d * e, d, e);                                         \
        }                                                                                                              \
    }
TRIANGLES(float, f32, sqrtf)
TRIANGLES(double, f64, sqrt)

#define LOG_DET(real, suffix)                                                                                          \
    static void log_det_##suffix(const goss__call *c) {                                                                \
        const goss__tensor *a = &c->shapes->in[0];                                                                     \
        int64_t d = a->dim[a->rank - 1];                                                                               \
        const real *l = c->scratch;                                                                                    \
        for (int64_t i = 0; i < c->shapes->out->numel; i++) {                                                          \
            double sum = 0;                                                                                            \
            factor_##suffix((const real *)c->in[0] + i * d * d, c->scratch, d);                                        \
            for (int64_t j = 0; j < d; j++) sum += log((double)l[j * d + j]);                                          \
            ((real *)c->out)[i] = (real)(2 * sum);                                                                     \
        }                                                                                                              \
    }
LOG_DET(float, f32)
LOG_DET(double, f64)

/* The gradient is the inverse: the solution with the identity on the right. */
static void log_det_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    goss_shape s = goss_shape_of(in[0]), scalar = s, one = {.rank = s.rank};
    goss_extent d = s.dim[s.rank - 1];
    for (int i = 0; i < s.rank; i++) one.dim[i] = i < s.rank - 2 ? goss_n(1) : d;
    goss_val eye = goss_reshape(goss_one_hot(goss_iota(y.graph, d), d), one);
    scalar.dim[s.rank - 1] = scalar.dim[s.rank - 2] = goss_n(1);
    goss_val inverse = goss_spd_solve(in[0], goss_broadcast(eye, s));
    cot[0] = triangle_op(&goss__op_fold_lower, goss_mul(inverse, goss_reshape(g, scalar)));
}
static goss__slicing log_det_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    return goss__slice_leading(s, L, cut, s->out->rank);
}
static double log_det_cost(const goss__shapes *s) {
    return (double)s->in[0].numel * (double)s->in[0].dim[s->in[0].rank - 1] / 3;
}

const goss__op goss__op_fold_lower = {.name = "fold_lower",
                                      .linear = GOSS__OPERAND(0),
                                      .monotone = GOSS__OPERAND(0),
                                      .batch_axes = goss__batch_of_matrices,
                                      .vjp = fold_vjp,
                                      .slicing = {.slice = batch_slice},
                                      .kernel = {.run_f32 = fold_f32, .run_f64 = fold_f64}};
const goss__op goss__op_mirror_lower = {.name = "mirror_lower",
                                        .linear = GOSS__OPERAND(0),
                                        .monotone = GOSS__OPERAND(0),
                                        .batch_axes = goss__batch_of_matrices,
                                        .selection = GOSS__SELECTS_BY_PLACE,
                                        .vjp = mirror_vjp,
                                        .slicing = {.slice = batch_slice},
                                        .kernel = {.run_f32 = mirror_f32, .run_f64 = mirror_f64}};
const goss__op goss__op_spd_solve = {.name = "spd_solve",
                                     .linear = GOSS__OPERAND(1),
                                     .batch_axes = solve_batch,
                                     .vjp = solve_vjp,
                                     .slicing = {.slice = batch_slice},
                                     .cost = {.flops = solve_cost},
                                     .kernel = {.scratch = solve_scratch, .run_f32 = solve_f32, .run_f64 = solve_f64}};

const goss__op goss__op_log_det = {
    .name = "log_det",
    .batch_axes = goss__batch_of_matrices,
    .vjp = log_det_vjp,
    .slicing = {.slice = log_det_slice},
    .cost = {.flops = log_det_cost},
    .kernel = {.scratch = solve_scratch, .run_f32 = log_det_f32, .run_f64 = log_det_f64}};

goss_val goss_log_det(goss_val a) {
    if (!goss__typed("log_det", &a, 1, GOSS_REAL) || !square_ok("log_det", a)) return (goss_val){a.graph, 0};
    goss_shape s = goss_shape_of(a);
    s.rank -= 2;
    return goss__make(&goss__op_log_det, GOSS_REAL, s, &a, 1, NULL);
}

goss_val goss_spd_solve(goss_val a, goss_val b) {
    goss_val in[2] = {a, b};
    if (!goss__typed("spd_solve", in, 2, GOSS_REAL) || !square_ok("spd_solve", a))
        return (goss_val){goss__graph_of(in, 2), 0};
    goss_shape s = goss_shape_of(a), t = goss_shape_of(b);
    bool fits = s.rank == t.rank;
    for (int i = 0; fits && i < s.rank - 1; i++) fits = goss_extent_equal(s.dim[i], t.dim[i]);
    if (!fits) return goss__misfit2("spd_solve", a, b, "ranks, leading extents and rows must be equal");
    return goss__make(&goss__op_spd_solve, GOSS_REAL, t, in, 2, NULL);
}
