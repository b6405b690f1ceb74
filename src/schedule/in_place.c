/* SPDX-License-Identifier: Apache-2.0 */
/* in_place.c: in-place updates: a parameter's new value overwrites the old one, if that has no later reader.
 *
 * A failing run still changes no parameter: only indices can fail, so that in-place work begins in a phase after the
 * last operation that reads one; row indices given by the caller are checked at the start. */
#include "schedule/build.h"

static bool whole_of(const goss_schedule *p, uint32_t v, uint32_t root) {
    int64_t offset;
    return goss__root(p, v, &offset) == root && offset == 0 && p->values[v].bytes == p->values[root].bytes;
}

/* Whether instruction `reader` may read the parameter although value x overwrites it: it processes an item before x
 * does. */
static bool reads_in_time(const goss_schedule *p, const goss__value *reader, uint32_t param, const goss__value *x) {
    if (reader->phase != x->phase) return reader->phase < x->phase;
    if (reader->instr > x->instr) return false;
    for (int i = 0; i < reader->n_in; i++) {
        if (goss__source(p, reader->in[i]) != param) continue;
        const bool cut = p->instrs[reader->instr].cut[i] == GOSS__CUT || goss_extent_is(p->phases[x->phase].items, 1);
        if (!cut || !whole_of(p, reader->in[i], param)) return false;
        if (reader == x && !goss_shape_equal(p->values[reader->in[i]].node->shape, x->node->shape)) return false;
    }
    return true;
}

/* An output is the parameter as it was before the run. */
static bool is_shown(const goss_schedule *p, uint32_t param) {
    for (int i = 0; i < p->n_outputs; i++)
        if (goss__source(p, p->outputs[i]) == param) return true;
    return false;
}

/* Whether every reader of the parameter has read its old value when x overwrites it. */
static bool old_value_is_dead(const goss_schedule *p, uint32_t update, uint32_t param, const goss__value *x) {
    for (uint32_t v = 0; v < p->n_values; v++) {
        const goss__value *r = &p->values[v];
        bool reads = false;
        if (v == update) continue;
        for (int i = 0; i < r->n_in; i++) reads |= goss__source(p, r->in[i]) == param;
        if (!reads || r->place == GOSS__AT_VIEW || r->place == GOSS__AT_ALIAS || r->place == GOSS__AT_MERGED) continue;
        if (!goss__is_instr(r) || !reads_in_time(p, r, param, x)) return false;
    }
    return true;
}

static bool assigned_once(const goss_schedule *p, uint32_t update, uint32_t value) {
    for (int i = 0; i < p->n_updates; i++) {
        const goss__value *u = &p->values[p->updates[i]];
        if (p->updates[i] != update && goss__source(p, u->in[u->n_in - 1]) == value) return false;
    }
    return true;
}

/* The last phase with an operation that can fail; INT32_MAX if computed row indices are used at the end. */
static int32_t last_failure(const goss_schedule *p) {
    int32_t last = -1;
    for (uint32_t v = 0; v < p->n_values; v++) {
        const goss__value *val = &p->values[v];
        if (val->op == &goss__op_assign_rows && !goss__is_given(p, val->in[1])) return INT32_MAX;
        if (goss__is_instr(val) && val->op->may_fail && val->phase > last) last = val->phase;
    }
    return last;
}

void goss__assign_in_place(goss_schedule *p) {
    const int32_t after = last_failure(p);
    for (int i = 0; i < p->n_updates; i++) {
        goss__value *u = &p->values[p->updates[i]];
        const uint32_t param = u->in[0], value = goss__source(p, u->in[1]);
        goss__value *x = &p->values[value];
        if (u->op != &goss__op_assign || x->place != GOSS__AT_SHARED || x->partial || x->phase <= after) continue;
        if (!x->op->elementwise || !whole_of(p, u->in[1], value) || x->bytes != p->values[param].bytes) continue;
        if (goss__is_output(p, value) || is_shown(p, param) || !assigned_once(p, p->updates[i], value)) continue;
        if (!old_value_is_dead(p, p->updates[i], param, x)) continue;
        x->in_place_of = (int32_t)param, u->in_place = true;
    }
}
