/* SPDX-License-Identifier: Apache-2.0 */
/* agent_file.c: agents as files: settings and the family as metadata, tensors by name, running moments. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "gossamer/model.h"
#include "rl/agent.h"

#define KIND "agent 1"
#define KIND_KEY "gossamer.kind"

bool goss_agent_is(const char *path) {
    goss_safetensors *f;
    goss_error err;
    if (goss_safetensors_open(path, &f, &err) != GOSS_OK) return false;
    const char *kind = goss_safetensors_meta(f, KIND_KEY);
    const bool is = kind && strcmp(kind, KIND) == 0;
    goss_safetensors_close(f);
    return is;
}

/* ---- writing ---- */

static goss_status meta_number(goss_tensor_file *f, const char *key, double value, goss_error *err) {
    char text[GOSS__NUMBER_TEXT];
    goss__number_print(value, text);
    return goss_tensor_file_meta(f, key, text, err);
}

/* "low..high" of each named parameter. */
static goss_status write_family(const goss_agent *a, goss_tensor_file *f, goss_error *err) {
    const goss_env_family *family = &a->family;
    GOSS_TRY(goss_tensor_file_meta(f, "env.name", family->kind->name, err));
    GOSS_TRY(meta_number(f, "env.horizon", family->horizon, err));
    for (int i = 0; i < family->kind->named; i++) {
        char key[120], text[2 * GOSS__NUMBER_TEXT + 4], low[GOSS__NUMBER_TEXT], high[GOSS__NUMBER_TEXT];
        goss__number_print(family->low[i], low), goss__number_print(family->high[i], high);
        snprintf(key, sizeof key, "env.family.%.80s", family->kind->parameter[i].name);
        snprintf(text, sizeof text, "%s..%s", low, high);
        GOSS_TRY(goss_tensor_file_meta(f, key, text, err));
    }
    return GOSS_OK;
}

static goss_status write_settings(const goss_agent *a, goss_tensor_file *f, goss_error *err) {
    GOSS_TRY(goss_tensor_file_meta(f, KIND_KEY, KIND, err));
    GOSS_TRY(goss_tensor_file_meta(f, "gossamer.version", goss_version(), err));
    GOSS_TRY(meta_number(f, "agent.sees", a->o.sees, err));
    GOSS_TRY(meta_number(f, "agent.policy", a->o.policy, err));
    GOSS_TRY(meta_number(f, "agent.memory", a->o.memory, err));
    GOSS_TRY(meta_number(f, "agent.units", a->o.units, err));
    GOSS_TRY(meta_number(f, "agent.code", a->o.code, err));
    GOSS_TRY(meta_number(f, "agent.normalize", a->o.normalize, err));
    return meta_number(f, "agent.frames", (double)a->frames, err);
}

void goss__agent_moments(const goss_agent *a, double out[GOSS__MOMENTS]) {
    memcpy(out, a->mean, sizeof a->mean), memcpy(out + GOSS_ENV_MOST_OBSERVATIONS, a->square, sizeof a->square);
    double *rest = out + 2 * GOSS_ENV_MOST_OBSERVATIONS;
    rest[0] = a->seen, rest[1] = a->return_seen, rest[2] = a->return_mean, rest[3] = a->return_square;
}

static void set_moments(goss_agent *a, const double in[GOSS__MOMENTS]) {
    memcpy(a->mean, in, sizeof a->mean), memcpy(a->square, in + GOSS_ENV_MOST_OBSERVATIONS, sizeof a->square);
    const double *rest = in + 2 * GOSS_ENV_MOST_OBSERVATIONS;
    a->seen = rest[0], a->return_seen = rest[1], a->return_mean = rest[2], a->return_square = rest[3];
}

static goss_status write_tensors(const goss_agent *a, goss_tensor_file *f, goss_error *err) {
    for (int i = 0; i < goss_layout_count(a->layout); i++) {
        const goss_entry *e = goss_layout_entry(a->layout, i);
        char name[120];
        snprintf(name, sizeof name, GOSS__AGENT ".%.100s", e->name);
        GOSS_TRY(goss_tensor_file_add(f, name, "F32", e->rank, e->dim, a->weights + e->offset, err));
    }
    return GOSS_OK;
}

goss_status goss_agent_save(const goss_agent *a, const char *path, goss_error *err) {
    goss_tensor_file *f;
    double moments[GOSS__MOMENTS];
    const int64_t n = GOSS__MOMENTS;
    for (int64_t i = 0; i < goss_layout_total(a->layout); i++)
        if (!isfinite(a->weights[i]))
            return goss_error_set(err, GOSS_E_NUMERIC, "%s is not written: the agent's weights are not finite", path);
    goss__agent_moments(a, moments);
    GOSS_TRY(goss_tensor_file_new(&f, err));
    goss_status s = write_settings(a, f, err);
    if (s == GOSS_OK) s = write_family(a, f, err);
    if (s == GOSS_OK) s = write_tensors(a, f, err);
    if (s == GOSS_OK) s = goss_tensor_file_add(f, "moments", "F64", 1, &n, moments, err);
    if (s == GOSS_OK) s = goss_tensor_file_write(f, path, err);
    goss_tensor_file_free(f);
    return s;
}

/* ---- reading ---- */

static goss_status number_of(const goss_safetensors *f, const char *key, double low, double high, double *out,
                             goss_error *err) {
    const char *text = goss_safetensors_meta(f, key);
    if (text && goss__number_parse(text, out) && *out >= low && *out <= high) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "%s: \"%.40s\" is not a number from %g to %g", key, text ? text : "", low,
                          high);
}

static goss_status read_range(const goss_safetensors *f, goss_env_family *family, int i, goss_error *err) {
    char key[120], text[80];
    const char *name = family->kind->parameter[i].name;
    snprintf(key, sizeof key, "env.family.%.80s", name);
    const char *range = goss_safetensors_meta(f, key), *dots = range ? strstr(range, "..") : NULL;
    double low, high;
    if (!dots || dots - range >= (ptrdiff_t)sizeof text)
        return goss_error_set(err, GOSS_E_FORMAT, "%s is missing: is it an agent of another environment of that name?",
                              key);
    memcpy(text, range, (size_t)(dots - range)), text[dots - range] = 0;
    if (!goss__number_parse(text, &low) || !goss__number_parse(dots + 2, &high))
        return goss_error_set(err, GOSS_E_FORMAT, "%s: \"%.60s\" is not low..high", key, range);
    return goss_env_family_set(family, name, low, high, err);
}

static goss_status read_family(const goss_safetensors *f, const goss_env_kind *own, goss_env_family *out,
                               goss_error *err) {
    const char *name = goss_safetensors_meta(f, "env.name");
    double horizon;
    if (!name) return goss_error_set(err, GOSS_E_FORMAT, "env.name is missing");
    if (own && strcmp(own->name, name) != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "it is an agent of environment %.60s, not of %s", name, own->name);
    GOSS_TRY(own ? goss_env_family_own(own, out, err) : goss_env_family_of(name, out, err));
    GOSS_TRY(number_of(f, "env.horizon", 1, 1e9, &horizon, err));
    out->horizon = (int)horizon;
    for (int i = 0; i < out->kind->named; i++) GOSS_TRY(read_range(f, out, i, err));
    return GOSS_OK;
}

static goss_status read_settings(const goss_safetensors *f, goss_agent_options *o, double *frames, goss_error *err) {
    double sees, policy, memory, units, code, normalize;
    GOSS_TRY(number_of(f, "agent.sees", 0, 2, &sees, err));
    GOSS_TRY(number_of(f, "agent.policy", 0, 2, &policy, err));
    GOSS_TRY(number_of(f, "agent.memory", 1, 65536, &memory, err));
    GOSS_TRY(number_of(f, "agent.units", 1, 65536, &units, err));
    GOSS_TRY(number_of(f, "agent.code", 1, 65536, &code, err));
    GOSS_TRY(number_of(f, "agent.normalize", 0, 1, &normalize, err));
    GOSS_TRY(number_of(f, "agent.frames", 0, 9e15, frames, err));
    *o = (goss_agent_options){(unsigned)sees, (unsigned)policy, (int)memory, (int)units, (int)code, normalize > 0};
    return GOSS_OK;
}

goss_status goss__agent_read_moments(const goss_safetensors *f, goss_agent *a, goss_error *err) {
    double moments[GOSS__MOMENTS];
    const goss_file_tensor *t = goss_safetensors_find(f, "moments");
    if (!t || strcmp(t->dtype, "F64") != 0 || t->size != sizeof moments)
        return goss_error_set(err, GOSS_E_FORMAT, "moments: missing or of another size");
    memcpy(moments, t->data, sizeof moments);
    for (int i = 0; i < GOSS__MOMENTS; i++)
        if (!isfinite(moments[i])) return goss_error_set(err, GOSS_E_FORMAT, "moments: not finite");
    set_moments(a, moments);
    return GOSS_OK;
}

static goss_status read_tensors(const goss_safetensors *f, goss_agent *a, goss_error *err) {
    for (int i = 0; i < goss_layout_count(a->layout); i++) {
        const goss_entry *e = goss_layout_entry(a->layout, i);
        char name[120];
        const float *from;
        snprintf(name, sizeof name, GOSS__AGENT ".%.100s", e->name);
        GOSS_TRY(goss_safetensors_floats(f, name, e->numel, &from, err));
        for (int64_t k = 0; k < e->numel; k++)
            if (!isfinite(from[k])) return goss_error_set(err, GOSS_E_FORMAT, "%s: not finite", name);
        memcpy(a->weights + e->offset, from, (size_t)e->numel * sizeof *from);
    }
    return goss__agent_read_moments(f, a, err);
}

static goss_status read_all(const goss_safetensors *f, const goss_env_kind *own, goss_agent **out, goss_error *err) {
    const char *kind = goss_safetensors_meta(f, KIND_KEY);
    goss_env_family family;
    goss_agent_options o;
    double frames;
    if (!kind || strcmp(kind, KIND) != 0)
        return goss_error_set(err, GOSS_E_FORMAT, "it is no agent%s%.40s", kind ? ", but: " : "", kind ? kind : "");
    GOSS_TRY(read_family(f, own, &family, err));
    GOSS_TRY(read_settings(f, &o, &frames, err));
    GOSS_TRY(goss_agent_new(&family, &o, 0, out, err));
    (*out)->frames = (int64_t)frames;
    return read_tensors(f, *out, err);
}

goss_status goss_agent_load(const char *path, const goss_env_kind *own, goss_agent **out, goss_error *err) {
    goss_safetensors *f;
    *out = NULL;
    GOSS_TRY(goss_safetensors_open(path, &f, err));
    const goss_status s = goss_error_prefix(err, read_all(f, own, out, err), "%s", path);
    goss_safetensors_close(f);
    if (s != GOSS_OK) goss_agent_free(*out), *out = NULL;
    return s;
}
