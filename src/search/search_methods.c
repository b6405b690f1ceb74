/* SPDX-License-Identifier: Apache-2.0 */
/* search_methods.c: how structures are chosen: by scores with generated weights, at random, by successive halving; each
 * at the same cost in training steps of one network. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/search.h"

enum { MOST_NETWORKS = 100000 };

/* ---- cost ---- */

static bool uses_scores(const goss_search *s) {
    return s->o.methods[GOSS_SEARCH_SMASH] || s->o.methods[GOSS_SEARCH_GHN];
}

static int most_trained(const goss_search *s) { return s->o.train < s->drawn ? s->o.train : s->drawn; }

/* What every method may spend: with generated weights the hypernetwork's training and that of the best networks. */
static int64_t cost(const goss_search *s) {
    const int64_t networks = most_trained(s) * s->set.train.steps;
    return networks + (uses_scores(s) ? s->own.steps * s->own.architectures : 0);
}

/* ---- training ---- */

/* Beyond it the best network so far is kept, as its model has it. */
static goss_status keep_best(goss_search *s, goss__net *n, int trial, goss_error *err) {
    const double best = s->winner >= 0 ? s->trial[s->winner].validation : NAN;
    if (!goss__search_better(s, s->trial[trial].validation, best)) return GOSS_OK;
    const size_t size = goss__net_size(n);
    float *slab = goss__realloc(s->best_slab, size * sizeof *slab + 1);
    if (!slab) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a network");
    s->best_slab = slab, s->best_size = (int64_t)size, s->winner = trial;
    goss__net_keep(n, slab);
    return GOSS_OK;
}

static goss_status finish(goss_search *s, goss__net *n, int trial, goss_error *err) {
    goss__trial *t = &s->trial[trial];
    GOSS_TRY(goss__net_validate(n, &t->validation, err));
    GOSS_TRY(goss__net_test(n, &t->test, err));
    t->started = t->trained = true;
    return keep_best(s, n, trial, err);
}

/* Fully, once: whoever chooses a structure again gets the same network. */
static goss_status train(goss_search *s, int trial, goss_error *err) {
    goss__trial *t = &s->trial[trial];
    goss__net n;
    if (t->trained) return GOSS_OK;
    GOSS_TRY(goss__trial_name(s, t, err));
    GOSS_TRY(goss__net_open(s, t, &n, err));
    goss_status status = goss__net_train(&n, s->set.train.steps, s->set.train.steps, err);
    if (status == GOSS_OK) status = finish(s, &n, trial, err);
    goss__net_free(&n);
    return status;
}

static void note(goss_search *s, goss_search_method m, int trial, double value, goss_search_result *r) {
    r->method = m;
    const goss__trial *best = r->best >= 0 ? &s->trial[r->best] : NULL;
    const double now = best ? (best->trained ? best->validation : best->partial) : NAN;
    if (!best || goss__search_better(s, value, now)) r->best = trial;
}

/* ---- scores ---- */

typedef struct ranked {
    const goss_search *s;
    const double *value;
    int trial;
} ranked;

/* The better value first; of equal ones the one drawn first. */
static int by_value(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (goss__search_better(x->s, *x->value, *y->value)) return -1;
    if (goss__search_better(x->s, *y->value, *x->value)) return 1;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

static goss_status by_scores(goss_search *s, goss_search_method kind, goss_search_result *r, goss_error *err) {
    const int K = most_trained(s);
    GOSS_TRY(goss__scorer_new(s, kind, &s->scorer[kind], err));
    GOSS_TRY(goss__scorer_train(s->scorer[kind], err));
    GOSS_TRY(goss__scorer_score(s->scorer[kind], err));
    ranked *order = goss__calloc((size_t)s->drawn + 1, sizeof *order);
    if (!order) return goss_error_set(err, GOSS_E_NOMEM, "no memory for scores");
    for (int i = 0; i < s->drawn; i++) order[i] = (ranked){s, &s->trial[i].score[kind], i};
    qsort(order, (size_t)s->drawn, sizeof *order, by_value);
    goss_status status = GOSS_OK;
    for (int i = 0; status == GOSS_OK && i < K; i++) {
        status = train(s, order[i].trial, err);
        if (status == GOSS_OK) note(s, kind, order[i].trial, s->trial[order[i].trial].validation, r);
        goss__search_tell(s, kind == GOSS_SEARCH_GHN ? "ghn: networks" : "smash: networks", i + 1, K);
    }
    goss__free(order);
    r->trained = K, r->steps = cost(s), r->drawn = s->drawn;
    return status;
}

/* ---- random ---- */

static goss_status at_random(goss_search *s, goss_search_method m, goss_search_result *r, goss_error *err) {
    int64_t n = cost(s) / s->set.train.steps;
    if (n > s->n_trials) n = s->n_trials;
    for (int i = 0; i < (int)n; i++) {
        GOSS_TRY(train(s, i, err));
        note(s, m, i, s->trial[i].validation, r);
        goss__search_tell(s, "random: networks", i + 1, n);
    }
    r->trained = r->drawn = (int)n, r->steps = n * s->set.train.steps;
    return GOSS_OK;
}

/* ---- successive halving ---- */

typedef struct halving {
    goss_search *s;
    int64_t rung[10]; /* steps, ascending; the last is train.steps */
    int n, rungs;
    ranked *left;  /* [n] */
    float **state; /* [n] of trials, between rungs */
    int64_t spent;
} halving;

static int count_at(const halving *h, int n, int rung) {
    const double left = n / pow(h->s->own.eta, rung);
    return left < 1 ? 1 : (int)(left + 1e-9);
}

static int64_t cost_of(const halving *h, int n) {
    int64_t all = 0;
    for (int k = 0; k < h->rungs; k++) all += count_at(h, n, k) * (h->rung[k] - (k ? h->rung[k - 1] : 0));
    return all;
}

/* The most networks that the cost allows. */
static void plan(halving *h) {
    const int64_t most = cost(h->s);
    h->rungs = 0;
    for (int k = h->s->own.rungs - 1; k >= 0; k--) {
        const int64_t steps = (int64_t)((double)h->s->set.train.steps / pow(h->s->own.eta, k) + .5);
        if (steps > 0 && (h->rungs == 0 || steps > h->rung[h->rungs - 1])) h->rung[h->rungs++] = steps;
    }
    for (h->n = 1; h->n < MOST_NETWORKS && cost_of(h, h->n + 1) <= most;) h->n++;
}

static goss_status advance(halving *h, int at, int rung, goss_error *err) {
    const int trial = h->left[at].trial;
    goss_search *s = h->s;
    goss__trial *t = &s->trial[trial];
    const bool last = rung + 1 == h->rungs;
    goss__net n;
    GOSS_TRY(goss__trial_name(s, t, err));
    if (last && t->trained) return GOSS_OK; /* its cost counts all the same */
    GOSS_TRY(goss__net_open(s, t, &n, err));
    if (rung > 0) goss__net_restore(&n, h->state[trial], h->rung[rung - 1]);
    goss_status status = goss__net_train(&n, h->rung[rung], s->set.train.steps, err);
    if (status == GOSS_OK && last) status = finish(s, &n, trial, err);
    if (status == GOSS_OK && !last) status = goss__net_validate(&n, &t->partial, err);
    if (status == GOSS_OK && !last) {
        if (!h->state[trial]) h->state[trial] = goss__alloc(goss__net_size(&n) * sizeof(float) + 1);
        if (h->state[trial])
            goss__net_keep(&n, h->state[trial]);
        else
            status = goss_error_set(err, GOSS_E_NOMEM, "no memory for a network");
    }
    t->started = true;
    goss__net_free(&n);
    return status;
}

static goss_status run_rungs(halving *h, goss_search_result *r, goss_error *err) {
    goss_search *s = h->s;
    int64_t told = 0;
    const int64_t all = cost_of(h, h->n);
    for (int k = 0; k < h->rungs; k++) {
        const int n = count_at(h, h->n, k);
        for (int i = 0; i < n; i++) {
            GOSS_TRY(advance(h, i, k, err));
            told += h->rung[k] - (k ? h->rung[k - 1] : 0);
            goss__search_tell(s, "halving: steps", told, all);
        }
        if (k + 1 < h->rungs) {
            for (int i = 0; i < n; i++) h->left[i].value = &s->trial[h->left[i].trial].partial;
            qsort(h->left, (size_t)n, sizeof *h->left, by_value);
        }
    }
    for (int i = 0; i < count_at(h, h->n, h->rungs - 1); i++)
        note(s, GOSS_SEARCH_HALVING, h->left[i].trial, s->trial[h->left[i].trial].validation, r);
    r->steps = all;
    return GOSS_OK;
}

static goss_status by_halving(goss_search *s, goss_search_method m, goss_search_result *r, goss_error *err) {
    halving h = {.s = s};
    (void)m;
    plan(&h);
    if (h.n > s->n_trials) h.n = s->n_trials;
    h.left = goss__calloc((size_t)h.n + 1, sizeof *h.left);
    h.state = goss__calloc((size_t)s->n_trials + 1, sizeof *h.state);
    goss_status status = h.left && h.state ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for networks");
    for (int i = 0; status == GOSS_OK && i < h.n; i++) h.left[i] = (ranked){s, &s->trial[i].partial, i};
    if (status == GOSS_OK) status = run_rungs(&h, r, err);
    for (int i = 0; h.state && i < s->n_trials; i++) goss__free(h.state[i]);
    goss__free(h.left), goss__free(h.state);
    r->trained = r->drawn = h.n;
    return status;
}

/* ---- all of them ---- */

static goss_status (*const methods[])(goss_search *s, goss_search_method m, goss_search_result *r,
                                      goss_error *err) = {[GOSS_SEARCH_SMASH] = by_scores,
                                                          [GOSS_SEARCH_GHN] = by_scores,
                                                          [GOSS_SEARCH_RANDOM] = at_random,
                                                          [GOSS_SEARCH_HALVING] = by_halving};

/* Before a hypernetwork is trained, which must not see what is scored: also what the baselines will choose among. */
static goss_status draw_all(goss_search *s, goss_error *err) {
    halving h = {.s = s};
    int64_t most = s->drawn;
    const int64_t random = cost(s) / s->set.train.steps;
    plan(&h);
    if (s->o.methods[GOSS_SEARCH_RANDOM] && random > most) most = random;
    if (s->o.methods[GOSS_SEARCH_HALVING] && h.n > most) most = h.n;
    return goss__search_draw(s, (int)(most < MOST_NETWORKS ? most : MOST_NETWORKS), err);
}

goss_status goss__search_methods(goss_search *s, goss_error *err) {
    GOSS_TRY(draw_all(s, err));
    for (int m = 0; m < GOSS_SEARCH_METHODS; m++) {
        if (!s->o.methods[m]) continue;
        goss_search_result r = {.method = (goss_search_method)m, .best = -1};
        GOSS_TRY(methods[m](s, (goss_search_method)m, &r, err));
        s->result[s->n_results++] = r;
    }
    return GOSS_OK;
}
