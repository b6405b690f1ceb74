/* SPDX-License-Identifier: Apache-2.0 */
/* train_agent.c: gossamer train of a configuration with a section [env]. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agents.h"
#include "cli.h"
#include "config_words.h"
#include "gossamer/agent.h"

bool cli_trains_agent(int words, char **word) {
    for (int i = 0; i < words; i++)
        if (strncmp(word[i], "env.", 4) == 0 || (!strchr(word[i], '=') && goss_agent_run_is(word[i]))) return true;
    return false;
}

/* ---- progress ---- */

typedef struct display {
    bool terminal, line_open;
    double shown_at; /* seconds of the run */
} display;

static void show(void *context, const goss_agent_progress *p) {
    display *d = context;
    if (!p->validated && p->seconds - d->shown_at < (d->terminal ? 0.2 : 15)) return;
    d->shown_at = p->seconds;
    if (d->terminal) fprintf(stderr, "\r\033[K");
    fprintf(stderr, "%lld of %lld frames  %.0f frames/s", (long long)p->frames, (long long)p->most_frames,
            p->frames_per_second);
    if (!isnan(p->life)) fprintf(stderr, "  return of a life %.3f", p->life);
    fprintf(stderr, "  entropy %.3f", p->entropy);
    if (!isnan(p->validation)) fprintf(stderr, "  held out %.3f (best %.3f)", p->validation, p->best);
    d->line_open = d->terminal && !p->validated;
    if (!d->line_open) fputc('\n', stderr);
    fflush(stderr);
}

/* ---- the verb ---- */

static int train(const goss_config *c) {
    goss_error err;
    goss_agent_progress last;
    display d = {.terminal = isatty(STDERR_FILENO)};
    char path[4200];
    cli_log_to_stderr();
    signal(SIGPIPE, SIG_IGN); /* a run continues if its messages have no reader */
    const goss_agent_run o = {.stop = cli_catch_signals(), .progress = show, .context = &d};
    const goss_status s = goss_agent_train(c, &o, &last, &err);
    if (d.line_open) fputc('\n', stderr);
    if (s != GOSS_OK) return cli_fail(&err);
    fprintf(stderr, "%lld frames, %.1f minutes", (long long)last.frames, last.seconds / 60);
    if (!isnan(last.best)) fprintf(stderr, "; best return of a life on held-out tasks %.3f", last.best);
    fputc('\n', stderr);
    snprintf(path, sizeof path, "%s/model.safetensors", goss_config_text(c, "run.dir"));
    cli_put_path(path);
    return cli_close_stdout();
}

/* ---- gossamer check ---- */

static void print_plan(const goss_agent *a, int64_t frames, bool json) {
    const goss_env_family *f = goss_agent_family(a);
    if (json) {
        printf("{\"environment\": ");
        cli_json_name(f->kind->name);
        printf(", \"weights\": %lld, \"frames_per_iteration\": %lld, \"findings\": []}\n",
               (long long)goss_agent_weights(a), (long long)frames);
        return;
    }
    printf("environment %s: %s\n", f->kind->name, f->kind->doc);
    for (int i = 0; i < f->kind->named; i++)
        printf("  %-12s %g..%g  %s\n", f->kind->parameter[i].name, f->low[i], f->high[i], f->kind->parameter[i].doc);
    printf("agent: %lld weights; %lld frames an iteration\ntraining can start\n", (long long)goss_agent_weights(a),
           (long long)frames);
}

int cli_check_agent(int words, char **word, bool json) {
    int n;
    int64_t frames;
    goss_error err;
    goss_config *c;
    goss_agent *a = NULL;
    const goss_key *keys = goss_agent_keys(&n);
    cli_log_to_stderr();
    cli_end_environments_by_signals();
    if (goss_config_new(keys, n, &c, &err) != GOSS_OK) return cli_fail(&err);
    goss_status s = cli_read_config_without(c, NULL, words, word, &err);
    if (s == GOSS_OK) s = goss_agent_plan(c, NULL, &a, &frames, &err);
    if (s == GOSS_OK) print_plan(a, frames, json);
    goss_agent_free(a);
    goss_config_free(c);
    return s == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}

void cli_print_agent_keys(void) {
    int n;
    goss_error err;
    goss_config *c;
    const goss_key *keys = goss_agent_keys(&n);
    char *save = NULL;
    if (goss_config_new(keys, n, &c, &err) != GOSS_OK) return;
    char *text = goss_config_write(c);
    printf(
        "\n# Agents in environments (docs/agents.md): a configuration with a section [env] has these keys instead of "
        "those above\n");
    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save))
        printf(*line == '[' ? "#\n# %s\n" : "# %s\n", line);
    goss_config_text_free(text);
    goss_config_free(c);
}

int cli_train_agent(int words, char **word, bool keys_only) {
    int n, status;
    goss_error err;
    goss_config *c;
    const goss_key *keys = goss_agent_keys(&n);
    if (goss_config_new(keys, n, &c, &err) != GOSS_OK) return cli_fail(&err);
    if (cli_read_config_without(c, NULL, words, word, &err) != GOSS_OK) {
        status = cli_fail(&err);
    } else if (keys_only) {
        char *text = goss_config_write(c);
        printf("%s", text ? text : "");
        goss_config_text_free(text);
        status = cli_close_stdout();
    } else {
        status = train(c);
    }
    goss_config_free(c);
    return status;
}
