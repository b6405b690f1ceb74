/* SPDX-License-Identifier: Apache-2.0 */
/* The objective "quantile" in the library: its loss and gradient by formula, the best constant, levels, ensembles,
 * metrics by hand, what baselines say, and predictors. */
#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "gossamer/distil.h"
#include "gossamer/model.h"
#include "gossamer/race.h"
#include "graph_check.h"
#include "task/task.h"
#include "wave_tasks.h"

static goss_error err;

static const goss_objective *levels(const char *name) {
    const goss_objective *o;
    T_OK(goss_objective_find(name, &o, &err));
    return o;
}

static double softplus(double s) { return log1p(exp(s)); }

/* ---- the loss ---- */

enum { N = 3, W = 2, Q = 4 };
/* Of two targets: at the level 0.4, then before a softplus 0.1 below, 0.75 and 0.9 above. */
static const double output[N][Q][W] = {{{.5, -1}, {.2, -.7}, {.4, 1.5}, {-.3, 0}},
                                       {{0, 0}, {0, 0}, {0, 0}, {0, 0}},
                                       {{1.5, 3}, {-2, 4}, {-40, 1}, {2, 30}}};
static const double target[N][W] = {{1, -2.5}, {.3, 5}, {1.4, 1}};

/* z: of the standard normal distribution at 0.1, 0.4, 0.75, 0.9. */
static void by_hand(const double at[Q][W], int w, double q[Q]) {
    static const double z[] = {-1.2815515655446004, -.2533471031357997, .6744897501960817, 1.2815515655446004};
    q[1] = at[0][w];
    q[0] = q[1] - (z[1] - z[0]) * softplus(at[1][w]) / log(2);
    q[2] = q[1] + (z[2] - z[1]) * softplus(at[2][w]) / log(2);
    q[3] = q[2] + (z[3] - z[2]) * softplus(at[3][w]) / log(2);
}

TEST(the_loss_is_its_formula_and_quantiles_do_not_cross) {
    const goss_objective *o = levels("quantile 0.1 0.4 0.75 0.9");
    T_EQ(o->numbers, Q);
    T_EQ(o->middle, 1);
    world w = world_new();
    goss_val x = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(N), goss_n(Q * W)), &output[0][0][0]);
    goss_val y = world_input(&w, "y", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(N), goss_n(W)), &target[0][0]);
    goss_val loss = o->loss(o, x, y, GOSS_NONE, 0), grad = GOSS_NONE;
    T_CHECK(goss_grad(goss_sum_all(loss), &x, 1, &grad) == GOSS_OK);
    goss_val out[] = {loss, grad, o->answer(o, x), o->quantiles(o, x)};
    if (world_compute(&w, GOSS_F64, out, 4) != GOSS_OK) T_FAIL("%s", w.err.text);
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int k = 0; k < W; k++) {
            double q[Q], slope = 0;
            by_hand(output[i], k, q);
            for (int l = 0; l < Q; l++) {
                const double off = target[i][k] - q[l], t = o->levels[l];
                sum += (off > 0 ? t * off : (t - 1) * off) / (Q * W), slope -= (off > 0 ? t : t - 1) / (Q * W);
                T_NEAR(w.out[3][i * Q * W + l * W + k], q[l], 1e-12);
                T_CHECK(l == 0 || q[l] >= q[l - 1]);
            }
            T_NEAR(w.out[2][i * W + k], output[i][0][k], 0);
            T_NEAR(w.out[1][i * Q * W + k], slope, 1e-12); /* what moves the middle one moves all */
            const double above = target[i][k] > q[3] ? .9 : -.1, unit = 1.2815515655446004 - .6744897501960817;
            T_NEAR(w.out[1][(i * Q + 3) * W + k], -above / (Q * W) * unit / log(2) / (1 + exp(-output[i][3][k])),
                   1e-12);
        }
        T_NEAR(w.out[0][i], sum, 1e-12);
    }
    world_free(&w);
}

/* Of as many levels as there can be, and of one behind a full concatenation. */
TEST(as_many_quantiles_as_there_can_be_are_in_order) {
    static const int numbers[] = {GOSS_LEVELS_MOST, 65, 64};
    double zero[GOSS_LEVELS_MOST] = {0}, level[GOSS_LEVELS_MOST];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const int n = numbers[i];
        const goss_objective *o;
        for (int k = 0; k < n; k++) level[k] = (k + 1.0) / (n + 1);
        T_OK(goss_objective_quantile(level, n, &o, &err));
        world w = world_new();
        goss_val x = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(n)), zero);
        goss_val q = o->quantiles(o, x);
        if (world_compute(&w, GOSS_F64, &q, 1) != GOSS_OK) T_FAIL("%d levels: %s", n, w.err.text);
        for (int k = 0; k < n; k++) T_NEAR(w.out[0][k], o->normal[k] - o->normal[o->middle], 1e-12);
        world_free(&w);
    }
}

TEST(outputs_of_0_are_the_quantiles_of_a_normal_distribution) {
    const goss_objective *o = levels("quantile 0.01 0.25 0.5 0.75 0.99");
    const float zero[5] = {0}, mean = 3, deviation = 2;
    double q[5];
    goss__quantiles_of(o, zero, 1, 0, (goss_target_scale){&mean, &deviation}, q);
    for (int k = 0; k < 5; k++) T_NEAR(erfc(-(q[k] - 3) / 2 / sqrt(2)) / 2, o->levels[k], 1e-12);
    for (int k = 0; k < 3; k++) T_NEAR(erfc(-goss__quantile.normal[k] / sqrt(2)) / 2, goss__quantile.levels[k], 1e-15);
}

/* The mean loss of a constant falls up to the empirical quantile and rises behind it: the closed form. */
TEST(the_best_constant_is_the_empirical_quantile) {
    enum { ROWS = 21 };
    static const double level[] = {0.05, 0.3, 0.5, 0.77, 0.9};
    double y[ROWS];
    goss__rng r = goss__rng_make(5, 1);
    for (int i = 0; i < ROWS; i++) {
        const double v = exp(goss__rng_normal(&r));
        int at = i;
        for (; at > 0 && y[at - 1] > v; at--) y[at] = y[at - 1];
        y[at] = v;
    }
    for (size_t k = 0; k < sizeof level / sizeof *level; k++) {
        const goss_objective *o;
        T_OK(goss_objective_quantile(&level[k], 1, &o, &err));
        world w = world_new();
        double at[ROWS];
        const int best = (int)ceil(level[k] * ROWS) - 1;
        goss_val c = world_input(&w, "c", GOSS_REAL, GOSS_SHAPE(goss_n(ROWS), goss_n(1), goss_n(1)), y);
        goss_val t = world_input(&w, "t", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(ROWS), goss_n(1)), y);
        const goss_shape all = GOSS_SHAPE(goss_n(ROWS), goss_n(ROWS), goss_n(1));
        goss_val loss = o->loss(o, goss_broadcast(c, all), goss_broadcast(t, all), GOSS_NONE, 0);
        loss = goss_mean(loss, GOSS_AXIS(1), false);
        if (world_compute(&w, GOSS_F64, &loss, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
        memcpy(at, w.out[0], sizeof at);
        for (int i = 0; i + 1 < ROWS; i++)
            if ((at[i] > at[i + 1]) != (i < best)) T_FAIL("level %g: not least at row %d", level[k], best);
        world_free(&w);
    }
}

TEST(quantiles_of_several_networks_are_their_means) {
    const goss_objective *o = levels("quantile 0.2 0.5 0.9");
    static const double a[] = {1, .3, -2}, b[] = {3, -.5, 4};
    world w = world_new();
    const goss_shape s = GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(3));
    goss_val each[] = {world_input(&w, "a", GOSS_REAL, s, a), world_input(&w, "b", GOSS_REAL, s, b)};
    goss_val same[] = {each[0], each[0]};
    goss_val out[] = {o->quantiles(o, o->mix(o, each, 2)), o->quantiles(o, each[0]), o->quantiles(o, each[1]),
                      o->mix(o, same, 2)};
    if (world_compute(&w, GOSS_F64, out, 4) != GOSS_OK) T_FAIL("%s", w.err.text);
    for (int k = 0; k < 3; k++) {
        T_NEAR(w.out[0][k], (w.out[1][k] + w.out[2][k]) / 2, 1e-12);
        T_NEAR(w.out[3][k], a[k], 1e-12);
    }
    world_free(&w);
}

/* ---- levels ---- */

TEST(equal_levels_are_one_objective_whose_name_finds_it) {
    const double level[] = {0.05, 0.5, 0.95}, usual[] = {0.1, 0.5, 0.9}, one = 0.9, two[] = {0.4, 0.6};
    const goss_objective *a, *b;
    T_OK(goss_objective_quantile(level, 3, &a, &err));
    T_STR(a->name, "quantile 0.05 0.5 0.95");
    T_CHECK(levels(a->name) == a);
    T_OK(goss_objective_quantile(level, 3, &b, &err));
    T_CHECK(a == b && levels("quantile 0.05, 0.5, 0.95") == a);
    T_STR(a->columns[0], "prediction");
    T_STR(a->columns[1], "q0.05");
    T_STR(a->columns[3], "q0.95");
    T_CHECK(!a->columns[4]);
    T_OK(goss_objective_quantile(usual, 3, &b, &err));
    T_CHECK(b == &goss__quantile && levels("quantile") == b);
    T_OK(goss_objective_quantile(&one, 1, &b, &err));
    T_EQ(b->middle, 0);
    T_EQ(goss_objective_width(b, 2), 2);
    T_OK(goss_objective_quantile(two, 2, &b, &err));
    T_EQ(b->middle, 0); /* the lower of two that are equally near */
}

TEST(what_are_no_levels_is_told) {
    static const struct {
        const char *name, *part;
    } bad[] = {{"quantile ", "0 levels of quantiles: 1 to 99"},
               {"quantile 0", "0 is no level of a quantile, which is between 0 and 1"},
               {"quantile 0.5 1", "1 is no level of a quantile"},
               {"quantile 0.9 0.1", "0.1 stands behind 0.9: levels are ascending"},
               {"quantile 0.5 0.5", "the level 0.5 is named twice"},
               {"quantile a", "is no list of up to 99 levels, as in 0.1, 0.5, 0.9"},
               {"quantiles",
                "there is no objective \"quantiles\"; there are classification, regression, huber, gaussian, "
                "student, quantile,"}};
    const goss_objective *o;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        T_ERR(goss_objective_find(bad[i].name, &o, &err), GOSS_E_ARGUMENT, bad[i].part);
    double many[100];
    for (int i = 0; i < 100; i++) many[i] = (i + 1) / 101.0;
    T_ERR(goss_objective_quantile(many, 100, &o, &err), GOSS_E_ARGUMENT, "100 levels");
    many[0] = NAN;
    T_ERR(goss_objective_quantile(many, 1, &o, &err), GOSS_E_ARGUMENT, "is no level");
    many[0] = .123;
    goss__alloc_fail_at(1);
    const goss_status s = goss_objective_quantile(many, 1, &o, &err);
    goss__alloc_fail_at(0);
    T_CHECK(s == GOSS_E_NOMEM && !o);
    T_OK(goss_objective_quantile(many, 1, &o, &err));
}

/* ---- metrics ---- */

static double value(const char *name, const goss_answers *a) {
    const goss_metric *m;
    T_OK(goss_metric_find(a->objective ? a->objective : &goss__quantile, name, &m, &err));
    return m->value(a);
}

TEST(metrics_are_those_worked_out_by_hand) {
    const float mean = 10, deviation = 2, y[] = {9, 10.5f, 20, 7}, weight[] = {1, 1, 1, 0};
    const double q[3] = {-.5, .25, 1}; /* in the user's units 9, 10.5 and 12 */
    float out[4][3];
    for (int i = 0; i < 4; i++) goss__quantiles_put(&goss__quantile, q, 1, 0, out[i]);
    goss_answers a = {.count = 4,
                      .outputs = 1,
                      .stride = 3,
                      .output = out[0],
                      .target = y,
                      .weight = weight,
                      .scale = {&mean, &deviation},
                      .objective = &goss__quantile};
    const double first = (0 + .5 * 1.5 + .1 * 3) / 3, second = (.1 * 1.5 + 0 + .1 * 1.5) / 3,
                 third = (.1 * 11 + .5 * 9.5 + .9 * 8) / 3;
    T_NEAR(value("pinball", &a), (first + second + third) / 3, 1e-5);
    T_NEAR(value("mae", &a), (1.5 + 0 + 9.5) / 3, 1e-5);
    a.target = (const float[]){9.01f, 10.4f, 20, 7}; /* below the levels: none, one and two of three */
    T_NEAR(value("coverage", &a), 2 / 3.0, 1e-12);
    T_NEAR(value("coverage_error", &a), (fabs(0 - .1) + fabs(2 / 3.0 - .5) + fabs(2 / 3.0 - .9)) / 3, 1e-12);
    const goss_objective *one = levels("quantile 0.9");
    a.stride = 1, a.output = (const float[]){0, 0, 0, 0}, a.objective = one; /* at 10 */
    T_NEAR(value("coverage", &a), 1 / 3.0, 1e-12);
    T_NEAR(value("pinball", &a), (.1 * .99 + .9 * .4 + .9 * 10) / 3, 1e-5);
    a.objective = NULL;
    T_CHECK(isnan(value("pinball", &a)) && isnan(value("coverage", &a)) && isnan(value("coverage_error", &a)));
    a.objective = &goss__quantile; /* answers without the other quantiles */
    T_CHECK(isnan(value("pinball", &a)));
}

/* Intervals as wide as the world hold everything, and are no better for it. */
TEST(coverage_is_judged_by_its_nominal_level) {
    const goss_metric *m;
    T_OK(goss_metric_find(&goss__gaussian, "coverage", &m, &err));
    T_NEAR(m->nominal, .95, 1e-12);
    T_CHECK(goss_metric_better(m, .93, 1) && goss_metric_better(m, .96, .9) && !goss_metric_better(m, 1, .95));
    T_CHECK(goss_metric_better(m, 1, NAN) && !goss_metric_better(m, NAN, 0));
    T_ERR(goss_metric_chooses(m, &err), GOSS_E_ARGUMENT, "coverage should be 0.95, neither more nor less");
    T_OK(goss_metric_find(levels("quantile 0.05 0.5 0.9"), "coverage", &m, &err));
    T_NEAR(m->nominal, .85, 1e-12);
    T_OK(goss_metric_find(levels("quantile 0.9"), "coverage", &m, &err));
    T_NEAR(m->nominal, .9, 1e-12);
    T_OK(goss_metric_find(&goss__quantile, "coverage", &m, &err));
    T_NEAR(m->nominal, .8, 1e-12);
    T_OK(goss_metric_find(&goss__quantile, "coverage_error", &m, &err));
    T_OK(goss_metric_chooses(m, &err));
    T_CHECK(m->nominal == 0);
}

/* ---- baselines ---- */

/* y = 1, 4, 9 ... of 12 support rows, in an order that is not theirs; two queries. */
static void draw_squares(const goss_task_source *source, uint64_t k, goss_task *t) {
    (void)source, (void)k;
    t->supports = 12, t->queries = 2, t->outputs = 1;
    for (int i = 0; i < 12; i++) {
        const int at = 1 + (i * 5) % 12;
        t->support[i] = 0, t->support_target[i] = (float)(at * at), t->support_rows[i] = i;
    }
    for (int i = 0; i < 2; i++) t->query[i] = 0, t->query_target[i] = i ? 100 : 40, t->query_rows[i] = i;
}

TEST(a_baseline_has_the_quantiles_of_its_errors) {
    static const float mean = 60, deviation = 40;
    goss_task_source s = {.spec = {.input_rank = 1,
                                   .input = {1},
                                   .supports = 12,
                                   .queries = 2,
                                   .outputs = 1,
                                   .objective = &goss__quantile,
                                   .scale = {&mean, &deviation}},
                          .tasks = 1,
                          .draw = draw_squares};
    goss_baselines_options o = goss_baselines_defaults();
    goss_baselines *b;
    const goss_metric *m;
    double got, error[12], middle = 0, want = 0;
    o.width = 1;
    T_OK(goss_baselines_fit(NULL, 0, &o, &b, &err));
    T_OK(goss_metric_find(&goss__quantile, "pinball", &m, &err));
    T_OK(goss_race_baseline(&b, goss_baseline_find("mean"), &s, NULL, NULL, m, 1, &got, NULL, NULL, &err));
    /* Ten turns of twelve rows: the first two have two rows each. */
    double y[12];
    for (int i = 0; i < 12; i++) y[i] = (1 + (i * 5) % 12) * (1 + (i * 5) % 12), middle += y[i] / 12;
    for (int i = 0; i < 12; i++) {
        double sum = 0;
        int n = 0;
        for (int k = 0; k < 12; k++)
            if (k % 10 != i % 10) sum += y[k], n++;
        int at = i;
        for (; at > 0 && error[at - 1] > y[i] - sum / n; at--) error[at] = error[at - 1];
        error[at] = y[i] - sum / n;
    }
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++) {
            static const int row[] = {1, 5, 10}; /* ceil(12 t) - 1 */
            const double off = (i ? 100 : 40) - middle - error[row[k]], t = goss__quantile.levels[k];
            want += (off > 0 ? t * off : (t - 1) * off) / 6;
        }
    T_NEAR(got / want, 1, 1e-5);
    T_OK(goss_metric_find(&goss__quantile, "mae", &m, &err)); /* of the prediction itself */
    T_OK(goss_race_baseline(&b, goss_baseline_find("mean"), &s, NULL, NULL, m, 1, &got, NULL, NULL, &err));
    T_NEAR(got, (fabs(40 - middle) + fabs(100 - middle)) / 2, 1e-4);
    goss_baselines_free(b);
}

/* ---- networks ---- */

static goss_network *adapted(const char *objective, const char *const *more) {
    const goss_task_source source = wave_source(objective, true);
    goss_data_spec data = goss_data_spec_tasks("waves", &source.spec);
    int n;
    goss_config *c;
    goss_model *m;
    goss_network *net;
    const goss_key *keys = goss_model_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "model.backbone", "dense 6; tanh", &err));
    for (; more && *more; more++) T_OK(goss_config_override(c, *more, &err));
    T_OK(goss_model_create("hypernet", c, &data, 3, &m, &err));
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        goss__rng r = goss__rng_make(9, (uint64_t)i);
        const int64_t total = goss_layout_total(goss_method_param_at(goss_model_method(m), i).layout);
        for (int64_t k = 0; k < total; k++) goss_model_values(m, i)[k] += 0.2f * (float)goss__rng_normal(&r);
    }
    T_OK(goss_model_adapt_task(m, &source, 5, NULL, NULL, &net, &err));
    goss_config_free(c), goss_model_free(m);
    return net;
}

TEST(predictors_give_quantiles_around_the_prediction) {
    static const char *const noise[] = {"hyper.condition=support, noise", "hyper.noise=4", "method.networks=5", NULL};
    float x[2 * 70], y[70], again[70], q[70 * 3], unsure[70];
    int n;
    for (int i = 0; i < 140; i++) x[i] = (float)sin(i);
    for (int i = 0; i < 2; i++) {
        goss_network *net = adapted("quantile 0.05 0.5 0.9", i ? noise : NULL);
        goss_predictor *p;
        T_CHECK(goss_network_levels(net, &n)[2] == 0.9 && n == 3);
        T_CHECK(!goss_network_tells_uncertainty(net) && (goss_network_members(net) > 1) == (i == 1));
        T_OK(goss_predictor_of_network(net, NULL, &p, &err));
        T_OK(goss_predictor_predict_quantiles(p, x, NULL, 70, y, q, &err)); /* more than a batch */
        T_OK(goss_predictor_predict(p, x, 70, again, unsure, &err));
        for (int k = 0; k < 70; k++) {
            T_CHECK(q[3 * k] < q[3 * k + 1] && q[3 * k + 1] < q[3 * k + 2]);
            T_NEAR((double)q[3 * k + 1], (double)y[k], 1e-6);
            T_CHECK(y[k] == again[k] && unsure[k] == 0);
        }
        goss_network *one;
        if (i == 1)
            T_ERR(goss_network_distil(net, x, 70, NULL, NULL, NULL, &one, &err), GOSS_E_UNSUPPORTED,
                  "a network of quantiles is not trained alone");
        goss_predictor_free(p), goss_network_free(net);
    }
    goss_network *net = adapted("regression", NULL);
    goss_predictor *p;
    T_CHECK(!goss_network_levels(net, &n) && n == 0);
    T_OK(goss_predictor_of_network(net, NULL, &p, &err));
    T_ERR(goss_predictor_predict_quantiles(p, x, NULL, 1, y, q, &err), GOSS_E_ARGUMENT,
          "a network of objective regression predicts no quantiles");
    goss_predictor_free(p), goss_network_free(net);
}

TEST_MAIN()
