/* step.c: the training program: a method's loss and gradients, an optimiser's updates and running statistics, in one
 * graph. After compiling, a step is: bind a batch, set the rate, run. It allocates nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "train/run.h"

enum { RULES = 160 };

/* "PATTERN=FACTOR; ..." as rules; texts are cut in place. */
static goss_status parse_rates(char *text, goss_scale_rule *rules, int *n, goss_error *err) {
    *n = 0;
    for (char *save, *part = strtok_r(text, ";", &save); part; part = strtok_r(NULL, ";", &save)) {
        part += strspn(part, " \t\n");
        if (!*part) continue;
        char *equals = strchr(part, '='), *end;
        double factor = equals ? strtod(equals + 1, &end) : -1;
        if (!equals || end == equals + 1 || end[strspn(end, " \t\n")] || !(factor >= 0 && factor < 1e6) || *n == RULES)
            return goss_error_set(err, GOSS_E_ARGUMENT, "optimizer.rates: \"%s\" is not PATTERN=FACTOR", part);
        *equals = 0;
        for (char *c = equals; c > part && strchr(" \t\n", c[-1]);) *--c = 0;
        rules[(*n)++] = (goss_scale_rule){part, factor};
    }
    return GOSS_OK;
}

/* The rules that speak of one parameter: "target.conv*.w" becomes "conv*.w" for "target"; "*" is for all. */
static int rules_of(const goss_scale_rule *all, int n, const char *param, goss_scale_rule *out) {
    int m = 0;
    for (int i = 0; i < n; i++) {
        const char *dot = strchr(all[i].pattern, '.');
        size_t length = strlen(param);
        if (!dot || strcmp(all[i].pattern, "*") == 0)
            out[m++] = (goss_scale_rule){strcmp(all[i].pattern, param) == 0 ? "*" : all[i].pattern, all[i].scale};
        else if ((size_t)(dot - all[i].pattern) == length && strncmp(all[i].pattern, param, length) == 0)
            out[m++] = (goss_scale_rule){dot + 1, all[i].scale};
    }
    return m;
}

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

static goss_status build(goss__run *r, goss_graph *g, const goss_scale_rule *rates, int n_rates, goss_error *err) {
    const goss_method *m = goss_model_method(r->model);
    goss_episode_limits l = r->data.limits;
    goss_task_batch b = goss_task_batch_declare(g, goss_method_target(m), r->data.tasks, l.ways, l.supports, l.queries);
    goss_method_loss loss = goss_method_train(m, g, &b);
    goss_status s;
    goss_optimizer_options o = optimizer_options(r->config, err, &s);
    GOSS_TRY(s);
    GOSS_TRY(goss_graph_status(g, err));
    goss_optimizer_param params[8];
    for (int i = 0; i < loss.n_params; i++) {
        const goss_layout *layout = layout_of(m, loss.param[i], &loss);
        goss_scale_rule rules[RULES];
        int n = layout ? rules_of(rates, n_rates, name_of(m, layout), rules) : 0;
        params[i] = (goss_optimizer_param){.param = loss.param[i], .gradient = loss.grad[i]};
        params[i].rate_scale = n ? goss_layout_scales(g, layout, rules, n) : GOSS_NONE;
        params[i].decay_scale = layout && o.weight_decay > 0 ? decay_scale(g, layout) : GOSS_NONE;
    }
    goss_val rate = goss_input(g, "lr", GOSS_REAL, (goss_shape){0});
    goss_optimizer_result done = goss_optimizer_build(&o, params, loss.n_params, rate);
    goss_val outputs[] = {loss.loss, loss.accuracy, done.gradient_norm, done.applied},
             updates[GOSS_OPTIMIZER_MAX_PARAMS * 5 + 10];
    memcpy(updates, done.updates, (size_t)done.n_updates * sizeof *updates);
    int n = done.n_updates;
    for (int i = 0; i < loss.n_states; i++)
        updates[n++] = goss_assign(loss.state[i], goss_select(done.applied, loss.next[i], loss.state[i]));
    goss_program_options p = goss_program_defaults();
    return goss_compile(g, outputs, 4, updates, n, &p, &r->program, err);
}

goss_status goss__run_compile(goss__run *r, goss_error *err) {
    goss_scale_rule rates[RULES];
    int n = 0;
    char *text = goss__strdup(goss_config_text(r->config, "optimizer.rates"));
    goss_graph *g = goss_graph_new();
    goss_status s =
        text && g ? parse_rates(text, rates, &n, err) : goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    if (s == GOSS_OK) s = build(r, g, rates, n, err);
    goss_graph_free(g);
    goss__free(text);
    GOSS_TRY(s);
    GOSS_TRY(goss_params_new(GOSS_F32, &r->params, err));
    GOSS_TRY(goss_params_add(r->params, r->program, err));
    GOSS_TRY(goss_exec_new(r->program, r->params, r->threads, &r->exec, err));
    goss_model_store(r->model, r->params);
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
