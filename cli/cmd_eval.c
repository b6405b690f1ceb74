/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eval.c: gossamer eval: a model and other methods on the same unseen tasks. The verb: its options, which of them
 * go together, and who judges what. */
#include <stdio.h>
#include <string.h>

#include "agents.h"
#include "eval_test.h"
#include "data_kinds.h"
#include "structures.h"

/* ---- options ---- */

/* What --split test leaves no choice of. */
enum { DRAWN = KINDS_ALL + 1 };

static eval_request asked = {.support = -1, .candidates = -1};
static struct {
    const char *split, *strengths;
    int folds;
} all;

static const cli_option options[] = {
    CLI_TEXT("data", "DATA", &asked.data,
             "evaluation data: images in classes (folder, .zip, idx), sounds in classes (folder,\n"
             "                           csv), or a table (csv, ...; folder, .zip); any table: FILE[,FILE...]"),
    CLI_TEXT("split", "test|X", &all.split,
             "test: the test samples that MODEL's run held out within its tasks (data.split); X, any table: the share\n"
             "                           of the rows that are support (0.5)"),
    CLI_FLAG("allow-seen", &asked.allow_seen, "include training data, with a note in the report"),
    CLI_TEXT("methods", "A,B=FILE,...", &asked.methods,
             "compare with these. Tables: ridge, mean-ridge, nearest, line, last, mean, joint, finetune,\n"
             "                           scratch; any other with its file (NAME=FILE; repeated for further folds).\n"
             "                           Images, sounds:\n"
             "                           pixels, scratch; protonet, ridge, finetune on the model's embedding; any "
             "other with a file; "
             "and of\n"
             "                           generated structures: mean-structure, uniform-structure, random-structure,\n"
             "                           magnitude-structure. Any table: linear, knn. Ratings:\n"
             "                           item-mean, ridge, knn, mf, maml, joint"),
    CLI_FORM_OF(
        DRAWN, "fine-tune", "STEPS", cli_read_fine_tune, &asked.fine_tune,
        "also evaluate the model with gradient steps on each support set; auto, any table: by its held-out rows"),
    CLI_FORM_OF(DRAWN, "precision", "TYPE", cli_precision_form, &asked.precision,
                "int8: also evaluate the model's networks with weights in 8 bits, as adapt --precision int8 writes "
                "them"),
    CLI_TEXT("strength", "NAME=VALUE,...", &all.strengths,
             "strengths for a MODEL conditioned on those of [regularizer.NAME] (weight = conditioned)"),
    CLI_INT_OF(DRAWN, "seed", "S", &asked.seed, "1", 0, 9007199254740991, "random draws depend on S alone"),
    CLI_INT("threads", "N", &asked.threads, "", 0, 1024, "(all)"),
    CLI_FLAG("json", &asked.json, "one JSON object instead of a table"),
    CLI_INT_OF(KIND_TABLES | KIND_RATINGS | DRAWN, "support", "N", &asked.support, "", 0, 1 << 30,
               "tables, ratings: labelled rows of each task (user), of tables also none; its other rows are predicted"),
    CLI_TEXT_OF(KIND_TABLES | KIND_RATINGS | DRAWN, "order", "ORDER", &asked.order,
                "tables: random; first: in the file's order; COLUMN: ascending (the model's task.order)"),
    CLI_INT_OF(KIND_TABLES | KIND_RATINGS | KIND_ANY_TABLE | DRAWN, "repeats", "R", &asked.repeats, "", 1, 1000000,
               "tables: support sets of each task (5; 1 if rows are ordered)"),
    CLI_INT_OF(KIND_RATINGS | DRAWN, "max-queries", "N", &asked.most_queries, "", 1, 1 << 30,
               "ratings: at most N of a user's other ratings are predicted and ranked"),
    CLI_INT_OF(KIND_RATINGS, "candidates", "N", &asked.candidates, "", 0, 1 << 30,
               "clicks: clicks are ranked among N items that the user has not clicked on; 0: all (100)"),
    CLI_TEXT_OF(KIND_TABLES | KIND_RATINGS | DRAWN, "tasks", "FILE", &asked.tasks_file,
                "tables: only the tasks listed in FILE, one per line"),
    CLI_TEXT_OF(KIND_TABLES | KIND_RATINGS | KIND_ANY_TABLE, "metric", "NAME", &asked.metric,
                "tables, ratings: a metric instead of the model's task.metric (any table: auc, or rmse)"),
    CLI_TEXT_OF(KIND_ANY_TABLE | DRAWN, "target", "COLUMN", &asked.table.target,
                "any table: the column to predict (the last one)"),
    CLI_TEXT_OF(KIND_ANY_TABLE | DRAWN, "ignore", "A,B", &asked.table.ignore, ANY_TABLE_IGNORE),
    CLI_TEXT_OF(KIND_ANY_TABLE | DRAWN, "categorical", "A,B", &asked.table.categorical, ANY_TABLE_CATEGORICAL),
    CLI_TEXT_OF(KIND_ANY_TABLE | DRAWN, "missing", "A,B", &asked.table.missing, ANY_TABLE_MISSING),
    CLI_INT_OF(KIND_ANY_TABLE | DRAWN, "max-rows", "N", &asked.most_rows, "", 2, 1 << 30,
               "any table: at most N support rows; what is predicted stays the same"),
    CLI_FLAG_OF(KIND_ANY_TABLE | DRAWN, "distil", &asked.distil,
                "any table: also evaluate an ensemble (of 8, or N) that is distilled into one network"),
    CLI_INT_OF(KIND_ANY_TABLE | DRAWN, "networks", "N", &asked.networks, "", 1, GOSS_METHOD_MAX_NETWORKS,
               "any table: networks of MODEL's ensemble (1)"),
    CLI_TEXT_OF(KIND_ANY_TABLE | DRAWN, "splits", "FILE", &asked.splits,
                "any table: write the rows of each division (csv: data, repeat, row, part), for other programs"),
    CLI_TEXT_OF(KIND_TABLES | KIND_RATINGS | DRAWN, "descriptor", "FILE", &asked.descriptors,
                "tables, ratings: a row per task or user, for models conditioned on descriptors"),
    CLI_INT("folds", "N", &all.folds, "", 2, 1000, "tables: only prints the commands that train and evaluate N folds"),
    CLI_TEXT_OF(KIND_IMAGES | DRAWN, "labels", "FILE", &asked.labels,
                "idx: the file of labels, if it is not beside DATA"),
    CLI_TEXT_OF(KIND_CLASSES | DRAWN, "classes", "FILE", &asked.classes,
                "classes: only those listed in FILE, one per line"),
    CLI_FLAG_OF(KIND_CLASSES | DRAWN, "unseen", &asked.unseen,
                "images: exclude classes with training images of a model; others: exclude training samples"),
    CLI_INT_OF(KIND_CLASSES | DRAWN, "ways", "N", &asked.episode.ways, "5", 2, 1 << 20, "classes per episode"),
    CLI_INT_OF(KIND_CLASSES | DRAWN, "shots", "K", &asked.episode.shots, "1", 1, 1 << 20, "labelled samples per class"),
    CLI_INT_OF(KIND_CLASSES | DRAWN, "queries", "Q", &asked.episode.queries, "15", 1, 1 << 20, "queries per class"),
    CLI_INT_OF(KIND_CLASSES | DRAWN, "episodes", "E", &asked.episodes, "1000", 1, 100000000, "number of episodes"),
    CLI_FLAG_OF(KIND_IMAGES | DRAWN, "rotations", &asked.episode.rotations,
                "images: copies rotated by 90, 180, 270 degrees are classes of their own"),
    CLI_FLAG_OF(KIND_IMAGES | DRAWN, "distinct-faces", &asked.episode.distinct_faces,
                "images: support and query show different faces of a class"),
    CLI_FLAG_OF(KIND_IMAGES | DRAWN, "one-alphabet", &asked.episode.one_alphabet,
                "images: all classes of an episode are of one alphabet, at most --ways"),
    CLI_TEXT_OF(KIND_SOUNDS | KIND_TEXTS | DRAWN, "group", "FIELD", &asked.group,
                "sounds, texts: each episode is drawn within one value of it, as speaker"),
    CLI_INT_OF(KIND_SOUNDS | KIND_TEXTS | DRAWN, "open-set", "U", &asked.unknown, "0", 0, 1 << 20,
               "sounds, texts: queries of U unknown classes as well; accuracy at 5 % false accepts"),
    CLI_TEXT_OF(
        KIND_IMAGES | KIND_TABLES | KIND_ANY_TABLE | DRAWN, "budget", "BYTES,...", &asked.budgets,
        "of each network, as 8KB,16KB (KB = 1024): generated structures; scratch, finetune, ...: equal shares;\n"
        "                           any table: also the model's networks within each"),
    CLI_FLAG_OF(KIND_IMAGES | KIND_TABLES | DRAWN, "control", &asked.control,
                "also the method shuffled-structure: each network has the structure of another task"),
    CLI_FLAG_OF(KIND_IMAGES | KIND_TABLES | DRAWN, "mean-budget", &asked.mean_budget,
                "budgets hold for the mean over tasks; also the method equal-budget: for each task"),
    CLI_TEXT_OF(KIND_IMAGES | KIND_TABLES | DRAWN, "structures", "FILE.csv", &asked.structures,
                "which task got which structure, at which score and cost, as a table"),
    CLI_TEXT_OF(KIND_IMAGES | KIND_TABLES | DRAWN, "plot", "FILE.svg", &asked.plot,
                "the same as a drawing: gates by task, cost against score, and whether like tasks got like structures"),
    CLI_TEXT_OF(KIND_IMAGES | DRAWN, "cache", "DIR", &asked.cache,
                "images: cache of decoded images; a run's folder has one"),
    CLI_FLAG_OF(KIND_IMAGES | KIND_SOUNDS | DRAWN, "skip-bad", &asked.skip_bad,
                "skip images or sounds that cannot be read, with a warning"),
};

static const cli_verb verb = {
    .name = "eval",
    .usage = "MODEL [MODEL2 ...] --data DATA [options], or MODEL --split test [--data DATA], or tables --data "
             "FILE[,FILE...]",
    .doc =
        "Evaluates MODEL on unseen tasks, with 95 % intervals: on random tasks of unseen classes of images, sounds or\n"
        "texts, or on every unseen task of a table or user of ratings. Several models of tables are folds: each task "
        "is\n"
        "evaluated by those that have not seen it. All methods get the same tasks; differences from the first one are\n"
        "paired. No method is transductive. --split test evaluates on the tasks that MODEL was trained on, with the\n"
        "samples that its run held out, beside other models given as --methods NAME=FILE. eval tables evaluates "
        "methods\n"
        "that turn any table into a predictor, on random divisions of whole tables. An agent has options of its own:\n"
        "gossamer eval AGENT --help.",
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
    printf(" --data %s --support ", asked.data ? asked.data : "DATA");
    if (asked.support >= 0)
        printf("%d\n", asked.support);
    else
        printf("N\n");
    return cli_close_stdout();
}

/* ---- which options go together ---- */

/* What is kept apart is as the model's run has divided it: nothing is left to choose. */
static void check_split(int words) {
    const char *drawn = cli_first_of(&verb, DRAWN);
    if (words > 1) cli_usage(&verb, "--split test judges one MODEL; --methods NAME=FILE races others");
    if (asked.allow_seen) cli_usage(&verb, "--split test and --allow-seen: one of them");
    if (drawn)
        cli_usage(&verb, "--%s has no meaning with --split test: the run of the model says what is judged", drawn);
}

/* "test", or a share of rows, which then is no split. */
static void read_split(void) {
    static const goss_key share = {.name = "",
                                   .type = GOSS_KEY_REAL,
                                   .fallback = "0.5",
                                   .min = 0.01,
                                   .max = 0.99,
                                   .field = {GOSS_FIELD_DOUBLE, 0}};
    goss_error err;
    if (!all.split || strcmp(all.split, "test") == 0) return;
    if (goss_key_parse(&share, all.split, &asked.share, &err) != GOSS_OK)
        cli_usage(&verb, "--split %s: test, which is kept apart for judging, or a share of rows, 0.01 to 0.99",
                  all.split);
    all.split = NULL;
}

static void check(int words, char **word) {
    if (words == 0) cli_usage(&verb, "MODEL is missing");
    if (all.split)
        check_split(words);
    else if (!asked.data && words > 1)
        cli_usage(&verb, "\"%s\" is an extra argument, and --data DATA is missing", word[1]);
    else if (!asked.data)
        cli_usage(&verb, "--data is missing");
    if (asked.unseen && asked.allow_seen) cli_usage(&verb, "--unseen and --allow-seen: one of them");
}

/* ---- what is written ---- */

static goss_status check_outputs(char **word, int words, goss_error *err) {
    const char *const lists[] = {asked.data,   asked.methods,    asked.classes,
                                 asked.labels, asked.tasks_file, asked.descriptors};
    char path[CLI_MODEL_PATH], numbers[CLI_MODEL_PATH];
    cli_inputs in = {0};
    for (int i = 0; i < words; i++) {
        const char *model = cli_model_path(word[i], path);
        cli_inputs_add(&in, model);
        if (cli_model_beside(model, numbers)) cli_inputs_add(&in, numbers);
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) cli_inputs_add_list(&in, lists[i]);
    goss_status s = cli_check_output("--structures", asked.structures, ".csv", &in, err);
    if (s == GOSS_OK) s = cli_check_output("--plot", asked.plot, ".svg", &in, err);
    if (s == GOSS_OK) s = cli_check_output("--splits", cli_output(asked.splits), ".csv", &in, err);
    cli_inputs_free(&in);
    return s;
}

/* ---- who judges ---- */

static int judge_split(goss_model *m) {
    static eval_test test;
    test.data = asked.data, test.methods = asked.methods, test.metric_name = asked.metric;
    test.threads = asked.threads, test.json = asked.json;
    return eval_test_run(&test, m);
}

/* A model, or methods that need none. */
static goss_status load(const char *path, goss_model **first, const cli_kind **kind, goss_error *err) {
    char file[CLI_MODEL_PATH];
    const char *name = path;
    path = cli_model_path(name, file);
    *kind = all.split || path != name ? NULL : cli_kind_alone(path);
    if (*kind) return GOSS_OK;
    const goss_status s = goss_model_load(path, first, err);
    if (s != GOSS_OK) {
        cli_model_missing(path);
        return s;
    }
    GOSS_TRY(cli_set_strengths(*first, all.strengths, err));
    return all.split ? GOSS_OK : cli_kind_of(goss_model_data(*first), path, kind, err);
}

int cmd_eval(int argc, char **argv) {
    if (cli_has_agent(argc, argv)) return cli_eval_agents(argc, argv);
    goss_error err;
    goss_model *first = NULL;
    const cli_kind *kind;
    if (cli_model_is_absent(argc, argv, &err)) return cli_fail(&err);
    asked.episode = goss_episode_spec_defaults();
    const int words = cli_parse(&verb, argc, argv);
    if (words < 0) return cli_close_stdout();
    read_split();
    char found[CLI_MODEL_PATH];
    if (all.folds) return print_folds(words ? cli_model_path(argv[1], found) : "RUN.ini");
    check(words, argv + 1);
    cli_log_once_to_stderr();
    if (check_outputs(argv + 1, words, &err) != GOSS_OK) return cli_fail(&err);
    if (load(argv[1], &first, &kind, &err) != GOSS_OK) {
        goss_model_free(first);
        return cli_fail(&err);
    }
    if (all.split) return judge_split(first);
    cli_refuse_other_kinds(&verb, kind, argv[1]);
    if (asked.share > 0 && !kind->alone)
        cli_usage(&verb, "--split %g is for whole tables (gossamer eval tables), and %s is of %s", asked.share, argv[1],
                  kind->things);
    if (asked.fine_tune == GOSS_FINE_TUNE_AUTO && !kind->alone)
        cli_usage(&verb, "--fine-tune auto is for whole tables (gossamer eval tables), and %s is of %s: give a number",
                  argv[1], kind->things);
    asked.episode.seed = asked.seed;
    if (!kind->eval) cli_usage(&verb, "%s: models of %s cannot be judged yet", argv[1], kind->things);
    return kind->eval(&asked, &verb, first, argv + 1, words);
}
