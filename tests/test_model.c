/* SPDX-License-Identifier: Apache-2.0 */
/* Files of models and networks: what is written is read back, adapting gives the network that evaluation judges, and
 * files that are damaged or lie are refused with a text that helps. */
#include "base/alloc.h"
#include "gossamer/evaluate.h"
#include "gossamer/model.h"
#include "rewrite.h"
#include "test.h"
#include "tiny_model.h"

static goss_error err;
TEST(a_model_reads_back_as_it_was) {
    static const char *const methods[] = {"hypernet", "protonet", "ridge",   "maml",
                                          "reptile",  "finetune", "scratch", "pixels"};
    for (size_t k = 0; k < sizeof methods / sizeof *methods; k++) {
        goss_model *m = tiny_model(methods[k], NULL, &err), *back;
        T_CHECK(m);
        T_OK(goss_model_note(m, "metrics.accuracy", "0.5", &err));
        T_OK(goss_model_save(m, tiny_path("model"), &err));
        T_OK(goss_model_load(tiny_path("model"), &back, &err));
        T_STR(goss_model_note_of(back, "metrics.accuracy"), "0.5");
        for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
            size_t size =
                (size_t)goss_layout_total(goss_method_param_at(goss_model_method(m), i).layout) * sizeof(float);
            T_CHECK(memcmp(goss_model_values(m, i), goss_model_values(back, i), size) == 0);
        }
        T_OK(goss_model_save(back, tiny_path("again"), &err));
        T_CHECK(tiny_same_files(tiny_path("model"), tiny_path("again")));
        goss_model_free(m), goss_model_free(back);
    }
}

/* ---- bfloat16 ---- */

static long size_of(const char *path) {
    FILE *f = fopen(path, "rb");
    long size = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    if (f) fclose(f);
    return size;
}

/* The network for the tiny set, as a file. */
static bool adapted(const goss_model *m, const char *path) {
    goss_images *set = tiny_images(&err);
    goss_network *n = NULL;
    bool done =
        set && goss_model_adapt(m, set, NULL, &n, &err) == GOSS_OK && goss_network_save(n, path, &err) == GOSS_OK;
    goss_network_free(n), goss_images_close(set);
    return done;
}

TEST(a_rounded_model_adapts_as_its_numbers_do_in_floats) {
    goss_model *m = tiny_model("hypernet",
                               (const char *const[]){"hyper.rules=head=class; conv1.w=full; *=shared", NULL}, &err),
               *back;
    T_CHECK(m && !goss_model_is_bf16(m));
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++)
        for (int64_t k = 0; k < goss_layout_total(goss_method_param_at(goss_model_method(m), i).layout); k++)
            goss_model_values(m, i)[k] += 0.0123f * (float)(k % 13);
    T_OK(goss_model_save(m, tiny_path("f32"), &err));
    T_CHECK(adapted(m, tiny_path("net_f32")));
    T_OK(goss_model_set_bf16(m, true, &err));
    T_OK(goss_model_save(m, tiny_path("bf16"), &err));
    T_CHECK(size_of(tiny_path("bf16")) < 3 * size_of(tiny_path("f32")) / 4);
    T_OK(goss_model_load(tiny_path("bf16"), &back, &err));
    T_CHECK(goss_model_is_bf16(back));
    T_OK(goss_model_save(back, tiny_path("again"), &err));
    T_CHECK(tiny_same_files(tiny_path("bf16"), tiny_path("again")));
    T_CHECK(adapted(back, tiny_path("net_bf16")));
    T_CHECK(!tiny_same_files(tiny_path("net_f32"), tiny_path("net_bf16")));
    T_OK(goss_model_set_bf16(back, false, &err));
    T_CHECK(adapted(back, tiny_path("net_rounded")));
    T_CHECK(tiny_same_files(tiny_path("net_bf16"), tiny_path("net_rounded")));
    goss_model_free(m), goss_model_free(back);
    m = tiny_model("protonet", NULL, &err);
    T_CHECK(m && goss_model_set_bf16(m, true, &err) == GOSS_E_UNSUPPORTED && strstr(err.text, "protonet"));
    goss_model_free(m);
}

/* ---- adapting ---- */

static goss_network *adapt_all(goss_images *set) {
    goss_model *m = tiny_model("hypernet", NULL, &err);
    goss_network *n = NULL;
    if (m && goss_model_adapt(m, set, NULL, &n, &err) != GOSS_OK) printf("  %s\n", err.text);
    goss_model_free(m);
    return n;
}

TEST(a_network_needs_nothing_else) {
    goss_images *set = tiny_images(&err);
    goss_network *n = adapt_all(set), *back;
    T_CHECK(n);
    T_EQ(goss_network_classes(n), TINY_CLASSES);
    T_OK(goss_network_save(n, tiny_path("net"), &err));
    T_OK(goss_network_load(tiny_path("net"), &back, &err));
    static float images[100][TINY_SIDE * TINY_SIDE], p[100][TINY_CLASSES], q[100][TINY_CLASSES], one[TINY_CLASSES];
    for (int i = 0; i < 100; i++) goss_images_get(set, i * 2, images[i]);
    T_OK(goss_network_predict(n, images[0], 100, p[0], NULL, NULL, &err));
    T_OK(goss_network_predict(back, images[0], 100, q[0], NULL, NULL, &err));
    T_CHECK(memcmp(p, q, sizeof p) == 0);
    int right = 0;
    for (int i = 0; i < 100; i++) {
        double sum = 0;
        int best = 0;
        for (int c = 0; c < TINY_CLASSES; c++) sum += (double)p[i][c], best = p[i][c] > p[i][best] ? c : best;
        T_NEAR(sum, 1, 1e-5);
        right += strcmp(goss_network_class_name(back, best),
                        goss_images_class_name(set, goss_images_class_of(set, i * 2))) == 0;
    }
    if (right < 50) T_FAIL("%d of 100 of its own examples are right; the pattern alone tells most", right);
    /* An image's probabilities do not depend on its neighbours. */
    T_OK(goss_network_predict(n, images[70], 1, one, NULL, NULL, &err));
    for (int c = 0; c < TINY_CLASSES; c++) T_NEAR((double)one[c], (double)p[70][c], 1e-6);
    goss_network_free(n), goss_network_free(back), goss_images_close(set);
}

TEST(what_can_not_be_adapted_is_refused) {
    goss_images *set = tiny_images(&err), *other;
    goss_model *pixels = tiny_model("pixels", NULL, &err), *m = tiny_model("hypernet", NULL, &err);
    goss_network *n;
    T_ERR(goss_model_adapt(pixels, set, NULL, &n, &err), GOSS_E_UNSUPPORTED, "pixels");
    goss_images_options o = goss_images_options_defaults();
    T_OK(goss_images_open(tiny_set(), &o, &other, &err));
    T_ERR(goss_model_adapt(m, other, NULL, &n, &err), GOSS_E_ARGUMENT, "28 x 28");
    goss_model_free(m), goss_model_free(pixels), goss_images_close(set), goss_images_close(other);
}

/* ---- evaluation ---- */

TEST(intervals_are_those_of_the_mean) {
    double mean, v[4] = {1, 2, 3, 4};
    T_NEAR(goss_mean_ci95(v, 4, &mean), 1.96 * 1.2909944487 / 2, 1e-9);
    T_NEAR(mean, 2.5, 1e-12);
    T_CHECK(isnan(goss_mean_ci95(v, 1, &mean)));
    T_NEAR(mean, 1, 0);
}

TEST(episodes_are_judged_alike_in_any_batch) {
    goss_images *set = tiny_images(&err);
    goss_episode_spec spec = goss_episode_spec_defaults();
    spec.queries = 4, spec.seed = 9;
    goss_sampler *sampler;
    T_OK(goss_sampler_create(set, NULL, &spec, &sampler, &err));
    goss_model *model[] = {tiny_model("hypernet", NULL, &err), tiny_model("pixels", NULL, &err),
                           tiny_model("ridge", NULL, &err)};
    goss_contender c[] = {{.model = model[0]}, {.model = model[1]}, {.model = model[2]}};
    goss_evaluate_options o = goss_evaluate_defaults();
    goss_score s[3], t[3];
    static double each[3][30], single[3][30];
    o.episodes = 30, o.batch = 7;
    T_OK(goss_evaluate(c, 3, sampler, &o, s, each[0], &err));
    o.batch = 1;
    T_OK(goss_evaluate(c, 3, sampler, &o, t, single[0], &err));
    double sum = 0;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 30; i++) T_NEAR(each[k][i], single[k][i], 0.051); /* at most one of 20 answers, on a tie */
    for (int i = 0; i < 30; i++) sum += each[1][i] - each[0][i];
    T_NEAR(s[1].difference, sum / 30, 1e-9);
    T_NEAR(s[1].difference, s[1].accuracy - s[0].accuracy, 1e-9);
    T_CHECK(s[0].difference == 0 && s[1].difference_ci95 > 0 && s[1].seconds_per_task > 0);
    T_CHECK(s[1].accuracy > 0.3);
    goss_sampler_destroy(sampler);
    for (int k = 0; k < 3; k++) goss_model_free(model[k]);
    goss_images_close(set);
}

/* ---- bad files ---- */

static int tried;

/* 1 when reading the file fails with a text that names it. */
static int refuses(const char *path, const char *what, bool network) {
    goss_model *m = NULL;
    goss_network *n = NULL;
    err.text[0] = 0;
    goss_status s = network ? goss_network_load(path, &n, &err) : goss_model_load(path, &m, &err);
    goss_model_free(m), goss_network_free(n);
    tried++;
    if (s != GOSS_OK && strstr(err.text, path) && strlen(err.text) > strlen(path) + 10) return 1;
    printf("  %s: %s\n", what, s == GOSS_OK ? "was accepted" : err.text);
    return 0;
}

static void write_bytes(const char *path, const char *data, size_t n) {
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, n, f) != n) exit(99);
    fclose(f);
}

/* Cut short and changed at places all over the file. */
static int refuses_damage(const char *good, bool network) {
    size_t n = 0;
    char *data = tiny_read(good, &n), what[64];
    const char *bad = tiny_path("bad");
    int ok = 1;
    for (int i = 0; i < 12; i++) {
        size_t cut = n * (size_t)i / 12;
        write_bytes(bad, data, cut);
        snprintf(what, sizeof what, "cut to %zu of %zu bytes", cut, n);
        ok &= refuses(bad, what, network);
    }
    for (int i = 0; i < 14; i++) {
        size_t at = i == 0 ? 0 : i == 1 ? 7 : 8 + (n - 9) * (size_t)(i - 2) / 11;
        data[at] ^= 0x41;
        write_bytes(bad, data, n);
        snprintf(what, sizeof what, "byte %zu of %zu changed", at, n);
        ok &= refuses(bad, what, network);
        data[at] ^= 0x41;
    }
    free(data);
    return ok;
}

typedef struct lie {
    const char *key, *value, *drop;
} lie;

static int refuses_lies(const char *good, const lie *lies, int n, bool network) {
    int ok = 1;
    for (int i = 0; i < n; i++) {
        const char *bad = tiny_path("bad");
        const rewriting r = {.key = lies[i].key, .value = lies[i].value, .drop = lies[i].drop};
        if (rewrite(good, bad, &r, &err) != GOSS_OK) return 0;
        ok &= refuses(bad, lies[i].key ? lies[i].key : lies[i].drop, network);
    }
    return ok;
}

/* Files of a version before a setting was there: its default holds. */
TEST(a_missing_setting_has_its_default) {
    goss_model *m = tiny_model("hypernet", NULL, &err), *back;
    T_OK(goss_model_save(m, tiny_path("whole"), &err));
    T_OK(rewrite(tiny_path("whole"), tiny_path("older"), &(rewriting){.key = "method.networks"}, &err));
    T_OK(goss_model_load(tiny_path("older"), &back, &err));
    T_EQ(goss_config_int(goss_model_settings(back), "method.networks"), 0);
    goss_model_free(m), goss_model_free(back);
}

TEST(bad_model_files_are_refused) {
    goss_model *m = tiny_model("hypernet", NULL, &err);
    T_OK(goss_model_save(m, tiny_path("good"), &err));
    goss_model_free(m);
    static const lie lies[] = {
        {"gossamer.kind", NULL, NULL},        {"gossamer.kind", "model 2", NULL},
        {"gossamer.kind", "network 1", NULL}, {"gossamer.method", NULL, NULL},
        {"gossamer.method", "magic", NULL},   {"gossamer.method", "protonet", NULL},
        {"image.height", "-8", NULL},         {"image.height", "10", NULL},
        {"image.height", "1e9", NULL},        {"image.height", "8.5", NULL},
        {"image.channels", "2", NULL},        {"image.channels", "3", NULL},
        {"model.backbone", "conv 8", NULL},   {"model.backbone", "mlp 4", NULL},
        {"model.backbone", NULL, NULL},       {"model.backbone", "conv 1000000 3; flatten", NULL},
        {"hyper.hidden", "65", NULL},         {"hyper.rules", "head=class; x", NULL},
        {"method.ridge", "nan", NULL},        {"hyper.combine", "", NULL},
        {"hyper.unheard_of", "1", NULL},      {NULL, NULL, "target.conv1.w"},
        {NULL, NULL, "running.norm1.mean"}};
    goss_model *good;
    T_OK(goss_model_load(tiny_path("good"), &good, &err));
    goss_model_free(good);
    T_CHECK(refuses(tiny_path("absent"), "absent", false));
    T_CHECK(refuses_damage(tiny_path("good"), false));
    T_CHECK(refuses_lies(tiny_path("good"), lies, sizeof lies / sizeof *lies, false));
}

TEST(bad_network_files_are_refused) {
    goss_images *set = tiny_images(&err);
    goss_network *n = adapt_all(set);
    T_OK(goss_network_save(n, tiny_path("goodnet"), &err));
    goss_network_free(n), goss_images_close(set);
    static const lie lies[] = {{"gossamer.kind", "model 1", NULL},
                               {"classes", NULL, NULL},
                               {"classes", "[\"a\"]", NULL},
                               {"classes", "{", NULL},
                               {"classes", "[1, 2]", NULL},
                               {"classes", "[\"a\", \"b\"]", NULL},
                               {"target", NULL, NULL},
                               {"target", "head", NULL},
                               {"target", "conv 3 3; flatten", NULL},
                               {"target", "nonsense", NULL},
                               {"image.width", "16", NULL},
                               {"image.invert", "2", NULL},
                               {NULL, NULL, "head.w"}};
    T_OK(goss_network_load(tiny_path("goodnet"), &n, &err));
    goss_network_free(n);
    T_CHECK(refuses_damage(tiny_path("goodnet"), true));
    T_CHECK(refuses_lies(tiny_path("goodnet"), lies, sizeof lies / sizeof *lies, true));
    /* An ensemble of three: a tensor of its own is every later member's or nobody's. */
    goss_model *m = tiny_model("hypernet", (const char *const[]){"hyper.noise=4", "method.networks=3", NULL}, &err);
    T_CHECK(m && (set = tiny_images(&err)));
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++)
        for (int64_t k = 0; k < goss_layout_total(goss_method_param_at(goss_model_method(m), i).layout); k++)
            goss_model_values(m, i)[k] += 0.01f * (float)(k % 13);
    T_OK(goss_model_adapt(m, set, NULL, &n, &err));
    T_OK(goss_network_save(n, tiny_path("goodmany"), &err));
    goss_network_free(n), goss_images_close(set), goss_model_free(m);
    static const lie of_members[] = {{"members", NULL, NULL},  {"members", "0", NULL},   {"members", "65", NULL},
                                     {"members", "4", NULL},   {"members", "2", NULL},   {"members", "2.5", NULL},
                                     {NULL, NULL, "1:head.w"}, {NULL, NULL, "2:head.b"}, {NULL, NULL, "head.w"}};
    T_CHECK(refuses_lies(tiny_path("goodmany"), of_members, sizeof of_members / sizeof *of_members, true));
    if (tried < 50) T_FAIL("only %d files were tried", tried);
}

TEST(failing_allocations_are_told) {
    goss_model *m = tiny_model("hypernet", NULL, &err), *back;
    T_OK(goss_model_save(m, tiny_path("alloc"), &err));
    goss_model_free(m);
    for (uint64_t n = 1; n < 100000; n++) {
        goss__alloc_fail_at(n);
        goss_status s = goss_model_load(tiny_path("alloc"), &back, &err);
        goss__alloc_fail_at(0);
        if (s == GOSS_OK) {
            goss_model_free(back);
            T_CHECK(n > 20);
            return;
        }
        if (s != GOSS_E_NOMEM) T_FAIL("allocation %d failed: %s", (int)n, err.text);
    }
    T_FAIL("it never succeeded");
}

TEST_MAIN()
