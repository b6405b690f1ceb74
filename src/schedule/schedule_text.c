/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_text.c: a schedule as text: phases, operations, storage. */
#include "base/str.h"
#include "schedule/loop.h"

static const char *const place_names[] = {
    [GOSS__AT_INPUT] = "input",   [GOSS__AT_PARAM] = "param",     [GOSS__AT_CONST] = "const",
    [GOSS__AT_SHARED] = "shared", [GOSS__AT_PRIVATE] = "private", [GOSS__AT_ALIAS] = "alias",
    [GOSS__AT_VIEW] = "view",     [GOSS__AT_NOWHERE] = "update",  [GOSS__AT_MERGED] = "merged",
    [GOSS__AT_ARG] = "argument",
};

static void put_phases(goss__str *s, const goss_schedule *p, int depth);

/* A loop's body, indented by two columns. */
static void put_body(goss__str *s, const goss_schedule *p, const goss__loop *l, int depth) {
    const goss_shape steps = goss_shape_make(1, &l->steps);
    char text[GOSS__SHAPE_TEXT];
    goss__str_addf(s, "%*sbody: %s steps%s; a call %zu + %zu bytes\n", 2 * depth + 4, "",
                   goss__shape_text(&p->symbols, &steps, text, sizeof text), l->reverse ? " in reverse" : "",
                   l->body->private_bytes, l->body->scratch_bytes);
    put_phases(s, l->body, depth + 2);
}

static void put_value(goss__str *s, const goss_schedule *p, uint32_t v, int depth) {
    const goss__value *val = &p->values[v];
    char shape[GOSS__SHAPE_TEXT];
    goss__str_addf(s, "%*s%%%u = %s%s%s %s  %s%s +%zu (", 2 * depth + 2, "", v, val->op->name,
                   val->node->name ? " " : "", val->node->name ? val->node->name : "",
                   goss__shape_text(&p->symbols, &val->node->shape, shape, sizeof shape), place_names[val->place],
                   val->partial ? " partial" : "", val->offset);
    for (int i = 0; i < val->n_in; i++) {
        const goss__value *in = &p->values[val->in[i]];
        goss__str_addf(s, "%s%%%u%s", i ? ", " : "", val->in[i],
                       in->place == GOSS__AT_VIEW    ? "~"
                       : in->place == GOSS__AT_ALIAS ? "="
                                                     : "");
    }
    goss__str_addf(s, ")%s", p->ordered && goss__is_instr(val) && p->instrs[val->instr].batched ? ", batched" : "");
    if (p->ordered && val->partial && p->instrs[val->instr].adds) goss__str_addf(s, ", adds");
    if (val->within >= 0) goss__str_addf(s, ", in %%%lld", (long long)val->within);
    if (val->in_place_of >= 0) goss__str_addf(s, ", in place of %s", p->values[val->in_place_of].node->name);
    goss__str_addf(s, "%s%s\n", val->node->scope[0] ? "  # " : "", val->node->scope);
    if (val->loop && val->loop->body->ordered) put_body(s, p, val->loop, depth);
}

static void put_phases(goss__str *s, const goss_schedule *p, int depth) {
    for (uint32_t f = 0; f < p->n_phases; f++) {
        const goss__phase *ph = &p->phases[f];
        goss_shape items = goss_shape_make(1, &ph->items);
        char text[GOSS__SHAPE_TEXT];
        if (p->is_body && ph->count > 0)
            goss__str_addf(s, "%*s%s:\n", 2 * depth, "", f == GOSS__LOOP_ONCE ? "once" : "each step");
        else if (!p->is_body)
            goss__str_addf(s, "phase %u: items %s%s%s\n", f, goss__shape_text(&p->symbols, &items, text, sizeof text),
                           ph->parts ? ", in parts" : "", ph->slots ? ", slots" : "");
        for (uint32_t k = ph->first; k < ph->first + ph->count; k++) put_value(s, p, p->instrs[k].value, depth);
    }
}

/* Between passes, before instructions are listed: all values, with their phases. */
static char *put_unordered(const goss_schedule *p) {
    goss__str s = {0};
    goss__str_addf(&s, "%u values, %u phases, not in order yet\n", p->n_values, p->n_phases);
    for (uint32_t v = 0; v < p->n_values; v++) {
        if (p->values[v].phase >= 0) goss__str_addf(&s, "phase %d:", p->values[v].phase);
        put_value(&s, p, v, 0);
    }
    if (!s.failed) return s.data;
    goss__str_free(&s);
    return NULL;
}

char *goss_schedule_text(const goss_schedule *p) {
    if (!p->ordered) return put_unordered(p);
    goss__str s = {0};
    goss__str_addf(&s, "%u values, %u instructions, %u phases; slab %zu, constants %zu, a thread %zu + %zu bytes\n",
                   p->n_values, p->n_instrs, p->n_phases, p->slab_bytes, p->const_bytes, p->private_bytes,
                   p->scratch_bytes);
    put_phases(&s, p, 0);
    if (!s.failed) return s.data;
    goss__str_free(&s);
    return NULL;
}
