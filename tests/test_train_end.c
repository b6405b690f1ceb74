/* SPDX-License-Identifier: Apache-2.0 */
/* A training that has diverged is no success: steps that are not finite at the end, validations without finite
 * answers, weights to start from that overflow; and what is kept and told of each. */
#include <unistd.h>

#include "gossamer/check.h"
#include "gossamer/log.h"
#include "gossamer/model.h"
#include "scratch.h"
#include "wave_tasks.h"

#include "tiny_run.h" /* after the waves, whose functions have an err of their own */

/* ---- messages ---- */

static char warnings[2000];

static void from_log(void *context, goss_log_level level, const char *line) {
    const size_t n = strlen(warnings);
    (void)context;
    if (level == GOSS_LOG_WARN) snprintf(warnings + n, sizeof warnings - n, "%s\n", line);
}

/* ---- tasks of which some have targets that are no numbers ---- */

typedef struct broken {
    uint64_t from, to; /* of training tasks */
    bool inputs;       /* what is asked about is no number either */
    bool one_class;
} broken;

static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    const broken *b = source->context;
    wave_draw(source, k, t); /* a context that is not NULL: whole supports */
    for (int i = 0; b->one_class && i < t->queries; i++) t->query_target[i] = 1;
    if (k < b->from || k >= b->to) return;
    t->query_target[0] = NAN;
    if (b->inputs) t->query[0] = NAN;
}

static goss_status run(const char *dir, const char *objective, broken *train, broken *held, const char *more) {
    static const char *const base[] = {"model.backbone=dense 8; tanh", "train.steps=12", "train.tasks=3",
                                       "validate.every=4", "optimizer.rate=0.02"};
    goss_task_source seen = wave_source(objective, true), validation = seen;
    const goss_train_tasks tasks = {.kind = "waves", .train = &seen, .validation = &validation, .judged = 10};
    const goss_train_options o = {.tasks = &tasks};
    goss_config *c;
    int n;
    const goss_key *keys = goss_train_keys(&n);
    seen.context = train, seen.draw = draw, validation.context = held, validation.draw = draw;
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "run.dir", scratch(dir), &err));
    for (size_t i = 0; i < sizeof base / sizeof *base; i++) T_OK(goss_config_override(c, base[i], &err));
    if (more) T_OK(goss_config_override(c, more, &err));
    warnings[0] = 0;
    goss_log_set(from_log, NULL);
    const goss_status s = goss_train(c, &o, NULL, &err);
    goss_log_set(NULL, NULL);
    goss_config_free(c);
    return s;
}

static bool has(const char *dir, const char *file) {
    char name[100];
    snprintf(name, sizeof name, "%s/%s", dir, file);
    return access(scratch(name), F_OK) == 0;
}

TEST(skipped_steps_are_counted) {
    broken some = {9, 15, false, false}, none = {0};
    T_OK(run("some", "regression", &some, &none, NULL)); /* the steps 4 and 5 */
    T_CHECK(strstr(warnings, "2 of 12 steps were not applied"));
    T_CHECK(has("some", "model.safetensors"));
    T_OK(run("whole", "regression", &none, &none, NULL));
    T_STR(warnings, "");
}

TEST(a_run_that_ends_on_steps_that_are_not_finite_is_an_error) {
    broken last = {33, 36, false, false}, none = {0};
    for (int again = 0; again < 2; again++) { /* its checkpoint, of the last step, does not forget it */
        T_ERR(run("last", "regression", &last, &none, "train.checkpoint_minutes=0"), GOSS_E_NUMERIC,
              "the training ended with 1 step whose loss or gradients were not finite: no model is written");
        T_CHECK(strstr(err.text, "/best.safetensors") && strstr(err.text, "Train anew in another run.dir"));
        T_CHECK(has("last", "best.safetensors") && !has("last", "model.safetensors"));
    }
    goss_model *m;
    T_OK(goss_model_load(scratch("last/best.safetensors"), &m, &err));
    goss_model_free(m);
    T_ERR(run("bare", "regression", &last, &none, "validate.every=0"), GOSS_E_NUMERIC, "ended with 1 step");
    T_CHECK(!strstr(err.text, "best.safetensors") && !has("bare", "model.safetensors"));
}

TEST(a_run_without_a_finite_validation_is_an_error) {
    broken none = {0}, all = {0, 100, true, false}, one = {0, 0, false, true};
    T_ERR(run("blind", "regression", &none, &all, NULL), GOSS_E_NUMERIC, "no validation was finite");
    T_CHECK(!has("blind", "model.safetensors"));
    T_OK(run("undefined", "classification", &none, &one, "task.metric=auc"));
    T_CHECK(strstr(warnings, "auc is not defined for any validation task"));
    T_CHECK(has("undefined", "model.safetensors"));
}

TEST(a_rate_that_is_far_too_large_is_an_error) {
    T_ERR(train("far",
                (const char *const[]){"optimizer.rate=1e6", "optimizer.kind=sgd", "optimizer.clip_norm=0",
                                      "train.method=finetune", "train.steps=20", "validate.every=0", NULL},
                NULL, NULL),
          GOSS_E_NUMERIC, "the training ended with");
    T_CHECK(access(model_of("far"), F_OK) != 0);
}

/* ---- weights to start from ---- */

/* A model of that method whose weights are so large that its answers overflow. */
static void make_huge(const char *dir, const char *method, char pair[300]) {
    goss_model *m;
    snprintf(pair, 300, "train.method=%s", method);
    T_OK(train(dir, (const char *const[]){pair, "train.steps=2", NULL}, NULL, NULL));
    T_OK(goss_model_load(model_of(dir), &m, &err));
    for (int i = 0; i < goss_method_params(goss_model_method(m)); i++) {
        const goss_method_param p = goss_method_param_at(goss_model_method(m), i);
        for (int64_t k = 0; k < goss_layout_total(p.layout); k++) goss_model_values(m, i)[k] *= 1e25f;
    }
    T_OK(goss_model_save(m, model_of(dir), &err));
    goss_model_free(m);
    snprintf(pair, 300, "train.start=%s", model_of(dir));
}

static void count(void *context, goss_check_level level, const char *kind, const char *line) {
    (void)kind;
    if (level == GOSS_CHECK_ERROR && strstr(line, "not finite before the first step")) ++*(int *)context;
}

TEST(weights_that_overflow_start_no_run) {
    char pair[300];
    int errors = 0;
    make_huge("proto", "protonet", pair);
    T_ERR(train("from-proto", (const char *const[]){pair, "train.method=protonet", NULL}, NULL, NULL), GOSS_E_NUMERIC,
          "with its weights the loss of the first step is");
    T_CHECK(access(tiny_path("from-proto/config.ini"), F_OK) != 0); /* nothing was begun */
    make_huge("hyper", "hypernet", pair);
    T_ERR(train("from-hyper", (const char *const[]){pair, NULL}, NULL, NULL), GOSS_E_NUMERIC,
          "generates weights that are not finite before the first step");
    T_CHECK(access(tiny_path("from-hyper/config.ini"), F_OK) != 0);
    goss_config *c = config("from-hyper", (const char *const[]){pair, NULL});
    const goss_check_options o = {.found = count, .context = &errors};
    T_OK(goss_train_check(c, &o, &err));
    T_EQ(errors, 1); /* check says that training cannot start */
    goss_config_free(c);
}

TEST_MAIN()
