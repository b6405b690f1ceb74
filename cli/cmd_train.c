/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_train.c: gossamer train: a configuration file, overrides, signals and a line of progress. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agents.h"
#include "cli.h"
#include "config_words.h"

enum { PROFILE_STEPS = 20 };

/* ---- progress ---- */

typedef struct display {
    bool terminal, line_open;
    double told, loss;
} display;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_share(const goss_metric *m) { return strcmp(m->name, "accuracy") == 0; }

static void put_validation(const goss_train_progress *p) {
    if (is_share(p->metric))
        fprintf(stderr, "  val %.2f %% (best %.2f)", 100 * p->validation, 100 * p->best);
    else
        fprintf(stderr, "  val %s %.4g (best %.4g)", p->metric->name, p->validation, p->best);
}

static void put_line(const goss_train_progress *p, double loss) {
    fprintf(stderr, "step %lld", (long long)p->step);
    if (p->steps) fprintf(stderr, "/%lld", (long long)p->steps);
    fprintf(stderr, "  %4.1f %%  loss %.4f", 100 * p->progress, loss);
    if (p->has_best) put_validation(p);
    fprintf(stderr, "  %.1f tasks/s", p->tasks_per_second);
    if (p->remaining >= 0)
        fprintf(stderr, "  ETA %d:%02d:%02d", (int)(p->remaining / 3600), (int)(p->remaining / 60) % 60,
                (int)p->remaining % 60);
}

static void show(void *context, const goss_train_progress *p) {
    display *d = context;
    double t = now();
    d->loss = d->loss == 0 ? p->loss : 0.95 * d->loss + 0.05 * p->loss;
    if (!p->validated && t - d->told < (d->terminal ? 0.2 : 15)) return;
    d->told = t;
    if (d->terminal) fprintf(stderr, "\r\033[K");
    put_line(p, d->loss);
    d->line_open = d->terminal && !p->validated;
    if (!d->line_open) fputc('\n', stderr);
    fflush(stderr);
}

/* ---- the verb ---- */

static void print_validation(const goss_train_report *r) {
    const bool share = is_share(r->metric);
    char half[32] = ""; /* one episode has no interval */
    if (!isnan(r->validation_ci95))
        snprintf(half, sizeof half, share ? " +- %.2f" : " +- %.3g", (share ? 100 : 1) * r->validation_ci95);
    if (!share) {
        fprintf(stderr, "; best validation %s %.4g%s at step %lld", r->metric->name, r->validation, half,
                (long long)r->best_step);
        return;
    }
    fprintf(stderr, "; best validation %.2f%s %% at step %lld", 100 * r->validation, half, (long long)r->best_step);
}

static void print_report(const goss_config *c, const goss_train_report *r) {
    static const char *const ends[] = {"all steps done", "time is up", "validation no longer improves",
                                       "nothing left to train"};
    fprintf(stderr, "%s: %lld steps, %.1f minutes", ends[r->end], (long long)r->step, r->seconds / 60);
    if (r->validated) print_validation(r);
    fputc('\n', stderr);
    char path[4200];
    snprintf(path, sizeof path, "%s/model.safetensors", goss_config_text(c, "run.dir"));
    cli_put_path(path);
}

static int train(const goss_config *c, bool profile) {
    goss_error err;
    goss_train_report report;
    display d = {.terminal = isatty(STDERR_FILENO)};
    goss_train_options o = {
        .stop = cli_catch_signals(), .progress = show, .context = &d, .profile_steps = profile ? PROFILE_STEPS : 0};
    cli_log_to_stderr();
    signal(SIGPIPE, SIG_IGN); /* a run continues if its messages have no reader */
    d.told = now();
    goss_status s = goss_train(c, &o, &report, &err);
    if (d.line_open) fputc('\n', stderr);
    if (s != GOSS_OK) return cli_fail(&err);
    print_report(c, &report);
    return cli_close_stdout();
}

int cmd_train(int argc, char **argv) {
    bool keys_only = false, profile = false;
    const char *fold = NULL;
    const cli_option options[] = {
        CLI_TEXT("fold", "I/N", &fold, "tables: train.fold: hold out the I-th of N parts of the tasks for eval"),
        CLI_FLAG("keys", &keys_only, "print every key with its default and description, as a configuration"),
        CLI_FLAG("profile", &profile,
                 "profile steps 11 to 30 by operation: run.dir/profile.txt, and profile.json for Perfetto's viewer"),
    };
    const cli_verb verb = {
        .name = "train",
        .usage = "[RUN.ini] [section.key=value ...]",
        .doc =
            "Trains by RUN.ini (see configs/) and writes run.dir/model.safetensors. Settings on the command line "
            "override\nthe file. The same command resumes a stopped run: Ctrl-C, SIGTERM and SIGHUP save a checkpoint "
            "and exit\nwith status 75; with a larger train.steps or train.minutes a finished run continues.",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 0,
        .max_words = -1};
    int words = cli_parse(&verb, argc, argv), n;
    if (words < 0) return cli_close_stdout();
    if (words == 0 && !keys_only) cli_usage(&verb, "no configuration");
    if (cli_trains_agent(words, argv + 1)) {
        if (fold || profile) cli_usage(&verb, "--%s is not for agents ([env])", fold ? "fold" : "profile");
        return cli_train_agent(words, argv + 1, keys_only);
    }
    goss_error err;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    if (goss_config_new(keys, n, &c, &err) != GOSS_OK) return cli_fail(&err);
    int status;
    goss_status s = cli_read_config(c, words, argv + 1, &err);
    if (s == GOSS_OK && fold) s = goss_error_prefix(&err, goss_config_set(c, "train.fold", fold, &err), "--fold");
    if (s != GOSS_OK) {
        status = cli_fail(&err);
    } else if (keys_only) {
        char *text = goss_config_write(c);
        printf("%s", text ? text : "");
        goss_config_text_free(text);
        if (words == 0) cli_print_agent_keys();
        status = cli_close_stdout();
    } else {
        status = train(c, profile);
    }
    goss_config_free(c);
    return status;
}
