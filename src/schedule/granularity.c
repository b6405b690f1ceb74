/* SPDX-License-Identifier: Apache-2.0 */
/* granularity.c: the sizes of units and tiles of a phase, from the live bytes and the cost of an item. */
#include <math.h>

#include "graph/cost_model.h"
#include "schedule/loop.h"

/* Private results that only adjacent elementwise instructions read pass block by block (chain.c) and need no space. */
static void find_passing(goss__builder *b, const goss__phase *ph) {
    const goss_schedule *p = b->p;
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        const goss__value *v = &p->values[p->instrs[k].value];
        b->in_phase[p->instrs[k].value] = v->place == GOSS__AT_PRIVATE && v->op->elementwise;
        for (int i = 0; i < v->n_in; i++) {
            const uint32_t in = goss__source(p, v->in[i]);
            if (!v->op->elementwise || !goss_shape_equal(v->node->shape, p->values[in].node->shape))
                b->in_phase[in] = 0;
        }
    }
}

/* Items per call that an instruction prefers; 0: any. With weights per item, more items save nothing. */
static double wanted_items(const goss__builder *b, const goss__phase *ph, const goss__instr *in, double items) {
    const goss__value *v = &b->p->values[in->value];
    bool shares = v->partial;
    for (int i = 0; i < v->n_in; i++) shares |= in->cut[i] == GOSS__WHOLE;
    if (!shares || goss_extent_is(ph->items, 1) || goss__has_pass(b->p->off, GOSS__PASS_BATCH)) return 0;
    return GOSS__COST_SETUP_RATIO * b->setup[in->value] / (b->cost[in->value] / items + 1);
}

static void find_batched(const goss__builder *b, goss__phase *ph, double items) {
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        const double wanted = wanted_items(b, ph, &b->p->instrs[k], items);
        b->p->instrs[k].batched = wanted > (double)goss__unit_items(ph, (int64_t)items);
        if (b->p->instrs[k].batched && wanted > ph->batch) ph->batch = wanted;
    }
}

static const goss__loop *loop_of(const goss_schedule *p, uint32_t k) { return p->values[p->instrs[k].value].loop; }

static void set_loop_states(const goss_schedule *p, const goss__phase *ph) {
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++)
        if (loop_of(p, k)) goss__loop_states(p, p->instrs[k].value, ph->items);
}

/* The rows of an item that a step of a loop multiplies by a matrix that all items share; 0: it does not. */
static double shared_rows(const goss__loop *l, const int64_t *counts, double items) {
    const goss_schedule *b = l->body;
    for (uint32_t v = 0; v < b->n_values; v++) {
        const goss__value *val = &b->values[v];
        if (val->op != &goss__op_matmul || l->state[v] != GOSS__LOOP_CUT) continue;
        const goss__loop_state right = l->state[goss__source(b, val->in[1])];
        const goss_extent rows = goss__shape_product(&val->node->shape, 0, val->node->shape.rank - 1);
        if (right == GOSS__LOOP_WHOLE || right == GOSS__LOOP_GIVEN)
            return (double)goss__extent_eval(rows, counts) / items;
    }
    return 0;
}

static int64_t least_items(const goss_schedule *p, const goss__phase *ph, const int64_t *counts, double items) {
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        const goss__loop *l = loop_of(p, k);
        const double rows = l ? shared_rows(l, counts, items) : 0;
        if (rows > 0) return (int64_t)ceil(GOSS__COST_LOOP_ROWS / rows);
    }
    return 1;
}

/* The bytes of an item touched by a step of a loop, which stay in the cache while the unit runs all steps. */
static double loop_bytes(const goss_schedule *p, const goss__phase *ph, double items) {
    double most = 0;
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        const goss__loop *l = loop_of(p, k);
        double bytes = 0;
        for (uint32_t v = 0; l && v < l->body->n_values; v++)
            if (goss__is_instr(&l->body->values[v]) && l->state[v] != GOSS__LOOP_WHOLE)
                bytes += (double)l->body->values[v].bytes / items;
        if (bytes > most) most = bytes;
    }
    return most;
}

/* The largest number of live bytes of an item's results. Addends of sums are stored at once. */
static double live_bytes(goss__builder *b, const goss__phase *ph, double items) {
    const goss_schedule *p = b->p;
    const uint32_t end = ph->first + ph->count;
    uint32_t *last = b->order; /* the last reader of each value */
    for (uint32_t k = ph->first; k < end; k++) {
        const goss__value *v = &p->values[p->instrs[k].value];
        last[p->instrs[k].value] = k;
        for (int i = 0; i < v->n_in; i++) last[goss__source(p, v->in[i])] = k;
    }
    double live = 0, most = 0;
    for (uint32_t k = ph->first; k < end; k++) {
        const uint32_t value = p->instrs[k].value;
        const goss__value *v = &p->values[value];
        const double bytes = b->in_phase[value] || v->partial ? 0 : (double)v->bytes / items;
        live += bytes;
        if (live > most) most = live;
        if (last[value] == k) live -= bytes;
        for (int i = 0; i < v->n_in; i++) {
            const uint32_t in = goss__source(p, v->in[i]);
            bool before = false; /* a repeated operand */
            for (int j = 0; j < i; j++) before |= goss__source(p, v->in[j]) == in;
            const goss__value *from = &p->values[in];
            if (before || last[in] != k || from->place != GOSS__AT_PRIVATE || b->in_phase[in]) continue;
            live -= (double)from->bytes / items;
        }
    }
    return most;
}

static void size_phase(goss__builder *b, goss__phase *ph) {
    const goss_schedule *p = b->p;
    int64_t counts[GOSS__MAX_SYMBOLS];
    goss__symbol_maxima(&p->symbols, counts);
    const double items = (double)goss__extent_eval(ph->items, counts);
    find_passing(b, ph);
    set_loop_states(p, ph);
    const double loop = loop_bytes(p, ph, items);
    ph->item_bytes = loop > 0 ? loop : live_bytes(b, ph, items);
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) ph->item_cost += b->cost[p->instrs[k].value] / items;
    ph->least = least_items(p, ph, counts, items);
    find_batched(b, ph, items);
}

void goss__size_phases(goss__builder *b) {
    for (uint32_t f = 0; f < b->p->n_phases; f++) size_phase(b, &b->p->phases[f]);
}
