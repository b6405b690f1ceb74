/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions of every variant: all three kernels against double with a bound, and bit for bit against the generic
 * variant; where the direct kernel is used, forward and input gradient bit for bit against a serial fmaf loop. */
#include "kernel/conv_plan.h"
#include "kernel_check.h"

typedef struct shape {
    int64_t n, h, w, cin, kh, kw, cout, groups, stride_h, stride_w, pad, dil_h, dil_w, pad_extra;
} shape;

static goss__conv conv_of(shape s) {
    goss__conv c = {.n = s.n, .h = s.h, .w = s.w, .cin = s.cin, .kh = s.kh, .kw = s.kw, .cout = s.cout};
    c.groups = s.groups, c.stride_h = s.stride_h, c.stride_w = s.stride_w, c.dil_h = s.dil_h, c.dil_w = s.dil_w;
    c.pad_top = c.pad_left = s.pad, c.pad_bottom = c.pad_right = s.pad + s.pad_extra;
    c.oh = (c.h + c.pad_top + c.pad_bottom - c.dil_h * (c.kh - 1) - 1) / c.stride_h + 1;
    c.ow = (c.w + c.pad_left + c.pad_right - c.dil_w * (c.kw - 1) - 1) / c.stride_w + 1;
    return c;
}

static const shape shapes[] = {
    /* n  h   w  cin kh kw cout g sh sw p dh dw */
    {2, 28, 28, 1, 3, 3, 64, 1, 1, 1, 1, 1, 1, 0},  {3, 14, 14, 64, 3, 3, 64, 1, 1, 1, 1, 1, 1, 0},
    {5, 7, 7, 64, 3, 3, 64, 1, 1, 1, 1, 1, 1, 0},   {25, 3, 3, 64, 3, 3, 64, 1, 1, 1, 1, 1, 1, 0},
    {11, 3, 3, 16, 3, 3, 21, 1, 1, 1, 1, 1, 1, 0},  {2, 9, 11, 3, 5, 3, 7, 1, 1, 1, 2, 1, 1, 0},
    {2, 9, 11, 12, 3, 3, 33, 1, 2, 2, 1, 1, 1, 0},  {1, 13, 8, 5, 3, 2, 4, 1, 3, 2, 0, 1, 1, 0},
    {2, 12, 10, 8, 3, 3, 40, 1, 1, 1, 2, 2, 2, 0},  {1, 17, 19, 4, 3, 4, 6, 1, 2, 3, 3, 3, 2, 1},
    {2, 6, 6, 12, 3, 3, 8, 4, 1, 1, 1, 1, 1, 0},    {2, 7, 5, 24, 3, 3, 24, 24, 1, 1, 1, 1, 1, 0},
    {1, 8, 9, 19, 3, 3, 19, 19, 2, 2, 1, 1, 2, 0},  {2, 5, 5, 6, 3, 3, 12, 6, 1, 1, 1, 1, 1, 0},
    {3, 5, 4, 17, 1, 1, 35, 1, 1, 1, 0, 1, 1, 0},   {3, 9, 9, 20, 1, 1, 8, 1, 2, 2, 0, 1, 1, 0},
    {2, 4, 4, 128, 3, 3, 5, 1, 1, 1, 1, 1, 1, 0},   {1, 1, 40, 4, 1, 9, 10, 1, 1, 1, 0, 1, 1, 0},
    {2, 1, 300, 2, 1, 7, 3, 1, 1, 2, 3, 1, 1, 0},   {1, 5, 5, 3, 5, 5, 9, 1, 1, 1, 0, 1, 1, 0},
    {1, 2, 2, 3, 5, 5, 4, 1, 1, 1, 4, 1, 1, 0},     {1, 150, 151, 8, 3, 3, 4, 1, 1, 1, 1, 1, 1, 0},
    {1, 150, 151, 9, 3, 3, 4, 1, 2, 2, 1, 1, 1, 0}, {60, 14, 14, 20, 3, 3, 3, 1, 1, 1, 1, 1, 1, 0},
    {3, 13, 9, 17, 3, 3, 35, 1, 1, 1, 1, 1, 1, 0},  {2, 8, 11, 16, 3, 3, 128, 1, 1, 1, 0, 1, 1, 0},
    {1, 6, 7, 48, 3, 3, 16, 1, 1, 1, 3, 1, 1, 0},   {2, 10, 6, 130, 3, 3, 20, 1, 1, 1, 1, 1, 1, 1},
    {3, 28, 5, 16, 3, 3, 16, 1, 1, 1, 1, 1, 1, 0},  {9, 4, 4, 40, 3, 3, 24, 1, 1, 1, 1, 1, 1, 0},
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0},     {0, 5, 5, 3, 3, 3, 4, 1, 1, 1, 1, 1, 1, 0},
    {2, 5, 5, 0, 3, 3, 4, 1, 1, 1, 1, 1, 1, 0},     {2, 5, 5, 4, 3, 3, 0, 1, 1, 1, 1, 1, 1, 0},
};

typedef struct arrays {
    guarded x, w, y; /* y: the result or the cotangent */
    int64_t cg, og;
} arrays;

static arrays arrays_new(const goss__conv *c) {
    arrays a = {.cg = c->cin / c->groups, .og = c->cout / c->groups};
    a.x = guarded_new(c->n * c->h * c->w * c->cin);
    a.w = guarded_new(c->kh * c->kw * a.cg * c->cout);
    a.y = guarded_new(c->n * c->oh * c->ow * c->cout);
    return a;
}
static bool arrays_free(arrays *a) {
    const bool intact = guarded_intact(&a->x) && guarded_intact(&a->w) && guarded_intact(&a->y);
    guarded_free(&a->x), guarded_free(&a->w), guarded_free(&a->y);
    return intact;
}

/* Input value seen by tap (ky, kx) of output pixel (oy, ox); 0 outside. */
static float seen(const goss__conv *c, const float *x, int64_t n, int64_t oy, int64_t ox, int64_t ky, int64_t kx,
                  int64_t ci) {
    const int64_t y = oy * c->stride_h - c->pad_top + ky * c->dil_h,
                  xx = ox * c->stride_w - c->pad_left + kx * c->dil_w;
    if (y < 0 || y >= c->h || xx < 0 || xx >= c->w) return 0;
    return x[((n * c->h + y) * c->w + xx) * c->cin + ci];
}

/* One sum as the direct kernels order it, and in double, with the sum of its terms' magnitudes. */
typedef struct sum {
    float serial;
    double exact, size;
} sum;

static void add(sum *s, float a, float b) {
    s->serial = fmaf(a, b, s->serial);
    s->exact += (double)a * b, s->size += fabs((double)a * b);
}

static sum forward_one(const goss__conv *c, const arrays *a, int64_t i) {
    const int64_t co = i % c->cout, ox = i / c->cout % c->ow, oy = i / c->cout / c->ow % c->oh,
                  n = i / c->cout / c->ow / c->oh, first = co / a->og * a->cg;
    sum s = {0};
    for (int64_t t = 0; t < c->kh * c->kw; t++) {
        for (int64_t ci = 0; ci < a->cg; ci++)
            add(&s, seen(c, a->x.v, n, oy, ox, t / c->kw, t % c->kw, first + ci),
                a->w.v[(t * a->cg + ci) * c->cout + co]);
    }
    return s;
}

/* Taps in order, output channels within a tap. */
static sum input_gradient_one(const goss__conv *c, const arrays *a, int64_t i) {
    const int64_t ci = i % c->cin, x = i / c->cin % c->w, y = i / c->cin / c->w % c->h, n = i / c->cin / c->w / c->h,
                  g = ci / a->cg;
    sum s = {0};
    for (int64_t t = 0; t < c->kh * c->kw; t++) {
        const int64_t u = y + c->pad_top - t / c->kw * c->dil_h, v = x + c->pad_left - t % c->kw * c->dil_w;
        if (u < 0 || v < 0 || u % c->stride_h || v % c->stride_w) continue;
        if (u / c->stride_h >= c->oh || v / c->stride_w >= c->ow) continue;
        const float *gy = a->y.v + ((n * c->oh + u / c->stride_h) * c->ow + v / c->stride_w) * c->cout + g * a->og;
        for (int64_t co = 0; co < a->og; co++)
            add(&s, gy[co], a->w.v[(t * a->cg + ci % a->cg) * c->cout + g * a->og + co]);
    }
    return s;
}

typedef void (*conv_kernel)(const goss__conv *, const float *, const float *, float *, void *);

static void run(const goss__kernels *k, conv_kernel fn, const goss__conv *c, const float *a, const float *b,
                float *out) {
    check_scratch scratch = scratch_new(k->conv_scratch(c));
    fn(c, a, b, out, scratch.p);
    T_CHECK(scratch_free(&scratch));
}

/* 2^-24 times the number of terms times their magnitudes: more than any order of summation loses. In Winograd's tiles
 * an output takes part in its neighbours' rounding: there the largest magnitudes of its image count, and transforms
 * lose less than that on numbers of one size. */
static void check_sums(const char *name, const goss__conv *c, const arrays *a, const guarded *got, const float *generic,
                       sum (*one)(const goss__conv *, const arrays *, int64_t), int64_t terms) {
    const bool serial = !goss__winograd_wins(c);
    const int64_t image = c->n ? got->n / c->n : 0;
    int64_t wrong = 0;
    for (int64_t first = 0; first < got->n; first += image) {
        double size = 0;
        for (int64_t i = first; i < first + image && !serial; i++) size = fmax(size, one(c, a, i).size);
        for (int64_t i = first; i < first + image; i++) {
            const sum want = one(c, a, i);
            wrong += serial && !same_bits(want.serial, got->v[i]);
            wrong += !(fabs(got->v[i] - want.exact) <= 0x1p-24 * (double)terms * (serial ? want.size : size));
        }
    }
    const int64_t differs = first_difference(got->v, generic, got->n);
    if (wrong || differs >= 0)
        T_FAIL("%s, %lld images %lld x %lld x %lld: %lld wrong, differs from generic at %lld", name, (long long)c->n,
               (long long)c->h, (long long)c->w, (long long)c->cin, (long long)wrong, (long long)differs);
}

/* dx: the input gradient; else forward. */
static void check_kernel(const goss__kernels *k, shape s, bool dx) {
    const goss__conv c = conv_of(s);
    const goss__kernels *plain = goss__kernels_find("generic");
    arrays a = arrays_new(&c);
    guarded *in = dx ? &a.y : &a.x, *out = dx ? &a.x : &a.y;
    float *generic = goss__calloc((size_t)(out->n + 1), sizeof(float));
    run(plain, dx ? plain->conv_dx : plain->conv, &c, in->v, a.w.v, generic);
    run(k, dx ? k->conv_dx : k->conv, &c, in->v, a.w.v, out->v);
    check_sums(k->name, &c, &a, out, generic, dx ? input_gradient_one : forward_one, c.kh * c.kw * (dx ? a.og : a.cg));
    goss__free(generic);
    T_CHECK(arrays_free(&a));
}
static void forward(const goss__kernels *k, shape s) { check_kernel(k, s, false); }
static void input_gradient(const goss__kernels *k, shape s) { check_kernel(k, s, true); }

/* The error of gw[i] as a multiple of the bound: 2^-24 times the number of pixels times the sum of magnitudes. */
static double dw_error(const goss__conv *c, const arrays *a, int64_t i, float got) {
    const int64_t co = i % c->cout, ci = i / c->cout % a->cg, t = i / (c->cout * a->cg);
    double exact = 0, size = 0;
    for (int64_t p = 0; p < c->n * c->oh * c->ow; p++) {
        const double v = (double)seen(c, a->x.v, p / (c->oh * c->ow), p / c->ow % c->oh, p % c->ow, t / c->kw,
                                      t % c->kw, co / a->og * a->cg + ci) *
                         a->y.v[p * c->cout + co];
        exact += v, size += fabs(v);
    }
    if (size == 0) return got == 0 ? 0 : 2;
    return fabs(got - exact) / (0x1p-24 * (double)(c->n * c->oh * c->ow + 1) * size);
}

static void filter_gradient(const goss__kernels *k, shape s) {
    const goss__conv c = conv_of(s);
    arrays a = arrays_new(&c);
    const goss__kernels *plain = goss__kernels_find("generic");
    float *generic = goss__calloc((size_t)(a.w.n + 1), sizeof(float));
    run(plain, plain->conv_dw, &c, a.x.v, a.y.v, generic);
    run(k, k->conv_dw, &c, a.x.v, a.y.v, a.w.v);
    const int64_t differs = first_difference(a.w.v, generic, a.w.n);
    double worst = 0;
    for (int64_t i = 0; i < a.w.n; i += 1 + a.w.n / 500) worst = fmax(worst, dw_error(&c, &a, i, a.w.v[i]));
    goss__free(generic);
    const bool intact = arrays_free(&a);
    if (!intact || differs >= 0 || worst > 1)
        T_FAIL("%s, shape %d: error %g of the bound, first difference %lld", k->name,
               (int)(s.n * 10000 + s.h * 100 + s.cin), worst, (long long)differs);
}

#define OVER_SHAPES(fn)                                                                                                \
    static void check_##fn(const goss__kernels *k) {                                                                   \
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) fn(k, shapes[i]);                                \
    }                                                                                                                  \
    EACH_VARIANT(fn, check_##fn)
OVER_SHAPES(forward)
OVER_SHAPES(input_gradient)
OVER_SHAPES(filter_gradient)

TEST(conv_scratch_is_bounded_and_monotone) {
    const goss__kernels *k = goss__kernels_best();
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        goss__conv c = conv_of(shapes[i]);
        size_t before = 0;
        for (c.n = 0; c.n < 200; c.n++) {
            const size_t now = k->conv_scratch(&c);
            T_CHECK(now >= before && now < (4 << 20));
            before = now;
        }
    }
}

/* A NaN reaches the outputs whose windows hold it; no others of direct kernels and of Winograd's F(2x2,3x3), of
 * F(4x4,3x3) those of a tile that reads it, too; and never another image. */
static void check_nan(const goss__kernels *k) {
    for (int64_t extent = 3; extent < 10; extent++) {
        const goss__conv c = conv_of((shape){2, extent, extent, 16, 3, 3, 18, 1, 1, 1, 1, 1, 1, 0});
        const int64_t reach = goss__winograd_wins(&c) && goss__winograd_plan_forward(&c).outputs == 4 ? 4 : 1;
        for (int64_t at = 0; at < extent * extent; at++) {
            arrays a = arrays_new(&c);
            a.x.v[((1 * extent + at / extent) * extent + at % extent) * 16 + 5] = NAN;
            run(k, k->conv, &c, a.x.v, a.w.v, a.y.v);
            bool right = true;
            for (int64_t i = 0; i < a.y.n; i++) {
                const int64_t p = i / 18, down = llabs(p / extent % extent - at / extent),
                              across = llabs(p % extent - at % extent);
                const bool there = p >= extent * extent;
                if (there && down <= 1 && across <= 1) right &= !!isnan(a.y.v[i]);
                if (!there || down > reach || across > reach) right &= !isnan(a.y.v[i]);
            }
            right &= arrays_free(&a);
            T_CHECK(right);
        }
    }
}
EACH_VARIANT(conv_nan, check_nan)

/* What winograd.c says of its errors, on numbers of a normal distribution's size: 14 x 14 goes by tiles of 4 x 4, 6 x 6
 * of 2 x 2. */
static void check_rounding(const goss__kernels *k) {
    const struct {
        int64_t extent;
        double rms, most;
    } said[] = {{14, 1e-6, 1.2e-5}, {6, 4e-7, 3e-6}};
    for (int j = 0; j < 2; j++) {
        const goss__conv c = conv_of((shape){2, said[j].extent, said[j].extent, 64, 3, 3, 64, 1, 1, 1, 1, 1, 1, 0});
        T_EQ(goss__winograd_plan_forward(&c).outputs, j == 0 ? 4 : 2);
        arrays a = arrays_new(&c);
        run(k, k->conv, &c, a.x.v, a.w.v, a.y.v);
        double squares = 0, errors = 0, most = 0;
        for (int64_t i = 0; i < a.y.n; i++) {
            const double exact = forward_one(&c, &a, i).exact, error = a.y.v[i] - exact;
            squares += exact * exact, errors += error * error, most = fmax(most, fabs(error));
        }
        T_CHECK(arrays_free(&a));
        if (!(errors <= squares * said[j].rms * said[j].rms && most <= sqrt(squares / (double)a.y.n) * said[j].most))
            T_FAIL("%s, %lld x %lld: rms error %.3g of the results' rms, largest %.3g", k->name,
                   (long long)said[j].extent, (long long)said[j].extent, sqrt(errors / squares),
                   most / sqrt(squares / (double)a.y.n));
    }
}
EACH_VARIANT(conv_rounding, check_rounding)

TEST_MAIN()
