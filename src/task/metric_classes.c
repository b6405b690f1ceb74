/* SPDX-License-Identifier: Apache-2.0 */
/* metric_classes.c: metrics of logits. Sums are in double. A tie among k largest logits counts 1/k, so that constant
 * logits score chance level. */
#include <math.h>
#include <stdlib.h>

#include "task/task.h"

static const float *row(const goss_answers *a, int i) {
    return a->output + (size_t)i * (size_t)(a->stride ? a->stride : a->outputs);
}
static double weight(const goss_answers *a, int i) { return a->weight ? (double)a->weight[i] : 1; }

static double total_weight(const goss_answers *a) {
    double sum = 0;
    for (int i = 0; i < a->count; i++) sum += weight(a, i);
    return sum;
}

/* The largest logit of a query and its multiplicity. */
static float top(const goss_answers *a, int i, int *ties) {
    const float *y = row(a, i);
    float most = y[0];
    for (int w = 1; w < a->outputs; w++) most = y[w] > most ? y[w] : most;
    *ties = 0;
    for (int w = 0; w < a->outputs; w++) *ties += y[w] == most;
    return most;
}

/* log sum exp of the logits, from which log probabilities are distances. */
static double log_total(const goss_answers *a, int i) {
    int ties;
    double most = (double)top(a, i, &ties), sum = 0;
    for (int w = 0; w < a->outputs; w++) sum += exp((double)row(a, i)[w] - most);
    return most + log(sum);
}

static double right(const goss_answers *a, int i) {
    int ties;
    float most = top(a, i, &ties);
    return row(a, i)[(int)a->target[i]] == most ? 1.0 / ties : 0;
}

static double accuracy(const goss_answers *a) {
    double sum = 0;
    for (int i = 0; i < a->count; i++)
        if (weight(a, i) > 0) sum += weight(a, i) * right(a, i);
    return sum / total_weight(a);
}

static double log_loss(const goss_answers *a) {
    double sum = 0;
    for (int i = 0; i < a->count; i++)
        if (weight(a, i) > 0) sum += weight(a, i) * (log_total(a, i) - (double)row(a, i)[(int)a->target[i]]);
    return sum / total_weight(a);
}

static double bits(const goss_answers *a) { return log_loss(a) / log(2); }

/* ---- auc ---- */

static int ascending(const void *x, const void *y) {
    float a = *(const float *)x, b = *(const float *)y;
    return (a > b) - (a < b);
}

/* Writes (score, is class c) of the queries with weight to scratch. The score is monotone in log p_c - log(1 - p_c):
 * the difference of logits for two classes, else log p_c. The order of equal scores does not matter: ties count one
 * half. */
static int score_pairs(const goss_answers *a, int c) {
    int n = 0;
    for (int i = 0; i < a->count; i++) {
        if (!(weight(a, i) > 0)) continue;
        a->scratch[2 * n] = (float)((double)row(a, i)[c] - log_total(a, i));
        if (a->outputs == 2) a->scratch[2 * n] = row(a, i)[c] - row(a, i)[1 - c];
        a->scratch[2 * n++ + 1] = (int)a->target[i] == c;
    }
    return n;
}

/* Probability that a query of class c scores above one of another class (Mann-Whitney U). NaN if either set is
 * empty. */
static double auc_of(const goss_answers *a, int c) {
    int n = score_pairs(a, c);
    double below = 0, pairs = 0, positives = 0;
    qsort(a->scratch, (size_t)n, 2 * sizeof(float), ascending);
    for (int i = 0, end; i < n; i = end) {
        double in = 0, out = 0;
        for (end = i; end < n && a->scratch[2 * end] == a->scratch[2 * i]; end++)
            a->scratch[2 * end + 1] > 0 ? in++ : out++;
        pairs += in * (below + out / 2);
        positives += in, below += out;
    }
    return positives > 0 && below > 0 ? pairs / (positives * below) : NAN;
}

/* Two classes: of the second; more: macro mean over the classes that occur among the queries (one against the rest). */
static double auc(const goss_answers *a) {
    double sum = 0;
    int n = 0;
    if (a->outputs == 2) return auc_of(a, 1);
    for (int c = 0; c < a->outputs; c++) {
        double one = auc_of(a, c);
        if (!isnan(one)) sum += one, n++;
    }
    return n ? sum / n : NAN;
}

/* ---- f1 ---- */

static int said(const goss_answers *a, int i) {
    const float *y = row(a, i);
    int best = 0;
    for (int w = 1; w < a->outputs; w++)
        if (y[w] > y[best]) best = w;
    return best;
}

static double f1_of(const goss_answers *a, int c, bool *there) {
    double hit = 0, meant = 0, called = 0;
    for (int i = 0; i < a->count; i++) {
        if (!(weight(a, i) > 0)) continue;
        bool is = (int)a->target[i] == c, says = said(a, i) == c;
        meant += is * weight(a, i), called += says * weight(a, i), hit += (is && says) * weight(a, i);
    }
    *there = meant + called > 0;
    return *there ? 2 * hit / (meant + called) : 0;
}

/* Macro mean over the classes that occur among targets or predictions. */
static double f1(const goss_answers *a) {
    double sum = 0;
    int n = 0;
    for (int c = 0; c < a->outputs; c++) {
        bool there;
        sum += f1_of(a, c, &there), n += there;
    }
    return n ? sum / n : NAN;
}

/* ---- calibration ---- */

enum { BINS = 15 };

/* Guo et al. 2017: |confidence - accuracy| in 15 bins of the confidence, weighted by their queries. */
static double calibration_error(const goss_answers *a) {
    double confidence[BINS] = {0}, hits[BINS] = {0}, sum = 0;
    for (int i = 0; i < a->count; i++) {
        int ties;
        double p = exp((double)top(a, i, &ties) - log_total(a, i));
        int bin = p < 1 ? (int)(p * BINS) : BINS - 1;
        if (!(weight(a, i) > 0)) continue;
        confidence[bin] += weight(a, i) * p, hits[bin] += weight(a, i) * right(a, i);
    }
    for (int i = 0; i < BINS; i++) sum += fabs(confidence[i] - hits[i]);
    return sum / total_weight(a);
}

const goss_metric goss__accuracy = {"accuracy", true, 0, 1, accuracy, false, "share of queries whose class is found",
                                    0};
const goss_metric goss__auc = {
    "auc", true, 0, 1, auc, false, "chance that a query of a class scores above one of another; classes one by one", 0};
const goss_metric goss__log_loss = {"log_loss", false, 0, INFINITY, log_loss, false, "mean of -log p(class), in nats",
                                    0};
const goss_metric goss__bits = {
    "bits", false, 0, INFINITY, bits, false, "mean of -log2 p(class): of characters, bits a character", 0};
const goss_metric goss__f1 = {"f1", true, 0, 1, f1, false, "2 hits / (meant + called), mean over classes", 0};
const goss_metric goss__calibration_error = {
    "calibration_error", false, 0, 1, calibration_error, false, "confidence against accuracy, in 15 bins", 0};
