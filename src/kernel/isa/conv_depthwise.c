/* SPDX-License-Identifier: Apache-2.0 */
/* conv_depthwise.c: convolutions with one input and one output channel per group, vectorised over channels.
 *
 * Taps outside the image are skipped. Filter gradients sum each row of outputs from 0 and then add the row sums. */
#include "kernel/isa/isa.h"

/* Common to the three: the input pixel that a tap of an output pixel reads; -1: none. */
ALWAYS int64_t input_at(const goss__conv *c, int64_t n, int64_t oy, int64_t ox, int64_t ky, int64_t kx) {
    const int64_t y = oy * c->stride_h - c->pad_top + ky * c->dil_h, x = ox * c->stride_w - c->pad_left + kx * c->dil_w;
    if (y < 0 || y >= c->h || x < 0 || x >= c->w) return -1;
    return ((n * c->h + y) * c->w + x) * c->cin;
}

/* The output pixel that reads input pixel (y, x) through a tap; -1: none. */
ALWAYS int64_t output_at(const goss__conv *c, int64_t n, int64_t y, int64_t x, int64_t ky, int64_t kx) {
    const int64_t u = y + c->pad_top - ky * c->dil_h, v = x + c->pad_left - kx * c->dil_w;
    if (u < 0 || v < 0 || u % c->stride_h || v % c->stride_w) return -1;
    const int64_t oy = u / c->stride_h, ox = v / c->stride_w;
    if (oy >= c->oh || ox >= c->ow) return -1;
    return ((n * c->oh + oy) * c->ow + ox) * c->cout;
}

typedef int64_t (*place)(const goss__conv *c, int64_t n, int64_t y, int64_t x, int64_t ky, int64_t kx);

/* V vectors of channels of one pixel of y from x, or of gx from gy; `left` channels at most. */
ALWAYS void channels(const goss__conv *c, const float *from, const float *w, float *to, int64_t n, int64_t y, int64_t x,
                     place at, int64_t left, const int V) {
    vf acc[4] = {{0}, {0}, {0}, {0}};
    for (int64_t ky = 0; ky < c->kh; ky++) {
        for (int64_t kx = 0; kx < c->kw; kx++, w += c->cin) {
            const int64_t i = at(c, n, y, x, ky, kx);
            if (i < 0) continue;
            UNROLL for (int v = 0; v < V; v++) acc[v] =
                vfma(vload_n(from + i + v * W, left - v * W), vload_n(w + v * W, left - v * W), acc[v]);
        }
    }
    UNROLL for (int v = 0; v < V; v++) vstore_n(to + v * W, acc[v], left - v * W);
}

ALWAYS void pixel(const goss__conv *c, const float *from, const float *w, float *to, int64_t n, int64_t y, int64_t x,
                  place at) {
    int64_t j = 0;
    for (; j + 4 * W <= c->cin; j += 4 * W) channels(c, from + j, w + j, to + j, n, y, x, at, 4 * W, 4);
    for (; j < c->cin; j += W) channels(c, from + j, w + j, to + j, n, y, x, at, c->cin - j, 1);
}

void GOSS_FN(depthwise)(const goss__conv *c, const float *x, const float *w, float *y) {
    for (int64_t n = 0; n < c->n; n++) {
        for (int64_t oy = 0; oy < c->oh; oy++) {
            for (int64_t ox = 0; ox < c->ow; ox++, y += c->cout) pixel(c, x, w, y, n, oy, ox, input_at);
        }
    }
}

void GOSS_FN(depthwise_dx)(const goss__conv *c, const float *gy, const float *w, float *gx) {
    for (int64_t n = 0; n < c->n; n++) {
        for (int64_t iy = 0; iy < c->h; iy++) {
            for (int64_t ix = 0; ix < c->w; ix++, gx += c->cin) pixel(c, gy, w, gx, n, iy, ix, output_at);
        }
    }
}

static vf row_sum(const goss__conv *c, const float *x, const float *gy, int64_t n, int64_t oy, int64_t tap,
                  int64_t left) {
    vf acc = {0};
    for (int64_t ox = 0; ox < c->ow; ox++, gy += c->cout) {
        const int64_t i = input_at(c, n, oy, ox, tap / c->kw, tap % c->kw);
        if (i >= 0) acc = vfma(vload_n(x + i, left), vload_n(gy, left), acc);
    }
    return acc;
}

void GOSS_FN(depthwise_dw)(const goss__conv *c, const float *x, const float *gy, float *gw) {
    for (int64_t tap = 0; tap < c->kh * c->kw; tap++, gw += c->cin) {
        for (int64_t j = 0; j < c->cin; j += W) {
            const int64_t left = c->cin - j;
            vf sum = {0};
            for (int64_t n = 0; n < c->n; n++) {
                for (int64_t oy = 0; oy < c->oh; oy++)
                    sum += row_sum(c, x + j, gy + (n * c->oh + oy) * c->ow * c->cout + j, n, oy, tap, left);
            }
            vstore_n(gw + j, sum, left);
        }
    }
}
