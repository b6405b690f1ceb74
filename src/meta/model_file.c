/* SPDX-License-Identifier: Apache-2.0 */
/* model_file.c: models as files: a method's settings as metadata, each tensor under the name of its parameter and its
 * entry
 * ("target.conv1.w"). Reading makes the method from the metadata and then wants exactly its tensors. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bf16.h"
#include "base/os.h"
#include "meta/model.h"
#include "meta/settings.h"

static const char model_kind[] = "model 1";
static const char *const seen_names[GOSS_USES] = {
    [GOSS_USE_TRAIN] = "train.samples", [GOSS_USE_VALIDATE] = "validate.samples"};

/* ---- writing ---- */

static goss_status write_settings(const goss_model *m, goss_tensor_file *file, goss_error *err) {
    int n;
    const goss_key *keys = goss__method_keys(&n);
    goss__str value = {0};
    goss_status s = GOSS_OK;
    for (int i = 0; i < n && s == GOSS_OK; i++) {
        value.size = 0;
        goss__config_value(m->settings, &keys[i], &value);
        s = value.failed ? goss_error_set(err, GOSS_E_NOMEM, "no memory for a model's settings")
                         : goss_tensor_file_meta(file, keys[i].name, value.data, err);
    }
    goss__str_free(&value);
    return s;
}

goss_status goss__seen_write(const goss_model *m, goss_tensor_file *file, goss_error *err) {
    for (int i = 0; i < GOSS_USES; i++) GOSS_TRY(goss__samples_write(&m->seen[i], seen_names[i], file, err));
    return GOSS_OK;
}

/* halves: the hypernetwork's weights if they are stored as bfloat16, else NULL. */
static goss_status collect(const goss_model *m, const uint16_t *halves, goss_tensor_file *file, goss_error *err) {
    GOSS_TRY(goss__notes_write(&m->notes, file, err));
    GOSS_TRY(goss_tensor_file_meta(file, GOSS__KIND_KEY, model_kind, err));
    GOSS_TRY(goss_tensor_file_meta(file, "gossamer.version", goss_version(), err));
    GOSS_TRY(goss_tensor_file_meta(file, "gossamer.method", goss_method_name(m->method), err));
    GOSS_TRY(goss__data_spec_write(&m->data.of, file, err));
    GOSS_TRY(write_settings(m, file, err));
    for (int i = 0; i < goss_method_params(m->method); i++) {
        goss_method_param p = goss_method_param_at(m->method, i);
        if (halves && strcmp(p.name, GOSS__HYPER) == 0)
            GOSS_TRY(goss__slab_write_bf16(file, p.name, p.layout, halves, err));
        else
            GOSS_TRY(goss__slab_write(file, p.name, p.layout, m->values[i], err));
    }
    GOSS_TRY(goss__kept_write(m, file, err));
    return goss__seen_write(m, file, err);
}

static uint16_t *halves_of(const float *values, int64_t n) {
    uint16_t *halves = goss__alloc((size_t)n * sizeof *halves);
    for (int64_t i = 0; halves && i < n; i++) halves[i] = goss__to_bf16(values[i]);
    return halves;
}

goss_status goss_model_save(const goss_model *m, const char *path, goss_error *err) {
    goss_tensor_file *file = NULL;
    uint16_t *halves = NULL;
    GOSS_TRY(goss_error_prefix(err, goss__model_finite(m, err), "%s is not written", path));
    if (m->bf16) {
        const int at = goss__model_hyper(m->method);
        halves = halves_of(m->values[at], goss_layout_total(goss_method_param_at(m->method, at).layout));
        if (!halves) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a model's weights as bfloat16");
    }
    goss_status s = goss_tensor_file_new(&file, err);
    if (s == GOSS_OK) s = collect(m, halves, file, err);
    if (s == GOSS_OK) s = goss_tensor_file_write(file, path, err);
    goss_tensor_file_free(file);
    goss__free(halves);
    return s;
}

/* ---- reading ---- */

/* Unknown settings are an error: they may change the meaning of tensors. */
static goss_status refuse_unknown(const goss_safetensors *f, goss_error *err) {
    static const char *const sections[] = {"model.", "method.", "hyper.", "share.", "structure."};
    int n;
    const goss_key *keys = goss__method_keys(&n);
    for (int i = 0; i < goss_safetensors_meta_count(f); i++) {
        const char *name = goss_safetensors_meta_key(f, i);
        bool setting = false;
        for (size_t k = 0; k < sizeof sections / sizeof *sections; k++)
            setting |= strncmp(name, sections[k], strlen(sections[k])) == 0;
        for (int k = 0; k < n && setting; k++) setting = strcmp(name, keys[k].name) != 0;
        if (setting)
            return goss_error_set(err, GOSS_E_UNSUPPORTED,
                                  "metadata %.60s: no setting of version %s; a newer one may have written the file",
                                  name, goss_version());
    }
    return GOSS_OK;
}

/* Settings newer than the file have their default, which is the former behaviour. */
static goss_status read_settings(const goss_safetensors *f, goss_config *c, goss_error *err) {
    int n;
    const goss_key *keys = goss__method_keys(&n);
    if (!goss_safetensors_meta(f, "model.backbone"))
        return goss_error_set(err, GOSS_E_FORMAT, "its metadata lacks model.backbone");
    for (int i = 0; i < n; i++) {
        const char *value = goss_safetensors_meta(f, keys[i].name);
        if (!value) continue;
        goss_status s = goss_config_set(c, keys[i].name, value, err);
        if (s != GOSS_OK) return goss_error_prefix(err, s, "metadata");
    }
    return refuse_unknown(f, err);
}

static bool is_reserved(const char *key) {
    static const char *const own[] = {"gossamer.", "image.", "spec.",      "model.",         "method.",
                                      "hyper.",    "share.", "structure.", "train.samples.", "validate.samples."};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strncmp(key, own[i], strlen(own[i])) == 0) return true;
    return false;
}

static goss_status read_notes(const goss_safetensors *f, goss__notes *notes, goss_error *err) {
    for (int i = 0; i < goss_safetensors_meta_count(f); i++)
        if (!is_reserved(goss_safetensors_meta_key(f, i)))
            GOSS_TRY(goss__notes_set(notes, goss_safetensors_meta_key(f, i), goss_safetensors_meta_value(f, i), err));
    return GOSS_OK;
}

goss_status goss__seen_read(goss_model *m, const goss_safetensors *f, goss_error *err) {
    for (int i = 0; i < GOSS_USES; i++) GOSS_TRY(goss__samples_read(&m->seen[i], seen_names[i], f, err));
    return GOSS_OK;
}

static bool is_weight(const goss_file_tensor *t) {
    for (int i = 0; i < GOSS_USES; i++)
        if (strcmp(t->name, seen_names[i]) == 0) return false;
    return !goss__is_kept(t->name);
}

/* The file must contain a method's tensors before memory is allocated for them: metadata alone must not cause
 * allocations of gigabytes. */
static goss_status bounded(const goss_safetensors *f, const goss_config *c, const char *method,
                           const goss_data_spec *data, goss_error *err) {
    goss_method *probe;
    GOSS_TRY(goss__method_from_config(c, method, data, true, &probe, err));
    int64_t want = 0, have = 0;
    int tensors = 0, there = 0;
    for (int i = 0; i < goss_method_params(probe); i++) {
        want += goss_layout_total(goss_method_param_at(probe, i).layout);
        tensors += goss_layout_count(goss_method_param_at(probe, i).layout);
    }
    for (int i = 0; i < goss_safetensors_count(f); i++) {
        if (!is_weight(goss_safetensors_at(f, i))) continue;
        have += goss__tensor_numel(goss_safetensors_at(f, i));
        there++;
    }
    goss_method_free(probe);
    if (want == have && tensors == there) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "its metadata describes %d tensors of %lld numbers, it holds %d of %lld",
                          tensors, (long long)want, there, (long long)have);
}

/* All of the hypernetwork's tensors, and there are some, are bfloat16. */
static bool holds_bf16(const goss_safetensors *f) {
    int n = 0, kept = 0;
    for (int i = 0; i < goss_safetensors_count(f); i++) {
        const goss_file_tensor *t = goss_safetensors_at(f, i);
        if (strncmp(t->name, GOSS__HYPER ".", sizeof GOSS__HYPER) != 0) continue;
        n++, kept += strcmp(t->dtype, "BF16") == 0;
    }
    return n > 0 && kept == n;
}

static goss_status read_rest(const goss_safetensors *f, goss_model *m, goss_error *err) {
    GOSS_TRY(read_notes(f, &m->notes, err));
    for (int i = 0; i < goss_method_params(m->method); i++) {
        goss_method_param p = goss_method_param_at(m->method, i);
        GOSS_TRY(goss__slab_read(f, p.name, p.layout, m->values[i], err));
    }
    m->bf16 = holds_bf16(f);
    GOSS_TRY(goss__kept_read(m, f, err));
    return goss__seen_read(m, f, err);
}

static goss_status read_model(const goss_safetensors *f, const goss_data_spec *data, goss_model **out,
                              goss_error *err) {
    int n;
    const goss_key *keys = goss__method_keys(&n);
    const char *method = goss_safetensors_meta(f, "gossamer.method");
    if (!method) return goss_error_set(err, GOSS_E_FORMAT, "its metadata lacks gossamer.method");
    goss_config *c;
    GOSS_TRY(goss_config_new(keys, n, &c, err));
    goss_status s = read_settings(f, c, err);
    if (s == GOSS_OK) s = bounded(f, c, method, data, err);
    if (s != GOSS_OK) {
        goss_config_free(c);
        return s;
    }
    GOSS_TRY(goss__model_make(method, c, data, true, out, err));
    return read_rest(f, *out, err);
}

static goss_status open_model(const goss_safetensors *f, goss_model **out, goss_error *err) {
    goss__data_spec data;
    GOSS_TRY(goss__file_kind(f, model_kind, err));
    goss_status s = goss__data_spec_read(f, &data, err);
    if (s == GOSS_OK) s = read_model(f, &data.of, out, err);
    goss__data_spec_free(&data);
    return s;
}

goss_status goss_model_load(const char *path, goss_model **out, goss_error *err) {
    goss_safetensors *f;
    *out = NULL;
    if (goss__is_dir(path))
        return goss_error_set(err, GOSS_E_IO, "%s: is a folder; a model is a file, as a run's %s/model.safetensors",
                              path, path);
    GOSS_TRY(goss_safetensors_open(path, &f, err));
    goss_status s = open_model(f, out, err);
    if (s != GOSS_OK) {
        goss_model_free(*out);
        *out = NULL;
        s = goss_error_prefix(err, s, "%s", path);
    }
    goss_safetensors_close(f);
    return s;
}
