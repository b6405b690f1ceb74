/* SPDX-License-Identifier: Apache-2.0 */
/* Training runs in micro-batches: the same model for every size, with any number of threads and after a resume; and
 * penalties that are attached to a run from outside. */
#include "gossamer/log.h"
#include "gossamer/model.h"
#include "gossamer/regularizer.h"
#include "tiny_run.h"

#define MORE(...) ((const char *const[]){__VA_ARGS__, NULL})
#define RUN "train.tasks=6", "train.steps=6", "validate.every=3", "train.shots=2", "train.min_shots=1"

static bool same_model(const char *a, const char *b) { return tiny_same_files(model_of(a), model_of(b)); }

/* What a method does in one program per task: generated weights, noise, dropout, gradient steps, batch norms, ends. */
TEST(every_method_gives_one_model) {
    static const struct {
        const char *method, *more[3];
    } runs[] = {
        {"hypernet", {"hyper.rules=head=class; dense1.w=full; dense2.*=film", "hyper.noise=4", "method.networks=2"}},
        {"hypernet", {"method.inner_steps=2", "method.penalty=0.1", "optimizer.ema=0.9"}},
        {"protonet", {"model.backbone=conv 4 3 pad 1; norm batch; relu; pool max 2; flatten; dropout 0.2"}},
        {"ridge", {"optimizer.weight_decay=0.1"}},
        {"maml", {"method.inner_steps=2"}},
        {"anil", {"optimizer.kind=sgd"}},
        {"reptile", {"method.inner_steps=3"}},
        {"finetune", {0}}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char method[64], dir[2][32];
        snprintf(method, sizeof method, "train.method=%s", runs[i].method);
        for (int k = 0; k < 4; k++) {
            static const char *const how[][2] = {{"train.micro_batch=1", "run.threads=1"},
                                                 {"train.micro_batch=2", "run.threads=2"},
                                                 {"train.micro_batch=3", "run.threads=1"},
                                                 {"train.micro_batch=6", "run.threads=2"}};
            const char *all[16] = {"train.tasks=6",     "train.steps=6", "validate.every=3", "train.shots=2",
                                   "train.min_shots=1", method,          how[k][0],          how[k][1]};
            for (int j = 0; j < 3; j++) all[8 + j] = runs[i].more[j];
            snprintf(dir[k > 0], sizeof dir[0], "m%d-%d", (int)i, k);
            T_NOTE("%s, %s, %s", method, how[k][0], how[k][1]);
            T_OK(train(dir[k > 0], all, NULL, NULL));
            if (k > 0) T_CHECK(same_model(dir[0], dir[1]));
        }
    }
}

TEST(a_resume_may_have_another_size) {
    const goss_train_options o = {.stop = &stop, .progress = stop_at_step};
    T_OK(train("straight", MORE(RUN, "train.micro_batch=2"), NULL, NULL));
    stop = 0, stop_at = 2;
    T_ERR(train("broken", MORE(RUN, "train.micro_batch=1"), &o, NULL), GOSS_E_INTERRUPTED, "step 2");
    stop = 0, stop_at = 4;
    T_ERR(train("broken", MORE(RUN, "train.micro_batch=3", "run.threads=1"), &o, NULL), GOSS_E_INTERRUPTED, "step 4");
    T_ERR(train("broken", MORE(RUN), NULL, NULL), GOSS_E_ARGUMENT, "train.micro_batch = on, not train.micro_batch = 0");
    T_OK(train("broken", MORE(RUN, "train.micro_batch=6"), NULL, NULL));
    T_CHECK(same_model("straight", "broken"));
    T_OK(train("whole", MORE(RUN), NULL, NULL));
    T_ERR(train("whole", MORE(RUN, "train.micro_batch=2"), NULL, NULL), GOSS_E_ARGUMENT, "other settings");
}

TEST(what_does_not_divide_is_refused) {
    T_ERR(train("odd", MORE(RUN, "train.micro_batch=4"), NULL, NULL), GOSS_E_ARGUMENT,
          "train.micro_batch = 4 is no divisor of train.tasks = 6");
    T_ERR(train("odd", MORE(RUN, "train.micro_batch=12"), NULL, NULL), GOSS_E_ARGUMENT, "no divisor");
}

/* ---- what is told ---- */

static char told[20000];
static void on_line(void *context, goss_log_level level, const char *line) {
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s\n", line);
}

TEST(what_batch_norms_see_is_told) {
    static const struct {
        const char *norm, *micro;
        bool says;
    } cases[] = {{"method.norm=running", "train.micro_batch=2", true},
                 {"method.norm=support", "train.micro_batch=2", false},
                 {"method.norm=running", "train.micro_batch=0", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char dir[32];
        snprintf(dir, sizeof dir, "norm%d", (int)i);
        told[0] = 0;
        goss_log_set(on_line, NULL);
        T_OK(train(dir,
                   MORE(RUN, "model.backbone=conv 4 3 pad 1; norm batch; relu; flatten", cases[i].norm, cases[i].micro),
                   NULL, NULL));
        goss_log_set(NULL, NULL);
        T_CHECK((strstr(told, "statistics of one task at a time (of all 6 of a step") != NULL) == cases[i].says);
    }
}

TEST(a_profile_is_of_one_task) {
    const goss_train_options o = {.profile_steps = 3};
    T_OK(train("profiled", MORE("train.tasks=6", "train.steps=20", "train.micro_batch=2"), &o, NULL));
    T_OK(train("plain", MORE("train.tasks=6", "train.steps=20", "train.micro_batch=3"), NULL, NULL));
    T_CHECK(same_model("profiled", "plain"));
    size_t n;
    char *text = tiny_read(tiny_path("profiled/profile.txt"), &n);
    T_CHECK(text && strstr(text, "matmul"));
    free(text);
}

/* ---- penalties ---- */

/* strength times the mean over tasks of what a kind of regulariser says of the values of a pattern. */
typedef struct attached {
    const char *pattern, *kind;
    double strength;
} attached;

static goss_val penalty(void *context, goss_graph *g, goss_step_loss *loss) {
    const attached *a = context;
    goss_published_value found[16];
    goss_reg_options o = goss_reg_defaults();
    goss_error why;
    goss_val sum = GOSS_NONE;
    int n;
    o.strength = a->strength;
    goss_status s = goss_published(g, a->pattern, found, 16, &n, &why);
    if (s != GOSS_OK) return goss_graph_fail(g, s, "%s", why.text);
    for (int i = 0; i < n; i++) {
        goss_val one = goss_reg_build(a->kind, &found[i].value, 1, &o);
        sum = i ? goss_add(sum, one) : one;
    }
    return sum;
}

/* The loss of the last line of a log. */
static double last_loss(const char *dir) {
    char name[100];
    size_t n = 0;
    double value = NAN;
    snprintf(name, sizeof name, "%s/metrics.jsonl", dir);
    char *text = tiny_read(tiny_path(name), &n);
    for (const char *p = text; p && (p = strstr(p, "\"loss\":")); p++) value = strtod(p + 7, NULL);
    free(text);
    return value;
}

static double size_of_weights(const char *dir) {
    goss_model *m;
    T_OK(goss_model_load(model_of(dir), &m, &err));
    const goss_layout *l = goss_target_layout(goss_method_target(goss_model_method(m)));
    const float *v = goss_model_values(m, 0);
    double sum = 0;
    for (int64_t i = 0; i < goss_layout_total(l); i++) sum += fabs(v[i]);
    goss_model_free(m);
    return sum;
}

/* A method knows nothing of it, and is trained with it. */
TEST(a_regulariser_is_attached_to_a_method) {
    attached features = {"features/*", "l2", 1}, weights = {"weights/dense*.w", "l1", 0.01};
    goss_train_options on_features = {.penalty = penalty, .penalty_context = &features},
                       on_weights = {.penalty = penalty, .penalty_context = &weights};
    static const char *const micro[] = {"train.micro_batch=0", "train.micro_batch=3"};
    for (int i = 0; i < 2; i++) {
        char dir[3][32];
        for (int k = 0; k < 3; k++) snprintf(dir[k], sizeof dir[k], "reg%d-%d", i, k);
#define REG "train.tasks=6", "train.steps=40", "train.method=protonet", micro[i]
        T_OK(train(dir[0], MORE(REG), NULL, NULL));
        T_OK(train(dir[1], MORE(REG), &on_features, NULL));
        T_OK(train(dir[2], MORE(REG), &on_weights, NULL));
        T_CHECK(last_loss(dir[1]) > last_loss(dir[0]) + 0.01); /* the penalty is in the loss that is reported */
        T_CHECK(size_of_weights(dir[2]) < 0.9 * size_of_weights(dir[0]));
    }
}

TEST(a_regulariser_on_nothing_is_refused) {
    attached a = {"feature/*", "l2", 1};
    goss_train_options o = {.penalty = penalty, .penalty_context = &a};
    T_ERR(train("nothing", MORE(RUN), &o, NULL), GOSS_E_ARGUMENT, "no value is published as feature/*");
    attached tie = {"features/out", "difference", 1};
    o.penalty_context = &tie;
    T_ERR(train("tie", MORE(RUN, "train.micro_batch=2"), &o, NULL), GOSS_E_ARGUMENT, "the penalty ties tasks together");
}

TEST_MAIN()
