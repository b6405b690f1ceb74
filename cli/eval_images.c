/* SPDX-License-Identifier: Apache-2.0 */
/* eval_images.c: gossamer eval on episodes of images: who takes part, and the race. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eval.h"
#include "data_kinds.h"

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
    GOSS_TRY(eval_gather(e->runner, &e->n, first, model, e->methods, e->fine_tune, err));
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
