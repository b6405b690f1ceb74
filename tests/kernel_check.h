/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_check.h: what the kernel tests share: arrays with guards, comparison of bits, one test a variant. */
#ifndef GOSS_TEST_KERNEL_CHECK_H
#define GOSS_TEST_KERNEL_CHECK_H

#include "base/alloc.h"
#include "kernel/kernel.h"
#include "test.h"

#define GUARD 64
#define GUARD_VALUE (-12345.675f)

/* n floats in the midst of guards; fresh ones hold values in [-1, 1) from a small generator. */
typedef struct guarded {
    float *all, *v;
    int64_t n;
} guarded;

static uint32_t check_seed = 1;
static inline float check_random(void) {
    check_seed = check_seed * 1664525u + 1013904223u;
    return (float)(int32_t)(check_seed & 0xffffff00u) * 0x1p-31f;
}

static inline guarded guarded_new(int64_t n) {
    guarded g = {.n = n};
    g.all = goss__alloc_aligned((size_t)(n + 2 * GUARD) * sizeof(float));
    if (!g.all) abort();
    g.v = g.all + GUARD;
    for (int64_t i = 0; i < n + 2 * GUARD; i++) g.all[i] = GUARD_VALUE;
    for (int64_t i = 0; i < n; i++) g.v[i] = check_random();
    return g;
}
static inline bool guarded_intact(const guarded *g) {
    for (int i = 0; i < GUARD; i++) {
        if (g->all[i] != GUARD_VALUE || g->v[g->n + i] != GUARD_VALUE) return false;
    }
    return true;
}
static inline void guarded_free(guarded *g) { goss__free(g->all); }

/* Scratch of exactly the size asked for, with a guard behind it. */
typedef struct check_scratch {
    unsigned char *p;
    size_t size;
} check_scratch;
static inline check_scratch scratch_new(size_t size) {
    check_scratch s = {goss__alloc_aligned(size + 256), size};
    if (!s.p) abort();
    memset(s.p, 0xa5, size + 256); /* as floats: small numbers; nothing may rely on them */
    return s;
}
static inline bool scratch_free(check_scratch *s) {
    bool intact = true;
    for (size_t i = 0; i < 256; i++) intact &= s->p[s->size + i] == 0xa5;
    goss__free(s->p);
    return intact;
}

/* Equal bits, any NaN equal to any NaN. */
static inline bool same_bits(float a, float b) {
    uint32_t x, y;
    memcpy(&x, &a, 4), memcpy(&y, &b, 4);
    return x == y || (a != a && b != b);
}
/* First index at which a and b differ, or -1. */
static inline int64_t first_difference(const float *a, const float *b, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        if (!same_bits(a[i], b[i])) return i;
    }
    return -1;
}

/* Runs check(kernels) as one test for each variant there is; those that are not built in or that this CPU lacks are
 * skipped. */
#define EACH_VARIANT(what, check)                                                                                      \
    TEST(what##_generic){ON_VARIANT("generic", check)} TEST(what##_avx2){ON_VARIANT("avx2", check)} TEST(              \
        what##_avx512){ON_VARIANT("avx512", check)} TEST(what##_neon) {                                                \
        ON_VARIANT("neon", check)                                                                                      \
    }
#define ON_VARIANT(id, check)                                                                                          \
    const goss__kernels *k = goss__kernels_find(id);                                                                   \
    if (!k) T_SKIP("this CPU or build lacks %s", id);                                                                  \
    T_STR(k->name, id);                                                                                                \
    check(k);

#endif
