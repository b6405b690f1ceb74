/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of items that tasks share, whose rows of a table are learned along: by every method, the same bits however a
 * run is cut up, in models and in networks; and what is refused. */
#include <math.h>

#include "base/rng.h"
#include "gossamer/race.h"
#include "gossamer/train.h"
#include "test.h"
#include "tiny_set.h"

enum { ITEMS = 40, SUPPORT = 10, QUERY = 8, NUMBERS = 3 };

static goss_error err;

/* An item has a hidden number q, a user a taste p: a rating is p q, and x tells q by the item's number alone. */
static void draw(const goss_task_source *source, uint64_t k, goss_task *t) {
    goss__rng r = goss__rng_make(8, k);
    const double taste = goss__rng_normal(&r);
    const int width = (int)source->spec.input[0];
    t->supports = 4 + (int)goss__rng_below(&r, SUPPORT - 3), t->queries = QUERY, t->id = -1;
    for (int i = 0; i < t->supports + QUERY; i++) {
        const int item = (int)goss__rng_below(&r, ITEMS), at = i < t->supports ? i : i - t->supports;
        float *x = i < t->supports ? t->support : t->query, *y = i < t->supports ? t->support_target : t->query_target;
        goss__rng of = goss__rng_make(9, (uint64_t)item);
        const double rating = taste * goss__rng_normal(&of);
        if (x) x[at * width] = 0.5f;
        if (x && source->spec.items) x[at * width + 1] = (float)(1 + item);
        if (y) y[at] = (float)rating;
    }
}

static goss_task_source users(bool items) {
    goss_task_source s = {
        .spec = {.input_rank = 1, .input = {items ? 2 : 1}, .outputs = 1, .supports = SUPPORT, .queries = QUERY},
        .draw = draw};
    if (items) s.spec.items = 1 + ITEMS, s.spec.item_numbers = NUMBERS;
    T_OK(goss_objective_find("regression", &s.spec.objective, &err));
    return s;
}

#define MORE(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A stop at a step, as a signal would give it. */
static volatile sig_atomic_t stop;
static int64_t stop_at;
static void stop_at_step(void *context, const goss_train_progress *p) { stop = stop_at && p->step >= stop_at; }

static goss_status train(const char *dir, bool items, const char *const *more) {
    static const char *const base[] = {"train.steps=40",      "train.tasks=8",
                                       "optimizer.rate=0.02", "validate.every=0",
                                       "method.joint=no",     "model.backbone=dense 12; tanh",
                                       "optimizer.ema=0.9",   NULL};
    const goss_task_source source = users(items);
    const goss_train_tasks tasks = {.kind = "users", .train = &source};
    const goss_train_options o = {.tasks = &tasks, .progress = stop_at_step, .stop = &stop};
    int n;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "run.dir", tiny_path(dir), &err));
    for (int i = 0; base[i]; i++) T_OK(goss_config_override(c, base[i], &err));
    for (int i = 0; more[i]; i++) T_OK(goss_config_override(c, more[i], &err));
    const goss_status s = goss_train(c, &o, NULL, &err);
    goss_config_free(c);
    return s;
}

static const char *file_of(const char *dir) {
    char name[100];
    snprintf(name, sizeof name, "%s/model.safetensors", dir);
    return tiny_path(name);
}

static goss_model *model_of(const char *dir) {
    goss_model *m;
    T_OK(goss_model_load(file_of(dir), &m, &err));
    return m;
}

/* A parameter's numbers, [*n]. */
static const float *values_of(const goss_model *m, const char *name, int64_t *n) {
    const goss_method *method = goss_model_method(m);
    for (int i = 0; i < goss_method_params(method); i++)
        if (strcmp(goss_method_param_at(method, i).name, name) == 0) {
            *n = goss_layout_total(goss_method_param_at(method, i).layout);
            return goss_model_values(m, i);
        }
    T_FAIL("there is no parameter %s", name);
    return NULL;
}

static goss_status race(const goss_model *m, const goss_task_source *source, int n, double *values) {
    const goss_metric *metric;
    goss_threads *threads;
    T_OK(goss_metric_find(source->spec.objective, "rmse", &metric, &err));
    T_OK(goss_threads_new(2, &threads, &err));
    const goss_status s = goss_race_model(m, 0, source, metric, n, threads, values, NULL, &err);
    goss_threads_free(threads);
    return s;
}

static double error_of(const char *dir, bool items) {
    static double values[200];
    const goss_task_source source = users(items);
    goss_model *m = model_of(dir);
    double sum = 0;
    T_OK(race(m, &source, 200, values));
    for (int i = 0; i < 200; i++) sum += values[i] / 200;
    goss_model_free(m);
    return sum;
}

TEST(what_items_are_like_is_learned) {
    T_OK(train("with", true, MORE("train.steps=600", "method.ridge_head=true")));
    T_OK(train("without", false, MORE("train.steps=600", "method.ridge_head=true")));
    T_CHECK(error_of("with", true) < 0.5 * error_of("without", false));
    int64_t n;
    goss_model *m = model_of("with");
    const float *rows = values_of(m, GOSS_METHOD_ITEMS, &n);
    T_EQ(n, (1 + ITEMS) * NUMBERS);
    for (int i = 0; i < NUMBERS; i++) T_CHECK(rows[i] == 0); /* of unknown items, with which batches are padded */
    for (int i = NUMBERS; i < n; i++) T_CHECK(rows[i] != 0);
    goss_model_free(m);
}

TEST(a_run_has_the_same_bits_however_it_is_cut_up) {
    T_OK(train("whole", true, MORE("run.threads=1")));
    stop_at = 13;
    T_ERR(train("parts", true, MORE("run.threads=3")), GOSS_E_INTERRUPTED, "step 13");
    stop_at = 0, stop = 0;
    T_OK(train("parts", true, MORE("run.threads=2")));
    goss_model *a = model_of("whole"), *b = model_of("parts");
    for (int i = 0; i < goss_method_params(goss_model_method(a)); i++) {
        const goss_method_param p = goss_method_param_at(goss_model_method(a), i);
        T_CHECK(memcmp(goss_model_values(a, i), goss_model_values(b, i),
                       (size_t)goss_layout_total(p.layout) * sizeof(float)) == 0);
    }
    goss_model_free(a), goss_model_free(b);
}

/* Rows that no step has met are those that a run begins with, not an average of nothing. */
TEST(rows_that_were_not_met_are_exported_as_they_are) {
    int64_t n;
    T_OK(train("first", true, MORE("train.steps=30")));
    char start[600];
    snprintf(start, sizeof start, "train.start=%s", file_of("first"));
    T_OK(train("second", true, MORE("train.steps=1", "train.tasks=1", "optimizer.rate=1e-6", start)));
    goss_model *a = model_of("first"), *b = model_of("second");
    const float *was = values_of(a, GOSS_METHOD_ITEMS, &n), *is = values_of(b, GOSS_METHOD_ITEMS, &n);
    int kept = 0;
    for (int64_t i = 0; i < n; i++) {
        T_NEAR((double)is[i], (double)was[i], 1e-5);
        kept += was[i] != 0;
    }
    T_CHECK(kept > n / 2);
    goss_model_free(a), goss_model_free(b);
}

/* The table is the method's: a network that is trained beside it reads it and changes no bit. */
TEST(a_joint_network_reads_the_table_and_leaves_it) {
    int64_t n, m;
    T_OK(train("alone", true, MORE("method.maml=no")));
    T_OK(train("beside", true, MORE("method.joint=yes", "method.maml=yes", "optimizer.clip_norm=0")));
    T_OK(train("clipless", true, MORE("method.maml=no", "optimizer.clip_norm=0")));
    goss_model *a = model_of("clipless"), *b = model_of("beside");
    const float *x = values_of(a, GOSS_METHOD_ITEMS, &n), *y = values_of(b, GOSS_METHOD_ITEMS, &m);
    T_CHECK(n == m && memcmp(x, y, (size_t)n * sizeof *x) == 0);
    const float *joint = values_of(b, "joint", &n);
    bool any = false;
    for (int64_t i = 0; i < n; i++) any |= joint[i] != 0;
    T_CHECK(any);
    goss_model_free(a), goss_model_free(b);
}

TEST(every_method_of_numbers_learns_items) {
    static const char *const methods[] = {"hypernet", "ridge",   "maml",     "fomaml", "anil",
                                          "reptile",  "learned", "finetune", "joint"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char method[60], dir[20];
        int64_t n;
        snprintf(method, sizeof method, "train.method=%s", methods[i]), snprintf(dir, sizeof dir, "m%d", (int)i);
        if (train(dir, true, MORE("train.steps=3", "method.inner_steps=2", method)) != GOSS_OK)
            T_FAIL("%s: %s", methods[i], err.text);
        goss_model *m = model_of(dir);
        const float *rows = values_of(m, GOSS_METHOD_ITEMS, &n);
        int learned = 0;
        for (int64_t k = 0; k < n; k++) learned += rows[k] != 0;
        if (learned < n / 4) T_FAIL("%s: %d numbers of %d are learned", methods[i], learned, (int)n);
        goss_model_free(m);
        T_CHECK(isfinite(error_of(dir, true)));
    }
}

/* ---- networks ---- */

TEST(a_network_has_the_table_with_it) {
    const goss_task_source source = users(true);
    float x[2 * QUERY], y[QUERY], s[2 * SUPPORT], z[SUPPORT], want[QUERY], got[QUERY];
    goss_task task = {.support = s, .support_target = z, .query = x, .query_target = y};
    T_OK(train("net", true, MORE("train.steps=60", "method.ridge_head=true")));
    goss_model *m = model_of("net");
    goss_predictor *p;
    goss_network *net, *back;
    T_OK(goss_predictor_of_model(m, &source.spec, NULL, &p, &err));
    for (uint64_t k = 1000; k < 1003; k++) {
        draw(&source, k, &task);
        T_OK(goss_model_adapt_task(m, &source, k, NULL, NULL, &net, &err));
        T_OK(goss_network_save(net, tiny_path("items.net"), &err));
        T_OK(goss_network_load(tiny_path("items.net"), &back, &err));
        T_OK(goss_predictor_adapt(p, &source, k, &err));
        T_OK(goss_predictor_predict(p, x, QUERY, want, NULL, &err));
        T_OK(goss_network_predict(back, x, QUERY, got, NULL, NULL, &err));
        T_CHECK(memcmp(want, got, sizeof want) == 0);
        x[1] = x[3] = 0; /* two unknown items are alike, whatever their other numbers */
        T_OK(goss_network_predict(back, x, QUERY, got, NULL, NULL, &err));
        T_CHECK(got[0] == got[1] && got[0] != want[0] && memcmp(got + 2, want + 2, sizeof *got * (QUERY - 2)) == 0);
        x[1] = ITEMS + 1;
        T_ERR(goss_network_predict(back, x, QUERY, got, NULL, NULL, &err), GOSS_E_ARGUMENT, "index");
        goss_network_free(net), goss_network_free(back);
    }
    goss_predictor_free(p), goss_model_free(m);
}

/* ---- refused ---- */

/* A number of x that is no item's fails the step, not the process. */
static void draw_bad(const goss_task_source *source, uint64_t k, goss_task *t) {
    draw(source, k, t);
    if (t->query) t->query[1] = NAN;
}

TEST(what_is_no_item_is_refused) {
    goss_task_source source = users(true);
    source.spec.item_numbers = 0;
    T_ERR(goss_task_spec_check(&source.spec, &err), GOSS_E_ARGUMENT, "item_numbers is 0, not in 1 .. 65536");
    source = users(true), source.spec.items = 0;
    T_ERR(goss_task_spec_check(&source.spec, &err), GOSS_E_ARGUMENT, "item_numbers is 3, not in 0 .. 0");
    source = users(true), source.spec.input_rank = 2, source.spec.input[1] = 1;
    T_ERR(goss_task_spec_check(&source.spec, &err), GOSS_E_ARGUMENT, "items are of rows of numbers");
    T_ERR(train("mixed", true, MORE("train.mixup=0.3")), GOSS_E_ARGUMENT, "items are no numbers that can be mixed");
    T_ERR(train("micro", true, MORE("train.micro_batch=2")), GOSS_E_ARGUMENT, "trained by the rows of a whole batch");
    source = users(true), source.draw = draw_bad;
    T_OK(train("good", true, MORE("train.steps=2")));
    goss_model *m = model_of("good");
    double value;
    T_ERR(race(m, &source, 1, &value), GOSS_E_ARGUMENT, "index");
    goss_model_free(m);
}
TEST_MAIN()
