/* SPDX-License-Identifier: Apache-2.0 */
/* agent_file.c: agents as files: settings and the family as metadata, tensors by name, running moments. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "gossamer/model.h"
#include "meta/notes.h"
#include "rl/agent_run.h"

#define KIND "agent 1"

bool goss_agent_is(const char *path) {
    goss_safetensors *f;
    goss_error err;
    if (goss_safetensors_open(path, &f, &err) != GOSS_OK) return false;
    const char *kind = goss_safetensors_meta(f, GOSS__KIND_KEY);
    const bool is = kind && strncmp(kind, "agent ", 6) == 0;
    goss_safetensors_close(f);
    return is;
}

/* ---- writing ---- */

goss_status goss__agent_meta_number(goss_tensor_file *f, const char *key, double value, goss_error *err) {
    char text[GOSS__NUMBER_TEXT];
    goss__number_print(value, text);
    return goss_tensor_file_meta(f, key, text, err);
}

/* "low..high" of each named parameter. */
static goss_status write_family(const goss_agent *a, goss_tensor_file *f, goss_error *err) {
    const goss_env_family *family = &a->family;
    GOSS_TRY(goss_tensor_file_meta(f, "env.name", family->kind->name, err));
    GOSS_TRY(goss__agent_meta_number(f, "env.horizon", family->horizon, err));
    for (int i = 0; i < family->kind->named; i++) {
        char key[120], text[2 * GOSS__NUMBER_TEXT + 4], low[GOSS__NUMBER_TEXT], high[GOSS__NUMBER_TEXT];
        goss__number_print(family->low[i], low), goss__number_print(family->high[i], high);
        snprintf(key, sizeof key, "env.family.%.80s", family->kind->parameter[i].name);
        snprintf(text, sizeof text, "%s..%s", low, high);
        GOSS_TRY(goss_tensor_file_meta(f, key, text, err));
    }
    return GOSS_OK;
}

/* What of an environment a program of its own may have otherwise, though it has the same name. */
static const struct {
    const char *key, *what;
    size_t at; /* an int of goss_env_kind */
} shape[] = {{"env.observations", "numbers of an observation", offsetof(goss_env_kind, observations)},
             {"env.actions", "actions to choose from", offsetof(goss_env_kind, actions)},
             {"env.controls", "controls", offsetof(goss_env_kind, controls)},
             {"env.parameters", "parameters of its family", offsetof(goss_env_kind, named)}};
enum { SHAPES = sizeof shape / sizeof *shape };

static int shape_of(const goss_env_kind *k, int i) {
    int n;
    memcpy(&n, (const char *)k + shape[i].at, sizeof n);
    return n;
}

static goss_status write_shape(const goss_env_kind *k, goss_tensor_file *f, goss_error *err) {
    for (int i = 0; i < SHAPES; i++) GOSS_TRY(goss__agent_meta_number(f, shape[i].key, shape_of(k, i), err));
    return GOSS_OK;
}

/* Files of earlier versions do not tell. */
static goss_status check_shape(const goss_env_kind *k, const goss_safetensors *f, goss_error *err) {
    for (int i = 0; i < SHAPES; i++) {
        int64_t n;
        if (!goss_safetensors_meta(f, shape[i].key)) continue;
        GOSS_TRY(goss__file_number(f, shape[i].key, 0, INT32_MAX, &n, err));
        if (n != shape_of(k, i))
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "the environment that it was trained in has another shape: %s: %lld, and here %d",
                                  shape[i].what, (long long)n, shape_of(k, i));
    }
    return GOSS_OK;
}

static goss_status write_settings(const goss_agent *a, goss_tensor_file *f, goss_error *err) {
    GOSS_TRY(goss_tensor_file_meta(f, GOSS__KIND_KEY, KIND, err));
    GOSS_TRY(goss_tensor_file_meta(f, "gossamer.version", goss_version(), err));
    GOSS_TRY(goss__agent_meta_number(f, "agent.sees", a->o.sees, err));
    GOSS_TRY(goss__agent_meta_number(f, "agent.policy", a->o.policy, err));
    GOSS_TRY(goss__agent_meta_number(f, "agent.memory", a->o.memory, err));
    GOSS_TRY(goss__agent_meta_number(f, "agent.units", a->o.units, err));
    GOSS_TRY(goss__agent_meta_number(f, "agent.code", a->o.code, err));
    GOSS_TRY(goss__agent_meta_number(f, "agent.normalize", a->o.normalize, err));
    GOSS_TRY(goss__agent_meta_number(f, "agent.clip_rewards", a->o.clip_rewards, err));
    GOSS_TRY(goss_tensor_file_meta(f, "agent.encoder", a->o.encoder, err));
    GOSS_TRY(goss__agent_meta_number(f, "agent.support", a->o.support, err));
    GOSS_TRY(goss__agent_meta_number(f, "agent.inner_rate", a->o.inner_rate, err));
    GOSS_TRY(goss__agent_meta_number(f, "agent.discount", a->o.discount, err));
    return goss__agent_meta_number(f, "agent.frames", (double)a->frames, err);
}

static int64_t normalised(const goss_agent *a) { return a->o.normalize ? a->observations : 0; }

int64_t goss__agent_moments(const goss_agent *a) { return 4 + 2 * normalised(a); }

/* Of returns and the count, then means and squares of observations. */
goss_status goss__agent_add_moments(const goss_agent *a, goss_tensor_file *f, double *work, goss_error *err) {
    const int64_t n = goss__agent_moments(a), O = normalised(a);
    work[0] = a->seen, work[1] = a->return_seen, work[2] = a->return_mean, work[3] = a->return_square;
    for (int64_t i = 0; i < O; i++) work[4 + i] = a->mean[i], work[4 + O + i] = a->square[i];
    return goss_tensor_file_add(f, "moments", "F64", 1, &n, work, err);
}

goss_status goss_agent_save(const goss_agent *a, const char *path, goss_error *err) {
    goss_tensor_file *f;
    for (int64_t i = 0; i < goss_layout_total(a->layout); i++)
        if (!isfinite(a->weights[i]))
            return goss_error_set(err, GOSS_E_NUMERIC, "%s is not written: the agent's weights are not finite", path);
    double *moments = goss__calloc((size_t)goss__agent_moments(a), sizeof *moments);
    if (!moments) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a file");
    goss_status s = goss_tensor_file_new(&f, err);
    if (s != GOSS_OK) return goss__free(moments), s;
    s = write_settings(a, f, err);
    if (s == GOSS_OK) s = write_family(a, f, err);
    if (s == GOSS_OK) s = write_shape(a->family.kind, f, err);
    if (s == GOSS_OK) s = goss__slab_write(f, GOSS__AGENT, a->layout, a->weights, err);
    if (s == GOSS_OK) s = goss__agent_add_moments(a, f, moments, err);
    const int64_t start = a->o.memory + a->before;
    if (s == GOSS_OK && a->start) s = goss_tensor_file_add(f, "start", "F32", 1, &start, a->start, err);
    if (s == GOSS_OK) s = goss_tensor_file_write(f, path, err);
    goss_tensor_file_free(f), goss__free(moments);
    return s;
}

/* ---- reading ---- */

static goss_status read_range(const goss_safetensors *f, goss_env_family *family, int i, goss_error *err) {
    char key[120];
    const char *name = family->kind->parameter[i].name;
    double low, high;
    snprintf(key, sizeof key, "env.family.%.80s", name);
    const char *range = goss_safetensors_meta(f, key);
    if (!range)
        return goss_error_set(err, GOSS_E_FORMAT, "%s is missing: is it an agent of another environment of that name?",
                              key);
    if (!goss__agent_range(range, &low, &high))
        return goss_error_set(err, GOSS_E_FORMAT, "%s: \"%.60s\" is not low..high", key, range);
    return goss_env_family_set(family, name, low, high, err);
}

/* The environment of that name; *process: it is one of those in processes of their own, which the library knows. */
static goss_status find_environment(const char *name, const goss_env_kind *own, goss_env_process **process,
                                    goss_env_family *out, goss_error *err) {
    const goss_env_process_options o = goss_env_process_defaults();
    if (own) return goss_env_family_own(own, out, err);
    if (strcmp(name, "process") == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "its environment is a program of its own, which a file never names: give it, as "
                              "--command 'python3 room.py'");
    if (strncmp(name, "ale/", 4) != 0) return goss_env_family_of(name, out, err);
    GOSS_TRY(goss_env_atari_open(name + 4, &o, process, err));
    return goss_env_family_own(goss_env_process_kind(*process), out, err);
}

static goss_status read_family(const goss_safetensors *f, const goss_env_kind *own, goss_env_process **process,
                               goss_env_family *out, goss_error *err) {
    const char *name = goss_safetensors_meta(f, "env.name");
    int64_t horizon;
    if (!name) return goss_error_set(err, GOSS_E_FORMAT, "env.name is missing");
    if (own && strcmp(own->name, name) != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "it is an agent of environment %.60s, not of %s", name, own->name);
    GOSS_TRY(find_environment(name, own, process, out, err));
    GOSS_TRY(check_shape(out->kind, f, err));
    GOSS_TRY(goss__file_number(f, "env.horizon", 1, 1000000000, &horizon, err));
    out->horizon = (int)horizon;
    for (int i = 0; i < out->kind->named; i++) GOSS_TRY(read_range(f, out, i, err));
    return GOSS_OK;
}

static goss_status read_real(const goss_safetensors *f, const char *key, double *out, goss_error *err) {
    const char *text = goss_safetensors_meta(f, key);
    if (text && goss__number_parse(text, out)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "%s is missing or no number", key);
}

static goss_status read_settings(const goss_safetensors *f, goss_agent_options *o, int64_t *frames, goss_error *err) {
    int64_t sees, policy, memory, units, code, normalize, clip, support;
    const char *encoder = goss_safetensors_meta(f, "agent.encoder");
    GOSS_TRY(goss__file_number(f, "agent.sees", 0, GOSS_AGENT_ID, &sees, err));
    GOSS_TRY(goss__file_number(f, "agent.policy", 0, GOSS_AGENT_HYPERNET, &policy, err));
    GOSS_TRY(goss__file_number(f, "agent.memory", 1, 65536, &memory, err));
    GOSS_TRY(goss__file_number(f, "agent.units", 1, 65536, &units, err));
    GOSS_TRY(goss__file_number(f, "agent.code", 1, 65536, &code, err));
    GOSS_TRY(goss__file_number(f, "agent.normalize", 0, 1, &normalize, err));
    GOSS_TRY(goss__file_number(f, "agent.frames", 0, (int64_t)9e15, frames, err));
    GOSS_TRY(goss__file_number(f, "agent.clip_rewards", 0, 1, &clip, err));
    double inner_rate, discount;
    GOSS_TRY(goss__file_number(f, "agent.support", 1, 1000000, &support, err));
    GOSS_TRY(read_real(f, "agent.inner_rate", &inner_rate, err));
    GOSS_TRY(read_real(f, "agent.discount", &discount, err));
    if (!encoder) return goss_error_set(err, GOSS_E_FORMAT, "agent.encoder is missing");
    *o = (goss_agent_options){.sees = (unsigned)sees,
                              .policy = (unsigned)policy,
                              .memory = (int)memory,
                              .units = (int)units,
                              .code = (int)code,
                              .normalize = normalize > 0,
                              .encoder = encoder,
                              .support = (int)support,
                              .inner_rate = inner_rate,
                              .discount = discount,
                              .clip_rewards = clip > 0};
    return GOSS_OK;
}

goss_status goss__agent_read_moments(const goss_safetensors *f, goss_agent *a, goss_error *err) {
    const goss_file_tensor *t = goss_safetensors_find(f, "moments");
    const int64_t n = goss__agent_moments(a), O = normalised(a);
    if (!t || strcmp(t->dtype, "F64") != 0 || t->size != (size_t)n * sizeof(double))
        return goss_error_set(err, GOSS_E_FORMAT, "moments: missing or of another size");
    double *const to[] = {&a->seen, &a->return_seen, &a->return_mean, &a->return_square};
    for (int64_t i = 0; i < n; i++) {
        double v;
        memcpy(&v, (const char *)t->data + (size_t)i * sizeof v, sizeof v);
        if (!isfinite(v)) return goss_error_set(err, GOSS_E_FORMAT, "moments: not finite");
        *(i < 4 ? to[i] : i < 4 + O ? &a->mean[i - 4] : &a->square[i - 4 - O]) = v;
    }
    return GOSS_OK;
}

static goss_status read_new(const goss_safetensors *f, const goss_env_kind *own, goss_env_process **process,
                            goss_agent **out, int64_t *frames, goss_error *err) {
    goss_env_family family;
    goss_agent_options o;
    GOSS_TRY(goss__file_kind(f, KIND, err));
    GOSS_TRY(read_settings(f, &o, frames, err));
    GOSS_TRY(read_family(f, own, process, &family, err));
    return goss_agent_new(&family, &o, 0, out, err);
}

/* The memory that lives begin with, where there is one. */
static goss_status read_start(const goss_safetensors *f, goss_agent *a, goss_error *err) {
    const int64_t n = a->o.memory + a->before;
    const float *from;
    if (!goss_safetensors_find(f, "start")) return GOSS_OK;
    if (a->o.sees != GOSS_AGENT_HISTORY)
        return goss_error_set(err, GOSS_E_FORMAT, "start: a memory to begin with, of an agent without one");
    GOSS_TRY(goss_safetensors_floats(f, "start", n, &from, err));
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(from[i])) return goss_error_set(err, GOSS_E_FORMAT, "start: not finite");
    a->start = goss__calloc((size_t)n, sizeof *a->start);
    if (!a->start) return goss_error_set(err, GOSS_E_NOMEM, "no memory for an agent");
    memcpy(a->start, from, (size_t)n * sizeof *from);
    return GOSS_OK;
}

static goss_status read_all(const goss_safetensors *f, const goss_env_kind *own, goss_agent **out, goss_error *err) {
    goss_env_process *process = NULL;
    int64_t frames;
    const goss_status s = read_new(f, own, &process, out, &frames, err);
    if (s != GOSS_OK) return goss_env_process_free(process), s;
    (*out)->process = process;
    (*out)->frames = frames;
    GOSS_TRY(goss__slab_read(f, GOSS__AGENT, (*out)->layout, (*out)->weights, err));
    GOSS_TRY(read_start(f, *out, err));
    return goss__agent_read_moments(f, *out, err);
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
