/* SPDX-License-Identifier: Apache-2.0 */
/* eval_open_set.c: whether a network can tell that a query is of none of its classes.
 *
 * A query is accepted if the network is sure enough of its answer: if the probability of its class reaches a threshold.
 * One threshold for all episodes is such that 5 % of the queries of unknown classes, and of silence where samples can
 * be silent, are accepted; what is reported is the share of the queries of the ways that are accepted, and right, at
 * that threshold. */
#include <math.h>
#include <stdlib.h>

#include "eval_classes.h"

static const double false_accepts = 0.05;

goss_status eval_doubts_new(eval_classes *e, goss_error *err) {
    const size_t queries = (size_t)e->q->episodes * (size_t)e->q->episode.queries,
                 known = queries * (size_t)e->q->episode.ways,
                 unknown = queries * ((size_t)e->q->unknown + e->view[0].set->silence);
    for (int i = 0; i < e->n; i++) {
        class_doubts *d = &e->doubts[i];
        d->known = calloc(known, sizeof *d->known), d->unknown = calloc(unknown, sizeof *d->unknown);
        d->right = calloc(known, sizeof *d->right);
        if (!d->known || !d->unknown || !d->right) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    }
    return GOSS_OK;
}

void eval_doubts_free(eval_classes *e) {
    for (int i = 0; i < e->n; i++) free(e->doubts[i].known), free(e->doubts[i].unknown), free(e->doubts[i].right);
}

/* The largest output, and how sure that is: the logarithm of its probability. */
static int answer(const float *output, int n, float *sure) {
    int best = 0;
    double sum = 0;
    for (int w = 1; w < n; w++)
        if (output[w] > output[best]) best = w;
    for (int w = 0; w < n; w++) sum += exp((double)(output[w] - output[best]));
    *sure = (float)-log(sum);
    return best;
}

void eval_doubts_take(void *context, int contender, int episode, const goss_answers *a) {
    eval_classes *e = context;
    class_doubts *d = &e->doubts[contender];
    (void)episode;
    for (int i = 0; i < a->count; i++) {
        float sure;
        const int best =
            answer(a->output + (size_t)i * (size_t)(a->stride ? a->stride : a->outputs), a->outputs, &sure);
        if (a->target[i] < 0) {
            d->unknown[d->n_unknown++] = sure;
        } else {
            d->right[d->n_known] = best == (int)a->target[i];
            d->known[d->n_known++] = sure;
        }
    }
}

static int descending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

void eval_doubts_judge(eval_classes *e) {
    for (int i = 0; i < e->n; i++) {
        class_doubts *d = &e->doubts[i];
        int accepted = 0;
        /* Accepted are those above the first unknown one too many, so that ties are rejected. */
        qsort(d->unknown, (size_t)d->n_unknown, sizeof *d->unknown, descending);
        const float threshold = d->unknown[(int)(false_accepts * d->n_unknown)];
        for (int k = 0; k < d->n_known; k++) accepted += d->right[k] && d->known[k] > threshold;
        d->accuracy = (double)accepted / d->n_known;
    }
}
