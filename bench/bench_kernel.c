/* SPDX-License-Identifier: Apache-2.0 */
/* bench_kernel: GFLOP/s (or GB/s) of the kernels at the sizes that training steps are made of, one thread, as a share
 * of the FMA peak that a register-only loop reaches in the same run. GOSSAMER_ISA forces a variant; arguments filter by
 * substring. Each figure is the best of fifteen timings: on a shared machine the others measure the neighbours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "kernel/kernel.h"

static const goss__kernels *k;
static double peak; /* GFLOP/s of a tile whose operands stay in L1 */
static char **filters;

/* Seconds of a call. */
static double seconds(void (*fn)(void *), void *arg) {
    double best = 1e9;
    int64_t calls = 1;
    for (;;) {
        const double t0 = goss__now();
        for (int64_t i = 0; i < calls; i++) fn(arg);
        if (goss__now() - t0 > 1e-3) break;
        calls *= 2;
    }
    for (int i = 0; i < 15; i++) {
        const double t0 = goss__now();
        for (int64_t j = 0; j < calls; j++) fn(arg);
        const double t = (goss__now() - t0) / (double)calls;
        best = t < best ? t : best;
    }
    return best;
}

static float *array(int64_t n) {
    float *p = goss__alloc_aligned((size_t)n * sizeof(float) + 64);
    if (!p) exit(1);
    for (int64_t i = 0; i < n; i++) p[i] = (float)(i % 1001) * 1e-3f - 0.5f;
    return p;
}

static int wanted(const char *what) {
    int all = 1;
    for (char **f = filters; *f; f++) {
        if (strstr(what, *f)) return 1;
        all = 0;
    }
    return all;
}

static void report_flops(const char *what, double flops, double s) {
    printf("%-44s %9.2f us %8.1f GFLOP/s %5.0f %%\n", what, s * 1e6, flops / s * 1e-9, 100 * flops / s * 1e-9 / peak);
}
static void report_bytes(const char *what, double bytes, double elements, double s) {
    printf("%-44s %9.2f us %8.1f GB/s    %6.2f Gelem/s\n", what, s * 1e6, bytes / s * 1e-9, elements / s * 1e-9);
}

#if defined(__x86_64__)
#define PEAK_BODY(features, W)                                                                                         \
    __attribute__((target(features))) static void peak_##W(void *arg) {                                                \
        typedef float v __attribute__((vector_size(4 * W)));                                                           \
        v a[12], x = (v){0} + 1.0000001f;                                                                              \
        _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) a[i] = (v){0} + (float)i;                                \
        for (int n = 0; n < 10000; n++) {                                                                              \
            _Pragma("GCC unroll 12") for (int i = 0; i < 12;                                                           \
                                          i++) __asm__("vfmadd231ps %1, %1, %0" : "+v"(a[i]) : "v"(x));                \
        }                                                                                                              \
        _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) * (volatile float *)arg = a[i][0];                       \
    }
PEAK_BODY("avx2,fma", 8)
PEAK_BODY("avx512f", 16)
#endif

static void measure_peak(void) {
    float sink;
    peak = 0;
#if defined(__x86_64__)
    if (strcmp(k->name, "avx2") == 0) peak = 10000 * 12 * 8 * 2 / seconds(peak_8, &sink) * 1e-9;
    if (strcmp(k->name, "avx512") == 0) peak = 10000 * 12 * 16 * 2 / seconds(peak_16, &sink) * 1e-9;
#endif
    (void)sink;
    if (peak == 0) peak = 1;
    printf("%s, FMA peak of one thread: %.1f GFLOP/s\n", k->name, peak);
}

typedef struct product {
    goss__gemm g;
    void *scratch;
} product;
static void run_gemm(void *arg) {
    const product *p = arg;
    k->gemm(&p->g, p->scratch);
}

static void bench_gemm(int64_t m, int64_t n, int64_t kk, int ta, int tb) {
    char what[80];
    snprintf(what, sizeof what, "gemm %c%c %lld x %lld x %lld", ta ? 'T' : 'N', tb ? 'T' : 'N', (long long)m,
             (long long)n, (long long)kk);
    if (!wanted(what)) return;
    product p = {.g = {.m = m,
                       .n = n,
                       .k = kk,
                       .ta = ta,
                       .tb = tb,
                       .a = array(m * kk),
                       .lda = ta ? m : kk,
                       .b = array(kk * n),
                       .ldb = tb ? kk : n,
                       .c = array(m * n),
                       .ldc = n}};
    p.scratch = goss__alloc_aligned(k->gemm_scratch(m, n, kk, ta, tb) + 64);
    const double s = seconds(run_gemm, &p);
    report_flops(what, 2.0 * (double)(m * n * kk), s);
    if (m == 1) printf("%-44s %9s    %8.1f GB/s\n", "", "", (double)(n * kk * 4) / s * 1e-9);
    goss__free((void *)p.g.a), goss__free((void *)p.g.b), goss__free(p.g.c), goss__free(p.scratch);
}

typedef struct convolution {
    goss__conv c;
    float *x, *w, *y;
    void *scratch;
} convolution;
static void run_conv(void *arg) {
    const convolution *a = arg;
    k->conv(&a->c, a->x, a->w, a->y, a->scratch);
}
static void run_dx(void *arg) {
    const convolution *a = arg;
    k->conv_dx(&a->c, a->y, a->w, a->x, a->scratch);
}
static void run_dw(void *arg) {
    const convolution *a = arg;
    k->conv_dw(&a->c, a->x, a->y, a->w, a->scratch);
}

static void bench_conv(int64_t n, int64_t size, int64_t cin, int64_t cout, int64_t groups, int64_t stride) {
    static void (*const fn[])(void *) = {run_conv, run_dx, run_dw};
    static const char *const names[] = {"conv", "conv_dx", "conv_dw"};
    const int64_t out = (size - 1) / stride + 1;
    goss__conv c = {.n = n, .h = size, .w = size, .cin = cin, .kh = 3, .kw = 3, .cout = cout, .oh = out, .ow = out};
    c.groups = groups, c.stride_h = c.stride_w = stride;
    c.dil_h = c.dil_w = c.pad_top = c.pad_left = c.pad_bottom = c.pad_right = 1;
    convolution a = {c, array(n * size * size * cin), array(9 * cin / groups * cout), array(n * c.oh * c.ow * cout),
                     NULL};
    a.scratch = goss__alloc_aligned(k->conv_scratch(&c) + 64);
    for (int i = 0; i < 3; i++) {
        char what[80];
        snprintf(what, sizeof what, "%s %lld x %lldx%lld x %lld -> %lld%s%s", names[i], (long long)n, (long long)size,
                 (long long)size, (long long)cin, (long long)cout, stride > 1 ? " stride 2" : "",
                 groups > 1 ? " depthwise" : "");
        if (wanted(what))
            report_flops(what, 2.0 * 9 * (double)(n * c.oh * c.ow * cout * cin / groups), seconds(fn[i], &a));
    }
    goss__free(a.x), goss__free(a.w), goss__free(a.y), goss__free(a.scratch);
}

typedef struct elementwise {
    goss__ew e;
    int op;
} elementwise;
static void run_ew(void *arg) {
    const elementwise *a = arg;
    k->ew[a->op](&a->e);
}

static void bench_ew(const char *name, int op, int arity, int64_t outer, int64_t inner, int second_is_row) {
    char what[80];
    snprintf(what, sizeof what, "%s %lld x %lld%s", name, (long long)outer, (long long)inner,
             second_is_row ? ", row" : "");
    if (!wanted(what)) return;
    float *a = array(outer * inner), *b = array(outer * inner), *out = array(outer * inner);
    elementwise e = {{out, {a, b, b}, outer, inner, {inner, second_is_row ? 0 : inner, inner}, {1, 1, 1}}, op};
    report_bytes(what, 4.0 * (double)(outer * inner * (arity + 1 - second_is_row)), (double)(outer * inner),
                 seconds(run_ew, &e));
    goss__free(a), goss__free(b), goss__free(out);
}

typedef struct reduction {
    int64_t pre, red, post;
    float *a, *out;
    int which;
} reduction;
static void run_reduce(void *arg) {
    const reduction *r = arg;
    if (r->which == 0) k->sum(r->out, r->a, r->pre, r->red, r->post);
    if (r->which == 1) k->max(r->out, r->a, r->pre, r->red, r->post);
    if (r->which == 2) k->dot(r->out, r->a, r->a, r->pre, r->red, r->post);
    if (r->which == 3) k->transpose(r->out, r->pre, r->a, r->red, r->pre, r->red);
}
static void bench_reduce(int which, int64_t pre, int64_t red, int64_t post) {
    static const char *const names[] = {"sum", "max", "dot", "transpose"};
    char what[80];
    snprintf(what, sizeof what, "%s [%lld, %lld, %lld]", names[which], (long long)pre, (long long)red, (long long)post);
    if (!wanted(what)) return;
    reduction r = {pre, red, post, array(pre * red * post), array(pre * (which == 3 ? red : post)), which};
    const double n = (double)(pre * red * post);
    report_bytes(what, 4 * n * (which == 3 ? 2 : 1), n, seconds(run_reduce, &r));
    goss__free(r.a), goss__free(r.out);
}

typedef struct pooling {
    goss__pool2d p;
    float *x, *y;
    int32_t *at;
    int which;
} pooling;
static void run_pool(void *arg) {
    const pooling *a = arg;
    if (a->which == 0) k->pool_argmax(&a->p, a->x, NULL, 0, a->at, NULL);
    if (a->which == 1) k->pool_gather(&a->p, a->x, a->at, a->y);
    if (a->which == 2) k->pool_scatter(&a->p, a->y, a->at, a->x);
}
static void bench_pool(int64_t n, int64_t size, int64_t c) {
    static const char *const names[] = {"pool_argmax", "pool_gather", "pool_scatter"};
    const int64_t out = size / 2;
    pooling a = {.p = {n, size, size, c, 2, 2, out, out, 2, 2, 0, 0}, .x = array(n * size * size * c)};
    a.y = array(n * out * out * c), a.at = (int32_t *)(void *)array(n * out * out * c);
    k->pool_argmax(&a.p, a.x, NULL, 0, a.at, NULL);
    for (a.which = 0; a.which < 3; a.which++) {
        char what[80];
        snprintf(what, sizeof what, "%s 2x2 %lld x %lldx%lld x %lld", names[a.which], (long long)n, (long long)size,
                 (long long)size, (long long)c);
        const double bytes = 4.0 * (double)(n * c * (size * size + out * out));
        if (wanted(what)) report_bytes(what, bytes, (double)(n * c * size * size), seconds(run_pool, &a));
    }
    goss__free(a.x), goss__free(a.y), goss__free(a.at);
}

static void all_products(void) {
    static const int64_t nn[][3] = {
        {10, 40, 1},    {10, 40, 40},      {10, 1, 40},     {25, 64, 64},    {25, 64, 20},       {25, 5, 64},
        {32, 128, 128}, {25, 5, 576},      {32, 5829, 128}, {8, 5829, 128},  {4, 5829, 128},     {1, 50565, 128},
        {1, 128, 128},  {32, 111749, 128}, {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024},
    };
    for (size_t i = 0; i < sizeof nn / sizeof nn[0]; i++) bench_gemm(nn[i][0], nn[i][1], nn[i][2], 0, 0);
    bench_gemm(10, 40, 40, 0, 1), bench_gemm(40, 40, 10, 1, 0), bench_gemm(25, 64, 64, 0, 1),
        bench_gemm(64, 64, 25, 1, 0);
    bench_gemm(32, 128, 5829, 0, 1), bench_gemm(128, 5829, 32, 1, 0), bench_gemm(1, 5829, 128, 0, 1);
    /* A generator's last layer and its gradients, weights stored [in, out], then [out, in]. */
    static const int64_t weights[] = {5829, 111749};
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        const int64_t p = weights[i];
        bench_gemm(32, p, 128, 0, 0), bench_gemm(128, p, 32, 1, 0), bench_gemm(32, 128, p, 0, 1);
        bench_gemm(32, p, 128, 0, 1), bench_gemm(p, 128, 32, 1, 0), bench_gemm(32, 128, p, 0, 0);
    }
    bench_gemm(512, 512, 512, 0, 1), bench_gemm(512, 512, 512, 1, 0), bench_gemm(512, 512, 512, 1, 1);
}

static void all_others(void) {
    bench_conv(25, 28, 1, 64, 1, 1), bench_conv(4, 28, 1, 64, 1, 1), bench_conv(25, 14, 64, 64, 1, 1),
        bench_conv(25, 7, 64, 64, 1, 1);
    bench_conv(25, 3, 64, 64, 1, 1), bench_conv(4, 14, 64, 64, 1, 1), bench_conv(4, 7, 64, 64, 1, 1),
        bench_conv(5, 3, 64, 64, 1, 1);
    bench_conv(4, 32, 3, 64, 1, 1), bench_conv(4, 32, 64, 128, 1, 2), bench_conv(4, 56, 128, 128, 1, 1);
    bench_conv(8, 14, 64, 64, 64, 1);
    bench_ew("add", GOSS__EW_add, 2, 1, 4096, 0), bench_ew("add", GOSS__EW_add, 2, 1, 1000000, 0);
    bench_ew("add", GOSS__EW_add, 2, 4900, 64, 1), bench_ew("relu", GOSS__EW_relu, 1, 1, 4096, 0);
    bench_ew("exp", GOSS__EW_exp, 1, 1, 4096, 0), bench_ew("log", GOSS__EW_log, 1, 1, 4096, 0);
    bench_ew("tanh", GOSS__EW_tanh, 1, 1, 4096, 0), bench_ew("sigmoid", GOSS__EW_sigmoid, 1, 1, 4096, 0);
    bench_ew("sin", GOSS__EW_sin, 1, 1, 4096, 0), bench_ew("exp", GOSS__EW_exp, 1, 1000, 5, 0);
    bench_reduce(0, 1, 4096, 1), bench_reduce(0, 1, 1000000, 1), bench_reduce(0, 5000, 64, 1),
        bench_reduce(0, 5000, 5, 1);
    bench_reduce(0, 1, 4900, 64), bench_reduce(0, 1, 4900, 5), bench_reduce(0, 1000, 25, 5),
        bench_reduce(1, 5000, 5, 1);
    bench_reduce(1, 1000, 64, 1), bench_reduce(2, 1, 1000000, 1), bench_reduce(2, 1, 4900, 64);
    bench_reduce(3, 64, 64, 1), bench_reduce(3, 512, 512, 1), bench_reduce(3, 1000, 1000, 1);
    bench_pool(8, 28, 64), bench_pool(25, 7, 64);
}

int main(int argc, char **argv) {
    (void)argc;
    filters = argv + 1;
    k = goss__kernels_best();
    measure_peak();
    all_products();
    all_others();
    return 0;
}
