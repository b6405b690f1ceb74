/* SPDX-License-Identifier: Apache-2.0 */
/* network.c: a generated network, or an ensemble of them, and its use. */
#include "meta/network.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/finite.h"

goss_status goss__network_room(goss_network *n, int classes, goss_error *err) {
    size_t weights = (size_t)n->members * (size_t)goss_layout_total(goss_target_layout(n->target));
    size_t statistics = (size_t)n->members * (size_t)goss_layout_total(goss_target_statistics(n->target));
    n->classes = goss__calloc((size_t)classes, sizeof *n->classes);
    n->slab = goss__alloc_aligned(weights * sizeof *n->slab);
    if (statistics) n->statistics = goss__alloc_aligned(statistics * sizeof *n->statistics);
    if (!n->classes || !n->slab || (statistics && !n->statistics))
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for a network of %zu weights and %d classes", weights,
                              classes);
    n->n_classes = classes;
    return GOSS_OK;
}

void goss_network_free(goss_network *n) {
    if (!n) return;
    for (int i = 0; i < n->n_classes; i++) goss__free(n->classes[i]);
    goss__free(n->classes), goss__free(n->slab), goss__free(n->statistics);
    goss_target_free(n->target);
    goss__notes_free(&n->notes);
    goss__free(n);
}

const goss_target *goss_network_target(const goss_network *n) { return n->target; }
goss_image_format goss_network_image(const goss_network *n) { return n->image; }
int goss_network_members(const goss_network *n) { return n->members; }
int goss_network_classes(const goss_network *n) { return n->n_classes; }
const char *goss_network_class_name(const goss_network *n, int i) { return n->classes[i]; }
const char *goss_network_note_of(const goss_network *n, const char *name) { return goss__notes_get(&n->notes, name); }
goss_status goss_network_note(goss_network *n, const char *name, const char *value, goss_error *err) {
    return goss__notes_set(&n->notes, name, value, err);
}

/* Whether tensor i of a slab is the same in all members. */
bool goss__network_agrees(const goss_network *n, const goss_layout *l, const float *slab, int i) {
    const float *first = slab + goss_layout_offset(l, i);
    size_t size = (size_t)goss_layout_entry(l, i)->numel * sizeof *slab;
    for (int k = 1; k < n->members; k++)
        if (memcmp(first, first + (int64_t)k * goss_layout_total(l), size) != 0) return false;
    return true;
}

/* ---- predicting ---- */

enum { BATCH = 64 };

/* The members' tensors in a graph: those in which all agree once, [1, ...], so that what they share is computed once;
 * the others as parameters "PREFIX.NAME" [members, ...]. */
static goss_weights *declare(const goss_network *n, goss_graph *g, const goss_layout *l, const float *slab,
                             const char *prefix) {
    char name[256];
    goss_weights *w = goss_weights_from_params(g, l, prefix), *own = n->members > 1 ? goss_weights_copy(w) : w;
    if (own == w) return w;
    goss_weights_free(w);
    for (int i = 0; own && i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        if (goss__network_agrees(n, l, slab, i)) continue;
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

/* What a member tells beyond what all tell together: H(mean p) - mean H(p). Rounding must not make it negative. */
static goss_val disagreement(goss_val p, goss_val mean) {
    goss_val own = goss_mean(entropy(p), GOSS_AXIS(0), true);
    return goss_max(goss_sub(entropy(mean), own), goss_const(p.graph, 0));
}

static goss_status compile(const goss_network *n, goss_schedule **out, goss_error *err) {
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    const goss_image_format *f = &n->image;
    goss_val x = goss_input(
        g, "x", GOSS_REAL,
        GOSS_SHAPE(goss_n(1), goss_symbol(g, "N", BATCH), goss_n(f->height), goss_n(f->width), goss_n(f->channels)));
    goss_weights *w = declare(n, g, goss_target_layout(n->target), n->slab, "weights"), *running = NULL;
    if (n->statistics) running = declare(n, g, goss_target_statistics(n->target), n->statistics, "statistics");
    goss_target_context c = goss_target_context_defaults();
    if (running) c.norm = GOSS_NORM_RUNNING, c.running = running;
    goss_val p = goss_softmax(goss_target_apply(n->target, x, w, &c).logits), mean = goss_mean(p, GOSS_AXIS(0), true);
    bool ensemble = n->members > 1;
    goss_val outputs[] = {mean, ensemble ? disagreement(p, mean) : GOSS_NONE};
    goss_schedule_options o = goss_schedule_defaults();
    goss_status s = goss_compile(g, outputs, ensemble ? 2 : 1, NULL, 0, &o, out, err);
    goss_weights_free(w);
    goss_weights_free(running);
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

static goss_status run(const goss_network *n, goss_exec *exec, const float *images, int count, float *out,
                       float *uncertainty, goss_error *err) {
    size_t image = (size_t)n->image.height * (size_t)n->image.width * (size_t)n->image.channels,
           classes = (size_t)n->n_classes;
    for (int at = 0; at < count; at += BATCH) {
        int now = count - at < BATCH ? count - at : BATCH;
        GOSS_TRY(goss_exec_bind(exec, "x", images + (size_t)at * image, err));
        GOSS_TRY(goss_exec_count(exec, "N", now, err));
        GOSS_TRY(goss_exec_run(exec, err));
        memcpy(out + (size_t)at * classes, goss_exec_output(exec, 0, NULL), (size_t)now * classes * sizeof *out);
        const float *doubt = n->members > 1 ? goss_exec_output(exec, 1, NULL) : NULL;
        int64_t bad = goss__first_not_finite(out + (size_t)at * classes, (int64_t)now * n->n_classes);
        if (bad >= 0)
            return goss_error_set(
                err, GOSS_E_NUMERIC,
                "image %lld of %d: the network's class probabilities are not finite: its weights are too "
                "large or damaged",
                (long long)(at + bad / n->n_classes + 1), count);
        for (int i = 0; i < now && uncertainty; i++) uncertainty[at + i] = doubt ? doubt[i] : 0;
    }
    return GOSS_OK;
}

goss_status goss_network_predict(const goss_network *n, const float *images, int count, float *out, float *uncertainty,
                                 goss_threads *threads, goss_error *err) {
    goss_schedule *program = NULL;
    goss_params *params = NULL;
    goss_exec *exec = NULL;
    goss_threads *own = NULL;
    goss_status s = compile(n, &program, err);
    if (s == GOSS_OK && !threads) s = goss_threads_new(0, &own, err);
    if (s == GOSS_OK) s = goss_params_new(GOSS_F32, &params, err);
    if (s == GOSS_OK) s = goss_params_add(params, program, err);
    if (s == GOSS_OK) fill(n, params, goss_target_layout(n->target), n->slab, "weights");
    if (s == GOSS_OK && n->statistics) fill(n, params, goss_target_statistics(n->target), n->statistics, "statistics");
    if (s == GOSS_OK) s = goss_exec_new(program, params, threads ? threads : own, &exec, err);
    if (s == GOSS_OK) s = run(n, exec, images, count, out, uncertainty, err);
    goss_exec_free(exec);
    goss_params_free(params);
    goss_threads_free(own);
    goss_schedule_free(program);
    return s;
}
