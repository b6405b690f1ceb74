/* SPDX-License-Identifier: Apache-2.0 */
/* pooling.c: pooling. The gradient of max pooling is scattered to each window's largest tap; the index of that tap is
 * an operation without a gradient, and the adjoint of the scatter is a gather of taps by index. Average pooling is a
 * window sum, whose adjoint spreads. x[T,N,H,W,C] -> [T,N,OH,OW,C]. */
#include "ops/elementwise.h"
#include "ops/ops.h"

enum { MOST_EXTENT = 1 << 24 };
static const goss__attr_field pool_fields[] = {
    GOSS__FIELD(pool, size_h, INT),     GOSS__FIELD(pool, size_w, INT),    GOSS__FIELD(pool, stride_h, INT),
    GOSS__FIELD(pool, stride_w, INT),   GOSS__FIELD(pool, pad_top, INT),   GOSS__FIELD(pool, pad_left, INT),
    GOSS__FIELD(pool, pad_bottom, INT), GOSS__FIELD(pool, pad_right, INT), GOSS__FIELD(pool, image_h, INT),
    GOSS__FIELD(pool, image_w, INT),
};
GOSS__DEFINE_ATTRS(pool, pool_fields);

goss_pool_options goss_pool_defaults(int size) {
    return (goss_pool_options){.size_h = size, .size_w = size, .stride_h = size, .stride_w = size};
}

/* ---- builders ---- */

static bool pooled_shape(const char *op, goss_val x, const goss_pool_options *o, goss__pool_attr *attr,
                         goss_shape *out) {
    int64_t h, w;
    if (goss_rank(x) != 5) {
        goss__misfit(op, x, "it is not [T,N,H,W,C]");
        return false;
    }
    if (!goss__fixed_ok(op, x, 2, &h) || !goss__fixed_ok(op, x, 3, &w)) return false;
    if (o->size_h < 1 || o->size_w < 1 || o->stride_h < 1 || o->stride_w < 1 || o->pad_top < 0 || o->pad_left < 0 ||
        o->pad_bottom < 0 || o->pad_right < 0 || o->pad_top >= o->size_h || o->pad_left >= o->size_w ||
        o->pad_bottom >= o->size_h || o->pad_right >= o->size_w) {
        goss__misfit(op, x, "windows and strides start at 1, and padding is less than a window");
        return false;
    }
    /* Taps are indexed by 32 bits, and padding is smaller than a window. */
    if (h > MOST_EXTENT || w > MOST_EXTENT || o->size_h > MOST_EXTENT || o->size_w > MOST_EXTENT ||
        (int64_t)o->size_h * o->size_w > INT32_MAX) {
        goss__misfit(op, x, "images and windows go up to 2^24, a window up to 2^31 - 1 taps");
        return false;
    }
    int64_t oh = (h + o->pad_top + o->pad_bottom - o->size_h) / o->stride_h + 1,
            ow = (w + o->pad_left + o->pad_right - o->size_w) / o->stride_w + 1;
    if (h + o->pad_top + o->pad_bottom < o->size_h || w + o->pad_left + o->pad_right < o->size_w) {
        goss__misfit(op, x, "a window of %d x %d is larger than the padded image", o->size_h, o->size_w);
        return false;
    }
    *attr = (goss__pool_attr){.size_h = o->size_h,
                              .size_w = o->size_w,
                              .stride_h = o->stride_h,
                              .stride_w = o->stride_w,
                              .pad_top = o->pad_top,
                              .pad_left = o->pad_left,
                              .pad_bottom = o->pad_bottom,
                              .pad_right = o->pad_right,
                              .image_h = h,
                              .image_w = w};
    *out = goss_shape_of(x);
    out->dim[2] = goss_n(oh), out->dim[3] = goss_n(ow);
    return true;
}

static goss_shape image_shape(goss_val y, const goss__pool_attr *attr) {
    goss_shape s = goss_shape_of(y);
    s.dim[2] = goss_n(attr->image_h), s.dim[3] = goss_n(attr->image_w);
    return s;
}

goss_val goss__pool_like(goss_val like, const goss__op *op, goss_val a, goss_val b, goss_shape out) {
    return goss__make(op, op == &goss__op_pool_argmax ? GOSS_INDEX : GOSS_REAL, out, (goss_val[]){a, b},
                      goss_valid(b) ? 2 : 1, goss__node_of(like)->attr);
}

goss_val goss_max_pool(goss_val x, goss_pool_options o) {
    goss__pool_attr attr;
    goss_shape out;
    if (!goss__typed("max_pool", &x, 1, GOSS_REAL) || !pooled_shape("max_pool", x, &o, &attr, &out))
        return (goss_val){x.graph, 0};
    return goss__make(&goss__op_max_pool, GOSS_REAL, out, &x, 1, &attr);
}

goss_val goss_avg_pool(goss_val x, goss_pool_options o) {
    goss__pool_attr attr;
    goss_shape out;
    if (!goss__typed("avg_pool", &x, 1, GOSS_REAL) || !pooled_shape("avg_pool", x, &o, &attr, &out))
        return (goss_val){x.graph, 0};
    goss_val sum = goss__make(&goss__op_window_sum, GOSS_REAL, out, &x, 1, &attr);
    return goss_scale(sum, 1 / ((double)o.size_h * o.size_w));
}

/* ---- gradients ---- */

static void max_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    const goss_val none = {y.graph, 0},
                   index = goss__pool_like(y, &goss__op_pool_argmax, in[0], none, goss_shape_of(y));
    cot[0] = goss__pool_like(y, &goss__op_pool_scatter, g, index, goss_shape_of(in[0]));
}
static void gather_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    if (want[0]) cot[0] = goss__pool_like(y, &goss__op_pool_scatter, g, in[1], goss_shape_of(in[0]));
}
static void scatter_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    if (want[0]) cot[0] = goss__pool_like(y, &goss__op_pool_gather, g, in[1], goss_shape_of(in[0]));
}
static void sum_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    const goss__pool_attr *attr = GOSS__ATTR(goss__node_of(y), pool);
    cot[0] = goss__make(&goss__op_window_spread, GOSS_REAL, image_shape(g, attr), &g, 1, attr);
}
static void spread_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    cot[0] = goss__make(&goss__op_window_sum, GOSS_REAL, goss_shape_of(in[0]), &g, 1, goss__node_of(y)->attr);
}

/* Images, channels. */
static uint32_t pool_batch(const goss__site *s, int i) { return GOSS_AXIS(0) | GOSS_AXIS(1) | GOSS_AXIS(4); }

static goss__slicing sample_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    return goss__slice_leading(s, L, cut, 2);
}

/* The factor may have extents 1. */
static goss__slicing argmax_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    const goss__slicing how = sample_slice(s, L, cut);
    goss_extent rest;
    if (how != GOSS__LOCAL || s->n_in < 2) return how;
    return goss__cut_operand(s->out, s->in[1], goss__cut_prefix(s->out, L, &rest), &cut[1]) ? how : GOSS__NO_SLICES;
}

/* ---- runs ---- */

static goss__pool2d geometry(const goss__pool_attr *a, const goss__tensor *pooled) {
    return (goss__pool2d){.n = pooled->dim[0] * pooled->dim[1],
                          .h = a->image_h,
                          .w = a->image_w,
                          .c = pooled->dim[4],
                          .kh = a->size_h,
                          .kw = a->size_w,
                          .oh = pooled->dim[2],
                          .ow = pooled->dim[3],
                          .stride_h = a->stride_h,
                          .stride_w = a->stride_w,
                          .pad_top = a->pad_top,
                          .pad_left = a->pad_left};
}
static goss__pool2d from_out(const goss__call *c) { return geometry(GOSS__ATTR(c->shapes, pool), c->shapes->out); }
static goss__pool2d from_in(const goss__call *c) { return geometry(GOSS__ATTR(c->shapes, pool), &c->shapes->in[0]); }

/* Strides of the factor between tasks, or images. */
static int64_t factor_step(const goss__call *c, int axis) {
    const goss__tensor *f = &c->shapes->in[1];
    return f->dim[axis] == 1 ? 0 : f->stride[axis];
}

/* index, y: may be NULL. */
static void pick_taps(const goss__call *c, int32_t *index, float *y) {
    goss__pool2d p = from_out(c);
    if (c->shapes->n_in < 2) {
        c->kernels->pool_argmax(&p, c->in[0], NULL, 0, index, y);
        return;
    }
    const int64_t tasks = c->shapes->out->dim[0], image = p.h * p.w * p.c, pooled = p.oh * p.ow * p.c;
    p.n = c->shapes->out->dim[1];
    for (int64_t t = 0; t < tasks; t++)
        c->kernels->pool_argmax(&p, (const float *)c->in[0] + t * p.n * image,
                                (const float *)c->in[1] + t * factor_step(c, 0), factor_step(c, 1),
                                index ? index + t * p.n * pooled : NULL, y ? y + t * p.n * pooled : NULL);
}
static void argmax_and_taps(const goss__call *c, void *y) { pick_taps(c, c->out, y); }
static void argmax_f32(const goss__call *c) { pick_taps(c, c->out, NULL); }
static void max_f32(const goss__call *c) { pick_taps(c, NULL, c->out); }
static void gather_f32(const goss__call *c) {
    goss__pool2d p = from_out(c);
    c->kernels->pool_gather(&p, c->in[0], c->in[1], c->out);
}
static void scatter_f32(const goss__call *c) {
    goss__pool2d p = from_in(c);
    c->kernels->pool_scatter(&p, c->in[0], c->in[1], c->out);
}

/* The pixel of tap k of output pixel o (of all images); -1: outside. */
static int64_t tap(const goss__pool2d *p, int64_t o, int64_t k) {
    int64_t image = o / (p->oh * p->ow), at = o % (p->oh * p->ow);
    int64_t i = at / p->ow * p->stride_h - p->pad_top + k / p->kw,
            j = at % p->ow * p->stride_w - p->pad_left + k % p->kw;
    return i < 0 || i >= p->h || j < 0 || j >= p->w ? -1 : (image * p->h + i) * p->w + j;
}

/* index, y: may be NULL. */
static void argmax_or_taps(const goss__call *c, int32_t *index, double *y) {
    goss__pool2d p = from_out(c);
    const double *x = c->in[0], one = 1;
    const bool has_factor = c->shapes->n_in > 1;
    for (int64_t o = 0; o < p.n * p.oh * p.ow; o++)
        for (int64_t ch = 0; ch < p.c; ch++) {
            const int64_t image = o / (p.oh * p.ow), samples = c->shapes->out->dim[1];
            const double *f = &one;
            if (has_factor)
                f = (const double *)c->in[1] + image / samples * factor_step(c, 0) +
                    image % samples * factor_step(c, 1) + ch;
            double most = 0, picked = 0;
            int32_t best = -1;
            for (int64_t k = 0; k < p.kh * p.kw; k++) {
                int64_t at = tap(&p, o, k);
                if (at < 0) continue;
                const double v = x[at * p.c + ch] * *f; /* a NaN is the largest, so that it propagates */
                if (best < 0 || v > most || (v != v && most == most))
                    most = v, picked = x[at * p.c + ch], best = (int32_t)k;
            }
            if (index) index[o * p.c + ch] = best;
            if (y) y[o * p.c + ch] = picked;
        }
}
static void argmax_f64(const goss__call *c) { argmax_or_taps(c, c->out, NULL); }
static void max_f64(const goss__call *c) { argmax_or_taps(c, NULL, c->out); }
static void gather_f64(const goss__call *c) {
    goss__pool2d p = from_out(c);
    const double *x = c->in[0];
    const int32_t *index = c->in[1];
    for (int64_t o = 0; o < p.n * p.oh * p.ow; o++)
        for (int64_t ch = 0; ch < p.c; ch++)
            ((double *)c->out)[o * p.c + ch] = x[tap(&p, o, index[o * p.c + ch]) * p.c + ch];
}
static void scatter_f64(const goss__call *c) {
    goss__pool2d p = from_in(c);
    const double *g = c->in[0];
    const int32_t *index = c->in[1];
    memset(c->out, 0, (size_t)c->shapes->out->numel * sizeof *g);
    for (int64_t o = 0; o < p.n * p.oh * p.ow; o++)
        for (int64_t ch = 0; ch < p.c; ch++)
            ((double *)c->out)[tap(&p, o, index[o * p.c + ch]) * p.c + ch] += g[o * p.c + ch];
}

#define WINDOWS(real, suffix)                                                                                          \
    static void window_sum_##suffix(const goss__call *c) {                                                             \
        goss__pool2d p = from_out(c);                                                                                  \
        const real *x = c->in[0];                                                                                      \
        real *y = c->out;                                                                                              \
        memset(y, 0, (size_t)c->shapes->out->numel * sizeof *y);                                                       \
        for (int64_t o = 0; o < p.n * p.oh * p.ow; o++)                                                                \
            for (int64_t k = 0; k < p.kh * p.kw; k++) {                                                                \
                int64_t at = tap(&p, o, k);                                                                            \
                for (int64_t ch = 0; at >= 0 && ch < p.c; ch++) y[o * p.c + ch] += x[at * p.c + ch];                   \
            }                                                                                                          \
    }                                                                                                                  \
    static void window_spread_##suffix(const goss__call *c) {                                                          \
        goss__pool2d p = from_in(c);                                                                                   \
        const real *g = c->in[0];                                                                                      \
        real *x = c->out;                                                                                              \
        memset(x, 0, (size_t)c->shapes->out->numel * sizeof *x);                                                       \
        for (int64_t o = 0; o < p.n * p.oh * p.ow; o++)                                                                \
            for (int64_t k = 0; k < p.kh * p.kw; k++) {                                                                \
                int64_t at = tap(&p, o, k);                                                                            \
                for (int64_t ch = 0; at >= 0 && ch < p.c; ch++) x[at * p.c + ch] += g[o * p.c + ch];                   \
            }                                                                                                          \
    }
WINDOWS(float, f32)
WINDOWS(double, f64)

static double taps(const goss__shapes *s) {
    const goss__pool_attr *a = GOSS__ATTR(s, pool);
    return (double)s->out->numel * (double)(a->size_h * a->size_w);
}

const goss__op goss__op_max_pool = {.name = "max_pool",
                                    .attrs = &goss__pool_attrs,
                                    .monotone = GOSS__OPERAND(0),
                                    .batch_axes = pool_batch,
                                    .selection = GOSS__SELECTS_LARGEST,
                                    .vjp = max_vjp,
                                    .slicing = {.slice = sample_slice},
                                    .cost = {.flops = taps},
                                    .kernel = {.run_f32 = max_f32, .run_f64 = max_f64}};
const goss__op goss__op_pool_argmax = {
    .name = "pool_argmax",
    .attrs = &goss__pool_attrs,
    .batch_axes = pool_batch,
    .no_gradient = true,
    .slicing = {.slice = argmax_slice},
    .cost = {.flops = taps},
    .kernel = {.run_f32 = argmax_f32, .run_f64 = argmax_f64, .run_along_f32 = argmax_and_taps}};
const goss__op goss__op_pool_gather = {.name = "pool_gather",
                                       .attrs = &goss__pool_attrs,
                                       .linear = GOSS__OPERAND(0),
                                       .monotone = GOSS__OPERAND(0),
                                       .batch_axes = pool_batch,
                                       .selection = GOSS__SELECTS_BY_PLACE,
                                       .vjp = gather_vjp,
                                       .slicing = {.slice = sample_slice},
                                       .kernel = {.run_f32 = gather_f32, .run_f64 = gather_f64}};
const goss__op goss__op_pool_scatter = {.name = "pool_scatter",
                                        .attrs = &goss__pool_attrs,
                                        .linear = GOSS__OPERAND(0),
                                        .monotone = GOSS__OPERAND(0),
                                        .batch_axes = pool_batch,
                                        .vjp = scatter_vjp,
                                        .slicing = {.slice = sample_slice},
                                        .cost = {.sinkable = true},
                                        .kernel = {.run_f32 = scatter_f32, .run_f64 = scatter_f64}};
const goss__op goss__op_window_sum = {.name = "window_sum",
                                      .attrs = &goss__pool_attrs,
                                      .linear = GOSS__OPERAND(0),
                                      .monotone = GOSS__OPERAND(0),
                                      .batch_axes = pool_batch,
                                      .vjp = sum_vjp,
                                      .slicing = {.slice = sample_slice},
                                      .cost = {.flops = taps},
                                      .kernel = {.run_f32 = window_sum_f32, .run_f64 = window_sum_f64}};
const goss__op goss__op_window_spread = {.name = "window_spread",
                                         .attrs = &goss__pool_attrs,
                                         .linear = GOSS__OPERAND(0),
                                         .monotone = GOSS__OPERAND(0),
                                         .batch_axes = pool_batch,
                                         .vjp = spread_vjp,
                                         .slicing = {.slice = sample_slice},
                                         .cost = {.flops = taps},
                                         .kernel = {.run_f32 = window_spread_f32, .run_f64 = window_spread_f64}};
