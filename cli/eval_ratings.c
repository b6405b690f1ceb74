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

static goss_status find_seen(const eval_ratings_state *e, rating_fold *f, goss_error *err) {
    int most = 0;
    for (int u = 0; u < e->users; u++)
        most = goss_ratings_of(e->ratings, u) > most ? goss_ratings_of(e->ratings, u) : most;
    uint64_t *hash = calloc((size_t)most + 1, sizeof *hash);
    f->base.seen = calloc((size_t)e->users, sizeof *f->base.seen);
    for (int u = 0; hash && f->base.seen && u < e->users; u++) {
        goss_ratings_hashes(e->ratings, u, hash);
        f->base.seen[u] = eval_field_saw(f->base.model, hash, goss_ratings_of(e->ratings, u));
    }
    const bool ok = hash && f->base.seen;
    free(hash);
    return ok ? GOSS_OK : no_memory(err);
}

/* By the columns and the order of the first model. */
static goss_status open_ratings(eval_ratings_state *e, const goss_catalogue *c, goss_error *err) {
    goss_ratings_options o = goss_ratings_defaults();
    o.path = e->q->data, o.order = e->order = e->q->order ? e->q->order : goss_catalogue_order(c);
    o.any_time = true;
    for (int i = 0; i < GOSS_RATINGS_COLUMNS; i++) o.column[i] = goss_catalogue_column(c, (goss_ratings_column)i);
    if (goss_catalogue_clicks(c, &o.click, NULL) && isnan(o.click)) o.column[GOSS_RATINGS_RATING] = NULL;
    GOSS_TRY(goss_error_prefix(err, goss_ratings_open(&o, &e->ratings, err), "--data"));
    e->users = goss_table_tasks_count(goss_ratings_users(e->ratings));
    if (goss_ratings_repeated(e->ratings))
        cli_tell("%d ratings are left out: a user's later one of the same item counts",
                 goss_ratings_repeated(e->ratings));
    if (goss_ratings_incomplete(e->ratings))
        cli_tell("rows without a user or a rating are left out: %d", goss_ratings_incomplete(e->ratings));
    return GOSS_OK;
}

/* Users have descriptors where a model reads them, without which users without ratings (--support 0) are all alike. */
static goss_status check_users(eval_ratings_state *e, const rating_fold *f, goss_error *err) {
    const bool described = goss_catalogue_descriptors(f->catalogue) != NULL;
    int least, most;
    goss_catalogue_support(f->catalogue, &least, &most);
    if (described && !e->q->descriptors)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s requires a descriptor of each user: --descriptor FILE with a row per user (a column "
                              "%s, and those of training)",
                              f->base.path, goss_catalogue_column(f->catalogue, GOSS_RATINGS_USER));
    if (described && !e->described)
        GOSS_TRY(goss_error_prefix(err, goss_table_open(e->q->descriptors, NULL, &e->described, err), "--descriptor"));
    const bool beside = e->field.models > 0; /* NAME=FILE: by what it is, a model is compared */
    if (e->q->support > 0 || beside || (described && least == 0)) return GOSS_OK;
    if (!described)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--support 0: %s knows users by their ratings alone", f->base.path);
    return goss_error_set(
        err, GOSS_E_ARGUMENT,
        "--support 0: %s was trained on users with %d rating%s or more (task.support = 0, or 0..20, in "
        "training prepares it for users without any)",
        f->base.path, least, least == 1 ? "" : "s");
}

/* A random order needs no times, but users are recognised by them. */
static goss_status check_time(const eval_ratings_state *e, const rating_fold *f, goss_error *err) {
    const char *time = goss_catalogue_column(f->catalogue, GOSS_RATINGS_TIME);
    if (!time || goss_ratings_column_name(e->ratings, GOSS_RATINGS_TIME) || e->q->allow_seen) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s has no column %s, by which the users that %s was trained on are recognised (item, rating "
                          "and time): give it, or judge on all users with --allow-seen",
                          e->q->data, time, f->base.path);
}

/* Takes ownership of the model in any case. */
static goss_status add_fold(eval_ratings_state *e, const char *path, goss_model *model, int *at, goss_error *err) {
    GOSS_TRY(eval_field_fold(&e->field, path, model, "ratings", "ratings", at, err));
    rating_fold *f = &e->fold[*at];
    const char *transform = goss_model_data(f->base.model)->transform;
    GOSS_TRY(goss_error_prefix(err, goss_catalogue_parse(transform, &f->catalogue, err), "%s", path));
    if (!e->ratings) GOSS_TRY(open_ratings(e, f->catalogue, err));
    if (goss_ratings_clicks(e->ratings) != goss_catalogue_clicks(f->catalogue, NULL, NULL))
        return goss_error_set(err, GOSS_E_ARGUMENT, "--data: %s has %s, and the model is of %s", e->q->data,
                              goss_ratings_clicks(e->ratings) ? "clicks" : "ratings",
                              goss_ratings_clicks(e->ratings) ? "ratings" : "clicks");
    if (e->q->candidates >= 0 && !goss_ratings_clicks(e->ratings))
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "--candidates is for clicks, and %s has ratings: a user's other ratings are ranked",
                              e->q->data);
    GOSS_TRY(check_time(e, f, err));
    GOSS_TRY(check_users(e, f, err));
    GOSS_TRY(goss_ratings_unknown(e->ratings, f->catalogue, &f->unknown, &f->without_features, err));
    return find_seen(e, f, err);
}

/* ---- runners ---- */

static const char *baseline_name(int i) {
    const goss_recommender *kind = goss_recommender_at(i);
    return kind ? kind->name : NULL;
}

static goss_status add_derived(eval_ratings_state *e, const char *name, goss_error *err) {
    int at;
    GOSS_TRY(eval_field_derived(&e->field, name, &at, err));
    const goss_recommender *kind = e->runner[at].kind = goss_recommender_find(name);
    for (int i = 0; kind && i < e->field.models; i++)
        GOSS_TRY(goss_error_prefix(err, goss_recommender_check(kind, e->fold[i].catalogue, err), "--methods"));
    return GOSS_OK;
}

/* NAME=FILE; a repeated name adds a fold. */
static goss_status add_file(eval_ratings_state *e, const char *name, const char *path, goss_error *err) {
    int at, which;
    GOSS_TRY(eval_field_named(&e->field, name, &which, err));
    GOSS_TRY(goss_error_prefix(err, add_fold(e, path, NULL, &at, err), "--methods %s", name));
    rating_runner *r = &e->runner[which];
    r->base.fold[r->base.folds++] = at;
    return GOSS_OK;
}

static goss_status add_method(void *owner, const char *name, const char *file, goss_error *err) {
    eval_ratings_state *e = owner;
    if (!file && strcmp(name, e->runner[0].base.name) == 0) return GOSS_OK; /* the models themselves are that method */
    return file ? add_file(e, name, file, err) : add_derived(e, name, err);
}

static goss_status add_models(eval_ratings_state *e, goss_model *first, char **words, int n, goss_error *err) {
    int at;
    for (int i = 0; i < n; i++) {
        GOSS_TRY(add_fold(e, words[i], i ? NULL : first, &at, err));
        GOSS_TRY(eval_field_same_method(&e->field, at, err));
    }
    e->field.models = e->field.folds;
    return GOSS_OK;
}

static goss_status check_runner(const eval_ratings_state *e, const rating_runner *r, const goss_metric *metric,
                                goss_error *err) {
    const goss_objective *first = goss_catalogue_objective(e->fold[0].catalogue);
    if (r->kind) return cli_metric_judges(metric, first, NULL, err);
    for (int i = 0; i < r->base.folds; i++)
        GOSS_TRY(cli_metric_judges(metric, first, goss_catalogue_objective(e->fold[r->base.fold[i]].catalogue), err));
    return GOSS_OK;
}

static goss_status check_metrics(const eval_ratings_state *e, goss_error *err) {
    for (int i = 0; i < e->field.entrants * e->metrics.n; i++) {
        const rating_runner *r = &e->runner[i / e->metrics.n];
        GOSS_TRY(goss_error_prefix(err, check_runner(e, r, e->metrics.metric[i % e->metrics.n], err), "--methods %s",
                                   r->base.name));
    }
    return GOSS_OK;
}

static goss_status gather(eval_ratings_state *e, goss_model *first, char **words, int n, goss_error *err) {
    int at;
    GOSS_TRY(add_models(e, first, words, n, err));
    const goss_catalogue *c = e->fold[0].catalogue;
    GOSS_TRY(goss_error_prefix(err,
                               goss_ratings_metrics_find(goss_catalogue_objective(c),
                                                         e->q->metric ? e->q->metric : goss_catalogue_metrics(c),
                                                         &e->metrics, err),
                               "--metric"));
    GOSS_TRY(eval_field_of_models(&e->field, eval_field_method(&e->field, 0), &at, err));
    GOSS_TRY(eval_field_rounded(&e->field, 0, e->q->precision, &at, err));
    if (e->q->fine_tune > 0) {
        GOSS_TRY(eval_field_tuned(&e->field, e->q->fine_tune, &at, err));
        GOSS_TRY(eval_field_rounded(&e->field, at, e->q->precision, &at, err));
    }
    GOSS_TRY(cli_methods_each(e->q->methods, "mf,knn,other=FILE", add_method, e, &e->list, err));
    GOSS_TRY(check_metrics(e, err));
    if (!e->q->descriptors || e->described) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "--descriptor %s: no model here reads descriptors", e->q->descriptors);
}

/* ---- users ---- */

static goss_status choose_users(eval_ratings_state *e, goss_error *err) {
    e->judged = calloc((size_t)e->users, sizeof *e->judged), e->work = calloc((size_t)e->users, sizeof *e->work);
    if (!e->judged || !e->work) return no_memory(err);
    GOSS_TRY(eval_field_tasks(goss_ratings_users(e->ratings), e->q->tasks_file, e->judged, err));
    for (int u = 0; u < e->users; u++)
        if (e->judged[u])
            e->judged[u] = eval_field_judges(&e->field, u, goss_ratings_of(e->ratings, u) <= e->q->support);
    if (e->field.n_judged) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%s: no user is left to judge on: %d have no more than --support %d ratings, %d were trained "
                          "on (--allow-seen judges on these)",
                          e->q->data, e->field.skipped, e->q->support, e->field.left_out);
}

/* Before any user is judged: each has a row. */
static goss_status check_descriptors(const eval_ratings_state *e, const goss_catalogue *c, goss_error *err) {
    const goss_descriptors *d = goss_catalogue_descriptors(c);
    int n = 0;
    if (!d) return GOSS_OK;
    int32_t *users = calloc((size_t)e->users, sizeof *users);
    for (int u = 0; users && u < e->users; u++)
        if (e->judged[u]) users[n++] = u;
    const goss_status s =
        users ? goss_descriptors_apply_each(d, e->described, goss_ratings_users(e->ratings), users, n, NULL, err)
              : no_memory(err);
    free(users);
    return goss_error_prefix(err, s, "--descriptor");
}

static void tell(const eval_ratings_state *e) {
    double lowest, highest;
    eval_field_tell(&e->field, e->q->support, "users", "ratings");
    const rating_fold *f = &e->fold[0];
    const int outside = goss_ratings_outside(e->ratings, f->catalogue);
    if (outside && goss_catalogue_range(f->catalogue, &lowest, &highest))
        cli_tell("warning: %s: ratings outside of %g to %g, which %s was trained on: %d (of another scale?)",
                 e->q->data, lowest, highest, f->base.path, outside);
    if (f->unknown)
        cli_tell("%d of %d items are unknown to %s: %d are known by their features, %d by nothing", f->unknown,
                 goss_ratings_items(e->ratings), f->base.path, f->unknown - f->without_features, f->without_features);
}

/* ---- the verb ---- */

static void close_all(eval_ratings_state *e) {
    for (int i = 0; i < e->field.folds; i++) goss_catalogue_free(e->fold[i].catalogue);
    for (int i = 0; i < e->field.entrants; i++) free(e->runner[i].value), free(e->runner[i].covered);
    eval_field_free(&e->field);
    goss_ratings_close(e->ratings), goss_table_close(e->described);
    free(e->judged), free(e->work), free(e->list);
}

int eval_ratings(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n) {
    eval_ratings_state *e = calloc(1, sizeof *e);
    goss_error err;
    if (q->support < 0) cli_usage(verb, "--support is missing: how many ratings of each user a method sees");
    if (!e) {
        goss_model_free(first);
        (void)no_memory(&err);
        return cli_fail(&err);
    }
    e->q = q, e->candidates = q->candidates < 0 ? 100 : q->candidates;
    e->field = (eval_field){.baseline = baseline_name, .allow_seen = q->allow_seen};
    for (int i = 0; i < EVAL_FOLDS; i++) e->field.fold[i] = &e->fold[i].base;
    for (int i = 0; i < EVAL_ENTRANTS; i++) e->field.entrant[i] = &e->runner[i].base;
    goss_status s = gather(e, first, words, n, &err);
    const bool random = s != GOSS_OK || goss_table_tasks_order(goss_ratings_users(e->ratings)) == GOSS_ORDER_RANDOM;
    e->repeats = q->repeats ? q->repeats : random ? 5 : 1;
    if (s == GOSS_OK) s = choose_users(e, &err);
    for (int i = 0; s == GOSS_OK && i < e->field.folds; i++) s = check_descriptors(e, e->fold[i].catalogue, &err);
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
