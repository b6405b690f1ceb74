/* SPDX-License-Identifier: Apache-2.0 */
/* gossamer eval as users meet it: what was seen in training is refused by its content, each method is judged by its own
 * settings and images, and a report says what was run. */
#include "base/os.h"
#include "cli_run.h"
#include "data/picture.h"
#include "rewrite.h"

static goss_error err;

/* Runs `gossamer eval` on one of the sets; more: further arguments. */
static int eval(const char *model, const char *data, const char *more) {
    char line[2000];
    snprintf(line, sizeof line, "eval %s --data %s --queries 4 --episodes 20 %s", model, data, more);
    return run(line);
}

static const char trained[] = "seen/model.safetensors", tiny[] = "tiny-images-idx3-ubyte",
                  other[] = "other-images-idx3-ubyte";

/* A model trained on the tiny set, and another set that has classes of the same names. */
static bool prepare(void) {
    tiny_set();
    tiny_set_of("other", 10, TINY_DRAWINGS, 99, 98);
    return access(tiny_path(trained), F_OK) == 0 || train("seen", "train.steps=40") == 0;
}

TEST(what_was_trained_on_is_refused_by_content) {
    T_CHECK(prepare());
    T_EQ(eval(trained, tiny, ""), 1);
    SAYS(err_text, "seen/model.safetensors was trained on 204 of the 288 images to judge on, in 17 of 24 classes");
    SAYS(err_text, "--allow-seen");
    T_EQ(strlen(out_text), 0);
    /* The same pictures elsewhere, under another name. */
    tiny_set_of("copy", TINY_CLASSES, TINY_DRAWINGS, 7, 8);
    T_EQ(eval(trained, "copy-images-idx3-ubyte", ""), 1);
    SAYS(err_text, "204 of the 288");
    /* Classes of the same names, other pictures. */
    T_EQ(eval(trained, other, ""), 0);
    T_CHECK(!strstr(out_text, "seen in training") && !strstr(err_text, "note"));
    T_EQ(eval(trained, other, "--precision int8 --json"), 0);
    SAYS(out_text, "{\"name\": \"hypernet+int8\", \"accuracy\": ");
    SAYS(out_text, "\"images\": 120, \"seen\": 0, \"validated\": 0");
}

TEST(seen_classes_are_allowed_or_left_out_on_request) {
    T_CHECK(prepare());
    T_EQ(eval(trained, tiny, "--allow-seen --methods pixels,protonet"), 0);
    SAYS(out_text,
         "seen in training, so not unseen tasks: 204 of 288 images, in 17 of 24 classes, by hypernet, protonet\n");
    T_EQ(eval(trained, tiny, "--allow-seen --json --methods pixels"), 0);
    SAYS(out_text, "\"images\": 288, \"seen\": 204, \"validated\": 84");
    SAYS(out_text, "\"weights\": \"none\", \"seen\": 0, \"validated\": 0}");
    T_EQ(eval(trained, tiny, "--unseen --json"), 0);
    SAYS(out_text, "\"classes\": 7, ");
    SAYS(out_text, "\"images\": 84, \"seen\": 0, \"validated\": 84");
    T_EQ(eval(trained, tiny, "--unseen"), 0);
    SAYS(out_text, "validated on, so weights were chosen by them: 84 of 84 images, by hypernet");
    SAYS(err_text, "17 of 24 classes");
    T_EQ(eval(trained, tiny, "--unseen --allow-seen"), 2);
}

TEST(every_contender_is_asked_what_it_has_seen) {
    T_CHECK(prepare());
    T_EQ(train("blind",
               "data.path=other-images-idx3-ubyte train.steps=5 train.ways=3 validate.every=0 data.hold_out=0.1"),
         0);
    T_EQ(eval("blind/model.safetensors", tiny, ""), 0);
    T_EQ(eval("blind/model.safetensors", tiny, "--methods second=seen/model.safetensors"), 1);
    SAYS(err_text, "seen/model.safetensors was trained on 204");
    RUN(0, "convert seen/model.safetensors -o half.safetensors --weights bf16");
    T_EQ(eval("half.safetensors", tiny, ""), 1);
    SAYS(err_text, "half.safetensors was trained on 204");
    /* Started from that model: it has seen what that one had. */
    T_EQ(train("child", "data.path=other-images-idx3-ubyte train.steps=5 train.ways=3 validate.every=0 "
                        "train.start=seen/model.safetensors"),
         0);
    T_EQ(eval("child/model.safetensors", tiny, ""), 1);
    SAYS(err_text, "was trained on 204");
    T_EQ(eval("child/model.safetensors", other, ""), 1);
    SAYS(err_text, "was trained on 120 of the 120");
}

TEST(an_older_file_says_that_it_does_not_know) {
    T_CHECK(prepare());
    T_OK(rewrite(tiny_path(trained), tiny_path("old.safetensors"), &(rewriting){.drop = "train.samples"}, &err));
    T_EQ(eval("old.safetensors", tiny, "--json --methods pixels"), 0);
    SAYS(err_text, "note: old.safetensors does not say all that it was trained on");
    SAYS(out_text, "\"seen\": null, \"validated\": 84, \"methods\"");
    SAYS(out_text, "\"weights\": \"none\", \"seen\": 0, ");
    T_EQ(eval(trained, other, "--methods it=old.safetensors"), 0);
    SAYS(err_text, "note: old.safetensors");
}

/* No answer, no JSON that is none: a text and a status. */
TEST(numbers_that_are_none_end_with_a_status) {
    T_CHECK(prepare());
    T_OK(rewrite(tiny_path(trained), tiny_path("nan.safetensors"),
                 &(rewriting){.spoil = "target.dense1.b", .at = 1, .number = NAN}, &err));
    T_EQ(eval("nan.safetensors", other, "--json"), 1);
    SAYS(err_text, "nan.safetensors: tensor \"target.dense1.b\": number 1");
    T_EQ(strlen(out_text), 0);
    RUN(1, "adapt nan.safetensors --support other-images-idx3-ubyte -o net.safetensors");
    RUN(1, "convert nan.safetensors -o none.safetensors --weights bf16");
    RUN(0, "adapt seen/model.safetensors --support other-images-idx3-ubyte -o net.safetensors");
    T_OK(rewrite(tiny_path("net.safetensors"), tiny_path("nets.safetensors"),
                 &(rewriting){.spoil = "head.w", .number = NAN}, &err));
    uint8_t pixels[64] = {255, 3, 99};
    if (goss__png_write_grey(tiny_path("query.png"), pixels, 8, 8, &err) == GOSS_E_UNSUPPORTED) T_SKIP("%s", err.text);
    RUN(0, "predict net.safetensors query.png --json");
    RUN(1, "predict nets.safetensors query.png --json");
    SAYS(err_text, "\"head.w\": number 0");
    T_EQ(strlen(out_text), 0);
}

TEST(contenders_of_another_image_format_see_their_own) {
    T_CHECK(prepare());
    T_EQ(train("inverted", "data.invert=yes train.steps=60"), 0);
    T_EQ(train("larger", "data.height=12 data.width=12 train.steps=60"), 0);
    char mine[200], what[100];
    static const char *const runs[] = {"inverted", "larger"};
    for (int i = 0; i < 2; i++) {
        snprintf(what, sizeof what, "%s/model.safetensors", runs[i]);
        T_EQ(eval(what, other, "--json"), 0);
        double alone = accuracy_of("hypernet");
        snprintf(mine, sizeof mine, "--json --methods it=%s", what);
        T_EQ(eval(trained, other, mine), 0);
        T_CHECK(alone > 0.3);
        T_NEAR(accuracy_of("it"), alone, 1e-6);
        snprintf(mine, sizeof mine, "--methods it=%s", what); /* seen is asked of its own pixels */
        T_EQ(eval("blind/model.safetensors", tiny, mine), 1);
        SAYS(err_text, "was trained on 204");
    }
}

TEST(derived_methods_are_judged_by_their_own_settings) {
    T_CHECK(prepare());
    T_EQ(train("odd", "train.method=maml method.inner_rate=5 method.test_steps=1 train.steps=5 validate.every=0"), 0);
    T_EQ(eval(trained, other, "--json --methods scratch"), 0);
    double own = accuracy_of("scratch");
    T_EQ(eval("odd/model.safetensors", other, "--json --methods scratch"), 0);
    T_CHECK(own > 0.3);
    T_NEAR(accuracy_of("scratch"), own, 1e-6);
    T_EQ(train("bare", "train.method=pixels"), 0);
    T_EQ(eval("bare/model.safetensors", other, "--fine-tune 3"), 1);
    SAYS(err_text, "pixels");
}

/* A report tells its rows apart by name, and nothing of the list is passed over. */
TEST(the_list_of_methods_is_taken_at_its_word) {
    static const struct {
        const char *methods, *says;
    } rows[] = {{"protonet,protonet", "two are called protonet"},
                {"hypernet=seen/model.safetensors", "two are called hypernet"},
                {"a=seen/model.safetensors,a=seen/model.safetensors", "two are called a"},
                {"", "an empty name"},
                {",", "an empty name"},
                {"pixels,", "an empty name"},
                {"=seen/model.safetensors", "an empty name"},
                {"pixels=", "an empty file name"},
                {"mine=nofile", "--methods mine: nofile"},
                {"seen/model.safetensors", "NAME=seen/model.safetensors"}};
    T_CHECK(prepare());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char more[200];
        snprintf(more, sizeof more, "--methods '%s'", rows[i].methods);
        T_EQ(eval(trained, other, more), 1);
        SAYS(err_text, rows[i].says);
        T_EQ(strlen(out_text), 0);
    }
    T_EQ(eval(trained, other, "--json --methods ' protonet, mine = seen/model.safetensors ,hypernet'"), 0);
    T_CHECK(accuracy_of("protonet") > 0 && accuracy_of("mine") == accuracy_of("hypernet"));
    T_EQ(train("raw", "train.method=scratch"), 0);
    T_EQ(eval("raw/model.safetensors", other, "--methods protonet"), 1);
    SAYS(err_text, "scratch has no trained network");
}

TEST(a_wrong_class_file_is_told_before_images_are_decoded) {
    T_CHECK(prepare());
    T_EQ(eval(trained, other, "--classes nofile"), 1);
    SAYS(err_text, "--classes: nofile: No such file");
    T_CHECK(!strstr(err_text, "decoded"));
}

TEST(one_episode_has_no_interval) {
    T_CHECK(prepare());
    T_EQ(eval(trained, other, "--episodes 1 --methods pixels"), 0);
    SAYS(out_text, " +- n/a ");
    T_CHECK(!strstr(out_text, "+- 0.00") && !strstr(out_text, "nan"));
    T_EQ(eval(trained, other, "--episodes 1 --json --methods pixels"), 0);
    SAYS(out_text, "\"ci95\": null");
    SAYS(out_text, "\"difference_ci95\": null");
    T_CHECK(!strstr(out_text, "nan"));
    T_EQ(train("once", "train.steps=20 validate.episodes=1"), 0);
    const char *best = strstr(err_text, "; best validation ");
    T_CHECK(best && strstr(best, " % at step "));
    T_CHECK(!strstr(best, "+-") && !strstr(best, "nan")); /* without an interval none is named */
    RUN(0, "inspect once/model.safetensors");
    T_CHECK(!strstr(out_text, "metrics.validation_ci95"));
    T_EQ(train("once", "train.steps=20 validate.episodes=1"), 0); /* its checkpoint reads back */
}

/* Alphabets of 2, 3 and 1 classes; those of the second show two faces. */
static bool alphabets(void) {
    static const int classes[] = {2, 3, 1};
    uint32_t random = 3;
    for (int a = 0; a < 3; a++)
        for (int c = 0; c < classes[a]; c++) {
            char path[400], folder[100];
            snprintf(folder, sizeof folder, "folders/a%d/c%d", a, c);
            snprintf(path, sizeof path, "%s", tiny_path(folder));
            if (goss__mkdirs(path, &err) != GOSS_OK) return false;
            for (int d = 0; d < 8; d++) {
                uint8_t pixels[64];
                snprintf(folder, sizeof folder, "folders/a%d/c%d/%d%s.png", a, c, d, a != 1 ? "" : d % 2 ? "_x" : "_y");
                for (int i = 0; i < 64; i++) pixels[i] = (uint8_t)tiny_random(&random);
                if (goss__png_write_grey(tiny_path(folder), pixels, 8, 8, &err) != GOSS_OK) return false;
            }
        }
    return true;
}

TEST(a_protocol_that_can_not_be_run_is_not_reported) {
    T_CHECK(prepare());
    if (!alphabets()) T_SKIP("%s", err.text);
    T_EQ(eval(trained, "folders", "--one-alphabet --ways 8"), 1);
    SAYS(err_text, "--ways 8: the largest alphabet has 3 classes");
    T_EQ(eval(trained, "folders", "--one-alphabet --ways 3"), 0);
    SAYS(out_text, "2 to 3 ways, 1 shot, 4 queries a class, 20 episodes of one alphabet each");
    T_EQ(eval(trained, "folders", "--one-alphabet --ways 3 --json"), 0);
    SAYS(out_text, "\"ways\": 3, ");
    SAYS(out_text, "\"classes\": 5, \"least_ways\": 2, \"most_ways\": 3, \"one_alphabet\": true");
    T_EQ(eval(trained, "folders", "--one-alphabet --ways 2"), 0);
    SAYS(out_text, "2 ways, ");
    T_EQ(eval(trained, "folders", "--distinct-faces --ways 3"), 0);
    SAYS(out_text, "distinct faces in 3 of 6 classes");
    T_EQ(eval(trained, "folders", "--distinct-faces --ways 3 --json"), 0);
    SAYS(out_text, "\"distinct_faces\": true, \"classes_of_several_faces\": 3");
    T_EQ(eval(trained, other, "--distinct-faces"), 1);
    SAYS(err_text, "distinct faces");
    T_EQ(train("narrow", "data.path=folders train.one_alphabet=true train.ways=3 train.steps=1 validate.every=0"), 0);
    SAYS(err_text, "[train] one alphabet an episode: 2 to 3 ways (3 asked for), of 5 classes");
    T_EQ(train("half", "data.path=folders train.distinct_faces=true train.ways=3 train.steps=1 validate.every=0"), 0);
    SAYS(err_text, "[train] distinct faces in 3 of 6 classes");
    T_EQ(train("faces", "train.distinct_faces=true"), 1);
    SAYS(err_text, ": distinct faces");
}

TEST_MAIN()
