/* SPDX-License-Identifier: Apache-2.0 */
/* Users that a table describes, with every verb: train, check, resume, eval, adapt with ratings and without any; and
 * what is refused. */
#include "gossamer/model.h"
#include "rating_run.h"

static const world usual = {.users = 120, .items = 70, .ratings = 30, .seed = 11};
#define QUICK                                                                                                          \
    " train.steps=300 validate.every=100 'model.backbone=dense 16; tanh' optimizer.rate=0.003 --fold 1/3 "             \
    "data.neighbours=false"
#define SEES " data.descriptor=users.csv 'hyper.condition=support, descriptor'"

/* Runs that know users by ratings, by both, and by descriptors alone. */
static bool prepare(void) {
    static int done;
    if (done) return done > 0;
    done = -1;
    tiny_set();
    make_world("films", &usual);
    world_write_users(&usual, tiny_path("users.csv"), 0, usual.users);
    put("mine.csv", "title,rating\nFilm 1,5\nFilm 2,1\nFilm 9,4\n");
    put("me.csv", "town,taste\nOslo,1.2\n");
    put("you.csv", "town,taste\nRome,-1.2\n");
    if (run("init films -o films.ini run.dir=base task.support=1..6") != 0) return false;
    if (run("train films.ini" QUICK " run.dir=plain") != 0) return false;
    if (run("train films.ini" QUICK SEES " run.dir=both task.support=0..6") != 0) return false;
    if (run("train films.ini" QUICK SEES " run.dir=rated train.steps=2") != 0) return false;
    if (run("train films.ini" QUICK
            " run.dir=alone task.support=0 data.descriptor=users.csv hyper.condition=descriptor "
            "method.ridge_head=false") != 0)
        return false;
    return (done = 1) > 0;
}
#define PREPARE()                                                                                                      \
    if (!prepare()) T_FAIL("%s", err_text ? err_text : "")

#define PLAIN "plain/model.safetensors"
#define BOTH "both/model.safetensors"
#define ALONE "alone/model.safetensors"

/* The mean absolute error of a model; *mean: that of item means. */
static double judged(const char *model, int support, double *mean) {
    char line[300];
    snprintf(line, sizeof line, "eval %s --support %d --data films --json --methods item-mean,mf", model, support);
    if (run(line) != 0) T_FAIL("%s: %s", line, err_text);
    *mean = number_of("item-mean", "mae");
    return number_of("hypernet", "mae");
}

/* Taste and town are the factors that ratings were made of (rating_world.h). */
TEST(who_is_described_is_predicted_better_with_few_ratings) {
    PREPARE();
    for (int support = 1; support <= 5; support += 2) {
        double means[2];
        const double plain = judged(PLAIN, support, &means[0]),
                     both = judged(BOTH " --descriptor users.csv", support, &means[1]);
        T_NOTE("support %d: %.4f without, %.4f with, item means %.4f", support, plain, both, means[0]);
        T_CHECK(both < 0.92 * plain);
        T_NEAR(means[0], means[1], 0); /* baselines are what they were */
    }
}

TEST(users_without_ratings_are_predicted_by_their_descriptors) {
    PREPARE();
    double mean;
    static const char *const models[] = {BOTH " --descriptor users.csv", ALONE " --descriptor users.csv"};
    for (int i = 0; i < 2; i++) {
        const double own = judged(models[i], 0, &mean);
        T_NOTE("%s: %.4f, item means %.4f", models[i], own, mean);
        T_CHECK(own > 0 && own < 0.9 * mean);
    }
    RUN(0, "eval " BOTH " --descriptor users.csv --data films --support 0 --json --fine-tune 2 --methods "
           "item-mean,ridge,knn=" PLAIN ",mf,joint,maml");
    SAYS(out_text, "\"support\": 0");
    T_NEAR(number_of("ridge", "mae"), number_of("mf", "mae"), 0.05);
    RUN(0, "adapt " BOTH " --descriptor me.csv -o cold.net");
    SAYS(err_text, "a descriptor became a network of");
    RUN(0, "predict cold.net --top 70 --json");
    T_CHECK(strstr(out_text, "\"because\": []") && !strstr(out_text, "\"because\": [{"));
    int lines = 0;
    for (const char *at = out_text; *at; at++) lines += *at == '\n';
    T_EQ(lines, 70); /* nothing is left out as rated */
    RUN(0, "adapt " ALONE " --descriptor me.csv --fine-tune auto -o alone.net");
}

static char *recommended(const char *adapt) {
    if (run(adapt) != 0) T_FAIL("%s: %s", adapt, err_text);
    if (run("predict me.net --top 70 --json") != 0) T_FAIL("%s", err_text);
    return strdup(out_text);
}

TEST(a_person_is_known_by_ratings_and_a_row) {
    PREPARE();
    char *me = recommended("adapt " BOTH " --support mine.csv --descriptor me.csv -o me.net"),
         *you = recommended("adapt " BOTH " --support mine.csv --descriptor you.csv -o me.net"),
         *none = recommended("adapt " BOTH " --descriptor me.csv -o me.net");
    T_CHECK(strcmp(me, you) != 0 && strcmp(me, none) != 0);
    /* by name where both files have one; the order of columns does not matter */
    put("named.csv", "userId,title,rating\nme,Film 1,5\nme,Film 2,1\nme,Film 9,4\n");
    put("people.csv", "taste,userId,town\n-1.2,you,Rome\n1.2,me,Oslo\n");
    char *named = recommended("adapt " BOTH " --support named.csv --descriptor people.csv -o me.net");
    T_STR(named, me);
    RUN(0, "adapt " BOTH " --support mine.csv --descriptor me.csv -o me.net");
    SAYS(err_text, "3 ratings and a descriptor became a network of");
    goss_error err;
    goss_network *net;
    if (goss_network_load(tiny_path("me.net"), &net, &err) != GOSS_OK) T_FAIL("%s", err.text);
    T_CHECK(!strstr(goss_network_data(net)->transform, "\ndescriptors\t")); /* of no use in a network */
    goss_network_free(net);
    put("strangers.csv", "taste,userId,town\n-1.2,you,Rome\n1.2,he,Oslo\n");
    RUN(1, "adapt " BOTH " --support named.csv --descriptor strangers.csv -o x.net");
    SAYS(err_text, "--descriptor: strangers.csv: there is no row with userId = me");
    RUN(1, "adapt " BOTH " --support mine.csv --descriptor people.csv -o x.net");
    SAYS(err_text, "--descriptor: people.csv has 2 rows and the task has no name: give it a column userId, or the "
                   "descriptor alone");
    free(me), free(you), free(none), free(named);
}

TEST(clicks_have_described_users_too) {
    PREPARE();
    RUN(0, "train films.ini" QUICK SEES " run.dir=clicks data.click=3 task.objective=softmax task.metric=ndcg@10 "
           "task.order=last task.support=0..6");
    RUN(0,
        "eval clicks/model.safetensors --descriptor users.csv --data films --support 0 --json --order random --methods "
        "popular");
    T_CHECK(number_of("hypernet", "ndcg@10") > number_of("popular", "ndcg@10"));
    put("clicked.csv", "title\nFilm 3\nFilm 4\n");
    RUN(0, "adapt clicks/model.safetensors --support clicked.csv --descriptor me.csv -o me.net");
    SAYS(err_text, "2 clicks and a descriptor became a network of");
    RUN(0, "adapt clicks/model.safetensors --descriptor me.csv -o me.net");
    RUN(0, "predict me.net --top 3");
}

TEST(check_reports_the_file) {
    PREPARE();
    RUN(0, "check films.ini train.fold=1/3 run.dir=checked" SEES);
    SAYS(out_text, "descriptor         2 columns, 3 numbers");
    SAYS(out_text, "0 errors, ");
    world_write_users(&usual, tiny_path("some.csv"), 0, usual.users / 2);
    RUN(1, "check films.ini run.dir=checked 'hyper.condition=support, descriptor' data.descriptor=some.csv");
    SAYS(out_text, "data.descriptor: some.csv: there is no row with userId = ");
    /* train and validate on the first half: the others are only eval's */
    char list[2000] = "", *held;
    for (int u = 0; u < 50; u++) snprintf(list + strlen(list), sizeof list - strlen(list), "%d\n", u + 1);
    put("train.txt", list);
    held = list, *list = 0;
    for (int u = 50; u < 60; u++) snprintf(held + strlen(held), 10, "%d\n", u + 1);
    put("val.txt", held);
    RUN(0, "check films.ini run.dir=checked 'hyper.condition=support, descriptor' data.descriptor=some.csv "
           "data.train_tasks=train.txt data.val_tasks=val.txt");
    SAYS(out_text, "users that are kept apart cannot all be judged: some.csv: there is no row with userId = 61");
}

TEST(a_run_does_not_go_on_with_other_descriptors) {
    PREPARE();
    RUN(0, "train films.ini" QUICK SEES " run.dir=resumed train.steps=4");
    world_write_users(&usual, tiny_path("copy.csv"), 0, usual.users); /* the content counts, not the name */
    RUN(0, "train films.ini" QUICK " run.dir=resumed train.steps=6 data.descriptor=copy.csv "
           "'hyper.condition=support, descriptor'");
    SAYS(err_text, "6 steps");
    /* other in a column that is not read is another file, too */
    char row[100];
    FILE *from = fopen(tiny_path("users.csv"), "r"), *to = fopen(tiny_path("other.csv"), "w");
    T_CHECK(from && to);
    while (fgets(row, sizeof row, from)) {
        char *same = strstr(row, ",1,");
        if (same) same[1] = '2';
        fputs(row, to);
    }
    fclose(from), fclose(to);
    RUN(1, "train films.ini" QUICK " run.dir=resumed train.steps=8 data.descriptor=other.csv "
           "'hyper.condition=support, descriptor'");
    SAYS(err_text, "holds other ratings, users, descriptors or divisions than the run in resumed");
}

TEST(what_makes_no_sense_is_refused) {
    PREPARE();
    RUN(1, "train films.ini run.dir=bad data.descriptor=users.csv");
    SAYS(err_text,
         "data.descriptor = users.csv: nothing reads it; add descriptor to hyper.condition (as hyper.condition "
         "= support, descriptor), or leave the file out");
    RUN(0, "train films.ini" QUICK SEES " run.dir=maml train.method=maml train.steps=2");
    SAYS(err_text, "data.descriptor = users.csv has no effect with train.method = maml");
    RUN(0, "eval maml/model.safetensors --data films --support 3 --methods item-mean"); /* and requires none */
    RUN(1, "train films.ini run.dir=bad 'hyper.condition=support, descriptor'");
    SAYS(err_text, "name their file by data.descriptor");
    RUN(1, "train films.ini run.dir=bad data.descriptor=nowhere.csv hyper.condition=descriptor");
    SAYS(err_text, "data.descriptor: nowhere.csv: there is no such file");
    RUN(1, "train films.ini run.dir=bad data.descriptor=me.csv hyper.condition=descriptor");
    SAYS(err_text, "data.descriptor: the column of tasks in the table of descriptors: there is no column \"userId\"");
    put("twice.csv", "userId,taste\n1,1\n1,2\n");
    RUN(1, "train films.ini run.dir=bad data.descriptor=twice.csv hyper.condition=descriptor");
    SAYS(err_text, "data.descriptor: twice.csv:3: a second row for userId 1");
    RUN(1, "train films.ini run.dir=bad task.support=0");
    SAYS(err_text, "task.support = 0: a user is known by ratings alone; with data.descriptor and hyper.condition = "
                   "descriptor also without any");
    RUN(1, "train films.ini run.dir=bad task.support=0" SEES);
    SAYS(err_text, "hyper.condition=id or descriptor and method.ridge_head=false");
    T_CHECK(access(tiny_path("bad/model.safetensors"), F_OK) != 0);

    RUN(1, "eval " BOTH " --data films --support 3");
    SAYS(err_text, BOTH " requires a descriptor of each user: --descriptor FILE with a row per user (a column userId");
    RUN(1, "eval " PLAIN " --data films --support 3 --descriptor users.csv");
    SAYS(err_text, "--descriptor users.csv: no model here reads descriptors");
    RUN(1, "eval " PLAIN " --data films --support 0");
    SAYS(err_text, "--support 0: " PLAIN " knows users by their ratings alone");
    RUN(1, "eval rated/model.safetensors --data films --support 0 --descriptor users.csv");
    SAYS(err_text, "--support 0: rated/model.safetensors was trained on users with 1 rating or more");
    RUN(2, "eval " BOTH " --data films --descriptor users.csv");
    SAYS(err_text, "--support is missing");
    world_write_users(&usual, tiny_path("few.csv"), 0, 3);
    RUN(1, "eval " BOTH " --data films --support 3 --descriptor few.csv");
    SAYS(err_text, "--descriptor: few.csv: there is no row with userId = ");

    RUN(1, "adapt " BOTH " --support mine.csv -o x.net");
    SAYS(err_text,
         "the model requires a descriptor of the person: --descriptor FILE, a csv file with one row, with the "
         "columns of training (town, ...)");
    RUN(1, "adapt " PLAIN " --support mine.csv --descriptor me.csv -o x.net");
    SAYS(err_text, "--descriptor me.csv: the model reads no descriptors");
    RUN(1, "adapt rated/model.safetensors --descriptor me.csv -o x.net");
    SAYS(err_text, "trained on users with 1 rating or more: --support FILE names some");
    put("short.csv", "town\nOslo\n");
    RUN(1, "adapt " BOTH " --descriptor short.csv -o x.net");
    SAYS(err_text, "--descriptor: short.csv: there is no column taste");
    RUN(2, "adapt " BOTH " -o x.net");
    SAYS(err_text, "--support is missing");
    RUN(2, "adapt " BOTH " --task 1 --descriptor me.csv -o x.net");
    SAYS(err_text, "--task and --descriptor: one of them");
    T_CHECK(access(tiny_path("x.net"), F_OK) != 0);
}

TEST_MAIN()
