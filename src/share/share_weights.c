/* SPDX-License-Identifier: Apache-2.0 */
/* share_weights.c: the weights of tasks in a graph: coefficients times matrices, summed over parts.
 *
 * A layer's codes and gates are made once, so that its tensors see the same noise. The mean over tasks, which a new
 * task starts from, is that of all tasks' weights: it is a row behind theirs where a batch has both. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "share/share.h"

typedef struct building {
    const goss_share *s;
    goss_graph *g;
    const goss_weights *own;
    goss_val id, noise, heat; /* of the tasks whose weights are made */
    bool publish;
    goss_val *made; /* codes and gates, by their entries */
} building;

static goss_val publish(const building *a, const char *role, const char *name, int size, goss_val v) {
    char full[200];
    snprintf(full, sizeof full, "%s/%.*s", role, size, name);
    return a->publish ? goss_publish(a->g, full, v) : v;
}

/* An entry of the layout, without the axis of 1 in front. */
static goss_val entry(const building *a, int i) {
    goss_val v = goss_weights_get(a->own, goss_layout_entry(a->s->layout, i)->name);
    return goss_squeeze(v, 0);
}

static goss_val flat(goss_val v, int64_t rows, int64_t columns) {
    return goss_reshape(v, GOSS_SHAPE(goss_n(rows), goss_n(columns)));
}

/* ---- codes and gates ---- */

static goss_gate_options code_gate(const goss_share *s, goss__codes codes) {
    goss_gate_options o = goss_gate_defaults(codes == GOSS__CODES_GUMBEL ? GOSS_GATE_GUMBEL : GOSS_GATE_SOFTMAX);
    o.temperature = s->options.temperature;
    o.hard = codes == GOSS__CODES_GUMBEL && s->options.hard;
    return o;
}

/* [T,K] of the tasks, from the entry's [N,K]. gate NULL: as they are. */
static goss_val rows_of(building *a, int at, const goss_gate_options *gate, const char *role) {
    if (a->made[at].graph) return a->made[at];
    const char *name = goss_layout_entry(a->s->layout, at)->name;
    const int size = goss__share_layer_size(name);
    goss_scope_push(a->g, name);
    goss_val v = goss_gather(entry(a, at), a->id);
    if (gate) {
        goss_gate_options heated = *gate;
        heated.heat = a->heat;
        v = goss_gate(v, &heated, a->noise);
    }
    goss_scope_pop(a->g);
    return a->made[at] = publish(a, role, name, size, v);
}

/* ---- parts ---- */

/* The product of a train's cores, [R, P]. */
static goss_val product_of_cores(const building *a, const goss__part *part) {
    goss_val m = entry(a, part->matrix); /* [n_1, R] */
    int64_t n = goss_layout_entry(a->s->layout, part->matrix)->dim[0];
    for (int i = 1; i < part->matrices; i++) {
        const int64_t next = goss_layout_entry(a->s->layout, part->matrix + i)->dim[1];
        goss_val core = flat(entry(a, part->matrix + i), part->K, next * part->K);
        m = flat(goss_matmul(m, core, false, false), n * next, part->K);
        n *= next;
    }
    return goss_transpose(m);
}

/* A task's rows, so far towards the mean of all tasks' rows as its degree says, between 0 and 1. */
static goss_val merged(building *a, const goss__part *part, goss_val m) {
    const goss_val degree = goss_sigmoid(rows_of(a, part->codes, NULL, "codes"));
    return goss_lerp(goss_gather(m, a->id), goss_mean(m, GOSS_AXIS(0), true), degree);
}

/* A part of a tensor, [T or 1, P]. */
static goss_val part_of(building *a, const goss__part *part, int64_t numel) {
    const goss__codes codes = part->kind->codes;
    if (part->kind->train)
        return goss_matmul(rows_of(a, part->codes, NULL, "codes"), product_of_cores(a, part), false, false);
    goss_val m = flat(entry(a, part->matrix), part->K, numel);
    if (codes == GOSS__CODES_NONE) return m;
    if (codes == GOSS__CODES_TASK) return goss_gather(m, a->id);
    if (codes == GOSS__CODES_MERGED) return merged(a, part, m);
    const goss_gate_options gate = code_gate(a->s, codes);
    return goss_matmul(rows_of(a, part->codes, codes == GOSS__CODES_FREE ? NULL : &gate, "codes"), m, false, false);
}

/* [Tw, P] as the tensor. */
static goss_val as_tensor(goss_val v, const goss_entry *e) {
    if (!goss_valid(v)) return v;
    goss_shape shape = {.rank = e->rank + 1, .dim = {goss_dim(v, 0)}};
    for (int i = 0; i < e->rank; i++) shape.dim[1 + i] = goss_n(e->dim[i]);
    return goss_reshape(v, shape);
}

/* The weighted sum of a tensor's parts, [T or 1, P]. */
static goss_val sum_of(building *a, int i) {
    const goss_entry *e = goss_layout_entry(goss_target_layout(a->s->target), i);
    const goss__parts *t = &a->s->tensor[i];
    goss_val sum = GOSS_NONE, gates = GOSS_NONE;
    if (t->gates >= 0) gates = rows_of(a, t->gates, &a->s->gates, "gates");
    for (int p = 0; p < t->n; p++) {
        char role[32];
        snprintf(role, sizeof role, "parts/%d", p + 1);
        goss_val v = part_of(a, &t->part[p], e->numel);
        publish(a, role, e->name, (int)strlen(e->name), as_tensor(v, e));
        if (goss_valid(gates)) v = goss_mul(v, goss_slice(gates, 1, p, 1));
        sum = p ? goss_add(sum, v) : v;
    }
    return sum;
}

/* ---- tasks ---- */

goss_val goss_share_heat(const goss_share *s, goss_graph *g, goss_val step) {
    const goss_share_options *o = &s->options;
    if (o->anneal == 1) return GOSS_NONE;
    if (!goss_valid(step)) return goss_const(g, o->anneal);
    goss_val part = goss_min(goss_scale(step, 1.0 / (double)o->anneal_steps), goss_const(g, 1));
    return goss_exp(goss_scale(part, log(o->anneal)));
}

/* Behind the rows of all tasks that of a new one. */
static goss_val with_mean(goss_val all, goss_val id) {
    goss_val mean = goss_mean(all, GOSS_AXIS(0), true);
    return goss_valid(id) ? goss_gather(goss_concat((goss_val[]){all, mean}, 2, 0), id) : mean;
}

static void fill(building *a, const goss_share_tasks *tasks, bool new_ones, goss_weights *out) {
    const goss_layout *l = goss_target_layout(a->s->target);
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        goss_val v = sum_of(a, i);
        if (new_ones && goss_valid(v) && !goss_extent_is(goss_dim(v, 0), 1)) v = with_mean(v, tasks->id);
        goss_weights_set(out, e->name, as_tensor(v, e));
    }
}

goss_weights *goss_share_weights(const goss_share *s, goss_graph *g, const goss_share_tasks *tasks) {
    const bool new_ones = tasks->unknown || !goss_valid(tasks->id);
    goss_weights *out = goss_weights_empty(g, goss_target_layout(s->target)),
                 *own = goss_weights_from_params(g, s->layout, "share");
    goss_val *made = goss__calloc((size_t)goss_layout_count(s->layout) + 1, sizeof *made);
    if (!out || !own || !made) {
        goss_graph_fail(g, GOSS_E_NOMEM, "out of memory for shared weights");
        goss_weights_free(out);
        out = NULL;
    } else {
        building a = {.s = s, .g = g, .own = own, .publish = !new_ones, .made = made};
        a.id = new_ones ? goss_iota(g, goss_n(s->options.tasks)) : tasks->id;
        a.noise = new_ones ? GOSS_NONE : tasks->noise, a.heat = tasks->heat;
        goss_scope_push(g, "share");
        fill(&a, tasks, new_ones, out);
        goss_scope_pop(g);
    }
    goss_weights_free(own);
    goss__free(made);
    return out;
}
