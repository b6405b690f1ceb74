/* SPDX-License-Identifier: Apache-2.0 */
/* pooling.c: pooling. Max pooling is two ops: the index of each window's largest tap (no gradient) and a gather of
 * those taps, whose adjoint is a scatter. Average pooling is a window sum, whose adjoint spreads. x[T,N,H,W,C] ->
 * [T,N,OH,OW,C]. */
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
    /* Which tap is the largest is told by an index of 32 bits, and padding is less than a window. */
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

static goss_val pick(const goss__op *op, goss_val a, goss_val index, goss_shape out, const goss__pool_attr *attr) {
    return goss__make(op, GOSS_REAL, out, (goss_val[]){a, index}, 2, attr);
}

/* x = inner op small, or small op inner, with a small that is the same all over an image. */
typedef struct spread {
    enum goss__ew_op op;
    goss_val inner, small;
    bool small_first;
} spread;

static bool same_over_image(goss_val v) {
    const goss_shape s = goss_shape_of(v);
    return s.rank == 0 || (s.rank == 5 && goss_extent_is(s.dim[2], 1) && goss_extent_is(s.dim[3], 1));
}

static bool is_spread(goss_val x, spread *s) {
    if (x.graph->plain) return false;
    static const enum goss__ew_op ops[] = {GOSS__EW_add, GOSS__EW_sub, GOSS__EW_mul};
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 2; i++) {
            goss_val wide;
            s->op = ops[k], s->small_first = i == 0;
            if (!goss__made_by(x, &goss__op_ew[s->op], i, &wide)) break;
            if (goss__made_by(wide, &goss__op_broadcast, 0, &s->small) && same_over_image(s->small))
                return goss__made_by(x, &goss__op_ew[s->op], 1 - i, &s->inner);
        }
    }
    return false;
}

static goss_val again(const spread *s, goss_val inner) {
    const goss_val a = s->small_first ? s->small : inner, b = s->small_first ? inner : s->small;
    return s->op == GOSS__EW_add ? goss_add(a, b) : s->op == GOSS__EW_sub ? goss_sub(a, b) : goss_mul(a, b);
}

static bool is_positive(goss_val v) {
    goss_val inner;
    double k;
    if (goss__made_by(v, &goss__op_broadcast, 0, &inner)) return is_positive(inner);
    return goss__made_by(v, &goss__op_ew[GOSS__EW_rsqrt], 0, &inner) ||
           (goss__is_full(v, &k) && k > 0 && k < __builtin_inf());
}

/* What of a factor decides which tap is the largest: not a standard deviation's inverse, which comes late. False:
 * nothing. */
static bool deciding_part(goss_val factor, goss_val *part) {
    goss_val in[2], inner;
    *part = factor;
    if (is_positive(factor)) return false;
    for (int i = 0; i < 2; i++)
        if (!goss__made_by(factor, &goss__op_ew[GOSS__EW_mul], i, &in[i])) return true;
    for (int i = 0; i < 2; i++)
        if (is_positive(in[i]))
            return deciding_part(goss__made_by(in[1 - i], &goss__op_broadcast, 0, &inner) ? inner : in[1 - i], part);
    return true;
}

/* A number for each channel of x, as the kernel wants them. */
static bool per_channel(goss_val factor, goss_val x) {
    return goss_rank(factor) == 5 && goss_extent_equal(goss_dim(factor, 4), goss_dim(x, 4));
}

/* Where the largest taps of x's windows are. What is added all over an image does not matter to that (but where
 * rounding makes a tie), and of a factor what decides meets the taps on the way: no normalised map is ever made. */
static goss_val largest_taps(goss_val x, goss_shape out, const goss__pool_attr *attr) {
    goss_val in[2] = {x}, part;
    int n_in = 1;
    spread s;
    for (; is_spread(in[0], &s); in[0] = s.inner) {
        if (s.op == GOSS__EW_sub && s.small_first) break;
        if (s.op != GOSS__EW_mul || !deciding_part(s.small, &part)) continue;
        if (!per_channel(part, x)) part = s.small;
        if (n_in == 2 || !per_channel(part, x)) break;
        in[n_in++] = part;
    }
    return goss__make(&goss__op_pool_argmax, GOSS_INDEX, out, in, n_in, attr);
}

/* x at those taps. What is the same all over an image meets the taps instead of the image: the same bits, and a
 * gradient of the size of the taps. */
static goss_val gathered(goss_val x, goss_val index, goss_shape out, const goss__pool_attr *attr) {
    spread s;
    if (is_spread(x, &s)) return again(&s, gathered(s.inner, index, out, attr));
    return pick(&goss__op_pool_gather, x, index, out, attr);
}

goss_val goss_max_pool(goss_val x, goss_pool_options o) {
    goss__pool_attr attr;
    goss_shape out;
    if (!goss__typed("max_pool", &x, 1, GOSS_REAL) || !pooled_shape("max_pool", x, &o, &attr, &out))
        return (goss_val){x.graph, 0};
    /* The largest of the positive parts is the positive part of the largest, and rounding keeps the order of sums with
     * one number: the same bits from smaller maps. */
    goss_val inner;
    spread s;
    if (!x.graph->plain && goss__made_by(x, &goss__op_ew[GOSS__EW_relu], 0, &inner))
        return goss_relu(goss_max_pool(inner, o));
    if (is_spread(x, &s) && (s.op == GOSS__EW_add || (s.op == GOSS__EW_sub && !s.small_first)))
        return again(&s, goss_max_pool(s.inner, o));
    return gathered(x, largest_taps(x, out, &attr), out, &attr);
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

static void gather_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    if (want[0])
        cot[0] = pick(&goss__op_pool_scatter, g, in[1], goss_shape_of(in[0]), GOSS__ATTR(goss__node_of(y), pool));
}
static void scatter_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    if (want[0])
        cot[0] = pick(&goss__op_pool_gather, g, in[1], goss_shape_of(in[0]), GOSS__ATTR(goss__node_of(y), pool));
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

/* Elements of the factor from one task, or image, to the next. */
static int64_t factor_step(const goss__call *c, int axis) {
    const goss__tensor *f = &c->shapes->in[1];
    return f->dim[axis] == 1 ? 0 : f->stride[axis];
}

/* y: the taps, or NULL. */
static void argmax_and_taps(const goss__call *c, void *y) {
    goss__pool2d p = from_out(c);
    if (c->shapes->n_in < 2) {
        c->kernels->pool_argmax(&p, c->in[0], NULL, 0, c->out, y);
        return;
    }
    const int64_t tasks = c->shapes->out->dim[0], image = p.h * p.w * p.c, pooled = p.oh * p.ow * p.c;
    p.n = c->shapes->out->dim[1];
    for (int64_t t = 0; t < tasks; t++)
        c->kernels->pool_argmax(&p, (const float *)c->in[0] + t * p.n * image,
                                (const float *)c->in[1] + t * factor_step(c, 0), factor_step(c, 1),
                                (int32_t *)c->out + t * p.n * pooled, y ? (float *)y + t * p.n * pooled : NULL);
}
static void argmax_f32(const goss__call *c) { argmax_and_taps(c, NULL); }
static void gather_f32(const goss__call *c) {
    goss__pool2d p = from_out(c);
    c->kernels->pool_gather(&p, c->in[0], c->in[1], c->out);
}
static void scatter_f32(const goss__call *c) {
    goss__pool2d p = from_in(c);
    c->kernels->pool_scatter(&p, c->in[0], c->in[1], c->out);
}

/* Position in the image of tap k of output pixel o (of all images), or -1 outside. */
static int64_t tap(const goss__pool2d *p, int64_t o, int64_t k) {
    int64_t image = o / (p->oh * p->ow), at = o % (p->oh * p->ow);
    int64_t i = at / p->ow * p->stride_h - p->pad_top + k / p->kw,
            j = at % p->ow * p->stride_w - p->pad_left + k % p->kw;
    return i < 0 || i >= p->h || j < 0 || j >= p->w ? -1 : (image * p->h + i) * p->w + j;
}

static void argmax_f64(const goss__call *c) {
    goss__pool2d p = from_out(c);
    const double *x = c->in[0], one = 1;
    const bool has_factor = c->shapes->n_in > 1;
    int32_t *index = c->out;
    for (int64_t o = 0; o < p.n * p.oh * p.ow; o++)
        for (int64_t ch = 0; ch < p.c; ch++) {
            const int64_t image = o / (p.oh * p.ow), samples = c->shapes->out->dim[1];
            const double *f = &one;
            if (has_factor)
                f = (const double *)c->in[1] + image / samples * factor_step(c, 0) +
                    image % samples * factor_step(c, 1) + ch;
            double most = 0;
            int32_t best = -1;
            for (int64_t k = 0; k < p.kh * p.kw; k++) {
                int64_t at = tap(&p, o, k);
                if (at < 0) continue;
                const double v = x[at * p.c + ch] * *f; /* a NaN is the largest, so that it shows */
                if (best < 0 || v > most || (v != v && most == most)) most = v, best = (int32_t)k;
            }
            index[o * p.c + ch] = best;
        }
}
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

const goss__op goss__op_pool_argmax = {.name = "pool_argmax",
                                       .attrs = &goss__pool_attrs,
                                       .batch_axes = pool_batch,
                                       .no_gradient = true,
                                       .slicing = {.slice = argmax_slice},
                                       .cost = {.flops = taps},
                                       .kernel = {.run_f32 = argmax_f32,
                                                  .run_f64 = argmax_f64,
                                                  .along = &goss__op_pool_gather,
                                                  .run_along_f32 = argmax_and_taps}};
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
