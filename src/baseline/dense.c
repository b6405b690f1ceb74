/* SPDX-License-Identifier: Apache-2.0 */
/* dense.c: products in blocks of C, and blocked factorisations on them (left-looking Cholesky, Golub and Van Loan 2013,
 * 4.2; pivots: Higham 2002, 10.3): all but a block's width of their work is products. */
#include "baseline/dense.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { BLOCK = 48, TILE = 192 /* rows and columns of C that are one item */, ALONE = 1 << 18 /* products */ };

goss_status goss__dense_open(goss__dense *d, int threads, goss_error *err) {
    *d = (goss__dense){.kernels = goss__kernels_best()};
    GOSS_TRY(goss__pool_create(threads, &d->pool, err));
    d->scratch = goss__alloc_aligned((size_t)goss__pool_threads(d->pool) * GOSS__PRODUCT_SCRATCH);
    return d->scratch ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for products");
}

void goss__dense_close(goss__dense *d) {
    goss__pool_destroy(d->pool);
    goss__free(d->scratch);
}

goss__dense goss__dense_alone(const goss__dense *d, int worker) {
    return (goss__dense){.kernels = d->kernels, .scratch = d->scratch + (size_t)worker * GOSS__PRODUCT_SCRATCH};
}

void goss__dense_run(const goss__dense *d, int64_t items, goss__pool_fn fn, void *ctx) {
    if (d->pool && items > 1)
        goss__pool_run(d->pool, items, fn, ctx);
    else
        for (int64_t i = 0; i < items; i++) fn(ctx, i, 0);
}

/* ---- products ---- */

typedef struct tiles {
    const goss__dense *d;
    const goss__product *p;
    int64_t across;
    bool lower;
} tiles;

static void one_tile(void *ctx, int64_t item, int worker) {
    const tiles *t = ctx;
    goss__product p = *t->p;
    const int64_t i = item / t->across * TILE, j = item % t->across * TILE;
    if (t->lower && j > i) return;
    p.m = p.m - i < TILE ? p.m - i : TILE, p.n = p.n - j < TILE ? p.n - j : TILE;
    p.a += i * p.a_row, p.b += j * p.b_col, p.c += i * p.ldc + j;
    t->d->kernels->product(&p, t->d->scratch + (size_t)worker * GOSS__PRODUCT_SCRATCH);
}

static void multiply(const goss__dense *d, const goss__product *p, bool lower) {
    if (p->m <= 0 || p->n <= 0) return;
    const int64_t across = (p->n + TILE - 1) / TILE, down = (p->m + TILE - 1) / TILE;
    tiles t = {d, p, across, lower};
    if (p->m * p->n * p->k > ALONE)
        goss__dense_run(d, down * across, one_tile, &t);
    else
        for (int64_t i = 0; i < down * across; i++) one_tile(&t, i, 0);
}

static goss__product product_of(int64_t m, int64_t n, int64_t k, goss__operand a, goss__operand b, goss__update how,
                                double *c, int64_t ldc) {
    const double factor = how == GOSS__SUBTRACT ? -1 : 1;
    return (goss__product){m, n, k, a.x, a.row, a.column, b.x, b.row, b.column, c, ldc, factor, how != GOSS__SET};
}

void goss__multiply(const goss__dense *d, int64_t m, int64_t n, int64_t k, goss__operand a, goss__operand b,
                    goss__update how, double *c, int64_t ldc) {
    const goss__product p = product_of(m, n, k, a, b, how, c, ldc);
    multiply(d, &p, false);
}

void goss__multiply_lower(const goss__dense *d, int64_t n, int64_t k, goss__operand a, goss__operand b,
                          goss__update how, double *c, int64_t ldc) {
    const goss__product p = product_of(n, n, k, a, b, how, c, ldc);
    multiply(d, &p, true);
}

static void mirror(double *a, int n) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) a[(size_t)j * (size_t)n + (size_t)i] = a[(size_t)i * (size_t)n + (size_t)j];
}

void goss__gram_rows(const goss__dense *d, const double *x, int n, int width, double *out) {
    goss__multiply_lower(d, n, width, goss__plain(x, width), goss__transposed(x, width), GOSS__SET, out, n);
    mirror(out, n);
}

void goss__gram_columns(const goss__dense *d, const double *x, int n, int width, bool add, double *out) {
    goss__multiply_lower(d, width, n, goss__transposed(x, width), goss__plain(x, width), add ? GOSS__ADD : GOSS__SET,
                         out, width);
    mirror(out, width);
}

/* ---- Cholesky ---- */

static double *row_of(double *a, int n, int i) { return a + (size_t)i * (size_t)n; }

/* The columns from .. from + k, whose earlier columns are subtracted already. */
typedef struct columns {
    double *a;
    int n, from, k;
    double column[BLOCK][BLOCK]; /* of L, from the diagonal on */
    double inverse[BLOCK];       /* of the pivots */
} columns;

static void factor_rows(void *ctx, int64_t item, int worker) {
    const columns *c = ctx;
    const int first = c->from + c->k + (int)item * BLOCK, last = first + BLOCK < c->n ? first + BLOCK : c->n;
    (void)worker;
    for (int j = 0; j < c->k; j++)
        for (int i = first; i < last; i++) { /* rows are independent */
            double *row = row_of(c->a, c->n, i) + c->from;
            row[j] *= c->inverse[j];
            goss__add_scaled(row + j + 1, -row[j], c->column[j] + j + 1, c->k - j - 1);
        }
}

/* The diagonal block: pivots are compared with what they were before all subtractions. */
static void factor_block(columns *c, const double *whole) {
    for (int j = 0; j < c->k; j++) {
        double *column = c->column[j], *pivot = row_of(c->a, c->n, c->from + j) + c->from + j;
        const double least = whole[j] > 0 ? 1e-14 * whole[j] : 1e-300;
        *pivot = column[j] = sqrt(*pivot > least ? *pivot : least);
        c->inverse[j] = 1 / *pivot;
        for (int i = j + 1; i < c->k; i++) {
            double *row = row_of(c->a, c->n, c->from + i) + c->from;
            row[j] *= c->inverse[j];
            column[i] = row[j];
        }
        for (int i = j + 1; i < c->k; i++)
            goss__add_scaled(row_of(c->a, c->n, c->from + i) + c->from + j + 1, -column[i], column + j + 1, i - j);
    }
}

void goss__cholesky(const goss__dense *d, double *a, int n) {
    for (int from = 0; from < n; from += BLOCK) {
        const int k = n - from < BLOCK ? n - from : BLOCK;
        double whole[BLOCK];
        for (int i = 0; i < k; i++) whole[i] = row_of(a, n, from + i)[from + i];
        double *top = row_of(a, n, from);
        if (from)
            goss__multiply(d, n - from, k, from, goss__plain(top, n), goss__transposed(top, n), GOSS__SUBTRACT,
                           top + from, n);
        columns c;
        c.a = a, c.n = n, c.from = from, c.k = k;
        factor_block(&c, whole);
        goss__dense_run(d, (n - from - k + BLOCK - 1) / BLOCK, factor_rows, &c);
    }
}

void goss__upper_solve(const double *l, int n, double *x) {
    for (int i = n - 1; i >= 0; i--) { /* by columns of L', which are rows of L */
        const double *row = l + (size_t)i * (size_t)n;
        x[i] /= row[i];
        goss__add_scaled(x, -x[i], row, i);
    }
}

void goss__cholesky_solve(const double *l, int n, double *x) {
    for (int i = 0; i < n; i++) {
        const double *row = l + (size_t)i * (size_t)n;
        x[i] = (x[i] - goss__dot(row, x, i)) / row[i];
    }
    goss__upper_solve(l, n, x);
}

typedef struct solved {
    const double *l;
    double *b;
    int ldl, from, k, m, ldb;
} solved;

static void solve_block(void *ctx, int64_t item, int worker) {
    const solved *s = ctx;
    const int first = (int)item * TILE, last = first + TILE < s->m ? first + TILE : s->m;
    (void)worker;
    for (int i = s->from; i < s->from + s->k; i++) {
        double *row = s->b + (size_t)i * (size_t)s->ldb;
        const double *l = s->l + (size_t)i * (size_t)s->ldl;
        for (int j = s->from; j < i; j++)
            goss__add_scaled(row + first, -l[j], s->b + (size_t)j * (size_t)s->ldb + first, last - first);
        for (int c = first; c < last; c++) row[c] /= l[i];
    }
}

void goss__lower_solve(const goss__dense *d, const double *l, int ldl, int n, double *b, int m, int ldb) {
    for (int from = 0; from < n; from += BLOCK) {
        solved s = {l, b, ldl, from, n - from < BLOCK ? n - from : BLOCK, m, ldb};
        if (from)
            goss__multiply(d, s.k, m, from, goss__plain(l + (size_t)from * (size_t)ldl, ldl), goss__plain(b, ldb),
                           GOSS__SUBTRACT, b + (size_t)from * (size_t)ldb, ldb);
        goss__dense_run(d, (m + TILE - 1) / TILE, solve_block, &s);
    }
}

/* ---- with pivots ---- */

/* The largest number left on the diagonal; what is taken is negative. */
static int largest(const double *left, int n) {
    int at = 0;
    for (int i = 1; i < n; i++)
        if (left[i] > left[at]) at = i;
    return at;
}

/* Column k of l, from what earlier blocks of columns have left of a and from the columns of its own block. */
static void next_column(const double *a, int n, double *l, int block, int k, int p, double *left) {
    const double *own = row_of(l, n, p) + block;
    const double root = sqrt(left[p]);
    for (int i = 0; i < n; i++) {
        double *row = row_of(l, n, i) + block;
        if (left[i] < 0) continue;
        const double value = i > p ? a[(size_t)i * (size_t)n + (size_t)p] : a[(size_t)p * (size_t)n + (size_t)i];
        row[k - block] = i == p ? root : (value - goss__dot(row, own, k - block)) / root;
        left[i] = i == p ? -1 : fmax(left[i] - row[k - block] * row[k - block], 0);
    }
}

int goss__pivoted_cholesky(const goss__dense *d, double *a, int n, double *l, int *pivot, double *left) {
    double most = 0;
    for (int i = 0; i < n; i++) left[i] = row_of(a, n, i)[i], most = fmax(most, left[i]);
    memset(l, 0, (size_t)n * (size_t)n * sizeof *l);
    int rank = 0;
    for (int block = 0; rank < n; block = rank) {
        while (rank < n && rank < block + BLOCK) {
            const int p = largest(left, n);
            if (!(left[p] > 1e-13 * most)) return rank;
            pivot[rank] = p;
            next_column(a, n, l, block, rank++, p, left);
        }
        if (rank < n)
            goss__multiply_lower(d, n, BLOCK, goss__plain(l + block, n), goss__transposed(l + block, n), GOSS__SUBTRACT,
                                 a, n);
    }
    return rank;
}
