/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_row.c: row-vector products with a matrix that is not transposed.
 *
 * Each element of B is used once, so that the product is bound by memory: B is read in several long parallel streams,
 * which the hardware prefetches (one stream reaches two fifths of the bandwidth of eight: docs/performance.md), and
 * rows whose factor is 0 are skipped, such as half of them after a relu (unless all_rows is set). The result differs
 * from that of reading them only in that 0 times NaN or infinity contributes nothing, and that a sum of negative zeros
 * keeps its sign. */
#include "kernel/isa/isa.h"

#define COLS 8192 /* columns of C that stay in L1 while rows of B are streamed */
#define STREAMS 8 /* rows of B that are read in parallel */

/* n numbers of B from element `at` on, the rest 0. */
ALWAYS vf b_load(const goss__gemm *g, const bool bf16, int64_t at, int64_t n) {
    return bf16 ? vload_bf16_n(g->b_bf16 + at, n) : vload_n(g->b + at, n);
}

/* 2 W numbers of B; of bfloat16 those at even positions first, which are cheaper to widen so. */
ALWAYS void b_load_two(const goss__gemm *g, const bool bf16, int64_t at, vf two[2]) {
    if (bf16)
        vload_bf16_even_odd(g->b_bf16 + at, two);
    else
        two[0] = vload(g->b + at), two[1] = vload(g->b + at + W);
}

/* Rows of B that are accumulated together, with their factors. */
typedef struct streams {
    int64_t row[STREAMS], at[STREAMS]; /* their indices and offsets */
    float factor[STREAMS];
    int n;            /* STREAMS, 4, 2 or 1; 0: all factors are 0 */
    bool first, last; /* first: C is not initialised yet; last: no further rows */
} streams;

/* Accumulates K rows of B into W columns of C from column j on, or the n remaining ones. */
ALWAYS void onto_one(const goss__gemm *g, const bool bf16, const streams *s, const vf *av, int64_t j, int64_t n,
                     const int K) {
    vf acc = s->first ? (vf){0} : vload_n(g->c + j, n);
    UNROLL for (int i = 0; i < K; i++) acc = vfma(av[i], b_load(g, bf16, s->at[i] + j, n), acc);
    vstore_n(g->c + j, acc, n);
}

/* The same for 2 W columns. Between calls C has the order of b_load_two; the last call restores it. */
ALWAYS void onto_two(const goss__gemm *g, const bool bf16, const streams *s, const vf *av, int64_t j, const int K) {
    vf acc[2] = {{0}}, b[2];
    float *c = g->c + j;
    if (!s->first) acc[0] = vload(c), acc[1] = vload(c + W);
    UNROLL for (int i = 0; i < K; i++) {
        b_load_two(g, bf16, s->at[i] + j, b);
        acc[0] = vfma(av[i], b[0], acc[0]), acc[1] = vfma(av[i], b[1], acc[1]);
    }
    if (bf16 && s->last) vinterleave(acc);
    vstore(c, acc[0]), vstore(c + W, acc[1]);
}

/* Accumulates K rows of B into n columns of C from column j on. */
ALWAYS void rows_times(const goss__gemm *g, const bool bf16, const streams *s, int64_t j, int64_t n, const int K) {
    const int64_t end = j + n;
    vf av[STREAMS];
    UNROLL for (int i = 0; i < K; i++) av[i] = vset(s->factor[i]);
    for (; j + 2 * W <= end; j += 2 * W) onto_two(g, bf16, s, av, j, K);
    for (; j < end; j += W) onto_one(g, bf16, s, av, j, goss__min64(W, end - j), K);
}

static bool counts(const goss__gemm *g, float factor) { return factor != 0 || g->all_rows; }

/* The next rows from *k on with nonzero factors (all_rows: of any), as many as a loop takes; *k moves past them and the
 * following zeros. */
static streams next_rows(const goss__gemm *g, int64_t *k) {
    const int64_t step = g->ta ? g->lda : 1;
    streams s = {.first = *k == 0};
    for (; *k < g->k && s.n < STREAMS; ++*k) {
        s.row[s.n] = *k, s.at[s.n] = *k * g->ldb, s.factor[s.n] = g->a[*k * step];
        s.n += counts(g, s.factor[s.n]);
    }
    const int whole = s.n == STREAMS ? STREAMS : s.n >= 4 ? 4 : s.n >= 2 ? 2 : s.n;
    if (whole < s.n) *k = s.row[whole - 1] + 1, s.n = whole;
    while (*k < g->k && !counts(g, g->a[*k * step])) ++*k;
    s.last = *k == g->k;
    return s;
}

static void row_add(const goss__gemm *g, int64_t j, int64_t n) {
    for (const int64_t end = j + n; j < end; j += W)
        vstore_n(g->c + j, vload_n(g->c + j, end - j) + vload_n(g->add + j, end - j), end - j);
}

ALWAYS void row_product(const goss__gemm *g, const bool bf16) {
    for (int64_t j = 0; j < g->n; j += COLS) {
        const int64_t n = goss__min64(COLS, g->n - j);
        for (int64_t k = 0; k < g->k;) {
            const streams s = next_rows(g, &k);
            if (s.n == STREAMS)
                rows_times(g, bf16, &s, j, n, STREAMS);
            else if (s.n == 4)
                rows_times(g, bf16, &s, j, n, 4);
            else if (s.n == 2)
                rows_times(g, bf16, &s, j, n, 2);
            else if (s.n == 1)
                rows_times(g, bf16, &s, j, n, 1);
            else
                memset(g->c + j, 0, (size_t)n * sizeof(float));
        }
        if (g->add) row_add(g, j, n);
    }
}

void GOSS_FN(gemm_row)(const goss__gemm *g) {
    if (g->b_bf16)
        row_product(g, true);
    else
        row_product(g, false);
}
