/* SPDX-License-Identifier: Apache-2.0 */
/* conv_pass.c: Conv4-64 there and back, and R of that. */
#include "conv_pass.h"

enum { C = NET_C };

void net_add(float *restrict to, const float *restrict by, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[i] += by[i];
}

/* ---- there and back ---- */

void net_forward(const lean *l, int worker, net_pass *p, const float *w) {
    for (int i = 0; i < NET_LAYERS; i++) {
        const net_part part = net_part_of(&p->maps, i, 0, p->n);
        net_sums sums = {0};
        net_convolve(l, worker, &part, w, &sums);
        net_statistics(part.k, p->n, &sums, w, &p->norm[i]);
        net_pool(&part, &p->norm[i]);
    }
}

void net_back(const lean *l, int worker, net_pass *p, const float *w, const net_scratch *t, float *g) {
    for (int i = NET_LAYERS - 1; i >= 0; i--) {
        const net_part part = net_part_of(&p->maps, i, 0, p->n);
        net_sums sums = {0};
        net_mask(&part, &sums);
        net_statistics_back(part.k, p->n, &sums, w, &p->norm[i], g, &p->slope[i]);
        net_convolve_back(l, worker, &part, w, &p->norm[i], &p->slope[i], t, g);
    }
}

/* ---- R of the way there ---- */

/* R map = R x * w + x * v; of the first layer R x is 0. */
static void r_convolve(const lean *l, int worker, const net_part *p, const net_part *r, const float *w, const float *v,
                       float *spare) {
    const goss__conv conv = net_images(p->k, p->n);
    l->kernels->conv(&conv, p->x, v + p->k->w, r->map, l->scratch[worker]);
    if (p->k->first) return;
    l->kernels->conv(&conv, r->x, w + p->k->w, spare, l->scratch[worker]);
    net_add(r->map, spare, p->n * p->k->map);
}

static void r_statistics(const net_part *p, const net_part *r, const net_norm *norm, const float *v, net_r_norm *out) {
    const int64_t rows = p->n * p->k->map / C;
    net_sums s = {0};
    net_add_sums(&s, r->map, p->map, rows);
    for (int c = 0; c < C; c++) {
        const double mean = (double)norm->mean[c], root = (double)norm->root[c], scale = (double)norm->scale[c];
        const double r_mean = s.one[c] / (double)rows, along = root * (s.both[c] / (double)rows - mean * r_mean);
        const double r_scale = root * ((double)v[p->k->gain + c] - scale * along);
        out->scale[c] = (float)r_scale, out->mean[c] = (float)r_mean, out->along[c] = (float)along;
        out->offset[c] = (float)((double)v[p->k->shift + c] - r_scale * mean - scale * r_mean);
    }
}

static void r_pool_window(const float *restrict p, const float *restrict rp, int64_t row, const net_norm *restrict norm,
                          const net_r_norm *restrict rn, float *restrict ry) {
    const float *q = p + row, *rq = rp + row;
    for (int c = 0; c < C; c++) {
        const float s = norm->scale[c], o = norm->offset[c], rs = rn->scale[c];
        const float z1 = s * p[C + c] + o, z2 = s * q[c] + o, z3 = s * q[C + c] + o;
        float most = s * p[c] + o, r = rs * p[c] + s * rp[c];
        r = z1 > most ? rs * p[C + c] + s * rp[C + c] : r, most = z1 > most ? z1 : most;
        r = z2 > most ? rs * q[c] + s * rq[c] : r, most = z2 > most ? z2 : most;
        r = z3 > most ? rs * q[C + c] + s * rq[C + c] : r, most = z3 > most ? z3 : most;
        ry[c] = most > 0 ? r + rn->offset[c] : 0;
    }
}

static void r_pool(const net_part *p, const net_part *r, const net_norm *norm, const net_r_norm *rn) {
    const int64_t side = p->k->conv.h, row = side * C;
    float *ry = r->y;
    for (int64_t image = 0; image < p->n; image++) {
        for (int64_t i = 0; i < side / 2; i++) {
            for (int64_t j = 0; j < side / 2; j++, ry += C) {
                const int64_t at = image * p->k->map + 2 * i * row + 2 * j * C;
                r_pool_window(p->map + at, r->map + at, row, norm, rn, ry);
            }
        }
    }
}

void net_r_forward(const lean *l, int worker, const net_pass *p, const float *w, const float *v, net_r *r) {
    for (int i = 0; i < NET_LAYERS; i++) {
        const net_part part = net_part_of(&p->maps, i, 0, p->n), of_r = net_part_of(&r->maps, i, 0, p->n);
        r_convolve(l, worker, &part, &of_r, w, v, r->spare);
        r_statistics(&part, &of_r, &p->norm[i], v, &r->norm[i]);
        r_pool(&part, &of_r, &p->norm[i], &r->norm[i]);
    }
}

/* ---- R of the way back ---- */

/* R of a map's gradient: at the winners norm.scale R gy + rn.scale gy, which R gy becomes here; everywhere less
 * at + by x, which is the slope, and less the pass's own by times R x. Of what won, R normalised is
 * (R y - R shift - R gain normalised) / gain. Onto h: gain and shift. */
static void r_statistics_back(const net_part *p, const net_part *r, const net_norm *norm, const net_r_norm *rn,
                              const net_slope *g, const float *w, const float *v, float *h, net_slope *out) {
    const net_layer *k = p->k;
    const double n = (double)(p->n * k->map / C);
    const net_part mixed = {.k = k, .n = p->n, .y = p->y, .gy = r->gy};
    net_sums s = {0}, cross = {0};
    net_mask(&mixed, &s);
    net_add_sums(&cross, p->gy, r->y, p->n * k->out / C);
    for (int c = 0; c < C; c++) {
        const double gain = (double)w[k->gain + c], scale = (double)norm->scale[c], root = (double)norm->root[c];
        const double from_g = (s.both[c] - (double)w[k->shift + c] * s.one[c]) / gain;
        const double from_map = (cross.both[c] - (double)v[k->shift + c] * cross.one[c]) / gain -
                                (double)v[k->gain + c] * n * g->along[c] / gain;
        const double r_along = (from_g + from_map) / n, r_scale = (double)rn->scale[c], by = (double)g->by[c];
        const double r_by = root * (r_scale * g->along[c] + scale * r_along - by * (double)rn->along[c]);
        h[k->gain + c] += (float)(from_g + from_map), h[k->shift + c] += (float)s.one[c];
        out->factor[c] = 1, out->by[c] = (float)r_by;
        out->at[c] = (float)(r_scale * g->one[c] + scale * s.one[c] / n - r_by * (double)norm->mean[c] -
                             by * (double)rn->mean[c]);
    }
    for (int64_t i = 0; i < p->n * k->out; i += C)
        for (int c = 0; c < C; c++) r->gy[i + c] = norm->scale[c] * r->gy[i + c] + rn->scale[c] * p->gy[i + c];
}

static void r_unpool(const net_part *p, const net_part *r, const net_norm *norm, const net_slope *slope,
                     const net_slope *r_slope, float *r_gradient) {
    net_part mixed = *p;
    mixed.gy = r->gy;
    net_unpool(&mixed, norm, r_slope, r_gradient);
    for (int64_t i = 0; i < p->n * p->k->map; i += C)
        for (int c = 0; c < C; c++) r_gradient[i + c] -= slope->by[c] * r->map[i + c];
}

static void r_layer_back(const lean *l, int worker, const net_pass *p, int layer, const float *w, const float *v,
                         const net_r *r, const net_scratch *t, float *h) {
    const net_part part = net_part_of(&p->maps, layer, 0, p->n), of_r = net_part_of(&r->maps, layer, 0, p->n);
    const net_layer *k = part.k;
    const goss__conv conv = net_images(k, p->n);
    net_slope slope;
    r_statistics_back(&part, &of_r, &p->norm[layer], &r->norm[layer], &p->slope[layer], w, v, h, &slope);
    r_unpool(&part, &of_r, &p->norm[layer], &p->slope[layer], &slope, r->gradient);
    net_filter_back(l, worker, &part, r->gradient, t->share, h);
    if (k->first) return;
    net_unpool(&part, &p->norm[layer], &p->slope[layer], t->map);
    net_filter_back(l, worker, &of_r, t->map, t->share, h);
    l->kernels->conv_dx(&conv, r->gradient, w + k->w, of_r.gx, l->scratch[worker]);
    l->kernels->conv_dx(&conv, t->map, v + k->w, r->spare, l->scratch[worker]);
    net_add(of_r.gx, r->spare, p->n * k->in);
}

void net_r_back(const lean *l, int worker, const net_pass *p, const float *w, const float *v, net_r *r,
                const net_scratch *t, float *h) {
    for (int i = NET_LAYERS - 1; i >= 0; i--) r_layer_back(l, worker, p, i, w, v, r, t, h);
}

net_r net_r_new(const net_layer k[NET_LAYERS], int64_t images) {
    return (net_r){.maps = net_maps_new(k, NULL, images),
                   .gradient = lean_floats(images * k[0].map),
                   .spare = lean_floats(images * k[1].map)};
}
