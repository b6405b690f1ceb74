/* SPDX-License-Identifier: Apache-2.0 */
/* Values published by role and name: how they are found, what networks, hypernetworks and methods publish, and that it
 * costs nothing. */
#include "few_shot.h"
#include "gossamer/hyper.h"

static goss_error err;

static goss_val number(goss_graph *g, double x) { return goss_const(g, x); }

/* "a b c": the names that match, in order; the caller frees nothing. */
static const char *names_of(const goss_graph *g, const char *pattern) {
    static char text[4000];
    goss_published_value found[128];
    int n;
    T_OK(goss_published(g, pattern, found, 128, &n, &err));
    text[0] = 0;
    for (int i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "", found[i].name);
    return text;
}

/* ---- the list ---- */

TEST(values_are_found_by_name_and_pattern) {
    goss_graph *g = goss_graph_new();
    goss_val a = number(g, 1), b = number(g, 2), c = number(g, 3);
    T_EQ(goss_publish(g, "weights/conv1.w", a).id, a.id);
    goss_publish(g, "weights/conv2.w", b), goss_publish(g, "features/block1", c);
    T_EQ(goss_published_get(g, "weights/conv2.w").id, b.id);
    T_STR(names_of(g, "weights/*"), "weights/conv1.w weights/conv2.w");
    T_STR(names_of(g, "*conv?.w,features/*"), "weights/conv1.w weights/conv2.w features/block1");
    int n = 0;
    T_OK(goss_published(g, "*", NULL, 0, &n, &err));
    T_EQ(n, 3);
    goss_graph_free(g);
}

TEST(a_name_that_is_taken_is_numbered) {
    goss_graph *g = goss_graph_new();
    goss_val a = number(g, 1), b = number(g, 2), c = number(g, 3);
    goss_publish(g, "logits", a), goss_publish(g, "logits", b), goss_publish(g, "logits", a);
    goss_publish(g, "logits", c), goss_publish(g, "logits", b);
    T_STR(names_of(g, "*"), "logits logits#2 logits#3");
    T_EQ(goss_published_get(g, "logits#2").id, b.id);
    T_EQ(goss_published_get(g, "logits#3").id, c.id);
    T_OK(goss_graph_status(g, &err));
    goss_graph_free(g);
}

TEST(an_unknown_name_tells_the_near_ones) {
    goss_graph *g = goss_graph_new();
    goss_published_value found[4];
    int n;
    T_ERR(goss_published(g, "x", found, 4, &n, &err), GOSS_E_ARGUMENT, "none is in this graph");
    goss_publish(g, "features/block1", number(g, 1)), goss_publish(g, "features/block2", number(g, 2));
    goss_publish(g, "weights/conv1.w", number(g, 3));
    T_ERR(goss_published(g, "features/blok2", found, 4, &n, &err), GOSS_E_ARGUMENT,
          "no value is published as features/blok2; did you mean features/block1 or features/block2?");
    T_ERR(goss_published(g, "gates/*", found, 4, &n, &err), GOSS_E_ARGUMENT,
          "there are features/block1, features/block2");
    found[0].name = "untouched";
    T_ERR(goss_published(g, "*", found, 2, &n, &err), GOSS_E_ARGUMENT, "3 values are published as *, more than 2");
    T_STR(found[0].name, "untouched");
    T_OK(goss_graph_status(g, &err)); /* nothing of that is the graph's error */
    T_CHECK(!goss_valid(goss_published_get(g, "weights/conv1.v")));
    T_ERR(goss_graph_status(g, &err), GOSS_E_ARGUMENT, "did you mean weights/conv1.w?");
    goss_graph_free(g);
}

TEST(names_that_could_not_be_found_are_refused) {
    static const char *const bad[] = {"", "a*", "a?", "a,b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        goss_graph *g = goss_graph_new();
        T_CHECK(!goss_valid(goss_publish(g, bad[i], number(g, 1))));
        T_ERR(goss_graph_status(g, &err), GOSS_E_ARGUMENT, "cannot be published");
        goss_graph_free(g);
    }
    goss_graph *g = goss_graph_new();
    T_CHECK(!goss_valid(goss_publish(g, "none", GOSS_NONE))); /* what is not there has no name */
    int n;
    T_ERR(goss_published(g, "none", NULL, 0, &n, &err), GOSS_E_ARGUMENT, "none is in this graph");
    goss_graph_free(g);
}

TEST(many_names_are_kept) {
    goss_graph *g = goss_graph_new();
    char name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "n/%d", i);
        goss_publish(g, name, number(g, i));
    }
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "n/%d", i);
        T_EQ(goss_published_get(g, name).id, number(g, i).id);
    }
    goss_graph_free(g);
}

/* ---- target networks ---- */

static void apply(goss_graph *g, const char *text, const char *prefix) {
    goss_target *t;
    T_OK(goss_target_parse(text, few_input, 3, 0, &t, &err));
    goss_target_context c = goss_target_context_defaults();
    c.publish = prefix;
    goss_extent T = goss_symbol(g, "T", 4), N = goss_symbol(g, "N", 8);
    goss_val x = goss_input(g, "x", GOSS_REAL, GOSS_SHAPE(T, N, goss_n(FEW_SIDE), goss_n(FEW_SIDE), goss_n(1)));
    goss_weights *w = goss_weights_from_params(g, goss_target_layout(t), "net");
    goss_target_features(t, x, w, &c);
    T_OK(goss_graph_status(g, &err));
    goss_weights_free(w);
    goss_target_free(t);
}

TEST(layers_and_blocks_of_a_network) {
    goss_graph *g = goss_graph_new();
    apply(g, "conv 4 3 pad 1; norm batch; relu; pool max 2; conv 6 3 pad 1; relu; flatten; dense 5; tanh", "");
    T_STR(names_of(g, "*"), "hidden/conv1 hidden/norm1 features/block1 hidden/conv2 features/block2 hidden/dense1 "
                            "features/block3 features/out");
    goss_shape s = goss_shape_of(goss_published_get(g, "features/block1")); /* pooled */
    T_CHECK(s.rank == 5 && s.dim[2].count == 3 && s.dim[4].count == 4);
    T_CHECK(goss_rank(goss_published_get(g, "features/block2")) == 5); /* before they are flattened */
    T_EQ(goss_published_get(g, "features/block3").id, goss_published_get(g, "features/out").id);
    goss_graph_free(g);
}

TEST(a_residual_block_is_one) {
    goss_graph *g = goss_graph_new();
    apply(g, "conv 4 3 pad 1; residual { conv 4 3 pad 1; relu; conv 4 3 pad 1 }; relu; pool global", "support/");
    T_STR(names_of(g, "features/*"), "features/support/block1 features/support/block2 features/support/out");
    T_STR(names_of(g, "hidden/*"), "hidden/support/conv1 hidden/support/conv2 hidden/support/conv3");
    goss_graph_free(g);
}

TEST(without_a_prefix_nothing_is_published) {
    goss_graph *g = goss_graph_new();
    int n;
    apply(g, "conv 4 3; relu; flatten", NULL);
    T_ERR(goss_published(g, "*", NULL, 0, &n, &err), GOSS_E_ARGUMENT, "none is in this graph");
    goss_graph_free(g);
}

/* ---- methods ---- */

static const few_counts small = {2, 3, 2, 2};

static void begin_training(few *f, const char *method, const goss_method_options *o) {
    if (few_train(f, method, few_backbone, o, small) != GOSS_OK) T_FAIL("%s: %s", method, f->err.text);
}

TEST(every_method_publishes_its_network) {
    static const char *const methods[] = {"hypernet", "protonet", "ridge",    "maml",   "fomaml",
                                          "anil",     "reptile",  "finetune", "learned"};
    static const char *const wanted[] = {"logits",          "weights/conv1.w",         "weights/head.w",
                                         "features/block2", "features/support/block2", "hidden/norm1"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        few f;
        begin_training(&f, methods[i], NULL);
        T_NOTE("%s", methods[i]);
        for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++)
            T_CHECK(goss_valid(goss_published_get(f.graph, wanted[k])));
        T_OK(goss_graph_status(f.graph, &err));
        few_free(&f);
    }
}

/* What MAML publishes is what its steps lead to, per task; the steps themselves are not among it. */
TEST(weights_are_those_after_the_steps) {
    few f;
    begin_training(&f, "maml", NULL);
    goss_shape s = goss_shape_of(goss_published_get(f.graph, "weights/conv1.w"));
    T_CHECK(goss_extent_equal(s.dim[0], f.batch.T));
    T_STR(names_of(f.graph, "features/*block1"), "features/support/block1 features/block1");
    few_free(&f);
}

TEST(a_hypernetwork_publishes_what_it_generates) {
    goss_hyper_options h = goss_hyper_defaults();
    h.rules = "head=class; conv*.w=full; norm2.*=film";
    h.noise = 3;
    goss_method_options o = goss_method_defaults();
    o.hyper = &h, o.networks = 2;
    few f;
    begin_training(&f, "hypernet", &o);
    T_STR(names_of(f.graph, "generated/*"), "generated/conv1.w generated/conv2.w generated/norm2.scale "
                                            "generated/norm2.shift generated/conv1.w#2 generated/conv2.w#2 "
                                            "generated/norm2.scale#2 generated/norm2.shift#2");
    T_STR(names_of(f.graph, "embedding/*"), "embedding/task embedding/task#2");
    T_STR(names_of(f.graph, "logits*"), "logits"); /* of both networks together */
    T_STR(names_of(f.graph, "features/condition/block?"), "features/condition/block1 features/condition/block2");
    goss_shape s = goss_shape_of(goss_published_get(f.graph, "generated/conv2.w"));
    T_CHECK(s.rank == 5 && goss_extent_equal(s.dim[0], f.batch.T) && s.dim[4].count == 6);
    few_free(&f);
}

/* A published value can be read like any other, and what is not read is not computed. */
TEST(published_values_are_values) {
    few f;
    T_OK(few_begin(&f, "protonet", few_backbone, NULL, small));
    goss_step_loss loss = goss_method_train(f.method, f.graph, &f.batch);
    goss_val logits = goss_published_get(f.graph, "logits");
    goss_val out[2] = {loss.loss, logits};
    if (few_compile(&f, out, 2, 1) != GOSS_OK || few_run(&f) != GOSS_OK) T_FAIL("%s", f.err.text);
    int64_t n;
    const double *y = goss_exec_output(f.exec, 1, &n);
    T_EQ(n, 2 * 6 * 3);
    double sum = 0; /* the loss is the cross entropy of these logits */
    for (int i = 0; i < 2 * 6; i++) {
        double all = 0;
        for (int k = 0; k < 3; k++) all += exp(y[3 * i + k]);
        for (int k = 0; k < 3; k++) sum -= f.query_target[3 * i + k] * (y[3 * i + k] - log(all)) / (2 * 6);
    }
    T_NEAR(few_output(&f, 0)[0], sum, 1e-9);
    few_free(&f);
}

TEST_MAIN()
