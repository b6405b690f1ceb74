/* SPDX-License-Identifier: Apache-2.0 */
/* compare_variants.c: what the names of [compare] models and regularizers set. All are the same thing, settings of a
 * run: ready-made ones from the tables below, those of the file's sections [model.NAME], [regularizer.NAME] and
 * [compare.NAME], which go over them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"
#include "compare/compare.h"
#include "gossamer/train.h"

typedef struct ready_made {
    const char *name, *set; /* "key=value; ..." */
    double most;            /* strengths that are tried: evenly up to it; 0: those of compare.strengths */
} ready_made;

#define MULTITASK(preset) "train.method=multitask; share.preset=" preset
static const ready_made models[] = {
    {"alone", MULTITASK("alone"), 0},
    {"joint", MULTITASK("joint"), 0},
    {"hard", MULTITASK("hard"), 0},
    {"soft",
     MULTITASK("alone") "; regularizer.soft.kind=difference; regularizer.soft.on=weights/*; "
                        "regularizer.soft.strength=" GOSS__STRENGTH,
     0},
    {"dictionary", MULTITASK("dictionary"), 0},
    {"tensor_train", MULTITASK("tensor_train") "; share.size=16", 0},
    {"routing", MULTITASK("routing") "; share.temperature=8; share.anneal=.1; share.anneal_steps=300", 0},
    {"ordering", MULTITASK("ordering"), 0},
    {"stitch", MULTITASK("stitch"), 0},
    {"merged", MULTITASK("merged"), 0},
    {"hypernet", "train.method=hypernet; hyper.condition=id", 0},
};

#define PENALTY(name, kind)                                                                                            \
    "regularizer." name ".kind=" kind "; regularizer." name ".on=weights/*; regularizer." name                         \
    ".strength=" GOSS__STRENGTH
static const ready_made parts[] = {
    {"early", "", 0},
    {"weight_decay", "optimizer.weight_decay=" GOSS__STRENGTH, 0},
    {"dropout", "model.dropout=" GOSS__STRENGTH, .5},
    {"label_smoothing", "method.label_smoothing=" GOSS__STRENGTH, .4},
    {"augmentation", "train.augment=" GOSS__STRENGTH, 0},
    {"mirror", "train.mirror=true", 0},
    {"mixup", "train.mixup=" GOSS__STRENGTH, 0},
    {"l1", PENALTY("l1", "l1"), 0},
    {"l2", PENALTY("l2", "l2"), 0},
    {"elastic", PENALTY("elastic", "elastic"), 0},
    {"difference", PENALTY("difference", "difference"), 0},
    {"trace", PENALTY("trace", "nuclear"), 0},
    {"l21", PENALTY("l21", "l21"), 0},
};
#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static const ready_made *ready(const ready_made *table, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}

/* ---- settings of one variant ---- */

/* "key=value; key=value" */
static goss_status take_list(goss__variant *v, const char *list, goss_error *err) {
    char text[600], *rest = text, *one;
    snprintf(text, sizeof text, "%s", list);
    while ((one = strsep(&rest, ";"))) {
        one += strspn(one, " ");
        char *equals = strchr(one, '=');
        if (!equals) continue;
        *equals = 0;
        GOSS_TRY(goss__settings_put(&v->set, one, equals + 1, 0, err));
    }
    return GOSS_OK;
}

/* "strengths": as many as there are in the budget, so that every method searches as long. */
static goss_status take_strengths(const goss_compare *c, goss__variant *v, const goss__setting *from, goss_error *err) {
    const int n = goss__numbers_parse(from->value, v->strength, GOSS__STRENGTHS_MOST);
    if (n == c->strengths) return GOSS_OK;
    if (n <= 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: \"%.60s\" is no list of up to %d numbers, as .01 .1 1",
                              from->key, from->value, GOSS__STRENGTHS_MOST);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s = %.60s: %d strengths, and compare.strengths has %d: every row tries as many", from->key,
                          from->value, n, c->strengths);
}

/* What all rows have in common; one that differs would not be compared but favoured. */
static goss_status check_common(const goss__setting *one, const char *key, goss_error *err) {
    static const char common[] = "data.*,run.*,task.metric,task.quantiles,train.steps,train.minutes,train.fold";
    if (!goss__name_matches(key, common)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: all rows of a comparison have the same data, metric, steps and seeds: set %s without a "
                          "name before it, for all",
                          one->key, key);
}

/* A line of [FAMILY.NAME]: strengths, or a setting of a run with its section. */
static goss_status take_line(const goss_compare *c, goss__variant *v, const char *family, const goss__setting *one,
                             const char *key, goss_error *err) {
    const bool compare = strcmp(family, "compare") == 0;
    if (compare && strcmp(key, "strengths") == 0) return take_strengths(c, v, one, err);
    if (strchr(key, '.')) return goss__settings_put(&v->set, key, one->value, one->line, err);
    return goss_error_set(err, GOSS_E_ARGUMENT, "there is no key %s: [%s.NAME] has %ssettings of a run, as %s",
                          one->key, family, compare ? "strengths, and " : "", "train.method or model.dropout");
}

/* Lines of the section FAMILY.NAME. whole: keys keep the section's name. */
static goss_status take_section(const goss_compare *c, goss__variant *v, const char *family, bool whole, bool *found,
                                goss_error *err) {
    char head[200];
    const size_t n = (size_t)snprintf(head, sizeof head, "%s.%s.", family, v->name);
    for (int i = 0; i < c->sections.n; i++) {
        const goss__setting *one = &c->sections.v[i];
        if (strncmp(one->key, head, n) != 0) continue;
        *found = true;
        const char *key = one->key + n;
        goss_status s = check_common(one, key, err);
        if (s == GOSS_OK && whole)
            s = goss__settings_put(&v->set, one->key, one->value, one->line, err);
        else if (s == GOSS_OK)
            s = take_line(c, v, family, one, key, err);
        if (s != GOSS_OK) return one->line ? goss_error_prefix(err, s, "%s:%d", c->path, one->line) : s;
    }
    return GOSS_OK;
}

static bool searches(const goss__variant *v) {
    for (int i = 0; i < v->set.n; i++)
        if (strstr(v->set.v[i].value, GOSS__STRENGTH)) return true;
    return false;
}

/* ---- regularisers from sections ---- */

static bool is_on(const char *value) { return value && goss__name_matches(value, "true,yes,on,1"); }

/* Kinds that look at one task at a time: by themselves, or with a setting that says so. */
static bool is_plain_kind(const char *kind, const char *each, const char *branches) {
    static const char alone[] =
        "l1,l2,elastic,group,max_norm,activity,coactivation,cross,variance,decorrelation,entropy_*,state_*";
    return goss__name_matches(kind, alone) ||
           (is_on(each) && goss__name_matches(kind, "nuclear,spectral,orthogonal,norm_*")) ||
           (is_on(branches) && goss__name_matches(kind, "difference,laplacian,exclusive"));
}

/* The value of a key of the section that a setting such as "regularizer.tie.kind" stands in; NULL: not there. */
static const char *beside(const goss__variant *v, const char *setting, const char *key) {
    char name[200];
    const char *end = strrchr(setting, '.');
    snprintf(name, sizeof name, "%.*s.%s", (int)(end - setting), setting, key);
    return goss__settings_get(&v->set, name);
}

/* Whether none of the penalties that are set ties tasks. */
static bool ties_nothing(const goss__variant *v) {
    for (int i = 0; i < v->set.n; i++) {
        const goss__setting *one = &v->set.v[i];
        if (goss__name_matches(one->key, "regularizer.*.kind") &&
            !is_plain_kind(one->value, beside(v, one->key, "each"), beside(v, one->key, "branches")))
            return false;
    }
    return true;
}

/* One network a task, or one for all. */
static bool shares_nothing(const goss__variant *v) {
    const char *method = goss__settings_get(&v->set, "train.method"),
               *rules = goss__settings_get(&v->set, "share.rules");
    const char *preset = goss__settings_get(&v->set, "share.preset");
    if (!method || (rules && *rules)) return false;
    return strcmp(method, "joint") == 0 ||
           (strcmp(method, "multitask") == 0 && preset && goss__name_matches(preset, "alone,joint"));
}

/* Its strength is what is tried; one that the section gives scales it. A strength that is no number (a range) is not
 * searched for. */
static goss_status make_searched(goss__variant *v, goss_error *err) {
    char name[200];
    double scale = 1;
    snprintf(name, sizeof name, "regularizer.%s.strength", v->name);
    const char *own = goss__settings_get(&v->set, name);
    if (own && strstr(own, GOSS__STRENGTH)) return GOSS_OK;
    if (own && !goss__number_parse(own, &scale)) return GOSS_OK;
    if (!(scale > 0))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s = %.40s: it scales the strengths that are tried, and is above 0", name, own);
    for (int i = 0; i < GOSS__STRENGTHS_MOST; i++) v->strength[i] *= scale;
    return goss__settings_put(&v->set, name, GOSS__STRENGTH, 0, err);
}

/* ---- both ---- */

static goss_status unknown(const goss_compare *c, const char *what, const char *name, const ready_made *table, int n,
                           goss_error *err) {
    const char *names[64];
    goss__str near = {0};
    for (int i = 0; i < n; i++) names[i] = table[i].name;
    goss__near_names(&near, name, names, n);
    goss_status s =
        goss_error_set(err, GOSS_E_ARGUMENT, "%s: there is no %s \"%.60s\"%s; a section [%s.%.60s] makes one", c->path,
                       what, name, near.data ? near.data : "", what, name);
    goss__str_free(&near);
    return s;
}

static goss_status start(goss_compare *c, const char *name, const ready_made *from, goss__variant **out,
                         goss_error *err) {
    goss__variant *v = *out = goss__calloc(1, sizeof *v);
    if (v) v->name = goss__strdup(name);
    if (!v || !v->name) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %s", name);
    for (int i = 0; i < c->strengths; i++)
        v->strength[i] = from && from->most > 0 ? from->most * (i + 1) / c->strengths : c->strength[i];
    v->early = from && strcmp(from->name, "early") == 0;
    return from ? take_list(v, from->set, err) : GOSS_OK;
}

static goss_status keep(goss_compare *c, goss__variant *v, goss_status s, const goss__variant **out, goss_error *err) {
    if (s == GOSS_OK && c->variants == (int)(sizeof c->variant / sizeof *c->variant))
        s = goss_error_set(err, GOSS_E_ARGUMENT, "%s: more than %d models and regularisers", c->path, c->variants);
    if (s != GOSS_OK) {
        goss__variant_free(v);
        return s;
    }
    v->searches = searches(v);
    c->variant[c->variants++] = v;
    *out = v;
    return GOSS_OK;
}

goss_status goss__variant_model(goss_compare *c, const char *name, const goss__variant **out, goss_error *err) {
    goss__variant *v;
    const ready_made *from = ready(models, COUNT(models), name);
    bool found = from != NULL;
    goss_status s = start(c, name, from, &v, err);
    if (s == GOSS_OK) s = take_section(c, v, "model", false, &found, err);
    if (s == GOSS_OK && !found) s = unknown(c, "model", name, models, COUNT(models), err);
    if (s == GOSS_OK) v->plain = shares_nothing(v) && ties_nothing(v);
    return keep(c, v, s, out, err);
}

goss_status goss__variant_part(goss_compare *c, const char *name, const goss__variant **out, goss_error *err) {
    goss__variant *v;
    bool section = false, own = false;
    const ready_made *from = ready(parts, COUNT(parts), name);
    goss_status s = start(c, name, NULL, &v, err);
    if (s == GOSS_OK) s = take_section(c, v, "regularizer", true, &section, err);
    if (s == GOSS_OK && !section && from) {
        goss__variant_free(v);
        s = start(c, name, from, &v, err);
    }
    if (s == GOSS_OK) s = take_section(c, v, "compare", false, &own, err);
    if (s == GOSS_OK && section) s = make_searched(v, err);
    if (s == GOSS_OK && !section && !from && !own) s = unknown(c, "regularizer", name, parts, COUNT(parts), err);
    if (s == GOSS_OK) v->plain = ties_nothing(v);
    return keep(c, v, s, out, err);
}

void goss__variant_free(goss__variant *v) {
    if (!v) return;
    goss__settings_free(&v->set);
    goss__free(v->name);
    goss__free(v);
}
