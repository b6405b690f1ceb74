/* SPDX-License-Identifier: Apache-2.0 */
/* fuse.c: fuses values with the instruction that reads them, or with the one that they read, row by row of the table of
 * fusions (fusion.c), on the schedule's copy of the program, after differentiation. */
#include "base/alloc.h"
#include "schedule/build.h"
#include "schedule/fusion.h"

/* A pass over the values. */
typedef struct fusing {
    goss_schedule *p;
    uint32_t *readers; /* of each value */
    goss_error *err;
} fusing;

static bool is_either(const goss__fusion *f, const goss__op *op) {
    return op == f->neighbour[0] || op == f->neighbour[1];
}

static bool is_one_of_them(const goss__fusion *f, const goss__op *op) {
    return f->side == GOSS__PROLOGUE ? op == f->root : is_either(f, op);
}

static bool is_square(const goss__value *v) { return v->n_in == 1 || v->in[0] == v->in[1]; }

/* v is the only reader of `inner`, or other readers keep it. */
static bool may_go(const fusing *c, const goss__fusion *f, uint32_t v, uint32_t inner) {
    const goss__value *reader = &c->p->values[v];
    int places = 0;
    for (int i = 0; i < reader->n_in; i++) places += reader->in[i] == inner;
    if (places != (f->side == GOSS__PROLOGUE ? f->replaced : 1)) return false;
    return (f->repeatable && is_square(&c->p->values[inner])) ||
           (c->readers[inner] == (uint32_t)places && !goss__is_output(c->p, inner));
}

/* The operands of the fused instruction; returns their number. */
static int operands_of(const goss_schedule *p, const goss__fusion *f, uint32_t v, uint32_t inner, uint32_t *in) {
    const goss__value *own = &p->values[inner], *reader = &p->values[v];
    int n = 0;
    for (int i = 0; i < own->n_in; i++) in[n++] = own->in[i];
    if (f->side == GOSS__PROLOGUE && own->n_in == 1) in[n++] = own->in[0];
    for (int i = 0; i < reader->n_in; i++)
        if (reader->in[i] != inner) in[n++] = reader->in[i];
    return n;
}

/* v computes op of `in`, with the attributes of `like`, including `inner`. */
static goss_status merge(fusing *c, uint32_t v, uint32_t inner, const goss__op *op, const goss__node *like,
                         const uint32_t *in, int n) {
    goss_schedule *p = c->p;
    goss__value *value = &p->values[v], *swallowed = &p->values[inner];
    goss__node *node = goss__arena_alloc(&p->arena, sizeof *node);
    uint32_t *copy = goss__arena_alloc(&p->arena, (size_t)n * sizeof *copy);
    if (!node || !copy) return goss_error_set(c->err, GOSS_E_NOMEM, "compile: out of memory");
    for (int i = 0; i < value->n_in; i++) c->readers[value->in[i]]--;
    for (int i = 0; i < n; i++) c->readers[copy[i] = in[i]]++;
    *node = *value->node;
    node->op = value->op = op;
    node->attr = like->attr;
    node->in = value->in = copy;
    node->n_in = value->n_in = (uint16_t)n;
    value->node = node;
    if (c->readers[inner] > 0 || goss__is_output(p, inner)) return GOSS_OK;
    swallowed->place = GOSS__AT_MERGED;
    for (int i = 0; i < swallowed->n_in; i++) c->readers[swallowed->in[i]]--;
    return GOSS_OK;
}

/* Fuses v with one of its operands by that row, if it matches. */
static goss_status try_row(fusing *c, const goss__fusion *f, uint32_t v) {
    const goss_schedule *p = c->p;
    for (int i = 0; i < p->values[v].n_in; i++) {
        const uint32_t inner = p->values[v].in[i];
        const goss__op *op = p->values[inner].op;
        const bool prologue = f->side == GOSS__PROLOGUE;
        uint32_t in[2 * GOSS__MAX_IN];
        if (!goss__is_instr(&p->values[inner]) || (prologue ? !is_either(f, op) : op != f->root)) continue;
        if (!may_go(c, f, v, inner)) continue;
        const uint32_t root = prologue ? v : inner;
        const int n = operands_of(p, f, v, inner, in);
        if (f->fits(p, root, prologue ? inner : v, in))
            return merge(c, v, inner, f->fused ? f->fused : op, p->values[root].node, in, n);
    }
    return GOSS_OK;
}

static goss_status fuse_value(fusing *c, uint32_t v) {
    const goss__fusion *f;
    for (int i = 0; (f = goss__fusion_at(i)); i++) {
        if (!f->fits || goss__has_pass(c->p->off, f->off) || !is_one_of_them(f, c->p->values[v].op)) continue;
        GOSS_TRY(try_row(c, f, v));
    }
    return GOSS_OK;
}

/* Canonical order of factors, bit-identically: a broadcast operand after an array, so that one row of kernel/fused.def
 * matches all such chains. */
static void order_factors(const goss_schedule *p, uint32_t v) {
    const goss__value *value = &p->values[v];
    if (!value->op->commutative && value->op != &goss__op_ew[GOSS__EW_mul_add]) return;
    uint32_t *in = (uint32_t *)(uintptr_t)value->in; /* owned by the schedule */
    if (p->values[in[0]].place != GOSS__AT_VIEW || p->values[in[1]].place == GOSS__AT_VIEW) return;
    const uint32_t first = in[0];
    in[0] = in[1], in[1] = first;
}

goss_status goss__fuse(goss_schedule *p, goss_error *err) {
    fusing c = {.p = p, .err = err, .readers = goss__calloc(p->n_values + 1u, sizeof *c.readers)};
    if (!c.readers) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    for (uint32_t v = 0; v < p->n_values; v++)
        for (int i = 0; i < p->values[v].n_in; i++) c.readers[p->values[v].in[i]]++;
    goss_status s = GOSS_OK;
    for (uint32_t v = 0; v < p->n_values && s == GOSS_OK; v++)
        if (goss__is_instr(&p->values[v])) s = fuse_value(&c, v);
    for (uint32_t v = 0; v < p->n_values; v++)
        if (goss__is_instr(&p->values[v])) order_factors(p, v);
    goss__free(c.readers);
    return s;
}
