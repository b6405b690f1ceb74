/* SPDX-License-Identifier: Apache-2.0 */
/* Search with generated weights: graphs of operations are those of the smaller networks, generated weights are those
 * that scores come from, baselines cost what the search does, and nothing depends on threads or on what was trained in
 * between. */
#include <math.h>

#include "gossamer/search.h"
#include "search/search.h"
#include "test.h"
#include "tiny_set.h"

static goss_error err;

/* ---- ranks ---- */

TEST(kendall_counts_pairs_and_ties) {
    const double a[] = {1, 2, 3, 4, 5}, b[] = {5, 4, 3, 2, 1}, c[] = {1, 3, 2, 4, 5}, d[] = {1, 1, 2, 2, 3},
                 same[] = {2, 2, 2, 2, 2};
    T_NEAR(goss__kendall(a, a, 5), 1, 1e-15);
    T_NEAR(goss__kendall(a, b, 5), -1, 1e-15);
    T_NEAR(goss__kendall(a, c, 5), 0.8, 1e-15);                /* 9 of 10 pairs agree */
    T_NEAR(goss__kendall(a, d, 5), 8 / sqrt(10.0 * 8), 1e-15); /* two pairs are tied in d */
    T_CHECK(isnan(goss__kendall(a, same, 5)));
    T_CHECK(isnan(goss__kendall(a, b, 1)));
}

/* ---- graphs of operations ---- */

static const char *const spaces[] = {
    "conv 4..8/2 3|5 pad same; norm group 2; relu|gelu; pool max|avg 2; conv 4..8/2 3 pad same; norm group 2; relu; "
    "pool global",
    "conv 4..8/2 3 pad same; optional { conv 4..8/2 3 pad same; norm layer; relu }; residual { conv 4..8/2 3 pad same; "
    "relu }; pool avg 4; flatten",
    "residual { conv 4..8/2 3 pad same; relu } shortcut { conv 4..8/2 1 }; relu; choose { conv 4..8/2 3 pad same } or "
    "{ "
    "depthwise 3 pad same; conv 4..8/2 1 } or { conv 4..8/2 1; norm layer; relu }; flatten; dense 4..12/4; tanh",
    "conv 4..8/4 3 pad same; repeat 1..3 { residual { conv 4..8/4 3 pad same; norm layer } }; choose { optional { "
    "depthwise 3 pad same; relu } } or { }; pool max 2; flatten"};

typedef struct drawn {
    int V, F;
    float *nodes, *edges;
} drawn;

static drawn graph_of(const goss_space *s, const float *structure) {
    drawn d = {.V = goss_space_nodes(s), .F = goss_space_node_numbers(s)};
    d.nodes = malloc((size_t)(d.V * d.F) * sizeof *d.nodes), d.edges = malloc((size_t)(d.V * d.V) * sizeof *d.edges);
    goss_space_graph(s, structure, d.nodes, d.edges);
    return d;
}

static void free_graph(drawn *d) { free(d->nodes), free(d->edges); }

/* The graph of a structure is that of the smaller network's own text, but for nodes that are not there. */
static void check_graph(const goss_space *s, const float *structure, const char *text) {
    goss_target *small;
    goss_space *plain;
    int at[128], n = 0;
    T_OK(goss_space_compact(s, structure, NULL, NULL, &small, NULL, NULL, &err));
    T_NOTE("%s", goss_target_text(small));
    T_OK(goss_space_create(small, &plain, &err));
    drawn big = graph_of(s, structure), own = graph_of(plain, NULL);
    for (int v = 0; v < big.V; v++)
        if (big.nodes[v * big.F] != 0) at[n++] = v;
    T_EQ(n, own.V);
    T_EQ(big.F, own.F);
    for (int v = 0; v < n; v++) {
        for (int i = 0; i < big.F; i++)
            T_NEAR((double)big.nodes[at[v] * big.F + i], (double)own.nodes[v * big.F + i], 1e-6);
        double all = 0, kept = 0;
        for (int u = 0; u < n; u++) {
            T_NEAR((double)big.edges[at[v] * big.V + at[u]], (double)own.edges[v * n + u], 1e-6);
            kept += (double)big.edges[at[v] * big.V + at[u]];
        }
        for (int u = 0; u < big.V; u++) all += (double)big.edges[at[v] * big.V + u];
        T_NEAR(all, v ? 1 : 0, 1e-6); /* all but the input read something, and nothing that is not there */
        T_NEAR(kept, all, 1e-6);
    }
    free_graph(&big), free_graph(&own);
    goss_space_free(plain);
    goss_target_free(small);
}

TEST(graphs_are_those_of_the_smaller_networks) {
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        goss_target *t;
        goss_space *s;
        T_NOTE("%s", spaces[i]);
        if (goss_target_parse(spaces[i], (const int64_t[]){8, 8, 3}, 3, 5, &t, &err) != GOSS_OK) T_FAIL("%s", err.text);
        T_OK(goss_space_create(t, &s, &err));
        float structure[64];
        T_CHECK(goss_space_gates(s) >= 3 && goss_space_gates(s) <= 64);
        for (uint64_t k = 0; k < 60; k++) {
            goss_space_random(s, 3, k, structure);
            check_graph(s, structure, spaces[i]);
        }
        for (int layer = 0; layer < goss_target_layers(t); layer++)
            T_CHECK(goss_space_node_of(s, layer) > 0 && goss_space_node_of(s, layer) < goss_space_nodes(s) - 1);
        goss_space_free(s);
        goss_target_free(t);
    }
}

/* ---- searches ---- */

static const char space_text[] =
    "model.backbone=conv 2..8/2 3 pad same; norm group 2; relu|tanh; optional { conv 2..8/2 "
    "3 pad same; norm group 2; relu }; pool max|avg 2; conv 4..12/4 1|3 pad same; relu; "
    "flatten";

static goss_config *settings(const char *const *more) {
    static const char *const base[] = {"data.height=8",
                                       "data.width=8",
                                       "data.invert=no",
                                       "data.split=.5,.25,.25",
                                       "task.queries=16",
                                       "train.steps=12",
                                       "search.steps=8",
                                       "search.architectures=3",
                                       "optimizer.rate=.02",
                                       "hyper.hidden=16",
                                       "hyper.embedding=16",
                                       space_text,
                                       NULL};
    char path[300];
    int n;
    goss_config *c;
    const goss_key *keys = goss_search_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    snprintf(path, sizeof path, "data.path=%s", tiny_set_of("five", 5, 40, 3, 4));
    T_OK(goss_config_override(c, path, &err));
    for (int i = 0; base[i]; i++) T_OK(goss_config_override(c, base[i], &err));
    for (; more && *more; more++)
        if (goss_config_override(c, *more, &err) != GOSS_OK) T_FAIL("%s: %s", *more, err.text);
    return c;
}

static goss_search *opened(const goss_config *c, const char *methods, int trials, int train) {
    goss_search *s;
    goss_search_options o = goss_search_defaults();
    T_OK(goss_search_methods_parse(methods, &o, &err));
    o.trials = trials, o.train = train;
    if (goss_search_open(c, &o, &s, &err) != GOSS_OK) T_FAIL("%s", err.text);
    return s;
}

/* With generated weights a network answers alone, without what is closed, as it did for its score. */
TEST(weights_from_generators_are_those_that_were_scored) {
    for (int kind = 0; kind < GOSS__SCORERS; kind++) {
        goss_config *c = settings((const char *const[]){"search.samples=0", "search.steps=150", NULL});
        goss_search *s = opened(c, goss_search_method_name((goss_search_method)kind), 6, 1);
        goss__scorer *h;
        T_OK(goss__scorer_new(s, (goss_search_method)kind, &h, &err));
        T_OK(goss__scorer_train(h, &err));
        T_OK(goss__scorer_score(h, &err));
        double least = 1, most = 0;
        for (int i = 0; i < s->n_trials; i++) {
            goss__net n;
            goss_target *small;
            float *slab;
            double value;
            T_OK(goss__trial_name(s, &s->trial[i], &err));
            T_OK(goss__net_open(s, &s->trial[i], &n, &err));
            T_OK(goss__scorer_weights(h, s->trial[i].structure, &small, &slab, &err));
            T_OK(goss__net_begin_at(&n, small, slab, &err));
            T_OK(goss__net_validate(&n, &value, &err));
            T_NEAR(value, s->trial[i].score[kind], 0.021); /* one of 50 samples may be on the edge */
            least = fmin(least, value), most = fmax(most, value);
            goss_target_free(small), goss_numbers_free(slab);
            goss__net_free(&n);
        }
        T_CHECK(most > 0.5 && least < most); /* it has learned something: chance is .2 */
        goss__scorer_free(h);
        goss_search_free(s);
        goss_config_free(c);
    }
}

/* Rungs in between change nothing of a training. */
TEST(a_network_goes_on_where_it_was_kept) {
    goss_config *c = settings((const char *const[]){"optimizer.ema=.9", NULL});
    goss_search *s = opened(c, "random", 3, 1);
    goss__net whole, part;
    double a, b, early;
    T_OK(goss__trial_name(s, &s->trial[1], &err));
    T_OK(goss__net_open(s, &s->trial[1], &whole, &err));
    T_OK(goss__net_train(&whole, 12, 12, &err));
    T_OK(goss__net_validate(&whole, &a, &err));
    T_OK(goss__net_open(s, &s->trial[1], &part, &err));
    T_OK(goss__net_train(&part, 4, 12, &err));
    T_OK(goss__net_validate(&part, &early, &err));
    const size_t size = goss__net_size(&part);
    float *kept = malloc(size * sizeof *kept), *end[2] = {malloc(size * sizeof **end), malloc(size * sizeof **end)};
    goss__net_keep(&part, kept);
    goss__net_free(&part);
    T_OK(goss__net_open(s, &s->trial[1], &part, &err));
    goss__net_restore(&part, kept, 4);
    T_OK(goss__net_train(&part, 12, 12, &err));
    T_OK(goss__net_validate(&part, &b, &err));
    T_CHECK(a == b);
    goss__net_keep(&whole, end[0]), goss__net_keep(&part, end[1]);
    T_CHECK(memcmp(end[0], end[1], size * sizeof *kept) == 0 && memcmp(end[0], kept, size * sizeof *kept) != 0);
    free(kept), free(end[0]), free(end[1]);
    goss__net_free(&whole), goss__net_free(&part);
    goss_search_free(s);
    goss_config_free(c);
}

static const goss_search_result *result_of(const goss_search *s, goss_search_method m) {
    const goss_search_result *r;
    for (int i = 0; (r = goss_search_result_at(s, i)); i++)
        if (r->method == m) return r;
    T_FAIL("no result of %s", goss_search_method_name(m));
    return NULL;
}

TEST(methods_cost_the_same_and_choose_the_best_that_they_trained) {
    goss_config *c = settings(NULL);
    goss_search *s = opened(c, "smash,random,halving", 12, 3);
    T_OK(goss_search_run(s, &err));
    const int64_t cost = 8 * 3 + 3 * 12;
    const goss_search_result *smash = result_of(s, GOSS_SEARCH_SMASH), *random = result_of(s, GOSS_SEARCH_RANDOM),
                             *halving = result_of(s, GOSS_SEARCH_HALVING);
    T_EQ((int)smash->steps, (int)cost);
    T_EQ(smash->trained, 3);
    T_EQ(random->trained, 5);
    T_CHECK(random->steps <= cost && random->steps > cost - 12);
    T_CHECK(halving->steps <= cost && halving->trained > random->trained);
    const goss_search_network *n, *first = goss_search_network_at(s, 0);
    double last = INFINITY;
    int full = 0;
    for (int i = 0; (n = goss_search_network_at(s, i)); i++) {
        if (isnan(n->validation)) continue;
        T_CHECK(n->validation <= last && isfinite(n->test) && isfinite(n->score[0]) && isnan(n->score[1]));
        last = n->validation, full++;
    }
    T_CHECK(full >= random->trained);
    double best = 0;
    for (int m = 0; m < 3; m++)
        best = fmax(best, goss_search_network_at(s, goss_search_result_at(s, m)->best)->validation);
    T_CHECK(best == first->validation);
    const goss_search_rank *r = goss_search_rank_at(s, false, 0);
    T_STR(r->of, "smash");
    T_EQ(r->n, full);
    T_EQ(goss_search_rank_at(s, true, 0)->n, random->trained);
    T_ERR(goss_search_run(s, &err), GOSS_E_ARGUMENT, "runs once");
    goss_search_free(s);
    goss_config_free(c);
}

TEST(results_do_not_depend_on_threads) {
    double value[2][3];
    char *text[2];
    for (int k = 0; k < 2; k++) {
        goss_config *c = settings((const char *const[]){k ? "run.threads=3" : "run.threads=1", NULL});
        goss_search *s = opened(c, "smash,ghn", 6, 2);
        T_OK(goss_search_run(s, &err));
        const goss_search_network *n = goss_search_network_at(s, 0);
        value[k][0] = n->validation, value[k][1] = n->score[0], value[k][2] = n->score[1];
        text[k] = strdup(n->text);
        goss_search_free(s);
        goss_config_free(c);
    }
    T_STR(text[0], text[1]);
    for (int i = 0; i < 3; i++) T_CHECK(value[0][i] == value[1][i]);
    free(text[0]), free(text[1]);
}

TEST(structures_are_different_within_limits_and_not_trained_on) {
    goss_config *c = settings(NULL);
    goss_search_options o = goss_search_defaults();
    goss_search *s;
    o.trials = 40, o.train = 1, o.budget = (goss_space_budget){.bytes = 5000, .macs = 40000};
    T_OK(goss_search_open(c, &o, &s, &err));
    for (int i = 0; i < s->n_trials; i++) {
        T_CHECK(s->trial[i].cost.bytes <= 5000 && s->trial[i].cost.macs <= 40000);
        for (int k = 0; k < i; k++)
            T_CHECK(memcmp(s->trial[i].structure, s->trial[k].structure,
                           (size_t)goss_space_gates(s->space) * sizeof(float)) != 0);
    }
    for (int i = 0; i < s->n_trials; i++) { /* as networks, too, and not only as structures */
        T_OK(goss__trial_name(s, &s->trial[i], &err));
        for (int k = 0; k < i; k++)
            if (strcmp(s->trial[i].text, s->trial[k].text) == 0) T_FAIL("twice: %s", s->trial[i].text);
    }
    T_CHECK(s->n_trials == 40 && goss__search_knows(s, s->trial[7].structure));
    goss_search_free(s);
    o.budget = (goss_space_budget){.bytes = 100};
    T_ERR(goss_search_open(c, &o, &s, &err), GOSS_E_ARGUMENT, "smallest");
    /* A space of few networks has no more. */
    T_OK(goss_config_set(c, "model.backbone", "conv 4 3; relu|tanh|gelu; pool max|avg 2; flatten", &err));
    o.budget = (goss_space_budget){0};
    T_OK(goss_search_open(c, &o, &s, &err));
    T_EQ(goss_search_drawn(s), 6);
    goss_search_free(s);
    goss_config_free(c);
}

TEST(starts_are_compared_on_the_same_networks) {
    goss_config *c = settings((const char *const[]){"search.start_networks=2", "search.steps=200", NULL});
    goss_search_options o = goss_search_defaults();
    goss_search *s;
    T_OK(goss_search_methods_parse("ghn", &o, &err));
    o.trials = 3, o.train = 1, o.n_starts = 2, o.starts[1] = 1;
    T_OK(goss_search_open(c, &o, &s, &err));
    T_OK(goss_search_run(s, &err));
    const goss_search_start *zero = goss_search_start_at(s, 0), *one = goss_search_start_at(s, 1);
    T_CHECK(zero && one && !goss_search_start_at(s, 2) && zero->networks == 2 && zero->epochs == 0 && one->epochs == 1);
    T_NEAR(zero->difference, zero->generated - zero->ordinary, 1e-12);
    T_CHECK(zero->generated > zero->ordinary); /* ordinary weights are at chance */
    goss_search_free(s);
    goss_config_free(c);
}

/* ---- what is refused ---- */

TEST(what_cannot_be_searched_is_told_at_the_start) {
    static const struct {
        const char *setting, *says;
    } rows[] = {{"model.backbone=conv 4 3; relu; flatten", "leaves nothing open"},
                {"model.backbone=conv 4..8 3 pad same; norm group 3; relu", "model.backbone"},
                {"train.method=protonet", "by multitask"},
                {"train.steps=0", "counted in steps"},
                {"train.minutes=1", "train.steps alone"},
                {"validate.every=0", "no validation samples"},
                {"data.split=.5,0,.5", "validat"},
                {"data.split=", "data.split is not set"},
                {"optimizer.schedule=plateau", "plateau"},
                {"regularizer.a.kind=l2", "without regularisers"},
                {"hyper.condition=id", "hyper.condition"},
                {"train.tasks=2", "one task"},
                {"task.support=3", "task.support"},
                {"data.path=", "no data"},
                {"data.path=nowhere", "nowhere"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        goss_config *c = settings((const char *const[]){rows[i].setting, NULL});
        goss_search *s = NULL;
        T_NOTE("%s", rows[i].setting);
        if (goss_search_open(c, NULL, &s, &err) == GOSS_OK) T_FAIL("%s: was not refused", rows[i].setting);
        if (!strstr(err.text, rows[i].says)) T_FAIL("%s: %s", rows[i].setting, err.text);
        goss_config_free(c);
    }
    goss_search_options o;
    T_ERR(goss_search_methods_parse("smash,best", &o, &err), GOSS_E_ARGUMENT, "none of smash, ghn, random, halving");
    T_ERR(goss_search_methods_parse("ghn, ghn", &o, &err), GOSS_E_ARGUMENT, "twice");
    T_ERR(goss_search_methods_parse("", &o, &err), GOSS_E_ARGUMENT, "none of");
    goss_config *c = settings(NULL);
    goss_search *s;
    o = goss_search_defaults(), o.train = 200;
    T_ERR(goss_search_open(c, &o, &s, &err), GOSS_E_ARGUMENT, "200 networks of 100 trials");
    o = goss_search_defaults(), o.trials = 0;
    T_ERR(goss_search_open(c, &o, &s, &err), GOSS_E_ARGUMENT, "trials: 0");
    goss_config_free(c);
}

TEST_MAIN()
