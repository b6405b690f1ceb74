/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_play.c: gossamer play: an agent in one task, as pictures of characters or in a file, so that people can look. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agents.h"
#include "cli.h"
#include "gossamer/agent.h"
#include "gossamer/file.h"

typedef struct stage {
    const char *out, *record, *command; /* files and an environment; NULL: none */
    int columns, frames;
    bool terminal, text;
    int delay; /* milliseconds */
    double sum;
    int episode;
    char *picture; /* of characters */
    goss_strip *strip;
    FILE *table; /* in memory */
    char *text_of_table;
    size_t size_of_table;
    int actions, observations;
} stage;
static void record(stage *s, const goss_agent_moment *m);

/* ---- as text ---- */

static goss_status print_moment(stage *s, const goss_agent_moment *m, goss_error *err) {
    GOSS_TRY(goss_envs_show(m->envs, 0, s->picture, err));
    if (s->terminal) printf("\033[H\033[J");
    if (m->action)
        printf("episode %d, step %d, action %g, reward %g, so far %g\n", m->episode + 1, m->step, (double)m->action[0],
               m->reward, s->sum);
    else
        printf("episode %d\n", m->episode + 1);
    printf("%s\n", s->picture);
    fflush(stdout);
    if (s->terminal) nanosleep(&(struct timespec){s->delay / 1000, s->delay % 1000 * 1000000L}, NULL);
    return GOSS_OK;
}

static goss_status show(void *context, const goss_agent_moment *m, goss_error *err) {
    stage *s = context;
    goss_env_canvas frame;
    if (m->episode != s->episode) s->episode = m->episode, s->sum = 0;
    s->sum += m->reward;
    if (s->table) record(s, m);
    if (s->text) return print_moment(s, m, err);
    GOSS_TRY(goss_envs_picture(m->envs, 0, &frame, err));
    return goss_strip_add(s->strip, &frame, err);
}

static void print_returns(const double *returns, int episodes) {
    for (int i = 0; i < episodes; i++) printf("%sepisode %d: %.4g", i ? ", " : "", i + 1, returns[i]);
    printf("\n");
}

/* ---- as a table ---- */

static void record(stage *s, const goss_agent_moment *m) {
    if (!m->action) return;
    fprintf(s->table, "%d", m->episode + 1);
    for (int i = 0; i < s->actions; i++) fprintf(s->table, ",%.9g", (double)m->action[i]);
    fprintf(s->table, ",%.9g", m->reward);
    for (int i = 0; i < s->observations; i++) fprintf(s->table, ",%.9g", (double)m->observation[i]);
    fputc('\n', s->table);
}

static goss_status open_table(stage *s, const goss_env_kind *k, goss_error *err) {
    if (!s->record) return GOSS_OK;
    s->actions = k->actions ? 1 : k->controls, s->observations = k->observations;
    if (k->observations > 4096)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "--record: observations of %d numbers are too many for a table",
                              k->observations);
    s->table = open_memstream(&s->text_of_table, &s->size_of_table);
    if (!s->table) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table");
    fprintf(s->table, "episode");
    for (int i = 0; i < s->actions; i++) fprintf(s->table, k->actions ? ",action" : ",action%d", i + 1);
    fprintf(s->table, ",reward");
    for (int i = 0; i < s->observations; i++) fprintf(s->table, ",x%d", i + 1);
    fputc('\n', s->table);
    return GOSS_OK;
}

static goss_status write_table(stage *s, goss_error *err) {
    if (!s->table) return GOSS_OK;
    const bool whole = fclose(s->table) == 0;
    s->table = NULL;
    if (!whole) return goss_error_set(err, GOSS_E_NOMEM, "no memory for a table");
    return goss_file_write(s->record, s->text_of_table, s->size_of_table, err);
}

/* ---- the verb ---- */

static goss_status open_stage(stage *s, const goss_env_kind *k, goss_error *err) {
    GOSS_TRY(open_table(s, k, err));
    s->text = !s->out;
    if (s->out) return goss_strip_new(s->columns, s->frames, &s->strip, err);
    if (!k->show)
        return goss_error_set(err, GOSS_E_UNSUPPORTED, "environment %s cannot be shown as text%s", k->name,
                              k->paint || k->shape[0] || (k->many && k->many->picture)
                                  ? ": -o life.png"
                                  : ", and its process has no pictures: a line `picture` of its description says that "
                                    "it has");
    s->picture = calloc((size_t)(k->columns + 1) * (size_t)k->rows + 1, 1);
    return s->picture ? GOSS_OK : goss_error_set(err, GOSS_E_NOMEM, "no memory for a picture");
}

static goss_status play(stage *s, const goss_agent *a, const goss_agent_evaluation *o, goss_error *err) {
    const int episodes = o->episodes ? o->episodes : goss_agent_family(a)->kind->episodes;
    double *returns = calloc((size_t)episodes, sizeof *returns);
    int shown = 0, every = 1;
    goss_status status = returns ? open_stage(s, goss_agent_family(a)->kind, err)
                                 : goss_error_set(err, GOSS_E_NOMEM, "no memory for %d episodes", episodes);
    if (status == GOSS_OK) status = goss_agent_evaluate(a, o, returns, show, s, err);
    if (status == GOSS_OK && s->out) status = goss_strip_write(s->strip, s->out, &shown, &every, err);
    if (status == GOSS_OK) status = write_table(s, err);
    if (status == GOSS_OK) print_returns(returns, episodes);
    if (status == GOSS_OK && s->out) cli_tell("%d frames, one of %d steps, from left to right and down", shown, every);
    if (s->table) fclose(s->table);
    free(returns), free(s->picture), free(s->text_of_table);
    goss_strip_free(s->strip);
    return status;
}

static bool ends(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

/* Before the life is played. */
static goss_status check_outputs(const stage *s, const char *agent, goss_error *err) {
    cli_inputs in = {0};
    cli_inputs_add(&in, agent);
    goss_status status = cli_check_output("-o", s->out, ".png", &in, err);
    if (status == GOSS_OK && s->out && s->record && strcmp(s->out, s->record) == 0)
        status = goss_error_set(err, GOSS_E_ARGUMENT, "-o and --record are one file: %s", s->out);
    cli_inputs_add(&in, s->out); /* which may be there by another name */
    if (status == GOSS_OK) status = cli_check_output("--record", s->record, ".csv", &in, err);
    cli_inputs_free(&in);
    return status;
}

enum { PICTURE = 1, TEXT }; /* what options are for */

int cmd_play(int argc, char **argv) {
    goss_agent_evaluation o = {.tasks = 1, .held_out = true};
    stage s = {.terminal = isatty(STDOUT_FILENO), .episode = -1};
    const cli_option options[] = {
        CLI_TEXT("o", "FILE.png", &s.out, "write the life as one picture of many frames, instead of text"),
        CLI_TEXT("record", "FILE.csv", &s.record, "write its steps as a table, which gossamer adapt --support reads"),
        CLI_INT_OF(PICTURE, "columns", "N", &s.columns, "10", 1, 1000, "frames of a row, with -o"),
        CLI_INT_OF(PICTURE, "frames", "N", &s.frames, "60", 2, 10000, "at most, evenly spaced over the life, with -o"),
        CLI_INT("seed", "N", &o.seed, "1", 0, 9007199254740991, "another seed, another task of the family"),
        CLI_INT("episodes", "N", &o.episodes, "0", 0, 1000, "of the life; 0: as the environment has it"),
        CLI_INT_OF(TEXT, "delay", "MS", &s.delay, "100", 0, 60000, "milliseconds between pictures, on a terminal"),
        CLI_TEXT("command", "COMMAND", &s.command, "the environment, for agents of env.name = process"),
        CLI_FLAG("sample", &o.sample, "draw actions from the policy instead of the most likely one"),
    };
    const cli_verb verb = {
        .name = "play",
        .usage = "AGENT [-o FILE.png] [--record FILE.csv] [--seed N] [--episodes N] [--delay MS] [--sample]",
        .doc = "Shows a life of an agent in a held-out task of its family, step by step, as text, or "
               "writes it as a picture.",
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 1,
        .max_words = 1};
    goss_error err;
    goss_agent *a = NULL;
    goss_env_process *process = NULL;
    if (cli_parse(&verb, argc, argv) < 0) return cli_close_stdout();
    if (s.out && !ends(s.out, ".png"))
        cli_usage(&verb, "-o %s: the picture is a PNG file of frames side by side: -o life.png", s.out);
    if (s.record && strcmp(s.record, "-") == 0)
        cli_usage(&verb, "--record -: standard output has the life; name a file: --record steps.csv");
    const char *unused = cli_first_of(&verb, s.out ? TEXT : PICTURE);
    if (unused) cli_usage(&verb, s.out ? "--%s is for text, without -o" : "--%s is for a picture: with -o", unused);
    cli_log_to_stderr();
    o.threads = 1;
    goss_status status = check_outputs(&s, argv[1], &err);
    if (status == GOSS_OK) status = cli_open_agent(argv[1], s.command, &process, &a, &err);
    if (status == GOSS_OK) status = play(&s, a, &o, &err);
    goss_agent_free(a);
    goss_env_process_free(process);
    return status == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}
