/* SPDX-License-Identifier: Apache-2.0 */
/* indexing.c: rows by index. Gather and scatter_add are adjoints of each other. */
#include <math.h>

#include "ops/ops.h"

static bool index_cut(const goss__site *s, int operand, goss_extent L) {
    goss_extent rest;
    return goss__cut_prefix(s->in[operand], L, &rest) > 0;
}

/* Axes within a row keep their positions if the index has one axis, like the table's rows. */
static uint32_t rows_batch(const goss__site *s, int i) { return s->in[1]->rank == 1 ? ~GOSS_AXIS(0) : 0; }

/* ---- gather ---- */

static void gather_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    if (want[0]) cot[0] = goss_scatter_add(g, in[1], goss_dim(in[0], 0));
}

static goss__slicing gather_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    goss_extent rest;
    int p = goss__cut_prefix(s->out, L, &rest);
    if (p == 0 || p > s->in[1]->rank || !index_cut(s, 1, L)) return GOSS__NO_SLICES;
    cut[0] = GOSS__WHOLE, cut[1] = GOSS__CUT;
    return GOSS__LOCAL;
}

static uint32_t gather_batch(const goss__site *s, int i) {
    return i == 0 ? rows_batch(s, i) : goss__first_axes(s->in[1]->rank);
}

static int64_t row_of(const goss__call *c, int32_t index, int64_t rows) {
    if (index >= 0 && index < rows) return index;
    *c->bad_index = 1;
    return index < 0 ? 0 : rows - 1;
}

static void gather_run(const goss__call *c, size_t size) {
    const goss__tensor *table = &c->shapes->in[0], *index = &c->shapes->in[1];
    size_t row = (size_t)goss__numel(table, 1, table->rank) * size;
    for (int64_t i = 0; i < index->numel; i++)
        memcpy((char *)c->out + (size_t)i * row,
               (const char *)c->in[0] + (size_t)row_of(c, ((const int32_t *)c->in[1])[i], table->dim[0]) * row, row);
}
static void gather_f32(const goss__call *c) { gather_run(c, 4); }
static void gather_f64(const goss__call *c) { gather_run(c, 8); }
const goss__op goss__op_gather = {.name = "gather",
                                  .linear = GOSS__OPERAND(0),
                                  .monotone = GOSS__OPERAND(0),
                                  .batch_axes = gather_batch,
                                  .selection = GOSS__SELECTS_BY_PLACE,
                                  .may_fail = true,
                                  .vjp = gather_vjp,
                                  .slicing = {.slice = gather_slice},
                                  .kernel = {.run_f32 = gather_f32, .run_f64 = gather_f64}};

goss_val goss_gather(goss_val table, goss_val index) {
    goss_val in[2] = {table, index};
    if (!goss__all_valid(in, 2) || !goss__typed("gather", &table, 1, GOSS_REAL) ||
        !goss__typed("gather", &index, 1, GOSS_INDEX))
        return (goss_val){goss__graph_of(in, 2), 0};
    goss_shape t = goss_shape_of(table), out = goss_shape_of(index);
    if (t.rank < 1 || out.rank + t.rank - 1 > GOSS_MAX_RANK)
        return goss__misfit2("gather", table, index, "ranks do not allow it");
    for (int i = 1; i < t.rank; i++) out.dim[out.rank++] = t.dim[i];
    return goss__make(&goss__op_gather, GOSS_REAL, out, in, 2, NULL);
}

/* ---- scatter_add ---- */

static void scatter_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    if (want[0]) cot[0] = goss_gather(g, in[1]);
}

static goss__slicing scatter_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    goss_extent rest;
    int p = goss__cut_prefix(s->in[0], L, &rest);
    if (p == 0 || p > s->in[1]->rank || !index_cut(s, 1, L)) return GOSS__NO_SLICES;
    cut[0] = cut[1] = GOSS__CUT;
    return GOSS__PARTIAL;
}

static uint32_t scatter_batch(const goss__site *s, int i) { return i == 0 ? rows_batch(s, i) : 0; }

/* A serial sum's error grows with its length. Indices are therefore added in blocks of SUM_STEPS a row on average, each
 * block from 0 into scratch, and the blocks' sums are added to the result; few indices a row are a single block. */
enum { SUM_STEPS = 128 };

/* More than one block needs rows < indices / SUM_STEPS: the lesser of the two is the bound that is monotone. */
static size_t scatter_scratch(const goss__shapes *s, bool f64, const goss__kernels *k) {
    const int64_t rows = s->out->dim[0], most = s->in[1].numel / SUM_STEPS, row = goss__numel(s->out, 1, s->out->rank);
    return (size_t)((rows < most ? rows : most) * row) * (f64 ? sizeof(double) : sizeof(float));
}

#define SCATTER(real, suffix)                                                                                          \
    static void scatter_block_##suffix(const goss__call *c, int64_t first, int64_t end, real *sums) {                  \
        const goss__tensor *out = c->shapes->out;                                                                      \
        const int64_t row = goss__numel(out, 1, out->rank);                                                            \
        memset(sums, 0, (size_t)out->numel * sizeof(real));                                                            \
        for (int64_t i = first; i < end; i++) {                                                                        \
            real *to = sums + row_of(c, ((const int32_t *)c->in[1])[i], out->dim[0]) * row;                            \
            const real *from = (const real *)c->in[0] + i * row;                                                       \
            for (int64_t j = 0; j < row; j++) to[j] += from[j];                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    static void scatter_##suffix(const goss__call *c) {                                                                \
        const goss__tensor *out = c->shapes->out;                                                                      \
        const int64_t n = c->shapes->in[1].numel, block = SUM_STEPS * out->dim[0];                                     \
        real *total = c->out, *sums = c->scratch;                                                                      \
        scatter_block_##suffix(c, 0, n < block ? n : block, total);                                                    \
        for (int64_t at = block; at < n; at += block) {                                                                \
            scatter_block_##suffix(c, at, n - at < block ? n : at + block, sums);                                      \
            for (int64_t j = 0; j < out->numel; j++) total[j] += sums[j];                                              \
        }                                                                                                              \
    }
SCATTER(float, f32)
SCATTER(double, f64)
static double scatter_cost(const goss__shapes *s) { return (double)s->in[0].numel + (double)s->out->numel; }
const goss__op goss__op_scatter_add = {
    .name = "scatter_add",
    .linear = GOSS__OPERAND(0),
    .monotone = GOSS__OPERAND(0),
    .batch_axes = scatter_batch,
    .may_fail = true,
    .vjp = scatter_vjp,
    .slicing = {.slice = scatter_slice},
    .cost = {.flops = scatter_cost},
    .kernel = {.scratch = scatter_scratch, .run_f32 = scatter_f32, .run_f64 = scatter_f64}};

goss_val goss_scatter_add(goss_val value, goss_val index, goss_extent rows) {
    goss_val in[2] = {value, index};
    if (!goss__all_valid(in, 2) || !goss__typed("scatter_add", &value, 1, GOSS_REAL) ||
        !goss__typed("scatter_add", &index, 1, GOSS_INDEX))
        return (goss_val){goss__graph_of(in, 2), 0};
    goss_shape s = goss_shape_of(value), t = goss_shape_of(index), out = {.rank = 1, .dim = {rows}};
    bool fits = s.rank >= t.rank && rows.count >= 1;
    for (int i = 0; fits && i < t.rank; i++) fits = goss_extent_equal(s.dim[i], t.dim[i]);
    if (!fits || s.rank - t.rank + 1 > GOSS_MAX_RANK)
        return goss__misfit2("scatter_add", value, index, "one row for each index is needed");
    for (int i = t.rank; i < s.rank; i++) out.dim[out.rank++] = s.dim[i];
    return goss__make(&goss__op_scatter_add, GOSS_REAL, out, in, 2, NULL);
}

/* ---- one_hot ---- */

static goss__slicing one_hot_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    return goss__slice_leading(s, L, cut, s->out->rank - 1);
}

static uint32_t one_hot_batch(const goss__site *s, int i) { return goss__first_axes(s->in[0]->rank); }

#define ONE_HOT(real, suffix)                                                                                          \
    static void one_hot_##suffix(const goss__call *c) {                                                                \
        int64_t depth = c->shapes->out->dim[c->shapes->out->rank - 1];                                                 \
        memset(c->out, 0, (size_t)c->shapes->out->numel * sizeof(real));                                               \
        for (int64_t i = 0; i < c->shapes->in[0].numel; i++) {                                                         \
            int32_t at = ((const int32_t *)c->in[0])[i];                                                               \
            if (at >= 0 && at < depth) ((real *)c->out)[i * depth + at] = 1;                                           \
        }                                                                                                              \
    }
ONE_HOT(float, f32)
ONE_HOT(double, f64)
const goss__op goss__op_one_hot = {.name = "one_hot",
                                   .batch_axes = one_hot_batch,
                                   .no_gradient = true,
                                   .may_fail = true,
                                   .slicing = {.slice = one_hot_slice},
                                   .kernel = {.run_f32 = one_hot_f32, .run_f64 = one_hot_f64}};

goss_val goss_one_hot(goss_val index, goss_extent depth) {
    if (!goss__typed("one_hot", &index, 1, GOSS_INDEX)) return (goss_val){index.graph, 0};
    goss_shape s = goss_shape_of(index);
    if (s.rank == GOSS_MAX_RANK || depth.count < 1)
        return goss__misfit("one_hot", index, "the rank would exceed the maximum");
    s.dim[s.rank++] = depth;
    return goss__make(&goss__op_one_hot, GOSS_REAL, s, &index, 1, NULL);
}

/* ---- between indices and reals ---- */

static uint32_t every_axis(const goss__site *s, int i) { return goss__first_axes(s->out->rank); }

#define TO_REAL(real, suffix)                                                                                          \
    static void to_real_##suffix(const goss__call *c) {                                                                \
        const int32_t *in = c->in[0];                                                                                  \
        for (int64_t i = 0; i < c->shapes->out->numel; i++) ((real *)c->out)[i] = (real)in[i];                         \
    }
TO_REAL(float, f32)
TO_REAL(double, f64)
const goss__op goss__op_to_real = {.name = "to_real",
                                   .batch_axes = every_axis,
                                   .no_gradient = true,
                                   .slicing = {.slice = goss__slice_same},
                                   .kernel = {.run_f32 = to_real_f32, .run_f64 = to_real_f64}};

goss_val goss_to_real(goss_val index) {
    if (!goss__typed("to_real", &index, 1, GOSS_INDEX)) return (goss_val){index.graph, 0};
    return goss__make(&goss__op_to_real, GOSS_REAL, goss_shape_of(index), &index, 1, NULL);
}

/* The bound keeps the conversion defined; no comparison holds for a NaN. */
static int32_t nearest(double x) { return x > -2147483648.0 && x < 2147483647.0 ? (int32_t)nearbyint(x) : INT32_MIN; }

#define TO_INDEX(real, suffix)                                                                                         \
    static void to_index_##suffix(const goss__call *c) {                                                               \
        const real *in = c->in[0];                                                                                     \
        for (int64_t i = 0; i < c->shapes->out->numel; i++) ((int32_t *)c->out)[i] = nearest((double)in[i]);           \
    }
TO_INDEX(float, f32)
TO_INDEX(double, f64)
const goss__op goss__op_to_index = {.name = "to_index",
                                    .batch_axes = every_axis,
                                    .no_gradient = true,
                                    .slicing = {.slice = goss__slice_same},
                                    .kernel = {.run_f32 = to_index_f32, .run_f64 = to_index_f64}};

goss_val goss_to_index(goss_val a) {
    if (!goss__typed("to_index", &a, 1, GOSS_REAL)) return (goss_val){a.graph, 0};
    return goss__make(&goss__op_to_index, GOSS_INDEX, goss_shape_of(a), &a, 1, NULL);
}
