/* SPDX-License-Identifier: Apache-2.0 */
/* reg_check.h: small cases of every kind of regularizer, one or more a row of the table, and their numbers. */
#ifndef GOSS_REG_CHECK_H
#define GOSS_REG_CHECK_H

#include "gossamer/regularizer.h"
#include "graph_check.h"

enum { REG_TENSORS = 5, NO_GRAPH = 0, WITH_GRAPH = 1, WITH_WEIGHT = 2 };

typedef struct reg_case {
    const char *kind, *name;
    int n, rank[REG_TENSORS];
    int64_t shape[REG_TENSORS][4];
    goss_reg_options o; /* zero fields: defaults (reg_options) */
    int with;           /* a graph of 4 nodes, weights of 5 samples for 4 tasks */
} reg_case;

#define ONE_OF(...)                                                                                                    \
    .n = 1, .rank = {(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))}, .shape = {{__VA_ARGS__}}
#define TWO_OF(...)                                                                                                    \
    .n = 2,                                                                                                            \
    .rank = {(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                                                \
             (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))},                                               \
    .shape = {{__VA_ARGS__}, {__VA_ARGS__}}
#define FOUR_OF(...) .n = 4, .rank = {3, 3, 3, 3}, .shape = {{__VA_ARGS__}, {__VA_ARGS__}, {__VA_ARGS__}, {__VA_ARGS__}}

static const reg_case reg_cases[] = {
    {"l1", "plain", ONE_OF(4, 3, 2)},
    {"l1", "of one number a task", ONE_OF(4)},
    {"l1", "rounded", ONE_OF(4, 3), .o = {.epsilon = 0.3}},
    {"l2", "plain", ONE_OF(4, 3, 2)},
    {"elastic", "plain", ONE_OF(4, 3, 2), .o = {.mix = 0.3}},
    {"group", "columns", ONE_OF(4, 3, 2)},
    {"group", "rows", ONE_OF(4, 3, 2), .o = {.axis = 1}},
    {"group", "rounded", ONE_OF(4, 3, 2), .o = {.epsilon = 0.2}},
    {"l21", "numbers", ONE_OF(4, 3)},
    {"l21", "features", ONE_OF(4, 3, 2), .o = {.axis = 1}},
    {"l21", "rounded", ONE_OF(4, 3), .o = {.epsilon = 0.2}},
    {"nuclear", "of tasks", ONE_OF(4, 3)},
    {"nuclear", "flat and rounded", ONE_OF(4, 3, 2), .o = {.epsilon = 0.3}},
    {"nuclear", "each task's", ONE_OF(2, 3, 2, 3), .o = {.each = true}},
    {"spectral", "of tasks", ONE_OF(4, 3)},
    {"spectral", "each task's", ONE_OF(2, 3, 4), .o = {.each = true, .epsilon = 0.3}},
    {"orthogonal", "tall", ONE_OF(4, 3)},
    {"orthogonal", "each task's, flat", ONE_OF(2, 2, 4), .o = {.each = true}},
    {"max_norm", "columns", ONE_OF(4, 3, 2), .o = {.bound = 0.7}},
    {"activity", "squares", ONE_OF(4, 5, 3)},
    {"activity", "sizes", ONE_OF(4, 5, 2, 2), .o = {.power = 1}, .with = WITH_WEIGHT},
    {"difference", "from the mean", ONE_OF(4, 3, 2)},
    {"difference", "norms from the mean", ONE_OF(4, 3), .o = {.power = 1}},
    {"difference", "on a graph", ONE_OF(4, 3), .with = WITH_GRAPH},
    {"difference", "norms on a graph", ONE_OF(4, 3), .o = {.power = 1}, .with = WITH_GRAPH},
    {"difference", "of branches", TWO_OF(4, 3, 2), .o = {.branches = true}},
    {"difference", "norms of branches on a graph", FOUR_OF(2, 2, 2),
     .o = {.branches = true, .power = 1, .epsilon = 0.1}, .with = WITH_GRAPH},
    {"laplacian", "of tasks", ONE_OF(4, 3), .with = WITH_GRAPH},
    {"laplacian", "normalised", ONE_OF(4, 3, 2), .o = {.normalized = true}, .with = WITH_GRAPH},
    {"laplacian", "of branches", FOUR_OF(2, 3, 2), .o = {.branches = true}, .with = WITH_GRAPH},
    {"exclusive", "tasks", ONE_OF(4, 3)},
    {"exclusive", "branches", TWO_OF(4, 3, 2), .o = {.branches = true, .epsilon = 0.2}},
    {"coactivation", "plain", TWO_OF(4, 5, 3)},
    {"coactivation", "four of them", FOUR_OF(4, 5, 2), .o = {.epsilon = 0.1}, .with = WITH_WEIGHT},
    {"cross", "plain", .n = 2, .rank = {3, 3}, .shape = {{4, 5, 2}, {4, 5, 3}}},
    {"cross", "weighted", FOUR_OF(4, 5, 2), .with = WITH_WEIGHT},
    {"variance", "equal", ONE_OF(4, 5, 3)},
    {"variance", "of 1", ONE_OF(4, 5, 3), .o = {.target = 1}, .with = WITH_WEIGHT},
    {"decorrelation", "plain", ONE_OF(4, 5, 3)},
    {"decorrelation", "weighted", ONE_OF(4, 5, 3), .with = WITH_WEIGHT},
    {"entropy_gaussian", "many samples", ONE_OF(4, 5, 3), .o = {.ridge = 0.1}},
    {"entropy_gaussian", "few samples", ONE_OF(2, 3, 5), .o = {.ridge = 0.2}},
    {"entropy_gaussian", "weighted", ONE_OF(4, 5, 2), .o = {.ridge = 0.1}, .with = WITH_WEIGHT},
    {"entropy_histogram", "few bins", ONE_OF(2, 5, 2), .o = {.bins = 5}},
    {"entropy_histogram", "weighted", ONE_OF(4, 5, 2), .o = {.bins = 8}, .with = WITH_WEIGHT},
    {"state_change", "plain", ONE_OF(4, 2, 3, 2)},
    {"state_change", "weighted", ONE_OF(4, 5, 3, 2), .with = WITH_WEIGHT},
    {"state_norm", "plain", ONE_OF(4, 2, 3, 2)},
    {"state_norm", "rounded, weighted", ONE_OF(4, 5, 2, 3), .o = {.epsilon = 0.3}, .with = WITH_WEIGHT},
#define NETWORK .n = 5, .rank = {2, 2, 1, 2, 1}, .shape = {{4, 3}, {3, 2}, {2}, {2, 3}, {3}}
    {"norm_hyper", "nuclear", NETWORK},
    {"norm_hyper", "L1", NETWORK, .o = {.norm = GOSS_NORM_L1 + 100}},
    {"norm_hyper", "L2", NETWORK, .o = {.norm = GOSS_NORM_L2}},
    {"norm_hyper", "Linf", NETWORK, .o = {.norm = GOSS_NORM_LINF}},
    {"norm_hyper", "group", NETWORK, .o = {.norm = GOSS_NORM_GROUP}},
    {"norm_hyper", "each task's", .n = 5, .rank = {3, 2, 1, 2, 1}, .shape = {{2, 4, 3}, {3, 2}, {2}, {2, 3}, {3}},
     .o = {.each = true, .norm = GOSS_NORM_L2}},
};
enum { REG_CASES = sizeof reg_cases / sizeof *reg_cases };

static inline goss_reg_options reg_options(const reg_case *c) {
    goss_reg_options o = goss_reg_defaults();
    o.strength = 0.7, o.epsilon = c->o.epsilon, o.axis = c->o.axis, o.each = c->o.each, o.branches = c->o.branches;
    o.normalized = c->o.normalized, o.target = c->o.target;
    if (c->o.mix) o.mix = c->o.mix;
    if (c->o.bound) o.bound = c->o.bound;
    if (c->o.power) o.power = c->o.power;
    if (c->o.ridge) o.ridge = c->o.ridge;
    if (c->o.bins) o.bins = c->o.bins;
    if (c->o.norm) o.norm = c->o.norm % 100; /* 100 + L1, which is 0 */
    return o;
}

static const goss_edge reg_edges[4] = {{0, 1, 1}, {1, 2, 0.5}, {0, 3, 2}, {2, 3, 0.25}};
static const double reg_weights[20] = {1, 2, 0, 1, 1, 1, 1, 1, 1, 1, 0.5, 0, 1, 0, 3, 1, 0, 2, 1, 1};

/* The inputs x0, x1, ... with normal numbers that keep away from 0, where sizes have a kink, and the penalty of
 * them. */
static inline goss_val reg_build(world *w, const reg_case *c, goss_val *x) {
    goss_reg_options o = reg_options(c);
    for (int i = 0; i < c->n; i++) {
        char name[64];
        goss_shape s = {.rank = c->rank[i]};
        for (int k = 0; k < s.rank; k++) s.dim[k] = goss_n(c->shape[i][k]);
        snprintf(name, sizeof name, "x%d", i);
        x[i] = world_normal(w, name, s);
        double *v = world_numbers(w, name);
        for (int64_t k = 0; k < world_numel(w, s); k++) v[k] += v[k] < 0 ? -0.1 : 0.1;
    }
    if (c->with == WITH_GRAPH) {
        float a[16];
        double wide[16];
        if (goss_edges_matrix(reg_edges, 4, 4, a, &w->err) != GOSS_OK) return (goss_val){w->g, 0};
        for (int i = 0; i < 16; i++) wide[i] = a[i];
        o.adjacency = world_input(w, "graph", GOSS_REAL, GOSS_SHAPE(goss_n(4), goss_n(4)), wide);
    }
    if (c->with == WITH_WEIGHT)
        o.weight = world_input(w, "weight", GOSS_REAL, GOSS_SHAPE(goss_n(c->shape[0][0]), goss_n(5)), reg_weights);
    return goss_reg_build(c->kind, x, c->n, &o);
}
#endif
