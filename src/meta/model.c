/* SPDX-License-Identifier: Apache-2.0 */
/* model.c: models in memory: a method, its settings, and the values of its parameters. */
#include "meta/model.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bf16.h"
#include "goss_config.h"
#include "meta/settings.h"

const char *goss_version(void) { return GOSS_VERSION; }

const goss_key *goss_model_keys(int *n) { return goss__method_keys(n); }

/* ---- making ---- */

/* A configuration with the method's keys alone; values from `from` (NULL: the defaults). */
static goss_status own_settings(const goss_config *from, goss_config **out, goss_error *err) {
    int n;
    const goss_key *keys = goss__method_keys(&n);
    GOSS_TRY(goss_config_new(keys, n, out, err));
    goss__str value = {0};
    goss_status s = GOSS_OK;
    for (int i = 0; from && i < n && s == GOSS_OK; i++) {
        value.size = 0;
        goss__config_value(from, &keys[i], &value);
        s = value.failed ? goss_error_set(err, GOSS_E_NOMEM, "no memory for a model's settings")
                         : goss_config_set(*out, keys[i].name, value.data, err);
    }
    goss__str_free(&value);
    return s;
}

/* The backbone in canonical text, dropout included: presets may change in later versions, files must not. */
static goss_status fix_backbone(goss_model *m, goss_error *err) {
    const char *text = goss_target_text(goss_method_target(m->method));
    size_t size = strlen(text) + 32;
    char *pair = goss__alloc(size);
    if (!pair) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a backbone's text");
    snprintf(pair, size, "model.backbone=%s", text);
    for (char *c = pair; *c; c++)
        if (*c == '\n') *c = ';';
    goss_status s = goss_config_override(m->settings, pair, err);
    goss__free(pair);
    return s == GOSS_OK ? goss_config_set(m->settings, "model.dropout", "0", err) : s;
}

static goss_status make_values(goss_model *m, goss_error *err) {
    int n = goss_method_params(m->method);
    m->values = goss__calloc((size_t)n + 1, sizeof *m->values);
    if (!m->values) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a model");
    for (int i = 0; i < n; i++) {
        size_t size = (size_t)goss_layout_total(goss_method_param_at(m->method, i).layout) * sizeof(float);
        m->values[i] = goss__alloc_aligned(size);
        if (!m->values[i]) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %zu bytes of a model", size);
    }
    return GOSS_OK;
}

goss_status goss__model_make(const char *method, goss_config *settings, const goss_data_spec *data, bool of_file,
                             goss_model **out, goss_error *err) {
    goss_model *m = *out = goss__calloc(1, sizeof *m);
    if (!m) {
        goss_config_free(settings);
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for a model");
    }
    m->settings = settings;
    GOSS_TRY(goss__data_spec_copy(data, &m->data, err));
    GOSS_TRY(goss__method_from_config(settings, method, data, of_file, &m->method, err));
    GOSS_TRY(fix_backbone(m, err));
    return make_values(m, err);
}

goss_status goss_model_create(const char *method, const goss_config *settings, const goss_data_spec *data,
                              uint64_t seed, goss_model **out, goss_error *err) {
    goss_config *own = NULL;
    *out = NULL;
    goss_status s = own_settings(settings, &own, err);
    if (s == GOSS_OK)
        s = goss__model_make(method, own, data, false, out, err);
    else
        goss_config_free(own);
    if (s != GOSS_OK) {
        goss_model_free(*out);
        *out = NULL;
        return s;
    }
    for (int i = 0; i < goss_method_params((*out)->method); i++)
        goss_method_initialize((*out)->method, i, seed, (*out)->values[i]);
    return GOSS_OK;
}

void goss_model_free(goss_model *m) {
    if (!m) return;
    for (int i = 0; m->values && i < goss_method_params(m->method); i++) goss__free(m->values[i]);
    goss__free(m->values);
    goss_method_free(m->method);
    goss_config_free(m->settings);
    goss__data_spec_free(&m->data);
    goss__notes_free(&m->notes);
    goss__kept_free(m);
    for (int i = 0; i < GOSS_USES; i++) goss__samples_free(&m->seen[i]);
    goss__free(m);
}

/* ---- values ---- */

const goss_method *goss_model_method(const goss_model *m) { return m->method; }
goss_status goss_model_open_images(const goss_model *m, const char *path, const goss_images_options *options,
                                   goss_images **out, goss_error *err) {
    goss_images_options o = options ? *options : goss_images_options_defaults();
    const goss_image_format f = goss_model_image(m);
    GOSS_TRY(goss__model_is_of_images(m, err));
    o.channels = f.channels, o.height = f.height, o.width = f.width;
    o.invert = f.invert ? GOSS_INVERT_YES : GOSS_INVERT_NO;
    return goss_images_open(path, &o, out, err);
}

const goss_data_spec *goss_model_data(const goss_model *m) { return &m->data.of; }
goss_image_format goss_model_image(const goss_model *m) { return m->data.of.image; }

goss_status goss__model_is_of_images(const goss_model *m, goss_error *err) {
    if (goss__data_spec_is_images(&m->data.of)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "the model is not one of images: it works on data of kind \"%.40s\"",
                          m->data.of.kind);
}

bool goss__same_format(const goss_image_format *a, const goss_image_format *b) {
    return a->height == b->height && a->width == b->width && a->channels == b->channels && a->invert == b->invert;
}

goss_status goss__model_fits(const goss_model *m, const goss_images *set, goss_error *err) {
    goss_image_format f = goss_images_format(set), want = goss_model_image(m);
    GOSS_TRY(goss__model_is_of_images(m, err));
    if (goss__same_format(&f, &want)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "the images are %d x %d x %d%s; the model works on %d x %d x %d%s",
                          f.height, f.width, f.channels, f.invert ? ", inverted" : "", want.height, want.width,
                          want.channels, want.invert ? ", inverted" : "");
}

const goss_config *goss_model_settings(const goss_model *m) { return m->settings; }
float *goss_model_values(const goss_model *m, int i) { return m->values[i]; }

int goss__model_hyper(const goss_method *m) {
    for (int i = 0; i < goss_method_params(m); i++)
        if (strcmp(goss_method_param_at(m, i).name, GOSS__HYPER) == 0) return i;
    return -1;
}

goss_status goss_model_set_bf16(goss_model *m, bool bf16, goss_error *err) {
    const int at = goss__model_hyper(m->method);
    if (at < 0)
        return goss_error_set(err, GOSS_E_UNSUPPORTED,
                              "method %s has no hypernetwork whose weights could be kept as bfloat16",
                              goss_method_name(m->method));
    m->bf16 = bf16;
    for (int64_t i = 0; bf16 && i < goss_layout_total(goss_method_param_at(m->method, at).layout); i++)
        m->values[at][i] = goss__from_bf16(goss__to_bf16(m->values[at][i]));
    return GOSS_OK;
}

bool goss_model_is_bf16(const goss_model *m) { return m->bf16; }
const char *goss__model_bf16(const goss_model *m) { return m->bf16 ? GOSS__HYPER : NULL; }

goss_status goss_model_note(goss_model *m, const char *name, const char *value, goss_error *err) {
    return goss__notes_set(&m->notes, name, value, err);
}
const char *goss_model_note_of(const goss_model *m, const char *name) { return goss__notes_get(&m->notes, name); }
