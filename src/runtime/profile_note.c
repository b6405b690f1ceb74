/* SPDX-License-Identifier: Apache-2.0 */
/* profile_note.c: recording profiled runs. */
#include "runtime/profile.h"

#include "base/alloc.h"
#include "base/os.h"
#include "runtime/exec.h"

void goss__profile_add(goss_exec *e, int worker, uint32_t k, double seconds) {
    e->profile->seconds[(size_t)worker * e->schedule->n_instrs + k] += seconds;
}

void goss__profile_event(goss_exec *e, int row, uint32_t first, uint32_t last, double start) {
    goss__profile *p = e->profile;
    const double seconds = goss__now() - start;
    if (row == e->n_threads) p->phase_wall[first] += seconds;
    if (p->n_events[row] == GOSS__EVENTS) return;
    p->events[(size_t)row * GOSS__EVENTS + (size_t)p->n_events[row]++] =
        (goss__event){.start = start - p->began, .seconds = seconds, .first = first, .last = last};
}

double goss__profile_clock(const goss_exec *e) { return e->profile ? goss__now() : 0; }

void goss__profile_steps(goss_exec *e, int worker, uint32_t k, uint32_t last, double start) {
    const double each = (goss__now() - start) / (last - k + 1);
    for (uint32_t i = k; i <= last; i++) goss__profile_add(e, worker, i, each);
    goss__profile_event(e, worker, k, last, start);
}

void goss_profile_end(goss_exec *e) {
    goss__profile *p = e->profile;
    for (uint32_t k = 0; e->steps && k < e->schedule->n_instrs; k++)
        if (e->steps[k].body) goss_profile_end(e->steps[k].body);
    if (!p) return;
    goss__free(p->seconds), goss__free(p->work), goss__free(p->phase_wall), goss__free(p->events),
        goss__free(p->n_events);
    goss__free(p);
    e->profile = NULL;
}

/* Bodies of loops have rows, but no events, which a few steps would exhaust. */
static bool make_profile(goss_exec *e) {
    goss__profile *p = e->profile = goss__calloc(1, sizeof *p);
    if (!p) return false;
    p->n_rows = e->n_threads + 1;
    p->seconds = goss__calloc((size_t)e->n_threads * e->schedule->n_instrs + 1, sizeof *p->seconds);
    p->work = goss__calloc(e->schedule->n_instrs + 1u, sizeof *p->work);
    p->phase_wall = goss__calloc(e->schedule->n_phases + 1u, sizeof *p->phase_wall);
    p->events = goss__calloc(e->is_body ? 1 : (size_t)p->n_rows * GOSS__EVENTS, sizeof *p->events);
    p->n_events = goss__calloc((size_t)p->n_rows, sizeof *p->n_events);
    p->began = goss__now();
    bool ok = p->seconds && p->work && p->phase_wall && p->events && p->n_events;
    for (int i = 0; ok && e->is_body && i < p->n_rows; i++) p->n_events[i] = GOSS__EVENTS;
    for (uint32_t k = 0; ok && k < e->schedule->n_instrs; k++)
        if (e->steps[k].body) ok = make_profile(e->steps[k].body);
    return ok;
}

goss_status goss_profile_begin(goss_exec *e, goss_error *err) {
    goss_profile_end(e);
    if (make_profile(e)) return GOSS_OK;
    goss_profile_end(e);
    return goss_error_set(err, GOSS_E_NOMEM, "profile: out of memory");
}

static double elements_touched(const goss__tensor *t) {
    double n = 1;
    for (int i = 0; i < t->rank; i++)
        if (t->stride[i] != 0) n *= (double)t->dim[i];
    return n;
}

/* Bytes of a call: operands and result; if `passed`, only those between phases. */
static double bytes_of(const goss_exec *e, const goss__step *s, bool passed) {
    const goss_schedule *p = e->schedule;
    const goss__shapes *shape = &s->shapes[0];
    double bytes =
        passed && s->at[0].is_private ? 0 : elements_touched(shape->out) * (double)goss__elem_size(p, s->value);
    for (int i = 0; i < shape->n_in; i++)
        if (!passed || !s->at[i + 1].is_private)
            bytes += elements_touched(&shape->in[i]) * (double)goss__elem_size(p, &p->values[s->value->in[i]]);
    return bytes;
}

/* The work of instruction k at the counts of the last run. */
static goss__work work_of(const goss_exec *e, uint32_t k) {
    const goss__step *s = &e->steps[k];
    const goss__phase_run *ph = s->value->phase >= 0 ? &e->phase_runs[s->value->phase] : NULL;
    const double calls = ph ? (double)ph->items / (double)(s->batched ? ph->tile : ph->unit) : 1;
    const double flops =
        s->value->op->cost.flops ? s->value->op->cost.flops(&s->shapes[0]) : (double)s->shapes[0].out->numel;
    return (goss__work){calls * flops, calls * bytes_of(e, s, false), calls * bytes_of(e, s, true)};
}

/* Adds the work of each instruction; those of a body's step `times` times. */
static void add_work(goss_exec *e, double times) {
    goss__profile *p = e->profile;
    p->runs++;
    for (uint32_t k = e->schedule->n_const; k < e->schedule->n_instrs; k++) {
        const goss__value *v = e->steps[k].value;
        const goss__work w = work_of(e, k);
        const double n = e->is_body && v->phase == GOSS__LOOP_ONCE ? 1 : times;
        p->work[k].flops += n * w.flops, p->work[k].bytes += n * w.bytes, p->work[k].passed += n * w.passed;
        if (e->steps[k].body) add_work(e->steps[k].body, n * (double)goss__loop_steps(v->loop, e->counts));
    }
}

void goss__profile_run(goss_exec *e, double start) {
    e->profile->wall += goss__now() - start;
    add_work(e, 1);
}
