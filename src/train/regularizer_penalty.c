/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer_penalty.c: the sections of a run as one penalty of its step.
 *
 * A section's penalty is that of its kind on each value that `on` finds (with branches: on all of them together). Next
 * to a loss that is a mean over tasks it is one, too: where a kind ties tasks and gives one number for all, that is
 * divided by the number of tasks. A strength thus means the same for any number of them. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "meta/method.h"
#include "reg/reg.h"
#include "train/regularizers.h"

enum { VALUES = 256 };

/* One section in a graph. */
typedef struct term {
    goss_graph *g;
    goss__regularizers *all;
    goss__regularizer *r;
    goss_published_value value[VALUES];
    int n;
    const goss_weights *learned; /* of GOSS__REGULARIZERS; NULL: nothing is */
} term;

static goss_val fail(const term *t, goss_status s, const char *what) {
    return goss_graph_fail(t->g, s, "[regularizer.%s]: %s", t->r->name, what);
}

/* Errors until goss_scope_pop name the section and the value, or the pattern. */
static void enter(const term *t, const char *of) {
    char place[2 * GOSS__REGULARIZER_NAME];
    snprintf(place, sizeof place, "[regularizer.%s] on %s", t->r->name, of);
    goss_scope_push(t->g, place);
}

/* Deduplicates values that are published under two names. */
static int without_repeats(goss_published_value *v, int n) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
        int seen = 0;
        while (seen < kept && v[seen].value.id != v[i].value.id) seen++;
        if (seen == kept) v[kept++] = v[i];
    }
    return kept;
}

/* One pattern of `on`. A name has to be there; with wildcards it may be for other networks, as conv*.w in
 * "conv*.w,dense*.w", and is warned of. */
static goss_status check_pattern(const term *t, const char *pattern, goss_error *err) {
    int n;
    if (!*pattern) return goss_error_set(err, GOSS_E_ARGUMENT, "\"%s\": a name is missing at a comma", t->r->on);
    const goss_status s = goss_published(t->g, pattern, NULL, 0, &n, err);
    if (s != GOSS_E_ARGUMENT || !strpbrk(pattern, "*?")) return s;
    if (!t->r->told_patterns) goss__log(GOSS_LOG_WARN, "[regularizer.%s] on: %s finds no value", t->r->name, pattern);
    return GOSS_OK;
}

/* Where `on` is a list: what is wrong with one of it would be hidden by what the others find. */
static goss_status check_patterns(const term *t, goss_error *err) {
    char *list = goss__strdup(t->r->on), *rest = list, *one;
    if (!list) return goss_error_set(err, GOSS_E_NOMEM, "no memory for patterns");
    goss_status s = GOSS_OK;
    while (s == GOSS_OK && (one = strsep(&rest, ","))) {
        one += strspn(one, " ");
        for (size_t n = strlen(one); n > 0 && one[n - 1] == ' '; n--) one[n - 1] = 0;
        s = check_pattern(t, one, err);
    }
    goss__free(list);
    t->r->told_patterns = true;
    return s;
}

static bool find_values(term *t) {
    goss_error err;
    goss_status s = strchr(t->r->on, ',') ? check_patterns(t, &err) : GOSS_OK;
    if (s == GOSS_OK) s = goss_published(t->g, t->r->on, t->value, VALUES, &t->n, &err);
    if (s == GOSS_OK) t->n = without_repeats(t->value, t->n);
    if (s != GOSS_OK) goss_graph_fail(t->g, s, "[regularizer.%s]: on: %s", t->r->name, err.text);
    return s == GOSS_OK;
}

/* ---- samples ---- */

static bool begins(const char *name, const char *with) { return strncmp(name, with, strlen(with)) == 0; }

static bool of_layer(const char *name) { return begins(name, "features/") || begins(name, "hidden/"); }

static bool has_samples(const goss_published_value *v) { return of_layer(v->name) || begins(v->name, "logits"); }

/* Sample weights [T, N] of a value with a sample axis; GOSS_NONE: it has none. */
static goss_val weight_of(const term *t, const goss_published_value *v) {
    const char *name = v->name;
    const goss_task_batch *b = t->all->batch;
    const bool layers = of_layer(name);
    if (!has_samples(v)) return GOSS_NONE;
    const char *set = layers ? strchr(name, '/') + 1 : "";
    const bool support = begins(set, "support/") || begins(set, "condition/");
    goss_val w = support ? goss__support_weight(b) : b->query_weight;
    if (layers) w = goss__sample_weight(b, !support, w);
    const bool fits = goss_valid(w) && goss_rank(v->value) >= 2 &&
                      goss_extent_equal(goss_dim(w, 0), goss_dim(v->value, 0)) &&
                      goss_extent_equal(goss_dim(w, 1), goss_dim(v->value, 1));
    return fits ? w : GOSS_NONE;
}

/* A value [T, N, ...] with 0 in the place of samples that do not count. */
static goss_val without_padding(const term *t, const goss_published_value *v, goss_val value) {
    goss_val w = weight_of(t, v);
    if (!goss_valid(w)) return value;
    while (goss_valid(w) && goss_rank(w) < goss_rank(value)) w = goss_unsqueeze(w, goss_rank(w));
    return goss_select(w, value, goss_const(t->g, 0));
}

/* ---- what a kind sees of a value ---- */

static bool by_task(const goss__regularizer *r) { return !r->options.branches; }

/* Whether the kind only couples rows of tasks, so that equal rows have penalty 0. */
static bool ties_rows(const goss__regularizer *r) {
    return by_task(r) && (strcmp(r->kind->name, "difference") == 0 || strcmp(r->kind->name, "laplacian") == 0);
}

/* Kinds that tie tasks see the mean over a task's samples, its first moment (linear MMD, Tzeng et al. 2014): sample i
 * of one task has nothing to do with sample i of another. Other kinds of samples take weights; to those without them
 * padding is 0, which adds nothing to a norm. */
static goss_val seen_of(const term *t, const goss_published_value *v) {
    const goss_val value = goss__reg_by_features(t->all, t->r, v);
    if (ties_rows(t->r) && has_samples(v)) return goss__reg_sample_mean(goss__reg_samples(value), weight_of(t, v));
    return t->r->kind->settings & GOSS_REG_WEIGHT ? value : without_padding(t, v, value);
}

/* ---- graphs ---- */

/* Nodes of the graph: all tasks that have a number, or the branches. */
static int64_t nodes_of(const term *t) { return by_task(t->r) ? t->r->nodes : t->n; }

/* Rows and columns [T, T] of a matrix over all tasks that belong to the step's. */
static goss_val of_step(const term *t, goss_val matrix) {
    const goss_val id = t->all->batch->id;
    if (!by_task(t->r) || !goss_valid(matrix)) return matrix;
    if (!goss_valid(id)) return fail(t, GOSS_E_ARGUMENT, "graph: the tasks of this step have no numbers");
    return goss_gather(goss_transpose(goss_gather(matrix, id)), id);
}

/* exp(-|d_s - d_t|^2 / mean square distance) of the tasks' descriptors. */
static goss_val similarity(const term *t) {
    const goss_val d = t->all->batch->descriptor;
    if (!goss_valid(d)) return fail(t, GOSS_E_ARGUMENT, "graph: side: the tasks have no descriptors");
    goss_val apart = goss_sum(goss_square(goss_sub(goss_unsqueeze(d, 0), goss_unsqueeze(d, 1))), GOSS_AXIS(2), false);
    goss_val mean = goss_max(goss_mean_all(apart), goss_const(t->g, 1e-12));
    return goss_exp(goss_neg(goss_div(apart, mean)));
}

static goss_status branch_edges(term *t, goss_error *err) {
    const char *names[VALUES];
    for (int i = 0; i < t->n; i++) names[i] = t->value[i].name;
    return goss__reg_edges(t->r, names, t->n, err);
}

static goss_val given_graph(term *t) {
    const goss_extent k = goss_n(nodes_of(t));
    goss_error err;
    if (!by_task(t->r)) {
        const goss_status s = branch_edges(t, &err);
        if (s != GOSS_OK) return fail(t, s, err.text);
    }
    return of_step(t, goss_param(t->g, t->r->matrix, GOSS_SHAPE(k, k)));
}

static goss_val learned_graph(const term *t) {
    char name[GOSS__REGULARIZER_NAME];
    snprintf(name, sizeof name, "%s.theta", t->r->name);
    return of_step(t, goss_reg_adjacency(goss_squeeze(goss_weights_get(t->learned, name), 0)));
}

static goss_val graph_of(term *t) {
    switch (t->r->graph) {
    case GOSS__GRAPH_FILE:
        return given_graph(t);
    case GOSS__GRAPH_LEARNED:
        return learned_graph(t);
    case GOSS__GRAPH_SIDE:
        return similarity(t);
    default:
        return GOSS_NONE;
    }
}

/* ---- one value ---- */

static bool is_shared(const term *t, goss_val v) {
    return goss_rank(v) > 0 && goss_extent_is(goss_dim(v, 0), 1) && t->all->tasks > 1;
}

/* Of a matrix of all tasks the side that is a number is decomposed: where tasks are fewer than numbers, theirs. The
 * whole batch has as many as a step. */
static goss_val fixed_rows(const term *t, goss_val v) {
    goss_shape s = goss_shape_of(v);
    if (!goss_valid(v) || s.rank < 2 || !s.dim[0].symbols) return v;
    double numbers = 1;
    for (int i = 1; i < s.rank; i++) numbers *= s.dim[i].symbols ? 1e9 : (double)s.dim[i].count;
    return numbers > (double)t->all->tasks ? goss_gather(v, goss_iota(t->g, goss_n(t->all->tasks))) : v;
}

static goss_val counted_rows(const term *t, goss_val v) {
    const bool matrix = t->r->kind->settings & GOSS_REG_EACH && !t->r->options.each;
    return matrix ? fixed_rows(t, v) : v;
}

/* The five tensors of norm_hyper are one value and its network. */
static bool has_network(const goss__regularizer *r) { return strcmp(r->kind->name, "norm_hyper") == 0; }

static bool takes_all(const goss__regularizer *r) {
    return r->options.branches || (r->kind->min_tensors > 1 && !has_network(r));
}

/* One number for each task, [T] or [1], or a joint number of which each task has an equal share. */
static goss_val per_task(goss_val penalty, goss_val of) {
    if (!goss_valid(penalty) || goss_rank(penalty) > 0) return penalty;
    return goss_div(penalty, goss__reg_count(penalty.graph, goss_dim(of, 0)));
}

static goss_val penalty_of(const term *t, const char *of, const goss_val *v, int n, goss_val weight,
                           goss_val adjacency) {
    goss_reg_options o = t->r->options;
    if (t->r->kind->settings & GOSS_REG_WEIGHT) o.weight = weight;
    o.adjacency = adjacency;
    enter(t, of);
    const goss_val penalty = per_task(goss_reg_build(t->r->kind->name, v, n, &o), v[0]);
    goss_scope_pop(t->g);
    return penalty;
}

/* A branch that all tasks share, [1, ...], beside branches that each task has: a row for each task. */
static void repeat_shared(const term *t, goss_val *v) {
    int own = 0;
    while (own < t->n && (!goss_valid(v[own]) || goss_rank(v[own]) == 0 || is_shared(t, v[own]))) own++;
    for (int i = 0; i < t->n && own < t->n; i++) {
        if (!goss_valid(v[i]) || !is_shared(t, v[i])) continue;
        goss_shape s = goss_shape_of(v[i]);
        s.dim[0] = goss_dim(v[own], 0);
        v[i] = goss_broadcast(v[i], s);
    }
}

static goss_val together(const term *t, goss_val adjacency) {
    goss_val v[VALUES];
    for (int i = 0; i < t->n; i++) {
        v[i] = seen_of(t, &t->value[i]);
        const double factor = goss__reg_prior(t->r, t->value[i].name);
        if (factor != 1) v[i] = goss_scale(v[i], factor);
    }
    repeat_shared(t, v);
    return penalty_of(t, t->r->on, v, t->n, weight_of(t, &t->value[0]), adjacency);
}

/* Warns once: a shared row has no differences. */
static void tell_shared(term *t, int shared) {
    if (shared == 0 || t->r->told) return;
    t->r->told = true;
    goss__log(shared == t->n ? GOSS_LOG_WARN : GOSS_LOG_INFO,
              "[regularizer.%s] %d of %d values that `on` finds are the same for all tasks%s", t->r->name, shared, t->n,
              shared == t->n ? ": it ties nothing, and has no effect" : ", and tied already");
}

/* live: with a gradient by the networks of norm_hyper. */
static goss_val one_by_one(term *t, goss_val adjacency, bool live) {
    goss_val sum = goss_const(t->g, 0);
    int shared = 0;
    for (int i = 0; i < t->n; i++) {
        if (ties_rows(t->r) && is_shared(t, t->value[i].value)) {
            shared++;
            continue;
        }
        goss_val x[5] = {counted_rows(t, seen_of(t, &t->value[i]))};
        const int n = has_network(t->r) ? 5 : 1;
        if (n > 1) goss__reg_network(t->r, i, t->learned, live, x + 1);
        const goss_val p = penalty_of(t, t->value[i].name, x, n, weight_of(t, &t->value[i]), adjacency);
        const double factor = goss__reg_prior(t->r, t->value[i].name);
        if (factor > 0) sum = goss_add(sum, factor == 1 ? p : goss_scale(p, factor));
    }
    tell_shared(t, shared);
    return sum;
}

/* ---- what is reported ---- */

/* Nats a dimension of a value: of samples, the mean over tasks; else over tasks, which are its samples. */
static goss_val entropy_of_value(const term *t, const goss_published_value *v) {
    goss_reg_options o = goss_reg_defaults();
    goss_val x = v->value, w = weight_of(t, v);
    if (!goss_valid(w)) {
        x = goss__reg_rows(fixed_rows(t, x));
        x = goss_unsqueeze(x, 0);
    }
    o.weight = goss_valid(w) ? w : GOSS_NONE;
    enter(t, v->name);
    const goss_val h = goss_mean_all(goss_reg_build(
        t->r->estimator == GOSS__ENTROPY_HISTOGRAM ? "entropy_histogram" : "entropy_gaussian", &x, 1, &o));
    goss_scope_pop(t->g);
    return h;
}

static goss_val entropy_of(const term *t) {
    goss_val sum = goss_const(t->g, 0);
    if (t->r->scheme != GOSS__WEIGHT_ENTROPY) return GOSS_NONE;
    for (int i = 0; i < t->n; i++) sum = goss_add(sum, entropy_of_value(t, &t->value[i]));
    return goss_detach(goss_scale(sum, 1.0 / t->n));
}

static void measure(goss_graph *g, goss_step_loss *loss, const char *name, goss_val v) {
    if (loss->n_measures == GOSS_STEP_MEASURES)
        goss_graph_fail(g, GOSS_E_ARGUMENT, "regularisers: more than %d numbers to report", GOSS_STEP_MEASURES);
    else
        loss->measure[loss->n_measures++] = (goss_step_measure){name, v};
}

/* Each branch's part of the sum of squares of all. */
static void measure_shares(term *t, goss_step_loss *loss) {
    goss__regularizer *r = t->r;
    goss_val v[VALUES], size[VALUES], sum = goss_const(t->g, 1e-30);
    if (!takes_all(r)) return;
    for (int i = 0; i < t->n; i++) v[i] = without_padding(t, &t->value[i], t->value[i].value);
    repeat_shared(t, v);
    if (!r->share) {
        r->share = goss__calloc((size_t)t->n, sizeof *r->share), r->n_shares = r->share ? t->n : 0;
        if (!r->share) fail(t, GOSS_E_NOMEM, "no memory for the names of shares");
    }
    for (int i = 0; i < r->n_shares; i++) sum = goss_add(sum, size[i] = goss_norm2(goss_detach(v[i])));
    for (int i = 0; i < r->n_shares; i++) {
        snprintf(r->share[i], sizeof r->share[i], "%s.share.%s", r->measure, t->value[i].name);
        measure(t->g, loss, r->share[i], goss_div(size[i], sum));
    }
}

/* ---- one section ---- */

static goss_val prior_of(const term *t, goss_val adjacency) {
    const goss__regularizer *r = t->r;
    if (r->graph != GOSS__GRAPH_LEARNED) return GOSS_NONE;
    const goss_val prior = goss_reg_graph_prior(adjacency, r->degree, r->square, r->sparsity);
    return by_task(r) ? per_task(prior, adjacency) : prior;
}

/* Published for the report: shares and the graph. */
static void name_branches(term *t) {
    goss__str names = {0};
    if (!takes_all(t->r) || t->r->branches) return;
    for (int i = 0; i < t->n; i++) goss__str_addf(&names, "%s%s", i ? ", " : "", t->value[i].name);
    if (names.failed) fail(t, GOSS_E_NOMEM, "no memory for names");
    t->r->branches = names.data;
}

/* Whether all that an l1 norm is taken of are gates that add up to 1. */
static bool is_constant(const term *t) {
    const goss_method *m = t->all->method;
    bool shares = strcmp(t->r->kind->name, "l1") == 0 && m->share && goss_share_gates_are_shares(m->share);
    for (int i = 0; i < t->n; i++) shares = shares && begins(t->value[i].name, "gates/");
    return shares;
}

static goss_val section_penalty(term *t) {
    if (is_constant(t))
        return fail(t, GOSS_E_ARGUMENT,
                    "gates of share.gates = softmax and gumbel add up to 1, and l1 of them has no effect: "
                    "share.gates = sigmoid or hard_concrete have gates that close, each by itself");
    if (ties_rows(t->r) && t->all->tasks < 2)
        return fail(
            t, GOSS_E_ARGUMENT,
            "it ties tasks, and a step has one: it takes data of several tasks, and train.tasks = 0 (all in each "
            "step) or above 1");
    name_branches(t);
    const goss_val adjacency = graph_of(t), prior = t->r->graph ? prior_of(t, adjacency) : GOSS_NONE;
    const goss_val v = takes_all(t->r) ? together(t, adjacency) : one_by_one(t, adjacency, false);
    return goss_valid(prior) ? goss_add(v, prior) : v;
}

static goss_status plan_networks(const term *t, goss_layout *l, goss_error *err) {
    for (int i = 0; i < t->n; i++) {
        enter(t, t->value[i].name);
        const goss_val m = goss__reg_matrix(t->value[i].value, &t->r->options);
        goss_scope_pop(t->g);
        if (!goss_valid(m)) return goss_graph_status(t->g, err);
        if (goss_dim(m, -1).symbols)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "[regularizer.%s]: on: %s: norm_hyper is for matrices with a fixed number of columns",
                                  t->r->name, t->value[i].name);
        GOSS_TRY(goss__reg_network_plan(t->r, i, goss_dim(m, -1).count, l, err));
    }
    return GOSS_OK;
}

/* What a section learns, as tensors of one parameter. Known once the values are. */
static goss_status plan(const term *t, goss_layout *l, goss_error *err) {
    char name[GOSS__REGULARIZER_NAME];
    const int64_t k = nodes_of(t);
    if (has_network(t->r)) return plan_networks(t, l, err);
    if (t->r->graph != GOSS__GRAPH_LEARNED) return GOSS_OK;
    snprintf(name, sizeof name, "%s.theta", t->r->name);
    if (goss_layout_find(l, name) >= 0) return GOSS_OK;
    const goss_entry e = {.name = name,
                          .rank = 2,
                          .dim = {k, k},
                          .init = GOSS_INIT_ZEROS,
                          .role = GOSS_ROLE_BIAS,
                          .layer = -1,
                          .out_units = -1,
                          .in_units = -1};
    return goss_layout_add(l, &e, err);
}

/* ---- all of them ---- */

/* The sections that act, with their values and what they learn. */
static int begin(goss__regularizers *all, goss_graph *g, term *terms) {
    goss_error err;
    int n = 0;
    goss_status s = all->learned ? GOSS_OK : goss_layout_new(&all->learned, &err);
    for (int i = 0; i < all->n && s == GOSS_OK; i++) {
        if (all->at[i].strength == 0) continue;
        term *t = &terms[n];
        t->g = g, t->all = all, t->r = &all->at[i], t->learned = NULL;
        if (!find_values(t)) return 0;
        s = plan(t, all->learned, &err);
        if (s == GOSS_OK)
            s = goss_error_prefix(&err, goss__reg_priors_resolve(all, t->r, t->value, t->n, &err), "[regularizer.%s]",
                                  t->r->name);
        n++;
    }
    if (s != GOSS_OK) goss_graph_fail(g, s, "%s", err.text);
    return s == GOSS_OK ? n : 0;
}

static goss_weights *learn_along(goss__regularizers *all, goss_graph *g, goss_step_loss *loss) {
    if (goss_layout_total(all->learned) == 0) return NULL;
    goss_weights *w = goss_weights_from_params(g, all->learned, GOSS__REGULARIZERS);
    if (loss->n_params == GOSS_STEP_PARAMS)
        goss_graph_fail(g, GOSS_E_ARGUMENT, "regularisers: the step has %d parameters already", GOSS_STEP_PARAMS);
    else
        loss->param[loss->n_params++] = (goss_step_param){
            .name = GOSS__REGULARIZERS, .layout = all->learned, .param = goss_weights_slab(w), .end = GOSS_NONE};
    return w;
}

/* Micro-batches hold one task at a time, so its own number is needed. */
static goss_val mean_of(goss_val v) { return goss_valid(v) && goss_rank(v) > 0 ? goss_mean_all(v) : v; }

/* strength factor penalty, and what is told of it. own: the penalty before its mean over tasks. */
static goss_val weighed(term *t, const goss__reg_term *w, goss_val own, goss_step_loss *loss) {
    const bool scheme = goss_valid(w->factor);
    const goss_val by = scheme ? goss_scale(w->factor, t->r->strength) : GOSS_NONE;
    goss_val v = scheme ? goss_mul(own, by) : goss_scale(own, t->r->strength);
    const goss_val phase = goss__reg_phase(t->all, t->g, t->r);
    if (goss_valid(phase)) v = goss_mul(v, phase);
    measure(t->g, loss, t->r->measure, mean_of(v));
    if (scheme) measure(t->g, loss, t->r->weight, by);
    if (goss_valid(w->entropy)) measure(t->g, loss, t->r->entropy, w->entropy);
    measure_shares(t, loss);
    return v;
}

static goss_val sum_of(goss__regularizers *all, goss_graph *g, term *terms, goss_step_loss *loss) {
    const int n_params = loss->n_params, n = begin(all, g, terms);
    goss__reg_term w[GOSS__REGULARIZERS_MOST];
    goss_val own[GOSS__REGULARIZERS_MOST];
    if (n == 0) return GOSS_NONE;
    goss_weights *learned = learn_along(all, g, loss);
    for (int i = 0; i < n; i++) {
        terms[i].learned = learned;
        own[i] = section_penalty(&terms[i]);
        w[i] = (goss__reg_term){
            .r = terms[i].r, .n_values = terms[i].n, .penalty = mean_of(own[i]), .entropy = entropy_of(&terms[i])};
        if (has_network(terms[i].r)) w[i].fitted = mean_of(one_by_one(&terms[i], GOSS_NONE, true));
    }
    const goss_val fit = goss__reg_hypergradients(all, g, w, n, learned, loss, n_params);
    goss_val sum = goss__reg_factors(all, g, w, n, loss, n_params);
    if (goss_valid(fit)) sum = goss_valid(sum) ? goss_add(sum, fit) : fit;
    all->first_measure = loss->n_measures;
    for (int i = 0; i < n; i++) {
        const goss_val v = weighed(&terms[i], &w[i], own[i], loss);
        sum = goss_valid(sum) ? goss_add(sum, v) : v;
    }
    all->n_measures = loss->n_measures - all->first_measure;
    goss_weights_free(learned);
    return sum;
}

goss_val goss__regularizers_penalty(void *context, goss_graph *g, goss_step_loss *loss) {
    goss__regularizers *all = context;
    if (!goss__regularizers_act(all)) return GOSS_NONE;
    term *terms = goss__calloc((size_t)all->n, sizeof *terms);
    if (!terms) return goss_graph_fail(g, GOSS_E_NOMEM, "no memory for regularisers");
    const goss_val sum = sum_of(all, g, terms, loss);
    goss__free(terms);
    return sum;
}
