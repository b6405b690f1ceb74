/* SPDX-License-Identifier: Apache-2.0 */
/* conv.c: convolution and its two gradients, a closed family of three: y = conv(x, w), gx = conv_dx(gy, w), gw =
 * conv_dw(x, gy) are one trilinear form, so the gradients of each are the other two.
 *
 * The nodes have x[T,N,H,W,C], w[T,kh,kw,C/g,O], y[T,N,OH,OW,O] with one T; a shared weight folds T into N before. */
#include "graph/cost_model.h"
#include "ops/ops.h"

static const goss__attr_field conv_fields[] = {
    GOSS__FIELD(conv, stride_h, INT),   GOSS__FIELD(conv, stride_w, INT),   GOSS__FIELD(conv, dilation_h, INT),
    GOSS__FIELD(conv, dilation_w, INT), GOSS__FIELD(conv, groups, INT),     GOSS__FIELD(conv, pad_top, INT),
    GOSS__FIELD(conv, pad_left, INT),   GOSS__FIELD(conv, pad_bottom, INT), GOSS__FIELD(conv, pad_right, INT),
    GOSS__FIELD(conv, image_h, INT),    GOSS__FIELD(conv, image_w, INT),    GOSS__FIELD(conv, kernel_h, INT),
    GOSS__FIELD(conv, kernel_w, INT),
};
GOSS__DEFINE_ATTRS(conv, conv_fields);

goss_conv_options goss_conv_defaults(void) {
    return (goss_conv_options){.stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .groups = 1};
}

/* ---- builders ---- */

/* Bounds that keep everything computed from a window (padded copies, rows times stride) far below 63 bits. */
enum { MOST_EXTENT = 1 << 24 };
#define MOST_PADDED ((int64_t)1 << 38)

/* One axis of a window over an image. */
typedef struct window {
    int64_t in, k, stride, dilation, pad[2];
} window;

/* Output positions; 0: the window is larger than the padded image. */
static int64_t positions(const window *w) {
    const int64_t room = w->in + w->pad[0] + w->pad[1] - w->dilation * (w->k - 1) - 1;
    return room < 0 ? 0 : room / w->stride + 1;
}

static bool within(const window *w) {
    const int64_t all[] = {w->in, w->k, w->stride, w->dilation, w->pad[0], w->pad[1], w->in + w->pad[0] + w->pad[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] > MOST_EXTENT) return false;
    return true;
}

static bool windows_ok(goss_val x, goss_val w, const window *down, const window *across, int64_t channels) {
    if (!within(down) || !within(across)) {
        goss__misfit2("conv", x, w, "extents, strides, dilations and padding go up to 2^24");
        return false;
    }
    const int64_t padded = (down->in + down->pad[0] + down->pad[1]) * (across->in + across->pad[0] + across->pad[1]);
    if (channels > MOST_PADDED / padded) {
        goss__misfit2("conv", x, w, "a padded image of more than 2^38 numbers");
        return false;
    }
    if (positions(down) >= 1 && positions(across) >= 1) return true;
    goss__misfit2("conv", x, w, "the kernel is larger than the padded image");
    return false;
}

static bool options_ok(goss_val x, goss_val w, const goss_conv_options *o, int64_t cin, int64_t per_group,
                       int64_t cout) {
    if (o->stride_h < 1 || o->stride_w < 1 || o->dilation_h < 1 || o->dilation_w < 1 || o->groups < 1 ||
        o->pad_top < 0 || o->pad_left < 0 || o->pad_bottom < 0 || o->pad_right < 0) {
        goss__misfit2("conv", x, w, "strides, dilations and groups start at 1, padding at 0");
        return false;
    }
    if (cin % o->groups == 0 && cin / o->groups == per_group && cout % o->groups == 0) return true;
    goss__misfit2("conv", x, w, "%lld channels in %d groups, but weights for %lld per group", (long long)cin, o->groups,
                  (long long)per_group);
    return false;
}

static goss_val make(const goss__op *op, goss_val a, goss_val b, goss_shape out, const goss__conv_attr *attr) {
    return goss__make(op, GOSS_REAL, out, (goss_val[]){a, b}, 2, attr);
}

static goss_val conv_folded(goss_val x, goss_val w, goss_conv_options o) {
    goss_shape s = goss_shape_of(x), folded = s;
    folded.dim[0] = goss_n(1), folded.dim[1] = goss_extent_mul(s.dim[0], s.dim[1]);
    goss_val y = goss_conv(goss_reshape(x, folded), w, o);
    goss_shape t = goss_shape_of(y);
    t.dim[0] = s.dim[0], t.dim[1] = s.dim[1];
    return goss_valid(y) ? goss_reshape(y, t) : y;
}

goss_val goss_conv(goss_val x, goss_val w, goss_conv_options o) {
    goss_val in[2] = {x, w};
    goss_val none = {goss__graph_of(in, 2), 0};
    if (!goss__typed("conv", in, 2, GOSS_REAL)) return none;
    if (goss_rank(x) != 5 || goss_rank(w) != 5)
        return goss__misfit2("conv", x, w, "x is [T,N,H,W,C], w [T or 1,kh,kw,C/groups,O]");
    int64_t h, wd, c, kh, kw, ci, co;
    if (!goss__fixed_ok("conv", x, 2, &h) || !goss__fixed_ok("conv", x, 3, &wd) || !goss__fixed_ok("conv", x, 4, &c) ||
        !goss__fixed_ok("conv", w, 1, &kh) || !goss__fixed_ok("conv", w, 2, &kw) ||
        !goss__fixed_ok("conv", w, 3, &ci) || !goss__fixed_ok("conv", w, 4, &co) || !options_ok(x, w, &o, c, ci, co))
        return none;
    goss_shape s = goss_shape_of(x);
    goss_extent tx = s.dim[0], tw = goss_dim(w, 0);
    if (!goss_extent_equal(tx, tw)) {
        if (goss_extent_is(tw, 1)) return conv_folded(x, w, o);
        if (!goss_extent_is(tx, 1)) return goss__differ("conv", x, w, 0, tx, tw);
        s.dim[0] = tw; /* one set of images with the weights of many tasks */
        return goss_conv(goss_broadcast(x, s), w, o);
    }
    const goss__conv_attr attr = {.stride_h = o.stride_h,
                                  .stride_w = o.stride_w,
                                  .dilation_h = o.dilation_h,
                                  .dilation_w = o.dilation_w,
                                  .groups = o.groups,
                                  .pad_top = o.pad_top,
                                  .pad_left = o.pad_left,
                                  .pad_bottom = o.pad_bottom,
                                  .pad_right = o.pad_right,
                                  .image_h = h,
                                  .image_w = wd,
                                  .kernel_h = kh,
                                  .kernel_w = kw};
    const window down = {h, kh, o.stride_h, o.dilation_h, {o.pad_top, o.pad_bottom}},
                 across = {wd, kw, o.stride_w, o.dilation_w, {o.pad_left, o.pad_right}};
    if (!windows_ok(x, w, &down, &across, c)) return none;
    return make(&goss__op_conv, x, w,
                GOSS_SHAPE(tx, s.dim[1], goss_n(positions(&down)), goss_n(positions(&across)), goss_n(co)), &attr);
}

static goss_val conv_dx(goss_val gy, goss_val w, const goss__conv_attr *attr) {
    goss_shape g = goss_shape_of(gy), s = goss_shape_of(w);
    return make(&goss__op_conv_dx, gy, w,
                GOSS_SHAPE(g.dim[0], g.dim[1], goss_n(attr->image_h), goss_n(attr->image_w),
                           goss_n(s.dim[3].count * attr->groups)),
                attr);
}

static goss_val conv_dw(goss_val x, goss_val gy, const goss__conv_attr *attr) {
    goss_shape s = goss_shape_of(x), g = goss_shape_of(gy);
    return make(&goss__op_conv_dw, x, gy,
                GOSS_SHAPE(s.dim[0], goss_n(attr->kernel_h), goss_n(attr->kernel_w),
                           goss_n(s.dim[4].count / attr->groups), g.dim[4]),
                attr);
}

static goss_val conv_again(goss_val x, goss_val w, const goss_shape *y, const goss__conv_attr *attr) {
    return make(&goss__op_conv, x, w, *y, attr);
}

static void conv_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    const goss__conv_attr *attr = GOSS__ATTR(goss__node_of(y), conv);
    if (want[0]) cot[0] = conv_dx(g, in[1], attr);
    if (want[1]) cot[1] = conv_dw(in[0], g, attr);
}
/* y = dx(gy, w): linear in gy with the adjoint conv, and in w with the adjoint dw. */
static void dx_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    const goss__conv_attr *attr = GOSS__ATTR(goss__node_of(y), conv);
    goss_shape s = goss_shape_of(in[0]);
    if (want[0]) cot[0] = conv_again(g, in[1], &s, attr);
    if (want[1]) cot[1] = conv_dw(g, in[0], attr);
}
static void dw_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    const goss__conv_attr *attr = GOSS__ATTR(goss__node_of(y), conv);
    goss_shape s = goss_shape_of(in[1]);
    if (want[0]) cot[0] = conv_dx(in[1], g, attr);
    if (want[1]) cot[1] = conv_again(in[0], g, &s, attr);
}

/* Images are independent, and so are output channels, the last axis of weights and gradient. */
static uint32_t conv_batch(const goss__site *s, int i) { return GOSS_AXIS(0) | (i == 0 ? GOSS_AXIS(1) : GOSS_AXIS(4)); }
static uint32_t dx_batch(const goss__site *s, int i) { return GOSS_AXIS(0) | (i == 0 ? GOSS_AXIS(1) : 0); }
static uint32_t dw_batch(const goss__site *s, int i) { return GOSS_AXIS(0) | (i == 0 ? 0 : GOSS_AXIS(4)); }

/* ---- slices ---- */

/* conv and conv_dx: sliced over tasks, or over samples if the weight is shared. */
static goss__slicing sample_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    goss_extent rest;
    int p = goss__cut_prefix(s->out, L, &rest);
    bool shared = goss_extent_is(s->out->dim[0], 1);
    if (p == 0 || p > 2 || (p == 2 && !shared)) return GOSS__NO_SLICES;
    cut[0] = GOSS__CUT;
    cut[1] = p == 1 ? GOSS__CUT : GOSS__WHOLE;
    return GOSS__LOCAL;
}

static goss__slicing filter_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    goss_extent rest;
    int p = goss__cut_prefix(s->in[0], L, &rest);
    if (p != goss__cut_prefix(s->in[1], L, &rest)) return GOSS__NO_SLICES;
    if (p == 0 || p > 2 || (p == 2 && !goss_extent_is(s->out->dim[0], 1))) return GOSS__NO_SLICES;
    cut[0] = cut[1] = GOSS__CUT;
    return p == 1 ? GOSS__LOCAL : GOSS__PARTIAL;
}

/* Few products per output: the first layer on grey images, whose map is many times larger than the image. */
static bool few_products(const goss__site *s) {
    const goss_shape *x = s->in[0], *w = s->in[1];
    return w->dim[1].count * w->dim[2].count * w->dim[3].count <= GOSS__COST_CHEAP_PRODUCTS &&
           w->dim[4].count >= GOSS__COST_CHEAP_CHANNELS * x->dim[4].count;
}

/* ---- runs ---- */

static goss__conv geometry(const goss__shapes *s, const goss__tensor *x, const goss__tensor *y) {
    const goss__conv_attr *a = GOSS__ATTR(s, conv);
    return (goss__conv){.n = x->dim[1],
                        .h = a->image_h,
                        .w = a->image_w,
                        .cin = x->dim[4],
                        .kh = a->kernel_h,
                        .kw = a->kernel_w,
                        .cout = y->dim[4],
                        .oh = y->dim[2],
                        .ow = y->dim[3],
                        .groups = a->groups,
                        .stride_h = a->stride_h,
                        .stride_w = a->stride_w,
                        .pad_top = a->pad_top,
                        .pad_left = a->pad_left,
                        .pad_bottom = a->pad_bottom,
                        .pad_right = a->pad_right,
                        .dil_h = a->dilation_h,
                        .dil_w = a->dilation_w,
                        .direct = goss__has_pass(s->off, GOSS__PASS_WINOGRAD),
                        .all_rows = goss__has_pass(s->off, GOSS__PASS_SKIP_ZEROS)};
}
static goss__conv conv_geometry(const goss__shapes *s) { return geometry(s, &s->in[0], s->out); }
static goss__conv dx_geometry(const goss__shapes *s) { return geometry(s, s->out, &s->in[0]); }
static goss__conv dw_geometry(const goss__shapes *s) { return geometry(s, &s->in[0], &s->in[1]); }

static double cost_of(goss__conv c, int64_t tasks) {
    return 2.0 * (double)tasks * (double)(c.n * c.oh * c.ow) * (double)(c.kh * c.kw * c.cin / c.groups) *
           (double)c.cout;
}
/* Packing or transforming weights, or writing and accumulating their gradient: about the same cost. */
static double setup_of(goss__conv c, int64_t tasks) {
    return GOSS__COST_CONV_SETUP * (double)tasks * (double)(c.kh * c.kw * c.cin / c.groups) * (double)c.cout;
}
static double conv_setup(const goss__shapes *s) { return setup_of(conv_geometry(s), s->out->dim[0]); }
static double dx_setup(const goss__shapes *s) { return setup_of(dx_geometry(s), s->out->dim[0]); }
static double dw_setup(const goss__shapes *s) { return setup_of(dw_geometry(s), s->out->dim[0]); }

static double conv_cost(const goss__shapes *s) { return cost_of(conv_geometry(s), s->out->dim[0]); }
static double dx_cost(const goss__shapes *s) { return cost_of(dx_geometry(s), s->out->dim[0]); }
static double dw_cost(const goss__shapes *s) { return cost_of(dw_geometry(s), s->out->dim[0]); }

static size_t scratch_of(goss__conv c, bool f64, const goss__kernels *k) { return f64 ? 0 : k->conv_scratch(&c); }
static size_t conv_scratch(const goss__shapes *s, bool f64, const goss__kernels *k) {
    return scratch_of(conv_geometry(s), f64, k);
}
static size_t dx_scratch(const goss__shapes *s, bool f64, const goss__kernels *k) {
    return scratch_of(dx_geometry(s), f64, k);
}
static size_t dw_scratch(const goss__shapes *s, bool f64, const goss__kernels *k) {
    return scratch_of(dw_geometry(s), f64, k);
}

typedef void (*conv_kernel)(const goss__conv *, const float *, const float *, float *, void *);

/* One kernel call per task. */
static void run_tasks(const goss__call *c, goss__conv geo, conv_kernel fn) {
    int64_t tasks = c->shapes->out->dim[0];
    int64_t a = c->shapes->in[0].numel / tasks, b = c->shapes->in[1].numel / tasks, o = c->shapes->out->numel / tasks;
    for (int64_t t = 0; t < tasks; t++)
        fn(&geo, (const float *)c->in[0] + t * a, (const float *)c->in[1] + t * b, (float *)c->out + t * o, c->scratch);
}
static void conv_f32(const goss__call *c) { run_tasks(c, conv_geometry(c->shapes), c->kernels->conv); }
static void dx_f32(const goss__call *c) { run_tasks(c, dx_geometry(c->shapes), c->kernels->conv_dx); }
static void dw_f32(const goss__call *c) { run_tasks(c, dw_geometry(c->shapes), c->kernels->conv_dw); }

/* The trilinear form in f64, tap by tap; `which` is the output tensor. */
typedef struct tensors {
    double *x, *w, *y;
    int which;
} tensors;

static void tap(const goss__conv *g, const tensors *t, int64_t ix, int64_t iw, int64_t iy, int64_t group) {
    int64_t ci = g->cin / g->groups, co = g->cout / g->groups;
    for (int64_t i = 0; i < ci; i++)
        for (int64_t o = 0; o < co; o++) {
            double *x = t->x + ix + group * ci + i, *w = t->w + iw + i * g->cout + group * co + o,
                   *y = t->y + iy + group * co + o;
            if (t->which == 0) *x += *w * *y;
            if (t->which == 1) *w += *x * *y;
            if (t->which == 2) *y += *x * *w;
        }
}

static void form(const goss__conv *g, const tensors *t) {
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t p = 0; p < g->oh * g->ow; p++)
            for (int64_t k = 0; k < g->kh * g->kw; k++) {
                int64_t i = p / g->ow * g->stride_h - g->pad_top + k / g->kw * g->dil_h,
                        j = p % g->ow * g->stride_w - g->pad_left + k % g->kw * g->dil_w;
                if (i < 0 || i >= g->h || j < 0 || j >= g->w) continue;
                for (int64_t group = 0; group < g->groups; group++)
                    tap(g, t, ((n * g->h + i) * g->w + j) * g->cin, k * (g->cin / g->groups) * g->cout,
                        (n * g->oh * g->ow + p) * g->cout, group);
            }
}

/* place[i]: which of x, w, y operand 0, operand 1 and the output are. */
static void run_form(const goss__call *c, goss__conv g, int first, int second, int out) {
    int64_t tasks = c->shapes->out->dim[0];
    int64_t a = c->shapes->in[0].numel / tasks, b = c->shapes->in[1].numel / tasks, o = c->shapes->out->numel / tasks;
    memset(c->out, 0, (size_t)c->shapes->out->numel * sizeof(double));
    for (int64_t t = 0; t < tasks; t++) {
        double *at[3];
        at[first] = (double *)(uintptr_t)c->in[0] + t * a; /* only at[out] is written */
        at[second] = (double *)(uintptr_t)c->in[1] + t * b;
        at[out] = (double *)c->out + t * o;
        form(&g, &(tensors){at[0], at[1], at[2], out});
    }
}
static void conv_f64(const goss__call *c) { run_form(c, conv_geometry(c->shapes), 0, 1, 2); }
static void dx_f64(const goss__call *c) { run_form(c, dx_geometry(c->shapes), 2, 1, 0); }
static void dw_f64(const goss__call *c) { run_form(c, dw_geometry(c->shapes), 0, 2, 1); }

const goss__op goss__op_conv = {.name = "conv",
                                .attrs = &goss__conv_attrs,
                                .linear = GOSS__OPERAND(0) | GOSS__OPERAND(1),
                                .batch_axes = conv_batch,
                                .vjp = conv_vjp,
                                .slicing = {.slice = sample_slice},
                                .cost = {.flops = conv_cost, .setup = conv_setup, .is_cheap = few_products},
                                .kernel = {.scratch = conv_scratch, .run_f32 = conv_f32, .run_f64 = conv_f64}};
const goss__op goss__op_conv_dx = {.name = "conv_dx",
                                   .attrs = &goss__conv_attrs,
                                   .linear = GOSS__OPERAND(0) | GOSS__OPERAND(1),
                                   .batch_axes = dx_batch,
                                   .vjp = dx_vjp,
                                   .slicing = {.slice = sample_slice},
                                   .cost = {.flops = dx_cost, .setup = dx_setup},
                                   .kernel = {.scratch = dx_scratch, .run_f32 = dx_f32, .run_f64 = dx_f64}};
const goss__op goss__op_conv_dw = {.name = "conv_dw",
                                   .attrs = &goss__conv_attrs,
                                   .linear = GOSS__OPERAND(0) | GOSS__OPERAND(1),
                                   .batch_axes = dw_batch,
                                   .vjp = dw_vjp,
                                   .slicing = {.slice = filter_slice},
                                   .cost = {.flops = dw_cost, .setup = dw_setup},
                                   .kernel = {.scratch = dw_scratch, .run_f32 = dw_f32, .run_f64 = dw_f64}};
