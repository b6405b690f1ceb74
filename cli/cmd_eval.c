/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eval.c: gossamer eval: a model and other methods on the same unseen tasks. The verb: its options, which of them
 * go together, and who judges what. */
#include <stdio.h>
#include <string.h>

#include "eval.h"
#include "eval_table.h"
#include "eval_test.h"

/* ---- options ---- */

/* Options that only one kind of data has, and what --split test leaves no choice of. */
enum { IMAGES = 1, TABLES = 2, DRAWN = 4 };

static eval images;
static eval_table tables;
static eval_test test;
static struct {
    const char *data, *methods, *split, *strengths;
    int folds, fine_tune, threads;
    uint64_t seed;
    bool json, allow_seen;
} all;

static const cli_option options[] = {
    CLI_TEXT("data", "DATA", &all.data,
             "evaluation data: images in classes (folder, .zip, idx), or a table (csv, ...; folder, .zip)"),
    CLI_TEXT("split", "test", &all.split, "the test samples that MODEL's run held out within its tasks (data.split)"),
    CLI_FLAG("allow-seen", &all.allow_seen, "include training data, with a note in the report"),
    CLI_TEXT("methods", "A,B=FILE,...", &all.methods,
             "compare with these. Tables: ridge, mean-ridge, nearest, line, mean, joint, finetune, scratch; any other\n"
             "                           with its file (NAME=FILE; repeated for further folds). Images: pixels, "
             "scratch;\n"
             "                           protonet, ridge, finetune on the model's embedding; any other with a file"),
    CLI_INT_OF(DRAWN, "fine-tune", "STEPS", &all.fine_tune, "", 0, 100000,
               "also evaluate the model with gradient steps on each support set"),
    CLI_TEXT("strength", "NAME=VALUE,...", &all.strengths,
             "strengths for a MODEL conditioned on those of [regularizer.NAME] (weight = conditioned)"),
    CLI_INT_OF(DRAWN, "seed", "S", &all.seed, "1", 0, 9007199254740991, "random draws depend on S alone"),
    CLI_INT("threads", "N", &all.threads, "", 0, 1024, "(all)"),
    CLI_FLAG("json", &all.json, "one JSON object instead of a table"),
    CLI_INT_OF(TABLES | DRAWN, "support", "N", &tables.support, "", 1, 1 << 30,
               "tables: labelled rows of each task; all its other rows are predicted"),
    CLI_TEXT_OF(TABLES | DRAWN, "order", "ORDER", &tables.order,
                "tables: random; first: in the file's order; COLUMN: ascending (the model's task.order)"),
    CLI_INT_OF(TABLES | DRAWN, "repeats", "R", &tables.repeats, "", 1, 1000000,
               "tables: support sets of each task (5; 1 if rows are ordered)"),
    CLI_TEXT_OF(TABLES | DRAWN, "tasks", "FILE", &tables.tasks_file,
                "tables: only the tasks listed in FILE, one per line"),
    CLI_TEXT_OF(TABLES, "metric", "NAME", &tables.metric_name, "tables: a metric instead of the model's task.metric"),
    CLI_TEXT_OF(TABLES | DRAWN, "descriptor", "FILE", &tables.descriptors,
                "tables: a row per task, for models conditioned on descriptors"),
    CLI_INT("folds", "N", &all.folds, "", 2, 1000, "tables: only prints the commands that train and evaluate N folds"),
    CLI_TEXT_OF(IMAGES | DRAWN, "labels", "FILE", &images.labels, "idx: the file of labels, if it is not beside DATA"),
    CLI_TEXT_OF(IMAGES | DRAWN, "classes", "FILE", &images.classes,
                "images: only the classes listed in FILE, one per line"),
    CLI_FLAG_OF(IMAGES | DRAWN, "unseen", &images.unseen, "images: exclude classes with training images of a model"),
    CLI_INT_OF(IMAGES | DRAWN, "ways", "N", &images.spec.ways, "5", 2, 1 << 20, "images: classes per episode"),
    CLI_INT_OF(IMAGES | DRAWN, "shots", "K", &images.spec.shots, "1", 1, 1 << 20, "images: labelled ones per class"),
    CLI_INT_OF(IMAGES | DRAWN, "queries", "Q", &images.spec.queries, "15", 1, 1 << 20, "images: queries per class"),
    CLI_INT_OF(IMAGES | DRAWN, "episodes", "E", &images.episodes, "1000", 1, 100000000, "images: number of episodes"),
    CLI_FLAG_OF(IMAGES | DRAWN, "rotations", &images.spec.rotations,
                "images: copies rotated by 90, 180, 270 degrees are classes of their own"),
    CLI_FLAG_OF(IMAGES | DRAWN, "distinct-faces", &images.spec.distinct_faces,
                "images: support and query show different faces of a class"),
    CLI_FLAG_OF(IMAGES | DRAWN, "one-alphabet", &images.spec.one_alphabet,
                "images: all classes of an episode are of one alphabet, at most --ways"),
    CLI_TEXT_OF(IMAGES | DRAWN, "cache", "DIR", &images.cache,
                "images: cache of decoded images; a run's folder has one"),
    CLI_FLAG_OF(IMAGES | DRAWN, "skip-bad", &images.skip_bad, "images: skip those that cannot be read, with a warning"),
};

static const cli_verb verb = {
    .name = "eval",
    .usage = "MODEL [MODEL2 ...] --data DATA [options], or MODEL --split test [--data DATA]",
    .doc =
        "Evaluates MODEL on unseen tasks, with 95 % intervals: on random tasks of unseen classes of images, or on "
        "every\n"
        "unseen task of a table. Several models of tables are folds: each task is evaluated by those that have not\n"
        "seen it. All methods get the same tasks; differences from the first one are paired. No method is\n"
        "transductive. --split test evaluates on the tasks that MODEL was trained on, with the samples that its run\n"
        "held out, beside other models given as --methods NAME=FILE.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .min_words = 0,
    .max_words = -1};

/* ---- folds ---- */

/* Prints the commands; trains nothing. */
static int print_folds(const char *run) {
    const char *ending = strrchr(run, '.');
    if (ending && strcmp(ending, ".safetensors") == 0)
        cli_usage(&verb, "--folds %d prints how to train folds: name the configuration, as RUN.ini, not a model",
                  all.folds);
    printf("# Each fold is trained on the tasks of the others:\n");
    for (int i = 1; i <= all.folds; i++)
        printf("gossamer train %s --fold %d/%d run.dir=runs/fold%d\n", run, i, all.folds, i);
    printf("# Evaluated together, each task by the model that has not seen it:\ngossamer eval");
    for (int i = 1; i <= all.folds; i++) printf(" runs/fold%d/model.safetensors", i);
    printf(" --data %s --support ", all.data ? all.data : "DATA");
    if (tables.support)
        printf("%d\n", tables.support);
    else
        printf("N\n");
    return cli_close_stdout();
}

/* ---- which options go together ---- */

static void refuse_other_kind(unsigned kind, const char *of, const char *model) {
    const char *name = cli_first_of(&verb, kind);
    if (name) cli_usage(&verb, "--%s is for models of %s, and %s is none", name, of, model);
}

/* What is kept apart is as the model's run has divided it: nothing is left to choose. */
static void check_split(int words) {
    const char *drawn = cli_first_of(&verb, DRAWN);
    if (strcmp(all.split, "test") != 0) cli_usage(&verb, "--split %s: only test is kept apart for judging", all.split);
    if (words > 1) cli_usage(&verb, "--split test judges one MODEL; --methods NAME=FILE races others");
    if (all.allow_seen) cli_usage(&verb, "--split test and --allow-seen: one of them");
    if (drawn)
        cli_usage(&verb, "--%s has no meaning with --split test: the run of the model says what is judged", drawn);
}

static void check(int words, char **word) {
    if (words == 0) cli_usage(&verb, "MODEL is missing");
    if (all.split)
        check_split(words);
    else if (!all.data && words > 1)
        cli_usage(&verb, "\"%s\" is an extra argument, and --data DATA is missing", word[1]);
    else if (!all.data)
        cli_usage(&verb, "--data is missing");
    if (images.unseen && all.allow_seen) cli_usage(&verb, "--unseen and --allow-seen: one of them");
}

/* ---- who judges ---- */

static int judge_split(goss_model *m) {
    test.data = all.data, test.methods = all.methods, test.metric_name = tables.metric_name;
    test.threads = all.threads, test.json = all.json;
    return eval_test_run(&test, m);
}

static int judge_table(goss_model *first, char **words, int n) {
    refuse_other_kind(IMAGES, "images", words[0]);
    if (!tables.support) cli_usage(&verb, "--support is missing: how many labelled rows of each task a method sees");
    tables.data = all.data, tables.methods = all.methods, tables.allow_seen = all.allow_seen, tables.json = all.json;
    tables.seed = all.seed, tables.threads = all.threads, tables.fine_tune = all.fine_tune;
    return eval_table_run(&tables, first, words, n);
}

static int judge_images(goss_model *m, char **words, int n) {
    refuse_other_kind(TABLES, "tables", words[0]);
    if (n > 1) cli_usage(&verb, "several models: only those of tables are folds; --methods NAME=FILE races others");
    images.data = all.data, images.methods = all.methods, images.allow_seen = all.allow_seen, images.json = all.json;
    images.spec.seed = all.seed, images.threads = all.threads, images.fine_tune = all.fine_tune;
    return eval_images_run(&images, m, words[0]);
}

int cmd_eval(int argc, char **argv) {
    goss_error err;
    goss_model *first;
    images.spec = goss_episode_spec_defaults();
    const int words = cli_parse(&verb, argc, argv);
    if (words < 0) return cli_close_stdout();
    if (all.folds) return print_folds(words ? argv[1] : "RUN.ini");
    check(words, argv + 1);
    cli_log_to_stderr();
    if (goss_model_load(argv[1], &first, &err) != GOSS_OK) return cli_fail(&err);
    if (cli_set_strengths(first, all.strengths, &err) != GOSS_OK) {
        goss_model_free(first);
        return cli_fail(&err);
    }
    if (all.split) return judge_split(first);
    const bool table = strcmp(goss_model_data(first)->kind, "table") == 0;
    return table ? judge_table(first, argv + 1, words) : judge_images(first, argv + 1, words);
}
