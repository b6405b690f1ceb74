/* SPDX-License-Identifier: Apache-2.0 */
/* place.c: storage of each value. Leaves are the caller's or the parameters' memory, aliases and broadcast views have
 * none, values independent of a run's inputs are constants, results read only by their phase are thread-private. */
#include "schedule/build.h"

/* Whether it depends on shapes alone: computed when counts are bound. */
static bool is_const(const goss_schedule *p, const goss__value *v) {
    if (v->op->seeded) return false;
    for (int i = 0; i < v->n_in; i++) {
        if (p->values[goss__source(p, v->in[i])].place != GOSS__AT_CONST) return false;
    }
    return true;
}

static void place_value(goss_schedule *p, uint32_t i) {
    goss__value *v = &p->values[i];
    const goss__op *op = v->op;
    goss__site site;
    goss__value_site(&site, p, i);
    if (op == &goss__op_input)
        v->place = GOSS__AT_INPUT;
    else if (op == &goss__op_param)
        v->place = GOSS__AT_PARAM;
    else if (op == &goss__op_arg)
        v->place = GOSS__AT_ARG;
    else if (op == &goss__op_assign || op == &goss__op_assign_rows)
        v->place = GOSS__AT_NOWHERE;
    else if (op->slicing.alias &&
             (v->alias_offset = op->slicing.alias_offset ? op->slicing.alias_offset(&site) : 0) >= 0)
        v->place = GOSS__AT_ALIAS;
    else if (op->broadcast && !goss__is_output(p, i))
        v->place = GOSS__AT_VIEW; /* revoked below if a reader needs it dense */
    else
        v->place = is_const(p, v) ? GOSS__AT_CONST : GOSS__AT_SHARED;
}

/* A broadcast remains a view only if all its readers accept views and its source is dense. */
static void materialise_views(goss_schedule *p) {
    for (uint32_t i = p->n_values; i-- > 0;) {
        const goss__value *v = &p->values[i];
        bool takes_views = v->op->kernel.views && v->place != GOSS__AT_VIEW;
        for (int j = 0; j < v->n_in && !takes_views; j++) {
            goss__value *in = &p->values[v->in[j]];
            if (in->place == GOSS__AT_VIEW) in->place = GOSS__AT_SHARED;
        }
    }
    /* Materialised broadcasts are known only now; constants among them follow their operands. */
    for (uint32_t i = 0; i < p->n_values; i++) {
        goss__value *v = &p->values[i];
        if ((v->place == GOSS__AT_SHARED || v->place == GOSS__AT_CONST))
            v->place = is_const(p, v) ? GOSS__AT_CONST : GOSS__AT_SHARED;
    }
}

void goss__place_values(goss_schedule *p) {
    for (uint32_t i = 0; i < p->n_values; i++) place_value(p, i);
    materialise_views(p);
}

static void note_reader(goss_schedule *p, uint32_t v, int32_t phase) {
    v = goss__source(p, v);
    if (p->values[v].last_phase < phase) p->values[v].last_phase = phase;
}

void goss__note_instr(goss_schedule *p, uint32_t v, const goss__value *reader) {
    goss__value *read = &p->values[goss__source(p, v)];
    if (read->last_phase < reader->phase) read->last_phase = reader->phase;
    if (read->phase == reader->phase && read->last_instr < reader->instr) read->last_instr = reader->instr;
}

/* Private: local, and read by instructions of its own phase only. */
void goss__place_private(goss_schedule *p) {
    for (uint32_t v = 0; v < p->n_values; v++)
        for (int i = 0; i < p->values[v].n_in; i++)
            if (goss__is_instr(&p->values[v])) goss__note_instr(p, p->values[v].in[i], &p->values[v]);
    for (int i = 0; i < p->n_updates; i++)
        for (int j = 0; j < p->values[p->updates[i]].n_in; j++)
            note_reader(p, p->values[p->updates[i]].in[j], INT32_MAX);
    for (int i = 0; i < p->n_outputs; i++) note_reader(p, p->outputs[i], INT32_MAX);
    for (uint32_t v = 0; v < p->n_values; v++) {
        goss__value *val = &p->values[v];
        if (!goss__is_instr(val) || val->partial) continue;
        if (val->last_phase <= val->phase && !goss_extent_is(p->phases[val->phase].items, 1))
            val->place = GOSS__AT_PRIVATE;
    }
}

void goss__place_unshared(goss_schedule *p) {
    for (uint32_t v = 0; v < p->n_values; v++)
        if (p->values[v].place == GOSS__AT_PRIVATE) p->values[v].place = GOSS__AT_SHARED;
}
