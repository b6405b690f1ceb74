/* SPDX-License-Identifier: Apache-2.0 */
/* eval_agents.c: gossamer eval of agents: returns on held-out tasks, by episode of a life, paired over tasks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents.h"
#include "cli.h"
#include "gossamer/agent.h"
#include "gossamer/env_process.h"
#include "gossamer/interval.h"
#include "gossamer/model.h"
#include "method_list.h"

enum { AGENTS = 32 };

bool cli_has_agent(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-' && access(argv[i], F_OK) == 0 && goss_agent_is(argv[i])) return true;
    return false;
}

bool cli_model_is_absent(int argc, char **argv, goss_error *err) {
    const char *end = argc > 1 ? strrchr(argv[1], '.') : NULL;
    goss_model *m = NULL;
    if (!end || argv[1][0] == '-' || strcmp(end, ".safetensors") != 0 || access(argv[1], F_OK) == 0) return false;
    const bool absent = goss_model_load(argv[1], &m, err) != GOSS_OK;
    goss_model_free(m);
    return absent;
}

goss_status cli_open_process(const char *command, goss_env_process **out, goss_error *err) {
    goss_env_process_options o = goss_env_process_defaults();
    *out = NULL;
    cli_end_environments_by_signals(); /* also for those that an agent's file names */
    o.command = command;
    return command ? goss_env_process_open(&o, out, err) : GOSS_OK;
}

goss_status cli_open_agent(const char *path, const char *command, goss_env_process **process, goss_agent **out,
                           goss_error *err) {
    *out = NULL;
    GOSS_TRY(cli_open_process(command, process, err));
    return goss_agent_load(path, *process ? goss_env_process_kind(*process) : NULL, out, err);
}

typedef struct contender {
    char *name;
    goss_agent *agent;
    double *returns; /* [tasks, episodes] */
} contender;

typedef struct race {
    goss_agent_evaluation o;
    const char *command, *by;
    goss_env_process *process;
    int by_index; /* of the parameter by whose values returns are given; -1: none */
    contender of[AGENTS];
    int n, episodes;
    char *list; /* the items of --methods */
} race;

/* ---- contenders ---- */

static bool is_taken(const race *r, const char *name) {
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->of[i].name, name) == 0) return true;
    return false;
}

/* Agents act in the tasks of the first one's family. */
static goss_status check_family(const race *r, const goss_agent *agent, const char *path, goss_error *err) {
    const goss_env_family *a = goss_agent_family(r->of[0].agent), *b = goss_agent_family(agent);
    if (strcmp(a->kind->name, b->kind->name) != 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "%s: it is an agent of %s, and the first one is of %s", path,
                              b->kind->name, a->kind->name);
    if (a->horizon != b->horizon)
        return goss_error_set(err, GOSS_E_ARGUMENT,
                              "%s: its family has other tasks than the first agent's: episodes of %d steps, and there "
                              "of %d (env.horizon)",
                              path, b->horizon, a->horizon);
    for (int i = 0; i < a->kind->named; i++)
        if (a->low[i] != b->low[i] || a->high[i] != b->high[i])
            return goss_error_set(err, GOSS_E_ARGUMENT,
                                  "%s: its family has other tasks than the first agent's: %s is %g..%g, and there "
                                  "%g..%g (env.family)",
                                  path, a->kind->parameter[i].name, b->low[i], b->high[i], a->low[i], a->high[i]);
    return GOSS_OK;
}

/* name NULL: that of its policy, or of the file where another is called so. */
static goss_status add(race *r, const char *name, const char *path, goss_error *err) {
    static const char *const policies[] = {"concat", "film", "hypernet"};
    if (r->n == AGENTS) return goss_error_set(err, GOSS_E_ARGUMENT, "more than %d agents", AGENTS);
    if (name && is_taken(r, name)) return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: two are called %s", name);
    contender *c = &r->of[r->n];
    GOSS_TRY(goss_agent_load(path, r->process ? goss_env_process_kind(r->process) : NULL, &c->agent, err));
    const char *own = policies[goss_agent_settings(c->agent)->policy];
    c->name = strdup(name ? name : is_taken(r, own) ? path : own);
    r->n++;
    if (!c->name) return goss_error_set(err, GOSS_E_NOMEM, "out of memory");
    return check_family(r, c->agent, path, err);
}

static goss_status add_listed(void *owner, const char *name, const char *file, goss_error *err) {
    if (file) return add(owner, name, file, err);
    return goss_error_set(err, GOSS_E_ARGUMENT, "--methods: \"%s\" is not NAME=FILE", name);
}

static goss_status run(race *r, goss_error *err) {
    const int given = r->o.episodes;
    r->episodes = given ? given : goss_agent_family(r->of[0].agent)->kind->episodes;
    for (int i = 0; i < r->n; i++) {
        contender *c = &r->of[i];
        c->returns = calloc((size_t)r->o.tasks * (size_t)r->episodes, sizeof *c->returns);
        if (!c->returns) return goss_error_set(err, GOSS_E_NOMEM, "no memory for %d tasks", r->o.tasks);
        GOSS_TRY(
            goss_error_prefix(err, goss_agent_evaluate(c->agent, &r->o, c->returns, NULL, NULL, err), "%s", c->name));
    }
    return GOSS_OK;
}

/* ---- results ---- */

/* "3.200 +- 0.41", padded; of one task there is no interval, and of none nothing. */
static void put_mean(const char *before, double mean, double ci95, const char *format) {
    char text[40];
    snprintf(text, sizeof text, format, mean);
    if (isnan(mean))
        printf("%sn/a", before);
    else if (isnan(ci95))
        printf("%s%s", before, text);
    else
        printf("%s%s +- %.2g", before, text, ci95);
}

/* Over tasks in which which[t] is true (NULL: all): the mean of an episode (-1: of the whole life), or of its
 * difference to the first agent's. */
static double mean_over(const race *r, const bool *which, int agent, int episode, bool difference, double *ci95) {
    double *v = calloc((size_t)r->o.tasks, sizeof *v), mean = NAN;
    int n = 0;
    *ci95 = NAN;
    for (int t = 0; v && t < r->o.tasks; t++) {
        if (which && !which[t]) continue;
        for (int e = 0; e < r->episodes; e++) {
            const size_t at = (size_t)t * (size_t)r->episodes + (size_t)e;
            if (episode < 0 || e == episode) v[n] += r->of[agent].returns[at] - (difference ? r->of[0].returns[at] : 0);
        }
        n++;
    }
    if (v && n) *ci95 = goss_student_ci95(v, n, &mean, NULL);
    free(v);
    return mean;
}
static double mean_of(const race *r, int agent, int episode, bool difference, double *ci95) {
    return mean_over(r, NULL, agent, episode, difference, ci95);
}

/* ---- by the values of a parameter ---- */

static goss_status find_parameter(race *r, goss_error *err) {
    const goss_env_family *f = goss_agent_family(r->of[0].agent);
    r->by_index = -1;
    if (!r->by) return GOSS_OK;
    for (int i = 0; i < f->kind->named; i++)
        if (strcmp(f->kind->parameter[i].name, r->by) == 0) r->by_index = i;
    if (r->by_index < 0)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--by: environment %s has no parameter \"%s\"", f->kind->name,
                              r->by);
    const double width = f->high[r->by_index] - f->low[r->by_index];
    if (!f->kind->parameter[r->by_index].whole || width > 63)
        return goss_error_set(err, GOSS_E_ARGUMENT, "--by: %s has not a few values but a range of them", r->by);
    return GOSS_OK;
}

/* The tasks whose parameter has that value; their number. */
static int tasks_with(const race *r, double value, bool *which) {
    const goss_env_family *f = goss_agent_family(r->of[0].agent);
    double parameter[GOSS_ENV_MOST_PARAMETERS];
    int n = 0;
    for (int t = 0; t < r->o.tasks; t++) {
        goss_env_task(f, r->o.seed, r->o.held_out, (uint64_t)t, parameter);
        n += which[t] = parameter[r->by_index] == value;
    }
    return n;
}

static void put_values(const race *r, int agent, bool json) {
    const goss_env_family *f = goss_agent_family(r->of[0].agent);
    bool *which = r->by_index >= 0 ? calloc((size_t)r->o.tasks, sizeof *which) : NULL;
    if (!which) return;
    if (json) printf(", \"by\": [");
    for (double v = f->low[r->by_index]; v <= f->high[r->by_index]; v++) {
        double ci95;
        const int n = tasks_with(r, v, which);
        const double mean = mean_over(r, which, agent, -1, false, &ci95);
        if (json) {
            printf("%s{", v > f->low[r->by_index] ? ", " : "");
            cli_json_name(r->by);
            cli_json_number(": ", v);
            printf(", \"tasks\": %d", n);
            cli_json_number(", \"value\": ", mean);
            cli_json_number(", \"ci95\": ", ci95);
            printf("}");
        } else {
            printf("    %s = %g: ", r->by, v);
            put_mean("", mean, ci95, "%.3f");
            printf(" a life (%d tasks)\n", n);
        }
    }
    if (json) printf("]");
    free(which);
}

static void put_json(const race *r) {
    double ci95;
    printf("{\"tasks\": %d, \"episodes\": %d, \"methods\": [", r->o.tasks, r->episodes);
    for (int i = 0; i < r->n; i++) {
        printf("%s{\"name\": ", i ? ", " : "");
        cli_json_name(r->of[i].name);
        printf(", \"returns\": [");
        for (int e = 0; e < r->episodes; e++) {
            printf("%s{\"episode\": %d", e ? ", " : "", e + 1);
            cli_json_number(", \"value\": ", mean_of(r, i, e, false, &ci95));
            cli_json_number(", \"ci95\": ", ci95);
            printf("}");
        }
        printf("]");
        cli_json_number(", \"difference\": ", mean_of(r, i, -1, true, &ci95));
        cli_json_number(", \"difference_ci95\": ", ci95);
        printf(", \"frames_trained\": %lld", (long long)goss_agent_frames(r->of[i].agent));
        put_values(r, i, true);
        printf("}");
    }
    printf("]}\n");
}

/* Whether the first agent's family is a single task, as of an agent that was adapted to it. */
static bool is_one_task(const race *r) {
    const goss_env_family *f = goss_agent_family(r->of[0].agent);
    int n = 0;
    for (int i = 0; i < f->kind->named; i++) n += f->low[i] != f->high[i];
    return n == 0 && f->kind->parameters == f->kind->named;
}

static void put_table(const race *r) {
    double ci95, value;
    const char *name = goss_agent_family(r->of[0].agent)->kind->name;
    if (is_one_task(r))
        printf("%d lives in one task of %s (the parameters of the agent's file are fixed)", r->o.tasks, name);
    else
        printf("%d held-out tasks of %s", r->o.tasks, name);
    printf(", %d episodes each; returns by episode, 95 %% intervals; differences of whole lives to the first, paired\n",
           r->episodes);
    for (int i = 0; i < r->n; i++) {
        cli_put_name(r->of[i].name, 14);
        for (int e = 0; e < r->episodes; e++) {
            value = mean_of(r, i, e, false, &ci95);
            put_mean("  ", value, ci95, "%8.3f");
        }
        value = mean_of(r, i, -1, true, &ci95);
        if (i) put_mean("   ", value, ci95, "%+.3f");
        printf("   (%lld frames)\n", (long long)goss_agent_frames(r->of[i].agent));
        put_values(r, i, false);
    }
}

int cli_eval_agents(int argc, char **argv) {
    race r = {.o = {.held_out = true}};
    const char *methods = NULL;
    bool json = false, seen = false;
    const cli_option options[] = {
        CLI_INT("tasks", "N", &r.o.tasks, "200", 1, 10000000, "tasks of the family that are judged on"),
        CLI_INT("episodes", "N", &r.o.episodes, "0", 0, 1000, "of a life; 0: as the environment has it"),
        CLI_INT("seed", "N", &r.o.seed, "1", 0, 9007199254740991, "of the tasks"),
        CLI_INT("threads", "N", &r.o.threads, "0", 0, 1024, "0: as many as the machine has"),
        CLI_TEXT("methods", "NAME=FILE,...", &methods, "other agents on the same tasks"),
        CLI_TEXT("by", "PARAMETER", &r.by, "returns by the values of a parameter, too, as mode of ale/GAME"),
        CLI_TEXT("command", "COMMAND", &r.command, "the environment, for agents of env.name = process"),
        CLI_FLAG("sample", &r.o.sample, "draw actions from the policy instead of the most likely one"),
        CLI_FLAG("training-tasks", &seen, "tasks of the training part of the family instead of held-out ones"),
        CLI_FLAG("json", &json, "one JSON object"),
    };
    const cli_verb verb = {.name = "eval",
                           .usage = "AGENT [AGENT ...] [--tasks N] [--methods NAME=FILE,...] [--json]",
                           .doc = "Returns of agents (gossamer train of a configuration with [env]) on held-out tasks "
                                  "of their family.",
                           .options = options,
                           .n_options = sizeof options / sizeof *options,
                           .min_words = 1,
                           .max_words = -1};
    const int words = cli_parse(&verb, argc, argv);
    goss_error err;
    if (words < 0) return cli_close_stdout();
    cli_log_to_stderr();
    r.o.held_out = !seen;
    goss_status s = cli_open_process(r.command, &r.process, &err);
    for (int i = 1; s == GOSS_OK && i <= words; i++) s = add(&r, NULL, argv[i], &err);
    if (s == GOSS_OK) s = cli_methods_each(methods, "a=FILE,b=FILE", add_listed, &r, &r.list, &err);
    free(r.list);
    if (s == GOSS_OK) s = find_parameter(&r, &err);
    if (s == GOSS_OK) s = run(&r, &err);
    if (s == GOSS_OK && json) put_json(&r);
    if (s == GOSS_OK && !json) put_table(&r);
    for (int i = 0; i < r.n; i++) goss_agent_free(r.of[i].agent), free(r.of[i].returns), free(r.of[i].name);
    goss_env_process_free(r.process);
    return s == GOSS_OK ? cli_close_stdout() : cli_fail(&err);
}
