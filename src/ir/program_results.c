/* SPDX-License-Identifier: Apache-2.0 */
/* program_results.c: operations with several results.
 *
 * In a graph, in a schedule and in texts of version 1 such an operation is a node, and each result that is used is
 * another one, a selector (goss__results in graph/op.h). Programs have the operation alone. Joining makes it from its
 * node and selectors, in a copy of the program; goss__selector_of is the way back, for those who copy a program's
 * operations to nodes. The texts are not trusted: whatever joining does not check, verification does. */
#include "ir/program_results.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "ir/program_retired.h"
#include "ops/ops.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "program: out of memory"); }

/* ---- to nodes ---- */

void goss__result_shape(const goss_program *p, const goss__operation *o, int k, goss_shape *out) {
    static const goss_shape none = {0};
    const goss_shape *in[GOSS__MAX_IN];
    for (int i = 0; i < GOSS__MAX_IN; i++)
        in[i] = i < o->shown.n_operands ? &p->values[o->shown.operands[i]].shape : &none;
    o->op->results->shape(in, k, out);
}

void goss__selector_of(const goss__operation *o, int k, goss__selector *s) {
    const goss__results *r = o->op->results;
    *s = (goss__selector){.op = r->selector[k < r->n_selectors ? k : r->n_selectors - 1]};
    if (o->op != &goss__op_scan) return;
    const goss__scan_attr *a = GOSS__ATTR(o, scan);
    s->loop = (goss__scan_result_attr){.kind = GOSS__SCAN_LAST, .index = k};
    if (k >= a->carries) {
        const int64_t y = k - a->carries;
        s->loop.kind = a->y_join.item[y] ? GOSS__SCAN_JOIN : GOSS__SCAN_STACK;
        s->loop.index = o->shown.regions[0]->outputs.at[k].value, s->loop.axis = a->y_axis.item[y];
    }
    s->attr = &s->loop;
}

/* ---- from nodes ---- */

/* `value`: of `to`, for each of from's; of a node with several results the complement of the first. UNKNOWN: not
 * reached yet. */
enum { UNKNOWN = INT_MIN };
typedef struct joining {
    const goss_program *from;
    goss_program *to;
    int *value;
    goss_error *err;
} joining;

static goss_status wrong(const joining *j, int operation, const char *fmt, ...) GOSS_PRINTF(3, 4);
static goss_status wrong(const joining *j, int operation, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const goss_status s = goss__operation_error(j->from, operation, j->err, fmt, args);
    va_end(args);
    return s;
}

/* An operation with several results that is being joined. */
typedef struct several {
    const goss__operation *o;
    int n;
    goss_type *types;     /* of the results; there may be fewer than there is room for */
    goss_shape *shapes;   /* likewise */
    goss__scan_attr loop; /* a scan's attributes, with what it stacks */
    goss_program *region; /* its body */
    int *inside;          /* the body's values, for each of what it was made from */
} several;

static goss_status join_all(const goss_program *from, goss_program **to, int *value, goss_error *err);

/* The body: outputs are named by what they are. Those that are stacked follow as their selectors are found. */
static goss_status join_body(const joining *j, int operation, several *s) {
    const goss__operation *o = s->o;
    if (o->shown.n_regions != 1) return wrong(j, operation, "it has one region, its body");
    s->loop = *GOSS__ATTR(o, scan);
    if (s->loop.carries < 0 || s->loop.carries > o->shown.n_operands)
        return wrong(j, operation, "carries, slices and constants do not add up to its %d operands",
                     o->shown.n_operands);
    const goss_program *body = o->shown.regions[0];
    s->inside = goss__calloc((size_t)body->n_values + 1, sizeof *s->inside);
    if (!s->inside) return no_memory(j->err);
    GOSS_TRY(join_all(body, &s->region, s->inside, j->err));
    for (int i = 0; i < body->outputs.n; i++) {
        char name[32];
        snprintf(name, sizeof name, "next%d", i);
        if (s->inside[body->outputs.at[i].value] < 0) return wrong(j, operation, "carry %d is not a value", i);
        if (!goss__program_add_output(s->region, s->inside[body->outputs.at[i].value], name)) return no_memory(j->err);
    }
    return GOSS_OK;
}

/* The result that stacks a value of the body: a new one, or the same. */
static goss_status place_stacked(const joining *j, several *s, int value, uint8_t axis, bool join, int *k) {
    goss__byte_list *axes = &s->loop.y_axis, *joins = &s->loop.y_join;
    const int first = s->region->outputs.n - (int)axes->n;
    for (int64_t y = 0; y < axes->n; y++)
        if (s->region->outputs.at[first + y].value == value && axes->item[y] == axis && joins->item[y] == join) {
            *k = (int)(s->loop.carries + y);
            return GOSS_OK;
        }
    char name[32];
    if (axes->n == GOSS__LONGEST_BYTE_LIST)
        return goss_error_set(j->err, GOSS_E_UNSUPPORTED, "program: a scan stacks more than %d values",
                              GOSS__LONGEST_BYTE_LIST);
    snprintf(name, sizeof name, "y%d", (int)axes->n);
    if (!goss__program_add_output(s->region, value, name)) return no_memory(j->err);
    *k = (int)(s->loop.carries + axes->n);
    axes->item[axes->n++] = axis, joins->item[joins->n++] = join;
    s->n++;
    return GOSS_OK;
}

static goss_status place_in_loop(const joining *j, int selector, several *s, int *k) {
    const goss__scan_result_attr *r = GOSS__ATTR(&j->from->operations[selector], scan_result);
    if (r->kind < GOSS__SCAN_LAST || r->kind > GOSS__SCAN_JOIN)
        return wrong(j, selector, "there is no kind %lld", (long long)r->kind);
    const int64_t most = r->kind == GOSS__SCAN_LAST ? s->loop.carries : s->o->shown.regions[0]->n_values;
    if (r->index < 0 || r->index >= most) return wrong(j, selector, "its index is not below %lld", (long long)most);
    if (r->kind == GOSS__SCAN_LAST) {
        *k = (int)r->index;
        return r->axis == 0 ? GOSS_OK : wrong(j, selector, "it has no axis");
    }
    if (s->inside[r->index] < 0) return wrong(j, selector, "%%%lld of the body is not a value", (long long)r->index);
    if (r->axis < 0 || r->axis > GOSS_MAX_RANK) return wrong(j, selector, "there is no axis %lld", (long long)r->axis);
    return place_stacked(j, s, s->inside[r->index], (uint8_t)r->axis, r->kind == GOSS__SCAN_JOIN, k);
}

/* The result that a selector selects: its number, and its type as written. */
static goss_status place_result(const joining *j, int selector, several *s) {
    const goss__operation *t = &j->from->operations[selector];
    const int operands = (s->o->op->results->repeats_operands ? s->o->shown.n_operands : 0) + 1;
    int k = 0;
    if (t->shown.n_results != 1) return wrong(j, selector, "it has %d results, not 1", t->shown.n_results);
    if (t->shown.n_operands != operands)
        return wrong(j, selector, "it takes %d operand%s, not %d", operands, operands == 1 ? "" : "s",
                     t->shown.n_operands);
    if (t->shown.name || t->shown.n_regions) return wrong(j, selector, "it has no name and no regions");
    if (s->o->op == &goss__op_scan)
        GOSS_TRY(place_in_loop(j, selector, s, &k));
    else
        while (s->o->op->results->selector[k] != t->op) k++; /* selects() has seen that there is one */
    s->types[k] = j->from->values[t->shown.first_result].type;
    s->shapes[k] = j->from->values[t->shown.first_result].shape;
    j->value[t->shown.first_result] = j->to->n_values + k;
    return GOSS_OK;
}

static bool selects(const goss__operation *t, const goss__operation *o) {
    return t->op->selects == o->op && t->shown.n_operands > 0 &&
           t->shown.operands[t->shown.n_operands - 1] == o->shown.first_result;
}

/* Room for the results that it has in any case, and one for each selector. */
static goss_status make_room(const joining *j, int operation, several *s) {
    size_t most = (size_t)s->n;
    for (int t = operation + 1; t < j->from->n_operations; t++) most += selects(&j->from->operations[t], s->o);
    s->types = goss__calloc(most + 1, sizeof *s->types);
    s->shapes = goss__calloc(most + 1, sizeof *s->shapes);
    return s->types && s->shapes ? GOSS_OK : no_memory(j->err);
}

/* Results: those that it has in any case, of the shapes that follow from the operands, then what is stacked. */
static goss_status find_results(const joining *j, int operation, several *s) {
    const goss__operation *o = s->o;
    const bool is_loop = o->op == &goss__op_scan;
    if (o->shown.n_results != 1) return wrong(j, operation, "it has %d results, not 1", o->shown.n_results);
    if (is_loop)
        GOSS_TRY(join_body(j, operation, s));
    else if (o->shown.n_regions)
        return wrong(j, operation, "it has no regions");
    s->n = is_loop ? (int)s->loop.carries : o->op->results->n_selectors;
    GOSS_TRY(make_room(j, operation, s));
    for (int k = 0; k < s->n; k++) goss__result_shape(j->from, o, k, &s->shapes[k]), s->types[k] = GOSS_REAL;
    for (int t = operation + 1; t < j->from->n_operations; t++)
        if (selects(&j->from->operations[t], o)) GOSS_TRY(place_result(j, t, s));
    return GOSS_OK;
}

/* ---- operations ---- */

/* An operand that is a node with several results stands for all of them in operations that read a packed one once. */
static goss_status map_operands(const joining *j, int operation, int in[GOSS__MAX_IN], int *n) {
    const goss__operation *o = &j->from->operations[operation];
    for (int i = 0; i < o->shown.n_operands; i++) {
        const int operand = o->shown.operands[i], value = j->value[operand];
        const goss__op *made_by = goss__maker(j->from, operand)->op;
        int more = 1;
        if (value < 0 && !goss__retired_reads_packed(o->op, made_by))
            return wrong(j, operation, "operand %d is all results of %s in one, which is not a value", i,
                         made_by->name);
        if (value < 0) more = made_by->results->n_selectors;
        if (*n + more > GOSS__MAX_IN) return wrong(j, operation, "more than %d operands", GOSS__MAX_IN);
        for (int k = 0; k < more; k++) in[(*n)++] = (value < 0 ? ~value : value) + k;
    }
    return GOSS_OK;
}

/* Its description in the new program, without results. */
static goss_status describe(const joining *j, int operation, int operands[GOSS__MAX_IN], goss__operation_proto *p) {
    const goss__operation *o = &j->from->operations[operation];
    *p = (goss__operation_proto){
        .op = o->op, .attr = o->attr, .name = o->shown.name, .scope = o->shown.scope, .operands = operands};
    return map_operands(j, operation, operands, &p->n_operands);
}

static goss_status add_one(const joining *j, int operation) {
    const goss_program_operation *o = &j->from->operations[operation].shown;
    const goss_program_value *value = &j->from->values[o->first_result];
    int operands[GOSS__MAX_IN];
    goss__operation_proto p;
    GOSS_TRY(describe(j, operation, operands, &p));
    if (o->n_results > 1) return wrong(j, operation, "it has %d results, not 1", o->n_results);
    if (o->n_regions > 0) return wrong(j, operation, "it has no regions");
    p.n_results = o->n_results;
    if (p.n_results) p.types = &value->type, p.shapes = &value->shape, j->value[o->first_result] = j->to->n_values;
    return goss__program_add(j->to, &p) ? GOSS_OK : no_memory(j->err);
}

static goss_status add_joined(const joining *j, int operation, several *s) {
    int operands[GOSS__MAX_IN];
    goss__operation_proto p;
    GOSS_TRY(describe(j, operation, operands, &p));
    GOSS_TRY(find_results(j, operation, s));
    p.n_results = s->n, p.types = s->types, p.shapes = s->shapes;
    if (s->region) p.attr = &s->loop, p.n_regions = 1, p.regions = &s->region;
    j->value[s->o->shown.first_result] = ~j->to->n_values;
    const bool ok = goss__program_add(j->to, &p);
    s->region = NULL; /* the program's, even if that failed */
    return ok ? GOSS_OK : no_memory(j->err);
}

static goss_status add_several(const joining *j, int operation) {
    several *s = goss__calloc(1, sizeof *s); /* attributes of a scan are too large for the stack with nested regions */
    if (!s) return no_memory(j->err);
    s->o = &j->from->operations[operation];
    const goss_status status = add_joined(j, operation, s);
    goss_program_free(s->region);
    goss__free(s->inside), goss__free(s->types), goss__free(s->shapes), goss__free(s);
    return status;
}

static goss_status add_operation(const joining *j, int operation) {
    const goss__operation *o = &j->from->operations[operation];
    if (o->op->results) return add_several(j, operation);
    if (!o->op->selects) return add_one(j, operation);
    const bool placed = o->shown.n_results > 0 && j->value[o->shown.first_result] != UNKNOWN;
    return placed ? GOSS_OK : wrong(j, operation, "its operand is no %s", o->op->selects->name);
}

/* ---- the whole ---- */

/* A new program of the operations; outputs are the caller's to add. value[from->n_values]. */
static goss_status join_all(const goss_program *from, goss_program **to, int *value, goss_error *err) {
    const joining j = {from, goss__program_new(&from->symbols), value, err};
    goss_status s = j.to ? GOSS_OK : no_memory(err);
    if (j.to) j.to->depth = from->depth;
    for (int i = 0; i < from->n_values; i++) value[i] = UNKNOWN;
    for (int i = 0; i < from->n_operations && s == GOSS_OK; i++) s = add_operation(&j, i);
    if (s != GOSS_OK) goss_program_free(j.to);
    *to = s == GOSS_OK ? j.to : NULL;
    return s;
}

static goss_status join_outputs(const goss_program *from, goss_program *to, const int *value, goss_error *err) {
    for (int i = 0; i < from->outputs.n; i++) {
        const goss__named *output = &from->outputs.at[i];
        if (value[output->value] < 0)
            return goss_error_set(err, GOSS_E_FORMAT, "output %s is all results of %s in one, which is not a value",
                                  output->name, goss__maker(from, output->value)->op->name);
        if (!goss__program_add_output(to, value[output->value], output->name)) return no_memory(err);
    }
    return GOSS_OK;
}

static bool has_several(const goss_program *p) {
    for (int i = 0; i < p->n_operations; i++)
        if (p->operations[i].op->results || p->operations[i].op->selects) return true;
    return false;
}

goss_status goss__program_join(goss_program **p, goss_error *err) {
    if (!has_several(*p)) return GOSS_OK;
    goss_program *to = NULL;
    int *value = goss__calloc((size_t)(*p)->n_values + 1, sizeof *value);
    goss_status s = value ? join_all(*p, &to, value, err) : no_memory(err);
    if (s == GOSS_OK) s = join_outputs(*p, to, value, err);
    goss__free(value);
    goss_program_free(s == GOSS_OK ? *p : to);
    if (s == GOSS_OK) *p = to;
    return s;
}
