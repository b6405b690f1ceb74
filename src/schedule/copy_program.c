/* SPDX-License-Identifier: Apache-2.0 */
/* copy_program.c: converts a program's operations to the values of a schedule, in order, with copies of rematerialised
 * ones. */
#include <string.h>

#include "base/alloc.h"
#include "ir/program_results.h"
#include "schedule/loop.h"

/* The state of the conversion. `state`: whether each of the program's values is cheap to rematerialise, and whether it
 * has been read. */
enum { CHEAP = 1, READ = 2 };
typedef struct copying {
    goss_schedule *p;
    const goss_program *from;
    const uint8_t *needed; /* of each value */
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
                       .within = -1,
                       .copy_of = -1,
                       .result_of = node->op->is_result ? (int64_t)node->in[0] : -1,
                       .arg = -1};
}

/* The value v with a copy of a node. */
static bool add_node(goss_schedule *p, const goss__node *like, goss__value *v) {
    goss__node *node = goss__arena_alloc(&p->arena, sizeof *node);
    uint32_t *in = goss__arena_alloc(&p->arena, (size_t)like->n_in * sizeof *in);
    const size_t attr_size = goss__attr_size(like->op);
    void *attr = attr_size ? goss__arena_alloc(&p->arena, attr_size) : NULL;
    if (!node || !in || (attr_size && !attr)) return false;
    for (int i = 0; i < like->n_in; i++) in[i] = like->in[i];
    if (attr_size) memcpy(attr, like->attr, attr_size);
    *node = *like;
    node->in = in, node->attr = attr;
    node->name = copy_text(p, like->name), node->scope = copy_text(p, like->scope);
    start_value(v, node);
    return (!like->name || node->name) && node->scope;
}

/* The value of an operation: of several results their node. */
static bool copy_value(const copying *c, const goss__operation *o, goss__value *v) {
    const goss_program_operation *shown = &o->shown;
    uint32_t in[GOSS__MAX_IN];
    for (int i = 0; i < shown->n_operands; i++) in[i] = c->number[shown->operands[i]];
    goss__node node = {.op = o->op,
                       .n_in = (uint16_t)shown->n_operands,
                       .in = in,
                       .attr = o->attr,
                       .name = shown->name,
                       .scope = shown->scope};
    if (o->op->results) {
        node.type = GOSS_REAL;
        goss__result_shape(c->from, o, -1, &node.shape);
    } else {
        const goss_program_value *like = goss__operation_like(c->from, o);
        node.type = (uint8_t)like->type, node.shape = like->shape;
    }
    if (!add_node(c->p, &node, v)) return false;
    v->region = shown->n_regions ? shown->regions[0] : NULL;
    return true;
}

/* Result k of the operation that is value `node`. */
static bool copy_result(const copying *c, const goss__operation *o, int k, uint32_t node, goss__value *v) {
    const goss_program_value *result = &c->from->values[o->shown.first_result + k];
    const goss__node *of = c->p->values[node].node;
    const uint16_t repeated = o->op->results->repeats_operands ? of->n_in : 0;
    uint32_t in[GOSS__MAX_IN + 1];
    goss__selector s;
    goss__selector_of(o, k, &s);
    for (int i = 0; i < repeated; i++) in[i] = of->in[i];
    in[repeated] = node;
    const goss__node result_node = {.op = s.op,
                                    .type = (uint8_t)result->type,
                                    .shape = result->shape,
                                    .n_in = repeated + 1,
                                    .in = in,
                                    .attr = s.attr,
                                    .scope = o->shown.scope};
    return add_node(c->p, &result_node, v);
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

static bool is_needed(const copying *c, const goss__operation *o) {
    bool needed = o->op->assignment;
    for (int i = 0; i < o->shown.n_results; i++) needed |= c->needed[o->shown.first_result + i];
    return needed;
}

/* Determines cheap values, and the total number of values. */
static uint32_t count_values(copying *c) {
    uint32_t values = 0;
    for (int k = 0; k < c->from->n_operations; k++) {
        const goss__operation *o = &c->from->operations[k];
        const goss_program_operation *s = &o->shown;
        if (!is_needed(c, o)) continue;
        if (is_cheap(c, o)) c->state[s->first_result] |= CHEAP;
        for (int i = 0; i < s->n_operands; i++) values += wants_copy(c, s, i) ? copies_for(c, s->operands[i]) : 0;
        for (int i = 0; i < s->n_operands; i++) c->state[s->operands[i]] |= READ;
        values += 1 + is_bf16(c->p, o);
        for (int i = 0; i < s->n_results && o->op->results; i++) values += c->needed[s->first_result + i];
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

/* A value for each result that is needed. */
static bool add_results(copying *c, const goss__operation *o, uint32_t node) {
    for (int k = 0; k < o->shown.n_results; k++) {
        if (!c->needed[o->shown.first_result + k]) continue;
        c->number[o->shown.first_result + k] = c->at;
        if (!copy_result(c, o, k, node, &c->p->values[c->at++])) return false;
    }
    return true;
}

static bool add_operation(copying *c, const goss__operation *o) {
    goss__value *value;
    if (!copy_operation(c, o, &value)) return false;
    const uint32_t number = (uint32_t)(value - c->p->values);
    if (o->op->results) return add_results(c, o, number);
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
        if (is_needed(c, &c->from->operations[k])) ok = add_operation(c, &c->from->operations[k]);
    for (int i = 0; i < p->n_outputs && ok; i++) p->outputs[i] = c->number[c->from->outputs.at[i].value];
    return ok;
}

bool goss__copy_needed(goss_schedule *p, const goss_program *from, const uint8_t *needed, uint32_t *number) {
    copying c = {.p = p, .from = from, .needed = needed, .number = number};
    c.state = goss__calloc((size_t)from->n_values + 1, 1);
    const bool ok = c.state && copy_program(&c);
    goss__free(c.state);
    return ok;
}

/* All values, but of several results only those that are read. */
static void mark_read(const goss_program *from, uint8_t *needed) {
    for (int v = 0; v < from->n_values; v++) needed[v] = !goss__maker(from, v)->op->results;
    for (int k = 0; k < from->n_operations; k++) {
        const goss_program_operation *o = &from->operations[k].shown;
        for (int i = 0; i < o->n_operands; i++) needed[o->operands[i]] = 1;
    }
    for (int i = 0; i < from->outputs.n; i++) needed[from->outputs.at[i].value] = 1;
}

bool goss__copy_program(goss_schedule *p, const goss_program *from) {
    uint8_t *needed = goss__calloc((size_t)from->n_values + 1, 1);
    uint32_t *number = goss__calloc((size_t)from->n_values + 1, sizeof *number);
    if (needed) mark_read(from, needed);
    const bool ok = needed && number && goss__copy_needed(p, from, needed, number);
    goss__free(needed), goss__free(number);
    return ok;
}
