/* SPDX-License-Identifier: Apache-2.0 */
/* search_network.c: one network of the space, trained from initial weights exactly as `gossamer train` would train it,
 * with the samples of each step known by its number, so that all networks see the same ones. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "meta/model.h"
#include "search/search.h"

/* ---- a model ---- */

static goss_status configure(const goss_config *from, const char *backbone, goss_config **out, goss_error *err) {
    int n;
    const goss_key *keys = goss_train_keys(&n);
    char *text = goss_config_write(from);
    *out = NULL;
    goss_status s =
        text ? goss_config_new(keys, n, out, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a configuration");
    if (s == GOSS_OK) s = goss_config_parse(*out, text, "settings", err);
    if (s == GOSS_OK) s = goss_config_set(*out, "model.backbone", backbone, err);
    goss_config_text_free(text);
    return s;
}

static goss_status make_model(goss_search *s, const char *backbone, goss_model **out, goss_error *err) {
    goss_config *c;
    goss_status status = configure(s->plain, backbone, &c, err);
    if (status == GOSS_OK) status = goss_model_create(s->set.train.method, c, &s->data.spec, s->set.run.seed, out, err);
    goss_config_free(c);
    return status;
}

/* ---- a step ---- */

static goss_status build_loss(void *context, goss_graph *g, int64_t tasks, goss_step_loss *out, goss_error *err) {
    const goss__net *n = context;
    const goss_task_batch b = goss_task_batch_declare(g, &n->s->data.source.spec, tasks);
    *out = goss_method_train(goss_model_method(n->model), g, &b);
    return goss_graph_status(g, err);
}

static goss_status bind(void *context, goss_exec *exec, int64_t first, int64_t tasks, goss_error *err) {
    const goss__net *n = context;
    return goss__task_pack_bind_some(&n->pack, (int)first, (int)tasks, exec, err);
}

static goss_status make_step(goss__net *n, goss_error *err) {
    const goss__run_settings *set = &n->s->set;
    goss__rates rates;
    goss_step_options o = goss_step_defaults();
    o.optimizer = set->optimizer;
    GOSS_TRY(goss__rates_read(set->rates, &rates, err));
    o.rates = rates.rule, o.n_rates = rates.n;
    const goss_status s = goss_step_new(&(goss_step_source){build_loss, bind, n}, &o, n->s->threads, &n->step, err);
    goss__rates_free(&rates);
    return s == GOSS_OK ? goss_model_store(n->model, goss_step_params(n->step), err) : s;
}

/* ---- answers ---- */

/* The judge's parameters are its own, as in a run: a moving average is judged where there is one. */
typedef struct answers {
    goss_schedule *schedule;
    goss_exec *exec;
} answers;

static goss_status compile(const goss__net *n, const goss__assessor *a, answers *out, goss_error *err) {
    goss_graph *g = goss_graph_new();
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    const goss_task_batch b = goss_task_batch_declare(g, &a->source.spec, 1);
    const goss_val output = goss_method_outputs(goss_model_method(n->model), g, &b, 0);
    const goss_status s = goss_compile(g, &output, 1, NULL, 0, NULL, &out->schedule, err);
    goss_graph_free(g);
    return s;
}

static goss_status assess(goss__net *n, goss__assessor *a, double *out, goss_error *err) {
    answers x = {0};
    goss_params *params = NULL;
    goss__net_export(n);
    goss_status s = compile(n, a, &x, err);
    if (s == GOSS_OK) s = goss_params_new(GOSS_F32, &params, err);
    if (s == GOSS_OK) s = goss_params_add(params, x.schedule, err);
    if (s == GOSS_OK) s = goss_model_store(n->model, params, err);
    if (s == GOSS_OK) s = goss_exec_new(x.schedule, params, n->s->threads, &x.exec, err);
    if (s == GOSS_OK) s = goss__assess(a, x.exec, 1, out, err);
    goss_exec_free(x.exec);
    goss_params_free(params);
    goss_schedule_free(x.schedule);
    return s;
}

goss_status goss__net_validate(goss__net *n, double *out, goss_error *err) {
    *out = NAN;
    return n->diverged ? GOSS_OK : assess(n, &n->s->judge, out, err);
}

goss_status goss__net_test(goss__net *n, double *out, goss_error *err) {
    *out = NAN;
    return n->s->test.n > 0 ? assess(n, &n->s->final, out, err) : GOSS_OK;
}

/* ---- life ---- */

goss_status goss__net_open(goss_search *s, const goss__trial *t, goss__net *out, goss_error *err) {
    *out = (goss__net){.s = s};
    goss_status status = make_model(s, t->text, &out->model, err);
    if (status == GOSS_OK) status = goss__task_pack_init(&out->pack, 1, &s->data.source.spec, s->threads, err);
    if (status == GOSS_OK) status = make_step(out, err);
    if (status != GOSS_OK) goss__net_free(out);
    return status == GOSS_OK ? status : goss_error_prefix(err, status, "network \"%.200s\"", t->text);
}

void goss__net_free(goss__net *n) {
    goss_step_free(n->step);
    goss__task_pack_free(&n->pack);
    goss_model_free(n->model);
    *n = (goss__net){0};
}

/* ---- training ---- */

goss_status goss__net_train(goss__net *n, int64_t to, int64_t all, goss_error *err) {
    const goss__run_settings *set = &n->s->set;
    goss_step_result r;
    for (; n->done < to; n->done++) {
        const double rate = goss_rate_at(&set->rate, (double)n->done / (double)all, NULL, 0);
        goss__run_data_draw(&n->s->data, (uint64_t)n->done, &n->pack);
        GOSS_TRY(goss_step_run(n->step, 1, rate, set->run.seed, (uint64_t)n->done, &r, err));
        n->diverged = !r.applied || !isfinite(r.loss);
    }
    return GOSS_OK;
}

void goss__net_export(goss__net *n) {
    const goss_method *m = goss_model_method(n->model);
    goss_params *params = goss_step_params(n->step);
    for (int i = 0; i < goss_method_params(m); i++) {
        const goss_method_param p = goss_method_param_at(m, i);
        char average[160];
        snprintf(average, sizeof average, "ema.%s", p.name);
        int at = n->done > 0 ? goss_params_find(params, average) : -1; /* there is none before the first step */
        if (at < 0) at = goss_params_find(params, p.name);
        if (at >= 0)
            memcpy(goss_model_values(n->model, i), goss_params_data(params, at),
                   (size_t)goss_layout_total(p.layout) * sizeof(float));
    }
}

size_t goss__net_size(const goss__net *n) {
    const goss_params *p = goss_step_params(n->step);
    size_t all = 0;
    for (int i = 0; i < goss_params_count(p); i++) all += (size_t)goss_params_numel(p, i);
    return all;
}

void goss__net_keep(const goss__net *n, float *out) {
    const goss_params *p = goss_step_params(n->step);
    for (int i = 0; i < goss_params_count(p); i++) {
        goss_params_get(p, i, out);
        out += goss_params_numel(p, i);
    }
}

void goss__net_restore(goss__net *n, const float *from, int64_t done) {
    goss_params *p = goss_step_params(n->step);
    for (int i = 0; i < goss_params_count(p); i++) {
        goss_params_set(p, i, from);
        from += goss_params_numel(p, i);
    }
    n->done = done;
}

/* ---- starting values ---- */

/* With one task, a tensor that tasks share and one that each has are the same numbers. */
static const goss_entry *entry_of(const goss_layout *l, const char *tensor) {
    static const char *const parts[] = {"shared", "own"};
    char name[200];
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s.%s", tensor, parts[i]);
        const int at = goss_layout_find(l, name);
        if (at >= 0) return goss_layout_entry(l, at);
    }
    return NULL;
}

goss_status goss__net_begin_at(goss__net *n, const goss_target *small, const float *slab, goss_error *err) {
    const goss_method *m = goss_model_method(n->model);
    const goss_layout *from = goss_target_layout(small);
    for (int i = 0; i < goss_method_params(m); i++) {
        const goss_method_param p = goss_method_param_at(m, i);
        if (strcmp(p.name, "share") != 0) continue;
        for (int k = 0; k < goss_layout_count(from); k++) {
            const goss_entry *e = goss_layout_entry(from, k), *to = entry_of(p.layout, e->name);
            if (!to || to->numel != e->numel)
                return goss_error_set(
                    err, GOSS_E_UNSUPPORTED,
                    "generated weights have no place in a network with [share] rules of several parts "
                    "(%s)",
                    e->name);
            memcpy(goss_model_values(n->model, i) + to->offset, slab + e->offset, (size_t)e->numel * sizeof *slab);
        }
    }
    return goss_model_store(n->model, goss_step_params(n->step), err);
}
