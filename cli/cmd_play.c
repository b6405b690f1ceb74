/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_play.c: gossamer play: an agent in one task, as pictures of characters, so that people can look. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "gossamer/agent.h"

typedef struct stage {
    bool terminal;
    int delay; /* milliseconds */
    double sum;
    int episode;
} stage;

static void show(void *context, const char *picture, int episode, int step, const float *action, double reward) {
    stage *s = context;
    if (episode != s->episode) s->episode = episode, s->sum = 0;
    s->sum += reward;
    if (s->terminal) printf("\033[H\033[J");
    if (action)
        printf("episode %d, step %d, action %g, reward %g, so far %g\n", episode + 1, step, (double)action[0], reward,
               s->sum);
    else
        printf("episode %d\n", episode + 1);
    printf("%s\n", picture);
    fflush(stdout);
    if (s->terminal) nanosleep(&(struct timespec){s->delay / 1000, s->delay % 1000 * 1000000L}, NULL);
}

static void print_returns(const double *returns, int episodes) {
    for (int i = 0; i < episodes; i++) printf("%sepisode %d: %.4g", i ? ", " : "", i + 1, returns[i]);
    printf("\n");
}

int cmd_play(int argc, char **argv) {
    goss_agent_evaluation o = {.tasks = 1, .held_out = true};
    stage s = {.terminal = isatty(STDOUT_FILENO), .episode = -1};
    const cli_option options[] = {
        CLI_INT("seed", "N", &o.seed, "1", 0, 9007199254740991, "another seed, another task of the family"),
        CLI_INT("episodes", "N", &o.episodes, "0", 0, 1000, "of the life; 0: as the environment has it"),
        CLI_INT("delay", "MS", &s.delay, "100", 0, 60000, "milliseconds between pictures, on a terminal"),
        CLI_FLAG("sample", &o.sample, "draw actions from the policy instead of the most likely one"),
    };
    const cli_verb verb = {.name = "play",
                           .usage = "AGENT [--seed N] [--episodes N] [--delay MS] [--sample]",
                           .doc = "Shows a life of an agent in a held-out task of its family, step by step, as text.",
                           .options = options,
                           .n_options = sizeof options / sizeof *options,
                           .min_words = 1,
                           .max_words = 1};
    goss_error err;
    goss_agent *a;
    if (cli_parse(&verb, argc, argv) < 0) return cli_close_stdout();
    if (goss_agent_load(argv[1], NULL, &a, &err) != GOSS_OK) return cli_fail(&err);
    const int episodes = o.episodes ? o.episodes : goss_agent_family(a)->kind->episodes;
    double *returns = calloc((size_t)episodes, sizeof *returns);
    o.threads = 1;
    goss_status status = returns ? goss_agent_evaluate(a, &o, returns, show, &s, &err)
                                 : goss_error_set(&err, GOSS_E_NOMEM, "no memory for %d episodes", episodes);
    if (status == GOSS_OK) print_returns(returns, episodes);
    free(returns);
    goss_agent_free(a);
    return status == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}
