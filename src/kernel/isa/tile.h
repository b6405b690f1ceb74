/* SPDX-License-Identifier: Apache-2.0 */
/* tile.h: the inner kernel of all products and convolutions.
 *
 * A tile is R x V*W outputs held in registers: C[r][:] = sum over segments s, sum over k of A_s[r][k] * B_s[k][:]. Rows
 * of A have stride `row` and are read by broadcast, so that A is never packed. A matrix product has one segment, a
 * convolution one per filter tap, a filter gradient one per row of pixels. Segments, and k within them, are summed
 * serially with fused multiply-add: the order does not depend on R, V or W. */
#ifndef GOSS_KERNEL_ISA_TILE_H
#define GOSS_KERNEL_ISA_TILE_H

#include "kernel/isa/simd.h"

/* The most rows, and the largest V for r rows, that fit 32 or 16 registers. */
#if GOSS_ISA_avx512
#define TILE_ROWS 14
#define TILE_COLS(r) ((r) > 8 ? 2 : (r) > 6 ? 3 : (r) > 4 ? 4 : (r) > 3 ? 6 : 8)
#elif GOSS_ISA_avx2
#define TILE_ROWS 6
#define TILE_COLS(r) ((r) > 4 ? 2 : (r) > 3 ? 3 : (r) > 2 ? 4 : (r) > 1 ? 6 : 8)
#elif GOSS_ISA_neon
#define TILE_ROWS 6
#define TILE_COLS(r) ((r) > 4 ? 4 : (r) > 3 ? 6 : 8)
#else
#define TILE_ROWS 4
#define TILE_COLS(r) 2
#endif
#define TILE_COLS_MAX 8

typedef struct goss__segment {
    int64_t a, b, k; /* offsets into A and B, and the number of products */
} goss__segment;

enum { TILE_SET, TILE_CONTINUE }; /* start from 0; start from C */

typedef struct goss__tile {
    const float *a, *b;
    int64_t row, step; /* strides of A along rows (ignored by the unit kernels: 1) and along k */
    int64_t ldb;       /* row stride of B */
    const goss__segment *seg;
    int64_t segs;
    float *c;
    int64_t ldc;       /* row stride of C, if at is NULL */
    const int64_t *at; /* offset of each row of C */
    int64_t times;     /* number of tiles, one below the other, with consecutive rows of A, C and at */
    int64_t last;      /* columns in the last vector, 1..W */
    int mode;
    const float *add; /* epilogue, if at is NULL: an addend like C, with row stride add_row; NULL: none. May be C */
    int64_t add_row;
    int far; /* C is not in the cache: prefetch its lines */
} goss__tile;

typedef void (*goss__tile_fn)(const goss__tile *t);

/* The kernel for tiles of r rows of A, v vectors of B; unit: rows of A have stride 1; ragged: B must not be read beyond
 * `last` (only with GOSS_MASKED; otherwise B must be padded with zeros to whole vectors). */
goss__tile_fn GOSS_FN(tile_find)(int64_t r, int64_t v, int unit, int ragged);

/* Rows of the first of the tiles into which `left` rows are divided as equally as possible. */
ALWAYS int64_t tile_rows(int64_t left) {
    return left <= TILE_ROWS ? left : goss__ceil_div(left, goss__ceil_div(left, TILE_ROWS));
}

/* All rows for one panel of B, from tile `t` on, at most `most` per tile: larger tiles first, one call per size. */
ALWAYS void tile_some_rows(goss__tile t, int64_t rows, int64_t most, int64_t vectors, int unit, int ragged) {
    const int64_t tiles = goss__ceil_div(rows, most), r = rows / tiles, more = rows % tiles;
    if (more > 0) {
        t.times = more;
        GOSS_FN(tile_find)(r + 1, vectors, unit, ragged)(&t);
        t.a += more * (r + 1) * (unit ? 1 : t.row);
        if (t.at)
            t.at += more * (r + 1);
        else
            t.c += more * (r + 1) * t.ldc;
        if (t.add) t.add += more * (r + 1) * t.add_row;
    }
    t.times = tiles - more;
    GOSS_FN(tile_find)(r, vectors, unit, ragged)(&t);
}

ALWAYS void tile_all_rows(goss__tile t, int64_t rows, int64_t vectors, int unit, int ragged) {
    tile_some_rows(t, rows, TILE_ROWS, vectors, unit, ragged);
}

/* panel[k][row] from B[k][width] (row stride ld) or from B[width][k]; columns from width to the next multiple of W are
 * 0. */
void GOSS_FN(pack_rows)(float *panel, int64_t row, const float *b, int64_t ld, int64_t k, int64_t width);
void GOSS_FN(pack_cols)(float *panel, int64_t row, const float *b, int64_t ld, int64_t k, int64_t width);
/* The same from bfloat16. */
void GOSS_FN(pack_rows_bf16)(float *panel, int64_t row, const uint16_t *b, int64_t ld, int64_t k, int64_t width);
void GOSS_FN(pack_cols_bf16)(float *panel, int64_t row, const uint16_t *b, int64_t ld, int64_t k, int64_t width);

#endif
