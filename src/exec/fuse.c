/* fuse.c: values that are merged into their only reader, on the program's own copy of the graph, after differentiation. */
#include "base/alloc.h"
#include "base/disable.h"
#include "exec/build.h"

/* v is a product of two arrays of its own shape: which. */
static bool is_product(const goss_program *p, uint32_t v, uint32_t factor[2]) {
    const goss__value *val = &p->values[v];
    const bool square = val->op == &goss__op_ew[GOSS__EW_square];
    if (!square && val->op != &goss__op_ew[GOSS__EW_mul]) return false;
    factor[0] = val->in[0], factor[1] = val->in[square ? 0 : 1];
    for (int i = 0; i < 2; i++) {
        const goss__value *f = &p->values[factor[i]];
        if (f->place == GOSS__AT_VIEW || !goss_shape_equal(f->node->shape, val->node->shape)) return false;
    }
    return true;
}

static goss_status merge(goss_program *p, uint32_t sum, uint32_t product, const uint32_t factor[2], goss_error *err) {
    goss__value *v = &p->values[sum];
    goss__node *node = goss__arena_alloc(&p->arena, sizeof *node);
    uint32_t *in = goss__arena_alloc(&p->arena, 2 * sizeof *in);
    if (!node || !in) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    in[0] = factor[0], in[1] = factor[1];
    *node = *v->node;
    node->op = v->op = &goss__op_sum_product;
    node->in = v->in = in;
    node->n_in = v->n_in = 2;
    v->node = node;
    p->symbols->nodes[sum] = node;
    p->values[product].place = GOSS__AT_MERGED;
    return GOSS_OK;
}

static goss_status fuse_sums(goss_program *p, const uint32_t *readers, goss_error *err) {
    for (uint32_t v = 0; v < p->n_values; v++) {
        uint32_t factor[2];
        const goss__value *val = &p->values[v];
        if (!goss__is_instr(val) || val->op != &goss__op_sum) continue;
        const uint32_t product = val->in[0];
        if (readers[product] != 1 || !goss__is_instr(&p->values[product]) || goss__is_output(p, product)) continue;
        if (is_product(p, product, factor)) GOSS_TRY(merge(p, v, product, factor, err));
    }
    return GOSS_OK;
}

goss_status goss__fuse(goss_program *p, goss_error *err) {
    if (goss__disabled("fuse-sum")) return GOSS_OK;
    uint32_t *readers = goss__calloc(p->n_values + 1u, sizeof *readers);
    if (!readers) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    for (uint32_t v = 0; v < p->n_values; v++)
        for (int i = 0; i < p->values[v].n_in; i++) readers[p->values[v].in[i]]++;
    const goss_status s = fuse_sums(p, readers, err);
    goss__free(readers);
    return s;
}
