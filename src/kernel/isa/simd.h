/* SPDX-License-Identifier: Apache-2.0 */
/* simd.h: one vector of W floats with the same meaning in every variant.
 *
 * Each file of this folder is compiled once per variant, named by GOSS_ISA; GOSS_FN(name) is the variant's symbol.
 * Arithmetic uses GCC vector extensions (+ - * / on vf); the rest is here: explicit fused multiply-add, masked access,
 * comparisons, square root, floor. Every function is bit-identical in every variant (except for NaN payloads), and so
 * is all code written in terms of them. */
#ifndef GOSS_KERNEL_ISA_SIMD_H
#define GOSS_KERNEL_ISA_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GOSS_PASTE_(a, b) goss__##a##_##b
#define GOSS_PASTE(a, b) GOSS_PASTE_(a, b)
#define GOSS_FN(name) GOSS_PASTE(name, GOSS_ISA)
#define ALWAYS static inline __attribute__((always_inline, unused))
/* Precedes a loop of constant length over registers. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#if GOSS_ISA_avx512
#include <immintrin.h>
#define W 16
#elif GOSS_ISA_avx2
#include <immintrin.h>
#define W 8
#elif GOSS_ISA_neon
#include <arm_neon.h>
#define W 4
#else
#define W 4
#endif

typedef float vf __attribute__((vector_size(4 * W), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * W), may_alias));
typedef uint32_t vu __attribute__((vector_size(4 * W), may_alias)); /* wraps around; for bit manipulation */
typedef vf vf_unaligned __attribute__((aligned(4)));

ALWAYS vf vset(float x) { return x - (vf){0}; }
ALWAYS vi vseti(int32_t x) { return x - (vi){0}; }
ALWAYS vf vload(const float *p) { return *(const vf_unaligned *)p; }
ALWAYS void vstore(float *p, vf v) { *(vf_unaligned *)p = v; }

/* vcond: the outcome of a comparison. vlanes: the first n lanes, 0 <= n <= W, for partial loads and stores, which touch
 * no memory outside those lanes. GOSS_MASKED: a partial access is as cheap as a full one. */
#if GOSS_ISA_avx512

#define GOSS_MASKED 1
typedef __mmask16 vcond;
typedef __mmask16 vlanes;
ALWAYS vlanes vfirst(int64_t n) { return (__mmask16)((1u << n) - 1); }
ALWAYS vf vload_part(const float *p, vlanes m) { return (vf)_mm512_maskz_loadu_ps(m, p); }
ALWAYS vf vload_part_or(const float *p, vlanes m, vf other) { return (vf)_mm512_mask_loadu_ps((__m512)other, m, p); }
ALWAYS void vstore_part(float *p, vf v, vlanes m) { _mm512_mask_storeu_ps(p, m, (__m512)v); }
ALWAYS vf vfma(vf a, vf b, vf c) { return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
ALWAYS vf vfnma(vf a, vf b, vf c) { return (vf)_mm512_fnmadd_ps((__m512)a, (__m512)b, (__m512)c); }
ALWAYS vcond vless(vf a, vf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ); }
ALWAYS vcond vdiffers(vf a, vf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_NEQ_UQ); }
ALWAYS vcond vequal_i(vi a, vi b) { return _mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b); }
ALWAYS vf vselect(vcond m, vf a, vf b) { return (vf)_mm512_mask_blend_ps(m, (__m512)b, (__m512)a); }
ALWAYS vf vsqrt(vf a) { return (vf)_mm512_sqrt_ps((__m512)a); }
ALWAYS vf vfloor(vf a) { return (vf)_mm512_roundscale_ps((__m512)a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }

#elif GOSS_ISA_avx2

#define GOSS_MASKED 1
typedef vi vcond;
typedef __m256i vlanes;
ALWAYS vlanes vfirst(int64_t n) { return (__m256i)((vi){0, 1, 2, 3, 4, 5, 6, 7} < vseti((int32_t)n)); }
ALWAYS vf vload_part(const float *p, vlanes m) { return (vf)_mm256_maskload_ps(p, m); }
ALWAYS vf vload_part_or(const float *p, vlanes m, vf other) {
    return (vf)_mm256_blendv_ps((__m256)other, _mm256_maskload_ps(p, m), (__m256)m);
}
ALWAYS void vstore_part(float *p, vf v, vlanes m) { _mm256_maskstore_ps(p, m, (__m256)v); }
ALWAYS vf vfma(vf a, vf b, vf c) { return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
ALWAYS vf vfnma(vf a, vf b, vf c) { return (vf)_mm256_fnmadd_ps((__m256)a, (__m256)b, (__m256)c); }
ALWAYS vcond vless(vf a, vf b) { return a < b; }
ALWAYS vcond vdiffers(vf a, vf b) { return a != b; }
ALWAYS vcond vequal_i(vi a, vi b) { return a == b; }
ALWAYS vf vselect(vcond m, vf a, vf b) { return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)m); }
ALWAYS vf vsqrt(vf a) { return (vf)_mm256_sqrt_ps((__m256)a); }
ALWAYS vf vfloor(vf a) { return (vf)_mm256_floor_ps((__m256)a); }

#else

#define GOSS_MASKED 0
typedef vi vcond;
typedef int64_t vlanes;
ALWAYS vlanes vfirst(int64_t n) { return n; }
ALWAYS vf vload_part_or(const float *p, vlanes n, vf other) {
    memcpy(&other, p, (size_t)n * sizeof(float));
    return other;
}
ALWAYS vf vload_part(const float *p, vlanes n) { return vload_part_or(p, n, (vf){0}); }
ALWAYS void vstore_part(float *p, vf v, vlanes n) { memcpy(p, &v, (size_t)n * sizeof(float)); }
ALWAYS vcond vless(vf a, vf b) { return a < b; }
ALWAYS vcond vdiffers(vf a, vf b) { return a != b; }
ALWAYS vcond vequal_i(vi a, vi b) { return a == b; }
ALWAYS vf vselect(vcond m, vf a, vf b) { return (vf)((m & (vi)a) | (~m & (vi)b)); }
#if GOSS_ISA_neon
ALWAYS vf vfma(vf a, vf b, vf c) { return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
ALWAYS vf vfnma(vf a, vf b, vf c) { return (vf)vfmsq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
ALWAYS vf vsqrt(vf a) { return (vf)vsqrtq_f32((float32x4_t)a); }
ALWAYS vf vfloor(vf a) { return (vf)vrndmq_f32((float32x4_t)a); }
#else
ALWAYS vf vsqrt(vf a) {
    return (vf){__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]), __builtin_sqrtf(a[3])};
}
ALWAYS vf vfloor(vf a) {
    return (vf){__builtin_floorf(a[0]), __builtin_floorf(a[1]), __builtin_floorf(a[2]), __builtin_floorf(a[3])};
}
#ifdef __FP_FAST_FMAF
ALWAYS vf vfma(vf a, vf b, vf c) {
    return (vf){__builtin_fmaf(a[0], b[0], c[0]), __builtin_fmaf(a[1], b[1], c[1]), __builtin_fmaf(a[2], b[2], c[2]),
                __builtin_fmaf(a[3], b[3], c[3])};
}
#else
/* Without a fused multiply-add in hardware: the product is exact in double; the sum is rounded to odd (by the error
 * term of TwoSum), after which rounding to float is correct, since 53 >= 2 * 24 + 2 (Boldo and Melquiond 2008,
 * "Emulation of FMA and correctly rounded sums"). */
typedef double vd __attribute__((vector_size(32)));
typedef int64_t vl __attribute__((vector_size(32)));
ALWAYS vf vfma(vf a, vf b, vf c) {
    vd p = __builtin_convertvector(a, vd) * __builtin_convertvector(b, vd), z = __builtin_convertvector(c, vd);
    vd s = p + z, t = s - p, e = (p - (s - t)) + (z - t);
    vl inexact = (vl)(e < 0) | (vl)(e > 0), even = ((vl)s & 1) - 1, away = (vl)((e > 0) == (s > 0));
    vl odd = (vl)s + (inexact & even & (1 + 2 * ~away));
    return __builtin_convertvector((vd)odd, vf);
}
#endif
ALWAYS vf vfnma(vf a, vf b, vf c) { return vfma(-a, b, c); }
#endif
#endif

ALWAYS vf vabs(vf a) { return (vf)((vi)a & 0x7fffffff); }
/* The larger (smaller) of two; NaN if either is NaN; b when they compare equal. */
ALWAYS vf vmax(vf a, vf b) {
#if GOSS_ISA_avx512
    vf m = (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif GOSS_ISA_avx2
    vf m = (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    vf m = vselect(vless(b, a), a, b);
#endif
    return vselect(vdiffers(a, a), a, m);
}
ALWAYS vf vmin(vf a, vf b) {
#if GOSS_ISA_avx512
    vf m = (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif GOSS_ISA_avx2
    vf m = (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
    vf m = vselect(vless(a, b), a, b);
#endif
    return vselect(vdiffers(a, a), a, m);
}

/* Clamps x; NaN stays NaN (hence the order of operands). */
ALWAYS vf vclamp(vf x, float low, float high) {
    const vf lo = vset(low), hi = vset(high);
#if GOSS_ISA_avx512
    return (vf)_mm512_max_ps((__m512)lo, _mm512_min_ps((__m512)hi, (__m512)x));
#elif GOSS_ISA_avx2
    return (vf)_mm256_max_ps((__m256)lo, _mm256_min_ps((__m256)hi, (__m256)x));
#else
    x = vselect(vless(hi, x), hi, x);
    return vselect(vless(x, lo), lo, x);
#endif
}

/* W bfloat16 numbers, the upper halves of floats; n of them, the rest 0. */
ALWAYS vf vload_bf16(const uint16_t *p) {
#if GOSS_ISA_avx512
    return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16);
#elif GOSS_ISA_avx2
    return (vf)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16);
#else
    return (vf)(vu){(uint32_t)p[0] << 16, (uint32_t)p[1] << 16, (uint32_t)p[2] << 16, (uint32_t)p[3] << 16};
#endif
}
ALWAYS vf vload_bf16_n(const uint16_t *p, int64_t n) {
    uint16_t some[W] = {0};
    if (n >= W) return vload_bf16(p);
    memcpy(some, p, (size_t)n * sizeof *p);
    return vload_bf16(some);
}

/* 2 W of them: those at even and those at odd positions (every target is little-endian). */
ALWAYS void vload_bf16_even_odd(const uint16_t *p, vf out[2]) {
    vu pairs;
    memcpy(&pairs, p, sizeof pairs);
    out[0] = (vf)(pairs << 16), out[1] = (vf)(pairs & 0xffff0000u);
}
/* The inverse: interleaves the lanes of x[0] and x[1]. */
ALWAYS void vinterleave(vf x[2]) {
    const vf a = x[0], b = x[1];
#if W == 16
    x[0] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    x[1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif W == 8
    x[0] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    x[1] = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
    x[0] = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    x[1] = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#endif
}

/* Loads n lanes, the rest 0; stores n lanes. For loop tails: n >= W is the common, full case. */
ALWAYS vf vload_n(const float *p, int64_t n) { return n >= W ? vload(p) : vload_part(p, vfirst(n)); }
ALWAYS void vstore_n(float *p, vf v, int64_t n) {
    if (n >= W)
        vstore(p, v);
    else
        vstore_part(p, v, vfirst(n));
}

ALWAYS int64_t goss__min64(int64_t a, int64_t b) { return a < b ? a : b; }
ALWAYS int64_t goss__max64(int64_t a, int64_t b) { return a > b ? a : b; }
ALWAYS int64_t goss__ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

#endif
