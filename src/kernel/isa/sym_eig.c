/* SPDX-License-Identifier: Apache-2.0 */
/* sym_eig.c: the Gram matrix of rows in double, and the eigenvalues of a small symmetric matrix: Householder reduction
 * to tridiagonal form, then implicit QL (Bowdler, Martin, Reinsch and Wilkinson 1968).
 *
 * All arithmetic is double: a product of two floats is exact, so that the error of a singular value computed from the
 * Gram matrix is at most 2^-26 of the largest one. Eigenvectors are rows, so that inner loops are contiguous. Sums use
 * 8 virtual lanes and a fixed tree: bit-identical in every variant. */
#include <math.h>

#include "kernel/isa/isa.h"

/* LANES virtual lanes are PARTS vectors of D doubles. */
#if GOSS_ISA_avx512
enum { D = 8, BLOCK = 4 };
#elif GOSS_ISA_avx2
enum { D = 4, BLOCK = 2 };
#else
enum { D = 2, BLOCK = 2 };
#endif
enum { LANES = 8, PARTS = LANES / D };
enum { STEPS = 60, MANY = 30 }; /* QL iterations per eigenvalue; two are usual */
typedef double dv __attribute__((vector_size(8 * D), may_alias));
typedef dv dv_unaligned __attribute__((aligned(8)));
typedef float fv __attribute__((vector_size(4 * D), may_alias));
typedef fv fv_unaligned __attribute__((aligned(4)));
static const double EPS = 2.220446049250313e-16, TINY = 1e-200;

ALWAYS double fold(const dv part[PARTS]) {
    double v[LANES];
    memcpy(v, part, sizeof v);
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/* ---- inner products of rows ---- */

/* The product of two floats is exact in double, so that fused and separate addition agree. */
ALWAYS dv add_product(dv acc, dv x, dv y) {
#if GOSS_ISA_avx512
    return (dv)_mm512_fmadd_pd((__m512d)x, (__m512d)y, (__m512d)acc);
#elif GOSS_ISA_avx2
    return (dv)_mm256_fmadd_pd((__m256d)x, (__m256d)y, (__m256d)acc);
#else
    return acc + x * y;
#endif
}

/* Adds R x C inner products over n numbers, a multiple of LANES, to out; ld: row stride. */
ALWAYS void rows_by_rows(const double *a, const double *b, int64_t ld, int64_t n, double *out, int64_t ld_out,
                         const int R, const int C) {
    dv acc[BLOCK][BLOCK][PARTS];
    UNROLL for (int r = 0; r < R; r++) {
        UNROLL for (int c = 0; c < C; c++) { UNROLL for (int k = 0; k < PARTS; k++) acc[r][c][k] = (dv){0}; }
    }
    for (int64_t i = 0; i < n; i += D * PARTS) {
        UNROLL for (int k = 0; k < PARTS; k++) {
            UNROLL for (int c = 0; c < C; c++) {
                const dv y = *(const dv_unaligned *)(b + c * ld + i + k * D);
                UNROLL for (int r = 0; r < R; r++) acc[r][c][k] =
                    add_product(acc[r][c][k], *(const dv_unaligned *)(a + r * ld + i + k * D), y);
            }
        }
    }
    UNROLL for (int r = 0; r < R; r++) { UNROLL for (int c = 0; c < C; c++) out[r * ld_out + c] += fold(acc[r][c]); }
}

/* Conversion costs as much as multiplication, so that a block of columns is converted once for all pairs of rows,
 * padded with zeros. */
static int64_t widen_columns(const float *w, int64_t m, int64_t n, int64_t from, double *out) {
    const int64_t count = n - from < GOSS__GRAM_COLUMNS ? n - from : GOSS__GRAM_COLUMNS, full = count / D * D;
    const int64_t padded = (count + LANES - 1) / LANES * LANES;
    for (int64_t r = 0; r < m; r++) {
        const float *in = w + r * n + from;
        double *to = out + r * padded;
        for (int64_t i = 0; i < full; i += D)
            *(dv_unaligned *)(to + i) = __builtin_convertvector(*(const fv_unaligned *)(in + i), dv);
        for (int64_t i = full; i < padded; i++) to[i] = i < count ? in[i] : 0;
    }
    return padded;
}

void GOSS_FN(gram)(double *out, const float *w, int64_t m, int64_t n, double *work) {
    memset(out, 0, (size_t)(m * m) * sizeof *out);
    for (int64_t from = 0; from < n; from += GOSS__GRAM_COLUMNS) {
        const int64_t count = widen_columns(w, m, n, from, work);
        for (int64_t i = 0; i < m; i += BLOCK)
            for (int64_t j = 0; j <= i; j += BLOCK) {
                double *at = out + i * m + j;
                const double *a = work + i * count, *b = work + j * count;
                if (i + BLOCK <= m) {
                    rows_by_rows(a, b, count, count, at, m, BLOCK, BLOCK);
                    continue;
                }
                for (int64_t r = 0; r < m - i; r++)
                    for (int64_t c = 0; c < (j + BLOCK <= m ? BLOCK : m - j); c++)
                        rows_by_rows(a + r * count, b + c * count, count, count, at + r * m + c, m, 1, 1);
            }
    }
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = i + 1; j < m; j++) out[i * m + j] = out[j * m + i];
}

/* ---- eigenvalues ---- */

ALWAYS double dot(const double *a, const double *b, int64_t n) {
    dv acc[PARTS] = {0};
    double rest = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        UNROLL for (int k = 0; k < PARTS; k++) acc[k] +=
            *(const dv_unaligned *)(a + i + k * D) * *(const dv_unaligned *)(b + i + k * D);
    }
    for (; i < n; i++) rest += a[i] * b[i];
    return fold(acc) + rest;
}
/* y += k x */
ALWAYS void add(double *restrict y, double k, const double *restrict x, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] += k * x[i];
}

/* A becomes tridiagonal, d on the diagonal and e below it; reflection k, 1 - beta v v', leaves its v right of the
 * diagonal in row k. */
static void reduce(double *a, int64_t n, double *d, double *e, double *beta, double *p) {
    for (int64_t k = 0; k + 2 < n; k++) {
        double *v = a + k * n + k + 1;
        const int64_t m = n - k - 1;
        double rest = dot(v + 1, v + 1, m - 1), size = sqrt(v[0] * v[0] + rest);
        d[k] = a[k * n + k], e[k] = v[0], beta[k] = 0;
        if (rest < TINY) continue; /* what is left of a matrix of low rank is rounding of rounding, down to underflow */
        e[k] = v[0] > 0 ? -size : size;
        v[0] -= e[k];
        beta[k] = 2 / (v[0] * v[0] + rest);
        for (int64_t i = 0; i < m; i++) p[i] = beta[k] * dot(a + (k + 1 + i) * n + k + 1, v, m);
        add(p, -0.5 * beta[k] * dot(p, v, m), v, m);
        for (int64_t i = 0; i < m; i++) {
            double *row = a + (k + 1 + i) * n + k + 1;
            const double first = v[i], second = p[i];
            for (int64_t j = 0; j < m; j++) row[j] -= first * p[j] + second * v[j];
        }
    }
    for (int64_t k = n > 2 ? n - 2 : 0; k < n; k++) d[k] = a[k * n + k], e[k] = k + 1 < n ? a[k * n + k + 1] : 0;
}

/* z = the transposed product of the reflections, whose rows QL rotates into eigenvectors. */
static void reflections(const double *a, int64_t n, const double *beta, double *z) {
    memset(z, 0, (size_t)(n * n) * sizeof *z);
    for (int64_t i = 0; i < n; i++) z[i * n + i] = 1;
    for (int64_t k = n - 3; k >= 0; k--) {
        const double *v = a + k * n + k + 1;
        for (int64_t r = k + 1; beta[k] != 0 && r < n; r++) {
            double *row = z + r * n + k + 1;
            add(row, -beta[k] * dot(row, v, n - k - 1), v, n - k - 1);
        }
    }
}

ALWAYS void rotate(double *restrict x, double *restrict y, double c, double s, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        const double f = y[k];
        y[k] = s * x[k] + c * f;
        x[k] = c * x[k] - s * f;
    }
}

/* One implicit QL step on the unreduced block l .. m. */
static void ql_step(int64_t n, int64_t l, int64_t m, double *d, double *e, double *z) {
    double g = (d[l + 1] - d[l]) / (2 * e[l]), r = sqrt(g * g + 1), s = 1, c = 1, p = 0;
    g = d[m] - d[l] + e[l] / (g + (g < 0 ? -r : r));
    for (int64_t i = m - 1; i >= l; i--) {
        const double f = s * e[i], b = c * e[i];
        e[i + 1] = r = sqrt(f * f + g * g);
        if (r == 0) { /* the block splits here */
            d[i + 1] -= p, e[m] = 0;
            return;
        }
        s = f / r, c = g / r, g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r, d[i + 1] = g + p, g = c * r - b;
        rotate(z + i * n, z + (i + 1) * n, c, s, n);
    }
    d[l] -= p, e[l] = g, e[m] = 0;
}

/* Numbers are about 1 here (sym_eig scales), so that EPS^2 is negligible. Between eigenvalues that are rounding, as a
 * matrix of low rank has, that may never be met: after many steps rounding of the largest number counts as 0. */
static bool is_split(const double *d, const double *e, int64_t m, int steps) {
    return fabs(e[m]) <= EPS * (fabs(d[m]) + fabs(d[m + 1]) + (steps < MANY ? EPS : 1));
}

static bool ql(int64_t n, double *d, double *e, double *z) {
    for (int64_t l = 0; l < n; l++)
        for (int steps = 0;; steps++) {
            int64_t m = l;
            while (m + 1 < n && !is_split(d, e, m, steps)) m++;
            if (m == l) break;
            if (steps == STEPS) return false;
            ql_step(n, l, m, d, e, z);
        }
    return true;
}

/* A power of two that scales the largest number to about 1; 0: not finite. */
static double scale_of(const double *a, int64_t n) {
    double most = 0;
    int exponent;
    for (int64_t i = 0; i < n * n; i++) {
        if (!(fabs(a[i]) < INFINITY)) return 0;
        most = most < fabs(a[i]) ? fabs(a[i]) : most;
    }
    frexp(most, &exponent);
    return ldexp(1, -exponent);
}

bool GOSS_FN(sym_eig)(double *a, int64_t n, double *values, double *vectors, double *work) {
    const double scale = scale_of(a, n);
    if (scale == 0) return false;
    for (int64_t i = 0; i < n * n; i++) a[i] *= scale;
    double *e = work, *beta = work + n, *p = work + 2 * n;
    reduce(a, n, values, e, beta, p);
    reflections(a, n, beta, vectors);
    if (!ql(n, values, e, vectors)) return false;
    for (int64_t i = 0; i < n; i++) values[i] /= scale;
    return true;
}
