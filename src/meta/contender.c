/* SPDX-License-Identifier: Apache-2.0 */
/* contender.c: baselines derived from a model's own weights.
 *
 * Comparisons are like for like: each method has its own steps and rates (the model's may belong to another kind of
 * step), and batch norms use the statistics that the weights were trained with. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "gossamer/evaluate.h"
#include "meta/method.h"
#include "meta/model.h"
#include "meta/structure.h"

static bool is_method(const char *name) {
    const char *const *names = goss_method_names();
    while (*names && strcmp(*names, name) != 0) names++;
    return *names != NULL;
}

static int param_of(const goss_model *m, const char *name) {
    for (int i = 0; i < goss_method_params(m->method); i++)
        if (strcmp(goss_method_param_at(m->method, i).name, name) == 0) return i;
    return -1;
}

static bool derivable(const goss_model *from, const char *method) {
    static const char *const names[] = {"protonet", "ridge", "finetune", "scratch", "joint", "pixels"};
    if (strcmp(method, "maml") == 0) return param_of(from, GOSS__MAML) >= 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], method) == 0) return true;
    return false;
}

static bool has_running(const goss_method *m) {
    for (int i = 0; i < goss_method_params(m); i++)
        if (strcmp(goss_method_param_at(m, i).name, "running") == 0) return true;
    return false;
}

/* The parameter trained beside the model's network that the method uses; NULL: none. */
static const char *beside_of(const char *method) {
    if (strcmp(method, "joint") == 0 || strcmp(method, "finetune") == 0) return GOSS__JOINT;
    return strcmp(method, "maml") == 0 ? GOSS__MAML : NULL;
}

static void take_beside(goss_model *to, const goss_model *from, const char *beside) {
    const int i = param_of(to, "target"), k = param_of(from, beside);
    const int64_t n = goss_layout_total(goss_method_param_at(to->method, i).layout);
    memcpy(to->values[i], from->values[k], (size_t)n * sizeof(float));
}

static bool has_choices(const goss_model *m) { return goss_method_structure(m->method)->choose != GOSS_STRUCTURE_NONE; }

/* text: of a smaller network; NULL: the model's. */
static goss_status own_settings(const goss_model *from, const char *text, goss_config *c, goss_error *err) {
    const char *own = goss_config_text(from->settings, "model.backbone");
    GOSS_TRY(goss_config_set(c, "model.backbone", text ? text : own, err));
    if (!text && has_choices(from)) /* a method without gates uses the largest network */
        GOSS_TRY(goss_config_set(c, "structure.choose", "largest", err));
    return goss_config_set(c, "method.norm", has_running(from->method) ? "running" : "support", err);
}

/* No such method, or none that takes over what another has learned: those that do. */
static goss_status name_others(const goss_model *from, const char *method, goss_error *err) {
    goss__str list = {0};
    for (const char *const *name = goss_method_names(); *name; name++)
        if (derivable(from, *name)) goss__str_addf(&list, "%s%s", list.size ? ", " : "", *name);
    for (int i = GOSS_STRUCTURE_SHUFFLED; i <= GOSS_STRUCTURE_EQUAL && goss__structure_chooses(from->method); i++)
        goss__str_addf(&list, ", %s", goss_structure_source_name((goss_structure_source)i));
    const char *names = list.failed ? "" : list.data;
    const goss_status s =
        is_method(method)
            ? goss_error_set(err, GOSS_E_ARGUMENT, "method %s needs a model of its own; from this one come %s", method,
                             names)
            : goss_error_set(err, GOSS_E_ARGUMENT, "there is no method %s; from a model come %s", method, names);
    goss__str_free(&list);
    return s;
}

goss_status goss_contender_check(const goss_model *from, const char *method, goss_error *err) {
    if (!is_method(method) || !derivable(from, method)) return name_others(from, method, err);
    if (strcmp(method, "pixels") == 0) return GOSS_OK; /* has no network */
    const char *other = goss_method_name(from->method);
    if (goss_method_params(from->method) == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "method %s: method %s has no network that could be taken over",
                              method, other);
    if (strcmp(method, "scratch") == 0 || goss_method_trains(from->method)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "method %s: method %s has no trained network that could be taken over",
                          method, other);
}

/* In a network of that text, with values of its own. */
static goss_status create(const goss_model *from, const char *method, const char *text, goss_model **out,
                          goss_error *err) {
    int n;
    goss_config *c;
    const goss_key *keys = goss_model_keys(&n);
    GOSS_TRY(goss_config_new(keys, n, &c, err));
    goss_status s = own_settings(from, text, c, err);
    if (s == GOSS_OK) s = goss_model_create(method, c, &from->data.of, 1, out, err);
    goss_config_free(c);
    return s;
}

goss_status goss_contender_derive(const goss_model *from, const char *method, goss_model **out, goss_error *err) {
    *out = NULL;
    GOSS_TRY(goss_contender_check(from, method, err));
    goss_status s = create(from, method, NULL, out, err);
    /* A method without training (scratch) starts from its own initial values although its parameters have the same
     * names. */
    if (s == GOSS_OK && goss_method_trains(goss_model_method(*out))) s = goss_model_copy_values(*out, from, NULL, err);
    const char *beside = beside_of(method);
    if (s == GOSS_OK && beside && param_of(from, beside) >= 0) take_beside(*out, from, beside);
    if (s == GOSS_OK) return s;
    goss_model_free(*out);
    *out = NULL;
    return goss_error_prefix(err, s, "method %s", method);
}

/* ---- at equal cost ---- */

/* Parameters that are laid out as the network. */
static bool is_network(const char *param) {
    return strcmp(param, "target") == 0 || strcmp(param, GOSS__JOINT) == 0 || strcmp(param, GOSS__MAML) == 0;
}

/* What of a parameter of the largest network is left in a structure, of n numbers. */
static goss_status cut(const goss_space *s, const float *structure, const float *values, int64_t n, float *to,
                       goss_error *err) {
    goss_target *small;
    float *slab;
    GOSS_TRY(goss_space_compact(s, structure, values, NULL, &small, &slab, NULL, err));
    memcpy(to, slab, (size_t)n * sizeof *to);
    goss_numbers_free(slab);
    goss_target_free(small);
    return GOSS_OK;
}

/* From the same method in the largest network. */
static goss_status take_over(goss_model *to, const goss_model *whole, const goss_space *s, const float *structure,
                             goss_error *err) {
    GOSS_TRY(goss__model_inherit(to, whole, err));
    for (int i = 0; i < goss_method_params(to->method); i++) {
        const goss_method_param p = goss_method_param_at(to->method, i);
        const float *values = whole->values[param_of(whole, p.name)];
        const int64_t n = goss_layout_total(p.layout);
        if (is_network(p.name))
            GOSS_TRY(cut(s, structure, values, n, to->values[i], err));
        else
            memcpy(to->values[i], values, (size_t)n * sizeof *values);
    }
    return GOSS_OK;
}

/* The method of `whole` in the network of a structure of the model's space. */
static goss_status shrink(const goss_model *from, const goss_model *whole, const float *structure, goss_model **out,
                          goss_error *err) {
    goss_target *small;
    const goss_space *space = from->method->space;
    GOSS_TRY(goss_space_compact(space, structure, NULL, NULL, &small, NULL, NULL, err));
    goss_status s = create(from, goss_method_name(whole->method), goss_target_text(small), out, err);
    goss_target_free(small);
    if (s == GOSS_OK && goss_method_trains(whole->method)) s = take_over(*out, whole, space, structure, err);
    if (s == GOSS_OK) return s;
    goss_model_free(*out);
    *out = NULL;
    return goss_error_prefix(err, s, "method %s", goss_method_name(whole->method));
}

goss_status goss_contender_derive_within(const goss_model *from, const char *method, const goss_space_budget *budget,
                                         int64_t outputs, goss_model **out, goss_error *err) {
    goss_model *whole;
    *out = NULL;
    GOSS_TRY(goss_contender_derive(from, method, &whole, err));
    if (!budget || goss_method_params(whole->method) == 0 || !has_choices(from)) {
        *out = whole;
        return GOSS_OK;
    }
    const goss_space *space = from->method->space;
    float *structure = goss__calloc((size_t)goss_space_gates(space), sizeof *structure);
    goss_status s = structure ? goss_space_shrink(space, budget, outputs, structure, err)
                              : goss_error_set(err, GOSS_E_NOMEM, "no memory for a structure");
    if (s == GOSS_OK) s = shrink(from, whole, structure, out, err);
    goss__free(structure);
    goss_model_free(whole);
    return s;
}
