/* SPDX-License-Identifier: Apache-2.0 */
/* Sums, maxima and dot products: against double with a bound, NaN and empty cases, the same bits from every variant. */
#include "kernel_check.h"

typedef struct shape {
    int64_t pre, red, post;
} shape;

static const shape shapes[] = {
    {1, 0, 1},    {3, 0, 5},    {1, 1, 1},     {7, 1, 1},    {5, 5, 1},     {9, 15, 1},    {9, 16, 1},     {9, 17, 1},
    {4, 64, 1},   {2, 100, 1},  {1, 2048, 1},  {1, 2049, 1}, {2, 8192, 1},  {1, 20000, 1}, {1, 100003, 1}, {2, 3, 2},
    {3, 7, 3},    {2, 5, 15},   {2, 5, 16},    {2, 9, 17},   {1, 130, 5},   {1, 1000, 5},  {1, 512, 7},    {3, 127, 64},
    {1, 300, 64}, {2, 129, 65}, {1, 1025, 70}, {100, 4, 3},  {1, 25, 1000}, {0, 5, 5},     {5, 5, 0},
};

/* which: 0 sum, 1 max, 2 dot. Index i of the result, in double, and the sum of magnitudes. */
static double exact(int which, shape s, const float *a, const float *b, int64_t i, double *size) {
    double v = which == 1 ? -INFINITY : 0;
    *size = 0;
    for (int64_t r = 0; r < s.red; r++) {
        const int64_t at = (i / s.post * s.red + r) * s.post + i % s.post;
        const double x = which == 2 ? (double)a[at] * b[at] : a[at];
        v = which == 1 ? fmax(v, x) : v + x, *size += fabs(x);
    }
    return v;
}

static void run(const goss__kernels *k, int which, shape s, float *out, const float *a, const float *b) {
    if (which == 0) k->sum(out, a, s.pre, s.red, s.post);
    if (which == 1) k->max(out, a, s.pre, s.red, s.post);
    if (which == 2) k->dot(out, a, b, s.pre, s.red, s.post);
}

/* Blocks of 128 steps on 16 lanes or of 128 rows, then the number of blocks: the longest chain of additions. */
static double chain(shape s) {
    const double steps = s.post == 1 ? (double)s.red / 16 : (double)s.red;
    return fmin(steps, 128) + steps / 128 + 8;
}

static void one(const goss__kernels *k, int which, shape s) {
    guarded a = guarded_new(s.pre * s.red * s.post), b = guarded_new(a.n), out = guarded_new(s.pre * s.post);
    float *generic = goss__calloc((size_t)(out.n + 1), sizeof(float));
    run(k, which, s, out.v, a.v, b.v);
    run(goss__kernels_find("generic"), which, s, generic, a.v, b.v);
    double worst = 0, size;
    for (int64_t i = 0; i < out.n; i++) {
        const double want = exact(which, s, a.v, b.v, i, &size);
        const double e = out.v[i] == want ? 0 : fabs(out.v[i] - want) / (size * 0x1p-24 * chain(s));
        worst = e <= worst ? worst : e;
    }
    if (which == 1 && worst > 0) worst = 2;
    const int64_t d = first_difference(out.v, generic, out.n);
    const bool intact = guarded_intact(&out);
    guarded_free(&a), guarded_free(&b), guarded_free(&out), goss__free(generic);
    if (!(worst <= 1) || d >= 0 || !intact)
        T_FAIL("%s op %d [%lld, %lld, %lld]: error %g of the bound, first difference %lld", k->name, which,
               (long long)s.pre, (long long)s.red, (long long)s.post, worst, (long long)d);
}

static void check_reduce(const goss__kernels *k) {
    for (int which = 0; which < 3; which++) {
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) one(k, which, shapes[i]);
    }
}
EACH_VARIANT(reduce, check_reduce)

/* Squares of differences have the bits of a dot product of the differences. */
static void deviation(const goss__kernels *k, shape s) {
    guarded x = guarded_new(s.pre * s.red * s.post), from = guarded_new(s.pre * s.post), d = guarded_new(x.n),
            out = guarded_new(from.n), want = guarded_new(from.n);
    for (int64_t i = 0; i < x.n; i++) d.v[i] = x.v[i] - from.v[i / (s.red * s.post) * s.post + i % s.post];
    k->deviation(out.v, x.v, from.v, s.pre, s.red, s.post);
    k->dot(want.v, d.v, d.v, s.pre, s.red, s.post);
    const int64_t differ = first_difference(out.v, want.v, out.n);
    const bool intact = guarded_intact(&out);
    guarded_free(&x), guarded_free(&from), guarded_free(&d), guarded_free(&out), guarded_free(&want);
    if (differ >= 0 || !intact)
        T_FAIL("%s deviation [%lld, %lld, %lld]: first difference %lld", k->name, (long long)s.pre, (long long)s.red,
               (long long)s.post, (long long)differ);
}

static void check_deviation(const goss__kernels *k) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) deviation(k, shapes[i]);
}
EACH_VARIANT(deviation, check_deviation)

/* A NaN or an infinity anywhere shows in its own result and in no other. */
static void check_nan(const goss__kernels *k) {
    static const shape some[] = {{3, 37, 1}, {3, 2100, 1}, {3, 37, 5}, {3, 300, 33}};
    for (size_t i = 0; i < 4; i++) {
        const shape s = some[i];
        for (int64_t at = 0; at < s.red; at += 1 + s.red / 40) {
            guarded a = guarded_new(s.pre * s.red * s.post), out = guarded_new(s.pre * s.post);
            a.v[(s.red + at) * s.post + s.post / 2] = NAN;
            a.v[(2 * s.red + at) * s.post + s.post / 2] = INFINITY;
            bool right = true;
            for (int which = 0; which < 2; which++) {
                run(k, which, s, out.v, a.v, a.v);
                for (int64_t j = 0; j < out.n; j++) {
                    const bool here = j % s.post == s.post / 2;
                    right &= here && j / s.post == 1   ? isnan(out.v[j])
                             : here && j / s.post == 2 ? out.v[j] == INFINITY
                                                       : isfinite(out.v[j]);
                }
            }
            guarded_free(&a), guarded_free(&out);
            T_CHECK(right);
        }
    }
}
EACH_VARIANT(nan_shows, check_nan)

/* A million ones and more: naive serial sums stop at 2^24. */
static void check_long(const goss__kernels *k) {
    const int64_t n = 20000000;
    float *x = goss__alloc_aligned((size_t)n * sizeof(float)), out[2];
    T_CHECK(x);
    for (int64_t i = 0; i < n; i++) x[i] = 1;
    k->sum(out, x, 1, n, 1);
    const bool right = out[0] == (float)n;
    k->sum(out, x, 1, n / 2, 2);
    goss__free(x);
    T_CHECK(right && out[0] == (float)(n / 2) && out[1] == out[0]);
}
EACH_VARIANT(long_sum, check_long)

TEST_MAIN()
