/* SPDX-License-Identifier: Apache-2.0 */
/* compile.c: picks the nodes that outputs and updates need, copies them out of the graph, and runs the steps that make
 * phases and offsets. */
#include <string.h>

#include "base/alloc.h"
#include "schedule/schedule.h"

goss_schedule_options goss_schedule_defaults(void) { return (goss_schedule_options){.precision = GOSS_F32}; }

void goss_schedule_free(goss_schedule *p) {
    if (!p) return;
    goss__arena_free(&p->arena);
    goss__free(p);
}

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

static void mark(const goss_graph *g, uint8_t *needed, const goss_val *v, int n) {
    for (int i = 0; i < n; i++) needed[v[i].id] = 1;
    for (uint32_t id = g->n_nodes; id-- > 1;) /* ids are topological order */
        if (needed[id])
            for (int i = 0; i < g->nodes[id]->n_in; i++) needed[g->nodes[id]->in[i]] = 1;
}

static const char *copy_text(goss_schedule *p, const char *s) { return s ? goss__arena_strdup(&p->arena, s) : NULL; }

static bool copy_value(goss_schedule *p, const goss__node *n, const uint32_t *number, goss__value *v) {
    goss__node *copy = goss__arena_alloc(&p->arena, sizeof *copy);
    uint32_t *in = goss__arena_alloc(&p->arena, (size_t)n->n_in * sizeof *in);
    const size_t attr_size = goss__attr_size(n->op);
    void *attr = attr_size ? goss__arena_alloc(&p->arena, attr_size) : NULL;
    if (!copy || !in || (attr_size && !attr)) return false;
    for (int i = 0; i < n->n_in; i++) in[i] = number[n->in[i]];
    if (attr_size) memcpy(attr, n->attr, attr_size);
    *copy = *n;
    copy->in = in, copy->attr = attr;
    copy->name = copy_text(p, n->name), copy->scope = copy_text(p, n->scope);
    if ((n->name && !copy->name) || !copy->scope) return false;
    *v = (goss__value){.op = n->op,
                       .node = copy,
                       .in = in,
                       .n_in = n->n_in,
                       .phase = -1,
                       .last_phase = -1,
                       .in_place_of = -1,
                       .copy_of = -1};
    return true;
}

/* n is a parameter that the options' list names. */
static bool is_bf16(const goss_schedule *p, const goss__node *n) {
    if (n->op != &goss__op_param || !p->options.bf16) return false;
    const size_t length = strlen(n->name);
    for (const char *at = p->options.bf16; *at;) {
        const size_t word = strcspn(at, ",");
        if (word == length && memcmp(at, n->name, word) == 0) return true;
        at += word + (at[word] == ',');
    }
    return false;
}

/* A parameter kept as bfloat16 is followed by an alias, which is what its readers read. */
static bool add_alias(goss_schedule *p, uint32_t param) {
    const goss__value *of = &p->values[param];
    goss__node *node = goss__arena_alloc(&p->arena, sizeof *node);
    uint32_t *in = goss__arena_alloc(&p->arena, sizeof *in);
    if (!node || !in) return false;
    *in = param;
    *node = *of->node;
    node->op = &goss__op_reshape, node->attr = NULL, node->name = NULL, node->in = in, node->n_in = 1;
    p->values[param + 1] = (goss__value){.op = node->op,
                                         .node = node,
                                         .in = in,
                                         .n_in = 1,
                                         .phase = -1,
                                         .last_phase = -1,
                                         .in_place_of = -1,
                                         .copy_of = -1};
    return true;
}

/* Copying node after node. `state` holds of each node whether it is needed, cheap to compute again, and read so far. */
enum { NEEDED = 1, CHEAP = 2, READ = 4 };
typedef struct copying {
    goss_schedule *p;
    const goss_graph *g;
    uint8_t *state;
    uint32_t *number; /* of each node: its value */
    uint32_t at;      /* the next value */
} copying;

/* A cheap operand that was read before, by another. */
static bool wants_copy(const copying *c, const goss__node *n, int operand) {
    const uint32_t id = n->in[operand];
    for (int i = 0; i < operand; i++)
        if (n->in[i] == id) return false;
    return (c->state[id] & (CHEAP | READ)) == (CHEAP | READ);
}

/* Values that a copy of operand `id` takes: its own, and those of what it reads that is cheap as well. */
static uint32_t copies_for(const copying *c, uint32_t id) {
    const goss__node *n = c->g->nodes[id];
    uint32_t values = 1;
    for (int i = 0; i < n->n_in; i++)
        if (wants_copy(c, n, i)) values += copies_for(c, n->in[i]);
    return values;
}

/* Another shape of what is cheap is cheap, too. */
static bool is_cheap(const copying *c, const goss__node *n) {
    if (c->p->options.no_tiles) return false;
    return goss__is_cheap(c->p, c->g, n) || (n->op->slicing.alias && c->state[n->in[0]] & CHEAP);
}

/* Finds the cheap nodes, and how many values there will be. */
static uint32_t count_values(copying *c) {
    uint32_t values = 0;
    for (uint32_t id = 1; id < c->g->n_nodes; id++) {
        const goss__node *n = c->g->nodes[id];
        if (!(c->state[id] & NEEDED)) continue;
        if (is_cheap(c, n)) c->state[id] |= CHEAP;
        for (int i = 0; i < n->n_in; i++) values += wants_copy(c, n, i) ? copies_for(c, n->in[i]) : 0;
        for (int i = 0; i < n->n_in; i++) c->state[n->in[i]] |= READ;
        values += 1 + is_bf16(c->p, n);
    }
    for (uint32_t id = 1; id < c->g->n_nodes; id++) c->state[id] &= (uint8_t)~READ;
    return values;
}

/* Node n as the next value, with copies in front of it of those operands that it had better compute again. */
static bool copy_node(copying *c, const goss__node *n, goss__value **value) {
    uint32_t first[GOSS__MAX_IN];
    bool ok = true;
    for (int i = 0; i < n->n_in; i++) first[i] = c->number[n->in[i]];
    for (int i = 0; i < n->n_in && ok; i++) {
        if (!wants_copy(c, n, i)) continue;
        const int64_t of = c->p->values[first[i]].copy_of;
        if (!(ok = copy_node(c, c->g->nodes[n->in[i]], value))) break;
        (*value)->copy_of = of >= 0 ? of : first[i];
        c->number[n->in[i]] = (uint32_t)(*value - c->p->values);
    }
    *value = &c->p->values[c->at++];
    ok = ok && copy_value(c->p, n, c->number, *value);
    for (int i = n->n_in; i-- > 0;) c->number[n->in[i]] = first[i], c->state[n->in[i]] |= READ;
    return ok;
}

static goss_status copy_values(goss_schedule *p, const goss_graph *g, uint8_t *state, uint32_t *number) {
    copying c = {.p = p, .g = g, .state = state, .number = number};
    p->n_values = count_values(&c);
    p->values = goss__arena_alloc(&p->arena, p->n_values * sizeof *p->values);
    if (!p->values) return GOSS_E_NOMEM;
    for (uint32_t id = 1; id < g->n_nodes; id++) {
        goss__value *value;
        if (!(state[id] & NEEDED)) continue;
        if (!copy_node(&c, g->nodes[id], &value)) return GOSS_E_NOMEM;
        number[id] = (uint32_t)(value - p->values);
        if (!is_bf16(p, g->nodes[id])) continue;
        value->bf16 = true;
        if (!add_alias(p, number[id]++)) return GOSS_E_NOMEM;
        c.at++;
    }
    return GOSS_OK;
}

static goss_status copy_symbols(goss_schedule *p, const goss_graph *g) {
    p->symbols = g->symbols;
    for (int i = 0; i < p->symbols.n; i++) {
        p->symbols.symbol[i].name = copy_text(p, g->symbols.symbol[i].name);
        if (!p->symbols.symbol[i].name) return GOSS_E_NOMEM;
    }
    return GOSS_OK;
}

static uint32_t *copy_ids(goss_schedule *p, const goss_val *v, int n, const uint32_t *number) {
    uint32_t *ids = goss__arena_alloc(&p->arena, (size_t)n * sizeof *ids);
    for (int i = 0; ids && i < n; i++) ids[i] = number[v[i].id];
    return ids;
}

static goss_status check_request(const goss_graph *g, const goss_val *v, int n, const char *what, goss_error *err) {
    for (int i = 0; i < n; i++)
        if (!goss_valid(v[i]) || v[i].graph != g)
            return goss_error_set(err, GOSS_E_ARGUMENT, "compile: %s %d is not a value of this graph", what, i);
    return GOSS_OK;
}

static goss_status fill_program(goss_schedule *p, const goss_graph *g, const goss_val *outputs, const goss_val *updates,
                                uint8_t *needed, uint32_t *number, goss_error *err) {
    mark(g, needed, outputs, p->n_outputs);
    mark(g, needed, updates, p->n_updates);
    goss_status s = copy_symbols(p, g);
    if (s == GOSS_OK) s = copy_values(p, g, needed, number);
    if (s == GOSS_OK) {
        p->outputs = copy_ids(p, outputs, p->n_outputs, number);
        p->updates = copy_ids(p, updates, p->n_updates, number);
        if (!p->outputs || !p->updates) s = GOSS_E_NOMEM;
    }
    if (s != GOSS_OK) return goss_error_set(err, s, "compile: out of memory");
    return goss__run_passes(p, err);
}

goss_status goss_compile(goss_graph *g, const goss_val *outputs, int n_outputs, const goss_val *updates, int n_updates,
                         const goss_schedule_options *options, goss_schedule **out, goss_error *err) {
    *out = NULL;
    GOSS_TRY(goss_graph_status(g, err));
    goss__passes off;
    GOSS_TRY(goss__passes_off(&off, err));
    GOSS_TRY(goss__passes_add(&off, options ? options->disable : NULL, "disable", err));
    if (goss__has_pass(off, GOSS__PASS_REWRITE) && !g->plain)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "compile: this graph's builders have rewritten it; GOSSAMER_DISABLE=rewrite is read "
                              "where a graph is created");
    GOSS_TRY(goss__kernels_asked(err));
    GOSS_TRY(check_request(g, outputs, n_outputs, "output", err));
    GOSS_TRY(check_request(g, updates, n_updates, "update", err));
    for (int i = 0; i < n_updates; i++) {
        const goss__op *op = goss__node_of(updates[i])->op;
        if (op != &goss__op_assign && op != &goss__op_assign_rows)
            return goss_error_set(err, GOSS_E_ARGUMENT, "compile: update %d is a %s, not an assignment", i, op->name);
    }
    goss_schedule *p = goss__calloc(1, sizeof *p);
    uint8_t *needed = goss__calloc(g->n_nodes, 1);
    uint32_t *number = goss__calloc(g->n_nodes, sizeof *number);
    goss_status s = GOSS_E_NOMEM;
    if (p && needed && number) {
        p->options = options ? *options : goss_schedule_defaults();
        p->precision = p->options.precision;
        p->off = off;
        p->n_outputs = n_outputs, p->n_updates = n_updates;
        s = fill_program(p, g, outputs, updates, needed, number, err);
        p->options.bf16 = p->options.disable = p->options.print = NULL; /* the caller's */
    } else {
        goss_error_set(err, s, "compile: out of memory");
    }
    goss__free(needed);
    goss__free(number);
    if (s == GOSS_OK)
        *out = p;
    else
        goss_schedule_free(p);
    return s;
}
