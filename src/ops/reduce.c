/* SPDX-License-Identifier: Apache-2.0 */
/* reduce.c: sum (adjoint of broadcast) and the largest element. Axes are reduced in runs of adjacent axes, each as the
 * kernels' [pre, red, post], one after the other through scratch. */
#include "ops/elementwise.h"
#include "ops/ops.h"

static const goss__attr_field reduce_fields[] = {
    GOSS__FIELD(reduce, axes, AXIS_SET),
};
GOSS__DEFINE_ATTRS(reduce, reduce_fields);

/* ---- builders ---- */

static bool reduced_shape(const char *op, goss_val a, uint32_t axes, bool keep, goss_shape *kept, goss_shape *out) {
    goss_shape s = goss_shape_of(a);
    if (axes >> s.rank) {
        goss__misfit(op, a, "axes 0x%x are out of range", axes);
        return false;
    }
    *kept = s, *out = (goss_shape){0};
    for (int i = 0; i < s.rank; i++) {
        if (axes & GOSS_AXIS(i)) kept->dim[i] = goss_n(1);
        if (keep || !(axes & GOSS_AXIS(i))) out->dim[out->rank++] = kept->dim[i];
    }
    return true;
}

/* Axes of extent 1 need no work. */
static uint32_t busy_axes(goss_val a, uint32_t axes) {
    goss_shape s = goss_shape_of(a);
    for (int i = 0; i < s.rank; i++)
        if (goss_extent_is(s.dim[i], 1)) axes &= ~GOSS_AXIS(i);
    return axes;
}

static goss_val reduce(const goss__op *op, goss_val a, uint32_t axes, bool keep) {
    goss_shape kept, out;
    if (!goss__typed(op->name, &a, 1, GOSS_REAL) || !reduced_shape(op->name, a, axes, keep, &kept, &out))
        return (goss_val){a.graph, 0};
    const goss__reduce_attr attr = {busy_axes(a, axes)};
    return goss_reshape(attr.axes ? goss__make(op, GOSS_REAL, kept, &a, 1, &attr) : a, out);
}

/* A sum of zeros. */
static bool sum_fold(const goss__proto *p, goss_val *out) {
    double value;
    if (!goss__is_full(p->in[0], &value) || value != 0) return false;
    *out = goss_full(p->in[0].graph, p->shape, 0);
    return true;
}

goss_val goss_sum(goss_val a, uint32_t axes, bool keep) { return reduce(&goss__op_sum, a, axes, keep); }
goss_val goss_reduce_max(goss_val a, uint32_t axes, bool keep) { return reduce(&goss__op_reduce_max, a, axes, keep); }

static uint32_t all_axes(goss_val a) { return (uint32_t)((1u << goss_rank(a)) - 1); }

goss_val goss_mean(goss_val a, uint32_t axes, bool keep) {
    goss_val s = goss_sum(a, axes, keep);
    if (!goss_valid(s)) return s;
    goss_shape in = goss_shape_of(a);
    goss_extent n = goss_n(1);
    for (int i = 0; i < in.rank; i++)
        if (axes & GOSS_AXIS(i)) n = goss_extent_mul(n, in.dim[i]);
    return n.symbols ? goss_div(s, goss__extent_value(a.graph, n)) : goss_scale(s, 1 / (double)n.count);
}

goss_val goss_sum_all(goss_val a) { return goss_valid(a) ? goss_sum(a, all_axes(a), false) : a; }
goss_val goss_mean_all(goss_val a) { return goss_valid(a) ? goss_mean(a, all_axes(a), false) : a; }

/* ---- gradients ---- */

static void sum_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    cot[0] = goss_broadcast(g, goss_shape_of(in[0]));
}

/* Ties share the gradient: the mask of largest elements over their number. */
static void max_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    uint32_t axes = (uint32_t)GOSS__ATTR(goss__node_of(y), reduce)->axes;
    goss_val mask = goss_sub(goss_const(y.graph, 1), goss_less(in[0], y));
    cot[0] = goss_mul(mask, goss_div(g, goss_sum(mask, axes, true)));
}

static uint32_t reduce_batch(const goss__site *s, int i) { return ~(uint32_t)GOSS__ATTR(s, reduce)->axes; }

/* ---- slices ---- */

static goss__slicing cut_of_reduction(const goss__site *s, goss_extent L, goss__cut *cut, bool addends) {
    const goss_shape *in = s->in[0];
    uint32_t axes = (uint32_t)GOSS__ATTR(s, reduce)->axes;
    goss_extent rest;
    int p = goss__cut_prefix(in, L, &rest);
    if (p == 0) return GOSS__NO_SLICES;
    bool some = false, all = true;
    for (int i = 0; i < p; i++) {
        if (goss_extent_is(in->dim[i], 1)) continue;
        bool reduced = axes & GOSS_AXIS(i);
        some |= reduced, all &= reduced;
    }
    cut[0] = GOSS__CUT;
    if (!some) return goss__cut_prefix(s->out, L, &rest) == p ? GOSS__LOCAL : GOSS__NO_SLICES;
    return all && addends ? GOSS__PARTIAL : GOSS__NO_SLICES;
}
static goss__slicing sum_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    return cut_of_reduction(s, L, cut, true);
}
static goss__slicing sum_product_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    const goss__slicing how = cut_of_reduction(s, L, cut, true);
    cut[1] = cut[0];
    return how;
}
/* The subtracted operand has one number per sum. */
static goss__slicing sum_deviation_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    const goss__slicing how = cut_of_reduction(s, L, cut, true);
    cut[1] = how == GOSS__PARTIAL ? GOSS__WHOLE : GOSS__CUT;
    return how;
}
static goss__slicing max_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    return cut_of_reduction(s, L, cut, false);
}

/* ---- runs ---- */

/* Runs of adjacent reduced axes, last first, so that intermediate results shrink soonest. The order of summation must
 * not depend on counts, so that a task's results are the same alone and among others: an extent with symbols whose
 * count is 1 is not an axis of extent 1. */
typedef struct axis_run {
    int64_t pre, red, post; /* GOSS__COLUMN: one column, not a row (kernel.h) */
} axis_run;

typedef struct reduction {
    int n;
    axis_run st[GOSS_MAX_RANK];
} reduction;

static bool is_unit(const goss__tensor *t, int axis) { return t->dim[axis] == 1 && !(t->symbolic & GOSS_AXIS(axis)); }

static int axis_runs(const goss__shapes *s, axis_run *out) {
    const goss__tensor *in = &s->in[0];
    uint32_t axes = (uint32_t)GOSS__ATTR(s, reduce)->axes;
    int64_t post = 1;
    bool columns = false;
    int n = 0;
    for (int i = in->rank - 1; i >= 0;) {
        if (!(axes & GOSS_AXIS(i)) || in->dim[i] == 1) {
            columns |= !(axes & GOSS_AXIS(i)) && in->symbolic & GOSS_AXIS(i);
            post *= in->dim[i--];
            continue;
        }
        int64_t red = 1;
        while (i >= 0 && (axes & GOSS_AXIS(i) || is_unit(in, i))) red *= in->dim[i--];
        out[n++] = (axis_run){goss__numel(in, 0, i + 1), red, columns && post == 1 ? GOSS__COLUMN : post};
    }
    return n;
}

static int64_t left_by(const axis_run *s) { return s->pre * (s->post == GOSS__COLUMN ? 1 : s->post); }

/* Without a reduced axis every element is its own sum. */
static void reduce_plan(const goss__shapes *s, void *out) {
    reduction *r = out;
    r->n = axis_runs(s, r->st);
    if (r->n == 0) r->n = 1, r->st[0] = (axis_run){1, 1, s->in[0].numel};
}

static size_t reduce_scratch(const goss__shapes *s, bool f64, const goss__kernels *k) {
    axis_run st[GOSS_MAX_RANK];
    int n = axis_runs(s, st);
    size_t size = 0;
    for (int i = 0; i + 1 < n; i++) size += (size_t)left_by(&st[i]) * (f64 ? 8 : 4) + 64;
    return size;
}

static void sum_block(double *out, const double *x, int64_t pre, int64_t red, int64_t post) {
    post = post == GOSS__COLUMN ? 1 : post;
    for (int64_t i = 0; i < pre; i++)
        for (int64_t j = 0; j < post; j++) {
            double sum = 0;
            for (int64_t r = 0; r < red; r++) sum += x[(i * red + r) * post + j];
            out[i * post + j] = sum;
        }
}

static void dot_block(double *out, const double *a, const double *b, int64_t pre, int64_t red, int64_t post) {
    post = post == GOSS__COLUMN ? 1 : post;
    for (int64_t i = 0; i < pre; i++)
        for (int64_t j = 0; j < post; j++) {
            double sum = 0;
            for (int64_t r = 0; r < red; r++) sum += a[(i * red + r) * post + j] * b[(i * red + r) * post + j];
            out[i * post + j] = sum;
        }
}

static void deviation_block(double *out, const double *x, const double *from, int64_t pre, int64_t red, int64_t post) {
    post = post == GOSS__COLUMN ? 1 : post;
    for (int64_t i = 0; i < pre; i++)
        for (int64_t j = 0; j < post; j++) {
            double sum = 0;
            for (int64_t r = 0; r < red; r++) {
                const double d = x[(i * red + r) * post + j] - from[i * post + j];
                sum += d * d;
            }
            out[i * post + j] = sum;
        }
}

static void max_block(double *out, const double *x, int64_t pre, int64_t red, int64_t post) {
    post = post == GOSS__COLUMN ? 1 : post;
    for (int64_t i = 0; i < pre; i++)
        for (int64_t j = 0; j < post; j++) {
            double most = -__builtin_inf();
            for (int64_t r = 0; r < red; r++) {
                double v = x[(i * red + r) * post + j];
                most = v > most || v != v ? v : most;
            }
            out[i * post + j] = most;
        }
}

/* `first` reduces the operands along the last run of axes; `rest` reduces its results. */
#define REDUCE(name, real, first, rest)                                                                                \
    static void name(const goss__call *c) {                                                                            \
        const reduction *plan = c->shapes->plan;                                                                       \
        const axis_run *st = plan->st;                                                                                 \
        const int n = plan->n;                                                                                         \
        char *scratch = c->scratch;                                                                                    \
        real *from = NULL;                                                                                             \
        for (int i = 0; i < n; i++) {                                                                                  \
            real *to = i + 1 < n ? (real *)(void *)scratch : c->out;                                                   \
            if (i == 0)                                                                                                \
                first;                                                                                                 \
            else                                                                                                       \
                rest(to, from, st[i].pre, st[i].red, st[i].post);                                                      \
            scratch += ((size_t)left_by(&st[i]) * sizeof(real) + 63) & ~(size_t)63;                                    \
            from = to;                                                                                                 \
        }                                                                                                              \
    }
#define FIRST1(block) block(to, c->in[0], st[0].pre, st[0].red, st[0].post)
#define FIRST2(block) block(to, c->in[0], c->in[1], st[0].pre, st[0].red, st[0].post)
REDUCE(sum_f32, float, FIRST1(c->kernels->sum), c->kernels->sum)
REDUCE(sum_f64, double, FIRST1(sum_block), sum_block)
REDUCE(max_f32, float, FIRST1(c->kernels->max), c->kernels->max)
REDUCE(max_f64, double, FIRST1(max_block), max_block)
/* The product is fused into the first sums. */
REDUCE(sum_product_f32, float, FIRST2(c->kernels->dot), c->kernels->sum)
REDUCE(sum_product_f64, double, FIRST2(dot_block), sum_block)

/* A single run of axes (schedule/fuse.c). */
REDUCE(sum_deviation_f32, float, FIRST2(c->kernels->deviation), c->kernels->sum)
REDUCE(sum_deviation_f64, double, FIRST2(deviation_block), sum_block)

static double sum_deviation_cost(const goss__shapes *s) { return 3 * (double)s->in[0].numel; }
static double sum_product_cost(const goss__shapes *s) { return 2 * (double)s->in[0].numel; }
static double reduce_cost(const goss__shapes *s) { return (double)s->in[0].numel; }

const goss__op goss__op_sum = {.name = "sum",
                               .fold = sum_fold,
                               .attrs = &goss__reduce_attrs,
                               .linear = GOSS__OPERAND(0),
                               .monotone = GOSS__OPERAND(0),
                               .batch_axes = reduce_batch,
                               .vjp = sum_vjp,
                               .slicing = {.slice = sum_slice},
                               .cost = {.flops = reduce_cost},
                               .kernel = {.plan_size = sizeof(reduction),
                                          .plan = reduce_plan,
                                          .scratch = reduce_scratch,
                                          .run_f32 = sum_f32,
                                          .run_f64 = sum_f64}};
const goss__op goss__op_sum_product = {.name = "sum_product",
                                       .attrs = &goss__reduce_attrs,
                                       .linear = GOSS__OPERAND(0) | GOSS__OPERAND(1),
                                       .slicing = {.slice = sum_product_slice},
                                       .cost = {.flops = sum_product_cost},
                                       .kernel = {.plan_size = sizeof(reduction),
                                                  .plan = reduce_plan,
                                                  .scratch = reduce_scratch,
                                                  .run_f32 = sum_product_f32,
                                                  .run_f64 = sum_product_f64}};
const goss__op goss__op_sum_deviation = {.name = "sum_deviation",
                                         .attrs = &goss__reduce_attrs,
                                         .slicing = {.slice = sum_deviation_slice},
                                         .cost = {.flops = sum_deviation_cost},
                                         .kernel = {.plan_size = sizeof(reduction),
                                                    .plan = reduce_plan,
                                                    .scratch = reduce_scratch,
                                                    .run_f32 = sum_deviation_f32,
                                                    .run_f64 = sum_deviation_f64}};
const goss__op goss__op_reduce_max = {.name = "reduce_max",
                                      .attrs = &goss__reduce_attrs,
                                      .monotone = GOSS__OPERAND(0),
                                      .batch_axes = reduce_batch,
                                      .selection = GOSS__SELECTS_LARGEST,
                                      .vjp = max_vjp,
                                      .slicing = {.slice = max_slice},
                                      .cost = {.flops = reduce_cost},
                                      .kernel = {.plan_size = sizeof(reduction),
                                                 .plan = reduce_plan,
                                                 .scratch = reduce_scratch,
                                                 .run_f32 = max_f32,
                                                 .run_f64 = max_f64}};
