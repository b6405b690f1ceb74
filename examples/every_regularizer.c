/* SPDX-License-Identifier: Apache-2.0 */
/* every_regularizer.c: what each kind of penalty does to the numbers it is put on. Random tensors W0 of four tasks are
 * moved by gradient steps towards the minimum of
 *     1/2 ||W - W0||^2 + strength penalty(W),
 * in arrays of the program's own: a penalty needs no graph and no model (goss_reg_value_grad), so that it can be used
 * from any other framework. The table shows the penalty at strength 0, and how it falls towards the limit that the
 * header states. Public headers only. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/regularizer.h"

enum {
    TASKS = 4,
    SAMPLES = 12,
    STATES = 4,
    FEATURES = 5,
    MOST = TASKS * SAMPLES * FEATURES,
    TENSORS = 5,
    STEPS = 4000
};
static const double strengths[] = {0.1, 1, 10};

static goss_error err;
static float start[TENSORS][MOST], w[TENSORS][MOST], slope[TENSORS][MOST];

static void must(goss_status status) {
    if (status == GOSS_OK) return;
    fprintf(stderr, "%s\n", err.text);
    exit(1);
}

static float normal(void) {
    double u = (rand() + 1.0) / (RAND_MAX + 2.0), v = (rand() + 1.0) / (RAND_MAX + 2.0);
    return (float)(sqrt(-2 * log(u)) * cos(2 * M_PI * v));
}

/* ---- the tensors that a kind takes ---- */

typedef struct problem {
    const goss_reg_kind *kind;
    goss_reg_tensor tensor[TENSORS];
    int tensors, moved; /* of the tensors, how many the penalty is put on; the others are its own network */
    goss_edge edge[TASKS];
    int edges;
} problem;

static size_t numel(const goss_reg_tensor *t) {
    size_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= (size_t)t->shape[i];
    return n;
}

/* Kinds that weigh samples are about a layer's outputs [T, N, D], or states at steps [T, N, L, D]; the others about
 * weights [T, D]. */
static problem make_problem(const goss_reg_kind *kind) {
    problem p = {.kind = kind, .tensors = kind->min_tensors};
    const goss_reg_tensor weights = {.rank = 2, .shape = {TASKS, FEATURES}};
    const goss_reg_tensor outputs = {.rank = 3, .shape = {TASKS, SAMPLES, FEATURES}};
    const goss_reg_tensor states = {.rank = 4, .shape = {TASKS, SAMPLES / STATES, STATES, FEATURES}};
    for (int i = 0; i < p.tensors; i++) p.tensor[i] = kind->settings & GOSS_REG_WEIGHT ? outputs : weights;
    if (strncmp(kind->name, "state_", 6) == 0) p.tensor[0] = states;
    p.moved = p.tensors;
    if (strcmp(kind->name, "norm_hyper") == 0) { /* W, then a [D, H], its bias, b [H, D], its bias, which stay */
        p.moved = 1;
        p.tensor[1] = p.tensor[3] = (goss_reg_tensor){.rank = 2, .shape = {FEATURES, FEATURES}};
        p.tensor[2] = p.tensor[4] = (goss_reg_tensor){.rank = 1, .shape = {FEATURES}};
    }
    if (kind->settings & GOSS_REG_ADJACENCY) /* a ring of tasks */
        for (; p.edges < TASKS; p.edges++) p.edge[p.edges] = (goss_edge){p.edges, (p.edges + 1) % TASKS, 0.25};
    for (int i = 0; i < p.tensors; i++) {
        p.tensor[i].data = w[i];
        for (size_t j = 0; j < numel(&p.tensor[i]); j++) start[i][j] = i < p.moved ? normal() : 0;
    }
    return p;
}

/* ---- its minimum ---- */

static double value_and_slope(const problem *p, goss_reg *reg) {
    float *grads[TENSORS] = {0};
    double value;
    for (int i = 0; i < p->moved; i++) grads[i] = slope[i];
    must(goss_reg_value_grad(reg, p->tensor, p->tensors, &value, grads, &err));
    return value;
}

static goss_reg *make_reg(const problem *p, double strength) {
    goss_reg *reg;
    goss_reg_options o = goss_reg_defaults();
    o.strength = strength;
    /* Smooth, for plain gradient steps; squares are. */
    if (p->kind->settings & GOSS_REG_EPSILON && !(p->kind->settings & GOSS_REG_POWER)) o.epsilon = 0.01;
    must(goss_reg_new(p->kind->name, &o, p->edge, p->edges, 1, &reg, &err));
    return reg;
}

/* Steps that are shortened where they are too long; the penalty where they end, per unit of strength. */
static double minimum(const problem *p, double strength) {
    goss_reg *reg = make_reg(p, strength), *one = make_reg(p, 1);
    memcpy(w, start, sizeof w);
    for (int step = 0; strength > 0 && step < STEPS; step++) {
        double length = 0;
        value_and_slope(p, reg);
        for (int i = 0; i < p->moved; i++)
            for (size_t j = 0; j < numel(&p->tensor[i]); j++) {
                slope[i][j] += w[i][j] - start[i][j];
                length += (double)(slope[i][j] * slope[i][j]);
            }
        const float by = (float)fmin(0.02 / (1 + strength), 0.05 / sqrt(length + 1e-30));
        for (int i = 0; i < p->moved; i++)
            for (size_t j = 0; j < numel(&p->tensor[i]); j++) w[i][j] -= by * slope[i][j];
    }
    const double value = value_and_slope(p, one);
    goss_reg_free(reg), goss_reg_free(one);
    return value;
}

int main(void) {
    printf("%-18s %10s", "kind", "without");
    for (int s = 0; s < 3; s++) printf("  strength %-4g", strengths[s]);
    printf("  limit of infinite strength\n");
    for (int i = 0; goss_reg_kind_at(i); i++) {
        const problem p = make_problem(goss_reg_kind_at(i));
        printf("%-18s %10.4f", p.kind->name, minimum(&p, 0));
        for (int s = 0; s < 3; s++) printf("  %13.4f", minimum(&p, strengths[s]));
        printf("  %s\n", p.kind->limit);
    }
    return 0;
}
