/* SPDX-License-Identifier: Apache-2.0 */
/* ranges.c: slices, and operands of concatenations and pads, are aliases. A slice aliases a range of its operand; an
 * operand of a concatenation or a pad is computed in its range of the result: neither is copied. This holds for
 * whatever is contiguous within an item, such as a layer's weights in the numbers generated for a task, and their
 * gradients in the gradient of these. In a unit of several items, aliases have the larger array's stride from item to
 * item, which all readers must accept, and what computes them. The instruction of the slice or the concatenation stays,
 * and does not copy an operand onto itself. */
#include <string.h>

#include "schedule/build.h"

uint32_t goss__memory_of(const goss_schedule *p, uint32_t v, int64_t *offset) {
    int64_t within;
    v = goss__root(p, v, offset);
    while (p->values[v].within >= 0) {
        *offset += p->values[v].within_offset;
        v = goss__root(p, (uint32_t)p->values[v].within, &within);
    }
    return v;
}

/* A phase; whether its units are single items; and the values that are read or computed by calls which need contiguous
 * items. */
typedef struct phase_ranges {
    goss_schedule *p;
    const goss__phase *ph;
    bool single;
    uint8_t *contiguous;
} phase_ranges;

static goss_shape item_shape(const goss_shape *s, goss_extent L) {
    goss_shape item = *s;
    goss_extent rest;
    const int prefix = goss__cut_prefix(s, L, &rest);
    for (int i = 0; i < prefix; i++) item.dim[i] = i + 1 < prefix ? goss_n(1) : rest;
    return item;
}

/* The site of an instruction for one item. shapes: of the result and the operands, which the site refers to. */
static void item_site(const phase_ranges *s, const goss__instr *in, goss_shape *shapes, goss__site *site) {
    goss__value_site(site, s->p, in->value);
    shapes[0] = item_shape(site->out, s->ph->items), site->out = &shapes[0];
    for (int i = 0; i < site->n_in; i++) {
        shapes[i + 1] = in->cut[i] == GOSS__CUT ? item_shape(site->in[i], s->ph->items) : *site->in[i];
        site->in[i] = &shapes[i + 1];
    }
}

/* The value behind v's reshapes; -1: v is a part of it, or has other items. */
static int64_t whole_behind(const goss_schedule *p, uint32_t v) {
    int64_t offset;
    const uint32_t root = goss__root(p, v, &offset);
    return offset == 0 && p->values[root].bytes == p->values[v].bytes ? (int64_t)root : -1;
}

static bool is_free(const phase_ranges *s, uint32_t v) {
    const goss__value *val = &s->p->values[v];
    return val->place == GOSS__AT_PRIVATE && val->phase == s->p->values[s->p->instrs[s->ph->first].value].phase &&
           val->within < 0 && val->arg < 0 && !s->contiguous[v];
}

static void make_alias(goss_schedule *p, uint32_t v, uint32_t of, int64_t offset) {
    p->values[v].within = of, p->values[v].within_offset = offset;
}

/* A slice. What is updated in place is not its array: the update may come before the slice's readers. */
static void alias_slice(const phase_ranges *s, const goss__instr *in, const goss__site *site) {
    const goss_schedule *p = s->p;
    const int64_t of = whole_behind(p, p->values[in->value].in[0]);
    if (of < 0 || in->cut[0] != GOSS__CUT || !is_free(s, in->value)) return;
    const goss__place place = p->values[of].place;
    if (place != GOSS__AT_PRIVATE && place != GOSS__AT_SHARED && place != GOSS__AT_INPUT) return;
    const int64_t offset = site->op->slicing.alias_offset ? site->op->slicing.alias_offset(site) : 0;
    if (offset >= 0) make_alias(s->p, in->value, (uint32_t)of, offset);
}

/* The operands of a concatenation or a pad. */
static void alias_parts(const phase_ranges *s, const goss__instr *in, const goss__site *site) {
    if (in->batched) return;
    for (int i = 0; i < site->n_in; i++) {
        const int64_t part = whole_behind(s->p, s->p->values[in->value].in[i]);
        if (part < 0 || in->cut[i] != GOSS__CUT || !is_free(s, (uint32_t)part)) continue;
        const int64_t offset = site->op->slicing.part_offset(site, i);
        if (offset >= 0) make_alias(s->p, (uint32_t)part, in->value, offset);
    }
}

/* Whether items of v can be strided: they are its leading axes. */
static bool has_items_in_front(const phase_ranges *s, uint32_t v) {
    goss_extent rest;
    return goss__cut_prefix(&s->p->values[v].node->shape, s->ph->items, &rest) > 0 && goss_extent_is(rest, 1);
}

/* Whether the call takes operand v with strided items, through broadcasts and reshapes. */
static bool takes_strided(const phase_ranges *s, const goss__op *op, uint32_t v) {
    const goss_schedule *p = s->p;
    if (!op->kernel.strided_items && !op->kernel.views) return false;
    if (p->values[v].place == GOSS__AT_VIEW && p->values[p->values[v].in[0]].place == GOSS__AT_VIEW) return false;
    return has_items_in_front(s, v) &&
           (p->values[v].place != GOSS__AT_VIEW || takes_strided(s, op, p->values[v].in[0]));
}

static void mark_contiguous(const phase_ranges *s) {
    const goss_schedule *p = s->p;
    for (uint32_t k = s->ph->first; k < s->ph->first + s->ph->count; k++) {
        const goss__instr *in = &p->instrs[k];
        const goss__value *v = &p->values[in->value];
        for (int i = 0; i < v->n_in; i++)
            if (in->batched || (!s->single && !takes_strided(s, v->op, v->in[i])))
                s->contiguous[goss__source(p, v->in[i])] = 1;
        if (in->batched || (!s->single && !(v->op->kernel.strided_items && has_items_in_front(s, in->value))))
            s->contiguous[in->value] = 1;
    }
}

static bool has_single_units(const goss_schedule *p, const goss__phase *ph) {
    int64_t counts[GOSS__MAX_SYMBOLS];
    goss__symbol_maxima(&p->symbols, counts);
    return goss__unit_items(ph, goss__extent_eval(ph->items, counts)) == 1; /* and for fewer items */
}

void goss__place_ranges(goss__builder *b) {
    goss_schedule *p = b->p;
    memset(b->in_phase, 0, p->n_values);
    for (uint32_t f = 0; f < p->n_phases; f++) {
        const phase_ranges s = {p, &p->phases[f], has_single_units(p, &p->phases[f]), b->in_phase};
        if (goss_extent_is(s.ph->items, 1)) continue;
        mark_contiguous(&s);
        for (uint32_t k = s.ph->first; k < s.ph->first + s.ph->count; k++) {
            const goss__op *op = p->values[p->instrs[k].value].op;
            goss_shape shapes[1 + GOSS__MAX_IN];
            goss__site site;
            if (!op->slicing.alias && !op->slicing.part_offset) continue;
            item_site(&s, &p->instrs[k], shapes, &site);
            if (op->slicing.alias)
                alias_slice(&s, &p->instrs[k], &site);
            else
                alias_parts(&s, &p->instrs[k], &site);
        }
    }
}
