/* SPDX-License-Identifier: Apache-2.0 */
/* Environments in processes of their own: values, the same bits whatever lives are divided among, what a process may
 * say of itself, and processes that misbehave: named with life, episode and step, waited for, and the run is saved. */
#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gossamer/agent.h"
#include "gossamer/env_process.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

/* The example of that name beside this test's folder. */
static const char *room(void) {
    static char path[600];
    char self[512] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) T_FAIL("no /proc/self/exe");
    snprintf(path, sizeof path, "%s/../examples/room_process", dirname(self));
    return path;
}

static goss_env_process *open_command(const char *command, int processes, double timeout) {
    goss_env_process *p;
    const goss_env_process_options o = {.command = command, .processes = processes, .timeout = timeout};
    if (goss_env_process_open(&o, &p, &err) != GOSS_OK) T_FAIL("%s", err.text);
    return p;
}

static goss_envs *lives_of(const goss_env_process *p, int count) {
    goss_env_family f;
    goss_envs *e;
    T_OK(goss_env_family_own(goss_env_process_kind(p), &f, &err));
    if (goss_envs_new(&f, &(goss_envs_options){.count = count, .seed = 7, .threads = 1}, &e, &err) != GOSS_OK)
        T_FAIL("%s", err.text);
    return e;
}

/* No child is left, neither running nor as a zombie. */
static void check_no_child(void) {
    T_EQ(waitpid(-1, NULL, WNOHANG), -1);
    T_EQ(errno, ECHILD);
}

/* ---- values ---- */

TEST(a_process_is_what_it_says) {
    goss_env_process *p = open_command(room(), 1, 20);
    const goss_env_kind *k = goss_env_process_kind(p);
    T_STR(k->name, "process");
    T_STR(k->doc, "A room with a heater");
    T_EQ(k->observations, 1);
    T_EQ(k->controls, 1);
    T_EQ(k->horizon, 25);
    T_EQ(k->episodes, 2);
    T_EQ(k->named, 2);
    T_STR(k->parameter[1].name, "heat");
    T_NEAR(k->parameter[0].low, 0.05, 0);
    T_NEAR(k->parameter[1].most, 10, 0);
    check_no_child();
    goss_env_process_free(p);
}

/* Each life follows the room's equation, whichever process it is in. */
TEST(lives_in_processes) {
    enum { N = 7 };
    float seen[3][50][N], rewards[3][50][N];
    static const int processes[3] = {1, 3, 7};
    for (int way = 0; way < 3; way++) {
        goss_env_process *p = open_command(room(), processes[way], 20);
        goss_envs *e = lives_of(p, N);
        for (int t = 0; t < 50; t++) {
            const goss_envs_view v = goss_envs_look(e);
            float actions[N], before[N];
            for (int i = 0; i < N; i++) before[i] = v.observation[i], actions[i] = (float)sin(t + i) * 1.5f;
            if (goss_envs_step(e, actions, &err) != GOSS_OK) T_FAIL("%s", err.text);
            for (int i = 0; i < N; i++) {
                const double power = fmin(1, fmax(-1, (double)actions[i])), *q = v.parameter + 2 * i;
                const double after = (double)before[i] + (power + 1) / 2 * q[1] - q[0] * (double)before[i];
                T_NEAR((double)v.reward[i], -fabs(after - 8), 1e-5);
                T_NEAR((double)(v.ended[i] ? v.ended_at : v.observation)[i], after, 1e-5);
                T_EQ(v.ended[i], t % 25 == 24);
                T_EQ(v.over[i], t == 49);
                seen[way][t][i] = v.observation[i], rewards[way][t][i] = v.reward[i];
            }
        }
        goss_envs_free(e), goss_env_process_free(p);
        check_no_child();
        T_CHECK(memcmp(seen[way], seen[0], sizeof seen[0]) == 0);
        T_CHECK(memcmp(rewards[way], rewards[0], sizeof rewards[0]) == 0);
    }
    T_CHECK(seen[0][0][0] != seen[0][0][1]);
}

/* ---- raw observations ---- */

/* Answers a line, or runs `reset` and `step`, for each life; LINES: what it says of itself. */
#define CHILD(lines, reset, step)                                                                                      \
    "read hello; printf '" lines "ready\\n'; s=0; while read what n; do i=0; while [ $i -lt $n ]; do read life rest;"  \
    " if [ $what = reset ]; then " reset "; else s=$((s + 1)); " step "; fi; i=$((i + 1)); done; done"
#define SMALL "observation 1\\nactions 2\\nhorizon 9\\n"

TEST(observations_as_bytes) {
    goss_env_process *p = open_command(CHILD("observation 1 2 2 bytes\\nactions 2\\nhorizon 9\\n",
                                             "printf '4\\n\\000\\063\\n\\377'", "printf '2.5 1 4\\n\\377\\n\\n\\000'"),
                                       1, 20);
    T_EQ(goss_env_process_kind(p)->observations, 4);
    T_EQ(goss_env_process_kind(p)->shape[2], 2);
    goss_envs *e = lives_of(p, 3);
    const goss_envs_view v = goss_envs_look(e);
    static const double wanted[] = {0, 0.2, 10. / 255, 1};
    for (int i = 0; i < 12; i++) T_NEAR((double)v.observation[i], wanted[i % 4], 1e-6);
    if (goss_envs_step(e, (float[]){0, 1, 0}, &err) != GOSS_OK) T_FAIL("%s", err.text);
    T_NEAR((double)v.observation[11], 0, 0);
    T_NEAR((double)v.observation[8], 1, 0);
    T_NEAR((double)v.reward[2], 2.5, 0);
    T_CHECK(v.terminal[2] && v.over[2]);
    goss_envs_free(e), goss_env_process_free(p);
}

/* What comes in pieces is put together, and no part of it is taken twice. */
TEST(answers_in_pieces) {
    static const char *const said[][3] = {{"2", "printf '0.2'; sleep 0.01; echo 5 1",
                                           "printf '1 0 0.'; sleep 0.01; printf '5'; sleep 0.01; echo ' 0.75'"},
                                          {"1 1 2 bytes", "printf '2\\n'; sleep 0.01; printf '\\n\\377'",
                                           "printf '1 '; sleep 0.01; printf '0 2\\n\\n'; sleep 0.01; printf '\\n'"}};
    static const double seen[2][2][2] = {{{0.25, 1}, {0.5, 0.75}}, {{10. / 255, 1}, {10. / 255, 10. / 255}}};
    for (int way = 0; way < 2; way++) {
        char command[1200], lines[100];
        snprintf(lines, sizeof lines, "observation %s\\nactions 2\\nhorizon 9\\n", said[way][0]);
        snprintf(command, sizeof command, CHILD("%s", "%s", "%s"), lines, said[way][1], said[way][2]);
        goss_env_process *p = open_command(command, 1, 20);
        goss_envs *e = lives_of(p, 3);
        const goss_envs_view v = goss_envs_look(e);
        for (int t = 0; t < 3; t++) {
            for (int i = 0; i < 6; i++) T_NEAR((double)v.observation[i], seen[way][t > 0][i % 2], 1e-6);
            if (goss_envs_step(e, (float[]){0, 1, 0}, &err) != GOSS_OK) T_FAIL("%s", err.text);
            T_NEAR((double)v.reward[2], 1, 0);
        }
        goss_envs_free(e), goss_env_process_free(p);
    }
}

TEST(pictures_of_a_process) {
    goss_env_process *p = open_command("read hello; printf '" SMALL "picture\\nready\\n'; while read what n; do"
                                       " if [ $what = picture ]; then printf '1 2\\nABC\\nEF'; else"
                                       " while [ $n -gt 0 ]; do read rest; echo 0.5; n=$((n - 1)); done; fi; done",
                                       2, 20);
    goss_envs *e = lives_of(p, 3);
    goss_env_canvas c;
    for (int i = 0; i < 3; i++) {
        if (goss_envs_picture(e, i, &c, &err) != GOSS_OK) T_FAIL("%s", err.text);
        T_EQ(c.height, 1);
        T_EQ(c.width, 2);
        T_CHECK(memcmp(c.rgb, "ABC\nEF", 6) == 0);
    }
    goss_envs_free(e), goss_env_process_free(p);
    p = open_command(CHILD(SMALL, "echo 0.5", "echo 1 0 0.5"), 1, 20);
    e = lives_of(p, 1);
    T_EQ(goss_envs_picture(e, 0, &c, &err), GOSS_E_UNSUPPORTED);
    goss_envs_free(e), goss_env_process_free(p);
    check_no_child();
}

/* The example in Python is the one in C, but for its noise. */
TEST(the_example_in_python) {
    if (system("python3 -c '' 2>/dev/null") != 0) T_SKIP("no python3");
    goss_env_process *p = open_command("python3 examples/room_process.py", 2, 60);
    goss_envs *e = lives_of(p, 5);
    const goss_envs_view v = goss_envs_look(e);
    T_STR(goss_env_process_kind(p)->doc, "A room with a heater");
    for (int t = 0; t < 50; t++) {
        float actions[5] = {1, -1, 0, 1, -1}, before[5];
        for (int i = 0; i < 5; i++) before[i] = v.observation[i];
        if (goss_envs_step(e, actions, &err) != GOSS_OK) T_FAIL("%s", err.text);
        for (int i = 0; i < 5; i++) {
            const double *q = v.parameter + 2 * i, power = ((double)actions[i] + 1) / 2;
            const double after = (double)before[i] + power * q[1] - q[0] * (double)before[i];
            T_NEAR((double)(v.ended[i] ? v.ended_at : v.observation)[i], after, 0.7); /* 7 deviations */
            T_EQ(v.over[i], t == 49);
        }
    }
    goss_envs_free(e), goss_env_process_free(p);
    check_no_child();
}

/* ---- what is wrong at the start ---- */

TEST(descriptions_are_checked) {
    static const struct {
        const char *command, *says;
    } wrong[] = {
        {"exit 3", "the process ended with status 3"},
        {"there-is-no-such-program", "is its program there?"},
        {"/dev/null", "is its program executable?"},
        {"echo Hello", "its description says \"Hello\""},
        {"echo error no fuel", "the environment says: no fuel"},
        {"echo observation x", "wanted observation N"},
        {"echo observation 2; echo ready", "no line `actions or controls`"},
        {"echo observation 2; echo actions 2; echo horizon 2; echo parameter a 3 1; echo ready", "parameter a"},
        {"echo observation 2; echo actions 2; echo actions 3", "its description has two lines `actions`"},
        {"echo observation 2; echo actions 2; echo horizon 2; echo parameter a 0 1; echo parameter a 0 1; echo ready",
         "two parameters are called a"},
        {"echo observation 2; echo actions 2; echo horizon 2; echo parameter a=b 0 1; echo ready",
         "parameter \"a=b\": wanted a name of letters"},
        {"printf 'observation 2\\nactions 2\\nhorizon 2\\nready\\nmore\\n'", "more than it was asked: \"more\""},
        {"sleep 100", "has not answered for 0.2 seconds"},
        {"kill -9 $$", "ended by signal 9"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char quiet[300];
        goss_env_process *p;
        snprintf(quiet, sizeof quiet, "exec 2>/dev/null; %s", wrong[i].command);
        const bool hangs = strncmp(wrong[i].command, "sleep", 5) == 0;
        const goss_env_process_options o = {.command = quiet, .processes = 1, .timeout = hangs ? 0.2 : 60};
        if (goss_env_process_open(&o, &p, &err) == GOSS_OK) T_FAIL("%s", wrong[i].command);
        T_CHECK(!p);
        if (!strstr(err.text, wrong[i].says)) T_FAIL("\"%s\" does not say \"%s\"", err.text, wrong[i].says);
        if (!strstr(err.text, "(command: exec 2>/dev/null; ")) T_FAIL("\"%s\" does not name the command", err.text);
        check_no_child();
    }
    goss_env_process *p;
    T_EQ(goss_env_process_open(&(goss_env_process_options){.processes = 1, .timeout = 1}, &p, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "env.command is not set"));
}

/* ---- what goes wrong later ---- */

static const struct {
    const char *step, *says;
    double timeout;
} misbehaviour[] = {
    {"echo 1 0 nan", "an observation that is not finite in life 0 (task 0), episode 1, step 1", 60},
    {"echo nan 0 0.5", "a reward that is not finite", 60},
    {"echo 1 0 0.5 0.5", "episode 1, step 1: an answer of another shape: wanted a reward, an end and 1 numbers", 60},
    {"echo 1 0", "got 2 numbers in all", 60},
    {"echo 1 7 0.5", "the second number is 0, 1 or 2", 60},
    {"echo Traceback", "life 0 (task 0), episode 1, step 1: it says \"Traceback\", of which", 60},
    {"echo error the door is stuck", "step 1: the environment says: the door is stuck", 60},
    {"exit 5", "life 0 (task 0), episode 1, step 1: the process ended with status 5", 60},
    {"kill -9 $$", "ended by signal 9", 60},
    {"sleep 100", "has not answered for 0.2 seconds", 0.2},
    {"while printf ' '; do sleep 0.05; done", "has not answered for 0.2 seconds", 0.2}, /* it drips */
    {"[ $s = 1 ] && echo 1 0 0.5 || exit 4", "life 1 (task 1), episode 1, step 1: the process ended with status 4", 60},
    /* in one write, so that the third line is there when the second one is read */
    {"printf '1 0 0.5\\n1 0 0.5\\n1 0 0.5\\n'", "it says more than it was asked", 60},
    {"exec 1>&-; sleep 100", "step 1: the process closed its output (command: read hello; ", 60},
    {"sleep 100 & exit 3", "step 1: the process ended with status 3", 0.2}, /* which keeps its output open */
};

TEST(a_process_that_misbehaves_is_named) {
    for (size_t i = 0; i < sizeof misbehaviour / sizeof *misbehaviour; i++) {
        char command[900];
        snprintf(command, sizeof command, CHILD(SMALL, "echo 0.5", "%s"), misbehaviour[i].step);
        goss_env_process *p = open_command(command, 1, misbehaviour[i].timeout);
        goss_envs *e = lives_of(p, 2);
        T_CHECK(goss_envs_step(e, (float[]){0, 1}, &err) != GOSS_OK);
        if (!strstr(err.text, misbehaviour[i].says))
            T_FAIL("\"%s\" does not say \"%s\"", err.text, misbehaviour[i].says);
        goss_envs_free(e), goss_env_process_free(p);
        check_no_child();
    }
}

/* A handler of signals ends what answers no more. */
TEST(all_processes_are_killed_at_once) {
    goss_env_process *p = open_command(CHILD(SMALL, "echo 0.5", "sleep 100"), 3, 60);
    goss_envs *e[2] = {lives_of(p, 3), lives_of(p, 1)};
    goss_env_process_kill_all();
    for (int i = 0; i < 2; i++) {
        T_EQ(goss_envs_step(e[i], (float[3]){0}, &err), GOSS_E_IO);
        T_CHECK(strstr(err.text, "ended by signal 9"));
        goss_envs_free(e[i]);
    }
    goss_env_process_free(p);
    check_no_child();
    goss_env_process_kill_all(); /* there is none */
}

/* It reads nothing more: requests that a pipe cannot hold meet one that is closed. */
TEST(a_process_that_ends_early_is_no_signal_here) {
    goss_env_process *p =
        open_command("read hello; printf '" SMALL "parameter a 0 1\\nready\\n'; exec 0<&-; sleep 0.1", 1, 60);
    goss_env_family f;
    goss_envs *e;
    T_OK(goss_env_family_own(goss_env_process_kind(p), &f, &err));
    T_OK(goss_envs_new(&f, &(goss_envs_options){.count = 20000, .threads = 1}, &e, &err));
    float actions[20000] = {0};
    T_EQ(goss_envs_step(e, actions, &err), GOSS_E_IO);
    T_CHECK(
        strstr(err.text, "environment process, life 0 (task 0), episode 1, step 0: the process ended with status 0"));
    T_EQ(goss_envs_step(e, actions, &err), GOSS_E_IO); /* what it would say now nobody knows */
    goss_envs_free(e), goss_env_process_free(p);
    check_no_child();
}

static goss_status train(const char *command, const char *dir, const char *frames) {
    int n;
    goss_config *c;
    const goss_key *keys = goss_agent_keys(&n);
    static const char *const small[] = {"env.name=process", "agent.memory=4",    "agent.units=4",    "agent.code=4",
                                        "ppo.lives=4",      "ppo.minibatches=2", "validate.every=0", "env.timeout=60"};
    T_OK(goss_config_new(keys, n, &c, &err));
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) T_OK(goss_config_override(c, small[i], &err));
    T_OK(goss_config_set(c, "run.dir", scratch(dir), &err));
    T_OK(goss_config_set(c, "env.command", command, &err));
    T_OK(goss_config_set(c, "train.frames", frames, &err));
    const goss_status s = goss_agent_train(c, NULL, NULL, &err);
    goss_config_free(c);
    return s;
}

TEST(the_run_of_a_process_that_breaks_is_saved) {
    char path[300];
    T_ERR(train(CHILD(SMALL, "echo 0.5", "[ $s -gt 90 ] && exit 6; echo 1 0 0.5"), "breaks", "1000"), GOSS_E_IO,
          "the process ended with status 6 (command: read hello; ");
    T_CHECK(strstr(err.text, "). The run is saved at iteration 2; the same command resumes"));
    snprintf(path, sizeof path, "%s/checkpoint.safetensors", scratch("breaks"));
    T_CHECK(access(path, R_OK) == 0);
    check_no_child();
    T_EQ(train(CHILD(SMALL, "echo 0.5", "[ $s -gt 90 ] && exit 6; echo 1 0 0.5"), "breaks", "1000"), GOSS_E_IO);
    T_CHECK(strstr(err.text, "saved at iteration 4"));
    check_no_child();
}

TEST(a_model_never_names_a_command_that_is_run) {
    goss_agent *a;
    char path[300];
    T_OK(train(room(), "room", "800"));
    snprintf(path, sizeof path, "%s/model.safetensors", scratch("room"));
    T_EQ(goss_agent_load(path, NULL, &a, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "which a file never names"));
    goss_env_process *p = open_command(room(), 2, 60);
    if (goss_agent_load(path, goss_env_process_kind(p), &a, &err) != GOSS_OK) T_FAIL("%s", err.text);
    double returns[10];
    T_OK(goss_agent_evaluate(a, &(goss_agent_evaluation){.tasks = 5, .threads = 1}, returns, NULL, NULL, &err));
    for (int i = 0; i < 10; i++) T_CHECK(returns[i] < 0 && returns[i] > -500);
    goss_agent_free(a), goss_env_process_free(p);
    check_no_child();
}

/* ---- Atari, where it is there ---- */

/* What would not fit is said before anything is started. */
TEST(an_iteration_that_is_too_large_is_refused) {
    static const char child[] = CHILD("observation 84 84 4 bytes\\nactions 2\\nhorizon 90000\\n", "exit 1", "exit 1");
    T_EQ(train(child, "large", "1000000"), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "an iteration of 4 lives of 90000 steps has 41 GB"));
    check_no_child();
}

TEST(atari_modes_are_tasks) {
    char version[80];
    goss_env_process *p;
    goss_env_family f;
    goss_envs *e;
    const goss_env_process_options any = goss_env_process_defaults();
    if (goss_env_atari_version(&any, version, sizeof version, &err) != GOSS_OK) {
        T_CHECK(strstr(err.text, "pip install ale-py"));
        T_SKIP("no ale-py");
    }
    goss_env_process_options o = goss_env_process_defaults();
    if (goss_env_atari_open("SpaceInvaders", &o, &p, &err) != GOSS_OK) T_FAIL("%s", err.text);
    T_STR(goss_env_process_kind(p)->name, "ale/SpaceInvaders");
    T_EQ(goss_env_process_kind(p)->observations, 84 * 84 * 4);
    T_OK(goss_env_family_own(goss_env_process_kind(p), &f, &err));
    T_OK(goss_env_family_set(&f, "mode", 0, 2, &err));
    T_EQ(goss_env_family_set(&f, "mode", 0, 99, &err), GOSS_E_ARGUMENT);
    float seen[2][84 * 84 * 4];
    for (int way = 0; way < 2; way++) {
        T_OK(goss_envs_new(&f, &(goss_envs_options){.count = 2, .seed = 3, .threads = 1}, &e, &err));
        for (int t = 0; t < 20; t++)
            if (goss_envs_step(e, (float[]){(float)(t % 6), 1}, &err) != GOSS_OK) T_FAIL("%s", err.text);
        memcpy(seen[way], goss_envs_look(e).observation, sizeof seen[way]);
        goss_envs_free(e);
    }
    T_CHECK(memcmp(seen[0], seen[1], sizeof seen[0]) == 0); /* sticky actions and all */
    double sum = 0;
    for (int i = 0; i < 84 * 84 * 4; i++) sum += (double)seen[0][i];
    T_CHECK(sum > 100);
    goss_env_process_free(p);
    T_EQ(goss_env_atari_open("NoGame", &o, &p, &err), GOSS_E_UNSUPPORTED);
    T_CHECK(strstr(err.text, getenv("GOSSAMER_ROMS") ? "/no_game.bin" : "ale-py has no game no_game"));
    check_no_child();
}

/* Lives in all modes and difficulties of a game. */
static goss_envs *lives_of_game(const char *game, const goss_env_process_options *by, goss_env_process **p) {
    goss_env_family f;
    goss_envs *e;
    if (goss_env_atari_open(game, by, p, &err) != GOSS_OK) T_FAIL("%s", err.text);
    const goss_env_kind *k = goss_env_process_kind(*p);
    T_OK(goss_env_family_own(k, &f, &err));
    for (int i = 0; i < 2; i++)
        T_OK(goss_env_family_set(&f, k->parameter[i].name, k->parameter[i].least, k->parameter[i].most, &err));
    T_OK(goss_envs_new(&f, &(goss_envs_options){.count = 2, .seed = 3, .threads = 1}, &e, &err));
    return e;
}

static int compare_players(const char *game, const goss_env_process_options by[2]) {
    enum { STEPS = 400, LIVES = 2 };
    goss_env_process *p[2];
    goss_envs *e[2];
    goss_env_canvas picture[2];
    int events = 0;
    for (int k = 0; k < 2; k++) e[k] = lives_of_game(game, &by[k], &p[k]);
    const int actions = goss_env_process_kind(p[0])->actions;
    for (int t = 0; t < STEPS; t++) {
        const float chosen[LIVES] = {(float)(t % actions), (float)(t / actions % actions)};
        for (int k = 0; k < 2; k++)
            if (goss_envs_step(e[k], chosen, &err) != GOSS_OK) T_FAIL("%s", err.text);
        const goss_envs_view a = goss_envs_look(e[0]), b = goss_envs_look(e[1]);
        for (int i = 0; i < LIVES; i++) {
            T_NEAR((double)a.reward[i], (double)b.reward[i], 0);
            T_EQ(a.ended[i], b.ended[i]);
            events += (a.reward[i] != 0) + a.ended[i];
        }
        T_CHECK(memcmp(a.observation, b.observation, sizeof(float) * LIVES * 84 * 84 * 4) == 0);
    }
    for (int k = 0; k < 2; k++) T_OK(goss_envs_picture(e[k], 0, &picture[k], &err));
    T_CHECK(memcmp(picture[0].rgb, picture[1].rgb, (size_t)(3 * picture[0].height * picture[0].width)) == 0);
    for (int k = 0; k < 2; k++) goss_envs_free(e[k]), goss_env_process_free(p[k]);
    return events;
}

/* Rewards, ends, observations and pictures by the Python package and by an installed library are the same bits: of
 * Space Invaders, or of the games in GOSSAMER_GAMES. */
TEST(whoever_plays_it_a_game_is_the_same) {
    char version[80], games[4000], *save = NULL;
    goss_env_process_options by[2] = {goss_env_process_defaults(), goss_env_process_defaults()};
    const char *python = getenv("GOSSAMER_PYTHON"), *named = getenv("GOSSAMER_GAMES");
    by[0].python = python && *python ? python : "python3", by[1].roms = getenv("GOSSAMER_ROMS");
    for (int k = 0; k < 2; k++)
        if (!by[1].roms || goss_env_atari_version(&by[k], version, sizeof version, &err) != GOSS_OK)
            T_SKIP("not both ale-py and gossamer-ale with GOSSAMER_ROMS");
    snprintf(games, sizeof games, "%s", named ? named : "space_invaders");
    int events = 0;
    for (char *game = strtok_r(games, ", ", &save); game; game = strtok_r(NULL, ", ", &save))
        events += compare_players(game, by);
    T_CHECK(events > 5);
    check_no_child();
}

/* Whichever plays them, games are one kind of environment: here a stand-in for the program of an installed library.
 * The last test: it takes away what variables said of real ones. */
TEST(games_in_files_are_played_by_a_program) {
    static const char player[] = "#!/bin/sh\nread hello\n[ \"$1\" = --version ] && what=1.2.3 || what=\"plays $1\"\n"
                                 "printf 'name %s\\nobservation 2\\nactions 3\\nhorizon 5\\nready\\n' \"$what\"\n";
    char version[80], program[300];
    goss_env_process *p;
    goss_env_process_options o = goss_env_process_defaults();
    snprintf(program, sizeof program, "%s", scratch("player"));
    FILE *f = fopen(program, "w");
    if (!f || fputs(player, f) < 0 || fclose(f) != 0) exit(99);
    T_EQ(chmod(program, 0700), 0);
    o.roms = "games";
    setenv("GOSSAMER_ALE", scratch("nobody"), 1);
    T_EQ(goss_env_atari_version(&o, version, sizeof version, &err), GOSS_E_UNSUPPORTED);
    T_CHECK(strstr(err.text, "Atari games in files (env.roms or GOSSAMER_ROMS) need gossamer-ale") &&
            strstr(err.text, "/nobody)"));
    setenv("GOSSAMER_ALE", "/bin/false", 1); /* another program, which is named */
    T_EQ(goss_env_atari_open("SpaceInvaders", &o, &p, &err), GOSS_E_UNSUPPORTED);
    T_CHECK(strstr(err.text, "the process ended with status 1 (command: /bin/false)"));
    setenv("GOSSAMER_ALE", program, 1);
    T_OK(goss_env_atari_version(&o, version, sizeof version, &err));
    T_STR(version, "1.2.3");
    T_OK(goss_env_atari_open("SpaceInvaders", &o, &p, &err));
    T_STR(goss_env_process_kind(p)->name, "ale/SpaceInvaders");
    T_STR(goss_env_process_kind(p)->doc, "plays games/space_invaders.bin");
    goss_env_process_free(p);
    o.roms = NULL;
    setenv("GOSSAMER_ROMS", "others", 1);
    T_OK(goss_env_atari_open("Pong", &o, &p, &err));
    T_STR(goss_env_process_kind(p)->doc, "plays others/pong.bin");
    goss_env_process_free(p);
    o.python = "/bin/false"; /* what is set counts before the environment */
    T_EQ(goss_env_atari_open("Pong", &o, &p, &err), GOSS_E_UNSUPPORTED);
    T_CHECK(strstr(err.text, "a Python with ale-py"));
    unsetenv("GOSSAMER_ROMS"), unsetenv("GOSSAMER_ALE");
    check_no_child();
}

TEST_MAIN()
