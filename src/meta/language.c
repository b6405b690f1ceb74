/* SPDX-License-Identifier: Apache-2.0 */
/* language.c: texts that a language model continues (gossamer/language.h). */
#include "gossamer/language.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "meta/network.h"

enum { RESERVED = 2 /* padding and unknown tokens */ };

goss_continue_options goss_continue_defaults(void) {
    return (goss_continue_options){.tokens = 200, .temperature = 1, .seed = 1};
}

static goss_status check(const goss_network *n, const int32_t *ids, int count, const goss_continue_options *o,
                         goss_error *err) {
    if (!goss_task_objective(&n->data.of.task)->next)
        return goss_error_set(err, GOSS_E_ARGUMENT, "a network of objective %s does not continue texts",
                              goss_task_objective(&n->data.of.task)->name);
    if (o->tokens < 1 || !(o->temperature >= 0))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%d more tokens at temperature %g", o->tokens, o->temperature);
    for (int i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= n->outputs)
            return goss_error_set(err, GOSS_E_ARGUMENT, "token %d is %d, not below %d", i + 1, (int)ids[i], n->outputs);
    return GOSS_OK;
}

/* p becomes weights: powers of the probabilities, relative to the largest. */
static double weigh(const float *p, int n, double temperature, double *weight) {
    double most = 0, sum = 0;
    for (int i = RESERVED; i < n; i++) most = fmax(most, (double)p[i]);
    for (int i = 0; i < n; i++) {
        const double share = i < RESERVED || most <= 0 ? 0 : (double)p[i] / most;
        weight[i] = temperature > 0 ? pow(share, 1 / temperature) : share >= 1;
        sum += weight[i];
    }
    return sum;
}

static int32_t draw(const float *p, int n, double temperature, goss__rng *rng, double *weight) {
    double left = weigh(p, n, temperature, weight) * goss__rng_uniform(rng);
    int last = RESERVED;
    for (int i = RESERVED; i < n; i++) {
        if (weight[i] <= 0) continue;
        if (left < weight[i]) return i;
        left -= weight[i], last = i;
    }
    return last; /* rounding */
}

/* The text so far: `all` [count + tokens]. A text that is longer than the network's steps has lost its beginning. */
static int32_t window(const int32_t *all, int count, int steps, float *x) {
    const int whole = count + 1, n = whole < steps ? whole : steps, from = whole - n;
    memset(x, 0, (size_t)steps * sizeof *x);
    for (int i = 0; i < n; i++) x[i] = from + i == 0 ? 0 : (float)all[from + i - 1];
    return n;
}

typedef struct room {
    int32_t *all;
    float *x, *p;
    double *weight;
} room;

static goss_status continue_text(const goss_network *n, goss_predictor *predictor, const goss_continue_options *o,
                                 int count, room *r, goss_error *err) {
    const int steps = (int)n->data.of.task.input[0];
    goss__rng rng = goss__rng_make(o->seed, 41);
    for (int i = 0; i < o->tokens; i++) {
        const int32_t length = window(r->all, count + i, steps, r->x);
        GOSS_TRY(goss_predictor_predict_ragged(predictor, r->x, &length, 1, r->p, NULL, err));
        r->all[count + i] =
            draw(r->p + (size_t)(length - 1) * (size_t)n->outputs, n->outputs, o->temperature, &rng, r->weight);
    }
    return GOSS_OK;
}

goss_status goss_network_continue(const goss_network *n, const int32_t *ids, int count,
                                  const goss_continue_options *options, int32_t *out, goss_threads *threads,
                                  goss_error *err) {
    const goss_continue_options o = options ? *options : goss_continue_defaults();
    goss_predictor *predictor = NULL;
    GOSS_TRY(check(n, ids, count, &o, err));
    room r = {.all = goss__calloc((size_t)count + (size_t)o.tokens, sizeof *r.all),
              .x = goss__calloc((size_t)n->data.of.task.input[0], sizeof *r.x),
              .p = goss__calloc((size_t)goss_network_answers(n), sizeof *r.p),
              .weight = goss__calloc((size_t)n->outputs, sizeof *r.weight)};
    goss_status s = r.all && r.x && r.p && r.weight ? goss_predictor_of_network(n, threads, &predictor, err)
                                                    : goss_error_set(err, GOSS_E_NOMEM, "no memory for a text");
    if (s == GOSS_OK && count) memcpy(r.all, ids, (size_t)count * sizeof *ids);
    if (s == GOSS_OK) s = continue_text(n, predictor, &o, count, &r, err);
    if (s == GOSS_OK) memcpy(out, r.all + count, (size_t)o.tokens * sizeof *out);
    goss_predictor_free(predictor);
    goss__free(r.all), goss__free(r.x), goss__free(r.p), goss__free(r.weight);
    return s;
}
