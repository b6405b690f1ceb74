/* SPDX-License-Identifier: Apache-2.0 */
/* program.c: creating, filling and reading canonical programs. */
#include "ir/program.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

/* ---- life ---- */

goss_program *goss__program_new(const goss__symbols *symbols) {
    goss_program *p = goss__calloc(1, sizeof *p);
    if (!p) return NULL;
    p->symbols.n = symbols->n;
    for (int i = 0; i < symbols->n; i++) {
        p->symbols.symbol[i].maximum = symbols->symbol[i].maximum;
        p->symbols.symbol[i].name = goss__arena_strdup(&p->arena, symbols->symbol[i].name);
        if (p->symbols.symbol[i].name) continue;
        goss_program_free(p);
        return NULL;
    }
    return p;
}

void goss_program_free(goss_program *p) {
    if (!p) return;
    for (int i = 0; i < p->n_operations; i++)
        for (int k = 0; k < p->operations[i].shown.n_regions; k++)
            goss_program_free((goss_program *)(uintptr_t)p->operations[i].shown.regions[k]); /* its own */
    goss__free(p->values), goss__free(p->operations), goss__free(p->updates);
    goss__free(p->inputs.at), goss__free(p->parameters.at), goss__free(p->outputs.at);
    goss__arena_free(&p->arena);
    goss__free(p);
}

/* ---- filling ---- */

/* Reserves `more` elements behind the first n; the array may move. */
static bool reserve(void **array, int n, int more, int *capacity, size_t element) {
    if (more <= *capacity - n) return true;
    if (n > INT32_MAX / 2 - more) return false;
    int grown = *capacity ? *capacity : 16;
    while (grown - n < more) grown *= 2;
    void *moved = goss__realloc(*array, (size_t)grown * element);
    if (!moved) return false;
    *array = moved, *capacity = grown;
    return true;
}

static bool add_named(goss_program *p, goss__named_list *list, const char *name, int value) {
    if (!reserve((void **)&list->at, list->n, 1, &list->capacity, sizeof *list->at)) return false;
    list->at[list->n++] = (goss__named){name, value};
    return true;
}

static bool add_results(goss_program *p, const goss__operation_proto *o) {
    if (!reserve((void **)&p->values, p->n_values, o->n_results, &p->values_capacity, sizeof *p->values)) return false;
    for (int i = 0; i < o->n_results; i++)
        p->values[p->n_values++] = (goss_program_value){o->types[i], o->shapes[i], p->n_operations, i};
    return true;
}

/* Lists an operation as input, parameter or update. */
static bool list_operation(goss_program *p, const goss__operation *o) {
    if (o->op == &goss__op_input) return add_named(p, &p->inputs, o->shown.name, o->shown.first_result);
    if (o->op == &goss__op_param) return add_named(p, &p->parameters, o->shown.name, o->shown.first_result);
    if (!o->op->assignment) return true;
    if (!reserve((void **)&p->updates, p->n_updates, 1, &p->updates_capacity, sizeof *p->updates)) return false;
    p->updates[p->n_updates++] = p->n_operations;
    return true;
}

static void *copy(goss_program *p, const void *data, size_t size) {
    void *to = goss__arena_alloc(&p->arena, size);
    if (to && size) memcpy(to, data, size);
    return to;
}

static bool fill_operation(goss_program *p, const goss__operation_proto *o, goss__operation *to) {
    const size_t size = o->op->attrs ? o->op->attrs->size : 0;
    const int *operands = copy(p, o->operands, (size_t)o->n_operands * sizeof *operands);
    const void *attr = size ? copy(p, o->attr, size) : NULL;
    const char *name = o->name ? goss__arena_strdup(&p->arena, o->name) : NULL;
    const char *scope = goss__arena_strdup(&p->arena, o->scope);
    const goss_program *const *regions = copy(p, o->regions, (size_t)o->n_regions * sizeof *o->regions);
    if (!operands || (size && !attr) || (o->name && !name) || !scope || !regions) return false;
    *to = (goss__operation){.op = o->op, .attr = attr};
    to->shown = (goss_program_operation){.kind = o->op->name,
                                         .name = name,
                                         .scope = scope,
                                         .n_operands = o->n_operands,
                                         .operands = operands,
                                         .n_results = o->n_results,
                                         .first_result = p->n_values,
                                         .n_regions = o->n_regions,
                                         .regions = regions};
    return true;
}

bool goss__program_add(goss_program *p, const goss__operation_proto *o) {
    const bool ok =
        reserve((void **)&p->operations, p->n_operations, 1, &p->operations_capacity, sizeof *p->operations) &&
        fill_operation(p, o, &p->operations[p->n_operations]) && list_operation(p, &p->operations[p->n_operations]) &&
        add_results(p, o);
    if (ok)
        p->n_operations++;
    else
        for (int i = 0; i < o->n_regions; i++) goss_program_free(o->regions[i]);
    return ok;
}

bool goss__program_add_output(goss_program *p, int value, const char *name) {
    const char *own =
        name ? goss__arena_strdup(&p->arena, name) : goss__arena_printf(&p->arena, "output%d", p->outputs.n);
    return own && add_named(p, &p->outputs, own, value);
}

/* ---- reading ---- */

void goss__operation_site(goss__site *s, const goss_program *p, const goss__operation *o) {
    const goss_program_value *like = goss__operation_like(p, o);
    s->op = o->op, s->attr = o->attr, s->type = like->type, s->out = &like->shape, s->n_in = o->shown.n_operands;
    s->symbols = &p->symbols;
    for (int i = 0; i < s->n_in; i++) {
        s->in[i] = &p->values[o->shown.operands[i]].shape;
        s->in_type[i] = p->values[o->shown.operands[i]].type;
    }
}

int goss_program_symbols(const goss_program *p) { return p->symbols.n; }
const char *goss_program_symbol_name(const goss_program *p, int i) { return p->symbols.symbol[i].name; }
int64_t goss_program_symbol_maximum(const goss_program *p, int i) { return p->symbols.symbol[i].maximum; }

int goss_program_values(const goss_program *p) { return p->n_values; }
const goss_program_value *goss_program_value_at(const goss_program *p, int value) { return &p->values[value]; }
int goss_program_operations(const goss_program *p) { return p->n_operations; }
const goss_program_operation *goss_program_operation_at(const goss_program *p, int operation) {
    return &p->operations[operation].shown;
}

static int find(const goss__named_list *list, const char *name) {
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->at[i].name, name) == 0) return i;
    return -1;
}

int goss_program_inputs(const goss_program *p) { return p->inputs.n; }
int goss_program_input(const goss_program *p, int i) { return p->inputs.at[i].value; }
const char *goss_program_input_name(const goss_program *p, int i) { return p->inputs.at[i].name; }
int goss_program_find_input(const goss_program *p, const char *name) { return find(&p->inputs, name); }

int goss_program_parameters(const goss_program *p) { return p->parameters.n; }
int goss_program_parameter(const goss_program *p, int i) { return p->parameters.at[i].value; }
const char *goss_program_parameter_name(const goss_program *p, int i) { return p->parameters.at[i].name; }
int goss_program_find_parameter(const goss_program *p, const char *name) { return find(&p->parameters, name); }

int goss_program_outputs(const goss_program *p) { return p->outputs.n; }
int goss_program_output(const goss_program *p, int i) { return p->outputs.at[i].value; }
const char *goss_program_output_name(const goss_program *p, int i) { return p->outputs.at[i].name; }
int goss_program_find_output(const goss_program *p, const char *name) { return find(&p->outputs, name); }

int goss_program_updates(const goss_program *p) { return p->n_updates; }
int goss_program_update(const goss_program *p, int i) { return p->updates[i]; }

/* ---- attributes ---- */

static const goss__attr_field *field(const goss_program *p, int operation, int i) {
    return &p->operations[operation].op->attrs->field[i];
}

static const void *element(const goss_program *p, int operation, int i, int k) {
    const goss__attr_field *f = field(p, operation, i);
    return (const char *)p->operations[operation].attr + f->offset + (size_t)k * GOSS__ATTR_SIZE(f->type);
}

int goss_program_attributes(const goss_program *p, int operation) {
    return p->operations[operation].op->attrs ? p->operations[operation].op->attrs->n : 0;
}

const char *goss_program_attribute_name(const goss_program *p, int operation, int i) {
    return field(p, operation, i)->name;
}

goss_attribute_type goss_program_attribute_type(const goss_program *p, int operation, int i) {
    static const goss_attribute_type shown[] = {
        [GOSS__ATTR_INT] = GOSS_ATTRIBUTE_INT,       [GOSS__ATTR_REAL] = GOSS_ATTRIBUTE_REAL,
        [GOSS__ATTR_BOOL] = GOSS_ATTRIBUTE_BOOL,     [GOSS__ATTR_EXTENT] = GOSS_ATTRIBUTE_EXTENT,
        [GOSS__ATTR_AXIS_SET] = GOSS_ATTRIBUTE_AXES, [GOSS__ATTR_AXIS_LIST] = GOSS_ATTRIBUTE_AXES,
        [GOSS__ATTR_INT_LIST] = GOSS_ATTRIBUTE_INT,  [GOSS__ATTR_BYTE_LIST] = GOSS_ATTRIBUTE_INT};
    return shown[field(p, operation, i)->type];
}

/* Axis k of a set, in ascending order; -1: there is none. */
static int axis_of(int64_t set, int k) {
    for (int i = 0; i < GOSS_MAX_RANK; i++)
        if (set >> i & 1 && k-- == 0) return i;
    return -1;
}

int goss_program_attribute_count(const goss_program *p, int operation, int i) {
    const goss__attr_field *f = field(p, operation, i);
    const void *first = element(p, operation, i, 0);
    if (f->type == GOSS__ATTR_AXIS_LIST) return (int)((const goss__axis_list *)first)->n;
    if (f->type == GOSS__ATTR_INT_LIST) return (int)((const goss__int_list *)first)->n;
    if (f->type == GOSS__ATTR_BYTE_LIST) return (int)((const goss__byte_list *)first)->n;
    if (f->type == GOSS__ATTR_AXIS_SET) return __builtin_popcountll((unsigned long long)*(const int64_t *)first);
    return f->count;
}

int goss_program_attribute_find(const goss_program *p, int operation, const char *name) {
    const goss__attr_field *f = goss__attr_find(p->operations[operation].op->attrs, name);
    return f ? (int)(f - p->operations[operation].op->attrs->field) : -1;
}

int64_t goss_program_attribute_int(const goss_program *p, int operation, int i, int k) {
    switch (field(p, operation, i)->type) {
    case GOSS__ATTR_AXIS_LIST:
        return ((const goss__axis_list *)element(p, operation, i, 0))->axis[k];
    case GOSS__ATTR_INT_LIST:
        return ((const goss__int_list *)element(p, operation, i, 0))->item[k];
    case GOSS__ATTR_BYTE_LIST:
        return ((const goss__byte_list *)element(p, operation, i, 0))->item[k];
    case GOSS__ATTR_AXIS_SET:
        return axis_of(*(const int64_t *)element(p, operation, i, 0), k);
    default:
        return *(const int64_t *)element(p, operation, i, k);
    }
}

double goss_program_attribute_real(const goss_program *p, int operation, int i, int k) {
    assert(field(p, operation, i)->type == GOSS__ATTR_REAL);
    return *(const double *)element(p, operation, i, k);
}

goss_extent goss_program_attribute_extent(const goss_program *p, int operation, int i, int k) {
    assert(field(p, operation, i)->type == GOSS__ATTR_EXTENT);
    return *(const goss_extent *)element(p, operation, i, k);
}
