/* SPDX-License-Identifier: Apache-2.0 */
/* fuse.c: values that are merged into their reader, on the program's own copy of the graph, after differentiation. */
#include "base/alloc.h"
#include "ops/attrs.h"
#include "schedule/build.h"

/* v is a product: of what. */
static bool is_product(const goss_schedule *p, uint32_t v, uint32_t factor[2]) {
    const goss__value *val = &p->values[v];
    const bool square = val->op == &goss__op_ew[GOSS__EW_square];
    if (!goss__is_instr(val) || (!square && val->op != &goss__op_ew[GOSS__EW_mul])) return false;
    factor[0] = val->in[0], factor[1] = val->in[square ? 0 : 1];
    return true;
}

/* What can be summed without becoming an array: a product of two dense ones. */
static bool is_dense(const goss_schedule *p, uint32_t product, const uint32_t factor[2]) {
    for (int i = 0; i < 2; i++) {
        const goss__value *f = &p->values[factor[i]];
        if (f->place == GOSS__AT_VIEW || !goss_shape_equal(f->node->shape, p->values[product].node->shape))
            return false;
    }
    return true;
}

/* `reader` becomes op of `in`, with the attributes of `like`, and swallows `product`, or its share of it. */
static goss_status merge(goss_schedule *p, uint32_t *readers, uint32_t reader, const goss__op *op,
                         const goss__node *like, const uint32_t *in, int n, uint32_t product, goss_error *err) {
    goss__value *v = &p->values[reader];
    goss__node *node = goss__arena_alloc(&p->arena, sizeof *node);
    uint32_t *copy = goss__arena_alloc(&p->arena, (size_t)n * sizeof *copy);
    if (!node || !copy) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    for (int i = 0; i < n; i++) copy[i] = in[i];
    *node = *v->node;
    node->op = v->op = op;
    node->attr = like->attr;
    node->in = v->in = copy;
    node->n_in = v->n_in = (uint16_t)n;
    v->node = node;
    for (int i = 0; i < 2; i++) readers[in[i]]++; /* the factors */
    if (--readers[product] > 0 || goss__is_output(p, product)) return GOSS_OK;
    p->values[product].place = GOSS__AT_MERGED;
    for (int i = 0; i < p->values[product].n_in; i++) readers[p->values[product].in[i]]--;
    return GOSS_OK;
}

static bool has_one_reader(const goss_schedule *p, const uint32_t *readers, uint32_t v) {
    return readers[v] == 1 && !goss__is_output(p, v);
}

static goss_status fuse_sum(goss_schedule *p, uint32_t *readers, uint32_t v, goss_error *err) {
    uint32_t in[2];
    const uint32_t product = p->values[v].in[0];
    if (!is_product(p, product, in) || !is_dense(p, product, in)) return GOSS_OK;
    /* Others may read a square: taking it anew costs the sum nothing. */
    if (!has_one_reader(p, readers, product) && in[0] != in[1]) return GOSS_OK;
    return merge(p, readers, v, &goss__op_sum_product, p->values[v].node, in, 2, product, err);
}

/* Axes one after the other: adding to the lowest carries through all of them. */
static bool is_stretch(uint32_t axes) { return axes && (axes & (axes + (axes & -axes))) == 0; }

/* The sum of squares of x - m, with an m for each sum, is made from x and m: nothing else may read the difference. */
static goss_status fuse_deviation(goss_schedule *p, uint32_t *readers, uint32_t v, goss_error *err) {
    const goss__value *sum = &p->values[v];
    const uint32_t difference = sum->in[0];
    const goss__value *d = &p->values[difference];
    if (sum->op != &goss__op_sum_product || sum->in[1] != difference || readers[difference] != 2 ||
        goss__is_output(p, difference))
        return GOSS_OK;
    if (!goss__is_instr(d) || d->op != &goss__op_ew[GOSS__EW_sub] || p->values[d->in[0]].place == GOSS__AT_VIEW)
        return GOSS_OK;
    const goss__value *spread = &p->values[d->in[1]];
    if (spread->place != GOSS__AT_VIEW || !is_stretch((uint32_t)GOSS__ATTR(sum->node, reduce)->axes)) return GOSS_OK;
    const uint32_t in[2] = {d->in[0], spread->in[0]};
    if (!goss_shape_equal(p->values[in[1]].node->shape, sum->node->shape)) return GOSS_OK;
    readers[difference] = 1; /* v is one reader, though twice */
    return merge(p, readers, v, &goss__op_sum_deviation, sum->node, in, 2, difference, err);
}

static goss_status fuse_add(goss_schedule *p, uint32_t *readers, uint32_t v, goss_error *err) {
    for (int i = 0; i < 2; i++) {
        uint32_t in[3];
        const uint32_t product = p->values[v].in[i];
        if (!has_one_reader(p, readers, product) || !is_product(p, product, in)) continue;
        if (!goss_shape_equal(p->values[product].node->shape, p->values[v].node->shape)) continue;
        in[2] = p->values[v].in[1 - i];
        return merge(p, readers, v, &goss__op_ew[GOSS__EW_mul_add], p->values[v].node, in, 3, product, err);
    }
    return GOSS_OK;
}

/* Whether v can be added to a product's rows on the way: its last axis is not repeated. */
static bool is_addend(const goss_schedule *p, uint32_t v, const goss_shape *out) {
    const goss__value *val = &p->values[v];
    if (!goss_shape_equal(val->node->shape, *out)) return false;
    if (val->place != GOSS__AT_VIEW) return true;
    const goss_shape *source = &p->values[val->in[0]].node->shape;
    return source->rank == out->rank && goss_extent_equal(source->dim[out->rank - 1], out->dim[out->rank - 1]);
}

/* A product of two operands, but not one that gives addends of a sum over items. */
static bool is_matmul(const goss__value *v) {
    if (!goss__is_instr(v) || v->n_in != 2 || (v->op != &goss__op_matmul && v->op != &goss__op_matmul_bf16))
        return false;
    const goss_shape *s = &v->node->shape;
    const goss__matmul_attr *attr = GOSS__ATTR(v->node, matmul);
    bool shared = attr->transpose_a && !attr->transpose_b;
    for (int i = 0; i < s->rank - 2; i++) shared &= goss_extent_is(s->dim[i], 1);
    return !shared;
}

/* The sum becomes the product with a third operand, which the last step of its sums adds. */
static goss_status fuse_addend(goss_schedule *p, uint32_t *readers, uint32_t v, goss_error *err) {
    for (int i = 0; i < 2; i++) {
        const uint32_t product = p->values[v].in[i], other = p->values[v].in[1 - i];
        const goss__value *m = &p->values[product];
        if (!is_matmul(m) || !has_one_reader(p, readers, product)) continue;
        const goss_shape out = p->values[v].node->shape;
        if (product == other || !goss_shape_equal(m->node->shape, out) || !is_addend(p, other, &out)) continue;
        const uint32_t in[3] = {m->in[0], m->in[1], other};
        return merge(p, readers, v, m->op, m->node, in, 3, product, err);
    }
    return GOSS_OK;
}

static goss_status fuse_all(goss_schedule *p, uint32_t *readers, goss_error *err) {
    const bool sums = !goss__has_pass(p->off, GOSS__PASS_FUSE_SUM), adds = !goss__has_pass(p->off, GOSS__PASS_FUSE_ADD),
               addends = !goss__has_pass(p->off, GOSS__PASS_FUSE_ADDEND);
    for (uint32_t v = 0; v < p->n_values; v++) {
        if (!goss__is_instr(&p->values[v])) continue;
        if (sums && p->values[v].op == &goss__op_sum) GOSS_TRY(fuse_sum(p, readers, v, err));
        if (sums) GOSS_TRY(fuse_deviation(p, readers, v, err));
        if (adds && p->values[v].op == &goss__op_ew[GOSS__EW_add]) GOSS_TRY(fuse_add(p, readers, v, err));
        if (addends && p->values[v].op == &goss__op_ew[GOSS__EW_add]) GOSS_TRY(fuse_addend(p, readers, v, err));
    }
    return GOSS_OK;
}

goss_status goss__fuse(goss_schedule *p, goss_error *err) {
    uint32_t *readers = goss__calloc(p->n_values + 1u, sizeof *readers);
    if (!readers) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    for (uint32_t v = 0; v < p->n_values; v++)
        for (int i = 0; i < p->values[v].n_in; i++) readers[p->values[v].in[i]]++;
    const goss_status s = fuse_all(p, readers, err);
    goss__free(readers);
    return s;
}
