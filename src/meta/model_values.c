/* SPDX-License-Identifier: Apache-2.0 */
/* model_values.c: the values of a model's parameters: transfer to a store, from another model, and checks for finite
 * values. */
#include <string.h>

#include "base/finite.h"
#include "meta/model.h"

goss_status goss_model_store(const goss_model *m, goss_params *params, goss_error *err) {
    for (int i = 0; i < goss_method_params(m->method); i++) {
        goss_method_param p = goss_method_param_at(m->method, i);
        int at = goss_params_find(params, p.name);
        if (at < 0) continue; /* parameters that a program does not read are absent from its store */
        if (goss_params_numel(params, at) != goss_layout_total(p.layout))
            return goss_error_set(err, GOSS_E_SHAPE, "parameter %s has %lld numbers, its place in the store %lld",
                                  p.name, (long long)goss_layout_total(p.layout),
                                  (long long)goss_params_numel(params, at));
        goss_params_set(params, at, m->values[i]);
    }
    return GOSS_OK;
}

goss_status goss__model_finite(const goss_model *m, goss_error *err) {
    for (int i = 0; i < goss_method_params(m->method); i++) {
        goss_method_param p = goss_method_param_at(m->method, i);
        for (int k = 0; k < goss_layout_count(p.layout); k++) {
            const goss_entry *e = goss_layout_entry(p.layout, k);
            const float *values = m->values[i] + goss_layout_offset(p.layout, k);
            int64_t at = goss__first_not_finite(values, e->numel);
            if (at >= 0)
                return goss_error_set(err, GOSS_E_NUMERIC, "tensor \"%s.%s\": number %lld is %g, which is not finite",
                                      p.name, e->name, (long long)at, (double)values[at]);
        }
    }
    return GOSS_OK;
}

/* ---- from another model ---- */

static int param_of(const goss_model *m, const char *name) {
    for (int i = 0; i < goss_method_params(m->method); i++)
        if (strcmp(goss_method_param_at(m->method, i).name, name) == 0) return i;
    return -1;
}

static bool same_entry(const goss_entry *a, const goss_entry *b) {
    return strcmp(a->name, b->name) == 0 && a->rank == b->rank &&
           memcmp(a->dim, b->dim, sizeof a->dim[0] * (size_t)a->rank) == 0;
}

static bool same_layout(const goss_layout *a, const goss_layout *b) {
    bool same = goss_layout_count(a) == goss_layout_count(b);
    for (int i = 0; same && i < goss_layout_count(a); i++)
        same = same_entry(goss_layout_entry(a, i), goss_layout_entry(b, i));
    return same;
}

/* Names the first tensor of `want` that `have` has not; both are the parameter of that name. */
static goss_status refuse(const char *name, const goss_layout *want, const goss_layout *have, goss_error *err) {
    for (int i = 0; i < goss_layout_count(want); i++) {
        const goss_entry *e = goss_layout_entry(want, i);
        int k = goss_layout_find(have, e->name);
        if (k < 0)
            return goss_error_set(err, GOSS_E_ARGUMENT, "it has no tensor \"%s.%s\": another network", name, e->name);
        if (!same_entry(e, goss_layout_entry(have, k)))
            return goss_error_set(err, GOSS_E_ARGUMENT, "its tensor \"%s.%s\" has another shape: another network", name,
                                  e->name);
    }
    return goss_error_set(err, GOSS_E_ARGUMENT, "its %s has more or other layers: another network", name);
}

/* target, shared and running values: all or nothing. */
static goss_status check_embedding(const goss_model *to, const goss_model *from, goss_error *err) {
    static const char *const embedding[] = {"target", "share", "running"};
    for (int k = 0; k < 3; k++) {
        int i = param_of(to, embedding[k]), j = param_of(from, embedding[k]);
        if (i < 0) continue;
        const goss_layout *want = goss_method_param_at(to->method, i).layout;
        if (j >= 0 && same_layout(want, goss_method_param_at(from->method, j).layout)) continue;
        if (j >= 0) return refuse(embedding[k], want, goss_method_param_at(from->method, j).layout, err);
        if (k < 2)
            return goss_error_set(err, GOSS_E_ARGUMENT, "method %s has no %s that could be taken over",
                                  goss_method_name(from->method), k ? "networks of many tasks" : "network");
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "it has no running statistics (\"running.%s\"): its batch norms use those of the support set. "
            "Set method.norm=support, or train one that keeps them",
            goss_layout_entry(want, 0)->name);
    }
    return GOSS_OK;
}

/* Hashes of differently preprocessed images are not comparable; those of other samples are hashes of raw content. */
static bool same_hashes(const goss_data_spec *a, const goss_data_spec *b) {
    if (strcmp(a->kind, b->kind) != 0) return false;
    return !goss__data_spec_is_images(a) || goss__same_format(&a->image, &b->image);
}

goss_status goss__model_inherit(goss_model *to, const goss_model *from, goss_error *err) {
    bool comparable = same_hashes(&to->data.of, &from->data.of);
    for (int use = 0; use < GOSS_USES; use++) {
        const goss__samples *s = &from->seen[use];
        to->seen[use].partial |= s->partial || (!comparable && s->n > 0);
        if (comparable) GOSS_TRY(goss__samples_add(&to->seen[use], s->hash, s->n, err));
    }
    return GOSS_OK;
}

/* Rows of a table of items mean the same where the same preprocessing numbers the items. */
static bool same_rows(const goss_model *to, const goss_model *from, const char *param) {
    const char *a = to->data.of.transform, *b = from->data.of.transform;
    return strcmp(param, GOSS_METHOD_ITEMS) != 0 || (a && b ? strcmp(a, b) == 0 : a == b);
}

goss_status goss_model_copy_values(goss_model *to, const goss_model *from, unsigned *fresh, goss_error *err) {
    unsigned kept = 0;
    GOSS_TRY(check_embedding(to, from, err));
    GOSS_TRY(goss__model_inherit(to, from, err));
    for (int i = 0; i < goss_method_params(to->method); i++) {
        goss_method_param p = goss_method_param_at(to->method, i);
        int j = param_of(from, p.name);
        if (j >= 0 && same_layout(p.layout, goss_method_param_at(from->method, j).layout) &&
            same_rows(to, from, p.name))
            memcpy(to->values[i], from->values[j], (size_t)goss_layout_total(p.layout) * sizeof(float));
        else
            kept |= 1u << i;
    }
    if (fresh) *fresh = kept;
    return GOSS_OK;
}
