/* SPDX-License-Identifier: Apache-2.0 */
/* Sharing of weights between tasks: gradients of every part to order 2, starting values, formulas, new tasks,
 * published names, refusals. */
#include "share_check.h"

/* ---- gradients ---- */

static void check_gradients(const char *rules, const goss_gate_options *gates, bool noisy) {
    shared s;
    goss_share_options o = options(rules);
    o.gates = gates, o.temperature = 0.8;
    begin(&s, net, &o, noisy);
    const int64_t n = total(&s);
    const goss_shape slab = GOSS_SHAPE(goss_n(n));
    goss_val y = goss_target_apply(s.target, s.x, s.weights, NULL).logits, p = param(&s), g, h;
    goss_val d = world_normal(&s.w, "d", slab), e = world_normal(&s.w, "e", slab);
    goss_val out[3] = {goss_mean_all(goss_square(goss_tanh(y)))};
    T_CHECK(goss_grad(out[0], &p, 1, &g) == GOSS_OK);
    out[1] = goss_sum_all(goss_mul(g, d));
    T_CHECK(goss_grad(out[1], &p, 1, &h) == GOSS_OK);
    out[2] = goss_sum_all(goss_mul(h, e));
    if (world_open(&s.w, GOSS_F64, out, 3, NULL, 0) != GOSS_OK) T_FAIL("%s: %s", rules, s.w.err.text);
    double *keep = start(&s), *at = calloc((size_t)n, sizeof *at), side[2][2], eps = 1e-5;
    goss__rng r = goss__rng_make(5, 1);
    for (int64_t i = 0; i < n; i++) keep[i] += 0.2 * goss__rng_normal(&r);
    goss_exec_seed(s.w.exec, 3, 1);
    world_set_param(&s.w, "share", keep);
    T_CHECK(world_run(&s.w) == GOSS_OK);
    const double slope = s.w.out[1][0], curve = s.w.out[2][0];
    for (int by = 0; by < 2; by++) /* along d the value, along e its slope */
        for (int j = 0; j < 2; j++) {
            for (int64_t i = 0; i < n; i++) at[i] = keep[i] + (j ? eps : -eps) * world_numbers(&s.w, by ? "e" : "d")[i];
            world_set_param(&s.w, "share", at);
            T_CHECK(world_run(&s.w) == GOSS_OK);
            side[by][j] = s.w.out[by][0];
        }
    T_NOTE("%s, gates %s", rules, gates ? goss_gate_kind_name(gates->kind) : "none");
    T_NEAR(slope, (side[0][1] - side[0][0]) / (2 * eps), 1e-7 * (1 + fabs(slope)));
    T_NEAR(curve, (side[1][1] - side[1][0]) / (2 * eps), 1e-6 * (1 + fabs(curve)));
    T_CHECK(fabs(slope) > 1e-9 && isfinite(curve));
    free(keep), free(at);
    end(&s);
}

static const char *const parts[] = {"shared",    "own",      "dictionary 3", "tensor_train 2",
                                    "routing 3", "ordering", "stitch",       "merged"};
enum { PARTS = sizeof parts / sizeof *parts };

TEST(gradients_of_every_part_and_of_sums_to_order_2) {
    char rules[80];
    for (int i = 0; i < PARTS; i++) {
        snprintf(rules, sizeof rules, "*=%s", parts[i]);
        check_gradients(rules, NULL, false);
        check_gradients(rules, NULL, true);
        for (int k = 0; k < PARTS; k++) {
            snprintf(rules, sizeof rules, "*=%s+%s", parts[i], parts[k]);
            check_gradients(rules, NULL, true);
        }
    }
}

TEST(gradients_of_gates_on_parts_to_order_2) {
    for (int k = 0; k <= GOSS_GATE_HARD_CONCRETE; k++) {
        const goss_gate_options gates = goss_gate_defaults((goss_gate_kind)k);
        check_gradients("*=shared+own", &gates, true);
        check_gradients("head.*=own; *=shared+dictionary+routing", &gates, true);
    }
}

/* ---- values ---- */

/* Every tensor begins as the target itself has it, or, where codes mix random tensors, as large. */
TEST(tasks_start_from_the_targets_own_numbers) {
    static const struct {
        const char *rules;
        bool same;
    } cases[] = {{"*=shared", true},
                 {"*=own", true},
                 {"*=stitch", true},
                 {"*=shared+own", true},
                 {"*=own+own", true},
                 {"*=own+stitch", true},
                 {"*=shared+routing", true},
                 {"*=own+dictionary", true},
                 {"*=shared+tensor_train", true},
                 {"*=shared+ordering", true},
                 {"*=dictionary", false},
                 {"*=tensor_train", false},
                 {"*=ordering", false},
                 {"*=routing", false},
                 {"*=merged", true}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (int gated = 0; gated < 2; gated++) {
            shared s;
            goss_share_options o = options(cases[c].rules);
            const goss_gate_options gates = goss_gate_defaults(GOSS_GATE_SIGMOID);
            if (gated && !strchr(cases[c].rules, '+')) continue;
            if (gated) o.gates = &gates;
            begin(&s, "dense 40; norm layer; tanh; dense 40; tanh", &o, false);
            const goss_layout *l = goss_target_layout(s.target);
            double *values = start(&s);
            float *want = calloc((size_t)goss_layout_total(l), sizeof *want);
            goss_layout_initialize(l, 3, want);
            for (int i = 0; i < goss_layout_count(l); i++) {
                const goss_entry *e = goss_layout_entry(l, i);
                goss_val v = goss_weights_get(s.weights, e->name);
                compute(&s, &v, 1, values);
                double power = 0, expected = 0;
                T_NOTE("%s: %s", cases[c].rules, e->name);
                for (int64_t k = 0; k < s.w.numel[0]; k++) {
                    const double w = (double)want[e->offset + k % e->numel], got = s.w.out[0][k];
                    if (cases[c].same || goss_entry_deviation(e) == 0)
                        T_NEAR(got, w, 0.2 * fabs(w) * !cases[c].same + 1e-6);
                    power += got * got, expected += w * w;
                }
                const double ratio = power / (expected > 0 ? expected : 1), least = c == 13 ? 0.3 : 0.6;
                if (e->numel > 100 && (ratio < least || ratio > 1.6))
                    T_FAIL("%s: %s: %g of the variance", cases[c].rules, e->name, ratio);
            }
            free(values), free(want);
            end(&s);
        }
}

/* A later part has a gradient, though it is 0. */
TEST(a_later_part_is_not_stuck_at_0) {
    for (int i = 0; i < PARTS; i++) {
        shared s;
        char rules[80];
        snprintf(rules, sizeof rules, "*.b=shared+%s; *=shared", parts[i]);
        goss_share_options o = options(rules);
        begin(&s, net, &o, false);
        const goss_layout *l = goss_share_layout(s.share);
        goss_val p = param(&s), g;
        goss_val y = goss_target_apply(s.target, s.x, s.weights, NULL).logits;
        T_CHECK(goss_grad(goss_mean_all(goss_square(goss_shift(y, 1))), &p, 1, &g) == GOSS_OK);
        double *values = start(&s), moved = 0;
        compute(&s, &g, 1, values);
        for (int k = 0; k < goss_layout_count(l); k++) {
            const goss_entry *e = goss_layout_entry(l, k);
            if (strcmp(e->name + strlen(e->name) - 7, ".shared") == 0) continue;
            for (int64_t j = 0; j < e->numel; j++) moved += fabs(s.w.out[0][e->offset + j]);
        }
        if (!(moved > 1e-6)) T_FAIL("%s: no gradient", rules);
        free(values);
        end(&s);
    }
}

static double softmax3(const double *l, int k) {
    double sum = 0;
    for (int i = 0; i < 3; i++) sum += exp(l[i]);
    return exp(l[k]) / sum;
}

/* dense1.w of a task, by hand from the learned numbers, which are random. */
static double by_hand(const shared *s, double *v, int part, int t, int i) {
    double sum = 0;
    switch (part) {
    case 0:
        return entry(s, v, "dense1.w.shared")[i];
    case 1:
        return entry(s, v, "dense1.w.own")[t * 6 + i];
    case 2:
        for (int k = 0; k < 3; k++)
            sum += entry(s, v, "dense1.dictionary3")[t * 3 + k] * entry(s, v, "dense1.w.dictionary")[k * 6 + i];
        return sum;
    case 3: /* [2,3]: rows i / 3, columns i % 3 */
        for (int q = 0; q < 2; q++)
            for (int r = 0; r < 2; r++)
                sum += entry(s, v, "dense1.w.train1")[i / 3 * 2 + r] *
                       entry(s, v, "dense1.w.train2")[(r * 3 + i % 3) * 2 + q] *
                       entry(s, v, "dense1.tensor_train2")[t * 2 + q];
        return sum;
    case 4:
        for (int k = 0; k < 3; k++)
            sum += softmax3(entry(s, v, "dense1.routing3") + t * 3, k) * entry(s, v, "dense1.w.routing")[k * 6 + i];
        return sum;
    case 5: {
        const double *l = entry(s, v, "dense1.ordering2") + t * 2, *b = entry(s, v, "bank2.2x3.w");
        for (int k = 0; k < 2; k++) sum += exp(l[k]) / (exp(l[0]) + exp(l[1])) * b[k * 6 + i];
        return sum;
    }
    case 6:
        for (int u = 0; u < N; u++)
            sum += entry(s, v, "dense1.stitch4")[t * N + u] * entry(s, v, "dense1.w.stitch")[u * 6 + i];
        return sum;
    default: {
        const double degree = 1 / (1 + exp(-entry(s, v, "dense1.merged4")[t]));
        for (int u = 0; u < N; u++) sum += entry(s, v, "dense1.w.merged")[u * 6 + i] / N;
        return (1 - degree) * entry(s, v, "dense1.w.merged")[t * 6 + i] + degree * sum;
    }
    }
}

TEST(parts_are_what_their_formulas_say) {
    for (int part = 0; part < PARTS; part++) {
        shared s;
        char rules[80];
        snprintf(rules, sizeof rules, "*=%s", parts[part]);
        goss_share_options o = options(rules);
        begin(&s, net, &o, false);
        double *values = start(&s);
        goss__rng r = goss__rng_make(8, (uint64_t)part);
        for (int64_t i = 0; i < total(&s); i++) values[i] = goss__rng_normal(&r);
        goss_val v[2] = {goss_weights_get(s.weights, "dense1.w"), goss_published_get(s.w.g, "parts/1/dense1.w")};
        compute(&s, v, 2, values);
        T_EQ(s.w.numel[0], part ? T * 6 : 6);
        for (int64_t k = 0; k < s.w.numel[0]; k++) {
            T_NOTE("%s, number %d", rules, (int)k);
            T_NEAR(s.w.out[0][k], by_hand(&s, values, part, (int)ids[k / 6], (int)k % 6), 1e-12);
            T_NEAR(s.w.out[1][k], s.w.out[0][k], 0);
        }
        free(values);
        end(&s);
    }
}

/* Layers of equal shape draw from one bank; of another shape from another. */
TEST(a_bank_is_shared_by_layers_of_equal_shape) {
    shared s;
    goss_share_options o = options("*=ordering 2");
    begin(&s, "dense 3; tanh; dense 3; tanh; dense 3; tanh", &o, false);
    const goss_layout *l = goss_share_layout(s.share);
    T_CHECK(goss_layout_find(l, "bank2.3x3.w") >= 0 && goss_layout_find(l, "bank2.2x3.w") >= 0);
    T_CHECK(goss_layout_find(l, "dense2.ordering2") >= 0 && goss_layout_find(l, "dense3.ordering2") >= 0);
    double *values = start(&s);
    goss_val v[2] = {goss_weights_get(s.weights, "dense2.w"), goss_weights_get(s.weights, "dense3.w")};
    compute(&s, v, 2, values);
    T_NEAR(world_gap(s.w.out[0], s.w.out[1], T * 9), 0, 0);
    entry(&s, values, "dense2.ordering2")[2 * 2] = 3; /* of task 2 alone */
    world_set_param(&s.w, "share", values);
    T_CHECK(world_run(&s.w) == GOSS_OK);
    T_CHECK(world_gap(s.w.out[0], s.w.out[1], 9) > 1e-3);
    T_NEAR(world_gap(s.w.out[0] + 9, s.w.out[1] + 9, 18), 0, 0);
    free(values);
    end(&s);
}

/* ---- new tasks ---- */

/* A new task's weights are the mean of all tasks', in a batch of known ones and alone. */
TEST(a_new_task_has_the_mean_over_tasks) {
    const goss_gate_options gates = goss_gate_defaults(GOSS_GATE_SIGMOID);
    for (int i = 0; i < PARTS; i++) {
        shared s;
        char rules[80];
        snprintf(rules, sizeof rules, "*=%s+own", parts[i]);
        goss_share_options o = options(rules);
        o.gates = &gates;
        begin(&s, net, &o, false);
        double *values = start(&s);
        goss__rng r = goss__rng_make(8, (uint64_t)i);
        for (int64_t k = 0; k < total(&s); k++) values[k] = goss__rng_normal(&r);
        double each[N * 9] = {0}, mean[9] = {0};
        goss_weights *mixed = goss_share_weights(s.share, s.w.g, &(goss_share_tasks){.id = s.id, .unknown = true});
        goss_weights *lone = goss_share_weights(s.share, s.w.g, &(goss_share_tasks){.id = GOSS_NONE});
        goss_val v[3] = {goss_weights_get(s.weights, "dense2.w"), goss_weights_get(mixed, "dense2.w"),
                         goss_weights_get(lone, "dense2.w")};
        if (world_open(&s.w, GOSS_F64, v, 3, NULL, 0) != GOSS_OK) T_FAIL("%s", s.w.err.text);
        world_set_param(&s.w, "share", values);
        for (int t = 0; t < N; t++) { /* two runs would do */
            world_numbers(&s.w, "id")[0] = t;
            T_CHECK(world_run(&s.w) == GOSS_OK);
            memcpy(each + 9 * t, s.w.out[0], sizeof mean);
            T_NEAR(world_gap(s.w.out[1], s.w.out[0], 9), 0, 1e-12);
        }
        for (int k = 0; k < N * 9; k++) mean[k % 9] += each[k] / N;
        T_EQ(s.w.numel[2], 9);
        T_NOTE("%s", rules);
        T_NEAR(world_gap(s.w.out[2], mean, 9), 0, 1e-12);
        goss_val new_one = goss_weights_get(mixed, "dense2.w");
        if (world_open(&s.w, GOSS_F64, &new_one, 1, NULL, 0) != GOSS_OK) T_FAIL("%s", s.w.err.text);
        world_set_param(&s.w, "share", values);
        world_numbers(&s.w, "id")[1] = N;
        T_CHECK(world_run(&s.w) == GOSS_OK);
        T_NEAR(world_gap(s.w.out[0] + 9, mean, 9), 0, 1e-12);
        free(values), goss_weights_free(mixed), goss_weights_free(lone);
        end(&s);
    }
}

/* ---- names ---- */

TEST(what_is_made_is_published) {
    static const struct {
        const char *name;
        int rank;
        int64_t last;
    } names[] = {{"parts/1/dense1.w", 3, 3}, {"parts/2/dense1.w", 3, 3}, {"parts/3/dense1.b", 2, 3},
                 {"codes/dense1", 2, 2},     {"codes/dense1#2", 2, 3},   {"gates/dense1", 2, 3},
                 {"parts/1/head.w", 3, 2}};
    shared s;
    goss_share_options o = options("head.*=own; *=shared+dictionary+routing 3");
    const goss_gate_options gates = goss_gate_defaults(GOSS_GATE_SOFTMAX);
    o.gates = &gates;
    begin(&s, net, &o, false);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        goss_val v = goss_published_get(s.w.g, names[i].name);
        T_NOTE("%s", names[i].name);
        T_CHECK(goss_valid(v));
        T_EQ(goss_rank(v), names[i].rank);
        T_CHECK(goss_extent_is(goss_dim(v, -1), names[i].last));
    }
    int n;
    T_OK(goss_published(s.w.g, "codes/*", NULL, 0, &n, &err));
    T_EQ(n, 4); /* of two layers, two each: a layer's tensors have the same */
    end(&s);
}

TEST(mixing_is_read_from_learned_numbers) {
    shared s;
    goss_share_options o = options("head.*=own; dense1.*=routing 3; *=shared+own");
    const goss_gate_options gates = goss_gate_defaults(GOSS_GATE_HARD_CONCRETE);
    o.gates = &gates;
    begin(&s, net, &o, false);
    const goss_layout *l = goss_share_layout(s.share);
    double *values = start(&s);
    entry(&s, values, "dense1.routing3")[3] = 2;
    entry(&s, values, "dense2.gates2")[1] = -5;
    float *single = calloc((size_t)total(&s), sizeof *single), out[N * 3];
    for (int64_t i = 0; i < total(&s); i++) single[i] = (float)values[i];
    const int routes = goss_layout_find(l, "dense1.routing3"), own = goss_layout_find(l, "head.w.own");
    T_CHECK(goss_share_is_mixing(s.share, routes) && !goss_share_is_mixing(s.share, own));
    goss_share_mixing(s.share, routes, single, out);
    T_NEAR((double)out[0], 1.0 / 3, 1e-6);
    T_NEAR((double)out[3], exp(2) / (exp(2) + 2), 1e-6);
    goss_share_mixing(s.share, goss_layout_find(l, "dense2.gates2"), single, out);
    T_NEAR((double)out[0], 1.2 / (1 + exp(-2)) - 0.1, 1e-6);
    T_NEAR((double)out[1], 0, 0);
    free(values), free(single);
    end(&s);
}

/* ---- presets and refusals ---- */

TEST(every_preset_can_be_made) {
    int n;
    const goss_share_preset *p = goss_share_presets(&n);
    T_CHECK(n >= 9);
    for (int i = 0; i < n; i++) {
        shared s;
        goss_share_options o = options(NULL);
        o.preset = p[i].name;
        begin(&s, net, &o, true);
        T_STR(goss_share_rules(s.share), p[i].rules);
        T_CHECK(goss_graph_status(s.w.g, &err) == GOSS_OK);
        end(&s);
    }
}

static goss_status refused(const char *text, const goss_share_options *o) {
    goss_target *t;
    goss_share *s = NULL;
    T_OK(goss_target_parse(text, (const int64_t[]){6, 6, 1}, 3, 2, &t, &err));
    err.text[0] = 0;
    goss_status status = goss_share_create(t, o, &s, &err);
    T_CHECK(!s == (status != GOSS_OK));
    goss_share_free(s);
    goss_target_free(t);
    return status;
}

TEST(what_has_no_meaning_is_refused) {
    static const char *const conv = "conv 4 3 pad 1; norm batch; relu; flatten";
    static const struct {
        const char *rules, *part;
    } cases[] = {{"*=owned", "\"*=owned\": the part is not known; a rule is PATTERN=PART"},
                 {"*=own 3", "what follows the part is not understood"},
                 {"*=shared+", "the part is not known"},
                 {"*=own+own+own+own+own", "more than 4 are joined by +"},
                 {"conv9.*=own; *=shared", "conv9.* matches no tensor"},
                 {"*", "there is no ="}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_share_options o = options(cases[i].rules);
        T_ERR(refused("conv 4 3; relu; flatten", &o), GOSS_E_ARGUMENT, cases[i].part);
        T_CHECK(strstr(err.text, "share rules"));
    }
    goss_share_options o = options("*=own");
    T_ERR(refused(conv, &o), GOSS_E_UNSUPPORTED, "batch norm's running statistics");
    o.rules = "head.*=own; *=shared";
    T_OK(refused(conv, &o));
    o.task_classes = true;
    T_OK(refused(conv, &o));
    o.rules = "*=shared";
    T_ERR(refused(conv, &o), GOSS_E_UNSUPPORTED, "head.w is shared, but each task has classes of its own");
    const goss_gate_options gates = goss_gate_defaults(GOSS_GATE_SIGMOID);
    o = options("*=own"), o.gates = &gates;
    T_ERR(refused("flatten", &o), GOSS_E_ARGUMENT, "gates weigh the parts of a sum");
    o = options("*=own"), o.preset = "hard";
    T_ERR(refused("flatten", &o), GOSS_E_ARGUMENT, "both given");
    o = options(NULL), o.preset = "harf";
    T_ERR(refused("flatten", &o), GOSS_E_ARGUMENT, "did you mean hard");
    o = options("*=own"), o.anneal = 0;
    T_ERR(refused("flatten", &o), GOSS_E_ARGUMENT, "anneal 0 is not positive");
    o = options("*=own"), o.tasks = 0;
    T_ERR(refused("flatten", &o), GOSS_E_ARGUMENT, "0 tasks");
}

TEST_MAIN()
