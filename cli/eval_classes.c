/* SPDX-License-Identifier: Apache-2.0 */
/* eval_classes.c: gossamer eval on episodes of classes: the samples, which of them contenders have seen, the race. */
#include "eval_classes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static goss_status no_memory(goss_error *err) { return goss_error_set(err, GOSS_E_NOMEM, "out of memory"); }

/* ---- samples ---- */

static const char *transform_of(const goss_model *m) {
    const char *t = goss_model_data(m)->transform;
    return t ? t : "";
}

static goss_status open_view(eval_classes *e, const eval_runner *r, class_view *v, goss_error *err) {
    if (strcmp(goss_model_data(r->model)->kind, e->opener->kind) != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "its data is of kind \"%s\", and the first model's is \"%s\"",
                              goss_model_data(r->model)->kind, e->opener->kind);
    v->transform = transform_of(r->model);
    return e->opener->open(r->model, e->q->data, e->q->skip_bad, &v->set, &v->own, err);
}

/* Samples correspond by number. */
static goss_status check_same(const eval_classes *e, const class_view *v, goss_error *err) {
    const goss_class_set *a = e->view[0].set, *b = v->set;
    bool same = a->samples == b->samples && a->classes == b->classes;
    for (int i = 0; same && i < a->samples; i++) same = strcmp(a->sample_name[i], b->sample_name[i]) == 0;
    if (same && memcmp(a->class_of, b->class_of, (size_t)a->samples * sizeof *a->class_of) == 0) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "its model sees other %s or classes in %s than the first one (data.pattern)", a->things,
                          e->q->data);
}

static goss_status open_views(eval_classes *e, goss_error *err) {
    for (int i = 0; i < e->n; i++) {
        eval_runner *r = &e->runner[i];
        const char *transform = transform_of(r->model);
        for (r->view = 0; r->view < e->views && strcmp(e->view[r->view].transform, transform) != 0;) r->view++;
        if (r->view < e->views) continue;
        class_view *v = &e->view[e->views++];
        goss_status s = open_view(e, r, v, err);
        if (s == GOSS_OK && v != e->view) s = check_same(e, v, err);
        if (s != GOSS_OK) return v == e->view ? s : goss_error_prefix(err, s, "%s", r->name);
    }
    return GOSS_OK;
}

/* ---- which are judged on ---- */

static bool has(const goss_model *m, goss_use how, uint64_t hash) {
    size_t n, low = 0;
    const uint64_t *seen = goss_model_samples(m, how, &n);
    for (size_t high = n; low < high;) {
        const size_t at = low + (high - low) / 2;
        if (seen[at] < hash)
            low = at + 1;
        else
            high = at;
    }
    return hash && low < n && seen[low] == hash;
}

/* Counts the samples in use that a contender has seen; the first is in *example. */
static void count_seen(eval_classes *e, bool *marks, int *example) {
    const goss_class_set *set = e->view[0].set;
    e->seen = e->validated = e->samples = 0;
    for (int k = 0; k < e->n; k++) e->runner[k].trained = e->runner[k].validated = (goss_overlap){.complete = true};
    for (int i = set->samples - 1; i >= 0; i--) {
        bool validated = false;
        marks[i] = false;
        if (!e->use[i]) continue;
        e->samples++;
        for (int k = 0; k < e->n; k++) {
            eval_runner *r = &e->runner[k];
            const bool t = has(r->model, GOSS_USE_TRAIN, set->hash[i]),
                       v = has(r->model, GOSS_USE_VALIDATE, set->hash[i]);
            r->trained.images += t, r->validated.images += v, marks[i] |= t, validated |= v;
        }
        e->seen += marks[i], e->validated += validated;
        if (marks[i]) *example = i;
    }
}

static int count_classes(const eval_classes *e, const bool *of) {
    const goss_class_set *set = e->view[0].set;
    int n = 0;
    for (int c = 0; c < set->classes; c++) {
        bool any = false;
        for (int i = 0; i < set->samples && !any; i++) any = of[i] && set->class_of[i] == c;
        n += any;
    }
    return n;
}

static goss_status leave_out(eval_classes *e, bool *marks, goss_error *err) {
    const goss_class_set *set = e->view[0].set;
    int example = 0;
    const int of = e->samples;
    for (int i = 0; i < set->samples; i++) e->use[i] &= !marks[i];
    count_seen(e, marks, &example);
    cli_tell("--unseen: %d of %d %s were trained on; %d are left", of - e->samples, of, set->things, e->samples);
    if (e->samples) return GOSS_OK;
    return goss_error_set(err, GOSS_E_ARGUMENT, "--unseen: all of the %s were trained on", set->things);
}

static goss_status look(eval_classes *e, bool *marks, goss_error *err) {
    const goss_class_set *set = e->view[0].set;
    int example = 0;
    count_seen(e, marks, &example);
    e->seen_classes = count_classes(e, marks);
    if (e->seen == 0 || e->q->allow_seen) return GOSS_OK;
    if (e->q->unseen) return leave_out(e, marks, err);
    return goss_error_set(err, GOSS_E_ARGUMENT,
                          "%d of the %d %s to judge on were trained on (as %s). --classes FILE names other classes, "
                          "--unseen leaves these %s out, --allow-seen judges on them and says so",
                          e->seen, e->samples, set->things, set->sample_name[example], set->things);
}

static goss_status choose(eval_classes *e, goss_error *err) {
    const goss_class_set *set = e->view[0].set;
    const size_t n = (size_t)set->samples + 1;
    e->use = calloc(n, sizeof *e->use);
    if (!e->use) return no_memory(err);
    for (int i = 0; i < set->samples; i++) e->use[i] = !e->q->classes;
    if (e->q->classes)
        GOSS_TRY(
            goss_error_prefix(err, goss_class_set_read_classes(set, e->q->classes, e->use, true, err), "--classes"));
    bool *marks = calloc(n, sizeof *marks);
    if (!marks) return no_memory(err);
    const goss_status s = look(e, marks, err);
    free(marks);
    e->classes = count_classes(e, e->use);
    return s;
}

/* ---- episodes ---- */

static goss_status open_sources(eval_classes *e, goss_error *err) {
    const eval_request *q = e->q;
    goss_class_episodes o = {.ways = q->episode.ways,
                             .shots = q->episode.shots,
                             .queries = q->episode.queries,
                             .unknown = q->unknown,
                             .silence = q->unknown && e->view[0].set->silence ? q->episode.queries : 0,
                             .group = -1,
                             .seed = q->episode.seed};
    if (q->group) GOSS_TRY(goss_class_set_find_field(e->view[0].set, q->group, "--group", &o.group, err));
    e->group = o.group;
    for (int v = 0; v < e->views; v++)
        GOSS_TRY(goss_class_episodes_open(e->view[v].set, e->use, &o, &e->view[v].source, &e->scope, err));
    return GOSS_OK;
}

/* The value of the group of every episode. */
static goss_status name_episodes(eval_classes *e, goss_error *err) {
    const goss_task_source *source = &e->view[0].source;
    if (e->group < 0) return GOSS_OK;
    int32_t *rows = calloc((size_t)source->spec.supports, sizeof *rows);
    e->of = calloc((size_t)e->q->episodes, sizeof *e->of);
    for (int k = 0; rows && e->of && k < e->q->episodes; k++) {
        goss_task task = {.support_rows = rows};
        source->draw(source, (uint64_t)k, &task);
        e->of[k] = e->view[0].set->field[e->group].of[rows[0]];
    }
    free(rows);
    return rows && e->of ? GOSS_OK : no_memory(err);
}

static void show(void *context, int which, int done, int episodes) {
    const eval_classes *e = context;
    fprintf(stderr, "\r\033[K%s: %d of %d episodes", e->runner[which].name, done, episodes);
    if (done == episodes) fprintf(stderr, "\r\033[K");
    fflush(stderr);
}

static goss_status judge(eval_classes *e, goss_error *err) {
    goss_contender contenders[EVAL_MOST];
    goss_structure_ask ask[EVAL_MOST];
    goss_evaluate_options o = goss_evaluate_defaults();
    for (int i = 0; i < e->n; i++) {
        ask[i] = (goss_structure_ask){.source = e->runner[i].source, .seed = e->q->seed};
        contenders[i] = (goss_contender){.model = e->runner[i].model,
                                         .structure = e->runner[i].structured ? &ask[i] : NULL,
                                         .fine_tune = e->runner[i].fine_tune,
                                         .precision = e->runner[i].precision,
                                         .source = &e->view[e->runner[i].view].source};
    }
    o.episodes = e->q->episodes, o.context = e;
    if (e->q->unknown) o.answered = eval_doubts_take;
    if (isatty(STDERR_FILENO)) o.progress = show;
    e->each = calloc((size_t)e->n * (size_t)o.episodes, sizeof *e->each);
    if (!e->each) return no_memory(err);
    GOSS_TRY(goss_threads_new(e->q->threads, &o.threads, err));
    const goss_status s = goss_evaluate_tasks(contenders, e->n, &e->view[0].source, &o, e->score, e->each, err);
    goss_threads_free(o.threads);
    return s;
}

/* ---- the verb ---- */

static goss_status race(eval_classes *e, goss_model *first, const char *path, goss_error *err) {
    GOSS_TRY(
        eval_gather(e->runner, &e->n, first, path, e->q->methods, e->q->fine_tune, e->q->precision, false, false, err));
    GOSS_TRY(open_views(e, err));
    GOSS_TRY(choose(e, err));
    GOSS_TRY(open_sources(e, err));
    if (e->q->unknown) GOSS_TRY(eval_doubts_new(e, err));
    GOSS_TRY(judge(e, err));
    if (e->q->unknown) eval_doubts_judge(e);
    GOSS_TRY(name_episodes(e, err));
    (e->q->json ? eval_classes_json : eval_classes_print)(e);
    return GOSS_OK;
}

static void close_all(eval_classes *e) {
    for (int v = 0; v < e->views; v++) {
        goss_task_source_free(&e->view[v].source);
        e->opener->close(e->view[v].own);
    }
    eval_doubts_free(e);
    free(e->use), free(e->each), free(e->of);
    eval_free_runners(e->runner);
}

int eval_classes_run(const class_opener *opener, const eval_request *q, const cli_verb *verb, goss_model *first,
                     char **words, int n) {
    static eval_classes e;
    goss_error err;
    if (n > 1) cli_usage(verb, "several models: only those of tables are folds; --methods NAME=FILE races others");
    e.opener = opener, e.q = q;
    const int status = race(&e, first, words[0], &err) == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    close_all(&e);
    return status;
}
