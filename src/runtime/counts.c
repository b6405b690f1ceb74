/* SPDX-License-Identifier: Apache-2.0 */
/* counts.c: resolves shapes, addresses and call plans when counts change. */
#include <string.h>

#include "graph/cost_model.h"
#include "runtime/exec.h"

static void resolve_phase(goss_exec *e, uint32_t f) {
    const goss__phase *ph = &e->schedule->phases[f];
    goss__phase_run *r = &e->phase_runs[f];
    r->items = goss__extent_eval(ph->items, e->counts);
    r->unit = goss__unit_items(ph, r->items);
    r->tile = goss__tile_items(ph, r->items);
    r->tiles = (r->items + r->tile - 1) / r->tile;
    r->groups = r->tiles;
    r->tiles_a_group = 1;
    if (ph->slots && r->tiles > ph->slots) {
        r->tiles_a_group = (r->tiles + ph->slots - 1) / ph->slots;
        r->groups = (r->tiles + r->tiles_a_group - 1) / r->tiles_a_group;
    }
    r->parallel = r->groups > 1 && ph->item_cost * (double)r->items > GOSS__COST_PARALLEL;
}

/* The address of a sliced operand advances with the units; in the private arena only if it has a whole tile. */
static void place_operand(goss_exec *e, uint32_t v, bool cut, int64_t items, int64_t unit, goss__place_at *at) {
    const goss_schedule *p = e->schedule;
    int64_t elements, aliased;
    const uint32_t root = goss__memory_of(p, v, &elements), own = goss__root(p, v, &aliased);
    goss__tensor whole;
    goss__resolve(p, root == own ? v : root, e->counts, goss_n(1), 0, &whole);
    int64_t size = (int64_t)goss__elem_size(p, &p->values[root]);
    *at = (goss__place_at){.storage = root, .offset = elements * size, .arg = p->values[root].arg};
    if (at->arg >= 0) return; /* the address is supplied by the call */
    at->is_private = p->values[root].place == GOSS__AT_PRIVATE;
    if (at->is_private) at->offset += (int64_t)p->values[root].offset;
    if (cut && (!at->is_private || p->values[root].whole_tile)) at->step = whole.numel / items * unit * size;
}

/* The plan for shapes i of a step: 0 a full unit, 1 the last one. */
static void plan_step(goss__step *s, goss__shapes *shapes, int i) {
    if (!s->plans) return;
    shapes->plan = s->plans + (size_t)i * goss__round64(s->value->op->kernel.plan_size);
    s->value->op->kernel.plan(shapes, shapes->plan);
}

/* Tensors and addresses of an instruction; L = 1 for constants and serial phases. */
static void resolve_step(goss_exec *e, uint32_t k, goss_extent L, const goss__phase_run *r) {
    const goss_schedule *p = e->schedule;
    const goss__instr *in = &p->instrs[k];
    const goss__value *v = &p->values[in->value];
    goss__step *s = &e->steps[k];
    const bool addend = v->partial || in->addend;
    if (in->whole) L = goss_n(1);
    s->batched = in->batched, s->adds = in->adds;
    if (s->attr) goss__attrs_resolve(v->op->attrs, v->node->attr, e->counts, s->attr); /* plans may read them */
    const int64_t unit = s->batched ? r->tile : r->unit, last = r->items - (r->items - 1) / unit * unit;
    for (int j = 0; j < 2; j++) {
        int64_t n = goss_extent_is(L, 1) ? 0 : j ? last : unit;
        goss__tensor *t = s->tensors + j * (1 + v->n_in);
        goss__resolve(p, in->value, e->counts, L, addend ? 0 : n, &t[0]);
        for (int i = 0; i < v->n_in; i++) {
            uint32_t source;
            goss__cut cut;
            goss__resolve_operand(p, v->in[i], in->cut[i], e->counts, L, n, &t[i + 1], &source, &cut);
            place_operand(e, source, cut == GOSS__CUT && n > 0, r->items, unit, &s->at[i + 1]);
        }
        plan_step(s, &s->shapes[j], j);
    }
    place_operand(e, in->value, !addend && !goss_extent_is(L, 1), r->items, unit, &s->at[0]);
    goss__tensor whole;
    goss__resolve(p, in->value, e->counts, goss_n(1), 0, &whole);
    s->first_step = addend || in->whole ? 0 : whole.numel / r->items * unit;
}

/* Tables of a phase's instructions. */
static void resolve_steps(goss_exec *e, uint32_t f) {
    const goss_schedule *p = e->schedule;
    const goss__phase *ph = &p->phases[f];
    uint32_t from = 0, to = 0;
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        resolve_step(e, k, ph->items, &e->phase_runs[f]);
        if (k == ph->first || k > to) goss__pipeline_of(p, ph, k, &from, &to);
        e->steps[k].pipeline = k == from ? to - from + 1 : 0;
        e->steps[k].along = goss__goes_along(p, ph, k);
    }
    if (!p->options.no_tiles) goss__resolve_chains(e, f);
}

static void resolve_constants(goss_exec *e) {
    const goss__phase_run once = {.items = 1, .unit = 1, .tile = 1, .tiles = 1, .groups = 1, .tiles_a_group = 1};
    for (uint32_t k = 0; k < e->schedule->n_const; k++) resolve_step(e, k, goss_n(1), &once);
}

/* A body's units are those of its scan's phase; constants have a phase of one item. */
static void resolve_bodies(goss_exec *e) {
    for (uint32_t k = 0; k < e->schedule->n_instrs; k++) {
        goss_exec *body = e->steps[k].body;
        if (!body) continue;
        const int32_t f = e->schedule->values[e->schedule->instrs[k].value].phase;
        const goss__phase_run once = {.items = 1, .unit = 1, .tile = 1, .tiles = 1, .groups = 1, .tiles_a_group = 1};
        memcpy(body->counts, e->counts, sizeof body->counts);
        body->repeats =
            e->repeats * goss__loop_steps(e->schedule->values[e->schedule->instrs[k].value].loop, e->counts);
        resolve_constants(body);
        for (uint32_t g = 0; g < body->schedule->n_phases; g++) {
            body->phase_runs[g] = f >= 0 ? e->phase_runs[f] : once;
            resolve_steps(body, g);
        }
        resolve_bodies(body);
    }
}

void goss__exec_resolve(goss_exec *e) {
    const goss_schedule *p = e->schedule;
    resolve_constants(e);
    for (uint32_t f = 0; f < p->n_phases; f++) {
        resolve_phase(e, f);
        resolve_steps(e, f);
        goss__phase_run *r = &e->phase_runs[f];
        const goss__phase *ph = &p->phases[f];
        r->parts =
            ph->parts ? e->steps[ph->first].value->op->cost.parts(&e->steps[ph->first].shapes[0], e->n_threads) : 1;
    }
    resolve_bodies(e);
    e->dirty = false;
}
