/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: executes phases one after the other, tiles of a phase on any thread, instructions of a tile in order, units of
 * a tile one after the other through each pipeline of instructions.
 *
 * A sum over items has a fixed number of slots: consecutive tiles form a group, a group owns a slot, its units are
 * accumulated in order, and the slots are summed in order after the phase. Results are independent of the assignment to
 * threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/str.h"
#include "base/rounding.h"
#include "graph/cost_model.h"
#include "runtime/exec.h"
#include "runtime/profile.h"

/* Passes the units of a tile through the pipeline that begins at instruction k. */
static void run_pipeline(goss_exec *e, uint32_t k, const goss__phase_run *r, int64_t tile, goss__unit u) {
    const int64_t size = e->steps[k].batched ? r->tile : r->unit, first = tile * r->tile / size,
                  end = (r->items + size - 1) / size;
    const bool begins = u.first;
    for (u.index = first; u.index < end && u.index < first + r->tile / size; u.index++) {
        u.place = u.index - first, u.last = u.index == end - 1, u.first = begins && u.place == 0;
        goss__run_unit(e, k, e->steps[k].pipeline, &u);
    }
}

void goss__exec_steps(goss_exec *e, uint32_t phase, int64_t group, int worker) {
    const goss__phase *ph = &e->schedule->phases[phase];
    const goss__phase_run *r = &e->phase_runs[phase];
    int64_t from = group * r->tiles_a_group, to = from + r->tiles_a_group;
    if (to > r->tiles) to = r->tiles;
    for (int64_t tile = from; tile < to; tile++)
        for (uint32_t k = ph->first; k < ph->first + ph->count; k += e->steps[k].pipeline)
            run_pipeline(
                e, k, r, tile,
                (goss__unit){
                    .first = tile == from, .group = group, .worker = worker, .arena = goss__arena_of(e, worker)});
}

/* Constants, which depend on counts alone; those of bodies first. */
static void run_constants(goss_exec *e, char *arena) {
    const goss__unit once = {.last = true, .first = true, .arena = arena};
    char *const own = e->arenas; /* a body has no arenas */
    for (uint32_t k = 0; k < e->schedule->n_instrs; k++)
        if (e->steps[k].body) run_constants(e->steps[k].body, arena);
    e->arenas = arena;
    goss__run_unit(e, 0, e->schedule->n_const, &once);
    e->arenas = own;
}

/* ---- regions ---- */

typedef struct region {
    goss_exec *e;
    uint32_t phase;
} region;

static void region_group(void *ctx, int64_t group, int worker) {
    const region *r = ctx;
    goss__exec_steps(r->e, r->phase, group, worker);
}

static void region_part(void *ctx, int64_t part, int worker) {
    const region *r = ctx;
    goss_exec *e = r->e;
    uint32_t k = e->schedule->phases[r->phase].first;
    const double start = goss__profile_clock(e);
    goss__run_instr(e, &e->steps[k], &(goss__unit){.last = true, .worker = worker, .arena = goss__arena_of(e, worker)},
                    NULL, (int)part, e->phase_runs[r->phase].parts);
    if (e->profile) goss__profile_steps(e, worker, k, k, start);
}

/* out[chunk] = slot 0 + slot 1 + ..., in that order. */
static void sum_slots(goss_exec *e, const goss__step *s, int64_t groups, int64_t chunk) {
    const goss__value *v = s->value;
    size_t size = goss__elem_size(e->schedule, v), total = (size_t)s->shapes[0].out->numel * size;
    size_t from = (size_t)chunk * GOSS__COST_CHUNK * size,
           n = total - from < GOSS__COST_CHUNK * size ? total - from : GOSS__COST_CHUNK * size;
    char *out = e->slab + v->offset + from;
    const char *slots = e->slab + v->slots_offset + from;
    memcpy(out, slots, n);
    for (int64_t i = 1; i < groups; i++) goss__add_block(e, out, slots + (size_t)i * goss__round64(v->bytes), n);
}

/* Item i is the i-th chunk of all partial results of the phase. */
static void sum_item(void *ctx, int64_t item, int worker) {
    const region *c = ctx;
    const goss__phase *ph = &c->e->schedule->phases[c->phase];
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++) {
        const goss__step *s = &c->e->steps[k];
        if (!s->value->partial) continue;
        int64_t chunks = (s->shapes[0].out->numel + GOSS__COST_CHUNK - 1) / GOSS__COST_CHUNK;
        if (item < chunks) {
            sum_slots(c->e, s, c->e->phase_runs[c->phase].groups, item);
            return;
        }
        item -= chunks;
    }
}

static void run_sums(goss_exec *e, uint32_t phase) {
    const goss__phase *ph = &e->schedule->phases[phase];
    int64_t chunks = 0;
    region c = {e, phase};
    for (uint32_t k = ph->first; k < ph->first + ph->count; k++)
        if (e->steps[k].value->partial)
            chunks += (e->steps[k].shapes[0].out->numel + GOSS__COST_CHUNK - 1) / GOSS__COST_CHUNK;
    if (chunks < GOSS__COST_CHUNKS)
        for (int64_t i = 0; i < chunks; i++) sum_item(&c, i, 0);
    else
        goss__pool_run(e->threads->pool, chunks, sum_item, &c);
}

static void run_phase(goss_exec *e, uint32_t f) {
    const goss__phase_run *r = &e->phase_runs[f];
    const double start = goss__profile_clock(e);
    region ctx = {e, f};
    if (r->parts > 1)
        goss__pool_run(e->threads->pool, r->parts, region_part, &ctx);
    else if (r->parallel)
        goss__pool_run(e->threads->pool, r->groups, region_group, &ctx);
    else
        for (int64_t i = 0; i < r->groups; i++) goss__exec_steps(e, f, i, 0);
    if (e->schedule->phases[f].slots) run_sums(e, f);
    if (e->profile) goss__profile_event(e, e->n_threads, f, f, start);
}

/* ---- assignments ---- */

typedef struct copy {
    char *to;
    const char *from;
    size_t bytes;
} copy;

static void copy_chunk(void *ctx, int64_t item, int worker) {
    const copy *c = ctx;
    size_t from = (size_t)item * GOSS__COST_CHUNK * 4,
           n = c->bytes - from < GOSS__COST_CHUNK * 4 ? c->bytes - from : GOSS__COST_CHUNK * 4;
    memcpy(c->to + from, c->from + from, n);
}

static const char *value_data(const goss_exec *e, uint32_t v) {
    int64_t elements;
    uint32_t root = goss__root(e->schedule, v, &elements);
    return e->storage[root] + elements * (int64_t)goss__elem_size(e->schedule, &e->schedule->values[root]);
}

/* The value assigned by update v: where it was computed, or the copy of a parameter's old value. */
static const char *assigned(const goss_exec *e, const goss__value *v) {
    return v->staged ? e->slab + v->offset : value_data(e, v->in[v->n_in - 1]);
}

static void assign_whole(goss_exec *e, const goss__value *v) {
    copy c = {(char *)(uintptr_t)value_data(e, v->in[0]), assigned(e, v), e->schedule->values[v->in[0]].bytes};
    int64_t chunks = (int64_t)((c.bytes + GOSS__COST_CHUNK * 4 - 1) / (GOSS__COST_CHUNK * 4));
    if (chunks < GOSS__COST_CHUNKS)
        for (int64_t i = 0; i < chunks; i++) copy_chunk(&c, i, 0);
    else
        goss__pool_run(e->threads->pool, chunks, copy_chunk, &c);
}

static void assign_rows(goss_exec *e, const goss__value *v) {
    const goss_schedule *p = e->schedule;
    const goss__value *table = &p->values[v->in[0]];
    size_t row = table->bytes / (size_t)table->node->shape.dim[0].count;
    goss__tensor index;
    goss__resolve(p, v->in[1], e->counts, goss_n(1), 0, &index);
    const int32_t *at = (const int32_t *)value_data(e, v->in[1]);
    char *to = (char *)(uintptr_t)value_data(e, v->in[0]);
    const char *from = assigned(e, v);
    for (int64_t i = 0; i < index.numel; i++) memcpy(to + (size_t)at[i] * row, from + (size_t)i * row, row);
}

static bool rows_exist(const goss_exec *e, const goss__value *v) {
    goss__tensor index;
    goss__resolve(e->schedule, v->in[1], e->counts, goss_n(1), 0, &index);
    const int32_t *at = (const int32_t *)value_data(e, v->in[1]);
    int64_t rows = e->schedule->values[v->in[0]].node->shape.dim[0].count;
    for (int64_t i = 0; i < index.numel; i++)
        if (at[i] < 0 || at[i] >= rows) return false;
    return true;
}

/* Checks that row indices are in range: those given by the caller (`given`), or those computed by the run. */
static bool check_rows(goss_exec *e, bool given) {
    const goss_schedule *p = e->schedule;
    for (int i = 0; i < p->n_updates && !e->bad_value; i++) {
        const goss__value *v = &p->values[p->updates[i]];
        if (v->op == &goss__op_assign_rows && goss__is_given(p, v->in[1]) == given && !rows_exist(e, v))
            e->bad_value = p->updates[i] + 1;
    }
    return !e->bad_value;
}

static void stage_updates(goss_exec *e) {
    const goss_schedule *p = e->schedule;
    for (int i = 0; i < p->n_updates; i++) {
        const goss__value *v = &p->values[p->updates[i]];
        uint32_t value = v->in[v->n_in - 1];
        if (v->staged) memcpy(e->slab + v->offset, value_data(e, value), p->values[value].bytes);
    }
}

static void keep_outputs(goss_exec *e) {
    const goss_schedule *p = e->schedule;
    for (int i = 0; i < p->n_outputs; i++) {
        const goss__value *v = &p->values[p->outputs[i]];
        if (v->kept) memcpy(e->slab + v->kept_offset, value_data(e, p->outputs[i]), v->bytes);
    }
}

static void run_updates(goss_exec *e) {
    for (int i = 0; i < e->schedule->n_updates; i++) {
        const goss__value *v = &e->schedule->values[e->schedule->updates[i]];
        if (v->in_place) continue;
        if (v->op == &goss__op_assign_rows)
            assign_rows(e, v);
        else
            assign_whole(e, v);
    }
}

/* ---- a run ---- */

static goss_status check_inputs(const goss_exec *e, goss_error *err) {
    const goss_schedule *p = e->schedule;
    for (uint32_t i = 0; i < p->n_values; i++)
        if (p->values[i].place == GOSS__AT_INPUT && !e->storage[i])
            return goss_error_set(err, GOSS_E_ARGUMENT, "input \"%s\" is not bound", p->values[i].node->name);
    return GOSS_OK;
}

static void forget_errors(goss_exec *e) {
    e->bad_value = 0;
    for (uint32_t k = 0; k < e->schedule->n_instrs; k++)
        if (e->steps[k].body) forget_errors(e->steps[k].body);
}

static goss_status index_error(const goss_exec *e, goss_error *err) {
    const goss__value *v = &e->schedule->values[e->bad_value - 1];
    if (v->loop) return index_error(e->steps[v->instr].body, err);
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s%s%s: an index lies outside its table", v->node->scope,
                          v->node->scope[0] ? ": " : "", v->op->name);
}

static goss_status run(goss_exec *e, goss_error *err) {
    const double start = goss__profile_clock(e);
    GOSS_TRY(check_inputs(e, err));
    if (e->bad_value) forget_errors(e);
    if (e->dirty) {
        goss__exec_resolve(e);
        run_constants(e, e->arenas);
    }
    /* Everything that can fail, and every reader of a parameter, precedes its update (in_place.c). */
    if (!check_rows(e, true)) return index_error(e, err);
    for (uint32_t f = 0; f < e->schedule->n_phases && !e->bad_value; f++) run_phase(e, f);
    if (e->bad_value || !check_rows(e, false)) return index_error(e, err);
    stage_updates(e);
    keep_outputs(e);
    run_updates(e);
    if (e->profile) goss__profile_run(e, start);
    return GOSS_OK;
}

/* Subnormal numbers are flushed to 0 throughout: in parallel phases, and in those that the caller runs alone. */
goss_status goss_exec_run(goss_exec *e, goss_error *err) {
    const goss__rounding mode = goss__flush_denormals();
    const goss_status s = run(e, err);
    goss__restore_rounding(mode);
    return s;
}

const void *goss_exec_output(const goss_exec *e, int i, int64_t *numel) {
    if (i < 0 || i >= e->schedule->n_outputs) return NULL;
    uint32_t v = e->schedule->outputs[i];
    goss__tensor t;
    goss__resolve(e->schedule, v, e->counts, goss_n(1), 0, &t);
    if (numel) *numel = t.numel;
    return e->schedule->values[v].kept ? e->slab + e->schedule->values[v].kept_offset : value_data(e, v);
}
