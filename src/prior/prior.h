/* SPDX-License-Identifier: Apache-2.0 */
/* prior.h: a table while it is made. Arrays are stored by columns: the rows of a column, of a hidden unit or of a score
 * are adjacent, `rows` apart from those of the next.
 *
 * A family fills x, column and y (and z, if its target is a function of the columns). Then the columns become what real
 * ones look like (prior_columns.c) and the scores y become classes or numbers (prior_target.c). */
#ifndef GOSS_PRIOR_PRIOR_H
#define GOSS_PRIOR_PRIOR_H

#include "gossamer/prior.h"
#include "prior/prior_noise.h"

enum {
    GOSS__PRIOR_WIDTH = 64, /* hidden units of a layer, if a table's columns need no more */
    GOSS__PRIOR_DEPTH = 5,  /* layers */
    GOSS__FAMILIES = 9
};

typedef struct goss__draft {
    goss__noise noise;
    const goss__kernels *kernels;
    const goss_prior_options *options;
    void *scratch; /* of products */
    int rows, columns;
    int classes;               /* 0: a number */
    int outputs;               /* scores: 1 is cut by rank, several compete by the largest */
    float *x;                  /* [columns, rows] what the table shows: values, or codes where `levels` is set */
    float *z;                  /* [columns, rows] what the target is a function of */
    float *y;                  /* [outputs, rows] */
    goss_prior_column *column; /* [columns] */
    float *nodes;              /* [nodes, rows] hidden units, or other work */
    int most_nodes;
    float *weights; /* [a layer's units, its inputs] */
    int *index;     /* [rows or columns] permutations, work */
    float *values;  /* [rows] work */
} goss__draft;

static inline float *goss__draft_x(const goss__draft *d, int column) { return d->x + (size_t)column * (size_t)d->rows; }
static inline float *goss__draft_z(const goss__draft *d, int column) { return d->z + (size_t)column * (size_t)d->rows; }
static inline float *goss__draft_y(const goss__draft *d, int output) { return d->y + (size_t)output * (size_t)d->rows; }
static inline float *goss__draft_node(const goss__draft *d, int node) {
    return d->nodes + (size_t)node * (size_t)d->rows;
}

/* ---- prior.c ---- */
struct goss_prior {
    goss_prior_options options;
    double weight[GOSS__FAMILIES];
    goss__draft draft;
    float *target; /* [rows] */
    void *memory;  /* all arrays of the draft */
};
/* Draws table k with these numbers of rows and columns, at most those of the options. */
void goss__prior_draw_sized(goss_prior *prior, uint64_t k, int rows, int columns, goss_prior_table *table);
/* Numbers of rows and columns of table k, by options alone. */
void goss__prior_sizes(const goss_prior_options *o, uint64_t k, int *rows, int *columns);

/* ---- prior_families.c ---- */
typedef struct goss__family {
    goss_prior_family public;
    void (*make)(goss__draft *d);
} goss__family;
const goss__family *goss__family_at(int i);
void goss__family_mlp(goss__draft *d);
void goss__family_causal(goss__draft *d);
void goss__family_graph(goss__draft *d);
void goss__family_tree(goss__draft *d);
void goss__family_rule(goss__draft *d);
void goss__family_process(goss__draft *d);
void goss__family_additive(goss__draft *d);
void goss__family_linear(goss__draft *d);
void goss__family_cluster(goss__draft *d);

/* ---- prior_values.c: what families share ---- */
/* v [rows] with mean 0 and deviation 1; all 0 if it is constant. */
void goss__values_standardise(float *v, int rows);
/* v += s times noise. */
void goss__values_disturb(goss__draft *d, float *v, double s);
/* out [m, rows] = w [m, n] in [n, rows]. */
void goss__values_product(const goss__draft *d, const float *w, int m, int n, const float *in, float *out);
/* Cuts v into `levels` at values that are drawn from it: codes [rows], 0 .. levels - 1, ascending in v. Returns the
 * number of levels, which is less where v repeats values. */
int goss__values_cut(goss__draft *d, const float *v, int levels, float *codes);
/* A permutation of 0 .. n - 1. */
void goss__values_shuffle(goss__draft *d, int *out, int n);
/* A number of levels: few rather than many. */
int goss__values_levels(goss__draft *d);
/* Replaces codes c by number[c]. */
void goss__values_recode(float *codes, int rows, const float *number);
/* A random function of one number, in place: tanh, relu, sine, bump, step ... times a random gain. */
void goss__values_curve(goss__draft *d, float *v);

/* ---- prior_inputs.c ---- */
/* Columns that are not made by the family itself: z, x and column, independent or correlated, some of them discrete. */
void goss__inputs_draw(goss__draft *d);
/* The columns that a target depends on, at least one: their numbers in d->index, and z of each in `out` [n, rows] if it
 * is not NULL. Returns n. */
int goss__inputs_relevant(goss__draft *d, float *out);

/* ---- prior_columns.c ---- */
/* Numbers become what real columns look like; values go missing (NaN). */
void goss__columns_finish(goss__draft *d);

/* ---- prior_target.c ---- */
/* Draws classes and outputs of d before the family runs. */
void goss__answer_plan(goss__draft *d);
/* Turns scores into the target y [rows] and d->classes into the number of classes that are there. */
void goss__answer_finish(goss__draft *d, float *y);
#endif
