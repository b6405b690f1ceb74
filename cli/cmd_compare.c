/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_compare.c: gossamer compare: which structure between tasks helps which task. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "compare_report.h"

/* ---- progress ---- */

typedef struct display {
    bool terminal;
    int cells;
} display;

static void show(void *context, const goss_compare_progress *p) {
    display *d = context;
    const double left = p->done > 0 ? p->seconds / p->done * (p->cells - p->done) : 0;
    d->cells = p->cells;
    if (p->error) {
        if (d->terminal) fprintf(stderr, "\r\033[K");
        cli_tell("%s, seed %d: %s", p->row, p->seed, p->error);
    }
    if (d->terminal || p->done == p->cells || p->done % 10 == 0)
        fprintf(stderr, "%s%d of %d cells, %.0f s, about %.0f s left%s", d->terminal ? "\r\033[K" : "", p->done,
                p->cells, p->seconds, left, d->terminal && p->done < p->cells ? "" : "\n");
    fflush(stderr);
}

/* ---- the verb ---- */

/* Digits alone: "1/ 2" and 1/99999999999 are mistakes. */
static bool read_count(const char *text, size_t size, int *out) {
    *out = 0;
    if (size == 0 || size > 9 || strspn(text, "0123456789") < size) return false;
    for (size_t i = 0; i < size; i++) *out = 10 * *out + text[i] - '0';
    return *out >= 1;
}

static bool read_shard(const char *text, goss_compare_options *o) {
    const size_t size = strcspn(text, "/");
    return text[size] && read_count(text, size, &o->shard) &&
           read_count(text + size + 1, strlen(text + size + 1), &o->shards) && o->shard <= o->shards;
}

/* A share that has not made the comparison whole. */
static void report_part(const goss_compare *c, const goss_compare_options *o, int done, bool json) {
    const int cells = goss_compare_cells(c);
    if (json)
        printf("{\"shard\": \"%d/%d\", \"cells\": %d, \"done\": %d}\n", o->shard, o->shards, cells, done);
    else
        printf("part %d of %d%s: %d of %d cells are done in %s; without --shard the same command does the rest and "
               "shows the table\n",
               o->shard, o->shards, o->shard > cells ? ", which has no cell" : "", done, cells, goss_compare_folder(c));
}

static int report_table(const goss_compare *c, bool json) {
    goss_comparison s;
    goss_error err;
    if (goss_compare_summarize(c, &s, &err) != GOSS_OK) return cli_fail(&err);
    const int status = compare_write_tasks(c, &s, &err) == GOSS_OK ? EXIT_DONE : cli_fail(&err);
    if (json)
        compare_json(&s);
    else
        compare_print(c, &s);
    goss_comparison_free(&s);
    return status;
}

static int report(const goss_compare *c, const goss_compare_options *o, int failed, bool json) {
    goss_error err;
    int done = goss_compare_cells(c), status = EXIT_DONE;
    if (o->shards > 0 && goss_compare_done(c, &done, &err) != GOSS_OK) return cli_fail(&err);
    if (done < goss_compare_cells(c))
        report_part(c, o, done, json);
    else
        status = report_table(c, json);
    const int closed = cli_close_stdout();
    return failed > 0 ? EXIT_ERROR : status != EXIT_DONE ? status : closed;
}

static int compare(const char *path, char **settings, int n, const goss_compare_options *shard, bool json) {
    goss_error err;
    goss_compare *c;
    int failed = 0;
    display d = {.terminal = isatty(STDERR_FILENO)};
    goss_compare_options o = *shard;
    cli_log_once_to_stderr();
    if (goss_compare_open(path, (const char *const *)settings, n, &c, &err) != GOSS_OK) return cli_fail(&err);
    o.stop = cli_catch_signals(), o.progress = show, o.context = &d;
    signal(SIGPIPE, SIG_IGN);
    int status = goss_compare_run(c, &o, &failed, &err) == GOSS_OK ? EXIT_DONE : cli_fail(&err);
    if (failed > 0) cli_tell("%d cells gave an error; the table is without them", failed);
    if (status == EXIT_DONE) status = report(c, &o, failed, json);
    goss_compare_free(c);
    return status;
}

static void print_keys(void) {
    int n;
    const goss_key *keys = goss_compare_keys(&n);
    printf("[compare]\n");
    for (int i = 0; i < n; i++) printf("# %s\n%s = %s\n", keys[i].doc, strchr(keys[i].name, '.') + 1, keys[i].fallback);
}

int cmd_compare(int argc, char **argv) {
    const char *shard = NULL;
    bool json = false, keys_only = false;
    goss_compare_options o = {0};
    const cli_option options[] = {
        CLI_TEXT("shard", "I/N", &shard,
                 "only the I-th of N parts, for several machines; a call without it merges them"),
        CLI_FLAG("json", &json, "one JSON object instead of a table"),
        CLI_FLAG("keys", &keys_only, "print the keys of [compare] with defaults and descriptions"),
    };
    const cli_verb verb = {.name = "compare",
                           .usage = "RUN.ini [section.key=value ...] [--shard I/N] [--json]",
                           .doc = "Trains models x regularisers x seeds by the section [compare] of RUN.ini, on the "
                                  "same splits of every task's\n"
                                  "samples (data.split) and with the same search for strengths, and reports "
                                  "differences beyond their intervals,\n"
                                  "for the mean and for each task. The same command resumes an interrupted comparison; "
                                  "finished cells are kept\n"
                                  "in compare.dir. A failing cell is reported and does not stop the others.",
                           .options = options,
                           .n_options = sizeof options / sizeof *options,
                           .min_words = 0,
                           .max_words = -1};
    const int words = cli_parse(&verb, argc, argv);
    if (words < 0) return cli_close_stdout();
    if (keys_only) {
        print_keys();
        return cli_close_stdout();
    }
    if (words == 0) cli_usage(&verb, "RUN.ini is missing");
    if (shard && !read_shard(shard, &o)) cli_usage(&verb, "--shard %s: it is a part of a whole, as 1/4", shard);
    for (int i = 2; i <= words; i++)
        if (!strchr(argv[i], '='))
            cli_usage(&verb, "\"%s\" is one word too many; a setting is section.key=value", argv[i]);
    if (strchr(argv[1], '=') && access(argv[1], F_OK) != 0)
        cli_usage(&verb, "the first word is RUN.ini, not \"%s\"", argv[1]);
    return compare(argv[1], argv + 2, words - 1, &o, json);
}
