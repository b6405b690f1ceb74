/* SPDX-License-Identifier: Apache-2.0 */
/* Rows divided inside of tasks: every step may see all tasks, and what is kept apart for testing is neither trained nor
 * validated on, and stays the same when validation rows join those that are trained on. */
#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "gossamer/race.h"
#include "gossamer/run_samples.h"
#include "gossamer/train.h"
#include "scratch.h"
#include "test.h"
#include "train/run.h"

enum { TASKS = 9, MOST = 40, ALL = TASKS * MOST };

static goss_error err;

static int rows_of(int task) { return 6 + 3 * task; }

/* Task t has 6 + 3 t rows; y = slope_t x + noise. */
static const char *write_table(void) {
    FILE *f = fopen(scratch("split.csv"), "w");
    if (!f) exit(99);
    fputs("who,x,y,yes\n", f);
    for (int t = 0; t < TASKS; t++) {
        goss__rng r = goss__rng_make(3, (uint64_t)t);
        for (int i = 0; i < rows_of(t); i++) {
            const double x = goss__rng_normal(&r), y = (t + 1) * x + .3 * goss__rng_normal(&r);
            fprintf(f, "t%d,%.4f,%.4f,%s\n", t, x, y, y > 0 ? "yes" : "no");
        }
    }
    fclose(f);
    return scratch("split.csv");
}

static goss_config *settings(const char *const *more) {
    static const char *const base[] = {"data.task=who",      "data.target=y",   "data.ignore=yes",    "task.support=0",
                                       "train.method=joint", "model.backbone=", "train.tasks=0",      "train.steps=20",
                                       "validate.every=5",   "run.threads=1",   "optimizer.rate=0.1", NULL};
    goss_config *c;
    int n;
    const goss_key *keys = goss_train_keys(&n);
    T_OK(goss_config_new(keys, n, &c, &err));
    T_OK(goss_config_set(c, "data.path", write_table(), &err));
    T_OK(goss_config_set(c, "run.dir", scratch("run"), &err));
    for (int i = 0; base[i]; i++) T_OK(goss_config_override(c, base[i], &err));
    for (int i = 0; more && more[i]; i++) T_OK(goss_config_override(c, more[i], &err));
    return c;
}

static goss_status open_bare(const goss_config *c, goss__run_data *d) {
    goss__run_settings set;
    GOSS_TRY(goss__run_settings_read(c, &set, &err));
    return goss__run_data_open(d, &set, &(goss__run_place){.bare = true}, &err);
}

static void open_data(const char *split, const char *seed, goss__run_data *d) {
    const char *const more[] = {split, seed, NULL};
    goss_config *c = settings(more);
    T_OK(open_bare(c, d));
    goss_config_free(c);
}

/* Adds `mark` to the places of the rows that a source's queries are, and counts them. */
static int mark_queries(const goss_task_source *s, int64_t draws, int mark, int *use) {
    int32_t rows[MOST];
    int n = 0;
    for (int64_t k = 0; k < draws; k++) {
        goss_task t = {.query_rows = rows, .outputs = 1};
        s->draw(s, (uint64_t)k, &t);
        T_EQ(t.id, k % TASKS);
        for (int i = 0; i < t.queries; i++) use[rows[i]] += mark;
        n += t.queries;
    }
    return n;
}

TEST(every_row_is_for_one_use) {
    goss__run_data d;
    goss_task_source test;
    int use[ALL] = {0}, rows = 0;
    open_data("data.split=.6,.15,.25", "run.seed=4", &d);
    T_OK(goss__run_data_test(&d, &test, &err));
    T_EQ(d.tasks, TASKS);
    T_EQ(test.tasks, TASKS);
    const int n = mark_queries(&d.source, TASKS, 1, use) + mark_queries(&d.validation, TASKS, 10, use) +
                  mark_queries(&test, TASKS, 100, use);
    for (int t = 0; t < TASKS; t++) rows += rows_of(t);
    T_EQ(n, rows);
    for (int i = 0; i < rows; i++) T_CHECK(use[i] == 1 || use[i] == 10 || use[i] == 100);
    goss_task_source_free(&test);
    goss__run_data_close(&d);
}

/* Shares whose sum is no number that doubles have, among others. */
TEST(validation_rows_may_be_trained_on_and_test_rows_stay) {
    static const char *const search[] = {".6,.15,.25", ".1,.2,.7", ".55,.2,.25", ".3,.3,.4", ".7,.1,.2"};
    for (int i = 0; i < 5; i++) {
        for (int seed = 1; seed < 4; seed++) {
            double share[3];
            char split[2][120], number[30];
            goss__run_data d;
            goss_task_source test;
            int before[ALL] = {0}, after[ALL] = {0}, trained[ALL] = {0};
            T_EQ(sscanf(search[i], "%lf,%lf,%lf", &share[0], &share[1], &share[2]), 3);
            snprintf(split[0], sizeof split[0], "data.split=%s", search[i]);
            snprintf(split[1], sizeof split[1], "data.split=%.17g,0,%.17g", share[0] + share[1], share[2]);
            snprintf(number, sizeof number, "run.seed=%d", seed);
            open_data(split[0], number, &d);
            T_OK(goss__run_data_test(&d, &test, &err));
            mark_queries(&test, TASKS, 1, before);
            goss_task_source_free(&test), goss__run_data_close(&d);
            goss_config *c = settings((const char *const[]){split[1], number, "validate.every=0", NULL});
            T_OK(open_bare(c, &d));
            T_OK(goss__run_data_test(&d, &test, &err));
            const int n = mark_queries(&test, TASKS, 1, after);
            mark_queries(&d.source, TASKS, 1, trained);
            T_CHECK(n > 0 && memcmp(before, after, sizeof before) == 0);
            for (int k = 0; k < ALL; k++) T_CHECK(!(after[k] && trained[k]));
            goss_task_source_free(&test), goss__run_data_close(&d), goss_config_free(c);
        }
    }
}

TEST(another_seed_keeps_other_rows_apart) {
    int use[2][ALL] = {{0}};
    for (int i = 0; i < 2; i++) {
        goss__run_data d;
        goss_task_source test;
        open_data("data.split=.6,.15,.25", i ? "run.seed=8" : "run.seed=4", &d);
        T_OK(goss__run_data_test(&d, &test, &err));
        mark_queries(&test, TASKS, 1, use[i]);
        goss_task_source_free(&test), goss__run_data_close(&d);
    }
    T_CHECK(memcmp(use[0], use[1], sizeof use[0]) != 0);
}

TEST(every_step_has_all_tasks_in_their_order) {
    goss__run_data d;
    goss__task_pack pack;
    open_data("data.split=.6,.15,.25", "run.seed=1", &d);
    T_OK(goss__task_pack_init(&pack, d.tasks, &d.source.spec, NULL, &err));
    for (uint64_t step = 0; step < 3; step++) {
        goss__run_data_draw(&d, step, &pack);
        T_EQ(pack.tasks, TASKS);
        for (int t = 0; t < TASKS; t++) {
            T_EQ(pack.id[t], t);
            T_EQ(pack.sizes[t].queries, lround(.6 * rows_of(t)));
        }
    }
    goss__task_pack_free(&pack);
    goss__run_data_close(&d);
}

static void refuse(const char *const *more, const char *says) {
    goss_config *c = settings(more);
    goss__run_data d;
    T_ERR(open_bare(c, &d), GOSS_E_ARGUMENT, says);
    goss_config_free(c);
}

TEST(a_step_of_all_tasks_wants_rows_of_all) {
    /* A tenth of the six rows of task t0 is one row, and a twentieth none. */
    refuse((const char *const[]){"data.split=.05,.15,.8", NULL}, "have too few rows to train on");
    refuse((const char *const[]){"task.support=12", "data.split=", NULL}, "have too few rows to train on");
    goss_config *c = settings((const char *const[]){"method.loss=samples", "train.micro_batch=3", NULL});
    goss__run r;
    T_ERR(goss__run_open_dry(&r, c, NULL, &err), GOSS_E_ARGUMENT, "train.micro_batch=0");
    goss_config_free(c);
}

TEST(nothing_is_kept_apart_without_a_split) {
    goss__run_data d;
    goss_task_source test;
    open_data("data.split=.8,.2,0", "run.seed=1", &d);
    T_ERR(goss__run_data_test(&d, &test, &err), GOSS_E_ARGUMENT, "data.split says which");
    goss__run_data_close(&d);
}

/* ---- a model's own test samples ---- */

static void train(const char *const *more) {
    goss_config *c = settings(more);
    T_OK(goss_train(c, NULL, NULL, &err));
    goss_config_free(c);
}

TEST(a_model_knows_what_its_run_kept_apart) {
    goss_model *m;
    goss_run_samples *t;
    goss__run_data d;
    goss_task_source test;
    int own[ALL] = {0}, run[ALL] = {0};
    train((const char *const[]){"data.split=.6,.15,.25", "run.seed=4", NULL});
    char path[300];
    snprintf(path, sizeof path, "%s/model.safetensors", scratch("run"));
    T_OK(goss_model_load(path, &m, &err));
    T_OK(goss_run_samples_open(m, GOSS_RUN_TEST, NULL, NULL, &t, &err));
    open_data("data.split=.6,.15,.25", "run.seed=4", &d);
    T_OK(goss__run_data_test(&d, &test, &err));
    mark_queries(&test, TASKS, 1, run);
    T_EQ(mark_queries(goss_run_samples_source(t), TASKS, 1, own), mark_queries(&test, TASKS, 0, run));
    T_CHECK(memcmp(own, run, sizeof own) == 0);
    T_STR(goss_run_samples_metric(t)->name, "rmse");
    goss_task_source_free(&test), goss__run_data_close(&d), goss_run_samples_free(t);
    /* Other rows than it was trained with. */
    FILE *f = fopen(scratch("other.csv"), "w");
    if (!f) exit(99);
    fputs("who,x,y,yes\n", f);
    for (int i = 0; i < ALL; i++) fprintf(f, "t%d,%d.5,%d.25,no\n", i % TASKS, i * 7 % 11, i * 3 % 13);
    fclose(f);
    T_ERR(goss_run_samples_open(m, GOSS_RUN_TEST, scratch("other.csv"), NULL, &t, &err), GOSS_E_ARGUMENT,
          "give the same data");
    goss_model_free(m);
}

TEST_MAIN()
