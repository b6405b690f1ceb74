/* SPDX-License-Identifier: Apache-2.0 */
/* units.c: the traversal of a phase's items: sizes of units and tiles, pipelines, and fused calls; used by memory
 * planning at the maxima and by the runtime for fewer items. */
#include "graph/cost_model.h"
#include "schedule/fusion.h"

static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t goss__unit_items(const goss__phase *ph, int64_t items) {
    if (goss_extent_is(ph->items, 1)) return 1;
    /* A unit's results should stay in a core's L2, there should be enough units for load balancing, and a unit must be
     * worth its dispatch. All bounds are monotone in items, so that a plan for the maximum is valid for less. */
    int64_t cache = (int64_t)(GOSS__COST_UNIT_BYTES / (ph->item_bytes > 1 ? ph->item_bytes : 1)),
            share = up(items, GOSS__COST_UNITS);
    int64_t worth = (int64_t)(GOSS__COST_UNIT_WORTH / (ph->item_cost > 1e-3 ? ph->item_cost : 1e-3)) + 1;
    if (share < ph->least) share = ph->least;
    int64_t unit = cache < share ? cache : share;
    if (unit < worth) unit = worth;
    if (unit < 1) unit = 1;
    return at_most(unit, items);
}

/* The most items of a tile: a slot's share, or what leaves enough tiles for load balancing. */
static int64_t tile_share(const goss__phase *ph, int64_t items) {
    return up(items, ph->slots ? GOSS__SLOTS : GOSS__COST_UNITS);
}

/* The items of a tile before rounding to units: as many as preferred, at most its share. */
static int64_t most_items(const goss__phase *ph, int64_t items) {
    return at_most(at_most((int64_t)ph->batch, items) + 1, tile_share(ph, items));
}

int64_t goss__tile_items(const goss__phase *ph, int64_t items) {
    const int64_t unit = goss__unit_items(ph, items), most = most_items(ph, items), share = tile_share(ph, items);
    if (ph->batch <= 0 || most <= unit) return unit;
    return up(up(share, up(share, most)), unit) * unit; /* its share, in equal tiles */
}

int64_t goss__tile_bound(const goss__phase *ph, int64_t items) {
    return ph->batch > 0 ? most_items(ph, items) + goss__unit_items(ph, items) : goss__unit_items(ph, items);
}

void goss__pipeline_of(const goss_schedule *p, const goss__phase *ph, uint32_t k, uint32_t *from, uint32_t *to) {
    *from = *to = k;
    if (p->instrs[k].batched) return;
    while (*from > ph->first && !p->instrs[*from - 1].batched) --*from;
    while (*to + 1 < ph->first + ph->count && !p->instrs[*to + 1].batched) ++*to;
}

bool goss__goes_along(const goss_schedule *p, const goss__phase *ph, uint32_t k) {
    if (k + 1 >= ph->first + ph->count || p->precision != GOSS_F32 || p->options.no_tiles) return false;
    const goss__instr *first = &p->instrs[k], *second = first + 1;
    const goss__value *a = &p->values[first->value], *b = &p->values[second->value];
    if (!a->op->kernel.run_along_f32 || !goss__fusion_find(p->off, GOSS__BESIDE, a->op, b->op)) return false;
    return b->in[0] == a->in[0] && b->in[1] == first->value && first->cut[0] == second->cut[0] &&
           first->batched == second->batched;
}
