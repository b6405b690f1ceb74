/* SPDX-License-Identifier: Apache-2.0 */
/* test_method.c: the few-shot methods: their gradients, what must not matter (order of examples, other tasks, padding,
 * number of threads), and that an adapted network is the method's answer. */
#include "base/alloc.h"
#include "few_shot.h"

static const few_counts small = {2, 3, 2, 2};

/* Loss gradients along a random direction of each parameter against central differences. */
static void check_gradients(const char *name, const goss_method_options *o, const char *backbone) {
    few f;
    if (few_train(&f, name, backbone, o, small) != GOSS_OK) T_FAIL("%s: %s", name, f.err.text);
    few_shake(&f, 0.05);
    if (few_run(&f) != GOSS_OK) T_FAIL("%s: %s", name, f.err.text);
    double loss = few_output(&f, 0)[0], accuracy = few_output(&f, 1)[0];
    if (!(loss > 0 && loss < 100 && accuracy >= 0 && accuracy <= 1))
        T_FAIL("%s: loss %g, accuracy %g", name, loss, accuracy);
    T_CHECK(f.loss.n_params >= 1);
    for (int i = 0; i < f.loss.n_params; i++) {
        goss_method_param p = goss_method_param_at(f.method, 0);
        for (int k = 0, seen = -1; k < goss_method_params(f.method); k++) {
            if (!goss_method_param_at(f.method, k).trained) continue;
            if (++seen == i) p = goss_method_param_at(f.method, k);
        }
        int64_t n = goss_layout_total(p.layout);
        double *v = goss_params_data(f.params, goss_params_find(f.params, p.name)), *d = few_numbers(n),
               *keep = few_numbers(n);
        goss__rng r = goss__rng_make(77, (uint64_t)i);
        if (few_run(&f) != GOSS_OK) T_FAIL("%s: %s", name, f.err.text);
        double slope = 0, side[2], eps = 1e-6;
        for (int64_t k = 0; k < n; k++)
            d[k] = goss__rng_normal(&r), keep[k] = v[k], slope += d[k] * few_output(&f, 2 + i)[k];
        for (int j = 0; j < 2; j++) {
            for (int64_t k = 0; k < n; k++) v[k] = keep[k] + (j ? eps : -eps) * d[k];
            if (few_run(&f) != GOSS_OK) T_FAIL("%s: %s", name, f.err.text);
            side[j] = few_output(&f, 0)[0];
        }
        memcpy(v, keep, (size_t)n * sizeof *v);
        double numeric = (side[1] - side[0]) / (2 * eps);
        if (!(fabs(slope - numeric) <= 1e-5 * (1 + fabs(numeric))))
            T_FAIL("%s: d loss / d %s: %.9g, by differences %.9g", name, p.name, slope, numeric);
        if (slope == 0) T_FAIL("%s: %s has no gradient", name, p.name);
        free(d), free(keep);
    }
    few_free(&f);
}

TEST(gradients_agree_with_differences) {
    static const char *const names[] = {"hypernet", "protonet", "ridge", "maml", "anil", "finetune"};
    goss_method_options o = goss_method_defaults();
    o.inner_steps = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        check_gradients(names[i], &o, few_backbone);
    }
}

TEST(gradients_with_support_statistics_and_steps) {
    goss_method_options o = goss_method_defaults();
    o.norm = GOSS_METHOD_NORM_SUPPORT;
    o.inner_steps = 2;
    o.label_smoothing = 0.1;
    o.penalty = 0.1;
    check_gradients("protonet", &o, few_backbone);
    check_gradients("hypernet", &o, few_backbone);
}

TEST(gradients_of_generated_layers) {
    static const char *const rules[] = {"head=class; *=film", "head=class; conv2.*=lowrank 2; *=shared",
                                        "head=class; conv2.*=full; conv1.w=chunked 7",
                                        "head=class; norm2.*=full; conv1.w=film"};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        goss_hyper_options h = goss_hyper_defaults();
        h.rules = rules[i];
        h.hidden = 6, h.embedding = 8, h.class_hidden = 9;
        goss_method_options o = goss_method_defaults();
        o.hyper = &h;
        o.penalty = 0.01;
        check_gradients("hypernet", &o, few_backbone);
    }
}

TEST(gradients_of_several_networks) {
    goss_hyper_options h = goss_hyper_defaults();
    h.rules = "head=class; conv2.*=lowrank 2; norm1.*=film";
    h.hidden = 6, h.embedding = 8, h.class_hidden = 9, h.noise = 4;
    goss_method_options o = goss_method_defaults();
    o.hyper = &h;
    o.networks = 3, o.penalty = 0.01, o.label_smoothing = 0.1;
    check_gradients("hypernet", &o, few_backbone);
}

/* First order differs from second order, and both from zero steps. */
TEST(first_order_differs_from_second) {
    double slab[2][4096];
    few f;
    int64_t n = 0;
    for (int k = 0; k < 2; k++) {
        if (few_train(&f, k ? "fomaml" : "maml", few_backbone, NULL, small) != GOSS_OK) T_FAIL("%s", f.err.text);
        few_shake(&f, 0.05);
        if (few_run(&f) != GOSS_OK) T_FAIL("%s", f.err.text);
        n = goss_layout_total(goss_target_layout(goss_method_target(f.method)));
        T_CHECK(n < 4096);
        memcpy(slab[k], few_output(&f, 2), (size_t)n * sizeof(double));
        few_free(&f);
    }
    double difference = 0, size = 0;
    for (int64_t i = 0; i < n; i++) difference += fabs(slab[0][i] - slab[1][i]), size += fabs(slab[1][i]);
    T_CHECK(size > 0 && difference > 1e-3 * size);
}

/* Reptile's gradient is the way back from where the steps ended. The first step sees all classes' rows of the head
 * equal and moves the head alone; after the second, Adam has moved every number of the body by the rate times (0.1 /
 * 0.19) / sqrt(0.001 / 0.001999), whatever its gradient. */
TEST(reptile_points_away_from_the_end) {
    few f;
    goss_method_options o = goss_method_defaults();
    o.inner_steps = 2;
    if (few_train(&f, "reptile", few_backbone, &o, (few_counts){1, 3, 2, 2}) != GOSS_OK) T_FAIL("%s", f.err.text);
    few_shake(&f, 0.05);
    if (few_run(&f) != GOSS_OK) T_FAIL("%s", f.err.text);
    const double *g = few_output(&f, 2);
    int moved = 0;
    int64_t n = goss_layout_total(goss_target_layout(goss_method_target(f.method)));
    for (int64_t i = 0; i < n; i++) {
        double a = fabs(g[i]);
        if (a > 0.75e-3) T_FAIL("number %lld moved by %g", (long long)i, g[i]);
        moved += fabs(a - 0.74415e-3) < 1e-5;
    }
    if (moved < n * 3 / 4) T_FAIL("only %d of %d numbers moved as they should", moved, (int)n);
    few_free(&f);
}

/* ---- what must not matter ---- */

static double largest_difference(const double *a, const double *b, int n) {
    double worst = 0;
    for (int i = 0; i < n; i++) worst = fmax(worst, fabs(a[i] - b[i]));
    return worst;
}

static const char *const all_names[] = {"hypernet", "protonet", "ridge",   "maml",    "fomaml", "anil",
                                        "reptile",  "finetune", "learned", "scratch", "pixels"};
enum { ALL = sizeof all_names / sizeof *all_names };

static goss_method_options few_steps(void) {
    goss_method_options o = goss_method_defaults();
    o.test_steps = 3;
    return o;
}

TEST(order_of_the_support_set_does_not_matter) {
    static const int order[6] = {4, 2, 5, 0, 3, 1};
    goss_method_options o = few_steps();
    for (int k = 0; k < ALL; k++) {
        few f;
        double before[2 * 6 * 3];
        if (few_test(&f, all_names[k], few_backbone, &o, small, 0, 1) != GOSS_OK)
            T_FAIL("%s: %s", all_names[k], f.err.text);
        few_shake(&f, 0.05);
        if (few_run(&f) != GOSS_OK) T_FAIL("%s: %s", all_names[k], f.err.text);
        memcpy(before, few_output(&f, 0), sizeof before);
        few_fill(&f, small, 0, order);
        if (few_run(&f) != GOSS_OK) T_FAIL("%s", f.err.text);
        double d = largest_difference(before, few_output(&f, 0), 2 * 6 * 3);
        /* Sums in another order: the last digits, which Adam's quotients of small gradients blow up. */
        if (!(d < 1e-6)) T_FAIL("%s: logits change by %g", all_names[k], d);
        few_free(&f);
    }
}

TEST(tasks_do_not_see_each_other) {
    goss_method_options o = few_steps();
    for (int k = 0; k < ALL; k++) {
        few f;
        double both[2 * 6 * 3];
        if (few_test(&f, all_names[k], few_backbone, &o, small, 0, 1) != GOSS_OK) T_FAIL("%s", f.err.text);
        few_shake(&f, 0.05);
        if (few_run(&f) != GOSS_OK) T_FAIL("%s", f.err.text);
        memcpy(both, few_output(&f, 0), sizeof both);
        for (int t = 0; t < 2; t++) {
            few_fill(&f, (few_counts){1, 3, 2, 2}, t, NULL);
            if (few_run(&f) != GOSS_OK) T_FAIL("%s", f.err.text);
            if (memcmp(both + t * 18, few_output(&f, 0), 18 * sizeof(double)) != 0)
                T_FAIL("%s: task %d alone has other logits (by %g)", all_names[k], t,
                       largest_difference(both + t * 18, few_output(&f, 0), 18));
        }
        few_free(&f);
    }
}

TEST(threads_do_not_change_bits) {
    goss_method_options o = few_steps();
    for (int k = 0; k < ALL; k++) {
        few one, two;
        if (few_test(&one, all_names[k], few_backbone, &o, small, 0, 1) != GOSS_OK) T_FAIL("%s", one.err.text);
        if (few_test(&two, all_names[k], few_backbone, &o, small, 0, 2) != GOSS_OK) T_FAIL("%s", two.err.text);
        if (few_run(&one) != GOSS_OK || few_run(&two) != GOSS_OK) T_FAIL("%s: %s", one.err.text, two.err.text);
        if (memcmp(few_output(&one, 0), few_output(&two, 0), 36 * sizeof(double)) != 0)
            T_FAIL("%s: other bits with two threads", all_names[k]);
        few_free(&one), few_free(&two);
    }
}

/* One query at a time gives what all queries together give: nothing is transductive. */
TEST(queries_do_not_see_each_other) {
    goss_method_options o = few_steps();
    for (int norm = 0; norm < 2; norm++)
        for (int k = 0; k < ALL; k++) {
            few f;
            double all[18];
            o.norm = norm ? GOSS_METHOD_NORM_SUPPORT : GOSS_METHOD_NORM_RUNNING;
            if (few_test(&f, all_names[k], few_backbone, &o, (few_counts){1, 3, 2, 2}, 0, 1) != GOSS_OK)
                T_FAIL("%s", f.err.text);
            if (few_run(&f) != GOSS_OK) T_FAIL("%s", f.err.text);
            memcpy(all, few_output(&f, 0), sizeof all);
            goss_error err = {0};
            T_OK(goss_exec_count(f.exec, "Q", 1, &err));
            T_OK(goss_exec_run(f.exec, &err));
            if (memcmp(all, few_output(&f, 0), 3 * sizeof(double)) != 0)
                T_FAIL("%s: the first query alone has other logits", all_names[k]);
            few_free(&f);
        }
}

/* Other ways and shots than the planned ones, and a padded task equal to the same one without padding. */
TEST(ways_and_shots_vary_and_padding_is_nothing) {
    goss_method_options o = few_steps();
    for (int k = 0; k < ALL; k++) {
        few f;
        double plain[8];
        if (few_test(&f, all_names[k], few_backbone, &o, small, 0, 1) != GOSS_OK) T_FAIL("%s", f.err.text);
        few_shake(&f, 0.05);
        few_fill(&f, (few_counts){1, 2, 1, 2}, 0, NULL);
        if (few_run(&f) != GOSS_OK) T_FAIL("%s", f.err.text);
        memcpy(plain, few_output(&f, 0), sizeof plain);
        /* The same task as 2 of 3 classes, the third and a third support image being padding. */
        few_fill(&f, (few_counts){1, 3, 1, 2}, 0, NULL);
        f.class_mask[2] = 0;
        for (int w = 0; w < 3; w++) f.support_target[2 * 3 + w] = f.assign[w * 3 + 2] = 0;
        if (few_run(&f) != GOSS_OK) T_FAIL("%s", f.err.text);
        const double *padded = few_output(&f, 0);
        for (int q = 0; q < 4; q++) {
            for (int w = 0; w < 2; w++)
                if (!(fabs(padded[q * 3 + w] - plain[q * 2 + w]) < 1e-6 * (1 + fabs(plain[q * 2 + w]))))
                    T_FAIL("%s: query %d class %d: %g, without padding %g", all_names[k], q, w, padded[q * 3 + w],
                           plain[q * 2 + w]);
            T_CHECK(padded[q * 3 + 2] < -1e20);
        }
        few_free(&f);
    }
}

/* ---- starting points and adapted networks ---- */

TEST(hypernet_starts_as_a_protonet) {
    few a, b;
    if (few_test(&a, "hypernet", few_backbone, NULL, small, 0, 1) != GOSS_OK) T_FAIL("%s", a.err.text);
    if (few_test(&b, "protonet", few_backbone, NULL, small, 0, 1) != GOSS_OK) T_FAIL("%s", b.err.text);
    if (few_run(&a) != GOSS_OK || few_run(&b) != GOSS_OK) T_FAIL("%s%s", a.err.text, b.err.text);
    T_CHECK(largest_difference(few_output(&a, 0), few_output(&b, 0), 36) < 1e-12);
    few_shake(&a, 0.3);
    if (few_run(&a) != GOSS_OK) T_FAIL("%s", a.err.text);
    T_CHECK(largest_difference(few_output(&a, 0), few_output(&b, 0), 36) > 1e-3);
    few_free(&a), few_free(&b);
}

/* The logits of a protonet are squared distances to class means, computed here by hand on the raw input. */
TEST(protonet_is_the_distance_to_class_means) {
    few f;
    if (few_test(&f, "protonet", "flatten", NULL, (few_counts){1, 3, 2, 2}, 0, 1) != GOSS_OK) T_FAIL("%s", f.err.text);
    if (few_run(&f) != GOSS_OK) T_FAIL("%s", f.err.text);
    for (int q = 0; q < 6; q++) {
        double by_hand[3];
        for (int w = 0; w < 3; w++) {
            by_hand[w] = 0;
            for (int i = 0; i < FEW_IMAGE; i++) {
                double mean = (f.support[(2 * w) * FEW_IMAGE + i] + f.support[(2 * w + 1) * FEW_IMAGE + i]) / 2;
                by_hand[w] -= pow(f.query[q * FEW_IMAGE + i] - mean, 2) / 6; /* 1 / sqrt(36 features) */
            }
        }
        const double *y = few_output(&f, 0) + q * 3;
        for (int w = 1; w < 3; w++) T_NEAR(y[w] - y[0], by_hand[w] - by_hand[0], 1e-9);
    }
    few_free(&f);
}

TEST(pixels_is_the_nearest_neighbour) {
    few f;
    if (few_test(&f, "pixels", "flatten", NULL, (few_counts){1, 3, 2, 2}, 0, 1) != GOSS_OK) T_FAIL("%s", f.err.text);
    if (few_run(&f) != GOSS_OK) T_FAIL("%s", f.err.text);
    for (int q = 0; q < 6; q++)
        for (int w = 0; w < 3; w++) {
            double best = 1e300;
            for (int s = 2 * w; s < 2 * w + 2; s++) {
                double d = 0;
                for (int i = 0; i < FEW_IMAGE; i++)
                    d += pow(f.query[q * FEW_IMAGE + i] - f.support[s * FEW_IMAGE + i], 2);
                best = fmin(best, d);
            }
            T_NEAR(few_output(&f, 0)[q * 3 + w], -best, 1e-9 * best);
        }
    few_free(&f);
}

/* The adapted network, given numbers by the file's hands, answers as the method does. */
static void check_adapted_on(const char *name, const char *backbone, const goss_method_options *o, int fine_tune) {
    few f;
    few_counts c = {1, 3, 2, 2};
    if (few_begin(&f, name, backbone, o, c) != GOSS_OK) T_FAIL("%s", f.err.text);
    goss_val y = goss_method_outputs(f.method, f.graph, &f.batch, fine_tune);
    if (goss_method_adapt(f.method, f.graph, &f.batch, 3, fine_tune, 0, &f.adapted, &f.err) != GOSS_OK)
        T_FAIL("%s: %s", name, f.err.text);
    T_EQ(goss_target_outputs(f.adapted.target), 3);
    T_CHECK(goss_shape_equal(goss_shape_of(f.adapted.slab),
                             GOSS_SHAPE(goss_n(1), goss_n(goss_layout_total(goss_target_layout(f.adapted.target))))));
    goss_weights *w = goss_weights_from_slab(goss_target_layout(f.adapted.target), f.adapted.slab);
    goss_weights *running = goss_weights_from_slab(goss_target_statistics(f.adapted.target), f.adapted.statistics);
    goss_target_context context = goss_target_context_defaults();
    context.norm = GOSS_NORM_RUNNING, context.running = running;
    goss_val again = goss_target_apply(f.adapted.target, f.batch.query, w, &context).logits;
    goss_weights_free(w), goss_weights_free(running);
    if (few_compile(&f, (goss_val[]){y, again}, 2, 1) != GOSS_OK) T_FAIL("%s: %s", name, f.err.text);
    few_shake(&f, 0.05);
    if (few_run(&f) != GOSS_OK) T_FAIL("%s: %s", name, f.err.text);
    double d = largest_difference(few_output(&f, 0), few_output(&f, 1), 18);
    if (!(d < 1e-9)) T_FAIL("%s: the adapted network's logits differ by %g", name, d);
    few_free(&f);
}

static void check_adapted(const char *name, const goss_method_options *o, int fine_tune) {
    check_adapted_on(name, few_backbone, o, fine_tune);
}

TEST(adapted_networks_answer_as_their_method) {
    goss_method_options o = few_steps();
    for (int k = 0; k < ALL - 1; k++) {
        check_adapted(all_names[k], &o, 0);
    }
    check_adapted("hypernet", NULL, 2);
    check_adapted("protonet", NULL, 2);
    goss_hyper_options h = goss_hyper_defaults();
    h.rules = "head=class; conv1.w=lowrank 2; conv2.*,norm2.*=film";
    o.hyper = &h;
    check_adapted("hypernet", &o, 0);
    o.norm = GOSS_METHOD_NORM_SUPPORT;
    check_adapted("protonet", &o, 0);
    char shifted[256];
    snprintf(shifted, sizeof shifted, "shifts 1; %s", few_backbone);
    check_adapted_on("protonet", shifted, &o, 0);
    check_adapted_on("hypernet", shifted, NULL, 2);
}

/* ---- errors ---- */

TEST(refusals) {
    goss_method *m;
    goss_error err = {0};
    goss_hyper_options h = goss_hyper_defaults();
    goss_method_options o = goss_method_defaults();
    T_ERR(goss_method_create("proto", few_backbone, few_input, 3, NULL, &m, &err), GOSS_E_ARGUMENT,
          "hypernet, protonet, ridge");
    T_CHECK(m == NULL);
    o.hyper = &h;
    h.rules = "conv1.*=full";
    T_ERR(goss_method_create("hypernet", few_backbone, few_input, 3, &o, &m, &err), GOSS_E_UNSUPPORTED, "head=class");
    h.rules = NULL, h.conditioner = GOSS_CONDITION_TASK, h.tasks = 4;
    T_ERR(goss_method_create("hypernet", few_backbone, few_input, 3, &o, &m, &err), GOSS_E_UNSUPPORTED,
          "class head x task id");
    o = goss_method_defaults();
    o.ridge = 0;
    T_ERR(goss_method_create("ridge", few_backbone, few_input, 3, &o, &m, &err), GOSS_E_ARGUMENT, "ridge");
    T_ERR(goss_method_create("ridge", "conv 3", few_input, 3, NULL, &m, &err), GOSS_E_ARGUMENT, "conv");
    few f;
    if (few_begin(&f, "pixels", few_backbone, NULL, small) != GOSS_OK) T_FAIL("%s", f.err.text);
    T_CHECK(!goss_method_trains(f.method));
    T_ERR(goss_method_adapt(f.method, f.graph, &f.batch, 3, 0, 0, &f.adapted, &err), GOSS_E_UNSUPPORTED, "pixels");
    goss_method_train(f.method, f.graph, &f.batch);
    T_ERR(goss_graph_status(f.graph, &err), GOSS_E_UNSUPPORTED, "nothing to train");
    few_free(&f);
}

/* Every allocation of building a method and its graphs fails once: a status or the graph's error says so, nothing leaks
 * or crashes, and what survives a failure that did no harm is whole. */
TEST(failing_allocations) {
    static const char *const names[] = {"hypernet", "maml", "reptile"};
    goss_hyper_options h = goss_hyper_defaults();
    h.rules = "head=class; conv1.w=lowrank 2; conv2.*,norm2.*=film; *=chunked 9";
    goss_method_options o = goss_method_defaults();
    o.hyper = &h;
    o.inner_steps = o.test_steps = 1;
    goss_task_spec spec = {.input_rank = 3, .outputs = 3, .supports = 6, .queries = 6};
    memcpy(spec.input, few_input, sizeof few_input);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        bool through = false;
        int refused = 0;
        for (uint64_t n = 1; !through; n += n < 400 ? 1 : n / 16) {
            goss_graph *g = goss_graph_new();
            goss_method *m = NULL;
            goss_adapted a = {0};
            goss_error err = {0};
            T_CHECK(g);
            uint64_t before = goss__alloc_count();
            goss__alloc_fail_at(n);
            goss_status s = goss_method_create(names[k], few_backbone, few_input, 3, &o, &m, &err);
            if (s == GOSS_OK) {
                goss_task_batch b = goss_task_batch_declare(g, &spec, 2);
                goss_method_train(m, g, &b);
                goss_method_outputs(m, g, &b, 0);
                s = goss_method_adapt(m, g, &b, 3, 0, 0, &a, &err);
            }
            through = goss__alloc_count() - before < n;
            goss__alloc_fail_at(0);
            if (through && s != GOSS_OK) T_FAIL("%s: %s", names[k], err.text);
            if (s != GOSS_OK && s != GOSS_E_NOMEM)
                T_FAIL("%s: allocation %d: %s: %s", names[k], (int)n, goss_status_name(s), err.text);
            refused += s == GOSS_E_NOMEM;
            goss_target_free(a.target);
            goss_method_free(m);
            goss_graph_free(g);
        }
        T_CHECK(refused > 50);
    }
}

TEST_MAIN()
