/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of several terms, and a graph over tasks that is learned. */
#include "gossamer/optimizer.h"
#include "gossamer/regularizer.h"
#include "graph_check.h"

static goss_error err;

static goss_val number(world *w, const char *name, double v) {
    return world_input(w, name, GOSS_REAL, (goss_shape){0}, &v);
}

/* ---- schemes ---- */

TEST(fixed_weights_multiply) {
    world w = world_new();
    goss_val term[2] = {number(&w, "a", 3), number(&w, "b", 5)},
             strength[2] = {number(&w, "p", 2), goss_const(w.g, 0.5)};
    goss_reg_weigh_options o = goss_reg_weigh_defaults();
    goss_val out[3] = {goss_reg_weigh("fixed", term, 2, NULL).total};
    o.strength = strength;
    goss_reg_weighed v = goss_reg_weigh("fixed", term, 2, &o);
    out[1] = v.total, out[2] = v.weights;
    T_OK(world_compute(&w, GOSS_F64, out, 3));
    T_NEAR(w.out[0][0], 8, 0);
    T_NEAR(w.out[1][0], 8.5, 0);
    T_CHECK(w.out[2][0] == 2 && w.out[2][1] == 0.5 && v.n_updates == 0);
    world_free(&w);
}

/* sum 1/2 exp(-s) L + s / 2 is least at s = log L, where the weights are 1 / (2 L). */
TEST(uncertainty_is_least_at_the_log_of_the_terms) {
    world w = world_new();
    goss_val term[2] = {number(&w, "a", 3), number(&w, "b", 0.2)}, grad;
    goss_reg_weighed v = goss_reg_weigh("uncertainty", term, 2, NULL);
    T_OK(goss_grad(v.total, &v.learned, 1, &grad));
    goss_val out[3] = {v.total, v.weights, grad};
    T_OK(world_open(&w, GOSS_F64, out, 3, NULL, 0));
    T_OK(world_run(&w));
    T_NEAR(w.out[0][0], 1.6, 1e-12); /* at s = 0 */
    world_set_param(&w, "weights.log_variance", (double[]){log(3), log(0.2)});
    T_OK(world_run(&w));
    T_NEAR(w.out[0][0], 1 + 0.5 * log(0.6), 1e-12);
    T_NEAR(w.out[1][0], 1 / 6.0, 1e-12);
    T_NEAR(w.out[2][0], 0, 1e-12);
    T_NEAR(w.out[2][1], 0, 1e-12);
    world_free(&w);
}

TEST(the_highest_entropy_gets_the_weight) {
    world w = world_new();
    goss_val term[3] = {number(&w, "a", 1), number(&w, "b", 10), number(&w, "c", 100)};
    goss_val h[3] = {number(&w, "ha", 0.5), number(&w, "hb", 2), number(&w, "hc", 1)};
    goss_reg_weigh_options o = goss_reg_weigh_defaults();
    o.entropy = h, o.temperature = 0.5, o.smoothing = 0.75;
    goss_reg_weighed v = goss_reg_weigh("entropy", term, 3, &o);
    goss_val out[2] = {v.weights, v.total};
    T_OK(world_open(&w, GOSS_F64, out, 2, v.updates, v.n_updates));
    double average[3] = {0}, scale = 0;
    for (int step = 0; step < 5; step++) {
        if (step == 2) world_numbers(&w, "ha")[0] = 9; /* another one becomes the highest */
        double now[3] = {world_numbers(&w, "ha")[0], 2, 1}, e[3], sum = 0;
        scale = 0.75 * scale + 0.25;
        for (int i = 0; i < 3; i++)
            average[i] = 0.75 * average[i] + 0.25 * now[i], sum += e[i] = exp(average[i] / scale / 0.5);
        T_OK(world_run(&w));
        for (int i = 0; i < 3; i++) T_NEAR(w.out[0][i], 3 * e[i] / sum, 1e-9);
        T_NEAR(w.out[1][0], w.out[0][0] + 10 * w.out[0][1] + 100 * w.out[0][2], 1e-9);
    }
    T_CHECK(w.out[0][0] > 2.9);
    o.temperature = 0.01; /* towards 0, all of it */
    world_free(&w);
}

/* Terms a/2 |x|^2 and b/2 |x|^2 at a fixed x: gradients a |x| and b |x| are brought to equal size by weights b : a. */
TEST(grad_norm_makes_gradients_alike) {
    world w = world_new();
    goss_val x = world_normal(&w, "x", GOSS_SHAPE(goss_n(5)));
    goss_val term[2] = {goss_scale(goss_norm2(x), 0.5), goss_scale(goss_norm2(x), 2)};
    goss_reg_weigh_options o = goss_reg_weigh_defaults();
    o.shared = &x, o.n_shared = 1, o.rate = 0.001;
    goss_reg_weighed v = goss_reg_weigh("grad_norm", term, 2, &o);
    T_OK(world_open(&w, GOSS_F64, &v.weights, 1, v.updates, v.n_updates));
    T_OK(world_run(&w));
    T_CHECK(w.out[0][0] == 1 && w.out[0][1] == 1); /* where it begins */
    for (int i = 0; i < 3000; i++) T_OK(world_run(&w));
    T_NEAR(w.out[0][0] + w.out[0][1], 2, 1e-9);
    T_NEAR(w.out[0][0] / w.out[0][1], 4, 0.1);
    world_free(&w);
}

/* A term that has fallen less than the others' mean gets more weight. */
TEST(grad_norm_helps_who_is_behind) {
    world w = world_new();
    goss_val x = world_normal(&w, "x", GOSS_SHAPE(goss_n(5))), behind = number(&w, "behind", 1),
             ahead = number(&w, "ahead", 1);
    goss_val term[2] = {goss_mul(behind, goss_add(goss_sum_all(goss_sub(x, goss_detach(x))), goss_const(w.g, 1))),
                        goss_mul(ahead, goss_add(goss_sum_all(goss_sub(x, goss_detach(x))), goss_const(w.g, 1)))};
    goss_reg_weigh_options o = goss_reg_weigh_defaults();
    o.shared = &x, o.n_shared = 1, o.rate = 0.001;
    goss_reg_weighed v = goss_reg_weigh("grad_norm", term, 2, &o);
    T_OK(world_open(&w, GOSS_F64, &v.weights, 1, v.updates, v.n_updates));
    for (int i = 0; i < 300; i++) {
        T_OK(world_run(&w));
        world_numbers(&w, "behind")[0] = 0.9, world_numbers(&w, "ahead")[0] = 0.5;
    }
    if (!(w.out[0][0] > 1.1 * w.out[0][1])) T_FAIL("%g and %g", w.out[0][0], w.out[0][1]);
    world_free(&w);
}

/* Against the formulas of the paper, step by step. */
TEST(famo_follows_its_paper) {
    world w = world_new();
    goss_val term[2] = {number(&w, "a", 4), number(&w, "b", 0.5)};
    goss_reg_weigh_options o = goss_reg_weigh_defaults();
    o.rate = 0.4, o.decay = 0.01, o.name = "pair";
    goss_reg_weighed v = goss_reg_weigh("famo", term, 2, &o);
    T_OK(world_open(&w, GOSS_F64, (goss_val[]){v.weights, v.total}, 2, v.updates, v.n_updates));
    double xi[2] = {0, 0}, last[2] = {0, 0};
    for (int step = 0; step < 12; step++) {
        double l[2] = {4 * pow(0.99, step), 0.5 * pow(0.7, step)}, z[2], sum = exp(xi[0]) + exp(xi[1]);
        world_numbers(&w, "a")[0] = l[0], world_numbers(&w, "b")[0] = l[1];
        for (int i = 0; i < 2; i++) z[i] = exp(xi[i]) / sum;
        double fall[2] = {last[0] - log(l[0]), last[1] - log(l[1])}, mean = z[0] * fall[0] + z[1] * fall[1];
        for (int i = 0; step > 0 && i < 2; i++) xi[i] -= 0.4 * (z[i] * (fall[i] - mean) + 0.01 * xi[i]);
        sum = exp(xi[0]) + exp(xi[1]);
        double c = sum / (exp(xi[0]) / l[0] + exp(xi[1]) / l[1]);
        T_OK(world_run(&w));
        for (int i = 0; i < 2; i++) {
            last[i] = log(l[i]);
            T_NEAR(w.out[0][i], c * exp(xi[i]) / sum / l[i], 1e-9);
        }
        T_NEAR(w.out[0][0] + w.out[0][1], 1, 1e-9);
    }
    T_CHECK(xi[0] > xi[1]); /* the slow one */
    T_NEAR(world_param(&w, "pair.logits", 0), xi[0], 1e-9);
    world_free(&w);
}

TEST(bad_input_is_told) {
    goss_reg_weigh_options rate = goss_reg_weigh_defaults(), smooth = rate, plain = rate;
    rate.rate = 0, smooth.smoothing = 1;
    const struct {
        const char *scheme;
        int n, rank;
        goss_reg_weigh_options *o;
        const char *says;
    } cases[] = {{"fammo", 2, 0, &plain, "there is no weighting \"fammo\"; did you mean famo?"},
                 {"", 2, 0, &plain, "there are fixed, uncertainty, entropy, grad_norm, famo"},
                 {"famo", 2, 1, &plain, "famo: term 1 has rank 1, not 0: sum it up first"},
                 {"famo", 65, 0, &plain, "famo: 65 terms; 1 to 64 are weighed"},
                 {"famo", 2, 0, &rate, "famo: rate must be above 0"},
                 {"entropy", 2, 0, &smooth, "entropy: smoothing must be 0 to below 1"},
                 {"entropy", 2, 0, &plain, "entropy: the entropies of the terms are needed"},
                 {"grad_norm", 2, 0, &plain, "grad_norm: the 1 to 64 shared values are needed"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_graph *g = goss_graph_new();
        goss_val term[65];
        for (int k = 0; k < 65; k++)
            term[k] = cases[i].rank ? goss_full(g, GOSS_SHAPE(goss_n(2)), 1) : goss_const(g, 1);
        T_CHECK(!goss_valid(goss_reg_weigh(cases[i].scheme, term, cases[i].n, cases[i].o).total));
        T_CHECK(goss_graph_status(g, &err) != GOSS_OK);
        if (!strstr(err.text, cases[i].says)) T_FAIL("\"%s\" does not say \"%s\"", err.text, cases[i].says);
        goss_graph_free(g);
    }
}

/* ---- a learned graph ---- */

TEST(an_adjacency_is_symmetric_and_not_negative) {
    world w = world_new();
    goss_val theta = world_normal(&w, "theta", GOSS_SHAPE(goss_n(5), goss_n(5))), a = goss_reg_adjacency(theta), out[2];
    out[0] = a, out[1] = goss_reg_graph_prior(a, 0.5, 2, 0.25);
    T_OK(world_compute(&w, GOSS_F64, out, 2));
    double prior = 0;
    for (int i = 0; i < 5; i++) {
        double degree = 0;
        for (int j = 0; j < 5; j++) {
            double v = w.out[0][i * 5 + j];
            T_CHECK(v == w.out[0][j * 5 + i] && (i == j ? v == 0 : v > 0));
            degree += v, prior += v * v + 0.25 * v;
        }
        prior -= 0.5 * log(degree + 1e-8);
    }
    T_NEAR(w.out[1][0], prior, 1e-12);
    world_free(&w);
}

enum { TASKS = 14, SAMPLES = 16, FEATURES = 10, GROUPS = 3, LONERS = 2 };

static bool is_edge(int s, int t) { return s < TASKS - LONERS && t < TASKS - LONERS && s % GROUPS == t % GROUPS; }

/* Linear tasks: those of a group lie near its weights, the last two are of their own. */
static void draw_tasks(world *w, goss_val *x, goss_val *y, uint64_t seed) {
    static double from[TASKS * FEATURES], in[TASKS * SAMPLES * FEATURES], out[TASKS * SAMPLES],
        group[GROUPS * FEATURES];
    goss__rng r = goss__rng_make(seed, 0);
    for (int i = 0; i < GROUPS * FEATURES; i++) group[i] = goss__rng_normal(&r);
    for (int t = 0; t < TASKS; t++)
        for (int d = 0; d < FEATURES; d++) {
            double own = goss__rng_normal(&r);
            from[t * FEATURES + d] = t < TASKS - LONERS ? group[t % GROUPS * FEATURES + d] + 0.3 * own : own;
        }
    for (int i = 0; i < TASKS * SAMPLES * FEATURES; i++) in[i] = goss__rng_normal(&r);
    for (int i = 0; i < TASKS * SAMPLES; i++) {
        out[i] = goss__rng_normal(&r);
        for (int d = 0; d < FEATURES; d++) out[i] += in[i * FEATURES + d] * from[i / SAMPLES * FEATURES + d];
    }
    *x = world_input(w, "x", GOSS_REAL, GOSS_SHAPE(goss_n(TASKS), goss_n(SAMPLES), goss_n(FEATURES)), in);
    *y = world_input(w, "y", GOSS_REAL, GOSS_SHAPE(goss_n(TASKS), goss_n(SAMPLES), goss_n(1)), out);
}

/* Share of (edge, no edge) pairs in which the edge has the larger weight. */
static double auc_of(const double *a) {
    double right = 0, all = 0;
    for (int e = 0; e < TASKS * TASKS; e++)
        for (int f = 0; f < TASKS * TASKS; f++) {
            int s = e / TASKS, t = e % TASKS, u = f / TASKS, v = f % TASKS;
            if (s >= t || u >= v || !is_edge(s, t) || is_edge(u, v)) continue;
            all++, right += a[e] > a[f] ? 1 : a[e] == a[f] ? 0.5 : 0;
        }
    return right / all;
}

/* Weights of the tasks and the graph that ties them are learned at once, by Adam. */
static goss_status learn_graph(uint64_t seed, double *auc, double *loner) {
    world w = world_new();
    goss_val x, y, p[2], grad[2], rate = goss_const(w.g, 0.02);
    draw_tasks(&w, &x, &y, seed);
    p[0] = goss_param(w.g, "w", GOSS_SHAPE(goss_n(TASKS), goss_n(FEATURES), goss_n(1)));
    p[1] = goss_param(w.g, "theta", GOSS_SHAPE(goss_n(TASKS), goss_n(TASKS)));
    goss_val a = goss_reg_adjacency(p[1]);
    goss_reg_options o = goss_reg_defaults();
    o.adjacency = a, o.strength = 0.5;
    goss_val loss = goss_scale(goss_norm2(goss_sub(goss_matmul(x, p[0], false, false), y)), 0.5);
    loss = goss_add(loss, goss_reg_build("laplacian", p, 1, &o));
    loss = goss_add(loss, goss_reg_graph_prior(a, 1, 1, 0));
    goss_status s = goss_grad(loss, p, 2, grad);
    goss_optimizer_param learnt[2] = {{.param = p[0], .gradient = grad[0]}, {.param = p[1], .gradient = grad[1]}};
    goss_optimizer_options adam = goss_optimizer_defaults();
    adam.kind = GOSS_ADAM;
    goss_optimizer_result step = goss_optimizer_build(&adam, learnt, 2, rate);
    if (s == GOSS_OK) s = world_open(&w, GOSS_F32, &a, 1, step.updates, step.n_updates);
    for (int i = 0; s == GOSS_OK && i < 800; i++) s = world_run(&w);
    if (s == GOSS_OK) {
        double own = 0, all = 0;
        for (int i = 0; i < TASKS * TASKS; i++) {
            all += w.out[0][i] / TASKS;
            if (i / TASKS >= TASKS - LONERS) own += w.out[0][i] / LONERS;
        }
        *auc = auc_of(w.out[0]), *loner = own / all;
    }
    err = w.err;
    world_free(&w);
    return s;
}

TEST(a_learned_graph_is_that_of_the_tasks) {
    for (uint64_t seed = 1; seed <= 3; seed++) {
        double auc = 0, loner = 0;
        T_OK(learn_graph(seed, &auc, &loner));
        if (getenv("SHOW_GAPS"))
            printf("  seed %d: AUC %.3f, degree of loners %.2f of the mean\n", (int)seed, auc, loner);
        if (!(auc > 0.9)) T_FAIL("AUC %g at seed %d", auc, (int)seed);
        T_CHECK(loner < 0.8); /* unrelated tasks have weaker ties */
    }
}

TEST_MAIN()
