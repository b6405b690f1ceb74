/* gemm_row.c: one row times a matrix that is not stored transposed.
 *
 * Each element of B is used once, so what matters is to read B at the speed of memory: in several long runs side by side, each a
 * stream that the machine fetches ahead. One run alone reaches two fifths of the speed of eight (docs/performance.md). */
#include "kernel/isa/isa.h"

#define COLS 8192 /* columns that stay near while rows of B stream by */
#define STREAMS 8 /* rows of B that are read side by side */

/* n numbers of B from element `at` on, the rest 0. */
ALWAYS vf b_load(const goss__gemm *g, const bool bf16, int64_t at, int64_t n) {
    return bf16 ? vload_bf16_n(g->b_bf16 + at, n) : vload_n(g->b + at, n);
}

/* 2 W numbers of B; bfloat16 ones, which are cheaper to widen so, those at even places first. */
ALWAYS void b_load_two(const goss__gemm *g, const bool bf16, int64_t at, vf two[2]) {
    if (bf16)
        vload_bf16_even_odd(g->b_bf16 + at, two);
    else
        two[0] = vload(g->b + at), two[1] = vload(g->b + at + W);
}

/* K rows of B from row k on, onto W columns of the single row of C from column j on, or the `last` that are left. */
ALWAYS void onto_one(const goss__gemm *g, const bool bf16, const vf *av, int64_t j, int64_t k, int64_t last, const int K) {
    vf acc = k > 0 ? vload_n(g->c + j, last) : (vf){0};
    UNROLL for (int i = 0; i < K; i++) acc = vfma(av[i], b_load(g, bf16, (k + i) * g->ldb + j, last), acc);
    vstore_n(g->c + j, acc, last);
}

/* The same onto 2 W columns. What stays in C between calls lies as b_load_two gives it; the last rows put it in order. */
ALWAYS void onto_two(const goss__gemm *g, const bool bf16, const vf *av, int64_t j, int64_t k, const int K) {
    vf acc[2] = {{0}}, b[2];
    float *c = g->c + j;
    if (k > 0) acc[0] = vload(c), acc[1] = vload(c + W);
    UNROLL for (int i = 0; i < K; i++) {
        b_load_two(g, bf16, (k + i) * g->ldb + j, b);
        acc[0] = vfma(av[i], b[0], acc[0]), acc[1] = vfma(av[i], b[1], acc[1]);
    }
    if (bf16 && k + K == g->k) vinterleave(acc);
    vstore(c, acc[0]), vstore(c + W, acc[1]);
}

/* K rows of B from row k on, onto n columns of C from column j on. */
ALWAYS void rows_times(const goss__gemm *g, const bool bf16, int64_t j, int64_t n, int64_t k, const int K) {
    const int64_t step = g->ta ? g->lda : 1, end = j + n;
    vf av[STREAMS];
    UNROLL for (int i = 0; i < K; i++) av[i] = vset(g->a[(k + i) * step]);
    for (; j + 2 * W <= end; j += 2 * W) onto_two(g, bf16, av, j, k, K);
    for (; j < end; j += W) onto_one(g, bf16, av, j, k, goss__min64(W, end - j), K);
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
