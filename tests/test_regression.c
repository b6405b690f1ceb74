/* SPDX-License-Identifier: Apache-2.0 */
/* Methods on tasks whose outputs mean the same in all of them: numbers, and classes that all tasks share. Gradients
 * against differences, what hypernetworks see, the ridge head against its closed form, refusals by name. */
#include "graph_check.h"
#include "loss_gradients.h"
#include "task/task.h"
#include "wave_tasks.h"

static const char *const net = "dense 6; tanh; dense 5; tanh";

/* ---- every method: gradients ---- */

/* The method's own gradient, along a random direction of each parameter, against central differences of its loss. */
static void check_gradients_of(goss_task_source source, const char *method, const goss_method_options *o,
                               const char *what) {
    waves w;
    if (waves_begin_of(&w, source, method, net, o) != GOSS_OK) T_FAIL("%s: %s", what, w.err.text);
    w.loss = goss_method_train(w.method, w.graph, &w.batch);
    goss_val out[10] = {w.loss.loss, w.loss.measure[0].value};
    loss_gradients(&w.loss, out + 2);
    if (waves_compile(&w, out, 2 + w.loss.n_params) != GOSS_OK) T_FAIL("%s: %s", what, w.err.text);
    waves_initialize(&w, 0.2);
    for (int k = 0, at = 0; k < goss_method_params(w.method); k++) {
        goss_method_param p = goss_method_param_at(w.method, k);
        if (!p.trained) continue;
        double *v = goss_params_data(w.params, goss_params_find(w.params, p.name)), slope = 0, side[2], eps = 1e-6;
        int64_t n = goss_layout_total(p.layout);
        double *d = calloc((size_t)n, sizeof *d), *keep = calloc((size_t)n, sizeof *keep);
        goss__rng r = goss__rng_make(55, (uint64_t)k);
        if (waves_run(&w, 1, WAVE_TASKS) != GOSS_OK) T_FAIL("%s: %s", what, w.err.text);
        const double *g = waves_output(&w, 2 + at++);
        for (int64_t i = 0; i < n; i++) d[i] = goss__rng_normal(&r), keep[i] = v[i], slope += d[i] * g[i];
        for (int j = 0; j < 2; j++) {
            for (int64_t i = 0; i < n; i++) v[i] = keep[i] + (j ? eps : -eps) * d[i];
            if (waves_run(&w, 1, WAVE_TASKS) != GOSS_OK) T_FAIL("%s: %s", what, w.err.text);
            side[j] = *waves_output(&w, 0);
        }
        memcpy(v, keep, (size_t)n * sizeof *v);
        double numeric = (side[1] - side[0]) / (2 * eps);
        if (!(fabs(slope - numeric) <= 1e-6 * (1 + fabs(numeric))) || !isfinite(slope))
            T_FAIL("%s: %s: gradient %.9g, by differences %.9g", what, p.name, slope, numeric);
        free(d), free(keep);
    }
    waves_free(&w);
}

static void check_gradients(const char *objective, const char *method, const goss_method_options *o, const char *what) {
    check_gradients_of(wave_source(objective, false), method, o, what);
}

TEST(gradients_of_every_method) {
    static const char *const methods[] = {"hypernet", "ridge", "maml", "anil", "finetune", "joint", "multitask"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        goss_method_options o = goss_method_defaults();
        goss_share_options share = goss_share_defaults();
        share.tasks = WAVE_IDS, share.rules = "head.*=shared+own; *=own+dictionary", o.share = &share;
        o.inner_steps = strcmp(methods[i], "hypernet") == 0 ? 0 : 2;
        check_gradients("regression", methods[i], &o, methods[i]);
        check_gradients("huber", methods[i], &o, methods[i]);
        check_gradients("gaussian", methods[i], &o, methods[i]);
        check_gradients("quantile", methods[i], &o, methods[i]);
        check_gradients("quantile 0.8", methods[i], &o, methods[i]);
        check_gradients("bpr", methods[i], &o, methods[i]);
        check_gradients("softmax", methods[i], &o, methods[i]);
        check_gradients("logistic", methods[i], &o, methods[i]);
        check_gradients("classification", methods[i], &o, methods[i]);
    }
}

TEST(gradients_of_targets_with_missing_components) {
    static const char *const methods[] = {"hypernet", "ridge", "maml", "joint", "multitask"};
    static const char *const objectives[] = {"regression", "huber", "gaussian", "student", "quantile", "logistic"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        for (size_t k = 0; k < sizeof objectives / sizeof *objectives; k++) {
            goss_method_options o = goss_method_defaults();
            goss_share_options share = goss_share_defaults();
            share.tasks = WAVE_IDS, share.rules = "head.*=shared+own; *=own+dictionary", o.share = &share;
            o.inner_steps = strcmp(methods[i], "maml") == 0 ? 2 : 0, o.ridge_head = i == 0 && k % 2 == 0;
            check_gradients_of(wave_partial_source(objectives[k], false), methods[i], &o, methods[i]);
        }
}

/* Any list of conditioners, with a generated head, a ridge head drawn towards it, or gradient steps behind it. */
TEST(gradients_of_hypernets_by_condition_and_head) {
    for (unsigned bits = 1; bits < GOSS_CONDITION_GRAPH; bits++) /* tasks have no graphs */
        for (int variant = 0; variant < 3; variant++) {
            char what[80];
            goss_hyper_options h = goss_hyper_defaults();
            goss_method_options o = goss_method_defaults();
            if (bits & GOSS_CONDITION_INPUT && variant > 0) continue;
            h.conditioner = bits, h.tasks = WAVE_IDS, h.descriptor = 1, h.hidden = 6, h.embedding = 8;
            h.noise = bits & GOSS_CONDITION_NOISE ? 3 : 0;
            o.hyper = &h, o.ridge_head = variant == 1, o.inner_steps = variant == 2;
            snprintf(what, sizeof what, "conditioners %u, head %d", bits, variant);
            check_gradients("regression", "hypernet", &o, what);
            check_gradients("gaussian", "hypernet", &o, what);
            check_gradients("quantile", "hypernet", &o, what);
        }
}

/* ---- what a loss is the mean over ---- */

/* The loss of tasks k, k + 1, ... whose first one has two queries that count and the others all. */
static double loss_of(bool by_samples, uint64_t k, int tasks) {
    waves w;
    goss_method_options o = goss_method_defaults();
    o.by_samples = by_samples;
    if (waves_begin(&w, "regression", "joint", net, &o, false) != GOSS_OK) T_FAIL("%s", w.err.text);
    w.loss = goss_method_train(w.method, w.graph, &w.batch);
    goss_val out[2] = {w.loss.loss, w.loss.measure[0].value};
    if (waves_compile(&w, out, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    waves_initialize(&w, 0.2);
    T_CHECK(waves_run(&w, k, tasks) == GOSS_OK);
    for (int i = 2; k == 0 && i < WAVE_QUERY; i++) w.pack.query_weight[i] = 0;
    if (waves_bind(&w) != GOSS_OK || goss_exec_run(w.exec, &w.err) != GOSS_OK) T_FAIL("%s", w.err.text);
    const double loss = *waves_output(&w, 0);
    waves_free(&w);
    return loss;
}

TEST(a_loss_is_the_mean_over_tasks_or_over_samples) {
    const double few = loss_of(false, 0, 1), all[2] = {loss_of(false, 1, 1), loss_of(false, 2, 1)};
    T_CHECK(fabs(few - all[0]) > 1e-3);
    T_NEAR(loss_of(false, 0, 3), (few + all[0] + all[1]) / 3, 1e-12);
    T_NEAR(loss_of(true, 0, 3), (2 * few + WAVE_QUERY * (all[0] + all[1])) / (2 + 2 * WAVE_QUERY), 1e-12);
}

/* ---- missing components ---- */

/* Loss and score of tasks whose missing targets are encoded as `filler`. */
static void partial_loss(const char *objective, float filler, double out[2]) {
    waves w;
    if (waves_begin_of(&w, wave_partial_source(objective, false), "joint", net, NULL) != GOSS_OK)
        T_FAIL("%s", w.err.text);
    w.loss = goss_method_train(w.method, w.graph, &w.batch);
    goss_val y[2] = {w.loss.loss, w.loss.measure[0].value};
    if (waves_compile(&w, y, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    waves_initialize(&w, 0.2);
    T_CHECK(waves_run(&w, 0, WAVE_TASKS) == GOSS_OK);
    int missing = 0;
    for (int i = 0; i < w.pack.tasks * w.pack.queries * 2; i++)
        if (w.pack.query_known[i] == 0) {
            T_CHECK(w.pack.query_target[i] == 0);
            w.pack.query_target[i] = filler, missing++;
        }
    T_CHECK(missing > 5);
    if (waves_bind(&w) != GOSS_OK || goss_exec_run(w.exec, &w.err) != GOSS_OK) T_FAIL("%s", w.err.text);
    for (int i = 0; i < 2; i++) out[i] = *waves_output(&w, i);
    waves_free(&w);
}

TEST(what_stands_for_a_missing_component_changes_nothing) {
    static const char *const objectives[] = {"regression", "huber", "gaussian", "student", "quantile"};
    for (size_t i = 0; i < sizeof objectives / sizeof *objectives; i++) {
        double a[2], b[2];
        partial_loss(objectives[i], 0, a), partial_loss(objectives[i], 7, b);
        T_CHECK(isfinite(a[0]) && isfinite(a[1]) && a[0] == b[0] && a[1] == b[1]);
    }
}

/* With every component there a partial spec changes nothing, and a loss is the mean over those that are. */
TEST(the_loss_of_a_sample_is_the_mean_over_its_known_components) {
    static const double output[] = {.5, -1, 2, -.7, 3, 5}, target[] = {1, -2, 0, .5, 4, 1};
    static const double some[] = {1, 0, 1, 1, 0, 0}, all[] = {1, 1, 1, 1, 1, 1};
    world w = world_new();
    const goss_extent one = goss_n(1), three = goss_n(3), two = goss_n(2);
    goss_val x = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(one, three, two), output);
    goss_val y = world_input(&w, "y", GOSS_REAL, GOSS_SHAPE(one, three, two), target);
    goss_val known = world_input(&w, "known", GOSS_REAL, GOSS_SHAPE(one, three, two), some);
    goss_val whole = world_input(&w, "whole", GOSS_REAL, GOSS_SHAPE(one, three, two), all);
    const goss_objective *o = &goss__regression;
    goss_val out[] = {o->loss(o, x, y, known, 0), o->loss(o, x, y, whole, 0), o->loss(o, x, y, GOSS_NONE, 0),
                      o->score(o, x, y, known)};
    if (world_compute(&w, GOSS_F64, out, 4) != GOSS_OK) T_FAIL("%s", w.err.text);
    T_NEAR(w.out[0][0], .25, 1e-12);
    T_NEAR(w.out[0][1], (4 + 1.44) / 2, 1e-12);
    T_CHECK(w.out[0][2] == 0); /* nothing is known */
    for (int i = 0; i < 3; i++) {
        T_NEAR(w.out[1][i], w.out[2][i], 1e-12);
        T_NEAR(w.out[3][i], w.out[0][i], 1e-12);
    }
    world_free(&w);
}

/* ---- the loss of a normal distribution ---- */

static double bounded(double s) { return GOSS__LOG_VARIANCE_BOUND * tanh(s / GOSS__LOG_VARIANCE_BOUND); }

static double normal_loss(double mean, double s, double y) {
    return (log(2 * M_PI) + bounded(s) + (y - mean) * (y - mean) / exp(bounded(s))) / 2;
}

/* Of 2 numbers a target: their means, then their log variances; finite wherever the network goes. */
TEST(the_gaussian_loss_is_its_formula_and_is_bounded) {
    static const double output[] = {.5, -1, .2, -.7, 0, 0, 3, 5, 4, 1, 400, -400}, target[] = {1, -2, 0, .5, 4, 1};
    const goss_objective *o = &goss__gaussian;
    world w = world_new();
    goss_val x = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(3), goss_n(4)), output);
    goss_val y = world_input(&w, "y", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(3), goss_n(2)), target);
    goss_val loss = o->loss(o, x, y, GOSS_NONE, 0), grad = GOSS_NONE;
    T_CHECK(goss_grad(goss_sum_all(loss), &x, 1, &grad) == GOSS_OK);
    goss_val out[] = {loss, grad, o->answer(o, x), o->variance(x), o->score(o, x, y, GOSS_NONE)};
    if (world_compute(&w, GOSS_F64, out, 5) != GOSS_OK) T_FAIL("%s", w.err.text);
    for (int i = 0; i < 3; i++) {
        const double *p = output + 4 * i, *t = target + 2 * i;
        T_NEAR(w.out[0][i], (normal_loss(p[0], p[2], t[0]) + normal_loss(p[1], p[3], t[1])) / 2, 1e-12);
        for (int k = 0; k < 2; k++) {
            T_NEAR(w.out[2][2 * i + k], p[k], 0);
            T_NEAR(w.out[3][2 * i + k], exp(bounded(p[2 + k])), 1e-9);
        }
        T_NEAR(w.out[4][i], ((p[0] - t[0]) * (p[0] - t[0]) + (p[1] - t[1]) * (p[1] - t[1])) / 2, 1e-12);
    }
    for (int i = 0; i < 12; i++) T_CHECK(isfinite(w.out[1][i]));
    T_NEAR(w.out[1][0], -.5 * (1 - .5) / exp(bounded(.2)), 1e-12);
    world_free(&w);
}

/* Student's t of 4 degrees of freedom and that variance: its integral is 1 and its second moment the variance. */
TEST(the_student_loss_is_a_density_of_that_variance) {
    enum { N = 4001 };
    const double log_variance = -.7, step = .05;
    const goss_objective *o = &goss__student;
    static double output[2 * N], target[N];
    for (int i = 0; i < N; i++) output[2 * i] = 1.5, output[2 * i + 1] = log_variance, target[i] = (i - N / 2) * step;
    world w = world_new();
    goss_val x = world_input(&w, "x", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(N), goss_n(2)), output);
    goss_val y = world_input(&w, "y", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(N), goss_n(1)), target);
    goss_val out[] = {o->loss(o, x, y, GOSS_NONE, 0), o->variance(x)};
    if (world_compute(&w, GOSS_F64, out, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    double mass = 0, second = 0;
    for (int i = 0; i < N; i++) {
        const double p = exp(-w.out[0][i]) * step;
        mass += p, second += p * (target[i] - 1.5) * (target[i] - 1.5);
    }
    T_NEAR(mass, 1, 1e-4);
    T_NEAR(second / w.out[1][0], 1, 0.01);
    world_free(&w);
}

/* Four samples and one of padding, in two tasks of different order; each task by its formula, padding by nothing. */
TEST(ranking_losses_are_their_formulas_and_do_not_see_padding) {
    enum { T = 2, N = 5 };
    static const double s[T][N] = {{.5, -1, 2, .1, 9}, {3, 1, -2, 0, -9}};
    static const double y[T][N] = {{1, 2, 0, 1, 5}, {-1, 0, 1, 2, 7}}, w[T][N] = {{1, 1, 1, 1, 0}, {1, 1, 1, 1, 0}};
    world at = world_new();
    const goss_shape flat = GOSS_SHAPE(goss_n(T), goss_n(N)), deep = GOSS_SHAPE(goss_n(T), goss_n(N), goss_n(1));
    goss_val x = world_input(&at, "x", GOSS_REAL, deep, &s[0][0]), t = world_input(&at, "t", GOSS_REAL, deep, &y[0][0]);
    goss_val weight = world_input(&at, "w", GOSS_REAL, flat, &w[0][0]), grad = GOSS_NONE;
    goss_val pairs = goss__bpr.among(x, t, weight), list = goss__softmax.among(x, t, weight);
    goss_val sum = goss_sum_all(goss_mul(goss_add(pairs, list), weight));
    T_CHECK(goss_grad(sum, &x, 1, &grad) == GOSS_OK);
    goss_val out[] = {pairs, list, grad};
    if (world_compute(&at, GOSS_F64, out, 3) != GOSS_OK) T_FAIL("%s", at.err.text);
    for (int k = 0; k < T; k++) {
        double wanted = 0, said = 0, level = 0;
        for (int i = 0; i < N - 1; i++) wanted += exp(y[k][i]), said += exp(s[k][i]);
        for (int i = 0; i < N - 1; i++) {
            double loss = 0;
            int n = 0;
            for (int j = 0; j < N - 1; j++)
                if (y[k][j] < y[k][i]) loss += log1p(exp(s[k][j] - s[k][i])), n++;
            T_NEAR(at.out[0][k * N + i], n ? loss / n : 0, 1e-12);
            T_NEAR(at.out[1][k * N + i], -4 * exp(y[k][i]) / wanted * (s[k][i] - log(said)), 1e-12);
            level += at.out[2][k * N + i];
        }
        T_NEAR(at.out[2][k * N + N - 1], 0, 0); /* of padding */
        T_NEAR(level, 0, 1e-12);                /* scores count by their differences alone */
    }
    world_free(&at);
}

/* Of several networks: the moments of the mixture, in the same form. */
TEST(gaussian_networks_are_mixed_by_their_moments) {
    static const double a[] = {1, .3}, b[] = {3, -.5};
    const goss_objective *o = &goss__gaussian;
    world w = world_new();
    goss_val each[] = {world_input(&w, "a", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(2)), a),
                       world_input(&w, "b", GOSS_REAL, GOSS_SHAPE(goss_n(1), goss_n(1), goss_n(2)), b)};
    goss_val both = o->mix(o, each, 2), same = o->mix(o, (goss_val[]){each[0], each[0]}, 2);
    goss_val out[] = {o->answer(o, both), o->variance(both), same};
    if (world_compute(&w, GOSS_F64, out, 3) != GOSS_OK) T_FAIL("%s", w.err.text);
    T_NEAR(w.out[0][0], 2, 1e-12);
    T_NEAR(w.out[1][0], (exp(bounded(.3)) + exp(bounded(-.5))) / 2 + 1, 1e-9);
    T_NEAR(w.out[2][0], 1, 1e-12);
    T_NEAR(w.out[2][1], .3, 1e-9);
    world_free(&w);
}

/* ---- outputs ---- */

/* Two tasks of a batch get what each gets alone: padding and neighbours change nothing. */
static void check_alone(const char *objective, const char *method, const goss_method_options *o) {
    waves w;
    if (waves_begin(&w, objective, method, net, o, false) != GOSS_OK) T_FAIL("%s: %s", method, w.err.text);
    goss_val y =
        w.source.spec.objective->answer(w.source.spec.objective, goss_method_outputs(w.method, w.graph, &w.batch, 0));
    if (waves_compile(&w, &y, 1) != GOSS_OK) T_FAIL("%s: %s", method, w.err.text);
    waves_initialize(&w, 0.2);
    double both[2 * WAVE_QUERY];
    T_CHECK(waves_run(&w, 3, 2) == GOSS_OK); /* 5 and 2 support samples; a task that has a number and a new one */
    memcpy(both, waves_output(&w, 0), sizeof both);
    for (int t = 0; t < 2; t++) {
        if (waves_run(&w, 3 + (uint64_t)t, 1) != GOSS_OK) T_FAIL("%s: %s", method, w.err.text);
        for (int i = 0; i < WAVE_QUERY; i++) T_NEAR(waves_output(&w, 0)[i], both[t * WAVE_QUERY + i], 1e-12);
    }
    waves_free(&w);
}

TEST(a_task_alone_is_as_in_a_batch) {
    static const char *const methods[] = {"hypernet", "ridge", "maml", "reptile", "scratch", "joint", "multitask"};
    goss_hyper_options h = goss_hyper_defaults();
    goss_method_options o = goss_method_defaults();
    h.conditioner = GOSS_CONDITION_SUPPORT | GOSS_CONDITION_TASK | GOSS_CONDITION_DESCRIPTOR;
    goss_share_options share = goss_share_defaults();
    h.tasks = WAVE_IDS, h.descriptor = 1;
    share.tasks = WAVE_IDS, share.rules = "head.*=shared+own; *=own+routing";
    o.hyper = &h, o.share = &share, o.test_steps = 3;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        check_alone("regression", methods[i], &o), check_alone("gaussian", methods[i], &o),
            check_alone("quantile", methods[i], &o);
}

/* With an embedding that is the input itself the head is the posterior mean of Bayesian linear regression: by the
 * normal equations of 3 unknowns, prior mean the target's head, prior precision ridge (bias) and ridge F (weights). */
TEST(the_ridge_head_is_its_closed_form) {
    waves w;
    goss_method_options o = goss_method_defaults();
    o.ridge = 0.3;
    if (waves_begin(&w, "regression", "ridge", "head", &o, true) != GOSS_OK) T_FAIL("%s", w.err.text);
    goss_val y = goss_method_outputs(w.method, w.graph, &w.batch, 0);
    if (waves_compile(&w, &y, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
    waves_initialize(&w, 0.4);
    T_CHECK(waves_run(&w, 2, 1) == GOSS_OK);
    const double *w0 = goss_params_data(w.params, goss_params_find(w.params, "target"));
    const double *spread = goss_params_data(w.params, goss_params_find(w.params, "head"));
    double a[3][4] = {{0}}, theta[3];
    for (int i = 0; i < 3; i++) {
        double deviation = exp(spread[i]) / sqrt(o.ridge * (i < 2 ? 2 : 1));
        a[i][i] = 1 / (deviation * deviation);
    }
    for (int s = 0; s < WAVE_SUPPORT; s++) {
        double x[3] = {(double)w.pack.support[2 * s], (double)w.pack.support[2 * s + 1], 1};
        double off = (double)w.pack.support_target[s] - w0[0] * x[0] - w0[1] * x[1] - w0[2];
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) a[i][j] += x[i] * x[j];
            a[i][3] += x[i] * off;
        }
    }
    for (int i = 0; i < 3; i++)
        for (int k = i + 1; k < 3; k++)
            for (int j = 3; j >= i; j--) a[k][j] -= a[k][i] / a[i][i] * a[i][j];
    for (int i = 2; i >= 0; i--) {
        theta[i] = a[i][3];
        for (int j = i + 1; j < 3; j++) theta[i] -= a[i][j] * theta[j];
        theta[i] /= a[i][i];
    }
    for (int q = 0; q < WAVE_QUERY; q++) {
        double x[3] = {(double)w.pack.query[2 * q], (double)w.pack.query[2 * q + 1], 1}, want = 0;
        for (int i = 0; i < 3; i++) want += (w0[i] + theta[i]) * x[i];
        T_NEAR(waves_output(&w, 0)[q], want, 1e-9);
    }
    waves_free(&w);
}

/* Answers of a ridge head to task 2, where support sample `without` does not count. */
static void ridge_answers(bool partial, int without, double *out) {
    waves w;
    goss_method_options o = goss_method_defaults();
    goss_task_source s = partial ? wave_partial_source("regression", true) : wave_source("regression", true);
    if (waves_begin_of(&w, s, "ridge", "head", &o) != GOSS_OK) T_FAIL("%s", w.err.text);
    goss_val y = goss_method_outputs(w.method, w.graph, &w.batch, 0);
    if (waves_compile(&w, &y, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
    waves_initialize(&w, 0);
    const int at = goss_params_find(w.params, "target");
    memset(goss_params_data(w.params, at), 0, (size_t)goss_params_numel(w.params, at) * sizeof(double));
    T_CHECK(waves_run(&w, 2, 1) == GOSS_OK);
    for (int i = 0; i < WAVE_SUPPORT; i++)
        if (partial) T_CHECK(w.pack.support_known[2 * i] == ((i + 2) % 5 != 3) && w.pack.support_weight[i] == 1);
    if (without >= 0) w.pack.support_weight[without] = 0;
    if (waves_bind(&w) != GOSS_OK || goss_exec_run(w.exec, &w.err) != GOSS_OK) T_FAIL("%s", w.err.text);
    memcpy(out, waves_output(&w, 0), (size_t)(WAVE_QUERY * (partial ? 2 : 1)) * sizeof *out);
    waves_free(&w);
}

/* Each component is that of a task of one number, on the samples that have it: of task 2 sample 1 lacks the first. */
TEST(a_ridge_head_of_partial_targets_is_one_a_component) {
    double both[2 * WAVE_QUERY], first[WAVE_QUERY];
    ridge_answers(true, -1, both), ridge_answers(false, 1, first);
    for (int i = 0; i < WAVE_QUERY; i++) T_NEAR(both[2 * i], first[i], 1e-9);
}

/* ---- codes of new tasks ---- */

static double support_error(unsigned conditioner, int steps, uint64_t task) {
    waves w;
    goss_hyper_options h = goss_hyper_defaults();
    goss_method_options o = goss_method_defaults();
    h.conditioner = conditioner, h.tasks = WAVE_IDS;
    o.hyper = &h, o.code_steps = steps;
    if (waves_begin(&w, "regression", "hypernet", net, &o, true) != GOSS_OK) T_FAIL("%s", w.err.text);
    /* The support set is asked for, too. */
    w.batch.query = w.batch.support, w.batch.Q = w.batch.S;
    goss_val y = goss_method_outputs(w.method, w.graph, &w.batch, 0);
    goss_val error = goss_mean_all(goss_squared_error(y, w.batch.support_target));
    if (waves_compile(&w, &error, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
    waves_initialize(&w, 0.3);
    if (waves_run(&w, task, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
    double value = *waves_output(&w, 0);
    waves_free(&w);
    return value;
}

TEST(the_code_of_a_new_task_is_found_on_its_support_set_and_that_of_a_known_one_stays) {
    double few = support_error(GOSS_CONDITION_TASK, 1, 9), many = support_error(GOSS_CONDITION_TASK, 40, 9);
    if (!(many < 0.8 * few)) T_FAIL("40 steps leave %g of %g", many, few);
    T_NEAR(support_error(GOSS_CONDITION_TASK, 1, 2), support_error(GOSS_CONDITION_TASK, 40, 2), 0);
}

/* ---- tasks that share weights ---- */

static double shared_error(const char *preset, int steps, int fine_tune, uint64_t task) {
    waves w;
    goss_share_options share = goss_share_defaults();
    goss_method_options o = goss_method_defaults();
    share.tasks = WAVE_IDS, share.preset = preset;
    o.share = &share, o.test_steps = steps, o.inner_rate = 0.03;
    if (waves_begin(&w, "regression", "multitask", net, &o, true) != GOSS_OK) T_FAIL("%s", w.err.text);
    w.batch.query = w.batch.support, w.batch.Q = w.batch.S; /* the support set is asked for */
    goss_val y = goss_method_outputs(w.method, w.graph, &w.batch, fine_tune);
    goss_val error = goss_mean_all(goss_squared_error(y, w.batch.support_target));
    if (waves_compile(&w, &error, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
    waves_initialize(&w, 0.3);
    if (waves_run(&w, task, 1) != GOSS_OK) T_FAIL("%s", w.err.text);
    double value = *waves_output(&w, 0);
    waves_free(&w);
    return value;
}

TEST(a_new_task_takes_steps_from_the_mean_and_a_known_one_stays) {
    static const char *const presets[] = {"alone", "joint", "hard", "stitch", "routing"};
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        T_NOTE("%s", presets[i]);
        double few = shared_error(presets[i], 1, 0, 9), many = shared_error(presets[i], 60, 0, 9);
        if (!(many < 0.5 * few)) T_FAIL("%s: 60 steps leave %g of %g", presets[i], many, few);
        few = shared_error(presets[i], 1, 0, 2), many = shared_error(presets[i], 60, 0, 2);
        T_NEAR(few, many, 0);
        T_CHECK(shared_error(presets[i], 1, 60, 2) < 0.5 * few); /* who asks for steps has them */
    }
}

/* ---- refusals ---- */

TEST(what_has_no_meaning_is_refused_by_name) {
    static const struct {
        const char *objective, *method, *part;
    } cases[] = {{"regression", "protonet", "protonet has no meaning for regression: it compares class means"},
                 {"regression", "pixels", "pixels has no meaning for regression"},
                 {"huber", "protonet", "no meaning for huber"}};
    goss_error err;
    waves w = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        w.source = wave_source(cases[i].objective, false);
        T_ERR(waves_method(&w, cases[i].method, net, NULL, &err), GOSS_E_UNSUPPORTED, cases[i].part);
    }
    goss_hyper_options h = goss_hyper_defaults();
    goss_method_options o = goss_method_defaults();
    o.hyper = &h;
    T_ERR(waves_method(&w, "multitask", net, &o, &err), GOSS_E_UNSUPPORTED, "it needs tasks that have numbers");
    h.conditioner = GOSS_CONDITION_TASK;
    T_ERR(waves_method(&w, "hypernet", net, &o, &err), GOSS_E_UNSUPPORTED, "tasks that have a number");
    h.conditioner = GOSS_CONDITION_INPUT, o.ridge_head = true;
    T_ERR(waves_method(&w, "hypernet", net, &o, &err), GOSS_E_UNSUPPORTED, "every row has weights of its own");
    h = goss_hyper_defaults(), h.rules = "head=class; *=shared", o.ridge_head = false;
    T_ERR(waves_method(&w, "hypernet", net, &o, &err), GOSS_E_UNSUPPORTED, "class head x fixed head");
    int64_t input[3] = {6, 6, 1};
    goss_method *m;
    T_ERR(goss_method_create("joint", "conv 4 3; flatten", input, 3, NULL, &m, &err), GOSS_E_UNSUPPORTED,
          "classes of their own");
}

TEST_MAIN()
