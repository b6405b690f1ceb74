/* SPDX-License-Identifier: Apache-2.0 */
/* prior_tree.c: a sum of a few random decision trees. A split is a column and one of its values, so that it divides
 * rows that are there; a leaf has a random number for each score. */
#include <string.h>

#include "prior/prior.h"

enum { MOST_DEPTH = 7 };

typedef struct tree {
    int depth;
    int column[1 << MOST_DEPTH]; /* of inner node n from 1; its children are 2 n and 2 n + 1; -1: both are the same */
    float at[1 << MOST_DEPTH];
} tree;

static void draw_tree(goss__draft *d, const int *used, int n_used, double stop, tree *t) {
    for (int n = 1; n < 1 << t->depth; n++) {
        const int j = used[goss__noise_below(&d->noise, n_used)];
        t->column[n] = n > 1 && goss__noise_chance(&d->noise, stop) ? -1 : j;
        t->at[n] = goss__draft_z(d, j)[goss__noise_below(&d->noise, d->rows)];
    }
}

/* A node that is not split passes all its rows to the left. */
static int leaf(const goss__draft *d, const tree *t, int row) {
    int n = 1;
    while (n < 1 << t->depth) {
        const int j = t->column[n];
        n = 2 * n + (j >= 0 && goss__draft_z(d, j)[row] > t->at[n]);
    }
    return n - (1 << t->depth);
}

void goss__family_tree(goss__draft *d) {
    tree t;
    goss__noise *r = &d->noise;
    goss__inputs_draw(d);
    const int n = goss__inputs_relevant(d, NULL), trees = goss__noise_count(r, 0.7, 12);
    const double stop = goss__noise_between(r, 0, 0.4), fade = goss__noise_between(r, 0.5, 1);
    float weight = 1;
    memset(d->y, 0, (size_t)d->outputs * (size_t)d->rows * sizeof *d->y);
    for (int k = 0; k < trees; k++, weight *= (float)fade) {
        t.depth = 1 + goss__noise_below(r, trees > 3 ? 4 : MOST_DEPTH - 1);
        draw_tree(d, d->index, n, stop, &t);
        const int leaves = 1 << t.depth;
        goss__noise_normals(r, d->weights, (int64_t)d->outputs * leaves);
        for (int i = 0; i < d->rows; i++) {
            const int at = leaf(d, &t, i);
            for (int o = 0; o < d->outputs; o++) goss__draft_y(d, o)[i] += weight * d->weights[o * leaves + at];
        }
    }
}
