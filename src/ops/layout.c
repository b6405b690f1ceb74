/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c: operations that move or repeat elements. Their adjoints: reshape and permute the inverse, slice and pad
 * each other, concat slices, broadcast the sum.
 *
 * Elements are copied as 4 or 8 bytes, whatever their type. */
#include "ops/ops.h"

static size_t element(bool f64) { return f64 ? 8 : 4; }

/* ---- broadcast ---- */

static void broadcast_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    cot[0] = goss__sum_to(g, goss_shape_of(in[0]));
}

static goss__slicing broadcast_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    goss_extent rest;
    const goss_shape *in = s->in[0];
    int p = goss__cut_prefix(s->out, L, &rest);
    if (p == 0) return GOSS__NO_SLICES;
    if (in->rank == 0) {
        cut[0] = GOSS__WHOLE;
        return GOSS__LOCAL;
    }
    return goss__cut_operand(s->out, in, p, &cut[0]) ? GOSS__LOCAL : GOSS__NO_SLICES;
}

/* Walks the output's rows; rank 0 sources have no dims. */
static void broadcast_run(const goss__call *c, bool f64) {
    const goss__tensor *out = c->shapes->out, *in = &c->shapes->in[0];
    size_t size = element(f64);
    int64_t row = out->rank ? out->dim[out->rank - 1] : 1, step = 0, at[GOSS_MAX_RANK] = {0};
    if (in->rank && in->dim[in->rank - 1] != 1) step = 1;
    char *to = c->out;
    const char *from = c->in[0];
    for (int64_t done = 0; done < out->numel; done += row) {
        int64_t offset = 0;
        for (int i = 0; in->rank && i + 1 < out->rank; i++) offset += in->dim[i] == 1 ? 0 : at[i] * in->stride[i];
        if (step)
            memcpy(to, from + (size_t)offset * size, (size_t)row * size);
        else
            for (int64_t i = 0; i < row; i++) memcpy(to + (size_t)i * size, from + (size_t)offset * size, size);
        to += (size_t)row * size;
        for (int i = out->rank - 2; i >= 0 && ++at[i] == out->dim[i]; i--) at[i] = 0;
    }
}
static void broadcast_f32(const goss__call *c) { broadcast_run(c, false); }
static void broadcast_f64(const goss__call *c) { broadcast_run(c, true); }
static uint32_t broadcast_batch(const goss__site *s, int i) { return UINT32_MAX; }
/* Of a constant: a broadcast of its scalar. */
static bool broadcast_fold(const goss__proto *p, goss_val *out) {
    double value;
    goss_val inner;
    if (!goss__is_full(p->in[0], &value) || !goss__made_by(p->in[0], &goss__op_broadcast, 0, &inner)) return false;
    *out = goss_full(inner.graph, p->shape, value);
    return true;
}
const goss__op goss__op_broadcast = {.name = "broadcast",
                                     .fold = broadcast_fold,
                                     .linear = GOSS__OPERAND(0),
                                     .monotone = GOSS__OPERAND(0),
                                     .batch_axes = broadcast_batch,
                                     .selection = GOSS__SELECTS_BY_PLACE,
                                     .broadcast = true,
                                     .vjp = broadcast_vjp,
                                     .slicing = {.slice = broadcast_slice},
                                     .kernel = {.run_f32 = broadcast_f32, .run_f64 = broadcast_f64}};

goss_val goss_broadcast(goss_val a, goss_shape shape) {
    if (!goss__typed("broadcast", &a, 1, GOSS_REAL) || !goss__shape_ok(a.graph, "broadcast", &shape))
        return (goss_val){a.graph, 0};
    goss_shape s = goss_shape_of(a);
    if (goss_shape_equal(s, shape)) return a;
    if (s.rank != 0 && s.rank != shape.rank) return goss__misfit("broadcast", a, "to rank %d", shape.rank);
    for (int i = 0; i < s.rank; i++)
        if (!goss_extent_is(s.dim[i], 1) && !goss_extent_equal(s.dim[i], shape.dim[i]))
            return goss__misfit("broadcast", a, "axis %d is neither 1 nor the new extent", i);
    return goss__make(&goss__op_broadcast, GOSS_REAL, shape, &a, 1, NULL);
}

goss_val goss__sum_to(goss_val g, goss_shape shape) {
    goss_shape s = goss_shape_of(g);
    if (!goss_valid(g) || goss_shape_equal(s, shape)) return g;
    if (shape.rank == 0) return goss_sum_all(g);
    uint32_t axes = 0;
    for (int i = 0; i < s.rank; i++)
        if (goss_extent_is(shape.dim[i], 1) && !goss_extent_is(s.dim[i], 1)) axes |= GOSS_AXIS(i);
    return goss_sum(g, axes, true);
}

/* ---- detach, variable and reshape ---- */

static goss__slicing reshape_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    goss_extent rest;
    if (!goss__cut_prefix(s->out, L, &rest) || !goss__cut_prefix(s->in[0], L, &rest)) return GOSS__NO_SLICES;
    cut[0] = GOSS__CUT;
    return GOSS__LOCAL;
}

/* Of a value without gradient: itself. Inputs and parameters may be differentiation variables. */
static bool detach_fold(const goss__proto *p, goss_val *out) {
    const goss__op *op = goss__node_of(p->in[0])->op;
    *out = p->in[0];
    return op->no_gradient && !goss__is_stateful(op);
}

const goss__op goss__op_detach = {.name = "detach",
                                  .fold = detach_fold,
                                  .linear = GOSS__OPERAND(0),
                                  .monotone = GOSS__OPERAND(0),
                                  .selection = GOSS__SELECTS_BY_PLACE,
                                  .elementwise = true,
                                  .no_gradient = true,
                                  .slicing = {.slice = reshape_slice, .alias = true}};

goss_val goss_detach(goss_val a) {
    if (!goss_valid(a)) return a;
    return goss__make(&goss__op_detach, (goss_type)goss__node_of(a)->type, goss_shape_of(a), &a, 1, NULL);
}

/* A barrier: rules do not look at its operand. */
static void variable_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) { cot[0] = g; }
const goss__op goss__op_variable = {.name = "variable",
                                    .linear = GOSS__OPERAND(0),
                                    .monotone = GOSS__OPERAND(0),
                                    .selection = GOSS__SELECTS_BY_PLACE,
                                    .elementwise = true,
                                    .vjp = variable_vjp,
                                    .slicing = {.slice = reshape_slice, .alias = true}};

goss_val goss_variable(goss_val a) {
    if (!goss__typed("variable", &a, 1, GOSS_REAL)) return (goss_val){a.graph, 0};
    const goss__op *op = goss__node_of(a)->op;
    if (op == &goss__op_input || op == &goss__op_param || op == &goss__op_variable) return a;
    return goss__make(&goss__op_variable, GOSS_REAL, goss_shape_of(a), &a, 1, NULL);
}

static void reshape_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    cot[0] = goss_reshape(g, goss_shape_of(in[0]));
}
/* Axes whose leading extents have the same product as before. */
static uint32_t reshape_batch(const goss__site *s, int i) {
    uint32_t batch = 0;
    for (int a = 0; a < s->out->rank && a < s->in[0]->rank; a++)
        if (goss_extent_equal(goss__shape_product(s->out, 0, a), goss__shape_product(s->in[0], 0, a)))
            batch |= GOSS_AXIS(a);
    return batch;
}
/* Of a constant. */
static bool constant_fold(const goss__proto *p, goss_val *out) {
    double value;
    if (!goss__is_full(p->in[0], &value)) return false;
    *out = goss_full(p->in[0].graph, p->shape, value);
    return true;
}
const goss__op goss__op_reshape = {.name = "reshape",
                                   .fold = constant_fold,
                                   .linear = GOSS__OPERAND(0),
                                   .monotone = GOSS__OPERAND(0),
                                   .batch_axes = reshape_batch,
                                   .selection = GOSS__SELECTS_BY_PLACE,
                                   .vjp = reshape_vjp,
                                   .slicing = {.slice = reshape_slice, .alias = true}};

goss_val goss_reshape(goss_val a, goss_shape shape) {
    if (!goss__all_valid(&a, 1) || !goss__shape_ok(a.graph, "reshape", &shape)) return (goss_val){a.graph, 0};
    goss_shape s = goss_shape_of(a);
    if (goss_shape_equal(s, shape)) return a;
    if (!goss_extent_equal(goss__shape_product(&s, 0, s.rank), goss__shape_product(&shape, 0, shape.rank))) {
        char text[GOSS__SHAPE_TEXT];
        return goss__misfit("reshape", a, "%s has a different number of elements",
                            goss__shape_text(&a.graph->symbols, &shape, text, sizeof text));
    }
    return goss__make(&goss__op_reshape, (goss_type)goss__node_of(a)->type, shape, &a, 1, NULL);
}

goss_val goss_squeeze(goss_val a, int axis) {
    if (!goss_valid(a) || !goss__axis_ok("squeeze", a, &axis)) return (goss_val){a.graph, 0};
    goss_shape s = goss_shape_of(a);
    if (!goss_extent_is(s.dim[axis], 1)) return goss__misfit("squeeze", a, "axis %d is not 1", axis);
    for (int i = axis; i + 1 < s.rank; i++) s.dim[i] = s.dim[i + 1];
    s.dim[--s.rank] = (goss_extent){0};
    return goss_reshape(a, s);
}

goss_val goss_unsqueeze(goss_val a, int axis) {
    if (!goss_valid(a)) return a;
    goss_shape s = goss_shape_of(a);
    if (axis < 0) axis += s.rank + 1;
    if (axis < 0 || axis > s.rank || s.rank == GOSS_MAX_RANK)
        return goss__misfit("unsqueeze", a, "axis %d is out of range", axis);
    for (int i = s.rank++; i > axis; i--) s.dim[i] = s.dim[i - 1];
    s.dim[axis] = goss_n(1);
    return goss_reshape(a, s);
}

/* ---- permute ---- */

static const goss__attr_field permute_fields[] = {
    GOSS__FIELD(permute, axes, AXIS_LIST),
};
GOSS__DEFINE_ATTRS(permute, permute_fields);

static void permute_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    const goss__axis_list *axes = &GOSS__ATTR(goss__node_of(y), permute)->axes;
    int inverse[GOSS_MAX_RANK];
    for (int i = 0; i < axes->n; i++) inverse[axes->axis[i]] = i;
    cot[0] = goss_permute(g, inverse);
}

static goss__slicing permute_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    const goss__axis_list *axes = &GOSS__ATTR(s, permute)->axes;
    int kept = 0;
    while (kept < axes->n && axes->axis[kept] == kept) kept++;
    return goss__slice_leading(s, L, cut, kept);
}

/* Rows of the output's last axis, each gathered with one stride; a swap of the last two axes is a blocked transpose. */
static void permute_run(const goss__call *c, bool f64) {
    const goss__tensor *out = c->shapes->out, *in = &c->shapes->in[0];
    size_t size = element(f64);
    int rank = out->rank;
    int64_t step[GOSS_MAX_RANK], at[GOSS_MAX_RANK] = {0}, offset = 0, row = out->dim[rank - 1];
    const goss__axis_list *axes = &GOSS__ATTR(c->shapes, permute)->axes;
    for (int i = 0; i < rank; i++) step[i] = in->stride[axes->axis[i]];
    if (!f64 && rank >= 2 && step[rank - 2] == 1 && row > 1) {
        int64_t rows = out->dim[rank - 2];
        for (int64_t done = 0; done < out->numel; done += row * rows) {
            c->kernels->transpose((float *)c->out + done, row, (const float *)c->in[0] + offset, step[rank - 1], row,
                                  rows);
            for (int i = rank - 3; i >= 0; i--) {
                offset += step[i];
                if (++at[i] < out->dim[i]) break;
                offset -= at[i] * step[i], at[i] = 0;
            }
        }
        return;
    }
    char *to = c->out;
    for (int64_t done = 0; done < out->numel; done += row) {
        const char *from = (const char *)c->in[0] + (size_t)offset * size;
        size_t stride = (size_t)step[rank - 1] * size;
        if (stride == size)
            memcpy(to, from, (size_t)row * size), to += (size_t)row * size;
        else
            for (int64_t i = 0; i < row; i++, to += size) memcpy(to, from + (size_t)i * stride, size);
        for (int i = rank - 2; i >= 0; i--) {
            offset += step[i];
            if (++at[i] < out->dim[i]) break;
            offset -= at[i] * step[i], at[i] = 0;
        }
    }
}
static void permute_f32(const goss__call *c) { permute_run(c, false); }
static void permute_f64(const goss__call *c) { permute_run(c, true); }
static uint32_t permute_batch(const goss__site *s, int i) {
    const goss__axis_list *axes = &GOSS__ATTR(s, permute)->axes;
    uint32_t batch = 0;
    for (int a = 0; a < axes->n; a++) batch |= axes->axis[a] == a ? GOSS_AXIS(a) : 0;
    return batch;
}
const goss__op goss__op_permute = {.name = "permute",
                                   .attrs = &goss__permute_attrs,
                                   .linear = GOSS__OPERAND(0),
                                   .monotone = GOSS__OPERAND(0),
                                   .batch_axes = permute_batch,
                                   .selection = GOSS__SELECTS_BY_PLACE,
                                   .vjp = permute_vjp,
                                   .slicing = {.slice = permute_slice},
                                   .kernel = {.run_f32 = permute_f32, .run_f64 = permute_f64}};

/* Moving axes of extent 1 only is a reshape. */
static bool moves_nothing(const goss_shape *s, const int *axes) {
    int last = -1;
    for (int i = 0; i < s->rank; i++) {
        if (goss_extent_is(s->dim[axes[i]], 1)) continue;
        if (axes[i] < last) return false;
        last = axes[i];
    }
    return true;
}

goss_val goss_permute(goss_val a, const int *axes) {
    if (!goss__typed("permute", &a, 1, GOSS_REAL)) return (goss_val){a.graph, 0};
    goss_shape s = goss_shape_of(a), out = {.rank = s.rank};
    goss__permute_attr attr = {.axes.n = s.rank};
    uint32_t seen = 0;
    for (int i = 0; i < s.rank; i++) {
        if (axes[i] < 0 || axes[i] >= s.rank || seen & GOSS_AXIS(axes[i]))
            return goss__misfit("permute", a, "axis %d given at position %d", axes[i], i);
        seen |= GOSS_AXIS(axes[i]);
        out.dim[i] = s.dim[axes[i]], attr.axes.axis[i] = axes[i];
    }
    if (moves_nothing(&s, axes)) return goss_reshape(a, out);
    return goss__make(&goss__op_permute, GOSS_REAL, out, &a, 1, &attr);
}

goss_val goss_transpose(goss_val a) {
    int rank = goss_rank(a), axes[GOSS_MAX_RANK];
    if (!goss_valid(a)) return a;
    if (rank < 2) return goss__misfit("transpose", a, "it has fewer than two axes");
    for (int i = 0; i < rank; i++) axes[i] = i;
    axes[rank - 2] = rank - 1, axes[rank - 1] = rank - 2;
    return goss_permute(a, axes);
}

/* ---- slice, pad, concat: rows of `inner` elements along one axis ---- */

static const goss__attr_field slice_fields[] = {
    GOSS__FIELD(slice, axis, INT),
    GOSS__FIELD(slice, start, INT),
    GOSS__FIELD(slice, count, INT),
};
GOSS__DEFINE_ATTRS(slice, slice_fields);
static const goss__attr_field pad_fields[] = {
    GOSS__FIELD(pad, axis, INT),
    GOSS__FIELD(pad, before, INT),
    GOSS__FIELD(pad, after, INT),
};
GOSS__DEFINE_ATTRS(pad, pad_fields);
static const goss__attr_field concat_fields[] = {
    GOSS__FIELD(concat, axis, INT),
};
GOSS__DEFINE_ATTRS(concat, concat_fields);

/* A tensor in front of and behind an axis: items along axis `lead`, which may be strided, of `each` rows of the axis,
 * whose positions have `inner` elements. */
typedef struct around {
    int64_t items, each, inner;
    int lead;
} around;

static around around_axis(const goss__tensor *t, int axis) {
    int first = 0;
    while (first < axis && t->dim[first] == 1) first++;
    const bool some = first < axis;
    return (around){some ? t->dim[first] : 1, some ? goss__numel(t, first + 1, axis) : 1,
                    goss__numel(t, axis + 1, t->rank), first};
}

/* The offset of row `row` of an item, in elements. Without an axis in front there is one item, 0. */
static int64_t row_at(const goss__tensor *t, int axis, const around *a, int64_t item, int64_t row) {
    return item * t->stride[a->lead] + row * t->dim[axis] * a->inner;
}

static goss__slicing slice_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    return goss__slice_leading(s, L, cut, (int)GOSS__ATTR(s, slice)->axis);
}

static uint32_t slice_batch(const goss__site *s, int i) { return ~GOSS_AXIS(GOSS__ATTR(s, slice)->axis); }

static void slice_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    const goss__slice_attr *a = GOSS__ATTR(goss__node_of(y), slice);
    goss_extent whole = goss_dim(in[0], (int)a->axis);
    cot[0] = goss_pad(g, (int)a->axis, a->start, whole.count - a->start - a->count);
}

/* The offset of row `start` of an axis, if the tensor has a single row of rows; -1: it has more, or it has symbols. */
static int64_t row_offset(const goss_shape *s, int64_t axis, int64_t start) {
    goss_extent inner = goss__shape_product(s, (int)axis + 1, s->rank);
    for (int i = 0; i < axis; i++)
        if (!goss_extent_is(s->dim[i], 1)) return -1;
    return inner.symbols == 0 ? start * inner.count : -1;
}

/* Copies, unless it is there already: schedule/ranges.c. */
static void put_rows(char *to, const char *from, size_t bytes) {
    if (to != from) memcpy(to, from, bytes);
}

static int64_t slice_alias(const goss__site *s) {
    const goss__slice_attr *a = GOSS__ATTR(s, slice);
    return row_offset(s->out, a->axis, a->start);
}

static void slice_run(const goss__call *c, bool f64) {
    const goss__slice_attr *attr = GOSS__ATTR(c->shapes, slice);
    const goss__tensor *out = c->shapes->out, *in = &c->shapes->in[0];
    const int axis = (int)attr->axis;
    const around a = around_axis(out, axis);
    const int64_t size = (int64_t)element(f64), start = attr->start * a.inner;
    for (int64_t i = 0; i < a.items; i++)
        for (int64_t j = 0; j < a.each; j++)
            put_rows((char *)c->out + row_at(out, axis, &a, i, j) * size,
                     (const char *)c->in[0] + (row_at(in, axis, &a, i, j) + start) * size,
                     (size_t)(attr->count * a.inner * size));
}
static void slice_f32(const goss__call *c) { slice_run(c, false); }
static void slice_f64(const goss__call *c) { slice_run(c, true); }
const goss__op goss__op_slice = {.name = "slice",
                                 .fold = constant_fold,
                                 .attrs = &goss__slice_attrs,
                                 .linear = GOSS__OPERAND(0),
                                 .monotone = GOSS__OPERAND(0),
                                 .batch_axes = slice_batch,
                                 .selection = GOSS__SELECTS_BY_PLACE,
                                 .vjp = slice_vjp,
                                 .slicing = {.slice = slice_slice, .alias = true, .alias_offset = slice_alias},
                                 .kernel = {.strided_items = true, .run_f32 = slice_f32, .run_f64 = slice_f64}};

goss_val goss_slice(goss_val a, int axis, int64_t start, int64_t count) {
    int64_t extent;
    if (!goss__typed("slice", &a, 1, GOSS_REAL) || !goss__axis_ok("slice", a, &axis) ||
        !goss__fixed_ok("slice", a, axis, &extent))
        return (goss_val){a.graph, 0};
    if (start < 0 || count < 1 || start > extent - count)
        return goss__misfit("slice", a, "%lld from %lld on axis %d", (long long)count, (long long)start, axis);
    if (count == extent) return a;
    goss_shape s = goss_shape_of(a);
    s.dim[axis] = goss_n(count);
    return goss__make(&goss__op_slice, GOSS_REAL, s, &a, 1, &(goss__slice_attr){axis, start, count});
}

static goss__slicing pad_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    return goss__slice_leading(s, L, cut, (int)GOSS__ATTR(s, pad)->axis);
}

static uint32_t pad_batch(const goss__site *s, int i) { return ~GOSS_AXIS(GOSS__ATTR(s, pad)->axis); }

static void pad_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    const goss__pad_attr *a = GOSS__ATTR(goss__node_of(y), pad);
    cot[0] = goss_slice(g, (int)a->axis, a->before, goss_dim(in[0], (int)a->axis).count);
}

static int64_t pad_part(const goss__site *s, int i) {
    const goss__pad_attr *a = GOSS__ATTR(s, pad);
    return row_offset(s->out, a->axis, a->before);
}

static void pad_run(const goss__call *c, bool f64) {
    const goss__pad_attr *attr = GOSS__ATTR(c->shapes, pad);
    const goss__tensor *out = c->shapes->out, *in = &c->shapes->in[0];
    const int axis = (int)attr->axis;
    const around a = around_axis(out, axis);
    const size_t size = (size_t)a.inner * element(f64), before = (size_t)attr->before * size,
                 rows = (size_t)in->dim[axis] * size;
    for (int64_t i = 0; i < a.items; i++)
        for (int64_t j = 0; j < a.each; j++) {
            char *to = (char *)c->out + row_at(out, axis, &a, i, j) * (int64_t)element(f64);
            memset(to, 0, before);
            put_rows(to + before, (const char *)c->in[0] + row_at(in, axis, &a, i, j) * (int64_t)element(f64), rows);
            memset(to + before + rows, 0, (size_t)attr->after * size);
        }
}
static void pad_f32(const goss__call *c) { pad_run(c, false); }
static void pad_f64(const goss__call *c) { pad_run(c, true); }
const goss__op goss__op_pad = {.name = "pad",
                               .attrs = &goss__pad_attrs,
                               .linear = GOSS__OPERAND(0),
                               .monotone = GOSS__OPERAND(0),
                               .batch_axes = pad_batch,
                               .vjp = pad_vjp,
                               .slicing = {.slice = pad_slice, .part_offset = pad_part},
                               .kernel = {.strided_items = true, .run_f32 = pad_f32, .run_f64 = pad_f64}};

goss_val goss_pad(goss_val a, int axis, int64_t before, int64_t after) {
    int64_t extent;
    if (!goss__typed("pad", &a, 1, GOSS_REAL) || !goss__axis_ok("pad", a, &axis) ||
        !goss__fixed_ok("pad", a, axis, &extent))
        return (goss_val){a.graph, 0};
    int64_t whole;
    if (before < 0 || after < 0 || __builtin_add_overflow(before, after, &whole) ||
        __builtin_add_overflow(whole, extent, &whole))
        return goss__misfit("pad", a, "%lld before, %lld after", (long long)before, (long long)after);
    if (before == 0 && after == 0) return a;
    goss_shape s = goss_shape_of(a);
    s.dim[axis] = goss_n(whole);
    return goss__make(&goss__op_pad, GOSS_REAL, s, &a, 1, &(goss__pad_attr){axis, before, after});
}

static goss__slicing concat_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    return goss__slice_leading(s, L, cut, (int)GOSS__ATTR(s, concat)->axis);
}

static uint32_t concat_batch(const goss__site *s, int i) { return ~GOSS_AXIS(GOSS__ATTR(s, concat)->axis); }

static void concat_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    const goss__node *n = goss__node_of(y);
    int axis = (int)GOSS__ATTR(n, concat)->axis;
    int64_t at = 0;
    for (int i = 0; i < n->n_in; i++) {
        int64_t extent = goss_dim(in[i], axis).count;
        if (want[i]) cot[i] = goss_slice(g, axis, at, extent);
        at += extent;
    }
}

static int64_t concat_part(const goss__site *s, int i) {
    const int axis = (int)GOSS__ATTR(s, concat)->axis;
    int64_t at = 0;
    for (int j = 0; j < i; j++) at += s->in[j]->dim[axis].count;
    return row_offset(s->out, axis, at);
}

static void concat_run(const goss__call *c, bool f64) {
    const int axis = (int)GOSS__ATTR(c->shapes, concat)->axis;
    const goss__tensor *out = c->shapes->out, *in = c->shapes->in;
    const around a = around_axis(out, axis);
    const int64_t size = (int64_t)element(f64);
    for (int64_t i = 0; i < a.items; i++)
        for (int64_t j = 0; j < a.each; j++) {
            char *to = (char *)c->out + row_at(out, axis, &a, i, j) * size;
            for (int k = 0; k < c->shapes->n_in; k++) {
                const size_t bytes = (size_t)(in[k].dim[axis] * a.inner * size);
                put_rows(to, (const char *)c->in[k] + row_at(&in[k], axis, &a, i, j) * size, bytes);
                to += bytes;
            }
        }
}
static void concat_f32(const goss__call *c) { concat_run(c, false); }
static void concat_f64(const goss__call *c) { concat_run(c, true); }
const goss__op goss__op_concat = {.name = "concat",
                                  .attrs = &goss__concat_attrs,
                                  .linear_together = GOSS__ALL_OPERANDS,
                                  .monotone = GOSS__ALL_OPERANDS,
                                  .batch_axes = concat_batch,
                                  .vjp = concat_vjp,
                                  .slicing = {.slice = concat_slice, .part_offset = concat_part},
                                  .kernel = {.strided_items = true, .run_f32 = concat_f32, .run_f64 = concat_f64}};

goss_val goss_concat(const goss_val *parts, int n, int axis) {
    if (n < 1) return (goss_val){NULL, 0};
    if (!goss__typed("concat", parts, n, GOSS_REAL) || !goss__axis_ok("concat", parts[0], &axis))
        return (goss_val){goss__graph_of(parts, n), 0};
    if (n > GOSS__MAX_IN) return goss__misfit("concat", parts[0], "%d parts are over %d", n, GOSS__MAX_IN);
    if (n == 1) return parts[0];
    goss_shape s = goss_shape_of(parts[0]);
    int64_t total = 0, extent;
    for (int i = 0; i < n; i++) {
        goss_shape p = goss_shape_of(parts[i]);
        if (p.rank != s.rank) return goss__misfit2("concat", parts[0], parts[i], "ranks %d and %d", s.rank, p.rank);
        for (int k = 0; k < s.rank; k++)
            if (k != axis && !goss_extent_equal(p.dim[k], s.dim[k]))
                return goss__differ("concat", parts[0], parts[i], k, s.dim[k], p.dim[k]);
        if (!goss__fixed_ok("concat", parts[i], axis, &extent)) return (goss_val){parts[0].graph, 0};
        if (__builtin_add_overflow(total, extent, &total))
            return goss__misfit2("concat", parts[0], parts[i], "the total extent is too large");
    }
    s.dim[axis] = goss_n(total);
    return goss__make(&goss__op_concat, GOSS_REAL, s, parts, n, &(goss__concat_attr){axis});
}
