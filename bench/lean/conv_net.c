/* SPDX-License-Identifier: Apache-2.0 */
/* conv_net.c: Conv4-64 with batch norm by hand. */
#include "conv_net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../numbers.h"

enum { C = NET_C, LANES = 32, ROWS = 128 };

/* ---- shapes, numbers, memory ---- */

void net_layers(net_layer k[NET_LAYERS]) {
    int64_t side = NET_SIDE, cin = 1, at = 0;
    for (int i = 0; i < NET_LAYERS; i++, side /= 2, cin = C) {
        k[i].conv = (goss__conv){.n = 1,
                                 .h = side,
                                 .w = side,
                                 .cin = cin,
                                 .kh = 3,
                                 .kw = 3,
                                 .cout = C,
                                 .oh = side,
                                 .ow = side,
                                 .groups = 1,
                                 .stride_h = 1,
                                 .stride_w = 1,
                                 .pad_top = 1,
                                 .pad_left = 1,
                                 .pad_bottom = 1,
                                 .pad_right = 1,
                                 .dil_h = 1,
                                 .dil_w = 1};
        k[i].filter = 9 * cin * C, k[i].first = i == 0;
        k[i].w = at, k[i].gain = at + k[i].filter, k[i].shift = k[i].gain + C, at = k[i].shift + C;
        k[i].in = side * side * cin, k[i].map = side * side * C, k[i].out = (side / 2) * (side / 2) * C;
    }
}

void net_numbers(float *weights) {
    net_layer k[NET_LAYERS];
    char name[32];
    net_layers(k);
    for (int i = 0; i < NET_LAYERS; i++) {
        snprintf(name, sizeof name, "conv%d.w", i + 1);
        numbers_reals(name, sqrt(6.0 / (double)(9 * k[i].conv.cin)), 0, weights + k[i].w, k[i].filter);
        snprintf(name, sizeof name, "norm%d.gain", i + 1);
        numbers_reals(name, 0.1, 1, weights + k[i].gain, C);
        snprintf(name, sizeof name, "norm%d.shift", i + 1);
        numbers_reals(name, 0.1, 0, weights + k[i].shift, C);
    }
}

net_maps net_maps_new(const net_layer k[NET_LAYERS], const float *x, int64_t images) {
    net_maps m = {.layer = k, .x = x};
    for (int i = 0; i < NET_LAYERS; i++) {
        m.map[i] = lean_floats(images * k[i].map);
        m.y[i] = lean_floats(images * k[i].out), m.gy[i] = lean_floats(images * k[i].out);
    }
    return m;
}

net_part net_part_of(const net_maps *m, int layer, int64_t image, int64_t n) {
    const net_layer *k = &m->layer[layer];
    net_part p = {.k = k, .n = n, .map = m->map[layer] + image * k->map};
    p.y = m->y[layer] + image * k->out, p.gy = m->gy[layer] + image * k->out;
    if (layer > 0)
        p.x = m->y[layer - 1] + image * k->in, p.gx = m->gy[layer - 1] + image * k->in;
    else if (m->x)
        p.x = m->x + image * k->in;
    return p;
}

/* How many of n images: a large map is used while it is in the cache. */
static int64_t at_once(const net_layer *k, int64_t n) { return k->first ? 1 : n; }

net_scratch net_scratch_new(const net_layer k[NET_LAYERS], int64_t images) {
    int64_t most = 0;
    for (int i = 0; i < NET_LAYERS; i++) {
        const int64_t floats = at_once(&k[i], images) * k[i].map;
        most = floats > most ? floats : most;
    }
    return (net_scratch){lean_floats(most), lean_floats(NET_FILTER)};
}

goss__conv net_images(const net_layer *k, int64_t n) {
    goss__conv c = k->conv;
    c.n = n;
    return c;
}

/* n images further on; no gx. */
static net_part next(const net_part *p, int64_t i, int64_t n) {
    const net_layer *k = p->k;
    return (net_part){.k = k,
                      .n = n,
                      .x = p->x + i * k->in,
                      .map = p->map + i * k->map,
                      .y = p->y + i * k->out,
                      .gy = p->gy + i * k->out};
}

/* ---- forward ---- */

static void add_some(net_sums *s, int c, const float *a, const float *b, int64_t rows) {
    float one[LANES] = {0}, both[LANES] = {0};
    for (int64_t r = 0; r < rows; r++)
        for (int i = 0; i < LANES; i++) one[i] += a[r * C + c + i], both[i] += a[r * C + c + i] * b[r * C + c + i];
    for (int i = 0; i < LANES; i++) s->one[c + i] += (double)one[i], s->both[c + i] += (double)both[i];
}

void net_add_sums(net_sums *s, const float *a, const float *b, int64_t rows) {
    for (int64_t r = 0; r < rows; r += ROWS)
        for (int c = 0; c < C; c += LANES) add_some(s, c, a + r * C, b + r * C, rows - r < ROWS ? rows - r : ROWS);
}

void net_convolve(const lean *l, int worker, const net_part *p, const float *w, net_sums *s) {
    const net_layer *k = p->k;
    const int64_t some = at_once(k, p->n);
    const goss__conv conv = net_images(k, some);
    for (int64_t i = 0; i < p->n; i += some) {
        const net_part part = next(p, i, some);
        l->kernels->conv(&conv, part.x, w + k->w, part.map, l->scratch[worker]);
        net_add_sums(s, part.map, part.map, some * k->map / C);
    }
}

void net_statistics(const net_layer *k, int64_t images, const net_sums *s, const float *w, net_norm *norm) {
    const double n = (double)(images * k->map / C);
    for (int c = 0; c < C; c++) {
        const double mean = s->one[c] / n, root = 1 / sqrt(s->both[c] / n - mean * mean + 1e-5);
        const double scale = root * (double)w[k->gain + c];
        norm->mean[c] = (float)mean, norm->root[c] = (float)root, norm->scale[c] = (float)scale;
        norm->offset[c] = (float)((double)w[k->shift + c] - mean * scale);
    }
}

/* The four taps of a window, normalised: the largest, the first of equals. */
static inline float largest(float a, float b, float c, float d) {
    const float ab = b > a ? b : a, abc = c > ab ? c : ab;
    return d > abc ? d : abc;
}

static void pool_image(const float *restrict map, int64_t side, const net_norm *restrict norm, float *restrict y) {
    const float *s = norm->scale, *o = norm->offset;
    for (int64_t i = 0; i < side / 2; i++) {
        for (int64_t j = 0; j < side / 2; j++, y += C) {
            const float *p = map + (2 * i * side + 2 * j) * C, *q = p + side * C;
            for (int c = 0; c < C; c++) {
                const float upper = s[c] * p[C + c] + o[c], lower = s[c] * q[C + c] + o[c];
                const float z = largest(s[c] * p[c] + o[c], upper, s[c] * q[c] + o[c], lower);
                y[c] = z > 0 ? z : 0;
            }
        }
    }
}

void net_pool(const net_part *p, const net_norm *norm) {
    for (int64_t i = 0; i < p->n; i++) pool_image(p->map + i * p->k->map, p->k->conv.h, norm, p->y + i * p->k->out);
}

/* ---- backward ---- */

void net_mask(const net_part *p, net_sums *s) {
    lean_relu_back(p->gy, p->y, p->n * p->k->out);
    net_add_sums(s, p->gy, p->y, p->n * p->k->out / C);
}

void net_statistics_back(const net_layer *k, int64_t images, const net_sums *s, const float *w, const net_norm *norm,
                         float *g, net_slope *slope) {
    const double n = (double)(images * k->map / C);
    for (int c = 0; c < C; c++) {
        const double along = (s->both[c] - (double)w[k->shift + c] * s->one[c]) / (double)w[k->gain + c];
        const double scale = (double)norm->scale[c], by = scale * along / n * (double)norm->root[c];
        g[k->gain + c] += (float)along, g[k->shift + c] += (float)s->one[c];
        slope->one[c] = s->one[c] / n, slope->along[c] = along / n;
        slope->factor[c] = norm->scale[c], slope->by[c] = (float)by;
        slope->at[c] = (float)(scale * slope->one[c] - by * (double)norm->mean[c]);
    }
}

/* Pixels that no window holds: the last row and column of an odd map. */
static void unpool_rest(const float *restrict map, int64_t pixels, int64_t step, const net_slope *restrict slope,
                        float *restrict gradient) {
    for (int64_t i = 0; i < pixels; i++, map += step, gradient += step)
        for (int c = 0; c < C; c++) gradient[c] = -(slope->at[c] + slope->by[c] * map[c]);
}

/* A window's upper taps at p and u, its lower ones at q and v. The first of the largest takes g and leaves nothing. */
static void unpool_window(const float *restrict p, const float *restrict q, const net_norm *restrict norm,
                          const net_slope *restrict slope, const float *restrict gy, float *restrict u,
                          float *restrict v) {
    for (int c = 0; c < C; c++) {
        const float s = norm->scale[c], o = norm->offset[c], at = slope->at[c], by = slope->by[c];
        const float z0 = s * p[c] + o, z1 = s * p[C + c] + o, z2 = s * q[c] + o, z3 = s * q[C + c] + o;
        const float most = largest(z0, z1, z2, z3);
        const float g = slope->factor[c] * gy[c], g0 = z0 == most ? g : 0, g1 = z1 == most ? g - g0 : 0;
        const float g2 = z2 == most ? g - g0 - g1 : 0, g3 = g - g0 - g1 - g2;
        u[c] = g0 - (at + by * p[c]), u[C + c] = g1 - (at + by * p[C + c]);
        v[c] = g2 - (at + by * q[c]), v[C + c] = g3 - (at + by * q[C + c]);
    }
}

static void unpool_image(const float *map, int64_t side, const net_norm *norm, const net_slope *slope, const float *gy,
                         float *gradient) {
    const int64_t row = side * C, even = side / 2 * 2, last = (side - 1) * row;
    for (int64_t i = 0; i < even; i += 2) {
        for (int64_t j = i * row; j < i * row + even * C; j += 2 * C, gy += C)
            unpool_window(map + j, map + j + row, norm, slope, gy, gradient + j, gradient + j + row);
    }
    if (even == side) return;
    unpool_rest(map + row - C, side - 1, row, slope, gradient + row - C);
    unpool_rest(map + last, side, C, slope, gradient + last);
}

void net_unpool(const net_part *p, const net_norm *norm, const net_slope *slope, float *gradient) {
    const net_layer *k = p->k;
    for (int64_t i = 0; i < p->n; i++)
        unpool_image(p->map + i * k->map, k->conv.h, norm, slope, p->gy + i * k->out, gradient + i * k->map);
}

void net_filter_back(const lean *l, int worker, const net_part *p, const float *gradient, float *share, float *g) {
    const goss__conv conv = net_images(p->k, p->n);
    l->kernels->conv_dw(&conv, p->x, gradient, share, l->scratch[worker]);
    for (int64_t j = 0; j < p->k->filter; j++) g[p->k->w + j] += share[j];
}

void net_convolve_back(const lean *l, int worker, const net_part *p, const float *w, const net_norm *norm,
                       const net_slope *slope, const net_scratch *t, float *g) {
    const int64_t some = at_once(p->k, p->n);
    const goss__conv conv = net_images(p->k, some);
    for (int64_t i = 0; i < p->n; i += some) {
        const net_part part = next(p, i, some);
        net_unpool(&part, norm, slope, t->map);
        net_filter_back(l, worker, &part, t->map, t->share, g);
    }
    if (p->gx) l->kernels->conv_dx(&conv, t->map, w + p->k->w, p->gx, l->scratch[worker]);
}
