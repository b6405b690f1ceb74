/* SPDX-License-Identifier: Apache-2.0 */
/* Dense linear algebra of the baselines: products and factors of sizes around those of blocks and tiles, against plain
 * loops; coordinates of rows in their span; the same bits with any number of threads. */
#include "base/alloc.h"
#include "base/rng.h"
#include "baseline/span.h"
#include "test.h"

static goss_error err;

static double *numbers(goss__rng *rng, size_t n) {
    double *a = goss__alloc((n + 1) * sizeof *a);
    for (size_t i = 0; i < n; i++) a[i] = goss__rng_normal(rng);
    return a;
}

static double at(const double *a, int n, int i, int j) { return a[(size_t)i * (size_t)n + (size_t)j]; }

static const int sizes[] = {1, 2, 47, 48, 49, 97, 200};
enum { SIZES = sizeof sizes / sizeof *sizes };

TEST(grams) {
    goss__rng rng = goss__rng_make(1, 1);
    goss__dense d;
    T_OK(goss__dense_open(&d, 2, &err));
    for (int s = 0; s < SIZES; s++)
        for (int width = 1; width < 300; width = width * 5 + 1) {
            const int n = sizes[s];
            double *x = numbers(&rng, (size_t)n * (size_t)width), *rows = numbers(&rng, (size_t)n * (size_t)n);
            double *columns = numbers(&rng, (size_t)width * (size_t)width);
            const double before = columns[width - 1];
            goss__gram_rows(&d, x, n, width, rows);
            goss__gram_columns(&d, x, n, width, false, columns);
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++)
                    T_NEAR(at(rows, n, i, j),
                           goss__dot(x + (size_t)i * (size_t)width, x + (size_t)j * (size_t)width, width),
                           1e-12 * width);
            double last = 0;
            for (int i = 0; i < n; i++) last += at(x, width, i, 0) * at(x, width, i, width - 1);
            T_NEAR(columns[width - 1], last, 1e-12 * n);
            goss__gram_columns(&d, x, n, width, true, columns);
            T_NEAR(at(columns, width, width - 1, 0), 2 * last, 2e-12 * n);
            T_CHECK(isfinite(before));
            goss__free(x), goss__free(rows), goss__free(columns);
        }
    goss__dense_close(&d);
}

TEST(factors) {
    goss__rng rng = goss__rng_make(1, 2);
    goss__dense d;
    T_OK(goss__dense_open(&d, 3, &err));
    for (int s = 0; s < SIZES; s++) {
        const int n = sizes[s], m = 3 + 5 * n % 400;
        const size_t square = (size_t)n * (size_t)n;
        double *x = numbers(&rng, square), *a = numbers(&rng, square), *l = numbers(&rng, square);
        double *b = numbers(&rng, (size_t)n * (size_t)m), *solved = numbers(&rng, (size_t)n * (size_t)m);
        T_NOTE("order %d", n);
        goss__gram_rows(&d, x, n, n, a);
        for (int i = 0; i < n; i++) a[(size_t)i * (size_t)n + (size_t)i] += 1;
        memcpy(l, a, square * sizeof *l), memcpy(solved, b, (size_t)n * (size_t)m * sizeof *b);
        goss__cholesky(&d, l, n);
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++)
                T_NEAR(goss__dot(l + (size_t)i * (size_t)n, l + (size_t)j * (size_t)n, j + 1), at(a, n, i, j), 1e-10);
        goss__lower_solve(&d, l, n, n, solved, m, m);
        for (int i = 0; i < n; i++)
            for (int c = 0; c < m; c += 7) {
                double sum = 0;
                for (int j = 0; j <= i; j++) sum += at(l, n, i, j) * at(solved, m, j, c);
                T_NEAR(sum, at(b, m, i, c), 1e-9);
            }
        goss__cholesky_solve(l, n, x);
        for (int i = 0; i < n; i++) T_CHECK(isfinite(x[i]));
        goss__free(x), goss__free(a), goss__free(l), goss__free(b), goss__free(solved);
    }
    goss__dense_close(&d);
}

/* Rows of rank 5 with a repeated one and one of 0. */
static double *dependent_rows(goss__rng *rng, int n, int width) {
    double *base = numbers(rng, (size_t)5 * (size_t)width), *x = numbers(rng, (size_t)n * (size_t)width);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < width; j++) {
            double *v = &x[(size_t)i * (size_t)width + (size_t)j];
            *v = 0;
            for (int k = 0; k < 5 && i; k++)
                *v += at(base, width, k, j) * (i == 2 ? 1 - k : cos(i + 2 * k * (double)i));
        }
    memcpy(x + (size_t)width, x + 2 * (size_t)width, (size_t)width * sizeof *x);
    goss__free(base);
    return x;
}

static void check_span(const goss__dense *d, double *x, int n, int width, int rank) {
    goss__span s;
    T_OK(goss__span_open(&s, d, x, n, width, &err));
    T_EQ(s.rank, rank);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            T_NEAR(goss__dot(s.z + (size_t)i * (size_t)rank, s.z + (size_t)j * (size_t)rank, rank),
                   goss__dot(x + (size_t)i * (size_t)width, x + (size_t)j * (size_t)width, width), 1e-9 * width);
    /* The rows themselves, placed once more, and slopes that say the same of them as their coordinates. */
    double *z = goss__calloc((size_t)n * (size_t)rank, sizeof *z),
           *slopes = goss__calloc((size_t)width, sizeof *slopes);
    double *v = goss__calloc((size_t)rank, sizeof *v);
    T_OK(goss__span_place(&s, d, x, n, z, &err));
    for (int i = 0; i < n * rank; i++) T_NEAR(z[i], s.z[i], 1e-6);
    for (int k = 0; k < rank; k++) v[k] = sin(k + 1.0);
    double says[20];
    for (int i = 0; i < n && i < 20; i++) says[i] = goss__dot(s.z + (size_t)i * (size_t)rank, v, rank);
    goss__span_back(&s, v, 1, rank, slopes, width);
    for (int i = 0; i < n && i < 20; i++)
        T_NEAR(goss__dot(x + (size_t)i * (size_t)width, slopes, width), says[i], 1e-7);
    goss__free(z), goss__free(slopes), goss__free(v);
    goss__span_close(&s);
}

TEST(rows_in_their_span) {
    goss__rng rng = goss__rng_make(1, 3);
    goss__dense d;
    T_OK(goss__dense_open(&d, 2, &err));
    for (int n = 1; n < 120; n = 3 * n + 2)
        for (int width = 2; width < 300; width = width * 3 + 1) {
            T_NOTE("%d rows, %d inputs", n, width);
            double *x = numbers(&rng, (size_t)n * (size_t)width);
            check_span(&d, x, n, width, n < width ? n : width);
            goss__free(x);
        }
    for (int n = 8; n < 150; n += 60) {
        double *x = dependent_rows(&rng, n, 200);
        T_NOTE("%d rows of rank 5", n);
        check_span(&d, x, n, 200, 5);
        goss__free(x);
    }
    goss__dense_close(&d);
}

TEST(any_number_of_threads_gives_the_same_bits) {
    enum { N = 150, M = 250 };
    double *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        goss__rng rng = goss__rng_make(1, 4);
        goss__dense d;
        T_OK(goss__dense_open(&d, threads, &err));
        double *x = numbers(&rng, N * M), *out = numbers(&rng, N * N + N * M);
        goss__gram_rows(&d, x, N, M, out);
        for (int i = 0; i < N; i++) out[i * N + i] += 1;
        goss__cholesky(&d, out, N);
        memcpy(out + N * N, x, N * M * sizeof *x);
        goss__lower_solve(&d, out, N, N, out + N * N, M, M);
        if (first) T_CHECK(memcmp(first, out, (N * N + N * M) * sizeof *out) == 0);
        goss__free(x);
        if (first)
            goss__free(out);
        else
            first = out;
        goss__dense_close(&d);
    }
    goss__free(first);
}

TEST_MAIN()
