/* SPDX-License-Identifier: Apache-2.0 */
/* value.c: queries on a schedule's values: storage, aliases, readers. */
#include "graph/cost_model.h"
#include "schedule/schedule.h"

uint32_t goss__root(const goss_schedule *p, uint32_t v, int64_t *offset) {
    *offset = 0;
    while (p->values[v].place == GOSS__AT_ALIAS) {
        *offset += p->values[v].alias_offset;
        v = p->values[v].in[0];
    }
    return v;
}

uint32_t goss__source(const goss_schedule *p, uint32_t v) {
    while (p->values[v].place == GOSS__AT_VIEW || p->values[v].place == GOSS__AT_ALIAS) v = p->values[v].in[0];
    return v;
}

void goss__value_site(goss__site *s, const goss_schedule *p, uint32_t v) {
    const goss__value *val = &p->values[v];
    s->op = val->op, s->attr = val->node->attr, s->type = (goss_type)val->node->type, s->out = &val->node->shape;
    s->n_in = val->n_in, s->symbols = &p->symbols;
    for (int i = 0; i < val->n_in; i++) {
        s->in[i] = &p->values[val->in[i]].node->shape;
        s->in_type[i] = (goss_type)p->values[val->in[i]].node->type;
    }
}

bool goss__is_output(const goss_schedule *p, uint32_t v) {
    for (int i = 0; i < p->n_outputs; i++)
        if (p->outputs[i] == v) return true;
    return false;
}

bool goss__is_assigned(const goss_schedule *p, uint32_t param) {
    for (int i = 0; i < p->n_updates; i++)
        if (p->values[p->updates[i]].in[0] == param) return true;
    return false;
}

bool goss__leaves(const goss_schedule *p, uint32_t k, uint32_t first, uint32_t count) {
    const goss__value *v = &p->values[p->instrs[k].value];
    return v->last_phase > v->phase || v->last_instr >= first + count;
}

bool goss__slots_pay(const goss_schedule *p, const goss__value *maker, const goss__value *sum) {
    double in = 0;
    for (int i = 0; i < maker->n_in; i++) in += (double)p->values[maker->in[i]].bytes;
    const double out = (double)sum->bytes;
    return GOSS__SLOTS * out <= GOSS__COST_SLOTS_RATIO * in || out <= GOSS__COST_SLOTS_FREE;
}
