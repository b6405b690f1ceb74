/* SPDX-License-Identifier: Apache-2.0 */
/* data_spec.c: description of a model's data: deep copies, and metadata of files. */
#include "meta/data_spec.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"
#include "base/text.h"
#include "io/json.h"
#include "meta/notes.h"

static const char images[] = "images";
enum { MAX_SIDE = 4096 };

goss_data_spec goss_data_spec_images(goss_image_format f) {
    return (goss_data_spec){
        .kind = images, .image = f, .task = {.input_rank = 3, .input = {f.height, f.width, f.channels}}};
}

goss_data_spec goss_data_spec_tasks(const char *kind, const goss_task_spec *tasks) {
    goss_data_spec s = {.kind = kind, .task = *tasks};
    s.task.known = false; /* unknown for tasks a model will see */
    if (!goss_task_fixed_outputs(tasks)) s.task.outputs = 0;
    return s;
}

bool goss__data_spec_is_images(const goss_data_spec *s) { return strcmp(s->kind, images) == 0; }

/* ---- names ---- */

void goss__names_free(char **names, int64_t n) {
    for (int64_t i = 0; names && i < n; i++) goss__free(names[i]);
    goss__free(names);
}

goss_status goss__names_write(const char *const *names, int64_t n, const char *key, goss_tensor_file *file,
                              goss_error *err) {
    goss__str json = {0}, name = {0};
    goss__str_add(&json, "[");
    for (int64_t i = 0; i < n && !name.failed; i++) {
        name.size = 0;
        goss__str_add(&name, "");
        goss__str_add_escaped(&name, names[i], GOSS_TEXT_UTF8); /* names of folders may be arbitrary bytes */
        goss__str_add(&json, i ? ", " : "");
        if (!name.failed) goss__json_add_text(&json, name.data);
    }
    goss__str_add(&json, "]");
    json.failed |= name.failed;
    goss__str_free(&name);
    goss_status s = json.failed ? goss_error_set(err, GOSS_E_NOMEM, "no memory for names")
                                : goss_tensor_file_meta(file, key, json.data, err);
    goss__str_free(&json);
    return s;
}

goss_status goss__names_read(const goss_safetensors *f, const char *key, char ***names, int64_t *n, goss_error *err) {
    const char *text = goss_safetensors_meta(f, key);
    goss__json_texts list;
    *names = NULL, *n = 0;
    if (!text) return GOSS_OK;
    goss_status s = goss__json_texts_parse(text, &list, err);
    if (s != GOSS_OK) return goss_error_prefix(err, s, "metadata %s", key);
    char **own = goss__calloc(list.n + 1, sizeof *own);
    if (!own) {
        goss__json_texts_free(&list);
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for names");
    }
    for (size_t i = 0; i < list.n; i++) own[i] = list.v[i], list.v[i] = NULL, goss__text_unescape(own[i]);
    *names = own, *n = (int64_t)list.n;
    goss__json_texts_free(&list);
    return GOSS_OK;
}

/* ---- copies ---- */

static char **copy_names(const char *const *names, int64_t n, bool *failed) {
    if (!names) return NULL;
    char **own = goss__calloc((size_t)n + 1, sizeof *own);
    for (int64_t i = 0; own && i < n; i++) *failed |= !(own[i] = goss__strdup(names[i]));
    *failed |= !own;
    return own;
}

/* The pointers of s->of into s. */
static void point(goss__data_spec *s) {
    s->of.kind = s->kind, s->of.transform = s->transform;
    s->of.names = (const char *const *)s->names, s->of.task_names = (const char *const *)s->task_names;
    s->of.task.scale = (goss_target_scale){0};
    if (s->scale) s->of.task.scale = (goss_target_scale){s->scale, s->scale + s->of.task.outputs};
}

static float *copy_scale(const goss_task_spec *t, bool *failed) {
    if (!t->scale.mean && !t->scale.deviation) return NULL;
    float *own = goss__calloc(2 * (size_t)t->outputs + 1, sizeof *own);
    for (int i = 0; own && i < t->outputs; i++) {
        own[i] = t->scale.mean ? t->scale.mean[i] : 0;
        own[t->outputs + i] = t->scale.deviation ? t->scale.deviation[i] : 1;
    }
    *failed |= !own;
    return own;
}

goss_status goss__data_spec_copy(const goss_data_spec *from, goss__data_spec *out, goss_error *err) {
    const goss_task_spec *t = &from->task;
    goss_task_spec checked = *t;
    bool failed = false;
    *out = (goss__data_spec){0};
    if (!goss_task_fixed_outputs(t)) checked.outputs = 2;
    GOSS_TRY(goss_task_spec_check(&checked, err));
    out->of = *from;
    out->kind = goss__strdup(from->kind);
    out->transform = from->transform ? goss__strdup(from->transform) : NULL;
    out->names = copy_names(from->names, t->outputs, &failed);
    out->task_names = copy_names(from->task_names, t->ids, &failed);
    out->scale = copy_scale(t, &failed);
    point(out);
    if (!failed && out->kind && (out->transform || !from->transform)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_NOMEM, "no memory for what the data is like");
}

void goss__data_spec_free(goss__data_spec *s) {
    goss__names_free(s->names, s->of.task.outputs);
    goss__names_free(s->task_names, s->of.task.ids);
    goss__free(s->kind), goss__free(s->transform), goss__free(s->scale);
    *s = (goss__data_spec){0};
}

/* ---- images ---- */

static goss_status write_number(goss_tensor_file *file, const char *key, int64_t value, goss_error *err) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return goss_tensor_file_meta(file, key, text, err);
}

static goss_status write_image(const goss_image_format *f, goss_tensor_file *file, goss_error *err) {
    GOSS_TRY(write_number(file, "image.height", f->height, err));
    GOSS_TRY(write_number(file, "image.width", f->width, err));
    GOSS_TRY(write_number(file, "image.channels", f->channels, err));
    return write_number(file, "image.invert", f->invert, err);
}

static goss_status read_image(const goss_safetensors *f, goss_image_format *out, goss_error *err) {
    int64_t v[4];
    GOSS_TRY(goss__file_number(f, "image.height", 1, MAX_SIDE, &v[0], err));
    GOSS_TRY(goss__file_number(f, "image.width", 1, MAX_SIDE, &v[1], err));
    GOSS_TRY(goss__file_number(f, "image.channels", 1, 3, &v[2], err));
    GOSS_TRY(goss__file_number(f, "image.invert", 0, 1, &v[3], err));
    if (v[2] == 2) return goss_error_set(err, GOSS_E_FORMAT, "metadata image.channels: 2 is neither grey nor colour");
    *out = (goss_image_format){.height = (int)v[0], .width = (int)v[1], .channels = (int)v[2], .invert = v[3] != 0};
    return GOSS_OK;
}

/* ---- other kinds ---- */

static goss_status write_floats(const float *v, int n, const char *key, goss_tensor_file *file, goss_error *err) {
    goss__str text = {0};
    goss__str_add(&text, "");
    for (int i = 0; i < n; i++) {
        char number[GOSS__NUMBER_TEXT];
        goss__number_print((double)v[i], number);
        goss__str_addf(&text, "%s%s", i ? " " : "", number);
    }
    goss_status s = text.failed ? goss_error_set(err, GOSS_E_NOMEM, "no memory for numbers")
                                : goss_tensor_file_meta(file, key, text.data, err);
    goss__str_free(&text);
    return s;
}

/* n numbers of a key that is there. */
static goss_status read_floats(const goss_safetensors *f, const char *key, float *out, int n, goss_error *err) {
    const char *text = goss_safetensors_meta(f, key);
    for (int i = 0; i < n; i++) {
        char word[64];
        double value;
        size_t size = strcspn(text += strspn(text, " "), " ");
        snprintf(word, sizeof word, "%.*s", (int)(size < 63 ? size : 63), text);
        if (!goss__number_parse(word, &value))
            return goss_error_set(err, GOSS_E_FORMAT, "metadata %s: \"%.40s\" is not number %d of %d", key, word, i + 1,
                                  n);
        out[i] = (float)value, text += size;
    }
    if (!text[strspn(text, " ")]) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "metadata %s: more than %d numbers", key, n);
}

static goss_status write_task(const goss_task_spec *t, goss_tensor_file *file, goss_error *err) {
    float input[GOSS_TASK_MAX_RANK];
    for (int i = 0; i < t->input_rank; i++) input[i] = (float)t->input[i];
    GOSS_TRY(write_floats(input, t->input_rank, "spec.input", file, err));
    GOSS_TRY(write_number(file, "spec.input_rank", t->input_rank, err));
    GOSS_TRY(goss_tensor_file_meta(file, "spec.objective", goss_task_objective(t)->name, err));
    GOSS_TRY(write_number(file, "spec.outputs", t->outputs, err));
    GOSS_TRY(write_number(file, "spec.shared_classes", t->shared_classes, err));
    if (t->task_classes) GOSS_TRY(write_number(file, "spec.task_classes", 1, err));
    if (t->lengths) GOSS_TRY(write_number(file, "spec.lengths", 1, err));
    GOSS_TRY(write_number(file, "spec.descriptor", t->descriptor, err));
    GOSS_TRY(write_number(file, "spec.ids", t->ids, err));
    if (t->items) GOSS_TRY(write_number(file, "spec.items", t->items, err));
    if (t->items) GOSS_TRY(write_number(file, "spec.item_numbers", t->item_numbers, err));
    if (!t->scale.mean) return GOSS_OK;
    GOSS_TRY(write_floats(t->scale.mean, t->outputs, "spec.mean", file, err));
    return write_floats(t->scale.deviation, t->outputs, "spec.deviation", file, err);
}

goss_status goss__data_spec_write(const goss_data_spec *s, goss_tensor_file *file, goss_error *err) {
    if (goss__data_spec_is_images(s)) GOSS_TRY(write_image(&s->image, file, err));
    if (goss__data_spec_is_images(s) && !goss_task_fixed_outputs(&s->task)) return GOSS_OK;
    GOSS_TRY(goss_tensor_file_meta(file, "spec.kind", s->kind, err));
    GOSS_TRY(write_task(&s->task, file, err));
    if (s->names) GOSS_TRY(goss__names_write(s->names, s->task.outputs, "spec.names", file, err));
    if (s->task_names) GOSS_TRY(goss__names_write(s->task_names, s->task.ids, "spec.tasks", file, err));
    return s->transform ? goss_tensor_file_meta(file, "spec.transform", s->transform, err) : GOSS_OK;
}

static goss_status read_task(const goss_safetensors *f, goss_task_spec *t, goss_error *err) {
    const char *objective = goss_safetensors_meta(f, "spec.objective");
    float input[GOSS_TASK_MAX_RANK];
    int64_t v[9] = {0};
    if (!objective || !goss_safetensors_meta(f, "spec.input"))
        return goss_error_set(err, GOSS_E_FORMAT, "its metadata lacks spec.input or spec.objective");
    GOSS_TRY(goss__file_number(f, "spec.input_rank", 1, GOSS_TASK_MAX_RANK, &v[0], err));
    GOSS_TRY(read_floats(f, "spec.input", input, (int)v[0], err));
    GOSS_TRY(goss__file_number(f, "spec.outputs", 0, 1 << 20, &v[1], err));
    GOSS_TRY(goss__file_number(f, "spec.shared_classes", 0, 1, &v[2], err));
    GOSS_TRY(goss__file_number(f, "spec.descriptor", 0, 1 << 24, &v[3], err));
    GOSS_TRY(goss__file_number(f, "spec.ids", 0, INT32_MAX, &v[4], err));
    if (goss_safetensors_meta(f, "spec.task_classes"))
        GOSS_TRY(goss__file_number(f, "spec.task_classes", 0, 1, &v[5], err));
    if (goss_safetensors_meta(f, "spec.lengths")) GOSS_TRY(goss__file_number(f, "spec.lengths", 0, 1, &v[6], err));
    if (goss_safetensors_meta(f, "spec.items")) {
        GOSS_TRY(goss__file_number(f, "spec.items", 1, 1 << 24, &v[7], err));
        GOSS_TRY(goss__file_number(f, "spec.item_numbers", 1, 1 << 16, &v[8], err));
    }
    *t = (goss_task_spec){.input_rank = (int)v[0],
                          .outputs = (int)v[1],
                          .shared_classes = v[2] != 0,
                          .descriptor = (int)v[3],
                          .ids = v[4],
                          .items = v[7],
                          .item_numbers = (int)v[8],
                          .task_classes = v[5] != 0,
                          .lengths = v[6] != 0};
    for (int i = 0; i < t->input_rank; i++) t->input[i] = (int64_t)input[i];
    goss_status s = goss_objective_find(objective, &t->objective, err);
    return s == GOSS_OK ? s : goss_error_prefix(err, GOSS_E_UNSUPPORTED, "metadata spec.objective");
}

static goss_status read_names(const goss_safetensors *f, const char *key, int64_t want, char ***out, goss_error *err) {
    int64_t n;
    GOSS_TRY(goss__names_read(f, key, out, &n, err));
    if (!*out || n == want) return GOSS_OK;
    goss__names_free(*out, n);
    *out = NULL;
    return goss_error_set(err, GOSS_E_FORMAT, "metadata %s: %lld names, not %lld", key, (long long)n, (long long)want);
}

static goss_status read_scale(const goss_safetensors *f, goss__data_spec *s, goss_error *err) {
    int n = s->of.task.outputs;
    if (!goss_safetensors_meta(f, "spec.mean") || !goss_safetensors_meta(f, "spec.deviation")) return GOSS_OK;
    s->scale = goss__calloc(2 * (size_t)n + 1, sizeof *s->scale);
    if (!s->scale) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the scale of %d targets", n);
    GOSS_TRY(read_floats(f, "spec.mean", s->scale, n, err));
    return read_floats(f, "spec.deviation", s->scale + n, n, err);
}

static goss_status read_kind(const goss_safetensors *f, const char *kind, goss__data_spec *out, goss_error *err) {
    const char *transform = goss_safetensors_meta(f, "spec.transform");
    GOSS_TRY(read_task(f, &out->of.task, err));
    if (strcmp(kind, images) == 0) GOSS_TRY(read_image(f, &out->of.image, err));
    out->kind = goss__strdup(kind);
    out->transform = transform ? goss__strdup(transform) : NULL;
    if (!out->kind || (transform && !out->transform))
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for what the data is like");
    GOSS_TRY(read_names(f, "spec.names", out->of.task.outputs, &out->names, err));
    GOSS_TRY(read_names(f, "spec.tasks", out->of.task.ids, &out->task_names, err));
    GOSS_TRY(read_scale(f, out, err));
    point(out);
    goss_task_spec checked = out->of.task;
    if (!goss_task_fixed_outputs(&checked)) checked.outputs = 2;
    goss_status s = goss_task_spec_check(&checked, err);
    return s == GOSS_OK ? s : goss_error_prefix(err, GOSS_E_FORMAT, "its metadata");
}

goss_status goss__data_spec_read(const goss_safetensors *f, goss__data_spec *out, goss_error *err) {
    const char *kind = goss_safetensors_meta(f, "spec.kind");
    goss_image_format image;
    *out = (goss__data_spec){0};
    if (kind) return read_kind(f, kind, out, err);
    GOSS_TRY(read_image(f, &image, err));
    goss_data_spec spec = goss_data_spec_images(image);
    return goss__data_spec_copy(&spec, out, err);
}
