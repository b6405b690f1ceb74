/* SPDX-License-Identifier: Apache-2.0 */
/* search_starts.c: generated weights as starting values: the same network trained from them and from ordinary ones, on
 * the same samples, with the validation metric after some epochs of both. */
#include <math.h>

#include "base/alloc.h"
#include "gossamer/interval.h"
#include "search/search.h"

typedef struct comparison {
    goss_search *s;
    goss__scorer *from;
    int networks;
    double *value[2];  /* generated, ordinary: [n_starts, networks] */
    bool has_ordinary; /* those are there: they do not depend on who generates */
} comparison;

static int64_t steps_of(const goss_search *s, double epochs) {
    return (int64_t)(epochs * (double)s->train_samples / s->data.source.spec.queries + .5);
}

static goss_status follow(comparison *c, int trial, int at, bool generated, goss_error *err) {
    goss_search *s = c->s;
    goss__net n;
    goss_target *small = NULL;
    float *slab = NULL;
    const int64_t all = steps_of(s, s->o.starts[s->o.n_starts - 1]);
    GOSS_TRY(goss__net_open(s, &s->trial[trial], &n, err));
    goss_status status =
        generated ? goss__scorer_weights(c->from, s->trial[trial].structure, &small, &slab, err) : GOSS_OK;
    if (status == GOSS_OK && generated) status = goss__net_begin_at(&n, small, slab, err);
    for (int k = 0; status == GOSS_OK && k < s->o.n_starts; k++) {
        status = goss__net_train(&n, steps_of(s, s->o.starts[k]), all > 0 ? all : 1, err);
        if (status == GOSS_OK) status = goss__net_validate(&n, &c->value[generated ? 0 : 1][k * c->networks + at], err);
    }
    goss_target_free(small), goss_numbers_free(slab);
    goss__net_free(&n);
    return status;
}

static goss_status run(comparison *c, goss_error *err) {
    goss_search *s = c->s;
    for (int i = 0; i < c->networks; i++) {
        GOSS_TRY(goss__trial_name(s, &s->trial[i], err));
        GOSS_TRY(follow(c, i, i, true, err));
        if (!c->has_ordinary) GOSS_TRY(follow(c, i, i, false, err));
        goss__search_tell(s, "starts: networks", i + 1, c->networks);
    }
    return GOSS_OK;
}

static void summarize(const comparison *c, goss_search_method m, int k, double *difference) {
    goss_search *s = c->s;
    const double *a = c->value[0] + k * c->networks, *b = c->value[1] + k * c->networks;
    goss_search_start r = {.method = m, .epochs = s->o.starts[k], .networks = c->networks};
    for (int i = 0; i < c->networks; i++) {
        r.generated += a[i] / c->networks, r.ordinary += b[i] / c->networks;
        difference[i] = a[i] - b[i];
    }
    r.ci95 = goss_student_ci95(difference, c->networks, &r.difference, NULL);
    s->start[s->n_starts++] = r;
}

static goss_status compare(comparison *c, goss_search_method m, goss_error *err) {
    double *difference = goss__calloc((size_t)c->networks + 1, sizeof *difference);
    goss_status status = difference ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a comparison");
    c->from = c->s->scorer[m];
    if (status == GOSS_OK) status = run(c, err);
    for (int k = 0; status == GOSS_OK && k < c->s->o.n_starts; k++) summarize(c, m, k, difference);
    c->has_ordinary = true;
    goss__free(difference);
    return status;
}

goss_status goss__search_starts(goss_search *s, goss_error *err) {
    comparison c = {.s = s};
    goss_status status = GOSS_OK;
    if (s->o.n_starts == 0) return GOSS_OK;
    c.networks = s->own.start_networks < s->drawn ? s->own.start_networks : s->drawn;
    const size_t all = (size_t)c.networks * (size_t)s->o.n_starts;
    for (int i = 0; i < 2; i++) c.value[i] = goss__calloc(all + 1, sizeof *c.value[i]);
    if (!c.value[0] || !c.value[1]) status = goss_error_set(err, GOSS_E_NOMEM, "no memory for a comparison");
    for (int m = 0; status == GOSS_OK && m < GOSS__SCORERS; m++)
        if (s->scorer[m]) status = compare(&c, (goss_search_method)m, err);
    goss__free(c.value[0]), goss__free(c.value[1]);
    return status;
}
