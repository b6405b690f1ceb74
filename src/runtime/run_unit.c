/* SPDX-License-Identifier: Apache-2.0 */
/* run_unit.c: executes instructions on one unit of items, in order. A scan is one of them: its body runs step by step
 * in the caller's scratch, through the same code.
 *
 * Arguments of the body are addresses in a table. A contiguous slice is read in place; others are copied. A carry is
 * double-buffered. */
#include <string.h>

#include "base/os.h"
#include "runtime/exec.h"
#include "runtime/profile.h"

/* ---- one instruction ---- */

void goss__add_block(const goss_exec *e, void *to, const void *from, size_t bytes) {
    if (e->schedule->precision == GOSS_F64) {
        double *a = to;
        const double *b = from;
        for (size_t i = 0; i < bytes / sizeof *a; i++) a[i] += b[i];
    } else {
        float *a = to;
        const float *b = from;
        for (size_t i = 0; i < bytes / sizeof *a; i++) a[i] += b[i];
    }
}

void goss__run_instr(goss_exec *e, goss__step *s, const goss__unit *u, void *out, int part, int parts) {
    const void *in[GOSS__MAX_IN];
    for (int i = 0; i < s->value->n_in; i++) in[i] = goss__address(e, &s->at[i + 1], u);
    int bad = 0;
    goss__call c = {.shapes = &s->shapes[u->last],
                    .kernels = e->kernels,
                    .in = in,
                    .out = out ? out : goss__address(e, &s->at[0], u),
                    .scratch = u->arena + goss__round64(e->schedule->private_bytes),
                    .adds = s->adds && !u->first,
                    .first_element = u->index * s->first_step,
                    .part = part,
                    .parts = parts,
                    .seed = e->seed,
                    .step = e->step,
                    .name = s->value->node->name,
                    .bad_index = &bad};
    if (s->along)
        s->value->op->kernel.run_along_f32(&c, goss__address(e, &s[1].at[0], u));
    else
        s->run(&c);
    if (bad) __atomic_store_n(&e->bad_value, (uint32_t)(s->value - e->schedule->values) + 1, __ATOMIC_RELAXED);
}

/* A unit's addend: the group's first is computed in the slot, later ones are added to it, or computed in the thread's
 * spare block and added afterwards. */
static char *result_address(const goss_exec *e, uint32_t k, const goss__unit *u) {
    const goss__value *v = e->steps[k].value;
    if (!v->partial) return goss__address(e, &e->steps[k].at[0], u);
    return u->first || e->steps[k].adds ? e->slab + v->slots_offset + (size_t)u->group * goss__round64(v->bytes)
                                        : u->arena + v->spare_offset;
}

static void add_partial(const goss_exec *e, uint32_t k, const goss__unit *u) {
    const goss__value *v = e->steps[k].value;
    if (!v->partial || u->first || e->steps[k].adds) return;
    goss__add_block(e, e->slab + v->slots_offset + (size_t)u->group * goss__round64(v->bytes),
                    u->arena + v->spare_offset,
                    (size_t)e->steps[k].shapes[0].out->numel * goss__elem_size(e->schedule, v));
}

/* ---- a scan ---- */

/* A tensor around its time axis: `outer` times the positions along the axis times `inner` bytes. */
typedef struct around {
    int64_t outer, steps, inner;
} around;

/* A slice, or a stacked result: the tensor outside, and a step's part of it inside. */
typedef struct copied {
    char *outside, *inside;
    int arg; /* of a result that aliases an argument, `offset` bytes from its start; -1: its address is fixed */
    ptrdiff_t offset;
    around x;
    int64_t count; /* positions of a step */
} copied;

typedef struct scan_call {
    goss_exec *e, *body;
    const goss__loop *l;
    const goss__unit *u;
    uint32_t k; /* the scan's instruction */
    goss__unit inner;
    int64_t steps;
    char *arg[2 * GOSS__MAX_IN + 2];
    copied slice[GOSS__MAX_IN], result[GOSS__MAX_IN]; /* results beyond these are located at each step */
} scan_call;

static size_t size_of(const goss_schedule *p, uint32_t v) { return goss__elem_size(p, &p->values[v]); }

static around around_axis(const goss__tensor *t, int64_t axis, size_t size) {
    around a = {1, t->dim[axis], (int64_t)size};
    for (int i = 0; i < axis; i++) a.outer *= t->dim[i];
    for (int i = (int)axis + 1; i < t->rank; i++) a.inner *= t->dim[i];
    return a;
}

/* ---- operands of a step ---- */

/* Positions from .. from + count along the axis, with zeros after the end. */
static void copy_in(char *to, const char *from, const around *a, int64_t at, int64_t count) {
    const int64_t n = at + count > a->steps ? a->steps - at : count;
    const size_t bytes = (size_t)(n * a->inner), rest = (size_t)((count - n) * a->inner);
    for (int64_t i = 0; i < a->outer; i++, to += rest) {
        memcpy(to, from + (i * a->steps + at) * a->inner, bytes), to += bytes;
        if (rest) memset(to, 0, rest);
    }
}

static copied slice_of(const scan_call *c, int i) {
    const goss__loop_arg *a = &c->l->arg[i];
    const goss__step *s = &c->e->steps[c->k];
    return (copied){
        .outside = goss__address(c->e, &s->at[i + 1], c->u),
        .inside = c->inner.arena + a->buffer,
        .x = around_axis(&s->shapes[c->u->last].in[i], a->axis, size_of(c->body->schedule, (uint32_t)a->value)),
        .count = a->piece ? a->piece : 1};
}

static void set_slice(scan_call *c, int i, int64_t t) {
    if (c->l->arg[i].value < 0) return;
    const copied *m = &c->slice[i - c->l->carries];
    const int64_t at = t * m->count;
    if (m->x.outer == 1 && at + m->count <= m->x.steps) {
        c->arg[i] = m->outside + at * m->x.inner;
        return;
    }
    c->arg[i] = m->inside;
    copy_in(m->inside, m->outside, &m->x, at, m->count);
}

static void set_step(scan_call *c, int64_t place) {
    char *to = c->inner.arena + c->l->arg[c->l->n_args - 1].buffer;
    c->arg[c->l->n_args - 1] = to;
    if (c->l->arg[c->l->n_args - 1].value < 0) return;
    if (c->body->schedule->precision == GOSS_F64)
        *(double *)(void *)to = (double)place;
    else
        *(float *)(void *)to = (float)place;
}

/* ---- results of a step ---- */

static int64_t numel_of(const scan_call *c, uint32_t v, bool cut) {
    const goss_schedule *b = c->body->schedule;
    const goss__phase_run *r = &c->body->phase_runs[GOSS__LOOP_STEP];
    goss__tensor t;
    goss__resolve(b, v, c->body->counts, goss_n(1), 0, &t);
    if (!cut) return t.numel;
    const int64_t last = r->items - (r->items - 1) / r->unit * r->unit;
    return t.numel / r->items * (c->u->last ? last : r->unit);
}

static bool is_cut(const scan_call *c, uint32_t v) { return c->l->state[v] == GOSS__LOOP_CUT; }

/* The address of a value of the body. */
static char *body_address(const scan_call *c, uint32_t v) {
    const goss_schedule *b = c->body->schedule;
    int64_t elements;
    const uint32_t root = goss__root(b, v, &elements);
    const goss__value *val = &b->values[root];
    const int64_t offset = elements * (int64_t)goss__elem_size(b, val);
    if (val->arg >= 0) return c->arg[val->arg] + offset;
    if (val->place == GOSS__AT_PRIVATE) return c->inner.arena + val->offset + offset;
    char *at = c->body->storage[root] + offset; /* a constant */
    const goss__phase_run *r = &c->body->phase_runs[GOSS__LOOP_STEP];
    if (goss_extent_is(c->body->schedule->phases[GOSS__LOOP_STEP].items, 1)) return at;
    return at + numel_of(c, v, false) / r->items * r->unit * c->u->index * (int64_t)goss__elem_size(b, val);
}

static copied result_of(const scan_call *c, const goss__loop_result *r) {
    const uint32_t k = c->e->schedule->values[r->value].instr;
    const goss__step *s = &c->e->steps[k];
    int64_t elements;
    const goss__value *root = &c->body->schedule->values[goss__root(c->body->schedule, r->of, &elements)];
    const bool in_argument = root->arg >= 0;
    return (copied){
        .outside = result_address(c->e, k, c->u),
        .inside = in_argument ? NULL : body_address(c, r->of),
        .arg = in_argument ? (int)root->arg : -1,
        .offset = (ptrdiff_t)elements * (ptrdiff_t)goss__elem_size(c->body->schedule, root),
        .x = around_axis(s->shapes[s->value->partial ? 0 : c->u->last].out, r->axis, size_of(c->e->schedule, r->value)),
        .count = r->kind == GOSS__SCAN_JOIN ? c->body->schedule->values[r->of].node->shape.dim[r->axis].count : 1};
}

static void stack_result(const scan_call *c, int i, int64_t t) {
    const copied m = i < GOSS__MAX_IN ? c->result[i] : result_of(c, &c->l->result[i]);
    const int64_t at = t * m.count, n = at + m.count > m.x.steps ? m.x.steps - at : m.count;
    const char *from = m.arg >= 0 ? c->arg[m.arg] + m.offset : m.inside;
    char *to = m.outside + at * m.x.inner;
    for (int64_t o = 0; o < m.x.outer; o++, to += m.x.steps * m.x.inner, from += m.count * m.x.inner)
        memcpy(to, from, (size_t)(n * m.x.inner));
}

static bool is_cut_carry(const scan_call *c, const goss__loop_arg *a) {
    return is_cut(c, a->value >= 0 ? (uint32_t)a->value : (uint32_t)a->next);
}

static size_t carry_bytes(const scan_call *c, const goss__loop_arg *a) {
    return (size_t)numel_of(c, (uint32_t)a->next, is_cut_carry(c, a)) * size_of(c->body->schedule, (uint32_t)a->next);
}

/* Moves next carries to where the next step reads them, unless they were computed there. */
static void turn_carries(scan_call *c) {
    for (int i = 0; i < c->l->carries; i++) {
        const goss__loop_arg *a = &c->l->arg[i];
        if (a->next >= 0 && !a->direct)
            memcpy(c->arg[c->l->n_args + i], body_address(c, (uint32_t)a->next), carry_bytes(c, a));
    }
    for (int i = 0; i < c->l->carries; i++) {
        char *now = c->arg[i];
        c->arg[i] = c->arg[c->l->n_args + i], c->arg[c->l->n_args + i] = now;
    }
}

/* ---- a call ---- */

static void begin(scan_call *c) {
    const goss__step *s = &c->e->steps[c->k];
    const goss__loop *l = c->l;
    for (int i = 0; i + 1 < l->n_args; i++) {
        const goss__loop_arg *a = &l->arg[i];
        c->arg[i] = goss__address(c->e, &s->at[i + 1], c->u);
        if (i >= l->carries || a->next < 0) continue;
        const char *init = c->arg[i];
        c->arg[i] = c->inner.arena + a->buffer, c->arg[l->n_args + i] = c->inner.arena + a->buffer_2;
        if (a->value >= 0) memcpy(c->arg[i], init, carry_bytes(c, a));
    }
    for (int i = 0; i < l->slices; i++)
        if (l->arg[l->carries + i].value >= 0) c->slice[i] = slice_of(c, l->carries + i);
    for (int i = 0; i < l->n_results && i < GOSS__MAX_IN; i++)
        if (l->result[i].kind != GOSS__SCAN_LAST) c->result[i] = result_of(c, &l->result[i]);
}

static void run_step(scan_call *c, int64_t t) {
    const goss__loop *l = c->l;
    const goss__phase *step = &c->body->schedule->phases[GOSS__LOOP_STEP];
    for (int i = l->carries; i < l->carries + l->slices; i++) set_slice(c, i, t);
    set_step(c, t * l->stride);
    goss__run_unit(c->body, step->first, step->count, &c->inner);
    for (int i = 0; i < l->n_results; i++)
        if (l->result[i].kind != GOSS__SCAN_LAST) stack_result(c, i, t);
    turn_carries(c);
}

/* Stacked results have space for the maximal steps: zeros after those that were run. */
static void clear_rest(const scan_call *c, const goss__loop_result *r) {
    const uint32_t k = c->e->schedule->values[r->value].instr;
    const goss__step *s = &c->e->steps[k];
    const around x =
        around_axis(s->shapes[s->value->partial ? 0 : c->u->last].out, r->axis, size_of(c->e->schedule, r->value));
    char *to = result_address(c->e, k, c->u);
    for (int64_t i = 0; i < x.outer && c->steps < x.steps; i++)
        memset(to + (i * x.steps + c->steps) * x.inner, 0, (size_t)((x.steps - c->steps) * x.inner));
}

static void finish(scan_call *c) {
    const goss__loop *l = c->l;
    for (int i = 0; i < l->n_results; i++) {
        const uint32_t k = c->e->schedule->values[l->result[i].value].instr;
        if (l->result[i].kind == GOSS__SCAN_LAST)
            memcpy(result_address(c->e, k, c->u), c->arg[l->result[i].of], carry_bytes(c, &l->arg[l->result[i].of]));
        else if (l->result[i].kind == GOSS__SCAN_STACK)
            clear_rest(c, &l->result[i]);
        add_partial(c->e, k, c->u);
    }
    if (__atomic_load_n(&c->body->bad_value, __ATOMIC_RELAXED)) /* index_error looks into the body */
        __atomic_store_n(&c->e->bad_value, c->e->schedule->instrs[c->k].value + 1, __ATOMIC_RELAXED);
}

static void run_scan(goss_exec *e, uint32_t k, const goss__unit *u) {
    const goss__step *s = &e->steps[k];
    const goss__loop *l = s->value->loop;
    scan_call c;
    c.e = e, c.body = s->body, c.l = l, c.u = u, c.k = k, c.inner = *u;
    memset(c.arg, 0, sizeof c.arg);
    const goss__phase *once = &s->body->schedule->phases[GOSS__LOOP_ONCE];
    c.inner.arena = u->arena + goss__round64(e->schedule->private_bytes);
    c.inner.place = 0, c.inner.first = true, c.inner.arg = c.arg;
    c.steps = goss__loop_steps(l, e->counts);
    begin(&c);
    goss__run_unit(c.body, once->first, once->count, &c.inner);
    for (int64_t i = 0; i < c.steps; i++) run_step(&c, l->reverse ? c.steps - 1 - i : i);
    finish(&c);
}

static void run_one(goss_exec *e, uint32_t k, const goss__unit *u) {
    goss__step *s = &e->steps[k];
    const double start = goss__profile_clock(e);
    if (s->body) {
        run_scan(e, k, u);
    } else {
        goss__run_instr(e, s, u, result_address(e, k, u), 0, 1);
        add_partial(e, k, u);
    }
    if (e->profile) goss__profile_steps(e, u->worker, k, k + s->along, start);
}

void goss__run_unit(goss_exec *e, uint32_t first, uint32_t count, const goss__unit *u) {
    for (uint32_t k = first; k < first + count; k++) {
        const goss__step *s = &e->steps[k];
        if (s->value->result_of >= 0) continue; /* computed by the scan */
        if (s->chain) {
            goss__run_chain(e, k, u);
            k += (uint32_t)s->chain - 1;
            continue;
        }
        run_one(e, k, u);
        k += s->along;
    }
}
