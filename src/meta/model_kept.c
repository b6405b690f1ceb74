/* SPDX-License-Identifier: Apache-2.0 */
/* model_kept.c: tensors stored with a model that are not its weights (learned graphs and the like). */
#include <string.h>

#include "base/alloc.h"
#include "base/finite.h"
#include "meta/model.h"

/* By which a file's tensors are known as such. */
static const char prefix[] = "regularizers.";

bool goss__is_kept(const char *tensor) { return strncmp(tensor, prefix, sizeof prefix - 1) == 0; }

static void forget(goss_model_tensor *t) {
    goss__free((char *)t->name), goss__free((float *)t->data);
    *t = (goss_model_tensor){0};
}

static int64_t numel_of(int rank, const int64_t *shape) {
    int64_t n = 1;
    for (int i = 0; i < rank; i++) n *= shape[i];
    return n;
}

static goss_model_tensor *place_for(goss_model *m, const char *name) {
    for (int i = 0; i < m->n_kept; i++)
        if (strcmp(m->kept[i].name, name) == 0) {
            forget(&m->kept[i]);
            return &m->kept[i];
        }
    goss_model_tensor *grown = goss__realloc(m->kept, (size_t)(m->n_kept + 1) * sizeof *grown);
    if (!grown) return NULL;
    m->kept = grown;
    return &grown[m->n_kept++];
}

goss_status goss_model_keep(goss_model *m, const char *name, int rank, const int64_t *shape, const float *data,
                            goss_error *err) {
    if (!goss__is_kept(name) || rank < 0 || rank > GOSS_MAX_RANK)
        return goss_error_set(err, GOSS_E_ARGUMENT, "\"%.60s\" of rank %d can not be kept: a name begins with %s", name,
                              rank, prefix);
    const size_t n = (size_t)numel_of(rank, shape);
    char *own = goss__strdup(name);
    float *copy = goss__alloc((n ? n : 1) * sizeof *copy);
    goss_model_tensor *t = own && copy ? place_for(m, name) : NULL;
    if (!t) {
        goss__free(own), goss__free(copy);
        return goss_error_set(err, GOSS_E_NOMEM, "no memory to keep %s", name);
    }
    memcpy(copy, data, n * sizeof *copy);
    *t = (goss_model_tensor){.name = own, .rank = rank, .data = copy};
    for (int i = 0; i < rank; i++) t->shape[i] = shape[i];
    return GOSS_OK;
}

const goss_model_tensor *goss_model_kept(const goss_model *m, int i) {
    return i >= 0 && i < m->n_kept ? &m->kept[i] : NULL;
}

void goss__kept_free(goss_model *m) {
    for (int i = 0; i < m->n_kept; i++) forget(&m->kept[i]);
    goss__free(m->kept);
    m->kept = NULL, m->n_kept = 0;
}

goss_status goss__kept_write(const goss_model *m, goss_tensor_file *file, goss_error *err) {
    for (int i = 0; i < m->n_kept; i++) {
        const goss_model_tensor *t = &m->kept[i];
        const int64_t bad = goss__first_not_finite(t->data, numel_of(t->rank, t->shape));
        if (bad >= 0) return goss_error_set(err, GOSS_E_NUMERIC, "tensor \"%s\" is not finite", t->name);
        GOSS_TRY(goss_tensor_file_add(file, t->name, "F32", t->rank, t->shape, t->data, err));
    }
    return GOSS_OK;
}

goss_status goss__kept_read(goss_model *m, const goss_safetensors *f, goss_error *err) {
    for (int i = 0; i < goss_safetensors_count(f); i++) {
        const goss_file_tensor *t = goss_safetensors_at(f, i);
        const float *data;
        if (!goss__is_kept(t->name)) continue;
        const int64_t n = numel_of(t->rank, t->shape);
        GOSS_TRY(goss_safetensors_floats(f, t->name, n, &data, err));
        const int64_t bad = goss__first_not_finite(data, n);
        if (bad >= 0) return goss_error_set(err, GOSS_E_NUMERIC, "tensor \"%s\" is not finite", t->name);
        GOSS_TRY(goss_model_keep(m, t->name, t->rank, t->shape, data, err));
    }
    return GOSS_OK;
}
