/* SPDX-License-Identifier: Apache-2.0 */
/* A table as the data of a training, and what a model keeps of it: fitted, written as text, used on other rows. */
#include "gossamer/table_data.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "gossamer/log.h"
#include "gossamer/text.h"
#include "scratch.h"
#include "table_text.h"

/* What the library has told since it was asked for. */
static goss__str told;
static void listen(void *context, goss_log_level level, const char *text) {
    (void)context, (void)level;
    goss__str_addf(&told, "%s\n", text);
}

static void says(const char *part) {
    if (!told.data || !strstr(told.data, part)) T_FAIL("\"%s\" does not say \"%s\"", told.data ? told.data : "", part);
}

static const char *write_text(const char *name, const char *text) {
    FILE *f = fopen(scratch(name), "w");
    T_CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
    return scratch(name);
}

/* 12 persons with 10 visits each: weight = 60 + own + 2 dose + noise; `copy` gives the target away. */
static char csv[12000], people[800];
static void make_tables(void) {
    goss__rng rng = goss__rng_make(8, 8);
    size_t at = (size_t)sprintf(csv, "person,visit,dose,arm,site,copy,weight\n");
    size_t p = (size_t)sprintf(people, "person,height\n");
    for (int i = 0; i < 12; i++) {
        const double own = 5 * goss__rng_normal(&rng);
        p += (size_t)sprintf(people + p, "P%02d,%.3f\n", i, 170 + own);
        for (int v = 0; v < 10; v++) {
            const double dose = goss__rng_normal(&rng), weight = 60 + own + 2 * dose + .3 * goss__rng_normal(&rng);
            at += (size_t)sprintf(csv + at, "P%02d,%d.5,%.4f,%s,main,%.4f,%.4f\n", i, (v * 7) % 10, dose,
                                  i % 2 ? "A" : "B", 2 * weight, weight);
        }
    }
}

static goss_table_data_options options(const char *path) {
    goss_table_data_options o = goss_table_data_defaults();
    o.path = path, o.target = "weight", o.task = "person", o.ignore = "copy", o.order = "visit";
    o.support = 2, o.most_support = 5, o.hold_out = .25;
    return o;
}

static goss_table_data *open_data(const goss_table_data_options *o) {
    goss_table_data *d;
    goss__str_free(&told);
    goss_log_set(listen, NULL);
    T_OK(goss_table_data_open(o, &d, &err));
    goss_log_set(NULL, NULL);
    return d;
}

TEST(everything_for_a_training) {
    make_tables();
    char path[200], descriptors[200];
    strcpy(path, write_text("visits.csv", csv)), strcpy(descriptors, write_text("people.csv", people));
    goss_table_data_options o = options(path);
    o.descriptor = descriptors;
    goss_table_data *d = open_data(&o);
    goss_task_source train, validate;
    T_OK(goss_table_data_train(d, &train, &err));
    T_EQ(train.spec.ids, 9);
    T_EQ(train.spec.input[0], 4); /* visit, dose, arm=A, arm=B */
    T_EQ(train.spec.descriptor, 1);
    T_EQ(train.spec.supports, 5);
    T_CHECK(goss_table_data_validates(d));
    T_OK(goss_table_data_validate(d, &validate, &err));
    T_EQ(validate.tasks, 3);
    T_EQ(validate.spec.ids, 0);
    size_t n;
    goss_table_data_rows(d, false, &n);
    T_EQ(n, 90);
    const uint64_t *held = goss_table_data_rows(d, true, &n);
    T_EQ(n, 30);
    T_CHECK(held[0] != held[1]);
    goss_table_fit *f;
    T_OK(goss_table_fit_parse(goss_table_data_text(d), &f, &err));
    T_STR(goss_table_transform_target(f->transform), "weight");
    T_CHECK(f->support == 2 && f->most_support == 5 && f->baselines && f->descriptors);
    goss_table_fit_free(f);
    goss_table_data *same = open_data(&o);
    T_CHECK(goss_table_data_hash(same) == goss_table_data_hash(d));
    goss_table_data_free(same);
    o.hold_out = .5;
    same = open_data(&o);
    T_CHECK(goss_table_data_hash(same) != goss_table_data_hash(d));
    goss_table_data_free(same);
    goss_task_source_free(&train), goss_task_source_free(&validate);
    goss_table_data_free(d);
}

TEST(a_split_inside_of_tasks) {
    make_tables();
    char path[200];
    strcpy(path, write_text("visits.csv", csv));
    goss_table_data_options o = options(path);
    o.split[0] = .5, o.split[1] = .2, o.split[2] = .3, o.baselines = false;
    goss_table_data *d = open_data(&o);
    goss_task_source validate;
    size_t n;
    T_OK(goss_table_data_validate(d, &validate, &err));
    T_CHECK(validate.tasks == 12 && validate.spec.ids == 12 && validate.spec.queries == 2);
    goss_table_data_rows(d, false, &n);
    T_EQ(n, 60);
    goss_table_data_rows(d, true, &n);
    T_EQ(n, 24);
    T_CHECK(goss_table_data_tests(d));
    goss_task_source_free(&validate);
    goss_table_data_free(d);
    o.split[1] = .5, o.split[2] = 0;
    d = open_data(&o);
    T_CHECK(!goss_table_data_tests(d));
    goss_table_data_free(d);
    o.fold = 1, o.folds = 3;
    T_ERR(goss_table_data_open(&o, &d, &err), GOSS_E_ARGUMENT, "rows have an order");
}

TEST(leaks_and_guesses_are_told) {
    make_tables();
    char path[200];
    strcpy(path, write_text("visits.csv", csv));
    goss_table_data_options o = options(path);
    o.ignore = NULL, o.task = NULL, o.target = "", o.baselines = false;
    goss_table_data *d = open_data(&o);
    says("data.target is not set: weight");
    says("data.task is not set: person");
    says("data.ignore takes it out");
    says("copy");
    goss_table_data_free(d);
    o.target = "wait";
    T_ERR(goss_table_data_open(&o, &d, &err), GOSS_E_ARGUMENT, "wait");
    o.path = "/nowhere.csv";
    T_ERR(goss_table_data_open(&o, &d, &err), GOSS_E_IO, "data.path: ");
    T_CHECK(!d);
}

static goss_table_fit *fitted(const char *descriptors) {
    make_tables();
    char path[200];
    strcpy(path, write_text("visits.csv", csv));
    goss_table_data_options o = options(path);
    o.descriptor = descriptors;
    goss_table_data *d = open_data(&o);
    goss_table_fit *f;
    T_OK(goss_table_fit_parse(goss_table_data_text(d), &f, &err));
    goss_table_data_free(d);
    return f;
}

TEST(support_of_a_new_task) {
    goss_table_fit *f = fitted(NULL);
    goss_task_source s;
    char *name;
    /* Columns in another order, one more, a row without a target; the category is unseen. */
    const char *path =
        write_text("new.csv", "weight,arm,dose,visit,mood\n61,C,0.5,1,good\n,A,1,2,bad\n64,A,1,3,good\n");
    goss__str_free(&told);
    goss_log_set(listen, NULL);
    T_OK(goss_table_fit_support(f, path, NULL, &s, &name, &err));
    goss_log_set(NULL, NULL);
    says("the model does not know mood");
    says("1 of 3 rows without a target");
    T_STR(name, "");
    T_OK(goss_task_spec_check(&s.spec, &err));
    T_EQ(s.spec.supports, 2);
    T_CHECK(s.spec.scale.deviation[0] > 2);
    float x[8], y[2];
    goss_task t = {.support = x, .support_target = y};
    s.draw(&s, 0, &t);
    T_CHECK(t.supports == 2 && t.queries == 0 && t.id == -1 && y[0] == 61 && y[1] == 64);
    T_CHECK(x[2] == 0 && x[3] == 0 && x[6] == 1);
    goss_task_source_free(&s), goss_text_free(name);
    /* Tasks that were trained on have their numbers. */
    int64_t numbers = 0;
    for (int p = 0; p < 12; p++) {
        char row[100];
        sprintf(row, "person,weight,arm,dose,visit\nP%02d,61,A,0.5,1\n", p);
        T_OK(goss_table_fit_support(f, write_text("known.csv", row), NULL, &s, &name, &err));
        s.draw(&s, 0, &t);
        T_CHECK(t.id >= -1 && t.id < 9);
        numbers += t.id >= 0 ? 1 << t.id : 0;
        goss_task_source_free(&s), goss_text_free(name);
    }
    T_EQ(numbers, (1 << 9) - 1);
    path = write_text("two.csv", "person,weight,arm,dose,visit\nQ1,61,A,0.5,1\nQ2,62,A,1,2\n");
    T_ERR(goss_table_fit_support(f, path, NULL, &s, &name, &err), GOSS_E_ARGUMENT,
          "rows of 2 tasks (person = Q1, Q2, ...)");
    path = write_text("few.csv", "person,weight,arm\nQ1,61,A\n");
    T_ERR(goss_table_fit_support(f, path, NULL, &s, &name, &err), GOSS_E_ARGUMENT,
          "there is no column visit, dose, which the model needs");
    goss_table_fit_free(f);
}

TEST(support_with_a_descriptor) {
    char people_path[200], path[200];
    make_tables();
    strcpy(people_path, write_text("people.csv", people));
    goss_table_fit *f = fitted(people_path);
    goss_task_source s;
    char *name;
    strcpy(path, write_text("new.csv", "person,weight,arm,dose,visit\nQ1,61,A,0.5,1\n"));
    T_ERR(goss_table_fit_support(f, path, "", &s, &name, &err), GOSS_E_ARGUMENT, "requires a descriptor");
    T_OK(goss_table_fit_support(f, path, write_text("q.csv", "person,height\nQ1,171\n"), &s, &name, &err));
    T_STR(name, "Q1");
    T_EQ(s.spec.descriptor, 1);
    goss_task_source_free(&s), goss_text_free(name);
    goss_table_fit_free(f);
}

TEST(rows_to_predict) {
    goss_table_fit *f = fitted(NULL);
    goss_table *t;
    float *x;
    const char *path = write_text("new.csv", "dose,visit,arm\n0.5,1,C\n,2,A\n");
    goss__str_free(&told);
    goss_log_set(listen, NULL);
    T_OK(goss_table_fit_rows(f, path, &t, &x, &err));
    goss_log_set(NULL, NULL);
    says("categories that training has not seen (arm = \"C\")");
    says("1 cells are missing");
    T_EQ(goss_table_rows(t), 2);
    T_CHECK(x[5] == 0 && x[6] == 1);
    goss_table_close(t), goss_table_rows_free(x), goss_table_fit_free(f);
    T_ERR(goss_table_fit_parse("{}", &f, &err), GOSS_E_FORMAT, "damaged");
    T_ERR(goss_table_fit_parse("{\"version\": 2, \"transform\": \"\"}", &f, &err), GOSS_E_UNSUPPORTED, "later version");
}

TEST_MAIN()
