/* SPDX-License-Identifier: Apache-2.0 */
/* network_file.c: a network as a file: the target's text, its tensors under the names of its layout ("conv1.w",
 * "norm1.mean"), the names of the classes and the preprocessing. The file is self-contained. Later members of an
 * ensemble store only tensors that differ from the first: "1:head.w", "2:head.w". In 8 bits a weight "head.w" has its
 * codes under that name and its scales beside it, "head.w.scale". */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "meta/model.h"
#include "meta/network.h"

/* A file of weights in 8 bits is of the second kind, so that programs that know no such files say so. */
static const char *const network_kind[] = {[GOSS_WEIGHTS_F32] = "network 1", [GOSS_WEIGHTS_INT8] = "network 2"};
static const char precision_key[] = "precision";

/* ---- writing ---- */

static const char *names_key(const goss_network *n) {
    return goss_task_objective(&n->data.of.task)->classes ? "classes" : "outputs";
}

static goss_status write_names(const goss_network *n, goss_tensor_file *file, goss_error *err) {
    const char **names = goss__calloc((size_t)n->outputs, sizeof *names);
    if (!names) return goss_error_set(err, GOSS_E_NOMEM, "no memory for names");
    for (int i = 0; i < n->outputs; i++) names[i] = goss_network_output_name(n, i);
    goss_status s = goss__names_write(names, n->outputs, names_key(n), file, err);
    goss__free(names);
    return s;
}

static bool member_name(char *out, size_t size, int member, const char *name) {
    int n = member ? snprintf(out, size, "%d:%s", member, name) : snprintf(out, size, "%s", name);
    return n > 0 && (size_t)n < size;
}

/* Codes and scales of int8, which the file borrows until it is written. */
typedef struct stored {
    int8_t *code;
    float *scale;
} stored;

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for a network"); }

static goss_status open_stored(const goss_network *n, stored *to, goss_error *err) {
    const size_t all = (size_t)n->members * (size_t)goss_layout_total(goss_target_layout(n->target));
    *to = (stored){0};
    if (n->precision == GOSS_WEIGHTS_F32) return GOSS_OK;
    to->code = goss__alloc(all), to->scale = goss__alloc(all * sizeof *to->scale);
    return to->code && to->scale ? GOSS_OK : no_memory(err);
}

static bool scale_name(char *out, size_t size, const char *name) {
    int n = snprintf(out, size, "%s.scale", name);
    return n > 0 && (size_t)n < size;
}

static goss_status too_long(const goss_entry *e, goss_error *err) {
    return goss_error_set(err, GOSS_E_ARGUMENT, "the name of tensor \"%.60s...\" is too long for a file", e->name);
}

/* at: of these numbers in the slab of all members. */
static goss_status write_tensor(const goss_network *n, goss_tensor_file *file, const char *name, const goss_entry *e,
                                const float *numbers, stored *to, size_t at, goss_error *err) {
    char scale[256];
    const int64_t scales = n->precision == GOSS_WEIGHTS_INT8 ? goss_entry_scales(e) : 0;
    if (scales == 0) return goss_tensor_file_add(file, name, "F32", e->rank, e->dim, numbers, err);
    if (!scale_name(scale, sizeof scale, name)) return too_long(e, err);
    goss_entry_quantize(e, numbers, to->code + at, to->scale + at);
    GOSS_TRY(goss_tensor_file_add(file, name, "I8", e->rank, e->dim, to->code + at, err));
    return goss_tensor_file_add(file, scale, "F32", 1, &scales, to->scale + at, err);
}

/* The slabs of all members. */
static goss_status write_slabs(const goss_network *n, goss_tensor_file *file, const goss_layout *l, const float *slab,
                               stored *to, goss_error *err) {
    char name[256];
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        const int members = goss__network_agrees(n, l, slab, i) ? 1 : n->members;
        for (int k = 0; k < members; k++) {
            const size_t at = (size_t)(k * goss_layout_total(l) + goss_layout_offset(l, i));
            if (!member_name(name, sizeof name, k, e->name)) return too_long(e, err);
            GOSS_TRY(write_tensor(n, file, name, e, slab + at, to, at, err));
        }
    }
    return GOSS_OK;
}

static goss_status write_members(const goss_network *n, goss_tensor_file *file, goss_error *err) {
    char text[16];
    snprintf(text, sizeof text, "%d", n->members);
    return n->members > 1 ? goss_tensor_file_meta(file, "members", text, err) : GOSS_OK;
}

static goss_status write_precision(const goss_network *n, goss_tensor_file *file, goss_error *err) {
    GOSS_TRY(goss_tensor_file_meta(file, GOSS__KIND_KEY, network_kind[n->precision], err));
    if (n->precision == GOSS_WEIGHTS_F32) return GOSS_OK;
    return goss_tensor_file_meta(file, precision_key, goss_weight_precision_name(n->precision), err);
}

static goss_status collect(const goss_network *n, goss_tensor_file *file, stored *to, goss_error *err) {
    GOSS_TRY(open_stored(n, to, err));
    GOSS_TRY(goss__notes_write(&n->notes, file, err));
    GOSS_TRY(write_precision(n, file, err));
    GOSS_TRY(goss_tensor_file_meta(file, "gossamer.version", goss_version(), err));
    GOSS_TRY(goss_tensor_file_meta(file, "target", goss_target_text(n->target), err));
    GOSS_TRY(goss__data_spec_write(&n->data.of, file, err));
    GOSS_TRY(write_names(n, file, err));
    GOSS_TRY(write_members(n, file, err));
    GOSS_TRY(write_slabs(n, file, goss_target_layout(n->target), n->slab, to, err));
    if (n->items) GOSS_TRY(goss__slab_write(file, GOSS_METHOD_ITEMS, n->items, n->item_rows, err));
    return n->statistics ? write_slabs(n, file, goss_target_statistics(n->target), n->statistics, to, err) : GOSS_OK;
}

goss_status goss_network_save(const goss_network *n, const char *path, goss_error *err) {
    goss_tensor_file *file;
    stored numbers = {0};
    GOSS_TRY(goss_tensor_file_new(&file, err));
    goss_status s = collect(n, file, &numbers, err);
    if (s == GOSS_OK) s = goss_tensor_file_write(file, path, err);
    goss_tensor_file_free(file);
    goss__free(numbers.code), goss__free(numbers.scale);
    return s;
}

/* ---- reading ---- */

static int64_t scales_of(const goss_network *n, const goss_entry *e) {
    return n->precision == GOSS_WEIGHTS_INT8 ? goss_entry_scales(e) : 0;
}

/* Tensors of the first member, and those that later members store separately. A tensor is stored by all later members
 * or by none. */
static goss_status count_tensors(const goss_network *n, const goss_safetensors *f, const goss_layout *l, int *tensors,
                                 int64_t *numbers, goss_error *err) {
    char name[256];
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        int own = 0;
        for (int k = 1; k < n->members; k++)
            own += member_name(name, sizeof name, k, e->name) && goss_safetensors_find(f, name);
        if (own != 0 && own != n->members - 1)
            return goss_error_set(err, GOSS_E_FORMAT, "%d of %d later members have a tensor \"%.60s\" of their own",
                                  own, n->members - 1, e->name);
        const int64_t scales = scales_of(n, e);
        *tensors += (1 + own) * (scales ? 2 : 1), *numbers += (1 + own) * (e->numel + scales);
    }
    return GOSS_OK;
}

/* The description must match the tensors in the file before memory is allocated for it. */
static goss_status bounded(const goss_safetensors *f, const goss_network *n, goss_error *err) {
    const goss_task_spec *task = &n->data.of.task;
    int64_t want = task->items * task->item_numbers, have = 0;
    int tensors = task->items > 0;
    GOSS_TRY(count_tensors(n, f, goss_target_layout(n->target), &tensors, &want, err));
    GOSS_TRY(count_tensors(n, f, goss_target_statistics(n->target), &tensors, &want, err));
    for (int i = 0; i < goss_safetensors_count(f); i++) have += goss__tensor_numel(goss_safetensors_at(f, i));
    if (want == have && tensors == goss_safetensors_count(f)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "its metadata describes %d tensors of %lld numbers, it holds %d of %lld",
                          tensors, (long long)want, goss_safetensors_count(f), (long long)have);
}

static goss_status read_members(const goss_safetensors *f, goss_network *n, goss_error *err) {
    int64_t members = 1;
    if (goss_safetensors_meta(f, "members"))
        GOSS_TRY(goss__file_number(f, "members", 1, GOSS_METHOD_MAX_NETWORKS, &members, err));
    n->members = (int)members;
    return GOSS_OK;
}

static goss_status check_codes(const goss_file_tensor *t, const char *name, const goss_entry *e, goss_error *err) {
    const int8_t *code = t ? t->data : NULL;
    if (!t) return goss_error_set(err, GOSS_E_FORMAT, "tensor \"%s\" is missing", name);
    if (strcmp(t->dtype, "I8") != 0)
        return goss_error_set(err, GOSS_E_FORMAT, "tensor \"%s\" is %s, and of precision int8 it is I8", name,
                              t->dtype);
    GOSS_TRY(goss__same_shape(t, e, err));
    for (int64_t i = 0; i < e->numel; i++)
        if (code[i] == INT8_MIN)
            return goss_error_set(err, GOSS_E_FORMAT, "tensor \"%s\": number %lld is -128; codes are -127 to 127", name,
                                  (long long)i);
    return GOSS_OK;
}

static goss_status read_scales(const goss_safetensors *f, const char *name, int64_t n, const float **scale,
                               goss_error *err) {
    const goss_file_tensor *t = goss_safetensors_find(f, name);
    if (t && t->rank != 1)
        return goss_error_set(err, GOSS_E_FORMAT, "tensor \"%s\" has %d axes, not one", name, t->rank);
    GOSS_TRY(goss_safetensors_floats(f, name, n, scale, err));
    for (int64_t j = 0; j < n; j++)
        if (!((*scale)[j] >= FLT_MIN && isfinite(127 * (*scale)[j])))
            return goss_error_set(err, GOSS_E_NUMERIC, "tensor \"%s\": number %lld is %g, and no scale", name,
                                  (long long)j, (double)(*scale)[j]);
    return GOSS_OK;
}

static goss_status read_tensor(const goss_safetensors *f, const goss_network *n, const char *name, const goss_entry *e,
                               float *out, goss_error *err) {
    char scales[256];
    const float *scale;
    if (scales_of(n, e) == 0) return goss__tensor_read(f, name, e, out, err);
    const goss_file_tensor *t = goss_safetensors_find(f, name);
    GOSS_TRY(check_codes(t, name, e, err));
    if (!scale_name(scales, sizeof scales, name)) return goss_error_set(err, GOSS_E_FORMAT, "a name is too long");
    GOSS_TRY(read_scales(f, scales, scales_of(n, e), &scale, err));
    goss_entry_dequantize(e, t->data, scale, out);
    return GOSS_OK;
}

/* The slabs of all members; tensors that a later member lacks are copied from the first. */
static goss_status read_slabs(const goss_safetensors *f, const goss_network *n, const goss_layout *l, float *slab,
                              goss_error *err) {
    char name[256];
    for (int k = 0; k < n->members; k++) {
        float *own = slab + k * goss_layout_total(l);
        if (k > 0) memcpy(own, slab, (size_t)goss_layout_total(l) * sizeof *slab);
        for (int i = 0; i < goss_layout_count(l); i++) {
            const goss_entry *e = goss_layout_entry(l, i);
            if (!member_name(name, sizeof name, k, e->name))
                return goss_error_set(err, GOSS_E_FORMAT, "a tensor's name is too long");
            if (k == 0 || goss_safetensors_find(f, name))
                GOSS_TRY(read_tensor(f, n, name, e, own + goss_layout_offset(l, i), err));
        }
    }
    return GOSS_OK;
}

static goss_status read_target(const goss_safetensors *f, goss_network *n, int64_t outputs, goss_error *err) {
    const char *text = goss_safetensors_meta(f, "target");
    const goss_task_spec *t = &n->data.of.task;
    if (!text) return goss_error_set(err, GOSS_E_FORMAT, "its metadata lacks target");
    int64_t input[GOSS_TASK_MAX_RANK];
    goss_status s = goss_target_parse(text, goss_task_network_input(t, input), t->input_rank, outputs, &n->target, err);
    if (s != GOSS_OK) return goss_error_prefix(err, s == GOSS_E_ARGUMENT ? GOSS_E_FORMAT : s, "metadata target");
    if (goss_target_outputs(n->target) == outputs) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "metadata target: it has no head");
}

static bool is_note(const char *key) {
    static const char *const own[] = {"gossamer.", "image.", "spec."};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strncmp(key, own[i], strlen(own[i])) == 0) return false;
    return strcmp(key, "target") && strcmp(key, "classes") && strcmp(key, "outputs") && strcmp(key, "members") &&
           strcmp(key, precision_key);
}

static goss_status read_notes(const goss_safetensors *f, goss_network *n, goss_error *err) {
    for (int i = 0; i < goss_safetensors_meta_count(f); i++) {
        const char *key = goss_safetensors_meta_key(f, i);
        if (is_note(key)) GOSS_TRY(goss__notes_set(&n->notes, key, goss_safetensors_meta_value(f, i), err));
    }
    return GOSS_OK;
}

/* The names are the network's once there is room for them. */
static goss_status read_network(const goss_safetensors *f, char ***names, int64_t count, goss_network *n,
                                goss_error *err) {
    GOSS_TRY(read_target(f, n, goss_objective_width(goss_task_objective(&n->data.of.task), (int)count), err));
    GOSS_TRY(read_members(f, n, err));
    GOSS_TRY(bounded(f, n, err));
    GOSS_TRY(goss__network_room(n, (int)count, err));
    goss__names_free(n->names, n->outputs);
    n->names = *names, *names = NULL;
    GOSS_TRY(read_slabs(f, n, goss_target_layout(n->target), n->slab, err));
    if (n->statistics) GOSS_TRY(read_slabs(f, n, goss_target_statistics(n->target), n->statistics, err));
    if (n->items) GOSS_TRY(goss__slab_read(f, GOSS_METHOD_ITEMS, n->items, n->item_rows, err));
    return read_notes(f, n, err);
}

static goss_status check_names(const goss_network *n, const char *key, char *const *names, int64_t count,
                               goss_error *err) {
    const goss_task_spec *t = &n->data.of.task;
    const bool classes = goss_task_objective(t)->classes;
    if (!names) return goss_error_set(err, GOSS_E_FORMAT, "its metadata lacks %s", key);
    if (classes && (count < 2 || count > 1 << 24))
        return goss_error_set(err, GOSS_E_FORMAT, "metadata classes: no list of at least two");
    if (goss_task_fixed_outputs(t) && (t->task_classes ? count > t->outputs : count != t->outputs))
        return goss_error_set(err, GOSS_E_FORMAT, "metadata %s: %lld names of %d outputs", key, (long long)count,
                              t->outputs);
    return GOSS_OK;
}

static goss_status read_precision(const goss_safetensors *f, goss_network *n, goss_error *err) {
    const char *kind = goss_safetensors_meta(f, GOSS__KIND_KEY), *precision = goss_safetensors_meta(f, precision_key);
    if (kind && strcmp(kind, network_kind[GOSS_WEIGHTS_F32]) == 0) return GOSS_OK;
    GOSS_TRY(goss__file_kind(f, network_kind[GOSS_WEIGHTS_INT8], err)); /* the newest, for the error */
    n->precision = GOSS_WEIGHTS_INT8;
    if (precision && strcmp(precision, goss_weight_precision_name(n->precision)) == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "metadata precision: \"%.40s\" is not int8, which \"%s\" has",
                          precision ? precision : "", kind);
}

static goss_status open_network(const goss_safetensors *f, goss_network *n, goss_error *err) {
    char **names;
    int64_t count;
    GOSS_TRY(read_precision(f, n, err));
    GOSS_TRY(goss__data_spec_read(f, &n->data, err));
    const char *key = names_key(n);
    GOSS_TRY(goss__names_read(f, key, &names, &count, err));
    goss_status s = check_names(n, key, names, count, err);
    if (s == GOSS_OK) s = read_network(f, &names, count, n, err);
    goss__names_free(names, count);
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
