/* SPDX-License-Identifier: Apache-2.0 */
/* network.c: a generated network, or an ensemble of them, and its use. */
#include "meta/network.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/finite.h"
#include "meta/method.h"

static goss_status items_room(goss_network *n, goss_error *err) {
    const goss_task_spec *t = &n->data.of.task;
    if (t->items == 0) return GOSS_OK;
    GOSS_TRY(goss__item_layout(t->items, t->item_numbers, &n->items, err));
    n->item_rows = goss__alloc_aligned((size_t)goss_layout_total(n->items) * sizeof *n->item_rows);
    if (n->item_rows) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for %lld items of %d numbers", (long long)t->items,
                          t->item_numbers);
}

goss_status goss__network_room(goss_network *n, int outputs, goss_error *err) {
    size_t weights = (size_t)n->members * (size_t)goss_layout_total(goss_target_layout(n->target));
    size_t statistics = (size_t)n->members * (size_t)goss_layout_total(goss_target_statistics(n->target));
    n->names = goss__calloc((size_t)outputs, sizeof *n->names);
    n->slab = goss__alloc_aligned(weights * sizeof *n->slab);
    if (statistics) n->statistics = goss__alloc_aligned(statistics * sizeof *n->statistics);
    if (!n->names || !n->slab || (statistics && !n->statistics))
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for a network of %zu weights and %d outputs", weights,
                              outputs);
    n->outputs = outputs;
    return items_room(n, err);
}

void goss_network_free(goss_network *n) {
    if (!n) return;
    goss__names_free(n->names, n->outputs);
    goss__free(n->slab), goss__free(n->statistics), goss__free(n->item_rows);
    goss_layout_free(n->items);
    goss__data_spec_free(&n->data);
    goss_target_free(n->target);
    goss__notes_free(&n->notes);
    goss__free(n);
}

const goss_target *goss_network_target(const goss_network *n) { return n->target; }
const goss_data_spec *goss_network_data(const goss_network *n) { return &n->data.of; }
goss_image_format goss_network_image(const goss_network *n) { return n->data.of.image; }
int goss_network_members(const goss_network *n) { return n->members; }
int goss_network_outputs(const goss_network *n) { return n->outputs; }
int goss_network_answers(const goss_network *n) {
    const goss_task_spec *t = &n->data.of.task;
    return n->outputs * (goss_task_objective(t)->steps ? (int)t->input[0] : 1);
}
const char *goss_network_output_name(const goss_network *n, int i) { return n->names[i] ? n->names[i] : ""; }
static bool has_classes(const goss_network *n) { return goss_task_objective(&n->data.of.task)->classes; }
int goss_network_classes(const goss_network *n) { return has_classes(n) ? n->outputs : 0; }
const char *goss_network_class_name(const goss_network *n, int i) { return goss_network_output_name(n, i); }
const char *goss_network_note_of(const goss_network *n, const char *name) { return goss__notes_get(&n->notes, name); }
goss_status goss_network_note(goss_network *n, const char *name, const char *value, goss_error *err) {
    return goss__notes_set(&n->notes, name, value, err);
}

goss_status goss_network_set_transform(goss_network *n, const char *transform, goss_error *err) {
    char *own = goss__strdup(transform);
    if (!own) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the preprocessing of a network");
    goss__free(n->data.transform);
    n->data.of.transform = n->data.transform = own;
    return GOSS_OK;
}

/* Whether tensor i of a slab is the same in all members. */
bool goss__network_agrees(const goss_network *n, const goss_layout *l, const float *slab, int i) {
    const float *first = slab + goss_layout_offset(l, i);
    size_t size = (size_t)goss_layout_entry(l, i)->numel * sizeof *slab;
    for (int k = 1; k < n->members; k++)
        if (memcmp(first, first + (int64_t)k * goss_layout_total(l), size) != 0) return false;
    return true;
}

/* ---- precision ---- */

goss_weight_precision goss_network_precision(const goss_network *n) { return n->precision; }

static int64_t bytes_of(const goss_network *n, const goss_layout *l, const float *slab) {
    int64_t sum = 0;
    for (int i = 0; i < goss_layout_count(l); i++)
        sum += goss_entry_bytes(goss_layout_entry(l, i), n->precision) *
               (goss__network_agrees(n, l, slab, i) ? 1 : n->members);
    return sum;
}

int64_t goss_network_bytes(const goss_network *n) {
    const int64_t items = n->items ? goss_layout_total(n->items) * (int64_t)sizeof *n->item_rows : 0;
    const int64_t weights = bytes_of(n, goss_target_layout(n->target), n->slab) + items;
    return n->statistics ? weights + bytes_of(n, goss_target_statistics(n->target), n->statistics) : weights;
}

static size_t largest(const goss_layout *l) {
    int64_t most = 1;
    for (int i = 0; i < goss_layout_count(l); i++) {
        const int64_t n = goss_layout_entry(l, i)->numel;
        most = n > most ? n : most;
    }
    return (size_t)most;
}

/* Into w itself, or only whether that would be finite. */
static goss_status round_entry(const goss_entry *e, float *w, int8_t *code, float *scale, bool only_check,
                               goss_error *err) {
    const int64_t bad = goss__first_not_finite(w, e->numel); /* which has no code */
    if (bad >= 0) return goss_error_set(err, GOSS_E_NUMERIC, "%s: weight %lld is not finite", e->name, (long long)bad);
    goss_entry_quantize(e, w, code, scale);
    for (int64_t j = 0; j < goss_entry_scales(e); j++)
        if (!isfinite(127 * scale[j]))
            return goss_error_set(err, GOSS_E_NUMERIC, "%s: its weights are too large for int8 (output %lld)", e->name,
                                  (long long)j);
    if (!only_check) goss_entry_dequantize(e, code, scale, w);
    return GOSS_OK;
}

static goss_status round_all(goss_network *n, int8_t *code, float *scale, bool only_check, goss_error *err) {
    const goss_layout *l = goss_target_layout(n->target);
    for (int k = 0; k < n->members; k++)
        for (int i = 0; i < goss_layout_count(l); i++) {
            const goss_entry *e = goss_layout_entry(l, i);
            float *w = n->slab + k * goss_layout_total(l) + goss_layout_offset(l, i);
            if (goss_entry_scales(e) > 0) GOSS_TRY(round_entry(e, w, code, scale, only_check, err));
        }
    return GOSS_OK;
}

goss_status goss_network_set_precision(goss_network *n, goss_weight_precision p, goss_error *err) {
    if (p == n->precision) return GOSS_OK;
    if (p == GOSS_WEIGHTS_F32)
        return goss_error_set(err, GOSS_E_ARGUMENT, "a network in int8 has no floats to go back to");
    const size_t most = largest(goss_target_layout(n->target));
    float *scale = goss__alloc(most * sizeof *scale);
    int8_t *code = goss__alloc(most);
    goss_status s = scale && code ? round_all(n, code, scale, true, err)
                                  : goss_error_set(err, GOSS_E_NOMEM, "no memory to round weights");
    if (s == GOSS_OK) s = round_all(n, code, scale, false, err);
    if (s == GOSS_OK) n->precision = p;
    goss__free(scale), goss__free(code);
    return s;
}

/* ---- predicting ---- */

/* The members' tensors in a graph: those in which all agree once, [1, ...], so that what they share is computed once;
 * the others as parameters "PREFIX.NAME" [members, ...]. slab NULL: all of them, whatever their numbers will be. */
static goss_weights *declare(const goss_network *n, goss_graph *g, const goss_layout *l, const float *slab,
                             const char *prefix) {
    char name[256];
    goss_weights *w = goss_weights_from_params(g, l, prefix), *own = n->members > 1 ? goss_weights_copy(w) : w;
    if (own == w) return w;
    goss_weights_free(w);
    for (int i = 0; own && i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        if (slab && goss__network_agrees(n, l, slab, i)) continue;
        goss_shape s = {.rank = 1 + e->rank, .dim = {goss_n(n->members)}};
        for (int k = 0; k < e->rank; k++) s.dim[1 + k] = goss_n(e->dim[k]);
        snprintf(name, sizeof name, "%s.%s", prefix, e->name);
        goss_weights_set(own, e->name, goss_param(g, name, s));
    }
    return own;
}

/* -sum p log p over the last axis; 0 log 0 is 0. */
static goss_val entropy(goss_val p) {
    goss_val log_p = goss_log(goss_max(p, goss_const(p.graph, 1e-30)));
    return goss_neg(goss_sum(goss_mul(p, log_p), GOSS_AXIS(goss_rank(p) - 1), false));
}

/* Epistemic uncertainty (mutual information): H(mean p) - mean H(p), clamped at 0 against rounding. */
static goss_val disagreement(goss_val p, goss_val mean) {
    goss_val own = goss_mean(entropy(p), GOSS_AXIS(0), true);
    return goss_max(goss_sub(entropy(mean), own), goss_const(p.graph, 0));
}

/* Standard deviation of the members' predictions and, if members predict variances (else GOSS_NONE), the total one, of
 * each component of a target. */
static goss_val deviation(goss_val y, goss_val own, goss_val mean) {
    goss_val variance = goss_mean(goss_square(goss_sub(y, mean)), GOSS_AXIS(0), true);
    if (goss_valid(own)) variance = goss_add(variance, goss_mean(own, GOSS_AXIS(0), true));
    return goss_sqrt(variance);
}

bool goss_network_tells_uncertainty(const goss_network *n) {
    const goss_objective *o = goss_task_objective(&n->data.of.task);
    return !o->steps && !o->quantiles && (n->members > 1 || o->variance);
}

const double *goss_network_levels(const goss_network *n, int *levels) {
    const goss_objective *o = goss_task_objective(&n->data.of.task);
    *levels = o->levels ? o->numbers : 0;
    return o->levels;
}

int goss__network_beside(const goss_network *n) {
    const goss_objective *o = goss_task_objective(&n->data.of.task);
    if (o->quantiles) return goss_objective_width(o, n->outputs);
    return !goss_network_tells_uncertainty(n) ? 0 : o->classes ? 1 : n->outputs;
}

static goss_val uncertainty(const goss_network *n, goss_val output, goss_val answer, goss_val mean) {
    const goss_objective *o = goss_task_objective(&n->data.of.task);
    if (o->classes) return disagreement(answer, mean);
    return deviation(answer, o->variance ? o->variance(output) : GOSS_NONE, mean);
}

/* x with the rows of its items. */
static goss_val look_up(const goss_network *n, goss_graph *g, goss_val x) {
    const goss_task_spec *t = &n->data.of.task;
    if (t->items == 0) return x;
    const goss_val table = goss_param(g, GOSS_METHOD_ITEMS, GOSS_SHAPE(goss_n(t->items), goss_n(t->item_numbers)));
    const goss_val item = goss_squeeze(goss_slice(x, 2, t->input[0] - 1, 1), 2);
    return goss__item_input(x, goss_gather(table, goss_to_index(item)));
}

/* What is predicted beside the answers. */
static goss_val beside(const goss_network *n, goss_val output, goss_val answer, goss_val mean) {
    const goss_objective *o = goss_task_objective(&n->data.of.task);
    if (o->quantiles) return goss_mean(o->quantiles(o, output), GOSS_AXIS(0), true);
    return goss_network_tells_uncertainty(n) ? uncertainty(n, output, answer, mean) : GOSS_NONE;
}

goss_status goss__network_build(const goss_network *n, goss_graph *g, goss_val x, goss_target_context c, bool any,
                                goss_val out[2], goss_error *err) {
    goss_weights *w = declare(n, g, goss_target_layout(n->target), any ? NULL : n->slab, "weights"), *running = NULL;
    if (n->statistics)
        running = declare(n, g, goss_target_statistics(n->target), any ? NULL : n->statistics, "statistics");
    c.batch_steps = goss_task_objective(&n->data.of.task)->steps;
    if (running) c.norm = GOSS_NORM_RUNNING, c.running = running;
    const goss_objective *o = goss_task_objective(&n->data.of.task);
    goss_val y = goss_target_apply(n->target, look_up(n, g, x), w, &c).logits, p = o->answer(o, y);
    out[0] = goss_mean(p, GOSS_AXIS(0), true), out[1] = beside(n, y, p, out[0]);
    goss_weights_free(w);
    goss_weights_free(running);
    return goss_graph_status(g, err);
}

goss_status goss__network_compile(const goss_network *n, int batch, bool any, int gates, goss_schedule **out,
                                  goss_error *err) {
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    const goss_task_spec *t = &n->data.of.task;
    goss_shape shape = {.rank = 2 + t->input_rank, .dim = {goss_n(1), goss_symbol(g, "N", batch)}};
    for (int i = 0; i < t->input_rank; i++) shape.dim[2 + i] = goss_n(t->input[i]);
    goss_val outputs[2];
    goss_target_context c = goss_target_context_defaults();
    if (n->data.of.task.lengths) shape.dim[2] = goss_symbol(g, "L", goss_target_input(n->target)[0]);
    if (n->data.of.task.lengths) c.lengths = goss_input(g, "length", GOSS_REAL, GOSS_SHAPE(shape.dim[0], shape.dim[1]));
    if (gates > 0) c.structure = goss_param(g, GOSS__NETWORK_GATES, GOSS_SHAPE(goss_n(1), goss_n(gates)));
    goss_schedule_options o = goss_schedule_defaults();
    goss_status s = goss__network_build(n, g, goss_input(g, "x", GOSS_REAL, shape), c, any, outputs, err);
    if (s == GOSS_OK) s = goss_compile(g, outputs, goss__network_beside(n) ? 2 : 1, NULL, 0, &o, out, err);
    goss_graph_free(g);
    return s;
}

static void put(goss_params *params, const char *name, const float *values, int64_t numel, int64_t stride, int rows) {
    int i = goss_params_find(params, name);
    float *to = i < 0 ? NULL : goss_params_data(params, i);
    for (int k = 0; to && k < rows; k++) memcpy(to + k * numel, values + k * stride, (size_t)numel * sizeof *values);
}

static void fill(const goss_network *n, goss_params *params, const goss_layout *l, const float *slab,
                 const char *prefix) {
    char name[256];
    int64_t total = goss_layout_total(l);
    put(params, prefix, slab, total, total, 1);
    for (int i = 0; i < goss_layout_count(l); i++) {
        snprintf(name, sizeof name, "%s.%s", prefix, goss_layout_entry(l, i)->name);
        put(params, name, slab + goss_layout_offset(l, i), goss_layout_entry(l, i)->numel, total, n->members);
    }
}

void goss__network_store(const goss_network *n, goss_params *params) {
    fill(n, params, goss_target_layout(n->target), n->slab, "weights");
    if (n->statistics) fill(n, params, goss_target_statistics(n->target), n->statistics, "statistics");
}

void goss__network_store_items(const goss_network *n, goss_params *params) {
    const int64_t rows = n->items ? goss_layout_total(n->items) : 0;
    if (n->items) put(params, GOSS_METHOD_ITEMS, n->item_rows, rows, rows, 1);
}

void goss__network_to_units(const goss_network *n, float *out, int count) {
    const goss_target_scale s = n->data.of.task.scale;
    if (!s.mean || goss_network_classes(n) > 0) return;
    for (int i = 0; i < count; i++)
        for (int w = 0; w < n->outputs; w++) {
            float *y = &out[(size_t)i * (size_t)n->outputs + (size_t)w];
            *y = *y * s.deviation[w] + s.mean[w];
        }
}

void goss__network_beside_to_units(const goss_network *n, float *beside, int count) {
    const goss_target_scale s = n->data.of.task.scale;
    const int each = goss__network_beside(n);
    if (!goss_network_tells_uncertainty(n)) {
        goss__network_to_units(n, beside, count * (each / n->outputs));
        return;
    }
    if (!s.mean || goss_network_classes(n) > 0) return;
    for (int i = 0; i < count * n->outputs; i++) beside[i] *= s.deviation[i % n->outputs];
}
