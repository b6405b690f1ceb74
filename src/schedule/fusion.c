/* SPDX-License-Identifier: Apache-2.0 */
/* fusion.c: the table of fusions. A root is the operation whose loop remains; fused neighbours are computed in that
 * loop and not materialised. fuse.c fuses a root with its prologue or epilogue; bf16.c uses the table for conversions
 * as prologues, units.c for instructions beside a root.
 *
 * Elementwise chains have no root, and any two adjacent elementwise instructions of one shape are linked: chain_find.c
 * determines which run block by block, kernel/fused.def which sequences are one loop over registers. */
#include "schedule/fusion.h"

#include "ops/attrs.h"
#include "ops/ops.h"

/* A sum is fused with a product of two arrays of one shape, not of broadcast operands. */
static bool are_dense(const goss_schedule *p, uint32_t root, uint32_t product, uint32_t *in) {
    for (int i = 0; i < 2; i++) {
        const goss__value *f = &p->values[in[i]];
        if (f->place == GOSS__AT_VIEW || !goss_shape_equal(f->node->shape, p->values[product].node->shape))
            return false;
    }
    return true;
}

/* Whether axes are consecutive: adding the lowest bit carries through all of them. */
static bool are_consecutive(uint32_t axes) { return axes && (axes & (axes + (axes & -axes))) == 0; }

/* x - m, with one m per sum: the sum of squares is computed from x and m. */
static bool is_deviation(const goss_schedule *p, uint32_t root, uint32_t difference, uint32_t *in) {
    const goss__value *sum = &p->values[root], *spread = &p->values[in[1]];
    if (p->values[in[0]].place == GOSS__AT_VIEW || spread->place != GOSS__AT_VIEW) return false;
    in[1] = spread->in[0];
    return are_consecutive((uint32_t)GOSS__ATTR(sum->node, reduce)->axes) &&
           goss_shape_equal(p->values[in[1]].node->shape, sum->node->shape);
}

static bool always(const goss_schedule *p, uint32_t root, uint32_t neighbour, uint32_t *in) { return true; }

/* A matrix product that yields addends of a sum over items, slot by slot. */
static bool sums_items(const goss__value *product) {
    const goss_shape *s = &product->node->shape;
    const goss__matmul_attr *attr = GOSS__ATTR(product->node, matmul);
    bool shared = attr->transpose_a && !attr->transpose_b;
    for (int i = 0; i < s->rank - 2; i++) shared &= goss_extent_is(s->dim[i], 1);
    return shared;
}

/* An addend of a product, in its epilogue: its last axis is not broadcast. */
static bool is_addend(const goss_schedule *p, uint32_t root, uint32_t sum, uint32_t *in) {
    const goss__value *product = &p->values[root], *other = &p->values[in[2]];
    const goss_shape *out = &product->node->shape;
    if (product->n_in != 2 || sums_items(product)) return false;
    if (other->place != GOSS__AT_VIEW) return true;
    const goss_shape *source = &p->values[other->in[0]].node->shape;
    return source->rank == out->rank && goss_extent_equal(source->dim[out->rank - 1], out->dim[out->rank - 1]);
}

#define EW(name) &goss__op_ew[GOSS__EW_##name]
#define OP(name) &goss__op_##name
#define NONE NULL
/* off, side, root, neighbour, fused, operands replaced, repeatable, fits */
#define ROW(off, side, ...)                                                                                            \
    { GOSS__PASS_##off, GOSS__##side, __VA_ARGS__ }

static const goss__fusion fusions[] = {
    /* The sum of a b, without materialising the product. */
    ROW(FUSE_SUM, PROLOGUE, OP(sum), {EW(mul), EW(square)}, OP(sum_product), 1, true, are_dense),
    /* The sum of (x - m)^2, with one m per sum. */
    ROW(FUSE_SUM, PROLOGUE, OP(sum_product), {EW(sub)}, OP(sum_deviation), 2, false, is_deviation),
    /* a b + c. */
    ROW(FUSE_ADD, PROLOGUE, EW(add), {EW(mul), EW(square)}, EW(mul_add), 1, false, always),
    /* A matrix product and an addend. */
    ROW(FUSE_ADDEND, EPILOGUE, OP(matmul), {EW(add)}, NONE, 0, false, is_addend),
    ROW(FUSE_ADDEND, EPILOGUE, OP(matmul_bf16), {EW(add)}, NONE, 0, false, is_addend),
    /* A product with weights stored as bfloat16: bf16.c. */
    ROW(BF16_PRODUCT, PROLOGUE, OP(matmul), {OP(widen)}, OP(matmul_bf16), 1, true, NONE),
    /* The index of a pool's largest tap, and that tap: units.c. */
    ROW(FUSE_ALONG, BESIDE, OP(pool_argmax), {OP(pool_gather)}, NONE, 0, false, NONE),
};
enum { FUSIONS = sizeof fusions / sizeof *fusions };

const goss__fusion *goss__fusion_at(int i) { return i < FUSIONS ? &fusions[i] : NULL; }

const goss__fusion *goss__fusion_find(goss__passes off, goss__side side, const goss__op *root,
                                      const goss__op *neighbour) {
    for (int i = 0; i < FUSIONS; i++) {
        const goss__fusion *f = &fusions[i];
        if (f->side == side && f->root == root && (f->neighbour[0] == neighbour || f->neighbour[1] == neighbour))
            return goss__has_pass(off, f->off) ? NULL : f;
    }
    return NULL;
}
