/* SPDX-License-Identifier: Apache-2.0 */
/* adapt.c: a support set becomes a network: the method's solution for one task, computed once and kept as numbers. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/finite.h"
#include "meta/model.h"
#include "meta/network.h"
#include "task/episode.h"
#include "task/task_pack.h"

typedef struct adapting {
    const goss_model *model;
    const goss_images *support;
    int fine_tune, networks;
    goss_threads *threads;
    goss_task_source source;
    goss__task_pack pack;
    goss_schedule *program;
    goss_params *params;
    goss_exec *exec;
    goss_network *net;
} adapting;

static goss_status check(const adapting *a, goss_error *err) {
    GOSS_TRY(goss_error_prefix(err, goss__model_fits(a->model, a->support, err), "support set"));
    GOSS_TRY(goss__model_finite(a->model, err));
    if (goss_images_classes(a->support) < 2)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "the support set has %d class; a network needs at least two, each in a folder of its own",
                              goss_images_classes(a->support));
    return GOSS_OK;
}

static goss_status fill_pack(adapting *a, goss_error *err) {
    a->source = goss__images_task(a->support);
    GOSS_TRY(goss__task_pack_init(&a->pack, 1, &a->source.spec, err));
    goss__task_pack_draw(&a->pack, &a->source, 0, 1);
    return GOSS_OK;
}

static goss_status compile(adapting *a, goss_error *err) {
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    const goss_method *m = a->model->method;
    goss_task_batch b = goss_task_batch_declare(g, &a->source.spec, 1);
    goss_adapted made;
    goss_status s = goss_method_adapt(m, g, &b, a->pack.outputs, a->fine_tune, a->networks, &made, err);
    if (s == GOSS_OK) {
        a->net->target = made.target;
        a->net->members = (int)goss_dim(made.slab, 0).count;
        goss_schedule_options o = goss_schedule_defaults();
        o.bf16 = goss__model_bf16(a->model);
        goss_val outputs[] = {made.slab, made.statistics};
        s = goss_compile(g, outputs, goss_valid(made.statistics) ? 2 : 1, NULL, 0, &o, &a->program, err);
    }
    goss_graph_free(g);
    return s;
}

static goss_status run(adapting *a, goss_error *err) {
    GOSS_TRY(goss_params_new(GOSS_F32, &a->params, err));
    GOSS_TRY(goss_params_add(a->params, a->program, err));
    GOSS_TRY(goss_exec_new(a->program, a->params, a->threads, &a->exec, err));
    GOSS_TRY(goss_model_store(a->model, a->params, err));
    GOSS_TRY(goss__task_pack_bind(&a->pack, a->exec, err));
    return goss_exec_run(a->exec, err);
}

static goss_status take_numbers(adapting *a, goss_error *err) {
    goss_network *n = a->net;
    GOSS_TRY(goss__network_room(n, a->pack.outputs, err));
    size_t weights = (size_t)goss_layout_total(goss_target_layout(n->target));
    size_t statistics = (size_t)goss_layout_total(goss_target_statistics(n->target));
    weights *= (size_t)n->members, statistics *= (size_t)n->members;
    memcpy(n->slab, goss_exec_output(a->exec, 0, NULL), weights * sizeof *n->slab);
    if (n->statistics) memcpy(n->statistics, goss_exec_output(a->exec, 1, NULL), statistics * sizeof *n->statistics);
    if (goss__first_not_finite(n->slab, (int64_t)weights) >= 0 ||
        (n->statistics && goss__first_not_finite(n->statistics, (int64_t)statistics) >= 0))
        return goss_error_set(err, GOSS_E_NUMERIC,
                              "the adapted network has weights or statistics that are not finite%s",
                              a->fine_tune > 0 ? "; try fewer gradient steps" : "");
    for (int c = 0; c < n->n_classes; c++)
        if (!(n->classes[c] = goss__strdup(goss_images_class_name(a->support, c))))
            return goss_error_set(err, GOSS_E_NOMEM, "no memory for names");
    return GOSS_OK;
}

static goss_status note_origin(adapting *a, goss_error *err) {
    static const char *const kept[] = {"data.hash", "train.seed", "train.step", "metrics.validation",
                                       "metrics.validated_on"};
    char text[64], name[64];
    goss__notes *notes = &a->net->notes;
    GOSS_TRY(goss__notes_set(notes, "model.method", goss_method_name(a->model->method), err));
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const char *value = goss_model_note_of(a->model, kept[i]);
        snprintf(name, sizeof name, "model.%s", kept[i]);
        if (value) GOSS_TRY(goss__notes_set(notes, name, value, err));
    }
    snprintf(text, sizeof text, "%016llx", (unsigned long long)goss_images_hash(a->support));
    GOSS_TRY(goss__notes_set(notes, "support.hash", text, err));
    snprintf(text, sizeof text, "%d", goss_images_count(a->support));
    GOSS_TRY(goss__notes_set(notes, "support.images", text, err));
    snprintf(text, sizeof text, "%d", a->fine_tune);
    return goss__notes_set(notes, "adapt.fine_tune", text, err);
}

static goss_status adapt(adapting *a, goss_error *err) {
    GOSS_TRY(check(a, err));
    GOSS_TRY(fill_pack(a, err));
    GOSS_TRY(compile(a, err));
    GOSS_TRY(run(a, err));
    GOSS_TRY(take_numbers(a, err));
    return note_origin(a, err);
}

goss_status goss_model_adapt(const goss_model *m, const goss_images *support, const goss_adapt_options *options,
                             goss_network **out, goss_error *err) {
    adapting a = {.model = m, .support = support};
    goss_threads *own = NULL;
    *out = NULL;
    if (options) a.fine_tune = options->fine_tune, a.networks = options->networks, a.threads = options->threads;
    a.net = goss__calloc(1, sizeof *a.net);
    if (!a.net) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a network");
    a.net->image = m->image;
    goss_status s = GOSS_OK;
    if (!a.threads) {
        s = goss_threads_new(0, &own, err);
        a.threads = own;
    }
    if (s == GOSS_OK) s = adapt(&a, err);
    goss_exec_free(a.exec);
    goss_params_free(a.params);
    goss_schedule_free(a.program);
    goss__task_pack_free(&a.pack);
    goss_threads_free(own);
    if (s == GOSS_OK)
        *out = a.net;
    else
        goss_network_free(a.net);
    return s;
}
