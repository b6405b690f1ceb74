/* SPDX-License-Identifier: Apache-2.0 */
/* Agents: advantages against sums written out, policies at their start, learning, the same bits after a resume and for
 * any number of threads, files, and settings that are refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "gossamer/agent.h"
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

/* ---- an environment of the test's own ---- */

/* Five steps; the action that pays is the task's. */
static const goss_env_parameter which[] = {
    {.name = "which", .low = 0, .high = 2, .least = 0, .most = 2, .whole = true}};
static void reset(const double *p, double *s, goss_env_random *r) { (void)p, (void)r, s[0] = 0; }
static double step(const double *p, double *s, const float *a, goss_env_random *r, bool *terminal) {
    (void)r, (void)terminal;
    s[0] += 1;
    return a[0] == (float)p[0] ? 1 : 0;
}
static void observe(const double *p, const double *s, float *out) { (void)p, out[0] = (float)s[0]; }
static goss_env_kind guess = {.name = "guess",
                              .observations = 1,
                              .actions = 3,
                              .state = 1,
                              .horizon = 5,
                              .episodes = 2,
                              .parameter = which,
                              .named = 1,
                              .parameters = 1,
                              .reset = reset,
                              .step = step,
                              .observe = observe};

/* Reaches for a point that is the task's. */
static double reach(const double *p, double *s, const float *a, goss_env_random *r, bool *terminal) {
    (void)r, (void)terminal;
    s[0] += 1;
    return -fabs((double)a[0] - (p[0] - 1) * 0.5);
}
static goss_env_kind reaching(void) {
    goss_env_kind k = guess;
    k.name = "reach", k.actions = 0, k.controls = 1, k.step = reach;
    return k;
}

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
    const double life = train(&guess, "guess-task", LINES("agent.sees=task", "train.frames=60000")).best;
    if (!(life > 9.9)) T_FAIL("%g of 10", life);
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
}

/* ---- evaluation and files ---- */

TEST(an_agent_and_its_file_act_alike) {
    goss_env_family f;
    goss_agent *a, *b;
    double before[40 * 2], after[40 * 2];
    T_OK(goss_env_family_own(&guess, &f, &err));
    const goss_agent_options o = goss_agent_defaults();
    T_OK(goss_agent_new(&f, &o, 5, &a, &err));
    const goss_agent_evaluation e = {.tasks = 40, .seed = 2, .held_out = true, .sample = true, .threads = 1};
    T_OK(goss_agent_evaluate(a, &e, before, NULL, NULL, &err));
    T_OK(goss_agent_save(a, scratch("agent.safetensors"), &err));
    T_CHECK(goss_agent_is(scratch("agent.safetensors")));
    T_OK(goss_agent_load(scratch("agent.safetensors"), &guess, &b, &err));
    T_OK(goss_agent_evaluate(b, &e, after, NULL, NULL, &err));
    T_CHECK(memcmp(before, after, sizeof before) == 0);
    goss_agent_free(b);
    T_EQ(goss_agent_load(scratch("agent.safetensors"), NULL, &b, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "there is no environment \"guess\""));
    goss_env_kind other = guess;
    other.observations = 2;
    T_CHECK(goss_agent_load(scratch("agent.safetensors"), &other, &b, &err) != GOSS_OK);
    a->weights[3] = NAN;
    T_EQ(goss_agent_save(a, scratch("agent.safetensors"), &err), GOSS_E_NUMERIC);
    goss_agent_free(a);
    T_OK(goss_agent_load(scratch("agent.safetensors"), &guess, &b, &err)); /* the old one is still there */
    goss_agent_free(b);
    T_CHECK(!goss_agent_is(scratch("none.safetensors")));
}

/* The more tasks, the same first ones: a task's return does not depend on how many are evaluated. */
TEST(returns_are_of_tasks) {
    goss_env_family f;
    goss_agent *a;
    double few[3], many[300];
    const goss_agent_options o = goss_agent_defaults();
    T_OK(goss_env_family_of("cartpole", &f, &err));
    T_OK(goss_agent_new(&f, &o, 5, &a, &err));
    T_OK(goss_agent_evaluate(a, &(goss_agent_evaluation){.tasks = 3, .threads = 1}, few, NULL, NULL, &err));
    T_OK(goss_agent_evaluate(a, &(goss_agent_evaluation){.tasks = 300, .threads = 2}, many, NULL, NULL, &err));
    T_CHECK(memcmp(few, many, sizeof few) == 0);
    T_CHECK(few[0] >= 5 && few[0] <= 500);
    goss_agent_free(a);
}

/* ---- adaptation ---- */

/* Weights that all differ from 0: a delta that is 0 at the start shows nothing. */
static goss_agent *random_agent(const goss_env_kind *kind, unsigned sees, unsigned policy) {
    goss_env_family f;
    goss_agent *a;
    goss_agent_options o = goss_agent_defaults();
    o.sees = sees, o.policy = policy, o.units = 7, o.memory = 9, o.code = 5, o.encoder = "dense 6; tanh";
    T_OK(goss_env_family_own(kind, &f, &err));
    T_OK(goss_agent_new(&f, &o, 5, &a, &err));
    goss__rng rng = goss__rng_make(3, policy);
    for (int64_t i = 0; i < goss_agent_weights(a); i++) a->weights[i] = 0.4f * (float)goss__rng_normal(&rng);
    a->seen = 10, a->mean[0] = 2, a->square[0] = 20;
    return a;
}

/* Told its task, an agent acts as the policy that it becomes for that task does. */
TEST(a_fixed_policy_acts_as_the_agent_did) {
    const goss_env_kind kind = reaching();
    for (unsigned policy = 0; policy < 3; policy++) {
        goss_agent *a = random_agent(&kind, GOSS_AGENT_TASK, policy), *fixed;
        goss_env_family f = *goss_agent_family(a);
        double before[40], after[2];
        T_OK(goss_agent_evaluate(a, &(goss_agent_evaluation){.tasks = 20, .seed = 2, .held_out = true, .threads = 1},
                                 before, NULL, NULL, &err));
        int compared = 0;
        for (uint64_t k = 0; k < 20; k++) {
            double task;
            goss_env_task(&f, 2, true, k, &task);
            goss_env_family one = f;
            T_OK(goss_env_family_set(&one, "which", task, task, &err));
            if (goss_agent_adapt(a, &(goss_agent_adaptation){.family = &one, .seed = 2}, NULL, &fixed, &err) != GOSS_OK)
                T_FAIL("%s", err.text);
            T_EQ(goss_agent_settings(fixed)->sees, GOSS_AGENT_NOTHING);
            T_NEAR(goss_agent_family(fixed)->low[0], task, 0);
            T_NEAR(goss_agent_family(fixed)->high[0], task, 0);
            T_OK(goss_agent_evaluate(fixed, &(goss_agent_evaluation){.tasks = 1, .threads = 1}, after, NULL, NULL,
                                     &err));
            T_NEAR(after[0], before[2 * k], 1e-4);
            compared += fabs(before[2 * k] - before[0]) > 1e-3;
            goss_agent_free(fixed);
        }
        T_CHECK(compared > 3); /* tasks differ */
        goss_agent_free(a);
    }
}

typedef struct pen {
    FILE *file;
    bool discrete;
} pen;
static goss_status write_row(void *context, const goss_agent_moment *m, goss_error *e) {
    pen *p = context;
    (void)e;
    if (!m->action || m->episode > 0) return GOSS_OK;
    fprintf(p->file, "%d,%.9g,%.9g,%.9g\n", m->episode, (double)m->action[0], m->reward, (double)m->observation[0]);
    return GOSS_OK;
}

/* Steps that were recorded make of an agent what acting them does. */
TEST(recorded_steps_adapt_as_acting_does) {
    const goss_env_kind kinds[] = {guess, reaching()};
    for (unsigned i = 0; i < 6; i++) {
        const goss_env_kind *kind = &kinds[i % 2];
        goss_agent *a = random_agent(kind, GOSS_AGENT_HISTORY, i / 2), *acted, *told;
        double returns[1], whole[2];
        T_OK(goss_agent_adapt(a, &(goss_agent_adaptation){.episodes = 1, .seed = 4, .fixed = true}, returns, &acted,
                              &err));
        pen p = {.file = fopen(scratch("steps.csv"), "w")};
        fprintf(p.file, kind->actions ? "episode,action,reward,x1\n" : "episode,action1,reward,x1\n");
        T_OK(goss_agent_evaluate(a, &(goss_agent_evaluation){.tasks = 1, .seed = 4, .held_out = true, .threads = 1},
                                 whole, write_row, &p, &err));
        fclose(p.file);
        T_NEAR(whole[0], returns[0], 0);
        if (goss_agent_adapt(a, &(goss_agent_adaptation){.support = scratch("steps.csv"), .fixed = true}, NULL, &told,
                             &err) != GOSS_OK)
            T_FAIL("%s", err.text);
        T_EQ(goss_agent_weights(told), goss_agent_weights(acted));
        double most = 0, other = 0;
        for (int64_t k = 0; k < goss_agent_weights(told); k++)
            most = fmax(most, fabs((double)told->weights[k] - (double)acted->weights[k]));
        T_CHECK(most < 1e-5);
        goss_agent_free(acted);
        T_OK(goss_agent_adapt(a, &(goss_agent_adaptation){.seed = 4, .fixed = true}, NULL, &acted,
                              &err)); /* after nothing at all */
        for (int64_t k = 0; k < goss_agent_weights(told); k++)
            other = fmax(other, fabs((double)told->weights[k] - (double)acted->weights[k]));
        T_CHECK(other > 1e-2);
        goss_agent_free(acted), goss_agent_free(told), goss_agent_free(a);
    }
}

/* An agent that has been in a task for an episode goes on there as if it had stayed. */
TEST(an_agent_goes_on_with_its_memory) {
    const goss_env_kind kinds[] = {guess, reaching()};
    for (unsigned i = 0; i < 6; i++) {
        goss_agent *a = random_agent(&kinds[i % 2], GOSS_AGENT_HISTORY, i / 2), *knows, *again;
        const goss_agent_evaluation e = {.tasks = 1, .seed = 4, .held_out = true, .threads = 1};
        double both[2], then[2], fresh[2];
        T_OK(goss_agent_evaluate(a, &e, both, NULL, NULL, &err));
        T_OK(goss_agent_adapt(a, &(goss_agent_adaptation){.episodes = 1, .seed = 4}, fresh, &knows, &err));
        T_OK(goss_agent_evaluate(knows, &e, then, NULL, NULL, &err));
        T_NEAR(then[0], both[1], 0);
        T_OK(goss_agent_save(knows, scratch("knows.safetensors"), &err));
        if (goss_agent_load(scratch("knows.safetensors"), &kinds[i % 2], &again, &err) != GOSS_OK)
            T_FAIL("%s", err.text);
        T_OK(goss_agent_evaluate(again, &e, fresh, NULL, NULL, &err));
        T_CHECK(memcmp(fresh, then, sizeof then) == 0);
        if (i % 2) T_CHECK(fabs(then[0] - both[0]) > 1e-3); /* not what it does without a memory */
        goss_agent_free(again), goss_agent_free(knows), goss_agent_free(a);
    }
}

TEST(mistakes_in_recorded_steps) {
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"episode,reward,x1\n0,1,0\n0,2,3\n", "action"},
        {"episode,action,reward,x1\n0,1,1,0\n0,3,2,3\n", "line 3: action 3 is not one of 0 to 2"},
        {"episode,action,reward,x1\n0,1,1,0\n0,1,much,3\n", "line 3: reward: \"much\" is no number"},
    };
    goss_agent *a = random_agent(&guess, GOSS_AGENT_HISTORY, 2), *out;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        FILE *f = fopen(scratch("wrong.csv"), "w");
        fputs(wrong[i].text, f), fclose(f);
        T_CHECK(goss_agent_adapt(a, &(goss_agent_adaptation){.support = scratch("wrong.csv")}, NULL, &out, &err) !=
                GOSS_OK);
        if (!strstr(err.text, wrong[i].says)) T_FAIL("\"%s\" does not say \"%s\"", err.text, wrong[i].says);
        T_CHECK(!out);
    }
    goss_agent_free(a);
    a = random_agent(&guess, GOSS_AGENT_NOTHING, 0);
    T_EQ(goss_agent_adapt(a, &(goss_agent_adaptation){0}, NULL, &out, &err), GOSS_E_UNSUPPORTED);
    goss_agent_free(a);
}

/* Log densities of a rollout, computed again as training does: by the weights before and after the step. */
static float *densities_again(const goss_agent *a, const goss__rollout *r, goss_params *params, goss_threads *threads) {
    const int64_t N = r->lives, S = goss__agent_support_steps(a);
    const goss_extent T = goss_n(N), L = goss_n(r->steps), one = goss_n(1);
    goss_graph *g = goss_graph_new();
    goss__agent_inputs in = goss__agent_declare(a, g, N, r->steps, false);
    const goss_val action = goss_input(g, "action", GOSS_REAL, GOSS_SHAPE(T, one, L, goss_n(a->actions)));
    const goss_val inner = goss_input(g, "inner", GOSS_REAL, GOSS_SHAPE(T, goss_n(S)));
    const goss_val slab =
        goss__gradient_step(a, g, goss_slice(in.observation, 2, 0, S), goss_slice(action, 2, 0, S), inner);
    goss_weights *own = goss_weights_from_slab(a->layout, slab);
    goss_weights *shared = goss_weights_from_params(g, a->layout, GOSS__AGENT);
    const goss__agent_outputs first = goss__agent_apply(a, g, &in, shared, shared);
    const goss__agent_outputs then = goss__agent_apply(a, g, &in, own, shared);
    const goss_val wanted[] = {goss__agent_log_density(a, &first, action, NULL),
                               goss__agent_log_density(a, &then, action, NULL)};
    goss_schedule *schedule;
    goss_exec *run;
    T_OK(goss_compile(g, wanted, 2, NULL, 0, NULL, &schedule, &err));
    T_OK(goss_exec_new(schedule, params, threads, &run, &err));
    T_OK(goss_exec_bind(run, "observation", r->observation, &err));
    T_OK(goss_exec_bind(run, "action", r->action, &err));
    T_OK(goss_exec_bind(run, "inner", r->inner, &err));
    T_OK(goss_exec_run(run, &err));
    float *out = malloc((size_t)(N * r->steps) * sizeof *out);
    for (int64_t i = 0; i < N * r->steps; i++)
        out[i] = ((const float *)goss_exec_output(run, r->learned[i] > 0, NULL))[i];
    goss_weights_free(own), goss_weights_free(shared);
    goss_exec_free(run), goss_schedule_free(schedule), goss_graph_free(g);
    return out;
}

TEST(the_step_of_acting_is_the_step_of_training) {
    const goss_env_kind kinds[] = {guess, reaching()};
    for (int i = 0; i < 2; i++) {
        goss_agent *a = random_agent(&kinds[i], GOSS_AGENT_GRADIENT, 0);
        const goss__ppo_settings set = {.lives = 6, .steps = 10, .carry = 1, .seed = 3};
        goss_params *params;
        goss_threads *threads;
        goss__actor actor;
        goss__rollout r;
        T_OK(goss_params_new(GOSS_F32, &params, &err));
        T_OK(goss_threads_new(1, &threads, &err));
        T_OK(goss__actor_open(&actor, a, &a->family, &(goss_envs_options){.count = 6, .seed = 3, .threads = 1}, params,
                              threads, &err));
        goss_params_set(params, goss_params_find(params, GOSS__AGENT), a->weights);
        goss__actor_spread(&actor, a->weights);
        T_OK(goss__rollout_open(&r, a, &set, 6, &err));
        T_OK(goss__rollout_fill(&r, &actor, &set, 0, &err));
        float *again = densities_again(a, &r, params, threads);
        double largest = 0;
        for (int k = 0; k < 60; k++) {
            T_EQ(r.learned[k], k % 10 >= 5);
            T_EQ(r.alive[k], 1);
            if (!(fabs((double)again[k] - (double)r.log_p[k]) <= 1e-3 * fmax(1, fabs((double)again[k]))))
                T_FAIL("%s, life %d, step %d: %g when it was acted, %g now", kinds[i].name, k / 10, k % 10,
                       (double)r.log_p[k], (double)again[k]);
            largest = fmax(largest, fabs((double)r.inner[k / 10 * 5 + k % 5]));
        }
        T_CHECK(largest > 1e-3);
        free(again);
        goss__rollout_close(&r), goss__actor_close(&actor), goss_params_free(params), goss_threads_free(threads);
        goss_agent_free(a);
    }
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
