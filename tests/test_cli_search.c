/* SPDX-License-Identifier: Apache-2.0 */
/* gossamer search: what it prints and writes, that the files it writes can be used, and what it refuses. */
#include "cli_run.h"

static const char space[] =
    "[data]\nheight = 8\nwidth = 8\ninvert = no\nsplit = .5,.25,.25\n[task]\nqueries = 16\n[model]\n"
    "backbone = conv 2..8/2 3 pad same; norm group 2; relu|tanh; pool max|avg 2; conv 4..12/4 1|3 pad same; relu; "
    "pool global\n[search]\nsteps = 6\narchitectures = 2\nstart_networks = 2\n[train]\nsteps = 20\n[optimizer]\nrate = "
    ".02\n";

static void write_space(void) {
    tiny_set_of("five", 5, 40, 3, 4);
    write_file("space.ini", space, strlen(space));
}

static double number(const char *from, const char *key) {
    const char *at = from ? strstr(from, key) : NULL;
    if (!at) T_FAIL("no %s in %.300s", key, from ? from : "");
    return strtod(at + strlen(key), NULL);
}

TEST(a_search_ends_with_files_that_can_be_used) {
    size_t n;
    write_space();
    RUN(0, "search space.ini --data five-images-idx3-ubyte --trials 6 --train 2 --json -o best.ini");
    SAYS(out_text, "{\"metric\": \"accuracy\", \"higher_is_better\": true");
    SAYS(out_text, "\"samples\": {\"train\": 100, \"validate\": 50, \"test\": 50}, \"trials\": 6, \"steps\": 20");
    SAYS(out_text,
         "{\"name\": \"smash\", \"steps\": 52, \"drawn\": 6, \"trained\": 2, \"best\": {\"network\": \"conv ");
    SAYS(out_text, "{\"name\": \"random\", \"steps\": 40, \"drawn\": 2, \"trained\": 2");
    SAYS(out_text, "{\"name\": \"halving\", ");
    SAYS(out_text, "\"kendall\": [{\"of\": \"smash\", \"networks\": ");
    SAYS(out_text, "\"output\": \"best.ini\"}");
    const double validation = number(strstr(out_text, "\"networks\": [{\"network\""), "\"validation\": ");
    const double test = number(strstr(out_text, "\"networks\": [{\"network\""), "\"test\": ");
    char *ini = tiny_read(tiny_path("best.ini"), &n);
    T_CHECK(ini && strstr(ini, "five-images-idx3-ubyte") && !strstr(ini, "[search]") && !strstr(ini, "..8/2"));
    free(ini);
    /* The model is the one that was judged. */
    RUN(0, "eval best.safetensors --split test --json");
    T_NEAR(number(out_text, "\"value\": "), test, 1e-6);
    RUN(0, "adapt best.safetensors --task all -o net.safetensors");
    /* The configuration trains the same network: as long, to the same. */
    RUN(0, "train best.ini run.dir=again validate.every=20");
    RUN(0, "eval again/model.safetensors --split test --json");
    T_NEAR(number(out_text, "\"value\": "), test, 1e-6);
    RUN(0, "train best.ini run.dir=started train.start=best-start.safetensors train.steps=5");
    SAYS(err_text, "train.start: the weights share are those of best-start.safetensors");
    T_CHECK(validation > 0.2);
}

TEST(a_table_is_searched_by_its_own_metric) {
    char text[6000];
    size_t n = (size_t)snprintf(text, sizeof text, "a,b,c,y\n");
    uint32_t r = 5;
    for (int i = 0; i < 120; i++) {
        const double a = tiny_random(&r) % 1000 / 1000.0, b = tiny_random(&r) % 1000 / 1000.0;
        n += (size_t)snprintf(text + n, sizeof text - n, "%.3f,%.3f,%.3f,%.4f\n", a, b, tiny_random(&r) % 1000 / 1000.0,
                              a * 2 - b + a * b);
    }
    write_space();
    write_file("rows.csv", text, n);
    const char ini[] = "[data]\ntarget = y\nsplit = .6,.2,.2\n[model]\nbackbone = dense 4..16/4; relu|tanh; optional { "
                       "dense 4..16/4; tanh }\n[search]\nsteps = 10\n[train]\nsteps = 30\n[optimizer]\nrate = .02\n";
    write_file("rows.ini", ini, strlen(ini));
    RUN(0, "search rows.ini --data rows.csv --trials 6 --train 2 --method smash,random --json -o rows-best.ini");
    SAYS(out_text, "\"metric\": \"rmse\", \"higher_is_better\": false");
    SAYS(out_text, "\"samples\": {\"train\": 72, \"validate\": 24, \"test\": 24}");
    /* Less is better: the first network has the least error. */
    const char *list = strstr(out_text, "\"networks\": [");
    const double first = number(list, "\"validation\": "), second = number(strstr(list, "}, {"), "\"validation\": ");
    if (!(first <= second && first > 0)) T_FAIL("%g, then %g", first, second);
    RUN(0, "train rows-best.ini run.dir=rows-run train.steps=5");
}

TEST(a_tenth_of_the_samples_validates_where_nothing_is_said) {
    char text[1000];
    write_space();
    const char *split = strstr(space, "split = .5,.25,.25\n");
    const int n = snprintf(text, sizeof text, "%.*s%s", (int)(split - space), space, split + 19);
    write_file("plain.ini", text, (size_t)n);
    RUN(0, "search plain.ini --data five-images-idx3-ubyte --trials 3 --train 1 --method random --json "
           "data.train_classes=some.txt data.target=y");
    SAYS(err_text, "data.split is not set: .8,.1,.1");
    SAYS(err_text, "data.train_classes = some.txt has no effect: it is about classes that episodes are drawn from");
    SAYS(err_text, "data.target = y has no effect: it is about tables");
    SAYS(out_text, "\"samples\": {\"train\": 160, \"validate\": 20, \"test\": 20}");
}

TEST(tables_for_people) {
    write_space();
    RUN(0, "search space.ini --data five-images-idx3-ubyte --trials 4 --train 4 --method ghn,random --starts 0,1 "
           "--budget 2KB");
    SAYS(out_text, "space: ");
    SAYS(out_text, "Kendall's tau with the accuracy after training, all");
    SAYS(out_text, "  ghn    ");
    SAYS(out_text, "starting values, means over 2 networks");
    SAYS(err_text, "ghn: training 6 of 6");
}

TEST(bad_requests_are_refused_before_training) {
    write_space();
    RUN(2, "search");
    RUN(2, "search space.ini --trials 0");
    SAYS(err_text, "trials");
    RUN(2, "search space.ini --data five-images-idx3-ubyte --trials 5 --train 6");
    SAYS(err_text, "--train 6: of the structures that --trials draws the best are trained, and it draws 5");
    RUN(2, "search space.ini --method best");
    SAYS(err_text, "none of smash, ghn, random, halving");
    RUN(1, "search space.ini");
    SAYS(err_text, "no data");
    RUN(1, "search space.ini --data five-images-idx3-ubyte search.stepz=3");
    SAYS(err_text, "search.steps");
    RUN(1, "search space.ini --data five-images-idx3-ubyte -o best.txt");
    SAYS(err_text, "best.ini");
    RUN(1, "search space.ini --data five-images-idx3-ubyte -o nowhere/best.ini");
    SAYS(err_text, "nowhere");
    RUN(1, "search space.ini --data five-images-idx3-ubyte --starts 5,1");
    SAYS(err_text, "ascend");
    RUN(1, "search space.ini --data five-images-idx3-ubyte --budget 64");
    SAYS(err_text, "smallest");
    RUN(1, "search space.ini --data five-images-idx3-ubyte 'model.backbone=conv 4 3; relu; flatten'");
    SAYS(err_text, "leaves nothing open");
    RUN(1, "search space.ini --data five-images-idx3-ubyte validate.patience=2");
    SAYS(err_text, "validate.patience: a search validates once");
    RUN(0, "search --keys");
    SAYS(out_text, "start_networks = 5");
    RUN(0, "search --help");
    SAYS(out_text, "--trials N");
}

TEST(the_space_is_not_overwritten) {
    size_t n;
    write_space();
    RUN(1, "search space.ini --data five-images-idx3-ubyte --trials 2 --train 1 --method random -o space.ini");
    SAYS(err_text, "space.ini");
    char *left = tiny_read(tiny_path("space.ini"), &n);
    T_CHECK(left && strcmp(left, space) == 0);
    free(left);
}

/* Eight layers whose weights one step makes large: no answer is finite. */
TEST(networks_without_finite_answers_are_no_result) {
    write_space();
    RUN(1,
        "search space.ini --data five-images-idx3-ubyte --trials 2 --train 2 --method random train.steps=3 "
        "optimizer.rate=1000000 'model.backbone=flatten; dense 4..16/4; dense 8; dense 8; dense 8; dense 8; dense 8; "
        "dense 8; dense 8' -o none.ini");
    SAYS(err_text, "no network had finite answers");
    T_CHECK(access(tiny_path("none.ini"), F_OK) != 0);
}

/* Steps that are not finite are skipped, so that the weights before them have answers: those are no result either. */
TEST(trainings_that_end_on_steps_that_are_not_finite_are_no_result) {
    write_space();
    RUN(1,
        "search space.ini --data five-images-idx3-ubyte --trials 2 --train 2 --method random train.steps=20 "
        "optimizer.rate=10000 optimizer.kind=sgd optimizer.clip_norm=0 'model.backbone=flatten; dense 4..16/4; dense "
        "8' -o none.ini");
    SAYS(err_text, "no network had finite answers");
    RUN(1,
        "search space.ini --data five-images-idx3-ubyte --trials 4 --train 1 --method smash search.steps=20 "
        "search.rate=10000 optimizer.kind=sgd optimizer.clip_norm=0 'model.backbone=flatten; dense 4..16/4; dense 8' "
        "-o none.ini");
    SAYS(err_text, "smash: its training ended with a step that is not finite");
    T_CHECK(access(tiny_path("none.ini"), F_OK) != 0);
}

TEST(a_space_without_other_structures_to_train_with_is_reported) {
    write_space();
    RUN(0, "search space.ini --data five-images-idx3-ubyte --trials 4 --train 1 --method smash "
           "'model.backbone=conv 2..4/2 3 pad same; relu|tanh; pool global'");
    SAYS(err_text, "12 of the 12 structures that it was trained with may be among those that are scored");
}

TEST_MAIN()
