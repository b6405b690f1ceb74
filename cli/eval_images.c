/* SPDX-License-Identifier: Apache-2.0 */
/* eval_images.c: gossamer eval on episodes of images: who takes part, and the race. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eval.h"
#include "data_kinds.h"

/* ---- who runs ---- */

/* The next free place, with copies of name and weights. A report tells its rows apart by their names. */
static goss_status place(eval *e, const char *name, const char *weights, eval_runner **out, goss_error *err) {
    if (e->n == EVAL_MOST) return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: more than %d", EVAL_MOST);
    for (int i = 0; i < e->n; i++)
        if (strcmp(e->runner[i].name, name) == 0)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "--methods: two are called %s; in NAME=FILE the name may be any other", name);
    eval_runner *r = *out = &e->runner[e->n++];
    r->name = strdup(name), r->weights = strdup(weights);
    return r->name && r->weights ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
}

/* A method on the model's own weights. */
static goss_status derive(eval *e, const char *name, goss_error *err) {
    eval_runner *r;
    goss_model *m;
    goss_status s = goss_contender_derive(e->runner[0].model, name, &m, err);
    if (s != GOSS_OK && strpbrk(name, "./"))
        return goss_error_prefix(err, s, "--methods %s: a model file is given as NAME=%s", name, name);
    if (s != GOSS_OK) return goss_error_prefix(err, s, "--methods %s (--methods %s=FILE names a model)", name, name);
    const goss_method *method = goss_model_method(m);
    bool norms = goss_layout_count(goss_target_statistics(goss_method_target(method))) > 0;
    bool support = strcmp(goss_config_text(goss_model_settings(m), "method.norm"), "support") == 0;
    s = place(e, name,
              !goss_method_trains(method) ? "none"
              : norms && support          ? "the model's embedding, support statistics"
                                          : "the model's embedding",
              &r, err);
    if (s == GOSS_OK)
        r->model = m;
    else
        goss_model_free(m);
    return s;
}

/* The word without blanks around it, in place. */
static char *trim(char *word) {
    static const char blanks[] = " \t\n\r";
    word += strspn(word, blanks);
    for (size_t n = strlen(word); n > 0 && strchr(blanks, word[n - 1]); n--) word[n - 1] = 0;
    return word;
}

static goss_status add_runner(eval *e, char *word, goss_error *err) {
    char *name = trim(word), *file = strchr(name, '=');
    eval_runner *r;
    if (file) *file++ = 0, name = trim(name), file = trim(file);
    if (!*name || (file && !*file))
        return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: an empty %s; it is a list as protonet,mine=FILE",
                              *name ? "file name" : "name");
    if (!file && strcmp(name, e->runner[0].name) == 0) return GOSS_OK; /* the model itself is that method */
    if (!file) return derive(e, name, err);
    GOSS_TRY(place(e, name, file, &r, err));
    r->file = true;
    return goss_error_prefix(err, goss_model_load(file, &r->model, err), "--methods %s", name);
}

static goss_status add_tuned(eval *e, goss_error *err) {
    const eval_runner *first = &e->runner[0];
    eval_runner *r;
    char name[100];
    snprintf(name, sizeof name, "%s+finetune%d", first->name, e->fine_tune);
    GOSS_TRY(place(e, name, first->weights, &r, err));
    r->model = first->model, r->fine_tune = e->fine_tune;
    return GOSS_OK;
}

/* Takes the model. */
static goss_status gather(eval *e, goss_model *m, const char *path, goss_error *err) {
    eval_runner *r;
    goss_status s = place(e, goss_method_name(goss_model_method(m)), path, &r, err);
    r->model = m, r->file = true;
    if (s == GOSS_OK && e->fine_tune > 0) s = add_tuned(e, err);
    if (s != GOSS_OK || !e->methods) return s;
    char *list = strdup(e->methods), *rest = list, *word;
    if (!list) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    while (s == GOSS_OK && (word = strsep(&rest, ","))) s = add_runner(e, word, err);
    free(list);
    return s;
}

/* ---- the race ---- */

static void show(void *context, int which, int done, int episodes) {
    const eval *e = context;
    fprintf(stderr, "\r\033[K%s: %d of %d episodes", e->runner[which].name, done, episodes);
    if (done == episodes) fprintf(stderr, "\r\033[K");
    fflush(stderr);
}

static goss_status judge(eval *e, goss_score *scores, goss_error *err) {
    goss_contender contenders[EVAL_MOST];
    goss_evaluate_options o = goss_evaluate_defaults();
    for (int i = 0; i < e->n; i++)
        contenders[i] = (goss_contender){.model = e->runner[i].model,
                                         .fine_tune = e->runner[i].fine_tune,
                                         .sampler = e->view[e->runner[i].view].sampler};
    o.episodes = e->episodes;
    GOSS_TRY(goss_threads_new(e->threads, &o.threads, err));
    if (isatty(STDERR_FILENO)) o.progress = show, o.context = e;
    goss_status s = goss_evaluate(contenders, e->n, e->view[0].sampler, &o, scores, NULL, err);
    goss_threads_free(o.threads);
    return s;
}

static goss_status race(eval *e, goss_model *first, const char *model, goss_error *err) {
    goss_score scores[EVAL_MOST];
    GOSS_TRY(gather(e, first, model, err));
    GOSS_TRY(eval_open(e, err));
    GOSS_TRY(judge(e, scores, err));
    (e->json ? eval_print_json : eval_print_table)(e, scores);
    return GOSS_OK;
}

int eval_images(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n) {
    static eval e;
    goss_error err;
    if (n > 1) cli_usage(verb, "several models: only those of tables are folds; --methods NAME=FILE races others");
    e.data = q->data, e.labels = q->labels, e.classes = q->classes, e.methods = q->methods, e.cache = q->cache;
    e.allow_seen = q->allow_seen, e.unseen = q->unseen, e.skip_bad = q->skip_bad, e.json = q->json;
    e.episodes = q->episodes, e.threads = q->threads, e.fine_tune = q->fine_tune, e.spec = q->episode;
    const int status = race(&e, first, words[0], &err) == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    eval_close(&e);
    return status;
}
