/* SPDX-License-Identifier: Apache-2.0 */
/* program_verify.c: verification of programs that were read from text or a file.
 *
 * Operations are not trusted: each is rebuilt by its builder (ops/rebuild.c), on operands of the written types and
 * shapes, in a separate graph. The builder must return that operation with these attributes and that result. A program
 * thus cannot contain anything that builders refuse, and no rule is implemented twice. Operands are opaque leaves in
 * that graph, so that builders cannot simplify across operations. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ir/program_loop.h"
#include "ir/program_results.h"
#include "ops/ops.h"

typedef struct verifier {
    const goss_program *p;
    goss_graph *g;     /* rebuilt operations, and a leaf per value */
    goss_val *leaf;    /* of each value */
    uint8_t *assigned; /* value is a parameter assigned by an earlier update */
    goss_error *err;
} verifier;

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "program: out of memory"); }

static goss_status wrong(const verifier *v, int operation, const char *fmt, ...) GOSS_PRINTF(3, 4);
static goss_status wrong(const verifier *v, int operation, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const goss_status s = goss__operation_error(v->p, operation, v->err, fmt, args);
    va_end(args);
    return s;
}

/* ---- shapes ---- */

static goss_status check_shape(const verifier *v, int operation, int result) {
    const goss_program_operation *o = &v->p->operations[operation].shown;
    const goss_program_value *value = &v->p->values[o->first_result + result];
    const goss_shape *s = &value->shape;
    if (s->rank < 0 || s->rank > GOSS_MAX_RANK) return wrong(v, operation, "result %d has rank %d", result, s->rank);
    for (int i = 0; i < s->rank; i++)
        if (!goss__extent_known(&v->p->symbols, s->dim[i]))
            return wrong(
                v, operation,
                "result %d, axis %d: not an extent, or one with a symbol that does not exist or whose maximum is 1",
                result, i);
    return GOSS_OK;
}

/* ---- attributes: the ranges of their types; builders check the rest ---- */

static bool list_ok(const goss__int_list *list) {
    if (list->n < 0 || list->n > GOSS__LONGEST_LIST) return false;
    for (int64_t i = list->n; i < GOSS__LONGEST_LIST; i++)
        if (list->item[i] != 0) return false;
    return true;
}

static bool byte_list_ok(const goss__byte_list *list) {
    if (list->n < 0 || list->n > GOSS__LONGEST_BYTE_LIST) return false;
    for (int64_t i = list->n; i < GOSS__LONGEST_BYTE_LIST; i++)
        if (list->item[i] != 0) return false;
    return true;
}

static bool element_ok(const goss__symbols *symbols, goss__attr_type type, const void *at) {
    if (type == GOSS__ATTR_EXTENT) return goss__extent_known(symbols, *(const goss_extent *)at);
    if (type == GOSS__ATTR_BOOL) return *(const int64_t *)at == 0 || *(const int64_t *)at == 1;
    if (type == GOSS__ATTR_AXIS_SET) return *(const uint64_t *)at < GOSS_AXIS(GOSS_MAX_RANK);
    if (type == GOSS__ATTR_INT_LIST) return list_ok(at);
    if (type == GOSS__ATTR_BYTE_LIST) return byte_list_ok(at);
    if (type != GOSS__ATTR_AXIS_LIST) return true;
    const goss__axis_list *list = at;
    if (list->n < 0 || list->n > GOSS_MAX_RANK) return false;
    for (int i = 0; i < GOSS_MAX_RANK; i++)
        if (list->axis[i] < 0 || list->axis[i] >= GOSS_MAX_RANK || (i >= list->n && list->axis[i] != 0)) return false;
    return true;
}

static goss_status check_attributes(const verifier *v, int operation) {
    const goss__operation *o = &v->p->operations[operation];
    for (int i = 0; o->op->attrs && i < o->op->attrs->n; i++) {
        const goss__attr_field *f = &o->op->attrs->field[i];
        for (int k = 0; k < f->count; k++)
            if (!element_ok(&v->p->symbols, f->type,
                            (const char *)o->attr + f->offset + (size_t)k * GOSS__ATTR_SIZE(f->type)))
                return wrong(v, operation, "attribute %s is out of its range", f->name);
    }
    return GOSS_OK;
}

/* ---- operations ---- */

static bool is_operand(const goss__node *n, uint32_t id) {
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] == id) return true;
    return false;
}

/* Builders may exchange commuting operands. */
static bool same_operands(const goss__node *n, const goss_val *in, int n_in) {
    if (n->n_in != n_in) return false;
    for (int i = 0; i < n_in; i++)
        if (!is_operand(n, in[i].id)) return false;
    for (int i = 0; i < n->n_in; i++) {
        int k = 0;
        while (k < n_in && in[k].id != n->in[i]) k++;
        if (k == n_in) return false;
    }
    return true;
}

static bool same_name(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static goss_status compare(const verifier *v, int operation, const goss__proto *asked, const goss__node *made) {
    char want[GOSS__SHAPE_TEXT], have[GOSS__SHAPE_TEXT];
    if (made->type != asked->type || !goss_shape_equal(made->shape, asked->shape))
        return wrong(v, operation, "its result is %s%s, not %s%s", made->type == GOSS_INDEX ? "index" : "real",
                     goss__shape_text(&v->p->symbols, &made->shape, have, sizeof have),
                     asked->type == GOSS_INDEX ? "index" : "real",
                     goss__shape_text(&v->p->symbols, &asked->shape, want, sizeof want));
    if (made->op != asked->op)
        return wrong(v, operation, "on these operands it is %s: the operation would not be emitted", made->op->name);
    if (!same_operands(made, asked->in, asked->n_in))
        return wrong(v, operation, "its operands do not have valid shapes");
    if (asked->op->attrs && memcmp(made->attr, asked->attr, asked->op->attrs->size) != 0)
        return wrong(v, operation, "its attributes differ from those of its builder");
    if (!same_name(made->name, asked->name)) return wrong(v, operation, "it has no name");
    return GOSS_OK;
}

static goss_status rebuild(verifier *v, int operation, const goss__proto *p, goss_val *made) {
    goss_error why = {0};
    *made = goss__rebuild(v->g, p);
    if (goss_graph_status(v->g, &why) == GOSS_E_NOMEM) return no_memory(v->err);
    if (why.status != GOSS_OK) return wrong(v, operation, "%s", why.text);
    return goss_valid(*made) ? GOSS_OK : wrong(v, operation, "its builder refuses it");
}

/* Each result is what its selector's builder returns. `in` has room for the node. */
static goss_status rebuild_results(verifier *v, int operation, goss_val node, goss_val in[GOSS__MAX_IN + 1]) {
    const goss__operation *o = &v->p->operations[operation];
    const int repeated = o->op->results->repeats_operands ? o->shown.n_operands : 0;
    in[repeated] = node;
    for (int k = 0; k < o->shown.n_results; k++) {
        const goss_program_value *result = &v->p->values[o->shown.first_result + k];
        goss__selector s;
        goss_val made;
        goss__selector_of(o, k, &s);
        const goss__proto p = {
            .op = s.op, .type = result->type, .shape = result->shape, .n_in = repeated + 1, .in = in, .attr = s.attr};
        GOSS_TRY(rebuild(v, operation, &p, &made));
        GOSS_TRY(compare(v, operation, &p, goss__node_of(made)));
    }
    return GOSS_OK;
}

static goss_status rebuild_operation(verifier *v, int operation, goss_val *made) {
    const goss__operation *o = &v->p->operations[operation];
    const int *operands = o->shown.operands;
    goss_val in[GOSS__MAX_IN + 1];
    for (int i = 0; i < o->shown.n_operands; i++) in[i] = v->leaf[operands[i]];
    goss__proto p = {.op = o->op, .n_in = o->shown.n_operands, .in = in, .attr = o->attr, .name = o->shown.name};
    const bool several = o->op->results != NULL;
    if (!several) p.type = goss__operation_like(v->p, o)->type, p.shape = goss__operation_like(v->p, o)->shape;
    GOSS_TRY(rebuild(v, operation, &p, made));
    const goss__node *node = goss__node_of(*made);
    if (several) p.type = (goss_type)node->type, p.shape = node->shape; /* not written */
    GOSS_TRY(compare(v, operation, &p, node));
    return several ? rebuild_results(v, operation, *made, in) : GOSS_OK;
}

/* A result as seen by later operations: parameters and indices as they are, which builders inspect; real values as
 * opaque leaves. */
static goss_status keep(verifier *v, int operation, goss_val made) {
    const goss__operation *o = &v->p->operations[operation];
    for (int i = 0; i < o->shown.n_results; i++) {
        const int value = o->shown.first_result + i;
        const goss_program_value *is = &v->p->values[value];
        const bool as_it_is = o->op == &goss__op_param || is->type == GOSS_INDEX;
        v->leaf[value] = as_it_is ? made : goss__probe(v->g, is->type, is->shape, value);
        if (!goss_valid(v->leaf[value])) return no_memory(v->err); /* the shape was valid before */
    }
    return GOSS_OK;
}

static goss_status check_assignment(verifier *v, int operation) {
    const goss__operation *o = &v->p->operations[operation];
    const int param = o->shown.operands[0];
    if (v->p->depth > 0) return wrong(v, operation, "a region assigns nothing");
    if (goss__maker(v->p, param)->op != &goss__op_param)
        return wrong(v, operation, "operand 0, %%%d, is no parameter", param);
    if (v->assigned[param])
        return wrong(v, operation, "parameter %s is assigned twice", goss__maker(v->p, param)->shown.name);
    v->assigned[param] = 1;
    return GOSS_OK;
}

static int64_t count_results(const goss__operation *o) {
    const goss__results *r = o->op->results;
    if (!r) return o->op->assignment ? 0 : 1;
    return r->count ? r->count(o->attr) : r->n_selectors;
}

static goss_status check_operation(verifier *v, int operation) {
    const goss__operation *o = &v->p->operations[operation];
    const bool assignment = o->op->assignment;
    const bool named = o->op == &goss__op_input || o->op == &goss__op_param;
    goss_val made;
    if (o->shown.n_operands > GOSS__MAX_IN) return wrong(v, operation, "more than %d operands", GOSS__MAX_IN);
    for (int i = 0; i < o->shown.n_operands; i++)
        if (o->shown.operands[i] < 0 || o->shown.operands[i] >= o->shown.first_result)
            return wrong(v, operation, "operand %d, %%%d, is not defined yet", i, o->shown.operands[i]);
    if (o->op->selects)
        return wrong(v, operation, "in programs of this version it is a result of %s", o->op->selects->name);
    if (o->shown.n_results != count_results(o))
        return wrong(v, operation, "it has %d results, not %lld", o->shown.n_results, (long long)count_results(o));
    if (o->shown.n_regions > 0 && !goss__is_of_loop(o->op)) return wrong(v, operation, "it has no regions");
    if (named && (!o->shown.name || !o->shown.name[0])) return wrong(v, operation, "it needs a name");
    for (int i = 0; i < o->shown.n_results; i++) GOSS_TRY(check_shape(v, operation, i));
    GOSS_TRY(check_attributes(v, operation));
    if (assignment && o->shown.n_operands > 0) GOSS_TRY(check_assignment(v, operation));
    if (assignment && o->shown.n_operands == 0) return wrong(v, operation, "it has no operands");
    for (int i = 0; i < o->shown.n_regions; i++)
        GOSS_TRY(goss_error_prefix(v->err, goss_program_verify(o->shown.regions[i], v->err), "body"));
    if (!goss__is_of_loop(o->op)) {
        GOSS_TRY(rebuild_operation(v, operation, &made));
        return keep(v, operation, made);
    }
    GOSS_TRY(goss__verify_loop(v->p, operation, v->err));
    for (int i = o->shown.first_result; i < o->shown.first_result + o->shown.n_results; i++) {
        v->leaf[i] = goss__probe(v->g, v->p->values[i].type, v->p->values[i].shape, i);
        if (!goss_valid(v->leaf[i])) return wrong(v, operation, "its result is too large");
    }
    return GOSS_OK;
}

/* ---- names ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b); /* duplicates are searched */
}

/* Checks that the names of one or two lists are unique. */
static goss_status check_names(const verifier *v, const goss__named_list *a, const goss__named_list *b,
                               const char *what) {
    const int n = a->n + (b ? b->n : 0);
    const char **names = goss__calloc((size_t)n + 1, sizeof *names);
    if (!names) return no_memory(v->err);
    for (int i = 0; i < n; i++) names[i] = i < a->n ? a->at[i].name : b->at[i - a->n].name;
    qsort(names, (size_t)n, sizeof *names, by_name);
    goss_status s = GOSS_OK;
    for (int i = 0; i < n && s == GOSS_OK; i++) {
        if (!names[i][0]) s = goss_error_set(v->err, GOSS_E_FORMAT, "%s have an empty name", what);
        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            s = goss_error_set(v->err, GOSS_E_FORMAT, "two %s are named \"%s\"", what, names[i]);
    }
    goss__free(names);
    return s;
}

static goss_status check_symbols(const verifier *v) {
    const goss__symbols *s = &v->p->symbols;
    for (int i = 0; i < s->n; i++) {
        if (!goss__symbol_name_ok(s->symbol[i].name))
            return goss_error_set(v->err, GOSS_E_FORMAT, "symbol %d: \"%s\" is no name", i, s->symbol[i].name);
        if (s->symbol[i].maximum < 1)
            return goss_error_set(v->err, GOSS_E_FORMAT, "symbol %s: its maximum is below 1", s->symbol[i].name);
        for (int k = 0; k < i; k++)
            if (strcmp(s->symbol[k].name, s->symbol[i].name) == 0)
                return goss_error_set(v->err, GOSS_E_FORMAT, "two symbols are named %s", s->symbol[i].name);
    }
    return GOSS_OK;
}

static goss_status check_outputs(const verifier *v) {
    for (int i = 0; i < v->p->outputs.n; i++)
        if (v->p->outputs.at[i].value < 0 || v->p->outputs.at[i].value >= v->p->n_values)
            return goss_error_set(v->err, GOSS_E_FORMAT, "output %s is no value", v->p->outputs.at[i].name);
    return check_names(v, &v->p->outputs, NULL, "outputs");
}

static goss_status check_all(verifier *v) {
    GOSS_TRY(check_symbols(v));
    v->g->symbols = v->p->symbols; /* borrowed: the graph is freed first */
    for (int i = 0; i < v->p->n_operations; i++) GOSS_TRY(check_operation(v, i));
    GOSS_TRY(check_names(v, &v->p->inputs, &v->p->parameters, "inputs and parameters"));
    return check_outputs(v);
}

goss_status goss_program_verify(const goss_program *p, goss_error *err) {
    verifier v = {.p = p, .err = err, .g = goss_graph_new()};
    v.leaf = goss__calloc((size_t)p->n_values + 1, sizeof *v.leaf);
    v.assigned = goss__calloc((size_t)p->n_values + 1, sizeof *v.assigned);
    goss_status s = GOSS_E_NOMEM;
    if (v.g && v.leaf && v.assigned) {
        v.g->folds = false; /* operations as written, without folding */
        s = check_all(&v);
    } else {
        (void)no_memory(err);
    }
    goss_graph_free(v.g), goss__free(v.leaf), goss__free(v.assigned);
    return s;
}
