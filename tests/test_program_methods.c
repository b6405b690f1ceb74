/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of every method's training step and of its predictions: through their texts and back. */
#include "few_shot.h"
#include "program_check.h"

static const few_counts counts = {2, 3, 2, 2};
static int watched;

static void watch(const goss_graph *g, const goss_val *out, int n, const goss_val *updates, int n_updates) {
    goss_error err = {0};
    goss_program *p;
    T_OK(goss_program_create(g, out, NULL, n, updates, n_updates, &p, &err));
    T_CHECK(goss_program_outputs(p) == n && goss_program_updates(p) == n_updates);
    check_round_trip(p);
    check_graph(p);
    goss_program_free(p);
    watched++;
}

static void check_method(const char *name, const goss_method_options *o) {
    few f;
    T_NOTE("method %s", name);
    watched = 0, few_watch = watch;
    if (few_train(&f, name, few_backbone, o, counts) != GOSS_OK) T_FAIL("%s: %s", name, f.err.text);
    few_free(&f);
    if (few_test(&f, name, few_backbone, o, counts, 2, 1) != GOSS_OK) T_FAIL("%s: %s", name, f.err.text);
    few_free(&f);
    few_watch = NULL;
    T_EQ(watched, 2);
}

TEST(all_methods) {
    static const char *const names[] = {"hypernet", "protonet", "ridge",    "maml",   "fomaml",
                                        "anil",     "reptile",  "finetune", "learned"};
    goss_method_options o = goss_method_defaults();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) check_method(names[i], &o);
    o.norm = GOSS_METHOD_NORM_SUPPORT, o.inner_steps = 2, o.label_smoothing = 0.1, o.penalty = 0.1;
    check_method("hypernet", &o);
    check_method("maml", &o);
}

TEST(hypernetworks_by_every_rule) {
    static const char *const rules[] = {"head=class; *=film", "head=class; conv2.*=lowrank 2; *=shared",
                                        "head=class; conv2.*=full; conv1.w=chunked 7"};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        goss_hyper_options h = goss_hyper_defaults();
        goss_method_options o = goss_method_defaults();
        h.rules = rules[i];
        h.hidden = 6, h.embedding = 8, h.class_hidden = 9, h.noise = 4;
        o.hyper = &h;
        check_method("hypernet", &o);
    }
}

TEST_MAIN()
