/* SPDX-License-Identifier: Apache-2.0 */
/* data_ratings.c: ratings of items as the data of a run: a user is a task. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "gossamer/recommend.h"
#include "gossamer/text.h"
#include "train/run.h"

enum { MOST_QUERIES = 500 }; /* of a user that is validated on */

typedef struct ratings {
    goss_ratings *ratings;
    goss_task_division division;
    goss_table *described; /* data.descriptor; NULL: nothing reads one */
    goss_catalogue *catalogue;
    float *inputs; /* x of the training users' ratings */
    goss_ratings_metrics metrics;
    char *text;
    const char *names[2];
} ratings;

/* Squared error. */
static const goss_objective *default_objective(void) {
    const goss_objective *o = NULL;
    return goss_objective_find("regression", &o, NULL) == GOSS_OK ? o : NULL;
}

static bool is_described(const goss__run_settings *s) { return *s->table.descriptor && goss__run_reads_descriptors(s); }

/* Whether the method does without ratings is checked when there is one. */
static goss_status check_support(const goss__run_settings *s, goss_error *err) {
    GOSS_TRY(goss__run_check_descriptor(s, err));
    if (s->table.most_support > 0 || is_described(s)) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "task.support = 0: a user is known by ratings alone; with data.descriptor and "
                          "hyper.condition = descriptor also without any");
}

static goss_status check(const goss__run_settings *s, goss_error *err) {
    if (s->table.objective && s->table.objective->classes)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "task.objective = %s is for classes, and ratings are numbers: regression, huber, "
                              "gaussian, student, quantile, bpr, softmax or logistic",
                              s->table.objective->name);
    GOSS_TRY(check_support(s, err));
    if (s->item_embedding > 0 && s->train.micro_batch > 0)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "data.item_embedding: a step updates the rows of its users' items, and a micro-batch has "
                              "not all of them: set train.micro_batch=0");
    goss_ratings_metrics metrics;
    GOSS_TRY(goss_error_prefix(err,
                               goss_ratings_metrics_find(s->table.objective ? s->table.objective : default_objective(),
                                                         s->metric, &metrics, err),
                               "task.metric"));
    GOSS_TRY(goss__run_file_is_there("data.items", s->ratings.items, err));
    GOSS_TRY(goss__run_file_is_there("data.train_tasks", s->table.train_tasks, err));
    return goss__run_file_is_there("data.val_tasks", s->table.val_tasks, err);
}

static void close_ratings(goss__run_data *data) {
    ratings *t = data->own;
    if (!t) return;
    goss_catalogue_inputs_free(t->inputs);
    goss_catalogue_free(t->catalogue);
    goss_task_division_free(&t->division);
    goss_table_close(t->described);
    goss_ratings_close(t->ratings);
    goss_text_free(t->text);
    goss__free(t);
    data->own = NULL;
}

/* ---- opening ---- */

static goss_status open_ratings(ratings *t, const goss__run_settings *s, goss_error *err) {
    goss_ratings_options o = s->ratings;
    o.path = s->data.path, o.order = s->table.order;
    GOSS_TRY(goss_error_prefix(err, goss_ratings_open(&o, &t->ratings, err), "data"));
    if (goss_ratings_clicks(t->ratings) && isnan(o.click))
        goss__log(GOSS_LOG_WARN, "no column of ratings (data.rating): every row is a click");
    if (goss_ratings_below(t->ratings))
        goss__log(GOSS_LOG_INFO, "%d ratings are below data.click = %g: no clicks", goss_ratings_below(t->ratings),
                  o.click);
    if (goss_ratings_repeated(t->ratings))
        goss__log(GOSS_LOG_WARN, "%d ratings are left out: a user's later one of the same item counts",
                  goss_ratings_repeated(t->ratings));
    if (goss_ratings_incomplete(t->ratings))
        goss__log(GOSS_LOG_WARN, "rows without a user or a rating are left out: %d",
                  goss_ratings_incomplete(t->ratings));
    const goss_task_division_options d = {.train = s->table.train_tasks,
                                          .validate = s->table.val_tasks,
                                          .hold_out = s->table.hold_out,
                                          .fold = s->table.fold,
                                          .folds = s->table.folds,
                                          .seed = s->table.seed};
    return goss_table_tasks_divide(goss_ratings_users(t->ratings), &d, &t->division, err);
}

/* With what the baselines need in any case (goss__run_place.bare): a run is known by the whole catalogue. */
static goss_status fit(ratings *t, const goss__run_settings *s, goss_error *err) {
    goss_catalogue_options o = goss_catalogue_defaults();
    o.factors = s->factors, o.embedding = s->item_embedding, o.objective = s->table.objective, o.metrics = s->metric;
    o.support = s->table.support, o.most_support = s->table.most_support;
    o.negatives = s->negatives, o.click = s->ratings.click;
    o.neighbours = s->neighbours, o.seed = s->run.seed;
    const goss_task_list *train = &t->division.train;
    if (is_described(s))
        GOSS_TRY(
            goss_error_prefix(err, goss_table_open(s->table.descriptor, NULL, &t->described, err), "data.descriptor"));
    o.described = t->described, o.described_in_training = !goss__run_sees_descriptors(s);
    GOSS_TRY(goss_catalogue_fit(t->ratings, train->tasks, train->n, &o, &t->catalogue, &t->inputs, err));
    double lowest, highest, farthest;
    if (goss_catalogue_outlier(t->catalogue, &farthest) && goss_catalogue_range(t->catalogue, &lowest, &highest))
        goss__log(GOSS_LOG_WARN,
                  "ratings to train on are from %g to %g, the farthest %.0f deviations from their mean: a mistake, or "
                  "of another scale?",
                  lowest, highest, farthest);
    return goss_catalogue_text(t->catalogue, &t->text, err);
}

static goss_ratings_source_options source_options(const ratings *t, const goss__run_settings *s,
                                                  const goss_task_list *users) {
    goss_ratings_source_options o = goss_ratings_source_defaults();
    o.users = users->tasks, o.n_users = users->n, o.support = s->table.support, o.most_support = s->table.most_support;
    o.described = t->described, o.seed = s->run.seed;
    return o;
}

static goss_status open_source(const ratings *t, const goss_ratings_source_options *o, const char *what,
                               goss_task_source *out, goss_error *err) {
    int skipped;
    GOSS_TRY(goss_error_prefix(err, goss_ratings_source_open(t->ratings, t->catalogue, o, out, &skipped, err),
                               "users to %s on", what));
    if (skipped)
        goss__log(GOSS_LOG_WARN, "%d of %d users to %s on have no more than task.support = %d ratings and are left out",
                  skipped, o->n_users, what, o->support);
    return GOSS_OK;
}

static goss_status open_train(goss__run_data *d, const ratings *t, const goss__run_settings *s, goss_error *err) {
    goss_ratings_source_options o = source_options(t, s, &t->division.train);
    o.queries = s->table.queries, o.inputs = t->inputs, o.shuffle = s->train.tasks > 0;
    return open_source(t, &o, "train", &d->source, err);
}

static goss_status open_validation(goss__run_data *d, const ratings *t, const goss__run_settings *s, goss_error *err) {
    if (s->validate.every == 0) return GOSS_OK;
    if (t->division.validate.n == 0)
        return goss_error_set(
            err, GOSS_E_ARGUMENT,
            "no user is left to validate on: name some by data.val_tasks, raise data.hold_out, or set "
            "validate.every=0 to train without validation");
    goss_ratings_source_options o = source_options(t, s, &t->division.validate);
    o.queries = MOST_QUERIES, o.candidates = s->candidates;
    if (!goss__run_sees_descriptors(s)) o.described = NULL;
    GOSS_TRY(open_source(t, &o, "validate", &d->validation, err));
    const int64_t users = d->validation.tasks;
    d->judged = (int)((s->validate.episodes + users - 1) / users * users);
    d->validates = true;
    return GOSS_OK;
}

static uint64_t hash_of(const ratings *t) {
    const goss_table_tasks *users = goss_ratings_users(t->ratings);
    const goss_task_list *list[] = {&t->division.train, &t->division.validate};
    uint64_t h[3] = {goss_table_hash(goss_table_tasks_table(users), true), goss__hash64(t->text, strlen(t->text), 0),
                     0};
    for (int i = 0; i < 2; i++)
        h[2] = goss__hash64(list[i]->tasks, (uint64_t)list[i]->n * sizeof *list[i]->tasks, h[2] + 1);
    return goss__hash64(h, sizeof h, t->described ? goss_table_hash(t->described, false) : 0);
}

static void describe(goss__run_data *d, const ratings *t) {
    const goss_table_tasks *users = goss_ratings_users(t->ratings);
    const int rows = goss_table_rows(goss_table_tasks_table(users)), n = goss_table_tasks_count(users);
    int64_t input[GOSS_TASK_MAX_RANK];
    snprintf(d->size, sizeof d->size, "%d of %d", rows, n);
    snprintf(d->about, sizeof d->about, "%d ratings of %d users", rows, n);
    goss__log(GOSS_LOG_INFO,
              "data: %s, %d items of %d numbers each; %d users to train on, %d to validate on, %d kept apart", d->about,
              goss_catalogue_items(t->catalogue), (int)goss_task_network_input(&d->source.spec, input)[0],
              t->division.train.n, t->division.validate.n, t->division.test.n);
    if (d->source.spec.items)
        goss__log(GOSS_LOG_INFO, "data.item_embedding: %d of an item's numbers are learned along",
                  d->source.spec.item_numbers);
    if (t->described)
        goss__log(GOSS_LOG_INFO, "data.descriptor: %d columns of users, %d numbers each",
                  goss_encoding_columns(goss_descriptors_inputs(goss_catalogue_descriptors(t->catalogue))),
                  goss_descriptors_width(goss_catalogue_descriptors(t->catalogue)));
}

static goss_status open_data(goss__run_data *d, const goss__run_settings *s, const goss__run_place *place,
                             goss_error *err) {
    ratings *t = d->own = goss__calloc(1, sizeof *t);
    if (!t) return goss_error_set(err, GOSS_E_NOMEM, "no memory for ratings");
    GOSS_TRY(open_ratings(t, s, err));
    GOSS_TRY(fit(t, s, err));
    GOSS_TRY(open_train(d, t, s, err));
    d->spec = goss_data_spec_tasks("ratings", &d->source.spec);
    if (!goss__run_sees_descriptors(s)) d->spec.task.descriptor = 0;
    d->spec.transform = t->text;
    const char *rating = goss_catalogue_column(t->catalogue, GOSS_RATINGS_RATING);
    t->names[0] = goss_ratings_clicks(t->ratings) || !rating ? "click" : rating;
    d->spec.names = t->names;
    GOSS_TRY(goss_error_prefix(err,
                               goss_ratings_metrics_find(goss_catalogue_objective(t->catalogue),
                                                         goss_catalogue_metrics(t->catalogue), &t->metrics, err),
                               "task.metric"));
    d->metrics = t->metrics.names;
    d->hash = hash_of(t);
    GOSS_TRY(open_validation(d, t, s, err));
    describe(d, t);
    return GOSS_OK;
}

/* ---- what a model notes ---- */

static goss_status mark_users(const ratings *t, const goss_task_list *users, goss_use use, goss_model *m,
                              goss_error *err) {
    size_t most = 1;
    for (int i = 0; i < users->n; i++) most += (size_t)goss_ratings_of(t->ratings, users->tasks[i]);
    uint64_t *hash = goss__calloc(most, sizeof *hash);
    if (!hash) return goss_error_set(err, GOSS_E_NOMEM, "no memory for the hashes of ratings");
    size_t n = 0;
    for (int i = 0; i < users->n; i++) {
        goss_ratings_hashes(t->ratings, users->tasks[i], hash + n);
        n += (size_t)goss_ratings_of(t->ratings, users->tasks[i]);
    }
    const goss_status s = goss_model_mark_samples(m, use, hash, n, err);
    goss__free(hash);
    return s;
}

static goss_status mark(const goss__run_data *d, goss_model *m, goss_error *err) {
    const ratings *t = d->own;
    char text[64];
    snprintf(text, sizeof text, "%d of %d", t->division.train.n,
             goss_table_tasks_count(goss_ratings_users(t->ratings)));
    GOSS_TRY(goss_model_note(m, "data.trained_tasks", text, err));
    GOSS_TRY(mark_users(t, &t->division.train, GOSS_USE_TRAIN, m, err));
    return d->validates ? mark_users(t, &t->division.validate, GOSS_USE_VALIDATE, m, err) : GOSS_OK;
}

static void validated_on(const goss__run_data *d, const goss__run_settings *s, char *out, size_t size) {
    snprintf(out, size, "%d draws of %lld users, support %d..%d, order %s, %s", d->judged,
             (long long)d->validation.tasks, s->table.support, s->table.most_support, s->table.order, d->metric->name);
}

const goss_ratings *goss__data_ratings_of(const goss__run_data *d, const goss_catalogue **catalogue,
                                          const goss_task_division **division, const goss_table **described) {
    if (d->kind != &goss__data_ratings || !d->own) return NULL;
    const ratings *t = d->own;
    if (catalogue) *catalogue = t->catalogue;
    if (division) *division = &t->division;
    if (described) *described = t->described;
    return t->ratings;
}

const goss__data_kind goss__data_ratings = {.name = "ratings",
                                            .lists_metrics = true,
                                            .check = check,
                                            .open = open_data,
                                            .close = close_ratings,
                                            .mark = mark,
                                            .validated_on = validated_on,
                                            .things = "ratings, users, descriptors or divisions"};
