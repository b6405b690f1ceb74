/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c: copies of B into zero-padded panels, and the blocked transpose.
 *
 * Transposition uses W x W blocks in registers: W full-width loads, shuffles, W full-width stores. */
#include "kernel/isa/isa.h"
#include "kernel/isa/panel.h"

void GOSS_FN(pack_rows)(float *panel, int64_t row, const float *b, int64_t ld, int64_t k, int64_t width) {
    const int64_t vectors = goss__ceil_div(width, W), last = width - (vectors - 1) * W;
    const vlanes m = vfirst(last);
    for (int64_t i = 0; i < k; i++, b += ld, panel += row) {
        for (int64_t v = 0; v + 1 < vectors; v++) vstore(panel + v * W, vload(b + v * W));
        vstore(panel + (vectors - 1) * W, vload_part(b + (vectors - 1) * W, m));
    }
}

void GOSS_FN(pack_cols)(float *panel, int64_t row, const float *b, int64_t ld, int64_t k, int64_t width) {
    for (int64_t j = 0; j < width; j += W) {
        const int64_t rows = goss__min64(W, width - j);
        for (int64_t i = 0; i < k; i += W) {
            vf t[W];
            block_load(t, b + j * ld + i, ld, rows, goss__min64(W, k - i));
            block_transpose(t);
            for (int64_t r = 0; r < goss__min64(W, k - i); r++) vstore(panel + (i + r) * row + j, t[r]);
        }
    }
}

void GOSS_FN(pack_rows_bf16)(float *panel, int64_t row, const uint16_t *b, int64_t ld, int64_t k, int64_t width) {
    for (int64_t i = 0; i < k; i++, b += ld, panel += row)
        for (int64_t j = 0; j < width; j += W) vstore(panel + j, vload_bf16_n(b + j, width - j));
}

void GOSS_FN(pack_cols_bf16)(float *panel, int64_t row, const uint16_t *b, int64_t ld, int64_t k, int64_t width) {
    for (int64_t j = 0; j < width; j += W) {
        const int64_t rows = goss__min64(W, width - j);
        for (int64_t i = 0; i < k; i += W) {
            vf t[W];
            for (int64_t r = 0; r < W; r++) t[r] = r < rows ? vload_bf16_n(b + (j + r) * ld + i, k - i) : (vf){0};
            block_transpose(t);
            for (int64_t r = 0; r < goss__min64(W, k - i); r++) vstore(panel + (i + r) * row + j, t[r]);
        }
    }
}

void GOSS_FN(widen)(float *out, const uint16_t *in, int64_t n) {
    for (int64_t i = 0; i < n; i += W) vstore_n(out + i, vload_bf16_n(in + i, n - i), n - i);
}

void GOSS_FN(transpose)(float *out, int64_t ld_out, const float *in, int64_t ld_in, int64_t rows, int64_t cols) {
    for (int64_t i = 0; i < rows; i += W) {
        const int64_t nr = goss__min64(W, rows - i);
        for (int64_t j = 0; j < cols; j += W) {
            const int64_t nc = goss__min64(W, cols - j);
            vf t[W];
            block_load(t, in + i * ld_in + j, ld_in, nr, nc);
            block_transpose(t);
            for (int64_t r = 0; r < nc; r++) vstore_n(out + (j + r) * ld_out + i, t[r], nr);
        }
    }
}
