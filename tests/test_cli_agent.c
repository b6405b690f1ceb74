/* SPDX-License-Identifier: Apache-2.0 */
/* The command with agents: train, eval and play, what they print, and mistakes. */
#include <libgen.h>
#include <sys/stat.h>

#include "cli_run.h"

#define SMALL                                                                                                          \
    "ppo.lives=32 ppo.minibatches=2 agent.memory=8 agent.units=8 agent.code=4 validate.tasks=10 validate.every=2 "

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(tiny_path(name), "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0) T_FAIL("%s is not written", name);
}

static void make_agents(void) {
    static bool made;
    if (made) return;
    write_text("grid.ini", "[env]\nname = gridnavi\n[train]\nframes = 7680\n[run]\ndir = grid\n");
    RUN(0, "train grid.ini " SMALL);
    SAYS(out_text, "grid/model.safetensors");
    SAYS(err_text, "7680 frames");
    RUN(0, "train grid.ini " SMALL "run.dir=plain agent.policy=concat");
    made = true;
}

static double number_after(const char *key) {
    const char *at = strstr(out_text, key);
    if (!at) T_FAIL("no %s in %.300s", key, out_text);
    return atof(at + strlen(key));
}

TEST(agents_are_trained_and_judged) {
    make_agents();
    RUN(0, "eval grid/model.safetensors --tasks 30 --methods plain=plain/model.safetensors --json");
    SAYS(out_text,
         "{\"tasks\": 30, \"episodes\": 4, \"methods\": [{\"name\": \"hypernet\", \"returns\": [{\"episode\": 1, ");
    SAYS(out_text, "{\"name\": \"plain\", \"returns\": [{\"episode\": 1, \"value\": ");
    SAYS(out_text, "\"difference\": 0, \"difference_ci95\": 0, \"frames_trained\": ");
    const double first = number_after("\"value\": ");
    T_CHECK(first >= -1.51 && first <= 15);
    RUN(0, "eval grid/model.safetensors --tasks 30 --json");
    T_NEAR(number_after("\"value\": "), first, 0); /* the same tasks */
    RUN(0, "eval grid/model.safetensors --tasks 30 --episodes 2");
    SAYS(out_text, "30 held-out tasks of gridnavi, 2 episodes each");
}

/* A policy whose numbers overflow is no success, whatever it was validated as before. */
TEST(an_agent_that_diverges_is_an_error) {
    struct stat st;
    write_text("point.ini", "[env]\nname = point\n[train]\nframes = 30000\n");
    RUN(1, "train point.ini " SMALL "run.dir=far optimizer.rate=100 optimizer.floor=1 optimizer.clip_norm=0");
    SAYS(err_text, "not finite");
    SAYS(err_text, "train anew in another run.dir with a smaller optimizer.rate");
    T_CHECK(!strstr(err_text, "resumes it"));
    RUN(1, "train point.ini " SMALL "validate.every=1 run.dir=late optimizer.rate=7 optimizer.floor=1 "
           "optimizer.clip_norm=0");
    SAYS(err_text, "not finite");
    SAYS(err_text, "is kept: late/model.safetensors");
    RUN(0, "eval late/model.safetensors --tasks 5");
    T_CHECK(stat(tiny_path("far/model.safetensors"), &st) != 0);
}

TEST(agents_are_shown) {
    make_agents();
    RUN(0, "play grid/model.safetensors --episodes 1");
    SAYS(out_text, "episode 1\n");
    SAYS(out_text, "\n@ . . . .\n");
    SAYS(out_text, "episode 1, step 15, action ");
    SAYS(out_text, "@");
    char first[4000];
    snprintf(first, sizeof first, "%s", out_text);
    RUN(0, "play grid/model.safetensors --episodes 1");
    T_STR(out_text, first);
}

/* The size of a PNG file: big-endian numbers at bytes 16 and 20. */
static void check_picture(const char *name, int width, int height) {
    uint8_t head[24] = {0};
    FILE *f = fopen(tiny_path(name), "rb");
    if (!f || fread(head, 1, sizeof head, f) != sizeof head) T_FAIL("%s cannot be read", name);
    fclose(f);
    T_CHECK(memcmp(head + 1, "PNG", 3) == 0);
    T_EQ(head[18] << 8 | head[19], width);
    T_EQ(head[22] << 8 | head[23], height);
}

TEST(a_life_becomes_a_picture) {
    make_agents();
    RUN(0, "play grid/model.safetensors -o life.png"); /* 61 frames: every second of them, ten a row */
    SAYS(err_text, "31 frames, one of 2 steps");
    SAYS(out_text, "episode 4: ");
    check_picture("life.png", 10 * 122 - 2, 4 * 122 - 2);
    RUN(0, "play grid/model.safetensors --episodes 1 --frames 100 --columns 4 -o short.png");
    SAYS(err_text, "16 frames, one of 1 steps");
    check_picture("short.png", 4 * 122 - 2, 4 * 122 - 2);
    RUN(2, "play grid/model.safetensors -o life.gif");
    SAYS(err_text, "the picture is a PNG file");
    RUN(1, "play grid/model.safetensors -o nowhere/life.png");
    RUN(1, "play grid.ini -o life.png");
    RUN(2, "play grid/model.safetensors --columns 3");
    SAYS(err_text, "--columns is for a picture: with -o");
    RUN(2, "play grid/model.safetensors -o life.png --delay 5");
    SAYS(err_text, "--delay is for text, without -o");
}

TEST(an_agent_becomes_a_policy) {
    make_agents();
    RUN(0, "adapt grid/model.safetensors --episodes 2 --set goal=7 -o knows.net");
    SAYS(err_text, "episode 2: ");
    RUN(0, "eval knows.net --tasks 5");
    SAYS(out_text, "5 lives in one task of gridnavi");
    RUN(0, "adapt grid/model.safetensors --episodes 2 --set goal=7 --fix -o fixed.net");
    SAYS(err_text, "an agent of 230 weights"); /* 10 x 8 + 8, 8 x 5 + 5; of the value 10 x 8 + 8, 8 + 1 */
    SAYS(out_text, "fixed.net");
    RUN(0, "eval fixed.net --tasks 5");
    SAYS(out_text, "5 lives in one task of gridnavi");
    RUN(0, "play fixed.net --episodes 1");
    RUN(0, "play grid/model.safetensors --record steps.csv");
    RUN(0, "adapt grid/model.safetensors --support steps.csv -o told.net");
    RUN(1, "adapt fixed.net -o again.net");
    SAYS(err_text, "there is nothing to adapt");
    RUN(1, "adapt grid/model.safetensors --set gaol=7 -o x.net");
    SAYS(err_text, "has no parameter \"gaol\"");
    RUN(1, "adapt grid/model.safetensors --support grid.ini -o x.net");
    RUN(2, "adapt grid/model.safetensors --support steps.csv --episodes 3 -o x.net");
    RUN(2, "adapt grid/model.safetensors");
    SAYS(err_text, "-o is missing");
    RUN(1, "predict grid/model.safetensors steps.csv");
    SAYS(err_text, "gossamer eval and gossamer play take it");
    RUN(1, "play grid/model.safetensors --record grid/model.safetensors");
    SAYS(err_text, "is the input grid/model.safetensors itself, which writing would destroy");
    RUN(1, "play grid/model.safetensors --record grid/config.ini");
    SAYS(err_text, "grid/config.ini exists and is a text and no earlier result");
    RUN(1, "play grid/model.safetensors --record nowhere/steps.csv");
    SAYS(err_text, "there is no folder nowhere");
    T_CHECK(out_text && !*out_text); /* before the life is shown */
    RUN(2, "adapt grid/model.safetensors --support steps.csv --sample -o x.net");
    SAYS(err_text, "--sample is for an agent that acts");
    RUN(1, "adapt grid/model.safetensors --set goal -o x.net");
    SAYS(err_text, "--set: \"goal\" is not of the form NAME=VALUE");
    for (int i = 0; i < 3; i++) {
        static const char *const lines[] = {"play grid/checkpoint.safetensors", "eval grid/checkpoint.safetensors",
                                            "predict grid/checkpoint.safetensors steps.csv"};
        RUN(1, lines[i]);
        SAYS(err_text, "it is the checkpoint of an agent's run; the agent is model.safetensors");
    }
    RUN(1, "adapt grid/model.safetensors --set goal=7,goal=3 -o x.net");
    SAYS(err_text, "--set: goal has two values");
    RUN(1, "play grid/model.safetensors -o both.png --record both.png");
    SAYS(err_text, "-o and --record are one file: both.png");
    T_CHECK(access(tiny_path("both.png"), F_OK) != 0);
    RUN(2, "play grid/model.safetensors --record -");
    SAYS(err_text, "--record -: standard output has the life");
    RUN(0, "train grid.ini " SMALL "agent.sees=task run.dir=oracle");
    RUN(1, "adapt oracle/model.safetensors --set goal=3 --fix -o x.net");
    SAYS(err_text, "fix is for agents that see history");
    T_CHECK(access(tiny_path("x.net"), F_OK) != 0);
}

TEST(returns_by_the_values_of_a_parameter) {
    make_agents();
    RUN(0, "eval grid/model.safetensors --tasks 60 --by goal --json");
    SAYS(out_text, "\"by\": [{\"goal\": 0, \"tasks\": ");
    double all = 0, tasks = 0;
    const char *at = strstr(out_text, "\"by\"");
    for (int goal = 0; goal < 21; goal++) {
        at = strstr(at, "\"tasks\": ") + 9;
        const double n = atof(at), mean = n > 0 ? atof(strstr(at, "\"value\": ") + 9) : 0;
        tasks += n, all += n * mean;
    }
    T_NEAR(tasks, 60, 0);
    double sum = 0;
    at = out_text;
    for (int e = 0; e < 4; e++) at = strstr(at, "\"value\": ") + 9, sum += atof(at);
    T_NEAR(all / 60, sum, 1e-3);
    RUN(0, "eval grid/model.safetensors --by goal --tasks 1");
    SAYS(out_text, "n/a a life (0 tasks)");
    T_CHECK(!strstr(out_text, "nan"));
    RUN(1, "eval grid/model.safetensors --by gaol");
    SAYS(err_text, "has no parameter \"gaol\"");
}

TEST(agents_in_processes_are_given_their_environment) {
    char room[800], line[1200], self[512] = "";
    T_CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    snprintf(room, sizeof room, "%s/../examples/room_process", dirname(self));
    snprintf(line, sizeof line, "train env.name=process env.command=%s train.frames=6400 run.dir=room " SMALL, room);
    RUN(0, line);
    RUN(1, "eval room/model.safetensors");
    SAYS(err_text, "its environment is a program of its own, which a file never names");
    snprintf(line, sizeof line, "eval room/model.safetensors --tasks 10 --command %s", room);
    RUN(0, line);
    SAYS(out_text, "10 held-out tasks of process, 2 episodes each");
    snprintf(line, sizeof line, "play room/model.safetensors --command %s", room);
    RUN(1, line);
    SAYS(err_text, "environment process cannot be shown as text");
    RUN(1, "check env.name=process run.dir=new");
    SAYS(err_text, "env.command is not set");
    RUN(1, "check env.name=gridnavi env.command=true run.dir=new");
    SAYS(err_text, "env.command is set, but env.name is gridnavi");
    RUN(0, "train --keys");
    SAYS(out_text, "# [env]");
    SAYS(out_text, "# command = ");
    SAYS(out_text, "# [ppo]");
}

/* Whether a process runs (not as a zombie, which nobody may have waited for). */
static bool runs(int pid) {
    char path[80], line[400] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    const bool is = fgets(line, sizeof line, f) && strrchr(line, ')') && strncmp(strrchr(line, ')'), ") Z", 3) != 0;
    fclose(f);
    return is;
}

/* Runs gossamer with an environment that answers no step, sends it a signal `times` times, and sees that what it
 * started is gone. */
static void end_by_signal(const char *arguments, int number, int times) {
    char line[3000];
    size_t n;
    remove(tiny_path("pids"));
    snprintf(line, sizeof line,
             "cd %s && { %s %s >out 2>err & p=$!; for i in $(seq 1000); do [ -e waits ] && break; sleep 0.01; done; "
             "for i in $(seq %d); do kill -%d $p; sleep 0.1; done; wait $p; }",
             tiny_dir, command(), arguments, times, number);
    remove(tiny_path("waits"));
    const int status = WEXITSTATUS(system(line));
    if (status != 128 + number) T_FAIL("%s: status %d", arguments, status);
    char *pids = tiny_read(tiny_path("pids"), &n), *save = NULL;
    T_CHECK(pids && strchr(pids, '\n') != strrchr(pids, '\n')); /* of the description, and of lives */
    for (char *pid = strtok_r(pids, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save)) {
        for (int i = 0; i < 500 && runs(atoi(pid)); i++) usleep(10000);
        T_CHECK(!runs(atoi(pid)));
    }
    free(pids);
}

TEST(processes_that_answer_no_more_end_with_the_command) {
    make_agents(); /* skips where a run cannot write its files */
    write_text("stuck.sh", "echo $$ >>pids\nread hello\necho observation 1\necho controls 1\necho horizon 25\n"
                           "echo episodes 2\necho parameter leak 0.05 0.3 0 1\necho parameter heat 1 3 0 10\n"
                           "echo ready\nread what n || exit 0\n"
                           "while [ $n -gt 0 ]; do read life; echo 0.5; n=$((n - 1)); done\n"
                           "read step && touch waits && sleep 1000\n");
    end_by_signal("train env.name=process 'env.command=sh stuck.sh' run.dir=stuck " SMALL, SIGTERM, 2);
    end_by_signal("train env.name=process 'env.command=sh stuck.sh' run.dir=stuck " SMALL, SIGHUP, 2);
    char room[800], line[1200], self[512] = "";
    T_CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    snprintf(room, sizeof room, "%s/../examples/room_process", dirname(self));
    snprintf(line, sizeof line, "train env.name=process env.command=%s train.frames=1600 run.dir=heated " SMALL, room);
    RUN(0, line);
    end_by_signal("eval heated/model.safetensors --command 'sh stuck.sh'", SIGTERM, 1);
    end_by_signal("play heated/model.safetensors --command 'sh stuck.sh' -o x.png", SIGTERM, 1);
    end_by_signal("adapt heated/model.safetensors --command 'sh stuck.sh' -o x.net", SIGTERM, 1);
    T_CHECK(access(tiny_path("x.net"), F_OK) != 0);
}

TEST(a_finished_run_is_left_alone_and_a_longer_one_goes_on) {
    make_agents();
    RUN(0, "train grid.ini " SMALL);
    SAYS(err_text, "going on from iteration 4");
    RUN(0, "train grid.ini " SMALL "train.frames=11520");
    SAYS(err_text, "11520 frames");
    RUN(0, "train grid.ini " SMALL "train.frames=11520 ppo.clip=.20"); /* the same number */
    RUN(1, "train grid.ini " SMALL "ppo.clip=.3");
    SAYS(err_text, "the run was begun with ppo.clip = 0.2, and now has ppo.clip = 0.3");
}

TEST(a_configuration_is_checked) {
    make_agents();
    RUN(0, "check grid.ini run.dir=nothing");
    SAYS(out_text, "environment gridnavi: 5 x 5 cells");
    SAYS(out_text, "15360 frames an iteration");
    RUN(0, "check grid.ini " SMALL "run.dir=nothing --json");
    SAYS(out_text, "\"environment\": \"gridnavi\"");
    T_CHECK(access(tiny_path("nothing"), F_OK) != 0);
    RUN(0, "check grid.ini " SMALL "train.frames=99999"); /* the run goes on */
    RUN(1, "check grid.ini " SMALL "agent.policy=film");
    SAYS(err_text, "the run was begun with agent.policy = hypernet, and now has agent.policy = film");
    RUN(1, "check grid.ini run.dir=.");
    SAYS(err_text, "has files of others");
    RUN(0, "train grid.ini " SMALL "ppo.steps=5 train.frames=160 validate.every=1 run.dir=short");
    SAYS(err_text, "160 of 160 frames"); /* in which no life ends */
    T_CHECK(!strstr(err_text, "nan"));
    write_text("search.ini", "[env]\nname = gridnavi\n[search]\ntrials = 3\n");
    RUN(1, "train search.ini run.dir=nothing");
    SAYS(err_text, "search.ini:4: there is no key search.trials");
    RUN(0, "check grid.ini agent.sees=task agent.policy=concat agent.memory=5 agent.code=5 run.dir=nothing");
    SAYS(err_text, "agent.memory has no effect: only agent.sees = history has a memory");
    SAYS(err_text, "agent.code has no effect: only agent.policy = hypernet");
    RUN(1, "check grid.ini agent.sees=nothing");
    SAYS(err_text, "there is nothing to make weights of");
}

TEST(settings_of_processes_that_nobody_reads) {
    make_agents();
    write_text("player", "#!/bin/sh\nread hello\nprintf 'observation 2\\nactions 3\\nhorizon 5\\nready\\n'\n");
    T_EQ(chmod(tiny_path("player"), 0700), 0);
    RUN(0, "check grid.ini env.processes=2 env.roms=. run.dir=nothing");
    SAYS(err_text, "env.processes has no effect: gridnavi is no process of its own");
    SAYS(err_text, "env.roms has no effect: gridnavi is no process of its own");
    RUN(0, "check grid.ini env.name=process env.command=./player env.processes=2 env.python=python3 run.dir=nothing");
    SAYS(err_text, "env.python has no effect: process is no game of the Arcade Learning Environment");
    T_CHECK(!strstr(err_text, "env.processes"));
    setenv("GOSSAMER_ALE", tiny_path("player"), 1);
    RUN(0, "check grid.ini env.name=ale/Pong env.roms=. env.python=python3 run.dir=nothing");
    SAYS(err_text, "env.python has no effect: games of env.roms are played by gossamer-ale");
    T_CHECK(!strstr(err_text, "env.roms has no effect"));
    unsetenv("GOSSAMER_ALE");
}

TEST(mistakes_with_agents) {
    make_agents();
    RUN(1, "train grid.ini env.name=gridnav run.dir=new");
    SAYS(err_text, "env.name: there is no environment \"gridnav\"; did you mean gridnavi?");
    RUN(1, "train grid.ini train.steps=5 run.dir=new");
    SAYS(err_text, "there is no key train.steps; did you mean train.frames?");
    RUN(1, "train grid.ini env.family.goal=0..50 run.dir=new");
    SAYS(err_text, "env.family.goal: environment gridnavi: goal = 0..50: wanted integers from 0 to 20");
    RUN(2, "train grid.ini --profile");
    SAYS(err_text, "--profile is not for agents");
    RUN(1, "play grid.ini");
    RUN(1, "eval grid/model.safetensors --methods plain");
    SAYS(err_text, "\"plain\" is not NAME=FILE");
    RUN(0, "train grid.ini " SMALL "env.name=cartpole train.frames=3200 ppo.steps=50 run.dir=poles");
    RUN(1, "eval grid/model.safetensors poles/model.safetensors");
    SAYS(err_text, "poles/model.safetensors: it is an agent of cartpole, and the first one is of gridnavi");
    RUN(0, "train grid.ini " SMALL "env.family.goal=3..7 train.frames=1920 run.dir=some");
    RUN(1, "eval grid/model.safetensors --methods some=some/model.safetensors");
    SAYS(err_text, "some/model.safetensors: its family has other tasks than the first agent's: goal is 3..7, and there "
                   "0..20");
    RUN(0, "train grid.ini " SMALL "env.horizon=10 train.frames=1920 run.dir=brief");
    RUN(1, "eval grid/model.safetensors brief/model.safetensors");
    SAYS(err_text, "episodes of 10 steps, and there of 15");
    RUN(1, "eval grid/model.safetensors --methods a=grid/model.safetensors,a=plain/model.safetensors");
    SAYS(err_text, "--methods: two are called a");
    RUN(1, "eval grid/model.safetensors --methods hypernet=plain/model.safetensors");
    SAYS(err_text, "--methods: two are called hypernet");
    RUN(1, "eval grid/model.safetensors --methods ,");
    SAYS(err_text, "--methods: an empty name");
    RUN(0, "eval grid/model.safetensors grid/model.safetensors --tasks 3 --json");
    SAYS(out_text, "{\"name\": \"hypernet\", ");
    SAYS(out_text, "{\"name\": \"grid/model.safetensors\", "); /* names tell methods apart */
    RUN(0, "train grid.ini --keys");
    SAYS(out_text, "minibatches = 4");
}

/* Nobody knows which options a file has that is not there. */
TEST(a_model_that_is_not_there_is_said_to_be_so) {
    static const char *const lines[] = {"eval nowhere.safetensors --by mode", "adapt nowhere.safetensors --episodes 2"};
    for (int i = 0; i < 2; i++) {
        RUN(1, lines[i]);
        SAYS(err_text, "nowhere.safetensors: cannot open: No such file or directory");
        T_CHECK(!strstr(err_text, "there is no option"));
    }
}
TEST_MAIN()
