/* SPDX-License-Identifier: Apache-2.0 */
/* metric_ranking.c: how well a task's queries are ranked by their predictions.
 *
 * Tied predictions contribute the mean over all orders of the tie (McSherry and Najork 2008), so that the order of a
 * file has no influence. A query is relevant if its target is above the mean of the training targets: 4 stars of 5
 * where the mean is 3.5, a click where some samples are clicks. Padding is left out. */
#include <math.h>

#include "task/task.h"

static float target(const goss_answers *a, int i) { return a->target[(size_t)i * (size_t)a->outputs]; }
static bool counts(const goss_answers *a, int i) { return (!a->weight || a->weight[i] > 0) && !isnan(target(a, i)); }
static float score(const goss_answers *a, int i) {
    return a->output[(size_t)i * (size_t)(a->stride ? a->stride : a->outputs)];
}

/* Falls back to the mean of the task's own targets if the training mean is unknown. */
static double threshold(const goss_answers *a) {
    double sum = 0;
    int n = 0;
    if (a->scale.mean) return (double)a->scale.mean[0];
    for (int i = 0; i < a->count; i++)
        if (counts(a, i)) sum += (double)target(a, i), n++;
    return sum / n;
}

/* Queries of the highest score below `last`: their number, the sum of their gains (2^target - 1, as usual for graded
 * relevance: Burges et al. 2005) and how many are relevant. */
typedef struct tied {
    float score;
    int n, relevant;
    double gain;
} tied;

static double gain_of(float y) { return exp2((double)y) - 1; }

static tied next_group(const goss_answers *a, float last, double relevant) {
    tied g = {.score = -INFINITY};
    for (int i = 0; i < a->count; i++) {
        const float s = score(a, i);
        if (!counts(a, i) || !(s < last) || s < g.score) continue;
        if (s > g.score) g = (tied){.score = s};
        g.n++, g.gain += gain_of(target(a, i)), g.relevant += (double)target(a, i) > relevant;
    }
    return g;
}

static double discount(int rank) { return 1 / log2(rank + 2); }

/* ---- nDCG ---- */

/* Ideal DCG: targets in descending order, one tie at a time. */
static double ideal(const goss_answers *a, int k) {
    double sum = 0;
    float last = INFINITY;
    for (int at = 0; at < k;) {
        float best = -INFINITY;
        int n = 0;
        for (int i = 0; i < a->count; i++) {
            const float y = target(a, i);
            if (!counts(a, i) || !(y < last) || y < best) continue;
            n = y > best ? 1 : n + 1, best = y;
        }
        if (n == 0) break;
        for (int i = 0; i < n && at < k; i++) sum += gain_of(best) * discount(at++);
        last = best;
    }
    return sum;
}

static double ndcg(const goss_answers *a, int k) {
    double sum = 0;
    float last = INFINITY;
    for (int at = 0; at < k;) {
        const tied g = next_group(a, last, 0);
        if (g.n == 0) break;
        for (int i = 0; i < g.n && at < k; i++) sum += g.gain / g.n * discount(at++);
        last = g.score;
    }
    const double best = ideal(a, k);
    return best > 0 ? sum / best : (double)NAN;
}

/* ---- of relevant queries ---- */

static int relevant_of(const goss_answers *a, double above) {
    int n = 0;
    for (int i = 0; i < a->count; i++) n += counts(a, i) && (double)target(a, i) > above;
    return n;
}

/* Expected number of relevant queries among the top k. */
static double found(const goss_answers *a, int k, double above) {
    double sum = 0;
    float last = INFINITY;
    for (int at = 0; at < k;) {
        const tied g = next_group(a, last, above);
        if (g.n == 0) break;
        const int taken = g.n < k - at ? g.n : k - at;
        sum += (double)g.relevant * taken / g.n, at += taken, last = g.score;
    }
    return sum;
}

static double recall(const goss_answers *a, int k) {
    const double above = threshold(a);
    const int all = relevant_of(a, above);
    return all ? found(a, k, above) / all : (double)NAN;
}

static double precision(const goss_answers *a, int k) { return found(a, k, threshold(a)) / k; }

/* Probability that a relevant query is among the top k. */
static double hit(const goss_answers *a, int k) {
    const double above = threshold(a);
    float last = INFINITY;
    if (relevant_of(a, above) == 0) return NAN;
    for (int at = 0; at < k;) {
        const tied g = next_group(a, last, above);
        if (g.n == 0) break;
        if (g.n <= k - at && g.relevant) return 1;
        if (g.n > k - at) {
            double none = 1; /* all that are taken of the group are others */
            for (int i = 0; i < k - at; i++) none *= fmax(0, (double)(g.n - g.relevant - i) / (g.n - i));
            return 1 - none;
        }
        at += g.n, last = g.score;
    }
    return 0;
}

/* ---- the rows ---- */

#define RANKING(function, k, text)                                                                                     \
    static double function##_##k(const goss_answers *a) { return function(a, k); }                                     \
    const goss_metric goss__##function##_##k = {#function "@" #k, true, 0, 1, function##_##k, false, text, 0};
#define AT(k)                                                                                                          \
    RANKING(ndcg, k, "normalised discounted gain of the first queries by prediction")                                  \
    RANKING(recall, k, "share of the relevant queries among the first by prediction")                                  \
    RANKING(precision, k, "share of relevant queries among the first by prediction")                                   \
    RANKING(hit, k, "whether a relevant query is among the first by prediction")
AT(1)
AT(5)
AT(10)
AT(20)
