/* SPDX-License-Identifier: Apache-2.0 */
/* Environments: transitions of Gymnasium's, rewards that theory states, families and their tasks, many at once with the
 * same bits for any number of threads, and environments that misbehave. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossamer/env.h"
#include "test.h"

static goss_error err;

static goss_env_family family(const char *name) {
    goss_env_family f;
    T_OK(goss_env_family_of(name, &f, &err));
    return f;
}

static goss_envs *envs(const goss_env_family *f, int count, int episodes, int threads) {
    goss_envs *e;
    T_OK(goss_envs_new(f, &(goss_envs_options){.count = count, .episodes = episodes, .seed = 3, .threads = threads}, &e,
                       &err));
    return e;
}

/* ---- values of others ---- */

/* The parameters that Gymnasium has, which the ranges are around. */
static void standard(const char *name, const goss_env_kind *k, double *p) {
    static const struct {
        const char *kind, *parameter;
        double value;
    } fixed[] = {{"cartpole", "length", 0.5},        {"cartpole", "force", 10}, {"mountaincar", "force", 0.001},
                 {"mountaincar", "gravity", 0.0025}, {"acrobot", "length", 1},  {"acrobot", "second_mass", 1},
                 {"pendulum", "gravity", 10},        {"pendulum", "length", 1}};
    for (int i = 0; i < k->named; i++) {
        p[i] = k->parameter[i].low;
        for (size_t j = 0; j < sizeof fixed / sizeof *fixed; j++)
            if (strcmp(fixed[j].kind, name) == 0 && strcmp(fixed[j].parameter, k->parameter[i].name) == 0)
                p[i] = fixed[j].value;
        T_CHECK(p[i] >= k->parameter[i].low && p[i] <= k->parameter[i].high);
    }
}

static void check_transition(const char *line, int number) {
    char name[32];
    int at, terminated;
    double action, before[4], after[4], reward, p[8];
    T_EQ(sscanf(line, "%31s %lf%n", name, &action, &at), 2);
    const goss_env_kind *k = family(name).kind;
    char *rest = (char *)line + at;
    for (int i = 0; i < k->state; i++) before[i] = strtod(rest, &rest);
    rest = strchr(rest, ':') + 1;
    for (int i = 0; i < k->state; i++) after[i] = strtod(rest, &rest);
    T_EQ(sscanf(rest, "%lf %d", &reward, &terminated), 2);
    standard(name, k, p);
    bool terminal = false;
    const double given = k->step(p, before, (float[]){(float)action}, NULL, &terminal);
    for (int i = 0; i < k->state; i++)
        if (!(fabs(before[i] - after[i]) <= 1e-12 * fmax(1, fabs(after[i]))))
            T_FAIL("line %d (%s): number %d is %.17g, Gymnasium's %.17g", number, name, i, before[i], after[i]);
    T_NEAR(given, reward, 1e-12 * fmax(1, fabs(reward)));
    T_EQ(terminal, terminated != 0);
}

TEST(transitions_are_those_of_gymnasium) {
    FILE *file = fopen("tests/golden/env/gymnasium.txt", "r");
    char line[500];
    int checked = 0, number = 0;
    T_CHECK(file);
    while (fgets(line, sizeof line, file)) {
        number++;
        if (*line == '#') continue;
        check_transition(line, number);
        checked++;
    }
    fclose(file);
    T_CHECK(checked > 200);
}

/* n lives at once are n lives alone, to the bit; angles beyond those of an episode, too. */
static void check_steps(const goss_env_family *f, int n) {
    const goss_env_kind *k = f->kind;
    double p[16 * 8], s[16 * 8], alone[16 * 8], reward[16];
    float action[16], seen[16 * 8], one[8];
    bool terminal[16];
    T_CHECK(n <= 16 && k->parameters <= 8 && k->state <= 8 && k->observations <= 8);
    for (int i = 0; i < n; i++) {
        goss_env_task(f, 5, false, (uint64_t)(n * 100 + i), p + i * k->parameters);
        for (int j = 0; j < k->state; j++) s[i * k->state + j] = sin(n + 7 * i + 3 * j) * (i % 5 == 3 ? 4 : 0.25);
        action[i] = k->actions ? (float)((i * i + n) % k->actions) : 0.5f;
    }
    memcpy(alone, s, sizeof s);
    k->steps(n, p, s, action, reward, terminal, seen);
    for (int i = 0; i < n; i++) {
        bool ended = false;
        const double *q = p + i * k->parameters;
        T_NOTE("%s, life %d of %d", k->name, i, n);
        T_EQ(k->step(q, alone + i * k->state, &action[i], NULL, &ended), reward[i]);
        k->observe(q, alone + i * k->state, one);
        T_EQ(ended, terminal[i]);
        T_EQ(memcmp(alone + i * k->state, s + i * k->state, (size_t)k->state * sizeof *s), 0);
        T_EQ(memcmp(one, seen + i * k->observations, (size_t)k->observations * sizeof *one), 0);
    }
}

TEST(several_lives_at_once_are_each_alone) {
    int kinds = 0;
    for (int i = 0; goss_env_kind_at(i); i++) {
        const goss_env_family f = family(goss_env_kind_at(i)->name);
        if (!f.kind->steps) continue;
        kinds++;
        for (int n = 1; n <= 16; n++) check_steps(&f, n);
    }
    T_CHECK(kinds > 0);
}

/* ---- what theory states ---- */

/* Walks to the goal and stays there. */
static float to_goal(int goal, const double *state) {
    const int x = goal % 5, y = goal / 5;
    if (state[0] < x) return 2;
    if (state[1] < y) return 1;
    return 0;
}

/* The sum over an episode, averaged over all goals, is 11.07 with the goal known (docs/environments.md). */
TEST(gridnavi_with_the_goal_known) {
    goss_env_family f = family("gridnavi");
    double sum = 0;
    for (int goal = 0; goal < 21; goal++) {
        T_OK(goss_env_family_set(&f, "goal", goal, goal, &err));
        goss_envs *e = envs(&f, 1, 1, 1);
        char picture[100];
        T_OK(goss_envs_show(e, 0, picture, &err));
        const int at = (int)(strchr(picture, 'G') - picture), cell = (4 - at / 10) * 5 + at % 10 / 2;
        for (int t = 0; t < 15; t++) {
            const float a = to_goal(cell, goss_envs_look(e).state);
            T_OK(goss_envs_step(e, &a, &err));
            sum += (double)goss_envs_look(e).reward[0];
        }
        T_CHECK(goss_envs_look(e).over[0] && goss_envs_look(e).ended[0] && !goss_envs_look(e).terminal[0]);
        goss_envs_free(e);
    }
    T_NEAR(sum / 21, 11.07, 0.005);
}

TEST(bandits_pay_as_often_as_they_say) {
    goss_env_family f = family("bandit");
    goss_envs *e = envs(&f, 64, 50, 2);
    float actions[64];
    double paid[10] = {0}, promised[10] = {0};
    for (int i = 0; i < 64; i++) actions[i] = (float)(i % 10);
    for (int t = 0; t < 5000; t++) {
        T_OK(goss_envs_step(e, actions, &err));
        for (int i = 0; i < 64; i++) {
            paid[i % 10] += (double)goss_envs_look(e).reward[i];
            promised[i % 10] += goss_envs_look(e).parameter[i * 10 + i % 10];
        }
    }
    for (int a = 0; a < 10; a++) T_NEAR(paid[a] / 30000, promised[a] / 30000, 0.015); /* 5 standard deviations */
    goss_envs_free(e);
}

TEST(tabular_worlds_are_distributions) {
    goss_env_family f = family("tabular");
    double p[GOSS_ENV_MOST_PARAMETERS], mean = 0;
    for (uint64_t k = 0; k < 100; k++) {
        goss_env_task(&f, 1, false, k, p);
        for (int row = 0; row < 50; row++) {
            double sum = 0;
            for (int s = 0; s < 10; s++) sum += p[50 + row * 10 + s];
            T_NEAR(sum, 1, 1e-12);
            mean += p[row] / 5000;
        }
    }
    T_NEAR(mean, 1, 0.07);
}

/* ---- families ---- */

TEST(a_task_is_a_function_of_its_number) {
    for (int i = 0; goss_env_kind_at(i); i++) {
        const goss_env_family f = family(goss_env_kind_at(i)->name);
        double a[GOSS_ENV_MOST_PARAMETERS], b[GOSS_ENV_MOST_PARAMETERS], c[GOSS_ENV_MOST_PARAMETERS];
        const size_t size = (size_t)f.kind->parameters * sizeof *a;
        goss_env_task(&f, 5, false, 17, a), goss_env_task(&f, 5, false, 17, b), goss_env_task(&f, 5, true, 17, c);
        T_CHECK(memcmp(a, b, size) == 0);
        if (!f.kind->named || !f.kind->parameter[0].whole)
            if (memcmp(a, c, size) == 0) T_FAIL("%s: the held out task 17 is the one of training", f.kind->name);
        for (int n = 0; n < f.kind->named; n++) T_CHECK(a[n] >= f.low[n] && a[n] <= f.high[n]);
    }
}

TEST(ranges_are_checked) {
    goss_env_family f = family("cartpole");
    T_EQ(goss_env_family_set(&f, "lenght", 1, 2, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "no parameter \"lenght\"") && strstr(err.text, "length"));
    T_EQ(goss_env_family_set(&f, "length", 2, 1, &err), GOSS_E_ARGUMENT);
    T_EQ(goss_env_family_set(&f, "length", 0, 1, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "from 0.05 to 5"));
    T_EQ(goss_env_family_set(&f, "length", NAN, 1, &err), GOSS_E_ARGUMENT);
    T_OK(goss_env_family_set(&f, "length", 2, 2, &err));
    f = family("gridnavi");
    T_EQ(goss_env_family_set(&f, "goal", 0.5, 3, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "integers"));
    T_EQ(goss_env_family_of("cartpol", &f, &err), GOSS_E_ARGUMENT);
    T_CHECK(strstr(err.text, "cartpole"));
}

/* ---- many at once ---- */

static float some_action(const goss_env_kind *k, int i, int t) {
    const int n = (i * 7 + t * 3 + t * t) % 1000;
    return k->actions ? (float)(n % k->actions) : (float)n / 500 - 1;
}

/* A hash of all that is seen in some steps. */
static uint64_t trace(const goss_env_family *f, int count, int threads, int steps) {
    enum { MOST = 700 };
    const goss_env_kind *k = f->kind;
    goss_envs *e = envs(f, count, 3, threads);
    float actions[MOST * 2];
    uint64_t hash = 1469598103934665603u;
    const int each = k->actions ? 1 : k->controls;
    for (int t = 0; t < steps; t++) {
        for (int i = 0; i < count; i++)
            for (int j = 0; j < each; j++) actions[i * each + j] = some_action(k, i, t + j);
        T_OK(goss_envs_step(e, actions, &err));
        const goss_envs_view v = goss_envs_look(e);
        const unsigned char *bytes = (const unsigned char *)v.observation;
        for (size_t b = 0; b < (size_t)count * (size_t)k->observations * 4; b++)
            hash = (hash ^ bytes[b]) * 1099511628211u;
        bytes = (const unsigned char *)v.reward;
        for (size_t b = 0; b < (size_t)count * 4; b++) hash = (hash ^ bytes[b]) * 1099511628211u;
    }
    goss_envs_free(e);
    return hash;
}

TEST(the_same_bits_for_any_number_of_threads) {
    for (int i = 0; goss_env_kind_at(i); i++) {
        const goss_env_family f = family(goss_env_kind_at(i)->name);
        T_CHECK(trace(&f, 700, 1, 60) == trace(&f, 700, 3, 60));
    }
}

/* Life i in task k is the same beside others and alone. */
TEST(a_life_does_not_depend_on_its_neighbours) {
    const goss_env_family f = family("cartpole");
    goss_envs *many = envs(&f, 300, 2, 2), *one = envs(&f, 1, 2, 1);
    float actions[300];
    goss_envs_begin_all(many, 1000);
    goss_envs_begin(one, 0, 1277);
    for (int t = 0; t < 100; t++) {
        for (int i = 0; i < 300; i++) actions[i] = some_action(f.kind, i, t);
        T_OK(goss_envs_step(many, actions, &err));
        T_OK(goss_envs_step(one, &actions[277], &err));
        const goss_envs_view a = goss_envs_look(many), b = goss_envs_look(one);
        T_CHECK(memcmp(a.observation + 277 * 4, b.observation, 4 * sizeof(float)) == 0);
        T_EQ(a.episode[277], b.episode[0]);
        T_EQ(a.over[277], b.over[0]);
    }
    goss_envs_free(many), goss_envs_free(one);
}

TEST(episodes_follow_each_other_and_a_life_ends) {
    goss_env_family f = family("mountaincar");
    f.horizon = 10;
    goss_envs *e = envs(&f, 1, 3, 1);
    const float coast = 1;
    for (int t = 1; t <= 30; t++) {
        T_OK(goss_envs_step(e, &coast, &err));
        const goss_envs_view v = goss_envs_look(e);
        T_EQ(v.ended[0], t % 10 == 0);
        T_EQ(v.over[0], t == 30);
        if (t < 30) T_EQ(v.episode[0], t / 10);
        if (v.ended[0] && t < 30) {
            T_CHECK(v.ended_at[0] != v.observation[0]); /* where it ended, and where the next one starts */
            T_CHECK(v.observation[0] >= -0.6f && v.observation[0] <= -0.4f);
        }
    }
    T_OK(goss_envs_step(e, &coast, &err));
    T_CHECK(goss_envs_look(e).reward[0] == 0 && !goss_envs_look(e).ended[0]); /* nothing happens any more */
    goss_envs_begin(e, 0, 9);
    T_CHECK(!goss_envs_look(e).over[0]);
    goss_envs_free(e);
}

static bool is_coloured(const goss_env_canvas *c) {
    int other = 0;
    for (int i = 0; i < 3 * c->height * c->width; i++) other += c->rgb[i] != 255;
    return other > 100;
}

TEST(each_kind_is_shown_as_text_and_as_a_picture) {
    for (int i = 0; goss_env_kind_at(i); i++) {
        const goss_env_family f = family(goss_env_kind_at(i)->name);
        goss_envs *e = envs(&f, 1, 1, 1);
        char before[4000] = "", picture[4000] = "";
        goss_env_canvas c;
        T_NOTE("%s", f.kind->name);
        T_OK(goss_envs_show(e, 0, before, &err));
        T_EQ((int)strlen(before), (f.kind->columns + 1) * f.kind->rows);
        T_CHECK(strpbrk(before, "@|*"));
        T_OK(goss_envs_picture(e, 0, &c, &err));
        T_CHECK(is_coloured(&c));
        for (int t = 0; t < 8; t++) T_OK(goss_envs_step(e, (float[]){1, 1}, &err));
        T_OK(goss_envs_show(e, 0, picture, &err));
        T_CHECK(strcmp(before, picture) != 0); /* what an action does is to be seen */
        goss_envs_free(e);
    }
}

/* ---- what misbehaves ---- */

TEST(actions_that_are_none_change_nothing) {
    goss_env_family f = family("cartpole");
    goss_envs *e = envs(&f, 2, 1, 1);
    const double before = goss_envs_look(e).state[0];
    static const float bad[] = {2, -1, 0.5f, NAN};
    for (int i = 0; i < 4; i++) {
        const float actions[2] = {1, bad[i]};
        T_EQ(goss_envs_step(e, actions, &err), GOSS_E_ARGUMENT);
        T_CHECK(strstr(err.text, "environment cartpole, life 1: action"));
        T_CHECK(goss_envs_look(e).state[0] == before);
    }
    goss_envs_free(e);
    f = family("pendulum");
    e = envs(&f, 1, 1, 1);
    T_EQ(goss_envs_step(e, &bad[3], &err), GOSS_E_ARGUMENT);
    goss_envs_free(e);
}

static void own_reset(const double *p, double *s, goss_env_random *r) { (void)p, s[0] = goss_env_below(r, 3); }
static double own_step(const double *p, double *s, const float *a, goss_env_random *r, bool *terminal) {
    (void)p, (void)r;
    s[0] += 1, *terminal = a[0] > 0 && s[0] > 100;
    return s[0] > 5 ? (double)NAN : 0;
}
static void own_observe(const double *p, const double *s, float *out) {
    (void)p;
    out[0] = s[0] > 8 ? INFINITY : (float)s[0];
}
static goss_env_kind own = {.name = "own",
                            .observations = 1,
                            .actions = 2,
                            .state = 1,
                            .horizon = 50,
                            .episodes = 1,
                            .reset = own_reset,
                            .step = own_step,
                            .observe = own_observe};

TEST(an_environment_that_gives_no_number_is_named) {
    goss_env_family f;
    const float a = 0;
    goss_status s = GOSS_OK;
    T_OK(goss_env_family_own(&own, &f, &err));
    goss_envs *e = envs(&f, 1, 1, 1);
    for (int t = 0; t < 8 && s == GOSS_OK; t++) s = goss_envs_step(e, &a, &err);
    T_EQ(s, GOSS_E_NUMERIC);
    T_CHECK(strstr(err.text, "environment own: a reward that is not finite in life 0 (task 0), episode 1, step"));
    goss_envs_free(e);
}

TEST(an_own_kind_is_checked) {
    goss_env_family f;
    const goss_env_kind sound = own;
    const struct {
        goss_env_kind kind;
        const char *says;
    } wrong[] = {{.kind = sound, .says = "reset, step and observe"},
                 {.kind = sound, .says = "observations are from 1"},
                 {.kind = sound, .says = "a state has"},
                 {.kind = sound, .says = "either actions"},
                 {.kind = sound, .says = "horizon and episodes"},
                 {.kind = sound, .says = "are made by `draw`"}};
    for (int i = 0; i < 6; i++) {
        goss_env_kind k = wrong[i].kind;
        if (i == 0) k.step = NULL;
        if (i == 1) k.observations = (1 << 20) + 1;
        if (i == 2) k.state = 0;
        if (i == 3) k.controls = 1;
        if (i == 4) k.horizon = 0;
        if (i == 5) k.parameters = 1;
        T_EQ(goss_env_family_own(&k, &f, &err), GOSS_E_ARGUMENT);
        if (!strstr(err.text, wrong[i].says)) T_FAIL("%d: %s", i, err.text);
    }
}

TEST(parameters_have_names_and_ranges) {
    static const struct {
        goss_env_parameter p[2];
        const char *says;
    } wrong[] = {{{{.name = "a", .most = 1}, {.name = "a", .most = 1}}, "two parameters are called a"},
                 {{{.name = "a", .most = 1}, {.name = "b.c", .most = 1}}, "\"b.c\": wanted a name of letters"},
                 {{{.name = "a", .most = 1}, {.most = 1}}, "\"\": wanted a name of letters"},
                 {{{.name = "a", .most = 1}, {.name = "b", .high = 2, .most = 1}}, "parameter b: wanted least <= low"},
                 {{{.name = "a", .most = 1}, {.name = "b", .high = INFINITY, .most = INFINITY}}, "high finite"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        goss_env_family f;
        goss_env_kind k = own;
        k.parameter = wrong[i].p, k.named = k.parameters = 2;
        T_EQ(goss_env_family_own(&k, &f, &err), GOSS_E_ARGUMENT);
        if (!strstr(err.text, wrong[i].says)) T_FAIL("%zu: %s", i, err.text);
    }
}

TEST_MAIN()
