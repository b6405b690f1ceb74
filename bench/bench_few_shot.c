/* SPDX-License-Identifier: Apache-2.0 */
/* bench_few_shot: the step of the first job: a Conv4-64 that all tasks share, with batch norm, and a head generated for
 * each class from the mean of its support features: class mean + a small network of it, as prototypes. 20-way 1-shot
 * with 5 queries a class, 4 episodes; Adam. few-shot normalises with the statistics of all 480 images, few-shot-support
 * with those of each episode's support set (nothing of the queries is seen). */
#include <math.h>

#include "workload.h"

static const char *const names[] = {"few-shot", "few-shot-support", NULL};

enum { EPISODES = 4, WAYS = 20, QUERIES = 5, CHANNELS = 64 };

static double image_products(void) {
    double sum = 0;
    int64_t in = 1;
    for (int64_t side = 28; side >= 3; side /= 2, in = CHANNELS) {
        const double taps = (double)(3 * side - 2);
        sum += taps * taps * (double)in * CHANNELS;
    }
    return sum;
}

/* Features of support [T, WAYS, D] and query [T, WAYS * QUERIES, D]. */
static void features(bench *b, const goss_target *t, const goss_weights *w, goss_val images, goss_val *support,
                     goss_val *query) {
    const int64_t queries = WAYS * QUERIES;
    if (b->run.which == 0) {
        goss_target_context c = goss_target_context_defaults();
        c.norm = GOSS_NORM_SHARED;
        goss_val f = goss_target_features(t, images, w, &c);
        *support = goss_slice(f, 1, 0, WAYS), *query = goss_slice(f, 1, WAYS, queries);
        return;
    }
    goss_target_output s, q;
    goss_target_apply_episode(t, goss_slice(images, 1, 0, WAYS), goss_slice(images, 1, WAYS, queries), w, NULL, &s, &q);
    *support = s.features, *query = q.features;
}

/* Squared distances from what the head makes of the class means, negated. */
static goss_val head(bench *b, goss_val means, goss_val query) {
    const double scale = sqrt(6.0 / CHANNELS);
    goss_val h = goss_relu(bench_linear(b, "head1", means, CHANNELS, CHANNELS, scale, 0.1));
    goss_val rows = goss_add(means, bench_linear(b, "head2", h, CHANNELS, CHANNELS, 0.1 * scale, 0.1));
    return goss_neg(goss_pairwise_distance(query, rows));
}

int main(int argc, char **argv) {
    const int64_t input[] = {28, 28, 1}, images = WAYS * (1 + QUERIES);
    bench b;
    bench_open(&b, argc, argv, names);
    goss_extent T = bench_symbol(&b, "T", EPISODES);
    goss_target *target = bench_target(&b, "conv4 64", input, 3, 0);
    goss_weights *w = bench_target_weights(&b, target);
    goss_val x = bench_input(&b, "x", GOSS_SHAPE(T, goss_n(images), goss_n(28), goss_n(28), goss_n(1)), 0.5, 0.5);
    goss_val y = bench_labels(&b, "y", GOSS_SHAPE(T, goss_n(WAYS * QUERIES)), WAYS), support, query;
    features(&b, target, w, x, &support, &query);
    goss_val loss = goss_cross_entropy(head(&b, support, query), goss_one_hot(y, goss_n(WAYS)), 0, GOSS_NONE);
    bench_train(&b, goss_reduce_loss(loss, GOSS_NONE), 0);

    const double all = 2.0 * EPISODES * (double)images * image_products();
    const double unneeded = 2.0 * EPISODES * (double)images * 82 * 82 * CHANNELS;
    goss_weights_free(w);
    const int status = bench_run(&b, 3 * all - unneeded);
    goss_target_free(target);
    return status;
}
