/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products and transposes of every variant against a serial fmaf loop (bit for bit) and a double loop (bound).
 */
#include "kernel_check.h"

typedef struct shape {
    int64_t m, n, k;
    int pad; /* extra columns of every stored row */
} shape;

static float at(const float *a, int64_t ld, bool t, int64_t i, int64_t j) { return t ? a[j * ld + i] : a[i * ld + j]; }

/* want[m,n] by the order that kernel.h promises; false when that is not within rounding of the exact value. */
static bool reference(const goss__gemm *g, float *want) {
    bool near = true;
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < g->n; j++) {
            float s = 0;
            double exact = 0, size = 0;
            for (int64_t p = 0; p < g->k; p++) {
                const float a = at(g->a, g->lda, g->ta, i, p), b = at(g->b, g->ldb, g->tb, p, j);
                s = fmaf(a, b, s);
                exact += (double)a * b, size += fabs((double)a * b);
            }
            const float d = g->add ? g->add[i * g->add_row + j] : 0;
            exact += d, size += fabs((double)d);
            want[i * g->n + j] = s = g->add ? s + d : s;
            near &= !(fabs(s - exact) > (double)(g->k + 1) * 0x1p-24 * size);
        }
    }
    return near;
}

/* b's numbers cut off after 16 bits, in b itself and as bfloat16: exactly as many as b has, for the address sanitizer
 * to see what is read beyond. */
static uint16_t *to_bf16(guarded *b) {
    uint16_t *halves = malloc((size_t)(b->n + !b->n) * sizeof *halves);
    if (!halves) abort();
    for (int64_t i = 0; i < b->n; i++) {
        uint32_t bits;
        memcpy(&bits, &b->v[i], 4);
        halves[i] = (uint16_t)(bits >> 16), bits &= 0xffff0000u;
        memcpy(&b->v[i], &bits, 4);
    }
    return halves;
}

/* in_c: the addend is C itself. */
static void one(const goss__kernels *k, shape s, bool ta, bool tb, bool add, bool bf16, bool in_c) {
    const int64_t lda = (ta ? s.m : s.k) + s.pad, ldb = (tb ? s.k : s.n) + s.pad, ldc = s.n + s.pad;
    guarded a = guarded_new((ta ? s.k : s.m) * lda), b = guarded_new((tb ? s.n : s.k) * ldb),
            c = guarded_new(s.m * ldc);
    float *c0 = goss__calloc((size_t)(c.n + 1), sizeof(float)),
          *want = goss__calloc((size_t)(s.m * s.n + 1), sizeof(float));
    memcpy(c0, c.v, (size_t)c.n * sizeof(float));
    goss__gemm g = {.m = s.m,
                    .n = s.n,
                    .k = s.k,
                    .ta = ta,
                    .tb = tb,
                    .a = a.v,
                    .lda = lda,
                    .b = b.v,
                    .ldb = ldb,
                    .c = c.v,
                    .ldc = ldc,
                    .add = add ? c0 : NULL,
                    .add_row = ldc};
    uint16_t *halves = bf16 ? to_bf16(&b) : NULL;
    const bool near = reference(&g, want);
    check_scratch x = scratch_new(k->gemm_scratch(s.m, s.n, s.k, ta, tb));
    if (bf16) g.b = NULL, g.b_bf16 = halves;
    if (in_c) g.add = c.v;
    k->gemm(&g, x.p);
    free(halves);
    bool kept = scratch_free(&x) && guarded_intact(&a) && guarded_intact(&b) && guarded_intact(&c), equal = true;
    for (int64_t i = 0; i < s.m; i++) {
        equal &= first_difference(c.v + i * ldc, want + i * s.n, s.n) < 0;
        kept &= first_difference(c.v + i * ldc + s.n, c0 + i * ldc + s.n, s.pad) < 0;
    }
    guarded_free(&a), guarded_free(&b), guarded_free(&c), goss__free(c0), goss__free(want);
    if (!near || !kept || !equal)
        T_FAIL("%s %lldx%lldx%lld pad %d%s%s%s%s:%s%s%s", k->name, (long long)s.m, (long long)s.n, (long long)s.k,
               s.pad, ta ? " ta" : "", tb ? " tb" : "",
               in_c  ? " add C"
               : add ? " add"
                     : "",
               bf16 ? " bf16" : "", near ? "" : " not near the exact product", kept ? "" : " wrote outside",
               equal ? "" : " not the serial sum");
}

static void all_ways(const goss__kernels *k, shape s) {
    for (int way = 0; way < 16; way++) {
        one(k, s, way & 1, way & 2, way & 4, way & 8, false);
        if (way & 4 && s.k <= k->gemm_depth) one(k, s, way & 1, way & 2, true, way & 8, true);
    }
}

static void check_gemm(const goss__kernels *k) {
    static const shape shapes[] = {
        {1, 1, 1, 0},       {1, 1, 7, 0},      {10, 40, 40, 0},    {10, 1, 40, 0},   {10, 40, 1, 0},
        {25, 64, 64, 0},    {32, 129, 64, 0},  {7, 5, 3, 2},       {15, 33, 17, 1},  {14, 32, 64, 0},
        {29, 31, 70, 3},    {1, 300, 33, 0},   {1, 2100, 9, 5},    {1, 8500, 19, 5}, {1, 311, 16, 0},
        {1, 40, 8, 1},      {2, 260, 20, 0},   {3, 200, 20, 0},    {4, 100, 20, 0},  {64, 64, 64, 0},
        {13, 64, 1100, 0},  {40, 512, 20, 0},  {20, 200, 512, 0},  {512, 40, 24, 0}, {300, 17, 5, 0},
        {16, 512, 512, 0},  {5, 1, 2000, 0},   {1024, 100, 40, 0}, {2100, 70, 9, 0}, /* a block of many rows, copied and
                                                                                        not; several */
        {32, 129, 1100, 0}, {37, 110, 700, 3}, /* B of more rows than A, stored transposed */
        {0, 5, 5, 0},       {5, 0, 5, 0},      {5, 6, 0, 0},       {0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) all_ways(k, shapes[i]);
}
EACH_VARIANT(gemm, check_gemm)

/* A large result, which is written in runs, and its halves, which are not: each K block of a sum. */
static void large(const goss__kernels *k, bool ta, bool add, bool bf16) {
    enum { M = 150, N = 7100, K = 516, HALF = 3550 };
    guarded a = guarded_new(M * K), b = guarded_new(K * N), c = guarded_new(M * N), want = guarded_new(M * N),
            d = guarded_new(N);
    uint16_t *halves = bf16 ? to_bf16(&b) : NULL;
    goss__gemm g = {.m = M,
                    .n = N,
                    .k = K,
                    .ta = ta,
                    .a = a.v,
                    .lda = ta ? M : K,
                    .b = bf16 ? NULL : b.v,
                    .b_bf16 = halves,
                    .ldb = N,
                    .c = c.v,
                    .ldc = N,
                    .add = add ? d.v : NULL};
    check_scratch x = scratch_new(k->gemm_scratch(M, N, K, ta, false));
    k->gemm(&g, x.p);
    g.n = HALF;
    for (int64_t j = 0; j < N; j += HALF) {
        g.c = want.v + j, g.add = add ? d.v + j : NULL;
        if (bf16)
            g.b_bf16 = halves + j;
        else
            g.b = b.v + j;
        k->gemm(&g, x.p);
    }
    bool right = scratch_free(&x) && guarded_intact(&c) && first_difference(c.v, want.v, c.n) < 0;
    free(halves);
    guarded_free(&a), guarded_free(&b), guarded_free(&c), guarded_free(&want), guarded_free(&d);
    if (!right) T_FAIL("%s: large%s%s%s", k->name, ta ? " ta" : "", add ? " add" : "", bf16 ? " bf16" : "");
}

static void check_large(const goss__kernels *k) {
    large(k, false, true, false);
    large(k, true, false, true);
}
EACH_VARIANT(large, check_large)

/* Every combination of small extents: each register tile and each tail. */
static void check_tiles(const goss__kernels *k) {
    for (int64_t m = 1; m <= 17; m++) {
        for (int64_t n = 1; n <= 66; n += n % 16 == 2 ? 5 : 1) all_ways(k, (shape){m, n, 3, 0});
    }
}
EACH_VARIANT(tiles, check_tiles)

typedef enum added { NOTHING, ARRAYS, A_ROW } added;

/* Several products by one call, and what is added to them, are what they are one by one; an operand may be the same for
 * all. */
static void batch(const goss__kernels *k, shape s, int way, added add) {
    enum { MANY = 4 };
    const bool ta = way & 1, tb = way & 2, same_a = way & 4, same_b = way & 8;
    guarded a = guarded_new((same_a ? 1 : MANY) * s.m * s.k), b = guarded_new((same_b ? 1 : MANY) * s.k * s.n),
            c = guarded_new(MANY * s.m * s.n), want = guarded_new(MANY * s.m * s.n),
            d = guarded_new(add == A_ROW ? s.n : MANY * s.m * s.n);
    goss__gemm g = {.m = s.m,
                    .n = s.n,
                    .k = s.k,
                    .ta = ta,
                    .tb = tb,
                    .a = a.v,
                    .lda = ta ? s.m : s.k,
                    .b = b.v,
                    .ldb = tb ? s.k : s.n,
                    .c = c.v,
                    .ldc = s.n,
                    .more = MANY - 1,
                    .a_step = same_a ? 0 : s.m * s.k,
                    .b_step = same_b ? 0 : s.k * s.n,
                    .c_step = s.m * s.n};
    if (add) g.add = d.v, g.add_row = add == A_ROW ? 0 : s.n, g.add_step = add == A_ROW ? 0 : s.m * s.n;
    check_scratch x = scratch_new(k->gemm_scratch(s.m, s.n, s.k, ta, tb));
    k->gemm(&g, x.p);
    goss__gemm one_of = g;
    one_of.more = 0, one_of.add = NULL;
    for (int i = 0; i < MANY; i++) {
        one_of.a = g.a + i * g.a_step, one_of.b = g.b + i * g.b_step, one_of.c = want.v + i * g.c_step;
        k->gemm(&one_of, x.p);
        for (int64_t e = 0; add && e < s.m * s.n; e++) one_of.c[e] += d.v[add == A_ROW ? e % s.n : i * s.m * s.n + e];
    }
    bool right =
        scratch_free(&x) && guarded_intact(&a) && guarded_intact(&b) && guarded_intact(&c) && guarded_intact(&d);
    right &= first_difference(c.v, want.v, c.n) < 0;
    guarded_free(&a), guarded_free(&b), guarded_free(&c), guarded_free(&want), guarded_free(&d);
    if (!right)
        T_FAIL("%s: a batch of %lldx%lldx%lld%s%s%s%s, addend %d", k->name, (long long)s.m, (long long)s.n,
               (long long)s.k, ta ? " ta" : "", tb ? " tb" : "", same_a ? " one A" : "", same_b ? " one B" : "", add);
}

static void check_batches(const goss__kernels *k) {
    static const shape shapes[] = {{10, 40, 40, 0},   {10, 1, 40, 0},    {40, 1, 10, 0}, {7, 5, 3, 0},
                                   {1, 300, 33, 0},   {30, 70, 520, 0},  {5, 6, 0, 0},   {1, 8300, 9, 0},
                                   {33, 120, 600, 0}, {300, 17, 520, 0}, {2, 1, 3000, 0}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int way = 0; way < 48; way++) batch(k, shapes[i], way % 16, (added)(way / 16));
}
EACH_VARIANT(batches, check_batches)

static void check_special(const goss__kernels *k) {
    enum { M = 9, N = 37, K = 11 };
    guarded a = guarded_new(M * K), b = guarded_new(K * N), c = guarded_new(M * N);
    check_scratch x = scratch_new(k->gemm_scratch(M, N, K, false, false));
    for (int64_t i = 0; i < a.n; i++) a.v[i] = fabsf(a.v[i]) + 0.1f;
    for (int64_t i = 0; i < b.n; i++) b.v[i] = fabsf(b.v[i]) + 0.1f;
    a.v[2 * K + 3] = INFINITY, a.v[4 * K + 1] = NAN, b.v[5 * N + 36] = NAN, b.v[0] = -INFINITY;
    goss__gemm g = {.m = M, .n = N, .k = K, .a = a.v, .lda = K, .b = b.v, .ldb = N, .c = c.v, .ldc = N};
    for (int64_t i = 0; i < c.n; i++) c.v[i] = NAN; /* must not leak into the product */
    k->gemm(&g, x.p);
    bool right = scratch_free(&x);
    for (int64_t i = 0; i < M; i++) {
        for (int64_t j = 0; j < N; j++) {
            const float v = c.v[i * N + j];
            const bool nan = i == 4 || j == 36 || (i == 2 && j == 0);
            right &= nan ? isnan(v) : i == 2 ? v == INFINITY : j == 0 ? v == -INFINITY : isfinite(v);
        }
    }
    guarded_free(&a), guarded_free(&b), guarded_free(&c);
    T_CHECK(right);
}
EACH_VARIANT(special, check_special)

/* One row of which only some factors, by the bits of `some`, are not 0: the other rows of B are not read, and the sum
 * is the serial one. */
static void row_with_zeros(const goss__kernels *k, int64_t n, uint32_t some, bool ta, bool bf16) {
    enum { K = 21 };
    guarded a = guarded_new(K), b = guarded_new(K * n), c = guarded_new(n);
    float *want = goss__calloc((size_t)n, sizeof *want);
    goss__gemm g = {
        .m = 1, .n = n, .k = K, .ta = ta, .a = a.v, .lda = ta ? 1 : K, .b = b.v, .ldb = n, .c = c.v, .ldc = n};
    for (int64_t p = 0; p < K; p++) a.v[p] = some >> p & 1 ? a.v[p] : 0;
    for (int64_t p = K; p-- > 0;)
        if (a.v[p] != 0) {
            b.v[p * n + 7] = INFINITY; /* in the last row that counts */
            break;
        }
    uint16_t *halves = bf16 ? to_bf16(&b) : NULL;
    bool right = reference(&g, want);
    for (int64_t e = 0; e < K * n; e++) {
        if (a.v[e / n] != 0) continue;
        if (bf16) halves[e] = 0x7fc0;
        b.v[e] = NAN;
    }
    check_scratch x = scratch_new(k->gemm_scratch(1, n, K, ta, false));
    if (bf16) g.b = NULL, g.b_bf16 = halves;
    k->gemm(&g, x.p);
    right &= scratch_free(&x) && guarded_intact(&a) && guarded_intact(&b) && guarded_intact(&c);
    for (int64_t j = 0; j < n; j++) right &= c.v[j] == want[j];
    free(halves), guarded_free(&a), guarded_free(&b), guarded_free(&c), goss__free(want);
    if (!right)
        T_FAIL("%s: 1x%lldx%d, factors %x%s%s", k->name, (long long)n, K, some, ta ? " ta" : "", bf16 ? " bf16" : "");
}

static void check_zeros(const goss__kernels *k) {
    static const uint32_t patterns[] = {0,        1,        0x100000, 0x155555, 0x0aaaaa, 0x1fffff, 0x00ff00,
                                        0x01ff00, 0x000700, 0x1f0000, 0x180000, 0x00003f, 0x0fe000};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        for (int way = 0; way < 8; way++) row_with_zeros(k, way & 4 ? 8211 : 331, patterns[i], way & 1, way & 2);
}
EACH_VARIANT(zeros, check_zeros)

static void check_transpose(const goss__kernels *k) {
    static const int64_t sizes[] = {0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 70};
    for (size_t i = 0; i < 13; i++) {
        for (size_t j = 0; j < 13; j++) {
            const int64_t rows = sizes[i], cols = sizes[j], ld_in = cols + 3, ld_out = rows + 2;
            guarded in = guarded_new(rows * ld_in), out = guarded_new(cols * ld_out);
            for (int64_t e = 0; e < out.n; e++) out.v[e] = 5;
            k->transpose(out.v, ld_out, in.v, ld_in, rows, cols);
            bool right = guarded_intact(&in) && guarded_intact(&out);
            for (int64_t c = 0; c < cols; c++) {
                for (int64_t r = 0; r < ld_out; r++)
                    right &= out.v[c * ld_out + r] == (r < rows ? in.v[r * ld_in + c] : 5);
            }
            guarded_free(&in), guarded_free(&out);
            if (!right) T_FAIL("%s: %lld x %lld", k->name, (long long)rows, (long long)cols);
        }
    }
}
EACH_VARIANT(transpose, check_transpose)

TEST(gemm_scratch_is_monotone) {
    const goss__kernels *k = goss__kernels_best();
    size_t before = 0;
    for (int64_t m = 1; m < 2000; m = m * 5 / 4 + 1) {
        const size_t now = k->gemm_scratch(m, 777, 555, false, true);
        T_CHECK(now >= before);
        before = now;
    }
    T_CHECK(k->gemm_scratch(100000, 100000, 100000, true, true) < (4 << 20));
}

TEST(variants_are_found_by_name) {
    T_STR(goss__kernels_names()[0], "generic");
    T_CHECK(goss__kernels_find("generic") != NULL);
    T_CHECK(goss__kernels_find("no such variant") == NULL);
    T_CHECK(goss__kernels_find(NULL) == NULL);
    T_CHECK(goss__kernels_best() == goss__kernels_best());
    const char *forced = getenv("GOSSAMER_ISA");
    if (forced && goss__kernels_find(forced)) T_STR(goss__kernels_best()->name, forced);
}

TEST_MAIN()
