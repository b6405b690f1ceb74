/* SPDX-License-Identifier: Apache-2.0 */
/* chain_find.c: properties of chains independent of counts: which adjacent instructions may run block by block
 * (runtime/chain.c), and which of their results need only a block. */
#include "graph/cost_model.h"
#include "schedule/schedule.h"

_Static_assert((int)GOSS__COST_CHAIN_WORTH <= (int)GOSS__COST_BLOCK, "a unit that is no chain has less than a block");

static bool is_link(const goss_schedule *p, uint32_t k, uint32_t of) {
    const goss__value *v = &p->values[p->instrs[k].value], *like = &p->values[p->instrs[of].value];
    return v->op->elementwise && goss_shape_equal(v->node->shape, like->node->shape);
}

void goss__chain_around(const goss_schedule *p, const goss__phase *ph, uint32_t k, int64_t *from, int64_t *to) {
    *from = *to = k;
    if (goss__goes_along(p, ph, k)) ++*to;
    if (k > ph->first && goss__goes_along(p, ph, k - 1)) --*from;
    if (!p->values[p->instrs[k].value].op->elementwise) return;
    while (*from > ph->first && is_link(p, (uint32_t)*from - 1, k)) --*from;
    while (*to + 1 < ph->first + ph->count && is_link(p, (uint32_t)*to + 1, k)) ++*to;
}

/* Whether operand u of an elementwise instruction is, for any counts, an array like the result, one row, or one number,
 * which runtime/chain.c always accepts. */
static bool is_plain(const goss_schedule *p, uint32_t u) {
    int64_t offset;
    const uint32_t array = goss__source(p, u);
    if (goss__memory_of(p, array, &offset) != array) return false; /* its items are strided */
    if (p->values[u].place != GOSS__AT_VIEW) return true;
    const goss_shape *source = &p->values[p->values[u].in[0]].node->shape;
    for (int i = 0; i + 1 < source->rank; i++)
        if (!goss_extent_is(source->dim[i], 1)) return false;
    return true;
}

bool goss__is_one_chain(const goss_schedule *p, int64_t from, int64_t to) {
    const uint32_t count = (uint32_t)(to - from + 1);
    if (count < 2 || count > GOSS__COST_CHAIN_STEPS || p->options.no_tiles) return false; /* disables chains */
    for (uint32_t j = (uint32_t)from; j <= (uint32_t)to; j++) {
        const goss__value *v = &p->values[p->instrs[j].value];
        if (!v->op->elementwise || v->n_in > 3 || p->instrs[j].whole != p->instrs[from].whole) return false;
        for (int i = 0; i < v->n_in; i++)
            if (!is_plain(p, v->in[i])) return false;
    }
    return true;
}

size_t goss__block_bytes(const goss_schedule *p, uint32_t k) {
    const goss__value *v = &p->values[p->instrs[k].value];
    const goss_shape *s = &v->node->shape;
    int64_t counts[GOSS__MAX_SYMBOLS];
    goss__symbol_maxima(&p->symbols, counts);
    const int64_t row = s->rank ? goss__extent_eval(s->dim[s->rank - 1], counts) : 1;
    return (size_t)(row > GOSS__COST_BLOCK ? row : GOSS__COST_BLOCK) * goss__elem_size(p, v);
}
