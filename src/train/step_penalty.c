/* SPDX-License-Identifier: Apache-2.0 */
/* step_penalty.c: penalties attached to a loss from outside. Micro-batches hold one task each, where a penalty that
 * couples tasks would silently become that of one task: coupling is detected in a graph of two tasks. */
#include <string.h>

#include "base/alloc.h"
#include "graph/node.h"
#include "train/step.h"

goss_val goss__step_penalty(const goss_step_options *o, goss_graph *g, goss_step_loss *loss) {
    if (!o->penalty) return GOSS_NONE;
    goss_scope_push(g, "penalty");
    goss_val v = o->penalty(o->penalty_context, g, loss);
    if (goss_valid(v) && goss_rank(v) > 1)
        v = goss_graph_fail(g, GOSS_E_SHAPE,
                            "a penalty has one value for each task [T], or rank 0; this one has rank %d", goss_rank(v));
    if (goss_valid(v) && goss_rank(v) == 1) v = goss_mean_all(v);
    goss_scope_pop(g);
    return v;
}

/* The byte that stands for T in extents; 0: the graph has no such symbol. */
static unsigned task_symbol(const goss_graph *g) {
    for (int i = 0; i < g->symbols.n; i++)
        if (strcmp(g->symbols.symbol[i].name, "T") == 0) return (unsigned)i + 1;
    return 0;
}

/* How often T is a factor of a tensor's size. */
static int power_of(const goss__node *n, unsigned T) {
    int power = 0;
    for (int i = 0; i < n->shape.rank; i++)
        for (uint64_t s = n->shape.dim[i].symbols; s; s >>= 8) power += (s & 255) == T;
    return power;
}

/* Marks the ancestors of v with id >= `first`. */
static void mark_parts(const goss_graph *g, goss_val v, uint32_t first, bool *part) {
    part[v.id] = true;
    for (uint32_t id = v.id; id >= first; id--)
        for (int i = 0; part[id] && i < g->nodes[id]->n_in; i++) part[goss__in(g, g->nodes[id], i)->id] = true;
}

/* The first of those that reduces the task axis of an operand, or has it twice. */
static const goss__node *tying_node(const goss_graph *g, uint32_t first, const bool *part, unsigned T) {
    for (uint32_t id = first; id < g->n_nodes; id++) {
        const goss__node *n = g->nodes[id];
        if (!part[id]) continue;
        const int power = power_of(n, T);
        if (power > 1) return n;
        for (int i = 0; i < n->n_in; i++)
            if (power < power_of(goss__in(g, n, i), T)) return n;
    }
    return NULL;
}

static goss_status separable(goss_graph *g, const goss_step_source *source, const goss_step_options *o,
                             goss_error *err) {
    goss_step_loss loss = {0};
    GOSS_TRY(source->build(source->context, g, 2, &loss, err));
    const uint32_t first = g->n_nodes;
    const int params = loss.n_params, states = loss.n_states;
    const goss_val v = o->penalty(o->penalty_context, g, &loss);
    GOSS_TRY(goss_graph_status(g, err));
    if (loss.n_params != params || loss.n_states != states)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "micro-batches: the penalty has parameters or states of its own, which follow the whole "
                              "batch: train with whole batches (micro_batch = 0)");
    if (!goss_valid(v)) return GOSS_OK;
    const unsigned T = task_symbol(g);
    if (T == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "micro-batches: the loss has no symbol \"T\" for its tasks");
    bool *part = goss__calloc(g->n_nodes + 1, sizeof *part);
    if (!part) return goss_error_set(err, GOSS_E_NOMEM, "no memory to look at a penalty");
    mark_parts(g, v, first, part); /* measures may span all tasks */
    const goss__node *n = tying_node(g, first, part, T);
    goss__free(part);
    if (!n) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "micro-batches: the penalty ties tasks together (%s%s%s takes them all at once), and a "
                          "micro-batch has not all of them. Return one value for each task [T], or train with whole "
                          "batches (micro_batch = 0)",
                          n->scope, n->scope[0] ? ": " : "", n->op->name);
}

goss_status goss__step_separable(const goss_step_source *source, const goss_step_options *o, goss_error *err) {
    if (!o->penalty) return GOSS_OK;
    goss_graph *g = goss_graph_new();
    goss_status s = g ? separable(g, source, o, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    goss_graph_free(g);
    return s;
}
