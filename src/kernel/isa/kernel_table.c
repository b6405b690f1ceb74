/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_table.c: this variant's table of kernels. */
#include "kernel/isa/isa.h"
#include "kernel/variants.h"

#define NAME_(x) #x
#define NAME(x) NAME_(x)

const goss__kernels *GOSS_FN(kernels)(void) {
    static const goss__kernels table = {
        .name = NAME(GOSS_ISA),
        .gemm_scratch = GOSS_FN(gemm_scratch),
        .gemm = GOSS_FN(gemm),
        .gemm_depth = GEMM_DEPTH,
        .conv_scratch = GOSS_FN(conv_scratch),
        .conv = GOSS_FN(conv),
        .conv_dx = GOSS_FN(conv_dx),
        .conv_dw = GOSS_FN(conv_dw),
        .ew =
            {
#define ROW(name, arity, formula, va, vb, vc, ...) GOSS_FN(ew_##name),
#include "kernel/elementwise.def"
#undef ROW
            },
        .fused =
            {
#define FUSED(name, ...) GOSS_FN(fused_##name),
#include "kernel/fused.def"
#undef FUSED
            },
        .sum = GOSS_FN(sum),
        .max = GOSS_FN(max),
        .dot = GOSS_FN(dot),
        .deviation = GOSS_FN(deviation),
        .pool_argmax = GOSS_FN(pool_argmax),
        .pool_gather = GOSS_FN(pool_gather),
        .pool_scatter = GOSS_FN(pool_scatter),
        .product = GOSS_FN(product),
        .gram = GOSS_FN(gram),
        .sym_eig = GOSS_FN(sym_eig),
        .widen = GOSS_FN(widen),
        .transpose = GOSS_FN(transpose),
        .fft_power = GOSS_FN(fft_power),
        .bands = GOSS_FN(bands),
        .decibels = GOSS_FN(decibels),
        .fma_loop = GOSS_FN(fma_loop),
    };
    return &table;
}
