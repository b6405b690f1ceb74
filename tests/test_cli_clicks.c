/* SPDX-License-Identifier: Apache-2.0 */
/* Clicks (implicit feedback) with every verb: init, check, train with each objective that ranks, eval with candidates
 * and leave-last-out, adapt, predict; and what is refused. */
#include "rating_run.h"

static const world usual = {.users = 60, .items = 70, .ratings = 30, .seed = 11};
#define QUICK " train.steps=200 validate.every=100 optimizer.rate=0.003 task.support=3..10"

static bool prepare(void) {
    static int done;
    if (done) return done > 0;
    done = -1;
    tiny_set();
    make_world("films", &usual);
    if (run("init films data.click=3 -o films.ini run.dir=base") != 0) return false;
    if (run("train films.ini" QUICK " --fold 1/2 'model.backbone=beside { dense 16; tanh }' "
            "task.metric=ndcg@10,hit@5,coverage@5") != 0)
        return false;
    return (done = 1) > 0;
}
#define PREPARE()                                                                                                      \
    if (!prepare()) T_FAIL("%s", err_text ? err_text : "")

TEST(clicks_are_ranked_among_candidates_by_every_method) {
    PREPARE();
    RUN(0, "eval base/model.safetensors --data films --support 8 --candidates 30 --json "
           "--methods item-mean,popular,ridge,knn,mf,joint");
    SAYS(out_text, "\"metric\": \"ndcg@10\", \"higher_is_better\": true");
    SAYS(out_text, "\"candidates\": 30");
    static const char *const methods[] = {"hypernet", "item-mean", "popular", "ridge", "knn", "mf", "joint"};
    for (int i = 0; i < 7; i++) {
        T_CHECK(number_of(methods[i], "ndcg@10") > 0.2 && number_of(methods[i], "ndcg@10") <= 1);
        T_CHECK(number_of(methods[i], "coverage@5") > 0 && number_of(methods[i], "coverage@5") <= 1);
    }
    T_CHECK(number_of("hypernet", "ndcg@10") > number_of("popular", "ndcg@10"));
    T_CHECK(number_of("popular", "coverage@5") <= number_of("mf", "coverage@5"));
    RUN(0, "eval base/model.safetensors --data films --support 4 --order last --candidates 0 --metric hit@10");
    SAYS(out_text, "4 clicks each to adapt from (order: last), among all others, 1 draw a user, predicting clicks");
    RUN(0, "eval base/model.safetensors --data films --support 4 --methods popular");
    SAYS(out_text, "among 100 others");
    SAYS(out_text, "coverage@5, higher is better: share of the 70 items that are among the first for somebody");
}

TEST(objectives_that_rank_are_trained_on_clicks) {
    PREPARE();
    static const char *const objectives[] = {"bpr", "softmax", "logistic"};
    for (int i = 0; i < 3; i++) {
        char line[400];
        snprintf(line, sizeof line,
                 "train films.ini" QUICK " run.dir=%s --fold 1/2 task.objective=%s task.order=last "
                 "'model.backbone=beside { fm 4 }' task.metric=hit@10",
                 objectives[i], objectives[i]);
        RUN(0, line);
        snprintf(line, sizeof line,
                 "eval %s/model.safetensors --data films --support 5 --json --candidates 30 --methods popular",
                 objectives[i]);
        RUN(0, line);
        SAYS(out_text, "\"order\": \"last\"");
        T_CHECK(number_of("hypernet", "hit@10") > 0.3);
    }
}

TEST(a_persons_clicks_become_recommendations) {
    PREPARE();
    put("mine.csv", "title\nFilm 3\nFilm 4\nFilm 9\nNonesuch\n");
    RUN(0, "adapt base/model.safetensors --support mine.csv -o me.net");
    SAYS(err_text, "3 clicks became a network of");
    SAYS(err_text, "1 row is left out; line 5: there is no item \"Nonesuch\"");
    RUN(0, "predict me.net --top 10");
    T_CHECK(!strstr(out_text, "[1]"));
    for (const char *at = out_text; *at; at = strchr(at, '\n') + 1) { /* what was clicked on is not recommended */
        const char *name = strchr(at, '\t') + 1;
        T_CHECK(strncmp(name, "Film 3 ", 7) != 0 && strncmp(name, "Film 4 ", 7) != 0);
    }
}

/* As logs have it, and as training reads it: a click and another one on the same item are one. */
TEST(a_click_that_a_person_repeats_counts_once) {
    PREPARE();
    put("once.csv", "title\nFilm 3\nFilm 4\nFilm 9\n");
    put("again.csv", "title\nFilm 3\nFilm 4\nFilm 3\nFilm 9\nFilm 3\n");
    RUN(0, "adapt base/model.safetensors --support once.csv -o once.net");
    RUN(0, "adapt base/model.safetensors --support again.csv -o again.net");
    SAYS(err_text, "again.csv: 2 rows are left out: clicks on items that lines before name");
    SAYS(err_text, "3 clicks became a network of");
    RUN(0, "predict once.net --top 10");
    char *once = strdup(out_text);
    RUN(0, "predict again.net --top 10");
    T_STR(out_text, once);
    free(once);
    put("rated.csv", "title,rating\nFilm 3,1\nFilm 4,5\nFilm 3,5\n"); /* from 3 on it is a click */
    RUN(0, "adapt base/model.safetensors --support rated.csv -o rated.net");
    SAYS(err_text, "2 clicks became a network of");
}

/* One user with a single click does not make everybody's support set one. */
TEST(init_takes_the_support_that_most_users_have) {
    char text[8000] = "user,item\nlone,i0\n";
    for (int u = 0; u < 20; u++)
        for (int i = 0; i < 12; i++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "u%d,i%d\n", u, (7 * u + i * (u % 3 + 1)) % 40);
    put("few.csv", text);
    RUN(0, "init few.csv data.kind=ratings");
    SAYS(out_text, "\nsupport = 3..11\n");
    SAYS(out_text, "\nobjective = softmax\n");
    SAYS(err_text, "few.csv: 241 clicks of 21 users and 40 items");
}

TEST(what_cannot_be_clicks_is_told) {
    PREPARE();
    put("plain.csv", "user,item\na,x\na,y\na,z\nb,x\nb,w\nb,v\nc,w\nc,z\nc,y\nd,x\nd,v\nd,w\n");
    RUN(0, "check data.path=plain.csv data.kind=ratings task.support=1..2 run.dir=r data.hold_out=0.3");
    RUN(1, "check data.path=plain.csv data.kind=ratings data.click=4 task.support=1..2 run.dir=r");
    SAYS(out_text, "name it by data.rating=COLUMN; if every row is a click, leave data.click empty (data.click=)");
    RUN(1, "train films.ini data.click=many run.dir=x");
    SAYS(err_text, "data.click: \"many\" is no number");
    RUN(1, "train films.ini data.click=9 run.dir=x");
    SAYS(err_text, "0 clicks to train on");
    RUN(1, "train films.ini run.dir=x task.metric=coverage@10");
    SAYS(err_text, "task.metric: coverage is of all users together");
    RUN(1, "train films.ini data.click= run.dir=x train.steps=1 task.order=random task.objective=accuracy");
    SAYS(err_text, "\"accuracy\" is none of auto|classification|regression|huber|gaussian|");
    RUN(0, "train films.ini data.click= run.dir=rated train.steps=2 task.metric=mae task.objective=regression");
    RUN(1, "eval rated/model.safetensors --data films --support 5 --methods popular");
    SAYS(err_text, "--methods: popular ranks by how many users have clicked on an item");
    T_CHECK(!strstr(err_text, "trained on")); /* refused before users are chosen */
    RUN(1, "eval base/model.safetensors --data films --support 5 --methods other=rated/model.safetensors");
    SAYS(err_text, "--methods other: --data: films has clicks, and the model is of ratings");
    RUN(2, "eval rated/model.safetensors --data films --support 5 --candidates many");
}

TEST_MAIN()
