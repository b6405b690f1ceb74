/* SPDX-License-Identifier: Apache-2.0 */
/* search_scorer.c: a hypernetwork that generates weights for every structure of the space, trained over random ones.
 *
 * Structures side by side are tasks with different networks: gates are an input of the program, the networks are the
 * largest one masked by them, and the condition is what encodes a structure, its gates or its graph of operations. The
 * smaller network of a structure has the same weights without what is masked. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "search/search.h"

struct goss__scorer {
    goss_search *s;
    goss_search_method kind;
    goss_hyper *hyper;
    int A, G, V, F;       /* structures side by side, gates, nodes, numbers of one */
    float *structure;     /* [A,G] */
    float *nodes, *edges; /* [A,V,F], [A,V,V]; NULL: no graph is read */
    goss__task_pack pack;
    goss_step *step;
    goss__assessor judge;
    goss_schedule *answers, *weights;
    goss_exec *scores, *generate;
    goss_params *params; /* of those two */
    uint64_t drawn;      /* number of the next structure to train with */
    int64_t repeated;    /* structures trained with that are scored too: no others were found */
    int scored;          /* structures that have a score */
};

/* ---- the hypernetwork ---- */

static goss_status name_nodes(const goss__scorer *h, int **out, goss_error *err) {
    const int layers = goss_target_layers(h->s->whole);
    *out = goss__calloc((size_t)layers + 1, sizeof **out);
    if (!*out) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a hypernetwork");
    for (int i = 0; i < layers; i++) (*out)[i] = goss_space_node_of(h->s->space, i);
    return GOSS_OK;
}

/* Low-rank changes of the weights and all other numbers, unless the configuration says otherwise. */
#define DEFAULT_RULES "head.*=full; *=lowrank 4"

static goss_status make_hyper(goss__scorer *h, goss_error *err) {
    goss_hyper_options o = h->s->method.hyper;
    int *nodes = NULL;
    if (!goss_config_is_set(h->s->config, "hyper.rules")) o.rules = DEFAULT_RULES;
    o.conditioner = h->kind == GOSS_SEARCH_GHN ? GOSS_CONDITION_GRAPH : GOSS_CONDITION_DESCRIPTOR;
    o.descriptor = h->G;
    if (h->kind == GOSS_SEARCH_GHN) {
        h->V = goss_space_nodes(h->s->space), h->F = goss_space_node_numbers(h->s->space);
        GOSS_TRY(name_nodes(h, &nodes, err));
        o.nodes = h->V, o.node_numbers = h->F, o.node_of = nodes, o.rounds = h->s->own.rounds;
    }
    const goss_status s = goss_hyper_create(h->s->whole, &o, &h->hyper, err);
    goss__free(nodes);
    return goss_error_prefix(err, s, "[hyper]");
}

/* ---- programs ---- */

typedef struct built {
    goss_task_batch b;
    goss_generated made;
    goss_target_output y;
} built;

static void condition(const goss__scorer *h, goss_graph *g, goss_extent T, goss_val gates, goss_condition *c) {
    if (h->kind != GOSS_SEARCH_GHN) {
        c->descriptor = gates;
        return;
    }
    c->nodes = goss_input(g, "nodes", GOSS_REAL, GOSS_SHAPE(T, goss_n(h->V), goss_n(h->F)));
    c->edges = goss_input(g, "edges", GOSS_REAL, GOSS_SHAPE(T, goss_n(h->V), goss_n(h->V)));
}

static void generate(const goss__scorer *h, goss_graph *g, const goss_task_spec *spec, int64_t tasks, built *out) {
    goss_condition c = {0};
    out->b = goss_task_batch_declare(g, spec, tasks);
    const goss_val gates = goss_input(g, "structure", GOSS_REAL, GOSS_SHAPE(out->b.T, goss_n(h->G)));
    condition(h, g, out->b.T, gates, &c);
    c.task = out->b.task;
    goss_hyper_generate(h->hyper, g, &c, &out->made);
    out->made.net.structure = gates;
}

static void apply(const goss__scorer *h, bool training, built *x) {
    goss_target_context context = goss_target_context_defaults();
    context.sample_weight = x->b.query_weight;
    context.training = training;
    if (training) context.dropout_task = x->b.task;
    x->y = goss_hyper_apply(h->hyper, &x->made, x->b.query, &context);
}

static goss_status build_loss(void *context, goss_graph *g, int64_t tasks, goss_step_loss *out, goss_error *err) {
    const goss__scorer *h = context;
    const goss_objective *o = goss_task_objective(&h->s->data.source.spec);
    const goss__method_settings *m = &h->s->method;
    built x;
    generate(h, g, &h->s->data.source.spec, tasks, &x);
    apply(h, true, &x);
    const goss_val mask = o->classes ? x.b.class_mask : x.b.query_known;
    const goss_val each = o->loss(o, x.y.logits, x.b.query_target, mask, m->method.label_smoothing);
    *out = (goss_step_loss){.loss = goss_reduce_loss(each, x.b.query_weight)};
    if (m->method.penalty > 0 && goss_valid(x.made.penalty))
        out->loss = goss_add(out->loss, goss_scale(x.made.penalty, m->method.penalty));
    const struct {
        const char *name;
        const goss_layout *layout;
    } params[] = {{"target", goss_target_layout(h->s->whole)}, {"hyper", goss_hyper_layout(h->hyper)}};
    for (int i = m->hyper.train_base ? 0 : 1; i < 2; i++)
        out->param[out->n_params++] = (goss_step_param){
            .name = params[i].name,
            .layout = params[i].layout,
            .param = goss_param(g, params[i].name, GOSS_SHAPE(goss_n(goss_layout_total(params[i].layout))))};
    goss_generated_free(&x.made);
    return goss_graph_status(g, err);
}

/* Answers of A networks, or the slab of one. */
static goss_status compile(const goss__scorer *h, bool weights, goss_schedule **out, goss_error *err) {
    goss_graph *g = goss_graph_new();
    built x;
    if (!g) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a graph");
    generate(h, g, &h->judge.source.spec, weights ? 1 : h->A, &x);
    goss_val output;
    if (weights) {
        x.made.net.head_w = goss_weights_get(x.made.net.weights, "head.w");
        x.made.net.head_b = goss_weights_get(x.made.net.weights, "head.b");
        output = goss_instance_slab(&x.made.net, h->s->whole, h->s->whole);
    } else {
        apply(h, false, &x);
        output = x.y.logits;
    }
    const goss_status s = goss_compile(g, &output, 1, NULL, 0, NULL, out, err);
    goss_generated_free(&x.made);
    goss_graph_free(g);
    return s;
}

static goss_status forgive(goss_status s) { return s == GOSS_E_ARGUMENT ? GOSS_OK : s; }

/* A program that has no use for an input does not have it. */
static goss_status bind_structures(goss__scorer *h, goss_exec *exec, goss_error *err) {
    (void)err;
    GOSS_TRY(forgive(goss_exec_bind(exec, "structure", h->structure, NULL)));
    if (!h->nodes) return GOSS_OK;
    GOSS_TRY(forgive(goss_exec_bind(exec, "nodes", h->nodes, NULL)));
    return forgive(goss_exec_bind(exec, "edges", h->edges, NULL));
}

static goss_status bind(void *context, goss_exec *exec, int64_t first, int64_t tasks, goss_error *err) {
    goss__scorer *h = context;
    GOSS_TRY(goss__task_pack_bind_some(&h->pack, (int)first, (int)tasks, exec, err));
    return bind_structures(h, exec, err);
}

static void put_structure(goss__scorer *h, int at, const float *structure) {
    memcpy(h->structure + (size_t)at * (size_t)h->G, structure, (size_t)h->G * sizeof *structure);
    if (h->nodes)
        goss_space_graph(h->s->space, structure, h->nodes + (size_t)at * (size_t)h->V * (size_t)h->F,
                         h->edges + (size_t)at * (size_t)h->V * (size_t)h->V);
}

/* ---- life ---- */

static goss_status start_values(goss__scorer *h, goss_error *err) {
    goss_params *p = goss_step_params(h->step);
    const goss_layout *const layouts[] = {goss_target_layout(h->s->whole), goss_hyper_layout(h->hyper)};
    static const char *const names[] = {"target", "hyper"};
    for (int i = 0; i < 2; i++) {
        const int at = goss_params_find(p, names[i]);
        if (at >= 0) goss_layout_initialize(layouts[i], h->s->set.run.seed, goss_params_data(p, at));
    }
    (void)err;
    return GOSS_OK;
}

static goss_status make_step(goss__scorer *h, goss_error *err) {
    goss__rates rates;
    goss_step_options o = goss_step_defaults();
    o.tasks = h->A, o.optimizer = h->s->set.optimizer, o.optimizer.ema_decay = 0;
    GOSS_TRY(goss__rates_read(h->s->set.rates, &rates, err));
    o.rates = rates.rule, o.n_rates = rates.n;
    const goss_status s = goss_step_new(&(goss_step_source){build_loss, bind, h}, &o, h->s->threads, &h->step, err);
    goss__rates_free(&rates);
    return s == GOSS_OK ? start_values(h, err) : s;
}

static goss_status reserve(goss__scorer *h, goss_error *err) {
    const size_t A = (size_t)h->A, V = (size_t)h->V;
    h->structure = goss__calloc(A, (size_t)h->G * sizeof(float));
    if (V > 0) {
        h->nodes = goss__calloc(A, V * (size_t)h->F * sizeof(float));
        h->edges = goss__calloc(A, V * V * sizeof(float));
    }
    if (!h->structure || (V > 0 && (!h->nodes || !h->edges)))
        return goss_error_set(err, GOSS_E_NOMEM, "no memory for structures");
    return goss__task_pack_init(&h->pack, h->A, &h->s->data.source.spec, h->s->threads, err);
}

static goss_status make_programs(goss__scorer *h, goss_error *err) {
    const goss__run_data *d = &h->s->data;
    GOSS_TRY(
        goss__assessor_init(&h->judge, &h->s->validation, h->s->own.samples, &d->source.spec, d->metric, h->A, err));
    GOSS_TRY(make_step(h, err));
    GOSS_TRY(compile(h, false, &h->answers, err));
    GOSS_TRY(compile(h, true, &h->weights, err));
    h->params = goss_step_params(h->step);
    GOSS_TRY(goss_params_add(h->params, h->answers, err));
    GOSS_TRY(goss_params_add(h->params, h->weights, err));
    if (!h->s->method.hyper.train_base) GOSS_TRY(start_values(h, err)); /* the base is none of the step's */
    GOSS_TRY(goss_exec_new(h->answers, h->params, h->s->threads, &h->scores, err));
    return goss_exec_new(h->weights, h->params, h->s->threads, &h->generate, err);
}

goss_status goss__scorer_new(goss_search *s, goss_search_method kind, goss__scorer **out, goss_error *err) {
    goss__scorer *h = *out = goss__calloc(1, sizeof *h);
    if (!h) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a hypernetwork");
    h->s = s, h->kind = kind, h->A = s->own.architectures, h->G = goss_space_gates(s->space);
    goss_status status = make_hyper(h, err);
    if (status == GOSS_OK) status = reserve(h, err);
    if (status == GOSS_OK) status = make_programs(h, err);
    if (status == GOSS_OK) return status;
    goss__scorer_free(h);
    *out = NULL;
    return goss_error_prefix(err, status, "%s", goss_search_method_name(kind));
}

void goss__scorer_free(goss__scorer *h) {
    if (!h) return;
    goss_exec_free(h->scores), goss_exec_free(h->generate);
    goss_schedule_free(h->answers), goss_schedule_free(h->weights);
    goss_step_free(h->step);
    goss__assessor_free(&h->judge);
    goss__task_pack_free(&h->pack);
    goss_hyper_free(h->hyper);
    goss__free(h->structure), goss__free(h->nodes), goss__free(h->edges);
    goss__free(h);
}

/* ---- training ---- */

/* A structure to train with: random, and none that is going to be scored, if others are found. */
static void draw_structure(goss__scorer *h, float *out) {
    enum { TRIES = 100 };
    const uint64_t seed = goss__hash64("search training", 15, h->s->set.run.seed);
    for (int i = 0; i < TRIES; i++)
        if (goss__search_random(h->s, seed, h->drawn++, out) && !goss__search_knows(h->s, out)) return;
    h->repeated++;
}

goss_status goss__scorer_train(goss__scorer *h, goss_error *err) {
    const goss_search *s = h->s;
    float *structure = goss__calloc((size_t)h->G + 1, sizeof *structure);
    if (!structure) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a structure");
    goss_rate_schedule schedule = s->set.rate;
    if (s->own.rate > 0) schedule.base = s->own.rate;
    goss_status status = GOSS_OK;
    goss_step_result r;
    for (int64_t k = 0; status == GOSS_OK && k < s->own.steps; k++) {
        for (int i = 0; i < h->A; i++) {
            draw_structure(h, structure);
            put_structure(h, i, structure);
        }
        goss__task_pack_draw(&h->pack, &s->data.source, (uint64_t)k * (uint64_t)h->A, h->A);
        if (s->set.train.mixup > 0)
            goss__task_pack_mix(&h->pack, s->set.train.mixup, s->set.run.seed, (uint64_t)k * (uint64_t)h->A);
        const double rate = goss_rate_at(&schedule, (double)k / (double)s->own.steps, NULL, 0);
        status = goss_step_run(h->step, h->A, rate, s->set.run.seed, (uint64_t)k, &r, err);
        goss__search_tell(s, h->kind == GOSS_SEARCH_GHN ? "ghn: training" : "smash: training", k + 1, s->own.steps);
    }
    goss__free(structure);
    if (status == GOSS_OK && s->own.steps > 0 && (!r.applied || !isfinite(r.loss)))
        return goss_error_set(
            err, GOSS_E_NUMERIC,
            "%s: its training ended with a step that is not finite (loss %g): a smaller search.rate or "
            "optimizer.rate, or a longer optimizer.warmup",
            goss_search_method_name(h->kind), r.loss);
    if (h->repeated > 0)
        goss__log(GOSS_LOG_WARN,
                  "%s: %lld of the %lld structures that it was trained with may be among those that are scored: the "
                  "space has hardly any others within the limits; fewer --trials leave some",
                  goss_search_method_name(h->kind), (long long)h->repeated, (long long)(s->own.steps * h->A));
    return status;
}

/* ---- scores ---- */

goss_status goss__scorer_score(goss__scorer *h, goss_error *err) {
    goss_search *s = h->s;
    double *out = goss__calloc((size_t)h->A, sizeof *out);
    if (!out) return goss_error_set(err, GOSS_E_NOMEM, "no memory for scores");
    goss_status status = GOSS_OK;
    for (int first = h->scored; status == GOSS_OK && first < s->n_trials; first += h->A) {
        const int n = s->n_trials - first < h->A ? s->n_trials - first : h->A;
        for (int i = 0; i < n; i++) put_structure(h, i, s->trial[first + i].structure);
        status = bind_structures(h, h->scores, err);
        if (status == GOSS_OK) status = goss__assess(&h->judge, h->scores, n, out, err);
        for (int i = 0; status == GOSS_OK && i < n; i++) s->trial[first + i].score[h->kind] = out[i];
        goss__search_tell(s, h->kind == GOSS_SEARCH_GHN ? "ghn: scoring" : "smash: scoring", first + n, s->n_trials);
    }
    if (status == GOSS_OK) h->scored = s->n_trials;
    goss__free(out);
    return status;
}

goss_status goss__scorer_weights(goss__scorer *h, const float *structure, goss_target **small, float **slab,
                                 goss_error *err) {
    put_structure(h, 0, structure);
    GOSS_TRY(bind_structures(h, h->generate, err));
    GOSS_TRY(goss_exec_run(h->generate, err));
    return goss_space_compact(h->s->space, structure, goss_exec_output(h->generate, 0, NULL), NULL, small, slab, NULL,
                              err);
}
