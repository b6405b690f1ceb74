/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs do with users' image folders: predict takes folders, archives and standard input and goes on after bad
 * images; adapt, train and eval tell what they leave out; a tree with train/, val/ and test/ is the split. */
#include <sys/stat.h>

#include "base/os.h"
#include "cli_run.h"
#include "data/picture.h"

static goss_error err;

/* A drawing of a class: its pattern with some noise, or one colour where that is not negative. */
static void draw(const char *name, uint32_t class, uint32_t noise, int flat) {
    char folder[300];
    uint8_t pixels[TINY_SIDE * TINY_SIDE];
    uint32_t seed = 1000 + class;
    noise = noise * 7919 + class;
    for (int i = 0; i < TINY_SIDE * TINY_SIDE; i++) {
        int pattern = tiny_random(&seed) % 2 ? 200 : 20;
        pixels[i] = (uint8_t)(flat >= 0                      ? flat
                              : tiny_random(&noise) % 10 < 2 ? (int)(tiny_random(&noise) % 256)
                                                             : pattern);
    }
    snprintf(folder, sizeof folder, "%s", tiny_path(name));
    *strrchr(folder, '/') = 0;
    T_OK(goss__mkdirs(folder, &err));
    T_OK(goss__png_write_grey(tiny_path(name), pixels, TINY_SIDE, TINY_SIDE, &err));
}

/* classes a, b, ... below `top` with so many drawings each. */
static void draw_tree(const char *top, uint32_t classes, uint32_t drawings, uint32_t noise) {
    for (uint32_t c = 0; c < classes; c++)
        for (uint32_t d = 0; d < drawings; d++) {
            char name[200];
            snprintf(name, sizeof name, "%s/%c/%u.png", top, 'a' + (char)c, d);
            draw(name, c, noise + d, -1);
        }
}

static int lines(const char *text) {
    int n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

static const char how[] = "data.height=8 data.width=8 data.invert=no 'model.backbone=mlp 32 16' train.ways=3 "
                          "train.queries=2 validate.every=10 validate.episodes=10 validate.ways=3 validate.queries=2 "
                          "optimizer.rate=0.01 train.steps=20 data.cache=none ";

static int train_on(const char *data, const char *dir, const char *more) {
    char line[1500];
    snprintf(line, sizeof line, "train %s data.path=%s run.dir=%s %s", how, data, dir, more);
    return run(line);
}

static void make_network(void) {
    if (access(tiny_path("net"), F_OK) == 0) return;
    draw_tree("drawn", 12, 6, 0);
    T_EQ(train_on("drawn", "run", "data.hold_out=0.3"), 0);
    RUN(0, "adapt run/model.safetensors --support drawn -o net");
}

TEST(predict_takes_folders_archives_and_standard_input) {
    make_network();
    draw_tree("ask", 2, 3, 50);
    RUN(0, "predict net ask");
    T_EQ(lines(out_text), 6);
    T_CHECK(strncmp(out_text, "ask/a/0.png\t", 12) == 0);
    RUN(0, "predict net ask/a/1.png ask/b/ - <ask/a/2.png");
    T_EQ(lines(out_text), 5);
    SAYS(out_text, "\nask/b/2.png\t");
    SAYS(out_text, "\n-\t");
    RUN(0, "predict --json net - <ask/a/2.png");
    SAYS(out_text, "{\"input\": \"-\", \"class\": \"");
    RUN(1, "predict net - </dev/null");
    SAYS(err_text, "standard input: the file is empty");
}

TEST(predict_needs_no_labels) {
    make_network();
    static const uint8_t idx[16 + 3 * 64] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 8, 0, 0, 0, 8, 1, 200, 9};
    write_file("alone", idx, sizeof idx);
    RUN(0, "predict net alone");
    T_EQ(lines(out_text), 3);
    SAYS(out_text, "alone/0000002\t");
}

TEST(predict_goes_on_after_bad_images) {
    make_network();
    draw_tree("mixed", 2, 2, 60);
    write_file("mixed/a/x.heic",
               "\0\0\0\x18"
               "ftypheic\0\0\0\0mif1heic",
               24);
    write_file("mixed/b/x.png", "none", 4);
    T_EQ(symlink("nowhere", tiny_path("mixed/b/y.jpg")), 0);
    RUN(1, "predict net nowhere.png mixed");
    T_EQ(lines(out_text), 4);
    T_EQ(lines(err_text), 4);
    SAYS(err_text, "gossamer: nowhere.png: ");
    SAYS(err_text, "gossamer: mixed/a/x.heic: HEIC, which is not read");
    SAYS(err_text, "mixed/b/x.png: a text, not an image");
    SAYS(err_text, "mixed/b/y.jpg: a link that leads nowhere");
    draw("blank.png/1.png", 0, 0, 255);
    RUN(0, "predict net blank.png");
    SAYS(err_text, "warning: blank.png/1.png: one flat colour");
}

TEST(more_images_than_a_batch_keep_their_order) {
    make_network();
    draw_tree("lots", 3, 200, 70);
    RUN(0, "predict net lots");
    T_EQ(lines(out_text), 600);
    int right = 0;
    for (const char *line = out_text; *line; line = strchr(line, '\n') + 1) {
        const char *class = strchr(line, '\t') + 1;
        right += line[5] == *class;
    }
    T_CHECK(right > 400);
}

TEST(adapt_tells_what_it_leaves_out) {
    make_network();
    draw_tree("support", 3, 2, 80);
    draw("support/stray.png", 3, 0, -1);
    write_file("support/b/bad.png", "\x89PNG\r\n\x1a\n", 8);
    RUN(1, "adapt run/model.safetensors --support support -o net2");
    SAYS(err_text, "support/b/bad.png");
    T_CHECK(access(tiny_path("net2"), F_OK) != 0);
    RUN(0, "adapt run/model.safetensors --support support -o net2 --skip-bad");
    SAYS(err_text, "warning: support: left out: 1 of 7 images that cannot be read");
    SAYS(err_text, "warning: support: left out: 1 image beside the class folders (stray.png)");
    SAYS(err_text, "6 images of 3 classes became");
    RUN(1, "adapt run/model.safetensors --support support/a -o net3");
    SAYS(err_text, "support/a: all 2 images lie in one folder");
    RUN(1, "train data.path=support/a run.dir=flat");
    SAYS(err_text, "all 2 images lie in one folder");
    RUN(1, "eval run/model.safetensors --data support/a");
    SAYS(err_text, "all 2 images lie in one folder");
    RUN(1, "eval run/model.safetensors --data support");
    SAYS(err_text, "bad.png");
    RUN(0, "eval run/model.safetensors --data support --skip-bad --ways 2 --queries 1 --episodes 5");
}

TEST(train_skips_bad_images_when_told) {
    draw_tree("some", 12, 6, 100);
    write_file("some/c/bad.png", "\x89PNG\r\n\x1a\n", 8);
    T_EQ(train_on("some", "run-some", ""), 1);
    SAYS(err_text, "some/c/bad.png");
    SAYS(err_text, "PNG");
    T_EQ(train_on("some", "run-some", "data.skip_bad=yes data.hold_out=0.3"), 0);
    SAYS(err_text, "1 of 73 images that cannot be read");
    SAYS(err_text, "72 images of 12 classes");
}

TEST(classes_that_are_too_small_are_left_out) {
    draw_tree("sizes", 12, 6, 200);
    draw("sizes/tiny1/1.png", 20, 1, -1), draw("sizes/tiny2/1.png", 21, 1, -1), draw("sizes/tiny2/2.png", 21, 2, -1);
    T_EQ(train_on("sizes", "run-sizes", "data.hold_out=0.3 validate.every=0"), 0);
    SAYS(err_text,
         "[train] 2 of 14 classes have fewer than the 3 images that 1 shots and 2 queries need and are left out "
         "(tiny1: 1, tiny2: 2)");
    SAYS(err_text, "12 classes to train on");
    T_EQ(train_on("sizes", "run-sizes2", "train.shots=10"), 1);
    SAYS(err_text, "[train] none of");
    /* Judging other classes than asked for would be another question: an error. */
    RUN(1, "eval run-sizes/model.safetensors --data sizes --allow-seen --queries 2 --ways 2 --episodes 5");
    SAYS(err_text, "tiny");
}

TEST(a_tree_of_train_val_and_test_is_the_split) {
    draw_tree("parts/train", 8, 6, 300);
    draw_tree("parts/val", 4, 6, 400);
    draw_tree("parts/test", 4, 6, 500);
    T_EQ(train_on("parts", "run-parts", ""), 0);
    SAYS(err_text, "train/, val/, test/ stand above its classes and are used as the split");
    SAYS(err_text, "8 classes to train on, 4 to validate on");
    SAYS(err_text, "4 of 4 classes of val/ are classes of train/");
    T_CHECK(!strstr(err_text, "data.hold_out"));
    T_EQ(train_on("parts", "run-parts-share", "data.hold_out=0.3"), 0);
    SAYS(err_text, "data.hold_out = 0.3 has no effect: val/ of data.path is what is validated on");
    RUN(0, "eval run-parts/model.safetensors --data parts --ways 3 --queries 2 --episodes 5 --json");
    SAYS(err_text, "test/ alone is used");
    SAYS(out_text, "\"classes\": 4");
    RUN(0, "adapt run-parts/model.safetensors --support parts -o net-parts");
    SAYS(err_text, "train/ alone is used");
    SAYS(err_text, "48 images of 8 classes");
    /* Other keys split: within train/, under the names of its classes. */
    write_file("val.txt", "g\nh\nf\n", 6);
    T_EQ(train_on("parts", "run-parts2", "data.val_classes=val.txt"), 0);
    SAYS(err_text, "train/ alone is used");
    SAYS(err_text, "5 classes to train on, 3 to validate on");
}

TEST_MAIN()
