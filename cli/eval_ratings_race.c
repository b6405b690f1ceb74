/* SPDX-License-Identifier: Apache-2.0 */
/* eval_ratings_race.c: every runner's values of every user: means over draws and eligible folds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval_ratings.h"
#include "gossamer/evaluate.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* Judges answers as they come. */
typedef struct judging {
    const eval_ratings_state *e;
    rating_runner *r;
    const goss_task_source *source;
    goss_task task; /* sample numbers alone */
    int32_t *rows;  /* [queries] */
    int64_t draws;
    double *values; /* [metrics, draws] */
} judging;

static void judge(void *context, int64_t draw, const goss_answers *answers) {
    judging *j = context;
    const goss_ratings_metrics *m = &j->e->metrics;
    const size_t items = (size_t)goss_ratings_items(j->e->ratings);
    for (int i = 0; i < m->n; i++) j->values[i * j->draws + draw] = m->metric[i]->value(answers);
    if (m->coverages) j->source->draw(j->source, (uint64_t)draw, &j->task); /* which samples these were */
    for (int i = 0; i < m->coverages; i++)
        goss_ratings_cover(j->e->ratings, answers, j->rows, m->coverage[i], j->r->covered + (size_t)i * items);
}

static goss_status by_model(const rating_runner *r, const rating_fold *f, judging *j, goss_threads *threads,
                            double *seconds, goss_error *err) {
    goss_model *derived = NULL;
    if (r->base.derive) GOSS_TRY(goss_contender_derive(f->base.model, r->base.derive, &derived, err));
    const goss_race_networks of = {.fine_tune = r->base.fine_tune, .precision = r->base.precision};
    const goss_status s = goss_race_answers(derived ? derived : f->base.model, &of, j->source, j->draws, threads,
                                            (goss_race_hook){judge, j}, seconds, err);
    goss_model_free(derived);
    return s;
}

static goss_status answer(const eval_ratings_state *e, rating_runner *r, const rating_fold *f, const int32_t *users,
                          int n, goss_threads *threads, double *values, goss_error *err) {
    goss_task_source source;
    goss_ratings_source_options o = goss_ratings_source_defaults();
    double seconds = 0;
    judging j = {.e = e, .r = r, .source = &source, .draws = (int64_t)n * e->repeats, .values = values};
    o.users = users, o.n_users = n, o.support = e->q->support, o.seed = e->q->seed;
    o.queries = e->q->most_queries, o.candidates = e->candidates;
    if (!r->kind) o.described = e->described;
    GOSS_TRY(goss_ratings_source_open(e->ratings, f->catalogue, &o, &source, NULL, err));
    j.rows = calloc((size_t)source.spec.queries + 1, sizeof *j.rows), j.task.query_rows = j.rows;
    goss_status s = !j.rows   ? no_memory(err)
                    : r->kind ? goss_recommender_answers(r->kind, e->ratings, f->catalogue, &source, j.draws,
                                                         (goss_race_hook){judge, &j}, &seconds, err)
                              : by_model(r, f, &j, threads, &seconds, err);
    free(j.rows);
    goss_task_source_free(&source);
    r->base.seconds += seconds, r->base.draws += j.draws;
    return s;
}

/* Draw k is of user k % n. A user's value is the mean over the draws that have one (a support set may leave no relevant
 * item among the queries). */
static void collect(const eval_ratings_state *e, rating_runner *r, const int32_t *users, int n, const double *values,
                    int *answers) {
    const int64_t draws = (int64_t)n * e->repeats;
    for (int m = 0; m < e->metrics.n; m++)
        for (int i = 0; i < n; i++)
            for (int k = 0; k < e->repeats; k++) {
                const double v = values[m * draws + (int64_t)k * n + i];
                const size_t at = (size_t)m * (size_t)e->users + (size_t)users[i];
                if (!isnan(v)) r->value[at] += v, answers[at]++;
            }
}

static goss_status run(eval_ratings_state *e, rating_runner *r, goss_threads *threads, goss_error *err) {
    const size_t all = (size_t)e->users, cells = all * (size_t)e->metrics.n;
    int32_t *users = calloc(all, sizeof *users);
    int *answers = calloc(cells, sizeof *answers);
    double *values = calloc(cells * (size_t)e->repeats, sizeof *values);
    r->value = calloc(cells, sizeof *r->value);
    r->covered = calloc((size_t)e->metrics.coverages * (size_t)goss_ratings_items(e->ratings) + 1, sizeof *r->covered);
    goss_status s = users && answers && values && r->value && r->covered ? GOSS_OK : no_memory(err);
    for (int i = 0; s == GOSS_OK && i < r->base.folds; i++) {
        const int n = eval_field_choose(&e->field, &r->base, r->base.fold[i], e->judged, e->users, users);
        if (n == 0) continue;
        s = answer(e, r, &e->fold[r->base.fold[i]], users, n, threads, values, err);
        if (s == GOSS_OK) collect(e, r, users, n, values, answers);
    }
    for (size_t i = 0; s == GOSS_OK && i < cells; i++)
        r->value[i] = answers[i] ? r->value[i] / answers[i] : (double)NAN;
    free(users), free(answers), free(values);
    return goss_error_prefix(err, s, "%s", r->base.name);
}

goss_status eval_ratings_race(eval_ratings_state *e, goss_error *err) {
    goss_threads *threads;
    GOSS_TRY(goss_threads_new(e->q->threads, &threads, err));
    goss_status s = GOSS_OK;
    for (int i = 0; s == GOSS_OK && i < e->field.entrants; i++) s = run(e, &e->runner[i], threads, err);
    goss_threads_free(threads);
    return s;
}
