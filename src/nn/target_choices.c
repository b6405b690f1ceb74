/* SPDX-License-Identifier: Apache-2.0 */
/* target_choices.c: the gates of what a network's text leaves open, derived from its list of layers.
 *
 * Gates are numbered in the order of the text: where an optional part or alternatives begin, where units appear for the
 * first time, where a kernel has several sizes. A gate's part may be inside of another one's, which is what gate_inside
 * says; units exist by the innermost gate around all layers that carry them. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/target.h"

#define MAX_GATES 65536

static goss_status no_memory(goss_error *err) {
    return goss_error_set(err, GOSS_E_NOMEM, "out of memory for a network");
}

/* ---- groups ---- */

/* Appends a group of `count` gates; *first: the first one. */
static goss_status add_group(goss_target *t, goss_gate_of of, goss_gate_rule rule, int count, int layer, int inside,
                             int *first, goss_error *err) {
    if (count > MAX_GATES - t->n_gates)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "network: more than %d gates for its choices; write a larger step, LOW..HIGH/STEP",
                              MAX_GATES);
    goss__gate_group *groups = goss__realloc(t->groups, (size_t)(t->n_groups + 1) * sizeof *groups);
    if (groups) t->groups = groups;
    int *gates = groups ? goss__realloc(t->gate_inside, (size_t)(t->n_gates + count) * sizeof *gates) : NULL;
    if (!gates) return no_memory(err);
    t->gate_inside = gates;
    *first = t->n_gates;
    t->groups[t->n_groups++] = (goss__gate_group){
        .info = {.of = of, .rule = rule, .first = *first, .count = count}, .layer = layer, .inside = inside};
    for (int i = 0; i < count; i++) t->gate_inside[t->n_gates++] = inside;
    return GOSS_OK;
}

/* The innermost gate that both parts are inside of. */
static int common(const goss_target *t, int a, int b) {
    while (a != b) {
        int *later = a > b ? &a : &b; /* a gate's number is above that of the gate around it */
        *later = t->gate_inside[*later];
    }
    return a;
}

/* ---- units ---- */

static bool makes_units(const goss__layer *l) {
    return l->kind->product && !goss__layer_opaque(l) && l->groups <= 1 && !goss__layer_is(l, "head");
}

static int64_t gcd(int64_t a, int64_t b) {
    while (b) {
        const int64_t rest = a % b;
        a = b, b = rest;
    }
    return a;
}

/* In how many parts a group norm divides the units in order; 0: not into whole ones. */
static int64_t divides(const goss__layer *norm, int64_t units) {
    const int64_t per_group = goss__flow_channels(&norm->out_flow) / norm->groups;
    return per_group % units == 0 ? 1 : units % per_group == 0 ? units / per_group : 0;
}

/* The number of parts that must lose the same number of units, for all group norms that they pass. */
static goss_status parts_of(const goss_target *t, int group, const char *who, int64_t *parts, goss_error *err) {
    const int64_t units = goss_target_units_count(t, group);
    *parts = 1;
    for (int i = 0; i < t->n_layers; i++) {
        const goss__layer *l = &t->layers[i];
        if (!goss__layer_is(l, "norm") || l->norm != GOSS__NORM_GROUP || l->units != group) continue;
        const int64_t n = divides(l, units);
        if (n == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "%s: its units cannot vary: the groups of %s cut through them",
                                  who, l->name);
        *parts *= n / gcd(*parts, n);
    }
    return GOSS_OK;
}

/* Layers whose units meet in a sum leave the same open. */
static goss_status check_partners(const goss_target *t, const goss__layer *l, goss_error *err) {
    for (int i = 0; i < t->n_layers; i++) {
        const goss__layer *k = &t->layers[i];
        if (!makes_units(k) || k->units != l->units) continue;
        if (k->low != l->low || k->out != l->out || k->step != l->step || k->nested != l->nested)
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "%s: its units meet those of %s in a sum or in alternatives: write the same range for "
                "both",
                l->name, k->name);
    }
    return GOSS_OK;
}

static goss_status check_open(const goss__layer *l, goss_error *err) {
    if (l->groups > 1)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: with groups its units are those of its input; write their number, or depthwise",
                              l->name);
    if (l->units < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: its units cannot vary: they meet those of the input, or a layer behind them needs "
                              "all of them (a convolution with groups, attention, positions, hyper layers, fm)",
                              l->name);
    return GOSS_OK;
}

static goss_status choose_units(goss_target *t, int layer, goss_error *err) {
    const goss__layer *l = &t->layers[layer];
    GOSS_TRY(check_open(l, err));
    goss__unit_choice *c = &t->unit_choice[l->units];
    if (c->count) return GOSS_OK;
    int64_t parts;
    GOSS_TRY(check_partners(t, l, err));
    GOSS_TRY(parts_of(t, l->units, l->name, &parts, err));
    const int64_t step = l->step ? l->step : parts;
    if (l->low % parts || step % parts || (l->out - l->low) % step)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "%s: from %lld to %lld units by %lld: the step must divide the range, and %lld, the groups "
            "of norms behind it, must divide all three",
            l->name, (long long)l->low, (long long)l->out, (long long)step, (long long)parts);
    const int64_t count = (l->out - l->low) / step;
    *c = (goss__unit_choice){.count = (int)count, .core = l->low / parts, .step = step / parts, .per = l->out / parts};
    return add_group(t, GOSS_GATE_UNITS, l->nested ? GOSS_RULE_NESTED : GOSS_RULE_FREE, (int)count, layer, l->inside,
                     &c->gate, err);
}

/* Heads are runs of the units inside of the layer. */
static goss_status choose_heads(goss_target *t, int layer, goss_error *err) {
    const goss__layer *l = &t->layers[layer];
    const int64_t step = l->step ? l->step : 1, width = goss__layer_head_width(l), count = (l->heads - l->low) / step;
    if ((l->heads - l->low) % step)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: from %lld to %d heads by %lld: the step must divide the range",
                              l->name, (long long)l->low, l->heads, (long long)step);
    goss__unit_choice *c = &t->unit_choice[l->inner];
    *c = (goss__unit_choice){
        .count = (int)count, .core = l->low * width, .step = step * width, .per = goss__layer_heads_width(l)};
    return add_group(t, GOSS_GATE_UNITS, l->nested ? GOSS_RULE_NESTED : GOSS_RULE_FREE, (int)count, layer, l->inside,
                     &c->gate, err);
}

static goss_status choose_columns(goss_target *t, int layer, goss_error *err) {
    goss__layer *l = &t->layers[layer];
    snprintf(l->name, sizeof l->name, "columns");
    bool alone = l->units >= 0;
    for (int i = 0; i < t->n_layers; i++) alone &= !makes_units(&t->layers[i]) || t->layers[i].units != l->units;
    if (!alone)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "columns: they cannot vary: they meet units of other layers in a sum");
    const int64_t columns = goss__flow_channels(&l->out_flow);
    int64_t parts;
    GOSS_TRY(parts_of(t, l->units, l->name, &parts, err));
    if (parts > 1)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "columns: they cannot vary in front of a group norm; use norm layer");
    goss__unit_choice *c = &t->unit_choice[l->units];
    *c = (goss__unit_choice){.count = (int)columns, .step = 1, .per = columns};
    GOSS_TRY(add_group(t, GOSS_GATE_COLUMN, GOSS_RULE_FREE, (int)columns, layer, l->inside, &c->gate, err));
    t->groups[t->n_groups - 1].info.low = (int)l->low;
    return GOSS_OK;
}

/* Units exist where any layer carries them. */
static void place_units(goss_target *t) {
    for (int i = 0; i < t->n_groups; i++) {
        goss__gate_group *g = &t->groups[i];
        if (g->info.of != GOSS_GATE_UNITS || t->layers[g->layer].inner >= 0) continue;
        for (int k = 0; k < t->n_layers; k++)
            if (t->layers[k].units == t->layers[g->layer].units) g->inside = common(t, g->inside, t->layers[k].inside);
        for (int k = 0; k < g->info.count; k++) t->gate_inside[g->info.first + k] = g->inside;
    }
}

/* ---- parts ---- */

typedef struct nesting {
    int around[GOSS__TARGET_DEPTH + 2]; /* gate outside of each open brace */
    int depth, inside;
} nesting;

static int count_alternatives(const goss_target *t, int choose) {
    int n = 1, depth = 0;
    for (int i = choose; i < t->n_layers; i++) {
        const goss__layer *l = &t->layers[i];
        depth += (l->kind->marks == GOSS__OPENS) - (l->kind->marks == GOSS__CLOSES);
        if (depth == 0) break;
        n += depth == 1 && goss__layer_is(l, "or");
    }
    return n;
}

/* Opens a brace; the first gate of an optional part or of alternatives is what is inside of it exists by. */
static goss_status open_part(goss_target *t, int layer, nesting *n, goss_error *err) {
    goss__layer *l = &t->layers[layer];
    const bool optional = goss__layer_is(l, "optional"), choose = goss__layer_is(l, "choose");
    n->around[n->depth++] = n->inside;
    if (!optional && !choose) return GOSS_OK;
    goss__target_name(t, layer);
    if (choose) memcpy(l->name, "choice", sizeof "choose" - 1); /* choice1: what one calls it */
    GOSS_TRY(add_group(t, optional ? GOSS_GATE_SKIP : GOSS_GATE_CHOICE, optional ? GOSS_RULE_FREE : GOSS_RULE_ONE,
                       optional ? 1 : count_alternatives(t, layer), layer, n->inside, &l->gate, err));
    n->inside = l->gate;
    return GOSS_OK;
}

static goss_status mark(goss_target *t, int layer, nesting *n, goss_error *err) {
    goss__layer *l = &t->layers[layer];
    if (l->kind->marks == GOSS__OPENS) {
        l->inside = n->inside;
        return open_part(t, layer, n, err);
    }
    if (l->kind->marks == GOSS__TURNS) {
        l->inside = n->around[n->depth - 1];
        n->inside += goss__layer_is(l, "or"); /* the gate of the next alternative */
        return GOSS_OK;
    }
    l->inside = n->inside = n->around[--n->depth];
    return GOSS_OK;
}

static goss_status choose_at(goss_target *t, int layer, nesting *n, goss_error *err) {
    goss__layer *l = &t->layers[layer];
    l->gate = -1;
    if (l->kind->marks) return mark(t, layer, n, err);
    l->inside = n->inside;
    if (goss__layer_columns_open(l)) return choose_columns(t, layer, err);
    if (l->inner >= 0) return choose_heads(t, layer, err);
    if (l->kind->product && l->low) GOSS_TRY(choose_units(t, layer, err));
    if (!l->n_kernels) return GOSS_OK;
    return add_group(t, GOSS_GATE_KERNEL, GOSS_RULE_NESTED, l->n_kernels - 1, layer, l->inside, &l->gate, err);
}

goss_status goss__target_choices(goss_target *t, goss_error *err) {
    nesting n = {.inside = -1};
    t->unit_choice = goss__calloc((size_t)t->n_units, sizeof *t->unit_choice);
    if (!t->unit_choice && t->n_units) return no_memory(err);
    for (int i = 0; i < t->n_layers; i++) GOSS_TRY(goss_error_prefix(err, choose_at(t, i, &n, err), "network"));
    place_units(t);
    return GOSS_OK;
}
