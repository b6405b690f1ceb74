/* SPDX-License-Identifier: Apache-2.0 */
/* Agents in training: advantages against sums written out, learning, the same bits after a resume and for any number of
 * threads, and settings that are refused. What trained agents do: test_agent_adapt.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gossamer/agent.h"
#include "guess_world.h"
#include "rl/agent_run.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

/* ---- advantages ---- */

TEST(advantages_are_sums_of_discounted_errors) {
    enum { L = 6 };
    goss_env_family f;
    goss_agent *a;
    goss__rollout r;
    const goss_agent_options o = goss_agent_defaults();
    T_OK(goss_env_family_of("gridnavi", &f, &err));
    T_OK(goss_agent_new(&f, &o, 1, &a, &err));
    T_OK(goss__rollout_open(&r, a, &(goss__ppo_settings){.steps = L, .carry = 1}, 2, &err));
    for (int i = 0; i < 2 * L; i++) {
        r.reward[i] = (float)(i % 5) - 1, r.value[i] = 0.3f * (float)(i % 3), r.last[i] = i == 2 || i == 2 * L - 1;
        r.next[i] = r.last[i] > 0 ? (i == 2 ? 0 : 0.7f) : 0.1f * (float)i;
    }
    goss__rollout_advantages(&r, 0.9, 0.8, 2);
    for (int i = 0; i < 2 * L; i++) {
        double sum = 0, by = 1;
        for (int k = i; k < (i / L + 1) * L; k++) {
            sum += by * ((double)r.reward[k] / 2 + 0.9 * (double)r.next[k] - (double)r.value[k]);
            by *= 0.9 * 0.8;
            if (r.last[k] > 0) break;
        }
        T_NEAR((double)r.advantage[i], sum, 1e-5);
        T_NEAR((double)r.target[i], sum + (double)r.value[i], 1e-5);
    }
    goss__rollout_close(&r);
    goss_agent_free(a);
}

/* ---- learning ---- */

static goss_config *config(const char *dir, const char *const *more) {
    static const char *const small[] = {"agent.memory=16",
                                        "agent.units=12",
                                        "agent.code=8",
                                        "ppo.lives=48",
                                        "ppo.minibatches=2",
                                        "ppo.epochs=3",
                                        "validate.tasks=30",
                                        "optimizer.rate=0.01",
                                        "ppo.entropy=0.01",
                                        "validate.every=20",
                                        NULL};
    int n;
    goss_config *c;
    const goss_key *keys = goss_agent_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "run.dir", scratch(dir), &err));
    for (int i = 0; small[i]; i++) T_OK(goss_config_override(c, small[i], &err));
    for (int i = 0; more && more[i]; i++) T_OK(goss_config_override(c, more[i], &err));
    return c;
}

static goss_agent_progress train(const goss_env_kind *kind, const char *dir, const char *const *more) {
    goss_agent_progress last;
    goss_config *c = config(dir, more);
    if (goss_agent_train(c, &(goss_agent_run){.own = kind}, &last, &err) != GOSS_OK) T_FAIL("%s: %s", dir, err.text);
    goss_config_free(c);
    return last;
}
#define LINES(...)                                                                                                     \
    (const char *const[]) { __VA_ARGS__, NULL }

/* With a memory 9 of 10 and more: one or two guesses in the first episode, none wrong later. Without one 10 / 3. */
TEST(agents_with_a_memory_find_out_what_pays) {
    static const char *const policies[] = {"concat", "film", "hypernet"};
    for (int i = 0; i < 3; i++) {
        char dir[40], policy[40];
        snprintf(dir, sizeof dir, "guess-%s", policies[i]),
            snprintf(policy, sizeof policy, "agent.policy=%s", policies[i]);
        const double life = train(&guess, dir, LINES(policy, "train.frames=60000")).best;
        if (!(life > 8.5)) T_FAIL("%s: %g of 10", policies[i], life);
    }
    const double blind =
        train(&guess, "guess-blind", LINES("agent.sees=nothing", "agent.policy=concat", "train.frames=30000")).best;
    T_CHECK(blind < 5.5);
}

TEST(agents_that_know_the_task_need_no_guesses) {
    double life = train(&guess, "guess-task", LINES("agent.sees=task", "train.frames=60000")).best;
    if (!(life > 9.9)) T_FAIL("%g of 10", life);
    life = train(&guess, "guess-id", LINES("agent.sees=id", "train.frames=60000")).best;
    if (!(life > 9.9)) T_FAIL("id: %g of 10", life);
}

TEST(an_id_is_a_one_hot_code_of_each_parameter) {
    goss_agent *a;
    goss_env_family f;
    goss_agent_options o = goss_agent_defaults();
    float seen[5];
    const goss_env_parameter parameter[] = {{.name = "mode", .low = 2, .high = 4, .most = 9, .whole = true},
                                            {.name = "same", .low = 1, .high = 1, .most = 1},
                                            {.name = "kind", .low = 0, .high = 1, .most = 1, .whole = true}};
    goss_env_kind k = guess;
    k.parameter = parameter, k.named = k.parameters = 3;
    T_OK(goss_env_family_own(&k, &f, &err));
    o.sees = GOSS_AGENT_ID;
    T_OK(goss_agent_new(&f, &o, 1, &a, &err));
    T_EQ(a->known, 5);
    goss__agent_task(a, (const double[]){3, 1, 0}, seen);
    T_CHECK(memcmp(seen, (const float[]){0, 1, 0, 1, 0}, sizeof seen) == 0);
    goss_agent_free(a);
}

/* The first episode guesses, 5 / 3 of 5 in the mean; a step of the policy gradient on it tells the second what pays. */
TEST(agents_that_learn_by_a_gradient) {
    enum { TASKS = 300 };
    const char *const lines[] = {"agent.sees=gradient",
                                 "agent.policy=concat",
                                 "agent.inner_rate=60",
                                 "ppo.discount=0",
                                 "optimizer.rate=0.005",
                                 "train.frames=100000",
                                 NULL};
    char path[300];
    goss_agent *a, *fixed;
    static double returns[TASKS * 2];
    double sum[2] = {0};
    train(&guess, "guess-gradient", lines);
    snprintf(path, sizeof path, "%s/model.safetensors", scratch("guess-gradient"));
    T_OK(goss_agent_load(path, &guess, &a, &err));
    T_OK(goss_agent_evaluate(a, &(goss_agent_evaluation){.tasks = TASKS, .held_out = true, .threads = 1}, returns, NULL,
                             NULL, &err));
    for (int i = 0; i < 2 * TASKS; i++) sum[i % 2] += returns[i] / TASKS;
    T_CHECK(sum[0] > 1.2 && sum[0] < 2.2);
    if (!(sum[1] > sum[0] + 0.8)) T_FAIL("%g in the first episode and %g in the second", sum[0], sum[1]);
    /* Its weights after the step, as a policy. */
    double once[1], again[2], both[2];
    const goss_agent_evaluation one = {.tasks = 1, .seed = 4, .held_out = true, .threads = 1};
    T_OK(goss_agent_evaluate(a, &one, both, NULL, NULL, &err));
    T_OK(goss_agent_adapt(a, &(goss_agent_adaptation){.episodes = 1, .seed = 4}, once, &fixed, &err));
    T_NEAR(once[0], both[0], 0);
    T_OK(goss_agent_evaluate(fixed, &one, again, NULL, NULL, &err));
    T_NEAR(again[0], both[1], 0);
    goss_agent_free(fixed), goss_agent_free(a);
}

TEST(controls_are_learned) {
    const goss_env_kind kind = reaching();
    const double life = train(&kind, "reach", LINES("agent.sees=task", "train.frames=100000", "ppo.entropy=0")).best;
    if (!(life > -0.9)) T_FAIL("%g; 0 is perfect, doing nothing costs -3.3", life);
}

/* ---- images ---- */

/* A dot somewhere on 6 x 6 pixels: the action that pays is whether it is on the left; in a mirrored task the right. */
static const goss_env_parameter mirrored[] = {
    {.name = "mirrored", .low = 0, .high = 1, .least = 0, .most = 1, .whole = true}};
static void place(const double *p, double *s, goss_env_random *r) { (void)p, s[0] = goss_env_below(r, 36); }
static double point_at(const double *p, double *s, const float *a, goss_env_random *r, bool *terminal) {
    (void)terminal;
    const bool left = (int)s[0] % 6 < 3;
    s[0] = goss_env_below(r, 36);
    return ((int)a[0] == 1) == (left != (p[0] > 0));
}
static void look(const double *p, const double *s, float *out) {
    (void)p;
    for (int i = 0; i < 36; i++) out[i] = i == (int)s[0];
}
static const goss_env_kind dots = {.name = "dots",
                                   .observations = 36,
                                   .shape = {6, 6, 1},
                                   .actions = 2,
                                   .state = 1,
                                   .horizon = 8,
                                   .episodes = 1,
                                   .parameter = mirrored,
                                   .named = 1,
                                   .parameters = 1,
                                   .reset = place,
                                   .step = point_at,
                                   .observe = look};

TEST(images_are_seen_through_convolutions) {
    char path[300];
    const char *const lines[] = {"agent.sees=task", "agent.encoder=conv 6 3; relu; flatten; dense 12; relu",
                                 "train.frames=40000", NULL};
    const double life = train(&dots, "dots", lines).best;
    if (!(life > 7.5)) T_FAIL("%g of 8; guesses give 4", life);
    goss_agent *a;
    goss_envs *e;
    goss_env_canvas c;
    snprintf(path, sizeof path, "%s/model.safetensors", scratch("dots"));
    T_OK(goss_agent_load(path, &dots, &a, &err));
    T_CHECK(!goss_agent_settings(a)->normalize);
    T_CHECK(strstr(goss_agent_settings(a)->encoder, "conv 6 3"));
    double again[30];
    T_OK(goss_agent_evaluate(a, &(goss_agent_evaluation){.tasks = 30, .seed = 1, .held_out = true, .threads = 1}, again,
                             NULL, NULL, &err));
    double sum = 0;
    for (int i = 0; i < 30; i++) sum += again[i] / 30;
    T_NEAR(sum, life, 1e-9);
    T_OK(goss_envs_new(goss_agent_family(a), &(goss_envs_options){.count = 1, .threads = 1}, &e, &err));
    T_OK(goss_envs_picture(e, 0, &c, &err));
    T_EQ(c.height * c.width, 36);
    T_EQ(c.rgb[3 * (int)goss_envs_look(e).state[0]], 255);
    goss_envs_free(e), goss_agent_free(a);
    static const struct {
        const char *encoder, *says;
    } wrong[] = {{"agent.encoder=conv 6 9 9", "agent.encoder"},
                 {"agent.encoder=conv 6 3; norm batch; flatten", "batch norms depend on what else"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        goss_config *config_of =
            config("dots-wrong", (const char *const[]){"agent.sees=task", wrong[i].encoder, "train.frames=10", NULL});
        T_CHECK(goss_agent_train(config_of, &(goss_agent_run){.own = &dots}, NULL, &err) != GOSS_OK);
        if (!strstr(err.text, wrong[i].says)) T_FAIL("\"%s\" does not say \"%s\"", err.text, wrong[i].says);
        goss_config_free(config_of);
    }
}

TEST(rewards_can_be_clipped) {
    const char *const lines[] = {"agent.clip_rewards=yes", "train.frames=1920", "validate.every=0", NULL};
    goss_env_kind rich = guess;
    goss_agent *a;
    char path[300];
    train(&rich, "clipped", lines);
    snprintf(path, sizeof path, "%s/model.safetensors", scratch("clipped"));
    T_OK(goss_agent_load(path, &guess, &a, &err));
    T_CHECK(goss_agent_settings(a)->clip_rewards);
    T_NEAR((double)goss__agent_reward(a, -7), -1, 0);
    T_NEAR((double)goss__agent_reward(a, 0.25f), 1, 0);
    T_NEAR((double)goss__agent_reward(a, 0), 0, 0);
    goss_agent_free(a);
}

/* ---- the same bits ---- */

static volatile sig_atomic_t stop;
static int iterations_left;
static void count_down(void *context, const goss_agent_progress *p) {
    (void)context, (void)p;
    if (--iterations_left == 0) stop = 1;
}

static float *weights_of(const char *dir, int64_t *n) {
    char path[300];
    goss_agent *a;
    snprintf(path, sizeof path, "%s/model.safetensors", scratch(dir));
    if (goss_agent_load(path, &guess, &a, &err) != GOSS_OK) T_FAIL("%s", err.text);
    *n = goss_agent_weights(a);
    float *w = malloc((size_t)*n * sizeof *w);
    memcpy(w, a->weights, (size_t)*n * sizeof *w);
    goss_agent_free(a);
    return w;
}

TEST(a_resumed_run_and_any_threads_come_to_the_same_bits) {
    const char *const whole[] = {"train.frames=4800", "validate.every=0", "run.threads=1", NULL};
    const char *const threads[] = {"train.frames=4800", "validate.every=0", "run.threads=3", NULL};
    train(&guess, "whole", whole);
    train(&guess, "threads", threads);
    goss_agent_progress last;
    goss_config *c = config("halves", whole);
    iterations_left = 4, stop = 0;
    T_EQ(goss_agent_train(c, &(goss_agent_run){.own = &guess, .stop = &stop, .progress = count_down}, &last, &err),
         GOSS_E_INTERRUPTED);
    T_EQ(last.iteration, 4);
    T_OK(goss_agent_train(c, &(goss_agent_run){.own = &guess}, &last, &err));
    T_EQ(last.iteration, 10);
    goss_config_free(c);
    int64_t n;
    float *a = weights_of("whole", &n), *b = weights_of("threads", &n), *d = weights_of("halves", &n);
    T_CHECK(memcmp(a, b, (size_t)n * sizeof *a) == 0);
    T_CHECK(memcmp(a, d, (size_t)n * sizeof *a) == 0);
    free(a), free(b), free(d);
}

TEST(a_run_goes_on_with_the_same_settings_only) {
    train(&guess, "same", LINES("train.frames=960", "validate.every=0"));
    goss_config *c = config("same", LINES("train.frames=1920", "validate.every=0", "ppo.clip=0.3"));
    T_EQ(goss_agent_train(c, &(goss_agent_run){.own = &guess}, NULL, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "the run was begun with ppo.clip = 0.2, and now has ppo.clip = 0.3"));
    goss_config_free(c);
    T_EQ(train(&guess, "same", LINES("train.frames=1920", "validate.every=0")).iteration,
         4); /* longer is no other run */
    const char *const several[] = {"train.frames=480", "validate.every=0", "agent.encoder=dense 6\ntanh", NULL},
                      *const other[] = {"train.frames=480", "validate.every=0", "agent.encoder=dense 6\nrelu", NULL};
    train(&guess, "lines", several);
    train(&guess, "lines", several);
    c = config("lines", other);
    T_EQ(goss_agent_train(c, &(goss_agent_run){.own = &guess}, NULL, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "the run was begun with agent.encoder = dense 6; tanh, and now has"));
    goss_config_free(c);
}

/* ---- lives that outlast an iteration ---- */

/* Ends after 5 of 9 iterations, in the middle of a round of 3: the same command goes on from the round's beginning. */
TEST(a_run_whose_lives_go_on_is_resumed_to_the_same_bits) {
    const char *const lines[] = {"train.frames=1300", "validate.every=0", "ppo.steps=3", "ppo.carry=3", NULL};
    train(&guess, "carried", lines);
    goss_agent_progress last;
    goss_config *c = config("carried-halves", lines);
    iterations_left = 5, stop = 0;
    T_EQ(goss_agent_train(c, &(goss_agent_run){.own = &guess, .stop = &stop, .progress = count_down}, &last, &err),
         GOSS_E_INTERRUPTED);
    T_CHECK(strstr(err.text, "stopped at iteration 5; the same command resumes from iteration 3"));
    T_OK(goss_agent_train(c, &(goss_agent_run){.own = &guess}, &last, &err));
    T_EQ(last.iteration, 12); /* 1,300 frames of 144 each, in whole rounds */
    goss_config_free(c);
    int64_t n;
    float *a = weights_of("carried", &n), *b = weights_of("carried-halves", &n);
    T_CHECK(memcmp(a, b, (size_t)n * sizeof *a) == 0);
    free(a), free(b);
}

/* ---- what is refused ---- */

static double broken_step(const double *p, double *s, const float *a, goss_env_random *r, bool *terminal) {
    return s[0] > 2 ? (double)NAN : step(p, s, a, r, terminal);
}

TEST(an_environment_that_breaks_ends_the_run_and_is_named) {
    goss_env_kind k = guess;
    k.step = broken_step;
    goss_config *c = config("broken", LINES("train.frames=4800"));
    T_ERR(goss_agent_train(c, &(goss_agent_run){.own = &k}, NULL, &err), GOSS_E_NUMERIC,
          "environment guess: a reward that is not finite in life 0 (task 0), episode 1, step 4");
    T_EQ(goss_agent_train(c, &(goss_agent_run){.own = &k}, NULL, NULL), GOSS_E_NUMERIC);
    goss_config_free(c);
}

TEST(mistakes_are_told_at_the_start) {
    static const struct {
        const char *more[5], *says;
    } mistakes[] = {
        {{"env.name="}, "env.name is not set"},
        {{"env.name=gridnavy"}, "did you mean gridnavi"},
        {{"env.name=gridnavi", "env.family.gaol=1"}, "has no parameter \"gaol\""},
        {{"env.name=gridnavi", "env.family.goal=0..40"}, "integers from 0 to 20"},
        {{"env.name=gridnavi", "env.family.goal=x"}, "wanted a number, or a range"},
        {{"env.name=gridnavi", "env.other.goal=1"}, "the only section below [env] is [env.family]"},
        {{"env.name=gridnavi", "ppo.minibatches=7"}, "does not divide ppo.lives"},
        {{"env.name=gridnavi", "agent.sees=nothing"}, "there is nothing to make weights of"},
        {{"env.name=cartpole", "agent.sees=gradient", "agent.policy=concat"},
         "of a life of 1 episodes agent.support = 1"},
        {{"env.name=gridnavi", "agent.sees=gradient", "agent.policy=concat", "ppo.steps=15"},
         "an iteration has whole lives"},
        {{"env.name=gridnavi", "agent.sees=task", "env.family.goal=3"}, "no parameter of environment gridnavi differs"},
        {{"env.name=gridnavi", "agent.sees=id", "env.family.goal=3"}, "agent.sees = id: no parameter of environment"},
        {{"env.name=cartpole", "agent.sees=id"}, "agent.sees = id: length of environment cartpole has not a few whole"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        goss_config *c = config("wrong", mistakes[i].more);
        T_CHECK(goss_agent_train(c, NULL, NULL, &err) != GOSS_OK);
        if (!strstr(err.text, mistakes[i].says)) T_FAIL("\"%s\" does not say \"%s\"", err.text, mistakes[i].says);
        T_CHECK(access(scratch("wrong"), F_OK) != 0);
        goss_config_free(c);
    }
}

TEST_MAIN()
