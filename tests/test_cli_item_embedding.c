/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of items that are learned along with a model of ratings (data.item_embedding), with every verb. */
#include "gossamer/model.h"
#include "gossamer/recommend.h"
#include "rating_run.h"

static const world usual = {.users = 40, .items = 50, .ratings = 24, .seed = 11};
#define QUICK " train.steps=24 train.tasks=4 validate.every=12 'model.backbone=dense 8; tanh' data.factors=2"
#define LEARNS " data.item_embedding=3"

static bool prepare(void) {
    static int done;
    if (done) return done > 0;
    done = -1;
    tiny_set();
    make_world("films", &usual);
    if (run("init films -o films.ini run.dir=base task.support=3..9") != 0) return false;
    if (run("train films.ini" QUICK LEARNS " run.dir=whole run.threads=1") != 0) return false;
    return (done = 1) > 0;
}
#define PREPARE()                                                                                                      \
    if (!prepare()) T_FAIL("%s", err_text ? err_text : "")

TEST(an_item_s_number_goes_with_it_and_the_text_keeps_it) {
    goss_ratings *r;
    goss_catalogue *c, *again;
    goss_error err;
    char *text;
    float x[40], y[40], *inputs;
    PREPARE();
    goss_ratings_options o = goss_ratings_defaults();
    goss_catalogue_options fit = goss_catalogue_defaults();
    o.path = tiny_path("films"), fit.embedding = 3, fit.factors = 2;
    T_OK(goss_ratings_open(&o, &r, &err));
    T_OK(goss_catalogue_fit(r, NULL, 0, &fit, &c, &inputs, &err));
    T_OK(goss_catalogue_text(c, &text, &err));
    T_OK(goss_catalogue_parse(text, &again, &err));
    const int w = goss_catalogue_width(c);
    T_EQ(goss_catalogue_width(again), w);
    for (int i = 0; i < goss_catalogue_items(c); i++) {
        goss_catalogue_input(c, i, x), goss_catalogue_input(again, i, y);
        T_CHECK(x[w - 1] == (float)(1 + i) && y[w - 1] == x[w - 1]);
    }
    goss_task_source source;
    const goss_ratings_source_options draw = goss_ratings_source_defaults();
    T_OK(goss_ratings_source_open(r, c, &draw, &source, NULL, &err));
    T_EQ(source.spec.items, 1 + goss_catalogue_items(c));
    T_EQ(source.spec.item_numbers, 3);
    T_EQ(source.spec.input[0], w);
    goss_task_source_free(&source);
    goss_text_free(text), goss_catalogue_inputs_free(inputs);
    goss_catalogue_free(c), goss_catalogue_free(again), goss_ratings_close(r);
}

TEST(a_run_of_ratings_is_the_same_in_parts) {
    PREPARE();
    RUN(0, "train films.ini" QUICK LEARNS " run.dir=once run.threads=2");
    SAYS(err_text, "data.item_embedding: 3 of an item's numbers are learned along");
    T_CHECK(tiny_same_files(tiny_path("whole/model.safetensors"), tiny_path("once/model.safetensors")));
    RUN(0, "train films.ini" QUICK LEARNS " run.dir=two train.steps=10 run.threads=2");
    RUN(0, "train films.ini" QUICK LEARNS " run.dir=two run.threads=1");
    RUN(0, "train films.ini" QUICK LEARNS " run.dir=three train.steps=10 run.threads=1");
    RUN(0, "train films.ini" QUICK LEARNS " run.dir=three run.threads=2");
    T_CHECK(tiny_same_files(tiny_path("two/model.safetensors"), tiny_path("three/model.safetensors")));
}

TEST(models_and_networks_know_the_items_and_strangers) {
    const world more = {.users = 12, .items = 60, .ratings = 30, .seed = 11};
    PREPARE();
    make_world("more", &more);
    RUN(0, "eval whole/model.safetensors --data more --support 5 --json --allow-seen "
           "--methods item-mean,again=whole/model.safetensors,ridge,knn,mf,joint,maml");
    SAYS(out_text, "\"unknown_items\": 10");
    T_CHECK(number_of("hypernet", "mae") > 0 && number_of("joint", "mae") > 0 && number_of("ridge", "mae") > 0);
    T_NEAR(number_of("again", "mae"), number_of("hypernet", "mae"), 0);
    /* baselines do not see the number */
    const double ridge = number_of("ridge", "mae");
    RUN(0, "train films.ini" QUICK " run.dir=without run.threads=2");
    RUN(0, "eval without/model.safetensors --data more --support 5 --json --allow-seen --methods ridge");
    T_NEAR(number_of("ridge", "mae"), ridge, 0);
    put("mine.csv", "movieId,rating\n103,5\n107,1\n111,4\n115,2\n");
    RUN(0, "adapt whole/model.safetensors --support mine.csv -o me.net");
    char items[100];
    snprintf(items, sizeof items, " weights, beside the 3 numbers of each of %d items that all users share",
             usual.items);
    SAYS(err_text, items);
    RUN(0, "predict me.net --top 5 --json");
    SAYS(out_text, "{\"rank\": 1, \"item\": \"");
    goss_error err;
    goss_network *net;
    T_OK(goss_network_load(tiny_path("me.net"), &net, &err));
    T_EQ(goss_network_data(net)->task.items, 1 + usual.items);
    goss_network_free(net);
}

TEST(what_can_not_be_is_refused) {
    PREPARE();
    RUN(1, "train films.ini" QUICK LEARNS " run.dir=bad train.micro_batch=2");
    SAYS(err_text, "data.item_embedding: a step updates the rows of its users' items");
    RUN(1, "train films.ini" QUICK LEARNS " run.dir=bad train.mixup=0.2");
    SAYS(err_text, "items are no numbers that can be mixed");
    RUN(1, "train films.ini" QUICK " run.dir=whole run.threads=1"); /* another run */
    SAYS(err_text, "data.item_embedding");
    RUN(1, "train films.ini" QUICK LEARNS " run.dir=bad 'model.backbone=dense 4..8; tanh' structure.choose=task");
    SAYS(err_text, "budgets of structures with a table of items (data.item_embedding)");
    RUN(1, "train films.ini" QUICK " run.dir=bad data.item_embedding=-1");
    SAYS(err_text, "data.item_embedding");
}
TEST_MAIN()
