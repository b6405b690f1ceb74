/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts, weights and target networks: text, shapes, what a network computes, and what must not depend on what. */
#include "base/alloc.h"
#include "gossamer/nn.h"
#include "graph_check.h"

#define S(...) GOSS_SHAPE(__VA_ARGS__)
#define n(x) goss_n(x)

static goss_error err;

static goss_target *parse(const char *text, int64_t h, int64_t w, int64_t c, int64_t outputs) {
    goss_target *t = NULL;
    int64_t image[] = {h, w, c};
    if (goss_target_parse(text, h ? image : &c, h ? 3 : 1, outputs, &t, &err) != GOSS_OK) printf("  %s\n", err.text);
    return t;
}

/* ---- layouts and weights ---- */

static goss_entry entry(const char *name, goss_init init, int64_t rows, int64_t columns) {
    return (goss_entry){.name = name,
                        .rank = 2,
                        .dim = {rows, columns},
                        .init = init,
                        .fan_in = rows,
                        .fan_out = columns,
                        .out_units = -1,
                        .in_units = -1};
}

TEST(a_tensors_numbers_depend_on_seed_and_name_only) {
    goss_layout *a, *b;
    static float va[6000], vb[6000], vc[6000];
    T_OK(goss_layout_new(&a, &err));
    T_OK(goss_layout_new(&b, &err));
    goss_entry w = entry("w", GOSS_INIT_KAIMING, 50, 100), other = entry("other", GOSS_INIT_ONES, 7, 3);
    T_OK(goss_layout_add(a, &w, &err));
    T_OK(goss_layout_add(b, &other, &err));
    T_OK(goss_layout_add(b, &w, &err));
    T_EQ(goss_layout_total(b), 5021);
    T_EQ(goss_layout_offset(b, 1), 21);
    T_EQ(goss_layout_find(b, "w"), 1);
    T_EQ(goss_layout_find(b, "v"), -1);
    goss_layout_initialize(a, 4, va);
    goss_layout_initialize(b, 4, vb);
    goss_layout_initialize(a, 5, vc);
    T_CHECK(memcmp(va, vb + 21, 5000 * sizeof *va) == 0);
    T_CHECK(memcmp(va, vc, 5000 * sizeof *va) != 0);
    T_CHECK(vb[0] == 1 && vb[20] == 1);
    double square = 0;
    for (int i = 0; i < 5000; i++) square += (double)va[i] * va[i] / 5000;
    T_NEAR(square, 2.0 / 50, 0.004);
    T_NEAR(goss_entry_deviation(goss_layout_entry(a, 0)), 0.2, 1e-12);
    T_ERR(goss_layout_add(a, &w, &err), GOSS_E_ARGUMENT, "the name w is taken");
    goss_entry large = entry("large", GOSS_INIT_ZEROS, 1 << 20, 1 << 12), flat = entry("flat", GOSS_INIT_ZEROS, 4, 0);
    T_ERR(goss_layout_add(a, &large, &err), GOSS_E_ARGUMENT, "large");
    T_ERR(goss_layout_add(a, &flat, &err), GOSS_E_ARGUMENT, "flat");
    goss_layout_free(a);
    goss_layout_free(b);
}

TEST(name_patterns) {
    T_CHECK(goss_name_matches("conv1.w", "conv*.w") && goss_name_matches("conv1.w", "*") &&
            goss_name_matches("conv1.w", "conv?.w"));
    T_CHECK(goss_name_matches("norm2.gain", "*.b,*.gain") && goss_name_matches("a", "a"));
    T_CHECK(!goss_name_matches("conv1.w", "conv*.b") && !goss_name_matches("conv1.w", "conv") &&
            !goss_name_matches("conv", "conv?"));
    T_CHECK(goss_name_matches("a", "c, b , a") && goss_name_matches("b", "c, b , a")); /* blanks around commas */
    T_CHECK(!goss_name_matches("norm2.gain", "*.b,*.w") && !goss_name_matches("a", ""));
}

TEST(weights_are_views_that_can_be_replaced) {
    goss_target *t = parse("dense 3; relu; head", 0, 0, 2, 2);
    world w = world_new();
    goss_val slab = world_normal(&w, "slab", S(n(2), n(17))), bias = world_normal(&w, "bias", S(n(1), n(3)));
    goss_weights *a = goss_weights_from_slab(goss_target_layout(t), slab), *b = goss_weights_copy(a);
    goss_weights_set(b, "dense1.b", bias);
    T_CHECK(goss_weights_pack(a).id == slab.id);
    goss_val out[] = {goss_weights_get(a, "head.w"), goss_weights_pack(b)};
    if (world_compute(&w, GOSS_F64, out, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    const double *v = world_numbers(&w, "slab"), *c = world_numbers(&w, "bias");
    T_CHECK(world_gap(w.out[0], v + 9, 6) == 0 && world_gap(w.out[0] + 6, v + 17 + 9, 6) == 0);
    for (int i = 0; i < 34; i++) T_NEAR(w.out[1][i], i % 17 >= 6 && i % 17 < 9 ? c[i % 17 - 6] : v[i], 0);
    goss_weights_set(b, "head.w", bias);
    T_CHECK(goss_graph_status(w.g, &err) == GOSS_E_SHAPE && strstr(err.text, "head.w"));
    goss_weights_free(a);
    goss_weights_free(b);
    goss_target_free(t);
    world_free(&w);
}

/* ---- text ---- */

static const char *const networks[] = {
    "conv4 8",
    "conv4 8 group 2",
    "resnet 4",
    "resnet 4 layer",
    "mlp 16 8",
    "conv 6 3x1 stride 2x1 pad 1x0 dilation 1 groups 1\nnorm instance\n  gelu # comment\npool avg 2 stride 1; "
    "flatten\ndropout 0.25; "
    "dense 5; tanh; head",
    "conv 6 3; elu; residual { residual { conv 6 3 pad 1 } ; silu } ; leaky; pool global",
    "conv 6 3; block 6; block 8 stride 2 group 2; conv 8 3 pad 1 groups 8; relu; pool global",
    "conv 6 3; relu; beside { conv 4 3 pad 1; tanh }; pool global; beside { fm 3 }; dense 4; tanh",
};

TEST(canonical_text_reads_back_to_itself) {
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        goss_target *a = parse(networks[i], 16, 16, 2, 3), *b;
        T_CHECK(a != NULL);
        b = parse(goss_target_text(a), 16, 16, 2, 3);
        T_CHECK(b != NULL);
        T_STR(goss_target_text(a), goss_target_text(b));
        T_EQ(goss_layout_total(goss_target_layout(a)), goss_layout_total(goss_target_layout(b)));
        goss_target_free(a);
        goss_target_free(b);
    }
    goss_target *t =
        parse("conv 6 3x3 stride 1 groups 1; norm   group 2\n\n;; pool max 2x2 stride 2; flatten", 8, 8, 1, 0);
    T_STR(goss_target_text(t), "conv 6 3\nnorm group 2\npool max 2\nflatten\n");
    goss_target_free(t);
}

TEST(conv4_of_64_channels_has_the_parts_that_it_is_known_for) {
    goss_target *t = parse("conv4 64", 28, 28, 1, 5);
    const goss_layout *l = goss_target_layout(t);
    T_EQ(goss_layout_total(l), 576 + 3 * 36864 + 4 * 128 + 64 * 5 + 5);
    T_EQ(goss_layout_find(l, "conv1.b"), -1); /* a norm follows at once */
    T_EQ(goss_target_feature_count(t), 64);
    T_EQ(goss_target_layers(t), 5);
    T_EQ(goss_target_sites(t), 4);
    T_STR(goss_target_site_name(t, 3), "norm4");
    T_EQ(goss_target_units(t), 4);
    T_STR(goss_target_units_name(t, 1), "conv2");
    T_EQ(goss_layout_total(goss_target_statistics(t)), 4 * 128);
    const goss_entry *e = goss_layout_entry(l, goss_layout_find(l, "conv2.w"));
    T_CHECK(e->fan_in == 576 && e->fan_out == 576 && e->init == GOSS_INIT_KAIMING && e->layer == 1);
    T_CHECK(e->in_units == 0 && e->out_units == 1 && e->role == GOSS_ROLE_WEIGHT);
    T_CHECK(goss_layout_entry(l, goss_layout_find(l, "norm2.gain"))->layer == 1);
    T_CHECK(goss_layout_entry(l, goss_layout_find(l, "head.w"))->init == GOSS_INIT_LECUN);
    goss_target_free(t);
    t = parse("conv4 64", 28, 28, 1, 0); /* the head is left to others */
    T_CHECK(goss_target_outputs(t) == 0 && goss_target_layers(t) == 4 && goss_target_feature_count(t) == 64);
    goss_target_free(t);
}

TEST(paths_that_meet_are_one_unit_group) {
    goss_target *t = parse(
        "conv 4 3 pad 1; relu; residual { conv 7 3 pad 1; relu; conv 4 3 pad 1 }; relu; residual { conv 5 3 pad 1 } "
        "shortcut { conv 5 1 }; flatten; head",
        4, 4, 2, 3);
    T_EQ(goss_target_units(t), 3);
    T_STR(goss_target_units_name(t, 0), "conv1");
    T_STR(goss_target_units_name(t, 1), "conv2");
    T_STR(goss_target_units_name(t, 2), "conv4");
    T_EQ(goss_target_units_count(t, 1), 7);
    goss_target_free(t);
    t = parse("residual { conv 2 3 pad 1 }; conv 4 3 groups 2; flatten; head", 4, 4, 2, 3);
    T_EQ(goss_target_units(t), 0); /* what is added to the input, or mixed by position, cannot be masked */
    goss_target_free(t);
}

TEST(errors_name_line_and_word) {
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"conv 8 3\n\nconf 8 3", "line 3: \"conf\" is not a layer"},
        {"conv 8 3 strid 2", "line 1: conv: \"strid\" is not expected here; write: conv C K"},
        {"conv 8 3 stride", "incomplete"},
        {"conv 8 3z3", "\"3z3\" is not an integer"},
        {"conv 0 3", "\"0\" is not an integer from 1"},
        {"conv 99999999999999999999 3", "is not an integer"},
        {"conv 8 3; dense 4", "put flatten or pool global before it"},
        {"conv 8 30", "does not fit in a map of 16 x 16"},
        {"conv 8 3 groups 3", "groups 3 does not divide 2 and 8"},
        {"flatten; conv 8 3", "requires images, but its input is 512 features"},
        {"norm group 4", "4 does not divide 2"},
        {"norm cosine", "\"cosine\" is not expected"},
        {"dropout 1", "not a number in [0, 1)"},
        {"dropout x", "not a number in [0, 1)"},
        {"pool max", "incomplete"},
        {"relu 3", "\"3\" is not expected here"},
        {"residual {\n conv 4 3 pad 1\n}",
         "line 1: residual: the body yields 16 x 16 x 4, the other path 16 x 16 x 2; add: shortcut"},
        {"residual conv", "a { must follow"},
        {"residual { relu", "a { without its }"},
        {"relu }", "a } without its {"},
        {"relu { }", "a { that belongs to nothing"},
        {"shortcut { relu }", "can only follow residual"},
        {"end", "\"end\" is not a layer"},
        {"flatten; head; relu", "nothing can come after the head"},
        {"residual { flatten; head }", "not allowed inside braces"},
        {"relu\nconv4 8; relu", "line 2: relu: nothing can come after the head"},
        {"conv 8 3; relu", "network, at its end: head: requires features"},
        {"conv4", "conv4: incomplete"},
        {"pool max 8; conv4 8", "conv4: pool: a window of extent 2 does not fit"},
        {"block 8 norm", "norm: \"norm\" is not expected"},
        {"mlp 4 x", "mlp: \"x\" is not an integer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_target *t = NULL;
        goss_status s = goss_target_parse(cases[i].text, (int64_t[]){16, 16, 2}, 3, 3, &t, &err);
        if (s != GOSS_E_ARGUMENT || t) T_FAIL("\"%s\" was taken", cases[i].text);
        if (!strstr(err.text, cases[i].says))
            T_FAIL("\"%s\": \"%s\" does not say \"%s\"", cases[i].text, err.text, cases[i].says);
    }
    goss_target *t = NULL;
    T_ERR(goss_target_parse(" # nothing\n", (int64_t[]){4}, 1, 0, &t, &err), GOSS_E_ARGUMENT, "no layers");
    T_ERR(goss_target_parse("relu", (int64_t[]){4, 4, 1, 1}, 4, 1, &t, &err), GOSS_E_ARGUMENT, "rank 4");
    T_ERR(goss_target_parse("relu", (int64_t[]){0}, 1, 1, &t, &err), GOSS_E_ARGUMENT, "extent 0");
    char deep[20 * 12 + 1] = "";
    for (int i = 0; i < 20; i++) strcat(deep, "residual { ");
    T_ERR(goss_target_parse(deep, (int64_t[]){4}, 1, 0, &t, &err), GOSS_E_ARGUMENT, "levels of braces");
    char many[33 * 12 + 1] = "";
    for (int i = 0; i < 33; i++) strcat(many, "norm batch;");
    T_ERR(goss_target_parse(many, (int64_t[]){4}, 1, 0, &t, &err), GOSS_E_ARGUMENT, "33 batch norms");
}

TEST(damaged_text_is_refused_or_read_but_never_worse) {
    goss__rng r = goss__rng_make(1, 0);
    int taken = 0;
    for (int round = 0; round < 20000; round++) {
        char text[256];
        snprintf(text, sizeof text, "%s", networks[goss__rng_below(&r, sizeof networks / sizeof *networks)]);
        uint32_t size = (uint32_t)strlen(text), damages = 1 + goss__rng_below(&r, 3);
        for (uint32_t i = 0; i < damages; i++)
            text[goss__rng_below(&r, size)] = "0129 ;\n{}#xbcdhr"[goss__rng_below(&r, 17)];
        goss_target *t = NULL, *u = NULL;
        if (goss_target_parse(text, (int64_t[]){16, 16, 2}, 3, 3, &t, &err) != GOSS_OK) {
            T_CHECK(t == NULL && err.text[0]);
            continue;
        }
        taken++;
        T_OK(goss_target_parse(goss_target_text(t), (int64_t[]){16, 16, 2}, 3, 3, &u, &err));
        T_STR(goss_target_text(t), goss_target_text(u));
        goss_target_free(t);
        goss_target_free(u);
    }
    T_CHECK(taken > 100);
}

TEST(every_failing_allocation_is_reported) {
    for (uint64_t k = 1;; k++) {
        goss_target *t = NULL, *small = NULL;
        float mask[4] = {1, 0, 1, 1}, *slab = NULL;
        goss__alloc_fail_at(k);
        goss_status s = goss_target_parse("conv 4 3; block 5 stride 2; flatten", (int64_t[]){6, 6, 1}, 3, 2, &t, &err);
        if (s == GOSS_OK) {
            const float *masks[3] = {mask, NULL, NULL};
            static const float numbers[10000];
            s = goss_target_compact(t, masks, numbers, NULL, &small, &slab, NULL, &err);
        }
        goss__alloc_fail_at(0);
        goss_target_free(t);
        goss_target_free(small);
        goss_numbers_free(slab);
        if (s == GOSS_OK) {
            T_CHECK(k > 20);
            break;
        }
        T_EQ(s, GOSS_E_NOMEM);
        T_CHECK(k < 2000);
    }
}

/* ---- what networks compute ---- */

TEST(an_mlp_by_hand) {
    goss_target *t = parse("mlp 3", 0, 0, 2, 2);
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(2), n(4), n(2))), slab = world_normal(&w, "slab", S(n(2), n(17)));
    goss_weights *v = goss_weights_from_slab(goss_target_layout(t), slab);
    goss_target_output o = goss_target_apply(t, x, v, NULL);
    T_CHECK(goss_target_features(t, x, v, NULL).id == o.features.id);
    if (world_compute(&w, GOSS_F64, (goss_val[]){o.features, o.logits}, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    for (int i = 0; i < 8; i++) {
        const double *p = world_numbers(&w, "slab") + i / 4 * 17, *u = world_numbers(&w, "x") + 2 * i;
        double h[3], y[2] = {p[15], p[16]};
        for (int k = 0; k < 3; k++) {
            h[k] = fmax(0, p[6 + k] + u[0] * p[k] + u[1] * p[3 + k]);
            T_NEAR(w.out[0][3 * i + k], h[k], 1e-13);
            y[0] += h[k] * p[9 + 2 * k], y[1] += h[k] * p[10 + 2 * k];
        }
        T_NEAR(w.out[1][2 * i], y[0], 1e-13);
        T_NEAR(w.out[1][2 * i + 1], y[1], 1e-13);
    }
    goss_weights_free(v);
    goss_target_free(t);
    world_free(&w);
}

TEST(a_residual_network_is_the_sum_of_its_paths) {
    goss_target *t =
        parse("residual { conv 3 3 pad 1; tanh; residual { dropout 0.5; conv 3 1 } } shortcut { conv 3 1 }; silu", 4, 4,
              2, 0);
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(1), n(2), n(4), n(4), n(2))),
             slab = world_normal(&w, "slab", S(n(1), n(goss_layout_total(goss_target_layout(t)))));
    goss_weights *v = goss_weights_from_slab(goss_target_layout(t), slab);
    goss_conv_options plain = goss_conv_defaults(), padded = plain;
    padded.pad_top = padded.pad_left = padded.pad_bottom = padded.pad_right = 1;
    goss_val h = goss_tanh(goss_conv_bias(x, goss_weights_get(v, "conv1.w"), goss_weights_get(v, "conv1.b"), padded));
    h = goss_add(goss_conv_bias(h, goss_weights_get(v, "conv2.w"), goss_weights_get(v, "conv2.b"), plain), h);
    h = goss_add(h, goss_conv_bias(x, goss_weights_get(v, "conv3.w"), goss_weights_get(v, "conv3.b"), plain));
    goss_val out[] = {goss_target_features(t, x, v, NULL), goss_silu(h)};
    if (world_compute(&w, GOSS_F64, out, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    T_CHECK(world_gap(w.out[0], w.out[1], w.numel[1]) < 1e-14);
    goss_weights_free(v);
    goss_target_free(t);
    world_free(&w);
}

/* Loss gradients of a target on T tasks; a slab of its own for each, or one for all. */
static goss_status target_gradients(world *w, const goss_target *t, int T, bool shared, goss_val *grad,
                                    goss_val *logits) {
    int64_t p = goss_layout_total(goss_target_layout(t));
    const int64_t *in = goss_target_input(t);
    goss_extent tasks = world_tasks(w, T);
    goss_shape s = S(tasks, n(5), n(in[0]), n(in[1]), n(in[2]));
    if (goss_target_input_rank(t) == 1) s.rank = 3;
    goss_val x = world_normal(w, "x", s), slab = world_normal(w, "slab", S(shared ? n(1) : tasks, n(p)));
    goss_val y = world_normal(w, "y", S(tasks, n(5), n(goss_target_outputs(t))));
    goss_weights *v = goss_weights_from_slab(goss_target_layout(t), goss_scale(slab, 0.3));
    *logits = goss_target_apply(t, x, v, NULL).logits;
    goss_weights_free(v);
    return goss_grad(goss_sum_all(goss_squared_error(*logits, y)), &slab, 1, grad);
}

static int64_t input_share(const world *w, int i, int T) { return w->in_numel[i] / T; }

/* Runs tasks [from, from + 1) of `all` in a world of its own whose T is 1 of at most 3. */
static goss_status run_one_task(const goss_target *t, const world *all, int from, world *one) {
    goss_val out[2];
    GOSS_TRY(target_gradients(one, t, 3, false, &out[0], &out[1]));
    GOSS_TRY(world_open(one, GOSS_F32, out, 2, NULL, 0));
    GOSS_TRY(goss_exec_count(one->exec, "T", 1, &one->err));
    for (int i = 0; i < 3; i++) {
        int64_t share = input_share(all, i, 3);
        memcpy(one->in[i], all->in[i] + from * share, (size_t)share * sizeof(double));
    }
    return world_run(one);
}

TEST(many_tasks_are_many_graphs_bit_for_bit) {
    for (size_t k = 0; k < sizeof networks / sizeof *networks; k++) {
        goss_target *t = parse(networks[k], 16, 16, 2, 3);
        world all = world_new();
        goss_val out[2];
        T_EQ(target_gradients(&all, t, 3, false, &out[0], &out[1]), GOSS_OK);
        if (world_compute(&all, GOSS_F32, out, 2) != GOSS_OK) T_FAIL("%s", all.err.text);
        for (int task = 0; task < 3; task++) {
            world one = world_new();
            if (run_one_task(t, &all, task, &one) != GOSS_OK) T_FAIL("%s", one.err.text);
            for (int i = 0; i < 2; i++) {
                T_EQ(one.numel[i], all.numel[i] / 3);
                if (memcmp(one.out[i], all.out[i] + task * one.numel[i], (size_t)one.numel[i] * sizeof(double)) != 0)
                    T_FAIL("%s: task %d alone gives other %s", networks[k], task, i ? "logits" : "gradients");
            }
            world_free(&one);
        }
        goss_target_free(t);
        world_free(&all);
    }
}

TEST(a_perturbed_task_leaves_the_others_alone) {
    goss_target *t = parse("conv4 6", 16, 16, 2, 3);
    world w = world_new();
    goss_val out[2];
    T_EQ(target_gradients(&w, t, 3, false, &out[0], &out[1]), GOSS_OK);
    if (world_compute(&w, GOSS_F32, out, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    int64_t share = w.numel[0] / 3;
    double *before = malloc((size_t)w.numel[0] * sizeof *before);
    memcpy(before, w.out[0], (size_t)w.numel[0] * sizeof *before);
    world_numbers(&w, "x")[input_share(&w, 0, 3) + 7] += 1; /* task 1 */
    T_EQ(world_run(&w), GOSS_OK);
    T_CHECK(memcmp(before, w.out[0], (size_t)share * sizeof *before) == 0);
    T_CHECK(memcmp(before + share, w.out[0] + share, (size_t)share * sizeof *before) != 0);
    T_CHECK(memcmp(before + 2 * share, w.out[0] + 2 * share, (size_t)share * sizeof *before) == 0);
    free(before);
    goss_target_free(t);
    world_free(&w);
}

TEST(one_shared_slab_gets_the_sum_of_the_tasks_gradients) {
    goss_target *t = parse("conv 4 3; norm batch; gelu; flatten; dense 6; silu; head", 6, 6, 2, 3);
    world own = world_new(), shared = world_new();
    goss_val out[2];
    T_EQ(target_gradients(&shared, t, 2, true, &out[0], &out[1]), GOSS_OK);
    if (world_compute(&shared, GOSS_F64, out, 2) != GOSS_OK) T_FAIL("%s", shared.err.text);
    T_EQ(target_gradients(&own, t, 2, false, &out[0], &out[1]), GOSS_OK);
    if (world_open(&own, GOSS_F64, out, 2, NULL, 0) != GOSS_OK) T_FAIL("%s", own.err.text);
    int64_t p = shared.numel[0];
    for (int i = 0; i < 2; i++)
        memcpy(world_numbers(&own, "slab") + i * p, world_numbers(&shared, "slab"), (size_t)p * sizeof(double));
    T_EQ(world_run(&own), GOSS_OK);
    for (int64_t i = 0; i < p; i++) T_NEAR(own.out[0][i] + own.out[0][p + i], shared.out[0][i], 1e-11);
    T_CHECK(world_gap(own.out[1], shared.out[1], own.numel[1]) < 1e-13);
    goss_target_free(t);
    world_free(&own);
    world_free(&shared);
}

/* ---- norm statistics ---- */

TEST(queries_do_not_see_each_other_nor_padding) {
    goss_target *t = parse("conv 4 3; norm batch; relu; conv 4 3; norm batch; relu; flatten; head", 6, 6, 1, 3);
    const double weight[] = {1, 1, 1, 0, 1, 1, 0, 0};
    world w = world_new();
    goss_val s = world_normal(&w, "s", S(n(2), n(4), n(6), n(6), n(1))),
             q = world_normal(&w, "q", S(n(2), n(3), n(6), n(6), n(1)));
    goss_val slab = world_normal(&w, "slab", S(n(1), n(goss_layout_total(goss_target_layout(t)))));
    goss_target_context c = goss_target_context_defaults();
    goss_norm_statistics recorded;
    c.statistics = &recorded;
    c.sample_weight = world_input(&w, "weight", GOSS_REAL, S(n(2), n(4)), weight);
    goss_weights *v = goss_weights_from_slab(goss_target_layout(t), slab);
    goss_target_output so, qo, alone;
    goss_target_apply_episode(t, s, q, v, &c, &so, &qo);
    c.norm = GOSS_NORM_GIVEN;
    alone = goss_target_apply(t, goss_slice(q, 1, 0, 1), v, &c);
    if (world_compute(&w, GOSS_F64, (goss_val[]){so.logits, qo.logits, alone.logits}, 3) != GOSS_OK)
        T_FAIL("%s", w.err.text);
    double first[2][6];
    for (int task = 0; task < 2; task++)
        for (int i = 0; i < 3; i++) {
            first[0][3 * task + i] = w.out[1][9 * task + i];
            first[1][3 * task + i] = w.out[0][12 * task + i];
            T_NEAR(w.out[2][3 * task + i], w.out[1][9 * task + i], 1e-12);
        }
    for (int i = 0; i < 36; i++) world_numbers(&w, "q")[36 + i] += 5;           /* query 1 of task 0 */
    for (int i = 0; i < 36; i++) world_numbers(&w, "s")[3 * 36 + i] -= 5;       /* padding of task 0 */
    for (int i = 0; i < 36; i++) world_numbers(&w, "s")[(4 + 2) * 36 + i] -= 5; /* padding of task 1 */
    T_EQ(world_run(&w), GOSS_OK);
    for (int task = 0; task < 2; task++)
        for (int i = 0; i < 3; i++) {
            T_NEAR(w.out[1][9 * task + i], first[0][3 * task + i], 1e-12);
            T_NEAR(w.out[0][12 * task + i], first[1][3 * task + i], 1e-12);
        }
    for (int i = 0; i < 36; i++) world_numbers(&w, "s")[i] *= i % 3; /* a real support image: now all change */
    T_EQ(world_run(&w), GOSS_OK);
    T_CHECK(fabs(w.out[1][0] - first[0][0]) > 1e-6);
    T_NEAR(w.out[1][9], first[0][3], 1e-12); /* but not the other task */
    goss_weights_free(v);
    goss_target_free(t);
    world_free(&w);
}

TEST(running_statistics_follow_the_batch_and_are_used) {
    goss_target *t = parse("dense 3; norm batch; head", 0, 0, 2, 2);
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(2), n(5), n(2)));
    goss_weights *v = goss_weights_from_slab(
        goss_target_layout(t), world_normal(&w, "slab", S(n(1), n(goss_layout_total(goss_target_layout(t))))));
    goss_weights *running = goss_weights_from_params(w.g, goss_target_statistics(t), "running");
    goss_norm_statistics recorded;
    goss_target_context c = {.norm = GOSS_NORM_SHARED, .statistics = &recorded, .running = running};
    goss_val trained = goss_target_apply(t, x, v, &c).logits;
    goss_val update = goss_assign(goss_weights_slab(running), goss_target_running_update(t, running, &recorded, 1));
    c.norm = GOSS_NORM_RUNNING;
    goss_val used = goss_target_apply(t, x, v, &c).logits;
    if (world_open(&w, GOSS_F64, (goss_val[]){trained, used, recorded.mean[0], recorded.var[0]}, 4, &update, 1) !=
        GOSS_OK)
        T_FAIL("%s", w.err.text);
    T_EQ(world_run(&w), GOSS_OK);
    for (int i = 0; i < 3; i++) {
        T_NEAR(world_param(&w, "running", i), w.out[2][i], 1e-14);
        T_NEAR(world_param(&w, "running", 3 + i), w.out[3][i], 1e-14);
    }
    T_EQ(world_run(&w), GOSS_OK); /* momentum 1: they now are the batch's */
    T_CHECK(world_gap(w.out[0], w.out[1], 20) < 1e-12);
    goss_weights_free(v);
    goss_weights_free(running);
    goss_target_free(t);
    world_free(&w);
}

/* ---- modulation, dropout ---- */

TEST(film_multiplies_gains_and_shifts) {
    goss_target *t = parse("conv 4 3; norm group 2; relu; flatten; dense 3; head", 5, 5, 1, 2);
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(2), n(3), n(5), n(5), n(1)));
    goss_weights *v = goss_weights_from_slab(
        goss_target_layout(t), world_normal(&w, "slab", S(n(1), n(goss_layout_total(goss_target_layout(t))))));
    goss_val scale[2] = {world_normal(&w, "a", S(n(2), n(4))), GOSS_NONE},
             shift[2] = {GOSS_NONE, world_normal(&w, "b", S(n(2), n(3)))};
    goss_target_context c = goss_target_context_defaults();
    c.film_scale = scale;
    c.film_shift = shift;
    T_EQ(goss_target_sites(t), 2);
    T_STR(goss_target_site_name(t, 1), "dense1");
    goss_val film = goss_target_apply(t, x, v, &c).logits;
    goss_weights_set(v, "norm1.gain", goss_mul(goss_weights_get(v, "norm1.gain"), scale[0]));
    goss_weights_set(v, "norm1.shift", goss_mul(goss_weights_get(v, "norm1.shift"), scale[0]));
    goss_weights_set(v, "dense1.b", goss_add(goss_weights_get(v, "dense1.b"), shift[1]));
    goss_val same = goss_target_apply(t, x, v, NULL).logits;
    if (world_compute(&w, GOSS_F64, (goss_val[]){film, same}, 2) != GOSS_OK) T_FAIL("%s", w.err.text);
    T_CHECK(world_gap(w.out[0], w.out[1], w.numel[0]) < 1e-12);
    goss_weights_free(v);
    goss_target_free(t);
    world_free(&w);
}

TEST(dropout_acts_when_it_is_given_tasks) {
    goss_target *t = parse("dense 400; dropout 0.5", 0, 0, 2, 0);
    const double ids[] = {3};
    world w = world_new();
    goss_val x = world_normal(&w, "x", S(n(1), n(1), n(2)));
    goss_weights *v = goss_weights_from_slab(goss_target_layout(t), world_normal(&w, "slab", S(n(1), n(1200))));
    goss_target_context c = goss_target_context_defaults();
    goss_val off = goss_target_features(t, x, v, &c);
    c.dropout_task = world_input(&w, "ids", GOSS_INDEX, S(n(1)), ids);
    if (world_compute(&w, GOSS_F64, (goss_val[]){off, goss_target_features(t, x, v, &c)}, 2) != GOSS_OK)
        T_FAIL("%s", w.err.text);
    int dead = 0;
    for (int i = 0; i < 400; i++) {
        dead += w.out[1][i] == 0;
        T_CHECK(w.out[1][i] == 0 || fabs(w.out[1][i] - 2 * w.out[0][i]) < 1e-12);
    }
    T_CHECK(dead > 150 && dead < 250);
    goss_weights_free(v);
    goss_target_free(t);
    world_free(&w);
}

TEST(what_does_not_belong_together_is_refused) {
    goss_target *t = parse("dense 3; norm batch", 0, 0, 2, 0), *u = parse("dense 4", 0, 0, 2, 0);
    for (int k = 0; k < 4; k++) {
        static const char *const says[] = {"another layout", "the network's extents", "no statistics were given",
                                           "running statistics are missing"};
        goss_graph *g = goss_graph_new();
        goss_val x = goss_full(g, S(n(1), n(1), n(k == 1 ? 3 : 2)), 1);
        goss_weights *v = goss_weights_from_params(g, goss_target_layout(k == 0 ? u : t), "w");
        goss_target_context c = {.norm = k == 2 ? GOSS_NORM_GIVEN : k == 3 ? GOSS_NORM_RUNNING : GOSS_NORM_BATCH};
        T_CHECK(!goss_valid(goss_target_features(t, x, v, &c)));
        T_CHECK(goss_graph_status(g, &err) != GOSS_OK);
        if (!strstr(err.text, says[k])) T_FAIL("\"%s\" does not say \"%s\"", err.text, says[k]);
        goss_weights_free(v);
        goss_graph_free(g);
    }
    goss_target_free(t);
    goss_target_free(u);
}

TEST_MAIN()
