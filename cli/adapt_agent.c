/* SPDX-License-Identifier: Apache-2.0 */
/* adapt_agent.c: gossamer adapt of an agent: what it knows of a task becomes the weights of a policy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents.h"
#include "cli.h"
#include "gossamer/agent.h"
#include "gossamer/file.h"

static goss_status narrow(void *family, const char *name, double value, goss_error *err) {
    return goss_env_family_set(family, name, value, value, err);
}

typedef struct request {
    const char *model, *out, *command, *set;
    goss_agent_adaptation o;
    goss_env_process *process;
} request;

static goss_status adapt(request *q, goss_error *err) {
    goss_agent *a = NULL, *fixed = NULL;
    goss_env_family family;
    double *returns = calloc((size_t)q->o.episodes + 1, sizeof *returns);
    goss_status s = returns
                        ? goss_output_check(q->out, GOSS_OUTPUT_MODEL, (const char *[]){q->model, q->o.support}, 2, err)
                        : goss_error_set(err, GOSS_E_NOMEM, "no memory for episodes");
    if (s == GOSS_OK) s = cli_open_agent(q->model, q->command, &q->process, &a, err);
    if (s == GOSS_OK) {
        family = *goss_agent_family(a), q->o.family = &family;
        s = cli_set_numbers("set", q->set, narrow, &family, err);
    }
    if (s == GOSS_OK) s = goss_error_prefix(err, goss_agent_adapt(a, &q->o, returns, &fixed, err), "%s", q->model);
    if (s == GOSS_OK) s = goss_agent_save(fixed, q->out, err);
    for (int i = 0; s == GOSS_OK && !q->o.support && i < q->o.episodes; i++)
        cli_tell("episode %d: %.4g", i + 1, returns[i]);
    if (s == GOSS_OK)
        cli_tell("an agent of %lld weights; gossamer eval and play take it", (long long)goss_agent_weights(fixed));
    goss_agent_free(fixed), goss_agent_free(a);
    goss_env_process_free(q->process);
    free(returns);
    return s;
}

enum { ACTING = 1 }; /* options of an agent that acts, without recorded steps */

int cli_adapt_agent(int argc, char **argv) {
    request q = {0};
    int episodes = -1;
    const cli_option options[] = {
        CLI_TEXT(
            "support", "EPISODES.csv", &q.o.support,
            "recorded steps of one task (play --record): episode, action, reward, x1, x2 ...; else the agent acts"),
        CLI_TEXT("o", "NET", &q.out, "the file to write: an agent that knows the task"),
        CLI_INT_OF(ACTING, "episodes", "N", &episodes, "", 0, 100000,
                   "acting: in which it learns (1; 0 where it sees task or id)"),
        CLI_INT_OF(ACTING, "seed", "N", &q.o.seed, "1", 0, 9007199254740991,
                   "acting: another seed, another task, as of play"),
        CLI_TEXT_OF(ACTING, "set", "KEY=VALUE,...", &q.set, "acting: parameters of the task, as goal=3"),
        CLI_TEXT("command", "COMMAND", &q.command, "the environment, for agents of env.name = process"),
        CLI_FLAG("fix", &q.o.fixed,
                 "history: write the policy of this moment as weights, without a memory from here on"),
        CLI_FLAG_OF(ACTING, "sample", &q.o.sample,
                    "acting: draw actions from the policy instead of the most likely one"),
    };
    const cli_verb v = {.name = "adapt",
                        .usage = "AGENT [--support EPISODES.csv | --episodes N --seed N --set KEY=VALUE,...] -o NET",
                        .doc = "Lets an agent come to know a task, by acting in it or by recorded steps, and writes an "
                               "agent that knows it:\none that sees history begins its lives with the memory that it "
                               "has then; of others the policy that their\nweights have become is written, which sees "
                               "the observation alone.",
                        .options = options,
                        .n_options = sizeof options / sizeof *options,
                        .min_words = 1,
                        .max_words = 1};
    goss_error err;
    if (cli_parse(&v, argc, argv) < 0) return cli_close_stdout();
    if (!q.out) cli_usage(&v, "-o is missing");
    const char *acting = cli_first_of(&v, ACTING);
    if (q.o.support && acting)
        cli_usage(&v, "--%s is for an agent that acts; with --support the steps are recorded ones", acting);
    cli_log_to_stderr();
    q.model = argv[1], q.out = cli_output(q.out), q.o.episodes = episodes < 0 ? 1 : episodes;
    if (adapt(&q, &err) != GOSS_OK) return cli_fail(&err);
    cli_put_path(q.out);
    return cli_close_stdout();
}
