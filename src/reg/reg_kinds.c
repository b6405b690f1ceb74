/* SPDX-License-Identifier: Apache-2.0 */
/* reg_kinds.c: the table of kinds, one row each, and the two functions that apply one: build and prox.
 *
 * A row lists the settings it takes; any other setting is an error. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "reg/reg.h"

enum { SOME = 64 }; /* tensors that one concatenation takes */

#define FIELDS(id, takes, least, most, formula_, limit_, source_)                                                      \
    .name = #id, .formula = formula_, .limit = limit_, .source = source_, .settings = takes, .min_tensors = least,     \
    .max_tensors = most
#define KIND(id, ...)                                                                                                  \
    { .kind = {FIELDS(id, __VA_ARGS__)}, .build = goss__reg_##id }
#define PROX(id, ...)                                                                                                  \
    { .kind = {FIELDS(id, __VA_ARGS__), .has_prox = true}, .build = goss__reg_##id, .prox = goss__prox_##id }
#define SIGNED(id, ...)                                                                                                \
    { .kind = {FIELDS(id, __VA_ARGS__), .negative = true}, .build = goss__reg_##id }
#define EPS GOSS_REG_EPSILON
#define TIES GOSS_REG_BRANCHES | GOSS_REG_ADJACENCY

static const goss__reg_row rows[] = {
    PROX(l1, EPS, 1, 1, "sum |w|", "w = 0", "Tibshirani 1996"),
    PROX(l2, 0, 1, 1, "1/2 sum w^2", "w = 0", "Hoerl and Kennard 1970"),
    PROX(elastic, EPS | GOSS_REG_MIX, 1, 1, "mix sum |w| + (1 - mix) / 2 sum w^2", "w = 0", "Zou and Hastie 2005"),
    PROX(group, EPS | GOSS_REG_AXIS, 1, 1, "sum over units u of sqrt(size of u) ||w_u||", "w = 0", "Yuan and Lin 2006"),
    PROX(l21, EPS | GOSS_REG_AXIS, 1, 1, "sum over features f of ||w_f||, over all tasks", "w = 0",
         "Argyriou, Evgeniou and Pontil 2008"),
    PROX(nuclear, EPS | GOSS_REG_EACH, 1, 1, "sum of singular values", "w = 0",
         "Ji and Ye 2009; Cai, Candes and Shen 2010"),
    KIND(spectral, EPS | GOSS_REG_EACH, 1, 1, "largest singular value", "w = 0", "Yoshida and Miyato 2017"),
    KIND(orthogonal, GOSS_REG_EACH, 1, 1, "1/2 ||W W' - I||^2 by the smaller side", "orthonormal rows or columns",
         "Bansal, Chen and Wang 2018"),
    PROX(max_norm, GOSS_REG_BOUND | GOSS_REG_AXIS, 1, 1, "1/2 sum over units u of max(0, ||w_u|| - bound)^2",
         "||w_u|| <= bound", "Srebro and Shraibman 2005; Srivastava et al. 2014"),
    KIND(activity, EPS | GOSS_REG_POWER | GOSS_REG_WEIGHT, 1, 1, "mean over samples of sum z^2 / 2, or of sum |z|",
         "z = 0", "Merity, McCann and Socher 2017"),
    PROX(difference, EPS | GOSS_REG_POWER | TIES, 1, SOME,
         "1/2 sum_k ||r_k - mean r||^2; with a graph 1/2 sum over pairs of a_kl ||r_k - r_l||^2; power 1: norms "
         "without square",
         "equal r, in each connected part of a graph", "Evgeniou and Pontil 2004; Hallac, Leskovec and Boyd 2015"),
    PROX(laplacian, GOSS_REG_NORMALIZED | TIES, 1, SOME, "tr(R' L R) = sum over pairs of a_kl ||r_k - r_l||^2",
         "equal r in each connected part", "Evgeniou, Micchelli and Pontil 2005"),
    KIND(exclusive, EPS | GOSS_REG_BRANCHES, 1, SOME, "1/2 sum over features of (sum_k |r_k|)^2", "w = 0",
         "Zhou, Jin and Hoi 2010"),
    KIND(coactivation, EPS | GOSS_REG_WEIGHT, 2, SOME, "mean over samples of sum over pairs of branches of |z_i| |z_j|",
         "at most one branch is not 0", "this library; of the exclusive lasso's form"),
    KIND(cross, GOSS_REG_WEIGHT, 2, SOME, "sum over pairs of branches of ||Z_i' Z_j / N||^2", "orthogonal branches",
         "Bousmalis et al. 2016"),
    KIND(variance, GOSS_REG_TARGET | GOSS_REG_WEIGHT, 1, 1, "1/2 sum_d (var z_d - target)^2, or from their mean",
         "equal variances", "after Bardes, Ponce and LeCun 2022"),
    KIND(decorrelation, GOSS_REG_WEIGHT, 1, 1, "1/2 sum over d != e of cov(z_d, z_e)^2", "a diagonal covariance",
         "Cogswell et al. 2016"),
    SIGNED(entropy_gaussian, GOSS_REG_RIDGE | GOSS_REG_WEIGHT, 1, 1, "(log det(cov z + ridge I) / D + log 2 pi e) / 2",
           "z constant", "Cover and Thomas 2006, ch. 8"),
    SIGNED(entropy_histogram, GOSS_REG_BINS | GOSS_REG_WEIGHT, 1, 1,
           "mean over d of -sum_b p log p + log(width sigma), p shares of a histogram with spline windows",
           "z constant", "Moddemeijer 1989; spline windows: Mattes et al. 2003"),
    KIND(state_change, GOSS_REG_WEIGHT, 1, 1, "mean over samples of sum over steps of 1/2 ||z_l - z_(l-1)||^2",
         "z constant over steps", "Merity, McCann and Socher 2017"),
    KIND(state_norm, EPS | GOSS_REG_WEIGHT, 1, 1,
         "mean over samples of sum over steps of 1/2 (||z_l|| - ||z_(l-1)||)^2", "a norm that is constant over steps",
         "Krueger and Memisevic 2016"),
    KIND(norm_hyper, EPS | GOSS_REG_EACH | GOSS_REG_NORM, 5, 5, "norm of M = W + tanh(W A + a) B + b", "M = 0",
         "this library; after Balaji, Sankaranarayanan and Chellappa 2018"),
};
enum { KINDS = sizeof rows / sizeof *rows };

const goss_reg_kind *goss_reg_kind_at(int i) { return i >= 0 && i < KINDS ? &rows[i].kind : NULL; }

/* ---- names ---- */

static goss_status unknown(const char *name, goss_error *err) {
    const char *names[KINDS];
    for (int i = 0; i < KINDS; i++) names[i] = rows[i].kind.name;
    goss__str text = {0};
    goss__near_names(&text, name, names, KINDS);
    goss_status s =
        goss_error_set(err, GOSS_E_ARGUMENT, "there is no regularizer \"%.60s\"%s", name, text.data ? text.data : "");
    goss__str_free(&text);
    return s;
}

const goss__reg_row *goss__reg_row_of(const char *name, goss_error *err) {
    for (int i = 0; i < KINDS; i++)
        if (strcmp(rows[i].kind.name, name) == 0) return &rows[i];
    unknown(name, err);
    return NULL;
}

goss_status goss_reg_find(const char *name, const goss_reg_kind **out, goss_error *err) {
    const goss__reg_row *r = goss__reg_row_of(name, err);
    *out = r ? &r->kind : NULL;
    return r ? GOSS_OK : GOSS_E_ARGUMENT;
}

/* ---- settings ---- */

goss_reg_options goss_reg_defaults(void) {
    return (goss_reg_options){
        .strength = 1, .mix = 0.5, .bound = 1, .power = 2, .ridge = 1e-3, .bins = 32, .norm = GOSS_NORM_NUCLEAR};
}

/* Whether each setting has its default, in the order of their bits. */
static bool is_default(unsigned bit, const goss_reg_options *o) {
    const goss_reg_options d = goss_reg_defaults();
    switch (bit) {
    case GOSS_REG_EPSILON:
        return o->epsilon == d.epsilon;
    case GOSS_REG_MIX:
        return o->mix == d.mix;
    case GOSS_REG_BOUND:
        return o->bound == d.bound;
    case GOSS_REG_POWER:
        return o->power == d.power;
    case GOSS_REG_AXIS:
        return o->axis == d.axis;
    case GOSS_REG_EACH:
        return o->each == d.each;
    case GOSS_REG_BRANCHES:
        return o->branches == d.branches;
    case GOSS_REG_NORMALIZED:
        return o->normalized == d.normalized;
    case GOSS_REG_TARGET:
        return o->target == d.target;
    case GOSS_REG_RIDGE:
        return o->ridge == d.ridge;
    case GOSS_REG_BINS:
        return o->bins == d.bins;
    case GOSS_REG_NORM:
        return o->norm == d.norm;
    case GOSS_REG_ADJACENCY:
        return !goss__reg_given(o->adjacency);
    default:
        return !goss__reg_given(o->weight);
    }
}
static const char *const setting_names[] = {"epsilon",    "mix",    "bound", "power", "axis", "each",      "branches",
                                            "normalized", "target", "ridge", "bins",  "norm", "adjacency", "weight"};
enum { SETTINGS = sizeof setting_names / sizeof *setting_names };

static goss_status not_taken(const goss_reg_kind *k, int setting, goss_error *err) {
    goss__str list = {0};
    for (int i = 0; i < SETTINGS; i++)
        if (k->settings >> i & 1) goss__str_addf(&list, ", %s", setting_names[i]);
    goss_status s = goss_error_set(err, GOSS_E_ARGUMENT, "it has no setting %s; it takes strength%s",
                                   setting_names[setting], list.data ? list.data : "");
    goss__str_free(&list);
    return s;
}

static bool finite_from_0(double v) { return v >= 0 && v < INFINITY; }

static goss_status range(goss_error *err, const char *name, double value, const char *wanted) {
    return goss_error_set(err, GOSS_E_ARGUMENT, "%s %g is not %s", name, value, wanted);
}

goss_status goss__reg_check(const goss_reg_kind *k, const goss_reg_options *o, goss_error *err) {
    for (int i = 0; i < SETTINGS; i++)
        if (!(k->settings >> i & 1) && !is_default(1u << i, o)) return not_taken(k, i, err);
    if (!finite_from_0(o->strength)) return range(err, "strength", o->strength, "a finite number of at least 0");
    if (!finite_from_0(o->epsilon)) return range(err, "epsilon", o->epsilon, "a finite number of at least 0");
    if (!(o->mix >= 0 && o->mix <= 1)) return range(err, "mix", o->mix, "between 0 and 1");
    if (!(o->bound > 0 && o->bound < INFINITY)) return range(err, "bound", o->bound, "above 0");
    if (o->power != 1 && o->power != 2) return range(err, "power", o->power, "1 or 2");
    if (!finite_from_0(o->target)) return range(err, "target", o->target, "a finite number of at least 0");
    if (!(o->ridge > 0 && o->ridge < INFINITY)) return range(err, "ridge", o->ridge, "above 0");
    if (o->bins < 4 || o->bins > 256) return range(err, "bins", o->bins, "between 4 and 256");
    if (o->norm < GOSS_NORM_L1 || o->norm > GOSS_NORM_GROUP) return range(err, "norm", o->norm, "one of goss_reg_norm");
    /* Squares have no kink to round off. */
    if (o->epsilon > 0 && o->power == 2 && (k->settings & GOSS_REG_POWER))
        return goss_error_set(err, GOSS_E_ARGUMENT, "epsilon rounds off norms: it goes with power 1");
    return GOSS_OK;
}

/* ---- building and applying ---- */

static goss_graph *graph_of(const goss_val *x, int n) {
    for (int i = 0; i < n; i++)
        if (x[i].graph) return x[i].graph;
    return NULL;
}

/* The row, with options checked, in a scope that names it in errors; NULL: an error was recorded, no scope is open. */
static const goss__reg_row *enter(goss_graph *g, const char *kind, const goss_reg_options *o) {
    goss_error e = {0};
    const goss__reg_row *r = goss__reg_row_of(kind, &e);
    if (!r) {
        goss_graph_fail(g, GOSS_E_ARGUMENT, "%s", e.text);
        return NULL;
    }
    char scope[64] = "regularizer ";
    strncat(scope, r->kind.name, 40);
    goss_scope_push(g, scope);
    if (goss__reg_check(&r->kind, o, &e) == GOSS_OK) return r;
    goss_graph_fail(g, GOSS_E_ARGUMENT, "%s", e.text);
    goss_scope_pop(g);
    return NULL;
}

static goss_val build_row(goss_graph *g, const goss__reg_row *r, const goss_val *x, int n, const goss_reg_options *o) {
    if (n < r->kind.min_tensors || n > r->kind.max_tensors)
        return goss_graph_fail(g, GOSS_E_ARGUMENT, "%d tensors; it takes %d%s%.0d", n, r->kind.min_tensors,
                               r->kind.max_tensors > r->kind.min_tensors ? " to " : "",
                               r->kind.max_tensors > r->kind.min_tensors ? r->kind.max_tensors : 0);
    goss_val v = r->build(x, n, o);
    if (!goss_valid(v)) return v;
    return o->strength == 0 ? goss_zeros_like(v) : goss_scale(v, o->strength);
}

goss_val goss_reg_build(const char *kind, const goss_val *tensors, int n, const goss_reg_options *o) {
    const goss_reg_options defaults = goss_reg_defaults();
    goss_graph *g = graph_of(tensors, n);
    if (!g) return (goss_val){0};
    const goss__reg_row *r = enter(g, kind, o ? o : &defaults);
    if (!r) return (goss_val){g, 0};
    goss_val v = build_row(g, r, tensors, n, o ? o : &defaults);
    goss_scope_pop(g);
    return v;
}

static goss_val prox_of(const goss__reg_row *r, goss_val w, goss_val step, const goss_reg_options *o) {
    goss_graph *g = w.graph;
    if (!r->prox) return goss_graph_fail(g, GOSS_E_UNSUPPORTED, "it has no proximal operator in closed form");
    if (o->epsilon > 0 || o->power != 2 || o->branches)
        return goss_graph_fail(g, GOSS_E_UNSUPPORTED, "the proximal operator is for epsilon 0, power 2, and tasks");
    if (!goss_valid(w) || !goss_valid(step)) return (goss_val){g, 0};
    if (goss_rank(step) != 0) return goss__reg_misfit(w, "the step of a proximal operator has rank 0");
    return r->prox(w, goss_scale(step, o->strength), o);
}

goss_val goss_reg_prox(const char *kind, goss_val w, goss_val step, const goss_reg_options *o) {
    const goss_reg_options defaults = goss_reg_defaults();
    if (!w.graph) return w;
    const goss__reg_row *r = enter(w.graph, kind, o ? o : &defaults);
    if (!r) return (goss_val){w.graph, 0};
    goss_val v = prox_of(r, w, step, o ? o : &defaults);
    goss_scope_pop(w.graph);
    return v;
}
