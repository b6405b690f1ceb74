/* SPDX-License-Identifier: Apache-2.0 */
/* gemm.c: matrix products on register tiles.
 *
 * A is read in place (any strides, by broadcast). B is read in place if few rows of A would use a packed copy;
 * otherwise it is packed into scratch panel by panel, transposed if necessary, and converted if it is bfloat16. K is
 * divided into blocks of K_BLOCK that continue from C, so that every output remains one serial sum. Nothing is
 * allocated and small products are not packed. */
#include "kernel/isa/isa.h"
#include "kernel/isa/tile.h"

#define K_BLOCK GEMM_DEPTH
#define M_BLOCK (TILE_ROWS * 18)
#define FAR_FLOATS 65536      /* a matrix larger than this is assumed to exceed L1 and L2 */
#define GROUP_FLOATS 32768    /* of such a B this much is packed at a time, so that its rows are read in runs */
#define TURNED_FLOATS 16384   /* the part of a transposed B that is packed at a time */
#define NEAR_FLOATS 4096      /* a matrix up to this size stays in L1: packing does not pay */
#define RUNS_FLOATS (1 << 20) /* a result from this size on goes to memory and is written in runs */
#define COLUMN_FLOATS 4096    /* a matrix up to this size is transposed for a product with a single column */
#define WIDE_FLOATS 16384     /* the largest result that is computed transposed */

/* A for the tiles: row and step are the strides of op(A). */
typedef struct operand {
    const float *a;
    int64_t row, step;
} operand;

typedef struct block {
    const goss__gemm *g;
    int64_t m0, mc, k0, kc, cols; /* cols: of a panel */
    operand a;
    float *panel;
    int mode;
    bool last;    /* of K's blocks */
    bool far_b;   /* B exceeds L1 and L2 */
    int64_t some; /* columns packed at a time, whole panels */
} block;

static int64_t panel_cols(int64_t m) { return W * TILE_COLS(tile_rows(m)); }

/* The stride between the rows of packed columns. A multiple of 256 bytes would use few sets of L1. */
static int64_t panel_row(int64_t width) {
    const int64_t whole = goss__ceil_div(width, W) * W;
    return whole > TILE_COLS_MAX * W && whole % 64 == 0 ? whole + 16 : whole;
}

/* Scratch for the packed columns of a block: all of B, one panel, or a group of panels. Monotone in kc and n. */
static int64_t panel_floats(int64_t kc, int64_t n) {
    const int64_t one = kc * panel_row(TILE_COLS_MAX * W), group = GROUP_FLOATS + kc * (W + 16);
    return goss__min64(kc * (goss__ceil_div(n, W) * W + 16), goss__max64(one, group));
}

size_t GOSS_FN(gemm_scratch)(int64_t m, int64_t n, int64_t k, bool ta, bool tb) {
    if (m <= 0 || n <= 0 || k <= 0) return 0;
    if (n < TILE_COLS_MAX * W) n = TILE_COLS_MAX * W; /* a column-vector product is computed transposed */
    const int64_t wide = tb ? WIDE_FLOATS : 0;        /* exchanging m and n */
    const int64_t kc = goss__min64(k, K_BLOCK), mc = goss__min64(tb && n > m ? n : m, M_BLOCK);
    return (size_t)(wide + panel_floats(kc, n) + (kc + 16) * (mc + 16)) * sizeof(float);
}

/* The tile from row m of the block and columns j0 .. j0 + width of C, with the panel of B at bp. */
static goss__tile tile_of(const block *b, const goss__segment *seg, const float *bp, int64_t ldb, int64_t m, int64_t j0,
                          int64_t width) {
    const goss__gemm *g = b->g;
    goss__tile t = {.b = bp, .ldb = ldb, .seg = seg, .segs = 1, .mode = b->mode};
    t.a = b->a.a + m * b->a.row, t.row = b->a.row, t.step = b->a.step;
    t.c = g->c + (b->m0 + m) * g->ldc + j0, t.ldc = g->ldc;
    t.last = width - (goss__ceil_div(width, W) - 1) * W;
    if (b->last && g->add) t.add = g->add + (b->m0 + m) * g->add_row + j0, t.add_row = g->add_row;
    t.far = g->m * g->n > FAR_FLOATS;
    return t;
}

/* Columns j0 .. j0 + width of C: the panel of B at bp against all rows of the block. */
static void panel_times_rows(const block *b, const float *bp, int64_t ldb, bool packed, int64_t j0, int64_t width) {
    const goss__segment seg = {0, 0, b->kc};
    tile_all_rows(tile_of(b, &seg, bp, ldb, 0, j0, width), b->mc, goss__ceil_div(width, W), b->a.row == 1,
                  !packed && width % W != 0);
}

/* Columns j0 .. j0 + some of C from a group of packed panels, tile by tile of rows, so that each row of C is written in
 * a run. */
static void panels_times_tiles(const block *b, int64_t row, int64_t j0, int64_t some) {
    const goss__segment seg = {0, 0, b->kc};
    for (int64_t m = 0, rows; m < b->mc; m += rows) {
        rows = tile_rows(b->mc - m);
        for (int64_t j = 0; j < some; j += b->cols) {
            const int64_t width = goss__min64(b->cols, some - j);
            tile_all_rows(tile_of(b, &seg, b->panel + j, row, m, j0 + j, width), rows, goss__ceil_div(width, W),
                          b->a.row == 1, false);
        }
    }
}

/* Columns j0 .. j0 + width of B, with row stride `row`. */
static void pack_panel(const block *b, int64_t row, int64_t j0, int64_t width) {
    const goss__gemm *g = b->g;
    const int64_t at = g->tb ? j0 * g->ldb + b->k0 : b->k0 * g->ldb + j0;
    if (g->b_bf16)
        (g->tb ? GOSS_FN(pack_cols_bf16) : GOSS_FN(pack_rows_bf16))(b->panel, row, g->b_bf16 + at, g->ldb, b->kc,
                                                                    width);
    else
        (g->tb ? GOSS_FN(pack_cols) : GOSS_FN(pack_rows))(b->panel, row, g->b + at, g->ldb, b->kc, width);
}

static void block_times_panels(const block *b) {
    const goss__gemm *g = b->g;
    const bool pack = g->tb || g->b_bf16 || goss__ceil_div(b->mc, TILE_ROWS) > (b->far_b ? 2 : 4);
    /* With more rows of C than of B, writes outweigh reading the group again for each tile's rows. */
    const bool in_runs = g->m * g->n > RUNS_FLOATS && b->mc > b->kc;
    for (int64_t j0 = 0; j0 < g->n; j0 += b->some) {
        const int64_t some = goss__min64(b->some, g->n - j0), row = panel_row(some);
        const bool packed = pack || (some % W && !GOSS_MASKED);
        if (packed) pack_panel(b, row, j0, some);
        if (packed && in_runs) {
            panels_times_tiles(b, row, j0, some);
            continue;
        }
        for (int64_t j = 0; j < some; j += b->cols) {
            const int64_t width = goss__min64(b->cols, some - j);
            if (packed)
                panel_times_rows(b, b->panel + j, row, true, j0 + j, width);
            else
                panel_times_rows(b, g->b + b->k0 * g->ldb + j0 + j, g->ldb, false, j0 + j, width);
        }
    }
}

/* Strides that are a multiple of 2 KiB map the rows of a tile to few sets of L1: such an A is copied block by block if
 * more than one panel reads it. */
static operand place_a(const block *b, float *copy) {
    const goss__gemm *g = b->g;
    const float *a = g->a + (g->ta ? b->k0 * g->lda + b->m0 : b->m0 * g->lda + b->k0);
    const int64_t outer = g->ta ? b->kc : b->mc, inner = g->ta ? b->mc : b->kc;
    int64_t ld = g->lda;
    if (ld % 512 == 0 && outer > 8 && g->n > 2 * b->cols) {
        ld = inner + 16 - inner % 16;
        for (int64_t i = 0; i < outer; i++)
            for (int64_t j = 0; j < inner; j += W)
                vstore_n(copy + i * ld + j, vload_n(a + i * g->lda + j, inner - j), inner - j);
        a = copy;
    }
    return g->ta ? (operand){a, 1, ld} : (operand){a, ld, 1};
}

/* Empty sums. */
static void fill_empty(const goss__gemm *g) {
    const size_t row = (size_t)g->n * sizeof(float);
    for (int64_t p = 0; p <= g->more; p++)
        for (int64_t i = 0; i < g->m; i++) {
            float *c = g->c + p * g->c_step + i * g->ldc;
            if (g->add == g->c) continue;
            if (g->add)
                memcpy(c, g->add + p * g->add_step + i * g->add_row, row);
            else
                memset(c, 0, row);
        }
}

/* One row and more columns than a tile has: gemm_row.c, which stores partial sums. */
static bool is_row(const goss__gemm *g) { return g->m == 1 && !g->tb && g->n > TILE_COLS_MAX * W && g->add != g->c; }

/* Fast path without blocks and copies, except of a transposed B: the tiles of gemm_blocks below without its set-up,
 * which would take half of the time of a product of 10 x 40 and 40 x 40. */
static bool is_small(const goss__gemm *g) {
    if (is_row(g)) return false;
    if (g->tb && g->k * panel_row(g->n) > TURNED_FLOATS) return false;
    const bool few = (g->m <= 4 * TILE_ROWS || g->k * g->n <= NEAR_FLOATS) && g->k <= K_BLOCK;
    return few && !g->b_bf16 && g->k * g->n <= FAR_FLOATS && g->m * g->n <= FAR_FLOATS &&
           (GOSS_MASKED || g->tb || g->n % W == 0) && g->lda % 512 != 0;
}

/* The most rows of a tile that covers all columns, if there is one with enough sums to hide latency. */
static int64_t rows_for(int64_t vectors) {
    for (int64_t r = TILE_ROWS; r > 1; r--)
        if (TILE_COLS(r) >= vectors) return r;
    return 0;
}

static void gemm_small(const goss__gemm *g, float *scratch) {
    const goss__segment seg = {0, 0, g->k};
    const float *b = g->tb ? scratch : g->b;
    const int64_t all = rows_for(goss__ceil_div(g->n, W)), most = all ? all : TILE_ROWS;
    const int64_t cols = all ? g->n : panel_cols(g->m);
    const int ragged = !g->tb && g->n % W != 0;
    goss__tile t = {.a = g->a,
                    .ldb = g->tb ? panel_row(g->n) : g->ldb,
                    .seg = &seg,
                    .segs = 1,
                    .ldc = g->ldc,
                    .add_row = g->add_row};
    t.row = g->ta ? 1 : g->lda, t.step = g->ta ? g->lda : 1, t.mode = TILE_SET;
    for (int64_t i = 0; i <= g->more; i++, t.a += g->a_step) {
        if (g->tb && (i == 0 || g->b_step))
            GOSS_FN(pack_cols)(scratch, t.ldb, g->b + i * g->b_step, g->ldb, g->k, g->n);
        for (int64_t j = 0; j < g->n; j += cols) {
            const int64_t width = goss__min64(cols, g->n - j), vectors = goss__ceil_div(width, W);
            t.b = b + j, t.c = g->c + i * g->c_step + j, t.last = width - (vectors - 1) * W;
            if (g->add) t.add = g->add + i * g->add_step + j;
            tile_some_rows(t, g->m, most, vectors, g->ta, ragged && j + width == g->n);
        }
        if (!g->tb) b += g->b_step;
    }
}

/* A single column: the transposed product, whose row fills vectors. The same sums. */
static bool is_column(const goss__gemm *g) {
    return g->n == 1 && g->m > 1 && g->ldc == 1 && !g->b_bf16 && (!g->add || g->add_row == 1) && g->add != g->c &&
           (g->ta || g->m * g->k <= COLUMN_FLOATS);
}

static goss__gemm turned(const goss__gemm *g) {
    goss__gemm t = {.m = g->n, .n = g->m, .k = g->k, .ta = !g->tb, .tb = !g->ta, .all_rows = g->all_rows};
    t.a = g->b, t.lda = g->ldb, t.b = g->a, t.ldb = g->lda, t.c = g->c, t.ldc = g->m;
    t.more = g->more, t.a_step = g->b_step, t.b_step = g->a_step, t.c_step = g->c_step;
    t.add = g->add, t.add_row = g->m, t.add_step = g->add_step;
    return t;
}

static void gemm_blocks(const goss__gemm *g, float *scratch) {
    block b = {.g = g, .panel = scratch, .cols = panel_cols(g->m)};
    const int64_t panel = panel_floats(goss__min64(g->k, K_BLOCK), g->n);
    for (b.k0 = 0; b.k0 < g->k; b.k0 += K_BLOCK) {
        b.kc = goss__min64(K_BLOCK, g->k - b.k0);
        b.mode = b.k0 > 0 ? TILE_CONTINUE : TILE_SET, b.last = b.k0 + b.kc == g->k;
        for (b.m0 = 0; b.m0 < g->m; b.m0 += M_BLOCK) {
            b.mc = goss__min64(M_BLOCK, g->m - b.m0);
            b.far_b = b.kc * g->n > FAR_FLOATS;
            b.some = b.cols * (b.far_b && !g->tb ? goss__max64(1, GROUP_FLOATS / (b.kc * b.cols)) : 1);
            b.a = place_a(&b, b.panel + panel);
            block_times_panels(&b);
        }
    }
}

static void gemm_any(const goss__gemm *first, void *scratch) {
    if (is_small(first)) {
        gemm_small(first, scratch);
        return;
    }
    goss__gemm g = *first;
    for (int64_t left = g.more; left >= 0; left--) {
        if (is_row(&g))
            GOSS_FN(gemm_row)(&g);
        else
            gemm_blocks(&g, scratch);
        if (g.b_bf16)
            g.b_bf16 += g.b_step;
        else
            g.b += g.b_step;
        g.a += g.a_step, g.c += g.c_step;
        if (g.add) g.add += g.add_step;
    }
}

/* Few rows times a large transposed B: its rows are read in place, in the role of A, and the few rows are packed; the
 * result is transposed. The same sums. */
static bool is_wide(const goss__gemm *g) {
    return g->tb && !g->ta && !g->add && !g->b_bf16 && g->m >= 2 * W && 2 * g->m <= g->n &&
           g->m * g->n <= WIDE_FLOATS && g->k * g->n > FAR_FLOATS;
}

static void gemm_wide(const goss__gemm *g, float *scratch) {
    for (int64_t i = 0; i <= g->more; i++) {
        goss__gemm t = turned(g);
        t.a += i * t.a_step, t.b += i * t.b_step, t.more = 0;
        t.c = scratch, t.ldc = g->m;
        gemm_blocks(&t, scratch + WIDE_FLOATS);
        GOSS_FN(transpose)(g->c + i * g->c_step, g->ldc, scratch, g->m, g->n, g->m);
    }
}

void GOSS_FN(gemm)(const goss__gemm *g, void *scratch) {
    if (g->m <= 0 || g->n <= 0) return;
    if (g->k <= 0) {
        fill_empty(g);
    } else if (is_wide(g)) {
        gemm_wide(g, scratch);
    } else if (is_column(g)) {
        const goss__gemm t = turned(g);
        gemm_any(&t, scratch);
    } else {
        gemm_any(g, scratch);
    }
}
