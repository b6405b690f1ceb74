/* SPDX-License-Identifier: Apache-2.0 */
/* regularizer_keys.c: the keys of [regularizer.NAME] and the sections of a configuration. All errors that do not
 * depend on the model or the data are found here. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "io/key_row.h"
#include "reg/reg.h"
#include "train/regularizers.h"

#define GOSS__SETTINGS goss__regularizer
#define KEY(name) GOSS__REGULARIZER_FAMILY ".*." name
#define NUMBER(name, member, fallback, min, max, doc) GOSS__KEY_REAL(KEY(name), member, fallback, min, max, NULL, doc)
#define COUNT(name, member, fallback, min, max, doc) GOSS__KEY_INT(KEY(name), member, fallback, min, max, NULL, doc)
#define WORD(name, member, choices, fallback, doc) GOSS__KEY_WORD(KEY(name), member, fallback, choices, doc)
#define TEXT(name, member, doc) GOSS__KEY_TEXT(KEY(name), member, "", doc)
#define SWITCH(name, member, doc) GOSS__KEY_BOOL(KEY(name), member, "false", doc)

static goss_status read_kind(const char *text, void *settings, goss_error *err) {
    goss__regularizer *r = settings;
    const goss_reg_kind *kind;
    GOSS_TRY(goss_reg_find(text, &kind, err));
    if (r) r->kind = kind;
    return GOSS_OK;
}

const goss_key goss__regularizer_keys[] = {
    GOSS__KEY_FORM(KEY("kind"), read_kind, "l2", NULL,
                   "What is penalised: l1, l2, elastic, group, l21, nuclear, spectral, orthogonal, max_norm, activity, "
                   "difference, laplacian, exclusive, coactivation, cross, variance, decorrelation, entropy_gaussian, "
                   "entropy_histogram, state_change, state_norm, norm_hyper (docs/regularisers.md)"),
    TEXT("on", on,
         "Published values by pattern, as features/block3 or weights/dense*.w,weights/head.w; gossamer inspect MODEL "
         "--tensors lists them"),
    NUMBER("strength", strength, "0.1", 0, 1e12,
           "What the penalty is multiplied by, beside a loss that is a mean over tasks; 0: off"),
    WORD("weight", scheme, "fixed|entropy|uncertainty|grad_norm|famo|hypergradient|conditioned", "fixed",
         "How the strength is weighed against the loss and the other regularisers"),
    NUMBER("low", low, "0.001", 1e-12, 1e12,
           "weight = conditioned: strengths are drawn from low to high, and the hypernetwork sees them"),
    NUMBER("high", high, "10", 1e-12, 1e12, "weight = conditioned: the largest strength"),
    NUMBER("from", from, "0", 0, 1, "Share of the training from which on it acts"),
    NUMBER("until", until, "1", 0, 1, "Share of the training up to which it acts"),
    WORD("estimator", estimator, "gaussian|histogram", "gaussian", "weight = entropy: how entropies are estimated"),
    NUMBER("temperature", temperature, "1", 1e-6, 1e6,
           "weight = entropy: of the softmax; towards 0 the highest entropy gets all"),
    NUMBER("smoothing", smoothing, "0.9", 0, 0.9999,
           "weight = entropy: what the moving average of entropies keeps at a step"),
    NUMBER("rate", rate, "0.025", 1e-9, 1e3, "weight = grad_norm, famo, hypergradient: step of the weights"),
    WORD("solver", solver, "one_step|neumann|cg", "one_step",
         "weight = hypergradient: how the step's effect on held rows is found: of one step, or of training to its end, "
         "by a Neumann series or conjugate gradients"),
    COUNT("products", products, "5", 1, 50, "solver = neumann, cg: products with the Hessian a step"),
    NUMBER("damping", damping, "0.01", 0, 1e6, "solver = neumann, cg: added to the Hessian's diagonal"),
    NUMBER("size", size, "0.1", 1e-9, 1e6, "solver = neumann: of a step of the series, below 2 / largest eigenvalue"),
    NUMBER("alpha", alpha, "1.5", 0, 3, "weight = grad_norm: pull towards equal progress"),
    NUMBER("decay", decay, "0.001", 0, 1e3, "weight = famo: pull towards equal weights"),
    TEXT("graph", graph_path,
         "difference, laplacian: a csv file of task,task,weight (branches: of published names), learned, or side (by "
         "data.descriptor); empty: none"),
    NUMBER("degree", degree, "1", 0, 1e9, "graph = learned: keeps every task tied: -degree log(sum of its weights)"),
    NUMBER("square", square, "1", 0, 1e9, "graph = learned: keeps weights small: square/2 sum a^2"),
    NUMBER("sparsity", sparsity, "0", 0, 1e9, "graph = learned: takes weak edges away: sparsity sum a"),
    TEXT("priors", priors_path,
         "A csv file of name,factor: what the strength is multiplied by for values, or for input columns, by pattern"),
    NUMBER("epsilon", options.epsilon, "0", 0, 1e9, "Norms and sizes x become sqrt(x^2 + epsilon^2) - epsilon"),
    NUMBER("mix", options.mix, "0.5", 0, 1, "elastic: share of l1"),
    NUMBER("bound", options.bound, "1", 1e-12, 1e12, "max_norm: norms above it are penalised"),
    COUNT("power", options.power, "2", 1, 2, "activity, difference: 2 squares, 1 sizes"),
    COUNT("axis", options.axis, "0", -7, 7,
          "group, max_norm: the axis (1 is the first behind the tasks) whose elements are units, 0: the last; l21: "
          "whose elements are features, 0: every number"),
    SWITCH("each", options.each,
           "nuclear, spectral, orthogonal, norm_hyper: of each task's own matrix, not of the matrix of all tasks"),
    SWITCH("branches", options.branches,
           "What is tied are the values that `on` finds, within each task; else tasks, within each value"),
    SWITCH("normalized", options.normalized, "laplacian: rows over the root of their degree"),
    NUMBER("target", options.target, "0", 0, 1e12, "variance: what all variances shall be; 0: equal to each other"),
    NUMBER("ridge", options.ridge, "0.001", 1e-12, 1e12, "entropy_gaussian: added to the covariance's diagonal"),
    COUNT("bins", options.bins, "32", 4, 256, "entropy_histogram"),
    WORD("norm", options.norm, "l1|l2|linf|nuclear|group", "nuclear",
         "norm_hyper: of what its network makes of the matrix"),
    COUNT("hidden", hidden, "16", 1, 65536, "norm_hyper: units of its network"),
    WORD(
        "fit", fit, "minmax|validation", "minmax",
        "norm_hyper: its network takes the penalty up while the model takes it down, or learns on rows to validate on"),
    NUMBER("cost", cost, "1", 1e-9, 1e9, "norm_hyper, fit = minmax: what squares of its last layer cost"),
};
const int goss__regularizer_key_count = sizeof goss__regularizer_keys / sizeof *goss__regularizer_keys;

const char *goss__reg_scheme_name(goss__reg_scheme scheme) {
    static const char *const names[] = {"fixed", "entropy",       "uncertainty", "grad_norm",
                                        "famo",  "hypergradient", "conditioned"};
    return names[scheme];
}

/* ---- one section ---- */

static goss__reg_graph graph_of(const char *word) {
    if (!*word) return GOSS__GRAPH_NONE;
    if (strcmp(word, "learned") == 0) return GOSS__GRAPH_LEARNED;
    return strcmp(word, "side") == 0 ? GOSS__GRAPH_SIDE : GOSS__GRAPH_FILE;
}

static goss_status check_graph(const goss__regularizer *r, goss_error *err) {
    const bool takes = r->kind->settings & GOSS_REG_ADJACENCY, learned = r->graph == GOSS__GRAPH_LEARNED;
    if (r->graph != GOSS__GRAPH_NONE && !takes)
        return goss_error_set(err, GOSS_E_ARGUMENT, "graph: kind %s takes none; difference and laplacian do",
                              r->kind->name);
    if (r->graph == GOSS__GRAPH_NONE && strcmp(r->kind->name, "laplacian") == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "graph: laplacian needs one: a csv file of task,task,weight, learned, or side");
    if (!learned && (r->degree != 1 || r->square != 1 || r->sparsity != 0))
        return goss_error_set(err, GOSS_E_ARGUMENT, "degree, square and sparsity are of graph = learned");
    if (learned && r->degree == 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "degree: with 0 a learned graph loses all its edges, since no edge costs less than any");
    if (r->graph == GOSS__GRAPH_SIDE && r->options.branches)
        return goss_error_set(err, GOSS_E_ARGUMENT, "graph: side is over tasks, and branches = true ties branches");
    return GOSS_OK;
}

static goss_status check_kind(const goss__regularizer *r, goss_error *err) {
    if (!*r->on)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "on: is not set: which values, as features/* or weights/head.w (gossamer inspect MODEL "
                              "--tensors lists those of a model)");
    GOSS_TRY(goss__reg_check(r->kind, &r->options, err));
    if (strcmp(r->kind->name, "norm_hyper") != 0 && (r->hidden != 16 || r->fit || r->cost != 1))
        return goss_error_set(err, GOSS_E_ARGUMENT, "hidden, fit and cost are of kind norm_hyper");
    if (r->fit && r->cost != 1) return goss_error_set(err, GOSS_E_ARGUMENT, "cost: goes with fit = minmax");
    if (!(r->from < r->until))
        return goss_error_set(err, GOSS_E_ARGUMENT, "from %g is not before until %g: it would never act", r->from,
                              r->until);
    return check_graph(r, err);
}

/* Settings of schemes, where another one is chosen. */
static goss_status check_scheme(const goss__regularizer *r, goss_error *err) {
    const unsigned entropy = 1u << GOSS__WEIGHT_ENTROPY, grad_norm = 1u << GOSS__WEIGHT_GRAD_NORM,
                   famo = 1u << GOSS__WEIGHT_FAMO, path = 1u << GOSS__WEIGHT_CONDITIONED,
                   hyper = 1u << GOSS__WEIGHT_HYPERGRADIENT;
    const struct {
        const char *key, *schemes;
        unsigned taken;
        bool given;
    } of[] = {{"estimator", "entropy", entropy, r->estimator != GOSS__ENTROPY_GAUSSIAN},
              {"temperature", "entropy", entropy, r->temperature != 1},
              {"smoothing", "entropy", entropy, r->smoothing != 0.9},
              {"rate", "grad_norm, famo or hypergradient", grad_norm | famo | hyper, r->rate != 0.025},
              {"solver", "hypergradient", hyper, r->solver != GOSS__SOLVE_ONE_STEP},
              {"alpha", "grad_norm", grad_norm, r->alpha != 1.5},
              {"low", "conditioned", path, r->low != 0.001},
              {"high", "conditioned", path, r->high != 10},
              {"decay", "famo", famo, r->decay != 0.001}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (of[i].given && !(of[i].taken >> r->scheme & 1))
            return goss_error_set(err, GOSS_E_ARGUMENT, "%s: goes with weight = %s", of[i].key, of[i].schemes);
    const bool solves = r->solver != GOSS__SOLVE_ONE_STEP, series = r->solver == GOSS__SOLVE_NEUMANN;
    if (!solves && (r->products != 5 || r->damping != 0.01))
        return goss_error_set(err, GOSS_E_ARGUMENT, "products and damping go with solver = neumann or cg");
    if (!series && r->size != 0.1) return goss_error_set(err, GOSS_E_ARGUMENT, "size: goes with solver = neumann");
    if (r->scheme == GOSS__WEIGHT_CONDITIONED && r->strength > 0 &&
        !(r->low < r->high && r->strength >= r->low && r->strength <= r->high))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "strength %g is what is validated and kept: it lies between low %g and high %g",
                              r->strength, r->low, r->high);
    return GOSS_OK;
}

/* Weightings by logarithms, or by ratios, of terms. */
bool goss__reg_weighs_positive(const goss__regularizer *r) {
    return r->strength > 0 && (r->scheme == GOSS__WEIGHT_UNCERTAINTY || r->scheme == GOSS__WEIGHT_GRAD_NORM ||
                               r->scheme == GOSS__WEIGHT_FAMO);
}

static goss_status check_sign(const goss__regularizer *r, goss_error *err) {
    const bool learned = r->graph == GOSS__GRAPH_LEARNED;
    if (!goss__reg_weighs_positive(r) || !(learned || r->kind->negative)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "weight: %s is for penalties above 0, and %s%s may be below: take fixed, entropy, "
                          "hypergradient or conditioned",
                          goss__reg_scheme_name(r->scheme), learned ? "the prior of a learned graph" : "kind ",
                          learned ? "" : r->kind->name);
}

static goss_status read_files(goss__regularizer *r, goss_error *err) {
    if (r->graph == GOSS__GRAPH_FILE)
        GOSS_TRY(goss_error_prefix(err, goss__reg_lines_read(r->graph_path, 2, &r->edges, err), "graph"));
    if (*r->priors_path)
        GOSS_TRY(goss_error_prefix(err, goss__reg_lines_read(r->priors_path, 1, &r->priors, err), "priors"));
    return GOSS_OK;
}

static void name_measures(goss__regularizer *r) {
    snprintf(r->measure, sizeof r->measure, GOSS__REGULARIZER_FAMILY ".%s", r->name);
    snprintf(r->weight, sizeof r->weight, GOSS__REGULARIZER_FAMILY ".%s.weight", r->name);
    snprintf(r->entropy, sizeof r->entropy, GOSS__REGULARIZER_FAMILY ".%s.entropy", r->name);
    snprintf(r->matrix, sizeof r->matrix, GOSS__REGULARIZERS ".%s.graph", r->name);
}

static goss_status read_section(const goss_config *c, const char *name, goss__regularizer *r, goss_error *err) {
    *r = (goss__regularizer){.name = name, .options = goss_reg_defaults()};
    GOSS_TRY(goss_config_bind_section(c, name, goss__regularizer_keys, goss__regularizer_key_count, r, err));
    r->graph = graph_of(r->graph_path);
    name_measures(r);
    goss_status s = check_kind(r, err);
    if (s == GOSS_OK) s = check_scheme(r, err);
    if (s == GOSS_OK) s = check_sign(r, err);
    if (s == GOSS_OK) s = read_files(r, err);
    return goss_error_prefix(err, s, "[regularizer.%s]", name);
}

/* ---- all of them ---- */

static const char *disagreement(const goss__regularizer *a, const goss__regularizer *b) {
    return a->estimator != b->estimator       ? "estimator"
           : a->temperature != b->temperature ? "temperature"
           : a->smoothing != b->smoothing     ? "smoothing"
           : a->rate != b->rate               ? "rate"
           : a->alpha != b->alpha             ? "alpha"
           : a->solver != b->solver           ? "solver"
           : a->products != b->products       ? "products"
           : a->damping != b->damping         ? "damping"
           : a->size != b->size               ? "size"
           : a->decay != b->decay             ? "decay"
                                              : NULL;
}

/* The sections of a scheme share it. */
static goss_status check_together(const goss__regularizers *all, goss_error *err) {
    int first[GOSS__WEIGHTS], count[GOSS__WEIGHTS] = {0};
    for (int i = 0; i < all->n; i++) {
        const goss__regularizer *r = &all->at[i];
        if (r->strength == 0 || r->scheme == GOSS__WEIGHT_FIXED || r->scheme == GOSS__WEIGHT_CONDITIONED) continue;
        if (count[r->scheme]++ == 0) first[r->scheme] = i;
        const char *key = disagreement(&all->at[first[r->scheme]], r);
        if (key)
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "[regularizer.%s] and [regularizer.%s]: %s: sections of one weight share its settings",
                all->at[first[r->scheme]].name, r->name, key);
    }
    if (count[GOSS__WEIGHT_ENTROPY] != 1) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "[regularizer.%s]: weight: entropy divides a weight among sections, and it is the only one",
                          all->at[first[GOSS__WEIGHT_ENTROPY]].name);
}

goss_status goss__regularizers_read(const goss_config *c, goss__regularizers *out, goss_error *err) {
    *out = (goss__regularizers){0};
    const int n = goss_config_sections(c, GOSS__REGULARIZER_FAMILY);
    if (n > GOSS__REGULARIZERS_MOST)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d sections [regularizer.NAME]: %d at most", n,
                              GOSS__REGULARIZERS_MOST);
    for (; out->n < n; out->n++) {
        const char *name = goss_config_section(c, GOSS__REGULARIZER_FAMILY, out->n);
        const goss_status s = read_section(c, name, &out->at[out->n], err);
        if (s == GOSS_OK) continue;
        out->n++;
        return s;
    }
    return check_together(out, err);
}

void goss__regularizers_free(goss__regularizers *r) {
    for (int i = 0; i < r->n; i++) {
        goss__reg_lines_free(&r->at[i].edges), goss__reg_lines_free(&r->at[i].priors);
        goss__free(r->at[i].feature);
        goss__free(r->at[i].adjacency), goss__free(r->at[i].share), goss__free(r->at[i].branches);
    }
    goss_layout_free(r->learned), goss_layout_free(r->variances);
    *r = (goss__regularizers){0};
}

bool goss__regularizers_act(const goss__regularizers *r) {
    for (int i = 0; i < r->n; i++)
        if (r->at[i].strength > 0) return true;
    return false;
}
