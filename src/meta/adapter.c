/* SPDX-License-Identifier: Apache-2.0 */
/* adapter.c: a support set becomes a network: the method's solution for one task, evaluated and stored. */
#include "meta/adapter.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/finite.h"
#include "meta/network.h"

static goss_status compile(goss__adapter *a, int networks, goss_error *err) {
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    const goss_method *m = a->model->method;
    goss_task_batch b = goss_task_batch_declare(g, &a->pack.spec, 1);
    goss_adapted made;
    b.labelled_queries = a->labelled_queries;
    goss_status s = goss_method_adapt(m, g, &b, a->outputs, a->fine_tune, networks, &made, err);
    if (s == GOSS_OK) {
        a->target = made.target;
        a->members = (int)goss_dim(made.slab, 0).count;
        goss_schedule_options o = goss_schedule_defaults();
        o.bf16 = goss__model_bf16(a->model);
        goss_val outputs[] = {made.slab, made.statistics};
        s = goss_compile(g, outputs, goss_valid(made.statistics) ? 2 : 1, NULL, 0, &o, &a->schedule, err);
    }
    goss_graph_free(g);
    return s;
}

/* Tasks of the given size; targets and scales are the model's. */
static goss_task_spec spec_of(const goss_model *m, const goss_task_spec *most) {
    goss_task_spec s = m->data.of.task;
    s.supports = most->supports > 0 ? most->supports : 1, s.queries = most->queries > 0 ? most->queries : 1;
    s.support_weights = most->support_weights, s.known = most->known, s.partial = most->partial;
    if (!goss_task_fixed_outputs(&s)) s.outputs = most->outputs;
    return s;
}

/* Asking for limits of a model without structures is an error. */
static goss_status open_planner(goss__adapter *a, const goss_adapt_options *o, goss_threads *threads, goss_error *err) {
    const goss_method *m = a->model->method;
    goss_structure_ask ask = {0};
    if (o) ask.budget = o->budget, ask.stored = o->precision;
    const bool asks = ask.budget.bytes > 0 || ask.budget.macs > 0 || ask.budget.ram > 0;
    if (goss__structure_chooses(m)) GOSS_TRY(goss_space_create(a->target, &a->space, err));
    return goss__planner_init(&a->planner, m, asks ? &ask : NULL, a->members, 1, &a->pack.spec,
                              goss__model_bf16(a->model), a->params, threads, err);
}

static goss_status open_adapter(goss__adapter *a, const goss_task_spec *most, const goss_adapt_options *o,
                                goss_threads *threads, goss_error *err) {
    const goss_task_spec spec = spec_of(a->model, most);
    a->outputs = spec.task_classes ? most->outputs : spec.outputs;
    if (a->outputs > spec.outputs)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "a task of %d classes; the largest that the model was trained on has %d", a->outputs,
                              spec.outputs);
    GOSS_TRY(goss_task_spec_check(&spec, err));
    GOSS_TRY(goss__model_finite(a->model, err));
    GOSS_TRY(goss__task_pack_init(&a->pack, 1, &spec, threads, err));
    GOSS_TRY(compile(a, o ? o->networks : 0, err));
    GOSS_TRY(goss_params_new(GOSS_F32, &a->params, err));
    GOSS_TRY(goss_params_add(a->params, a->schedule, err));
    GOSS_TRY(goss_exec_new(a->schedule, a->params, threads, &a->exec, err));
    GOSS_TRY(open_planner(a, o, threads, err));
    return goss_model_store(a->model, a->params, err);
}

goss_status goss__adapter_open(goss__adapter *a, const goss_model *model, const goss_task_spec *most,
                               const goss_adapt_options *options, goss_threads *threads, goss_error *err) {
    *a = (goss__adapter){.model = model,
                         .fine_tune = options ? options->fine_tune : 0,
                         .labelled_queries = options && options->labelled_queries};
    goss_status s = open_adapter(a, most, options, threads, err);
    if (s != GOSS_OK) goss__adapter_close(a);
    return s;
}

void goss__adapter_close(goss__adapter *a) {
    goss__planner_free(&a->planner);
    goss_space_free(a->space);
    goss_exec_free(a->exec);
    goss_params_free(a->params);
    goss_schedule_free(a->schedule);
    goss_target_free(a->target);
    goss__task_pack_free(&a->pack);
    *a = (goss__adapter){0};
}

/* A single task remains: where tasks have their own classes its network is a classifier, as of an episode. */
static goss_data_spec data_of_network(const goss_model *m) {
    goss_data_spec d = m->data.of;
    if (d.task.task_classes) d.task.task_classes = false, d.task.outputs = 0, d.task.ids = 0, d.task_names = NULL;
    return d;
}

static void take_items(const goss_model *m, goss_network *n) {
    for (int i = 0; i < goss_method_params(m->method); i++)
        if (strcmp(goss_method_param_at(m->method, i).name, GOSS_METHOD_ITEMS) == 0)
            memcpy(n->item_rows, m->values[i], (size_t)goss_layout_total(n->items) * sizeof *n->item_rows);
}

goss_status goss__adapter_network(const goss__adapter *a, goss_network **out, goss_error *err) {
    goss_network *n = goss__calloc(1, sizeof *n);
    *out = NULL;
    if (!n) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a network");
    goss_status s =
        goss_target_parse(goss_target_text(a->target), goss_target_input(a->target), goss_target_input_rank(a->target),
                          goss_target_outputs(a->target), &n->target, err);
    n->members = a->members;
    const goss_data_spec data = data_of_network(a->model);
    if (s == GOSS_OK) s = goss__data_spec_copy(&data, &n->data, err);
    if (s == GOSS_OK) s = goss__network_room(n, a->outputs, err);
    if (s == GOSS_OK && n->items) take_items(a->model, n);
    if (s == GOSS_OK)
        *out = n;
    else
        goss_network_free(n);
    return s;
}

static goss_status take_numbers(const goss__adapter *a, goss_network *n, goss_error *err) {
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
    return GOSS_OK;
}

/* Whether a source's tasks fit the pack. The caller has checked that samples are of the model's kind. */
static goss_status check_source(const goss__adapter *a, const goss_task_spec *s, goss_error *err) {
    const goss_task_spec *most = &a->pack.spec;
    if (s->supports > most->supports || s->queries > most->queries)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "tasks of up to %d support samples and %d queries; up to %d and %d were planned",
                              s->supports, s->queries, most->supports, most->queries);
    if (s->lengths != most->lengths)
        return goss_error_set(err, GOSS_E_ARGUMENT, "tasks %s lengths for a model of samples that have %s",
                              s->lengths ? "with" : "without", most->lengths ? "some" : "none");
    const int outputs = most->task_classes ? a->outputs : most->outputs;
    if (goss_task_input_size(s) == goss_task_input_size(most) && s->outputs == outputs &&
        goss_task_objective(s)->classes == goss_task_objective(most)->classes && s->descriptor == most->descriptor)
        return GOSS_OK;
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "tasks of %zu inputs, %d outputs (%s) and %d descriptors; the model's have %zu, %d (%s) and %d",
        goss_task_input_size(s), s->outputs, goss_task_objective(s)->name, s->descriptor, goss_task_input_size(most),
        outputs, goss_task_objective(most)->name, most->descriptor);
}

goss_status goss__adapter_run(goss__adapter *a, const goss_task_source *source, uint64_t k, goss_network *net,
                              goss_error *err) {
    GOSS_TRY(check_source(a, &source->spec, err));
    goss__task_pack_draw(&a->pack, source, k, 1);
    a->pack.task[0] = 0; /* noise is that of the first task, whichever it is */
    GOSS_TRY(goss__planner_run(&a->planner, &a->pack, err));
    GOSS_TRY(goss__task_pack_bind(&a->pack, a->exec, err));
    GOSS_TRY(goss__planner_bind(&a->planner, a->exec, err));
    GOSS_TRY(goss_exec_run(a->exec, err));
    return take_numbers(a, net, err);
}

/* Its gates, to draw the structure and to name what was dropped. */
static goss_status note_structure(const goss__adapter *a, goss_network *n, goss_error *err) {
    char text[64];
    char *gates = goss_space_write(a->space, a->planner.structure);
    if (!gates) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the text of a structure");
    goss_status s = goss__notes_set(&n->notes, "structure.gates", gates, err);
    goss_text_free(gates);
    GOSS_TRY(s);
    GOSS_TRY(goss__notes_set(&n->notes, "structure.space", goss_target_text(a->target), err));
    snprintf(text, sizeof text, "%lld", (long long)a->planner.ask.budget.bytes * a->members);
    return a->planner.ask.budget.bytes > 0 ? goss__notes_set(&n->notes, "structure.budget", text, err) : GOSS_OK;
}

/* Numbers of one member behind those of the ones before it; memory for all comes with the first. */
static goss_status join(float **all, int member, int members, float *own, int64_t n, goss_error *err) {
    if (own && member == 0) *all = goss__alloc_aligned((size_t)members * (size_t)n * sizeof **all);
    if (own && !*all) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d networks", members);
    if (own) memcpy(*all + member * n, own, (size_t)n * sizeof *own);
    return GOSS_OK;
}

static goss_status compact_member(const goss__adapter *a, const goss_network *from, int member, goss_network *to,
                                  goss_error *err) {
    const int64_t weights = goss_layout_total(goss_target_layout(from->target)),
                  statistics = goss_layout_total(goss_target_statistics(from->target));
    goss_target *small;
    float *slab, *kept = NULL;
    GOSS_TRY(goss_space_compact(a->space, a->planner.structure, from->slab + member * weights,
                                from->statistics ? from->statistics + member * statistics : NULL, &small, &slab,
                                from->statistics ? &kept : NULL, err));
    goss_status s = join(&to->slab, member, from->members, slab, goss_layout_total(goss_target_layout(small)), err);
    if (s == GOSS_OK)
        s = join(&to->statistics, member, from->members, kept, goss_layout_total(goss_target_statistics(small)), err);
    goss_numbers_free(slab), goss_numbers_free(kept);
    if (member == 0)
        to->target = small;
    else
        goss_target_free(small);
    return s;
}

goss_status goss__adapter_compact(const goss__adapter *a, goss_network *n, goss_error *err) {
    goss_network all = {.members = n->members};
    if (!a->space) return GOSS_OK;
    goss_status s = GOSS_OK;
    for (int k = 0; s == GOSS_OK && k < n->members; k++) s = compact_member(a, n, k, &all, err);
    if (s != GOSS_OK) {
        goss_target_free(all.target);
        goss__free(all.slab), goss__free(all.statistics);
        return s;
    }
    goss_target_free(n->target);
    goss__free(n->slab), goss__free(n->statistics);
    n->target = all.target, n->slab = all.slab, n->statistics = all.statistics;
    return note_structure(a, n, err);
}
