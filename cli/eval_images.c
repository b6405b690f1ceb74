/* SPDX-License-Identifier: Apache-2.0 */
/* eval_images.c: gossamer eval on episodes of images: who takes part, and the race. */
#include <math.h>
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

static goss_status make_room(eval *e, goss_error *err) {
    if (!e->mean_budget && !e->rows.space) return GOSS_OK;
    e->bytes = calloc((size_t)e->episodes, sizeof *e->bytes);
    e->each = calloc((size_t)e->episodes * (size_t)e->n, sizeof *e->each);
    return e->bytes && e->each ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "out of memory");
}

/* Difficulty is what fails within equal budgets. */
static double correlate(eval *e) {
    int equal = 0;
    while (equal < e->n && e->runner[equal].source != GOSS_STRUCTURE_EQUAL) equal++;
    return equal < e->n ? -cli_correlation(e->bytes, e->each + (size_t)equal * (size_t)e->episodes, e->episodes)
                        : (double)NAN;
}

/* What networks without structures cost, which stand beside those with. */
static goss_status add_fixed(const eval *e, int64_t bytes, goss_score *scores, goss_error *err) {
    for (int i = 0; i < e->n; i++)
        if (scores[i].structure.networks == 0)
            GOSS_TRY(
                cli_fixed_figures(e->runner[i].model, e->spec.ways, bytes, e->episodes, &scores[i].structure, err));
    return GOSS_OK;
}

/* bytes: 0: the most that was trained for. */
static goss_status judge(eval *e, int64_t bytes, goss_threads *threads, goss_score *scores, goss_error *err) {
    goss_contender contenders[EVAL_MOST];
    goss_structure_ask ask[EVAL_MOST];
    goss_evaluate_options o = goss_evaluate_defaults();
    goss_structure_log log;
    GOSS_TRY(cli_rows_log(&e->rows, e->episodes, e->bytes, &log, err));
    if (bytes > 0) GOSS_TRY(eval_runners_within(e->runner, e->n, bytes, e->spec.ways, err));
    for (int i = 0; i < e->n; i++) {
        const eval_runner *r = &e->runner[i];
        ask[i] = (goss_structure_ask){.source = r->source,
                                      .budget = {.bytes = bytes},
                                      .stored = r->precision,
                                      .seed = e->spec.seed,
                                      .pooled = e->mean_budget,
                                      .log = i == 0 ? log : (goss_structure_log){0}};
        contenders[i] = (goss_contender){.model = e->runner[i].model,
                                         .structure = r->structured ? &ask[i] : NULL,
                                         .fine_tune = e->runner[i].fine_tune,
                                         .precision = e->runner[i].precision,
                                         .sampler = e->view[e->runner[i].view].sampler};
    }
    o.episodes = e->episodes;
    o.threads = threads;
    o.context = e;
    if (isatty(STDERR_FILENO)) o.progress = show;
    GOSS_TRY(goss_evaluate(contenders, e->n, e->view[0].sampler, &o, scores, e->each, err));
    if (bytes > 0) GOSS_TRY(add_fixed(e, bytes, scores, err));
    return cli_rows_take(&e->rows, e->episodes, e->each, NULL, NULL, err);
}

static goss_status judge_all(eval *e, goss_score (*scores)[EVAL_MOST], goss_error *err) {
    goss_threads *threads;
    GOSS_TRY(goss_threads_new(e->threads, &threads, err));
    goss_status s = e->budgets.n == 0 ? judge(e, 0, threads, scores[0], err) : GOSS_OK;
    if (s == GOSS_OK && e->budgets.n == 0) cli_rows_end(&e->rows);
    for (int i = 0; s == GOSS_OK && i < e->budgets.n; i++) {
        cli_rows_begin(&e->rows, e->budgets.bytes[i]);
        s = goss_error_prefix(err, judge(e, e->budgets.bytes[i], threads, scores[i], err), "--budget %lld bytes",
                              (long long)e->budgets.bytes[i]);
        if (s == GOSS_OK && e->mean_budget) e->difficulty[i] = correlate(e);
        if (s == GOSS_OK && e->rows.space) e->variety[i] = cli_rows_variety(&e->rows), cli_rows_end(&e->rows);
    }
    goss_threads_free(threads);
    return s == GOSS_OK ? cli_rows_write(&e->rows, err) : s;
}

static goss_status race(eval *e, goss_model *first, const char *model, goss_error *err) {
    goss_score scores[CLI_BUDGETS][EVAL_MOST];
    goss_status read = cli_read_budgets(e->budget_list, &e->budgets, err);
    if (read == GOSS_OK) read = cli_check_mean(e->mean_budget, &e->budgets, err);
    const goss_status gathered =
        eval_gather(e->runner, &e->n, first, model, e->methods, e->fine_tune, e->precision, e->control, e->mean_budget,
                    read == GOSS_OK ? err : NULL); /* takes the model */
    GOSS_TRY(read);
    GOSS_TRY(gathered);
    for (int i = 0; i < e->n; i++) GOSS_TRY(cli_need_others(e->runner[i].source, model, e->episodes, err));
    cli_tell_control(e->control, &e->budgets);
    if (e->budgets.n > 0) GOSS_TRY(cli_need_structures(first, model, "--budget", err));
    if (e->structures) GOSS_TRY(cli_need_structures(first, model, "--structures", err));
    if (e->plot) GOSS_TRY(cli_need_structures(first, model, "--plot", err));
    GOSS_TRY(cli_rows_open(&e->rows, first, goss_task_objective(&goss_model_data(first)->task)->metrics[0],
                           e->structures, e->plot, err));
    GOSS_TRY(eval_open(e, err));
    GOSS_TRY(make_room(e, err));
    GOSS_TRY(judge_all(e, scores, err));
    if (e->budgets.n > 0)
        (e->json ? eval_print_budgets_json : eval_print_budgets)(e, scores);
    else
        (e->json ? eval_print_json : eval_print_table)(e, scores[0]);
    return GOSS_OK;
}

int eval_images(const eval_request *q, const cli_verb *verb, goss_model *first, char **words, int n) {
    static eval e;
    goss_error err;
    if (n > 1) cli_usage(verb, "several models: only those of tables are folds; --methods NAME=FILE races others");
    e.data = q->data, e.labels = q->labels, e.classes = q->classes, e.methods = q->methods, e.cache = q->cache;
    e.allow_seen = q->allow_seen, e.unseen = q->unseen, e.skip_bad = q->skip_bad, e.json = q->json;
    e.budget_list = q->budgets, e.control = q->control, e.structures = q->structures, e.plot = q->plot;
    e.mean_budget = q->mean_budget, e.precision = q->precision;
    e.episodes = q->episodes, e.threads = q->threads, e.fine_tune = q->fine_tune, e.spec = q->episode;
    const int status = race(&e, first, words[0], &err) == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
    cli_rows_close(&e.rows);
    free(e.bytes), free(e.each);
    eval_close(&e);
    return status;
}
