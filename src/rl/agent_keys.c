/* SPDX-License-Identifier: Apache-2.0 */
/* agent_keys.c: the keys of an agent's run, and the family of environments that [env] and [env.family] describe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/number.h"
#include "base/os.h"
#include "base/str.h"
#include "io/key_row.h"
#include "rl/agent_run.h"

#define GOSS__SETTINGS goss__agent_settings

static const goss_key keys[] = {
    GOSS__KEY_TEXT("env.name", env, "",
                   "The environment: bandit, tabular, gridnavi, point, cartpole, mountaincar, acrobot, pendulum; "
                   "ale/GAME of the Arcade Learning Environment, as ale/Breakout; process, which is env.command"),
    GOSS__KEY_TEXT("env.command", in_process.command, "",
                   "process: the command that is the environment (include/gossamer/env_process.h: what it is asked and "
                   "answers)"),
    GOSS__KEY_INT("env.processes", in_process.processes, "1", 1, 256, "processes",
                  "process, ale: that lives are divided among. The result does not depend on it"),
    GOSS__KEY_REAL("env.timeout", in_process.timeout, "60", 0.001, 1e6, "seconds",
                   "process, ale: without an answer, after which a process is given up"),
    GOSS__KEY_TEXT("env.python", in_process.python, "",
                   "ale: the Python that has ale-py; empty: GOSSAMER_PYTHON of the environment, or else python3"),
    GOSS__KEY_TEXT("env.roms", in_process.roms, "",
                   "ale: folder of games (breakout.bin ...), which an installed library plays by gossamer-ale; empty: "
                   "GOSSAMER_ROMS of the environment, or else those of ale-py"),
    GOSS__KEY_INT("env.episodes", ppo.episodes, "0", 0, 1000, "episodes",
                  "Of a life, which is spent in one task; 0: as the environment has it"),
    GOSS__KEY_INT("env.horizon", horizon, "0", 0, 1000000, "steps",
                  "After which an episode is cut off; 0: as the environment has it"),
    {.name = "env.*.*",
     .type = GOSS_KEY_TEXT,
     .fallback = "",
     .doc = "[env.family]: the range of a parameter over tasks, as length = 0.25..1, or one number"},
    GOSS__KEY_WORD(
        "agent.sees", agent.sees, "history", "nothing|history|task|gradient|id",
        "What the policy knows beside the observation: a memory of its life, or the task's parameters; "
        "gradient: its weights change by a step on the first episodes of its life (MAML); id: which of a few "
        "tasks it is, by the values of whole parameters"),
    GOSS__KEY_INT("agent.support", agent.support, "1", 1, 1000, "episodes",
                  "gradient: of a life, on which the step is taken"),
    GOSS__KEY_REAL("agent.inner_rate", agent.inner_rate, "0.1", 1e-9, 1e6, NULL,
                   "gradient: learning rate of that step"),
    GOSS__KEY_WORD("agent.policy", agent.policy, "hypernet", "concat|film|hypernet",
                   "How it uses that: beside the observation, as scale and shift of units, or as generated weights"),
    GOSS__KEY_INT("agent.memory", agent.memory, "64", 1, 65536, "units", "Of the GRU of history"),
    GOSS__KEY_INT("agent.units", agent.units, "32", 1, 65536, "units", "Of the policy's layer, and of the value's"),
    GOSS__KEY_INT("agent.code", agent.code, "32", 1, 65536, NULL,
                  "hypernet: length of the code that weights are generated from"),
    GOSS__KEY_BOOL("agent.normalize", agent.normalize, "true",
                   "Observations by their running mean and variance; images never"),
    GOSS__KEY_TEXT("agent.encoder", agent.encoder, "auto",
                   "A network that observations go through first, as layers (gossamer's text of a network, without a "
                   "head); auto: convolutions for images, else none; empty: none"),
    GOSS__KEY_BOOL("agent.clip_rewards", agent.clip_rewards, "false",
                   "The agent sees and learns from the sign of rewards alone; returns are reported whole"),
    GOSS__KEY_INT("ppo.lives", ppo.lives, "256", 1, 1000000, "lives", "Side by side in an iteration"),
    GOSS__KEY_INT("ppo.steps", ppo.steps, "0", 0, 100000, "steps",
                  "Of each life in an iteration; 0: a whole life, episodes times the horizon"),
    GOSS__KEY_INT("ppo.carry", ppo.carry, "1", 1, 100000, "iterations",
                  "That lives go on for, before all are begun anew; checkpoints are between those"),
    GOSS__KEY_INT("ppo.epochs", ppo.epochs, "4", 1, 1000, NULL, "Passes over the lives of an iteration"),
    GOSS__KEY_INT("ppo.minibatches", ppo.minibatches, "4", 1, 100000, NULL, "Updates of a pass; divides ppo.lives"),
    GOSS__KEY_REAL("ppo.discount", ppo.discount, "0.99", 0, 1, NULL, "Of a reward one step later"),
    GOSS__KEY_REAL("ppo.lambda", ppo.lambda, "0.95", 0, 1, NULL, "Of generalised advantage estimation"),
    GOSS__KEY_REAL("ppo.clip", ppo.clip, "0.2", 0.001, 10, NULL, "Ratios of probabilities are clipped to 1 +- this"),
    GOSS__KEY_REAL("ppo.value", ppo.value, "0.5", 0, 1000, NULL, "Weight of the value's squared error"),
    GOSS__KEY_REAL("ppo.entropy", ppo.entropy, "0.01", 0, 1000, NULL, "Weight of the policy's entropy"),
    GOSS__KEY_BOOL("ppo.scale_rewards", ppo.scale_rewards, "true",
                   "Rewards are divided by the running deviation of discounted returns"),
    GOSS__KEY_REAL("optimizer.rate", ppo.rate, "0.001", 0, 100, NULL, "Learning rate of Adam at the start"),
    GOSS__KEY_REAL("optimizer.floor", ppo.floor, "0.1", 0, 1, NULL,
                   "Share of it at the end; it falls in a straight line over train.frames"),
    GOSS__KEY_REAL("optimizer.clip_norm", ppo.clip_norm, "0.5", 0, 1e9, NULL,
                   "Largest global norm of gradients; 0: any"),
    {.name = "train.frames",
     .type = GOSS_KEY_INT,
     .fallback = "1000000",
     .min = 1,
     .max = 1e15,
     .doc = "Steps of environments in all",
     .unit = "frames",
     .field = {GOSS_FIELD(GOSS__SETTINGS, frames)},
     .also = "train.steps,train.step,train.iterations,train.epochs"},
    GOSS__KEY_REAL("train.minutes", minutes, "0", 0, 1e6, "minutes", "At most; 0: frames alone bind"),
    GOSS__KEY_REAL("train.checkpoint_minutes", checkpoint_minutes, "2", 0, 1e6, "minutes", "Between checkpoints"),
    GOSS__KEY_INT("train.log_every", log_every, "1", 1, 1e9, "iterations", "Between lines of metrics.jsonl"),
    GOSS__KEY_INT("validate.every", validate_every, "10", 0, 1e9, "iterations",
                  "Between validations on held-out tasks; 0: none, the last agent is kept"),
    GOSS__KEY_INT("validate.tasks", validate_tasks, "100", 1, 1000000, "tasks",
                  "That are validated on, always the same"),
    GOSS__KEY_TEXT("run.dir", dir, "", "Folder of the run; created. One run a folder"),
    GOSS__KEY_INT("run.seed", ppo.seed, "1", 0, 9007199254740991, NULL, "Of weights, tasks and actions"),
    GOSS__KEY_INT("run.threads", ppo.threads, "0", 0, 1024, NULL,
                  "0: as many as the machine has. The result does not depend on it"),
};
enum { KEYS = sizeof keys / sizeof *keys };
static const double MOST_BYTES = 16e9; /* of observations */

const goss_key *goss_agent_keys(int *n) {
    *n = KEYS;
    return keys;
}

bool goss_agent_run_is(const char *path) {
    char *text;
    size_t size;
    goss_error err;
    if (goss__read_file(path, (size_t)1 << 24, &text, &size, &err) != GOSS_OK) return false;
    bool is = strncmp(text, "[env]", 5) == 0 || strstr(text, "\n[env]") != NULL;
    goss__free(text);
    return is;
}

/* ---- the family ---- */

bool goss__agent_range(const char *text, double *low, double *high) {
    const char *dots = strstr(text, "..");
    char first[80];
    if (!dots) return goss__number_parse(text, low) && (*high = *low, true);
    if (dots - text >= (ptrdiff_t)sizeof first) return false;
    memcpy(first, text, (size_t)(dots - text)), first[dots - text] = 0;
    return goss__number_parse(first, low) && goss__number_parse(dots + 2, high);
}

static goss_status take_range(goss_env_family *f, const char *full, const char *text, goss_error *err) {
    static const char head[] = "env.family.";
    double low, high;
    if (strncmp(full, head, sizeof head - 1) != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: the only section below [env] is [env.family]", full);
    if (!goss__agent_range(text, &low, &high))
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s = %.60s: wanted a number, or a range as 0.5..1.5", full, text);
    return goss_error_prefix(err, goss_env_family_set(f, full + sizeof head - 1, low, high, err), "%s", full);
}

static goss_status find_environment(const goss_env_kind *own, goss__agent_settings *s, goss_env_family *out,
                                    goss_error *err) {
    const bool process = strcmp(s->env, "process") == 0, atari = strncmp(s->env, "ale/", 4) == 0;
    if (own) return goss_env_family_own(own, out, err);
    if (!*s->env)
        return goss_error_set(err, GOSS_E_ARGUMENT, "env.name is not set: the environment, as env.name=gridnavi");
    if (*s->in_process.command && !process)
        return goss_error_set(err, GOSS_E_ARGUMENT, "env.command is set, but env.name is %.60s, not process", s->env);
    if (!process && !atari) return goss_error_prefix(err, goss_env_family_of(s->env, out, err), "env.name");
    GOSS_TRY(atari ? goss_env_atari_open(s->env + 4, &s->in_process, &s->process, err)
                   : goss_env_process_open(&s->in_process, &s->process, err));
    return goss_env_family_own(goss_env_process_kind(s->process), out, err);
}

static goss_status read_family(const goss_config *c, const goss_env_kind *own, goss__agent_settings *s,
                               goss_env_family *out, goss_error *err) {
    GOSS_TRY(find_environment(own, s, out, err));
    if (s->horizon > 0) out->horizon = s->horizon;
    const goss_key *k;
    for (int i = 0; (k = goss_config_key_at(c, i)); i++)
        if (strncmp(k->name, "env.", 4) == 0 && strchr(k->name + 4, '.') && !strchr(k->name, '*') &&
            goss_config_is_set(c, k->name))
            GOSS_TRY(take_range(out, k->name, goss_config_text(c, k->name), err));
    return GOSS_OK;
}

/* Settings of environments in processes, without an effect where others, or none, are set. */
static void warn_of_processes(const goss_config *c, const goss__agent_settings *s) {
    static const struct {
        const char *key;
        bool games;
    } of_processes[] = {{"env.processes", false}, {"env.timeout", false}, {"env.python", true}, {"env.roms", true}};
    const bool games = s->process && !*s->in_process.command;
    for (size_t i = 0; i < sizeof of_processes / sizeof *of_processes; i++) {
        const char *key = of_processes[i].key;
        if (!goss_config_is_set(c, key)) continue;
        if (!s->process)
            goss__log(GOSS_LOG_WARN, "%s has no effect: %s is no process of its own", key, s->env);
        else if (of_processes[i].games && !games)
            goss__log(GOSS_LOG_WARN, "%s has no effect: %s is no game of the Arcade Learning Environment", key, s->env);
    }
    if (games && *s->in_process.roms && *s->in_process.python)
        goss__log(GOSS_LOG_WARN, "env.python has no effect: games of env.roms are played by gossamer-ale");
}

/* Warns of settings without an effect on this agent. */
static void warn_of_unused(const goss_config *c, const goss__agent_settings *s) {
    const goss_agent_options *a = &s->agent;
    warn_of_processes(c, s);
    const bool remembers = a->sees == GOSS_AGENT_HISTORY, generates = a->policy == GOSS_AGENT_HYPERNET;
    if (!remembers && goss_config_is_set(c, "agent.memory"))
        goss__log(GOSS_LOG_WARN, "agent.memory has no effect: only agent.sees = history has a memory");
    static const char *const of_gradients[] = {"agent.support", "agent.inner_rate"};
    for (int i = 0; a->sees != GOSS_AGENT_GRADIENT && i < 2; i++)
        if (goss_config_is_set(c, of_gradients[i]))
            goss__log(GOSS_LOG_WARN, "%s has no effect: only agent.sees = gradient takes a step", of_gradients[i]);
    if (!generates && goss_config_is_set(c, "agent.code"))
        goss__log(GOSS_LOG_WARN,
                  "agent.code has no effect: only agent.policy = hypernet generates weights from a code");
}

static goss_status read_settings(const goss_config *c, const goss_env_kind *own, goss__agent_settings *out,
                                 goss_env_family *family, goss_error *err) {
    GOSS_TRY(goss_config_bind(c, keys, KEYS, out, err));
    GOSS_TRY(read_family(c, own, out, family, err));
    warn_of_unused(c, out);
    if (!*out->dir)
        return goss_error_set(err, GOSS_E_ARGUMENT, "run.dir is not set: the folder of the run, as run.dir=runs/first");
    const int episodes = out->ppo.episodes ? out->ppo.episodes : family->kind->episodes;
    const int64_t life = (int64_t)episodes * family->horizon;
    if (out->ppo.steps == 0) {
        if (life > 100000)
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "a life of %d episodes of %d steps is too long for one iteration: set ppo.steps",
                                  episodes, family->horizon);
        out->ppo.steps = (int)life;
    }
    /* What an iteration saw is kept until it has been learned from. */
    const double bytes = 4.0 * out->ppo.lives * out->ppo.steps * family->kind->observations;
    if (bytes > MOST_BYTES)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "an iteration of %d lives of %d steps has %.0f GB of observations: set ppo.lives and "
                              "ppo.steps (of Atari games 8 and 128, with ppo.carry = 8)",
                              out->ppo.lives, out->ppo.steps, bytes / 1e9);
    out->agent.discount = out->ppo.discount;
    if (out->agent.sees == GOSS_AGENT_GRADIENT) {
        if (out->agent.support >= episodes)
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "agent.sees = gradient: of a life of %d episodes agent.support = %d leave none to act in "
                "after the step; set env.episodes",
                episodes, out->agent.support);
        if (out->ppo.steps < life || out->ppo.carry > 1)
            return goss_error_set(
                err, GOSS_E_ARGUMENT,
                "agent.sees = gradient: an iteration has whole lives, ppo.steps = 0 and ppo.carry = 1");
        out->ppo.steps = (int)life;
    }
    if (out->ppo.lives % out->ppo.minibatches != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "ppo.minibatches = %d does not divide ppo.lives = %d",
                              out->ppo.minibatches, out->ppo.lives);
    return GOSS_OK;
}

goss_status goss__agent_settings_read(const goss_config *c, const goss_env_kind *own, goss__agent_settings *out,
                                      goss_env_family *family, goss_error *err) {
    *out = (goss__agent_settings){0};
    const goss_status s = read_settings(c, own, out, family, err);
    if (s != GOSS_OK) goss_env_process_free(out->process), out->process = NULL;
    return s;
}

goss_status goss__agent_make(goss__agent_settings *set, const goss_env_family *family, goss_agent **out,
                             goss_error *err) {
    const goss_status s = goss_agent_new(family, &set->agent, set->ppo.seed, out, err);
    if (s == GOSS_OK)
        (*out)->process = set->process;
    else
        goss_env_process_free(set->process);
    set->process = NULL;
    return s;
}

/* ---- what a run is known by ---- */

static bool may_differ(const char *line, const char *section) {
    static const char *const free_keys[] = {"train.frames",    "train.minutes", "train.checkpoint_minutes",
                                            "train.log_every", "run.dir",       "run.threads",
                                            "env.processes",   "env.timeout",   "env.python",
                                            "env.roms"};
    char full[200];
    const char *equals = strstr(line, " = ");
    snprintf(full, sizeof full, "%s.%.*s", section, equals ? (int)(equals - line) : 0, line);
    for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++)
        if (strcmp(full, free_keys[i]) == 0) return true;
    return !equals || *line == '#';
}

/* Numbers as values, however they were written. */
static void add_setting(goss__str *out, const char *section, const char *line) {
    const char *value = strstr(line, " = ") + 3;
    char text[GOSS__NUMBER_TEXT];
    double number;
    if (goss__number_parse(value, &number)) goss__number_print(number, text), value = text;
    goss__str_addf(out, "%s.%.*s%s\n", section, (int)(strstr(line, " = ") + 3 - line), line, value);
}

/* A further line of a text of several lines. */
static void continue_setting(goss__str *out, const char *line) {
    if (out->size > 0) out->size--; /* the end of the line before */
    goss__str_addf(out, "; %s\n", line + strspn(line, " \t"));
}

char *goss__agent_identity(const goss_config *c) {
    char *text = goss_config_write(c), *save = NULL, section[80] = "";
    goss__str out = {0};
    bool free_setting = true;
    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
        if (*line == '[') {
            snprintf(section, sizeof section, "%.*s", (int)strcspn(line + 1, "]"), line + 1);
        } else if (*line == ' ' || *line == '\t') {
            if (!free_setting) continue_setting(&out, line);
        } else if (!(free_setting = may_differ(line, section))) {
            add_setting(&out, section, line);
        }
    }
    goss_config_text_free(text);
    if (!out.failed && out.data) return out.data;
    goss__str_free(&out);
    return NULL;
}
