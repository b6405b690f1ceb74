/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h: the kernels: plain functions on dense row-major arrays.
 *
 * One table of function pointers per variant (generic, avx2, avx512, neon), selected once by cpuid or by GOSSAMER_ISA.
 * Every function is serial and re-entrant; layers above use threads. Nothing here allocates; scratch is the caller's,
 * 64-byte aligned, of the size given by the matching _scratch function.
 *
 * Order: an output element of a product (of a transformed convolution: a point) accumulates serially over K with
 * explicit fused multiply-add; other sums use 16 virtual lanes and a fixed tree. All variants are therefore
 * bit-identical. */
#ifndef GOSS_KERNEL_KERNEL_H
#define GOSS_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

/* C[m,n] = op(A)[m,k] op(B)[k,n] + add[m,n]. Row-major; ta: A is stored [k,m]; tb: B is stored [n,k]. lda, ldb, ldc:
 * elements between stored rows. B may be stored as bfloat16: then it is b_bf16, and b is NULL; the result is
 * bit-identical to the product with the same numbers as floats. `more` further products of these shapes follow, with
 * these strides of operands and C (0: the same). In a row-vector or column-vector product, rows of B whose factor is
 * 0 are skipped unless `all_rows` is set: 0 times NaN or infinity contributes nothing. */
typedef struct goss__gemm {
    int64_t m, n, k;
    bool ta, tb, all_rows;
    const float *a;
    int64_t lda;
    const float *b;
    int64_t ldb;
    float *c;
    int64_t ldc;
    const uint16_t *b_bf16;
    int64_t more, a_step, b_step, c_step;
    const float *add; /* [m,n], added to the results in the epilogue; NULL: none. C itself, which has partial sums
                         meanwhile, only if k is at most gemm_depth, and `more` 0 */
    int64_t add_row, add_step; /* row stride, 0: one row for all; stride between products */
} goss__gemm;

/* C[m,n] = factor A[m,k] B[k,n], added to C if `add`, in double. A number of A or B lies at any strides along its two
 * axes, so that either may be transposed; ldc: between stored rows of C. */
typedef struct goss__product {
    int64_t m, n, k;
    const double *a;
    int64_t a_row, a_step; /* of A: along m; along k */
    const double *b;
    int64_t b_step, b_col; /* of B: along k; along n */
    double *c;
    int64_t ldc;
    double factor;
    bool add;
} goss__product;

/* One group of 2-D convolutions over n images, NHWC and HWIO: x[n,h,w,cin], w[kh,kw,cin/groups,cout], y[n,oh,ow,cout].
 * oh = (h + pad_top + pad_bottom - dil_h * (kh - 1) - 1) / stride_h + 1; taps outside the image count as 0. */
typedef struct goss__conv {
    int64_t n, h, w, cin, kh, kw, cout, oh, ow, groups;
    int64_t stride_h, stride_w, pad_top, pad_left, pad_bottom, pad_right, dil_h, dil_w;
    bool direct;   /* Winograd's transform is disabled */
    bool all_rows; /* of a product of one pixel: goss__gemm */
} goss__conv;

/* out[o,i] = f(a[o,i], b[o,i], c[o,i]) for o < outer, i < inner. out is dense; operand j has strides in_outer[j] and
 * in_inner[j], the latter 0 or 1. out may alias an operand with out's strides. Elements are floats for the kernels
 * here, doubles for the loops of ops/elementwise_run.c. */
typedef struct goss__ew {
    void *out;
    const void *in[3];
    int64_t outer, inner;
    int64_t in_outer[3];
    int64_t in_inner[3];
} goss__ew;

typedef void (*goss__ew_fn)(const goss__ew *e);

enum goss__ew_op {
#define ROW(name, arity, formula, va, vb, vc, ...) GOSS__EW_##name,
#include "kernel/elementwise.def"
#undef ROW
    GOSS__EW_COUNT
};

/* Chains of elementwise operations as one loop; the rows of fused.def (fused.h). A kernel takes the arguments of its
 * operations in an array and processes outer * inner elements of the first; dead results are not written. */
enum goss__fused_row {
#define FUSED(name, ...) GOSS__FUSED_##name,
#include "kernel/fused.def"
#undef FUSED
    GOSS__FUSED_COUNT
};

/* 2-D pooling windows over NHWC: x[n,h,w,c] -> [n,oh,ow,c]; taps outside are excluded. */
typedef struct goss__pool2d {
    int64_t n, h, w, c, kh, kw, oh, ow, stride_h, stride_w, pad_top, pad_left;
} goss__pool2d;

/* Tables for the power spectra of real frames. */
typedef struct goss__fft {
    int n;               /* samples of a frame: a power of two, at least 4 */
    int first, count;    /* those under the window; the others are 0 */
    const float *window; /* [count] */
    const float *twist;  /* [3 n / 4, 2] cos and -sin of 2 pi i / n */
    const int *swap;     /* [n / 2] bits reversed */
} goss__fft;

/* Weights of the bins first .. first + count - 1. */
typedef struct goss__band {
    int first, count;
    const float *weight;
} goss__band;

#define GOSS__COLUMN (-1)           /* as `post` of a reduction */
#define GOSS__FFT_FRAMES 16         /* transformed at a time: a multiple of every variant's lanes */
#define GOSS__GRAM_COLUMNS 256      /* columns converted at a time: a multiple of 16 */
#define GOSS__PRODUCT_SCRATCH 49152 /* bytes */

typedef struct goss__kernels {
    const char *name;                                                          /* "generic", "avx2", "avx512", "neon" */
    size_t (*gemm_scratch)(int64_t m, int64_t n, int64_t k, bool ta, bool tb); /* bytes; monotone in m, n, k */
    void (*gemm)(const goss__gemm *g, void *scratch);
    int64_t gemm_depth; /* the largest k whose sums are never stored before they are complete */

    size_t (*conv_scratch)(const goss__conv *c); /* bytes, sufficient for all three */
    void (*conv)(const goss__conv *c, const float *x, const float *w, float *y, void *scratch);
    void (*conv_dx)(const goss__conv *c, const float *gy, const float *w, float *gx, void *scratch);
    void (*conv_dw)(const goss__conv *c, const float *x, const float *gy, float *gw, void *scratch);

    goss__ew_fn ew[GOSS__EW_COUNT], fused[GOSS__FUSED_COUNT];

    /* x[pre,red,post] -> out[pre,post], sum or max over the middle axis. red = 0 gives 0 or -inf. post = GOSS__COLUMN:
     * one column, in the order of summation of one of several columns; post = 1 is a row, with another order. */
    void (*sum)(float *out, const float *x, int64_t pre, int64_t red, int64_t post);
    void (*max)(float *out, const float *x, int64_t pre, int64_t red, int64_t post);
    /* out[pre,post] = sum over red of a*b, without materialising the product. */
    void (*dot)(float *out, const float *a, const float *b, int64_t pre, int64_t red, int64_t post);
    /* out[pre,post] = sum over red of (x - from[pre,post])^2: bit-identical to dot on those differences. */
    void (*deviation)(float *out, const float *x, const float *from, int64_t pre, int64_t red, int64_t post);

    /* Index (0 .. kh*kw-1, row-major in the window) of each window's largest valid tap; the first one wins a tie. With
     * `factor`, of x times factor[c], for image n at factor + n * step. y: receives x at those taps. index, y: may be
     * NULL. */
    void (*pool_argmax)(const goss__pool2d *p, const float *x, const float *factor, int64_t step, int32_t *index,
                        float *y);
    /* y = x at those taps; and its adjoint, which writes all of gx[n,h,w,c] (0 for pixels that no window selected). */
    void (*pool_gather)(const goss__pool2d *p, const float *x, const int32_t *index, float *y);
    void (*pool_scatter)(const goss__pool2d *p, const float *gy, const int32_t *index, float *gx);

    /* The product in double. Products and sums are rounded separately; scratch: GOSS__PRODUCT_SCRATCH bytes. */
    void (*product)(const goss__product *p, void *scratch);
    /* out[m,m] = the Gram matrix of w[m,n]'s rows, in double. work: GOSS__GRAM_COLUMNS m numbers. */
    void (*gram)(double *out, const float *w, int64_t m, int64_t n, double *work);
    /* Eigenvalues of the symmetric a[n,n], unordered, with eigenvectors as rows of vectors[n,n]. a is overwritten;
     * work: 3 n numbers. false: not finite, or no convergence. */
    bool (*sym_eig)(double *a, int64_t n, double *values, double *vectors, double *work);

    /* n bfloat16 numbers as floats. */
    void (*widen)(float *out, const uint16_t *in, int64_t n);
    /* out[cols,rows] = in[rows,cols]^T, ld in elements between stored rows. */
    void (*transpose)(float *out, int64_t ld_out, const float *in, int64_t ld_in, int64_t rows, int64_t cols);

    /* |X_k|^2, k = 0 .. n/2, of GOSS__FFT_FRAMES = F real frames [count] under the window: power [n/2 + 1,F]. work
     * [n,F] is overwritten. */
    void (*fft_power)(const goss__fft *t, const float *const *frame, float *work, float *power);
    /* out[n,F] = sums of power over bands of bins. */
    void (*bands)(const goss__band *band, int n, const float *power, float *out);
    /* x[n] = 10 log10(max(x, least)) in place, NaN as `least`; returns the largest. least > 0. */
    float (*decibels)(float *x, int64_t n, float least);

    /* Fused multiply-adds on registers only, to measure peak rates; returns the number of operations. *sink: receives a
     * result, so that the compiler cannot remove the work. */
    double (*fma_loop)(int64_t rounds, float *sink);
} goss__kernels;

/* The variant in use: the best for this CPU, or the one that GOSSAMER_ISA names (an unknown or unsupported name is
 * reported by goss__kernels_asked, called when compiling). Selected at the first call, by any thread. */
const goss__kernels *goss__kernels_best(void);
/* Selects a variant for schedules and executors created from now on; NULL: select again at the next call. For tests
 * that compare variants in one process: no schedule compiled with another variant may exist. */
void goss__kernels_use(const goss__kernels *k);
/* An error if GOSSAMER_ISA names a variant that this CPU does not support. */
goss_status goss__kernels_asked(goss_error *err);
/* A variant by name; NULL: not in this build, or not supported by this CPU. */
const goss__kernels *goss__kernels_find(const char *name);
/* Names of all variants of this build, NULL-terminated, generic first. */
const char *const *goss__kernels_names(void);
#endif
