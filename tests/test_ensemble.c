/* SPDX-License-Identifier: Apache-2.0 */
/* Several networks for one task: a model that draws noise gives an ensemble, whose disagreement is the uncertainty. */
#include <math.h>

#include "test.h"
#include "tiny_model.h"

enum { SHOWN = 20 };
static goss_error err;
/* A hypernetwork, whose weights are no longer those of step 0 where `moved`: the networks differ only then. */
static goss_model *make_model(const char *networks, const char *noise, const char *rules, bool moved) {
    goss_model *m = tiny_model("hypernet", (const char *const[]){networks, noise, rules, NULL}, &err);
    for (int i = 0; m && moved && i < goss_method_params(goss_model_method(m)); i++) {
        goss_method_param p = goss_method_param_at(goss_model_method(m), i);
        if (strcmp(p.name, "hyper") != 0) continue;
        for (int64_t k = 0; k < goss_layout_total(p.layout); k++)
            goss_model_values(m, i)[k] += 0.5f * sinf((float)(k * k % 1009));
    }
    return m;
}

typedef struct answers {
    float p[SHOWN][TINY_CLASSES], uncertainty[SHOWN];
} answers;

static goss_status ask(const goss_network *n, const goss_images *set, answers *a) {
    static float images[SHOWN][TINY_SIDE * TINY_SIDE];
    for (int i = 0; i < SHOWN; i++) goss_images_get(set, i * 7, images[i]);
    return goss_network_predict(n, images[0], SHOWN, a->p[0], a->uncertainty, NULL, &err);
}

/* Of a model and a set: an ensemble of that many, its answers, and the file it leaves at "net". */
static void check_ensemble(const char *rules, bool moved, int networks, answers *a) {
    goss_images *set = tiny_images(&err);
    goss_model *m = make_model("method.networks=3", "hyper.noise=8", rules, moved);
    goss_network *n, *back;
    answers b;
    T_CHECK(m && set);
    T_OK(goss_model_adapt(m, set, &(goss_adapt_options){.networks = networks}, &n, &err));
    T_EQ(goss_network_members(n), networks ? networks : 3);
    T_OK(ask(n, set, a));
    T_OK(goss_network_save(n, tiny_path("net"), &err));
    T_OK(goss_network_load(tiny_path("net"), &back, &err));
    T_EQ(goss_network_members(back), goss_network_members(n));
    T_OK(ask(back, set, &b));
    T_CHECK(memcmp(a, &b, sizeof b) == 0);
    for (int i = 0; i < SHOWN; i++) {
        double sum = 0;
        for (int c = 0; c < TINY_CLASSES; c++) sum += (double)a->p[i][c];
        T_NEAR(sum, 1, 1e-5);
    }
    goss_network_free(n), goss_network_free(back), goss_model_free(m), goss_images_close(set);
}

static double most_uncertain(const answers *a) {
    double most = 0;
    for (int i = 0; i < SHOWN; i++) most = fmax(most, (double)a->uncertainty[i]);
    return most;
}

TEST(networks_that_differ_disagree) {
    answers a;
    check_ensemble("hyper.rules=head=class; *=shared", true, 0, &a);
    T_CHECK(most_uncertain(&a) > 1e-3 && most_uncertain(&a) < log(3) + 1e-6);
    check_ensemble("hyper.rules=head=class; conv1.w=lowrank 2; norm1.*=film", true, 5, &a);
    T_CHECK(most_uncertain(&a) > 1e-3 && most_uncertain(&a) < log(5) + 1e-6);
}

/* At step 0 nothing is added to the class means, and noise changes nothing. */
TEST(networks_that_are_the_same_are_certain) {
    answers a;
    check_ensemble("hyper.rules=head=class; *=shared", false, 4, &a);
    T_CHECK(most_uncertain(&a) < 1e-6);
}

/* The mean of the members' probabilities is the ensemble's: what a file with one member says of that member. */
TEST(an_ensemble_is_the_mean_of_its_members) {
    goss_images *set = tiny_images(&err);
    goss_model *m = make_model("method.networks=1", "hyper.noise=8", "hyper.rules=head=class; *=shared", true);
    goss_network *two, *one;
    answers both, first;
    T_OK(goss_model_adapt(m, set, &(goss_adapt_options){.networks = 2}, &two, &err));
    T_OK(goss_model_adapt(m, set, NULL, &one, &err)); /* the same first draw */
    T_EQ(goss_network_members(one), 1);
    T_OK(ask(two, set, &both));
    T_OK(ask(one, set, &first));
    double change = 0;
    for (int i = 0; i < SHOWN; i++) {
        T_NEAR((double)first.uncertainty[i], 0, 1e-7);
        for (int c = 0; c < TINY_CLASSES; c++) {
            double second = 2 * (double)both.p[i][c] - (double)first.p[i][c];
            T_CHECK(second > -1e-5 && second < 1 + 1e-5);
            change += fabs(second - (double)first.p[i][c]);
        }
    }
    T_CHECK(change > 0.01);
    goss_network_free(one), goss_network_free(two), goss_model_free(m), goss_images_close(set);
}

TEST(ensembles_without_noise_are_refused) {
    goss_images *set = tiny_images(&err);
    goss_network *n;
    T_CHECK(!make_model("method.networks=2", "hyper.noise=0", "hyper.rules=head=class; *=shared", false));
    T_CHECK(strstr(err.text, "hyper.noise"));
    goss_model *m = make_model("method.networks=0", "hyper.noise=0", "hyper.rules=head=class; *=shared", false);
    T_ERR(goss_model_adapt(m, set, &(goss_adapt_options){.networks = 2}, &n, &err), GOSS_E_UNSUPPORTED, "noise");
    T_ERR(goss_model_adapt(m, set, &(goss_adapt_options){.networks = 65}, &n, &err), GOSS_E_ARGUMENT, "1 .. 64");
    goss_model_free(m), goss_images_close(set);
}

TEST_MAIN()
