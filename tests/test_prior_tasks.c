/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of a prior as tasks, and as the data of a run. */
#include "gossamer/model.h"
#include "gossamer/prior.h"
#include "gossamer/train.h"
#include "base/rng.h"
#include "prior/prior.h"
#include "scratch.h"
#include "test.h"
#include "train/run.h"

static goss_error err;

enum { SUPPORT = 60, QUERIES = 20, SLOTS = 16, CLASSES = 5, TASKS = 400 };

static struct {
    float x[(SUPPORT + QUERIES) * 2 * SLOTS], y[SUPPORT + QUERIES], mask[10];
    int32_t rows[SUPPORT + QUERIES];
} m;

static goss_prior_source_options small(void) {
    goss_prior_source_options o = goss_prior_source_defaults();
    o.prior.columns = SLOTS, o.prior.classes = CLASSES, o.prior.seed = 3;
    o.prior.group = 4, o.least_support = 20, o.support = SUPPORT, o.queries = QUERIES;
    return o;
}

static goss_task_source open_source(goss_prior_source_options o) {
    goss_task_source s;
    T_OK(goss_prior_source_open(&o, &s, &err));
    T_OK(goss_task_spec_check(&s.spec, &err));
    return s;
}

/* Support rows, then queries. */
static goss_task draw(const goss_task_source *s, uint64_t k) {
    const size_t at = SUPPORT;
    goss_task t = {.support = m.x,
                   .support_target = m.y,
                   .support_rows = m.rows,
                   .query = m.x + at * 2 * SLOTS,
                   .query_target = m.y + at,
                   .query_rows = m.rows + at,
                   .class_mask = m.mask,
                   .outputs = s->spec.outputs};
    for (int i = 0; i < 10; i++) m.mask[i] = 1;
    s->draw(s, k, &t);
    return t;
}

static void check_slots(const goss_task *t, bool *missing, bool *one_hot) {
    for (int i = 0; i < SUPPORT + QUERIES; i++) {
        if (i >= t->supports && i < SUPPORT) continue;
        const float *v = m.x + (size_t)i * 2 * SLOTS, *flag = v + SLOTS;
        for (int j = 0; j < SLOTS; j++) {
            T_CHECK(v[j] >= -10 && v[j] <= 10 && (flag[j] == 0 || flag[j] == 1));
            if (flag[j] == 1) T_CHECK(v[j] == 0);
            *missing = *missing || flag[j] == 1;
        }
    }
    /* Numbers have mean 0 and deviation 1 over the support rows that have them; the rest are 0 and 1 alone. */
    for (int j = 0; j < SLOTS; j++) {
        double n = 0, sum = 0, squares = 0;
        bool binary = true;
        for (int i = 0; i < t->supports; i++) {
            const float *v = m.x + (size_t)i * 2 * SLOTS;
            if (v[SLOTS + j] == 1) continue;
            n++, sum += (double)v[j], squares += (double)v[j] * (double)v[j];
            binary = binary && (v[j] == 0 || v[j] == 1);
        }
        *one_hot = *one_hot || (binary && sum > 0 && sum < n);
        if (binary) continue;
        const bool cut_off = squares > n + 1e-3 || squares < n - 1e-3; /* far values were cut off at 10 */
        if (!cut_off) T_NEAR(sum / n, 0, 1e-3);
        T_CHECK(squares < n + 1e-2);
    }
}

static void check_classes(const goss_task *t) {
    int count[10] = {0};
    T_CHECK(t->outputs >= 2 && t->outputs <= CLASSES);
    for (int i = 0; i < t->supports; i++) count[(int)m.y[i]]++;
    for (int c = 0; c < CLASSES; c++) T_CHECK(c < t->outputs ? count[c] >= 2 : count[c] == 0);
    for (int c = 0; c < CLASSES; c++) T_CHECK(m.mask[c] == (c < t->outputs ? 1.0f : 0.0f));
    for (int i = 0; i < t->queries; i++) T_CHECK(m.y[SUPPORT + i] >= 0 && m.y[SUPPORT + i] < (float)t->outputs);
}

static void check_rows(const goss_task *t) {
    bool seen[SUPPORT + QUERIES] = {0};
    for (int i = 0; i < SUPPORT + QUERIES; i++) {
        if (i >= t->supports && i < SUPPORT) continue;
        T_CHECK(m.rows[i] >= 0 && m.rows[i] < t->supports + QUERIES && !seen[m.rows[i]]);
        seen[m.rows[i]] = true;
    }
}

TEST(tasks_are_tables) {
    goss_task_source s = open_source(small());
    bool missing = false, one_hot = false, differs = false;
    int size = 0;
    for (uint64_t k = 0; k < TASKS; k++) {
        T_NOTE("task %d", (int)k);
        const goss_task t = draw(&s, k);
        T_CHECK(t.supports >= 20 && t.supports <= SUPPORT && t.queries == QUERIES && t.id == -1);
        check_slots(&t, &missing, &one_hot), check_classes(&t), check_rows(&t);
        if (k % 4) T_EQ(t.supports, size);
        differs = differs || (k > 0 && t.supports != size);
        size = t.supports;
    }
    T_CHECK(missing && one_hot && differs);
    goss_task_source_free(&s);
}

TEST(task_k_is_the_same_again) {
    goss_task_source a = open_source(small()), b = open_source(small());
    for (uint64_t k = 0; k < 50; k++) {
        memset(&m, 0, sizeof m);
        draw(&a, k);
        const uint64_t once = goss__hash64(&m, sizeof m, 0);
        draw(&b, 999 - k);
        memset(&m, 0, sizeof m);
        draw(&b, k);
        T_CHECK(goss__hash64(&m, sizeof m, 0) == once);
    }
    goss_task_source_free(&a), goss_task_source_free(&b);
}

/* Whether some number of columns that fit into the slots makes a table with the target of the task in m. */
static bool target_of_columns_that_fit(goss_prior *p, uint64_t k, const goss_task *t, int slots) {
    float x[(SUPPORT + QUERIES) * SLOTS], y[SUPPORT + QUERIES];
    goss_prior_column column[SLOTS];
    for (int columns = slots; columns > 0; columns--) {
        int needed = 0, count[10] = {0};
        goss_prior_table table = {.x = x, .y = y, .column = column};
        goss__prior_draw_sized(p, k, t->supports + t->queries, columns, &table);
        for (int j = 0; j < columns; j++)
            needed += column[j].kind == GOSS_PRIOR_CATEGORY && column[j].levels > 2 ? column[j].levels : 1;
        if (needed > slots || table.classes != t->outputs) continue;
        for (int i = 0; i < table.rows; i++) count[(int)y[i]]++;
        for (int i = 0; i < t->supports; i++) count[(int)m.y[i]]--;
        for (int i = 0; i < t->queries; i++) count[(int)m.y[SUPPORT + i]]--;
        bool same = true;
        for (int c = 0; c < 10; c++) same = same && count[c] == 0;
        if (same) return true;
    }
    return false;
}

/* A target that depends on columns which found no room would be noise. */
TEST(every_column_that_a_target_depends_on_has_slots) {
    goss_prior_source_options o = small();
    goss_prior *p;
    o.prior.families = "rule", o.prior.categorical = 1, o.prior.least_columns = SLOTS;
    goss_task_source s = open_source(o);
    o.prior.rows = SUPPORT + QUERIES, o.prior.least_rows = 20 + QUERIES;
    T_OK(goss_prior_create(&o.prior, &p, &err));
    for (uint64_t k = 0; k < 60; k++) {
        T_NOTE("task %d", (int)k);
        const goss_task t = draw(&s, k);
        T_CHECK(target_of_columns_that_fit(p, k, &t, SLOTS));
    }
    goss_prior_free(p);
    goss_task_source_free(&s);
}

TEST(numbers_to_predict_are_standardised) {
    goss_prior_source_options o = small();
    o.prior.regression = 1;
    goss_task_source s = open_source(o);
    T_STR(s.spec.objective->name, "regression");
    T_EQ(s.spec.outputs, 1);
    int varied = 0;
    for (uint64_t k = 0; k < 100; k++) {
        const goss_task t = draw(&s, k);
        double sum = 0, squares = 0;
        for (int i = 0; i < t.supports; i++) sum += (double)m.y[i], squares += (double)m.y[i] * (double)m.y[i];
        T_NEAR(sum / t.supports, 0, 1e-4);
        if (squares > 0) T_NEAR(squares / t.supports, 1, 1e-3);
        varied += squares > 0;
    }
    T_CHECK(varied > 95);
    goss_task_source_free(&s);
}

TEST(sources_that_cannot_be) {
    goss_task_source s;
    goss_prior_source_options o = small();
    o.least_support = 12, o.prior.classes = 10;
    T_ERR(goss_prior_source_open(&o, &s, &err), GOSS_E_ARGUMENT, "two for each of 10 classes");
    o = small(), o.prior.regression = 0.5;
    T_ERR(goss_prior_source_open(&o, &s, &err), GOSS_E_ARGUMENT, "0 or 1");
    o = small(), o.queries = 0;
    T_ERR(goss_prior_source_open(&o, &s, &err), GOSS_E_ARGUMENT, "queries");
    o = small(), o.prior.families = "none";
    T_ERR(goss_prior_source_open(&o, &s, &err), GOSS_E_ARGUMENT, "\"none\"");
}

/* ---- as the data of a run ---- */

static goss_config *config(const char *const *settings) {
    int n;
    goss_config *c;
    const goss_key *keys = goss_train_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_override(c, "data.kind=prior", &err));
    for (; *settings; settings++) T_OK(goss_config_override(c, *settings, &err));
    return c;
}

/* A hash of the first tasks that a configuration trains on. */
static uint64_t drawn(const char *setting) {
    static float x[10200 * 64], y[10200];
    goss__run_data d;
    goss__run_settings s;
    const goss__run_place place = {0};
    uint64_t h = 0;
    goss_config *c = config((const char *const[]){setting, NULL});
    T_OK(goss__run_settings_read(c, &s, &err));
    T_OK(goss__run_data_open(&d, &s, &place, &err));
    for (uint64_t k = 0; k < 20; k++) {
        goss_task t = {.support = x, .support_target = y, .outputs = d.source.spec.outputs};
        d.source.draw(&d.source, k, &t);
        const int64_t sizes[] = {t.supports, t.queries, d.source.spec.input[0]};
        h = goss__hash64(sizes, sizeof sizes, h);
        h = goss__hash64(x, (size_t)t.supports * (size_t)d.source.spec.input[0] * sizeof *x, h);
        h = goss__hash64(y, (size_t)t.supports * sizeof *y, h);
    }
    goss__run_data_close(&d);
    goss_config_free(c);
    return h;
}

TEST(every_key_of_the_prior_changes_what_is_drawn) {
    static const char *const settings[] = {"prior.families=tree,mlp=2",
                                           "prior.columns=12",
                                           "prior.least_columns=9",
                                           "prior.support=24..64",
                                           "prior.queries=50",
                                           "prior.classes=3",
                                           "prior.missing=0.9",
                                           "prior.categorical=0",
                                           "prior.curriculum=1000",
                                           "prior.group=3",
                                           "run.seed=2",
                                           "task.objective=regression"};
    int n, found = 0;
    const uint64_t before = drawn("run.seed=1");
    T_CHECK(drawn("run.seed=1") == before);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        T_NOTE("%s", settings[i]);
        T_CHECK(drawn(settings[i]) != before);
    }
    const goss_key *keys = goss_train_keys(&n);
    for (int i = 0; i < n; i++) {
        if (strncmp(keys[i].name, "prior.", 6) != 0) continue;
        int rows = 0;
        for (size_t r = 0; r < sizeof settings / sizeof *settings; r++)
            rows += strncmp(settings[r], keys[i].name, strlen(keys[i].name)) == 0;
        T_NOTE("%s", keys[i].name);
        T_CHECK(rows >= 1);
        found++;
    }
    T_EQ(found, 10);
}

static goss_status run(const char *dir, const char *const *settings, goss_train_report *report) {
    goss_config *c = config(settings);
    T_OK(goss_config_set(c, "run.dir", scratch(dir), &err));
    const goss_status s = goss_train(c, NULL, report, &err);
    goss_config_free(c);
    return s;
}

/* Any method trains on it; and what is learned holds for tables that were not seen. */
TEST(a_run_trains_on_a_prior) {
#define SMALL                                                                                                          \
    "prior.columns=8", "prior.families=linear", "prior.classes=2", "prior.support=40..40", "prior.queries=20",         \
        "prior.missing=0", "prior.categorical=0", "train.tasks=8", "train.method=protonet",                            \
        "model.backbone=dense 16; relu", "optimizer.rate=0.005", "validate.episodes=40"
    goss_train_report first, last;
    T_OK(run("prior-1", (const char *const[]){SMALL, "train.steps=1", "validate.every=1", NULL}, &first));
    T_OK(run("prior-2", (const char *const[]){SMALL, "train.steps=150", "validate.every=150", NULL}, &last));
    T_NOTE("accuracy %g, then %g", first.validation, last.validation);
    T_CHECK(last.validated && last.validation > 0.6 && last.validation > first.validation);
    goss_model *model;
    char path[400];
    snprintf(path, sizeof path, "%s/model.safetensors", scratch("prior-2"));
    T_OK(goss_model_load(path, &model, &err));
    T_STR(goss_model_data(model)->kind, "tables");
    goss_model_free(model);
}

TEST(a_prior_has_no_path) {
    T_ERR(run("prior-3", (const char *const[]){"data.path=/dev/null", NULL}, NULL), GOSS_E_ARGUMENT,
          "data.kind = prior");
    T_ERR(run("prior-4", (const char *const[]){"prior.families=mlp,oak", NULL}, NULL), GOSS_E_ARGUMENT, "\"oak\"");
    T_ERR(run("prior-5", (const char *const[]){"train.tasks=0", NULL}, NULL), GOSS_E_ARGUMENT, "train.tasks = 0");
}

TEST_MAIN()
