/* SPDX-License-Identifier: Apache-2.0 */
/* gossamer eval on tables: which tasks are judged by whom, what it prints, and what it refuses. */
#include "cli_run.h"
#include "table_model.h"

/* A number behind a key, at or after `from` in what the command printed; fails where there is none. */
static double number_at(const char *from, const char *key) {
    char quoted[80];
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    const char *at = from ? strstr(from, quoted) : NULL;
    if (!at) T_FAIL("no %s in %.300s", key, from ? from : "");
    return strtod(at + strlen(quoted), NULL);
}

static const char *method(const char *name) {
    char quoted[80];
    snprintf(quoted, sizeof quoted, "{\"name\": \"%s\"", name);
    const char *at = strstr(out_text, quoted);
    if (!at) T_FAIL("no method %s in %.300s", name, out_text);
    return at;
}

static void make_models(void) {
    static bool made;
    if (made) return;
    goss_table_data_options o = table_options(table_world("world.csv", 0, 20, 12, false));
    o.hold_out = .1;
    table_model("one.model", "hypernet", &o, NULL);
    o.order = "visit";
    table_model("ordered.model", "hypernet", &o, NULL);
    o.order = NULL;
    for (int fold = 1; fold <= 4; fold++) {
        char name[20];
        sprintf(name, "fold%d.model", fold);
        o.fold = fold, o.folds = 4;
        table_model(name, "hypernet", &o, NULL);
    }
    o.fold = o.folds = 0;
    table_model("maml.model", "maml", &o, NULL);
    goss_table_data_options c = table_options(table_world("classes.csv", 0, 20, 12, true));
    c.metric = "log_loss";
    table_model("classes.model", "hypernet", &c, NULL);
    table_world("new.csv", 50, 8, 10, false);
    table_world("newclasses.csv", 50, 8, 10, true);
    made = true; /* only now: where a library is lacking, each test is skipped */
}

TEST(new_tasks_are_judged_by_every_method) {
    make_models();
    RUN(0, "eval one.model --data new.csv --support 3 --methods ridge,mean-ridge,mean --json");
    T_EQ(number_at(out_text, "tasks"), 8);
    T_EQ(number_at(out_text, "support"), 3);
    T_EQ(number_at(out_text, "skipped"), 0);
    SAYS(out_text, "\"metric\": \"rmse\"");
    SAYS(out_text, "\"per_task\": {\"P50\": ");
    const double ridge = number_at(method("ridge"), "value"), first = number_at(method("hypernet"), "value");
    const double drawn = number_at(method("mean-ridge"), "value"), mean = number_at(method("mean"), "value");
    /* Slopes are shared: what is drawn towards them is near the noise, .5; one's own three rows are not enough. */
    T_CHECK(drawn < 1 && ridge > drawn && mean > 2 && first > 2);
    T_NEAR(number_at(method("ridge"), "difference"), ridge - first, 1e-6);
    T_CHECK(number_at(method("ridge"), "difference_ci95") > 0 && number_at(method("ridge"), "ci95") > 0);
    T_NEAR(number_at(method("hypernet"), "difference"), 0, 0);
    /* The mean over tasks is that of per_task. */
    double sum = 0;
    const char *at = strstr(method("ridge"), "per_task");
    for (int p = 50; p < 58; p++) {
        char name[8];
        sprintf(name, "P%d", p);
        sum += number_at(at, name) / 8;
    }
    T_NEAR(sum, ridge, 1e-6);
}

TEST(the_same_command_draws_the_same_rows_and_seeds_others) {
    make_models();
    RUN(0, "eval one.model --data new.csv --support 3 --methods ridge --json");
    const double a = number_at(method("ridge"), "value");
    RUN(0, "eval one.model --data new.csv --support 3 --methods ridge --json --threads 1");
    T_NEAR(number_at(method("ridge"), "value"), a, 0);
    RUN(0, "eval one.model --data new.csv --support 3 --methods ridge --json --seed 2");
    T_CHECK(number_at(method("ridge"), "value") != a);
    RUN(0, "eval one.model --data new.csv --support 3 --methods ridge --json --repeats 1");
    T_CHECK(number_at(method("ridge"), "value") != a);
}

TEST(tasks_trained_on_are_left_out) {
    make_models();
    RUN(0, "eval one.model --data world.csv --support 3 --json");
    T_EQ(number_at(out_text, "tasks"), 2);
    T_EQ(number_at(out_text, "seen"), 18);
    SAYS(err_text, "18 tasks were trained on and are left out");
    SAYS(err_text, "2 of the 2 tasks judged were validated on");
    RUN(0, "eval one.model --data world.csv --support 3 --json --allow-seen");
    T_EQ(number_at(out_text, "tasks"), 20);
    T_EQ(number_at(out_text, "seen"), 18);
    SAYS(err_text, "18 of the 20 tasks judged were trained on: no unseen tasks");
    /* Known by their rows, whatever they are called. */
    char line[600];
    snprintf(line, sizeof line, "sed 's/^P/Q/' %s > %s", tiny_path("world.csv"), tiny_path("renamed.csv"));
    T_EQ(system(line), 0);
    RUN(0, "eval one.model --data renamed.csv --support 3 --json");
    T_EQ(number_at(out_text, "seen"), 18);
}

TEST(none_left_is_an_error) {
    make_models();
    write_file("few.csv", "person,visit,dose,y\nP90,1,2,3\nP90,2,1,4\n", 40);
    RUN(1, "eval one.model --data few.csv --support 3");
    SAYS(err_text, "no task is left to judge on: 1 have no more than --support 3 rows");
    goss_table_data_options o = table_options(tiny_path("world.csv"));
    o.hold_out = 0;
    table_model("all.model", "hypernet", &o, NULL);
    RUN(1, "eval all.model --data world.csv --support 3");
    SAYS(err_text, "all 20 tasks were trained on");
    RUN(0, "eval all.model --data world.csv --support 3 --allow-seen");
}

TEST(one_of_each_is_named_as_one) {
    make_models();
    char line[600];
    snprintf(line, sizeof line, "(cat %s; echo P90,1,2,3) > %s; sed -n '2s/,.*//p' %s > %s", tiny_path("new.csv"),
             tiny_path("lone.csv"), tiny_path("new.csv"), tiny_path("lone.txt"));
    T_EQ(system(line), 0);
    RUN(0, "eval one.model --data lone.csv --support 1");
    SAYS(err_text, "1 task has no more than --support 1 row and is left out\n");
    SAYS(out_text, "8 tasks (person), 1 support row (order: ");
    RUN(0, "eval one.model --data new.csv --support 3 --tasks lone.txt");
    SAYS(out_text, "1 task (person), 3 support rows (order: ");
}

TEST(folds_are_pooled) {
    make_models();
    RUN(0, "eval fold1.model fold2.model fold3.model fold4.model --data world.csv --support 3 --json --methods ridge");
    T_EQ(number_at(out_text, "tasks"), 20);
    T_EQ(number_at(out_text, "seen"), 0);
    T_EQ(number_at(out_text, "validated"), 0);
    const double all = number_at(method("hypernet"), "value");
    double sum = 0;
    for (int fold = 1; fold <= 4; fold++) {
        char line[200];
        sprintf(line, "eval fold%d.model --data world.csv --support 3 --json --tasks fold%d.txt", fold, fold);
        goss_table_data_options f = table_options(tiny_path("world.csv"));
        goss_table_data *d;
        goss_error err;
        f.fold = fold, f.folds = 4, f.baselines = false;
        T_OK(goss_table_data_open(&f, &d, &err));
        char list[300] = "", name[20];
        const goss_task_list *test = &goss_table_data_division(d)->test;
        T_EQ(test->n, 5);
        for (int i = 0; i < test->n; i++)
            sprintf(list + strlen(list), "%s\n", goss_table_tasks_name(goss_table_data_tasks(d), test->tasks[i]));
        sprintf(name, "fold%d.txt", fold);
        write_file(name, list, strlen(list));
        goss_table_data_free(d);
        RUN(0, line);
        T_EQ(number_at(out_text, "tasks"), 5);
        sum += number_at(method("hypernet"), "value") / 4;
    }
    T_NEAR(all, sum, 1e-6);
    RUN(1, "eval fold1.model maml.model --data world.csv --support 3");
    SAYS(err_text, "--methods NAME=FILE");
}

TEST(order_decides_the_support_rows) {
    make_models();
    RUN(0, "eval ordered.model --data new.csv --support 3 --json --methods nearest,line,mean");
    T_EQ(number_at(out_text, "repeats"), 1);
    SAYS(out_text, "\"order\": \"visit\"");
    const double ordered = number_at(method("mean"), "value");
    T_CHECK(!strstr(err_text, "--repeats"));
    RUN(0, "eval ordered.model --data new.csv --support 3 --repeats 2");
    SAYS(err_text, "--repeats 2: rows are in an order, so that all draws of a task have the same support rows");
    RUN(0, "eval one.model --data new.csv --support 3 --order visit --json --methods nearest,mean");
    T_NEAR(number_at(method("mean"), "value"), ordered, 0);
    RUN(0, "eval ordered.model --data new.csv --support 3 --order random --json --methods nearest,mean");
    T_EQ(number_at(out_text, "repeats"), 5);
    T_CHECK(number_at(method("mean"), "value") != ordered);
    RUN(0, "eval ordered.model --data new.csv --support 3 --order first --json --methods nearest");
    RUN(1, "eval one.model --data new.csv --support 3 --methods nearest");
    SAYS(err_text, "nearest requires the column that orders rows: --order COLUMN");
    RUN(1, "eval one.model --data new.csv --support 3 --order vist");
    SAYS(err_text, "--order: there is no column \"vist\" (nearest: \"visit\")");
}

TEST(classes_and_metrics) {
    make_models();
    RUN(0, "eval classes.model --data newclasses.csv --support 5 --json --methods ridge,mean-ridge");
    SAYS(out_text, "\"metric\": \"log_loss\"");
    RUN(0, "eval classes.model --data newclasses.csv --support 5 --json --metric accuracy --methods mean-ridge");
    SAYS(out_text, "\"higher_is_better\": true");
    T_CHECK(number_at(method("mean-ridge"), "value") > .7);
    RUN(1, "eval classes.model --data newclasses.csv --support 5 --metric rmse");
    SAYS(err_text, "--metric: ");
    RUN(1, "eval classes.model --data newclasses.csv --support 5 --methods line");
    SAYS(err_text, "is not defined for classes");
}

TEST(other_models_race_with_files_of_their_own) {
    make_models();
    RUN(0,
        "eval one.model --data new.csv --support 3 --methods maml=maml.model,scratch --fine-tune 3 --precision int8");
    SAYS(out_text, "hypernet+finetune3");
    SAYS(out_text, "hypernet+int8");
    SAYS(out_text, "hypernet+finetune3+int8");
    SAYS(out_text, "maml ");
    SAYS(out_text, "8 tasks (person), 3 support rows");
    RUN(1, "eval one.model --data new.csv --support 3 --methods other=classes.model");
    SAYS(err_text, "classes.model predicts y (classification), and one.model");
}

/* What `train` writes is enough for all of them: nothing is trained again, and the joint network stays in the file. */
TEST(a_trained_model_keeps_what_other_methods_need) {
    make_models();
    const char *run_it = "train data.path=world.csv data.task=person data.target=y task.support=3..6 run.dir=trained "
                         "'model.backbone=dense 8; tanh' train.steps=150 train.tasks=4 optimizer.rate=0.01 "
                         "validate.every=50 --fold 1/4";
    size_t n = 0, again = 0;
    RUN(0, run_it);
    RUN(0, "eval trained/model.safetensors --data new.csv --support 3 --json "
           "--methods ridge,mean-ridge,joint,finetune,scratch");
    const double joint = number_at(method("joint"), "value"), scratch = number_at(method("scratch"), "value");
    const double tuned = number_at(method("finetune"), "value");
    /* One network for persons whose constants differ by 10 can know the slope alone. */
    T_CHECK(joint > 4 && joint < 20 && tuned < joint && scratch != tuned);
    char *first = tiny_read(tiny_path("trained/model.safetensors"), &n);
    RUN(0, run_it);
    char *second = tiny_read(tiny_path("trained/model.safetensors"), &again);
    T_CHECK(n == again && memcmp(first, second, n) == 0);
    free(first), free(second);
    RUN(0, "convert trained/model.safetensors --weights bf16 -o half.model");
    RUN(0, "eval half.model --data new.csv --support 3 --json --methods joint");
    T_NEAR(number_at(method("joint"), "value"), joint, 0);
    RUN(1, "train data.path=world.csv run.dir=other --fold 5/4");
    SAYS(err_text, "5/4");
}

TEST(folds_are_explained) {
    make_models();
    RUN(0, "eval RUN.ini --folds 2 --data world.csv --support 3");
    SAYS(out_text, "gossamer train RUN.ini --fold 2/2 run.dir=runs/fold2\n");
    SAYS(out_text, "gossamer eval runs/fold1/model.safetensors runs/fold2/model.safetensors --data world.csv");
    RUN(2, "eval --folds 1");
    RUN(1, "eval nowhere.safetensors --folds 2");
    SAYS(err_text, "nowhere.safetensors: cannot open");
    RUN(0, "convert one.model --weights bf16 -o one.safetensors");
    RUN(2, "eval one.safetensors --folds 2");
    SAYS(err_text, "name the configuration, as RUN.ini, not a model");
}

TEST(options_that_do_not_fit) {
    make_models();
    RUN(2, "eval one.model --data new.csv");
    SAYS(err_text, "--support is missing");
    RUN(2, "eval one.model --data new.csv --support 3 --ways 5");
    SAYS(err_text, "--ways is for ");
    SAYS(err_text, "images, and one.model is of tables");
    RUN(2, "eval one.model --data new.csv --support -1");
    RUN(0, "eval one.model --data new.csv --support 0");
    SAYS(out_text, "0 support rows");
    RUN(1, "eval one.model --data new.csv --support 0 --methods mean");
    SAYS(err_text, "mean requires at least one support row");
    RUN(1, "eval one.model --data new.csv --support 3 --tasks nowhere");
    SAYS(err_text, "--tasks: nowhere");
    write_file("lost.csv", "person,dose\nP1,2\n", 17);
    RUN(1, "eval one.model --data lost.csv --support 3");
    SAYS(err_text, "there is no column visit, y, which the model needs");
}

TEST_MAIN()
