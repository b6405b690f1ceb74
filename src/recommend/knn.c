/* SPDX-License-Identifier: Apache-2.0 */
/* knn.c: neighbourhoods of items (Sarwar et al. 2001): what a user's ratings of similar items leave over, weighted by
 * correlations of the training ratings that are shrunk by how few users they are of (Koren 2010). */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "recommend/recommender.h"

static const double shrink_pairs = 30; /* users: half of a correlation stays with so many */
static const double shrink_sum = 1;    /* weights: a few weak neighbours say little */

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for neighbours"); }

void goss__neighbours_free(goss__neighbours *by) {
    goss__free(by->first), goss__free(by->user), goss__free(by->left);
    *by = (goss__neighbours){0};
}

static double over(const goss__world *w, int item, double rating) {
    return rating - w->c->mean - (double)w->level[item];
}

/* Users in turn, so that those of an item ascend. */
static void fill(goss__world *w, const bool *trained) {
    const goss_ratings *r = w->r;
    goss__neighbours *by = &w->by;
    for (int u = 0; u < r->users; u++) {
        const int n = r->first[u + 1] - r->first[u];
        double sum = 0;
        if (!trained[u]) continue;
        for (int i = r->first[u]; i < r->first[u + 1]; i++)
            sum += over(w, r->of[r->row[i]], goss_table_number(r->table, r->rating, r->row[i]));
        const double level = sum / (n + w->c->user_damping);
        for (int i = r->first[u]; i < r->first[u + 1]; i++) {
            const int item = r->of[r->row[i]], at = by->first[item + 1]++;
            by->user[at] = u;
            by->left[at] = (float)(over(w, item, goss_table_number(r->table, r->rating, r->row[i])) - level);
        }
    }
}

goss_status goss__neighbours_make(goss__world *w, const bool *trained, goss_error *err) {
    const goss_ratings *r = w->r;
    goss__neighbours *by = &w->by;
    const size_t n = (size_t)r->first[r->users] + 1;
    by->first = goss__calloc((size_t)r->ids.count + 2, sizeof *by->first);
    by->user = goss__calloc(n, sizeof *by->user), by->left = goss__calloc(n, sizeof *by->left);
    if (!by->first || !by->user || !by->left) return no_memory(err);
    for (int u = 0; u < r->users; u++)
        for (int i = r->first[u]; trained[u] && i < r->first[u + 1]; i++) by->first[r->of[r->row[i]] + 2]++;
    for (int i = 2; i <= r->ids.count; i++) by->first[i] += by->first[i - 1];
    fill(w, trained);
    return GOSS_OK;
}

/* The correlation of two items over the users that rated both. */
static double similarity(const goss__neighbours *by, int a, int b) {
    double ab = 0, aa = 0, bb = 0;
    int n = 0;
    for (int i = by->first[a], j = by->first[b]; i < by->first[a + 1] && j < by->first[b + 1];) {
        if (by->user[i] < by->user[j]) {
            i++;
        } else if (by->user[i] > by->user[j]) {
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
            const double s = similarity(&w->by, a->support[i], a->query[q]);
            sum += s * (over(w, a->support[i], (double)a->rating[i]) - level), weight += fabs(s);
        }
        out[q] = w->c->mean + (double)w->level[a->query[q]] + level + sum / weight;
    }
    return GOSS_OK;
}
