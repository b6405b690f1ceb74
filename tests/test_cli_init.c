/* SPDX-License-Identifier: Apache-2.0 */
/* gossamer init and gossamer check on images: what init writes trains as it is, and check tells what is wrong with data
 * before a training does. */
#include "cli_run.h"
#include "image_folders.h"

#define QUICK " train.steps=3 'model.backbone=mlp 8' validate.every=3 validate.episodes=3"

static char *config_of(const char *name) {
    size_t n;
    static char *text;
    free(text);
    return text = tiny_read(tiny_path(name), &n);
}

TEST(what_init_writes_is_checked_and_trained_as_it_is) {
    image_folders("drawings", 30, 8);
    RUN(0, "init drawings -o first.ini");
    SAYS(out_text, "first.ini\n");
    SAYS(err_text, "drawings: 240 images of 30 classes");
    SAYS(err_text, "data.channels = 1: look at this: the images seem to be grey");
    const char *text = config_of("first.ini");
    SAYS(text, "# Written by gossamer init for drawings: 240 images of 30 classes.");
    SAYS(text, "#   gossamer train first.ini");
    SAYS(text, "\npath = drawings\n");
    SAYS(text, "\n# look at this: the images seem to be grey; 3 if colour matters\n# 1 grey, 3 colour (from 1 to "
               "3)\nchannels = 1\n");
    SAYS(text, "\nheight = 8\n");
    SAYS(text, "\ndir = runs/drawings\n");
    RUN(0, "check first.ini");
    SAYS(out_text, "data               240 images, 30 classes");
    SAYS(out_text, "verdict: ready to train");
    SAYS(out_text, "\n0 errors, 0 warnings: it can be trained\n");
    T_CHECK(access(tiny_path("runs"), F_OK) != 0); /* it writes nothing */
    RUN(0, "train first.ini" QUICK);
    T_CHECK(!strstr(err_text, "warning"));
    RUN(0, "init drawings");
    SAYS(out_text, "\ndir = runs/drawings-2\n");
}

TEST(init_writes_over_nothing_and_keeps_what_is_declared) {
    image_folders("drawings", 30, 8);
    write_file("mine.ini", "x\n", 2);
    RUN(1, "init drawings -o mine.ini");
    SAYS(err_text, "mine.ini exists and may have been edited");
    SAYS(err_text, "--force");
    SAYS(config_of("mine.ini"), "x\n");
    RUN(0, "init drawings -o mine.ini --force train.method=protonet data.channels=3 run.dir=here");
    const char *text = config_of("mine.ini");
    SAYS(text, "\nmethod = protonet\n");
    SAYS(text, "\nchannels = 3\n");
    SAYS(text, "\ndir = here\n");
    T_CHECK(!strstr(text, "the images seem to be")); /* what the user says is no guess */
    RUN(1, "init drawings train.step=5");
    SAYS(err_text, "did you mean train.steps?");
    RUN(2, "init");
    SAYS(err_text, "DATA is missing");
    RUN(1, "init nowhere");
    SAYS(err_text, "nowhere");
    RUN(1, "init drawings -o nodir/x.ini");
    SAYS(err_text, "nodir/x.ini");
}

/* Every number of classes and images that can be trained on at all. */
TEST(init_fits_small_sets) {
    static const int shapes[][2] = {{2, 2}, {3, 3}, {4, 2}, {5, 4}, {7, 9}, {12, 2}};
    char name[40], line[400];
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        snprintf(name, sizeof name, "small%dx%d", shapes[i][0], shapes[i][1]);
        image_folders(name, shapes[i][0], shapes[i][1]);
        snprintf(line, sizeof line, "init %s -o %s.ini", name, name);
        RUN(0, line);
        snprintf(line, sizeof line, "check %s.ini", name);
        RUN(0, line);
        snprintf(line, sizeof line, "train %s.ini train.steps=2 'model.backbone=mlp 8'", name);
        RUN(0, line);
    }
    image_folders("alone", 1, 4);
    RUN(1, "init alone");
    SAYS(err_text, "one folder");
}

TEST(init_uses_the_folders_of_a_split_and_leaves_out_what_is_damaged) {
    image_folders("parted/train", 12, 4);
    image_folders("parted/val", 4, 4);
    image_folders("parted/test", 3, 4);
    write_file("parted/train/c03/0.png", "\x89PNG\r\n\x1a\nnothing", 15);
    RUN(0, "init parted -o parted.ini");
    SAYS(err_text, "data.skip_bad = true: look at this: 1 images cannot be read");
    SAYS(config_of("parted.ini"), "\nskip_bad = true\n");
    RUN(0, "check parted.ini");
    SAYS(out_text, "train              11 classes, 44 images");
    SAYS(out_text,
         "unused             1 classes, 3 images"); /* too few for the shots and queries that fit the others */
    SAYS(out_text, "validate           4 classes, 16 images");
    SAYS(out_text, "test               3 classes, 12 images");
    RUN(0, "train parted.ini" QUICK);
}

TEST(init_reads_idx) {
    RUN(0, "init tiny-images-idx3-ubyte -o idx.ini");
    RUN(0, "train idx.ini" QUICK); /* first: its error tells of a library that is lacking, which skips the test */
    RUN(0, "check idx.ini run.dir=runs/another");
}

/* ---- check ---- */

TEST(check_names_every_file_that_cannot_be_read) {
    image_folders("broken", 10, 6);
    write_file("broken/c01/2.png", "\x89PNG\r\n\x1a\nnothing", 15);
    write_file("broken/c07/5.png", "", 0);
    RUN(1, "check data.path=broken run.dir=x train.ways=5 validate.ways=3 train.queries=2");
    SAYS(out_text, "Errors:\n");
    SAYS(out_text, "unreadable: broken/c01/2.png: ");
    SAYS(out_text, "unreadable: broken/c07/5.png: ");
    SAYS(out_text, "2 of 60 images cannot be read: repair or remove them, or set data.skip_bad=true");
    SAYS(out_text, "2 errors, ");
    RUN(0, "check data.path=broken run.dir=x train.ways=5 validate.ways=3 train.queries=2 validate.queries=2 "
           "data.skip_bad=true");
    SAYS(out_text, "training: broken: left out: 2 of 60 images");
}

static void copy(const char *from, const char *to) {
    char line[400];
    snprintf(line, sizeof line, "cp %s/%s %s/%s", tiny_dir, from, tiny_dir, to);
    if (system(line) != 0) exit(99);
}

TEST(check_finds_what_is_on_both_sides_of_a_split) {
    image_folders("leaky/train", 14, 5);
    image_folders("leaky/val", 5, 5);
    copy("leaky/train/c02/1.png", "leaky/val/c04/9.png");
    copy("leaky/train/c05/1.png", "leaky/train/c06/9.png");
    image_folders("leaky/train/single", 0, 0);
    copy("leaky/train/c05/2.png", "leaky/train/single/9.png");
    RUN(0, "check data.path=leaky run.dir=x train.ways=5 validate.ways=3 train.queries=2 validate.queries=2 "
           "data.height=8 data.width=8 'model.backbone=mlp 8'");
    SAYS(out_text, "leak: 1 image to validate or test on is trained on, too (the first: val/c04/9.png is "
                   "train/c02/1.png)");
    SAYS(out_text, "duplicate: 2 images are the same as one of another class (the first: train/");
    SAYS(out_text, "rare-class: 1 class has one image (train/single)");
    RUN(0, "check data.path=leaky run.dir=x train.ways=5 validate.ways=3 train.queries=2 validate.queries=2 --json "
           "data.height=8 data.width=8 'model.backbone=mlp 8'");
    SAYS(out_text, "{\"errors\": 0, \"warnings\": ");
    SAYS(out_text, "\"train.classes\": 14");
    SAYS(out_text, "{\"level\": \"warning\", \"kind\": \"leak\", \"text\": \"1 image to validate");
}

TEST(check_tells_what_training_would_refuse) {
    image_folders("drawings", 30, 8);
    RUN(1, "check data.path=drawings run.dir=x train.ways=50 validate.every=0");
    SAYS(out_text, "Errors:\n  run: [train] ways = 50");
    SAYS(out_text, "1 error, ");
    SAYS(out_text, "training cannot start");
    RUN(1, "check data.path=drawings run.dir=x --json optimizer.schedule=plateau validate.every=0");
    SAYS(out_text, "\"errors\": 1");
    RUN(1, "check data.path=drawings run.dir=drawings");
    SAYS(out_text, "run.dir = drawings is the folder of the ");
    RUN(1, "check nofile.ini");
    SAYS(err_text, "nofile.ini");
    RUN(2, "check");
    SAYS(err_text, "no configuration");
}

TEST(check_looks_at_the_data_of_a_run_without_a_folder) {
    image_folders("mine/train", 14, 5);
    image_folders("mine/val", 5, 5);
    copy("mine/train/c02/1.png", "mine/val/c04/9.png");
    RUN(1, "check data.path=mine train.ways=5 validate.ways=3 train.queries=2 validate.queries=2 data.height=8 "
           "data.width=8 'model.backbone=mlp 8'");
    SAYS(out_text, "14 classes");
    SAYS(out_text, "leak: 1 image to validate or test on is trained on, too");
    SAYS(out_text, "Errors:\n  run: run.dir is not set: the folder to write to, as run.dir=runs/first\n\n");
    SAYS(out_text, "1 error, ");
    SAYS(out_text, "training cannot start");
    RUN(1, "check data.path=nowhere");
    SAYS(out_text, "data.path: nowhere: there is no such file");
    SAYS(out_text, "run.dir is not set");
    SAYS(out_text, "2 errors, ");
    RUN(1, "train data.path=mine");
    SAYS(err_text, "run.dir is not set");
}

TEST(check_of_few_classes_and_of_settings_without_effect) {
    image_folders("few", 6, 8);
    RUN(0, "check data.path=few run.dir=x train.ways=3 validate.ways=2 train.queries=2 data.height=8 data.width=8 "
           "'model.backbone=mlp 8' optimizer.momentum=0.5");
    SAYS(out_text, "few-classes: 4 classes to train on are few");
    SAYS(out_text, "training: optimizer.momentum = 0.5 has no effect");
    RUN(0, "check data.path=few run.dir=x train.method=pixels data.height=8 data.width=8 train.ways=3 "
           "validate.ways=2 'model.backbone=mlp 8'");
    SAYS(out_text, "method: train.method = pixels has nothing to train");
}

TEST(check_knows_a_run_that_has_begun) {
    image_folders("drawings", 30, 8);
    RUN(0, "init drawings -o begun.ini run.dir=begun");
    RUN(0, "train begun.ini" QUICK);
    RUN(0, "check begun.ini" QUICK);
    SAYS(out_text, "run: run.dir = begun holds this run, 3 steps of it: training goes on");
    RUN(1, "check begun.ini run.seed=7" QUICK);
    SAYS(out_text, "other settings");
}

TEST_MAIN()
