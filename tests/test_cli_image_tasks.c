/* SPDX-License-Identifier: Apache-2.0 */
/* The command on images in tasks: from a folder to a configuration, a model, its figures on test images, and a network
 * for one of its tasks. */
#include "cli_run.h"
#include "image_folders.h"

#define QUICK " train.steps=4 'model.backbone=mlp 8' validate.every=2 run.threads=1"

static void write_tasks(void) {
    static bool written;
    if (written) return;
    image_folders("scripts/one", 3, 10);
    image_folders("scripts/two", 2, 10);
    image_folders("scripts/three", 4, 10);
    written = true;
}

static char *text_of(const char *name) {
    size_t n;
    static char *text;
    free(text);
    return text = tiny_read(tiny_path(name), &n);
}

TEST(folders_of_tasks_are_initialised_checked_trained_judged_and_used) {
    write_tasks();
    RUN(0, "init scripts data.task=folder -o tasks.ini");
    SAYS(err_text, "scripts: 90 images in 3 tasks with 9 classes");
    SAYS(err_text, "data.split = .5,.2,.3: look at this: shares of each class's images");
    const char *text = text_of("tasks.ini");
    SAYS(text, "\nsplit = .5,.2,.3\n");
    SAYS(text, "\nsupport = 0\n");
    SAYS(text, "\ntasks = 0\n");
    T_CHECK(!strstr(text, "\nways = "));
    T_CHECK(!strstr(text, "\nhold_out = "));
    RUN(0, "check tasks.ini");
    SAYS(out_text, "90 images, 9 classes, 3 alphabets");
    SAYS(out_text, "3 tasks");
    SAYS(out_text, "45 images");
    SAYS(out_text, "\n0 errors, 0 warnings: it can be trained\n");
    RUN(0, "train tasks.ini" QUICK " run.dir=scripts-run");
    SAYS(err_text, "; 45 images to train, 18 to validate, 27 to test on");
    RUN(0, "eval scripts-run/model.safetensors --split test");
    SAYS(out_text, "27 test samples of 3 training tasks");
    RUN(0, "eval scripts-run/model.safetensors --split test --json");
    SAYS(out_text, "\"split\": \"test\", \"tasks\": 3, \"samples\": 27, \"support\": 0, \"metric\": \"accuracy\"");
    SAYS(out_text, "\"per_task\": {\"one\": ");
    RUN(0, "adapt scripts-run/model.safetensors --task three -o three.net");
    SAYS(err_text, "task three became a network of ");
    RUN(0, "predict three.net scripts/three/c02/1.png");
    SAYS(out_text, "scripts/three/c02/1.png\tc0");
    RUN(1, "adapt scripts-run/model.safetensors --task four -o four.net");
    SAYS(err_text, "was not trained on a task of that name; gossamer inspect shows them (one, ...)");
}

TEST(a_table_of_tasks_is_initialised_and_what_it_gets_wrong_is_told) {
    write_tasks();
    static const char good[] = "task,class\np,one/c00\np,two/c01\nq,three/c00\nq,three/c01\n";
    write_file("tasks.csv", good, sizeof good - 1);
    RUN(0, "init scripts data.tasks=tasks.csv -o table.ini");
    SAYS(err_text, "90 images in 2 tasks with 4 classes");
    RUN(0, "train table.ini" QUICK " run.dir=table-run");
    static const char bad[] = "task,class\np,one/c00\np,two/c09\n";
    write_file("tasks.csv", bad, sizeof bad - 1);
    RUN(1, "init scripts data.tasks=tasks.csv");
    SAYS(err_text, "data.tasks: tasks.csv:3: the data has no class \"two/c09\"; did you mean two/c00 or two/c01?");
    RUN(1, "train table.ini" QUICK " run.dir=table-run");
    SAYS(err_text, "tasks.csv:3: the data has no class");
    RUN(1, "check table.ini run.dir=other");
    SAYS(out_text, "tasks.csv:3: the data has no class");
}

TEST(models_are_compared_on_the_same_images) {
    write_tasks();
    RUN(0, "init scripts data.task=folder -o both.ini");
    RUN(0, "compare both.ini" QUICK " 'compare.models=alone, hard' 'compare.regularizers=none, dropout' "
           "'compare.strengths=.1 .3' compare.seeds=1 compare.jobs=1 compare.dir=compared");
    SAYS(out_text, "3 tasks, 4 of 4 cells; accuracy, higher is better");
    SAYS(out_text, "hard/dropout");
    /* A folder of test images is what is judged on. */
    image_folders("sides/train/one", 2, 10);
    image_folders("sides/train/two", 2, 10);
    image_folders("sides/test/one", 2, 5);
    image_folders("sides/test/two", 2, 5);
    RUN(0, "init sides data.task=folder -o sides.ini");
    SAYS(err_text, "folders val and test of the data are taken as they are");
    RUN(0, "compare sides.ini" QUICK " compare.models=alone compare.regularizers=none compare.seeds=1 compare.jobs=1 "
           "compare.dir=compared-sides");
    SAYS(out_text, "2 tasks, 1 of 1 cells");
    RUN(0, "train sides.ini" QUICK " run.dir=sides-run");
    RUN(0, "eval sides-run/model.safetensors --split test");
    SAYS(out_text, "20 test samples of 2 training tasks");
}

TEST(check_tells_what_is_wrong_with_images_in_tasks) {
    image_folders("copies/one", 2, 9);
    image_folders("copies/two", 2, 9);
    RUN(0, "init copies data.task=folder -o copies.ini");
    /* The same pixels in a second class, and few images. */
    for (int i = 0; i < 9; i++) {
        char command[400];
        snprintf(command, sizeof command, "cp '%s/%d.png' '%s/x%d.png'", tiny_path("copies/one/c00"), i,
                 tiny_path("copies/two/c01"), i);
        T_EQ(system(command), 0);
    }
    RUN(0, "check copies.ini data.split=.3,.3,.4");
    SAYS(out_text, "leak: ");
    SAYS(out_text, "duplicate: ");
    SAYS(out_text, "few-images: ");
}

TEST_MAIN()
