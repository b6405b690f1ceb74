/* SPDX-License-Identifier: Apache-2.0 */
/* program_file.c: programs with their parameters as safetensors files: the text as metadata, a tensor per parameter
 * (docs/program.md).
 *
 * The text is the only encoding, so that there is one parser and one verifier, and any safetensors reader shows a
 * program. Its version is that of the file; all versions stay readable. */
#include <math.h>
#include <string.h>

#include "base/bf16.h"
#include "gossamer/program.h"
#include "gossamer/safetensors.h"

#define KIND_KEY "gossamer.kind"
#define TEXT_KEY "program"
static const char program_kind[] = "program 1";

/* ---- storage formats of store and file ---- */

typedef struct number {
    const char *dtype;
    size_t size;
    double (*read)(const void *at); /* may be unaligned */
} number;

static double read_f64(const void *at) {
    double v;
    memcpy(&v, at, sizeof v);
    return v;
}
static double read_f32(const void *at) {
    float v;
    memcpy(&v, at, sizeof v);
    return (double)v;
}
static double read_bf16(const void *at) {
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return (double)goss__from_bf16(v);
}

static const number numbers[] = {{"F64", 8, read_f64}, {"F32", 4, read_f32}, {"BF16", 2, read_bf16}};
enum { F64, F32, BF16, NUMBERS };

static const number *number_of(const goss_params *params, int i) {
    if (goss_params_is_bf16(params, i)) return &numbers[BF16];
    return &numbers[goss_params_precision(params) == GOSS_F64 ? F64 : F32];
}

static goss_status check_finite(const char *name, const number *kind, const void *data, int64_t n, goss_error *err) {
    for (int64_t k = 0; k < n; k++)
        if (!isfinite(kind->read((const char *)data + (size_t)k * kind->size)))
            return goss_error_set(err, GOSS_E_NUMERIC, "parameter \"%s\": number %lld is not finite", name,
                                  (long long)k);
    return GOSS_OK;
}

/* ---- writing ---- */

static goss_status add_parameter(goss_tensor_file *file, const goss_program *p, int i, const goss_params *params,
                                 goss_error *err) {
    const char *name = goss_program_parameter_name(p, i);
    const goss_shape *shape = &goss_program_value_at(p, goss_program_parameter(p, i))->shape;
    const int at = params ? goss_params_find(params, name) : -1;
    if (at < 0) return goss_error_set(err, GOSS_E_ARGUMENT, "the store has no parameter \"%s\"", name);
    bool same = goss_params_rank(params, at) == shape->rank;
    for (int k = 0; same && k < shape->rank; k++) same = goss_params_shape(params, at)[k] == shape->dim[k].count;
    if (!same) return goss_error_set(err, GOSS_E_SHAPE, "parameter \"%s\" has a different shape in the store", name);
    const number *kind = number_of(params, at);
    const void *data = goss_params_data(params, at);
    GOSS_TRY(check_finite(name, kind, data, goss_params_numel(params, at), err));
    return goss_tensor_file_add(file, name, kind->dtype, shape->rank, goss_params_shape(params, at), data, err);
}

static goss_status collect(goss_tensor_file *file, const goss_program *p, const goss_params *params, goss_error *err) {
    char *text = goss_program_text(p);
    if (!text) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    goss_status s = goss_tensor_file_meta(file, TEXT_KEY, text, err);
    goss_text_free(text);
    if (s == GOSS_OK) s = goss_tensor_file_meta(file, KIND_KEY, program_kind, err);
    for (int i = 0; i < goss_program_parameters(p) && s == GOSS_OK; i++) s = add_parameter(file, p, i, params, err);
    return s;
}

goss_status goss_program_save(const goss_program *p, const goss_params *params, const char *path, goss_error *err) {
    goss_tensor_file *file;
    GOSS_TRY(goss_tensor_file_new(&file, err));
    goss_status s = goss_error_prefix(err, collect(file, p, params, err), "%s", path);
    if (s == GOSS_OK) s = goss_tensor_file_write(file, path, err); /* its errors start with the path */
    goss_tensor_file_free(file);
    return s;
}

/* ---- reading ---- */

static goss_status read_program(const goss_safetensors *f, goss_program **out, goss_error *err) {
    const char *kind = goss_safetensors_meta(f, KIND_KEY), *text = goss_safetensors_meta(f, TEXT_KEY);
    if (!kind || strncmp(kind, "program ", strlen("program ")) != 0)
        return goss_error_set(err, GOSS_E_FORMAT, "is not a program: %s is \"%s\"", KIND_KEY, kind ? kind : "");
    if (strcmp(kind, program_kind) != 0)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "is a \"%s\"; this build reads \"%s\"", kind, program_kind);
    if (!text) return goss_error_set(err, GOSS_E_FORMAT, "its metadata lacks \"%s\"", TEXT_KEY);
    return goss_error_prefix(err, goss_program_parse(text, out, err), "metadata \"%s\"", TEXT_KEY);
}

/* The tensor of parameter i, checked against the parameter. */
static goss_status find_tensor(const goss_safetensors *f, const goss_program *p, int i, const goss_file_tensor **t,
                               const number **kind, goss_error *err) {
    const char *name = goss_program_parameter_name(p, i);
    const goss_shape *shape = &goss_program_value_at(p, goss_program_parameter(p, i))->shape;
    *t = goss_safetensors_find(f, name);
    if (!*t) return goss_error_set(err, GOSS_E_FORMAT, "there is no tensor for parameter \"%s\"", name);
    bool same = (*t)->rank == shape->rank;
    int64_t n = 1;
    for (int k = 0; same && k < shape->rank; k++)
        same = (*t)->shape[k] == shape->dim[k].count, n *= shape->dim[k].count;
    if (!same)
        return goss_error_set(err, GOSS_E_FORMAT, "tensor \"%s\" does not have the shape of that parameter", name);
    for (*kind = numbers; *kind < numbers + NUMBERS; ++*kind)
        if (strcmp((*kind)->dtype, (*t)->dtype) == 0) return check_finite(name, *kind, (*t)->data, n, err);
    return goss_error_set(err, GOSS_E_FORMAT, "tensor \"%s\" is %s, not F32, F64 or BF16", name, (*t)->dtype);
}

static goss_status check_tensors(const goss_safetensors *f, const goss_program *p, bool *f64, goss_error *err) {
    *f64 = false;
    for (int i = 0; i < goss_program_parameters(p); i++) {
        const goss_file_tensor *t;
        const number *kind;
        GOSS_TRY(find_tensor(f, p, i, &t, &kind, err));
        *f64 |= kind == &numbers[F64];
    }
    for (int i = 0; i < goss_safetensors_count(f); i++)
        if (goss_program_find_parameter(p, goss_safetensors_at(f, i)->name) < 0)
            return goss_error_set(err, GOSS_E_FORMAT, "tensor \"%s\" is not a parameter of the program",
                                  goss_safetensors_at(f, i)->name);
    return GOSS_OK;
}

static goss_status copy_tensors(const goss_safetensors *f, const goss_program *p, goss_params *params, bool f64,
                                goss_error *err) {
    for (int i = 0; i < goss_program_parameters(p); i++) {
        const goss_file_tensor *t;
        const number *kind;
        GOSS_TRY(find_tensor(f, p, i, &t, &kind, err));
        const int at = goss_params_find(params, goss_program_parameter_name(p, i));
        for (int64_t k = 0; k < goss_params_numel(params, at); k++) {
            const double v = kind->read((const char *)t->data + (size_t)k * kind->size);
            if (f64)
                ((double *)goss_params_data(params, at))[k] = v;
            else
                ((float *)goss_params_data(params, at))[k] = (float)v;
        }
    }
    return GOSS_OK;
}

static goss_status read_params(const goss_safetensors *f, const goss_program *p, bool f64, goss_params **out,
                               goss_error *err) {
    GOSS_TRY(goss_params_new(f64 ? GOSS_F64 : GOSS_F32, out, err));
    goss_status s = goss_params_add_program(*out, p, err);
    if (s == GOSS_OK) s = copy_tensors(f, p, *out, f64, err);
    if (s == GOSS_OK) return s;
    goss_params_free(*out);
    *out = NULL;
    return s;
}

goss_status goss_program_load(const char *path, goss_program **out, goss_params **params, goss_error *err) {
    goss_safetensors *f;
    bool f64;
    *out = NULL;
    if (params) *params = NULL;
    GOSS_TRY(goss_safetensors_open(path, &f, err));
    goss_status s = read_program(f, out, err);
    if (s == GOSS_OK) s = check_tensors(f, *out, &f64, err);
    if (s == GOSS_OK && params) s = read_params(f, *out, f64, params, err);
    goss_safetensors_close(f);
    if (s == GOSS_OK) return s;
    goss_program_free(*out);
    *out = NULL;
    return goss_error_prefix(err, s, "%s", path);
}
