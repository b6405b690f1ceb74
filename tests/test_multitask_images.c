/* SPDX-License-Identifier: Apache-2.0 */
/* Method multitask on image tasks, each with classes of its own: presets, gradients' effect, new tasks, refusals. */
#include "gossamer/evaluate.h"
#include "gossamer/model.h"
#include "gossamer/train.h"
#include "task_images.h"
#include "test.h"

static goss_status train(const char *dir, const char *const *more, goss_train_report *report) {
    static const char *const base[] = {"data.height=8",
                                       "data.width=8",
                                       "data.invert=no",
                                       "data.task=folder",
                                       "data.split=.5,.2,.3",
                                       "task.support=0",
                                       "task.queries=12",
                                       "train.tasks=0",
                                       "train.steps=150",
                                       "validate.every=50",
                                       "train.method=multitask",
                                       "optimizer.rate=0.02",
                                       "run.threads=1",
                                       "data.cache=none",
                                       "train.log_every=50",
                                       "model.backbone=conv 4 3 pad 1; norm group 2; relu; pool max 2; mlp 24",
                                       NULL};
    int n;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    char pair[400];
    goss_status s = GOSS_OK;
    T_OK(goss_config_new(keys, n, &c, &err));
    for (int i = 0; base[i]; i++) T_OK(goss_config_override(c, base[i], &err));
    snprintf(pair, sizeof pair, "data.path=%s", three_tasks());
    T_OK(goss_config_override(c, pair, &err));
    snprintf(pair, sizeof pair, "run.dir=%s", tiny_path(dir));
    T_OK(goss_config_override(c, pair, &err));
    for (int i = 0; s == GOSS_OK && more && more[i]; i++) s = goss_config_override(c, more[i], &err);
    if (s == GOSS_OK) s = goss_train(c, NULL, report, &err);
    goss_config_free(c);
    return s;
}

TEST(tasks_with_classes_of_their_own_are_learned) {
    static const char *const rules[] = {"share.preset=hard",       "share.preset=alone",
                                        "share.preset=dictionary", "share.preset=routing",
                                        "share.preset=stitch",     "share.rules=head.*=own; *=shared+own"};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char dir[20];
        goss_train_report report;
        snprintf(dir, sizeof dir, "run%zu", i);
        T_OK(train(dir, (const char *const[]){rules[i], NULL}, &report));
        if (!(report.validation > 0.8)) T_FAIL("%s: accuracy %g; chance is .36", rules[i], report.validation);
    }
}

/* The classes of a task are its own: a few heads that tasks mix are learned slowly. */
TEST(mixtures_leave_heads_to_the_tasks) {
    static const char *const own[] = {"share.own_heads=true", "share.own_heads=false"};
    static const char *const rules[] = {"head.*=own; *=dictionary", "*=dictionary"};
    for (int i = 0; i < 2; i++) {
        goss_model *m;
        T_OK(train(i ? "mixed" : "own", (const char *const[]){"share.preset=dictionary", "train.steps=5", own[i], NULL},
                   NULL));
        T_OK(goss_model_load(tiny_path(i ? "mixed/model.safetensors" : "own/model.safetensors"), &m, &err));
        T_STR(goss_share_rules(goss_method_share(goss_model_method(m))), rules[i]);
        goss_model_free(m);
    }
}

TEST(what_has_no_meaning_is_refused) {
    T_ERR(train("joint", (const char *const[]){"share.preset=joint", NULL}, NULL), GOSS_E_UNSUPPORTED,
          "[share]: head.w is shared, but each task has classes of its own");
    T_ERR(train("norm",
                (const char *const[]){"model.backbone=conv 4 3; norm batch; relu; flatten", "share.preset=alone", NULL},
                NULL),
          GOSS_E_UNSUPPORTED, "differs from task to task, and batch norm's running statistics");
    T_OK(train("batch",
               (const char *const[]){"model.backbone=conv 4 3; norm batch; relu; flatten", "train.steps=5",
                                     "share.preset=hard", "validate.every=5", NULL},
               NULL));
}

/* A new task of `classes` classes, with `shots` support images each: the share of 40 others that is right. */
static double adapted(const goss_model *m, int classes, int shots, const char *what) {
    char top[40], name[80], path[300];
    goss_network *net, *read;
    snprintf(top, sizeof top, "new-%s", what);
    for (int part = 0; part < 2; part++)
        for (int c = 0; c < classes; c++) {
            snprintf(name, sizeof name, "%s/n%d", part ? "query" : "support", c);
            char pattern[20];
            snprintf(pattern, sizeof pattern, "pattern%d", c);
            write_class_of(top, name, pattern, part ? 100 : 0, part ? 20 : shots);
        }
    snprintf(name, sizeof name, "%s/support", top);
    goss_images *support = open_images(tiny_path(name));
    T_OK(goss_model_adapt(m, support, NULL, &net, &err));
    T_EQ(goss_network_classes(net), classes);
    snprintf(path, sizeof path, "%s", tiny_path("net.safetensors"));
    T_OK(goss_network_save(net, path, &err));
    T_OK(goss_network_load(path, &read, &err));
    snprintf(name, sizeof name, "%s/query", top);
    goss_images *query = open_images(tiny_path(name));
    const int n = goss_images_count(query);
    float *x = calloc((size_t)n * 64, sizeof *x), *p = calloc((size_t)(n * classes), sizeof *p);
    for (int i = 0; i < n; i++) goss_images_get(query, i, x + i * 64);
    T_OK(goss_network_predict(read, x, n, p, NULL, NULL, &err));
    int right = 0;
    for (int i = 0; i < n; i++) {
        int best = 0;
        for (int w = 1; w < classes; w++)
            if (p[i * classes + w] > p[i * classes + best]) best = w;
        right += best == goss_images_class_of(query, i);
    }
    free(x), free(p);
    goss_images_close(support), goss_images_close(query);
    goss_network_free(net), goss_network_free(read);
    return (double)right / n;
}

TEST(a_new_task_has_a_head_of_its_classes) {
    goss_model *m;
    T_OK(train("adapt", (const char *const[]){"share.preset=hard", NULL}, NULL));
    T_OK(goss_model_load(tiny_path("adapt/model.safetensors"), &m, &err));
    const double two = adapted(m, 2, 5, "two"), four = adapted(m, 4, 5, "four");
    if (!(two > 0.8 && four > 0.7)) T_FAIL("accuracy %g of 2 classes, %g of 4", two, four);
    goss_images *episodes = open_images(three_tasks());
    goss_sampler *sampler;
    goss_episode_spec spec = goss_episode_spec_defaults();
    goss_score score;
    spec.ways = 2, spec.shots = 1, spec.queries = 1;
    T_OK(goss_sampler_create(episodes, NULL, &spec, &sampler, &err));
    T_ERR(goss_evaluate(&(goss_contender){.model = m}, 1, sampler, NULL, &score, NULL, &err), GOSS_E_UNSUPPORTED,
          "multitask: its networks have heads for the tasks that it was trained on");
    goss_sampler_destroy(sampler), goss_images_close(episodes);
    for (int c = 0; c < 5; c++) {
        char name[40];
        snprintf(name, sizeof name, "n%d", c);
        write_class("five", name, 3);
    }
    goss_images *five = open_images(tiny_path("five"));
    goss_network *net;
    T_ERR(goss_model_adapt(m, five, NULL, &net, &err), GOSS_E_ARGUMENT,
          "a task of 5 classes; the largest that the model was trained on has 4");
    goss_images_close(five), goss_model_free(m);
}

TEST_MAIN()
