/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that are there: their files, returns of tasks, policies that a task leaves behind by acting or by recorded
 * steps, and the step of the policy gradient. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "gossamer/agent.h"
#include "guess_world.h"
#include "rl/agent_run.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

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
    T_ERR(goss_agent_load(scratch("agent.safetensors"), &other, &b, &err), GOSS_E_ARGUMENT,
          "has another shape: numbers of an observation: 1, and here 2");
    other = guess, other.actions = 4;
    T_ERR(goss_agent_load(scratch("agent.safetensors"), &other, &b, &err), GOSS_E_ARGUMENT,
          "has another shape: actions to choose from: 3, and here 4");
    other = guess, other.named = other.parameters = 0;
    T_ERR(goss_agent_load(scratch("agent.safetensors"), &other, &b, &err), GOSS_E_ARGUMENT,
          "has another shape: parameters of its family: 1, and here 0");
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
    for (unsigned i = 0; i < 6; i++) {
        goss_agent *a = random_agent(&kind, i % 2 ? GOSS_AGENT_ID : GOSS_AGENT_TASK, i / 2), *fixed;
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
        {"episode,action,reward,x1\n1,1,1,0\n2,1,1,0\n1,1,1,3\n", "line 4: episode 1 after episode 2"},
        {"episode,action,reward,x1\n1,1,1,0\n1.5,1,1,0\n", "line 3: episode 1.5 is no whole number"},
        {"episode,action,reward,x1\n0.5,1,1,0\n", "line 2: episode 0.5 is no whole number"},
        {"episode,action,reward,x1,x2\n1,1,1,0,0\n", "column x2: the agent's observations have 1 numbers"},
        {"episode,action,action1,reward,x1\n1,1,1,1,0\n", "column action1: the agent's actions are numbers in one"},
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

TEST_MAIN()
