/* SPDX-License-Identifier: Apache-2.0 */
/* gossamer eval --split test: what a run kept apart inside of its tasks is judged, and nothing else. */
#include "cli_run.h"
#include "table_folders.h"

static void make_models(void) {
    static bool made;
    if (made) return;
    school_table("schools.csv", 6, 20);
    const char *common = "train data.path=schools.csv data.task=school data.target=y task.support=0 train.tasks=0 "
                         "train.steps=30 validate.every=10 model.backbone= optimizer.rate=0.1";
    char line[600];
    static const char *const own[] = {"run.dir=joint train.method=joint data.split=.5,.2,.3",
                                      "run.dir=ids hyper.condition=id 'hyper.rules=head.*=full' data.split=.5,.2,.3",
                                      "run.dir=other train.method=joint data.split=.4,.3,.3",
                                      "run.dir=whole train.method=joint data.split=.8,.2,0"};
    for (int i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "%s %s", common, own[i]);
        RUN(0, line);
    }
    made = true;
}

TEST(test_samples_are_judged_task_by_task) {
    make_models();
    RUN(0, "eval joint/model.safetensors --split test --json");
    SAYS(out_text, "\"split\": \"test\"");
    T_EQ(json_number(out_text, "tasks"), 6);
    T_EQ(json_number(out_text, "samples"), 6 * 6);
    double sum = 0, worst = 0;
    for (int i = 0; i < 6; i++) {
        char name[8];
        snprintf(name, sizeof name, "s%02d", i);
        const double value = json_number(strstr(out_text, "per_task"), name);
        sum += value / 6, worst = value > worst ? value : worst;
    }
    T_NEAR(json_number(strstr(out_text, "methods"), "value"), sum, 1e-6);
    T_NEAR(json_number(strstr(out_text, "worst_task"), "value"), worst, 1e-9);
    RUN(0, "eval joint/model.safetensors --split test --data schools.csv");
    SAYS(out_text, "36 test samples of 6 training tasks");
}

TEST(others_are_raced_on_the_same_samples) {
    make_models();
    RUN(0, "eval joint/model.safetensors --split test --methods ids=ids/model.safetensors --metric mae --json");
    SAYS(out_text, "\"metric\": \"mae\"");
    const char *second = strstr(out_text, "\"name\": \"ids\"");
    T_NEAR(json_number(second, "difference"),
           json_number(second, "value") - json_number(strstr(out_text, "\"methods\""), "value"), 1e-6);
    /* Levels differ by school, and a network for all of them has one. */
    T_CHECK(json_number(second, "difference") < 0);
    RUN(2, "eval joint/model.safetensors --split test --precision int8");
    SAYS(err_text, "--precision has no meaning with --split test");
    RUN(1, "eval joint/model.safetensors --split test --methods a=other/model.safetensors");
    SAYS(err_text, "divided it otherwise");
}

TEST(what_it_cannot_be_is_said) {
    make_models();
    RUN(1, "eval whole/model.safetensors --split test");
    SAYS(err_text, "no rows are kept apart for testing");
    school_table("more.csv", 7, 20);
    RUN(1, "eval joint/model.safetensors --split test --data more.csv");
    SAYS(err_text, "give the same data");
    RUN(1, "eval joint/model.safetensors --split test --data nothing.csv");
    SAYS(err_text, "nothing.csv");
    RUN(2, "eval joint/model.safetensors --split train");
    SAYS(err_text, "--split train: test, which is kept apart for judging");
    RUN(2, "eval joint/model.safetensors --split test --support 3");
    SAYS(err_text, "--support has no meaning with --split test");
    RUN(2, "eval joint/model.safetensors --split test --seed 3");
    SAYS(err_text, "--seed has no meaning");
    RUN(1, "eval joint/model.safetensors --split test --methods ridge");
    SAYS(err_text, "it is a list of models");
}

TEST_MAIN()
