/* SPDX-License-Identifier: Apache-2.0 */
/* Max pooling kernels of every variant against plain loops: ties, NaN, padding, overlap, windows without a tap. */
#include "kernel_check.h"

static const goss__pool2d shapes[] = {
    /* n h  w  c  kh kw oh ow sh sw pt pl */
    {2, 28, 28, 64, 2, 2, 14, 14, 2, 2, 0, 0}, {3, 7, 7, 33, 2, 2, 3, 3, 2, 2, 0, 0},
    {1, 8, 8, 5, 3, 3, 4, 4, 2, 2, 1, 1},      {2, 6, 7, 16, 3, 2, 4, 6, 1, 1, 0, 0},
    {1, 5, 5, 3, 1, 1, 3, 3, 2, 2, 0, 0},      {1, 4, 4, 7, 4, 4, 1, 1, 4, 4, 0, 0},
    {1, 3, 3, 9, 2, 2, 3, 3, 3, 3, 2, 2},      {1, 7, 7, 20, 7, 7, 1, 1, 7, 7, 0, 0},
    {0, 4, 4, 4, 2, 2, 2, 2, 2, 2, 0, 0},      {2, 9, 9, 37, 3, 3, 9, 9, 1, 1, 1, 1},
    {1, 6, 6, 21, 2, 2, 5, 5, 1, 1, 0, 0},     {1, 9, 9, 16, 3, 3, 3, 3, 3, 3, 0, 0},
};

/* The offset in x of tap t of output i (which runs over n, oh, ow), or -1 outside. */
static int64_t tap(const goss__pool2d *p, int64_t i, int64_t t) {
    const int64_t n = i / (p->oh * p->ow), y = i / p->ow % p->oh * p->stride_h - p->pad_top + t / p->kw;
    const int64_t x = i % p->ow * p->stride_w - p->pad_left + t % p->kw;
    return y < 0 || y >= p->h || x < 0 || x >= p->w ? -1 : ((n * p->h + y) * p->w + x) * p->c;
}

/* factor: image n's numbers at factor + n * step; NULL: 1. */
static int32_t expected(const goss__pool2d *p, const float *x, const float *factor, int64_t step, int64_t i,
                        int64_t c) {
    const float times = factor ? factor[i / (p->oh * p->ow) * step + c] : 1;
    int32_t best = -1;
    float value = 0;
    for (int64_t t = 0; t < p->kh * p->kw; t++) {
        const int64_t at = tap(p, i, t);
        if (at < 0) continue;
        const float v = x[at + c] * times;
        if (best < 0 || v > value || (isnan(v) && !isnan(value))) best = (int32_t)t, value = v;
    }
    return best;
}

static void one(const goss__kernels *k, const goss__pool2d *p) {
    const int64_t outs = p->n * p->oh * p->ow;
    guarded x = guarded_new(p->n * p->h * p->w * p->c), y = guarded_new(outs * p->c), at = guarded_new(outs * p->c);
    guarded gx = guarded_new(x.n);
    int32_t *index = (int32_t *)(void *)at.v;
    float *want = goss__calloc((size_t)x.n + 1, sizeof(float));
    for (int64_t i = 0; i < x.n; i++)
        x.v[i] = i % 97 == 5 ? NAN : i % 89 == 3 ? -INFINITY : floorf(x.v[i] * 4); /* ties */
    int64_t wrong = 0;
    guarded factor = guarded_new(p->n * p->c);
    for (int64_t i = 0; i < factor.n; i++) factor.v[i] = i % 5 == 0 ? 0 : i % 2 ? -0.75f : 1.5f;
    for (int64_t step = 0; step <= p->c; step += p->c) {
        k->pool_argmax(p, x.v, factor.v, step, index, NULL);
        for (int64_t i = 0; i < outs * p->c; i++)
            wrong += expected(p, x.v, factor.v, step, i / p->c, i % p->c) != index[i];
    }
    k->pool_argmax(p, x.v, factor.v, p->c, index, y.v);
    for (int64_t i = 0; i < outs * p->c; i++)
        wrong += !same_bits(y.v[i], index[i] < 0 ? 0 : x.v[tap(p, i / p->c, index[i]) + i % p->c]);
    wrong += !guarded_intact(&y) + !guarded_intact(&factor);
    guarded_free(&factor);
    k->pool_argmax(p, x.v, NULL, 0, index, NULL);
    k->pool_gather(p, x.v, index, y.v);
    for (int64_t i = 0; i < outs * p->c; i++) {
        const int32_t t = expected(p, x.v, NULL, 0, i / p->c, i % p->c);
        wrong += t != index[i];
        wrong += !same_bits(y.v[i], t < 0 ? 0 : x.v[tap(p, i / p->c, t) + i % p->c]);
        y.v[i] = check_random();
        if (t >= 0) want[tap(p, i / p->c, t) + i % p->c] += y.v[i];
    }
    k->pool_scatter(p, y.v, index, gx.v);
    wrong += first_difference(gx.v, want, gx.n) >= 0;
    wrong += !guarded_intact(&x) + !guarded_intact(&y) + !guarded_intact(&at) + !guarded_intact(&gx);
    guarded_free(&x), guarded_free(&y), guarded_free(&at), guarded_free(&gx), goss__free(want);
    if (wrong) T_FAIL("%s, shape %d: %lld wrong", k->name, (int)(p - shapes), (long long)wrong);
}

static void check_pool(const goss__kernels *k) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) one(k, &shapes[i]);
}
EACH_VARIANT(pool2d, check_pool)

TEST_MAIN()
