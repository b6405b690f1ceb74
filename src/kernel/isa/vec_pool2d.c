/* SPDX-License-Identifier: Apache-2.0 */
/* vec_pool2d.c: max pooling as window argmax, gather by that index and its adjoint, vectorised over channels.
 *
 * A NaN counts as the largest value, so that it propagates. A window without any valid tap has index -1, which gathers
 * 0 and scatters nothing. */
#include "kernel/isa/isa.h"

/* The part of an output's window that lies inside the image. */
typedef struct window {
    int64_t y, x;               /* of tap (0, 0), may be negative */
    int64_t ky0, ky1, kx0, kx1; /* valid taps */
} window;

ALWAYS window window_at(const goss__pool2d *p, int64_t oy, int64_t ox) {
    window k = {.y = oy * p->stride_h - p->pad_top, .x = ox * p->stride_w - p->pad_left};
    k.ky0 = goss__max64(0, -k.y), k.ky1 = goss__min64(p->kh, p->h - k.y);
    k.kx0 = goss__max64(0, -k.x), k.kx1 = goss__min64(p->kw, p->w - k.x);
    return k;
}

ALWAYS vi index_load(const int32_t *p, int64_t left) { return (vi)vload_n((const float *)p, left); }
ALWAYS vi select_i(vcond m, vi a, vi b) { return (vi)vselect(m, (vf)a, (vf)b); }

static void window_gather(const goss__pool2d *p, const window *k, const float *x, const int32_t *index, float *y) {
    for (int64_t j = 0; j < p->c; j += W) {
        const int64_t left = p->c - j;
        const vi at = index_load(index + j, left);
        vf v = {0};
        for (int64_t ky = k->ky0; ky < k->ky1; ky++) {
            for (int64_t kx = k->kx0; kx < k->kx1; kx++) {
                const vcond here = vequal_i(at, vseti((int32_t)(ky * p->kw + kx)));
                v = vselect(here, vload_n(x + ((k->y + ky) * p->w + k->x + kx) * p->c + j, left), v);
            }
        }
        vstore_n(y + j, v, left);
    }
}

/* index, y: may be NULL. */
static void window_argmax(const goss__pool2d *p, const window *k, const float *x, const float *factor, int32_t *index,
                          float *y) {
    for (int64_t j = 0; j < p->c; j += W) {
        const int64_t left = p->c - j;
        const vf times = factor ? vload_n(factor + j, left) : vset(1.f);
        vi at = vseti(-1);
        vf best = vset(0.f), picked = best;
        for (int64_t ky = k->ky0; ky < k->ky1; ky++) {
            for (int64_t kx = k->kx0; kx < k->kx1; kx++) {
                const vi tap = vseti((int32_t)(ky * p->kw + kx));
                const vf raw = vload_n(x + ((k->y + ky) * p->w + k->x + kx) * p->c + j, left), v = raw * times;
                const vcond nan = vdiffers(v, v) & ~vdiffers(best, best);
                const vcond take = vless(best, v) | nan | vequal_i(at, vseti(-1));
                best = vselect(take, v, best), picked = vselect(take, raw, picked), at = select_i(take, tap, at);
            }
        }
        if (index) vstore_n((float *)(index + j), (vf)at, left);
        if (y) vstore_n(y + j, picked, left);
    }
}

static void window_scatter(const goss__pool2d *p, const window *k, const float *gy, const int32_t *index, float *gx,
                           bool overlap) {
    for (int64_t j = 0; j < p->c; j += W) {
        const int64_t left = p->c - j;
        const vi at = index_load(index + j, left);
        const vf g = vload_n(gy + j, left);
        for (int64_t ky = k->ky0; ky < k->ky1; ky++) {
            for (int64_t kx = k->kx0; kx < k->kx1; kx++) {
                float *to = gx + ((k->y + ky) * p->w + k->x + kx) * p->c + j;
                vf v = vselect(vequal_i(at, vseti((int32_t)(ky * p->kw + kx))), g, vset(0.f));
                if (overlap) v += vload_n(to, left);
                vstore_n(to, v, left);
            }
        }
    }
}

/* ---- windows of K x K taps inside the image: x is the first tap, `last` the channels of this vector ---- */

ALWAYS vf tap_load(const goss__pool2d *p, const float *x, int t, int64_t last, const int K) {
    return vload_n(x + (t / K * p->w + t % K) * p->c, last);
}

/* factor, index, y: NULL, or at these channels. */
ALWAYS void full_argmax(const goss__pool2d *p, const float *x, const float *factor, int32_t *index, float *y,
                        int64_t last, const int K) {
    const vf times = factor ? vload_n(factor, last) : vset(1.f);
    vf picked = vload_n(x, last), best = picked * times;
    vi at = {0};
    vcond met_nan = vdiffers(best, best);
    UNROLL for (int t = 1; t < K * K; t++) {
        const vf raw = tap_load(p, x, t, last, K), v = raw * times;
        const vcond nan = vdiffers(v, v), take = (vless(best, v) | nan) & ~met_nan;
        best = vselect(take, v, best), picked = vselect(take, raw, picked);
        at = select_i(take, vseti(t), at), met_nan = met_nan | nan;
    }
    if (index) vstore_n((float *)index, (vf)at, last);
    if (y) vstore_n(y, picked, last);
}

ALWAYS void full_gather(const goss__pool2d *p, const float *x, const int32_t *index, float *y, int64_t last,
                        const int K) {
    const vi at = index_load(index, last);
    vf v = {0};
    UNROLL for (int t = 0; t < K * K; t++) v = vselect(vequal_i(at, vseti(t)), tap_load(p, x, t, last, K), v);
    vstore_n(y, v, last);
}

ALWAYS void full_scatter(const goss__pool2d *p, const float *gy, const int32_t *index, float *gx, int64_t last,
                         bool overlap, const int K) {
    const vi at = index_load(index, last);
    const vf g = vload_n(gy, last);
    UNROLL for (int t = 0; t < K * K; t++) {
        float *to = gx + (t / K * p->w + t % K) * p->c;
        vf v = vselect(vequal_i(at, vseti(t)), g, vset(0.f));
        if (overlap) v += vload_n(to, last);
        vstore_n(to, v, last);
    }
}

/* The windows of those functions: 0 (none), 2 x 2 or 3 x 3. */
static int full_size(const goss__pool2d *p) { return p->kh == p->kw && (p->kh == 2 || p->kh == 3) ? (int)p->kh : 0; }

ALWAYS bool is_full(const goss__pool2d *p, const window *k) {
    return k->ky1 - k->ky0 == p->kh && k->kx1 - k->kx0 == p->kw;
}

ALWAYS int64_t first_tap(const goss__pool2d *p, const window *k) { return (k->y * p->w + k->x) * p->c; }

/* Over all channels. */
#define FULL(call)                                                                                                     \
    {                                                                                                                  \
        int64_t j = 0;                                                                                                 \
        for (const int64_t last = W; j + W <= p->c; j += W) call;                                                      \
        for (const int64_t last = p->c - j; j < p->c; j += W) call;                                                    \
    }

/* ---- images ---- */

ALWAYS void argmax_images(const goss__pool2d *p, const float *x, const float *factor, int64_t step, int32_t *index,
                          float *y, const int K) {
    for (int64_t n = 0; n < p->n; n++, x += p->h * p->w * p->c, factor = factor ? factor + step : NULL) {
        for (int64_t i = 0; i < p->oh * p->ow; i++, index = index ? index + p->c : NULL, y = y ? y + p->c : NULL) {
            const window k = window_at(p, i / p->ow, i % p->ow);
            if (K && is_full(p, &k))
                FULL(full_argmax(p, x + first_tap(p, &k) + j, factor ? factor + j : NULL, index ? index + j : NULL,
                                 y ? y + j : NULL, last, K))
            else
                window_argmax(p, &k, x, factor, index, y);
        }
    }
}

ALWAYS void gather_images(const goss__pool2d *p, const float *x, const int32_t *index, float *y, const int K) {
    for (int64_t n = 0; n < p->n; n++, x += p->h * p->w * p->c) {
        for (int64_t i = 0; i < p->oh * p->ow; i++, index += p->c, y += p->c) {
            const window k = window_at(p, i / p->ow, i % p->ow);
            if (K && is_full(p, &k))
                FULL(full_gather(p, x + first_tap(p, &k) + j, index + j, y + j, last, K))
            else
                window_gather(p, &k, x, index, y);
        }
    }
}

ALWAYS void scatter_images(const goss__pool2d *p, const float *gy, const int32_t *index, float *gx, const int K) {
    const bool overlap = p->kh > p->stride_h || p->kw > p->stride_w;
    const bool covered = p->kh == p->stride_h && p->kw == p->stride_w && p->oh * p->kh - p->pad_top >= p->h &&
                         p->ow * p->kw - p->pad_left >= p->w;
    const int64_t image = p->h * p->w * p->c;
    for (int64_t n = 0; n < p->n; n++, gx += image) {
        if (!covered) memset(gx, 0, (size_t)image * sizeof(float));
        for (int64_t i = 0; i < p->oh * p->ow; i++, index += p->c, gy += p->c) {
            const window k = window_at(p, i / p->ow, i % p->ow);
            if (K && is_full(p, &k))
                FULL(full_scatter(p, gy + j, index + j, gx + first_tap(p, &k) + j, last, overlap, K))
            else
                window_scatter(p, &k, gy, index, gx, overlap);
        }
    }
}

#define BY_SIZE(function, ...)                                                                                         \
    switch (full_size(p)) {                                                                                            \
    case 2:                                                                                                            \
        function(p, __VA_ARGS__, 2);                                                                                   \
        break;                                                                                                         \
    case 3:                                                                                                            \
        function(p, __VA_ARGS__, 3);                                                                                   \
        break;                                                                                                         \
    default:                                                                                                           \
        function(p, __VA_ARGS__, 0);                                                                                   \
    }

void GOSS_FN(pool_argmax)(const goss__pool2d *p, const float *x, const float *factor, int64_t step, int32_t *index,
                          float *y) {
    BY_SIZE(argmax_images, x, factor, step, index, y)
}
void GOSS_FN(pool_gather)(const goss__pool2d *p, const float *x, const int32_t *index, float *y) {
    BY_SIZE(gather_images, x, index, y)
}
void GOSS_FN(pool_scatter)(const goss__pool2d *p, const float *gy, const int32_t *index, float *gx) {
    BY_SIZE(scatter_images, gy, index, gx)
}
