/* SPDX-License-Identifier: Apache-2.0 */
/* step.c: the training program: a method's loss and gradients, an optimiser's updates and running statistics, in one
 * graph. After compiling, a step is: bind a batch, set the rate, run. It allocates nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/str.h"
#include "train/run.h"

enum { RULES = 160 };

/* ---- optimizer.rates ---- */

typedef struct rates {
    goss_scale_rule rule[RULES];
    int n;
} rates;

static char *trim(char *text) {
    text += strspn(text, " \t\n");
    for (char *end = text + strlen(text); end > text && strchr(" \t", end[-1]);) *--end = 0;
    return text;
}

/* One "PATTERN,PATTERN=FACTOR", cut in place: a rule for each of its patterns. */
static goss_status parse_rate(char *part, rates *out, goss_error *err) {
    double factor = -1;
    char *equals = strchr(part, '=');
    if (!equals || !goss__number_parse(trim(equals + 1), &factor) || equals == part)
        return goss_error_set(err, GOSS_E_ARGUMENT, "optimizer.rates: \"%s\" is not PATTERN=FACTOR", part);
    if (factor < 0 || factor > 1e6)
        return goss_error_set(err, GOSS_E_ARGUMENT, "optimizer.rates: \"%s\": the factor is not from 0 to 1000000",
                              part);
    *equals = 0;
    for (char *save, *one = strtok_r(part, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
        if (out->n == RULES) return goss_error_set(err, GOSS_E_ARGUMENT, "optimizer.rates: more than %d", RULES);
        out->rule[out->n++] = (goss_scale_rule){trim(one), factor};
    }
    return GOSS_OK;
}

static goss_status parse_rates(char *text, rates *out, goss_error *err) {
    for (char *end; *text; text = end) {
        end = text + goss__rule_size(text);
        if (*end) *end++ = 0;
        text = trim(text);
        if (*text) GOSS_TRY(parse_rate(text, out, err));
    }
    return GOSS_OK;
}

/* What a rule says of one parameter's tensors: "target.conv*.w" becomes "conv*.w" for "target", "target" alone becomes
 * "*", and what has no dot is for the tensors of all parameters. NULL: nothing. */
static const char *pattern_for(const char *pattern, const char *param) {
    const size_t n = strlen(param);
    const char *dot = strchr(pattern, '.');
    if (strcmp(pattern, param) == 0) return "*";
    if (!dot) return pattern;
    return (size_t)(dot - pattern) == n && strncmp(pattern, param, n) == 0 ? dot + 1 : NULL;
}

static int rules_of(const rates *all, const char *param, goss_scale_rule *out) {
    int m = 0;
    for (int i = 0; i < all->n; i++) {
        const char *pattern = pattern_for(all->rule[i].pattern, param);
        if (pattern) out[m++] = (goss_scale_rule){pattern, all->rule[i].scale};
    }
    return m;
}

static bool matches(const goss_method_param *p, int entry, const char *rule) {
    const char *pattern = pattern_for(rule, p->name);
    return pattern && goss_name_matches(goss_layout_entry(p->layout, entry)->name, pattern);
}

/* How many tensors rule j matches, and of how many no later one says otherwise. */
static void count_matches(const goss_method *m, const rates *all, int j, int *any, int *left) {
    *any = *left = 0;
    for (int i = 0; i < goss_method_params(m); i++) {
        goss_method_param p = goss_method_param_at(m, i);
        for (int k = 0; p.trained && k < goss_layout_count(p.layout); k++) {
            int last = -1;
            for (int l = j; l < all->n; l++)
                if (matches(&p, k, all->rule[l].pattern)) last = l;
            *any += matches(&p, k, all->rule[j].pattern), *left += last == j;
        }
    }
}

/* "there are target.conv1.w, ...": the names that a pattern can be for. */
static goss_status matches_nothing(const goss_method *m, const char *rule, goss_error *err) {
    goss__str names = {0};
    int listed = 0, all = 0;
    for (int i = 0; i < goss_method_params(m); i++) {
        goss_method_param p = goss_method_param_at(m, i);
        for (int k = 0; p.trained && k < goss_layout_count(p.layout); k++, all++) {
            if (names.size > 600) continue;
            goss__str_addf(&names, "%s%s.%s", listed++ ? ", " : "", p.name, goss_layout_entry(p.layout, k)->name);
        }
    }
    if (listed < all) goss__str_addf(&names, " and %d more", all - listed);
    goss_status s = goss_error_set(err, GOSS_E_ARGUMENT, "optimizer.rates: \"%s\" matches no tensor; there are %s",
                                   rule, names.failed || !names.data ? "none" : names.data);
    goss__str_free(&names);
    return s;
}

static goss_status check_rates(const goss_method *m, const rates *all, goss_error *err) {
    for (int j = 0; j < all->n; j++) {
        int any, left;
        count_matches(m, all, j, &any, &left);
        if (any == 0) return matches_nothing(m, all->rule[j].pattern, err);
        if (left == 0)
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "optimizer.rates: \"%s\" has no effect: a later pattern matches all that it does. The "
                "last one that matches counts: put the general ones first",
                all->rule[j].pattern);
    }
    return GOSS_OK;
}

goss_status goss__rates_check(const goss_config *c, const goss_method *m, goss_error *err) {
    rates own = {.n = 0};
    char *text = goss__strdup(goss_config_text(c, "optimizer.rates"));
    goss_status s = text ? parse_rates(text, &own, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for rates");
    if (s == GOSS_OK) s = check_rates(m, &own, err);
    goss__free(text);
    return s;
}

/* ---- the program ---- */

/* 0 for every tensor that is no weight of a product. */
static goss_val decay_scale(goss_graph *g, const goss_layout *l) {
    int n = goss_layout_count(l), m = 0;
    goss_scale_rule *rules = goss__calloc((size_t)n + 1, sizeof *rules);
    if (!rules) return goss_graph_fail(g, GOSS_E_NOMEM, "no memory for rules of weight decay");
    for (int i = 0; i < n; i++)
        if (goss_layout_entry(l, i)->role != GOSS_ROLE_WEIGHT)
            rules[m++] = (goss_scale_rule){goss_layout_entry(l, i)->name, 0};
    goss_val v = goss_layout_scales(g, l, rules, m);
    goss__free(rules);
    return v;
}

static const goss_layout *layout_of(const goss_method *m, goss_val param, const goss_method_loss *loss) {
    for (int i = 0, k = 0; i < goss_method_params(m); i++) {
        goss_method_param p = goss_method_param_at(m, i);
        if (!p.trained) continue;
        if (loss->param[k].id == param.id) return p.layout;
        k++;
    }
    return NULL;
}

static const char *name_of(const goss_method *m, const goss_layout *l) {
    for (int i = 0; i < goss_method_params(m); i++)
        if (goss_method_param_at(m, i).layout == l) return goss_method_param_at(m, i).name;
    return "";
}

static goss_optimizer_options optimizer_options(const goss_config *c, goss_error *err, goss_status *s) {
    goss_optimizer_options o = goss_optimizer_defaults();
    *s = goss_optimizer_kind_parse(goss_config_text(c, "optimizer.kind"), &o.kind, err);
    o.momentum = goss_config_real(c, "optimizer.momentum");
    o.beta1 = goss_config_real(c, "optimizer.beta1"), o.beta2 = goss_config_real(c, "optimizer.beta2");
    o.weight_decay = goss_config_real(c, "optimizer.weight_decay");
    o.clip_norm = goss_config_real(c, "optimizer.clip_norm");
    o.ema_decay = goss_config_real(c, "optimizer.ema");
    return o;
}

static goss_status build(goss__run *r, goss_graph *g, const rates *own, goss_error *err) {
    const goss_method *m = goss_model_method(r->model);
    goss_task_batch b = goss_task_batch_declare(g, &r->data.source.spec, r->data.tasks);
    goss_method_loss loss = goss_method_train(m, g, &b);
    goss_status s;
    goss_optimizer_options o = optimizer_options(r->config, err, &s);
    GOSS_TRY(s);
    GOSS_TRY(goss_graph_status(g, err));
    goss_optimizer_param params[8];
    for (int i = 0; i < loss.n_params; i++) {
        const goss_layout *layout = layout_of(m, loss.param[i], &loss);
        goss_scale_rule rules[RULES];
        int n = layout ? rules_of(own, name_of(m, layout), rules) : 0;
        params[i] = (goss_optimizer_param){.param = loss.param[i], .gradient = loss.grad[i]};
        params[i].rate_scale = n ? goss_layout_scales(g, layout, rules, n) : GOSS_NONE;
        params[i].decay_scale = layout && o.weight_decay > 0 ? decay_scale(g, layout) : GOSS_NONE;
    }
    goss_val rate = goss_input(g, "lr", GOSS_REAL, (goss_shape){0});
    goss_optimizer_result done = goss_optimizer_build(&o, params, loss.n_params, rate);
    goss_val outputs[] = {loss.loss, loss.score, done.gradient_norm, done.applied},
             updates[GOSS_OPTIMIZER_MAX_PARAMS * 5 + 10];
    memcpy(updates, done.updates, (size_t)done.n_updates * sizeof *updates);
    int n = done.n_updates;
    for (int i = 0; i < loss.n_states; i++)
        updates[n++] = goss_assign(loss.state[i], goss_select(done.applied, loss.next[i], loss.state[i]));
    goss_schedule_options p = goss_schedule_defaults();
    return goss_compile(g, outputs, 4, updates, n, &p, &r->program, err);
}

goss_status goss__run_compile(goss__run *r, goss_error *err) {
    rates own = {.n = 0};
    char *text = goss__strdup(goss_config_text(r->config, "optimizer.rates"));
    goss_graph *g = goss_graph_new();
    goss_status s =
        text && g ? parse_rates(text, &own, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    if (s == GOSS_OK) s = build(r, g, &own, err);
    goss_graph_free(g);
    goss__free(text);
    GOSS_TRY(s);
    GOSS_TRY(goss_params_new(GOSS_F32, &r->params, err));
    GOSS_TRY(goss_params_add(r->params, r->program, err));
    GOSS_TRY(goss_exec_new(r->program, r->params, r->threads, &r->exec, err));
    GOSS_TRY(goss_model_store(r->model, r->params, err));
    return goss_exec_bind(r->exec, "lr", &r->rate, err);
}

goss_status goss__run_step(goss__run *r, const goss__task_pack *pack, double rate, goss__step_result *out,
                           goss_error *err) {
    r->rate = (float)rate;
    GOSS_TRY(goss__task_pack_bind(pack, r->exec, err));
    goss_exec_seed(r->exec, r->data.seed, (uint64_t)r->state.step);
    GOSS_TRY(goss_exec_run(r->exec, err));
    const float *v[4];
    for (int i = 0; i < 4; i++) v[i] = goss_exec_output(r->exec, i, NULL);
    *out = (goss__step_result){
        .loss = (double)*v[0], .accuracy = (double)*v[1], .gradient_norm = (double)*v[2], .applied = *v[3] != 0};
    return GOSS_OK;
}

void goss__run_export(goss__run *r) {
    const goss_method *m = goss_model_method(r->model);
    for (int i = 0; i < goss_method_params(m); i++) {
        goss_method_param p = goss_method_param_at(m, i);
        char average[160];
        snprintf(average, sizeof average, "ema.%s", p.name);
        int at = goss_params_find(r->params, average);
        if (at < 0) at = goss_params_find(r->params, p.name);
        if (at >= 0) /* a parameter that training never touches keeps its starting values */
            memcpy(goss_model_values(r->model, i), goss_params_data(r->params, at),
                   (size_t)goss_layout_total(p.layout) * sizeof(float));
    }
}
