/* SPDX-License-Identifier: Apache-2.0 */
/* product_double.c: matrix products in double, on register tiles of ROWS x VECTORS.
 *
 * A is read in place by broadcast, B panel by panel of columns, packed unless its rows are contiguous and few rows of A
 * would use the copy. Products and sums are rounded separately, since not every processor fuses them in double; K is
 * divided into blocks whose serial sums are added in turn. All variants are therefore bit-identical. */
#include "kernel/isa/isa.h"

/* LANES doubles a vector; accumulators, one row of B and a product fit the register file. */
#if GOSS_ISA_avx512
enum { LANES = 8, ROWS = 8, VECTORS = 3 };
#elif GOSS_ISA_avx2
enum { LANES = 4, ROWS = 4, VECTORS = 2 };
#elif GOSS_ISA_neon
enum { LANES = 2, ROWS = 4, VECTORS = 4 };
#else
enum { LANES = 2, ROWS = 4, VECTORS = 2 };
#endif
enum { K_BLOCK = 256, COLUMNS = LANES * VECTORS };
typedef double dv __attribute__((vector_size(8 * LANES), may_alias));
typedef dv dv_unaligned __attribute__((aligned(8)));

_Static_assert(K_BLOCK *COLUMNS * sizeof(double) <= GOSS__PRODUCT_SCRATCH, "a packed panel fits the scratch memory");

/* Rows of A and C and columns of C that a tile covers, at most R and LANES V; B [k, row] is padded to whole vectors. */
typedef struct tile {
    const double *a;
    int64_t a_row, a_step;
    const double *b;
    int64_t b_row, k;
    double *c;
    int64_t ldc;
    int rows, columns;
    double factor;
    bool add;
} tile;

ALWAYS void tile_store(const tile *t, dv acc[ROWS][VECTORS], const int R, const int V) {
    for (int r = 0; r < t->rows && r < R; r++) {
        double *c = t->c + r * t->ldc, sum[COLUMNS];
        memcpy(sum, acc[r], sizeof(dv) * (size_t)V);
        for (int j = 0; j < t->columns && j < V * LANES; j++) c[j] = (t->add ? c[j] : 0) + t->factor * sum[j];
    }
}

/* Missing rows read the last one. */
ALWAYS void tile_sum(const tile *t, const int R, const int V) {
    dv acc[ROWS][VECTORS];
    const double *a[ROWS], *b = t->b;
    UNROLL for (int r = 0; r < R; r++) {
        a[r] = t->a + (r < t->rows ? r : t->rows - 1) * t->a_row;
        UNROLL for (int v = 0; v < V; v++) acc[r][v] = (dv){0};
    }
    for (int64_t k = 0; k < t->k; k++, b += t->b_row) {
        dv row[VECTORS];
        UNROLL for (int v = 0; v < V; v++) row[v] = *(const dv_unaligned *)(b + v * LANES);
        UNROLL for (int r = 0; r < R; r++) {
            const dv x = a[r][k * t->a_step] - (dv){0};
            UNROLL for (int v = 0; v < V; v++) acc[r][v] += x * row[v];
        }
    }
    tile_store(t, acc, R, V);
}

#define TILES(V)                                                                                                       \
    static void tile_##V(const tile *t) {                                                                              \
        if (t->rows == 1)                                                                                              \
            tile_sum(t, 1, V);                                                                                         \
        else if (t->rows == 2)                                                                                         \
            tile_sum(t, 2, V);                                                                                         \
        else if (t->rows <= 4)                                                                                         \
            tile_sum(t, 4, V);                                                                                         \
        else                                                                                                           \
            tile_sum(t, ROWS, V);                                                                                      \
    }
TILES(1)
TILES(2)
#if GOSS_ISA_avx512 || GOSS_ISA_neon
TILES(3)
#endif
#if GOSS_ISA_neon
TILES(4)
#endif

static void (*const tiles[])(const tile *t) = {tile_1, tile_2,
#if GOSS_ISA_avx512 || GOSS_ISA_neon
                                               tile_3,
#endif
#if GOSS_ISA_neon
                                               tile_4
#endif
};

/* panel [k, whole] from columns j .. j + columns; the others are 0. */
static void pack(const goss__product *p, int64_t from, int64_t k, int64_t j, int columns, int whole, double *panel) {
    const double *b = p->b + from * p->b_step + j * p->b_col;
    for (int64_t i = 0; i < k; i++) {
        double *row = panel + i * whole;
        for (int c = 0; c < columns; c++) row[c] = b[i * p->b_step + c * p->b_col];
        for (int c = columns; c < whole; c++) row[c] = 0;
    }
}

/* Columns j .. j + columns of one block of K, for all rows. */
static void panel_times_rows(const goss__product *p, int64_t from, int64_t k, int64_t j, int columns, double *panel) {
    const int vectors = (columns + LANES - 1) / LANES, whole = vectors * LANES;
    const bool in_place = p->b_col == 1 && columns == whole && p->m <= 2 * ROWS;
    if (!in_place) pack(p, from, k, j, columns, whole, panel);
    tile t = {.a_row = p->a_row, .a_step = p->a_step, .k = k, .ldc = p->ldc, .columns = columns};
    t.b = in_place ? p->b + from * p->b_step + j : panel, t.b_row = in_place ? p->b_step : whole;
    t.factor = p->factor, t.add = p->add || from > 0;
    for (int64_t i = 0; i < p->m; i += ROWS) {
        t.rows = (int)(p->m - i < ROWS ? p->m - i : ROWS);
        t.a = p->a + i * p->a_row + from * p->a_step, t.c = p->c + i * p->ldc + j;
        tiles[vectors - 1](&t);
    }
}

void GOSS_FN(product)(const goss__product *p, void *scratch) {
    for (int64_t i = 0; p->k <= 0 && !p->add && i < p->m; i++)
        memset(p->c + i * p->ldc, 0, (size_t)p->n * sizeof *p->c);
    for (int64_t from = 0; from < p->k; from += K_BLOCK)
        for (int64_t j = 0; j < p->n; j += COLUMNS)
            panel_times_rows(p, from, p->k - from < K_BLOCK ? p->k - from : K_BLOCK, j,
                             (int)(p->n - j < COLUMNS ? p->n - j : COLUMNS), scratch);
}
