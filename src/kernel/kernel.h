/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h: what must be fast, as plain functions over dense row-major arrays.
 *
 * One table of function pointers a variant (generic, avx2, avx512, neon), chosen once by cpuid or forced by
 * GOSSAMER_ISA. Every function is serial and re-entrant: threads are above this floor. Nothing here allocates; scratch
 * comes from the caller, 64-byte aligned, of the size that the matching _scratch function tells.
 *
 * Order: an output element of a product accumulates serially over K with explicit fused multiply-add (in convolutions
 * that go through a transform: a point of it), other sums use 16 virtual lanes and a fixed tree, so that all variants
 * give the same bits. */
#ifndef GOSS_KERNEL_KERNEL_H
#define GOSS_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossamer/status.h"

/* C[m,n] = op(A)[m,k] op(B)[k,n] + add[m,n]. Row-major; ta: A is stored [k,m]; tb: B is stored [n,k].
 * lda, ldb, ldc: elements between stored rows. B may be stored as bfloat16: then it is b_bf16, and b is NULL; the
 * result has the bits of the product with the same numbers as floats. `more` further products of these shapes follow,
 * their operands and C so many elements on each time (0: the same). In a product of one row or one column, 0 in it
 * times a NaN or an infinity may add nothing: what it would be multiplied with may not be read. */
typedef struct goss__gemm {
    int64_t m, n, k;
    bool ta, tb;
    const float *a;
    int64_t lda;
    const float *b;
    int64_t ldb;
    float *c;
    int64_t ldc;
    const uint16_t *b_bf16;
    int64_t more, a_step, b_step, c_step;
    const float
        *add; /* [m,n], added to each result last; NULL: nothing. Not in C, which holds parts of sums meanwhile */
    int64_t add_row, add_step; /* elements between its rows, 0: one for all; to that of the next product */
} goss__gemm;

/* One group of 2-D convolutions over n images, NHWC and HWIO: x[n,h,w,cin], w[kh,kw,cin/groups,cout], y[n,oh,ow,cout].
 * oh = (h + pad_top + pad_bottom - dil_h * (kh - 1) - 1) / stride_h + 1; taps outside the image count as 0. */
typedef struct goss__conv {
    int64_t n, h, w, cin, kh, kw, cout, oh, ow, groups;
    int64_t stride_h, stride_w, pad_top, pad_left, pad_bottom, pad_right, dil_h, dil_w;
    bool direct; /* without Winograd's transform */
} goss__conv;

/* out[o,i] = f(a[o,i], b[o,i], c[o,i]) for o < outer, i < inner. out is dense; operand j steps by in_outer[j] elements
 * an outer step and by in_inner[j], 0 or 1, an inner step. out may alias an operand that has out's own strides.
 * Elements are floats for the kernels here, doubles for the loops of ops/elementwise_run.c. */
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

/* Chains of elementwise ops as one loop; fused.def says which, fused.h of what. A kernel is given the arguments of all
 * its ops, one after the other in an array, and goes over outer * inner elements of the first; what it need not keep it
 * does not write. */
enum goss__fused_row {
#define FUSED(name, ...) GOSS__FUSED_##name,
#include "kernel/fused.def"
#undef FUSED
    GOSS__FUSED_COUNT
};

/* 2-D pooling windows over NHWC: x[n,h,w,c] -> [n,oh,ow,c]; taps outside are left out. */
typedef struct goss__pool2d {
    int64_t n, h, w, c, kh, kw, oh, ow, stride_h, stride_w, pad_top, pad_left;
} goss__pool2d;

#define GOSS__COLUMN (-1)      /* as `post` of a reduction */
#define GOSS__GRAM_COLUMNS 256 /* that are converted at a time: a multiple of 16 */

typedef struct goss__kernels {
    const char *name;                                                          /* "generic", "avx2", "avx512", "neon" */
    size_t (*gemm_scratch)(int64_t m, int64_t n, int64_t k, bool ta, bool tb); /* bytes; monotone in m, n, k */
    void (*gemm)(const goss__gemm *g, void *scratch);

    size_t (*conv_scratch)(const goss__conv *c); /* bytes, enough for each of the three */
    void (*conv)(const goss__conv *c, const float *x, const float *w, float *y, void *scratch);
    void (*conv_dx)(const goss__conv *c, const float *gy, const float *w, float *gx, void *scratch);
    void (*conv_dw)(const goss__conv *c, const float *x, const float *gy, float *gw, void *scratch);

    goss__ew_fn ew[GOSS__EW_COUNT], fused[GOSS__FUSED_COUNT];

    /* x[pre,red,post] -> out[pre,post], sum or max over the middle axis. red = 0 gives 0 or -inf. post = GOSS__COLUMN:
     * one column, in the order in which each of several is summed; with post = 1 it is a row, summed in another. */
    void (*sum)(float *out, const float *x, int64_t pre, int64_t red, int64_t post);
    void (*max)(float *out, const float *x, int64_t pre, int64_t red, int64_t post);
    /* out[pre,post] = sum over red of a*b, the product that never becomes an array. */
    void (*dot)(float *out, const float *a, const float *b, int64_t pre, int64_t red, int64_t post);
    /* out[pre,post] = sum over red of (x - from[pre,post])^2: the bits of dot on those differences. */
    void (*deviation)(float *out, const float *x, const float *from, int64_t pre, int64_t red, int64_t post);

    /* Index (0 .. kh*kw-1, row-major in the window) of each window's largest valid tap; the first one wins a tie. With
     * `factor`, of x times factor[c], image n's at factor + n * step. y: where x at those taps goes. index, y: NULL
     * where not wanted. */
    void (*pool_argmax)(const goss__pool2d *p, const float *x, const float *factor, int64_t step, int32_t *index,
                        float *y);
    /* y = x at those taps; and its adjoint, which writes all of gx[n,h,w,c] (0 where no window picked it). */
    void (*pool_gather)(const goss__pool2d *p, const float *x, const int32_t *index, float *y);
    void (*pool_scatter)(const goss__pool2d *p, const float *gy, const int32_t *index, float *gx);

    /* out[m,m] = the inner products of w[m,n]'s rows, in double. work: GOSS__GRAM_COLUMNS m numbers. */
    void (*gram)(double *out, const float *w, int64_t m, int64_t n, double *work);
    /* Eigenvalues of the symmetric a[n,n], in no order, and their eigenvectors as rows of vectors[n,n]. a is used up;
     * work: 3 n numbers. false: a number was not finite, or no end was found. */
    bool (*sym_eig)(double *a, int64_t n, double *values, double *vectors, double *work);

    /* n bfloat16 numbers as floats. */
    void (*widen)(float *out, const uint16_t *in, int64_t n);
    /* out[cols,rows] = in[rows,cols]^T, ld in elements between stored rows. */
    void (*transpose)(float *out, int64_t ld_out, const float *in, int64_t ld_in, int64_t rows, int64_t cols);

    /* Fused multiply-adds that touch registers only, to measure a core by: their number of operations. *sink: any
     * number; a result is left there, so that no compiler leaves out the work. */
    double (*fma_loop)(int64_t rounds, float *sink);
} goss__kernels;

/* The variant in use: the best this CPU runs, or the one GOSSAMER_ISA names (an unknown or unsupported name is reported
 * by goss__kernels_asked, which compiling a program does). Chosen at the first call, for good; any thread. */
const goss__kernels *goss__kernels_best(void);
/* That variant from now on, in what is compiled and made ready to run; NULL: it is chosen again at the next call. For
 * tests that compare variants in one process: no program that is alive may have been compiled with another. */
void goss__kernels_use(const goss__kernels *k);
/* An error if GOSSAMER_ISA named another than this CPU runs. */
goss_status goss__kernels_asked(goss_error *err);
/* A variant by name; NULL when it is not built in or this CPU lacks it. */
const goss__kernels *goss__kernels_find(const char *name);
/* Names of all variants built in, NULL-terminated, generic first. */
const char *const *goss__kernels_names(void);
#endif
