/* SPDX-License-Identifier: Apache-2.0 */
/* eval_ratings.c: gossamer eval on ratings: which methods are judged on which users. */
#include "eval_ratings.h"
#include "method_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* ---- folds ---- */

static int by_hash(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y); /* equal hashes are equal ratings */
}

static int known(const uint64_t *sorted, size_t n, const uint64_t *hash, int ratings) {
    int found = 0;
    for (int i = 0; n && i < ratings; i++) found += bsearch(&hash[i], sorted, n, sizeof *hash, by_hash) != NULL;
    return found;
}

/* A user was seen if the model has seen most of the ratings. */
static goss_status find_seen(const eval_ratings_state *e, rating_fold *f, goss_error *err) {
    size_t n[2];
    const uint64_t *trained = goss_model_samples(f->model, GOSS_USE_TRAIN, &n[0]);
    const uint64_t *validated = goss_model_samples(f->model, GOSS_USE_VALIDATE, &n[1]);
    int most = 0;
    for (int u = 0; u < e->users; u++)
        most = goss_ratings_of(e->ratings, u) > most ? goss_ratings_of(e->ratings, u) : most;
    uint64_t *hash = calloc((size_t)most + 1, sizeof *hash);
    f->seen = calloc((size_t)e->users, sizeof *f->seen);
    for (int u = 0; hash && f->seen && u < e->users; u++) {
        const int own = goss_ratings_of(e->ratings, u);
        goss_ratings_hashes(e->ratings, u, hash);
        if (2 * known(trained, n[0], hash, own) >= own)
            f->seen[u] = USER_TRAINED;
        else if (2 * known(validated, n[1], hash, own) >= own)
            f->seen[u] = USER_VALIDATED;
    }
    free(hash);
    return hash && f->seen ? GOSS_OK : no_memory(err);
}

/* By the columns and the order of the first model. */
static goss_status open_ratings(eval_ratings_state *e, const goss_catalogue *c, goss_error *err) {
    goss_ratings_options o = goss_ratings_defaults();
    o.path = e->q->data, o.order = e->order = e->q->order ? e->q->order : goss_catalogue_order(c);
    for (int i = 0; i < GOSS_RATINGS_COLUMNS; i++) o.column[i] = goss_catalogue_column(c, (goss_ratings_column)i);
    if (goss_catalogue_clicks(c, &o.click, NULL) && isnan(o.click)) o.column[GOSS_RATINGS_RATING] = NULL;
    GOSS_TRY(goss_error_prefix(err, goss_ratings_open(&o, &e->ratings, err), "--data"));
    if (goss_ratings_clicks(e->ratings) != goss_catalogue_clicks(c, NULL, NULL))
        return goss_error_set(err, GOSS_E_ARGUMENT, "--data: %s has %s, and the model is of %s", e->q->data,
                              goss_ratings_clicks(e->ratings) ? "clicks" : "ratings",
                              goss_ratings_clicks(e->ratings) ? "ratings" : "clicks");
    e->users = goss_table_tasks_count(goss_ratings_users(e->ratings));
    if (goss_ratings_repeated(e->ratings))
        cli_tell("%d ratings are left out: a user's later one of the same item counts",
                 goss_ratings_repeated(e->ratings));
    return GOSS_OK;
}

/* Takes ownership of the model in any case. */
static goss_status add_fold(eval_ratings_state *e, const char *path, goss_model *model, int *at, goss_error *err) {
    if (e->folds == RATING_FOLDS) {
        goss_model_free(model);
        return goss_error_set(err, GOSS_E_ARGUMENT, "more than %d model files", RATING_FOLDS);
    }
    rating_fold *f = &e->fold[ *at = e->folds++];
    f->path = path, f->model = model;
    if (!model) GOSS_TRY(goss_model_load(path, &f->model, err));
    const goss_data_spec *data = goss_model_data(f->model);
    if (strcmp(data->kind, "ratings") != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: a model of %s, not of ratings", path, data->kind);
    GOSS_TRY(goss_error_prefix(err, goss_catalogue_parse(data->transform, &f->catalogue, err), "%s", path));
    if (!e->ratings) GOSS_TRY(open_ratings(e, f->catalogue, err));
    GOSS_TRY(goss_ratings_unknown(e->ratings, f->catalogue, &f->unknown, &f->without_features, err));
    return find_seen(e, f, err);
}

/* ---- runners ---- */

static rating_runner *find_runner(eval_ratings_state *e, const char *name) {
    for (int i = 0; i < e->runners; i++)
        if (strcmp(e->runner[i].name, name) == 0) return &e->runner[i];
    return NULL;
}

static goss_status add_runner(eval_ratings_state *e, const char *name, rating_runner **out, goss_error *err) {
    if (e->runners == RATING_RUNNERS)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: more than %d", RATING_RUNNERS);
    if (find_runner(e, name)) return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: two are called %s", name);
    rating_runner *r = *out = &e->runner[e->runners++];
    r->name = strdup(name);
    return r->name ? GOSS_OK : no_memory(err);
}

static void use_models(const eval_ratings_state *e, rating_runner *r) {
    for (int i = 0; i < e->models; i++) r->fold[r->folds++] = i;
}

static const char *baseline_name(int i) {
    const goss_recommender *kind = goss_recommender_at(i);
    return kind ? kind->name : NULL;
}

/* From the models' files: a baseline, or another method on their weights. */
static goss_status add_derived(eval_ratings_state *e, const char *name, goss_error *err) {
    rating_runner *r;
    GOSS_TRY(add_runner(e, name, &r, err));
    use_models(e, r);
    r->kind = goss_recommender_find(name);
    if (!r->kind) r->derive = r->name;
    for (int i = 0; !r->kind && i < e->models; i++)
        GOSS_TRY(cli_method_derives(e->fold[i].model, name, baseline_name, err));
    return GOSS_OK;
}

/* NAME=FILE; a repeated name adds a fold. */
static goss_status add_file(eval_ratings_state *e, const char *name, const char *path, goss_error *err) {
    rating_runner *r = find_runner(e, name);
    if (r && (r->kind || r->derive || r->fold[0] < e->models))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "--methods: two are called %s; in NAME=FILE the name may be any other", name);
    if (!r) GOSS_TRY(add_runner(e, name, &r, err));
    int at;
    GOSS_TRY(goss_error_prefix(err, add_fold(e, path, NULL, &at, err), "--methods %s", name));
    r->fold[r->folds++] = at;
    return GOSS_OK;
}

static goss_status add_method(void *owner, const char *name, const char *file, goss_error *err) {
    eval_ratings_state *e = owner;
    if (!file && strcmp(name, e->runner[0].name) == 0) return GOSS_OK; /* the models themselves are that method */
    return file ? add_file(e, name, file, err) : add_derived(e, name, err);
}

static goss_status add_tuned(eval_ratings_state *e, goss_error *err) {
    char name[100];
    rating_runner *r;
    snprintf(name, sizeof name, "%.60s+finetune%d", e->runner[0].name, e->q->fine_tune);
    GOSS_TRY(add_runner(e, name, &r, err));
    use_models(e, r);
    r->fine_tune = e->q->fine_tune;
    return GOSS_OK;
}

static const char *method_name(const rating_fold *f) { return goss_method_name(goss_model_method(f->model)); }

static goss_status add_models(eval_ratings_state *e, goss_model *first, char **words, int n, goss_error *err) {
    int at;
    for (int i = 0; i < n; i++) {
        GOSS_TRY(add_fold(e, words[i], i ? NULL : first, &at, err));
        if (strcmp(method_name(&e->fold[at]), method_name(&e->fold[0])) != 0)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%s is of method %s and %s of %s: models given together are folds of one method; "
                                  "another is raced with --methods NAME=FILE",
                                  words[i], method_name(&e->fold[at]), words[0], method_name(&e->fold[0]));
    }
    e->models = e->folds;
    return GOSS_OK;
}

static goss_status gather(eval_ratings_state *e, goss_model *first, char **words, int n, goss_error *err) {
    rating_runner *r;
    GOSS_TRY(add_models(e, first, words, n, err));
    const goss_catalogue *c = e->fold[0].catalogue;
    GOSS_TRY(goss_error_prefix(err,
                               goss_ratings_metrics_find(goss_catalogue_objective(c),
                                                         e->q->metric ? e->q->metric : goss_catalogue_metrics(c),
                                                         &e->metrics, err),
                               "--metric"));
    GOSS_TRY(add_runner(e, method_name(&e->fold[0]), &r, err));
    use_models(e, r);
    if (e->q->fine_tune > 0) GOSS_TRY(add_tuned(e, err));
    return cli_methods_each(e->q->methods, "mf,knn,other=FILE", add_method, e, &e->list, err);
}

/* ---- users ---- */

static rating_seen least_seen(const eval_ratings_state *e, const rating_runner *r, int user) {
    rating_seen least = USER_TRAINED;
    for (int i = 0; i < r->folds; i++)
        if (e->fold[r->fold[i]].seen[user] < least) least = e->fold[r->fold[i]].seen[user];
    return least;
}

bool eval_ratings_may(const eval_ratings_state *e, const rating_runner *r, int fold, int user) {
    const rating_seen least = least_seen(e, r, user);
    return e->fold[fold].seen[user] == least && (least != USER_TRAINED || e->q->allow_seen);
}

static goss_status read_users(eval_ratings_state *e, goss_error *err) {
    goss_task_list list;
    for (int u = 0; u < e->users; u++) e->judged[u] = !e->q->tasks_file;
    if (!e->q->tasks_file) return GOSS_OK;
    GOSS_TRY(goss_error_prefix(err, goss_table_tasks_list(goss_ratings_users(e->ratings), e->q->tasks_file, &list, err),
                               "--tasks"));
    for (int i = 0; i < list.n; i++) e->judged[list.tasks[i]] = true;
    goss_task_list_free(&list);
    return GOSS_OK;
}

static void look_at(eval_ratings_state *e, int user) {
    rating_seen most = USER_NEW;
    for (int i = 0; i < e->runners; i++) {
        const rating_seen seen = least_seen(e, &e->runner[i], user);
        most = seen > most ? seen : most;
    }
    const bool few = goss_ratings_of(e->ratings, user) <= e->q->support;
    const bool trained = most == USER_TRAINED && !e->q->allow_seen;
    e->judged[user] = !few && !trained;
    e->skipped += few, e->left_out += !few && trained;
    e->n_judged += e->judged[user], e->validated += e->judged[user] && most == USER_VALIDATED;
}

static goss_status choose_users(eval_ratings_state *e, goss_error *err) {
    e->judged = calloc((size_t)e->users, sizeof *e->judged), e->work = calloc((size_t)e->users, sizeof *e->work);
    if (!e->judged || !e->work) return no_memory(err);
    GOSS_TRY(read_users(e, err));
    for (int u = 0; u < e->users; u++)
        if (e->judged[u]) look_at(e, u);
    if (e->n_judged) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: no user is left to judge on: %d have no more than --support %d ratings, %d were trained "
                          "on (--allow-seen judges on these)",
                          e->q->data, e->skipped, e->q->support, e->left_out);
}

static void tell(const eval_ratings_state *e) {
    if (e->left_out) cli_tell("%d users were trained on and are left out (--allow-seen judges on them)", e->left_out);
    if (e->skipped)
        cli_tell("%d users have no more than --support %d ratings and are left out", e->skipped, e->q->support);
    if (e->validated)
        cli_tell("%d of the %d users judged were validated on: weights were chosen by them", e->validated, e->n_judged);
    const rating_fold *f = &e->fold[0];
    if (f->unknown)
        cli_tell("%d of %d items are unknown to %s: %d are known by their features, %d by nothing", f->unknown,
                 goss_ratings_items(e->ratings), f->path, f->unknown - f->without_features, f->without_features);
}

/* ---- the verb ---- */

static void close_all(eval_ratings_state *e) {
    for (int i = 0; i < e->folds; i++) {
        rating_fold *f = &e->fold[i];
        goss_catalogue_free(f->catalogue);
        goss_model_free(f->model);
        free(f->seen);
    }
    for (int i = 0; i < e->runners; i++) free(e->runner[i].name), free(e->runner[i].value), free(e->runner[i].covered);
    goss_ratings_close(e->ratings);
    free(e->judged), free(e->work), free(e->list);
}

int eval_ratings(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n) {
    eval_ratings_state *e = calloc(1, sizeof *e);
    goss_error err;
    if (q->support < 1) cli_usage(verb, "--support is missing: how many ratings of each user a method sees");
    if (!e) {
        goss_model_free(first);
        (void)no_memory(&err);
        return cli_fail(&err);
    }
    e->q = q;
    goss_status s = gather(e, first, words, n, &err);
    const bool random = s != GOSS_OK || goss_table_tasks_order(goss_ratings_users(e->ratings)) == GOSS_ORDER_RANDOM;
    e->repeats = q->repeats ? q->repeats : random ? 5 : 1;
    if (s == GOSS_OK) s = choose_users(e, &err);
    if (s == GOSS_OK) {
        tell(e);
        s = eval_ratings_race(e, &err);
    }
    if (s == GOSS_OK) (q->json ? eval_ratings_json : eval_ratings_print)(e);
    const int status = s == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    close_all(e);
    free(e);
    return status;
}
