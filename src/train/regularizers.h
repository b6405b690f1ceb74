/* SPDX-License-Identifier: Apache-2.0 */
/* regularizers.h: the sections [regularizer.NAME] of a run: what they say, the graphs and strengths that they name in
 * files, and the penalty that they are together.
 *
 * A section is one penalty: a kind of regularizer.h on the published values that match a pattern. What it has learned
 * (a graph, a network, weights) lies in parameters "regularizers" and "regularizers.SCHEME..." of the step, so that a
 * checkpoint of the step has it all. */
#ifndef GOSS_TRAIN_REGULARIZERS_H
#define GOSS_TRAIN_REGULARIZERS_H

#include "gossamer/config.h"
#include "gossamer/method.h"
#include "gossamer/regularizer.h"
#include "gossamer/step.h"
#include "train/regularizer_implicit.h"
#include "train/run_data.h"

/* The parameter of what is trained along, a tensor for each graph and network: "regularizers.tie.theta". */
#define GOSS__REGULARIZERS "regularizers"
#define GOSS__REGULARIZERS_HELD GOSS__REGULARIZERS ".held"
#define GOSS__REGULARIZER_FAMILY "regularizer"

enum { GOSS__REGULARIZERS_MOST = 24, GOSS__REGULARIZER_NAME = 160 };

typedef enum goss__reg_graph {
    GOSS__GRAPH_NONE,
    GOSS__GRAPH_FILE,
    GOSS__GRAPH_LEARNED,
    GOSS__GRAPH_SIDE
} goss__reg_graph;

/* In the order of the choices of the key `weight`. */
typedef enum goss__reg_scheme {
    GOSS__WEIGHT_FIXED,
    GOSS__WEIGHT_ENTROPY,
    GOSS__WEIGHT_UNCERTAINTY,
    GOSS__WEIGHT_GRAD_NORM,
    GOSS__WEIGHT_FAMO,
    GOSS__WEIGHT_HYPERGRADIENT,
    GOSS__WEIGHT_CONDITIONED,
    GOSS__WEIGHTS
} goss__reg_scheme;

/* What schemes multiply a strength by at most; hypergradient: from 1 / it on. */
#define GOSS__REG_FACTOR 1000.0

/* How the entropy of a representation is estimated, and what the network of norm_hyper learns by. */
typedef enum goss__reg_estimator { GOSS__ENTROPY_GAUSSIAN, GOSS__ENTROPY_HISTOGRAM } goss__reg_estimator;
typedef enum goss__reg_fit { GOSS__FIT_MINMAX, GOSS__FIT_VALIDATION } goss__reg_fit;

/* A line of a file of edges or of priors. */
typedef struct goss__reg_line {
    char *a, *b; /* b NULL: priors have one name */
    double number;
    int64_t line;
} goss__reg_line;
typedef struct goss__reg_lines {
    goss__reg_line *line;
    int n;
} goss__reg_lines;

/* One section. Texts are the configuration's. */
typedef struct goss__regularizer {
    const char *name, *on;
    const goss_reg_kind *kind;
    goss_reg_options options; /* strength 1, no adjacency, no weight: those are the graph's */
    double strength;          /* 0: off */
    goss__reg_scheme scheme;
    double temperature, smoothing, rate, alpha, decay; /* of schemes, the same in all sections of one */
    goss__reg_estimator estimator;
    goss__reg_graph graph;
    const char *graph_path;          /* of GOSS__GRAPH_FILE */
    goss__reg_lines edges;           /* of it */
    double degree, square, sparsity; /* of GOSS__GRAPH_LEARNED */
    float *adjacency;                /* [nodes, nodes] of GOSS__GRAPH_FILE, once its nodes are known */
    int64_t nodes;
    char *branches;          /* "hidden/dense1, hidden/dense2", where values are taken together */
    double from, until;      /* shares of the training between which it acts */
    double low, high;        /* GOSS__WEIGHT_CONDITIONED: strengths from, to */
    int slot;                /* and which one of the method's it is */
    goss__reg_solver solver; /* GOSS__WEIGHT_HYPERGRADIENT, the same in all sections of it */
    int products;
    double damping, size;
    int hidden; /* norm_hyper: units of its networks */
    goss__reg_fit fit;
    double cost; /* of min-max */
    const char *priors_path;
    goss__reg_lines priors;
    float *feature; /* [features] what rows of the first layer are multiplied by; NULL: nothing */
    int features;
    char measure[GOSS__REGULARIZER_NAME]; /* "regularizer.tie": what is added to the loss */
    char weight[GOSS__REGULARIZER_NAME];  /* "regularizer.tie.weight": what the penalty is multiplied by */
    char entropy[GOSS__REGULARIZER_NAME];
    char (*share)[2 * GOSS__REGULARIZER_NAME]; /* [n_shares] "regularizer.tie.share.hidden/dense1", of branches */
    int n_shares;
    char matrix[GOSS__REGULARIZER_NAME]; /* "regularizers.tie.graph", the parameter of a given graph */
    bool told, told_patterns;            /* what its tensors lack was said; which patterns of `on` find nothing */
} goss__regularizer;

typedef struct goss__regularizers {
    goss__regularizer at[GOSS__REGULARIZERS_MOST];
    int n;
    const goss__run_data *data; /* set before a penalty is built */
    const goss_method *method;
    const goss_task_batch *batch; /* of the loss that the penalty is attached to, and its tasks */
    int64_t tasks;
    goss_layout *learned;   /* of GOSS__REGULARIZERS; NULL: nothing is trained along */
    goss_layout *variances; /* log variances of the scheme uncertainty */
    int held_rows;          /* to validate on, in front of the queries of a task; 0: none */
    const float *held;      /* [ids] tasks that have some; borrowed from the source */
    bool measured;          /* the numbers are those of a step */
    double last[GOSS_STEP_MEASURES];
    int first_measure; /* of those of a step that are theirs */
    int n_measures;
} goss__regularizers;

/* ---- regularizer_keys.c ---- */
extern const goss_key goss__regularizer_keys[];
extern const int goss__regularizer_key_count;
/* Reads and checks all sections and the files that they name. Errors: GOSS_E_ARGUMENT, "[regularizer.tie] KEY: ...". */
goss_status goss__regularizers_read(const goss_config *c, goss__regularizers *out, goss_error *err);
void goss__regularizers_free(goss__regularizers *r);
const char *goss__reg_scheme_name(goss__reg_scheme scheme);
/* Whether its weight is one for terms above 0 alone. */
bool goss__reg_weighs_positive(const goss__regularizer *r);
/* Whether there is a penalty at all. */
bool goss__regularizers_act(const goss__regularizers *r);

/* ---- regularizer_lines.c ---- */
/* Lines "a,b,number" (names 2) or "a,number" of a csv file, with or without a header. Errors: FILE:LINE. */
goss_status goss__reg_lines_read(const char *path, int names, goss__reg_lines *out, goss_error *err);
void goss__reg_lines_free(goss__reg_lines *l);
/* The matrix of r's edges over nodes of those names. Errors: an unknown name, with the near ones; a loop; an edge that
 * is there twice. */
goss_status goss__reg_edges(goss__regularizer *r, const char *const *names, int64_t n, goss_error *err);

/* ---- regularizer_penalty.c ---- */
/* goss_step_options.penalty; context: goss__regularizers. */
goss_val goss__regularizers_penalty(void *context, goss_graph *g, goss_step_loss *loss);

/* ---- regularizer_priors.c ---- */
/* What the lines of r's priors name, once `on` has found v[n]. Errors: a line that names nothing, with the near names;
 * a factor of a feature for a kind that has no part for each. */
goss_status goss__reg_priors_resolve(goss__regularizers *all, goss__regularizer *r, const goss_published_value *v,
                                     int n, goss_error *err);
/* What a value's penalty is multiplied by. */
double goss__reg_prior(const goss__regularizer *r, const char *name);
/* The value with its rows scaled by the factors of the inputs that they meet. */
goss_val goss__reg_by_features(const goss__regularizers *all, const goss__regularizer *r,
                               const goss_published_value *v);

/* ---- regularizer_weigh.c ---- */
/* The penalty of a section, as it is weighed. */
typedef struct goss__reg_term {
    const goss__regularizer *r;
    int n_values;     /* that `on` has found */
    goss_val penalty; /* rank 0, of strength 1 */
    goss_val fitted;  /* norm_hyper: the same with a gradient by its networks */
    goss_val entropy; /* of the scheme entropy: of its values, rank 0 */
    goss_val factor;  /* set: what the strength is multiplied by; GOSS_NONE: 1 */
} goss__reg_term;
/* Sets the factors of n terms, with what their schemes keep as parameters and states of the step. n_params: of the
 * loss that are the method's. Returns what trains the schemes, of value 0; GOSS_NONE: nothing. */
goss_val goss__reg_factors(goss__regularizers *all, goss_graph *g, goss__reg_term *t, int n, goss_step_loss *loss,
                           int n_params);

/* ---- regularizer_hyper.c ---- */
bool goss__reg_learns_on_held(const goss__regularizer *r);
/* The four tensors of a value's network of a width, in a layout and in a graph. live: with a gradient. */
goss_status goss__reg_network_plan(const goss__regularizer *r, int value, int64_t width, goss_layout *l,
                                   goss_error *err);
void goss__reg_network(const goss__regularizer *r, int value, const goss_weights *w, bool live, goss_val out[4]);
/* Sets factors of the scheme hypergradient; returns what trains networks, of value 0; GOSS_NONE: nothing does. */
goss_val goss__reg_hypergradients(goss__regularizers *all, goss_graph *g, goss__reg_term *t, int n,
                                  const goss_weights *w, goss_step_loss *loss, int n_params);

/* ---- regularizer_path.c ---- */
/* Gives conditioned sections their places. Errors: a method that does not see them, or sees some that are not there. */
goss_status goss__reg_path_plan(goss__regularizers *all, const goss_method *m, goss_error *err);
/* Sets the factors of conditioned sections. */
void goss__reg_path_factors(goss_graph *g, goss__reg_term *t, int n);
/* Draws the strengths of a step into its parameters, and whether each section acts at that progress of the training. */
void goss__reg_path_draw(const goss__regularizers *all, uint64_t seed, uint64_t step, double progress,
                         goss_params *params);
/* 1 or 0: whether section i acts in this step; GOSS_NONE: it always does. */
goss_val goss__reg_phase(const goss__regularizers *all, goss_graph *g, const goss__regularizer *r);
/* Sets a model to the strengths that the configuration names. */
void goss__reg_path_default(const goss__regularizers *all, goss_model *m);
/* Notes their ranges. */
goss_status goss__reg_path_keep(const goss__regularizers *all, goss_model *m, goss_error *err);

/* ---- regularizer_state.c ---- */
/* Tasks by name, once data is open, and the rows of it that are learned on. Errors: a graph over tasks that have no
 * names; as goss__reg_edges; no rows to learn on. */
goss_status goss__regularizers_resolve(goss__regularizers *r, const goss_method *m, goss__run_data *data,
                                       goss_error *err);
/* The numbers that the sections reported in a step. */
void goss__regularizers_measured(goss__regularizers *r, const goss_step_result *x);
/* Warns of weights that ended at their limit. */
void goss__regularizers_tell(const goss__regularizers *r, const goss_step *step);
/* What a model keeps of them: graphs as tensors "regularizers.NAME.graph", and notes of what each section is and of the
 * numbers it reported last. */
goss_status goss__regularizers_keep(const goss__regularizers *r, const goss_step *step, goss_model *m, goss_error *err);
/* Starting values of a compiled step's parameters. */
void goss__regularizers_start(const goss__regularizers *r, uint64_t seed, goss_params *params);
#endif
