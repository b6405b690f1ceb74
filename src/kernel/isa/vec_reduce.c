/* SPDX-License-Identifier: Apache-2.0 */
/* vec_reduce.c: sum, max, dot product and squared deviations over one axis.
 *
 * Along the last axis (post = 1) element i goes to virtual lane i % 16 and the 16 lanes are folded by a fixed tree;
 * otherwise every column is its own sum. In both cases a sum is divided into blocks of BLOCK steps that start from 0
 * and are then added: rounding errors stay small, and several blocks run in parallel without changing a bit. */
#include "kernel/isa/isa.h"

#define BLOCK 128
#define LANES (16 / W) /* vectors that make 16 virtual lanes */

/* DEVIATION: b has one number per sum, which is subtracted from each of its elements. */
enum { SUM, MAX, DOT, DEVIATION };

ALWAYS vf start(const int op) { return vset(op == MAX ? -__builtin_inff() : 0.f); }
ALWAYS vf join(const int op, vf a, vf b) {
    if (op == MAX) return vmax(a, b);
    return a + b;
}
ALWAYS vf step(const int op, vf acc, vf a, vf b) {
    if (op == DOT) return vfma(a, b, acc);
    if (op == DEVIATION) return vfma(a - b, a - b, acc);
    return join(op, acc, a);
}
ALWAYS vf load_or(const float *p, int64_t left, vf other) {
    return left >= W ? vload(p) : vload_part_or(p, vfirst(left), other);
}
ALWAYS vf load(const int op, const float *p, int64_t left) { return load_or(p, left, start(op)); }

/* Moves lane i + d to lane i, for the lower d lanes; the others are undefined. */
#if GOSS_ISA_avx512
ALWAYS vf down8(vf v) { return (vf)_mm512_shuffle_f32x4((__m512)v, (__m512)v, 0x0e); }
ALWAYS vf down4(vf v) { return (vf)_mm512_shuffle_f32x4((__m512)v, (__m512)v, 0x01); }
ALWAYS vf down2(vf v) { return (vf)_mm512_permute_ps((__m512)v, 0x0e); }
ALWAYS vf down1(vf v) { return (vf)_mm512_permute_ps((__m512)v, 0x01); }
#elif GOSS_ISA_avx2
ALWAYS vf down4(vf v) { return (vf)_mm256_permute2f128_ps((__m256)v, (__m256)v, 0x01); }
ALWAYS vf down2(vf v) { return (vf)_mm256_permute_ps((__m256)v, 0x0e); }
ALWAYS vf down1(vf v) { return (vf)_mm256_permute_ps((__m256)v, 0x01); }
#else
ALWAYS vf down2(vf v) { return __builtin_shufflevector(v, v, 2, 3, 2, 3); }
ALWAYS vf down1(vf v) { return __builtin_shufflevector(v, v, 1, 1, 1, 1); }
#endif

/* Lanes i and i + 8, then i + 4, i + 2, i + 1. */
ALWAYS float fold(const int op, vf lane[LANES]) {
    UNROLL for (int n = LANES / 2; n > 0; n /= 2) {
        UNROLL for (int i = 0; i < n; i++) lane[i] = join(op, lane[i], lane[i + n]);
    }
    vf v = lane[0];
#if W > 8
    v = join(op, v, down8(v));
#endif
#if W > 4
    v = join(op, v, down4(v));
#endif
    v = join(op, v, down2(v));
    return join(op, v, down1(v))[0];
}

/* P blocks of BLOCK x 16 elements in parallel. */
ALWAYS void row_blocks(const int op, vf total[LANES], const float *a, const float *b, vf mean, const int P) {
    vf acc[4][LANES];
    UNROLL for (int p = 0; p < P; p++) { UNROLL for (int l = 0; l < LANES; l++) acc[p][l] = start(op); }
    for (int64_t i = 0; i < BLOCK * 16; i += 16) {
        UNROLL for (int p = 0; p < P; p++) {
            UNROLL for (int l = 0; l < LANES; l++) {
                const int64_t at = i + p * BLOCK * 16 + l * W;
                acc[p][l] = step(op, acc[p][l], vload(a + at), op == DEVIATION ? mean : vload(b + at));
            }
        }
    }
    UNROLL for (int p = 0; p < P; p++) {
        UNROLL for (int l = 0; l < LANES; l++) total[l] = join(op, total[l], acc[p][l]);
    }
}

ALWAYS float row(const int op, const float *a, const float *b, int64_t n) {
    const vf mean = op == DEVIATION ? vset(*b) : (vf){0}, other = op == DEVIATION ? mean : start(op);
    vf total[LANES], acc[LANES];
    int64_t i = 0;
    UNROLL for (int l = 0; l < LANES; l++) total[l] = acc[l] = start(op);
    for (; i + 4 * BLOCK * 16 <= n; i += 4 * BLOCK * 16) row_blocks(op, total, a + i, b + i, mean, 4);
    for (; i + BLOCK * 16 <= n; i += BLOCK * 16) row_blocks(op, total, a + i, b + i, mean, 1);
    for (; i + 16 <= n; i += 16) {
        UNROLL for (int l = 0; l < LANES; l++) acc[l] =
            step(op, acc[l], vload(a + i + l * W), op == DEVIATION ? mean : vload(b + i + l * W));
    }
    UNROLL for (int l = 0; l < LANES; l++) {
        const int64_t at = i + l * W;
        if (at < n)
            acc[l] =
                step(op, acc[l], load_or(a + at, n - at, other), op == DEVIATION ? mean : load(op, b + at, n - at));
        total[l] = join(op, total[l], acc[l]);
    }
    return fold(op, total);
}

/* V vectors of columns over P blocks of `rows` rows in parallel. */
ALWAYS void column_blocks(const int op, vf total[4], const float *a, const float *b, int64_t post, int64_t rows,
                          int64_t left, const int V, const int P) {
    vf acc[4][4];
    UNROLL for (int p = 0; p < P; p++) { UNROLL for (int v = 0; v < V; v++) acc[p][v] = start(op); }
    for (int64_t r = 0; r < rows; r++) {
        UNROLL for (int p = 0; p < P; p++) {
            UNROLL for (int v = 0; v < V; v++) {
                const int64_t at = (r + p * BLOCK) * post + v * W, n = left - v * W;
                acc[p][v] = step(op, acc[p][v], load(op, a + at, n), load(op, b + (op == DEVIATION ? v * W : at), n));
            }
        }
    }
    UNROLL for (int p = 0; p < P; p++) { UNROLL for (int v = 0; v < V; v++) total[v] = join(op, total[v], acc[p][v]); }
}

/* `left` columns, at most V vectors of them. */
ALWAYS void columns(const int op, float *out, const float *a, const float *b, int64_t red, int64_t post, int64_t left,
                    const int V, const int P) {
    vf total[4];
    int64_t r = 0;
    UNROLL for (int v = 0; v < V; v++) total[v] = start(op);
    for (; P > 1 && r + P * BLOCK <= red; r += P * BLOCK)
        column_blocks(op, total, a + r * post, op == DEVIATION ? b : b + r * post, post, BLOCK, left, V, P);
    for (; r < red; r += BLOCK)
        column_blocks(op, total, a + r * post, op == DEVIATION ? b : b + r * post, post, goss__min64(BLOCK, red - r),
                      left, V, 1);
    UNROLL for (int v = 0; v < V; v++) vstore_n(out + v * W, total[v], left - v * W);
}

ALWAYS void reduce(const int op, float *out, const float *a, const float *b, int64_t pre, int64_t red, int64_t post) {
    if (post == 1) {
        const int64_t step_b = op == DEVIATION ? 1 : red;
        for (int64_t i = 0; i < pre; i++) out[i] = row(op, a + i * red, b + i * step_b, red);
        return;
    }
    if (post == GOSS__COLUMN) post = 1;
    const int64_t step_b = op == DEVIATION ? post : red * post;
    for (int64_t i = 0; i < pre; i++, out += post, a += red * post, b += step_b) {
        int64_t j = 0;
        for (; j + 4 * W <= post; j += 4 * W) columns(op, out + j, a + j, b + j, red, post, 4 * W, 4, 2);
        for (; j + W <= post; j += W) columns(op, out + j, a + j, b + j, red, post, W, 1, 4);
        if (j < post) columns(op, out + j, a + j, b + j, red, post, post - j, 1, 4);
    }
}

void GOSS_FN(sum)(float *out, const float *x, int64_t pre, int64_t red, int64_t post) {
    reduce(SUM, out, x, x, pre, red, post);
}
void GOSS_FN(max)(float *out, const float *x, int64_t pre, int64_t red, int64_t post) {
    reduce(MAX, out, x, x, pre, red, post);
}
void GOSS_FN(dot)(float *out, const float *a, const float *b, int64_t pre, int64_t red, int64_t post) {
    reduce(DOT, out, a, b, pre, red, post);
}
void GOSS_FN(deviation)(float *out, const float *x, const float *from, int64_t pre, int64_t red, int64_t post) {
    reduce(DEVIATION, out, x, from, pre, red, post);
}
