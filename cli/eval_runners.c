/* SPDX-License-Identifier: Apache-2.0 */
/* eval_runners.c: who takes part in gossamer eval on episodes of classes: the model, and what --methods names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval_runners.h"
#include "method_list.h"

typedef struct runners {
    eval_runner *runner; /* [EVAL_MOST] */
    int *n;
} runners;

/* The next free place, with copies of name and weights. A report tells its rows apart by their names. */
static goss_status place(runners *e, const char *name, const char *weights, eval_runner **out, goss_error *err) {
    if (*e->n == EVAL_MOST) return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: more than %d", EVAL_MOST);
    for (int i = 0; i < *e->n; i++)
        if (strcmp(e->runner[i].name, name) == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "--methods: two are called %s; in NAME=FILE the name may be any other", name);
    eval_runner *r = *out = &e->runner[(*e->n)++];
    r->name = strdup(name), r->weights = strdup(weights);
    return r->name && r->weights ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
}

/* The model's own weights in networks of another structure. */
static goss_status add_structure(runners *e, goss_structure_source source, goss_error *err) {
    const char *name = goss_structure_source_name(source);
    eval_runner *r;
    GOSS_TRY(cli_need_structures(e->runner[0].model, e->runner[0].weights, name, err));
    GOSS_TRY(place(e, name, e->runner[0].weights, &r, err));
    r->model = e->runner[0].model, r->structured = true, r->source = source;
    return GOSS_OK;
}

/* A method on the model's own weights. */
static goss_status derive(runners *e, const char *name, goss_error *err) {
    eval_runner *r;
    goss_model *m;
    GOSS_TRY(cli_method_derives(e->runner[0].model, name, NULL, err));
    goss_status s = goss_error_prefix(err, goss_contender_derive(e->runner[0].model, name, &m, err), "--methods");
    if (s != GOSS_OK) return s;
    const goss_method *method = goss_model_method(m);
    bool norms = goss_layout_count(goss_target_statistics(goss_method_target(method))) > 0;
    bool support = strcmp(goss_config_text(goss_model_settings(m), "method.norm"), "support") == 0;
    s = place(e, name,
              !goss_method_trains(method) ? "none"
              : norms && support          ? "the model's embedding, support statistics"
                                          : "the model's embedding",
              &r, err);
    if (s == GOSS_OK)
        r->model = m, r->derived = true;
    else
        goss_model_free(m);
    return s;
}

static goss_status add_runner(void *owner, const char *name, const char *file, goss_error *err) {
    runners *e = owner;
    eval_runner *r;
    if (!file && strcmp(name, e->runner[0].name) == 0) return GOSS_OK; /* the model itself is that method */
    goss_structure_source source;
    if (!file && goss_structure_source_find(name, &source, NULL) == GOSS_OK) return add_structure(e, source, err);
    if (!file) return derive(e, name, err);
    GOSS_TRY(place(e, name, file, &r, err));
    r->file = true;
    GOSS_TRY(goss_error_prefix(err, goss_model_load(file, &r->model, err), "--methods %s", name));
    r->structured = cli_has_structures(r->model);
    return GOSS_OK;
}

static goss_status add_tuned(runners *e, int fine_tune, goss_error *err) {
    const eval_runner *first = &e->runner[0];
    eval_runner *r;
    char name[100];
    snprintf(name, sizeof name, "%s+finetune%d", first->name, fine_tune);
    GOSS_TRY(place(e, name, first->weights, &r, err));
    r->model = first->model, r->fine_tune = fine_tune, r->structured = first->structured;
    return GOSS_OK;
}

/* Runner `of` in 8 bits. */
static goss_status add_rounded(runners *e, int of, goss_weight_precision precision, goss_error *err) {
    const eval_runner *from = &e->runner[of];
    eval_runner *r;
    char name[120];
    snprintf(name, sizeof name, "%.100s+%s", from->name, goss_weight_precision_name(precision));
    GOSS_TRY(place(e, name, from->weights, &r, err));
    r->model = from->model, r->fine_tune = from->fine_tune, r->structured = from->structured;
    r->precision = precision;
    return GOSS_OK;
}

goss_status eval_gather(eval_runner *runner, int *n, goss_model *m, const char *path, const char *methods,
                        int fine_tune, goss_weight_precision precision, bool control, bool mean_budget,
                        goss_error *err) {
    runners e = {runner, n};
    eval_runner *r;
    goss_status s = place(&e, goss_method_name(goss_model_method(m)), path, &r, err);
    r->model = m, r->file = true, r->structured = cli_has_structures(m);
    if (s == GOSS_OK && control) s = add_structure(&e, GOSS_STRUCTURE_SHUFFLED, err);
    if (s == GOSS_OK && mean_budget) s = add_structure(&e, GOSS_STRUCTURE_EQUAL, err);
    if (s == GOSS_OK && precision != GOSS_WEIGHTS_F32) s = add_rounded(&e, 0, precision, err);
    if (s == GOSS_OK && fine_tune > 0) s = add_tuned(&e, fine_tune, err);
    if (s == GOSS_OK && fine_tune > 0 && precision != GOSS_WEIGHTS_F32) s = add_rounded(&e, *n - 1, precision, err);
    if (s != GOSS_OK) return s;
    char *list;
    s = cli_methods_each(methods, "protonet,mine=FILE", add_runner, &e, &list, err);
    free(list);
    return s;
}

goss_status eval_runners_within(eval_runner *runner, int n, int64_t bytes, int ways, goss_error *err) {
    const goss_space_budget budget = {.bytes = bytes};
    for (eval_runner *r = runner; r < runner + n; r++) {
        goss_model *m;
        if (!r->derived) continue;
        GOSS_TRY(goss_contender_derive_within(runner[0].model, r->name, &budget, ways, &m, err));
        goss_model_free(r->model);
        r->model = m;
    }
    return GOSS_OK;
}

void eval_free_runners(eval_runner *runner) {
    for (int i = EVAL_MOST - 1; i >= 0; i--) { /* freed last: the first one's model may serve others */
        free(runner[i].name), free(runner[i].weights);
        if (i == 0 || runner[i].model != runner[0].model) goss_model_free(runner[i].model);
    }
}
