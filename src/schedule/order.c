/* SPDX-License-Identifier: Apache-2.0 */
/* order.c: lists the instructions of each phase in an order that puts readers next to their operands, so that
 * elementwise instructions form chains. With `order` disabled it is the order of the program. */
#include <string.h>

#include "base/alloc.h"
#include "graph/cost_model.h"
#include "schedule/build.h"

/* Whether all operands of v are placed in the phase's order. */
static bool placed_before(const goss_schedule *p, const uint8_t *waiting, uint32_t v) {
    for (int i = 0; i < p->values[v].n_in; i++) {
        if (waiting[goss__source(p, p->values[v].in[i])]) return false;
    }
    return true;
}

static bool reads_any(const goss_schedule *p, const goss__value *v, const uint32_t *values, uint32_t n) {
    for (int i = 0; i < v->n_in; i++)
        for (uint32_t k = 0; k < n; k++)
            if (goss__source(p, v->in[i]) == values[k]) return true;
    return false;
}

/* The chain of elementwise instructions order[first .. end - 1] of one shape, and the next candidate. */
typedef struct chain {
    uint32_t *order, first, end, n;
} chain;

static bool goes_on(const goss_schedule *p, const chain *c, const uint8_t *waiting, uint32_t j) {
    const goss__value *v = &p->values[c->order[j]], *last = &p->values[c->order[c->end - 1]];
    if (!v->op->elementwise || !goss_shape_equal(v->node->shape, last->node->shape) ||
        !placed_before(p, waiting, c->order[j]))
        return false;
    if (j > c->end && v->copy_of >= 0) return false; /* rematerialised for its reader, and stays there */
    return j == c->end || reads_any(p, v, c->order + c->first, c->end - c->first);
}

/* Instructions with small results are hoisted before one with a large result, so that they do not interrupt a chain. */
static bool goes_ahead(const goss_schedule *p, const chain *c, const uint8_t *waiting, uint32_t j) {
    const goss__value *v = &p->values[c->order[j]], *next = &p->values[c->order[c->end]];
    return v->op->elementwise && next->bytes >= GOSS__COST_AHEAD_BYTES &&
           v->bytes * GOSS__COST_AHEAD_RATIO <= next->bytes && placed_before(p, waiting, c->order[j]);
}

/* The index of the best next instruction. */
static uint32_t next_of(const goss_schedule *p, const chain *c, const uint8_t *waiting) {
    const uint32_t end = c->n - c->end > GOSS__COST_LOOK_AHEAD ? c->end + GOSS__COST_LOOK_AHEAD : c->n;
    for (uint32_t j = c->end; c->end > c->first && j < end; j++)
        if (goes_on(p, c, waiting, j)) return j;
    for (uint32_t j = c->end; j < end; j++)
        if (goes_ahead(p, c, waiting, j)) return j;
    return c->end;
}

/* Results of a scan directly follow it, since it computes them. */
static void group_results(const goss_schedule *p, uint32_t *order, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t to = i + 1;
        for (uint32_t j = to; j < n && p->values[order[i]].loop; j++) {
            const uint32_t v = order[j];
            if (p->values[v].result_of != (int64_t)order[i]) continue;
            memmove(order + to + 1, order + to, (j - to) * sizeof *order);
            order[to++] = v;
        }
    }
}

/* Elementwise instructions are placed next to their operands of the same shape, as far as dependences allow, for
 * chain.c. */
void goss__order_values(goss__builder *b, uint32_t *order, uint32_t n) {
    const goss_schedule *p = b->p;
    uint8_t *waiting = b->in_phase; /* zero between phases */
    chain c = {.order = order, .n = n};
    const bool as_built = goss__has_pass(p->off, GOSS__PASS_ORDER);
    for (uint32_t i = 0; i < n && !as_built; i++) waiting[order[i]] = 1;
    for (; c.end < n && !as_built; c.end++) {
        const uint32_t pick = next_of(p, &c, waiting), v = order[pick];
        memmove(order + c.end + 1, order + c.end, (pick - c.end) * sizeof *order);
        order[c.end] = v;
        waiting[v] = 0;
        if (!p->values[v].op->elementwise)
            c.first = c.end + 1;
        else if (c.end > c.first &&
                 !goss_shape_equal(p->values[v].node->shape, p->values[order[c.end - 1]].node->shape))
            c.first = c.end;
    }
    group_results(p, order, n);
}

/* Large addends have fewer slots, which would otherwise dominate a program's memory and leave the caches. */
static void note_partial(goss__phase *ph, size_t bytes) {
    ph->addend_bytes += bytes;
    if (ph->slots == 0) ph->slots = GOSS__SLOTS;
    while (ph->slots > GOSS__SLOTS_LEAST && (size_t)ph->slots * ph->addend_bytes > GOSS__SLOTS_BYTES) ph->slots /= 2;
}

static goss_status add_instr(goss__builder *b, goss__phase *ph, uint32_t value, goss_error *err) {
    goss_schedule *p = b->p;
    goss__value *v = &p->values[value];
    goss__cut *cut = goss__arena_alloc(&p->arena, (size_t)v->n_in * sizeof *cut);
    if (!cut) return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    goss__slice_rule(p, value, ph->items, cut);
    if (v->partial) note_partial(ph, v->bytes);
    v->instr = p->n_instrs;
    p->instrs[p->n_instrs++] = (goss__instr){.value = value, .cut = cut};
    return GOSS_OK;
}

/* Renumbers phase `from` as `to`, unless it is empty. */
static goss_status fill_phase(goss__builder *b, uint32_t from, const uint32_t *members, uint32_t n, uint32_t *to,
                              goss_error *err) {
    goss_schedule *p = b->p;
    goss__phase ph = {.items = p->phases[from].items, .first = p->n_instrs, .count = n};
    if (n == 0) return GOSS_OK;
    memcpy(b->order, members, n * sizeof *members);
    goss__order_values(b, b->order, ph.count);
    for (uint32_t i = 0; i < ph.count; i++) {
        GOSS_TRY(add_instr(b, &ph, b->order[i], err));
        p->values[b->order[i]].phase = (int32_t)*to;
    }
    ph.parts = ph.count == 1 && goss_extent_is(ph.items, 1) && p->values[b->order[0]].op->cost.parts != NULL;
    p->phases[(*to)++] = ph;
    return GOSS_OK;
}

goss_status goss__order_phases(goss__builder *b, goss_error *err) {
    uint32_t n = 0, *from, *members;
    const uint32_t n_phases = b->p->n_phases;
    memset(b->in_phase, 0, b->p->n_values);
    goss_status s = goss__find_members(b->p, &from, &members)
                        ? GOSS_OK
                        : goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory");
    for (uint32_t f = 0; f < n_phases && s == GOSS_OK; f++)
        s = fill_phase(b, f, members + from[f], from[f + 1] - from[f], &n, err);
    goss__free(from), goss__free(members);
    b->p->n_phases = n;
    b->p->ordered = true;
    return s;
}
