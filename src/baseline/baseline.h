/* SPDX-License-Identifier: Apache-2.0 */
/* baseline.h: fitted baselines inside. Coefficients are [outputs, 1 + width], the constant first; outputs is 1 for
 * regression, else the classes. In regression y is (y - mean) / deviation of the training tasks throughout. */
#ifndef GOSS_BASELINE_BASELINE_H
#define GOSS_BASELINE_BASELINE_H

#include <stddef.h>

#include "baseline/logistic.h"
#include "baseline/span.h"
#include "gossamer/baseline.h"

enum { GOSS__STRENGTHS = 16 }; /* sizes of the support set at most */

/* What is drawn where, and how strongly. */
typedef struct goss__strength {
    double level, slope;
    const double *towards; /* [outputs, 1 + width]; NULL: 0 */
} goss__strength;

typedef struct goss__chosen {
    int support;          /* rows */
    goss__strength ridge; /* towards NULL */
    goss__strength mean;  /* towards is owned */
} goss__chosen;

struct goss_baselines {
    int width, classes;
    double offset, scale;                 /* of y, regression */
    goss__chosen chosen[GOSS__STRENGTHS]; /* by support, ascending; at least one */
    int n;
};

static inline int goss__outputs(const goss_baselines *b) { return b->classes ? b->classes : 1; }
static inline size_t goss__coefficients(const goss_baselines *b) {
    return (size_t)goss__outputs(b) * (size_t)(1 + b->width);
}
/* The strengths for a support set of so many rows: those of the size whose logarithm is nearest. */
const goss__chosen *goss__strengths_for(const goss_baselines *b, int support);

/* A support set to which strengths are applied, in turn; y [n] is in the units above. */
typedef struct goss__fitting {
    const goss__dense *dense;
    const goss__span *span;
    goss__span own;
    const double *y;
    int outputs;
    bool classes;
    goss__logistic logistic; /* classes */
    double *gram, *factor;   /* numbers: [1 + rank, 1 + rank] */
    double level, slope;     /* of the factor */
    double *offset, *change; /* [n, outputs], [outputs, 1 + rank] */
    double *memory;
} goss__fitting;
GOSS_MUST_USE goss_status goss__fitting_open(goss__fitting *f, const goss__dense *d, const goss_baselines *b,
                                             const goss_rows *support, const double *y, goss_error *err);
/* The same of rows whose span is known; borrowed. */
GOSS_MUST_USE goss_status goss__fitting_begin(goss__fitting *f, const goss__dense *d, const goss_baselines *b,
                                              const goss__span *span, const double *y, goss_error *err);
void goss__fitting_close(goss__fitting *f);
/* The coefficients that a strength gives: w [outputs, 1 + width], another array than strength->towards. */
void goss__fit(goss__fitting *f, const goss__strength *strength, double *w);
/* The same in the coordinates of the span: how coefficients whose outputs (logits) are offset [n, outputs] change,
 * [outputs, 1 + rank]. NULL: those that are 0. With classes the search starts where `change` is. */
void goss__fit_change(goss__fitting *f, double level, double slope, const double *offset, double *change);
/* Outputs of coefficients: numbers [n] in the units above, or probabilities [n, classes]. */
void goss__linear(const double *w, int width, int outputs, bool classes, const goss_rows *rows, double *out);
/* The same of many rows, and logits for classes: out [n, outputs], whose rows are `row` apart. */
void goss__outputs_of(const goss__dense *d, const double *w, int width, int outputs, const goss_rows *rows, double *out,
                      int row);
void goss__probabilities(double *logits, int classes);

/* The strengths that are tried. */
typedef struct goss__grid {
    double slope[16], level[16], pull[4]; /* pull: how strongly the mean slopes themselves are drawn to 0; regression */
    int slopes, levels, pulls;
} goss__grid;
static inline int goss__grid_size(const goss__grid *g) { return g->slopes * g->levels * g->pulls; }
static inline int goss__grid_at(const goss__grid *g, int slope, int level, int pull) {
    return (slope * g->levels + level) * g->pulls + pull;
}

/* Training tasks in `folds` parts; y[t] are the targets in the units above. */
typedef struct goss__training {
    const goss_baselines *b;
    const goss_rows *task;
    const double *const *y;
    const int *fold; /* [n] */
    int n, folds;
    int inputs; /* before rows were taken in coordinates of their span */
    const goss__dense *dense;
} goss__training;

/* The training tasks' mean coefficients m for each strength of the grid, without each fold in turn and at last of all
 * tasks: out [folds + 1, grid, outputs, 1 + width], zeroed before. */
GOSS_MUST_USE goss_status goss__priors_numbers(const goss__training *t, const goss__grid *g, double *out,
                                               goss_error *err);
GOSS_MUST_USE goss_status goss__priors_classes(const goss__training *t, const goss__grid *g, double *out,
                                               goss_error *err);
/* Fills b->chosen. inputs as above; ordered, seed and most_support as in the options. */
GOSS_MUST_USE goss_status goss__choose(goss_baselines *b, const goss__dense *d, const goss_rows *tasks,
                                       const double *const *y, int n_tasks, int inputs, const goss_baselines_options *o,
                                       goss_error *err);
#endif
