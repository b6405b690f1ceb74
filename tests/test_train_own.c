/* SPDX-License-Identifier: Apache-2.0 */
/* Runs on tasks that a program makes itself. */
#include "gossamer/evaluate.h"
#include "gossamer/train.h"
#include "scratch.h"
#include "wave_tasks.h"

static goss_error err;

static goss_status run(const char *dir, const goss_train_tasks *tasks, const char *const *more,
                       const goss_train_options *with, goss_train_report *report) {
    static const char *const base[] = {"model.backbone=dense 8; tanh",
                                       "train.steps=12",
                                       "train.tasks=3",
                                       "validate.every=4",
                                       "train.log_every=3",
                                       "optimizer.rate=0.02",
                                       NULL};
    int n;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    goss_train_options o = with ? *with : (goss_train_options){0};
    o.tasks = tasks;
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "run.dir", scratch(dir), &err));
    for (int i = 0; base[i]; i++) T_OK(goss_config_override(c, base[i], &err));
    for (; more && *more; more++) T_OK(goss_config_override(c, *more, &err));
    goss_status s = goss_train(c, &o, report, &err);
    goss_config_free(c);
    return s;
}

static goss_model *model_of(const char *dir) {
    char path[300];
    goss_model *m;
    snprintf(path, sizeof path, "%s/model.safetensors", scratch(dir));
    T_OK(goss_model_load(path, &m, &err));
    return m;
}

TEST(a_source_is_trained_on_validated_on_and_kept_in_the_model) {
    static const char *const names[] = {"height"};
    goss_task_source seen = wave_source("regression", true), held = seen;
    const goss_train_tasks tasks = {
        .kind = "waves", .train = &seen, .validation = &held, .judged = 20, .names = names, .transform = "none"};
    goss_train_report first, report;
    T_OK(run("short", &tasks, (const char *const[]){"train.steps=1", "validate.every=1", NULL}, NULL, &first));
    T_OK(run("long", &tasks, (const char *const[]){"train.steps=300", "validate.every=100", NULL}, NULL, &report));
    T_CHECK(report.validated && strcmp(report.metric->name, "rmse") == 0);
    if (!(report.validation < 0.8 * first.validation)) T_FAIL("rmse %g, then %g", first.validation, report.validation);
    goss_model *m = model_of("long");
    T_STR(goss_model_data(m)->kind, "waves");
    T_STR(goss_model_data(m)->transform, "none");
    T_STR(goss_model_data(m)->names[0], "height");
    goss_model_free(m);
}

typedef struct watch {
    volatile sig_atomic_t stop;
} watch;

static void on_step(void *context, const goss_train_progress *p) {
    if (p->step >= 5) ((watch *)context)->stop = 1;
}

TEST(a_run_on_own_tasks_goes_on_to_the_same_bits_and_with_the_same_tasks_only) {
    goss_task_source seen = wave_source("regression", false), held = seen;
    goss_train_tasks tasks = {.kind = "waves", .train = &seen, .validation = &held, .judged = 6, .hash = 5};
    watch w = {0};
    const goss_train_options o = {.stop = &w.stop, .progress = on_step, .context = &w};
    T_OK(run("whole", &tasks, NULL, NULL, NULL));
    T_EQ(run("cut", &tasks, NULL, &o, NULL), GOSS_E_INTERRUPTED);
    tasks.hash = 6;
    T_ERR(run("cut", &tasks, NULL, NULL, NULL), GOSS_E_ARGUMENT, "other tasks than the run");
    tasks.hash = 5;
    T_OK(run("cut", &tasks, NULL, NULL, NULL));
    goss_model *a = model_of("whole"), *b = model_of("cut");
    for (int i = 0; i < goss_method_params(goss_model_method(a)); i++) {
        size_t n = (size_t)goss_layout_total(goss_method_param_at(goss_model_method(a), i).layout);
        T_CHECK(memcmp(goss_model_values(a, i), goss_model_values(b, i), n * sizeof(float)) == 0);
    }
    goss_model_free(a), goss_model_free(b);
}

TEST(tasks_that_cannot_be_trained_on_are_refused) {
    goss_task_source seen = wave_source("regression", true), held = wave_source("classification", true);
    goss_train_tasks tasks = {.kind = "waves", .train = &seen};
    T_ERR(run("none", &tasks, NULL, NULL, NULL), GOSS_E_ARGUMENT, "no tasks to validate on");
    T_OK(run("without", &tasks, (const char *const[]){"validate.every=0", NULL}, NULL, NULL));
    tasks.validation = &held;
    T_ERR(run("other", &tasks, NULL, NULL, NULL), GOSS_E_ARGUMENT, "other inputs, outputs or descriptors");
    seen.spec.outputs = 0;
    T_ERR(run("spec", &tasks, NULL, NULL, NULL), GOSS_E_ARGUMENT, "outputs is 0");
}

TEST_MAIN()
