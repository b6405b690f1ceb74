/* vec_pool2d.c: max pooling as window argmax, gather by that index and its adjoint, vectorised over channels.
 *
 * A NaN counts as the largest value, so that it shows in the result. A window without any valid tap has index -1,
 * which gathers 0 and scatters nothing. */
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

static void window_argmax(const goss__pool2d *p, const window *k, const float *x, int32_t *index) {
    for (int64_t j = 0; j < p->c; j += W) {
        const int64_t left = p->c - j;
        vi at = vseti(-1);
        vf best = vset(0.f);
        for (int64_t ky = k->ky0; ky < k->ky1; ky++) {
            for (int64_t kx = k->kx0; kx < k->kx1; kx++) {
                const vi tap = vseti((int32_t)(ky * p->kw + kx));
                const vf v = vload_n(x + ((k->y + ky) * p->w + k->x + kx) * p->c + j, left);
                const vcond nan = vdiffers(v, v) & ~vdiffers(best, best);
                const vcond take = vless(best, v) | nan | vequal_i(at, vseti(-1));
                best = vselect(take, v, best), at = select_i(take, tap, at);
            }
        }
        vstore_n((float *)(index + j), (vf)at, left);
    }
}

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

void GOSS_FN(pool_argmax)(const goss__pool2d *p, const float *x, int32_t *index) {
    for (int64_t n = 0; n < p->n; n++, x += p->h * p->w * p->c) {
        for (int64_t i = 0; i < p->oh * p->ow; i++, index += p->c) {
            const window k = window_at(p, i / p->ow, i % p->ow);
            window_argmax(p, &k, x, index);
        }
    }
}

void GOSS_FN(pool_gather)(const goss__pool2d *p, const float *x, const int32_t *index, float *y) {
    for (int64_t n = 0; n < p->n; n++, x += p->h * p->w * p->c) {
        for (int64_t i = 0; i < p->oh * p->ow; i++, index += p->c, y += p->c) {
            const window k = window_at(p, i / p->ow, i % p->ow);
            window_gather(p, &k, x, index, y);
        }
    }
}

void GOSS_FN(pool_scatter)(const goss__pool2d *p, const float *gy, const int32_t *index, float *gx) {
    const bool overlap = p->kh > p->stride_h || p->kw > p->stride_w;
    const bool covered = p->kh == p->stride_h && p->kw == p->stride_w && p->oh * p->kh - p->pad_top >= p->h &&
                         p->ow * p->kw - p->pad_left >= p->w;
    const int64_t image = p->h * p->w * p->c;
    for (int64_t n = 0; n < p->n; n++, gx += image) {
        if (!covered) memset(gx, 0, (size_t)image * sizeof(float));
        for (int64_t i = 0; i < p->oh * p->ow; i++, index += p->c, gy += p->c) {
            const window k = window_at(p, i / p->ow, i % p->ow);
            window_scatter(p, &k, gy, index, gx, overlap);
        }
    }
}
