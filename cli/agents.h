/* SPDX-License-Identifier: Apache-2.0 */
/* agents.h: the verbs for agents in environments. */
#ifndef GOSS_CLI_AGENTS_H
#define GOSS_CLI_AGENTS_H

#include <stdbool.h>

#include "gossamer/agent.h"
#include "gossamer/env_process.h"

/* Whether words (configuration and settings) are of an agent's run. */
bool cli_trains_agent(int words, char **word);
/* gossamer train of an agent's configuration; keys: print the keys. */
int cli_train_agent(int words, char **word, bool keys);
/* The keys of agents' runs, as comments behind those of models. */
void cli_print_agent_keys(void);
/* gossamer check of it. */
int cli_check_agent(int words, char **word, bool json);
/* Whether a word of a verb's line is the file of an agent. */
bool cli_has_agent(int argc, char **argv);
/* Whether the first word is a file of a model that is not there, with the error: which options it would have is not
 * known, and that it has not the one that follows would mislead. */
bool cli_model_is_absent(int argc, char **argv, goss_error *err);
/* The environment that --command names; NULL: none is named. */
goss_status cli_open_process(const char *command, goss_env_process **out, goss_error *err);
/* The agent of a file, in the environment that --command names (*process, to be freed after it; NULL: none is). */
goss_status cli_open_agent(const char *path, const char *command, goss_env_process **process, goss_agent **out,
                           goss_error *err);
/* gossamer adapt of an agent. */
int cli_adapt_agent(int argc, char **argv);
/* gossamer eval of agents. */
int cli_eval_agents(int argc, char **argv);
#endif
