/* SPDX-License-Identifier: Apache-2.0 */
/* prior_cluster.c: the target is the cause and the columns are its effects: a row belongs to a cluster, the cluster has
 * scores, and the columns scatter around its centre, with deviations of the cluster or common ones. Species, diagnoses
 * and defects are of this kind. */
#include <string.h>

#include "prior/prior.h"

enum { MOST_CLUSTERS = 24 };

static void scatter(goss__draft *d, int clusters, float *v) {
    float centre[MOST_CLUSTERS], width[MOST_CLUSTERS];
    const bool relevant = goss__noise_chance(&d->noise, 0.8), own = goss__noise_chance(&d->noise, 0.5);
    const float apart = relevant ? (float)goss__noise_log_between(&d->noise, 0.2, 4) : 0;
    goss__noise_normals(&d->noise, centre, clusters);
    for (int c = 0; c < clusters; c++) width[c] = own ? (float)goss__noise_log_between(&d->noise, 0.3, 3) : 1;
    goss__noise_normals(&d->noise, v, d->rows);
    for (int i = 0; i < d->rows; i++) v[i] = apart * centre[d->index[i]] + width[d->index[i]] * v[i];
}

/* Columns within a cluster are correlated by common factors. */
static void correlate(goss__draft *d) {
    const int n = 1 + goss__noise_below(&d->noise, 3);
    goss__noise_normals(&d->noise, d->nodes, (int64_t)n * d->rows);
    for (int j = 0; j < d->columns; j++) {
        float *x = goss__draft_x(d, j);
        for (int f = 0; f < n; f++) {
            const float weight = (float)goss__rng_normal(&d->noise.r), *factor = goss__draft_node(d, f);
            for (int i = 0; i < d->rows; i++) x[i] += weight * factor[i];
        }
    }
}

void goss__family_cluster(goss__draft *d) {
    float score[MOST_CLUSTERS];
    goss__noise *r = &d->noise;
    const int classes = d->classes > 1 ? d->classes : 3;
    int clusters = classes + (goss__noise_chance(r, 0.5) ? 0 : goss__noise_below(r, 8));
    if (clusters > MOST_CLUSTERS) clusters = MOST_CLUSTERS;
    for (int i = 0; i < d->rows; i++) d->index[i] = goss__noise_below(r, clusters);
    for (int o = 0; o < d->outputs; o++) {
        goss__noise_normals(r, score, clusters);
        /* With competing scores the first clusters have a class each, the others any. */
        for (int c = 0; d->outputs > 1 && c < clusters; c++)
            if (c < d->outputs) score[c] = c == o ? 6 : 0;
        for (int i = 0; i < d->rows; i++) goss__draft_y(d, o)[i] = score[d->index[i]];
    }
    for (int j = 0; j < d->columns; j++) {
        scatter(d, clusters, goss__draft_x(d, j));
        d->column[j] = (goss_prior_column){.kind = GOSS_PRIOR_NUMBER};
    }
    if (goss__noise_chance(r, 0.5)) correlate(d);
}
