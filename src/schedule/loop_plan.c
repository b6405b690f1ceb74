/* SPDX-License-Identifier: Apache-2.0 */
/* loop_plan.c: instructions and memory of a loop's body, once the items of its phase are known. */
#include "schedule/loop.h"

#include <string.h>

#include "base/alloc.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory"); }

/* ---- instructions ---- */

/* Values that are not loop invariant: those that depend on carries, slices and the step. */
static void mark_varying(const goss__loop *l, uint8_t *varies) {
    const goss_schedule *b = l->body;
    for (uint32_t v = 0; v < b->n_values; v++) {
        const goss__value *val = &b->values[v];
        const bool is_const = val->arg >= l->carries + l->slices && val->arg + 1 < l->n_args;
        if (val->place == GOSS__AT_ARG) varies[v] = !is_const;
        for (int i = 0; i < val->n_in; i++) varies[v] |= varies[val->in[i]];
    }
}

static goss_status add_instr(goss__loop *l, goss_extent L, uint32_t value, goss_error *err) {
    goss_schedule *b = l->body;
    goss__value *v = &b->values[value];
    const goss__loop_state state = l->state[value];
    goss__instr in = {.value = value, .cut = goss__arena_alloc(&b->arena, (size_t)v->n_in * sizeof *in.cut)};
    if (!in.cut) return no_memory(err);
    bool sums = state == GOSS__LOOP_PARTIAL; /* of a sliced value; else of other addends */
    for (int i = 0; i < v->n_in; i++) sums &= l->state[goss__source(b, v->in[i])] != GOSS__LOOP_PARTIAL;
    in.addend = sums, in.whole = state == GOSS__LOOP_WHOLE || (state == GOSS__LOOP_PARTIAL && !sums);
    if (!in.whole) goss__slice_rule(b, value, L, in.cut);
    v->instr = b->n_instrs;
    b->instrs[b->n_instrs++] = in;
    return GOSS_OK;
}

static goss_status add_phase(goss__builder *b, goss__loop *l, const goss__phase *like, const uint8_t *varies, int f,
                             goss_error *err) {
    goss_schedule *body = l->body;
    goss__phase *ph = &body->phases[f];
    uint32_t n = 0;
    *ph = *like; /* its units are those of the loop's phase */
    ph->first = body->n_instrs, ph->slots = 0, ph->parts = false;
    for (uint32_t v = 0; v < body->n_values; v++)
        if (goss__is_instr(&body->values[v]) && varies[v] == f) b->order[n++] = v;
    goss__order_values(b, b->order, n);
    for (uint32_t i = 0; i < n; i++) {
        GOSS_TRY(add_instr(l, like->items, b->order[i], err));
        body->values[b->order[i]].phase = f, body->values[b->order[i]].place = GOSS__AT_PRIVATE;
    }
    ph->count = n;
    return GOSS_OK;
}

static void note_readers(goss_schedule *b) {
    for (uint32_t v = 0; v < b->n_values; v++)
        for (int i = 0; i < b->values[v].n_in && goss__is_instr(&b->values[v]); i++)
            goss__note_instr(b, b->values[v].in[i], &b->values[v]);
    for (int i = 0; i < b->n_outputs; i++) b->values[goss__source(b, b->outputs[i])].last_phase = INT32_MAX;
}

/* ---- memory ---- */

/* A carry whose next value is computed at each step, and is not shared with another carry: it is computed in the buffer
 * that the next step reads. */
static void find_direct(goss__loop *l) {
    goss_schedule *b = l->body;
    for (int i = 0; i < l->carries; i++) {
        goss__loop_arg *a = &l->arg[i];
        goss__value *next = a->next >= 0 ? &b->values[a->next] : NULL;
        a->direct = next && goss__is_instr(next) && next->phase == GOSS__LOOP_STEP && next->arg < 0;
        if (a->direct) next->arg = l->n_args + i;
    }
}

static size_t slice_bytes(const goss_schedule *b, const goss__phase *ph, const goss__loop *l, uint32_t v) {
    int64_t counts[GOSS__MAX_SYMBOLS];
    goss__symbol_maxima(&b->symbols, counts);
    const goss__value *val = &b->values[v];
    const int64_t items = goss__extent_eval(ph->items, counts);
    if (l->state[v] != GOSS__LOOP_CUT) return goss__round64(val->bytes);
    return goss__round64(val->bytes / (size_t)items * (size_t)goss__unit_items(ph, items));
}

static size_t reserve(goss_schedule *b, size_t bytes) {
    const size_t at = b->private_bytes;
    b->private_bytes += bytes;
    return at;
}

/* Values live during the whole call: arguments, next carries, loop-invariant values. */
static void reserve_fixed(goss__loop *l) {
    goss_schedule *b = l->body;
    const goss__phase *once = &b->phases[GOSS__LOOP_ONCE];
    b->private_bytes = goss__round64(b->private_bytes);
    for (int i = 0; i < l->n_args; i++) {
        goss__loop_arg *a = &l->arg[i];
        const bool is_const = i >= l->carries + l->slices && i + 1 < l->n_args;
        const int64_t like = a->value >= 0 ? a->value : a->next;
        if (is_const || like < 0) continue;
        const size_t bytes = slice_bytes(b, once, l, (uint32_t)like);
        a->buffer = reserve(b, bytes);
        if (i < l->carries) a->buffer_2 = reserve(b, bytes);
    }
    for (uint32_t k = once->first; k < once->first + once->count; k++)
        b->values[b->instrs[k].value].offset = reserve(b, slice_bytes(b, once, l, b->instrs[k].value));
}

/* ---- the whole plan ---- */

static goss_status plan_body(goss_schedule *p, uint32_t v, goss_error *err) {
    goss__loop *l = p->values[v].loop;
    goss_schedule *body = l->body;
    const goss__phase serial = {.items = goss_n(1)},
                      *ph = p->values[v].phase >= 0 ? &p->phases[p->values[v].phase] : &serial;
    goss__builder b = {.p = body};
    uint8_t *varies = goss__calloc(body->n_values + 1u, 1);
    b.in_phase = goss__calloc(body->n_values + 1u, 1), b.order = goss__calloc(body->n_values + 1u, sizeof *b.order);
    goss_status s = varies && b.in_phase && b.order ? GOSS_OK : no_memory(err);
    if (s == GOSS_OK) {
        goss__loop_states(p, v, ph->items);
        mark_varying(l, varies);
        s = add_phase(&b, l, ph, varies, GOSS__LOOP_ONCE, err);
    }
    if (s == GOSS_OK) s = add_phase(&b, l, ph, varies, GOSS__LOOP_STEP, err);
    goss__free(varies), goss__free(b.in_phase), goss__free(b.order);
    GOSS_TRY(s);
    body->n_phases = GOSS__LOOP_PHASES, body->ordered = true;
    note_readers(body);
    find_direct(l);
    GOSS_TRY(goss__plan_bodies(body, err));
    GOSS_TRY(goss__plan_memory(body, err));
    reserve_fixed(l);
    return GOSS_OK;
}

goss_status goss__plan_bodies(goss_schedule *p, goss_error *err) {
    for (uint32_t v = 0; v < p->n_values; v++)
        if (p->values[v].loop && (goss__is_instr(&p->values[v]) || p->values[v].place == GOSS__AT_CONST))
            GOSS_TRY(plan_body(p, v, err));
    return GOSS_OK;
}
