/* SPDX-License-Identifier: Apache-2.0 */
/* recommender.c: the table of baselines, and racing them on the draws of a source. */
#include "recommend/recommender.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "no memory for baselines"); }

/* ---- item-mean ---- */

static goss_status item_mean(const goss__world *w, const goss__asked *a, double *out, goss_error *err) {
    const goss_catalogue *c = w->c;
    double level = 0;
    (void)err;
    for (int i = 0; i < a->supports; i++) level += (double)a->rating[i] - c->mean - (double)w->level[a->support[i]];
    level /= a->supports + c->user_damping;
    for (int q = 0; q < a->queries; q++) out[q] = c->mean + (double)w->level[a->query[q]] + level;
    return GOSS_OK;
}

/* ---- popular ---- */

static goss_status popular(const goss__world *w, const goss__asked *a, double *out, goss_error *err) {
    (void)err;
    for (int q = 0; q < a->queries; q++) {
        const int32_t known = w->known[a->query[q]];
        out[q] = known < 0 ? 0 : log1p((double)w->c->count[known]);
    }
    return GOSS_OK;
}

/* ---- mf ---- */

static goss_status fold_in(const goss__world *w, const goss__asked *a, double *out, goss_error *err) {
    const size_t d = (size_t)(w->c->factors + 1);
    (void)err;
    goss__fold_in_begin(w->c, w->work);
    for (int i = 0; i < a->supports; i++)
        goss__fold_in_add(w->c, w->v + (size_t)a->support[i] * d, w->spread + (size_t)a->support[i] * d,
                          (double)a->rating[i], w->work);
    const double *p = goss__fold_in_end(w->c, w->work);
    for (int q = 0; q < a->queries; q++) out[q] = goss__fold_in_predict(w->c, p, w->v + (size_t)a->query[q] * d);
    return GOSS_OK;
}

/* ---- ridge ---- */

/* Factors and features of items, and of ratings what item biases leave over, behind each other in `to`. */
static goss_rows rows_of(const goss__world *w, const int32_t *item, const float *rating, int n, double *to) {
    const goss_catalogue *c = w->c;
    const int width = c->factors + c->features, d = c->factors + 1;
    double *y = to + (size_t)n * (size_t)width;
    for (int i = 0; i < n; i++) {
        const float *x = w->x + (size_t)item[i] * (size_t)c->width + GOSS__SEEN_NUMBERS;
        for (int j = 0; j < width; j++) to[(size_t)i * (size_t)width + (size_t)j] = (double)x[j];
        y[i] = rating ? (double)rating[i] - c->mean - w->v[(size_t)item[i] * (size_t)d] : 0;
    }
    return (goss_rows){.n = n, .x = to, .y = y};
}

static goss_status ridge(const goss__world *w, const goss__asked *a, double *out, goss_error *err) {
    const goss_catalogue *c = w->c;
    const size_t width = (size_t)(c->factors + c->features), d = (size_t)(c->factors + 1);
    for (int q = 0; q < a->queries && a->supports == 0; q++) out[q] = c->mean + w->v[(size_t)a->query[q] * d];
    if (a->supports == 0) return GOSS_OK; /* nothing is left over */
    double *own = goss__calloc((size_t)(a->supports + a->queries) * (width + 1) + 1, sizeof *own);
    if (!own) return no_memory(err);
    const goss_rows support = rows_of(w, a->support, a->rating, a->supports, own);
    const goss_rows query = rows_of(w, a->query, NULL, a->queries, own + (size_t)a->supports * (width + 1));
    const goss_status s = goss_baseline_predict(c->ridge, goss_baseline_find("ridge"), &support, &query, out, err);
    for (int q = 0; s == GOSS_OK && q < a->queries; q++) out[q] += c->mean + w->v[(size_t)a->query[q] * d];
    goss__free(own);
    return s;
}

/* ---- the table ---- */

static const goss__recommender all[] = {
    {{"item-mean", "damped mean of the item, plus the user's of what that leaves over", false, false}, item_mean},
    {{"popular", "the number of training users who clicked on it", false, true}, popular},
    {{"ridge", "ridge regression on item factors and features, of what item biases leave over", false, false}, ridge},
    {{"knn", "similar items of the user's, by correlations of the training ratings", true, false}, goss__predict_knn},
    {{"mf", "matrix factorisation, the user folded in", false, false}, fold_in},
};
enum { ALL = sizeof all / sizeof *all };

const goss_recommender *goss_recommender_at(int i) { return i >= 0 && i < ALL ? &all[i].is : NULL; }
const goss_recommender *goss_recommender_find(const char *name) {
    for (int i = 0; i < ALL; i++)
        if (strcmp(all[i].is.name, name) == 0) return &all[i].is;
    return NULL;
}

/* ---- items of a file ---- */

static goss_status open_world(goss__world *w, goss_error *err) {
    const goss_catalogue *c = w->c;
    const size_t n = (size_t)w->r->ids.count + 1, d = (size_t)(c->factors + 1);
    w->level = goss__calloc(n, sizeof *w->level), w->x = goss__calloc(n * (size_t)c->width, sizeof *w->x);
    w->v = goss__calloc(n * d, sizeof *w->v), w->spread = goss__calloc(n * d, sizeof *w->spread);
    w->work = goss__calloc(d * (d + 1), sizeof *w->work);
    w->known = goss__calloc(n, sizeof *w->known);
    if (!w->level || !w->x || !w->v || !w->spread || !w->work || !w->known) return no_memory(err);
    for (int i = 0; i < w->r->ids.count; i++) w->known[i] = goss__dictionary_find(&c->ids, w->r->ids.text[i]);
    return goss__ratings_items(w->r, c, w->v, w->spread, w->level, w->x, err);
}

static void close_world(goss__world *w) {
    goss__free(w->level), goss__free(w->x), goss__free(w->v), goss__free(w->spread), goss__free(w->work);
    goss__free(w->known);
}

/* ---- racing ---- */

typedef struct race {
    goss_task task;
    float *rating, *target, *output, *scratch;
    int32_t *rows;
    double *answer;
} race;

static goss_status reserve(race *t, const goss_task_spec *spec, goss_error *err) {
    const size_t s = (size_t)spec->supports + 1, q = (size_t)spec->queries + 1;
    t->rating = goss__calloc(s + 4 * q, sizeof *t->rating);
    t->rows = goss__calloc(s + q, sizeof *t->rows);
    t->answer = goss__calloc(q, sizeof *t->answer);
    if (!t->rating || !t->rows || !t->answer) return no_memory(err);
    t->target = t->rating + s, t->output = t->target + q, t->scratch = t->output + q;
    t->task = (goss_task){.support_target = t->rating,
                          .query_target = t->target,
                          .support_rows = t->rows,
                          .query_rows = t->rows + s,
                          .outputs = 1};
    return GOSS_OK;
}

static void release(race *t) { goss__free(t->rating), goss__free(t->rows), goss__free(t->answer); }

static goss_status answer(const goss__world *w, const goss__recommender *kind, race *t, goss_error *err) {
    for (int i = 0; i < t->task.supports; i++) t->task.support_rows[i] = w->r->of[t->task.support_rows[i]];
    for (int i = 0; i < t->task.queries; i++) t->task.query_rows[i] = w->r->of[t->task.query_rows[i]];
    const goss__asked a = {.supports = t->task.supports,
                           .queries = t->task.queries,
                           .support = t->task.support_rows,
                           .query = t->task.query_rows,
                           .rating = t->rating};
    return kind->predict(w, &a, t->answer, err);
}

static void pass_on(const goss__world *w, const race *t, int64_t draw, const goss_race_hook *hook) {
    for (int i = 0; i < t->task.queries; i++) t->output[i] = (float)((t->answer[i] - w->c->mean) / w->c->deviation);
    const goss_answers a = {.count = t->task.queries,
                            .outputs = 1,
                            .output = t->output,
                            .target = t->target,
                            .scale = goss_catalogue_scale(w->c),
                            .scratch = t->scratch};
    hook->answered(hook->context, draw, &a);
}

static goss_status run(const goss__world *w, const goss__recommender *kind, const goss_task_source *source,
                       int64_t draws, const goss_race_hook *hook, double *seconds, goss_error *err) {
    race t = {0};
    goss_status s = reserve(&t, &source->spec, err);
    for (int64_t k = 0; s == GOSS_OK && k < draws; k++) {
        source->draw(source, (uint64_t)k, &t.task);
        const double start = goss__now();
        s = answer(w, kind, &t, err);
        *seconds += goss__now() - start;
        if (s == GOSS_OK) pass_on(w, &t, k, hook);
    }
    release(&t);
    return s;
}

goss_status goss_recommender_check(const goss_recommender *kind, const goss_catalogue *c, goss_error *err) {
    if (!c->ridge)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: the model keeps no baselines; train it again", kind->name);
    if (kind->clicks && !c->clicks)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s ranks by how many users have clicked on an item, which says nothing of ratings; with "
                              "data.click = 4 a model is of clicks",
                              kind->name);
    if (kind->neighbours && !c->first)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: the model keeps no ratings to seek neighbours among: train it with data.neighbours "
                              "= true (of at most four million ratings)",
                              kind->name);
    return GOSS_OK;
}

goss_status goss_recommender_answers(const goss_recommender *kind, const goss_ratings *r, const goss_catalogue *c,
                                     const goss_task_source *source, int64_t draws, goss_race_hook hook,
                                     double *seconds, goss_error *err) {
    goss__world w = {.r = r, .c = c};
    double spent = 0;
    GOSS_TRY(goss_recommender_check(kind, c, err));
    goss_status s = open_world(&w, err);
    if (s == GOSS_OK) s = run(&w, (const goss__recommender *)kind, source, draws, &hook, &spent, err);
    close_world(&w);
    if (seconds) *seconds = spent;
    return s;
}

/* Metrics of each draw. */
typedef struct judged {
    const goss_metric *const *metric;
    int n;
    int64_t draws;
    double *values;
} judged;

static void judge(void *context, int64_t draw, const goss_answers *answers) {
    const judged *j = context;
    for (int m = 0; m < j->n; m++) j->values[m * j->draws + draw] = j->metric[m]->value(answers);
}

goss_status goss_recommender_race(const goss_recommender *kind, const goss_ratings *r, const goss_catalogue *c,
                                  const goss_task_source *source, const goss_metric *const *metrics, int n_metrics,
                                  int64_t draws, double *values, double *seconds, goss_error *err) {
    judged j = {metrics, n_metrics, draws, values};
    return goss_recommender_answers(kind, r, c, source, draws, (goss_race_hook){judge, &j}, seconds, err);
}
