/* SPDX-License-Identifier: Apache-2.0 */
/* isa.h: the functions in a variant's table (documented in kernel.h). */
#ifndef GOSS_KERNEL_ISA_ISA_H
#define GOSS_KERNEL_ISA_ISA_H

#include "kernel/isa/simd.h"
#include "kernel/kernel.h"

enum { GEMM_DEPTH = 512 }; /* terms of a block of sums */
size_t GOSS_FN(gemm_scratch)(int64_t m, int64_t n, int64_t k, bool ta, bool tb);
void GOSS_FN(gemm)(const goss__gemm *g, void *scratch);
/* One product, m = 1, B not transposed, k > 0. */
void GOSS_FN(gemm_row)(const goss__gemm *g);

size_t GOSS_FN(conv_scratch)(const goss__conv *c);
void GOSS_FN(conv)(const goss__conv *c, const float *x, const float *w, float *y, void *scratch);
void GOSS_FN(conv_dx)(const goss__conv *c, const float *gy, const float *w, float *gx, void *scratch);
void GOSS_FN(conv_dw)(const goss__conv *c, const float *x, const float *gy, float *gw, void *scratch);
/* The alternatives of these; no extent is 0. */
void GOSS_FN(conv_direct)(const goss__conv *c, const float *x, const float *w, float *y, void *scratch);
void GOSS_FN(conv_direct_dx)(const goss__conv *c, const float *gy, const float *w, float *gx, void *scratch);
void GOSS_FN(conv_direct_dw)(const goss__conv *c, const float *x, const float *gy, float *gw, void *scratch);
void GOSS_FN(winograd)(const goss__conv *c, const float *x, const float *w, float *y, void *scratch);
void GOSS_FN(winograd_dx)(const goss__conv *c, const float *gy, const float *w, float *gx, void *scratch);
void GOSS_FN(winograd_dw)(const goss__conv *c, const float *x, const float *gy, float *gw, void *scratch);
/* One input and one output channel per group; no scratch. */
void GOSS_FN(depthwise)(const goss__conv *c, const float *x, const float *w, float *y);
void GOSS_FN(depthwise_dx)(const goss__conv *c, const float *gy, const float *w, float *gx);
void GOSS_FN(depthwise_dw)(const goss__conv *c, const float *x, const float *gy, float *gw);

#define ROW(name, arity, formula, va, vb, vc, ...) void GOSS_FN(ew_##name)(const goss__ew *e);
#include "kernel/elementwise.def"
#undef ROW
#define FUSED(name, ...) void GOSS_FN(fused_##name)(const goss__ew *e);
#include "kernel/fused.def"
#undef FUSED

void GOSS_FN(sum)(float *out, const float *x, int64_t pre, int64_t red, int64_t post);
void GOSS_FN(max)(float *out, const float *x, int64_t pre, int64_t red, int64_t post);
void GOSS_FN(dot)(float *out, const float *a, const float *b, int64_t pre, int64_t red, int64_t post);
void GOSS_FN(deviation)(float *out, const float *x, const float *from, int64_t pre, int64_t red, int64_t post);

void GOSS_FN(pool_argmax)(const goss__pool2d *p, const float *x, const float *factor, int64_t step, int32_t *index,
                          float *y);
void GOSS_FN(pool_gather)(const goss__pool2d *p, const float *x, const int32_t *index, float *y);
void GOSS_FN(pool_scatter)(const goss__pool2d *p, const float *gy, const int32_t *index, float *gx);

void GOSS_FN(product)(const goss__product *p, void *scratch);
void GOSS_FN(gram)(double *out, const float *w, int64_t m, int64_t n, double *work);
bool GOSS_FN(sym_eig)(double *a, int64_t n, double *values, double *vectors, double *work);

void GOSS_FN(widen)(float *out, const uint16_t *in, int64_t n);
void GOSS_FN(transpose)(float *out, int64_t ld_out, const float *in, int64_t ld_in, int64_t rows, int64_t cols);

void GOSS_FN(fft_power)(const goss__fft *t, const float *const *frame, float *work, float *power);
void GOSS_FN(bands)(const goss__band *band, int n, const float *power, float *out);
float GOSS_FN(decibels)(float *x, int64_t n, float least);

double GOSS_FN(fma_loop)(int64_t rounds, float *sink);
#endif
