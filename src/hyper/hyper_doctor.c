/* SPDX-License-Identifier: Apache-2.0 */
/* hyper_doctor.c: diagnosis of a hypernetwork at step 0, as a table and a verdict.
 *
 * Common causes of divergence are visible before the first step: generated weights of the wrong magnitude, a magnitude
 * that depends on that of the condition, a code without a gradient. They are measured by small outputs appended to the
 * graph: generating again finds the existing nodes, and a condition twice as large is a second generation. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "hyper/hyper.h"

/* One line of the table. Outputs of the program: variance, variance for twice the condition, base's variance. */
typedef struct finding {
    char name[64];
    const char *how;
    double wanted; /* desired variance; negative: that of its base */
    int first;     /* index of its outputs */
    double variance, doubled, base;
} finding;

typedef struct doctor {
    const goss_hyper_examination *x;
    finding *findings;
    int count;
    goss_val *outputs;
    int n_outputs;
    int code_gradient, code; /* outputs; -1: none */
} doctor;

static const char *const generator_names[] = {
    [GOSS_GENERATE_SHARED] = "shared",   [GOSS_GENERATE_FULL] = "full", [GOSS_GENERATE_CHUNKED] = "chunked",
    [GOSS_GENERATE_LOWRANK] = "lowrank", [GOSS_GENERATE_FILM] = "film", [GOSS_GENERATE_OWN] = "own",
    [GOSS_GENERATE_CLASS] = "class",
};

/* ---- measurements ---- */

/* Mean square of all numbers, rank 0. */
static goss_val power(goss_val v) { return goss_mean_all(goss_square(v)); }

static goss_val twice(goss_val v) { return goss_valid(v) ? goss_scale(v, 2) : v; }

/* The condition doubled; ids, classes and descriptors, which are bounded by contract, are unchanged. */
static goss_condition doubled(const goss_hyper_examination *x) {
    goss_condition c = x->condition;
    c.features = twice(c.features);
    c.targets = twice(c.targets);
    c.input = twice(c.input);
    c.noise = twice(c.noise); /* GOSS_NONE: drawn inside, not scaled */
    return c;
}

static void add_finding(doctor *d, const char *name, const char *how, double wanted, goss_val a, goss_val b,
                        goss_val base) {
    finding *f = &d->findings[d->count++];
    snprintf(f->name, sizeof f->name, "%s", name);
    f->how = how;
    f->wanted = wanted;
    f->first = d->n_outputs;
    d->outputs[d->n_outputs++] = power(a);
    d->outputs[d->n_outputs++] = power(b);
    d->outputs[d->n_outputs++] = power(base);
}

/* The desired variance of a tensor: that of its own initialiser; a bias has none. */
static double wanted_power(const goss_entry *e) {
    double s = goss_entry_deviation(e);
    return s > 0 ? s * s : goss__entry_constant(e) * goss__entry_constant(e);
}

static void examine_tensors(doctor *d, const goss_generated *one, const goss_generated *two) {
    const goss_hyper *h = d->x->hyper;
    const goss_layout *l = goss_target_layout(h->target);
    goss_weights *base = goss_hyper_base(h, d->x->graph);
    for (int i = 0; i < goss_layout_count(l); i++) {
        const goss_entry *e = goss_layout_entry(l, i);
        if (h->choice[i].kind == GOSS_GENERATE_SHARED || h->choice[i].kind == GOSS_GENERATE_FILM) continue;
        add_finding(d, e->name, generator_names[h->choice[i].kind], wanted_power(e),
                    goss_weights_get(one->net.weights, e->name), goss_weights_get(two->net.weights, e->name),
                    goss_weights_get(base, e->name));
    }
    goss_weights_free(base);
    for (int i = 0; i < goss_target_sites(h->target); i++)
        if (h->film[i])
            add_finding(d, goss_target_site_name(h->target, i), "film", 1, one->net.film_scale[i],
                        two->net.film_scale[i], one->net.film_scale[i]);
}

/* The prototypes of the class head: w / 2t has the magnitude of the class means, which replace a base. */
static void examine_head(doctor *d, const goss_generated *one, const goss_generated *two) {
    const goss_condition *c = &d->x->condition;
    goss_val mean = goss_class_mean(goss_flatten(c->features), c->assign);
    goss_val wanted = goss_scale(mean, 2 * d->x->hyper->options.temperature);
    goss_val there = goss_valid(c->class_mask) ? goss_unsqueeze(c->class_mask, 1) : goss_const(d->x->graph, 1),
             a = one->net.head_w;
    add_finding(d, "head.w", "class", -1, goss_mul(a, there), goss_mul(two->net.head_w, there), wanted);
}

static void examine_gradient(doctor *d, const goss_generated *one) {
    goss_val gradient;
    d->code = d->code_gradient = -1;
    if (!goss_valid(one->net.code)) return;
    d->code = d->n_outputs;
    d->outputs[d->n_outputs++] = power(one->net.code);
    if (!goss_valid(d->x->loss)) return;
    /* A failure is the graph's sticky error, which compiling reports. */
    if (goss_grad(d->x->loss, &one->net.code, 1, &gradient) != GOSS_OK) return;
    d->code_gradient = d->n_outputs;
    d->outputs[d->n_outputs++] = goss_norm2(gradient);
}

static goss_status build(doctor *d, goss_error *err) {
    const goss_hyper_examination *x = d->x;
    goss_condition condition = doubled(x);
    goss_generated one, two;
    goss_hyper_generate(x->hyper, x->graph, &x->condition, &one);
    goss_hyper_generate(x->hyper, x->graph, &condition, &two);
    if (goss_hyper_class_head(x->hyper)) {
        goss_hyper_generate_head(x->hyper, x->graph, &x->condition, &one);
        goss_hyper_generate_head(x->hyper, x->graph, &condition, &two);
    }
    if (one.net.weights && two.net.weights) examine_tensors(d, &one, &two);
    if (goss_hyper_class_head(x->hyper)) examine_head(d, &one, &two);
    examine_gradient(d, &one);
    goss_generated_free(&one);
    goss_generated_free(&two);
    return goss_graph_status(x->graph, err);
}

/* ---- running ---- */

static double output(const goss_exec *e, int i, goss_precision precision) {
    const void *v = goss_exec_output(e, i, NULL);
    return precision == GOSS_F64 ? *(const double *)v : *(const float *)v;
}

static void read_findings(doctor *d, const goss_exec *e, goss_precision p, double *code, double *gradient) {
    for (int i = 0; i < d->count; i++) {
        finding *f = &d->findings[i];
        f->variance = output(e, f->first, p);
        f->doubled = output(e, f->first + 1, p);
        f->base = output(e, f->first + 2, p);
        if (f->wanted < 0) f->wanted = f->base;
    }
    *code = d->code >= 0 ? output(e, d->code, p) : -1;
    *gradient = d->code_gradient >= 0 ? sqrt(output(e, d->code_gradient, p)) : -1;
}

static goss_status run(doctor *d, double *code, double *gradient, goss_error *err) {
    goss_schedule *schedule = NULL;
    goss_exec *exec = NULL;
    goss_schedule_options o = goss_schedule_defaults();
    o.precision = d->x->precision;
    GOSS_TRY(goss_compile(d->x->graph, d->outputs, d->n_outputs, NULL, 0, &o, &schedule, err));
    goss_status status = goss_params_add(d->x->params, schedule, err);
    if (status == GOSS_OK) status = goss_exec_new(schedule, d->x->params, d->x->threads, &exec, err);
    if (status == GOSS_OK) status = d->x->bind(d->x->context, exec, err);
    if (status == GOSS_OK) status = goss_exec_run(exec, err);
    if (status == GOSS_OK) read_findings(d, exec, o.precision, code, gradient);
    goss_exec_free(exec);
    goss_schedule_free(schedule);
    return status;
}

/* ---- report ---- */

/* Slope of log magnitude over log magnitude of the condition. */
static double slope_of(const finding *f) {
    return f->variance > 0 && f->doubled > 0 ? 0.5 * log2(f->doubled / f->variance) : 0;
}

static bool is_head(const finding *f) { return strcmp(f->how, "class") == 0; }

static bool diverges(const finding *f) { return !isfinite(f->variance); }

static const char *verdict(const finding *f) {
    if (diverges(f)) return "not finite: the generator diverges at once";
    if (!isfinite(f->doubled)) return "not finite where the condition is twice as large: normalise the condition";
    if (f->wanted > 0 && f->variance > 4 * f->wanted) return "too large: lower alpha or the last layer's start";
    if (f->wanted > 0 && f->variance < 0.25 * f->wanted) return "too small: signals will die out";
    if (f->wanted == 0 && f->variance > 1) return "a bias this large dominates its layer";
    /* A class head is linear in the embeddings it is compared with: there the slope should be 1. */
    if (fabs(slope_of(f) - (is_head(f) ? 1 : 0)) > 0.25)
        return "its magnitude depends on the condition's: normalise the condition";
    return "well";
}

static bool write_table(const doctor *d, double code, double gradient, goss__str *s) {
    int ill = 0;
    goss__str_addf(s, "%-24s %-8s %11s %11s %6s  %s\n", "tensor", "by", "mean square", "wanted", "slope", "verdict");
    for (int i = 0; i < d->count; i++) {
        const finding *f = &d->findings[i];
        const char *words = verdict(f);
        ill += strcmp(words, "well") != 0;
        goss__str_addf(s, "%-24s %-8s %11.4g %11.4g %6.2f  %s\n", f->name, f->how, f->variance, f->wanted, slope_of(f),
                       words);
    }
    if (code >= 0) goss__str_addf(s, "code: mean square %.4g (should be 1)", code);
    if (gradient >= 0) goss__str_addf(s, "; |d loss / d code| = %.4g", gradient);
    if (code >= 0) goss__str_addf(s, "\n");
    /* With a base the last layers start at zero and block the code's gradient for one step: not a fault. */
    if (gradient == 0)
        goss__str_addf(s, "no gradient reaches the code %s\n",
                       d->x->hyper->options.combine == GOSS_COMBINE_REPLACE
                           ? "although there is no base: it will never learn"
                           : "yet: the last layers start at zero and are updated first");
    bool dead = gradient == 0 && d->x->hyper->options.combine == GOSS_COMBINE_REPLACE;
    if (ill || dead)
        goss__str_addf(s, "verdict: %d of %d tensors need attention before training\n", ill, d->count);
    else
        goss__str_addf(s, "verdict: ready to train\n");
    return !s->failed;
}

goss_status goss_hyper_doctor(const goss_hyper_examination *x, char **text, goss_error *err) {
    int most = goss_layout_count(goss_target_layout(x->hyper->target)) + GOSS_HYPER_MAX_SITES + 1;
    doctor d = {.x = x};
    goss__str s = {0};
    double code, gradient;
    *text = NULL;
    d.findings = goss__calloc((size_t)most, sizeof *d.findings);
    d.outputs = goss__calloc((size_t)most * 3 + 2, sizeof *d.outputs);
    goss_status status = d.findings && d.outputs
                             ? build(&d, err)
                             : goss_error_set(err, GOSS_E_NOMEM, "out of memory for an examination");
    if (status == GOSS_OK) status = run(&d, &code, &gradient, err);
    if (status == GOSS_OK && !write_table(&d, code, gradient, &s))
        status = goss_error_set(err, GOSS_E_NOMEM, "out of memory for an examination");
    if (x->diverges) *x->diverges = false;
    for (int i = 0; status == GOSS_OK && x->diverges && i < d.count; i++) *x->diverges |= diverges(&d.findings[i]);
    if (status == GOSS_OK)
        *text = s.data;
    else
        goss__str_free(&s);
    goss__free(d.findings);
    goss__free(d.outputs);
    return goss_error_prefix(err, status, "hypernetwork's doctor");
}
