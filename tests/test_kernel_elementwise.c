/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise kernels: every row against double (bounds in ulps over dense ranges), special values by C's Annex F,
 * strides, tails and aliasing, and the same bits from every variant. */
#include "kernel_check.h"

static const char *const names[] = {
#define ROW(name, arity, formula, va, vb, vc, ...) #name,
#include "kernel/elementwise.def"
#undef ROW
};
static const int arities[] = {
#define ROW(name, arity, formula, va, vb, vc, ...) arity,
#include "kernel/elementwise.def"
#undef ROW
};

static void unary(const goss__kernels *k, enum goss__ew_op op, const float *x, float *y, int64_t n) {
    goss__ew e = {.out = y, .in = {x}, .outer = 1, .inner = n, .in_outer = {0}, .in_inner = {1}};
    k->ew[op](&e);
}

/* Distance of got from the exact value in units of the last place of a float of that size. */
static double ulps(float got, double exact) {
    if (isnan(exact)) return isnan(got) ? 0 : 1e9;
    const float nearest = (float)exact;
    if (isinf(nearest)) return got == nearest || fabsf(got) == 0x1.fffffep127f ? 0 : 1e9;
    if (isnan(got) || isinf(got)) return 1e9;
    const int e = exact == 0 ? -126 : ilogb(exact);
    return fabs(got - exact) / ldexp(1, (e < -126 ? -126 : e) - 23);
}

typedef struct accuracy {
    enum goss__ew_op op;
    double (*exact)(double);
    float lo, hi;
    double bound;
} accuracy;

static double exact_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double exact_softplus(double x) { return x > 40 ? x : log1p(exp(x)); }
static double exact_rsqrt(double x) { return 1 / sqrt(x); }
static const accuracy bounds[] = {
    {GOSS__EW_exp, exp, -87, 88.72f, 1.1},
    {GOSS__EW_exp, exp, -104, -87, 1.1},
    {GOSS__EW_log, log, 1e-38f, 4, 1.1},
    {GOSS__EW_log, log, 0.5f, 2, 1.1},
    {GOSS__EW_log, log, 1, 3e38f, 1.1},
    {GOSS__EW_tanh, tanh, -1, 1, 1.6},
    {GOSS__EW_tanh, tanh, -12, 12, 1.6},
    {GOSS__EW_sin, sin, -4, 4, 1.6},
    {GOSS__EW_sin, sin, -1e4f, 1e4f, 1.6},
    {GOSS__EW_sin, sin, -1e5f, 1e5f, 1.6},
    {GOSS__EW_cos, cos, -4, 4, 1.6},
    {GOSS__EW_cos, cos, -1e4f, 1e4f, 1.6},
    {GOSS__EW_cos, cos, -1e5f, 1e5f, 1.6},
    {GOSS__EW_sqrt, sqrt, 0, 3e38f, 0.5},
    {GOSS__EW_rsqrt, exact_rsqrt, 1e-38f, 9, 1.6},
    {GOSS__EW_softplus, exact_softplus, 0, 30, 2},
    {GOSS__EW_sigmoid, exact_sigmoid, 0, 20, 1.5},
};

enum { POINTS = 1 << 15 };

static void check_accuracy(const goss__kernels *k) {
    float *x = goss__alloc_aligned(POINTS * sizeof(float)), *y = goss__alloc_aligned(POINTS * sizeof(float));
    const int dense = strcmp(k->name, "generic") == 0 ? 4 : 40;
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        const accuracy *a = &bounds[b];
        double worst = 0;
        float at = 0;
        for (int round = 0; round < dense; round++) {
            for (int i = 0; i < POINTS; i++) {
                const double u = (check_random() + 1) / 2; /* half of them crowd towards the end nearest 0 */
                x[i] = (float)(a->lo + (a->hi - (double)a->lo) * (i & 1 ? u : u * u * u * u));
                if (i & 1 && a->lo < 0 && a->hi > 0) x[i] = (float)ldexp(a->hi * check_random(), -(i >> 1) % 40);
            }
            unary(k, a->op, x, y, POINTS);
            for (int i = 0; i < POINTS; i++) {
                const double e = ulps(y[i], a->exact(x[i]));
                if (e > worst) worst = e, at = x[i];
            }
        }
        if (getenv("GOSS_TEST_VERBOSE"))
            printf("  %s %s [%g, %g]: %.3f ulp at %.9g\n", k->name, names[a->op], a->lo, a->hi, worst, at);
        if (worst > a->bound) T_FAIL("%s: %s is %g ulp off at %.9g", k->name, names[a->op], worst, at);
    }
    goss__free(x), goss__free(y);
}
EACH_VARIANT(accuracy, check_accuracy)

typedef struct special {
    enum goss__ew_op op;
    float x, want;
} special;

static void check_special(const goss__kernels *k) {
    const float inf = INFINITY, nan = NAN;
    const special cases[] = {
        {GOSS__EW_exp, -inf, 0},
        {GOSS__EW_exp, inf, inf},
        {GOSS__EW_exp, nan, nan},
        {GOSS__EW_exp, 0, 1},
        {GOSS__EW_exp, -0.f, 1},
        {GOSS__EW_exp, 1e30f, inf},
        {GOSS__EW_exp, -1e30f, 0},
        {GOSS__EW_exp, 1e-40f, 1},
        {GOSS__EW_exp, 88.8f, inf},
        {GOSS__EW_exp, -150, 0},
        {GOSS__EW_log, 0, -inf},
        {GOSS__EW_log, -0.f, -inf},
        {GOSS__EW_log, -1, nan},
        {GOSS__EW_log, -inf, nan},
        {GOSS__EW_log, inf, inf},
        {GOSS__EW_log, nan, nan},
        {GOSS__EW_log, 1, 0},
        {GOSS__EW_log, -1e-40f, nan},
        {GOSS__EW_tanh, inf, 1},
        {GOSS__EW_tanh, -inf, -1},
        {GOSS__EW_tanh, nan, nan},
        {GOSS__EW_tanh, -0.f, -0.f},
        {GOSS__EW_tanh, 1e-40f, 1e-40f},
        {GOSS__EW_tanh, 1e30f, 1},
        {GOSS__EW_sin, inf, nan},
        {GOSS__EW_sin, -inf, nan},
        {GOSS__EW_sin, nan, nan},
        {GOSS__EW_sin, -0.f, -0.f},
        {GOSS__EW_sin, 0, 0},
        {GOSS__EW_sin, 1e-40f, 1e-40f},
        {GOSS__EW_cos, inf, nan},
        {GOSS__EW_cos, nan, nan},
        {GOSS__EW_cos, 0, 1},
        {GOSS__EW_cos, 1e-40f, 1},
        {GOSS__EW_relu, nan, nan},
        {GOSS__EW_relu, -inf, 0},
        {GOSS__EW_relu, -0.f, 0},
        {GOSS__EW_relu, inf, inf},
        {GOSS__EW_abs, -0.f, 0},
        {GOSS__EW_abs, -inf, inf},
        {GOSS__EW_sign, -3, -1},
        {GOSS__EW_sign, 0, 0},
        {GOSS__EW_sign, nan, 0},
        {GOSS__EW_floor, -0.5f, -1},
        {GOSS__EW_floor, 3e9f, 3e9f},
        {GOSS__EW_floor, -inf, -inf},
        {GOSS__EW_sqrt, -1, nan},
        {GOSS__EW_sqrt, inf, inf},
        {GOSS__EW_neg, 0, -0.f},
        {GOSS__EW_sigmoid, inf, 1},
        {GOSS__EW_sigmoid, -inf, 0},
        {GOSS__EW_softplus, inf, inf},
        {GOSS__EW_softplus, -inf, 0},
        {GOSS__EW_softplus, nan, nan},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float x[17], y[17]; /* in the full vectors and in the tail */
        for (int j = 0; j < 17; j++) x[j] = j % 2 ? 0.5f : cases[i].x;
        unary(k, cases[i].op, x, y, 17);
        for (int j = 0; j < 17; j += 2) {
            if (!same_bits(y[j], cases[i].want))
                T_FAIL("%s: %s(%g) is %g", k->name, names[cases[i].op], cases[i].x, y[j]);
        }
    }
    /* Huge angles: some value in [-1, 1]. */
    float x[3] = {1e30f, 3.4e38f, -1e12f}, y[3];
    for (int op = 0; op < 2; op++) {
        unary(k, op ? GOSS__EW_sin : GOSS__EW_cos, x, y, 3);
        for (int j = 0; j < 3; j++) T_CHECK(y[j] >= -1 && y[j] <= 1);
    }
    float least = 1e-45f, log_least;
    unary(k, GOSS__EW_log, &least, &log_least, 1);
    T_NEAR(log_least, log(least), 1e-5);
}
EACH_VARIANT(special, check_special)

static void check_nan_order(const goss__kernels *k) {
    const float a[6] = {NAN, 1, 2, NAN, 0, -1}, b[6] = {1, NAN, 1, NAN, NAN, NAN}, c[6] = {7, 7, 7, 7, 7, 7};
    float y[6];
    goss__ew e = {.out = y, .in = {a, b, c}, .outer = 1, .inner = 6, .in_inner = {1, 1, 1}};
    k->ew[GOSS__EW_max](&e);
    for (int i = 0; i < 6; i++) T_CHECK(i == 2 ? y[i] == 2 : isnan(y[i]));
    k->ew[GOSS__EW_min](&e);
    for (int i = 0; i < 6; i++) T_CHECK(i == 2 ? y[i] == 1 : isnan(y[i]));
    k->ew[GOSS__EW_less](&e);
    for (int i = 0; i < 6; i++) T_CHECK(y[i] == 0);
    k->ew[GOSS__EW_select](&e); /* a NaN mask is not 0 */
    T_CHECK(y[0] == 1 && isnan(y[1]) && y[2] == 1 && y[4] == 7 && isnan(y[5]));
}
EACH_VARIANT(nan_order, check_nan_order)

/* Runs op over `outer` rows with the given strides and compares with itself, element by element. */
static void strided(const goss__kernels *k, int op, int64_t outer, int64_t inner, int dense, int64_t gap) {
    const int arity = arities[op];
    guarded in[3], out = guarded_new(outer * inner);
    goss__ew e = {.out = out.v, .outer = outer, .inner = inner};
    for (int j = 0; j < arity; j++) {
        const int64_t step = dense >> j & 1;
        e.in_inner[j] = step, e.in_outer[j] = gap < 0 ? 0 : step * inner + gap;
        in[j] = guarded_new((outer - 1) * e.in_outer[j] + (inner - 1) * step + 1);
        for (int64_t i = 0; i < in[j].n; i++) in[j].v[i] = fabsf(in[j].v[i]) + (j == 0 && i % 5 == 0 ? -0.5f : 0.1f);
        e.in[j] = in[j].v;
    }
    k->ew[op](&e);
    int64_t wrong = !guarded_intact(&out);
    for (int64_t i = 0; i < outer * inner; i++) {
        float y;
        goss__ew one = {.out = &y, .outer = 1, .inner = 1};
        for (int j = 0; j < arity; j++) one.in[j] = in[j].v + i / inner * e.in_outer[j] + i % inner * e.in_inner[j];
        goss__kernels_find("generic")->ew[op](&one);
        wrong += !same_bits(y, out.v[i]);
    }
    for (int j = 0; j < arity; j++) guarded_free(&in[j]);
    guarded_free(&out);
    if (wrong)
        T_FAIL("%s: %s [%lld, %lld] dense %d gap %lld", k->name, names[op], (long long)outer, (long long)inner, dense,
               (long long)gap);
}

static void check_strides(const goss__kernels *k) {
    static const int64_t outers[] = {1, 3, 7}, inners[] = {1, 3, 5, 16, 32, 33, 64}, gaps[] = {-1, 0, 1, 9};
    for (int op = 0; op < GOSS__EW_COUNT; op++) {
        for (int i = 0; i < 3 * 7 * 4; i++) {
            for (int dense = 0; dense < 1 << arities[op]; dense++) {
                strided(k, op, outers[i / 28], inners[i / 4 % 7], dense, gaps[i % 4]);
            }
        }
    }
}
EACH_VARIANT(strides, check_strides)

static void check_alias(const goss__kernels *k) {
    guarded a = guarded_new(37 * 3), want = guarded_new(37 * 3);
    for (int op = 0; op < GOSS__EW_COUNT; op++) {
        goss__ew e = {.out = want.v, .in = {a.v, a.v, a.v}, .outer = 3, .inner = 37};
        for (int j = 0; j < 3; j++) e.in_inner[j] = 1, e.in_outer[j] = 37;
        k->ew[op](&e);
        guarded own = guarded_new(a.n);
        memcpy(own.v, a.v, (size_t)a.n * sizeof(float));
        e.out = own.v, e.in[0] = e.in[1] = e.in[2] = own.v;
        k->ew[op](&e);
        const int64_t d = first_difference(own.v, want.v, a.n);
        guarded_free(&own);
        T_EQ(d, -1);
    }
    guarded_free(&a), guarded_free(&want);
}
EACH_VARIANT(alias, check_alias)

/* All 2^32 floats are too many: every 7,919th, which passes through each exponent, sign and NaN. */
static void check_same_bits(const goss__kernels *k) {
    const goss__kernels *generic = goss__kernels_find("generic");
    float *x = goss__alloc_aligned(POINTS * sizeof(float)), *y = goss__alloc_aligned(2 * POINTS * sizeof(float));
    uint64_t bits = 0;
    while (bits < UINT64_C(1) << 32) {
        for (int i = 0; i < POINTS; i++, bits += 7919) {
            const uint32_t b = (uint32_t)bits;
            memcpy(&x[i], &b, 4);
        }
        for (int op = 0; op < GOSS__EW_COUNT; op++) {
            if (arities[op] != 1) continue;
            unary(generic, op, x, y, POINTS), unary(k, op, x, y + POINTS, POINTS);
            const int64_t d = first_difference(y, y + POINTS, POINTS);
            if (d >= 0) T_FAIL("%s: %s(%.9g) is %.9g, generic %.9g", k->name, names[op], x[d], y[POINTS + d], y[d]);
        }
    }
    goss__free(x), goss__free(y);
}
EACH_VARIANT(same_bits, check_same_bits)

TEST_MAIN()
