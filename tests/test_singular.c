/* SPDX-License-Identifier: Apache-2.0 */
/* Singular values, vectors and roots of matrices: known ones, equal values, rank below full, sizes in use, kernels. */
#include "gossamer/scan.h"
#include "graph_check.h"
#include "kernel_check.h"

static goss_error err;

/* ---- kernels ---- */

static void check_kernels(const char *variant) {
    const goss__kernels *k = goss__kernels_find(variant);
    if (!k) T_SKIP("this CPU lacks %s", variant);
    for (int64_t m = 1; m <= 21; m++)
        for (int64_t n = 1; n <= 600; n += 1 + n / 3) {
            guarded w = guarded_new(m * n);
            double *wide = malloc((size_t)(m * GOSS__GRAM_COLUMNS) * sizeof *wide);
            double *gram = calloc((size_t)(m * m), sizeof *gram);
            k->gram(gram, w.v, m, n, wide);
            for (int64_t i = 0; i < m; i++)
                for (int64_t j = 0; j < m; j++) {
                    double sum = 0;
                    for (int64_t c = 0; c < n; c++) sum += (double)w.v[i * n + c] * w.v[j * n + c];
                    T_NEAR(gram[i * m + j], sum, 1e-14 * (double)n);
                }
            /* A = sum of lambda v v', and the v orthonormal */
            double *a = malloc((size_t)(m * m) * sizeof *a), *v = malloc((size_t)(m * m) * sizeof *v);
            double *d = malloc((size_t)m * sizeof *d), *work = malloc((size_t)(3 * m) * sizeof *work);
            memcpy(a, gram, (size_t)(m * m) * sizeof *a);
            T_CHECK(k->sym_eig(a, m, d, v, work));
            for (int64_t i = 0; i < m; i++)
                for (int64_t j = 0; j < m; j++) {
                    double sum = 0, inner = 0;
                    for (int64_t c = 0; c < m; c++)
                        sum += d[c] * v[c * m + i] * v[c * m + j], inner += v[i * m + c] * v[j * m + c];
                    T_NEAR(sum, gram[i * m + j], 1e-13 * (double)n);
                    T_NEAR(inner, i == j, 1e-13);
                }
            gram[0] = NAN;
            T_CHECK(!k->sym_eig(gram, m, d, v, work));
            T_CHECK(guarded_intact(&w));
            guarded_free(&w);
            free(gram), free(a), free(v), free(d), free(work), free(wide);
        }
}
TEST(kernels_generic) { check_kernels("generic"); }
TEST(kernels_avx2) { check_kernels("avx2"); }
TEST(kernels_avx512) { check_kernels("avx512"); }
TEST(kernels_neon) { check_kernels("neon"); }

TEST(eigenvalues_of_extreme_size_and_of_nothing) {
    const goss__kernels *k = goss__kernels_best();
    double d[4], v[16], work[12], zero[16] = {0};
    T_CHECK(k->sym_eig(zero, 4, d, v, work));
    for (int i = 0; i < 4; i++) T_CHECK(d[i] == 0 && v[i * 4 + i] == 1);
    for (double size = 1e-290; size < 1e300; size *= 1e29) {
        double a[16];
        for (int i = 0; i < 16; i++) a[i] = size * (i % 5 == 0 ? 3 : 1); /* 2 I + ones: 6, 2, 2, 2 */
        T_CHECK(k->sym_eig(a, 4, d, v, work));
        double most = 0, sum = 0;
        for (int i = 0; i < 4; i++) most = fmax(most, d[i] / size), sum += d[i] / size;
        T_NEAR(most, 6, 1e-13);
        T_NEAR(sum, 12, 1e-13);
    }
}

/* Of low rank most eigenvalues are rounding, and of repeated rows rounding of rounding, down to underflow. */
static void check_low_rank(const goss__kernels *k, int rank, int repeats, int seed) {
    enum { M = 64, N = 96 };
    static float w[M * N];
    static double a[M * M], v[M * M], wide[M * GOSS__GRAM_COLUMNS];
    double d[M], work[3 * M], trace = 0, sum = 0;
    int large = 0;
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            double x = 0;
            for (int r = 0; r < rank; r++)
                x += pow(.3, r) * sin(1 + 5.1 * (i / repeats) * (r + 1) + seed) * cos(2.3 * j * (r + 2) + r);
            w[i * N + j] = (float)x;
        }
    k->gram(a, w, M, N, wide);
    for (int i = 0; i < M; i++) trace += a[i * M + i];
    T_CHECK(k->sym_eig(a, M, d, v, work));
    for (int i = 0; i < M; i++) sum += d[i], large += d[i] > 1e-12 * trace;
    T_NEAR(sum, trace, 1e-12 * trace);
    T_CHECK(large >= 1 && large <= rank);
}

TEST(eigenvalues_of_low_rank) {
    static const char *const variants[] = {"generic", "avx2", "avx512", "neon"};
    for (int i = 0; i < 4; i++)
        for (int run = 0; goss__kernels_find(variants[i]) && run < 10 * 3 * 10; run++)
            check_low_rank(goss__kernels_find(variants[i]), 1 + run % 10, 1 + run / 10 % 3 * 3, run / 30);
}

/* ---- values ---- */

static goss_shape matrix(int64_t m, int64_t n) { return GOSS_SHAPE(goss_n(m), goss_n(n)); }

static void check_known(goss_precision precision) {
    /* rank one, 5 sigma: 3 4 / a diagonal with signs / a rotation times 2 */
    static const double one[6] = {3, 0, 0, 4, 0, 0}, diagonal[9] = {-2, 0, 0, 0, 5, 0, 0, 0, 1},
                        turn[4] = {1.2, -1.6, 1.6, 1.2};
    world w = world_new();
    goss_val a = world_input(&w, "one", GOSS_REAL, matrix(2, 3), one),
             b = world_input(&w, "diagonal", GOSS_REAL, matrix(3, 3), diagonal),
             c = world_input(&w, "turn", GOSS_REAL, matrix(2, 2), turn);
    goss_val out[4] = {goss_singular_values(a), goss_singular_values(b), goss_singular_values(c),
                       goss_singular_vectors(b)};
    if (world_compute(&w, precision, out, 4) != GOSS_OK) T_FAIL("%s", w.err.text);
    static const double expected[7] = {5, 0, 5, 2, 1, 2, 2};
    const double *got[3] = {w.out[0], w.out[1], w.out[2]};
    for (int i = 0, k = 0; i < 3; i++)
        for (int64_t j = 0; j < w.numel[i]; j++) T_NEAR(got[i][j], expected[k++], 5e-7);
    static const double vectors[9] = {0, 1, 0, 1, 0, 0, 0, 0, 1};
    for (int i = 0; i < 9; i++) T_NEAR(w.out[3][i], vectors[i], 1e-7);
    world_free(&w);
}
TEST(known_matrices) {
    check_known(GOSS_F32);
    check_known(GOSS_F64);
}

TEST(a_number_that_is_not_finite_makes_nan) {
    world w = world_new();
    static const double bad[4] = {1, INFINITY, 0, 1};
    goss_val v = goss_singular_values(world_input(&w, "w", GOSS_REAL, matrix(2, 2), bad));
    T_OK(world_compute(&w, GOSS_F32, &v, 1));
    T_CHECK(isnan(w.out[0][0]) && isnan(w.out[0][1]));
    world_free(&w);
}

/* Of the sizes in use: f32 against f64, a tall and a flat one, and the values' own identities. */
TEST(sizes_in_use_are_as_exact_as_told) {
    static const int64_t size[2][2] = {{139, 28}, {50, 4096}};
    for (int i = 0; i < 2; i++) {
        double first[64], root = 0, squares = 0;
        for (int p = 0; p < 2; p++) {
            world w = world_new();
            goss_val x = world_normal(&w, "w", matrix(size[i][0], size[i][1]));
            double *numbers = world_numbers(&w, "w");
            int64_t n = size[i][0] * size[i][1], k = size[i][0] < size[i][1] ? size[i][0] : size[i][1];
            /* one column as another and one row as another: rank one less */
            for (int64_t r = 0; r < size[i][0]; r++) numbers[r * size[i][1]] = numbers[r * size[i][1] + 1];
            for (int64_t c = 0; c < size[i][1]; c++) numbers[c] = numbers[size[i][1] + c];
            for (int64_t c = 0; c < n; c++) numbers[c] = (float)numbers[c];
            goss_val out[2] = {goss_singular_values(x), goss_gram_root(x, 0)};
            if (world_compute(&w, p ? GOSS_F64 : GOSS_F32, out, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
            T_EQ(w.numel[0], k);
            if (p == 0) memcpy(first, w.out[0], (size_t)k * sizeof *first);
            squares = root = 0;
            double sum = 0, trace = 0;
            for (int64_t c = 0; c < n; c++) squares += numbers[c] * numbers[c];
            for (int64_t c = 0; c < k; c++)
                root += w.out[0][c] * w.out[0][c], sum += w.out[0][c], trace += w.out[1][c * k + c];
            T_NEAR(root / squares, 1, p ? 1e-12 : 1e-6);
            T_NEAR(trace / sum, 1, p ? 1e-12 : 1e-6);
            T_CHECK(w.out[0][k - 1] <= 6e-8 * w.out[0][0]); /* the one that is 0 */
            for (int64_t c = 0; p && c < k; c++) T_CHECK(fabs(first[c] - w.out[0][c]) <= 6e-8 * w.out[0][0]);
            world_free(&w);
        }
    }
}

/* ---- gradients where theory is delicate ---- */

/* tr (W W')^(1/2) at W = 2 I + s D: all values equal. With D symmetric its derivatives along s are tr D, 0, 0; with D
 * antisymmetric, sigma^2 = 4 + s^2 mu^2 gives 0, sum mu^2 / 2, 0. */
TEST(equal_singular_values_have_gradients_of_three_orders) {
    static const double turn[4] = {0, 1.5, -1.5, 0}, stretch[4] = {1, 0.3, 0.3, -0.4}, two[4] = {2, 0, 0, 2};
    for (int i = 0; i < 2; i++) {
        world w = world_new();
        goss_val x = world_input(&w, "w", GOSS_REAL, matrix(2, 2), two);
        goss_val d = world_input(&w, "d", GOSS_REAL, matrix(2, 2), i ? stretch : turn), out[4], grad;
        goss_val eye = goss_one_hot(goss_iota(w.g, goss_n(2)), goss_n(2));
        out[0] = goss_sum_all(goss_mul(goss_gram_root(x, 0), eye));
        for (int o = 0; o < 3; o++) {
            T_OK(goss_grad(out[o], &x, 1, &grad));
            out[o + 1] = goss_sum_all(goss_mul(grad, d));
        }
        T_OK(world_compute(&w, GOSS_F64, out, 4));
        T_NEAR(w.out[0][0], 4, 1e-12);
        T_NEAR(w.out[1][0], i ? 0.6 : 0, 1e-12);
        T_NEAR(w.out[2][0], i ? 0 : 2.25, 1e-12);
        T_NEAR(w.out[3][0], 0, 1e-12);
        world_free(&w);
    }
}

/* Of rank one: the gradient is u v', of least norm among the subgradients; at 0 it is 0. */
TEST(below_full_rank_the_gradient_is_of_least_norm) {
    static const double of[2][6] = {{3, 0, 0, 4, 0, 0}, {0}}, expected[2][6] = {{0.6, 0, 0, 0.8, 0, 0}, {0}};
    for (int i = 0; i < 2; i++)
        for (int p = 0; p < 2; p++) {
            world w = world_new();
            goss_val x = world_input(&w, "w", GOSS_REAL, matrix(2, 3), of[i]), grad;
            goss_val eye = goss_one_hot(goss_iota(w.g, goss_n(2)), goss_n(2));
            T_OK(goss_grad(goss_sum_all(goss_mul(goss_gram_root(x, 0), eye)), &x, 1, &grad));
            T_OK(world_compute(&w, p ? GOSS_F64 : GOSS_F32, &grad, 1));
            T_CHECK(world_gap(w.out[0], expected[i], 6) < 1e-6);
            world_free(&w);
        }
}

/* T runs from 1 to 5 rows; the features are the side that is decomposed, and the values more than rows are 0. */
TEST(rows_may_be_counted_at_run_time) {
    world w = world_new();
    goss_extent T = world_tasks(&w, 5);
    goss_val v = goss_singular_values(world_normal(&w, "w", GOSS_SHAPE(T, goss_n(3))));
    T_OK(world_open(&w, GOSS_F64, &v, 1, NULL, 0));
    for (int64_t rows = 1; rows <= 5; rows++) {
        double squares = 0, sum = 0;
        T_OK(goss_exec_count(w.exec, "T", rows, &err));
        T_OK(world_run(&w));
        for (int64_t i = 0; i < rows * 3; i++) squares += w.in[0][i] * w.in[0][i];
        for (int i = 0; i < 3; i++) sum += w.out[0][i] * w.out[0][i];
        T_NEAR(sum, squares, 1e-12 * squares);
        for (int64_t i = rows; i < 3; i++) T_NEAR(w.out[0][i], 0, 1e-7);
    }
    world_free(&w);
}

/* ---- in a loop ---- */

/* A matrix [2,3] with other singular values, times vectors, times a root. */
static goss_val decomposed(goss_val h, goss_val x) {
    const goss_val m = goss_add(goss_tanh(h), x), scale = goss_sum(goss_singular_values(m), GOSS_AXIS(0), true);
    const goss_val turned = goss_matmul(goss_singular_vectors(m), m, true, false);
    return goss_div(goss_matmul(goss_gram_root(m, 0.3), turned, false, false), goss_reshape(scale, matrix(1, 1)));
}

/* What the gradient of a loop keeps of a decomposition are its results: gradients of orders 1 and 2 are those of the
 * steps written out, and the program has no packed value. */
TEST(a_loop_keeps_the_results_of_a_decomposition) {
    enum { STEPS = 3 };
    world w = world_new();
    const goss_val x = world_normal(&w, "x", GOSS_SHAPE(goss_n(2), goss_n(3), goss_n(STEPS))),
                   h0 = world_normal(&w, "h", matrix(2, 3));
    goss_val out[4], y[2], grad;
    goss_scan *s = goss_scan_begin(w.g, goss_n(STEPS), goss_scan_defaults());
    const goss_val h = goss_scan_carry(s, h0);
    goss_scan_next(s, h, decomposed(h, goss_scan_slice(s, x)));
    goss_scan_end(s);
    y[0] = goss_scan_last(s, h), y[1] = h0;
    for (int t = 0; t < STEPS; t++) y[1] = decomposed(y[1], goss_reshape(goss_slice(x, 2, t, 1), matrix(2, 3)));
    for (int i = 0; i < 2; i++) {
        T_OK(goss_grad(goss_sum_all(goss_square(y[i])), &x, 1, &grad));
        out[2 * i] = grad;
        T_OK(goss_grad(goss_sum_all(goss_square(grad)), &x, 1, &out[2 * i + 1]));
    }
    T_OK(world_compute(&w, GOSS_F64, out, 4));
    for (int k = 0; k < 2; k++) {
        T_CHECK(fabs(w.out[k][0]) > 1e-6);
        T_CHECK(world_gap(w.out[k], w.out[k + 2], 6 * STEPS) < 1e-8);
    }
    world_free(&w);
}

TEST_MAIN()
