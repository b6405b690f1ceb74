/* SPDX-License-Identifier: Apache-2.0 */
/* product.c: the batched matrix product, closed under differentiation through its two transposition flags. */
#include "graph/cost_model.h"
#include "ops/ops.h"

static const goss__attr_field matmul_fields[] = {
    GOSS__FIELD(matmul, transpose_a, BOOL),
    GOSS__FIELD(matmul, transpose_b, BOOL),
};
GOSS__DEFINE_ATTRS(matmul, matmul_fields);

/* ---- builder ---- */

static bool product_shape(goss_val a, goss_val b, bool ta, bool tb, goss_shape *out) {
    goss_shape s = goss_shape_of(a), t = goss_shape_of(b);
    int r = s.rank;
    if (r < 2 || t.rank != r) {
        goss__misfit2("matmul", a, b, "ranks must be equal and at least 2");
        return false;
    }
    *out = s;
    for (int i = 0; i < r - 2; i++) {
        out->dim[i] = goss_extent_is(s.dim[i], 1) ? t.dim[i] : s.dim[i];
        if (!goss_extent_equal(s.dim[i], t.dim[i]) && !goss_extent_is(s.dim[i], 1) && !goss_extent_is(t.dim[i], 1)) {
            goss__differ("matmul", a, b, i, s.dim[i], t.dim[i]);
            return false;
        }
    }
    goss_extent k = s.dim[ta ? r - 2 : r - 1], l = t.dim[tb ? r - 1 : r - 2];
    if (!goss_extent_equal(k, l)) {
        goss__differ("matmul", a, b, -1, k, l);
        return false;
    }
    out->dim[r - 2] = s.dim[ta ? r - 1 : r - 2];
    out->dim[r - 1] = t.dim[tb ? r - 2 : r - 1];
    return true;
}

static bool ones_in_front(const goss_shape *s) {
    for (int i = 0; i < s->rank - 2; i++)
        if (!goss_extent_is(s->dim[i], 1)) return false;
    return true;
}

goss_val goss_matmul(goss_val a, goss_val b, bool ta, bool tb) {
    goss_val in[2] = {a, b};
    goss_shape out;
    if (!goss__typed("matmul", in, 2, GOSS_REAL) || !product_shape(a, b, ta, tb, &out))
        return (goss_val){goss__graph_of(in, 2), 0};
    return goss__make(&goss__op_matmul, GOSS_REAL, out, in, 2, &(goss__matmul_attr){ta, tb});
}

/* With A' = op(A), B' = op(B): dA' = G B'^T, dB' = A'^T G; transposed if the operand is stored transposed. Broadcast
 * extents are summed. */
static void matmul_vjp(goss_val y, const goss_val *in, goss_val g, const bool *want, goss_val *cot) {
    const goss__matmul_attr *attr = GOSS__ATTR(goss__node_of(y), matmul);
    const bool ta = attr->transpose_a, tb = attr->transpose_b;
    if (want[0])
        cot[0] = goss__sum_to(ta ? goss_matmul(in[1], g, tb, true) : goss_matmul(g, in[1], false, !tb),
                              goss_shape_of(in[0]));
    if (want[1])
        cot[1] = goss__sum_to(tb ? goss_matmul(g, in[0], true, ta) : goss_matmul(in[0], g, !ta, false),
                              goss_shape_of(in[1]));
}

/* Batch axes, and rows of A or columns of B if they are stored as in the result. */
static uint32_t matmul_batch(const goss__site *s, int i) {
    const goss__matmul_attr *attr = GOSS__ATTR(s, matmul);
    const int r = s->out->rank, own = i == 0 ? r - 2 : r - 1;
    const bool turned = i == 0 ? attr->transpose_a : attr->transpose_b;
    return goss__first_axes(r - 2) | (turned ? 0 : GOSS_AXIS(own));
}

/* ---- slices: batch axes; rows of A with B whole; the contracted axis, when both are stored with it in front ---- */

static bool batch_cut(const goss_shape *s, const goss_shape *out, int p, goss__cut *cut) {
    return goss__cut_operand(out, s, p, cut);
}

/* A shared B that fills a large part of a core's cache should be read once for many rows. With few items of few rows
 * such a product is a phase of its own, divided by columns; with many, a call computes a batch of them
 * (matmul_setup). */
static bool reads_too_much(const goss__site *s, goss_extent items, goss_extent rows) {
    const goss_shape *b = s->in[1];
    goss_extent numbers = goss__shape_product(b, 0, b->rank);
    if (numbers.symbols || numbers.count <= GOSS__COST_SHARED_LARGE || rows.symbols ||
        rows.count >= GOSS__COST_SHARED_ROWS)
        return false;
    int64_t most;
    return goss__extent_most(s->symbols, items, &most) && most < GOSS__COST_SHARED_ITEMS &&
           most * rows.count < GOSS__COST_SHARED_ITEMS;
}

/* A product may have a third operand of the output's extents, an addend, created by the schedule (schedule/fuse.c). */
enum { ADDEND = 2 };

static goss__slicing matmul_slice(const goss__site *s, goss_extent L, goss__cut *cut) {
    const goss_shape *a = s->in[0], *b = s->in[1];
    const bool ta = GOSS__ATTR(s, matmul)->transpose_a, tb = GOSS__ATTR(s, matmul)->transpose_b;
    int r = s->out->rank;
    goss_extent rest, rows;
    int p = goss__cut_prefix(s->out, L, &rows), pa = goss__cut_prefix(a, L, &rest), pb = goss__cut_prefix(b, L, &rest);
    if (s->n_in > ADDEND) cut[ADDEND] = GOSS__CUT;
    if (p > 0 && p <= r - 2)
        return batch_cut(a, s->out, p, &cut[0]) && batch_cut(b, s->out, p, &cut[1]) ? GOSS__LOCAL : GOSS__NO_SLICES;
    if (p == r - 1 && !ta && pa == r - 1 && ones_in_front(b)) {
        if (reads_too_much(s, L, rows)) return GOSS__NO_SLICES;
        cut[0] = GOSS__CUT, cut[1] = GOSS__WHOLE;
        return GOSS__LOCAL;
    }
    if (s->n_in <= ADDEND && ta && !tb && ones_in_front(a) && ones_in_front(b) && pa == r - 1 && pb == r - 1) {
        cut[0] = cut[1] = GOSS__CUT;
        return GOSS__PARTIAL;
    }
    return GOSS__NO_SLICES;
}

/* ---- runs ---- */

typedef struct product {
    int64_t m, n, k, lda, ldb, ldc, batch;
    bool ta, tb, all_rows;
} product;

static product product_of(const goss__shapes *s) {
    const goss__tensor *a = &s->in[0], *b = &s->in[1], *out = s->out;
    int r = out->rank;
    const goss__matmul_attr *attr = GOSS__ATTR(s, matmul);
    product p = {.ta = attr->transpose_a,
                 .tb = attr->transpose_b,
                 .m = out->dim[r - 2],
                 .n = out->dim[r - 1],
                 .all_rows = goss__has_pass(s->off, GOSS__PASS_SKIP_ZEROS),
                 .ldc = out->stride[r - 2]};
    p.k = p.ta ? a->dim[r - 2] : a->dim[r - 1];
    p.lda = a->stride[r - 2], p.ldb = b->stride[r - 2];
    p.batch = goss__numel(out, 0, r - 2);
    return p;
}

/* A product, and the batch strides of its operands and its result in elements, or UNEVEN. */
typedef struct batched {
    product p;
    int64_t a_step, b_step, c_step;
    int64_t add_row, add_step; /* row and batch strides of the addend */
} batched;
enum { UNEVEN = -1 };

/* Element offset of batch i of an operand whose leading extents may be 1. */
static int64_t batch_offset(const goss__tensor *t, const goss__tensor *out, int64_t i) {
    int64_t offset = 0;
    for (int d = out->rank - 3; d >= 0; d--) {
        int64_t at = i % out->dim[d];
        i /= out->dim[d];
        if (t->dim[d] != 1) offset += at * t->stride[d];
    }
    return offset;
}

/* The stride between matrices behind one another, which may be 0; UNEVEN if there is none. */
static int64_t even_step(const goss__tensor *t) {
    int64_t step = 0, inner = 1;
    bool even = true;
    for (int d = t->rank - 3; d >= 0; d--) {
        if (t->dim[d] == 1) continue;
        if (inner == 1)
            step = t->stride[d];
        else
            even &= t->stride[d] == step * inner;
        inner *= t->dim[d];
    }
    return even ? step : UNEVEN;
}

/* A batch stride: one matrix for all, or one for each; UNEVEN if only some leading extents are 1. */
static int64_t batch_step(const goss__tensor *t, const goss__tensor *out) {
    const int64_t own = goss__numel(t, 0, out->rank - 2);
    if (own == 1) return 0;
    return own == goss__numel(out, 0, out->rank - 2) ? even_step(t) : UNEVEN;
}

static void matmul_plan(const goss__shapes *s, void *out) {
    batched *b = out;
    *b = (batched){0};
    if (s->n_in > ADDEND) b->add_row = s->in[ADDEND].stride[s->out->rank - 2], b->add_step = even_step(&s->in[ADDEND]);
    b->p = product_of(s);
    b->a_step = batch_step(&s->in[0], s->out), b->b_step = batch_step(&s->in[1], s->out);
    b->c_step = even_step(s->out);
}

static size_t matmul_scratch(const goss__shapes *s, bool f64, const goss__kernels *k) {
    product p = product_of(s);
    return f64 ? 0 : k->gemm_scratch(p.m, p.n, p.k, p.ta, p.tb);
}

static bool matmul_adds(const goss__shapes *s, const goss__kernels *k) {
    const product p = product_of(s);
    return s->n_in <= ADDEND && p.batch == 1 && p.k <= k->gemm_depth;
}

static double matmul_cost(const goss__shapes *s) {
    product p = product_of(s);
    return 2.0 * (double)p.batch * (double)p.m * (double)p.n * (double)p.k;
}

/* The cost of reading a large shared B, or of accumulating into a large result. */
static double matmul_setup(const goss__shapes *s) {
    product p = product_of(s);
    const int64_t numbers = (p.ta ? p.m : p.k) * p.n;
    return p.batch == 1 && numbers > GOSS__COST_SHARED_LARGE ? GOSS__COST_REREAD * (double)numbers : 0;
}

/* A single product is divided by the longer side of C. */
static int matmul_parts(const goss__shapes *s, int threads) {
    product p = product_of(s);
    const int64_t side = p.n >= p.m ? p.n : p.m, parts = (side + GOSS__COST_PART - 1) / GOSS__COST_PART,
                  most = GOSS__COST_PARTS_A_THREAD * (int64_t)threads;
    if (p.batch != 1 || matmul_cost(s) < (p.m > 1 ? GOSS__COST_PARTS_WORTH : GOSS__COST_PARTS_WORTH_ROW)) return 1;
    return (int)(parts > most ? most : parts);
}

static void part_range(int64_t side, int part, int parts, int64_t *from, int64_t *count) {
    int64_t blocks = (side + GOSS__COST_PART - 1) / GOSS__COST_PART, first, last;
    goss__share(blocks, part, parts, &first, &last);
    *from = first * GOSS__COST_PART;
    *count = (last * GOSS__COST_PART < side ? last * GOSS__COST_PART : side) - *from;
}

/* The part of a product computed by a call: rows or columns of C. */
static product cut_product(product p, const goss__call *c, int64_t *row, int64_t *column) {
    *row = *column = 0;
    if (c->parts <= 1) return p;
    if (p.n >= p.m)
        part_range(p.n, c->part, c->parts, column, &p.n);
    else
        part_range(p.m, c->part, c->parts, row, &p.m);
    return p;
}

static int64_t offset_of(const goss__call *c, int operand, int64_t step, int64_t i) {
    return step == UNEVEN ? batch_offset(&c->shapes->in[operand], c->shapes->out, i) : i * step;
}

/* The whole batch in one kernel call, unless an operand's batch stride is uneven. */
static void multiply(const goss__call *c, bool bf16) {
    const batched *b = c->shapes->plan;
    int64_t row, column;
    const product p = cut_product(b->p, c, &row, &column);
    const bool even = b->a_step != UNEVEN && b->b_step != UNEVEN && b->c_step != UNEVEN && b->add_step != UNEVEN,
               adds = c->shapes->n_in > ADDEND;
    const int64_t a_part = p.ta ? row : row * p.lda, b_part = p.tb ? column * p.ldb : column;
    goss__gemm g = {.m = p.m,
                    .n = p.n,
                    .k = p.k,
                    .ta = p.ta,
                    .tb = p.tb,
                    .all_rows = p.all_rows,
                    .lda = p.lda,
                    .ldb = p.ldb,
                    .ldc = p.ldc};
    if (even)
        g.more = p.batch - 1, g.a_step = b->a_step, g.b_step = b->b_step, g.c_step = b->c_step,
        g.add_step = b->add_step;
    g.add_row = b->add_row;
    for (int64_t i = 0; i < (even ? 1 : p.batch); i++) {
        const int64_t b_at = b_part + offset_of(c, 1, b->b_step, i);
        g.a = (const float *)c->in[0] + a_part + offset_of(c, 0, b->a_step, i);
        if (bf16)
            g.b_bf16 = (const uint16_t *)c->in[1] + b_at;
        else
            g.b = (const float *)c->in[1] + b_at;
        g.c = (float *)c->out + row * p.ldc + column +
              (b->c_step == UNEVEN ? batch_offset(c->shapes->out, c->shapes->out, i) : i * b->c_step);
        if (adds)
            g.add = (const float *)c->in[ADDEND] + offset_of(c, ADDEND, b->add_step, i) + row * b->add_row + column;
        if (c->adds) g.add = g.c, g.add_row = g.ldc;
        c->kernels->gemm(&g, c->scratch);
    }
}
static void matmul_f32(const goss__call *c) { multiply(c, false); }
static void matmul_bf16_f32(const goss__call *c) { multiply(c, true); }

static void matmul_f64(const goss__call *c) {
    int64_t row, column;
    product p = cut_product(product_of(c->shapes), c, &row, &column);
    int64_t ak = p.ta ? p.lda : 1, am = p.ta ? 1 : p.lda;
    int64_t bk = p.tb ? 1 : p.ldb, bn = p.tb ? p.ldb : 1;
    for (int64_t i = 0; i < p.batch; i++) {
        const double *a = (const double *)c->in[0] + batch_offset(&c->shapes->in[0], c->shapes->out, i) + row * am;
        const double *b = (const double *)c->in[1] + batch_offset(&c->shapes->in[1], c->shapes->out, i) + column * bn;
        double *out = (double *)c->out + batch_offset(c->shapes->out, c->shapes->out, i) + row * p.ldc + column;
        for (int64_t m = 0; m < p.m; m++) {
            for (int64_t n = 0; n < p.n; n++) out[m * p.ldc + n] = 0;
            for (int64_t k = 0; k < p.k; k++)
                for (int64_t n = 0; n < p.n; n++) out[m * p.ldc + n] += a[m * am + k * ak] * b[k * bk + n * bn];
            if (c->shapes->n_in == ADDEND) continue;
            const goss__tensor *t = &c->shapes->in[ADDEND];
            const double *add = (const double *)c->in[ADDEND] + batch_offset(t, c->shapes->out, i) + column;
            for (int64_t n = 0; n < p.n; n++) out[m * p.ldc + n] += add[(row + m) * t->stride[t->rank - 2] + n];
        }
    }
}

const goss__op goss__op_matmul = {
    .name = "matmul",
    .attrs = &goss__matmul_attrs,
    .linear = GOSS__OPERAND(0) | GOSS__OPERAND(1),
    .batch_axes = matmul_batch,
    .vjp = matmul_vjp,
    .slicing = {.slice = matmul_slice},
    .cost = {.flops = matmul_cost, .setup = matmul_setup, .parts = matmul_parts, .wide = true},
    .kernel = {.strided_items = true,
               .plan_size = sizeof(batched),
               .plan = matmul_plan,
               .scratch = matmul_scratch,
               .adds = matmul_adds,
               .run_f32 = matmul_f32,
               .run_f64 = matmul_f64}};
/* The right operand is stored as bfloat16; f32 only, created by the schedule (schedule/bf16.c). */
const goss__op goss__op_matmul_bf16 = {
    .name = "matmul_bf16",
    .attrs = &goss__matmul_attrs,
    .linear = GOSS__OPERAND(0) | GOSS__OPERAND(1),
    .slicing = {.slice = matmul_slice},
    .cost = {.flops = matmul_cost, .setup = matmul_setup, .parts = matmul_parts, .wide = true},
    .kernel = {.strided_items = true,
               .plan_size = sizeof(batched),
               .plan = matmul_plan,
               .scratch = matmul_scratch,
               .adds = matmul_adds,
               .run_f32 = matmul_bf16_f32}};
