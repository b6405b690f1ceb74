/* SPDX-License-Identifier: Apache-2.0 */
/* knn.c: neighbourhoods of items (Sarwar et al. 2001): what a user's ratings of similar items leave over, weighted by
 * correlations of the training ratings that are shrunk by how few users they are of (Koren 2010). */
#include <math.h>

#include "recommend/recommender.h"

static const double shrink_pairs = 30; /* users: half of a correlation stays with so many */
static const double shrink_sum = 1;    /* weights: a few weak neighbours say little */

static double over(const goss__world *w, int item, double rating) {
    return rating - w->c->mean - (double)w->level[item];
}

/* The correlation of two items over the users that rated both. */
static double similarity(const goss_catalogue *by, int a, int b) {
    double ab = 0, aa = 0, bb = 0;
    int n = 0;
    if (a < 0 || b < 0) return 0;
    for (int i = by->first[a], j = by->first[b]; i < by->first[a + 1] && j < by->first[b + 1];) {
        if (by->rater[i] < by->rater[j]) {
            i++;
        } else if (by->rater[i] > by->rater[j]) {
            j++;
        } else {
            const double x = (double)by->left[i++], y = (double)by->left[j++];
            ab += x * y, aa += x * x, bb += y * y, n++;
        }
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) * n / (n + shrink_pairs) : 0;
}

goss_status goss__predict_knn(const goss__world *w, const goss__asked *a, double *out, goss_error *err) {
    double level = 0;
    (void)err;
    for (int i = 0; i < a->supports; i++) level += over(w, a->support[i], (double)a->rating[i]);
    level /= a->supports + w->c->user_damping;
    for (int q = 0; q < a->queries; q++) {
        double sum = 0, weight = shrink_sum;
        for (int i = 0; i < a->supports; i++) {
            const double s = similarity(w->c, w->known[a->support[i]], w->known[a->query[q]]);
            sum += s * (over(w, a->support[i], (double)a->rating[i]) - level), weight += fabs(s);
        }
        out[q] = w->c->mean + (double)w->level[a->query[q]] + level + sum / weight;
    }
    return GOSS_OK;
}
