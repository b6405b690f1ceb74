/* SPDX-License-Identifier: Apache-2.0 */
/* gossamer inspect MODEL --data DATA: what a model makes of the samples of its run. */
#include "cli_run.h"
#include "table_folders.h"

enum { SCHOOLS = 6, MANY = 14 };

static void make_model(const char *dir, const char *table, int schools, const char *more) {
    char line[800];
    school_table(table, schools, 20);
    snprintf(line, sizeof line,
             "train data.path=%s data.task=school data.target=y task.support=0 train.tasks=0 train.steps=20 "
             "optimizer.rate=0.01 data.split=.5,.2,.3 validate.every=10 run.dir=%s %s",
             table, dir, more);
    RUN(0, line);
}

static void make_models(void) {
    static bool made;
    if (made) return;
    make_model("alone", "schools.csv", SCHOOLS,
               "train.method=multitask share.preset=alone 'model.backbone=dense 5; relu; dense 3'");
    make_model("ids", "many.csv", MANY,
               "train.method=hypernet hyper.condition=id 'model.backbone=dense 5; relu' 'hyper.rules=*=full'");
    make_model("whole", "schools.csv", SCHOOLS, "train.method=joint model.backbone= data.split=.8,.2,0");
    made = true;
}

TEST(every_representation_is_measured_over_all_tasks_and_for_each) {
    make_models();
    RUN(0, "inspect alone/model.safetensors --data schools.csv --json");
    SAYS(out_text, "\"split\": \"test\"");
    T_EQ(json_number(out_text, "tasks"), SCHOOLS);
    static const char *const names[] = {"hidden/dense1", "features/block1", "hidden/dense2"};
    static const int columns[] = {5, 5, 3};
    for (int i = 0; i < 3; i++) {
        const char *v = json_named(names[i]);
        T_EQ(json_number(v, "columns"), columns[i]);
        T_EQ(json_number(v, "rows"), SCHOOLS * 6);
        T_CHECK(json_number(v, "effective_rank") > 1 && json_number(v, "effective_rank") <= columns[i] + 1e-6);
        T_CHECK(json_number(v, "stable_rank") >= 1 && json_number(v, "stable_rank") <= columns[i] + 1e-6);
        T_CHECK(json_number(v, "similarity") > 0 && json_number(v, "similarity") < 1);
        const char *task = strstr(v, "\"task\": \"s00\"");
        T_EQ(json_number(task, "rows"), 6);
        T_CHECK(json_number(task, "effective_rank") > 0.99 && json_number(task, "effective_rank") <= columns[i] + 1e-6);
    }
    RUN(0, "inspect alone/model.safetensors --data schools.csv");
    SAYS(out_text, "6 tasks, test samples of schools.csv");
    SAYS(out_text, "hidden/dense1                T x Q x 5                 36");
    SAYS(out_text, "s05");
    SAYS(out_text, "effective rank (Roy and Vetterli 2007)");
}

TEST(parts_of_the_samples_and_chosen_values) {
    make_models();
    RUN(0, "inspect alone/model.safetensors --split validation --on 'features/block1,weights/*' --json");
    SAYS(out_text, "\"split\": \"validation\"");
    T_EQ(json_number(json_named("features/block1"), "rows"), SCHOOLS * 4);
    T_EQ(json_number(json_named("weights/dense1.w"), "rows"), SCHOOLS);
    T_CHECK(!strstr(out_text, "hidden/"));
    RUN(0, "inspect alone/model.safetensors --split training --on features/block1 --json --threads 1");
    T_EQ(json_number(json_named("features/block1"), "rows"), SCHOOLS * 10);
    char *one = strdup(out_text);
    RUN(0, "inspect alone/model.safetensors --split training --on features/block1 --json --threads 3");
    T_STR(out_text, one);
    free(one);
    /* without test samples those of the validation */
    RUN(0, "inspect whole/model.safetensors --data schools.csv");
    SAYS(out_text, "6 tasks, validation samples");
    SAYS(out_text, "features/out");
}

TEST(of_a_hypernetwork_its_codes_and_of_many_tasks_the_extremes) {
    make_models();
    RUN(0, "inspect ids/model.safetensors --split test");
    SAYS(out_text, "embedding/task");
    SAYS(out_text, "generated/dense1.w");
    SAYS(out_text, "those of least and greatest rank (--json has all)");
    RUN(0, "inspect ids/model.safetensors --split test --json");
    T_EQ(json_number(json_named("embedding/task"), "rows"), MANY);
    SAYS(json_named("embedding/task"), "\"rows_are\": \"tasks\"");
    SAYS(json_named("hidden/dense1"), "\"task\": \"s13\"");
}

TEST(episodes_of_classes_have_support_sets_as_well) {
    T_EQ(train("few", "train.steps=10 train.method=protonet"), 0);
    RUN(0, "inspect few/model.safetensors --data tiny-images-idx3-ubyte --json");
    SAYS(out_text, "\"split\": \"validation\"");
    T_EQ(json_number(out_text, "tasks"), 20);
    T_EQ(json_number(json_named("hidden/dense1"), "rows"), 20 * 3 * 4);
    T_EQ(json_number(json_named("hidden/support/dense1"), "rows"), 20 * 3);
    SAYS(json_named("hidden/support/dense1"), "\"similarity\": null");
    T_NEAR(json_number(json_named("hidden/dense1"), "similarity"), 1, 1e-6); /* one embedding for all */
}

TEST(of_sequences_each_step_is_a_row) {
    static char text[1 << 14];
    int n = snprintf(text, sizeof text, "who,text,y\n");
    for (int i = 0; i < 120; i++) /* two words and three, in turn */
        n += snprintf(text + n, sizeof text - (size_t)n, "t%d,%s %s%s,%s\n", i % 3, i % 5 ? "red" : "blue",
                      i % 4 ? "one" : "two", i / 3 % 2 ? " end" : "", i % 5 ? "yes" : "no");
    write_file("texts.csv", text, (size_t)n);
    RUN(0, "train data.path=texts.csv data.task=who data.target=y data.text=text task.support=0 train.tasks=0 "
           "data.split=.5,.25,.25 train.steps=4 validate.every=2 run.dir=words train.method=multitask "
           "share.preset=alone 'model.backbone=embedding 64 6; gru 4; readout mean'");
    RUN(0, "inspect words/model.safetensors --split training --json");
    const char *steps = json_named("hidden/gru1"), *whole = json_named("hidden/readout1");
    SAYS(steps, "\"shape\": \"T x Q x L x 4\"");
    T_EQ(json_number(whole, "rows"), 60);
    T_CHECK(json_number(steps, "rows") > 2 * 60 && json_number(steps, "rows") < 3 * 60);
    T_EQ(json_number(steps, "columns"), 4);
    const double words = json_number(json_named("hidden/embedding1"), "effective_rank");
    T_CHECK(words > 2 && words <= 5 + 1e-6); /* there are five */
    T_CHECK(json_number(steps, "similarity") > 0.5);
}

TEST(what_it_cannot_be_is_said) {
    make_models();
    RUN(1, "inspect alone/model.safetensors --split test --on 'featurs/*'");
    SAYS(err_text, "no value is published as featurs/*; did you mean features/");
    RUN(1, "inspect alone/model.safetensors --data many.csv");
    SAYS(err_text, "give the same data");
    RUN(1, "inspect alone/model.safetensors --data nothing.csv");
    SAYS(err_text, "nothing.csv");
    write_file("damaged.csv", "a,b\n\"x\n", 7);
    RUN(1, "inspect alone/model.safetensors --data damaged.csv");
    SAYS(err_text, "as the data of the model's run: data.path: damaged.csv:2:a: the quote that opens here");
    T_CHECK(!strstr(strstr(err_text, "damaged.csv") + 1, "damaged.csv")); /* the file is named once */
    write_file("other.csv", "a,b\n1,2\n", 8);
    RUN(1, "inspect alone/model.safetensors --data other.csv");
    SAYS(err_text, "other.csv, as the data of the model's run: ");
    RUN(1, "inspect whole/model.safetensors --split test");
    SAYS(err_text, "no rows are kept apart for testing");
    RUN(2, "inspect alone/model.safetensors --split half");
    SAYS(err_text, "--split half: it is test, validation or training");
    RUN(2, "inspect alone/model.safetensors --on 'features/*'");
    SAYS(err_text, "give --data DATA or --split PART");
    RUN(2, "inspect alone/model.safetensors --data schools.csv --tensors");
    SAYS(err_text, "leave --tensors out");
    RUN(2, "inspect schools.csv --data schools.csv");
    SAYS(err_text, "schools.csv is a table");
    RUN(2, "inspect alone/model.safetensors --data schools.csv --target y");
    SAYS(err_text, "--target is of a table");
}

TEST_MAIN()
