/* model.c: models in memory and as files: a method's settings as metadata, each tensor under the name of its parameter
 * and its entry ("target.conv1.w"). Reading makes the method from the metadata and then wants exactly its tensors. */
#include "meta/model.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "meta/settings.h"

static const char model_kind[] = "model 1";

const char *goss_version(void) { return "0.1.0"; }

const goss_key *goss_model_keys(int *n) { return goss__method_keys(n); }

/* ---- making ---- */

/* A configuration with the method's keys alone, and from `from` (NULL: the defaults) their values. */
static goss_status own_settings(const goss_config *from, goss_config **out, goss_error *err) {
    int n;
    const goss_key *keys = goss__method_keys(&n);
    GOSS_TRY(goss_config_new(keys, n, out, err));
    for (int i = 0; from && i < n; i++) {
        char value[8192], pair[8300];
        goss__config_value(from, &keys[i], value, sizeof value);
        snprintf(pair, sizeof pair, "%s=%s", keys[i].name, value);
        GOSS_TRY(goss_config_override(*out, pair, err));
    }
    return GOSS_OK;
}

/* The backbone as the target itself writes it: presets may change, files stay. */
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
    return s;
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

/* settings is taken over. */
static goss_status make(const char *method, goss_config *settings, const goss_image_format *image, goss_model **out,
                        goss_error *err) {
    goss_model *m = *out = goss__calloc(1, sizeof *m);
    if (!m) {
        goss_config_free(settings);
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for a model");
    }
    m->settings = settings;
    m->image = *image;
    GOSS_TRY(goss__method_from_config(settings, method, image, &m->method, err));
    GOSS_TRY(fix_backbone(m, err));
    return make_values(m, err);
}

goss_status goss_model_create(const char *method, const goss_config *settings, const goss_image_format *image,
                              uint64_t seed, goss_model **out, goss_error *err) {
    goss_config *own = NULL;
    *out = NULL;
    goss_status s = own_settings(settings, &own, err);
    if (s == GOSS_OK)
        s = make(method, own, image, out, err);
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
    goss__notes_free(&m->notes);
    goss__free(m);
}

/* ---- values ---- */

const goss_method *goss_model_method(const goss_model *m) { return m->method; }
goss_status goss_model_open_images(const goss_model *m, const char *path, const goss_images_options *options,
                                   goss_images **out, goss_error *err) {
    goss_images_options o = options ? *options : goss_images_options_defaults();
    o.channels = m->image.channels, o.height = m->image.height, o.width = m->image.width;
    o.invert = m->image.invert ? GOSS_INVERT_YES : GOSS_INVERT_NO;
    return goss_images_open(path, &o, out, err);
}

goss_image_format goss_model_image(const goss_model *m) { return m->image; }
const goss_config *goss_model_settings(const goss_model *m) { return m->settings; }
float *goss_model_values(const goss_model *m, int i) { return m->values[i]; }

static bool same_layout(const goss_layout *a, const goss_layout *b) {
    bool same = goss_layout_count(a) == goss_layout_count(b) && goss_layout_total(a) == goss_layout_total(b);
    for (int i = 0; same && i < goss_layout_count(a); i++) {
        const goss_entry *x = goss_layout_entry(a, i), *y = goss_layout_entry(b, i);
        same = strcmp(x->name, y->name) == 0 && x->rank == y->rank &&
               memcmp(x->dim, y->dim, sizeof x->dim[0] * (size_t)x->rank) == 0;
    }
    return same;
}

int goss_model_copy_values(goss_model *to, const goss_model *from) {
    int copied = 0;
    for (int i = 0; i < goss_method_params(to->method); i++)
        for (int j = 0; j < goss_method_params(from->method); j++) {
            goss_method_param a = goss_method_param_at(to->method, i), b = goss_method_param_at(from->method, j);
            if (strcmp(a.name, b.name) != 0 || !same_layout(a.layout, b.layout)) continue;
            memcpy(to->values[i], from->values[j], (size_t)goss_layout_total(a.layout) * sizeof(float));
            copied++;
        }
    return copied;
}

void goss_model_store(const goss_model *m, goss_params *params) {
    for (int i = 0; i < goss_method_params(m->method); i++) {
        goss_method_param p = goss_method_param_at(m->method, i);
        int at = goss_params_find(params, p.name);
        if (at >= 0 && goss_params_numel(params, at) == goss_layout_total(p.layout))
            memcpy(goss_params_data(params, at), m->values[i], (size_t)goss_layout_total(p.layout) * sizeof(float));
    }
}

goss_status goss_model_note(goss_model *m, const char *name, const char *value, goss_error *err) {
    return goss__notes_set(&m->notes, name, value, err);
}
const char *goss_model_note_of(const goss_model *m, const char *name) { return goss__notes_get(&m->notes, name); }

/* ---- writing ---- */

goss_status goss__image_write(const goss_image_format *image, goss_tensor_file *file, goss_error *err) {
    const struct {
        const char *key;
        int value;
    } field[] = {{"image.height", image->height},
                 {"image.width", image->width},
                 {"image.channels", image->channels},
                 {"image.invert", image->invert}};
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
        char text[32];
        snprintf(text, sizeof text, "%d", field[i].value);
        GOSS_TRY(goss_tensor_file_meta(file, field[i].key, text, err));
    }
    return GOSS_OK;
}

static goss_status write_settings(const goss_model *m, goss_tensor_file *file, goss_error *err) {
    int n;
    const goss_key *keys = goss__method_keys(&n);
    for (int i = 0; i < n; i++) {
        char value[8192];
        goss__config_value(m->settings, &keys[i], value, sizeof value);
        GOSS_TRY(goss_tensor_file_meta(file, keys[i].name, value, err));
    }
    return GOSS_OK;
}

static goss_status collect(const goss_model *m, goss_tensor_file *file, goss_error *err) {
    GOSS_TRY(goss__notes_write(&m->notes, file, err));
    GOSS_TRY(goss_tensor_file_meta(file, GOSS__KIND_KEY, model_kind, err));
    GOSS_TRY(goss_tensor_file_meta(file, "gossamer.version", goss_version(), err));
    GOSS_TRY(goss_tensor_file_meta(file, "gossamer.method", goss_method_name(m->method), err));
    GOSS_TRY(goss__image_write(&m->image, file, err));
    GOSS_TRY(write_settings(m, file, err));
    for (int i = 0; i < goss_method_params(m->method); i++) {
        goss_method_param p = goss_method_param_at(m->method, i);
        GOSS_TRY(goss__slab_write(file, p.name, p.layout, m->values[i], err));
    }
    return GOSS_OK;
}

goss_status goss_model_save(const goss_model *m, const char *path, goss_error *err) {
    goss_tensor_file *file;
    GOSS_TRY(goss_tensor_file_new(&file, err));
    goss_status s = collect(m, file, err);
    if (s == GOSS_OK) s = goss_tensor_file_write(file, path, err);
    goss_tensor_file_free(file);
    return s;
}

/* ---- reading ---- */

goss_status goss__image_read(const goss_safetensors *f, goss_image_format *out, goss_error *err) {
    int64_t v[4];
    GOSS_TRY(goss__file_number(f, "image.height", 1, GOSS__MAX_SIDE, &v[0], err));
    GOSS_TRY(goss__file_number(f, "image.width", 1, GOSS__MAX_SIDE, &v[1], err));
    GOSS_TRY(goss__file_number(f, "image.channels", 1, 3, &v[2], err));
    GOSS_TRY(goss__file_number(f, "image.invert", 0, 1, &v[3], err));
    if (v[2] == 2) return goss_error_set(err, GOSS_E_FORMAT, "metadata image.channels: 2 is neither grey nor colour");
    *out = (goss_image_format){.height = (int)v[0], .width = (int)v[1], .channels = (int)v[2], .invert = v[3] != 0};
    return GOSS_OK;
}

/* A setting that this version does not know changes what the tensors mean. */
static goss_status refuse_unknown(const goss_safetensors *f, goss_error *err) {
    static const char *const sections[] = {"model.", "method.", "hyper."};
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

/* A setting that came with a later version than the file has its default, which is what was done before. */
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
    static const char *const own[] = {"gossamer.", "image.", "model.", "method.", "hyper."};
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

/* The numbers a method's tensors need must be in the file before memory is asked for: metadata alone may not make this
 * process ask for gigabytes. */
static goss_status bounded(const goss_safetensors *f, const goss_config *c, const char *method,
                           const goss_image_format *image, goss_error *err) {
    goss_method *probe;
    GOSS_TRY(goss__method_from_config(c, method, image, &probe, err));
    int64_t want = 0, have = 0;
    int tensors = 0;
    for (int i = 0; i < goss_method_params(probe); i++) {
        want += goss_layout_total(goss_method_param_at(probe, i).layout);
        tensors += goss_layout_count(goss_method_param_at(probe, i).layout);
    }
    for (int i = 0; i < goss_safetensors_count(f); i++)
        have += (int64_t)(goss_safetensors_at(f, i)->size / sizeof(float));
    goss_method_free(probe);
    if (want == have && tensors == goss_safetensors_count(f)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "its metadata describes %d tensors of %lld numbers, it holds %d of %lld",
                          tensors, (long long)want, goss_safetensors_count(f), (long long)have);
}

static goss_status read_model(const goss_safetensors *f, goss_model **out, goss_error *err) {
    goss_image_format image;
    int n;
    const goss_key *keys = goss__method_keys(&n);
    GOSS_TRY(goss__file_kind(f, model_kind, err));
    GOSS_TRY(goss__image_read(f, &image, err));
    const char *method = goss_safetensors_meta(f, "gossamer.method");
    if (!method) return goss_error_set(err, GOSS_E_FORMAT, "its metadata lacks gossamer.method");
    goss_config *c;
    GOSS_TRY(goss_config_new(keys, n, &c, err));
    goss_status s = read_settings(f, c, err);
    if (s == GOSS_OK) s = bounded(f, c, method, &image, err);
    if (s != GOSS_OK) {
        goss_config_free(c);
        return s;
    }
    GOSS_TRY(make(method, c, &image, out, err));
    GOSS_TRY(read_notes(f, &(*out)->notes, err));
    for (int i = 0; i < goss_method_params((*out)->method); i++) {
        goss_method_param p = goss_method_param_at((*out)->method, i);
        GOSS_TRY(goss__slab_read(f, p.name, p.layout, (*out)->values[i], err));
    }
    return GOSS_OK;
}

goss_status goss_model_load(const char *path, goss_model **out, goss_error *err) {
    goss_safetensors *f;
    *out = NULL;
    GOSS_TRY(goss_safetensors_open(path, &f, err));
    goss_status s = read_model(f, out, err);
    if (s != GOSS_OK) {
        goss_model_free(*out);
        *out = NULL;
        s = goss_error_prefix(err, s, "%s", path);
    }
    goss_safetensors_close(f);
    return s;
}
