/* SPDX-License-Identifier: Apache-2.0 */
/* panel.h: a W x W block of floats in registers, and its transpose. */
#ifndef GOSS_KERNEL_ISA_PANEL_H
#define GOSS_KERNEL_ISA_PANEL_H

#include "kernel/isa/tile.h"

/* rows x cols of a matrix with row stride ld; elements outside are 0. */
ALWAYS void block_load(vf t[W], const float *p, int64_t ld, int64_t rows, int64_t cols) {
    if (rows == W && cols == W) {
        UNROLL for (int r = 0; r < W; r++) t[r] = vload(p + r * ld);
        return;
    }
    const vlanes m = vfirst(cols);
    UNROLL for (int r = 0; r < W; r++) t[r] = r < rows ? vload_part(p + r * ld, m) : (vf){0};
}

/* Each stage below interleaves whole rows: pairs of floats, pairs of doubles, then 128-bit lanes. */
#if GOSS_ISA_avx512

ALWAYS void block_quads(__m512 *t) {
    __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(t[0], t[1])), b = _mm512_castps_pd(_mm512_unpackhi_ps(t[0], t[1]));
    __m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(t[2], t[3])), d = _mm512_castps_pd(_mm512_unpackhi_ps(t[2], t[3]));
    t[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c)), t[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    t[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d)), t[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
}
ALWAYS void block_transpose(vf x[W]) {
    __m512 t[16];
    UNROLL for (int i = 0; i < 16; i++) t[i] = (__m512)x[i];
    UNROLL for (int g = 0; g < 16; g += 4) block_quads(t + g);
    UNROLL for (int c = 0; c < 4; c++) { /* t[4 g + c], lane l: column c + 4 l of rows 4 g .. 4 g + 3 */
        __m512 a = _mm512_shuffle_f32x4(t[c], t[4 + c], 0x44), b = _mm512_shuffle_f32x4(t[8 + c], t[12 + c], 0x44);
        __m512 d = _mm512_shuffle_f32x4(t[c], t[4 + c], 0xee), e = _mm512_shuffle_f32x4(t[8 + c], t[12 + c], 0xee);
        x[c] = (vf)_mm512_shuffle_f32x4(a, b, 0x88), x[4 + c] = (vf)_mm512_shuffle_f32x4(a, b, 0xdd);
        x[8 + c] = (vf)_mm512_shuffle_f32x4(d, e, 0x88), x[12 + c] = (vf)_mm512_shuffle_f32x4(d, e, 0xdd);
    }
}

#elif GOSS_ISA_avx2

ALWAYS void block_quads(__m256 *t) {
    __m256d a = _mm256_castps_pd(_mm256_unpacklo_ps(t[0], t[1])), b = _mm256_castps_pd(_mm256_unpackhi_ps(t[0], t[1]));
    __m256d c = _mm256_castps_pd(_mm256_unpacklo_ps(t[2], t[3])), d = _mm256_castps_pd(_mm256_unpackhi_ps(t[2], t[3]));
    t[0] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, c)), t[1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, c));
    t[2] = _mm256_castpd_ps(_mm256_unpacklo_pd(b, d)), t[3] = _mm256_castpd_ps(_mm256_unpackhi_pd(b, d));
}
ALWAYS void block_transpose(vf x[W]) {
    __m256 t[8];
    UNROLL for (int i = 0; i < 8; i++) t[i] = (__m256)x[i];
    block_quads(t), block_quads(t + 4);
    UNROLL for (int c = 0; c < 4; c++) {
        x[c] = (vf)_mm256_permute2f128_ps(t[c], t[4 + c], 0x20);
        x[4 + c] = (vf)_mm256_permute2f128_ps(t[c], t[4 + c], 0x31);
    }
}

#else

ALWAYS void block_transpose(vf x[W]) {
    vf a = __builtin_shufflevector(x[0], x[1], 0, 4, 1, 5), b = __builtin_shufflevector(x[0], x[1], 2, 6, 3, 7);
    vf c = __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5), d = __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7);
    x[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5), x[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    x[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5), x[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

#endif
#endif
