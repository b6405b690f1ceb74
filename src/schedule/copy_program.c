/* SPDX-License-Identifier: Apache-2.0 */
/* copy_program.c: converts a program's operations to the values of a schedule, in order, with copies of rematerialised
 * ones. */
#include <string.h>

#include "base/alloc.h"
#include "schedule/loop.h"

/* The state of the conversion. `state`: whether each of the program's values is cheap to rematerialise, and whether it
 * has been read. */
enum { CHEAP = 1, READ = 2 };
typedef struct copying {
    goss_schedule *p;
    const goss_program *from;
    const uint8_t *needed; /* of each operation; NULL: all are */
    uint8_t *state;
    uint32_t *number; /* the schedule's value of each of the program's */
    uint32_t at;      /* the next value */
    int updates;      /* updates listed so far */
} copying;

static const char *copy_text(goss_schedule *p, const char *s) { return s ? goss__arena_strdup(&p->arena, s) : NULL; }

static void start_value(goss__value *v, const goss__node *node) {
    *v = (goss__value){.op = node->op,
                       .node = node,
                       .in = node->in,
                       .n_in = node->n_in,
                       .phase = -1,
                       .last_phase = -1,
                       .in_place_of = -1,
                       .copy_of = -1,
                       .result_of = node->op->is_result ? (int64_t)node->in[0] : -1,
                       .arg = -1};
}

static bool copy_value(const copying *c, const goss__operation *o, goss__value *v) {
    goss_schedule *p = c->p;
    const goss_program_operation *shown = &o->shown;
    goss__node *node = goss__arena_alloc(&p->arena, sizeof *node);
    uint32_t *in = goss__arena_alloc(&p->arena, (size_t)shown->n_operands * sizeof *in);
    const size_t attr_size = goss__attr_size(o->op);
    void *attr = attr_size ? goss__arena_alloc(&p->arena, attr_size) : NULL;
    if (!node || !in || (attr_size && !attr)) return false;
    for (int i = 0; i < shown->n_operands; i++) in[i] = c->number[shown->operands[i]];
    if (attr_size) memcpy(attr, o->attr, attr_size);
    const goss_program_value *result = goss__operation_like(c->from, o);
    *node = (goss__node){.op = o->op,
                         .type = (uint8_t)result->type,
                         .n_in = (uint16_t)shown->n_operands,
                         .in = in,
                         .attr = attr,
                         .name = copy_text(p, shown->name),
                         .scope = copy_text(p, shown->scope),
                         .shape = result->shape};
    start_value(v, node);
    v->region = shown->n_regions ? shown->regions[0] : NULL;
    return (!shown->name || node->name) && node->scope;
}

/* Whether it is a parameter in the options' list. */
static bool is_bf16(const goss_schedule *p, const goss__operation *o) {
    if (o->op != &goss__op_param || !p->options.bf16) return false;
    const size_t length = strlen(o->shown.name);
    for (const char *at = p->options.bf16; *at;) {
        const size_t word = strcspn(at, ",");
        if (word == length && memcmp(at, o->shown.name, word) == 0) return true;
        at += word + (at[word] == ',');
    }
    return false;
}

/* A parameter stored as bfloat16 is followed by an alias, which its readers use. */
static bool add_alias(goss_schedule *p, uint32_t param) {
    goss__node *node = goss__arena_alloc(&p->arena, sizeof *node);
    uint32_t *in = goss__arena_alloc(&p->arena, sizeof *in);
    if (!node || !in) return false;
    *in = param;
    *node = *p->values[param].node;
    node->op = &goss__op_reshape, node->attr = NULL, node->name = NULL, node->in = in, node->n_in = 1;
    start_value(&p->values[param + 1], node);
    return true;
}

/* ---- rematerialisation: a copy of a cheap value for every reader but the first ---- */

/* A cheap operand that already has another reader. */
static bool wants_copy(const copying *c, const goss_program_operation *o, int operand) {
    const int value = o->operands[operand];
    for (int i = 0; i < operand; i++)
        if (o->operands[i] == value) return false;
    return (c->state[value] & (CHEAP | READ)) == (CHEAP | READ);
}

/* The number of values in a copy of `value`: itself and its cheap operands. */
static uint32_t copies_for(const copying *c, int value) {
    const goss_program_operation *o = &goss__maker(c->from, value)->shown;
    uint32_t values = 1;
    for (int i = 0; i < o->n_operands; i++)
        if (wants_copy(c, o, i)) values += copies_for(c, o->operands[i]);
    return values;
}

/* A reshape of a cheap value is cheap too. */
static bool is_cheap(const copying *c, const goss__operation *o) {
    if (c->p->options.no_tiles || c->p->is_body || o->shown.n_results != 1) return false;
    return goss__is_cheap(c->p, c->from, o) || (o->op->slicing.alias && c->state[o->shown.operands[0]] & CHEAP);
}

/* Determines cheap values, and the total number of values. */
static uint32_t count_values(copying *c) {
    uint32_t values = 0;
    for (int k = 0; k < c->from->n_operations; k++) {
        const goss__operation *o = &c->from->operations[k];
        const goss_program_operation *s = &o->shown;
        if (c->needed && !c->needed[k]) continue;
        if (is_cheap(c, o)) c->state[s->first_result] |= CHEAP;
        for (int i = 0; i < s->n_operands; i++) values += wants_copy(c, s, i) ? copies_for(c, s->operands[i]) : 0;
        for (int i = 0; i < s->n_operands; i++) c->state[s->operands[i]] |= READ;
        values += 1 + is_bf16(c->p, o);
    }
    for (int v = 0; v < c->from->n_values; v++) c->state[v] &= (uint8_t)~READ;
    return values;
}

/* Adds the operation as the next value, after copies of rematerialised operands. */
static bool copy_operation(copying *c, const goss__operation *o, goss__value **value) {
    const goss_program_operation *s = &o->shown;
    uint32_t first[GOSS__MAX_IN];
    bool ok = true;
    for (int i = 0; i < s->n_operands; i++) first[i] = c->number[s->operands[i]];
    for (int i = 0; i < s->n_operands && ok; i++) {
        if (!wants_copy(c, s, i)) continue;
        const int64_t of = c->p->values[first[i]].copy_of;
        if (!(ok = copy_operation(c, goss__maker(c->from, s->operands[i]), value))) break;
        (*value)->copy_of = of >= 0 ? of : first[i];
        c->number[s->operands[i]] = (uint32_t)(*value - c->p->values);
    }
    *value = &c->p->values[c->at++];
    ok = ok && copy_value(c, o, *value);
    for (int i = s->n_operands; i-- > 0;) c->number[s->operands[i]] = first[i], c->state[s->operands[i]] |= READ;
    return ok;
}

static bool add_operation(copying *c, const goss__operation *o) {
    goss__value *value;
    if (!copy_operation(c, o, &value)) return false;
    const uint32_t number = (uint32_t)(value - c->p->values);
    if (o->op->assignment) c->p->updates[c->updates++] = number;
    if (o->shown.n_results) c->number[o->shown.first_result] = number;
    if (!is_bf16(c->p, o)) return true;
    value->bf16 = true;
    c->at++;
    return add_alias(c->p, c->number[o->shown.first_result]++);
}

/* ---- the whole program ---- */

static bool copy_symbols(goss_schedule *p, const goss__symbols *symbols) {
    p->symbols = *symbols;
    for (int i = 0; i < symbols->n; i++)
        if (!(p->symbols.symbol[i].name = copy_text(p, symbols->symbol[i].name))) return false;
    return true;
}

static bool copy_program(copying *c) {
    goss_schedule *p = c->p;
    p->n_outputs = c->from->outputs.n, p->n_updates = c->from->n_updates;
    p->outputs = goss__arena_alloc(&p->arena, (size_t)p->n_outputs * sizeof *p->outputs);
    p->updates = goss__arena_alloc(&p->arena, (size_t)p->n_updates * sizeof *p->updates);
    p->n_values = count_values(c);
    p->values = goss__arena_alloc(&p->arena, p->n_values * sizeof *p->values);
    bool ok = p->outputs && p->updates && p->values && copy_symbols(p, &c->from->symbols);
    for (int k = 0; k < c->from->n_operations && ok; k++)
        if (!c->needed || c->needed[k]) ok = add_operation(c, &c->from->operations[k]);
    for (int i = 0; i < p->n_outputs && ok; i++) p->outputs[i] = c->number[c->from->outputs.at[i].value];
    return ok;
}

bool goss__copy_program(goss_schedule *p, const goss_program *from, const uint8_t *needed, uint32_t *number) {
    copying c = {.p = p, .from = from, .needed = needed, .number = number};
    c.state = goss__calloc((size_t)from->n_values + 1, 1);
    if (!number) c.number = goss__calloc((size_t)from->n_values + 1, sizeof *c.number);
    const bool ok = c.state && c.number && copy_program(&c);
    goss__free(c.state);
    if (!number) goss__free(c.number);
    return ok;
}
