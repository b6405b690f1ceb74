/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons that are like for like: what is derived from a model, contenders of other image formats, protocols that
 * cannot be run, and numbers that are none. */
#include "gossamer/evaluate.h"
#include "gossamer/space.h"
#include "rewrite.h"
#include "test.h"
#include "tiny_model.h"

static goss_error err;

enum { EPISODES = 20 };

static const goss_episode_spec plain = {.ways = 5, .shots = 1, .queries = 4, .seed = 5};

static goss_model *model_of(const char *method, goss_image_format image) {
    int n;
    goss_config *c;
    goss_model *m = NULL;
    const goss_key *keys = goss_model_keys(&n);
    const goss_data_spec data = goss_data_spec_images(image);
    if (goss_config_new(keys, n, &c, &err) != GOSS_OK) return NULL;
    if (goss_config_set(c, "model.backbone", "conv 8 3; norm batch; relu; flatten", &err) == GOSS_OK &&
        goss_model_create(method, c, &data, 3, &m, &err) != GOSS_OK)
        m = NULL;
    goss_config_free(c);
    return m;
}

/* Accuracies of every episode. */
static goss_status judge(const goss_contender *c, int n, goss_sampler *sampler, double *each) {
    goss_evaluate_options o = goss_evaluate_defaults();
    goss_score scores[8];
    o.episodes = EPISODES;
    return goss_evaluate(c, n, sampler, &o, scores, each, &err);
}

static int param_of(const goss_model *m, const char *name) {
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++)
        if (strcmp(goss_method_param_at(goss_model_method(m), i).name, name) == 0) return i;
    return -1;
}

static size_t bytes_of(const goss_model *m, int i) {
    return (size_t)goss_layout_total(goss_method_param_at(goss_model_method(m), i).layout) * sizeof(float);
}

static bool same_param(const goss_model *a, const goss_model *b, const char *name) {
    int i = param_of(a, name), j = param_of(b, name);
    return i >= 0 && j >= 0 && bytes_of(a, i) == bytes_of(b, j) &&
           memcmp(goss_model_values(a, i), goss_model_values(b, j), bytes_of(a, i)) == 0;
}

/* ---- derived from a model ---- */

TEST(derived_methods_use_the_statistics_that_the_model_was_trained_under) {
    static const char *const sources[] = {"maml", "hypernet", "protonet"};
    static const char *const rules[] = {"hyper.rules=head=class; conv1.w=full; *=shared", NULL};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        goss_model *m = tiny_model(sources[i], i == 1 ? rules : NULL, &err), *derived, *twin;
        bool keeps = i == 2;
        T_CHECK(m && (param_of(m, "running") >= 0) == keeps);
        T_OK(goss_contender_derive(m, "protonet", &derived, &err));
        T_CHECK((param_of(derived, "running") >= 0) == keeps);
        T_CHECK(same_param(m, derived, "target"));
        /* As a ProtoNet of these weights is that was trained so. */
        twin = tiny_model("protonet",
                          (const char *const[]){keeps ? "method.norm=running" : "method.norm=support", NULL}, &err);
        T_CHECK(twin);
        T_OK(goss_model_copy_values(twin, m, NULL, &err));
        goss_images *set = tiny_images(&err);
        goss_sampler *sampler;
        double each[2][EPISODES];
        T_OK(goss_sampler_create(set, NULL, &plain, &sampler, &err));
        T_OK(judge((goss_contender[]){{.model = derived}, {.model = twin}}, 2, sampler, each[0]));
        for (int k = 0; k < EPISODES; k++) T_NEAR(each[0][k], each[1][k], 0);
        goss_sampler_destroy(sampler), goss_images_close(set);
        goss_model_free(m), goss_model_free(derived), goss_model_free(twin);
    }
}

TEST(derived_methods_have_their_own_settings) {
    static const char *const foreign[] = {"method.inner_rate=7", "method.test_steps=1", "method.temperature=9",
                                          "method.ridge=1000", NULL};
    static const char *const methods[] = {"scratch", "finetune", "ridge", "protonet", "pixels"};
    goss_model *m = tiny_model("maml", foreign, &err);
    int n;
    goss_config *defaults;
    const goss_key *keys = goss_model_keys(&n);
    T_OK(goss_config_new(keys, n, &defaults, &err));
    T_CHECK(m);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        goss_model *derived;
        T_OK(goss_contender_derive(m, methods[i], &derived, &err));
        const goss_config *c = goss_model_settings(derived);
        T_NEAR(goss_config_real(c, "method.inner_rate"), goss_config_real(defaults, "method.inner_rate"), 0);
        T_EQ(goss_config_int(c, "method.test_steps"), goss_config_int(defaults, "method.test_steps"));
        T_NEAR(goss_config_real(c, "method.temperature"), goss_config_real(defaults, "method.temperature"), 0);
        T_NEAR(goss_config_real(c, "method.ridge"), goss_config_real(defaults, "method.ridge"), 0);
        T_STR(goss_config_text(c, "model.backbone"), goss_config_text(goss_model_settings(m), "model.backbone"));
        goss_model_free(derived);
    }
    goss_model *none;
    T_ERR(goss_contender_derive(m, "reptile", &none, &err), GOSS_E_ARGUMENT, "reptile needs a model of its own");
    T_ERR(goss_contender_derive(m, "magic", &none, &err), GOSS_E_ARGUMENT, "no method magic");
    goss_model *pixels = tiny_model("pixels", NULL, &err);
    T_ERR(goss_contender_derive(pixels, "ridge", &none, &err), GOSS_E_ARGUMENT, "pixels has no network");
    T_ERR(goss_contender_derive(pixels, "scratch", &none, &err), GOSS_E_ARGUMENT, "pixels has no network");
    /* Weights that nothing has trained are no embedding of a model's. */
    goss_model *scratch = tiny_model("scratch", NULL, &err);
    T_ERR(goss_contender_derive(scratch, "protonet", &none, &err), GOSS_E_ARGUMENT, "scratch has no trained network");
    goss_config_free(defaults), goss_model_free(m), goss_model_free(pixels), goss_model_free(scratch);
}

/* Within a budget the network is the one of uniform shrinking, with the numbers that are left of the model's. */
TEST(derived_methods_fit_a_budget) {
    static const char *const space[] = {"model.backbone=conv 4..8/2 3; norm layer; relu; pool max 2; flatten",
                                        "structure.choose=task", NULL};
    static const char *const methods[] = {"scratch", "finetune", "protonet"};
    goss_model *m = tiny_model("hypernet", space, &err), *whole, *cut;
    const goss_method *of = goss_model_method(m);
    goss_space *s;
    goss_target *small;
    float structure[8], *slab;
    T_OK(goss_space_create(goss_method_target(of), &s, &err));
    goss_space_cheapest(s, structure);
    structure[0] = 1; /* six units */
    const goss_space_budget budget = {.bytes = goss_space_cost_of(s, structure, 5).bytes + 8};
    T_OK(
        goss_space_compact(s, structure, goss_model_values(m, param_of(m, "target")), NULL, &small, &slab, NULL, &err));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        T_OK(goss_contender_derive_within(m, methods[i], &budget, 5, &cut, &err));
        T_STR(goss_target_text(goss_method_target(goss_model_method(cut))), goss_target_text(small));
        T_STR(goss_method_name(goss_model_method(cut)), methods[i]);
        const bool same =
            memcmp(goss_model_values(cut, param_of(cut, "target")), slab, bytes_of(cut, param_of(cut, "target"))) == 0;
        T_CHECK(same == (i > 0));
        size_t seen[2];
        goss_model_samples(m, GOSS_USE_TRAIN, &seen[0]), goss_model_samples(cut, GOSS_USE_TRAIN, &seen[1]);
        T_EQ(seen[1], i > 0 ? seen[0] : 0);
        goss_model_free(cut);
    }
    T_ERR(goss_contender_derive_within(m, "protonet", &(goss_space_budget){.bytes = 99}, 5, &cut, &err),
          GOSS_E_ARGUMENT, "within the budget of 99 bytes");
    T_CHECK(!cut);
    /* Without a budget, or a space, or a network, as ever. */
    goss_model *plain_model = tiny_model("maml", NULL, &err), *none[3];
    T_OK(goss_contender_derive(m, "ridge", &whole, &err));
    T_OK(goss_contender_derive_within(m, "ridge", NULL, 5, &none[0], &err));
    T_CHECK(same_param(none[0], whole, "target") && same_param(m, whole, "target"));
    T_OK(goss_contender_derive_within(plain_model, "ridge", &budget, 5, &none[1], &err));
    T_CHECK(same_param(none[1], plain_model, "target"));
    T_OK(goss_contender_derive_within(m, "pixels", &budget, 5, &none[2], &err));
    for (int i = 0; i < 3; i++) goss_model_free(none[i]);
    goss_space_free(s); /* in front of the model, whose target it borrows */
    goss_model_free(whole), goss_model_free(plain_model), goss_model_free(m);
    goss_numbers_free(slab), goss_target_free(small);
}

TEST(values_are_taken_over_whole_or_not_at_all) {
    static const char *const other_net[] = {"model.backbone=conv 8 5; norm batch; relu; pool max 2; flatten", NULL};
    static const char *const no_norm[] = {"model.backbone=conv 8 3; relu; pool max 2; flatten", NULL};
    goss_model *to = tiny_model("protonet", NULL, &err), *same = tiny_model("ridge", NULL, &err),
               *maml = tiny_model("maml", NULL, &err), *other = tiny_model("protonet", other_net, &err),
               *bare = tiny_model("protonet", no_norm, &err), *hyper = tiny_model("hypernet", NULL, &err);
    unsigned fresh;
    T_CHECK(to && same && maml && other && bare && hyper);
    int target = param_of(to, "target"), head = param_of(to, "head");
    void *before = malloc(bytes_of(to, target));
    memcpy(before, goss_model_values(to, target), bytes_of(to, target));
    goss_model_values(maml, param_of(maml, "target"))[0] = 3; /* would be seen, had it been copied */
    T_ERR(goss_model_copy_values(to, maml, &fresh, &err), GOSS_E_ARGUMENT, "running.norm1.mean");
    T_ERR(goss_model_copy_values(to, other, &fresh, &err), GOSS_E_ARGUMENT, "\"target.conv1.w\" has another shape");
    T_ERR(goss_model_copy_values(to, bare, &fresh, &err), GOSS_E_ARGUMENT, "no tensor \"target.norm1.gain\"");
    T_ERR(goss_model_copy_values(bare, to, &fresh, &err), GOSS_E_ARGUMENT, "another network");
    T_CHECK(memcmp(before, goss_model_values(to, target), bytes_of(to, target)) == 0);
    free(before);
    goss_model_values(same, param_of(same, "target"))[0] = 4;
    T_OK(goss_model_copy_values(to, same, &fresh, &err));
    T_EQ(fresh, 1u << head); /* lambda and scale are no temperature */
    T_CHECK(same_param(to, same, "target") && same_param(to, same, "running"));
    T_OK(goss_model_copy_values(hyper, same, &fresh, &err));
    T_EQ(fresh, 1u << param_of(hyper, "hyper"));
    goss_model_free(to), goss_model_free(same), goss_model_free(maml);
    goss_model_free(other), goss_model_free(bare), goss_model_free(hyper);
}

TEST(a_store_of_another_size_is_refused) {
    goss_graph *g = goss_graph_new();
    goss_schedule *program;
    goss_params *params;
    goss_model *m = tiny_model("protonet", NULL, &err);
    T_CHECK(g && m);
    goss_val out = goss_sum_all(goss_param(g, "target", GOSS_SHAPE(goss_n(3))));
    T_OK(goss_compile(g, &out, 1, NULL, 0, NULL, &program, &err));
    T_OK(goss_params_new(GOSS_F32, &params, &err));
    T_OK(goss_params_add(params, program, &err));
    T_ERR(goss_model_store(m, params, &err), GOSS_E_SHAPE, "target");
    goss_params_free(params), goss_schedule_free(program), goss_graph_free(g), goss_model_free(m);
}

/* ---- image formats ---- */

TEST(each_contender_sees_the_same_drawings_in_its_own_format) {
    const goss_image_format formats[] = {{1, 8, 8, false}, {1, 8, 8, true}, {1, 12, 12, false}, {3, 8, 8, false}};
    enum { N = sizeof formats / sizeof *formats };
    goss_images *set[N];
    goss_sampler *sampler[N], *other;
    goss_contender c[N];
    double each[N][EPISODES];
    goss_model *m[N];
    for (int i = 0; i < N; i++) {
        m[i] = model_of("pixels", formats[i]);
        T_CHECK(m[i]);
        T_OK(goss_model_open_images(m[i], tiny_set(), NULL, &set[i], &err));
        T_OK(goss_sampler_create(set[i], NULL, &plain, &sampler[i], &err));
        c[i] = (goss_contender){.model = m[i], .sampler = i ? sampler[i] : NULL};
    }
    T_OK(judge(c, N, sampler[0], each[0]));
    double sum = 0;
    for (int k = 0; k < EPISODES; k++) {
        sum += each[0][k];
        T_NEAR(each[1][k], each[0][k], 0.051); /* distances are the same but for rounding: at most a tie */
        T_NEAR(each[3][k], each[0][k], 0.051); /* grey three times */
    }
    T_CHECK(sum / EPISODES > 0.3);
    /* By the wrong pixels, by other drawings: refused by name. */
    for (int i = 1; i < N; i++) {
        c[i].sampler = NULL;
        T_ERR(judge(c, N, sampler[0], each[0]), GOSS_E_ARGUMENT,
              "pixels: the images are 8 x 8 x 1; the model works on");
        c[i].sampler = sampler[i];
    }
    goss_episode_spec spec = plain;
    spec.seed++;
    T_OK(goss_sampler_create(set[1], NULL, &spec, &other, &err));
    c[1].sampler = other;
    T_ERR(judge(c, N, sampler[0], each[0]), GOSS_E_ARGUMENT, "other episodes");
    goss_sampler_destroy(other);
    int32_t ids[6] = {0, 1, 2, 3, 4, 5};
    T_OK(goss_sampler_create(set[1], &(goss_class_list){ids, 6}, &plain, &other, &err));
    c[1].sampler = other;
    T_ERR(judge(c, N, sampler[0], each[0]), GOSS_E_ARGUMENT, "other episodes");
    goss_sampler_destroy(other);
    for (int i = 0; i < N; i++) goss_sampler_destroy(sampler[i]), goss_images_close(set[i]), goss_model_free(m[i]);
}

/* ---- what cannot be judged ---- */

TEST(nothing_to_judge_is_an_argument_error) {
    goss_images *set = tiny_images(&err);
    goss_model *m = tiny_model("protonet", NULL, &err), *pixels = tiny_model("pixels", NULL, &err);
    goss_contender c = {.model = m};
    goss_evaluate_options o = goss_evaluate_defaults();
    goss_sampler *sampler, *none;
    goss_score score;
    goss_episode_spec spec = plain;
    T_CHECK(set && m && pixels);
    T_OK(goss_sampler_create(set, NULL, &plain, &sampler, &err));
    spec.queries = 0;
    T_OK(goss_sampler_create(set, NULL, &spec, &none, &err));
    T_ERR(goss_evaluate(&c, 1, none, NULL, &score, NULL, &err), GOSS_E_ARGUMENT, "0 queries");
    T_ERR(goss_evaluate(&c, 0, sampler, NULL, &score, NULL, &err), GOSS_E_ARGUMENT, "0 methods");
    o.episodes = 0;
    T_ERR(goss_evaluate(&c, 1, sampler, &o, &score, NULL, &err), GOSS_E_ARGUMENT, "0 episodes");
    goss_sampler_destroy(none);
    spec.queries = 1, spec.ways = 1;
    T_ERR(goss_sampler_create(set, NULL, &spec, &none, &err), GOSS_E_ARGUMENT, "1 ways");
    spec.ways = 2, spec.shots = 0;
    T_ERR(goss_sampler_create(set, NULL, &spec, &none, &err), GOSS_E_ARGUMENT, "0 shots");
    o.episodes = 1;
    T_ERR(goss_evaluate(&(goss_contender){.model = pixels, .fine_tune = 3}, 1, sampler, &o, &score, NULL, &err),
          GOSS_E_UNSUPPORTED, "pixels");
    T_OK(goss_evaluate(&c, 1, sampler, &o, &score, NULL, &err));
    T_CHECK(isnan(score.ci95) && score.accuracy >= 0); /* one episode has no interval */
    goss_sampler_destroy(sampler), goss_images_close(set), goss_model_free(m), goss_model_free(pixels);
}

/* ---- numbers that are none ---- */

static goss_status spoil(const char *good, const char *bad, const char *tensor, size_t at, float number) {
    return rewrite(good, bad, &(rewriting){.spoil = tensor, .at = at, .number = number}, &err);
}

TEST(files_with_numbers_that_are_none_are_refused_by_tensor) {
    goss_model *m = tiny_model("hypernet", NULL, &err), *back;
    goss_images *set = tiny_images(&err);
    goss_network *net, *other;
    T_CHECK(m && set);
    T_OK(goss_model_save(m, tiny_path("f32"), &err));
    T_OK(spoil(tiny_path("f32"), tiny_path("bad"), "target.conv1.w", 5, NAN));
    T_ERR(goss_model_load(tiny_path("bad"), &back, &err), GOSS_E_NUMERIC, "\"target.conv1.w\": number 5 is ");
    T_OK(spoil(tiny_path("f32"), tiny_path("bad"), "running.norm1.var", 7, INFINITY));
    T_ERR(goss_model_load(tiny_path("bad"), &back, &err), GOSS_E_NUMERIC, "\"running.norm1.var\": number 7 is inf");
    T_OK(goss_model_set_bf16(m, true, &err));
    T_OK(goss_model_save(m, tiny_path("bf16"), &err));
    const goss_layout *l = goss_method_param_at(goss_model_method(m), param_of(m, "hyper")).layout;
    char tensor[200];
    snprintf(tensor, sizeof tensor, "hyper.%s", goss_layout_entry(l, 0)->name);
    T_OK(spoil(tiny_path("bf16"), tiny_path("bad"), tensor, 0, -INFINITY));
    T_ERR(goss_model_load(tiny_path("bad"), &back, &err), GOSS_E_NUMERIC, tensor);
    T_OK(goss_model_adapt(m, set, NULL, &net, &err));
    T_OK(goss_network_save(net, tiny_path("net"), &err));
    T_OK(spoil(tiny_path("net"), tiny_path("bad"), "head.b", 2, NAN));
    T_ERR(goss_network_load(tiny_path("bad"), &other, &err), GOSS_E_NUMERIC, "\"head.b\": number 2");
    /* Numbers, but none that can be computed with. */
    T_OK(spoil(tiny_path("net"), tiny_path("bad"), "head.w", 0, 3e38f));
    T_OK(goss_network_load(tiny_path("bad"), &other, &err));
    static float image[2][TINY_SIDE * TINY_SIDE], p[2][TINY_CLASSES];
    for (int i = 0; i < 2; i++) goss_images_get(set, i, image[i]);
    for (int i = 0; i < TINY_SIDE * TINY_SIDE; i++) image[1][i] *= 1e4f;
    goss_status s = goss_network_predict(other, image[0], 2, p[0], NULL, NULL, &err);
    if (s == GOSS_OK) T_FAIL("a network with a weight of 3e38 said %g", (double)p[1][0]);
    T_EQ(s, GOSS_E_NUMERIC);
    T_CHECK(strstr(err.text, "of 2: the network's class probabilities are not finite"));
    goss_network_free(net), goss_network_free(other), goss_model_free(m), goss_images_close(set);
}

TEST(results_that_are_not_finite_are_errors) {
    static const char *const methods[] = {"hypernet", "protonet", "ridge", "maml", "finetune"};
    goss_images *set = tiny_images(&err);
    goss_sampler *sampler;
    double each[EPISODES];
    T_OK(goss_sampler_create(set, NULL, &plain, &sampler, &err));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        goss_model *m = tiny_model(methods[i], NULL, &err);
        goss_network *net = NULL;
        T_CHECK(m);
        float *w = goss_model_values(m, param_of(m, "target")), first = w[3];
        T_OK(judge(&(goss_contender){.model = m}, 1, sampler, each));
        w[3] = NAN;
        T_ERR(judge(&(goss_contender){.model = m}, 1, sampler, each), GOSS_E_NUMERIC, "target.conv1.w");
        T_ERR(goss_model_adapt(m, set, NULL, &net, &err), GOSS_E_NUMERIC, "target.conv1.w");
        T_ERR(goss_model_save(m, tiny_path("none"), &err), GOSS_E_NUMERIC, "target.conv1.w");
        T_CHECK(access(tiny_path("none"), F_OK) != 0);
        w[3] = first;
        /* Finite weights whose features overflow. */
        const goss_layout *l = goss_method_param_at(goss_model_method(m), param_of(m, "target")).layout;
        const int gain = goss_layout_find(l, "norm1.gain");
        for (int64_t k = 0; k < goss_layout_entry(l, gain)->numel; k++) w[goss_layout_offset(l, gain) + k] = 3e38f;
        T_ERR(judge(&(goss_contender){.model = m}, 1, sampler, each), GOSS_E_NUMERIC, "episode 0");
        T_ERR(goss_model_adapt(m, set, NULL, &net, &err), GOSS_E_NUMERIC, "not finite");
        goss_model_free(m);
    }
    goss_sampler_destroy(sampler), goss_images_close(set);
}

TEST_MAIN()
