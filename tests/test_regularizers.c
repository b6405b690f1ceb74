/* SPDX-License-Identifier: Apache-2.0 */
/* Sections [regularizer.NAME] of a run: what each kind and key does to it, and what is told of mistakes. */
#include <math.h>

#include "base/alloc.h"
#include "base/str.h"
#include "gossamer/log.h"
#include "gossamer/regularizer.h"
#include "group_tasks.h"
#include "train/regularizers.h"

static const char *path_of(const char *key, const char *file) {
    static char pair[400];
    snprintf(pair, sizeof pair, "%s=%s", key, scratch(file));
    return pair;
}

/* The groups' edges, as a file. */
static const char *graph_file(void) {
    static char text[4000];
    int n = snprintf(text, sizeof text, "task,task,weight\n");
    for (int s = 0; s < GROUP_TASKS; s++)
        for (int t = s + 1; t < GROUP_TASKS; t++)
            if (group_is_edge(s, t))
                n += snprintf(text + n, sizeof text - (size_t)n, "%s,%s,1\n", group_names[s], group_names[t]);
    group_write("groups.csv", text);
    return path_of("regularizer.a.graph", "groups.csv");
}

TEST(strength_0_is_off_to_the_bit) {
    T_OK(group_train("off", 1, NULL, NULL, NULL));
    T_OK(group_train("zero", 1,
                     LINES("regularizer.a.kind=difference", "regularizer.a.on=weights/*", "regularizer.a.strength=0",
                           "regularizer.b.on=no/such/name", "regularizer.b.strength=0"),
                     NULL, NULL));
    T_OK(group_train("on", 1, LINES("regularizer.a.kind=difference", "regularizer.a.on=weights/*"), NULL, NULL));
    T_CHECK(group_weights("off") == group_weights("zero") && group_weights("off") != group_weights("on"));
    T_CHECK(isnan(group_metric("zero", "regularizer.a")) && group_metric("on", "regularizer.a") > 0);
}

/* What each kind is put on, and what else it is given. */
static const struct {
    const char *kind, *on, *more;
} kinds[] = {{"l1", "weights/*", NULL},
             {"l2", "weights/*", NULL},
             {"elastic", "weights/head.w", "regularizer.a.mix=0.2"},
             {"group", "weights/dense1.w", NULL},
             {"l21", "weights/dense1.w", NULL},
             {"nuclear", "weights/dense1.w,weights/head.w", NULL},
             {"spectral", "weights/dense1.w", "regularizer.a.each=yes"},
             {"orthogonal", "weights/dense1.w", "regularizer.a.each=yes"},
             {"max_norm", "weights/dense1.w", "regularizer.a.bound=0.1"},
             {"activity", "features/out", NULL},
             {"difference", "weights/*", NULL},
             {"laplacian", "weights/*", "regularizer.a.graph=learned"},
             {"exclusive", "weights/head.w", NULL},
             {"coactivation", "hidden/*", NULL},
             {"cross", "hidden/*", NULL},
             {"variance", "features/out", NULL},
             {"decorrelation", "features/out", NULL},
             {"entropy_gaussian", "features/out", NULL},
             {"entropy_histogram", "features/out", NULL},
             {"state_change", NULL, NULL}, /* rows have no steps: test_sequence_tasks.c */
             {"state_norm", NULL, NULL},
             {"norm_hyper", "weights/dense1.w", "regularizer.a.each=yes"}};

/* A stronger penalty leaves less of what it penalises. */
TEST(each_kind_acts_on_published_values) {
    for (int k = 0; goss_reg_kind_at(k); k++) {
        size_t at = 0;
        double value[2];
        const char *const name = goss_reg_kind_at(k)->name;
        while (at < sizeof kinds / sizeof *kinds && strcmp(kinds[at].kind, name) != 0) at++;
        if (at == sizeof kinds / sizeof *kinds) {
            T_FAIL("kind %s has no row in this test", name);
        }
        if (!kinds[at].on) continue;
        for (int i = 0; i < 2; i++) {
            char kind[80], on[80], dir[80], strength[80];
            snprintf(kind, sizeof kind, "regularizer.a.kind=%s", name);
            snprintf(on, sizeof on, "regularizer.a.on=%s", kinds[at].on);
            snprintf(dir, sizeof dir, "kind-%s-%d", name, i);
            const double by = i ? 1 : 1e-6;
            snprintf(strength, sizeof strength, "regularizer.a.strength=%g", by);
            T_OK(group_train(dir, 1,
                             LINES(kind, on, strength, "model.backbone=dense 5; tanh; dense 5; tanh",
                                   kinds[at].more ? kinds[at].more : "run.seed=1"),
                             NULL, NULL));
            value[i] = group_metric(dir, "regularizer.a") / by;
        }
        if (!(isfinite(value[0]) && value[1] < value[0] - 1e-3 * fabs(value[0])))
            T_FAIL("%s: %g, and at a larger strength %g", name, value[0], value[1]);
    }
}

/* ---- keys ---- */

/* Two sections that share a weight; b has what a has of the scheme's settings. */
#define ENTROPY "regularizer.a.weight=entropy", "regularizer.b.weight=entropy", "regularizer.b.on=features/out"
#define PATH "regularizer.a.weight=conditioned", "hyper.condition=id, strength"
#define HYPER "regularizer.a.weight=hypergradient"
#define LINEAR "model.backbone="
#define DEEP "model.backbone=dense 5; tanh; dense 5; tanh"
#define TIE "regularizer.a.graph=learned"

static const struct {
    const char *key, *setup[4], *a, *b;
} rows[] = {{"kind", {0}, "l2", "l1"},
            {"on", {0}, "weights/head.w", "weights/dense1.w"},
            {"strength", {0}, "0.1", "1"},
            {"weight", {0}, "fixed", "uncertainty"},
            {"estimator", {ENTROPY}, "gaussian", "histogram"},
            {"temperature", {ENTROPY}, "1", "0.1"},
            {"smoothing", {ENTROPY}, "0.9", "0"},
            {"rate", {"regularizer.a.weight=grad_norm"}, "0.025", "0.5"},
            {"alpha", {"regularizer.a.weight=grad_norm"}, "1.5", "0"},
            {"solver", {HYPER}, "one_step", "cg"},
            {"products", {HYPER, "regularizer.a.solver=cg"}, "5", "1"},
            {"damping", {HYPER, "regularizer.a.solver=cg"}, "0.01", "10"},
            {"size", {HYPER, "regularizer.a.solver=neumann"}, "0.1", "0.001"},
            {"decay", {"regularizer.a.weight=famo"}, "0.001", "10"},
            {"graph", {KIND("difference")}, "", "learned"},
            {"degree", {KIND("laplacian"), TIE}, "1", "3"},
            {"square", {KIND("laplacian"), TIE}, "1", "3"},
            {"sparsity", {KIND("laplacian"), TIE}, "0", "3"},
            {"priors", {0}, "", NULL}, /* a test of its own */
            {"epsilon", {KIND("l1")}, "0", "0.3"},
            {"mix", {KIND("elastic")}, "0.5", "0.1"},
            {"bound", {KIND("max_norm")}, "0.1", "0.2"},
            {"power", {KIND("difference")}, "2", "1"},
            {"axis", {KIND("group"), "regularizer.a.on=weights/dense1.w"}, "0", "1"},
            {"each", {KIND("nuclear"), "regularizer.a.on=weights/dense1.w"}, "false", "true"},
            {"branches", {KIND("exclusive"), "regularizer.a.on=hidden/*", DEEP}, "false", "true"},
            {"normalized", {KIND("laplacian"), TIE}, "false", "true"},
            {"target", {KIND("variance"), "regularizer.a.on=features/out"}, "0", "2"},
            {"ridge", {KIND("entropy_gaussian"), "regularizer.a.on=features/out"}, "0.001", "0.1"},
            {"bins", {KIND("entropy_histogram"), "regularizer.a.on=features/out"}, "32", "8"},
            {"norm", {KIND("norm_hyper")}, "nuclear", "l1"},
            {"hidden", {KIND("norm_hyper"), "regularizer.a.on=weights/*"}, "16", "4"},
            {"from", {0}, "0", "0.5"},
            {"until", {0}, "1", "0.5"},
            {"low", {PATH}, "0.001", "0.01"},
            {"high", {PATH}, "10", "1"},
            {"fit", {KIND("norm_hyper"), "regularizer.a.on=weights/*"}, "minmax", "validation"},
            {"cost", {KIND("norm_hyper"), "regularizer.a.on=weights/*"}, "1", "30"}};
enum { ROWS = sizeof rows / sizeof *rows };

static uint64_t weights_with(int i, const char *value) {
    static int runs;
    char pair[200], too[200], dir[40];
    const char *more[10] = {"regularizer.a.on=weights/head.w", "train.steps=8", "validate.every=8"};
    int n = 3, together = 0;
    for (int k = 0; k < 4 && rows[i].setup[k]; k++) {
        more[n++] = rows[i].setup[k];
        together += strcmp(rows[i].setup[k], "regularizer.b.weight=entropy") == 0;
    }
    snprintf(pair, sizeof pair, "regularizer.a.%s=%s", rows[i].key, value);
    snprintf(too, sizeof too, "regularizer.b.%s=%s", rows[i].key, value);
    if (together) more[n++] = too;
    snprintf(dir, sizeof dir, "key%d", runs++);
    more[n++] = pair, more[n] = NULL;
    const goss_status s = group_train(dir, 1, more, NULL, NULL);
    if (s != GOSS_OK) T_FAIL("%s: %s", pair, err.text);
    return group_weights(dir);
}

TEST(each_key_changes_what_is_trained) {
    int n, of_family = 0;
    const goss_key *keys = goss_train_keys(&n);
    for (int i = 0; i < n; i++) {
        int found = strncmp(keys[i].name, "regularizer.*.", 14) != 0;
        of_family += !found;
        for (int k = 0; !found && k < ROWS; k++) found += strcmp(rows[k].key, keys[i].name + 14) == 0;
        if (!found) T_FAIL("%s has no row in this test: say what it changes", keys[i].name);
    }
    T_EQ(of_family, ROWS);
    for (int i = 0; i < ROWS; i++) {
        const uint64_t a = weights_with(i, rows[i].a);
        if (rows[i].b && weights_with(i, rows[i].b) == a)
            T_FAIL("%s = %s and %s are the same", rows[i].key, rows[i].a, rows[i].b);
    }
}

TEST(the_text_of_the_key_kind_names_each) {
    int n, at = 0;
    const goss_key *keys = goss_train_keys(&n);
    while (strcmp(keys[at].name, "regularizer.*.kind") != 0) at++;
    for (int k = 0; goss_reg_kind_at(k); k++)
        if (!strstr(keys[at].doc, goss_reg_kind_at(k)->name)) T_FAIL("it does not name %s", goss_reg_kind_at(k)->name);
}

/* A penalty that each task has for itself goes with micro-batches, and all of them give the same bits. */
TEST(micro_batches_of_any_size_give_the_same_bits) {
    const char *const on = "regularizer.a.on=features/out", *kind = KIND("decorrelation");
    T_OK(group_train("micro2", 1, LINES(on, kind, "train.micro_batch=2"), NULL, NULL));
    T_OK(group_train("micro7", 1, LINES(on, kind, "train.micro_batch=7"), NULL, NULL));
    T_OK(group_train("micro-off", 1, LINES("train.micro_batch=7"), NULL, NULL));
    T_CHECK(group_weights("micro2") == group_weights("micro7") &&
            group_weights("micro2") != group_weights("micro-off"));
    T_NEAR(group_metric("micro2", "regularizer.a"), group_metric("micro7", "regularizer.a"), 0);
}

/* ---- graphs ---- */

/* The groups' graph leaves groups apart; without one all tasks come near their mean. */
TEST(a_graph_in_a_file_ties_those_that_it_says) {
    static const char *const on[] = {"regularizer.a.on=weights/*", "regularizer.a.kind=difference"};
    static const char ten[] = "regularizer.a.strength=10", side[] = "regularizer.a.graph=side";
    const char *graph = graph_file();
    T_OK(group_train("all", 1, LINES(on[0], on[1], ten), NULL, NULL));
    T_OK(group_train("groups", 1, LINES(on[0], on[1], ten, graph), NULL, NULL));
    T_OK(group_train("side", 1, LINES(on[0], on[1], ten, side), NULL, NULL));
    T_CHECK(group_weights("all") != group_weights("groups") && group_weights("side") != group_weights("groups"));
    T_CHECK(group_metric("groups", "best") < group_metric("all", "best"));
}

/* Share of pairs (edge, no edge) in which the edge has the larger weight; degree of the loners by the mean one. */
static void judge_graph(const char *dir, double *auc, double *loners) {
    goss_model *m = group_model(dir);
    const goss_model_tensor *t = goss_model_kept(m, 0);
    T_CHECK(t && strcmp(t->name, "regularizers.a.graph") == 0 && t->shape[0] == GROUP_TASKS);
    double right = 0, all = 0, own = 0, degrees = 0;
    for (int e = 0; e < GROUP_TASKS * GROUP_TASKS; e++) {
        const int s = e / GROUP_TASKS, u = e % GROUP_TASKS;
        degrees += (double)t->data[e] / GROUP_TASKS;
        if (s >= GROUP_TASKS - GROUP_LONERS) own += (double)t->data[e] / GROUP_LONERS;
        for (int f = 0; s < u && group_is_edge(s, u) && f < GROUP_TASKS * GROUP_TASKS; f++) {
            const int v = f / GROUP_TASKS, w = f % GROUP_TASKS;
            if (v >= w || group_is_edge(v, w)) continue;
            all++, right += t->data[e] > t->data[f] ? 1 : t->data[e] == t->data[f] ? 0.5 : 0;
        }
    }
    *auc = right / all, *loners = own / degrees;
    goss_model_free(m);
}

/* Few noisy rows, and the strength of a list that suits the tasks as a whole best: a learned graph helps more than the
 * mean of all tasks, and tasks of their own are none the worse for it. */
TEST(unrelated_tasks_are_left_alone) {
    static const char *const strengths[] = {"regularizer.a.strength=0.1", "regularizer.a.strength=0.3",
                                            "regularizer.a.strength=1"};
    static const char *const kinds_[] = {KIND("difference"), KIND("laplacian")};
    const char *const on = "regularizer.a.on=weights/head.w", *steps = "train.steps=400", *none = "validate.every=0";
    double all[3] = {0}, loners[3] = {0};
    group_noise = 2;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        T_OK(group_train("tied", seed, LINES(LINEAR, steps, none), NULL, NULL));
        all[2] += group_error_of("tied", seed, 0),
            loners[2] += group_error_of("tied", seed, GROUP_TASKS - GROUP_LONERS);
        T_CHECK(unlink_run("tied"));
        for (int k = 0; k < 2; k++) {
            double best = INFINITY, own = 0;
            for (int i = 0; i < 3; i++) {
                T_OK(group_train("tied", seed, LINES(LINEAR, steps, none, on, strengths[i], kinds_[k], k ? TIE : none),
                                 NULL, NULL));
                const double e = group_error_of("tied", seed, 0);
                if (e < best) best = e, own = group_error_of("tied", seed, GROUP_TASKS - GROUP_LONERS);
                T_CHECK(unlink_run("tied"));
            }
            all[k] += best, loners[k] += own;
        }
    }
    if (getenv("SHOW_GAPS"))
        printf("  errors of all, and of the loners: near the mean %.3f %.3f, learned %.3f %.3f, alone %.3f %.3f\n",
               all[0] / 3, loners[0] / 3, all[1] / 3, loners[1] / 3, all[2] / 3, loners[2] / 3);
    group_noise = 0.5;
    T_CHECK(all[1] < all[0] && all[0] < 0.9 * all[2]);
    T_CHECK(loners[1] < loners[2]);
}

/* The groups are found from the data alone, and tasks of their own are tied less. */
TEST(a_learned_graph_is_that_of_the_groups) {
    for (uint64_t seed = 1; seed <= 3; seed++) {
        double auc, loners;
        T_OK(group_train("learned", seed,
                         LINES(LINEAR, KIND("laplacian"), TIE, "regularizer.a.on=weights/head.w", "train.steps=600",
                               "validate.every=0", "regularizer.a.strength=0.3"),
                         NULL, NULL));
        judge_graph("learned", &auc, &loners);
        if (getenv("SHOW_GAPS")) printf("  seed %d: AUC %.3f, degree of loners %.2f\n", (int)seed, auc, loners);
        if (!(auc > 0.9)) T_FAIL("AUC %g at seed %d", auc, (int)seed);
        T_CHECK(loners < 0.8);
        T_CHECK(unlink_run("learned"));
    }
}

/* Clustered tasks (Jacob, Bach and Vert 2008): each chooses among a few centres and stays near it, which suits tasks of
 * groups better than one centre. */
TEST(clusters_are_a_case_of_routing_and_own_parts) {
    static const char *const strengths[] = {"regularizer.a.strength=0.1", "regularizer.a.strength=0.3",
                                            "regularizer.a.strength=1"};
    const char *const method = "train.method=multitask", *code = "hyper.condition=id", *steps = "train.steps=600",
                      *none = "validate.every=0", *on = "regularizer.a.on=parts/2/head.w";
    double error[3] = {0};
    group_noise = 2;
    for (uint64_t seed = 1; seed <= 3; seed++)
        for (int way = 0; way < 3; way++) {
            static const char *const rules[] = {"share.rules=*=own", "share.rules=*=shared+own",
                                                "share.rules=*=routing 5+own"};
            double best = INFINITY;
            for (int i = 0; i < (way ? 3 : 1); i++) {
                T_OK(
                    group_train("cluster", seed,
                                way ? LINES(LINEAR, method, code, steps, none, rules[way], KIND("l2"), on, strengths[i])
                                    : LINES(LINEAR, method, code, steps, none, rules[way]),
                                NULL, NULL));
                best = fmin(best, group_error_of("cluster", seed, 0));
                T_CHECK(unlink_run("cluster"));
            }
            error[way] += best / 3;
        }
    group_noise = 0.5;
    if (getenv("SHOW_GAPS")) printf("  alone %.3f, near the mean %.3f, clusters %.3f\n", error[0], error[1], error[2]);
    T_CHECK(error[2] < error[1] && error[1] < error[0]);
}

TEST(a_graph_may_be_over_branches) {
    group_write("branches.csv", "hidden/dense1,hidden/dense2,2\n");
    T_OK(group_train("branches", 1,
                     LINES("regularizer.a.on=hidden/*", KIND("laplacian"), "regularizer.a.branches=yes", DEEP,
                           path_of("regularizer.a.graph", "branches.csv")),
                     NULL, NULL));
    T_CHECK(group_metric("branches", "regularizer.a") > 0);
    T_OK(group_train("branches2", 1,
                     LINES("regularizer.a.on=hidden/*", KIND("laplacian"), "regularizer.a.branches=yes", DEEP,
                           "regularizer.a.graph=learned"),
                     NULL, NULL));
}

/* ---- priors ---- */

/* A factor of 3 for one of two values is the strength three times for it; of 0, as if it was not there. */
TEST(factors_of_values_multiply_the_strength) {
    group_write("priors.csv", "name,factor\nweights/*,0\nweights/head.w,3\n");
    const char *priors = path_of("regularizer.a.priors", "priors.csv");
    T_OK(group_train("factors", 1, LINES("regularizer.a.on=weights/*.w", priors), NULL, NULL));
    T_OK(group_train("thrice", 1, LINES("regularizer.a.on=weights/head.w", "regularizer.a.strength=0.3"), NULL, NULL));
    T_NEAR(group_metric("factors", "regularizer.a"), group_metric("thrice", "regularizer.a"), 1e-6);
    T_OK(group_train("plain", 1, LINES("regularizer.a.on=weights/*.w"), NULL, NULL));
    T_CHECK(group_weights("plain") != group_weights("factors"));
}

TEST(mistakes_in_files_of_priors) {
    static const struct {
        const char *text, *says;
    } files[] = {{"weights/haed.w,1\n",
                  "priors.csv:1: \"weights/haed.w\" is neither one of the values that `on` finds nor an "
                  "input; did you mean weights/dense1.w or weights/head.w"},
                 {"weights/head.w,-1\n", "priors.csv:1: a number of at least 0"},
                 {"weights/*,0\n", "priors.csv: the factor of every value is 0"},
                 {"weights/head.w,1,2\n", "has 3 columns; a line is name,factor"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        group_write("priors.csv", files[i].text);
        const goss_status s =
            group_train("priors", 1, LINES("regularizer.a.on=weights/*", path_of("regularizer.a.priors", "priors.csv")),
                        NULL, NULL);
        if (s == GOSS_OK || !strstr(err.text, files[i].says))
            T_FAIL("\"%s\" does not say \"%s\"", s ? err.text : "(accepted)", files[i].says);
    }
}

/* features/out is features/block1 here: it counts once. */
TEST(a_value_with_two_names_counts_once) {
    const char *const strength = "regularizer.a.strength=0.5", *kind = KIND("activity");
    T_OK(group_train("once", 1, LINES(kind, strength, "regularizer.a.on=features/out"), NULL, NULL));
    T_OK(group_train("twice", 1, LINES(kind, strength, "regularizer.a.on=features/*"), NULL, NULL));
    T_CHECK(group_weights("once") == group_weights("twice"));
}

TEST(a_resume_comes_to_the_same_bits_with_what_was_learned) {
    group_resumes(LINES("regularizer.a.on=weights/*", KIND("laplacian"), TIE, "regularizer.b.kind=nuclear",
                        "regularizer.b.on=weights/dense1.w"));
}

/* ---- resume ---- */

TEST(a_run_goes_on_with_the_same_sections_only) {
    const char *graph = graph_file();
    const char *const a[] = {"regularizer.a.on=weights/*", KIND("laplacian")};
    T_OK(group_train("same", 1, LINES(a[0], a[1], graph), NULL, NULL));
    T_ERR(group_train("same", 1, LINES("train.steps=40"), NULL, NULL), GOSS_E_ARGUMENT,
          "other sections [regularizer.NAME]: a, not none");
    T_ERR(group_train("same", 1, LINES("train.steps=40", a[0], a[1], graph, "regularizer.a.strength=1"), NULL, NULL),
          GOSS_E_ARGUMENT, "regularizer.a.strength = 0.1, not regularizer.a.strength = 1");
    T_OK(group_train("same", 1, LINES("train.steps=40", a[0], a[1], graph), NULL, NULL));
    group_write("groups.csv", "t00,t01,1\n");
    T_ERR(group_train("same", 1, LINES("train.steps=50", a[0], a[1], graph), NULL, NULL), GOSS_E_ARGUMENT,
          "regularizer.a.graph = content ");
}

/* ---- mistakes ---- */

static const struct {
    const char *more[6];
    const char *says;
} mistakes[] = {
    {{KIND("l2")}, "[regularizer.a]: on: is not set"},
    {{"regularizer.a.on=weights/haed.w"}, "on: no value is published as weights/haed.w; did you mean "},
    {{"regularizer.a.on=weights/head.b, weights/haed.w"}, "on: no value is published as weights/haed.w; did you mean "},
    {{"regularizer.a.on=weights/head.w,"}, "on: \"weights/head.w,\": a name is missing at a comma"},
    {{"regularizer.a.on=wieghts/*,head/*"}, "on: no value is published as wieghts/*,head/*"},
    {{KIND("laplacian"), "regularizer.a.on=weights/*"}, "[regularizer.a]: graph: laplacian needs one"},
    {{KIND("l2"), "regularizer.a.on=weights/*", TIE}, "graph: kind l2 takes none; difference and laplacian do"},
    {{KIND("l2"), "regularizer.a.on=weights/*", "regularizer.a.mix=0.3"}, "it has no setting mix; it takes strength"},
    {{KIND("difference"), "regularizer.a.on=weights/*", "regularizer.a.epsilon=0.3"}, "it goes with power 1"},
    {{KIND("difference"), "regularizer.a.on=weights/*", "regularizer.a.degree=2"}, "are of graph = learned"},
    {{KIND("difference"), "regularizer.a.on=weights/*", TIE, "regularizer.a.degree=0"}, "loses all its edges"},
    {{KIND("difference"), "regularizer.a.on=weights/*", "train.tasks=1"}, "it ties tasks, and a step has one"},
    {{KIND("difference"), "regularizer.a.on=weights/*", "train.micro_batch=2"}, "ties tasks together"},
    {{KIND("difference"), "regularizer.a.on=weights/*", "regularizer.a.graph=no.csv"}, "graph: no.csv"},
    {{KIND("l2"), "regularizer.a.on=weights/*", "regularizer.a.weight=entropy"}, "it is the only one"},
    {{"regularizer.a.on=weights/*", "regularizer.a.weight=hypergradient", "validate.every=0"}, "nothing is validated"},
    {{"regularizer.a.on=weights/*", "regularizer.a.weight=conditioned"}, "hyper.condition = id, strength"},
    {{"hyper.condition=id, strength"}, "no section [regularizer.NAME] has weight = conditioned"},
    {{"regularizer.a.on=weights/*", PATH, "regularizer.a.strength=20"}, "between low 0.001 and high 10"},
    {{"regularizer.a.on=weights/*", "regularizer.a.from=0.5", "regularizer.a.until=0.5"}, "it would never act"},
    {{"regularizer.a.on=weights/*", "regularizer.a.low=1"}, "low: goes with weight = conditioned"},
    {{"regularizer.a.on=weights/*", "regularizer.a.hidden=4"}, "hidden, fit and cost are of kind norm_hyper"},
    {{KIND("l2"), "regularizer.a.on=weights/*", "regularizer.a.alpha=1"}, "alpha: goes with weight = grad_norm"},
    {{"regularizer.a.on=weights/*", "regularizer.b.on=weights/*", "regularizer.a.weight=famo",
      "regularizer.b.weight=famo", "regularizer.a.rate=0.1"},
     "[regularizer.a] and [regularizer.b]: rate: sections of one weight share its settings"},
    {{"regularizer.a.on=weights/*", "regularizer.a.weight=famo", "train.micro_batch=2"},
     "parameters or states of its own"},
    {{KIND("cross"), "regularizer.a.on=features/out"}, "1 tensors; it takes 2 to 64"},
    {{KIND("state_change"), "regularizer.a.on=features/out"},
     "[regularizer.a] on features/out / regularizer state_change: it is for states of steps"},
    {{KIND("norm_hyper"), "regularizer.a.on=weights/head.b", "regularizer.a.each=yes"},
     "[regularizer.a] on weights/head.b: each task's own matrix"},
    {{KIND("entropy_gaussian"), "regularizer.a.on=features/out", "regularizer.a.weight=famo"},
     "[regularizer.a]: weight: famo is for penalties above 0, and kind entropy_gaussian may be below"},
    {{KIND("entropy_histogram"), "regularizer.a.on=features/out", "regularizer.a.weight=grad_norm"},
     "grad_norm is for penalties above 0"},
    {{KIND("laplacian"), "regularizer.a.on=weights/*", TIE, "regularizer.a.weight=uncertainty"},
     "uncertainty is for penalties above 0, and the prior of a learned graph may be below"},
    {{"regularizer.a.kind=difference", "regularizer.a.on=hidden/*", "regularizer.a.branches=yes",
      "model.backbone=dense 5; tanh; dense 4; tanh"},
     "branches have one shape"},
};

TEST(mistakes_are_told_at_the_start) {
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        char dir[40];
        snprintf(dir, sizeof dir, "wrong%zu", i);
        const goss_status s = group_train(dir, 1, mistakes[i].more, NULL, NULL);
        if (s == GOSS_E_UNSUPPORTED) T_OK(s); /* a skip where a library is missing */
        if (s != GOSS_E_ARGUMENT && s != GOSS_E_SHAPE && s != GOSS_E_IO) T_FAIL("%s: status %d", mistakes[i].says, s);
        if (!strstr(err.text, mistakes[i].says)) T_FAIL("\"%s\" does not say \"%s\"", err.text, mistakes[i].says);
        T_CHECK(access(scratch(dir), F_OK) != 0); /* nothing is left behind */
    }
}

TEST(mistakes_in_files_of_edges) {
    static const struct {
        const char *text, *says;
    } files[] = {{"t00,t01,1\nt00,t99,1\n", "edges.csv:2: there is no task \"t99\" that is trained on; did you mean"},
                 {"t00,t01,1\nt01,t00,1\n", "edges.csv:2: \"t01\", \"t00\": these two nodes have an edge already"},
                 {"t00,t00,1\n", "edges.csv:1: \"t00\", \"t00\": a loop ties a node"},
                 {"task,task,weight\nt00,t01,-1\n", "edges.csv:2: a number of at least 0 is wanted"},
                 {"t00,t01,1\nt00,t02,x\n", "edges.csv:2: the last column is no number"},
                 {"t00,t01,inf\nt00,t02,1\n", "edges.csv:1: the last column is no number"},
                 {"t00,t01,\nt00,t02,1\n", "edges.csv:1: the last column is no number"},
                 {"t00,t01,1e\nt00,t02,1\n", "edges.csv:1: the last column is no number"},
                 {"t00,t01,1e300\n", "edges.csv:1: the number is too large"},
                 {"t00,t01,0\nt01,t02,0\n", "edges.csv: all weights are 0: it ties nothing"},
                 {"t00,t01\nt00,t02\n", "has 2 columns; a line is task,task,weight"},
                 {"task,task,weight\n", "edges.csv"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        group_write("edges.csv", files[i].text);
        const goss_status s = group_train(
            "edges", 1,
            LINES(KIND("laplacian"), "regularizer.a.on=weights/*", path_of("regularizer.a.graph", "edges.csv")), NULL,
            NULL);
        if (s == GOSS_OK || !strstr(err.text, files[i].says))
            T_FAIL("\"%s\" does not say \"%s\"", s ? err.text : "(accepted)", files[i].says);
        if (!strstr(err.text, "[regularizer.a]: graph: ")) T_FAIL("%s", err.text);
    }
}

/* Tasks 7 and 07 are two: a name goes before an equal number, which stands for a name where it is the only one. */
TEST(a_node_is_the_one_of_that_name) {
    static const char *const names[] = {"7", "07", "1e1", "x"};
    static const struct {
        char *a, *b;
        int from, to; /* -1: refused */
    } edges[] = {{"07", "x", 1, 3}, {"7", "x", 0, 3}, {"10", "07", 2, 1}, {"7.0", "x", -1, -1}};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        goss__reg_line line = {.a = edges[i].a, .b = edges[i].b, .number = 2, .line = 1};
        goss__regularizer r = {.graph_path = "g.csv", .edges = {&line, 1}};
        if (edges[i].from < 0) {
            T_ERR(goss__reg_edges(&r, names, 4, &err), GOSS_E_ARGUMENT, "\"7.0\" may be any of 2 tasks");
        } else {
            T_OK(goss__reg_edges(&r, names, 4, &err));
            for (int k = 0; k < 16; k++) {
                const bool tied = k == 4 * edges[i].from + edges[i].to || k == 4 * edges[i].to + edges[i].from;
                T_CHECK(r.adjacency[k] == (tied ? 2 : 0));
            }
        }
        goss__free(r.adjacency);
    }
}

/* The first of many edges that is wrong is named. */
TEST(the_first_wrong_edge_is_named) {
    enum { NODES = 30, EDGES = NODES * (NODES - 1) / 2 };
    static char text[NODES][4];
    static const char *names[NODES];
    static goss__reg_line lines[EDGES + 2];
    int n = 0;
    for (int i = 0; i < NODES; i++) snprintf(text[i], sizeof text[i], "n%d", i), names[i] = text[i];
    for (int i = 0; i < NODES; i++)
        for (int k = i + 1; k < NODES; k++, n++) lines[n] = (goss__reg_line){text[k], text[i], 1, 1 + n};
    goss__regularizer r = {.graph_path = "g.csv", .edges = {lines, EDGES}};
    T_OK(goss__reg_edges(&r, names, NODES, &err));
    for (int wrong = 0; wrong < EDGES; wrong += 31) {
        goss__reg_line right = lines[wrong];
        lines[wrong].b = lines[wrong].a; /* a loop */
        T_ERR(goss__reg_edges(&r, names, NODES, &err), GOSS_E_ARGUMENT, "a loop ties a node to itself");
        char place[40];
        snprintf(place, sizeof place, "graph: g.csv:%d: ", 1 + wrong);
        if (strncmp(err.text, place, strlen(place)) != 0) T_FAIL("%s", err.text);
        lines[wrong] = right;
    }
    goss__free(r.adjacency);
}

/* What all tasks share and what each has of its own, as branches: a row of the shared one for each task. */
TEST(a_shared_part_is_a_branch_beside_own_ones) {
    static const char *const kinds_[] = {KIND("exclusive"), KIND("difference"), KIND("cross")};
    for (int i = 0; i < 3; i++) {
        char dir[20];
        snprintf(dir, sizeof dir, "parts%d", i);
        T_OK(group_train(dir, 1,
                         LINES("train.method=multitask", "share.preset=mean", "hyper.condition=id", kinds_[i],
                               "regularizer.a.on=parts/1/dense1.w,parts/2/dense1.w",
                               i < 2 ? "regularizer.a.branches=yes" : "run.seed=1"),
                         NULL, NULL));
        const double shared = group_metric(dir, "regularizer.a.share.parts/1/dense1.w"),
                     own = group_metric(dir, "regularizer.a.share.parts/2/dense1.w");
        T_NEAR(shared + own, 1, 1e-5);
        T_CHECK(shared > 0.5 && own > 0 && group_metric(dir, "regularizer.a") > 0);
    }
}

/* A value that is one for all tasks has nothing to tie; that is said. */
static void on_line(void *to, goss_log_level level, const char *line) { goss__str_addf(to, "%d %s\n", level, line); }

TEST(values_that_all_tasks_share_are_tied_already) {
    goss__str log = {0};
    goss_log_set(on_line, &log);
    T_OK(group_train("shared", 1,
                     LINES("hyper.rules=head.*=full; *=shared", KIND("difference"), "regularizer.a.on=weights/*"), NULL,
                     NULL));
    T_CHECK(strstr(log.data, "[regularizer.a] 2 of 4 values that `on` finds are the same for all tasks"));
    log.size = 0;
    T_OK(group_train("joint", 1, LINES("train.method=joint", KIND("difference"), "regularizer.a.on=weights/*"), NULL,
                     NULL));
    T_CHECK(strstr(log.data, "it ties nothing, and has no effect"));
    goss_log_set(NULL, NULL);
    goss__str_free(&log);
}

TEST_MAIN()
