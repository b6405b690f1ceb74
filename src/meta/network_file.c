/* SPDX-License-Identifier: Apache-2.0 */
/* network_file.c: a network as a file: the target's text, its tensors under the names of its layout ("conv1.w",
 * "norm1.mean"), the names of the classes and the preprocessing. The file is self-contained. Later members of an
 * ensemble store only tensors that differ from the first: "1:head.w", "2:head.w". */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "meta/model.h"
#include "meta/network.h"

static const char network_kind[] = "network 1";

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
    int n = snprintf(out, size, "%d:%s", member, name);
    return n > 0 && (size_t)n < size;
}

/* The slabs of all members. */
static goss_status write_slabs(const goss_network *n, goss_tensor_file *file, const goss_layout *l, const float *slab,
                               goss_error *err) {
    char name[256];
    GOSS_TRY(goss__slab_write(file, NULL, l, slab, err));
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        if (goss__network_agrees(n, l, slab, i)) continue;
        for (int k = 1; k < n->members; k++) {
            if (!member_name(name, sizeof name, k, e->name))
                return goss_error_set(err, GOSS_E_ARGUMENT, "the name of tensor \"%.60s...\" is too long for a file",
                                      e->name);
            const float *from = slab + k * goss_layout_total(l) + goss_layout_offset(l, i);
            GOSS_TRY(goss_tensor_file_add(file, name, "F32", e->rank, e->dim, from, err));
        }
    }
    return GOSS_OK;
}

static goss_status write_members(const goss_network *n, goss_tensor_file *file, goss_error *err) {
    char text[16];
    snprintf(text, sizeof text, "%d", n->members);
    return n->members > 1 ? goss_tensor_file_meta(file, "members", text, err) : GOSS_OK;
}

static goss_status collect(const goss_network *n, goss_tensor_file *file, goss_error *err) {
    GOSS_TRY(goss__notes_write(&n->notes, file, err));
    GOSS_TRY(goss_tensor_file_meta(file, GOSS__KIND_KEY, network_kind, err));
    GOSS_TRY(goss_tensor_file_meta(file, "gossamer.version", goss_version(), err));
    GOSS_TRY(goss_tensor_file_meta(file, "target", goss_target_text(n->target), err));
    GOSS_TRY(goss__data_spec_write(&n->data.of, file, err));
    GOSS_TRY(write_names(n, file, err));
    GOSS_TRY(write_members(n, file, err));
    GOSS_TRY(write_slabs(n, file, goss_target_layout(n->target), n->slab, err));
    return n->statistics ? write_slabs(n, file, goss_target_statistics(n->target), n->statistics, err) : GOSS_OK;
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

/* Tensors that later members store separately. A tensor is stored by all later members or by none. */
static goss_status count_own(const goss_network *n, const goss_safetensors *f, const goss_layout *l, int *tensors,
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
        *tensors += own, *numbers += own * e->numel;
    }
    return GOSS_OK;
}

/* The description must match the tensors in the file before memory is allocated for it. */
static goss_status bounded(const goss_safetensors *f, const goss_network *n, goss_error *err) {
    const goss_layout *w = goss_target_layout(n->target), *s = goss_target_statistics(n->target);
    int64_t want = goss_layout_total(w) + goss_layout_total(s), have = 0;
    int tensors = goss_layout_count(w) + goss_layout_count(s);
    GOSS_TRY(count_own(n, f, w, &tensors, &want, err));
    GOSS_TRY(count_own(n, f, s, &tensors, &want, err));
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

/* The slabs of all members; tensors that a later member lacks are copied from the first. */
static goss_status read_slabs(const goss_safetensors *f, const goss_network *n, const goss_layout *l, float *slab,
                              goss_error *err) {
    char name[256];
    GOSS_TRY(goss__slab_read(f, NULL, l, slab, err));
    for (int k = 1; k < n->members; k++) {
        float *own = slab + k * goss_layout_total(l);
        memcpy(own, slab, (size_t)goss_layout_total(l) * sizeof *slab);
        for (int i = 0; i < goss_layout_count(l); i++) {
            const goss_entry *e = goss_layout_entry(l, i);
            if (member_name(name, sizeof name, k, e->name) && goss_safetensors_find(f, name))
                GOSS_TRY(goss__tensor_read(f, name, e, own + goss_layout_offset(l, i), err));
        }
    }
    return GOSS_OK;
}

static goss_status read_target(const goss_safetensors *f, goss_network *n, int64_t outputs, goss_error *err) {
    const char *text = goss_safetensors_meta(f, "target");
    const goss_task_spec *t = &n->data.of.task;
    if (!text) return goss_error_set(err, GOSS_E_FORMAT, "its metadata lacks target");
    goss_status s = goss_target_parse(text, t->input, t->input_rank, outputs, &n->target, err);
    if (s != GOSS_OK) return goss_error_prefix(err, s == GOSS_E_ARGUMENT ? GOSS_E_FORMAT : s, "metadata target");
    if (goss_target_outputs(n->target) == outputs) return GOSS_OK;
    return goss_error_set(err, GOSS_E_FORMAT, "metadata target: it has no head");
}

static bool is_note(const char *key) {
    static const char *const own[] = {"gossamer.", "image.", "spec."};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strncmp(key, own[i], strlen(own[i])) == 0) return false;
    return strcmp(key, "target") && strcmp(key, "classes") && strcmp(key, "outputs") && strcmp(key, "members");
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

static goss_status open_network(const goss_safetensors *f, goss_network *n, goss_error *err) {
    char **names;
    int64_t count;
    GOSS_TRY(goss__file_kind(f, network_kind, err));
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
