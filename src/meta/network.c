/* network.c: a generated network as a file, and its use. The file holds the target's text, its tensors under the names
 * of its layout
 * ("conv1.w", "norm1.mean"), the names of the classes and how images are made ready: nothing else is needed to predict.
 */
#include "meta/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/json.h"
#include "meta/model.h"

static const char network_kind[] = "network 1";

goss_status goss__network_room(goss_network *n, int classes, goss_error *err) {
    size_t weights = (size_t)goss_layout_total(goss_target_layout(n->target));
    size_t statistics = (size_t)goss_layout_total(goss_target_statistics(n->target));
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
int goss_network_classes(const goss_network *n) { return n->n_classes; }
const char *goss_network_class_name(const goss_network *n, int i) { return n->classes[i]; }
const char *goss_network_note_of(const goss_network *n, const char *name) { return goss__notes_get(&n->notes, name); }
goss_status goss_network_note(goss_network *n, const char *name, const char *value, goss_error *err) {
    return goss__notes_set(&n->notes, name, value, err);
}

/* ---- writing ---- */

static goss_status write_classes(const goss_network *n, goss_tensor_file *file, goss_error *err) {
    goss__str json = {0};
    for (int i = 0; i < n->n_classes; i++) {
        goss__str_add(&json, i ? ", " : "[");
        goss__json_add_text(&json, n->classes[i]);
    }
    goss__str_add(&json, "]");
    goss_status s = json.failed ? goss_error_set(err, GOSS_E_NOMEM, "no memory for class names")
                                : goss_tensor_file_meta(file, "classes", json.data, err);
    goss__str_free(&json);
    return s;
}

static goss_status collect(const goss_network *n, goss_tensor_file *file, goss_error *err) {
    GOSS_TRY(goss__notes_write(&n->notes, file, err));
    GOSS_TRY(goss_tensor_file_meta(file, GOSS__KIND_KEY, network_kind, err));
    GOSS_TRY(goss_tensor_file_meta(file, "gossamer.version", goss_version(), err));
    GOSS_TRY(goss_tensor_file_meta(file, "target", goss_target_text(n->target), err));
    GOSS_TRY(goss__image_write(&n->image, file, err));
    GOSS_TRY(write_classes(n, file, err));
    GOSS_TRY(goss__slab_write(file, NULL, goss_target_layout(n->target), n->slab, err));
    return n->statistics ? goss__slab_write(file, NULL, goss_target_statistics(n->target), n->statistics, err)
                         : GOSS_OK;
}

goss_status goss_network_save(const goss_network *n, const char *path, goss_error *err) {
    goss_tensor_file *file;
    GOSS_TRY(goss_tensor_file_new(&file, err));
    goss_status s = collect(n, file, err);
    if (s == GOSS_OK) s = goss_tensor_file_write(file, path, err);
    goss_tensor_file_free(file);
    return s;
}

/* ---- reading ---- */

static goss_status read_classes(goss_network *n, const json_t *list, goss_error *err) {
    for (int i = 0; i < n->n_classes; i++) {
        const char *name = json_string_value(json_array_get(list, (size_t)i));
        if (!name) return goss_error_set(err, GOSS_E_FORMAT, "metadata classes: entry %d is no text", i);
        if (!(n->classes[i] = goss__strdup(name)))
            return goss_error_set(err, GOSS_E_NOMEM, "no memory for class names");
    }
    return GOSS_OK;
}

/* The description must be that of the tensors in the file before memory for it is asked for. */
static goss_status bounded(const goss_safetensors *f, const goss_target *t, goss_error *err) {
    const goss_layout *w = goss_target_layout(t), *s = goss_target_statistics(t);
    int64_t want = goss_layout_total(w) + goss_layout_total(s), have = 0;
    int tensors = goss_layout_count(w) + goss_layout_count(s);
    for (int i = 0; i < goss_safetensors_count(f); i++)
        have += (int64_t)(goss_safetensors_at(f, i)->size / sizeof(float));
    if (want == have && tensors == goss_safetensors_count(f)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "its metadata describes %d tensors of %lld numbers, it holds %d of %lld",
                          tensors, (long long)want, goss_safetensors_count(f), (long long)have);
}

static goss_status read_network(const goss_safetensors *f, const json_t *classes, goss_network *n, goss_error *err) {
    const char *text = goss_safetensors_meta(f, "target");
    size_t count = json_array_size(classes);
    if (!text) return goss_error_set(err, GOSS_E_FORMAT, "its metadata lacks target");
    if (count < 2 || count > 1 << 24)
        return goss_error_set(err, GOSS_E_FORMAT, "metadata classes: no list of at least two");
    GOSS_TRY(goss__image_read(f, &n->image, err));
    int64_t input[3] = {n->image.height, n->image.width, n->image.channels};
    goss_status s = goss_target_parse(text, input, 3, (int64_t)count, &n->target, err);
    if (s != GOSS_OK) return goss_error_prefix(err, s == GOSS_E_ARGUMENT ? GOSS_E_FORMAT : s, "metadata target");
    if (goss_target_outputs(n->target) != (int64_t)count)
        return goss_error_set(err, GOSS_E_FORMAT, "metadata target: it has no head");
    GOSS_TRY(bounded(f, n->target, err));
    GOSS_TRY(goss__network_room(n, (int)count, err));
    GOSS_TRY(read_classes(n, classes, err));
    GOSS_TRY(goss__slab_read(f, NULL, goss_target_layout(n->target), n->slab, err));
    if (n->statistics) GOSS_TRY(goss__slab_read(f, NULL, goss_target_statistics(n->target), n->statistics, err));
    for (int i = 0; i < goss_safetensors_meta_count(f); i++) {
        const char *key = goss_safetensors_meta_key(f, i);
        if (strncmp(key, "gossamer.", 9) && strncmp(key, "image.", 6) && strcmp(key, "target") &&
            strcmp(key, "classes"))
            GOSS_TRY(goss__notes_set(&n->notes, key, goss_safetensors_meta_value(f, i), err));
    }
    return GOSS_OK;
}

static goss_status open_network(const goss_safetensors *f, goss_network *n, goss_error *err) {
    GOSS_TRY(goss__file_kind(f, network_kind, err));
    const char *text = goss_safetensors_meta(f, "classes");
    json_t *classes;
    if (!text) return goss_error_set(err, GOSS_E_FORMAT, "its metadata lacks classes");
    goss_status s = goss__json_parse(text, strlen(text), 0, &classes, err);
    if (s != GOSS_OK) return goss_error_prefix(err, s, "metadata classes");
    s = read_network(f, classes, n, err);
    json_decref(classes);
    return s;
}

goss_status goss_network_load(const char *path, goss_network **out, goss_error *err) {
    goss_safetensors *f;
    *out = NULL;
    GOSS_TRY(goss_safetensors_open(path, &f, err));
    goss_network *n = goss__calloc(1, sizeof *n);
    goss_status s = n ? open_network(f, n, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a network");
    goss_safetensors_close(f);
    if (s == GOSS_OK) {
        *out = n;
        return s;
    }
    goss_network_free(n);
    return goss_error_prefix(err, s, "%s", path);
}

/* ---- predicting ---- */

enum { BATCH = 64 };

static goss_status compile(const goss_network *n, goss_program **out, goss_error *err) {
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    const goss_image_format *f = &n->image;
    goss_val x = goss_input(
        g, "x", GOSS_REAL,
        GOSS_SHAPE(goss_n(1), goss_symbol(g, "N", BATCH), goss_n(f->height), goss_n(f->width), goss_n(f->channels)));
    goss_weights *w = goss_weights_from_params(g, goss_target_layout(n->target), "weights");
    goss_weights *running =
        n->statistics ? goss_weights_from_params(g, goss_target_statistics(n->target), "statistics") : NULL;
    goss_target_context c = goss_target_context_defaults();
    if (running) c.norm = GOSS_NORM_RUNNING, c.running = running;
    goss_val p = goss_softmax(goss_target_apply(n->target, x, w, &c).logits);
    goss_program_options o = goss_program_defaults();
    goss_status s = goss_compile(g, &p, 1, NULL, 0, &o, out, err);
    goss_weights_free(w);
    goss_weights_free(running);
    goss_graph_free(g);
    return s;
}

static void fill(goss_params *params, const char *name, const float *values) {
    int i = goss_params_find(params, name);
    if (i >= 0 && values)
        memcpy(goss_params_data(params, i), values, (size_t)goss_params_numel(params, i) * sizeof *values);
}

static goss_status run(const goss_network *n, goss_exec *exec, const float *images, int count, float *out,
                       goss_error *err) {
    size_t image = (size_t)n->image.height * (size_t)n->image.width * (size_t)n->image.channels,
           classes = (size_t)n->n_classes;
    for (int at = 0; at < count; at += BATCH) {
        int now = count - at < BATCH ? count - at : BATCH;
        GOSS_TRY(goss_exec_bind(exec, "x", images + (size_t)at * image, err));
        GOSS_TRY(goss_exec_count(exec, "N", now, err));
        GOSS_TRY(goss_exec_run(exec, err));
        memcpy(out + (size_t)at * classes, goss_exec_output(exec, 0, NULL), (size_t)now * classes * sizeof *out);
    }
    return GOSS_OK;
}

goss_status goss_network_predict(const goss_network *n, const float *images, int count, float *out,
                                 goss_threads *threads, goss_error *err) {
    goss_program *program = NULL;
    goss_params *params = NULL;
    goss_exec *exec = NULL;
    goss_threads *own = NULL;
    goss_status s = compile(n, &program, err);
    if (s == GOSS_OK && !threads) s = goss_threads_new(0, &own, err);
    if (s == GOSS_OK) s = goss_params_new(GOSS_F32, &params, err);
    if (s == GOSS_OK) s = goss_params_add(params, program, err);
    if (s == GOSS_OK) fill(params, "weights", n->slab), fill(params, "statistics", n->statistics);
    if (s == GOSS_OK) s = goss_exec_new(program, params, threads ? threads : own, &exec, err);
    if (s == GOSS_OK) s = run(n, exec, images, count, out, err);
    goss_exec_free(exec);
    goss_params_free(params);
    goss_threads_free(own);
    goss_program_free(program);
    return s;
}
