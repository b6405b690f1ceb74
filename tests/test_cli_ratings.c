/* SPDX-License-Identifier: Apache-2.0 */
/* Ratings with every verb, as a new user meets them: init, inspect, check, train, eval, adapt, predict; and what is
 * refused. */
#include "gossamer/model.h"
#include "rating_run.h"

static const world usual = {.users = 60, .items = 70, .ratings = 30, .seed = 11};
#define QUICK " train.steps=300 validate.every=100 'model.backbone=dense 16; tanh' optimizer.rate=0.003"

/* A run of two folds of one configuration. */
static bool prepare(void) {
    static int done;
    if (done) return done > 0;
    done = -1;
    tiny_set();
    make_world("films", &usual);
    if (run("init films -o films.ini run.dir=base task.support=3..12") != 0) return false;
    if (run("train films.ini" QUICK " run.dir=fold1 --fold 1/2") != 0) return false;
    if (run("train films.ini" QUICK " run.dir=fold2 --fold 2/2") != 0) return false;
    return (done = 1) > 0;
}
#define PREPARE()                                                                                                      \
    if (!prepare()) T_FAIL("%s", err_text ? err_text : "")

TEST(init_and_inspect_know_a_folder_of_ratings) {
    tiny_set();
    make_world("films", &usual);
    RUN(0, "inspect films");
    SAYS(out_text, "1800 ratings of 60 users and 70 items (0 repeated ones left out); 30 or more of each user");
    SAYS(out_text, "item    movieId");
    RUN(0, "inspect films --json");
    SAYS(out_text, "\"users\": 60");
    SAYS(out_text, "\"time\": \"timestamp\"");
    RUN(0, "init films -o first.ini");
    SAYS(err_text, "films: 1800 ratings of 60 users and 70 items");
    RUN(0, "init films");
    SAYS(out_text, "\nkind = ratings\n");
    SAYS(out_text, "\nsupport = 3..20\n");
    SAYS(out_text, "\nmetric = mae, rmse, ndcg@5, recall@10\n");
    T_CHECK(!strstr(out_text, "\nways ="));
    T_EQ(rename(tiny_path("films/ratings.csv"), tiny_path("votes.csv")), 0);
    RUN(0, "init votes.csv data.kind=ratings"); /* by what settings say, not by the file's name */
    SAYS(out_text, "\nkind = ratings\n");
    SAYS(out_text, "\nsupport = 3..20\n");
    T_EQ(rename(tiny_path("votes.csv"), tiny_path("films/ratings.csv")), 0);
    RUN(0, "check first.ini");
    SAYS(out_text, "data               1800 ratings, 60 users, 70 items");
    SAYS(out_text, "train              54 users, 1620 ratings");
    SAYS(out_text, "0 errors, ");
}

TEST(folds_are_judged_on_the_users_that_they_have_not_seen) {
    PREPARE();
    RUN(0, "eval fold1/model.safetensors fold2/model.safetensors --data films --support 10 --json "
           "--methods item-mean,ridge,knn,mf,maml,joint");
    SAYS(out_text, "{\"tasks\": 60, \"support\": 10, \"metric\": \"mae\", \"higher_is_better\": false");
    SAYS(out_text, "\"unknown_items\": 0");
    const double own = number_of("hypernet", "value"), level = number_of("item-mean", "value");
    T_NEAR(own, number_of("hypernet", "mae"), 1e-12);
    T_CHECK(own > 0 && own < 0.9 * level && own < number_of("joint", "value"));
    T_CHECK(number_of("mf", "value") < 0.9 * level && number_of("ridge", "value") < level);
    T_CHECK(number_of("knn", "value") < level);
    T_CHECK(number_of("maml", "value") > 0 && number_of("maml", "value") < number_of("joint", "value"));
    static const char *const metrics[] = {"mae", "rmse", "ndcg@5", "recall@10"};
    for (int i = 0; i < 4; i++) T_CHECK(number_of("knn", metrics[i]) > 0);
    T_CHECK(number_of("hypernet", "rmse") >= own);
    T_CHECK(number_of("hypernet", "ndcg@5") > number_of("item-mean", "ndcg@5"));
    /* the same draws for everyone, twice the same numbers */
    char *first = strdup(out_text);
    RUN(0, "eval fold1/model.safetensors fold2/model.safetensors --data films --support 10 --json "
           "--methods item-mean,ridge,knn,mf,maml,joint --threads 1");
    T_NEAR(number_of("hypernet", "value"), own, 0);
    free(first);
    RUN(0, "eval fold1/model.safetensors --data films --support 5 --order first --metric ndcg@10,mae --max-queries 8 "
           "--precision int8");
    SAYS(out_text, "hypernet+int8");
    SAYS(out_text, "(order: first), at most 8 to predict, 1 draw a user");
    SAYS(out_text, "ndcg@10, higher is better");
    SAYS(err_text, "users were trained on and are left out");
}

/* Trained to rank, a model ranks better than item means; it has no errors to tell. */
TEST(objectives_that_rank_are_trained_and_judged_by_rank) {
    PREPARE();
    static const char *const objectives[] = {"bpr", "softmax"};
    for (int i = 0; i < 2; i++) {
        char line[400];
        snprintf(line, sizeof line,
                 "train films.ini" QUICK " run.dir=%s --fold 1/2 task.objective=%s task.metric=ndcg@5,recall@10",
                 objectives[i], objectives[i]);
        RUN(0, line);
        snprintf(line, sizeof line, "eval %s/model.safetensors --data films --support 10 --json --methods item-mean",
                 objectives[i]);
        RUN(0, line);
        SAYS(out_text, "\"metric\": \"ndcg@5\", \"higher_is_better\": true");
        T_CHECK(number_of("hypernet", "ndcg@5") > number_of("item-mean", "ndcg@5"));
        T_CHECK(number_of("hypernet", "recall@10") > number_of("item-mean", "recall@10"));
    }
    RUN(0, "train films.ini" QUICK " run.dir=sure --fold 1/2 task.objective=quantile train.steps=5 "
           "task.metric=pinball,coverage,mae");
    RUN(0, "eval sure/model.safetensors --data films --support 10 --json");
    T_CHECK(number_of("hypernet", "pinball") > 0 && number_of("hypernet", "coverage") > 0);
    RUN(1, "eval sure/model.safetensors --data films --support 10 --methods mf");
    SAYS(err_text, "--methods mf: it predicts numbers and does not say how sure it is, as metric pinball wants");
    RUN(0, "eval sure/model.safetensors --data films --support 10 --methods mf --metric mae");
    RUN(1, "train films.ini run.dir=bad task.objective=bpr task.metric=mae");
    SAYS(err_text, "task.metric: there is no metric of bpr \"mae\"");
}

TEST(items_that_a_model_does_not_know_are_counted_and_predicted_by_features) {
    PREPARE();
    const world more = {.users = 20, .items = 90, .ratings = 40, .seed = 11, .unlisted = 5};
    make_world("more", &more);
    RUN(0,
        "eval fold1/model.safetensors --data more --support 10 --json --allow-seen --methods item-mean,ridge,knn,mf");
    SAYS(out_text, "\"unknown_items\": 20, \"unknown_without_features\": 5");
    SAYS(err_text, "20 of 90 items are unknown to fold1/model.safetensors: 15 are known by their features, 5 by "
                   "nothing");
    static const char *const methods[] = {"hypernet", "item-mean", "ridge", "knn", "mf"};
    for (int i = 0; i < 5; i++) T_CHECK(number_of(methods[i], "mae") > 0);
    /* a model that keeps no ratings has no neighbours */
    RUN(0, "train films.ini" QUICK " run.dir=bare --fold 1/2 train.steps=2 data.neighbours=false");
    RUN(1, "eval bare/model.safetensors --data films --support 5 --methods knn");
    SAYS(err_text, "knn: the model keeps no ratings to seek neighbours among: train it with data.neighbours = true");
}

TEST(a_person_gets_recommendations_with_reasons) {
    PREPARE();
    char text[600] = "title,rating\n", name[80];
    for (int i = 3; i < 15; i++) {
        world_name(&usual, i, name);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s,%.1f\n", name, world_rating(&usual, 777, i, 0));
    }
    put("mine.csv", text);
    RUN(0, "adapt fold1/model.safetensors --support mine.csv --precision int8 -o small.net");
    RUN(0, "predict small.net --top 3");
    RUN(0, "adapt fold1/model.safetensors --support mine.csv -o me.net");
    SAYS(err_text, "12 ratings became a network of");
    goss_error err;
    goss_model *model;
    goss_network *net;
    if (goss_model_load(tiny_path("fold1/model.safetensors"), &model, &err) != GOSS_OK) T_FAIL("%s", err.text);
    if (goss_network_load(tiny_path("me.net"), &net, &err) != GOSS_OK) T_FAIL("%s", err.text);
    const char *kept = strstr(goss_model_data(model)->transform, "\nkept\t");
    T_CHECK(strncmp(goss_network_data(net)->transform, "catalogue\t1\nkept\t0\n", 19) == 0); /* nobody else's */
    T_CHECK(strlen(goss_network_data(net)->transform) < strlen(goss_model_data(model)->transform) && kept &&
            atoi(kept + 6) > 500);
    goss_model_free(model), goss_network_free(net);
    RUN(0, "predict me.net --top 8 --json");
    int lines = 0;
    double last = 100;
    for (const char *at = out_text; (at = strstr(at, "\"prediction\": ")); lines++) {
        const double score = strtod(at += 14, NULL);
        T_CHECK(score <= last);
        last = score;
    }
    T_EQ(lines, 8);
    SAYS(out_text, "{\"rank\": 1, \"item\": \"");
    SAYS(out_text, "\"because\": [{\"item\": \"");
    for (int i = 3; i < 15; i++) { /* what was rated is not recommended, but may be a reason */
        char item[40];
        snprintf(item, sizeof item, "\"rank\": %%d, \"item\": \"%d\"", 100 + i);
        for (const char *at = out_text; (at = strstr(at, "\"rank\": "));) {
            at = strstr(at, "\"item\": \"") + 9;
            T_CHECK(atoi(at) != 100 + i);
        }
    }
    RUN(0, "predict me.net --top 10");
    SAYS(out_text, "\tlike ");
    lines = 0;
    for (const char *at = out_text; *at; at++) lines += *at == '\n';
    T_EQ(lines, 10);
    /* by identifiers, and with a film that is not there */
    put("ids.csv", "movieId,rating\n104,5\n108,1\n9999,3\n");
    RUN(0, "adapt fold1/model.safetensors --support ids.csv -o ids.net");
    SAYS(err_text, "warning: ids.csv: 1 row is left out; line 4: there is no item \"9999\"");
    put("lost.csv", "title,rating\nFilm 1,5\nNonesuch,3\nFilm 2,4\nNeither,1\n");
    RUN(0, "adapt fold1/model.safetensors --support lost.csv -o lost.net");
    SAYS(err_text, "warning: lost.csv: 2 rows are left out; line 3: there is no item \"Nonesuch\"\n");
    SAYS(err_text, "warning: lost.csv: line 5: there is no item \"Neither\"\n");
    put("tens.csv", "title,rating\nFilm 1,10\nFilm 2,3\n1984,4\n");
    RUN(0, "adapt fold1/model.safetensors --support tens.csv -o tens.net");
    SAYS(err_text, "warning: tens.csv: 1 rating is on another scale; line 2: 10, and the model knows ratings from 0.5");
    SAYS(err_text, "line 4: there is no item \"1984\"");
    mkdir(tiny_path("tens"), 0700);
    put("tens/ratings.csv", "userId,movieId,rating,timestamp\n1,101,9,1\n1,102,10,2\n1,103,3,3\n1,104,,4\n2,101,2,5\n2,"
                            "102,4,6\n2,103,8,7\n");
    RUN(0, "eval fold1/model.safetensors --data tens --support 1");
    SAYS(err_text, "rows without a user or a rating are left out: 1");
    SAYS(err_text, "warning: tens: ratings outside of 0.5 to 5, which fold1/model.safetensors was trained on: 3");
    SAYS(out_text, "1 rating each to adapt from");
    RUN(1, "eval fold1/model.safetensors --data films --allow-seen --support 5 --candidates 20");
    SAYS(err_text, "--candidates is for clicks, and films has ratings");
    RUN(1, "eval fold1/model.safetensors --data films --allow-seen --support 5 --methods foo");
    SAYS(
        err_text,
        "--methods foo (beside item-mean, popular, ridge, knn, mf; foo=FILE is another model): there is no method foo");
    RUN(0, "predict ids.net --top 20 --min-ratings 12 --json");
    for (const char *at = out_text; (at = strstr(at, "\"ratings\": "));) T_CHECK(atoi(at += 11) >= 12);
    RUN(1, "predict ids.net --top 5 --min-ratings 5000");
    SAYS(err_text, "no item is left");
}

TEST(a_file_of_any_name_is_one_of_ratings_if_its_columns_are_named) {
    tiny_set();
    char text[6000] = "who,what,stars,day\n";
    for (int u = 0; u < 12; u++)
        for (int i = 0; i < 14; i++)
            if ((u * 5 + i * 3) % 4)
                snprintf(text + strlen(text), sizeof text - strlen(text), "u%d,i%d,%d,2020-01-%02d\n", u, i,
                         1 + (u * i + 2 * u + i) % 5, 1 + (u + i) % 28);
    put("opinions.csv", text);
    RUN(0, "train data.path=opinions.csv data.user=who data.item=what data.rating=stars data.time=day task.support=3 "
           "task.order=first data.factors=2 train.steps=20 validate.every=10 run.dir=opinions "
           "'model.backbone=dense 8; tanh'");
    SAYS(err_text, "ratings of 12 users, 14 items of 4 numbers each"); /* bias, number of ratings, two factors */
    T_CHECK(!strstr(err_text, "column day"));
    RUN(0, "eval opinions/model.safetensors --data opinions.csv --support 3 --json --allow-seen --methods mf,knn");
    SAYS(out_text, "\"order\": \"day\"");
    T_CHECK(number_of("hypernet", "mae") > 0 && number_of("knn", "mae") > 0);
    RUN(0, "inspect films/ratings.csv");
    SAYS(out_text, "ratings of 60 users");
}

/* One rating of another scale outweighs all others in a squared error. */
TEST(a_rating_far_from_all_others_is_told) {
    const world small = {.users = 12, .items = 20, .ratings = 12, .seed = 3};
    PREPARE();
    make_world("far", &small);
    FILE *f = fopen(tiny_path("far/ratings.csv"), "a");
    if (!f) T_FAIL("no ratings");
    for (int u = 1; u <= 12; u++) fprintf(f, "%d,999,%d,1\n,101,3,1\n", u, u == 5 ? 5000 : 3);
    fclose(f);
    RUN(0, "check data.path=far data.kind=ratings task.support=3 train.steps=2 run.dir=far-run validate.every=0");
    SAYS(out_text, "ratings to train on are from 0.5 to 5000, the farthest ");
    SAYS(out_text, "rows without a user or a rating are left out: 12");
    RUN(0, "check data.path=films data.kind=ratings task.support=3 train.steps=2 run.dir=far-run");
    T_CHECK(!strstr(out_text, "deviations from their mean"));
}

/* Copies ratings without their last column. */
static void without_time(const char *from, const char *to) {
    char line[200];
    FILE *in = fopen(tiny_path(from), "r"), *out = fopen(tiny_path(to), "w");
    if (!in || !out) exit(99);
    while (fgets(line, sizeof line, in)) *strrchr(line, ',') = 0, fprintf(out, "%s\n", line);
    fclose(in), fclose(out);
}

/* Draws need no times; without them nobody can be recognised as one that was trained on. */
TEST(ratings_without_times_are_judged_in_a_random_order) {
    PREPARE();
    without_time("films/ratings.csv", "timeless.csv");
    RUN(0, "eval fold1/model.safetensors --data films --support 5 --allow-seen --json");
    const double with = number_of("hypernet", "mae");
    SAYS(err_text, "of the 60 users judged were trained on: no unseen users");
    T_CHECK(!strstr(out_text, "\"seen\": 0,"));
    RUN(1, "eval fold1/model.safetensors --data timeless.csv --support 5");
    SAYS(err_text, "timeless.csv has no column timestamp, by which the users that fold1/model.safetensors was trained "
                   "on are recognised");
    RUN(0, "eval fold1/model.safetensors --data timeless.csv --support 5 --allow-seen --json");
    T_NEAR(number_of("hypernet", "mae"), with, 0);
    RUN(1, "eval fold1/model.safetensors --data timeless.csv --support 5 --order first --allow-seen");
    SAYS(err_text, "timestamp");
}

TEST(a_model_is_inspected_on_the_ratings_of_its_run) {
    PREPARE();
    RUN(0, "inspect fold1/model.safetensors --data films");
    SAYS(out_text, "features/");
    RUN(1, "inspect fold1/model.safetensors --data more-or-less");
}

TEST(what_makes_no_sense_is_refused) {
    PREPARE();
    RUN(2, "eval fold1/model.safetensors --data films");
    SAYS(err_text, "--support is missing");
    RUN(2, "eval fold1/model.safetensors --data films --support 5 --ways 3");
    SAYS(err_text, "--ways is for");
    RUN(1, "eval fold1/model.safetensors --data films --support 5 --methods anil");
    SAYS(err_text, "needs a model of its own");
    RUN(1, "eval fold1/model.safetensors --data films --support 5 --metric ndcg@3");
    SAYS(err_text, "--metric: there is no metric of regression \"ndcg@3\"");
    RUN(1, "eval fold1/model.safetensors --data films --support 30");
    SAYS(err_text, "no user is left to judge on");
    put("two.csv", "userId,movieId,rating\n7,101,5\n7,102,3\n8,103,1\n");
    RUN(1, "adapt fold1/model.safetensors --support two.csv -o two.net");
    SAYS(err_text, "two.csv:4: userId is 8, and 7 in a line before: a person's ratings are of one");
    put("named.csv", "user,movieId,rating\n7,101,5\n8,103,1\n");
    RUN(1, "adapt fold1/model.safetensors --support named.csv -o two.net");
    SAYS(err_text, "named.csv:3: user is 8, and 7 in a line before");
    put("nobody.csv", "movieId,rating\n101,5\n102,3\n");
    RUN(1, "eval fold1/model.safetensors --data nobody.csv --support 2");
    SAYS(err_text, "nobody.csv: data.user: there is no column \"userId\"; the columns are movieId, rating");
    RUN(1, "predict fold1/model.safetensors --top 3");
    SAYS(err_text, "it holds a model, not a network");
    RUN(1, "train films.ini run.dir=bad task.objective=classification");
    SAYS(err_text, "task.objective = classification is for classes");
    RUN(1, "train films.ini run.dir=bad task.metric=mae,nonsense");
    SAYS(err_text, "task.metric: there is no metric of regression \"nonsense\"");
    RUN(1, "train films.ini run.dir=bad data.rating=stars");
    SAYS(err_text, "data.rating");
    RUN(1, "train films.ini run.dir=bad data.items=nowhere.csv");
    SAYS(err_text, "data.items: nowhere.csv: there is no such file");
    RUN(1, "train films.ini run.dir=bad task.support=0");
    SAYS(err_text, "task.support = 0");
    T_CHECK(access(tiny_path("bad"), F_OK) != 0 || access(tiny_path("bad/model.safetensors"), F_OK) != 0);
    RUN(1, "train films.ini run.dir=bad data.descriptor=x");
    SAYS(err_text, "data.descriptor: x: there is no such file");
    RUN(0, "train films.ini run.dir=warned data.role=x" QUICK " train.steps=2");
    SAYS(err_text, "data.role = x has no effect: it is about tables");
}

TEST_MAIN()
