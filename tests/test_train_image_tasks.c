/* SPDX-License-Identifier: Apache-2.0 */
/* Training on images in tasks: a network for each task by its number, its file, what resumes, and what is refused. */
#include "gossamer/log.h"
#include "gossamer/model.h"
#include "gossamer/train.h"
#include "task_images.h"
#include "test.h"
#include "train/run.h"

static const char *const base[] = {"data.height=8",
                                   "data.width=8",
                                   "data.invert=no",
                                   "data.task=folder",
                                   "data.split=.5,.2,.3",
                                   "task.support=0",
                                   "task.queries=12",
                                   "train.tasks=3",
                                   "train.steps=200",
                                   "train.log_every=50",
                                   "validate.every=50",
                                   "hyper.condition=id",
                                   "model.backbone=conv 4 3 pad 1; norm group 2; relu; pool max 2; mlp 24",
                                   "optimizer.rate=0.02",
                                   "run.threads=1",
                                   "data.cache=none",
                                   NULL};

/* NULL: a setting of `more` is refused by itself. */
static goss_config *config(const char *dir, const char *const *more) {
    int n;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    char pair[400];
    T_OK(goss_config_new(keys, n, &c, &err));
    for (int i = 0; base[i]; i++) T_OK(goss_config_override(c, base[i], &err));
    snprintf(pair, sizeof pair, "data.path=%s", three_tasks());
    T_OK(goss_config_override(c, pair, &err));
    snprintf(pair, sizeof pair, "run.dir=%s", tiny_path(dir));
    T_OK(goss_config_override(c, pair, &err));
    for (int i = 0; more && more[i]; i++)
        if (goss_config_override(c, more[i], &err) != GOSS_OK) {
            goss_config_free(c);
            return NULL;
        }
    return c;
}

static goss_status train(const char *dir, const char *const *more, goss_train_report *report) {
    goss_config *c = config(dir, more);
    if (!c) return err.status;
    goss_status s = goss_train(c, NULL, report, &err);
    goss_config_free(c);
    return s;
}

static char said[4000];
static void keep_line(void *context, goss_log_level level, const char *line) {
    const size_t n = strlen(said);
    (void)context, (void)level;
    snprintf(said + n, sizeof said - n, "%s\n", line);
}

TEST(a_hypernetwork_makes_a_network_for_each_task) {
    goss_train_report report;
    goss_model *m;
    T_OK(train("run", NULL, &report));
    T_CHECK(report.validated && report.validation > 0.8); /* chance is 36 % */
    T_OK(goss_model_load(tiny_path("run/model.safetensors"), &m, &err));
    const goss_data_spec *d = goss_model_data(m);
    T_STR(d->kind, "images");
    T_CHECK(d->task.task_classes && !d->task.shared_classes);
    T_EQ(d->task.outputs, 4);
    T_EQ(d->task.ids, 3);
    T_STR(d->task_names[2], "two");
    T_EQ(d->image.height, 8);
    T_STR(goss_model_note_of(m, "metrics.validated_on"), "images of 3 tasks that were kept for it, accuracy");
    goss_model_free(m);
}

/* The share of a task's test images whose class a network finds. */
static double accuracy_of(const goss_network *n, const goss_image_tasks *tasks, int task) {
    const int32_t *output;
    int count, right = 0;
    const int32_t *image = goss_image_tasks_images(tasks, task, GOSS_PART_TEST, &output, &count);
    for (int i = 0; i < count; i++) {
        float x[64], p[4] = {0};
        int best = 0;
        goss_images_get(goss_image_tasks_set(tasks), image[i], x);
        T_OK(goss_network_predict(n, x, 1, p, NULL, NULL, &err));
        for (int w = 1; w < goss_network_classes(n); w++) best = p[w] > p[best] ? w : best;
        right += best == output[i];
    }
    return (double)right / count;
}

TEST(a_task_that_was_trained_on_becomes_a_network_by_its_number) {
    goss_image_tasks *tasks;
    goss_image_tasks_options o = goss_image_tasks_defaults();
    goss_model *m;
    goss_network *n, *read;
    char **names;
    int outputs;
    T_OK(train("known", NULL, NULL));
    T_OK(goss_model_load(tiny_path("known/model.safetensors"), &m, &err));
    goss_images *set = open_images(three_tasks());
    o.split[0] = .5, o.split[1] = .2, o.split[2] = .3;
    T_OK(goss_image_tasks_open(set, &o, &tasks, &err));
    for (int t = 0; t < 3; t++) {
        T_OK(goss_image_task_names(goss_model_data(m)->transform, goss_image_tasks_name(tasks, t), &names, &outputs,
                                   &err));
        T_EQ(outputs, goss_image_tasks_outputs(tasks, t));
        T_OK(goss_model_adapt_known(m, t, outputs, (const char *const *)names, NULL, &n, &err));
        T_EQ(goss_network_classes(n), outputs); /* not as many as the largest task's */
        T_STR(goss_network_class_name(n, 1), goss_image_tasks_output_name(tasks, t, 1));
        T_CHECK(accuracy_of(n, tasks, t) > 0.7);
        T_OK(goss_network_save(n, tiny_path("known.net"), &err));
        T_OK(goss_network_load(tiny_path("known.net"), &read, &err));
        T_NEAR(accuracy_of(read, tasks, t), accuracy_of(n, tasks, t), 0);
        goss_network_free(n), goss_network_free(read);
        goss_image_names_free(names);
    }
    T_ERR(goss_model_adapt_known(m, 3, 2, NULL, NULL, &n, &err), GOSS_E_ARGUMENT, "trained on 0 .. 2");
    T_ERR(goss_model_adapt_known(m, 0, 5, NULL, NULL, &n, &err), GOSS_E_ARGUMENT,
          "5 classes; the largest that the model was trained on has 4");
    T_ERR(goss_model_adapt_known(m, 0, 4, NULL, &(goss_adapt_options){.fine_tune = 2}, &n, &err), GOSS_E_ARGUMENT,
          "gradient steps need a support set");
    goss_image_tasks_free(tasks);
    goss_images_close(set);
    goss_model_free(m);
}

static bool file_has(const char *path, const char *tensor) {
    goss_safetensors *f;
    T_OK(goss_safetensors_open(path, &f, &err));
    const bool has = goss_safetensors_find(f, tensor) != NULL;
    goss_safetensors_close(f);
    return has;
}

/* A copy of a model's file with another value of a setting. */
static void copy_with(const char *from, const char *to, const char *key, const char *value) {
    goss_safetensors *f;
    goss_tensor_file *w;
    bool found = false;
    T_OK(goss_safetensors_open(from, &f, &err));
    T_OK(goss_tensor_file_new(&w, &err));
    for (int i = 0; i < goss_safetensors_meta_count(f); i++) {
        const char *name = goss_safetensors_meta_key(f, i);
        if (strcmp(name, "gossamer.hash") == 0 || strcmp(name, "gossamer.container") == 0) continue; /* the writer's */
        const bool it = strcmp(name, key) == 0;
        T_OK(goss_tensor_file_meta(w, name, it ? value : goss_safetensors_meta_value(f, i), &err));
        found |= it;
    }
    T_CHECK(found);
    for (int i = 0; i < goss_safetensors_count(f); i++) {
        const goss_file_tensor *t = goss_safetensors_at(f, i);
        T_OK(goss_tensor_file_add(w, t->name, t->dtype, t->rank, t->shape, t->data, &err));
    }
    T_OK(goss_tensor_file_write(w, to, &err));
    goss_tensor_file_free(w);
    goss_safetensors_close(f);
}

/* Nothing of one task's head helps another's. Files of before say the rules that were the default then, and had heads
 * that are generated; who says them now is told that they are for other tasks. */
TEST(heads_are_the_tasks_own) {
    const char *now[] = {"train.steps=2", "validate.every=2", NULL},
               *of_classes[] = {"train.steps=2", "validate.every=2", "hyper.rules=head=class; *=shared", NULL},
               *generated[] = {"train.steps=2", "validate.every=2", "hyper.rules=head.*=full; *=film", NULL},
               *replaced[] = {"train.steps=2", "validate.every=2", "hyper.combine=replace", NULL};
    goss_model *m;
    T_OK(train("own", now, NULL));
    T_CHECK(file_has(tiny_path("own/model.safetensors"), "tasks.own"));
    T_CHECK(!file_has(tiny_path("own/model.safetensors"), "hyper.head.w.full"));
    T_ERR(train("classes", of_classes, NULL), GOSS_E_UNSUPPORTED, "a task id has none");
    T_OK(train("generated", generated, NULL));
    T_CHECK(!file_has(tiny_path("generated/model.safetensors"), "tasks.own"));
    T_CHECK(file_has(tiny_path("generated/model.safetensors"), "hyper.head.w.full"));
    copy_with(tiny_path("generated/model.safetensors"), tiny_path("before.safetensors"), "hyper.rules",
              "head=class; *=shared");
    T_OK(goss_model_load(tiny_path("before.safetensors"), &m, &err));
    goss_model_free(m);
    T_OK(train("replaced", replaced, NULL)); /* which own numbers are not */
    T_CHECK(file_has(tiny_path("replaced/model.safetensors"), "hyper.head.w.full"));
}

/* The share of the images of a set, in order of its classes, whose class a network finds. */
static double accuracy_on(const goss_network *n, const goss_images *set) {
    int right = 0;
    for (int i = 0; i < goss_images_count(set); i++) {
        float x[64], p[2];
        goss_images_get(set, i, x);
        T_OK(goss_network_predict(n, x, 1, p, NULL, NULL, &err));
        right += (p[1] > p[0]) == goss_images_class_of(set, i);
    }
    return (double)right / goss_images_count(set);
}

TEST(a_new_task_is_found_by_its_support_set) {
    goss_model *m;
    goss_network *n;
    T_OK(train("new", NULL, NULL));
    T_OK(goss_model_load(tiny_path("new/model.safetensors"), &m, &err));
    write_class("fresh", "p", 6);
    write_class("fresh", "q", 6);
    goss_images *set = open_images(tiny_path("fresh"));
    T_OK(goss_model_adapt(m, set, NULL, &n, &err));
    T_EQ(goss_network_classes(n), 2);
    T_STR(goss_network_class_name(n, 1), "q");
    T_CHECK(accuracy_on(n, set) > 0.9); /* its head has begun at that of no task */
    goss_network_free(n);
    goss_images_close(set);
    goss_model_free(m);
}

TEST(plain_regularisers_train_and_dropout_is_written_into_the_backbone) {
    goss_model *m;
    T_OK(train("plain",
               (const char *[]){"train.steps=3", "validate.every=3", "train.mixup=0.3", "train.augment=1",
                                "model.dropout=0.2", "method.label_smoothing=0.1", NULL},
               NULL));
    T_OK(goss_model_load(tiny_path("plain/model.safetensors"), &m, &err));
    const char *text = goss_config_text(goss_model_settings(m), "model.backbone");
    T_CHECK(strstr(text, "relu;dropout 0.2 channels;pool max 2"));
    T_CHECK(goss_config_real(goss_model_settings(m), "model.dropout") == 0); /* not a second time */
    goss_model_free(m);
}

TEST(only_images_of_training_and_validation_are_seen) {
    goss_image_tasks *tasks;
    goss_image_tasks_options o = goss_image_tasks_defaults();
    goss_model *m;
    goss_overlap overlap;
    int n, tested = 0;
    T_OK(train("seen", (const char *[]){"train.steps=2", "validate.every=1", NULL}, NULL));
    T_OK(goss_model_load(tiny_path("seen/model.safetensors"), &m, &err));
    goss_images *set = open_images(three_tasks());
    bool seen[200] = {0};
    T_OK(goss_model_overlap(m, GOSS_USE_TRAIN, set, NULL, seen, &overlap, &err));
    T_EQ(overlap.images, 90);
    T_OK(goss_model_overlap(m, GOSS_USE_VALIDATE, set, NULL, seen, &overlap, &err));
    T_EQ(overlap.images, 36);
    o.split[0] = .5, o.split[1] = .2, o.split[2] = .3;
    T_OK(goss_image_tasks_open(set, &o, &tasks, &err));
    for (int t = 0; t < 3; t++) {
        const int32_t *image = goss_image_tasks_images(tasks, t, GOSS_PART_TEST, NULL, &n);
        for (int i = 0; i < n; i++, tested++) T_CHECK(!seen[image[i]]);
    }
    T_EQ(tested, 54);
    goss_image_tasks_free(tasks);
    goss_images_close(set);
    goss_model_free(m);
}

TEST(a_run_goes_on_with_the_tasks_it_had_alone) {
    const char *list = write_text("pairs.csv", "task,class\np,two/x\np,two/y\nq,mid/a\nq,mid/b\n");
    char tasks[300];
    snprintf(tasks, sizeof tasks, "data.tasks=%s", list);
    const char *more[] = {tasks, "data.task=", "train.tasks=2", "train.steps=4", "validate.every=2", NULL};
    T_OK(train("resume", more, NULL));
    more[3] = "train.steps=6";
    T_OK(train("resume", more, NULL));
    write_text("pairs.csv", "task,class\np,two/x\np,two/y\nq,mid/a\nq,mid/c\n");
    more[3] = "train.steps=8";
    T_ERR(train("resume", more, NULL), GOSS_E_ARGUMENT, "holds other images, tasks or divisions than the run in");
    write_text("pairs.csv", "task,class\np,two/x\np,two/y\nq,mid/a\nq,mid/b\n");
    T_OK(train("resume", more, NULL));
}

/* ---- what is refused or told ---- */

static const struct {
    const char *more[4], *says;
} refused[] = {
    {{"task.support=5"}, "are trained together, without support sets: set task.support=0"},
    {{"data.task=alphabet"}, "of images a task is a folder (data.task=folder)"},
    {{"data.tasks=nowhere.csv"}, "data.tasks: nowhere.csv: there is no such file"},
    {{"train.method=protonet"}, "have no support sets (task.support = 0: they are trained together)"},
    {{"train.method=joint"}, "these have classes of their own"},
    {{"hyper.condition=support"}, "have no support sets"},
    {{"hyper.rules=head.b=full; *=shared"}, "let hyper.rules generate head.w and head.b"},
    {{"hyper.rules=head=class"}, "a task id has none"},
    {{"hyper.condition=input"}, "nothing of the condition tells tasks apart"},
    {{"data.split=.9,0,.1"}, "validate.every = 50: no images are there to validate on"},
    {{"data.split=.9,.1"}, "is no list of three shares"},
};

TEST(what_has_no_meaning_for_image_tasks_is_refused) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char dir[20];
        snprintf(dir, sizeof dir, "no%zu", i);
        T_NOTE("%s", refused[i].more[0]);
        err.text[0] = 0;
        T_CHECK(train(dir, refused[i].more, NULL) != GOSS_OK);
        if (!strstr(err.text, refused[i].says)) T_FAIL("\"%s\" does not say \"%s\"", err.text, refused[i].says);
        T_CHECK(access(tiny_path(dir), F_OK) != 0); /* nothing is left behind */
    }
}

TEST(settings_of_other_kinds_are_told_to_have_no_effect) {
    said[0] = 0;
    goss_log_set(keep_line, NULL);
    T_OK(train("told", (const char *[]){"train.steps=1", "train.ways=7", "task.order=first", "data.hold_out=0.2", NULL},
               NULL));
    goss_log_set(NULL, NULL);
    T_CHECK(strstr(said, "train.ways = 7 has no effect: it is about classes that episodes are drawn from"));
    T_CHECK(strstr(said, "task.order = first has no effect: it is about tables"));
    T_CHECK(strstr(said, "data.hold_out = 0.2 has no effect: it is about classes or tasks that are held out"));
    T_CHECK(strstr(said, "data: 3 tasks with 9 classes, 8 x 8 x 1; 90 images to train, 36 to validate, 54 to test on"));
}

TEST_MAIN()
