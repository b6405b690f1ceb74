/* SPDX-License-Identifier: Apache-2.0 */
/* tile.c: the register tiles of tile.h, one function for each (rows, vectors) that fits the register file.
 *
 * The body is written once with R and V as compile-time constants; full unrolling keeps acc[][] in registers. Rows of A
 * are addressed from two pointers and three strides (x86 addressing scales by 1, 2, 4): 14 row pointers would spill. */
#include <stdbool.h>

#include "kernel/isa/tile.h"

typedef struct rows14 {
    const char *p, *q; /* rows 0.. and 7.. */
    ptrdiff_t s1, s3, s5;
} rows14;

ALWAYS float row_at(const rows14 *a, int r, int unit) {
    if (unit) return ((const float *)a->p)[r];
    const char *base = r < 7 ? a->p : a->q;
    switch (r % 7) {
    case 0:
        return *(const float *)base;
    case 1:
        return *(const float *)(base + a->s1);
    case 2:
        return *(const float *)(base + 2 * a->s1);
    case 3:
        return *(const float *)(base + a->s3);
    case 4:
        return *(const float *)(base + 4 * a->s1);
    case 5:
        return *(const float *)(base + a->s5);
    default:
        return *(const float *)(base + 2 * a->s3);
    }
}

/* Hides the strides' values from the optimiser, which would otherwise keep a pointer per row and spill. */
#define OPAQUE(a) __asm__("" : "+r"((a).s1), "+r"((a).s3), "+r"((a).s5), "+r"((a).q))

/* Keeps a vector used by several sums in a register: the optimiser would repeat the load. */
#if GOSS_ISA_avx512 || GOSS_ISA_avx2
#define KEEP(v) __asm__("" : "+v"(v))
#elif GOSS_ISA_neon
#define KEEP(v) __asm__("" : "+w"(v))
#else
#define KEEP(v) ((void)0)
#endif

/* The last vector of a row of C; if masks are cheap it is always masked, which saves a branch. */
ALWAYS vf load_last(const float *c, vlanes last, bool whole) {
    return !GOSS_MASKED && whole ? vload(c) : vload_part(c, last);
}
ALWAYS void store_last(float *c, vf v, vlanes last, bool whole) {
    if ((W < 16 || !GOSS_MASKED) && whole)
        vstore(c, v);
    else
        vstore_part(c, v, last);
}

/* The addresses of the rows of C. */
typedef struct place {
    float *c;
    const int64_t *at;
    int64_t ldc;
} place;

ALWAYS float *row_of(const place *p, int r) { return p->c + (p->at ? p->at[r] : r * p->ldc); }

ALWAYS void tile_add(vf acc[TILE_ROWS][TILE_COLS_MAX], const place *p, vlanes last, bool whole, const int R,
                     const int V) {
    UNROLL for (int r = 0; r < R; r++) {
        const float *c = row_of(p, r);
        UNROLL for (int v = 0; v + 1 < V; v++) acc[r][v] += vload(c + v * W);
        acc[r][V - 1] += load_last(c + (V - 1) * W, last, whole);
    }
}

/* Prefetches the lines of C while K is summed. */
ALWAYS void tile_ask(const place *p, const int R, const int V) {
    UNROLL for (int r = 0; r < R; r++) {
        const float *c = row_of(p, r);
        UNROLL for (int i = 0; i <= V * W; i += 16) __builtin_prefetch(c + i, 1);
    }
}

ALWAYS void tile_store(vf acc[TILE_ROWS][TILE_COLS_MAX], const place *p, vlanes last, bool whole, const int R,
                       const int V) {
    UNROLL for (int r = 0; r < R; r++) {
        float *c = row_of(p, r);
        UNROLL for (int v = 0; v + 1 < V; v++) vstore(c + v * W, acc[r][v]);
        store_last(c + (V - 1) * W, acc[r][V - 1], last, whole);
    }
}

ALWAYS vf column(const float *b, int v, vlanes last, const int V, const int ragged) {
    return ragged && v == V - 1 ? vload_part(b + v * W, last) : vload(b + v * W);
}

/* One k: the fewer of rows and vectors are kept in registers, the others are loaded one by one. */
ALWAYS void tile_step(vf acc[TILE_ROWS][TILE_COLS_MAX], const rows14 *a, const float *b, vlanes last, const int R,
                      const int V, const int unit, const int ragged) {
    vf wait[TILE_COLS_MAX];
    if (R < V) {
        UNROLL for (int r = 0; r < R; r++) wait[r] = vset(row_at(a, r, unit));
        UNROLL for (int v = 0; v < V; v++) {
            vf bv = column(b, v, last, V, ragged);
            KEEP(bv);
            UNROLL for (int r = 0; r < R; r++) acc[r][v] = vfma(wait[r], bv, acc[r][v]);
        }
        return;
    }
    UNROLL for (int v = 0; v < V; v++) wait[v] = column(b, v, last, V, ragged);
    UNROLL for (int r = 0; r < R; r++) {
        const vf av = vset(row_at(a, r, unit));
        UNROLL for (int v = 0; v < V; v++) acc[r][v] = vfma(av, wait[v], acc[r][v]);
    }
}

ALWAYS void tile_one(const goss__tile *t, const char *top, const place *p, const float *add, const int R, const int V,
                     const int unit, const int ragged) {
    vf acc[TILE_ROWS][TILE_COLS_MAX];
    const int64_t segs = t->segs, ldb = t->ldb;
    const ptrdiff_t s1 = t->row * 4, step = t->step * 4;
    const vlanes last = vfirst(t->last);
    const bool whole = t->last == W;
    if (t->far) tile_ask(p, R, V);
    UNROLL for (int r = 0; r < R; r++) { UNROLL for (int v = 0; v < V; v++) acc[r][v] = (vf){0}; }
    if (t->mode == TILE_CONTINUE) tile_add(acc, p, last, whole, R, V);
    for (int64_t s = 0; s < segs; s++) {
        const float *b = t->b + t->seg[s].b;
        const char *first = top + t->seg[s].a * 4;
        rows14 a = {first, first + 7 * s1, s1, 3 * s1, 5 * s1};
        for (int64_t k = t->seg[s].k; k > 0; k--) {
            if (!unit) OPAQUE(a);
            tile_step(acc, &a, b, last, R, V, unit, ragged);
            a.p += step, a.q += step, b += ldb;
        }
    }
    if (add) tile_add(acc, &(place){(float *)(uintptr_t)add, NULL, t->add_row}, last, whole, R, V);
    tile_store(acc, p, last, whole, R, V);
}

/* Under the sanitizers (GOSS_CHECKED) all tiles of a kind are one function with R and V as variables, since 244
 * unrolled copies with a check at each load and store took minutes to compile. The code is the same: every address is
 * checked. */
#if GOSS_CHECKED
#define ONCE static __attribute__((noinline))
#else
#define ONCE ALWAYS
#endif

ONCE void tile_run(const goss__tile *t, const int R, const int V, const int unit, const int ragged) {
    place p = {t->c, t->at, t->ldc};
    const char *top = (const char *)t->a;
    const float *add = t->add;
    for (int64_t left = t->times; left > 0; left--, top += R * (unit ? 1 : t->row) * 4) {
        tile_one(t, top, &p, add, R, V, unit, ragged);
        if (add) add += R * t->add_row;
        if (p.at)
            p.at += R;
        else
            p.c += R * p.ldc;
    }
}

#if GOSS_MASKED
#define EACH_RAGGED(R, V) ONE(R, V, 0, 0) ONE(R, V, 0, 1) ONE(R, V, 1, 0) ONE(R, V, 1, 1)
#define RAGGED_ROW(R, V, u)                                                                                            \
    { tile_##R##_##V##_##u##_0, tile_##R##_##V##_##u##_1 }
#else
#define EACH_RAGGED(R, V) ONE(R, V, 0, 0) ONE(R, V, 1, 0)
#define RAGGED_ROW(R, V, u)                                                                                            \
    { tile_##R##_##V##_##u##_0, NULL }
#endif
#define ONE(R, V, u, g)                                                                                                \
    static void tile_##R##_##V##_##u##_##g(const goss__tile *t) { tile_run(t, R, V, u, g); }
#define ENTRY(R, V) [R][V] = {RAGGED_ROW(R, V, 0), RAGGED_ROW(R, V, 1)},

#define UPTO2(X, R) X(R, 1) X(R, 2)
#define UPTO3(X, R) UPTO2(X, R) X(R, 3)
#define UPTO4(X, R) UPTO3(X, R) X(R, 4)
#define UPTO6(X, R) UPTO4(X, R) X(R, 5) X(R, 6)
#define UPTO8(X, R) UPTO6(X, R) X(R, 7) X(R, 8)
/* Must match TILE_COLS. */
#if GOSS_ISA_avx512
#define ALL(X)                                                                                                         \
    UPTO8(X, 1)                                                                                                        \
    UPTO8(X, 2)                                                                                                        \
    UPTO8(X, 3)                                                                                                        \
    UPTO6(X, 4)                                                                                                        \
    UPTO4(X, 5)                                                                                                        \
    UPTO4(X, 6) UPTO3(X, 7) UPTO3(X, 8) UPTO2(X, 9) UPTO2(X, 10) UPTO2(X, 11) UPTO2(X, 12) UPTO2(X, 13) UPTO2(X, 14)
#elif GOSS_ISA_avx2
#define ALL(X) UPTO8(X, 1) UPTO6(X, 2) UPTO4(X, 3) UPTO3(X, 4) UPTO2(X, 5) UPTO2(X, 6)
#elif GOSS_ISA_neon
#define ALL(X) UPTO8(X, 1) UPTO8(X, 2) UPTO8(X, 3) UPTO6(X, 4) UPTO4(X, 5) UPTO4(X, 6)
#else
#define ALL(X) UPTO2(X, 1) UPTO2(X, 2) UPTO2(X, 3) UPTO2(X, 4)
#endif

ALL(EACH_RAGGED)

goss__tile_fn GOSS_FN(tile_find)(int64_t r, int64_t v, int unit, int ragged) {
    static const goss__tile_fn table[TILE_ROWS + 1][TILE_COLS_MAX + 1][2][2] = {ALL(ENTRY)};
    return table[r][v][unit != 0][GOSS_MASKED && ragged];
}
