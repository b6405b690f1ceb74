/* SPDX-License-Identifier: Apache-2.0 */
/* prior_families.c: the table of families. A further one is a row and a function. */
#include "prior/prior.h"

static const goss__family families[GOSS__FAMILIES] = {
    {{"mlp", 2, "a random network of the columns"}, goss__family_mlp},
    {{"causal", 3, "columns and target are units of a random network with noise at every unit"}, goss__family_causal},
    {{"graph", 2, "columns and target are nodes of a random graph of simple mechanisms"}, goss__family_graph},
    {{"tree", 2, "a few random decision trees"}, goss__family_tree},
    {{"rule", 1.5, "products, parities, comparisons, conjunctions and lookups of columns"}, goss__family_rule},
    {{"process", 1, "a draw of a Gaussian process with a length scale for each column"}, goss__family_process},
    {{"additive", 1, "a sum of a curve of each column"}, goss__family_additive},
    {{"linear", 1.5, "a sparse linear function"}, goss__family_linear},
    {{"cluster", 1.5, "rows come from clusters, and the target from the cluster"}, goss__family_cluster},
};

const goss__family *goss__family_at(int i) { return i < 0 || i >= GOSS__FAMILIES ? NULL : &families[i]; }

const goss_prior_family *goss_prior_family_at(int i) {
    const goss__family *f = goss__family_at(i);
    return f ? &f->public : NULL;
}
