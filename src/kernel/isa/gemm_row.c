/* gemm_row.c: one row times a matrix that is not stored transposed.
 *
 * Each element of B is used once, so what matters is to read B at the speed of memory: in several long runs side by side, each a
 * stream that the machine fetches ahead. One run alone reaches two fifths of the speed of eight (docs/performance.md). */
#include "kernel/isa/isa.h"

#define COLS 8192 /* columns that stay near while rows of B stream by */
#define STREAMS 8 /* rows of B that are read side by side */
#define VECTORS 2 /* columns of each of them at a time */

/* n numbers of B from element `at` on, the rest 0. */
ALWAYS vf b_load(const goss__gemm *g, const bool bf16, int64_t at, int64_t n) {
    return bf16 ? vload_bf16_n(g->b_bf16 + at, n) : vload_n(g->b + at, n);
}

/* K rows of B from row k on, onto V vectors of the single row of C from column j on; `last` columns of the last one. */
ALWAYS void row_times(const goss__gemm *g, const bool bf16, const vf *av, int64_t j, int64_t k, int64_t last, const int K,
                      const int V) {
    vf acc[VECTORS];
    float *c = g->c + j;
    UNROLL for (int v = 0; v < V; v++) acc[v] = k > 0 ? vload_n(c + v * W, last) : (vf){0};
    UNROLL for (int i = 0; i < K; i++) {
        const int64_t at = (k + i) * g->ldb + j;
        UNROLL for (int v = 0; v < V; v++) acc[v] = vfma(av[i], b_load(g, bf16, at + v * W, last), acc[v]);
    }
    UNROLL for (int v = 0; v < V; v++) vstore_n(c + v * W, acc[v], last);
}

/* K rows of B from row k on, onto n columns of C from column j on. */
ALWAYS void rows_times(const goss__gemm *g, const bool bf16, int64_t j, int64_t n, int64_t k, const int K) {
    const int64_t step = g->ta ? g->lda : 1, end = j + n;
    vf av[STREAMS];
    UNROLL for (int i = 0; i < K; i++) av[i] = vset(g->a[(k + i) * step]);
    for (; j + VECTORS * W <= end; j += VECTORS * W) row_times(g, bf16, av, j, k, W, K, VECTORS);
    for (; j < end; j += W) row_times(g, bf16, av, j, k, goss__min64(W, end - j), K, 1);
}

static void row_add(const goss__gemm *g, int64_t j, int64_t n) {
    for (const int64_t end = j + n; j < end; j += W)
        vstore_n(g->c + j, vload_n(g->c + j, end - j) + vload_n(g->add + j, end - j), end - j);
}

ALWAYS void row_product(const goss__gemm *g, const bool bf16) {
    for (int64_t j = 0; j < g->n; j += COLS) {
        const int64_t n = goss__min64(COLS, g->n - j);
        int64_t k = 0;
        for (; k + STREAMS <= g->k; k += STREAMS) rows_times(g, bf16, j, n, k, STREAMS);
        for (; k < g->k; k++) rows_times(g, bf16, j, n, k, 1);
        if (g->add) row_add(g, j, n);
    }
}

void GOSS_FN(gemm_row)(const goss__gemm *g) {
    if (g->b_bf16)
        row_product(g, true);
    else
        row_product(g, false);
}
