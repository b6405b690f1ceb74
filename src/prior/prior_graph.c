/* SPDX-License-Identifier: Apache-2.0 */
/* prior_graph.c: columns and target are nodes of a random directed graph that grows node by node. A node is a root,
 * or a simple mechanism of one to three earlier nodes, older ones more often: a sum of curves, a product, a lookup of
 * levels, the larger one. Sparse mechanisms give columns that interact and depend on each other, unlike dense
 * networks. */
#include <string.h>

#include "prior/prior.h"

typedef struct growth {
    double noise, root, early; /* early: how much earlier nodes are preferred as parents */
} growth;

static const float *parent(goss__draft *d, const growth *g, int node) {
    int at = goss__noise_below(&d->noise, node);
    if (goss__noise_chance(&d->noise, g->early)) at = goss__noise_below(&d->noise, at + 1);
    return goss__draft_node(d, at);
}

static void root(goss__draft *d, const growth *g, int node, float *v) {
    const bool spread = goss__noise_chance(&d->noise, 0.5);
    (spread ? goss__noise_uniforms : goss__noise_normals)(&d->noise, v, d->rows);
}

static void sum(goss__draft *d, const growth *g, int node, float *v) {
    const int parents = goss__noise_count(&d->noise, 0.5, 3);
    float *term = goss__draft_node(d, d->most_nodes - 1);
    memset(v, 0, (size_t)d->rows * sizeof *v);
    for (int p = 0; p < parents; p++) {
        const float weight = (float)goss__rng_normal(&d->noise.r);
        memcpy(term, parent(d, g, node), (size_t)d->rows * sizeof *term);
        goss__values_curve(d, term);
        for (int i = 0; i < d->rows; i++) v[i] += weight * term[i];
    }
}

static void product(goss__draft *d, const growth *g, int node, float *v) {
    const float *a = parent(d, g, node), *b = parent(d, g, node);
    for (int i = 0; i < d->rows; i++) v[i] = a[i] * b[i];
}

static void larger(goss__draft *d, const growth *g, int node, float *v) {
    const float *a = parent(d, g, node), *b = parent(d, g, node);
    for (int i = 0; i < d->rows; i++) v[i] = a[i] > b[i] ? a[i] : b[i];
}

/* A number for each pair of levels of two parents. */
static void lookup(goss__draft *d, const growth *g, int node, float *v) {
    float number[64], *second = goss__draft_node(d, d->most_nodes - 1);
    const int levels = 2 + goss__noise_below(&d->noise, 5);
    goss__noise_normals(&d->noise, number, 64);
    goss__values_cut(d, parent(d, g, node), levels, v);
    goss__values_cut(d, parent(d, g, node), levels, second);
    for (int i = 0; i < d->rows; i++) v[i] = number[(int)v[i] * levels + (int)second[i]];
}

void goss__family_graph(goss__draft *d) {
    static void (*const mechanism[])(goss__draft *, const growth *, int, float *) = {sum,     sum,    sum,
                                                                                     product, lookup, larger};
    goss__noise *r = &d->noise;
    const growth g = {.noise = goss__noise_log_between(r, 1e-3, 0.7),
                      .root = goss__noise_between(r, 0.05, 0.4),
                      .early = goss__noise_between(r, 0, 1)};
    const int needed = d->columns + d->outputs, nodes = needed + goss__noise_below(r, needed / 2 + 2);
    for (int n = 0; n < nodes; n++) {
        float *v = goss__draft_node(d, n);
        if (n == 0 || goss__noise_chance(r, g.root))
            root(d, &g, n, v);
        else
            mechanism[goss__noise_below(r, 6)](d, &g, n, v);
        goss__values_standardise(v, d->rows);
        if (n > 0) goss__values_disturb(d, v, g.noise);
    }
    /* Later nodes have more ancestors: the target is one of the later half, or any. */
    const bool late = goss__noise_chance(r, 0.7);
    goss__values_shuffle(d, d->index, nodes);
    for (int o = 0; o < d->outputs; o++) {
        int at = o;
        while (late && at + 1 < nodes && d->index[at] < nodes / 2) at++;
        const int node = d->index[at];
        d->index[at] = d->index[o], d->index[o] = node;
        memcpy(goss__draft_y(d, o), goss__draft_node(d, node), (size_t)d->rows * sizeof *d->y);
    }
    for (int j = 0; j < d->columns; j++) {
        memcpy(goss__draft_x(d, j), goss__draft_node(d, d->index[d->outputs + j]), (size_t)d->rows * sizeof *d->x);
        d->column[j] = (goss_prior_column){.kind = GOSS_PRIOR_NUMBER};
    }
}
