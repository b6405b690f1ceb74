/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check.c: gossamer check: checks a run's data and settings before training. */
#include <stdio.h>

#include "agents.h"
#include "cli.h"
#include "config_words.h"
#include "findings.h"
#include "gossamer/log.h"

/* Warnings of training are findings too. */
static void from_log(void *context, goss_log_level level, const char *line) {
    if (level == GOSS_LOG_WARN) cli_findings_add(context, GOSS_CHECK_WARNING, "training", line);
    if (level == GOSS_LOG_INFO) fprintf(stderr, "%s\n", line);
}

static int check(const goss_config *c, bool json) {
    cli_findings f = {0};
    goss_error err;
    const goss_check_options o = {
        .found = cli_findings_add, .counted = cli_findings_count, .context = &f, .stop = cli_catch_signals()};
    goss_log_set(from_log, &f);
    goss_status s = goss_train_check(c, &o, &err);
    goss_log_set(NULL, NULL);
    if (s == GOSS_OK && f.failed) s = goss_error_set(&err, GOSS_E_NOMEM, "no memory for the findings");
    cli_release_signals();
    const bool errors = cli_findings_of(&f, GOSS_CHECK_ERROR) > 0;
    if (s == GOSS_OK) (json ? cli_findings_json : cli_findings_print)(&f);
    cli_findings_free(&f);
    if (s != GOSS_OK) return cli_fail(&err);
    const int status = cli_close_stdout();
    return status != EXIT_DONE ? status : errors ? EXIT_ERROR : EXIT_DONE;
}

int cmd_check(int argc, char **argv) {
    bool json = false;
    const cli_option options[] = {
        CLI_FLAG("json", &json, "one JSON object"),
    };
    const cli_verb verb = {.name = "check",
                           .usage = "[RUN.ini] [section.key=value ...] [--json]",
                           .doc = "Checks data and settings before gossamer train, and writes nothing: counts, sizes, "
                                  "images or rows that are\nduplicated or on both sides of a split, classes and tasks "
                                  "that are too small, unreadable files,\nsettings that do not fit together, and the "
                                  "doctor's verdict on the hypernetwork's initialisation.\nEach finding says what to "
                                  "do. Status 0: training can start, with or without warnings; 1: it cannot.",
                           .options = options,
                           .n_options = 1,
                           .min_words = 0,
                           .max_words = -1};
    int words = cli_parse(&verb, argc, argv), n;
    if (words < 0) return cli_close_stdout();
    if (words == 0) cli_usage(&verb, "no configuration");
    if (cli_trains_agent(words, argv + 1)) return cli_check_agent(words, argv + 1, json);
    goss_error err;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    if (goss_config_new(keys, n, &c, &err) != GOSS_OK) return cli_fail(&err);
    const int status = cli_read_config(c, words, argv + 1, &err) == GOSS_OK ? check(c, json) : cli_fail(&err);
    goss_config_free(c);
    return status;
}
