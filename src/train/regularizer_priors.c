/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer_priors.c: prior knowledge of tensors and inputs as factors of a section's strength: lines
 * "name,factor", where name is a pattern of published values or of a table's input features.
 *
 * A tensor's factor multiplies its penalty. A feature's factor multiplies its share: the feature's row of the first
 * layer's weights is scaled by the factor if the penalty is a norm, by its square root if it is a square. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "gossamer/table_data.h"
#include "train/run.h"

/* Degree of homogeneity of a penalty in w; 0: not homogeneous. */
static int power_of(const goss__regularizer *r) {
    static const char *const norms[] = {"l1", "group", "l21", "nuclear", "spectral"};
    static const char *const squares[] = {"l2", "laplacian", "exclusive"};
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++)
        if (strcmp(r->kind->name, norms[i]) == 0) return 1;
    for (size_t i = 0; i < sizeof squares / sizeof *squares; i++)
        if (strcmp(r->kind->name, squares[i]) == 0) return 2;
    return strcmp(r->kind->name, "difference") == 0 ? r->options.power : 0;
}

/* ---- features ---- */

static const goss_encoding *inputs_of(const goss__regularizers *all) {
    const goss_table_data *d = all->data ? goss__data_table_of(all->data) : NULL;
    return d ? goss_table_transform_inputs(goss_table_data_transform(d)) : NULL;
}

static bool names_feature(const goss_encoding *e, const goss__reg_line *l) {
    for (int i = 0; e && i < goss_encoding_width(e); i++)
        if (goss_name_matches(goss_encoding_feature(e, i), l->a)) return true;
    return false;
}

static goss_status read_features(goss__regularizer *r, const goss_encoding *e, goss_error *err) {
    const int n = goss_encoding_width(e), power = power_of(r);
    bool any = false;
    for (int i = 0; i < r->priors.n; i++) any |= names_feature(e, &r->priors.line[i]);
    if (!any) return GOSS_OK;
    if (power == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "priors: kind %s has no part for each feature: l1, l2, group, l21, nuclear, spectral, "
                              "difference, laplacian and exclusive have",
                              r->kind->name);
    goss__free(r->feature);
    r->feature = goss__calloc((size_t)n, sizeof *r->feature), r->features = n;
    if (!r->feature) return goss_error_set(err, GOSS_E_NOMEM, "no memory for factors of features");
    for (int f = 0; f < n; f++) {
        r->feature[f] = 1;
        for (int i = 0; i < r->priors.n; i++)
            if (goss_name_matches(goss_encoding_feature(e, f), r->priors.line[i].a))
                r->feature[f] = (float)pow(r->priors.line[i].number, 1.0 / power);
    }
    return GOSS_OK;
}

/* ---- lines that name nothing ---- */

static goss_status names_nothing(const goss__regularizer *r, const goss__reg_line *l, const goss_encoding *e,
                                 const goss_published_value *v, int n, goss_error *err) {
    const int width = e ? goss_encoding_width(e) : 0;
    const char **names = goss__calloc((size_t)(n + width) + 1, sizeof *names);
    goss__str near = {0};
    for (int i = 0; names && i < n; i++) names[i] = v[i].name;
    for (int i = 0; names && i < width; i++) names[n + i] = goss_encoding_feature(e, i);
    if (names) goss__near_names(&near, l->a, names, n + width);
    const goss_status s =
        goss_error_set(err, GOSS_E_ARGUMENT,
                       "priors: %s:%lld: \"%.80s\" is neither one of the values that `on` finds nor an input%.600s",
                       r->priors_path, (long long)l->line, l->a, near.data ? near.data : "");
    goss__str_free(&near);
    goss__free(names);
    return s;
}

double goss__reg_prior(const goss__regularizer *r, const char *name) {
    double factor = 1;
    for (int i = 0; i < r->priors.n; i++)
        if (goss_name_matches(name, r->priors.line[i].a)) factor = r->priors.line[i].number;
    return factor;
}

/* ---- in a graph ---- */

/* Weights [T, inputs, out] that the inputs meet first: those of the target's first layer. */
static bool meets_inputs(const goss__regularizers *all, const goss__regularizer *r, const goss_published_value *v) {
    const goss_target *target = all->method ? goss_method_target(all->method) : NULL;
    const goss_layout *l = target ? goss_target_layout(target) : NULL;
    const char *tensor = strrchr(v->name, '/');
    if (!l || !tensor || goss_rank(v->value) < 2 || !goss_extent_is(goss_dim(v->value, -2), r->features)) return false;
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        if (e->role == GOSS_ROLE_WEIGHT) return strcmp(e->name, tensor + 1) == 0;
    }
    return false;
}

goss_val goss__reg_by_features(const goss__regularizers *all, const goss__regularizer *r,
                               const goss_published_value *v) {
    if (!r->feature || !meets_inputs(all, r, v)) return v->value;
    char name[GOSS__REGULARIZER_NAME];
    snprintf(name, sizeof name, GOSS__REGULARIZERS ".%s.features", r->name);
    goss_val factor = goss_param(v->value.graph, name, GOSS_SHAPE(goss_n(r->features)));
    factor = goss_unsqueeze(factor, 1);
    while (goss_valid(factor) && goss_rank(factor) < goss_rank(v->value)) factor = goss_unsqueeze(factor, 0);
    return goss_mul(v->value, factor);
}

/* ---- what lines are about ---- */

static bool names_value(const goss__reg_line *l, const goss_published_value *v, int n) {
    for (int i = 0; i < n; i++)
        if (goss_name_matches(v[i].name, l->a)) return true;
    return false;
}

/* Lines that would be read and have no effect: of inputs that no value meets, or that switch all values off. */
static goss_status check_effect(const goss__regularizers *all, const goss__regularizer *r,
                                const goss_published_value *v, int n, goss_error *err) {
    bool meets = false, acts = false;
    for (int i = 0; i < n; i++)
        meets |= r->feature && meets_inputs(all, r, &v[i]), acts |= goss__reg_prior(r, v[i].name) > 0;
    for (int k = 0; k < r->priors.n && !meets; k++)
        if (!names_value(&r->priors.line[k], v, n))
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "priors: %s:%lld: \"%.80s\" is an input, and `on` finds no weights that inputs meet: "
                                  "those of the first layer, as weights/*",
                                  r->priors_path, (long long)r->priors.line[k].line, r->priors.line[k].a);
    return acts ? GOSS_OK
                : goss_error_set(err, GOSS_E_ARGUMENT,
                                 "priors: %s: the factor of every value is 0: strength = 0 switches the section off",
                                 r->priors_path);
}

goss_status goss__reg_priors_resolve(goss__regularizers *all, goss__regularizer *r, const goss_published_value *v,
                                     int n, goss_error *err) {
    const goss_encoding *e = inputs_of(all);
    for (int k = 0; k < r->priors.n; k++)
        if (!names_feature(e, &r->priors.line[k]) && !names_value(&r->priors.line[k], v, n))
            return names_nothing(r, &r->priors.line[k], e, v, n, err);
    if (r->priors.n && e) GOSS_TRY(read_features(r, e, err));
    return r->priors.n ? check_effect(all, r, v, n, err) : GOSS_OK;
}
