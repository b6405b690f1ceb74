/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c: the bodies of scans: compiling the part that results need, and slicing a scan into items. */
#include "schedule/loop.h"

#include <string.h>

#include "base/alloc.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "compile: out of memory"); }

/* ---- compiling ---- */

static int count_results(const goss_schedule *p, uint32_t scan) {
    int n = 0;
    for (uint32_t v = scan + 1; v < p->n_values; v++) n += p->values[v].result_of == (int64_t)scan;
    return n;
}

static bool any_needed(const uint8_t *needed, const goss_program_operation *o) {
    for (int i = 0; i < o->n_results; i++)
        if (needed[o->first_result + i]) return true;
    return false;
}

/* The live part of the body: values, and carries whose next values are needed. The region's first outputs are the next
 * values; arguments are its first values. */
static void mark_needed(const goss__loop *l, const goss_program *r, uint8_t *needed, bool *wanted) {
    for (int i = 0; i < l->n_results; i++) {
        if (l->result[i].kind == GOSS__SCAN_LAST)
            wanted[l->result[i].of] = true;
        else
            needed[l->result[i].of] = 1;
    }
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < l->carries; i++)
            if (wanted[i]) needed[r->outputs.at[i].value] = 1;
        for (int k = r->n_operations; k-- > 0;) {
            const goss_program_operation *o = &r->operations[k].shown;
            const bool is_needed = any_needed(needed, o);
            for (int i = 0; is_needed && i < o->n_operands; i++) needed[o->operands[i]] = 1;
        }
        for (int i = 0; i < l->carries; i++)
            if (needed[i] && !wanted[i]) wanted[i] = more = true;
    }
}

/* Roots of the body's schedule: needed next values, and stacked values. */
static goss_status set_outputs(goss__loop *l, const goss_program *r, const bool *wanted, const uint32_t *number,
                               goss_error *err) {
    goss_schedule *body = l->body;
    body->n_outputs = 0;
    body->outputs =
        goss__arena_alloc(&body->arena, ((size_t)l->carries + (size_t)l->n_results + 1) * sizeof *body->outputs);
    if (!body->outputs) return no_memory(err);
    for (int i = 0; i < l->carries; i++) {
        l->arg[i].next = wanted[i] ? (int64_t)number[r->outputs.at[i].value] : -1;
        if (wanted[i]) body->outputs[body->n_outputs++] = (uint32_t)l->arg[i].next;
    }
    for (int i = 0; i < l->n_results; i++) {
        if (l->result[i].kind == GOSS__SCAN_LAST) continue;
        l->result[i].of = number[l->result[i].of];
        body->outputs[body->n_outputs++] = l->result[i].of;
    }
    return GOSS_OK;
}

static goss_status copy_body(goss__loop *l, const goss_program *r, goss_error *err) {
    bool wanted[GOSS__MAX_IN] = {0};
    uint8_t *needed = goss__calloc((size_t)r->n_values + 1, 1);
    uint32_t *number = goss__calloc((size_t)r->n_values + 1, sizeof *number);
    goss_status s = needed && number ? GOSS_OK : no_memory(err);
    if (s == GOSS_OK) mark_needed(l, r, needed, wanted);
    if (s == GOSS_OK && !goss__copy_needed(l->body, r, needed, number)) s = no_memory(err);
    if (s == GOSS_OK) s = set_outputs(l, r, wanted, number, err);
    for (int i = 0; s == GOSS_OK && i < l->n_args; i++) {
        const bool used = needed[i];
        l->arg[i].value = used ? (int64_t)number[i] : -1;
        if (used) l->body->values[number[i]].arg = i;
    }
    goss__free(needed), goss__free(number);
    return s;
}

static goss_status fill_loop(goss_schedule *p, uint32_t v, goss__loop *l, goss_error *err) {
    const goss__scan_attr *attr = GOSS__ATTR(p->values[v].node, scan);
    for (int i = 0; i < l->slices; i++)
        l->arg[l->carries + i].axis = attr->axis.item[i], l->arg[l->carries + i].piece = attr->piece.item[i];
    for (uint32_t at = v + 1, i = 0; at < p->n_values; at++) {
        if (p->values[at].result_of != (int64_t)v) continue;
        const goss__scan_result_attr *a = GOSS__ATTR(p->values[at].node, scan_result);
        l->result[i++] = (goss__loop_result){at, (goss__scan_kind)a->kind, (uint32_t)a->index, a->axis};
    }
    goss_schedule *body = l->body;
    body->options = p->options, body->precision = p->precision, body->off = p->off, body->is_body = true;
    body->print_chains = p->print_chains;
    body->options.bf16 = NULL;
    GOSS_TRY(copy_body(l, p->values[v].region, err));
    l->state = goss__arena_alloc(&p->arena, (body->n_values + 1) * sizeof *l->state);
    return l->state ? GOSS_OK : no_memory(err);
}

goss_status goss__copy_body(goss_schedule *p, uint32_t v, goss_error *err) {
    const goss__scan_attr *attr = GOSS__ATTR(p->values[v].node, scan);
    goss__loop *l = goss__arena_alloc(&p->arena, sizeof *l);
    if (!l || !(l->body = goss__calloc(1, sizeof *l->body))) return no_memory(err);
    p->values[v].loop = l; /* owns the body from here on */
    l->steps = attr->steps, l->length = attr->length, l->reverse = attr->reverse, l->stride = attr->stride;
    l->carries = (int)attr->carries, l->slices = (int)attr->slices, l->consts = (int)attr->consts;
    l->n_args = l->carries + l->slices + l->consts + 1, l->n_results = count_results(p, v);
    l->arg = goss__arena_alloc(&p->arena, (size_t)l->n_args * sizeof *l->arg);
    l->result = goss__arena_alloc(&p->arena, ((size_t)l->n_results + 1) * sizeof *l->result);
    return l->arg && l->result ? fill_loop(p, v, l, err) : no_memory(err);
}

int64_t goss__loop_steps(const goss__loop *l, const int64_t *counts) {
    return (goss__extent_eval(l->length, counts) + l->stride - 1) / l->stride;
}

double goss__loop_cost(const goss__loop *l, const int64_t *counts) {
    return l->body->cost * (double)goss__loop_steps(l, counts);
}

/* ---- slicing ---- */

typedef struct cutting {
    goss__loop *l;
    goss_extent L;
    goss__loop_state *state;
    bool partial; /* accumulating carries have addends */
} cutting;

static bool is_cut_shape(const goss_shape *s, goss_extent L) {
    goss_extent rest;
    return goss__cut_prefix(s, L, &rest) > 0;
}

/* Whether v can have that state; an open argument is decided by its first reader (`decide`). */
static bool can_have(const cutting *c, uint32_t v, goss__cut cut, bool decide) {
    const goss_schedule *b = c->l->body;
    const goss__value *val = &b->values[v];
    if (val->place == GOSS__AT_VIEW || val->place == GOSS__AT_ALIAS) {
        goss__cut inner[GOSS__MAX_IN];
        const bool local = goss__slice_rule(b, v, c->L, inner) == GOSS__LOCAL;
        if (cut == GOSS__CUT) return local && can_have(c, val->in[0], inner[0], decide);
        return can_have(c, val->in[0], GOSS__WHOLE, decide);
    }
    goss__loop_state *state = &c->state[v];
    if (*state == GOSS__LOOP_GIVEN) return true;
    if (*state == GOSS__LOOP_OPEN) {
        if (cut == GOSS__CUT && !is_cut_shape(&val->node->shape, c->L)) return false;
        if (decide) *state = cut == GOSS__CUT ? GOSS__LOOP_CUT : GOSS__LOOP_WHOLE;
        return true;
    }
    return *state == (cut == GOSS__CUT ? GOSS__LOOP_CUT : GOSS__LOOP_WHOLE);
}

static bool can_have_all(const cutting *c, const goss__value *val, const goss__cut *cut) {
    bool ok = true;
    for (int i = 0; i < val->n_in && ok; i++) ok = can_have(c, val->in[i], cut[i], false);
    for (int i = 0; i < val->n_in && ok; i++) ok = can_have(c, val->in[i], cut[i], true);
    return ok;
}

static bool is_partial(const cutting *c, uint32_t v) {
    return c->state[goss__source(c->l->body, v)] == GOSS__LOOP_PARTIAL;
}

/* Sums and differences of addends are addends. */
static bool adds_partials(const cutting *c, const goss__value *val) {
    bool all = val->op == &goss__op_ew[GOSS__EW_add] || val->op == &goss__op_ew[GOSS__EW_sub] ||
               val->op == &goss__op_ew[GOSS__EW_neg];
    for (int i = 0; i < val->n_in && all; i++)
        all = is_partial(c, val->in[i]) && c->l->body->values[val->in[i]].place != GOSS__AT_VIEW;
    return all;
}

static bool any_partial(const cutting *c, const goss__value *val) {
    bool any = false;
    for (int i = 0; i < val->n_in; i++) any |= is_partial(c, val->in[i]);
    return any;
}

static bool cut_value(const cutting *c, uint32_t v) {
    const goss_schedule *b = c->l->body;
    const goss__value *val = &b->values[v];
    goss__cut cut[GOSS__MAX_IN], whole[GOSS__MAX_IN] = {GOSS__WHOLE};
    if (any_partial(c, val)) {
        c->state[v] = GOSS__LOOP_PARTIAL;
        return adds_partials(c, val);
    }
    const goss__slicing s = goss__slice_rule(b, v, c->L, cut);
    if (s != GOSS__NO_SLICES && can_have_all(c, val, cut)) {
        c->state[v] = s == GOSS__PARTIAL ? GOSS__LOOP_PARTIAL : GOSS__LOOP_CUT;
        return true;
    }
    c->state[v] = GOSS__LOOP_WHOLE;
    return can_have_all(c, val, whole);
}

static bool is_zero(const goss_schedule *p, uint32_t v) {
    while (p->values[v].op == &goss__op_broadcast) v = p->values[v].in[0];
    return p->values[v].op == &goss__op_const && GOSS__ATTR(p->values[v].node, const)->value == 0;
}

/* Carry i starts at 0 and is read only by the addition that yields its next value: it may accumulate a unit's
 * addends. */
static bool only_adds_up(const goss__loop *l, const goss_schedule *p, const goss__value *scan, int i) {
    const goss_schedule *b = l->body;
    const goss__loop_arg *a = &l->arg[i];
    if (a->value < 0 || a->next < 0 || b->values[a->next].op != &goss__op_ew[GOSS__EW_add] || !is_zero(p, scan->in[i]))
        return false;
    int readers = 0;
    for (uint32_t v = 0; v < b->n_values; v++)
        for (int k = 0; k < b->values[v].n_in; k++) readers += b->values[v].in[k] == (uint32_t)a->value;
    for (int k = 0; k < b->n_outputs; k++) readers += b->outputs[k] == (uint32_t)a->value;
    return readers == 1 && goss__reads(&b->values[a->next], (uint32_t)a->value);
}

/* False: it cannot be sliced. */
static bool argument_state(const cutting *c, const goss_schedule *p, const goss__value *scan, int i,
                           goss__loop_state *state) {
    const goss__loop *l = c->l;
    goss_extent rest;
    *state = i + 1 < l->n_args ? GOSS__LOOP_OPEN : GOSS__LOOP_WHOLE;
    if (i >= l->carries + l->slices) return true;
    const int prefix = goss__cut_prefix(&p->values[scan->in[i]].node->shape, c->L, &rest);
    *state = prefix > 0 ? GOSS__LOOP_CUT : GOSS__LOOP_WHOLE;
    if (c->partial && i < l->carries && only_adds_up(l, p, scan, i)) *state = GOSS__LOOP_PARTIAL;
    return i < l->carries || prefix <= l->arg[i].axis;
}

/* States of arguments and of values known before a run. */
static bool start(const cutting *c, const goss_schedule *p, const goss__value *scan) {
    const goss_schedule *b = c->l->body;
    bool ok = true;
    for (uint32_t v = 0; v < b->n_values && ok; v++) {
        c->state[v] = b->values[v].place == GOSS__AT_CONST ? GOSS__LOOP_GIVEN : GOSS__LOOP_OPEN;
        if (b->values[v].place == GOSS__AT_ARG) ok = argument_state(c, p, scan, b->values[v].arg, &c->state[v]);
    }
    return ok;
}

static bool carries_stay(const cutting *c) {
    for (int i = 0; i < c->l->carries; i++) {
        const goss__loop_arg *a = &c->l->arg[i];
        if (a->next < 0) continue;
        const goss__loop_state now = a->value < 0 ? GOSS__LOOP_CUT : c->state[a->value];
        if (now == GOSS__LOOP_PARTIAL) {
            if (!is_partial(c, (uint32_t)a->next)) return false;
            continue;
        }
        if (!can_have(c, (uint32_t)a->next, now == GOSS__LOOP_CUT ? GOSS__CUT : GOSS__WHOLE, true)) return false;
    }
    return true;
}

static goss__slicing result_slicing(const cutting *c, const goss_schedule *p, const goss__value *scan, int i) {
    const goss__loop_result *r = &c->l->result[i];
    goss_extent rest;
    const goss__value *v = &p->values[r->value];
    const int prefix = goss__cut_prefix(&v->node->shape, c->L, &rest);
    if (r->kind == GOSS__SCAN_LAST) {
        const goss__loop_arg *a = &c->l->arg[r->of];
        if (is_partial(c, (uint32_t)a->next)) return goss__slots_pay(p, scan, v) ? GOSS__PARTIAL : GOSS__NO_SLICES;
        return prefix > 0 && can_have(c, (uint32_t)a->next, GOSS__CUT, true) ? GOSS__LOCAL : GOSS__NO_SLICES;
    }
    if (is_partial(c, r->of)) return goss__slots_pay(p, scan, v) ? GOSS__PARTIAL : GOSS__NO_SLICES;
    return prefix > 0 && prefix <= r->axis && can_have(c, r->of, GOSS__CUT, true) ? GOSS__LOCAL : GOSS__NO_SLICES;
}

static bool find_cut(const cutting *c, const goss_schedule *p, const goss__value *scan) {
    const goss_schedule *b = c->l->body;
    if (!start(c, p, scan)) return false;
    for (uint32_t v = 0; v < b->n_values; v++)
        if (goss__is_instr(&b->values[v]) && !cut_value(c, v)) return false;
    if (!carries_stay(c)) return false;
    for (int i = 0; i < c->l->n_results; i++)
        if (result_slicing(c, p, scan, i) == GOSS__NO_SLICES) return false;
    return true;
}

/* States of the body's values for L items, cached for repeated queries. */
static cutting cut_loop(const goss_schedule *p, uint32_t v, goss_extent L) {
    goss__loop *l = p->values[v].loop;
    cutting c = {l, L, l->state, true};
    if (goss_extent_equal(l->items, L)) return c;
    l->items = L, l->fits = find_cut(&c, p, &p->values[v]);
    c.partial = l->fits;
    if (!l->fits) l->fits = find_cut(&c, p, &p->values[v]);
    return c;
}

void goss__loop_states(const goss_schedule *p, uint32_t v, goss_extent L) {
    goss__loop *l = p->values[v].loop;
    if (!goss_extent_is(L, 1)) {
        (void)cut_loop(p, v, L);
        return;
    }
    for (uint32_t i = 0; i < l->body->n_values; i++) l->state[i] = GOSS__LOOP_WHOLE;
    l->items = L;
}

goss__slicing goss__loop_slice(const goss_schedule *p, uint32_t v, goss_extent L, goss__cut *cut) {
    const goss__value *val = &p->values[v];
    const cutting c = cut_loop(p, v, L);
    for (int i = 0; i < val->n_in && c.l->fits; i++) {
        const int64_t value = c.l->arg[i].value;
        goss_extent rest;
        cut[i] = value >= 0 && c.state[value] == GOSS__LOOP_CUT ? GOSS__CUT : GOSS__WHOLE;
        if (value < 0 && i < c.l->carries && goss__cut_prefix(&p->values[val->in[i]].node->shape, L, &rest) > 0)
            cut[i] = GOSS__CUT;
    }
    return c.l->fits ? GOSS__LOCAL : GOSS__NO_SLICES;
}

goss__slicing goss__loop_slice_result(const goss_schedule *p, uint32_t v, goss_extent L, goss__cut *cut) {
    const goss__value *scan = &p->values[p->values[v].result_of];
    const cutting c = cut_loop(p, (uint32_t)p->values[v].result_of, L);
    cut[0] = GOSS__CUT;
    for (int i = 0; i < c.l->n_results && c.l->fits; i++)
        if (c.l->result[i].value == v) return result_slicing(&c, p, scan, i);
    return GOSS__NO_SLICES;
}

/* ---- any value ---- */

goss__slicing goss__slice_rule(const goss_schedule *p, uint32_t v, goss_extent L, goss__cut *cut) {
    const goss__value *val = &p->values[v];
    for (int i = 0; i < val->n_in; i++) cut[i] = GOSS__WHOLE;
    if (goss_extent_is(L, 1)) return GOSS__LOCAL;
    if (val->loop) return goss__loop_slice(p, v, L, cut);
    if (val->result_of >= 0) return goss__loop_slice_result(p, v, L, cut);
    if (!val->op->slicing.slice) return GOSS__NO_SLICES;
    goss__site site;
    goss__value_site(&site, p, v);
    return val->op->slicing.slice(&site, L, cut);
}
