/* SPDX-License-Identifier: Apache-2.0 */
/* adapt.c: one support set becomes one network, with the names of its outputs and where it comes from. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "meta/adapter.h"
#include "meta/method.h"
#include "meta/network.h"
#include "task/episode.h"

static goss_status copy_names(goss_network *n, const char *const *names, goss_error *err) {
    for (int i = 0; names && i < n->outputs; i++)
        if (!(n->names[i] = goss__strdup(names[i]))) return goss_error_set(err, GOSS_E_NOMEM, "no memory for names");
    return GOSS_OK;
}

static goss_status note_origin(const goss_model *m, const goss_adapt_options *o, int samples, goss_network *n,
                               goss_error *err) {
    static const char *const kept[] = {"data.hash", "train.seed", "train.step", "metrics.validation",
                                       "metrics.validated_on"};
    char text[64], name[64];
    GOSS_TRY(goss__notes_set(&n->notes, "model.method", goss_method_name(m->method), err));
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const char *value = goss_model_note_of(m, kept[i]);
        snprintf(name, sizeof name, "model.%s", kept[i]);
        if (value) GOSS_TRY(goss__notes_set(&n->notes, name, value, err));
    }
    snprintf(text, sizeof text, "%d", samples);
    const char *what = goss__data_spec_is_images(&m->data.of) ? "support.images" : "support.samples";
    GOSS_TRY(goss__notes_set(&n->notes, what, text, err));
    snprintf(text, sizeof text, "%d", o ? o->fine_tune : 0);
    return goss__notes_set(&n->notes, "adapt.fine_tune", text, err);
}

static goss_status make(const goss_model *m, const goss_task_source *source, uint64_t k, const char *const *names,
                        const goss_adapt_options *o, goss_threads *threads, goss_network **out, goss_error *err) {
    goss__adapter a;
    GOSS_TRY(goss__adapter_open(&a, m, &source->spec, o, threads, err));
    goss_status s = goss__adapter_network(&a, out, err);
    if (s == GOSS_OK) s = goss__adapter_run(&a, source, k, *out, err);
    if (s == GOSS_OK) s = goss__adapter_compact(&a, *out, err);
    if (s == GOSS_OK && o) s = goss_network_set_precision(*out, o->precision, err);
    if (s == GOSS_OK) s = copy_names(*out, names ? names : m->data.of.names, err);
    if (s == GOSS_OK) s = note_origin(m, o, a.pack.sizes[0].supports, *out, err);
    goss__adapter_close(&a);
    return s;
}

goss_status goss_model_adapt_task(const goss_model *m, const goss_task_source *source, uint64_t k,
                                  const char *const *names, const goss_adapt_options *options, goss_network **out,
                                  goss_error *err) {
    goss_threads *own = NULL, *threads = options ? options->threads : NULL;
    *out = NULL;
    if (!threads) GOSS_TRY(goss_threads_new(0, &own, err));
    goss_adapt_options o = options ? *options : (goss_adapt_options){0};
    o.threads = threads ? threads : own;
    goss_status s = GOSS_OK;
    if (o.fine_tune == GOSS_FINE_TUNE_AUTO) s = goss__choose_fine_tune(m, source, k, &o, &o.fine_tune, err);
    if (s == GOSS_OK) s = make(m, source, k, names, &o, o.threads, out, err);
    goss_threads_free(own);
    if (s == GOSS_OK) return s;
    goss_network_free(*out);
    *out = NULL;
    return s;
}

/* ---- tasks by number ---- */

typedef struct numbered {
    int64_t id;
    int outputs;
} numbered;

static void draw_numbered(const goss_task_source *source, uint64_t k, goss_task *task) {
    const numbered *n = source->context;
    (void)k;
    task->supports = task->queries = 0, task->outputs = n->outputs, task->id = n->id;
}

static goss_status check_number(const goss_model *m, int64_t id, const goss_adapt_options *o, goss_error *err) {
    const int64_t ids = m->data.of.task.ids;
    if (ids == 0) return goss_error_set(err, GOSS_E_ARGUMENT, "the tasks of this model have no numbers");
    if (id < 0 || id >= ids)
        return goss_error_set(err, GOSS_E_ARGUMENT, "task %lld; the model was trained on 0 .. %lld", (long long)id,
                              (long long)ids - 1);
    if (goss__method_needs_support(m->method))
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "this model (%s) makes a network of a support set, also for tasks it was trained on: show "
            "one",
            goss_method_name(m->method));
    if (o && o->fine_tune != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "gradient steps need a support set, and a task by its number has none");
    return GOSS_OK;
}

goss_status goss_model_adapt_known(const goss_model *m, int64_t id, int outputs, const char *const *names,
                                   const goss_adapt_options *options, goss_network **out, goss_error *err) {
    *out = NULL;
    GOSS_TRY(check_number(m, id, options, err));
    numbered n = {id, m->data.of.task.task_classes ? outputs : m->data.of.task.outputs};
    goss_task_source source = {.spec = m->data.of.task, .context = &n, .draw = draw_numbered, .tasks = 1};
    source.spec.outputs = n.outputs, source.spec.supports = source.spec.queries = 0, source.spec.known = true;
    return goss_model_adapt_task(m, &source, 0, names, options, out, err);
}

/* ---- images ---- */

static goss_status check(const goss_model *m, const goss_images *support, goss_error *err) {
    GOSS_TRY(goss_error_prefix(err, goss__model_fits(m, support, err), "support set"));
    if (goss_images_classes(support) >= 2) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "the support set has %d class; a network needs at least two, each in a folder of its own",
                          goss_images_classes(support));
}

static goss_status adapt_images(const goss_model *m, const goss_images *support, const char **names,
                                const goss_adapt_options *options, goss_network **out, goss_error *err) {
    goss_task_source source = goss__images_task(support);
    char text[32];
    for (int c = 0; c < goss_images_classes(support); c++) names[c] = goss_images_class_name(support, c);
    GOSS_TRY(goss_model_adapt_task(m, &source, 0, names, options, out, err));
    snprintf(text, sizeof text, "%016llx", (unsigned long long)goss_images_hash(support));
    return goss__notes_set(&(*out)->notes, "support.hash", text, err);
}

goss_status goss_model_adapt(const goss_model *m, const goss_images *support, const goss_adapt_options *options,
                             goss_network **out, goss_error *err) {
    *out = NULL;
    GOSS_TRY(check(m, support, err));
    const char **names = goss__calloc((size_t)goss_images_classes(support), sizeof *names);
    goss_status s = names ? adapt_images(m, support, names, options, out, err)
                          : goss_error_set(err, GOSS_E_NOMEM, "no memory for names");
    goss__free(names);
    if (s == GOSS_OK) return s;
    goss_network_free(*out);
    *out = NULL;
    return s;
}
